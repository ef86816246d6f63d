#include "storage/codec/head_stream.h"

#include <algorithm>
#include <cstring>

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/number.h"
#include "storage/codec/bit_stream.h"
#include "storage/codec/decimal.h"

namespace tocsin::storage {
namespace {

constexpr size_t kSlabBytes = 64 << 10;
// Words are read and written at any byte up to the last used one.
constexpr size_t kWordSlack = 8;
constexpr unsigned kNoFirstValue = 30;
constexpr unsigned kModeBits = 5, kEscapeBits = 14, kAbsentBits = 10;

constexpr uint8_t kWidths[8] = {3, 6, 9, 12, 16, 24, 32, 57};

enum Escape : unsigned { kStale = 0, kAbsent = 1, kRaw = 2, kMode = 3 };

constexpr auto kWidthClasses = [] {
  std::array<uint8_t, 58> classes{};
  for (unsigned length = 0, c = 0; length < classes.size(); ++length) {
    if (length > kWidths[c]) ++c;
    classes[length] = static_cast<uint8_t>(c);
  }
  return classes;
}();

constexpr uint64_t EscapeBits(Escape kind) { return uint64_t{1} | uint64_t{kind} << 12; }

// The fewest decimals, from `at_least` on, at which the value is an integer; kIeeeBits if none.
unsigned Decimals(double value, unsigned at_least, int64_t* integer) {
  for (unsigned p = at_least; p <= kMaxDecimals; ++p) {
    if (ToInteger(value, kPowersOfTen[p], integer)) return p;
  }
  return kIeeeBits;
}

bool IsOrdinary(double value) {
  return value - value == 0 && std::bit_cast<uint64_t>(value) != std::bit_cast<uint64_t>(-0.0);
}

}  // namespace

unsigned SlabPool::ClassFor(size_t size) {
  TOCSIN_CHECK(size <= kMaxSize, "buffer size");
  unsigned c = 0;
  while (ClassSize(c) < size) ++c;
  return c;
}

uint8_t* SlabPool::Allocate(unsigned size_class) {
  const size_t size = ClassSize(size_class);
  used_ += size;
  if (FreeBuffer* buffer = free_[size_class]; buffer != nullptr) {
    free_[size_class] = buffer->next;
    return reinterpret_cast<uint8_t*>(buffer);
  }
  if (left_ < size) {
    slabs_.push_back(std::make_unique<uint8_t[]>(kSlabBytes));
    reserved_ += kSlabBytes;
    next_ = slabs_.back().get();
    left_ = kSlabBytes;
  }
  uint8_t* p = next_;
  next_ += size;
  left_ -= size;
  return p;
}

void SlabPool::Free(uint8_t* p, unsigned size_class) {
  used_ -= ClassSize(size_class);
  free_[size_class] = new (p) FreeBuffer{free_[size_class]};
}

// One entry of the bit stream, not yet written, and the state behind it.
struct HeadStream::Symbol {
  uint64_t head = 0;
  unsigned head_bits = 0;
  uint64_t tail = 0;
  unsigned tail_bits = 0;
  int64_t integer = 0;
  unsigned mode = 0;
};

// Room for `bits` more; false when the largest buffer is too small.
bool HeadStream::Reserve(size_t bits, SlabPool& pool) {
  const size_t needed = (used_bits_ + bits) / 8 + kWordSlack;
  if (buffer_ != nullptr && needed <= SlabPool::ClassSize(size_class_)) return true;
  if (needed > SlabPool::kMaxSize) return false;
  const unsigned size_class = SlabPool::ClassFor(needed);
  uint8_t* buffer = pool.Allocate(size_class);
  std::memset(buffer, 0, SlabPool::ClassSize(size_class));
  if (buffer_ != nullptr) {
    std::memcpy(buffer, buffer_, (used_bits_ + 7u) / 8);
    pool.Free(buffer_, size_class_);
  }
  buffer_ = buffer;
  size_class_ = static_cast<uint8_t>(size_class);
  return true;
}

// width 0..64; the bits behind used_bits_ are zero.
void HeadStream::Put(uint64_t bits, unsigned width) {
  const unsigned shift = used_bits_ & 7;
  uint8_t* p = buffer_ + used_bits_ / 8;
  StoreWord(p, LoadWord(p) | bits << shift);
  if (width + shift > 64) p[8] = static_cast<uint8_t>(bits >> (64 - shift));
  used_bits_ = static_cast<uint16_t>(used_bits_ + width);
}

// Writes what the record held back, the first value and the run, and the symbol.
bool HeadStream::Emit(const Symbol& symbol, SlabPool& pool) {
  const bool starts = buffer_ == nullptr;
  const unsigned first_bits = !starts ? 0 : kModeBits + (mode_ == kNoFirstValue ? 0 : 64);
  const unsigned run_bits = run_ == 0 ? 0 : run_ <= 8 ? 4 : 12;
  if (!Reserve(first_bits + run_bits + symbol.head_bits + symbol.tail_bits, pool)) return false;
  if (starts) Put(mode_, kModeBits);
  if (first_bits > kModeBits) Put(last_bits_, 64);
  if (run_ != 0) Put(run_ <= 8 ? (run_ - 1u) << 1 : 1u | run_ << 2, run_bits);
  run_ = 0;
  Put(symbol.head, symbol.head_bits);
  if (symbol.tail_bits != 0) Put(symbol.tail, symbol.tail_bits);
  return true;
}

// The first value stays in the record until another one comes.
void HeadStream::Start(uint64_t bits) {
  const auto value = std::bit_cast<double>(bits);
  unsigned mode = 0;
  int64_t integer = 0;
  if (IsOrdinary(value)) mode = Decimals(value, 0, &integer);
  mode_ = static_cast<uint8_t>(mode);
  last_integer_ = mode == kIeeeBits ? 0 : integer;
  last_bits_ = bits;
  count_ = 1;
}

HeadStream::Symbol HeadStream::SymbolOf(uint64_t bits) const {
  const auto value = std::bit_cast<double>(bits);
  Symbol s;
  s.mode = mode_;
  s.integer = last_integer_;
  if (mode_ <= kMaxDecimals && ToInteger(value, kPowersOfTen[mode_], &s.integer)) {
    const uint64_t delta = ZigZag(s.integer - last_integer_);
    const unsigned c = kWidthClasses[std::bit_width(delta)];
    s.head = uint64_t{3} | uint64_t{c} << 2;
    s.head_bits = 5;
    if (kWidths[c] > 32) {
      s.tail = delta;
      s.tail_bits = kWidths[c];
    } else {
      s.head |= delta << 5;
      s.head_bits += kWidths[c];
    }
    return s;
  }
  s.integer = last_integer_;
  if (mode_ == kIeeeBits) {
    const uint64_t x = bits ^ last_bits_;  // not 0: equal values are runs
    const unsigned half = static_cast<unsigned>(std::countl_zero(x)) / 2;
    const auto trailing = static_cast<unsigned>(std::countr_zero(x));
    s.tail = x >> trailing;
    s.tail_bits = 64 - 2 * half - trailing;
    s.head = uint64_t{3} | uint64_t{half} << 2 | uint64_t{s.tail_bits - 1} << 7;
    s.head_bits = 13;
    return s;
  }
  s.head_bits = kEscapeBits;
  if (bits == kStaleNaNBits) {
    s.head = EscapeBits(kStale);
    return s;
  }
  s.tail = bits;
  s.tail_bits = 64;
  if (!IsOrdinary(value)) {
    s.head = EscapeBits(kRaw);
    return s;
  }
  // More decimals are needed, or none will do; a stream never goes back to fewer.
  s.mode = Decimals(value, mode_ == kNoFirstValue ? 0 : mode_ + 1u, &s.integer);
  if (s.mode == kIeeeBits) s.integer = 0;
  s.head = EscapeBits(kMode) | uint64_t{s.mode} << kEscapeBits;
  s.head_bits += kModeBits;
  return s;
}

bool HeadStream::AppendChange(uint64_t bits, SlabPool& pool) {
  if (count_ >= kMaxColumnEntries) return false;
  if (count_ == 0) {
    Start(bits);
    return true;
  }
  if (bits == last_bits_) {  // the run is as long as runs can be
    if (!Emit({}, pool)) return false;
    run_ = 1;
  } else {
    const Symbol symbol = SymbolOf(bits);
    if (!Emit(symbol, pool)) return false;
    mode_ = static_cast<uint8_t>(symbol.mode);
    last_integer_ = symbol.integer;
    last_bits_ = bits;
  }
  ++count_;
  return true;
}

bool HeadStream::AppendAbsent(size_t n, SlabPool& pool) {
  TOCSIN_CHECK(n >= 1, "no absent entry");
  if (n > kMaxColumnEntries - count_) return false;
  if (count_ == 0) mode_ = kNoFirstValue;
  Symbol s;
  s.head = EscapeBits(kAbsent) | (n - 1) << kEscapeBits;
  s.head_bits = kEscapeBits + kAbsentBits;
  if (!Emit(s, pool)) return false;
  count_ = static_cast<uint16_t>(count_ + n);
  return true;
}

void HeadStream::Reset(SlabPool& pool) {
  if (buffer_ != nullptr) pool.Free(buffer_, size_class_);
  *this = HeadStream();
}

namespace {

// Reads the buffer of a stream, which this program wrote: trusted.
class BitReader {
 public:
  explicit BitReader(const uint8_t* p) : p_(p) {}

