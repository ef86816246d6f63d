// Each step of the ladder with real damaged bytes: a start always succeeds, costs only what is
// damaged, says so, keeps the originals, and what comes later is right.
#include "storage/repair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "storage/wal_records.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;

// Of the data; the clock stands two hours later.
constexpr int64_t kNow = 1'699'992'800'000;

Labels SeriesOf(int i) {
  return Labels{{"__name__", "m" + std::to_string(i)}, {"job", "j"}, {"instance", "i"}};
}

std::vector<std::string> Files(const std::string& folder, const std::string& part) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().filename().string().find(part) != std::string::npos)
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string Bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void Overwrite(const std::string& path, size_t at, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  file << bytes;
}

void Flip(const std::string& path, size_t at, size_t count) {
  std::string bytes = Bytes(path).substr(at, count);
  for (char& c : bytes) c = static_cast<char>(c ^ 0x5a);
  Overwrite(path, at, bytes);
}

class Repair : public ::testing::Test {
 protected:
  Repair() { store.Open(); }

  std::string db() const { return store.options.path + "/db"; }
  std::string damaged() const { return store.options.path + "/damaged"; }

  // `rows` scrapes of 20 series from `begin` on, every second.
  void Scrape(int64_t begin, int rows, uint64_t seed = 1) {
    std::vector<std::pair<Labels, double>> row;
    for (int i = 0; i < 20; ++i) row.emplace_back(SeriesOf(i), 0);
    for (int r = 0; r < rows; ++r) {
      for (auto& [labels, value] : row) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        value = static_cast<double>(seed >> 11) / 1024;
      }
      const int64_t t = begin + r * 1000;
      store.Append({t}, row, &hint);
      for (const auto& [labels, value] : row) model[labels.ToString()][t] = BitsOf(value);
    }
  }
  void Kill() { store.db.reset(); }

  // Whatever answers must be right; returns how many samples of the model do not answer.
  size_t CheckAndCountMissing() {
    const Model read = store.Read();
    size_t missing = 0;
    for (const auto& [labels, samples] : read) {
      const auto known = model.find(labels);
      EXPECT_NE(known, model.end()) << labels;
      if (known == model.end()) continue;
      for (const auto& [t, bits] : samples) {
        const auto at = known->second.find(t);
        EXPECT_TRUE(at != known->second.end() && at->second == bits) << labels << " " << t;
      }
    }
    for (const auto& [labels, samples] : model) {
      const auto it = read.find(labels);
      missing += samples.size() - (it == read.end() ? 0 : it->second.size());
    }
    return missing;
  }
  double Repairs(const std::string& step) {
    return store.metrics
        .GetCounter("tocsin_storage_repairs_total",
                    "Repairs of the database at the start, by what was done.", {{"step", step}})
        .Value();
  }
  // The database is as good as before: takes samples, survives a crash, compacts.
  void GoesOn() {
    const size_t missing = CheckAndCountMissing();
    hint = {};
    Scrape(kNow + 3'000'000, 30, 99);
    EXPECT_EQ(CheckAndCountMissing(), missing);
    store.Crash();
    EXPECT_EQ(CheckAndCountMissing(), missing);
    ASSERT_TRUE(store.db->Compact().ok());
    EXPECT_EQ(CheckAndCountMissing(), missing);
    store.Reopen();
    EXPECT_EQ(CheckAndCountMissing(), missing);
  }

  Store store;
  RowHint hint;
  Model model;
};

TEST_F(Repair, ADamagedPlaceInTheLogCostsWhatLiesThere) {
  Scrape(kNow, 1500);
  Kill();
  const std::vector<std::string> logs = Files(db(), ".log");
  ASSERT_EQ(logs.size(), 1u);
  const size_t size = fs::file_size(logs[0]);
  ASSERT_GT(size, 5u * 32768);
  Flip(logs[0], size / 2, 8);
  store.Open();
  const size_t missing = CheckAndCountMissing();
  EXPECT_GT(missing, 0u);
  // The rest of one block of 32 KiB, and rows that lean on it.
  EXPECT_LT(missing, 20u * 500);
  EXPECT_EQ(Repairs("log"), 1);
  EXPECT_GT(store.db->Stats().corruptions, 0u);
  EXPECT_EQ(Files(damaged(), ".log").size(), 1u);
  EXPECT_EQ(fs::file_size(Files(damaged(), ".log")[0]), size);
  GoesOn();
}

