#include "storage/sample_reader.h"

#include <algorithm>
#include <span>
#include <utility>

#include "storage/file_reader.h"
#include "storage/group.h"

namespace tocsin::storage {
namespace {

class MergingReader final : public SampleReader {
 public:
  MergingReader(std::shared_ptr<const ReadContext> context, std::vector<const Series*> series)
      : context_(std::move(context)), series_(std::move(series)), files_(context_->store) {}

  Status Seek(size_t index) override;
  Result<bool> Next(SampleBlock* block) override;

 private:
  bool DaysLeft() const { return !days_.empty() || head_at_ < head_.size(); }
  void LoadDay();
  void ReadFile(const SealedFile& file);
  void Put(Timestamp t, double value) {
    ascending_ = ascending_ && (times_.empty() || times_.back() < t);
    times_.push_back(t);
    values_.push_back(value);
  }
  void SortByTime();

  const std::shared_ptr<const ReadContext> context_;
  const std::vector<const Series*> series_;
  FileReader files_;

  uint64_t id_ = 0;                      // of the series in hand
  std::span<const SealedFilePtr> days_;  // files not read yet, by day
  std::vector<TimedValue> head_;         // ascending
  size_t head_at_ = 0;
  std::vector<Timestamp> times_;  // of the day in hand
  std::vector<double> values_;
  size_t at_ = 0;
  bool ascending_ = true;
};

Status MergingReader::Seek(size_t index) {
  id_ = series_[index]->id;
  days_ = context_->view->OfDays(context_->from, context_->to);
  head_.clear();
  head_at_ = 0;
  times_.clear();
  values_.clear();
  at_ = 0;
  if (const Group* group = context_->head.Find(GroupOf(id_))) {
    std::lock_guard lock(group->mutex());
    group->Read(SlotOf(id_), context_->from, context_->to, context_->view->published, &head_);
  }
  return OkStatus();
}

Result<bool> MergingReader::Next(SampleBlock* block) {
  while (at_ == times_.size()) {
    if (!DaysLeft()) return false;
    if (context_->canceled != nullptr && context_->canceled->load(std::memory_order_relaxed))
      return Error(ErrorCode::kCanceled, "the query was canceled");
    LoadDay();
  }
  const size_t n = std::min(kMaxBlockSamples, times_.size() - at_);
  block->times = std::span(times_).subspan(at_, n);
  block->values = std::span(values_).subspan(at_, n);
  block->histograms = {};
  at_ += n;
  return true;
}

// The next day that a file or the head has.
void MergingReader::LoadDay() {
  times_.clear();
  values_.clear();
  at_ = 0;
  ascending_ = true;
  uint16_t day = kMaxDay;
  if (!days_.empty()) day = std::min(day, days_.front()->id.day);
  if (head_at_ < head_.size()) day = std::min(day, DayOf(head_[head_at_].t));
  for (; !days_.empty() && days_.front()->id.day == day; days_ = days_.subspan(1)) {
    const SealedFile& file = *days_.front();
    if (file.Overlaps(context_->from, context_->to) && file.header.groups.Contains(GroupOf(id_)))
      ReadFile(file);
  }
  for (; head_at_ < head_.size() && DayOf(head_[head_at_].t) == day; ++head_at_)
    Put(head_[head_at_].t, head_[head_at_].value);
  if (!ascending_) SortByTime();
}

void MergingReader::ReadFile(const SealedFile& file) {
  std::vector<const Tombstone*> masks;
  for (const Tombstone& tombstone : context_->view->tombstones)
    if (tombstone.Masks(file, id_)) masks.push_back(&tombstone);
  const auto take = [&](const SegmentRun& run) {
    for (size_t i = 0; i < run.times.size(); ++i) {
      const Timestamp t = run.times[i];
      if (t < context_->from || t > context_->to) continue;
      const bool masked = std::any_of(masks.begin(), masks.end(), [t](const Tombstone* mask) {
        return t >= mask->from && t <= mask->to;
      });
      if (!masked) Put(t, run.values[i]);
    }
  };
  const Status status = files_.Read(file, id_, context_->from, context_->to, take);
  if (status.ok()) return;
  context_->corruptions.Add();
  context_->warnings.Add("samples of one file are missing: " + status.error().message());
}

void MergingReader::SortByTime() {
  std::vector<TimedValue> samples(times_.size());
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = {times_[i], values_[i]};
  std::stable_sort(samples.begin(), samples.end(),
                   [](const TimedValue& a, const TimedValue& b) { return a.t < b.t; });
  times_.clear();
  values_.clear();
  for (const TimedValue& sample : samples) {
    if (!times_.empty() && times_.back() == sample.t) continue;
    times_.push_back(sample.t);
    values_.push_back(sample.value);
  }
}

}  // namespace

std::unique_ptr<SampleReader> MakeSampleReader(std::shared_ptr<const ReadContext> context,
                                               std::vector<const Series*> series) {
  return std::make_unique<MergingReader>(std::move(context), std::move(series));
}

}  // namespace tocsin::storage
