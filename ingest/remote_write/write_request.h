// The parts of a remote write request, as the decoders of both versions hand them on. All views
// point into the body, or into the decoder while it calls.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/metadata.h"
#include "storage/model/sample.h"

namespace tocsin::ingest {

struct WriteHistogram {
  Timestamp t;
  Histogram histogram;
  Timestamp start = kNoStart;
};

struct WriteExemplar {
  std::vector<Label> labels;  // in the order of the sender
  double value = 0;
  Timestamp t;
};

struct WriteSeries {
  // 1.0: the label fields as sent, see DecodeLabels. Empty in 2.0.
  std::string_view label_bytes;
  // 2.0: name, value, name, value, ... as places in the symbols, all of which are there; an even
  // number. Empty in 1.0.
  std::vector<uint32_t> label_refs;
  std::span<const std::string_view> symbols;

  std::vector<Timestamp> times;
  std::vector<double> values;
  std::vector<Timestamp> starts;  // as many as values, or empty when none is known
  std::vector<WriteHistogram> histograms;
  std::vector<WriteExemplar> exemplars;
  // 2.0: of the series; 1.0 sends metadata by itself. Views into the symbols.
  struct SeriesMetadata {
    MetricType type = MetricType::kUnknown;
    std::string_view unit, help;
    bool empty() const { return type == MetricType::kUnknown && unit.empty() && help.empty(); }
  };
  SeriesMetadata metadata;

  void Clear();

  std::string scattered;  // home of label_bytes when the labels do not lie together
};

struct WriteMetadata {
  std::string_view family;
  Metadata metadata;
};

// Receives the parts of a request in its order. The series is reused: valid during the call.
class WriteRequestSink {
 public:
  virtual ~WriteRequestSink() = default;
  virtual Status OnSeries(const WriteSeries& series) = 0;
  virtual void OnMetadata(const WriteMetadata& metadata) = 0;
  // 2.0: a series that names symbols which are not there, or has a malformed histogram. It is left
  // out, the others go on.
  virtual void OnInvalidSeries(const std::string& /*reason*/, uint64_t /*samples*/) {}
};

// The labels of a series, in the order of the sender.
Status DecodeLabels(const WriteSeries& series, std::vector<Label>* out);

}  // namespace tocsin::ingest
