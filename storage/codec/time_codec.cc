#include "storage/codec/time_codec.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "storage/base/check.h"
#include "storage/codec/packed_blocks.h"

namespace tocsin::storage {
namespace {

enum Kind : uint8_t { kRegular = 0, kResiduals = 1 };

// All arithmetic on times is modulo 2^64: any input round-trips and none overflows.
uint64_t U(int64_t v) { return static_cast<uint64_t>(v); }
int64_t S(uint64_t v) { return static_cast<int64_t>(v); }

Error Malformed() { return {ErrorCode::kCorruption, "malformed timestamp column"}; }

// The grid that times are told against; encoder and decoder walk it alike.
class Grid {
 public:
  Grid(int64_t origin, int64_t step) : next_(U(origin)), step_(step) {}

  uint64_t next() const { return next_; }
  // Moves to the next entry; the one passed lay `residual` beside the grid.
  void Advance(int64_t residual) {
    if (step_ > 0 && (residual > step_ / 2 || residual < -(step_ / 2))) {
      const int64_t half = residual > 0 ? step_ / 2 : -(step_ / 2);
      next_ += U(S(U(residual) + U(half)) / step_) * U(step_);
    }
    next_ += U(step_);
  }

 private:
  uint64_t next_;
  int64_t step_;
};

// The median difference, sharpened by the whole span: jitter moves the median by a millisecond or
// two, which would add up to a long drift along the column.
int64_t GridStep(std::span<const Timestamp> times) {
  if (times.size() < 2) return 0;
  std::array<int64_t, kMaxColumnEntries> deltas;
  const size_t count = times.size() - 1;
  for (size_t i = 0; i < count; ++i) deltas[i] = S(U(times[i + 1].ms) - U(times[i].ms));
  const auto middle = deltas.begin() + static_cast<ptrdiff_t>((count - 1) / 2);
  std::nth_element(deltas.begin(), middle, deltas.begin() + static_cast<ptrdiff_t>(count));
  const int64_t median = *middle;
  const int64_t span = S(U(times.back().ms) - U(times.front().ms));
  if (median <= 0 || span <= 0 || span > INT64_MAX / 2 || median > INT64_MAX / 2) return median;
  const int64_t steps = (span + median / 2) / median;
  const int64_t step = (span + steps / 2) / steps;
  return std::abs(step - median) <= median / 8 ? step : median;
}

void Residuals(std::span<const Timestamp> times, int64_t origin, int64_t step, int64_t* residuals) {
  Grid grid(origin, step);
  for (size_t i = 0; i < times.size(); ++i) {
    residuals[i] = S(U(times[i].ms) - grid.next());
    grid.Advance(residuals[i]);
  }
}

}  // namespace

void EncodeTimes(std::span<const Timestamp> times, std::string& out) {
  const size_t n = times.size();
  TOCSIN_CHECK(n >= 1 && n <= kMaxColumnEntries, "column size");
  const int64_t step = GridStep(times);
  int64_t origin = times[0].ms;
  std::array<int64_t, kMaxColumnEntries> residuals;
  Residuals(times, origin, step, residuals.data());
  if (std::all_of(residuals.begin(), residuals.begin() + static_cast<ptrdiff_t>(n),
                  [](int64_t r) { return r == 0; })) {
    PutZigZag(out, origin);
    PutZigZag(out, step);
    out.push_back(kRegular);
    return;
  }
  // Centre the jitter: the first scrape need not have been a punctual one.
  std::array<int64_t, kMaxColumnEntries> sorted = residuals;
  const auto middle = sorted.begin() + static_cast<ptrdiff_t>(n / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<ptrdiff_t>(n));
  if (*middle >= -(step / 2) && *middle <= step / 2) {
    origin = S(U(origin) + U(*middle));
    Residuals(times, origin, step, residuals.data());
  }
  PutZigZag(out, origin);
  PutZigZag(out, step);
  out.push_back(kResiduals);
  std::array<uint64_t, kMaxColumnEntries> entries;
  for (size_t i = 0; i < n; ++i) entries[i] = ZigZag(residuals[i]);
  EncodeBlocks({entries.data(), n}, out);
}

Status DecodeTimes(ByteReader& in, std::span<Timestamp> out) {
  TOCSIN_CHECK(!out.empty() && out.size() <= kMaxColumnEntries, "column size");
  const int64_t origin = in.ZigZagVarint();
  const int64_t step = in.ZigZagVarint();
  const auto kind = in.Fixed<uint8_t>();
  if (!in.ok() || kind > kResiduals) return Malformed();
  if (kind == kRegular) {
    for (size_t i = 0; i < out.size(); ++i) out[i].ms = S(U(origin) + i * U(step));
  } else {
    const auto* begin = reinterpret_cast<const uint8_t*>(in.rest().data());
    BlockReader blocks(begin, begin + in.remaining(), 0);
    Grid grid(origin, step);
    for (size_t i = 0; i < out.size(); i += kBlockEntries) {
      uint64_t entries[kBlockEntries] = {};
      bool zero;
      const size_t k = std::min(kBlockEntries, out.size() - i);
      if (!blocks.Next(k, entries, &zero)) return Malformed();
      for (size_t j = 0; j < k; ++j) {
        const int64_t residual = UnZigZag(entries[j]);
        out[i + j].ms = S(grid.next() + U(residual));
        grid.Advance(residual);
      }
    }
    in.Bytes(static_cast<size_t>(blocks.position() - begin));
  }
  for (size_t i = 1; i < out.size(); ++i) {
    if (out[i] <= out[i - 1]) return Malformed();
  }
  return OkStatus();
}

}  // namespace tocsin::storage