  // width 0..57
  uint64_t Take(unsigned width) {
    const uint64_t v = (LoadWord(p_ + at_ / 8) >> (at_ & 7)) & LowMask(width);
    at_ += width;
    return v;
  }
  // width 0..64
  uint64_t TakeLong(unsigned width) {
    if (width <= 57) return Take(width);
    const uint64_t low = Take(32);
    return low | Take(width - 32) << 32;
  }
  size_t at() const { return at_; }

 private:
  const uint8_t* p_;
  size_t at_ = 0;
};

// Walks the symbols of one stream.
class StreamDecoder {
 public:
  StreamDecoder(const uint8_t* buffer, double* out, Presence& presence)
      : in_(buffer), out_(out), presence_(presence) {}

  void Decode(size_t used_bits) {
    const auto mode = static_cast<unsigned>(in_.Take(kModeBits));
    if (mode != kNoFirstValue) SetMode(mode, in_.TakeLong(64));
    while (in_.at() < used_bits) {
      if (in_.Take(1) == 0) {
        Repeat(in_.Take(3) + 1);
      } else if (in_.Take(1) == 0) {
        const size_t run = in_.Take(10);
        run != 0 ? Repeat(run) : TakeEscape();
      } else {
        mode_ == kIeeeBits ? TakeXor() : TakeInteger();
      }
    }
  }
  void Repeat(size_t n) {
    std::fill_n(out_ + count_, n, last_);
    count_ += n;
  }
  // Marks what is there; returns the number of values.
  size_t Finish() {
    presence_.SetRange(range_entry_, count_ - range_count_);
    return count_;
  }

