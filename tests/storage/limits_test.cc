// Each row of the memory table that belongs to the store, exceeded: the store stays within it, says
// so, and what is there goes on.
#include <gtest/gtest.h>

#include <filesystem>

#include "storage/memory_budget.h"
#include "storage/rocks_store.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr uint64_t kMB = 1u << 20;

TEST(MemoryBudget, IsTheTable) {
  const MemoryBudget least = MemoryBudget::Of(128 * kMB);
  EXPECT_EQ(least.cache + least.opened, 12 * kMB);
  EXPECT_EQ(least.opened, 7 * kMB / 2);
  EXPECT_EQ(least.write_buffers, 5 * kMB);
  EXPECT_EQ(least.late, 4 * kMB);
  EXPECT_EQ(least.head, 44 * kMB);
  EXPECT_EQ(least.log_bytes, 16 * kMB);
  EXPECT_NEAR(static_cast<double>(least.series), 82'000, 1'000);
  const MemoryBudget middle = MemoryBudget::Of(512 * kMB);
  EXPECT_EQ(middle.cache + middle.opened, 32 * kMB);
  EXPECT_EQ(middle.head, 291 * kMB);
  EXPECT_EQ(middle.log_bytes, 64 * kMB);
  const MemoryBudget between = MemoryBudget::Of(320 * kMB);
  EXPECT_GT(between.head, least.head);
  EXPECT_LT(between.head, middle.head);
  const MemoryBudget most = MemoryBudget::Of(4096 * kMB);
  EXPECT_EQ(most.cache + most.opened, 128 * kMB);
  EXPECT_EQ(most.opened, 52 * kMB);
  EXPECT_EQ(most.head, (1382 + 2048) * kMB);
  EXPECT_EQ(most.log_bytes, 256 * kMB);
  // Never more than there is, whatever the size.
  for (uint64_t mb = 64; mb < 70'000; mb = mb * 5 / 4) {
    const MemoryBudget budget = MemoryBudget::Of(mb * kMB);
    EXPECT_LT(budget.cache + budget.opened + budget.late + budget.head, mb * kMB) << mb;
  }
}

class Limits : public ::testing::Test {
 protected:
  void Row(int64_t t, int series, double value, RowHint* hint = nullptr) {
    auto appender = store.db->NewAppender();
    for (auto i = static_cast<int>(refs.size()); i < series; ++i)
      refs.push_back(*appender->Resolve(
          Labels{{"__name__", "m" + std::to_string(i)}, {"job", "j"}, {"instance", "i"}}));
    std::vector<double> values;
    for (int i = 0; i < series; ++i) values.push_back(value + i * 0.37);
    RowHint own;
    appender->AppendRow(hint != nullptr ? *hint : own, {t}, refs, values);
    Store::Commit(*appender);
  }
  Store store;
  std::vector<SeriesRef> refs;
};

TEST_F(Limits, NewSeriesBeyondTheLimitAreRefusedAndOldOnesGoOn) {
  store.options.series_max = 100;
  store.Open();
  ::testing::internal::CaptureStderr();
  auto appender = store.db->NewAppender();
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    const auto ref = appender->Resolve(Labels{{"__name__", i % 3 == 0 ? "few" : "many"},
                                              {"job", i % 5 == 0 ? "quiet" : "loud"},
                                              {"n", std::to_string(i)}});
    refused += !ref.ok();
    if (!ref.ok()) {
      EXPECT_EQ(ref.error().code(), ErrorCode::kSeriesLimit);
    }
  }
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(refused, 50);
  EXPECT_NE(said.find("new series are refused"), std::string::npos) << said;
  EXPECT_NE(said.find("many (66 series)"), std::string::npos) << said;
  EXPECT_NE(said.find("loud (80 series)"), std::string::npos) << said;
  EXPECT_EQ(store.metrics
                .GetCounter("tocsin_storage_series_refused_total",
                            "New series refused for the series limit.")
                .Value(),
            50);
  EXPECT_TRUE(appender->Resolve(Labels{{"__name__", "few"}, {"job", "quiet"}, {"n", "0"}}).ok());
  // What says how the rest fares has its place.
  EXPECT_TRUE(appender->ResolveOwn(Labels{{"__name__", "up"}, {"job", "new"}}).ok());
}

