#include "ingest/scrape/target.h"

#include <fmt/format.h>

#include <map>

#include "storage/base/coding.h"
#include "storage/model/duration.h"

namespace tocsin::ingest {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kMetricsPath = "__metrics_path__";
constexpr std::string_view kInterval = "__scrape_interval__";
constexpr std::string_view kTimeout = "__scrape_timeout__";
constexpr std::string_view kUnixSocket = "__unix_socket__";
constexpr std::string_view kParamPrefix = "__param_";
constexpr std::string_view kInternalPrefix = "__";

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Percent-encodes everything but letters, digits and `safe`.
void AppendEscaped(std::string& out, std::string_view text, std::string_view safe,
                   bool space_as_plus) {
  for (const char c : text) {
    if (IsAlphanumeric(c) || safe.find(c) != std::string_view::npos) {
      out += c;
    } else if (c == ' ' && space_as_plus) {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<uint8_t>(c));
    }
  }
}

std::string BuildUrl(const ScrapeConfig& config, const Labels& labels, std::string_view address) {
  std::string url = fmt::format("{}://{}", labels.Get(kScheme), address);
  const std::string_view path = labels.Get(kMetricsPath);
  if (!path.starts_with('/')) url += '/';
  AppendEscaped(url, path, "-_.~/$&+,:;=@!'()*", false);
  std::map<std::string, std::vector<std::string>> params = config.params;
  for (const Label& label : labels) {
    if (!label.name.starts_with(kParamPrefix)) continue;
    auto& values = params[std::string(label.name.substr(kParamPrefix.size()))];
    if (values.empty()) values.emplace_back();
    values.front() = label.value;
  }
  char separator = '?';
  for (const auto& [key, values] : params) {
    for (const std::string& value : values) {
      url += separator;
      separator = '&';
      AppendEscaped(url, key, "-_.~", true);
      url += '=';
      AppendEscaped(url, value, "-_.~", true);
    }
  }
  return url;
}

void FillDefaults(const ScrapeConfig& config, LabelsBuilder& labels) {
  const auto fill = [&labels](std::string_view name, std::string_view value) {
    if (labels.Get(name).empty()) labels.Set(name, value);
  };
  fill(kJobLabel, config.job_name);
  fill(kInterval, FormatDuration(config.scrape_interval));
  fill(kTimeout, FormatDuration(config.scrape_timeout));
  fill(kMetricsPath, config.metrics_path);
  fill(kScheme, config.scheme);
  for (const auto& [key, values] : config.params) {
    if (!values.empty()) fill(std::string(kParamPrefix) + key, values.front());
  }
}

Result<Duration> PositiveDuration(const Labels& labels, std::string_view name,
                                  std::string_view what) {
  auto value = ParseDuration(labels.Get(name));
  if (!value.ok()) return value.error().WithContext(fmt::format("error parsing {}", what));
  if (value->count() <= 0) return InvalidArgument(fmt::format("{} cannot be 0", what));
  return value;
}

}  // namespace

uint64_t ScrapeTarget::Hash() const { return Hash64(url, labels.Hash()); }

Result<std::optional<ScrapeTarget>> MakeTarget(const ScrapeConfig& config, const TargetGroup& group,
                                               const Labels& target, Labels* discovered) {
  LabelsBuilder builder(target);
  for (const Label& label : group.labels) {
    if (builder.Get(label.name).empty()) builder.Set(label.name, label.value);
  }
  FillDefaults(config, builder);
  ScrapeTarget out;
  out.discovered = builder.Build();
  *discovered = out.discovered;
  builder.Reset(out.discovered);
  if (!Relabel(config.relabel_configs, builder)) return std::optional<ScrapeTarget>();
  const Labels all = builder.Build();

  std::string address(all.Get(kAddress));
  out.unix_socket = all.Get(kUnixSocket);
  if (address.empty() && !out.unix_socket.empty()) address = "localhost";
  if (address.empty()) return InvalidArgument("no address");
  if (address.find('/') != std::string::npos)
    return InvalidArgument(fmt::format("\"{}\" is not a valid hostname", address));
  TOCSIN_ASSIGN(out.interval, PositiveDuration(all, kInterval, "scrape interval"));
  TOCSIN_ASSIGN(out.timeout, PositiveDuration(all, kTimeout, "scrape timeout"));
  if (out.timeout > out.interval) {
    return InvalidArgument(
        fmt::format("scrape timeout cannot be greater than scrape interval "
                    "(\"{}\" > \"{}\")",
                    all.Get(kTimeout), all.Get(kInterval)));
  }
  const std::string_view scheme = all.Get(kScheme);
  if (scheme != "http" && scheme != "https")
    return InvalidArgument(fmt::format("unsupported scheme \"{}\"", scheme));

  builder.Reset(all);
  for (const Label& label : all) {
    if (label.name.starts_with(kInternalPrefix)) builder.Del(label.name);
    const bool valid =
        config.legacy_names ? IsLegacyLabelName(label.name) : IsValidLabelName(label.name);
    if (!valid || !IsValidUtf8(label.value)) {
      return InvalidArgument(
          fmt::format("invalid label after relabelling: {}=\"{}\"", label.name, label.value));
    }
  }
  if (builder.Get(kInstanceLabel).empty()) builder.Set(kInstanceLabel, address);
  out.labels = builder.Build();
  out.url = BuildUrl(config, all, address);
  return std::optional<ScrapeTarget>(std::move(out));
}

Timestamp FirstScrape(uint64_t hash, uint64_t seed, Duration interval, Timestamp now) {
  const int64_t step = interval.count();
  const auto phase = static_cast<int64_t>((hash ^ seed) % static_cast<uint64_t>(step));
  int64_t into = (now.ms - phase) % step;
  if (into < 0) into += step;
  return into == 0 ? now : Timestamp{now.ms - into + step};
}

}  // namespace tocsin::ingest
