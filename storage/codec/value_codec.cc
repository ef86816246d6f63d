#include "storage/codec/value_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/codec/decimal.h"
#include "storage/codec/dispatch.h"
#include "storage/codec/packed_blocks.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kConstant = 0x00;
constexpr uint8_t kConstantInteger = 0x02;
constexpr uint8_t kColumn = 0x80;

enum Order : uint8_t { kFrame = 0, kDelta = 1, kDeltaOfDelta = 2, kDeltaMinusMin = 3 };

uint64_t Bits(double v) { return std::bit_cast<uint64_t>(v); }

// ---- Encoding. Integers are unsigned with wrapping arithmetic: in IEEE mode differences wrap, in
// decimal modes they never do.

using Integers = std::array<uint64_t, kMaxColumnEntries>;

TOCSIN_CPU_CLONES size_t CountMisfits(const double* values, size_t n, double scale) {
  size_t misfits = 0;
  for (size_t i = 0; i < n; ++i) {
    int64_t integer;
    misfits += !ToInteger(values[i], scale, &integer);
  }
  return misfits;
}

// The number of decimals with the cheapest column, or kIeeeBits. A decimal more costs 3.3 bits
// wherever the value changes, a misfit about 9 bytes.
unsigned ChooseDecimals(std::span<const double> values) {
  const size_t n = values.size();
  const size_t allowed = n / 16 + 2;
  // A few samples tell full-precision data, for which trying all decimals would be dear.
  unsigned first = kMaxDecimals;
  size_t hopeless = 0, finite = 0;
  const size_t stride = n / 16 + 1;
  for (size_t i = stride / 2; i < n; i += stride) {
    if (!(values[i] - values[i] == 0) || Bits(values[i]) == Bits(-0.0)) continue;
    unsigned p = 0;
    int64_t integer;
    while (p <= kMaxDecimals && !ToInteger(values[i], kPowersOfTen[p], &integer)) ++p;
    first = std::min(first, p);
    hopeless += p > kMaxDecimals;
    ++finite;
  }
  if (finite > 4 && hopeless > finite / 2) return kIeeeBits;
  if (finite == 0) first = 0;

  size_t changes = 0;
  for (size_t i = 1; i < n; ++i) changes += Bits(values[i]) != Bits(values[i - 1]);
  unsigned best = kIeeeBits;
  size_t best_cost = SIZE_MAX;
  for (unsigned p = first; p <= kMaxDecimals; ++p) {
    const size_t misfits = CountMisfits(values.data(), n, kPowersOfTen[p]);
    const size_t cost = misfits * 72 + p * changes * 10 / 3;
    if (misfits <= allowed && cost < best_cost) best = p, best_cost = cost;
    if (misfits == 0 || p * changes * 10 / 3 > best_cost) break;
  }
  return best;
}

// Fills integers and lists the positions of the exceptions; returns how many there are.
size_t ToIntegers(std::span<const double> values, unsigned decimals, Integers& integers,
                  std::array<uint16_t, kMaxColumnEntries>& exceptions) {
  if (decimals == kIeeeBits) {
    std::memcpy(integers.data(), values.data(), values.size_bytes());
    return 0;
  }
  const double scale = kPowersOfTen[decimals];
  size_t count = 0;
  bool seen = false;
  uint64_t last = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t integer;
    if (ToInteger(values[i], scale, &integer)) {
      last = static_cast<uint64_t>(integer);
      if (!seen) std::fill_n(integers.begin(), i, last);
      seen = true;
    } else {
      exceptions[count++] = static_cast<uint16_t>(i);
    }
    integers[i] = last;
  }
  return count;
}

struct Shape {
  uint64_t divisor = 1;
  Order order = kDelta;
  int64_t min = 0, min_delta = 0;
};

