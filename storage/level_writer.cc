#include "storage/level_writer.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "storage/base/crash_point.h"
#include "storage/base/log.h"
#include "storage/codec/histogram_codec.h"
#include "storage/codec/level_part.h"
#include "storage/file_builder.h"
#include "storage/model/sample.h"

namespace tocsin::storage {
namespace {

// More level files than this of one day are built anew as one.
constexpr size_t kManyLevelFiles = 8;

std::span<const SealedFilePtr> RawOf(const Directory& view, uint16_t day) {
  return view.OfDays(DayStart(day), DayStart(day));
}

IdRanges GroupsOf(std::span<const SealedFilePtr> raw, uint8_t retention_class) {
  IdRanges groups;
  for (const SealedFilePtr& file : raw)
    if (file->id.retention_class == retention_class) groups.Merge(file->header.groups);
  return groups;
}

// Those of `groups` that the level files do not tell completely.
IdRanges Incomplete(std::span<const SealedFilePtr> levels, std::span<const SealedFilePtr> raw,
                    uint8_t retention_class, const IdRanges& groups) {
  // Files that none of the newest level files was built from name every group that may lack.
  IdRanges suspects;
  IdRanges known;
  for (const SealedFilePtr& level : levels)
    if (level->id.retention_class == retention_class) known.Merge(level->header.groups);
  for (const SealedFilePtr& file : raw) {
    if (file->id.retention_class != retention_class) continue;
    const bool told = std::all_of(levels.begin(), levels.end(), [&](const SealedFilePtr& level) {
      return level->id.retention_class != retention_class ||
             level->header.built_from.ContainsAll(file->header.covers);
    });
    if (!told) suspects.Merge(file->header.groups);
  }
  IdRanges out;
  for (const IdRange& range : groups.ranges()) {
    for (uint64_t group = range.first; group - range.first < range.length; ++group) {
      if (known.Contains(group) && !suspects.Contains(group)) continue;
      const SealedFile* level = LevelFileOf(levels, retention_class, group);
      if (level == nullptr || !IsComplete(*level, raw, group)) out.Append(group);
    }
  }
  return out;
}

// Whether samples of what the level file says were deleted since.
bool HasMasked(const SealedFile& level, const Directory& view) {
  return std::any_of(
      view.tombstones.begin(), view.tombstones.end(), [&](const Tombstone& tombstone) {
        return level.header.tombstone < tombstone.number &&
               level.Overlaps(tombstone.from, tombstone.to) &&
               std::any_of(tombstone.series.begin(), tombstone.series.end(),
                           [&](uint64_t id) { return level.header.groups.Contains(GroupOf(id)); });
      });
}

// Raw samples that the level knows may not be there any more; it must not be built anew then.
bool RawIsWhole(const SealedFile& level, std::span<const SealedFilePtr> raw) {
  IdRanges covers;
  for (const SealedFilePtr& file : raw)
    if (file->id.retention_class == level.id.retention_class) covers.Merge(file->header.covers);
  return covers.ContainsAll(level.header.built_from);
}

bool SameLayout(const Histogram& a, const Histogram& b) {
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         a.custom_values == b.custom_values;
}

bool AnyFell(const std::vector<double>& before, const std::vector<double>& after) {
  for (size_t i = 0; i < before.size(); ++i)
    if (!(after[i] >= before[i])) return true;
  return false;
}

// Whether a reset cannot be excluded. Saying so too often costs space, never a wrong answer.
bool MayReset(const Histogram& before, const Histogram& after) {
  return after.reset_hint == CounterResetHint::kReset || after.reset_hint != before.reset_hint ||
         !SameLayout(before, after) || !(after.count >= before.count) ||
         !(after.zero_count >= before.zero_count) ||
         AnyFell(before.positive_buckets, after.positive_buckets) ||
         AnyFell(before.negative_buckets, after.negative_buckets);
}

}  // namespace

ThinnedHistograms Thin(std::span<const TimedHistogram> samples, Duration resolution) {
  ThinnedHistograms out;
  uint32_t left_out = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto window = [&](size_t k) { return WindowEnd(samples[k].t, resolution); };
    const auto stale = [&](size_t k) { return IsStale(samples[k].value->sum); };
    const bool first = i == 0 || window(i - 1) != window(i);
    const bool last = i + 1 == samples.size() || window(i + 1) != window(i);
    if (first) left_out = 0;
    if (stale(i)) {
      out.samples.push_back(samples[i]);
      out.weights.push_back(0);
      continue;
    }
    const bool keep = first || last || stale(i - 1) || stale(i + 1) ||
                      MayReset(*samples[i - 1].value, *samples[i].value) ||
                      MayReset(*samples[i].value, *samples[i + 1].value);
    ++left_out;
    if (!keep) continue;
    out.samples.push_back(samples[i]);
    out.weights.push_back(left_out);
    left_out = 0;
  }
  return out;
}

