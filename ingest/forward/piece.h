// What one request carries, and how it is cut in two when the endpoint refuses it as a whole.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "storage/tail.h"

namespace tocsin::ingest {

// Series as they go out: external labels and relabelling applied. One series may stand in it more
// than once; its samples are in the order of arrival.
struct Piece {
  std::vector<storage::TailSeries> series;
  size_t samples = 0;  // floats
  size_t histograms = 0;
  bool uncertain = false;  // it may have arrived before

  size_t size() const { return samples + histograms; }
  // Late samples and others.
  bool mixed() const;
  void Add(storage::TailSeries one);
};

// Samples that are not late and those that are; without late ones the older and the newer; of
// samples of one time two halves. Nothing: one sample.
std::optional<std::pair<Piece, Piece>> Split(Piece piece);

// Requests of at most `limit` samples, for `shards` senders side by side: all samples of a series
// go the same way, in order.
std::vector<std::vector<Piece>> Distribute(std::vector<storage::TailSeries> series, size_t shards,
                                           size_t limit);

}  // namespace tocsin::ingest
