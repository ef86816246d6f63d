#include "storage/model/labels.h"

#include <gtest/gtest.h>

#include "storage/model/matcher.h"

namespace tocsin {
namespace {

TEST(Labels, SortsDropsEmptyAndKeepsTheLastOfEqualNames) {
  const Labels labels{{"b", "1"}, {"a", "x"}, {"empty", ""}, {"b", "2"}};
  EXPECT_EQ(labels.ToString(), R"({a="x", b="2"})");
  EXPECT_EQ(labels.size(), 2u);
  EXPECT_FALSE(labels.Has("empty"));
  EXPECT_EQ(labels.Get("b"), "2");
  EXPECT_EQ(labels.Get("zz"), "");
}

TEST(Labels, PrintsAsPrometheusDoes) {
  EXPECT_EQ(Labels().ToString(), "{}");
  EXPECT_EQ(Labels({{"__name__", "up"}}).ToString(), "up");
  EXPECT_EQ(Labels({{"__name__", "up"}, {"job", "a\"b\n"}}).ToString(), R"(up{job="a\"b\n"})");
  EXPECT_EQ(Labels({{"__name__", "my.name"}, {"x.y", "1"}}).ToString(),
            R"({"my.name", "x.y"="1"})");
  EXPECT_EQ(Labels({{"__name__", "up"}, {"job", "a"}}).ToSetString(),
            R"({__name__="up", job="a"})");
}

TEST(Labels, LongNamesAndValuesSurvivePacking) {
  const std::string name(300, 'n'), value(70000, 'v');
  const Labels labels{{name, value}, {"a", "1"}};
  EXPECT_EQ(labels.Get(name), value);
  EXPECT_EQ(Labels::FromPacked(labels.packed()), labels);
  EXPECT_EQ(Labels::FromPacked(labels.packed()).Hash(), labels.Hash());
}

TEST(Labels, OrderIsPairByPairAndAPrefixComesFirst) {
  EXPECT_LT(Labels({{"a", "1"}}), Labels({{"a", "1"}, {"b", "1"}}));
  EXPECT_LT(Labels({{"a", "1"}, {"b", "2"}}), Labels({{"a", "2"}}));
  // By bytes of the packed form the longer name would come last.
  EXPECT_LT(Labels({{"aaa", "1"}}), Labels({{"b", "1"}}));
  EXPECT_EQ(Labels() <=> Labels(), std::strong_ordering::equal);
}

TEST(Labels, KeepAndWithout) {
  const Labels labels{{"__name__", "m"}, {"a", "1"}, {"b", "2"}, {"c", "3"}};
  EXPECT_EQ(labels.Keep({"__name__", "b", "x"}), Labels({{"__name__", "m"}, {"b", "2"}}));
  EXPECT_EQ(labels.Without({"b"}), Labels({{"a", "1"}, {"c", "3"}}));
  EXPECT_EQ(labels.WithoutName(), Labels({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  // Names that sort before __name__ must survive.
  EXPECT_EQ(Labels({{"A", "1"}, {"__name__", "m"}, {"b", "2"}}).WithoutName(),
            Labels({{"A", "1"}, {"b", "2"}}));
}

TEST(Labels, FingerprintIsAlertmanagers) {
  // FNV-1a of nothing is its offset basis.
  EXPECT_EQ(Labels().Fingerprint(), 14695981039346656037u);
  EXPECT_NE(Labels({{"a", "bc"}}).Fingerprint(), Labels({{"ab", "c"}}).Fingerprint());
}

TEST(LabelsBuilder, SetDeleteReset) {
  LabelsBuilder builder(Labels{{"a", "1"}, {"b", "2"}, {"c", "3"}});
  builder.Set("b", "").Set("d", "4").Set("a", "9").Del("nothing");
  EXPECT_EQ(builder.Get("a"), "9");
  EXPECT_EQ(builder.Build(), Labels({{"a", "9"}, {"c", "3"}, {"d", "4"}}));
  builder.Reset();
  EXPECT_TRUE(builder.Build().empty());
}

TEST(Utf8, AcceptsAndRefuses) {
  EXPECT_TRUE(IsValidUtf8("plain ascii, longer than eight bytes"));
  EXPECT_TRUE(IsValidUtf8("\u00e9\u20ac\U0001f600"));
  for (const char* bad : {"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xe2\x82", "12345678\xff"})
    EXPECT_FALSE(IsValidUtf8(bad)) << bad;
}

TEST(Names, LegacyPatterns) {
  EXPECT_TRUE(IsLegacyLabelName("_a1"));
  EXPECT_FALSE(IsLegacyLabelName("a:b"));
  EXPECT_TRUE(IsLegacyMetricName("a:b"));
  EXPECT_FALSE(IsLegacyMetricName("1a"));
  EXPECT_FALSE(IsLegacyMetricName(""));
}

TEST(GoQuoted, EscapesAsStrconvQuote) {
  const auto quoted = [](std::string_view text) {
    std::string out;
    AppendGoQuoted(out, text);
    return out;
  };
  EXPECT_EQ(quoted("a\"b\\c\n\t\x01\x7f"), R"("a\"b\\c\n\t\x01\x7f")");
  EXPECT_EQ(quoted("\u00e9 \U0001f600"), "\"\u00e9 \U0001f600\"");
  EXPECT_EQ(quoted("\u00a0\u200b\ufeff"), R"("\u00a0\u200b\ufeff")");
  EXPECT_EQ(quoted("\xff\xc3"), R"("\xff\xc3")");
}

}  // namespace
}  // namespace tocsin
