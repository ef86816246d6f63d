#include "tools/tocsin/commands/command.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace tocsin::commands {
namespace {

struct Output {
  int code = 0;
  std::string out, err;
};

Output Call(std::string_view program, const std::vector<std::string>& args) {
  Output output;
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  output.code = Run(program, args);
  output.out = ::testing::internal::GetCapturedStdout();
  output.err = ::testing::internal::GetCapturedStderr();
  return output;
}

struct CommandsTest : ::testing::Test {
  testing::TempDir dir;
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = dir.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
};

constexpr char kRules[] =
    "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: up\n  - record: a:c\n    expr: up\n";

TEST_F(CommandsTest, CheckConfigAsPromtool) {
  const std::string rules = Write("rules.yml", kRules);
  const std::string config = Write("p.yml", "rule_files: [rules.yml]\n");
  const Output output = Call("promtool", {"check", "config", config});
  EXPECT_EQ(output.code, 0) << output.err;
  EXPECT_EQ(output.out, "Checking " + config + "\n  SUCCESS: 1 rule files found\n SUCCESS: " +
                            config + " is valid prometheus config file syntax\n\nChecking " +
                            rules + "\n  SUCCESS: 2 rules found\n\n");
}

TEST_F(CommandsTest, CheckConfigFails) {
  const std::string typo = Write("p.yml", "globla: {}\n");
  const Output output = Call("tocsin", {"check", "config", typo});
  EXPECT_EQ(output.code, 1);
  EXPECT_NE(output.err.find("  FAILED: parsing YAML file " + typo), std::string::npos);
  const std::string missing = Write("m.yml", "rule_files: [nope.yml]\n");
  EXPECT_EQ(Call("tocsin", {"check", "config", missing}).code, 1);
  EXPECT_EQ(Call("tocsin", {"check", "config", "--syntax-only", missing}).code, 0);
  EXPECT_EQ(Call("tocsin", {"check", "config", dir.path() + "/absent.yml"}).code, 1);
  EXPECT_EQ(Call("tocsin", {"check", "config", "--lint=odd", missing}).code, 1);
}

TEST_F(CommandsTest, CheckRulesLintsDuplicates) {
  const std::string twice = Write("d.yml",
                                  "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: up\n  "
                                  "- record: a:b\n    expr: up\n");
  const Output output = Call("tocsin", {"check", "rules", twice});
  EXPECT_EQ(output.code, 0);
  EXPECT_NE(output.err.find("1 duplicate rule(s) found."), std::string::npos);
  EXPECT_EQ(Call("tocsin", {"check", "rules", "--lint-fatal", twice}).code, 3);
  EXPECT_EQ(Call("tocsin", {"check", "rules", "--lint=none", twice}).code, 0);
  const std::string broken =
      Write("b.yml", "groups: [{name: g, rules: [{record: 'a', expr: ')'}]}]");
  const Output failed = Call("tocsin", {"check", "rules", broken});
  EXPECT_EQ(failed.code, 1);
  EXPECT_NE(failed.err.find("  FAILED:\n"), std::string::npos);
}

TEST_F(CommandsTest, CheckAlertmanagerAsAmtool) {
  const std::string good =
      Write("am.yml",
            "route: {receiver: r}\nreceivers: [{name: r, webhook_configs: [{url: "
            "'http://127.0.0.1:9/'}]}]\n");
  const Output output = Call("/usr/bin/amtool", {"check-config", good});
  EXPECT_EQ(output.code, 0) << output.out;
  EXPECT_NE(output.out.find("Checking '" + good + "'  SUCCESS\nFound:\n"), std::string::npos);
  EXPECT_NE(output.out.find(" - 0 inhibit rules\n - 1 receivers\n - 0 templates\n"),
            std::string::npos);
  const std::string bad = Write("bad.yml", "route: {receiver: nobody}\nreceivers: []\n");
  const Output failed = Call("tocsin", {"check", "alertmanager", bad});
  EXPECT_EQ(failed.code, 1);
  EXPECT_NE(failed.out.find("FAILED: "), std::string::npos);
}

TEST(Commands, UnknownOnesAreNamed) {
  EXPECT_TRUE(IsCommand("tocsin", {"check"}));
  EXPECT_FALSE(IsCommand("tocsin", {"--config.file=x"}));
  EXPECT_FALSE(IsCommand("tocsin", {}));
  EXPECT_TRUE(IsCommand("/usr/bin/promtool", {}));
  const Output output = Call("tocsin", {"check", "confg"});
  EXPECT_EQ(output.code, 1);
  EXPECT_NE(output.err.find("did you mean \"check config\"?"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::commands
