#include "query/element_op.h"

#include <fmt/format.h>

#include "query/binary_op.h"
#include "query/histogram/arithmetic.h"
#include "query/histogram/trim.h"

namespace tocsin::query {
namespace {

HistogramPtr Settled(FlatHistogram h) {
  h.Compact();
  return h.ToShared();
}

bool AddOrSubtract(BinaryOp op, const Operand& x, const Operand& y, size_t step,
                   StepProblems* problems, Operand* result) {
  const bool add = op == BinaryOp::kAdd;
  FlatHistogram sum(*x.h);
  const FlatHistogram other(*y.h);
  const MergeNotes notes =
      add ? AddHistogram(&sum, other, Rounding::kPlain) : SubtractHistogram(&sum, other);
  const std::string_view what = add ? "addition" : "subtraction";
  if (notes.mixed) {
    problems->Drop(step, true,
                   fmt::format("incompatible bucket layout encountered for binary operator {}",
                               BinaryOpText(op)));
    return false;
  }
  if (notes.reconciled) {
    problems->Inform(step,
                     fmt::format("mismatched custom buckets were reconciled during {}", what));
  }
  if (notes.collision) {
    problems->Drop(step, true, fmt::format("conflicting counter resets during histogram {}", what));
    return false;
  }
  if (!add) sum.hint = CounterResetHint::kGauge;
  *result = {0, Settled(std::move(sum))};
  return true;
}

HistogramPtr Scaled(const Histogram& h, BinaryOp op, double f) {
  FlatHistogram scaled(h);
  if (op == BinaryOp::kMul) {
    scaled.Multiply(f);
  } else {
    scaled.Divide(f);
  }
  return Settled(std::move(scaled));
}

bool Refuse(BinaryOp op, const Operand& x, const Operand& y, size_t step, StepProblems* problems) {
  auto kind = [](const Operand& o) { return o.h != nullptr ? "histogram" : "float"; };
  const std::string_view text = BinaryOpText(op);
  problems->Drop(step, false,
                 fmt::format("incompatible sample types encountered for binary operator \"{}\": "
                             "{} {} {}",
                             text, kind(x), text, kind(y)));
  return false;
}

}  // namespace

void StepProblems::Report(Annotations& annotations, PositionRange pos) const {
  for (const auto& [step, problem] : drops_) {
    if (problem.warning) {
      annotations.Warn(problem.text, pos);
    } else {
      annotations.Info(problem.text, pos);
    }
  }
  for (const auto& [step, text] : infos_) annotations.Info(text, pos);
}

bool ApplyOperands(BinaryOp op, const Operand& x, const Operand& y, size_t step,
                   StepProblems* problems, Operand* result) {
  const bool trim = IsTrim(op);
  if (x.h == nullptr && y.h == nullptr) {
    if (trim) return Refuse(op, x, y, step, problems);
    *result = {ApplyFloats(op, x.v, y.v), nullptr};
    return true;
  }
  if (x.h != nullptr && y.h != nullptr) {
    if (op == BinaryOp::kAdd || op == BinaryOp::kSub) {
      return AddOrSubtract(op, x, y, step, problems, result);
    }
    if (op == BinaryOp::kEqual || op == BinaryOp::kNotEqual) {
      *result = {SameHistogram(*x.h, *y.h) == (op == BinaryOp::kEqual) ? 1.0 : 0.0, nullptr};
      return true;
    }
    return Refuse(op, x, y, step, problems);
  }
  if (x.h != nullptr && trim) {
    *result = {0, op == BinaryOp::kTrimUpper ? KeepBelow(x.h, y.v) : KeepAbove(x.h, y.v)};
    return true;
  }
  if (op == BinaryOp::kMul || (op == BinaryOp::kDiv && x.h != nullptr)) {
    *result = {0, Scaled(x.h != nullptr ? *x.h : *y.h, op, x.h != nullptr ? y.v : x.v)};
    return true;
  }
  return Refuse(op, x, y, step, problems);
}

void ApplyAt(const BinaryExpr& expr, const Operand& x, const Operand& y, const Operand& kept,
             size_t step, StepProblems* problems, Row* row) {
  Operand result;
  row->v[step] = Absent();
  if (!row->h.empty()) row->h[step].reset();
  if (!ApplyOperands(expr.op, x, y, step, problems, &result)) return;
  if (IsComparison(expr.op) && !expr.return_bool) {
    if (result.v == 0) return;
    result = kept;
  }
  if (result.h != nullptr) {
    row->SetHistogram(step, std::move(result.h));
  } else {
    row->v[step] = result.v;
  }
}

}  // namespace tocsin::query
