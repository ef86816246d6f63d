// A value column and a timestamp column; the first two bytes say how many entries they should have.
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/codec/time_codec.h"
#include "storage/codec/value_codec.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/storage/codec_samples.h"

namespace tocsin::fuzz {
namespace {

using namespace storage;  // NOLINT: a test

void Values(std::string_view column, size_t n) {
  std::vector<double> values(n), again(n);
  if (!DecodeValues(column, values).ok()) return;
  std::string encoded;
  EncodeValues(values, encoded);
  TOCSIN_CHECK(DecodeValues(encoded, again).ok() && testing::SameBits(values, again.data()),
               "any values round-trip");
}

void Times(std::string_view column, size_t n) {
  std::vector<Timestamp> times(n), again(n);
  ByteReader in(column);
  if (!DecodeTimes(in, times).ok()) return;
  std::string encoded;
  EncodeTimes(times, encoded);
  ByteReader second(encoded);
  TOCSIN_CHECK(DecodeTimes(second, again).ok() && again == times && second.done(),
               "any ascending times round-trip");
}

}  // namespace

void RunOne(std::string_view input) {
  ByteReader in(input);
  const size_t n = 1 + in.Fixed<uint16_t>() % kMaxColumnEntries;
  if (!in.ok()) return;
  Values(in.rest(), n);
  Times(in.rest(), n);
}

std::vector<std::string> Seeds() {
  std::vector<std::string> out;
  testing::Engine rng(2);
  for (int i = 0; i < 40; ++i) {
    const size_t n = 1 + rng() % 150;
    std::string seed;
    PutFixed(seed, static_cast<uint16_t>(n - 1));
    if (i % 4 == 0) {
      EncodeTimes(testing::Times(rng, n, i / 4), seed);
    } else {
      EncodeValues(testing::AnySeries(rng, n), seed);
    }
    out.push_back(seed);
  }
  return out;
}

}  // namespace tocsin::fuzz
