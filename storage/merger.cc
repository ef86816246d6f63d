#include "storage/merger.h"

#include <algorithm>
#include <utility>

#include "storage/base/crash_point.h"
#include "storage/codec/histogram_codec.h"
#include "storage/codec/segment.h"

namespace tocsin::storage {
namespace {

constexpr size_t kManyFiles = 16;
constexpr size_t kManyLateFiles = 8;

// What goes from the inputs into the header of the new file.
void Inherit(std::span<const SealedFilePtr> inputs, uint64_t oldest_log_seq, FileHeader* out) {
  for (const SealedFilePtr& file : inputs) {
    out->covers.Merge(file->header.covers);
    out->late_samples += file->header.late_samples;
    for (const GroupMark& mark : file->header.marks)
      if (mark.log_hi >= oldest_log_seq) out->marks.push_back(mark);
  }
  // One mark a group: the one that reaches furthest. Rows that only another one covers are replayed
  // as duplicates.
  std::sort(out->marks.begin(), out->marks.end(), [](const GroupMark& a, const GroupMark& b) {
    return a.group != b.group ? a.group < b.group : a.log_hi > b.log_hi;
  });
  const auto same_group = [](const GroupMark& a, const GroupMark& b) { return a.group == b.group; };
  out->marks.erase(std::unique(out->marks.begin(), out->marks.end(), same_group), out->marks.end());
}

std::span<const SealedFilePtr> OfSameDay(std::span<const SealedFilePtr> files) {
  size_t n = 1;
  while (n < files.size() && files[n]->id.day == files.front()->id.day) ++n;
  return files.first(n);
}

uint64_t BytesOf(std::span<const SealedFilePtr> files) {
  uint64_t bytes = 0;
  for (const SealedFilePtr& file : files) bytes += file->header.bytes;
  return bytes;
}

// The day is one file but for a little that came late.
bool IsSettled(std::span<const SealedFilePtr> day) {
  uint64_t largest = 0;
  for (const SealedFilePtr& file : day)
    if (file->header.kind != FileKind::kSeal) largest = std::max(largest, file->header.bytes);
  if (largest == 0) return false;
  return day.size() <= kManyLateFiles && BytesOf(day) - largest <= largest / 10;
}

// The newest files as long as the next older one is not larger than all of them together.
std::span<const SealedFilePtr> NewestOfLikeSize(std::span<const SealedFilePtr> day) {
  size_t first = day.size() - 1;
  uint64_t bytes = day[first]->header.bytes;
  while (first > 0 && (day.size() - first < 4 || day[first - 1]->header.bytes <= bytes))
    bytes += day[--first]->header.bytes;
  return day.subspan(first);
}

bool HasMasked(const SealedFile& file, const Directory& directory) {
  return std::any_of(
      directory.tombstones.begin(), directory.tombstones.end(), [&](const Tombstone& tombstone) {
        return std::any_of(tombstone.series.begin(), tombstone.series.end(), [&](uint64_t id) {
          return file.header.groups.Contains(GroupOf(id)) && tombstone.Masks(file, id);
        });
      });
}

}  // namespace

MergePlan PlanMerge(const Directory& directory, Timestamp closed_before) {
  std::span<const SealedFilePtr> left(directory.files);
  while (!left.empty()) {
    const auto day = OfSameDay(left);
    left = left.subspan(day.size());
    if (day.size() < 2) continue;
    const bool closed = DayStart(day.front()->id.day) + Duration{kDayMs} <= closed_before;
    if (closed && !IsSettled(day)) return {day};
    if (day.size() > kManyFiles) return {NewestOfLikeSize(day)};
  }
  return {};
}

MergePlan PlanFullMerge(const Directory& directory) {
  std::span<const SealedFilePtr> left(directory.files);
  while (!left.empty()) {
    const auto day = OfSameDay(left);
    left = left.subspan(day.size());
    if (day.size() > 1 || HasMasked(*day.front(), directory)) return {day};
  }
  return {};
}

Status Merger::ReadGroup(std::span<const SealedFilePtr> inputs, uint64_t group,
                         const Directory& directory) {
  for (auto& samples : values_) samples.Clear();
  for (auto& samples : histograms_) samples.clear();
  SegmentReader reader;
  const Timestamp edge = directory.EdgeOf(inputs.front()->id.retention_class, Level::kRaw);
  for (const SealedFilePtr& file : inputs) {
    if (!file->header.groups.Contains(group)) continue;
    std::array<std::vector<const Tombstone*>, kGroupSlots> masks;
    for (const Tombstone& tombstone : directory.tombstones)
      for (unsigned slot = 0; slot < kGroupSlots; ++slot)
        if (tombstone.Masks(*file, SeriesId(group, slot))) masks[slot].push_back(&tombstone);
    Status status;
    const auto take = [&](std::string_view, std::string_view blob) {
      status = reader.Open(blob);
      for (unsigned slot = 0; status.ok() && slot < kGroupSlots; ++slot) {
        for (size_t run = 0; status.ok() && run < reader.RunCount(slot); ++run) {
          SegmentRun out;
          status = reader.ReadRun(slot, run, &out);
          if (!status.ok()) break;
          const auto wanted = [&](Timestamp t) {
            return t >= edge &&
                   std::none_of(masks[slot].begin(), masks[slot].end(), [t](const Tombstone* mask) {
                     return t >= mask->from && t <= mask->to;
                   });
          };
          if (out.kind == RunKind::kHistogram) {
            std::vector<Histogram> decoded(out.times.size());
            status = DecodeHistograms(out.bytes, decoded);
            for (size_t i = 0; status.ok() && i < decoded.size(); ++i)
              if (wanted(out.times[i]))
                histograms_[slot].push_back(
                    {out.times[i], std::make_shared<const Histogram>(std::move(decoded[i])),
                     out.starts.empty() ? kNoStart : out.starts[i]});
            continue;
          }
          for (size_t i = 0; i < out.times.size(); ++i)
            if (wanted(out.times[i]))
              values_[slot].Add(out.times[i], out.values[i],
                                out.starts.empty() ? kNoStart : out.starts[i]);
        }
      }
      return status.ok();
    };
    TOCSIN_RETURN_IF_ERROR(deps_.store.Scan(Family::kRaw, keys::Segment(file->id, group, 0),
                                            keys::Segment(file->id, group + 1, 0), take));
    TOCSIN_RETURN_IF_ERROR(status);
  }
  for (auto& samples : values_) samples.Sort();
  for (auto& samples : histograms_) SortByTime(&samples);
  return OkStatus();
}

Status Merger::Merge(std::span<const SealedFilePtr> inputs, uint64_t seal_seq,
                     uint64_t oldest_log_seq) {
  const DirectoryPtr directory = deps_.directories.View();
  const keys::FileId id{inputs.front()->id.retention_class, inputs.front()->id.day, seal_seq};
  FileBuilder file(deps_.store, deps_.folder, id, FileKind::kMerge);
  Inherit(inputs, oldest_log_seq, &file.header());
  for (const Tombstone& tombstone : directory->tombstones)
    file.header().tombstone = std::max(file.header().tombstone, tombstone.number);
  IdRanges groups;
  for (const SealedFilePtr& input : inputs) groups.Merge(input->header.groups);
  for (const IdRange& range : groups.ranges()) {
    for (uint64_t group = range.first; group - range.first < range.length; ++group) {
      TOCSIN_RETURN_IF_ERROR(ReadGroup(inputs, group, *directory));
      SegmentParts::Slots<TimedValue> values;
      SegmentParts::Slots<TimedStart> starts;
      SegmentParts::Slots<TimedHistogram> histograms;
      for (size_t slot = 0; slot < kGroupSlots; ++slot) {
        values[slot] = values_[slot].values;
        starts[slot] = values_[slot].starts;
        histograms[slot] = histograms_[slot];
      }
      const auto add = [&](const SegmentPart& part) {
        return file.Add(group, part.blob, part.samples, part.min_time, part.max_time);
      };
      TOCSIN_RETURN_IF_ERROR(parts_.Samples(values, starts, add));
      TOCSIN_RETURN_IF_ERROR(parts_.Histograms(histograms, add));
    }
  }
  Directory next = *directory;
  std::erase_if(next.files, [&](const SealedFilePtr& one) {
    return std::find(inputs.begin(), inputs.end(), one) != inputs.end();
  });
  if (!file.empty()) {
    TOCSIN_ASSIGN(SealedFilePtr merged, file.Finish());
    CrashPoint("merge.built");
    TOCSIN_RETURN_IF_ERROR(deps_.store.Ingest({{Family::kRaw, file.paths()}}));
    CrashPoint("merge.ingested");
    file.Ingested();
    next.files.push_back(std::move(merged));
  }
  next.published = std::max(next.published, seal_seq);
  deps_.directories.Publish(std::move(next));
  CrashPoint("merge.published");
  return OkStatus();
}

}  // namespace tocsin::storage
