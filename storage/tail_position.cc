#include "storage/tail_position.h"

#include <algorithm>

#include "storage/base/coding.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

IdRanges TailPosition::Due(const SealedFile& of) const {
  IdRanges due;
  const auto done = finished.find({of.id.retention_class, of.id.day});
  for (const IdRange& range : of.header.covers.ranges()) {
    const uint64_t end = std::min(range.first + range.length - 1, files_due);
    for (uint64_t id = std::max(range.first, files_done + 1); id <= end; ++id)
      if (done == finished.end() || !done->second.Contains(id)) due.Append(id);
  }
  return due;
}

void TailPosition::Finish(const SealedFile& of) {
  const IdRanges due = Due(of);
  if (!due.empty()) finished[{of.id.retention_class, of.id.day}].Merge(due);
  file_series = 0;
}

std::string TailPosition::Encode() const {
  std::string out(1, static_cast<char>(kVersion));
  for (const uint64_t n : {row, row_samples, files_done, files_due}) PutVarint(out, n);
  PutZigZag(out, newest.ms);
  PutVarint(out, finished.size());
  for (const auto& [day, ranges] : finished) {
    PutFixed<uint8_t>(out, day.first);
    PutVarint(out, day.second);
    ranges.Encode(out);
  }
  PutFixed<uint8_t>(out, file.retention_class);
  PutVarint(out, file.day);
  PutVarint(out, file.seal_seq);
  PutVarint(out, file_series);
  return out;
}

Result<TailPosition> TailPosition::Decode(std::string_view bytes) {
  const Error damaged(ErrorCode::kCorruption, "a damaged position of a reader");
  ByteReader in(bytes);
  if (const auto version = in.Fixed<uint8_t>(); in.ok() && version != kVersion)
    return Error(ErrorCode::kUnsupported,
                 "the position of a reader has version " + std::to_string(version) +
                     "; this program reads version " + std::to_string(kVersion));
  TailPosition out;
  for (uint64_t* n : {&out.row, &out.row_samples, &out.files_done, &out.files_due})
    *n = in.Varint();
  out.newest.ms = in.ZigZagVarint();
  const uint64_t days = in.Varint();
  for (uint64_t i = 0; in.ok() && i < days; ++i) {
    const auto retention_class = in.Fixed<uint8_t>();
    const uint64_t day = in.Varint();
    IdRanges ranges;
    if (day > kMaxDay || !ranges.Decode(in)) return damaged;
    out.finished[{retention_class, static_cast<uint16_t>(day)}] = std::move(ranges);
  }
  out.file.retention_class = in.Fixed<uint8_t>();
  const uint64_t day = in.Varint();
  out.file.day = static_cast<uint16_t>(day);
  out.file.seal_seq = in.Varint();
  out.file_series = in.Varint();
  if (!in.ok() || !in.done() || day > kMaxDay) return damaged;
  return out;
}

}  // namespace tocsin::storage
