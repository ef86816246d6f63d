#include "ingest/remote_write/series_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::ingest {
namespace {

std::vector<SeriesCache::Key> Keys(const SeriesCache& cache, int n) {
  std::vector<SeriesCache::Key> keys;
  for (int i = 0; i < n; ++i) keys.push_back(cache.KeyOf("series " + std::to_string(i)));
  return keys;
}

TEST(SeriesCache, FindsInAnyOrderWhatWasPut) {
  SeriesCache cache(7);
  const auto keys = Keys(cache, 10'000);
  {
    SeriesCache::Cursor cursor(cache);
    for (size_t i = 0; i < keys.size(); ++i) {
      EXPECT_FALSE(cursor.Find(keys[i]).valid());
      cursor.Put(keys[i], SeriesRef{i + 1});
    }
  }
  std::vector<size_t> order(keys.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::mt19937 rng(1);
  for (int round = 0; round < 5; ++round) {
    // The same order twice, so that successors learned in the first pass serve the second.
    for (int pass = 0; pass < 2; ++pass) {
      SeriesCache::Cursor cursor(cache);
      for (const size_t i : order) ASSERT_EQ(cursor.Find(keys[i]), SeriesRef{i + 1});
      ASSERT_FALSE(cursor.Find(cache.KeyOf("another")).valid());
    }
    std::shuffle(order.begin(), order.end(), rng);
  }
}

TEST(SeriesCache, ASecondHashTellsTwoSeriesApart) {
  SeriesCache cache(7);
  SeriesCache::Cursor cursor(cache);
  cursor.Put({1, 1}, SeriesRef{11});
  EXPECT_FALSE(cursor.Find({1, 2}).valid());
  cursor.Put({1, 2}, SeriesRef{12});
  EXPECT_EQ(cursor.Find({1, 2}), SeriesRef{12});
  EXPECT_FALSE(cursor.Find({1, 1}).valid());
}

TEST(SeriesCache, IsEmptyAfterClear) {
  SeriesCache cache(7);
  const auto keys = Keys(cache, 3);
  {
    SeriesCache::Cursor cursor(cache);
    for (const auto& key : keys) cursor.Put(key, SeriesRef{5});
    cursor.Release();
    cache.Clear();
  }
  SeriesCache::Cursor cursor(cache);
  for (const auto& key : keys) EXPECT_FALSE(cursor.Find(key).valid());
}

TEST(SeriesCache, ServesManyRequestsAtOnce) {
  SeriesCache cache(7);
  const auto keys = Keys(cache, 2'000);
  std::vector<std::thread> senders;
  for (int thread = 0; thread < 4; ++thread) {
    senders.emplace_back([&, thread] {
      for (int request = 0; request < 20; ++request) {
        SeriesCache::Cursor cursor(cache);
        for (size_t i = static_cast<size_t>(thread); i < keys.size(); i += 1 + request % 3) {
          const SeriesRef ref = cursor.Find(keys[i]);
          if (!ref.valid())
            cursor.Put(keys[i], SeriesRef{i + 1});
          else
            ASSERT_EQ(ref, SeriesRef{i + 1});
        }
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
}

}  // namespace
}  // namespace tocsin::ingest
