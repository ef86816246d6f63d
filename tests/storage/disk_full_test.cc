#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <atomic>
#include <chrono>
#include <filesystem>

#include "storage/disk_guard.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
const Labels kUp{{"__name__", "up"}};

// Appends fail with "no space" while it is full.
class FullDiskEnv final : public rocksdb::EnvWrapper {
 public:
  FullDiskEnv() : EnvWrapper(rocksdb::Env::Default()) {}

  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* out,
                                  const rocksdb::EnvOptions& options) override {
    const auto status = target()->NewWritableFile(name, out, options);
    if (status.ok()) *out = std::make_unique<File>(std::move(*out), this);
    return status;
  }
  std::atomic<bool> full{false};

 private:
  class File final : public rocksdb::WritableFileWrapper {
   public:
    File(std::unique_ptr<rocksdb::WritableFile> target, const FullDiskEnv* env)
        : WritableFileWrapper(target.get()), target_(std::move(target)), env_(env) {}
    rocksdb::Status Append(const rocksdb::Slice& data) override {
      if (env_->full) return rocksdb::Status::NoSpace("the disk is full");
      return target_->Append(data);
    }
    rocksdb::Status Append(const rocksdb::Slice& data,
                           const rocksdb::DataVerificationInfo& info) override {
      if (env_->full) return rocksdb::Status::NoSpace("the disk is full");
      return target_->Append(data, info);
    }

   private:
    std::unique_ptr<rocksdb::WritableFile> target_;
    const FullDiskEnv* const env_;
  };
};

class DiskFull : public ::testing::Test {
 protected:
  DiskFull() {
    store.options.env = &env;
    store.Open();
  }
  ~DiskFull() override { store.db.reset(); }

  Status TryAppend(int64_t t, double value) {
    auto appender = store.db->NewAppender();
    const std::vector<SeriesRef> refs{*appender->Resolve(kUp)};
    const std::vector<double> values{value};
    appender->AppendRow(hint, {t}, refs, values);
    Status status;
    appender->Commit([&](const CommitResult& result) { status = result.status; });
    return status;
  }

  FullDiskEnv env;
  Store store;
  RowHint hint;
};

// Refused, so that a sender keeps them; but rules and dashboards go on with what came.
TEST_F(DiskFull, RefusedSamplesAnswerUntilARestartAndWritingGoesOnByItself) {
  SeriesModel expected, refused;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(TryAppend(kNow + i, i).ok());
    expected[kNow + i] = BitsOf(i);
  }
  env.full = true;
  for (int i = 5; i < 10; ++i) {
    const Status status = TryAppend(kNow + i, i);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kNoSpace) << status.error().message();
    refused[kNow + i] = BitsOf(i);
  }
  EXPECT_FALSE(store.db->Compact().ok());
  SeriesModel all = expected;
  all.insert(refused.begin(), refused.end());
  EXPECT_EQ(store.ReadOne(kUp), all);
  env.full = false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  do {
    store.scheduler.Advance(Duration{60'000});
  } while (!TryAppend(kNow + 10, 10).ok() && std::chrono::steady_clock::now() < deadline);
  for (int i = 10; i < 15; ++i) {
    const Status status = TryAppend(kNow + i, i);
    ASSERT_TRUE(status.ok()) << status.error().message();
    expected[kNow + i] = BitsOf(i);
  }
  expected.insert(refused.begin(), refused.end());
  EXPECT_EQ(store.ReadOne(kUp), expected);
  // Sealed, they are as durable as all others.
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.ReadOne(kUp), expected);
  store.Crash();
  EXPECT_EQ(store.ReadOne(kUp), expected);
}

TEST_F(DiskFull, ACrashLosesOnlyWhatWasRefused) {
  SeriesModel expected;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(TryAppend(kNow + i, i).ok());
    expected[kNow + i] = BitsOf(i);
  }
  env.full = true;
  ASSERT_FALSE(TryAppend(kNow + 5, 5).ok());
  EXPECT_EQ(store.ReadOne(kUp).size(), 6u);
  env.full = false;
  store.Crash();
  EXPECT_EQ(store.ReadOne(kUp), expected);
}

// A series that was new while nothing could be written is on the disk before any file names it.
TEST_F(DiskFull, NewSeriesAreLoggedBeforeTheyAreSealed) {
  env.full = true;
  ASSERT_FALSE(TryAppend(kNow, 1).ok());
  env.full = false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  do {
    store.scheduler.Advance(Duration{60'000});
  } while (!store.db->Compact().ok() && std::chrono::steady_clock::now() < deadline);
  store.Crash();
  EXPECT_EQ(store.ReadOne(kUp), (SeriesModel{{kNow, BitsOf(1)}}));
}

TEST(DiskGuard, TellsWhatIsMissing) {
  testing::TempDir dir;
  const Folder folder{dir.path()};
  DiskSpace space{100ull << 30, 50ull << 30};
  DiskGuard guard(folder, [&] { return space; });
  EXPECT_EQ(guard.Missing(), 0u);
  space.available = 1u << 30;
  EXPECT_EQ(guard.Missing(), (100ull << 30) / 50 - (1u << 30));
  space = {256u << 20, 40u << 20};  // a tiny file system
  EXPECT_EQ(guard.Missing(), 0u);
  space.available = 30u << 20;
  EXPECT_EQ(guard.Missing(), 2u << 20);
}

TEST(DiskGuard, KeepsABallastWhereThereIsSpace) {
  testing::TempDir dir;
  const Folder folder{dir.path()};
  DiskSpace space{1u << 30, 100u << 20};
  DiskGuard guard(folder, [&] { return space; });
  guard.KeepBallast();
  EXPECT_FALSE(std::filesystem::exists(dir / "ballast"));
  space.available = 500u << 20;
  guard.KeepBallast();
  ASSERT_TRUE(std::filesystem::exists(dir / "ballast"));
  EXPECT_EQ(std::filesystem::file_size(dir / "ballast"), (1u << 30) / 100);
  EXPECT_TRUE(guard.DropBallast());
  EXPECT_FALSE(guard.DropBallast());
  // Not where there is plenty; it stays over the margin and goes beyond it.
  space = {uint64_t{100} << 30, DiskGuard::kRoomyBytes + 1};
  guard.KeepBallast();
  EXPECT_FALSE(std::filesystem::exists(dir / "ballast"));
  space.available = DiskGuard::kRoomyBytes;
  guard.KeepBallast();
  EXPECT_TRUE(std::filesystem::exists(dir / "ballast"));
  space.available = 2 * DiskGuard::kRoomyBytes;
  guard.KeepBallast();
  EXPECT_TRUE(std::filesystem::exists(dir / "ballast"));
  space.available = 2 * DiskGuard::kRoomyBytes + 1;
  guard.KeepBallast();
  EXPECT_FALSE(std::filesystem::exists(dir / "ballast"));
}

}  // namespace
}  // namespace tocsin::storage
