// Between scalars and vectors.
#include <numbers>

#include "query/evaluator.h"
#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

// The only float at each step, else NaN.
Result<std::vector<double>> ScalarOf(FunctionCall& call) {
  TOCSIN_ASSIGN(auto input, call.Vector(0));
  std::vector<double> value(call.grid().count, NormalNaN());
  std::vector<uint8_t> seen(value.size(), 0);
  Row row;
  while (true) {
    TOCSIN_ASSIGN(bool more, input->Next(&row));
    if (!more) return value;
    for (size_t i = 0; i < value.size(); ++i) {
      if (!IsPresent(row.v[i])) continue;
      value[i] = seen[i] == 0 ? row.v[i] : NormalNaN();
      seen[i] = 1;
    }
  }
}

Result<RowStreamPtr> VectorOf(FunctionCall& call) {
  Row row;
  TOCSIN_ASSIGN(row.v, call.Scalar(0));
  Rows rows;
  rows.push_back(std::move(row));
  return RowStreamPtr(std::make_unique<RowsStream>(std::move(rows), true));
}

Result<std::vector<double>> Pi(FunctionCall& call) {
  return std::vector<double>(call.grid().count, std::numbers::pi);
}

template <typename F>
Result<std::vector<double>> Combine(FunctionCall& call, F f) {
  TOCSIN_ASSIGN(auto a, call.Scalar(0));
  TOCSIN_ASSIGN(auto b, call.Scalar(1));
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = a[i] != a[i] || b[i] != b[i] ? NormalNaN() : f(a[i], b[i]);
  }
  return a;
}

Result<std::vector<double>> MaxOf(FunctionCall& call) {
  return Combine(call, [](double a, double b) { return a > b ? a : b; });
}

Result<std::vector<double>> MinOf(FunctionCall& call) {
  return Combine(call, [](double a, double b) { return a < b ? a : b; });
}

constexpr FunctionSpec kTable[] = {
    {.name = "scalar", .args = {kVector}, .returns = kScalar, .scalar = &ScalarOf},
    {.name = "vector", .args = {kScalar}, .vector = &VectorOf},
    {.name = "pi", .returns = kScalar, .scalar = &Pi},
    {.name = "max_of",
     .args = {kScalar, kScalar},
     .returns = kScalar,
     .experimental = true,
     .scalar = &MaxOf},
    {.name = "min_of",
     .args = {kScalar, kScalar},
     .returns = kScalar,
     .experimental = true,
     .scalar = &MinOf},
};

}  // namespace

std::span<const FunctionSpec> ScalarFunctions() { return kTable; }

}  // namespace tocsin::query
