#include "storage/querier.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "storage/model/duration.h"
#include "storage/sample_reader.h"

namespace tocsin::storage {
namespace {

// The selected series of one query with the view they are read from.
class ViewSeriesSet final : public SeriesSet {
 public:
  // REQUIRES: `index` outlives this.
  ViewSeriesSet(std::shared_ptr<const ReadContext> context, const SeriesIndex& index,
                std::vector<const Series*> series)
      : context_(std::move(context)),
        index_(index),
        series_(std::make_shared<std::vector<const Series*>>(std::move(series))) {}

  size_t size() const override { return series_->size(); }
  const Labels& labels(size_t index) const override {
    std::call_once(made_, [this] {
      labels_.reserve(series_->size());
      for (const Series* series : *series_) labels_.push_back(index_.LabelsOf(*series));
    });
    return labels_[index];
  }
  void CopyLabels(size_t index, Labels* out) const override {
    *out = index_.LabelsOf(*(*series_)[index]);
  }
  std::unique_ptr<SampleReader> NewReader() const override {
    return MakeSampleReader(context_, series_);
  }
  std::vector<std::string> warnings() const override { return context_->warnings.Get(); }
  std::vector<std::string> infos() const override { return context_->levels.infos; }
  std::vector<LevelRegion> levels() const override { return context_->levels.regions(); }

 private:
  std::shared_ptr<const ReadContext> context_;
  const SeriesIndex& index_;
  const SelectedSeries series_;
  mutable std::once_flag made_;
  mutable std::vector<Labels> labels_;  // of all, once one was asked for
};

// Leaves of series with one label set that of the highest id; the others go to `older`, by it. All
// of them are returned.
std::vector<uint64_t> JoinEqual(std::vector<const Series*>* series,
                                absl::flat_hash_map<uint64_t, std::vector<uint64_t>>* older) {
  absl::flat_hash_map<std::string_view, uint64_t> newest;
  std::vector<uint64_t> ids;
  for (auto it = series->rbegin(); it != series->rend(); ++it) {
    const std::string_view key(reinterpret_cast<const char*>((*it)->labels().data()),
                               (*it)->labels().size_bytes());
    const auto [known, fresh] = newest.try_emplace(key, (*it)->id);
    if (fresh) continue;
    std::vector<uint64_t>& of = (*older)[known->second];
    of.insert(of.begin(), (*it)->id);
    ids.push_back((*it)->id);
    *it = nullptr;
  }
  std::erase(*series, nullptr);
  return ids;
}

std::vector<std::string> SortedTexts(const SymbolTable& symbols,
                                     const absl::flat_hash_set<Symbol>& found) {
  std::vector<std::string> out;
  out.reserve(found.size());
  for (const Symbol symbol : found) out.emplace_back(symbols.Text(symbol));
  std::sort(out.begin(), out.end());
  return out;
}

// Whether series may have samples in a range: asked in ascending order of id it looks at each group
// once.
class Liveness {
 public:
  Liveness(const Directory& view, const Head& head, Timestamp from, Timestamp to)
      : view_(view), head_(head), from_(from), to_(to) {
    for (const SealedFilePtr& file : view.OfDays(from, to))
      if (file->Overlaps(from, to)) files_.push_back(file.get());
    for (const SealedFilePtr& file : view.levels)
      if (file->Overlaps(from, to)) files_.push_back(file.get());
  }

  bool Has(const Series& series) {
    const uint64_t group = GroupOf(series.id);
    if (group != group_) {
      group_ = group;
      in_files_ = std::any_of(files_.begin(), files_.end(), [&](const SealedFile* file) {
        return file->header.groups.Contains(group);
      });
      open_ = in_files_ ? nullptr : head_.Find(group);
    }
    if (in_files_) return true;
    if (open_ == nullptr) return false;
    std::lock_guard lock(open_->mutex());
    return open_->MayHave(SlotOf(series.id), from_, to_, view_.published);
  }

