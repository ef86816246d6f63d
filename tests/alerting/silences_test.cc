#include "alerting/silences.h"

#include <gtest/gtest.h>

#include "tests/support/fake_random.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/memory_kv_store.h"

namespace tocsin::alerting {
namespace {

class SilencesTest : public ::testing::Test {
 protected:
  Silence Make(double start, double end) {
    Silence s;
    s.matchers.emplace_back(MatchOp::kEqual, "a", "b");
    s.starts_at = clock_.Now() + Duration{static_cast<int64_t>(start * 1000)};
    s.ends_at = clock_.Now() + Duration{static_cast<int64_t>(end * 1000)};
    s.created_by = "me";
    s.comment = "c";
    s.annotations = {{"ticket", "7"}};
    return s;
  }
  std::string Set(Silence s) {
    auto id = store_.Set(std::move(s));
    EXPECT_TRUE(id.ok()) << (id.ok() ? "" : id.error().message());
    return id.value_or("");
  }
  SilenceState State(const std::string& id) {
    return StateOfSilence(*store_.Get(id), clock_.Now());
  }
  ErrorCode Refused(Silence s) {
    const auto id = store_.Set(std::move(s));
    EXPECT_FALSE(id.ok());
    return id.ok() ? ErrorCode::kInternal : id.error().code();
  }

