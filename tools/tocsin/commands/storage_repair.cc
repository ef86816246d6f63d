// tocsin storage repair [--rebuild] FOLDER
#include <iostream>

#include "storage/base/executor.h"
#include "storage/base/scheduler.h"
#include "storage/db.h"
#include "tools/tocsin/commands/command.h"
#include "tools/tocsin/system_ports.h"

namespace tocsin::commands {
namespace {

// Nothing is due while a database is repaired.
class NoScheduler final : public Scheduler {
 public:
  Timer After(Duration, std::function<void()>) override { return {}; }
  void Post(std::function<void()>) override {}
};

class Inline final : public Executor {
 public:
  void Post(std::function<void()> task) override { task(); }
};

}  // namespace

int StorageRepair(const Arguments& arguments) {
  if (arguments.operands().size() != 1)
    return arguments.FailUsage("want the folder of one database (--storage.tsdb.path)");
  SystemClock clock;
  NoScheduler scheduler;
  Inline executor;
  MetricRegistry metrics;
  storage::Options options;
  options.path = arguments.operands().front();
  const auto lines = storage::RepairByHand(
      options, {clock, scheduler, executor, executor, executor, metrics}, arguments.on("rebuild"));
  if (!lines.ok()) return arguments.Fail(lines.error().message());
  for (const std::string& line : *lines) std::cout << line << "\n";
  return kSuccess;
}

}  // namespace tocsin::commands
