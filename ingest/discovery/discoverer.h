// Service discovery: turns one entry of a *_sd_configs list into target groups, again and again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ingest/scrape_config.h"
#include "storage/base/executor.h"
#include "storage/base/file_system.h"
#include "storage/base/metrics.h"
#include "storage/base/scheduler.h"
#include "storage/base/transport.h"

namespace tocsin::ingest {

// REQUIRES: all outlive every discoverer and its callbacks.
struct DiscoveryPorts {
  Scheduler& scheduler;
  Executor& workers;  // reads files and parses answers
  Transport& transport;
  const FileSystem& files;
  MetricRegistry& metrics;
  std::string user_agent;
};

// All groups of one discoverer; replaces what it said before.
using EmitGroups = std::function<void(std::vector<TargetGroup>)>;

// Created running; destroying it stops it, though a call of EmitGroups under way may still finish.
// EmitGroups comes on any thread, one call at a time for one discoverer. A failed refresh emits
// nothing: the last good groups stay.
class Discoverer {
 public:
  virtual ~Discoverer() = default;
};

// What the discoverers of a configuration have found last.
struct FoundGroups {
  std::vector<std::pair<FileSdConfig, std::vector<TargetGroup>>> files;
  std::vector<std::pair<HttpSdConfig, std::vector<TargetGroup>>> http;
};

class Discovery : public Discoverer {
 public:
  virtual FoundGroups Found() const = 0;
};

// Runs every discoverer of a DiscoveryConfig and emits the groups of all together, at once with
// the static ones and then on each change. Same contract as a discoverer. `before`: what the one
// of the configuration before has found; until a discoverer has spoken, what the same one of it
// found stays, or what the one it replaces found (of the same kind, at the same place).
std::unique_ptr<Discovery> Discover(const DiscoveryConfig& config, const DiscoveryPorts& ports,
                                    EmitGroups emit, FoundGroups before = {});

// The list of {targets, labels} that files and HTTP services answer with. `source` names it in
// errors; `json` or YAML. Unknown fields are refused.
Result<std::vector<TargetGroup>> ParseTargetGroups(std::string_view text, const std::string& source,
                                                   bool json);
// One group from its YAML form.
Result<TargetGroup> ParseTargetGroup(const YamlNode& node, const std::string& source);

}  // namespace tocsin::ingest
