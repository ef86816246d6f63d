// tocsin alert query|add (amtool alert query|add)
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "storage/model/duration.h"
#include "tools/tocsin/commands/alertmanager_session.h"
#include "tools/tocsin/commands/text_table.h"

namespace tocsin::commands {
namespace {

using Row = std::vector<std::string>;

// name="value" for each pair, by name.
std::string ShowPairs(const JsonValue* pairs) {
  std::map<std::string, std::string> sorted;
  if (pairs != nullptr && pairs->AsObject() != nullptr) {
    for (const auto& [name, value] : *pairs->AsObject()) {
      if (value.AsString() != nullptr) sorted[name] = *value.AsString();
    }
  }
  std::string out;
  for (const auto& [name, value] : sorted) {
    if (!out.empty()) out += ' ';
    out += name + "=";
    AppendGoQuoted(out, value);
  }
  return out;
}

std::string Member(const JsonValue& alert, std::string_view map, std::string_view key) {
  const JsonValue* pairs = alert.Find(map);
  return pairs == nullptr ? "" : TextOf(*pairs, key);
}

std::string ShowAlerts(const AlertmanagerSession& session, JsonValue::Array alerts) {
  std::stable_sort(alerts.begin(), alerts.end(), [](const JsonValue& a, const JsonValue& b) {
    return TextOf(a, "startsAt") < TextOf(b, "startsAt");
  });
  const bool extended = session.output() == "extended";
  std::vector<Row> rows = {
      extended ? Row{"Labels", "Annotations", "Starts At", "Ends At", "Generator URL", "State"}
               : Row{"Alertname", "Starts At", "Summary", "State"}};
  for (const JsonValue& alert : alerts) {
    const std::string starts = session.ShowTime(TextOf(alert, "startsAt"));
    const std::string state = Member(alert, "status", "state");
    if (extended) {
      rows.push_back({ShowPairs(alert.Find("labels")), ShowPairs(alert.Find("annotations")), starts,
                      session.ShowTime(TextOf(alert, "endsAt")), TextOf(alert, "generatorURL"),
                      state});
    } else {
      rows.push_back({Member(alert, "labels", "alertname"), starts,
                      Member(alert, "annotations", "summary"), state});
    }
  }
  return FormatTable(rows);
}

Result<std::string> Query(const Arguments& arguments) {
  TOCSIN_ASSIGN(const auto session, AlertmanagerSession::Open(arguments));
  TOCSIN_ASSIGN(const auto matchers, ParseMatcherArguments(arguments.operands()));
  const bool any = arguments.on("active") || arguments.on("silenced") ||
                   arguments.on("inhibited") || arguments.on("unprocessed");
  QueryParams params = {{"active", arguments.on("active") || !any ? "true" : "false"}};
  for (const char* flag : {"inhibited", "silenced", "unprocessed"}) {
    params.emplace_back(flag, arguments.on(flag) ? "true" : "false");
  }
  if (arguments.given("receiver")) params.emplace_back("receiver", arguments.value("receiver"));
  for (const Matcher& matcher : matchers) params.emplace_back("filter", matcher.ToString());
  TOCSIN_ASSIGN(const JsonValue answer, session.Get("/alerts?" + EncodeParams(params)));
  if (session.output() == "json") return ToJson(answer) + "\n";
  if (answer.AsArray() == nullptr) return Internal("the answer is no list of alerts");
  return ShowAlerts(session, *answer.AsArray());
}

Result<std::string> Add(const Arguments& arguments) {
  TOCSIN_ASSIGN(const auto session, AlertmanagerSession::Open(arguments));
  TOCSIN_ASSIGN(const auto labels, ParsePairs(arguments.operands(), true));
  TOCSIN_ASSIGN(const auto annotations, ParsePairs(arguments.values("annotation"), false));
  std::string body;
  JsonWriter json(body);
  json.BeginArray().BeginObject().Key("labels").BeginObject();
  for (const auto& [name, value] : labels) json.Field(name, value);
  json.EndObject().Key("annotations").BeginObject();
  for (const auto& [name, value] : annotations) json.Field(name, value);
  json.EndObject();
  if (arguments.given("generator-url")) {
    json.Field("generatorURL", arguments.value("generator-url"));
  }
  for (const auto& [flag, key] : {std::pair{"start", "startsAt"}, std::pair{"end", "endsAt"}}) {
    if (!arguments.given(flag)) continue;
    TOCSIN_ASSIGN(const Timestamp t, ParseTimeArgument(arguments.value(flag)));
    json.Field(key, FormatRfc3339(t, 3));
  }
  json.EndObject().EndArray();
  TOCSIN_ASSIGN(const JsonValue answer, session.Post("/alerts", std::move(body)));
  return std::string();
}

}  // namespace

int AlertQuery(const Arguments& arguments) { return arguments.Finish(Query(arguments)); }
int AlertAdd(const Arguments& arguments) { return arguments.Finish(Add(arguments)); }

}  // namespace tocsin::commands
