// Kill and restart in every state of an alert: nothing is lost, nothing is gained.
#include "rules/state_restorer.h"

#include <gtest/gtest.h>

#include "tests/rules/rule_site.h"

namespace tocsin::rules {
namespace {

using testing::RuleSite;

const Labels kUp{{"__name__", "up"}, {"instance", "i1"}, {"job", "node"}};
constexpr char kRules[] = R"(groups:
- name: g
  interval: 10s
  rules:
  - alert: Down
    expr: up == 0
    for: 1m
    keep_firing_for: 1m
    annotations: {summary: "{{ $value }}"}
)";

class RestartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    site.feeds[kUp] = 0;
    Start();
  }
  void Start() {
    site.Start();
    site.Apply(kRules);
  }
  // Kills, lets `down` pass with nothing stored, and starts again.
  void Restart(Duration down) {
    site.Kill();
    site.time.Advance(down);
    Start();
  }
  RuleSite site;
};

TEST_F(RestartTest, TimeDownDoesNotCountTowardsFor) {
  site.Until("pending");
  site.Run(Duration{30'000});
  const Timestamp active_at = site.Rule().alerts.at(0).active_at;
  Restart(Duration{20 * 60'000});
  EXPECT_EQ(site.State(), "pending") << "visible before the first evaluation";
  const Duration left = site.Until("firing");
  // 60 s of `for`, 30 to 40 of which were spent before.
  EXPECT_GE(left, Duration{20'000});
  EXPECT_LE(left, Duration{45'000});
  EXPECT_GT(site.Rule().alerts.at(0).active_at, active_at);
}

TEST_F(RestartTest, FiringGoesOnWithTheSameStart) {
  site.Until("firing");
  site.Run(Duration{20'000});
  ASSERT_EQ(site.sink.sent.size(), 1u);
  const Timestamp starts_at = site.sink.sent[0].second.starts_at;
  Restart(Duration{30 * 60'000});
  EXPECT_EQ(site.State(), "firing");
  site.sink.sent.clear();
  site.Run(Duration{20'000});
  EXPECT_EQ(site.State(), "firing");
  ASSERT_GE(site.sink.sent.size(), 1u);
  EXPECT_EQ(site.sink.sent[0].second.starts_at, starts_at);
  EXPECT_GT(site.sink.sent[0].second.ends_at, site.time.Now());
}

// After a long break the first evaluation comes before the first scrapes: that the series is
// missing says nothing yet.
TEST_F(RestartTest, AbsenceRightAfterALongBreakResolvesNothing) {
  site.Until("firing");
  site.Kill();
  site.time.Advance(Duration{10 * 60'000});
  Start();
  site.feeds.clear();
  site.Run(Duration{20'000});
  EXPECT_EQ(site.State(), "firing");
  EXPECT_FALSE(site.Rule().alerts.at(0).keep_firing_since.has_value());
  site.feeds[kUp] = 0;
  site.Run(Duration{60'000});
  EXPECT_EQ(site.State(), "firing");
  EXPECT_FALSE(site.Rule().alerts.at(0).keep_firing_since.has_value());
}

TEST_F(RestartTest, KeptFiringGoesOnWhereItWas) {
  site.Until("firing");
  site.feeds[kUp] = 1;
  while (!site.Rule().alerts.at(0).keep_firing_since) site.Run(Duration{5'000});
  site.Run(Duration{20'000});
  Restart(Duration{30 * 60'000});
  ASSERT_EQ(site.State(), "firing");
  EXPECT_TRUE(site.Rule().alerts.at(0).keep_firing_since.has_value());
  const Duration left = site.Until("");
  EXPECT_GE(left, Duration{20'000});
  EXPECT_LE(left, Duration{60'000});
}

TEST_F(RestartTest, ResolvedIsSentAfterARestart) {
  site.Until("firing");
  site.feeds[kUp] = 1;
  site.Until("");
  const Timestamp ended = site.sink.sent.back().second.ends_at;
  site.sink.sent.clear();
  Restart(Duration{15'000});
  site.Run(Duration{20'000});
  ASSERT_EQ(site.sink.sent.size(), 1u);
  EXPECT_EQ(site.sink.sent[0].second.ends_at, ended);
}

TEST_F(RestartTest, LongerOutageThanToleratedStartsAnew) {
  site.Until("firing");
  Restart(Duration{3'600'000 + 60'000});
  EXPECT_EQ(site.State(), "");
  site.Run(Duration{15'000});
  EXPECT_EQ(site.State(), "pending");
  EXPECT_GE(site.Until("firing"), Duration{40'000});
  // What was forgotten stays forgotten at the next start.
  Restart(Duration{1'000});
  EXPECT_EQ(site.State(), "firing");
}

TEST_F(RestartTest, ShortRestartChangesNothing) {
  site.Until("pending");
  const Timestamp active_at = site.Rule().alerts.at(0).active_at;
  for (int i = 0; i < 4; ++i) {
    site.Run(Duration{10'000});
    site.Kill();
    Start();
    ASSERT_EQ(site.State(), "pending");
    EXPECT_EQ(site.Rule().alerts.at(0).active_at, active_at);
  }
  site.Until("firing");
  EXPECT_EQ(site.Rule().alerts.at(0).active_at, active_at);
}

TEST_F(RestartTest, StateIsStoredBeforeTheAlertIsSent) {
  struct CheckingSink final : AlertSink {
    explicit CheckingSink(const storage::KvStore& k) : kv(k) {}
    void Send(std::vector<alerting::Alert> alerts) override {
      auto stored = LoadAlertState(kv);
      ASSERT_TRUE(stored.ok());
      for (const auto& alert : alerts) {
        bool found = false;
        for (const auto& [group, state] : *stored) {
          for (const auto& [rule, entries] : state.rules) {
            for (const auto& e : entries) {
              found |= e.labels == alert.labels && e.fired_at == alert.starts_at;
            }
          }
        }
        EXPECT_TRUE(found) << alert.labels.ToString();
        ++checked;
      }
    }
    const storage::KvStore& kv;
    int checked = 0;
  } sink(site.kv);
  site.Kill();
  RulePorts ports{site.time,      site.time, site.workers, site.engine, site.store,
                  site.queryable, site.kv,   sink,         site.metrics};
  site.manager = std::make_unique<RuleManager>(ports, site.options);
  site.Apply(kRules);
  site.Until("firing");
  site.feeds[kUp] = 1;
  site.Until("");
  EXPECT_GE(sink.checked, 2);
}

TEST_F(RestartTest, GoneRulesLeaveNothingBehind) {
  site.Until("firing");
  site.Apply("groups: []");
  auto stored = site.kv.Scan("alert_state");
  ASSERT_TRUE(stored.ok());
  EXPECT_TRUE(stored->empty());
}

TEST_F(RestartTest, ResolvedAlertsLeaveNothingBehind) {
  site.Until("firing");
  site.feeds[kUp] = 1;
  site.Run(Duration{20 * 60'000});
  auto stored = LoadAlertState(site.kv);
  ASSERT_TRUE(stored.ok());
  for (const auto& [group, state] : *stored) EXPECT_TRUE(state.rules.empty());
}

TEST(AlertRecords, DamageIsLeftOut) {
  testing::MemoryKvStore kv;
  AlertStateWriter writer(kv, 1, 2);
  AlertEntry entry;
  entry.labels = Labels{{"alertname", "A"}};
  entry.annotations = Labels{{"s", "t"}};
  entry.state = AlertState::kFiring;
  entry.value = 1.5;
  entry.active_at = {-5};
  entry.fired_at = Timestamp{7};
  entry.keep_firing_since = Timestamp{8};
  ASSERT_TRUE(writer.Save({entry}, Timestamp{9}).ok());
  auto stored = LoadAlertState(kv);
  ASSERT_TRUE(stored.ok());
  ASSERT_EQ(stored->at(1).rules.at(2).size(), 1u);
  const AlertEntry& read = stored->at(1).rules.at(2)[0];
  EXPECT_TRUE(read.SamePhase(entry));
  EXPECT_EQ(read.labels, entry.labels);
  EXPECT_EQ(read.annotations, entry.annotations);
  EXPECT_EQ(read.value, 1.5);
  EXPECT_EQ(stored->at(1).last_evaluation, Timestamp{9});

  const auto pairs = *kv.Scan("alert_state");
  for (const auto& [key, value] : pairs) {
    if (key.size() != 24) continue;
    for (size_t n = 0; n < value.size(); ++n) {
      ASSERT_TRUE(kv.Write("alert_state", {{key, value.substr(0, n)}}).ok());
      auto torn = LoadAlertState(kv);
      ASSERT_TRUE(torn.ok());
      EXPECT_TRUE(torn->at(1).rules.empty()) << n;
    }
  }
}

}  // namespace
}  // namespace tocsin::rules
