// HTTP without sockets: the test answers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/mailer.h"
#include "storage/base/scheduler.h"
#include "storage/base/transport.h"

namespace tocsin::testing {

struct FakeAnswer {
  int status = 200;
  std::string body;
  HttpHeaders headers;
  Status error;  // not ok: no answer, this failure instead
  TransportPhase phase = TransportPhase::kConnect;
  Duration delay{0};
  bool never = false;  // the timeout of the request ends it
};

// Callbacks come on the given scheduler. Records every request.
class FakeTransport final : public Transport {
 public:
  using Answerer = std::function<FakeAnswer(const HttpRequest&)>;

  explicit FakeTransport(Scheduler& scheduler, Answerer answer = {})
      : scheduler_(scheduler), answer_(std::move(answer)) {}

  void SetAnswer(Answerer answer) { answer_ = std::move(answer); }
  const std::vector<HttpRequest>& requests() const { return requests_; }
  void Clear() { requests_.clear(); }

  std::unique_ptr<Exchange> Start(HttpRequest request,
                                  std::shared_ptr<ResponseHandler> handler) override {
    requests_.push_back(request);
    FakeAnswer answer = answer_ ? answer_(request) : FakeAnswer{};
    auto exchange = std::make_unique<FakeExchange>();
    const Duration delay = answer.never ? request.timeout : answer.delay;
    exchange->timer = scheduler_.After(delay, [handler, answer, request] {
      if (answer.never) {
        handler->OnDone(
            {Error(ErrorCode::kTimeout, "context deadline exceeded"), TransportPhase::kBody});
        return;
      }
      if (!answer.error.ok()) {
        handler->OnDone({answer.error, answer.phase});
        return;
      }
      handler->OnHeaders(answer.status, answer.headers);
      if (answer.body.size() > request.max_response_bytes) {
        handler->OnDone(
            {Error(ErrorCode::kLimit, "body size limit exceeded"), TransportPhase::kBody});
        return;
      }
      if (!answer.body.empty() && !handler->OnData(answer.body)) {
        handler->OnDone({Error(ErrorCode::kCanceled, "canceled"), TransportPhase::kBody});
        return;
      }
      handler->OnDone({OkStatus(), TransportPhase::kBody});
    });
    return exchange;
  }

 private:
  struct FakeExchange final : Exchange {
    Timer timer;
  };

  Scheduler& scheduler_;
  Answerer answer_;
  std::vector<HttpRequest> requests_;
};

class FakeMailer final : public Mailer {
 public:
  explicit FakeMailer(Scheduler& scheduler) : scheduler_(scheduler) {}

  std::unique_ptr<Exchange> Send(const SmtpServer& server, MailMessage message,
                                 std::function<void(Status)> done) override {
    sent_.emplace_back(server, std::move(message));
    auto exchange = std::make_unique<FakeExchange>();
    exchange->timer = scheduler_.After(Duration{0}, [done, this] { done(result_); });
    return exchange;
  }
  void SetResult(Status result) { result_ = std::move(result); }
  const std::vector<std::pair<SmtpServer, MailMessage>>& sent() const { return sent_; }

 private:
  struct FakeExchange final : Exchange {
    Timer timer;
  };

  Scheduler& scheduler_;
  Status result_;
  std::vector<std::pair<SmtpServer, MailMessage>> sent_;
};

}  // namespace tocsin::testing
