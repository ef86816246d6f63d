// Sets of 32-bit numbers in the portable format of the Roaring libraries (RoaringFormatSpec), so
// that any of them reads what is stored. Little endian:
//
//   without run containers   u32 12346, u32 containers
//   with                     u32 12347 | (containers - 1) << 16, a bit per container: it is a run
//                            container (bit i % 8 of byte i / 8)
//   per container            u16 high half of its numbers, u16 count - 1
//   u32 offset of each       without run containers, or with four containers or more
//   array (count <= 4096)    u16 low halves, ascending
//   bitmap                   1,024 u64: bit i % 64 of word i / 64 = number i
//   run                      u16 runs, { u16 first, u16 length - 1 }
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace tocsin::storage {

// Appends the set, each container in its smallest form. REQUIRES: strictly ascending.
void EncodeRoaring(std::span<const uint32_t> numbers, std::string& out);

// Appends the numbers, ascending. kCorruption: not such a set; `out` then holds anything.
Status DecodeRoaring(std::string_view bytes, std::vector<uint32_t>* out);

}  // namespace tocsin::storage
