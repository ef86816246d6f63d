#include "query/parser/token.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/model/matcher.h"

namespace tocsin::query {

namespace {

using Keyword = std::pair<std::string_view, TokenType>;

// Sorted by word.
constexpr std::array kKeywords = {
    Keyword{"anchored", TokenType::kAnchored},
    Keyword{"and", TokenType::kAnd},
    Keyword{"atan2", TokenType::kAtan2},
    Keyword{"avg", TokenType::kAvg},
    Keyword{"bool", TokenType::kBool},
    Keyword{"bottomk", TokenType::kBottomk},
    Keyword{"by", TokenType::kBy},
    Keyword{"count", TokenType::kCount},
    Keyword{"count_values", TokenType::kCountValues},
    Keyword{"end", TokenType::kEnd},
    Keyword{"fill", TokenType::kFill},
    Keyword{"fill_left", TokenType::kFillLeft},
    Keyword{"fill_right", TokenType::kFillRight},
    Keyword{"group", TokenType::kGroup},
    Keyword{"group_left", TokenType::kGroupLeft},
    Keyword{"group_right", TokenType::kGroupRight},
    Keyword{"ignoring", TokenType::kIgnoring},
    Keyword{"inf", TokenType::kNumber},
    Keyword{"limit_ratio", TokenType::kLimitRatio},
    Keyword{"limitk", TokenType::kLimitk},
    Keyword{"max", TokenType::kMax},
    Keyword{"max_of", TokenType::kMaxOf},
    Keyword{"min", TokenType::kMin},
    Keyword{"min_of", TokenType::kMinOf},
    Keyword{"nan", TokenType::kNumber},
    Keyword{"offset", TokenType::kOffset},
    Keyword{"on", TokenType::kOn},
    Keyword{"or", TokenType::kOr},
    Keyword{"quantile", TokenType::kQuantile},
    Keyword{"range", TokenType::kRange},
    Keyword{"smoothed", TokenType::kSmoothed},
    Keyword{"start", TokenType::kStart},
    Keyword{"stddev", TokenType::kStddev},
    Keyword{"stdvar", TokenType::kStdvar},
    Keyword{"step", TokenType::kStep},
    Keyword{"sum", TokenType::kSum},
    Keyword{"topk", TokenType::kTopk},
    Keyword{"unless", TokenType::kUnless},
    Keyword{"without", TokenType::kWithout},
};
static_assert(std::is_sorted(kKeywords.begin(), kKeywords.end(),
                             [](const Keyword& a, const Keyword& b) { return a.first < b.first; }));

constexpr size_t kLongestKeyword = 12;

// The text in Go quotes, cut after ten characters.
std::string ShortQuoted(std::string_view text) {
  if (text.size() <= 10) {
    std::string out;
    AppendGoQuoted(out, text);
    return out;
  }
  size_t cut = 0;
  for (int runes = 0; runes < 10 && cut < text.size(); ++runes) {
    ++cut;
    while (cut < text.size() && (text[cut] & 0xc0) == 0x80) ++cut;
  }
  std::string out;
  AppendGoQuoted(out, text.substr(0, cut));
  return out + "...";
}

std::string Quoted(std::string_view text) {
  std::string out;
  AppendGoQuoted(out, text);
  return out;
}

}  // namespace

TokenType KeywordType(std::string_view word) {
  if (word.size() > kLongestKeyword) return TokenType::kIdentifier;
  char lower[kLongestKeyword];
  for (size_t i = 0; i < word.size(); ++i) {
    lower[i] = word[i] >= 'A' && word[i] <= 'Z' ? static_cast<char>(word[i] + 32) : word[i];
  }
  const std::string_view key(lower, word.size());
  const auto* found =
      std::lower_bound(kKeywords.begin(), kKeywords.end(), key,
                       [](const Keyword& k, std::string_view w) { return k.first < w; });
  return found != kKeywords.end() && found->first == key ? found->second : TokenType::kIdentifier;
}

bool CanBeMetricName(TokenType type) {
  switch (type) {
    case TokenType::kIdentifier:
    case TokenType::kMetricIdentifier:
    case TokenType::kAnd:
    case TokenType::kOr:
    case TokenType::kUnless:
    case TokenType::kBy:
    case TokenType::kWithout:
    case TokenType::kOffset:
    case TokenType::kAnchored:
    case TokenType::kSmoothed:
      return true;
    default:
      return IsAggregateToken(type) || (type >= TokenType::kStart && type <= TokenType::kMaxOf);
  }
}

bool CanBeLabel(TokenType type) {
  switch (type) {
    case TokenType::kBool:
    case TokenType::kOn:
    case TokenType::kIgnoring:
    case TokenType::kGroupLeft:
    case TokenType::kGroupRight:
    case TokenType::kFill:
    case TokenType::kFillLeft:
    case TokenType::kFillRight:
    case TokenType::kAtan2:
      return true;
    default:
      return CanBeMetricName(type);
  }
}

std::string DescribeToken(const Token& token) {
  switch (token.type) {
    case TokenType::kEof:
      return "end of input";
    case TokenType::kIdentifier:
      return "identifier " + Quoted(token.text);
    case TokenType::kMetricIdentifier:
      return "metric identifier " + Quoted(token.text);
    case TokenType::kNumber:
      return "number " + ShortQuoted(token.text);
    case TokenType::kDuration:
      return "duration " + ShortQuoted(token.text);
    case TokenType::kString:
      return "string " + ShortQuoted(token.text);
    default:
      break;
  }
  const std::string text(token.text);
  if (IsKeywordToken(token.type)) return "<" + text + ">";
  if (IsOperatorToken(token.type)) return "<op:" + text + ">";
  if (IsAggregateToken(token.type)) return "<aggr:" + text + ">";
  return ShortQuoted(token.text);
}

}  // namespace tocsin::query
