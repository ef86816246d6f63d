// What storage tells of a block's values saves work and shows in no digit.
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <map>
#include <random>

#include "query/engine.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::query {
namespace {

using tocsin::testing::ManualScheduler;
using tocsin::testing::MemoryQueryable;

constexpr const char* kFunctions[] = {"rate(m[R])",
                                      "increase(m[R])",
                                      "delta(m[R])",
                                      "irate(m[R])",
                                      "deriv(m[R])",
                                      "changes(m[R])",
                                      "resets(m[R])",
                                      "sum_over_time(m[R])",
                                      "avg_over_time(m[R])",
                                      "min_over_time(m[R])",
                                      "max_over_time(m[R])",
                                      "count_over_time(m[R])",
                                      "last_over_time(m[R])",
                                      "stddev_over_time(m[R])",
                                      "stdvar_over_time(m[R])",
                                      "mad_over_time(m[R])",
                                      "ts_of_max_over_time(m[R])",
                                      "ts_of_min_over_time(m[R])",
                                      "quantile_over_time(0.3, m[R])",
                                      "predict_linear(m[R], 60)",
                                      "m",
                                      "m[R]"};

class Shapes : public ::testing::Test {
 protected:
  // Long blocks, so that a series is one.
  Shapes() : plain_(5), telling_(1000) {
    telling_.TellShapes();
    std::mt19937 random(3);
    const double odd[] = {0.0,
                          -0.0,
                          3,
                          0.1,
                          -2.5,
                          1e300,
                          std::numeric_limits<double>::infinity(),
                          std::numeric_limits<double>::quiet_NaN(),
                          StaleMarker(),
                          9007199254740993.0};
    int series = 0;
    for (const double v : odd) Fill(series++, random, [v](int) { return v; });
    Fill(series++, random, [](int i) { return double(i); });
    Fill(series++, random, [](int i) { return double(i / 4); });
    Fill(series++, random, [](int i) { return 0.1 * i; });
    Fill(series++, random, [](int i) { return double(i % 7); });
    Fill(series++, random, [](int i) { return i < 20 ? 5.0 : i < 22 ? StaleMarker() : 6.0; });
    Fill(series++, random, [](int i) { return -100.0 + i; });
  }
  template <typename F>
  void Fill(int series, std::mt19937& random, F value) {
    const Labels labels{{"__name__", "m"}, {"i", std::to_string(series)}};
    int64_t t = 3;
    for (int i = 0; i < 60; ++i) {
      plain_.Add(labels, t, value(i));
      telling_.Add(labels, t, value(i));
      t += 14'990 + random() % 20;
    }
  }
  // By series and time, bits; NaN alike.
  using Bits = std::map<std::pair<Labels, int64_t>, uint64_t>;
  Bits Ask(const MemoryQueryable& store, const std::string& query, bool instant) {
    EngineOptions options;
    options.features.experimental_functions = true;
    const Engine engine(options, store, clock_, metrics_);
    auto result = instant ? engine.Instant(query, Timestamp{600'000})
                          : engine.Range(query, Timestamp{0}, Timestamp{900'000}, Duration{17'000});
    Bits bits;
    EXPECT_TRUE(result.ok()) << query;
    if (!result.ok()) return bits;
    const auto put = [&](const Labels& labels, int64_t t, double v) {
      bits[{labels, t}] = std::bit_cast<uint64_t>(v != v ? NormalNaN() : v);
    };
    if (const auto* matrix = std::get_if<Matrix>(&result->value.v)) {
      for (const Series& series : *matrix)
        for (const Sample& s : series.floats) put(series.labels, s.t.ms, s.v);
    } else if (const auto* vector = std::get_if<Vector>(&result->value.v)) {
      for (const VectorElement& e : *vector) put(e.labels, e.t.ms, e.v);
    }
    return bits;
  }

  MemoryQueryable plain_, telling_;
  ManualScheduler clock_;
  MetricRegistry metrics_;
};

TEST_F(Shapes, DoNotShow) {
  for (const char* function : kFunctions) {
    for (const char* range : {"20s", "1m", "5m", "1h"}) {
      std::string query = function;
      if (const size_t at = query.find("[R]"); at != std::string::npos)
        query.replace(at + 1, 1, range);
      const bool matrix = query.starts_with("m[");
      for (const bool instant : {true, false}) {
        if (matrix && !instant) continue;
        const Bits expected = Ask(plain_, query, instant);
        EXPECT_FALSE(expected.empty()) << query;
        EXPECT_EQ(Ask(telling_, query, instant), expected) << query << " " << instant;
      }
    }
  }
}

}  // namespace
}  // namespace tocsin::query
