// The list of running queries, the query log and the limits of memory.
#include "query/query_log.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "query/active_query_log.h"
#include "storage/base/json.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::query {
namespace {

using tocsin::testing::ManualScheduler;
using tocsin::testing::MemoryQueryable;

class MemoryFile final : public PlainFile {
 public:
  explicit MemoryFile(std::string& bytes) : bytes_(bytes) {}
  Status Append(std::string_view bytes) override {
    bytes_ += bytes;
    return OkStatus();
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    if (bytes_.size() < offset + bytes.size()) bytes_.resize(offset + bytes.size());
    bytes_.replace(offset, bytes.size(), bytes);
    return OkStatus();
  }

 private:
  std::string& bytes_;
};

constexpr Timestamp kNow{1'700'000'000'500};

TEST(ActiveQueryLog, ListsWhatRuns) {
  std::string bytes;
  ActiveQueryLog log(std::make_unique<MemoryFile>(bytes), 2);
  EXPECT_EQ(bytes.size(), 1 + 2 * ActiveQueryLog::kSlotBytes);
  EXPECT_EQ(ActiveQueryLog::Unfinished(bytes), "");
  {
    const ActiveQueryLog::Entry first(log, "up", kNow);
    EXPECT_EQ(ActiveQueryLog::Unfinished(bytes), R"([{"query":"up","timestamp_sec":1700000000}])");
    const ActiveQueryLog::Entry second(log, "a\"b", kNow);
    const ActiveQueryLog::Entry no_slot(log, "third", kNow);
    EXPECT_EQ(ActiveQueryLog::Unfinished(bytes), R"([{"query":"up","timestamp_sec":1700000000},)"
                                                 R"({"query":"a\"b","timestamp_sec":1700000000}])");
  }
  EXPECT_EQ(ActiveQueryLog::Unfinished(bytes), "");
  EXPECT_EQ(bytes.size(), 1 + 2 * ActiveQueryLog::kSlotBytes);
}

TEST(ActiveQueryLog, LongQueriesAreCutBetweenCharacters) {
  for (const std::string& query : {std::string(5000, 'x'), std::string(3000, '"'), [] {
                                     std::string umlauts = "a";
                                     for (int i = 0; i < 900; ++i) umlauts += "\xc3\xa4";
                                     return umlauts;
                                   }()}) {
    std::string text = ActiveQueryLog::SlotText(query, kNow);
    ASSERT_LE(text.size(), ActiveQueryLog::kSlotBytes);
    text.erase(text.rfind("},") + 1);
    const auto parsed = ParseJson(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(text.find("\xef\xbf\xbd"), std::string::npos);  // nothing was torn
    EXPECT_GT(text.size(), ActiveQueryLog::kSlotBytes - 64);
  }
}

class LoggedEngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 50; ++i) store_.Add({{"__name__", "m"}, {"i", std::to_string(i)}}, 1, 1.0);
  }
  MemoryQueryable store_;
  ManualScheduler clock_;
  MetricRegistry metrics_;
};

TEST_F(LoggedEngineTest, ALineAQuery) {
  Engine engine({}, store_, clock_, metrics_);
  std::string bytes;
  engine.SetQueryLog(std::make_shared<MemoryFile>(bytes));
  QueryOptions options;
  options.origin = {.client = "127.0.0.1", .method = "GET", .path = "/api/v1/query_range"};
  ASSERT_TRUE(
      engine.Range("sum(m)", Timestamp{0}, Timestamp{60'000}, Duration{15'000}, options).ok());
  ASSERT_FALSE(engine.Instant("m +", Timestamp{0}).ok());
  engine.SetQueryLog(nullptr);
  ASSERT_TRUE(engine.Instant("m", Timestamp{0}).ok());

  const size_t end = bytes.find('\n');
  ASSERT_NE(end, std::string::npos);
  const std::string first = bytes.substr(0, end), second = bytes.substr(end + 1);
  ASSERT_TRUE(ParseJson(first).ok()) << first;
  const std::string params = R"x("params":{"end":"1970-01-01T00:01:00Z","query":"sum(m)",)x"
                             R"x("start":"1970-01-01T00:00:00Z","step":15})x";
  EXPECT_NE(first.find(params), std::string::npos) << first;
  EXPECT_NE(first.find(R"("totalQueryableSamples":200,"samplesRead":50,)"), std::string::npos)
      << first;
  EXPECT_NE(first.find(R"("httpRequest":{"clientIP":"127.0.0.1","method":"GET",)"
                       R"("path":"/api/v1/query_range"})"),
            std::string::npos)
      << first;
  EXPECT_NE(second.find(R"("error":"1:4: parse error)"), std::string::npos) << second;
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), '\n'), 2);
}

