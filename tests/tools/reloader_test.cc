#include "tools/tocsin/reloader.h"

#include <gtest/gtest.h>

#include "tests/support/manual_scheduler.h"

namespace tocsin {
namespace {

struct ReloaderTest : ::testing::Test {
  Result<SiteConfig> next = SiteConfig{};
  Status accept;
  std::vector<std::string> applied;
  testing::ManualScheduler clock;
  MetricRegistry metrics;
  Reloader reloader{[this] { return next; },
                    [this](const SiteConfig& config) -> Status {
                      if (accept.ok()) applied.push_back(config.main.shown);
                      return accept;
                    },
                    clock, metrics};

  void SetUp() override {
    SiteConfig config;
    config.main.shown = "first";
    ASSERT_TRUE(reloader.Start(config).ok());
  }
  bool Says(const std::string& line) { return metrics.Serialize().find(line) != std::string::npos; }
};

TEST_F(ReloaderTest, AppliesWhatLoads) {
  next->main.shown = "second";
  next->main.global.external_labels = Labels{{"site", "a"}};
  EXPECT_TRUE(reloader.Reload().ok());
  EXPECT_EQ(applied, (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(reloader.shown(), "second");
  EXPECT_EQ(reloader.external_labels(), Labels({{"site", "a"}}));
  EXPECT_TRUE(reloader.last_ok());
  EXPECT_TRUE(Says("prometheus_config_last_reload_successful 1"));
}

TEST_F(ReloaderTest, AppliesNothingOfWhatDoesNotLoad) {
  next = InvalidArgument("p.yml:1:1: no");
  EXPECT_EQ(reloader.Reload().error().message(), "p.yml:1:1: no");
  EXPECT_EQ(applied, std::vector<std::string>{"first"});
  EXPECT_EQ(reloader.shown(), "first");
  EXPECT_FALSE(reloader.last_ok());
  EXPECT_TRUE(Says("prometheus_config_last_reload_successful 0"));
}

TEST_F(ReloaderTest, KeepsTheOldWhenApplyingFails) {
  next->main.shown = "second";
  accept = InvalidArgument("a template does not parse");
  EXPECT_FALSE(reloader.Reload().ok());
  EXPECT_EQ(reloader.shown(), "first");
  EXPECT_FALSE(reloader.last_ok());
  accept = OkStatus();
  EXPECT_TRUE(reloader.Reload().ok());
  EXPECT_TRUE(reloader.last_ok());
}

}  // namespace
}  // namespace tocsin
