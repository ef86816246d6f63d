// The Prometheus text format 0.0.4 (and 1.0.0, which adds quoted UTF-8 names). Pull parser over a
// body in memory; yields views, copies nothing. The hot path of scraping: a line whose series the
// caller expects costs one memcmp and one number.
#pragma once

#include <string_view>

#include "ingest/exposition/entry.h"

namespace tocsin::ingest {

// One thread. REQUIRES: the body outlives the parser and every view it gave.
class TextParser {
 public:
  explicit TextParser(std::string_view body)
      : body_(body), p_(body.data()), end_(body.data() + body.size()) {}

  // The next entry. `expected` is a series text yielded before (of this body or another): when the
  // line starts with it, its structure is not looked at again. After kEnd or kError: the same
  // again.
  ExpositionEntry Next(std::string_view expected = {});

  const ExpositionSample& sample() const { return sample_; }  // after kSample
  const ExpositionMeta& meta() const { return meta_; }        // after kType, kHelp
  // After kError: the reason with the line number.
  const Status& status() const { return status_; }
  // Whether the last sample was the expected one.
  bool matched() const { return matched_; }
  // Gives a caller's objection to the current line the same form as the parser's own errors.
  Error LineError(std::string_view message) const;

 private:
  ExpositionEntry Sample(std::string_view expected);
  ExpositionEntry ValueAndTimestamp();
  // False when the line is an ordinary comment.
  bool Comment(ExpositionEntry* entry);
  ExpositionEntry Fail(Error error);

  std::string_view body_;
  const char* p_;
  const char* end_;
  const char* line_ = nullptr;  // start of the current entry
  ExpositionSample sample_;
  ExpositionMeta meta_;
  Status status_;
  bool matched_ = false;
};

}  // namespace tocsin::ingest
