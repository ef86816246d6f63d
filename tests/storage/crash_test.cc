// kill -9, over and over, at every crash point (storage/base/crash_point.h), at random moments, and
// when memory is over: as the kernel's, that kill comes at an allocation, anywhere.
// A child process works on the database and writes down what was acknowledged; after its death
// another one opens it, finds every acknowledged sample bit by bit, none twice, none after its
// deletion, what was not acknowledged wholly or not at all, and works on until it is killed.
//
//   TOCSIN_CRASH_SECONDS=30    how long (the default)
//   TOCSIN_CRASH_CYCLES=1000   how many kills instead
//   TOCSIN_CRASH_SEED=1        where to begin
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <new>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "storage/base/crash_point.h"
#include "storage/key_schema.h"
#include "tests/storage/crash_model.h"

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBegin = 1'700'000'000'000;
constexpr size_t kOps = 300;
constexpr int kMismatch = 3;

constexpr const char* kPoints[] = {"commit.logged",      "seal.cut",         "seal.synced",
                                   "seal.built",         "seal.ingested",    "seal.published",
                                   "merge.built",        "merge.ingested",   "levels.built",
                                   "levels.ingested",    "levels.published", "merge.published",
                                   "free.file",          "epoch.floors",     "epoch.made",
                                   "log.spent",          "log.dropped",      "retention.published",
                                   "retention.edge",     "delete.logged",    "tombstones.spent",
                                   "tombstones.dropped", "cold.built",       "cold.written",
                                   "collect.floors",     "snapshot.made",    "collect.written",
                                   "close.sealed",       "replay.begin",     "replay.epoch",
                                   "replay.floors",      "replay.done"};

// Every second database keeps its samples for two days.
bool Forgets(uint64_t seed) { return seed % 2 == 0; }

// What the child is told, by its environment.
struct Orders {
  std::string folder;
  uint64_t seed = 0;
  std::string point;  // empty: nowhere; the parent kills it
  int hit = 1;        // at which time the point is reached
  size_t ops = kOps;  // it kills itself after so many
  bool threads = false;
  int64_t memory = -1;  // bytes that it may take after its start; -1: any

  std::string ToText() const {
    std::ostringstream out;
    out << folder << ' ' << seed << ' ' << (point.empty() ? "-" : point) << ' ' << hit << ' ' << ops
        << ' ' << threads << ' ' << memory;
    return out.str();
  }
  static Orders Parse(const std::string& text) {
    std::istringstream in(text);
    Orders orders;
    in >> orders.folder >> orders.seed >> orders.point >> orders.hit >> orders.ops >>
        orders.threads >> orders.memory;
    return orders;
  }
};

// Lines that outlive the process: S n (begun), A n (acknowledged), R n 0|1 (found out later whether
// it had happened), P name (killed there).
class Journal {
 public:
  explicit Journal(const std::string& path)
      : fd_(open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)) {}
  ~Journal() { close(fd_); }
  void Write(const std::string& line) const { WriteText(line + "\n"); }
  void WriteText(std::string_view text) const {
    if (write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  }

 private:
  const int fd_;
};

Orders g_orders;
Journal* g_journal = nullptr;

void DieAt(const char* name) {
  static std::atomic<int> times{0};
  if (g_orders.point != name || ++times < g_orders.hit) return;
  g_journal->Write(std::string("P ") + name);
  kill(getpid(), SIGKILL);
  pause();
}

// What the address sanitizer takes for itself is more than any limit.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimitsMemory = false;
#else
constexpr bool kLimitsMemory = true;
#endif
constexpr const char* kMemory = "memory";

// From now on an allocation that needs more than so many further bytes is the end.
void LimitMemory(int64_t bytes) {
  std::set_new_handler([] {
    g_journal->WriteText("P memory\n");
    kill(getpid(), SIGKILL);
    pause();
  });
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t limit =
      pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + static_cast<rlim_t>(bytes);
  const rlimit both{limit, limit};
  if (setrlimit(RLIMIT_AS, &both) != 0) std::abort();
}

