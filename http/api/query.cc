// /query, /query_range and what else works on the text of a query.
#include "http/api/params.h"
#include "http/api/response.h"
#include "http/api/routes.h"
#include "http/api/value_json.h"
#include "query/language.h"
#include "query/query_log.h"
#include "storage/base/number.h"

namespace tocsin::http {

namespace {

constexpr int64_t kMaxPoints = 11'000;

struct CommonParams {
  query::QueryOptions options;
  size_t limit = 0;
};

Result<CommonParams> ParseCommon(const Request& request) {
  CommonParams params;
  TOCSIN_ASSIGN(params.limit, LimitParam(request));
  if (const auto text = Param(request, "timeout"); !text.empty()) {
    auto timeout = ParseApiDuration(text);
    if (!timeout.ok()) return InvalidParameter("timeout", timeout.error().message());
    params.options.timeout = *timeout;
  }
  if (const auto text = Param(request, "lookback_delta"); !text.empty()) {
    auto delta = ParseApiDuration(text);
    if (!delta.ok()) {
      return delta.error().WithContext("error parsing lookback delta duration");
    }
    params.options.lookback_delta = *delta;
  }
  params.options.max_source_resolution = query::kAnyResolution;
  if (const auto text = Param(request, "max_source_resolution"); !text.empty() && text != "auto") {
    auto resolution = ParseApiDuration(text);
    if (!resolution.ok() || resolution->count() < 0) {
      return InvalidParameter("max_source_resolution",
                              "\"" + std::string(text) + "\" is neither auto nor a duration");
    }
    params.options.max_source_resolution = *resolution;
  }
  params.options.per_step_stats = Param(request, "stats") == "all";
  params.options.canceled = request.canceled.get();
  params.options.origin.client =
      request.remote_address.substr(0, request.remote_address.rfind(':'));
  params.options.origin.method = request.method;
  params.options.origin.path = request.path;
  return params;
}

template <typename List>
void Truncate(List& list, size_t limit, std::vector<std::string>& warnings) {
  if (limit == 0 || list.size() <= limit) return;
  list.resize(limit);
  warnings.emplace_back(kTruncatedWarning);
}

void Limit(query::QueryResult& result, size_t limit) {
  if (auto* vector = std::get_if<query::Vector>(&result.value.v)) {
    Truncate(*vector, limit, result.warnings);
  } else if (auto* matrix = std::get_if<query::Matrix>(&result.value.v)) {
    Truncate(*matrix, limit, result.warnings);
  }
}

Error QueryError(const Error& error) {
  if (error.code() != ErrorCode::kInvalidArgument) return error;
  return InvalidParameter("query", error.message());
}

Response Answer(const Request& request, query::QueryResult result, size_t limit) {
  Limit(result, limit);
  Envelope envelope;
  std::string& out = envelope.data();
  out += "{\"resultType\":\"";
  out += query::ValueTypeName(result.value.type());
  out += "\",\"result\":";
  AppendResult(out, result.value);
  const std::string_view stats = Param(request, "stats");
  if (!stats.empty()) {
    out += ",\"stats\":";
    JsonWriter json(out);
    json.BeginObject();
    query::AppendStats(json, result.stats);
    json.EndObject();
  }
  if (!stats.empty() && stats != "true" && stats != "all") {
    result.warnings.push_back("value \"" + std::string(stats) +
                              "\" for parameter \"stats\" is deprecated and will be rejected in "
                              "the next major release, use \"true\" or \"all\"");
  }
  out += '}';
  return std::move(envelope).Finish(result.warnings, result.infos);
}

Result<Response> Query(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.engine == nullptr) return NotRunning("the query engine");
  TOCSIN_ASSIGN(const CommonParams params, ParseCommon(request));
  TOCSIN_ASSIGN(const Timestamp at, TimeParam(request, "time", context.clock->Now()));
  auto result = context.engine->Instant(Param(request, "query"), at, params.options);
  if (!result.ok()) return QueryError(result.error());
  return Answer(request, *std::move(result), params.limit);
}

struct RangeOf {
  Timestamp start, end;
  Duration step{0};
};

Result<RangeOf> ParseRange(const Request& request) {
  RangeOf range;
  for (const auto& [name, time] :
       {std::pair{"start", &range.start}, std::pair{"end", &range.end}}) {
    auto parsed = ParseApiTime(Param(request, name));
    if (!parsed.ok()) return InvalidParameter(name, parsed.error().message());
    *time = *parsed;
  }
  if (range.end < range.start) {
    return InvalidParameter("end", "end timestamp must not be before start time");
  }
  auto step = ParseApiDuration(Param(request, "step"));
  if (!step.ok()) return InvalidParameter("step", step.error().message());
  range.step = *step;
  if (range.step.count() <= 0) {
    return InvalidParameter("step",
                            "zero or negative query resolution step widths are not accepted. Try a "
                            "positive integer");
  }
  const auto span = static_cast<uint64_t>(range.end.ms) - static_cast<uint64_t>(range.start.ms);
  if (span / static_cast<uint64_t>(range.step.count()) > kMaxPoints) {
    return InvalidArgument(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  return range;
}

Result<Response> QueryRange(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.engine == nullptr) return NotRunning("the query engine");
  TOCSIN_ASSIGN(const RangeOf range, ParseRange(request));
  TOCSIN_ASSIGN(const CommonParams params, ParseCommon(request));
  auto result = context.engine->Range(Param(request, "query"), range.start, range.end, range.step,
                                      params.options);
  if (!result.ok()) return QueryError(result.error());
  return Answer(request, *std::move(result), params.limit);
}

Result<Response> FormatQuery(const ApiContext&, const Request& request, const PathArgs&) {
  auto text = query::FormatQuery(Param(request, "query"));
  if (!text.ok()) return QueryError(text.error());
  Envelope envelope;
  AppendJsonString(envelope.data(), *text, true);
  return std::move(envelope).Finish();
}

query::Features FeaturesOf(const ApiContext& context) {
  return context.engine == nullptr ? query::Features{} : context.engine->options().features;
}

Result<Response> ParseQuery(const ApiContext& context, const Request& request, const PathArgs&) {
  auto json = query::ParseQueryJson(Param(request, "query"), FeaturesOf(context));
  if (!json.ok()) return QueryError(json.error());
  Envelope envelope;
  envelope.data() += *json;
  return std::move(envelope).Finish();
}

Result<Response> QueryExemplars(const ApiContext& context, const Request& request,
                                const PathArgs&) {
  TOCSIN_ASSIGN(const TimeRange range, RangeParams(request));
  if (range.end < range.start)
    return InvalidArgument("end timestamp must not be before start timestamp");
  const auto selectors = query::SelectorsOf(Param(request, "query"), FeaturesOf(context));
  if (!selectors.ok()) return QueryError(selectors.error());
  if (context.db == nullptr) return NotRunning("the database");
  TOCSIN_ASSIGN(const auto found, context.db->Exemplars(*selectors, range.start, range.end));
  Envelope envelope;
  AppendExemplars(envelope.data(), found);
  return std::move(envelope).Finish();
}

}  // namespace

std::vector<Route> QueryRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"GET POST", "/api/v1/query", Pool::kQuery, &Query},
      {"GET POST", "/api/v1/query_range", Pool::kQuery, &QueryRange},
      {"GET POST", "/api/v1/query_exemplars", Pool::kQuery, &QueryExemplars},
      {"GET POST", "/api/v1/format_query", Pool::kQuery, &FormatQuery},
      {"GET POST", "/api/v1/parse_query", Pool::kQuery, &ParseQuery},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
