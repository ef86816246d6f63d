#include "http/client_options.h"

#include <cerrno>
#include <cstring>

#include "storage/config/transport_config.h"

namespace tocsin::http {
namespace {

void AddLine(std::unique_ptr<curl_slist, CurlRequest::FreeList>& list, const std::string& line) {
  if (curl_slist* longer = curl_slist_append(list.get(), line.c_str())) {
    (void)list.release();
    list.reset(longer);
  }
}

// The inline text, or what the file holds (trailing white space cut, as secrets end in a newline).
Result<std::string> TextOrFile(const std::string& text, const std::string& file,
                               const FileSystem& files, std::string_view what) {
  if (file.empty()) return text;
  auto content = files.ReadFile(file, 1u << 20);
  if (!content.ok()) return content.error().WithContext("unable to read " + std::string(what));
  while (!content->empty() && std::strchr(" \t\r\n", content->back())) content->pop_back();
  return content;
}

long TlsVersion(const std::string& name, long fallback) {
  if (name == "TLS10") return CURL_SSLVERSION_TLSv1_0;
  if (name == "TLS11") return CURL_SSLVERSION_TLSv1_1;
  if (name == "TLS12") return CURL_SSLVERSION_TLSv1_2;
  if (name == "TLS13") return CURL_SSLVERSION_TLSv1_3;
  return fallback;
}

void SetBlob(CURL* easy, CURLoption option, const std::string& text) {
  curl_blob blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_COPY};
  curl_easy_setopt(easy, option, &blob);
}

void SetTls(CURL* easy, const TlsConfig& tls) {
  if (!tls.ca.empty()) SetBlob(easy, CURLOPT_CAINFO_BLOB, tls.ca);
  if (!tls.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.cert.empty()) SetBlob(easy, CURLOPT_SSLCERT_BLOB, tls.cert);
  if (!tls.cert_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLCERT, tls.cert_file.c_str());
  if (!tls.key.empty()) SetBlob(easy, CURLOPT_SSLKEY_BLOB, tls.key.Reveal());
  if (!tls.key_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLKEY, tls.key_file.c_str());
  const long verify = tls.insecure_skip_verify ? 0 : 1;
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify * 2);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                   TlsVersion(tls.min_version, CURL_SSLVERSION_TLSv1_2) |
                       (TlsVersion(tls.max_version, 0) << 16));
}

// Without user:password@ and query: an address that may be shown.
std::string PublicUrl(const std::string& url) {
  std::string shown = url.substr(0, url.find('?'));
  const size_t scheme = shown.find("://");
  const size_t start = scheme == std::string::npos ? 0 : scheme + 3;
  const size_t end = std::min(shown.find('/', start), shown.size());
  const size_t at = shown.rfind('@', end);
  if (at != std::string::npos && at >= start && at < end) shown.erase(start, at + 1 - start);
  return shown;
}

// tls_config.server_name: curl verifies and announces (SNI) the host of the URL, so the name goes
// there, and the connection to the host that stood there. `host_header`: what HTTP still calls it.
Status SetUrlUnderName(CURL* easy, const std::string& url, const std::string& server_name,
                       CurlRequest* out, std::string* host_header) {
  const auto invalid = [&] {
    return Error(ErrorCode::kInvalidArgument,
                 "cannot reach " + PublicUrl(url) + " under tls_config.server_name");
  };
  struct FreeUrl {
    void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
  };
  struct FreeText {
    void operator()(char* text) const { curl_free(text); }
  };
  const std::unique_ptr<CURLU, FreeUrl> parts(curl_url());
  const auto get = [&](CURLUPart part, unsigned flags) {
    char* text = nullptr;
    curl_url_get(parts.get(), part, &text, flags);
    return std::unique_ptr<char, FreeText>(text);
  };
  if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return invalid();
  const auto host = get(CURLUPART_HOST, 0);
  const auto port = get(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const auto written_port = get(CURLUPART_PORT, 0);
  if (host == nullptr || port == nullptr) return invalid();
  *host_header = written_port ? std::string(host.get()) + ":" + written_port.get() : host.get();
  if (curl_url_set(parts.get(), CURLUPART_HOST, server_name.c_str(), 0) != CURLUE_OK)
    return invalid();
  const auto renamed = get(CURLUPART_URL, 0);
  if (renamed == nullptr) return invalid();
  curl_easy_setopt(easy, CURLOPT_URL, renamed.get());
  AddLine(out->connect_to, server_name + ":" + port.get() + ":" + host.get() + ":" + port.get());
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, out->connect_to.get());
  return OkStatus();
}

