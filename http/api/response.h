// The envelope of the API: {"status":"success","data":...} and its errors. What an error code means
// in HTTP is said once, here. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "storage/base/json.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/model/labels.h"

namespace tocsin::http {

inline constexpr std::string_view kTruncatedWarning = "results truncated due to limit";

// A successful answer under construction: append exactly one JSON value to data(), then Finish().
class Envelope {
 public:
  Envelope() : body_("{\"status\":\"success\",\"data\":") {}
  std::string& data() { return body_; }
  Response Finish(const std::vector<std::string>& warnings = {},
                  const std::vector<std::string>& infos = {}) &&;

 private:
  std::string body_;
};

// {"status":"error","errorType":...,"error":...} with the HTTP status of the code.
Response ErrorResponse(const Error& error);
// Without the envelope.
Response TextResponse(int status, std::string text);
Response JsonResponse(int status, std::string json);
Response Redirect(std::string location);
Response NoContent();

// kUnavailable / kUnsupported that name the part.
Error NotRunning(std::string_view part);
Error NotAvailable(std::string_view what);
// kInvalidArgument `invalid parameter "name": text`.
Error InvalidParameter(std::string_view name, std::string_view text);

// {"name":"value",...}
void AppendLabels(std::string& out, const Labels& labels);
// ["a","b"]
void AppendStrings(std::string& out, const std::vector<std::string>& values);
// RFC 3339 as Go prints a time; the zero time when not set.
std::string FormatTime(Timestamp t);
inline constexpr std::string_view kZeroTime = "0001-01-01T00:00:00Z";

}  // namespace tocsin::http
