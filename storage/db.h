// The database: one folder, one process. Opens (and repairs what a crash left), takes samples,
// answers selects, keeps small state, seals and drops in the background.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/appendable.h"
#include "storage/kv_store.h"
#include "storage/options.h"
#include "storage/queryable.h"
#include "storage/retention_rules.h"
#include "storage/tail.h"

namespace tocsin::storage {

// For /status/tsdb, /status/runtimeinfo and the metrics of the head.
struct DbStats {
  uint64_t series = 0;
  uint64_t label_pairs = 0;
  Timestamp min_time = kMaxTimestamp;  // of the head; min > max when empty
  Timestamp max_time = kMinTimestamp;
  uint64_t disk_bytes = 0;
  uint64_t samples_appended = 0;  // since start
  uint64_t corruptions = 0;       // damage found since start
};

struct Snapshot {
  std::string name;  // of the folder in <path>/snapshots
  Timestamp made;
};

// Thread-safe.
class Db : public Appendable, public Queryable, public TailSource {
 public:
  // kAlreadyExists: another process holds the folder. kInvalidArgument: the folder belongs to
  // something else (a Prometheus TSDB, say) or to a newer format; the message names the way out.
  // When it returns every acknowledged sample answers.
  static Result<std::unique_ptr<Db>> Open(const Options& options, const Ports& ports);

  // Takes what is decided at run time (a reload of the storage section).
  virtual void SetRetention(Duration time, uint64_t size) = 0;
  // After SetRetention. Series whose rule changes go on under new ids, in files of their own; what
  // was written before is kept as long as the longest rule of today for any series in its file.
  // kInvalidArgument: more combinations of times than there can be; nothing was changed.
  virtual Status SetRetentionRules(const RetentionRules& rules) = 0;

  virtual Status SetMaxExemplars(size_t max) = 0;

  virtual KvStore& kv() = 0;
  virtual DbStats Stats() const = 0;

  // Seals all open data, drops the spent log. Blocks; long.
  virtual Status Compact() = 0;
  // Masks samples of matching series in [from, to] at once; the bytes go later.
  virtual Status DeleteSeries(std::span<const Matcher> matchers, Timestamp from, Timestamp to) = 0;

  // Frees the bytes of what was deleted. Blocks; long.
  virtual Status CleanTombstones() = 0;
  // Everything as of now in a folder of its own, made of hard links; returns its name. Open data is
  // sealed first unless `skip_head` (it is then only in the snapshot's log). It counts in the size
  // budget, goes when it is as old as Options::snapshot_keep, and first when space is short.
  virtual Result<std::string> MakeSnapshot(bool skip_head) = 0;
  virtual std::vector<Snapshot> Snapshots() const = 0;

  // Stops taking commits, seals for at most `budget`, leaves the rest to the log, syncs. Called
  // once before destruction; without it the next Open replays the log.
  virtual Status Close(Duration budget) = 0;
};

// `tocsin storage repair`: mends what can be mended (see docs/storage-format.md, section 8), or
// with `rebuild` makes a new database of everything readable, and says what was done, a line each.
// REQUIRES: nobody has the database open (kAlreadyExists). Runs inline; `ports` need do nothing.
Result<std::vector<std::string>> RepairByHand(const Options& options, const Ports& ports,
                                              bool rebuild);

}  // namespace tocsin::storage
