#include "query/parallel_stream.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "storage/base/executor.h"

namespace tocsin::query {
namespace {

// Series a batch: neighbours share segments, and a batch should take longer than handing it over.
constexpr size_t kBatchOfRange = 32;
constexpr size_t kBatchOfInstant = 128;
constexpr size_t kMinBatches = 4;

// Shared with tasks that may start when all is over.
struct Work {
  enum class State { kFree, kRunning, kDone };
  // The place of one batch; batches use it in turn, so that rows keep their memory.
  struct Slot {
    State state = State::kFree;
    std::vector<Row> rows;
    size_t row_count = 0;
    Annotations annotations;
    Status status;
  };

  Work(QueryContext& c, size_t n, size_t batch, StreamPart p)
      : context(c), count(n), batch_size(batch), part(std::move(p)) {}

  size_t batches() const { return (count + batch_size - 1) / batch_size; }
  Slot& SlotOf(size_t batch) { return slots[batch % slots.size()]; }

  QueryContext& context;
  const size_t count, batch_size;
  const StreamPart part;

  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by the mutex, but for the contents of a running slot.
  std::vector<Slot> slots;
  size_t next = 0;      // the first batch nobody has begun
  size_t consumed = 0;  // batches before it are free again
  int helpers = 0;      // posted and not ended
  int running = 0;      // helpers inside a batch
  std::atomic<bool> closed{false};
};

void RunBatch(Work& work, size_t batch, Work::Slot* slot) {
  QueryContext context = work.context.With(slot->annotations);
  slot->row_count = 0;
  const size_t begin = batch * work.batch_size;
  auto stream = work.part(context, begin, std::min(work.count, begin + work.batch_size));
  if (!stream.ok()) {
    slot->status = stream.error();
    return;
  }
  // Rows may be long: nobody waits for a batch that is not wanted any more.
  while (!work.closed.load(std::memory_order_relaxed)) {
    if (slot->row_count == slot->rows.size()) slot->rows.emplace_back();
    auto more = (*stream)->Next(&slot->rows[slot->row_count]);
    if (!more.ok()) slot->status = more.error();
    if (!more.ok() || !*more) return;
    ++slot->row_count;
  }
}

// Takes batches while there is room for them.
void Help(const std::shared_ptr<Work>& work) {
  std::unique_lock lock(work->mutex);
  while (!work->closed && work->next < work->batches() &&
         work->next < work->consumed + work->slots.size()) {
    const size_t batch = work->next++;
    Work::Slot& slot = work->SlotOf(batch);
    slot.state = Work::State::kRunning;
    ++work->running;
    lock.unlock();
    RunBatch(*work, batch, &slot);
    lock.lock();
    --work->running;
    slot.state = Work::State::kDone;
    work->changed.notify_all();
  }
  --work->helpers;
}

class ParallelStream final : public RowStream {
 public:
  ParallelStream(std::shared_ptr<Work> work, bool distinct)
      : work_(std::move(work)), distinct_(distinct) {
    PostHelpers();
  }
  ~ParallelStream() override {
    std::unique_lock lock(work_->mutex);
    work_->closed = true;
    work_->changed.wait(lock, [this] { return work_->running == 0; });
  }

  Result<bool> Next(Row* row) override {
    while (slot_ == nullptr || at_ == slot_->row_count) {
      if (slot_ != nullptr) Release();
      if (batch_ == work_->batches()) return false;
      Obtain();
      context().annotations.Join(std::move(slot_->annotations));
      slot_->annotations = Annotations();
      if (!slot_->status.ok()) return slot_->status.error();
    }
    std::swap(*row, slot_->rows[at_++]);
    return true;
  }
  bool distinct_without_name() const override { return distinct_; }

 private:
  QueryContext& context() const { return work_->context; }

  // Waits for the batch, or runs it here.
  void Obtain() {
    std::unique_lock lock(work_->mutex);
    slot_ = &work_->SlotOf(batch_);
    at_ = 0;
    if (work_->next == batch_) {
      ++work_->next;
      slot_->state = Work::State::kRunning;
      lock.unlock();
      RunBatch(*work_, batch_, slot_);
      return;
    }
    work_->changed.wait(lock, [this] { return slot_->state == Work::State::kDone; });
  }
  void Release() {
    {
      std::lock_guard lock(work_->mutex);
      slot_->state = Work::State::kFree;
      ++work_->consumed;
    }
    slot_ = nullptr;
    ++batch_;
    PostHelpers();
  }
  void PostHelpers() {
    int post = 0;
    {
      std::lock_guard lock(work_->mutex);
      const size_t last = std::min(work_->batches(), work_->consumed + work_->slots.size());
      // The caller takes one itself.
      const size_t useful = last > work_->next + 1 ? last - work_->next - 1 : 0;
      post = std::min(static_cast<int>(useful), context().max_helpers - work_->helpers);
      work_->helpers += std::max(post, 0);
    }
    for (; post > 0; --post) context().helpers->Post([work = work_] { Help(work); });
  }

  const std::shared_ptr<Work> work_;
  const bool distinct_;
  size_t batch_ = 0;  // in hand
  Work::Slot* slot_ = nullptr;
  size_t at_ = 0;
};

}  // namespace

Result<RowStreamPtr> MakeParallel(QueryContext& context, size_t count, size_t steps, bool distinct,
                                  StreamPart part) {
  const size_t batch = steps > 1 ? kBatchOfRange : kBatchOfInstant;
  if (context.helpers == nullptr || context.max_helpers < 1 || count < kMinBatches * batch) {
    return part(context, 0, count);
  }
  auto work = std::make_shared<Work>(context, count, batch, std::move(part));
  work->slots.resize(2 * static_cast<size_t>(context.max_helpers) + 2);
  return RowStreamPtr(std::make_unique<ParallelStream>(std::move(work), distinct));
}

}  // namespace tocsin::query
