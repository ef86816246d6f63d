#include "ingest/sample_batch.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace tocsin::ingest {
namespace {

// Below this a row costs more than its samples save by sharing a timestamp.
constexpr size_t kRowSeries = 8;

}  // namespace

uint32_t SampleBatch::InstantOf(Timestamp t) {
  const auto [it, fresh] = by_time_.try_emplace(t.ms, static_cast<uint32_t>(instants_.size()));
  if (fresh) instants_.push_back({t});
  return it->second;
}

storage::RowResult SampleBatch::Flush(storage::Appender& appender, RowHints& hints) {
  storage::RowResult result;
  if (samples_.empty()) return result;
  const std::vector<uint32_t> order = InOrder();
  Gather(order);
  std::vector<uint32_t> small;
  for (const uint32_t index : order) {
    const Instant& instant = instants_[index];
    if (instant.count < kRowSeries) {
      small.push_back(index);
      continue;
    }
    const std::span refs(refs_.data() + instant.at, instant.count);
    const std::span values(values_.data() + instant.at, instant.count);
    const uint64_t shape = RowHints::Shape(refs);
    storage::RowHint hint = hints.Get(shape);
    const uint64_t before = hint.token;
    result +=
        appender.AppendRow(hint, instant.t, refs, values, StartsFrom(instant.at, instant.count));
    if (hint.token != before) hints.Put(shape, hint);
  }
  AppendColumns(appender, small, &result);
  samples_.clear();
  starts_.clear();
  instants_.clear();
  by_time_.clear();
  return result;
}

std::vector<uint32_t> SampleBatch::InOrder() const {
  std::vector<uint32_t> order(instants_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [this](uint32_t a, uint32_t b) { return instants_[a].t < instants_[b].t; });
  return order;
}

void SampleBatch::Gather(const std::vector<uint32_t>& order) {
  size_t at = 0;
  for (const uint32_t index : order) {
    instants_[index].at = at;
    at += instants_[index].count;
  }
  refs_.resize(samples_.size());
  values_.resize(samples_.size());
  if (!starts_.empty()) starts_.resize(samples_.size(), kNoStart);
  ordered_starts_.resize(starts_.size());
  std::vector<size_t> next(instants_.size());
  for (size_t i = 0; i < instants_.size(); ++i) next[i] = instants_[i].at;
  for (size_t i = 0; i < samples_.size(); ++i) {
    const Sample& sample = samples_[i];
    const size_t to = next[sample.instant]++;
    refs_[to] = sample.ref;
    values_[to] = sample.v;
    if (!starts_.empty()) ordered_starts_[to] = starts_[i];
  }
}

void SampleBatch::AppendColumns(storage::Appender& appender, const std::vector<uint32_t>& instants,
                                storage::RowResult* result) {
  struct Point {
    SeriesRef ref;
    Timestamp t;
    double v;
    Timestamp start;
  };
  std::vector<Point> points;
  for (const uint32_t index : instants) {
    const Instant& instant = instants_[index];
    for (size_t i = instant.at; i < instant.at + instant.count; ++i)
      points.push_back(
          {refs_[i], instant.t, values_[i], starts_.empty() ? kNoStart : ordered_starts_[i]});
  }
  // Stable: of two samples of one series at one time the first must stay the first.
  std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
    return std::tie(a.ref, a.t) < std::tie(b.ref, b.t);
  });
  std::vector<Timestamp> times;
  std::vector<double> values;
  std::vector<Timestamp> starts;
  for (size_t begin = 0; begin < points.size();) {
    times.clear();
    values.clear();
    starts.clear();
    size_t end = begin;
    for (; end < points.size() && points[end].ref == points[begin].ref; ++end) {
      times.push_back(points[end].t);
      values.push_back(points[end].v);
      if (!starts_.empty()) starts.push_back(points[end].start);
    }
    *result += appender.AppendColumn(points[begin].ref, times, values, starts);
    begin = end;
  }
}

}  // namespace tocsin::ingest
