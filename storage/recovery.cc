#include "storage/recovery.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "storage/base/coding.h"
#include "storage/base/crash_point.h"
#include "storage/base/log.h"
#include "storage/codec/day_part.h"
#include "storage/codec/log_row.h"
#include "storage/codec/segment.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kVersion = 1;

Error Corrupt(std::string_view what) {
  return Error(ErrorCode::kCorruption, "family default: " + std::string(what));
}

// Samples that a file holds already.
class Marks {
 public:
  void Add(const FileHeader& header) {
    for (const GroupMark& mark : header.marks) marks_[mark.group].push_back(mark);
  }
  bool Sealed(uint64_t group, uint64_t log_seq, Timestamp t) {
    if (group != group_) {
      group_ = group;
      const auto it = marks_.find(group);
      of_group_ = it == marks_.end() ? nullptr : &it->second;
    }
    return of_group_ != nullptr &&
           std::any_of(of_group_->begin(), of_group_->end(), [&](const GroupMark& mark) {
             return log_seq <= mark.log_hi && t < mark.cut;
           });
  }

 private:
  absl::flat_hash_map<uint64_t, std::vector<GroupMark>> marks_;
  uint64_t group_ = 0;
  const std::vector<GroupMark>* of_group_ = nullptr;
};

class Replayer {
 public:
  Replayer(const SeriesIndex& index, Head& head, MonotonicTime now, Recovered* recovered)
      : index_(index), head_(head), now_(now), recovered_(*recovered) {
    for (const SealedFilePtr& file : recovered->directory.files) marks_.Add(file->header);
    edge_ = recovered->directory.RawEdge();
  }

  Status Epoch(const RocksStore& store, uint64_t epoch);

 private:
  void Row(uint64_t log_seq, const LogRow& row);
  bool Wanted(SeriesRef series, Timestamp t, uint64_t log_seq);
  void Take(const SparseSample& sample, uint64_t log_seq);
  void EraseMasked(const TombstoneRow& row);

  const SeriesIndex& index_;
  Head& head_;
  const MonotonicTime now_;
  Recovered& recovered_;
  Marks marks_;
  std::vector<SparseSample> samples_;
  Timestamp edge_;
};

Status Replayer::Epoch(const RocksStore& store, uint64_t epoch) {
  LogRowDecoder decoder;
  LogRow row;
  uint64_t expected = epoch;
  recovered_.numbers.log_seq = std::max(recovered_.numbers.log_seq, epoch);
  const auto take = [&](std::string_view key, std::string_view value) {
    const auto seq = keys::ParseLogRow(key);
    if (!seq) {
      ++recovered_.damaged_rows;
      return true;
    }
    if (*seq != expected) decoder.Hole();
    expected = *seq + 1;
    recovered_.numbers.log_seq = std::max(recovered_.numbers.log_seq, expected);
    const Status status = decoder.Decode(value, &row);
    if (!status.ok() || row.skipped) {
      if (recovered_.damaged_rows++ == 0 && !status.ok())
        log::Warn("a row of the log is damaged",
                  {{"log_seq", *seq}, {"err", status.error().message()}});
      return true;
    }
    Row(*seq, row);
    return true;
  };
  return store.ScanLog(epoch, 0, take, &recovered_.damaged_rows);
}

void Replayer::Row(uint64_t log_seq, const LogRow& row) {
  samples_.clear();
  switch (row.kind) {
    case LogRowKind::kTimeline:
      for (size_t i = 0; i < row.series.size(); ++i)
        Take({row.series[i], row.t, row.values[i], row.starts.empty() ? kNoStart : row.starts[i]},
             log_seq);
      break;
    case LogRowKind::kSparse:
      for (size_t i = 0; i < row.sparse.size(); ++i) {
        SparseSample sample = row.sparse[i];
        if (!row.starts.empty()) sample.start = row.starts[i];
        Take(sample, log_seq);
      }
      break;
    case LogRowKind::kHistogram:
      if (Wanted(row.histogram_series, row.t, log_seq)) {
        RowResult ignored;
        head_.AppendHistogram(row.histogram_series,
                              {row.t, std::make_shared<const Histogram>(*row.histogram),
                               row.starts.empty() ? kNoStart : row.starts.front()},
                              log_seq, now_, &ignored);
      }
      return;
    case LogRowKind::kTombstone:
      EraseMasked(row.tombstone);
      return;
    default:
      return;
  }
  RowResult ignored;
  const auto pool = head_.LockPool();
  head_.AppendSparse(samples_, log_seq, now_, &ignored);
}

