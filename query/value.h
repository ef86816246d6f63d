// What a query answers.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

namespace tocsin::query {

enum class ValueType { kNone, kScalar, kVector, kMatrix, kString };
std::string_view ValueTypeName(ValueType type);  // "scalar", "vector", "matrix", "string"

using HistogramPtr = std::shared_ptr<const Histogram>;

struct HistogramSample {
  Timestamp t;
  HistogramPtr h;
};

// A series of a matrix: floats and histograms, each in time order.
struct Series {
  Labels labels;
  std::vector<Sample> floats;
  std::vector<HistogramSample> histograms;
};

// An element of a vector: a float, or a histogram when `h` is set.
struct VectorElement {
  Labels labels;
  Timestamp t;
  double v = 0;
  HistogramPtr h;
};

using Vector = std::vector<VectorElement>;
using Matrix = std::vector<Series>;

struct Scalar {
  Timestamp t;
  double v = 0;
};
struct String {
  Timestamp t;
  std::string v;
};

struct Value {
  std::variant<Scalar, Vector, Matrix, String> v;
  ValueType type() const;
};

}  // namespace tocsin::query
