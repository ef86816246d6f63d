#include "storage/log.h"

#include <algorithm>

namespace tocsin::storage {
namespace {
constexpr size_t kSparsePerRow = 16384;
// Rows lean on the rows before them. After so many an owner starts anew, so that a damaged place
// costs what lies there and few rows more; it makes the log about 2 % larger.
constexpr uint16_t kRowsBeforeAnew = 256;
}  // namespace

Status Log::Start(uint64_t first_log_seq) {
  TOCSIN_RETURN_IF_ERROR(store_.CreateLog(first_log_seq));
  epoch_.store(first_log_seq, std::memory_order_release);
  next_seq_.store(first_log_seq, std::memory_order_relaxed);
  return OkStatus();
}

uint64_t Log::Put(RocksBatch& batch) {
  const uint64_t seq = next_seq_.load(std::memory_order_relaxed);
  batch.PutLogRow(epoch(), seq, row_);
  next_seq_.store(seq + 1, std::memory_order_relaxed);
  epoch_bytes_.fetch_add(row_.size(), std::memory_order_relaxed);
  return seq;
}

uint64_t Log::PutTimeline(RocksBatch& batch, const std::shared_ptr<const RowLayout>& layout,
                          Timestamp t, std::span<const double> values,
                          std::span<const Timestamp> starts) {
  LogOwner& owner = *layout->owner;
  const bool anew = owner.generation != generation_ || owner.rows >= kRowsBeforeAnew;
  if (anew || owner.layout != layout->number) {
    row_.clear();
    LogRowEncoder::Layout(owner.number, owner.state, anew, layout->refs, row_);
    Put(batch);
    owner.generation = generation_;
    owner.layout = layout->number;
    if (anew) owner.rows = 0;
  }
  ++owner.rows;
  row_.clear();
  if (!starts.empty()) LogRowEncoder::Starts(starts, row_);
  LogRowEncoder::Timeline(owner.number, owner.state, t, values, row_);
  return Put(batch);
}

// Whether any has a start timestamp; starts_ has all of them then.
bool Log::GatherStarts(std::span<const SparseSample> samples) {
  starts_.clear();
  if (std::all_of(samples.begin(), samples.end(),
                  [](const SparseSample& sample) { return sample.start == kNoStart; }))
    return false;
  for (const SparseSample& sample : samples) starts_.push_back(sample.start);
  return true;
}

uint64_t Log::PutSparse(RocksBatch& batch, std::span<const SparseSample> samples) {
  uint64_t seq = 0;
  while (!samples.empty()) {
    const size_t n = std::min(samples.size(), kSparsePerRow);
    row_.clear();
    if (GatherStarts(samples.first(n))) LogRowEncoder::Starts(starts_, row_);
    LogRowEncoder::Sparse(samples.first(n), row_);
    seq = Put(batch);
    samples = samples.subspan(n);
  }
  return seq;
}

uint64_t Log::PutHistogram(RocksBatch& batch, SeriesRef series, Timestamp t,
                           const Histogram& histogram, Timestamp start) {
  row_.clear();
  if (start != kNoStart) LogRowEncoder::Starts({&start, 1}, row_);
  LogRowEncoder::HistogramSample(series, t, histogram, row_);
  return Put(batch);
}

uint64_t Log::PutTombstone(RocksBatch& batch, const TombstoneRow& tombstone) {
  row_.clear();
  LogRowEncoder::Tombstone(tombstone, row_);
  return Put(batch);
}

Status Log::PrepareEpoch() {
  if (prepared()) return OkStatus();
  const uint64_t first = next_seq() + kLogSeqGap;
  TOCSIN_RETURN_IF_ERROR(store_.CreateLog(first));
  prepared_.store(first, std::memory_order_release);
  return OkStatus();
}

void Log::BeginBatch() {
  const uint64_t first = prepared_.load(std::memory_order_acquire);
  if (first == 0) return;
  epoch_.store(first, std::memory_order_release);
  next_seq_.store(first, std::memory_order_relaxed);
  epoch_bytes_.store(0, std::memory_order_relaxed);
  prepared_.store(0, std::memory_order_release);
  ++generation_;
}

}  // namespace tocsin::storage
