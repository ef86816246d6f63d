#include "storage/exemplar_store.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "storage/base/coding.h"
#include "storage/key_schema.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kVersion = 1;
// As OpenMetrics has it.
constexpr size_t kMaxLabelCharacters = 128;
constexpr size_t kMaxLabels = 128;

size_t Characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool SameValue(const Exemplar& a, const Exemplar& b) {
  return std::bit_cast<uint64_t>(a.value) == std::bit_cast<uint64_t>(b.value) &&
         a.labels == b.labels;
}

}  // namespace

std::string ExemplarStore::Encode(uint64_t number, SeriesRef series, const Exemplar& exemplar) {
  std::string out;
  out.push_back(static_cast<char>(kVersion));
  PutVarint(out, number);
  PutVarint(out, series.id);
  PutZigZag(out, exemplar.t.ms);
  PutFixed(out, std::bit_cast<uint64_t>(exemplar.value));
  PutVarint(out, exemplar.labels.size());
  for (const Label& label : exemplar.labels) {
    PutString(out, label.name);
    PutString(out, label.value);
  }
  return out;
}

Result<ExemplarStore::Entry> ExemplarStore::Decode(std::string_view value) {
  ByteReader in(value);
  const auto version = in.Fixed<uint8_t>();
  Entry entry;
  entry.number = in.Varint();
  entry.series.id = in.Varint();
  entry.exemplar.t.ms = in.ZigZagVarint();
  entry.exemplar.value = std::bit_cast<double>(in.Fixed<uint64_t>());
  const uint64_t labels = in.Varint();
  if (!in.ok() || version != kVersion || entry.number == 0 || labels > kMaxLabels)
    return Error(ErrorCode::kCorruption, "a malformed exemplar");
  LabelsBuilder builder;
  for (uint64_t i = 0; i < labels; ++i) {
    const std::string_view name = in.String();
    builder.Set(name, in.String());
  }
  if (!in.ok() || !in.done()) return Error(ErrorCode::kCorruption, "a malformed exemplar");
  entry.exemplar.labels = builder.Build();
  return entry;
}

Status ExemplarStore::Load(RocksStore& store, const SeriesIndex& index, uint64_t* damaged) {
  std::vector<Entry> found;
  bool moved = false;
  std::unique_lock lock(mutex_);
  const std::string end(1, static_cast<char>(keys::kExemplarPrefix.front() + 1));
  const auto take = [&](std::string_view key, std::string_view value) {
    auto entry = Decode(value);
    if (!entry.ok()) {
      ++*damaged;
      return true;
    }
    next_ = std::max(next_, entry->number + 1);
    moved =
        moved || max_ == 0 || key != keys::Exemplar(static_cast<uint32_t>(PlaceOf(entry->number)));
    if (index.Knows(entry->series)) found.push_back(*std::move(entry));
    return true;
  };
  TOCSIN_RETURN_IF_ERROR(
      store.ScanReadable(Family::kDefault, keys::kExemplarPrefix, end, take, damaged));
  std::sort(found.begin(), found.end(),
            [](const Entry& a, const Entry& b) { return a.number < b.number; });
  const size_t max = max_;
  // Any bound holds them all until SetMax has the right one.
  if (moved) max_ = std::max<size_t>(found.size(), 1);
  uint64_t number = moved ? next_ : 0;
  for (Entry& entry : found)
    Place(moved ? number++ : entry.number, entry.series, std::move(entry.exemplar));
  if (!moved) return OkStatus();
  next_ = number;
  lock.unlock();
  return SetMax(store, max);
}

std::vector<ExemplarStore::Entry> ExemplarStore::TakeAll() {
  std::vector<Entry> all = std::exchange(entries_, {});
  of_series_.clear();
  std::erase_if(all, [](const Entry& entry) { return entry.number == 0; });
  std::sort(all.begin(), all.end(),
            [](const Entry& a, const Entry& b) { return a.number < b.number; });
  return all;
}

Status ExemplarStore::SetMax(RocksStore& store, size_t max) {
  std::lock_guard lock(mutex_);
  max = std::min<size_t>(max, ~uint32_t{0});
  if (max == max_) return OkStatus();
  RocksBatch batch = store.NewBatch();
  batch.DeleteRange(Family::kDefault, keys::kExemplarPrefix,
                    std::string(1, static_cast<char>(keys::kExemplarPrefix.front() + 1)));
  std::vector<Entry> all = TakeAll();
  max_ = max;
  for (size_t i = all.size() - std::min(all.size(), max); i < all.size(); ++i) {
    Entry& entry = all[i];
    const uint64_t number = next_++;
    batch.Put(Family::kDefault, keys::Exemplar(static_cast<uint32_t>(PlaceOf(number))),
              Encode(number, entry.series, entry.exemplar));
    Place(number, entry.series, std::move(entry.exemplar));
  }
  return store.Write(batch, /*sync=*/false);
}