void SetCommon(CURL* easy, Duration timeout) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Else ending an exchange waits for the thread that still looks up its host, on the event loop.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(std::max<int64_t>(timeout.count(), 1)));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::max<int64_t>(timeout.count(), 1)));
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
}

Status SetAuth(CURL* easy, const TransportConfig& config, const FileSystem& files,
               CurlRequest* out) {
  if (config.basic_auth) {
    const auto& auth = *config.basic_auth;
    TOCSIN_ASSIGN(const std::string user,
                  TextOrFile(auth.username, auth.username_file, files, "username_file"));
    TOCSIN_ASSIGN(const std::string password,
                  TextOrFile(auth.password.Reveal(), auth.password_file, files, "password_file"));
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_USERNAME, user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, password.c_str());
  }
  if (config.authorization) {
    const auto& auth = *config.authorization;
    TOCSIN_ASSIGN(
        const std::string credentials,
        TextOrFile(auth.credentials.Reveal(), auth.credentials_file, files, "credentials_file"));
    AddLine(out->headers, "Authorization: " + auth.type + " " + credentials);
  }
  return OkStatus();
}

Status AddConfiguredHeaders(const std::map<std::string, TransportConfig::HeaderValues>& headers,
                            const FileSystem& files,
                            std::unique_ptr<curl_slist, CurlRequest::FreeList>& list) {
  for (const auto& [name, values] : headers) {
    for (const std::string& value : values.values) AddLine(list, name + ": " + value);
    for (const Secret& value : values.secrets) AddLine(list, name + ": " + value.Reveal());
    for (const std::string& file : values.files) {
      TOCSIN_ASSIGN(const std::string value, TextOrFile("", file, files, "header file"));
      AddLine(list, name + ": " + value);
    }
  }
  return OkStatus();
}

TransportPhase PhaseOf(CURL* easy, CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return TransportPhase::kDns;
    case CURLE_COULDNT_CONNECT:
      return TransportPhase::kConnect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return TransportPhase::kTls;
    case CURLE_SEND_ERROR:
      return TransportPhase::kSend;
    case CURLE_GOT_NOTHING:
      return TransportPhase::kStatus;
    default:
      break;
  }
  curl_off_t connected = 0, started = 0;
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
  curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &started);
  if (connected == 0) return TransportPhase::kConnect;
  return started == 0 ? TransportPhase::kStatus : TransportPhase::kBody;
}

}  // namespace

Status PrepareHttp(CURL* easy, HttpRequest request, const FileSystem& files, CurlRequest* out) {
  static const TransportConfig kDefaults;
  out->config = request.config;
  const TransportConfig& config = request.config ? *request.config : kDefaults;
  out->method = request.method;
  out->url = PublicUrl(request.url);
  out->body = std::move(request.body);

  SetCommon(easy, request.timeout);
  if (config.tls.server_name.empty() || !request.url.starts_with("https://")) {
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  } else {
    std::string host;
    TOCSIN_RETURN_IF_ERROR(SetUrlUnderName(easy, request.url, config.tls.server_name, out, &host));
    AddLine(out->headers, "Host: " + host);
  }
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, config.follow_redirects ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 10L);
  // A redirect repeats a POST as a POST only on 307 and 308, which curl does by itself.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                   config.enable_http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
  if (request.accept_compressed) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  if (!request.unix_socket.empty()) {
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  }
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET" || !out->body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(out->body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, out->body.c_str());
    if (request.method != "POST") {
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    AddLine(out->headers, "Expect:");  // no 100-continue round trip
  }
  for (const auto& [name, value] : request.headers) AddLine(out->headers, name + ": " + value);

  SetTls(easy, config.tls);
  if (!config.proxy_url.empty()) {
    curl_easy_setopt(easy, CURLOPT_PROXY, config.proxy_url.c_str());
    if (!config.no_proxy.empty()) curl_easy_setopt(easy, CURLOPT_NOPROXY, config.no_proxy.c_str());
  } else if (!config.proxy_from_environment) {
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
  }
  TOCSIN_RETURN_IF_ERROR(SetAuth(easy, config, files, out));
  TOCSIN_RETURN_IF_ERROR(AddConfiguredHeaders(config.http_headers, files, out->headers));
  TOCSIN_RETURN_IF_ERROR(
      AddConfiguredHeaders(config.proxy_connect_header, files, out->proxy_headers));
  if (out->proxy_headers) {
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, CURLHEADER_SEPARATE);
    curl_easy_setopt(easy, CURLOPT_PROXYHEADER, out->proxy_headers.get());
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, out->headers.get());
  return OkStatus();
}

