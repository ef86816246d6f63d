// A day of a group in family `raw`: the length of part 0 (u16), part 0, then part 1 + k (its number
// is its second byte).
#include "storage/codec/day_part.h"

#include <algorithm>

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/storage/codec_samples.h"

namespace tocsin::fuzz {
namespace {

using namespace storage;  // NOLINT: a test

std::string Signed(std::string_view blob) {
  std::string out(blob.substr(0, blob.size() < 4 ? 0 : blob.size() - 4));
  PutFixed(out, Checksum32(out));
  return out;
}

void Read(std::string_view index, std::string_view part) {
  DayPartReader reader;
  if (!reader.OpenIndex(index).ok()) return;
  const unsigned k = part.size() < 2 ? 0 : static_cast<uint8_t>(part[1]) % kDayParts;
  if (!reader.OpenPart(k, part).ok()) return;
  SegmentBuffers buffers;
  SegmentRun run;
  for (size_t i = 0; i < reader.segments(); ++i) {
    const OpenedSegment& segment = reader.segment(i);
    for (unsigned slot = k * kDaySlots; slot < (k + 1) * kDaySlots; ++slot)
      for (size_t n = 0; n < segment.RunCount(slot); ++n) {
        if (!segment.ReadRun(slot, n, buffers, &run).ok() || run.kind != RunKind::kFloat) continue;
        TOCSIN_CHECK(run.times.size() == run.values.size() && !run.times.empty(), "a time a value");
      }
  }
}

}  // namespace

void RunOne(std::string_view input) {
  ByteReader in(input);
  const auto length = in.Fixed<uint16_t>();
  if (!in.ok()) return;
  const std::string_view index = in.Bytes(std::min<size_t>(length, in.remaining()));
  const std::string_view part = in.rest();
  Read(index, part);
  const std::string signed_index = Signed(index), signed_part = Signed(part);
  Read(signed_index, signed_part);
}

std::vector<std::string> Seeds() {
  std::vector<std::string> out;
  testing::Engine rng(1);
  for (const size_t n : {size_t{1}, size_t{30}, size_t{100}}) {
    DayPartBuilder day;
    day.Reset();
    for (int i = 0; i < 2; ++i) {
      SegmentBuilder builder;
      const uint32_t times = builder.AddTimes(testing::Times(rng, n, i));
      builder.AddSlot(1, times, testing::Counter(rng, n));
      builder.AddSlot(9, times, testing::DecimalGauge(rng, n, 2));
      if (i == 1) builder.AddStarts(std::vector<Timestamp>(n, Timestamp{5}));
      std::string segment;
      builder.Finish(segment);
      TOCSIN_CHECK(day.Add(segment).ok(), "a segment of ours");
    }
    std::string index;
    day.FinishIndex(index);
    for (unsigned k = 0; k < 2; ++k) {
      std::string seed;
      PutFixed(seed, static_cast<uint16_t>(index.size()));
      seed += index;
      day.FinishPart(k, seed);
      out.push_back(std::move(seed));
    }
  }
  return out;
}

}  // namespace tocsin::fuzz
