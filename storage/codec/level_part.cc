#include "storage/codec/level_part.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "storage/base/check.h"
#include "storage/codec/presence.h"
#include "storage/codec/value_codec.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kChecksumBytes = sizeof(uint32_t);
constexpr uint8_t kHasSum = 1;
constexpr uint8_t kHasResets = 2;
// Times from kMinStorable to kMaxStorable, and what decoders may add to them without overflow.
constexpr int64_t kMaxMs = int64_t{1} << 48;
constexpr int64_t kMaxResolution = 24LL * 3600 * 1000;
constexpr uint64_t kMaxShapes = kSegmentSlots;

Error Malformed(std::string_view part) {
  return {ErrorCode::kCorruption, "malformed level part: " + std::string(part)};
}

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

double Lesser(double a, double b) {
  if (std::isnan(a)) return b;
  return b < a ? b : a;
}
double Greater(double a, double b) {
  if (std::isnan(a)) return b;
  return b > a ? b : a;
}

// What a derived column has where nothing else is said.
double LastRule(const LevelCell& c) { return c.first; }
double MinRule(const LevelCell& c) { return Lesser(c.first, c.last); }
double MaxRule(const LevelCell& c) { return Greater(c.first, c.last); }
double SumRule(const LevelCell& c) { return c.count * c.first; }
double ZeroRule(const LevelCell&) { return 0; }

void PutColumn(std::string& out, std::span<const double> values) {
  std::string bytes;
  EncodeValues(values, bytes);
  PutString(out, bytes);
}

template <typename Rule, typename Get>
void PutDerived(std::string& out, std::span<const LevelCell> cells, Rule rule, Get get) {
  std::vector<double> values;
  std::string exceptions;
  size_t n = 0, before = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    values.push_back(get(cells[i]));
    if (SameBits(values.back(), rule(cells[i]))) continue;
    PutVarint(exceptions, i - before);
    PutFixed(exceptions, std::bit_cast<uint64_t>(values.back()));
    before = i;
    ++n;
  }
  if (n == 0) {
    PutVarint(out, 0);
    return;
  }
  std::string column;
  PutColumn(column, values);
  if (column.size() <= exceptions.size()) {
    PutVarint(out, 1);
    out += column;
  } else {
    PutVarint(out, n + 1);
    out += exceptions;
  }
}

}  // namespace

void LevelPartBuilder::Reset(Duration resolution, Timestamp first_end, size_t windows) {
  TOCSIN_CHECK(windows <= kMaxColumnEntries && first_end.ms % resolution.count() == 0,
               "windows of a level part");
  resolution_ = resolution;
  first_ = first_end.ms / resolution.count();
  windows_ = windows;
  float_slots_ = histogram_slots_ = 0;
  shapes_.clear();
  table_.clear();
}

size_t LevelPartBuilder::ShapeOf(std::span<const LevelCell> cells) {
  std::string shape;
  std::string runs;
  uint64_t run_count = 0;
  int64_t next = first_;
  for (size_t i = 0; i < cells.size();) {
    const int64_t begin = cells[i].end.ms / resolution_.count();
    int64_t end = begin;
    for (; i < cells.size() && cells[i].end.ms / resolution_.count() == end; ++i) ++end;
    TOCSIN_CHECK(begin >= next && end <= first_ + static_cast<int64_t>(windows_),
                 "cells lie in the windows");
    PutVarint(runs, static_cast<uint64_t>(begin - next));
    PutVarint(runs, static_cast<uint64_t>(end - begin));
    ++run_count;
    next = end;
  }
  PutVarint(shape, run_count);
  shape += runs;
  const auto column = [&](auto get) {
    scratch_.clear();
    for (const LevelCell& cell : cells) scratch_.push_back(static_cast<double>(get(cell)));
    PutColumn(shape, scratch_);
  };
  column([](const LevelCell& c) { return c.count; });
  column([](const LevelCell& c) { return c.count == 0 ? 0 : c.end.ms - c.first_time.ms; });
  column([](const LevelCell& c) { return c.count == 0 ? 0 : c.end.ms - c.last_time.ms; });
  const auto known = std::find(shapes_.begin(), shapes_.end(), shape);
  if (known != shapes_.end()) return static_cast<size_t>(known - shapes_.begin());
  shapes_.push_back(std::move(shape));
  return shapes_.size() - 1;
}

