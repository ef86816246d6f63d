#include "storage/codec/bit_stream.h"

#include <utility>

#include "storage/codec/dispatch.h"

namespace tocsin::storage {
namespace {

// One value whose position is not known at compile time.
inline uint64_t UnpackOne(const uint8_t* packed, size_t i, unsigned width) {
  const size_t bit = i * width;
  const unsigned shift = bit & 7;
  const uint8_t* p = packed + bit / 8;
  uint64_t v = LoadWord(p) >> shift;
  if (width + shift > 64) v |= static_cast<uint64_t>(p[8]) << (64 - shift);
  return v & LowMask(width);
}

// Eight values from `width` bytes. With the width a constant every shift is one too, and for the
// narrow widths, which are nearly all of real data, the compiler makes vector shifts of it.
template <unsigned kWidth>
[[gnu::always_inline]] inline void UnpackEight(const uint8_t* p, uint64_t* out) {
  constexpr uint64_t kMask = LowMask(kWidth);
  if constexpr (kWidth <= 8) {
    const uint64_t word = LoadWord(p);
    for (unsigned j = 0; j < 8; ++j) out[j] = (word >> (j * kWidth)) & kMask;
  } else if constexpr (kWidth <= 16) {
    const uint64_t low = LoadWord(p);
    const uint64_t high = LoadWord(p + kWidth / 2) >> (kWidth % 2 * 4);
    for (unsigned j = 0; j < 4; ++j) out[j] = (low >> (j * kWidth)) & kMask;
    for (unsigned j = 0; j < 4; ++j) out[4 + j] = (high >> (j * kWidth)) & kMask;
  } else {
    for (unsigned j = 0; j < 8; ++j) {
      const unsigned shift = j * kWidth & 7;
      const uint8_t* at = p + j * kWidth / 8;
      uint64_t v = LoadWord(at) >> shift;
      if (kWidth + shift > 64) v |= static_cast<uint64_t>(at[8]) << (-shift & 63);
      out[j] = v & kMask;
    }
  }
}

template <unsigned kWidth>
[[gnu::always_inline]] inline void UnpackEights(const uint8_t* packed, size_t n, uint64_t* out) {
  for (size_t i = 0; i + 8 <= n; i += 8) UnpackEight<kWidth>(packed + i / 8 * kWidth, out + i);
}

}  // namespace

void PackBits(const uint64_t* values, size_t n, unsigned width, std::string& out) {
  if (width == 0) return;
  uint8_t bytes[64 * 8 + 8];
  uint8_t* p = bytes;
  uint64_t word = 0;
  unsigned used = 0;
  const uint64_t mask = LowMask(width);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t v = values[i] & mask;
    word |= v << used;
    used += width;
    if (used < 64) continue;
    StoreWord(p, word);
    p += 8;
    used -= 64;
    word = used == 0 ? 0 : v >> (width - used);
  }
  StoreWord(p, word);
  out.append(reinterpret_cast<const char*>(bytes), PackedBytes(n, width));
}

#define TOCSIN_WIDTH(w)              \
  case w:                            \
    UnpackEights<w>(packed, n, out); \
    break;
#define TOCSIN_WIDTHS_8(w) \
  TOCSIN_WIDTH(w)          \
  TOCSIN_WIDTH(w + 1)      \
  TOCSIN_WIDTH(w + 2)      \
  TOCSIN_WIDTH(w + 3)      \
  TOCSIN_WIDTH(w + 4) TOCSIN_WIDTH(w + 5) TOCSIN_WIDTH(w + 6) TOCSIN_WIDTH(w + 7)

TOCSIN_CPU_CLONES void UnpackBits(const uint8_t* packed, size_t n, unsigned width, uint64_t* out) {
  switch (width) {
    case 0:
      for (size_t i = 0; i < n; ++i) out[i] = 0;
      return;
      TOCSIN_WIDTHS_8(1)
      TOCSIN_WIDTHS_8(9)
      TOCSIN_WIDTHS_8(17)
      TOCSIN_WIDTHS_8(25)
      TOCSIN_WIDTHS_8(33)
      TOCSIN_WIDTHS_8(41)
      TOCSIN_WIDTHS_8(49)
      TOCSIN_WIDTHS_8(57)
  }
  for (size_t i = n & ~size_t{7}; i < n; ++i) out[i] = UnpackOne(packed, i, width);
}

}  // namespace tocsin::storage
