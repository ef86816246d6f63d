#include "tools/tocsin/reloader.h"

#include "storage/base/log.h"

namespace tocsin {

Reloader::Reloader(Load load, Apply apply, const Clock& clock, MetricRegistry& metrics)
    : load_(std::move(load)),
      apply_(std::move(apply)),
      clock_(clock),
      ok_gauge_(metrics.GetGauge("prometheus_config_last_reload_successful",
                                 "Whether the last configuration reload attempt was successful.")),
      time_gauge_(metrics.GetGauge("prometheus_config_last_reload_success_timestamp_seconds",
                                   "Timestamp of the last successful configuration reload.")) {}

Status Reloader::Start(const SiteConfig& config) { return ApplyConfig(config); }

Status Reloader::Reload() {
  const Result<SiteConfig> config = load_();
  if (config.ok()) return ApplyConfig(*config);
  Note(false);
  log::Error("loading the configuration failed, the old one stays",
             {{"err", config.error().message()}});
  return config.error();
}

Status Reloader::ApplyConfig(const SiteConfig& config) {
  for (const std::string& warning : config.warnings) log::Warn(warning);
  if (const Status applied = apply_(config); !applied.ok()) {
    Note(false);
    log::Error("applying the configuration failed, the old one stays",
               {{"err", applied.error().message()}});
    return applied;
  }
  {
    std::lock_guard lock(mutex_);
    shown_ = config.main.shown;
    external_labels_ = config.main.global.external_labels;
  }
  Note(true);
  log::Info("configuration applied",
            {{"scrape_configs", config.main.scrape_configs.size()},
             {"rule_groups", config.rule_groups.size()},
             {"alertmanager", config.alertmanager == nullptr ? "off" : "on"}});
  return OkStatus();
}

void Reloader::Note(bool ok) {
  const Timestamp now = clock_.Now();
  std::lock_guard lock(mutex_);
  last_ok_ = ok;
  ok_gauge_.Set(ok ? 1 : 0);
  if (!ok) return;
  last_success_ = now;
  time_gauge_.Set(now.seconds());
}

bool Reloader::last_ok() const {
  std::lock_guard lock(mutex_);
  return last_ok_;
}

Timestamp Reloader::last_success() const {
  std::lock_guard lock(mutex_);
  return last_success_;
}

std::string Reloader::shown() const {
  std::lock_guard lock(mutex_);
  return shown_;
}

Labels Reloader::external_labels() const {
  std::lock_guard lock(mutex_);
  return external_labels_;
}

}  // namespace tocsin
