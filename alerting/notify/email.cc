#include "alerting/notify/email.h"

#include <algorithm>

#include "alerting/config_types.h"
#include "alerting/notify/mime.h"
#include "alerting/notify/template_data.h"
#include "fmt/format.h"
#include "storage/base/crypto.h"
#include "storage/model/duration.h"

namespace tocsin::alerting {
namespace {

constexpr uint16_t kSmtpsPort = 465;
constexpr size_t kThreadKeyHex = 16;

struct EmailSettings {
  std::string to, from;
  HostPort smarthost;
  std::string hello;
  std::string auth_username, auth_identity;
  SecretSource auth_password, auth_secret;
  std::vector<std::pair<std::string, std::string>> headers;  // templates, by canonical name
  std::string html = R"({{ template "email.default.html" . }})";
  std::string text;
  bool require_tls = true;
  bool implicit_tls = false;
  TransportConfigPtr tls;
  bool threading = false;
  bool thread_by_day = true;
};

class MailDelivery final : public Delivery {
 public:
  MailDelivery(Mailer& mailer, SmtpServer server, MailMessage message)
      : mailer_(mailer), server_(std::move(server)), message_(std::move(message)) {}

  std::unique_ptr<Exchange> Start(Duration timeout,
                                  std::function<void(DeliveryResult)> done) override {
    MailMessage message = message_;
    message.timeout = timeout;
    return mailer_.Send(server_, std::move(message), [done = std::move(done)](Status status) {
      DeliveryResult out;
      out.status = std::move(status);
      out.retry = !out.status.ok();
      if (out.retry && out.status.error().code() == ErrorCode::kTimeout) {
        out.reason = FailureReason::kContextDeadlineExceeded;
      }
      done(std::move(out));
    });
  }

 private:
  Mailer& mailer_;
  const SmtpServer server_;
  const MailMessage message_;
};

class EmailNotifier final : public Notifier {
 public:
  EmailNotifier(const EmailSettings& settings, const NotifierPorts& ports)
      : settings_(settings), ports_(ports) {}

  Result<std::unique_ptr<Delivery>> Prepare(const Notification& n) const override {
    Renderer render(ports_, n);
    MailMessage message;
    const auto senders = ParseAddressList(render.Text("from", settings_.from));
    const auto recipients = ParseAddressList(render.Text("to", settings_.to));
    std::vector<MimePart> parts;
    if (!settings_.text.empty()) {
      parts.push_back({"text/plain", render.Text("text", settings_.text)});
    }
    if (!settings_.html.empty()) {
      parts.push_back({"text/html", render.Html("html", settings_.html)});
    }
    const auto headers = Headers(n, render);
    TOCSIN_RETURN_IF_ERROR(render.status());
    if (!senders.ok()) return senders.error().WithContext("parse 'from' addresses");
    if (senders->size() != 1) return InvalidArgument("must be exactly one 'from' address");
    if (!recipients.ok()) return recipients.error().WithContext("parse 'to' addresses");
    message.from = senders->front();
    message.to = *recipients;
    message.data = BuildMail(headers, parts, NewWord());
    TOCSIN_ASSIGN(SmtpServer server, Server());
    return std::unique_ptr<Delivery>(
        std::make_unique<MailDelivery>(ports_.mailer, std::move(server), std::move(message)));
  }

 private:
  std::string NewWord() const {
    return fmt::format("{:016x}{:016x}", ports_.random.Next(), ports_.random.Next());
  }

  Result<SmtpServer> Server() const {
    SmtpServer out;
    out.host = settings_.smarthost.host;
    out.port = settings_.smarthost.port;
    out.hello = settings_.hello;
    out.username = settings_.auth_username;
    out.identity = settings_.auth_identity;
    TOCSIN_ASSIGN(out.password, settings_.auth_password.Read(ports_.files));
    TOCSIN_ASSIGN(out.secret, settings_.auth_secret.Read(ports_.files));
    out.require_tls = settings_.require_tls;
    out.implicit_tls = settings_.implicit_tls;
    out.tls = settings_.tls;
    return out;
  }

  std::vector<std::pair<std::string, std::string>> Headers(const Notification& n,
                                                           Renderer& render) const {
    std::vector<std::pair<std::string, std::string>> out;
    bool message_id = false;
    for (const auto& [name, text] : settings_.headers) {
      out.emplace_back(name, render.Text("header " + name, text));
      message_id = message_id || name == "Message-Id";
    }
    if (!message_id) {
      out.emplace_back("Message-Id",
                       fmt::format("<{}.{}@{}>", n.now.ms, NewWord(), settings_.hello));
    }
    if (settings_.threading) {
      const std::string day = settings_.thread_by_day ? FormatRfc3339(n.now).substr(0, 10) : "";
      const std::string thread = fmt::format("<alert-{}-{}@alertmanager>",
                                             Sha256Hex(n.group_key).substr(0, kThreadKeyHex), day);
      out.emplace_back("References", thread);
      out.emplace_back("In-Reply-To", thread);
    }
    out.emplace_back("Date", FormatMailDate(ports_.clock.Now()));
    return out;
  }

