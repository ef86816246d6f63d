#include "storage/commit_queue.h"
#include "storage/base/crash_point.h"

#include <algorithm>
#include <utility>

namespace tocsin::storage {
namespace {

bool Before(const SparseSample& a, const SparseSample& b) {
  return a.series != b.series ? a.series < b.series : a.t < b.t;
}

}  // namespace

void CommitQueue::Push(CommitBatch batch) {
  std::unique_lock lock(mutex_);
  if (closed_) {
    lock.unlock();
    const CommitResult refused{Error(ErrorCode::kUnavailable, "the database is closing"), {}, {}};
    if (batch.done) batch.done(refused);
    return;
  }
  waiting_.push_back(std::move(batch));
  if (scheduled_) return;
  scheduled_ = true;
  lock.unlock();
  deps_.commit.Post(deps_.gate.Wrap([this] { Drain(); }));
}

void CommitQueue::Drain() {
  for (;;) {
    std::vector<CommitBatch> batches;
    {
      std::lock_guard lock(mutex_);
      batches.swap(waiting_);
      if (batches.empty()) {
        scheduled_ = false;
        return;
      }
    }
    CommitAll(std::move(batches));
  }
}

void CommitQueue::CommitAll(std::vector<CommitBatch> batches) {
  std::vector<CommitResult> results(batches.size());
  {
    std::lock_guard lock(commit_mutex_);
    const Status logged = LogAll(batches);
    CrashPoint("commit.logged");
    const MonotonicTime now = deps_.clock.Monotonic();
    const uint64_t* seqs = seqs_.data();
    // A full disk: what comes is refused, so that a sender keeps it, and yet kept in memory as long
    // as there is room, so that what was scraped answers and alerts go on. It is sealed when space
    // returns; a crash before that loses it.
    const bool kept =
        logged.ok() || (logged.error().code() == ErrorCode::kNoSpace && deps_.head_has_room());
    for (size_t i = 0; i < batches.size(); ++i) {
      if (!logged.ok()) {
        deps_.metrics.failed.Add();
        results[i].status = logged;
        if (kept) deps_.metrics.unlogged.Add(static_cast<double>(batches[i].samples()));
      }
      if (!kept) {
        std::vector<std::string> unsaid;
        for (MetadataRow& row : batches[i].metadata) unsaid.push_back(std::move(row.metric));
        deps_.metadata.Forget(unsaid);
        continue;
      }
      results[i].rows.stale_refs = batches[i].stale_refs;
      Apply(batches[i], seqs, now, &results[i]);
      seqs += batches[i].parts.size();
    }
    if (kept && !seqs_.empty()) deps_.head.SetApplied(seqs_.back());
  }
  Answer(std::move(batches), std::move(results));
}

Status CommitQueue::LogAll(std::vector<CommitBatch>& batches) {
  deps_.log.BeginBatch();
  RocksBatch write = deps_.store.NewBatch();
  deps_.index.PutUnwritten(write);
  seqs_.clear();
  for (CommitBatch& batch : batches) {
    if (batch.generation != deps_.index.generation()) DropStale(batch);
    for (const CommitBatch::Part& part : batch.parts) {
      if (part.layout != nullptr) {
        seqs_.push_back(deps_.log.PutTimeline(
            write, part.layout, part.t, std::span(batch.values).subspan(part.first, part.count),
            batch.StartsOf(part)));
        continue;
      }
      if (part.histogram) {
        const auto& [series, sample] = batch.histograms[part.first];
        seqs_.push_back(
            deps_.log.PutHistogram(write, series, sample.t, *sample.value, sample.start));
        continue;
      }
      const auto samples = std::span(batch.sparse).subspan(part.first, part.count);
      // Stable: of equal times the first arrival stays the first.
      if (!std::is_sorted(samples.begin(), samples.end(), Before))
        std::stable_sort(samples.begin(), samples.end(), Before);
      seqs_.push_back(deps_.log.PutSparse(write, samples));
    }
    std::erase_if(batch.metadata, [this](const MetadataRow& row) {
      return !deps_.metadata.Set(row.metric, row.metadata);
    });
    for (const MetadataRow& row : batch.metadata)
      MetadataStore::Put(write, row.metric, row.metadata);
    for (const auto& [series, exemplar] : batch.exemplars)
      if (deps_.index.Get(series) != nullptr) deps_.exemplars.Add(write, series, exemplar);
  }
  if (write.empty()) return OkStatus();
  const Status status = deps_.store.Write(write, /*sync=*/false);
  if (!status.ok()) {
    deps_.log.Failed();
    return status;
  }
  deps_.index.Written();
  NoteWrite();
  return OkStatus();
}

void CommitQueue::DropStale(CommitBatch& batch) {
  const auto alive = [this](SeriesRef ref) { return deps_.index.Writable(ref) != nullptr; };
  std::vector<CommitBatch::Part> parts;
  std::vector<SparseSample> sparse;
  for (const CommitBatch::Part& part : batch.parts) {
    if (part.histogram) {
      if (alive(batch.histograms[part.first].series))
        parts.push_back(part);
      else
        ++batch.stale_refs;
      continue;
    }
    if (part.layout != nullptr &&
        std::all_of(part.layout->refs.begin(), part.layout->refs.end(), alive)) {
      parts.push_back(part);
      continue;
    }
    CommitBatch::Part left{nullptr, {}, sparse.size(), 0, false};
    const std::span<const Timestamp> starts = batch.StartsOf(part);
    for (size_t i = 0; i < part.count; ++i) {
      const SparseSample sample =
          part.layout == nullptr
              ? batch.sparse[part.first + i]
              : SparseSample{part.layout->refs[i], part.t, batch.values[part.first + i],
                             starts.empty() ? kNoStart : starts[i]};
      if (alive(sample.series))
        sparse.push_back(sample);
      else
        ++batch.stale_refs;
    }
    left.count = sparse.size() - left.first;
    if (left.count > 0) parts.push_back(left);
  }
  batch.parts = std::move(parts);
  batch.sparse = std::move(sparse);
}

void CommitQueue::Apply(const CommitBatch& batch, const uint64_t* seqs, MonotonicTime now,
                        CommitResult* result) {
  const auto pool = deps_.head.LockPool();
  for (const CommitBatch::Part& part : batch.parts) {
    const uint64_t seq = *seqs++;
    if (part.histogram) {
      const auto& [series, sample] = batch.histograms[part.first];
      deps_.head.AppendHistogram(series, sample, seq, now, &result->histograms);
      continue;
    }
    if (part.layout == nullptr) {
      deps_.head.AppendSparse(std::span(batch.sparse).subspan(part.first, part.count), seq, now,
                              &result->rows);
      continue;
    }
    const std::span<const uint8_t> slots = part.layout->slots;
    const auto values = std::span(batch.values).subspan(part.first, part.count);
    const std::span<const Timestamp> starts = batch.StartsOf(part);
    for (const RowLayout::Run& run : part.layout->runs) {
      const size_t n = run.end - run.begin;
      deps_.head.Append(
          *run.group, slots.subspan(run.begin, n), part.t, values.subspan(run.begin, n),
          starts.empty() ? starts : starts.subspan(run.begin, n), seq, now, &result->rows);
    }
    deps_.head.RaiseMaxTime(part.t);
  }
  const uint32_t duplicates = result->rows.duplicates + result->histograms.duplicates;
  if (duplicates > 0) deps_.metrics.duplicates.Add(duplicates);
}

void CommitQueue::Answer(std::vector<CommitBatch> batches, std::vector<CommitResult> results) {
  if (!always_sync_) {
    for (size_t i = 0; i < batches.size(); ++i)
      if (batches[i].done) batches[i].done(results[i]);
    return;
  }
  std::unique_lock lock(mutex_);
  const bool scheduled = !unsynced_.empty();
  for (size_t i = 0; i < batches.size(); ++i)
    unsynced_.push_back({std::move(batches[i].done), std::move(results[i])});
  lock.unlock();
  if (!scheduled) deps_.sync.Post(deps_.gate.Wrap([this] { SyncAndAnswer(); }));
}

void CommitQueue::SyncAndAnswer() {
  std::vector<Answered> answers;
  {
    std::lock_guard lock(mutex_);
    answers.swap(unsynced_);
  }
  if (answers.empty()) return;
  const Status synced = Sync();
  for (Answered& answer : answers) {
    if (answer.result.status.ok() && !synced.ok()) answer.result.status = synced;
    if (answer.done) answer.done(answer.result);
  }
}

Status CommitQueue::WriteSeries() {
  return RunAlone([this]() -> Status {
    RocksBatch write = deps_.store.NewBatch();
    deps_.index.PutUnwritten(write);
    if (write.empty()) return OkStatus();
    TOCSIN_RETURN_IF_ERROR(deps_.store.Write(write, /*sync=*/false));
    deps_.index.Written();
    NoteWrite();
    return OkStatus();
  });
}

Status CommitQueue::RunAlone(const std::function<Status()>& work) {
  std::lock_guard lock(commit_mutex_);
  return work();
}

void CommitQueue::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  Drain();
  {
    // A drain that had already taken batches holds this until they are committed.
    std::lock_guard lock(commit_mutex_);
  }
  SyncAndAnswer();
}

Status CommitQueue::Sync() {
  const uint64_t written = written_.load();
  if (written == synced_.load()) return OkStatus();
  const MonotonicTime begin = deps_.clock.Monotonic();
  TOCSIN_RETURN_IF_ERROR(deps_.store.SyncWal());
  deps_.metrics.sync_seconds.Observe(ToSeconds(deps_.clock.Monotonic() - begin));
  uint64_t synced = synced_.load();
  while (synced < written && !synced_.compare_exchange_weak(synced, written)) {
  }
  return OkStatus();
}

}  // namespace tocsin::storage
