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

// Groups are of one class only.
const SealedFile* OfAnyClass(const LevelFiles& files, uint64_t group) {
  const SealedFile* found = nullptr;
  for (const SealedFile* file : files)
    if (file->header.groups.Contains(group)) found = file;
  return found;
}

class Chooser {
 public:
  Chooser(const Directory& view, const Head& head, std::span<const uint64_t> series,
          const SelectHints& hints)
      : view_(view), head_(head), series_(series), groups_(GroupsOf(series)), hints_(hints) {}

  LevelChoice Choose(Timestamp from, Timestamp to);

 private:
  // Whether the level tells all of the day, of every series.
  bool Complete(const LevelFiles& files, uint16_t day, std::span<const SealedFilePtr> raw) const;
  // Whether the files name every group of the selector that those of the other level name.
  bool TellsAllOf(const LevelFiles& others, const LevelFiles& files) const;
  // Whether the level has something that raw files have not any more.
  bool Left(const LevelFiles& files, std::span<const SealedFilePtr> raw) const;
  bool AnyOpen(uint16_t day) const;
  // Whether samples of one of the series were deleted since the day was built.
  bool Masked(const LevelFiles& files, uint16_t day) const;

  const Directory& view_;
  const Head& head_;
  const std::span<const uint64_t> series_;
  const std::vector<uint64_t> groups_;
  const SelectHints& hints_;
  std::vector<uint64_t> open_;  // series with something in memory in the range of the levels
};

