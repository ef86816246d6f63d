// The engine from outside: limits, cancellation, errors, annotations and what it asks of storage.
#include "query/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <optional>
#include <thread>

#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::query {
namespace {

using tocsin::testing::ManualScheduler;
using tocsin::testing::MemoryQueryable;

constexpr Duration kMinute{60'000};

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override { Create({}); }

  void Create(const EngineOptions& options) { engine_.emplace(options, store_, clock_, metrics_); }

  // Samples value(i) at minute i.
  template <typename F>
  void Load(const Labels& labels, int samples, F value) {
    for (int i = 0; i < samples; ++i) store_.Add(labels, i * 60'000, value(i));
  }

  Result<QueryResult> Range(std::string_view query, int from_minute, int to_minute) {
    return engine_->Range(query, Timestamp{from_minute * 60'000}, Timestamp{to_minute * 60'000},
                          kMinute);
  }
  Result<QueryResult> Instant(std::string_view query, int minute = 0) {
    return engine_->Instant(query, Timestamp{minute * 60'000});
  }

  MemoryQueryable store_;
  ManualScheduler clock_;
  MetricRegistry metrics_;
  std::optional<Engine> engine_;
};

std::string ErrorOf(const Result<QueryResult>& result) {
  return result.ok() ? "" : result.error().message();
}

TEST_F(EngineTest, ScalarOfRangeQueryIsOneSeriesWithoutLabels) {
  auto result = Range("time() / 60", 0, 2);
  ASSERT_TRUE(result.ok()) << ErrorOf(result);
  const auto& matrix = std::get<Matrix>(result->value.v);
  ASSERT_EQ(matrix.size(), 1u);
  EXPECT_TRUE(matrix[0].labels.empty());
  ASSERT_EQ(matrix[0].floats.size(), 3u);
  EXPECT_EQ(matrix[0].floats[2].v, 2);
}

TEST_F(EngineTest, RangeQueryRefusesRangeVectorsAndStrings) {
  auto result = Range("up[5m]", 0, 1);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ErrorOf(result),
            "invalid expression type \"range vector\" for range query, must be Scalar or instant "
            "Vector");
  EXPECT_FALSE(Range("\"text\"", 0, 1).ok());
}

TEST_F(EngineTest, MatrixIsSortedByLabels) {
  Load({{"__name__", "m"}, {"i", "2"}}, 1, [](int) { return 1; });
  Load({{"__name__", "m"}, {"i", "1"}}, 1, [](int) { return 2; });
  auto result = Range("label_replace(m, \"j\", \"$1\", \"i\", \"(.*)\") or vector(3)", 0, 0);
  ASSERT_TRUE(result.ok()) << ErrorOf(result);
  const auto& matrix = std::get<Matrix>(result->value.v);
  ASSERT_EQ(matrix.size(), 3u);
  EXPECT_TRUE(matrix[0].labels < matrix[1].labels && matrix[1].labels < matrix[2].labels);
}

TEST_F(EngineTest, ResultsDoNotDependOnBlockEdges) {
  const Labels labels{{"__name__", "c_total"}, {"i", "1"}};
  std::optional<Matrix> first;
  for (size_t block : {1, 2, 3, 7, 1000}) {
    MemoryQueryable store(block);
    for (int i = 0; i < 200; ++i) store.Add(labels, i * 15'000 + i % 4, (i * 7) % 50 + 0.1);
    Engine engine({}, store, clock_, metrics_);
    auto result =
        engine.Range("rate(c_total[2m]) + on() c_total + on() quantile_over_time(0.3, c_total[3m])",
                     Timestamp{0}, Timestamp{3'000'000}, Duration{17'000});
    ASSERT_TRUE(result.ok()) << ErrorOf(result);
    const Matrix& matrix = std::get<Matrix>(result->value.v);
    ASSERT_EQ(matrix.size(), 1u);
    if (!first) first = matrix;
    ASSERT_EQ(matrix[0].floats.size(), (*first)[0].floats.size());
    for (size_t i = 0; i < matrix[0].floats.size(); ++i) {
      EXPECT_EQ(matrix[0].floats[i].v, (*first)[0].floats[i].v);
    }
  }
}

TEST_F(EngineTest, TooManySamples) {
  EngineOptions options;
  options.max_samples = 100;
  Create(options);
  for (int i = 0; i < 20; ++i) {
    Load({{"__name__", "m"}, {"i", std::to_string(i)}}, 60, [](int) { return 1; });
  }
  auto result = Range("m", 0, 50);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kLimit);
  EXPECT_EQ(ErrorOf(result),
            "query processing would load too many samples into memory in query execution");
  // A sum holds groups, not series.
  EXPECT_TRUE(Range("sum(m)", 0, 50).ok());
}

TEST_F(EngineTest, Canceled) {
  Load({{"__name__", "m"}}, 5, [](int) { return 1; });
  std::atomic<bool> canceled{true};
  QueryOptions options;
  options.canceled = &canceled;
  auto result = engine_->Instant("sum(m)", Timestamp{0}, options);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kCanceled);
  EXPECT_EQ(ErrorOf(result), "query was canceled in expression evaluation");
}

// A clock on which every look takes a second.
class SlowClock final : public Clock {
 public:
  Timestamp Now() const override { return {0}; }
  MonotonicTime Monotonic() const override { return {std::chrono::seconds(++looks_)}; }

 private:
  mutable std::atomic<int> looks_ = 0;
};

TEST_F(EngineTest, TimesOut) {
  Load({{"__name__", "m"}}, 5, [](int) { return 1; });
  SlowClock clock;
  Engine engine({}, store_, clock, metrics_);
  QueryOptions options;
  options.timeout = Duration{1500};
  auto result = engine.Instant("sum(m) + sum(m) + sum(m)", Timestamp{0}, options);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kTimeout);
  EXPECT_EQ(ErrorOf(result), "query timed out in expression evaluation");
}

TEST_F(EngineTest, LookbackOfTheRequest) {
  Load({{"__name__", "m"}}, 1, [](int) { return 1; });
  QueryOptions options;
  options.lookback_delta = Duration{61'000};
  auto at = [&](int64_t ms) {
    auto result = engine_->Instant("m", Timestamp{ms}, options);
    return std::get<Vector>(result->value.v).size();
  };
  EXPECT_EQ(at(60'999), 1u);
  EXPECT_EQ(at(61'000), 0u);
}

TEST_F(EngineTest, SubqueryStepOfTheConfiguration) {
  Load({{"__name__", "m"}}, 10, [](int) { return 1; });
  auto count = [&] {
    auto result = Instant("count_over_time(m[4m:])", 5);
    return std::get<Vector>(result->value.v).at(0).v;
  };
  EXPECT_EQ(count(), 4);
  engine_->SetDefaultSubqueryStep(Duration{30'000});
  EXPECT_EQ(count(), 8);
}

TEST_F(EngineTest, StorageLearnsStepRangeAndFunction) {
  ASSERT_TRUE(Range("rate(m_total[5m])", 0, 2).ok());
  EXPECT_EQ(store_.last_hints().function, "rate");
  EXPECT_EQ(store_.last_hints().range, Duration{300'000});
  EXPECT_EQ(store_.last_hints().step, kMinute);
}

TEST_F(EngineTest, PinnedPartsAreReadOnce) {
  Load({{"__name__", "m"}}, 10, [](int i) { return i; });
  ASSERT_TRUE(Range("m - on() sum(m @ 60)", 2, 9).ok());
  EXPECT_EQ(store_.selects(), 2);
}

TEST_F(EngineTest, AnnotationsAreCappedAndCounted) {
  std::string query = "vector(0)";
  for (int i = 0; i < 12; ++i) query += " + on() quantile(2, vector(1))";
  Create({});
  auto result = Instant(query);
  ASSERT_TRUE(result.ok()) << ErrorOf(result);
  ASSERT_EQ(result->warnings.size(), 11u);
  EXPECT_EQ(result->warnings[0],
            "PromQL warning: quantile value should be between 0 and 1, got 2 (1:27)");
  EXPECT_EQ(result->warnings[10], "2 more warning annotations omitted");
}

TEST_F(EngineTest, NamesGoAtOnceWithoutTheFeature) {
  Load({{"__name__", "a"}}, 2, [](int) { return 1; });
  Load({{"__name__", "b"}}, 2, [](int) { return 2; });
  EXPECT_EQ(ErrorOf(Instant("abs({__name__=~\"a|b\"})")),
            "vector cannot contain metrics with the same labelset");
  EXPECT_EQ(ErrorOf(Instant("count_over_time({__name__=~\"a|b\"}[1m])")),
            "vector cannot contain metrics with the same labelset");
  auto result = Instant("sum by (__name__) (abs(a))");
  ASSERT_TRUE(result.ok()) << ErrorOf(result);
  EXPECT_TRUE(std::get<Vector>(result->value.v).at(0).labels.empty());
}

TEST_F(EngineTest, TypeAndUnitGoWithTheName) {
  EngineOptions options;
  options.features.type_and_unit_labels = true;
  Create(options);
  Load({{"__name__", "c"}, {"__type__", "gauge"}, {"__unit__", "s"}, {"i", "1"}}, 3,
       [](int i) { return i; });
  auto result = Instant("rate(c[3m])", 2);
  ASSERT_TRUE(result.ok()) << ErrorOf(result);
  EXPECT_EQ(std::get<Vector>(result->value.v).at(0).labels, (Labels{{"i", "1"}}));
  ASSERT_EQ(result->infos.size(), 1u);
  EXPECT_EQ(result->infos[0],
            "PromQL info: metric might not be a counter, __type__ label is not set to \"counter\" "
            "or \"histogram\", got \"gauge\": \"c\" (1:6)");
}

TEST_F(EngineTest, TheErrorIsThatOfTheFirstStep) {
  Load({{"__name__", "l"}, {"i", "1"}}, 9, [](int) { return 1; });
  Load({{"__name__", "l"}, {"i", "2"}}, 9, [](int) { return 1; });
  Load({{"__name__", "r"}, {"i", "1"}}, 9, [](int) { return 1; });
  store_.Add({{"__name__", "r"}, {"i", "2"}}, 3 * 60'000, 1);
  EXPECT_EQ(ErrorOf(Range("l + on () r", 0, 5)).substr(0, 27), "multiple matches for labels");
  EXPECT_EQ(ErrorOf(Range("l + on () r", 3, 5)).substr(0, 22), "found duplicate series");
}

TEST_F(EngineTest, DeepNestingIsAnsweredOrRefused) {
  Load({{"__name__", "m"}}, 1, [](int) { return 1; });
  for (const auto& [open, close] : {std::pair{"abs(", ")"},
                                    {"-(", ")"},
                                    {"sum(", ")"},
                                    {"1 + (", ")"},
                                    {"max_over_time((", ")[1m:1m])"}}) {
    for (int depth : {100, 900, 5000}) {
      std::string query;
      for (int i = 0; i < depth; ++i) query += open;
      query += "m";
      for (int i = 0; i < depth; ++i) query += close;
      auto result = Instant(query);
      if (!result.ok()) {
        EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument) << ErrorOf(result);
      }
    }
  }
}

TEST_F(EngineTest, TimesAtTheEndsOfTheRange) {
  Load({{"__name__", "m"}}, 1, [](int) { return 1; });
  for (int64_t t : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    for (const char* query : {"m", "rate(m[5m])", "sum_over_time(m[5m:1m])", "m offset -1y",
                              "m offset 290y", "m @ -9e15", "m @ 9e15", "timestamp(m)", "hour()"}) {
      EXPECT_TRUE(engine_->Instant(query, Timestamp{t}).ok()) << query;
    }
  }
}

// A store whose queries wait until the test lets them go.
class WaitingStore final : public storage::Queryable {
 public:
  Result<std::unique_ptr<storage::SeriesSet>> Select(std::span<const Matcher>, Timestamp, Timestamp,
                                                     const storage::SelectHints&) const override {
    entered.fetch_add(1);
    entered.notify_all();
    go.wait(false);
    return NotFound("nothing here");
  }
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher>, Timestamp,
                                              Timestamp) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> LabelValues(const std::string&, std::span<const Matcher>,
                                               Timestamp, Timestamp) const override {
    return std::vector<std::string>();
  }
  std::vector<std::pair<std::string, Metadata>> MetricMetadata(const std::string&) const override {
    return {};
  }
  mutable std::atomic<int> entered{0};
  std::atomic<bool> go{false};
};

TEST_F(EngineTest, OthersWaitForASlot) {
  WaitingStore store;
  SlowClock clock;
  EngineOptions options;
  options.max_concurrency = 1;
  Engine engine(options, store, clock, metrics_);
  std::thread first([&] { (void)engine.Instant("m", Timestamp{0}); });
  store.entered.wait(0);
  QueryOptions query;
  query.timeout = Duration{3000};
  auto late = engine.Instant("1", Timestamp{0}, query);
  EXPECT_EQ(ErrorOf(late), "query timed out in query queue");
  std::atomic<bool> canceled{true};
  query.canceled = &canceled;
  EXPECT_EQ(ErrorOf(engine.Instant("1", Timestamp{0}, query)), "query was canceled in query queue");
  store.go = true;
  store.go.notify_all();
  first.join();
  EXPECT_TRUE(engine.Instant("1", Timestamp{0}).ok());
}

TEST_F(EngineTest, HugeGridsAreRefused) {
  Load({{"__name__", "m"}}, 1, [](int) { return 1; });
  auto result = engine_->Range("m", Timestamp{0}, Timestamp{int64_t{1} << 52}, Duration{1});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kLimit);
  EXPECT_EQ(Instant("count_over_time(m[1000y:1ms])").ok(), false);
}

}  // namespace
}  // namespace tocsin::query
