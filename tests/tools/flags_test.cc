#include "tools/tocsin/flags.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

Flags Parsed(const std::vector<std::string>& args) {
  const auto parsed = ParseFlags(args);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message();
  return parsed.ok() ? parsed->flags : Flags();
}

std::string Refusal(const std::vector<std::string>& args) {
  const auto parsed = ParseFlags(args);
  return parsed.ok() ? "accepted" : parsed.error().message();
}

TEST(Flags, Defaults) {
  const Flags flags = Parsed({});
  EXPECT_EQ(flags.config_file, "prometheus.yml");
  EXPECT_EQ(flags.alertmanager_config_file, "");
  EXPECT_EQ(flags.storage_path, "data/");
  EXPECT_EQ(flags.listen_addresses, std::vector<std::string>{"127.0.0.1:9090"});
  EXPECT_FALSE(flags.retention_time.has_value());
  EXPECT_EQ(flags.query.max_samples, 50'000'000u);
  EXPECT_EQ(flags.query.timeout.count(), 120'000);
  EXPECT_FALSE(flags.enable_lifecycle);
  EXPECT_TRUE(flags.warnings.empty());
  EXPECT_EQ(flags.shown.at("web.enable-lifecycle"), "false");
}

TEST(Flags, BothSpellingsOfValues) {
  const Flags flags =
      Parsed({"--config.file=a.yml", "--storage.tsdb.path", "d",
              "--storage.tsdb.retention.time=30d", "--storage.tsdb.retention.size=10GB",
              "--query.lookback-delta=1m", "--log.level=debug", "--log.format=json"});
  EXPECT_EQ(flags.config_file, "a.yml");
  EXPECT_EQ(flags.storage_path, "d");
  EXPECT_EQ(flags.retention_time->count(), 30LL * 24 * 3600 * 1000);
  EXPECT_EQ(*flags.retention_size, uint64_t{10} << 30);
  EXPECT_EQ(flags.query.lookback_delta.count(), 60'000);
  EXPECT_EQ(flags.log_level, log::Level::kDebug);
  EXPECT_EQ(flags.log_format, log::Format::kJson);
  EXPECT_EQ(flags.shown.at("storage.tsdb.retention.time"), "30d");
}

TEST(Flags, Switches) {
  EXPECT_TRUE(Parsed({"--web.enable-lifecycle"}).enable_lifecycle);
  EXPECT_TRUE(Parsed({"--web.enable-lifecycle=true"}).enable_lifecycle);
  EXPECT_FALSE(Parsed({"--web.enable-lifecycle=false"}).enable_lifecycle);
  EXPECT_FALSE(Parsed({"--web.enable-lifecycle", "--no-web.enable-lifecycle"}).enable_lifecycle);
  EXPECT_FALSE(Parsed({"--no-web.enable-admin-api"}).enable_admin_api);
}

TEST(Flags, ListenAddressRepeats) {
  EXPECT_EQ(
      Parsed({"--web.listen-address=:1", "--web.listen-address", "127.0.0.1:2"}).listen_addresses,
      (std::vector<std::string>{":1", "127.0.0.1:2"}));
}

TEST(Flags, AWordThatBelongsToNoFlagIsRefused) {
  EXPECT_EQ(Refusal({"--web.listen-address=:1", ":2"}), "unexpected :2");
  EXPECT_EQ(Refusal({"--web.listen-address", ":1", ":2"}), "unexpected :2");
  EXPECT_EQ(Refusal({"--web.enable-lifecycle", "prometheus.yml"}), "unexpected prometheus.yml");
  EXPECT_EQ(Refusal({"--", "--web.enable-lifecycle"}), "unexpected --web.enable-lifecycle");
  EXPECT_EQ(Refusal({"--config.file", "--web.enable-lifecycle"}),
            "expected argument for flag '--config.file'");
  EXPECT_EQ(Refusal({"--config.file"}), "expected argument for flag '--config.file'");
}

TEST(Flags, OnlyWhatAddsUpMayBeRepeated) {
  EXPECT_EQ(Refusal({"--config.file=a", "--config.file=b"}),
            "flag 'config.file' cannot be repeated");
  const Flags flags = Parsed({"--enable-feature=promql-experimental-functions",
                              "--enable-feature=type-and-unit-labels,use-start-timestamps"});
  EXPECT_TRUE(flags.query.features.experimental_functions);
  EXPECT_TRUE(flags.query.features.type_and_unit_labels);
  EXPECT_TRUE(flags.query.features.use_start_timestamps);
  EXPECT_EQ(flags.shown.at("enable-feature"),
            "promql-experimental-functions,type-and-unit-labels,use-start-timestamps");
}

TEST(Flags, NothingToDoIsRefusedWithTheWayOut) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{"--config.file="},
                                               {"--config.file=", "--alertmanager.config.file="}}) {
    const std::string refusal = Refusal(args);
    EXPECT_TRUE(refusal.starts_with("flag --config.file: ")) << refusal;
    EXPECT_NE(refusal.find("--alertmanager.config.file"), std::string::npos) << refusal;
  }
}

TEST(Flags, ExternalUrlGivesThePrefix) {
  const Flags flags = Parsed({"--web.external-url=https://x.example/mon/"});
  EXPECT_EQ(flags.external_url, "https://x.example/mon");
  EXPECT_EQ(flags.route_prefix, "/mon");
  EXPECT_EQ(Parsed({"--web.external-url=http://x/mon", "--web.route-prefix=/"}).route_prefix, "");
  EXPECT_EQ(Parsed({"--web.route-prefix=a/b/"}).route_prefix, "/a/b");
  const Flags path = Parsed({"--web.external-url=/mon/"});
  EXPECT_EQ(path.external_url, "/mon");
  EXPECT_EQ(path.route_prefix, "/mon");
  EXPECT_NE(Refusal({"--web.external-url=mon"}).find("want a URL"), std::string::npos);
}

