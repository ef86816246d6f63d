// remote_write in: one decoded request body into the store.
#pragma once

#include <atomic>
#include <functional>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/appendable.h"
#include "storage/base/metrics.h"

namespace tocsin::ingest {

struct WriteResponse {
  int status = 204;                                     // HTTP
  std::string message;                                  // body of an error
  uint64_t samples = 0, histograms = 0, exemplars = 0;  // stored
};

// Thread-safe.
class RemoteWriteReceiver {
 public:
  // REQUIRES: both outlive the receiver.
  RemoteWriteReceiver(storage::Appendable& storage, MetricRegistry& metrics);
  ~RemoteWriteReceiver();

  // Takes the body as it came (snappy block; protobuf prometheus.WriteRequest 1.0 or
  // io.prometheus.write.v2.Request 2.0). The headers decide the message; 415 for any other. `done`
  // comes once, after the samples are acknowledged and can be queried, on a thread of the store or
  // before Handle returns.
  //
  // Good samples of a request are kept even when others are refused (the answer is then 400 with
  // the reasons and counts, and a sender does not repeat it): dropping them would help nobody. A
  // body that cannot be decoded to its end leaves nothing.
  void Handle(std::string_view content_type, std::string_view content_encoding,
              std::string_view body, std::function<void(const WriteResponse&)> done);

 private:
  struct Memory;  // of what senders repeat
  class RequestWriter;

  void Commit(std::unique_ptr<storage::Appender> appender, const RequestWriter& writer,
              std::function<void(const WriteResponse&)> done);

  void LogSkipped(const std::string& series);

  storage::Appendable& storage_;
  const std::unique_ptr<Memory> memory_;
  std::atomic<uint64_t> skipping_requests_{0};
  Counter invalid_labels_, exemplars_refused_, requests_refused_;
};

}  // namespace tocsin::ingest
