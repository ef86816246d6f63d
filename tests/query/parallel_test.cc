// Parts of a query on other threads: the same answers, whoever makes them.
#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "query/engine.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::query {
namespace {

using tocsin::testing::ManualScheduler;
using tocsin::testing::MemoryQueryable;

// A thread for each task.
class Threads final : public Executor {
 public:
  ~Threads() override { Join(); }
  void Post(std::function<void()> task) override {
    std::lock_guard lock(mutex_);
    threads_.emplace_back(std::move(task));
  }
  void Join() {
    std::vector<std::thread> all;
    {
      std::lock_guard lock(mutex_);
      all.swap(threads_);
    }
    for (std::thread& thread : all) thread.join();
  }

 private:
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

// Keeps tasks until it is told to run them: a pool that is busy.
class Busy final : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  size_t RunAll() {
    for (auto& task : tasks_) task();
    return tasks_.size();
  }

 private:
  std::vector<std::function<void()>> tasks_;
};

constexpr int kSeries = 700;

class ParallelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(1);
    for (int s = 0; s < kSeries; ++s) {
      const Labels labels{{"__name__", s % 5 == 0 ? "g" : "c_total"},
                          {"job", std::to_string(s % 7)},
                          {"i", std::to_string(s)}};
      double v = 0;
      for (int k = 0; k < 40; ++k) {
        v = random() % 50 == 0 ? 0 : v + static_cast<double>(random() % 1000) / 7;
        store_.Add(labels, 1 + k * 15'000, v);
      }
    }
  }

  Result<QueryResult> Ask(std::string_view query, bool range, Executor* helpers) {
    EngineOptions options;
    options.helpers = helpers;
    options.max_helpers = 3;
    MetricRegistry metrics;
    const Engine engine(options, store_, clock_, metrics);
    if (!range) return engine.Instant(query, Timestamp{400'000});
    return engine.Range(query, Timestamp{0}, Timestamp{600'000}, Duration{15'000});
  }

  static void ExpectEqual(const QueryResult& a, const QueryResult& b) {
    EXPECT_EQ(a.warnings, b.warnings);
    EXPECT_EQ(a.infos, b.infos);
    EXPECT_EQ(a.stats.samples_read, b.stats.samples_read);
    EXPECT_EQ(a.stats.counted.queryable, b.stats.counted.queryable);
    if (const auto* x = std::get_if<Matrix>(&a.value.v)) {
      const auto& y = std::get<Matrix>(b.value.v);
      ASSERT_EQ(x->size(), y.size());
      for (size_t i = 0; i < y.size(); ++i) {
        EXPECT_EQ((*x)[i].labels, y[i].labels);
        ASSERT_EQ((*x)[i].floats.size(), y[i].floats.size());
        for (size_t k = 0; k < y[i].floats.size(); ++k) {
          EXPECT_EQ((*x)[i].floats[k].t, y[i].floats[k].t);
          EXPECT_EQ((*x)[i].floats[k].v, y[i].floats[k].v);
        }
      }
      return;
    }
    const auto& x = std::get<Vector>(a.value.v);
    const auto& y = std::get<Vector>(b.value.v);
    ASSERT_EQ(x.size(), y.size());
    for (size_t i = 0; i < y.size(); ++i) {
      EXPECT_EQ(x[i].labels, y[i].labels);  // in the same order
      EXPECT_EQ(x[i].v, y[i].v);
    }
  }

  MemoryQueryable store_;
  ManualScheduler clock_;
};

constexpr const char* kQueries[] = {
    "c_total",
    "sum(rate(c_total[1m]))",
    "sum by (job) (rate({__name__=~\".+\"}[2m]))",
    "topk(5, increase(c_total[5m]))",
    "avg_over_time(g[1m]) * on (i) group_left () g",
    "max_over_time(sum by (job) (c_total)[2m:30s])",
    "quantile_over_time(1.5, g[1m])",
    "timestamp(c_total) - 1",
};

TEST_F(ParallelTest, HelpersDoNotChangeAnswers) {
  for (const char* query : kQueries) {
    for (const bool range : {false, true}) {
      Threads threads;
      auto alone = Ask(query, range, nullptr);
      auto helped = Ask(query, range, &threads);
      ASSERT_TRUE(alone.ok() && helped.ok()) << query;
      SCOPED_TRACE(query);
      ExpectEqual(*alone, *helped);
    }
  }
}

TEST_F(ParallelTest, ABusyPoolCostsNothing) {
  Busy busy;
  auto alone = Ask("sum(rate(c_total[1m]))", true, nullptr);
  auto helped = Ask("sum(rate(c_total[1m]))", true, &busy);
  ASSERT_TRUE(alone.ok() && helped.ok());
  ExpectEqual(*alone, *helped);
  EXPECT_GT(busy.RunAll(), 0u);  // all is over: they touch nothing
}

TEST_F(ParallelTest, AnErrorIsThatOfTheFirstSeries) {
  for (const char* query : {"sum(double_exponential_smoothing(c_total[1m], 2, 0.5))",
                            "label_replace(rate(c_total[1m]), \"i\", \"\", \"\", \"\")"}) {
    Threads threads;
    EngineOptions options;
    options.features.experimental_functions = true;
    MetricRegistry metrics;
    const Engine alone(options, store_, clock_, metrics);
    options.helpers = &threads;
    options.max_helpers = 3;
    MetricRegistry more_metrics;
    const Engine helped(options, store_, clock_, more_metrics);
    const auto a = alone.Range(query, Timestamp{0}, Timestamp{600'000}, Duration{15'000});
    const auto b = helped.Range(query, Timestamp{0}, Timestamp{600'000}, Duration{15'000});
    ASSERT_FALSE(a.ok());
    ASSERT_FALSE(b.ok());
    EXPECT_EQ(a.error().message(), b.error().message());
  }
}

}  // namespace
}  // namespace tocsin::query
