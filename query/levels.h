// When and how a query reads a downsampling level instead of samples.
//
// A level knows only whole windows, so the edges of what is asked for are moved down to the grid of
// the level: the newest sample of a step is that of the window before it, and (start, end] becomes
// the windows in between. Where the asked edges lie on the grid the result is that of raw samples;
// elsewhere it is what raw samples give less than one resolution earlier. docs/retention.md has the
// bounds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/context.h"
#include "query/evaluator.h"
#include "query/row.h"
#include "storage/queryable.h"

namespace tocsin::query {

struct RangeCall;

// The coarsest level that a selector may use though raw samples exist; 0: none. `range_ms` 0: an
// instant selector. Times are those the selector looks at: offset and @ are taken into account.
Duration CoarsestLevel(const QueryContext& context, int64_t first_ms, int64_t step_ms, size_t steps,
                       int64_t range_ms);

// Moves times down to the grid of the level that stands there; others stay.
class LevelEdges {
 public:
  explicit LevelEdges(std::vector<storage::LevelRegion> regions) : regions_(std::move(regions)) {}

  bool empty() const { return regions_.empty(); }
  int64_t Move(int64_t t_ms) const;
  // Of the level at that time; 0: raw.
  int64_t ResolutionAt(int64_t t_ms) const;

 private:
  std::vector<storage::LevelRegion> regions_;
};

// One series whose float samples are cells, a raw sample being a cell of its own, and whose
// histograms are thinned out. For the functions of functions/levels.cc.
struct LevelCall {
  RangeCall& call;
  const LevelEdges& edges;

  std::span<const storage::LevelCell> cells() const;
};

}  // namespace tocsin::query
