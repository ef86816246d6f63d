#include "storage/segment_parts.h"

#include <algorithm>
#include <iterator>

#include "storage/codec/histogram_codec.h"

namespace tocsin::storage {
namespace {

constexpr size_t kMaxColumns = 64;

uint64_t SlotsOf(const Line& line) {
  uint64_t slots = 0;
  for (const Line::Stream& stream : line.streams) slots |= uint64_t{1} << stream.slot;
  return slots;
}

// Histograms are large: their parts hold fewer.
constexpr size_t kHistogramEntries = 256;

template <typename T>
bool SameTimes(std::span<const Timestamp> times, std::span<const T> samples) {
  return std::equal(times.begin(), times.end(), samples.begin(), samples.end(),
                    [](Timestamp t, const T& sample) { return t == sample.t; });
}

}  // namespace

Status SegmentParts::Emit(const Sink& sink) {
  if (builder_.empty()) return OkStatus();
  const SegmentPart part{{}, builder_.samples(), builder_.min_time(), builder_.max_time()};
  blob_.clear();
  builder_.Finish(blob_);
  SegmentPart out = part;
  out.blob = blob_;
  return sink(out);
}

Status SegmentParts::Lines(std::span<const Line* const> lines, const Sink& sink) {
  std::vector<const Line*> left(lines.begin(), lines.end());
  std::sort(left.begin(), left.end(),
            [](const Line* a, const Line* b) { return a->time(0) < b->time(0); });
  while (!left.empty()) {
    std::vector<const Line*> part;
    uint64_t slots = 0;
    std::erase_if(left, [&](const Line* line) {
      const uint64_t own = SlotsOf(*line);
      if ((own & slots) != 0 || part.size() == kMaxColumns) return false;
      slots |= own;
      part.push_back(line);
      return true;
    });
    TOCSIN_RETURN_IF_ERROR(Part(part, sink));
  }
  return OkStatus();
}

Status SegmentParts::Part(std::span<const Line* const> lines, const Sink& sink) {
  builder_.Reset();
  std::array<int, kGroupSlots> line_of;
  line_of.fill(-1);
  for (size_t i = 0; i < lines.size(); ++i) {
    times_.clear();
    for (size_t entry = 0; entry < lines[i]->offsets.size(); ++entry)
      times_.push_back(lines[i]->time(entry));
    builder_.AddTimes(times_);
    for (const Line::Stream& stream : lines[i]->streams) line_of[stream.slot] = static_cast<int>(i);
  }
  for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
    if (line_of[slot] < 0) continue;
    Presence presence;
    const auto column = static_cast<uint32_t>(line_of[slot]);
    const size_t n = lines[column]->Read(slot, &presence, values_);
    if (n == 0) continue;
    builder_.AddSlot(slot, column, presence, std::span(values_).first(n));
    if (!(lines[column]->starts.empty() && lines[column]->odd_starts.empty()) &&
        lines[column]->ReadStarts(slot, start_of_))
      builder_.AddStarts(std::span(start_of_).first(n));
  }
  return Emit(sink);
}

template <typename T>
std::vector<SegmentParts::Column> SegmentParts::Columns(const Slots<T>& slots) {
  std::vector<Column> columns;
  std::vector<Timestamp> own, both;
  for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
    const auto samples = slots[slot];
    if (samples.empty()) continue;
    bool joined = false;
    own.clear();
    for (Column& column : columns) {
      if (SameTimes<T>(column.times, samples)) {
        column.slots.push_back(slot);
        joined = true;
        break;
      }
      both.clear();
      if (own.empty())
        for (const T& sample : samples) own.push_back(sample.t);
      std::set_union(column.times.begin(), column.times.end(), own.begin(), own.end(),
                     std::back_inserter(both));
      // Holes cost about as much as a few samples: a column must suit all who share it.
      const size_t larger = std::max(column.times.size(), samples.size());
      if (both.size() > larger + larger / 4 || samples.size() < both.size() / 2) continue;
      column.times.swap(both);
      column.slots.push_back(slot);
      joined = true;
      break;
    }
    if (joined) continue;
    columns.emplace_back();
    for (const T& sample : samples) columns.back().times.push_back(sample.t);
    columns.back().slots.push_back(slot);
  }
  return columns;
}