bool Replayer::Wanted(SeriesRef series, Timestamp t, uint64_t log_seq) {
  if (t < edge_ || t < kMinStorable || t > kMaxStorable) return false;
  if (marks_.Sealed(GroupOf(series.id), log_seq, t)) return false;
  if (index_.Get(series) != nullptr) return true;
  // Its run was lost; its number must not become another's.
  ++recovered_.damaged_rows;
  recovered_.numbers.group = std::max(recovered_.numbers.group, GroupOf(series.id) + 1);
  return false;
}

void Replayer::Take(const SparseSample& sample, uint64_t log_seq) {
  if (Wanted(sample.series, sample.t, log_seq)) samples_.push_back(sample);
}

void Replayer::EraseMasked(const TombstoneRow& row) {
  const auto pool = head_.LockPool();
  for (const SeriesRef series : row.series) {
    Group* group = head_.Find(GroupOf(series.id));
    if (group == nullptr) continue;
    std::lock_guard lock(group->mutex());
    group->Erase(SlotOf(series.id), row.from, row.to, head_.pool());
  }
}

// Whether `other` replaces the file.
bool Contains(const SealedFile& other, const SealedFile& file) {
  if (&other == &file || other.id.retention_class != file.id.retention_class) return false;
  if (!other.header.covers.ContainsAll(file.header.covers)) return false;
  // Of two with equal covers the higher number stays.
  return !file.header.covers.ContainsAll(other.header.covers) ||
         other.id.seal_seq > file.id.seal_seq;
}

// Files that others contain (a crash came between a merge and its clean-up), and files older than
// the edge.
void DropContained(Recovered* out) {
  std::vector<SealedFilePtr> kept;
  for (const SealedFilePtr& file : out->directory.files) {
    const auto of_day = out->directory.OfDays(DayStart(file->id.day), DayStart(file->id.day));
    const bool contained =
        std::any_of(of_day.begin(), of_day.end(),
                    [&](const SealedFilePtr& other) { return Contains(*other, *file); });
    if (contained ||
        file->header.max_time < out->directory.EdgeOf(file->id.retention_class, Level::kRaw))
      out->contained.push_back(file->id);
    else
      kept.push_back(file);
  }
  out->directory.files = std::move(kept);
  std::vector<SealedFilePtr> levels;
  for (const SealedFilePtr& file : out->directory.levels) {
    const auto of_day = out->directory.LevelsOf(static_cast<Level>(file->id.level), file->id.day);
    if (file->header.max_time <
            out->directory.EdgeOf(file->id.retention_class, static_cast<Level>(file->id.level)) ||
        std::any_of(of_day.begin(), of_day.end(),
                    [&](const SealedFilePtr& other) { return Contains(*other, *file); }))
      out->contained.push_back(file->id);
    else
      levels.push_back(file);
  }
  out->directory.levels = std::move(levels);
}

void RaiseNumbers(const SealedFile& file, Numbers* numbers) {
  numbers->seal_seq =
      std::max({numbers->seal_seq, file.id.seal_seq + 1, file.header.covers.back() + 1});
  if (!file.header.groups.empty())
    numbers->group = std::max(numbers->group, file.header.groups.back() + 2);
  for (const GroupMark& mark : file.header.marks)
    numbers->log_seq = std::max(numbers->log_seq, mark.log_hi + 1);
}

// Null: the file was dropped, though its table may still be listed.
Result<SealedFilePtr> ReadFile(const RocksStore& store, const keys::FileId& id) {
  TOCSIN_ASSIGN(const auto value, store.Get(id.family(), keys::FileHeader(id)));
  if (!value) {
    bool has_keys = false;
    TOCSIN_RETURN_IF_ERROR(store.Scan(id.family(), keys::FilePrefix(id), keys::FileEnd(id),
                                      [&](std::string_view, std::string_view) {
                                        has_keys = true;
                                        return false;
                                      }));
    if (has_keys) return Corrupt("a file without a header");
    return SealedFilePtr();
  }
  TOCSIN_ASSIGN(FileHeader header, DecodeFileHeader(*value));
  if (header.covers.empty()) return Corrupt("a file that covers nothing");
  return SealedFilePtr(std::make_shared<const SealedFile>(SealedFile{id, std::move(header)}));
}

