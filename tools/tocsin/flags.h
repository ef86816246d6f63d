// The command line of the server: Prometheus' flag names where they exist.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "query/engine.h"
#include "storage/base/log.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/model/regex.h"

namespace tocsin {

struct Flags {
  std::string config_file;               // empty: a mere router of alerts
  std::string alertmanager_config_file;  // empty: no embedded Alertmanager
  std::string storage_path;
  std::optional<Duration> retention_time;  // absent: the configuration or the default decides
  std::optional<uint64_t> retention_size;
  uint64_t memory_max = 0;  // 0: by the machine
  uint64_t series_max = 0;  // 0: by memory_max
  Duration snapshot_keep{7LL * 24 * 3'600'000};
  Duration sync_interval{1000};

  std::vector<std::string> listen_addresses;
  std::string web_config_file;       // empty: plain HTTP for everybody
  std::string external_url;          // URL, or its path ("", "/x") behind host name and port
  std::optional<Regex> cors_origin;  // set by ParseFlags
  std::string route_prefix;          // "" or "/x"
  Duration read_timeout{300'000};
  int max_connections = 512;
  bool enable_lifecycle = false;
  bool enable_admin_api = false;
  bool enable_remote_write_receiver = false;

  query::EngineOptions query;
  Duration outage_tolerance{3'600'000};
  Duration resend_delay{60'000};
  bool concurrent_rule_eval = false;
  int max_concurrent_evals = 4;              // rules at a time, with concurrent_rule_eval
  Duration data_retention{120 * 3'600'000};  // of silences and the notification log
  uint64_t max_silences = 0;                 // 0: no limit, as in the next two
  uint64_t max_silence_bytes = 0;
  uint64_t max_alerts_per_name = 0;

  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kLogfmt;

  std::map<std::string, std::string> shown;  // every honoured flag, for /api/v1/status/flags
  std::vector<std::string> warnings;         // one for each flag accepted without effect
};

// `text` is set for --help and --version: print it and stop.
struct ParsedFlags {
  std::optional<std::string> text;
  Flags flags;
};

// `args` without the program's name. kInvalidArgument names the flag, and the nearest one when it
// is unknown; kUnsupported for a flag whose silent absence would be dangerous.
Result<ParsedFlags> ParseFlags(const std::vector<std::string>& args);

}  // namespace tocsin
