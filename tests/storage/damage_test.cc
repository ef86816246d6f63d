// A disk that returns wrong bytes costs what they held, says so, and nothing else.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "storage/key_schema.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
const Labels kUp{{"__name__", "up"}};

std::string Largest(const std::string& folder, const std::string& extension) {
  std::string largest;
  uintmax_t size = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == extension && entry.file_size() >= size) {
      largest = entry.path();
      size = entry.file_size();
    }
  return largest;
}

void Flip(const std::string& path, uintmax_t at, int count) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  for (int i = 0; i < count; ++i) {
    file.seekg(static_cast<std::streamoff>(at) + i);
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at) + i);
    file.put(static_cast<char>(byte ^ 0x5a));
  }
}

TEST(Damage, ADamagedSegmentIsSaidAndTheRestAnswers) {
  Store store;
  store.Open();
  // Two days: two files. Noise, so that the first block of a file is a segment.
  std::vector<std::pair<Labels, double>> row;
  for (int i = 0; i < 40; ++i)
    row.emplace_back(Labels{{"__name__", "m" + std::to_string(i)}, {"job", "j"}, {"instance", "i"}},
                     0);
  for (const int64_t day : {0, 1})
    for (int i = 0; i < (day == 0 ? 300 : 100); ++i) {
      for (size_t s = 0; s < row.size(); ++s)
        row[s].second = static_cast<double>((static_cast<size_t>(i) + 7) * 2654435761u % (s + 97));
      store.Append({kNow - day * kDayMs + i * 1000}, row);
    }
  ASSERT_TRUE(store.db->Compact().ok());
  store.Close();
  const std::string file = Largest(store.options.path + "/db", ".sst");
  Flip(file, 200, 4);
  store.Open();
  auto set = store.db->Select({}, kMinTimestamp, kMaxTimestamp, {});
  ASSERT_TRUE(set.ok());
  auto reader = (*set)->NewReader();
  size_t samples = 0;
  for (size_t i = 0; i < (*set)->size(); ++i) {
    ASSERT_TRUE(reader->Seek(i).ok());
    SampleBlock block;
    for (;;) {
      auto more = reader->Next(&block);
      ASSERT_TRUE(more.ok());
      if (!*more) break;
      samples += block.size();
    }
  }
  EXPECT_GE(samples, 40u * 100);
  EXPECT_LT(samples, 40u * 400);
  EXPECT_FALSE((*set)->warnings().empty());
  EXPECT_GT(store.db->Stats().corruptions, 0u);
}

TEST(Damage, ATornLogKeepsWhatIsBeforeTheTear) {
  Store store;
  store.Open();
  for (int i = 0; i < 100; ++i) store.Append({kNow + i}, {{kUp, i}});
  store.db.reset();
  const std::string wal = Largest(store.options.path + "/db", ".log");
  ASSERT_FALSE(wal.empty());
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - 5);
  store.Open();
  EXPECT_EQ(store.ReadOne(kUp).size(), 99u);
  store.Append({kNow + 1000}, {{kUp, 1}});
  store.Crash();
  EXPECT_EQ(store.ReadOne(kUp).size(), 100u);
}

TEST(Damage, RubbishBehindTheLogIsLeftOut) {
  Store store;
  store.Open();
  for (int i = 0; i < 100; ++i) store.Append({kNow + i}, {{kUp, i}});
  store.db.reset();
  const std::string wal = Largest(store.options.path + "/db", ".log");
  std::ofstream(wal, std::ios::app | std::ios::binary) << std::string(300, '\x7f');
  store.Open();
  EXPECT_EQ(store.ReadOne(kUp).size(), 100u);
}

TEST(Damage, LeftoversOfASealAreRemoved) {
  Store store;
  store.Open();
  store.Append({kNow}, {{kUp, 1}});
  store.Close();
  const std::string left = store.options.path + "/staging/0-19675-9-0.sst";
  std::ofstream(left) << "half a file";
  store.Open();
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_EQ(store.ReadOne(kUp).size(), 1u);
}

}  // namespace
}  // namespace tocsin::storage
