// The whole path on virtual time: scrape, store, rules, alert, notification, and back.
#include "tools/tocsin/site.h"

#include <gtest/gtest.h>

#include <fstream>

#include "storage/base/json.h"
#include "storage/base/number.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_transport.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/temp_dir.h"

namespace tocsin {
namespace {

using testing::FakeAnswer;

constexpr Duration kMinute{60'000};
constexpr Duration kHour{3'600'000};

constexpr char kPrometheus[] = R"(
global:
  scrape_interval: 15s
  evaluation_interval: 15s
  external_labels: {site: north}
rule_files: [rules.yml]
scrape_configs:
- job_name: oven
  static_configs: [{targets: ['oven:1']}]
)";

constexpr char kRules[] = R"(
groups:
- name: oven
  rules:
  - record: job:temperature:max
    expr: max by (job) (temperature)
  - alert: TooHot
    expr: job:temperature:max > 80
    for: 1m
    labels: {severity: page}
    annotations: {summary: '{{ $value }} degrees in {{ $labels.job }}'}
)";

constexpr char kAlertmanager[] = R"(
route: {receiver: hook, group_by: [alertname], group_wait: 10s, group_interval: 1m}
receivers:
- name: hook
  webhook_configs: [{url: 'http://hook/'}]
)";

struct SiteTest : ::testing::Test {
  testing::TempDir dir;
  testing::ManualScheduler time;
  testing::InlineExecutor executor;
  testing::FakeRandom random;
  testing::FakeTransport transport{time};
  testing::FakeMailer mailer{time};
  MetricRegistry metrics;
  const Timestamp start = time.Now();
  double temperature = 20;
  bool oven_answers = true;
  std::vector<std::pair<Timestamp, JsonValue>> notified;
  std::unique_ptr<Site> site;

