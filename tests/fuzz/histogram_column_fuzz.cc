// A histogram column; the first byte says how many samples it should have.
#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/codec/histogram_codec.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

using namespace storage;  // NOLINT: a test

Histogram Sample(bool integer) {
  Histogram h;
  h.integer = integer;
  h.schema = 2;
  h.count = 10;
  h.sum = 1.5;
  h.positive_spans = {{0, 2}, {3, 1}};
  h.positive_buckets = {1, 2, 4};
  h.negative_spans = {{-1, 1}};
  h.negative_buckets = {3};
  return h;
}

std::string Seed(const std::vector<Histogram>& samples) {
  std::vector<const Histogram*> pointers;
  for (const Histogram& h : samples) pointers.push_back(&h);
  std::string out(1, static_cast<char>(samples.size() - 1));
  EncodeHistograms(pointers, out);
  return out;
}

}  // namespace

void RunOne(std::string_view input) {
  ByteReader in(input);
  std::vector<Histogram> out(1 + in.Fixed<uint8_t>());
  if (!DecodeHistograms(in.rest(), out).ok()) return;
  for (const Histogram& h : out) TOCSIN_CHECK(IsEncodable(h), "what is read can be written");
  (void)DecodeHistograms(Seed(out).substr(1), out).ok();
}

std::vector<std::string> Seeds() {
  Histogram custom = Sample(false);
  custom.schema = kCustomBucketsSchema;
  custom.custom_values = {0.1, 1, 2};
  Histogram grown = Sample(true);
  grown.positive_buckets[1] = 7;
  grown.count = 15;
  return {Seed({Sample(true)}), Seed({Sample(true), grown, grown}),
          Seed({Sample(false), custom, Sample(true)})};
}

}  // namespace tocsin::fuzz
