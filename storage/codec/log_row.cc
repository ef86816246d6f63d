#include "storage/codec/log_row.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/codec/histogram_codec.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kVersion = 0;
constexpr uint8_t kAbsentToken = 0x81;
constexpr uint8_t kLayoutAnew = 0x01;
constexpr double kExactLimit = 9007199254740992.0;  // 2^53
// Of all layouts of an epoch together, as a reader takes them.
constexpr size_t kMaxEpochSeries = size_t{1} << 24;
// A run and a token, or a sparse sample, at their longest.
constexpr size_t kMaxEntryBytes = 32;

enum Extra : uint8_t { kMetadata = 1 };

uint64_t Bits(double v) { return std::bit_cast<uint64_t>(v); }
// Ids and times are differences modulo 2^64: any input round-trips.
int64_t Minus(uint64_t a, uint64_t b) { return static_cast<int64_t>(a - b); }
uint64_t Plus(uint64_t a, int64_t b) { return a + static_cast<uint64_t>(b); }

Error Malformed(std::string_view part) {
  return {ErrorCode::kCorruption, "malformed log row: " + std::string(part)};
}

void PutKind(LogRowKind kind, std::string& row) {
  row.push_back(static_cast<char>(static_cast<uint8_t>(kind) | kVersion << 4));
}

// Sets *integer when the value is one below 2^53 in size. -0 passes as 0.
bool ExactInteger(double v, int64_t* integer) {
  if (!(v > -kExactLimit && v < kExactLimit)) return false;
  *integer = static_cast<int64_t>(v);
  return static_cast<double>(*integer) == v;
}

// Appends to a row through a pointer: one size check for many entries.
class RowWriter {
 public:
  RowWriter(std::string& row, size_t max_bytes) : row_(row), begin_(row.size()) {
    row_.resize(begin_ + max_bytes);
    p_ = reinterpret_cast<uint8_t*>(row_.data()) + begin_;
  }
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;
  ~RowWriter() {
    row_.resize(static_cast<size_t>(p_ - reinterpret_cast<const uint8_t*>(row_.data())));
  }

  void Byte(uint8_t v) { *p_++ = v; }
  void Varint(uint64_t v) {
    while (v >= 0x80) {
      *p_++ = static_cast<uint8_t>(v | 0x80);
      v >>= 7;
    }
    *p_++ = static_cast<uint8_t>(v);
  }
  void Token(double before, double value) {
    const uint64_t x = Bits(before) ^ Bits(value);
    const unsigned trailing = x == 0 ? 7 : static_cast<unsigned>(std::countr_zero(x)) / 8;
    const unsigned bytes =
        x == 0 ? 1 : 8 - trailing - static_cast<unsigned>(std::countl_zero(x)) / 8;
    int64_t old_integer, integer;
    if (ExactInteger(value, &integer) && Bits(value) != Bits(-0.0) &&
        ExactInteger(before, &old_integer)) {
      const uint64_t token = ZigZag(integer - old_integer) << 1;
      if ((static_cast<unsigned>(std::bit_width(token)) + 6) / 7 <= bytes + 1) return Varint(token);
    }
    Byte(static_cast<uint8_t>(1 | trailing << 1 | (bytes - 1) << 4));
    const uint64_t rest = x >> (8 * trailing);
    std::memcpy(p_, &rest, sizeof(rest));
    p_ += bytes;
  }

 private:
  std::string& row_;
  size_t begin_;
  uint8_t* p_;
};

bool ReadToken(ByteReader& in, uint8_t head, double* value) {
  const unsigned trailing = head >> 1 & 7, bytes = (head >> 4 & 7) + 1;
  if ((head & 0x80) != 0 || trailing + bytes > 8) return false;
  const std::string_view rest = in.Bytes(bytes);
  if (!in.ok()) return false;
  uint64_t x = 0;
  std::memcpy(&x, rest.data(), bytes);
  *value = std::bit_cast<double>(Bits(*value) ^ x << (8 * trailing));
  return true;
}

