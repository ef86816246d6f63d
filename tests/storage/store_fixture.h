// A database on a virtual clock with everything inline: what a test appends is there when the call
// returns, and background work runs when the test advances the clock.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/db.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/temp_dir.h"

namespace tocsin::storage {

// Values by their bits, so that NaN payloads and -0 count.
using Bits = uint64_t;
using SeriesModel = std::map<int64_t, Bits>;
using Model = std::map<std::string, SeriesModel>;  // by Labels::ToString

inline Bits BitsOf(double v) { return std::bit_cast<uint64_t>(v); }

// In memory where the system has such a folder: hundreds of syncs a test are then cheap.
class ScratchDir {
 public:
  ScratchDir() {
    std::string pattern = "/dev/shm/tocsin-test-XXXXXX";
    if (mkdtemp(pattern.data()) != nullptr)
      path_ = pattern;
    else
      fallback_.emplace();
  }
  ~ScratchDir() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const {
    return fallback_ ? *fallback_ / name : path_ + "/" + name;
  }

 private:
  std::string path_;
  std::optional<testing::TempDir> fallback_;
};

class Store {
 public:
  explicit Store(Timestamp now = {1'700'000'000'000}) : scheduler(now) {
    options.path = dir / "data";
    options.memory_max = 64u << 20;
    options.series_max = 1u << 20;
  }

  Status TryOpen() {
    auto opened = Db::Open(options, Ports{scheduler, scheduler, commit, sync, background, metrics});
    if (!opened.ok()) return opened.error();
    db = *std::move(opened);
    return OkStatus();
  }
  void Open() {
    const Status status = TryOpen();
    ASSERT_TRUE(status.ok()) << status.error().message();
  }
  void Close() {
    const Status status = db->Close(Duration{20'000});
    EXPECT_TRUE(status.ok()) << status.error().message();
    db.reset();
  }
  void Reopen() {
    Close();
    Open();
  }
  // As after kill -9: nothing is closed, only what the operating system has is there.
  void Crash() {
    db.reset();
    Open();
  }

  // One row at t; returns what Commit reported.
  RowResult Append(Timestamp t, const std::vector<std::pair<Labels, double>>& row,
                   RowHint* hint = nullptr) {
    auto appender = db->NewAppender();
    std::vector<SeriesRef> refs;
    std::vector<double> values;
    for (const auto& [labels, value] : row) {
      auto ref = appender->Resolve(labels);
      EXPECT_TRUE(ref.ok()) << ref.error().message();
      if (!ref.ok()) return {};
      refs.push_back(*ref);
      values.push_back(value);
    }
    RowHint own;
    RowResult early = appender->AppendRow(hint != nullptr ? *hint : own, t, refs, values);
    const RowResult late = Commit(*appender);
    early.duplicates += late.duplicates;
    early.appended -= late.duplicates;
    return early;
  }
  RowResult AppendColumn(const Labels& labels, const std::vector<Timestamp>& ts,
                         const std::vector<double>& values) {
    auto appender = db->NewAppender();
    auto ref = appender->Resolve(labels);
    EXPECT_TRUE(ref.ok());
    RowResult early = appender->AppendColumn(*ref, ts, values);
    const RowResult late = Commit(*appender);
    early.duplicates += late.duplicates;
    early.appended -= late.duplicates;
    return early;
  }
  static RowResult Commit(Appender& appender) {
    CommitResult result;
    bool answered = false;
    appender.Commit([&](const CommitResult& r) {
      result = r;
      answered = true;
    });
    EXPECT_TRUE(answered);
    EXPECT_TRUE(result.status.ok()) << result.status.error().message();
    return result.rows += result.histograms;
  }

  // Everything that matches, sample by sample.
  Model Read(const std::vector<Matcher>& matchers = {}, Timestamp from = kMinTimestamp,
             Timestamp to = kMaxTimestamp) const {
    Model out;
    auto set = db->Select(matchers, from, to, {});
    EXPECT_TRUE(set.ok()) << set.error().message();
    if (!set.ok()) return out;
    auto reader = (*set)->NewReader();
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE(reader->Seek(i).ok());
      SeriesModel samples;
      SampleBlock block;
      for (;;) {
        auto more = reader->Next(&block);
        EXPECT_TRUE(more.ok());
        if (!more.ok() || !*more) break;
        EXPECT_GT(block.size(), 0u);
        EXPECT_LE(block.size(), kMaxBlockSamples);
        for (size_t k = 0; k < block.size(); ++k) {
          EXPECT_TRUE(samples.empty() || samples.rbegin()->first < block.times[k].ms);
          samples[block.times[k].ms] = BitsOf(block.values[k]);
        }
      }
      if (!samples.empty()) out[(*set)->labels(i).ToString()] = std::move(samples);
    }
    EXPECT_TRUE((*set)->warnings().empty());
    return out;
  }
  SeriesModel ReadOne(const Labels& labels, Timestamp from = kMinTimestamp,
                      Timestamp to = kMaxTimestamp) const {
    std::vector<Matcher> matchers;
    for (const Label& label : labels)
      matchers.emplace_back(MatchOp::kEqual, std::string(label.name), std::string(label.value));
    Model all = Read(matchers, from, to);
    return all[labels.ToString()];
  }

  ScratchDir dir;
  testing::ManualScheduler scheduler;
  testing::InlineExecutor commit, sync, background;
  MetricRegistry metrics;
  Options options;
  std::unique_ptr<Db> db;  // goes before what it runs on
};

}  // namespace tocsin::storage
