#include "query/histogram/bounds.h"

#include <array>
#include <cmath>
#include <limits>

namespace tocsin::query {
namespace {

constexpr int kFinestSchema = 8;
using Fractions = std::array<double, 1 << kFinestSchema>;

// 2^(k/256 - 1) as repeated square roots give it: bit by bit the table others use, which the
// correctly rounded values are not.
Fractions MakeFractions() {
  std::array<double, kFinestSchema + 1> roots;
  roots[0] = 2;
  for (int j = 1; j <= kFinestSchema; ++j) roots[j] = std::sqrt(roots[j - 1]);
  Fractions table;
  for (int k = 0; k < 1 << kFinestSchema; ++k) {
    double r = (k & 128) != 0 ? 0x1.6a09e667f3bccp-1 : 0.5;
    for (int j = 2; j <= kFinestSchema; ++j) {
      if ((k & (1 << (kFinestSchema - j))) != 0) r *= roots[j];
    }
    table[k] = r;
  }
  return table;
}

}  // namespace

double ExponentialBound(int32_t index, int32_t schema) {
  static const Fractions fractions = MakeFractions();
  if (schema <= 0) {
    const int64_t exponent = static_cast<int64_t>(index) * (int64_t{1} << -schema);
    if (exponent == 1024) return std::numeric_limits<double>::max();
    if (exponent > 4096) return std::numeric_limits<double>::infinity();
    return exponent < -4096 ? 0 : std::ldexp(1.0, static_cast<int>(exponent));
  }
  const int32_t position = index & ((1 << schema) - 1);
  const double fraction = fractions[position << (kFinestSchema - schema)];
  const int32_t exponent = (index >> schema) + 1;
  if (fraction == 0.5 && exponent == 1025) return std::numeric_limits<double>::max();
  return std::ldexp(fraction, exponent);
}

double CustomBound(int32_t index, const std::vector<double>& bounds) {
  if (index < 0) return -std::numeric_limits<double>::infinity();
  if (static_cast<size_t>(index) >= bounds.size()) return std::numeric_limits<double>::infinity();
  return bounds[static_cast<size_t>(index)];
}

}  // namespace tocsin::query
