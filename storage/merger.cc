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
  while (n < files.size() && files[n]->id.day == files.front()->id.day &&
         files[n]->id.retention_class == files.front()->id.retention_class)
    ++n;
  return files.first(n);
}

uint64_t BytesOf(std::span<const SealedFilePtr> files) {
  uint64_t bytes = 0;
  for (const SealedFilePtr& file : files) bytes += file->header.bytes;
  return bytes;
}

uint64_t DayFileBytes(std::span<const SealedFilePtr> day) {
  uint64_t largest = 0;
  for (const SealedFilePtr& file : day)
    if (file->header.kind == FileKind::kDay) largest = std::max(largest, file->header.bytes);
  return largest;
}

// The day is one file but for a little that came late.
bool IsSettled(std::span<const SealedFilePtr> day) {
  const uint64_t largest = DayFileBytes(day);
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

}  // namespace

bool HasMasked(const SealedFile& file, const Directory& directory) {
  return std::any_of(
      directory.tombstones.begin(), directory.tombstones.end(), [&](const Tombstone& tombstone) {
        return std::any_of(tombstone.series.begin(), tombstone.series.end(), [&](uint64_t id) {
          return file.header.groups.Contains(GroupOf(id)) && tombstone.Masks(file, id);
        });
      });
}

MergePlan PlanMerge(const Directory& directory, Timestamp closed_before,
                    const std::function<bool(uint8_t retention_class, uint16_t day)>& skip) {
  std::span<const SealedFilePtr> left(directory.files);
  while (!left.empty()) {
    const auto day = OfSameDay(left);
    left = left.subspan(day.size());
    const keys::FileId& id = day.front()->id;
    if (DayStart(id.day) + Duration{kDayMs} <= closed_before) {
      if (IsSettled(day) || (skip && skip(id.retention_class, id.day))) continue;
      return {day, true};
    }
    if (day.size() > kManyFiles) return {NewestOfLikeSize(day), false};
  }
  return {};
}

MergePlan PlanFullMerge(const Directory& directory, Timestamp closed_before) {
  std::span<const SealedFilePtr> left(directory.files);
  while (!left.empty()) {
    const auto day = OfSameDay(left);
    left = left.subspan(day.size());
    const bool closed = DayStart(day.front()->id.day) + Duration{kDayMs} <= closed_before;
    if (day.size() > 1 || HasMasked(*day.front(), directory) ||
        (closed && day.front()->header.kind != FileKind::kDay))
      return {day, closed};
  }
  return {};
}

Status Merger::ReadGroup(std::span<const SealedFilePtr> inputs, uint64_t group,
                         const Directory& directory, Timestamp from, Timestamp to) {
  for (auto& samples : values_) samples.Clear();
  for (auto& samples : histograms_) samples.clear();
  from = std::max(from, directory.EdgeOf(inputs.front()->id.retention_class, Level::kRaw));
  for (const SealedFilePtr& file : inputs) {
    if (!file->header.groups.Contains(group)) continue;
    for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
      const uint64_t id = SeriesId(group, slot);
      std::vector<const Tombstone*> masks;
      for (const Tombstone& tombstone : directory.tombstones)
        if (tombstone.Masks(*file, id)) masks.push_back(&tombstone);
      const auto wanted = [&](Timestamp t) {
        return t >= from && t < to &&
               std::none_of(masks.begin(), masks.end(), [t](const Tombstone* mask) {
                 return t >= mask->from && t <= mask->to;
               });
      };
      Status status;
      const auto take = [&](const SegmentRun& run) {
        const auto start = [&run](size_t i) {
          return run.starts.empty() ? kNoStart : run.starts[i];
        };
        if (run.kind == RunKind::kFloat) {
          for (size_t i = 0; i < run.times.size(); ++i)
            if (wanted(run.times[i])) values_[slot].Add(run.times[i], run.values[i], start(i));
          return;
        }
        std::vector<Histogram> decoded(run.times.size());
        if (status.ok()) status = DecodeHistograms(run.bytes, decoded);
        for (size_t i = 0; status.ok() && i < decoded.size(); ++i)
          if (wanted(run.times[i]))
            histograms_[slot].push_back(
                {run.times[i], std::make_shared<const Histogram>(std::move(decoded[i])), start(i)});
      };
      TOCSIN_RETURN_IF_ERROR(reader_.Read(*file, id, from, to, take));
      TOCSIN_RETURN_IF_ERROR(status);
    }
  }
  for (auto& samples : values_) samples.Sort();
  for (auto& samples : histograms_) SortByTime(&samples);
  return OkStatus();
}

