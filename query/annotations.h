// Warnings and infos that a query raises beside its value.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "query/parser/position.h"

namespace tocsin::query {

// Input of the info on repaired classic histograms: merged per text over steps and series.
struct MonotonicityFix {
  double min_bucket = 0;
  double max_bucket = 0;
  double max_difference = 0;
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  int samples = 1;
};

// One thread. Equal texts at one position are kept once.
class Annotations {
 public:
  void Warn(std::string_view text, PositionRange pos) { warnings_.try_emplace({text, pos.start}); }
  void Info(std::string_view text, PositionRange pos) { infos_.try_emplace({text, pos.start}); }
  // Counts how often a text came; shown as " (N occurrences)" when more than once.
  void WarnCounted(std::string_view text, PositionRange pos);
  // `name` is "" when the metric name is not known.
  void InfoMonotonicity(std::string_view name, PositionRange pos, const MonotonicityFix& fix);

  // Adds those of another part of the query.
  void Join(Annotations other);

  // As the API shows them: prefixed, with positions in `query`; at most `limit` of each, then a
  // line that counts the rest.
  std::vector<std::string> Warnings(std::string_view query, size_t limit = 10) const;
  std::vector<std::string> Infos(std::string_view query, size_t limit = 10) const;

 private:
  struct Key {
    std::string text;
    uint32_t offset;
    Key(std::string_view t, uint32_t o) : text(t), offset(o) {}
    auto operator<=>(const Key&) const = default;
  };
  void JoinFix(const Key& key, const MonotonicityFix& fix);

  std::map<Key, int> warnings_;
  std::map<Key, int> infos_;
  std::map<Key, MonotonicityFix> fixes_;
};

}  // namespace tocsin::query
