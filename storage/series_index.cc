#include "storage/series_index.h"

#include <algorithm>
#include <new>

#include "storage/base/coding.h"
#include "storage/base/log.h"
#include "storage/series_run.h"

namespace tocsin::storage {
namespace {

constexpr size_t kMaxLabels = 1024;
constexpr size_t kSymbolsPerValue = 1024;

Status CheckLabels(const Labels& labels) {
  if (labels.empty()) return Error(ErrorCode::kInvalidLabels, "a series needs at least one label");
  size_t count = 0;
  for (const Label& label : labels) {
    if (!IsValidLabelName(label.name))
      return Error(ErrorCode::kInvalidLabels, "invalid label name in " + labels.ToString());
    if (!IsValidUtf8(label.value))
      return Error(ErrorCode::kInvalidLabels,
                   "the value of label \"" + std::string(label.name) + "\" is not valid UTF-8");
    ++count;
  }
  if (count > kMaxLabels)
    return Error(ErrorCode::kInvalidLabels,
                 "a series has more than " + std::to_string(kMaxLabels) + " labels");
  return OkStatus();
}

size_t BytesOf(size_t pairs) { return sizeof(Series) + (pairs - 1) * sizeof(SymbolPair); }

void Free(Series* series) {
  const size_t bytes = BytesOf(series->pair_count);
  series->~Series();
  ::operator delete(series, bytes);
}

Series* NewSeries(std::span<const SymbolPair> pairs) {
  auto* series = new (::operator new(BytesOf(pairs.size()))) Series;
  series->pair_count = static_cast<uint16_t>(pairs.size());
  std::copy(pairs.begin(), pairs.end(), series->pairs);
  return series;
}

}  // namespace

void FreeSeries::operator()(Series* series) const { Free(series); }

SeriesPtr MakeSeries(const StoredSeries& stored) {
  SeriesPtr series(NewSeries(stored.pairs));
  series->id = stored.id;
  series->retention_class = stored.retention_class;
  return series;
}

SeriesIndex::SeriesIndex(uint64_t max_series, Made made,
                         std::function<uint8_t(const Labels&)> class_of)
    : max_series_(max_series), made_(std::move(made)), class_of_(std::move(class_of)) {}

SeriesIndex::~SeriesIndex() {
  for (uint32_t index = 0; index < next_index_; ++index)
    if (Series* series = by_index_.Get(index)) Free(series);
  for (const Removed& removed : graveyard_)
    for (Series* series : removed.series) Free(series);
}

bool SeriesIndex::Equal(const Series& series, const Labels& labels) const {
  size_t i = 0;
  for (const Label& label : labels) {
    if (i == series.pair_count) return false;
    const auto [name, value] = series.pairs[i++];
    if (symbols_.Text(value) != label.value || symbols_.Text(name) != label.name) return false;
  }
  return i == series.pair_count;
}

Series* SeriesIndex::FindIn(const Shard& shard, uint64_t hash, const Labels& labels) const {
  const auto it = shard.by_hash.find(hash);
  if (it == shard.by_hash.end()) return nullptr;
  Series* series = it->second;
  while (series != nullptr && !Equal(*series, labels)) series = series->next_same_hash;
  return series;
}

Result<SeriesRef> SeriesIndex::Resolve(const Labels& labels, Timestamp now, Quota quota) {
  const uint64_t hash = labels.Hash();
  Shard& shard = ShardOf(hash);
  std::lock_guard lock(shard.mutex);
  if (const Series* known = FindIn(shard, hash, labels)) return SeriesRef{known->id};
  TOCSIN_ASSIGN(Series * made, Create(labels, now, quota));
  Insert(shard, hash, made);
  return SeriesRef{made->id};
}

void SeriesIndex::Insert(Shard& shard, uint64_t hash, Series* series) {
  Series*& head = shard.by_hash[hash];
  series->next_same_hash = head;
  head = series;
}

Result<Series*> SeriesIndex::Create(const Labels& labels, Timestamp now, Quota quota) {
  TOCSIN_RETURN_IF_ERROR(CheckLabels(labels));
  std::lock_guard lock(create_mutex_);
  if (quota == Quota::kLimited && max_series_ != 0 && size() >= max_series_)
    return Error(ErrorCode::kSeriesLimit,
                 "the limit of " + std::to_string(max_series_) + " series is reached");
  std::vector<SymbolPair> pairs;
  for (const Label& label : labels)
    pairs.emplace_back(symbols_.Add(label.name), symbols_.Add(label.value));
  const uint8_t retention_class = class_of_ ? class_of_(labels) : uint8_t{0};
  Series* series = Make(owners_.Place(labels, retention_class), pairs, retention_class);
  created_.fetch_add(1, std::memory_order_relaxed);
  unwritten_.push_back({series, now});
  return series;
}

// REQUIRES: create_mutex_ is held.
Series* SeriesIndex::Make(const Placement& placement, std::span<const SymbolPair> pairs,
                          uint8_t retention_class) {
  Series* series = NewSeries(pairs);
  series->id = placement.series_id;
  series->kind = placement.kind;
  series->retention_class = retention_class;
  series->index = next_index_++;
  by_id_.Set(series->id, series);
  by_index_.Set(series->index, series);
  postings_.Add(series->index, pairs);
  size_.fetch_add(1, std::memory_order_relaxed);
  made_(GroupOf(series->id), retention_class);
  return series;
}

void SeriesIndex::Remove(std::span<const uint64_t> groups, MonotonicTime now) {
  std::vector<Series*> gone;
  for (const uint64_t group : groups)
    for (unsigned slot = 0; slot < kGroupSlots; ++slot)
      if (Series* series = by_id_.Get(SeriesId(group, slot))) gone.push_back(series);
  std::sort(gone.begin(), gone.end(),
            [](const Series* a, const Series* b) { return a->index < b->index; });
  std::vector<uint32_t> indexes;
  std::vector<std::vector<SymbolPair>> pairs;
  for (Series* series : gone) {
    Unlink(series);
    indexes.push_back(series->index);
    pairs.emplace_back(series->labels().begin(), series->labels().end());
  }
  postings_.Remove(indexes, pairs);
  std::lock_guard lock(create_mutex_);
  for (const Series* series : gone) {
    by_id_.Set(series->id, nullptr);
    by_index_.Set(series->index, nullptr);
  }
  owners_.Forget(groups);
  const auto retired = static_cast<uint64_t>(std::count_if(
      gone.begin(), gone.end(), [](const Series* series) { return series->retired.load(); }));
  retired_.fetch_sub(retired, std::memory_order_relaxed);
  size_.fetch_sub(gone.size() - retired, std::memory_order_relaxed);
  removed_.fetch_add(gone.size(), std::memory_order_relaxed);
  graveyard_.push_back({now, std::move(gone)});
}

void SeriesIndex::Retire(std::span<const uint64_t> groups) {
  uint64_t count = 0;
  for (const uint64_t group : groups)
    for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
      Series* series = by_id_.Get(SeriesId(group, slot));
      if (series == nullptr || series->retired.load()) continue;
      Unlink(series);
      series->retired.store(true, std::memory_order_release);
      ++count;
    }
  std::lock_guard lock(create_mutex_);
  owners_.Forget(groups);
  retired_.fetch_add(count, std::memory_order_relaxed);
  size_.fetch_sub(count, std::memory_order_relaxed);
}

