// HTTP client settings: the keys that scrape configs, discovery, remote write, alertmanagers and
// notifiers share (basic_auth, authorization, tls_config, proxy_url, ...).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/config/secret.h"
#include "storage/config/yaml_reader.h"

namespace tocsin {

struct TlsConfig {
  std::string ca, ca_file;
  std::string cert, cert_file;
  Secret key;
  std::string key_file;
  std::string server_name;
  bool insecure_skip_verify = false;
  std::string min_version, max_version;  // TLS10..TLS13, empty: library default
  bool operator==(const TlsConfig&) const = default;
};

// Files are read by the transport at each exchange, so a rotated secret is picked up.
struct TransportConfig {
  struct BasicAuth {
    std::string username, username_file;
    Secret password;
    std::string password_file;
    bool operator==(const BasicAuth&) const = default;
  };
  struct Authorization {
    std::string type = "Bearer";
    Secret credentials;
    std::string credentials_file;
    bool operator==(const Authorization&) const = default;
  };
  struct HeaderValues {
    std::vector<std::string> values;
    std::vector<Secret> secrets;
    std::vector<std::string> files;
    bool operator==(const HeaderValues&) const = default;
  };

  // Client credentials: the transport fetches tokens and keeps them until they expire.
  struct Oauth2 {
    std::string client_id;
    Secret client_secret;
    std::string client_secret_file;
    std::vector<std::string> scopes;
    std::string token_url;
    std::map<std::string, std::string> endpoint_params;
    TlsConfig tls;  // and the proxy keys: of the way to the token's server
    std::string proxy_url;
    std::string no_proxy;
    bool proxy_from_environment = false;
    std::map<std::string, HeaderValues> proxy_connect_header;
    bool operator==(const Oauth2&) const = default;
  };

  std::optional<BasicAuth> basic_auth;
  std::optional<Authorization> authorization;
  std::optional<Oauth2> oauth2;
  TlsConfig tls;
  bool follow_redirects = true;
  bool enable_http2 = true;
  std::string proxy_url;
  std::string no_proxy;
  bool proxy_from_environment = false;
  std::map<std::string, HeaderValues> proxy_connect_header;
  std::map<std::string, HeaderValues> http_headers;

  bool operator==(const TransportConfig&) const = default;
};

// Reads the HTTP client keys of `map` (they lie inline in scrape configs; Alertmanager nests them
// under http_config). Relative file names are resolved against `base_file`. Of oauth2
// the grant of client credentials is known. Does not call map.Finish().
Result<TransportConfig> ReadTransportConfig(StrictMap& map, const std::string& base_file);
Result<TlsConfig> ReadTlsConfig(const YamlNode& node, const std::string& base_file);

}  // namespace tocsin
