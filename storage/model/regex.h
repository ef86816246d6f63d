// RE2 regular expressions: linear time, Go's syntax. Immutable after compiling; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace tocsin {

class Regex {
 public:
  enum class Anchor {
    kNone,
    kFull,         // ^(?s:RE)$: PromQL, relabelling
    kFullNoDotNl,  // ^(?:RE)$: Alertmanager
  };

  // `error parsing regexp: ...`
  static Result<Regex> Compile(std::string_view pattern, Anchor anchor);

  const std::string& pattern() const { return pattern_; }
  bool Matches(std::string_view text) const;

  // When the pattern matches: the expansion of `replacement` ($1, ${1}, $name, ${name}, $$; `$1x`
  // is the group named 1x; unknown groups are empty). False when it does not match.
  bool Expand(std::string_view text, std::string_view replacement, std::string* out) const;
  // All matches replaced.
  std::string ReplaceAll(std::string_view text, std::string_view replacement) const;

  // The alternatives when the pattern is only a list of literals (`a|b|c`, or one literal), else
  // empty: lets matchers look values up instead of scanning.
  const std::vector<std::string>& literals() const { return literals_; }

 private:
  struct Impl;
  std::string pattern_;
  std::vector<std::string> literals_;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace tocsin
