// Rules on real threads: workers, a commit thread, reloads and readers at once. For the thread
// sanitizer; what each evaluation gives is checked elsewhere. No rule may fail at any moment: a
// group that goes, comes back or changes never meets samples of its predecessor.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>

#include "rules/manager.h"
#include "storage/base/thread_pool.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_appendable.h"
#include "tests/support/memory_kv_store.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::rules {
namespace {

// Commits on a thread of its own, as the real store does.
class AsyncAppendable final : public storage::Appendable {
 public:
  AsyncAppendable(testing::MemoryAppendable& store, Executor& commit)
      : store_(store), commit_(commit) {}
  std::unique_ptr<storage::Appender> NewAppender() override {
    return std::make_unique<AsyncAppender>(store_.NewAppender(), commit_);
  }

 private:
  class AsyncAppender final : public storage::Appender {
   public:
    AsyncAppender(std::shared_ptr<storage::Appender> inner, Executor& commit)
        : inner_(std::move(inner)), commit_(commit) {}
    Result<SeriesRef> Resolve(const Labels& labels) override { return inner_->Resolve(labels); }
    Result<SeriesRef> ResolveOwn(const Labels& labels) override {
      return inner_->ResolveOwn(labels);
    }
    storage::RowResult AppendRow(storage::RowHint& hint, Timestamp t,
                                 std::span<const SeriesRef> refs, std::span<const double> values,
                                 std::span<const Timestamp> starts) override {
      return inner_->AppendRow(hint, t, refs, values, starts);
    }
    storage::RowResult AppendColumn(SeriesRef ref, std::span<const Timestamp> ts,
                                    std::span<const double> values,
                                    std::span<const Timestamp> starts) override {
      return inner_->AppendColumn(ref, ts, values, starts);
    }
    Status AppendHistogram(SeriesRef ref, Timestamp t, const Histogram& value,
                           Timestamp start) override {
      return inner_->AppendHistogram(ref, t, value, start);
    }
    Status AppendExemplar(SeriesRef ref, const Exemplar& exemplar) override {
      return inner_->AppendExemplar(ref, exemplar);
    }
    void SetMetadata(std::string_view metric, const Metadata& metadata) override {
      inner_->SetMetadata(metric, metadata);
    }
    void Commit(storage::CommitDone done) override {
      commit_.Post([inner = inner_, done = std::move(done)] { inner->Commit(done); });
    }

   private:
    std::shared_ptr<storage::Appender> inner_;
    Executor& commit_;
  };
  testing::MemoryAppendable& store_;
  Executor& commit_;
};

class CountingSink final : public AlertSink {
 public:
  void Send(std::vector<alerting::Alert> alerts) override {
    sent += static_cast<int>(alerts.size());
  }
  std::atomic<int> sent{0};
};

std::string Rules(int groups, int variant) {
  std::string text = "groups:\n";
  for (int g = 0; g < groups; ++g) {
    text += "- name: g" + std::to_string(g) + "\n  interval: 1s\n  rules:\n";
    for (int r = 0; r < 5; ++r) {
      text += "  - {record: r" + std::to_string(r + (g == variant ? 10 : 0)) +
              ", expr: 'vector(time())', labels: {g: '" + std::to_string(g) + "'}}\n";
    }
    text += "  - {alert: A, expr: 'vector(1)', for: 2s, labels: {g: '" + std::to_string(g) +
            "'}, annotations: {v: '{{ $value }}'}}\n";
  }
  return text;
}

class RuleThreads : public ::testing::TestWithParam<int> {};

TEST_P(RuleThreads, EvaluateReloadReadAndStopAtOnce) {
  ThreadPool workers("rules", 2), commit("commit", 1);
  testing::ManualScheduler time;
  MetricRegistry metrics;
  testing::MemoryQueryable queryable;  // the rules read no series
  testing::MemoryAppendable memory;
  AsyncAppendable store(memory, commit);
  testing::MemoryKvStore kv;
  CountingSink sink;
  query::Engine engine({}, queryable, time, metrics);
  for (int restart = 0; restart < 3; ++restart) {
    RuleManager manager({time, time, workers, engine, store, queryable, kv, sink, metrics},
                        {.max_concurrent_evals = GetParam()});
    std::atomic<bool> stop{false};
    std::atomic<size_t> rules_seen{0};
    ThreadPool reader("reader", 1);
    reader.Post([&] {
      while (!stop) {
        for (const GroupStatus& group : manager.Groups()) {
          for (const RuleStatus& rule : group.rules) {
            EXPECT_EQ(rule.last_error, "") << group.name << " " << rule.config.name();
            ++rules_seen;
          }
        }
      }
    });
    for (int i = 0; i < 30; ++i) {
      if (i % 5 == 0) {
        ConfigWarnings warnings;
        // Groups come, go and change.
        auto groups = ParseRuleFile(Rules(8 - i % 3, i / 5), "r.yml", {}, warnings);
        ASSERT_TRUE(groups.ok()) << groups.error().message();
        manager.Apply({}, *std::move(groups));
      }
      time.Advance(Duration{500});
      // Lets the workers begin what is due, or a slow machine would only ever miss ticks.
      auto begun = std::make_shared<std::promise<void>>();
      workers.Post([begun] { begun->set_value(); });
      begun->get_future().wait();
    }
    stop = true;
    reader.Stop();
    // The manager goes while evaluations are under way.
  }
  workers.Stop();
  commit.Stop();
  EXPECT_GT(memory.SeriesNames().size(), 40u);
  EXPECT_GT(sink.sent, 0);
}

INSTANTIATE_TEST_SUITE_P(InOrderAndSideBySide, RuleThreads, ::testing::Values(0, 4));

}  // namespace
}  // namespace tocsin::rules