// The header of a file that has lost it, as far as its segments tell. It names no marks: rows of
// the log that are in the file come a second time into the head, and the file's samples win.
Result<SealedFilePtr> RemakeHeader(const RocksStore& store, const keys::FileId& id) {
  FileHeader header;
  header.kind = FileKind::kMerge;
  header.covers.Append(id.seal_seq);
  header.min_time = kMaxTimestamp;
  header.max_time = kMinTimestamp;
  SegmentReader reader;
  DayPartReader day;
  uint64_t damaged = 0;
  const auto take = [&](std::string_view key, std::string_view value) {
    const auto at = keys::ParseRaw(key);
    if (!at || at->kind != keys::RawKey::Kind::kSegment) return true;
    if (at->part == 0 && IsDayIndex(value) && day.OpenIndex(value).ok()) {
      header.kind = FileKind::kDay;
      if (header.groups.empty() || header.groups.back() < at->group)
        header.groups.Append(at->group);
      for (size_t i = 0; i < day.segments(); ++i) {
        header.min_time = std::min(header.min_time, day.segment(i).min_time());
        header.max_time = std::max(header.max_time, day.segment(i).max_time());
      }
      header.bytes += value.size();
      return true;
    }
    if (header.kind == FileKind::kDay || !reader.Open(value).ok()) return true;
    if (header.groups.empty() || header.groups.back() < at->group) header.groups.Append(at->group);
    header.min_time = std::min(header.min_time, reader.min_time());
    header.max_time = std::max(header.max_time, reader.max_time());
    header.bytes += value.size();
    return true;
  };
  TOCSIN_RETURN_IF_ERROR(
      store.ScanReadable(Family::kRaw, keys::FilePrefix(id), keys::FileEnd(id), take, &damaged));
  if (header.groups.empty()) return Corrupt("a file without a readable segment");
  return SealedFilePtr(std::make_shared<const SealedFile>(SealedFile{id, std::move(header)}));
}

// A file that cannot be read costs its samples, not the start.
void ReadFiles(const RocksStore& store, Recovered* out) {
  std::set<keys::FileId> ids;
  for (const std::string& key : store.FirstKeys(Family::kRaw))
    if (const auto id = keys::ParseFileId(key))
      ids.insert(*id);
    else
      ++out->damaged_files;
  for (const std::string& key : store.FirstKeys(Family::kLvl))
    if (const auto id = keys::ParseLevelFileId(key))
      ids.insert(*id);
    else
      ++out->damaged_files;
  for (const keys::FileId& id : ids) {
    // Its number is taken whatever its header says.
    out->numbers.seal_seq = std::max(out->numbers.seal_seq, id.seal_seq + 1);
    auto file = ReadFile(store, id);
    if (!file.ok()) {
      ++out->damaged_files;
      log::Error("a sealed file is damaged",
                 {{"day", id.day}, {"seal_seq", id.seal_seq}, {"err", file.error().message()}});
      // A level is built again as long as its raw files are there.
      if (id.level != 0) continue;
      file = RemakeHeader(store, id);
    }
    if (!file.ok()) {
      out->directory.damaged_days.push_back(id.day);
      log::Error("nothing of the file is readable", {{"err", file.error().message()}});
      continue;
    }
    if (*file == nullptr) continue;
    RaiseNumbers(**file, &out->numbers);
    out->directory.published = std::max(out->directory.published, (*file)->header.covers.back());
    auto& files = id.level == 0 ? out->directory.files : out->directory.levels;
    files.push_back(*std::move(file));
  }
}

