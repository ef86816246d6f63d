#include "alerting/alert_store.h"

#include <algorithm>

#include "storage/base/coding.h"

namespace tocsin::alerting {
namespace {

constexpr uint8_t kFormat = 1;  // on disk
constexpr uint8_t kTimeout = 1;
constexpr uint8_t kResolved = 2;

// Whether `t` lies strictly inside the alert's activity.
bool Inside(Timestamp t, const Alert& alert) { return t > alert.starts_at && t < alert.ends_at; }

Status CheckPairs(const Labels& labels, std::string_view what) {
  for (const Label& label : labels) {
    if (!IsValidLabelName(label.name)) {
      return InvalidArgument("invalid " + std::string(what) + ": invalid name \"" +
                             std::string(label.name) + "\"");
    }
    if (!IsValidUtf8(label.value)) {
      return InvalidArgument("invalid " + std::string(what) + ": value of \"" +
                             std::string(label.name) + "\" is not valid UTF-8");
    }
  }
  return OkStatus();
}

}  // namespace

void FillInTimes(Alert& alert, Timestamp now, Duration resolve_timeout) {
  alert.updated_at = now;
  if (alert.starts_at.ms == 0) alert.starts_at = alert.ends_at.ms == 0 ? now : alert.ends_at;
  if (alert.ends_at.ms == 0) {
    alert.timeout = true;
    alert.ends_at = now + resolve_timeout;
  }
}

Status ValidateAlert(const Alert& alert) {
  if (alert.ends_at < alert.starts_at) {
    return InvalidArgument("start time must be before end time");
  }
  if (alert.labels.empty()) return InvalidArgument("at least one label pair required");
  TOCSIN_RETURN_IF_ERROR(CheckPairs(alert.labels, "label set"));
  return CheckPairs(alert.annotations, "annotations");
}

Alert MergeAlerts(const Alert& older, const Alert& newer, Timestamp now) {
  if (!Inside(newer.ends_at, older) && !Inside(newer.starts_at, older)) return newer;
  const bool swap = newer.updated_at < older.updated_at;
  const Alert& last = swap ? older : newer;
  const Alert& first = swap ? newer : older;
  Alert out = last;
  out.starts_at = std::min(first.starts_at, last.starts_at);
  if (last.ResolvedAt(now)) {
    if (first.ResolvedAt(now)) out.ends_at = std::max(first.ends_at, last.ends_at);
  } else if (first.ends_at > last.ends_at && !first.timeout) {
    out.ends_at = first.ends_at;
  }
  return out;
}

bool AlertStore::HasRoom(const Alert& alert) const {
  if (max_per_name_ == 0 || entries_.contains(alert.fingerprint())) return true;
  const auto it = count_by_name_.find(std::string(alert.labels.Get(kAlertName)));
  return it == count_by_name_.end() || it->second < max_per_name_;
}

void AlertStore::CountNew(const Alert& alert) {
  if (max_per_name_ > 0) ++count_by_name_[std::string(alert.labels.Get(kAlertName))];
}

AlertStore::Entry& AlertStore::Put(Alert alert, Timestamp now) {
  Entry& entry = entries_[alert.fingerprint()];
  if (entry.alert) {
    alert = MergeAlerts(*entry.alert, alert, now);
  } else {
    CountNew(alert);
  }
  entry.alert = std::make_shared<const Alert>(std::move(alert));
  entry.restored = false;
  return entry;
}

AlertStore::Entry* AlertStore::Find(uint64_t fingerprint) {
  const auto it = entries_.find(fingerprint);
  return it == entries_.end() ? nullptr : &it->second;
}
const AlertStore::Entry* AlertStore::Find(uint64_t fingerprint) const {
  const auto it = entries_.find(fingerprint);
  return it == entries_.end() ? nullptr : &it->second;
}

AlertStore::Entry& AlertStore::Restore(Alert alert, bool resolved) {
  Entry& entry = entries_[alert.fingerprint()];
  if (!entry.alert) CountNew(alert);
  entry.saved_start = alert.starts_at;
  entry.alert = std::make_shared<const Alert>(std::move(alert));
  entry.restored = true;
  entry.saved = true;
  entry.saved_resolved = resolved;
  return entry;
}

std::vector<uint64_t> AlertStore::CollectGarbage(Timestamp now) {
  std::vector<uint64_t> gone;
  absl::erase_if(entries_, [&](const auto& pair) {
    const bool drop = pair.second.groups == 0 && pair.second.alert->ResolvedAt(now);
    if (!drop) return false;
    gone.push_back(pair.first);
    if (max_per_name_ > 0) {
      const auto it = count_by_name_.find(std::string(pair.second.alert->labels.Get(kAlertName)));
      if (--it->second == 0) count_by_name_.erase(it);
    }
    return true;
  });
  return gone;
}

std::string EncodeAlert(const Alert& alert, bool resolved) {
  std::string out;
  out.push_back(static_cast<char>(kFormat));
  out.push_back(static_cast<char>((alert.timeout ? kTimeout : 0) | (resolved ? kResolved : 0)));
  PutZigZag(out, alert.starts_at.ms);
  PutZigZag(out, alert.ends_at.ms);
  PutZigZag(out, alert.updated_at.ms);
  PutString(out, alert.generator_url);
  PutString(out, alert.labels.packed());
  PutString(out, alert.annotations.packed());
  return out;
}

Result<std::pair<Alert, bool>> DecodeAlert(std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = in.Fixed<uint8_t>();
  const auto flags = in.Fixed<uint8_t>();
  Alert out;
  out.timeout = (flags & kTimeout) != 0;
  out.starts_at.ms = in.ZigZagVarint();
  out.ends_at.ms = in.ZigZagVarint();
  out.updated_at.ms = in.ZigZagVarint();
  out.generator_url = in.String();
  out.labels = Labels::FromPacked(std::string(in.String()));
  out.annotations = Labels::FromPacked(std::string(in.String()));
  if (!in.ok() || !in.done() || format != kFormat) {
    return Error(ErrorCode::kCorruption, "saved alert is damaged or of an unknown format");
  }
  return std::pair{std::move(out), (flags & kResolved) != 0};
}

}  // namespace tocsin::alerting
