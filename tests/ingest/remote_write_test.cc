// Remote write in: bodies as senders write them, bodies as nobody should, and every answer.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <protozero/pbf_writer.hpp>

#include "ingest/remote_write/decoder_v1.h"
#include "ingest/remote_write/receiver.h"
#include "storage/base/compression.h"
#include "tests/support/memory_appendable.h"

namespace tocsin::ingest {
namespace {

using protozero::pbf_writer;
using testing::MemoryAppendable;

constexpr std::string_view kType = "application/x-protobuf";

// Writes WriteRequest messages field by field.
class Request {
 public:
  struct Point {
    int64_t t;
    double v;
  };

  Request& Series(const std::vector<std::pair<std::string, std::string>>& labels,
                  const std::vector<Point>& points, int exemplars = 0) {
    std::string text;
    pbf_writer series(text);
    for (const auto& [name, value] : labels) {
      pbf_writer label(series, 1);
      label.add_string(1, name);
      label.add_string(2, value);
    }
    for (const Point& point : points) {
      pbf_writer sample(series, 2);
      sample.add_double(1, point.v);
      sample.add_int64(2, point.t);
    }
    for (int i = 0; i < exemplars; ++i) {
      pbf_writer exemplar(series, 3);
      exemplar.add_double(2, 1);
    }
    series_ = text;
    pbf_writer(body_).add_message(1, text);
    return *this;
  }
  Request& WithHistogram(const std::string& histogram) {
    std::string text;
    pbf_writer series(text);
    {
      pbf_writer label(series, 1);
      label.add_string(1, "__name__");
      label.add_string(2, "h");
    }
    series.add_message(4, histogram);
    pbf_writer(body_).add_message(1, text);
    return *this;
  }
  Request& Meta(const std::string& family, uint32_t type, const std::string& help) {
    std::string text;
    pbf_writer meta(text);
    meta.add_enum(1, static_cast<int32_t>(type));
    meta.add_string(2, family);
    meta.add_string(4, help);
    pbf_writer(body_).add_message(3, text);
    return *this;
  }
  const std::string& body() const { return body_; }

