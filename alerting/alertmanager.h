// The embedded Alertmanager: takes alerts, groups and routes them, silences and inhibits, notifies
// receivers with retries, remembers what it sent. The entry of the alerting folder.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "alerting/alert.h"
#include "alerting/config.h"
#include "alerting/silence.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/mailer.h"
#include "storage/base/metrics.h"
#include "storage/base/random.h"
#include "storage/base/scheduler.h"
#include "storage/base/transport.h"
#include "storage/kv_store.h"

namespace tocsin::alerting {

// REQUIRES: all outlive the Alertmanager.
struct AlertmanagerPorts {
  Clock& clock;
  Scheduler& scheduler;
  Executor& workers;  // templates, pipelines
  Transport& transport;
  Mailer& mailer;
  Random& random;
  const FileSystem& files;
  storage::KvStore& kv;
  MetricRegistry& metrics;
};

// 0: no limit.
struct AlertmanagerOptions {
  std::string external_url;             // without a trailing slash: links point below it
  Duration retention{120 * 3'600'000};  // of expired silences and of the notification log
  uint64_t max_silences = 0;
  uint64_t max_silence_bytes = 0;
  uint64_t max_alerts_per_name = 0;  // further alerts of one alertname are dropped
};

enum class AlertState { kUnprocessed, kActive, kSuppressed };

// An alert as the API shows it.
struct AlertView {
  Alert alert;
  AlertState state = AlertState::kUnprocessed;
  std::vector<std::string> receivers;
  std::vector<std::string> silenced_by;   // silence ids
  std::vector<std::string> inhibited_by;  // fingerprints
  std::vector<std::string> muted_by;      // time interval names
};

// Thread-safe.
class Alertmanager {
 public:
  Alertmanager(const AlertmanagerPorts& ports, AlertmanagerOptions options);
  // Drops groups and notifications under way; what was sent is in the store.
  ~Alertmanager();

  // Restores silences and the notification log. Call once, before the first Apply.
  Status Start();
  // Rebuilds routes and groups; alerts known stay. Without a call alerts are only stored.
  Status Apply(ConfigPtr config);
  // Tells (by a metric) that a reload did not come as far as Apply.
  void NoteFailedReload();

  // Takes valid alerts (even beside invalid ones); the error names the invalid ones. A start or end
  // of 0 was not given: the start is then now (or the end), the end now + resolve_timeout.
  Status Put(std::vector<Alert> alerts);

  // Not yet ended ones, by fingerprint.
  std::vector<AlertView> Alerts() const;
  // Groups by labels, then receiver.
  struct GroupView {
    Labels labels;
    std::string receiver;
    std::vector<std::pair<std::string, std::string>> route_labels;  // as configured
    std::vector<AlertView> alerts;
  };
  std::vector<GroupView> Groups() const;

  struct ReceiverView {
    std::string name;
    Labels labels;  // as configured, and the name
  };
  std::vector<ReceiverView> Receivers() const;  // in the order of the configuration
  std::string ConfigYaml() const;               // loads again; secrets as <secret>

  // Creates or updates (with an id); returns the id. kNotFound, kInvalidArgument, kLimit.
  Result<std::string> SetSilence(Silence silence);
  Status ExpireSilence(const std::string& id);
  std::optional<Silence> GetSilence(const std::string& id) const;
  std::vector<Silence> Silences() const;
  SilenceState StateOf(const Silence& silence) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::alerting
