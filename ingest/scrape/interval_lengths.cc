#include "ingest/scrape/interval_lengths.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "storage/model/duration.h"

namespace tocsin::ingest {
namespace {

constexpr char kName[] = "prometheus_target_interval_length_seconds";
constexpr char kHelp[] = "Actual intervals between scrapes.";
constexpr size_t kKept = 512;
constexpr std::array<std::pair<double, const char*>, 5> kQuantiles{
    {{0.01, "0.01"}, {0.05, "0.05"}, {0.5, "0.5"}, {0.9, "0.9"}, {0.99, "0.99"}}};

}  // namespace

struct IntervalLengths::Recent {
  std::mutex mutex;
  std::vector<double> ring;
  size_t next = 0;
  double sum = 0;
  uint64_t count = 0;

  double Quantile(double q) {
    std::vector<double> sorted;
    {
      std::lock_guard lock(mutex);
      sorted = ring;
    }
    if (sorted.empty()) return std::nan("");
    const auto rank = static_cast<ptrdiff_t>(q * static_cast<double>(sorted.size() - 1));
    std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.end());
    return sorted[static_cast<size_t>(rank)];
  }
};

IntervalLengths::~IntervalLengths() {
  for (const auto& [interval, recent] : by_interval_) {
    const std::string text = FormatDuration(Duration{interval});
    for (const auto& [q, name] : kQuantiles)
      registry_.Remove(kName, {{"interval", text}, {"quantile", name}});
    for (const char* suffix : {"_sum", "_count"})
      registry_.Remove(kName + std::string(suffix), {{"interval", text}});
  }
}

void IntervalLengths::Observe(Duration configured, double seconds) {
  std::shared_ptr<Recent> recent;
  {
    std::lock_guard lock(mutex_);
    auto& slot = by_interval_[configured.count()];
    if (slot == nullptr) {
      slot = std::make_shared<Recent>();
      const std::string text = FormatDuration(configured);
      for (const auto& [q, name] : kQuantiles) {
        registry_.AddCallback(kName, kHelp, false,
                              [r = slot, quantile = q] { return r->Quantile(quantile); },
                              {{"interval", text}, {"quantile", name}});
      }
      const auto locked = [r = slot](auto member) {
        return [r, member] {
          std::lock_guard recent_lock(r->mutex);
          return static_cast<double>(r.get()->*member);
        };
      };
      registry_.AddCallback(kName + std::string("_sum"), kHelp, true, locked(&Recent::sum),
                            {{"interval", text}});
      registry_.AddCallback(kName + std::string("_count"), kHelp, true, locked(&Recent::count),
                            {{"interval", text}});
    }
    recent = slot;
  }
  std::lock_guard lock(recent->mutex);
  if (recent->ring.size() < kKept) {
    recent->ring.push_back(seconds);
  } else {
    recent->ring[recent->next] = seconds;
  }
  recent->next = (recent->next + 1) % kKept;
  recent->sum += seconds;
  ++recent->count;
}

}  // namespace tocsin::ingest
