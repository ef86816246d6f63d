#include "ingest/remote_write/receiver.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "ingest/media_type.h"
#include "ingest/remote_write/decoder_v1.h"
#include "ingest/remote_write/decoder_v2.h"
#include "ingest/remote_write/series_cache.h"
#include "ingest/row_hints.h"
#include "ingest/sample_batch.h"
#include "storage/base/coding.h"
#include "storage/base/compression.h"
#include "storage/base/log.h"

namespace tocsin::ingest {
namespace {

constexpr size_t kMaxDecodedBytes = 32u << 20;
// Spreads an address over 64 bits: where the receiver lies is nothing a sender knows.
constexpr uint64_t kSeedFactor = 0x9e3779b97f4a7c15;
constexpr std::string_view kMessageV1 = "prometheus.WriteRequest";
constexpr std::string_view kMessageV2 = "io.prometheus.write.v2.Request";

struct Headers {
  int status = 0;  // of an error; 0: none
  std::string message;
  bool version_2 = false;
};

// Senders of old leave both headers out; what they send is 1.0.
Headers CheckHeaders(std::string_view content_type, std::string_view encoding) {
  Headers headers;
  const size_t semicolon = content_type.find(';');
  const std::string_view media = MediaType(content_type);
  if (!media.empty() && media != "application/x-protobuf") {
    return {415, fmt::format("expected application/x-protobuf as the first (media) part, got {}",
                             content_type)};
  }
  if (semicolon != std::string_view::npos) {
    const std::string_view parameter = TrimSpaces(content_type.substr(semicolon + 1));
    const std::string_view message =
        parameter.starts_with("proto=") ? parameter.substr(6) : parameter;
    headers.version_2 = message == kMessageV2;
    if (!headers.version_2 && message != kMessageV1) {
      return {415, fmt::format("remote write message {} is not available; send {} or {}", message,
                               kMessageV1, kMessageV2)};
    }
  }
  if (!encoding.empty() && encoding != "snappy")
    return {415, fmt::format("{} encoding (compression) is not accepted; send snappy", encoding)};
  return headers;
}

// Labels as sent into labels as stored; false when they are no valid series.
bool MakeLabels(const std::vector<Label>& sent, Labels* out) {
  bool sorted = true, has_name = false;
  for (size_t i = 0; i < sent.size(); ++i) {
    if (!IsValidLabelName(sent[i].name) || !IsValidUtf8(sent[i].value)) return false;
    if (sent[i].value.empty()) sorted = false;
    if (i != 0 && !(sent[i - 1].name < sent[i].name)) sorted = false;
    has_name |= sent[i].name == kMetricName && !sent[i].value.empty();
  }
  if (!has_name) return false;
  if (sorted) {
    std::string packed;
    for (const Label& label : sent) {
      PutString(packed, label.name);
      PutString(packed, label.value);
    }
    *out = Labels::FromPacked(std::move(packed));
    return true;
  }
  std::vector<std::string_view> names;
  LabelsBuilder builder;
  for (const Label& label : sent) {
    names.push_back(label.name);
    builder.Set(label.name, label.value);
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) return false;
  *out = builder.Build();
  return true;
}

// What the sender must know about samples that were not stored; empty when all were.
std::string RefusalText(const storage::RowResult& rows, const std::string& refusal) {
  std::string out = refusal;
  const auto add = [&out](uint32_t count, std::string_view what) {
    if (count == 0) return;
    if (!out.empty()) out += "; ";
    out += fmt::format("{} ({} {})", what, count, count == 1 ? "sample" : "samples");
  };
  add(rows.out_of_bounds, "out of bounds");
  add(rows.duplicates, "duplicate sample for timestamp");
  return out;
}

// The metric family that metadata of a series speaks of.
std::string_view FamilyOf(std::string_view name, MetricType type) {
  const auto strip = [&](std::string_view suffix) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) name.remove_suffix(suffix.size());
  };
  if (type == MetricType::kHistogram || type == MetricType::kGaugeHistogram) strip("_bucket");
  if (type == MetricType::kHistogram || type == MetricType::kSummary) {
    const std::string_view whole = name;
    strip("_sum");
    if (name == whole) strip("_count");
  }
  return name;
}

int StatusOf(const Error& error) { return error.code() == ErrorCode::kInvalidArgument ? 400 : 500; }

}  // namespace

struct RemoteWriteReceiver::Memory {
  explicit Memory(uint64_t seed) : series(seed) {}
  SeriesCache series;
  RowHints hints;
};

// Gathers one request into an appender.
class RemoteWriteReceiver::RequestWriter final : public WriteRequestSink {
 public:
  RequestWriter(storage::Appender& appender, Memory& memory, bool version_2)
      : appender_(appender), memory_(memory), version_2_(version_2), known_(memory.series) {}

