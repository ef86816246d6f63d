// A TailSource over a list of samples in the order of their arrival.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "storage/tail.h"

namespace tocsin::testing {

// Thread-safe. A position is the number of samples in front of it.
class MemoryTailSource final : public storage::TailSource {
 public:
  void Add(const Labels& labels, int64_t t_ms, double v) {
    const std::lock_guard lock(mutex_);
    samples_.push_back({labels, {t_ms}, v});
  }
  void Add(const Labels& labels, int64_t t_ms, const Histogram& h) {
    const std::lock_guard lock(mutex_);
    samples_.push_back({labels, {t_ms}, 0, std::make_shared<const Histogram>(h)});
  }
  // The next reads fail.
  void Fail(int reads) {
    const std::lock_guard lock(mutex_);
    failures_ = reads;
  }
  // The next read reports it.
  void SetGap(storage::TailGap gap) {
    const std::lock_guard lock(mutex_);
    gaps_.push_back(std::move(gap));
  }
  size_t released() const {
    const std::lock_guard lock(mutex_);
    return released_;
  }

  Timestamp TailNewest() const override {
    const std::lock_guard lock(mutex_);
    Timestamp newest = kMinTimestamp;
    for (const Sample& sample : samples_) newest = std::max(newest, sample.t);
    return newest;
  }
  std::string TailEnd() const override {
    const std::lock_guard lock(mutex_);
    return std::to_string(samples_.size());
  }
  std::string TailBegin() const override { return "0"; }
  Result<std::unique_ptr<storage::Tail>> OpenTail(const std::string& position) override {
    if (position.empty() || position.find_first_not_of("0123456789") != std::string::npos)
      return Error(ErrorCode::kCorruption, "a damaged position");
    return std::unique_ptr<storage::Tail>(
        std::make_unique<MemoryTail>(*this, std::stoul(position)));
  }

 private:
  struct Sample {
    Labels labels;
    Timestamp t;
    double v = 0;
    std::shared_ptr<const Histogram> histogram;
  };
  class MemoryTail final : public storage::Tail {
   public:
    MemoryTail(MemoryTailSource& source, size_t at) : source_(source), at_(at) {
      const std::lock_guard lock(source.mutex_);
      for (size_t i = 0; i < at && i < source.samples_.size(); ++i) Newest(source.samples_[i]);
    }
    Result<storage::TailBatch> Read(const storage::TailLimits& limits) override {
      const std::lock_guard lock(source_.mutex_);
      if (source_.failures_ > 0) {
        --source_.failures_;
        return Error(ErrorCode::kIo, "the disk is gone");
      }
      storage::TailBatch batch;
      batch.gaps = std::exchange(source_.gaps_, {});
      std::map<std::pair<Labels, bool>, size_t> known;
      for (; at_ < source_.samples_.size() && batch.samples < limits.samples; ++at_) {
        const Sample& sample = source_.samples_[at_];
        const bool late = !Newest(sample);
        if (late && limits.in_order) {
          ++batch.left_out;
          continue;
        }
        const auto [it, fresh] = known.emplace(std::pair(sample.labels, late), batch.series.size());
        if (fresh) batch.series.emplace_back().labels = sample.labels;
        storage::TailSeries& series = batch.series[it->second];
        series.late = late;
        if (sample.histogram != nullptr) {
          series.histograms.emplace_back(sample.t, sample.histogram);
        } else {
          series.times.push_back(sample.t);
          series.values.push_back(sample.v);
        }
        ++batch.samples;
      }
      batch.position = std::to_string(at_);
      batch.more = at_ < source_.samples_.size();
      return batch;
    }
    void Release(const std::string& position) override {
      const std::lock_guard lock(source_.mutex_);
      source_.released_ = std::stoul(position);
    }

   private:
    bool Newest(const Sample& sample) {
      Timestamp& newest = newest_.try_emplace(sample.labels, kMinTimestamp).first->second;
      if (sample.t <= newest) return false;
      newest = sample.t;
      return true;
    }

    MemoryTailSource& source_;
    size_t at_;
    std::map<Labels, Timestamp> newest_;
  };

  mutable std::mutex mutex_;
  std::vector<Sample> samples_;
  std::vector<storage::TailGap> gaps_;
  int failures_ = 0;
  size_t released_ = 0;
};

}  // namespace tocsin::testing
