#include "storage/querier.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <map>
#include <utility>

#include "storage/model/duration.h"
#include "storage/sample_reader.h"

namespace tocsin::storage {
namespace {

// The selected series of one query with the view they are read from.
class ViewSeriesSet final : public SeriesSet {
 public:
  ViewSeriesSet(std::shared_ptr<const ReadContext> context, std::vector<const Series*> series,
                std::vector<Labels> labels)
      : context_(std::move(context)), series_(std::move(series)), labels_(std::move(labels)) {}

  size_t size() const override { return series_.size(); }
  const Labels& labels(size_t index) const override { return labels_[index]; }
  std::unique_ptr<SampleReader> NewReader() const override {
    return MakeSampleReader(context_, series_);
  }
  std::vector<std::string> warnings() const override { return context_->warnings.Get(); }
  std::vector<std::string> infos() const override { return context_->levels.infos; }
  std::vector<LevelRegion> levels() const override { return context_->levels.regions(); }

 private:
  std::shared_ptr<const ReadContext> context_;
  std::vector<const Series*> series_;
  std::vector<Labels> labels_;
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

}  // namespace

std::vector<const Series*> Querier::Find(const Directory& view, std::span<const Matcher> matchers,
                                         Timestamp from, Timestamp to) const {
  if (from > to) return {};
  std::vector<const Series*> series = index_.Select(matchers);
  std::vector<const SealedFile*> files;
  for (const SealedFilePtr& file : view.OfDays(from, to))
    if (file->Overlaps(from, to)) files.push_back(file.get());
  for (const SealedFilePtr& file : view.levels)
    if (file->Overlaps(from, to)) files.push_back(file.get());
  uint64_t known_group = 0;
  bool in_files = false;
  std::erase_if(series, [&](const Series* one) {
    const uint64_t group = GroupOf(one->id);
    if (group != known_group) {
      known_group = group;
      in_files = std::any_of(files.begin(), files.end(), [&](const SealedFile* file) {
        return file->header.groups.Contains(group);
      });
    }
    if (in_files) return false;
    const Group* open = head_.Find(group);
    if (open == nullptr) return true;
    std::lock_guard lock(open->mutex());
    return !open->MayHave(SlotOf(one->id), from, to, view.published);
  });
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
  auto context = std::make_shared<ReadContext>(store_, head_, directories_.View());
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
  std::vector<Labels> labels;
  labels.reserve(series.size());
  for (size_t i = 0; i < series.size(); ++i) {
    if (i % 1024 == 0 && hints.canceled != nullptr && hints.canceled->load())
      return Error(ErrorCode::kCanceled, "the query was canceled");
    labels.push_back(index_.LabelsOf(*series[i]));
  }
  return std::unique_ptr<SeriesSet>(
      std::make_unique<ViewSeriesSet>(std::move(context), std::move(series), std::move(labels)));
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
  absl::flat_hash_set<Symbol> found;
  from = std::max(from, view->OldestEdge());
  const std::vector<const Series*> hot = Find(*view, matchers, from, to);
  const auto take = [&](const Series& series) {
    for (const auto& [own_name, value] : series.labels())
      if (own_name == symbol) found.insert(value);
  };
  for (const Series* series : hot) take(*series);
  if (matchers.empty()) {
    if (const auto days = ColdDays(from, to)) {
      TOCSIN_ASSIGN(const auto values, index_.cold()->Values(symbol, days->first, days->second));
      found.insert(values.begin(), values.end());
    }
  } else {
    for (const SeriesPtr& series : FindCold(*view, matchers, from, to, hot, Warnings()))
      take(*series);
  }
  return SortedTexts(index_.symbols(), found);
}

Result<std::vector<SeriesExemplars>> Querier::Exemplars(
    std::span<const std::vector<Matcher>> selectors, Timestamp from, Timestamp to) const {
  from = std::max(from, directories_.View()->RawEdge());
  absl::flat_hash_set<uint64_t> seen;
  // One label set may have several ids.
  std::map<Labels, std::vector<Exemplar>> found;
  std::vector<Exemplar> of_one;
  for (const std::vector<Matcher>& matchers : selectors) {
    for (const Series* series : index_.Select(matchers)) {
      if (!seen.insert(series->id).second) continue;
      of_one.clear();
      exemplars_.Read({series->id}, from, to, &of_one);
      if (of_one.empty()) continue;
      auto& all = found[index_.LabelsOf(*series)];
      all.insert(all.end(), of_one.begin(), of_one.end());
    }
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
