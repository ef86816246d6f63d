#include "query/histogram/text.h"

#include <fmt/format.h>

#include "query/histogram/buckets.h"
#include "storage/base/number.h"

namespace tocsin::query {

std::string HistogramText(const Histogram& h) {
  std::string text =
      fmt::format("{{count:{}, sum:{}", FormatGoFloat(h.count), FormatGoFloat(h.sum));
  for (const ValueBucket& b : BucketsInOrder(h)) {
    if (b.count == 0) continue;
    text +=
        fmt::format(", {}{},{}{}:{}", b.lower_inclusive ? '[' : '(', FormatGoFloat(b.lower),
                    FormatGoFloat(b.upper), b.upper_inclusive ? ']' : ')', FormatGoFloat(b.count));
  }
  return text + "}";
}

}  // namespace tocsin::query
