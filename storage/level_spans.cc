#include "storage/level_spans.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "storage/base/crash_point.h"
#include "storage/codec/level_part.h"
#include "storage/file_builder.h"
#include "storage/level_writer.h"

namespace tocsin::storage {
namespace {

constexpr Duration kResolution = ResolutionOf(Level::k1h);
// A sample at midnight belongs to a window that ends there.
constexpr size_t kWindowsADay = static_cast<size_t>(Duration{kDayMs} / kResolution) + 1;

// Whether the days can be put together as they are: each is told completely, and what was deleted
// has left it (or cannot any more, for want of raw samples).
bool IsSettled(const Directory& directory, uint8_t retention_class, uint16_t first, uint16_t last) {
  for (size_t day = first; day <= last; ++day) {
    const auto d = static_cast<uint16_t>(day);
    const auto raw = directory.OfDays(DayStart(d), DayStart(d));
    const bool any = std::any_of(raw.begin(), raw.end(), [&](const SealedFilePtr& file) {
      return file->id.retention_class == retention_class;
    });
    if (!any) continue;
    const LevelFiles files = directory.LevelsOf(Level::k1h, d);
    if (!AreComplete(files, d, raw, retention_class) ||
        HasMasked(directory, files, d, retention_class))
      return false;
  }
  return true;
}

}  // namespace

SpanJob PlanSpan(const Directory& directory, Timestamp closed_before, Timestamp newest,
                 const KeepOfClass& keep,
                 const std::function<bool(uint8_t retention_class, uint16_t span)>& skip) {
  std::map<std::pair<uint8_t, uint16_t>, std::vector<SealedFilePtr>> spans;
  for (const SealedFilePtr& file : directory.levels)
    if (file->id.level == static_cast<uint8_t>(Level::k1h))
      spans[{file->id.retention_class, static_cast<uint16_t>(file->id.day / kSpanDays * kSpanDays)}]
          .push_back(file);
  for (auto& [of, files] : spans) {
    const auto [retention_class, span] = of;
    const Duration time = keep(retention_class).one_hour;
    if (time < kSpanMinimumKeep || span > kMaxDay - kSpanDays) continue;
    const auto last = static_cast<uint16_t>(span + kSpanDays - 1);
    if (DayStart(last) + Duration{kDayMs} > closed_before) continue;
    uint16_t first = span;
    if (time < kKeepForever && newest != kMinTimestamp && newest - time >= DayStart(first))
      first = DayOf(std::min(newest - time, kMaxStorable));
    // Those that end before it go as a whole, by PlanByTime.
    std::erase_if(files, [&](const SealedFilePtr& file) { return file->last_day() < first; });
    if (first > last || files.empty()) continue;
    const bool over = std::any_of(files.begin(), files.end(), [first = first](const auto& file) {
      return file->first_day() < first;
    });
    if (files.size() == 1 ? over
                          : (over || !skip(retention_class, span)) &&
                                IsSettled(directory, retention_class, first, last))
      return {retention_class, first, last, std::move(files)};
  }
  return {};
}

// What is under construction.
struct SpanWriter::Output {
  FileBuilder file;
  LevelPartBuilder part;
  bool exact_copy;  // of one file: what was deleted in it is not taken out
  Timestamp min_time = kMaxTimestamp, max_time = kMinTimestamp;
  uint64_t samples = 0;

