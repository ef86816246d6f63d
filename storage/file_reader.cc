#include "storage/file_reader.h"

#include <utility>

namespace tocsin::storage {

std::unique_ptr<FileReader::Part> FileReader::NewPart() {
  if (spare_.empty()) return std::make_unique<Part>();
  auto part = std::move(spare_.back());
  spare_.pop_back();
  return part;
}

Result<FileReader::Fetched*> FileReader::Fetch(const SealedFile& file, uint64_t group) {
  for (Fetched& one : fetched_)
    if (one.group == group && one.file == file.id) return &one;
  while (!fetched_.empty() && (part_count_ >= max_parts_ || fetched_.front().group != group)) {
    part_count_ -= fetched_.front().size();
    for (auto& part : fetched_.front().parts)
      if (spare_.size() < kMaxSpare) spare_.push_back(std::move(part));
    if (fetched_.front().day != nullptr && spare_days_.size() < kMaxSpare)
      spare_days_.push_back(std::move(fetched_.front().day));
    fetched_.pop_front();
  }
  Fetched next{file.id, group, {}, nullptr, 0};
  if (file.header.kind == FileKind::kDay)
    TOCSIN_RETURN_IF_ERROR(FetchIndex(file.id, group, &next));
  else
    TOCSIN_RETURN_IF_ERROR(FetchParts(file.id, group, &next));
  part_count_ += next.size();
  fetched_.push_back(std::move(next));
  return &fetched_.back();
}

Status FileReader::FetchParts(const keys::FileId& file, uint64_t group, Fetched* out) {
  TOCSIN_RETURN_IF_ERROR(store_.ScanReadable(
      Family::kRaw, keys::Segment(file, group, 0), keys::Segment(file, group + 1, 0),
      [&](std::string_view key, std::string_view value) {
        const auto parsed = keys::ParseRaw(key);
        if (!parsed || parsed->group != group || parsed->kind != keys::RawKey::Kind::kSegment)
          return false;
        out->parts.push_back(NewPart());
        out->parts.back()->blob.assign(value);
        return true;
      },
      &out->damaged));
  for (auto& part : out->parts) part->status = part->reader.Open(part->blob);
  return OkStatus();
}

Status FileReader::FetchIndex(const keys::FileId& file, uint64_t group, Fetched* out) {
  if (spare_days_.empty()) {
    out->day = std::make_unique<Day>();
  } else {
    out->day = std::move(spare_days_.back());
    spare_days_.pop_back();
    for (auto& opened : out->day->opened) opened.reset();
  }
  Day& day = *out->day;
  auto index = store_.Get(Family::kRaw, keys::Segment(file, group, 0));
  if (!index.ok())
    day.status = index.error();
  else if (!*index)
    day.status = Error(ErrorCode::kCorruption, "the index of a group is missing");
  else
    day.index = **std::move(index);
  if (day.status.ok()) day.status = day.reader.OpenIndex(day.index);
  return OkStatus();
}

Status FileReader::OpenColumns(const Fetched& fetched, unsigned slot) {
  Day& day = *fetched.day;
  const unsigned k = slot / kDaySlots;
  if (day.opened[k]) return *day.opened[k];
  auto columns = store_.Get(
      Family::kRaw, keys::Segment(fetched.file, fetched.group, static_cast<uint16_t>(k + 1)));
  Status status;
  if (!columns.ok()) {
    status = columns.error();
  } else if (!*columns) {
    status = Error(ErrorCode::kCorruption, "columns of a group are missing");
  } else {
    day.columns[k] = **std::move(columns);
    status = day.reader.OpenPart(k, day.columns[k]);
  }
  day.opened[k] = status;
  return status;
}

Status FileReader::ReadRuns(SegmentReader& reader, unsigned slot, Timestamp from, Timestamp to,
                            const std::function<void(const SegmentRun&)>& take) {
  if (reader.max_time() < from || reader.min_time() > to) return OkStatus();
  for (size_t run = 0; run < reader.RunCount(slot); ++run) {
    SegmentRun out;
    TOCSIN_RETURN_IF_ERROR(reader.ReadRun(slot, run, &out));
    if (!out.times.empty()) take(out);
  }
  return OkStatus();
}

Status FileReader::Read(const SealedFile& file, uint64_t series_id, Timestamp from, Timestamp to,
                        const std::function<void(const SegmentRun&)>& take) {
  const unsigned slot = SlotOf(series_id);
  TOCSIN_ASSIGN(Fetched * fetched, Fetch(file, GroupOf(series_id)));
  Status first_error;
  size_t runs = 0;
  const auto count = [&](const SegmentReader& reader) {
    if (reader.max_time() >= from && reader.min_time() <= to) runs += reader.RunCount(slot);
  };
  for (const auto& part : fetched->parts)
    if (part->status.ok()) count(part->reader);
  only_run_ = runs == 1;
  const auto note = [&](Status status) {
    if (!status.ok() && first_error.ok()) first_error = std::move(status);
  };
  if (fetched->damaged > 0) note(Error(ErrorCode::kCorruption, "a block is unreadable"));
  for (const auto& part : fetched->parts)
    note(part->status.ok() ? ReadRuns(part->reader, slot, from, to, take) : part->status);
  if (fetched->day != nullptr) {
    Day& day = *fetched->day;
    note(day.status);
    bool has = false;
    for (size_t i = 0; day.status.ok() && i < day.reader.segments(); ++i)
      has = has || day.reader.segment(i).Has(slot);
    const Status opened = has ? OpenColumns(*fetched, slot) : OkStatus();
    note(opened);
    for (size_t i = 0; has && opened.ok() && i < day.reader.segments(); ++i)
      count(day.reader.segment(i));
    only_run_ = runs == 1;
    for (size_t i = 0; has && opened.ok() && i < day.reader.segments(); ++i)
      note(ReadRuns(day.reader.segment(i), slot, from, to, take));
  }
  if (first_error.ok()) return first_error;
  return first_error.error().WithContext("day " + std::to_string(file.id.day) + ", seal " +
                                         std::to_string(file.id.seal_seq) + ", group " +
                                         std::to_string(GroupOf(series_id)));
}

}  // namespace tocsin::storage
