// A sealed column of values ("DPB": decimal integers, differences, patched bit packing). Lossless
// for every bit pattern. Bytes, all varints LEB128 (v) or zigzag LEB128 (z), little endian:
//
//   u8 mode   0x00 constant: 8 raw bytes, nothing more
//             0x02 constant integer: z, nothing more
//             0x03 a histogram column (histogram_codec.h), refused here
//             1ppppp oo: the column is n integers:
//               ppppp = p, 0..14: round(value * 10^p), |integer| < 2^51; value = integer / 10^p
//               ppppp = 31: the IEEE bits as a signed integer, arithmetic modulo 2^64
//               oo    = 0: entries are integer - min                      (n - 1 entries, from 1)
//                       1: zigzag(delta)                                  (n - 1, from 1)
//                       2: zigzag(delta - delta before)                   (n - 2, from 2)
//                       3: delta - smallest delta                         (n - 1, from 1)
//   v nexc    number of exceptions
//   v gcd     >= 1; divides every difference; entries are stored divided by it. A power of two in
//             mode 31, where differences wrap.
//   z base    the first integer
//   z extra   oo = 0: min; oo = 2: first delta; oo = 3: smallest delta; oo = 1: not there
//   entries   packed blocks (packed_blocks.h)
//   nexc times: v position minus the position before (the first: minus 0), 8 raw bytes
//
// An exception is a value that is no integer at p (-0, NaN, Inf, the stale marker, a value with
// more digits); its integer repeats the one before, so that it costs no bits in its block.
// The number of values is not stored: who keeps the column knows it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/codec/presence.h"
#include "storage/model/sample.h"

namespace tocsin::storage {

// Mode byte of a histogram column.
inline constexpr uint8_t kHistogramColumnMode = 0x03;

// Appends the column of `values` to `out`. Any thread; about 16 KiB of stack, no allocation but
// what `out` needs. REQUIRES: 1 <= values.size() <= kMaxColumnEntries.
void EncodeValues(std::span<const double> values, std::string& out);

// Decodes a column of exactly out.size() values. kCorruption: the bytes are no such column; `out`
// then holds anything. `slack` = readable bytes behind `column` (content irrelevant): with
// kUnpackSlack or more of them the last block needs no copy.
// REQUIRES: 1 <= out.size() <= kMaxColumnEntries.
Status DecodeValues(std::string_view column, std::span<double> out, size_t slack = 0);

// What the first bytes tell of all values. REQUIRES: it is not a histogram column.
ValueShape ShapeOf(std::string_view column);
// Whether every value of the column is the same, told from its first bytes; sets *value then.
bool ConstantColumn(std::string_view column, double* value);

}  // namespace tocsin::storage
