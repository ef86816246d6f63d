// Remote write 2.0 in: symbols, start timestamps, exemplars, metadata, and every partial answer.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <protozero/pbf_writer.hpp>

#include "ingest/remote_write/receiver.h"
#include "storage/base/compression.h"
#include "tests/support/memory_appendable.h"

namespace tocsin::ingest {
namespace {

using protozero::pbf_writer;
using testing::MemoryAppendable;

using Pairs = std::vector<std::pair<std::string, std::string>>;
constexpr std::string_view kType = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

// Writes io.prometheus.write.v2.Request messages.
class Request {
 public:
  struct Point {
    int64_t t;
    double v;
    int64_t start = 0;
  };

  uint32_t Symbol(const std::string& text) {
    const auto [it, fresh] = index_.try_emplace(text, static_cast<uint32_t>(symbols_.size()));
    if (fresh) symbols_.push_back(text);
    return it->second;
  }
  std::vector<uint32_t> Refs(const Pairs& labels) {
    std::vector<uint32_t> refs;
    for (const auto& [name, value] : labels) {
      refs.push_back(Symbol(name));
      refs.push_back(Symbol(value));
    }
    return refs;
  }

  Request& Series(const Pairs& labels, const std::vector<Point>& points) {
    return SeriesOf(Refs(labels), points);
  }
  Request& SeriesOf(const std::vector<uint32_t>& refs, const std::vector<Point>& points) {
    series_.emplace_back();
    pbf_writer series(series_.back());
    series.add_packed_uint32(1, refs.begin(), refs.end());
    for (const Point& point : points) {
      pbf_writer sample(series, 2);
      sample.add_double(1, point.v);
      sample.add_int64(2, point.t);
      if (point.start != 0) sample.add_int64(3, point.start);
    }
    return *this;
  }
  // Of the series added last.
  Request& Exemplar(const Pairs& labels, double v, int64_t t) {
    const auto refs = Refs(labels);
    pbf_writer series(series_.back());
    pbf_writer exemplar(series, 4);
    exemplar.add_packed_uint32(1, refs.begin(), refs.end());
    exemplar.add_double(2, v);
    exemplar.add_int64(3, t);
    return *this;
  }
  Request& Meta(int32_t type, const std::string& help, const std::string& unit) {
    const uint32_t help_ref = Symbol(help), unit_ref = Symbol(unit);
    pbf_writer series(series_.back());
    pbf_writer meta(series, 5);
    meta.add_enum(1, type);
    meta.add_uint32(3, help_ref);
    meta.add_uint32(4, unit_ref);
    return *this;
  }
  Request& FloatHistogram(int64_t t, double count, int64_t start, int32_t schema = 0) {
    pbf_writer series(series_.back());
    pbf_writer h(series, 3);
    h.add_double(2, count);
    h.add_double(3, 1.5);
    h.add_sint32(4, schema);
    {
      pbf_writer span(h, 11);
      span.add_sint32(1, 1);
      span.add_uint32(2, 3);
    }
    const std::vector<double> counts = {1, 2, 3};
    h.add_packed_double(13, counts.begin(), counts.end());
    h.add_int64(15, t);
    if (start != 0) h.add_int64(17, start);
    return *this;
  }
  std::string body(bool symbols_last = false) const {
    std::string symbols, series;
    for (const std::string& symbol : symbols_) pbf_writer(symbols).add_string(4, symbol);
    for (const std::string& one : series_) pbf_writer(series).add_message(5, one);
    return symbols_last ? series + symbols : symbols + series;
  }

 private:
  std::vector<std::string> symbols_{""};
  std::map<std::string, uint32_t> index_{{"", 0}};
  std::vector<std::string> series_;
};

class RemoteWriteV2Test : public ::testing::Test {
 protected:
  WriteResponse Send(const std::string& message) {
    std::optional<WriteResponse> response;
    receiver_.Handle(kType, "snappy", SnappyCompress(message),
                     [&](const WriteResponse& r) { response = r; });
    EXPECT_TRUE(response.has_value());
    return response.value_or(WriteResponse{});
  }

