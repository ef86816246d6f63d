// The series of one target in the store: turns pages into rows, and silence into staleness
// markers.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ingest/row_hints.h"
#include "ingest/sample_batch.h"
#include "ingest/scrape/page_reader.h"
#include "ingest/scrape/report_series.h"
#include "ingest/scrape/scrape_cache.h"
#include "storage/appendable.h"

namespace tocsin::ingest {

// One thread at a time. One row per scrape: the report series, then the page's, so that a failed
// scrape (all markers) has the same shape as a good one.
class TargetSeries {
 public:
  struct Outcome {
    storage::RowResult rows;
    uint64_t added = 0;           // series new to this target
    uint64_t refused_series = 0;  // the store has no room for more
    uint64_t refused_exemplars = 0;
    // Not ok: nothing was appended (kInvalidLabels: by a series of the page). Stale refs in `rows`:
    // Forget(), then again with a new appender.
    Status status;
  };

  // `report_series`: how many of kReportSeries. `track_stamped`: series with timestamps of their
  // own get markers too.
  TargetSeries(const Labels& target, size_t report_series, bool track_stamped)
      : target_(target), report_series_(report_series), track_stamped_(track_stamped) {}

  // Makes the report series known. Before ReadPage and any write.
  Status Prepare(storage::Appender& appender);
  const PageLayout& layout() const { return layout_; }

  // Writes what ReadPage made of a good page along layout(), with markers for series that were on
  // the page before and are not on this one. Fills report.added.
  Outcome WritePage(storage::Appender& appender, Timestamp t, Page& page, ScrapeReport& report);
  // Writes the report of a failed scrape, with markers for every series of the last good one.
  Outcome WriteFailure(storage::Appender& appender, Timestamp t, const ScrapeReport& report);
  // Markers for everything, the report series included.
  Outcome WriteEnd(storage::Appender& appender, Timestamp t);

  // Drops all refs: the store does not know them any more.
  void Forget();
  // Hands over what WriteEnd would mark. Empty afterwards.
  std::vector<SeriesRef> Release();
  // Series of a target with the same labels that went before: markers for those that are not on
  // the next page.
  void Adopt(std::vector<SeriesRef> refs);

  size_t memory_bytes() const { return layout_.memory_bytes(); }

 private:
  struct Resolved {
    std::vector<SeriesRef> refs;  // invalid: refused
    uint64_t refused = 0;
  };

  Result<Resolved> ResolveNew(storage::Appender& appender, const std::vector<Labels>& labels);
  Outcome WriteNewLayout(storage::Appender& appender, Timestamp t, Page& page,
                         ScrapeReport& report);
  static void AppendExemplars(storage::Appender& appender, Timestamp t, const Page& page,
                              Outcome* out);
  // The series that get a marker when they are missing.
  std::vector<SeriesRef> Tracked(bool with_report) const;
  void AppendMarkers(storage::Appender& appender, Timestamp t, std::span<const SeriesRef> refs,
                     storage::RowResult* rows);

  const Labels& target_;
  const size_t report_series_;
  const bool track_stamped_;
  std::vector<SeriesRef> report_refs_;
  PageLayout layout_;
  bool active_ = false;  // the series of layout_ have had a sample since their last marker
  std::vector<SeriesRef> adopted_;
  storage::RowHint hint_;
  RowHints stamped_hints_;
  SampleBatch batch_;
};

}  // namespace tocsin::ingest
