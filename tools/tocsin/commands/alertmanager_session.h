// What the verbs around an Alertmanager share: amtool's settings file, requests to API v2 and how
// times and matchers are shown.
#pragma once

#include <string>
#include <vector>

#include "storage/base/json.h"
#include "storage/model/matcher.h"
#include "tools/tocsin/commands/api_client.h"
#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {

class AlertmanagerSession {
 public:
  // Reads $HOME/.config/prometheus/amtool.yml or /etc/prometheus/amtool.yml under the flags.
  static Result<AlertmanagerSession> Open(const Arguments& arguments);

  // A setting of the verb: from a flag, else the settings file, else the flag's default.
  std::string value(std::string_view name) const { return arguments_.value(name); }
  bool on(std::string_view name) const { return arguments_.on(name); }
  // "simple", "extended" or "json".
  const std::string& output() const { return output_; }

  // The answer of 200, parsed (null for an empty one); else an error with the server's text.
  Result<JsonValue> Get(const std::string& path) const { return Ask("GET", path, ""); }
  Result<JsonValue> Post(const std::string& path, std::string body) const {
    return Ask("POST", path, std::move(body));
  }
  Result<JsonValue> Delete(const std::string& path) const { return Ask("DELETE", path, ""); }

  // A time of the API by --date.format.
  std::string ShowTime(const std::string& rfc3339) const;

 private:
  explicit AlertmanagerSession(const Arguments& arguments) : arguments_(arguments) {}
  Result<JsonValue> Ask(const std::string& method, const std::string& path, std::string body) const;

  Arguments arguments_;
  std::string output_;
  ApiClient client_;
};

// amtool's rule for what stands on the line: a first word that is no matcher is an alertname.
Result<std::vector<Matcher>> ParseMatcherArguments(std::vector<std::string> words);
// name=value pairs; a first word without `=` is the alertname when `name_first`.
Result<std::vector<std::pair<std::string, std::string>>> ParsePairs(
    const std::vector<std::string>& words, bool name_first);

// Of now, RFC 3339; the user's name.
Timestamp CurrentTime();
std::string UserName();

}  // namespace tocsin::commands
