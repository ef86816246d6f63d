// The engine: the input's bytes choose a valid expression, which is evaluated over a small store.
// It may fail, but not as a bug of ours, and the answer of a range query is that of the instant
// queries at its steps.
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <utility>

#include "query/engine.h"
#include "query/histogram/arithmetic.h"
#include "storage/base/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::fuzz {
namespace {

using query::Engine;
using testing::MemoryQueryable;

constexpr int kTop = 4;  // of how deep an expression nests

// Writes an expression; each choice takes a byte, and the first of its options when none is left.
class Writer {
 public:
  explicit Writer(std::string_view bytes) : bytes_(bytes) {}

  uint8_t Byte() {
    if (at_ == bytes_.size()) return 0;
    return static_cast<uint8_t>(bytes_[at_++]);
  }
  template <size_t N>
  std::string Of(const char* const (&options)[N]) {
    return options[Byte() % N];
  }

  std::string Vector(int depth) {
    if (depth == 0 || bytes_.size() == at_) return Selector() + Moved();
    switch (Byte() % 16) {
      case 0:
      case 1:
        return Selector() + Moved();
      case 2:
      case 3:
      case 4:
        return OverRange(depth - 1);
      case 5:
        return Of(kMaps) + "(" + Vector(depth - 1) + ")";
      case 6:
        return WithArguments(depth - 1);
      case 7:
      case 8:
        return Of(kFolds) + Grouping() + "(" + Vector(depth - 1) + ")";
      case 9:
        // The order of what is picked is another in a range query, which sums would show.
        if (depth < kTop) return Of(kFolds) + Grouping() + "(" + Vector(depth - 1) + ")";
        return Of(kPicks) + Grouping() + "(" + Scalar(depth - 1) + ", " + Vector(depth - 1) + ")";
      case 10:
        return "count_values" + Grouping() + "(\"v\", " + Vector(depth - 1) + ")";
      case 11:
        return "(" + Vector(depth - 1) + ") " + Arithmetic() + " " + Matching() + "(" +
               Vector(depth - 1) + ")";
      case 12:
        return "(" + Vector(depth - 1) + ") " + Of(kSets) + " " + On() + "(" + Vector(depth - 1) +
               ")";
      case 13:
        return "(" + Vector(depth - 1) + ") " + Arithmetic() + " " + Scalar(depth - 1);
      case 14:
        return Scalar(depth - 1) + " " + Arithmetic() + " (" + Vector(depth - 1) + ")";
      default:
        return "-(" + Vector(depth - 1) + ")";
    }
  }

 private:
  static constexpr const char* kSelectors[] = {"m",
                                               "m{g=\"0\"}",
                                               "m{i=~\"[0-3]\"}",
                                               "h",
                                               "c_total",
                                               "{__name__=~\"m|n\"}",
                                               "n{i!=\"2\"}",
                                               "{i=\"1\"}",
                                               "custom",
                                               "none",
                                               "{__name__=~\".+\", g=\"1\"}",
                                               "classic_bucket"};
  static constexpr const char* kDurations[] = {"1m", "15s", "40s", "5m", "1ms", "10m", "90s"};
  static constexpr const char* kMaps[] = {"abs",
                                          "ceil",
                                          "floor",
                                          "exp",
                                          "sqrt",
                                          "ln",
                                          "log2",
                                          "sgn",
                                          "sin",
                                          "atan",
                                          "histogram_count",
                                          "histogram_sum",
                                          "deg",
                                          "hour",
                                          "histogram_avg",
                                          "histogram_stddev",
                                          "timestamp",
                                          "days_in_month",
                                          "sort",
                                          "absent",
                                          "histogram_stdvar",
                                          "round",
                                          "year",
                                          "sort_desc"};
  static constexpr const char* kRanges[] = {"rate",
                                            "increase",
                                            "delta",
                                            "irate",
                                            "idelta",
                                            "deriv",
                                            "changes",
                                            "resets",
                                            "avg_over_time",
                                            "min_over_time",
                                            "max_over_time",
                                            "sum_over_time",
                                            "count_over_time",
                                            "stddev_over_time",
                                            "stdvar_over_time",
                                            "last_over_time",
                                            "first_over_time",
                                            "present_over_time",
                                            "absent_over_time",
                                            "mad_over_time",
                                            "ts_of_min_over_time",
                                            "ts_of_max_over_time",
                                            "ts_of_last_over_time"};
  static constexpr const char* kFolds[] = {"sum",   "avg",   "min",    "max",
                                           "count", "group", "stddev", "stdvar"};
  static constexpr const char* kPicks[] = {"topk", "bottomk", "quantile", "limitk", "limit_ratio"};
  static constexpr const char* kSets[] = {"and", "or", "unless"};
  static constexpr const char* kArithmetic[] = {"+",       "-",     "*",  "/", "%",       "^",
                                                "==",      "!=",    ">",  "<", ">= bool", "<=",
                                                "== bool", "atan2", "</", ">/"};
  static constexpr const char* kGroupings[] = {
      "", " by (g)", " without (i)", " by (i, g)", " by (__name__)", " without (le)", " by (le)"};
  static constexpr const char* kNumbers[] = {"1",   "0",    "0.5", "-1",  "2",     "100",
                                             "Inf", "-Inf", "NaN", "1e9", "0.999", "3"};
  static constexpr const char* kLabels[] = {"g", "i", "le", "x"};

