// What the exposition parsers yield, and the lines they share: series text and escapes. All views
// point into the parsed body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/metadata.h"

namespace tocsin::ingest {

enum class ExpositionEntry : uint8_t {
  kSample,
  kType,
  kHelp,
  kUnit,
  kEnd,
  kError,
};

// A sample line. `series` is metric name and labels as written: the key of the scrape cache.
struct ExpositionSample {
  std::string_view series;
  double value = 0;
  int64_t timestamp_ms = 0;  // meaningful when has_timestamp
  bool has_timestamp = false;
  struct Exemplar {
    std::string_view labels;  // `{name="value",...}` as written; empty: the line has none
    double value = 0;
    int64_t timestamp_ms = 0;  // meaningful when has_timestamp
    bool has_timestamp = false;
  };
  Exemplar exemplar;  // OpenMetrics
};

// A TYPE, HELP or UNIT line.
struct ExpositionMeta {
  std::string_view line;    // whole, without the line break
  std::string_view family;  // as written, without quotes
  std::string_view text;    // help as written, or unit
  MetricType type = MetricType::kUnknown;
};

// Labels of one series in the order of the text, with __name__ first when there is a name.
using ParsedLabels = std::vector<std::pair<std::string, std::string>>;

// Splits the text of a series a parser has yielded: escapes resolved, empty values kept. Refuses
// invalid UTF-8 and repeated names. Linear but for the check on repeated names.
Status ParseSeriesText(std::string_view series, ParsedLabels* out);

// Rewrites `le` of histograms and `quantile` of summaries the way OpenMetrics prints numbers, so
// that one bucket has one name in both formats.
void NormalizeBucketLabels(MetricType type, ParsedLabels* labels);

// A HELP text with its escapes resolved; kInvalidArgument for invalid UTF-8.
Result<std::string> UnescapeHelp(std::string_view text);
// The content of a quoted name or value (without the quotes).
void AppendUnescaped(std::string_view quoted, std::string* out);

// "counter" and its kin; false for an unknown word. `open_metrics` knows more words.
bool ParseMetricType(std::string_view word, bool open_metrics, MetricType* out);

}  // namespace tocsin::ingest
