// What the crash test does to a database, as a list that follows from a seed alone, and what must
// be there afterwards. The list is the same in the process that is killed and in the one that
// looks.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/coding.h"
#include "storage/model/sample.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage::crash {

// A sample as bytes: "f" and the bits of a float, "h" and the fields of a histogram; then "@" and
// the start timestamp, if it has one.
inline std::string StartBytes(Timestamp start) {
  return start == kNoStart ? std::string() : "@" + std::to_string(start.ms);
}
inline std::string Bytes(double value) {
  std::string out = "f";
  PutFixed(out, BitsOf(value));
  return out;
}
inline std::string Bytes(const Histogram& h) {
  std::string out = "h";
  PutFixed(out, static_cast<uint8_t>(h.integer));
  PutFixed(out, static_cast<uint8_t>(h.reset_hint));
  PutFixed(out, h.schema);
  for (const double v : {h.zero_threshold, h.zero_count, h.count, h.sum}) PutFixed(out, BitsOf(v));
  for (const auto* spans : {&h.positive_spans, &h.negative_spans}) {
    PutVarint(out, spans->size());
    for (const auto& span : *spans) PutFixed(out, span.offset), PutFixed(out, span.length);
  }
  for (const auto* values : {&h.positive_buckets, &h.negative_buckets, &h.custom_values}) {
    PutVarint(out, values->size());
    for (const double v : *values) PutFixed(out, BitsOf(v));
  }
  return out;
}

