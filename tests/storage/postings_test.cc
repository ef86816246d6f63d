// Selecting series by matchers, against looking at every series.
#include "storage/postings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "storage/model/matcher.h"
#include "storage/symbols.h"

namespace tocsin::storage {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class PostingsTest : public ::testing::Test {
 protected:
  void Add(const Pairs& labels) {
    std::vector<SymbolPair> pairs;
    for (const auto& [name, value] : labels)
      pairs.push_back({symbols_.Add(name), symbols_.Add(value)});
    postings_.Add(static_cast<uint32_t>(series_.size()), pairs);
    series_.push_back(labels);
  }
  std::vector<uint32_t> ByHand(const std::vector<Matcher>& matchers) const {
    std::vector<uint32_t> out;
    for (uint32_t i = 0; i < series_.size(); ++i) {
      const bool all = std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& m) {
        std::string value;
        for (const auto& [name, text] : series_[i]) {
          if (name == m.name()) value = text;
        }
        return m.Matches(value);
      });
      if (all) out.push_back(i);
    }
    return out;
  }

  SymbolTable symbols_;
  Postings postings_{symbols_};
  std::vector<Pairs> series_;
};

TEST_F(PostingsTest, SelectsWhatMatches) {
  // Everybody's label, one of few values, one of many, and one that not all have.
  for (int i = 0; i < 3000; ++i) {
    Pairs labels = {
        {"job", "fleet"}, {"host", "h" + std::to_string(i % 20)}, {"id", "i" + std::to_string(i)}};
    if (i % 3 == 0) labels.emplace_back("extra", "e" + std::to_string(i % 7));
    Add(labels);
  }
  const std::vector<std::pair<std::string, std::vector<std::string>>> kValues = {
      {"job", {"fleet", "other", "f.*", ""}},
      {"host", {"h1", "h1|h2|h3|h4", "h.*", "h1.", "nope", "h19|nope", ".+"}},
      {"id", {"i7", "i1|i2|i2999|i1501", "i1.*", "i29..", ""}},
      {"extra", {"e1", "e1|e2", ".*", "", ".+", "e[3-5]"}},
      {"absent", {"x", "", ".*"}}};
  std::mt19937 random(20261120);
  for (int round = 0; round < 3000; ++round) {
    std::vector<Matcher> matchers;
    for (size_t n = 1 + random() % 3; n > 0; --n) {
      const auto& [name, values] = kValues[random() % kValues.size()];
      matchers.push_back(*Matcher::Create(static_cast<MatchOp>(random() % 4), name,
                                          values[random() % values.size()]));
    }
    std::string text;
    for (const Matcher& m : matchers) text += m.ToString() + " ";
    ASSERT_EQ(postings_.Select(matchers), ByHand(matchers)) << text;
  }
  EXPECT_EQ(postings_.Select({}).size(), 3000u);
}

TEST_F(PostingsTest, WithoutSeriesNothingIsFound) {
  EXPECT_TRUE(postings_.Select({}).empty());
  EXPECT_TRUE(postings_.Select(std::vector{Matcher(MatchOp::kNotEqual, "a", "b")}).empty());
}

}  // namespace
}  // namespace tocsin::storage
