#include <gtest/gtest.h>

#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
const Labels kA{{"__name__", "a"}};
const Labels kB{{"__name__", "b"}};
const std::vector<Matcher> kMatchA{Matcher(MatchOp::kEqual, "__name__", "a")};

class TombstoneTest : public ::testing::Test {
 protected:
  TombstoneTest() {
    store.Open();
    for (int i = 0; i < 100; ++i) store.Append({kNow + i * 1000}, {{kA, i}, {kB, i}}, &hint);
  }
  void Delete(int from, int to) {
    ASSERT_TRUE(store.db->DeleteSeries(kMatchA, {kNow + from * 1000}, {kNow + to * 1000}).ok());
  }
  Store store;
  RowHint hint;
};

TEST_F(TombstoneTest, OpenSamplesGoAtOnceAndStayGone) {
  Delete(10, 19);
  EXPECT_EQ(store.ReadOne(kA).size(), 90u);
  EXPECT_EQ(store.ReadOne(kA).count(kNow + 10'000), 0u);
  EXPECT_EQ(store.ReadOne(kB).size(), 100u);
  store.Crash();
  EXPECT_EQ(store.ReadOne(kA).size(), 90u);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.ReadOne(kA).size(), 90u);
}

TEST_F(TombstoneTest, SealedSamplesAreMasked) {
  ASSERT_TRUE(store.db->Compact().ok());
  Delete(0, 49);
  EXPECT_EQ(store.ReadOne(kA).size(), 50u);
  EXPECT_EQ(store.ReadOne(kB).size(), 100u);
  store.Crash();
  EXPECT_EQ(store.ReadOne(kA).size(), 50u);
  store.Reopen();
  EXPECT_EQ(store.ReadOne(kA).size(), 50u);
}

TEST_F(TombstoneTest, SamplesWrittenAfterItLive) {
  for (const bool sealed : {false, true}) {
    if (sealed) {
      ASSERT_TRUE(store.db->Compact().ok());
    }
    Delete(0, 99);
    EXPECT_TRUE(store.ReadOne(kA).empty());
    for (int i = 0; i < 5; ++i) store.AppendColumn(kA, {{kNow + i * 1000}}, {7});
    EXPECT_EQ(store.ReadOne(kA).size(), 5u);
    store.Crash();
    EXPECT_EQ(store.ReadOne(kA).size(), 5u);
    EXPECT_EQ(store.ReadOne(kA).begin()->second, BitsOf(7));
  }
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.ReadOne(kA).size(), 5u);
}

TEST_F(TombstoneTest, WritingGoesOnBehindADeletion) {
  Delete(50, 99);
  for (int i = 100; i < 120; ++i) store.Append({kNow + i * 1000}, {{kA, i}, {kB, i}}, &hint);
  EXPECT_EQ(store.ReadOne(kA).size(), 70u);
  EXPECT_EQ(store.ReadOne(kB).size(), 120u);
  store.Crash();
  EXPECT_EQ(store.ReadOne(kA).size(), 70u);
}

TEST_F(TombstoneTest, NothingThatMatchesIsFine) {
  const std::vector<Matcher> none{Matcher(MatchOp::kEqual, "__name__", "none")};
  EXPECT_TRUE(store.db->DeleteSeries(none, kMinTimestamp, kMaxTimestamp).ok());
  EXPECT_TRUE(store.db->DeleteSeries(kMatchA, {kNow + 5}, {kNow}).ok());
  EXPECT_EQ(store.ReadOne(kA).size(), 100u);
}

}  // namespace
}  // namespace tocsin::storage
