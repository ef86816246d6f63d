#include "storage/model/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <optional>

namespace tocsin {
namespace {

constexpr std::string_view kMeta = "\\.+*?()|[]{}^$";
// Enough for every expression people write; a larger program is refused by RE2.
constexpr int64_t kMaxRegexMemory = 8 << 20;
constexpr int kMaxGroups = 64;

bool IsNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The text that a pattern without operators stands for; nothing when it has operators.
std::optional<std::string> LiteralOf(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      if (++i == pattern.size() || kMeta.find(pattern[i]) == std::string_view::npos) return {};
    } else if (kMeta.find(pattern[i]) != std::string_view::npos) {
      return {};
    }
    out += pattern[i];
  }
  return out;
}

// The alternatives of `a|b|c`, `(a|b|c)` or `(?:a|b|c)`, sorted; empty when it is something else.
std::vector<std::string> LiteralAlternatives(std::string_view pattern) {
  if (pattern.size() >= 2 && pattern.front() == '(' && pattern.back() == ')') {
    pattern = pattern.substr(1, pattern.size() - 2);
    if (pattern.starts_with("?:")) pattern.remove_prefix(2);
  }
  std::vector<std::string> out;
  for (size_t start = 0; start <= pattern.size();) {
    size_t end = start;
    while (end < pattern.size() && pattern[end] != '|') end += pattern[end] == '\\' ? 2 : 1;
    end = std::min(end, pattern.size());
    auto literal = LiteralOf(pattern.substr(start, end - start));
    if (!literal) return {};
    out.push_back(*std::move(literal));
    start = end + 1;
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// `.*x.*` and its kin, which need no automaton. kAny: `.*`, kSome: `.+`.
struct Affix {
  enum class Gap { kNone, kAny, kSome };
  Gap before = Gap::kNone, after = Gap::kNone;
  std::string literal;
};

Affix::Gap TakeGap(std::string_view* pattern, bool front) {
  if (pattern->size() < 2) return Affix::Gap::kNone;
  const std::string_view part =
      front ? pattern->substr(0, 2) : pattern->substr(pattern->size() - 2);
  if (part != ".*" && part != ".+") return Affix::Gap::kNone;
  if (front) {
    pattern->remove_prefix(2);
  } else {
    pattern->remove_suffix(2);
  }
  return part == ".*" ? Affix::Gap::kAny : Affix::Gap::kSome;
}

std::optional<Affix> AffixOf(std::string_view pattern) {
  Affix affix;
  affix.before = TakeGap(&pattern, true);
  // A `\` before the last gap makes its dot a literal: LiteralOf then ends in a lone backslash.
  affix.after = TakeGap(&pattern, false);
  if (affix.before == Affix::Gap::kNone && affix.after == Affix::Gap::kNone) return {};
  auto literal = LiteralOf(pattern);
  if (!literal) return {};
  // `.+.+` counts characters, the gaps count bytes.
  if (literal->empty() && affix.before != Affix::Gap::kNone && affix.after != Affix::Gap::kNone)
    return {};
  affix.literal = *std::move(literal);
  return affix;
}

bool FillsGap(Affix::Gap gap, size_t bytes) {
  return gap == Affix::Gap::kAny || (gap == Affix::Gap::kNone ? bytes == 0 : bytes > 0);
}

bool MatchesAffix(const Affix& affix, std::string_view text) {
  const std::string& literal = affix.literal;
  if (text.size() < literal.size()) return false;
  if (affix.before == Affix::Gap::kNone)
    return text.starts_with(literal) && FillsGap(affix.after, text.size() - literal.size());
  if (affix.after == Affix::Gap::kNone)
    return text.ends_with(literal) && FillsGap(affix.before, text.size() - literal.size());
  const size_t first = affix.before == Affix::Gap::kSome ? 1 : 0;
  const size_t spare = affix.after == Affix::Gap::kSome ? 1 : 0;
  const size_t at = text.find(literal, first);
  return at != std::string_view::npos && at + literal.size() + spare <= text.size();
}

// Go reads (?<name>...) as (?P<name>...); this RE2 knows the second only.
std::string WithGoGroupNames(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    out += pattern[i];
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      out += pattern[++i];
    } else if (in_class) {
      in_class = pattern[i] != ']';
    } else if (pattern[i] == '[') {
      in_class = true;
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out += pattern[++i];
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') out += pattern[++i];
    } else if (pattern.substr(i).starts_with("(?<") && i + 3 < pattern.size() &&
               IsNameChar(pattern[i + 3])) {
      out += "?P<";
      i += 2;
    }
  }
  return out;
}

std::string GoErrorText(const RE2& re, std::string_view pattern, Regex::Anchor anchor) {
  std::string_view text;
  std::string argument = re.error_arg();
  switch (re.error_code()) {
    case RE2::ErrorMissingParen:
    case RE2::ErrorUnexpectedParen: {
      text = re.error_code() == RE2::ErrorMissingParen ? "missing closing )" : "unexpected )";
      const std::string_view open = anchor == Regex::Anchor::kNone   ? ""
                                    : anchor == Regex::Anchor::kFull ? "^(?s:"
                                                                     : "^(?:";
      argument = std::string(open) + std::string(pattern) + (open.empty() ? "" : ")$");
      break;
    }
    case RE2::ErrorRepeatArgument:
      text = "missing argument to repetition operator";
      break;
    case RE2::ErrorRepeatSize:
      text = "invalid repeat count";
      break;
    case RE2::ErrorRepeatOp:
      text = "invalid nested repetition operator";
      break;
    case RE2::ErrorBadPerlOp:
      text = "invalid or unsupported Perl syntax";
      break;
    case RE2::ErrorMissingBracket:
      text = "missing closing ]";
      break;
    case RE2::ErrorBadCharRange:
      text = "invalid character class range";
      break;
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression: ``";
    case RE2::ErrorBadEscape:
      text = "invalid escape sequence";
      break;
    case RE2::ErrorBadNamedCapture:
      text = "invalid named capture";
      break;
    case RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return re.error();
  }
  return std::string(text) + ": `" + argument + "`";
}

}  // namespace

