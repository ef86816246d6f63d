#include "tools/tocsin/system_ports.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <vector>

namespace tocsin {

Timestamp SystemClock::Now() const {
  return Timestamp{std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count()};
}

MonotonicTime SystemClock::Monotonic() const {
  return MonotonicTime{std::chrono::steady_clock::now().time_since_epoch()};
}

SystemRandom::SystemRandom() {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), 0) != static_cast<ssize_t>(sizeof(seed)))
    seed = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  state_ = seed;
}

uint64_t SystemRandom::Next() {  // SplitMix64
  uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15u) + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

uint64_t MachineMemory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  uint64_t bytes = pages > 0 && page > 0
                       ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page)
                       : uint64_t{1} << 30;
  // Version 2: the limits of the own group and of those above it; version 1: one file.
  std::string own;
  for (std::ifstream groups("/proc/self/cgroup"); std::getline(groups, own);)
    if (own.starts_with("0::")) break;
  own = own.starts_with("0::") ? own.substr(3) : "";
  std::vector<std::string> files{"/sys/fs/cgroup/memory/memory.limit_in_bytes"};
  for (;;) {
    files.push_back("/sys/fs/cgroup" + own + "/memory.max");
    if (own.empty() || own == "/") break;
    own.resize(own.rfind('/'));
  }
  for (const std::string& file : files) {
    uint64_t limit = 0;
    if (std::ifstream(file) >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

}  // namespace tocsin
