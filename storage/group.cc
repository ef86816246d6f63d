#include "storage/group.h"

#include <algorithm>
#include <bit>

namespace tocsin::storage {
namespace {

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

// Bit by bit: a staleness marker equals itself.
bool SameHistogram(Histogram a, Histogram b) {
  if (!SameBits(a.sum, b.sum)) return false;
  a.sum = b.sum = 0;
  return a == b;
}

Timestamp WindowEnd(int64_t window) { return {(window + 1) * kWindowMs}; }

template <typename F>
void ForEachMarked(const Presence& presence, F&& f) {
  for (size_t at = presence.Find(0, true); at != kMaxColumnEntries;
       at = at + 1 == kMaxColumnEntries ? kMaxColumnEntries : presence.Find(at + 1, true))
    f(at);
}

void ReadLate(const LateSamples& late, const LateStarts& starts, unsigned slot, Timestamp from,
              Timestamp to, SampleList* out) {
  for (const TimedValue& sample : late.of(slot)) {
    if (sample.t < from || sample.t > to) continue;
    const TimedStart* start = starts.Find(slot, sample.t);
    out->Add(sample.t, sample.value, start == nullptr ? kNoStart : start->start);
  }
}

}  // namespace

size_t Line::StreamOf(unsigned slot) const {
  for (size_t i = streams.size(); i-- > 0;)
    if (streams[i].slot == slot) return i;
  return npos;
}

size_t Line::Find(Timestamp t) const {
  if (t.ms < base_ms || t > newest()) return npos;
  const auto offset = static_cast<uint32_t>(t.ms - base_ms);
  const auto it = std::lower_bound(offsets.begin(), offsets.end(), offset);
  return *it == offset ? static_cast<size_t>(it - offsets.begin()) : npos;
}

size_t Line::Read(unsigned slot, Presence* presence, std::span<double> values) const {
  presence->Clear();
  size_t n = 0;
  for (const Stream& stream : streams) {
    if (stream.slot != slot) continue;
    Presence own;
    n += stream.values.Decode(values.subspan(n), own);
    for (size_t at = own.Find(0, true); at != kMaxColumnEntries;) {
      const size_t end = own.Find(at, false);
      presence->SetRange(stream.start + at, end - at);
      at = end == kMaxColumnEntries ? end : own.Find(end, true);
    }
  }
  return n;
}

void Line::Read(unsigned slot, Timestamp from, Timestamp to, SampleList* out) const {
  if (newest() < from || to.ms < base_ms || StreamOf(slot) == npos) return;
  Presence presence;
  std::array<double, kMaxColumnEntries> values;
  const size_t n = Read(slot, &presence, values);
  std::array<Timestamp, kMaxColumnEntries> start_of;
  const bool started = !starts.empty() && ReadStarts(slot, start_of);
  size_t entry = presence.Find(0, true);
  for (size_t i = 0; i < n; ++i, entry = presence.Find(entry + 1, true)) {
    const Timestamp t = time(entry);
    if (t >= from && t <= to) out->Add(t, values[i], started ? start_of[i] : kNoStart);
  }
}

bool Line::ReadStarts(unsigned slot, std::span<Timestamp> out) const {
  bool any = false;
  size_t n = 0;
  std::array<double, kMaxColumnEntries> values;
  std::array<Timestamp, kMaxColumnEntries> of_entry;
  Presence present;
  for (uint32_t i = 0; i < streams.size(); ++i) {
    if (streams[i].slot != slot) continue;
    of_entry.fill(kNoStart);
    if (i < starts.size()) {
      starts[i].Decode(values, present);
      size_t at = 0;
      ForEachMarked(present,
                    [&](size_t entry) { of_entry[entry] = {static_cast<int64_t>(values[at++])}; });
    }
    for (const EntryStart& odd : odd_starts)
      if (odd.stream == i) of_entry[odd.entry] = odd.start;
    streams[i].values.Decode(values, present);
    ForEachMarked(present, [&](size_t entry) {
      any = any || of_entry[entry] != kNoStart;
      out[n++] = of_entry[entry];
    });
  }
  return any;
}

void Line::SetStart(uint32_t stream, Timestamp start, SlabPool& pool) {
  if (starts.size() < streams.size()) starts.resize(streams.size());
  HeadStream& of = starts[stream];
  const size_t entry = streams[stream].values.size() - 1;
  const size_t gap = entry - of.size();
  if ((gap == 0 || of.AppendAbsent(gap, pool)) && of.Append(static_cast<double>(start.ms), pool))
    return;
  odd_starts.push_back({stream, static_cast<uint32_t>(entry), start});
}

void Line::FreeStarts(SlabPool& pool) {
  for (HeadStream& of : starts) of.Reset(pool);
  starts.clear();
  odd_starts.clear();
}

Group::Outcome Group::AppendSlow(unsigned slot, Timestamp t, double value, uint64_t log_seq,
                                 SlabPool& pool) {
  newest_ = std::max(newest_, t);
  Line* line = slots_[slot].line;
  uint32_t stream = slots_[slot].stream;
  if (line != nullptr && t > line->newest() && line->window == WindowOf(t) &&
      InWindow(*line, t) > slots_[slot].newest && line->streams[stream].misses < kTooManyMisses &&
      Extend(*line, t))
    return AppendTo(*line, stream, line->offsets.size() - 1, slot, value, pool);

  if (double known = 0; FindValue(slot, t, &known))
    return SameBits(known, value) ? Outcome::kSame : Outcome::kDuplicate;
  const bool leaves = line != nullptr && line->streams[stream].misses >= kTooManyMisses;
  size_t entry = 0;
  line = JoinLine(slot, t, leaves ? line : nullptr, log_seq, &stream, &entry);
  if (line == nullptr) return AppendLate(slot, t, value, log_seq);
  return AppendTo(*line, stream, entry, slot, value, pool);
}

// REQUIRES: entry is behind what the stream has.
Group::Outcome Group::AppendTo(Line& line, uint32_t stream, size_t entry, unsigned slot,
                               double value, SlabPool& pool) {
  Line::Stream* to = &line.streams[stream];
  const size_t gap = entry - (to->start + to->values.size());
  if (gap > 0)
    to->misses = static_cast<uint8_t>(std::min<size_t>(255, to->misses + std::min<size_t>(gap, 4)));
  else if (to->misses > 0)
    --to->misses;
  if ((gap > 0 && !to->values.AppendAbsent(gap, pool)) || !to->values.Append(value, pool)) {
    // Full: go on in a new one.
    line.streams.push_back({});
    stream = static_cast<uint32_t>(line.streams.size() - 1);
    to = &line.streams[stream];
    to->slot = static_cast<uint8_t>(slot);
    to->start = static_cast<uint16_t>(entry);
    TOCSIN_CHECK(to->values.Append(value, pool), "an empty stream takes a value");
  }
  SlotState& state = slots_[slot];
  const auto in_window = static_cast<uint32_t>(InWindow(line, line.time(entry)));
  if (state.line == nullptr || state.line->window != line.window)
    state.newest = HasElsewhere(slot, line) ? kUnknown : in_window;
  else
    state.newest = std::max(state.newest, in_window);
  state.line = &line;
  state.stream = stream;
  return Outcome::kAppended;
}

bool Group::HasElsewhere(unsigned slot, const Line& line) const {
  const Timestamp begin{line.window * kWindowMs};
  return late_.MayHave(slot, begin, begin + Duration{kWindowMs - 1}) ||
         std::any_of(lines_.begin(), lines_.end(), [&](const std::unique_ptr<Line>& other) {
           return other.get() != &line && other->window == line.window &&
                  other->StreamOf(slot) != Line::npos;
         });
}

bool Group::Extend(Line& line, Timestamp t) {
  if (line.offsets.size() >= kMaxColumnEntries) return false;
  line.offsets.push_back(static_cast<uint32_t>(t.ms - line.base_ms));
  return true;
}

Line& Group::NewLine(Timestamp t, uint64_t log_seq) {
  lines_.push_back(std::make_unique<Line>());
  Line& line = *lines_.back();
  line.window = WindowOf(t);
  line.base_ms = t.ms;
  line.first_log_seq = log_seq;
  line.offsets.push_back(0);
  return line;
}

Line* Group::JoinLine(unsigned slot, Timestamp t, const Line* not_this, uint64_t log_seq,
                      uint32_t* stream, size_t* entry) {
  const int64_t window = WindowOf(t);
  Line* joined = nullptr;
  for (const auto& line : lines_) {
    if (line->window != window || line.get() == not_this) continue;
    const size_t known = line->Find(t);
    const size_t own = line->StreamOf(slot);
    if (own == Line::npos) {
      if (known != Line::npos && joined == nullptr) {
        joined = line.get();
        *entry = known;
      }
      continue;
    }
    const Line::Stream& open = line->streams[own];
    const size_t next = open.start + open.values.size();
    if (next > 0 && line->time(next - 1) > t) {
      // Behind what the series has here: only a hole of its own line takes it, and none is open.
      return nullptr;
    }
    *stream = static_cast<uint32_t>(own);
    if (known != Line::npos) {
      *entry = known;
      return line.get();
    }
    if (t > line->newest() && Extend(*line, t)) {
      *entry = line->offsets.size() - 1;
      return line.get();
    }
  }
  if (joined == nullptr) {
    if (lines_.size() >= kMaxLines) return nullptr;
    joined = &NewLine(t, log_seq);
    *entry = 0;
  }
  joined->streams.push_back({});
  joined->streams.back().slot = static_cast<uint8_t>(slot);
  joined->streams.back().start = static_cast<uint16_t>(*entry);
  *stream = static_cast<uint32_t>(joined->streams.size() - 1);
  return joined;
}

bool Group::FindValue(unsigned slot, Timestamp t, double* value) const {
  const int64_t window = WindowOf(t);
  for (const auto& line : lines_) {
    if (line->window != window) continue;
    const size_t entry = line->Find(t);
    if (entry == Line::npos) continue;
    const size_t own = line->StreamOf(slot);
    if (own == Line::npos) continue;
    const Line::Stream& open = line->streams[own];
    const size_t next = open.start + open.values.size();
    if (entry >= next) continue;
    if (entry + 1 == next) {
      *value = open.values.last();
      return true;
    }
    SampleList samples;
    line->Read(slot, t, t, &samples);
    if (samples.values.empty()) continue;
    *value = samples.values.front().value;
    return true;
  }
  if (const TimedValue* known = late_.Find(slot, t)) {
    *value = known->value;
    return true;
  }
  return false;
}

Group::Outcome Group::AppendLate(unsigned slot, Timestamp t, double value, uint64_t log_seq) {
  late_.Add(slot, {t, value}, log_seq);
  SlotState& state = slots_[slot];
  if (state.line != nullptr && state.line->window == WindowOf(t))
    state.newest = std::max(state.newest, static_cast<uint32_t>(InWindow(*state.line, t)));
  return Outcome::kAppended;
}

void Group::SetStart(unsigned slot, Timestamp t, Timestamp start, uint64_t log_seq,
                     SlabPool& pool) {
  if (Line* line = slots_[slot].line; line != nullptr) {
    const uint32_t number = slots_[slot].stream;
    const Line::Stream& stream = line->streams[number];
    const size_t next = size_t{stream.start} + stream.values.size();
    if (!stream.values.empty() && line->time(next - 1) == t)
      return line->SetStart(number, start, pool);
  }
  late_starts_.Add(slot, {t, start}, log_seq);
}

Group::Outcome Group::AppendHistogram(unsigned slot, TimedHistogram sample, uint64_t log_seq) {
  if (const TimedHistogram* known = histograms_.Find(slot, sample.t))
    return SameHistogram(*known->value, *sample.value) ? Outcome::kSame : Outcome::kDuplicate;
  if (double value = 0; FindValue(slot, sample.t, &value)) return Outcome::kDuplicate;
  newest_ = std::max(newest_, sample.t);
  histograms_.Add(slot, std::move(sample), log_seq);
  return Outcome::kAppended;
}

void Group::Read(unsigned slot, Timestamp from, Timestamp to, uint64_t published,
                 SampleList* out) const {
  const size_t before = out->values.size();
  for (const CutPart& part : cut_) {
    if (part.seal_seq <= published) continue;
    for (const auto& line : part.lines) line->Read(slot, from, to, out);
    ReadLate(part.late, part.late_starts, slot, from, to, out);
  }
  for (const auto& line : lines_) line->Read(slot, from, to, out);
  ReadLate(late_, late_starts_, slot, from, to, out);
  out->Sort(before);
}

void Group::ReadHistograms(unsigned slot, Timestamp from, Timestamp to, uint64_t published,
                           std::vector<TimedHistogram>* out) const {
  const size_t before = out->size();
  for (const CutPart& part : cut_)
    if (part.seal_seq > published) part.histograms.Read(slot, from, to, out);
  histograms_.Read(slot, from, to, out);
  SortByTime(out, before);
}

bool Group::MayHave(unsigned slot, Timestamp from, Timestamp to, uint64_t published) const {
  const auto line_has = [&](const std::unique_ptr<Line>& line) {
    return line->newest() >= from && line->time(0) <= to && line->StreamOf(slot) != Line::npos;
  };
  if (std::any_of(lines_.begin(), lines_.end(), line_has) || late_.MayHave(slot, from, to) ||
      histograms_.MayHave(slot, from, to))
    return true;
  return std::any_of(cut_.begin(), cut_.end(), [&](const CutPart& part) {
    return part.seal_seq > published &&
           (std::any_of(part.lines.begin(), part.lines.end(), line_has) ||
            part.late.MayHave(slot, from, to) || part.histograms.MayHave(slot, from, to));
  });
}

uint64_t Group::oldest_open_seq() const {
  uint64_t oldest = std::min(late_.first_log_seq(), histograms_.first_log_seq());
  for (const auto& line : lines_) oldest = std::min(oldest, line->first_log_seq);
  return oldest;
}

size_t Group::stream_count() const {
  size_t count = 0;
  for (const auto& line : lines_) count += line->streams.size();
  return count;
}

Duration Group::step() const {
  if (lines_.empty()) return Duration{0};
  const Line& line = *lines_.back();
  if (line.offsets.size() < 2) return Duration{0};
  return Duration{line.offsets.back() / (line.offsets.size() - 1)};
}

std::optional<Timestamp> Group::CutOfFullLines() const {
  Timestamp first_open = kMaxTimestamp;
  for (const auto& line : lines_)
    if (line->offsets.size() < kMaxColumnEntries) first_open = std::min(first_open, line->time(0));
  if (first_open == kMaxTimestamp) return std::nullopt;
  Timestamp last_full = kMinTimestamp;
  for (const auto& line : lines_) {
    if (line->offsets.size() < kMaxColumnEntries) continue;
    if (line->newest() < first_open)
      last_full = std::max(last_full, line->newest());
    else
      return std::nullopt;
  }
  if (last_full == kMinTimestamp) return std::nullopt;
  return first_open;
}

Timestamp Group::newest_open() const {
  Timestamp newest = kMinTimestamp;
  for (const auto& line : lines_) newest = std::max(newest, line->newest());
  return std::max({newest, late_.newest(), histograms_.newest()});
}

Timestamp Group::oldest() const {
  Timestamp oldest = kMaxTimestamp;
  for (const auto& line : lines_) oldest = std::min(oldest, line->time(0));
  return std::min({oldest, late_.oldest(), histograms_.oldest()});
}

Timestamp Group::oldest_window_end() const {
  const Timestamp first = oldest();
  return first == kMaxTimestamp ? first : WindowEnd(WindowOf(first));
}

const CutPart* Group::Cut(Timestamp cut, uint64_t seal_seq) {
  CutPart part;
  part.seal_seq = seal_seq;
  const auto is_kept = [&](const std::unique_ptr<Line>& line) { return line->newest() >= cut; };
  const auto first_cut = std::stable_partition(lines_.begin(), lines_.end(), is_kept);
  std::move(first_cut, lines_.end(), std::back_inserter(part.lines));
  lines_.erase(first_cut, lines_.end());
  for (const auto& line : part.lines)
    for (SlotState& slot : slots_)
      if (slot.line == line.get()) slot = {};
  part.late = late_.Split(cut);
  part.late_starts = late_starts_.Split(cut);
  part.histograms = histograms_.Split(cut);
  if (part.empty()) return nullptr;
  cut_.push_back(std::move(part));
  return &cut_.back();
}

void Group::Uncut(uint64_t seal_seq) {
  const auto it = std::find_if(cut_.begin(), cut_.end(),
                               [&](const CutPart& part) { return part.seal_seq == seal_seq; });
  if (it == cut_.end()) return;
  // The slots have gone on in other lines, or will join these again.
  std::move(it->lines.begin(), it->lines.end(), std::back_inserter(lines_));
  late_.Join(std::move(it->late));
  late_starts_.Join(std::move(it->late_starts));
  histograms_.Join(std::move(it->histograms));
  cut_.erase(it);
  for (SlotState& slot : slots_) slot.newest = kUnknown;
}

void Group::Free(uint64_t seal_seq, SlabPool& pool) {
  std::erase_if(cut_, [&](CutPart& part) {
    if (part.seal_seq > seal_seq) return false;
    for (const auto& line : part.lines) {
      for (Line::Stream& stream : line->streams) stream.values.Reset(pool);
      line->FreeStarts(pool);
    }
    return true;
  });
}

void Group::Erase(unsigned slot, Timestamp from, Timestamp to, SlabPool& pool) {
  for (const auto& line : lines_) {
    if (line->newest() < from || line->time(0) > to || line->StreamOf(slot) == Line::npos) continue;
    SampleList samples;
    line->Read(slot, kMinTimestamp, kMaxTimestamp, &samples);
    for (size_t i = 0; i < line->streams.size(); ++i) {
      if (line->streams[i].slot != slot) continue;
      line->streams[i].values.Reset(pool);
      if (i < line->starts.size()) line->starts[i].Reset(pool);
    }
    std::erase_if(line->odd_starts, [&](const Line::EntryStart& odd) {
      return line->streams[odd.stream].slot == slot;
    });
    if (slots_[slot].line == line.get()) slots_[slot] = {};
    // Emptied streams stay where they are: others are known by their place.
    uint32_t stream = static_cast<uint32_t>(line->StreamOf(slot));
    for (Line::Stream& emptied : line->streams)
      if (emptied.slot == slot) emptied.start = 0;
    for (size_t i = 0; i < samples.values.size(); ++i) {
      const auto& [t, value] = samples.values[i];
      if (t >= from && t <= to) continue;
      AppendTo(*line, stream, line->Find(t), slot, value, pool);
      stream = slots_[slot].stream;
      if (samples.start(i) != kNoStart) line->SetStart(stream, samples.start(i), pool);
    }
    line->streams[stream].misses = 0;
  }
  late_.Erase(slot, from, to);
  late_starts_.Erase(slot, from, to);
  histograms_.Erase(slot, from, to);
}

}  // namespace tocsin::storage
