// Two hours of a million series at 15 s through log, head and seals as fast as they go, then kill
// -9: memory a series, bytes of the log on the disk at any time, and the CPU seconds until every
// sample answers again.
//
//   storage_million_series FOLDER [series 1000000] [steps 480] [memory.max in MB 2048]
//
// Exit status 1: the log was above its budget (docs/storage-format.md, section 10), a sample is
// missing, or complete answers took more than 5 s of CPU.
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "storage/base/event_loop.h"
#include "storage/base/thread_pool.h"
#include "storage/db.h"
#include "storage/memory_budget.h"

namespace tocsin::storage {
namespace {

constexpr size_t kTargetSeries = 500;
constexpr int64_t kStepMs = 15'000;

class RealClock final : public Clock {
 public:
  Timestamp Now() const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
  }
  MonotonicTime Monotonic() const override {
    return {std::chrono::steady_clock::now().time_since_epoch()};
  }
};

struct Load {
  std::string folder;
  std::atomic<uint64_t>* log_peak = nullptr;  // shared with the writing process
  size_t series = 1'000'000;
  size_t steps = 480;
  uint64_t memory_max = uint64_t{2048} << 20;
};

struct Site {
  explicit Site(const Load& load) : io([this] { loop.Run(); }) {
    Options options;
    options.path = load.folder;
    options.memory_max = load.memory_max;
    options.series_max = 2 * load.series;
    auto opened = Db::Open(options, Ports{clock, loop, commit, sync, background, metrics});
    if (!opened.ok()) {
      std::fprintf(stderr, "%s\n", opened.error().message().c_str());
      std::exit(1);
    }
    db = *std::move(opened);
  }
  RealClock clock;
  EventLoop loop;
  ThreadPool commit{"commit", 1};
  ThreadPool sync{"sync", 1};
  ThreadPool background{"background", 1, ThreadPool::Priority::kLow};
  MetricRegistry metrics;
  std::unique_ptr<Db> db;
  std::thread io;
};

double CpuSeconds(const rusage& used) {
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

size_t ResidentMiB() {
  std::ifstream in("/proc/self/statm");
  size_t pages = 0, resident = 0;
  in >> pages >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE)) >> 20;
}

// Three of five never change, as on real exporters.
double ValueOf(size_t step, size_t s) {
  const auto n = static_cast<double>(step);
  const auto i = static_cast<double>(s % kTargetSeries);
  return s % 5 < 3 ? i : s % 5 == 3 ? n * i : n * 0.25 + static_cast<double>(s % 11) * n;
}

// WAL and log families, as the store tells it.
uint64_t LogBytes(const MetricRegistry& metrics) {
  constexpr std::string_view kName = "\nprometheus_tsdb_wal_storage_size_bytes ";
  const std::string text = metrics.Serialize();
  const size_t at = text.find(kName);
  return at == std::string::npos
             ? 0
             : static_cast<uint64_t>(std::strtod(text.c_str() + at + kName.size(), nullptr));
}

