// prometheus.WriteRequest (remote write 1.0) written to the wire.
#pragma once

#include <string>

#include "storage/model/metadata.h"
#include "storage/tail.h"

namespace tocsin::ingest {

// One thread. The message grows until Take.
class WriteRequestEncoder {
 public:
  // Values bit by bit. REQUIRES of histograms: no custom buckets, which this version cannot carry.
  void AddSeries(const storage::TailSeries& series);
  void AddMetadata(const std::string& family, const Metadata& metadata);

  bool empty() const { return message_.empty(); }
  // The body as it goes out (snappy block); the encoder is empty afterwards.
  std::string Take();

 private:
  std::string message_;
};

}  // namespace tocsin::ingest
