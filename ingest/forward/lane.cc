#include "ingest/forward/lane.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "storage/base/log.h"
#include "storage/model/duration.h"

namespace tocsin::ingest {
namespace {

// A round takes some megabytes while it is sent.
constexpr size_t kMaxRound = 16'384;
constexpr Duration kShortestPoll{50};
constexpr Duration kLongestPoll{1'000};

size_t RoundSize(const ForwardConfig& config) {
  const size_t wanted = ShardsOf(config) * config.max_samples_per_send;
  return std::max<size_t>(config.max_samples_per_send, std::min(wanted, kMaxRound));
}

Duration Poll(const ForwardConfig& config) {
  return std::clamp(config.batch_send_deadline / 5, kShortestPoll, kLongestPoll);
}

}  // namespace

std::shared_ptr<ForwardLane> ForwardLane::Create(const ForwardPorts& ports, TaskGate& gate,
                                                 ForwardConfig config, Labels external_labels,
                                                 std::string user_agent) {
  return std::shared_ptr<ForwardLane>(new ForwardLane(
      ports, gate, std::move(config), std::move(external_labels), std::move(user_agent)));
}

ForwardLane::ForwardLane(const ForwardPorts& ports, TaskGate& gate, ForwardConfig config,
                         Labels external_labels, std::string user_agent)
    : ports_(ports),
      gate_(gate),
      config_(std::move(config)),
      external_labels_(std::move(external_labels)),
      metrics_(ports.metrics, config_),
      strand_(ports.workers),
      sender_(
          ForwardSender::Create(ports, gate, config_, metrics_, std::move(user_agent), strand_)),
      cursor_(ports.kv, config_.name) {}

void ForwardLane::Start() { Post(std::mem_fn(&ForwardLane::Open)); }

void ForwardLane::Stop() {
  sender_->Stop();
  std::lock_guard lock(mutex_);
  stopped_ = true;
  timer_.Cancel();
}

TaskGate::Token ForwardLane::EnterUnlessStopped() {
  std::lock_guard lock(mutex_);
  return stopped_ ? nullptr : gate_.Enter();
}

void ForwardLane::Post(std::function<void(ForwardLane&)> step) {
  auto token = EnterUnlessStopped();
  if (token == nullptr) return;
  strand_.Post([self = shared_from_this(), step = std::move(step), token = std::move(token)] {
    // What was posted before Stop and runs after it does nothing.
    if (self->EnterUnlessStopped() != nullptr) step(*self);
  });
}

void ForwardLane::After(Duration delay, void (ForwardLane::*step)()) {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  timer_ = ports_.scheduler.After(delay, [weak = weak_from_this(), step] {
    if (const auto self = weak.lock()) self->Post(std::mem_fn(step));
  });
}

// At the start, and after the tail has failed.
void ForwardLane::Open() {
  round_ = Round();
  if (const Status status = OpenAtCursor(); !status.ok()) {
    // What was not sent is still there: a position is not given up because of a read that failed.
    log::Error("Forwarding cannot open its position; it will try again",
               {{"remote_name", config_.name}, {"err", status.error().message()}});
    return After(config_.max_backoff, &ForwardLane::Open);
  }
  Step();
}

Status ForwardLane::OpenAtCursor() {
  const auto is_bad = [](const Error& error) {
    return error.code() == ErrorCode::kCorruption || error.code() == ErrorCode::kUnsupported;
  };
  auto loaded = cursor_.Load();
  if (!loaded.ok() && !is_bad(loaded.error())) return loaded.error();
  std::optional<Error> bad;
  if (!loaded.ok()) bad = loaded.error();
  if (loaded.ok() && *loaded) {
    auto tail = ports_.source.OpenTail((*loaded)->tail);
    if (tail.ok()) {
      position_ = **std::move(loaded);
      resume_ = position_.in_flight;
      tail_ = *std::move(tail);
      return OkStatus();
    }
    if (!is_bad(tail.error())) return tail.error();
    bad = tail.error();
  }
  // A new endpoint gets what comes from now on. Where the position is lost everything that is kept
  // goes: the centre refuses what it has already.
  ForwardPosition begin{.tail = bad ? ports_.source.TailBegin() : ports_.source.TailEnd()};
  TOCSIN_ASSIGN(tail_, ports_.source.OpenTail(begin.tail));
  if (bad) {
    metrics_.gaps.Add();
    log::Error("Forwarding begins at the oldest sample that is kept: its position cannot be used",
               {{"remote_name", config_.name}, {"err", bad->message()}});
  }
  position_ = std::move(begin);
  resume_ = 0;
  SavePosition();
  return OkStatus();
}

void ForwardLane::Step() {
  QueueMetadata();
  if (!metadata_queue_.empty()) return SendMetadata();
  const auto go = Gather();
  if (!go.ok()) {
    log::Error("Forwarding cannot read the store; it will try again",
               {{"remote_name", config_.name}, {"err", go.error().message()}});
    tail_.reset();
    return After(config_.max_backoff, &ForwardLane::Open);
  }
  if (*go) return SendRound();
  if (more_) return Post(std::mem_fn(&ForwardLane::Step));
  After(Poll(config_), &ForwardLane::Step);
}

Result<bool> ForwardLane::Gather() {
  metrics_.SetNewest(ports_.source.TailNewest());
  const size_t limit = resume_ > 0 ? resume_ : RoundSize(config_);
  const MonotonicTime now = ports_.clock.Monotonic();
  while (round_.read < limit) {
    TOCSIN_ASSIGN(storage::TailBatch batch,
                  tail_->Read({.samples = limit - round_.read, .in_order = position_.in_order}));
    if (round_.position.empty() || round_.position == position_.tail) round_.since = now;
    more_ = batch.more;
    Take(std::move(batch));
    // Work that takes long is done in parts.
    if (!more_ || round_.size == 0) break;
  }
  metrics_.pending.Set(static_cast<double>(round_.size));
  if (round_.position == position_.tail) return false;
  return round_.read >= limit || round_.size >= config_.max_samples_per_send ||
         now - round_.since >= config_.batch_send_deadline;
}

void ForwardLane::Take(storage::TailBatch batch) {
  Report(batch.gaps);
  metrics_.dropped_out_of_order.Add(static_cast<double>(batch.left_out));
  round_.position = std::move(batch.position);
  round_.read += batch.samples;
  for (storage::TailSeries& series : batch.series) {
    if (!Relabel(series)) {
      metrics_.dropped_relabelled.Add(
          static_cast<double>(series.times.size() + series.histograms.size()));
      continue;
    }
    DropUnsupported(series);
    const size_t size = series.times.size() + series.histograms.size();
    if (size == 0) continue;
    round_.size += size;
    round_.series.push_back(std::move(series));
  }
}

bool ForwardLane::Relabel(storage::TailSeries& series) {
  if (external_labels_.empty() && config_.write_relabel_configs.empty()) return true;
  builder_.Reset(series.labels);
  for (const Label& label : external_labels_)
    if (builder_.Get(label.name).empty()) builder_.Set(label.name, label.value);
  if (!tocsin::Relabel(config_.write_relabel_configs, builder_)) return false;
  series.labels = builder_.Build();
  return !series.labels.empty();
}

void ForwardLane::DropUnsupported(storage::TailSeries& series) {
  if (series.histograms.empty()) return;
  if (!config_.send_native_histograms) {
    metrics_.dropped_histograms.Add(static_cast<double>(series.histograms.size()));
    series.histograms.clear();
    return;
  }
  const size_t dropped = std::erase_if(series.histograms, [](const auto& sample) {
    return sample.second->schema == kCustomBucketsSchema;
  });
  metrics_.dropped_custom_buckets.Add(static_cast<double>(dropped));
}

void ForwardLane::Report(const std::vector<storage::TailGap>& gaps) {
  for (const storage::TailGap& gap : gaps) {
    metrics_.gaps.Add();
    log::Error("Samples are gone before they were sent", {{"remote_name", config_.name},
                                                          {"from", FormatRfc3339(gap.from)},
                                                          {"to", FormatRfc3339(gap.to)},
                                                          {"samples", gap.samples},
                                                          {"err", gap.reason}});
  }
}

void ForwardLane::SendRound() {
  const bool uncertain = std::exchange(resume_, 0) > 0;
  position_.in_flight = round_.read;
  if (round_.size > 0) SavePosition();
  const size_t wanted =
      (round_.size + config_.max_samples_per_send - 1) / config_.max_samples_per_send;
  ForwardSender::Round out;
  out.uncertain = uncertain;
  out.shards =
      Distribute(std::exchange(round_.series, {}), std::clamp<size_t>(wanted, 1, ShardsOf(config_)),
                 config_.max_samples_per_send);
  sender_->SendRound(std::move(out), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->OnRoundDone();
  });
}

void ForwardLane::OnRoundDone() {
  position_.tail = std::move(round_.position);
  position_.in_flight = 0;
  position_.in_order |= sender_->refuses_order();
  round_ = Round();
  SavePosition();
  tail_->Release(position_.tail);
  metrics_.pending.Set(0);
  if (sender_->newest_sent() != kMinTimestamp)
    metrics_.highest_sent.Set(sender_->newest_sent().seconds());
  Post(std::mem_fn(&ForwardLane::Step));
}

void ForwardLane::QueueMetadata() {
  if (!config_.send_metadata) return;
  const Timestamp now = ports_.clock.Now();
  if (now - last_metadata_ < config_.metadata_interval && now >= last_metadata_) return;
  last_metadata_ = now;
  metadata_queue_ = ports_.store.MetricMetadata("");
}

void ForwardLane::SendMetadata() {
  const size_t count = std::min<size_t>(config_.metadata_per_send, metadata_queue_.size());
  WriteRequestEncoder encoder;
  for (size_t i = 0; i < count; ++i) {
    encoder.AddMetadata(metadata_queue_.back().first, metadata_queue_.back().second);
    metadata_queue_.pop_back();
  }
  sender_->SendMetadata(encoder.Take(), [weak = weak_from_this(), count](bool delivered) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    // Comes again next time: not worth holding samples up.
    if (!delivered) self->metadata_queue_.clear();
    const Counter& counter = delivered ? self->metrics_.metadata : self->metrics_.metadata_failed;
    counter.Add(static_cast<double>(count));
    self->Step();
  });
}

void ForwardLane::SavePosition() {
  if (auto status = cursor_.Save(position_); !status.ok()) {
    log::Error("Forwarding cannot save its position; samples may be sent twice after a restart",
               {{"remote_name", config_.name}, {"err", status.error().message()}});
  }
}

}  // namespace tocsin::ingest
