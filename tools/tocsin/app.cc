#include "tools/tocsin/app.h"

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "http/api/api.h"
#include "http/client.h"
#include "http/oauth2.h"
#include "http/router.h"
#include "http/server.h"
#include "http/web_guard.h"
#include "storage/base/coding.h"
#include "storage/base/event_loop.h"
#include "storage/base/log.h"
#include "storage/base/thread_pool.h"
#include "storage/model/duration.h"
#include "tools/tocsin/lifecycle.h"
#include "tools/tocsin/process_metrics.h"
#include "tools/tocsin/reloader.h"
#include "tools/tocsin/site.h"
#include "tools/tocsin/system_ports.h"
#include "tools/tocsin/version.h"

namespace tocsin {
namespace {

constexpr Duration kAnswerGrace{2'000};  // for requests under way when stopping
constexpr Duration kSealBudget{3'000};   // the log keeps what is not sealed by then

int Cores() { return static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

// scheme://host:port of the first address, as seen from outside.
std::string DefaultExternalUrl(const std::string& scheme, const std::string& address) {
  const size_t colon = address.rfind(':');
  return scheme + "://" + HostName() + (colon == std::string::npos ? "" : address.substr(colon));
}

// The pools of docs/decisions (threads), made once.
struct Pools {
  ThreadPool workers{"workers", Cores() >= 4 ? 2 : 1};
  ThreadPool rules{"rules", 2};  // with one, a slow rule would hold up all others
  ThreadPool commit{"commit", 1};
  ThreadPool sync{"sync", 1};
  ThreadPool queries{"queries", std::max(2, Cores())};
  ThreadPool receive{"receive", 2};
  ThreadPool background{"background", 1, ThreadPool::Priority::kLow};
};

// Threads that run the event loop.
class IoThreads {
 public:
  explicit IoThreads(EventLoop& loop) : loop_(loop) {
    const int n = Cores() >= 4 ? 2 : 1;
    for (int i = 0; i < n; ++i) threads_.emplace_back([&loop] { loop.Run(); });
  }
  ~IoThreads() { Stop(); }
  void Stop() {
    loop_.Stop();
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }

 private:
  EventLoop& loop_;
  std::vector<std::thread> threads_;
};

}  // namespace

struct App::Impl {
  explicit Impl(const Flags& f) : flags(f), start_time(clock.Now()) {}

  Status Start(const SiteConfig& config, bool handle_signals);
  Status Listen();
  void Route(bool ready);
  http::ApiContext ContextOf(bool ready);
  http::ServerState StateOf();
  SiteOptions OptionsOf(const SiteConfig& config);
  // Flags that were not parsed from a command line have none: as the flag's default then.
  Regex CorsOrigin() const {
    return flags.cors_origin ? *flags.cors_origin : *Regex::Compile(".*", Regex::Anchor::kFull);
  }
  uint64_t MemoryMax() const {
    return flags.memory_max != 0 ? flags.memory_max : MachineMemory() / 2;
  }
  Status Stop();

  const Flags flags;
  SystemClock clock;
  SystemRandom random;
  const Timestamp start_time;
  MetricRegistry metrics;
  Lifecycle lifecycle;
  std::string external_url;
  std::atomic<bool> ready{false};
  EventLoop loop;
  Pools pools;
  std::unique_ptr<http::Client> client;
  std::unique_ptr<http::Oauth2Transport> transport;
  std::unique_ptr<Site> site;
  std::unique_ptr<Reloader> reloader;
  // Swapped when everything is up; requests under way keep the one they began with.
  std::atomic<std::shared_ptr<const http::Router>> router;
  std::shared_ptr<http::WebGuard> guard;  // null: plain HTTP for everybody
  std::unique_ptr<http::Server> server;
  std::unique_ptr<IoThreads> io;
  bool stopped = false;
};

http::ServerState App::Impl::StateOf() {
  http::ServerState state;
  const Version& build = BuildVersion();
  state.build = {build.version, build.revision, build.branch, build.build_user, build.build_date};
  state.external_url = external_url;
  state.flags = flags.shown;
  state.enable_lifecycle = flags.enable_lifecycle;
  state.enable_admin_api = flags.enable_admin_api;
  state.enable_remote_write = flags.enable_remote_write_receiver;
  state.ready = [this] { return ready.load(); };
  state.config_yaml = [this] { return reloader->shown(); };
  state.external_labels = [this] { return reloader->external_labels(); };
  state.reload = [this](std::function<void(Status)> done) {
    lifecycle.RequestReload(std::move(done));
  };
  state.quit = [this] { lifecycle.RequestStop(); };
  state.storage_retention = [this] { return FormatDuration(site->retention()); };
  state.reload_ok = [this] { return reloader->last_ok(); };
  state.last_reload = [this] { return reloader->last_success(); };
  state.start_time = start_time;
  return state;
}

http::ApiContext App::Impl::ContextOf(bool all) {
  http::ApiContext context;
  context.state = StateOf();
  context.clock = &clock;
  context.metrics = &metrics;
  if (!all) {
    context.state.storage_retention = [] { return std::string(); };
    return context;
  }
  if (site->engine() != nullptr) context.db = &site->db();
  context.engine = site->engine();
  context.scrapes = site->scrapes();
  context.remote_write = site->remote_write();
  context.rules = site->rules();
  context.alertmanager = site->alertmanager();
  context.external_alertmanagers = site->external_alertmanagers();
  return context;
}

void App::Impl::Route(bool all) {
  auto next = std::make_shared<http::Router>(flags.route_prefix, CorsOrigin(), pools.queries,
                                             pools.receive, metrics, clock);
  next->Add(http::ApiRoutes(ContextOf(all)));
  router = std::move(next);
}

// Listens before the database opens: a taken port is found at once, and /-/ready answers while the
// log is replayed.
Status App::Impl::Listen() {
  reloader = std::make_unique<Reloader>(
      [this] {
        auto config = LoadSiteConfig(SourcesOf(flags), RealFileSystem());
        if (!config.ok() && site != nullptr) site->NoteFailedLoad();
        return config;
      },
      [this](const SiteConfig& next) { return site->Apply(next); }, clock, metrics);
  Route(false);
  http::ServerOptions options;
  options.listen_addresses = flags.listen_addresses;
  options.max_connections = flags.max_connections;
  options.read_timeout = flags.read_timeout;
  http::Handler handler = [this](std::shared_ptr<const http::Request> request,
                                 http::Responder respond) {
    router.load()->Handle(std::move(request), std::move(respond));
  };
  options.admit = [this](std::shared_ptr<const http::Request> request, http::Responder respond) {
    router.load()->Admit(request, respond);
  };
  options.all_bodies_bytes = std::max(MemoryMax() / 2, options.max_body_bytes);
  if (guard != nullptr) {
    options.tls = [guard = guard] { return guard->Tls(); };
    handler = guard->Protect(std::move(handler));
    options.admit = guard->Protect(std::move(options.admit));
  }
  TOCSIN_ASSIGN(server, http::Server::Start(loop, std::move(options), std::move(handler), metrics));
  return OkStatus();
}

SiteOptions App::Impl::OptionsOf(const SiteConfig& config) {
  SiteOptions options;
  options.storage.path = flags.storage_path;
  options.storage.memory_max = MemoryMax();
  options.storage.series_max = flags.series_max;
  options.storage.snapshot_keep = flags.snapshot_keep;
  options.storage.sync_interval = flags.sync_interval;
  const StorageSection& section = config.main.storage;
  if (flags.retention_time) options.storage.retention_time = *flags.retention_time;
  if (flags.retention_size) {
    options.storage.retention_size = *flags.retention_size;
    // As in Prometheus: 15 days only when nothing at all is said.
    if (!flags.retention_time && !section.retention_time && *flags.retention_size > 0)
      options.storage.retention_time = Duration{0};
  }
  options.query = flags.query;
  options.query.helpers = &pools.queries;
  options.query.max_helpers = Cores() - 1;
  options.monitor = !flags.config_file.empty();
  options.alertmanager = !flags.alertmanager_config_file.empty();
  options.user_agent = "tocsin/" + BuildVersion().version;
  options.scrape_seed = Hash64(HostName() + config.main.global.external_labels.ToSetString());
  options.alerting = {.external_url = external_url,
                      .retention = flags.data_retention,
                      .max_silences = flags.max_silences,
                      .max_silence_bytes = flags.max_silence_bytes,
                      .max_alerts_per_name = flags.max_alerts_per_name};
  options.rules = {
      .external_url = external_url,
      .outage_tolerance = flags.outage_tolerance,
      .resend_delay = flags.resend_delay,
      .max_concurrent_evals = flags.concurrent_rule_eval ? flags.max_concurrent_evals : 0};
  return options;
}

Status App::Impl::Start(const SiteConfig& config, bool handle_signals) {
  for (const std::string& warning : flags.warnings) log::Warn(warning);
  if (!flags.web_config_file.empty()) {
    TOCSIN_ASSIGN(
        guard, http::WebGuard::Load(flags.web_config_file, RealFileSystem(), clock, pools.queries));
  }
  const bool tls = guard != nullptr && guard->Tls() != nullptr;
  external_url = flags.external_url;
  if (external_url.find("://") == std::string::npos)
    external_url.insert(0,
                        DefaultExternalUrl(tls ? "https" : "http", flags.listen_addresses.front()));
  AddProcessMetrics(metrics, start_time);
  metrics.AddCallback("prometheus_ready", "Whether the server is fully ready.", false,
                      [this] { return ready ? 1.0 : 0.0; });
  if (handle_signals) {
    loop.OnSignals({SIGHUP, SIGTERM, SIGINT}, [this](int signal) {
      if (signal == SIGHUP) {
        lifecycle.RequestReload([](const Status&) {});
      } else {
        lifecycle.RequestStop();
      }
    });
  }
  client = http::Client::Create(loop, RealFileSystem());
  transport = std::make_unique<http::Oauth2Transport>(*client, clock, loop, RealFileSystem());
  TOCSIN_RETURN_IF_ERROR(Listen());
  io = std::make_unique<IoThreads>(loop);
  TOCSIN_ASSIGN(site, Site::Open(OptionsOf(config), {.clock = clock,
                                                     .scheduler = loop,
                                                     .random = random,
                                                     .files = RealFileSystem(),
                                                     .transport = *transport,
                                                     .mailer = *client,
                                                     .workers = pools.workers,
                                                     .rules = pools.rules,
                                                     .commit = pools.commit,
                                                     .sync = pools.sync,
                                                     .background = pools.background,
                                                     .metrics = metrics}));
  TOCSIN_RETURN_IF_ERROR(reloader->Start(config));
  Route(true);
  ready = true;
  for (const std::string& address : server->addresses())
    log::Info("Server is ready to receive web requests.", {{"address", address}});
  return OkStatus();
}

// In the reverse order of Start. The loop runs to the end: what stops may still wait for timers and
// sockets.
Status App::Impl::Stop() {
  if (stopped) return OkStatus();
  stopped = true;
  ready = false;
  if (server != nullptr) server->Stop(kAnswerGrace);
  pools.queries.Stop();
  Status closed;
  if (site != nullptr) closed = site->Stop(kSealBudget);
  transport.reset();
  client.reset();
  if (io != nullptr) io->Stop();
  pools.rules.Stop();
  pools.workers.Stop();
  pools.background.Stop();
  pools.commit.Stop();
  pools.sync.Stop();
  return closed;
}

ConfigSources App::SourcesOf(const Flags& flags) {
  return {.config_file = flags.config_file,
          .alertmanager_file = flags.alertmanager_config_file,
          .features = flags.query.features};
}

App::App(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

App::~App() {
  if (const Status stopped = impl_->Stop(); !stopped.ok())
    log::Error("closing the database failed", {{"err", stopped.error().message()}});
}

Result<std::unique_ptr<App>> App::Start(const Flags& flags, const SiteConfig& config,
                                        bool handle_signals) {
  std::unique_ptr<App> app(new App(std::make_unique<Impl>(flags)));
  TOCSIN_RETURN_IF_ERROR(app->impl_->Start(config, handle_signals));
  return app;
}

Status App::Run() {
  impl_->lifecycle.Run([this] { return impl_->reloader->Reload(); });
  log::Info("stopping");
  return impl_->Stop();
}

void App::RequestStop() { impl_->lifecycle.RequestStop(); }

std::vector<std::string> App::addresses() const { return impl_->server->addresses(); }

}  // namespace tocsin
