// The whole API in one process: real parts on a virtual clock, everything inline, no sockets.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/api/api.h"
#include "http/router.h"
#include "rules/alert_sink.h"
#include "storage/base/file_system.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_transport.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_kv_store.h"
#include "tests/support/temp_dir.h"

namespace tocsin::http {

class DropAlerts final : public rules::AlertSink {
 public:
  void Send(std::vector<alerting::Alert>) override {}
};

class ApiServer {
 public:
  static constexpr int64_t kNow = 1'700'000'000'000;

  // Most answers need no database, and opening one takes a while.
  enum class Database { kOpen, kNone };

  explicit ApiServer(Database database = Database::kOpen) {
    state.build = {"0.1.0", "abc", "main", "me", "today"};
    state.external_url = "http://example.org:9090";
    state.flags = {{"config.file", "prometheus.yml"}, {"web.enable-lifecycle", "false"}};
    state.start_time = {kNow - 1000};
    state.last_reload = [] { return Timestamp{kNow - 500}; };
    state.config_yaml = [] { return std::string("global: {}\n"); };
    state.storage_retention = [] { return std::string("15d"); };
    if (database == Database::kOpen) OpenDb();
  }

  // Gives the routes what the context holds now.
  Response Send(Request request) {
    ApiContext context;
    context.state = state;
    context.clock = &clock;
    context.metrics = &metrics;
    context.db = db.get();
    context.engine = engine.get();
    context.rules = rules.get();
    context.scrapes = scrapes.get();
    context.remote_write = remote_write.get();
    context.alertmanager = alertmanager.get();
    Router router("", *Regex::Compile(".*", Regex::Anchor::kFull), queries, queries, metrics,
                  clock);
    router.Add(ApiRoutes(context));
    Response answer;
    answer.status = 0;
    router.Handle(std::make_shared<const Request>(std::move(request)),
                  [&answer](Response response) { answer = std::move(response); });
    return answer;
  }
  Response Get(const std::string& target) { return Send(MakeRequest("GET", target)); }
  // The body of a successful GET.
  std::string Body(const std::string& target) {
    Response response = Get(target);
    EXPECT_EQ(response.status, 200) << response.body;
    return response.body;
  }
  // What `"data":` holds.
  std::string Data(const std::string& target) {
    constexpr std::string_view kStart = "{\"status\":\"success\",\"data\":";
    const std::string body = Body(target);
    EXPECT_TRUE(body.starts_with(kStart)) << body;
    return body.substr(kStart.size(), body.size() - kStart.size() - 1);
  }
  Response Post(const std::string& target, const std::string& type, std::string body) {
    Request request = MakeRequest("POST", target);
    request.headers.emplace_back("Content-Type", type);
    if (type == "application/x-www-form-urlencoded") {
      Params params = *ParseForm(body);
      params.insert(params.end(), request.params.begin(), request.params.end());
      request.params = std::move(params);
    }
    request.body = std::move(body);
    return Send(std::move(request));
  }

  void Append(int64_t t, const std::vector<std::pair<Labels, double>>& row) {
    auto appender = db->NewAppender();
    std::vector<SeriesRef> refs;
    std::vector<double> values;
    for (const auto& [labels, value] : row) {
      refs.push_back(*appender->Resolve(labels));
      values.push_back(value);
    }
    storage::RowHint hint;
    appender->AppendRow(hint, {t}, refs, values);
    bool done = false;
    appender->Commit([&](const storage::CommitResult& result) { done = result.status.ok(); });
    EXPECT_TRUE(done);
  }

  // A group "g" in /etc/g.yml.
  void StartRules(std::vector<rules::RuleConfig> configs) {
    rules = std::make_unique<rules::RuleManager>(
        rules::RulePorts{clock, clock, workers, *engine, *db, *db, kv, sink, metrics},
        rules::ManagerOptions{.external_url = state.external_url});
    rules::GroupConfig group;
    group.name = "g";
    group.file = "/etc/g.yml";
    group.rules = std::move(configs);
    rules->Apply({}, {group});
  }

  void StartAlertmanager(const std::string& yaml) {
    alertmanager = std::make_unique<alerting::Alertmanager>(
        alerting::AlertmanagerPorts{clock, clock, workers, transport, mailer, random, files, kv,
                                    metrics},
        alerting::AlertmanagerOptions{.external_url = state.external_url});
    ASSERT_TRUE(alertmanager->Start().ok());
    ConfigWarnings warnings;
    auto config = alerting::ParseAlertmanagerConfig(yaml, "alertmanager.yml", files, warnings);
    ASSERT_TRUE(config.ok()) << config.error().message();
    ASSERT_TRUE(alertmanager->Apply(*config).ok());
  }

  void StartScraping(std::vector<ingest::ScrapeConfig> configs) {
    scrapes = std::make_unique<ingest::ScrapeManager>(
        ingest::ScrapePorts{clock, clock, workers, transport, files, *db, metrics}, 1, "test");
    scrapes->Apply({}, std::move(configs));
  }

  static Request MakeRequest(std::string method, const std::string& target) {
    Request request;
    request.method = std::move(method);
    const size_t mark = std::min(target.find('?'), target.size());
    request.path = PercentDecode(target.substr(0, mark));
    if (mark < target.size()) request.query = target.substr(mark + 1);
    if (auto params = ParseForm(request.query); params.ok()) {
      request.params = *std::move(params);
    } else {
      request.form = params.error();
    }
    return request;
  }

  testing::ManualScheduler clock{Timestamp{kNow}};
  testing::InlineExecutor commit, sync, background, workers, queries;
  testing::FakeTransport transport{clock};
  testing::FakeMailer mailer{clock};
  testing::FakeRandom random;
  testing::TempDir dir;
  testing::MemoryKvStore kv;
  MetricRegistry metrics;
  const FileSystem& files = RealFileSystem();
  DropAlerts sink;
  ServerState state;
  query::EngineOptions engine_options;
  std::unique_ptr<storage::Db> db;
  std::unique_ptr<query::Engine> engine;
  std::unique_ptr<ingest::RemoteWriteReceiver> remote_write;
  std::unique_ptr<alerting::Alertmanager> alertmanager;
  std::unique_ptr<rules::RuleManager> rules;
  std::unique_ptr<ingest::ScrapeManager> scrapes;

 private:
  void OpenDb() {
    storage::Options options;
    options.path = dir / "data";
    options.memory_max = 64u << 20;
    options.series_max = 1u << 20;
    auto opened = storage::Db::Open(options, {clock, clock, commit, sync, background, metrics});
    if (!opened.ok()) FAIL() << opened.error().message();
    db = *std::move(opened);
    engine = std::make_unique<query::Engine>(engine_options, *db, clock, metrics);
    remote_write = std::make_unique<ingest::RemoteWriteReceiver>(*db, metrics);
  }
};

}  // namespace tocsin::http
