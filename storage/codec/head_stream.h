// The open end of a series: values appended one by one to a bit stream without timestamps (the
// owner of the series keeps the timeline; entry i of the stream belongs to entry i of the
// timeline). In memory only: the bits are not a stored format.
//
// A stream starts with 5 bits mode and 64 bits first value, written when the value first changes:
// until then the record alone says "n times the same" and there is no buffer. (Mode 30: no first
// value, the stream starts with absent entries.) Then symbols, least significant bit first:
//
//   0 nnn             the last value n + 1 more times (1-8)
//   1 0 n:10          the last value n more times (9-1023)
//   1 1 c:3 zigzag    integer modes: difference to the last integer in {3,6,9,12,16,24,32,57} bits
//   1 1 l:5 b:6 bits  XOR mode: XOR with the last value has 2l leading zero bits (rounded down) and
//                     b + 1 bits after them, the rest is zero
//   1 0 0:10 k:2      k = 0: one staleness marker
//                     k = 1: 10 bits n: n + 1 entries of the timeline are absent
//                     k = 2: 64 bits: a value as it is (NaN, Inf, -0), the last integer stays
//                     k = 3: 5 bits mode, 64 bits: a value as it is and the mode from it on
//
// Mode p = 0..14: values are integers / 10^p with |integer| < 2^51; 31: XOR of the IEEE bits.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "storage/codec/presence.h"

namespace tocsin::storage {

// Small buffers of fixed size classes (16 B, 24, 32, 48, ... 4 KiB), carved from slabs; freed ones
// are used again for their class. One thread (or the lock of the owner whose streams use it).
class SlabPool {
 public:
  static constexpr unsigned kClasses = 17;
  static constexpr size_t kMaxSize = 4096;
  static constexpr size_t ClassSize(unsigned c) { return size_t{2 + (c & 1)} << (3 + c / 2); }
  // The smallest class of at least `size` bytes. REQUIRES: size <= kMaxSize.
  static unsigned ClassFor(size_t size);

  SlabPool() = default;
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  uint8_t* Allocate(unsigned size_class);
  void Free(uint8_t* p, unsigned size_class);

  size_t used_bytes() const { return used_; }          // in buffers handed out
  size_t reserved_bytes() const { return reserved_; }  // taken from the system

 private:
  struct FreeBuffer {
    FreeBuffer* next;
  };
  std::array<FreeBuffer*, kClasses> free_{};
  std::vector<std::unique_ptr<uint8_t[]>> slabs_;
  size_t used_ = 0;
  size_t reserved_ = 0;
  uint8_t* next_ = nullptr;  // the untouched rest of the newest slab
  size_t left_ = 0;
};

// 32 bytes; plain data, so that the records of one owner lie side by side and may be moved with
// memcpy. Owns its buffer only by convention: Reset gives it back to the pool, no destructor does.
// REQUIRES of every method that takes a pool: always the same one. One thread at a time.
class HeadStream {
 public:
  // One entry. False: the stream is full (kMaxColumnEntries entries or the largest buffer) and
  // unchanged; pack it, Reset, and append again.
  bool Append(double value, SlabPool& pool) {
    const auto bits = std::bit_cast<uint64_t>(value);
    if (bits == last_bits_ && count_ != 0 && run_ < kMaxRun && count_ < kMaxColumnEntries) {
      ++run_;
      ++count_;
      return true;
    }
    return AppendChange(bits, pool);
  }
  // Before an Append to come: its bytes are hardly ever in the cache.
  void Prefetch() const { __builtin_prefetch(buffer_ + used_bits_ / 8, /*write=*/1); }
  // n entries of the timeline without a sample (call it late: when the series is there again or
  // the stream is packed). False: as Append, also when only n is too many. REQUIRES: n >= 1.
  bool AppendAbsent(size_t n, SlabPool& pool);

  // Entries, absent ones included; at most kMaxColumnEntries.
  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  // The last value appended; for a stream without any, 0 bits.
  double last() const { return std::bit_cast<double>(last_bits_); }
  // Bytes of the buffer, class slack included.
  size_t buffer_bytes() const { return buffer_ == nullptr ? 0 : SlabPool::ClassSize(size_class_); }

  // Writes the present values without holes to `values` and marks their entries in `presence`
  // (cleared first). Returns how many values there are. REQUIRES: values.size() >= size().
  size_t Decode(std::span<double> values, Presence& presence) const;

  // Empty again; the buffer goes back to the pool.
  void Reset(SlabPool& pool);

 private:
  static constexpr uint16_t kMaxRun = 1023;

  struct Symbol;
  bool AppendChange(uint64_t bits, SlabPool& pool);
  void Start(uint64_t bits);
  Symbol SymbolOf(uint64_t bits) const;
  bool Emit(const Symbol& symbol, SlabPool& pool);
  bool Reserve(size_t bits, SlabPool& pool);
  void Put(uint64_t bits, unsigned width);

  uint64_t last_bits_ = 0;
  int64_t last_integer_ = 0;
  uint8_t* buffer_ = nullptr;
  uint16_t count_ = 0;
  uint16_t used_bits_ = 0;
  uint8_t mode_ = 0;
  uint8_t size_class_ = 0;
  uint16_t run_ = 0;  // repeats of the last value that are not in the buffer yet
};
static_assert(sizeof(HeadStream) == 32);

}  // namespace tocsin::storage
