#include "storage/db.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;
const Labels kUp{{"__name__", "up"}, {"job", "node"}, {"instance", "a"}};
const Labels kLoad{{"__name__", "load1"}, {"job", "node"}, {"instance", "a"}};
const Labels kOther{{"__name__", "up"}, {"job", "node"}, {"instance", "b"}};

TEST(Db, AnswersWhatWasAppended) {
  Store store;
  store.Open();
  EXPECT_EQ(store.Append({kNow}, {{kUp, 1}, {kLoad, 0.5}}).appended, 2u);
  EXPECT_EQ(store.Append({kNow + 15000}, {{kUp, 0}, {kLoad, 0.25}}).appended, 2u);
  EXPECT_EQ(store.ReadOne(kUp), (SeriesModel{{kNow, BitsOf(1)}, {kNow + 15000, BitsOf(0)}}));
  EXPECT_EQ(store.ReadOne(kLoad, {kNow + 1}).size(), 1u);
  EXPECT_EQ(store.ReadOne(kLoad, {kNow}, {kNow}), (SeriesModel{{kNow, BitsOf(0.5)}}));
  EXPECT_TRUE(store.Read({}, {kNow + 15001}).empty());
  EXPECT_EQ(store.db->Stats().series, 2u);
  EXPECT_EQ(store.db->Stats().max_time.ms, kNow + 15000);
  EXPECT_EQ(store.db->Stats().min_time.ms, kNow);
}

