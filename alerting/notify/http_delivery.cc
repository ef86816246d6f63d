#include "alerting/notify/http_delivery.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace tocsin::alerting {
namespace {

// Answers are only looked at for an error text or Slack's reply.
constexpr uint64_t kMaxAnswer = 1u << 20;
constexpr size_t kShownAnswer = 200;

FailureReason ReasonOf(int status) {
  if (status == 401 || status == 403) return FailureReason::kAuthError;
  if (status == 429) return FailureReason::kRateLimited;
  if (status >= 400 && status < 500) return FailureReason::kClientError;
  if (status >= 500) return FailureReason::kServerError;
  return FailureReason::kOther;
}

// The URL of a receiver is its credential (Slack, webhooks): a failure is told without it.
Error WithoutUrl(const Error& error) {
  const std::string& text = error.message();
  const size_t begin = text.find('"');
  const size_t end = begin == std::string::npos ? begin : text.find('"', begin + 1);
  if (end == std::string::npos) return error;
  return Error(error.code(), text.substr(0, begin + 1) + "<secret>" + text.substr(end));
}

class HttpDelivery final : public Delivery {
 public:
  HttpDelivery(Transport& transport, HttpRequest request, HttpDeliveryOptions options)
      : transport_(transport),
        request_(std::move(request)),
        options_(std::make_shared<HttpDeliveryOptions>(std::move(options))) {}

  std::unique_ptr<Exchange> Start(Duration timeout,
                                  std::function<void(DeliveryResult)> done) override {
    HttpRequest request = request_;
    request.timeout = timeout;
    if (options_->timeout.count() > 0) request.timeout = std::min(timeout, options_->timeout);
    request.max_response_bytes = kMaxAnswer;
    return Fetch(transport_, std::move(request),
                 [done = std::move(done), options = options_](Result<HttpResponse> response,
                                                              TransportPhase /*phase*/) {
                   done(Judge(std::move(response), *options));
                 });
  }

 private:
  static DeliveryResult Judge(Result<HttpResponse> response, const HttpDeliveryOptions& options) {
    DeliveryResult out;
    if (!response.ok()) {
      out.status = WithoutUrl(response.error());
      out.retry = true;
      if (response.error().code() == ErrorCode::kTimeout) {
        out.reason = FailureReason::kContextDeadlineExceeded;
      }
      return out;
    }
    const int status = response->status;
    if (status >= 200 && status < 300) {
      if (options.check) out.status = options.check(*response, &out.receiver_data);
      if (!out.status.ok()) out.reason = FailureReason::kClientError;
      return out;
    }
    out.status = Error(ErrorCode::kExecution, "unexpected status code " + std::to_string(status) +
                                                  ": " + response->body.substr(0, kShownAnswer));
    out.reason = ReasonOf(status);
    out.retry = status >= 500 || std::find(options.retry_codes.begin(), options.retry_codes.end(),
                                           status) != options.retry_codes.end();
    return out;
  }

  Transport& transport_;
  const HttpRequest request_;
  const std::shared_ptr<const HttpDeliveryOptions> options_;
};

}  // namespace

std::string_view FailureReasonName(FailureReason reason) {
  switch (reason) {
    case FailureReason::kClientError:
      return "clientError";
    case FailureReason::kAuthError:
      return "authError";
    case FailureReason::kRateLimited:
      return "rateLimited";
    case FailureReason::kServerError:
      return "serverError";
    case FailureReason::kContextCanceled:
      return "contextCanceled";
    case FailureReason::kContextDeadlineExceeded:
      return "contextDeadlineExceeded";
    case FailureReason::kOther:
      break;
  }
  return "other";
}

HttpRequest JsonRequest(std::string url, std::string body,
                        std::shared_ptr<const TransportConfig> config) {
  HttpRequest request;
  request.method = "POST";
  request.url = std::move(url);
  request.headers = {{"Content-Type", "application/json"}, {"User-Agent", std::string(kUserAgent)}};
  request.body = std::move(body);
  request.config = std::move(config);
  return request;
}

std::unique_ptr<Delivery> MakeHttpDelivery(Transport& transport, HttpRequest request,
                                           HttpDeliveryOptions options) {
  return std::make_unique<HttpDelivery>(transport, std::move(request), std::move(options));
}

}  // namespace tocsin::alerting