int Write(const Load& load) {
  auto* site = new Site(load);  // it is killed
  const size_t empty = ResidentMiB();
  const size_t targets = load.series / kTargetSeries;
  std::vector<std::vector<SeriesRef>> refs(targets);
  std::vector<RowHint> hints(targets);
  std::vector<double> values(kTargetSeries);
  const int64_t begin =
      site->clock.Now().ms / kStepMs * kStepMs - static_cast<int64_t>(load.steps) * kStepMs;
  size_t peak = 0;
  for (size_t step = 0; step < load.steps; ++step) {
    std::promise<void> answered;
    for (size_t target = 0; target < targets; ++target) {
      auto appender = site->db->NewAppender();
      if (step == 0)
        for (size_t s = 0; s < kTargetSeries; ++s)
          refs[target].push_back(*appender->Resolve(
              Labels{{"__name__", "metric_" + std::to_string(s / 4)},
                     {"cpu", std::to_string(s % 4)},
                     {"instance", "host-" + std::to_string(target) + ".example.net:9100"},
                     {"job", "node"}}));
      for (size_t s = 0; s < kTargetSeries; ++s)
        values[s] = ValueOf(step, target * kTargetSeries + s);
      appender->AppendRow(hints[target], {begin + static_cast<int64_t>(step) * kStepMs},
                          refs[target], values);
      const bool last = target + 1 == targets;
      appender->Commit([&answered, last](const CommitResult& result) {
        if (!result.status.ok()) std::exit(1);
        if (last) answered.set_value();
      });
    }
    answered.get_future().wait();
    peak = std::max(peak, ResidentMiB());
    *load.log_peak = std::max(load.log_peak->load(), LogBytes(site->metrics));
    if (step == 3 || step + 1 == load.steps) {
      const size_t now = ResidentMiB();
      std::printf("step %zu: RSS %zu MiB, peak %zu MiB, %.0f B a series above empty (%zu MiB)\n",
                  step + 1, now, peak,
                  static_cast<double>(now - empty) * 1048576 / static_cast<double>(load.series),
                  empty);
      std::fflush(stdout);
    }
  }
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const double samples = static_cast<double>(load.series) * static_cast<double>(load.steps);
  std::printf("written: %.1f CPU s, %.3f CPU s a million samples\n", CpuSeconds(used),
              CpuSeconds(used) / samples * 1e6);
  std::fflush(stdout);
  kill(getpid(), SIGKILL);
  pause();
  return 1;
}

// Counts what answers, after the fact of opening.
int Recover(const Load& load) {
  auto* site = new Site(load);
  rusage opened{};
  getrusage(RUSAGE_SELF, &opened);
  std::printf("open and complete after %.2f CPU s, RSS %zu MiB\n", CpuSeconds(opened),
              ResidentMiB());
  auto set = site->db->Select({}, kMinTimestamp, kMaxTimestamp, {});
  uint64_t samples = 0;
  auto reader = (*set)->NewReader();
  for (size_t i = 0; i < (*set)->size(); ++i) {
    if (!reader->Seek(i).ok()) break;
    SampleBlock block;
    while (*reader->Next(&block)) samples += block.size();
  }
  const uint64_t expected = uint64_t{load.series} / kTargetSeries * kTargetSeries * load.steps;
  std::printf("samples: %llu of %llu\n", static_cast<unsigned long long>(samples),
              static_cast<unsigned long long>(expected));
  std::fflush(stdout);
  _exit(samples == expected && CpuSeconds(opened) <= 5 ? 0 : 1);
}

int Run(const Load& load) {
  pid_t child = fork();
  if (child == 0) _exit(Write(load));
  int status = 0;
  waitpid(child, &status, 0);
  const uint64_t highest = *load.log_peak;
  if (!WIFSIGNALED(status)) return 1;
  const uint64_t budget = MemoryBudget::Of(load.memory_max).log_bytes;
  std::printf("log: at most %.1f MiB of %.1f MiB\n", static_cast<double>(highest) / 1048576,
              static_cast<double>(budget) / 1048576);
  std::fflush(stdout);
  child = fork();
  if (child == 0) _exit(Recover(load));
  waitpid(child, &status, 0);
  return status == 0 && highest <= budget ? 0 : 1;
}

}  // namespace
}  // namespace tocsin::storage

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FOLDER [series] [steps] [memory.max in MB]\n", argv[0]);
    return 2;
  }
  tocsin::storage::Load load;
  load.folder = argv[1];
  if (argc > 2) load.series = std::strtoull(argv[2], nullptr, 10);
  if (argc > 3) load.steps = std::strtoull(argv[3], nullptr, 10);
  if (argc > 4) load.memory_max = std::strtoull(argv[4], nullptr, 10) << 20;
  void* shared = mmap(nullptr, sizeof(*load.log_peak), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  load.log_peak = new (shared) std::atomic<uint64_t>(0);
  return tocsin::storage::Run(load);
}