uint64_t CommonDivisor(const Integers& v, size_t n, bool wraps) {
  uint64_t low_bits = 0;
  for (size_t i = 1; i < n; ++i) low_bits |= v[i] - v[i - 1];
  if (low_bits == 0) return 1;
  const uint64_t power = uint64_t{1} << std::countr_zero(low_bits);
  if (wraps) return power;
  uint64_t divisor = 0;
  for (size_t i = 1; i < n && divisor != 1; ++i) {
    const auto delta = static_cast<int64_t>(v[i] - v[i - 1]);
    const auto size = static_cast<uint64_t>(delta < 0 ? -delta : delta);
    if (divisor == 0) {
      divisor = size;
    } else if (size % divisor != 0) {
      divisor = std::gcd(divisor, size);
    }
  }
  return divisor;
}

// The order whose entries have the fewest significant bits in sum.
Shape Analyse(const Integers& v, size_t n, bool wraps) {
  Shape shape;
  shape.divisor = CommonDivisor(v, n, wraps);
  auto min = static_cast<int64_t>(v[0]);
  auto min_delta = static_cast<int64_t>(v[1] - v[0]);
  for (size_t i = 1; i < n; ++i) {
    min = std::min(min, static_cast<int64_t>(v[i]));
    min_delta = std::min(min_delta, static_cast<int64_t>(v[i] - v[i - 1]));
  }
  size_t cost[4] = {};
  uint64_t before = v[1] - v[0];
  for (size_t i = 1; i < n; ++i) {
    const uint64_t delta = v[i] - v[i - 1];
    cost[kFrame] += std::bit_width(v[i] - static_cast<uint64_t>(min));
    cost[kDelta] += std::bit_width(ZigZag(static_cast<int64_t>(delta)));
    cost[kDeltaOfDelta] += std::bit_width(ZigZag(static_cast<int64_t>(delta - before)));
    cost[kDeltaMinusMin] += std::bit_width(delta - static_cast<uint64_t>(min_delta));
    before = delta;
  }
  shape.order = static_cast<Order>(std::min_element(cost, cost + 4) - cost);
  shape.min = min;
  shape.min_delta = min_delta;
  return shape;
}

uint64_t Divide(uint64_t v, uint64_t divisor) {
  return std::has_single_bit(divisor) ? v >> std::countr_zero(divisor) : v / divisor;
}
uint64_t DivideSigned(uint64_t v, uint64_t divisor) {
  const auto s = static_cast<int64_t>(v);
  if (std::has_single_bit(divisor)) return ZigZag(s >> std::countr_zero(divisor));
  return ZigZag(s / static_cast<int64_t>(divisor));
}

size_t Entries(const Integers& v, size_t n, const Shape& shape, Integers& entries) {
  const uint64_t d = shape.divisor;
  switch (shape.order) {
    case kFrame:
      for (size_t i = 1; i < n; ++i)
        entries[i - 1] = Divide(v[i] - static_cast<uint64_t>(shape.min), d);
      return n - 1;
    case kDelta:
      for (size_t i = 1; i < n; ++i) entries[i - 1] = DivideSigned(v[i] - v[i - 1], d);
      return n - 1;
    case kDeltaOfDelta:
      for (size_t i = 2; i < n; ++i)
        entries[i - 2] = DivideSigned(v[i] - v[i - 1] - (v[i - 1] - v[i - 2]), d);
      return n - 2;
    case kDeltaMinusMin:
      for (size_t i = 1; i < n; ++i)
        entries[i - 1] = Divide(v[i] - v[i - 1] - static_cast<uint64_t>(shape.min_delta), d);
      return n - 1;
  }
  return 0;
}

void EncodeConstant(double value, std::string& out) {
  int64_t integer;
  if (ToInteger(value, 1, &integer)) {
    out.push_back(static_cast<char>(kConstantInteger));
    PutZigZag(out, integer);
  } else {
    out.push_back(static_cast<char>(kConstant));
    PutFixed(out, Bits(value));
  }
}

// ---- Decoding. Every function below takes any entries without overflow that is undefined.

Error Malformed() { return {ErrorCode::kCorruption, "malformed value column"}; }

struct Column {
  unsigned decimals = 0;
  Order order = kDelta;
  uint64_t divisor = 1;
  uint64_t last = 0;   // the integer before the block
  uint64_t extra = 0;  // min, first or smallest delta
};

