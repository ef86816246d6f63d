// Discovery: groups from files and HTTP, and what happens when they go bad.
#include "ingest/discovery/discoverer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "tests/support/fake_transport.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/temp_dir.h"

namespace tocsin::ingest {
namespace {

using testing::FakeAnswer;
using testing::FakeTransport;
using testing::InlineExecutor;
using testing::ManualScheduler;
using testing::TempDir;

class DiscoveryTest : public ::testing::Test {
 protected:
  void Start(const DiscoveryConfig& config, FoundGroups before = {}) {
    discovery_ = Discover(
        config, {time_, workers_, transport_, RealFileSystem(), metrics_, "Prometheus/t"},
        [this](std::vector<TargetGroup> groups) {
          groups_ = std::move(groups);
          ++emitted_;
        },
        std::move(before));
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
  }
  void WatchFiles(const std::string& pattern) {
    DiscoveryConfig config;
    config.file_sd_configs = {{{dir_ / pattern}, Duration{300'000}}};
    Start(config);
  }
  void AskHttp() {
    DiscoveryConfig config;
    config.http_sd_configs = {{"http://sd/targets", Duration{60'000}, {}}};
    Start(config);
    time_.RunPending();
  }
  // "address address ..." of all groups.
  std::string Addresses() const {
    std::string out;
    for (const TargetGroup& group : groups_) {
      for (const Labels& target : group.targets) {
        if (!out.empty()) out += ' ';
        out += target.Get("__address__");
      }
    }
    return out;
  }
  double Failures(const std::string& mechanism) {
    return metrics_
        .GetCounter("prometheus_sd_refresh_failures_total",
                    "Number of refresh failures for the given SD mechanism.",
                    {{"mechanism", mechanism}})
        .Value();
  }

  TempDir dir_;
  ManualScheduler time_;
  InlineExecutor workers_;
  FakeTransport transport_{time_};
  MetricRegistry metrics_;
  std::vector<TargetGroup> groups_;
  int emitted_ = 0;
  std::unique_ptr<Discovery> discovery_;
};

TEST_F(DiscoveryTest, StaticGroupsComeAtOnce) {
  DiscoveryConfig config;
  config.static_configs = {{"0", {Labels{{"__address__", "a:1"}}}, Labels{{"x", "y"}}}};
  Start(config);
  EXPECT_EQ(emitted_, 1);
  EXPECT_EQ(groups_, config.static_configs);
}

TEST_F(DiscoveryTest, FilesAreReadAndReadAgain) {
  Write("a.json", R"([{"targets": ["a:1", "a:2"], "labels": {"env": "x\u00e9"}}])");
  Write("b.yml", "- targets: ['b:1']\n");
  Write("c.txt", "not looked at");
  DiscoveryConfig config;
  config.file_sd_configs = {{{dir_ / "*.json", dir_ / "*.yml"}, Duration{300'000}}};
  Start(config);
  EXPECT_EQ(Addresses(), "a:1 a:2 b:1");
  EXPECT_EQ(groups_[0].labels, (Labels{{"env", "x\u00e9"}, {"__meta_filepath", dir_ / "a.json"}}));
  const int before = emitted_;
  time_.Advance(Duration{60'000});
  EXPECT_EQ(emitted_, before);  // nothing new, nothing said

  Write("b.yml", "- targets: ['b:2']\n");
  time_.Advance(Duration{5'000});
  EXPECT_EQ(Addresses(), "a:1 a:2 b:2");
  std::remove((dir_ / "a.json").c_str());
  time_.Advance(Duration{5'000});
  EXPECT_EQ(Addresses(), "b:2");
}

TEST_F(DiscoveryTest, ABadFileKeepsItsTargets) {
  Write("a.json", R"([{"targets": ["a:1"]}])");
  WatchFiles("*.json");
  const std::vector<std::string> bad = {
      "[{\"targets\": [\"a:1\"]", R"({"targets": ["x"]})", R"([{"targets": ["x"], "lable": {}}])",
      R"([{"targets": [1]}])", R"([{"targets": ["x"], "labels": {"": "y"}}])"};
  for (const std::string& text : bad) {
    const double before = Failures("file");
    Write("a.json", text);
    time_.Advance(Duration{5'000});
    EXPECT_EQ(Addresses(), "a:1") << text;
    EXPECT_GT(Failures("file"), before) << text;
  }
  Write("a.json", R"([{"targets": ["a:2"]}])");
  time_.Advance(Duration{5'000});
  EXPECT_EQ(Addresses(), "a:2");
}

TEST_F(DiscoveryTest, ErrorsNameFileAndPlace) {
  EXPECT_EQ(ParseTargetGroups(R"([{"targets": [], "x": 1}])", "f.json", true).error().message(),
            "f.json: target group 0: unknown field \"x\"");
  EXPECT_NE(ParseTargetGroups("- target: []\n", "f.yml", false).error().message().find("f.yml:1:3"),
            std::string::npos);
  EXPECT_TRUE(ParseTargetGroups("[]", "f", true).value().empty());
  EXPECT_TRUE(ParseTargetGroups("", "f", false).value().empty());
}

TEST_F(DiscoveryTest, HttpIsAskedEachInterval) {
  FakeAnswer answer;
  answer.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  answer.body = R"([{"targets": ["a:1"], "labels": {"__meta_dc": "x"}}])";
  transport_.SetAnswer([&](const HttpRequest&) { return answer; });
  AskHttp();
  EXPECT_EQ(Addresses(), "a:1");
  EXPECT_EQ(groups_[0].labels, (Labels{{"__meta_dc", "x"}, {"__meta_url", "http://sd/targets"}}));
  EXPECT_EQ(transport_.requests()[0].headers,
            (HttpHeaders{{"User-Agent", "Prometheus/t"},
                         {"Accept", "application/json"},
                         {"X-Prometheus-Refresh-Interval-Seconds", "60"}}));
  // Failures keep the targets.
  answer.status = 500;
  time_.Advance(Duration{60'000});
  answer.status = 200;
  answer.headers = {{"Content-Type", "text/html"}};
  time_.Advance(Duration{60'000});
  answer.error = Error(ErrorCode::kIo, "refused");
  time_.Advance(Duration{60'000});
  EXPECT_EQ(Addresses(), "a:1");
  EXPECT_EQ(Failures("http"), 3);
  // An empty list is an answer.
  answer.error = OkStatus();
  answer.headers = {{"Content-Type", "application/json"}};
  answer.body = "[]";
  time_.Advance(Duration{60'000});
  EXPECT_EQ(Addresses(), "");
  EXPECT_EQ(Failures("http"), 3);
}

TEST_F(DiscoveryTest, APasswordInTheUrlIsNotShown) {
  FakeAnswer answer;
  answer.headers = {{"Content-Type", "application/json"}};
  answer.body = R"([{"targets": ["a:1"]}])";
  transport_.SetAnswer([&](const HttpRequest&) { return answer; });
  DiscoveryConfig config;
  config.http_sd_configs = {{"http://me:hunter2@sd/targets", Duration{60'000}, {}}};
  ::testing::internal::CaptureStderr();
  Start(config);
  time_.RunPending();
  EXPECT_EQ(transport_.requests()[0].url, "http://me:hunter2@sd/targets");
  EXPECT_EQ(Addresses(), "a:1");
  EXPECT_EQ(groups_[0].source, "http://me:<secret>@sd/targets:0");
  answer.body = "no JSON";
  time_.Advance(Duration{60'000});
  answer.status = 500;
  time_.Advance(Duration{60'000});
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("<secret>"), std::string::npos) << said;
  EXPECT_EQ(said.find("hunter2"), std::string::npos) << said;
}

TEST_F(DiscoveryTest, WhatWasFoundStaysUntilTheNextOneHasSpoken) {
  FakeAnswer answer;
  answer.headers = {{"Content-Type", "application/json"}};
  transport_.SetAnswer([&](const HttpRequest& request) {
    FakeAnswer out = answer;
    out.body = "[{\"targets\": [\"" + request.url.substr(7) + "\"]}]";
    return out;
  });
  DiscoveryConfig config;
  config.static_configs = {{"0", {Labels{{"__address__", "s:1"}}}, {}}};
  config.http_sd_configs = {{"http://one", Duration{60'000}, {}},
                            {"http://two", Duration{60'000}, {}}};
  Start(config);
  time_.RunPending();
  ASSERT_EQ(Addresses(), "s:1 one two");

  // The first is another one now and does not answer; the second goes on at another place.
  answer.never = true;
  config.static_configs.clear();
  config.http_sd_configs = {{"http://new", Duration{60'000}, {}},
                            {"http://more", Duration{60'000}, {}},
                            {"http://two", Duration{60'000}, {}}};
  FoundGroups found = discovery_->Found();
  discovery_.reset();
  Start(config, std::move(found));
  time_.RunPending();
  EXPECT_EQ(Addresses(), "one two");
  answer.never = false;
  time_.Advance(Duration{60'000});
  EXPECT_EQ(Addresses(), "new more two");

  // None of that kind any more: nothing stays.
  config.http_sd_configs.clear();
  found = discovery_->Found();
  discovery_.reset();
  Start(config, std::move(found));
  EXPECT_EQ(Addresses(), "");
}

TEST_F(DiscoveryTest, NothingComesAfterTheEnd) {
  Write("a.json", "[]");
  WatchFiles("*.json");
  discovery_.reset();
  const int before = emitted_;
  Write("a.json", R"([{"targets": ["a:1"]}])");
  time_.Advance(Duration{60'000});
  EXPECT_EQ(emitted_, before);
}

}  // namespace
}  // namespace tocsin::ingest
