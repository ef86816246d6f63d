// What the process is and how it is doing.
#include <unistd.h>

#include <filesystem>

#include "http/api/build_json.h"
#include "http/api/cardinality.h"
#include "http/api/params.h"
#include "http/api/response.h"
#include "http/api/routes.h"
#include "query/language.h"

namespace tocsin::http {

namespace {

constexpr int64_t kMaxTsdbLimit = 10'000;

Result<Response> Config(const ApiContext& context, const Request&, const PathArgs&) {
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  const auto& yaml = context.state.config_yaml;
  json.BeginObject().Field("yaml", yaml ? yaml() : std::string()).EndObject();
  return std::move(envelope).Finish();
}

Result<Response> Flags(const ApiContext& context, const Request&, const PathArgs&) {
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginObject();
  for (const auto& [name, value] : context.state.flags) json.Field(name, value);
  json.EndObject();
  return std::move(envelope).Finish();
}

Result<Response> BuildInformation(const ApiContext& context, const Request&, const PathArgs&) {
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  AppendBuildInfo(json, context.state.build);
  return std::move(envelope).Finish();
}

int64_t CountThreads() {
  std::error_code error;
  int64_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/task", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  return count;
}

std::string Hostname() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

Result<Response> RuntimeInfo(const ApiContext& context, const Request&, const PathArgs&) {
  const ServerState& state = context.state;
  std::error_code ignored;
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginObject().Field("startTime", FormatTime(state.start_time));
  json.Field("CWD", std::filesystem::current_path(ignored).string());
  json.Field("hostname", Hostname());
  json.Field("serverTime", FormatTime(context.clock->Now()));
  json.Field("reloadConfigSuccess", !state.reload_ok || state.reload_ok());
  json.Field("lastConfigTime", FormatTime(state.last_reload ? state.last_reload() : Timestamp{}));
  json.Field("corruptionCount", context.db ? context.db->Stats().corruptions : uint64_t{0});
  json.Field("goroutineCount", CountThreads());
  json.Field("GOMAXPROCS", int64_t{sysconf(_SC_NPROCESSORS_ONLN)});
  json.Field("GOMEMLIMIT", int64_t{0}).Field("GOGC", "").Field("GODEBUG", "");
  json.Field("storageRetention",
             state.storage_retention ? state.storage_retention() : std::string());
  json.EndObject();
  return std::move(envelope).Finish();
}

void AppendTop(JsonWriter& json, std::string_view key, const TopList& list) {
  json.Key(key).BeginArray();
  for (const auto& [name, value] : list) {
    json.BeginObject().Field("name", name).Field("value", value).EndObject();
  }
  json.EndArray();
}

Result<Response> Tsdb(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.db == nullptr) return NotRunning("the database");
  const auto limit = NumberParam(request, "limit", 10);
  if (!limit.ok() || *limit < 1) return InvalidArgument("limit must be a positive number");
  if (*limit > kMaxTsdbLimit) return InvalidArgument("limit must not exceed 10000");
  TOCSIN_ASSIGN(const Cardinality cardinality,
                CountCardinality(*context.db, static_cast<size_t>(*limit), request.canceled.get()));
  const storage::DbStats stats = context.db->Stats();
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginObject().Key("headStats").BeginObject().Field("numSeries", stats.series);
  json.Field("numLabelPairs", stats.label_pairs).Field("chunkCount", int64_t{0});
  json.Field("minTime", stats.min_time.ms).Field("maxTime", stats.max_time.ms).EndObject();
  AppendTop(json, "seriesCountByMetricName", cardinality.series_by_metric);
  AppendTop(json, "labelValueCountByLabelName", cardinality.values_by_label);
  AppendTop(json, "memoryInBytesByLabelName", cardinality.bytes_by_label);
  AppendTop(json, "seriesCountByLabelValuePair", cardinality.series_by_pair);
  json.EndObject();
  return std::move(envelope).Finish();
}

Result<Response> TsdbBlocks(const ApiContext&, const Request&, const PathArgs&) {
  return NotAvailable("the list of TSDB blocks");
}

// Replay is over before the listener opens.
Result<Response> WalReplay(const ApiContext&, const Request&, const PathArgs&) {
  Envelope envelope;
  envelope.data() += "{\"min\":0,\"max\":0,\"current\":0}";
  return std::move(envelope).Finish();
}

void AppendApiFeatures(JsonWriter& json, const ApiContext& context) {
  json.Key("api").BeginObject().Field("admin", context.state.enable_admin_api);
  json.Field("exclude_alerts", true).Field("label_values_match", true);
  json.Field("lifecycle", context.state.enable_lifecycle).Field("openapi_3.1", false);
  json.Field("otlp_write_receiver", false).Field("query_stats", true);
  json.Field("query_warnings", true).Field("remote_read", false);
  json.Field("remote_write_receiver", context.state.enable_remote_write);
  json.Field("time_range_labels", true).Field("time_range_series", true).EndObject();
}

Result<Response> Features(const ApiContext& context, const Request&, const PathArgs&) {
  const query::Features features =
      context.engine ? context.engine->options().features : query::Features{};
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginObject();
  AppendApiFeatures(json, context);
  json.Key("promql").BeginObject().Field("anchored", features.extended_range_selectors);
  json.Field("at_modifier", true).Field("bool", true).Field("by", true);
  json.Field("delayed_name_removal", features.delayed_name_removal);
  json.Field("duration_expr", true).Field("fill", features.binop_fill_modifiers);
  json.Field("group_left", true).Field("group_right", true).Field("ignoring", true);
  json.Field("negative_offset", true).Field("offset", true).Field("on", true);
  json.Field("smoothed", features.extended_range_selectors).Field("subqueries", true);
  json.Field("use_start_timestamps", features.use_start_timestamps).Field("without", true);
  json.EndObject().Key("promql_functions").BeginObject();
  for (const auto& [name, enabled] : query::FunctionNames(features)) json.Field(name, enabled);
  json.EndObject().EndObject();
  return std::move(envelope).Finish();
}

Result<Response> Notifications(const ApiContext& context, const Request&, const PathArgs&) {
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginArray();
  if (context.state.reload_ok && !context.state.reload_ok()) {
    const Timestamp at = context.state.last_reload ? context.state.last_reload() : Timestamp{};
    json.BeginObject().Field("text", "Configuration reload has failed.");
    json.Field("date", FormatTime(at)).Field("active", true).EndObject();
  }
  json.EndArray();
  return std::move(envelope).Finish();
}

Result<Response> SelfMetrics(const ApiContext&, const Request&, const PathArgs&) {
  return NotAvailable("the list of own metrics as JSON (they are at /metrics)");
}

}  // namespace

