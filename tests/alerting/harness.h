// An Alertmanager on virtual time with receivers that only write down what they got.
#pragma once

#include <fnmatch.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alerting/alertmanager.h"
#include "fmt/format.h"
#include "gtest/gtest.h"
#include "storage/base/json.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_transport.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_kv_store.h"

namespace tocsin::alerting {

class MapFiles final : public FileSystem {
 public:
  std::map<std::string, std::string> files;

  Result<std::string> ReadFile(const std::string& path, size_t /*max_bytes*/) const override {
    const auto it = files.find(path);
    if (it == files.end()) return NotFound("no such file: " + path);
    return it->second;
  }
  std::vector<std::string> Glob(const std::string& pattern) const override {
    std::vector<std::string> out;
    for (const auto& [path, text] : files) {
      if (fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0) out.push_back(path);
    }
    return out;
  }
};

// Always the middle: retries come after exactly the nominal backoff.
class MiddleRandom final : public Random {
 public:
  uint64_t Next() override { return (uint64_t{1} << 63) + ++count_; }

 private:
  uint64_t count_ = 0;
};

inline std::string FindText(const JsonValue& json, std::string_view key) {
  const JsonValue* v = json.Find(key);
  return v != nullptr && v->AsString() != nullptr ? *v->AsString() : "";
}

class Harness {
 public:
  // Wall time 0 of the timelines.
  static constexpr Timestamp kStart{1'700'000'000'000};

  Harness() : transport(scheduler), mailer(scheduler) {
    transport.SetAnswer([this](const HttpRequest& request) {
      Record(request);
      return answer ? answer(request) : FakeOk();
    });
  }

  static testing::FakeAnswer FakeOk() { return {.status = 200, .body = "ok"}; }

  ConfigPtr Parse(const std::string& text) {
    ConfigWarnings warnings;
    auto config = ParseAlertmanagerConfig(text, "alertmanager.yml", files, warnings);
    EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message());
    return config.ok() ? *config : nullptr;
  }

  void Start(const std::string& text) {
    metrics = std::make_unique<MetricRegistry>();
    am = std::make_unique<Alertmanager>(AlertmanagerPorts{scheduler, scheduler, workers, transport,
                                                          mailer, random, files, kv, *metrics},
                                        options);
    ASSERT_TRUE(am->Start().ok());
    ASSERT_TRUE(am->Apply(Parse(text)).ok());
  }
  // As after kill -9: only the store survives.
  void Restart(const std::string& text) {
    am.reset();
    Start(text);
  }

  double Seconds() const { return static_cast<double>((scheduler.Now() - kStart).count()) / 1000; }
  void RunTo(double seconds) {
    const auto target = static_cast<int64_t>(seconds * 1000);
    const int64_t now = (scheduler.Now() - kStart).count();
    ASSERT_GE(target, now);
    scheduler.Advance(Duration{target - now});
  }

  static Alert Make(std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
    Alert out;
    out.labels = Labels(labels);
    return out;
  }
  // An alert that fires now, for as long as a test lasts.
  void Fire(Alert alert) {
    if (alert.starts_at.ms == 0) alert.starts_at = scheduler.Now();
    alert.ends_at = scheduler.Now() + std::chrono::hours(24 * 365);
    Put(std::move(alert));
  }
  void Resolve(Alert alert) {
    alert.starts_at = scheduler.Now() - Duration{1};
    alert.ends_at = scheduler.Now();
    Put(std::move(alert));
  }
  void Put(Alert alert) {
    std::vector<Alert> alerts;
    alerts.push_back(std::move(alert));
    const Status status = am->Put(std::move(alerts));
    EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message());
  }

  std::string Silence1(const std::string& name, const std::string& value, Duration length) {
    tocsin::alerting::Silence s;
    s.matchers.emplace_back(MatchOp::kEqual, name, value);
    s.starts_at = scheduler.Now();
    s.ends_at = scheduler.Now() + length;
    s.created_by = "me";
    s.comment = "c";
    auto id = am->SetSilence(std::move(s));
    EXPECT_TRUE(id.ok()) << (id.ok() ? "" : id.error().message());
    return id.value_or("");
  }

  // "1.0 1f 2r" for each webhook request: time, then instance and state of each alert.
  std::vector<std::string> notes;
  std::vector<std::string> TakeNotes() { return std::exchange(notes, {}); }

  testing::ManualScheduler scheduler{kStart};
  testing::InlineExecutor workers;
  testing::FakeTransport transport;
  testing::FakeMailer mailer;
  MiddleRandom random;
  MapFiles files;
  testing::MemoryKvStore kv;
  std::unique_ptr<MetricRegistry> metrics;
  AlertmanagerOptions options{.external_url = "http://am.local:9093"};
  std::function<testing::FakeAnswer(const HttpRequest&)> answer;
  std::unique_ptr<Alertmanager> am;

 private:
  void Record(const HttpRequest& request) {
    std::string note = fmt::format("{:.1f}", Seconds());
    const auto json = ParseJson(request.body);
    const JsonValue* alerts = json.ok() ? json->Find("alerts") : nullptr;
    if (alerts == nullptr || alerts->AsArray() == nullptr) return;
    for (const JsonValue& a : *alerts->AsArray()) {
      const JsonValue* labels = a.Find("labels");
      note += " " + FindText(*labels, "i") + FindText(a, "status").substr(0, 1);
    }
    notes.push_back(std::move(note));
  }
};

inline const std::string kWebhookConfig = R"(
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 1s
  group_interval: 3s
  repeat_interval: 10s
receivers:
- name: hook
  webhook_configs:
  - url: http://receiver.local/hook
)";

}  // namespace tocsin::alerting
