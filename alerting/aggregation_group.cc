#include "alerting/aggregation_group.h"

#include <algorithm>

namespace tocsin::alerting {
namespace {

bool SendBefore(const NotifiedAlert& a, const NotifiedAlert& b) {
  for (const std::string_view name : {kJobLabel, kInstanceLabel}) {
    const std::string_view va = a.alert->labels.Get(name), vb = b.alert->labels.Get(name);
    if (va == vb) continue;
    if (va.empty() || vb.empty()) return vb.empty();
    return va < vb;
  }
  return LabelSetBefore(a.alert->labels, b.alert->labels);
}

}  // namespace

bool LabelSetBefore(const Labels& a, const Labels& b) {
  const size_t na = a.size(), nb = b.size();
  if (na != nb) return na < nb;
  return a < b;
}

std::vector<NotifiedAlert> AggregationGroup::Snapshot(Timestamp now) const {
  std::vector<NotifiedAlert> out;
  out.reserve(alerts.size());
  for (const auto& [fingerprint, alert] : alerts) out.push_back({alert, alert->ResolvedAt(now)});
  std::sort(out.begin(), out.end(), SendBefore);
  return out;
}

std::vector<uint64_t> AggregationGroup::Leave(const std::vector<AlertPtr>& sent) {
  std::vector<uint64_t> left;
  for (const AlertPtr& alert : sent) {
    const auto it = alerts.find(alert->fingerprint());
    if (it == alerts.end() || it->second != alert) continue;
    left.push_back(it->first);
    alerts.erase(it);
  }
  return left;
}

}  // namespace tocsin::alerting