bool ReadIntegerToken(ByteReader& in, double* value) {
  const uint64_t token = in.Varint();
  int64_t before;
  if (!in.ok() || !ExactInteger(*value, &before)) return false;
  const int64_t delta = UnZigZag(token >> 1);
  if (delta > int64_t{1} << 54 || delta < -(int64_t{1} << 54)) return false;
  *value = static_cast<double>(before + delta);
  return *value > -kExactLimit && *value < kExactLimit;
}

// Looks at the next byte without taking it; 0 (an integer token) at the end.
uint8_t Peek(const ByteReader& in) {
  return in.done() ? 0 : static_cast<uint8_t>(in.rest().front());
}

bool ReadValueToken(ByteReader& in, double* value) {
  const uint8_t head = Peek(in);
  if ((head & 1) == 0) return ReadIntegerToken(in, value);
  in.Fixed<uint8_t>();
  return ReadToken(in, head, value);
}

// Runs of unchanged values and tokens, as the timeline row has them.
class RunWriter {
 public:
  explicit RunWriter(RowWriter& out) : out_(out) {}

  void Value(double before, double value) {
    if (Bits(before) == Bits(value)) {
      ++run_;
      open_ = true;
      return;
    }
    FlushRun();
    out_.Token(before, value);
  }
  void Absent(size_t n) {
    FlushRun();
    out_.Byte(kAbsentToken);
    out_.Varint(n);
  }
  void Finish() {
    if (open_) FlushRun();
  }

 private:
  void FlushRun() {
    out_.Varint(run_);
    run_ = 0;
    open_ = false;
  }

  RowWriter& out_;
  size_t run_ = 0;
  bool open_ = false;
};

void StartTimeline(uint64_t owner, Timestamp t, Timestamp before, RowWriter& out) {
  out.Byte(static_cast<uint8_t>(LogRowKind::kTimeline));
  out.Varint(owner);
  out.Varint(ZigZag(Minus(static_cast<uint64_t>(t.ms), static_cast<uint64_t>(before.ms))));
}

}  // namespace

void OwnerLogState::Clear() {
  ids_.clear();
  last_.clear();
  t_ = {};
}

void OwnerLogState::SetLayout(bool anew, std::span<const SeriesRef> ids) {
  if (anew) Clear();
  const bool grown = ids.size() >= ids_.size() && std::equal(ids_.begin(), ids_.end(), ids.begin());
  std::vector<double> last(ids.size());
  if (grown) {
    std::copy(last_.begin(), last_.end(), last.begin());
  } else {
    absl::flat_hash_map<uint64_t, double> values;
    values.reserve(ids_.size());
    for (size_t i = 0; i < ids_.size(); ++i) values[ids_[i].id] = last_[i];
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto found = values.find(ids[i].id);
      if (found != values.end()) last[i] = found->second;
    }
  }
  last_ = std::move(last);
  ids_.assign(ids.begin(), ids.end());
}

void LogRowEncoder::Layout(uint64_t owner, OwnerLogState& state, bool anew,
                           std::span<const SeriesRef> ids, std::string& row) {
  TOCSIN_CHECK(!ids.empty() && ids.size() <= kMaxLayoutSeries, "layout size");
  TOCSIN_CHECK(anew || state.has_layout(), "the first layout starts anew");
  state.SetLayout(anew, ids);
  PutKind(LogRowKind::kLayout, row);
  PutVarint(row, owner);
  row.push_back(static_cast<char>(anew ? kLayoutAnew : 0));
  std::string runs;
  size_t count = 0;
  uint64_t end = 0;
  for (size_t i = 0; i < ids.size(); ++count) {
    size_t n = 1;
    while (i + n < ids.size() && ids[i + n].id == ids[i].id + n) ++n;
    PutZigZag(runs, Minus(ids[i].id, end));
    PutVarint(runs, n);
    end = ids[i].id + n;
    i += n;
  }
  PutVarint(row, count);
  row += runs;
}

