#include "storage/file_reader.h"

#include <utility>

namespace tocsin::storage {

std::unique_ptr<FileReader::Part> FileReader::NewPart() {
  if (spare_.empty()) return std::make_unique<Part>();
  auto part = std::move(spare_.back());
  spare_.pop_back();
  return part;
}

Result<FileReader::Fetched*> FileReader::Fetch(const keys::FileId& file, uint64_t group) {
  for (Fetched& one : fetched_)
    if (one.group == group && one.file == file) return &one;
  while (!fetched_.empty() && (part_count_ >= max_parts_ || fetched_.front().group != group)) {
    part_count_ -= fetched_.front().parts.size();
    for (auto& part : fetched_.front().parts)
      if (spare_.size() < kMaxSpare) spare_.push_back(std::move(part));
    fetched_.pop_front();
  }
  Fetched next{file, group, {}, 0};
  TOCSIN_RETURN_IF_ERROR(store_.ScanReadable(
      Family::kRaw, keys::Segment(file, group, 0), keys::Segment(file, group + 1, 0),
      [&](std::string_view key, std::string_view value) {
        const auto parsed = keys::ParseRaw(key);
        if (!parsed || parsed->group != group || parsed->kind != keys::RawKey::Kind::kSegment)
          return false;
        next.parts.push_back(NewPart());
        next.parts.back()->blob.assign(value);
        return true;
      },
      &next.damaged));
  for (auto& part : next.parts) part->status = part->reader.Open(part->blob);
  part_count_ += next.parts.size();
  fetched_.push_back(std::move(next));
  return &fetched_.back();
}

Status FileReader::Read(const SealedFile& file, uint64_t series_id, Timestamp from, Timestamp to,
                        const std::function<void(const SegmentRun&)>& take) {
  const unsigned slot = SlotOf(series_id);
  TOCSIN_ASSIGN(Fetched * fetched, Fetch(file.id, GroupOf(series_id)));
  Status first_error;
  if (fetched->damaged > 0) first_error = Error(ErrorCode::kCorruption, "a block is unreadable");
  for (const auto& part : fetched->parts) {
    if (!part->status.ok()) {
      if (first_error.ok()) first_error = part->status;
      continue;
    }
    SegmentReader& reader = part->reader;
    if (reader.max_time() < from || reader.min_time() > to) continue;
    for (size_t run = 0; run < reader.RunCount(slot); ++run) {
      SegmentRun out;
      if (Status status = reader.ReadRun(slot, run, &out); !status.ok()) {
        if (first_error.ok()) first_error = status;
        break;
      }
      if (!out.times.empty()) take(out);
    }
  }
  if (first_error.ok()) return first_error;
  return first_error.error().WithContext("day " + std::to_string(file.id.day) + ", seal " +
                                         std::to_string(file.id.seal_seq) + ", group " +
                                         std::to_string(GroupOf(series_id)));
}

}  // namespace tocsin::storage
