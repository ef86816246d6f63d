// Numbered places in the life of the data at which the crash test ends the process (the list, and
// what a start finds after each, is in docs/storage-format.md). Without a hook: one relaxed load.
#pragma once

#include <atomic>

namespace tocsin {

using CrashHook = void (*)(const char* name);
inline std::atomic<CrashHook> crash_hook{nullptr};

inline void CrashPoint(const char* name) {
  if (const CrashHook hook = crash_hook.load(std::memory_order_relaxed)) hook(name);
}

}  // namespace tocsin
