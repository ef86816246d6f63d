#include "storage/codec/file_header.h"

#include <algorithm>
#include <limits>

#include "storage/base/check.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kChecksumBytes = sizeof(uint32_t);

Error Malformed(std::string_view part) {
  return {ErrorCode::kCorruption, "malformed file header: " + std::string(part)};
}

bool DecodeMarks(ByteReader& in, std::vector<GroupMark>& marks) {
  const uint64_t count = in.Varint();
  if (!in.ok() || count > in.remaining() / 3) return false;
  marks.reserve(count);
  uint64_t group = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t step = in.Varint();
    if (step > std::numeric_limits<uint64_t>::max() - group || (i > 0 && step == 0)) return false;
    group += step;
    GroupMark mark;
    mark.group = group;
    mark.log_hi = in.Varint();
    mark.cut.ms = in.ZigZagVarint();
    if (!in.ok()) return false;
    marks.push_back(mark);
  }
  return true;
}

}  // namespace

void IdRanges::Append(uint64_t id) {
  TOCSIN_CHECK(ranges_.empty() || id > back(), "ascending ids");
  if (!ranges_.empty() && id == back() + 1) {
    ++ranges_.back().length;
  } else {
    ranges_.push_back({id, 1});
  }
}

void IdRanges::Merge(const IdRanges& other) {
  std::vector<IdRange> all = ranges_;
  all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
  std::sort(all.begin(), all.end(),
            [](const IdRange& a, const IdRange& b) { return a.first < b.first; });
  ranges_.clear();
  for (const IdRange& range : all) {
    if (!ranges_.empty() && range.first <= ranges_.back().first + ranges_.back().length) {
      IdRange& last = ranges_.back();
      last.length = std::max(last.length, range.first - last.first + range.length);
    } else {
      ranges_.push_back(range);
    }
  }
}

bool IdRanges::Contains(uint64_t id) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), id,
                                      [](uint64_t v, const IdRange& r) { return v < r.first; });
  return after != ranges_.begin() && id - std::prev(after)->first < std::prev(after)->length;
}

bool IdRanges::ContainsAll(const IdRanges& other) const {
  return std::all_of(other.ranges_.begin(), other.ranges_.end(), [this](const IdRange& range) {
    const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), range.first,
                                        [](uint64_t v, const IdRange& r) { return v < r.first; });
    if (after == ranges_.begin()) return false;
    const IdRange& r = *std::prev(after);
    return range.first - r.first < r.length && range.length <= r.length - (range.first - r.first);
  });
}

void IdRanges::Encode(std::string& out) const {
  PutVarint(out, ranges_.size());
  uint64_t end = 0;
  for (const IdRange& range : ranges_) {
    PutVarint(out, range.first - end);
    PutVarint(out, range.length);
    end = range.first + range.length;
  }
}

bool IdRanges::Decode(ByteReader& in) {
  ranges_.clear();
  const uint64_t count = in.Varint();
  if (!in.ok() || count > in.remaining() / 2) return false;
  ranges_.reserve(count);
  uint64_t end = 0;
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t step = in.Varint();
    const uint64_t length = in.Varint();
    if (!in.ok() || step > kMax - end || length == 0 || length > kMax - end - step) return false;
    if (i > 0 && step == 0) return false;
    ranges_.push_back({end + step, length});
    end += step + length;
  }
  return true;
}

void EncodeFileHeader(const FileHeader& header, std::string& out) {
  const size_t begin = out.size();
  out.push_back(static_cast<char>(kVersion));
  out.push_back(static_cast<char>(header.kind));
  header.covers.Encode(out);
  PutZigZag(out, header.min_time.ms);
  PutZigZag(out, header.max_time.ms);
  PutVarint(out, header.samples);
  PutVarint(out, header.bytes);
  PutVarint(out, header.late_samples);
  header.groups.Encode(out);
  PutVarint(out, header.tombstone);
  PutVarint(out, header.marks.size());
  uint64_t group = 0;
  for (const GroupMark& mark : header.marks) {
    TOCSIN_CHECK(&mark == header.marks.data() || mark.group > group, "marks ascend");
    PutVarint(out, mark.group - group);
    PutVarint(out, mark.log_hi);
    PutZigZag(out, mark.cut.ms);
    group = mark.group;
  }
  if (header.kind == FileKind::kLevel) {
    header.built_from.Encode(out);
    PutZigZag(out, header.complete_from.ms);
    PutZigZag(out, header.complete_to.ms);
  }
  PutFixed(out, Checksum32(std::string_view(out).substr(begin)));
}

Result<FileHeader> DecodeFileHeader(std::string_view bytes) {
  if (bytes.size() < kChecksumBytes) return Malformed("too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  ByteReader tail(bytes.substr(body.size()));
  if (tail.Fixed<uint32_t>() != Checksum32(body)) return Malformed("wrong checksum");
  ByteReader in(body);
  const auto version = in.Fixed<uint8_t>();
  if (in.ok() && version != kVersion) {
    return Error(ErrorCode::kUnsupported, "file header of version " + std::to_string(version));
  }
  FileHeader header;
  const auto kind = in.Fixed<uint8_t>();
  if (kind < 1 || kind > static_cast<uint8_t>(FileKind::kLevel)) return Malformed("kind");
  header.kind = static_cast<FileKind>(kind);
  if (!header.covers.Decode(in) || header.covers.empty()) return Malformed("covers");
  header.min_time.ms = in.ZigZagVarint();
  header.max_time.ms = in.ZigZagVarint();
  header.samples = in.Varint();
  header.bytes = in.Varint();
  header.late_samples = in.Varint();
  if (!in.ok() || !header.groups.Decode(in)) return Malformed("groups");
  header.tombstone = in.Varint();
  if (!DecodeMarks(in, header.marks)) return Malformed("marks");
  if (header.kind == FileKind::kLevel) {
    if (!header.built_from.Decode(in)) return Malformed("built from");
    header.complete_from.ms = in.ZigZagVarint();
    header.complete_to.ms = in.ZigZagVarint();
  }
  if (!in.ok() || !in.done()) return Malformed("length");
  return header;
}

}  // namespace tocsin::storage
