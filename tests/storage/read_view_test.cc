// Queries in a loop while data is appended, sealed, merged, rolled up, deleted and dropped, each
// compared with a model: all that was acknowledged before a query began is in its answer, bit by
// bit, none twice, none after its deletion; also in the answer of a query that takes its time while
// its files are replaced.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "storage/base/thread_pool.h"
#include "storage/db.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kBegin = 1'700'000'000'000;
constexpr int64_t kStep = 300'000;
constexpr int64_t kDay = 86'400'000;
constexpr int64_t kKeep = 2 * kDay;
constexpr int kInstances = 3, kMetrics = 6;
constexpr int kRows = 6 * 288;

using SeriesKey = std::pair<int, int>;  // instance, metric

Labels LabelsOf(SeriesKey key) {
  return Labels{{"__name__", "m" + std::to_string(key.second)},
                {"job", "j"},
                {"instance", std::to_string(key.first)}};
}
SeriesKey KeyOf(const Labels& labels) {
  return {std::stoi(std::string(labels.Get("instance"))),
          std::stoi(std::string(labels.name().substr(1)))};
}
// Whose it is, and when.
double ValueOf(SeriesKey key, int64_t t) {
  return static_cast<double>((t - kBegin) * 100 + key.first * 10 + key.second);
}

struct Deletion {
  int instance;
  int64_t from, to;
  bool Covers(SeriesKey key, int64_t t) const {
    return key.first == instance && t >= from && t <= to;
  }
};

// What happened so far. Thread-safe.
class Known {
 public:
  struct State {
    std::map<SeriesKey, std::set<int64_t>> acknowledged;
    std::vector<Deletion> begun, done;
    int64_t newest = kBegin;
  };
  void Acknowledge(SeriesKey key, int64_t t) {
    std::lock_guard lock(mutex_);
    state_.acknowledged[key].insert(t);
    state_.newest = std::max(state_.newest, t);
  }
  void Begin(const Deletion& deletion) {
    std::lock_guard lock(mutex_);
    state_.begun.push_back(deletion);
  }
  void Done(const Deletion& deletion) {
    std::lock_guard lock(mutex_);
    state_.done.push_back(deletion);
  }
  State Now() const {
    std::lock_guard lock(mutex_);
    return state_;
  }
  int64_t newest() const {
    std::lock_guard lock(mutex_);
    return state_.newest;
  }

 private:
  mutable std::mutex mutex_;
  State state_;
};

class ReadView : public ::testing::Test {
 protected:
  ReadView()
      : scheduler_(Timestamp{kBegin}),
        commit_("commit", 1),
        sync_("sync", 1),
        background_("background", 1) {
    Options options;
    options.path = dir_ / "data";
    options.retention_time = Duration{kKeep};
    options.series_max = 100'000;
    auto opened =
        Db::Open(options, Ports{scheduler_, scheduler_, commit_, sync_, background_, metrics_});
    EXPECT_TRUE(opened.ok());
    db_ = *std::move(opened);
  }
  ~ReadView() override { db_.reset(); }

  void Commit(Appender& appender) {
    std::promise<Status> answered;
    appender.Commit([&](const CommitResult& result) { answered.set_value(result.status); });
    EXPECT_TRUE(answered.get_future().get().ok());
  }

  void Write() {
    std::mt19937_64 random(1);
    std::array<RowHint, kInstances> hints;
    for (int row = 0; row < kRows && !HasFailure(); ++row) {
      const int64_t t = kBegin + row * kStep;
      for (int instance = 0; instance < kInstances; ++instance) {
        auto appender = db_->NewAppender();
        std::vector<SeriesRef> refs;
        std::vector<double> values;
        for (int metric = 0; metric < kMetrics; ++metric) {
          refs.push_back(*appender->Resolve(LabelsOf({instance, metric})));
          values.push_back(ValueOf({instance, metric}, t));
        }
        EXPECT_TRUE(appender->AppendRow(hints[static_cast<size_t>(instance)], {t}, refs, values)
                        .all_appended());
        Commit(*appender);
        for (int metric = 0; metric < kMetrics; ++metric) known_.Acknowledge({instance, metric}, t);
      }
      // Late ones, between the others; also into days that are closed.
      if (row > 20 && row % 5 == 0) {
        const SeriesKey key{2, static_cast<int>(random() % kMetrics)};
        const int64_t back =
            static_cast<int64_t>(random() % 4 == 0 ? random() % kDay : random() % 6'000'000);
        const Timestamp late{std::max(kBegin, t - back) / kStep * kStep + 1000 + row % 7};
        const double value = ValueOf(key, late.ms);
        auto appender = db_->NewAppender();
        appender->AppendColumn(*appender->Resolve(LabelsOf(key)), {&late, 1}, {&value, 1});
        Commit(*appender);
        known_.Acknowledge(key, late.ms);
      }
      scheduler_.Advance(Duration{kStep});
    }
  }

