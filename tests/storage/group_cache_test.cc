// Opened groups are kept for the next query, within their share of the memory; what is written,
// sealed, merged, deleted or dropped meanwhile shows at once.
#include "storage/group_cache.h"

#include <gtest/gtest.h>

#include <thread>

#include "storage/memory_budget.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
constexpr int64_t kStep = 15'000;
constexpr int64_t kBegin = kNow - 100 * kStep;

class GroupCacheTest : public ::testing::Test {
 protected:
  static Labels Of(int series) {
    return {{"__name__", "m"}, {"instance", "i"}, {"job", "j"}, {"s", std::to_string(series)}};
  }
  // Rows [first, last) of `series` series, with the rest of the model.
  void Append(int first, int last, int series, double shift = 0) {
    for (int i = first; i < last; ++i) {
      const int64_t t = kBegin + i * kStep;
      std::vector<std::pair<Labels, double>> row;
      for (int s = 0; s < series; ++s) {
        const double v = s * 1000 + i + shift;
        row.emplace_back(Of(s), v);
        model[Of(s).ToString()].try_emplace(t, BitsOf(v));
      }
      store.Append({t}, row);
    }
  }
  double Metric(const std::string& name) const {
    const std::string text = store.metrics.Serialize();
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }
  double Hits() const { return Metric("tocsin_storage_opened_lookups_total{kept=\"true\"}"); }
  double Misses() const { return Metric("tocsin_storage_opened_lookups_total{kept=\"false\"}"); }
  double Bytes() const { return Metric("tocsin_storage_opened_bytes"); }

  Store store;
  Model model;
};

TEST_F(GroupCacheTest, TheNextQueryFindsWhatTheLastOneOpened) {
  store.Open();
  Append(0, 40, 100);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.Read(), model);
  const double misses = Misses();
  EXPECT_GT(misses, 0);
  EXPECT_GT(Bytes(), 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(store.Read(), model);
  EXPECT_EQ(Misses(), misses);
  EXPECT_GE(Hits(), 3);
}

TEST_F(GroupCacheTest, NothingIsStale) {
  store.Open();
  Append(0, 40, 70);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.Read(), model);
  // More of the same day, sealed beside it and merged with it.
  Append(40, 60, 70);
  EXPECT_EQ(store.Read(), model);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.Read(), model);
  // Late samples between those that are there; equal times keep the first.
  for (int i = 0; i < 20; ++i) {
    const int64_t t = kBegin + i * kStep + 7;
    store.Append({t}, {{Of(1), -i}});
    model[Of(1).ToString()][t] = BitsOf(-i);
  }
  EXPECT_EQ(store.Read(), model);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.Read(), model);
  // Deleted: masked at once, then gone from files built anew.
  const std::vector<Matcher> matchers{{MatchOp::kEqual, "s", "2"}};
  ASSERT_TRUE(store.db->DeleteSeries(matchers, {kBegin}, {kBegin + 10 * kStep}).ok());
  SeriesModel& cut = model[Of(2).ToString()];
  cut.erase(cut.begin(), cut.upper_bound(kBegin + 10 * kStep));
  EXPECT_EQ(store.Read(), model);
  ASSERT_TRUE(store.db->CleanTombstones().ok());
  EXPECT_EQ(store.Read(), model);
  // Time goes by: the day is closed and written anew.
  store.scheduler.Advance(Duration{30LL * 3600 * 1000});
  EXPECT_EQ(store.Read(), model);
}

TEST_F(GroupCacheTest, StaysWithinItsShare) {
  store.options.memory_max = 8u << 20;
  store.Open();
  const auto share = static_cast<double>(MemoryBudget::Of(store.options.memory_max).opened);
  Append(0, 8, 5'000);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.Read().size(), 5'000u);
  EXPECT_LE(Bytes(), share);
  EXPECT_GT(Bytes(), share / 2);  // there was more than fits
  EXPECT_EQ(store.Read(), model);
  EXPECT_LE(Bytes(), share);
}

TEST_F(GroupCacheTest, ReadersShareTheColumnsOfAClosedDay) {
  store.Open();
  Append(0, 40, 64);
  store.scheduler.Advance(Duration{30LL * 3600 * 1000});
  std::vector<std::thread> threads;
  std::vector<Model> got(4);
  for (size_t i = 0; i < got.size(); ++i)
    threads.emplace_back([&, i] {
      for (int s = 0; s < 64; ++s) {
        const int series = (s * 7 + static_cast<int>(i) * 16) % 64;
        got[i][Of(series).ToString()] = store.ReadOne(Of(series));
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const Model& one : got) EXPECT_EQ(one, model);
}

}  // namespace
}  // namespace tocsin::storage