inline std::string Hex(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

struct Op {
  enum Kind {
    kRow,
    kColumn,
    kHistogram,
    kExemplar,
    kMetadata,
    kState,
    kDelete,
    kCompact,
    kClean,  // of tombstones
    kSnapshot,
    kWait,
    kReopen
  };
  struct Point {
    Labels labels;
    int64_t t = 0;
    double value = 0;
    Timestamp start = kNoStart;
  };
  Kind kind = kWait;
  int64_t now = 0;            // the clock when it happens
  size_t writer = 0;          // whose row it is
  std::vector<Point> points;  // of a row or column
  Histogram histogram;        // at points[0]
  std::string name, text;     // of metadata, of a state key, or the metric that is deleted
  int64_t from = 0, to = 0;   // of a deletion
};

class Model {
 public:
  using Samples = std::map<int64_t, std::string>;

  void Apply(const Op& op) {
    switch (op.kind) {
      case Op::kRow:
      case Op::kColumn:
        for (const Op::Point& p : op.points)
          Put(p.labels, p.t, Bytes(p.value) + StartBytes(p.start));
        break;
      case Op::kExemplar:
        Put(op.points[0].labels, op.points[0].t, Bytes(op.points[0].value));
        words[ExemplarWord(op.points[0].labels, op.points[0].t)] = op.text;
        break;
      case Op::kHistogram:
        Put(op.points[0].labels, op.points[0].t,
            Bytes(op.histogram) + StartBytes(op.points[0].start));
        break;
      case Op::kMetadata:
      case Op::kState:
        words[(op.kind == Op::kState ? "state " : "metadata ") + op.name] = op.text;
        break;
      case Op::kDelete:
        for (auto& [labels, samples] : series)
          if (labels.find("__name__=\"" + op.name + "\"") != std::string::npos ||
              labels.starts_with(op.name + "{"))
            samples.erase(samples.lower_bound(op.from), samples.upper_bound(op.to));
        break;
      default:
        break;
    }
  }

  static std::string ExemplarWord(const Labels& labels, int64_t t) {
    return "exemplar " + labels.ToString() + " " + std::to_string(t);
  }

  // Empty, or what is wrong with what was read. Samples older than `keep` before the newest may be
  // gone (0: none may).
  std::string Compare(const Model& read, int64_t keep) const {
    const int64_t required = keep == 0 ? INT64_MIN : newest - keep;
    for (const auto& [labels, samples] : read.series) {
      const auto known = series.find(labels);
      for (const auto& [t, bytes] : samples) {
        if (known == series.end() || !known->second.contains(t))
          return labels + " at " + std::to_string(t) + " is there and must not be";
        if (known->second.at(t) != bytes)
          return labels + " at " + std::to_string(t) + " is " + Hex(bytes) + ", not " +
                 Hex(known->second.at(t));
      }
    }
    for (const auto& [labels, samples] : series) {
      const auto there = read.series.find(labels);
      for (auto it = samples.lower_bound(required); it != samples.end(); ++it)
        if (there == read.series.end() || !there->second.contains(it->first))
          return labels + " at " + std::to_string(it->first) + " is lost";
    }
    // An exemplar goes with the last sample of its series.
    const auto counts = [&](const auto& word) {
      return keep == 0 || !word.first.starts_with("exemplar");
    };
    for (const auto& word : read.words)
      if (!words.contains(word.first) ? true : counts(word) && words.at(word.first) != word.second)
        return word.first + " differs";
    for (const auto& word : words)
      if (counts(word) && !read.words.contains(word.first)) return word.first + " is lost";
    return {};
  }

  void Put(const Labels& labels, int64_t t, std::string bytes) {
    newest = std::max(newest, t);
    series[labels.ToString()].try_emplace(t, std::move(bytes));  // of two the first one counts
  }

  std::map<std::string, Samples> series;
  std::map<std::string, std::string> words;
  int64_t newest = 0;
};

// A writer whose series come once and fill groups of their own: they leave memory one day.
inline constexpr size_t kPassing = 4;

class Generator {
 public:
  Generator(uint64_t seed, int64_t begin) : random_(seed), now_(begin), begin_(begin) {}

  std::vector<Op> Make(size_t count) {
    std::vector<Op> ops;
    while (ops.size() < count) ops.push_back(Next());
    return ops;
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }

  double Value() {
    switch (Below(12)) {
      case 0:
        return -0.0;
      case 1:
        return std::bit_cast<double>(uint64_t{0x7ff0000000000002});  // staleness marker
      case 2:
        return std::bit_cast<double>(uint64_t{0x7ff8000000000000} | Below(1000));
      case 3:
        return Below(2) == 0 ? INFINITY : -INFINITY;
      case 4:
        return std::bit_cast<double>(random_());
      case 5:
      case 6:
        return static_cast<double>(Below(100000)) / 100;
      default:
        return static_cast<double>(counter_ += Below(1000));
    }
  }
  Labels Series(size_t writer, uint64_t metric) {
    const std::string name = "m" + std::to_string(metric);
    // Some come and go; some have no job.
    const std::string pod = std::to_string(metric % 4 == 3 ? pod_ : 0);
    if (writer == kPassing)
      return Labels{
          {"__name__", name}, {"instance", "passing" + std::to_string(pod_)}, {"job", "j"}};
    if (writer == 3) return Labels{{"__name__", name}, {"sensor", std::to_string(metric % 5)}};
    return Labels{
        {"__name__", name}, {"instance", "i" + std::to_string(writer)}, {"job", "j"}, {"pod", pod}};
  }
  Timestamp SomeStart() {
    return Below(4) != 0 ? kNoStart : Timestamp{begin_ - static_cast<int64_t>(Below(10)) * 60'000};
  }
  int64_t SomeTime() {
    const int64_t back = Below(3) == 0 ? static_cast<int64_t>(Below(3 * 86'400'000))
                                       : static_cast<int64_t>(Below(600'000));
    return std::max<int64_t>(begin_ - 5'000'000, (now_ - back) / 15'000 * 15'000);
  }

  Op Next() {
    Op op;
    now_ += Below(12) == 0 ? static_cast<int64_t>(Below(14 * 3'600'000)) : 15'000;
    op.now = now_;
    const uint64_t dice = Below(100);
    if (dice < 55) {
      op.kind = Op::kRow;
      op.writer = Below(20) == 0 ? kPassing : Below(4);
      if (Below(20) == 0) ++pod_;
      const int64_t t = now_ / 15'000 * 15'000 + static_cast<int64_t>(op.writer);
      const Timestamp start = SomeStart();
      const uint64_t metrics = op.writer == kPassing ? 80 : 14;
      for (uint64_t metric = 0; metric < metrics; ++metric)
        if (Below(20) != 0) op.points.push_back({Series(op.writer, metric), t, Value(), start});
    } else if (dice < 70) {
      op.kind = Op::kColumn;
      op.writer = Below(4);
      const Labels labels = Series(op.writer, Below(14));
      for (uint64_t n = 1 + Below(60); n > 0; --n)
        op.points.push_back(
            {labels, SomeTime() + static_cast<int64_t>(op.writer), Value(), SomeStart()});
    } else if (dice < 80) {
      op.kind = Op::kHistogram;
      const Labels labels{{"__name__", "h" + std::to_string(Below(3))}, {"job", "j"}};
      op.points.push_back({labels, Below(4) == 0 ? SomeTime() : now_, 0, SomeStart()});
      op.histogram = SomeHistogram();
    } else if (dice < 82) {
      op.kind = Op::kExemplar;
      op.points.push_back({{{"__name__", "ex"}, {"job", "j"}, {"i", std::to_string(Below(3))}},
                           now_,
                           static_cast<double>(Below(1000))});
      op.text = std::to_string(random_());
    } else if (dice < 84) {
      op.kind = Op::kMetadata;
      op.name = "m" + std::to_string(Below(5));
      op.text = "help " + std::to_string(random_());
    } else if (dice < 87) {
      op.kind = Op::kState;
      op.name = std::to_string(Below(5));
      op.text = std::to_string(random_());
    } else if (dice < 90) {
      op.kind = Op::kDelete;
      op.name = (Below(4) == 0 ? "h" : "m") + std::to_string(Below(14));
      op.to = now_ - static_cast<int64_t>(Below(3'600'000));
      op.from = Below(3) == 0 ? 0 : op.to - static_cast<int64_t>(Below(86'400'000));
      if (Below(3) == 0) op.to = now_ + 600'000;
    } else if (dice < 95) {
      op.kind = dice < 93 ? Op::kCompact : dice < 94 ? Op::kClean : Op::kSnapshot;
    } else if (dice < 98) {
      op.kind = Op::kWait;
      now_ += 400'000;
      op.now = now_;
    } else {
      op.kind = Op::kReopen;
    }
    return op;
  }

  Histogram SomeHistogram() {
    Histogram h;
    h.integer = Below(2) == 0;
    h.schema = static_cast<int32_t>(Below(4));
    h.zero_threshold = 1e-128;
    h.zero_count = static_cast<double>(Below(9));
    h.positive_spans = {{static_cast<int32_t>(Below(3)), 2}, {2, 1}};
    for (int i = 0; i < 3; ++i) h.positive_buckets.push_back(static_cast<double>(Below(100)));
    h.count = h.zero_count + h.positive_buckets[0] + h.positive_buckets[1] + h.positive_buckets[2];
    h.sum = static_cast<double>(Below(100000)) / 7;
    if (Below(6) == 0) {
      h.schema = kCustomBucketsSchema;
      h.zero_threshold = h.zero_count = 0;
      h.positive_spans = {{0, 3}};
      h.custom_values = {0.5, 1, 2.5};
      h.count = h.positive_buckets[0] + h.positive_buckets[1] + h.positive_buckets[2];
    }
    return h;
  }

  std::mt19937_64 random_;
  int64_t now_;
  const int64_t begin_;
  uint64_t counter_ = 0;
  uint64_t pod_ = 1;
};

}  // namespace tocsin::storage::crash
