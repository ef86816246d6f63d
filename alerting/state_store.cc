#include "alerting/state_store.h"

#include "storage/base/coding.h"
#include "storage/base/log.h"

namespace tocsin::alerting {
namespace {

constexpr std::string_view kAlerts = "alerts";
constexpr std::string_view kGroups = "alert_groups";
constexpr uint8_t kGroupFormat = 1;  // on disk

std::string AlertKey(uint64_t fingerprint) {
  std::string out;
  PutBigEndian(out, fingerprint);
  return out;
}

}  // namespace

void StateChanges::Note(AlertStore::Entry& entry, Timestamp now) {
  const bool resolved = entry.alert->ResolvedAt(now);
  if (entry.saved && entry.saved_resolved == resolved &&
      entry.saved_start == entry.alert->starts_at) {
    return;
  }
  entry.saved = true;
  entry.saved_resolved = resolved;
  entry.saved_start = entry.alert->starts_at;
  alerts.push_back({AlertKey(entry.alert->fingerprint()), EncodeAlert(*entry.alert, resolved)});
}

void StateChanges::Forget(uint64_t fingerprint) {
  alerts.push_back({AlertKey(fingerprint), std::nullopt});
}

void StateChanges::NoteGroup(const std::string& id, Timestamp next_flush) {
  std::string value;
  value.push_back(static_cast<char>(kGroupFormat));
  PutZigZag(value, next_flush.ms);
  groups.push_back({id, std::move(value)});
}

void StateChanges::ForgetGroup(const std::string& id) { groups.push_back({id, std::nullopt}); }

Result<SavedState> LoadState(const storage::KvStore& store) {
  SavedState out;
  TOCSIN_ASSIGN(const auto alerts, store.Scan(kAlerts));
  for (const auto& [key, value] : alerts) {
    auto alert = DecodeAlert(value);
    if (alert.ok()) {
      out.alerts.push_back(std::move(*alert));
    } else {
      log::Error("A saved alert is damaged and ignored", {{"error", alert.error().message()}});
    }
  }
  TOCSIN_ASSIGN(const auto groups, store.Scan(kGroups));
  for (const auto& [key, value] : groups) {
    ByteReader in(value);
    const auto format = in.Fixed<uint8_t>();
    const Timestamp next{in.ZigZagVarint()};
    if (in.ok() && in.done() && format == kGroupFormat) out.groups.emplace(key, next);
  }
  return out;
}

Status WriteState(storage::KvStore& store, StateChanges changes) {
  if (!changes.alerts.empty()) {
    TOCSIN_RETURN_IF_ERROR(store.Write(kAlerts, std::move(changes.alerts)));
  }
  if (!changes.groups.empty()) {
    TOCSIN_RETURN_IF_ERROR(store.Write(kGroups, std::move(changes.groups)));
  }
  return OkStatus();
}

}  // namespace tocsin::alerting
