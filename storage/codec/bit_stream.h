// Unaligned little-endian words and fixed-width bit packing, least significant bit first: value i
// of width w occupies bits [i * w, (i + 1) * w) of the bytes, bit b being bit (b & 7) of byte b
// / 8. Nothing here checks bounds; callers do, once per block.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace tocsin::storage {

static_assert(std::endian::native == std::endian::little);

inline uint64_t LoadWord(const uint8_t* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
inline void StoreWord(uint8_t* p, uint64_t v) { std::memcpy(p, &v, sizeof(v)); }

// The low `width` bits set; width 0..64.
constexpr uint64_t LowMask(unsigned width) {
  return width >= 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
}

constexpr size_t PackedBytes(size_t n, unsigned width) { return (n * width + 7) / 8; }

// Appends n values of `width` bits; higher bits of the values are dropped.
// REQUIRES: width <= 64, n <= 64.
void PackBits(const uint64_t* values, size_t n, unsigned width, std::string& out);

// How far UnpackBits may read past PackedBytes(n, width).
inline constexpr size_t kUnpackSlack = 16;

// Reads n values of `width` bits into out[0 .. round_up_8(n)).
// REQUIRES: width <= 64, n <= 64, kUnpackSlack readable bytes behind the packed ones (their content
// does not matter), 64 words at `out`.
void UnpackBits(const uint8_t* packed, size_t n, unsigned width, uint64_t* out);

}  // namespace tocsin::storage
