// The notification sequences measured on Alertmanager, on virtual time: group_wait 1s,
// group_interval 3s, repeat_interval 10s; "7.0 1r 2f" is a message at 7.0 s.
#include <gtest/gtest.h>

#include "tests/alerting/harness.h"

namespace tocsin::alerting {
namespace {

using Notes = std::vector<std::string>;

Alert I(std::string_view i) { return Harness::Make({{"alertname", "A"}, {"i", i}}); }

std::string Replace(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(Timeline, JoinResolveRepeat) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(2);
  h.Fire(I("2"));
  h.RunTo(6);
  h.Resolve(I("1"));
  h.RunTo(26);
  h.Resolve(I("2"));
  h.RunTo(60);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "4.0 1f 2f", "7.0 1r 2f", "19.0 2f", "28.0 2r"}));
}

// The entry of the log is written just after the tick, so a repeat interval of k intervals usually
// takes one interval more.
TEST(Timeline, RepeatComesAtTheFirstTickStrictlyLater) {
  Harness h;
  std::string config = Replace(kWebhookConfig, "group_interval: 3s", "group_interval: 2s");
  h.Start(Replace(config, "repeat_interval: 10s", "repeat_interval: 6s"));
  h.answer = [](const HttpRequest&) {
    auto ok = Harness::FakeOk();
    ok.delay = Duration{5};
    return ok;
  };
  h.Fire(I("1"));
  h.RunTo(20);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "9.0 1f", "17.0 1f"}));
}

TEST(Timeline, ShortSilenceLeavesNoTrace) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(2);
  h.Silence1("i", "1", Duration{16'000});
  h.RunTo(21);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "19.0 1f"}));
}

TEST(Timeline, ResolvedWhileSilencedIsNeverTold) {
  Harness h;
  h.Start(Replace(kWebhookConfig, "repeat_interval: 10s", "repeat_interval: 1h"));
  h.Fire(I("1"));
  h.RunTo(23);
  const std::string silence = h.Silence1("i", "1", Duration{600'000});
  h.RunTo(24);
  h.Resolve(I("1"));
  h.RunTo(29);
  ASSERT_TRUE(h.am->ExpireSilence(silence).ok());
  h.RunTo(36);
  EXPECT_EQ(h.TakeNotes(), Notes{"1.0 1f"});
  h.Fire(I("1"));  // the log still says that it fires
  h.RunTo(50);
  EXPECT_EQ(h.TakeNotes(), Notes{});
  h.Resolve(I("1"));
  h.RunTo(60);
  EXPECT_EQ(h.TakeNotes(), Notes{"52.0 1r"});
}

TEST(Timeline, InhibitedTargetThatResolvesIsNotTold) {
  Harness h;
  h.Start(kWebhookConfig + R"(
inhibit_rules:
- source_matchers: [alertname="C"]
  target_matchers: [alertname="W"]
)");
  const Alert w = Harness::Make({{"alertname", "W"}, {"i", "W"}});
  const Alert c = Harness::Make({{"alertname", "C"}, {"i", "C"}});
  h.Fire(w);
  h.RunTo(2);
  h.Fire(c);
  h.RunTo(8);
  h.Resolve(w);
  h.RunTo(22);
  h.Resolve(c);
  h.RunTo(40);
  EXPECT_EQ(h.notes, (Notes{"1.0 Wf", "3.0 Cf", "15.0 Cf", "24.0 Cr"}));
}

TEST(Timeline, UnsilencedAlertCountsAsNew) {
  Harness h;
  h.Start(kWebhookConfig);
  for (const char* i : {"1", "2", "3"}) h.Fire(I(i));
  h.RunTo(2);
  const std::string silence = h.Silence1("i", "1", Duration{600'000});
  h.RunTo(6);
  h.Resolve(I("2"));
  h.RunTo(10.5);
  h.Fire(I("4"));
  h.RunTo(14);
  ASSERT_TRUE(h.am->ExpireSilence(silence).ok());
  h.RunTo(17);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f 2f 3f", "7.0 2r 3f", "13.0 3f 4f", "16.0 1f 3f 4f"}));
}

TEST(Timeline, FlapBetweenTicksIsInvisible) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(4.5);
  h.Resolve(I("1"));
  h.RunTo(5.5);
  h.Fire(I("1"));
  h.RunTo(9);
  EXPECT_EQ(h.notes, Notes{"1.0 1f"});
}

TEST(Timeline, ResolvedBeforeTheFirstFlushIsSilent) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(0.5);
  h.Resolve(I("1"));
  h.RunTo(30);
  EXPECT_EQ(h.notes, Notes{});
}

// With the middle of every random delay: 0.5, 0.75, 1.125, ... seconds between attempts, the
// deadline of 10 s, then the tick that waited starts a new round.
TEST(Timeline, RetriesUntilTheDeadlineThenTheWaitingTick) {
  Harness h;
  h.Start(kWebhookConfig);
  std::vector<double> times;
  h.answer = [&](const HttpRequest&) {
    times.push_back(h.Seconds());
    return testing::FakeAnswer{.status = 503};
  };
  h.Fire(I("1"));
  h.RunTo(12.5);
  ASSERT_GE(times.size(), 9u);
  const std::vector<double> expected = {1.0, 1.5, 2.25, 3.375, 5.062, 7.593, 11.0, 11.5, 12.25};
  for (size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(times[k], expected[k], 0.01) << k;
}

TEST(Timeline, FailureIsTriedAgainAtEveryTick) {
  Harness h;
  h.Start(kWebhookConfig);
  h.answer = [](const HttpRequest&) { return testing::FakeAnswer{.status = 404}; };
  h.Fire(I("1"));
  h.RunTo(8);
  EXPECT_EQ(h.TakeNotes(), (Notes{"1.0 1f", "4.0 1f", "7.0 1f"}));
  h.answer = {};
  h.RunTo(18);
  EXPECT_EQ(h.TakeNotes(), Notes{"10.0 1f"});
}

TEST(Timeline, OldAlertIsFlushedAtOnce) {
  Harness h;
  h.Start(kWebhookConfig);
  h.RunTo(5);
  Alert old = I("1");
  old.starts_at = Harness::kStart - Duration{60'000};
  h.Fire(old);
  h.RunTo(5.1);
  EXPECT_EQ(h.notes, Notes{"5.0 1f"});
}

TEST(Timeline, EmptyGroupIsForgotten) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(2);
  h.Resolve(I("1"));
  h.RunTo(5);
  EXPECT_TRUE(h.am->Groups().empty());
  h.Fire(I("1"));  // a new group waits group_wait again
  h.RunTo(9);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "4.0 1r", "6.0 1f"}));
}

