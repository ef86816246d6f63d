// Names and values of labels, series, metadata of metrics.
#include <algorithm>
#include <map>
#include <set>

#include "http/api/label_escape.h"
#include "http/api/params.h"
#include "http/api/response.h"
#include "http/api/routes.h"

namespace tocsin::http {

namespace {

Response FinishList(std::vector<std::string> values, size_t limit,
                    std::vector<std::string> warnings = {}) {
  if (limit > 0 && values.size() > limit) {
    values.resize(limit);
    warnings.emplace_back(kTruncatedWarning);
  }
  Envelope envelope;
  AppendStrings(envelope.data(), values);
  return std::move(envelope).Finish(warnings);
}

// One call per selector, or one for all series; the answers merged and sorted.
template <typename Ask>
Result<std::vector<std::string>> Union(const MatcherSets& sets, Ask&& ask) {
  if (sets.empty()) return ask(std::span<const Matcher>());
  if (sets.size() == 1) return ask(std::span<const Matcher>(sets.front()));
  std::set<std::string> all;
  for (const auto& matchers : sets) {
    TOCSIN_ASSIGN(auto some, ask(std::span<const Matcher>(matchers)));
    all.insert(some.begin(), some.end());
  }
  return std::vector<std::string>(all.begin(), all.end());
}

Result<Response> LabelNames(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.db == nullptr) return NotRunning("the database");
  TOCSIN_ASSIGN(const size_t limit, LimitParam(request));
  TOCSIN_ASSIGN(const TimeRange range, RangeParams(request));
  TOCSIN_ASSIGN(const MatcherSets sets, MatchParams(request));
  TOCSIN_ASSIGN(auto names, Union(sets, [&](std::span<const Matcher> matchers) {
                  return context.db->LabelNames(matchers, range.start, range.end);
                }));
  return FinishList(std::move(names), limit);
}

Result<Response> LabelValues(const ApiContext& context, const Request& request,
                             const PathArgs& args) {
  if (context.db == nullptr) return NotRunning("the database");
  const std::string name = UnescapeName(args.at(0));
  if (!IsValidLabelName(name)) {
    std::string message = "invalid label name: ";
    AppendGoQuoted(message, name);
    return InvalidArgument(std::move(message));
  }
  TOCSIN_ASSIGN(const size_t limit, LimitParam(request));
  TOCSIN_ASSIGN(const TimeRange range, RangeParams(request));
  TOCSIN_ASSIGN(const MatcherSets sets, MatchParams(request));
  TOCSIN_ASSIGN(auto values, Union(sets, [&](std::span<const Matcher> matchers) {
                  return context.db->LabelValues(name, matchers, range.start, range.end);
                }));
  return FinishList(std::move(values), limit);
}

// Adds series to the answer until the limit.
class SeriesList {
 public:
  SeriesList(std::string& out, size_t limit) : out_(out), limit_(limit) { out_ += '['; }
  // False: enough.
  bool Add(const Labels& labels) {
    if (limit_ > 0 && count_ == limit_) return false;
    if (count_++ > 0) out_ += ',';
    AppendLabels(out_, labels);
    return true;
  }

 private:
  std::string& out_;
  const size_t limit_;
  size_t count_ = 0;
};

// Of several selectors each series once, sorted; of one in storage order, as Prometheus does.
Result<Response> Series(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.db == nullptr) return NotRunning("the database");
  if (request.param("match[]") == nullptr) return InvalidArgument("no match[] parameter provided");
  TOCSIN_ASSIGN(const size_t limit, LimitParam(request));
  TOCSIN_ASSIGN(const TimeRange range, RangeParams(request));
  TOCSIN_ASSIGN(const MatcherSets sets, MatchParams(request));
  storage::SelectHints hints;
  hints.labels_only = true;
  hints.canceled = request.canceled.get();
  std::vector<std::string> warnings;
  std::set<Labels> merged;  // of several selectors
  Envelope envelope;
  SeriesList list(envelope.data(), limit);
  bool complete = true;
  Labels labels;
  for (const auto& matchers : sets) {
    TOCSIN_ASSIGN(auto set, context.db->Select(matchers, range.start, range.end, hints));
    for (size_t i = 0; i < set->size() && complete; ++i) {
      set->CopyLabels(i, &labels);
      if (sets.size() > 1) {
        merged.insert(std::move(labels));
      } else {
        complete = list.Add(labels);
      }
    }
    for (std::string& warning : set->warnings()) warnings.push_back(std::move(warning));
  }
  for (auto one = merged.begin(); one != merged.end() && complete; ++one) complete = list.Add(*one);
  if (!complete) warnings.emplace_back(kTruncatedWarning);
  envelope.data() += ']';
  return std::move(envelope).Finish(warnings);
}

using MetadataByMetric = std::map<std::string, std::vector<Metadata>>;

// What the current targets say; of other metrics what the database was told, by remote write say.
MetadataByMetric CollectMetadata(const ApiContext& context, const std::string& metric) {
  MetadataByMetric all;
  const auto add = [&all](const std::string& name, const Metadata& metadata) {
    auto& list = all[name];
    if (std::find(list.begin(), list.end(), metadata) == list.end()) list.push_back(metadata);
  };
  if (context.scrapes != nullptr) {
    for (const auto& entry : context.scrapes->MetadataOf(metric)) add(entry.metric, entry.metadata);
  }
  if (context.db != nullptr) {
    for (const auto& [name, entry] : context.db->MetricMetadata(metric))
      if (!all.contains(name)) add(name, entry);
  }
  return all;
}

void AppendMetadata(JsonWriter& json, const Metadata& metadata) {
  json.BeginObject().Field("type", MetricTypeName(metadata.type)).Field("unit", metadata.unit);
  json.Field("help", metadata.help).EndObject();
}

Result<Response> MetricMetadata(const ApiContext& context, const Request& request,
                                const PathArgs&) {
  TOCSIN_ASSIGN(const int64_t limit, NumberParam(request, "limit", -1));
  TOCSIN_ASSIGN(const int64_t per_metric, NumberParam(request, "limit_per_metric", -1));
  Envelope envelope;
  JsonWriter json(envelope.data(), true);
  json.BeginObject();
  int64_t metrics = 0;
  for (const auto& [name, list] : CollectMetadata(context, std::string(Param(request, "metric")))) {
    if (limit >= 0 && metrics++ >= limit) break;
    json.Key(name).BeginArray();
    for (size_t i = 0; i < list.size(); ++i) {
      if (per_metric > 0 && i >= static_cast<size_t>(per_metric)) break;
      AppendMetadata(json, list[i]);
    }
    json.EndArray();
  }
  json.EndObject();
  return std::move(envelope).Finish();
}

Result<Response> Search(const ApiContext&, const Request&, const PathArgs&) {
  return NotAvailable("the search API");
}

}  // namespace

std::vector<Route> SeriesRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"GET POST", "/api/v1/series", Pool::kQuery, &Series},
      {"GET POST", "/api/v1/labels", Pool::kQuery, &LabelNames},
      {"GET", "/api/v1/label/:name/values", Pool::kQuery, &LabelValues},
      {"GET", "/api/v1/metadata", Pool::kQuery, &MetricMetadata},
      {"GET POST", "/api/v1/search/:what", Pool::kLoop, &Search},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
