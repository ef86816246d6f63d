// Who reads the log behind the commits: how far back it is still wanted, and how far it is gone.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>

namespace tocsin::storage {

// Thread-safe.
class LogReaders {
 public:
  static constexpr uint64_t kNone = ~uint64_t{0};

  // The oldest row that somebody wants; kNone.
  uint64_t Lowest() const {
    std::lock_guard lock(mutex_);
    return wanted_.empty() ? kNone : *wanted_.begin();
  }

  // Whether anybody has read on in the log since the start.
  bool used() const { return used_.load(std::memory_order_relaxed); }

  // Rows up to here may be gone. Raised, and on disk, before an epoch is dropped and after its
  // samples are in files of the published directory.
  uint64_t dropped_through() const { return dropped_.load(std::memory_order_acquire); }
  void SetDropped(uint64_t log_seq) { dropped_.store(log_seq, std::memory_order_release); }

  // Wants rows from one number on while it lives.
  class Hold {
   public:
    Hold(LogReaders& readers, uint64_t row) : readers_(readers), row_(row) {
      std::lock_guard lock(readers_.mutex_);
      readers_.wanted_.insert(row_);
      readers_.used_.store(true, std::memory_order_relaxed);
    }
    ~Hold() {
      std::lock_guard lock(readers_.mutex_);
      readers_.wanted_.erase(readers_.wanted_.find(row_));
    }
    void Move(uint64_t row) {
      std::lock_guard lock(readers_.mutex_);
      readers_.wanted_.erase(readers_.wanted_.find(row_));
      row_ = row;
      readers_.wanted_.insert(row_);
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    LogReaders& readers_;
    uint64_t row_;  // guarded by the readers' mutex
  };

 private:
  mutable std::mutex mutex_;
  std::multiset<uint64_t> wanted_;
  std::atomic<uint64_t> dropped_{0};
  std::atomic<bool> used_{false};
};

}  // namespace tocsin::storage
