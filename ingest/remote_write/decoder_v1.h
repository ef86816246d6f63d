// prometheus.WriteRequest (remote write 1.0) read off the wire. All views point into the body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/metadata.h"
#include "storage/model/sample.h"

namespace tocsin::ingest {

struct WriteSeries {
  std::string_view label_bytes;  // the label fields as sent: see DecodeLabels
  std::vector<Timestamp> times;
  std::vector<double> values;
  std::vector<std::pair<Timestamp, Histogram>> histograms;
  uint64_t exemplars = 0;

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
};

// The labels of a series, in the order of the sender.
Status DecodeLabels(std::string_view label_bytes, std::vector<Label>* out);

// Ends at the sink's first error. kInvalidArgument when the body is malformed: what the sink got
// until then is to be thrown away. Memory is bounded by the size of the body.
Status DecodeWriteRequest(std::string_view body, WriteRequestSink& sink);

}  // namespace tocsin::ingest
