// Merging of alerts, inhibition and the walk of the routing tree.
#include "alerting/alert_store.h"

#include <gtest/gtest.h>

#include "alerting/inhibitor.h"
#include "alerting/matcher_parser.h"
#include "alerting/route.h"
#include "tests/alerting/harness.h"

namespace tocsin::alerting {
namespace {

constexpr Timestamp kNow{1'000'000};

Alert At(int64_t start, int64_t end, int64_t updated, const std::string& note = "") {
  Alert a;
  a.labels = Labels({{"alertname", "A"}});
  a.annotations = Labels({{"note", note}});
  a.starts_at = kNow + Duration{start};
  a.ends_at = kNow + Duration{end};
  a.updated_at = kNow + Duration{updated};
  return a;
}

TEST(AlertMerge, NewestWordsEarliestStart) {
  const Alert merged = MergeAlerts(At(-50, 100, 0, "1"), At(-20, 200, 1, "2"), kNow);
  EXPECT_EQ(merged.annotations.Get("note"), "2");
  EXPECT_EQ(merged.starts_at, kNow - Duration{50});
  EXPECT_EQ(merged.ends_at, kNow + Duration{200});
}

TEST(AlertMerge, ShorterEndDoesNotShortenUnlessTheOlderWasATimeout) {
  Alert older = At(-50, 200, 0);
  EXPECT_EQ(MergeAlerts(older, At(-20, 60, 1), kNow).ends_at, kNow + Duration{200});
  older.timeout = true;
  EXPECT_EQ(MergeAlerts(older, At(-20, 60, 1), kNow).ends_at, kNow + Duration{60});
}

TEST(AlertMerge, EndInThePastResolves) {
  EXPECT_TRUE(MergeAlerts(At(-50, 200, 0), At(-20, -1, 1), kNow).ResolvedAt(kNow));
  EXPECT_EQ(MergeAlerts(At(-50, -5, 0), At(-20, -10, 1), kNow).ends_at, kNow - Duration{5});
}

TEST(AlertMerge, ApartTheNewOneReplaces) {
  const Alert merged = MergeAlerts(At(-100, -50, 0, "1"), At(-20, 60, 1, "2"), kNow);
  EXPECT_EQ(merged.starts_at, kNow - Duration{20});
}

TEST(AlertStore, TimesAndChecks) {
  Alert a;
  a.labels = Labels({{"alertname", "A"}});
  FillInTimes(a, kNow, Duration{300});
  EXPECT_EQ(a.starts_at, kNow);
  EXPECT_EQ(a.ends_at, kNow + Duration{300});
  EXPECT_TRUE(a.timeout);
  EXPECT_TRUE(ValidateAlert(a).ok());
  Alert only_end;
  only_end.ends_at = kNow - Duration{5};
  FillInTimes(only_end, kNow, Duration{300});
  EXPECT_EQ(only_end.starts_at, only_end.ends_at);
  EXPECT_EQ(ValidateAlert(only_end).error().message(), "at least one label pair required");
  Alert backwards = At(10, 5, 0);
  EXPECT_EQ(ValidateAlert(backwards).error().message(), "start time must be before end time");
  Alert bad_name = At(0, 5, 0);
  bad_name.labels = Labels({{"", "x"}, {"alertname", "A"}});
  EXPECT_FALSE(ValidateAlert(bad_name).ok());
}

TEST(AlertStore, SavedFormKeepsEverything) {
  Alert a = At(-50, 200, 3, "n");
  a.generator_url = "http://g";
  a.timeout = true;
  const auto back = DecodeAlert(EncodeAlert(a, true));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->second);
  EXPECT_EQ(back->first.labels, a.labels);
  EXPECT_EQ(back->first.annotations, a.annotations);
  EXPECT_EQ(back->first.ends_at, a.ends_at);
  EXPECT_TRUE(back->first.timeout);
  EXPECT_FALSE(DecodeAlert("").ok());
  EXPECT_FALSE(DecodeAlert(EncodeAlert(a, true) + "x").ok());
}

AlertPtr Firing(std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  Alert a = At(-10, 10'000, 0);
  a.labels = Labels(labels);
  return std::make_shared<const Alert>(a);
}

InhibitRuleConfig Rule(const char* source, const char* target, std::vector<std::string> equal) {
  return {"", *ParseMatchers(source), *ParseMatchers(target), std::move(equal)};
}

TEST(Inhibitor, EqualLabelsAndAbsentOnes) {
  Inhibitor inhibitor({Rule("s=c", "s=w", {"cluster", "zone"})});
  const AlertPtr source = Firing({{"s", "c"}, {"cluster", "a"}});
  inhibitor.Update(source);
  EXPECT_EQ(inhibitor.InhibitedBy(Labels({{"s", "w"}, {"cluster", "a"}}), kNow),
            source->fingerprint());
  EXPECT_FALSE(inhibitor.InhibitedBy(Labels({{"s", "w"}, {"cluster", "b"}}), kNow));
  EXPECT_FALSE(inhibitor.InhibitedBy(Labels({{"s", "w"}, {"cluster", "a"}, {"zone", "z"}}), kNow));
  EXPECT_FALSE(inhibitor.InhibitedBy(Labels({{"s", "x"}, {"cluster", "a"}}), kNow));
  EXPECT_FALSE(inhibitor.InhibitedBy(Labels({{"s", "w"}, {"cluster", "a"}}),
                                     kNow + Duration{10'000}));  // the source has ended
}

TEST(Inhibitor, TwoSidedAlertsDoNotInhibitEachOther) {
  Inhibitor inhibitor({Rule("k=both", "k=~\"both|leaf\"", {})});
  inhibitor.Update(Firing({{"k", "both"}, {"n", "1"}}));
  inhibitor.Update(Firing({{"k", "both"}, {"n", "2"}}));
  EXPECT_FALSE(inhibitor.InhibitedBy(Labels({{"k", "both"}, {"n", "1"}}), kNow));
  EXPECT_TRUE(inhibitor.InhibitedBy(Labels({{"k", "leaf"}}), kNow));
}

// With several sources a two-sided one must not hide a valid one.
TEST(Inhibitor, EverySourceIsLookedAt) {
  Inhibitor inhibitor({Rule("s=c", "t=w", {"x"})});
  inhibitor.Update(Firing({{"s", "c"}, {"t", "w"}, {"n", "1"}}));
  inhibitor.Update(Firing({{"s", "c"}, {"n", "2"}}));
  EXPECT_TRUE(inhibitor.InhibitedBy(Labels({{"s", "c"}, {"t", "w"}, {"n", "3"}}), kNow));
}

TEST(Route, WalksTheTreeInOrder) {
  Harness h;
  const auto config = h.Parse(R"(
route:
  receiver: root
  group_by: [alertname]
  group_wait: 5s
  routes:
  - matchers: ['a="1"']
    receiver: r1
    continue: true
  - matchers: ['b="1"']
    receiver: r2
    group_by: ['...']
    routes:
    - {matchers: ['c="1"'], group_by: [], group_interval: 7s}
  - {matchers: ['a="1"'], receiver: r3}
receivers: [{name: root}, {name: r1}, {name: r2}, {name: r3}]
)");
  const RouteTree tree(config->route);
  const auto match = [&](std::initializer_list<std::pair<std::string_view, std::string_view>> l) {
    std::string out;
    for (const Route* route : tree.Match(Labels(l))) {
      out += route->receiver + " " + GroupKey(*route, route->GroupLabels(Labels(l))) + ";";
    }
    return out;
  };
  EXPECT_EQ(match({{"alertname", "x"}}), R"(root {}:{alertname="x"};)");
  EXPECT_EQ(match({{"alertname", "x"}, {"a", "1"}}),
            R"(r1 {}/{a="1"}:{alertname="x"};r3 {}/{a="1"}:{alertname="x"};)");
  EXPECT_EQ(match({{"a", "1"}, {"b", "1"}}), R"(r1 {}/{a="1"}:{};r2 {}/{b="1"}:{a="1", b="1"};)");
  EXPECT_EQ(match({{"b", "1"}, {"c", "1"}}), R"(r2 {}/{b="1"}/{c="1"}:{};)");
  const Route& inner = *tree.root().children[1]->children[0];
  EXPECT_EQ(inner.group_wait, Duration{5000});
  EXPECT_EQ(inner.group_interval, Duration{7000});
  EXPECT_EQ(inner.repeat_interval, std::chrono::hours(4));
}

}  // namespace
}  // namespace tocsin::alerting
