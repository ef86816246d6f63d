#include "storage/codec/segment.h"

#include <algorithm>
#include <limits>

#include "storage/base/check.h"
#include "storage/codec/time_codec.h"
#include "storage/codec/value_codec.h"
#include "storage/model/sample.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kStartedVersion = 2;  // the same and start timestamps
constexpr size_t kChecksumBytes = sizeof(uint32_t);
// A column per slot at most: bounds what a reader of damaged bytes allocates.
constexpr uint64_t kMaxTimeColumns = kSegmentSlots;
constexpr double kStartLimit = 2251799813685248.0;  // 2^51

Error Malformed(std::string_view part) {
  return {ErrorCode::kCorruption, "malformed segment: " + std::string(part)};
}

// The part of `entries` from `at` on that has one state: [at, returned).
size_t EndOfStretch(const Presence& presence, size_t at, bool present, size_t entries) {
  return std::min(presence.Find(at, !present), entries);
}

}  // namespace

void SegmentBuilder::Reset() {
  times_.clear();
  table_.clear();
  columns_.clear();
  start_table_.clear();
  start_columns_.clear();
  started_ = 0;
  samples_before_ = 0;
  entries_.clear();
  present_ = 0;
  last_slot_ = -1;
  samples_ = 0;
  tmin_ = kMaxTimestamp;
  tmax_ = kMinTimestamp;
}

uint32_t SegmentBuilder::AddTimes(std::span<const Timestamp> times) {
  TOCSIN_CHECK(present_ == 0 && entries_.size() < kMaxTimeColumns, "timestamp columns come first");
  PutVarint(times_, times.size());
  EncodeTimes(times, times_);
  entries_.push_back(static_cast<uint32_t>(times.size()));
  tmin_ = std::min(tmin_, times.front());
  tmax_ = std::max(tmax_, times.back());
  return static_cast<uint32_t>(entries_.size() - 1);
}

void SegmentBuilder::StartSlot(unsigned slot) {
  TOCSIN_CHECK(slot<kSegmentSlots&& static_cast<int>(slot)> last_slot_, "ascending slots");
  last_slot_ = static_cast<int>(slot);
  present_ |= uint64_t{1} << slot;
  samples_before_ = samples_;
}

void SegmentBuilder::AddStarts(std::span<const Timestamp> starts) {
  TOCSIN_CHECK(last_slot_ >= 0 && starts.size() == samples_ - samples_before_, "a start a sample");
  started_ |= uint64_t{1} << last_slot_;
  std::array<double, kMaxColumnEntries> column;
  for (size_t i = 0; i < starts.size(); ++i) {
    TOCSIN_CHECK(IsStorableStart(starts[i]), "a storable start");
    column[i] = static_cast<double>(starts[i].ms);
  }
  const size_t before = start_columns_.size();
  EncodeValues(std::span(column).first(starts.size()), start_columns_);
  PutVarint(start_table_, start_columns_.size() - before);
}

void SegmentBuilder::AddSlot(unsigned slot, uint32_t column, std::span<const double> values) {
  TOCSIN_CHECK(column < entries_.size() && values.size() == entries_[column], "whole column");
  StartSlot(slot);
  const size_t before = columns_.size();
  EncodeValues(values, columns_);
  PutVarint(table_, uint64_t{column} * 2 + 1);
  PutVarint(table_, columns_.size() - before);
  samples_ += values.size();
}

void SegmentBuilder::AddSlot(unsigned slot, uint32_t column, const Presence& presence,
                             std::span<const double> values) {
  TOCSIN_CHECK(column < entries_.size() && values.size() == presence.Count(), "marked samples");
  if (values.empty()) return;
  if (values.size() == entries_[column]) return AddSlot(slot, column, values);
  scratch_.clear();
  EncodeValues(values, scratch_);
  const Run run{&presence, scratch_};
  AddRuns(slot, column, {&run, 1});
}

void SegmentBuilder::AddRuns(unsigned slot, uint32_t column, std::span<const Run> runs) {
  TOCSIN_CHECK(column < entries_.size() && !runs.empty(), "runs of a column");
  StartSlot(slot);
  PutVarint(table_, uint64_t{column} * 2);
  PutVarint(table_, runs.size());
  size_t at = 0;
  for (const Run& run : runs) {
    PutRun(*run.presence, &at, run.bytes);
    TOCSIN_CHECK(at <= entries_[column], "marks lie in the column");
  }
}