TEST(Db, KeepsAcknowledgedSamplesOverACrash) {
  Store store;
  store.Open();
  RowHint hint;
  for (int i = 0; i < 300; ++i)
    store.Append({kNow - 300'000 + i * 1000}, {{kUp, i % 7}, {kLoad, i * 0.1}}, &hint);
  const Model before = store.Read();
  EXPECT_EQ(before.at(kUp.ToString()).size(), 300u);
  store.Crash();
  EXPECT_EQ(store.Read(), before);
  store.Crash();
  EXPECT_EQ(store.Read(), before);
  store.Append({kNow}, {{kUp, 1}}, &hint);
  store.Reopen();
  EXPECT_EQ(store.ReadOne(kUp).size(), 301u);
}

TEST(Db, AFolderIsHeldByOneProcess) {
  Store store;
  store.Open();
  auto second = Db::Open(store.options, Ports{store.scheduler, store.scheduler, store.commit,
                                              store.sync, store.background, store.metrics});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::kAlreadyExists) << second.error().message();
}

TEST(Db, RefusesFoldersOfOthers) {
  for (const char* name : {"wal/", "chunks_head/", "01BX5ZZKBKACTAV9WEVGEMMVRZ/", "notes.txt"}) {
    Store store;
    const std::string path = store.options.path + "/" + name;
    std::filesystem::create_directories(store.options.path);
    if (path.back() == '/')
      std::filesystem::create_directories(path);
    else
      std::ofstream(path) << "mine";
    const Status status = store.TryOpen();
    ASSERT_FALSE(status.ok()) << name;
    EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(status.error().message().find("--storage.tsdb.path"), std::string::npos);
    EXPECT_EQ(status.error().message().find("Prometheus") != std::string::npos,
              std::string(name) != "notes.txt");
    EXPECT_FALSE(std::filesystem::exists(store.options.path + "/db"));
  }
}

TEST(Db, OpensAFreshMountPoint) {
  Store store;
  std::filesystem::create_directories(store.options.path + "/lost+found");
  store.Open();
}

TEST(Db, DuplicatesFollowPrometheus) {
  Store store;
  store.Open();
  store.Append({kNow}, {{kUp, 1}});
  store.Append({kNow + 1000}, {{kUp, 2}});
  EXPECT_EQ(store.Append({kNow + 1000}, {{kUp, 2}}).duplicates, 0u);  // the same again
  EXPECT_EQ(store.Append({kNow + 1000}, {{kUp, 3}}).duplicates, 1u);
  EXPECT_EQ(store.Append({kNow}, {{kUp, 7}}).duplicates, 1u);
  EXPECT_EQ(store.AppendColumn(kUp, {{kNow}, {kNow + 1}}, {1, 5}).appended, 2u);
  const SeriesModel expected{{kNow, BitsOf(1)}, {kNow + 1, BitsOf(5)}, {kNow + 1000, BitsOf(2)}};
  EXPECT_EQ(store.ReadOne(kUp), expected);
  store.Crash();
  EXPECT_EQ(store.ReadOne(kUp), expected);
}

TEST(Db, TakesSamplesInAnyOrder) {
  Store store;
  store.Open();
  SeriesModel expected;
  for (int i = 0; i < 500; ++i) {
    const int64_t t = kNow - (i * 7919 % 500) * 60'000;
    store.Append({t}, {{kUp, i}, {kLoad, i + 0.5}});
    expected[t] = BitsOf(i);
  }
  EXPECT_EQ(store.ReadOne(kUp), expected);
  store.Crash();
  EXPECT_EQ(store.ReadOne(kUp), expected);
}

TEST(Db, BoundsAreChecked) {
  Store store;
  store.Open();
  EXPECT_EQ(store.Append({kNow + 601'000}, {{kUp, 1}}).out_of_bounds, 1u);
  EXPECT_EQ(store.Append({kNow + 600'000}, {{kUp, 1}}).out_of_bounds, 0u);
  EXPECT_EQ(store.Append({-1}, {{kLoad, 1}}).out_of_bounds, 1u);
  EXPECT_EQ(store.Append({0}, {{kOther, 1}}).out_of_bounds, 0u);
  EXPECT_EQ(store.ReadOne(kOther), (SeriesModel{{0, BitsOf(1)}}));
}

TEST(Db, KeepsEveryBitOfAValue) {
  Store store;
  store.Open();
  const std::vector<uint64_t> bits{kStaleNaNBits,      kNormalNaNBits,
                                   0x7ff8000000000123, 0xfff0000000000001,
                                   0x8000000000000000, 1,
                                   0x7ff0000000000000, 0xfff0000000000000,
                                   0x7fefffffffffffff, std::bit_cast<uint64_t>(0.1),
                                   kStaleNaNBits};
  SeriesModel expected;
  RowHint hint;
  for (size_t i = 0; i < bits.size(); ++i) {
    const int64_t t = kNow + static_cast<int64_t>(i) * 1000;
    store.Append({t}, {{kUp, std::bit_cast<double>(bits[i])}}, &hint);
    expected[t] = bits[i];
  }
  EXPECT_EQ(store.ReadOne(kUp), expected);
  store.Crash();
  EXPECT_EQ(store.ReadOne(kUp), expected);
}

TEST(Db, UnknownRefsAreStale) {
  Store store;
  store.Open();
  auto appender = store.db->NewAppender();
  RowHint hint;
  const SeriesRef known = *appender->Resolve(kUp);
  const std::vector<SeriesRef> refs{known, SeriesRef{1u << 30}};
  const std::vector<double> values{1, 2};
  const RowResult result = appender->AppendRow(hint, {kNow}, refs, values);
  EXPECT_EQ(result.appended, 1u);
  EXPECT_EQ(result.stale_refs, 1u);
  Store::Commit(*appender);
  EXPECT_EQ(store.ReadOne(kUp).size(), 1u);
}

TEST(Db, RefusesInvalidLabels) {
  Store store;
  store.Open();
  auto appender = store.db->NewAppender();
  EXPECT_EQ(appender->Resolve(Labels()).error().code(), ErrorCode::kInvalidLabels);
  EXPECT_EQ(appender->Resolve(Labels{{"a", "\xff"}}).error().code(), ErrorCode::kInvalidLabels);
  EXPECT_EQ(store.db->Stats().series, 0u);
}

TEST(Db, LimitsSeries) {
  Store store;
  store.options.series_max = 2;
  store.Open();
  store.Append({kNow}, {{kUp, 1}, {kLoad, 1}});
  auto appender = store.db->NewAppender();
  EXPECT_EQ(appender->Resolve(kOther).error().code(), ErrorCode::kSeriesLimit);
  EXPECT_TRUE(appender->Resolve(kUp).ok());
}

TEST(Db, ResolvedButUncommittedSeriesOfOthersArePersisted) {
  Store store;
  store.Open();
  auto forgotten = store.db->NewAppender();
  ASSERT_TRUE(forgotten->Resolve(kUp).ok());
  store.Append({kNow}, {{kUp, 1}});
  forgotten.reset();
  store.Crash();
  EXPECT_EQ(store.ReadOne(kUp).size(), 1u);
}

TEST(Db, MatchersPickSeries) {
  Store store;
  store.Open();
  store.Append({kNow}, {{kUp, 1}, {kLoad, 2}, {kOther, 3}});
  const auto count = [&](MatchOp op, const char* name, const char* value) {
    return store.Read({*Matcher::Create(op, name, value)}).size();
  };
  EXPECT_EQ(count(MatchOp::kEqual, "__name__", "up"), 2u);
  EXPECT_EQ(count(MatchOp::kNotEqual, "instance", "a"), 1u);
  EXPECT_EQ(count(MatchOp::kRegex, "instance", "a|b|c"), 3u);
  EXPECT_EQ(count(MatchOp::kRegex, "instance", "[b-z]"), 1u);
  EXPECT_EQ(count(MatchOp::kNotRegex, "__name__", "l.*"), 2u);
  EXPECT_EQ(count(MatchOp::kEqual, "absent", ""), 3u);
  EXPECT_EQ(count(MatchOp::kNotEqual, "absent", ""), 0u);
  EXPECT_EQ(count(MatchOp::kRegex, "absent", ".*"), 3u);
  EXPECT_EQ(count(MatchOp::kRegex, "__name__", ".+"), 3u);
  EXPECT_EQ(*store.db->LabelNames({}, kMinTimestamp, kMaxTimestamp),
            (std::vector<std::string>{"__name__", "instance", "job"}));
  EXPECT_EQ(*store.db->LabelValues("instance", {}, kMinTimestamp, kMaxTimestamp),
            (std::vector<std::string>{"a", "b"}));
  const std::vector<Matcher> load{Matcher(MatchOp::kEqual, "__name__", "load1")};
  EXPECT_EQ(*store.db->LabelValues("instance", load, kMinTimestamp, kMaxTimestamp),
            (std::vector<std::string>{"a"}));
  EXPECT_TRUE(store.db->LabelNames({}, {kNow + 1}, kMaxTimestamp)->empty());
}

TEST(Db, CanceledSelectsStop) {
  Store store;
  store.Open();
  store.Append({kNow}, {{kUp, 1}});
  std::atomic<bool> canceled{false};
  SelectHints hints;
  hints.canceled = &canceled;
  auto set = store.db->Select({}, kMinTimestamp, kMaxTimestamp, hints);
  ASSERT_TRUE(set.ok());
  auto reader = (*set)->NewReader();
  ASSERT_TRUE(reader->Seek(0).ok());
  canceled = true;
  SampleBlock block;
  EXPECT_EQ(reader->Next(&block).error().code(), ErrorCode::kCanceled);
  EXPECT_EQ(store.db->Select({}, kMinTimestamp, kMaxTimestamp, hints).error().code(),
            ErrorCode::kCanceled);
}

TEST(Db, MetadataIsKept) {
  Store store;
  store.Open();
  const Metadata up{MetricType::kGauge, "", "Whether it answers."};
  auto appender = store.db->NewAppender();
  appender->SetMetadata("up", up);
  Store::Commit(*appender);
  store.Crash();
  EXPECT_EQ(store.db->MetricMetadata("up"),
            (std::vector<std::pair<std::string, Metadata>>{{"up", up}}));
  EXPECT_EQ(store.db->MetricMetadata("").size(), 1u);
  EXPECT_TRUE(store.db->MetricMetadata("down").empty());
}

TEST(Db, KvStoreKeepsState) {
  Store store;
  store.Open();
  KvStore& kv = store.db->kv();
  ASSERT_TRUE(kv.Write("a", {{"k1", "v1"}, {"k2", "v2"}, {"\xff", "last"}}).ok());
  ASSERT_TRUE(kv.Write("b", {{"k1", "other"}}, /*sync=*/true).ok());
  ASSERT_TRUE(kv.Write("a", {{"k1", std::nullopt}}).ok());
  store.Crash();
  KvStore& again = store.db->kv();
  EXPECT_EQ(*again.Get("a", "k1"), std::nullopt);
  EXPECT_EQ(*again.Get("b", "k1"), "other");
  EXPECT_EQ(again.Scan("a")->size(), 2u);
  EXPECT_EQ(again.Scan("a", "k")->size(), 1u);
  EXPECT_EQ(again.Scan("a", "\xff")->front().second, "last");
}

TEST(Db, AnswersAfterTheSyncWhenAsked) {
  Store store;
  store.options.sync_interval = Duration{0};
  store.Open();
  EXPECT_EQ(store.Append({kNow}, {{kUp, 1}}).appended, 1u);
  EXPECT_EQ(store.ReadOne(kUp).size(), 1u);
}

TEST(Db, RefusesBatchesAfterClose) {
  Store store;
  store.Open();
  ASSERT_TRUE(store.db->Close(Duration{0}).ok());
  auto appender = store.db->NewAppender();
  RowHint hint;
  const std::vector<SeriesRef> refs{*appender->Resolve(kUp)};
  const std::vector<double> values{1};
  appender->AppendRow(hint, {kNow}, refs, values);
  Status status;
  appender->Commit([&](const CommitResult& result) { status = result.status; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace tocsin::storage