void LevelPartBuilder::AddFloats(unsigned slot, std::span<const LevelCell> cells) {
  if (cells.empty()) return;
  TOCSIN_CHECK(slot < kSegmentSlots && (float_slots_ >> slot) == 0 && histogram_slots_ == 0,
               "ascending slots");
  float_slots_ |= uint64_t{1} << slot;
  PutVarint(table_, ShapeOf(cells));
  const bool has_sum = cells.front().has_sum;
  const bool has_resets = cells.front().has_resets;
  table_.push_back(static_cast<char>((has_sum ? kHasSum : 0) | (has_resets ? kHasResets : 0)));
  scratch_.clear();
  for (const LevelCell& cell : cells) scratch_.push_back(cell.first);
  PutColumn(table_, scratch_);
  PutDerived(table_, cells, LastRule, [](const LevelCell& c) { return c.last; });
  PutDerived(table_, cells, MinRule, [](const LevelCell& c) { return c.min; });
  PutDerived(table_, cells, MaxRule, [](const LevelCell& c) { return c.max; });
  if (has_sum) PutDerived(table_, cells, SumRule, [](const LevelCell& c) { return c.sum; });
  if (has_resets) {
    PutDerived(table_, cells, ZeroRule,
               [](const LevelCell& c) { return static_cast<double>(c.resets); });
    PutDerived(table_, cells, ZeroRule, [](const LevelCell& c) { return c.dropped; });
  }
  PutDerived(table_, cells, ZeroRule, [](const LevelCell& c) { return c.ended ? 1.0 : 0.0; });
}

void LevelPartBuilder::AddWeights(unsigned slot, std::span<const uint32_t> weights) {
  if (weights.empty()) return;
  TOCSIN_CHECK(slot < kSegmentSlots && (histogram_slots_ >> slot) == 0, "ascending slots");
  histogram_slots_ |= uint64_t{1} << slot;
  PutVarint(table_, weights.size());
  for (size_t at = 0; at < weights.size(); at += kMaxColumnEntries) {
    const auto some = weights.subspan(at, std::min(kMaxColumnEntries, weights.size() - at));
    scratch_.assign(some.begin(), some.end());
    PutColumn(table_, scratch_);
  }
}

void LevelPartBuilder::Finish(std::string& out) const {
  TOCSIN_CHECK(!empty(), "a level part has cells");
  const size_t begin = out.size();
  out.push_back(static_cast<char>(kVersion));
  PutVarint(out, static_cast<uint64_t>(resolution_.count()));
  PutZigZag(out, first_);
  PutVarint(out, windows_);
  PutFixed(out, float_slots_);
  PutFixed(out, histogram_slots_);
  PutVarint(out, shapes_.size());
  for (const std::string& shape : shapes_) out += shape;
  out += table_;
  PutFixed(out, Checksum32(std::string_view(out).substr(begin)));
}

Status LevelPartReader::Open(std::string_view blob) {
  float_slots_ = histogram_slots_ = 0;
  shapes_.clear();
  slots_.clear();
  weights_.clear();
  blob_ = blob;
  if (blob.size() < kChecksumBytes) return Malformed("too short");
  const std::string_view body = blob.substr(0, blob.size() - kChecksumBytes);
  ByteReader tail(blob.substr(body.size()));
  if (tail.Fixed<uint32_t>() != Checksum32(body)) return Malformed("wrong checksum");
  ByteReader in(body);
  const auto version = in.Fixed<uint8_t>();
  if (in.ok() && version != kVersion)
    return Error(ErrorCode::kUnsupported, "level part of version " + std::to_string(version));
  const uint64_t resolution = in.Varint();
  first_ = in.ZigZagVarint();
  const uint64_t windows = in.Varint();
  const auto floats = in.Fixed<uint64_t>();
  const auto histograms = in.Fixed<uint64_t>();
  const uint64_t shapes = in.Varint();
  if (!in.ok() || resolution == 0 || resolution > static_cast<uint64_t>(kMaxResolution) ||
      windows == 0 || windows > kMaxColumnEntries || shapes > kMaxShapes)
    return Malformed("header");
  resolution_ = Duration{static_cast<int64_t>(resolution)};
  if (first_ < 0 || first_ > kMaxMs / resolution_.count()) return Malformed("windows");
  windows_ = windows;
  for (uint64_t i = 0; i < shapes; ++i) TOCSIN_RETURN_IF_ERROR(ReadShape(in));
  for (unsigned s = 0; s < kSegmentSlots; ++s) {
    if (((floats >> s) & 1) == 0) continue;
    slots_.emplace_back();
    TOCSIN_RETURN_IF_ERROR(ReadSlot(in, &slots_.back()));
  }
  for (unsigned s = 0; s < kSegmentSlots; ++s) {
    if (((histograms >> s) & 1) == 0) continue;
    Weights weights;
    weights.count = in.Varint();
    // A column takes two bytes at least.
    if (!in.ok() || weights.count == 0 ||
        (weights.count - 1) / kMaxColumnEntries >= in.remaining() / 2)
      return Malformed("weights");
    const std::string_view before = in.rest();
    for (uint64_t at = 0; at < weights.count; at += kMaxColumnEntries) in.String();
    if (!in.ok()) return Malformed("weights");
    weights.columns = before.substr(0, before.size() - in.remaining());
    weights_.push_back(weights);
  }
  if (!in.done()) return Malformed("length");
  float_slots_ = floats;
  histogram_slots_ = histograms;
  return OkStatus();
}