LevelJob PlanLevels(const Directory& directory, Timestamp closed_before,
                    const LevelsOfClass& levels_of,
                    const std::function<bool(uint8_t retention_class, uint16_t day)>& skip) {
  for (size_t at = 0; at < directory.files.size();) {
    const uint16_t day = directory.files[at]->id.day;
    if (DayStart(day) + Duration{kDayMs} > closed_before) break;
    const auto raw = RawOf(directory, day);
    at += raw.size();
    std::vector<uint8_t> classes;
    for (const SealedFilePtr& file : raw) classes.push_back(file->id.retention_class);
    std::sort(classes.begin(), classes.end());
    classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
    for (const uint8_t retention_class : classes) {
      if (skip(retention_class, day)) continue;
      LevelJob job{retention_class, day, {}, {}, false};
      const IdRanges groups = GroupsOf(raw, retention_class);
      for (const Level level : levels_of(retention_class)) {
        const auto files = directory.LevelsOf(level, day);
        size_t own_files = 0;
        bool masked = false;
        bool whole_raw = true;
        for (const SealedFilePtr& file : files) {
          if (file->id.retention_class != retention_class) continue;
          ++own_files;
          masked = masked || HasMasked(*file, directory);
          whole_raw = whole_raw && RawIsWhole(*file, raw);
        }
        IdRanges lacking = Incomplete(files, raw, retention_class, groups);
        if (!whole_raw || (lacking.empty() && !masked)) continue;
        job.levels.push_back(level);
        if (masked || own_files >= kManyLevelFiles || lacking == groups) job.whole = true;
        job.groups.Merge(lacking);
      }
      if (job.empty()) continue;
      if (job.whole) job.groups = groups;
      return job;
    }
  }
  return {};
}

// One level of a job under construction.
struct LevelWriter::OfLevel {
  OfLevel(Level l, const Deps& deps, const keys::FileId& id)
      : level(l), file(deps.store, deps.folder, id, FileKind::kLevel), cells(ResolutionOf(l)) {}

  Level level;
  FileBuilder file;
  CellBuilder cells;
  LevelPartBuilder part;
  std::array<ThinnedHistograms, kGroupSlots> histograms;
};

Status LevelWriter::ReadSlot(std::span<const SealedFilePtr> raw, uint64_t series_id,
                             const Directory& view) {
  values_.clear();
  histograms_.clear();
  for (const SealedFilePtr& file : raw) {
    if (!file->header.groups.Contains(GroupOf(series_id))) continue;
    std::vector<const Tombstone*> masks;
    for (const Tombstone& tombstone : view.tombstones)
      if (tombstone.Masks(*file, series_id)) masks.push_back(&tombstone);
    Status status;
    const auto wanted = [&](Timestamp t) {
      return std::none_of(masks.begin(), masks.end(),
                          [t](const Tombstone* mask) { return t >= mask->from && t <= mask->to; });
    };
    const auto take = [&](const SegmentRun& run) {
      if (run.kind == RunKind::kFloat) {
        for (size_t i = 0; i < run.times.size(); ++i)
          if (wanted(run.times[i])) values_.push_back({run.times[i], run.values[i]});
        return;
      }
      std::vector<Histogram> decoded(run.times.size());
      if (status.ok()) status = DecodeHistograms(run.bytes, decoded);
      for (size_t i = 0; status.ok() && i < decoded.size(); ++i)
        if (wanted(run.times[i]))
          histograms_.push_back(
              {run.times[i], std::make_shared<const Histogram>(std::move(decoded[i]))});
    };
    Status read = reader_.Read(*file, series_id, kMinTimestamp, kMaxTimestamp, take);
    if (read.ok()) read = status;
    if (read.ok()) continue;
    // Damage costs what it covers, here as in queries: the levels tell what is readable.
    if (read.error().code() != ErrorCode::kCorruption) return read;
    ++damaged_;
  }
  SortByTime(&values_);
  SortByTime(&histograms_);
  // Where both kinds have a sample at one time the float stays, as for readers.
  std::erase_if(histograms_, [&](const TimedHistogram& sample) {
    const auto same =
        std::lower_bound(values_.begin(), values_.end(), sample.t,
                         [](const TimedValue& value, Timestamp t) { return value.t < t; });
    return same != values_.end() && same->t == sample.t;
  });
  return OkStatus();
}

