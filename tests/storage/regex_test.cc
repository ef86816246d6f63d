#include "storage/model/regex.h"

#include <gtest/gtest.h>

#include "storage/model/matcher.h"

namespace tocsin {
namespace {

Regex Compiled(std::string_view pattern, Regex::Anchor anchor = Regex::Anchor::kFull) {
  auto regex = Regex::Compile(pattern, anchor);
  EXPECT_TRUE(regex.ok()) << pattern;
  return *regex;
}

TEST(Regex, AnchorsAndNewlines) {
  EXPECT_TRUE(Compiled("a.c").Matches("a\nc"));
  EXPECT_FALSE(Compiled("a.c").Matches("xabc"));
  EXPECT_FALSE(Compiled("a.c", Regex::Anchor::kFullNoDotNl).Matches("a\nc"));
  EXPECT_FALSE(Compiled(".*", Regex::Anchor::kFullNoDotNl).Matches("a\nc"));
  EXPECT_TRUE(Compiled("b", Regex::Anchor::kNone).Matches("abc"));
  EXPECT_TRUE(Compiled("").Matches(""));
  EXPECT_FALSE(Compiled("").Matches("x"));
}

// Each pattern has a shortcut; the same pattern behind (?:...){1} takes the automaton.
TEST(Regex, ShortcutsAgreeWithTheAutomaton) {
  const char* patterns[] = {"",       "a",       "a|b",     "(a|bc|)", "(?:a|b)", "a\\.b", ".*",
                            ".+",     "a.*",     "a.+",     ".*a",     ".+a",     ".*a.*", ".+a.+",
                            ".*a.+",  ".+a.*",   "a\\.*",   "a\\\\.*", ".*.*",    ".+.+",  "a\\|b",
                            "a|b\\|", "(a)|(b)", "(?i:ab)", "ab.+"};
  const char* texts[] = {"",    "a",   "b",  "ab",   "ba",   "bab",    "a.b", "a|b",
                         "aab", "bc",  "A",  "AB",   "a\n",  "\na",    "a.",  "a..",
                         "aa",  "a\\", "b|", "a\\x", "xaxx", "\u00e9", "xx"};
  for (const char* pattern : patterns) {
    const Regex quick = Compiled(pattern);
    const Regex slow = Compiled(std::string("(?:") + pattern + "){1}");
    EXPECT_TRUE(slow.literals().empty());
    for (const char* text : texts)
      EXPECT_EQ(quick.Matches(text), slow.Matches(text)) << pattern << " on " << text;
  }
}

TEST(Regex, ListsLiterals) {
  EXPECT_EQ(Compiled("b|a|b").literals(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(Compiled("(web\\.1|db)").literals(), (std::vector<std::string>{"db", "web.1"}));
  EXPECT_TRUE(Compiled("a|b.").literals().empty());
  EXPECT_TRUE(Compiled("a", Regex::Anchor::kNone).literals().empty());
}

TEST(Regex, ExpandsAsGo) {
  const Regex regex = Compiled("(?P<host>[^:]+):([0-9]+)");
  const std::pair<const char*, const char*> cases[] = {
      {"$1", "web"},      {"${1}x", "webx"}, {"$1x", ""},   {"$2-$host", "80-web"},
      {"${host}", "web"}, {"$$1", "$1"},     {"$", "$"},    {"${", "${"},
      {"${1", "${1"},     {"$9", ""},        {"$nope", ""}, {"a${0}b", "aweb:80b"},
      {"$01", ""},        {"$-", "$-"},      {"${}", "${}"}};
  for (const auto& [replacement, expected] : cases) {
    std::string out;
    ASSERT_TRUE(regex.Expand("web:80", replacement, &out));
    EXPECT_EQ(out, expected) << replacement;
  }
  std::string untouched = "x";
  EXPECT_FALSE(regex.Expand("web", "$1", &untouched));
  EXPECT_EQ(untouched, "x");
}

TEST(Regex, GoGroupNames) {
  std::string out;
  ASSERT_TRUE(Compiled("(?<a>x)y").Expand("xy", "$a", &out));
  EXPECT_EQ(out, "x");
  EXPECT_TRUE(Compiled("[(?<a]").Matches("<"));
}

TEST(Regex, ReplacesAll) {
  EXPECT_EQ(Compiled("a+", Regex::Anchor::kNone).ReplaceAll("baac a", "<$0>"), "b<aa>c <a>");
  EXPECT_EQ(Compiled("x*", Regex::Anchor::kNone).ReplaceAll("axb", "-"), "-a-b-");
  EXPECT_EQ(Compiled("", Regex::Anchor::kNone).ReplaceAll("\u00e9a", "-"), "-\u00e9-a-");
}

TEST(Regex, ErrorsReadAsGo) {
  const std::pair<const char*, const char*> cases[] = {
      {"(", "error parsing regexp: missing closing ): `^(?s:()$`"},
      {"*", "error parsing regexp: missing argument to repetition operator: `*`"},
      {"[a", "error parsing regexp: missing closing ]: `[a`"},
      {"a{2000}", "error parsing regexp: invalid repeat count: `{2000}`"},
      {"(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
  };
  for (const auto& [pattern, message] : cases) {
    const auto regex = Regex::Compile(pattern, Regex::Anchor::kFull);
    ASSERT_FALSE(regex.ok()) << pattern;
    EXPECT_EQ(regex.error().message(), message);
  }
}

TEST(Matcher, AllFourOperators) {
  const Labels labels{{"job", "web"}};
  const auto matches = [&](MatchOp op, const char* name, const char* value) {
    const std::vector<Matcher> matchers{*Matcher::Create(op, name, value)};
    return MatchesAll(matchers, labels);
  };
  EXPECT_TRUE(matches(MatchOp::kEqual, "job", "web"));
  EXPECT_TRUE(matches(MatchOp::kNotEqual, "job", "db"));
  EXPECT_TRUE(matches(MatchOp::kRegex, "job", "w.b"));
  EXPECT_FALSE(matches(MatchOp::kNotRegex, "job", "w.b"));
  // A missing label is the empty string.
  EXPECT_TRUE(matches(MatchOp::kEqual, "zone", ""));
  EXPECT_TRUE(matches(MatchOp::kNotEqual, "zone", "x"));
  EXPECT_TRUE(matches(MatchOp::kRegex, "zone", "x?"));
  EXPECT_FALSE(Matcher::Create(MatchOp::kRegex, "a", "(").ok());
  EXPECT_EQ(Matcher::Create(MatchOp::kNotRegex, "a.b", "x\"y")->ToString(), R"("a.b"!~"x\"y")");
}

}  // namespace
}  // namespace tocsin
