#include "alerting/nflog.h"

#include <algorithm>
#include <mutex>

#include "storage/base/coding.h"
#include "storage/base/log.h"

namespace tocsin::alerting {
namespace {

constexpr std::string_view kNamespace = "nflog";
constexpr uint8_t kFormat = 1;  // on disk
constexpr Duration kGraceAfterStart = std::chrono::minutes(30);

void PutHashes(std::string& out, const std::vector<uint64_t>& hashes) {
  PutVarint(out, hashes.size());
  for (const uint64_t h : hashes) PutFixed(out, h);
}

std::vector<uint64_t> ReadHashes(ByteReader& in) {
  const uint64_t n = in.Varint();
  std::vector<uint64_t> out;
  if (n > in.remaining() / sizeof(uint64_t)) {
    in.Bytes(in.remaining() + 1);  // fails the reader
    return out;
  }
  out.reserve(n);
  for (uint64_t i = 0; i < n; ++i) out.push_back(in.Fixed<uint64_t>());
  return out;
}

std::string Encode(const NflogEntry& entry) {
  std::string out;
  out.push_back(static_cast<char>(kFormat));
  PutZigZag(out, entry.time.ms);
  PutZigZag(out, entry.expires_at.ms);
  PutHashes(out, entry.firing);
  PutHashes(out, entry.resolved);
  PutVarint(out, entry.receiver_data.size());
  for (const auto& [name, value] : entry.receiver_data) {
    PutString(out, name);
    PutString(out, value);
  }
  return out;
}

std::optional<NflogEntry> Decode(std::string_view bytes) {
  ByteReader in(bytes);
  NflogEntry out;
  const auto format = in.Fixed<uint8_t>();
  out.time.ms = in.ZigZagVarint();
  out.expires_at.ms = in.ZigZagVarint();
  out.firing = ReadHashes(in);
  out.resolved = ReadHashes(in);
  for (uint64_t n = in.Varint(); n > 0 && in.ok(); --n) {
    std::string name(in.String());
    out.receiver_data[std::move(name)] = in.String();
  }
  if (!in.ok() || !in.done() || format != kFormat) return std::nullopt;
  return out;
}

}  // namespace

std::string NflogKey::Encode() const {
  std::string out;
  PutString(out, group_key);
  PutString(out, receiver);
  PutString(out, integration);
  PutVarint(out, index);
  return out;
}

Status NotificationLog::Load(Timestamp now) {
  TOCSIN_ASSIGN(auto pairs, store_.Scan(kNamespace));
  std::unique_lock lock(mutex_);
  for (auto& [key, value] : pairs) {
    auto entry = Decode(value);
    if (!entry) {
      log::Error("An entry of the notification log is damaged and ignored",
                 {{"bytes", value.size()}});
    } else {
      // What expired while the program was down is still needed to tell of ends.
      entry->expires_at = std::max(entry->expires_at, now + kGraceAfterStart);
      entries_.insert_or_assign(std::move(key), std::move(*entry));
    }
  }
  return OkStatus();
}

std::optional<NflogEntry> NotificationLog::Query(const NflogKey& key) const {
  std::shared_lock lock(mutex_);
  const auto it = entries_.find(key.Encode());
  if (it == entries_.end()) return std::nullopt;
  return it->second;
}

Status NotificationLog::Log(const NflogKey& key, NflogEntry entry) {
  std::shared_lock closing(closing_);
  if (closed_) return Error(ErrorCode::kUnavailable, "the notification log is closed");
  std::string encoded = key.Encode();
  Status written = store_.Write(kNamespace, {{encoded, Encode(entry)}}, true);
  std::unique_lock lock(mutex_);
  entries_.insert_or_assign(std::move(encoded), std::move(entry));
  return written;
}

void NotificationLog::Close() {
  std::unique_lock lock(closing_);
  closed_ = true;
}

Status NotificationLog::CollectGarbage(Timestamp now) {
  // Alone: an entry written between the two steps here would be gone from the store only.
  std::unique_lock closing(closing_);
  if (closed_) return OkStatus();
  std::vector<storage::KvWrite> deletes;
  {
    std::unique_lock lock(mutex_);
    absl::erase_if(entries_, [&](const auto& pair) {
      if (pair.second.expires_at > now) return false;
      deletes.push_back({pair.first, std::nullopt});
      return true;
    });
  }
  if (deletes.empty()) return OkStatus();
  return store_.Write(kNamespace, std::move(deletes));
}

size_t NotificationLog::size() const {
  std::shared_lock lock(mutex_);
  return entries_.size();
}

}  // namespace tocsin::alerting
