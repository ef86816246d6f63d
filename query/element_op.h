// Binary operators on single elements where a histogram is involved.
#pragma once

#include <map>
#include <string>

#include "query/context.h"
#include "query/parser/ast.h"

namespace tocsin::query {

// A float, or a histogram when `h` is set.
struct Operand {
  double v = 0;
  HistogramPtr h;
};

// Annotations of one operator. Of the problems met at one step only the last is told.
class StepProblems {
 public:
  void Drop(size_t step, bool warning, std::string text) { drops_[step] = {warning, text}; }
  void Inform(size_t step, std::string text) { infos_[step] = std::move(text); }
  void Report(Annotations& annotations, PositionRange pos) const;

 private:
  struct Problem {
    bool warning;
    std::string text;
  };
  std::map<size_t, Problem> drops_;
  std::map<size_t, std::string> infos_;
};

// x op y. False: no result; why is in `problems`. Comparisons give v = 1 or 0 and no histogram.
bool ApplyOperands(BinaryOp op, const Operand& x, const Operand& y, size_t step,
                   StepProblems* problems, Operand* result);

// Puts the outcome of `x op y` at `step` of a row, as filter or bool ask; `kept` is what a filter
// keeps.
void ApplyAt(const BinaryExpr& expr, const Operand& x, const Operand& y, const Operand& kept,
             size_t step, StepProblems* problems, Row* row);

inline Operand OperandAt(const Row& row, size_t step) {
  return {row.v[step], row.h.empty() ? nullptr : row.h[step]};
}

}  // namespace tocsin::query
