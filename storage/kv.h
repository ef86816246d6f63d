// KvStore on family `state`.
#pragma once

#include <functional>

#include "storage/kv_store.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

class RocksKv final : public KvStore {
 public:
  // `wrote` is told of each write that was not synced.
  RocksKv(RocksStore& store, std::function<void()> wrote)
      : store_(store), wrote_(std::move(wrote)) {}

  Result<std::optional<std::string>> Get(std::string_view ns, std::string_view key) const override;
  Result<std::vector<std::pair<std::string, std::string>>> Scan(
      std::string_view ns, std::string_view prefix) const override;
  Status Write(std::string_view ns, std::vector<KvWrite> writes, bool sync) override;

 private:
  RocksStore& store_;
  const std::function<void()> wrote_;
};

}  // namespace tocsin::storage
