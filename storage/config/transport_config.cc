#include "storage/config/transport_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "storage/base/file_system.h"

namespace tocsin {
namespace {

// Headers that the client or another key of the configuration sets.
constexpr std::array<std::string_view, 17> kReservedHeaders = {
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-prometheus-scrape-timeout-seconds",
    "transfer-encoding",
    "upgrade"};

std::string LowerCase(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

void ReadSecret(StrictMap& map, std::string_view key, Secret* out) {
  std::string text;
  map.Read(key, &text);
  *out = Secret(std::move(text));
}

void ReadPath(StrictMap& map, std::string_view key, const std::string& base_file,
              std::string* out) {
  map.Read(key, out);
  *out = ResolvePath(base_file, *out);
}

void FailIfBoth(StrictMap& map, bool first, bool second, std::string_view key,
                std::string_view message) {
  if (first && second) map.FailAt(key, message);
}

Result<TransportConfig::BasicAuth> ReadBasicAuth(const YamlNode& node,
                                                 const std::string& base_file) {
  TransportConfig::BasicAuth auth;
  StrictMap map(node, "config.BasicAuth");
  map.Read("username", &auth.username);
  ReadPath(map, "username_file", base_file, &auth.username_file);
  ReadSecret(map, "password", &auth.password);
  ReadPath(map, "password_file", base_file, &auth.password_file);
  FailIfBoth(map, !auth.username.empty(), !auth.username_file.empty(), "username",
             "at most one of basic_auth username & username_file must be configured");
  FailIfBoth(map, !auth.password.empty(), !auth.password_file.empty(), "password",
             "at most one of basic_auth password & password_file must be configured");
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return auth;
}

Result<TransportConfig::Authorization> ReadAuthorization(const YamlNode& node,
                                                         const std::string& base_file) {
  TransportConfig::Authorization auth;
  StrictMap map(node, "config.Authorization");
  map.Read("type", &auth.type);
  ReadSecret(map, "credentials", &auth.credentials);
  ReadPath(map, "credentials_file", base_file, &auth.credentials_file);
  FailIfBoth(map, !auth.credentials.empty(), !auth.credentials_file.empty(), "credentials",
             "at most one of authorization credentials & credentials_file must be configured");
  if (auth.type.empty()) auth.type = "Bearer";
  if (LowerCase(auth.type) == "basic")
    map.FailAt("type", "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return auth;
}

Result<TransportConfig::HeaderValues> ReadHeader(const YamlNode& node,
                                                 const std::string& base_file) {
  TransportConfig::HeaderValues header;
  StrictMap map(node, "config.Header");
  std::vector<std::string> secrets;
  map.Read("values", &header.values);
  map.Read("secrets", &secrets);
  map.Read("files", &header.files);
  for (std::string& text : secrets) header.secrets.emplace_back(std::move(text));
  for (std::string& file : header.files) file = ResolvePath(base_file, file);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return header;
}

bool HasLineBreak(const std::string& text) {
  return text.find_first_of("\r\n") != std::string::npos;
}

using HeaderMap = std::map<std::string, TransportConfig::HeaderValues>;

Result<HeaderMap> ReadHeaders(const YamlNode& node, const std::string& base_file) {
  HeaderMap headers;
  if (node.kind != YamlNode::Kind::kMap) return node.MakeError("expected a mapping of headers");
  for (const auto& [key, value] : node.members) {
    const std::string lower = LowerCase(key.scalar);
    if (std::find(kReservedHeaders.begin(), kReservedHeaders.end(), lower) !=
        kReservedHeaders.end())
      return key.MakeError(fmt::format("setting header \"{}\" is not allowed", key.scalar));
    TOCSIN_ASSIGN(TransportConfig::HeaderValues header, ReadHeader(value, base_file));
    const bool broken =
        key.scalar.empty() || HasLineBreak(key.scalar) ||
        std::any_of(header.values.begin(), header.values.end(), HasLineBreak) ||
        std::any_of(header.secrets.begin(), header.secrets.end(),
                    [](const Secret& secret) { return HasLineBreak(secret.Reveal()); });
    if (broken) return key.MakeError("a header must be one line");
    headers.emplace(key.scalar, std::move(header));
  }
  return headers;
}

Result<HeaderMap> ReadProxyHeaders(const YamlNode& node) {
  HeaderMap headers;
  if (node.kind != YamlNode::Kind::kMap) return node.MakeError("expected a mapping of headers");
  for (const auto& [key, value] : node.members) {
    TOCSIN_ASSIGN(std::vector<std::string> values, YamlStringList(value));
    auto& header = headers[key.scalar];
    for (std::string& text : values) {
      if (HasLineBreak(text)) return key.MakeError("a header must be one line");
      header.secrets.emplace_back(std::move(text));
    }
  }
  return headers;
}

// Stores what `read` gives for the value of `key`, when there is one.
template <typename T, typename F>
void ReadNested(StrictMap& map, std::string_view key, T* out, F read) {
  const YamlNode* node = map.Get(key);
  if (node == nullptr) return;
  auto value = read(*node);
  if (value.ok()) {
    *out = *std::move(value);
  } else {
    map.Fail(value.error());
  }
}

// TransportConfig and its Oauth2 have the same keys for proxies.
template <typename Config>
void ReadProxy(StrictMap& map, Config* config) {
  map.Read("proxy_url", &config->proxy_url);
  map.Read("no_proxy", &config->no_proxy);
  map.Read("proxy_from_environment", &config->proxy_from_environment);
  ReadNested(map, "proxy_connect_header", &config->proxy_connect_header, ReadProxyHeaders);
  const bool has_url = !config->proxy_url.empty();
  FailIfBoth(map, config->proxy_from_environment, has_url, "proxy_url",
             "if proxy_from_environment is configured, proxy_url must not be configured");
  FailIfBoth(map, config->proxy_from_environment, !config->no_proxy.empty(), "no_proxy",
             "if proxy_from_environment is configured, no_proxy must not be configured");
  FailIfBoth(map, !config->no_proxy.empty(), !has_url, "no_proxy",
             "if no_proxy is configured, proxy_url must also be configured");
  FailIfBoth(map, !config->proxy_connect_header.empty(),
             !has_url && !config->proxy_from_environment, "proxy_connect_header",
             "if proxy_connect_header is configured, proxy_url or proxy_from_environment must "
             "also be configured");
}

Result<TransportConfig::Oauth2> ReadOauth2(const YamlNode& node, const std::string& base_file) {
  constexpr std::string_view kGrant = "client_credentials";
  TransportConfig::Oauth2 oauth2;
  std::string grant(kGrant);
  StrictMap map(node, "config.OAuth2");
  map.Read("client_id", &oauth2.client_id);
  ReadSecret(map, "client_secret", &oauth2.client_secret);
  ReadPath(map, "client_secret_file", base_file, &oauth2.client_secret_file);
  map.Read("scopes", &oauth2.scopes);
  map.Read("token_url", &oauth2.token_url);
  map.Read("endpoint_params", &oauth2.endpoint_params);
  map.Read("grant_type", &grant);
  ReadNested(map, "tls_config", &oauth2.tls,
             [&](const YamlNode& tls) { return ReadTlsConfig(tls, base_file); });
  ReadProxy(map, &oauth2);
  if (!grant.empty() && grant != kGrant)
    map.FailAt("grant_type",
               fmt::format("oauth2 grant_type \"{}\" is not available, use \"{}\"", grant, kGrant));
  if (oauth2.client_id.empty()) map.FailAt("client_id", "oauth2 client_id must be configured");
  if (oauth2.token_url.empty()) map.FailAt("token_url", "oauth2 token_url must be configured");
  FailIfBoth(map, !oauth2.client_secret.empty(), !oauth2.client_secret_file.empty(),
             "client_secret",
             "at most one of oauth2 client_secret & client_secret_file must be configured");
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return oauth2;
}

void ReadAuth(StrictMap& map, const std::string& base_file, TransportConfig* config) {
  ReadNested(map, "basic_auth", &config->basic_auth,
             [&](const YamlNode& node) { return ReadBasicAuth(node, base_file); });
  ReadNested(map, "authorization", &config->authorization,
             [&](const YamlNode& node) { return ReadAuthorization(node, base_file); });
  ReadNested(map, "oauth2", &config->oauth2,
             [&](const YamlNode& node) { return ReadOauth2(node, base_file); });
  TransportConfig::Authorization bearer;
  ReadSecret(map, "bearer_token", &bearer.credentials);
  ReadPath(map, "bearer_token_file", base_file, &bearer.credentials_file);
  const bool has_token = !bearer.credentials.empty();
  const bool has_token_file = !bearer.credentials_file.empty();
  FailIfBoth(map, has_token, has_token_file, "bearer_token",
             "at most one of bearer_token & bearer_token_file must be configured");
  const int ways = (config->basic_auth ? 1 : 0) + (config->oauth2 ? 1 : 0);
  if (has_token || has_token_file) {
    if (config->authorization)
      map.FailAt("authorization",
                 "authorization is not compatible with bearer_token & bearer_token_file");
    if (ways > 0)
      map.FailAt(config->basic_auth ? "basic_auth" : "oauth2",
                 "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be "
                 "configured");
    config->authorization = std::move(bearer);
  } else if (ways + (config->authorization ? 1 : 0) > 1) {
    map.FailAt(config->basic_auth ? "basic_auth" : "authorization",
               "at most one of basic_auth, oauth2 & authorization must be configured");
  }
}

}  // namespace

Result<TlsConfig> ReadTlsConfig(const YamlNode& node, const std::string& base_file) {
  static constexpr std::array<std::string_view, 4> kVersions = {"TLS10", "TLS11", "TLS12", "TLS13"};
  TlsConfig tls;
  StrictMap map(node, "config.TLSConfig");
  map.Read("ca", &tls.ca);
  ReadPath(map, "ca_file", base_file, &tls.ca_file);
  map.Read("cert", &tls.cert);
  ReadPath(map, "cert_file", base_file, &tls.cert_file);
  ReadSecret(map, "key", &tls.key);
  ReadPath(map, "key_file", base_file, &tls.key_file);
  map.Read("server_name", &tls.server_name);
  map.Read("insecure_skip_verify", &tls.insecure_skip_verify);
  map.Read("min_version", &tls.min_version);
  map.Read("max_version", &tls.max_version);
  const bool has_cert = !tls.cert.empty() || !tls.cert_file.empty();
  const bool has_key = !tls.key.empty() || !tls.key_file.empty();
  FailIfBoth(map, !tls.ca.empty(), !tls.ca_file.empty(), "ca",
             "at most one of ca and ca_file must be configured");
  FailIfBoth(map, !tls.cert.empty(), !tls.cert_file.empty(), "cert",
             "at most one of cert and cert_file must be configured");
  FailIfBoth(map, !tls.key.empty(), !tls.key_file.empty(), "key",
             "at most one of key and key_file must be configured");
  FailIfBoth(map, has_cert, !has_key, "cert_file",
             "exactly one of key or key_file must be configured when a client certificate is "
             "configured");
  FailIfBoth(map, has_key, !has_cert, "key_file",
             "exactly one of cert or cert_file must be configured when a client key is configured");
  for (const auto& [key, version] :
       {std::pair{"min_version", &tls.min_version}, std::pair{"max_version", &tls.max_version}}) {
    if (!version->empty() &&
        std::find(kVersions.begin(), kVersions.end(), *version) == kVersions.end())
      map.FailAt(key, "unknown TLS version: " + *version);
  }
  if (!tls.min_version.empty() && !tls.max_version.empty() && tls.max_version < tls.min_version)
    map.FailAt("max_version",
               "tls_config.max_version must be greater than or equal to tls_config.min_version if "
               "both are specified");
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return tls;
}

Result<TransportConfig> ReadTransportConfig(StrictMap& map, const std::string& base_file) {
  TransportConfig config;
  ReadAuth(map, base_file, &config);
  ReadNested(map, "tls_config", &config.tls,
             [&](const YamlNode& node) { return ReadTlsConfig(node, base_file); });
  map.Read("follow_redirects", &config.follow_redirects);
  map.Read("enable_http2", &config.enable_http2);
  ReadProxy(map, &config);
  ReadNested(map, "http_headers", &config.http_headers,
             [&](const YamlNode& node) { return ReadHeaders(node, base_file); });
  return config;
}

}  // namespace tocsin
