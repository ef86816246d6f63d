#include "http/api/response.h"

#include "storage/model/duration.h"

namespace tocsin::http {

namespace {

constexpr std::string_view kJson = "application/json";

struct ErrorKind {
  std::string_view type;
  int status;
};

ErrorKind KindOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kInvalidLabels:
      return {"bad_data", 400};
    case ErrorCode::kExecution:
    case ErrorCode::kLimit:
    case ErrorCode::kUnsupported:
      return {"execution", 422};
    case ErrorCode::kTimeout:
      return {"timeout", 503};
    case ErrorCode::kCanceled:
      return {"canceled", 499};
    case ErrorCode::kNotFound:
      return {"not_found", 404};
    case ErrorCode::kUnavailable:
      return {"unavailable", 500};
    default:
      return {"internal", 500};
  }
}

void AppendList(std::string& out, std::string_view key, const std::vector<std::string>& values) {
  if (values.empty()) return;
  out.append(",\"").append(key).append("\":[");
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(out, values[i], true);
  }
  out += ']';
}

}  // namespace

Response Envelope::Finish(const std::vector<std::string>& warnings,
                          const std::vector<std::string>& infos) && {
  AppendList(body_, "warnings", warnings);
  AppendList(body_, "infos", infos);
  body_ += '}';
  return JsonResponse(200, std::move(body_));
}

Response ErrorResponse(const Error& error) {
  const ErrorKind kind = KindOf(error.code());
  std::string body = "{\"status\":\"error\",\"errorType\":\"";
  body.append(kind.type).append("\",\"error\":");
  AppendJsonString(body, error.message(), true);
  body += '}';
  return JsonResponse(kind.status, std::move(body));
}

Response TextResponse(int status, std::string text) {
  Response response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

Response JsonResponse(int status, std::string json) {
  Response response;
  response.status = status;
  response.content_type = std::string(kJson);
  response.body = std::move(json);
  return response;
}

Response Redirect(std::string location) {
  Response response;
  response.status = 302;
  response.headers.emplace_back("Location", std::move(location));
  return response;
}

Response NoContent() { return TextResponse(204, {}); }

Error NotRunning(std::string_view part) {
  return {ErrorCode::kUnavailable, std::string(part) + " is not running in this process"};
}

Error NotAvailable(std::string_view what) {
  return Unsupported(std::string(what) + " is not available in tocsin");
}

Error InvalidParameter(std::string_view name, std::string_view text) {
  return InvalidArgument(
      std::string("invalid parameter \"").append(name).append("\": ").append(text));
}

void AppendLabels(std::string& out, const Labels& labels) {
  char separator = '{';
  if (labels.empty()) out += '{';
  for (const Label& label : labels) {
    out += separator;
    separator = ',';
    AppendJsonString(out, label.name);
    out += ':';
    AppendJsonString(out, label.value);
  }
  out += '}';
}

void AppendStrings(std::string& out, const std::vector<std::string>& values) {
  out += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(out, values[i], true);
  }
  out += ']';
}

std::string FormatTime(Timestamp t) { return FormatRfc3339(t); }

}  // namespace tocsin::http