  MemoryAppendable store_;
  MetricRegistry metrics_;
  RemoteWriteReceiver receiver_{store_, metrics_};
};

TEST_F(RemoteWriteV2Test, StoresSamplesAndTheirStarts) {
  Request request;
  request.Series({{"__name__", "a"}, {"x", "1"}}, {{1'000, 1}, {2'000, 2, 500}})
      .Series({{"__name__", "a"}, {"x", "2"}}, {{1'000, 3, 900}, {500, 4, -7}});
  for (const bool symbols_last : {false, true}) {
    const WriteResponse response = Send(request.body(symbols_last));
    EXPECT_EQ(response.status, 204) << response.message;
    EXPECT_EQ(response.samples, 4u);
    EXPECT_EQ(store_.Timeline("a{x=\"1\"}", {0}), "1000=1 2000=2");
    EXPECT_EQ(store_.Timeline("a{x=\"2\"}", {0}), "500=4 1000=3");
    EXPECT_EQ(store_.Starts("a{x=\"1\"}"), (std::map<int64_t, int64_t>{{2'000, 500}}));
    EXPECT_EQ(store_.Starts("a{x=\"2\"}"), (std::map<int64_t, int64_t>{{500, -7}, {1'000, 900}}));
  }
  EXPECT_EQ(store_.resolves(), 2);
}

// The same series under other symbol numbers is known; a row keeps its starts.
TEST_F(RemoteWriteV2Test, SymbolNumbersMeanNothingBeyondTheRequest) {
  for (int i = 0; i < 4; ++i) {
    Request request;
    for (int filler = 0; filler < i; ++filler) request.Symbol("filler" + std::to_string(filler));
    for (int s = 0; s < 20; ++s)
      request.Series({{"__name__", "a"}, {"x", std::to_string(s)}}, {{1'000 * i, 1.0 * s, 77 + s}});
    EXPECT_EQ(Send(request.body()).samples, 20u);
  }
  EXPECT_EQ(store_.resolves(), 20);
  EXPECT_EQ(store_.Starts("a{x=\"13\"}"),
            (std::map<int64_t, int64_t>{{0, 90}, {1'000, 90}, {2'000, 90}, {3'000, 90}}));
}

TEST_F(RemoteWriteV2Test, StoresHistogramsExemplarsAndMetadata) {
  Request request;
  request.Series({{"__name__", "h"}}, {}).FloatHistogram(1'000, 6, 400);
  request.Series({{"__name__", "a_total"}}, {{1'000, 1}})
      .Exemplar({{"trace_id", "x"}}, 0.5, 999)
      .Meta(1, "How many.", "things");
  request.Series({{"__name__", "b_bucket"}, {"le", "+Inf"}}, {{1'000, 1}}).Meta(3, "Buckets.", "");
  const WriteResponse response = Send(request.body());
  EXPECT_EQ(response.status, 204) << response.message;
  EXPECT_EQ(response.samples, 2u);
  EXPECT_EQ(response.histograms, 1u);
  EXPECT_EQ(response.exemplars, 1u);
  ASSERT_EQ(store_.histograms().size(), 1u);
  EXPECT_EQ(store_.histograms()[0].second.positive_buckets, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(store_.Starts("h"), (std::map<int64_t, int64_t>{{1'000, 400}}));
  ASSERT_EQ(store_.exemplars().size(), 1u);
  EXPECT_EQ(store_.exemplars()[0].first, "a_total");
  EXPECT_EQ(store_.exemplars()[0].second.labels, (Labels{{"trace_id", "x"}}));
  EXPECT_EQ(store_.exemplars()[0].second.t, Timestamp{999});
  EXPECT_EQ(store_.metadata().at("a_total"),
            (Metadata{MetricType::kCounter, "things", "How many."}));
  EXPECT_EQ(store_.metadata().at("b"), (Metadata{MetricType::kHistogram, "", "Buckets."}));
}

// Resolutions beyond the finest we know are halved until they are known.
TEST_F(RemoteWriteV2Test, ReducesReservedSchemas) {
  Request request;
  request.Series({{"__name__", "h"}}, {}).FloatHistogram(1'000, 6, 0, 9);
  EXPECT_EQ(Send(request.body()).status, 204);
  ASSERT_EQ(store_.histograms().size(), 1u);
  const Histogram& h = store_.histograms()[0].second;
  EXPECT_EQ(h.schema, 8);
  // Buckets 1, 2 and 3 of schema 9 are 1 and 2 of schema 8.
  EXPECT_EQ(h.positive_spans, (std::vector<Histogram::Span>{{1, 2}}));
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{3, 3}));
  Request absurd;
  absurd.Series({{"__name__", "h"}}, {}).FloatHistogram(2'000, 6, 0, 53);
  EXPECT_EQ(Send(absurd.body()).status, 400);
}

TEST_F(RemoteWriteV2Test, KeepsTheGoodPartAndNamesTheBad) {
  store_.SetBounds({0}, {10'000});
  Request request;
  request.Series({{"__name__", "good"}}, {{1'000, 1}, {20'000, 1}})
      .Series({{"x", "no name"}}, {{1'000, 1}})
      .Series({{"__name__", "empty"}}, {})
      .SeriesOf({1, 999}, {{1'000, 1}})
      .SeriesOf({1}, {{1'000, 1}})
      .Series({{"__name__", "also"}}, {{2'000, 2}});
  const WriteResponse response = Send(request.body());
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.samples, 2u);
  EXPECT_EQ(response.message,
            "invalid metric name or labels, got {x=\"no name\"}; out of bounds (1 sample)");
  EXPECT_EQ(store_.SeriesNames(), (std::vector<std::string>{"also", "good"}));

  Request empty;
  empty.Series({{"__name__", "empty"}, {"x", "1"}}, {});
  EXPECT_EQ(Send(empty.body()).message,
            "TimeSeries must contain at least one sample or histogram for series "
            "{__name__=\"empty\", x=\"1\"}");
  Request lost;
  lost.SeriesOf({1, 999}, {{1'000, 1}});
  EXPECT_EQ(Send(lost.body()).message, "a series names symbols that are not in the table");
}

TEST_F(RemoteWriteV2Test, MalformedBodiesLeaveNothing) {
  Request request;
  request.Series({{"__name__", "a"}, {"b", "c"}}, {{1'000, 1, 5}}).Exemplar({{"t", "x"}}, 1, 1);
  request.Series({{"__name__", "z"}, {"b", "c"}}, {{1'000, 1}});
  const std::string body = request.body();
  int refused = 0;
  for (size_t size = 1; size < body.size(); ++size)
    refused += Send(body.substr(0, size)).status == 400 ? 1 : 0;
  EXPECT_GT(refused, static_cast<int>(body.size() / 2));

  std::string symbols;
  pbf_writer(symbols).add_string(4, "not empty");
  EXPECT_EQ(Send(symbols).message, "the first symbol is not the empty string");
  EXPECT_EQ(Send("").status, 204);
}

}  // namespace
}  // namespace tocsin::ingest
