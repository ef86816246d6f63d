#include "alerting/alert_views.h"

#include <algorithm>

#include "alerting/notify/template_data.h"

namespace tocsin::alerting {
namespace {

std::string FingerprintHex(uint64_t fingerprint) {
  std::string out(16, '0');
  for (size_t i = 16; i-- > 0; fingerprint >>= 4) out[i] = "0123456789abcdef"[fingerprint & 15];
  return out;
}

// `muted_by`: time intervals that mute the group it is shown in.
AlertView View(const Alert& alert, const Runtime* runtime, std::vector<std::string> muted_by,
               const SilenceStore& silences, Timestamp now) {
  AlertView out;
  out.alert = alert;
  out.silenced_by = silences.SilencedBy(alert.labels, now);
  if (runtime == nullptr) return out;
  if (const auto source = runtime->inhibitor.InhibitedBy(alert.labels, now)) {
    out.inhibited_by.push_back(FingerprintHex(*source));
  }
  for (const Route* route : runtime->routes.Match(alert.labels)) {
    if (std::find(out.receivers.begin(), out.receivers.end(), route->receiver) ==
        out.receivers.end()) {
      out.receivers.push_back(route->receiver);
    }
  }
  out.muted_by = std::move(muted_by);
  const bool suppressed =
      !out.silenced_by.empty() || !out.inhibited_by.empty() || !out.muted_by.empty();
  out.state = suppressed ? AlertState::kSuppressed : AlertState::kActive;
  return out;
}

template <typename Views>
void SortByFingerprint(Views& views) {
  std::sort(views.begin(), views.end(), [](const AlertView& a, const AlertView& b) {
    return a.alert.fingerprint() < b.alert.fingerprint();
  });
}

}  // namespace

std::vector<AlertView> ViewAlerts(const Dispatcher& dispatcher, const SilenceStore& silences,
                                  Timestamp now) {
  const Dispatcher::Shown shown = dispatcher.Show(false);
  std::vector<AlertView> out;
  out.reserve(shown.alerts.size());
  for (const AlertPtr& alert : shown.alerts) {
    out.push_back(View(*alert, shown.runtime.get(), {}, silences, now));
  }
  SortByFingerprint(out);
  return out;
}

std::vector<Alertmanager::GroupView> ViewGroups(const Dispatcher& dispatcher,
                                                const SilenceStore& silences, Timestamp now) {
  const Dispatcher::Shown shown = dispatcher.Show(true);
  std::vector<Alertmanager::GroupView> out;
  for (const auto& group : shown.groups) {
    Alertmanager::GroupView view;
    view.labels = group.labels;
    view.receiver = group.route->receiver;
    view.route_labels = group.route->labels;
    for (const AlertPtr& alert : group.alerts) {
      view.alerts.push_back(View(*alert, shown.runtime.get(), group.muted_by, silences, now));
    }
    SortByFingerprint(view.alerts);
    out.push_back(std::move(view));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    if (a.labels != b.labels) return LabelSetBefore(a.labels, b.labels);
    return a.receiver < b.receiver;
  });
  return out;
}

double CountAlerts(const Dispatcher& dispatcher, const SilenceStore& silences, Timestamp now,
                   AlertState state) {
  const auto views = ViewAlerts(dispatcher, silences, now);
  return static_cast<double>(std::count_if(
      views.begin(), views.end(), [state](const AlertView& v) { return v.state == state; }));
}

}  // namespace tocsin::alerting
