// What this build is; filled in by the build from tools/VERSION and the environment.
#pragma once

#include <string>

namespace tocsin {

struct Version {
  std::string version, revision, branch, build_user, build_date;
};
const Version& BuildVersion();
// As `tocsin --version` prints it.
std::string VersionText();

}  // namespace tocsin
