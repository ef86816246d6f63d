// tocsin check web-config FILE... (promtool check web-config)
#include <iostream>

#include "http/web_config.h"
#include "storage/base/file_system.h"
#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {
int CheckWebConfig(const Arguments& arguments) {
  if (arguments.operands().empty()) {
    return arguments.FailUsage("required argument 'web-config-files' not provided");
  }
  int code = kSuccess;
  for (const std::string& file : arguments.operands()) {
    const auto checked = http::LoadWebConfig(file, RealFileSystem());
    if (checked.ok()) {
      std::cerr << file << " SUCCESS" << std::endl;  // as promtool: all of it on stderr
    } else {
      std::cerr << file << " FAILED: " << checked.error().message() << "\n";
      code = kFailure;
    }
  }
  return code;
}

}  // namespace tocsin::commands