Status LevelPartReader::ReadShape(ByteReader& in) {
  Shape shape;
  shape.run_count = in.Varint();
  if (!in.ok() || shape.run_count == 0 || shape.run_count > windows_) return Malformed("shape");
  const std::string_view before = in.rest();
  uint64_t at = 0;
  for (uint64_t i = 0; i < shape.run_count; ++i) {
    const uint64_t skip = in.Varint();
    const uint64_t len = in.Varint();
    if (!in.ok() || len == 0 || skip > windows_ - at || len > windows_ - at - skip)
      return Malformed("shape");
    at += skip + len;
    shape.cells += len;
  }
  shape.runs = before.substr(0, before.size() - in.remaining());
  shape.count = in.String();
  shape.first = in.String();
  shape.last = in.String();
  if (!in.ok()) return Malformed("shape");
  shapes_.push_back(shape);
  return OkStatus();
}

bool LevelPartReader::ReadDerived(ByteReader& in, Derived* out) {
  out->tag = in.Varint();
  if (!in.ok()) return false;
  if (out->tag == 0) return true;
  if (out->tag == 1) {
    out->bytes = in.String();
    return in.ok();
  }
  if (out->tag - 1 > in.remaining() / 9) return false;
  const std::string_view before = in.rest();
  for (uint64_t i = 0; i + 1 < out->tag; ++i) {
    in.Varint();
    in.Bytes(sizeof(double));
  }
  out->bytes = before.substr(0, before.size() - in.remaining());
  return in.ok();
}

Status LevelPartReader::ReadSlot(ByteReader& in, Slot* slot) {
  slot->shape = in.Varint();
  slot->flags = in.Fixed<uint8_t>();
  slot->first = in.String();
  if (!in.ok() || slot->shape >= shapes_.size() || slot->flags > (kHasSum | kHasResets))
    return Malformed("slot");
  bool ok =
      ReadDerived(in, &slot->last) && ReadDerived(in, &slot->min) && ReadDerived(in, &slot->max);
  if (slot->flags & kHasSum) ok = ok && ReadDerived(in, &slot->sum);
  if (slot->flags & kHasResets)
    ok = ok && ReadDerived(in, &slot->resets) && ReadDerived(in, &slot->dropped);
  ok = ok && ReadDerived(in, &slot->ended);
  return ok ? OkStatus() : Malformed("slot");
}

Status LevelPartReader::Decode(std::string_view column, size_t n) {
  values_.resize(n);
  return DecodeValues(column, values_);
}

Status LevelPartReader::AppendShape(const Shape& shape, std::vector<LevelCell>* out) {
  const size_t begin = out->size();
  out->resize(begin + shape.cells);
  const std::span<LevelCell> cells = std::span(*out).subspan(begin);
  ByteReader runs(shape.runs);
  size_t at = 0;
  int64_t window = first_;
  for (uint64_t i = 0; i < shape.run_count; ++i) {
    window += static_cast<int64_t>(runs.Varint());
    for (uint64_t len = runs.Varint(); len > 0; --len, ++window)
      cells[at++].end = {window * resolution_.count()};
  }
  TOCSIN_RETURN_IF_ERROR(Decode(shape.count, cells.size()));
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!(values_[i] >= 0 && values_[i] <= 4294967295.0)) return Malformed("count");
    cells[i].count = static_cast<uint32_t>(values_[i]);
  }
  const auto times = [&](std::string_view column, Timestamp LevelCell::*time) -> Status {
    TOCSIN_RETURN_IF_ERROR(Decode(column, cells.size()));
    for (size_t i = 0; i < cells.size(); ++i) {
      if (!(values_[i] >= 0 && values_[i] <= static_cast<double>(resolution_.count())))
        return Malformed("time");
      cells[i].*time = cells[i].end - Duration{static_cast<int64_t>(values_[i])};
    }
    return OkStatus();
  };
  TOCSIN_RETURN_IF_ERROR(times(shape.first, &LevelCell::first_time));
  return times(shape.last, &LevelCell::last_time);
}

