// The state machine of an alert, step by step.
#include "rules/alert_state.h"

#include <gtest/gtest.h>

namespace tocsin::rules {
namespace {

const Labels kA{{"alertname", "A"}, {"instance", "a"}};
const Labels kB{{"alertname", "A"}, {"instance", "b"}};

Timestamp At(int64_t seconds) { return {1'000'000 + seconds * 1000}; }
Duration Seconds(int64_t n) { return Duration{n * 1000}; }

class AlertStatesTest : public ::testing::Test {
 protected:
  void Step(int64_t seconds, std::vector<Labels> present, Duration hold = Seconds(60),
            Duration keep = Seconds(0)) {
    std::vector<AlertElement> elements;
    for (const Labels& labels : present) elements.push_back({labels, Labels{}, double(seconds)});
    ASSERT_TRUE(states.Update(At(seconds), std::move(elements), hold, keep, 0).ok());
  }
  const AlertEntry* Find(const Labels& labels) {
    const auto it = states.entries().find(labels);
    return it == states.entries().end() ? nullptr : &it->second;
  }
  AlertStates states;
};

TEST_F(AlertStatesTest, PendingThenFiringThenResolvedThenForgotten) {
  Step(0, {kA});
  ASSERT_NE(Find(kA), nullptr);
  EXPECT_EQ(Find(kA)->state, AlertState::kPending);
  Step(45, {kA});
  EXPECT_EQ(Find(kA)->state, AlertState::kPending);
  EXPECT_EQ(Find(kA)->active_at, At(0));
  EXPECT_EQ(Find(kA)->value, 45);
  Step(60, {kA});
  EXPECT_EQ(Find(kA)->state, AlertState::kFiring);
  EXPECT_EQ(Find(kA)->fired_at, At(60));
  EXPECT_EQ(states.highest(), AlertState::kFiring);
  Step(75, {});
  EXPECT_EQ(Find(kA)->state, AlertState::kInactive);
  EXPECT_EQ(Find(kA)->resolved_at, At(75));
  Step(75 + 900, {});
  EXPECT_NE(Find(kA), nullptr);
  Step(75 + 901, {});
  EXPECT_EQ(Find(kA), nullptr);
}

TEST_F(AlertStatesTest, PendingIsForgottenSilently) {
  Step(0, {kA, kB});
  Step(15, {kB});
  EXPECT_EQ(Find(kA), nullptr);
  EXPECT_NE(Find(kB), nullptr);
  EXPECT_TRUE(states.TakeDue(At(15), Seconds(60)).empty());
}

TEST_F(AlertStatesTest, HeldPendingDoesNotFireUnseen) {
  AlertEntry held;
  held.labels = kA;
  held.active_at = At(0);
  held.held_until = At(90);
  states.Restore({held});
  Step(75, {});  // `for` is over, and nothing is known of the series
  ASSERT_NE(Find(kA), nullptr);
  EXPECT_EQ(Find(kA)->state, AlertState::kPending);
  Step(80, {kA});
  EXPECT_EQ(Find(kA)->state, AlertState::kFiring);
}

TEST_F(AlertStatesTest, FiresAtOnceWithoutFor) {
  Step(0, {kA}, Seconds(0));
  EXPECT_EQ(Find(kA)->state, AlertState::kFiring);
  EXPECT_EQ(Find(kA)->fired_at, At(0));
}

TEST_F(AlertStatesTest, KeepsFiring) {
  Step(0, {kA}, Seconds(0), Seconds(60));
  Step(15, {}, Seconds(0), Seconds(60));
  EXPECT_EQ(Find(kA)->state, AlertState::kFiring);
  EXPECT_EQ(Find(kA)->keep_firing_since, At(15));
  Step(60, {}, Seconds(0), Seconds(60));
  EXPECT_EQ(Find(kA)->keep_firing_since, At(15));
  Step(70, {kA}, Seconds(0), Seconds(60));
  EXPECT_FALSE(Find(kA)->keep_firing_since.has_value());
  Step(80, {}, Seconds(0), Seconds(60));
  Step(139, {}, Seconds(0), Seconds(60));
  EXPECT_EQ(Find(kA)->state, AlertState::kFiring);
  Step(140, {}, Seconds(0), Seconds(60));
  EXPECT_EQ(Find(kA)->state, AlertState::kInactive);
}

TEST_F(AlertStatesTest, ResolvedComesBackAsANewAlert) {
  Step(0, {kA}, Seconds(0));
  Step(15, {}, Seconds(60));
  Step(30, {kA}, Seconds(60));
  EXPECT_EQ(Find(kA)->state, AlertState::kPending);
  EXPECT_EQ(Find(kA)->active_at, At(30));
  EXPECT_FALSE(Find(kA)->resolved_at.has_value());
}

TEST_F(AlertStatesTest, RaisedForMakesPendingAgain) {
  Step(0, {kA}, Seconds(0));
  Step(15, {kA}, Seconds(60));
  EXPECT_EQ(Find(kA)->state, AlertState::kPending);
  Step(60, {kA}, Seconds(60));
  EXPECT_EQ(Find(kA)->state, AlertState::kFiring);
  EXPECT_EQ(Find(kA)->fired_at, At(60));
}

TEST_F(AlertStatesTest, SendsOnChangeAndEveryResendDelay) {
  Step(0, {kA}, Seconds(0));
  EXPECT_EQ(states.TakeDue(At(0), Seconds(60)).size(), 1u);
  EXPECT_EQ(states.TakeDue(At(60), Seconds(60)).size(), 0u);
  EXPECT_EQ(states.TakeDue(At(61), Seconds(60)).size(), 1u);
  Step(75, {}, Seconds(0));
  auto due = states.TakeDue(At(75), Seconds(60));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].resolved_at, At(75));
  EXPECT_EQ(states.TakeDue(At(90), Seconds(60)).size(), 0u);
  EXPECT_EQ(states.TakeDue(At(136), Seconds(60)).size(), 1u);
}

TEST_F(AlertStatesTest, EqualLabelsAreAnError) {
  auto ok = states.Update(At(0), {{kA, {}, 1}, {kA, {}, 2}}, Seconds(0), Seconds(0), 0);
  EXPECT_EQ(ok.error().message(),
            "vector contains metrics with the same labelset after applying alert labels");
  EXPECT_TRUE(states.entries().empty());
}

TEST_F(AlertStatesTest, LimitDropsAll) {
  Step(0, {kA});
  auto ok = states.Update(At(15), {{kA, {}, 1}, {kB, {}, 2}}, Seconds(0), Seconds(0), 1);
  EXPECT_EQ(ok.error().message(), "exceeded limit of 1 with 2 alerts");
  EXPECT_TRUE(states.entries().empty());
}

}  // namespace
}  // namespace tocsin::rules