TEST_F(Limits, MetadataHasALimitAndFamiliesWithoutSeriesMakeRoom) {
  store.options.memory_max = 64 * kMB;
  store.Open();
  const uint64_t share = MemoryBudget::Of(store.options.memory_max).metadata;
  const std::string help(1000, 'h');
  const uint64_t fits = share / (help.size() + 200);
  const auto say = [&](const std::string& prefix, uint64_t families, const std::string& text) {
    auto appender = store.db->NewAppender();
    for (uint64_t i = 0; i < families; ++i)
      appender->SetMetadata(prefix + std::to_string(i), {MetricType::kCounter, "", text});
    Store::Commit(*appender);
  };
  const auto count = [&] { return store.db->MetricMetadata("").size(); };
  const auto refused = [&] {
    return store.metrics
        .GetCounter("tocsin_storage_metadata_refused_total",
                    "Type, unit and help of metric families that there was no room for.")
        .Value();
  };
  Row(kNow, 10, 1);  // m0 to m9
  say("m", 10, help);
  auto appender = store.db->NewAppender();
  ASSERT_TRUE(appender->Resolve(Labels{{"__name__", "old_total"}, {"job", "j"}}).ok());
  appender->SetMetadata("old", {MetricType::kCounter, "", help});
  Store::Commit(*appender);
  EXPECT_EQ(refused(), 0);

  // Ever new names: what is there stays, what comes is refused.
  say("bad", 3 * fits, help);
  EXPECT_GT(refused(), fits);
  EXPECT_LT(count(), fits + fits / 4);
  EXPECT_EQ(store.db->MetricMetadata("m9").size(), 1u);
  say("huge", 1, std::string(1 << 20, 'h'));
  EXPECT_TRUE(store.db->MetricMetadata("huge0").empty());

  // No series: no family, in memory and on disk.
  store.scheduler.Advance(Duration{31'000});
  EXPECT_EQ(count(), 11u);
  EXPECT_EQ(store.db->MetricMetadata("old").size(), 1u);
  const double before = refused();
  say("m", 12, "new");
  EXPECT_EQ(refused(), before);
  store.Reopen();
  EXPECT_EQ(count(), 13u);
}

TEST_F(Limits, AFullHeadIsSealedEarly) {
  store.options.memory_max = 64 * kMB;
  store.Open();
  const uint64_t share = MemoryBudget::Of(store.options.memory_max).head;
  RowHint hint;
  // Noise of full precision: about 8 bytes a sample. Twice the share, a minute in between.
  const int series = 4000;
  const uint64_t rows = 3 * share / 2 / (8 * series);
  uint64_t seed = 7;
  for (uint64_t r = 0; r < rows; ++r) {
    seed = seed * 6364136223846793005u + 1;
    Row(kNow + static_cast<int64_t>(r) * 1000, series, static_cast<double>(seed >> 12) / 3.7,
        &hint);
    if (r % 30 == 0) store.scheduler.Advance(Duration{31'000});
  }
  EXPECT_GT(store.metrics
                .GetCounter("prometheus_tsdb_compactions_total",
                            "Total number of passes that wrote sealed files.")
                .Value(),
            0);
}

TEST_F(Limits, LateSamplesAreSealedWhenTheirShareIsFull) {
  store.options.memory_max = 64 * kMB;
  store.Open();
  const uint64_t share = MemoryBudget::Of(store.options.memory_max).late;
  const uint64_t samples = 2 * share / 16;
  RowHint hint;
  Row(kNow - 1, 64, 1, &hint);
  std::vector<Timestamp> times;
  std::vector<double> values;
  // Each further back than the one before, spread over many series: none fills its group.
  for (uint64_t i = 0; i < samples / 64; ++i) {
    times.push_back({kNow - 2 - static_cast<int64_t>(i)});
    values.push_back(static_cast<double>(i));
  }
  for (int s = 0; s < 64; ++s) {
    const Labels labels{{"__name__", "m" + std::to_string(s)}, {"job", "j"}, {"instance", "i"}};
    store.AppendColumn(labels, times, values);
  }
  store.scheduler.Advance(Duration{120'000});
  const auto files = store.Read();
  EXPECT_EQ(files.size(), 64u);
  EXPECT_GT(store.metrics
                .GetCounter("prometheus_tsdb_compactions_total",
                            "Total number of passes that wrote sealed files.")
                .Value(),
            0);
}

TEST_F(Limits, TheLogStaysWithinItsBudget) {
  store.options.memory_max = 128 * kMB;
  store.Open();
  const uint64_t budget = MemoryBudget::Of(store.options.memory_max).log_bytes;
  RowHint hint;
  uint64_t highest = 0;
  uint64_t seed = 3;
  uint64_t written = 0;
  const auto log_bytes = [&] {
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(store.options.path + "/db"))
      if (entry.path().extension() == ".log") {
        std::error_code gone;  // RocksDB removes spent ones meanwhile
        const uint64_t size = entry.file_size(gone);
        if (!gone) bytes += size;
      }
    return bytes;
  };
  for (int r = 0; written < 2 * budget; ++r) {
    seed = seed * 6364136223846793005u + 1;
    Row(kNow - 7'000'000 + r * 1000, 2000, static_cast<double>(seed >> 12) / 3.7, &hint);
    written += 2000 * 8;
    if (r % 20 == 0) {
      store.scheduler.Advance(Duration{5'000});
      highest = std::max(highest, log_bytes());
    }
  }
  EXPECT_LE(highest, budget);
  EXPECT_GT(highest, budget / 4);
}

TEST(Cache, HoldsMemtablesAndBlocksWithinItsSize) {
  ScratchDir dir;
  RocksOptions options;
  options.path = dir / "db";
  std::filesystem::create_directories(options.path);
  options.cache_bytes = 8 * kMB;
  options.write_buffers_bytes = 4 * kMB;
  auto opened = RocksStore::Open(options);
  ASSERT_TRUE(opened.ok());
  RocksStore& store = **opened;
  const std::string value(10'000, 'x');
  uint64_t highest = 0;
  for (int i = 0; i < 4000; ++i) {  // 40 MB
    RocksBatch batch = store.NewBatch();
    std::string text = value;
    for (size_t k = 0; k < text.size(); k += 7) text[k] = static_cast<char>(i * 31 + k);
    batch.Put(Family::kState, "k" + std::to_string(i), text);
    ASSERT_TRUE(store.Write(batch, false).ok());
    highest = std::max(highest, store.CacheBytes());
  }
  ASSERT_TRUE(
      store.Scan(Family::kState, {}, {}, [](std::string_view, std::string_view) { return true; })
          .ok());
  highest = std::max(highest, store.CacheBytes());
  EXPECT_LE(highest, options.cache_bytes + 2 * kMB);
}

}  // namespace
}  // namespace tocsin::storage
