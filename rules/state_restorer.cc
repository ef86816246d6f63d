#include "rules/state_restorer.h"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "storage/base/coding.h"

namespace tocsin::rules {
namespace {

constexpr std::string_view kNamespace = "alert_state";
constexpr uint8_t kVersion = 1;  // on disk: never reuse a number
constexpr size_t kTimeKeySize = 8;
constexpr size_t kAlertKeySize = 24;

std::string TimeKey(uint64_t group) {
  std::string key;
  PutBigEndian(key, group);
  return key;
}
std::string AlertKey(uint64_t group, uint64_t rule, const Labels& labels) {
  std::string key = TimeKey(group);
  PutBigEndian(key, rule);
  PutBigEndian(key, Hash64(labels.packed()));
  return key;
}

void PutLabels(std::string& out, const Labels& labels) {
  PutVarint(out, labels.size());
  for (const Label& label : labels) {
    PutString(out, label.name);
    PutString(out, label.value);
  }
}
Labels ReadLabels(ByteReader& in) {
  LabelsBuilder builder;
  for (uint64_t n = in.Varint(); n > 0 && in.ok(); --n) {
    const std::string_view name = in.String();
    builder.Set(name, in.String());
  }
  return builder.Build();
}

void PutTime(std::string& out, const std::optional<Timestamp>& t) {
  out += t ? '\1' : '\0';
  if (t) PutZigZag(out, t->ms);
}
std::optional<Timestamp> ReadTime(ByteReader& in) {
  if (in.Fixed<uint8_t>() == 0) return std::nullopt;
  return Timestamp{in.ZigZagVarint()};
}

// version, state, value, active_at, then fired_at, resolved_at, keep_firing_since, last_sent (a
// byte that tells whether there is one, then the time), labels, annotations.
std::string Encode(const AlertEntry& entry) {
  std::string out;
  out += static_cast<char>(kVersion);
  out += static_cast<char>(entry.state);
  PutFixed(out, std::bit_cast<uint64_t>(entry.value));
  PutZigZag(out, entry.active_at.ms);
  PutTime(out, entry.fired_at);
  PutTime(out, entry.resolved_at);
  PutTime(out, entry.keep_firing_since);
  PutTime(out, entry.last_sent);
  PutLabels(out, entry.labels);
  PutLabels(out, entry.annotations);
  return out;
}

std::optional<AlertEntry> Decode(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.Fixed<uint8_t>() != kVersion) return std::nullopt;
  AlertEntry entry;
  const auto state = in.Fixed<uint8_t>();
  if (state > static_cast<uint8_t>(AlertState::kFiring)) return std::nullopt;
  entry.state = static_cast<AlertState>(state);
  entry.value = std::bit_cast<double>(in.Fixed<uint64_t>());
  entry.active_at = Timestamp{in.ZigZagVarint()};
  entry.fired_at = ReadTime(in);
  entry.resolved_at = ReadTime(in);
  entry.keep_firing_since = ReadTime(in);
  entry.last_sent = ReadTime(in);
  entry.labels = ReadLabels(in);
  entry.annotations = ReadLabels(in);
  const bool complete = in.ok() && in.done() && !entry.labels.empty() &&
                        (entry.active() || entry.resolved_at.has_value());
  if (!complete) return std::nullopt;
  return entry;
}

std::string EncodeTime(Timestamp t) {
  std::string out;
  out += static_cast<char>(kVersion);
  PutZigZag(out, t.ms);
  return out;
}

}  // namespace

namespace {

// What SamePhase compares, without the texts.
AlertEntry PhaseOf(const AlertEntry& entry) {
  AlertEntry phase;
  phase.state = entry.state;
  phase.active_at = entry.active_at;
  phase.fired_at = entry.fired_at;
  phase.resolved_at = entry.resolved_at;
  phase.keep_firing_since = entry.keep_firing_since;
  return phase;
}

}  // namespace

uint64_t GroupKey(std::string_view file, std::string_view name) {
  std::string text;
  PutString(text, file);
  PutString(text, name);
  return Hash64(text);
}

std::vector<uint64_t> RuleKeys(const GroupConfig& group) {
  std::vector<uint64_t> keys;
  std::map<uint64_t, uint64_t> seen;
  for (const RuleConfig& rule : group.rules) {
    std::string text;
    PutString(text, rule.alert.empty() ? "record" : "alert");
    PutString(text, rule.name());
    auto labels = rule.labels;
    std::sort(labels.begin(), labels.end());
    for (const auto& [name, value] : labels) {
      PutString(text, name);
      PutString(text, value);
    }
    const uint64_t like = seen[Hash64(text)]++;
    keys.push_back(Hash64(text, like));
  }
  return keys;
}

