// Reads one series after the other from sealed files; neighbours of one group share what was
// fetched and checked.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "storage/base/result.h"
#include "storage/codec/segment.h"
#include "storage/directory.h"
#include "storage/group_cache.h"
#include "storage/opened_group.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

// One thread.
class FileReader {
 public:
  // Keeps up to `max_segments` of one group. `cache`: shared with others; null for who reads every
  // file once.
  explicit FileReader(const RocksStore& store, GroupCache* cache = nullptr,
                      size_t max_segments = 32)
      : store_(store), cache_(cache), max_segments_(max_segments) {}

  // Calls `take` for each run of the series that may have samples in the range: part by part in the
  // order of the file, which need not be ascending in time. An error names the damaged part; what
  // was taken before it stays valid.
  Status Read(const SealedFile& file, uint64_t series_id, Timestamp from, Timestamp to,
              const std::function<void(const SegmentRun&)>& take);
  // For `take`: its run is the only one of this Read, so that its views stay valid until the next.
  bool only_run() const { return only_run_; }

 private:
  // The parts of one group of one file.
  struct Fetched {
    uint64_t file;  // the number of its object
    uint64_t group;
    std::shared_ptr<OpenedGroup> opened;
  };
  Result<OpenedGroup*> Fetch(const SealedFile& file, uint64_t group);
  Status Prepare(const SealedFile& file, uint64_t group, OpenedGroup& opened, unsigned slot);
  Status ReadRuns(const OpenedSegment& segment, unsigned slot,
                  const std::function<void(const SegmentRun&)>& take);

  const RocksStore& store_;
  GroupCache* const cache_;
  const size_t max_segments_;
  bool only_run_ = false;
  SegmentBuffers buffers_;
  std::deque<Fetched> fetched_;  // the newest last
  size_t segment_count_ = 0;
};

}  // namespace tocsin::storage
