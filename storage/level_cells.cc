#include "storage/level_cells.h"

#include <algorithm>
#include <cmath>

#include "storage/codec/decimal.h"
#include "storage/model/sample.h"

namespace tocsin::storage {
namespace {

constexpr unsigned kMaxSumDecimals = 6;
constexpr int64_t kSumLimit = int64_t{1} << 51;

void AddCompensated(double x, double* sum, double* compensation) {
  const double t = *sum + x;
  if (std::isinf(t))
    *compensation = 0;
  else if (std::fabs(*sum) >= std::fabs(x))
    *compensation += (*sum - t) + x;
  else
    *compensation += (x - t) + *sum;
  *sum = t;
}

// The lowest (highest) that is a number; of equal ones the later.
double Lowest(double a, double b) { return std::isnan(b) || b > a ? a : b; }
double Highest(double a, double b) { return std::isnan(b) || b < a ? a : b; }

}  // namespace

void CellBuilder::Add(Timestamp t, double value) {
  const Timestamp end = WindowEnd(t, resolution_);
  if (cells_.empty() || cells_.back().end != end) {
    FinishSum();
    cells_.emplace_back();
    cells_.back().end = end;
  }
  LevelCell& cell = cells_.back();
  if (IsStale(value)) {
    cell.ended = true;
    return;
  }
  cell.ended = false;
  if (cell.count == 0) {
    cell.first_time = t;
    cell.first = cell.min = cell.max = value;
    cell.sum = 0;
    compensation_ = 0;
    decimal_ = true;
    decimals_ = 0;
    integer_sum_ = 0;
  } else if (value < cell.last) {
    ++cell.resets;
    cell.dropped += cell.last;
  }
  ++cell.count;
  cell.last_time = t;
  cell.last = value;
  cell.min = Lowest(cell.min, value);
  cell.max = Highest(cell.max, value);
  AddCompensated(value, &cell.sum, &compensation_);
  int64_t integer = 0;
  while (decimal_ && !ToInteger(value, kPowersOfTen[decimals_], &integer)) {
    decimal_ = ++decimals_ <= kMaxSumDecimals;
    integer_sum_ *= 10;
    decimal_ = decimal_ && integer_sum_ < kSumLimit && integer_sum_ > -kSumLimit;
  }
  if (!decimal_) return;
  integer_sum_ += integer;
  decimal_ = integer_sum_ < kSumLimit && integer_sum_ > -kSumLimit;
}

// Of the window that was filled last.
void CellBuilder::FinishSum() {
  if (cells_.empty() || cells_.back().count == 0) return;
  LevelCell& cell = cells_.back();
  if (decimal_)
    cell.sum = static_cast<double>(integer_sum_) / kPowersOfTen[decimals_];
  else if (!std::isinf(cell.sum))
    cell.sum += compensation_;
}

std::span<LevelCell> CellBuilder::Finish(bool counter) {
  FinishSum();
  size_t falling = 0;
  bool sums_follow = true;
  for (const LevelCell& cell : cells_) {
    falling += cell.resets > 0 ? 1 : 0;
    sums_follow = sums_follow && cell.sum == cell.count * cell.first;
  }
  const bool has_sum = !counter || sums_follow;
  const bool has_resets = counter || falling * 4 <= cells_.size();
  for (LevelCell& cell : cells_) {
    cell.has_sum = has_sum;
    cell.has_resets = has_resets;
  }
  return cells_;
}

void Join(LevelCell* cell, const LevelCell& next) {
  cell->resets += next.resets;
  cell->dropped += next.dropped;
  if (next.first < cell->last) {
    ++cell->resets;
    cell->dropped += cell->last;
  }
  cell->end = next.end;
  cell->last_time = next.last_time;
  cell->count += next.count;
  cell->last = next.last;
  cell->min = Lowest(cell->min, next.min);
  cell->max = Highest(cell->max, next.max);
  cell->sum += next.sum;
  cell->ended = next.ended;
  cell->has_sum = cell->has_sum && next.has_sum;
  cell->has_resets = cell->has_resets && next.has_resets;
}

}  // namespace tocsin::storage
