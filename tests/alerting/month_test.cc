// Thirty days of alerts in a few seconds: one that stays, one that flaps, a silence of five days,
// an inhibited one, nights that are muted through the change to summer time, and a kill -9 every
// day at another hour.
#include <gtest/gtest.h>

#include <map>

#include "storage/model/duration.h"
#include "tests/alerting/harness.h"

namespace tocsin::alerting {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const std::string kConfig = R"(
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 12h
  routes:
  - {matchers: [alertname="Night"], mute_time_intervals: [night]}
receivers:
- name: hook
  webhook_configs: [{url: 'http://w.local/'}]
inhibit_rules:
- {source_matchers: [alertname="Cause"], target_matchers: [alertname="Effect"]}
time_intervals:
- name: night
  time_intervals: [{times: [{start_time: '02:00', end_time: '04:00'}], location: Europe/Berlin}]
)";

class Month {
 public:
  Month() : begin_(*ParseRfc3339("2026-03-14T00:00:00Z")) {
    h_.scheduler.Advance(begin_ - h_.scheduler.Now());
    h_.transport.SetAnswer([this](const HttpRequest& request) {
      const auto json = ParseJson(request.body);
      const std::string name = FindText(*json->Find("groupLabels"), "alertname");
      told_[name].push_back(FormatRfc3339(h_.scheduler.Now()) + " " + FindText(*json, "status"));
      return Harness::FakeOk();
    });
  }

  void At(Duration since, std::function<void()> act) { events_.emplace(since, std::move(act)); }
  void Fire(Duration since, const char* name) {
    At(since, [this, name] { h_.Fire(Harness::Make({{"alertname", name}})); });
  }
  void Resolve(Duration since, const char* name) {
    At(since, [this, name] { h_.Resolve(Harness::Make({{"alertname", name}})); });
  }
  void Silence(Duration since, const char* name, Duration length) {
    At(since, [this, name, length] { h_.Silence1("alertname", name, length); });
  }
  void Kill(Duration since) {
    At(since, [this] { h_.Restart(kConfig); });
  }
  void Run(Duration length) {
    h_.Start(kConfig);
    for (const auto& [since, act] : events_) {
      h_.scheduler.Advance(begin_ + since - h_.scheduler.Now());
      act();
    }
    h_.scheduler.Advance(begin_ + length - h_.scheduler.Now());
  }

  std::vector<std::string> told(const std::string& name) { return told_[name]; }
  std::string Time(Duration since) const { return FormatRfc3339(begin_ + since); }

 private:
  const Timestamp begin_;
  Harness h_;
  std::multimap<Duration, std::function<void()>> events_;
  std::map<std::string, std::vector<std::string>> told_;
};

// First after group_wait, then every repeat_interval at the first tick strictly later.
std::vector<std::string> Repeats(const Month& month, Duration from, Duration until) {
  std::vector<std::string> out;
  for (Duration t = from + seconds(30); t < until; t += hours(12) + minutes(5)) {
    out.push_back(month.Time(t) + " firing");
  }
  return out;
}

TEST(Month, ThirtyDays) {
  constexpr auto kDay = hours(24);
  Month m;
  m.Fire(hours(0), "Stays");
  m.Fire(hours(0), "Flaps");
  for (int hour = 0; hour < 30 * 24; ++hour) {  // down and up between two ticks
    m.Resolve(hours(hour) + minutes(1), "Flaps");
    m.Fire(hours(hour) + minutes(2), "Flaps");
  }
  m.Silence(5 * kDay - minutes(1), "Silenced", 5 * kDay + minutes(1));
  m.Fire(5 * kDay, "Silenced");
  m.Fire(11 * kDay + hours(12), "Cause");
  m.Fire(12 * kDay, "Effect");
  m.Resolve(15 * kDay, "Cause");
  for (int day = 0; day < 30; ++day) {
    m.Fire(day * kDay + hours(1) + minutes(30), "Night");
    m.Resolve(day * kDay + hours(5), "Night");
    m.Kill(day * kDay + minutes(47 * day + 3) + seconds(7 * day));
  }
  m.Run(30 * kDay);

  EXPECT_EQ(m.told("Stays"), Repeats(m, hours(0), 30 * kDay));
  EXPECT_EQ(m.told("Flaps"), Repeats(m, hours(0), 30 * kDay));
  EXPECT_EQ(m.told("Silenced"), Repeats(m, 10 * kDay, 30 * kDay));
  EXPECT_EQ(m.told("Effect"), Repeats(m, 15 * kDay, 30 * kDay));
  auto cause = Repeats(m, 11 * kDay + hours(12), 15 * kDay);
  cause.push_back(m.Time(15 * kDay + seconds(30)) + " resolved");
  EXPECT_EQ(m.told("Cause"), cause);

  // Muted until 04:00 in Berlin: 03:00 UTC until 28 March, then 02:00.
  std::vector<std::string> night;
  for (int day = 0; day < 30; ++day) {
    const auto muted_until = hours(day < 15 ? 3 : 2);
    night.push_back(m.Time(day * kDay + muted_until + seconds(30)) + " firing");
    night.push_back(m.Time(day * kDay + hours(5) + seconds(30)) + " resolved");
  }
  EXPECT_EQ(m.told("Night"), night);
}

}  // namespace
}  // namespace tocsin::alerting
