// A target: where to scrape and which labels its samples carry. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "ingest/scrape_config.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"

namespace tocsin::ingest {

struct ScrapeTarget {
  Labels discovered;  // before relabelling, with the defaults filled in
  Labels labels;      // what samples get: nothing that starts with __
  std::string url;
  std::string unix_socket;  // connect here when not empty
  Duration interval{0};
  Duration timeout{0};

  // Names the target across discoveries: labels and URL.
  uint64_t Hash() const;
};

// Builds the target `target` of `group` in job `config`: merge, defaults, relabelling, checks.
// No value: a rule dropped it; `discovered` is set in any case. Errors: `no address`,
// `"a/b" is not a valid hostname`, bad interval or timeout labels.
Result<std::optional<ScrapeTarget>> MakeTarget(const ScrapeConfig& config, const TargetGroup& group,
                                               const Labels& target, Labels* discovered);

// The first scrape at or after `now`: every target has its own phase in the interval, fixed by
// `hash` and `seed` relative to the epoch, so that load spreads and a restart keeps the rhythm.
Timestamp FirstScrape(uint64_t hash, uint64_t seed, Duration interval, Timestamp now);

}  // namespace tocsin::ingest