// The samples of all slots from the columns' positions up to `end`.
template <typename T>
void SegmentParts::AddColumnSlots(const Slots<T>& slots, const std::vector<Column>& columns,
                                  Timestamp end) {
  std::array<int, kGroupSlots> column_of;
  column_of.fill(-1);
  std::vector<std::span<const Timestamp>> times;
  for (const Column& column : columns) {
    const auto from = column.times.begin() + static_cast<std::ptrdiff_t>(column.at);
    const auto to = std::lower_bound(from, column.times.end(), end);
    if (from == to) continue;
    builder_.AddTimes({from, to});
    for (const unsigned slot : column.slots) column_of[slot] = static_cast<int>(times.size());
    times.emplace_back(from, to);
  }
  for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
    if (column_of[slot] < 0) continue;
    const auto column = static_cast<uint32_t>(column_of[slot]);
    const auto entries = times[column];
    auto sample = std::lower_bound(slots[slot].begin(), slots[slot].end(), entries.front(),
                                   [](const T& a, Timestamp t) { return a.t < t; });
    Presence presence;
    std::vector<const T*> present;
    for (size_t entry = 0; entry < entries.size() && sample != slots[slot].end(); ++entry) {
      if (sample->t != entries[entry]) continue;
      presence.Set(entry);
      present.push_back(&*sample);
      ++sample;
    }
    if (!present.empty()) AddSlot(slot, column, presence, present);
  }
}

void SegmentParts::AddSlot(unsigned slot, uint32_t column, const Presence& presence,
                           std::span<const TimedValue* const> samples) {
  for (size_t i = 0; i < samples.size(); ++i) values_[i] = samples[i]->value;
  builder_.AddSlot(slot, column, presence, std::span(values_).first(samples.size()));
  if (starts_ == nullptr || (*starts_)[slot].empty()) return;
  const std::span<const TimedStart> starts = (*starts_)[slot];
  auto start = std::lower_bound(starts.begin(), starts.end(), samples.front()->t,
                                [](const TimedStart& a, Timestamp t) { return a.t < t; });
  bool any = false;
  for (size_t i = 0; i < samples.size(); ++i) {
    while (start != starts.end() && start->t < samples[i]->t) ++start;
    const bool known = start != starts.end() && start->t == samples[i]->t;
    start_of_[i] = known ? start->start : kNoStart;
    any = any || start_of_[i] != kNoStart;
  }
  if (any) builder_.AddStarts(std::span(start_of_).first(samples.size()));
}

void SegmentParts::AddSlot(unsigned slot, uint32_t column, const Presence& presence,
                           std::span<const TimedHistogram* const> samples) {
  std::vector<const Histogram*> histograms;
  for (const TimedHistogram* sample : samples) histograms.push_back(sample->value.get());
  std::string bytes;
  EncodeHistograms(histograms, bytes);
  const SegmentBuilder::Run run{&presence, bytes};
  builder_.AddRuns(slot, column, std::span(&run, 1));
  bool any = false;
  for (size_t i = 0; i < samples.size(); ++i) {
    start_of_[i] = samples[i]->start;
    any = any || start_of_[i] != kNoStart;
  }
  if (any) builder_.AddStarts(std::span(start_of_).first(samples.size()));
}

Status SegmentParts::Samples(const Slots<TimedValue>& slots, const Slots<TimedStart>& starts,
                             const Sink& sink) {
  starts_ = &starts;
  Status status = AllParts(slots, kMaxColumnEntries, sink);
  starts_ = nullptr;
  return status;
}

Status SegmentParts::Histograms(const Slots<TimedHistogram>& slots, const Sink& sink) {
  return AllParts(slots, kHistogramEntries, sink);
}

template <typename T>
Status SegmentParts::AllParts(const Slots<T>& slots, size_t entries, const Sink& sink) {
  std::vector<Column> columns = Columns<T>(slots);
  for (;;) {
    // As far as the first column is full.
    Timestamp end = kMaxTimestamp;
    bool left = false;
    for (const Column& column : columns) {
      left = left || column.at < column.times.size();
      if (column.times.size() - column.at > entries)
        end = std::min(end, column.times[column.at + entries]);
    }
    if (!left) return OkStatus();
    builder_.Reset();
    AddColumnSlots<T>(slots, columns, end);
    TOCSIN_RETURN_IF_ERROR(Emit(sink));
    for (Column& column : columns)
      column.at = static_cast<size_t>(
          std::lower_bound(column.times.begin(), column.times.end(), end) - column.times.begin());
  }
}

}  // namespace tocsin::storage
