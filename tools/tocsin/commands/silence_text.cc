#include "tools/tocsin/commands/silence_text.h"

#include <algorithm>

#include "tools/tocsin/commands/text_table.h"

namespace tocsin::commands {
namespace {

using Row = std::vector<std::string>;

bool Is(const JsonValue& matcher, std::string_view key, bool absent) {
  const JsonValue* value = matcher.Find(key);
  return value == nullptr || value->AsBool() == nullptr ? absent : *value->AsBool();
}

std::string ShowMatcher(const JsonValue& matcher) {
  const bool equal = Is(matcher, "isEqual", true), regex = Is(matcher, "isRegex", false);
  std::string out = TextOf(matcher, "name");
  out += equal ? "=" : "!";
  out += regex ? "~" : (equal ? "" : "=");
  AppendGoQuoted(out, TextOf(matcher, "value"));
  return out;
}

std::string ShowMatchers(const JsonValue& silence, std::string_view separator) {
  std::string out;
  const JsonValue* matchers = silence.Find("matchers");
  if (matchers == nullptr || matchers->AsArray() == nullptr) return out;
  for (const JsonValue& matcher : *matchers->AsArray()) {
    if (!out.empty()) out += separator;
    out += ShowMatcher(matcher);
  }
  return out;
}

}  // namespace

std::string FormatSilences(const AlertmanagerSession& session, JsonValue::Array silences) {
  std::stable_sort(silences.begin(), silences.end(), [](const JsonValue& a, const JsonValue& b) {
    return TextOf(a, "endsAt") < TextOf(b, "endsAt");
  });
  const bool extended = session.output() == "extended";
  std::vector<Row> rows = {extended ? Row{"ID", "Matchers", "Starts At", "Ends At", "Updated At",
                                          "Created By", "Comment"}
                                    : Row{"ID", "Matchers", "Ends At", "Created By", "Comment"}};
  for (const JsonValue& silence : silences) {
    const std::string ends = session.ShowTime(TextOf(silence, "endsAt"));
    Row row = {TextOf(silence, "id"),
               extended ? "{" + ShowMatchers(silence, ",") + "}" : ShowMatchers(silence, " ")};
    if (extended) row.push_back(session.ShowTime(TextOf(silence, "startsAt")));
    row.push_back(ends);
    if (extended) row.push_back(session.ShowTime(TextOf(silence, "updatedAt")));
    row.push_back(TextOf(silence, "createdBy"));
    row.push_back(TextOf(silence, "comment"));
    rows.push_back(std::move(row));
  }
  return FormatTable(rows);
}

}  // namespace tocsin::commands