void LogRowEncoder::Timeline(uint64_t owner, OwnerLogState& state, Timestamp t,
                             std::span<const double> values, std::string& row) {
  TOCSIN_CHECK(state.has_layout() && values.size() == state.ids_.size(), "a value per series");
  RowWriter out(row, (values.size() + 1) * kMaxEntryBytes);
  StartTimeline(owner, t, state.t_, out);
  state.t_ = t;
  RunWriter runs(out);
  for (size_t i = 0; i < values.size(); ++i) runs.Value(state.last_[i], values[i]);
  runs.Finish();
  std::copy(values.begin(), values.end(), state.last_.begin());
}

void LogRowEncoder::Timeline(uint64_t owner, OwnerLogState& state, Timestamp t,
                             std::span<const uint32_t> positions, std::span<const double> values,
                             std::string& row) {
  TOCSIN_CHECK(state.has_layout() && !values.empty() && values.size() == positions.size() &&
                   positions.back() < state.ids_.size(),
               "positions in the layout");
  RowWriter out(row, (values.size() + 1) * 2 * kMaxEntryBytes);
  StartTimeline(owner, t, state.t_, out);
  state.t_ = t;
  RunWriter runs(out);
  size_t at = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t position = positions[i];
    TOCSIN_CHECK(position >= at, "ascending positions");
    if (position > at) runs.Absent(position - at);
    runs.Value(state.last_[position], values[i]);
    state.last_[position] = values[i];
    at = position + 1;
  }
  if (at < state.ids_.size()) runs.Absent(state.ids_.size() - at);
  runs.Finish();
}

void LogRowEncoder::Sparse(std::span<const SparseSample> samples, std::string& row) {
  RowWriter out(row, (samples.size() + 1) * kMaxEntryBytes);
  out.Byte(static_cast<uint8_t>(LogRowKind::kSparse));
  out.Varint(samples.size());
  SparseSample before;
  for (const SparseSample& s : samples) {
    out.Varint(ZigZag(Minus(s.series.id, before.series.id)));
    out.Varint(ZigZag(Minus(static_cast<uint64_t>(s.t.ms), static_cast<uint64_t>(before.t.ms))));
    out.Token(s.series == before.series ? before.value : 0.0, s.value);
    before = s;
  }
}

void LogRowEncoder::HistogramSample(SeriesRef series, Timestamp t, const Histogram& histogram,
                                    std::string& row) {
  PutKind(LogRowKind::kHistogram, row);
  PutVarint(row, series.id);
  PutZigZag(row, t.ms);
  const Histogram* one = &histogram;
  EncodeHistograms({&one, 1}, row);
}

void LogRowEncoder::Owner(uint64_t owner, std::span<const uint64_t> groups, std::string& row) {
  PutKind(LogRowKind::kOwner, row);
  PutVarint(row, owner);
  PutVarint(row, groups.size());
  uint64_t before = 0;
  for (const uint64_t group : groups) {
    PutZigZag(row, Minus(group, before));
    before = group;
  }
}

void LogRowEncoder::Tombstone(const TombstoneRow& tombstone, std::string& row) {
  PutKind(LogRowKind::kTombstone, row);
  PutVarint(row, tombstone.number);
  PutZigZag(row, tombstone.from.ms);
  PutZigZag(row, tombstone.to.ms);
  PutVarint(row, tombstone.bound_seal_seq);
  PutVarint(row, tombstone.series.size());
  uint64_t before = 0;
  for (const SeriesRef series : tombstone.series) {
    TOCSIN_CHECK(series.id >= before, "ascending ids");
    PutVarint(row, series.id - before);
    before = series.id;
  }
}

void LogRowEncoder::MetadataOf(const MetadataRow& m, std::string& row) {
  PutKind(LogRowKind::kExtra, row);
  row.push_back(static_cast<char>(kMetadata));
  PutString(row, m.metric);
  row.push_back(static_cast<char>(m.metadata.type));
  PutString(row, m.metadata.unit);
  PutString(row, m.metadata.help);
}

