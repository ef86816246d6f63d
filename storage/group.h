// The open data of one group (64 neighbouring series) in memory.
//
// A group has timelines: ascending times that several series share. A line covers a part of one 2 h
// window and has at most 1,024 entries; for each of its series a stream holds the values without
// times. A series that brings a time its line does not have yet extends the line; one that comes at
// a known time costs no timestamp. A series that fits its line badly moves to another. Samples that
// fit no line are kept aside as late ones.
//
// A seal takes whole lines and late samples: it cuts them off (they keep answering queries until
// the files that hold them are published and no older view is left) and writes them to files.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "storage/base/time.h"
#include "storage/codec/head_stream.h"
#include "storage/codec/presence.h"
#include "storage/key_schema.h"
#include "storage/slot_samples.h"

namespace tocsin::storage {

// Lines and parts never span a multiple of it.
inline constexpr int64_t kWindowMs = 2LL * 3600 * 1000;
// REQUIRES: t is storable (not negative).
constexpr int64_t WindowOf(Timestamp t) { return t.ms / kWindowMs; }

struct Line {
  struct Stream {
    HeadStream values;
    uint16_t start = 0;  // entry of the line that is the stream's first
    uint8_t slot = 0;
    uint8_t misses = 0;  // rises when the series skips entries
  };

  int64_t window = 0;
  int64_t base_ms = 0;
  uint64_t first_log_seq = 0;     // no sample of the line has an older row
  std::vector<uint32_t> offsets;  // of each entry from base_ms, ascending
  std::vector<Stream> streams;    // a slot's last one is its open one
  // Start timestamps, rare: of streams[i] by the same entries, absent ones and those behind the end
  // are unknown. Shorter than `streams`, or empty, where none has any.
  std::vector<HeadStream> starts;
  struct EntryStart {
    uint32_t stream;
    uint32_t entry;  // of the stream
    Timestamp start;
  };
  std::vector<EntryStart> odd_starts;  // for which the stream of starts had no room

  Timestamp time(size_t entry) const { return {base_ms + offsets[entry]}; }
  Timestamp newest() const { return time(offsets.size() - 1); }
  // The slot's open stream, or npos.
  size_t StreamOf(unsigned slot) const;
  // The entry at t, or npos.
  static constexpr size_t npos = ~size_t{0};
  size_t Find(Timestamp t) const;
  // Decodes what the slot has here within [from, to], in time order.
  void Read(unsigned slot, Timestamp from, Timestamp to, SampleList* out) const;
  // The slot's values; returns how many. REQUIRES: room for kMaxColumnEntries values.
  size_t Read(unsigned slot, Presence* presence, std::span<double> values) const;
  // The start of each of these values; false: none is known, `out` holds anything.
  bool ReadStarts(unsigned slot, std::span<Timestamp> out) const;
  // Notes the start of the stream's last value.
  void SetStart(uint32_t stream, Timestamp start, SlabPool& pool);
  void FreeStarts(SlabPool& pool);
};

// What a seal pass has cut off a group.
struct CutPart {
  uint64_t seal_seq = 0;
  std::vector<std::unique_ptr<Line>> lines;
  LateSamples late;
  LateStarts late_starts;
  HistogramSamples histograms;

  bool empty() const { return lines.empty() && late.empty() && histograms.empty(); }
};

struct GroupMarkState {
  uint64_t log_hi = 0;
  Timestamp cut;
};

// Methods: under the mutex of the group, but for what says otherwise.
class Group {
 public:
  enum class Outcome : uint8_t { kAppended, kSame, kDuplicate };

  explicit Group(uint64_t number) : number_(number) {}

  uint64_t number() const { return number_; }
  // Of all its series. Set once, before samples come. No lock is needed.
  uint8_t retention_class() const { return retention_class_.load(std::memory_order_relaxed); }
  void SetRetentionClass(uint8_t c) { retention_class_.store(c, std::memory_order_relaxed); }
  std::mutex& mutex() const { return mutex_; }

  // REQUIRES: t is storable; the caller is the only one that appends (commit thread or recovery)
  // and has the pool for itself.
  Outcome Append(unsigned slot, Timestamp t, double value, uint64_t log_seq, SlabPool& pool) {
    SlotState& state = slots_[slot];
    if (Line* line = state.line; line != nullptr) {
      Line::Stream& stream = line->streams[state.stream];
      const size_t next = size_t{stream.start} + stream.values.size();
      const auto offset = static_cast<uint64_t>(t.ms - line->base_ms);
      const uint64_t in_window = InWindow(*line, t);
      if (next + 1 == line->offsets.size() && line->offsets.back() == offset &&
          in_window > state.newest && stream.values.Append(value, pool)) {
        state.newest = static_cast<uint32_t>(in_window);
        return Outcome::kAppended;
      }
    }
    return AppendSlow(slot, t, value, log_seq, pool);
  }

  // The same for values[i] to slots[i], as far as they only go behind the values before them on one
  // line that has t already, as those of a scrape do; how many did.
  size_t AppendFollowing(std::span<const uint8_t> slots, Timestamp t,
                         std::span<const double> values, SlabPool& pool) {
    Line* const line = slots.empty() ? nullptr : slots_[slots.front()].line;
    if (line == nullptr || line->offsets.back() != static_cast<uint64_t>(t.ms - line->base_ms))
      return 0;
    const size_t entry = line->offsets.size() - 1;
    const uint64_t in_window = InWindow(*line, t);
    Line::Stream* const streams = line->streams.data();
    const size_t stream_count = line->streams.size();
    for (size_t i = 0; i < slots.size(); ++i) {
      if (i + kAhead < slots.size()) {
        const uint32_t ahead = slots_[slots[i + kAhead]].stream;
        if (ahead < stream_count) streams[ahead].values.Prefetch();
      }
      SlotState& state = slots_[slots[i]];
      if (state.line != line || in_window <= state.newest) return i;
      Line::Stream& stream = streams[state.stream];
      if (size_t{stream.start} + stream.values.size() != entry ||
          !stream.values.Append(values[i], pool))
        return i;
      state.newest = static_cast<uint32_t>(in_window);
    }
    return slots.size();
  }

