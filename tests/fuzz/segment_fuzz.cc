// A blob of family `raw`.
#include "storage/codec/segment.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/codec/value_codec.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/storage/codec_samples.h"

namespace tocsin::fuzz {
namespace {

using namespace storage;  // NOLINT: a test

void Read(std::string_view blob) {
  SegmentReader reader;
  if (!reader.Open(blob).ok()) return;
  SegmentRun run;
  for (unsigned slot = 0; slot < kSegmentSlots; ++slot) {
    for (size_t i = 0; i < reader.RunCount(slot); ++i) {
      if (!reader.ReadRun(slot, i, &run).ok() || run.kind != RunKind::kFloat) continue;
      TOCSIN_CHECK(run.times.size() == run.values.size() && !run.times.empty(), "a time a value");
      TOCSIN_CHECK(run.starts.empty() || run.starts.size() == run.times.size(), "a start a value");
      TOCSIN_CHECK(run.times.front() >= reader.min_time() && run.times.back() <= reader.max_time(),
                   "times in range");
    }
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
  testing::Engine rng(1);
  for (const size_t n : {size_t{1}, size_t{5}, size_t{70}, size_t{200}}) {
    SegmentBuilder builder;
    const uint32_t a = builder.AddTimes(testing::Times(rng, n, 0));
    const uint32_t b = builder.AddTimes(testing::Times(rng, n + 3, 3));
    Presence holes;
    for (size_t i = 0; i < n + 3; i += 1 + i % 3) holes.Set(i);
    builder.AddSlot(0, a, testing::Counter(rng, n));
    builder.AddSlot(3, b, holes, testing::DecimalGauge(rng, holes.Count(), 2));
    builder.AddSlot(63, b, testing::AnyBits(rng, n + 3));
    if (n != 5) {
      std::vector<Timestamp> starts;
      for (size_t i = 0; i < n + 3; ++i) starts.push_back({static_cast<int64_t>(i / 3)});
      builder.AddStarts(starts);
    }
    out.emplace_back();
    builder.Finish(out.back());
  }
  return out;
}

}  // namespace tocsin::fuzz