void SegmentBuilder::PutRun(const Presence& presence, size_t* at, std::string_view bytes) {
  const size_t first = presence.Find(0, true);
  TOCSIN_CHECK(first >= *at && first < kMaxColumnEntries, "runs ascend and have samples");
  std::string gaps;
  size_t count = 0, end = EndOfStretch(presence, first, true, kMaxColumnEntries);
  for (size_t start = first;; ++count) {
    const size_t next = presence.Find(end, true);
    if (next == kMaxColumnEntries) break;
    PutVarint(gaps, end - start);
    PutVarint(gaps, next - end);
    start = next;
    end = EndOfStretch(presence, next, true, kMaxColumnEntries);
  }
  PutVarint(table_, first - *at);
  PutVarint(table_, end - first);
  PutVarint(table_, count);
  table_ += gaps;
  PutVarint(table_, bytes.size());
  columns_ += bytes;
  samples_ += presence.Count();
  *at = end;
}

void SegmentBuilder::Finish(std::string& out) {
  TOCSIN_CHECK(present_ != 0, "a segment has samples");
  const size_t begin = out.size();
  out.push_back(static_cast<char>(started_ == 0 ? kVersion : kStartedVersion));
  out.push_back(0);  // flags
  PutZigZag(out, tmin_.ms);
  PutVarint(out, static_cast<uint64_t>(tmax_.ms) - static_cast<uint64_t>(tmin_.ms));
  PutFixed(out, present_);
  PutVarint(out, entries_.size());
  out += times_;
  out += table_;
  if (started_ != 0) {
    PutFixed(out, started_);
    out += start_table_;
  }
  out += columns_;
  out += start_columns_;
  PutFixed(out, Checksum32(std::string_view(out).substr(begin)));
}

Status OpenedSegment::Open(std::string_view blob) {
  present_ = 0;
  blob_ = blob;
  if (blob.size() < kChecksumBytes) return Malformed("too short");
  if (blob.size() > std::numeric_limits<uint32_t>::max()) return Malformed("too long");
  const std::string_view body = blob.substr(0, blob.size() - kChecksumBytes);
  ByteReader tail(blob.substr(body.size()));
  if (tail.Fixed<uint32_t>() != Checksum32(body)) return Malformed("wrong checksum");
  ByteReader in(body);
  max_bytes_ = blob.size();
  Status status = ReadTables(in);
  columns_begin_ = body.size() - in.remaining();
  if (status.ok()) status = Place(0, kSegmentSlots, blob, columns_begin_, body.size());
  if (!status.ok()) present_ = 0;
  return status;
}

Status OpenedSegment::OpenTables(std::string_view tables) {
  present_ = 0;
  blob_ = tables;
  columns_begin_ = tables.size();
  max_bytes_ = std::numeric_limits<uint32_t>::max();
  ByteReader in(tables);
  Status status = ReadTables(in);
  if (status.ok() && !in.done()) status = Malformed("length");
  if (!status.ok()) present_ = 0;
  return status;
}

Status OpenedSegment::Attach(unsigned first, unsigned count, std::string_view columns) {
  if (columns.size() > std::numeric_limits<uint32_t>::max()) return Malformed("too long");
  return Place(first, count, columns, 0, columns.size());
}

void OpenedSegment::AppendColumns(unsigned first, unsigned count, std::string& out) const {
  for (unsigned s = first; s < first + count; ++s) {
    if (!Has(s)) continue;
    for (uint32_t i = 0; i < slots_[s].run_count; ++i) {
      const Run& run = runs_[slots_[s].run_begin + i];
      out += slots_[s].source.substr(run.offset, run.bytes);
    }
  }
  for (unsigned s = first; s < first + count; ++s)
    if (Has(s) && slots_[s].start_bytes != 0)
      out += slots_[s].source.substr(slots_[s].start_offset, slots_[s].start_bytes);
}

Status OpenedSegment::ReadTables(ByteReader& in) {
  runs_.clear();
  gaps_.clear();
  const auto version = in.Fixed<uint8_t>();
  if (in.ok() && version != kVersion && version != kStartedVersion) {
    return Error(ErrorCode::kUnsupported, "segment of version " + std::to_string(version));
  }
  const auto flags = in.Fixed<uint8_t>();
  tmin_.ms = in.ZigZagVarint();
  const uint64_t span = in.Varint();
  const auto present = in.Fixed<uint64_t>();
  if (!in.ok() || flags != 0 || present == 0) return Malformed("header");
  if (span > static_cast<uint64_t>(kMaxTimestamp.ms) - static_cast<uint64_t>(tmin_.ms)) {
    return Malformed("time range");
  }
  tmax_.ms = static_cast<int64_t>(static_cast<uint64_t>(tmin_.ms) + span);
  TOCSIN_RETURN_IF_ERROR(ReadColumns(in));
  present_ = present;
  TOCSIN_RETURN_IF_ERROR(ReadSlots(in));
  return version == kStartedVersion ? ReadStartTable(in) : OkStatus();
}