void LogRowEncoder::Starts(std::span<const Timestamp> starts, std::string& row) {
  PutKind(LogRowKind::kStarted, row);
  std::string runs;
  size_t count = 0;
  Timestamp before = kNoStart;
  for (size_t i = 0; i < starts.size(); ++count) {
    size_t n = 1;
    while (i + n < starts.size() && starts[i + n] == starts[i]) ++n;
    PutVarint(runs, n);
    PutZigZag(runs, (starts[i] - before).count());
    before = starts[i];
    i += n;
  }
  PutVarint(row, count);
  row += runs;
}

struct LogRowDecoder::Impl {
  absl::flat_hash_map<uint64_t, OwnerLogState> owners;
  size_t layout_series = 0;  // of all owners
  std::vector<SeriesRef> series;
  std::vector<double> values;
  std::vector<SparseSample> sparse;
  std::vector<uint64_t> groups;
  Histogram histogram;
  struct StartRun {
    uint64_t samples;
    Timestamp start;
  };
  std::vector<StartRun> start_runs;
  std::vector<Timestamp> starts;

  Status Row(std::string_view row, LogRow* out);
  Status Started(ByteReader& in, LogRow* out);
  bool StartRuns(ByteReader& in);
  void Hole() {
    owners.clear();
    layout_series = 0;
  }
  void Forget(uint64_t owner);
  Status Timeline(ByteReader& in, LogRow* out);
  bool TimelineValues(ByteReader& in, OwnerLogState& state, LogRow* out);
  bool LayoutSeries(ByteReader& in);
  Status Layout(ByteReader& in, LogRow* out);
  Status Sparse(ByteReader& in, LogRow* out);
  Status HistogramSample(ByteReader& in, LogRow* out);
  Status Owner(ByteReader& in, LogRow* out);
};

namespace {

Status DecodeTombstone(ByteReader& in, TombstoneRow* out) {
  out->number = in.Varint();
  out->from.ms = in.ZigZagVarint();
  out->to.ms = in.ZigZagVarint();
  out->bound_seal_seq = in.Varint();
  const uint64_t count = in.Varint();
  if (!in.ok() || count > in.remaining()) return Malformed("tombstone");
  out->series.clear();
  out->series.reserve(count);
  uint64_t id = 0;
  for (uint64_t i = 0; i < count; ++i) out->series.push_back({id += in.Varint()});
  return in.ok() && in.done() ? OkStatus() : Malformed("tombstone");
}

Status DecodeExtra(ByteReader& in, LogRow* out) {
  const auto what = in.Fixed<uint8_t>();
  if (what != kMetadata) return Error(ErrorCode::kUnsupported, "log row of unknown extra kind");
  MetadataRow& m = out->metadata;
  m.metric = in.String();
  const auto type = in.Fixed<uint8_t>();
  m.metadata.unit = in.String();
  m.metadata.help = in.String();
  if (!in.ok() || !in.done() || type > static_cast<uint8_t>(MetricType::kStateset)) {
    return Malformed("metadata");
  }
  m.metadata.type = static_cast<MetricType>(type);
  return OkStatus();
}

}  // namespace

// Values go straight to the owner's state; only a row with absent series is gathered elsewhere.
bool LogRowDecoder::Impl::TimelineValues(ByteReader& in, OwnerLogState& state, LogRow* out) {
  const size_t n = state.ids_.size();
  bool whole = true;
  const auto gather = [&](size_t from, size_t to) {
    if (whole) return;
    series.insert(series.end(), state.ids_.begin() + static_cast<ptrdiff_t>(from),
                  state.ids_.begin() + static_cast<ptrdiff_t>(to));
    values.insert(values.end(), state.last_.begin() + static_cast<ptrdiff_t>(from),
                  state.last_.begin() + static_cast<ptrdiff_t>(to));
  };
  for (size_t at = 0; at < n;) {
    const uint64_t run = in.Varint();
    if (!in.ok() || run > n - at) return false;
    gather(at, at + run);
    at += run;
    if (at == n) break;
    if (Peek(in) != kAbsentToken) {
      if (!ReadValueToken(in, &state.last_[at])) return false;
      gather(at, at + 1);
      ++at;
      continue;
    }
    in.Fixed<uint8_t>();
    const uint64_t absent = in.Varint();
    if (!in.ok() || absent == 0 || absent > n - at) return false;
    if (whole) {
      whole = false;
      series.clear();
      values.clear();
      gather(0, at);
    }
    at += absent;
  }
  out->series = whole ? state.ids_ : series;
  out->values = whole ? state.last_ : values;
  return in.done();
}

