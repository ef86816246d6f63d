// Files of one day become one; who asks does not notice.
#include "storage/merger.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Timestamp kDay{1'700'006'400'000 / kDayMs * kDayMs};

double Files(Store& store) {
  const std::string text = store.metrics.Serialize();
  const size_t at = text.find("\nprometheus_tsdb_blocks_loaded ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + 31));
}

std::vector<std::pair<Labels, double>> Row(int i) {
  std::vector<std::pair<Labels, double>> row;
  for (int s = 0; s < 20; ++s)
    row.emplace_back(Labels{{"__name__", "m" + std::to_string(s)}, {"job", "j"}, {"instance", "i"}},
                     i * s);
  return row;
}

class Merge : public ::testing::Test {
 protected:
  Merge() : store(kDay) {
    store.options.retention_time = Duration{0};
    store.Open();
  }
  // A sample every five minutes.
  void Run(std::chrono::hours time) {
    for (int i = 0; i < time / minutes(5); ++i) {
      store.Append(store.scheduler.Now(), Row(n_++), &hint_);
      store.scheduler.Advance(minutes(5));
    }
  }
  Store store;
  RowHint hint_;
  int n_ = 0;
};

TEST_F(Merge, AClosedDayBecomesOneFile) {
  Run(hours(23));
  EXPECT_GT(Files(store), 8);
  Run(hours(5));
  const double files = Files(store);
  EXPECT_LE(files, 3);  // the day, and up to two windows of the next
  const Model model = store.Read();
  ASSERT_EQ(model.size(), 20u);
  EXPECT_EQ(model.begin()->second.size(), 28u * 12);
  store.Crash();
  EXPECT_EQ(store.Read(), model);
  EXPECT_EQ(Files(store), files);
}

TEST_F(Merge, CompactLeavesOneFileADay) {
  Run(hours(5));
  ASSERT_TRUE(store.db->Compact().ok());
  Run(hours(1));
  const Model model = store.Read();
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(Files(store), 1);
  EXPECT_EQ(store.Read(), model);
}

TEST_F(Merge, TheFirstArrivalWinsAcrossMerges) {
  const Labels one{{"__name__", "one"}};
  store.AppendColumn(one, {kDay}, {1});
  ASSERT_TRUE(store.db->Compact().ok());
  store.AppendColumn(one, {kDay, kDay + minutes(1)}, {2, 2});
  ASSERT_TRUE(store.db->Compact().ok());
  store.AppendColumn(one, {kDay + minutes(1)}, {3});
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.ReadOne(one), (SeriesModel{{kDay.ms, BitsOf(1)}, {kDay.ms + 60'000, BitsOf(2)}}));
}

TEST_F(Merge, MaskedSamplesGoWithTheMerge) {
  Run(hours(3));
  ASSERT_TRUE(store.db->Compact().ok());
  const std::vector<Matcher> all{*Matcher::Create(MatchOp::kRegex, "__name__", "m.*")};
  ASSERT_TRUE(store.db->DeleteSeries(all, kDay, kDay + hours(2)).ok());
  const Model model = store.Read();
  EXPECT_EQ(model.begin()->second.size(), 11u);
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(store.Read(), model);
  store.Crash();
  EXPECT_EQ(store.Read(), model);
  ASSERT_TRUE(store.db->DeleteSeries(all, kDay, kDay + hours(24)).ok());
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(Files(store), 0);
  store.Crash();
  EXPECT_TRUE(store.Read().empty());
  // The same times again.
  store.Append(kDay, Row(7));
  EXPECT_EQ(store.Read().size(), 20u);
  store.Crash();
  EXPECT_EQ(store.Read().size(), 20u);
}

TEST_F(Merge, AViewReadsTheOldFilesOn) {
  Run(hours(3));
  const Model model = store.Read();
  auto set = store.db->Select({}, kMinTimestamp, kMaxTimestamp, {});
  ASSERT_TRUE(set.ok());
  ASSERT_TRUE(store.db->Compact().ok());
  Run(hours(1));
  ASSERT_TRUE(store.db->Compact().ok());
  store.scheduler.Advance(minutes(10));
  auto reader = (*set)->NewReader();
  for (size_t i = 0; i < (*set)->size(); ++i) {
    ASSERT_TRUE(reader->Seek(i).ok());
    size_t n = 0;
    SampleBlock block;
    while (*reader->Next(&block)) n += block.size();
    EXPECT_GE(n, model.begin()->second.size());
  }
  EXPECT_TRUE((*set)->warnings().empty());
}

SealedFilePtr File(uint16_t day, uint64_t seal_seq, FileKind kind, uint64_t bytes) {
  auto file = std::make_shared<SealedFile>();
  file->id = {0, day, seal_seq};
  file->header.kind = kind;
  file->header.covers.Append(seal_seq);
  file->header.bytes = bytes;
  return file;
}

TEST(MergePlan, ClosedDaysAreMergedOnce) {
  Directory directory;
  directory.files = {File(10, 1, FileKind::kSeal, 10), File(10, 2, FileKind::kSeal, 10),
                     File(11, 3, FileKind::kSeal, 10), File(11, 4, FileKind::kSeal, 10)};
  EXPECT_EQ(PlanMerge(directory, DayStart(11)).inputs.size(), 2u);
  EXPECT_EQ(PlanMerge(directory, DayStart(11)).inputs[0]->id.day, 10);
  EXPECT_TRUE(PlanMerge(directory, DayStart(10)).inputs.empty());
  EXPECT_TRUE(PlanMerge(directory, DayStart(11)).whole_day);
  directory.files = {File(10, 1, FileKind::kMerge, 10)};
  EXPECT_EQ(PlanMerge(directory, DayStart(11)).inputs.size(), 1u);
  directory.files = {File(10, 1, FileKind::kDay, 10)};
  EXPECT_TRUE(PlanMerge(directory, DayStart(11)).inputs.empty());
  EXPECT_TRUE(PlanFullMerge(directory, DayStart(11)).inputs.empty());
}

TEST(MergePlan, ALittleLateDataDoesNotRewriteADay) {
  Directory directory;
  directory.files = {File(10, 1, FileKind::kDay, 1000), File(10, 2, FileKind::kSeal, 10)};
  EXPECT_TRUE(PlanMerge(directory, DayStart(20)).inputs.empty());
  directory.files.push_back(File(10, 3, FileKind::kSeal, 200));
  EXPECT_EQ(PlanMerge(directory, DayStart(20)).inputs.size(), 3u);
  const auto not_now = [](uint8_t, uint16_t) { return true; };
  EXPECT_TRUE(PlanMerge(directory, DayStart(20), not_now).inputs.empty());
}

TEST(MergePlan, ManyFilesOfAnOpenDayAreJoinedByLikeSize) {
  Directory directory;
  directory.files.push_back(File(10, 1, FileKind::kMerge, 100'000));
  for (uint64_t seq = 2; seq < 20; ++seq)
    directory.files.push_back(File(10, seq, FileKind::kSeal, 100));
  const MergePlan plan = PlanMerge(directory, DayStart(10));
  EXPECT_EQ(plan.inputs.size(), 18u);
  EXPECT_EQ(plan.inputs.front()->id.seal_seq, 2u);
}

}  // namespace
}  // namespace tocsin::storage