TOCSIN_CPU_CLONES void ToDoubles(const uint64_t* integers, size_t n, double scale, double* out) {
  if (scale == 1) {
    for (size_t i = 0; i < n; ++i) out[i] = IntegerToDouble(integers[i]);
  } else {
    for (size_t i = 0; i < n; ++i) out[i] = IntegerToDouble(integers[i]) / scale;
  }
}

TOCSIN_CPU_CLONES void UnZigZagAll(uint64_t* entries, size_t k) {
  for (size_t i = 0; i < k; ++i) entries[i] = (entries[i] >> 1) ^ (0 - (entries[i] & 1));
}

// Turns the entries of one block into integers in place.
void Integrate(Column& c, uint64_t* entries, size_t k) {
  if (c.order == kDelta || c.order == kDeltaOfDelta) UnZigZagAll(entries, k);
  if (c.divisor != 1) {
    for (size_t i = 0; i < k; ++i) entries[i] *= c.divisor;
  }
  uint64_t last = c.last;
  switch (c.order) {
    case kFrame:
      for (size_t i = 0; i < k; ++i) entries[i] += c.extra;
      last = entries[k - 1];
      break;
    case kDelta:
      for (size_t i = 0; i < k; ++i) entries[i] = last += entries[i];
      break;
    case kDeltaOfDelta: {
      uint64_t delta = c.extra;
      for (size_t i = 0; i < k; ++i) entries[i] = last += delta += entries[i];
      c.extra = delta;
      break;
    }
    case kDeltaMinusMin:
      for (size_t i = 0; i < k; ++i) entries[i] = last += entries[i] + c.extra;
      break;
  }
  c.last = last;
}

void Convert(const Column& c, const uint64_t* integers, size_t k, double* out) {
  if (c.decimals == kIeeeBits) {
    std::memcpy(out, integers, k * sizeof(double));
  } else {
    ToDoubles(integers, k, kPowersOfTen[c.decimals], out);
  }
}

// A block whose entries are all zero: constant or a straight line.
void ConvertZeroBlock(Column& c, size_t k, double* out) {
  const uint64_t step = c.order == kDeltaOfDelta || c.order == kDeltaMinusMin ? c.extra : 0;
  if (c.order == kFrame) c.last = c.extra;
  if (step == 0) {
    Convert(c, &c.last, 1, out);
    std::fill_n(out + 1, k - 1, out[0]);
    return;
  }
  uint64_t line[kBlockEntries];
  for (size_t i = 0; i < k; ++i) line[i] = c.last + (i + 1) * step;
  c.last = line[k - 1];
  Convert(c, line, k, out);
}

Status ReadExceptions(ByteReader& in, uint64_t count, std::span<double> out) {
  size_t position = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t step = in.Varint();
    const auto bits = in.Fixed<uint64_t>();
    if (!in.ok() || step >= out.size() - position || (i > 0 && step == 0)) return Malformed();
    position += step;
    out[position] = std::bit_cast<double>(bits);
  }
  return OkStatus();
}

Status DecodeColumn(uint8_t mode, ByteReader& in, std::span<double> out, size_t slack) {
  Column c;
  c.decimals = mode >> 2 & 31;
  c.order = static_cast<Order>(mode & 3);
  const uint64_t exceptions = in.Varint();
  c.divisor = in.Varint();
  c.last = static_cast<uint64_t>(in.ZigZagVarint());
  if (c.order != kDelta) c.extra = static_cast<uint64_t>(in.ZigZagVarint());
  if (!in.ok() || c.divisor == 0 || exceptions > out.size()) return Malformed();
  if (c.decimals > kMaxDecimals && c.decimals != kIeeeBits) return Malformed();

  Convert(c, &c.last, 1, out.data());
  size_t at = 1;
  if (c.order == kDeltaOfDelta && out.size() > 1) {
    c.last += c.extra;
    Convert(c, &c.last, 1, &out[at++]);
  }
  const auto* begin = reinterpret_cast<const uint8_t*>(in.rest().data());
  BlockReader blocks(begin, begin + in.remaining(), slack);
  while (at < out.size()) {
    const size_t k = std::min(kBlockEntries, out.size() - at);
    uint64_t entries[kBlockEntries];
    bool zero;
    if (!blocks.Next(k, entries, &zero)) return Malformed();
    if (zero) {
      ConvertZeroBlock(c, k, &out[at]);
    } else {
      Integrate(c, entries, k);
      Convert(c, entries, k, &out[at]);
    }
    at += k;
  }
  in.Bytes(static_cast<size_t>(blocks.position() - begin));
  TOCSIN_RETURN_IF_ERROR(ReadExceptions(in, exceptions, out));
  return in.done() ? OkStatus() : Malformed();
}

}  // namespace

