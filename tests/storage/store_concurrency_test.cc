// Appends, queries, seals and deletions at the same time, for the thread sanitizer and for the
// promise that a query never loses or doubles what was acknowledged before it began.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "storage/base/thread_pool.h"
#include "storage/db.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr int kWriters = 3;
constexpr int kSeries = 20;

Labels LabelsOf(int writer, int series) {
  return Labels{{"__name__", "m" + std::to_string(series)},
                {"job", "j"},
                {"instance", std::to_string(writer)}};
}

class Busy : public ::testing::Test {
 protected:
  Busy()
      : scheduler(Timestamp{kNow}),
        commit("commit", 1),
        sync("sync", 1),
        background("background", 1),
        workers("workers", kWriters + 3) {
    Options options;
    options.path = dir / "data";
    options.series_max = 100'000;
    auto opened = Db::Open(options, Ports{scheduler, scheduler, commit, sync, background, metrics});
    EXPECT_TRUE(opened.ok());
    db = *std::move(opened);
  }

  void Write(int writer, int rows) {
    RowHint hint;
    for (int i = 0; i < rows; ++i) {
      auto appender = db->NewAppender();
      std::vector<SeriesRef> refs;
      std::vector<double> values;
      for (int s = 0; s < kSeries; ++s) {
        refs.push_back(*appender->Resolve(LabelsOf(writer, s)));
        values.push_back(i);
      }
      appender->AppendRow(hint, Timestamp{kNow - 3'600'000 + i * 1000}, refs, values);
      std::promise<Status> answered;
      appender->Commit([&](const CommitResult& result) { answered.set_value(result.status); });
      EXPECT_TRUE(answered.get_future().get().ok());
      acknowledged[static_cast<size_t>(writer)].store(i + 1);
    }
  }

  // Every sample acknowledged before the select is there, in order and with its value.
  void Read(int writer) {
    const int expected = acknowledged[static_cast<size_t>(writer)].load();
    const std::vector<Matcher> matchers{
        Matcher(MatchOp::kEqual, "instance", std::to_string(writer))};
    auto set = db->Select(matchers, kMinTimestamp, kMaxTimestamp, {});
    ASSERT_TRUE(set.ok());
    if (expected == 0) return;
    ASSERT_EQ((*set)->size(), static_cast<size_t>(kSeries));
    auto reader = (*set)->NewReader();
    for (size_t i = 0; i < (*set)->size(); ++i) {
      ASSERT_TRUE(reader->Seek(i).ok());
      int n = 0;
      SampleBlock block;
      while (*reader->Next(&block))
        for (size_t k = 0; k < block.size(); ++k, ++n) {
          ASSERT_EQ(block.times[k].ms, kNow - 3'600'000 + n * 1000);
          ASSERT_EQ(block.values[k], n);
        }
      ASSERT_GE(n, expected);
    }
  }

  void RunAll(std::vector<std::function<void()>> tasks) {
    std::mutex mutex;
    std::condition_variable done;
    size_t left = tasks.size();
    for (auto& task : tasks)
      workers.Post([&, task] {
        task();
        std::lock_guard lock(mutex);
        if (--left == 0) done.notify_all();
      });
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return left == 0; });
  }

  ScratchDir dir;
  testing::ManualScheduler scheduler;
  ThreadPool commit, sync, background, workers;
  MetricRegistry metrics;
  std::array<std::atomic<int>, kWriters> acknowledged{};
  std::unique_ptr<Db> db;
};

