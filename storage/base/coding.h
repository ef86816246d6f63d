// Integers as bytes, and checksums. Little-endian fixed widths for values, big-endian for keys,
// LEB128 varints, zigzag for signed. Readers check bounds: bytes from disk or network are
// untrusted.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tocsin {

constexpr uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t UnZigZag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

inline void PutVarint(std::string& out, uint64_t v) {
  while (v >= 0x80) {
    out.push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out.push_back(static_cast<char>(v));
}
inline void PutZigZag(std::string& out, int64_t v) { PutVarint(out, ZigZag(v)); }
inline void PutString(std::string& out, std::string_view s) {
  PutVarint(out, s.size());
  out.append(s);
}
template <typename T>
void PutFixed(std::string& out, T v) {  // little-endian
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof(T)];
  std::memcpy(bytes, &v, sizeof(T));
  out.append(bytes, sizeof(T));
}
template <typename T>
void PutBigEndian(std::string& out, T v) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(v >> shift));
}
// Sorts like the number: one length byte 0-8, then that many bytes big-endian.
void PutOrderedVarint(std::string& out, uint64_t v);

// Reads from the front of a view. After a read past the end or a malformed varint ok() is false
// and every further read gives zero, so a caller may check once at the end of a record (but
// before allocating by a count it read).
class ByteReader {
 public:
  explicit ByteReader(std::string_view data) : p_(data.data()), end_(data.data() + data.size()) {}

  bool ok() const { return ok_; }
  bool done() const { return p_ == end_; }
  size_t remaining() const { return static_cast<size_t>(end_ - p_); }
  std::string_view rest() const { return {p_, remaining()}; }

  uint64_t Varint() {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && p_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*p_++);
      if (shift == 63 && byte > 1) break;
      v |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return v;
    }
    return Fail();
  }
  int64_t ZigZagVarint() { return UnZigZag(Varint()); }
  template <typename T>
  T Fixed() {  // little-endian
    T v{};
    if (remaining() < sizeof(T)) return Fail(), v;
    std::memcpy(&v, p_, sizeof(T));
    p_ += sizeof(T);
    return v;
  }
  template <typename T>
  T BigEndian() {
    T v{};
    if (remaining() < sizeof(T)) return Fail(), v;
    for (size_t i = 0; i < sizeof(T); ++i)
      v = static_cast<T>((v << 8) | static_cast<uint8_t>(*p_++));
    return v;
  }
  uint64_t OrderedVarint();
  std::string_view Bytes(size_t n) {
    if (remaining() < n) return Fail(), std::string_view();
    std::string_view v(p_, n);
    p_ += n;
    return v;
  }
  std::string_view String() { return Bytes(Varint()); }

 private:
  uint64_t Fail() {
    ok_ = false;
    p_ = end_;
    return 0;
  }

  const char* p_;
  const char* end_;
  bool ok_ = true;
};

// XXH3-64.
uint64_t Hash64(std::string_view data, uint64_t seed = 0);
// Low 32 bits of XXH3-64: the checksum of stored values.
inline uint32_t Checksum32(std::string_view data) { return static_cast<uint32_t>(Hash64(data)); }
// XXH64 (not XXH3), as Prometheus and Alertmanager use it.
uint64_t XxHash64(std::string_view data);

}  // namespace tocsin
