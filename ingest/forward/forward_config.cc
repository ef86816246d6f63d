#include "ingest/forward/forward_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "storage/base/coding.h"
#include "storage/config/relabel_config.h"
#include "storage/config/url.h"

namespace tocsin::ingest {
namespace {

constexpr std::string_view kMessageV1 = "prometheus.WriteRequest";
constexpr std::string_view kMessageV2 = "io.prometheus.write.v2.Request";

constexpr std::array<std::string_view, 12> kReservedHeaders = {"content-encoding",
                                                               "content-length",
                                                               "content-type",
                                                               "user-agent",
                                                               "connection",
                                                               "keep-alive",
                                                               "www-authenticate",
                                                               "accept-encoding",
                                                               "x-prometheus-remote-write-version",
                                                               "x-prometheus-remote-read-version",
                                                               "proxy-authenticate",
                                                               "proxy-authorization"};

// Ways to prove who one is; at most one of them.
constexpr std::array<std::string_view, 6> kAuthKeys = {"basic_auth", "authorization", "oauth2",
                                                       "sigv4",      "azuread",       "google_iam"};

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

void Warn(const YamlNode& node, std::string_view text, ConfigWarnings& warnings) {
  warnings.push_back(node.MakeError(text).message());
}

void ReadHeaders(StrictMap& map, ForwardConfig* out) {
  std::map<std::string, std::string> headers;
  map.Read("headers", &headers);
  for (const auto& [name, value] : headers) {
    const std::string lower = Lower(name);
    if (lower == "authorization") {
      map.FailAt("headers",
                 "authorization header must be changed via the basic_auth, authorization, oauth2, "
                 "sigv4, azuread or google_iam parameter");
    } else if (lower.starts_with("x-amz-") ||
               std::find(kReservedHeaders.begin(), kReservedHeaders.end(), lower) !=
                   kReservedHeaders.end()) {
      map.FailAt("headers", fmt::format("{} is a reserved header. It must not be changed", name));
    }
    out->headers.emplace_back(name, value);
  }
}

void CheckAuth(StrictMap& map, ForwardConfig* out) {
  std::vector<std::string_view> set;
  for (const std::string_view key : kAuthKeys) {
    if (map.Get(key) != nullptr) set.push_back(key);
  }
  if (set.size() > 1) {
    map.FailAt(set[1], fmt::format("at most one of basic_auth, authorization, oauth2, sigv4, "
                                   "azuread or google_iam must be configured. Currently "
                                   "configured: [{}]",
                                   fmt::join(set, " ")));
  }
  for (const std::string_view key : {"sigv4", "azuread", "google_iam"}) {
    if (map.Get(key) != nullptr) out->unavailable = fmt::format("{} is not available yet", key);
  }
}

void ReadQueue(StrictMap& outer, ForwardConfig* out) {
  const YamlNode* node = outer.Get("queue_config");
  if (node == nullptr) return;
  StrictMap map(*node, "queue_config");
  // The database is the queue: the size of buffers is checked and has nothing to size.
  uint64_t capacity = 10'000, min_shards = 1;
  map.Read("capacity", &capacity);
  map.Read("max_shards", &out->max_shards);
  map.Read("min_shards", &min_shards);
  map.Read("max_samples_per_send", &out->max_samples_per_send);
  map.Read("batch_send_deadline", &out->batch_send_deadline);
  map.Read("min_backoff", &out->min_backoff);
  map.Read("max_backoff", &out->max_backoff);
  map.Read("retry_on_http_429", &out->retry_on_http_429);
  map.Read("sample_age_limit", &out->sample_age_limit);
  const auto positive = [&map](std::string_view key, uint64_t value, std::string_view what) {
    if (value == 0) map.FailAt(key, fmt::format("remote write queue {} must be positive", what));
  };
  positive("capacity", capacity, "capacity");
  positive("max_shards", out->max_shards, "max shards");
  positive("min_shards", min_shards, "min shards");
  positive("max_samples_per_send", out->max_samples_per_send, "max samples per send");
  if (min_shards > out->max_shards)
    map.FailAt("min_shards", "remote write queue min shards must not exceed max shards");
  if (out->batch_send_deadline.count() <= 0)
    map.FailAt("batch_send_deadline", "remote write queue batch send deadline must be positive");
  if (out->min_backoff.count() <= 0 || out->min_backoff > out->max_backoff)
    map.FailAt("min_backoff", "remote write queue min backoff must be positive and not exceed max");
  if (auto status = map.Finish(); !status.ok()) outer.Fail(status.error());
}

void ReadMetadata(StrictMap& outer, ForwardConfig* out) {
  const YamlNode* node = outer.Get("metadata_config");
  if (node == nullptr) return;
  StrictMap map(*node, "metadata_config");
  map.Read("send", &out->send_metadata);
  map.Read("send_interval", &out->metadata_interval);
  map.Read("max_samples_per_send", &out->metadata_per_send);
  if (out->metadata_interval.count() <= 0 || out->metadata_per_send == 0)
    map.FailAt("send_interval", "metadata send interval and size must be positive");
  if (auto status = map.Finish(); !status.ok()) outer.Fail(status.error());
}

void ReadMessage(StrictMap& map, ForwardConfig* out, ConfigWarnings& warnings) {
  std::string message(kMessageV1);
  map.Read("protobuf_message", &message);
  if (message == kMessageV2) {
    Warn(*map.Get("protobuf_message"),
         "remote write 2.0 is not available yet: prometheus.WriteRequest is sent", warnings);
  } else if (message != kMessageV1) {
    map.FailAt("protobuf_message",
               fmt::format("unknown remote write protobuf message {}, supported: {}, {}", message,
                           kMessageV1, kMessageV2));
  }
  map.Read("send_native_histograms", &out->send_native_histograms);
  for (const std::string_view key :
       {"send_exemplars", "round_robin_dns", "failed_request_logging"}) {
    bool on = false;
    map.Read(key, &on);
    if (on) Warn(*map.Get(key), fmt::format("{} is not available yet", key), warnings);
  }
}

Result<ForwardConfig> ParseOne(const YamlNode& node, ConfigWarnings& warnings) {
  if (node.is_null()) return node.MakeError("empty or null remote write config section");
  ForwardConfig out;
  StrictMap map(node, "remote_write");
  map.Read("url", &out.url);
  if (out.url.empty()) {
    map.FailAt("url", "url for remote_write is empty");
  } else if (!out.url.starts_with("http://") && !out.url.starts_with("https://")) {
    map.FailAt("url", "url for remote_write must start with http:// or https://");
  }
  map.Read("name", &out.name);
  map.Read("remote_timeout", &out.remote_timeout);
  if (out.remote_timeout.count() <= 0)
    map.FailAt("remote_timeout", "remote_timeout must be greater than zero");
  ReadHeaders(map, &out);
  CheckAuth(map, &out);
  ReadMessage(map, &out, warnings);
  ReadQueue(map, &out);
  ReadMetadata(map, &out);
  if (const YamlNode* rules = map.Get("write_relabel_configs")) {
    auto parsed = ParseRelabelConfigs(*rules);
    if (parsed.ok()) {
      out.write_relabel_configs = *std::move(parsed);
    } else {
      map.Fail(parsed.error());
    }
  }
  auto transport = ReadTransportConfig(map, node.file);
  if (transport.ok()) {
    out.transport = *std::move(transport);
    bool http2 = false;  // unlike everywhere else
    map.Read("enable_http2", &http2);
    out.transport.enable_http2 = http2;
  } else {
    map.Fail(transport.error());
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  if (!out.unavailable.empty())
    Warn(node, fmt::format("{}: nothing is sent to {}", out.unavailable, out.url), warnings);
  return out;
}

// The URL keeps its place in the database when settings change, as a person would expect. A second
// endpoint of that URL (another tenant, say) is told apart by its headers, a third by its turn.
void NameByUrl(const YamlNode& node, std::set<std::string>& names, ForwardConfig* config,
               ConfigWarnings& warnings) {
  std::string key = config->url;
  const auto named = [&] {
    config->name = fmt::format("{:06x}", Hash64(key) & 0xffffff);
    return names.insert(config->name).second;
  };
  if (named()) return;
  for (const auto& [name, value] : config->headers) key += "\n" + name + ": " + value;
  for (int turn = 2; !named(); ++turn) key += "\n" + std::to_string(turn);
  Warn(node,
       fmt::format("remote_write: another endpoint has the URL {}, too; this one is \"{}\" now. "
                   "Give each a name: then what was sent to it stays known when they change places",
                   WithoutUrlPassword(config->url), config->name),
       warnings);
}

}  // namespace

Result<std::vector<ForwardConfig>> ParseForwardConfigs(const YamlNode& node,
                                                       ConfigWarnings& warnings) {
  std::vector<ForwardConfig> out;
  if (node.is_null()) return out;
  if (node.kind != YamlNode::Kind::kSequence)
    return node.MakeError("remote_write: expected a list");
  std::set<std::string> names;
  for (const YamlNode& item : node.items) {
    TOCSIN_ASSIGN(ForwardConfig config, ParseOne(item, warnings));
    if (!config.name.empty() && !names.insert(config.name).second) {
      return item.MakeError(fmt::format(
          "found multiple remote write configs with job name \"{}\": give each a name of its own",
          config.name));
    }
    out.push_back(std::move(config));
  }
  for (size_t i = 0; i < out.size(); ++i)
    if (out[i].name.empty()) NameByUrl(node.items[i], names, &out[i], warnings);
  return out;
}

}  // namespace tocsin::ingest
