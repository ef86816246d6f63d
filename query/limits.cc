#include "query/limits.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::query {
namespace {

void RaiseTo(std::atomic<uint64_t>& peak, uint64_t value) {
  uint64_t seen = peak.load(std::memory_order_relaxed);
  while (seen < value && !peak.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

// Takes at most what is there.
uint64_t Lower(std::atomic<uint64_t>& counter, uint64_t by) {
  uint64_t seen = counter.load(std::memory_order_relaxed);
  uint64_t less = 0;
  do {
    less = std::min(by, seen);
  } while (!counter.compare_exchange_weak(seen, seen - less, std::memory_order_relaxed));
  return less;
}

Error TooMuchMemory(std::string_view whose, uint64_t bytes, std::string_view flag) {
  return Error(ErrorCode::kLimit, fmt::format("{} would take more than {} MiB of memory (--{})",
                                              whose, bytes >> 20, flag));
}

}  // namespace

bool MemoryBudget::Take(uint64_t bytes) {
  const uint64_t after = used_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (max_bytes_ == 0 || after <= max_bytes_) return true;
  Give(bytes);
  return false;
}

Limits::~Limits() {
  if (budget_ != nullptr) budget_->Give(held_bytes());
}

Status Limits::CheckNow() const {
  if (canceled_ != nullptr && canceled_->load(std::memory_order_relaxed)) {
    return Error(ErrorCode::kCanceled, "query was canceled in expression evaluation");
  }
  if (clock_.Monotonic() - start_ > timeout_) {
    return Error(ErrorCode::kTimeout, "query timed out in expression evaluation");
  }
  return OkStatus();
}

Status Limits::Hold(uint64_t samples, uint64_t more_bytes) {
  const uint64_t held = held_.fetch_add(samples, std::memory_order_relaxed) + samples;
  RaiseTo(peak_, held);
  if (held > sizes_.max_samples) {
    return Error(ErrorCode::kLimit,
                 "query processing would load too many samples into memory in query execution");
  }
  const uint64_t more = samples * kBytesPerSample + more_bytes;
  if (budget_ != nullptr && !budget_->Take(more)) {
    return TooMuchMemory("the query and those beside it", budget_->max_bytes(), "query.max-memory");
  }
  const uint64_t bytes = bytes_.fetch_add(more, std::memory_order_relaxed) + more;
  if (sizes_.max_bytes == 0 || bytes <= sizes_.max_bytes) return OkStatus();
  return TooMuchMemory("the query", sizes_.max_bytes, "query.max-memory-per-query");
}

void Limits::Release(uint64_t samples, uint64_t more_bytes) {
  Lower(held_, samples);
  const uint64_t bytes = Lower(bytes_, samples * kBytesPerSample + more_bytes);
  if (budget_ != nullptr) budget_->Give(bytes);
}

}  // namespace tocsin::query
