// Reads one series after the other from sealed files; neighbours of one group share what was
// fetched and checked.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/codec/segment.h"
#include "storage/directory.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

// One thread.
class FileReader {
 public:
  // Keeps up to `max_parts` of one group.
  explicit FileReader(const RocksStore& store, size_t max_parts = 32)
      : store_(store), max_parts_(max_parts) {}

  // Calls `take` for each run of the series that may have samples in the range: part by part in the
  // order of the file, which need not be ascending in time. An error names the damaged part; what
  // was taken before it stays valid.
  Status Read(const SealedFile& file, uint64_t series_id, Timestamp from, Timestamp to,
              const std::function<void(const SegmentRun&)>& take);

 private:
  struct Part {
    std::string blob;
    SegmentReader reader;
    Status status;
  };
  // The parts of one group of one file.
  struct Fetched {
    keys::FileId file;
    uint64_t group = 0;
    std::vector<std::unique_ptr<Part>> parts;
    uint64_t damaged = 0;  // blocks with parts of it that could not be read
  };
  Result<Fetched*> Fetch(const keys::FileId& file, uint64_t group);
  std::unique_ptr<Part> NewPart();

  static constexpr size_t kMaxSpare = 32;

  const RocksStore& store_;
  const size_t max_parts_;
  std::deque<Fetched> fetched_;  // the newest last
  std::vector<std::unique_ptr<Part>> spare_;
  size_t part_count_ = 0;
};

}  // namespace tocsin::storage
