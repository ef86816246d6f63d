#include "storage/level_reader.h"

#include <algorithm>
#include <utility>

#include "storage/codec/histogram_codec.h"
#include "storage/level_writer.h"
#include "storage/model/duration.h"

namespace tocsin::storage {
namespace {

std::vector<uint64_t> GroupsOf(std::span<const uint64_t> series) {
  std::vector<uint64_t> groups;
  for (const uint64_t id : series)
    if (groups.empty() || groups.back() != GroupOf(id)) groups.push_back(GroupOf(id));
  return groups;
}

class Chooser {
 public:
  Chooser(const Directory& view, const Head& head, std::span<const uint64_t> series,
          const SelectHints& hints)
      : view_(view), head_(head), series_(series), groups_(GroupsOf(series)), hints_(hints) {}

  LevelChoice Choose(Timestamp from, Timestamp to);

 private:
  // Whether the level tells all of the day, of every series.
  bool Complete(Level level, uint16_t day, std::span<const SealedFilePtr> raw) const;
  // Whether the level has something that raw files have not any more.
  bool Left(Level level, uint16_t day) const;
  bool AnyOpen(uint16_t day) const;
  bool Masked(const SealedFile& level) const;

  const Directory& view_;
  const Head& head_;
  const std::span<const uint64_t> series_;
  const std::vector<uint64_t> groups_;
  const SelectHints& hints_;
  std::vector<uint64_t> open_;  // series with something in memory in the range of the levels
};

bool Chooser::Masked(const SealedFile& level) const {
  return std::any_of(
      view_.tombstones.begin(), view_.tombstones.end(), [&](const Tombstone& tombstone) {
        return level.header.tombstone < tombstone.number &&
               level.Overlaps(tombstone.from, tombstone.to) &&
               std::any_of(tombstone.series.begin(), tombstone.series.end(), [&](uint64_t id) {
                 return std::binary_search(series_.begin(), series_.end(), id);
               });
      });
}

bool Chooser::AnyOpen(uint16_t day) const {
  return std::any_of(open_.begin(), open_.end(), [&](uint64_t id) {
    const Group* group = head_.Find(GroupOf(id));
    if (group == nullptr) return false;
    std::lock_guard lock(group->mutex());
    return group->MayHave(SlotOf(id), DayStart(day), DayStart(day) + Duration{kDayMs - 1},
                          view_.published);
  });
}

bool Chooser::Complete(Level level, uint16_t day, std::span<const SealedFilePtr> raw) const {
  const auto files = view_.LevelsOf(level, day);
  if (files.empty() || AnyOpen(day)) return false;
  if (std::any_of(files.begin(), files.end(), [&](const auto& file) { return Masked(*file); }))
    return false;
  // Usual: one file of the level, built from all raw files there are.
  const bool whole = std::all_of(raw.begin(), raw.end(), [&](const SealedFilePtr& file) {
    return std::any_of(files.begin(), files.end(), [&](const SealedFilePtr& one) {
      return one->id.retention_class == file->id.retention_class &&
             one->header.built_from.ContainsAll(file->header.covers) &&
             one->header.groups.ContainsAll(file->header.groups);
    });
  });
  if (whole) return true;
  return std::all_of(groups_.begin(), groups_.end(), [&](uint64_t group) {
    return std::all_of(raw.begin(), raw.end(), [&](const SealedFilePtr& file) {
      if (!file->header.groups.Contains(group)) return true;
      const SealedFile* of = LevelFileOf(files, file->id.retention_class, group);
      return of != nullptr && of->header.built_from.ContainsAll(file->header.covers);
    });
  });
}

bool Chooser::Left(Level level, uint16_t day) const {
  const auto raw = view_.OfDays(DayStart(day), DayStart(day));
  for (const SealedFilePtr& file : view_.LevelsOf(level, day)) {
    const bool raw_is_there = std::any_of(raw.begin(), raw.end(), [&](const SealedFilePtr& one) {
      return one->id.retention_class == file->id.retention_class;
    });
    if (raw_is_there) continue;
    if (std::any_of(groups_.begin(), groups_.end(),
                    [&](uint64_t group) { return file->header.groups.Contains(group); }))
      return true;
  }
  return false;
}

LevelChoice Chooser::Choose(Timestamp from, Timestamp to) {
  LevelChoice out;
  if (view_.levels.empty() || groups_.empty() || from > to) return out;
  std::vector<uint16_t> days;
  for (const SealedFilePtr& file : view_.levels) {
    const Timestamp start = DayStart(file->id.day);
    if (start <= to && start + Duration{kDayMs} > from) days.push_back(file->id.day);
  }
  std::sort(days.begin(), days.end());
  days.erase(std::unique(days.begin(), days.end()), days.end());
  if (days.empty()) return out;
  for (const uint64_t id : series_) {
    const Group* group = head_.Find(GroupOf(id));
    if (group == nullptr) continue;
    std::lock_guard lock(group->mutex());
    if (group->MayHave(SlotOf(id), DayStart(days.front()),
                       DayStart(days.back()) + Duration{kDayMs - 1}, view_.published))
      open_.push_back(id);
  }
  Timestamp coarse_until = kMinTimestamp;
  bool refused = false;
  for (const uint16_t day : days) {
    const Timestamp end = DayStart(day) + Duration{kDayMs};
    const auto raw = view_.OfDays(DayStart(day), DayStart(day));
    std::optional<Level> chosen;
    for (const Level level : {Level::k1h, Level::k5m}) {
      if (chosen || !hints_.levels || ResolutionOf(level) > hints_.max_source_resolution) continue;
      if (Complete(level, day, raw)) chosen = level;
    }
    for (const Level level : {Level::k5m, Level::k1h}) {
      if (chosen || !Left(level, day)) continue;
      coarse_until = end;
      if (hints_.levels)
        chosen = level;
      else
        refused = true;
      break;
    }
    if (chosen) out.days.push_back({day, *chosen});
  }
  if (coarse_until == kMinTimestamp) return out;
  const std::string before = "raw samples before " + FormatRfc3339(coarse_until) + " have expired";
  if (refused)
    out.infos.push_back(before + "; only averages are kept, which this cannot be computed from");
  else
    out.infos.push_back(before + "; the result there is computed from aggregates");
  return out;
}

}  // namespace

std::vector<LevelRegion> LevelChoice::regions() const {
  std::vector<LevelRegion> out;
  for (const Day& day : days) {
    const Timestamp from = DayStart(day.day);
    const Timestamp to = from + Duration{kDayMs};
    if (!out.empty() && out.back().to == from && out.back().resolution == ResolutionOf(day.level))
      out.back().to = to;
    else
      out.push_back({from, to, ResolutionOf(day.level)});
  }
  return out;
}

LevelChoice ChooseLevels(const Directory& view, const Head& head, std::span<const uint64_t> series,
                         Timestamp from, Timestamp to, const SelectHints& hints) {
  return Chooser(view, head, series, hints).Choose(from, to);
}

LevelReader::Part& LevelReader::Fetch(const SealedFile& file, uint64_t group) {
  if (group != group_ || parts_.size() >= kMaxParts) parts_.clear();
  group_ = group;
  auto& part = parts_[{file.id.seal_seq, uint64_t{file.id.day} << 8 | file.id.level}];
  if (part != nullptr) return *part;
  part = std::make_unique<Part>();
  part->file = file.id;
  part->group = group;
  // One look-up where there are no native histograms: nearly always.
  auto cells = store_.Get(Family::kLvl, keys::Segment(file.id, group, 0));
  if (!cells.ok())
    part->status = cells.error();
  else if (*cells)
    part->blob = **std::move(cells);
  if (part->status.ok() && !part->blob.empty()) part->status = part->reader.Open(part->blob);
  if (!part->status.ok() || part->reader.histogram_slots() == 0) return *part;
  part->status = store_.Scan(Family::kLvl, keys::Segment(file.id, group, kFirstHistogramPart),
                             keys::Segment(file.id, group + 1, 0),
                             [&](std::string_view, std::string_view value) {
                               part->histogram_blobs.emplace_back(value);
                               return true;
                             });
  return *part;
}

Status LevelReader::ReadHistograms(const Part& part, unsigned slot, Histograms* out) {
  for (const std::string& blob : part.histogram_blobs) {
    TOCSIN_RETURN_IF_ERROR(segment_.Open(blob));
    for (size_t run = 0; run < segment_.RunCount(slot); ++run) {
      SegmentRun samples;
      TOCSIN_RETURN_IF_ERROR(segment_.ReadRun(slot, run, &samples));
      if (samples.kind != RunKind::kHistogram) continue;
      std::vector<Histogram> decoded(samples.times.size());
      TOCSIN_RETURN_IF_ERROR(DecodeHistograms(samples.bytes, decoded));
      for (size_t i = 0; i < decoded.size(); ++i)
        out->samples.push_back(
            {samples.times[i], std::make_shared<const Histogram>(std::move(decoded[i]))});
    }
  }
  if (out->samples.size() == out->weights.size()) return OkStatus();
  return Error(ErrorCode::kCorruption, "a level has not as many weights as histograms");
}

Status LevelReader::Read(const SealedFile& file, uint64_t series_id, Timestamp from, Timestamp to,
                         std::span<const Tombstone> tombstones, std::vector<LevelCell>* cells,
                         Histograms* histograms) {
  Part& part = Fetch(file, GroupOf(series_id));
  TOCSIN_RETURN_IF_ERROR(part.status);
  if (part.blob.empty()) return OkStatus();
  const unsigned slot = SlotOf(series_id);
  const Duration resolution = ResolutionOf(static_cast<Level>(file.id.level));
  std::vector<const Tombstone*> masks;
  for (const Tombstone& tombstone : tombstones)
    if (file.header.tombstone < tombstone.number &&
        std::binary_search(tombstone.series.begin(), tombstone.series.end(), series_id))
      masks.push_back(&tombstone);
  const auto unwanted = [&](Timestamp end) {
    const Timestamp begin = end - resolution;
    return end < from || begin >= to ||
           std::any_of(masks.begin(), masks.end(), [&](const Tombstone* mask) {
             return mask->from <= end && mask->to > begin;
           });
  };
  if (part.reader.HasFloats(slot)) {
    const size_t begin = cells->size();
    TOCSIN_RETURN_IF_ERROR(part.reader.ReadFloats(slot, cells));
    cells->erase(std::remove_if(cells->begin() + static_cast<std::ptrdiff_t>(begin), cells->end(),
                                [&](const LevelCell& cell) { return unwanted(cell.end); }),
                 cells->end());
  }
  if (!part.reader.HasHistograms(slot)) return OkStatus();
  Histograms all;
  TOCSIN_RETURN_IF_ERROR(part.reader.ReadWeights(slot, &all.weights));
  TOCSIN_RETURN_IF_ERROR(ReadHistograms(part, slot, &all));
  for (size_t i = 0; i < all.samples.size(); ++i) {
    if (unwanted(WindowEnd(all.samples[i].t, resolution))) continue;
    histograms->samples.push_back(std::move(all.samples[i]));
    histograms->weights.push_back(all.weights[i]);
  }
  return OkStatus();
}

}  // namespace tocsin::storage