bool Chooser::Masked(const LevelFiles& files, uint16_t day) const {
  const Timestamp begin = DayStart(day), end = begin + Duration{kDayMs};
  return std::any_of(
      view_.tombstones.begin(), view_.tombstones.end(), [&](const Tombstone& tombstone) {
        if (tombstone.from >= end || tombstone.to < begin) return false;
        return std::any_of(tombstone.series.begin(), tombstone.series.end(), [&](uint64_t id) {
          if (!std::binary_search(series_.begin(), series_.end(), id)) return false;
          const SealedFile* of = OfAnyClass(files, GroupOf(id));
          return of != nullptr && of->header.tombstone < tombstone.number &&
                 of->Overlaps(tombstone.from, tombstone.to);
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

bool Chooser::Complete(const LevelFiles& files, uint16_t day,
                       std::span<const SealedFilePtr> raw) const {
  if (files.empty() || AnyOpen(day) || Masked(files, day)) return false;
  // Usual: one file of the level, built from all raw files there are.
  const bool whole = std::all_of(raw.begin(), raw.end(), [&](const SealedFilePtr& file) {
    return std::any_of(files.begin(), files.end(), [&](const SealedFile* one) {
      return one->id.retention_class == file->id.retention_class &&
             one->BuiltFrom(day).ContainsAll(file->header.covers) &&
             one->header.groups.ContainsAll(file->header.groups);
    });
  });
  if (whole) return true;
  return std::all_of(groups_.begin(), groups_.end(), [&](uint64_t group) {
    return std::all_of(raw.begin(), raw.end(), [&](const SealedFilePtr& file) {
      if (!file->header.groups.Contains(group)) return true;
      const SealedFile* of = LevelFileOf(files, file->id.retention_class, group);
      return of != nullptr && of->BuiltFrom(day).ContainsAll(file->header.covers);
    });
  });
}

bool Chooser::TellsAllOf(const LevelFiles& others, const LevelFiles& files) const {
  return std::all_of(others.begin(), others.end(), [&](const SealedFile* other) {
    const bool whole = std::any_of(files.begin(), files.end(), [&](const SealedFile* file) {
      return file->header.groups.ContainsAll(other->header.groups);
    });
    return whole || std::none_of(groups_.begin(), groups_.end(), [&](uint64_t group) {
             return other->header.groups.Contains(group) && OfAnyClass(files, group) == nullptr;
           });
  });
}

bool Chooser::Left(const LevelFiles& files, std::span<const SealedFilePtr> raw) const {
  return std::any_of(files.begin(), files.end(), [&](const SealedFile* file) {
    const bool raw_is_there = std::any_of(raw.begin(), raw.end(), [&](const SealedFilePtr& one) {
      return one->id.retention_class == file->id.retention_class;
    });
    return !raw_is_there && std::any_of(groups_.begin(), groups_.end(), [&](uint64_t group) {
      return file->header.groups.Contains(group);
    });
  });
}

LevelChoice Chooser::Choose(Timestamp from, Timestamp to) {
  LevelChoice out;
  if (view_.levels.empty() || groups_.empty() || from > to) return out;
  const Timestamp earliest = std::max(from, kMinStorable) - kLevelReach;
  std::vector<uint16_t> days;
  for (const SealedFilePtr& file : view_.levels) {
    for (size_t day = file->first_day(); day <= file->last_day(); ++day) {
      const Timestamp start = DayStart(static_cast<uint16_t>(day));
      if (start <= to && start + Duration{kDayMs} > earliest)
        days.push_back(static_cast<uint16_t>(day));
    }
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
    bool chosen = false;
    for (const Level level : {Level::k1h, Level::k5m}) {
      if (chosen || end <= from || !hints_.levels ||
          ResolutionOf(level) > hints_.max_source_resolution)
        continue;
      LevelFiles files = view_.LevelsOf(level, day);
      const Level other = level == Level::k1h ? Level::k5m : Level::k1h;
      if (!Complete(files, day, raw) || !TellsAllOf(view_.LevelsOf(other, day), files)) continue;
      chosen = true;
      const bool left = Left(files, raw);
      if (left) coarse_until = end;
      out.days.push_back({day, level, std::move(files), left});
    }
    for (const Level level : {Level::k5m, Level::k1h}) {
      if (chosen) break;
      LevelFiles files = view_.LevelsOf(level, day);
      if (!Left(files, raw)) continue;
      if (end > from) coarse_until = end;
      if (!hints_.levels) {
        refused = refused || end > from;
        break;
      }
      // Series whose class keeps the other level only have their files there.
      const LevelFiles others = view_.LevelsOf(level == Level::k1h ? Level::k5m : Level::k1h, day);
      files.insert(files.begin(), others.begin(), others.end());
      out.days.push_back({day, level, std::move(files), true});
      break;
    }
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

const SealedFile* LevelChoice::Day::FileOf(uint64_t group) const {
  return OfAnyClass(files, group);
}

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

LevelNeeds NeedsOf(const std::string& function) {
  const auto any_of = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), function) != names.end();
  };
  LevelNeeds needs;
  if (any_of({"rate", "increase", "delta", "resets"})) {
    needs.columns.sums = needs.columns.extremes = false;
    needs.resets = function != "delta";
  } else if (any_of({"sum_over_time", "avg_over_time"})) {
    needs.columns.edges = needs.columns.extremes = needs.columns.resets = false;
    needs.sums = needs.no_histograms = true;
  } else if (any_of({"min_over_time", "max_over_time"})) {
    needs.columns.edges = needs.columns.sums = needs.columns.resets = false;
  } else if (any_of({"count_over_time", "present_over_time", "absent_over_time"})) {
    needs.columns = {false, false, false, false};
  }
  return needs;
}

LevelReader::Part& LevelReader::Fetch(const SealedFile& file, uint64_t group, unsigned slot) {
  if (group != group_ || parts_.size() >= kMaxParts) {
    for (auto& [key, part] : parts_) spare_.push_back(std::move(part));
    parts_.clear();
  }
  group_ = group;
  const unsigned k = file.header.kind == FileKind::kLevelSpan ? slot / kSpanSlots : 0;
  auto& slot_of = parts_[{file.id.seal_seq, (uint64_t{file.id.day} << 8 | file.id.level) << 8 | k}];
  if (slot_of != nullptr) return *slot_of;
  if (spare_.empty()) {
    slot_of = std::make_unique<Part>();
  } else {
    slot_of = std::move(spare_.back());
    spare_.pop_back();
  }
  Part* const part = slot_of.get();
  part->blob.clear();
  part->histogram_blobs.clear();
  part->status = OkStatus();
  // One look-up where there are no native histograms: nearly always.
  auto cells = store_.Get(Family::kLvl, keys::Segment(file.id, group, static_cast<uint16_t>(k)));
  if (!cells.ok())
    part->status = cells.error();
  else if (*cells)
    part->blob = **std::move(cells);
  if (part->status.ok() && !part->blob.empty()) part->status = part->reader.Open(part->blob);
  if (part->blob.empty() || !part->status.ok() || part->reader.histogram_slots() == 0) return *part;
  part->status = store_.Scan(Family::kLvl, keys::Segment(file.id, group, kFirstHistogramPart),
                             keys::Segment(file.id, group + 1, 0),
                             [&](std::string_view, std::string_view value) {
                               part->histogram_blobs.emplace_back(value);
                               return true;
                             });
  return *part;
}

Status LevelReader::ReadHistograms(const Part& part, unsigned slot, Days days, Histograms* out) {
  Histograms all;
  for (const std::string& blob : part.histogram_blobs) {
    TOCSIN_RETURN_IF_ERROR(segment_.Open(blob));
    for (size_t run = 0; run < segment_.RunCount(slot); ++run) {
      SegmentRun samples;
      TOCSIN_RETURN_IF_ERROR(segment_.ReadRun(slot, run, &samples));
      if (samples.kind != RunKind::kHistogram) continue;
      std::vector<Histogram> decoded(samples.times.size());
      TOCSIN_RETURN_IF_ERROR(DecodeHistograms(samples.bytes, decoded));
      for (size_t i = 0; i < decoded.size(); ++i)
        all.samples.push_back(
            {samples.times[i], std::make_shared<const Histogram>(std::move(decoded[i]))});
    }
  }
  if (all.samples.size() != out->weights.size())
    return Error(ErrorCode::kCorruption, "a level has not as many weights as histograms");
  all.weights = std::move(out->weights);
  out->weights.clear();
  for (size_t i = 0; i < all.samples.size(); ++i) {
    const uint16_t day = DayOf(std::clamp(all.samples[i].t, kMinStorable, kMaxStorable));
    if (day < days.first || day > days.last) continue;
    out->samples.push_back(std::move(all.samples[i]));
    out->weights.push_back(all.weights[i]);
  }
  return OkStatus();
}

Status LevelReader::Read(const SealedFile& file, uint64_t series_id, Days days, Timestamp from,
                         Timestamp to, std::span<const Tombstone> tombstones,
                         std::vector<LevelCell>* cells, Histograms* histograms) {
  const unsigned slot = SlotOf(series_id);
  Part& part = Fetch(file, GroupOf(series_id), slot);
  TOCSIN_RETURN_IF_ERROR(part.status);
  if (part.blob.empty()) return OkStatus();
  const Duration resolution = ResolutionOf(static_cast<Level>(file.id.level));
  std::vector<const Tombstone*> masks;
  for (const Tombstone& tombstone : tombstones)
    if (file.header.tombstone < tombstone.number &&
        std::binary_search(tombstone.series.begin(), tombstone.series.end(), series_id))
      masks.push_back(&tombstone);
  const auto outside = [&](Timestamp end) { return end < from || end - resolution >= to; };
  const auto masked = [&](Timestamp first, Timestamp last) {
    return std::any_of(masks.begin(), masks.end(), [&](const Tombstone* mask) {
      return mask->from <= last && mask->to >= first;
    });
  };
  if (part.reader.HasFloats(slot)) {
    const size_t begin = cells->size();
    LevelColumns columns = columns_;
    columns.edges = columns.edges || !masks.empty();  // their times say what a mask hides
    TOCSIN_RETURN_IF_ERROR(part.reader.ReadFloats(slot, cells, columns,
                                                  size_t{days.first} - file.first_day(),
                                                  size_t{days.last} - file.first_day()));
    const auto first = cells->begin() + static_cast<std::ptrdiff_t>(begin);
    if (first != cells->end() &&
        (!masks.empty() || outside(first->end) || outside(cells->back().end)))
      cells->erase(std::remove_if(first, cells->end(),
                                  [&](const LevelCell& cell) {
                                    if (outside(cell.end)) return true;
                                    if (masks.empty()) return false;
                                    const bool empty = cell.count == 0;
                                    return masked(empty ? cell.end - resolution + Duration{1}
                                                        : cell.first_time,
                                                  empty || cell.ended ? cell.end : cell.last_time);
                                  }),
                   cells->end());
  }
  if (!part.reader.HasHistograms(slot)) return OkStatus();
  Histograms all;
  TOCSIN_RETURN_IF_ERROR(part.reader.ReadWeights(slot, &all.weights));
  TOCSIN_RETURN_IF_ERROR(ReadHistograms(part, slot, days, &all));
  for (size_t i = 0; i < all.samples.size(); ++i) {
    const Timestamp end = WindowEnd(all.samples[i].t, resolution);
    if (outside(end) || masked(end - resolution + Duration{1}, end)) continue;
    histograms->samples.push_back(std::move(all.samples[i]));
    histograms->weights.push_back(all.weights[i]);
  }
  return OkStatus();
}

}  // namespace tocsin::storage
