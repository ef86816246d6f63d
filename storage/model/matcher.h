// One condition on a label: name op value. Immutable; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/model/regex.h"

namespace tocsin {

enum class MatchOp : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };
std::string_view MatchOpText(MatchOp op);  // = != =~ !~

class Matcher {
 public:
  // kInvalidArgument for a bad regex. A missing label is matched as "".
  static Result<Matcher> Create(MatchOp op, std::string name, std::string value,
                                Regex::Anchor anchor = Regex::Anchor::kFull);
  // REQUIRES: op is kEqual or kNotEqual.
  Matcher(MatchOp op, std::string name, std::string value);

  MatchOp op() const { return op_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }
  const Regex* regex() const { return regex_ ? &*regex_ : nullptr; }

  bool Matches(std::string_view value) const;
  bool MatchesEmpty() const { return Matches(""); }
  // name="value", with Go quoting.
  std::string ToString() const;

  bool operator==(const Matcher& other) const {
    return op_ == other.op_ && name_ == other.name_ && value_ == other.value_;
  }

 private:
  MatchOp op_;
  std::string name_;
  std::string value_;
  std::optional<Regex> regex_;
};

bool MatchesAll(std::span<const Matcher> matchers, const Labels& labels);

// strconv.Quote.
void AppendGoQuoted(std::string& out, std::string_view text);

}  // namespace tocsin