Status LogRowDecoder::Impl::Timeline(ByteReader& in, LogRow* out) {
  out->owner = in.Varint();
  const int64_t step = in.ZigZagVarint();
  if (!in.ok()) return Malformed("timeline");
  const auto found = owners.find(out->owner);
  if (found == owners.end()) {
    out->skipped = true;
    return OkStatus();
  }
  OwnerLogState& state = found->second;
  state.t_.ms = static_cast<int64_t>(Plus(static_cast<uint64_t>(state.t_.ms), step));
  out->t = state.t_;
  if (TimelineValues(in, state, out)) return OkStatus();
  out->series = {};
  out->values = {};
  Forget(out->owner);
  return Malformed("timeline");
}

void LogRowDecoder::Impl::Forget(uint64_t owner) {
  const auto found = owners.find(owner);
  if (found == owners.end()) return;
  layout_series -= found->second.ids_.size();
  owners.erase(found);
}

// Fills `series`. A run of a few bytes may stand for millions of ids: they are counted first.
bool LogRowDecoder::Impl::LayoutSeries(ByteReader& in) {
  const uint64_t runs = in.Varint();
  series.clear();
  uint64_t end = 0;
  for (uint64_t i = 0; i < runs; ++i) {
    const uint64_t first = Plus(end, in.ZigZagVarint());
    const uint64_t length = in.Varint();
    if (!in.ok() || length == 0 || length > kMaxLayoutSeries - series.size()) return false;
    if (layout_series + series.size() + length > kMaxEpochSeries) return false;
    end = first + length;
    for (uint64_t id = first; id != end; ++id) series.push_back({id});
  }
  return in.ok() && in.done() && !series.empty();
}

Status LogRowDecoder::Impl::Layout(ByteReader& in, LogRow* out) {
  out->owner = in.Varint();
  const auto flags = in.Fixed<uint8_t>();
  if (!in.ok() || flags > kLayoutAnew) return Malformed("layout");
  out->anew = flags == kLayoutAnew;
  if (!LayoutSeries(in)) {
    Forget(out->owner);
    return Malformed("layout");
  }
  if (!out->anew && !owners.contains(out->owner)) {
    out->skipped = true;
    return OkStatus();
  }
  OwnerLogState& state = owners[out->owner];
  layout_series += series.size() - state.ids_.size();
  state.SetLayout(out->anew, series);
  out->series = state.ids_;
  return OkStatus();
}

Status LogRowDecoder::Impl::Sparse(ByteReader& in, LogRow* out) {
  const uint64_t count = in.Varint();
  if (!in.ok() || count > in.remaining() / 3) return Malformed("sparse");
  sparse.clear();
  sparse.reserve(count);
  SparseSample before;
  for (uint64_t i = 0; i < count; ++i) {
    SparseSample s;
    s.series.id = Plus(before.series.id, in.ZigZagVarint());
    s.t.ms = static_cast<int64_t>(Plus(static_cast<uint64_t>(before.t.ms), in.ZigZagVarint()));
    s.value = s.series == before.series ? before.value : 0.0;
    if (!ReadValueToken(in, &s.value)) return Malformed("sparse");
    sparse.push_back(s);
    before = s;
  }
  out->sparse = sparse;
  return in.done() ? OkStatus() : Malformed("sparse");
}

Status LogRowDecoder::Impl::HistogramSample(ByteReader& in, LogRow* out) {
  out->histogram_series.id = in.Varint();
  out->t.ms = in.ZigZagVarint();
  if (!in.ok()) return Malformed("histogram");
  TOCSIN_RETURN_IF_ERROR(DecodeHistograms(in.rest(), {&histogram, 1}));
  out->histogram = &histogram;
  return OkStatus();
}

