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
};

// Runs the tests of one file; rule files are found relative to it. The failures, one text each, as
// promtool prints them; none when all pass. An error: the file itself is wrong.
Result<std::vector<std::string>> RunUnitTests(std::string_view text, const std::string& file,
                                              const FileSystem& files,
                                              const UnitTestOptions& options,
                                              ConfigWarnings& warnings);

}  // namespace tocsin::rules
