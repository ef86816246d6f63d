#include "storage/tail_files.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "storage/base/log.h"
#include "storage/codec/histogram_codec.h"
#include "storage/slot_samples.h"

namespace tocsin::storage {

void TailFiles::NoteVanished(const Directory& view, const TailPosition& position,
                             TailCollector& out) {
  for (const Expected& expected : expected_) {
    const auto same_day = view.OfDays(DayStart(expected.id.day), DayStart(expected.id.day));
    const bool there = std::any_of(same_day.begin(), same_day.end(), [&](const auto& file) {
      return file->id.retention_class == expected.id.retention_class &&
             file->header.covers.ContainsAll(expected.covers);
    });
    if (there) continue;
    const auto finished = position.finished.find({expected.id.retention_class, expected.id.day});
    if (finished != position.finished.end() && finished->second.ContainsAll(expected.covers))
      continue;
    out.batch().gaps.push_back({expected.min_time, expected.max_time, expected.samples,
                                "they left the store before they were read"});
  }
  expected_.clear();
}

void TailFiles::Read(const Directory& view, TailPosition* position, TailCollector& out) {
  NoteVanished(view, *position, out);
  bool finished = true;
  for (const SealedFilePtr& file : view.files) {
    if (position->Due(*file).empty()) continue;
    if (finished) {
      finished = ReadFile(*file, view, position, out);
      if (finished) {
        position->Finish(*file);
        continue;
      }
    }
    expected_.push_back({file->id, file->header.covers, file->header.min_time,
                         file->header.max_time, file->header.samples});
  }
  if (!finished) {
    out.batch().more = true;
    return;
  }
  position->files_done = std::max(position->files_done, position->files_due);
  position->files_due = 0;
  position->finished.clear();
  position->file_series = 0;
}

bool TailFiles::ReadFile(const SealedFile& file, const Directory& view, TailPosition* position,
                         TailCollector& out) {
  if (position->file != file.id) {
    position->file = file.id;
    position->file_series = 0;
  }
  FileReader reader(store_);
  Status damage;
  for (const IdRange& groups : file.header.groups.ranges()) {
    for (uint64_t group = std::max(groups.first, GroupOf(position->file_series));
         group < groups.first + groups.length; ++group) {
      for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
        const uint64_t id = SeriesId(group, slot);
        if (id < position->file_series || !index_.Knows({id})) continue;
        if (out.full()) return false;
        Status taken = TakeSeries(reader, file, view, id, out);
        if (!taken.ok() && damage.ok()) damage = std::move(taken);
        position->file_series = id + 1;
      }
    }
  }
  if (!damage.ok() && damaged_ != file.id) {
    damaged_ = file.id;
    corruptions_.Add();
    out.batch().gaps.push_back(
        {file.header.min_time, file.header.max_time, 0, damage.error().message()});
  }
  return true;
}

Status TailFiles::TakeSeries(FileReader& reader, const SealedFile& file, const Directory& view,
                             uint64_t id, TailCollector& out) {
  std::vector<const Tombstone*> masks;
  for (const Tombstone& tombstone : view.tombstones)
    if (tombstone.Masks(file, id)) masks.push_back(&tombstone);
  const auto wanted = [&](Timestamp t) {
    return t >= view.RawEdge() &&
           std::none_of(masks.begin(), masks.end(),
                        [t](const Tombstone* mask) { return t >= mask->from && t <= mask->to; });
  };
  std::vector<TimedValue> values;
  std::vector<TimedHistogram> histograms;
  Status decoded;
  Status read = reader.Read(file, id, kMinTimestamp, kMaxTimestamp, [&](const SegmentRun& run) {
    if (run.kind == RunKind::kFloat) {
      for (size_t i = 0; i < run.times.size(); ++i)
        if (wanted(run.times[i])) values.push_back({run.times[i], run.values[i]});
      return;
    }
    std::vector<Histogram> of_run(run.times.size());
    if (Status status = DecodeHistograms(run.bytes, of_run); !status.ok()) {
      decoded = std::move(status);
      return;
    }
    for (size_t i = 0; i < of_run.size(); ++i)
      if (wanted(run.times[i]))
        histograms.push_back(
            {run.times[i], std::make_shared<const Histogram>(std::move(of_run[i]))});
  });
  SortByTime(&values);
  SortByTime(&histograms);
  // In one order of time: what is older than what came before would count as late.
  size_t h = 0;
  for (const TimedValue& sample : values) {
    for (; h < histograms.size() && histograms[h].t < sample.t; ++h)
      out.Take({id}, histograms[h].t, histograms[h].value);
    out.Take({id}, sample.t, sample.value);
  }
  for (; h < histograms.size(); ++h) out.Take({id}, histograms[h].t, histograms[h].value);
  return read.ok() ? decoded : read;
}

}  // namespace tocsin::storage
