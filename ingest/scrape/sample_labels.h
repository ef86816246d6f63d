// From the labels a target exposes to the labels that are stored: merge with the target's,
// relabelling, checks and limits. Runs once per series, not per sample: the scrape cache keeps
// the outcome.
#pragma once

#include <optional>
#include <string_view>

#include "ingest/exposition/entry.h"
#include "ingest/scrape_config.h"
#include "storage/model/labels.h"

namespace tocsin::ingest {

// One thread. REQUIRES: both arguments outlive it.
class SampleLabels {
 public:
  SampleLabels(const ScrapeConfig& config, const Labels& target)
      : config_(config), target_(target) {}

  // `series` as a parser yielded it, `type` of its family as far as known. No value: a rule
  // dropped the series. Errors end the whole scrape.
  Result<std::optional<Labels>> Make(std::string_view series, MetricType type);

 private:
  void Merge();
  Status Check(const Labels& labels) const;
  Status CheckLimits(const Labels& labels) const;

  const ScrapeConfig& config_;
  const Labels& target_;
  ParsedLabels parsed_;
  LabelsBuilder builder_;
};

}  // namespace tocsin::ingest
