#include "alerting/silences.h"

#include <algorithm>
#include <mutex>

#include "fmt/format.h"
#include "storage/base/coding.h"
#include "storage/base/log.h"

namespace tocsin::alerting {
namespace {

constexpr std::string_view kNamespace = "silences";
constexpr uint8_t kFormat = 1;  // on disk

std::string Encode(const Silence& s) {
  std::string out;
  out.push_back(static_cast<char>(kFormat));
  PutString(out, s.id);
  for (const Timestamp t : {s.starts_at, s.ends_at, s.updated_at}) PutZigZag(out, t.ms);
  PutString(out, s.created_by);
  PutString(out, s.comment);
  PutVarint(out, s.matchers.size());
  for (const Matcher& m : s.matchers) {
    out.push_back(static_cast<char>(m.op()));
    PutString(out, m.name());
    PutString(out, m.value());
  }
  PutVarint(out, s.annotations.size());
  for (const auto& [name, value] : s.annotations) {
    PutString(out, name);
    PutString(out, value);
  }
  return out;
}

std::optional<Silence> Decode(std::string_view bytes) {
  ByteReader in(bytes);
  Silence out;
  if (in.Fixed<uint8_t>() != kFormat) return std::nullopt;
  out.id = in.String();
  for (Timestamp* t : {&out.starts_at, &out.ends_at, &out.updated_at}) t->ms = in.ZigZagVarint();
  out.created_by = in.String();
  out.comment = in.String();
  for (uint64_t n = in.Varint(); n > 0 && in.ok(); --n) {
    const auto op = in.Fixed<uint8_t>();
    std::string name(in.String()), value(in.String());
    if (!in.ok() || op > static_cast<uint8_t>(MatchOp::kNotRegex)) return std::nullopt;
    auto matcher = Matcher::Create(static_cast<MatchOp>(op), std::move(name), std::move(value),
                                   Regex::Anchor::kFullNoDotNl);
    if (!matcher.ok()) return std::nullopt;
    out.matchers.push_back(std::move(*matcher));
  }
  for (uint64_t n = in.Varint(); n > 0 && in.ok(); --n) {
    std::string name(in.String());
    out.annotations.emplace_back(std::move(name), in.String());
  }
  if (!in.ok() || !in.done()) return std::nullopt;
  return out;
}

// `x!="a"` alone is a fair silence, though it also holds for alerts without x.
bool HoldsForAnything(const Matcher& m) {
  const bool positive = m.op() == MatchOp::kEqual || m.op() == MatchOp::kRegex;
  return positive && m.MatchesEmpty();
}

Status Validate(const Silence& s, Timestamp now) {
  if (s.matchers.empty()) return InvalidArgument("invalid silence: at least one matcher required");
  bool selective = false;
  for (size_t i = 0; i < s.matchers.size(); ++i) {
    const Matcher& m = s.matchers[i];
    if (!IsValidLabelName(m.name())) {
      return InvalidArgument(fmt::format(
          "invalid silence: invalid label matcher {}: invalid label name \"{}\"", i, m.name()));
    }
    if (!IsValidUtf8(m.value())) {
      return InvalidArgument(
          fmt::format("invalid silence: invalid label matcher {}: value is not valid UTF-8", i));
    }
    selective = selective || !HoldsForAnything(m);
  }
  if (!selective) {
    return InvalidArgument("invalid silence: at least one matcher must not match the empty string");
  }
  if (s.ends_at <= s.starts_at) {
    return InvalidArgument("invalid silence: end time must not be before start time");
  }
  if (s.ends_at < now) {
    return InvalidArgument("Failed to create silence: end time can't be in the past");
  }
  return OkStatus();
}

// Whether `next` may replace `old` under the same id.
bool CanUpdate(const Silence& old, const Silence& next, Timestamp now) {
  if (old.matchers != next.matchers) return false;
  switch (StateOfSilence(old, now)) {
    case SilenceState::kActive:
      return old.starts_at.ms / 1000 == next.starts_at.ms / 1000 && next.ends_at >= now;
    case SilenceState::kPending:
      return next.starts_at >= now;
    case SilenceState::kExpired:
      break;
  }
  return false;
}

// The silence as it is once ended; nothing when it has expired already.
std::optional<Silence> Expired(const Silence& silence, Timestamp now) {
  Silence out = silence;
  switch (StateOfSilence(silence, now)) {
    case SilenceState::kExpired:
      return std::nullopt;
    case SilenceState::kPending:
      out.starts_at = now;
      break;
    case SilenceState::kActive:
      break;
  }
  out.ends_at = now;
  out.updated_at = now;
  return out;
}

}  // namespace

SilenceState StateOfSilence(const Silence& silence, Timestamp now) {
  if (now < silence.starts_at) return SilenceState::kPending;
  // One that was ended at `now` has expired now.
  return now >= silence.ends_at ? SilenceState::kExpired : SilenceState::kActive;
}

Status SilenceStore::Load() {
  TOCSIN_ASSIGN(auto pairs, store_.Scan(kNamespace));
  std::unique_lock lock(mutex_);
  for (const auto& [key, value] : pairs) {
    if (auto silence = Decode(value)) {
      silences_.insert_or_assign(key, std::move(*silence));
    } else {
      log::Error("A stored silence is damaged and ignored", {{"id", key}});
    }
  }
  return OkStatus();
}

Result<std::string> SilenceStore::Set(Silence silence) {
  std::unique_lock lock(mutex_);
  const Timestamp now = clock_.Now();
  silence.updated_at = now;
  std::vector<Silence> changed;
  TOCSIN_RETURN_IF_ERROR(Validate(silence, now));
  if (!silence.id.empty()) {
    const auto it = silences_.find(silence.id);
    if (it == silences_.end()) return NotFound("silence not found");
    if (CanUpdate(it->second, silence, now)) {
      TOCSIN_RETURN_IF_ERROR(CheckSize(silence));
      TOCSIN_RETURN_IF_ERROR(Save({silence}));
      return silence.id;
    }
    if (auto ended = Expired(it->second, now)) changed.push_back(std::move(*ended));
  }
  silence.id = NewId();
  silence.starts_at = std::max(silence.starts_at, now);
  TOCSIN_RETURN_IF_ERROR(Validate(silence, now));
  if (limits_.max_silences > 0 && silences_.size() + 1 > limits_.max_silences) {
    return Error(ErrorCode::kLimit,
                 fmt::format("exceeded maximum number of silences: {} (limit: {})",
                             silences_.size(), limits_.max_silences));
  }
  TOCSIN_RETURN_IF_ERROR(CheckSize(silence));
  changed.push_back(silence);
  TOCSIN_RETURN_IF_ERROR(Save(changed));
  return silence.id;
}

Status SilenceStore::Expire(const std::string& id) {
  std::unique_lock lock(mutex_);
  const auto it = silences_.find(id);
  if (it == silences_.end()) return NotFound("silence not found");
  const auto ended = Expired(it->second, clock_.Now());
  if (!ended) return OkStatus();
  return Save({*ended});
}

std::optional<Silence> SilenceStore::Get(const std::string& id) const {
  std::shared_lock lock(mutex_);
  const auto it = silences_.find(id);
  if (it == silences_.end()) return std::nullopt;
  return it->second;
}

std::vector<Silence> SilenceStore::All() const {
  std::shared_lock lock(mutex_);
  std::vector<Silence> out;
  out.reserve(silences_.size());
  for (const auto& [id, silence] : silences_) out.push_back(silence);
  return out;
}

std::vector<std::string> SilenceStore::SilencedBy(const Labels& labels, Timestamp now) const {
  std::shared_lock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [id, silence] : silences_) {
    if (StateOfSilence(silence, now) == SilenceState::kActive &&
        MatchesAll(silence.matchers, labels)) {
      out.push_back(id);
    }
  }
  return out;
}

