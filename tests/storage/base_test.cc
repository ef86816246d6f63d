// Codings, checksums, compression, hashes, metrics: the small tools of storage/base.
#include <gtest/gtest.h>

#include <limits>

#include "storage/base/coding.h"
#include "storage/base/compression.h"
#include "storage/base/crypto.h"
#include "storage/base/file_system.h"
#include "storage/base/metrics.h"
#include "tests/support/temp_dir.h"

namespace tocsin {
namespace {

TEST(Coding, RoundTrips) {
  const uint64_t values[] = {0, 1, 127, 128, 300, 1ull << 32, std::numeric_limits<uint64_t>::max()};
  std::string bytes;
  for (uint64_t v : values) {
    PutVarint(bytes, v);
    PutOrderedVarint(bytes, v);
    PutBigEndian<uint64_t>(bytes, v);
    PutFixed<uint64_t>(bytes, v);
    PutZigZag(bytes, -static_cast<int64_t>(v / 2));
  }
  PutString(bytes, "name");
  ByteReader reader(bytes);
  for (uint64_t v : values) {
    EXPECT_EQ(reader.Varint(), v);
    EXPECT_EQ(reader.OrderedVarint(), v);
    EXPECT_EQ(reader.BigEndian<uint64_t>(), v);
    EXPECT_EQ(reader.Fixed<uint64_t>(), v);
    EXPECT_EQ(reader.ZigZagVarint(), -static_cast<int64_t>(v / 2));
  }
  EXPECT_EQ(reader.String(), "name");
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.done());
}

TEST(Coding, OrderedVarintSortsLikeTheNumber) {
  std::string last;
  for (uint64_t v : {0ull, 1ull, 255ull, 256ull, 65535ull, 65536ull, 1ull << 40, ~0ull}) {
    std::string key;
    PutOrderedVarint(key, v);
    EXPECT_LT(last, key);
    last = key;
  }
}

TEST(Coding, ReadersStopAtTheEnd) {
  ByteReader past(std::string_view("\x80\x80", 2));
  EXPECT_EQ(past.Varint(), 0u);
  EXPECT_FALSE(past.ok());
  ByteReader overlong(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
  overlong.Varint();
  EXPECT_FALSE(overlong.ok());
  ByteReader text(
      std::string_view("\x05"
                       "ab",
                       3));
  EXPECT_EQ(text.String(), "");
  EXPECT_FALSE(text.ok());
}

// Pinned: checksums and hashes are on disk.
TEST(Coding, HashesArePinned) {
  EXPECT_EQ(Hash64(""), 0x2D06800538D394C2ull);
  EXPECT_EQ(XxHash64(""), 0xEF46DB3751D8E999ull);
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const auto md5 = Md5("abc");
  EXPECT_EQ(HexLower(md5.data(), md5.size()), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(Base64("hello"), "aGVsbG8=");
}

TEST(Compression, RoundTripsAndBounds) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(*SnappyUncompress(SnappyCompress(text), text.size()), text);
  EXPECT_EQ(*ZstdUncompress(ZstdCompress(text, 1), text.size()), text);
  EXPECT_EQ(*GzipUncompress(GzipCompress(text), text.size()), text);
  EXPECT_EQ(SnappyUncompress(SnappyCompress(text), 99'999).error().code(), ErrorCode::kLimit);
  EXPECT_EQ(ZstdUncompress(ZstdCompress(text, 1), 99'999).error().code(), ErrorCode::kLimit);
  EXPECT_EQ(GzipUncompress(GzipCompress(text), 99'999).error().code(), ErrorCode::kLimit);
  EXPECT_FALSE(SnappyUncompress("garbage", 1 << 20).ok());
  EXPECT_FALSE(ZstdUncompress("garbage", 1 << 20).ok());
  EXPECT_FALSE(GzipUncompress("garbage", 1 << 20).ok());
  const std::string whole = GzipCompress(text);
  EXPECT_FALSE(GzipUncompress(whole.substr(0, whole.size() / 2), 1 << 20).ok());
}

TEST(Metrics, SerializesWhatWasCounted) {
  MetricRegistry registry;
  const Counter counter = registry.GetCounter("a_total", "Help.", {{"x", "1"}});
  counter.Add();
  registry.GetCounter("a_total", "Help.", {{"x", "1"}}).Add(2);
  registry.GetGauge("b", "Other.").Set(-1.5);
  registry.AddCallback("c", "Asked.", false, [] { return 7.0; });
  const std::string text = registry.Serialize();
  EXPECT_NE(text.find("# TYPE a_total counter\na_total{x=\"1\"} 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("b -1.5\n"), std::string::npos) << text;
  EXPECT_NE(text.find("c 7\n"), std::string::npos) << text;
  registry.Remove("a_total", {{"x", "1"}});
  registry.Remove("c", {});
  EXPECT_EQ(registry.Serialize().find("a_total"), std::string::npos);
  Counter().Add();  // a handle without a registry counts nothing
}

TEST(Metrics, ASummaryIsOneFamilyWithItsQuantiles) {
  MetricRegistry registry;
  const SummaryMetric summary = registry.GetSummary("s_seconds", "Help.", {0.5, 0.9}, {{"x", "1"}});
  EXPECT_NE(registry.Serialize().find("s_seconds{x=\"1\",quantile=\"0.5\"} Nan"),
            std::string::npos)
      << registry.Serialize();
  for (int i = 1; i <= 100; ++i) summary.Observe(i);
  const std::string text = registry.Serialize();
  EXPECT_NE(text.find("# TYPE s_seconds summary\n"), std::string::npos) << text;
  EXPECT_NE(text.find("s_seconds_count{x=\"1\"} 100\n"), std::string::npos) << text;
  EXPECT_NE(text.find("s_seconds_sum{x=\"1\"} 5050\n"), std::string::npos) << text;
  const std::string median = "s_seconds{x=\"1\",quantile=\"0.5\"} ";
  const size_t at = text.find(median);
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_NEAR(std::stod(text.substr(at + median.size())), 50, 6);
  registry.Remove("s_seconds", {{"x", "1"}});
  EXPECT_EQ(registry.Serialize(), "");
}

TEST(FileSystem, ReadsGlobsAndNamesWhatIsMissing) {
  testing::TempDir dir;
  const FileSystem& files = RealFileSystem();
  for (const char* name : {"b.yml", "a.yml"}) {
    FILE* file = fopen((dir / name).c_str(), "w");
    fputs(name, file);
    fclose(file);
  }
  EXPECT_EQ(files.Glob(dir / "*.yml"), (std::vector{dir / "a.yml", dir / "b.yml"}));
  EXPECT_EQ(files.Glob(dir / "none*"), std::vector<std::string>());
  EXPECT_EQ(*files.ReadFile(dir / "a.yml"), "a.yml");
  EXPECT_EQ(files.ReadFile(dir / "a.yml", 3).error().code(), ErrorCode::kLimit);
  EXPECT_EQ(files.ReadFile(dir / "none").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(ResolvePath("/etc/x.yml", "rules/a.yml"), "/etc/rules/a.yml");
  EXPECT_EQ(ResolvePath("x.yml", "a.yml"), "a.yml");
  EXPECT_EQ(ResolvePath("/etc/x.yml", "/a.yml"), "/a.yml");
}

}  // namespace
}  // namespace tocsin
