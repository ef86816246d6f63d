// What receiving costs before the store does anything: one request of a sender that repeats its
// series, one whose series are all new.
#include <benchmark/benchmark.h>

#include <protozero/pbf_writer.hpp>
#include <string>

#include "ingest/remote_write/receiver.h"
#include "storage/base/compression.h"

namespace tocsin::ingest {
namespace {

// Takes everything and keeps nothing.
class NullAppendable final : public storage::Appendable {
 public:
  std::unique_ptr<storage::Appender> NewAppender() override {
    return std::make_unique<Appender>(next_);
  }

 private:
  class Appender final : public storage::Appender {
   public:
    explicit Appender(uint64_t& next) : next_(next) {}
    Result<SeriesRef> Resolve(const Labels& labels) override {
      benchmark::DoNotOptimize(labels.Hash());
      return SeriesRef{next_++};
    }
    Result<SeriesRef> ResolveOwn(const Labels& labels) override { return Resolve(labels); }
    storage::RowResult AppendRow(storage::RowHint& hint, Timestamp, std::span<const SeriesRef> refs,
                                 std::span<const double>, std::span<const Timestamp>) override {
      hint.token = 1;
      storage::RowResult result;
      result.appended = static_cast<uint32_t>(refs.size());
      return result;
    }
    storage::RowResult AppendColumn(SeriesRef, std::span<const Timestamp> ts,
                                    std::span<const double>, std::span<const Timestamp>) override {
      storage::RowResult result;
      result.appended = static_cast<uint32_t>(ts.size());
      return result;
    }
    Status AppendHistogram(SeriesRef, Timestamp, const Histogram&, Timestamp) override {
      return OkStatus();
    }
    Status AppendExemplar(SeriesRef, const Exemplar&) override { return OkStatus(); }
    void SetMetadata(std::string_view, const Metadata&) override {}
    void Commit(storage::CommitDone done) override { done({}); }

   private:
    uint64_t& next_;
  };

  uint64_t next_ = 1;
};

// 2,000 series of eight labels, one sample each, four targets with a timestamp of their own.
std::string MakeRequest(int salt) {
  std::string body;
  for (int i = 0; i < 2000; ++i) {
    protozero::pbf_writer request(body);
    protozero::pbf_writer series(request, 1);
    const auto label = [&series](const char* name, const std::string& value) {
      protozero::pbf_writer out(series, 1);
      out.add_string(1, name);
      out.add_string(2, value);
    };
    label("__name__", "node_some_metric_total_" + std::to_string(i % 100));
    label("cluster", "edge-" + std::to_string(salt));
    label("cpu", std::to_string(i % 16));
    label("device", "nvme0n1");
    label("instance", "host-" + std::to_string(i / 500) + ".example.test:9100");
    label("job", "node");
    label("mode", "idle");
    label("series", std::to_string(i));
    protozero::pbf_writer sample(series, 2);
    sample.add_double(1, i * 1.5);
    sample.add_int64(2, 1'700'000'000'000 + i / 500);
  }
  return SnappyCompress(body);
}

void Receive(benchmark::State& state, bool repeat) {
  NullAppendable store;
  MetricRegistry metrics;
  RemoteWriteReceiver receiver(store, metrics);
  std::vector<std::string> requests;
  for (int i = 0; i < (repeat ? 1 : 300); ++i) requests.push_back(MakeRequest(i));
  size_t next = 0;
  for (auto _ : state) {
    receiver.Handle("application/x-protobuf", "snappy", requests[next],
                    [](const WriteResponse& response) {
                      if (response.status != 204) std::abort();
                    });
    next = (next + 1) % requests.size();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 2000);
}

void BM_ReceiveKnownSeries(benchmark::State& state) { Receive(state, true); }
// 600,000 series in turn: more than the cache of labels holds in its newer half.
void BM_ReceiveManySeries(benchmark::State& state) { Receive(state, false); }
BENCHMARK(BM_ReceiveKnownSeries);
BENCHMARK(BM_ReceiveManySeries);

}  // namespace
}  // namespace tocsin::ingest