  const EmailSettings& settings_;
  const NotifierPorts ports_;
};

class EmailConfig final : public IntegrationConfig {
 public:
  EmailConfig(EmailSettings settings, bool send_resolved)
      : IntegrationConfig("email", send_resolved), settings_(std::move(settings)) {}

  std::unique_ptr<Notifier> Build(const NotifierPorts& ports) const override {
    return std::make_unique<EmailNotifier>(settings_, ports);
  }

 private:
  EmailSettings settings_;
};

Status ReadHeaders(StrictMap& map, EmailSettings& out) {
  const YamlNode* node = map.Get("headers");
  if (node != nullptr) {
    TOCSIN_ASSIGN(const auto pairs, YamlStringMap(*node));
    for (const auto& [name, value] : pairs) {
      const std::string canonical = CanonicalHeaderName(name);
      if (name.empty() || name.find_first_of(": \r\n") != std::string::npos) {
        return node->MakeError("\"" + name + "\" is not a header name");
      }
      if (std::any_of(out.headers.begin(), out.headers.end(),
                      [&](const auto& h) { return h.first == canonical; })) {
        return node->MakeError("duplicate header \"" + canonical + "\" in email config");
      }
      out.headers.emplace_back(canonical, value);
    }
  }
  const auto fill_in = [&out](const std::string& name, std::string text) {
    const auto same = [&](const auto& h) { return h.first == name; };
    if (std::none_of(out.headers.begin(), out.headers.end(), same)) {
      out.headers.emplace_back(name, std::move(text));
    }
  };
  fill_in("Subject", R"({{ template "email.default.subject" . }})");
  fill_in("To", out.to);
  fill_in("From", out.from);
  std::sort(out.headers.begin(), out.headers.end());
  return OkStatus();
}

Status ReadThreading(StrictMap& map, EmailSettings& out) {
  const YamlNode* node = map.Get("threading");
  if (node == nullptr) return OkStatus();
  StrictMap inner(*node, "threading");
  std::string by_date = "daily";
  inner.Read("enabled", &out.threading);
  inner.Read("thread_by_date", &by_date);
  if (by_date != "daily" && by_date != "none") {
    inner.FailAt("thread_by_date", "thread_by_date must be none or daily");
  }
  out.thread_by_day = by_date == "daily";
  return inner.Finish();
}

Status ReadServer(StrictMap& map, const YamlNode& node, const IntegrationContext& context,
                  EmailSettings& out) {
  const GlobalConfig& global = context.global;
  if (const YamlNode* smarthost = map.Get("smarthost")) {
    const auto parsed = ParseHostPort(smarthost->scalar);
    if (!parsed.ok()) return smarthost->MakeError(parsed.error().message());
    out.smarthost = *parsed;
  } else if (global.smtp_smarthost) {
    out.smarthost = *global.smtp_smarthost;
  } else {
    return node.MakeError("no global SMTP smarthost set");
  }
  out.hello = global.smtp_hello;
  map.Read("hello", &out.hello);
  out.auth_username = global.smtp_auth_username;
  map.Read("auth_username", &out.auth_username);
  out.auth_identity = global.smtp_auth_identity;
  map.Read("auth_identity", &out.auth_identity);
  out.auth_password = global.smtp_auth_password;
  ReadSecret(map, "auth_password", context.base_file, &out.auth_password);
  out.auth_secret = global.smtp_auth_secret;
  ReadSecret(map, "auth_secret", context.base_file, &out.auth_secret);
  out.require_tls = global.smtp_require_tls;
  map.Read("require_tls", &out.require_tls);
  bool implicit = global.smtp_force_implicit_tls.value_or(out.smarthost.port == kSmtpsPort);
  map.Read("force_implicit_tls", &implicit);
  out.implicit_tls = implicit;
  auto tls = std::make_shared<TransportConfig>();
  tls->tls = global.smtp_tls;
  if (const YamlNode* tls_node = map.Get("tls_config")) {
    TOCSIN_ASSIGN(tls->tls, ReadTlsConfig(*tls_node, context.base_file));
  }
  out.tls = std::move(tls);
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<IntegrationConfig>> ParseEmailConfig(const YamlNode& node,
                                                            const IntegrationContext& context) {
  EmailSettings out;
  bool send_resolved = false;
  StrictMap map(node, "email config");
  map.Read("send_resolved", &send_resolved);
  map.Read("to", &out.to);
  out.from = context.global.smtp_from;
  map.Read("from", &out.from);
  TOCSIN_RETURN_IF_ERROR(ReadServer(map, node, context, out));
  TOCSIN_RETURN_IF_ERROR(ReadHeaders(map, out));
  map.Read("html", &out.html);
  map.Read("text", &out.text);
  TOCSIN_RETURN_IF_ERROR(ReadThreading(map, out));
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (out.to.empty()) return node.MakeError("missing to address in email config");
  if (out.from.empty()) return node.MakeError("no global SMTP from set");
  return std::unique_ptr<IntegrationConfig>(
      std::make_unique<EmailConfig>(std::move(out), send_resolved));
}

}  // namespace tocsin::alerting