 private:
  std::string body_, series_;
};

std::string IntegerHistogram(uint32_t span_length = 2) {
  std::string text;
  pbf_writer h(text);
  h.add_uint64(1, 6);
  h.add_double(3, 12.5);
  h.add_sint32(4, 1);
  h.add_double(5, 0.001);
  h.add_uint64(6, 1);
  {
    pbf_writer span(h, 11);
    span.add_sint32(1, -3);
    span.add_uint32(2, span_length);
  }
  const std::vector<int64_t> deltas = {2, 1};
  h.add_packed_sint64(12, deltas.begin(), deltas.end());
  h.add_int64(15, 1'000);
  return text;
}

class RemoteWriteTest : public ::testing::Test {
 protected:
  WriteResponse Send(const std::string& message, std::string_view type = kType,
                     std::string_view encoding = "snappy") {
    return SendRaw(SnappyCompress(message), type, encoding);
  }
  WriteResponse SendRaw(const std::string& body, std::string_view type = kType,
                        std::string_view encoding = "snappy") {
    std::optional<WriteResponse> response;
    receiver_.Handle(type, encoding, body, [&](const WriteResponse& r) {
      EXPECT_FALSE(response.has_value());
      response = r;
    });
    EXPECT_TRUE(response.has_value());
    return response.value_or(WriteResponse{});
  }

  MemoryAppendable store_;
  MetricRegistry metrics_;
  RemoteWriteReceiver receiver_{store_, metrics_};
};

TEST_F(RemoteWriteTest, StoresSamplesOfSeveralSeries) {
  Request request;
  request.Series({{"__name__", "a"}, {"x", "1"}}, {{1'000, 1}, {2'000, 2}})
      .Series({{"x", "2"}, {"__name__", "a"}}, {{1'000, 3}, {500, 4}});
  const WriteResponse response = Send(request.body());
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.samples, 4u);
  EXPECT_EQ(store_.Timeline("a{x=\"1\"}", {0}), "1000=1 2000=2");
  EXPECT_EQ(store_.Timeline("a{x=\"2\"}", {0}), "500=4 1000=3");
}

TEST_F(RemoteWriteTest, KeepsEveryBitOfAValue) {
  const double stale = StaleMarker();
  Request request;
  request.Series({{"__name__", "a"}}, {{1, stale}, {2, NormalNaN()}, {3, -0.0}, {-4, 1}});
  EXPECT_EQ(Send(request.body()).status, 204);
  const auto samples = store_.Samples("a");
  EXPECT_EQ(std::bit_cast<uint64_t>(samples.at(1)), kStaleNaNBits);
  EXPECT_EQ(std::bit_cast<uint64_t>(samples.at(2)), kNormalNaNBits);
  EXPECT_TRUE(std::signbit(samples.at(3)));
  EXPECT_EQ(samples.at(-4), 1);
}

TEST_F(RemoteWriteTest, ManySeriesOfOneTimestampMakeOneRow) {
  Request request;
  for (int i = 0; i < 100; ++i)
    request.Series({{"__name__", "a"}, {"i", std::to_string(i)}}, {{1'000, double(i)}});
  EXPECT_EQ(Send(request.body()).samples, 100u);
  EXPECT_EQ(store_.rows(), 1);
  EXPECT_EQ(store_.columns(), 0);
  Request column;
  std::vector<Request::Point> points;
  for (int i = 0; i < 100; ++i) points.push_back({i * 1'000, double(i)});
  column.Series({{"__name__", "b"}}, points);
  EXPECT_EQ(Send(column.body()).samples, 100u);
  EXPECT_EQ(store_.rows(), 1);
  EXPECT_EQ(store_.columns(), 1);
}

TEST_F(RemoteWriteTest, SkipsSeriesWithInvalidLabels) {
  Request request;
  request.Series({{"x", "no name"}}, {{1, 1}, {2, 1}})
      .Series({{"__name__", "a"}, {"b", "1"}, {"b", "2"}}, {{1, 1}})
      .Series({{"__name__", "a"}, {"", "1"}}, {{1, 1}})
      .Series({{"__name__", "a"}, {"b", "\xff"}}, {{1, 1}})
      .Series({{"__name__", "good"}, {"empty", ""}}, {{1, 1}});
  ::testing::internal::CaptureStderr();
  const WriteResponse response = Send(request.body());
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("are skipped"), std::string::npos) << said;
  EXPECT_NE(said.find("no name"), std::string::npos) << said;
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.samples, 1u);
  EXPECT_EQ(store_.SeriesNames(), std::vector<std::string>{"good"});
  EXPECT_EQ(metrics_
                .GetCounter("prometheus_api_remote_write_invalid_labels_samples_total",
                            "The total number of received remote write samples and histogram "
                            "samples which were rejected due to invalid labels.")
                .Value(),
            5);
}

TEST_F(RemoteWriteTest, SaysWhyItRefuses) {
  store_.SetBounds({0}, {10'000});
  Request request;
  request.Series({{"__name__", "a"}}, {{1'000, 1}, {20'000, 1}, {30'000, 1}});
  WriteResponse response = Send(request.body());
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.message, "out of bounds (2 samples)");
  EXPECT_EQ(response.samples, 1u);
  EXPECT_EQ(store_.Timeline("a", {0}), "1000=1");

  Request other;
  other.Series({{"__name__", "a"}}, {{1'000, 2}, {2'000, 3}, {2'000, 3}, {2'000, 4}});
  response = Send(other.body());
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.message, "duplicate sample for timestamp (2 samples)");
  EXPECT_EQ(store_.Timeline("a", {0}), "1000=1 2000=3");
  // The same again is no error: a sender repeats what it does not know to have arrived.
  Request again;
  again.Series({{"__name__", "a"}}, {{2'000, 3}});
  EXPECT_EQ(Send(again.body()).status, 204);
}

TEST_F(RemoteWriteTest, ResolvesARepeatedSeriesOnce) {
  for (int i = 0; i < 5; ++i) {
    Request request;
    request.Series({{"__name__", "a"}, {"b", "c"}}, {{1'000 * i, 1}});
    EXPECT_EQ(Send(request.body()).status, 204);
  }
  EXPECT_EQ(store_.resolves(), 1);
  store_.ForgetRefs();
  Request request;
  request.Series({{"__name__", "a"}, {"b", "c"}}, {{9'000, 1}});
  EXPECT_EQ(Send(request.body()).status, 204);
  EXPECT_EQ(store_.resolves(), 2);
  EXPECT_EQ(store_.Timeline("a{b=\"c\"}", {0}), "0=1 1000=1 2000=1 3000=1 4000=1 9000=1");
}

TEST_F(RemoteWriteTest, ReadsLabelsThatDoNotLieTogether) {
  std::string series, label_a, label_b, sample;
  pbf_writer(label_a).add_string(1, "__name__");
  pbf_writer(label_a).add_string(2, "a");
  pbf_writer(label_b).add_string(1, "b");
  pbf_writer(label_b).add_string(2, "c");
  pbf_writer(sample).add_double(1, 7);
  pbf_writer writer(series);
  writer.add_message(1, label_a);
  writer.add_message(2, sample);
  writer.add_message(1, label_b);
  std::string body;
  pbf_writer(body).add_message(1, series);
  EXPECT_EQ(Send(body).status, 204);
  EXPECT_EQ(store_.Timeline("a{b=\"c\"}", {0}), "0=7");
}

TEST_F(RemoteWriteTest, ChecksTheHeaders) {
  Request request;
  request.Series({{"__name__", "a"}}, {{1, 1}});
  EXPECT_EQ(Send(request.body(), "application/x-protobuf;proto=prometheus.WriteRequest").status,
            204);
  EXPECT_EQ(Send(request.body(), "", "").status, 204);
  const WriteResponse three =
      Send(request.body(), "application/x-protobuf;proto=io.prometheus.write.v3.Request");
  EXPECT_EQ(three.status, 415);
  EXPECT_EQ(three.message,
            "remote write message io.prometheus.write.v3.Request is not available; send "
            "prometheus.WriteRequest or io.prometheus.write.v2.Request");
  EXPECT_EQ(Send(request.body(), "application/json").status, 415);
  EXPECT_EQ(Send(request.body(), kType, "gzip").status, 415);
}

TEST_F(RemoteWriteTest, MalformedBodiesLeaveNothing) {
  EXPECT_EQ(SendRaw("not snappy at all").status, 400);
  EXPECT_EQ(SendRaw("").status, 400);
  // A declared size beyond the limit is refused before anything is allocated.
  EXPECT_EQ(SendRaw(std::string("\xff\xff\xff\xff\x0f", 5)).status, 400);
  Request request;
  request.Series({{"__name__", "a"}, {"b", "c"}}, {{1'000, 1}});
  request.Series({{"__name__", "z"}, {"b", "c"}}, {{1'000, 1}});
  // Cut within the second series: the first one does not stay either.
  const size_t first = request.body().size() / 2;
  for (size_t size = first + 1; size < request.body().size(); ++size) {
    EXPECT_EQ(Send(request.body().substr(0, size)).status, 400) << size;
  }
  EXPECT_TRUE(store_.SeriesNames().empty());
  EXPECT_EQ(Send("").status, 204);
}

TEST_F(RemoteWriteTest, FieldsOfAnotherWireTypeAreSkipped) {
  std::string series;
  pbf_writer writer(series);
  writer.add_uint64(1, 7);  // labels, samples, histograms as numbers
  writer.add_double(2, 7);
  writer.add_uint64(4, 7);
  {
    pbf_writer label(writer, 1);
    label.add_uint64(1, 7);
    label.add_string(1, "__name__");
    label.add_string(2, "a");
  }
  {
    pbf_writer sample(writer, 2);
    sample.add_string(1, "text");
    sample.add_double(2, 7);
    sample.add_double(1, 3);
    sample.add_int64(2, 1'000);
  }
  {
    pbf_writer histogram(writer, 4);
    for (uint32_t tag = 1; tag <= 16; ++tag) histogram.add_fixed32(tag, 7);
  }
  std::string body;
  pbf_writer request(body);
  request.add_uint64(1, 7);
  request.add_message(1, series);
  request.add_uint64(3, 7);
  const WriteResponse response = Send(body);
  EXPECT_EQ(response.status, 204) << response.message;
  EXPECT_EQ(store_.Timeline("a", {0}), "1000=3");
}

TEST_F(RemoteWriteTest, AFailingStoreIsWorthARetry) {
  Request request;
  request.Series({{"__name__", "a"}}, {{1, 1}});
  store_.FailCommits(Error(ErrorCode::kNoSpace, "disk full"));
  WriteResponse response = Send(request.body());
  EXPECT_EQ(response.status, 503);  // no room: as the storage design has it
  EXPECT_EQ(response.message, "disk full");
  store_.FailCommits(Error(ErrorCode::kIo, "device gone"));
  response = Send(request.body());
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.message, "device gone");
  store_.FailCommits(OkStatus());
  store_.SetSeriesLimit(0);
  Request more;
  more.Series({{"__name__", "b"}}, {{1, 1}});
  store_.ForgetRefs();
  EXPECT_EQ(Send(more.body()).status, 400);
}

TEST_F(RemoteWriteTest, AnswersAfterTheCommit) {
  Request request;
  request.Series({{"__name__", "a"}}, {{1, 1}});
  store_.HoldCommits();
  bool answered = false;
  receiver_.Handle(kType, "snappy", SnappyCompress(request.body()),
                   [&](const WriteResponse&) { answered = true; });
  EXPECT_FALSE(answered);
  store_.ReleaseCommits();
  EXPECT_TRUE(answered);
}

TEST_F(RemoteWriteTest, KeepsMetadataAndExemplars) {
  Request request;
  request.Series({{"__name__", "a"}}, {{1, 1}}, 3).Meta("a", 1, "help").Meta("b", 99, "odd");
  EXPECT_EQ(Send(request.body()).status, 204);
  EXPECT_EQ(store_.metadata().at("a"), (Metadata{MetricType::kCounter, "", "help"}));
  EXPECT_EQ(store_.metadata().at("b").type, MetricType::kUnknown);
  ASSERT_EQ(store_.exemplars().size(), 3u);
  EXPECT_EQ(store_.exemplars()[0].first, "a");
  EXPECT_EQ(store_.exemplars()[0].second.value, 1);
}

TEST_F(RemoteWriteTest, DecodesHistograms) {
  Request request;
  request.WithHistogram(IntegerHistogram());
  const WriteResponse response = Send(request.body());
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.histograms, 1u);
  Histogram expected;
  expected.integer = true;
  expected.count = 6;
  expected.sum = 12.5;
  expected.schema = 1;
  expected.zero_threshold = 0.001;
  expected.zero_count = 1;
  expected.positive_spans = {{-3, 2}};
  expected.positive_buckets = {2, 3};
  ASSERT_EQ(store_.histograms().size(), 1u);
  EXPECT_EQ(store_.histograms()[0].second, expected);
}

TEST_F(RemoteWriteTest, RefusesHistogramsByName) {
  Request bad;
  bad.WithHistogram(IntegerHistogram(4'000'000'000));
  WriteResponse response = Send(bad.body());
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.message,
            "histogram: positive side: spans need 4000000000 buckets, have 2 buckets");
  store_.RefuseHistograms();
  Request request;
  request.WithHistogram(IntegerHistogram()).Series({{"__name__", "a"}}, {{1, 1}});
  response = Send(request.body());
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.message, "native histograms are not available yet");
  EXPECT_EQ(store_.SeriesNames(), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace tocsin::ingest
