// Bucket bounds of native histograms.
#pragma once

#include <cstdint>
#include <vector>

namespace tocsin::query {

// Upper bound of the positive bucket `index` of an exponential schema (-4..8): 2^(index *
// 2^-schema) with the rounding of the reference implementation. The bucket that ends the finite
// doubles has the largest of them as its bound, the next one +Inf.
double ExponentialBound(int32_t index, int32_t schema);

// The index an exponential bucket gets in the schema that is `by` coarser.
inline int32_t CoarserIndex(int32_t index, int32_t by) { return ((index - 1) >> by) + 1; }

// Upper bound of bucket `index` of custom bounds; +Inf after the last.
double CustomBound(int32_t index, const std::vector<double>& bounds);

}  // namespace tocsin::query