  Status OnSeries(const WriteSeries& series) override {
    const bool empty = series.values.empty() && series.histograms.empty();
    // Of 1.0 a series may bring exemplars only.
    if (empty && (version_2_ || series.exemplars.empty())) {
      if (version_2_) TOCSIN_RETURN_IF_ERROR(RefuseEmpty(series));
      return OkStatus();
    }
    TOCSIN_ASSIGN(const SeriesRef ref, RefOf(series));
    if (!ref.valid()) return OkStatus();
    for (size_t i = 0; i < series.values.size(); ++i)
      batch_.Add(ref, series.times[i], series.values[i],
                 i < series.starts.size() ? series.starts[i] : kNoStart);
    for (const WriteHistogram& sample : series.histograms) Append(ref, sample);
    for (const WriteExemplar& exemplar : series.exemplars) Append(ref, exemplar);
    if (!series.metadata.empty()) SetMetadata(series);
    return OkStatus();
  }

  void OnInvalidSeries(const std::string& reason, uint64_t samples) override {
    invalid += samples;
    Refuse(reason);
  }

  void OnMetadata(const WriteMetadata& item) override {
    if (item.family.empty() || !IsValidUtf8(item.family) || !IsValidUtf8(item.metadata.help) ||
        !IsValidUtf8(item.metadata.unit)) {
      return;
    }
    appender_.SetMetadata(item.family, item.metadata);
  }

  void Flush() {
    known_.Release();
    rows += batch_.Flush(appender_, memory_.hints);
  }

  storage::RowResult rows;
  uint64_t histograms = 0, exemplars = 0, exemplars_refused = 0, invalid = 0;
  std::string refusal;  // the first reason that is no count
  std::string skipped;  // the first series with invalid labels

 private:
  // Invalid: the series is not taken (and counted). Errors end the request.
  Result<SeriesRef> RefOf(const WriteSeries& series) {
    const SeriesCache::Key key = KeyOf(series);
    if (const SeriesRef known = known_.Find(key); known.valid()) return known;
    TOCSIN_RETURN_IF_ERROR(DecodeLabels(series, &sent_));
    if (!MakeLabels(sent_, &labels_)) {
      invalid += series.values.size() + series.histograms.size();
      if (skipped.empty()) skipped = TextOf(sent_);
      if (version_2_) Refuse("invalid metric name or labels, got " + TextOf(sent_));
      return SeriesRef();
    }
    auto ref = appender_.Resolve(labels_);
    if (ref.ok()) {
      known_.Put(key, *ref);
      return ref;
    }
    const ErrorCode code = ref.error().code();
    if (code != ErrorCode::kSeriesLimit && code != ErrorCode::kInvalidLabels) return ref;
    Refuse(ref.error().message());
    return SeriesRef();
  }

  SeriesCache::Key KeyOf(const WriteSeries& series) {
    if (!version_2_) return memory_.series.KeyOf(series.label_bytes);
    while (symbol_keys_.size() < series.symbols.size())
      symbol_keys_.push_back(memory_.series.KeyOf(series.symbols[symbol_keys_.size()]));
    return memory_.series.KeyOf(series.label_refs, symbol_keys_);
  }

  static std::string TextOf(const std::vector<Label>& labels) {
    std::string out = "{";
    for (const Label& label : labels) {
      if (out.size() > 1) out += ", ";
      out.append(label.name).append("=\"").append(label.value).append("\"");
    }
    return out + "}";
  }

  Status RefuseEmpty(const WriteSeries& series) {
    TOCSIN_RETURN_IF_ERROR(DecodeLabels(series, &sent_));
    Refuse("TimeSeries must contain at least one sample or histogram for series " + TextOf(sent_));
    return OkStatus();
  }

  void SetMetadata(const WriteSeries& series) {
    std::string_view name;
    for (size_t i = 0; i < series.label_refs.size(); i += 2)
      if (series.symbols[series.label_refs[i]] == kMetricName)
        name = series.symbols[series.label_refs[i + 1]];
    const std::string_view family = FamilyOf(name, series.metadata.type);
    if (family == last_family_) return;  // buckets of a histogram say the same again and again
    last_family_ = family;
    OnMetadata({family,
                {series.metadata.type, std::string(series.metadata.unit),
                 std::string(series.metadata.help)}});
  }

  void Append(SeriesRef ref, const WriteExemplar& exemplar) {
    LabelsBuilder builder;
    for (const Label& label : exemplar.labels) builder.Set(label.name, label.value);
    auto status = appender_.AppendExemplar(ref, {builder.Build(), exemplar.value, exemplar.t});
    if (status.ok()) {
      ++exemplars;
    } else if (status.error().code() == ErrorCode::kStaleRef) {
      ++rows.stale_refs;
    } else {
      ++exemplars_refused;
    }
  }

  void Append(SeriesRef ref, const WriteHistogram& sample) {
    auto status = appender_.AppendHistogram(ref, sample.t, sample.histogram, sample.start);
    if (status.ok()) {
      ++histograms;
    } else if (status.error().code() == ErrorCode::kStaleRef) {
      ++rows.stale_refs;
    } else {
      Refuse(status.error().message());
    }
  }

