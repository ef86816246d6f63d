// YAML as configuration: strict, with file, line and column in every error. A document becomes a
// plain tree; StrictMap reads one mapping key by key and refuses what nobody asked for.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin {

// Warnings gathered while a configuration loads ("file:line:col: text"); the root logs them and
// `check` prints them.
using ConfigWarnings = std::vector<std::string>;

// A node of a parsed document. A value: copies are independent of the text.
struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;          // scalar in quotes: a string whatever it looks like
  std::string scalar;           // as written, quotes and escapes resolved
  std::vector<YamlNode> items;  // sequence
  std::vector<std::pair<YamlNode, YamlNode>> members;  // map, in the order of the text
  std::string file;                                    // shown in errors
  int line = 0, column = 0;                            // 1-based

  // In the .cc: a pair of a type still incomplete is not to be copied here.
  YamlNode();
  YamlNode(const YamlNode&);
  YamlNode(YamlNode&&) noexcept;
  YamlNode& operator=(const YamlNode&);
  YamlNode& operator=(YamlNode&&) noexcept;
  ~YamlNode();

  bool is_null() const { return kind == Kind::kNull; }
  // The member of that key, or null.
  const YamlNode* Find(std::string_view key) const;
  // kInvalidArgument "file:line:col: message".
  Error MakeError(std::string_view message) const;
};

// Parses one document. Duplicate keys, undefined aliases, merge bombs (more than 1,000,000 nodes
// after expansion), nesting above 100 and unterminated quotes are errors; `<<` merge keys are
// resolved; an empty text gives a null node. Further documents are dropped with a warning.
Result<YamlNode> ParseYaml(std::string_view text, std::string_view file,
                           ConfigWarnings* warnings = nullptr);

// Typed values of single nodes; the error names `what` was expected.
Result<std::string> YamlString(const YamlNode& node);  // any scalar, as written ("true" stays text)
Result<bool> YamlBool(const YamlNode& node);
Result<int64_t> YamlInt(const YamlNode& node);
Result<double> YamlDouble(const YamlNode& node);
Result<Duration> YamlDuration(const YamlNode& node);
Result<uint64_t> YamlByteSize(const YamlNode& node);
Result<std::vector<std::string>> YamlStringList(const YamlNode& node);  // also one scalar: no
Result<std::vector<std::pair<std::string, std::string>>> YamlStringMap(const YamlNode& node);

// Reads one mapping strictly. Usage:
//   StrictMap map(node, "scrape_config");
//   map.Read("job_name", &out.job_name);            // absent: left as it is
//   if (const YamlNode* n = map.Get("static_configs")) ...
//   TOCSIN_RETURN_IF_ERROR(map.Finish());
// A null node reads as an empty map. The first error sticks and Finish returns it; else Finish
// refuses keys that were never asked for, naming the nearest known one. A key whose value is null
// counts as absent. One thread; REQUIRES: `node` outlives the reader.
class StrictMap {
 public:
  StrictMap(const YamlNode& node, std::string_view what);

  void Read(std::string_view key, std::string* out);
  void Read(std::string_view key, bool* out);
  void Read(std::string_view key, int64_t* out);
  void Read(std::string_view key, uint64_t* out);
  void Read(std::string_view key, int* out);
  void Read(std::string_view key, double* out);
  void Read(std::string_view key, Duration* out);
  void Read(std::string_view key, std::vector<std::string>* out);
  void Read(std::string_view key, std::map<std::string, std::string>* out);
  void ReadByteSize(std::string_view key, uint64_t* out);

  // The value, marked as known; null when absent or null.
  const YamlNode* Get(std::string_view key);
  // Whether the key is written at all (even with a null value), marked as known.
  bool Has(std::string_view key);
  // A key that tocsin knows and does not act on: a named warning when it is set.
  void Ignore(std::string_view key, std::string_view why, ConfigWarnings* warnings);
  // Keeps the first of: an earlier error, this one.
  void Fail(Error error);
  // Fail with the position of `key` (or of the map when it is absent).
  void FailAt(std::string_view key, std::string_view message);

  Status Finish();

 private:
  template <typename T, typename F>
  void ReadWith(std::string_view key, T* out, F parse);

  const YamlNode& node_;
  std::string what_;
  std::set<std::string, std::less<>> known_;
  Status status_;
};

// The candidate nearest to `word` by edit distance, or "" when none is near enough to suggest.
std::string Nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace tocsin
