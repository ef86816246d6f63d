// Only the store survives a kill -9: nothing is told twice within repeat_interval, and no end of an
// alert is lost.
#include <gtest/gtest.h>

#include "tests/alerting/harness.h"

namespace tocsin::alerting {
namespace {

using Notes = std::vector<std::string>;

Alert I(std::string_view i) { return Harness::Make({{"alertname", "A"}, {"i", i}}); }

TEST(Restart, NotRepeatedEarlyAndTheGridGoesOn) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(2);
  h.Restart(kWebhookConfig);
  h.RunTo(2.5);
  h.Fire(I("1"));
  h.RunTo(20);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "13.0 1f"}));
}

TEST(Restart, WithoutItsSenderTheAlertGoesOnForResolveTimeout) {
  Harness h;
  const std::string config = "global: {resolve_timeout: 1m}\n" + kWebhookConfig;
  h.Start(config);
  Alert a = I("1");
  a.ends_at = h.scheduler.Now() + Duration{4000};
  h.Put(a);
  h.RunTo(2);
  h.am.reset();
  h.RunTo(30);  // down for longer than the alert was promised
  h.Start(config);
  h.RunTo(31);
  EXPECT_EQ(h.TakeNotes(), (Notes{"1.0 1f", "30.0 1f"}));  // repeat_interval is over, no end told
  h.RunTo(100);
  EXPECT_EQ(h.notes.back(), "90.0 1r");
}

TEST(Restart, EndThatWasNotToldYetIsTold) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.Fire(I("2"));
  h.RunTo(2);
  h.Resolve(I("1"));
  h.Restart(kWebhookConfig);  // killed before the tick at 4
  h.RunTo(8);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f 2f", "4.0 1r 2f"}));
}

TEST(Restart, EndPostedAfterwardsIsToldAtOnce) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(1.5);
  h.Restart(kWebhookConfig);
  h.RunTo(2);
  h.Resolve(I("1"));
  h.RunTo(2.1);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "2.0 1r"}));
}

// kWebhookConfig: group_interval 3s, repeat_interval 10s.
TEST(Restart, EndToldAtOnceDoesNotMoveTheRepetitions) {
  const auto run = [](bool killed) {
    Harness h;
    h.Start(kWebhookConfig);
    h.Fire(I("1"));
    h.Fire(I("2"));
    h.RunTo(4.7);
    if (killed) h.Restart(kWebhookConfig);
    h.RunTo(5.5);
    h.Resolve(I("1"));
    h.RunTo(40);
    return h.notes;
  };
  EXPECT_EQ(run(false), (Notes{"1.0 1f 2f", "7.0 1r 2f", "19.0 2f", "31.0 2f"}));
  EXPECT_EQ(run(true), (Notes{"1.0 1f 2f", "5.5 1r 2f", "19.0 2f", "31.0 2f"}));
}

TEST(Restart, WithinGroupWaitTheFirstMessageComesInTime) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(0.4);
  h.Restart(kWebhookConfig);
  h.RunTo(2);
  EXPECT_EQ(h.notes, Notes{"1.0 1f"});
}

TEST(Restart, AlertsAreShownOnlyWhenSentAgain) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(2);
  h.Restart(kWebhookConfig);
  EXPECT_TRUE(h.am->Alerts().empty());
  EXPECT_TRUE(h.am->Groups().empty());
  h.Fire(I("1"));
  EXPECT_EQ(h.am->Alerts().size(), 1u);
  EXPECT_EQ(h.am->Groups().size(), 1u);
}

TEST(Restart, InhibitionGoesOnWithoutABurst) {
  Harness h;
  const std::string config = kWebhookConfig + R"(
inhibit_rules:
- source_matchers: [alertname="C"]
  target_matchers: [alertname="W"]
)";
  h.Start(config);
  h.Fire(Harness::Make({{"alertname", "C"}, {"i", "C"}}));
  h.Fire(Harness::Make({{"alertname", "W"}, {"i", "W"}}));
  h.RunTo(2);
  h.Restart(config);
  h.Fire(Harness::Make({{"alertname", "W"}, {"i", "W"}}));  // the source is not yet sent again
  h.RunTo(9);
  EXPECT_EQ(h.notes, Notes{"1.0 Cf"});
}

TEST(Restart, EndWhileDownIsToldWhenTheAlertIsGoneForGood) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(2);
  h.Resolve(I("1"));
  h.am.reset();
  h.RunTo(60);
  h.Start(kWebhookConfig);
  h.RunTo(61);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "60.0 1r"}));
  EXPECT_EQ(h.kv.size("alerts"), 0u);
  EXPECT_EQ(h.kv.size("alert_groups"), 0u);
}

TEST(Restart, EveryMomentOfATimeline) {
  const auto run = [](double kill_at) {
    Harness h;
    h.Start(kWebhookConfig);
    const std::pair<double, std::function<void()>> events[] = {{0.0, [&] { h.Fire(I("1")); }},
                                                               {2.0, [&] { h.Fire(I("2")); }},
                                                               {6.0, [&] { h.Resolve(I("1")); }},
                                                               {9.5, [&] { h.Resolve(I("2")); }},
                                                               {13.2, [&] { h.Fire(I("3")); }},
                                                               {20.0, [&] { h.Resolve(I("3")); }},
                                                               {30.0, [] {}}};
    bool killed = false;
    for (const auto& [at, act] : events) {
      if (!killed && kill_at <= at) {
        h.RunTo(kill_at);
        h.Restart(kWebhookConfig);
        killed = true;
      }
      h.RunTo(at);
      act();
    }
    return h.notes;
  };
  const Notes expected = {"1.0 1f", "4.0 1f 2f", "7.0 1r 2f", "10.0 2r", "14.2 3f", "20.2 3r"};
  EXPECT_EQ(run(1000), expected);
  for (double at = 0.05; at < 25; at += 0.7) {
    Notes notes = run(at);
    // An end posted after the restart may be told before its tick; what is told stays the same.
    ASSERT_EQ(notes.size(), expected.size()) << at;
    for (size_t k = 0; k < notes.size(); ++k) {
      EXPECT_EQ(notes[k].substr(notes[k].find(' ')), expected[k].substr(expected[k].find(' ')))
          << at;
      EXPECT_LE(std::stod(notes[k]), std::stod(expected[k]) + 1e-9) << at;
    }
  }
}

TEST(Restart, ChangedRoutesRegroupWhatFires) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(2);
  std::string by_i = kWebhookConfig;
  by_i.replace(by_i.find("[alertname]"), 11, "[i]");
  h.Restart(by_i);
  h.RunTo(2.1);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "2.0 1f"}));
}

TEST(Restart, StoreThatFailsStopsNoNotification) {
  Harness h;
  h.Start(kWebhookConfig);
  h.kv.SetFailure(Error(ErrorCode::kNoSpace, "disk full"));
  h.Fire(I("1"));
  h.RunTo(8);
  EXPECT_EQ(h.notes, Notes{"1.0 1f"});
}

TEST(Restart, ResendingWritesNothing) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(1.5);
  const size_t before = h.kv.writes();
  for (int k = 0; k < 100; ++k) h.Fire(I("1"));
  EXPECT_EQ(h.kv.writes(), before);
}

}  // namespace
}  // namespace tocsin::alerting
