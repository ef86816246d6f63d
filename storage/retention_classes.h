// Retention classes: series that are kept equally long share a class, and with it groups and files.
// A class is interned by its times (family default, key c) and never changes them. Which class a
// series gets is decided by the rules of the day it is made; when the rules change, groups with a
// series that would get another one are retired and their series get new ids.
#pragma once

#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/retention.h"
#include "storage/retention_rules.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

// Thread-safe.
class RetentionClasses {
 public:
  // The classes that were made before. Their times are kept until the rules are set.
  Status Load(const RocksStore& store);

  // What series without a rule keep; rules that are set follow.
  void SetDefault(const KeepTimes& times);
  // kInvalidArgument: they would need more than 255 classes; nothing was changed.
  Status SetRules(const RetentionRules& rules);
  // Classes made by SetRules and not stored yet; to be stored before a series has them.
  std::vector<std::pair<std::string, std::string>> TakeNew();

  // By the rules of now. 0: without a rule.
  uint8_t ClassOf(const Labels& labels) const;
  KeepTimes TimesOf(const Labels& labels) const;
  // How long files of the class are kept: its own times as long as a rule gives them, and as long
  // as SetLongest says.
  KeepTimes KeepOf(uint8_t retention_class) const;
  // By class: the longest times that the rules of now give to series of it; none: it has no series.
  void SetLongest(std::vector<std::optional<KeepTimes>> longest);
  // Whether there is any other class than 0.
  bool any() const;

 private:
  struct Rule {
    std::vector<std::vector<Matcher>> selectors;
    uint8_t retention_class = 0;
  };
  const Rule* RuleOf(const Labels& labels) const;

  mutable std::shared_mutex mutex_;
  KeepTimes default_;
  std::vector<KeepTimes> classes_ = std::vector<KeepTimes>(1);  // [0] is not used
  std::vector<bool> in_use_ = std::vector<bool>(1, true);       // by the rules of now
  std::vector<std::optional<KeepTimes>> longest_;
  std::vector<Rule> rules_;
  bool rules_set_ = false;
  size_t stored_ = 1;  // classes below are stored
};

// Of both, the longer time for each level.
KeepTimes Longer(const KeepTimes& a, const KeepTimes& b);

}  // namespace tocsin::storage
