// Reads one page along the layout of the page before, and says which samples go where. Knows
// neither store nor clock.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ingest/exposition/entry.h"
#include "ingest/scrape/metadata_cache.h"
#include "ingest/scrape/sample_labels.h"
#include "ingest/scrape/scrape_cache.h"

namespace tocsin::ingest {

enum class PageFormat : uint8_t { kText, kOpenMetrics };

// The limit that refused a page.
enum class PageLimit : uint8_t { kNone, kSamples, kLabels };

// The samples of a page, in the order of its lines.
struct Page {
  struct Stamped {
    SeriesRef ref;
    Timestamp t;
    double v;
  };
  // A line of a page that has left the layout.
  struct Line {
    std::string_view text;
    LineKind kind = LineKind::kRow;
    SeriesRef ref;            // invalid: see `labels`
    uint32_t new_labels = 0;  // index into Page::labels when the ref is not valid
    Timestamp t;
    double v = 0;
  };

  // The layout still holds: its rows have these values.
  bool follows_layout = true;
  std::vector<double> values;  // as layout.rows(); those of its head are for the caller to set
  std::vector<Stamped> stamped;

  // Else every line of the page, and the labels of series to resolve.
  std::vector<Line> lines;
  std::vector<Labels> labels;

  uint64_t scraped = 0;  // samples on the page
  uint64_t kept = 0;     // after relabelling
  uint64_t repeats = 0;  // lines that name a series again
  uint64_t refused = 0;  // lines of new series beyond PageOptions::max_new_series

  struct Exemplar {
    SeriesRef ref;      // of a page that follows its layout
    uint32_t line = 0;  // else: index into `lines`
    ExpositionSample::Exemplar exemplar;
  };
  std::vector<Exemplar> exemplars;

  PageLimit limit = PageLimit::kNone;
  Status status;  // not ok: the page must be thrown away; the counts say how far it was read
};

struct PageOptions {
  bool honor_timestamps = true;
  uint64_t sample_limit = 0;
  // What a page below the body limit may take of the memory: a page with more lines is refused, of
  // more new series the rest is left out.
  uint64_t max_lines = kDefaultMaxLines;
  uint64_t max_new_series = kDefaultMaxLines;

  static constexpr uint64_t kDefaultMaxLines = 1'000'000;
};

// REQUIRES: `body` outlives the Page, whose lines view it.
Page ReadPage(std::string_view body, PageFormat format, const PageLayout& layout,
              const PageOptions& options, SampleLabels& labels, MetadataCache& metadata);

}  // namespace tocsin::ingest
