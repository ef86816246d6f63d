// The row type of the function tables. One row says everything about a function: the parser checks
// types from it, the engine evaluates with it, completion lists it. To add a function, add a row to
// the table of its family (functions/<family>.cc) and a script line to tests/query/testdata.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "query/value.h"
#include "storage/base/result.h"

namespace tocsin::query {

class FunctionCall;
class RowStream;
struct RangeCall;
struct LevelCall;

// f(x) of each float; histograms are left out. Drops the name.
using MapFunction = double (*)(double);
// f of sliding windows over one series, all steps in one go; see functions/range.h.
using RangeFunction = void (*)(RangeCall& call);
// The same over the cells of a downsampling level; see functions/levels.h.
using LevelFunction = void (*)(LevelCall& level);
// f with full control over its arguments, giving a vector.
using VectorFunction = Result<std::unique_ptr<RowStream>> (*)(FunctionCall& call);
// The same, giving one float per step.
using ScalarFunction = Result<std::vector<double>> (*)(FunctionCall& call);

struct FunctionSpec {
  static constexpr int kUnbounded = -1;

  std::string_view name;
  // Types of the leading arguments; kNone ends the list. Further ones (variadic) have the type of
  // the last.
  std::array<ValueType, 5> args{};
  // 0: exactly args. n > 0: the last of args may be left out or occur up to n times in all;
  // kUnbounded: any number of times, or left out.
  int variadic = 0;
  ValueType returns = ValueType::kVector;
  bool experimental = false;
  // Stays out of step-invariant folding: its value depends on the step even when its argument
  // does not.
  bool step_dependent = false;

  // How it is evaluated: exactly one is set.
  MapFunction map = nullptr;
  RangeFunction range = nullptr;
  LevelFunction level = nullptr;  // beside `range`; null: only raw samples will do
  VectorFunction vector = nullptr;
  ScalarFunction scalar = nullptr;
  // For `range`: the result keeps the metric name.
  bool keeps_name = false;

  constexpr int arg_count() const {
    int n = 0;
    while (n < static_cast<int>(args.size()) && args[n] != ValueType::kNone) ++n;
    return n;
  }
  constexpr int min_args() const { return variadic == 0 ? arg_count() : arg_count() - 1; }
  // kUnbounded when there is no limit.
  constexpr int max_args() const {
    if (variadic == kUnbounded) return kUnbounded;
    return variadic == 0 ? arg_count() : arg_count() - 1 + variadic;
  }
  // REQUIRES: arg_count() > 0.
  constexpr ValueType arg_type(int index) const {
    return args[index < arg_count() ? index : arg_count() - 1];
  }
  constexpr bool evaluates() const { return map || range || vector || scalar; }
};

}  // namespace tocsin::query
