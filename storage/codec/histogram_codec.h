// A sealed column of native histograms; its first byte tells it from a column of floats. Bytes (v
// LEB128, z zigzag LEB128, f64 little endian):
//
//   u8 0x03
//   v nlayouts, nlayouts times {
//     z schema, f64 zero threshold,
//     v n, n times { z offset, v length }      positive spans
//     v n, n times { z offset, v length }      negative spans
//     v n, n times f64                         custom bounds
//   }
//   v nruns, nruns times { v count, v layout, u8 flags }    the counts add up to the samples
//   columns, each v bytes and a value column (value_codec.h) of as many values as samples:
//     count, zero count, sum, then one per bucket of the widest layout, positive ones first
//
// flags: bit 0 counts are floats, bits 1-2 counter reset hint, bit 3 staleness marker. With integer
// counts a bucket's value is the difference to the bucket before it on the same side. A sample that
// does not have a bucket, and a staleness marker in every column, repeats the value before (0 at
// the start), which costs no bits. A marker comes back as an empty histogram whose sum is the
// marker.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/codec/presence.h"
#include "storage/model/histogram.h"

namespace tocsin::storage {

// Of both sides together; readers refuse more.
inline constexpr size_t kMaxHistogramBuckets = size_t{1} << 14;

// Whether EncodeHistograms takes it: spans and buckets agree and are not too many.
bool IsEncodable(const Histogram& histogram);

// Appends the column. Any thread.
// REQUIRES: 1 <= size <= kMaxColumnEntries, every one IsEncodable.
void EncodeHistograms(std::span<const Histogram* const> histograms, std::string& out);

// Decodes a column of exactly out.size() samples; the vectors of `out` are used again.
// kCorruption: the bytes are no such column; `out` then holds anything.
// REQUIRES: 1 <= out.size() <= kMaxColumnEntries.
Status DecodeHistograms(std::string_view column, std::span<Histogram> out);

}  // namespace tocsin::storage