void SeriesIndex::ForEach(const std::function<void(const Series&)>& visit) const {
  uint32_t end = 0;
  {
    std::lock_guard lock(create_mutex_);
    end = next_index_;
  }
  for (uint32_t index = 0; index < end; ++index)
    if (const Series* series = by_index_.Get(index)) visit(*series);
}

void SeriesIndex::Unlink(Series* series) {
  const uint64_t hash = LabelsOf(*series).Hash();
  Shard& shard = ShardOf(hash);
  std::lock_guard lock(shard.mutex);
  const auto it = shard.by_hash.find(hash);
  if (it == shard.by_hash.end()) return;
  Series** link = &it->second;
  while (*link != nullptr && *link != series) link = &(*link)->next_same_hash;
  if (*link != nullptr) *link = series->next_same_hash;
  if (it->second == nullptr) shard.by_hash.erase(it);
}

void SeriesIndex::FreeRemoved(MonotonicTime now) {
  std::lock_guard lock(create_mutex_);
  std::erase_if(graveyard_, [&](const Removed& removed) {
    if (now - removed.at < kGrace) return false;
    for (Series* series : removed.series) Free(series);
    return true;
  });
}

Labels SeriesIndex::LabelsOf(const Series& series) const {
  constexpr size_t kLengths = 4;  // what two lengths take, nearly always
  size_t bytes = 0;
  for (const auto& [name, value] : series.labels())
    bytes += symbols_.Text(name).size() + symbols_.Text(value).size() + kLengths;
  std::string packed;
  packed.reserve(bytes);
  for (const auto& [name, value] : series.labels()) {
    PutString(packed, symbols_.Text(name));
    PutString(packed, symbols_.Text(value));
  }
  return Labels::FromPacked(std::move(packed));
}

