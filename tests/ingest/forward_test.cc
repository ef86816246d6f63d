// Remote write out on virtual time: what is sent, what happens when the endpoint does not answer,
// and what survives a restart.
#include "ingest/forward/forwarder.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "ingest/forward/piece.h"
#include "ingest/forward/retry.h"
#include "ingest/remote_write/decoder_v1.h"
#include "storage/base/compression.h"
#include "tests/support/fake_transport.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_kv_store.h"
#include "tests/support/memory_queryable.h"
#include "tests/support/memory_tail.h"

namespace tocsin::ingest {
namespace {

using testing::FakeAnswer;
using testing::FakeTransport;
using testing::InlineExecutor;
using testing::ManualScheduler;
using testing::MemoryKvStore;
using testing::MemoryQueryable;
using testing::MemoryTailSource;

// A centre that keeps what it is sent, the way Prometheus does: a request with a sample older than
// the newest of its series is refused as a whole.
class Centre final : public WriteRequestSink {
 public:
  FakeAnswer Handle(const HttpRequest& request) {
    FakeAnswer answer;
    answer.status = 204;
    pending_.clear();
    refused_ = false;
    const auto body = SnappyUncompress(request.body, 1u << 20);
    EXPECT_TRUE(body.ok() && DecodeWriteRequest(*body, *this).ok());
    if (refused_) {
      answer.status = 400;
      answer.body = "out of order sample";
      return answer;
    }
    for (const auto& [series, t, v] : pending_) series_[series][t] = v;
    return answer;
  }
  Status OnSeries(const WriteSeries& series) override {
    std::vector<Label> labels;
    EXPECT_TRUE(DecodeLabels(series, &labels).ok());
    LabelsBuilder builder;
    for (const Label& label : labels) builder.Set(label.name, label.value);
    const std::string name = builder.Build().ToString();
    refused_ |= !forbidden.empty() && name.find(forbidden) != std::string::npos;
    for (const WriteHistogram& sample : series.histograms) histograms.push_back(sample.histogram);
    for (size_t i = 0; i < series.times.size(); ++i) {
      const int64_t t = series.times[i].ms;
      const auto& known = series_[name];
      if (!known.empty()) {
        const auto newest = known.rbegin();
        refused_ |= t < newest->first || (t == newest->first && series.values[i] != newest->second);
      }
      pending_.emplace_back(name, t, series.values[i]);
    }
    return OkStatus();
  }
  void OnMetadata(const WriteMetadata& item) override { families.emplace_back(item.family); }

  size_t Count(const std::string& series) const {
    const auto it = series_.find(series);
    return it == series_.end() ? 0 : it->second.size();
  }
  const std::map<std::string, std::map<int64_t, double>>& series() const { return series_; }
  std::vector<std::string> families;
  std::vector<Histogram> histograms;
  std::string forbidden;  // in a label