TEST(Timeline, AlertEndsByItself) {
  Harness h;
  h.Start("global: {resolve_timeout: 2s}\n" + kWebhookConfig);
  h.Put(I("1"));
  h.RunTo(10);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "4.0 1r"}));
}

TEST(Timeline, ReloadKeepsWhatWasToldAndRestartsTheGrid) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(6);
  ASSERT_TRUE(h.am->Apply(h.Parse(kWebhookConfig)).ok());
  h.RunTo(16);
  // Grid from the reload: 6, 9, 12, 15; the repeat is due from 11 on.
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "12.0 1f"}));
}

TEST(Timeline, ReloadToAnotherReceiverTellsIt) {
  Harness h;
  h.Start(kWebhookConfig);
  h.Fire(I("1"));
  h.RunTo(6);
  std::string other = Replace(kWebhookConfig, "receiver: hook", "receiver: next");
  other = Replace(other, "- name: hook", "- name: next");
  ASSERT_TRUE(h.am->Apply(h.Parse(other)).ok());
  h.RunTo(6.1);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "6.0 1f"}));
}

TEST(Timeline, ReloadWaitsForTheAnswerOnTheWire) {
  Harness h;
  h.Start(kWebhookConfig);
  h.answer = [](const HttpRequest&) {
    auto ok = Harness::FakeOk();
    ok.delay = Duration{2000};
    return ok;
  };
  h.Fire(I("1"));
  h.RunTo(1.5);
  ASSERT_TRUE(h.am->Apply(h.Parse(kWebhookConfig)).ok());
  h.RunTo(8);
  EXPECT_EQ(h.notes, Notes{"1.0 1f"});
}

TEST(Timeline, ReloadGetsPastAReceiverThatHangs) {
  Harness h;
  const std::string slow = Replace(kWebhookConfig, "group_interval: 3s", "group_interval: 5m");
  h.Start(Replace(slow, "receiver.local", "hangs.local"));
  h.answer = [](const HttpRequest& request) {
    auto answer = Harness::FakeOk();
    answer.never = request.url.find("hangs") != std::string::npos;
    return answer;
  };
  h.Fire(I("1"));
  h.RunTo(2);
  ASSERT_TRUE(h.am->Apply(h.Parse(slow)).ok());
  h.RunTo(8);
  EXPECT_EQ(h.notes, (Notes{"1.0 1f", "7.0 1f"}));
}

