#include "rules/rule_order.h"

#include <gtest/gtest.h>

namespace tocsin::rules {
namespace {

// One letter a rule: w when it waits, else a dot.
std::string Waits(const std::string& rules) {
  ConfigWarnings warnings;
  const auto groups =
      ParseRuleFile("groups:\n- name: g\n  rules:\n" + rules, "r.yml", {}, warnings);
  if (!groups.ok()) return groups.error().message();
  std::string out;
  for (const bool waits : RulesThatWait(groups->front())) out += waits ? 'w' : '.';
  return out;
}

TEST(RuleOrder, ReadersWaitForWriters) {
  EXPECT_EQ(Waits("  - {record: a, expr: x}\n  - {record: b, expr: y}\n"), "..");
  EXPECT_EQ(Waits("  - {record: a, expr: x}\n  - {record: b, expr: 'rate(a[5m])'}\n"), ".w");
  // What the waiting one waited for is stored: the next one that reads it goes with it.
  EXPECT_EQ(Waits("  - {record: a, expr: x}\n  - {record: b, expr: a}\n  - {record: c, expr: a}\n"),
            ".w.");
  EXPECT_EQ(Waits("  - {record: a, expr: x}\n  - {record: b, expr: a}\n  - {record: c, expr: b}\n"),
            ".ww");
  // Reading what a later rule writes is no reason to wait.
  EXPECT_EQ(Waits("  - {record: a, expr: b}\n  - {record: b, expr: x}\n"), "..");
}

TEST(RuleOrder, UnknownReadsWait) {
  EXPECT_EQ(Waits("  - {record: a, expr: x}\n  - {record: b, expr: 'count({job=\"x\"})'}\n"), ".w");
  EXPECT_EQ(Waits("  - {record: a, expr: x}\n  - {record: b, expr: '{__name__=~\"a.*\"}'}\n"),
            ".w");
  EXPECT_EQ(Waits("  - {record: a, expr: x}\n"
                  "  - {alert: b, expr: y, annotations: {v: '{{ query \"a\" }}'}}\n"),
            ".w");
}

TEST(RuleOrder, AlertsAreSeriesToo) {
  EXPECT_EQ(Waits("  - {alert: a, expr: x}\n  - {alert: b, expr: y}\n"), "..");
  EXPECT_EQ(Waits("  - {alert: a, expr: x}\n  - {record: b, expr: 'count(ALERTS)'}\n"), ".w");
  EXPECT_EQ(Waits("  - {alert: a, expr: x}\n  - {record: b, expr: ALERTS_FOR_STATE}\n"), ".w");
  EXPECT_EQ(Waits("  - {record: a, expr: x}\n  - {record: b, expr: ALERTS}\n"), "..");
}

TEST(RuleOrder, SeriesOfOneNameAreNotStoredTogether) {
  EXPECT_EQ(Waits("  - {record: a, expr: x}\n  - {record: a, expr: y}\n"), ".w");
  EXPECT_EQ(Waits("  - {alert: a, expr: x}\n  - {alert: a, expr: y}\n"), ".w");
}

}  // namespace
}  // namespace tocsin::rules
