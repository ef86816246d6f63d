// What the handlers of Alertmanager's API share: its kinds of errors (JSON strings, and objects for
// bodies that do not fit the schema), filters, times. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/api/api.h"
#include "http/message.h"
#include "storage/base/json.h"
#include "storage/base/result.h"
#include "storage/model/matcher.h"

namespace tocsin::http {

// Also forbids caching.
Response V2Json(std::string json);
// The body is `text` as a JSON string.
Response V2Error(int status, std::string_view text);
// 422 {"code":602,"message":"labels in body is required"}.
Response V2SchemaError(int code, std::string_view message);
// 400 with {code, message}: a body that is not what the schema says.
Response V2BodyError(std::string_view message);
// Of a Status from the Alertmanager.
Response V2Failure(const Error& error);

// A flag of the query; `true` when absent.
bool V2Flag(const Request& request, std::string_view name);
// The matchers of all values of that parameter.
Result<std::vector<Matcher>> V2Filters(const Request& request, std::string_view name = "filter");
// RFC 3339 with milliseconds.
std::string V2Time(Timestamp t);

// A body as a tree. A Response when it is none.
struct V2Body {
  JsonValue value;
  std::optional<Response> error;
};
V2Body ParseV2Body(const Request& request, std::string_view what);

// An object of strings into labels; false when some value is not a string.
bool ReadStringMap(const JsonValue& json, std::vector<std::pair<std::string, std::string>>* out);

}  // namespace tocsin::http
