// The Alertmanager under real threads: senders, readers, reloads and answers at the same time. Made
// for TSan; without it, it checks that every group is told and that the end comes cleanly.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "alerting/alertmanager.h"
#include "storage/base/event_loop.h"
#include "storage/base/json.h"
#include "storage/base/thread_pool.h"
#include "tests/alerting/harness.h"

namespace tocsin::alerting {
namespace {

class RealClock final : public Clock {
 public:
  Timestamp Now() const override {
    return {
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
            .count()};
  }
  MonotonicTime Monotonic() const override {
    return {std::chrono::steady_clock::now().time_since_epoch()};
  }
};

// Answers on the event loop; every eighth request fails for once.
class LoopTransport final : public Transport {
 public:
  explicit LoopTransport(Scheduler& loop) : loop_(loop) {}

  std::unique_ptr<Exchange> Start(HttpRequest request,
                                  std::shared_ptr<ResponseHandler> handler) override {
    const int status = count_.fetch_add(1) % 8 == 7 ? 503 : 200;
    if (status == 200) {
      std::lock_guard lock(mutex_);
      const auto json = ParseJson(request.body);
      told_.insert(FindText(*json->Find("groupLabels"), "alertname"));
    }
    loop_.Post([handler, status] {
      handler->OnHeaders(status, {});
      handler->OnDone({OkStatus(), TransportPhase::kBody});
    });
    return std::make_unique<Exchange>();
  }
  size_t told() const {
    std::lock_guard lock(mutex_);
    return told_.size();
  }

 private:
  Scheduler& loop_;
  std::atomic<int> count_ = 0;
  mutable std::mutex mutex_;
  std::set<std::string> told_;
};

TEST(AlertmanagerThreads, SendersReadersReloadsAndAnswers) {
  constexpr int kGroups = 40;
  const std::string config =
      "route: {receiver: r, group_by: [alertname], group_wait: 1ms, group_interval: 20ms}\n"
      "receivers:\n- name: r\n  webhook_configs: [{url: 'http://w.local/'}]\n";
  RealClock clock;
  EventLoop loop;
  std::thread io([&] { loop.Run(); });
  testing::ManualScheduler unused;
  testing::FakeMailer mailer(unused);
  testing::FakeRandom random;
  testing::MemoryKvStore kv;
  MapFiles files;
  MetricRegistry metrics;
  LoopTransport transport(loop);
  ThreadPool workers("workers", 3);
  ConfigWarnings warnings;
  {
    Alertmanager am({clock, loop, workers, transport, mailer, random, files, kv, metrics},
                    {.external_url = "http://am.local"});
    ASSERT_TRUE(am.Start().ok());
    ASSERT_TRUE(am.Apply(*ParseAlertmanagerConfig(config, "c.yml", files, warnings)).ok());
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        for (int round = 0; round < 5; ++round) {
          for (int g = t; g < kGroups; g += 2) {
            Alert a = Harness::Make({{"alertname", "g" + std::to_string(g)}});
            a.starts_at = clock.Now();
            a.ends_at = a.starts_at + Duration{600'000};
            std::vector<Alert> one;
            one.push_back(std::move(a));
            EXPECT_TRUE(am.Put(std::move(one)).ok());
          }
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
      });
    }
    threads.emplace_back([&] {
      for (int k = 0; k < 10; ++k) {
        (void)am.Alerts();
        (void)am.Groups();
        (void)am.ConfigYaml();
        (void)metrics.Serialize();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      EXPECT_TRUE(am.Apply(*ParseAlertmanagerConfig(config, "c.yml", files, warnings)).ok());
    });
    for (std::thread& thread : threads) thread.join();
    for (int k = 0; k < 400 && transport.told() < kGroups; ++k) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(transport.told(), static_cast<size_t>(kGroups));
  }
  workers.Stop();
  loop.Stop();
  io.join();
}

}  // namespace
}  // namespace tocsin::alerting
