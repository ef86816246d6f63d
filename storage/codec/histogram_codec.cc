#include "storage/codec/histogram_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/codec/value_codec.h"
#include "storage/model/sample.h"

namespace tocsin::storage {
namespace {

enum Flag : uint8_t { kFloatCounts = 1, kHintShift = 1, kStaleSample = 8, kAllFlags = 15 };
constexpr size_t kScalarColumns = 3;  // count, zero count, sum

using Values = std::array<double, kMaxColumnEntries>;

Error Malformed(std::string_view part) {
  return {ErrorCode::kCorruption, "malformed histogram column: " + std::string(part)};
}

// Everything that is not a count.
struct Layout {
  int32_t schema = 0;
  double zero_threshold = 0;
  std::vector<Histogram::Span> positive, negative;
  std::vector<double> custom_values;
  size_t positive_buckets = 0, negative_buckets = 0;

  size_t buckets() const { return positive_buckets + negative_buckets; }
};

struct Run {
  size_t count = 0;
  size_t layout = 0;
  uint8_t flags = 0;
};

uint64_t BucketCount(const std::vector<Histogram::Span>& spans) {
  uint64_t n = 0;
  for (const auto& span : spans) n += span.length;
  return n;
}

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool Fits(const Layout& layout, const Histogram& h) {
  return layout.schema == h.schema && SameBits(layout.zero_threshold, h.zero_threshold) &&
         layout.positive == h.positive_spans && layout.negative == h.negative_spans &&
         std::equal(layout.custom_values.begin(), layout.custom_values.end(),
                    h.custom_values.begin(), h.custom_values.end(), SameBits);
}

Layout LayoutOf(const Histogram& h) {
  return {h.schema,        h.zero_threshold,          h.positive_spans,         h.negative_spans,
          h.custom_values, h.positive_buckets.size(), h.negative_buckets.size()};
}

uint8_t FlagsOf(const Histogram& h) {
  return static_cast<uint8_t>((h.integer ? 0 : kFloatCounts) |
                              static_cast<unsigned>(h.reset_hint) << kHintShift |
                              (IsStale(h.sum) ? kStaleSample : 0));
}

// ---- Encoding.

struct Tables {
  std::vector<Layout> layouts;
  std::vector<Run> runs;
};

Tables TablesOf(std::span<const Histogram* const> histograms) {
  Tables t;
  for (const Histogram* h : histograms) {
    const uint8_t flags = FlagsOf(*h);
    size_t layout = 0;
    if (!t.runs.empty()) layout = t.runs.back().layout;
    // A marker has no buckets to lay out; the first sample makes a layout whatever it is.
    const bool any_layout = (flags & kStaleSample) != 0 && !t.layouts.empty();
    if (!any_layout && (t.layouts.empty() || !Fits(t.layouts[layout], *h))) {
      const auto found = std::find_if(t.layouts.begin(), t.layouts.end(),
                                      [h](const Layout& l) { return Fits(l, *h); });
      layout = static_cast<size_t>(found - t.layouts.begin());
      if (found == t.layouts.end()) t.layouts.push_back(LayoutOf(*h));
    }
    if (!t.runs.empty() && t.runs.back().layout == layout && t.runs.back().flags == flags) {
      ++t.runs.back().count;
    } else {
      t.runs.push_back({1, layout, flags});
    }
  }
  return t;
}

void PutSpans(const std::vector<Histogram::Span>& spans, std::string& out) {
  PutVarint(out, spans.size());
  for (const auto& span : spans) {
    PutZigZag(out, span.offset);
    PutVarint(out, span.length);
  }
}

void PutTables(const Tables& tables, std::string& out) {
  PutVarint(out, tables.layouts.size());
  for (const Layout& layout : tables.layouts) {
    PutZigZag(out, layout.schema);
    PutFixed(out, layout.zero_threshold);
    PutSpans(layout.positive, out);
    PutSpans(layout.negative, out);
    PutVarint(out, layout.custom_values.size());
    for (const double bound : layout.custom_values) PutFixed(out, bound);
  }
  PutVarint(out, tables.runs.size());
  for (const Run& run : tables.runs) {
    PutVarint(out, run.count);
    PutVarint(out, run.layout);
    out.push_back(static_cast<char>(run.flags));
  }
}

double BucketValue(const std::vector<double>& buckets, size_t i, bool integer) {
  return integer && i > 0 ? buckets[i] - buckets[i - 1] : buckets[i];
}

// What column `column` says of the sample; false when it has nothing to say.
bool ColumnValue(const Histogram& h, size_t column, double* value) {
  if (IsStale(h.sum)) return false;
  const size_t positive = h.positive_buckets.size();
  if (column == 0) {
    *value = h.count;
  } else if (column == 1) {
    *value = h.zero_count;
  } else if (column == 2) {
    *value = h.sum;
  } else if (const size_t bucket = column - kScalarColumns; bucket < positive) {
    *value = BucketValue(h.positive_buckets, bucket, h.integer);
  } else if (bucket - positive < h.negative_buckets.size()) {
    *value = BucketValue(h.negative_buckets, bucket - positive, h.integer);
  } else {
    return false;
  }
  return true;
}

// ---- Decoding.

bool ReadSpans(ByteReader& in, std::vector<Histogram::Span>* out, size_t* buckets) {
  const uint64_t count = in.Varint();
  if (!in.ok() || count > in.remaining() / 2) return false;
  out->reserve(count);
  uint64_t total = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t offset = in.ZigZagVarint();
    const uint64_t length = in.Varint();
    if (!in.ok() || offset < INT32_MIN || offset > INT32_MAX) return false;
    if (length > kMaxHistogramBuckets - total) return false;
    total += length;
    out->push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
  *buckets = total;
  return true;
}

bool ReadLayout(ByteReader& in, Layout* layout) {
  const int64_t schema = in.ZigZagVarint();
  layout->zero_threshold = in.Fixed<double>();
  if (!in.ok() || schema < INT32_MIN || schema > INT32_MAX) return false;
  layout->schema = static_cast<int32_t>(schema);
  if (!ReadSpans(in, &layout->positive, &layout->positive_buckets)) return false;
  if (!ReadSpans(in, &layout->negative, &layout->negative_buckets)) return false;
  const uint64_t bounds = in.Varint();
  if (!in.ok() || bounds > in.remaining() / sizeof(double)) return false;
  for (uint64_t i = 0; i < bounds; ++i) layout->custom_values.push_back(in.Fixed<double>());
  return layout->buckets() <= kMaxHistogramBuckets;
}

Status ReadTables(ByteReader& in, size_t samples, Tables* tables) {
  const uint64_t layouts = in.Varint();
  if (!in.ok() || layouts == 0 || layouts > samples) return Malformed("layout count");
  tables->layouts.resize(layouts);
  for (Layout& layout : tables->layouts) {
    if (!ReadLayout(in, &layout)) return Malformed("layout");
  }
  const uint64_t runs = in.Varint();
  if (!in.ok() || runs == 0 || runs > samples) return Malformed("run count");
  uint64_t left = samples;
  for (uint64_t i = 0; i < runs; ++i) {
    Run run;
    run.count = in.Varint();
    run.layout = in.Varint();
    run.flags = in.Fixed<uint8_t>();
    if (!in.ok() || run.count == 0 || run.count > left || run.layout >= layouts ||
        run.flags > kAllFlags) {
      return Malformed("run");
    }
    left -= run.count;
    tables->runs.push_back(run);
  }
  return left == 0 ? OkStatus() : Malformed("runs");
}

void Shape(const Layout& layout, uint8_t flags, Histogram* h) {
  if ((flags & kStaleSample) != 0) {
    *h = Histogram();
    h->sum = StaleMarker();
  } else {
    h->schema = layout.schema;
    h->zero_threshold = layout.zero_threshold;
    h->positive_spans = layout.positive;
    h->negative_spans = layout.negative;
    h->custom_values = layout.custom_values;
    h->positive_buckets.resize(layout.positive_buckets);
    h->negative_buckets.resize(layout.negative_buckets);
  }
  h->integer = (flags & kFloatCounts) == 0;
  h->reset_hint = static_cast<CounterResetHint>(flags >> kHintShift & 3);
}

void SetBucket(std::vector<double>& buckets, size_t i, bool integer, double value) {
  buckets[i] = integer && i > 0 ? buckets[i - 1] + value : value;
}

void SetColumnValue(Histogram* h, size_t column, double value) {
  const size_t positive = h->positive_buckets.size();
  if (column == 0) {
    h->count = value;
  } else if (column == 1) {
    h->zero_count = value;
  } else if (column == 2) {
    h->sum = value;
  } else if (const size_t bucket = column - kScalarColumns; bucket < positive) {
    SetBucket(h->positive_buckets, bucket, h->integer, value);
  } else if (bucket - positive < h->negative_buckets.size()) {
    SetBucket(h->negative_buckets, bucket - positive, h->integer, value);
  }
}

size_t ColumnCount(const std::vector<Layout>& layouts) {
  size_t widest = 0;
  for (const Layout& layout : layouts) widest = std::max(widest, layout.buckets());
  return kScalarColumns + widest;
}

}  // namespace

bool IsEncodable(const Histogram& h) {
  return h.positive_buckets.size() + h.negative_buckets.size() <= kMaxHistogramBuckets &&
         BucketCount(h.positive_spans) == h.positive_buckets.size() &&
         BucketCount(h.negative_spans) == h.negative_buckets.size();
}

void EncodeHistograms(std::span<const Histogram* const> histograms, std::string& out) {
  const size_t n = histograms.size();
  TOCSIN_CHECK(n >= 1 && n <= kMaxColumnEntries, "column size");
  for (const Histogram* h : histograms) TOCSIN_CHECK(IsEncodable(*h), "spans fit the buckets");
  const Tables tables = TablesOf(histograms);
  out.push_back(static_cast<char>(kHistogramColumnMode));
  PutTables(tables, out);
  Values values;
  std::string column;
  for (size_t c = 0, columns = ColumnCount(tables.layouts); c < columns; ++c) {
    double last = 0;
    for (size_t i = 0; i < n; ++i) {
      ColumnValue(*histograms[i], c, &last);
      values[i] = last;
    }
    column.clear();
    EncodeValues({values.data(), n}, column);
    PutString(out, column);
  }
}

Status DecodeHistograms(std::string_view column, std::span<Histogram> out) {
  const size_t n = out.size();
  TOCSIN_CHECK(n >= 1 && n <= kMaxColumnEntries, "column size");
  ByteReader in(column);
  if (in.Fixed<uint8_t>() != kHistogramColumnMode || !in.ok()) return Malformed("mode");
  Tables tables;
  TOCSIN_RETURN_IF_ERROR(ReadTables(in, n, &tables));
  const size_t columns = ColumnCount(tables.layouts);
  if (columns > in.remaining() / 3) return Malformed("column count");  // 3: the shortest column
  Presence counted;  // samples that are no staleness markers
  size_t at = 0;
  for (const Run& run : tables.runs) {
    if ((run.flags & kStaleSample) == 0) counted.SetRange(at, run.count);
    for (size_t i = 0; i < run.count; ++i) Shape(tables.layouts[run.layout], run.flags, &out[at++]);
  }
  Values values;
  for (size_t c = 0; c < columns; ++c) {
    const std::string_view bytes = in.String();
    if (!in.ok()) return Malformed("length");
    TOCSIN_RETURN_IF_ERROR(DecodeValues(bytes, {values.data(), n}, in.remaining()));
    for (size_t i = 0; i < n; ++i) {
      if (counted.Test(i)) SetColumnValue(&out[i], c, values[i]);
    }
  }
  return in.done() ? OkStatus() : Malformed("length");
}

}  // namespace tocsin::storage
