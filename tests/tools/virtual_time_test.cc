// A whole site on virtual time: the real database in a folder, scrapes answered by the test, rules,
// and the embedded Alertmanager that notifies a receiver of the test. An hour of it takes less than
// a second; nothing here sleeps, opens a socket or starts a thread.
#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "storage/base/json.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_transport.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/temp_dir.h"
#include "tools/tocsin/site.h"

namespace tocsin {
namespace {

constexpr Duration kSecond{1000};
constexpr Duration kMinute{60'000};

void WriteFile(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// A notification as it arrived.
struct Notification {
  Timestamp at;
  std::string url;
  std::string status;
  std::string alertname;
};

// The outside world: targets by URL prefix, and receivers.
class World {
 public:
  explicit World(const Clock& clock) : clock_(clock) {}

  testing::FakeAnswer Answer(const HttpRequest& request) {
    if (request.method == "POST") {
      Receive(request);
      return {};
    }
    for (const auto& [prefix, page] : pages) {
      if (!request.url.starts_with(prefix)) continue;
      testing::FakeAnswer answer;
      answer.headers = {{"Content-Type", "text/plain; version=0.0.4"}};
      answer.body = page();
      if (answer.body.empty()) {
        answer.error = Error(ErrorCode::kUnavailable, "connection refused");
      }
      ++scrapes;
      return answer;
    }
    testing::FakeAnswer refused;
    refused.error = Error(ErrorCode::kUnavailable, "connection refused");
    return refused;
  }

  std::map<std::string, std::function<std::string()>> pages;  // empty text: down
  std::vector<Notification> notifications;
  int scrapes = 0;

 private:
  void Receive(const HttpRequest& request) {
    Notification n{clock_.Now(), request.url, "", ""};
    auto body = ParseJson(request.body);
    ASSERT_TRUE(body.ok()) << request.body;
    if (const auto* status = body->Find("status")) n.status = *status->AsString();
    if (const auto* labels = body->Find("groupLabels")) {
      if (const auto* name = labels->Find("alertname")) n.alertname = *name->AsString();
    }
    notifications.push_back(std::move(n));
  }
  const Clock& clock_;
};

// A site over fakes; may be killed and opened again over the same folder.
class VirtualSite {
 public:
  VirtualSite() : world(time), transport(time), mailer(time) {
    transport.SetAnswer([this](const HttpRequest& request) { return world.Answer(request); });
  }
  ~VirtualSite() {
    if (site) {
      EXPECT_TRUE(site->Stop(kSecond).ok());
    }
  }

  void Open(const std::string& config_file, const std::string& alertmanager_file) {
    SiteOptions options;
    options.storage.path = folder / "data";
    // An hour of syncs every second would measure the disk.
    options.storage.sync_interval = kMinute;
    options.alertmanager = !alertmanager_file.empty();
    options.rules.external_url = options.alerting.external_url = "http://tocsin.local:9090";
    auto opened = Site::Open(options, {.clock = time,
                                       .scheduler = time,
                                       .random = random,
                                       .files = RealFileSystem(),
                                       .transport = transport,
                                       .mailer = mailer,
                                       .workers = workers,
                                       .rules = workers,
                                       .commit = commit,
                                       .sync = sync,
                                       .background = background,
                                       .metrics = metrics});
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    site = *std::move(opened);
    auto config = LoadSiteConfig({config_file, alertmanager_file, {}}, RealFileSystem());
    ASSERT_TRUE(config.ok()) << config.error().message();
    auto applied = site->Apply(*config);
    ASSERT_TRUE(applied.ok()) << applied.error().message();
  }

  // The only value of an instant query; NaN when there is not exactly one.
  double Value(const std::string& query) {
    auto result = site->engine()->Instant(query, time.Now());
    EXPECT_TRUE(result.ok()) << query << ": " << (result.ok() ? "" : result.error().message());
    if (!result.ok()) return NormalNaN();
    const auto* vector = std::get_if<query::Vector>(&result->value.v);
    return vector != nullptr && vector->size() == 1 ? (*vector)[0].v : NormalNaN();
  }
  size_t Count(const std::string& query) {
    auto result = site->engine()->Instant(query, time.Now());
    EXPECT_TRUE(result.ok()) << query << ": " << (result.ok() ? "" : result.error().message());
    return result.ok() ? std::get<query::Vector>(result->value.v).size() : 0;
  }

  testing::TempDir folder;
  testing::ManualScheduler time;
  World world;
  testing::FakeTransport transport;
  testing::FakeMailer mailer;
  testing::FakeRandom random;
  testing::InlineExecutor workers, commit, sync, background;
  MetricRegistry metrics;
  std::unique_ptr<Site> site;
};

constexpr char kConfig[] = R"(global:
  scrape_interval: 15s
  evaluation_interval: 15s
  external_labels: {site: edge1}
rule_files: [rules.yml]
scrape_configs:
- job_name: node
  static_configs: [{targets: ['edge1:9100', 'edge2:9100']}]
)";
constexpr char kRules[] = R"(groups:
- name: site
  rules:
  - record: job:requests:rate1m
    expr: sum by (job) (rate(requests_total[1m]))
  - alert: TargetDown
    expr: up == 0
    for: 2m
    labels: {severity: critical}
    annotations: {summary: '{{ $labels.instance }} is down'}
  - alert: Busy
    expr: job:requests:rate1m > 100
    annotations: {summary: '{{ $value | humanize }} requests/s'}
)";
constexpr char kAlertmanager[] = R"(route:
  receiver: hook
  group_by: [alertname]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 30m
receivers:
- name: hook
  webhook_configs: [{url: 'http://hook.local/alerts'}]
)";

class VirtualTimeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteFile(site_.folder / "prometheus.yml", kConfig);
    WriteFile(site_.folder / "rules.yml", kRules);
    WriteFile(site_.folder / "alertmanager.yml", kAlertmanager);
    for (const char* host : {"edge1", "edge2"}) {
      site_.world.pages[std::string("http://") + host] = [this, host] {
        if (down_ == host) return std::string();
        // 10 requests a second.
        const auto seconds = (site_.time.Now().ms - 1'700'000'000'000) / 1000;
        return "# TYPE requests_total counter\nrequests_total " + std::to_string(seconds * 10) +
               "\n";
      };
    }
  }
  void Open() { site_.Open(site_.folder / "prometheus.yml", site_.folder / "alertmanager.yml"); }

  VirtualSite site_;
  std::string down_;
};