  std::string Selector() { return Of(kSelectors); }
  std::string Moved() {
    switch (Byte() % 12) {
      case 0:
        return " offset " + Of(kDurations);
      case 1:
        return " offset -" + Of(kDurations);
      case 2:
        return " @ " + std::to_string(Byte() * 4);
      default:
        return "";
    }
  }
  std::string Range(int depth) {
    if (depth > 0 && Byte() % 4 == 0)
      return "(" + Vector(depth - 1) + ")[" + Of(kDurations) + ":" +
             (Byte() % 3 == 0 ? "" : std::to_string(1 + Byte() % 50) + "s") + "]" + Moved();
    return Selector() + "[" + Of(kDurations) + "]" + Moved();
  }
  std::string OverRange(int depth) {
    switch (Byte() % 8) {
      case 0:
        return "quantile_over_time(" + Scalar(depth) + ", " + Range(depth) + ")";
      case 1:
        return "predict_linear(" + Range(depth) + ", " + Scalar(depth) + ")";
      case 2:
        return "double_exponential_smoothing(" + Range(depth) + ", 0.3, 0.7)";
      case 3:
        return (Byte() % 2 == 0 ? "rate(" : "increase(") + Selector() + "[" + Of(kDurations) +
               "] " + (Byte() % 2 == 0 ? "anchored" : "smoothed") + ")";
      default:
        return Of(kRanges) + "(" + Range(depth) + ")";
    }
  }
  std::string WithArguments(int depth) {
    const std::string label = Of(kLabels);
    switch (Byte() % 10) {
      case 0:
        return "clamp(" + Vector(depth) + ", " + Scalar(depth) + ", " + Scalar(depth) + ")";
      case 1:
        return "clamp_min(" + Vector(depth) + ", " + Scalar(depth) + ")";
      case 2:
        return "label_replace(" + Vector(depth) + ", \"" + label +
               "\", \"a$1\", \"i\", \"([0-3])\")";
      case 3:
        return "label_join(" + Vector(depth) + ", \"" + label + "\", \"-\", \"i\", \"g\")";
      case 4:
        return "histogram_quantile(" + Scalar(depth) + ", " + Vector(depth) + ")";
      case 5:
        return "histogram_fraction(" + Scalar(depth) + ", " + Scalar(depth) + ", " + Vector(depth) +
               ")";
      case 6:
        return "vector(" + Scalar(depth) + ")";
      case 7:
        return "histogram_quantiles(" + Vector(depth) + ", \"q\", " + Scalar(depth) + ", 0.5)";
      case 8:
        return "info(" + Vector(depth) + ")";
      default:
        return "round(" + Vector(depth) + ", " + Scalar(depth) + ")";
    }
  }
  std::string Scalar(int depth) {
    switch (depth > 0 ? Byte() % 6 : 0) {
      case 4:
        return "time()";
      case 5:
        return "scalar(" + Vector(depth - 1) + ")";
      default:
        return Of(kNumbers);
    }
  }
  std::string Grouping() { return Of(kGroupings); }
  std::string Arithmetic() { return Of(kArithmetic); }
  std::string On() {
    switch (Byte() % 4) {
      case 0:
        return "on (" + Of(kLabels) + ") ";
      case 1:
        return "ignoring (" + Of(kLabels) + ") ";
      default:
        return "";
    }
  }
  std::string Matching() {
    const std::string on = On();
    if (on.empty()) return on;
    switch (Byte() % 6) {
      case 0:
        return on + "group_left ";
      case 1:
        return on + "group_right (x) ";
      case 2:
        return on + "fill (0) ";
      case 3:
        return on + "fill_left (1) ";
      default:
        return on;
    }
  }