  // A query over some series and times, which dawdles at times.
  void Read(std::mt19937_64& random) {
    const Known::State before = known_.Now();
    const int64_t from =
        random() % 3 == 0 ? before.newest - static_cast<int64_t>(random() % kKeep) : kBegin - 1;
    const int64_t to =
        random() % 4 == 0 ? from + static_cast<int64_t>(random() % kDay) : before.newest;
    std::vector<Matcher> matchers;
    const int only = static_cast<int>(random() % (kInstances + 2));
    if (only < kInstances) matchers.emplace_back(MatchOp::kEqual, "instance", std::to_string(only));
    auto set = db_->Select(matchers, {from}, {to}, {});
    ASSERT_TRUE(set.ok());
    if (random() % 4 == 0) {
      const int64_t until = known_.newest() + static_cast<int64_t>(random() % 100) * kStep;
      while (busy_ && known_.newest() < until) std::this_thread::yield();
    }
    std::map<SeriesKey, std::set<int64_t>> read;
    auto reader = (*set)->NewReader();
    for (size_t i = 0; i < (*set)->size(); ++i) {
      const SeriesKey key = KeyOf((*set)->labels(i));
      std::set<int64_t>& times = read[key];
      ASSERT_TRUE(reader->Seek(i).ok());
      for (SampleBlock block;;) {
        const auto more = reader->Next(&block);
        ASSERT_TRUE(more.ok());
        if (!*more) break;
        for (size_t k = 0; k < block.size(); ++k) {
          const int64_t t = block.times[k].ms;
          ASSERT_TRUE(t >= from && t <= to);
          ASSERT_TRUE(times.empty() || *times.rbegin() < t) << "twice, or not in order: " << t;
          times.insert(times.end(), t);
          ASSERT_EQ(BitsOf(block.values[k]), BitsOf(ValueOf(key, t)));
          for (const Deletion& deletion : before.done)
            ASSERT_FALSE(deletion.Covers(key, t)) << "deleted: " << t;
        }
      }
    }
    ASSERT_TRUE((*set)->warnings().empty()) << (*set)->warnings().front();
    const Known::State after = known_.Now();
    const int64_t kept = after.newest - kKeep;
    for (const auto& [key, times] : before.acknowledged) {
      if (only < kInstances && key.first != only) continue;
      for (auto it = times.lower_bound(std::max(from, kept)); it != times.end() && *it <= to;
           ++it) {
        const bool may_miss =
            std::any_of(after.begun.begin(), after.begun.end(),
                        [&](const Deletion& deletion) { return deletion.Covers(key, *it); });
        ASSERT_TRUE(may_miss || read[key].contains(*it))
            << LabelsOf(key).ToString() << " lost its sample at " << *it << ", "
            << after.newest - *it << " ms before the newest";
      }
    }
    ++queries_;
  }

  // Only what is older than the newest: nothing comes to these times again.
  void Delete(std::mt19937_64& random) {
    const int64_t newest = known_.newest();
    const int64_t to = newest - 3 * kStep - static_cast<int64_t>(random() % kDay);
    const Deletion deletion{1, to - static_cast<int64_t>(random() % (kDay / 4)), to};
    known_.Begin(deletion);
    const std::vector<Matcher> matchers{Matcher(MatchOp::kEqual, "instance", "1")};
    ASSERT_TRUE(db_->DeleteSeries(matchers, {deletion.from}, {deletion.to}).ok());
    known_.Done(deletion);
  }

  ScratchDir dir_;
  testing::ManualScheduler scheduler_;
  ThreadPool commit_, sync_, background_;
  MetricRegistry metrics_;
  std::unique_ptr<Db> db_;
  Known known_;
  std::atomic<bool> busy_{true};
  std::atomic<int> queries_{0};
};

TEST_F(ReadView, QueriesAgreeWithTheModelWhateverGoesOn) {
  std::vector<std::thread> threads;
  const auto repeat = [&](uint64_t seed, auto&& work) {
    threads.emplace_back([&, seed, work] {
      std::mt19937_64 random(seed);
      while (busy_ && !HasFailure()) work(random);
    });
  };
  repeat(1, [&](std::mt19937_64& random) { Read(random); });
  repeat(2, [&](std::mt19937_64& random) { Read(random); });
  repeat(3, [&](std::mt19937_64& random) {
    const int64_t next = known_.newest() + static_cast<int64_t>(20 + random() % 60) * kStep;
    while (busy_ && known_.newest() < next) std::this_thread::yield();
    switch (random() % 4) {
      case 0:
        EXPECT_TRUE(db_->Compact().ok());
        break;
      case 1:
        EXPECT_TRUE(db_->CleanTombstones().ok());
        break;
      default:
        Delete(random);
    }
  });
  Write();
  busy_ = false;
  for (std::thread& thread : threads) thread.join();
  if (HasFailure()) return;
  std::mt19937_64 random(4);
  for (int i = 0; i < 10 && !HasFailure(); ++i) Read(random);
  EXPECT_GT(queries_, 20);
  const auto ran = [&](const char* name) { return metrics_.GetCounter(name, "").Value(); };
  EXPECT_GT(ran("prometheus_tsdb_time_retentions_total"), 0);
  EXPECT_GT(ran("tocsin_storage_level_builds_total"), 0);
  EXPECT_GT(ran("prometheus_tsdb_compactions_total"), 10);
  std::cout << queries_ << " queries\n";
}

}  // namespace
}  // namespace tocsin::storage
