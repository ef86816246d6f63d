// Columns to time the codecs with: one kind each, a host like what node_exporter shows (two thirds
// of its series never change), and recordings. A recording is a text file, one series a line,
// values separated by blanks (bench/storage/record.py makes one); TOCSIN_BENCH_RECORDING names it.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/storage/codec_samples.h"

namespace tocsin::bench {

using Columns = std::vector<std::vector<double>>;

inline constexpr size_t kSeries = 512;

// Cumulative buckets of one histogram, all of which grow together.
inline Columns HistogramBuckets(testing::Engine& rng, size_t n, size_t buckets) {
  Columns out(buckets, std::vector<double>(n));
  std::vector<double> counts(buckets);
  for (size_t i = 0; i < n; ++i) {
    for (size_t observations = rng() % 30; observations > 0; --observations)
      ++counts[rng() % buckets];
    double sum = 0;
    for (size_t b = 0; b < buckets; ++b) out[b][i] = sum += counts[b];
  }
  return out;
}

inline Columns Host(testing::Engine& rng, size_t n) {
  Columns out;
  for (size_t i = 0; i < kSeries; ++i) {
    const size_t kind = i % 64;
    if (kind < 41) {
      out.push_back(testing::Constant(rng, n));
    } else if (kind < 47) {
      out.push_back(testing::Sluggish(rng, n));
    } else if (kind < 52) {
      out.push_back(testing::Counter(rng, n));
    } else if (kind < 54) {
      out.push_back(testing::ByteGauge(rng, n));
    } else if (kind < 63) {
      out.push_back(testing::DecimalGauge(rng, n, 2));
    } else {
      out.push_back(testing::FullPrecision(rng, n));
    }
  }
  return out;
}

inline Columns Recording(size_t n) {
  Columns out;
  const char* path = std::getenv("TOCSIN_BENCH_RECORDING");
  if (path == nullptr) return out;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::vector<double> series;
    for (std::string word; words >> word && series.size() < n;) series.push_back(std::stod(word));
    if (series.size() == n) out.push_back(std::move(series));
  }
  return out;
}

// What a benchmark's argument stands for.
enum Kind : int {
  kConstant,
  kSluggish,
  kCounter,
  kGauge,
  kBytes,
  kBuckets,
  kFull,
  kHost,
  kRecorded
};
inline const char* KindName(int kind) {
  static constexpr const char* kNames[] = {"constant",        "sluggish", "counter",
                                           "2-decimal gauge", "bytes",    "histogram buckets",
                                           "full precision",  "host",     "recorded"};
  return kNames[kind];
}

inline Columns ColumnsOf(int kind, size_t n) {
  testing::Engine rng(7);
  if (kind == kHost) return Host(rng, n);
  if (kind == kRecorded) return Recording(n);
  if (kind == kBuckets) return HistogramBuckets(rng, n, 12);
  Columns out;
  for (int i = 0; i < 64; ++i) {
    switch (kind) {
      case kConstant:
        out.push_back(testing::Constant(rng, n));
        break;
      case kSluggish:
        out.push_back(testing::Sluggish(rng, n));
        break;
      case kCounter:
        out.push_back(testing::Counter(rng, n));
        break;
      case kGauge:
        out.push_back(testing::DecimalGauge(rng, n, 2));
        break;
      case kBytes:
        out.push_back(testing::ByteGauge(rng, n));
        break;
      default:
        out.push_back(testing::FullPrecision(rng, n));
        break;
    }
  }
  return out;
}

}  // namespace tocsin::bench
