#include "http/api/cardinality.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"

namespace tocsin::http {

namespace {

using Counts = absl::flat_hash_map<std::string, uint64_t>;

TopList Top(const Counts& counts, size_t limit) {
  TopList list(counts.begin(), counts.end());
  const auto larger = [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  };
  const size_t size = std::min(limit, list.size());
  std::partial_sort(list.begin(), list.begin() + static_cast<ptrdiff_t>(size), list.end(), larger);
  list.resize(size);
  return list;
}

}  // namespace

Result<Cardinality> CountCardinality(const storage::Queryable& db, size_t limit,
                                     const std::atomic<bool>* canceled) {
  storage::SelectHints hints;
  hints.labels_only = true;
  hints.canceled = canceled;
  TOCSIN_ASSIGN(const auto set, db.Select({}, kMinTimestamp, kMaxTimestamp, hints));
  Counts metrics, pairs, values, bytes;
  std::string pair;
  for (size_t i = 0; i < set->size(); ++i) {
    if (canceled != nullptr && canceled->load()) {
      return Error(ErrorCode::kCanceled, "canceled while counting series");
    }
    for (const Label& label : set->labels(i)) {
      if (label.name == kMetricName) ++metrics[std::string(label.value)];
      pair.assign(label.name).append("=").append(label.value);
      if (++pairs[pair] > 1) continue;
      const std::string name(label.name);
      ++values[name];
      bytes[name] += label.value.size();
    }
  }
  return Cardinality{Top(metrics, limit), Top(values, limit), Top(bytes, limit), Top(pairs, limit)};
}

}  // namespace tocsin::http