TEST_F(Repair, ALogThatBreaksOffIsNoDamage) {
  Scrape(kNow, 50);
  Kill();
  const std::string log = Files(db(), ".log").at(0);
  fs::resize_file(log, fs::file_size(log) - 5);
  store.Open();
  EXPECT_EQ(CheckAndCountMissing(), 20u);
  EXPECT_EQ(store.db->Stats().corruptions, 0u);
  EXPECT_FALSE(fs::exists(damaged()));
}

TEST_F(Repair, CurrentIsWrittenAgain) {
  Scrape(kNow, 100);
  ASSERT_TRUE(store.db->Compact().ok());
  Scrape(kNow + 200'000, 100, 2);
  for (const std::string& text : {std::string(), std::string("rubbish"), std::string("gone")}) {
    Kill();
    if (text == "gone")
      fs::remove(db() + "/CURRENT");
    else
      std::ofstream(db() + "/CURRENT", std::ios::trunc) << text;
    const double before = Repairs("current");
    store.Open();
    EXPECT_EQ(CheckAndCountMissing(), 0u) << text;
    EXPECT_EQ(Repairs("current"), before + 1);
    EXPECT_EQ(Repairs("rebuilt"), 0);
  }
  GoesOn();
}

class LostManifest : public Repair, public ::testing::WithParamInterface<int> {};

TEST_P(LostManifest, CostsNothing) {
  Scrape(kNow - 2 * kDayMs, 50, 3);
  Scrape(kNow, 300);
  ASSERT_TRUE(store.db->Compact().ok());
  store.Reopen();
  hint = {};
  Scrape(kNow + 400'000, 100, 2);
  ASSERT_TRUE(store.db
                  ->DeleteSeries(std::vector<Matcher>{{MatchOp::kEqual, "__name__", "m3"}}, {kNow},
                                 {kNow + 10'000})
                  .ok());
  auto& deleted = model[SeriesOf(3).ToString()];
  deleted.erase(deleted.lower_bound(kNow), deleted.upper_bound(kNow + 10'000));
  Scrape(kNow + 600'000, 50, 4);
  Kill();
  const std::vector<std::string> manifests = Files(db(), "MANIFEST-");
  ASSERT_FALSE(manifests.empty());
  for (const std::string& manifest : manifests) {
    switch (GetParam()) {
      case 0:
        Flip(manifest, 20, 30);
        break;
      case 1:
        fs::remove(manifest);
        break;
      default:
        std::ofstream(manifest, std::ios::trunc);
    }
  }
  store.Open();
  EXPECT_EQ(CheckAndCountMissing(), 0u);
  EXPECT_EQ(Repairs("rebuilt"), 1);
  EXPECT_FALSE(Files(damaged(), ".sst").empty());
  GoesOn();
}
INSTANTIATE_TEST_SUITE_P(Ways, LostManifest, ::testing::Range(0, 3));

TEST_F(Repair, AManifestAndALogThatAreDamagedCostWhatTheLogHeldThere) {
  Scrape(kNow, 300);
  ASSERT_TRUE(store.db->Compact().ok());
  Scrape(kNow + 400'000, 1000, 2);
  Kill();
  for (const std::string& manifest : Files(db(), "MANIFEST-")) Flip(manifest, 20, 30);
  const std::string log = Files(db(), ".log").back();
  Flip(log, fs::file_size(log) / 2, 8);
  store.Open();
  const size_t missing = CheckAndCountMissing();
  EXPECT_GT(missing, 0u);
  EXPECT_LT(missing, 20u * 500);
  GoesOn();
}

// Tables of sealed samples, by size.
std::vector<std::string> TablesBySize(const std::string& folder) {
  std::vector<std::string> tables = Files(folder, ".sst");
  std::sort(tables.begin(), tables.end(), [](const std::string& a, const std::string& b) {
    return fs::file_size(a) > fs::file_size(b);
  });
  return tables;
}

TEST_F(Repair, ATableThatCannotBeOpenedOrIsGoneCostsItself) {
  Scrape(kNow - 2 * kDayMs, 400, 3);
  Scrape(kNow, 200);
  ASSERT_TRUE(store.db->Compact().ok());
  Scrape(kNow + 400'000, 100, 2);
  Kill();
  const std::string largest = TablesBySize(db()).at(0);
  Flip(largest, fs::file_size(largest) - 60, 60);
  store.Open();
  EXPECT_EQ(CheckAndCountMissing(), 20u * 400);
  EXPECT_GT(store.db->Stats().corruptions, 0u);
  Kill();
  // The largest that is left: it is simply gone.
  fs::remove(TablesBySize(db()).at(0));
  store.Open();
  EXPECT_EQ(CheckAndCountMissing(), 20u * 600);
  GoesOn();
}

TEST_F(Repair, AFileWithoutAHeaderStillAnswers) {
  Scrape(kNow, 400);
  ASSERT_TRUE(store.db->Compact().ok());
  store.Close();
  // The header is the last key: alone in the last data block, or with the last segments.
  const std::string table = TablesBySize(db()).at(0);
  const std::string bytes = Bytes(table);
  // Behind the segments, before the index: found by trying.
  bool found = false;
  for (size_t at = bytes.size() - 400; at > bytes.size() / 2 && !found; at -= 48) {
    Overwrite(table, 0, bytes);
    Flip(table, at, 8);
    Store other;
    fs::remove_all(other.options.path);
    fs::copy(store.options.path, other.options.path, fs::copy_options::recursive);
    ASSERT_TRUE(other.TryOpen().ok());
    if (other.db->Stats().corruptions == 0 || fs::exists(other.options.path + "/damaged")) continue;
    size_t samples = 0;
    auto set = other.db->Select({}, kMinTimestamp, kMaxTimestamp, {});
    ASSERT_TRUE(set.ok());
    auto reader = (*set)->NewReader();
    for (size_t s = 0; s < (*set)->size(); ++s) {
      ASSERT_TRUE(reader->Seek(s).ok());
      const SeriesModel& known = model[(*set)->labels(s).ToString()];
      SampleBlock block;
      for (;;) {
        auto more = reader->Next(&block);
        ASSERT_TRUE(more.ok());
        if (!*more) break;
        for (size_t k = 0; k < block.size(); ++k)
          ASSERT_EQ(known.at(block.times[k].ms), BitsOf(block.values[k]));
        samples += block.size();
      }
    }
    // The index of the table would cost the table; the header costs what lies in its block.
    found = samples > 0;
  }
  EXPECT_TRUE(found);
}

// Damages each data block of each small table in turn: starts, answers right, gives no id twice.
TEST_F(Repair, DamagedSeriesAreLeftOutAndTheirIdsAreNotGivenAgain) {
  for (int i = 0; i < 3000; ++i)
    store.Append({kNow + i}, {{Labels{{"__name__", "s" + std::to_string(i)},
                                      {"job", "j" + std::to_string(i / 300)},
                                      {"instance", "i"}},
                               i}});
  const auto note = [&](int64_t t, int from, int to) {
    for (int i = from; i < to; ++i)
      model[Labels{{"__name__", "s" + std::to_string(i)},
                   {"job", "j" + std::to_string(i / 300)},
                   {"instance", "i"}}
                .ToString()][t + i] = BitsOf(i);
  };
  note(kNow, 0, 3000);
  ASSERT_TRUE(store.db->Compact().ok());
  Kill();
  const std::vector<std::string> tables = Files(db(), ".sst");
  std::vector<std::string> whole;
  for (const std::string& table : tables) whole.push_back(Bytes(table));
  size_t cases = 0;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (whole[i].size() < 6000) continue;
    Store other;
    fs::create_directories(other.options.path);
    fs::remove_all(other.options.path);
    fs::copy(store.options.path, other.options.path, fs::copy_options::recursive);
    Flip(other.options.path + "/db/" + fs::path(tables[i]).filename().string(), 3000, 4);
    const Status opened = other.TryOpen();
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    // New series, then everything again from the log: nothing under another's labels.
    for (int k = 0; k < 400; ++k)
      other.Append({kNow + 100'000 + k}, {{Labels{{"__name__", "n" + std::to_string(k)},
                                                  {"job", "j" + std::to_string(k / 100)},
                                                  {"instance", "i"}},
                                           1e6 + k}});
    other.db.reset();
    ASSERT_TRUE(other.TryOpen().ok());
    size_t fresh = 0;
    auto set = other.db->Select({}, kMinTimestamp, kMaxTimestamp, {});
    ASSERT_TRUE(set.ok());
    auto reader = (*set)->NewReader();
    for (size_t s = 0; s < (*set)->size(); ++s) {
      ASSERT_TRUE(reader->Seek(s).ok());
      const std::string name((*set)->labels(s).name());
      SampleBlock block;
      for (;;) {
        auto more = reader->Next(&block);
        ASSERT_TRUE(more.ok());
        if (!*more) break;
        for (size_t k = 0; k < block.size(); ++k) {
          const double expected = std::stod(name.substr(1)) + (name[0] == 'n' ? 1e6 : 0);
          ASSERT_EQ(block.values[k], expected) << name;
          fresh += name[0] == 'n';
        }
      }
    }
    EXPECT_EQ(fresh, 400u);
    ++cases;
  }
  EXPECT_GE(cases, 2u);  // symbols, series, samples
}

TEST_F(Repair, ADamagedBlockOfAnEpochCostsItsRows) {
  Scrape(kNow, 1500);
  store.Crash();  // what was in the WAL is in a table of the epoch now
  Kill();
  const std::string largest = TablesBySize(db()).at(0);
  Flip(largest, fs::file_size(largest) / 2, 8);
  store.Open();
  const size_t missing = CheckAndCountMissing();
  EXPECT_GT(missing, 0u);
  EXPECT_LT(missing, 20u * 500);
  EXPECT_GT(store.db->Stats().corruptions, 0u);
  GoesOn();
}

TEST_F(Repair, ACrashInTheMiddleOfARebuildStartsItAgain) {
  Scrape(kNow, 100);
  Kill();
  // As between the two renames at its end.
  fs::create_directories(store.options.path + "/damaged/1");
  fs::rename(db(), store.options.path + "/staging/rebuilt");
  store.Open();
  EXPECT_EQ(CheckAndCountMissing(), 0u);
  GoesOn();
}

TEST(WalRecords, ReadsWhatRocksDbWrote) {
  Store store;
  store.Open();
  for (int i = 0; i < 10; ++i)
    store.Append({kNow + i}, {{SeriesOf(i), i},
                              {Labels{{"__name__", "m"},
                                      {"n", std::to_string(i)},
                                      {"text", std::string(40'000, static_cast<char>('a' + i))}},
                               i}});
  store.db.reset();
  size_t records = 0;
  size_t bytes = 0;
  for (const std::string& path : Files(store.options.path + "/db", ".log")) {
    WalDamage damage;
    ASSERT_TRUE(ReadWal(
                    path, [&](std::string_view r) { ++records, bytes += r.size(); }, &damage)
                    .ok());
    EXPECT_EQ(damage.places, 0u);
  }
  EXPECT_GE(records, 10u);
  EXPECT_GT(bytes, 10u * 40'000);
}

}  // namespace
}  // namespace tocsin::storage