TEST_F(VirtualTimeTest, AnHourOfScrapingRulesAndNotifications) {
  const std::clock_t started = std::clock();
  Open();
  site_.time.Advance(20 * kMinute);
  EXPECT_EQ(site_.Count("up == 1"), 2u);
  EXPECT_NEAR(site_.Value("job:requests:rate1m"), 20, 0.5);
  EXPECT_TRUE(site_.world.notifications.empty());

  down_ = "edge2";
  const Timestamp went_down = site_.time.Now();
  site_.time.Advance(10 * kMinute);
  ASSERT_EQ(site_.world.notifications.size(), 1u);
  const Notification& firing = site_.world.notifications[0];
  EXPECT_EQ(firing.status, "firing");
  EXPECT_EQ(firing.alertname, "TargetDown");
  // `for` + two intervals + group_wait.
  EXPECT_LE(firing.at - went_down, 2 * kMinute + 30 * kSecond + 10 * kSecond);
  EXPECT_GE(firing.at - went_down, 2 * kMinute);
  EXPECT_EQ(site_.Count("ALERTS{alertname=\"TargetDown\",alertstate=\"firing\"}"), 1u);

  down_.clear();
  const Timestamp came_back = site_.time.Now();
  site_.time.Advance(30 * kMinute);
  ASSERT_EQ(site_.world.notifications.size(), 2u);
  EXPECT_EQ(site_.world.notifications[1].status, "resolved");
  EXPECT_LE(site_.world.notifications[1].at - came_back, kMinute + 30 * kSecond);
  EXPECT_EQ(site_.Count("ALERTS"), 0u);

  // Two targets, every 15 s, for an hour.
  EXPECT_NEAR(site_.world.scrapes, 480, 4);
  EXPECT_EQ(site_.Count("count_over_time(requests_total[10m]) == 40"), 2u);
  EXPECT_NEAR(site_.Value("count_over_time(job:requests:rate1m[1h])"), 240, 4);
  // Of the processor: other work on the machine must not decide.
  const double seconds = static_cast<double>(std::clock() - started) / CLOCKS_PER_SEC;
  RecordProperty("cpu_milliseconds", static_cast<int>(seconds * 1000));
#if defined(NDEBUG)
  EXPECT_LT(seconds, 1);
#else
  EXPECT_LT(seconds, 10);
#endif
}

TEST_F(VirtualTimeTest, ARestartInTheMiddleGoesOn) {
  Open();
  site_.time.Advance(5 * kMinute);
  down_ = "edge2";
  site_.time.Advance(90 * kSecond);
  EXPECT_EQ(site_.Count("ALERTS{alertstate=\"pending\"}"), 1u);
  // Without Close: what kill -9 leaves is in the log.
  site_.site.reset();
  site_.time.Advance(20 * kMinute);
  Open();
  EXPECT_EQ(site_.Count("count_over_time(up{instance=\"edge1:9100\"}[30m]) > 20"), 1u);
  const Timestamp opened = site_.time.Now();
  site_.time.Advance(5 * kMinute);
  ASSERT_EQ(site_.world.notifications.size(), 1u);
  // 90 s of two minutes were spent before; the time down does not count.
  EXPECT_LE(site_.world.notifications[0].at - opened, kMinute + 40 * kSecond);
  EXPECT_GE(site_.world.notifications[0].at - opened, 20 * kSecond);
}

// The configurations of real sites lie beside the source tree on some machines: all their targets
// answer with one page, all their rules run.
TEST(SeedSite, AllRulesRunForTenMinutes) {
  const std::filesystem::path seeds = "../../shared/seeds";
  if (!std::filesystem::exists(seeds / "prometheus/site-all.yml")) {
    GTEST_SKIP() << "no seeds beside the source tree";
  }
  std::ifstream in(seeds / "exposition/apps.prom");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  ASSERT_FALSE(page.empty());
  VirtualSite site;
  site.world.pages["http"] = [&] { return page; };
  site.Open(seeds / "prometheus/site-all.yml", "");
  site.time.Advance(10 * kMinute);
  size_t rules = 0;
  for (const auto& group : site.site->rules()->Groups()) {
    for (const auto& rule : group.rules) {
      ++rules;
      EXPECT_EQ(rule.health, rules::RuleHealth::kOk)
          << group.file << " " << group.name << " " << rule.config.name() << ": "
          << rule.last_error;
    }
  }
  EXPECT_GT(rules, 20u);
  EXPECT_GT(site.Count("up == 1"), 5u);
  EXPECT_EQ(site.Count("up == 0"), 0u);
}

}  // namespace
}  // namespace tocsin