void EncodeValues(std::span<const double> values, std::string& out) {
  const size_t n = values.size();
  TOCSIN_CHECK(n >= 1 && n <= kMaxColumnEntries, "column size");
  const bool constant = std::all_of(values.begin(), values.end(),
                                    [&](double v) { return Bits(v) == Bits(values[0]); });
  if (constant) return EncodeConstant(values[0], out);

  Integers integers, entries;
  std::array<uint16_t, kMaxColumnEntries> exceptions;
  const unsigned decimals = ChooseDecimals(values);
  const size_t exception_count = ToIntegers(values, decimals, integers, exceptions);
  const Shape shape = Analyse(integers, n, decimals == kIeeeBits);
  out.push_back(static_cast<char>(kColumn | decimals << 2 | shape.order));
  PutVarint(out, exception_count);
  PutVarint(out, shape.divisor);
  PutZigZag(out, static_cast<int64_t>(integers[0]));
  if (shape.order == kFrame) PutZigZag(out, shape.min);
  if (shape.order == kDeltaOfDelta) PutZigZag(out, static_cast<int64_t>(integers[1] - integers[0]));
  if (shape.order == kDeltaMinusMin) PutZigZag(out, shape.min_delta);
  EncodeBlocks({entries.data(), Entries(integers, n, shape, entries)}, out);
  size_t position = 0;
  for (size_t i = 0; i < exception_count; ++i) {
    PutVarint(out, exceptions[i] - position);
    PutFixed(out, Bits(values[exceptions[i]]));
    position = exceptions[i];
  }
}

Status DecodeValues(std::string_view column, std::span<double> out, size_t slack) {
  TOCSIN_CHECK(!out.empty() && out.size() <= kMaxColumnEntries, "column size");
  double constant;
  if (ConstantColumn(column, &constant)) {
    std::fill(out.begin(), out.end(), constant);
    return OkStatus();
  }
  ByteReader in(column);
  const auto mode = in.Fixed<uint8_t>();
  if (!in.ok() || (mode & kColumn) == 0) return Malformed();
  return DecodeColumn(mode, in, out, slack);
}

ValueShape ShapeOf(std::string_view column) {
  ByteReader in(column);
  const auto mode = in.Fixed<uint8_t>();
  if (!in.ok()) return ValueShape::kAny;
  if (mode == kConstant || mode == kConstantInteger) return ValueShape::kConstant;
  const bool decimal = (mode & kColumn) != 0 && (mode >> 2 & 31) <= kMaxDecimals;
  const uint64_t exceptions = in.Varint();
  if (!decimal || !in.ok() || exceptions != 0) return ValueShape::kAny;
  if ((mode & 3) != kDeltaMinusMin) return ValueShape::kNumbers;
  in.Varint();        // the divisor
  in.ZigZagVarint();  // the first integer
  const int64_t smallest_delta = in.ZigZagVarint();
  return in.ok() && smallest_delta >= 0 ? ValueShape::kAscending : ValueShape::kNumbers;
}

bool ConstantColumn(std::string_view column, double* value) {
  ByteReader in(column);
  const auto mode = in.Fixed<uint8_t>();
  if (mode == kConstant) {
    *value = std::bit_cast<double>(in.Fixed<uint64_t>());
  } else if (mode == kConstantInteger) {
    *value = IntegerToDouble(static_cast<uint64_t>(in.ZigZagVarint()));
  } else {
    return false;
  }
  return in.ok() && in.done();
}

}  // namespace tocsin::storage
