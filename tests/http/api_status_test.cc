// Targets, rules, status, administration and life cycle over the API.
#include <gtest/gtest.h>

#include "http/ui/assets.h"
#include "tests/http/api_fixture.h"

namespace tocsin::http {
namespace {

constexpr int64_t kNow = ApiServer::kNow;

ingest::ScrapeConfig Job(const std::string& name, const std::string& address) {
  ingest::ScrapeConfig config;
  config.job_name = name;
  config.scrape_interval = Duration{15'000};
  config.scrape_timeout = Duration{10'000};
  ingest::TargetGroup group;
  group.targets = {Labels{{"__address__", address}}};
  config.discovery.static_configs.push_back(group);
  return config;
}

TEST(ApiTargets, BeforeAndAfterTheFirstScrape) {
  ApiServer site;
  site.transport.SetAnswer([](const HttpRequest&) {
    return testing::FakeAnswer{.body = "# HELP a An a.\n# TYPE a counter\na 1\n",
                               .headers = {{"Content-Type", "text/plain; version=0.0.4"}}};
  });
  site.StartScraping({Job("node", "127.0.0.1:9100")});
  EXPECT_EQ(site.Data("/api/v1/targets"),
            R"({"activeTargets":[{"discoveredLabels":{"__address__":"127.0.0.1:9100",)"
            R"("__metrics_path__":"/metrics","__scheme__":"http","__scrape_interval__":"15s",)"
            R"("__scrape_timeout__":"10s","job":"node"},"labels":{"instance":"127.0.0.1:9100",)"
            R"("job":"node"},"scrapePool":"node","scrapeUrl":"http://127.0.0.1:9100/metrics",)"
            R"("globalUrl":"http://example.org:9100/metrics","lastError":"",)"
            R"("lastScrape":"0001-01-01T00:00:00Z","lastScrapeDuration":0,"health":"unknown",)"
            R"("scrapeInterval":"15s","scrapeTimeout":"10s"}],"droppedTargets":[],)"
            R"("droppedTargetCounts":{"node":0}})");
  site.clock.Advance(Duration{20'000});
  const std::string after = site.Data("/api/v1/targets?state=active");
  EXPECT_NE(after.find(R"("health":"up")"), std::string::npos) << after;
  EXPECT_NE(after.find(R"("droppedTargetCounts":null)"), std::string::npos) << after;
  EXPECT_EQ(site.Data("/api/v1/targets?scrapePool=other&state=active"),
            R"({"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":null})");
  EXPECT_EQ(site.Data("/api/v1/targets?state=nonsense"),
            R"({"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":null})");
  EXPECT_EQ(site.Data("/api/v1/scrape_pools"), R"({"scrapePools":["node"]})");
  EXPECT_EQ(site.Data("/api/v1/metadata"),
            R"({"a":[{"type":"counter","unit":"","help":"An a."}]})");
  EXPECT_EQ(site.Data("/api/v1/metadata?metric=b"), "{}");
  EXPECT_EQ(site.Data("/api/v1/targets/metadata?metric=a"),
            R"([{"target":{"instance":"127.0.0.1:9100","job":"node"},"type":"counter",)"
            R"("help":"An a.","unit":""}])");
  EXPECT_EQ(site.Get("/api/v1/targets/metadata?metric=b").status, 404);
  EXPECT_EQ(site.Get("/api/v1/targets/metadata?match_target={").status, 400);
}

struct RuleSite : ApiServer {
  RuleSite() {
    Append(kNow - 1000, {{{{"__name__", "up"}, {"job", "a"}}, 0.0}});
    rules::RuleConfig record;
    record.record = "job:up:sum";
    record.expr = "sum(up)by(job)";
    record.labels = {{"z", "1"}, {"kind", "r"}};
    rules::RuleConfig alert;
    alert.alert = "Down";
    alert.expr = "up == 0";
    alert.for_ = Duration{300'000};
    alert.labels = {{"severity", "page"}, {"who", "{{ $labels.job }}"}};
    alert.annotations = {{"summary", "{{ $labels.job }} is down"}};
    StartRules({record, alert});
  }
};

TEST(ApiRules, BeforeTheFirstEvaluation) {
  RuleSite site;
  EXPECT_EQ(
      site.Data("/api/v1/rules"),
      R"({"groups":[{"name":"g","file":"/etc/g.yml","rules":[)"
      R"x({"name":"job:up:sum","query":"sum by (job) (up)","labels":{"kind":"r","z":"1"},)x"
      R"("health":"unknown","evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z",)"
      R"("type":"recording"},)"
      R"({"state":"unknown","name":"Down","query":"up == 0","duration":300,"keepFiringFor":0,)"
      R"("labels":{"severity":"page","who":"{{ $labels.job }}"},)"
      R"("annotations":{"summary":"{{ $labels.job }} is down"},"alerts":[],"health":"unknown",)"
      R"("evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"alerting"}],)"
      R"("interval":60,"limit":0,"evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z"}]})");
}

TEST(ApiRules, AlertsAndFilters) {
  RuleSite site;
  site.clock.Advance(Duration{61'000});
  const std::string alerts = site.Data("/api/v1/alerts");
  EXPECT_TRUE(alerts.starts_with(
      R"({"alerts":[{"labels":{"alertname":"Down","job":"a","severity":"page","who":"a"},)"
      R"("annotations":{"summary":"a is down"},"state":"pending","activeAt":")"))
      << alerts;
  EXPECT_TRUE(alerts.ends_with(R"(Z","value":"0e+00"}]})")) << alerts;
  EXPECT_NE(site.Data("/api/v1/rules?type=alert").find(R"("state":"pending")"), std::string::npos);
  EXPECT_EQ(site.Data("/api/v1/rules?type=alert").find("job:up:sum"), std::string::npos);
  EXPECT_EQ(site.Data("/api/v1/rules?type=record").find("Down"), std::string::npos);
  EXPECT_EQ(site.Data("/api/v1/rules?rule_name[]=nope"), R"({"groups":[]})");
  EXPECT_EQ(site.Data("/api/v1/rules?rule_group[]=h"), R"({"groups":[]})");
  EXPECT_EQ(site.Data("/api/v1/rules?file[]=/etc/h.yml"), R"({"groups":[]})");
  EXPECT_EQ(site.Data("/api/v1/rules?match[]={kind=\"r\"}").find("Down"), std::string::npos);
  EXPECT_EQ(site.Data("/api/v1/rules?match[]={who=~\".%2B\"}"), R"({"groups":[]})");
  EXPECT_NE(site.Data("/api/v1/rules?exclude_alerts=true").find(R"("alerts":null)"),
            std::string::npos);
}

TEST(ApiRules, Errors) {
  RuleSite site;
  const auto error = [&](const std::string& query) {
    const Response response = site.Get("/api/v1/rules?" + query);
    EXPECT_EQ(response.status, 400);
    constexpr std::string_view kStart =
        R"({"status":"error","errorType":"bad_data","error":"invalid parameter )";
    return response.body.substr(kStart.size(), response.body.size() - kStart.size() - 2);
  };
  EXPECT_EQ(error("type=x"), R"(\"type\": not supported value \"x\")");
  EXPECT_EQ(error("group_limit=0"), R"(\"group_limit\": group_limit needs to be greater than 0)");
  EXPECT_EQ(
      error("group_next_token=x"),
      R"(\"group_next_token\": group_limit needs to be present in order to paginate over the groups)");
  EXPECT_EQ(error("group_limit=1&group_next_token=x"),
            R"(\"group_next_token\": invalid group_next_token 'x'. were rule groups changed?)");
}

TEST(ApiRules, Pages) {
  RuleSite site;
  rules::GroupConfig a, b;
  a.name = "a";
  b.name = "b";
  a.file = b.file = "f";
  rules::RuleConfig rule;
  rule.record = "x";
  rule.expr = "1";
  a.rules = b.rules = {rule};
  site.rules->Apply({}, {a, b});
  const std::string first = site.Data("/api/v1/rules?group_limit=1");
  EXPECT_NE(first.find(R"("name":"a")"), std::string::npos);
  EXPECT_EQ(first.find(R"("name":"b")"), std::string::npos);
  const size_t at = first.find("groupNextToken\":\"");
  ASSERT_NE(at, std::string::npos) << first;
  const std::string token = first.substr(at + 17, 64);
  const std::string second = site.Data("/api/v1/rules?group_limit=1&group_next_token=" + token);
  EXPECT_EQ(second.find(R"("name":"a")"), std::string::npos);
  EXPECT_NE(second.find(R"("name":"b")"), std::string::npos);
  EXPECT_EQ(second.find("groupNextToken"), std::string::npos);
  // What the filter leaves out is no further page.
  const std::string only = site.Data("/api/v1/rules?group_limit=1&rule_group[]=a");
  EXPECT_NE(only.find(R"("name":"a")"), std::string::npos);
  EXPECT_EQ(only.find("groupNextToken"), std::string::npos);
}

TEST(ApiStatus, WhatIsFixed) {
  ApiServer site(ApiServer::Database::kNone);
  EXPECT_EQ(site.Data("/api/v1/status/config"), R"({"yaml":"global: {}\n"})");
  EXPECT_EQ(site.Data("/api/v1/status/flags"),
            R"({"config.file":"prometheus.yml","web.enable-lifecycle":"false"})");
  EXPECT_EQ(site.Data("/api/v1/status/buildinfo"),
            R"({"version":"3.14.0","revision":"abc","branch":"main","buildUser":"me",)"
            R"("buildDate":"today","goVersion":"","tocsinVersion":"0.1.0"})");
  EXPECT_EQ(site.Data("/api/v1/status/walreplay"), R"({"min":0,"max":0,"current":0})");
  EXPECT_EQ(site.Data("/api/v1/notifications"), "[]");
  site.state.reload_ok = [] { return false; };
  EXPECT_EQ(site.Data("/api/v1/notifications"),
            R"([{"text":"Configuration reload has failed.","date":"2023-11-14T22:13:19.5Z",)"
            R"("active":true}])");
  EXPECT_EQ(site.Data("/api/v1/alertmanagers"),
            R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})");
}

TEST(ApiStatus, Alertmanagers) {
  ApiServer site(ApiServer::Database::kNone);
  alerting::ExternalSender sender({site.clock, site.workers, site.transport, site.metrics});
  sender.Apply({alerting::ExternalAlertmanagers{}});
  sender.SetTargets(0, {Labels{{"__address__", "am:9093"}}});
  ApiContext context;
  context.state = site.state;
  context.external_alertmanagers = &sender;
  Router router("", *Regex::Compile(".*", Regex::Anchor::kFull), site.queries, site.queries,
                site.metrics, site.clock);
  router.Add(ApiRoutes(context));
  std::string body;
  router.Handle(
      std::make_shared<const Request>(ApiServer::MakeRequest("GET", "/api/v1/alertmanagers")),
      [&body](const Response& response) { body = response.body; });
  EXPECT_EQ(body, R"({"status":"success","data":{"activeAlertmanagers":[)"
                  R"({"url":"http://am:9093/api/v2/alerts"}],"droppedAlertmanagers":[]}})");
}

TEST(ApiStatus, Runtime) {
  ApiServer site(ApiServer::Database::kNone);
  const std::string data = site.Data("/api/v1/status/runtimeinfo");
  EXPECT_TRUE(data.starts_with(R"({"startTime":"2023-11-14T22:13:19Z","CWD":"/)")) << data;
  EXPECT_NE(data.find(R"("serverTime":"2023-11-14T22:13:20Z","reloadConfigSuccess":true,)"
                      R"("lastConfigTime":"2023-11-14T22:13:19.5Z","corruptionCount":0,)"),
            std::string::npos)
      << data;
  EXPECT_TRUE(data.ends_with(R"("storageRetention":"15d"})")) << data;
}

TEST(ApiStatus, Tsdb) {
  ApiServer site;
  site.Append(kNow, {{{{"__name__", "up"}, {"job", "a"}}, 1.0},
                     {{{"__name__", "up"}, {"job", "bb"}}, 1.0},
                     {{{"__name__", "down"}, {"job", "a"}}, 1.0}});
  const std::string data = site.Data("/api/v1/status/tsdb?limit=2");
  EXPECT_NE(data.find(R"("numSeries":3)"), std::string::npos) << data;
  EXPECT_NE(data.find(R"("seriesCountByMetricName":[{"name":"up","value":2},)"
                      R"({"name":"down","value":1}],"labelValueCountByLabelName":[)"
                      R"({"name":"__name__","value":2},{"name":"job","value":2}],)"
                      R"("memoryInBytesByLabelName":[{"name":"__name__","value":6},)"
                      R"({"name":"job","value":3}],"seriesCountByLabelValuePair":[)"
                      R"({"name":"__name__=up","value":2},{"name":"job=a","value":2}]})"),
            std::string::npos)
      << data;
  EXPECT_NE(site.Get("/api/v1/status/tsdb?limit=0").body.find("limit must be a positive number"),
            std::string::npos);
  EXPECT_NE(site.Get("/api/v1/status/tsdb?limit=10001").body.find("limit must not exceed 10000"),
            std::string::npos);
}

TEST(ApiStatus, Features) {
  ApiServer site(ApiServer::Database::kNone);
  const std::string data = site.Data("/api/v1/features");
  EXPECT_NE(data.find(R"("abs":true)"), std::string::npos);
  EXPECT_NE(data.find(R"("info":false)"), std::string::npos);
}

TEST(ApiAdmin, OnlyWhenEnabled) {
  ApiServer site;
  const Response off = site.Post("/api/v1/admin/tsdb/delete_series?match[]=up", "", "");
  EXPECT_EQ(off.status, 500);
  EXPECT_EQ(off.body,
            R"({"status":"error","errorType":"unavailable","error":"admin APIs disabled"})");
  site.state.enable_admin_api = true;
  site.Append(
      kNow, {{{{"__name__", "up"}, {"job", "a"}}, 1.0}, {{{"__name__", "up"}, {"job", "b"}}, 1.0}});
  EXPECT_EQ(site.Post("/api/v1/admin/tsdb/delete_series", "", "").status, 400);
  EXPECT_EQ(site.Post("/api/v1/admin/tsdb/delete_series?match[]={job=\"a\"}", "", "").status, 204);
  EXPECT_EQ(site.Data("/api/v1/query?query=count(up)"),
            R"({"resultType":"vector","result":[{"metric":{},"value":[1700000000,"1"]}]})");
  EXPECT_EQ(site.Post("/api/v1/admin/tsdb/clean_tombstones", "", "").status, 204);
  const Response snapshot = site.Post("/api/v1/admin/tsdb/snapshot", "", "");
  EXPECT_EQ(snapshot.status, 200);
  EXPECT_NE(snapshot.body.find(R"("data":{"name":"20231114T2)"), std::string::npos)
      << snapshot.body;
  EXPECT_NE(site.Get("/api/v1/admin/tsdb/snapshots").body.find(R"([{"name":"20231114T2)"),
            std::string::npos);
  EXPECT_EQ(site.Post("/api/v1/admin/tsdb/snapshot?skip_head=maybe", "", "").status, 400);
}

TEST(ApiLifecycle, HealthAndReload) {
  ApiServer site(ApiServer::Database::kNone);
  EXPECT_EQ(site.Get("/-/healthy").body, "Prometheus Server is Healthy.\n");
  EXPECT_EQ(site.Get("/-/ready").body, "Prometheus Server is Ready.\n");
  EXPECT_EQ(site.Get("/-/quit").body, "Only POST or PUT requests allowed");
  EXPECT_EQ(site.Post("/-/reload", "", "").status, 403);
  EXPECT_EQ(site.Post("/-/reload", "", "").body, "Lifecycle API is not enabled.");
  site.state.enable_lifecycle = true;
  Status outcome;
  bool quit = false;
  site.state.reload = [&](const std::function<void(Status)>& done) { done(outcome); };
  site.state.quit = [&] { quit = true; };
  EXPECT_EQ(site.Post("/-/reload", "", "").status, 200);
  outcome = InvalidArgument("prometheus.yml:1:1: bad");
  EXPECT_EQ(site.Post("/-/reload", "", "").status, 500);
  EXPECT_EQ(site.Post("/-/reload", "", "").body,
            "failed to reload config: prometheus.yml:1:1: bad\n");
  EXPECT_EQ(site.Get("/-/reload").status, 405);
  EXPECT_EQ(site.Post("/-/quit", "", "").body, "Requesting termination... Goodbye!");
  EXPECT_TRUE(quit);
}

TEST(ApiLifecycle, NotReady) {
  ApiServer site(ApiServer::Database::kNone);
  site.state.ready = [] { return false; };
  for (const char* target : {"/-/ready", "/api/v1/query?query=1", "/federate"}) {
    const Response response = site.Get(target);
    EXPECT_EQ(response.status, 503) << target;
    EXPECT_EQ(response.body, "Service Unavailable");
  }
  EXPECT_EQ(site.Get("/-/healthy").status, 200);
  EXPECT_EQ(site.Get("/metrics").status, 200);
}

TEST(ApiLifecycle, MetricsAndVersion) {
  ApiServer site(ApiServer::Database::kNone);
  site.metrics.GetCounter("tocsin_test_total", "A test.").Add(2);
  const Response metrics = site.Get("/metrics");
  EXPECT_EQ(metrics.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(metrics.body.find("tocsin_test_total 2\n"), std::string::npos);
  EXPECT_TRUE(site.Get("/version").body.starts_with(R"({"version":"3.14.0")"));
}

TEST(Pages, RedirectsAndFiles) {
  ApiServer site(ApiServer::Database::kNone);
  const auto location = [&](const std::string& target) {
    const Response response = site.Get(target);
    EXPECT_EQ(response.status, 302);
    for (const auto& [name, value] : response.headers) {
      if (name == "Location") return value;
    }
    return std::string();
  };
  EXPECT_EQ(location("/"), "/query");
  EXPECT_EQ(location("/graph?g0.expr=up"), "/query?g0.expr=up");
  EXPECT_EQ(location("/service-discovery"), "/targets");
  site.state.external_url = "http://example.org/prom/";
  EXPECT_EQ(location("/"), "/prom/query");
  for (const char* page : {"/query", "/alerts", "/targets", "/rules", "/status", "/flags",
                           "/config", "/tsdb-status"}) {
    EXPECT_EQ(site.Get(page).content_type, "text/html; charset=utf-8") << page;
  }
  EXPECT_EQ(site.Get("/ui/app.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(site.Get("/ui/style.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(site.Get("/ui/nothing.js").status, 404);
  // Every import of a script is a file that is served.
  for (const UiAsset& asset : UiAssets()) {
    for (size_t at = asset.content.find("from \"./"); at != std::string_view::npos;
         at = asset.content.find("from \"./", at + 1)) {
      const size_t start = at + 8;
      const std::string name(asset.content.substr(start, asset.content.find('"', start) - start));
      EXPECT_EQ(site.Get("/ui/" + name).status, 200) << asset.name << " imports " << name;
    }
  }
}

}  // namespace
}  // namespace tocsin::http
