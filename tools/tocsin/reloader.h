// Applies the configuration whole or not at all, and remembers how the last attempt went.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/metrics.h"
#include "tools/tocsin/config_file.h"

namespace tocsin {

// Reload and Start from one thread at a time; the rest from any thread.
class Reloader {
 public:
  using Load = std::function<Result<SiteConfig>()>;
  // Takes over a valid configuration. On an error it must have changed nothing.
  using Apply = std::function<Status(const SiteConfig&)>;

  // REQUIRES: `clock` and `metrics` outlive the reloader.
  Reloader(Load load, Apply apply, const Clock& clock, MetricRegistry& metrics);

  // Applies the configuration the program was started with.
  Status Start(const SiteConfig& config);
  // Loads everything again and applies it; on an error the old configuration stays.
  Status Reload();

  bool last_ok() const;
  Timestamp last_success() const;
  std::string shown() const;
  Labels external_labels() const;

 private:
  Status ApplyConfig(const SiteConfig& config);
  void Note(bool ok);

  const Load load_;
  const Apply apply_;
  const Clock& clock_;
  const Gauge ok_gauge_;
  const Gauge time_gauge_;
  mutable std::mutex mutex_;
  bool last_ok_ = false;
  Timestamp last_success_;
  std::string shown_;
  Labels external_labels_;
};

}  // namespace tocsin
