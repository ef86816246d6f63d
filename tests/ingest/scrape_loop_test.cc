// The scrape manager on virtual time, against a transport and a store in memory.
#include <gtest/gtest.h>

#include "ingest/scrape/manager.h"
#include "ingest/scrape/scrape_request.h"
#include "ingest/scrape/target.h"
#include "tests/support/fake_transport.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_appendable.h"

namespace tocsin::ingest {
namespace {

using testing::FakeAnswer;
using testing::FakeTransport;
using testing::InlineExecutor;
using testing::ManualScheduler;
using testing::MemoryAppendable;

constexpr uint64_t kSeed = 7;

FakeAnswer Text(std::string body) {
  FakeAnswer answer;
  answer.body = std::move(body);
  answer.headers = {{"Content-Type", "text/plain; version=0.0.4"}};
  return answer;
}

class ScrapeTest : public ::testing::Test {
 protected:
  ScrapeTest() {
    config_.job_name = "j";
    config_.scrape_interval = Duration{10'000};
    config_.scrape_timeout = Duration{5'000};
    config_.discovery.static_configs = {{"0", {Labels{{"__address__", "h:1"}}}, {}}};
    transport_.SetAnswer([this](const HttpRequest&) { return answer_; });
    answer_ = Text("a 1\n");
  }

  void Start() {
    manager_ = std::make_unique<ScrapeManager>(
        ScrapePorts{time_, time_, workers_, transport_, RealFileSystem(), store_, metrics_}, kSeed,
        "Prometheus/test", limits_);
    Apply();
  }
  void Apply() { manager_->Apply({}, {config_}); }
  // To the first scrape, which becomes time 0 of Timeline().
  void ToFirstScrape() {
    while (transport_.requests().empty()) time_.Advance(Duration{1});
    first_ = time_.Now();
  }
  void AdvanceSeconds(int64_t seconds) { time_.Advance(Duration{seconds * 1000}); }
  std::string Timeline(const std::string& name) const {
    return store_.Timeline(name + "{instance=\"h:1\", job=\"j\"}", first_);
  }
  TargetStatus Target() const { return manager_->Targets().active.at(0); }
  double Counter(const std::string& name) { return metrics_.GetCounter(name, "").Value(); }

  ManualScheduler time_;
  InlineExecutor workers_;
  FakeTransport transport_{time_};
  MemoryAppendable store_;
  MetricRegistry metrics_;
  ScrapeConfig config_;
  ScrapeLimits limits_;
  FakeAnswer answer_;
  Timestamp first_;
  std::unique_ptr<ScrapeManager> manager_;
};

TEST_F(ScrapeTest, KeepsTheRhythmOfTheTargetsPhase) {
  Start();
  ToFirstScrape();
  EXPECT_LE(first_ - Timestamp{1'700'000'000'000}, config_.scrape_interval);
  AdvanceSeconds(40);
  EXPECT_EQ(Timeline("a"), "0=1 10000=1 20000=1 30000=1 40000=1");
  EXPECT_EQ(Timeline("up"), "0=1 10000=1 20000=1 30000=1 40000=1");

  // A restart goes on in the same phase.
  manager_.reset();
  transport_.Clear();
  AdvanceSeconds(3);
  Start();
  const Timestamp ready = time_.Now();
  while (transport_.requests().empty()) time_.Advance(Duration{1});
  EXPECT_EQ((time_.Now() - first_).count() % 10'000, 0);
  EXPECT_LE(time_.Now() - ready, config_.scrape_interval);
}

TEST_F(ScrapeTest, SaysWhatAScrapeSays) {
  config_.params = {{"module", {"http 2xx", "b"}}};
  Start();
  ToFirstScrape();
  const HttpRequest& request = transport_.requests().at(0);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url, "http://h:1/metrics?module=http+2xx&module=b");
  EXPECT_EQ(request.timeout, Duration{5'000});
  EXPECT_TRUE(request.accept_compressed);
  EXPECT_EQ(request.headers,
            (HttpHeaders{{"Accept",
                          "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                          "application/openmetrics-text;version=0.0.1;q=0.5,"
                          "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                          "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"},
                         {"User-Agent", "Prometheus/test"},
                         {"X-Prometheus-Scrape-Timeout-Seconds", "5"}}));
}

TEST_F(ScrapeTest, AFailedScrapeMarksEverythingButTheReport) {
  Start();
  ToFirstScrape();
  answer_.error = Error(ErrorCode::kIo, "connection refused");
  AdvanceSeconds(20);
  EXPECT_EQ(Target().health, TargetHealth::kDown);
  EXPECT_EQ(Target().last_error, "Get \"http://h:1/metrics\": connection refused");
  answer_.error = OkStatus();
  AdvanceSeconds(10);
  EXPECT_EQ(Timeline("a"), "0=1 10000=stale 30000=1");
  EXPECT_EQ(Timeline("up"), "0=1 10000=0 20000=0 30000=1");
  EXPECT_EQ(Timeline("scrape_samples_scraped"), "0=1 10000=0 20000=0 30000=1");
  EXPECT_EQ(Target().health, TargetHealth::kUp);
  EXPECT_EQ(Target().last_error, "");
}

TEST_F(ScrapeTest, NamesEveryKindOfFailure) {
  Start();
  ToFirstScrape();
  const auto error_of = [this](FakeAnswer answer) {
    answer_ = std::move(answer);
    AdvanceSeconds(20);
    return Target().last_error;
  };
  FakeAnswer answer = Text("not found");
  answer.status = 404;
  EXPECT_EQ(error_of(answer), "server returned HTTP status 404 Not Found");
  answer = Text("a 1");
  answer.never = true;
  EXPECT_EQ(error_of(answer), "Get \"http://h:1/metrics\": context deadline exceeded");
  answer = Text("a 1");
  answer.headers = {};
  EXPECT_EQ(error_of(answer),
            "non-compliant scrape target sending blank Content-Type and no "
            "fallback_scrape_protocol specified for target");
  answer.headers = {{"Content-Type", "text/html"}};
  EXPECT_EQ(error_of(answer),
            "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol "
            "specified for target");
  EXPECT_EQ(error_of(Text("ok 1\nbroken{ 1\n")),
            "line 2: expected label name, got \"1\" (\"INVALID\") while parsing: \"broken{ 1\"");
  answer = Text("a 1\n");
  answer.headers = {{"Content-Type", "application/openmetrics-text; version=1.0.0"}};
  EXPECT_EQ(error_of(answer), "data does not end with # EOF");
  EXPECT_EQ(error_of(Text("{\"\xff\"} 1\n")),
            "line 1: invalid UTF-8 metric name: \"\\xff\" while parsing: \"{\\\"\\xff\\\"} 1\"");
}

TEST_F(ScrapeTest, AnEndlessBodyIsCutOff) {
  config_.body_size_limit = 100;
  config_.extra_scrape_metrics = true;
  Start();
  ToFirstScrape();
  AdvanceSeconds(0);
  answer_ = Text(std::string(100, '\n'));
  AdvanceSeconds(10);
  EXPECT_EQ(Target().last_error, "body size limit exceeded");
  EXPECT_EQ(Counter("prometheus_target_scrapes_exceeded_body_size_limit_total"), 1);
  EXPECT_EQ(Timeline("scrape_body_size_bytes"), "0=4 10000=-1");
  EXPECT_EQ(Timeline("scrape_timeout_seconds"), "0=5 10000=5");

  config_.body_size_limit = 0;
  const HttpRequest request = MakeScrapeRequest(config_, {}, "", nullptr);
  EXPECT_EQ(request.max_response_bytes, kDefaultBodyLimit);
}

TEST_F(ScrapeTest, BodiesUnderWayHaveABudget) {
  limits_.body_bytes = 1 << 20;
  Start();
  ToFirstScrape();
  AdvanceSeconds(0);
  answer_ = Text("a 1\n" + std::string(2 << 20, '\n'));
  AdvanceSeconds(10);
  EXPECT_EQ(Target().last_error,
            "no memory for the page: those of all targets that are being read take more than "
            "1048576 bytes");
  EXPECT_EQ(Timeline("up"), "0=1 10000=0");
  // What it took is given back: others, and itself when it is small again, go on.
  answer_ = Text("a 1\n" + std::string(1000 << 10, '\n'));
  AdvanceSeconds(20);
  EXPECT_EQ(Timeline("up"), "0=1 10000=0 20000=1 30000=1");
}

TEST_F(ScrapeTest, LimitsDiscardTheWholeScrape) {
  config_.sample_limit = 1;
  Start();
  ToFirstScrape();
  AdvanceSeconds(0);
  EXPECT_EQ(Target().health, TargetHealth::kUp);
  answer_ = Text("a 1\nb 1\n");
  AdvanceSeconds(10);
  EXPECT_EQ(Target().last_error, "sample limit exceeded");
  EXPECT_EQ(Counter("prometheus_target_scrapes_exceeded_sample_limit_total"), 1);
  EXPECT_EQ(Timeline("a"), "0=1 10000=stale");
  EXPECT_EQ(Timeline("scrape_samples_post_metric_relabeling"), "0=1 10000=2");
}

TEST_F(ScrapeTest, LabelLimitsNameTheMetric) {
  config_.label_limit = 3;
  answer_ = Text("a{b=\"c\",d=\"e\"} 1\n");
  Start();
  ToFirstScrape();
  AdvanceSeconds(0);
  EXPECT_EQ(Target().last_error, "label_limit exceeded (metric: a, number of labels: 5, limit: 3)");
  EXPECT_EQ(Counter("prometheus_target_scrape_pool_exceeded_label_limits_total"), 1);
  config_.label_limit = 0;
  config_.label_value_length_limit = 3;
  answer_ = Text("a{b=\"cdef\"} 1\n");
  Apply();
  AdvanceSeconds(20);
  EXPECT_EQ(Target().last_error,
            "label_value_length_limit exceeded (metric: a, label name: b, value: \"cdef\", length: "
            "4, limit: 3)");
}

TEST_F(ScrapeTest, TooManyTargetsFailAllOfThem) {
  config_.target_limit = 1;
  config_.discovery.static_configs = {
      {"0", {Labels{{"__address__", "h:1"}}, Labels{{"__address__", "h:2"}}}, {}}};
  Start();
  AdvanceSeconds(30);
  EXPECT_TRUE(transport_.requests().empty());
  for (const TargetStatus& target : manager_->Targets().active)
    EXPECT_EQ(target.last_error, "target_limit exceeded (number of targets: 2, limit: 1)");
  config_.target_limit = 2;
  Apply();
  AdvanceSeconds(10);
  EXPECT_EQ(transport_.requests().size(), 2u);
}

TEST_F(ScrapeTest, HonorLabelsDecidesWhoWins) {
  answer_ = Text("a{job=\"theirs\",instance=\"\"} 1\n");
  Start();
  AdvanceSeconds(10);
  EXPECT_EQ(store_.Samples("a{exported_job=\"theirs\", instance=\"h:1\", job=\"j\"}").size(), 1u);
  config_.honor_labels = true;
  Apply();
  AdvanceSeconds(10);
  EXPECT_EQ(store_.Samples("a{job=\"theirs\"}").size(), 1u);
}

TEST_F(ScrapeTest, AClashWithAClashGetsAnotherPrefix) {
  answer_ = Text("a{job=\"1\",exported_job=\"2\"} 1\n");
  Start();
  AdvanceSeconds(10);
  EXPECT_EQ(store_
                .Samples("a{exported_exported_job=\"1\", exported_job=\"2\", instance=\"h:1\", "
                         "job=\"j\"}")
                .size(),
            1u);
}

TEST_F(ScrapeTest, MetricRelabellingDropsAndRenames) {
  RelabelConfig drop;
  drop.source_labels = {"__name__"};
  drop.regex_text = "b.*";
  drop.action = RelabelAction::kDrop;
  RelabelConfig remove;
  remove.regex_text = "secret";
  remove.action = RelabelAction::kLabelDrop;
  ASSERT_TRUE(drop.Compile().ok());
  ASSERT_TRUE(remove.Compile().ok());
  config_.metric_relabel_configs = {drop, remove};
  answer_ = Text("a{secret=\"x\"} 1\nb 2\nbb 3\n");
  Start();
  ToFirstScrape();
  AdvanceSeconds(10);
  EXPECT_EQ(Timeline("a"), "0=1 10000=1");
  EXPECT_EQ(Timeline("b"), "");
  EXPECT_EQ(Timeline("scrape_samples_scraped"), "0=3 10000=3");
  EXPECT_EQ(Timeline("scrape_samples_post_metric_relabeling"), "0=1 10000=1");
  EXPECT_EQ(Timeline("scrape_series_added"), "0=1 10000=0");
}

TEST_F(ScrapeTest, TimestampsAreHonouredOrNot) {
  answer_ = Text("a 1 1699999999000\n");
  Start();
  ToFirstScrape();
  AdvanceSeconds(0);
  EXPECT_EQ(store_.Timeline("a{instance=\"h:1\", job=\"j\"}", {1'699'999'999'000}), "0=1");
  config_.honor_timestamps = false;
  Apply();
  AdvanceSeconds(10);
  EXPECT_TRUE(Timeline("a").ends_with(" 10000=1")) << Timeline("a");
}

TEST_F(ScrapeTest, ARemovedTargetGetsMarkersAfterTwoTicks) {
  Start();
  ToFirstScrape();
  AdvanceSeconds(13);
  config_.discovery.static_configs.clear();
  Apply();
  EXPECT_TRUE(manager_->Targets().active.empty());
  AdvanceSeconds(17);
  EXPECT_EQ(Timeline("a"), "0=1 10000=1");
  AdvanceSeconds(2);
  EXPECT_EQ(Timeline("a"), "0=1 10000=1 20000=stale");
  EXPECT_EQ(Timeline("up"), "0=1 10000=1 20000=stale");
}

TEST_F(ScrapeTest, ATargetThatReturnsInTimeGetsNoMarkers) {
  Start();
  ToFirstScrape();
  AdvanceSeconds(13);
  const auto before = config_.discovery.static_configs;
  config_.discovery.static_configs.clear();
  Apply();
  config_.discovery.static_configs = before;
  AdvanceSeconds(5);
  Apply();
  AdvanceSeconds(60);
  EXPECT_EQ(Timeline("up").find("stale"), std::string::npos);
}

TEST_F(ScrapeTest, AChangedJobMarksOnlyWhatItNoLongerWrites) {
  answer_ = Text("a 1\nb 1\n");
  Start();
  ToFirstScrape();
  AdvanceSeconds(3);
  RelabelConfig drop;
  drop.source_labels = {"__name__"};
  drop.regex_text = "b";
  drop.action = RelabelAction::kDrop;
  ASSERT_TRUE(drop.Compile().ok());
  config_.metric_relabel_configs = {drop};
  Apply();
  AdvanceSeconds(60);
  EXPECT_EQ(Timeline("a"), "0=1 10000=1 20000=1 30000=1 40000=1 50000=1 60000=1");
  EXPECT_EQ(Timeline("b"), "0=1 10000=stale");
  EXPECT_EQ(Timeline("up").find("stale"), std::string::npos);
}

TEST_F(ScrapeTest, AnUnchangedJobKeepsItsLoops) {
  Start();
  ToFirstScrape();
  AdvanceSeconds(3);
  Apply();
  config_.target_limit = 5;  // does not touch what a loop does
  Apply();
  const int resolves = store_.resolves();
  AdvanceSeconds(30);
  EXPECT_EQ(store_.resolves(), resolves);
  EXPECT_EQ(Timeline("a"), "0=1 10000=1 20000=1 30000=1");
}

TEST_F(ScrapeTest, ShutdownWritesNoMarkers) {
  Start();
  ToFirstScrape();
  AdvanceSeconds(1);
  manager_.reset();
  AdvanceSeconds(100);
  EXPECT_EQ(Timeline("a"), "0=1");
}

TEST_F(ScrapeTest, ScrapesOfOneTargetDoNotOverlap) {
  store_.HoldCommits();
  Start();
  ToFirstScrape();
  AdvanceSeconds(30);
  EXPECT_EQ(transport_.requests().size(), 1u);
  EXPECT_EQ(Counter("tocsin_target_scrapes_skipped_total"), 3);
  store_.ReleaseCommits();
  AdvanceSeconds(10);
  EXPECT_EQ(transport_.requests().size(), 2u);
}

TEST_F(ScrapeTest, AFailingStoreIsNamedAndRecoveredFrom) {
  Start();
  ToFirstScrape();
  store_.FailCommits(Error(ErrorCode::kNoSpace, "disk full"));
  AdvanceSeconds(10);
  EXPECT_EQ(Target().last_error, "cannot store samples: disk full");
  EXPECT_EQ(Counter("tocsin_target_scrapes_store_failures_total"), 1);
  store_.FailCommits(OkStatus());
  AdvanceSeconds(10);
  EXPECT_EQ(Timeline("a"), "0=1 20000=1");
}

TEST_F(ScrapeTest, ASeriesTheStoreCannotHoldFailsItsPageAndNotTheReport) {
  store_.SetLabelLimit(4);
  Start();
  ToFirstScrape();
  AdvanceSeconds(0);
  answer_ = Text("a 1\nb{c=\"1\",d=\"2\",e=\"3\"} 1\n");
  AdvanceSeconds(20);
  EXPECT_EQ(Target().last_error, "a series has too many labels");
  EXPECT_EQ(Timeline("up"), "0=1 10000=0 20000=0");
  EXPECT_EQ(Timeline("a"), "0=1 10000=stale");
  EXPECT_EQ(Timeline("scrape_samples_scraped"), "0=1 10000=2 20000=2");
  EXPECT_EQ(Timeline("scrape_series_added"), "0=1 10000=0 20000=0");
  answer_ = Text("a 1\n");
  AdvanceSeconds(10);
  EXPECT_EQ(Timeline("up"), "0=1 10000=0 20000=0 30000=1");
  EXPECT_EQ(Counter("tocsin_target_scrapes_store_failures_total"), 0);
}

TEST_F(ScrapeTest, ANewTargetOfAFullStoreStillTellsThatItIsUp) {
  store_.SetSeriesLimit(0);
  Start();
  ToFirstScrape();
  AdvanceSeconds(10);
  EXPECT_EQ(Timeline("up"), "0=1 10000=1");
  EXPECT_EQ(Timeline("a"), "");
  EXPECT_EQ(Counter("tocsin_target_scrapes_series_refused_total"), 2);
}

TEST_F(ScrapeTest, ForgottenRefsAreResolvedAgain) {
  Start();
  ToFirstScrape();
  AdvanceSeconds(0);
  store_.ForgetRefs();
  AdvanceSeconds(20);
  EXPECT_EQ(Timeline("a"), "0=1 10000=1 20000=1");
  EXPECT_EQ(Timeline("up"), "0=1 10000=1 20000=1");
}

TEST_F(ScrapeTest, OutOfBoundsSamplesAreDroppedSingly) {
  store_.SetBounds(kMinTimestamp, time_.Now() + Duration{3'600'000});
  answer_ = Text("a 1\nfuture 1 9999999999999\n");
  Start();
  ToFirstScrape();
  AdvanceSeconds(0);
  EXPECT_EQ(Target().health, TargetHealth::kUp);
  EXPECT_EQ(Counter("prometheus_target_scrapes_sample_out_of_bounds_total"), 1);
  EXPECT_EQ(Timeline("a"), "0=1");
}

TEST_F(ScrapeTest, AWallClockJumpKeepsTheCadence) {
  Start();
  ToFirstScrape();
  AdvanceSeconds(20);
  const size_t before = transport_.requests().size();
  time_.JumpWall(Duration{-3'600'000});
  AdvanceSeconds(60);
  EXPECT_NEAR(static_cast<double>(transport_.requests().size() - before), 6, 1);
  time_.JumpWall(Duration{7'200'000});
  const size_t then = transport_.requests().size();
  AdvanceSeconds(60);
  EXPECT_NEAR(static_cast<double>(transport_.requests().size() - then), 6, 1);
}

TEST_F(ScrapeTest, SmallLatenessIsAlignedAway) {
  config_.scrape_interval = config_.scrape_timeout = Duration{1'000};
  Start();
  ToFirstScrape();
  AdvanceSeconds(3);
  time_.JumpWall(Duration{2});
  AdvanceSeconds(1);
  EXPECT_EQ(Timeline("a"), "0=1 1000=1 2000=1 3000=1 4000=1");
}

TEST_F(ScrapeTest, TellsAboutTargetsAndMetadata) {
  RelabelConfig keep;
  keep.source_labels = {"__address__"};
  keep.regex_text = "h:1";
  keep.action = RelabelAction::kKeep;
  ASSERT_TRUE(keep.Compile().ok());
  config_.relabel_configs = {keep};
  config_.discovery.static_configs = {
      {"0", {Labels{{"__address__", "h:1"}}, Labels{{"__address__", "h:2"}}}, {}}};
  answer_ = Text("# TYPE a counter\n# HELP a Some text.\na 1\n");
  Start();
  EXPECT_EQ(Target().health, TargetHealth::kUnknown);
  EXPECT_FALSE(Target().scraped);
  ToFirstScrape();
  AdvanceSeconds(0);
  const TargetsStatus targets = manager_->Targets();
  ASSERT_EQ(targets.active.size(), 1u);
  EXPECT_EQ(targets.active[0].labels, (Labels{{"instance", "h:1"}, {"job", "j"}}));
  EXPECT_EQ(targets.active[0].discovered_labels.Get("__scrape_interval__"), "10s");
  EXPECT_EQ(targets.active[0].last_scrape, first_);
  ASSERT_EQ(targets.dropped.size(), 1u);
  EXPECT_EQ(targets.dropped[0].discovered_labels.Get("__address__"), "h:2");
  EXPECT_EQ(targets.dropped_counts.at(0), (std::pair<std::string, uint64_t>{"j", 1}));
  EXPECT_EQ(manager_->ScrapePools(), std::vector<std::string>{"j"});
  ASSERT_EQ(manager_->MetadataOf("").size(), 1u);
  EXPECT_EQ(manager_->MetadataOf("a")[0].metadata,
            (Metadata{MetricType::kCounter, "", "Some text."}));
  EXPECT_TRUE(manager_->MetadataOf("b").empty());
  EXPECT_EQ(store_.metadata().at("a").help, "Some text.");
}

TEST_F(ScrapeTest, ARainOfDiscoveredChangesIsGathered) {
  int changes = 0;
  transport_.SetAnswer([&](const HttpRequest& request) {
    if (!request.url.starts_with("http://sd/")) return answer_;
    FakeAnswer answer;
    answer.headers = {{"Content-Type", "application/json"}};
    answer.body = "[{\"targets\": [\"h:" + std::to_string(++changes) + "\"]}]";
    return answer;
  });
  config_.discovery.static_configs.clear();
  config_.discovery.http_sd_configs = {{"http://sd/", Duration{1'000}, {}}};
  Start();
  AdvanceSeconds(60);
  const double syncs = Counter("prometheus_target_scrape_pool_sync_total");
  EXPECT_GE(syncs, 15);
  EXPECT_LE(syncs, 25);
  AdvanceSeconds(60);
  const std::string address(Target().discovered_labels.Get("__address__"));
  EXPECT_GE(std::stoi(address.substr(2)), changes - 6);
}

TEST_F(ScrapeTest, CountsWhatDashboardsAskFor) {
  answer_ = Text("# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n");
  Start();
  ToFirstScrape();
  AdvanceSeconds(20);
  std::string text = metrics_.Serialize();
  for (const std::string line :
       {"prometheus_target_scrape_pool_targets{scrape_job=\"j\"} 1\n",
        "prometheus_target_metadata_cache_entries{scrape_job=\"j\"} 2\n",
        "prometheus_target_interval_length_seconds{interval=\"10s\",quantile=\"0.99\"} 10\n",
        "prometheus_target_interval_length_seconds_count{interval=\"10s\"} 2\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  manager_.reset();
  text = metrics_.Serialize();
  EXPECT_EQ(text.find("scrape_job="), std::string::npos);
  EXPECT_EQ(text.find("interval_length"), std::string::npos);
}

TEST_F(ScrapeTest, HoursOfScrapingPassInVirtualTime) {
  config_.scrape_interval = config_.scrape_timeout = Duration{1'000};
  Start();
  ToFirstScrape();
  AdvanceSeconds(3'600);
  EXPECT_EQ(store_.Samples("a{instance=\"h:1\", job=\"j\"}").size(), 3'601u);
}

}  // namespace
}  // namespace tocsin::ingest
