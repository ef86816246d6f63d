// A unit test file as it is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/config/yaml_reader.h"
#include "storage/model/labels.h"

namespace tocsin::rules {

// Nothing for `_`.
using SeriesValues = std::vector<std::optional<double>>;

// `1 2 _ stale NaN a+bxn a-bxn axn _xn`. Histograms are kUnsupported; more than 10,000,000 values
// are kLimit.
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
    std::vector<std::pair<Labels, double>> samples;
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
  bool fuzzy_compare = false;
  std::vector<UnitTest> tests;
};

Result<UnitTestFile> ParseUnitTestFile(std::string_view text, const std::string& file,
                                       ConfigWarnings& warnings);

}  // namespace tocsin::rules
