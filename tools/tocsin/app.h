// The composition root: the real ports and threads, the site over them, and the HTTP server before
// it. Starts in a test process as well as in main (listen on port 0).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "tools/tocsin/config_file.h"
#include "tools/tocsin/flags.h"

namespace tocsin {

class App {
 public:
  // Where `flags` say the configuration lies.
  static ConfigSources SourcesOf(const Flags& flags);

  // Listens, opens the database, applies `config` (which was loaded from SourcesOf(flags)), then is
  // ready. `handle_signals`: SIGHUP reloads, SIGTERM and SIGINT stop.
  static Result<std::unique_ptr<App>> Start(const Flags& flags, const SiteConfig& config,
                                            bool handle_signals);
  // Stops, when Run has not.
  ~App();

  // Serves reloads until a stop is requested, then stops everything. The error is that of closing
  // the database. Call once.
  Status Run();

  // Any thread.
  void RequestStop();
  std::vector<std::string> addresses() const;  // host:port as bound

 private:
  struct Impl;
  explicit App(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
