#include "ingest/forward/piece.h"

#include <algorithm>

namespace tocsin::ingest {
namespace {

using storage::TailSeries;

// Moves samples [begin, end), floats before histograms, to a series of their own.
TailSeries Part(const TailSeries& from, size_t begin, size_t end) {
  TailSeries out;
  out.labels = from.labels;
  out.late = from.late;
  const size_t floats = from.times.size();
  for (size_t i = begin; i < std::min(end, floats); ++i) {
    out.times.push_back(from.times[i]);
    out.values.push_back(from.values[i]);
  }
  for (size_t i = std::max(begin, floats); i < end; ++i)
    out.histograms.push_back(from.histograms[i - floats]);
  return out;
}

size_t SizeOf(const TailSeries& series) { return series.times.size() + series.histograms.size(); }

template <typename F>
void EachTime(const Piece& piece, F&& f) {
  for (const TailSeries& series : piece.series) {
    for (const Timestamp t : series.times) f(t);
    for (const auto& [t, histogram] : series.histograms) f(t);
  }
}

std::pair<Piece, Piece> SplitByTime(const Piece& piece, Timestamp last_of_first) {
  std::pair<Piece, Piece> out;
  for (const TailSeries& series : piece.series) {
    TailSeries older, newer;
    older.labels = newer.labels = series.labels;
    older.late = newer.late = series.late;
    for (size_t i = 0; i < series.times.size(); ++i) {
      TailSeries& to = series.times[i] <= last_of_first ? older : newer;
      to.times.push_back(series.times[i]);
      to.values.push_back(series.values[i]);
    }
    for (const auto& sample : series.histograms)
      (sample.first <= last_of_first ? older : newer).histograms.push_back(sample);
    if (SizeOf(older) > 0) out.first.Add(std::move(older));
    if (SizeOf(newer) > 0) out.second.Add(std::move(newer));
  }
  return out;
}

std::pair<Piece, Piece> SplitByCount(Piece piece) {
  std::pair<Piece, Piece> out;
  const size_t half = piece.size() / 2;
  for (TailSeries& series : piece.series) {
    const size_t room = half - std::min(half, out.first.size());
    const size_t size = SizeOf(series);
    if (size <= room) {
      out.first.Add(std::move(series));
      continue;
    }
    if (room > 0) out.first.Add(Part(series, 0, room));
    out.second.Add(Part(series, room, size));
  }
  return out;
}

std::pair<Piece, Piece> SplitByLate(Piece piece) {
  std::pair<Piece, Piece> out;
  for (TailSeries& series : piece.series)
    (series.late ? out.second : out.first).Add(std::move(series));
  return out;
}

std::pair<Piece, Piece> Halves(Piece piece) {
  if (piece.mixed()) return SplitByLate(std::move(piece));
  Timestamp oldest = kMaxTimestamp, newest = kMinTimestamp;
  EachTime(piece, [&](Timestamp t) {
    oldest = std::min(oldest, t);
    newest = std::max(newest, t);
  });
  if (oldest == newest) return SplitByCount(std::move(piece));
  return SplitByTime(piece, Timestamp{oldest.ms + (newest.ms - oldest.ms) / 2});
}

}  // namespace

bool Piece::mixed() const {
  return std::any_of(series.begin(), series.end(),
                     [&](const TailSeries& one) { return one.late != series.front().late; });
}

void Piece::Add(TailSeries one) {
  samples += one.times.size();
  histograms += one.histograms.size();
  series.push_back(std::move(one));
}

std::optional<std::pair<Piece, Piece>> Split(Piece piece) {
  if (piece.size() < 2) return std::nullopt;
  const bool uncertain = piece.uncertain;
  auto halves = Halves(std::move(piece));
  halves.first.uncertain = halves.second.uncertain = uncertain;
  return halves;
}

std::vector<std::vector<Piece>> Distribute(std::vector<TailSeries> series, size_t shards,
                                           size_t limit) {
  std::vector<std::vector<Piece>> out(shards);
  for (TailSeries& one : series) {
    auto& pieces = out[shards == 1 ? 0 : one.labels.Hash() % shards];
    const size_t size = SizeOf(one);
    for (size_t at = 0; at < size;) {
      if (pieces.empty() || pieces.back().size() >= limit) pieces.emplace_back();
      const size_t count = std::min(size - at, limit - pieces.back().size());
      pieces.back().Add(count == size ? std::move(one) : Part(one, at, at + count));
      at += count;
    }
  }
  std::erase_if(out, [](const auto& pieces) { return pieces.empty(); });
  return out;
}

}  // namespace tocsin::ingest
