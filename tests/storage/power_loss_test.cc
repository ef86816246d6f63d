// The power goes at random moments. Afterwards everything that was acknowledged before the last
// sync is there, and whatever is there was written so: no sample under other labels.
#include <gtest/gtest.h>

#include <random>

#include "tests/storage/power_loss_env.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

class PowerLoss : public ::testing::TestWithParam<int> {
 protected:
  PowerLoss() : random_(static_cast<uint64_t>(GetParam())) {
    store_.options.env = &env_;
    env_.root = store_.options.path;
    store_.options.retention_time = Duration{0};
    store_.Open();
  }
  ~PowerLoss() override { store_.db.reset(); }

  uint64_t Below(uint64_t n) { return random_() % n; }

  // New series appear all the time, as their labels are what a lost log could mix up.
  void Row() {
    const Timestamp t = store_.scheduler.Now();
    std::vector<std::pair<Labels, double>> row;
    for (int i = 0; i < 12; ++i) {
      const uint64_t pod = Below(4) == 0 ? next_pod_++ : Below(next_pod_);
      const Labels labels{{"__name__", "m" + std::to_string(i)},
                          {"job", "j"},
                          {"instance", std::to_string(i % 2)},
                          {"pod", std::to_string(pod)}};
      // The value says whose it is.
      row.emplace_back(labels, static_cast<double>(pod * 100 + static_cast<uint64_t>(i)));
    }
    store_.Append(t, row, &hint_);
    for (const auto& [labels, value] : row)
      acknowledged_[labels.ToString()].try_emplace(t.ms, BitsOf(value));
  }

  void CutPower() {
    store_.db.reset();
    env_.CutPower();
    store_.Open();
  }

  // Samples older than `certain` must all be there, younger ones may.
  void Check(Timestamp certain) {
    const Model read = store_.Read();
    for (const auto& [labels, samples] : read) {
      const auto known = acknowledged_.find(labels);
      ASSERT_NE(known, acknowledged_.end()) << labels;
      for (const auto& [t, bits] : samples) {
        ASSERT_TRUE(known->second.contains(t)) << labels << " " << t;
        ASSERT_EQ(known->second.at(t), bits) << labels;
      }
    }
    lost_ = 0;
    for (auto& [labels, samples] : acknowledged_) {
      const auto it = read.find(labels);
      for (auto at = samples.begin(); at != samples.end();) {
        const bool there = it != read.end() && it->second.contains(at->first);
        lost_ += !there && at->first < certain.ms;
        at = there ? std::next(at) : samples.erase(at);
      }
    }
    std::erase_if(acknowledged_, [](const auto& entry) { return entry.second.empty(); });
  }

  std::mt19937_64 random_;
  PowerLossEnv env_;
  Store store_;
  RowHint hint_;
  Model acknowledged_;
  uint64_t next_pod_ = 1;
  uint64_t lost_ = 0;
};

TEST_P(PowerLoss, LosesAtMostTheSyncInterval) {
  for (int round = 0; round < 8; ++round) {
    const int steps = 1 + static_cast<int>(Below(60));
    for (int i = 0; i < steps; ++i) {
      Row();
      if (Below(25) == 0) {
        ASSERT_TRUE(store_.db->Compact().ok());
      }
      store_.scheduler.Advance(Duration{static_cast<int64_t>(Below(700))});
    }
    CutPower();
    Check(store_.scheduler.Now() - Duration{1000});
    if (HasFatalFailure()) return;
    EXPECT_EQ(lost_, 0u);
  }
}

TEST_P(PowerLoss, AnywhereInASeal) {
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 20; ++i) {
      Row();
      store_.scheduler.Advance(Duration{300});
    }
    // Rows of which nothing is synced, to be sealed.
    Row();
    Row();
    const Timestamp certain = store_.scheduler.Now() - Duration{1000};
    env_.syncs_left = static_cast<int>(Below(12));
    ASSERT_TRUE(store_.db->Compact().ok());
    CutPower();
    Check(certain);
    if (HasFatalFailure()) return;
    EXPECT_EQ(lost_, 0u);
    Row();
  }
}

TEST_P(PowerLoss, LosesNothingWhenEachCommitIsSynced) {
  store_.Close();
  store_.options.sync_interval = Duration{0};
  store_.Open();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) {
      Row();
      store_.scheduler.Advance(Duration{10});
    }
    CutPower();
    Check(kMaxTimestamp);
    if (HasFatalFailure()) return;
    EXPECT_EQ(lost_, 0u);
  }
}

TEST_P(PowerLoss, TheTestSeesALyingDisk) {
  for (int i = 0; i < 20; ++i) {
    Row();
    store_.scheduler.Advance(Duration{700});
  }
  env_.lies = true;
  for (int i = 0; i < 20; ++i) {
    Row();
    store_.scheduler.Advance(Duration{700});
  }
  CutPower();
  Check(store_.scheduler.Now() - Duration{1000});
  EXPECT_GT(lost_, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerLoss, ::testing::Range(1, 3));

}  // namespace
}  // namespace tocsin::storage
