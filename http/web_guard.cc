#include "http/web_guard.h"

#include <openssl/evp.h>
#include <strings.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <set>

#include "http/tls.h"
#include "storage/base/crypto.h"
#include "storage/base/log.h"

namespace tocsin::http {
namespace {

constexpr std::chrono::seconds kLookAgain{1};
constexpr int kMaxWaiting = 64;
constexpr size_t kMaxRemembered = 1000;
// Of no password: an unknown name takes as long as a known one.
constexpr char kNobody[] = "$2y$10$.............................................................";

struct Credentials {
  std::string user, password;
};

std::optional<Credentials> ReadBasic(std::string_view header) {
  constexpr std::string_view kScheme = "basic ";
  if (header.size() < kScheme.size() ||
      strncasecmp(header.data(), kScheme.data(), kScheme.size()) != 0)
    return std::nullopt;
  std::string_view text = header.substr(kScheme.size());
  constexpr size_t kMaxText = 4096;
  if (text.size() % 4 != 0 || text.empty() || text.size() > kMaxText) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  if (n < 0) return std::nullopt;
  for (size_t i = 0; i < 2 && text[text.size() - 1 - i] == '='; ++i) out.pop_back();
  const size_t colon = out.find(':');
  if (colon == std::string::npos || out.find('\0') != std::string::npos) return std::nullopt;
  return Credentials{out.substr(0, colon), out.substr(colon + 1)};
}

Response Unauthorized() {
  Response response;
  response.status = 401;
  response.body = "Unauthorized\n";
  response.headers.emplace_back("WWW-Authenticate", "Basic");
  return response;
}

class Guard final : public WebGuard, public std::enable_shared_from_this<Guard> {
 public:
  Guard(std::string file, const FileSystem& files, const Clock& clock, Executor& passwords)
      : file_(std::move(file)), files_(files), clock_(clock), strand_(passwords) {}

  Status Read() {
    TOCSIN_ASSIGN(WebConfig config, LoadWebConfig(file_, files_));
    std::shared_ptr<TlsContext> tls;
    if (config.tls) {
      TOCSIN_ASSIGN(tls, MakeTlsContext(*config.tls));
    }
    if (config_ != nullptr && config.tls.has_value() != config_->tls.has_value())
      return InvalidArgument("TLS can not be turned on or off while running");
    if (config_ != nullptr && config == *config_) return OkStatus();
    config_ = std::make_shared<const WebConfig>(std::move(config));
    tls_ = std::move(tls);
    remembered_.clear();
    return OkStatus();
  }

  std::shared_ptr<TlsContext> Tls() override {
    std::lock_guard lock(mutex_);
    LookAgain();
    return tls_;
  }

  Handler Protect(Handler next) override {
    return [self = shared_from_this(), next = std::move(next)](
               std::shared_ptr<const Request> request, Responder respond) {
      self->Handle(next, std::move(request), std::move(respond));
    };
  }

 private:
  void LookAgain() {  // REQUIRES: mutex_ held
    const MonotonicTime now = clock_.Monotonic();
    if (now - looked_ < kLookAgain) return;
    looked_ = now;
    const Status read = Read();
    const std::string error = read.ok() ? "" : read.error().message();
    if (!error.empty() && error != last_error_)
      log::Error("reading the web configuration failed", {{"file", file_}, {"err", error}});
    last_error_ = error;
  }

  void Handle(const Handler& next, std::shared_ptr<const Request> request, Responder respond) {
    std::shared_ptr<const WebConfig> config;
    {
      std::lock_guard lock(mutex_);
      LookAgain();
      config = config_;
    }
    if (!config->headers.empty()) {
      respond = [config, respond = std::move(respond)](Response response) {
        response.headers.insert(response.headers.end(), config->headers.begin(),
                                config->headers.end());
        respond(std::move(response));
      };
    }
    if (config->users.empty()) return next(std::move(request), std::move(respond));
    const auto given = ReadBasic(request->header("authorization"));
    if (!given) return respond(Unauthorized());
    const auto user = config->users.find(given->user);
    const bool known = user != config->users.end();
    const std::string hash = known ? user->second : kNobody;
    const std::string key = Sha256Hex(given->user + '\0' + hash + '\0' + given->password);
    bool remembered = false;
    {
      std::lock_guard lock(mutex_);
      remembered = remembered_.contains(key);
    }
    if (remembered) return next(std::move(request), std::move(respond));
    if (waiting_.fetch_add(1) >= kMaxWaiting) {
      --waiting_;
      return respond({.status = 503, .body = "too many passwords to check\n"});
    }
    strand_.Post([self = shared_from_this(), next, request = std::move(request),
                  respond = std::move(respond), hash, password = given->password, key, known] {
      const bool right = CheckPassword(hash, password) && known;
      --self->waiting_;
      if (!right) return respond(Unauthorized());
      self->Remember(key);
      next(request, respond);
    });
  }

  void Remember(const std::string& key) {
    std::lock_guard lock(mutex_);
    if (remembered_.size() >= kMaxRemembered) remembered_.clear();
    remembered_.insert(key);
  }

  const std::string file_;
  const FileSystem& files_;
  const Clock& clock_;
  Strand strand_;
  std::atomic<int> waiting_{0};
  std::mutex mutex_;  // guards what follows
  std::shared_ptr<const WebConfig> config_;
  std::shared_ptr<TlsContext> tls_;
  std::set<std::string> remembered_;  // digests of name, hash and password
  MonotonicTime looked_;
  std::string last_error_;
};

}  // namespace

Result<std::shared_ptr<WebGuard>> WebGuard::Load(const std::string& file, const FileSystem& files,
                                                 const Clock& clock, Executor& passwords) {
  auto guard = std::make_shared<Guard>(file, files, clock, passwords);
  if (const Status read = guard->Read(); !read.ok())
    return read.error().WithContext("web configuration " + file);
  return std::shared_ptr<WebGuard>(std::move(guard));
}

}  // namespace tocsin::http
