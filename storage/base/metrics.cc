#include "storage/base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <set>

namespace tocsin {

struct MetricRegistry::Impl {
  struct Callback {
    std::string name, help;
    bool counter;
    MetricLabels labels;
    std::function<double()> value;
  };

  mutable std::mutex mutex;  // guards the maps; the metrics guard themselves
  prometheus::Registry registry;
  std::map<std::string, prometheus::Family<prometheus::Counter>*> counters;
  std::map<std::string, prometheus::Family<prometheus::Gauge>*> gauges;
  std::map<std::string, prometheus::Family<prometheus::Histogram>*> histograms;
  std::map<std::string, prometheus::Family<prometheus::Summary>*> summaries;
  std::set<std::pair<std::string, MetricLabels>> made, removed;
  std::vector<Callback> callbacks;

  void Made(const std::string& name, const MetricLabels& labels) {
    made.insert({name, labels});
    removed.erase({name, labels});
  }

  // The library would throw on a name that is taken by another type.
  template <typename T, typename Build>
  prometheus::Family<T>& FamilyOf(std::map<std::string, prometheus::Family<T>*>& families,
                                  const std::string& name, const std::string& help, Build build) {
    auto it = families.find(name);
    if (it == families.end()) {
      it = families.emplace(name, &build().Name(name).Help(help).Register(registry)).first;
    }
    return *it->second;
  }
};

void Counter::Add(double v) const {
  if (impl_) static_cast<prometheus::Counter*>(impl_)->Increment(v);
}
double Counter::Value() const {
  return impl_ ? static_cast<prometheus::Counter*>(impl_)->Value() : 0;
}
void Gauge::Set(double v) const {
  if (impl_) static_cast<prometheus::Gauge*>(impl_)->Set(v);
}
void Gauge::Add(double v) const {
  if (impl_) static_cast<prometheus::Gauge*>(impl_)->Increment(v);
}
double Gauge::Value() const { return impl_ ? static_cast<prometheus::Gauge*>(impl_)->Value() : 0; }
void HistogramMetric::Observe(double v) const {
  if (impl_) static_cast<prometheus::Histogram*>(impl_)->Observe(v);
}

void SummaryMetric::Observe(double v) const {
  if (impl_) static_cast<prometheus::Summary*>(impl_)->Observe(v);
}

MetricRegistry::MetricRegistry() : impl_(std::make_unique<Impl>()) {}
MetricRegistry::~MetricRegistry() = default;

Counter MetricRegistry::GetCounter(const std::string& name, const std::string& help,
                                   const MetricLabels& labels) {
  std::lock_guard lock(impl_->mutex);
  auto& family = impl_->FamilyOf(impl_->counters, name, help, prometheus::BuildCounter);
  auto* metric = &family.Add(labels);
  impl_->Made(name, labels);
  return Counter(metric);
}

Gauge MetricRegistry::GetGauge(const std::string& name, const std::string& help,
                               const MetricLabels& labels) {
  std::lock_guard lock(impl_->mutex);
  auto& family = impl_->FamilyOf(impl_->gauges, name, help, prometheus::BuildGauge);
  auto* metric = &family.Add(labels);
  impl_->Made(name, labels);
  return Gauge(metric);
}

HistogramMetric MetricRegistry::GetHistogram(const std::string& name, const std::string& help,
                                             std::vector<double> upper_bounds,
                                             const MetricLabels& labels) {
  std::lock_guard lock(impl_->mutex);
  auto& family = impl_->FamilyOf(impl_->histograms, name, help, prometheus::BuildHistogram);
  auto* metric = &family.Add(labels, std::move(upper_bounds));
  impl_->Made(name, labels);
  return HistogramMetric(metric);
}

SummaryMetric MetricRegistry::GetSummary(const std::string& name, const std::string& help,
                                         const std::vector<double>& quantiles,
                                         const MetricLabels& labels) {
  // As in Prometheus' client: a tenth of the distance to the nearer end as the error allowed.
  prometheus::Summary::Quantiles wanted;
  for (const double q : quantiles) wanted.push_back({q, std::max(0.001, std::min(q, 1 - q) / 10)});
  constexpr std::chrono::minutes kWindow{10};
  constexpr int kWindowParts = 5;
  std::lock_guard lock(impl_->mutex);
  auto& family = impl_->FamilyOf(impl_->summaries, name, help, prometheus::BuildSummary);
  auto* metric = &family.Add(labels, wanted, kWindow, kWindowParts);
  impl_->Made(name, labels);
  return SummaryMetric(metric);
}

void MetricRegistry::AddCallback(const std::string& name, const std::string& help, bool counter,
                                 std::function<double()> value, const MetricLabels& labels) {
  std::lock_guard lock(impl_->mutex);
  impl_->callbacks.push_back({name, help, counter, labels, std::move(value)});
}

void MetricRegistry::Remove(const std::string& name, const MetricLabels& labels) {
  std::lock_guard lock(impl_->mutex);
  std::erase_if(impl_->callbacks,
                [&](const Impl::Callback& c) { return c.name == name && c.labels == labels; });
  // Only hidden: a handle may be counting at this moment.
  if (impl_->made.contains({name, labels})) impl_->removed.insert({name, labels});
}

std::string MetricRegistry::Serialize() const {
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  std::vector<Impl::Callback> callbacks;
  {
    std::lock_guard lock(impl_->mutex);
    callbacks = impl_->callbacks;
    if (!impl_->removed.empty()) {
      for (auto& family : families) {
        std::erase_if(family.metric, [&](const prometheus::ClientMetric& metric) {
          MetricLabels labels;
          for (const auto& label : metric.label) labels.emplace(label.name, label.value);
          return impl_->removed.contains({family.name, labels});
        });
      }
    }
  }
  for (const auto& callback : callbacks) {
    auto family = std::find_if(families.begin(), families.end(),
                               [&](const auto& f) { return f.name == callback.name; });
    if (family == families.end()) {
      family = families.emplace(families.end());
      family->name = callback.name;
      family->help = callback.help;
      family->type =
          callback.counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    }
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : callback.labels) metric.label.push_back({name, value});
    if (callback.counter) {
      metric.counter.value = callback.value();
    } else {
      metric.gauge.value = callback.value();
    }
    family->metric.push_back(std::move(metric));
  }
  std::erase_if(families, [](const auto& f) { return f.metric.empty(); });
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tocsin