  testing::ManualScheduler clock_;
  testing::FakeRandom random_;
  testing::MemoryKvStore kv_;
  SilenceStore store_{kv_, clock_, random_};
};

TEST_F(SilencesTest, LifeOfASilence) {
  const std::string id = Set(Make(10, 20));
  EXPECT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '4');
  EXPECT_EQ(State(id), SilenceState::kPending);
  EXPECT_TRUE(store_.SilencedBy(Labels({{"a", "b"}}), clock_.Now()).empty());
  clock_.Advance(Duration{10'000});
  EXPECT_EQ(State(id), SilenceState::kActive);
  EXPECT_EQ(store_.SilencedBy(Labels({{"a", "b"}, {"x", "y"}}), clock_.Now()),
            std::vector<std::string>{id});
  EXPECT_TRUE(store_.SilencedBy(Labels({{"a", "c"}}), clock_.Now()).empty());
  clock_.Advance(Duration{10'000});
  EXPECT_EQ(State(id), SilenceState::kExpired);
  ASSERT_TRUE(store_.CollectGarbage(Duration{1000}).ok());
  EXPECT_TRUE(store_.Get(id));
  clock_.Advance(Duration{1001});
  ASSERT_TRUE(store_.CollectGarbage(Duration{1000}).ok());
  EXPECT_FALSE(store_.Get(id));
  EXPECT_EQ(kv_.size("silences"), 0u);
}

TEST_F(SilencesTest, StartInThePastIsNow) {
  const std::string id = Set(Make(-100, 20));
  EXPECT_EQ(store_.Get(id)->starts_at, clock_.Now());
}

TEST_F(SilencesTest, Refused) {
  EXPECT_EQ(Refused(Make(10, 5)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Refused(Make(-20, -10)), ErrorCode::kInvalidArgument);
  Silence s = Make(0, 10);
  s.matchers.clear();
  EXPECT_EQ(Refused(s), ErrorCode::kInvalidArgument);
  s.matchers = {Matcher(MatchOp::kEqual, "a", "")};
  EXPECT_EQ(Refused(s), ErrorCode::kInvalidArgument);
  s.matchers = {*Matcher::Create(MatchOp::kRegex, "a", ".*")};
  EXPECT_EQ(Refused(s), ErrorCode::kInvalidArgument);
  s = Make(0, 10);
  s.id = "11111111-1111-4111-8111-111111111111";
  EXPECT_EQ(Refused(s), ErrorCode::kNotFound);
  EXPECT_TRUE(store_.All().empty());
}

TEST_F(SilencesTest, OneThatExcludesIsSelective) {
  Silence s = Make(0, 10);
  s.matchers = {Matcher(MatchOp::kNotEqual, "team", "db")};
  Set(s);
  s.matchers = {*Matcher::Create(MatchOp::kNotRegex, "team", "db|web")};
  Set(s);
  const Labels others{{"alertname", "A"}}, mine{{"alertname", "A"}, {"team", "db"}};
  EXPECT_EQ(store_.SilencedBy(others, clock_.Now()).size(), 2u);
  EXPECT_TRUE(store_.SilencedBy(mine, clock_.Now()).empty());
}

TEST_F(SilencesTest, UpdateInPlaceOnlyWhenNothingThatMattersChanges) {
  const std::string id = Set(Make(0, 20));
  Silence longer = *store_.Get(id);
  longer.ends_at = longer.ends_at + Duration{5000};
  longer.comment = "longer";
  EXPECT_EQ(Set(longer), id);
  EXPECT_EQ(store_.Get(id)->comment, "longer");

  Silence other = *store_.Get(id);
  other.matchers = {Matcher(MatchOp::kEqual, "x", "y")};
  const std::string next = Set(other);
  EXPECT_NE(next, id);
  EXPECT_EQ(State(id), SilenceState::kExpired);
  EXPECT_EQ(State(next), SilenceState::kActive);

  Silence revived = *store_.Get(id);
  revived.ends_at = clock_.Now() + Duration{1000};
  EXPECT_NE(Set(revived), id);  // an expired one stays so
}

TEST_F(SilencesTest, Expire) {
  const std::string active = Set(Make(0, 20)), pending = Set(Make(10, 20));
  ASSERT_TRUE(store_.Expire(active).ok());
  ASSERT_TRUE(store_.Expire(pending).ok());
  EXPECT_EQ(State(active), SilenceState::kExpired);
  EXPECT_EQ(State(pending), SilenceState::kExpired);
  EXPECT_EQ(store_.Get(pending)->starts_at, store_.Get(pending)->ends_at);
  EXPECT_TRUE(store_.Expire(active).ok());
  EXPECT_EQ(store_.Expire("nope").error().code(), ErrorCode::kNotFound);
}

TEST_F(SilencesTest, SurvivesARestart) {
  Silence s = Make(0, 20);
  s.matchers.push_back(
      *Matcher::Create(MatchOp::kNotRegex, "c", "d.*", Regex::Anchor::kFullNoDotNl));
  const std::string id = Set(s);
  SilenceStore again(kv_, clock_, random_);
  ASSERT_TRUE(again.Load().ok());
  const auto loaded = again.Get(id);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->matchers, s.matchers);
  EXPECT_EQ(loaded->annotations, s.annotations);
  EXPECT_EQ(loaded->comment, "c");
  EXPECT_EQ(loaded->ends_at, s.ends_at);
}

TEST_F(SilencesTest, DamagedOneIsLeftOut) {
  const std::string id = Set(Make(0, 20));
  ASSERT_TRUE(kv_.Write("silences", {{"bad", "\x01garbage"}}).ok());
  SilenceStore again(kv_, clock_, random_);
  ASSERT_TRUE(again.Load().ok());
  EXPECT_EQ(again.All().size(), 1u);
}

TEST_F(SilencesTest, NotKeptWhenItCannotBeStored) {
  kv_.SetFailure(Error(ErrorCode::kNoSpace, "disk full"));
  EXPECT_EQ(Refused(Make(0, 20)), ErrorCode::kNoSpace);
  EXPECT_TRUE(store_.All().empty());
}

TEST_F(SilencesTest, Limits) {
  SilenceStore limited(kv_, clock_, random_, {.max_silences = 1, .max_silence_bytes = 200});
  Silence large = Make(0, 20);
  large.comment = std::string(300, 'x');
  const auto refused = limited.Set(large);
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(refused.error().message().starts_with("silence exceeded maximum size: "));
  const auto first = limited.Set(Make(0, 20));
  ASSERT_TRUE(first.ok());
  const auto second = limited.Set(Make(0, 20));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message(), "exceeded maximum number of silences: 1 (limit: 1)");
  Silence longer = *limited.Get(*first);
  longer.ends_at = longer.ends_at + Duration{1000};
  EXPECT_TRUE(limited.Set(longer).ok());  // no new one
}

}  // namespace
}  // namespace tocsin::alerting