Status ReadTombstones(const RocksStore& store, Recovered* out) {
  const std::string end(1, static_cast<char>(keys::kTombstonePrefix.front() + 1));
  const auto take = [out](std::string_view key, std::string_view value) {
    const auto number = keys::ParseTombstone(key);
    if (number) out->numbers.tombstone = std::max(out->numbers.tombstone, *number + 1);
    auto tombstone =
        number ? DecodeTombstone(*number, value) : Result<Tombstone>(Corrupt("a tombstone's key"));
    if (tombstone.ok()) {
      out->directory.tombstones.push_back(*std::move(tombstone));
    } else {
      ++out->damaged_values;
      log::Error("a deletion is damaged: what it deleted may answer again, delete it again",
                 {{"err", tombstone.error().message()}});
    }
    return true;
  };
  return store.ScanReadable(Family::kDefault, keys::kTombstonePrefix, end, take,
                            &out->damaged_values);
}

Result<std::optional<Timestamp>> ReadTime(const RocksStore& store, std::string_view key) {
  TOCSIN_ASSIGN(const auto value, store.Get(Family::kDefault, key));
  if (!value) return std::optional<Timestamp>();
  ByteReader in(*value);
  const auto version = in.Fixed<uint8_t>();
  const Timestamp t{in.ZigZagVarint()};
  if (version != kVersion || !in.ok()) return Corrupt("a malformed time");
  return std::optional<Timestamp>(t);
}

}  // namespace

std::string EncodeFloors(const Numbers& numbers) {
  std::string out(1, static_cast<char>(kVersion));
  for (const uint64_t n :
       {numbers.log_seq, numbers.group, numbers.symbol, numbers.seal_seq, numbers.tombstone})
    PutVarint(out, n);
  return out;
}

Result<Numbers> DecodeFloors(std::string_view value) {
  ByteReader in(value);
  const auto version = in.Fixed<uint8_t>();
  Numbers numbers;
  for (uint64_t* n :
       {&numbers.log_seq, &numbers.group, &numbers.symbol, &numbers.seal_seq, &numbers.tombstone})
    *n = in.Varint();
  if (version != kVersion || !in.ok()) return Corrupt("malformed floors");
  return numbers;
}

std::string EncodeTime(Timestamp t) {
  std::string out(1, static_cast<char>(kVersion));
  PutZigZag(out, t.ms);
  return out;
}

std::string EncodeLogDropped(uint64_t log_seq) {
  std::string out(1, static_cast<char>(kVersion));
  PutVarint(out, log_seq);
  return out;
}

std::string EncodeTombstone(const Tombstone& tombstone) {
  std::string out(1, static_cast<char>(kVersion));
  PutZigZag(out, tombstone.from.ms);
  PutZigZag(out, tombstone.to.ms);
  PutVarint(out, tombstone.bound_seal_seq);
  PutVarint(out, tombstone.series.size());
  uint64_t before = 0;
  for (const uint64_t id : tombstone.series) {
    PutVarint(out, id - before);
    before = id;
  }
  return out;
}

Result<Tombstone> DecodeTombstone(uint64_t number, std::string_view value) {
  ByteReader in(value);
  const auto version = in.Fixed<uint8_t>();
  Tombstone out;
  out.number = number;
  out.from = {in.ZigZagVarint()};
  out.to = {in.ZigZagVarint()};
  out.bound_seal_seq = in.Varint();
  const uint64_t n = in.Varint();
  if (version != kVersion || !in.ok() || n > in.remaining()) return Corrupt("a tombstone");
  out.series.reserve(n);
  uint64_t id = 0;
  for (uint64_t i = 0; i < n; ++i) out.series.push_back(id += in.Varint());
  if (!in.ok() || !in.done()) return Corrupt("a tombstone");
  return out;
}

Status CheckFormat(RocksStore& store, bool repaired) {
  auto read = store.Get(Family::kDefault, keys::Format());
  if (!read.ok() && read.error().code() != ErrorCode::kCorruption) return read.error();
  const std::optional<std::string> value = read.ok() ? *read : std::nullopt;
  if (value) {
    ByteReader in(*value);
    const auto version = in.Fixed<uint8_t>();
    const uint64_t format = in.Varint();
    const uint64_t oldest_reader = in.Varint();
    const std::string writer(in.String());
    if (version != kVersion || !in.ok()) return Corrupt("a malformed format");
    if (oldest_reader > kFormatVersion)
      return InvalidArgument("the database has format " + std::to_string(format) +
                             ", written by version " + writer + "; this program reads up to " +
                             std::to_string(kFormatVersion) + ": run a newer tocsin on it");
    return OkStatus();
  }
  repaired = repaired || !read.ok();
  for (Family family : {Family::kSeries, Family::kSym, Family::kRaw, Family::kState}) {
    if (repaired) break;
    TOCSIN_ASSIGN(const auto last, store.LastKey(family));
    if (last) return InvalidArgument("the database has data but no format: it is not tocsin's");
  }
  std::string format(1, static_cast<char>(kVersion));
  PutVarint(format, kFormatVersion);
  PutVarint(format, kOldestReader);
  PutString(format, "tocsin");
  RocksBatch batch = store.NewBatch();
  batch.Put(Family::kDefault, keys::Format(), format);
  return store.Write(batch, /*sync=*/true);
}

