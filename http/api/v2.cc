#include "http/api/v2.h"

#include "alerting/matcher_parser.h"
#include "http/api/params.h"
#include "http/api/response.h"
#include "storage/model/duration.h"

namespace tocsin::http {

namespace {

// A tree needs several times the bytes of its text.
constexpr size_t kMaxBodyBytes = 16u << 20;

}  // namespace

Response V2Json(std::string json) {
  Response response = JsonResponse(200, std::move(json));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Response V2Error(int status, std::string_view text) {
  std::string body;
  AppendJsonString(body, text, true);
  return JsonResponse(status, body + "\n");
}

Response V2SchemaError(int code, std::string_view message) {
  std::string body;
  JsonWriter(body, true).BeginObject().Field("code", code).Field("message", message).EndObject();
  return JsonResponse(422, body + "\n");
}

Response V2BodyError(std::string_view message) {
  std::string body;
  JsonWriter(body, true).BeginObject().Field("code", 400).Field("message", message).EndObject();
  return JsonResponse(400, body + "\n");
}

Response V2Failure(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kInvalidLabels:
    case ErrorCode::kLimit:
      return V2Error(400, error.message());
    case ErrorCode::kNotFound:
      return V2Error(404, error.message());
    default:
      return V2Error(500, error.message());
  }
}

bool V2Flag(const Request& request, std::string_view name) {
  const std::string* text = request.param(name);
  return text == nullptr || text->empty() || ParseGoBool(*text).value_or(false);
}

Result<std::vector<Matcher>> V2Filters(const Request& request, std::string_view name) {
  std::vector<Matcher> filters;
  for (const std::string& text : request.param_list(name)) {
    TOCSIN_ASSIGN(Matcher matcher, alerting::ParseMatcher(text));
    filters.push_back(std::move(matcher));
  }
  return filters;
}

std::string V2Time(Timestamp t) { return FormatRfc3339(t, 3); }

V2Body ParseV2Body(const Request& request, std::string_view what) {
  V2Body body;
  if (request.body.size() > kMaxBodyBytes) {
    body.error = V2Error(413, "body is larger than 16 MiB");
    return body;
  }
  if (request.body.empty()) {
    body.error = V2SchemaError(602, std::string(what) + " in body is required");
    return body;
  }
  auto parsed = ParseJson(request.body);
  if (parsed.ok()) {
    body.value = *std::move(parsed);
  } else {
    body.error =
        V2BodyError("parsing " + std::string(what) + " body failed: " + parsed.error().message());
  }
  return body;
}

bool ReadStringMap(const JsonValue& json, std::vector<std::pair<std::string, std::string>>* out) {
  const auto* object = json.AsObject();
  if (object == nullptr) return false;
  for (const auto& [name, value] : *object) {
    const std::string* text = value.AsString();
    if (text == nullptr) return false;
    out->emplace_back(name, *text);
  }
  return true;
}

}  // namespace tocsin::http
