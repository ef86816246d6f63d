// Pages read along the layout of the page before.
#include "ingest/scrape/page_reader.h"

#include <gtest/gtest.h>

#include "ingest/scrape/target_series.h"
#include "tests/support/memory_appendable.h"

namespace tocsin::ingest {
namespace {

using testing::MemoryAppendable;

constexpr Timestamp kStart{1'700'000'000'000};

class PageTest : public ::testing::Test {
 protected:
  // One scrape at kStart + seconds; returns its page.
  Page Scrape(int seconds, std::string_view body) {
    auto appender = store_.NewAppender();
    EXPECT_TRUE(series_.Prepare(*appender).ok());
    Page page = ReadPage(body, PageFormat::kText, series_.layout(),
                         {true, limit_, max_lines_, max_new_}, labels_, metadata_);
    ScrapeReport report;
    report.up = page.status.ok();
    const Timestamp t = kStart + Duration{seconds * 1000};
    outcome_ = page.status.ok() ? series_.WritePage(*appender, t, page, report)
                                : series_.WriteFailure(*appender, t, report);
    appender->Commit([](const storage::CommitResult&) {});
    return page;
  }
  std::string Timeline(const std::string& series) const { return store_.Timeline(series, kStart); }

  ScrapeConfig config_;
  Labels target_{{"job", "j"}, {"instance", "i"}};
  uint64_t limit_ = 0, max_lines_ = 1000, max_new_ = 1000;
  MemoryAppendable store_;
  FamilyPool pool_;
  MetadataCache metadata_{pool_};
  SampleLabels labels_{config_, target_};
  TargetSeries series_{target_, kBasicReportSeries, false};
  TargetSeries::Outcome outcome_;
};

TEST_F(PageTest, FollowsAnUnchangedPageWithoutResolving) {
  EXPECT_FALSE(Scrape(0, "a{x=\"1\"} 1\na{x=\"2\"} 2\nb 3\n").follows_layout);
  EXPECT_EQ(outcome_.added, 3u);
  const int resolves = store_.resolves();
  for (int i = 1; i < 5; ++i) {
    const Page page = Scrape(i, "a{x=\"1\"} 1\na{x=\"2\"} 2\nb 4\n");
    EXPECT_TRUE(page.follows_layout);
    EXPECT_EQ(page.scraped, 3u);
    EXPECT_EQ(outcome_.added, 0u);
  }
  EXPECT_EQ(store_.resolves(), resolves);
  EXPECT_EQ(Timeline("b{instance=\"i\", job=\"j\"}"), "0=3 1000=4 2000=4 3000=4 4000=4");
}

TEST_F(PageTest, MarksWhatVanishes) {
  Scrape(0, "a 1\nb 1\nc 1\n");
  Scrape(1, "a 1\nc 1\n");  // middle
  Scrape(2, "a 1\n");       // end
  Scrape(3, "");            // all
  Scrape(4, "c 1\na 1\n");  // back in another order
  EXPECT_EQ(Timeline("a{instance=\"i\", job=\"j\"}"), "0=1 1000=1 2000=1 3000=stale 4000=1");
  EXPECT_EQ(Timeline("b{instance=\"i\", job=\"j\"}"), "0=1 1000=stale");
  EXPECT_EQ(Timeline("c{instance=\"i\", job=\"j\"}"), "0=1 1000=1 2000=stale 4000=1");
  EXPECT_EQ(Timeline("up{instance=\"i\", job=\"j\"}"), "0=1 1000=1 2000=1 3000=1 4000=1");
}

TEST_F(PageTest, AFailureMarksOnceAndKeepsTheCache) {
  Scrape(0, "a 1\n");
  Scrape(1, "a oops\n");
  Scrape(2, "a oops\n");
  const int resolves = store_.resolves();
  EXPECT_TRUE(Scrape(3, "a 2\n").follows_layout);
  EXPECT_EQ(store_.resolves(), resolves);
  EXPECT_EQ(Timeline("a{instance=\"i\", job=\"j\"}"), "0=1 1000=stale 3000=2");
  EXPECT_EQ(Timeline("up{instance=\"i\", job=\"j\"}"), "0=1 1000=0 2000=0 3000=1");
}

TEST_F(PageTest, DropsARepeatedSeries) {
  Page page = Scrape(0, "a 1\nb 5\na 2\n");
  EXPECT_EQ(page.repeats, 1u);
  page = Scrape(1, "a 3\nb 5\na 4\n");
  EXPECT_TRUE(page.follows_layout);
  EXPECT_EQ(page.repeats, 1u);
  EXPECT_EQ(page.kept, 3u);
  EXPECT_EQ(Timeline("a{instance=\"i\", job=\"j\"}"), "0=1 1000=3");
  // Label order does not make another series.
  page = Scrape(2, "c{x=\"1\",y=\"2\"} 1\nc{y=\"2\",x=\"1\"} 2\n");
  EXPECT_EQ(page.repeats, 1u);
}

TEST_F(PageTest, OwnTimestampsGetNoMarkers) {
  Scrape(0, "a 1 1699999999000\nb 1\n");
  EXPECT_TRUE(Scrape(1, "a 2 1700000000500\nb 1\n").follows_layout);
  // The same line without a timestamp is another kind of line.
  EXPECT_FALSE(Scrape(2, "a 3\nb 1\n").follows_layout);
  Scrape(3, "b 1\n");
  EXPECT_EQ(Timeline("a{instance=\"i\", job=\"j\"}"), "-1000=1 500=2 2000=3 3000=stale");
  Scrape(4, "a 4 1700000003500\n");
  Scrape(5, "");
  EXPECT_EQ(Timeline("a{instance=\"i\", job=\"j\"}"), "-1000=1 500=2 2000=3 3000=stale 3500=4");
}

TEST_F(PageTest, ASampleLimitRefusesThePageAndMakesNoSeries) {
  limit_ = 2;
  const int before = store_.resolves();
  const Page page = Scrape(0, "a 1\nb 1\nc 1\nd 1\n");
  EXPECT_EQ(page.status.error().message(), "sample limit exceeded");
  EXPECT_EQ(page.limit, PageLimit::kSamples);
  EXPECT_EQ(page.scraped, 4u);
  EXPECT_EQ(page.kept, 4u);
  EXPECT_EQ(store_.resolves() - before, 5);  // the report series only
}

TEST_F(PageTest, AFullStoreRefusesNewSeriesOnly) {
  store_.SetSeriesLimit(6);
  Scrape(0, "a 1\nb 1\n");
  EXPECT_EQ(outcome_.refused_series, 1u);
  store_.SetSeriesLimit(7);
  Scrape(1, "a 2\nb 2\n");
  EXPECT_EQ(Timeline("a{instance=\"i\", job=\"j\"}"), "0=1 1000=2");
  EXPECT_EQ(Timeline("b{instance=\"i\", job=\"j\"}"), "1000=2");
}

TEST_F(PageTest, FamiliesOfFailingPagesAreForgottenToo) {
  Scrape(0, "# TYPE good gauge\ngood 1\n");
  for (int i = 1; i < 200; ++i) {
    const std::string n = std::to_string(i);
    EXPECT_FALSE(Scrape(i, "# TYPE t" + n + " gauge\n# HELP t" + n + " x\nbroken{\n").status.ok());
  }
  EXPECT_LE(metadata_.size(), 25u);
  Scrape(200, "# TYPE good counter\ngood 1\n");
  EXPECT_NE(metadata_.Find("good"), nullptr);
}

TEST_F(PageTest, MetadataOfATargetHasALimit) {
  std::string page = "# TYPE first gauge\n";
  const size_t families = 2 * MetadataCache::kMaxFamilies;
  for (size_t i = 0; i < families; ++i) page += "# TYPE t" + std::to_string(i) + " gauge\n";
  for (int i = 0; i < 3; ++i) {
    Scrape(i, page);
    EXPECT_EQ(metadata_.size(), MetadataCache::kMaxFamilies);
    EXPECT_EQ(metadata_.TakeRefused() % (families + 1 - MetadataCache::kMaxFamilies), 0u);
    EXPECT_NE(metadata_.Find("first"), nullptr);
  }
  // Help of any length.
  for (int i = 3; i < 100; ++i)
    Scrape(i, "# HELP x" + std::to_string(i) + " " + std::string(1 << 20, 'h') + "\n");
  size_t bytes = 0;
  metadata_.ForEach([&](const SharedFamily& family) { bytes += family->metadata.help.size(); });
  EXPECT_LE(bytes, MetadataCache::kMaxBytes);
  EXPECT_GT(metadata_.TakeRefused(), 0u);
}

TEST_F(PageTest, APageWithTooManyLinesIsRefusedAndMakesNoSeries) {
  max_lines_ = 3;
  const int before = store_.resolves();
  const Page page = Scrape(0, "a 1\nb 1\nc 1\nd 1\n");
  EXPECT_EQ(page.status.error().message(), "more than 3 samples on a page");
  EXPECT_EQ(page.limit, PageLimit::kSamples);
  EXPECT_LE(page.lines.size(), 3u);
  EXPECT_EQ(store_.resolves() - before, 5);  // the report series only
  EXPECT_TRUE(Scrape(1, "a 1\nb 1\nc 1\n").status.ok());
  // Comments and blank lines are none; a page is refused before it is read.
  EXPECT_TRUE(Scrape(2, "# x\n\na 1\n  \t\n # TYPE b gauge\n\n\n# y\nb 1\nc 1").status.ok());
  EXPECT_EQ(Scrape(3, "broken{\na 1\nb 1\nc 1\n").status.error().message(),
            "more than 3 samples on a page");
  EXPECT_EQ(Scrape(4, "# x\n\na 1\nb 1\nc 1\nd 1").status.error().message(),
            "more than 3 samples on a page");
}

TEST_F(PageTest, NewSeriesBeyondWhatAStoreTakesAreLeftOut) {
  max_new_ = 2;
  Page page = Scrape(0, "a 1\na 1\na 1\nb 1\nc 1\nc 2\nd 1\n");
  EXPECT_TRUE(page.status.ok());
  EXPECT_EQ(page.labels.size(), 2u);
  EXPECT_EQ(page.lines.size(), 4u);
  EXPECT_EQ(page.kept, 7u);
  EXPECT_EQ(outcome_.added, 2u);
  EXPECT_EQ(outcome_.refused_series, 3u);
  EXPECT_EQ(page.repeats, 2u);
  // The next ones have their turn.
  Scrape(1, "a 1\nb 1\nc 1\nd 1\n");
  EXPECT_EQ(outcome_.refused_series, 0u);
  EXPECT_EQ(Timeline("d{instance=\"i\", job=\"j\"}"), "1000=1");
}

TEST_F(PageTest, AnExposedReportSeriesLosesToTheReal) {
  const Page page = Scrape(0, "up{instance=\"\",job=\"\"} 17\na 1\n");
  EXPECT_EQ(page.repeats, 1u);
  EXPECT_EQ(Timeline("up{instance=\"i\", job=\"j\"}"), "0=1");
}

TEST_F(PageTest, SuccessorMarksWhatItsPredecessorHad) {
  Scrape(0, "a 1\nb 1\n");
  std::vector<SeriesRef> refs = series_.Release();
  EXPECT_EQ(refs.size(), kBasicReportSeries + 2);
  series_.Adopt(std::move(refs));
  Scrape(1, "b 2\n");
  EXPECT_EQ(Timeline("a{instance=\"i\", job=\"j\"}"), "0=1 1000=stale");
  EXPECT_EQ(Timeline("b{instance=\"i\", job=\"j\"}"), "0=1 1000=2");
  EXPECT_EQ(Timeline("up{instance=\"i\", job=\"j\"}"), "0=1 1000=1");
}

TEST_F(PageTest, MetadataIsSaidOnceAndForgottenAfterTenPages) {
  Scrape(0, "# TYPE a counter\n# HELP a text\na 1\n");
  auto changed = metadata_.TakeChanged();
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(changed[0]->metadata, (Metadata{MetricType::kCounter, "", "text"}));
  Scrape(1, "# TYPE a counter\n# HELP a text\na 1\n");
  EXPECT_TRUE(metadata_.TakeChanged().empty());
  Scrape(2, "# TYPE a counter\n# HELP a other\na 1\n");
  EXPECT_EQ(metadata_.TakeChanged().size(), 1u);
  for (int i = 3; i < 40; ++i) Scrape(i, "a 1\n");
  EXPECT_EQ(metadata_.size(), 0u);
}

TEST_F(PageTest, BucketsAreNormalisedByType) {
  Scrape(0, "# TYPE h histogram\nh_bucket{le=\"1\"} 1\n# TYPE u untyped\nu{le=\"1\"} 1\n");
  EXPECT_EQ(Timeline("h_bucket{instance=\"i\", job=\"j\", le=\"1.0\"}"), "0=1");
  EXPECT_EQ(Timeline("u{instance=\"i\", job=\"j\", le=\"1\"}"), "0=1");
}

TEST(PageLayout, FrontCodingRoundTrips) {
  const std::vector<std::string> texts = {"abc", "abd", "ab", "", "abcdef", "abcdef", "x"};
  PageLayout::Builder builder(std::vector<SeriesRef>{{90}, {91}});
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto kind = static_cast<LineKind>(i % 4);
    builder.Add(texts[i], kind, {i + 1});
  }
  const PageLayout layout = builder.Build();
  EXPECT_EQ(layout.head(), 2u);
  EXPECT_EQ(layout.lines(), texts.size());
  PageLayout::Cursor cursor(layout);
  for (size_t i = 0; i < texts.size(); ++i) {
    ASSERT_TRUE(cursor.Next());
    EXPECT_EQ(cursor.text(), texts[i]);
    EXPECT_EQ(cursor.kind(), static_cast<LineKind>(i % 4));
    if (i % 4 < 2) {
      EXPECT_EQ(cursor.ref().id, i + 1);
    }
  }
  EXPECT_FALSE(cursor.Next());
}

}  // namespace
}  // namespace tocsin::ingest
