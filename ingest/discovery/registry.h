// The table of discovery kinds: one row per kind, which gives it its key in the configuration.
#pragma once

#include "ingest/discovery/discoverer.h"
#include "storage/config/yaml_reader.h"

namespace tocsin::ingest {

// The mechanisms. Each starts what its list in `config` names.
std::unique_ptr<Discoverer> MakeFileDiscoverer(const FileSdConfig& config,
                                               const DiscoveryPorts& ports, EmitGroups emit);
std::unique_ptr<Discoverer> MakeHttpDiscoverer(const HttpSdConfig& config,
                                               const DiscoveryPorts& ports, EmitGroups emit);

// Their sections of the configuration; `node` is one entry of the list.
Status ReadStaticConfig(const YamlNode& node, DiscoveryConfig* out);
Status ReadFileSdConfig(const YamlNode& node, DiscoveryConfig* out);
Status ReadHttpSdConfig(const YamlNode& node, DiscoveryConfig* out);

}  // namespace tocsin::ingest
