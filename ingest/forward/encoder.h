// prometheus.WriteRequest written to the wire.
#pragma once

#include <span>
#include <string>
#include <utility>

#include "storage/base/time.h"
#include "storage/model/labels.h"
#include "storage/model/metadata.h"

namespace tocsin::ingest {

// One thread. The message grows until Take.
class WriteRequestEncoder {
 public:
  // REQUIRES: times.size() == values.size().
  void AddSeries(const Labels& labels, std::span<const Timestamp> times,
                 std::span<const double> values);
  void AddMetadata(const std::string& family, const Metadata& metadata);

  bool empty() const { return message_.empty(); }
  // The body as it goes out (snappy block); the encoder is empty afterwards.
  std::string Take();

 private:
  std::string message_;
};

}  // namespace tocsin::ingest
