#include "http/oauth2.h"

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>

#include "http/message.h"
#include "storage/base/crypto.h"
#include "storage/base/json.h"
#include "storage/base/number.h"
#include "storage/config/transport_config.h"

namespace tocsin::http {
namespace {

using Oauth2 = TransportConfig::Oauth2;

constexpr Duration kEarly{10'000};  // a token is not used in its last seconds
constexpr Duration kFetchTimeout{10'000};
constexpr uint64_t kMaxAnswerBytes = 1u << 20;
constexpr size_t kMaxSources = 256;  // of tokens; reloads may leave unused ones behind

// An exchange before and after it got its token.
struct Pending final {
  HttpRequest request;
  std::shared_ptr<ResponseHandler> handler;  // until sent: it may own whoever holds the exchange
  MonotonicTime deadline;
  std::mutex mutex;
  std::unique_ptr<Exchange> exchange;
  bool canceled = false;
};
using PendingPtr = std::shared_ptr<Pending>;

// Where one configuration's tokens come from.
struct Source {
  Oauth2 config;
  std::string authorization;  // the header's value; empty: no token
  std::optional<MonotonicTime> expires;
  // Some servers want the client's name and secret in the header (RFC 6749, 2.3.1), some in the
  // body: found out once.
  bool in_body = false;
  bool fetching = false;
  std::unique_ptr<Exchange> fetch;
  std::vector<PendingPtr> waiting;
};
using SourcePtr = std::shared_ptr<Source>;

Result<std::string> SecretOf(const Oauth2& config, const FileSystem& files) {
  if (config.client_secret_file.empty()) return config.client_secret.Reveal();
  auto text = files.ReadFile(config.client_secret_file, 1u << 20);
  if (!text.ok()) return text.error().WithContext("unable to read client_secret_file");
  while (!text->empty() && std::string_view(" \t\r\n").find(text->back()) != std::string::npos)
    text->pop_back();
  return text;
}

std::shared_ptr<const TransportConfig> TransportOf(const Oauth2& config) {
  TransportConfig out;
  out.tls = config.tls;
  out.proxy_url = config.proxy_url;
  out.no_proxy = config.no_proxy;
  out.proxy_from_environment = config.proxy_from_environment;
  out.proxy_connect_header = config.proxy_connect_header;
  return std::make_shared<const TransportConfig>(std::move(out));
}

HttpRequest TokenRequest(const Oauth2& config, const std::string& secret, bool in_body) {
  std::string form;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!form.empty()) form += '&';
    form += PercentEncode(name) + "=" + PercentEncode(value);
  };
  add("grant_type", "client_credentials");
  std::string scopes;
  for (const std::string& scope : config.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
  if (!scopes.empty()) add("scope", scopes);
  for (const auto& [name, value] : config.endpoint_params) add(name, value);
  HttpRequest request;
  request.method = "POST";
  request.url = config.token_url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  if (in_body) {
    add("client_id", config.client_id);
    if (!secret.empty()) add("client_secret", secret);
  } else {
    request.headers.emplace_back(
        "Authorization",
        "Basic " + Base64(PercentEncode(config.client_id) + ":" + PercentEncode(secret)));
  }
  request.body = std::move(form);
  request.max_response_bytes = kMaxAnswerBytes;
  request.config = TransportOf(config);
  return request;
}

struct Token {
  std::string authorization;
  std::optional<Duration> lives;
};

// "bearer" is written as every server knows it.
std::string TypeText(const std::string& type) {
  std::string lower = type;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return type.empty() || lower == "bearer" ? "Bearer" : type;
}

Result<Token> ReadToken(const Result<HttpResponse>& response) {
  if (!response.ok()) return response.error();
  if (response->status < 200 || response->status > 299)
    return Error(ErrorCode::kUnavailable,
                 "the server answered with HTTP status " + std::to_string(response->status));
  const auto json = ParseJson(response->body);
  if (!json.ok()) return InvalidArgument("the answer is not JSON");
  const JsonValue* token = json->Find("access_token");
  if (token == nullptr || token->AsString() == nullptr || token->AsString()->empty())
    return InvalidArgument("the answer has no access_token");
  if (token->AsString()->find_first_of("\r\n") != std::string::npos)
    return InvalidArgument("the access_token is not one line");
  const JsonValue* type = json->Find("token_type");
  Token out;
  out.authorization =
      TypeText(type != nullptr && type->AsString() != nullptr ? *type->AsString() : "") + " " +
      *token->AsString();
  if (const JsonValue* lives = json->Find("expires_in")) {
    double seconds = lives->AsNumber() != nullptr ? *lives->AsNumber() : 0;
    if (lives->AsString() != nullptr) seconds = ParseFloat(*lives->AsString()).value_or(0);
    constexpr double kLongest = 10 * 365 * 86400.0;
    if (seconds > 0) out.lives = Duration{static_cast<int64_t>(std::min(seconds, kLongest) * 1e3)};
  }
  return out;
}

}  // namespace

struct Oauth2Transport::Impl : std::enable_shared_from_this<Impl> {
  Impl(Transport& t, const Clock& c, Scheduler& s, const FileSystem& f)
      : inner(t), clock(c), scheduler(s), files(f) {}

