// Functions of one float at a time.
#include <cmath>
#include <numbers>

#include "query/evaluator.h"
#include "query/functions/map_stream.h"
#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

double Sgn(double x) { return x < 0 ? -1 : x > 0 ? 1 : x; }
double Deg(double x) { return x * 180 / std::numbers::pi; }
double Rad(double x) { return x * std::numbers::pi / 180; }

// max(low, min(high, x)) with NaN winning on either side.
double Max(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? NormalNaN() : std::max(a, b);
}
double Min(double a, double b) {
  return std::isnan(a) || std::isnan(b) ? NormalNaN() : std::min(a, b);
}

Result<RowStreamPtr> Round(FunctionCall& call) {
  std::vector<double> to(call.grid().count, 1.0);
  if (call.size() > 1) {
    TOCSIN_ASSIGN(to, call.Scalar(1));
  }
  return MapFloats(call, 0, [to = std::move(to)](double x, size_t step) {
    const double inverse = 1.0 / to[step];
    return std::floor(x * inverse + 0.5) / inverse;
  });
}

Result<RowStreamPtr> Clamp(FunctionCall& call) {
  TOCSIN_ASSIGN(auto low, call.Scalar(1));
  TOCSIN_ASSIGN(auto high, call.Scalar(2));
  return MapFloats(call, 0, [low = std::move(low), high = std::move(high)](double x, size_t step) {
    return high[step] < low[step] ? Absent() : Max(low[step], Min(high[step], x));
  });
}

Result<RowStreamPtr> ClampMin(FunctionCall& call) {
  TOCSIN_ASSIGN(auto low, call.Scalar(1));
  return MapFloats(call, 0,
                   [low = std::move(low)](double x, size_t step) { return Max(low[step], x); });
}

Result<RowStreamPtr> ClampMax(FunctionCall& call) {
  TOCSIN_ASSIGN(auto high, call.Scalar(1));
  return MapFloats(call, 0,
                   [high = std::move(high)](double x, size_t step) { return Min(high[step], x); });
}

constexpr FunctionSpec kTable[] = {
    {.name = "abs", .args = {kVector}, .map = [](double x) { return std::fabs(x); }},
    {.name = "ceil", .args = {kVector}, .map = [](double x) { return std::ceil(x); }},
    {.name = "floor", .args = {kVector}, .map = [](double x) { return std::floor(x); }},
    {.name = "exp", .args = {kVector}, .map = [](double x) { return std::exp(x); }},
    {.name = "sqrt", .args = {kVector}, .map = [](double x) { return std::sqrt(x); }},
    {.name = "ln", .args = {kVector}, .map = [](double x) { return std::log(x); }},
    {.name = "log2", .args = {kVector}, .map = [](double x) { return std::log2(x); }},
    {.name = "log10", .args = {kVector}, .map = [](double x) { return std::log10(x); }},
    {.name = "sgn", .args = {kVector}, .map = &Sgn},
    {.name = "sin", .args = {kVector}, .map = [](double x) { return std::sin(x); }},
    {.name = "cos", .args = {kVector}, .map = [](double x) { return std::cos(x); }},
    {.name = "tan", .args = {kVector}, .map = [](double x) { return std::tan(x); }},
    {.name = "asin", .args = {kVector}, .map = [](double x) { return std::asin(x); }},
    {.name = "acos", .args = {kVector}, .map = [](double x) { return std::acos(x); }},
    {.name = "atan", .args = {kVector}, .map = [](double x) { return std::atan(x); }},
    {.name = "sinh", .args = {kVector}, .map = [](double x) { return std::sinh(x); }},
    {.name = "cosh", .args = {kVector}, .map = [](double x) { return std::cosh(x); }},
    {.name = "tanh", .args = {kVector}, .map = [](double x) { return std::tanh(x); }},
    {.name = "asinh", .args = {kVector}, .map = [](double x) { return std::asinh(x); }},
    {.name = "acosh", .args = {kVector}, .map = [](double x) { return std::acosh(x); }},
    {.name = "atanh", .args = {kVector}, .map = [](double x) { return std::atanh(x); }},
    {.name = "deg", .args = {kVector}, .map = &Deg},
    {.name = "rad", .args = {kVector}, .map = &Rad},
    {.name = "round", .args = {kVector, kScalar}, .variadic = 1, .vector = &Round},
    {.name = "clamp", .args = {kVector, kScalar, kScalar}, .vector = &Clamp},
    {.name = "clamp_min", .args = {kVector, kScalar}, .vector = &ClampMin},
    {.name = "clamp_max", .args = {kVector, kScalar}, .vector = &ClampMax},
};

}  // namespace

std::span<const FunctionSpec> MathFunctions() { return kTable; }

}  // namespace tocsin::query
