// How far an endpoint has come, durable. All samples up to `from` have been answered for, and of
// the window up to `to` the first `sent` requests.
#pragma once

#include <optional>
#include <string>

#include "storage/base/time.h"
#include "storage/kv_store.h"

namespace tocsin::ingest {

struct ForwardPosition {
  Timestamp from, to;
  uint64_t sent = 0;
};

// One thread at a time. REQUIRES: the store outlives it.
class ForwardCursor {
 public:
  ForwardCursor(storage::KvStore& kv, std::string endpoint)
      : kv_(kv), endpoint_(std::move(endpoint)) {}

  // No value: the endpoint is new.
  Result<std::optional<ForwardPosition>> Load() const;
  // Survives kill -9 when it returns.
  Status Save(const ForwardPosition& position);

 private:
  storage::KvStore& kv_;
  const std::string endpoint_;
};

}  // namespace tocsin::ingest
