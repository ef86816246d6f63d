#include "ingest/discovery/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>

namespace tocsin::ingest {
namespace {

struct DiscoveryKind {
  std::string_view key;
  // Null: known to Prometheus, not built here yet.
  Status (*read)(const YamlNode& node, DiscoveryConfig* out);
};

constexpr DiscoveryKind kKinds[] = {
    {"static_configs", &ReadStaticConfig},
    {"file_sd_configs", &ReadFileSdConfig},
    {"http_sd_configs", &ReadHttpSdConfig},
    {"aws_sd_configs", nullptr},
    {"azure_sd_configs", nullptr},
    {"consul_sd_configs", nullptr},
    {"digitalocean_sd_configs", nullptr},
    {"dns_sd_configs", nullptr},
    {"docker_sd_configs", nullptr},
    {"dockerswarm_sd_configs", nullptr},
    {"ec2_sd_configs", nullptr},
    {"eureka_sd_configs", nullptr},
    {"gce_sd_configs", nullptr},
    {"hetzner_sd_configs", nullptr},
    {"ionos_sd_configs", nullptr},
    {"kubernetes_sd_configs", nullptr},
    {"kuma_sd_configs", nullptr},
    {"lightsail_sd_configs", nullptr},
    {"linode_sd_configs", nullptr},
    {"marathon_sd_configs", nullptr},
    {"nerve_sd_configs", nullptr},
    {"nomad_sd_configs", nullptr},
    {"oci_sd_configs", nullptr},
    {"openstack_sd_configs", nullptr},
    {"outscale_sd_configs", nullptr},
    {"ovhcloud_sd_configs", nullptr},
    {"puppetdb_sd_configs", nullptr},
    {"scaleway_sd_configs", nullptr},
    {"serverset_sd_configs", nullptr},
    {"stackit_sd_configs", nullptr},
    {"triton_sd_configs", nullptr},
    {"uyuni_sd_configs", nullptr},
    {"vultr_sd_configs", nullptr},
};

template <typename Config>
using FoundOf = std::vector<std::pair<Config, std::vector<TargetGroup>>>;

// What stays in the place of a discoverer until it has spoken.
template <typename Config>
std::vector<TargetGroup> Kept(FoundOf<Config>& before, const std::vector<Config>& now, size_t i) {
  for (auto& [config, groups] : before)
    if (config == now[i]) return groups;
  if (i >= before.size()) return {};
  // Unless that one goes on elsewhere.
  const bool goes_on = std::find(now.begin(), now.end(), before[i].first) != now.end();
  return goes_on ? std::vector<TargetGroup>() : before[i].second;
}

// Joins the groups of several discoverers.
class DiscoverySet final : public Discovery {
 public:
  DiscoverySet(const DiscoveryConfig& config, const DiscoveryPorts& ports, EmitGroups emit,
               FoundGroups before)
      : config_(config), state_(std::make_shared<State>()) {
    state_->emit = std::move(emit);
    state_->groups.push_back(config.static_configs);
    for (size_t i = 0; i < config.file_sd_configs.size(); ++i)
      state_->groups.push_back(Kept(before.files, config.file_sd_configs, i));
    for (size_t i = 0; i < config.http_sd_configs.size(); ++i)
      state_->groups.push_back(Kept(before.http, config.http_sd_configs, i));
    size_t slot = 1;
    for (const FileSdConfig& file : config.file_sd_configs)
      discoverers_.push_back(MakeFileDiscoverer(file, ports, SlotEmitter(slot++)));
    for (const HttpSdConfig& http : config.http_sd_configs)
      discoverers_.push_back(MakeHttpDiscoverer(http, ports, SlotEmitter(slot++)));
    state_->EmitAll();
  }

  FoundGroups Found() const override {
    FoundGroups out;
    std::lock_guard lock(state_->mutex);
    size_t slot = 1;
    for (const FileSdConfig& file : config_.file_sd_configs)
      out.files.emplace_back(file, state_->groups[slot++]);
    for (const HttpSdConfig& http : config_.http_sd_configs)
      out.http.emplace_back(http, state_->groups[slot++]);
    return out;
  }

  ~DiscoverySet() override {
    discoverers_.clear();
    std::lock_guard lock(state_->mutex);
    state_->emit = nullptr;
  }

 private:
  struct State {
    std::mutex mutex;  // also orders the calls of emit
    std::vector<std::vector<TargetGroup>> groups;
    EmitGroups emit;

    void EmitAll() {
      std::lock_guard lock(mutex);
      if (!emit) return;
      std::vector<TargetGroup> all;
      for (const auto& slot : groups) all.insert(all.end(), slot.begin(), slot.end());
      emit(std::move(all));
    }
  };

  EmitGroups SlotEmitter(size_t slot) {
    return [state = state_, slot](std::vector<TargetGroup> groups) {
      {
        std::lock_guard lock(state->mutex);
        state->groups[slot] = std::move(groups);
      }
      state->EmitAll();
    };
  }

  const DiscoveryConfig config_;
  std::shared_ptr<State> state_;
  std::vector<std::unique_ptr<Discoverer>> discoverers_;
};

}  // namespace

std::unique_ptr<Discovery> Discover(const DiscoveryConfig& config, const DiscoveryPorts& ports,
                                    EmitGroups emit, FoundGroups before) {
  return std::make_unique<DiscoverySet>(config, ports, std::move(emit), std::move(before));
}

Status ReadStaticConfig(const YamlNode& node, DiscoveryConfig* out) {
  TOCSIN_ASSIGN(TargetGroup group,
                ParseTargetGroup(node, fmt::format("{}", out->static_configs.size())));
  out->static_configs.push_back(std::move(group));
  return OkStatus();
}

Result<DiscoveryConfig> ReadDiscoveryConfig(StrictMap& map, ConfigWarnings& warnings) {
  DiscoveryConfig out;
  for (const DiscoveryKind& kind : kKinds) {
    const YamlNode* node = map.Get(kind.key);
    if (node == nullptr) continue;
    if (node->kind != YamlNode::Kind::kSequence)
      return node->MakeError(fmt::format("{}: expected a list", kind.key));
    if (kind.read == nullptr && !node->items.empty()) {
      warnings.push_back(
          node->MakeError(
                  fmt::format("{} is not available yet: no targets are found through it", kind.key))
              .message());
      continue;
    }
    for (const YamlNode& item : node->items) {
      if (item.is_null())
        return node->MakeError(fmt::format("empty or null section in {}", kind.key));
      TOCSIN_RETURN_IF_ERROR(kind.read(item, &out));
    }
  }
  return out;
}

}  // namespace tocsin::ingest
