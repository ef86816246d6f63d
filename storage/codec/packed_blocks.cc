#include "storage/codec/packed_blocks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "storage/codec/bit_stream.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kHasPatches = 0x80;

// Bits that a patch takes for a value `excess` bits longer than the block's width.
constexpr unsigned PatchBits(unsigned excess) { return 8 + (excess + 6) / 7 * 8; }

// The width with the smallest block, patches counted. Walks down from the longest value; the
// patches only grow on the way, so it may stop once they alone cost more than the best.
unsigned ChooseWidth(std::span<const uint64_t> block) {
  std::array<uint8_t, 65> lengths{};
  unsigned longest = 0;
  for (const uint64_t v : block) {
    const auto length = static_cast<unsigned>(std::bit_width(v));
    ++lengths[length];
    longest = std::max(longest, length);
  }
  const auto k = static_cast<unsigned>(block.size());
  unsigned best = longest, best_bits = k * longest, patched = 0;
  for (unsigned width = longest; width-- > 0;) {
    patched += lengths[width + 1];
    if (patched * PatchBits(1) >= best_bits) break;
    unsigned bits = k * width + 8;
    for (unsigned length = width + 1; length <= longest; ++length)
      bits += lengths[length] * PatchBits(length - width);
    if (bits < best_bits) best = width, best_bits = bits;
  }
  return best;
}

void EncodeBlock(std::span<const uint64_t> block, std::string& out) {
  const unsigned width = ChooseWidth(block);
  const uint64_t mask = LowMask(width);
  size_t patches = 0;
  for (const uint64_t v : block) patches += v > mask;
  out.push_back(static_cast<char>(width | (patches > 0 ? kHasPatches : 0)));
  if (patches > 0) out.push_back(static_cast<char>(patches));
  PackBits(block.data(), block.size(), width, out);
  if (patches == 0) return;
  for (size_t i = 0; i < block.size(); ++i) {
    if (block[i] <= mask) continue;
    out.push_back(static_cast<char>(i));
    PutVarint(out, block[i] >> width);
  }
}

}  // namespace

void EncodeBlocks(std::span<const uint64_t> values, std::string& out) {
  for (size_t i = 0; i < values.size(); i += kBlockEntries)
    EncodeBlock(values.subspan(i, std::min(kBlockEntries, values.size() - i)), out);
}

bool BlockReader::ReadPatches(size_t k, unsigned width, unsigned n, uint64_t* out) {
  const uint64_t limit = ~uint64_t{0} >> width;
  const uint8_t* p = p_;
  size_t next = 0;
  for (unsigned i = 0; i < n; ++i) {
    if (end_ - p < 2) return false;
    const size_t position = p[0];
    uint64_t high = p[1];
    p += 2;
    if (high >= 0x80) {  // more bytes follow
      ByteReader in({reinterpret_cast<const char*>(p - 1), static_cast<size_t>(end_ - p + 1)});
      high = in.Varint();
      if (!in.ok()) return false;
      p = end_ - in.remaining();
    }
    if (position < next || position >= k || high == 0 || high > limit) return false;
    out[position] |= high << width;
    next = position + 1;
  }
  p_ = p;
  return true;
}

bool BlockReader::Next(size_t k, uint64_t* out, bool* zero) {
  if (p_ == end_) return false;
  const unsigned width = *p_ & 0x7f;
  const bool patched = (*p_++ & kHasPatches) != 0;
  *zero = width == 0 && !patched;
  if (*zero) return true;
  if (width > 64 || (patched && width == 64)) return false;
  unsigned patches = 0;
  if (patched) {
    if (p_ == end_) return false;
    patches = *p_++;
    if (patches == 0 || patches > k) return false;
  }
  const size_t bytes = PackedBytes(k, width);
  const auto left = static_cast<size_t>(end_ - p_);
  if (left < bytes) return false;
  if (left - bytes + slack_ >= kUnpackSlack) {
    UnpackBits(p_, k, width, out);
  } else {
    uint8_t copy[kBlockEntries * 8 + kUnpackSlack] = {};
    std::memcpy(copy, p_, bytes);
    UnpackBits(copy, k, width, out);
  }
  p_ += bytes;
  return !patched || ReadPatches(k, width, patches, out);
}

}  // namespace tocsin::storage