void AppendBuildInfo(JsonWriter& json, const BuildInfo& build) {
  json.BeginObject().Field("version", kPrometheusVersion).Field("revision", build.revision);
  json.Field("branch", build.branch).Field("buildUser", build.build_user);
  json.Field("buildDate", build.build_date).Field("goVersion", "");
  json.Field("tocsinVersion", build.version).EndObject();
}

std::vector<Route> StatusRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"GET", "/api/v1/status/config", Pool::kQuery, &Config},
      {"GET", "/api/v1/status/flags", Pool::kLoop, &Flags},
      {"GET", "/api/v1/status/buildinfo", Pool::kLoop, &BuildInformation},
      {"GET", "/api/v1/status/runtimeinfo", Pool::kQuery, &RuntimeInfo},
      {"GET", "/api/v1/status/tsdb", Pool::kQuery, &Tsdb},
      {"GET", "/api/v1/status/tsdb/blocks", Pool::kLoop, &TsdbBlocks},
      {"GET", "/api/v1/status/walreplay", Pool::kLoop, &WalReplay, nullptr, true},
      {"GET", "/api/v1/status/self_metrics", Pool::kLoop, &SelfMetrics},
      {"GET", "/api/v1/features", Pool::kLoop, &Features},
      {"GET", "/api/v1/notifications", Pool::kLoop, &Notifications},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