Status LevelWriter::AddGroup(std::span<const SealedFilePtr> raw, uint64_t group,
                             const Directory& view,
                             std::span<const std::unique_ptr<OfLevel>> levels, Outcome* outcome) {
  uint16_t day = 0;
  for (const SealedFilePtr& file : raw) day = file->id.day;
  uint64_t samples = 0;
  Timestamp min_time = kMaxTimestamp, max_time = kMinTimestamp;
  for (const auto& one : levels) {
    OfLevel& of = *one;
    const Duration resolution = ResolutionOf(of.level);
    // A sample at midnight belongs to the window that ends there.
    of.part.Reset(resolution, DayStart(day), static_cast<size_t>(kDayMs / resolution.count() + 1));
    for (ThinnedHistograms& histograms : of.histograms) histograms = {};
  }
  for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
    const uint64_t id = SeriesId(group, slot);
    TOCSIN_RETURN_IF_ERROR(ReadSlot(raw, id, view));
    samples += values_.size() + histograms_.size();
    if (!values_.empty()) {
      min_time = std::min(min_time, values_.front().t);
      max_time = std::max(max_time, values_.back().t);
      const bool counter = deps_.is_counter(id);
      for (const auto& of : levels) {
        of->cells.Clear();
        for (const TimedValue& sample : values_) of->cells.Add(sample.t, sample.value);
        of->part.AddFloats(slot, of->cells.Finish(counter));
      }
    }
    if (histograms_.empty()) continue;
    min_time = std::min(min_time, histograms_.front().t);
    max_time = std::max(max_time, histograms_.back().t);
    for (const auto& of : levels) of->histograms[slot] = Thin(histograms_, ResolutionOf(of->level));
  }
  outcome->samples += samples;
  for (const auto& one : levels) {
    OfLevel& of = *one;
    if (samples == 0) {  // all deleted: the group is complete, with nothing
      TOCSIN_RETURN_IF_ERROR(of.file.AddEmpty(group));
      continue;
    }
    SegmentParts::Slots<TimedHistogram> slots{};
    for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
      of.part.AddWeights(slot, of.histograms[slot].weights);
      slots[slot] = of.histograms[slot].samples;
    }
    std::string blob;
    of.part.Finish(blob);
    TOCSIN_RETURN_IF_ERROR(of.file.AddPart(group, 0, blob));
    uint16_t part = kFirstHistogramPart;
    TOCSIN_RETURN_IF_ERROR(parts_.Histograms(slots, [&](const SegmentPart& segment) -> Status {
      if (part == 0xFFFF)
        return Error(ErrorCode::kLimit, "a group has more histograms than a level can number");
      return of.file.AddPart(group, part++, segment.blob);
    }));
    of.file.Count(samples, min_time, max_time);
  }
  return OkStatus();
}

Result<LevelWriter::Outcome> LevelWriter::Write(const LevelJob& job, uint64_t seal_seq) {
  const DirectoryPtr view = deps_.directories.View();
  std::vector<SealedFilePtr> raw;
  for (const SealedFilePtr& file : RawOf(*view, job.day))
    if (file->id.retention_class == job.retention_class) raw.push_back(file);
  std::vector<std::unique_ptr<OfLevel>> levels;
  for (const Level level : job.levels) {
    const keys::FileId id{job.retention_class, job.day, seal_seq, static_cast<uint8_t>(level)};
    levels.push_back(std::make_unique<OfLevel>(level, deps_, id));
  }
  Outcome outcome;
  damaged_ = 0;
  for (const IdRange& range : job.groups.ranges())
    for (uint64_t group = range.first; group - range.first < range.length; ++group)
      TOCSIN_RETURN_IF_ERROR(AddGroup(raw, group, *view, levels, &outcome));
  if (damaged_ > 0)
    log::Warn("levels of a day were built without what is damaged",
              {{"day", job.day}, {"series", damaged_}});
  Directory next = *view;
  std::vector<std::string> paths;
  for (const auto& one : levels) {
    OfLevel& of = *one;
    FileHeader& header = of.file.header();
    header.covers.Append(seal_seq);
    for (const SealedFilePtr& file : raw) header.built_from.Merge(file->header.covers);
    for (const Tombstone& tombstone : view->tombstones)
      header.tombstone = std::max(header.tombstone, tombstone.number);
    header.complete_from = DayStart(job.day);
    header.complete_to = DayStart(job.day) + Duration{kDayMs};
    if (job.whole) {
      std::erase_if(next.levels, [&](const SealedFilePtr& file) {
        const bool replaced = file->id.level == static_cast<uint8_t>(of.level) &&
                              file->id.day == job.day &&
                              file->id.retention_class == job.retention_class;
        if (replaced) header.covers.Merge(file->header.covers);
        return replaced;
      });
    }
    TOCSIN_ASSIGN(SealedFilePtr sealed, of.file.Finish());
    outcome.bytes += sealed->header.bytes;
    next.levels.push_back(std::move(sealed));
    paths.insert(paths.end(), of.file.paths().begin(), of.file.paths().end());
  }
  CrashPoint("levels.built");
  TOCSIN_RETURN_IF_ERROR(deps_.store.Ingest({{Family::kLvl, paths}}));
  CrashPoint("levels.ingested");
  for (const auto& of : levels) of->file.Ingested();
  next.published = std::max(next.published, seal_seq);
  deps_.directories.Publish(std::move(next));
  CrashPoint("levels.published");
  return outcome;
}

}  // namespace tocsin::storage