class Child {
 public:
  explicit Child(const Orders& orders)
      : orders_(orders),
        journal_(orders.folder + "/journal"),
        ops_(crash::Generator(orders.seed, kBegin).Make(kOps)),
        keep_(Forgets(orders.seed) ? 2 * kDayMs : 0) {
    g_orders = orders;
    g_journal = &journal_;
  }

  ~Child() { Join(); }

  int Run() {
    ReadJournal();
    const size_t last = in_flight_.value_or(next_ == 0 ? 0 : next_ - 1);
    store_ = std::make_unique<Store>(Timestamp{ops_[std::min(last, kOps - 1)].now});
    store_->options.path = orders_.folder + "/data";
    fs::remove_all(store_->dir / "");  // its own folder is not used, and would stay for ever
    store_->options.retention_time = Duration{keep_};
    crash_hook.store(&DieAt);
    if (const Status opened = store_->TryOpen(); !opened.ok()) {
      std::cerr << "does not open: " << opened.error().message() << "\n";
      return kMismatch;
    }
    if (!Check()) return kMismatch;
    if (orders_.memory >= 0) LimitMemory(orders_.memory);
    const size_t end = std::min(kOps, next_ + orders_.ops);
    for (; next_ < end; ++next_) {
      journal_.Write("S " + std::to_string(next_));
      if (!Do(ops_[next_])) {
        // A library that is told that there is no memory says so.
        if (orders_.memory >= 0) kill(getpid(), SIGKILL);
        return kMismatch;
      }
      journal_.Write("A " + std::to_string(next_));
    }
    if (next_ == kOps) return 0;
    kill(getpid(), SIGKILL);
    pause();
    return 0;
  }

 private:
  void ReadJournal() {
    std::ifstream in(orders_.folder + "/journal");
    std::string kind, line;
    while (std::getline(in, line)) {
      std::istringstream words(line);
      size_t n = 0;
      int happened = 1;
      words >> kind;
      if (kind == "P") continue;
      words >> n >> happened;
      next_ = n + 1;
      in_flight_ = kind == "S" ? std::optional(n) : std::nullopt;
      if (kind == "A" || (kind == "R" && happened != 0)) model_.Apply(ops_[n]);
    }
  }

  crash::Model ReadAll() {
    crash::Model read;
    auto set = store_->db->Select({}, kMinTimestamp, kMaxTimestamp, {});
    if (!set.ok()) return read;
    auto reader = (*set)->NewReader();
    for (size_t i = 0; i < (*set)->size(); ++i) {
      if (!reader->Seek(i).ok()) break;
      auto& samples = read.series[(*set)->labels(i).ToString()];
      SampleBlock block;
      for (;;) {
        auto more = reader->Next(&block);
        if (!more.ok() || !*more) break;
        for (size_t k = 0; k < block.size(); ++k) {
          const Histogram* h = block.histograms.empty() ? nullptr : block.histograms[k];
          const bool fresh =
              samples.empty() || samples.rbegin()->first < block.times[k].ms;  // none twice
          std::string& bytes = samples[block.times[k].ms];
          bytes = !fresh         ? "twice"
                  : h != nullptr ? crash::Bytes(*h)
                                 : crash::Bytes(block.values[k]);
          if (!block.starts.empty()) bytes += crash::StartBytes(block.starts[k]);
        }
      }
    }
    if (!(*set)->warnings().empty()) read.words["warning"] = (*set)->warnings().front();
    const std::vector<std::vector<Matcher>> all = {{Matcher(MatchOp::kEqual, "__name__", "ex")}};
    if (auto found = store_->db->Exemplars(all, kMinTimestamp, kMaxTimestamp); found.ok())
      for (const SeriesExemplars& one : *found)
        for (const Exemplar& exemplar : one.exemplars)
          read.words[crash::Model::ExemplarWord(one.series, exemplar.t.ms)] =
              exemplar.labels.Get("trace_id");
    for (const auto& [metric, metadata] : store_->db->MetricMetadata(""))
      read.words["metadata " + metric] = metadata.help;
    if (auto pairs = store_->db->kv().Scan("crash"); pairs.ok())
      for (const auto& [key, value] : *pairs) read.words["state " + key] = value;
    return read;
  }

