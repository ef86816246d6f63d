#include "alerting/pipeline/mute.h"

#include <algorithm>

namespace tocsin::alerting {
namespace {

bool Holds(const AlertmanagerConfig& config, const std::string& name, Timestamp now) {
  const auto it = config.time_intervals.find(name);
  return it != config.time_intervals.end() && it->second.Contains(now);
}

// Removes the alerts for which `mutes` says so; how many.
template <typename Mutes>
double Remove(std::vector<NotifiedAlert>& alerts, Mutes mutes) {
  return static_cast<double>(
      std::erase_if(alerts, [&](const NotifiedAlert& a) { return mutes(a.alert->labels); }));
}

}  // namespace

std::vector<std::string> MutingIntervals(const Route& route, const AlertmanagerConfig& config,
                                         Timestamp now, bool* inactive) {
  const auto holds = [&](const std::string& name) { return Holds(config, name, now); };
  const auto& active = route.active_time_intervals;
  *inactive = !active.empty() && std::none_of(active.begin(), active.end(), holds);
  if (*inactive) return active;
  std::vector<std::string> out;
  std::copy_if(route.mute_time_intervals.begin(), route.mute_time_intervals.end(),
               std::back_inserter(out), holds);
  return out;
}

MuteResult ApplyMutes(const FlushInput& input, const PipelineParts& parts) {
  MuteResult out{input.alerts, {}};
  const double inhibited = Remove(out.alerts, [&](const Labels& labels) {
    return input.runtime->inhibitor.InhibitedBy(labels, input.now).has_value();
  });
  parts.metrics->suppressed_inhibition.Add(inhibited);

  bool inactive = false;
  out.muted_by = MutingIntervals(*input.route, *input.runtime->config, input.now, &inactive);
  if (!out.muted_by.empty()) {
    const auto& counter =
        inactive ? parts.metrics->suppressed_active : parts.metrics->suppressed_mute;
    counter.Add(static_cast<double>(out.alerts.size()));
    out.alerts.clear();
    return out;
  }
  const double silenced = Remove(out.alerts, [&](const Labels& labels) {
    return !parts.silences->SilencedBy(labels, input.now).empty();
  });
  parts.metrics->suppressed_silence.Add(silenced);
  return out;
}

}  // namespace tocsin::alerting
