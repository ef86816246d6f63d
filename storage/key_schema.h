// Every key layout of the database, and nowhere else. Keys are on disk: no byte here may change
// without a decision record (tests/storage/key_schema_test.cc pins them; docs/storage-format.md
// explains them). Fixed integers are big-endian; a "group" or "symbol" is an ordered varint.
// Pure functions: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/time.h"

namespace tocsin::storage {

// The column families and their names on disk. Log epochs have names of their own (LogFamilyName).
enum class Family : uint8_t { kDefault, kSeries, kSym, kPost, kRaw, kLvl, kState };
inline constexpr Family kFixedFamilies[] = {Family::kDefault, Family::kSeries, Family::kSym,
                                            Family::kPost,    Family::kRaw,    Family::kLvl,
                                            Family::kState};
std::string_view FamilyName(Family family);

// "log_<first log_seq>", decimal.
std::string LogFamilyName(uint64_t first_log_seq);
std::optional<uint64_t> ParseLogFamilyName(std::string_view name);

// The disk format this program writes, and the oldest program format that can read it.
inline constexpr uint64_t kFormatVersion = 1;
inline constexpr uint64_t kOldestReader = 1;

inline constexpr int64_t kDayMs = 24LL * 3600 * 1000;
inline constexpr uint16_t kMaxDay = 0xFFFF;
inline constexpr Timestamp kMinStorable{0};
inline constexpr Timestamp kMaxStorable{(int64_t{kMaxDay} + 1) * kDayMs - 1};
// REQUIRES: kMinStorable <= t <= kMaxStorable.
constexpr uint16_t DayOf(Timestamp t) { return static_cast<uint16_t>(t.ms / kDayMs); }
constexpr Timestamp DayStart(uint16_t day) { return {int64_t{day} * kDayMs}; }

// A series id is its group times 64 plus its slot. Group 0 is not used.
inline constexpr unsigned kGroupSlots = 64;
constexpr uint64_t GroupOf(uint64_t series_id) { return series_id / kGroupSlots; }
constexpr unsigned SlotOf(uint64_t series_id) {
  return static_cast<unsigned>(series_id % kGroupSlots);
}
constexpr uint64_t SeriesId(uint64_t group, unsigned slot) { return group * kGroupSlots + slot; }

namespace keys {

// Family default.
std::string Format();                                      // f
std::string Floors();                                      // n
std::string Class(uint8_t retention_class);                // c class
std::string Edge(uint8_t retention_class, uint8_t level);  // e class level
std::string Tombstone(uint64_t number);                    // t number
std::string PostMark();                                    // p
std::string GuardedClock();                                // g
std::string LogDropped();                                  // l
std::string Metadata(std::string_view metric);             // m name
std::string Exemplar(uint32_t place);                      // x place
inline constexpr std::string_view kTombstonePrefix = "t";
inline constexpr std::string_view kEdgePrefix = "e";
inline constexpr std::string_view kMetadataPrefix = "m";
inline constexpr std::string_view kExemplarPrefix = "x";
std::optional<uint64_t> ParseTombstone(std::string_view key);
struct EdgeKey {
  uint8_t retention_class;
  uint8_t level;
};
std::optional<EdgeKey> ParseEdge(std::string_view key);

// Family series: the run of new series that starts at this slot.
std::string SeriesRun(uint64_t group, uint8_t first_slot);
struct SeriesRunKey {
  uint64_t group;
  uint8_t first_slot;
};
std::optional<SeriesRunKey> ParseSeriesRun(std::string_view key);

// Family sym.
std::string Symbols(uint64_t first_symbol);
std::optional<uint64_t> ParseSymbols(std::string_view key);

// Family post.
std::string Posting(uint16_t day, uint64_t name_symbol, uint64_t value_symbol, uint32_t id_high);

// Family state: namespace, then the key of its owner as it is.
std::string State(std::string_view ns, std::string_view key);
std::string StatePrefix(std::string_view ns);

// Family log_<n>.
std::string LogRow(uint64_t log_seq);
std::optional<uint64_t> ParseLogRow(std::string_view key);

// Families raw and lvl. A file is all keys of one FileId; its header is its last key.
struct FileId {
  uint8_t retention_class = 0;
  uint16_t day = 0;  // of a level: the first day of its span
  uint64_t seal_seq = 0;
  uint8_t level = 0;  // 0: family raw; otherwise family lvl, where it follows the class in the key
  auto operator<=>(const FileId&) const = default;

  Family family() const { return level == 0 ? Family::kRaw : Family::kLvl; }
};
std::string FilePrefix(const FileId& file);
std::string Segment(const FileId& file, uint64_t group, uint16_t part);
std::string Exemplars(const FileId& file, uint16_t part);
std::string FileHeader(const FileId& file);
// Just behind the last key of the file.
std::string FileEnd(const FileId& file);
// Just behind the last raw file of the class and day.
std::string DayEnd(uint8_t retention_class, uint16_t day);
std::string DayBegin(uint8_t retention_class, uint16_t day);

struct RawKey {
  enum class Kind : uint8_t { kSegment, kExemplars, kHeader };
  FileId file;
  Kind kind = Kind::kSegment;
  uint64_t group = 0;  // of a segment
  uint16_t part = 0;
};
// Of a key of family raw.
std::optional<RawKey> ParseRaw(std::string_view key);
// The file a key of family raw, or the beginning of one, names.
std::optional<FileId> ParseFileId(std::string_view key);
// The same of family lvl.
std::optional<FileId> ParseLevelFileId(std::string_view key);

}  // namespace keys
}  // namespace tocsin::storage
