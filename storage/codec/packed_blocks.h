// A list of unsigned integers in blocks of 64 (the last one may be shorter), each packed with one
// width and patched where a few values need more:
//
//   u8 width (0..64) | 0x80 when the block has patches
//   [u8 npatch, 1..64]
//   ceil(k * width / 8) bytes: the low `width` bits of the block's k values (bit_stream.h)
//   npatch times: u8 position in the block (ascending), v high part (value >> width, not 0)
//
// The number of values is not stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "storage/base/coding.h"

namespace tocsin::storage {

inline constexpr size_t kBlockEntries = 64;

// Appends the blocks. Any thread.
void EncodeBlocks(std::span<const uint64_t> values, std::string& out);

// Reads blocks one by one from untrusted bytes.
class BlockReader {
 public:
  // `slack`: readable bytes behind [p, end).
  BlockReader(const uint8_t* p, const uint8_t* end, size_t slack)
      : p_(p), end_(end), slack_(slack) {}

  // The next block of k (1..64) values into out[0..64). False: malformed.
  // *zero: all values are 0, and `out` is not written.
  bool Next(size_t k, uint64_t* out, bool* zero);

  const uint8_t* position() const { return p_; }

 private:
  bool ReadPatches(size_t k, unsigned width, unsigned n, uint64_t* out);

  const uint8_t* p_;
  const uint8_t* end_;
  size_t slack_;
};

}  // namespace tocsin::storage
