#include "tools/tocsin/site.h"

#include "query/active_query_log.h"
#include "storage/base/log.h"

namespace tocsin {

Site::Site(const SiteOptions& options, std::unique_ptr<storage::Db> db)
    : options_(options),
      retention_(options.storage.retention_time),
      retention_size_(options.storage.retention_size),
      db_(std::move(db)) {}

Site::~Site() = default;

Result<std::unique_ptr<Site>> Site::Open(const SiteOptions& options, const SitePorts& ports) {
  TOCSIN_ASSIGN(auto db, storage::Db::Open(options.storage, {.clock = ports.clock,
                                                             .scheduler = ports.scheduler,
                                                             .commit = ports.commit,
                                                             .sync = ports.sync,
                                                             .background = ports.background,
                                                             .metrics = ports.metrics}));
  std::unique_ptr<Site> site(new Site(options, std::move(db)));
  if (options.alertmanager) TOCSIN_RETURN_IF_ERROR(site->BuildAlertmanager(ports));
  if (options.monitor) site->BuildMonitor(ports);
  return site;
}

Status Site::BuildAlertmanager(const SitePorts& ports) {
  const alerting::AlertmanagerPorts alerting_ports{.clock = ports.clock,
                                                   .scheduler = ports.scheduler,
                                                   .workers = ports.workers,
                                                   .transport = ports.transport,
                                                   .mailer = ports.mailer,
                                                   .random = ports.random,
                                                   .files = ports.files,
                                                   .kv = db_->kv(),
                                                   .metrics = ports.metrics};
  alertmanager_ = std::make_unique<alerting::Alertmanager>(alerting_ports, options_.alerting);
  return alertmanager_->Start();
}

void Site::BuildMonitor(const SitePorts& ports) {
  external_ = std::make_unique<alerting::ExternalSender>(
      alerting::ExternalSenderPorts{.clock = ports.clock,
                                    .workers = ports.workers,
                                    .transport = ports.transport,
                                    .metrics = ports.metrics});
  discovery_ = std::make_unique<AlertmanagerDiscovery>(
      *external_, ingest::DiscoveryPorts{.scheduler = ports.scheduler,
                                         .workers = ports.workers,
                                         .transport = ports.transport,
                                         .files = ports.files,
                                         .metrics = ports.metrics,
                                         .user_agent = options_.user_agent});
  alerts_ = std::make_unique<AlertFanout>(alertmanager_.get(), *external_);
  engine_ = std::make_unique<query::Engine>(options_.query, *db_, ports.clock, ports.metrics);
  ListActiveQueries(ports.files);
  remote_write_ = std::make_unique<ingest::RemoteWriteReceiver>(*db_, ports.metrics);
  // What it reads may have to come from the disk, and it can wait: not on the reserved pool.
  forwarder_ =
      std::make_unique<ingest::Forwarder>(ingest::ForwardPorts{.clock = ports.clock,
                                                               .scheduler = ports.scheduler,
                                                               .workers = ports.background,
                                                               .transport = ports.transport,
                                                               .source = *db_,
                                                               .store = *db_,
                                                               .kv = db_->kv(),
                                                               .metrics = ports.metrics},
                                          options_.user_agent);
  const rules::RulePorts rule_ports{.clock = ports.clock,
                                    .scheduler = ports.scheduler,
                                    .workers = ports.rules,
                                    .engine = *engine_,
                                    .storage = *db_,
                                    .queryable = *db_,
                                    .kv = db_->kv(),
                                    .sink = *alerts_,
                                    .metrics = ports.metrics};
  rules_ = std::make_unique<rules::RuleManager>(rule_ports, options_.rules);
  const ingest::ScrapePorts scrape_ports{.clock = ports.clock,
                                         .scheduler = ports.scheduler,
                                         .workers = ports.workers,
                                         .transport = ports.transport,
                                         .files = ports.files,
                                         .storage = *db_,
                                         .metrics = ports.metrics};
  const uint64_t memory = options_.storage.memory_max;
  const uint64_t series = options_.storage.series_max;
  // One page of the default limit always fits; a series takes a KiB while its page is read.
  const ingest::ScrapeLimits limits{.body_bytes = std::max<uint64_t>(memory / 2, 80u << 20),
                                    .new_series_per_page = series != 0 ? series : memory >> 10};
  scrapes_ = std::make_unique<ingest::ScrapeManager>(scrape_ports, options_.scrape_seed,
                                                     options_.user_agent, limits);
}

Status Site::ApplyRetention(const StorageSection& section, const TocsinSection& own) {
  const Duration time = section.retention_time.value_or(options_.storage.retention_time);
  const uint64_t size = section.retention_size.value_or(options_.storage.retention_size);
  // The rules' times are told by the default's, so it comes first; it goes when they are refused.
  db_->SetRetention(time, size);
  if (Status set = db_->SetRetentionRules(own.retention); !set.ok()) {
    db_->SetRetention(retention_, retention_size_);
    return set;
  }
  retention_ = time;
  retention_size_ = size;
  const Status exemplars =
      db_->SetMaxExemplars(section.max_exemplars.value_or(options_.storage.exemplars_max));
  if (!exemplars.ok())
    log::Warn("storage.exemplars.max_exemplars was not applied",
              {{"err", exemplars.error().message()}});
  return OkStatus();
}

void Site::NoteFailedLoad() {
  if (alertmanager_ != nullptr) alertmanager_->NoteFailedReload();
}

// A list that cannot be kept is a help less, no reason not to start.
void Site::ListActiveQueries(const FileSystem& files) {
  const std::string path = options_.storage.path + "/queries.active";
  if (const auto before = files.ReadFile(path); before.ok()) {
    const std::string unfinished = query::ActiveQueryLog::Unfinished(*before);
    if (!unfinished.empty())
      log::Warn("these queries did not finish in the last run", {{"queries", unfinished}});
  }
  auto file = PlainFile::Open(path, PlainFile::Mode::kReplace);
  if (file.ok()) {
    engine_->ListActiveQueries(*std::move(file));
  } else {
    log::Warn("running queries are not listed", {{"err", file.error().message()}});
  }
}

Status Site::Apply(const SiteConfig& config) {
  // What can still refuse goes first. Opened anew each time, so that the file may be moved away.
  std::shared_ptr<PlainFile> query_log;
  if (const std::string& path = config.main.global.query_log_file; !path.empty()) {
    TOCSIN_ASSIGN(query_log, PlainFile::Open(path, PlainFile::Mode::kAppend));
  }
  const MainConfig& main = config.main;
  if (options_.monitor) TOCSIN_RETURN_IF_ERROR(ApplyRetention(main.storage, main.tocsin));
  if (alertmanager_ != nullptr && config.alertmanager != nullptr)
    TOCSIN_RETURN_IF_ERROR(alertmanager_->Apply(config.alertmanager));
  if (!options_.monitor) return OkStatus();
  discovery_->Apply(main.alerting.alertmanagers);
  alerts_->Configure(main.global.external_labels, main.alerting.alert_relabel_configs);
  engine_->SetDefaultSubqueryStep(main.global.evaluation_interval);
  engine_->SetQueryLog(std::move(query_log));
  forwarder_->Apply(main.global.external_labels, main.remote_write);
  scrapes_->Apply(main.global, main.scrape_configs);
  rules_->Apply({.evaluation_interval = main.global.evaluation_interval,
                 .query_offset = main.global.rule_query_offset,
                 .external_labels = main.global.external_labels},
                config.rule_groups);
  return OkStatus();
}

Status Site::Stop(Duration budget) {
  if (db_ == nullptr) return OkStatus();
  scrapes_.reset();
  rules_.reset();
  forwarder_.reset();
  remote_write_.reset();
  engine_.reset();
  alerts_.reset();
  discovery_.reset();
  external_.reset();
  alertmanager_.reset();
  const Status closed = db_->Close(budget);
  db_.reset();
  return closed;
}

}  // namespace tocsin
