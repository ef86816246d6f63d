// The monitor of one site without sockets, threads or a clock of its own: database, query engine,
// scraping, rules and the Alertmanager, joined over ports. App gives it the real ports; a test can
// run it on virtual time.
#pragma once

#include <memory>
#include <string>

#include "alerting/alertmanager.h"
#include "ingest/forward/forwarder.h"
#include "ingest/remote_write/receiver.h"
#include "ingest/scrape/manager.h"
#include "query/engine.h"
#include "rules/manager.h"
#include "storage/db.h"
#include "tools/tocsin/alert_fanout.h"
#include "tools/tocsin/alertmanager_discovery.h"
#include "tools/tocsin/config_file.h"

namespace tocsin {

// REQUIRES: all outlive the site.
struct SitePorts {
  Clock& clock;
  Scheduler& scheduler;
  Random& random;
  const FileSystem& files;
  Transport& transport;
  Mailer& mailer;
  Executor& workers;     // scrapes, notifications
  Executor& rules;       // evaluations
  Executor& commit;      // one thread
  Executor& sync;        // one thread
  Executor& background;  // low priority
  MetricRegistry& metrics;
};

struct SiteOptions {
  storage::Options storage;
  query::EngineOptions query;
  bool monitor = true;        // scrape, query and evaluate; else only route alerts
  bool alertmanager = false;  // the embedded one
  std::string user_agent = "tocsin";
  uint64_t scrape_seed = 0;  // differs between replicas
  alerting::AlertmanagerOptions alerting;
  rules::ManagerOptions rules;
};

// Open, Apply and Stop on one thread; what the accessors give is thread-safe until Stop.
class Site {
 public:
  // Opens the database and builds everything over it; nothing runs before the first Apply.
  static Result<std::unique_ptr<Site>> Open(const SiteOptions& options, const SitePorts& ports);
  ~Site();

  // What the configuration's files say could not be loaded: told by the Alertmanager's metrics.
  void NoteFailedLoad();

  // Brings every part in step with `config`. On an error nothing has changed.
  Status Apply(const SiteConfig& config);

  // Ends everything in the reverse order of building; sealing takes at most `budget`, the log keeps
  // the rest. Idempotent.
  Status Stop(Duration budget);

  storage::Db& db() { return *db_; }
  Duration retention() const { return retention_; }
  // Null when that part does not run.
  query::Engine* engine() { return engine_.get(); }
  ingest::ScrapeManager* scrapes() { return scrapes_.get(); }
  ingest::RemoteWriteReceiver* remote_write() { return remote_write_.get(); }
  rules::RuleManager* rules() { return rules_.get(); }
  const alerting::ExternalSender* external_alertmanagers() const { return external_.get(); }
  alerting::Alertmanager* alertmanager() { return alertmanager_.get(); }

 private:
  Site(const SiteOptions& options, std::unique_ptr<storage::Db> db);
  Status BuildAlertmanager(const SitePorts& ports);
  void BuildMonitor(const SitePorts& ports);
  Status ApplyRetention(const StorageSection& section, const TocsinSection& own);
  void ListActiveQueries(const FileSystem& files);

  const SiteOptions options_;
  std::atomic<Duration> retention_;
  uint64_t retention_size_;
  // In the order of building: the members' own order takes them down in reverse.
  std::unique_ptr<storage::Db> db_;
  std::unique_ptr<alerting::Alertmanager> alertmanager_;
  std::unique_ptr<alerting::ExternalSender> external_;
  std::unique_ptr<AlertmanagerDiscovery> discovery_;
  std::unique_ptr<AlertFanout> alerts_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<ingest::RemoteWriteReceiver> remote_write_;
  std::unique_ptr<ingest::Forwarder> forwarder_;
  std::unique_ptr<rules::RuleManager> rules_;
  std::unique_ptr<ingest::ScrapeManager> scrapes_;
};

}  // namespace tocsin
