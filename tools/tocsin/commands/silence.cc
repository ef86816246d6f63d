// tocsin silence query|add|update|expire|import (amtool silence ...)
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <iterator>

#include "storage/base/file_system.h"
#include "storage/model/duration.h"
#include "tools/tocsin/commands/alertmanager_session.h"
#include "tools/tocsin/commands/silence_text.h"

namespace tocsin::commands {
namespace {

using Silences = JsonValue::Array;

Result<Timestamp> TimeOf(const JsonValue& silence, std::string_view key) {
  return ParseRfc3339(TextOf(silence, key));
}

Result<Silences> Find(const AlertmanagerSession& session, const Arguments& arguments) {
  TOCSIN_ASSIGN(const auto matchers, ParseMatcherArguments(arguments.operands()));
  QueryParams params;
  for (const Matcher& matcher : matchers) params.emplace_back("filter", matcher.ToString());
  TOCSIN_ASSIGN(const JsonValue answer, session.Get("/silences?" + EncodeParams(params)));
  if (answer.AsArray() == nullptr) return Internal("the answer is no list of silences");
  Duration within{0};
  if (arguments.given("within")) {
    TOCSIN_ASSIGN(within, ParseDuration(arguments.value("within")));
  }
  const bool expired = arguments.on("expired");
  const Timestamp now = CurrentTime();
  const auto ids = arguments.values("id");
  Silences found;
  for (const JsonValue& silence : *answer.AsArray()) {
    TOCSIN_ASSIGN(const Timestamp ends, TimeOf(silence, "endsAt"));
    if (expired ? ends > now : ends <= now) continue;
    if (within.count() > 0 && (expired ? ends < now - within : ends > now + within)) continue;
    const std::string author = arguments.value("created-by");
    if (!author.empty() && TextOf(silence, "createdBy") != author) continue;
    if (!ids.empty() && std::find(ids.begin(), ids.end(), TextOf(silence, "id")) == ids.end()) {
      continue;
    }
    found.push_back(silence);
  }
  return found;
}

std::string Show(const AlertmanagerSession& session, Silences silences, bool quiet) {
  if (quiet) {
    std::string out;
    for (const JsonValue& silence : silences) out += TextOf(silence, "id") + "\n";
    return out;
  }
  if (session.output() == "json") return ToJson(JsonValue(std::move(silences))) + "\n";
  return FormatSilences(session, std::move(silences));
}

Result<std::string> Query(const Arguments& arguments) {
  TOCSIN_ASSIGN(const auto session, AlertmanagerSession::Open(arguments));
  TOCSIN_ASSIGN(Silences found, Find(session, arguments));
  return Show(session, std::move(found), arguments.on("quiet"));
}

// Start, and end by --end or --duration (from the start); `start` and `end` hold what is otherwise.
Status ReadTimes(const AlertmanagerSession& session, const Arguments& arguments, bool has_duration,
                 Timestamp* start, Timestamp* end) {
  if (arguments.given("start")) {
    TOCSIN_ASSIGN(*start, ParseTimeArgument(arguments.value("start")));
  }
  if (arguments.given("end")) {
    TOCSIN_ASSIGN(*end, ParseTimeArgument(arguments.value("end")));
  } else if (has_duration) {
    TOCSIN_ASSIGN(const Duration length, ParseDuration(session.value("duration")));
    if (length.count() == 0) return InvalidArgument("silence duration must be greater than 0");
    *end = *start + length;
  }
  if (*start > *end) return InvalidArgument("silence cannot start after it ends");
  return OkStatus();
}

Result<std::string> PostSilence(const AlertmanagerSession& session, const JsonValue& silence) {
  TOCSIN_ASSIGN(const JsonValue answer, session.Post("/silences", ToJson(silence)));
  return TextOf(answer, "silenceID");
}

Result<std::string> Add(const Arguments& arguments) {
  TOCSIN_ASSIGN(const auto session, AlertmanagerSession::Open(arguments));
  TOCSIN_ASSIGN(const auto matchers, ParseMatcherArguments(arguments.operands()));
  if (matchers.empty()) return InvalidArgument("no matchers specified");
  const std::string comment = session.value("comment");
  if (comment.empty() && session.on("require-comment")) {
    return InvalidArgument("comment required by config");
  }
  Timestamp start = CurrentTime(), end;
  TOCSIN_RETURN_IF_ERROR(ReadTimes(session, arguments, true, &start, &end));
  TOCSIN_ASSIGN(const auto annotations, ParsePairs(arguments.values("annotation"), false));
  const std::string author = session.value("author");
  JsonValue::Array list;
  for (const Matcher& m : matchers) {
    const bool regex = m.op() == MatchOp::kRegex || m.op() == MatchOp::kNotRegex;
    const bool equal = m.op() == MatchOp::kEqual || m.op() == MatchOp::kRegex;
    list.emplace_back(JsonValue::Object{{"name", JsonValue(m.name())},
                                        {"value", JsonValue(m.value())},
                                        {"isRegex", JsonValue(regex)},
                                        {"isEqual", JsonValue(equal)}});
  }
  JsonValue::Object notes;
  for (const auto& [name, value] : annotations) notes.emplace_back(name, JsonValue(value));
  const JsonValue silence(
      JsonValue::Object{{"matchers", JsonValue(std::move(list))},
                        {"startsAt", JsonValue(FormatRfc3339(start, 3))},
                        {"endsAt", JsonValue(FormatRfc3339(end, 3))},
                        {"createdBy", JsonValue(author.empty() ? UserName() : author)},
                        {"comment", JsonValue(comment)},
                        {"annotations", JsonValue(std::move(notes))}});
  TOCSIN_ASSIGN(const std::string id, PostSilence(session, silence));
  return id + "\n";
}

void Set(JsonValue::Object& object, const std::string& key, std::string value) {
  for (auto& [name, old] : object) {
    if (name == key) old = JsonValue(value);
  }
}

Result<JsonValue> UpdateOne(const AlertmanagerSession& session, const Arguments& arguments,
                            const std::string& id) {
  TOCSIN_ASSIGN(const JsonValue silence, session.Get("/silence/" + id));
  if (silence.AsObject() == nullptr) return Internal("the answer is no silence");
  JsonValue::Object changed = *silence.AsObject();
  TOCSIN_ASSIGN(Timestamp start, TimeOf(silence, "startsAt"));
  TOCSIN_ASSIGN(Timestamp end, TimeOf(silence, "endsAt"));
  TOCSIN_RETURN_IF_ERROR(ReadTimes(session, arguments, arguments.given("duration"), &start, &end));
  Set(changed, "startsAt", FormatRfc3339(start, 3));
  Set(changed, "endsAt", FormatRfc3339(end, 3));
  if (arguments.given("comment")) Set(changed, "comment", arguments.value("comment"));
  TOCSIN_ASSIGN(const std::string next, PostSilence(session, JsonValue(std::move(changed))));
  return session.Get("/silence/" + next);
}

Result<std::string> Update(const Arguments& arguments) {
  if (arguments.operands().empty()) return InvalidArgument("no silence IDs specified");
  TOCSIN_ASSIGN(const auto session, AlertmanagerSession::Open(arguments));
  Silences updated;
  for (const std::string& id : arguments.operands()) {
    TOCSIN_ASSIGN(JsonValue silence, UpdateOne(session, arguments, id));
    updated.push_back(std::move(silence));
  }
  return Show(session, std::move(updated), arguments.on("quiet"));
}

Result<std::string> Expire(const Arguments& arguments) {
  if (arguments.operands().empty()) return InvalidArgument("no silence IDs specified");
  TOCSIN_ASSIGN(const auto session, AlertmanagerSession::Open(arguments));
  for (const std::string& id : arguments.operands()) {
    TOCSIN_ASSIGN(const JsonValue answer, session.Delete("/silence/" + id));
  }
  return std::string();
}

// Prints the id of each as it is made.
Status Import(const Arguments& arguments) {
  TOCSIN_ASSIGN(const auto session, AlertmanagerSession::Open(arguments));
  std::string text;
  if (arguments.operands().empty()) {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    TOCSIN_ASSIGN(text, RealFileSystem().ReadFile(arguments.operands().front()));
  }
  const auto json = ParseJson(text);
  if (!json.ok() || json->AsArray() == nullptr) {
    return InvalidArgument("couldn't unmarshal input data, is it JSON?: " +
                           (json.ok() ? "not a list of silences" : json.error().message()));
  }
  size_t failed = 0;
  for (const JsonValue& silence : *json->AsArray()) {
    if (silence.AsObject() == nullptr) return InvalidArgument("a silence must be an object");
    JsonValue::Object object = *silence.AsObject();
    if (arguments.on("force")) std::erase_if(object, [](const auto& m) { return m.first == "id"; });
    const auto id = PostSilence(session, JsonValue(std::move(object)));
    if (id.ok()) {
      std::cout << *id << std::endl;
    } else {
      ++failed;
      std::cerr << fmt::format("Error adding silence id='{}': {}\n", TextOf(silence, "id"),
                               id.error().message());
    }
  }
  if (failed == 0) return OkStatus();
  return Error(ErrorCode::kExecution, fmt::format("couldn't import {} out of {} silences", failed,
                                                  json->AsArray()->size()));
}

}  // namespace

int SilenceQuery(const Arguments& arguments) { return arguments.Finish(Query(arguments)); }
int SilenceAdd(const Arguments& arguments) { return arguments.Finish(Add(arguments)); }
int SilenceUpdate(const Arguments& arguments) { return arguments.Finish(Update(arguments)); }
int SilenceExpire(const Arguments& arguments) { return arguments.Finish(Expire(arguments)); }
int SilenceImport(const Arguments& arguments) {
  const Status imported = Import(arguments);
  return imported.ok() ? kSuccess : arguments.Fail(imported.error().message());
}

}  // namespace tocsin::commands
