#include "ingest/forward/source.h"

#include <algorithm>
#include <utility>

namespace tocsin::ingest {

Result<ForwardWindow> ReadForwardWindow(const storage::Queryable& store, Timestamp from,
                                        Timestamp to) {
  ForwardWindow out;
  out.from = from;
  out.to = to;
  TOCSIN_ASSIGN(const auto set, store.Select({}, from + Duration{1}, to, {}));
  const auto reader = set->NewReader();
  for (size_t i = 0; i < set->size(); ++i) {
    TOCSIN_RETURN_IF_ERROR(reader->Seek(i));
    ForwardWindow::Series series;
    storage::SampleBlock block;
    for (;;) {
      TOCSIN_ASSIGN(const bool more, reader->Next(&block));
      if (!more) break;
      for (size_t k = 0; k < block.size(); ++k) {
        if (!block.histograms.empty() && block.histograms[k] != nullptr) {
          ++out.histograms;
          continue;
        }
        series.times.push_back(block.times[k]);
        series.values.push_back(block.values[k]);
      }
    }
    if (series.times.empty()) continue;
    out.samples += series.times.size();
    series.labels = set->labels(i);
    out.series.push_back(std::move(series));
  }
  std::sort(out.series.begin(), out.series.end(),
            [](const auto& a, const auto& b) { return a.labels < b.labels; });
  return out;
}

}  // namespace tocsin::ingest
