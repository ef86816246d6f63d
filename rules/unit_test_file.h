// A unit test file as it is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/value.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/config/yaml_reader.h"
#include "storage/model/labels.h"

namespace tocsin::rules {

struct SeriesValue {
  SeriesValue(double value) : v(value) {}  // NOLINT(google-explicit-constructor)
  explicit SeriesValue(query::HistogramPtr histogram) : h(std::move(histogram)) {}
  double v = 0;
  query::HistogramPtr h;  // instead of `v`
};
// Nothing for `_`.
using SeriesValues = std::vector<std::optional<SeriesValue>>;

// `1 2 _ stale NaN a+bxn a-bxn axn _xn` and histograms `{{...}}`, `{{...}}xn`, `{{...}}+{{...}}xn`.
// More than 10,000,000 values (1,000,000 histograms) are kLimit.
Result<SeriesValues> ParseSeriesValues(std::string_view text);

struct UnitTest {
  struct InputSeries {
    Labels labels;
    SeriesValues values;
  };
  struct ExpectedAlert {
    Labels labels;
    Labels annotations;
  };
  struct AlertCheck {
    Duration eval_time{0};
    std::string alertname;
    std::vector<ExpectedAlert> alerts;
  };
  struct ExprCheck {
    std::string expr;
    Duration eval_time{0};
    std::vector<std::pair<Labels, SeriesValue>> samples;
  };

  std::string name;
  Duration interval{0};
  std::vector<InputSeries> input_series;
  std::vector<AlertCheck> alert_checks;
  std::vector<ExprCheck> expr_checks;
  Labels external_labels;
  std::string external_url;
  Timestamp start;
};

struct UnitTestFile {
  std::vector<std::string> rule_files;
  Duration evaluation_interval{60'000};
  std::vector<std::string> group_eval_order;
  // Whether a result may differ by one unit in the last place; when the file does not say, it may.
  bool fuzzy_compare = true;
  std::vector<UnitTest> tests;
};

// `ignore_unknown`: keys that nobody knows are passed over.
Result<UnitTestFile> ParseUnitTestFile(std::string_view text, const std::string& file,
                                       bool ignore_unknown, ConfigWarnings& warnings);

}  // namespace tocsin::rules
