#include "ingest/remote_write/receiver.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "ingest/remote_write/decoder_v1.h"
#include "ingest/sample_batch.h"
#include "storage/base/coding.h"
#include "storage/base/compression.h"
#include "storage/base/log.h"

namespace tocsin::ingest {
namespace {

constexpr size_t kMaxDecodedBytes = 32u << 20;
constexpr std::string_view kMessageV1 = "prometheus.WriteRequest";

struct HttpError {
  int status = 0;  // 0: none
  std::string message;
};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Senders of old leave both headers out; what they send is 1.0.
HttpError CheckHeaders(std::string_view content_type, std::string_view encoding) {
  const size_t semicolon = content_type.find(';');
  const std::string_view media = Trim(content_type.substr(0, semicolon));
  if (!media.empty() && media != "application/x-protobuf") {
    return {415, fmt::format("expected application/x-protobuf as the first (media) part, got {}",
                             content_type)};
  }
  if (semicolon != std::string_view::npos) {
    const std::string_view parameter = Trim(content_type.substr(semicolon + 1));
    const std::string_view message =
        parameter.starts_with("proto=") ? parameter.substr(6) : parameter;
    if (message != kMessageV1) {
      return {415, fmt::format("remote write message {} is not available; send {}", message,
                               kMessageV1)};
    }
  }
  if (!encoding.empty() && encoding != "snappy")
    return {415, fmt::format("{} encoding (compression) is not accepted; send snappy", encoding)};
  return {};
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

// Gathers one request into an appender.
class RequestWriter final : public WriteRequestSink {
 public:
  explicit RequestWriter(storage::Appender& appender) : appender_(appender) {}

  Status OnSeries(const WriteSeries& series) override {
    exemplars += series.exemplars;
    if (!MakeLabels(series.labels, &labels_)) {
      invalid += series.values.size() + series.histograms.size();
      return OkStatus();
    }
    if (series.values.empty() && series.histograms.empty()) return OkStatus();
    auto ref = appender_.Resolve(labels_);
    if (!ref.ok()) {
      if (ref.error().code() != ErrorCode::kSeriesLimit &&
          ref.error().code() != ErrorCode::kInvalidLabels) {
        return ref.error();
      }
      Refuse(ref.error().message());
      return OkStatus();
    }
    for (size_t i = 0; i < series.values.size(); ++i)
      batch_.Add(*ref, series.times[i], series.values[i]);
    for (const auto& [t, histogram] : series.histograms) {
      if (auto status = appender_.AppendHistogram(*ref, t, histogram); status.ok()) {
        ++histograms;
      } else {
        Refuse(status.error().message());
      }
    }
    return OkStatus();
  }

  void OnMetadata(const WriteMetadata& item) override {
    if (item.family.empty() || !IsValidUtf8(item.family) || !IsValidUtf8(item.metadata.help) ||
        !IsValidUtf8(item.metadata.unit)) {
      return;
    }
    appender_.SetMetadata(item.family, item.metadata);
  }

  void Flush() {
    storage::RowHint hint;
    rows += batch_.Flush(appender_, hint);
  }

  storage::RowResult rows;
  uint64_t histograms = 0, exemplars = 0, invalid = 0;
  std::string refusal;  // the first reason that is no count

 private:
  void Refuse(const std::string& reason) {
    if (refusal.empty()) refusal = reason;
  }

  storage::Appender& appender_;
  SampleBatch batch_;
  Labels labels_;
};

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

int StatusOf(const Error& error) { return error.code() == ErrorCode::kInvalidArgument ? 400 : 500; }

}  // namespace

RemoteWriteReceiver::RemoteWriteReceiver(storage::Appendable& storage, MetricRegistry& metrics)
    : storage_(storage),
      invalid_labels_(metrics.GetCounter(
          "prometheus_api_remote_write_invalid_labels_samples_total",
          "The total number of received remote write samples and histogram samples which were "
          "rejected due to invalid labels.")),
      exemplars_dropped_(metrics.GetCounter("tocsin_remote_write_exemplars_dropped_total",
                                            "Exemplars received and not stored.")),
      requests_refused_(
          metrics.GetCounter("tocsin_remote_write_requests_refused_total",
                             "Remote write requests answered with another status than 204.")) {}

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
  if (auto error = CheckHeaders(content_type, content_encoding); error.status != 0)
    return refuse(error.status, std::move(error.message));
  auto decoded = SnappyUncompress(body, kMaxDecodedBytes);
  if (!decoded.ok()) return refuse(400, decoded.error().message());

  auto appender = storage_.NewAppender();
  RequestWriter writer(*appender);
  // Nothing is committed unless the whole body could be read.
  if (auto status = DecodeWriteRequest(*decoded, writer); !status.ok())
    return refuse(StatusOf(status.error()), status.error().message());
  writer.Flush();
  if (writer.rows.stale_refs != 0)
    return refuse(500, "series were dropped while the request was read; send it again");
  invalid_labels_.Add(static_cast<double>(writer.invalid));
  exemplars_dropped_.Add(static_cast<double>(writer.exemplars));

  appender->Commit([done = std::move(done), refused = requests_refused_, rows = writer.rows,
                    histograms = writer.histograms,
                    refusal = writer.refusal](const storage::CommitResult& result) {
    WriteResponse response;
    if (!result.status.ok()) {
      response.status = 500;
      response.message = result.status.error().message();
    } else {
      storage::RowResult all = rows;
      all.duplicates += result.rows.duplicates;
      all.out_of_bounds += result.rows.out_of_bounds;
      const uint32_t lost = result.rows.duplicates + result.rows.out_of_bounds;
      response.samples = rows.appended - std::min(rows.appended, lost);
      response.histograms = histograms;
      response.message = RefusalText(all, refusal);
      if (!response.message.empty()) response.status = 400;
    }
    if (response.status != 204) refused.Add();
    done(response);
  });
}

}  // namespace tocsin::ingest
