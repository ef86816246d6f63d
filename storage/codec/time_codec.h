// A column of ascending timestamps:
//
//   z t0, z step, u8 kind
//     kind 0, regular: nothing more; entry i is t0 + i * step
//     kind 1: n entries in packed blocks (packed_blocks.h), entry i = zigzag(residual i),
//             time i = t0 + i * step + shift + residual i. shift starts at 0; after an entry whose
//             residual is more than half a step away from 0, the multiple of step nearest to it is
//             added to shift (scrapes were missed: the grid moves on with them).
//
// t0 is the origin of the grid, not the first timestamp: it is placed so that jitter is centred.
// The number of entries is not stored; who keeps the column knows it. The column's own length is
// not stored either: a reader finds its end.
#pragma once

#include <span>
#include <string>

#include "storage/base/coding.h"
#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/codec/presence.h"

namespace tocsin::storage {

// Appends the column. Any thread.
// REQUIRES: 1 <= times.size() <= kMaxColumnEntries, strictly ascending.
void EncodeTimes(std::span<const Timestamp> times, std::string& out);

// Reads a column of exactly out.size() entries from the front of `in`. kCorruption: the bytes are
// no such column or its times do not ascend; `out` and `in` are then undefined.
// REQUIRES: 1 <= out.size() <= kMaxColumnEntries.
Status DecodeTimes(ByteReader& in, std::span<Timestamp> out);

}  // namespace tocsin::storage
