// Targets: defaults, relabelling, checks, URLs, phases.
#include "ingest/scrape/target.h"

#include <gtest/gtest.h>

#include <set>

namespace tocsin::ingest {
namespace {

class TargetTest : public ::testing::Test {
 protected:
  TargetTest() {
    config_.job_name = "j";
    config_.scrape_interval = Duration{15'000};
  }
  Result<std::optional<ScrapeTarget>> Make(const Labels& target, const Labels& group = {}) {
    return MakeTarget(config_, {"g", {}, group}, target, &discovered_);
  }
  std::string Error(const Labels& target) {
    auto result = Make(target);
    return result.ok() ? "ok" : result.error().message();
  }
  void Relabel(std::vector<std::string> source, std::string regex, std::string target,
               std::string replacement, RelabelAction action = RelabelAction::kReplace) {
    RelabelConfig rule;
    rule.source_labels = std::move(source);
    rule.regex_text = std::move(regex);
    rule.target_label = std::move(target);
    rule.replacement = std::move(replacement);
    rule.action = action;
    ASSERT_TRUE(rule.Compile().ok());
    config_.relabel_configs.push_back(rule);
  }

  ScrapeConfig config_;
  Labels discovered_;
};

TEST_F(TargetTest, FillsDefaults) {
  auto target =
      Make(Labels{{"__address__", "h:1"}, {"a", "target"}}, Labels{{"a", "group"}, {"b", "group"}});
  ASSERT_TRUE(target.ok());
  EXPECT_EQ((*target)->labels,
            (Labels{{"a", "target"}, {"b", "group"}, {"instance", "h:1"}, {"job", "j"}}));
  EXPECT_EQ((*target)->url, "http://h:1/metrics");
  EXPECT_EQ((*target)->interval, Duration{15'000});
  EXPECT_EQ(discovered_, (Labels{{"__address__", "h:1"},
                                 {"__metrics_path__", "/metrics"},
                                 {"__scheme__", "http"},
                                 {"__scrape_interval__", "15s"},
                                 {"__scrape_timeout__", "10s"},
                                 {"a", "target"},
                                 {"b", "group"},
                                 {"job", "j"}}));
}

TEST_F(TargetTest, RelabelsBlackboxStyle) {
  config_.metrics_path = "/probe";
  config_.params = {{"module", {"http_2xx"}}};
  Relabel({"__address__"}, "(.*)", "__param_target", "$1");
  Relabel({"__param_target"}, "(.*)", "instance", "$1");
  Relabel({}, "(.*)", "__address__", "blackbox:9115");
  auto target = Make(Labels{{"__address__", "https://lab.example.test/health"}});
  ASSERT_TRUE(target.ok());
  EXPECT_EQ((*target)->url,
            "http://blackbox:9115/probe?module=http_2xx&target=https%3A%2F%2Flab.example.test%2F"
            "health");
  EXPECT_EQ((*target)->labels,
            (Labels{{"instance", "https://lab.example.test/health"}, {"job", "j"}}));
}

TEST_F(TargetTest, ChecksTheResult) {
  EXPECT_EQ(Error(Labels{{"x", "y"}}), "no address");
  EXPECT_EQ(Error(Labels{{"__address__", "http://h:1"}}), "\"http://h:1\" is not a valid hostname");
  EXPECT_EQ(Error(Labels{{"__address__", "h"}, {"__scrape_interval__", "x"}}),
            "error parsing scrape interval: not a valid duration string: \"x\"");
  EXPECT_EQ(Error(Labels{{"__address__", "h"}, {"__scrape_interval__", "0s"}}),
            "scrape interval cannot be 0");
  EXPECT_EQ(Error(Labels{{"__address__", "h"}, {"__scrape_timeout__", "20s"}}),
            "scrape timeout cannot be greater than scrape interval (\"20s\" > \"15s\")");
  EXPECT_EQ(Error(Labels{{"__address__", "h"}, {"__scheme__", "ftp"}}),
            "unsupported scheme \"ftp\"");
}

TEST_F(TargetTest, DropsByRule) {
  Relabel({"__address__"}, "h:1", "", "", RelabelAction::kDrop);
  auto target = Make(Labels{{"__address__", "h:1"}});
  ASSERT_TRUE(target.ok());
  EXPECT_FALSE(target->has_value());
  EXPECT_EQ(discovered_.Get("__address__"), "h:1");
}

TEST_F(TargetTest, LabelsSetTheIntervalAndThePath) {
  auto target = Make(Labels{{"__address__", "[::1]:9"},
                            {"__scrape_interval__", "1m"},
                            {"__metrics_path__", "/a b"},
                            {"__scheme__", "https"}});
  ASSERT_TRUE(target.ok());
  EXPECT_EQ((*target)->interval, Duration{60'000});
  EXPECT_EQ((*target)->url, "https://[::1]:9/a%20b");
}

TEST_F(TargetTest, UnixSocketsNeedNoAddress) {
  auto target = Make(Labels{{"__unix_socket__", "/run/x.sock"}});
  ASSERT_TRUE(target.ok());
  EXPECT_EQ((*target)->unix_socket, "/run/x.sock");
  EXPECT_EQ((*target)->url, "http://localhost/metrics");
}

TEST(FirstScrape, SpreadsAndStaysWithinOneInterval) {
  const Timestamp now{1'700'000'000'123};
  const Duration interval{15'000};
  std::set<int64_t> phases;
  for (uint64_t hash = 1; hash < 1'000'000'000'000; hash = hash * 3 + 1) {
    const Timestamp first = FirstScrape(hash, 99, interval, now);
    EXPECT_GE(first, now);
    EXPECT_LT(first - now, interval);
    // The same phase whenever it is asked.
    EXPECT_EQ(FirstScrape(hash, 99, interval, first), first);
    EXPECT_EQ(FirstScrape(hash, 99, interval, first + Duration{1}), first + interval);
    phases.insert(first.ms % interval.count());
  }
  EXPECT_GT(phases.size(), 20u);
}

}  // namespace
}  // namespace tocsin::ingest