TEST_F(LoggedEngineTest, ARuleNamesItsGroup) {
  Engine engine({}, store_, clock_, metrics_);
  std::string bytes;
  engine.SetQueryLog(std::make_shared<MemoryFile>(bytes));
  QueryOptions options;
  options.origin = {.rule_file = "rules.yml", .rule_group = "g"};
  ASSERT_TRUE(engine.Instant("m", Timestamp{0}, options).ok());
  EXPECT_NE(bytes.find(R"("ruleGroup":{"file":"rules.yml","name":"g"})"), std::string::npos);
}

// As Prometheus counts them: a selector's one a step and series, of a window all.
TEST_F(LoggedEngineTest, SamplesOfEachStep) {
  const Labels labels{{"__name__", "c"}};
  for (int64_t t = 0; t <= 100'000; t += 10'000) store_.Add(labels, t, double(t));
  const auto steps_of = [&](std::string_view query, bool asked, bool enabled) {
    EngineOptions options;
    options.features.per_step_stats = enabled;
    const Engine engine(options, store_, clock_, metrics_);
    QueryOptions of_query;
    of_query.per_step_stats = asked;
    auto result = engine.Range(query, Timestamp{0}, Timestamp{60'000}, Duration{20'000}, of_query);
    EXPECT_TRUE(result.ok()) << query;
    std::string text;
    for (const auto& [t, n] : result->stats.per_step)
      text += std::to_string(t.ms / 1000) + ":" + std::to_string(n.queryable) + "/" +
              std::to_string(n.read) + " ";
    return text + "= " + std::to_string(result->stats.counted.queryable) + "/" +
           std::to_string(result->stats.counted.read);
  };
  EXPECT_EQ(steps_of("c", true, true), "0:1/1 20:1/1 40:1/1 60:1/1 = 4/4");
  EXPECT_EQ(steps_of("sum_over_time(c[30s])", true, true), "0:1/1 20:3/2 40:3/2 60:3/2 = 10/7");
  EXPECT_EQ(steps_of("c + c", true, true), "0:2/2 20:2/2 40:2/2 60:2/2 = 8/8");
  EXPECT_EQ(steps_of("c @ 10", true, true), "0:1/1 20:1/0 40:1/0 60:1/0 = 4/1");
  EXPECT_EQ(steps_of("max_over_time(c[20s:10s])", true, true), "0:1/1 20:2/2 40:2/2 60:2/2 = 7/7");
  EXPECT_EQ(steps_of("1", true, true), "0:0/0 20:0/0 40:0/0 60:0/0 = 0/0");
  for (const auto& [asked, enabled] : {std::pair{true, false}, {false, true}})
    EXPECT_EQ(steps_of("sum_over_time(c[30s])", asked, enabled), "= 10/7");
}

TEST_F(LoggedEngineTest, ListedWhileItRuns) {
  Engine engine({}, store_, clock_, metrics_);
  std::string bytes;
  engine.ListActiveQueries(std::make_unique<MemoryFile>(bytes));
  ASSERT_TRUE(engine.Instant("m", Timestamp{1}).ok());
  EXPECT_EQ(bytes.size(), 1 + 20 * ActiveQueryLog::kSlotBytes);
  EXPECT_EQ(ActiveQueryLog::Unfinished(bytes), "");
}

TEST_F(LoggedEngineTest, MemoryOfOneAndOfAll) {
  const auto error_of = [&](const EngineOptions& options) {
    const Engine engine(options, store_, clock_, metrics_);
    // 50 series of 1,000 steps: 50 * 8,000 bytes and the labels.
    auto result = engine.Range("m", Timestamp{0}, Timestamp{999}, Duration{1});
    return result.ok() ? "" : result.error().message();
  };
  EXPECT_EQ(error_of({.max_memory_bytes = 1 << 20, .max_query_memory_bytes = 1 << 20}), "");
  EXPECT_EQ(error_of({.max_query_memory_bytes = 300 << 10}),
            "the query would take more than 0 MiB of memory (--query.max-memory-per-query)");
  EXPECT_EQ(error_of({.max_memory_bytes = 300 << 10}),
            "the query and those beside it would take more than 0 MiB of memory "
            "(--query.max-memory)");
  // What a query held is free again behind it.
  const Engine engine({.max_memory_bytes = 1 << 20}, store_, clock_, metrics_);
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(engine.Range("m", Timestamp{0}, Timestamp{999}, Duration{1}).ok());
}

}  // namespace
}  // namespace tocsin::query