Status SilenceStore::CollectGarbage(Duration retention) {
  std::unique_lock lock(mutex_);
  const Timestamp limit = clock_.Now() - retention;
  std::vector<storage::KvWrite> deletes;
  std::erase_if(silences_, [&](const auto& pair) {
    if (pair.second.ends_at > limit) return false;
    deletes.push_back({pair.first, std::nullopt});
    return true;
  });
  if (deletes.empty()) return OkStatus();
  return store_.Write(kNamespace, std::move(deletes));
}

Status SilenceStore::CheckSize(const Silence& silence) const {
  const uint64_t bytes = Encode(silence).size();
  if (limits_.max_silence_bytes > 0 && bytes > limits_.max_silence_bytes) {
    return Error(ErrorCode::kLimit,
                 fmt::format("silence exceeded maximum size: {} bytes (limit: {} bytes)", bytes,
                             limits_.max_silence_bytes));
  }
  return OkStatus();
}

// On disk first: a silence that a caller was told of must not be lost.
// REQUIRES: mutex_ is held.
Status SilenceStore::Save(const std::vector<Silence>& changed) {
  std::vector<storage::KvWrite> writes;
  for (const Silence& s : changed) writes.push_back({s.id, Encode(s)});
  TOCSIN_RETURN_IF_ERROR(store_.Write(kNamespace, std::move(writes), true));
  for (const Silence& s : changed) silences_.insert_or_assign(s.id, s);
  return OkStatus();
}

// A random uuid, version 4.
std::string SilenceStore::NewId() {
  const uint64_t a = random_.Next(), b = random_.Next();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xfff,
                     0x8000 | ((b >> 48) & 0x3fff), b & 0xffff'ffff'ffff);
}

}  // namespace tocsin::alerting
