#include "ingest/scrape_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "storage/base/file_system.h"
#include "storage/config/relabel_config.h"

namespace tocsin::ingest {
namespace {

constexpr std::array<std::string_view, 5> kProtocols = {
    "OpenMetricsText0.0.1", "OpenMetricsText1.0.0", "PrometheusProto", "PrometheusText0.0.4",
    "PrometheusText1.0.0"};
constexpr std::string_view kProtobufProtocol = "PrometheusProto";
constexpr std::array<std::string_view, 4> kEscapings = {"allow-utf-8", "underscores", "dots",
                                                        "values"};

bool IsProtocol(std::string_view name) {
  return std::find(kProtocols.begin(), kProtocols.end(), name) != kProtocols.end();
}

std::string ProtocolList() {
  std::string out;
  for (const auto protocol : kProtocols) out.append(out.empty() ? "" : " ").append(protocol);
  return out;
}

void Warn(const YamlNode& node, std::string_view text, ConfigWarnings& warnings) {
  warnings.push_back(node.MakeError(text).message());
}

// The keys global and job share, in one place so that both check the same.
struct CommonKeys {
  uint64_t& body_size_limit;
  uint64_t& sample_limit;
  uint64_t& target_limit;
  uint64_t& label_limit;
  uint64_t& label_name_length_limit;
  uint64_t& label_value_length_limit;
  uint64_t& keep_dropped_targets;
  std::vector<std::string>& scrape_protocols;
  bool& legacy_names;
  std::string& escaping_scheme;
  bool& extra_scrape_metrics;
};

template <typename Config>
CommonKeys KeysOf(Config& config) {
  return {config.body_size_limit,
          config.sample_limit,
          config.target_limit,
          config.label_limit,
          config.label_name_length_limit,
          config.label_value_length_limit,
          config.keep_dropped_targets,
          config.scrape_protocols,
          config.legacy_names,
          config.escaping_scheme,
          config.extra_scrape_metrics};
}

void ReadProtocols(StrictMap& map, std::vector<std::string>* out, ConfigWarnings& warnings) {
  const YamlNode* node = map.Get("scrape_protocols");
  if (node == nullptr) return;
  map.Read("scrape_protocols", out);
  if (out->empty()) {
    map.FailAt("scrape_protocols", "scrape_protocols cannot be empty");
    return;
  }
  std::set<std::string> seen;
  for (const std::string& name : *out) {
    if (!IsProtocol(name)) {
      map.FailAt("scrape_protocols",
                 fmt::format("unknown scrape protocol {}, supported: [{}]", name, ProtocolList()));
    } else if (!seen.insert(name).second) {
      map.FailAt("scrape_protocols",
                 fmt::format("duplicated protocol in scrape_protocols, got {}", name));
    }
  }
  if (seen.contains(std::string(kProtobufProtocol))) {
    Warn(*node,
         "scrape protocol PrometheusProto is not available yet and is not offered to targets",
         warnings);
    std::erase(*out, kProtobufProtocol);
  }
}

void ReadNameSchemes(StrictMap& map, CommonKeys keys) {
  std::string validation;
  map.Read("metric_name_validation_scheme", &validation);
  if (validation == "legacy" || validation == "utf8") {
    keys.legacy_names = validation == "legacy";
  } else if (!validation.empty()) {
    map.FailAt("metric_name_validation_scheme",
               fmt::format("invalid metric_name_validation_scheme \"{}\", expected utf8 or legacy",
                           validation));
  }
  map.Read("metric_name_escaping_scheme", &keys.escaping_scheme);
  if (keys.escaping_scheme.empty())
    keys.escaping_scheme = keys.legacy_names ? "underscores" : "allow-utf-8";
  if (std::find(kEscapings.begin(), kEscapings.end(), keys.escaping_scheme) == kEscapings.end()) {
    map.FailAt("metric_name_escaping_scheme",
               fmt::format("unknown metric_name_escaping_scheme \"{}\"", keys.escaping_scheme));
  } else if (keys.legacy_names && keys.escaping_scheme == "allow-utf-8") {
    map.FailAt("metric_name_escaping_scheme",
               "utf8 metric names requested but validation scheme is not set to UTF8");
  }
}

void ReadCommon(StrictMap& map, CommonKeys keys, ConfigWarnings& warnings) {
  map.ReadByteSize("body_size_limit", &keys.body_size_limit);
  map.Read("sample_limit", &keys.sample_limit);
  map.Read("target_limit", &keys.target_limit);
  map.Read("label_limit", &keys.label_limit);
  map.Read("label_name_length_limit", &keys.label_name_length_limit);
  map.Read("label_value_length_limit", &keys.label_value_length_limit);
  map.Read("keep_dropped_targets", &keys.keep_dropped_targets);
  ReadProtocols(map, &keys.scrape_protocols, warnings);
  ReadNameSchemes(map, keys);
  map.Read("extra_scrape_metrics", &keys.extra_scrape_metrics);
  for (const std::string_view key :
       {"scrape_native_histograms", "convert_classic_histograms_to_nhcb",
        "always_scrape_classic_histograms"}) {
    bool on = false;
    map.Read(key, &on);
    if (on)
      Warn(*map.Get(key),
           fmt::format("{} is not available yet: classic histograms are scraped", key), warnings);
  }
}

void CheckInterval(StrictMap& map, std::string_view key, Duration value) {
  if (value.count() <= 0) map.FailAt(key, fmt::format("{} must be greater than zero", key));
}

void ReadParams(StrictMap& map, ScrapeConfig* out) {
  const YamlNode* node = map.Get("params");
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kMap) {
    map.FailAt("params", "expected a map of lists");
    return;
  }
  for (const auto& [key, value] : node->members) {
    auto list = YamlStringList(value);
    if (!list.ok()) {
      map.Fail(list.error());
      return;
    }
    out->params[key.scalar] = *std::move(list);
  }
}

void ReadRules(StrictMap& map, std::string_view key, std::vector<RelabelConfig>* out) {
  const YamlNode* node = map.Get(key);
  if (node == nullptr) return;
  for (const YamlNode& rule : node->items) {
    if (!rule.is_null()) continue;
    map.Fail(node->MakeError(key == "relabel_configs"
                                 ? "empty or null target relabeling rule in scrape config"
                                 : "empty or null metric relabeling rule in scrape config"));
    return;
  }
  auto rules = ParseRelabelConfigs(*node);
  if (!rules.ok()) {
    map.Fail(rules.error());
    return;
  }
  *out = *std::move(rules);
}

void ReadTiming(StrictMap& map, const GlobalConfig& global, ScrapeConfig* out) {
  out->scrape_interval = global.scrape_interval;
  map.Read("scrape_interval", &out->scrape_interval);
  // Zero means "as global", here as for every inherited key.
  if (out->scrape_interval.count() == 0) out->scrape_interval = global.scrape_interval;
  Duration timeout{0};
  map.Read("scrape_timeout", &timeout);
  out->scrape_timeout =
      timeout.count() != 0 ? timeout : std::min(global.scrape_timeout, out->scrape_interval);
  CheckInterval(map, "scrape_interval", out->scrape_interval);
  CheckInterval(map, "scrape_timeout", out->scrape_timeout);
  if (out->scrape_timeout > out->scrape_interval) {
    map.FailAt("scrape_timeout",
               fmt::format("scrape timeout greater than scrape interval for scrape config with job "
                           "name \"{}\"",
                           out->job_name));
  }
}

void ReadFallback(StrictMap& map, ScrapeConfig* out) {
  map.Read("fallback_scrape_protocol", &out->fallback_scrape_protocol);
  const std::string& name = out->fallback_scrape_protocol;
  if (name.empty()) return;
  const std::string prefix = fmt::format(
      "invalid fallback_scrape_protocol for scrape config with job name \"{}\": ", out->job_name);
  if (!IsProtocol(name)) {
    map.FailAt(
        "fallback_scrape_protocol",
        fmt::format("{}unknown scrape protocol {}, supported: [{}]", prefix, name, ProtocolList()));
  } else if (name == kProtobufProtocol) {
    map.FailAt("fallback_scrape_protocol", prefix + "PrometheusProto is not available yet");
  }
}

void CheckStaticTargets(const YamlNode& node, StrictMap& map, const ScrapeConfig& config) {
  if (!config.relabel_configs.empty()) return;
  for (const TargetGroup& group : config.discovery.static_configs) {
    for (const Labels& target : group.targets) {
      const std::string_view address = target.Get("__address__");
      if (address.find('/') != std::string_view::npos) {
        map.Fail(node.MakeError(fmt::format(
            "\"{}\" is not a valid hostname: write host:port, the scheme goes into `scheme`",
            address)));
      }
    }
  }
}

Result<ScrapeConfig> ParseJob(const YamlNode& node, const GlobalConfig& global,
                              ConfigWarnings& warnings) {
  if (node.is_null()) return node.MakeError("empty or null scrape config section");
  ScrapeConfig out;
  StrictMap map(node, "scrape_config");
  map.Read("job_name", &out.job_name);
  if (out.job_name.empty()) map.FailAt("job_name", "job_name is empty");
  const auto inherited = [&global](auto ScrapeConfig::*own, auto GlobalConfig::*from,
                                   ScrapeConfig* config) {
    if (config->*own == 0) config->*own = global.*from;
  };
  out.legacy_names = global.legacy_names;
  out.escaping_scheme = global.escaping_scheme;
  out.extra_scrape_metrics = global.extra_scrape_metrics;
  ReadCommon(map, KeysOf(out), warnings);
  inherited(&ScrapeConfig::body_size_limit, &GlobalConfig::body_size_limit, &out);
  inherited(&ScrapeConfig::sample_limit, &GlobalConfig::sample_limit, &out);
  inherited(&ScrapeConfig::target_limit, &GlobalConfig::target_limit, &out);
  inherited(&ScrapeConfig::label_limit, &GlobalConfig::label_limit, &out);
  inherited(&ScrapeConfig::label_name_length_limit, &GlobalConfig::label_name_length_limit, &out);
  inherited(&ScrapeConfig::label_value_length_limit, &GlobalConfig::label_value_length_limit, &out);
  inherited(&ScrapeConfig::keep_dropped_targets, &GlobalConfig::keep_dropped_targets, &out);
  if (out.scrape_protocols.empty()) out.scrape_protocols = global.scrape_protocols;

  ReadTiming(map, global, &out);
  ReadFallback(map, &out);
  map.Read("metrics_path", &out.metrics_path);
  map.Read("scheme", &out.scheme);
  if (out.scheme != "http" && out.scheme != "https")
    map.FailAt("scheme",
               fmt::format("unsupported scheme \"{}\", expected http or https", out.scheme));
  ReadParams(map, &out);
  map.Read("honor_labels", &out.honor_labels);
  map.Read("honor_timestamps", &out.honor_timestamps);
  map.Read("track_timestamps_staleness", &out.track_timestamps_staleness);
  map.Read("enable_compression", &out.enable_compression);
  ReadRules(map, "relabel_configs", &out.relabel_configs);
  ReadRules(map, "metric_relabel_configs", &out.metric_relabel_configs);
  map.Ignore("native_histogram_bucket_limit", "native histograms are not scraped yet", &warnings);
  map.Ignore("native_histogram_min_bucket_factor", "native histograms are not scraped yet",
             &warnings);
  map.Ignore("scrape_failure_log_file", "failed scrapes are logged to the program's log",
             &warnings);

  auto discovery = ReadDiscoveryConfig(map, warnings);
  if (discovery.ok()) {
    out.discovery = *std::move(discovery);
  } else {
    map.Fail(discovery.error());
  }
  auto transport = ReadTransportConfig(map, node.file);
  if (transport.ok()) {
    out.transport = *std::move(transport);
  } else {
    map.Fail(transport.error());
  }
  CheckStaticTargets(node, map, out);
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return out;
}

}  // namespace

