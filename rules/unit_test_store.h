// The samples of one unit test, in memory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "query/value.h"
#include "storage/queryable.h"

namespace tocsin::rules {

// One thread.
class UnitTestStore final : public storage::Queryable {
 public:
  // A sample at a time where there is one replaces it.
  void Add(const Labels& labels, Timestamp t, double v, query::HistogramPtr histogram = nullptr);

  Result<std::unique_ptr<storage::SeriesSet>> Select(
      std::span<const Matcher> matchers, Timestamp from, Timestamp to,
      const storage::SelectHints& hints) const override;
  Result<std::vector<std::string>> LabelNames(std::span<const Matcher> matchers, Timestamp from,
                                              Timestamp to) const override;
  Result<std::vector<std::string>> LabelValues(const std::string& name,
                                               std::span<const Matcher> matchers, Timestamp from,
                                               Timestamp to) const override;
  std::vector<std::pair<std::string, Metadata>> MetricMetadata(
      const std::string& metric) const override;

  // In time order; the three run in parallel.
  struct Series {
    std::vector<Timestamp> times;
    std::vector<double> values;
    std::vector<query::HistogramPtr> histograms;
  };
  const std::map<Labels, Series>& series() const { return series_; }

 private:
  std::map<Labels, Series> series_;
};

}  // namespace tocsin::rules