Status LogRowDecoder::Impl::Owner(ByteReader& in, LogRow* out) {
  out->owner = in.Varint();
  const uint64_t count = in.Varint();
  if (!in.ok() || count > in.remaining()) return Malformed("owner");
  groups.clear();
  uint64_t group = 0;
  for (uint64_t i = 0; i < count; ++i) groups.push_back(group = Plus(group, in.ZigZagVarint()));
  out->groups = groups;
  return in.ok() && in.done() ? OkStatus() : Malformed("owner");
}

bool LogRowDecoder::Impl::StartRuns(ByteReader& in) {
  const uint64_t runs = in.Varint();
  if (!in.ok() || runs > in.remaining() / 2) return false;
  start_runs.clear();
  Timestamp start = kNoStart;
  for (uint64_t i = 0; i < runs; ++i) {
    const uint64_t samples = in.Varint();
    start.ms = static_cast<int64_t>(Plus(static_cast<uint64_t>(start.ms), in.ZigZagVarint()));
    if (!in.ok() || samples == 0 || !IsStorableStart(start)) return false;
    start_runs.push_back({samples, start});
  }
  return true;
}

// The row inside is decoded first: it says how many samples there are.
Status LogRowDecoder::Impl::Started(ByteReader& in, LogRow* out) {
  const uint8_t inside = StartRuns(in) ? Peek(in) : 0;
  if (inside < static_cast<uint8_t>(LogRowKind::kTimeline) ||
      inside > static_cast<uint8_t>(LogRowKind::kHistogram)) {
    Hole();  // whose row it was is not known
    return Malformed("starts");
  }
  TOCSIN_RETURN_IF_ERROR(Row(in.rest(), out));
  if (out->skipped) return OkStatus();
  size_t left = 1;
  if (out->kind == LogRowKind::kTimeline) left = out->series.size();
  if (out->kind == LogRowKind::kSparse) left = sparse.size();
  starts.clear();
  for (const StartRun& run : start_runs) {
    if (run.samples > left) return Malformed("starts");
    starts.insert(starts.end(), run.samples, run.start);
    left -= run.samples;
  }
  if (left != 0) return Malformed("starts");
  out->starts = starts;
  return OkStatus();
}

LogRowDecoder::LogRowDecoder() : impl_(std::make_unique<Impl>()) {}
LogRowDecoder::~LogRowDecoder() = default;

Status LogRowDecoder::Decode(std::string_view row, LogRow* out) {
  *out = LogRow();
  const Status status = impl_->Row(row, out);
  if (!status.ok()) out->series = {}, out->values = {}, out->sparse = {};
  return status;
}

Status LogRowDecoder::Impl::Row(std::string_view row, LogRow* out) {
  ByteReader in(row);
  const auto head = in.Fixed<uint8_t>();
  if (!in.ok()) return Malformed("empty");
  if (head >> 4 != kVersion) {
    return Error(ErrorCode::kUnsupported, "log row of version " + std::to_string(head >> 4));
  }
  out->kind = static_cast<LogRowKind>(head & 15);
  switch (out->kind) {
    case LogRowKind::kTimeline:
      return Timeline(in, out);
    case LogRowKind::kSparse:
      return Sparse(in, out);
    case LogRowKind::kLayout:
      return Layout(in, out);
    case LogRowKind::kOwner:
      return Owner(in, out);
    case LogRowKind::kTombstone:
      return DecodeTombstone(in, &out->tombstone);
    case LogRowKind::kExtra:
      return DecodeExtra(in, out);
    case LogRowKind::kHistogram:
      return HistogramSample(in, out);
    case LogRowKind::kStarted:
      return Started(in, out);
  }
  return Error(ErrorCode::kUnsupported, "log row of kind " + std::to_string(head & 15));
}

void LogRowDecoder::Hole() { impl_->Hole(); }

}  // namespace tocsin::storage