  void Count(Timestamp first, Timestamp last, uint64_t n) {
    min_time = std::min(min_time, first);
    max_time = std::max(max_time, last);
    samples += n;
  }
};

Status SpanWriter::AddGroup(const SpanJob& job, uint64_t group, const Directory& view,
                            const std::vector<LevelFiles>& of_day, Output* out) {
  const size_t days = of_day.size();
  const std::span<const Tombstone> tombstones =
      out->exact_copy ? std::span<const Tombstone>() : std::span<const Tombstone>(view.tombstones);
  std::array<LevelReader::Histograms, kGroupSlots> histograms;
  bool any = false;
  std::vector<LevelCell> cells;
  std::vector<uint32_t> windows;
  std::string blob;
  for (unsigned k = 0; k < kGroupSlots / kSpanSlots; ++k) {
    out->part.ResetDays(kResolution, DayStart(job.first), days, kWindowsADay);
    for (unsigned slot = k * kSpanSlots; slot < (k + 1) * kSpanSlots; ++slot) {
      cells.clear();
      windows.clear();
      for (size_t i = 0; i < days; ++i) {
        const SealedFile* file = LevelFileOf(of_day[i], job.retention_class, group);
        if (file == nullptr) continue;
        const auto day = static_cast<uint16_t>(job.first + i);
        TOCSIN_RETURN_IF_ERROR(reader_.Read(*file, SeriesId(group, slot), {day, day}, kMinTimestamp,
                                            kMaxTimestamp, tombstones, &cells, &histograms[slot]));
        const Timestamp last_ms = DayStart(day) + Duration{kDayMs - 1};
        for (size_t at = windows.size(); at < cells.size(); ++at) {
          const LevelCell& cell = cells[at];
          windows.push_back(
              static_cast<uint32_t>(i * kWindowsADay + (cell.end - DayStart(day)) / kResolution));
          if (cell.count > 0)
            out->Count(cell.first_time, cell.last_time, cell.count);
          else
            out->Count(std::min(cell.end, last_ms), std::min(cell.end, last_ms), 0);
        }
      }
      out->part.AddFloats(slot, cells, windows);
    }
    for (unsigned slot = k * kSpanSlots; slot < (k + 1) * kSpanSlots; ++slot) {
      const LevelReader::Histograms& of = histograms[slot];
      for (size_t i = 0; i < of.samples.size(); ++i)
        out->Count(of.samples[i].t, of.samples[i].t, of.weights[i]);
      out->part.AddWeights(slot, of.weights);
    }
    if (out->part.empty()) continue;
    any = true;
    blob.clear();
    out->part.Finish(blob);
    TOCSIN_RETURN_IF_ERROR(out->file.AddPart(group, static_cast<uint16_t>(k), blob));
  }
  if (!any) return out->file.AddEmpty(group);
  SegmentParts::Slots<TimedHistogram> slots{};
  for (unsigned slot = 0; slot < kGroupSlots; ++slot) slots[slot] = histograms[slot].samples;
  uint16_t number = kFirstHistogramPart;
  return parts_.Histograms(slots, [&](const SegmentPart& segment) -> Status {
    if (number == 0xFFFF)
      return Error(ErrorCode::kLimit, "a group has more histograms than a level can number");
    return out->file.AddPart(group, number++, segment.blob);
  });
}

Result<uint64_t> SpanWriter::Write(const SpanJob& job, uint64_t seal_seq) {
  const DirectoryPtr view = deps_.directories.View();
  const keys::FileId id{job.retention_class, job.first, seal_seq, static_cast<uint8_t>(Level::k1h)};
  Output out{
      FileBuilder(deps_.store, deps_.folder, id, FileKind::kLevelSpan), {}, job.inputs.size() == 1};
  FileHeader& header = out.file.header();
  header.covers.Append(seal_seq);
  IdRanges groups;
  for (const SealedFilePtr& file : job.inputs) {
    header.covers.Merge(file->header.covers);
    groups.Merge(file->header.groups);
    header.tombstone = std::max(header.tombstone, file->header.tombstone);
  }
  if (!out.exact_copy)
    for (const Tombstone& tombstone : view->tombstones)
      header.tombstone = std::max(header.tombstone, tombstone.number);
  // Of each day the files that go into the new one: others do not count.
  std::vector<LevelFiles> of_day;
  for (size_t day = job.first; day <= job.last; ++day) {
    const auto d = static_cast<uint16_t>(day);
    LevelFiles files = view->LevelsOf(Level::k1h, d);
    std::erase_if(files, [&](const SealedFile* file) {
      return std::none_of(job.inputs.begin(), job.inputs.end(),
                          [&](const SealedFilePtr& input) { return input.get() == file; });
    });
    IdRanges built_from;
    for (const SealedFile* file : files) built_from.Merge(file->BuiltFrom(d));
    header.built_from_by_day.push_back(std::move(built_from));
    of_day.push_back(std::move(files));
  }
  for (const IdRange& range : groups.ranges())
    for (uint64_t group = range.first; group - range.first < range.length; ++group)
      TOCSIN_RETURN_IF_ERROR(AddGroup(job, group, *view, of_day, &out));
  if (out.samples == 0 && out.min_time > out.max_time)
    out.Count(DayStart(job.first), DayStart(job.last), 0);
  out.file.Count(out.samples, out.min_time, out.max_time);
  TOCSIN_ASSIGN(SealedFilePtr sealed, out.file.Finish());
  CrashPoint("span.built");
  TOCSIN_RETURN_IF_ERROR(deps_.store.Ingest({{Family::kLvl, out.file.paths()}}));
  CrashPoint("span.ingested");
  out.file.Ingested();
  Directory next = *view;
  std::erase_if(next.levels, [&](const SealedFilePtr& file) {
    return std::find(job.inputs.begin(), job.inputs.end(), file) != job.inputs.end();
  });
  const uint64_t bytes = sealed->header.bytes;
  next.levels.push_back(std::move(sealed));
  next.published = std::max(next.published, seal_seq);
  deps_.directories.Publish(std::move(next));
  CrashPoint("span.published");
  return bytes;
}

}  // namespace tocsin::storage
