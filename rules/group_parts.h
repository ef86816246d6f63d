// What a group is made of, for the files that implement it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rules/group.h"
#include "rules/recording_rule.h"

namespace tocsin::rules {

struct Group::Rule {
  RuleConfig config;  // with the group's labels
  uint64_t key = 0;
  std::unique_ptr<AlertingRule> alerting;  // null: a recording rule
  std::optional<AlertStateWriter> writer;  // of alerting rules
  bool unsaved = false;                    // states that the writer has not stored
  Produced produced;                       // by the latest evaluation that was stored
  storage::RowHint hint;

  // Guarded by the group's mutex.
  RuleHealth health = RuleHealth::kUnknown;
  std::string last_error;
  std::string told_error;  // the error in the log, until an evaluation goes well
  bool failed = false;     // since the last evaluation began
  double evaluation_seconds = 0;
  std::optional<Timestamp> last_evaluation;
};

// One pass over all rules.
struct Group::Iteration {
  Timestamp ts;
  MonotonicTime started;
  std::function<void()> done;
  Duration clock_jump{0};
  size_t next = 0;  // rule; beyond the last one: series of rules that are gone
  double samples = 0;
};

// What some rules store together.
struct Group::Batch {
  struct Part {
    Rule* rule = nullptr;  // null: series of rules that are gone
    Produced produced;
    storage::RowResult rows;  // of appending
  };
  std::unique_ptr<storage::Appender> appender;  // null: nothing to store
  std::vector<Part> parts;
  size_t samples = 0;
  std::atomic<int> handshake{0};

  Part& Add(storage::Appendable& storage, Rule* rule) {
    if (!appender) appender = storage.NewAppender();
    Part& part = parts.emplace_back();
    part.rule = rule;
    return part;
  }
};

// Rules that several workers evaluate at once. Whoever ends the last one goes on.
struct Group::Round {
  std::shared_ptr<Iteration> iteration;
  size_t first = 0, end = 0;
  std::atomic<size_t> next{0}, done{0};
  std::vector<std::optional<std::vector<RuleSample>>> results;
};

}  // namespace tocsin::rules