TEST_F(Busy, QueriesSeeAllThatWasAcknowledged) {
  constexpr int kRows = 150;
  std::atomic<int> writing{kWriters};
  std::vector<std::function<void()>> tasks;
  for (int w = 0; w < kWriters; ++w)
    tasks.push_back([&, w] {
      Write(w, kRows);
      --writing;
    });
  tasks.push_back([&] {
    for (int i = 0; writing > 0 && !HasFailure(); ++i) Read(i % kWriters);
  });
  tasks.push_back([&] {
    while (writing > 0) EXPECT_TRUE(db->Compact().ok());
  });
  tasks.push_back([&] {
    while (writing > 0) {
      scheduler.Advance(Duration{1000});
      EXPECT_TRUE(db->LabelValues("instance", {}, kMinTimestamp, kMaxTimestamp).ok());
      EXPECT_LE(db->Stats().series, uint64_t{kWriters * kSeries});
    }
  });
  RunAll(std::move(tasks));
  for (int w = 0; w < kWriters; ++w) Read(w);
  EXPECT_TRUE(db->Close(Duration{20'000}).ok());
}

// Reads on with a tail while `going`, then to the end. Restless: leaves and comes back, so that the
// log goes behind it and it has to read files. Gives the times of each series as they came.
std::map<std::string, std::vector<int64_t>> Follow(Db& db, const std::atomic<int>& going,
                                                   bool restless, std::atomic<int>* ready) {
  std::map<std::string, std::vector<int64_t>> arrived;
  std::string position = db.TailEnd();
  ++*ready;
  auto tail = *db.OpenTail(position);
  bool last = false;
  for (int i = 0; !last; ++i) {
    last = going == 0;
    for (;;) {
      auto batch = tail->Read({.samples = 300});
      EXPECT_TRUE(batch.ok());
      if (!batch.ok()) return arrived;
      EXPECT_TRUE(batch->gaps.empty());
      for (const TailSeries& series : batch->series) {
        auto& times = arrived[series.labels.ToString()];
        for (size_t k = 0; k < series.times.size(); ++k) {
          times.push_back(series.times[k].ms);
          EXPECT_EQ(series.times[k].ms, kNow - 3'600'000 + int64_t(series.values[k]) * 1000);
        }
      }
      position = batch->position;
      tail->Release(position);
      if (batch->samples == 0 && !batch->more) break;
    }
    if (!restless || i % 3 != 0) continue;
    tail.reset();
    EXPECT_TRUE(db.Compact().ok());
    tail = *db.OpenTail(position);
  }
  return arrived;
}

TEST_F(Busy, TailsDeliverEverything) {
  constexpr int kRows = 100;
  std::atomic<int> writing{kWriters};
  std::atomic<int> ready{0};
  std::map<std::string, std::vector<int64_t>> calm, restless;
  std::vector<std::function<void()>> tasks;
  for (int w = 0; w < kWriters; ++w)
    tasks.push_back([&, w] {
      while (ready < 2) std::this_thread::yield();
      Write(w, kRows);
      --writing;
    });
  const auto follow = [&](bool is_restless, auto* out) {
    return [&, is_restless, out] { *out = Follow(*db, writing, is_restless, &ready); };
  };
  tasks.push_back(follow(false, &calm));
  tasks.push_back(follow(true, &restless));
  RunAll(std::move(tasks));
  std::vector<int64_t> all;
  for (int i = 0; i < kRows; ++i) all.push_back(kNow - 3'600'000 + i * 1000);
  for (int w = 0; w < kWriters; ++w) {
    for (int s = 0; s < kSeries; ++s) {
      const std::string name = LabelsOf(w, s).ToString();
      EXPECT_EQ(calm[name], all);
      std::vector<int64_t>& times = restless[name];
      std::sort(times.begin(), times.end());
      times.erase(std::unique(times.begin(), times.end()), times.end());
      EXPECT_EQ(times, all);
    }
  }
}

TEST_F(Busy, DeletionsAmongWrites) {
  std::atomic<int> writing{2};
  const std::vector<Matcher> first{Matcher(MatchOp::kEqual, "instance", "0")};
  RunAll({[&] {
            Write(0, 100);
            --writing;
          },
          [&] {
            Write(1, 100);
            --writing;
          },
          [&] {
            while (writing > 0)
              EXPECT_TRUE(db->DeleteSeries(first, kMinTimestamp, kMaxTimestamp).ok());
          },
          [&] {
            while (writing > 0 && !HasFailure()) Read(1);
          }});
  Read(1);
  ASSERT_TRUE(db->DeleteSeries(first, kMinTimestamp, kMaxTimestamp).ok());
  auto set = db->Select(first, kMinTimestamp, kMaxTimestamp, {});
  ASSERT_TRUE(set.ok());
  auto reader = (*set)->NewReader();
  SampleBlock block;
  for (size_t i = 0; i < (*set)->size(); ++i) {
    ASSERT_TRUE(reader->Seek(i).ok());
    EXPECT_FALSE(*reader->Next(&block));
  }
}

}  // namespace
}  // namespace tocsin::storage
