// OpenMetrics text 1.0 (and 0.0.1). Stricter than the text format: single spaces, `# EOF` at the
// end, timestamps in seconds.
#pragma once

#include <string_view>

#include "ingest/exposition/entry.h"

namespace tocsin::ingest {

// Same interface and guarantees as TextParser.
class OpenMetricsParser {
 public:
  explicit OpenMetricsParser(std::string_view body)
      : body_(body), p_(body.data()), end_(body.data() + body.size()) {}

  ExpositionEntry Next(std::string_view expected = {});

  const ExpositionSample& sample() const { return sample_; }
  const ExpositionMeta& meta() const { return meta_; }  // after kType, kHelp, kUnit
  const Status& status() const { return status_; }
  bool matched() const { return matched_; }
  Error LineError(std::string_view message) const;

 private:
  ExpositionEntry Sample(std::string_view expected);
  ExpositionEntry AfterSeries();
  ExpositionEntry Comment();
  ExpositionEntry Meta(ExpositionEntry kind, const char* name, const char* line_end);
  Status Exemplar();
  // A number after one space; `what` names it in the error.
  Status Number(const char* what, double* out);
  ExpositionEntry Fail(Error error);

  std::string_view body_;
  const char* p_;
  const char* end_;
  const char* line_ = nullptr;
  bool ended_ = false;
  ExpositionSample sample_;
  ExpositionMeta meta_;
  Status status_;
  bool matched_ = false;
};

}  // namespace tocsin::ingest
