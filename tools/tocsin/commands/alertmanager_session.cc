#include "tools/tocsin/commands/alertmanager_session.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "alerting/matcher_parser.h"
#include "alerting/template/go_time.h"
#include "storage/base/file_system.h"
#include "storage/config/yaml_reader.h"
#include "storage/model/duration.h"
#include "tools/tocsin/system_ports.h"

namespace tocsin::commands {
namespace {

// Settings under flags that were not given.
Status ReadSettings(Arguments& arguments) {
  const char* home = std::getenv("HOME");
  std::vector<std::string> files = {"/etc/prometheus/amtool.yml"};
  if (home != nullptr) {
    files.insert(files.begin(), std::string(home) + "/.config/prometheus/amtool.yml");
  }
  for (const std::string& file : files) {
    const auto text = RealFileSystem().ReadFile(file);
    if (!text.ok()) continue;
    TOCSIN_ASSIGN(const YamlNode root, ParseYaml(*text, file));
    TOCSIN_ASSIGN(const auto pairs, YamlStringMap(root));
    for (const auto& [name, value] : pairs) {
      // Names of amtool.yml that are not those of the flags.
      arguments.SetFallback(name == "comment_required" ? "require-comment" : name, value);
    }
    return OkStatus();
  }
  return OkStatus();
}

}  // namespace

Result<AlertmanagerSession> AlertmanagerSession::Open(const Arguments& arguments) {
  AlertmanagerSession session(arguments);
  session.arguments_.SetFallback("alertmanager.url", arguments.as_amtool()
                                                         ? "http://localhost:9093"
                                                         : "http://localhost:9090");
  TOCSIN_RETURN_IF_ERROR(ReadSettings(session.arguments_));
  session.output_ = session.value("output");
  if (session.output_ != "simple" && session.output_ != "extended" && session.output_ != "json") {
    return InvalidArgument(
        fmt::format("output format \"{}\": want simple, extended or json", session.output_));
  }
  TOCSIN_ASSIGN(const auto timeout, ParseGoDuration(session.value("timeout")));
  TOCSIN_ASSIGN(session.client_, ApiClient::Create(session.value("alertmanager.url"),
                                                   std::chrono::duration_cast<Duration>(timeout),
                                                   session.value("http.config.file")));
  return session;
}

Result<JsonValue> AlertmanagerSession::Ask(const std::string& method, const std::string& path,
                                           std::string body) const {
  const std::string type = body.empty() ? "" : "application/json";
  TOCSIN_ASSIGN(const HttpResponse answer,
                client_.Send(method, "/api/v2" + path, type, std::move(body)));
  if (answer.status != 200) {
    std::string text = answer.body;
    if (const auto json = ParseJson(text); json.ok()) {
      if (json->AsString() != nullptr) text = *json->AsString();
      if (!TextOf(*json, "message").empty()) text = TextOf(*json, "message");
    }
    return Error(
        ErrorCode::kExecution,
        fmt::format("[{} {}][{}] {}", method, path.substr(0, path.find('?')), answer.status, text));
  }
  if (answer.body.empty()) return JsonValue();
  return ParseJson(answer.body);
}

std::string AlertmanagerSession::ShowTime(const std::string& rfc3339) const {
  const auto time = ParseRfc3339(rfc3339);
  if (!time.ok()) return rfc3339;
  return alerting::FormatGoTime(alerting::TemplateTime{.t = *time}, value("date.format"));
}

Result<std::vector<Matcher>> ParseMatcherArguments(std::vector<std::string> words) {
  if (!words.empty() && !alerting::ParseMatcher(words.front()).ok() &&
      words.front().find('=') == std::string::npos) {
    std::string quoted;
    AppendGoQuoted(quoted, words.front());
    words.front() = "alertname=" + quoted;
  }
  std::vector<Matcher> matchers;
  for (const std::string& word : words) {
    TOCSIN_ASSIGN(Matcher matcher, alerting::ParseMatcher(word));
    matchers.push_back(std::move(matcher));
  }
  return matchers;
}

Result<std::vector<std::pair<std::string, std::string>>> ParsePairs(
    const std::vector<std::string>& words, bool name_first) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos && name_first && pairs.empty()) {
      pairs.emplace_back("alertname", word);
      continue;
    }
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgument("bad matcher format: " + word);
    }
    std::string value = word.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    pairs.emplace_back(word.substr(0, equals), std::move(value));
  }
  return pairs;
}

Timestamp CurrentTime() { return SystemClock().Now(); }

std::string UserName() {
  const passwd* user = getpwuid(getuid());
  return user == nullptr ? "" : user->pw_name;
}

}  // namespace tocsin::commands
