#include "tools/tocsin/flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "storage/base/number.h"
#include "storage/model/duration.h"
#include "tools/tocsin/flag_scanner.h"
#include "tools/tocsin/flag_tables.h"
#include "tools/tocsin/system_ports.h"
#include "tools/tocsin/version.h"

namespace tocsin {
namespace {

constexpr std::string_view kListenAddress = "web.listen-address";

// Reads the texts into typed fields; the first bad one sticks.
class FieldReader {
 public:
  FieldReader(const GivenFlags& given, Flags& flags) : given_(given), flags_(flags) {
    for (const FlagSpec& flag : HonouredFlags()) {
      const auto it = given.find(flag.name);
      std::string& text = flags_.shown[std::string(flag.name)];
      if (it == given.end()) {
        text = flag.fallback;
      } else {
        text = flag.is_switch ? it->second.back() : fmt::format("{}", fmt::join(it->second, ","));
      }
    }
  }

  const Status& status() const { return status_; }

  bool Given(std::string_view name) const { return given_.contains(name); }
  // Repeated values joined by commas; the fallback when the flag was not given.
  const std::string& Text(std::string_view name) { return flags_.shown[std::string(name)]; }
  bool Switch(std::string_view name) { return Text(name) == "true"; }
  Duration Span(std::string_view name) {
    const auto value = ParseDuration(Text(name));
    if (!value.ok()) return Fail(name, value.error().message()), Duration{0};
    return *value;
  }
  int64_t Positive(std::string_view name, int64_t most) { return Number(name, 1, most); }
  int64_t Number(std::string_view name, int64_t least, int64_t most) {
    const auto value = ParseInt(Text(name));
    if (!value || *value < least || *value > most)
      return Fail(name, fmt::format("want a number from {} to {}", least, most)), least;
    return *value;
  }
  void Fail(std::string_view name, std::string_view why) {
    if (status_.ok())
      status_ = InvalidArgument(fmt::format("flag --{}: \"{}\": {}", name, Text(name), why));
  }