Status OpenedSegment::ReadColumns(ByteReader& in) {
  column_count_ = 0;
  const uint64_t count = in.Varint();
  if (!in.ok() || count == 0 || count > kMaxTimeColumns) return Malformed("column count");
  if (columns_.size() < count) columns_.resize(count);
  for (; column_count_ < count; ++column_count_) {
    Column& column = columns_[column_count_];
    const uint64_t n = in.Varint();
    if (!in.ok() || n == 0 || n > kMaxColumnEntries) return Malformed("column size");
    column.entries = static_cast<uint32_t>(n);
    column.times.resize(n);
    TOCSIN_RETURN_IF_ERROR(DecodeTimes(in, column.times));
    if (column.times.front() < tmin_ || column.times.back() > tmax_) return Malformed("times");
  }
  return OkStatus();
}

Status OpenedSegment::ReadSlots(ByteReader& in) {
  for (unsigned s = 0; s < kSegmentSlots; ++s) {
    if (!Has(s)) continue;
    Slot& slot = slots_[s];
    const uint64_t entry = in.Varint();
    if (!in.ok() || entry / 2 >= column_count_) return Malformed("slot table");
    slot.column = static_cast<uint32_t>(entry / 2);
    slot.run_begin = static_cast<uint32_t>(runs_.size());
    slot.start_bytes = 0;
    slot.source = {};
    if (entry % 2 == 1) {
      const uint32_t entries = columns_[slot.column].entries;
      const uint64_t bytes = in.Varint();
      if (!in.ok() || bytes > max_bytes_) return Malformed("slot table");
      runs_.push_back({0, entries, 0, 0, entries, 0, static_cast<uint32_t>(bytes)});
    } else {
      TOCSIN_RETURN_IF_ERROR(ReadRuns(in, slot));
    }
    slot.run_count = static_cast<uint32_t>(runs_.size()) - slot.run_begin;
  }
  return OkStatus();
}

Status OpenedSegment::ReadStartTable(ByteReader& in) {
  const auto started = in.Fixed<uint64_t>();
  if (!in.ok() || started == 0 || (started & ~present_) != 0) return Malformed("starts");
  for (unsigned s = 0; s < kSegmentSlots; ++s) {
    if (((started >> s) & 1) == 0) continue;
    const uint64_t bytes = in.Varint();
    if (!in.ok() || bytes == 0 || bytes > max_bytes_) return Malformed("starts");
    slots_[s].start_bytes = static_cast<uint32_t>(bytes);
  }
  return OkStatus();
}

Status OpenedSegment::Place(unsigned first, unsigned count, std::string_view source, uint64_t begin,
                            uint64_t end) {
  uint64_t offset = begin;
  for (unsigned s = first; s < first + count; ++s) {
    if (!Has(s)) continue;
    slots_[s].source = {};
    for (uint32_t i = 0; i < slots_[s].run_count; ++i) {
      Run& run = runs_[slots_[s].run_begin + i];
      if (run.bytes == 0 || run.bytes > end - offset) return Malformed("column lengths");
      run.offset = static_cast<uint32_t>(offset);
      offset += run.bytes;
    }
  }
  for (unsigned s = first; s < first + count; ++s) {
    if (!Has(s) || slots_[s].start_bytes == 0) continue;
    if (slots_[s].start_bytes > end - offset) return Malformed("column lengths");
    slots_[s].start_offset = static_cast<uint32_t>(offset);
    offset += slots_[s].start_bytes;
  }
  if (offset != end) return Malformed("length");
  for (unsigned s = first; s < first + count; ++s) slots_[s].source = source;
  return OkStatus();
}

// Those of one run of the slot.
Status OpenedSegment::ReadStarts(const Slot& slot, size_t index, SegmentBuffers& buffers,
                                 SegmentRun* out) const {
  size_t before = 0, samples = 0;
  for (size_t i = 0; i < slot.run_count; ++i) {
    if (i == index) before = samples;
    samples += runs_[slot.run_begin + i].samples;
  }
  std::array<double, kMaxColumnEntries> column;
  TOCSIN_RETURN_IF_ERROR(DecodeValues(slot.source.substr(slot.start_offset, slot.start_bytes),
                                      std::span(column).first(samples),
                                      slot.source.size() - slot.start_offset - slot.start_bytes));
  std::vector<Timestamp>& starts = buffers.starts;
  starts.resize(kMaxColumnEntries);
  for (size_t i = 0; i < samples; ++i) {
    const double start = column[i];
    if (!(start > -kStartLimit && start < kStartLimit)) return Malformed("start timestamp");
    starts[i] = {static_cast<int64_t>(start)};
    if (static_cast<double>(starts[i].ms) != start) return Malformed("start timestamp");
  }
  out->starts = std::span<const Timestamp>(starts).subspan(before, out->times.size());
  return OkStatus();
}

