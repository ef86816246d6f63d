#include "tools/tocsin/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <limits>

#include "tools/tocsin/version.h"

namespace tocsin {
namespace {

struct MemoryPages {
  unsigned long total = 0, resident = 0;
};

MemoryPages ReadMemory() {
  MemoryPages pages;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%lu %lu", &pages.total, &pages.resident) != 2) pages = {};
    std::fclose(file);
  }
  return pages;
}

double PagesToBytes(unsigned long pages) {
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double CpuSeconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double OpenFiles() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  double n = 0;
  while (const dirent* entry = readdir(folder))
    if (entry->d_name[0] != '.') ++n;
  closedir(folder);
  return n - 1;  // the folder itself
}

double MaxFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                         : static_cast<double>(limit.rlim_cur);
}

}  // namespace

void AddProcessMetrics(MetricRegistry& metrics, Timestamp start) {
  const Version& build = BuildVersion();
  metrics
      .GetGauge("prometheus_build_info",
                "A metric with a constant '1' value labeled by version, revision and branch.",
                {{"version", build.version},
                 {"revision", build.revision},
                 {"branch", build.branch},
                 {"goversion", ""}})
      .Set(1);
  metrics
      .GetGauge("alertmanager_build_info",
                "A metric with a constant '1' value labeled by version, revision and branch.",
                {{"version", build.version},
                 {"revision", build.revision},
                 {"branch", build.branch},
                 {"goversion", ""}})
      .Set(1);
  metrics
      .GetGauge("process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.")
      .Set(start.seconds());
  metrics.AddCallback("process_cpu_seconds_total",
                      "Total user and system CPU time spent in seconds.", true, CpuSeconds);
  metrics.AddCallback("process_resident_memory_bytes", "Resident memory size in bytes.", false,
                      [] { return PagesToBytes(ReadMemory().resident); });
  metrics.AddCallback("process_virtual_memory_bytes", "Virtual memory size in bytes.", false,
                      [] { return PagesToBytes(ReadMemory().total); });
  metrics.AddCallback("process_open_fds", "Number of open file descriptors.", false, OpenFiles);
  metrics.AddCallback("process_max_fds", "Maximum number of open file descriptors.", false,
                      MaxFiles);
}

}  // namespace tocsin