 private:
  std::map<std::string, std::map<int64_t, double>> series_;
  std::vector<std::tuple<std::string, int64_t, double>> pending_;
  bool refused_ = false;
};

class ForwardTest : public ::testing::Test {
 protected:
  ForwardTest() {
    config_.url = "http://centre/api/v1/write";
    config_.name = "centre";
    config_.max_samples_per_send = 10;
    transport_.SetAnswer([this](const HttpRequest& request) {
      if (down_) {
        FakeAnswer answer;
        answer.error = Error(ErrorCode::kIo, "connection refused");
        return answer;
      }
      FakeAnswer answer = centre_.Handle(request);
      // The request has arrived and its answer gets lost.
      if (lose_answers_) answer.never = true;
      return answer;
    });
  }
  void Start() {
    forwarder_ = std::make_unique<Forwarder>(
        ForwardPorts{time_, time_, workers_, transport_, source_, store_, kv_, metrics_},
        "Prometheus/t");
    Apply();
  }
  void Apply() { forwarder_->Apply(external_, {config_}); }
  // One sample of three series each second.
  void Run(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      for (const char* instance : {"a", "b", "c"})
        source_.Add(Labels{{"__name__", "m"}, {"i", instance}}, time_.Now().ms, double(++value_));
      ++written_;
      time_.Advance(Duration{1'000});
    }
  }
  double Counter(const std::string& name) {
    return metrics_.GetCounter(name, "", {{"remote_name", "centre"}, {"url", config_.url}}).Value();
  }

  double Dropped(const std::string& reason) {
    return metrics_
        .GetCounter("prometheus_remote_storage_samples_dropped_total", "",
                    {{"remote_name", "centre"}, {"url", config_.url}, {"reason", reason}})
        .Value();
  }

  ManualScheduler time_;
  InlineExecutor workers_;
  FakeTransport transport_{time_};
  MemoryTailSource source_;
  MemoryQueryable store_;
  MemoryKvStore kv_;
  MetricRegistry metrics_;
  Centre centre_;
  ForwardConfig config_;
  Labels external_;
  bool down_ = false, lose_answers_ = false;
  int value_ = 0;
  size_t written_ = 0;
  std::unique_ptr<Forwarder> forwarder_;
};

TEST_F(ForwardTest, SendsEverySampleOnceAndInOrder) {
  Start();
  time_.Advance(Duration{1});
  Run(300);
  time_.Advance(Duration{60'000});
  for (const char* series : {"m{i=\"a\"}", "m{i=\"b\"}", "m{i=\"c\"}"})
    EXPECT_EQ(centre_.Count(series), written_);
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_total"), 3.0 * double(written_));
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 0);
  EXPECT_EQ(transport_.requests().at(0).headers,
            (HttpHeaders{{"Content-Encoding", "snappy"},
                         {"Content-Type", "application/x-protobuf"},
                         {"User-Agent", "Prometheus/t"},
                         {"X-Prometheus-Remote-Write-Version", "0.1.0"}}));
}

TEST_F(ForwardTest, AnOutageDelaysAndLosesNothing) {
  Start();
  time_.Advance(Duration{1});
  Run(60);
  down_ = true;
  Run(600);
  down_ = false;
  Run(60);
  time_.Advance(Duration{120'000});
  EXPECT_EQ(centre_.Count("m{i=\"b\"}"), written_);
  EXPECT_GT(Counter("prometheus_remote_storage_samples_retried_total"), 0);
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 0);
}

TEST_F(ForwardTest, ARestartInTheOutageLosesNothing) {
  Start();
  time_.Advance(Duration{1});
  Run(60);
  down_ = true;
  Run(100);
  forwarder_.reset();
  Run(100);
  Start();
  Run(50);
  forwarder_.reset();
  down_ = false;
  Start();
  time_.Advance(Duration{120'000});
  EXPECT_EQ(centre_.Count("m{i=\"c\"}"), written_);
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 0);
}

TEST_F(ForwardTest, ALostAnswerIsNoLoss) {
  config_.remote_timeout = Duration{2'000};
  Start();
  time_.Advance(Duration{1});
  Run(40);
  lose_answers_ = true;
  Run(30);
  // Stopped while nobody knows whether the request has arrived (it has).
  forwarder_.reset();
  lose_answers_ = false;
  Start();
  Run(40);
  time_.Advance(Duration{120'000});
  EXPECT_EQ(centre_.Count("m{i=\"a\"}"), written_);
  EXPECT_EQ(centre_.Count("m{i=\"c\"}"), written_);
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 0);
}

TEST_F(ForwardTest, ARefusalIsCountedAndPassed) {
  transport_.SetAnswer([](const HttpRequest&) {
    FakeAnswer answer;
    answer.status = 403;
    answer.body = "no such tenant\nmore";
    return answer;
  });
  Start();
  time_.Advance(Duration{1});
  Run(30);
  time_.Advance(Duration{60'000});
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 3.0 * double(written_));
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_retried_total"), 0);
}

TEST_F(ForwardTest, OneBadSampleDoesNotCostTheOthers) {
  config_.max_samples_per_send = 100;
  transport_.SetAnswer([this](const HttpRequest& request) {
    FakeAnswer answer = centre_.Handle(request);
    if (SnappyUncompress(request.body, 1u << 20)->find("bad") != std::string::npos) {
      EXPECT_EQ(answer.status, 400);
    }
    return answer;
  });
  centre_.forbidden = "bad";
  Start();
  time_.Advance(Duration{1});
  Run(50);
  source_.Add(Labels{{"__name__", "m"}, {"i", "bad"}}, time_.Now().ms, 1);
  Run(50);
  time_.Advance(Duration{60'000});
  EXPECT_EQ(centre_.Count("m{i=\"a\"}"), written_);
  EXPECT_EQ(centre_.Count("m{i=\"c\"}"), written_);
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 1);
}

TEST_F(ForwardTest, AnEndpointThatTakesNothingIsNotAskedForEachSample) {
  config_.max_samples_per_send = 1000;
  transport_.SetAnswer([](const HttpRequest&) {
    FakeAnswer answer;
    answer.status = 400;
    answer.body = "no";
    return answer;
  });
  Start();
  time_.Advance(Duration{1});
  Run(600);
  time_.Advance(Duration{60'000});
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 3.0 * double(written_));
  EXPECT_LT(transport_.requests().size(), 180u);
}

TEST_F(ForwardTest, LateSamplesAreLeftOutOnceTheyAreRefused) {
  Start();
  time_.Advance(Duration{1});
  const auto late = [this](int64_t ago) {
    source_.Add(Labels{{"__name__", "m"}, {"i", "a"}}, time_.Now().ms - ago, -1);
  };
  Run(50);
  late(20'000);
  late(19'000);
  Run(50);
  late(18'000);
  Run(50);
  time_.Advance(Duration{60'000});
  for (const char* series : {"m{i=\"a\"}", "m{i=\"b\"}", "m{i=\"c\"}"})
    EXPECT_EQ(centre_.Count(series), written_);
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 0);
  EXPECT_EQ(Dropped("out_of_order"), 3);
  // Remembered over a restart.
  forwarder_.reset();
  Start();
  Run(5);
  late(3'500);
  Run(5);
  time_.Advance(Duration{60'000});
  EXPECT_EQ(centre_.Count("m{i=\"a\"}"), written_);
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 0);
}

// Many late samples at once, the first of them that the endpoint ever refuses.
TEST_F(ForwardTest, ABurstOfLateSamplesCostsNothingElse) {
  config_.max_samples_per_send = 500;
  Start();
  time_.Advance(Duration{1});
  Run(50);
  down_ = true;
  for (int i = 0; i < 50; ++i) {
    for (int k = 0; k < 5; ++k)
      source_.Add(Labels{{"__name__", "m"}, {"i", "a"}}, time_.Now().ms - 45'000 + 7 * i + k, -1);
    Run(1);
  }
  down_ = false;
  time_.Advance(Duration{60'000});
  for (const char* series : {"m{i=\"a\"}", "m{i=\"b\"}", "m{i=\"c\"}"})
    EXPECT_EQ(centre_.Count(series), written_);
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total") + Dropped("out_of_order"),
            250);
}

TEST_F(ForwardTest, CatchesUpWithSeveralRequestsAtATime) {
  config_.max_shards = 3;
  config_.remote_timeout = Duration{5'000};
  Start();
  time_.Advance(Duration{1});
  down_ = true;
  Run(600);
  down_ = false;
  time_.Advance(Duration{120'000});
  EXPECT_EQ(centre_.Count("m{i=\"a\"}"), written_);
  EXPECT_EQ(centre_.Count("m{i=\"b\"}"), written_);
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 0);
}

TEST_F(ForwardTest, AStoreThatCannotBeReadIsReadAgain) {
  Start();
  time_.Advance(Duration{1});
  Run(20);
  source_.Fail(3);
  Run(20);
  time_.Advance(Duration{60'000});
  EXPECT_EQ(centre_.Count("m{i=\"a\"}"), written_);
  EXPECT_EQ(source_.released(), 3 * written_);
}

TEST_F(ForwardTest, APositionThatCannotBeReadNowIsNotGivenUp) {
  Start();
  Run(20);
  down_ = true;
  Run(20);
  forwarder_.reset();
  down_ = false;
  kv_.SetReadFailure(Error(ErrorCode::kIo, "the disk hangs"));
  Start();
  Run(20);
  kv_.SetReadFailure(OkStatus());
  time_.Advance(Duration{120'000});
  EXPECT_EQ(centre_.Count("m{i=\"a\"}"), written_);
  EXPECT_EQ(Counter("tocsin_remote_storage_gaps_total"), 0);
}

TEST_F(ForwardTest, ALostPositionBeginsAtTheOldestSample) {
  Run(20);
  ASSERT_TRUE(kv_.Write("forward", {{"centre", std::string("\x07 no position")}}).ok());
  Start();
  Run(20);
  time_.Advance(Duration{60'000});
  EXPECT_EQ(centre_.Count("m{i=\"a\"}"), written_);
  EXPECT_EQ(Counter("tocsin_remote_storage_gaps_total"), 1);
  forwarder_.reset();
  ASSERT_TRUE(kv_.Write("forward", {{"centre", std::string("\x02\0\0no tail", 10)}}).ok());
  Start();
  time_.Advance(Duration{60'000});
  EXPECT_EQ(Counter("tocsin_remote_storage_gaps_total"), 2);
}

TEST_F(ForwardTest, GapsAreCounted) {
  Start();
  time_.Advance(Duration{1});
  source_.SetGap({Timestamp{1'000}, Timestamp{2'000}, 7, "retention"});
  Run(20);
  EXPECT_EQ(Counter("tocsin_remote_storage_gaps_total"), 1);
}

TEST_F(ForwardTest, HistogramsGoWhenTheyAreAskedFor) {
  Histogram h;
  h.integer = true;
  h.schema = 2;
  h.count = 6;
  h.zero_count = 1;
  h.sum = -2.5;
  h.zero_threshold = 0.25;
  h.positive_spans = {{-1, 2}, {3, 1}};
  h.positive_buckets = {2, 1, 1};
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {1};
  h.reset_hint = CounterResetHint::kNotReset;
  Histogram floats = h;
  floats.integer = false;
  floats.positive_buckets = {0.5, 1.5, -0.0};
  Histogram custom;
  custom.schema = kCustomBucketsSchema;
  Start();
  time_.Advance(Duration{1});
  const auto add = [&] {
    const Labels labels{{"__name__", "h"}};
    source_.Add(labels, time_.Now().ms, h);
    source_.Add(labels, time_.Now().ms + 1, floats);
    source_.Add(labels, time_.Now().ms + 2, custom);
  };
  add();
  time_.Advance(Duration{60'000});
  EXPECT_TRUE(centre_.histograms.empty());
  config_.send_native_histograms = true;
  Apply();
  add();
  time_.Advance(Duration{60'000});
  ASSERT_EQ(centre_.histograms.size(), 2u);
  EXPECT_EQ(centre_.histograms[0], h);
  EXPECT_EQ(centre_.histograms[1], floats);
  EXPECT_EQ(Counter("prometheus_remote_storage_histograms_total"), 2);
}

TEST_F(ForwardTest, ExternalLabelsAndRelabelling) {
  RelabelConfig drop;
  drop.source_labels = {"i"};
  drop.regex_text = "b";
  drop.action = RelabelAction::kDrop;
  RelabelConfig rename;
  rename.source_labels = {"site"};
  rename.target_label = "place";
  ASSERT_TRUE(drop.Compile().ok());
  ASSERT_TRUE(rename.Compile().ok());
  config_.write_relabel_configs = {drop, rename};
  external_ = Labels{{"i", "not over a label of the series"}, {"site", "x"}};
  Start();
  time_.Advance(Duration{1});
  Run(10);
  time_.Advance(Duration{60'000});
  ASSERT_EQ(centre_.series().size(), 2u);
  EXPECT_EQ(centre_.Count("m{i=\"a\", place=\"x\", site=\"x\"}"), written_);
  EXPECT_EQ(centre_.Count("m{i=\"c\", place=\"x\", site=\"x\"}"), written_);
}

TEST_F(ForwardTest, OldSamplesMayBeLeftOut) {
  config_.sample_age_limit = Duration{60'000};
  Start();
  time_.Advance(Duration{1});
  down_ = true;
  Run(300);
  down_ = false;
  time_.Advance(Duration{30'000});
  const size_t sent = centre_.Count("m{i=\"a\"}");
  EXPECT_GT(sent, 10u);
  EXPECT_LT(sent, 60u);
}

TEST_F(ForwardTest, AChangedEndpointGoesOnWhereItWas) {
  Start();
  time_.Advance(Duration{1});
  Run(60);
  config_.remote_timeout = Duration{7'000};
  Apply();
  Run(60);
  Apply();  // nothing new: nothing happens
  time_.Advance(Duration{60'000});
  EXPECT_EQ(centre_.Count("m{i=\"a\"}"), written_);
  EXPECT_EQ(Counter("prometheus_remote_storage_samples_failed_total"), 0);
}

TEST_F(ForwardTest, AHangingEndpointHoldsUpOnlyItself) {
  ForwardConfig other = config_;
  other.url = "http://hanging/";
  other.name = "hanging";
  transport_.SetAnswer([this](const HttpRequest& request) {
    FakeAnswer answer = centre_.Handle(request);
    answer.never = request.url == "http://hanging/";
    if (answer.never) centre_ = Centre();
    return answer;
  });
  forwarder_ = std::make_unique<Forwarder>(
      ForwardPorts{time_, time_, workers_, transport_, source_, store_, kv_, metrics_}, "");
  forwarder_->Apply({}, {config_, other});
  time_.Advance(Duration{1});
  Run(120);
  EXPECT_GT(Counter("prometheus_remote_storage_samples_total"), 200);
}

TEST(Judge, TellsRetriesFromRefusals) {
  ForwardConfig config;
  const auto judge = [&config](int status, HttpHeaders headers = {}) {
    HttpResponse response;
    response.status = status;
    response.headers = std::move(headers);
    return Judge(config, response, Timestamp{784'111'777'000});
  };
  using Kind = SendOutcome::Kind;
  EXPECT_EQ(judge(200).kind, Kind::kDelivered);
  EXPECT_EQ(judge(204).kind, Kind::kDelivered);
  EXPECT_EQ(judge(400).kind, Kind::kRefused);
  EXPECT_EQ(judge(404).kind, Kind::kRefused);
  EXPECT_EQ(judge(429).kind, Kind::kRefused);
  EXPECT_EQ(judge(302).kind, Kind::kRefused);
  EXPECT_EQ(judge(500).kind, Kind::kRetry);
  config.retry_on_http_429 = true;
  EXPECT_EQ(judge(429).kind, Kind::kRetry);
  EXPECT_EQ(judge(503, {{"Retry-After", "7"}}).retry_after, Duration{7'000});
  EXPECT_EQ(judge(503, {{"Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT"}}).retry_after,
            Duration{10'000});
  EXPECT_EQ(judge(503, {{"Retry-After", "soon"}}).retry_after, std::nullopt);
  EXPECT_EQ(Judge(config, Error(ErrorCode::kIo, "refused"), {}).kind, Kind::kRetry);
}

TEST(Backoff, DoublesWithinBounds) {
  ForwardConfig config;
  config.min_backoff = Duration{30};
  config.max_backoff = Duration{100};
  Backoff backoff(config);
  SendOutcome outcome;
  EXPECT_EQ(backoff.Next(outcome), Duration{30});
  EXPECT_EQ(backoff.Next(outcome), Duration{60});
  EXPECT_EQ(backoff.Next(outcome), Duration{100});
  EXPECT_EQ(backoff.Next(outcome), Duration{100});
  outcome.retry_after = Duration{5'000};
  EXPECT_EQ(backoff.Next(outcome), Duration{5'000});
  backoff.Reset();
  outcome.retry_after.reset();
  EXPECT_EQ(backoff.Next(outcome), Duration{30});
}

std::string ConfigError(const std::string& keys) {
  ConfigWarnings warnings;
  const auto node = ParseYaml("- " + keys + "\n", "/etc/p.yml");
  if (!node.ok()) return node.error().message();
  const auto parsed = ParseForwardConfigs(*node, warnings);
  return parsed.ok() ? "" : parsed.error().message();
}

TEST(ForwardConfig, RefusesWithPlaceAndReason) {
  EXPECT_EQ(ConfigError("{name: x}"), "/etc/p.yml:1:3: url for remote_write is empty");
  EXPECT_EQ(ConfigError("{url: 'ftp://x'}"),
            "/etc/p.yml:1:9: url for remote_write must start with http:// or https://");
  EXPECT_EQ(ConfigError("{url: 'http://x', headers: {Authorization: secret}}"),
            "/etc/p.yml:1:30: authorization header must be changed via the basic_auth, "
            "authorization, oauth2, sigv4, azuread or google_iam parameter");
  EXPECT_EQ(ConfigError("{url: 'http://x', headers: {Content-Type: x}}"),
            "/etc/p.yml:1:30: Content-Type is a reserved header. It must not be changed");
  EXPECT_EQ(ConfigError("{url: 'http://x', queue_config: {capacity: 0}}"),
            "/etc/p.yml:1:46: remote write queue capacity must be positive");
  EXPECT_EQ(ConfigError("{url: 'http://x', sigv4: {region: r}, authorization: {credentials: c}}"),
            "/etc/p.yml:1:28: at most one of basic_auth, authorization, oauth2, sigv4, azuread or "
            "google_iam must be configured. Currently configured: [authorization sigv4]");
  EXPECT_NE(ConfigError("{url: 'http://x', remote_timeot: 1s}").find("remote_timeout"),
            std::string::npos);
  EXPECT_EQ(ConfigError("{url: 'http://x', name: a}\n- {url: 'http://y', name: a}"),
            "/etc/p.yml:2:3: found multiple remote write configs with job name \"a\": give each a "
            "name of its own");
}

TEST(ForwardConfig, TellsTwoEndpointsOfOneUrlApart) {
  const auto names = [](const std::string& text, ConfigWarnings* warnings) {
    const auto node = ParseYaml(text, "/etc/p.yml");
    const auto configs = ParseForwardConfigs(*node, *warnings);
    std::vector<std::string> out;
    if (configs.ok())
      for (const ForwardConfig& config : *configs) out.push_back(config.name);
    return out;
  };
  ConfigWarnings warnings, none;
  const std::string a = "- {url: 'http://u:pw@x', headers: {X-Scope-OrgID: a}}\n";
  const std::string b = "- {url: 'http://u:pw@x', headers: {X-Scope-OrgID: b}}\n";
  const auto three = names(a + b + b, &warnings);
  ASSERT_EQ(three.size(), 3u);
  EXPECT_EQ(std::set<std::string>(three.begin(), three.end()).size(), 3u);
  EXPECT_EQ(names(a, &none), std::vector<std::string>{three[0]});
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[0].find("another endpoint has the URL"), std::string::npos) << warnings[0];
  EXPECT_EQ(warnings[0].find("pw"), std::string::npos) << warnings[0];
  EXPECT_TRUE(none.empty());
}

TEST(ForwardConfig, ReadsWhatASiteWrites) {
  ConfigWarnings warnings;
  const auto node = ParseYaml(
      "- url: https://aps.example/api/v1/remote_write\n"
      "  sigv4: {region: us-east-1}\n"
      "- url: https://centre/write\n"
      "  name: centre\n"
      "  remote_timeout: 5s\n"
      "  basic_auth: {password: k}\n"
      "  headers: {X-Tenant: t}\n"
      "  queue_config: {max_samples_per_send: 500, retry_on_http_429: true}\n"
      "  metadata_config: {send: false}\n"
      "  send_exemplars: true\n",
      "p.yml");
  ASSERT_TRUE(node.ok());
  const auto parsed = ParseForwardConfigs(*node, warnings);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  ASSERT_EQ(parsed->size(), 2u);
  EXPECT_EQ((*parsed)[0].unavailable, "sigv4 is not available yet");
  EXPECT_FALSE((*parsed)[0].name.empty());
  const ForwardConfig& centre = (*parsed)[1];
  EXPECT_EQ(centre.unavailable, "");
  EXPECT_EQ(centre.max_samples_per_send, 500u);
  EXPECT_TRUE(centre.retry_on_http_429);
  EXPECT_FALSE(centre.send_metadata);
  EXPECT_FALSE(centre.transport.enable_http2);
  EXPECT_EQ(centre.headers, (std::vector<std::pair<std::string, std::string>>{{"X-Tenant", "t"}}));
  EXPECT_EQ(warnings.size(), 2u);
}

storage::TailSeries SeriesAt(const char* name, std::vector<int64_t> times) {
  storage::TailSeries out;
  out.labels = Labels{{"__name__", name}};
  for (const int64_t t : times) {
    out.times.push_back({t});
    out.values.push_back(double(t));
  }
  return out;
}

TEST(Piece, IsCutByTimeThenByCount) {
  Piece piece;
  piece.Add(SeriesAt("a", {1, 2, 3}));
  piece.Add(SeriesAt("b", {3}));
  auto halves = Split(std::move(piece));
  ASSERT_TRUE(halves.has_value());
  EXPECT_EQ(halves->first.size(), 2u);
  EXPECT_EQ(halves->second.size(), 2u);
  auto quarters = Split(std::move(halves->second));
  ASSERT_TRUE(quarters.has_value());
  EXPECT_EQ(quarters->first.series.at(0).labels.name(), "a");
  EXPECT_EQ(quarters->second.series.at(0).labels.name(), "b");
  EXPECT_FALSE(Split(std::move(quarters->first)).has_value());
}

TEST(Piece, ShardsKeepASeriesTogether) {
  std::vector<storage::TailSeries> series;
  for (int round = 0; round < 3; ++round)
    for (const char* name : {"a", "b", "c", "d", "e"})
      series.push_back(SeriesAt(name, {round * 10 + 1, round * 10 + 2}));
  const auto shards = Distribute(series, 3, 4);
  std::map<std::string, size_t> shard_of;
  std::map<std::string, int64_t> last;
  size_t samples = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    for (const Piece& piece : shards[i]) {
      EXPECT_LE(piece.size(), 4u);
      samples += piece.size();
      for (const auto& one : piece.series) {
        const std::string name(one.labels.name());
        EXPECT_EQ(shard_of.try_emplace(name, i).first->second, i);
        for (const Timestamp t : one.times) {
          EXPECT_GT(t.ms, last[name]);
          last[name] = t.ms;
        }
      }
    }
  }
  EXPECT_EQ(samples, 30u);
}

}  // namespace
}  // namespace tocsin::ingest
