// A body of remote write 1.0 or 2.0, as protobuf and under snappy.
#include "ingest/remote_write/decoder_v1.h"
#include "ingest/remote_write/decoder_v2.h"
#include "storage/base/check.h"
#include "storage/base/compression.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

constexpr size_t kMaxBody = 1 << 20;

class Sink final : public ingest::WriteRequestSink {
 public:
  Status OnSeries(const ingest::WriteSeries& series) override {
    TOCSIN_CHECK(series.times.size() == series.values.size(), "a time a value");
    TOCSIN_CHECK(series.starts.size() <= series.values.size(), "no start without a value");
    std::vector<Label> labels;
    (void)ingest::DecodeLabels(series, &labels).ok();
    for (const Label& label : labels)
      TOCSIN_CHECK(label.name.size() + label.value.size() <= kMaxBody, "labels lie in the body");
    return OkStatus();
  }
  void OnMetadata(const ingest::WriteMetadata&) override {}
};

// Protobuf by hand, just enough for seeds.
std::string Field(int number, std::string_view bytes) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  out += static_cast<char>(bytes.size());
  return out.append(bytes);
}
std::string LabelOf(std::string_view name, std::string_view value) {
  return Field(1, Field(1, name) + Field(2, value));
}
std::string SampleOf() {
  return Field(2, std::string("\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\xe8\x07", 12));
}

}  // namespace

void RunOne(std::string_view input) {
  Sink sink;
  (void)ingest::DecodeWriteRequest(input, sink).ok();
  (void)ingest::DecodeWriteRequestV2(input, sink).ok();
  const auto body = SnappyUncompress(input, kMaxBody);
  if (!body.ok()) return;
  (void)ingest::DecodeWriteRequest(*body, sink).ok();
  (void)ingest::DecodeWriteRequestV2(*body, sink).ok();
}

std::vector<std::string> Seeds() {
  const std::string series = LabelOf("__name__", "up") + LabelOf("job", "a") + SampleOf();
  // A histogram: count 3, sum 1.5, schema 1, one span, two deltas, timestamp 1000.
  const std::string histogram(
      "\x08\x03\x19\x00\x00\x00\x00\x00\x00\xf8\x3f\x20\x02\x5a\x04\x08\x02\x10\x02\x62\x02\x02\x04"
      "\x78\xe8\x07",
      26);
  const std::string metadata =
      Field(3, std::string("\x08\x01", 2) + Field(2, "up") + Field(4, "h"));
  const std::string plain = Field(1, series) + Field(1, series + SampleOf()) + metadata;
  const std::string native = Field(1, LabelOf("__name__", "h") + Field(4, histogram));
  // 2.0: symbols, a series with a sample that has a start, an exemplar and metadata, one with a
  // histogram.
  const std::string started("\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\xe8\x07\x18\xe7\x07", 15);
  const std::string exemplar("\x0a\x02\x03\x04\x11\x00\x00\x00\x00\x00\x00\xf0\x3f\x18\x05", 15);
  const std::string two = Field(4, "") + Field(4, "__name__") + Field(4, "up") + Field(4, "trace") +
                          Field(4, "x") +
                          Field(5, Field(1, "\x01\x02") + Field(2, started) + Field(4, exemplar) +
                                       Field(5, "\x08\x01\x18\x03\x20\x04")) +
                          Field(5, Field(1, "\x01\x04") + Field(3, histogram));
  return {two, SnappyCompress(two), plain, native, SnappyCompress(plain), SnappyCompress(native)};
}

}  // namespace tocsin::fuzz
