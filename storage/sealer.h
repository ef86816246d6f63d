// Turns open data into sealed files. One pass cuts what is due, syncs the WAL (so that no file can
// name an id or a row that the log does not), writes one file per day it touches and ingests all of
// them at once: that ingestion is the commit point, and marks in the files say which log rows they
// replace.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/directory.h"
#include "storage/folder.h"
#include "storage/head.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

// What of a group is to be sealed now.
struct SealRule {
  bool everything = false;
  MonotonicTime now;              // for silence
  uint64_t log_seq_below = 0;     // groups with open rows below it are sealed whole
  size_t late_limit = 16384;      // groups with more late samples are sealed whole
  size_t histogram_limit = 8192;  // the same for histograms, which take much memory
};
// The cut, if something is due. REQUIRES: the group is locked.
std::optional<Timestamp> DueCut(const Group& group, const SealRule& rule);

// The background worker's; one pass at a time.
class Sealer {
 public:
  struct Deps {
    RocksStore& store;
    const Folder& folder;
    Head& head;
    Directories& directories;
    std::function<Status()> sync_wal;
  };
  explicit Sealer(const Deps& deps) : deps_(deps) {}

  struct Outcome {
    size_t groups = 0;
    size_t files = 0;
    uint64_t samples = 0;
  };
  // Seals what is due of the given groups under the given number. On an error everything is open
  // again.
  Result<Outcome> Pass(std::span<Group* const> groups, const SealRule& rule, uint64_t seal_seq);

 private:
  struct CutGroup {
    Group* group;
    const CutPart* part;
    GroupMark mark;
  };
  std::vector<CutGroup> CutDue(std::span<Group* const> groups, const SealRule& rule,
                               uint64_t seal_seq);
  Result<Outcome> Write(const std::vector<CutGroup>& cut, uint64_t seal_seq);

  const Deps deps_;
};

}  // namespace tocsin::storage
