// Series that look like real ones, and nasty ones, for the codec tests and benchmarks.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/number.h"
#include "storage/base/time.h"

namespace tocsin::testing {

using Engine = std::mt19937_64;

inline std::vector<double> Counter(Engine& rng, size_t n) {
  std::poisson_distribution<int> step(40);
  std::vector<double> out;
  double v = 1e6;
  for (size_t i = 0; i < n; ++i) out.push_back(v += step(rng));
  return out;
}
inline std::vector<double> DecimalGauge(Engine& rng, size_t n, int decimals) {
  std::normal_distribution<double> step(0, 3);
  const double scale = std::pow(10.0, decimals);
  std::vector<double> out;
  double v = 50;
  for (size_t i = 0; i < n; ++i) {
    v += step(rng) / 10;
    out.push_back(std::round(v * scale) / scale);
  }
  return out;
}
inline std::vector<double> Constant(Engine& rng, size_t n) {
  return std::vector<double>(n, static_cast<double>(rng() % 100000));
}
inline std::vector<double> ByteGauge(Engine& rng, size_t n) {
  std::vector<double> out;
  double v = 4096.0 * 1e6;
  for (size_t i = 0; i < n; ++i)
    out.push_back(v += 4096.0 * static_cast<double>(static_cast<int64_t>(rng() % 200) - 100));
  return out;
}
inline std::vector<double> FullPrecision(Engine& rng, size_t n) {
  std::exponential_distribution<double> step(3);
  std::vector<double> out;
  double v = 0;
  for (size_t i = 0; i < n; ++i) out.push_back(v += step(rng));
  return out;
}
// Mostly still, a change now and then: what most series of a host do.
inline std::vector<double> Sluggish(Engine& rng, size_t n) {
  std::vector<double> out;
  double v = static_cast<double>(rng() % 1000);
  for (size_t i = 0; i < n; ++i) {
    if (rng() % 20 == 0) v += static_cast<double>(rng() % 5);
    out.push_back(v);
  }
  return out;
}
// Any bit pattern, with every special value among them.
inline std::vector<double> AnyBits(Engine& rng, size_t n) {
  static constexpr uint64_t kSpecial[] = {
      0x0000000000000000, 0x8000000000000000, 0x7ff0000000000000, 0xfff0000000000000,
      kStaleNaNBits,      kNormalNaNBits,     0x7ff8000000000000, 0xfff8dead00000001,
      0x7ff0000000000001, 0x0000000000000001, 0x000fffffffffffff, 0x800fffffffffffff,
      0x7fefffffffffffff, 0xffefffffffffffff, 0x4320000000000000,  // 2^51
      0x431fffffffffffff, 0xc320000000000000, 0x4330000000000000, 0x4340000000000000};
  std::vector<double> out;
  const unsigned wild = static_cast<unsigned>(rng() % 17);
  for (size_t i = 0; i < n; ++i) {
    const auto kind = rng() % 16;
    if (kind < wild) {
      out.push_back(std::bit_cast<double>(rng()));
    } else if (kind == 15) {
      out.push_back(std::bit_cast<double>(kSpecial[rng() % std::size(kSpecial)]));
    } else {
      const auto small = static_cast<double>(static_cast<int64_t>(rng() % 2001) - 1000);
      out.push_back(small / (rng() % 2 == 0 ? 1.0 : 100.0));
    }
  }
  return out;
}

// One of all of the above, cut, repeated and spoiled at random.
inline std::vector<double> AnySeries(Engine& rng, size_t n) {
  std::vector<double> v;
  switch (rng() % 8) {
    case 0:
      v = Counter(rng, n);
      break;
    case 1:
      v = DecimalGauge(rng, n, static_cast<int>(rng() % 16));
      break;
    case 2:
      v = Constant(rng, n);
      break;
    case 3:
      v = ByteGauge(rng, n);
      break;
    case 4:
      v = FullPrecision(rng, n);
      break;
    case 5:
      v = Sluggish(rng, n);
      break;
    default:
      v = AnyBits(rng, n);
      break;
  }
  if (rng() % 3 == 0) v[rng() % n] = std::bit_cast<double>(kStaleNaNBits);
  if (rng() % 4 == 0) v[rng() % n] = std::bit_cast<double>(rng());
  if (rng() % 4 == 0) {
    const size_t from = rng() % n;
    for (size_t i = from; i < n; ++i) v[i] = v[from];
  }
  return v;
}

inline std::vector<Timestamp> Times(Engine& rng, size_t n, int64_t jitter_ms) {
  std::vector<Timestamp> out;
  int64_t t = 1'700'000'000'000;
  for (size_t i = 0; i < n; ++i, t += 15'000) {
    const int64_t jitter =
        jitter_ms == 0
            ? 0
            : static_cast<int64_t>(rng() % (2 * static_cast<uint64_t>(jitter_ms) + 1)) - jitter_ms;
    out.push_back({t + jitter});
  }
  return out;
}

inline bool SameBits(const std::vector<double>& a, const double* b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<uint64_t>(a[i]) != std::bit_cast<uint64_t>(b[i])) return false;
  }
  return true;
}

inline std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

}  // namespace tocsin::testing
