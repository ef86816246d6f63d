#include "ingest/sample_batch.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace tocsin::ingest {
namespace {

// Below this a row costs more than its samples save by sharing a timestamp.
constexpr size_t kRowSeries = 8;

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

}  // namespace

storage::RowResult SampleBatch::Flush(storage::Appender& appender, storage::RowHint& hint) {
  storage::RowResult result;
  // Stable: the first of equal ones stays the first.
  std::stable_sort(samples_.begin(), samples_.end(), [](const Stamped& a, const Stamped& b) {
    return std::tie(a.t, a.ref) < std::tie(b.t, b.ref);
  });
  result.duplicates = DropRepeats();
  rest_.clear();
  AppendRows(appender, hint, &result);
  AppendColumns(appender, &result);
  samples_.clear();
  return result;
}

uint32_t SampleBatch::DropRepeats() {
  uint32_t duplicates = 0;
  size_t kept = 0;
  for (size_t i = 0; i < samples_.size(); ++i) {
    if (kept != 0 && samples_[kept - 1].t == samples_[i].t &&
        samples_[kept - 1].ref == samples_[i].ref) {
      if (!SameBits(samples_[kept - 1].v, samples_[i].v)) ++duplicates;
      continue;
    }
    samples_[kept++] = samples_[i];
  }
  samples_.resize(kept);
  return duplicates;
}

void SampleBatch::AppendRows(storage::Appender& appender, storage::RowHint& hint,
                             storage::RowResult* result) {
  for (size_t begin = 0; begin < samples_.size();) {
    size_t end = begin;
    while (end < samples_.size() && samples_[end].t == samples_[begin].t) ++end;
    if (end - begin < kRowSeries) {
      rest_.insert(rest_.end(), samples_.begin() + static_cast<ptrdiff_t>(begin),
                   samples_.begin() + static_cast<ptrdiff_t>(end));
    } else {
      refs_.clear();
      values_.clear();
      for (size_t i = begin; i < end; ++i) {
        refs_.push_back(samples_[i].ref);
        values_.push_back(samples_[i].v);
      }
      *result += appender.AppendRow(hint, samples_[begin].t, refs_, values_);
    }
    begin = end;
  }
}

void SampleBatch::AppendColumns(storage::Appender& appender, storage::RowResult* result) {
  std::stable_sort(rest_.begin(), rest_.end(),
                   [](const Stamped& a, const Stamped& b) { return a.ref < b.ref; });
  for (size_t begin = 0; begin < rest_.size();) {
    times_.clear();
    values_.clear();
    size_t end = begin;
    for (; end < rest_.size() && rest_[end].ref == rest_[begin].ref; ++end) {
      times_.push_back(rest_[end].t);
      values_.push_back(rest_[end].v);
    }
    *result += appender.AppendColumn(rest_[begin].ref, times_, values_);
    begin = end;
  }
}

}  // namespace tocsin::ingest
