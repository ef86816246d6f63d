#include "query/limits.h"

#include <algorithm>

namespace tocsin::query {

Status Limits::CheckNow() const {
  if (canceled_ != nullptr && canceled_->load(std::memory_order_relaxed)) {
    return Error(ErrorCode::kCanceled, "query was canceled in expression evaluation");
  }
  if (clock_.Monotonic() - start_ > timeout_) {
    return Error(ErrorCode::kTimeout, "query timed out in expression evaluation");
  }
  return OkStatus();
}

Status Limits::Hold(uint64_t samples) {
  held_ += samples;
  peak_ = std::max(peak_, held_);
  if (held_ <= max_samples_) return OkStatus();
  return Error(ErrorCode::kLimit,
               "query processing would load too many samples into memory in query execution");
}

}  // namespace tocsin::query
