// Selectors: storage blocks to rows and to samples for range functions.
#pragma once

#include "query/context.h"
#include "query/evaluator.h"
#include "query/parser/ast.h"

namespace tocsin::query {

// Where the looking of a selector or subquery starts at each step: the step, or its @, less offset.
struct ReferenceTimes {
  int64_t first_ms = 0;
  int64_t step_ms = 0;
  int64_t at(size_t i) const { return first_ms + static_cast<int64_t>(i) * step_ms; }
};
ReferenceTimes ReferencesOf(const QueryContext& context, const TimeModifiers& time,
                            const StepGrid& grid);

enum class SelectorOutput { kValue, kSampleTime, kStartTime };

struct SelectOptions {
  SelectorOutput output = SelectorOutput::kValue;
  std::string_view function;  // directly around the selector, as a hint to storage
  // Only counts, sums and reset hints of histograms are asked for: buckets are left out, and the
  // hints are made explicit by looking for resets between neighbours.
  bool counts_only = false;
  bool levels = false;  // cells of a level are understood (SelectInstant does without being told)
};

// The newest sample of each series within the lookback at every step.
Result<RowStreamPtr> SelectInstant(QueryContext& context, const VectorSelector& selector,
                                   const StepGrid& grid, const SelectOptions& options);

// All samples within `reach_ms` before and `ahead_ms` after the times of the steps, left-open.
Result<SampleStreamPtr> SelectSamples(QueryContext& context, const VectorSelector& selector,
                                      const ReferenceTimes& references, size_t steps,
                                      int64_t reach_ms, int64_t ahead_ms,
                                      const SelectOptions& options);

Result<RangeInput> SelectRange(QueryContext& context, const MatrixSelector& selector,
                               const StepGrid& grid, const SelectOptions& options);

}  // namespace tocsin::query
