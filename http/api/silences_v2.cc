// Alertmanager's /silences.
#include <algorithm>

#include "http/api/response.h"
#include "http/api/routes.h"
#include "http/api/v2.h"
#include "storage/model/duration.h"

namespace tocsin::http {

namespace {

using alerting::Silence;
using alerting::SilenceState;

constexpr std::string_view kNoAlertmanager = "alerting is not running in this process";

std::string_view StateName(SilenceState state) {
  switch (state) {
    case SilenceState::kPending:
      return "pending";
    case SilenceState::kActive:
      return "active";
    default:
      return "expired";
  }
}

void AppendMatcher(JsonWriter& json, const Matcher& matcher) {
  const bool regex = matcher.op() == MatchOp::kRegex || matcher.op() == MatchOp::kNotRegex;
  const bool equal = matcher.op() == MatchOp::kEqual || matcher.op() == MatchOp::kRegex;
  json.BeginObject().Field("isEqual", equal).Field("isRegex", regex);
  json.Field("name", matcher.name()).Field("value", matcher.value()).EndObject();
}

void AppendSilence(JsonWriter& json, const Silence& silence, SilenceState state) {
  json.BeginObject().Field("id", silence.id).Key("status").BeginObject();
  json.Field("state", StateName(state)).EndObject();
  json.Field("updatedAt", V2Time(silence.updated_at)).Key("annotations").BeginObject();
  for (const auto& [name, value] : silence.annotations) json.Field(name, value);
  json.EndObject().Field("comment", silence.comment).Field("createdBy", silence.created_by);
  json.Field("endsAt", V2Time(silence.ends_at)).Key("matchers").BeginArray();
  for (const Matcher& matcher : silence.matchers) AppendMatcher(json, matcher);
  json.EndArray().Field("startsAt", V2Time(silence.starts_at)).EndObject();
}

// Active ones that end next first, then pending ones that start next, then the newest expired.
bool ShownBefore(const std::pair<SilenceState, Silence>& a,
                 const std::pair<SilenceState, Silence>& b) {
  const auto rank = [](SilenceState state) {
    return state == SilenceState::kActive ? 0 : state == SilenceState::kPending ? 1 : 2;
  };
  if (a.first != b.first) return rank(a.first) < rank(b.first);
  switch (a.first) {
    case SilenceState::kActive:
      return a.second.ends_at < b.second.ends_at;
    case SilenceState::kPending:
      return a.second.starts_at < b.second.starts_at;
    default:
      return a.second.ends_at > b.second.ends_at;
  }
}

bool ContainsAll(const Silence& silence, const std::vector<Matcher>& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const Matcher& filter) {
    return std::find(silence.matchers.begin(), silence.matchers.end(), filter) !=
           silence.matchers.end();
  });
}

Result<Response> GetSilences(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.alertmanager == nullptr) return V2Error(503, kNoAlertmanager);
  const auto filters = V2Filters(request);
  if (!filters.ok()) return V2Failure(filters.error());
  std::vector<std::pair<SilenceState, Silence>> shown;
  for (Silence& silence : context.alertmanager->Silences()) {
    const SilenceState state = context.alertmanager->StateOf(silence);
    if (!V2Flag(request, StateName(state)) || !ContainsAll(silence, *filters)) continue;
    shown.emplace_back(state, std::move(silence));
  }
  std::stable_sort(shown.begin(), shown.end(), ShownBefore);
  std::string body;
  JsonWriter json(body, true);
  json.BeginArray();
  for (const auto& [state, silence] : shown) AppendSilence(json, silence, state);
  json.EndArray();
  return V2Json(std::move(body));
}

std::optional<Response> ReadMatcher(const JsonValue& json, std::vector<Matcher>* out) {
  const std::string where = "matchers." + std::to_string(out->size());
  const JsonValue* name = json.Find("name");
  const JsonValue* value = json.Find("value");
  const JsonValue* is_regex = json.Find("isRegex");
  const JsonValue* is_equal = json.Find("isEqual");
  for (const auto& [key, field] :
       {std::pair{"name", name}, std::pair{"value", value}, std::pair{"isRegex", is_regex}}) {
    if (field == nullptr || field->is_null()) {
      return V2SchemaError(602, where + "." + key + " in body is required");
    }
  }
  const bool typed = name->AsString() && value->AsString() && is_regex->AsBool() &&
                     (is_equal == nullptr || is_equal->is_null() || is_equal->AsBool());
  if (!typed) return V2BodyError("a matcher has string name and value, boolean isRegex, isEqual");
  const bool equal = is_equal == nullptr || is_equal->is_null() || *is_equal->AsBool();
  const MatchOp op = *is_regex->AsBool() ? (equal ? MatchOp::kRegex : MatchOp::kNotRegex)
                                         : (equal ? MatchOp::kEqual : MatchOp::kNotEqual);
  auto matcher =
      Matcher::Create(op, *name->AsString(), *value->AsString(), Regex::Anchor::kFullNoDotNl);
  if (!matcher.ok()) {
    return V2Error(400, "invalid silence: invalid label matcher " + std::to_string(out->size()) +
                            ": invalid regular expression " + matcher.error().message());
  }
  out->push_back(*std::move(matcher));
  return std::nullopt;
}

