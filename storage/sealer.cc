#include "storage/sealer.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "storage/base/crash_point.h"
#include "storage/file_builder.h"
#include "storage/segment_parts.h"

namespace tocsin::storage {
namespace {

// Samples may come this late to their window without becoming a file of their own.
constexpr Duration kWindowGrace{10 * 60 * 1000};
constexpr std::chrono::nanoseconds kSilence = std::chrono::minutes(10);

// One group's data of one day.
struct DayData {
  std::vector<const Line*> lines;
  SegmentParts::Slots<TimedValue> late{};
  SegmentParts::Slots<TimedStart> late_starts{};
  SegmentParts::Slots<TimedHistogram> histograms{};
  uint64_t late_count = 0;
};

// Calls take(day, slot, samples) for the days that the samples span.
template <typename T, typename Take>
void SplitByDay(const SlotSamples<T>& all, Take&& take) {
  for (size_t slot = 0; slot < kGroupSlots; ++slot) {
    const std::span<const T> samples = all.of(slot);
    for (auto at = samples.begin(); at != samples.end();) {
      const uint16_t day = DayOf(at->t);
      const auto end = std::find_if(at, samples.end(),
                                    [day](const T& sample) { return DayOf(sample.t) != day; });
      take(day, slot, std::span<const T>(at, end));
      at = end;
    }
  }
}

std::map<uint16_t, DayData> ByDay(const CutPart& part) {
  std::map<uint16_t, DayData> days;
  for (const auto& line : part.lines) days[DayOf(line->time(0))].lines.push_back(line.get());
  SplitByDay(part.late, [&](uint16_t day, size_t slot, std::span<const TimedValue> samples) {
    days[day].late[slot] = samples;
    days[day].late_count += samples.size();
  });
  SplitByDay(part.late_starts, [&](uint16_t day, size_t slot, std::span<const TimedStart> starts) {
    days[day].late_starts[slot] = starts;
  });
  SplitByDay(part.histograms,
             [&](uint16_t day, size_t slot, std::span<const TimedHistogram> samples) {
               days[day].histograms[slot] = samples;
             });
  return days;
}

}  // namespace

std::optional<Timestamp> DueCut(const Group& group, const SealRule& rule) {
  if (group.empty()) return std::nullopt;
  const Timestamp all{std::max(group.newest().ms, group.newest_open().ms) + 1};
  if (rule.everything || group.oldest_open_seq() < rule.log_seq_below ||
      group.late_count() > rule.late_limit || group.histogram_count() > rule.histogram_limit)
    return all;
  const auto silent_after =
      std::max<std::chrono::nanoseconds>(kSilence, 4 * std::chrono::nanoseconds(group.step()));
  if (rule.now - group.last_append() >= silent_after) return all;
  const Timestamp window_end = group.oldest_window_end();
  if (group.newest_open() >= window_end + kWindowGrace) {
    // The last boundary that data has passed by the grace.
    const int64_t last = WindowOf(group.newest_open() - kWindowGrace);
    return Timestamp{last * kWindowMs};
  }
  return group.CutOfFullLines();
}

std::vector<Sealer::CutGroup> Sealer::CutDue(std::span<Group* const> groups, const SealRule& rule,
                                             uint64_t seal_seq) {
  std::vector<CutGroup> cut;
  for (Group* group : groups) {
    // Read before the group is locked: rows up to here are in it as a whole.
    const uint64_t log_hi = deps_.head.applied();
    std::lock_guard lock(group->mutex());
    const auto at = DueCut(*group, rule);
    if (!at) continue;
    if (const CutPart* part = group->Cut(*at, seal_seq))
      cut.push_back({group, part, {group->number(), log_hi, *at}});
  }
  std::sort(cut.begin(), cut.end(),
            [](const CutGroup& a, const CutGroup& b) { return a.mark.group < b.mark.group; });
  return cut;
}

Result<Sealer::Outcome> Sealer::Pass(std::span<Group* const> groups, const SealRule& rule,
                                     uint64_t seal_seq) {
  const std::vector<CutGroup> cut = CutDue(groups, rule, seal_seq);
  if (cut.empty()) return Outcome{};
  Result<Outcome> outcome = Write(cut, seal_seq);
  if (!outcome.ok()) {
    for (const CutGroup& one : cut) {
      std::lock_guard lock(one.group->mutex());
      one.group->Uncut(seal_seq);
    }
  }
  return outcome;
}

Result<Sealer::Outcome> Sealer::Write(const std::vector<CutGroup>& cut, uint64_t seal_seq) {
  CrashPoint("seal.cut");
  TOCSIN_RETURN_IF_ERROR(deps_.sync_wal());
  CrashPoint("seal.synced");
  std::map<std::pair<uint8_t, uint16_t>, std::unique_ptr<FileBuilder>> files;
  SegmentParts parts;
  for (const CutGroup& one : cut) {
    for (const auto& [day, data] : ByDay(*one.part)) {
      const uint8_t retention_class = one.group->retention_class();
      auto& file = files[{retention_class, day}];
      if (file == nullptr) {
        const keys::FileId id{retention_class, day, seal_seq};
        file = std::make_unique<FileBuilder>(deps_.store, deps_.folder, id, FileKind::kSeal);
        file->header().covers.Append(seal_seq);
      }
      bool any = false;
      const auto add = [&](const SegmentPart& part) {
        any = true;
        return file->Add(one.mark.group, part.blob, part.samples, part.min_time, part.max_time);
      };
      TOCSIN_RETURN_IF_ERROR(parts.Lines(data.lines, add));
      TOCSIN_RETURN_IF_ERROR(parts.Samples(data.late, data.late_starts, add));
      TOCSIN_RETURN_IF_ERROR(parts.Histograms(data.histograms, add));
      if (any) file->header().marks.push_back(one.mark);
      file->header().late_samples += data.late_count;
    }
  }
  Outcome outcome;
  outcome.groups = cut.size();
  Directory next = *deps_.directories.View();
  std::vector<std::string> paths;
  for (auto& [day, file] : files) {
    if (file->empty()) continue;
    TOCSIN_ASSIGN(SealedFilePtr sealed, file->Finish());
    outcome.samples += sealed->header.samples;
    ++outcome.files;
    next.files.push_back(std::move(sealed));
    paths.insert(paths.end(), file->paths().begin(), file->paths().end());
  }
  CrashPoint("seal.built");
  TOCSIN_RETURN_IF_ERROR(deps_.store.Ingest({{Family::kRaw, paths}}));
  CrashPoint("seal.ingested");
  for (auto& [day, file] : files) file->Ingested();
  next.published = seal_seq;
  deps_.directories.Publish(std::move(next));
  CrashPoint("seal.published");
  return outcome;
}

}  // namespace tocsin::storage
