// Native histograms as unit tests write them: {{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.001
// buckets:[1 2] offset:0 n_buckets:[] n_offset:0 counter_reset_hint:gauge custom_values:[1 2]}}.
#pragma once

#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/histogram.h"

namespace tocsin::rules {

// `text` with its double braces. kInvalidArgument names the key.
Result<Histogram> ParseHistogramText(std::string_view text);

// `first` and `n` more, each by `step` more (or less) than the one before.
std::vector<Histogram> RepeatHistogram(const Histogram& first, const Histogram& step, bool subtract,
                                       uint64_t n);

// The same buckets and numbers; the counter reset hint does not count.
bool EqualHistograms(const Histogram& a, const Histogram& b);

}  // namespace tocsin::rules
