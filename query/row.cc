#include "query/row.h"

#include <algorithm>

namespace tocsin::query {

bool Row::AnyFloat() const {
  return std::any_of(v.begin(), v.end(), [](double x) { return IsPresent(x); });
}

bool Row::Empty() const {
  return !AnyFloat() &&
         std::none_of(h.begin(), h.end(), [](const HistogramPtr& p) { return p != nullptr; });
}

}  // namespace tocsin::query
