// Results of unit tests as JUnit XML, for build servers.
#pragma once

#include <string>
#include <vector>

#include "rules/unit_test.h"
#include "storage/base/time.h"

namespace tocsin::commands {

struct JunitSuite {
  std::string file;
  std::vector<rules::UnitTestResult> cases;
  std::string error;  // the file itself could not be used
};

std::string FormatJunit(const std::vector<JunitSuite>& suites, Timestamp now);

}  // namespace tocsin::commands