  const std::string_view bytes_;
  size_t at_ = 0;
};

Histogram Exponential(std::mt19937& random) {
  Histogram h;
  h.schema = static_cast<int32_t>(random() % 3);
  h.zero_threshold = random() % 2 == 0 ? 0 : 0.5;
  h.zero_count = h.zero_threshold > 0 ? random() % 5 : 0;
  h.positive_spans = {{static_cast<int32_t>(random() % 3), 2}, {1, 1}};
  h.positive_buckets = {double(random() % 9), double(random() % 9), double(random() % 9)};
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {double(random() % 4)};
  h.count = h.zero_count + h.negative_buckets[0];
  for (const double bucket : h.positive_buckets) h.count += bucket;
  h.sum = h.count * 1.25;
  return h;
}

Histogram Custom(std::mt19937& random) {
  Histogram h;
  h.schema = kCustomBucketsSchema;
  h.custom_values = random() % 4 == 0 ? std::vector<double>{1, 2, 4} : std::vector<double>{1, 4};
  h.positive_spans = {{0, static_cast<uint32_t>(h.custom_values.size() + 1)}};
  for (size_t i = 0; i <= h.custom_values.size(); ++i) {
    h.positive_buckets.push_back(random() % 7);
    h.count += h.positive_buckets.back();
  }
  h.sum = h.count * 2;
  return h;
}

// Gauges, counters with resets, classic and native histograms, a series of both kinds; gaps, NaN,
// infinities and staleness markers.
const MemoryQueryable& Data() {
  static const MemoryQueryable* const data = [] {
    auto* store = new MemoryQueryable;
    std::mt19937 random(1);
    for (const char* name : {"m", "n", "c_total"}) {
      for (int s = 0; s < 5; ++s) {
        const Labels labels{
            {"__name__", name}, {"g", std::to_string(s % 2)}, {"i", std::to_string(s)}};
        double v = random() % 50;
        for (int64_t t = random() % 15'000; t < 900'000; t += 15'000 + random() % 40) {
          if (random() % 10 == 0) continue;
          if (random() % 30 == 0) t += 200'000;
          v = random() % 12 == 0 ? 0 : v + random() % 9 * (s % 2 == 0 ? 1 : 0.37);
          double shown = v;
          if (random() % 40 == 0) shown = std::numeric_limits<double>::quiet_NaN();
          if (random() % 60 == 0) shown = std::numeric_limits<double>::infinity();
          if (random() % 40 == 0) shown = StaleMarker();
          store->Add(labels, t, shown);
        }
      }
    }
    for (int s = 0; s < 2; ++s) {
      const Labels h{{"__name__", "h"}, {"i", std::to_string(s)}};
      const Labels custom{{"__name__", "custom"}, {"i", std::to_string(s)}};
      double total = 0;
      for (int64_t t = 5'000; t < 900'000; t += 15'000) {
        if (random() % 9 != 0) store->Add(h, t, Exponential(random));
        if (random() % 9 != 0) store->Add(custom, t, Custom(random));
        if (random() % 15 == 0) store->Add(h, t, double(random() % 9));
        for (const char* le : {"1", "2.5", "+Inf"}) {
          store->Add({{"__name__", "classic_bucket"}, {"i", std::to_string(s)}, {"le", le}}, t,
                     total += random() % 5);
        }
      }
    }
    store->Add({{"__name__", "target_info"}, {"instance", "a"}, {"job", "j"}, {"x", "y"}}, 1000, 1);
    return store;
  }();
  return *data;
}

// Values by labels at one time.
using AtStep = std::map<Labels, std::pair<double, query::HistogramPtr>>;

bool Same(const AtStep& a, const AtStep& b) {
  if (a.size() != b.size()) return false;
  return std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
    if (x.first != y.first) return false;
    const auto& [v, h] = x.second;
    const auto& [w, g] = y.second;
    if ((h == nullptr) != (g == nullptr)) return false;
    if (h != nullptr) return query::SameHistogram(*h, *g);
    return std::bit_cast<uint64_t>(v) == std::bit_cast<uint64_t>(w) ||
           (std::isnan(v) && std::isnan(w));
  });
}