template <typename Rule, typename Put>
Status LevelPartReader::Apply(const Derived& derived, std::span<LevelCell> cells, Rule rule,
                              Put put) {
  if (derived.tag == 1) {
    TOCSIN_RETURN_IF_ERROR(Decode(derived.bytes, cells.size()));
    for (size_t i = 0; i < cells.size(); ++i) put(cells[i], values_[i]);
    return OkStatus();
  }
  for (LevelCell& cell : cells) put(cell, rule(cell));
  if (derived.tag == 0) return OkStatus();
  ByteReader in(derived.bytes);
  uint64_t at = 0;
  for (uint64_t i = 0; i + 1 < derived.tag; ++i) {
    const uint64_t step = in.Varint();
    if (step >= cells.size() - at) return Malformed("exception");
    at += step;
    put(cells[at], std::bit_cast<double>(in.Fixed<uint64_t>()));
  }
  return OkStatus();
}

Status LevelPartReader::ReadFloats(unsigned slot, std::vector<LevelCell>* out) {
  TOCSIN_CHECK(HasFloats(slot), "a slot with cells");
  const auto index = std::popcount(float_slots_ & ((uint64_t{1} << slot) - 1));
  const Slot& of = slots_[static_cast<size_t>(index)];
  const size_t begin = out->size();
  TOCSIN_RETURN_IF_ERROR(AppendShape(shapes_[of.shape], out));
  const std::span<LevelCell> cells = std::span(*out).subspan(begin);
  TOCSIN_RETURN_IF_ERROR(Decode(of.first, cells.size()));
  for (size_t i = 0; i < cells.size(); ++i) {
    cells[i].first = values_[i];
    cells[i].has_sum = (of.flags & kHasSum) != 0;
    cells[i].has_resets = (of.flags & kHasResets) != 0;
  }
  const auto apply = [&](const Derived& derived, auto rule, auto put) {
    return Apply(derived, cells, rule, put);
  };
  TOCSIN_RETURN_IF_ERROR(apply(of.last, LastRule, [](LevelCell& c, double v) { c.last = v; }));
  TOCSIN_RETURN_IF_ERROR(apply(of.min, MinRule, [](LevelCell& c, double v) { c.min = v; }));
  TOCSIN_RETURN_IF_ERROR(apply(of.max, MaxRule, [](LevelCell& c, double v) { c.max = v; }));
  if (of.flags & kHasSum)
    TOCSIN_RETURN_IF_ERROR(apply(of.sum, SumRule, [](LevelCell& c, double v) { c.sum = v; }));
  if (of.flags & kHasResets) {
    TOCSIN_RETURN_IF_ERROR(apply(of.resets, ZeroRule, [](LevelCell& c, double v) {
      c.resets = v >= 0 && v <= c.count ? static_cast<uint32_t>(v) : 0;
    }));
    TOCSIN_RETURN_IF_ERROR(
        apply(of.dropped, ZeroRule, [](LevelCell& c, double v) { c.dropped = v; }));
  }
  return apply(of.ended, ZeroRule, [](LevelCell& c, double v) { c.ended = v != 0; });
}

Status LevelPartReader::ReadWeights(unsigned slot, std::vector<uint32_t>* out) {
  TOCSIN_CHECK(HasHistograms(slot), "a slot with weights");
  const auto index = std::popcount(histogram_slots_ & ((uint64_t{1} << slot) - 1));
  const Weights& of = weights_[static_cast<size_t>(index)];
  ByteReader in(of.columns);
  for (uint64_t left = of.count; left > 0;) {
    const size_t n = std::min<uint64_t>(left, kMaxColumnEntries);
    TOCSIN_RETURN_IF_ERROR(Decode(in.String(), n));
    for (size_t i = 0; i < n; ++i) {
      if (!(values_[i] >= 0 && values_[i] <= 4294967295.0)) return Malformed("weight");
      out->push_back(static_cast<uint32_t>(values_[i]));
    }
    left -= n;
  }
  return OkStatus();
}

}  // namespace tocsin::storage
