#include "storage/key_schema.h"

#include <charconv>

#include "storage/base/coding.h"

namespace tocsin::storage {
namespace {

constexpr std::string_view kLogFamilyPrefix = "log_";
// In place of the length byte (0-8) of a group.
constexpr uint8_t kExemplarByte = 0xFE;
constexpr uint8_t kHeaderByte = 0xFF;

template <typename T>
std::optional<T> Checked(const ByteReader& in, T value) {
  if (!in.ok() || !in.done()) return std::nullopt;
  return value;
}

}  // namespace

std::string_view FamilyName(Family family) {
  switch (family) {
    case Family::kDefault:
      return "default";
    case Family::kSeries:
      return "series";
    case Family::kSym:
      return "sym";
    case Family::kPost:
      return "post";
    case Family::kRaw:
      return "raw";
    case Family::kLvl:
      return "lvl";
    case Family::kState:
      return "state";
  }
  return {};
}

std::string LogFamilyName(uint64_t first_log_seq) {
  return std::string(kLogFamilyPrefix) + std::to_string(first_log_seq);
}

std::optional<uint64_t> ParseLogFamilyName(std::string_view name) {
  if (!name.starts_with(kLogFamilyPrefix)) return std::nullopt;
  name.remove_prefix(kLogFamilyPrefix.size());
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  if (name.front() == '0' && name.size() > 1) return std::nullopt;
  return n;
}

namespace keys {

std::string Format() { return "f"; }
std::string Floors() { return "n"; }
std::string Class(uint8_t retention_class) { return {'c', static_cast<char>(retention_class)}; }
std::string Edge(uint8_t retention_class, uint8_t level) {
  return {'e', static_cast<char>(retention_class), static_cast<char>(level)};
}
std::string Tombstone(uint64_t number) {
  std::string key(kTombstonePrefix);
  PutBigEndian(key, number);
  return key;
}
std::string PostMark() { return "p"; }
std::string GuardedClock() { return "g"; }
std::string LogDropped() { return "l"; }
std::string Metadata(std::string_view metric) {
  return std::string(kMetadataPrefix).append(metric);
}

std::string Exemplar(uint32_t place) {
  std::string key(kExemplarPrefix);
  PutBigEndian(key, place);
  return key;
}

std::optional<uint64_t> ParseTombstone(std::string_view key) {
  if (!key.starts_with(kTombstonePrefix)) return std::nullopt;
  ByteReader in(key.substr(kTombstonePrefix.size()));
  const auto number = in.BigEndian<uint64_t>();
  return Checked(in, number);
}

std::optional<EdgeKey> ParseEdge(std::string_view key) {
  if (key.size() != 3 || !key.starts_with(kEdgePrefix)) return std::nullopt;
  return EdgeKey{static_cast<uint8_t>(key[1]), static_cast<uint8_t>(key[2])};
}

std::string SeriesRun(uint64_t group, uint8_t first_slot) {
  std::string key;
  PutOrderedVarint(key, group);
  key.push_back(static_cast<char>(first_slot));
  return key;
}

std::optional<SeriesRunKey> ParseSeriesRun(std::string_view key) {
  ByteReader in(key);
  SeriesRunKey run{};
  run.group = in.OrderedVarint();
  run.first_slot = in.BigEndian<uint8_t>();
  return Checked(in, run);
}

std::string Symbols(uint64_t first_symbol) {
  std::string key;
  PutOrderedVarint(key, first_symbol);
  return key;
}

std::optional<uint64_t> ParseSymbols(std::string_view key) {
  ByteReader in(key);
  const uint64_t first = in.OrderedVarint();
  return Checked(in, first);
}

std::string Posting(uint16_t day, uint64_t name_symbol, uint64_t value_symbol, uint32_t id_high) {
  std::string key;
  PutBigEndian(key, day);
  PutOrderedVarint(key, name_symbol);
  PutOrderedVarint(key, value_symbol);
  PutBigEndian(key, id_high);
  return key;
}

std::string StatePrefix(std::string_view ns) {
  std::string key;
  PutString(key, ns);
  return key;
}
std::string State(std::string_view ns, std::string_view key) { return StatePrefix(ns).append(key); }

std::string LogRow(uint64_t log_seq) {
  std::string key;
  PutBigEndian(key, log_seq);
  return key;
}

std::optional<uint64_t> ParseLogRow(std::string_view key) {
  ByteReader in(key);
  const auto seq = in.BigEndian<uint64_t>();
  return Checked(in, seq);
}

std::string DayBegin(uint8_t retention_class, uint16_t day) {
  std::string key(1, static_cast<char>(retention_class));
  PutBigEndian(key, day);
  return key;
}

std::string DayEnd(uint8_t retention_class, uint16_t day) {
  // Behind every seal_seq: none is 2^64-1.
  return DayBegin(retention_class, day).append(8, '\xff');
}

std::string FilePrefix(const FileId& file) {
  std::string key(1, static_cast<char>(file.retention_class));
  if (file.level != 0) key.push_back(static_cast<char>(file.level));
  PutBigEndian(key, file.day);
  PutBigEndian(key, file.seal_seq);
  return key;
}

std::string Segment(const FileId& file, uint64_t group, uint16_t part) {
  std::string key = FilePrefix(file);
  PutOrderedVarint(key, group);
  PutBigEndian(key, part);
  return key;
}

std::string Exemplars(const FileId& file, uint16_t part) {
  std::string key = FilePrefix(file);
  key.push_back(static_cast<char>(kExemplarByte));
  PutBigEndian(key, part);
  return key;
}

std::string FileHeader(const FileId& file) {
  std::string key = FilePrefix(file);
  key.push_back(static_cast<char>(kHeaderByte));
  PutBigEndian(key, uint16_t{0});
  return key;
}

std::string FileEnd(const FileId& file) { return FileHeader(file).append(1, '\0'); }

std::optional<FileId> ParseFileId(std::string_view key) {
  ByteReader in(key);
  FileId file;
  file.retention_class = in.BigEndian<uint8_t>();
  file.day = in.BigEndian<uint16_t>();
  file.seal_seq = in.BigEndian<uint64_t>();
  if (!in.ok()) return std::nullopt;
  return file;
}

std::optional<FileId> ParseLevelFileId(std::string_view key) {
  ByteReader in(key);
  FileId file;
  file.retention_class = in.BigEndian<uint8_t>();
  file.level = in.BigEndian<uint8_t>();
  file.day = in.BigEndian<uint16_t>();
  file.seal_seq = in.BigEndian<uint64_t>();
  if (!in.ok() || file.level == 0) return std::nullopt;
  return file;
}

std::optional<RawKey> ParseRaw(std::string_view key) {
  const auto file = ParseFileId(key);
  if (!file) return std::nullopt;
  ByteReader in(key.substr(FilePrefix(*file).size()));
  if (in.done()) return std::nullopt;
  RawKey raw;
  raw.file = *file;
  switch (static_cast<uint8_t>(in.rest().front())) {
    case kHeaderByte:
      raw.kind = RawKey::Kind::kHeader;
      in.Bytes(1);
      break;
    case kExemplarByte:
      raw.kind = RawKey::Kind::kExemplars;
      in.Bytes(1);
      break;
    default:
      raw.group = in.OrderedVarint();
  }
  raw.part = in.BigEndian<uint16_t>();
  return Checked(in, raw);
}

}  // namespace keys
}  // namespace tocsin::storage
