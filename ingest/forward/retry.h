// What an answer of an endpoint means, and how long to wait before the next try.
#pragma once

#include <optional>
#include <string>

#include "ingest/forward/forward_config.h"
#include "storage/base/transport.h"

namespace tocsin::ingest {

struct SendOutcome {
  enum class Kind { kDelivered, kRetry, kRefused };
  Kind kind = Kind::kDelivered;
  std::string reason;                   // of the other two
  std::optional<Duration> retry_after;  // what the endpoint asks for
};

// Network errors and 5xx are worth a retry, 429 when the configuration says so; any other answer
// but 2xx refuses the batch. `now` is for Retry-After given as a date.
SendOutcome Judge(const ForwardConfig& config, const Result<HttpResponse>& response, Timestamp now);

// Doubles from min_backoff to max_backoff; an endpoint's own wish goes before, within bounds.
class Backoff {
 public:
  explicit Backoff(const ForwardConfig& config) : config_(config) {}
  Duration Next(const SendOutcome& outcome);
  void Reset() { next_ = Duration{0}; }

 private:
  const ForwardConfig& config_;
  Duration next_{0};
};

}  // namespace tocsin::ingest