  MonotonicTime In(Duration d) const { return {clock.Monotonic().since_start + d}; }
  SourcePtr SourceOf(const Oauth2& config);  // REQUIRES: mutex held
  void Begin(const PendingPtr& pending);
  void Fetch(const SourcePtr& source, bool in_body, Duration timeout);
  void OnToken(const SourcePtr& source, const Result<HttpResponse>& response, TransportPhase phase,
               bool in_body, Duration timeout);
  void Send(const PendingPtr& pending, const SourcePtr& source, const std::string& authorization);
  void Forget(const SourcePtr& source, const std::string& authorization);

  Transport& inner;
  const Clock& clock;
  Scheduler& scheduler;
  const FileSystem& files;
  std::mutex mutex;              // guards all below and the sources
  std::list<SourcePtr> sources;  // the latest used first
};

namespace {

// Passes everything on and notices when the token is not taken.
class Watcher final : public ResponseHandler {
 public:
  Watcher(std::shared_ptr<ResponseHandler> next, std::function<void()> refused)
      : next_(std::move(next)), refused_(std::move(refused)) {}

  void OnHeaders(int status, const HttpHeaders& headers) override {
    constexpr int kUnauthorized = 401;
    if (status == kUnauthorized) refused_();
    next_->OnHeaders(status, headers);
  }
  bool OnData(std::string_view data) override { return next_->OnData(data); }
  void OnDone(const TransportResult& result) override { next_->OnDone(result); }

 private:
  const std::shared_ptr<ResponseHandler> next_;
  const std::function<void()> refused_;
};

class PendingExchange final : public Exchange {
 public:
  explicit PendingExchange(PendingPtr pending) : pending_(std::move(pending)) {}
  ~PendingExchange() override {
    std::unique_ptr<Exchange> exchange;
    std::lock_guard lock(pending_->mutex);
    pending_->canceled = true;
    exchange.swap(pending_->exchange);
  }