Status Merger::CopyGroup(const MergePlan& plan, uint64_t group, const Directory& directory,
                         FileBuilder& file) {
  uint64_t about = 0;
  for (const SealedFilePtr& input : plan.inputs) {
    uint64_t groups = 0;
    for (const IdRange& range : input->header.groups.ranges()) groups += range.length;
    if (input->header.groups.Contains(group)) about += input->header.samples / groups;
  }
  const auto pieces = static_cast<int64_t>(std::clamp<uint64_t>(about / kSamplesAtOnce, 1, 24));
  const Timestamp begin = DayStart(plan.inputs.front()->id.day);
  day_.Reset();
  for (int64_t piece = 0; piece < pieces; ++piece) {
    TOCSIN_RETURN_IF_ERROR(ReadGroup(plan.inputs, group, directory,
                                     begin + Duration{kDayMs * piece / pieces},
                                     begin + Duration{kDayMs * (piece + 1) / pieces}));
    SegmentParts::Slots<TimedValue> values;
    SegmentParts::Slots<TimedStart> starts;
    SegmentParts::Slots<TimedHistogram> histograms;
    for (size_t slot = 0; slot < kGroupSlots; ++slot) {
      values[slot] = values_[slot].values;
      starts[slot] = values_[slot].starts;
      histograms[slot] = histograms_[slot];
    }
    const auto add = [&](const SegmentPart& part) {
      if (!plan.whole_day)
        return file.Add(group, part.blob, part.samples, part.min_time, part.max_time);
      file.Count(part.samples, part.min_time, part.max_time);
      return day_.Add(part.blob);
    };
    TOCSIN_RETURN_IF_ERROR(parts_.Samples(values, starts, add));
    TOCSIN_RETURN_IF_ERROR(parts_.Histograms(histograms, add));
  }
  return day_.empty() ? OkStatus() : FinishDay(group, file);
}

Status Merger::FinishDay(uint64_t group, FileBuilder& file) {
  blob_.clear();
  day_.FinishIndex(blob_);
  TOCSIN_RETURN_IF_ERROR(file.AddPart(group, 0, blob_));
  for (unsigned k = 0; k < kDayParts; ++k) {
    if (!day_.HasPart(k)) continue;
    blob_.clear();
    day_.FinishPart(k, blob_);
    TOCSIN_RETURN_IF_ERROR(file.AddPart(group, static_cast<uint16_t>(k + 1), blob_));
  }
  return OkStatus();
}

Status Merger::Merge(const MergePlan& plan, uint64_t seal_seq, uint64_t oldest_log_seq) {
  const std::span<const SealedFilePtr> inputs = plan.inputs;
  const DirectoryPtr directory = deps_.directories.View();
  const keys::FileId id{inputs.front()->id.retention_class, inputs.front()->id.day, seal_seq};
  FileBuilder file(deps_.store, deps_.folder, id,
                   plan.whole_day ? FileKind::kDay : FileKind::kMerge);
  Inherit(inputs, oldest_log_seq, &file.header());
  for (const Tombstone& tombstone : directory->tombstones)
    file.header().tombstone = std::max(file.header().tombstone, tombstone.number);
  IdRanges groups;
  for (const SealedFilePtr& input : inputs) groups.Merge(input->header.groups);
  for (const IdRange& range : groups.ranges())
    for (uint64_t group = range.first; group - range.first < range.length; ++group)
      TOCSIN_RETURN_IF_ERROR(CopyGroup(plan, group, *directory, file));
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
