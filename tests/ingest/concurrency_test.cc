// Scraping, receiving and forwarding on real threads, for the thread sanitizer: reloads, questions
// and shutdown at any moment.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <protozero/pbf_writer.hpp>
#include <thread>

#include "ingest/forward/forwarder.h"
#include "ingest/remote_write/receiver.h"
#include "ingest/scrape/manager.h"
#include "storage/base/compression.h"
#include "storage/base/event_loop.h"
#include "storage/base/thread_pool.h"
#include "tests/support/memory_appendable.h"
#include "tests/support/memory_kv_store.h"
#include "tests/support/memory_queryable.h"
#include "tests/support/memory_tail.h"

namespace tocsin::ingest {
namespace {

using testing::MemoryAppendable;
using testing::MemoryKvStore;

class RealClock final : public Clock {
 public:
  Timestamp Now() const override {
    return {1'700'000'000'000 + Monotonic().since_start.count() / 1'000'000};
  }
  MonotonicTime Monotonic() const override {
    return {std::chrono::steady_clock::now().time_since_epoch()};
  }
};

// Answers every request on the loop with the same page.
class PageTransport final : public Transport {
 public:
  explicit PageTransport(Scheduler& scheduler) : scheduler_(scheduler) {}

  std::unique_ptr<Exchange> Start(HttpRequest request,
                                  std::shared_ptr<ResponseHandler> handler) override {
    const int number = ++started_;
    auto exchange = std::make_unique<Pending>();
    exchange->timer =
        scheduler_.After(Duration{number % 3}, [handler, number, post = request.method == "POST"] {
          handler->OnHeaders(post ? 204 : 200, {{"Content-Type", "text/plain"}});
          // Another shape now and then, and a broken one.
          std::string page = "# TYPE a counter\na 1\n";
          if (number % 5 == 0) page += "b 2\n";
          if (number % 7 == 0) page += "oops\n";
          handler->OnData(page);
          handler->OnDone({OkStatus(), TransportPhase::kBody});
        });
    return exchange;
  }
  int started() const { return started_; }

 private:
  struct Pending final : Exchange {
    Timer timer;
  };
  Scheduler& scheduler_;
  std::atomic<int> started_{0};
};

class ConcurrencyTest : public ::testing::Test {
 protected:
  ConcurrencyTest() : io_([this] { loop_.Run(); }) {}
  ~ConcurrencyTest() override {
    workers_.Stop();
    loop_.Stop();
    io_.join();
  }

  RealClock clock_;
  EventLoop loop_;
  std::thread io_;
  ThreadPool workers_{"workers", 2};
  PageTransport transport_{loop_};
  MemoryAppendable store_;
  MetricRegistry metrics_;
};

std::vector<ScrapeConfig> Jobs(int round) {
  std::vector<ScrapeConfig> jobs;
  for (int job = 0; job < 4; ++job) {
    if ((round + job) % 5 == 4) continue;  // comes and goes
    ScrapeConfig config;
    config.job_name = std::to_string(job);
    config.scrape_interval = config.scrape_timeout = Duration{5};
    config.honor_labels = job == 2 && round % 2 == 0;
    for (int target = 0; target < 5; ++target) {
      config.discovery.static_configs.push_back(
          {"s", {Labels{{"__address__", "h:" + std::to_string(target + round % 2)}}}, {}});
    }
    jobs.push_back(std::move(config));
  }
  return jobs;
}

TEST_F(ConcurrencyTest, ReloadsQuestionsAndShutdownWhileScraping) {
  for (int life = 0; life < 3; ++life) {
    ScrapeManager manager({clock_, loop_, workers_, transport_, RealFileSystem(), store_, metrics_},
                          7, "Prometheus/t");
    std::atomic<bool> stop{false};
    std::thread asker([&] {
      while (!stop) {
        (void)manager.Targets();
        (void)manager.MetadataOf("a");
        (void)metrics_.Serialize();
      }
    });
    const int before = transport_.started();
    for (int round = 0; round < 10 || transport_.started() < before + 100; ++round) {
      manager.Apply({}, Jobs(round));
      std::this_thread::yield();
    }
    stop = true;
    asker.join();
  }
  EXPECT_FALSE(store_.SeriesNames().empty());
}

TEST_F(ConcurrencyTest, ManySendersAtOnce) {
  RemoteWriteReceiver receiver(store_, metrics_);
  std::vector<std::thread> senders;
  std::atomic<int> stored{0};
  for (int sender = 0; sender < 4; ++sender) {
    senders.emplace_back([&, sender] {
      for (int64_t i = 0; i < 50; ++i) {
        std::string body;
        for (int series = 0; series < 20; ++series) {
          protozero::pbf_writer request(body);
          protozero::pbf_writer message(request, 1);
          {
            protozero::pbf_writer label(message, 1);
            label.add_string(1, "__name__");
            label.add_string(2, "m" + std::to_string(series));
          }
          protozero::pbf_writer sample(message, 2);
          sample.add_double(1, 1);
          sample.add_int64(2, i * 10 + sender);
        }
        receiver.Handle("", "snappy", SnappyCompress(body), [&](const WriteResponse& response) {
          stored += static_cast<int>(response.samples);
        });
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(stored, 4 * 50 * 20);
}

TEST_F(ConcurrencyTest, ForwardingStopsAtAnyMoment) {
  testing::MemoryTailSource samples;
  testing::MemoryQueryable metadata;
  MemoryKvStore kv;
  ForwardConfig config;
  config.url = "http://centre";
  config.name = "c";
  config.max_samples_per_send = 10;
  config.batch_send_deadline = Duration{1};
  config.send_metadata = false;
  const int before = transport_.started();
  int64_t t = clock_.Now().ms;
  for (int life = 0; life < 20; ++life) {
    Forwarder forwarder({clock_, loop_, workers_, transport_, samples, metadata, kv, metrics_},
                        "t");
    forwarder.Apply({}, {config});
    for (int i = 0; i < 50; ++i) samples.Add(Labels{{"__name__", "m"}}, ++t, 1);
    config.remote_timeout += Duration{1};
    forwarder.Apply({}, {config});
    // Each life ends somewhere else; the last one goes on until something was sent.
    const int patience = life == 19 ? 5'000 : 5 * life;
    for (int ms = 0; ms < patience && transport_.started() == before; ++ms)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_GT(transport_.started(), before);
}

}  // namespace
}  // namespace tocsin::ingest