  bool Check() {
    const crash::Model read = ReadAll();
    const std::string without = model_.Compare(read, keep_);
    if (!in_flight_) {
      if (without.empty()) return true;
      Explain(without);
      std::cerr << without << "\n";
      return false;
    }
    crash::Model with = model_;
    with.Apply(ops_[*in_flight_]);
    const std::string wrong = with.Compare(read, keep_);
    if (!without.empty() && !wrong.empty()) {
      Explain(without);
      std::cerr << "and\n";
      Explain(wrong);
      std::cerr << "operation " << *in_flight_ << " (kind " << ops_[*in_flight_].kind
                << ") neither not done (" << without << ") nor done (" << wrong << ")\n";
      return false;
    }
    // Where both may be, what it brought was there already.
    const bool happened = wrong.empty();
    journal_.Write("R " + std::to_string(*in_flight_) + (happened ? " 1" : " 0"));
    if (happened) model_ = std::move(with);
    return true;
  }

  // What ever touched the sample that is wrong.
  void Explain(const std::string& wrong) {
    for (size_t i = 0; i < next_ && i < kOps; ++i) {
      const crash::Op& op = ops_[i];
      for (const auto& point : op.points)
        if (wrong.find(point.labels.ToString() + " at " + std::to_string(point.t)) == 0)
          std::cerr << "  " << i << ": kind " << op.kind << ", bits " << std::hex
                    << BitsOf(point.value) << std::dec << "\n";
      if (op.kind == crash::Op::kDelete && wrong.find(op.name) != std::string::npos)
        std::cerr << "  " << i << ": deleted " << op.from << " to " << op.to << "\n";
      if (op.kind >= crash::Op::kCompact) std::cerr << "  " << i << ": kind " << op.kind << "\n";
    }
    std::ifstream journal(orders_.folder + "/journal");
    for (std::string line; std::getline(journal, line);)
      if (line[0] == 'P' || line[0] == 'R') std::cerr << "  " << line << "\n";
  }

  bool Commit(Appender& appender) {
    bool ok = false;
    appender.Commit([&](const CommitResult& result) { ok = result.status.ok(); });
    return ok;
  }

