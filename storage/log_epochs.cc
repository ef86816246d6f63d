#include "storage/log_epochs.h"

#include <algorithm>
#include <chrono>
#include <mutex>

#include "storage/base/crash_point.h"
#include "storage/key_schema.h"
#include "storage/recovery.h"

namespace tocsin::storage {
namespace {
// Even a quiet log becomes spent some time.
constexpr std::chrono::nanoseconds kEpochAge = std::chrono::minutes(120);
}  // namespace

Status LogEpochs::Create() {
  TOCSIN_RETURN_IF_ERROR(deps_.put_floors());
  CrashPoint("epoch.floors");
  TOCSIN_RETURN_IF_ERROR(deps_.log.PrepareEpoch());
  CrashPoint("epoch.made");
  start_ = deps_.clock.Monotonic();
  return OkStatus();
}

Status LogEpochs::Roll(bool at_once) {
  if (!deps_.log.prepared()) {
    const bool large = deps_.log.epoch_bytes() >= deps_.budget / 4;
    const bool old = deps_.clock.Monotonic() - start_ >= kEpochAge && deps_.log.epoch_bytes() > 0;
    if (large || old || at_once) TOCSIN_RETURN_IF_ERROR(Create());
  }
  if (at_once) {
    TOCSIN_RETURN_IF_ERROR(deps_.queue.RunAlone([this] {
      deps_.log.BeginBatch();
      return OkStatus();
    }));
  }
  return DropSpent();
}

std::vector<uint64_t> LogEpochs::Spent() const {
  uint64_t oldest = deps_.log.epoch();  // what is written now is never spent
  for (Group* group : deps_.head.Groups()) {
    std::lock_guard lock(group->mutex());
    oldest = std::min(oldest, group->oldest_open_seq());
  }
  const uint64_t wanted = deps_.readers.Lowest();
  const std::vector<uint64_t> epochs = deps_.store.Logs();
  std::vector<uint64_t> spent;
  for (size_t i = 0; i + 1 < epochs.size() && epochs[i + 1] <= oldest; ++i) {
    if (epochs[i + 1] > wanted) {
      // A reader is in it. Beyond half of the budget it goes all the same, the oldest first.
      if (!spent.empty() || deps_.store.LogBytes() <= deps_.budget / 2) break;
    }
    spent.push_back(epochs[i]);
  }
  return spent;
}

Status LogEpochs::DropSpent() {
  const std::vector<uint64_t> spent = Spent();
  if (spent.empty()) return OkStatus();
  TOCSIN_RETURN_IF_ERROR(deps_.put_floors());
  uint64_t dropped = deps_.readers.dropped_through();
  const std::vector<uint64_t> epochs = deps_.store.Logs();
  for (const uint64_t epoch : spent) {
    const auto last = deps_.store.LastLogRow(epoch);
    // Unreadable: its rows end somewhere before the next epoch.
    const auto next = std::upper_bound(epochs.begin(), epochs.end(), epoch);
    if (!last.ok())
      dropped = std::max(dropped, *next - 1);
    else if (*last)
      dropped = std::max(dropped, **last);
  }
  RocksBatch batch = deps_.store.NewBatch();
  batch.Put(Family::kDefault, keys::LogDropped(), EncodeLogDropped(dropped));
  TOCSIN_RETURN_IF_ERROR(deps_.store.Write(batch, /*sync=*/true));
  deps_.readers.SetDropped(dropped);
  CrashPoint("log.spent");
  for (const uint64_t epoch : spent) {
    TOCSIN_RETURN_IF_ERROR(deps_.store.DropLog(epoch));
    CrashPoint("log.dropped");
  }
  // Or one of them keeps the WAL of the dropped epochs alive.
  return deps_.store.FlushSmallFamilies();
}

}  // namespace tocsin::storage