namespace {

bool IsLocalHost(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "::1";
}

}  // namespace

Status PrepareMail(CURL* easy, const SmtpServer& server, const MailMessage& message,
                   const FileSystem&, CurlRequest* out) {
  static const TransportConfig kDefaults;
  out->config = server.tls;
  const std::string host =
      server.host.find(':') == std::string::npos ? server.host : "[" + server.host + "]";
  out->method = "smtp";
  out->url = host + ":" + std::to_string(server.port);
  const std::string url =
      std::string(server.implicit_tls ? "smtps://" : "smtp://") + out->url + "/" + server.hello;
  SetCommon(easy, message.timeout);
  const TlsConfig& tls = server.tls ? server.tls->tls : kDefaults.tls;
  if (tls.server_name.empty()) {
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  } else {
    std::string ignored;
    TOCSIN_RETURN_IF_ERROR(SetUrlUnderName(easy, url, tls.server_name, out, &ignored));
  }
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  SetTls(easy, tls);
  // Not "if offered": a relay whose certificate nobody can check would then take no mail.
  if (!server.implicit_tls) {
    curl_easy_setopt(easy, CURLOPT_USE_SSL, server.require_tls ? CURLUSESSL_ALL : CURLUSESSL_NONE);
  }
  // libcurl holds one credential a mail: with both, the password.
  const bool has_password = !server.password.empty() || server.secret.empty();
  const std::string& credential = has_password ? server.password : server.secret;
  if (!server.username.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, server.username.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, credential.c_str());
    if (!server.identity.empty()) {
      curl_easy_setopt(easy, CURLOPT_SASL_AUTHZID, server.identity.c_str());
    }
    // Which mechanisms the configuration has a credential for. PLAIN goes over no plain connection
    // to another machine; what LOGIN does there is the wish of whoever turned TLS off.
    const bool in_the_clear =
        !server.implicit_tls && !server.require_tls && !IsLocalHost(server.host);
    curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS,
                     !has_password  ? "AUTH=CRAM-MD5"
                     : in_the_clear ? "AUTH=LOGIN"
                                    : "AUTH=PLAIN;AUTH=LOGIN");
  }
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, ("<" + message.from + ">").c_str());
  for (const std::string& to : message.to) AddLine(out->recipients, "<" + to + ">");
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, out->recipients.get());
  return OkStatus();
}

TransportResult DescribeResult(CURL* easy, CURLcode code, const CurlRequest& request) {
  if (code == CURLE_OK) return {OkStatus(), TransportPhase::kBody};
  const TransportPhase phase = PhaseOf(easy, code);
  std::string text = curl_easy_strerror(code);
  ErrorCode kind = ErrorCode::kIo;
  long os_error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
  if (code == CURLE_OPERATION_TIMEDOUT) {
    kind = ErrorCode::kTimeout;
    text = "context deadline exceeded";
  } else if (code == CURLE_COULDNT_CONNECT && os_error != 0) {
    text = os_error == ECONNREFUSED
               ? "connect: connection refused"
               : "connect: " + std::string(std::strerror(static_cast<int>(os_error)));
  } else if (code == CURLE_COULDNT_RESOLVE_HOST) {
    text = "lookup: no such host";
  } else if (code == CURLE_LOGIN_DENIED) {
    text = "authentication refused by the server";
  }
  std::string method = request.method;  // as Go: Get "url": ...
  for (size_t i = 1; i < method.size(); ++i) {
    if (method[i] >= 'A' && method[i] <= 'Z') method[i] = static_cast<char>(method[i] + 32);
  }
  return {Error(kind, method + " \"" + request.url + "\": " + text), phase};
}

}  // namespace tocsin::http
