// tocsin: flags, then the App. Exit codes: 0 a clean stop, 1 a failure while running, 2 bad flags
// or configuration.
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <utility>

#include "storage/base/file_system.h"
#include "storage/base/log.h"
#include "tools/tocsin/app.h"
#include "tools/tocsin/commands/command.h"
#include "tools/tocsin/system_ports.h"
#include "tools/tocsin/version.h"

namespace {

constexpr int kRuntimeFailure = 1;
constexpr int kBadInput = 2;

// Shells start with a soft limit of 1,024 descriptors, for the sake of programs that use select();
// files of the store, targets and clients may need more.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    tocsin::log::Warn("the limit of open files stays as it is", {{"files", before}});
}

int Serve(const tocsin::Flags& flags) {
  static const tocsin::SystemClock clock;
  tocsin::log::Configure(flags.log_level, flags.log_format, clock);
  std::signal(SIGPIPE, SIG_IGN);
  RaiseFileLimit();
  tocsin::log::Info("starting tocsin", {{"version", tocsin::BuildVersion().version}});
  const auto config =
      tocsin::LoadSiteConfig(tocsin::App::SourcesOf(flags), tocsin::RealFileSystem());
  if (!config.ok()) {
    tocsin::log::Error("loading the configuration failed", {{"err", config.error().message()}});
    return kBadInput;
  }
  const auto app = tocsin::App::Start(flags, *config, /*handle_signals=*/true);
  if (!app.ok()) {
    tocsin::log::Error("starting failed", {{"err", app.error().message()}});
    return kRuntimeFailure;
  }
  if (const auto stopped = (*app)->Run(); !stopped.ok()) {
    tocsin::log::Error("stopping failed", {{"err", stopped.error().message()}});
    return kRuntimeFailure;
  }
  tocsin::log::Info("See you next time!");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (tocsin::commands::IsCommand(argv[0], args)) return tocsin::commands::Run(argv[0], args);
  const auto parsed = tocsin::ParseFlags(args);
  if (!parsed.ok()) {
    std::fprintf(stderr, "tocsin: error: %s, try --help\n", parsed.error().message().c_str());
    return kBadInput;
  }
  if (parsed->text) {
    std::fputs(parsed->text->c_str(), stdout);
    return 0;
  }
  return Serve(parsed->flags);
}
