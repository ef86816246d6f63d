// Small durable state of other folders (silences, notification log, alert state, forward
// cursors) inside the database, without seeing it. On disk: family `state`, see
// docs/storage-format.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"

namespace tocsin::storage {

struct KvWrite {
  std::string key;
  std::optional<std::string> value;  // empty: delete
};

// Thread-safe. A namespace is a constant word ("silences"); keys are any bytes.
class KvStore {
 public:
  virtual ~KvStore() = default;

  virtual Result<std::optional<std::string>> Get(std::string_view ns,
                                                 std::string_view key) const = 0;
  // All pairs of the namespace whose key starts with `prefix`, in byte order.
  virtual Result<std::vector<std::pair<std::string, std::string>>> Scan(
      std::string_view ns, std::string_view prefix = {}) const = 0;
  // All or nothing. When it returns the writes survive kill -9; `sync`: also a power cut (else
  // within the sync interval).
  virtual Status Write(std::string_view ns, std::vector<KvWrite> writes, bool sync = false) = 0;
};

}  // namespace tocsin::storage
