// The HTTP API: what the handlers may use, and the tables of routes per area. One file per area
// beside this one; adding an endpoint is one row there.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "alerting/alertmanager.h"
#include "alerting/external_sender.h"
#include "http/router.h"
#include "ingest/remote_write/receiver.h"
#include "ingest/scrape/manager.h"
#include "query/engine.h"
#include "rules/manager.h"
#include "storage/db.h"

namespace tocsin::http {

struct BuildInfo {
  std::string version, revision, branch, build_user, build_date;
};

// What the root knows about the process. Callbacks are thread-safe.
struct ServerState {
  BuildInfo build;
  std::string external_url;
  std::map<std::string, std::string> flags;
  bool enable_lifecycle = false;
  bool enable_admin_api = false;
  bool enable_remote_write = false;
  std::function<bool()> ready;
  std::function<std::string()> config_yaml;  // effective; secrets as <secret>
  std::function<Labels()> external_labels;
  std::function<void(std::function<void(Status)>)> reload;  // answers on any thread
  std::function<void()> quit;
  std::function<std::string()> storage_retention;  // "15d"
  std::function<bool()> reload_ok;                 // the last reload
  std::function<Timestamp()> last_reload;
  Timestamp start_time;
};

// Null members: that part is not running (a mere router has no engine); its endpoints answer
// "unavailable" by name. REQUIRES: what is set outlives the router.
struct ApiContext {
  ServerState state;
  const Clock* clock = nullptr;
  MetricRegistry* metrics = nullptr;
  storage::Db* db = nullptr;
  const query::Engine* engine = nullptr;
  ingest::ScrapeManager* scrapes = nullptr;
  ingest::RemoteWriteReceiver* remote_write = nullptr;
  rules::RuleManager* rules = nullptr;
  alerting::Alertmanager* alertmanager = nullptr;
  const alerting::ExternalSender* external_alertmanagers = nullptr;
};

// All areas. `context` is copied.
std::vector<Route> ApiRoutes(const ApiContext& context);

}  // namespace tocsin::http
