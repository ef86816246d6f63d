// The program's own metrics. Handles are cheap to copy, thread-safe and live as long as the
// registry; resolve them once, never per sample. Names are Prometheus' and Alertmanager's where
// the meaning is equal, else tocsin_*.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tocsin {

using MetricLabels = std::map<std::string, std::string>;

class Counter {
 public:
  Counter() = default;
  void Add(double v = 1) const;
  double Value() const;

 private:
  friend class MetricRegistry;
  explicit Counter(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  void Set(double v) const;
  void Add(double v) const;
  double Value() const;

 private:
  friend class MetricRegistry;
  explicit Gauge(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

class HistogramMetric {
 public:
  HistogramMetric() = default;
  void Observe(double v) const;

 private:
  friend class MetricRegistry;
  explicit HistogramMetric(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

// Quantiles of the last ten minutes (NaN when nothing was observed in them), sum and count of all.
// An observation takes a lock: for what happens by the scrape or the rule, not by the sample.
class SummaryMetric {
 public:
  SummaryMetric() = default;
  void Observe(double v) const;

 private:
  friend class MetricRegistry;
  explicit SummaryMetric(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

// Thread-safe. A default-constructed handle counts nothing, so tests may leave metrics out.
class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();

  // The same name and labels give the same metric. REQUIRES: one type and help per name.
  Counter GetCounter(const std::string& name, const std::string& help,
                     const MetricLabels& labels = {});
  Gauge GetGauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  HistogramMetric GetHistogram(const std::string& name, const std::string& help,
                               std::vector<double> upper_bounds, const MetricLabels& labels = {});
  // `quantiles`: each in (0, 1).
  SummaryMetric GetSummary(const std::string& name, const std::string& help,
                           const std::vector<double>& quantiles, const MetricLabels& labels = {});

  // `value` is asked at each scrape; it must be quick and thread-safe. `counter`: its TYPE.
  void AddCallback(const std::string& name, const std::string& help, bool counter,
                   std::function<double()> value, const MetricLabels& labels = {});
  // Hides a metric of the given labels (a target or a group that is gone) until it is got again.
  // Handles stay valid: their owner may still be counting on another thread.
  void Remove(const std::string& name, const MetricLabels& labels);

  // Text exposition format 0.0.4.
  std::string Serialize() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
