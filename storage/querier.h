// Answers selects: picks series by the index, reads their samples from sealed files and the head.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/metrics.h"
#include "storage/directory.h"
#include "storage/exemplar_store.h"
#include "storage/group_cache.h"
#include "storage/head.h"
#include "storage/queryable.h"
#include "storage/rocks_store.h"
#include "storage/sample_reader.h"
#include "storage/series_index.h"

namespace tocsin::storage {

// Thread-safe.
class Querier {
 public:
  // REQUIRES: all outlive this.
  Querier(const RocksStore& store, GroupCache& groups, const SeriesIndex& index, const Head& head,
          const ExemplarStore& exemplars, const Directories& directories, Counter corruptions)
      : store_(store),
        groups_(groups),
        index_(index),
        head_(head),
        exemplars_(exemplars),
        directories_(directories),
        corruptions_(corruptions) {}

  // As Queryable's.
  Result<std::unique_ptr<SeriesSet>> Select(std::span<const Matcher> matchers, Timestamp from,
                                            Timestamp to, const SelectHints& hints) const;
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, Timestamp from,
                                              Timestamp to) const;
  Result<std::vector<std::string>> LabelValues(const std::string& name,
                                               std::span<const Matcher> matchers, Timestamp from,
                                               Timestamp to) const;
  Result<std::vector<SeriesExemplars>> Exemplars(std::span<const std::vector<Matcher>> selectors,
                                                 Timestamp from, Timestamp to) const;

 private:
  // Those that match and may have samples in the range, in ascending order of id.
  std::vector<const Series*> Find(const Directory& view, std::span<const Matcher> matchers,
                                  Timestamp from, Timestamp to) const;

  // The same of series that have left memory and are not among `hot`.
  std::vector<SeriesPtr> FindCold(const Directory& view, std::span<const Matcher> matchers,
                                  Timestamp from, Timestamp to, std::span<const Series* const> hot,
                                  const Warnings& warnings) const;

  // The days to ask for series that have left memory, if there are any.
  std::optional<std::pair<uint16_t, uint16_t>> ColdDays(Timestamp from, Timestamp to) const;

  const RocksStore& store_;
  GroupCache& groups_;
  const SeriesIndex& index_;
  const Head& head_;
  const ExemplarStore& exemplars_;
  const Directories& directories_;
  const Counter corruptions_;
};

}  // namespace tocsin::storage