 private:
  const PendingPtr pending_;
};

void Fail(const PendingPtr& pending, const Error& error, TransportPhase phase) {
  std::shared_ptr<ResponseHandler> handler;
  {
    std::lock_guard lock(pending->mutex);
    if (std::exchange(pending->canceled, true)) return;
    handler = std::move(pending->handler);
  }
  handler->OnDone({error.WithContext("oauth2: cannot fetch token"), phase});
}

}  // namespace

SourcePtr Oauth2Transport::Impl::SourceOf(const Oauth2& config) {
  auto it = std::find_if(sources.begin(), sources.end(),
                         [&](const SourcePtr& source) { return source->config == config; });
  if (it == sources.end()) {
    sources.push_front(std::make_shared<Source>());
    sources.front()->config = config;
    // One that is fetching has requests waiting for it.
    if (sources.size() > kMaxSources && !sources.back()->fetching) sources.pop_back();
  } else {
    sources.splice(sources.begin(), sources, it);
  }
  return sources.front();
}

void Oauth2Transport::Impl::Begin(const PendingPtr& pending) {
  SourcePtr source;
  std::string authorization;
  bool in_body = false;
  {
    std::lock_guard lock(mutex);
    source = SourceOf(*pending->request.config->oauth2);
    if (!source->authorization.empty() &&
        (!source->expires || clock.Monotonic() < *source->expires)) {
      authorization = source->authorization;
    } else {
      source->waiting.push_back(pending);
      if (std::exchange(source->fetching, true)) return;
      in_body = source->in_body;
    }
  }
  if (!authorization.empty()) return Send(pending, source, authorization);
  Fetch(source, in_body, std::min(kFetchTimeout, pending->request.timeout));
}

void Oauth2Transport::Impl::Fetch(const SourcePtr& source, bool in_body, Duration timeout) {
  const auto secret = SecretOf(source->config, files);
  if (!secret.ok()) {
    scheduler.Post([self = shared_from_this(), source, error = secret.error(), in_body, timeout] {
      self->OnToken(source, error, TransportPhase::kConnect, in_body, timeout);
    });
    return;
  }
  HttpRequest request = TokenRequest(source->config, *secret, in_body);
  request.timeout = timeout;
  auto exchange =
      tocsin::Fetch(inner, std::move(request),
                    [weak = weak_from_this(), of = std::weak_ptr(source), in_body, timeout](
                        const Result<HttpResponse>& response, TransportPhase phase) {
                      const auto self = weak.lock();
                      const auto known = of.lock();
                      if (self != nullptr && known != nullptr)
                        self->OnToken(known, response, phase, in_body, timeout);
                    });
  std::lock_guard lock(mutex);
  source->fetch.swap(exchange);  // what was there has ended
}

void Oauth2Transport::Impl::OnToken(const SourcePtr& source, const Result<HttpResponse>& response,
                                    TransportPhase phase, bool in_body, Duration timeout) {
  const bool refused = response.ok() && response->status >= 400 && response->status < 500;
  if (refused && !in_body) {
    bool known = false;
    {
      std::lock_guard lock(mutex);
      known = !source->authorization.empty();  // the header was right before
    }
    if (!known) return Fetch(source, true, timeout);
  }
  const Result<Token> token = ReadToken(response);
  std::vector<PendingPtr> waiting;
  {
    std::lock_guard lock(mutex);
    source->fetching = false;
    waiting.swap(source->waiting);
    if (token.ok()) {
      source->in_body = in_body;
      source->authorization = token->authorization;
      source->expires.reset();
      if (token->lives) {
        const Duration used =
            *token->lives > 2 * kEarly ? *token->lives - kEarly : *token->lives / 2;
        source->expires = In(used);
      }
    }
  }
  for (const PendingPtr& pending : waiting) {
    if (token.ok()) {
      Send(pending, source, token->authorization);
    } else {
      Fail(pending, token.error(), phase);
    }
  }
}

void Oauth2Transport::Impl::Send(const PendingPtr& pending, const SourcePtr& source,
                                 const std::string& authorization) {
  std::lock_guard lock(pending->mutex);
  if (pending->canceled) return;
  HttpRequest request = std::move(pending->request);
  request.headers.emplace_back("Authorization", authorization);
  const auto left = std::chrono::duration_cast<Duration>(pending->deadline - clock.Monotonic());
  request.timeout = std::max(left, Duration{1});
  pending->exchange =
      inner.Start(std::move(request),
                  std::make_shared<Watcher>(std::move(pending->handler),
                                            [weak = weak_from_this(), source, authorization] {
                                              if (const auto self = weak.lock())
                                                self->Forget(source, authorization);
                                            }));
}

void Oauth2Transport::Impl::Forget(const SourcePtr& source, const std::string& authorization) {
  std::lock_guard lock(mutex);
  if (source->authorization == authorization) source->expires = clock.Monotonic();
}

Oauth2Transport::Oauth2Transport(Transport& inner, const Clock& clock, Scheduler& scheduler,
                                 const FileSystem& files)
    : impl_(std::make_shared<Impl>(inner, clock, scheduler, files)) {}

Oauth2Transport::~Oauth2Transport() = default;

std::unique_ptr<Exchange> Oauth2Transport::Start(HttpRequest request,
                                                 std::shared_ptr<ResponseHandler> handler) {
  if (request.config == nullptr || !request.config->oauth2)
    return impl_->inner.Start(std::move(request), std::move(handler));
  auto pending = std::make_shared<Pending>();
  pending->deadline = impl_->In(request.timeout);
  pending->request = std::move(request);
  pending->handler = std::move(handler);
  impl_->Begin(pending);
  return std::make_unique<PendingExchange>(std::move(pending));
}

}  // namespace tocsin::http
