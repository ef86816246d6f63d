#include "storage/sample_reader.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "storage/codec/histogram_codec.h"
#include "storage/file_reader.h"
#include "storage/group.h"

namespace tocsin::storage {
namespace {

class MergingReader final : public SampleReader {
 public:
  MergingReader(std::shared_ptr<const ReadContext> context, SelectedSeries series)
      : context_(std::move(context)),
        series_(std::move(series)),
        files_(context_->store, &context_->groups),
        level_files_(context_->store) {}

  Status Seek(size_t index) override;
  Result<bool> Next(SampleBlock* block) override;

 private:
  bool DaysLeft() const {
    return !days_.empty() || !level_days_.empty() || head_at_ < head_.values.size() ||
           head_histograms_at_ < head_histograms_.size();
  }
  size_t Size() const { return direct_.times.empty() ? times_.size() : direct_.times.size(); }
  void LoadDay();
  // What the level has of the day; false: it knows nothing of the series' group.
  bool LoadLevel(const LevelChoice::Day& day);
  bool NextOfLevel(SampleBlock* block);
  void SkipDay(uint16_t day);
  void SortLevel();
  void ReadFile(const SealedFile& file, uint64_t id);
  void Put(Timestamp t, double value, Timestamp start) {
    ascending_ = ascending_ && (times_.empty() || times_.back() < t);
    shape_ = ValueShape::kAny;
    times_.push_back(t);
    values_.push_back(value);
    if (start == kNoStart && starts_.empty()) return;
    starts_.resize(times_.size());
    starts_.back() = start;
  }
  void PutRun(SegmentRun run, std::span<const Tombstone* const> masks);
  // The part of a run that lies in the asked range.
  SegmentRun Cut(const SegmentRun& run) const;
  // Copies what `direct_` shows, before its views end or something joins it.
  void Materialize();
  Status PutHistograms(const SegmentRun& run, std::span<const Tombstone* const> masks);
  // Whether the sample is asked for and not deleted.
  bool Wanted(Timestamp t, std::span<const Tombstone* const> masks) const;
  void SortFloats();
  void MergeHistograms();

  const std::shared_ptr<const ReadContext> context_;
  const SelectedSeries series_;
  FileReader files_;
  LevelReader level_files_;

