// tocsin check web-config FILE... (promtool check web-config)
#include <fmt/format.h>

#include <iostream>

#include "storage/base/file_system.h"
#include "storage/config/yaml_reader.h"
#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {
namespace {

Status CheckTls(const YamlNode& node, const std::string& file) {
  StrictMap map(node, "tls_server_config");
  std::string cert, key, cert_file, key_file, auth, ca_file, min, max;
  bool prefer = true;
  std::vector<std::string> ciphers, curves, names;
  map.Read("cert", &cert);
  map.Read("key", &key);
  map.Read("cert_file", &cert_file);
  map.Read("key_file", &key_file);
  map.Read("client_auth_type", &auth);
  map.Read("client_ca_file", &ca_file);
  map.Read("client_allowed_sans", &names);
  map.Read("min_version", &min);
  map.Read("max_version", &max);
  map.Read("cipher_suites", &ciphers);
  map.Read("curve_preferences", &curves);
  map.Read("prefer_server_cipher_suites", &prefer);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (cert.empty() && cert_file.empty()) return InvalidArgument("missing one of cert or cert_file");
  if (key.empty() && key_file.empty()) return InvalidArgument("missing one of key or key_file");
  for (const std::string& path : {cert_file, key_file, ca_file}) {
    if (path.empty()) continue;
    TOCSIN_ASSIGN(const std::string text, RealFileSystem().ReadFile(ResolvePath(file, path)));
  }
  return OkStatus();
}

// "$2y$10$" and 53 characters.
bool IsBcrypt(const std::string& hash) {
  return hash.size() == 60 && hash.starts_with("$2") && hash[3] == '$' && hash[6] == '$';
}

Status CheckFile(const std::string& file) {
  TOCSIN_ASSIGN(const std::string text, RealFileSystem().ReadFile(file));
  TOCSIN_ASSIGN(const YamlNode root, ParseYaml(text, file));
  StrictMap map(root, "web configuration");
  if (const YamlNode* tls = map.Get("tls_server_config")) {
    TOCSIN_RETURN_IF_ERROR(CheckTls(*tls, file));
  }
  if (const YamlNode* http = map.Get("http_server_config")) {
    StrictMap server(*http, "http_server_config");
    bool http2 = true;
    std::map<std::string, std::string> headers;
    server.Read("http2", &http2);
    server.Read("headers", &headers);
    TOCSIN_RETURN_IF_ERROR(server.Finish());
  }
  std::map<std::string, std::string> users;
  map.Read("basic_auth_users", &users);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  for (const auto& [name, hash] : users) {
    if (!IsBcrypt(hash)) {
      return InvalidArgument(fmt::format("user \"{}\": not a bcrypted password", name));
    }
  }
  return OkStatus();
}

}  // namespace

int CheckWebConfig(const Arguments& arguments) {
  if (arguments.operands().empty()) {
    return arguments.FailUsage("required argument 'web-config-files' not provided");
  }
  int code = kSuccess;
  for (const std::string& file : arguments.operands()) {
    const Status checked = CheckFile(file);
    if (checked.ok()) {
      std::cerr << file << " SUCCESS" << std::endl;  // as promtool: all of it on stderr
    } else {
      std::cerr << file << " FAILED: " << checked.error().message() << "\n";
      code = kFailure;
    }
  }
  return code;
}

}  // namespace tocsin::commands
