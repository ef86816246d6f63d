// The database: one folder, one process. Opens (and repairs what a crash left), takes samples,
// answers selects, keeps small state, seals and drops in the background.
#pragma once

#include <memory>
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

  // Stops taking commits, seals for at most `budget`, leaves the rest to the log, syncs. Called
  // once before destruction; without it the next Open replays the log.
  virtual Status Close(Duration budget) = 0;
};

}  // namespace tocsin::storage
