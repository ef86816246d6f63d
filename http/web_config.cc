#include "http/web_config.h"

#include <crypt.h>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <memory>

#include "storage/config/yaml_reader.h"

namespace tocsin::http {
namespace {

constexpr std::array<std::string_view, 5> kAuthTypes = {
    "NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert"};
constexpr std::array<std::string_view, 4> kVersions = {"TLS10", "TLS11", "TLS12", "TLS13"};
constexpr std::array<std::string_view, 5> kHeaders = {"Content-Security-Policy", "X-Frame-Options",
                                                      "X-Content-Type-Options", "X-XSS-Protection",
                                                      "Strict-Transport-Security"};

template <size_t N>
bool IsOneOf(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The text of `key`, or of the file that `key`_file names.
Status ReadPem(StrictMap& map, const std::string& key, const std::string& file,
               const FileSystem& files, std::string* out) {
  std::string path;
  map.Read(key, out);
  map.Read(key + "_file", &path);
  if (path.empty()) return OkStatus();
  if (!out->empty())
    map.FailAt(key + "_file",
               fmt::format("at most one of {0} and {0}_file must be configured", key));
  TOCSIN_ASSIGN(*out, files.ReadFile(ResolvePath(file, path)));
  return OkStatus();
}

void RefuseSet(StrictMap& map, std::string_view key) {
  const YamlNode* node = map.Get(key);
  if (node != nullptr && !node->items.empty())
    map.Fail(Unsupported(node->MakeError(fmt::format("{} is not available", key)).message()));
}

Result<TlsServerConfig> ReadTls(const YamlNode& node, const std::string& file,
                                const FileSystem& files) {
  TlsServerConfig tls;
  bool prefer_server_cipher_suites = true;  // OpenSSL's way, either order is safe from TLS 1.2 on
  StrictMap map(node, "tls_server_config");
  TOCSIN_RETURN_IF_ERROR(ReadPem(map, "cert", file, files, &tls.cert));
  TOCSIN_RETURN_IF_ERROR(ReadPem(map, "key", file, files, &tls.key));
  TOCSIN_RETURN_IF_ERROR(ReadPem(map, "client_ca", file, files, &tls.client_ca));
  map.Read("client_auth_type", &tls.client_auth_type);
  map.Read("min_version", &tls.min_version);
  map.Read("max_version", &tls.max_version);
  map.Read("prefer_server_cipher_suites", &prefer_server_cipher_suites);
  for (const char* key : {"cipher_suites", "curve_preferences", "client_allowed_sans"})
    RefuseSet(map, key);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (tls.cert.empty()) return InvalidArgument("missing one of cert or cert_file");
  if (tls.key.empty()) return InvalidArgument("missing one of key or key_file");
  for (const std::string& version : {tls.min_version, tls.max_version})
    if (!IsOneOf(kVersions, version)) return InvalidArgument("unknown TLS version: " + version);
  if (tls.max_version < tls.min_version) return InvalidArgument("max_version is below min_version");
  if (!tls.client_auth_type.empty() && !IsOneOf(kAuthTypes, tls.client_auth_type))
    return InvalidArgument("invalid ClientAuth: " + tls.client_auth_type);
  const bool verifies = tls.client_auth_type.find("Verify") != std::string::npos;
  if (!tls.client_ca.empty() && !verifies)
    return InvalidArgument(
        "client CAs have been configured without a client_auth_type that verifies");
  if (tls.client_ca.empty() && verifies)
    return InvalidArgument(
        fmt::format("client_auth_type {} needs client_ca_file", tls.client_auth_type));
  return tls;
}

Status ReadHttp(const YamlNode& node, HttpHeaders* headers) {
  bool http2 = true;  // HTTP/1.1 is spoken either way
  std::map<std::string, std::string> given;
  StrictMap map(node, "http_server_config");
  map.Read("http2", &http2);
  map.Read("headers", &given);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  for (const auto& [name, value] : given) {
    if (!IsOneOf(kHeaders, name))
      return InvalidArgument(fmt::format("HTTP header \"{}\" can not be configured", name));
    if (value.find_first_of("\r\n") != std::string::npos)
      return InvalidArgument(fmt::format("HTTP header \"{}\": a header must be one line", name));
    headers->emplace_back(name, value);
  }
  return OkStatus();
}

// "$2y$10$" and 53 characters.
bool IsBcrypt(const std::string& hash) {
  return hash.size() == 60 && hash.starts_with("$2") && hash[3] == '$' && hash[6] == '$';
}

}  // namespace

Result<WebConfig> LoadWebConfig(const std::string& file, const FileSystem& files) {
  TOCSIN_ASSIGN(const std::string text, files.ReadFile(file));
  TOCSIN_ASSIGN(const YamlNode root, ParseYaml(text, file));
  WebConfig config;
  StrictMap map(root, "web configuration");
  if (const YamlNode* tls = map.Get("tls_server_config")) {
    TOCSIN_ASSIGN(config.tls, ReadTls(*tls, file, files));
  }
  if (const YamlNode* http = map.Get("http_server_config")) {
    TOCSIN_RETURN_IF_ERROR(ReadHttp(*http, &config.headers));
  }
  map.Read("basic_auth_users", &config.users);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  for (const auto& [name, hash] : config.users)
    if (!IsBcrypt(hash))
      return InvalidArgument(fmt::format("user \"{}\": not a bcrypted password", name));
  return config;
}

bool CheckPassword(const std::string& hash, const std::string& password) {
  const auto data = std::make_unique<crypt_data>();  // 32 KB
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  // Errors come as a text that starts with '*'.
  return made != nullptr && made[0] == '$' && hash.size() == std::string_view(made).size() &&
         CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
}

}  // namespace tocsin::http