  void Refuse(const std::string& reason) {
    if (refusal.empty()) refusal = reason;
  }

  storage::Appender& appender_;
  Memory& memory_;
  const bool version_2_;
  SeriesCache::Cursor known_;
  std::vector<SeriesCache::Key> symbol_keys_;
  std::string_view last_family_;
  SampleBatch batch_;
  std::vector<Label> sent_;
  Labels labels_;
};

RemoteWriteReceiver::RemoteWriteReceiver(storage::Appendable& storage, MetricRegistry& metrics)
    : storage_(storage),
      memory_(std::make_unique<Memory>(reinterpret_cast<uintptr_t>(this) * kSeedFactor)),
      invalid_labels_(metrics.GetCounter(
          "prometheus_api_remote_write_invalid_labels_samples_total",
          "The total number of received remote write samples and histogram samples which were "
          "rejected due to invalid labels.")),
      exemplars_refused_(metrics.GetCounter(
          "tocsin_remote_write_exemplars_refused_total",
          "Exemplars received and not stored: older than the newest of their series, too far "
          "ahead, or with too long labels.")),
      requests_refused_(
          metrics.GetCounter("tocsin_remote_write_requests_refused_total",
                             "Remote write requests answered with another status than 204.")) {}

RemoteWriteReceiver::~RemoteWriteReceiver() = default;

void RemoteWriteReceiver::Handle(std::string_view content_type, std::string_view content_encoding,
                                 std::string_view body,
                                 std::function<void(const WriteResponse&)> done) {
  const auto refuse = [&](int status, std::string message) {
    requests_refused_.Add();
    WriteResponse response;
    response.status = status;
    response.message = std::move(message);
    done(response);
  };
  Headers headers = CheckHeaders(content_type, content_encoding);
  if (headers.status != 0) return refuse(headers.status, std::move(headers.message));
  auto decoded = SnappyUncompress(body, kMaxDecodedBytes);
  if (!decoded.ok()) return refuse(400, decoded.error().message());

  // A second time when the store has forgotten series that the cache remembers.
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto appender = storage_.NewAppender();
    RequestWriter writer(*appender, *memory_, headers.version_2);
    // Nothing is committed unless the whole body could be read.
    const Status status = headers.version_2 ? DecodeWriteRequestV2(*decoded, writer)
                                            : DecodeWriteRequest(*decoded, writer);
    if (!status.ok()) return refuse(StatusOf(status.error()), status.error().message());
    writer.Flush();
    if (writer.rows.stale_refs != 0) {
      memory_->series.Clear();
      continue;
    }
    return Commit(std::move(appender), writer, std::move(done));
  }
  refuse(500, "series were dropped while the request was read; send it again");
}

// Of 1.0 nobody is told but by the counter. The first request, the second, the fourth and so on:
// a sender repeats its mistake with each.
void RemoteWriteReceiver::LogSkipped(const std::string& series) {
  constexpr size_t kMaxText = 500;
  const uint64_t requests = skipping_requests_.fetch_add(1) + 1;
  if (!std::has_single_bit(requests)) return;
  log::Warn("remote write: series with invalid metric names or labels are skipped",
            {{"got", series.substr(0, kMaxText)}, {"requests", requests}});
}

void RemoteWriteReceiver::Commit(std::unique_ptr<storage::Appender> appender,
                                 const RequestWriter& writer,
                                 std::function<void(const WriteResponse&)> done) {
  invalid_labels_.Add(static_cast<double>(writer.invalid));
  if (!writer.skipped.empty()) LogSkipped(writer.skipped);
  exemplars_refused_.Add(static_cast<double>(writer.exemplars_refused));
  appender->Commit([done = std::move(done), refused = requests_refused_, rows = writer.rows,
                    histograms = writer.histograms, exemplars = writer.exemplars,
                    refusal = writer.refusal](const storage::CommitResult& result) {
    WriteResponse response;
    if (!result.status.ok()) {
      // To be sent again, like any 5xx; 503 says that there is no room.
      response.status = result.status.error().code() == ErrorCode::kNoSpace ? 503 : 500;
      response.message = result.status.error().message();
    } else {
      storage::RowResult all = rows;
      all.duplicates += result.rows.duplicates;
      all.duplicates += result.histograms.duplicates;
      all.out_of_bounds += result.rows.out_of_bounds;
      const uint32_t lost = result.rows.duplicates + result.rows.out_of_bounds;
      response.samples = rows.appended - std::min(rows.appended, lost);
      response.histograms =
          histograms - std::min<uint64_t>(histograms, result.histograms.duplicates);
      response.exemplars = exemplars;
      response.message = RefusalText(all, refusal);
      if (!response.message.empty()) response.status = 400;
    }
    if (response.status != 204) refused.Add();
    done(response);
  });
}

}  // namespace tocsin::ingest
