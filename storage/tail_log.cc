#include "storage/tail_log.h"

#include <algorithm>
#include <utility>

#include "storage/base/log.h"

namespace tocsin::storage {
namespace {

// A row is a difference to the rows before it, so after a start the epoch is decoded from its
// beginning: so much of it in one call.
constexpr size_t kPrimeBytes = 4u << 20;

}  // namespace

void TailLog::Close() {
  epoch_ = 0;
  in_hand_ = false;
  decoder_.reset();
}

void TailLog::MoveToOldest(TailPosition* position) {
  Close();
  const uint64_t dropped = readers_.dropped_through();
  const std::vector<uint64_t> epochs = store_.Logs();
  const auto it = std::upper_bound(epochs.begin(), epochs.end(), dropped);
  position->row = it == epochs.end() ? log_.epoch() : *it;
  position->row_samples = 0;
}

void TailLog::SkipFilesDone(const Directory& view, const TailPosition& position) {
  marks_.clear();
  marks_end_ = 0;
  for (const SealedFilePtr& file : view.files) {
    if (file->header.covers.back() > position.files_done) continue;
    for (const GroupMark& mark : file->header.marks) {
      if (mark.log_hi < position.row) continue;
      marks_[mark.group].push_back(mark);
      marks_end_ = std::max(marks_end_, mark.log_hi);
    }
  }
}

bool TailLog::InFiles(uint64_t group, Timestamp t) const {
  const auto it = marks_.find(group);
  if (it == marks_.end()) return false;
  const uint64_t row = next_ - 1;
  return std::any_of(it->second.begin(), it->second.end(),
                     [&](const GroupMark& mark) { return row <= mark.log_hi && t < mark.cut; });
}

// The epochs are listed before it is asked what is gone: an epoch that is missing from the list has
// raised that first.
Result<bool> TailLog::OpenEpoch(TailPosition* position) {
  const std::vector<uint64_t> epochs = store_.Logs();
  if (FellBehind(*position)) return false;
  auto next = std::upper_bound(epochs.begin(), epochs.end(), position->row);
  uint64_t epoch = next == epochs.begin() ? epochs.front() : *std::prev(next);
  if (next != epochs.begin() && next != epochs.end() && epoch < log_.epoch()) {
    // No row comes to it any more: perhaps it was read to its end.
    TOCSIN_ASSIGN(const auto last, store_.LastLogRow(epoch));
    if (FellBehind(*position)) return false;
    if (!last || *last < position->row) epoch = *next;
  }
  if (epoch > position->row) {
    position->row = epoch;
    position->row_samples = 0;
  }
  epoch_ = next_ = epoch;
  decoder_ = std::make_unique<LogRowDecoder>();
  return true;
}

Status TailLog::Read(TailPosition* position, TailCollector& out) {
  for (;;) {
    if (in_hand_) TakeRow(position, out);
    if (in_hand_ || out.full()) break;
    if (position->row > marks_end_) marks_.clear();
    if (position->row >= log_.next_seq()) return OkStatus();
    if (epoch_ == 0) {
      TOCSIN_ASSIGN(const bool opened, OpenEpoch(position));
      if (!opened) break;
    }
    const bool closed = log_.epoch() > epoch_;  // asked before the scan: it sees every row then
    TOCSIN_ASSIGN(const Stop stop, ReadEpoch(position, out));
    if (stop == Stop::kFull) break;
    if (stop == Stop::kEnd) {
      position->row = std::max(position->row, next_);
      if (!closed) return OkStatus();
      out.Age();
    }
    Close();
  }
  out.batch().more = true;
  return OkStatus();
}

Result<TailLog::Stop> TailLog::ReadEpoch(TailPosition* position, TailCollector& out) {
  size_t primed = 0;
  bool full = false;
  const auto take = [&](std::string_view key, std::string_view value) {
    const auto seq = keys::ParseLogRow(key);
    if (!seq || *seq < next_) return true;
    if (*seq != next_) decoder_->Hole();
    next_ = *seq + 1;
    const Status status = decoder_->Decode(value, &row_);
    const bool readable = status.ok() && !row_.skipped;
    if (*seq < position->row) {
      if (readable) PassRow(out);
      primed += value.size();
      return !(full = primed >= kPrimeBytes);
    }
    if (*seq != position->row) {
      position->row = *seq;
      position->row_samples = 0;
    }
    if (!readable) {
      // What it says is gone for the start as well, which counts and warns.
      if (damaged_rows_++ == 0)
        log::Warn("a row of the log is damaged and is not forwarded", {{"log_seq", *seq}});
      position->row = next_;
      return true;
    }
    in_hand_ = true;
    TakeRow(position, out);
    return !(full = in_hand_ || out.full());
  };
  const Status scanned = store_.ScanLog(epoch_, next_, take, &damaged_rows_);
  if (!scanned.ok()) {
    if (scanned.error().code() == ErrorCode::kNotFound) return Stop::kGone;
    return scanned.error();
  }
  return full ? Stop::kFull : Stop::kEnd;
}

void TailLog::TakeSample(SeriesRef series, Timestamp t, double value, TailCollector& out) {
  if (!marks_.empty() && InFiles(GroupOf(series.id), t))
    out.Pass(series, t);
  else
    out.Take(series, t, value);
}

void TailLog::TakeRow(TailPosition* position, TailCollector& out) {
  uint64_t& at = position->row_samples;
  if (row_.kind == LogRowKind::kTimeline) {
    for (; at < row_.series.size() && !out.full(); ++at)
      TakeSample(row_.series[at], row_.t, row_.values[at], out);
    if (at < row_.series.size()) return;
  } else if (row_.kind == LogRowKind::kSparse) {
    for (; at < row_.sparse.size() && !out.full(); ++at)
      TakeSample(row_.sparse[at].series, row_.sparse[at].t, row_.sparse[at].value, out);
    if (at < row_.sparse.size()) return;
  } else if (row_.kind == LogRowKind::kHistogram) {
    if (!marks_.empty() && InFiles(GroupOf(row_.histogram_series.id), row_.t))
      out.Pass(row_.histogram_series, row_.t);
    else
      out.Take(row_.histogram_series, row_.t, std::make_shared<const Histogram>(*row_.histogram));
  }
  in_hand_ = false;
  position->row = next_;
  position->row_samples = 0;
}

void TailLog::PassRow(TailCollector& out) const {
  if (row_.kind == LogRowKind::kTimeline) {
    for (const SeriesRef series : row_.series) out.Pass(series, row_.t);
  } else if (row_.kind == LogRowKind::kSparse) {
    for (const SparseSample& sample : row_.sparse) out.Pass(sample.series, sample.t);
  } else if (row_.kind == LogRowKind::kHistogram) {
    out.Pass(row_.histogram_series, row_.t);
  }
}

}  // namespace tocsin::storage