  // The start timestamp of a sample that was appended just now. REQUIRES: start is not kNoStart.
  void SetStart(unsigned slot, Timestamp t, Timestamp start, uint64_t log_seq, SlabPool& pool);

  // The same for a native histogram; these have no timelines.
  Outcome AppendHistogram(unsigned slot, TimedHistogram sample, uint64_t log_seq);

  // Samples of the slot within [from, to] that no published file has yet, ascending. Those cut by
  // passes above `published` count as not published.
  void Read(unsigned slot, Timestamp from, Timestamp to, uint64_t published, SampleList* out) const;
  void ReadHistograms(unsigned slot, Timestamp from, Timestamp to, uint64_t published,
                      std::vector<TimedHistogram>* out) const;
  // Whether one of them may give something.
  bool MayHave(unsigned slot, Timestamp from, Timestamp to, uint64_t published) const;

  bool empty() const { return lines_.empty() && late_.empty() && histograms_.empty(); }
  // The oldest row that has a sample which is not cut off; kNone when there is none.
  static constexpr uint64_t kNone = ~uint64_t{0};
  uint64_t oldest_open_seq() const;
  size_t late_count() const { return late_.count(); }
  size_t histogram_count() const { return histograms_.count(); }
  size_t stream_count() const;
  // Of all that was ever appended; 0 at first.
  Timestamp newest() const { return newest_; }
  // Of what is open; kMaxTimestamp when nothing is.
  Timestamp oldest() const;
  Timestamp newest_open() const;  // kMinTimestamp when nothing is
  MonotonicTime last_append() const { return last_append_; }
  // The highest row that brought a sample, or 0.
  uint64_t last_seq() const { return last_seq_; }
  void Touch(MonotonicTime now, uint64_t log_seq) {
    last_append_ = now;
    last_seq_ = log_seq > last_seq_ ? log_seq : last_seq_;
  }
  // The time between two entries of the line used last; 0 when unknown.
  Duration step() const;
  // Where to cut so that full lines go and no line is torn; none when no full line can go.
  std::optional<Timestamp> CutOfFullLines() const;
  // The end of the oldest open window; kMaxTimestamp when nothing is open.
  Timestamp oldest_window_end() const;

  // Takes what is older than `cut`: whole lines (all their samples are, when cut is a window's end
  // or later than everything) and late samples. The part stays readable; null: nothing there.
  const CutPart* Cut(Timestamp cut, uint64_t seal_seq);
  // The pass failed: its part is open again (joined by what came since).
  void Uncut(uint64_t seal_seq);
  // Forgets parts of passes up to `seal_seq`: their files are published and no older view is left.
  void Free(uint64_t seal_seq, SlabPool& pool);
  bool has_cut_parts() const { return !cut_.empty(); }

  // Removes what lies in [from, to] of the slot's open samples (delete_series).
  void Erase(unsigned slot, Timestamp from, Timestamp to, SlabPool& pool);

 private:
  struct SlotState {
    Line* line = nullptr;
    uint32_t stream = 0;
    // Of the slot's open samples in the window of the line, wherever they lie: a later one is new,
    // and need not be looked for. kUnknown: none is.
    uint32_t newest = 0;
  };
  static constexpr uint32_t kUnknown = ~uint32_t{0};
  static uint64_t InWindow(const Line& line, Timestamp t) {
    return static_cast<uint64_t>(t.ms - line.window * kWindowMs);
  }
  static constexpr size_t kMaxLines = 1024;
  static constexpr size_t kAhead = 6;
  static constexpr uint8_t kTooManyMisses = 8;

  Outcome AppendSlow(unsigned slot, Timestamp t, double value, uint64_t log_seq, SlabPool& pool);
  Outcome AppendTo(Line& line, uint32_t stream, size_t entry, unsigned slot, double value,
                   SlabPool& pool);
  Outcome AppendLate(unsigned slot, Timestamp t, double value, uint64_t log_seq);
  // What is open at t of the slot, if there is something.
  bool FindValue(unsigned slot, Timestamp t, double* value) const;
  // A stream of the slot in the line to which t may be appended, a new one if need be.
  Line* JoinLine(unsigned slot, Timestamp t, const Line* not_this, uint64_t log_seq,
                 uint32_t* stream, size_t* entry);
  // Whether the slot has open samples in the window of the line, but not in the line.
  bool HasElsewhere(unsigned slot, const Line& line) const;
  Line& NewLine(Timestamp t, uint64_t log_seq);
  bool Extend(Line& line, Timestamp t);

  mutable std::mutex mutex_;
  const uint64_t number_;
  std::atomic<uint8_t> retention_class_{0};
  std::array<SlotState, kGroupSlots> slots_;
  std::vector<std::unique_ptr<Line>> lines_;
  LateSamples late_;
  LateStarts late_starts_;
  HistogramSamples histograms_;
  std::vector<CutPart> cut_;  // ascending seal_seq
  Timestamp newest_{0};
  MonotonicTime last_append_;
  uint64_t last_seq_ = 0;
};

}  // namespace tocsin::storage
