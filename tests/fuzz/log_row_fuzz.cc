// Rows of one epoch, one after the other: each with its length (u8) before it; length 255 means
// that rows are missing here.
#include "storage/codec/log_row.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/storage/codec_samples.h"

namespace tocsin::fuzz {
namespace {

using namespace storage;  // NOLINT: a test

constexpr uint8_t kHole = 255;

void AddRow(std::string& out, const std::string& row) {
  TOCSIN_CHECK(row.size() < kHole, "short rows");
  out.push_back(static_cast<char>(row.size()));
  out += row;
}

}  // namespace

void RunOne(std::string_view input) {
  LogRowDecoder decoder;
  ByteReader in(input);
  // A layout of four bytes may stand for millions of series, so that only so many are tried.
  for (int rows = 0; rows < 64 && !in.done(); ++rows) {
    const auto length = in.Fixed<uint8_t>();
    if (length == kHole) {
      decoder.Hole();
      continue;
    }
    LogRow row;
    const Status status = decoder.Decode(in.Bytes(std::min<size_t>(length, in.remaining())), &row);
    if (!status.ok()) continue;
    TOCSIN_CHECK(row.kind != LogRowKind::kTimeline || row.series.size() == row.values.size(),
                 "a value a series");
    TOCSIN_CHECK(row.starts.empty() || row.kind != LogRowKind::kTimeline ||
                     row.starts.size() == row.series.size(),
                 "a start a series");
  }
}

std::vector<std::string> Seeds() {
  testing::Engine rng(3);
  std::vector<std::string> out(2);
  OwnerLogState owner;
  std::vector<SeriesRef> ids;
  for (uint64_t i = 0; i < 12; ++i) ids.push_back({64 + i * (1 + i % 2)});
  std::string row;
  LogRowEncoder::Layout(64, owner, true, ids, row);
  AddRow(out[0], row);
  for (int i = 0; i < 3; ++i) {
    row.clear();
    LogRowEncoder::Timeline(64, owner, {i * 15000}, testing::AnySeries(rng, ids.size()), row);
    AddRow(out[0], row);
  }
  row.clear();
  LogRowEncoder::Timeline(64, owner, {60000}, std::vector<uint32_t>{1, 5},
                          std::vector<double>{1, 0.5}, row);
  AddRow(out[0], row);
  row.clear();
  ids.erase(ids.begin() + 3);
  LogRowEncoder::Layout(64, owner, false, ids, row);
  AddRow(out[0], row);
  out[0].push_back(static_cast<char>(kHole));
  row.clear();
  LogRowEncoder::Sparse(std::vector<SparseSample>{{{64}, {1}, 2}, {{64}, {2}, 3}, {{99}, {1}, 0.1}},
                        row);
  AddRow(out[1], row);
  row.clear();
  LogRowEncoder::Starts(std::vector<Timestamp>{{1}, {1}, {7}}, row);
  LogRowEncoder::Sparse(std::vector<SparseSample>{{{64}, {1}, 2}, {{64}, {2}, 3}, {{99}, {1}, 0.1}},
                        row);
  AddRow(out[1], row);
  row.clear();
  LogRowEncoder::Tombstone({1, {0}, {5}, 9, {{64}, {70}}}, row);
  AddRow(out[1], row);
  row.clear();
  LogRowEncoder::MetadataOf({"up", {MetricType::kGauge, "", "help"}}, row);
  AddRow(out[1], row);
  row.clear();
  LogRowEncoder::Owner(64, std::vector<uint64_t>{1, 2, 9}, row);
  AddRow(out[1], row);
  return out;
}

}  // namespace tocsin::fuzz
