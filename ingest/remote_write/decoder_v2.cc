#include "ingest/remote_write/decoder_v2.h"

#include <fmt/format.h>

#include <algorithm>

#include "ingest/remote_write/wire.h"

namespace tocsin::ingest {
namespace {

using protozero::pbf_reader;
using wire::Bytes;
using wire::Fixed64;
using wire::Varint;
using wire::View;

constexpr std::string_view kMessage = "io.prometheus.write.v2.Request";
// Real requests have some thousands; each takes 16 bytes here and as few as two on the wire.
constexpr size_t kMaxSymbols = 1u << 21;
constexpr size_t kMaxLabelRefs = 1u << 16;
constexpr uint32_t kMaxMetricType = static_cast<uint32_t>(MetricType::kStateset);

class Decoder {
 public:
  explicit Decoder(WriteRequestSink& sink) : sink_(sink) {}

  Status Decode(std::string_view body) {
    TOCSIN_RETURN_IF_ERROR(ReadSymbols({body.data(), body.size()}));
    pbf_reader message(body.data(), body.size());
    while (message.next(5, protozero::pbf_wire_type::length_delimited)) {
      series_.Clear();
      series_.symbols = symbols_;
      valid_ = true;
      reason_.clear();
      ReadSeries(message.get_message());
      if (valid_) {
        TOCSIN_RETURN_IF_ERROR(sink_.OnSeries(series_));
      } else {
        sink_.OnInvalidSeries(
            reason_.empty() ? "a series names symbols that are not in the table" : reason_,
            series_.values.size() + series_.histograms.size());
      }
    }
    return OkStatus();
  }

 private:
  // They may stand anywhere in the message.
  Status ReadSymbols(pbf_reader message) {
    while (message.next()) {
      if (message.tag_and_type() != Bytes(4)) {
        message.skip();
        continue;
      }
      if (symbols_.size() == kMaxSymbols)
        return InvalidArgument(fmt::format("more than {} symbols", kMaxSymbols));
      symbols_.push_back(View(message.get_view()));
    }
    if (!symbols_.empty() && !symbols_.front().empty())
      return InvalidArgument("the first symbol is not the empty string");
    return OkStatus();
  }

  void ReadRefs(pbf_reader& message, std::vector<uint32_t>* out) {
    const auto take = [&](uint32_t ref) {
      valid_ = valid_ && ref < symbols_.size() && out->size() < kMaxLabelRefs;
      if (valid_) out->push_back(ref);
    };
    if (message.wire_type() == protozero::pbf_wire_type::length_delimited) {
      for (const uint32_t ref : message.get_packed_uint32()) take(ref);
    } else {
      take(message.get_uint32());
    }
  }

  std::string_view Symbol(uint32_t ref) {
    valid_ = valid_ && (ref == 0 || ref < symbols_.size());
    return valid_ && ref != 0 ? symbols_[ref] : std::string_view();
  }

  void ReadSample(pbf_reader message) {
    double value = 0;
    Timestamp t, start = kNoStart;
    while (message.next()) {
      switch (message.tag_and_type()) {
        case Fixed64(1):
          value = message.get_double();
          break;
        case Varint(2):
          t.ms = message.get_int64();
          break;
        case Varint(3):
          start.ms = message.get_int64();
          break;
        default:
          message.skip();
      }
    }
    series_.times.push_back(t);
    series_.values.push_back(value);
    if (start == kNoStart && series_.starts.empty()) return;
    series_.starts.resize(series_.values.size(), kNoStart);
    series_.starts.back() = start;
  }

  void ReadExemplar(pbf_reader message) {
    WriteExemplar exemplar;
    refs_.clear();
    while (message.next()) {
      switch (message.tag_and_type()) {
        case Bytes(1):
        case Varint(1):
          ReadRefs(message, &refs_);
          break;
        case Fixed64(2):
          exemplar.value = message.get_double();
          break;
        case Varint(3):
          exemplar.t.ms = message.get_int64();
          break;
        default:
          message.skip();
      }
    }
    valid_ = valid_ && refs_.size() % 2 == 0;
    if (!valid_) return;
    for (size_t i = 0; i < refs_.size(); i += 2)
      exemplar.labels.push_back({symbols_[refs_[i]], symbols_[refs_[i + 1]]});
    series_.exemplars.push_back(std::move(exemplar));
  }

  void ReadMetadata(pbf_reader message) {
    while (message.next()) {
      switch (message.tag_and_type()) {
        case Varint(1): {
          const auto type = static_cast<uint32_t>(message.get_enum());
          if (type <= kMaxMetricType) series_.metadata.type = static_cast<MetricType>(type);
          break;
        }
        case Varint(3):
          series_.metadata.help = Symbol(message.get_uint32());
          break;
        case Varint(4):
          series_.metadata.unit = Symbol(message.get_uint32());
          break;
        default:
          message.skip();
      }
    }
  }

  void ReadSeries(pbf_reader message) {
    while (message.next()) {
      switch (message.tag_and_type()) {
        case Bytes(1):
        case Varint(1):
          ReadRefs(message, &series_.label_refs);
          break;
        case Bytes(2):
          ReadSample(message.get_message());
          break;
        case Bytes(3):
          if (auto status = wire::ReadHistogram(message.get_message(), &series_); !status.ok()) {
            valid_ = false;
            reason_ = status.error().message();
          }
          break;
        case Bytes(4):
          ReadExemplar(message.get_message());
          break;
        case Bytes(5):
          ReadMetadata(message.get_message());
          break;
        default:
          message.skip();
      }
    }
    valid_ = valid_ && series_.label_refs.size() % 2 == 0;
  }

  WriteRequestSink& sink_;
  std::vector<std::string_view> symbols_;
  std::vector<uint32_t> refs_;
  WriteSeries series_;
  bool valid_ = true;   // the series in hand
  std::string reason_;  // why it is not, when it is not for a symbol
};

}  // namespace

Status DecodeWriteRequestV2(std::string_view body, WriteRequestSink& sink) {
  try {
    return Decoder(sink).Decode(body);
  } catch (const protozero::exception& e) {
    return wire::Malformed(kMessage, e);
  }
}

}  // namespace tocsin::ingest