Result<Recovered> ReadDirectory(const RocksStore& store) {
  Recovered out;
  // A value that is damaged is as one that is not there: floors and edges come from all else.
  const auto tell = [&out](const Error& error) -> Status {
    if (error.code() != ErrorCode::kCorruption) return error;
    ++out.damaged_values;
    log::Error("a value is damaged", {{"err", error.message()}});
    return OkStatus();
  };
  const auto time_of = [&](std::string_view key, std::optional<Timestamp>* to) -> Status {
    auto time = ReadTime(store, key);
    if (!time.ok()) return tell(time.error());
    *to = *time;
    return OkStatus();
  };
  const auto stored = store.Get(Family::kDefault, keys::Floors());
  if (!stored.ok()) TOCSIN_RETURN_IF_ERROR(tell(stored.error()));
  if (stored.ok() && *stored) {
    const auto floors = DecodeFloors(**stored);
    if (floors.ok())
      out.numbers = *floors;
    else
      TOCSIN_RETURN_IF_ERROR(tell(floors.error()));
  }
  std::vector<keys::EdgeKey> edges;
  const std::string edges_end(1, static_cast<char>(keys::kEdgePrefix.front() + 1));
  TOCSIN_RETURN_IF_ERROR(store.ScanReadable(
      Family::kDefault, keys::kEdgePrefix, edges_end,
      [&edges](std::string_view key, std::string_view) {
        if (const auto of = keys::ParseEdge(key)) edges.push_back(*of);
        return true;
      },
      &out.damaged_values));
  for (const keys::EdgeKey& of : edges) {
    std::optional<Timestamp> edge;
    TOCSIN_RETURN_IF_ERROR(time_of(keys::Edge(of.retention_class, of.level), &edge));
    if (edge) out.directory.edges[{of.retention_class, of.level}] = *edge;
  }
  TOCSIN_RETURN_IF_ERROR(time_of(keys::GuardedClock(), &out.guarded));
  const auto dropped = store.Get(Family::kDefault, keys::LogDropped());
  if (!dropped.ok()) TOCSIN_RETURN_IF_ERROR(tell(dropped.error()));
  if (dropped.ok() && *dropped) {
    ByteReader in(**dropped);
    const auto version = in.Fixed<uint8_t>();
    const uint64_t log_seq = in.Varint();
    if (version == kVersion && in.ok())
      out.log_dropped = log_seq;
    else
      TOCSIN_RETURN_IF_ERROR(tell(Corrupt("a malformed end of the dropped log")));
    out.numbers.log_seq = std::max(out.numbers.log_seq, out.log_dropped + 1);
  }
  TOCSIN_RETURN_IF_ERROR(ReadTombstones(store, &out));
  ReadFiles(store, &out);
  out.directory.Sort();
  DropContained(&out);
  return out;
}

Status ReplayLog(const RocksStore& store, const SeriesIndex& index, Head& head, MonotonicTime now,
                 Recovered* recovered) {
  Replayer replayer(index, head, now, recovered);
  CrashPoint("replay.begin");
  for (const uint64_t epoch : store.Logs()) {
    TOCSIN_RETURN_IF_ERROR(replayer.Epoch(store, epoch));
    CrashPoint("replay.epoch");
  }
  for (const SealedFilePtr& file : recovered->directory.files)
    head.RaiseMaxTime(file->header.max_time);
  for (const SealedFilePtr& file : recovered->directory.levels)
    head.RaiseMaxTime(file->header.max_time);
  return OkStatus();
}

}  // namespace tocsin::storage
