#include "storage/tail_reader.h"

#include <algorithm>
#include <utility>

namespace tocsin::storage {

// The directory first: what its files hold has a number below the log's next one then.
TailPosition EndOfLog(const TailDeps& deps) {
  TailPosition position;
  position.files_done = deps.directories.View()->published;
  position.row = deps.log.next_seq();
  return position;
}

TailReader::TailReader(const TailDeps& deps, TailPosition position)
    : deps_(deps),
      position_(std::move(position)),
      hold_(deps.readers, position_.row),
      collector_(deps.index),
      log_(deps.store, deps.log, deps.readers),
      files_(deps.store, deps.index, deps.corruptions) {}

Result<TailBatch> TailReader::Read(const TailLimits& limits) {
  TailBatch batch;
  collector_.Begin(limits, &batch);
  if (std::exchange(fresh_, false) && position_.files_due == 0)
    log_.SkipFilesDone(*deps_.directories.View(), position_);
  if (log_.FellBehind(position_)) TurnToFiles(&batch);
  if (position_.files_due != 0) {
    const DirectoryPtr view = deps_.directories.View();
    files_.Read(*view, &position_, collector_);
    if (position_.files_due == 0) log_.SkipFilesDone(*view, position_);
  }
  if (position_.files_due == 0) {
    NoteFilesDone();
    TOCSIN_RETURN_IF_ERROR(log_.Read(&position_, collector_));
    NoteFilesDone();
  }
  position_.newest = std::max(position_.newest, collector_.newest());
  batch.position = position_.Encode();
  return batch;
}

void TailReader::TurnToFiles(TailBatch* batch) {
  log_.MoveToOldest(&position_);
  // After it is known which rows are there: what is gone is in files of this version, or was.
  const DirectoryPtr view = deps_.directories.View();
  position_.files_due = std::max(position_.files_due, view->published);
  checkpoint_.reset();
  if (position_.newest != kMinTimestamp && position_.newest < view->RawEdge())
    batch->gaps.push_back(
        {position_.newest, view->RawEdge(), 0, "they are older than the retention"});
}

// Files hold only rows that had a number when the directory that names them was published.
void TailReader::NoteFilesDone() {
  if (!checkpoint_) {
    const uint64_t published = deps_.directories.View()->published;
    if (published <= position_.files_done) return;
    checkpoint_ = Checkpoint{published, deps_.log.next_seq()};
  }
  if (position_.row < checkpoint_->row) return;
  position_.files_done = std::max(position_.files_done, checkpoint_->published);
  checkpoint_.reset();
}

void TailReader::Release(const std::string& position) {
  if (const auto decoded = TailPosition::Decode(position); decoded.ok()) hold_.Move(decoded->row);
}

}  // namespace tocsin::storage
