// A blob of family `lvl`.
#include "storage/codec/level_part.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

using namespace storage;  // NOLINT: a test

void Read(std::string_view blob) {
  LevelPartReader reader;
  if (!reader.Open(blob).ok()) return;
  std::vector<LevelCell> cells;
  std::vector<uint32_t> weights;
  for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
    cells.clear();
    if (reader.HasFloats(slot) && reader.ReadFloats(slot, &cells).ok())
      for (size_t i = 1; i < cells.size(); ++i)
        TOCSIN_CHECK(cells[i - 1].end < cells[i].end, "cells ascend");
    weights.clear();
    if (reader.HasHistograms(slot)) (void)reader.ReadWeights(slot, &weights).ok();
  }
}

}  // namespace

void RunOne(std::string_view input) {
  Read(input);
  // And with a checksum that is right, so that what lies behind it is reached.
  std::string signed_blob(input.substr(0, input.size() < 4 ? 0 : input.size() - 4));
  PutFixed(signed_blob, Checksum32(signed_blob));
  Read(signed_blob);
}

std::vector<std::string> Seeds() {
  std::vector<std::string> out;
  constexpr Duration kResolution{300'000};
  for (const size_t n : {size_t{1}, size_t{5}, size_t{40}}) {
    LevelPartBuilder builder;
    builder.Reset(kResolution, Timestamp{300'000'000}, 2 * n);
    for (const unsigned slot : {0u, 7u, 63u}) {
      std::vector<LevelCell> cells;
      for (size_t i = 0; i < n; ++i) {
        LevelCell cell;
        cell.end = {300'000'000 + static_cast<int64_t>(i * (1 + slot % 2)) * kResolution.count()};
        cell.count = static_cast<uint32_t>(1 + (i + slot) % 20);
        cell.first_time = cell.end - Duration{200'000};
        cell.last_time = cell.end;
        cell.first = static_cast<double>(i * slot);
        cell.last = cell.first + static_cast<double>(i % 3);
        cell.min = cell.first;
        cell.max = cell.last;
        cell.has_sum = slot == 7;
        cell.sum = cell.first * 2;
        cells.push_back(cell);
      }
      builder.AddFloats(slot, cells);
    }
    builder.AddWeights(5, std::vector<uint32_t>(n, 3));
    out.emplace_back();
    builder.Finish(out.back());
  }
  return out;
}

}  // namespace tocsin::fuzz