TEST(Flags, OriginsAreAnExpression) {
  EXPECT_TRUE(Parsed({}).cors_origin->Matches("https://any.example"));
  const Flags flags = Parsed({"--web.cors.origin=https://(grafana|noc)\\.example"});
  EXPECT_TRUE(flags.cors_origin->Matches("https://noc.example"));
  EXPECT_FALSE(flags.cors_origin->Matches("https://evil.example"));
  EXPECT_NE(Refusal({"--web.cors.origin=("}).find("web.cors.origin"), std::string::npos);
}

TEST(Flags, AlertmanagerAloneIsARouter) {
  EXPECT_EQ(Parsed({"--alertmanager.config.file=am.yml"}).config_file, "");
  EXPECT_EQ(Parsed({"--alertmanager.config.file=am.yml", "--config.file="}).config_file, "");
  EXPECT_EQ(Parsed({"--alertmanager.config.file=am.yml"}).shown.at("config.file"), "");
  EXPECT_EQ(
      Parsed({"--alertmanager.config.file=am.yml", "--config.file=prometheus.yml"}).config_file,
      "prometheus.yml");
}

TEST(Flags, FlagsOfOtherFeaturesAreNamed) {
  const Flags flags =
      Parsed({"--web.console.libraries=console_libraries", "--web.console.templates=consoles",
              "--storage.path=/x", "--cluster.listen-address=", "--no-storage.tsdb.wal-compression",
              "--web.console.templates=again"});
  ASSERT_EQ(flags.warnings.size(), 5u);
  for (const char* name : {"web.console.libraries", "web.console.templates", "storage.path",
                           "cluster.listen-address", "storage.tsdb.wal-compression"}) {
    int named = 0;
    for (const std::string& warning : flags.warnings)
      if (warning.find(std::string("flag --") + name + " is ignored: ") == 0) ++named;
    EXPECT_EQ(named, 1) << name;
  }
}

TEST(Flags, AnEmptyValueIsAValue) {
  const Flags flags = Parsed({"--cluster.listen-address=", "--web.enable-lifecycle"});
  EXPECT_TRUE(flags.enable_lifecycle);
  EXPECT_EQ(flags.warnings.size(), 1u);
  EXPECT_EQ(Parsed({"--config.file=x", "--alertmanager.config.file="}).config_file, "x");
  EXPECT_NE(Refusal({"--storage.tsdb.path="}), "accepted");
}

TEST(Flags, Features) {
  const Flags flags =
      Parsed({"--enable-feature=promql-experimental-functions,native-histograms,"
              "exemplar-storage,nonsense"});
  EXPECT_TRUE(flags.query.features.experimental_functions);
  ASSERT_EQ(flags.warnings.size(), 2u);
  EXPECT_NE(flags.warnings[0].find("exemplar-storage"), std::string::npos);
  EXPECT_NE(flags.warnings[1].find("nonsense"), std::string::npos);
}

TEST(Flags, RefusesWithTheNearestName) {
  EXPECT_EQ(Refusal({"--storage.tsdb.paht=x"}),
            "unknown long flag '--storage.tsdb.paht', did you mean --storage.tsdb.path?");
  EXPECT_EQ(Refusal({"--storage.keep.for.retention.time=1d"}),
            "unknown long flag '--storage.keep.for.retention.time' (the nearest is "
            "--storage.tsdb.retention.time)");
  EXPECT_NE(
      Refusal({"--zzzzzzzzzzzzz"}).find("unknown long flag '--zzzzzzzzzzzzz' (the nearest is"),
      std::string::npos);
  EXPECT_LT(Refusal({"--" + std::string(1 << 20, 'a')}).size(), 400u);
  EXPECT_EQ(Refusal({"-q"}), "unknown short flag '-q'");
  EXPECT_EQ(Refusal({"--log.level=loud"}),
            "flag --log.level: \"loud\": want debug, info, warn or error");
  EXPECT_NE(Refusal({"--query.timeout=2"}).find("flag --query.timeout"), std::string::npos);
  EXPECT_NE(Refusal({"--query.max-samples=0"}).find("want a number"), std::string::npos);
  EXPECT_NE(Refusal({"--storage.tsdb.retention.size=lots"}).find("retention.size"),
            std::string::npos);
  EXPECT_NE(Refusal({"--web.enable-lifecycle=maybe"}), "accepted");
  EXPECT_NE(Refusal({"--config.file"}), "accepted");
  EXPECT_NE(Refusal({"--web.external-url=nohost"}).find("web.external-url"), std::string::npos);
}

TEST(Flags, WhatIsNotPartOfTocsinIsRefusedByName) {
  const auto parsed = ParseFlags({"--agent"});
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(ParseFlags({"--no-agent"}).ok());
  EXPECT_EQ(Parsed({"--web.config.file=web.yml"}).web_config_file, "web.yml");
}

TEST(Flags, HelpAndVersion) {
  EXPECT_NE(ParseFlags({"--help"})->text->find("--storage.tsdb.path"), std::string::npos);
  EXPECT_EQ(ParseFlags({"--help"})->text->find("--cluster.peer"), std::string::npos);
  EXPECT_NE(ParseFlags({"--version"})->text->find("tocsin, version "), std::string::npos);
}

}  // namespace
}  // namespace tocsin
