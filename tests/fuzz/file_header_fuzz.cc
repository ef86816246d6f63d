// The header value of a sealed file.
#include "storage/codec/file_header.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

using namespace storage;  // NOLINT: a test

FileHeader Sample(FileKind kind) {
  FileHeader header;
  header.kind = kind;
  for (const uint64_t id : {1, 2, 3, 9, 700}) header.covers.Append(id);
  for (const uint64_t id : {1, 2, 64}) header.groups.Append(id);
  header.min_time = {1'700'000'000'000};
  header.max_time = {1'700'000'100'000};
  header.samples = 12345;
  header.marks = {{1, 100, {5}}, {2, 200, {6}}, {64, 300, {7}}};
  if (kind == FileKind::kLevel) header.built_from.Append(3);
  return header;
}

}  // namespace

void RunOne(std::string_view input) {
  (void)DecodeFileHeader(input).ok();
  std::string bytes(input.substr(0, input.size() < 4 ? 0 : input.size() - 4));
  PutFixed(bytes, Checksum32(bytes));
  const auto header = DecodeFileHeader(bytes);
  if (!header.ok()) return;
  std::string again;
  EncodeFileHeader(*header, again);
  const auto twice = DecodeFileHeader(again);
  TOCSIN_CHECK(twice.ok() && *twice == *header, "what was read can be written");
}

std::vector<std::string> Seeds() {
  std::vector<std::string> out(2);
  EncodeFileHeader(Sample(FileKind::kSeal), out[0]);
  EncodeFileHeader(Sample(FileKind::kLevel), out[1]);
  return out;
}

}  // namespace tocsin::fuzz
