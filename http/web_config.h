// web.yml (--web.config.file): TLS, passwords and headers of the server, as in Prometheus.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/base/transport.h"

namespace tocsin::http {

struct TlsServerConfig {
  std::string cert, key, client_ca;  // PEM
  std::string client_auth_type;  // as in Go: NoClientCert (or empty) .. RequireAndVerifyClientCert
  std::string min_version = "TLS12", max_version = "TLS13";
  bool operator==(const TlsServerConfig&) const = default;
};

struct WebConfig {
  std::optional<TlsServerConfig> tls;
  std::map<std::string, std::string> users;  // name -> bcrypt hash; empty: everybody may ask
  HttpHeaders headers;                       // of every answer
  bool operator==(const WebConfig&) const = default;
};

// Reads the file and the PEM files it names (relative to its folder). Unknown keys are errors;
// what would weaken the server if it were left out (cipher_suites, curve_preferences,
// client_allowed_sans) is kUnsupported by name.
Result<WebConfig> LoadWebConfig(const std::string& file, const FileSystem& files);

// Takes as long as the hash's cost says (10: some 60 ms): not on the event loop.
bool CheckPassword(const std::string& hash, const std::string& password);

}  // namespace tocsin::http