  std::vector<uint64_t> ids_;                     // of the series in hand, ascending; mostly one
  std::span<const SealedFilePtr> days_;           // files not read yet, by day
  std::span<const LevelChoice::Day> level_days_;  // not read yet
  std::vector<LevelCell> cells_;                  // of the day in hand
  size_t cells_at_ = 0;
  LevelReader::Histograms level_histograms_;
  size_t level_histograms_at_ = 0;
  std::vector<Timestamp> level_times_;  // of the block of histograms in hand
  std::vector<double> level_counts_;
  std::vector<const Histogram*> level_pointers_;
  SampleList head_;  // ascending
  size_t head_at_ = 0;
  // A day that is one run of one file is handed out as it was decoded; others are copied together.
  SegmentRun direct_;
  std::vector<Timestamp> times_;  // of the day in hand, unless direct_ has it
  std::vector<double> values_;
  ValueShape shape_ = ValueShape::kAny;  // of values_
  std::vector<Timestamp> starts_;        // as many, or empty when none is known
  // Native histograms are rare: a list of their own, merged in when the day has some.
  std::vector<TimedHistogram> head_histograms_;
  size_t head_histograms_at_ = 0;
  std::vector<TimedHistogram> day_histograms_;
  std::vector<const Histogram*> histograms_;  // as many as times_, or none
  size_t at_ = 0;
  bool ascending_ = true;
};

Status MergingReader::Seek(size_t index) {
  ids_.clear();
  const uint64_t newest = (*series_)[index]->id;
  if (const auto older = context_->older.find(newest); older != context_->older.end())
    ids_ = older->second;
  ids_.push_back(newest);
  days_ = context_->view->OfDays(context_->raw_from, context_->to);
  level_days_ = context_->levels.days;
  cells_.clear();
  cells_at_ = 0;
  level_histograms_ = {};
  level_histograms_at_ = 0;
  head_.Clear();
  head_at_ = 0;
  head_histograms_.clear();
  head_histograms_at_ = 0;
  direct_ = {};
  times_.clear();
  values_.clear();
  starts_.clear();
  histograms_.clear();
  at_ = 0;
  for (const uint64_t id : ids_) {
    const Group* group = context_->head.Find(GroupOf(id));
    if (group == nullptr) continue;
    std::lock_guard lock(group->mutex());
    group->Read(SlotOf(id), context_->raw_from, context_->to, context_->view->published, &head_);
    group->ReadHistograms(SlotOf(id), context_->raw_from, context_->to, context_->view->published,
                          &head_histograms_);
  }
  if (ids_.size() > 1) {
    head_.Sort();
    SortByTime(&head_histograms_);
  }
  return OkStatus();
}

Result<bool> MergingReader::Next(SampleBlock* block) {
  *block = {};
  while (at_ == Size()) {
    if (NextOfLevel(block)) return true;
    if (!DaysLeft()) return false;
    if (context_->canceled != nullptr && context_->canceled->load(std::memory_order_relaxed))
      return Error(ErrorCode::kCanceled, "the query was canceled");
    LoadDay();
  }
  const bool direct = !direct_.times.empty();
  const auto times = direct ? direct_.times : std::span<const Timestamp>(times_);
  const auto values = direct ? direct_.values : std::span<const double>(values_);
  const auto starts = direct ? direct_.starts : std::span<const Timestamp>(starts_);
  const size_t n = std::min(kMaxBlockSamples, times.size() - at_);
  block->times = times.subspan(at_, n);
  block->values = values.subspan(at_, n);
  block->shape = direct ? direct_.shape : shape_;
  block->histograms = {};
  block->starts = starts.empty() ? starts : starts.subspan(at_, n);
  if (!histograms_.empty()) {
    const auto histograms = std::span(histograms_).subspan(at_, n);
    if (std::any_of(histograms.begin(), histograms.end(), [](auto* h) { return h != nullptr; }))
      block->histograms = histograms;
  }
  at_ += n;
  block->last = at_ == times.size() && !DaysLeft();
  return true;
}

// The next day that a file or the head has.
void MergingReader::LoadDay() {
  direct_ = {};
  times_.clear();
  values_.clear();
  starts_.clear();
  histograms_.clear();
  day_histograms_.clear();
  at_ = 0;
  ascending_ = true;
  uint16_t day = kMaxDay;
  if (!days_.empty()) day = std::min(day, days_.front()->id.day);
  if (head_at_ < head_.values.size()) day = std::min(day, DayOf(head_.values[head_at_].t));
  if (head_histograms_at_ < head_histograms_.size())
    day = std::min(day, DayOf(head_histograms_[head_histograms_at_].t));
  if (!level_days_.empty() && level_days_.front().day <= day) {
    const LevelChoice::Day of_level = level_days_.front();
    level_days_ = level_days_.subspan(1);
    if (LoadLevel(of_level)) return SkipDay(of_level.day);
    if (of_level.day < day) return;
  }
  for (; !days_.empty() && days_.front()->id.day == day; days_ = days_.subspan(1)) {
    const SealedFile& file = *days_.front();
    if (!file.Overlaps(context_->raw_from, context_->to)) continue;
    for (const uint64_t id : ids_)
      if (file.header.groups.Contains(GroupOf(id))) ReadFile(file, id);
  }
  const bool head_joins =
      (head_at_ < head_.values.size() && DayOf(head_.values[head_at_].t) == day) ||
      (head_histograms_at_ < head_histograms_.size() &&
       DayOf(head_histograms_[head_histograms_at_].t) == day);
  if (head_joins || !day_histograms_.empty()) Materialize();
  for (; head_at_ < head_.values.size() && DayOf(head_.values[head_at_].t) == day; ++head_at_)
    Put(head_.values[head_at_].t, head_.values[head_at_].value, head_.start(head_at_));
  for (; head_histograms_at_ < head_histograms_.size() &&
         DayOf(head_histograms_[head_histograms_at_].t) == day;
       ++head_histograms_at_)
    day_histograms_.push_back(head_histograms_[head_histograms_at_]);
  if (!ascending_) SortFloats();
  if (!day_histograms_.empty()) MergeHistograms();
}

bool MergingReader::LoadLevel(const LevelChoice::Day& day) {
  cells_.clear();
  cells_at_ = 0;
  level_histograms_ = {};
  level_histograms_at_ = 0;
  const auto files = context_->view->LevelsOf(day.level, day.day);
  bool known = false;
  for (const uint64_t id : ids_) {
    const SealedFile* file = nullptr;
    for (const SealedFilePtr& one : files)
      if (one->header.groups.Contains(GroupOf(id))) file = one.get();
    if (file == nullptr) continue;
    known = true;
    const Status status =
        level_files_.Read(*file, id, context_->from, context_->to, context_->view->tombstones,
                          &cells_, &level_histograms_);
    if (status.ok()) continue;
    context_->corruptions.Add();
    context_->warnings.Add("part of a level is missing: " + status.error().message());
  }
  if (ids_.size() > 1) SortLevel();
  return known;
}

// What several ids gave, in order of time.
void MergingReader::SortLevel() {
  std::stable_sort(cells_.begin(), cells_.end(), [](const LevelCell& a, const LevelCell& b) {
    return a.end != b.end ? a.end < b.end : a.first_time < b.first_time;
  });
  std::vector<size_t> order(level_histograms_.samples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    return level_histograms_.samples[a].t < level_histograms_.samples[b].t;
  });
  LevelReader::Histograms sorted;
  for (const size_t i : order) {
    sorted.samples.push_back(level_histograms_.samples[i]);
    sorted.weights.push_back(level_histograms_.weights[i]);
  }
  level_histograms_ = std::move(sorted);
}

bool MergingReader::NextOfLevel(SampleBlock* block) {
  if (cells_at_ < cells_.size()) {
    const size_t n = std::min(kMaxBlockSamples, cells_.size() - cells_at_);
    block->cells = std::span(cells_).subspan(cells_at_, n);
    cells_at_ += n;
    return true;
  }
  const auto& samples = level_histograms_.samples;
  if (level_histograms_at_ == samples.size()) return false;
  const size_t n = std::min(kMaxBlockSamples, samples.size() - level_histograms_at_);
  level_times_.clear();
  level_counts_.clear();
  level_pointers_.clear();
  for (size_t i = level_histograms_at_; i < level_histograms_at_ + n; ++i) {
    level_times_.push_back(samples[i].t);
    level_counts_.push_back(samples[i].value->count);
    level_pointers_.push_back(samples[i].value.get());
  }
  block->times = level_times_;
  block->values = level_counts_;
  block->histograms = level_pointers_;
  block->weights = std::span(level_histograms_.weights).subspan(level_histograms_at_, n);
  level_histograms_at_ += n;
  return true;
}

// What raw files and the head have of it stays unread.
void MergingReader::SkipDay(uint16_t day) {
  while (!days_.empty() && days_.front()->id.day == day) days_ = days_.subspan(1);
  while (head_at_ < head_.values.size() && DayOf(head_.values[head_at_].t) == day) ++head_at_;
  while (head_histograms_at_ < head_histograms_.size() &&
         DayOf(head_histograms_[head_histograms_at_].t) == day)
    ++head_histograms_at_;
}

void MergingReader::ReadFile(const SealedFile& file, uint64_t id) {
  Materialize();
  std::vector<const Tombstone*> masks;
  for (const Tombstone& tombstone : context_->view->tombstones)
    if (tombstone.Masks(file, id)) masks.push_back(&tombstone);
  Status histograms;
  const auto take = [&](const SegmentRun& run) {
    if (run.kind == RunKind::kFloat)
      PutRun(run, masks);
    else if (histograms.ok())
      histograms = PutHistograms(run, masks);
  };
  Status status = files_.Read(file, id, context_->raw_from, context_->to, take);
  if (status.ok()) status = histograms;
  if (status.ok()) return;
  context_->corruptions.Add();
  context_->warnings.Add("samples of one file are missing: " + status.error().message());
}

bool MergingReader::Wanted(Timestamp t, std::span<const Tombstone* const> masks) const {
  return t >= context_->raw_from && t <= context_->to &&
         std::none_of(masks.begin(), masks.end(),
                      [t](const Tombstone* mask) { return t >= mask->from && t <= mask->to; });
}

SegmentRun MergingReader::Cut(const SegmentRun& run) const {
  const auto begin = std::lower_bound(run.times.begin(), run.times.end(), context_->raw_from);
  const auto end = std::upper_bound(begin, run.times.end(), context_->to);
  const auto at = static_cast<size_t>(begin - run.times.begin());
  const auto n = static_cast<size_t>(end - begin);
  SegmentRun cut = run;
  cut.times = run.times.subspan(at, n);
  cut.values = run.values.subspan(at, n);
  if (!run.starts.empty()) cut.starts = run.starts.subspan(at, n);
  return cut;
}

void MergingReader::Materialize() {
  if (direct_.times.empty()) return;
  times_.assign(direct_.times.begin(), direct_.times.end());
  values_.assign(direct_.values.begin(), direct_.values.end());
  starts_.assign(direct_.starts.begin(), direct_.starts.end());
  shape_ = direct_.shape;
  direct_ = {};
}

void MergingReader::PutRun(SegmentRun run, std::span<const Tombstone* const> masks) {
  run = Cut(run);
  if (run.times.empty()) return;
  if (!masks.empty()) {
    for (size_t i = 0; i < run.times.size(); ++i)
      if (Wanted(run.times[i], masks))
        Put(run.times[i], run.values[i], run.starts.empty() ? kNoStart : run.starts[i]);
    return;
  }
  if (files_.only_run() && times_.empty()) {
    direct_ = run;
    return;
  }
  ascending_ = ascending_ && (times_.empty() || times_.back() < run.times.front());
  shape_ = values_.empty() ? run.shape
                           : JoinShapes(shape_, values_.back(), run.shape, run.values.front());
  times_.insert(times_.end(), run.times.begin(), run.times.end());
  values_.insert(values_.end(), run.values.begin(), run.values.end());
  if (run.starts.empty() && starts_.empty()) return;
  starts_.resize(times_.size() - run.times.size());
  starts_.insert(starts_.end(), run.starts.begin(), run.starts.end());
  starts_.resize(times_.size());
}

Status MergingReader::PutHistograms(const SegmentRun& run,
                                    std::span<const Tombstone* const> masks) {
  std::vector<Histogram> decoded(run.times.size());
  TOCSIN_RETURN_IF_ERROR(DecodeHistograms(run.bytes, decoded));
  for (size_t i = 0; i < decoded.size(); ++i)
    if (Wanted(run.times[i], masks))
      day_histograms_.push_back({run.times[i],
                                 std::make_shared<const Histogram>(std::move(decoded[i])),
                                 run.starts.empty() ? kNoStart : run.starts[i]});
  return OkStatus();
}

// Where both kinds have a sample at one time the float stays.
void MergingReader::MergeHistograms() {
  SortByTime(&day_histograms_);
  const std::vector<Timestamp> times = std::exchange(times_, {});
  const std::vector<double> values = std::exchange(values_, {});
  const std::vector<Timestamp> starts = std::exchange(starts_, {});
  size_t f = 0;
  const auto put_floats_before = [&](Timestamp t) {
    for (; f < times.size() && times[f] < t; ++f)
      Put(times[f], values[f], starts.empty() ? kNoStart : starts[f]);
    histograms_.resize(times_.size(), nullptr);
  };
  for (const TimedHistogram& sample : day_histograms_) {
    put_floats_before(sample.t);
    if (f < times.size() && times[f] == sample.t) continue;
    Put(sample.t, sample.value->count, sample.start);
    histograms_.push_back(sample.value.get());
  }
  put_floats_before(kMaxTimestamp);
}

void MergingReader::SortFloats() {
  SampleList samples;
  for (size_t i = 0; i < times_.size(); ++i)
    samples.Add(times_[i], values_[i], starts_.empty() ? kNoStart : starts_[i]);
  samples.Sort();
  shape_ = ValueShape::kAny;
  times_.clear();
  values_.clear();
  starts_.clear();
  for (size_t i = 0; i < samples.values.size(); ++i)
    Put(samples.values[i].t, samples.values[i].value, samples.start(i));
}

}  // namespace

std::unique_ptr<SampleReader> MakeSampleReader(std::shared_ptr<const ReadContext> context,
                                               SelectedSeries series) {
  return std::make_unique<MergingReader>(std::move(context), std::move(series));
}

}  // namespace tocsin::storage
