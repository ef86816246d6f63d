// Reads one series after the other from sealed files; neighbours of one group share what was
// fetched and checked.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/codec/day_part.h"
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
  // For `take`: its run is the only one of this Read, so that its views stay valid until the next.
  bool only_run() const { return only_run_; }

 private:
  struct Part {
    std::string blob;
    SegmentReader reader;
    Status status;
  };
  // A group of a day file: its index, and the columns of eight slots each as they are asked for.
  struct Day {
    std::string index;
    DayPartReader reader;
    Status status;
    std::array<std::string, kDayParts> columns;
    std::array<std::optional<Status>, kDayParts> opened;
  };
  // The parts of one group of one file.
  struct Fetched {
    keys::FileId file;
    uint64_t group = 0;
    std::vector<std::unique_ptr<Part>> parts;
    std::unique_ptr<Day> day;  // of a day file; then there are no parts
    uint64_t damaged = 0;      // blocks with parts of it that could not be read
    size_t size() const { return day == nullptr ? parts.size() : day->reader.segments() + 1; }
  };
  Result<Fetched*> Fetch(const SealedFile& file, uint64_t group);
  Status FetchParts(const keys::FileId& file, uint64_t group, Fetched* out);
  Status FetchIndex(const keys::FileId& file, uint64_t group, Fetched* out);
  // Makes the slot's columns readable.
  Status OpenColumns(const Fetched& fetched, unsigned slot);
  static Status ReadRuns(SegmentReader& reader, unsigned slot, Timestamp from, Timestamp to,
                         const std::function<void(const SegmentRun&)>& take);
  std::unique_ptr<Part> NewPart();

  static constexpr size_t kMaxSpare = 32;

  const RocksStore& store_;
  const size_t max_parts_;
  bool only_run_ = false;
  std::deque<Fetched> fetched_;  // the newest last
  std::vector<std::unique_ptr<Part>> spare_;
  std::vector<std::unique_ptr<Day>> spare_days_;
  size_t part_count_ = 0;
};

}  // namespace tocsin::storage