// Every table entry takes bytes of the blob, so that no count can claim more than is there.
Status OpenedSegment::ReadRuns(ByteReader& in, const Slot& slot) {
  const uint64_t entries = columns_[slot.column].entries;
  const uint64_t count = in.Varint();
  if (!in.ok() || count == 0 || count > entries) return Malformed("run count");
  uint64_t at = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t first = in.Varint();
    const uint64_t span = in.Varint();
    const uint64_t gap_count = in.Varint();
    if (!in.ok() || first > entries - at || span == 0 || span > entries - at - first ||
        gap_count > span / 2) {
      return Malformed("run");
    }
    Run run{};
    run.first = static_cast<uint32_t>(at + first);
    run.span = static_cast<uint32_t>(span);
    run.gap_begin = static_cast<uint32_t>(gaps_.size());
    run.gap_count = static_cast<uint32_t>(gap_count);
    uint64_t left = span, absent = 0;
    for (uint64_t g = 0; g < gap_count; ++g) {
      const uint64_t skip = in.Varint();
      const uint64_t len = in.Varint();
      if (!in.ok() || skip == 0 || len == 0 || skip >= left || len >= left - skip) {
        return Malformed("gap");
      }
      left -= skip + len;
      absent += len;
      gaps_.push_back({static_cast<uint32_t>(skip), static_cast<uint32_t>(len)});
    }
    const uint64_t bytes = in.Varint();
    if (!in.ok() || bytes > max_bytes_) return Malformed("run length");
    run.samples = static_cast<uint32_t>(span - absent);
    run.bytes = static_cast<uint32_t>(bytes);
    runs_.push_back(run);
    at += first + span;
  }
  return OkStatus();
}

Status OpenedSegment::ReadRun(unsigned slot, size_t index, SegmentBuffers& buffers,
                              SegmentRun* out) const {
  TOCSIN_CHECK(index < RunCount(slot), "run of a slot");
  const Run& run = runs_[slots_[slot].run_begin + index];
  const std::string_view source = slots_[slot].source;
  if (source.data() == nullptr) return Malformed("columns that are not there");
  out->bytes = source.substr(run.offset, run.bytes);
  const auto all =
      std::span<const Timestamp>(columns_[slots_[slot].column].times).subspan(run.first, run.span);
  out->times = all;
  if (run.gap_count != 0) {
    size_t at = 0, count = 0;
    const auto take = [&](size_t n) {
      std::copy_n(all.begin() + static_cast<ptrdiff_t>(at), n,
                  buffers.times.begin() + static_cast<ptrdiff_t>(count));
      at += n;
      count += n;
    };
    for (uint32_t g = 0; g < run.gap_count; ++g) {
      take(gaps_[run.gap_begin + g].skip);
      at += gaps_[run.gap_begin + g].len;
    }
    take(all.size() - at);
    out->times = {buffers.times.data(), count};
  }
  out->starts = {};
  if (slots_[slot].start_bytes != 0) {
    TOCSIN_RETURN_IF_ERROR(ReadStarts(slots_[slot], index, buffers, out));
  }
  if (static_cast<uint8_t>(out->bytes[0]) == kHistogramColumnMode) {
    out->kind = RunKind::kHistogram;
    out->values = {};
    return OkStatus();
  }
  out->kind = RunKind::kFloat;
  out->shape = ShapeOf(out->bytes);
  out->values = {buffers.values.data(), run.samples};
  return DecodeValues(out->bytes, {buffers.values.data(), run.samples},
                      source.size() - run.offset - run.bytes);
}

uint64_t OpenedSegment::memory_bytes() const {
  uint64_t bytes = sizeof(*this) + runs_.capacity() * sizeof(Run) + gaps_.capacity() * sizeof(Gap) +
                   columns_.capacity() * sizeof(Column);
  for (const Column& column : columns_) bytes += column.times.capacity() * sizeof(Timestamp);
  return bytes;
}

}  // namespace tocsin::storage
