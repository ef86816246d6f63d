#include "query/value.h"

namespace tocsin::query {

std::string_view ValueTypeName(ValueType type) {
  switch (type) {
    case ValueType::kNone:
      return "none";
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "vector";
    case ValueType::kMatrix:
      return "matrix";
    case ValueType::kString:
      return "string";
  }
  return "none";
}

ValueType Value::type() const {
  switch (v.index()) {
    case 0:
      return ValueType::kScalar;
    case 1:
      return ValueType::kVector;
    case 2:
      return ValueType::kMatrix;
    default:
      return ValueType::kString;
  }
}

}  // namespace tocsin::query
