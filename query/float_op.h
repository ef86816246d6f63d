// Operators on two floats as function objects, so that loops over steps are compiled per operator.
#pragma once

#include <cmath>

#include "query/parser/ast.h"

namespace tocsin::query {

// Calls visit(f) with f(x, y) -> double. Comparisons give 1 or 0. REQUIRES: not a set operator.
template <typename Visit>
void WithFloatOp(BinaryOp op, Visit&& visit) {
  switch (op) {
    case BinaryOp::kAdd:
      return visit([](double x, double y) { return x + y; });
    case BinaryOp::kSub:
      return visit([](double x, double y) { return x - y; });
    case BinaryOp::kMul:
      return visit([](double x, double y) { return x * y; });
    case BinaryOp::kDiv:
      return visit([](double x, double y) { return x / y; });
    case BinaryOp::kMod:
      return visit([](double x, double y) { return std::fmod(x, y); });
    case BinaryOp::kPow:
      return visit([](double x, double y) { return std::pow(x, y); });
    case BinaryOp::kAtan2:
      return visit([](double x, double y) { return std::atan2(x, y); });
    case BinaryOp::kEqual:
      return visit([](double x, double y) { return x == y ? 1.0 : 0.0; });
    case BinaryOp::kNotEqual:
      return visit([](double x, double y) { return x != y ? 1.0 : 0.0; });
    case BinaryOp::kLess:
      return visit([](double x, double y) { return x < y ? 1.0 : 0.0; });
    case BinaryOp::kGreater:
      return visit([](double x, double y) { return x > y ? 1.0 : 0.0; });
    case BinaryOp::kLessOrEqual:
      return visit([](double x, double y) { return x <= y ? 1.0 : 0.0; });
    case BinaryOp::kGreaterOrEqual:
      return visit([](double x, double y) { return x >= y ? 1.0 : 0.0; });
    case BinaryOp::kTrimUpper:
    case BinaryOp::kTrimLower:
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kUnless:
      return;
  }
}

}  // namespace tocsin::query