// Two routes with the same matchers have the same group key and yet two groups.
TEST(Timeline, SiblingsWithTheSameMatchers) {
  Harness h;
  h.Start(R"(
route:
  receiver: root
  group_by: [alertname]
  group_wait: 1s
  routes:
  - {matchers: [alertname="A"], receiver: one, continue: true}
  - {matchers: [alertname="A"], receiver: two}
receivers:
- name: root
- name: one
  webhook_configs: [{url: 'http://one.local/'}]
- name: two
  webhook_configs: [{url: 'http://two.local/'}]
)");
  h.Fire(I("1"));
  h.RunTo(2);
  ASSERT_EQ(h.transport.requests().size(), 2u);
  EXPECT_EQ(h.transport.requests()[0].url, "http://one.local/");
  EXPECT_EQ(h.transport.requests()[1].url, "http://two.local/");
  EXPECT_EQ(h.am->Groups().size(), 2u);
}

TEST(Timeline, HangingReceiverDelaysNobodyElse) {
  Harness h;
  h.Start(R"(
route:
  receiver: good
  group_by: [alertname]
  group_wait: 1s
  group_interval: 3s
  repeat_interval: 1h
  routes:
  - {matchers: [i="bad"], receiver: hangs}
receivers:
- name: good
  webhook_configs: [{url: 'http://good.local/'}]
- name: hangs
  webhook_configs: [{url: 'http://hangs.local/'}]
)");
  h.answer = [](const HttpRequest& request) {
    auto answer = Harness::FakeOk();
    answer.never = request.url.find("hangs") != std::string::npos;
    return answer;
  };
  h.Fire(I("bad"));
  h.Fire(I("1"));
  h.RunTo(3);
  h.Fire(I("2"));
  h.RunTo(8);
  EXPECT_EQ(h.notes, (Notes{"1.0 badf", "1.0 1f", "4.0 1f 2f"}));
}

TEST(Timeline, ReceiversThatFailForAnHourDelayNobodyElse) {
  Harness h;
  h.Start(R"(
route:
  receiver: good
  group_by: [alertname]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 12h
  routes:
  - {matchers: [i="500"], receiver: fails}
  - {matchers: [i="reset"], receiver: resets}
receivers:
- name: good
  webhook_configs: [{url: 'http://good.local/'}]
- name: fails
  webhook_configs: [{url: 'http://fails.local/'}]
- name: resets
  webhook_configs: [{url: 'http://resets.local/'}]
)");
  bool broken = true;
  std::map<std::string, Notes> heard;  // what each host took
  h.answer = [&](const HttpRequest& request) {
    auto answer = Harness::FakeOk();
    if (broken && request.url.find("fails") != std::string::npos) answer.status = 500;
    if (broken && request.url.find("resets") != std::string::npos) {
      answer.error = Error(ErrorCode::kUnavailable, "connection reset by peer");
      answer.phase = TransportPhase::kSend;
    }
    if (answer.status == 200 && answer.error.ok()) {
      heard[request.url].push_back(fmt::format("{:.0f}", h.Seconds()));
    }
    return answer;
  };
  h.Fire(I("500"));
  h.Fire(I("reset"));
  Notes good;
  for (int minute = 0; minute < 60; ++minute) {  // a new alert a minute, told at the next tick
    h.RunTo(60 * minute);
    h.Fire(I(std::to_string(minute).c_str()));
    good.push_back(std::to_string(60 * minute + 10));
  }
  h.RunTo(3600);
  EXPECT_EQ(heard["http://good.local/"], good);
  EXPECT_TRUE(heard["http://fails.local/"].empty());
  broken = false;
  h.RunTo(3700);  // nothing was forgotten: told within a tick
  EXPECT_EQ(heard["http://fails.local/"].size(), 1u);
  EXPECT_EQ(heard["http://resets.local/"].size(), 1u);
  h.RunTo(3 * 3600);
  EXPECT_EQ(heard["http://fails.local/"].size(), 1u);
  EXPECT_EQ(heard["http://good.local/"].size(), good.size());
}

}  // namespace
}  // namespace tocsin::alerting
