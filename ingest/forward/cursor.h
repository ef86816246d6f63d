// How far an endpoint has come, durable.
#pragma once

#include <optional>
#include <string>

#include "storage/base/result.h"
#include "storage/kv_store.h"

namespace tocsin::ingest {

struct ForwardPosition {
  std::string tail;  // everything in front of it is answered for (storage/tail.h)
  // So many samples behind it were being sent when it was written: they may have arrived.
  uint64_t in_flight = 0;
  bool in_order = false;  // the endpoint refuses samples out of order
};

// One thread at a time. REQUIRES: the store outlives it.
class ForwardCursor {
 public:
  ForwardCursor(storage::KvStore& kv, std::string endpoint)
      : kv_(kv), endpoint_(std::move(endpoint)) {}

  // No value: the endpoint is new. kUnsupported: written by another version.
  Result<std::optional<ForwardPosition>> Load() const;
  // Survives kill -9 when it returns.
  Status Save(const ForwardPosition& position);

 private:
  storage::KvStore& kv_;
  const std::string endpoint_;
};

}  // namespace tocsin::ingest
