// Remote write out on virtual time: what is sent, what happens when the endpoint does not answer,
// and what survives a restart.
#include "ingest/forward/forwarder.h"

#include <gtest/gtest.h>

#include <map>

#include "ingest/forward/retry.h"
#include "ingest/remote_write/decoder_v1.h"
#include "storage/base/compression.h"
#include "tests/support/fake_transport.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_kv_store.h"
#include "tests/support/memory_queryable.h"

namespace tocsin::ingest {
namespace {

using testing::FakeAnswer;
using testing::FakeTransport;
using testing::InlineExecutor;
using testing::ManualScheduler;
using testing::MemoryKvStore;
using testing::MemoryQueryable;

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
        ForwardPorts{time_, time_, workers_, transport_, store_, kv_, metrics_}, "Prometheus/t");
    Apply();
  }
  void Apply() { forwarder_->Apply(external_, {config_}); }
  // One sample of three series each second.
  void Run(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      for (const char* instance : {"a", "b", "c"})
        store_.Add(Labels{{"__name__", "m"}, {"i", instance}}, time_.Now().ms, double(++value_));
      ++written_;
      time_.Advance(Duration{1'000});
    }
  }
  double Counter(const std::string& name) {
    return metrics_.GetCounter(name, "", {{"remote_name", "centre"}, {"url", config_.url}}).Value();
  }

  ManualScheduler time_;
  InlineExecutor workers_;
  FakeTransport transport_{time_};
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
      ForwardPorts{time_, time_, workers_, transport_, store_, kv_, metrics_}, "");
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

}  // namespace
}  // namespace tocsin::ingest