bool SeriesIndex::Knows(SeriesRef ref) const {
  return Get(ref) != nullptr || (cold_ != nullptr && cold_->Contains(GroupOf(ref.id)));
}

std::optional<Labels> SeriesIndex::FindLabels(SeriesRef ref) const {
  if (const Series* series = Get(ref)) return LabelsOf(*series);
  if (cold_ == nullptr) return std::nullopt;
  const auto stored = cold_->Find(ref.id);
  if (!stored) return std::nullopt;
  return LabelsOf(*MakeSeries(*stored));
}

std::vector<const Series*> SeriesIndex::Select(std::span<const Matcher> matchers) const {
  const std::vector<uint32_t> indexes = postings_.Select(matchers);
  std::vector<const Series*> out;
  out.reserve(indexes.size());
  for (const uint32_t index : indexes)
    if (const Series* series = by_index_.Get(index)) out.push_back(series);
  std::sort(out.begin(), out.end(), [](const Series* a, const Series* b) { return a->id < b->id; });
  return out;
}

std::vector<std::string> SeriesIndex::LabelNames() const {
  std::vector<std::string> out;
  for (const Symbol name : postings_.Names()) out.emplace_back(symbols_.Text(name));
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> SeriesIndex::LabelValues(const std::string& name) const {
  std::vector<std::string> out;
  if (const Symbol symbol = symbols_.Find(name))
    for (const Symbol value : postings_.Values(symbol)) out.emplace_back(symbols_.Text(value));
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<Symbol> SeriesIndex::ValuesOf(Symbol name,
                                          const std::function<bool(const Series&)>& counts) const {
  constexpr size_t kAtOnce = 16;
  std::vector<uint32_t> indexes;
  // Copied in small pieces, so that no lock is held while `counts` looks: nearly always the first
  // series decides.
  const auto any = [&](Symbol value) {
    for (size_t from = 0; postings_.Some(name, value, from, kAtOnce, &indexes) > 0; from += kAtOnce)
      for (const uint32_t index : indexes)
        if (const Series* series = by_index_.Get(index); series != nullptr && counts(*series))
          return true;
    return false;
  };
  std::vector<Symbol> out = postings_.Values(name);
  std::erase_if(out, [&](Symbol value) { return !any(value); });
  return out;
}

std::string SeriesIndex::Largest(std::string_view name) const {
  const Symbol symbol = symbols_.Find(name);
  if (symbol == 0) return {};
  const auto [value, count] = postings_.Largest(symbol);
  if (count == 0) return {};
  return std::string(symbols_.Text(value)) + " (" + std::to_string(count) + " series)";
}

uint64_t SeriesIndex::next_group() const {
  std::lock_guard lock(create_mutex_);
  return owners_.next_group();
}

void SeriesIndex::PutUnwritten(RocksBatch& batch) {
  std::vector<New> fresh;
  {
    std::lock_guard lock(create_mutex_);
    fresh = unwritten_;
    writing_symbol_ = symbols_.last();  // covers every symbol of `fresh`
  }
  writing_ = fresh.size();
  for (Symbol first = written_symbol_ + 1; first <= writing_symbol_;) {
    const auto n = std::min<size_t>(writing_symbol_ - first + 1, kSymbolsPerValue);
    std::string value;
    PutVarint(value, n);
    for (size_t i = 0; i < n; ++i) PutString(value, symbols_.Text(static_cast<Symbol>(first + i)));
    batch.Put(Family::kSym, keys::Symbols(first), value);
    first += static_cast<Symbol>(n);
  }
  std::sort(fresh.begin(), fresh.end(),
            [](const New& a, const New& b) { return a.series->id < b.series->id; });
  SeriesRunEncoder encoder;
  for (const New& one : fresh) {
    const bool joins = encoder.Joins(one.series->id, one.series->kind);
    if (!joins) encoder.Flush(batch);
    encoder.Add(one.series->id, one.series->kind, one.created, one.series->labels(),
                one.series->retention_class);
  }
  encoder.Flush(batch);
}

void SeriesIndex::Written() {
  if (writing_ != 0) {
    std::lock_guard lock(create_mutex_);
    unwritten_.erase(unwritten_.begin(),
                     unwritten_.begin() + static_cast<std::ptrdiff_t>(writing_));
  }
  writing_ = 0;
  written_symbol_ = std::max(written_symbol_, writing_symbol_);
}

Status SeriesIndex::Load(const RocksStore& store, uint64_t* damaged) {
  // A run that is damaged costs its series, or the series that name its symbols.
  const auto note = [&](const Status& status) {
    if (!status.ok() && (*damaged)++ == 0)
      log::Error("series are damaged", {{"err", status.error().message()}});
    return true;
  };
  TOCSIN_RETURN_IF_ERROR(store.ScanReadable(
      Family::kSym, {}, {},
      [&](std::string_view key, std::string_view value) {
        return note(LoadSymbols(key, value, symbols_));
      },
      damaged));
  cold_ = std::make_unique<ColdSeries>(store, symbols_);
  TOCSIN_RETURN_IF_ERROR(cold_->Load(damaged));
  if (const IdRanges gone = cold_->groups(); !gone.empty()) {
    std::lock_guard lock(create_mutex_);
    owners_.ForgetBelow(gone.back() + 1);
  }
  TOCSIN_RETURN_IF_ERROR(store.ScanReadable(
      Family::kSeries, {}, {},
      [&](std::string_view key, std::string_view value) { return note(LoadRun(key, value)); },
      damaged));
  written_symbol_ = writing_symbol_ = symbols_.last();
  return OkStatus();
}

Status SeriesIndex::LoadRun(std::string_view key, std::string_view value) {
  // Whatever is in it: its group and symbols are taken.
  if (const auto at = keys::ParseSeriesRun(key)) {
    std::lock_guard lock(create_mutex_);
    owners_.ReserveBelow(at->group + 1);
    if (cold_->Contains(at->group)) return OkStatus();
  }
  TOCSIN_ASSIGN(const SeriesRun run, DecodeSeriesRun(key, value));
  Status damage;
  for (const SeriesRun::Entry& entry : run.series) {
    Symbol missing = 0;
    for (const auto& [name, text] : entry.pairs)
      for (const Symbol symbol : {name, text}) {
        if (symbols_.Has(symbol)) continue;
        missing = symbol;
        symbols_.ReserveBelow(uint64_t{symbol} + 1);
      }
    if (missing != 0 || by_id_.Get(entry.id) != nullptr) {
      damage =
          Error(ErrorCode::kCorruption,
                "series " + std::to_string(entry.id) +
                    (missing != 0 ? " names a symbol that is not stored" : " is stored twice"));
      continue;
    }
    const Placement placement{entry.id, run.kind};
    Series* series = nullptr;
    {
      std::lock_guard lock(create_mutex_);
      series = Make(placement, entry.pairs, run.retention_class);
    }
    const Labels labels = LabelsOf(*series);
    const uint64_t hash = labels.Hash();
    // Ids come in ascending order: the newest of a label set goes on.
    if (Series* older = FindIn(ShardOf(hash), hash, labels)) {
      Unlink(older);
      older->retired.store(true, std::memory_order_release);
      retired_.fetch_add(1, std::memory_order_relaxed);
      size_.fetch_sub(1, std::memory_order_relaxed);
    }
    Insert(ShardOf(hash), hash, series);
    owners_.Restore(labels, placement, run.retention_class);
  }
  return damage;
}

void SeriesIndex::StartNewGroups(uint64_t next_group) {
  std::lock_guard lock(create_mutex_);
  owners_.StartNewGroups(next_group);
}

void SeriesIndex::ReserveBelow(uint64_t group, uint64_t symbol) {
  std::lock_guard lock(create_mutex_);
  owners_.ReserveBelow(group);
  symbols_.ReserveBelow(symbol);
  written_symbol_ = writing_symbol_ = symbols_.last();
}

}  // namespace tocsin::storage