Result<GlobalConfig> ParseGlobalConfig(const YamlNode& node, ConfigWarnings& warnings) {
  GlobalConfig out;
  StrictMap map(node, "global");
  map.Read("scrape_interval", &out.scrape_interval);
  CheckInterval(map, "scrape_interval", out.scrape_interval);
  Duration timeout{0};
  map.Read("scrape_timeout", &timeout);
  if (timeout > out.scrape_interval)
    map.FailAt("scrape_timeout", "global scrape timeout greater than scrape interval");
  out.scrape_timeout =
      timeout.count() != 0 ? timeout : std::min(Duration{10'000}, out.scrape_interval);
  map.Read("evaluation_interval", &out.evaluation_interval);
  CheckInterval(map, "evaluation_interval", out.evaluation_interval);
  map.Read("rule_query_offset", &out.rule_query_offset);
  ReadCommon(map, KeysOf(out), warnings);

  std::map<std::string, std::string> external;
  map.Read("external_labels", &external);
  LabelsBuilder labels;
  for (const auto& [name, value] : external) {
    const bool valid = out.legacy_names ? IsLegacyLabelName(name) : IsValidLabelName(name);
    if (!valid || name == kMetricName)
      map.FailAt("external_labels", fmt::format("\"{}\" is not a valid label name", name));
    if (!IsValidUtf8(value))
      map.FailAt("external_labels", fmt::format("\"{}\" is not a valid label value", value));
    labels.Set(name, value);
  }
  out.external_labels = labels.Build();

  map.Read("query_log_file", &out.query_log_file);
  if (!out.query_log_file.empty())
    out.query_log_file = ResolvePath(map.Get("query_log_file")->file, out.query_log_file);
  map.Read("scrape_failure_log_file", &out.scrape_failure_log_file);
  if (!out.scrape_failure_log_file.empty()) {
    Warn(*map.Get("scrape_failure_log_file"),
         "scrape_failure_log_file is not available: failed scrapes are logged to the program's log",
         warnings);
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return out;
}

Result<std::vector<ScrapeConfig>> ParseScrapeConfigs(const YamlNode& node,
                                                     const GlobalConfig& global,
                                                     ConfigWarnings& warnings) {
  std::vector<ScrapeConfig> out;
  if (node.is_null()) return out;
  if (node.kind != YamlNode::Kind::kSequence)
    return node.MakeError("scrape_configs: expected a list");
  std::set<std::string> names;
  for (const YamlNode& item : node.items) {
    TOCSIN_ASSIGN(ScrapeConfig job, ParseJob(item, global, warnings));
    if (!names.insert(job.job_name).second) {
      return item.MakeError(
          fmt::format("found multiple scrape configs with job name \"{}\"", job.job_name));
    }
    out.push_back(std::move(job));
  }
  return out;
}

}  // namespace tocsin::ingest
