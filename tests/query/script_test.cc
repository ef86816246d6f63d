// Runs every script of testdata/, and those of the folder named by TOCSIN_PROMQL_SCRIPTS.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/query/script_runner.h"

namespace tocsin::query::testing {
namespace {

std::vector<std::string> ScriptsIn(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".test") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Features AllFeatures() {
  Features f;
  f.experimental_functions = f.delayed_name_removal = f.extended_range_selectors = true;
  f.binop_fill_modifiers = f.use_start_timestamps = true;
  return f;
}

int RunFolder(const std::string& folder, const Features& features) {
  int passed = 0;
  for (const std::string& path : ScriptsIn(folder)) {
    ScriptRunner runner(features);
    const auto tally = runner.RunFile(path);
    passed += tally.passed;
    for (const std::string& failure : tally.failures) ADD_FAILURE() << failure;
    std::printf("%5d passed, %4zu failed  %s\n", tally.passed, tally.failures.size(), path.c_str());
  }
  return passed;
}

TEST(Script, OwnScripts) { EXPECT_GT(RunFolder("query/testdata", AllFeatures()), 100); }

TEST(Script, FolderFromEnvironment) {
  const char* folder = std::getenv("TOCSIN_PROMQL_SCRIPTS");
  if (folder == nullptr) GTEST_SKIP() << "TOCSIN_PROMQL_SCRIPTS is not set";
  EXPECT_GT(RunFolder(folder, AllFeatures()), 0);
}

}  // namespace
}  // namespace tocsin::query::testing
