// Keys of the families and the small values beside them: a first byte says which, then the bytes.
// Values have their key in front, with its length (u8).
#include "storage/key_schema.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/directory.h"
#include "storage/recovery.h"
#include "storage/series_run.h"
#include "storage/symbols.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

using namespace storage;  // NOLINT: a test

enum What : uint8_t {
  kRaw,
  kLevel,
  kSeriesKey,
  kSymbolKey,
  kLogRow,
  kTombstoneKey,
  kEdge,
  kLogName,
  kRun,
  kSymbols,
  kTombstone,
  kFloors,
  kHowMany
};

std::string KeyOf(const keys::RawKey& raw) {
  switch (raw.kind) {
    case keys::RawKey::Kind::kHeader:
      return keys::FileHeader(raw.file);
    case keys::RawKey::Kind::kExemplars:
      return keys::Exemplars(raw.file, raw.part);
    default:
      return keys::Segment(raw.file, raw.group, raw.part);
  }
}

void ReadKey(What what, std::string_view key) {
  switch (what) {
    case kRaw: {
      const auto raw = keys::ParseRaw(key);
      if (!raw) return;
      // A header's part is always 0.
      if (raw->kind == keys::RawKey::Kind::kHeader && raw->part != 0) return;
      TOCSIN_CHECK(KeyOf(*raw) == key, "a key is written as it was read");
      TOCSIN_CHECK(key < keys::FileEnd(raw->file) && key >= keys::FilePrefix(raw->file),
                   "a key lies in its file");
      return;
    }
    case kLevel:
      if (const auto id = keys::ParseLevelFileId(key))
        TOCSIN_CHECK(key.starts_with(keys::FilePrefix(*id)), "a level's file");
      return;
    case kSeriesKey:
      if (const auto run = keys::ParseSeriesRun(key))
        TOCSIN_CHECK(keys::SeriesRun(run->group, run->first_slot) == key, "a run's key");
      return;
    case kSymbolKey:
      if (const auto first = keys::ParseSymbols(key))
        TOCSIN_CHECK(keys::Symbols(*first) == key, "a symbol's key");
      return;
    case kLogRow:
      if (const auto seq = keys::ParseLogRow(key))
        TOCSIN_CHECK(keys::LogRow(*seq) == key, "a row's key");
      return;
    case kTombstoneKey:
      if (const auto number = keys::ParseTombstone(key))
        TOCSIN_CHECK(keys::Tombstone(*number) == key, "a deletion's key");
      return;
    case kEdge:
      if (const auto edge = keys::ParseEdge(key))
        TOCSIN_CHECK(keys::Edge(edge->retention_class, edge->level) == key, "an edge's key");
      return;
    default:
      if (const auto epoch = ParseLogFamilyName(key))
        TOCSIN_CHECK(LogFamilyName(*epoch) == key, "an epoch's name");
  }
}

void ReadValue(What what, std::string_view key, std::string_view value) {
  switch (what) {
    case kRun:
      if (const auto run = DecodeSeriesRun(key, value); run.ok())
        for (const SeriesRun::Entry& entry : run->series)
          TOCSIN_CHECK(GroupOf(entry.id) == GroupOf(run->series.front().id), "one group a run");
      return;
    case kSymbols: {
      SymbolTable symbols;
      (void)LoadSymbols(key, value, symbols).ok();
      return;
    }
    case kTombstone:
      if (const auto tombstone = DecodeTombstone(1, value); tombstone.ok())
        TOCSIN_CHECK(DecodeTombstone(1, EncodeTombstone(*tombstone)).ok(),
                     "what was read can be written");
      return;
    default:
      (void)DecodeFloors(value).ok();
  }
}

std::string WithKey(What what, const std::string& key, const std::string& value) {
  return std::string(1, static_cast<char>(what)) + static_cast<char>(key.size()) + key + value;
}

}  // namespace

void RunOne(std::string_view input) {
  ByteReader in(input);
  const auto what = static_cast<What>(in.Fixed<uint8_t>() % kHowMany);
  if (!in.ok()) return;
  if (what < kRun) return ReadKey(what, in.rest());
  const auto length = in.Fixed<uint8_t>();
  if (!in.ok()) return;
  const std::string_view key = in.Bytes(std::min<size_t>(length, in.remaining()));
  ReadValue(what, key, in.rest());
  if (what != kRun || in.remaining() < 4) return;
  // And with a checksum that is right, so that what lies behind it is reached.
  std::string value(in.rest().substr(0, in.remaining() - 4));
  PutFixed(value, Checksum32(value));
  ReadValue(what, key, value);
}

std::vector<std::string> Seeds() {
  const keys::FileId raw{3, 19'675, 1234};
  const keys::FileId level{3, 19'675, 1234, 1};
  const auto key = [](What what, const std::string& bytes) {
    return std::string(1, static_cast<char>(what)) + bytes;
  };
  SeriesRunEncoder run;
  const std::vector<SymbolPair> first = {{1, 2}, {3, 4}, {5, 6}}, second = {{1, 2}, {3, 7}, {5, 6}};
  run.Add(SeriesId(9, 3), OwnerKind::kShared, {1'700'000'000'000}, first, 2);
  run.Add(SeriesId(9, 4), OwnerKind::kShared, {1'700'000'000'000}, second, 2);
  std::string symbols;
  PutVarint(symbols, 2);
  PutString(symbols, "job");
  PutString(symbols, "node");
  const Tombstone tombstone{7, {1}, {1'700'000'000'000}, 55, {640, 641, 99'999}};
  return {key(kRaw, keys::Segment(raw, 300, 2)),
          key(kRaw, keys::FileHeader(raw)),
          key(kRaw, keys::Exemplars(raw, 1)),
          key(kLevel, keys::Segment(level, 70'000, 0)),
          key(kSeriesKey, keys::SeriesRun(300, 17)),
          key(kSymbolKey, keys::Symbols(70'000)),
          key(kLogRow, keys::LogRow(1u << 20)),
          key(kTombstoneKey, keys::Tombstone(7)),
          key(kEdge, keys::Edge(3, 1)),
          key(kLogName, LogFamilyName(1048577)),
          WithKey(kRun, keys::SeriesRun(9, 3), run.Encode()),
          WithKey(kSymbols, keys::Symbols(5), symbols),
          WithKey(kTombstone, keys::Tombstone(7), EncodeTombstone(tombstone)),
          WithKey(kFloors, keys::Floors(), EncodeFloors({5, 6, 7, 8, 9}))};
}

}  // namespace tocsin::fuzz
