// Doubles as decimal integers: integer = value * 10^p. A double is "an integer at p" when the way
// back, a correctly rounded division by 10^p, gives exactly its bits.
#pragma once

#include <bit>
#include <cstdint>

namespace tocsin::storage {

inline constexpr unsigned kMaxDecimals = 14;
// Pretends to be a number of decimals: integers are the IEEE bits.
inline constexpr unsigned kIeeeBits = 31;

// Exact: 10^22 is the last power of ten that is a double.
inline constexpr double kPowersOfTen[kMaxDecimals + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};

// Integers are below this in size. Adding kMagic to a double below 2^51 leaves the integer nearest
// to it in the low bits of the sum, and the same trick turns integers into doubles; both are plain
// additions, which processors without a vector conversion do in parallel too. At 2^51 and above
// the sum leaves the binade and the trick gives wrong values.
inline constexpr double kIntegerLimit = 2251799813685248.0;  // 2^51
inline constexpr double kMagic = 6755399441055744.0;         // 2^52 + 2^51
inline constexpr uint64_t kMagicBits = std::bit_cast<uint64_t>(kMagic);

inline double IntegerToDouble(uint64_t integer) {
  return std::bit_cast<double>(integer + kMagicBits) - kMagic;
}

// Whether `value` is an integer at p with scale = 10^p; sets *integer then. -0, NaN and Inf are
// not.
inline bool ToInteger(double value, double scale, int64_t* integer) {
  const double shifted = value * scale + kMagic;
  const double rounded = shifted - kMagic;
  const bool fits = rounded < kIntegerLimit && rounded > -kIntegerLimit;
  *integer = static_cast<int64_t>(std::bit_cast<uint64_t>(shifted) - kMagicBits);
  return fits && std::bit_cast<uint64_t>(rounded / scale) == std::bit_cast<uint64_t>(value);
}

}  // namespace tocsin::storage
