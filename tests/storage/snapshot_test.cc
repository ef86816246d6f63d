// Snapshots: all there, openable, unharmed by what comes later; counted, expiring, first to go.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "storage/folder.h"
#include "storage/snapshots.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kNow = 1'700'000'000'000;
constexpr int64_t kDay = 86'400'000;

class SnapshotTest : public ::testing::Test {
 protected:
  void Fill(int64_t begin, int rows, double first) {
    // Noise, so that the tables are larger than what RocksDB takes ahead for its log.
    uint64_t seed = 11;
    for (int s = 0; s < 30; ++s) {
      std::vector<Timestamp> times;
      std::vector<double> values;
      for (int r = 0; r < rows; ++r) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        times.push_back({begin + r * 1000});
        values.push_back(first + static_cast<double>(seed >> 12) / 1000);
      }
      store.AppendColumn(Labels{{"__name__", "m" + std::to_string(s)}}, times, values);
    }
  }
  Folder folder() const { return {store.options.path}; }
  // Of tables, each once: without what RocksDB takes ahead for its log.
  uint64_t TableBytes() const {
    std::set<ino_t> counted;
    uint64_t bytes = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder().path)) {
      struct stat of;
      if (entry.path().extension() == ".sst" && stat(entry.path().c_str(), &of) == 0 &&
          counted.insert(of.st_ino).second)
        bytes += static_cast<uint64_t>(of.st_size);
    }
    return bytes;
  }

  Store store;
};

TEST_F(SnapshotTest, HoldsWhatWasThereAndNothingLater) {
  store.Open();
  Fill(kNow - 2 * kDay, 50, 1);
  ASSERT_TRUE(store.db->Compact().ok());
  Fill(kNow, 50, 2);
  const Model before = store.Read();
  const auto sealed = store.db->MakeSnapshot(/*skip_head=*/false);
  ASSERT_TRUE(sealed.ok()) << sealed.error().message();
  Fill(kNow + 100'000, 20, 3);
  const Model with_log = store.Read();
  const auto logged = store.db->MakeSnapshot(/*skip_head=*/true);
  ASSERT_TRUE(logged.ok());
  ASSERT_EQ(store.db->Snapshots().size(), 2u);
  EXPECT_EQ(store.db->Snapshots()[0].made.ms / 1000, kNow / 1000);
  const std::vector<Matcher> all{*Matcher::Create(MatchOp::kRegex, "__name__", ".*")};
  ASSERT_TRUE(store.db->DeleteSeries(all, kMinTimestamp, kMaxTimestamp).ok());
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_TRUE(store.Read().empty());
  for (const auto& [name, model] : {std::pair{*sealed, &before}, {*logged, &with_log}}) {
    Store other;
    other.options.path = folder().snapshots() + "/" + name;
    other.Open();
    EXPECT_EQ(other.Read(), *model) << name;
  }
}

TEST_F(SnapshotTest, IsMadeOfLinksAndItsBytesCountOnce) {
  store.Open();
  Fill(kNow - 2 * kDay, 6'000, 1);
  ASSERT_TRUE(store.db->Compact().ok());
  const uint64_t tables = TableBytes();
  ASSERT_TRUE(store.db->MakeSnapshot(false).ok());
  EXPECT_LT(TableBytes(), tables * 12 / 10);
  // What only the snapshot still names counts, too.
  const std::vector<Matcher> all{*Matcher::Create(MatchOp::kRegex, "__name__", ".*")};
  ASSERT_TRUE(store.db->DeleteSeries(all, kMinTimestamp, kMaxTimestamp).ok());
  ASSERT_TRUE(store.db->CleanTombstones().ok());
  EXPECT_GT(BytesOnDisk(folder()), tables);
  EXPECT_GE(TableBytes(), tables);
  ASSERT_TRUE(RemoveSnapshot(folder(), store.db->Snapshots()[0].name).ok());
  EXPECT_LT(TableBytes(), tables / 2);
}

TEST_F(SnapshotTest, ExpiresAfterItsTime) {
  store.options.snapshot_keep = Duration{2 * kDay};
  store.Open();
  Fill(kNow, 5, 1);
  ASSERT_TRUE(store.db->MakeSnapshot(false).ok());
  fs::create_directories(folder().snapshots() + "/mine");
  store.scheduler.Advance(Duration{kDay});
  EXPECT_EQ(store.db->Snapshots().size(), 1u);
  store.scheduler.Advance(Duration{kDay + 3'600'000});
  EXPECT_EQ(store.db->Snapshots().size(), 0u);
  EXPECT_TRUE(fs::exists(folder().snapshots() + "/mine"));
}

TEST_F(SnapshotTest, GoesFirstWhenTheSizeBudgetIsShort) {
  store.Open();
  for (int day = 4; day >= 0; --day) Fill(kNow - day * kDay - 20'000'000, 3'000, day);
  ASSERT_TRUE(store.db->Compact().ok());
  const uint64_t tables = TableBytes();
  ASSERT_TRUE(store.db->MakeSnapshot(false).ok());
  // Rewrites most: the snapshot keeps the old files alive.
  const std::vector<Matcher> some{*Matcher::Create(MatchOp::kRegex, "__name__", "m[0-4]")};
  ASSERT_TRUE(store.db->DeleteSeries(some, kMinTimestamp, kMaxTimestamp).ok());
  ASSERT_TRUE(store.db->CleanTombstones().ok());
  const Model before = store.Read();
  ASSERT_GT(TableBytes(), tables * 3 / 2);
  store.db->SetRetention(Duration{0}, BytesOnDisk(folder()) - tables / 2);
  store.scheduler.Advance(Duration{700'000});
  EXPECT_EQ(store.db->Snapshots().size(), 0u);
  EXPECT_EQ(store.Read(), before);  // no data had to go
}

TEST_F(SnapshotTest, CleanTombstonesFreesBytesAtOnce) {
  store.Open();
  Fill(kNow - 2 * kDay, 6'000, 1);
  Fill(kNow, 20, 2);
  ASSERT_TRUE(store.db->Compact().ok());
  const uint64_t before = TableBytes();
  const std::vector<Matcher> most{*Matcher::Create(MatchOp::kRegex, "__name__", "m(.|1.|20)")};
  ASSERT_TRUE(store.db->DeleteSeries(most, kMinTimestamp, {kNow - kDay}).ok());
  const Model expected = store.Read();
  ASSERT_TRUE(store.db->CleanTombstones().ok());
  EXPECT_LT(TableBytes(), before / 2);
  EXPECT_EQ(store.Read(), expected);
  store.Crash();
  EXPECT_EQ(store.Read(), expected);
}

}  // namespace
}  // namespace tocsin::storage
