// Stages on their own: dedup, backoff; and what the whole does with failures and mutes.
#include <gtest/gtest.h>

#include <map>

#include "alerting/pipeline/dedup.h"
#include "alerting/pipeline/retry.h"
#include "tests/alerting/harness.h"

namespace tocsin::alerting {
namespace {

using Hashes = std::vector<uint64_t>;

TEST(Dedup, Table) {
  const Timestamp now{1'000'000};
  const Duration repeat{100'000};
  const auto entry = [&](Hashes firing, Hashes resolved, int64_t age) {
    NflogEntry e;
    e.firing = std::move(firing);
    e.resolved = std::move(resolved);
    e.time = now - Duration{age};
    return e;
  };
  struct Row {
    std::optional<NflogEntry> entry;
    Hashes firing, resolved;
    bool send_resolved;
    std::string_view reason;
  };
  const Row rows[] = {
      {std::nullopt, {1}, {}, true, "first notification"},
      {std::nullopt, {}, {1}, true, ""},
      {entry({1}, {}, 10), {1}, {}, true, ""},
      {entry({1}, {}, 10), {1, 2}, {}, true, "new alerts added"},
      {entry({}, {1}, 10), {1}, {}, true, "first notification"},
      {entry({1}, {}, 10), {}, {1}, true, "all alerts resolved"},
      {entry({1}, {}, 10), {}, {1}, false, "all alerts resolved"},
      {entry({}, {1}, 10), {}, {1}, true, ""},
      {entry({1, 2}, {}, 10), {1}, {2}, true, "some alerts resolved"},
      {entry({1, 2}, {}, 10), {1}, {2}, false, ""},
      {entry({1}, {2}, 10), {1}, {2}, true, ""},
      {entry({1}, {}, 100'000), {1}, {}, true, ""},  // strictly later
      {entry({1}, {}, 100'001), {1}, {}, true, "repeat interval elapsed"},
  };
  for (size_t i = 0; i < std::size(rows); ++i) {
    const Row& row = rows[i];
    EXPECT_EQ(NotifyReason(row.entry ? &*row.entry : nullptr, {row.firing, row.resolved},
                           row.send_resolved, repeat, now),
              row.reason)
        << i;
  }
}

TEST(Retry, BackoffGrowsWithinItsBounds) {
  EXPECT_EQ(RetryDelay(0, 0.5), Duration{500});
  EXPECT_EQ(RetryDelay(0, 0), Duration{250});
  EXPECT_EQ(RetryDelay(1, 0.5), Duration{750});
  EXPECT_EQ(RetryDelay(100, 0.5), Duration{60'000});
  EXPECT_LE(RetryDelay(100, 0.999), Duration{90'000});
}

std::string OneReceiver(const std::string& section) {
  return "route: {receiver: r, group_by: [alertname], group_wait: 0s, group_interval: 1m}\n"
         "receivers:\n- name: r\n" +
         section;
}

size_t Attempts(const std::string& section, const testing::FakeAnswer& answer) {
  Harness h;
  h.answer = [&](const HttpRequest&) { return answer; };
  h.Start(OneReceiver(section));
  h.Fire(Harness::Make({{"alertname", "A"}}));
  h.RunTo(3);
  return h.transport.requests().size();
}

TEST(Retry, WhatIsTriedAgain) {
  const std::string webhook = "  webhook_configs: [{url: 'http://w.local/'}]\n";
  const std::string slack = "  slack_configs: [{api_url: 'http://s.local/'}]\n";
  const std::string v1 = "  pagerduty_configs: [{service_key: k}]\n";
  const std::string v2 = "  pagerduty_configs: [{routing_key: k}]\n";
  const testing::FakeAnswer refused{.error = Error(ErrorCode::kIo, "connection refused")};
  EXPECT_EQ(Attempts(webhook, {.status = 204}), 1u);
  EXPECT_EQ(Attempts(webhook, {.status = 500}), 4u);
  EXPECT_EQ(Attempts(webhook, refused), 4u);
  EXPECT_EQ(Attempts(webhook, {.status = 400}), 1u);
  EXPECT_EQ(Attempts(webhook, {.status = 429}), 1u);
  EXPECT_EQ(Attempts(webhook, {.status = 302}), 1u);
  EXPECT_EQ(Attempts(slack, {.status = 200, .body = "invalid_token"}), 1u);
  EXPECT_EQ(Attempts(v1, {.status = 403}), 4u);
  EXPECT_EQ(Attempts(v1, {.status = 429}), 1u);
  EXPECT_EQ(Attempts(v2, {.status = 429}), 4u);
}

TEST(Retry, FailureReasonsAreCounted) {
  const std::pair<int, const char*> table[] = {
      {400, "clientError"}, {401, "authError"}, {429, "rateLimited"}, {302, "other"}};
  for (const auto& [status, reason] : table) {
    Harness h;
    h.answer = [code = status](const HttpRequest&) { return testing::FakeAnswer{.status = code}; };
    h.Start(OneReceiver("  webhook_configs: [{url: 'http://w.local/'}]\n"));
    h.Fire(Harness::Make({{"alertname", "A"}}));
    h.RunTo(1);
    const std::string line = fmt::format(
        "alertmanager_notifications_failed_total{{integration=\"webhook\",reason=\"{}\"}} 1",
        reason);
    EXPECT_NE(h.metrics->Serialize().find(line), std::string::npos) << line;
  }
}

TEST(Limits, AlertsOfOneName) {
  Harness h;
  h.options.max_alerts_per_name = 2;
  h.Start(kWebhookConfig);
  const auto make = [](const char* i) { return Harness::Make({{"alertname", "A"}, {"i", i}}); };
  for (const char* i : {"1", "2", "3"}) h.Fire(make(i));
  h.Fire(Harness::Make({{"alertname", "B"}, {"i", "4"}}));
  EXPECT_EQ(h.am->Alerts().size(), 3u);
  EXPECT_NE(h.metrics->Serialize().find("alertmanager_alerts_limited_total 1"), std::string::npos);
  h.RunTo(2);
  h.Resolve(make("1"));
  h.RunTo(5);  // its end has been told
  h.Fire(make("3"));
  EXPECT_EQ(h.am->Alerts().size(), 3u);
  h.Fire(make("2"));  // a known one always may
  EXPECT_NE(h.metrics->Serialize().find("alertmanager_alerts_limited_total 1"), std::string::npos);
}

TEST(Limits, FailedReloadShows) {
  Harness h;
  h.Start(kWebhookConfig);
  EXPECT_NE(h.metrics->Serialize().find("alertmanager_config_last_reload_successful 1"),
            std::string::npos);
  h.am->NoteFailedReload();
  EXPECT_NE(h.metrics->Serialize().find("alertmanager_config_last_reload_successful 0"),
            std::string::npos);
}

TEST(Pipeline, TemplateErrorIsFinalUntilTheNextFlush) {
  Harness h;
  h.Start(OneReceiver(
      "  slack_configs: [{api_url: 'http://s.local/', text: '{{ index .Alerts 9 }}'}]\n"));
  h.Fire(Harness::Make({{"alertname", "A"}}));
  h.RunTo(5);
  EXPECT_TRUE(h.transport.requests().empty());
}

TEST(Pipeline, OneIntegrationsFailureLeavesTheOthersEntry) {
  Harness h;
  h.Start(
      "route: {receiver: r, group_by: [alertname], group_wait: 0s, group_interval: 1s}\n"
      "receivers:\n- name: r\n  webhook_configs: [{url: 'http://bad.local/'}, {url: "
      "'http://good.local/'}]\n");
  size_t good = 0, bad = 0;
  h.answer = [&](const HttpRequest& request) {
    const bool is_bad = request.url.find("bad") != std::string::npos;
    ++(is_bad ? bad : good);
    return is_bad ? testing::FakeAnswer{.status = 404} : Harness::FakeOk();
  };
  h.Fire(Harness::Make({{"alertname", "A"}}));
  h.RunTo(3.5);
  EXPECT_EQ(good, 1u);
  EXPECT_EQ(bad, 4u);
}

TEST(Pipeline, SendResolvedFalseHearsNoEndsAndFiresAnew) {
  Harness h;
  std::string config = kWebhookConfig + "    send_resolved: false\n";
  h.Start(config);
  const Alert a = Harness::Make({{"alertname", "A"}, {"i", "1"}});
  h.Fire(a);
  h.RunTo(2);
  h.Resolve(a);
  h.RunTo(5);
  h.Fire(a);
  h.RunTo(8);
  EXPECT_EQ(h.notes, (std::vector<std::string>{"1.0 1f", "6.0 1f"}));
}

TEST(Pipeline, SlackUpdatesItsMessage) {
  Harness h;
  h.Start(R"(
route: {receiver: r, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers:
- name: r
  slack_configs:
  - {api_url: 'http://s.local/api/chat.postMessage', channel: '#c', update_message: true, send_resolved: true}
)");
  h.answer = [](const HttpRequest&) {
    return testing::FakeAnswer{.body = R"({"ok": true, "ts": "12.3", "channel": "C7"})",
                               .headers = {{"Content-Type", "application/json; charset=utf-8"}}};
  };
  const Alert a = Harness::Make({{"alertname", "A"}, {"i", "1"}});
  h.Fire(a);
  h.RunTo(0.5);
  h.Fire(Harness::Make({{"alertname", "A"}, {"i", "2"}}));
  h.RunTo(1.5);
  ASSERT_EQ(h.transport.requests().size(), 2u);
  const auto first = ParseJson(h.transport.requests()[0].body);
  EXPECT_EQ(h.transport.requests()[0].url, "http://s.local/api/chat.postMessage");
  EXPECT_EQ(FindText(*first, "channel"), "#c");
  EXPECT_EQ(first->Find("ts"), nullptr);
  const auto second = ParseJson(h.transport.requests()[1].body);
  EXPECT_EQ(h.transport.requests()[1].url, "http://s.local/api/chat.update");
  EXPECT_EQ(FindText(*second, "channel"), "C7");
  EXPECT_EQ(FindText(*second, "ts"), "12.3");
  // When everything has ended, the next first notification is a new message.
  h.Resolve(a);
  h.Resolve(Harness::Make({{"alertname", "A"}, {"i", "2"}}));
  h.RunTo(2.5);
  h.Fire(a);
  h.RunTo(3.5);
  ASSERT_EQ(h.transport.requests().size(), 4u);
  EXPECT_EQ(h.transport.requests()[3].url, "http://s.local/api/chat.postMessage");
}

TEST(Pipeline, SlackWithATokenSendsItAsBearer) {
  Harness h;
  h.files.files["token"] = " xoxb-1\n";
  h.Start(R"(
global: {slack_app_token_file: token}
route: {receiver: r, group_wait: 0s}
receivers:
- {name: r, slack_configs: [{channel: '#c'}]}
)");
  h.Fire(Harness::Make({{"alertname", "A"}}));
  h.RunTo(0.5);
  ASSERT_EQ(h.transport.requests().size(), 1u);
  const HttpRequest& request = h.transport.requests()[0];
  EXPECT_EQ(request.url, "https://slack.com/api/chat.postMessage");
  const std::pair<std::string, std::string> bearer("Authorization", "Bearer xoxb-1");
  EXPECT_NE(std::find(request.headers.begin(), request.headers.end(), bearer),
            request.headers.end());
}

TEST(Pipeline, TimeoutOfTheSectionEndsAnAttempt) {
  Harness h;
  h.Start(OneReceiver("  webhook_configs: [{url: 'http://w.local/', timeout: 1s}]\n"));
  h.answer = [](const HttpRequest& request) {
    EXPECT_EQ(request.timeout, Duration{1000});
    return testing::FakeAnswer{.never = true};
  };
  h.Fire(Harness::Make({{"alertname", "A"}}));
  h.RunTo(1.8);  // 1 s, then half a second of backoff
  EXPECT_EQ(h.transport.requests().size(), 2u);
}

TEST(Pipeline, MutedAndInactiveRoutesAreSilentAndSaySo) {
  Harness h;  // the clock starts on 2023-11-14, a tuesday, 22:13:20 UTC
  h.Start(R"(
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 1s
  group_interval: 3s
  routes:
  - {matchers: [i="muted"], mute_time_intervals: [evening]}
  - {matchers: [i="inactive"], active_time_intervals: [morning]}
  - {matchers: [i="active"], active_time_intervals: [morning, evening]}
receivers:
- name: hook
  webhook_configs: [{url: 'http://w.local/'}]
time_intervals:
- {name: evening, time_intervals: [{weekdays: [tuesday], times: [{start_time: '22:00', end_time: '24:00'}]}]}
- {name: morning, time_intervals: [{times: [{start_time: '06:00', end_time: '12:00'}]}]}
)");
  for (const char* i : {"muted", "inactive", "active"}) {
    h.Fire(Harness::Make({{"alertname", "A"}, {"i", i}}));
  }
  h.RunTo(5);
  EXPECT_EQ(h.TakeNotes(), std::vector<std::string>{"1.0 activef"});
  const auto groups = h.am->Groups();
  ASSERT_EQ(groups.size(), 3u);
  for (const auto& group : groups) {
    const AlertView& view = group.alerts.at(0);
    const std::string_view i = view.alert.labels.Get("i");
    EXPECT_EQ(view.state, i == "active" ? AlertState::kActive : AlertState::kSuppressed) << i;
    const std::map<std::string_view, std::vector<std::string>> muted_by = {
        {"muted", {"evening"}}, {"inactive", {"morning"}}, {"active", {}}};
    EXPECT_EQ(view.muted_by, muted_by.at(i)) << i;
  }
  // Intervals mute groups; outside of them an alert is as active as any.
  for (const AlertView& view : h.am->Alerts()) {
    EXPECT_EQ(view.state, AlertState::kActive);
    EXPECT_TRUE(view.muted_by.empty());
  }
  h.RunTo(3600 * 2);  // past midnight
  EXPECT_EQ(h.notes, std::vector<std::string>{"6400.0 mutedf"});
}

}  // namespace
}  // namespace tocsin::alerting
