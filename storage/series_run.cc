#include "storage/series_run.h"

#include <algorithm>

#include "storage/base/coding.h"
#include "storage/key_schema.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kMaxPairs = 4096;

Error Corrupt(std::string_view what) {
  return Error(ErrorCode::kCorruption, "family series: " + std::string(what));
}

std::vector<SymbolPair> CommonPairs(const std::vector<SeriesRun::Entry>& series) {
  std::vector<SymbolPair> common = series.front().pairs;
  for (const SeriesRun::Entry& entry : series)
    std::erase_if(common, [&](const SymbolPair& pair) {
      return std::find(entry.pairs.begin(), entry.pairs.end(), pair) == entry.pairs.end();
    });
  return common;
}

bool ReadSymbol(ByteReader& in, Symbol* out) {
  const uint64_t v = in.Varint();
  *out = static_cast<Symbol>(v);
  return in.ok() && v != 0 && v <= 0xFFFFFFFFu;
}

// Puts the own pairs at their places and the common ones around them.
bool ReadPairs(ByteReader& in, const std::vector<SymbolPair>& common,
               std::vector<SymbolPair>* pairs) {
  const uint64_t own = in.Varint();
  if (!in.ok() || own > kMaxPairs || own > in.remaining()) return false;
  const size_t total = common.size() + own;
  auto next_common = common.begin();
  for (uint64_t i = 0; i < own; ++i) {
    const uint64_t position = in.Varint();
    SymbolPair pair;
    if (!ReadSymbol(in, &pair.first) || !ReadSymbol(in, &pair.second)) return false;
    if (position < pairs->size() || position >= total) return false;
    while (pairs->size() < position && next_common != common.end())
      pairs->push_back(*next_common++);
    if (pairs->size() != position) return false;
    pairs->push_back(pair);
  }
  pairs->insert(pairs->end(), next_common, common.end());
  return pairs->size() == total && total > 0;
}

}  // namespace

bool SeriesRunEncoder::Joins(uint64_t id, OwnerKind kind) const {
  if (run_.series.empty()) return true;
  return kind == run_.kind && id == run_.series.back().id + 1 && SlotOf(id) != 0;
}

void SeriesRunEncoder::Add(uint64_t id, OwnerKind kind, Timestamp created,
                           std::span<const SymbolPair> pairs, uint8_t retention_class) {
  if (run_.series.empty()) {
    run_.retention_class = retention_class;
    run_.kind = kind;
    run_.created = created;
  }
  run_.series.push_back({id, {pairs.begin(), pairs.end()}});
}

std::string SeriesRunEncoder::Encode() const {
  std::string out;
  out.push_back(static_cast<char>(kVersion));
  out.push_back(static_cast<char>(run_.retention_class));
  out.push_back(static_cast<char>(run_.kind));
  PutZigZag(out, run_.created.ms);
  PutVarint(out, run_.series.size());
  const std::vector<SymbolPair> common = CommonPairs(run_.series);
  PutVarint(out, common.size());
  for (const auto& [name, value] : common) {
    PutVarint(out, name);
    PutVarint(out, value);
  }
  for (const SeriesRun::Entry& entry : run_.series) {
    PutVarint(out, entry.pairs.size() - common.size());
    for (size_t i = 0; i < entry.pairs.size(); ++i) {
      if (std::find(common.begin(), common.end(), entry.pairs[i]) != common.end()) continue;
      PutVarint(out, i);
      PutVarint(out, entry.pairs[i].first);
      PutVarint(out, entry.pairs[i].second);
    }
  }
  PutFixed(out, Checksum32(out));
  return out;
}

void SeriesRunEncoder::Flush(RocksBatch& batch) {
  if (run_.series.empty()) return;
  const uint64_t first = run_.series.front().id;
  batch.Put(Family::kSeries, keys::SeriesRun(GroupOf(first), static_cast<uint8_t>(SlotOf(first))),
            Encode());
  run_.series.clear();
}

Result<SeriesRun> DecodeSeriesRun(std::string_view key, std::string_view value) {
  const auto place = keys::ParseSeriesRun(key);
  if (!place || place->group == 0) return Corrupt("a malformed key");
  if (value.size() < sizeof(uint32_t)) return Corrupt("a value that is cut off");
  const std::string_view body = value.substr(0, value.size() - sizeof(uint32_t));
  if (ByteReader(value.substr(body.size())).Fixed<uint32_t>() != Checksum32(body))
    return Corrupt("a wrong checksum");
  ByteReader in(body);
  SeriesRun run;
  if (in.Fixed<uint8_t>() != kVersion) return Corrupt("a version this program does not know");
  run.retention_class = in.Fixed<uint8_t>();
  const auto kind = in.Fixed<uint8_t>();
  if (kind < 1 || kind > 3) return Corrupt("an unknown owner kind");
  run.kind = static_cast<OwnerKind>(kind);
  run.created = {in.ZigZagVarint()};
  const uint64_t n = in.Varint();
  const uint64_t ncommon = in.Varint();
  if (!in.ok() || n == 0 || place->first_slot + n > kGroupSlots || ncommon > kMaxPairs)
    return Corrupt("a malformed run");
  std::vector<SymbolPair> common(ncommon);
  for (auto& [name, text] : common)
    if (!ReadSymbol(in, &name) || !ReadSymbol(in, &text)) return Corrupt("a malformed run");
  for (uint64_t i = 0; i < n; ++i) {
    SeriesRun::Entry entry;
    entry.id = SeriesId(place->group, place->first_slot + static_cast<unsigned>(i));
    if (!ReadPairs(in, common, &entry.pairs)) return Corrupt("a malformed run");
    run.series.push_back(std::move(entry));
  }
  if (!in.done()) return Corrupt("bytes behind a run");
  return run;
}

Status LoadSymbols(std::string_view key, std::string_view value, SymbolTable& symbols) {
  const auto first = keys::ParseSymbols(key);
  ByteReader in(value);
  const uint64_t n = in.Varint();
  if (!first || !in.ok() || n > value.size())
    return Error(ErrorCode::kCorruption, "family sym: a malformed value");
  for (uint64_t i = 0; i < n; ++i) {
    const std::string_view text = in.String();
    if (!in.ok() || !symbols.Restore(*first + i, text))
      return Error(ErrorCode::kCorruption, "family sym: a malformed value");
  }
  return OkStatus();
}

}  // namespace tocsin::storage
