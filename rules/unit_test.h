// Unit tests of rule files, in promtool's format: input series, then alerts and expressions
// expected at given times. Keys and output: promtool's `test rules`.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "query/engine.h"
#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/config/yaml_reader.h"

namespace tocsin::rules {

struct UnitTestOptions {
  query::Features features;
  // Which tests of a file run, by name; empty: all.
  std::function<bool(const std::string& name)> wanted;
  bool diff = false;            // failures show what differs, line by line
  bool ignore_unknown = false;  // keys that nobody knows are passed over
  // Gets a line for each step of a test and for what its series hold in the end; empty: nobody
  // asks.
  std::function<void(const std::string& line)> debug;
};

struct UnitTestResult {
  std::string name;
  std::vector<std::string> failures;  // as promtool prints them; none: it passed
};

// Runs the tests of one file; rule files are found relative to it. An error: the file itself is
// wrong.
Result<std::vector<UnitTestResult>> RunUnitTests(std::string_view text, const std::string& file,
                                                 const FileSystem& files,
                                                 const UnitTestOptions& options,
                                                 ConfigWarnings& warnings);

}  // namespace tocsin::rules