std::optional<Response> ReadText(const JsonValue& json, std::string_view key, std::string* out) {
  const JsonValue* value = json.Find(key);
  if (value == nullptr || value->is_null()) {
    return V2SchemaError(602, std::string(key) + " in body is required");
  }
  if (value->AsString() == nullptr) return V2BodyError(std::string(key) + " must be a string");
  *out = *value->AsString();
  return std::nullopt;
}

std::optional<Response> ReadTime(const JsonValue& json, std::string_view key, Timestamp* out) {
  std::string text;
  if (auto error = ReadText(json, key, &text)) return error;
  if (text.empty()) return std::nullopt;  // not given: now
  const auto time = ParseRfc3339(text);
  if (!time.ok()) return V2BodyError(std::string(key) + ": " + time.error().message());
  *out = *time;
  return std::nullopt;
}

std::optional<Response> ReadSilence(const JsonValue& json, Silence* silence) {
  if (json.AsObject() == nullptr) return V2BodyError("the body must be a silence");
  const JsonValue* matchers = json.Find("matchers");
  if (matchers == nullptr || matchers->is_null()) {
    return V2SchemaError(602, "matchers in body is required");
  }
  if (matchers->AsArray() == nullptr) return V2BodyError("matchers must be an array");
  if (matchers->AsArray()->empty()) {
    return V2SchemaError(612, "matchers in body should have at least 1 items");
  }
  for (const JsonValue& matcher : *matchers->AsArray()) {
    if (auto error = ReadMatcher(matcher, &silence->matchers)) return error;
  }
  if (auto error = ReadTime(json, "startsAt", &silence->starts_at)) return error;
  if (auto error = ReadTime(json, "endsAt", &silence->ends_at)) return error;
  if (auto error = ReadText(json, "createdBy", &silence->created_by)) return error;
  if (auto error = ReadText(json, "comment", &silence->comment)) return error;
  if (const JsonValue* id = json.Find("id"); id != nullptr && !id->is_null()) {
    if (id->AsString() == nullptr) return V2BodyError("id must be a string");
    silence->id = *id->AsString();
  }
  const JsonValue* annotations = json.Find("annotations");
  if (annotations != nullptr && !annotations->is_null() &&
      !ReadStringMap(*annotations, &silence->annotations)) {
    return V2BodyError("annotations must be an object of strings");
  }
  return std::nullopt;
}

Result<Response> PostSilence(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.alertmanager == nullptr) return V2Error(503, kNoAlertmanager);
  V2Body body = ParseV2Body(request, "silence");
  if (body.error) return *std::move(body.error);
  Silence silence;
  if (auto error = ReadSilence(body.value, &silence)) return *std::move(error);
  if (silence.starts_at >= silence.ends_at) {
    return V2Error(400, "Failed to create silence: start time must be before end time");
  }
  auto id = context.alertmanager->SetSilence(std::move(silence));
  if (!id.ok()) return V2Failure(id.error());
  std::string answer;
  JsonWriter(answer).BeginObject().Field("silenceID", *id).EndObject();
  return V2Json(std::move(answer));
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f') ||
                     (text[i] >= 'A' && text[i] <= 'F');
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

Response BadId(const std::string& id) {
  return V2SchemaError(601, "silenceID in path must be of type uuid: \"" + id + "\"");
}

Result<Response> GetSilence(const ApiContext& context, const Request&, const PathArgs& args) {
  if (context.alertmanager == nullptr) return V2Error(503, kNoAlertmanager);
  if (!IsUuid(args.at(0))) return BadId(args.at(0));
  const auto silence = context.alertmanager->GetSilence(args.at(0));
  if (!silence) return V2Error(404, "silence not found");
  std::string body;
  JsonWriter json(body, true);
  AppendSilence(json, *silence, context.alertmanager->StateOf(*silence));
  return V2Json(std::move(body));
}

Result<Response> DeleteSilence(const ApiContext& context, const Request&, const PathArgs& args) {
  if (context.alertmanager == nullptr) return V2Error(503, kNoAlertmanager);
  if (!IsUuid(args.at(0))) return BadId(args.at(0));
  const Status status = context.alertmanager->ExpireSilence(args.at(0));
  if (!status.ok()) return V2Failure(status.error());
  return TextResponse(200, {});
}

}  // namespace

std::vector<Route> SilenceRoutesV2(const ContextPtr& context, std::string_view prefix) {
  static constexpr ApiRow kRows[] = {
      {"GET", "/silences", Pool::kQuery, &GetSilences},
      {"POST", "/silences", Pool::kQuery, &PostSilence},
      {"GET", "/silence/:id", Pool::kQuery, &GetSilence},
      {"DELETE", "/silence/:id", Pool::kQuery, &DeleteSilence},
  };
  return MakeRoutes(context, kRows, prefix);
}

}  // namespace tocsin::http