  void SetUp() override {
    Write("prometheus.yml", kPrometheus);
    Write("rules.yml", kRules);
    Write("alertmanager.yml", kAlertmanager);
    transport.SetAnswer([this](const HttpRequest& request) { return Answer(request); });
    Open();
  }
  void TearDown() override { Close(); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(dir / name) << text;
  }
  FakeAnswer Answer(const HttpRequest& request) {
    FakeAnswer answer;
    if (request.url == "http://hook/") {
      auto body = ParseJson(request.body);
      EXPECT_TRUE(body.ok());
      notified.emplace_back(time.Now(), *body);
    } else if (oven_answers) {
      answer.headers = {{"Content-Type", "text/plain; version=0.0.4"}};
      answer.body = "# TYPE temperature gauge\ntemperature " + FormatGoFloat(temperature) + "\n";
    } else {
      answer.error = Error(ErrorCode::kUnavailable, "connection refused");
    }
    return answer;
  }
  Result<SiteConfig> Load() {
    return LoadSiteConfig({dir / "prometheus.yml", dir / "alertmanager.yml", {}}, RealFileSystem());
  }
  void Open() {
    SiteOptions options;
    options.storage.path = dir / "data";
    options.alertmanager = true;
    options.rules.external_url = options.alerting.external_url = "http://tocsin:9090";
    auto opened = Site::Open(options, {.clock = time,
                                       .scheduler = time,
                                       .random = random,
                                       .files = RealFileSystem(),
                                       .transport = transport,
                                       .mailer = mailer,
                                       .workers = executor,
                                       .rules = executor,
                                       .commit = executor,
                                       .sync = executor,
                                       .background = executor,
                                       .metrics = metrics});
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    site = *std::move(opened);
    const auto config = Load();
    ASSERT_TRUE(config.ok()) << config.error().message();
    ASSERT_TRUE(site->Apply(*config).ok());
  }
  void Close() {
    if (site == nullptr) return;
    EXPECT_TRUE(site->Stop(Duration{5'000}).ok());
    site.reset();
  }
  // The one value of an instant query, or NaN.
  double Query(const std::string& text) {
    const auto result = site->engine()->Instant(text, time.Now());
    EXPECT_TRUE(result.ok()) << result.error().message();
    const auto* vector = result.ok() ? std::get_if<query::Vector>(&result->value.v) : nullptr;
    return vector != nullptr && vector->size() == 1 ? (*vector)[0].v : NormalNaN();
  }
  static std::string Text(const JsonValue& value, std::initializer_list<const char*> path) {
    const JsonValue* at = &value;
    for (const char* key : path) at = at == nullptr ? nullptr : at->Find(key);
    return at == nullptr || at->AsString() == nullptr ? "" : *at->AsString();
  }
};

TEST_F(SiteTest, AnHourFromScrapeToNotification) {
  time.Advance(20 * kMinute);
  EXPECT_TRUE(notified.empty());
  temperature = 90;
  time.Advance(20 * kMinute);
  ASSERT_EQ(notified.size(), 1u);
  // Seen within 15 s, evaluated within 15 s, pending for 60 s, grouped for 10 s.
  const Duration after = notified[0].first - (start + 20 * kMinute);
  EXPECT_GE(after, Duration{70'000});
  EXPECT_LE(after, Duration{100'000});
  EXPECT_EQ(Text(notified[0].second, {"status"}), "firing");
  EXPECT_EQ(Text(notified[0].second, {"commonLabels", "alertname"}), "TooHot");
  EXPECT_EQ(Text(notified[0].second, {"commonLabels", "site"}), "north");
  EXPECT_EQ(Text(notified[0].second, {"commonAnnotations", "summary"}), "90 degrees in oven");

  temperature = 30;
  time.Advance(20 * kMinute);
  ASSERT_EQ(notified.size(), 2u);
  EXPECT_EQ(Text(notified[1].second, {"status"}), "resolved");
  EXPECT_EQ(Query("count_over_time(up[1h])"), 240);
  EXPECT_EQ(Query("max_over_time(job:temperature:max[1h])"), 90);
  EXPECT_EQ(Query("job:temperature:max"), 30);
}

TEST_F(SiteTest, ATargetThatIsGoneIsDownAndItsSeriesEnd) {
  time.Advance(kMinute);
  EXPECT_EQ(Query("up"), 1);
  EXPECT_EQ(Query("temperature"), 20);
  oven_answers = false;
  time.Advance(Duration{16'000});
  EXPECT_EQ(Query("up"), 0);
  EXPECT_EQ(Query("count(temperature) or vector(0)"), 0);
}

TEST_F(SiteTest, ARestartKeepsSamplesAndTheAlertsClock) {
  temperature = 90;
  time.Advance(Duration{45'000});  // pending
  Close();
  Open();
  time.Advance(Duration{60'000});
  EXPECT_EQ(Query("max_over_time(temperature[2m])"), 90);
  // Had the clock of `for` begun anew, nothing would be out yet.
  ASSERT_EQ(notified.size(), 1u);
  time.Advance(10 * kMinute);
  EXPECT_EQ(notified.size(), 1u);  // and the restart repeats nothing
}

TEST_F(SiteTest, AReloadAddsATargetAndKeepsTheRest) {
  time.Advance(kMinute);
  Write("prometheus.yml",
        std::string(kPrometheus) + "- job_name: second\n  static_configs: [{targets: ['b:1']}]\n");
  const auto config = Load();
  ASSERT_TRUE(config.ok());
  ASSERT_TRUE(site->Apply(*config).ok());
  time.Advance(kMinute);
  EXPECT_EQ(Query("count(up)"), 2);
  EXPECT_EQ(Query("count_over_time(up{job='oven'}[2m])"), 8);
}

TEST_F(SiteTest, AnAlertmanagerOutsideGetsTheAlertsToo) {
  Write("prometheus.yml", std::string(kPrometheus) +
                              "alerting: {alertmanagers: [{static_configs: [{targets: "
                              "['am:9093']}]}]}\n");
  ASSERT_TRUE(site->Apply(*Load()).ok());
  std::string sent;
  transport.SetAnswer([&](const HttpRequest& request) {
    if (request.url != "http://am:9093/api/v2/alerts") return Answer(request);
    sent = request.body;
    return FakeAnswer{};
  });
  temperature = 90;
  time.Advance(3 * kMinute);
  EXPECT_NE(sent.find("\"alertname\":\"TooHot\""), std::string::npos) << sent;
  EXPECT_NE(sent.find("\"site\":\"north\""), std::string::npos);
  EXPECT_EQ(notified.size(), 1u);
}

TEST_F(SiteTest, RemoteWriteSendsWhatIsScraped) {
  Write("prometheus.yml", std::string(kPrometheus) + "remote_write: [{url: 'http://far/write'}]\n");
  ASSERT_TRUE(site->Apply(*Load()).ok());
  int sent = 0;
  transport.SetAnswer([&](const HttpRequest& request) {
    if (request.url != "http://far/write") return Answer(request);
    sent += request.body.empty() ? 0 : 1;
    return FakeAnswer{};
  });
  time.Advance(2 * kMinute);
  EXPECT_GT(sent, 0);
}

}  // namespace
}  // namespace tocsin
