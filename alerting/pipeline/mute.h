// The stages that keep alerts back: inhibition, active and mute time intervals, silences.
#pragma once

#include <string>
#include <vector>

#include "alerting/pipeline/stage.h"

namespace tocsin::alerting {

struct MuteResult {
  std::vector<NotifiedAlert> alerts;  // that came through
  std::vector<std::string> muted_by;  // time intervals that hold the whole group back
};

// In that order; each stage sees what the one before left.
MuteResult ApplyMutes(const FlushInput& input, const PipelineParts& parts);

// Names of the intervals that hold the route's groups back at `now`.
std::vector<std::string> MutingIntervals(const Route& route, const AlertmanagerConfig& config,
                                         Timestamp now, bool* inactive);

}  // namespace tocsin::alerting
