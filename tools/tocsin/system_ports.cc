#include "tools/tocsin/system_ports.h"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <chrono>

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
  const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(size) : 0;
}

}  // namespace tocsin