 private:
  const GivenFlags& given_;
  Flags& flags_;
  Status status_;
};

void ReadFeatures(const std::string& list, Flags& flags) {
  query::Features& features = flags.query.features;
  const std::map<std::string_view, bool*> effective = {
      {"promql-experimental-functions", &features.experimental_functions},
      {"promql-delayed-name-removal", &features.delayed_name_removal},
      {"promql-extended-range-selectors", &features.extended_range_selectors},
      {"promql-binop-fill-modifiers", &features.binop_fill_modifiers},
      {"type-and-unit-labels", &features.type_and_unit_labels},
      {"use-start-timestamps", &features.use_start_timestamps},
      {"promql-per-step-stats", &features.per_step_stats},
      {"concurrent-rule-eval", &flags.concurrent_rule_eval}};
  for (size_t start = 0; start < list.size();) {
    const size_t end = std::min(list.find(',', start), list.size());
    const std::string name = list.substr(start, end - start);
    start = end + 1;
    if (const auto it = effective.find(name); it != effective.end()) {
      *it->second = true;
      continue;
    }
    const auto idle = std::find_if(IdleFeatures().begin(), IdleFeatures().end(),
                                   [&](const IdleFeature& f) { return f.name == name; });
    if (idle == IdleFeatures().end()) {
      flags.warnings.push_back(fmt::format("--enable-feature={}: unknown feature, ignored", name));
    } else if (!idle->why.empty()) {
      flags.warnings.push_back(fmt::format("--enable-feature={} is ignored: {}", name, idle->why));
    }
  }
}

void ReadStorage(FieldReader& fields, Flags& flags) {
  constexpr uint64_t kLeastMemory = 64u << 20;
  flags.series_max = static_cast<uint64_t>(
      fields.Number("storage.series.max", 0, std::numeric_limits<int64_t>::max()));
  flags.snapshot_keep = fields.Span("storage.snapshot.keep");
  flags.sync_interval = fields.Span("storage.sync.interval");
  if (!fields.Given("storage.memory.max")) return;
  const auto size = ParseByteSize(fields.Text("storage.memory.max"));
  if (!size.ok())
    fields.Fail("storage.memory.max", size.error().message());
  else if (*size < kLeastMemory)
    fields.Fail("storage.memory.max", "want at least 64MB");
  else
    flags.memory_max = *size;
}

void ReadRetention(FieldReader& fields, Flags& flags) {
  if (fields.Given("storage.tsdb.retention.time"))
    flags.retention_time = fields.Span("storage.tsdb.retention.time");
  if (!fields.Given("storage.tsdb.retention.size")) return;
  const auto size = ParseByteSize(fields.Text("storage.tsdb.retention.size"));
  if (size.ok()) {
    flags.retention_size = *size;
  } else {
    fields.Fail("storage.tsdb.retention.size", size.error().message());
  }
}

void ReadQuery(FieldReader& fields, Flags& flags) {
  query::EngineOptions& query = flags.query;
  query.lookback_delta = fields.Span("query.lookback-delta");
  query.timeout = fields.Span("query.timeout");
  query.max_concurrency = static_cast<int>(fields.Positive("query.max-concurrency", 10'000));
  query.max_samples = static_cast<uint64_t>(
      fields.Positive("query.max-samples", std::numeric_limits<int64_t>::max()));
  const auto bytes = [&](std::string_view name, uint64_t otherwise) {
    if (!fields.Given(name)) return otherwise;
    const auto size = ParseByteSize(fields.Text(name));
    if (size.ok()) return *size;
    fields.Fail(name, size.error().message());
    return otherwise;
  };
  query.max_memory_bytes = bytes("query.max-memory", MachineMemory() / 4);
  query.max_query_memory_bytes = bytes("query.max-memory-per-query", query.max_memory_bytes / 2);
}

void ReadLog(FieldReader& fields, Flags& flags) {
  static const std::map<std::string_view, log::Level> kLevels = {{"debug", log::Level::kDebug},
                                                                 {"info", log::Level::kInfo},
                                                                 {"warn", log::Level::kWarn},
                                                                 {"error", log::Level::kError}};
  if (const auto it = kLevels.find(fields.Text("log.level")); it != kLevels.end()) {
    flags.log_level = it->second;
  } else {
    fields.Fail("log.level", "want debug, info, warn or error");
  }
  const std::string& format = fields.Text("log.format");
  flags.log_format = format == "json" ? log::Format::kJson : log::Format::kLogfmt;
  if (format != "json" && format != "logfmt") fields.Fail("log.format", "want logfmt or json");
}

// The path of a URL or a given prefix as "" or "/x/y".
std::string CleanPrefix(std::string prefix) {
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty() && prefix[0] != '/') prefix.insert(0, "/");
  return prefix;
}

void ReadWeb(const GivenFlags& given, FieldReader& fields, Flags& flags) {
  const auto listen = given.find(kListenAddress);
  flags.listen_addresses = listen == given.end()
                               ? std::vector<std::string>{fields.Text(kListenAddress)}
                               : listen->second;
  flags.web_config_file = fields.Text("web.config.file");
  flags.external_url = fields.Text("web.external-url");
  while (flags.external_url.ends_with('/')) flags.external_url.pop_back();
  const size_t host = flags.external_url.find("://");
  if (!flags.external_url.empty() && host == std::string::npos && flags.external_url[0] != '/')
    fields.Fail("web.external-url", "want a URL with http:// or https://, or a path");
  std::string prefix = fields.Text("web.route-prefix");
  if (!fields.Given("web.route-prefix")) {
    const size_t path = flags.external_url.find('/', host == std::string::npos ? 0 : host + 3);
    if (path != std::string::npos) prefix = flags.external_url.substr(path);
  }
  auto origins = Regex::Compile(fields.Text("web.cors.origin"), Regex::Anchor::kFullNoDotNl);
  if (origins.ok()) {
    flags.cors_origin = *std::move(origins);
  } else {
    fields.Fail("web.cors.origin", origins.error().message());
  }
  flags.route_prefix = CleanPrefix(std::move(prefix));
  flags.read_timeout = fields.Span("web.read-timeout");
  flags.max_connections = static_cast<int>(fields.Positive("web.max-connections", 1'000'000));
  flags.enable_lifecycle = fields.Switch("web.enable-lifecycle");
  flags.enable_admin_api = fields.Switch("web.enable-admin-api");
  flags.enable_remote_write_receiver = fields.Switch("web.enable-remote-write-receiver");
}

void ReadAlerting(FieldReader& fields, Flags& flags) {
  constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
  flags.outage_tolerance = fields.Span("rules.alert.for-outage-tolerance");
  flags.resend_delay = fields.Span("rules.alert.resend-delay");
  flags.max_concurrent_evals =
      static_cast<int>(fields.Positive("rules.max-concurrent-evals", 1'000));
  flags.data_retention = fields.Span("data.retention");
  flags.max_silences = static_cast<uint64_t>(fields.Number("silences.max-silences", 0, kAny));
  flags.max_silence_bytes =
      static_cast<uint64_t>(fields.Number("silences.max-silence-size-bytes", 0, kAny));
  flags.max_alerts_per_name =
      static_cast<uint64_t>(fields.Number("alerts.per-alertname-limit", 0, kAny));
}

void ReadConfigFiles(FieldReader& fields, Flags& flags) {
  flags.config_file = fields.Text("config.file");
  flags.alertmanager_config_file = fields.Text("alertmanager.config.file");
  if (!flags.alertmanager_config_file.empty() && !fields.Given("config.file"))
    flags.config_file = flags.shown["config.file"] = "";
  if (flags.config_file.empty() && flags.alertmanager_config_file.empty())
    fields.Fail("config.file",
                "nothing to do: name a prometheus.yml, or give --alertmanager.config.file to only "
                "route alerts");
}

Result<Flags> ReadFields(const GivenFlags& given) {
  Flags flags;
  FieldReader fields(given, flags);
  ReadConfigFiles(fields, flags);
  flags.storage_path = fields.Text("storage.tsdb.path");
  if (flags.storage_path.empty()) fields.Fail("storage.tsdb.path", "must not be empty");
  ReadRetention(fields, flags);
  ReadStorage(fields, flags);
  ReadWeb(given, fields, flags);
  ReadQuery(fields, flags);
  ReadFeatures(fields.Text("enable-feature"), flags);
  ReadAlerting(fields, flags);
  ReadLog(fields, flags);
  TOCSIN_RETURN_IF_ERROR(fields.status());
  for (const IgnoredFlag& flag : IgnoredFlags())
    if (given.contains(flag.name))
      flags.warnings.push_back(fmt::format("flag --{} is ignored: {}", flag.name, flag.why));
  return flags;
}

}  // namespace

Result<ParsedFlags> ParseFlags(const std::vector<std::string>& args) {
  TOCSIN_ASSIGN(const GivenFlags given, ScanFlags(args));
  ParsedFlags parsed;
  if (given.contains("help")) parsed.text = FlagHelp();
  if (given.contains("version") && !parsed.text) parsed.text = VersionText();
  if (parsed.text) return parsed;
  for (const IgnoredFlag& flag : RefusedFlags()) {
    const auto it = given.find(flag.name);
    if (it != given.end() && !(flag.is_switch && it->second.back() == "false"))
      return Unsupported(fmt::format("flag --{}: {}", flag.name, flag.why));
  }
  TOCSIN_ASSIGN(parsed.flags, ReadFields(given));
  return parsed;
}

}  // namespace tocsin
