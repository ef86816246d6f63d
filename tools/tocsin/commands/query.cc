// tocsin query instant|range|series|labels [URL] ... (promtool query ...)
#include <fmt/format.h>

#include <iostream>

#include "storage/model/duration.h"
#include "tools/tocsin/commands/alertmanager_session.h"
#include "tools/tocsin/commands/api_client.h"
#include "tools/tocsin/commands/command.h"
#include "tools/tocsin/commands/query_text.h"

namespace tocsin::commands {
namespace {

constexpr char kHere[] = "http://localhost:9090";

struct Asked {
  std::string url;
  std::string text;  // the expression or the name
};

// [URL] and, when `what` is not empty, one more operand.
Result<Asked> ReadOperands(const Arguments& arguments, std::string_view what) {
  const auto& given = arguments.operands();
  const size_t wanted = what.empty() ? 0 : 1;
  if (given.size() > wanted + 1) {
    return InvalidArgument(fmt::format("unexpected {}", given[wanted + 1]));
  }
  // promtool always wants the server.
  if (given.size() < wanted || (arguments.program() == "promtool" && given.size() == wanted)) {
    return InvalidArgument(fmt::format("required argument '{}' not provided",
                                       what.empty() || given.empty() ? "server" : what));
  }
  Asked asked;
  asked.url = given.size() > wanted ? given.front() : kHere;
  if (wanted == 1) asked.text = given.back();
  return asked;
}

Result<HttpHeaders> ReadHeaders(const Arguments& arguments) {
  HttpHeaders headers;
  for (const std::string& header : arguments.values("header")) {
    const size_t end = header.find_first_of("=:");
    if (end == std::string::npos) {
      return InvalidArgument(fmt::format("expected KEY=VALUE or KEY:VALUE got '{}'", header));
    }
    headers.emplace_back(header.substr(0, end), header.substr(end + 1));
  }
  return headers;
}

// The `data` of the answer; warnings of the server go to stderr.
Result<JsonValue> Ask(const Arguments& arguments, const std::string& url, const std::string& method,
                      const std::string& path, const QueryParams& params) {
  TOCSIN_ASSIGN(const auto client, ApiClient::Create(url, std::chrono::minutes(2),
                                                     arguments.value("http.config.file")));
  TOCSIN_ASSIGN(HttpHeaders headers, ReadHeaders(arguments));
  const std::string encoded = EncodeParams(params);
  const bool post = method == "POST";
  auto answer = client.Send(method, post ? path : path + "?" + encoded,
                            post ? "application/x-www-form-urlencoded" : "", post ? encoded : "",
                            std::move(headers));
  if (!answer.ok()) return answer.error().WithContext("query error");
  const auto json = ParseJson(answer->body);
  if (!json.ok()) {
    return Error(ErrorCode::kExecution,
                 fmt::format("query error: status {}: {}", answer->status, answer->body));
  }
  if (TextOf(*json, "status") != "success") {
    return Error(
        ErrorCode::kExecution,
        fmt::format("query error: {}: {}", TextOf(*json, "errorType"), TextOf(*json, "error")));
  }
  for (const char* key : {"warnings", "infos"}) {
    const JsonValue* notes = json->Find(key);
    if (notes == nullptr || notes->AsArray() == nullptr) continue;
    for (const JsonValue& note : *notes->AsArray()) {
      if (note.AsString() != nullptr) std::cerr << key << ": " << *note.AsString() << "\n";
    }
  }
  const JsonValue* data = json->Find("data");
  return data == nullptr ? JsonValue() : *data;
}

bool WantsJson(const Arguments& arguments) { return arguments.value("format") == "json"; }

int Print(const Arguments& arguments, const Result<JsonValue>& data) {
  if (!data.ok()) {
    std::cerr << data.error().message() << "\n";
    return kFailure;
  }
  if (WantsJson(arguments)) {
    const JsonValue* result = data->Find("result");
    std::cout << ToJson(result == nullptr ? *data : *result) << "\n" << std::flush;
    return kSuccess;
  }
  return arguments.Finish(FormatQueryData(*data));
}

std::string Seconds(Timestamp t) { return fmt::format("{:.3f}", t.seconds()); }

Status AddTimes(const Arguments& arguments, QueryParams* params) {
  for (const char* name : {"start", "end"}) {
    if (!arguments.given(name)) continue;
    auto t = ParseTimeArgument(arguments.value(name));
    if (!t.ok()) return t.error().WithContext(fmt::format("error parsing {} time", name));
    params->emplace_back(name, Seconds(*t));
  }
  return OkStatus();
}

int SayError(const Error& error) {
  std::cerr << error.message() << "\n";
  return kFailure;
}

// Prints a list of the API: one line an item.
template <typename Show>
int PrintList(const Arguments& arguments, const Result<JsonValue>& data, const Show& show) {
  if (!data.ok()) return SayError(data.error());
  if (WantsJson(arguments)) {
    std::cout << ToJson(*data) << "\n" << std::flush;
    return kSuccess;
  }
  if (data->AsArray() != nullptr) {
    for (const JsonValue& item : *data->AsArray()) std::cout << show(item) << "\n";
  }
  std::cout << std::flush;
  return kSuccess;
}

}  // namespace

int QueryInstant(const Arguments& arguments) {
  const auto asked = ReadOperands(arguments, "expr");
  if (!asked.ok()) return arguments.FailUsage(asked.error().message());
  Timestamp at = CurrentTime();
  if (arguments.given("time")) {
    const auto t = ParseTimeArgument(arguments.value("time"));
    if (!t.ok()) return SayError(t.error().WithContext("error parsing evaluation time"));
    at = *t;
  }
  return Print(arguments, Ask(arguments, asked->url, "POST", "/api/v1/query",
                              {{"query", asked->text}, {"time", Seconds(at)}}));
}

int QueryRange(const Arguments& arguments) {
  const auto asked = ReadOperands(arguments, "expr");
  if (!asked.ok()) return arguments.FailUsage(asked.error().message());
  Timestamp end = CurrentTime();
  if (arguments.given("end")) {
    const auto t = ParseTimeArgument(arguments.value("end"));
    if (!t.ok()) return SayError(t.error().WithContext("error parsing end time"));
    end = *t;
  }
  Timestamp start = end - std::chrono::minutes(5);
  if (arguments.given("start")) {
    const auto t = ParseTimeArgument(arguments.value("start"));
    if (!t.ok()) return SayError(t.error().WithContext("error parsing start time"));
    start = *t;
  }
  if (start >= end) return SayError(InvalidArgument("start time is not before end time"));
  Duration step = std::max(Duration{((end - start) / 250).count() / 1000 * 1000}, Duration{1000});
  if (arguments.given("step")) {
    const auto given = ParseDuration(arguments.value("step"));
    if (!given.ok()) return arguments.FailUsage(given.error().message());
    step = *given;
  }
  return Print(arguments, Ask(arguments, asked->url, "POST", "/api/v1/query_range",
                              {{"query", asked->text},
                               {"start", Seconds(start)},
                               {"end", Seconds(end)},
                               {"step", fmt::format("{:.3f}", ToSeconds(step))}}));
}

int QuerySeries(const Arguments& arguments) {
  const auto asked = ReadOperands(arguments, "");
  if (!asked.ok()) return arguments.FailUsage(asked.error().message());
  QueryParams params;
  for (const std::string& match : arguments.values("match")) params.emplace_back("match[]", match);
  if (const Status times = AddTimes(arguments, &params); !times.ok()) {
    return SayError(times.error());
  }
  return PrintList(arguments, Ask(arguments, asked->url, "GET", "/api/v1/series", params),
                   [](const JsonValue& series) { return FormatMetric(series, false); });
}

int QueryLabels(const Arguments& arguments) {
  const auto asked = ReadOperands(arguments, "name");
  if (!asked.ok()) return arguments.FailUsage(asked.error().message());
  QueryParams params;
  for (const std::string& match : arguments.values("match")) params.emplace_back("match[]", match);
  if (const Status times = AddTimes(arguments, &params); !times.ok()) {
    return SayError(times.error());
  }
  const std::string path = "/api/v1/label/" + EscapePathSegment(asked->text) + "/values";
  return PrintList(arguments, Ask(arguments, asked->url, "GET", path, params),
                   [](const JsonValue& value) {
                     return value.AsString() == nullptr ? std::string() : *value.AsString();
                   });
}

}  // namespace tocsin::commands
