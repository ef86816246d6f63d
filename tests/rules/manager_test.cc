// Groups on virtual time: schedule, order, series, staleness, alerts, reload.
#include "rules/manager.h"

#include <gtest/gtest.h>

#include "tests/rules/rule_site.h"

namespace tocsin::rules {
namespace {

using testing::RuleSite;

const Labels kUp{{"__name__", "up"}, {"instance", "i1"}, {"job", "node"}};

class RuleManagerTest : public ::testing::Test {
 protected:
  RuleManagerTest() { site.Start(); }
  double Metric(const std::string& name) {
    return site.metrics.GetCounter(name, "", {{"rule_group", "r.yml;g"}}).Value();
  }
  // Times (ms since start) and values of a stored series.
  std::string Timeline(const std::string& series) { return site.store.Timeline(series, first_); }
  // Runs to just after the first evaluation and takes its time as the origin.
  void ToFirstEvaluation() {
    while (!site.Rule().last_evaluation) site.Run(Duration{1'000}, Duration{1'000});
    first_ = *site.Rule().last_evaluation;
  }
  RuleSite site;
  Timestamp first_{0};
};

TEST_F(RuleManagerTest, LaterRulesSeeEarlierResults) {
  site.feeds[kUp] = 1;
  site.Apply(R"(groups:
- name: g
  rules:
  - {record: "job:up:sum", expr: 'sum by (job) (up)', labels: {x: "y"}}
  - {record: "twice", expr: "job:up:sum * 2"}
  - {record: "konst", expr: "5"}
)");
  site.Run(Duration{1'000});
  ToFirstEvaluation();
  EXPECT_EQ(Timeline("job:up:sum{job=\"node\", x=\"y\"}"), "0=1");
  EXPECT_EQ(Timeline("twice{job=\"node\", x=\"y\"}"), "0=2");
  EXPECT_EQ(Timeline("konst"), "0=5");
  EXPECT_EQ(site.Rule().health, RuleHealth::kOk);
}

TEST_F(RuleManagerTest, EvaluatesAtItsOwnStableSlots) {
  site.Apply("groups:\n- name: g\n  interval: 10s\n  rules:\n  - {record: r, expr: '1'}\n");
  ToFirstEvaluation();
  site.Run(Duration{30'000});
  EXPECT_EQ(Timeline("r"), "0=1 10000=1 20000=1 30000=1");
  const int64_t phase = first_.ms % 10'000;
  site.Kill();
  site.Run(Duration{17'000}, Duration{1'000});
  site.Start();
  site.Apply("groups:\n- name: g\n  interval: 10s\n  rules:\n  - {record: r, expr: '1'}\n");
  ToFirstEvaluation();
  EXPECT_EQ(first_.ms % 10'000, phase);
}

TEST_F(RuleManagerTest, VanishedSeriesGetStaleMarkers) {
  const Labels other{{"__name__", "up"}, {"instance", "i2"}, {"job", "db"}};
  site.feeds = {{kUp, 1}, {other, 1}};
  site.Run(Duration{1'000});
  site.Apply("groups:\n- name: g\n  interval: 10s\n  rules:\n  - {record: r, expr: 'up == 1'}\n");
  ToFirstEvaluation();
  site.feeds[other] = 0;
  site.Run(Duration{30'000});
  EXPECT_EQ(Timeline("r{instance=\"i1\", job=\"node\"}"), "0=1 10000=1 20000=1 30000=1");
  EXPECT_EQ(Timeline("r{instance=\"i2\", job=\"db\"}"), "0=1 10000=stale");
}

TEST_F(RuleManagerTest, FailingRuleKeepsItsSeriesAndTheOthersRun) {
  site.feeds = {{kUp, 1}, {Labels{{"__name__", "one"}, {"a", "1"}}, 1}};
  site.Run(Duration{1'000});
  site.Apply(R"(groups:
- name: g
  interval: 10s
  rules:
  - {record: r, expr: "one", labels: {a: ""}}
  - {record: s, expr: "up"}
)");
  ToFirstEvaluation();
  site.feeds[Labels{{"__name__", "one"}, {"a", "2"}}] = 1;
  site.Run(Duration{20'000});
  EXPECT_EQ(site.Rule(0, 0).health, RuleHealth::kErr);
  EXPECT_EQ(site.Rule(0, 0).last_error,
            "vector contains metrics with the same labelset after applying rule labels");
  EXPECT_EQ(Timeline("r"), "0=1");
  EXPECT_EQ(Timeline("s{instance=\"i1\", job=\"node\"}"), "0=1 10000=1 20000=1");
  EXPECT_EQ(Metric("prometheus_rule_evaluation_failures_total"), 2);
  EXPECT_EQ(Metric("prometheus_rule_evaluations_total"), 6);
}

TEST_F(RuleManagerTest, LimitAndWrongTypes) {
  site.feeds = {{kUp, 1}, {Labels{{"__name__", "up"}, {"instance", "i2"}}, 1}};
  site.Run(Duration{1'000});
  site.Apply(R"(groups:
- name: g
  limit: 1
  rules:
  - {record: r, expr: "up"}
  - {record: s, expr: "up[5m]"}
  - {record: t, expr: "'text'"}
)");
  ToFirstEvaluation();
  EXPECT_EQ(site.Rule(0, 0).last_error, "exceeded limit of 1 with 2 series");
  EXPECT_EQ(site.Rule(0, 1).last_error, "rule result is not a vector or scalar");
  EXPECT_EQ(site.Rule(0, 2).last_error, "rule result is not a vector or scalar");
  EXPECT_TRUE(site.store.SeriesNames().empty());
}

TEST_F(RuleManagerTest, QueryOffsetMovesBothQueryAndResult) {
  for (int i = 0; i < 60; ++i) site.queryable.Add(kUp, RuleSite::kStart.ms + i * 1000, i);
  site.time.Advance(Duration{60'000});
  site.Apply(R"(groups:
- name: g
  interval: 10s
  query_offset: 30s
  rules:
  - {record: r, expr: 'time() - timestamp(up)'}
)");
  ToFirstEvaluation();
  const auto samples = site.store.Samples("r{instance=\"i1\", job=\"node\"}");
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples.begin()->first, first_.ms - 30'000);
  EXPECT_LT(samples.begin()->second, 1);
}

TEST_F(RuleManagerTest, AlertsBecomeSeriesAndAreSent) {
  site.feeds = {{kUp, 1}};
  site.Run(Duration{1'000});
  site.Apply(R"(groups:
- name: g
  interval: 10s
  labels: {team: ops}
  rules:
  - alert: Down
    expr: up == 0
    for: 20s
    labels: {severity: page, job: "", where: "{{ $externalLabels.region }}/{{ $labels.job }}"}
    annotations: {summary: "{{ $labels.instance }} is {{ $value }}", bad: "{{ .Nope }}"}
)");
  ToFirstEvaluation();
  EXPECT_TRUE(site.Rule().alerts.empty());
  site.feeds[kUp] = 0;
  site.Run(Duration{10'000});
  site.Run(Duration{30'000});
  const std::string labels =
      "alertname=\"Down\", %sinstance=\"i1\", severity=\"page\", team=\"ops\", where=\"eu/node\"";
  const auto series = [&](const std::string& name, const std::string& state) {
    std::string text = labels;
    text.replace(text.find("%s"), 2, state);
    return name + "{" + text + "}";
  };
  EXPECT_EQ(Timeline(series("ALERTS", "alertstate=\"pending\", ")), "10000=1 20000=1 30000=stale");
  EXPECT_EQ(Timeline(series("ALERTS", "alertstate=\"firing\", ")), "30000=1 40000=1");
  const auto for_state = site.store.Samples(series("ALERTS_FOR_STATE", ""));
  ASSERT_EQ(for_state.size(), 4u);
  for (const auto& [t, v] : for_state) {
    EXPECT_EQ(v, static_cast<double>((first_.ms + 10'000) / 1000));
  }

  ASSERT_EQ(site.sink.sent.size(), 1u);
  const alerting::Alert& alert = site.sink.sent[0].second;
  EXPECT_EQ(alert.labels.Get("where"), "eu/node");
  EXPECT_FALSE(alert.labels.Has("job"));
  EXPECT_EQ(alert.annotations.Get("summary"), "i1 is 0");
  EXPECT_TRUE(alert.annotations.Get("bad").starts_with(
      "<error expanding template: error executing template __alert_Down: template: "
      "__alert_Down:1:115: executing \"__alert_Down\" at "
      "<.Nope>: can't evaluate field Nope"))
      << alert.annotations.Get("bad");
  EXPECT_EQ(alert.starts_at, first_ + Duration{30'000});
  EXPECT_EQ(alert.ends_at, first_ + Duration{30'000 + 4 * 60'000});
  EXPECT_EQ(alert.generator_url, "http://p.local/graph?g0.expr=up+%3D%3D+0&g0.tab=1");

  site.feeds[kUp] = 1;
  site.Run(Duration{20'000});
  EXPECT_EQ(Timeline(series("ALERTS", "alertstate=\"firing\", ")), "30000=1 40000=1 50000=stale");
  ASSERT_EQ(site.sink.sent.size(), 2u);
  EXPECT_EQ(site.sink.sent[1].second.ends_at, first_ + Duration{50'000});
  EXPECT_EQ(site.sink.sent[1].second.starts_at, first_ + Duration{30'000});
}

TEST_F(RuleManagerTest, FiringAlertsAreSentAgainEveryMinute) {
  site.feeds = {{kUp, 0}};
  site.Apply("groups:\n- name: g\n  interval: 10s\n  rules:\n  - {alert: D, expr: 'up == 0'}\n");
  site.Run(Duration{300'000});
  // Every 70 s: the first evaluation more than a minute after the last.
  EXPECT_EQ(site.sink.sent.size(), 5u);
}

TEST_F(RuleManagerTest, TemplatesAskTheEngine) {
  site.feeds = {{kUp, 0}, {Labels{{"__name__", "owner"}, {"instance", "i1"}, {"who", "ann"}}, 1}};
  site.Apply(R"(groups:
- name: g
  rules:
  - alert: D
    expr: up == 0
    annotations:
      who: '{{ range printf "owner{instance=\"%s\"}" $labels.instance | query }}{{ .Labels.who }}{{ end }}'
      none: '{{ query "nothing" | first | value }}'
      broken: '{{ query "sum(" }}'
)");
  site.Run(Duration{20'000});
  const auto alerts = site.Rule().alerts;
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].annotations.Get("who"), "ann");
  EXPECT_NE(alerts[0].annotations.Get("none").find("first() called on vector with no elements"),
            std::string_view::npos);
  EXPECT_NE(alerts[0].annotations.Get("broken").find("unclosed left parenthesis"),
            std::string_view::npos)
      << alerts[0].annotations.Get("broken");
}

TEST_F(RuleManagerTest, ReloadKeepsUnchangedGroupsAndAlertsOfChangedOnes) {
  const char* text = R"(groups:
- name: same
  interval: 10s
  rules: [{record: r, expr: "1"}]
- name: g
  interval: 10s
  rules:
  - {alert: D, expr: "up == 0", for: 1m}
  - {record: gone, expr: "2"}
)";
  site.feeds = {{kUp, 0}};
  site.Apply(text);
  site.Run(Duration{40'000});
  const auto before = site.Rule(1, 0).alerts.at(0);
  const double evaluations = Metric("prometheus_rule_evaluations_total");
  EXPECT_GE(evaluations, 6);
  site.Apply(text);
  EXPECT_EQ(site.Rule(1, 0).alerts.at(0).active_at, before.active_at);

  site.Apply(R"(groups:
- name: same
  interval: 10s
  rules: [{record: r, expr: "1"}]
- name: g
  interval: 10s
  rules:
  - {alert: D, expr: "up == 0 or up == 5", for: 1m}
)");
  const auto after = site.Rule(1, 0).alerts.at(0);
  EXPECT_EQ(after.active_at, before.active_at);
  site.Run(Duration{40'000});
  EXPECT_EQ(site.Rule(1, 0).alerts.at(0).state, AlertState::kFiring);
  EXPECT_EQ(site.Rule(1, 0).alerts.at(0).active_at, before.active_at);
  // The counter goes on: the group is the same to whoever watches it.
  EXPECT_GT(Metric("prometheus_rule_evaluations_total"), evaluations);
  EXPECT_TRUE(IsStale(site.store.Samples("gone").rbegin()->second));
  EXPECT_EQ(site.sink.sent.size(), 1u);
}

TEST_F(RuleManagerTest, RemovedGroupsEndTwoIntervalsLater) {
  site.Apply("groups:\n- name: g\n  interval: 10s\n  rules:\n  - {record: r, expr: '1'}\n");
  site.Run(Duration{30'000});
  site.Apply("groups: []");
  EXPECT_TRUE(site.manager->Groups().empty());
  site.Run(Duration{15'000});
  EXPECT_FALSE(IsStale(site.store.Samples("r").rbegin()->second));
  site.Run(Duration{10'000});
  EXPECT_TRUE(IsStale(site.store.Samples("r").rbegin()->second));
  EXPECT_EQ(site.metrics.Serialize().find("rule_group=\"r.yml;g\""), std::string::npos);
}

TEST_F(RuleManagerTest, GroupThatComesBackEndsWhatItNoLongerGives) {
  const std::string both =
      "groups:\n- name: g\n  interval: 10s\n  rules:\n"
      "  - {record: r, expr: '1'}\n  - {record: gone, expr: '1'}\n";
  site.Apply(both);
  site.Run(Duration{30'000});
  site.Apply("groups: []");
  site.Run(Duration{5'000});
  site.Apply("groups:\n- name: g\n  interval: 10s\n  rules:\n  - {record: r, expr: '1'}\n");
  site.Run(Duration{60'000});
  for (const auto& [t, v] : site.store.Samples("r")) EXPECT_FALSE(IsStale(v)) << t;
  EXPECT_TRUE(IsStale(site.store.Samples("gone").rbegin()->second));
  EXPECT_EQ(site.Rule().last_error, "");
}

TEST_F(RuleManagerTest, RulesSideBySideGiveTheSame) {
  const std::string rules =
      "groups:\n- name: g\n  interval: 10s\n  rules:\n"
      "  - {record: a, expr: 'vector(1)'}\n  - {record: b, expr: 'vector(2)'}\n"
      "  - {record: total, expr: 'a + b'}\n  - {record: bad, expr: '1 / up{a=~\"x\"} or a'}\n"
      "  - {alert: Sum, expr: 'total == 3'}\n  - {alert: Other, expr: 'count(ALERTS)'}\n";
  const auto series = [&](RuleSite& s) {
    s.Apply(rules);
    s.Run(Duration{60'000});
    std::map<std::string, std::map<int64_t, double>> out;
    for (const std::string& name : s.store.SeriesNames()) out[name] = s.store.Samples(name);
    EXPECT_EQ(out.size(), 8u);
    return out;
  };
  RuleSite other;
  other.options.max_concurrent_evals = 4;
  other.Start();
  EXPECT_EQ(series(site), series(other));
}

TEST_F(RuleManagerTest, RenamedGroupsGoOnWithTheirSeries) {
  site.Apply("groups:\n- name: g\n  interval: 10s\n  rules:\n  - {record: r, expr: '1'}\n");
  site.Run(Duration{30'000});
  site.Apply("groups:\n- name: h\n  interval: 10s\n  rules:\n  - {record: r, expr: '1'}\n");
  site.Run(Duration{60'000});
  EXPECT_GE(site.store.Samples("r").size(), 8u);
  for (const auto& [t, v] : site.store.Samples("r")) EXPECT_FALSE(IsStale(v)) << t;
}

TEST_F(RuleManagerTest, ShutdownWritesNoMarkers) {
  site.Apply("groups:\n- name: g\n  interval: 10s\n  rules:\n  - {record: r, expr: '1'}\n");
  site.Run(Duration{30'000});
  site.Kill();
  site.Run(Duration{60'000});
  EXPECT_FALSE(IsStale(site.store.Samples("r").rbegin()->second));
}

// Machines without a battery-backed clock learn the time after they have started.
TEST_F(RuleManagerTest, AClockThatIsSetNeitherFiresNorEndsAnAlert) {
  for (const Duration jump : {Duration{3'600'000}, Duration{-3'600'000}}) {
    RuleSite other;
    other.Start();
    other.Apply(
        "groups:\n- name: g\n  interval: 10s\n  rules:\n"
        "  - {alert: Slow, expr: 'vector(1)', for: 5m}\n"
        "  - {alert: Now, expr: 'vector(1)'}\n");
    other.Run(Duration{60'000});
    ASSERT_EQ(other.State(), "pending");
    other.time.JumpWall(jump);
    other.Run(Duration{60'000});
    EXPECT_EQ(other.State(), "pending");
    const Duration left = other.Until("firing");
    EXPECT_GE(left, Duration{170'000});
    EXPECT_LE(left, Duration{220'000});
    // Sent again every 70 s all the while.
    EXPECT_GE(other.sink.sent.size(), 4u);
    EXPECT_EQ(other.metrics
                  .GetCounter("prometheus_rule_group_iterations_missed_total", "",
                              {{"rule_group", "r.yml;g"}})
                  .Value(),
              0);
  }
}

// An executor that holds its tasks until told.
class HeldExecutor final : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks.push_back(std::move(task)); }
  void RunAll() {
    while (!tasks.empty()) {
      auto task = std::move(tasks.front());
      tasks.erase(tasks.begin());
      task();
    }
  }
  std::vector<std::function<void()>> tasks;
};

TEST(RuleSchedule, SlowEvaluationsMissTicksAndAreCounted) {
  RuleSite site;
  HeldExecutor held;
  RulePorts ports{site.time,      site.time, held,      site.engine, site.store,
                  site.queryable, site.kv,   site.sink, site.metrics};
  site.manager = std::make_unique<RuleManager>(ports, site.options);
  site.Apply("groups:\n- name: g\n  interval: 10s\n  rules:\n  - {record: r, expr: '1'}\n");
  site.time.Advance(Duration{40'000});
  EXPECT_EQ(held.tasks.size(), 1u);
  const auto metric = [&](const char* name) {
    return site.metrics.GetCounter(name, "", {{"rule_group", "r.yml;g"}}).Value();
  };
  EXPECT_EQ(metric("prometheus_rule_group_iterations_total"), 4);
  EXPECT_EQ(metric("prometheus_rule_group_iterations_missed_total"), 3);
  held.RunAll();
  EXPECT_EQ(site.store.Samples("r").size(), 1u);
  site.time.Advance(Duration{10'000});
  held.RunAll();
  EXPECT_EQ(site.store.Samples("r").size(), 2u);
  EXPECT_EQ(metric("prometheus_rule_group_iterations_missed_total"), 3);
}

// Two reloads while one evaluation is under way: the state goes through both.
TEST(RuleReload, QuickReloadsLoseNoState) {
  RuleSite site;
  HeldExecutor held;
  RulePorts ports{site.time,      site.time, held,      site.engine, site.store,
                  site.queryable, site.kv,   site.sink, site.metrics};
  site.manager = std::make_unique<RuleManager>(ports, site.options);
  const auto rules = [](const std::string& more) {
    return "groups:\n- name: g\n  interval: 10s\n  rules:\n"
           "  - {alert: A, expr: 'vector(1)', for: 1h}\n" +
           more;
  };
  site.Apply(rules(""));
  site.time.Advance(Duration{10'000});
  held.RunAll();
  ASSERT_EQ(site.Rule().alerts.size(), 1u);
  const Timestamp active_at = site.Rule().alerts[0].active_at;
  site.time.Advance(Duration{10'000});
  ASSERT_EQ(held.tasks.size(), 1u);  // under way
  site.Apply(rules("  - {record: r, expr: '1'}\n"));
  site.Apply(rules("  - {record: s, expr: '1'}\n"));
  held.RunAll();
  ASSERT_EQ(site.Rule().alerts.size(), 1u);
  EXPECT_EQ(site.Rule().alerts[0].active_at, active_at);
  site.time.Advance(Duration{10'000});
  held.RunAll();
  EXPECT_EQ(site.Rule().alerts[0].active_at, active_at);
  EXPECT_EQ(site.store.Samples("s").size(), 1u);
  EXPECT_TRUE(site.store.Samples("r").empty());
}

}  // namespace
}  // namespace tocsin::rules