Result<std::map<uint64_t, StoredGroup>> LoadAlertState(const storage::KvStore& kv) {
  auto pairs = kv.Scan(kNamespace);
  if (!pairs.ok()) return pairs.error().WithContext("read the alert state");
  std::map<uint64_t, StoredGroup> groups;
  std::set<uint64_t> timed;
  for (const auto& [key, value] : *pairs) {
    ByteReader in(key);
    const auto group = in.BigEndian<uint64_t>();
    if (key.size() == kTimeKeySize) {
      ByteReader time(value);
      if (time.Fixed<uint8_t>() != kVersion) continue;
      groups[group].last_evaluation = Timestamp{time.ZigZagVarint()};
      timed.insert(group);
    } else if (key.size() == kAlertKeySize) {
      if (auto entry = Decode(value)) {
        groups[group].rules[in.BigEndian<uint64_t>()].push_back(*std::move(entry));
      }
    }
  }
  std::erase_if(groups, [&](const auto& group) { return !timed.contains(group.first); });
  return groups;
}

Status ForgetAlertState(storage::KvStore& kv,
                        const std::map<uint64_t, std::vector<uint64_t>>& wanted) {
  TOCSIN_ASSIGN(const auto pairs, kv.Scan(kNamespace));
  std::vector<storage::KvWrite> writes;
  for (const auto& [key, value] : pairs) {
    ByteReader in(key);
    const auto it = wanted.find(in.BigEndian<uint64_t>());
    bool keep = it != wanted.end();
    if (keep && key.size() != kTimeKeySize) {
      const auto rule = in.BigEndian<uint64_t>();
      keep = std::find(it->second.begin(), it->second.end(), rule) != it->second.end();
    }
    if (!keep) writes.push_back({key, std::nullopt});
  }
  if (writes.empty()) return OkStatus();
  return kv.Write(kNamespace, std::move(writes));
}

std::vector<AlertEntry> AfterDowntime(std::vector<AlertEntry> entries, Timestamp last_evaluation,
                                      Timestamp first_evaluation, Duration interval) {
  const Duration gap = first_evaluation - last_evaluation;
  const Duration lost = std::max(Duration{0}, gap - interval);
  for (AlertEntry& entry : entries) {
    if (!entry.active()) continue;
    // startsAt of one that fires is its identity for receivers: it stays.
    if (entry.state == AlertState::kPending) entry.active_at = entry.active_at + lost;
    if (entry.keep_firing_since) entry.keep_firing_since = *entry.keep_firing_since + lost;
    if (gap > 2 * interval) entry.held_until = first_evaluation + 2 * interval;
  }
  return entries;
}

Status AlertStateWriter::Save(const std::vector<AlertEntry>& entries, Timestamp evaluated) {
  std::vector<storage::KvWrite> writes;
  for (const AlertEntry& entry : entries) {
    const auto it = saved_.find(entry.labels);
    if (it != saved_.end() && it->second.SamePhase(entry)) continue;
    writes.push_back({AlertKey(group_key_, rule_key_, entry.labels), Encode(entry)});
  }
  // Every entry known and as many as before: none has gone.
  if (writes.empty() && entries.size() == saved_.size()) return OkStatus();
  absl::flat_hash_map<Labels, AlertEntry, LabelsHash> now;
  for (const AlertEntry& entry : entries) now.emplace(entry.labels, PhaseOf(entry));
  for (const auto& [labels, entry] : saved_) {
    if (!now.contains(labels)) {
      writes.push_back({AlertKey(group_key_, rule_key_, labels), std::nullopt});
    }
  }
  writes.push_back({TimeKey(group_key_), EncodeTime(evaluated)});
  TOCSIN_RETURN_IF_ERROR(kv_.Write(kNamespace, std::move(writes)));
  saved_ = std::move(now);
  return OkStatus();
}

void AlertStateWriter::Assume(const std::vector<AlertEntry>& entries) {
  for (const AlertEntry& entry : entries) saved_.insert_or_assign(entry.labels, PhaseOf(entry));
}

Status SaveEvaluationTime(storage::KvStore& kv, uint64_t group_key, Timestamp evaluated) {
  return kv.Write(kNamespace, {{TimeKey(group_key), EncodeTime(evaluated)}});
}

}  // namespace tocsin::rules