struct Regex::Impl {
  Impl(const std::string& pattern, const RE2::Options& options) : re(pattern, options) {}

  RE2 re;
  Anchor anchor = Anchor::kNone;
  std::optional<Affix> affix;

  RE2::Anchor re2_anchor() const {
    return anchor == Anchor::kNone ? RE2::UNANCHORED : RE2::ANCHOR_BOTH;
  }
  void AppendExpansion(std::string_view replacement, const re2::StringPiece* groups, int n,
                       std::string* out) const;
};

Result<Regex> Regex::Compile(std::string_view pattern, Anchor anchor) {
  RE2::Options options(RE2::Quiet);
  options.set_dot_nl(anchor == Anchor::kFull);
  options.set_max_mem(kMaxRegexMemory);
  auto impl = std::make_shared<Impl>(WithGoGroupNames(pattern), options);
  if (!impl->re.ok())
    return InvalidArgument("error parsing regexp: " + GoErrorText(impl->re, pattern, anchor));
  if (impl->re.NumberOfCapturingGroups() >= kMaxGroups)
    return InvalidArgument("error parsing regexp: too many groups in `" + std::string(pattern) +
                           "`");
  impl->anchor = anchor;
  Regex regex;
  regex.pattern_ = pattern;
  if (anchor != Anchor::kNone) regex.literals_ = LiteralAlternatives(pattern);
  if (anchor == Anchor::kFull) impl->affix = AffixOf(pattern);
  regex.impl_ = std::move(impl);
  return regex;
}

bool Regex::Matches(std::string_view text) const {
  if (!literals_.empty()) return std::binary_search(literals_.begin(), literals_.end(), text);
  if (impl_->affix) return MatchesAffix(*impl_->affix, text);
  return impl_->re.Match({text.data(), text.size()}, 0, text.size(), impl_->re2_anchor(), nullptr,
                         0);
}

// As Go's Regexp.Expand: the longest run of word characters is the name.
void Regex::Impl::AppendExpansion(std::string_view replacement, const re2::StringPiece* groups,
                                  int n, std::string* out) const {
  while (true) {
    const size_t dollar = replacement.find('$');
    out->append(replacement.substr(0, dollar));
    if (dollar == std::string_view::npos) return;
    replacement.remove_prefix(dollar + 1);
    if (replacement.starts_with('$')) {
      *out += '$';
      replacement.remove_prefix(1);
      continue;
    }
    const size_t start = replacement.starts_with('{') ? 1 : 0;
    size_t end = start;
    while (end < replacement.size() && IsNameChar(replacement[end])) ++end;
    if (end == start || (start == 1 && (end == replacement.size() || replacement[end] != '}'))) {
      *out += '$';
      continue;
    }
    const std::string name(replacement.substr(start, end - start));
    replacement.remove_prefix(end + start);
    int index = -1;
    const bool number = name.size() < 9 && (name[0] != '0' || name.size() == 1) &&
                        name.find_first_not_of("0123456789") == std::string::npos;
    if (number) {
      index = std::stoi(name);
    } else if (const auto it = re.NamedCapturingGroups().find(name);
               it != re.NamedCapturingGroups().end()) {
      index = it->second;
    }
    if (index >= 0 && index < n) out->append(groups[index].data(), groups[index].size());
  }
}

bool Regex::Expand(std::string_view text, std::string_view replacement, std::string* out) const {
  std::array<re2::StringPiece, kMaxGroups> groups;
  const int n = impl_->re.NumberOfCapturingGroups() + 1;
  if (!impl_->re.Match({text.data(), text.size()}, 0, text.size(), impl_->re2_anchor(),
                       groups.data(), n))
    return false;
  out->clear();
  impl_->AppendExpansion(replacement, groups.data(), n, out);
  return true;
}

std::string Regex::ReplaceAll(std::string_view text, std::string_view replacement) const {
  std::array<re2::StringPiece, kMaxGroups> groups;
  const int n = impl_->re.NumberOfCapturingGroups() + 1;
  std::string out;
  size_t copied = 0;
  for (size_t pos = 0; pos <= text.size();) {
    if (!impl_->re.Match({text.data(), text.size()}, pos, text.size(), impl_->re2_anchor(),
                         groups.data(), n))
      break;
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    const size_t end = begin + groups[0].size();
    out.append(text.substr(copied, begin - copied));
    // An empty match right after another one is not a match of its own.
    if (end > copied || begin == 0) impl_->AppendExpansion(replacement, groups.data(), n, &out);
    copied = end;
    if (end > pos) {
      pos = end;
    } else {
      ++pos;
      while (pos < text.size() && (static_cast<unsigned char>(text[pos]) & 0xc0) == 0x80) ++pos;
    }
  }
  out.append(text.substr(copied));
  return out;
}

}  // namespace tocsin