void CheckNoBug(const Error& error, const std::string& text) {
  TOCSIN_CHECK(error.code() != ErrorCode::kInternal, (text + ": " + error.message()).c_str());
}

}  // namespace

void RunOne(std::string_view input) {
  static testing::ManualScheduler clock;
  static MetricRegistry metrics;
  static const auto engine_of = [](bool delayed) {
    query::EngineOptions options;
    options.features.experimental_functions = options.features.extended_range_selectors = true;
    options.features.binop_fill_modifiers = true;
    options.features.delayed_name_removal = delayed;
    options.lookback_delta = Duration{60'000};
    options.max_samples = 1'000'000;
    return new Engine(options, Data(), clock, metrics);
  };
  static const Engine* const engines[] = {engine_of(false), engine_of(true)};

  Writer writer(input);
  const Engine& engine = *engines[writer.Byte() % 2];
  const int64_t start = writer.Byte() * 1000 + 7, step = 1'000 + writer.Byte() * 400;
  constexpr int kSteps = 6;
  const std::string text = writer.Vector(kTop);
  // Which of equal values is picked and how a variance rounds depend on the order of series, which
  // is another in a range query.
  bool ordered = false;
  for (const char* word : {"topk", "bottomk", "limit", "stddev", "stdvar"})
    ordered = ordered || text.find(word) != std::string::npos;
  const auto range =
      engine.Range(text, Timestamp{start}, Timestamp{start + step * (kSteps - 1)}, Duration{step});
  if (!range.ok()) CheckNoBug(range.error(), text);
  std::map<int64_t, AtStep> steps;
  if (range.ok()) {
    for (const query::Series& series : std::get<query::Matrix>(range->value.v)) {
      for (const Sample& s : series.floats) steps[s.t.ms][series.labels] = {s.v, nullptr};
      for (const auto& s : series.histograms) steps[s.t.ms][series.labels] = {0, s.h};
    }
  }
  for (int64_t t = start; t < start + step * kSteps; t += step) {
    const auto instant = engine.Instant(text, Timestamp{t});
    if (!instant.ok()) CheckNoBug(instant.error(), text);
    if (!instant.ok() || !range.ok() || ordered) continue;
    AtStep expected;
    for (const auto& e : std::get<query::Vector>(instant->value.v)) expected[e.labels] = {e.v, e.h};
    TOCSIN_CHECK(Same(steps[t], expected),
                 (text + " at " + std::to_string(t) + " step " + std::to_string(step)).c_str());
  }
}

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  std::mt19937 random(2);
  for (int i = 0; i < 300; ++i) {
    std::string seed(4 + random() % 40, '\0');
    for (char& c : seed) c = static_cast<char>(random());
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace tocsin::fuzz
