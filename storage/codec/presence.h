// Which entries of a timeline have a sample: one bit an entry. Codecs hand out the samples packed
// without holes and say with this where they belong.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "storage/base/check.h"

namespace tocsin::storage {

// The most entries one timeline column, value column or head part may have. Part of the format:
// readers refuse more, so every scratch buffer has a fixed size.
inline constexpr size_t kMaxColumnEntries = 1024;

// A value; one thread.
class Presence {
 public:
  Presence() = default;

  void Clear() { words_.fill(0); }
  bool Test(size_t i) const { return (words_[i >> 6] >> (i & 63)) & 1; }
  void Set(size_t i) { words_[i >> 6] |= uint64_t{1} << (i & 63); }
  // Marks [first, first + n). REQUIRES: first + n <= kMaxColumnEntries.
  void SetRange(size_t first, size_t n) {
    TOCSIN_CHECK(first + n <= kMaxColumnEntries, "range");
    for (size_t i = first; i < first + n;) {
      const size_t bit = i & 63;
      const size_t take = first + n - i < 64 - bit ? first + n - i : 64 - bit;
      words_[i >> 6] |= (take == 64 ? ~uint64_t{0} : (uint64_t{1} << take) - 1) << bit;
      i += take;
    }
  }
  size_t Count() const {
    size_t n = 0;
    for (const uint64_t word : words_) n += static_cast<size_t>(std::popcount(word));
    return n;
  }
  // The first entry >= i that is marked (`value`) or not; kMaxColumnEntries when there is none.
  size_t Find(size_t i, bool value) const {
    while (i < kMaxColumnEntries) {
      const uint64_t word = (value ? words_[i >> 6] : ~words_[i >> 6]) >> (i & 63);
      if (word != 0) return i + static_cast<size_t>(std::countr_zero(word));
      i = (i | 63) + 1;
    }
    return kMaxColumnEntries;
  }

  bool operator==(const Presence&) const = default;

 private:
  std::array<uint64_t, kMaxColumnEntries / 64> words_{};
};

}  // namespace tocsin::storage
