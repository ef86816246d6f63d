#include "query/query_log.h"

#include <string>

#include "storage/base/json.h"
#include "storage/base/log.h"
#include "storage/model/duration.h"

namespace tocsin::query {
namespace {

// [[1435781430,3],...]
void AppendSteps(JsonWriter& json, std::string_view key, const QueryStats& stats,
                 uint64_t SampleCount::*count) {
  json.Key(key).BeginArray();
  for (const auto& [t, n] : stats.per_step)
    json.BeginArray()
        .Double(static_cast<double>(t.ms) / 1000)
        .Int(static_cast<int64_t>(n.*count))
        .EndArray();
  json.EndArray();
}

}  // namespace

void AppendStats(JsonWriter& json, const QueryStats& stats) {
  json.Key("timings").BeginObject();
  json.Field("evalTotalTime", stats.inner_s).Field("resultSortTime", 0.0);
  json.Field("queryPreparationTime", stats.prepare_s).Field("innerEvalTime", stats.inner_s);
  json.Field("execQueueTime", stats.queue_s).Field("execTotalTime", stats.total_s).EndObject();
  json.Key("samples").BeginObject();
  json.Field("totalQueryableSamples", stats.counted.queryable);
  if (!stats.per_step.empty())
    AppendSteps(json, "totalQueryableSamplesPerStep", stats, &SampleCount::queryable);
  json.Field("samplesRead", stats.counted.read);
  if (!stats.per_step.empty()) AppendSteps(json, "samplesReadPerStep", stats, &SampleCount::read);
  json.Field("peakSamples", stats.peak_samples).EndObject();
}

void QueryLog::SetFile(std::shared_ptr<PlainFile> file) {
  std::lock_guard lock(mutex_);
  file_ = std::move(file);
}

std::shared_ptr<PlainFile> QueryLog::file() const {
  std::lock_guard lock(mutex_);
  return file_;
}

void QueryLog::Write(Timestamp now, std::string_view query, Timestamp start, Timestamp end,
                     Duration step, const QueryOptions& options, const QueryStats& stats,
                     const Error* error) {
  const std::shared_ptr<PlainFile> out = file();
  if (out == nullptr) return;
  std::string line;
  JsonWriter json(line);
  json.BeginObject().Field("time", FormatRfc3339(now)).Field("level", "INFO");
  json.Field("msg", "promql query logged").Key("params").BeginObject();
  json.Field("end", FormatRfc3339(end)).Field("query", query);
  json.Field("start", FormatRfc3339(start)).Field("step", step.count() / 1000).EndObject();
  json.Key("stats").BeginObject();
  AppendStats(json, stats);
  json.EndObject();
  if (error != nullptr) json.Field("error", error->message());
  if (!options.origin.path.empty()) {
    json.Key("httpRequest").BeginObject().Field("clientIP", options.origin.client);
    json.Field("method", options.origin.method).Field("path", options.origin.path).EndObject();
  } else if (!options.origin.rule_group.empty()) {
    json.Key("ruleGroup").BeginObject().Field("file", options.origin.rule_file);
    json.Field("name", options.origin.rule_group).EndObject();
  }
  json.EndObject();
  line += '\n';
  if (const Status status = out->Append(line); !status.ok()) {
    log::Warn("the query log cannot be written", {{"err", status.error().message()}});
  }
}

}  // namespace tocsin::query
