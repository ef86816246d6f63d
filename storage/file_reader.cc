#include "storage/file_reader.h"

#include <utility>

namespace tocsin::storage {

Result<OpenedGroup*> FileReader::Fetch(const SealedFile& file, uint64_t group) {
  for (const Fetched& one : fetched_)
    if (one.group == group && one.file == file.number) return one.opened.get();
  while (!fetched_.empty() &&
         (segment_count_ >= max_segments_ || fetched_.front().group != group)) {
    segment_count_ -= fetched_.front().opened->segments();
    fetched_.pop_front();
  }
  std::shared_ptr<OpenedGroup> opened;
  if (cache_ != nullptr) opened = cache_->Find(file, group);
  if (opened == nullptr) {
    TOCSIN_ASSIGN(opened, OpenedGroup::Load(store_, file, group));
    // Damage is read anew each time: it may be the disk's passing mood.
    if (cache_ != nullptr && opened->sound()) cache_->Add(file, group, opened);
  }
  segment_count_ += opened->segments();
  fetched_.push_back({file.number, group, std::move(opened)});
  return fetched_.back().opened.get();
}

Status FileReader::Prepare(const SealedFile& file, uint64_t group, OpenedGroup& opened,
                           unsigned slot) {
  const uint64_t before = opened.memory_bytes();
  Status status = opened.Prepare(store_, slot);
  if (cache_ != nullptr && opened.memory_bytes() != before) cache_->Weigh(file, group);
  return status;
}

Status FileReader::ReadRuns(const OpenedSegment& segment, unsigned slot,
                            const std::function<void(const SegmentRun&)>& take) {
  for (size_t run = 0; run < segment.RunCount(slot); ++run) {
    SegmentRun out;
    TOCSIN_RETURN_IF_ERROR(segment.ReadRun(slot, run, buffers_, &out));
    if (!out.times.empty()) take(out);
  }
  return OkStatus();
}

Status FileReader::Read(const SealedFile& file, uint64_t series_id, Timestamp from, Timestamp to,
                        const std::function<void(const SegmentRun&)>& take) {
  const unsigned slot = SlotOf(series_id);
  const uint64_t group = GroupOf(series_id);
  TOCSIN_ASSIGN(OpenedGroup * opened, Fetch(file, group));
  Status first_error = Prepare(file, group, *opened, slot);
  const auto for_each_asked = [&](auto&& f) {
    opened->ForEachSegment(slot, [&](const OpenedSegment& segment) {
      if (segment.max_time() >= from && segment.min_time() <= to) f(segment);
    });
  };
  size_t runs = 0;
  for_each_asked([&](const OpenedSegment& segment) { runs += segment.RunCount(slot); });
  only_run_ = runs == 1;
  for_each_asked([&](const OpenedSegment& segment) {
    Status status = ReadRuns(segment, slot, take);
    if (!status.ok() && first_error.ok()) first_error = std::move(status);
  });
  if (first_error.ok()) return first_error;
  return first_error.error().WithContext("day " + std::to_string(file.id.day) + ", seal " +
                                         std::to_string(file.id.seal_seq) + ", group " +
                                         std::to_string(group));
}

}  // namespace tocsin::storage
