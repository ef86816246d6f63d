// A key-value store in memory: survives the objects that use it, as a disk would.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/kv_store.h"

namespace tocsin::testing {

class MemoryKvStore final : public storage::KvStore {
 public:
  Result<std::optional<std::string>> Get(std::string_view ns, std::string_view key) const override {
    std::lock_guard lock(mutex_);
    if (!read_failure_.ok()) return read_failure_.error();
    const auto it = pairs_.find({std::string(ns), std::string(key)});
    if (it == pairs_.end()) return std::optional<std::string>();
    return std::optional<std::string>(it->second);
  }
  Result<std::vector<std::pair<std::string, std::string>>> Scan(
      std::string_view ns, std::string_view prefix = {}) const override {
    std::lock_guard lock(mutex_);
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [key, value] : pairs_) {
      if (key.first == ns && key.second.starts_with(prefix)) out.emplace_back(key.second, value);
    }
    return out;
  }
  Status Write(std::string_view ns, std::vector<storage::KvWrite> writes,
               bool /*sync*/ = false) override {
    std::lock_guard lock(mutex_);
    if (!failure_.ok()) return failure_;
    for (auto& w : writes) {
      ++writes_;
      const std::pair<std::string, std::string> key{std::string(ns), w.key};
      if (w.value) {
        pairs_.insert_or_assign(key, std::move(*w.value));
      } else {
        pairs_.erase(key);
      }
    }
    return OkStatus();
  }

  // Every write fails with this until it is set to ok again.
  void SetFailure(Status failure) {
    std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
  }
  // Every Get fails with this until it is set to ok again.
  void SetReadFailure(Status failure) {
    std::lock_guard lock(mutex_);
    read_failure_ = std::move(failure);
  }
  size_t size(std::string_view ns) const { return Scan(ns)->size(); }
  size_t writes() const {
    std::lock_guard lock(mutex_);
    return writes_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::string> pairs_;
  Status failure_, read_failure_;
  size_t writes_ = 0;
};

}  // namespace tocsin::testing