 private:
  void Add(double value) { out_[count_++] = last_ = value; }
  void SetMode(unsigned mode, uint64_t bits) {
    mode_ = mode;
    if (mode <= kMaxDecimals) scale_ = kPowersOfTen[mode];
    Add(std::bit_cast<double>(bits));
    if (mode == kIeeeBits || !ToInteger(last_, scale_, &integer_)) integer_ = 0;
  }
  void TakeInteger() {
    const unsigned width = kWidths[in_.Take(3)];
    integer_ += UnZigZag(in_.Take(width));
    Add(IntegerToDouble(static_cast<uint64_t>(integer_)) / scale_);
  }
  void TakeXor() {
    const auto leading = static_cast<unsigned>(in_.Take(5)) * 2;
    const auto length = static_cast<unsigned>(in_.Take(6)) + 1;
    const uint64_t x = in_.TakeLong(length) << (64 - leading - length);
    Add(std::bit_cast<double>(std::bit_cast<uint64_t>(last_) ^ x));
  }
  void TakeEscape() {
    switch (in_.Take(2)) {
      case kStale:
        return Add(std::bit_cast<double>(kStaleNaNBits));
      case kAbsent: {
        const size_t absent = in_.Take(kAbsentBits) + 1;
        presence_.SetRange(range_entry_, count_ - range_count_);
        range_entry_ += count_ - range_count_ + absent;
        range_count_ = count_;
        return;
      }
      case kRaw:
        return Add(std::bit_cast<double>(in_.TakeLong(64)));
      default: {
        const auto mode = static_cast<unsigned>(in_.Take(kModeBits));
        return SetMode(mode, in_.TakeLong(64));
      }
    }
  }

  BitReader in_;
  double* out_;
  Presence& presence_;
  size_t count_ = 0;
  size_t range_entry_ = 0, range_count_ = 0;  // where the present range at hand began
  unsigned mode_ = 0;
  double scale_ = 1;
  double last_ = 0;
  int64_t integer_ = 0;
};

}  // namespace

size_t HeadStream::Decode(std::span<double> values, Presence& presence) const {
  TOCSIN_CHECK(values.size() >= count_, "room for the values");
  presence.Clear();
  if (buffer_ == nullptr) {
    std::fill_n(values.begin(), count_, last());
    presence.SetRange(0, count_);
    return count_;
  }
  StreamDecoder decoder(buffer_, values.data(), presence);
  decoder.Decode(used_bits_);
  decoder.Repeat(run_);
  return decoder.Finish();
}

}  // namespace tocsin::storage
