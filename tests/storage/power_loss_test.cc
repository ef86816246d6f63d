// The power goes at random moments. Afterwards everything that was acknowledged before the last
// sync is there, and whatever is there was written so: no sample under other labels.
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "tests/storage/power_loss_env.h"
#include "tests/storage/store_fixture.h"

namespace tocsin::storage {
namespace {

class Unplugged {
 public:
  explicit Unplugged(uint64_t seed) : random_(seed) {
    store_.options.env = &env_;
    env_.root = store_.options.path;
    store_.options.retention_time = Duration{0};
    store_.Open();
  }
  ~Unplugged() { store_.db.reset(); }

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

  // Empty, or what was wrong after the power came back: it does not open, or not without repairs;
  // something is there that was not written so, or that is older than `certain` is not there.
  // From then on the store is known to have what it has.
  std::string CutPower(Timestamp certain) {
    store_.db.reset();
    env_.CutPower();
    if (const Status opened = store_.TryOpen(); !opened.ok())
      return "it does not open: " + std::string(opened.error().message());
    std::string wrong;
    if (const uint64_t met = store_.db->Stats().corruptions; met != 0)
      wrong = "damage met: " + std::to_string(met);
    Model read;
    auto set = store_.db->Select({}, kMinTimestamp, kMaxTimestamp, {});
    if (!set.ok()) return "it does not answer";
    auto reader = (*set)->NewReader();
    SampleBlock block;
    for (size_t i = 0; i < (*set)->size() && reader->Seek(i).ok(); ++i)
      for (;;) {
        const auto more = reader->Next(&block);
        if (!more.ok() || !*more) break;
        for (size_t k = 0; k < block.size(); ++k)
          read[(*set)->labels(i).ToString()][block.times[k].ms] = BitsOf(block.values[k]);
      }
    if (!(*set)->warnings().empty()) wrong = (*set)->warnings().front();
    for (const auto& [labels, samples] : read) {
      const auto known = acknowledged_.find(labels);
      for (const auto& [t, bits] : samples)
        if (known == acknowledged_.end() || !known->second.contains(t) ||
            known->second.at(t) != bits)
          wrong = labels + " at " + std::to_string(t) + " was not written so";
    }
    size_t lost = 0;
    for (const auto& [labels, samples] : acknowledged_)
      for (const auto& [t, bits] : samples)
        lost += t < certain.ms && (!read.contains(labels) || !read[labels].contains(t));
    if (wrong.empty() && lost > 0) wrong = std::to_string(lost) + " samples are lost";
    acknowledged_ = std::move(read);
    return wrong;
  }
  // What is older must be on the disk.
  Timestamp Certain() const { return store_.scheduler.Now() - store_.options.sync_interval; }

  std::mt19937_64 random_;
  PowerLossEnv env_;
  Store store_;
  RowHint hint_;
  Model acknowledged_;
  uint64_t next_pod_ = 1;
};

class PowerLoss : public Unplugged, public ::testing::TestWithParam<int> {
 protected:
  PowerLoss() : Unplugged(static_cast<uint64_t>(GetParam())) {}
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
    ASSERT_EQ(CutPower(Certain()), "");
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
    const Timestamp certain = Certain();
    env_.syncs_left = static_cast<int>(Below(12));
    ASSERT_TRUE(store_.db->Compact().ok());
    ASSERT_EQ(CutPower(certain), "");
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
    ASSERT_EQ(CutPower(kMaxTimestamp), "");
  }
}

// Each sync is there for a reason: without it the tests above fail.
struct Omission {
  const char* name;
  unsigned syncs;  // PowerLossEnv::Kind
  enum { kBetweenSeals, kInASeal, kAfterASeal } cut;
};

class Omitted : public ::testing::TestWithParam<Omission> {};

TEST_P(Omitted, IsSeen) {
  std::string seen;
  for (uint64_t seed = 1; seed <= 20 && seen.empty(); ++seed) {
    Unplugged disk(seed);
    for (int round = 0; round < 4 && seen.empty(); ++round) {
      for (int i = 0; i < 20; ++i) {
        disk.Row();
        disk.store_.scheduler.Advance(Duration{300});
      }
      disk.env_.ignored = GetParam().syncs;
      if (GetParam().cut == Omission::kBetweenSeals) {
        for (int i = 0; i < 5; ++i) {
          disk.Row();
          disk.store_.scheduler.Advance(Duration{700});
        }
      } else {
        // A row of which nothing is synced, to be sealed.
        disk.Row();
        if (GetParam().cut == Omission::kInASeal)
          disk.env_.syncs_left = static_cast<int>(disk.Below(12));
        ASSERT_TRUE(disk.store_.db->Compact().ok());
      }
      disk.env_.ignored = 0;
      seen = disk.CutPower(disk.Certain());
      // What a lost log would have named goes to others now.
      for (int i = 0; i < 5 && seen.empty(); ++i) disk.Row();
      if (seen.empty()) seen = disk.CutPower(kMinTimestamp);
    }
  }
  EXPECT_NE(seen, "");
  RecordProperty("seen", seen);
  std::cout << GetParam().name << ": " << seen << "\n";
}

INSTANTIATE_TEST_SUITE_P(
    Syncs, Omitted,
    ::testing::Values(Omission{"all", PowerLossEnv::kAll, Omission::kAfterASeal},
                      Omission{"log", PowerLossEnv::kLog, Omission::kBetweenSeals},
                      Omission{"log_in_seals", PowerLossEnv::kLog, Omission::kInASeal},
                      Omission{"tables", PowerLossEnv::kTable, Omission::kAfterASeal},
                      Omission{"manifest", PowerLossEnv::kManifest, Omission::kAfterASeal},
                      Omission{"folders", PowerLossEnv::kFolder, Omission::kAfterASeal}),
    [](const auto& of) { return std::string(of.param.name); });
INSTANTIATE_TEST_SUITE_P(Seeds, PowerLoss, ::testing::Range(1, 3));

}  // namespace
}  // namespace tocsin::storage
