#include "alerting/alertmanager.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "alerting/alert_views.h"
#include "alerting/config_types.h"
#include "alerting/dispatcher.h"
#include "alerting/metrics.h"
#include "alerting/nflog.h"
#include "alerting/silences.h"
#include "storage/base/log.h"

namespace tocsin::alerting {
namespace {

constexpr Duration kMaintenanceInterval = std::chrono::minutes(30);
constexpr Duration kDefaultResolveTimeout = std::chrono::minutes(5);

std::shared_ptr<Runtime> MakeRuntime(ConfigPtr config, const std::string& external_url,
                                     const AlertmanagerPorts& ports) {
  auto out = std::make_shared<Runtime>(config, external_url);
  out->functions = AlertmanagerFunctions([&clock = ports.clock] { return clock.Now(); });
  const NotifierPorts notifier_ports{ports.transport, ports.mailer,     ports.files,
                                     ports.clock,     ports.random,     config->templates,
                                     out->functions,  out->external_url};
  for (const ReceiverConfig& receiver : config->receivers) {
    std::vector<Integration>& built = out->receivers[receiver.name];
    std::map<std::string_view, uint32_t> next_index;
    for (const auto& integration : receiver.integrations) {
      built.push_back({std::string(integration->kind()), next_index[integration->kind()]++,
                       integration->send_resolved(), integration->Build(notifier_ports)});
    }
  }
  return out;
}

}  // namespace

struct Alertmanager::Impl : std::enable_shared_from_this<Alertmanager::Impl> {
  Impl(const AlertmanagerPorts& p, AlertmanagerOptions o)
      : ports(p),
        options(std::move(o)),
        metrics(std::make_shared<AlertingMetrics>(p.metrics)),
        log(std::make_shared<NotificationLog>(p.kv)),
        silences(std::make_shared<SilenceStore>(
            p.kv, p.clock, p.random,
            SilenceLimits{options.max_silences, options.max_silence_bytes})),
        dispatcher(std::make_shared<Dispatcher>(std::make_shared<PipelineParts>(PipelineParts{
                                                    p.clock, p.scheduler, p.workers, p.random, log,
                                                    silences, metrics, options.retention}),
                                                p.kv, options.max_alerts_per_name)) {}

  void Maintain() {
    std::lock_guard lock(maintenance_mutex);
    if (stopped) return;
    dispatcher->CollectGarbage();
    for (const Status& status :
         {log->CollectGarbage(ports.clock.Now()), silences->CollectGarbage(options.retention)}) {
      if (!status.ok()) {
        log::Error("Maintenance of silences and the notification log failed",
                   {{"error", status.error().message()}});
      }
    }
  }

  void ScheduleMaintenance() {
    std::lock_guard lock(maintenance_mutex);
    if (stopped) return;
    maintenance = ports.scheduler.After(kMaintenanceInterval, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      self->ports.workers.Post([self] {
        self->Maintain();
        self->ScheduleMaintenance();
      });
    });
  }

  void RegisterGauges();
  void SetConfigMetrics(const AlertmanagerConfig& config);

  const AlertmanagerPorts ports;
  const AlertmanagerOptions options;
  const std::shared_ptr<const AlertingMetrics> metrics;
  const std::shared_ptr<NotificationLog> log;
  const std::shared_ptr<SilenceStore> silences;
  const std::shared_ptr<Dispatcher> dispatcher;
  Timer maintenance;
  std::mutex maintenance_mutex;
  bool stopped = false;
};

void Alertmanager::Impl::RegisterGauges() {
  const auto weak = weak_from_this();
  for (const auto& [state, name] :
       {std::pair{AlertState::kActive, "active"}, std::pair{AlertState::kSuppressed, "suppressed"},
        std::pair{AlertState::kUnprocessed, "unprocessed"}}) {
    ports.metrics.AddCallback("alertmanager_alerts", "How many alerts by state.", false,
                              [weak, wanted = state] {
                                const auto self = weak.lock();
                                return self ? CountAlerts(*self->dispatcher, *self->silences,
                                                          self->ports.clock.Now(), wanted)
                                            : 0.0;
                              },
                              {{"state", name}});
  }
  for (const auto& [state, name] :
       {std::pair{SilenceState::kActive, "active"}, std::pair{SilenceState::kPending, "pending"},
        std::pair{SilenceState::kExpired, "expired"}}) {
    ports.metrics.AddCallback(
        "alertmanager_silences", "How many silences by state.", false,
        [weak, wanted = state] {
          const auto self = weak.lock();
          if (!self) return 0.0;
          const auto all = self->silences->All();
          const Timestamp now = self->ports.clock.Now();
          return static_cast<double>(std::count_if(all.begin(), all.end(), [&](const Silence& s) {
            return StateOfSilence(s, now) == wanted;
          }));
        },
        {{"state", name}});
  }
}

void Alertmanager::Impl::SetConfigMetrics(const AlertmanagerConfig& config) {
  size_t integrations = 0;
  for (const ReceiverConfig& receiver : config.receivers) {
    integrations += receiver.integrations.size();
  }
  metrics->receivers.Set(static_cast<double>(config.receivers.size()));
  metrics->integrations.Set(static_cast<double>(integrations));
  metrics->inhibition_rules.Set(static_cast<double>(config.inhibit_rules.size()));
  // As upstream: the bits that a float holds exactly.
  metrics->config_hash.Set(static_cast<double>(config.hash & ((uint64_t{1} << 48) - 1)));
  metrics->reload_successful.Set(1);
  metrics->reload_time.Set(ports.clock.Now().seconds());
}