bool ExemplarStore::Knows(SeriesRef series, const Exemplar& exemplar) const {
  const auto it = of_series_.find(series.id);
  if (it == of_series_.end()) return false;
  for (uint64_t number = it->second.newest; number != 0; number = At(number).previous) {
    const Exemplar& known = At(number).exemplar;
    if (!exemplar.has_own_time) return SameValue(known, exemplar);
    if (known.t != exemplar.t) return false;
    if (SameValue(known, exemplar)) return true;
  }
  return false;
}

Status ExemplarStore::CheckLocked(SeriesRef series, const Exemplar& exemplar) const {
  size_t characters = 0;
  for (const Label& label : exemplar.labels)
    characters += Characters(label.name) + Characters(label.value);
  if (characters > kMaxLabelCharacters || exemplar.labels.size() > kMaxLabels)
    return Error(ErrorCode::kInvalidLabels,
                 "label length for exemplar exceeds maximum of 128 UTF-8 characters");
  const auto it = of_series_.find(series.id);
  if (it != of_series_.end() && exemplar.t < At(it->second.newest).exemplar.t)
    return Error(ErrorCode::kOutOfBounds, "out of order exemplar");
  return OkStatus();
}

Status ExemplarStore::Check(SeriesRef series, const Exemplar& exemplar) const {
  std::lock_guard lock(mutex_);
  if (max_ == 0 || Knows(series, exemplar)) return OkStatus();
  return CheckLocked(series, exemplar);
}

void ExemplarStore::Add(RocksBatch& batch, SeriesRef series, const Exemplar& exemplar) {
  std::lock_guard lock(mutex_);
  if (max_ == 0 || Knows(series, exemplar) || !CheckLocked(series, exemplar).ok()) return;
  const uint64_t number = next_++;
  batch.Put(Family::kDefault, keys::Exemplar(static_cast<uint32_t>(PlaceOf(number))),
            Encode(number, series, exemplar));
  Place(number, series, exemplar);
  ++appended_;
}

void ExemplarStore::Place(uint64_t number, SeriesRef series, Exemplar exemplar) {
  if (entries_.size() <= PlaceOf(number)) entries_.resize(PlaceOf(number) + 1);
  Entry& entry = At(number);
  if (entry.number != 0) {
    // It is the oldest of its series: numbers ascend.
    Ends& ends = of_series_[entry.series.id];
    ends.oldest = entry.next;
    if (entry.next == 0)
      of_series_.erase(entry.series.id);
    else
      At(entry.next).previous = 0;
  }
  Ends& ends = of_series_[series.id];
  entry = {number, series, std::move(exemplar), ends.newest, 0};
  if (ends.newest != 0)
    At(ends.newest).next = number;
  else
    ends.oldest = number;
  ends.newest = number;
}

void ExemplarStore::Read(SeriesRef series, Timestamp from, Timestamp to,
                         std::vector<Exemplar>* out) const {
  std::lock_guard lock(mutex_);
  const auto it = of_series_.find(series.id);
  if (it == of_series_.end()) return;
  for (uint64_t number = it->second.oldest; number != 0; number = At(number).next) {
    const Exemplar& exemplar = At(number).exemplar;
    if (exemplar.t > to) return;
    if (exemplar.t >= from) out->push_back(exemplar);
  }
}

ExemplarStore::Counts ExemplarStore::counts() const {
  std::lock_guard lock(mutex_);
  Counts counts;
  counts.series = of_series_.size();
  counts.appended = appended_;
  const Entry* oldest = nullptr;
  for (const Entry& entry : entries_) {
    if (entry.number == 0) continue;
    ++counts.exemplars;
    if (oldest == nullptr || entry.number < oldest->number) oldest = &entry;
  }
  if (oldest != nullptr) counts.oldest = oldest->exemplar.t;
  return counts;
}

size_t ExemplarStore::max() const {
  std::lock_guard lock(mutex_);
  return max_;
}

}  // namespace tocsin::storage
