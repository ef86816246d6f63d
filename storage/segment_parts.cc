#include "storage/segment_parts.h"

#include <algorithm>

namespace tocsin::storage {
namespace {

constexpr size_t kMaxColumns = 64;

uint64_t SlotsOf(const Line& line) {
  uint64_t slots = 0;
  for (const Line::Stream& stream : line.streams) slots |= uint64_t{1} << stream.slot;
  return slots;
}

bool SameTimes(std::span<const TimedValue> a, std::span<const TimedValue> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const TimedValue& x, const TimedValue& y) { return x.t == y.t; });
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
    if (n > 0) builder_.AddSlot(slot, column, presence, std::span(values_).first(n));
  }
  return Emit(sink);
}

Status SegmentParts::Samples(const SlotSamples& slots, const Sink& sink) {
  size_t longest = 0;
  for (const auto& samples : slots) longest = std::max(longest, samples.size());
  for (size_t begin = 0; begin < longest; begin += kMaxColumnEntries) {
    const auto chunk = [&](unsigned slot) -> std::span<const TimedValue> {
      const auto& all = slots[slot];
      if (begin >= all.size()) return {};
      return all.subspan(begin, std::min(kMaxColumnEntries, all.size() - begin));
    };
    builder_.Reset();
    std::array<uint32_t, kGroupSlots> column_of{};
    std::vector<unsigned> first_of_column;
    for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
      const auto samples = chunk(slot);
      if (samples.empty()) continue;
      const auto known =
          std::find_if(first_of_column.begin(), first_of_column.end(),
                       [&](unsigned other) { return SameTimes(chunk(other), samples); });
      column_of[slot] = static_cast<uint32_t>(known - first_of_column.begin());
      if (known != first_of_column.end()) continue;
      first_of_column.push_back(slot);
      times_.clear();
      for (const TimedValue& sample : samples) times_.push_back(sample.t);
      builder_.AddTimes(times_);
    }
    for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
      const auto samples = chunk(slot);
      if (samples.empty()) continue;
      for (size_t i = 0; i < samples.size(); ++i) values_[i] = samples[i].value;
      builder_.AddSlot(slot, column_of[slot], std::span(values_).first(samples.size()));
    }
    TOCSIN_RETURN_IF_ERROR(Emit(sink));
  }
  return OkStatus();
}

}  // namespace tocsin::storage