Alertmanager::Alertmanager(const AlertmanagerPorts& ports, AlertmanagerOptions options)
    : impl_(std::make_shared<Impl>(ports, std::move(options))) {
  impl_->metrics->per_alert_limit.Set(static_cast<double>(impl_->options.max_alerts_per_name));
  impl_->RegisterGauges();
}

Alertmanager::~Alertmanager() {
  {
    std::lock_guard lock(impl_->maintenance_mutex);
    impl_->stopped = true;
    impl_->maintenance.Cancel();
  }
  impl_->dispatcher->Stop();
  impl_->log->Close();
}

Status Alertmanager::Start() {
  TOCSIN_RETURN_IF_ERROR(impl_->silences->Load());
  TOCSIN_RETURN_IF_ERROR(impl_->log->Load(impl_->ports.clock.Now()));
  TOCSIN_RETURN_IF_ERROR(impl_->dispatcher->Load());
  impl_->ScheduleMaintenance();
  return OkStatus();
}

Status Alertmanager::Apply(ConfigPtr config) {
  impl_->SetConfigMetrics(*config);
  impl_->dispatcher->Apply(
      MakeRuntime(std::move(config), impl_->options.external_url, impl_->ports));
  return OkStatus();
}

void Alertmanager::NoteFailedReload() { impl_->metrics->reload_successful.Set(0); }

Status Alertmanager::Put(std::vector<Alert> alerts) {
  const MonotonicTime started = impl_->ports.clock.Monotonic();
  const auto runtime = impl_->dispatcher->runtime();
  const Duration timeout =
      runtime ? runtime->config->global.resolve_timeout : kDefaultResolveTimeout;
  const Timestamp now = impl_->ports.clock.Now();
  std::string errors;
  std::erase_if(alerts, [&](Alert& alert) {
    FillInTimes(alert, now, timeout);
    const Status status = ValidateAlert(alert);
    if (status.ok()) {
      (alert.ResolvedAt(now) ? impl_->metrics->received_resolved : impl_->metrics->received_firing)
          .Add();
      return false;
    }
    impl_->metrics->invalid.Add();
    if (!errors.empty()) errors += "; ";
    errors += status.error().message();
    return true;
  });
  if (!alerts.empty()) impl_->dispatcher->Put(std::move(alerts));
  impl_->metrics->processing.Observe(ToSeconds(impl_->ports.clock.Monotonic() - started));
  if (!errors.empty()) return InvalidArgument(std::move(errors));
  return OkStatus();
}

std::vector<AlertView> Alertmanager::Alerts() const {
  return ViewAlerts(*impl_->dispatcher, *impl_->silences, impl_->ports.clock.Now());
}

std::vector<Alertmanager::GroupView> Alertmanager::Groups() const {
  return ViewGroups(*impl_->dispatcher, *impl_->silences, impl_->ports.clock.Now());
}

std::vector<Alertmanager::ReceiverView> Alertmanager::Receivers() const {
  std::vector<ReceiverView> out;
  if (const auto runtime = impl_->dispatcher->runtime()) {
    for (const ReceiverConfig& receiver : runtime->config->receivers) {
      LabelsBuilder labels;
      for (const auto& [name, value] : receiver.labels) labels.Set(name, value);
      labels.Set("name", receiver.name);
      out.push_back({receiver.name, labels.Build()});
    }
  }
  return out;
}

std::string Alertmanager::ConfigYaml() const {
  const auto runtime = impl_->dispatcher->runtime();
  return runtime ? ShowConfig(*runtime->config) : std::string();
}

Result<std::string> Alertmanager::SetSilence(Silence silence) {
  return impl_->silences->Set(std::move(silence));
}
Status Alertmanager::ExpireSilence(const std::string& id) { return impl_->silences->Expire(id); }
std::optional<Silence> Alertmanager::GetSilence(const std::string& id) const {
  return impl_->silences->Get(id);
}

std::vector<Silence> Alertmanager::Silences() const {
  auto out = impl_->silences->All();
  const Timestamp now = impl_->ports.clock.Now();
  // Active ones by their end, pending ones by their start, expired ones latest end first.
  const auto rank = [now](const Silence& s) {
    switch (StateOfSilence(s, now)) {
      case SilenceState::kActive:
        return std::pair<int, int64_t>{0, s.ends_at.ms};
      case SilenceState::kPending:
        return std::pair<int, int64_t>{1, s.starts_at.ms};
      case SilenceState::kExpired:
        break;
    }
    return std::pair<int, int64_t>{2, -s.ends_at.ms};
  };
  std::stable_sort(out.begin(), out.end(),
                   [&](const Silence& a, const Silence& b) { return rank(a) < rank(b); });
  return out;
}

SilenceState Alertmanager::StateOf(const Silence& silence) const {
  return StateOfSilence(silence, impl_->ports.clock.Now());
}

}  // namespace tocsin::alerting
