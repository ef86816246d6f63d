#include "alerting/matcher_parser.h"

#include <gtest/gtest.h>

namespace tocsin::alerting {
namespace {

// The matchers as they print, or the error.
std::string Read(std::string_view text) {
  const auto matchers = ParseMatchers(text);
  return matchers.ok() ? FormatMatchers(*matchers) : "error: " + matchers.error().message();
}

TEST(MatcherParser, Good) {
  const std::pair<const char*, const char*> table[] = {
      {"", "{}"},
      {"{}", "{}"},
      {R"(a="1")", R"({a="1"})"},
      {"a=1", R"({a="1"})"},
      {" a = 1 ", R"({a="1"})"},
      {R"({b=~"x|y",a!="1",})", R"({a!="1",b=~"x|y"})"},
      {R"(a!~"b.*" , c="")", R"({a!~"b.*",c=""})"},
      {"a=", R"({a=""})"},
      {R"(a="x,\"y\\z")", R"({a="x,\"y\\z"})"},
      {R"(a="x\ny")", R"({a="x\ny"})"},
      {R"(a="\d+")", R"({a="\\d+"})"},               // a classic backslash is itself
      {R"(a=b c)", R"({a="b c"})"},                  // classic only
      {R"("my label"="v")", R"({"my label"="v"})"},  // UTF-8 only
      {"caf\xc3\xa9=x", "{caf\xc3\xa9=\"x\"}"},
      {R"(a=~"(?i)ABC")", R"({a=~"(?i)ABC"})"},
      {"a=b{}", R"({a="b{"})"},  // the classic reading drops a closing brace at the end
  };
  for (const auto& [text, want] : table) EXPECT_EQ(Read(text), want) << text;
}

TEST(MatcherParser, Bad) {
  const std::pair<const char*, const char*> table[] = {
      {"a", "error: bad matcher format: a: expected an operator, one of = != =~ !~"},
      {"bad matcher", "error: bad matcher format: bad matcher: invalid label name"},
      {R"(a="b)",
       R"(error: bad matcher format: a="b: matcher value contains unescaped double quote)"},
      {R"(a=b")",
       R"(error: bad matcher format: a=b": matcher value contains unescaped double quote)"},
      {"=x", "error: bad matcher format: =x: invalid label name"},
      {"a=1,,b=2", "error: bad matcher format: : invalid label name"},
  };
  for (const auto& [text, want] : table) EXPECT_EQ(Read(text), want) << text;
  EXPECT_FALSE(ParseMatchers(R"(a=~"(")").ok());
  EXPECT_FALSE(ParseMatchers("a=\"\xff\"").ok());
}

TEST(MatcherParser, OneAlone) {
  EXPECT_EQ(FormatMatcher(*ParseMatcher("a=~b,c")), R"(a=~"b,c")");
  EXPECT_EQ(FormatMatcher(*ParseMatcher(R"("x y"!=z)")), R"("x y"!="z")");
  EXPECT_FALSE(ParseMatcher("{a=b}").ok());
  EXPECT_FALSE(ParseMatcher("").ok());
}

TEST(MatcherParser, RegexIsAnchoredAndDotStopsAtNewline) {
  const Matcher m = *ParseMatcher("a=~x.y");
  EXPECT_TRUE(m.Matches("x-y"));
  EXPECT_FALSE(m.Matches("xx-y"));
  EXPECT_FALSE(m.Matches("x\ny"));
}

TEST(MatcherParser, AbsentIsEmpty) {
  const Labels none;
  for (const char* text : {R"(x="")", R"(x!="1")", R"(x!~"a.*")", R"(x=~"|a")"}) {
    EXPECT_TRUE(MatchesAll(*ParseMatchers(text), none)) << text;
  }
  EXPECT_FALSE(MatchesAll(*ParseMatchers(R"(x=~"a?b")"), none));
}

}  // namespace
}  // namespace tocsin::alerting