  bool Do(const crash::Op& op) {
    store_->scheduler.Advance(Timestamp{op.now} - store_->scheduler.Now());
    auto appender = store_->db->NewAppender();
    switch (op.kind) {
      case crash::Op::kRow: {
        std::vector<SeriesRef> refs;
        std::vector<double> values;
        std::vector<Timestamp> starts;
        for (const auto& point : op.points) {
          starts.push_back(point.start);
          refs.push_back(*appender->Resolve(point.labels));
          values.push_back(point.value);
        }
        appender->AppendRow(hints_[op.writer], {op.points[0].t}, refs, values, starts);
        return Commit(*appender);
      }
      case crash::Op::kColumn: {
        std::vector<Timestamp> times;
        std::vector<double> values;
        std::vector<Timestamp> starts;
        for (const auto& point : op.points) {
          starts.push_back(point.start);
          times.push_back({point.t});
          values.push_back(point.value);
        }
        appender->AppendColumn(*appender->Resolve(op.points[0].labels), times, values, starts);
        return Commit(*appender);
      }
      case crash::Op::kHistogram:
        // One that is too old is refused at once.
        (void)appender->AppendHistogram(*appender->Resolve(op.points[0].labels), {op.points[0].t},
                                        op.histogram, op.points[0].start);
        return Commit(*appender);
      case crash::Op::kExemplar: {
        const crash::Op::Point& point = op.points[0];
        const SeriesRef ref = *appender->Resolve(point.labels);
        const Timestamp t{point.t};
        appender->AppendColumn(ref, {&t, 1}, {&point.value, 1});
        return appender->AppendExemplar(ref, {Labels{{"trace_id", op.text}}, point.value, t})
                   .ok() &&
               Commit(*appender);
      }
      case crash::Op::kMetadata:
        appender->SetMetadata(op.name, {MetricType::kGauge, "", op.text});
        return Commit(*appender);
      case crash::Op::kState:
        return store_->db->kv().Write("crash", {{op.name, op.text}}).ok();
      case crash::Op::kDelete: {
        const std::vector<Matcher> matchers{Matcher(MatchOp::kEqual, "__name__", op.name)};
        return store_->db->DeleteSeries(matchers, {op.from}, {op.to}).ok();
      }
      case crash::Op::kCompact:
        if (!orders_.threads) return store_->db->Compact().ok();
        // While the next operations go on.
        Join();
        compacting_ = std::thread([this] { (void)store_->db->Compact(); });
        return true;
      case crash::Op::kClean:
        return store_->db->CleanTombstones().ok();
      case crash::Op::kSnapshot:
        return store_->db->MakeSnapshot(/*skip_head=*/false).ok();
      case crash::Op::kWait:
        return true;
      case crash::Op::kReopen:
        Join();
        appender.reset();
        hints_ = {};
        if (!store_->db->Close(Duration{20'000}).ok()) return false;
        store_->db.reset();
        return store_->TryOpen().ok();
    }
    return false;
  }
  void Join() {
    if (compacting_.joinable()) compacting_.join();
  }

  const Orders orders_;
  Journal journal_;
  const std::vector<crash::Op> ops_;
  const int64_t keep_;
  crash::Model model_;
  std::optional<size_t> in_flight_;
  size_t next_ = 0;
  std::unique_ptr<Store> store_;
  std::array<RowHint, crash::kPassing + 1> hints_;
  std::thread compacting_;
};

// Only in the process that is to die.
TEST(CrashChild, Works) {
  const char* text = std::getenv("TOCSIN_CRASH_CHILD");
  if (text == nullptr)
    GTEST_SKIP() << "only in the process that the other tests here start and kill";
  const int code = Child(Orders::Parse(text)).Run();
  std::cout.flush();
  _exit(code);
}

class Parent {
 public:
  explicit Parent(uint64_t seed) : random_(seed), seed_(seed) {}
  uint64_t Below(uint64_t n) { return random_() % n; }

  // One life. False: something is wrong with what was found.
  bool Cycle() {
    if (scratch_ == nullptr) {
      scratch_ = std::make_unique<ScratchDir>();
      fs::create_directories(Folder());
    }
    Orders orders;
    orders.folder = Folder();
    orders.seed = seed_;
    orders.threads = Below(3) == 0;
    int64_t kill_after_ms = -1;
    if (kLimitsMemory && Below(10) == 0) {
      orders.memory = static_cast<int64_t>(Below(4 << 20));
    } else if (Below(3) == 0) {
      kill_after_ms = static_cast<int64_t>(Below(400));
    } else {
      // Those that were met least, first; asking in vain counts a little.
      const auto weight = [&](const std::string& point) {
        return 8 * met[point] + 4 * asked_[point];
      };
      const char* rarest = nullptr;
      for (const char* point : kPoints) {
        const std::string name(point);
        const bool forgotten = name.starts_with("retention") || name.starts_with("collect");
        const bool reachable = !forgotten || Forgets(seed_);
        if (reachable && (rarest == nullptr || weight(point) < weight(rarest))) rarest = point;
      }
      orders.point = rarest;
      ++asked_[orders.point];
      if (Below(2) == 0) orders.hit = 1 + static_cast<int>(Below(3));
    }
    orders.ops = Below(4) == 0 ? kOps : 20 + Below(120);
    const int status = Spawn(orders, kill_after_ms);
    CountPoints();
    // A library in C that gets no memory may end otherwise.
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || orders.memory >= 0)) {
      ++kills;
      return true;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      scratch_.reset();
      counted_ = 0;
      ++seed_;
      ++databases;
      return true;
    }
    std::cerr << "seed " << seed_ << ", orders: " << orders.ToText() << ", status " << status
              << "\n";
    const std::string kept = "/tmp/tocsin-crash-" + std::to_string(seed_);
    std::error_code ignored;
    fs::remove_all(kept, ignored);
    fs::copy(Folder(), kept, fs::copy_options::recursive, ignored);
    std::cerr << "the database is in " << kept << "\n";
    return false;
  }
  void CountPoints() {
    if (scratch_ == nullptr) return;
    std::ifstream in(Folder() + "/journal");
    in.seekg(counted_);
    std::string line;
    while (std::getline(in, line)) {
      counted_ += static_cast<std::streamoff>(line.size()) + 1;
      if (line.starts_with("P ")) ++met[line.substr(2)];
    }
  }

  uint64_t kills = 0;
  uint64_t databases = 0;
  std::map<std::string, int> met;

 private:
  std::string Folder() const { return *scratch_ / "crash"; }

  static int Spawn(const Orders& orders, int64_t kill_after_ms) {
    const pid_t pid = fork();
    if (pid == 0) {
      setenv("TOCSIN_CRASH_CHILD", orders.ToText().c_str(), 1);
      execl("/proc/self/exe", "crash_test", "--gtest_filter=CrashChild.Works", "--gtest_brief=1",
            "--gtest_catch_exceptions=0", nullptr);
      _exit(127);
    }
    int status = 0;
    if (kill_after_ms >= 0) {
      for (int64_t ms = 0; ms < kill_after_ms; ++ms) {
        if (waitpid(pid, &status, WNOHANG) == pid) return status;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      kill(pid, SIGKILL);
    }
    waitpid(pid, &status, 0);
    return status;
  }

  std::mt19937_64 random_;
  uint64_t seed_;
  std::unique_ptr<ScratchDir> scratch_;
  std::map<std::string, int> asked_;
  std::streamoff counted_ = 0;  // of the journal
};

uint64_t FromEnvironment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

TEST(Crash, LosesNothingWhereverItIsKilled) {
  if (std::getenv("TOCSIN_CRASH_CHILD") != nullptr) GTEST_SKIP();
  const uint64_t cycles = FromEnvironment("TOCSIN_CRASH_CYCLES", 0);
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(FromEnvironment("TOCSIN_CRASH_SECONDS", 30));
  const uint64_t seed = FromEnvironment("TOCSIN_CRASH_SEED", 1);
  Parent parent(seed);
  const auto print = [&] {
    std::cout << "first seed " << seed << ": " << parent.kills << " kills of "
              << parent.databases + 1 << " databases\n";
    for (const char* point : kPoints)
      std::cout << "  " << point << " " << parent.met[point] << "\n";
    std::cout << "  " << kMemory << " " << parent.met[kMemory] << std::endl;
  };
  uint64_t printed = 0;
  while (cycles > 0 ? parent.kills < cycles : std::chrono::steady_clock::now() < end) {
    ASSERT_TRUE(parent.Cycle());
    if (parent.kills < printed + 100) continue;
    printed = parent.kills;  // a long run shows how far it is
    print();
  }
  print();
  EXPECT_GT(parent.kills, 20u);
  if (parent.kills >= 300) {
    for (const char* point : kPoints) EXPECT_GT(parent.met[point], 0) << point;
    if (kLimitsMemory) {
      EXPECT_GT(parent.met[kMemory], 0);
    }
  }
}

}  // namespace
}  // namespace tocsin::storage