 private:
  const Directory& view_;
  const Head& head_;
  const Timestamp from_, to_;
  std::vector<const SealedFile*> files_;
  uint64_t group_ = 0;  // asked for last
  bool in_files_ = false;
  const Group* open_ = nullptr;
};

}  // namespace

std::vector<const Series*> Querier::Find(const Directory& view, std::span<const Matcher> matchers,
                                         Timestamp from, Timestamp to) const {
  if (from > to) return {};
  std::vector<const Series*> series = index_.Select(matchers);
  Liveness liveness(view, head_, from, to);
  std::erase_if(series, [&](const Series* one) { return !liveness.Has(*one); });
  return series;
}

std::optional<std::pair<uint16_t, uint16_t>> Querier::ColdDays(Timestamp from, Timestamp to) const {
  from = std::max(from, kMinStorable);
  to = std::min(to, kMaxStorable);
  if (index_.cold() == nullptr || index_.cold()->empty() || from > to) return std::nullopt;
  return std::make_pair(DayOf(from), DayOf(to));
}

std::vector<SeriesPtr> Querier::FindCold(const Directory& view, std::span<const Matcher> matchers,
                                         Timestamp from, Timestamp to,
                                         std::span<const Series* const> hot,
                                         const Warnings& warnings) const {
  std::vector<SeriesPtr> out;
  from = std::max(from, kMinStorable);
  to = std::min(to, kMaxStorable);
  if (index_.cold() == nullptr || index_.cold()->empty() || from > to) return out;
  const auto ids = index_.cold()->Select(matchers, DayOf(from), DayOf(to));
  if (!ids.ok()) {
    corruptions_.Add();
    warnings.Add("series that have left memory are missing: " + ids.error().message());
    return out;
  }
  IdRanges in_files;
  for (const SealedFilePtr& file : view.OfDays(from, to))
    if (file->Overlaps(from, to)) in_files.Merge(file->header.groups);
  for (const SealedFilePtr& file : view.levels)
    if (file->Overlaps(from, to)) in_files.Merge(file->header.groups);
  for (auto at = ids->begin(); at != ids->end();) {
    const uint64_t group = GroupOf(*at);
    const auto end =
        std::find_if(at, ids->end(), [&](uint64_t id) { return GroupOf(id) != group; });
    const std::span<const uint64_t> wanted(at, end);
    at = end;
    if (!in_files.Contains(group)) continue;
    const auto stored = index_.cold()->Read(group);
    if (!stored.ok()) {
      warnings.Add("series that have left memory are missing: " + stored.error().message());
      continue;
    }
    for (const StoredSeries& series : *stored) {
      if (!std::binary_search(wanted.begin(), wanted.end(), series.id)) continue;
      // One that was on its way out when the hot ones were looked up.
      const auto same = std::lower_bound(hot.begin(), hot.end(), series.id,
                                         [](const Series* a, uint64_t id) { return a->id < id; });
      if (same == hot.end() || (*same)->id != series.id) out.push_back(MakeSeries(series));
    }
  }
  return out;
}

Result<std::unique_ptr<SeriesSet>> Querier::Select(std::span<const Matcher> matchers,
                                                   Timestamp from, Timestamp to,
                                                   const SelectHints& hints) const {
  auto context = std::make_shared<ReadContext>(store_, groups_, head_, directories_.View());
  from = std::max(from, context->view->OldestEdge());
  context->from = from;
  context->raw_from = std::max(from, context->view->RawEdge());
  context->to = to;
  context->canceled = hints.canceled;
  context->corruptions = corruptions_;
  for (const uint16_t day : context->view->damaged_days)
    if (DayStart(day) <= to && DayStart(day) + Duration{kDayMs} > from)
      context->warnings.Add("samples of the day from " + FormatRfc3339(DayStart(day)) +
                            " are missing: a sealed file is damaged");
  std::vector<const Series*> series = Find(*context->view, matchers, from, to);
  context->cold = FindCold(*context->view, matchers, from, to, series, context->warnings);
  for (const SeriesPtr& one : context->cold) series.push_back(one.get());
  std::sort(series.begin(), series.end(),
            [](const Series* a, const Series* b) { return a->id < b->id; });
  std::vector<uint64_t> older;
  if (index_.has_retired() || !context->cold.empty()) older = JoinEqual(&series, &context->older);
  if (!hints.labels_only && !context->view->levels.empty()) {
    std::vector<uint64_t> ids;
    for (const Series* one : series) ids.push_back(one->id);
    ids.insert(ids.end(), older.begin(), older.end());
    std::sort(ids.begin(), ids.end());
    context->levels = ChooseLevels(*context->view, head_, ids, from, to, hints);
  }
  if (hints.canceled != nullptr && hints.canceled->load())
    return Error(ErrorCode::kCanceled, "the query was canceled");
  return std::unique_ptr<SeriesSet>(
      std::make_unique<ViewSeriesSet>(std::move(context), index_, std::move(series)));
}

Result<std::vector<std::string>> Querier::LabelNames(std::span<const Matcher> matchers,
                                                     Timestamp from, Timestamp to) const {
  const DirectoryPtr view = directories_.View();
  absl::flat_hash_set<Symbol> found;
  from = std::max(from, view->OldestEdge());
  const std::vector<const Series*> hot = Find(*view, matchers, from, to);
  for (const Series* series : hot)
    for (const auto& [name, value] : series->labels()) found.insert(name);
  if (matchers.empty()) {
    if (const auto days = ColdDays(from, to)) {
      TOCSIN_ASSIGN(const auto names, index_.cold()->Names(days->first, days->second));
      found.insert(names.begin(), names.end());
    }
  } else {
    for (const SeriesPtr& series : FindCold(*view, matchers, from, to, hot, Warnings()))
      for (const auto& [name, value] : series->labels()) found.insert(name);
  }
  return SortedTexts(index_.symbols(), found);
}

Result<std::vector<std::string>> Querier::LabelValues(const std::string& name,
                                                      std::span<const Matcher> matchers,
                                                      Timestamp from, Timestamp to) const {
  const Symbol symbol = index_.symbols().Find(name);
  if (symbol == 0) return std::vector<std::string>();
  const DirectoryPtr view = directories_.View();
  from = std::max(from, view->OldestEdge());
  absl::flat_hash_set<Symbol> found;
  if (matchers.empty()) {
    if (from > to) return std::vector<std::string>();
    Liveness liveness(*view, head_, from, to);
    const auto hot =
        index_.ValuesOf(symbol, [&](const Series& series) { return liveness.Has(series); });
    found.insert(hot.begin(), hot.end());
    if (const auto days = ColdDays(from, to)) {
      TOCSIN_ASSIGN(const auto values, index_.cold()->Values(symbol, days->first, days->second));
      found.insert(values.begin(), values.end());
    }
    return SortedTexts(index_.symbols(), found);
  }
  const auto take = [&](const Series& series) {
    for (const auto& [own_name, value] : series.labels())
      if (own_name == symbol) found.insert(value);
  };
  const std::vector<const Series*> hot = Find(*view, matchers, from, to);
  for (const Series* series : hot) take(*series);
  for (const SeriesPtr& series : FindCold(*view, matchers, from, to, hot, Warnings()))
    take(*series);
  return SortedTexts(index_.symbols(), found);
}

Result<std::vector<SeriesExemplars>> Querier::Exemplars(
    std::span<const std::vector<Matcher>> selectors, Timestamp from, Timestamp to) const {
  from = std::max(from, directories_.View()->RawEdge());
  absl::flat_hash_set<uint64_t> seen;
  // One label set may have several ids.
  std::map<Labels, std::vector<Exemplar>> found;
  std::vector<Exemplar> of_one;
  const auto read = [&](uint64_t id) {
    of_one.clear();
    if (seen.insert(id).second) exemplars_.Read({id}, from, to, &of_one);
    return !of_one.empty();
  };
  const auto add = [&](const Labels& labels) {
    auto& all = found[labels];
    all.insert(all.end(), of_one.begin(), of_one.end());
  };
  for (const std::vector<Matcher>& matchers : selectors)
    for (const Series* series : index_.Select(matchers))
      if (read(series->id)) add(index_.LabelsOf(*series));
  // Then those that have left memory: one that leaves it just now is found at least once.
  const Timestamp first = std::max(from, kMinStorable), last = std::min(to, kMaxStorable);
  for (const std::vector<Matcher>& matchers : selectors) {
    if (first > last) break;
    const auto cold = index_.cold()->Select(matchers, DayOf(first), DayOf(last));
    if (!cold.ok()) {
      corruptions_.Add();
      continue;
    }
    for (const uint64_t id : *cold)
      if (read(id))
        if (const auto labels = index_.FindLabels({id})) add(*labels);
  }
  std::vector<SeriesExemplars> out;
  for (auto& [labels, exemplars] : found) {
    std::stable_sort(exemplars.begin(), exemplars.end(),
                     [](const Exemplar& a, const Exemplar& b) { return a.t < b.t; });
    out.push_back({labels, std::move(exemplars)});
  }
  return out;
}

}  // namespace tocsin::storage
