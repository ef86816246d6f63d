#include "ingest/scrape/target_series.h"

#include <utility>

#include "absl/container/flat_hash_set.h"

namespace tocsin::ingest {
namespace {

using RefSet = absl::flat_hash_set<uint64_t>;

}  // namespace

Status TargetSeries::Prepare(storage::Appender& appender) {
  if (!report_refs_.empty()) return OkStatus();
  LabelsBuilder builder;
  std::vector<SeriesRef> refs;
  for (size_t i = 0; i < report_series_; ++i) {
    builder.Reset(target_);
    builder.Set(kMetricName, kReportSeries[i]);
    TOCSIN_ASSIGN(const SeriesRef ref, appender.ResolveOwn(builder.Build()));
    refs.push_back(ref);
  }
  report_refs_ = std::move(refs);
  layout_ = PageLayout::Builder(report_refs_).Build();
  return OkStatus();
}

TargetSeries::Outcome TargetSeries::WritePage(storage::Appender& appender, Timestamp t, Page& page,
                                              ScrapeReport& report) {
  if (!page.follows_layout) return WriteNewLayout(appender, t, page, report);
  Outcome out;
  report.Write(std::span(page.values).first(report_series_));
  out.rows = appender.AppendRow(hint_, t, layout_.rows(), page.values);
  for (const Page::Stamped& sample : page.stamped) batch_.Add(sample.ref, sample.t, sample.v);
  out.rows += batch_.Flush(appender, stamped_hints_);
  AppendExemplars(appender, t, page, &out);
  active_ = true;
  if (!adopted_.empty()) {
    RefSet present;
    for (const SeriesRef ref : Tracked(true)) present.insert(ref.id);
    std::erase_if(adopted_, [&](SeriesRef ref) { return present.contains(ref.id); });
    AppendMarkers(appender, t, std::exchange(adopted_, {}), &out.rows);
  }
  return out;
}

TargetSeries::Outcome TargetSeries::WriteNewLayout(storage::Appender& appender, Timestamp t,
                                                   Page& page, ScrapeReport& report) {
  Outcome out;
  auto resolved = ResolveNew(appender, page.labels);
  if (!resolved.ok()) {
    out.status = resolved.error();
    return out;
  }
  out.refused_series = resolved->refused + page.refused;
  out.added = report.added = resolved->refs.size() - resolved->refused;

  PageLayout::Builder builder(report_refs_);
  RefSet present;
  present.reserve(page.lines.size() + report_series_);
  for (const SeriesRef ref : report_refs_) present.insert(ref.id);
  page.values.assign(report_series_, 0.0);
  for (Page::Line& line : page.lines) {
    if (line.kind == LineKind::kDropped) {
      builder.Add(line.text, LineKind::kDropped, {});
      continue;
    }
    const SeriesRef ref = line.ref.valid() ? line.ref : resolved->refs[line.new_labels];
    if (!ref.valid()) continue;  // refused: off the layout, so that the next page tries again
    line.ref = ref;
    if (line.kind == LineKind::kStamped) {
      builder.Add(line.text, LineKind::kStamped, ref);
      batch_.Add(ref, line.t, line.v);
      if (track_stamped_) present.insert(ref.id);
    } else if (present.insert(ref.id).second) {
      builder.Add(line.text, LineKind::kRow, ref);
      page.values.push_back(line.v);
    } else {
      builder.Add(line.text, LineKind::kRepeat, {});
      ++page.repeats;
    }
  }
  std::vector<SeriesRef> gone = active_ ? Tracked(false) : std::vector<SeriesRef>();
  gone.insert(gone.end(), adopted_.begin(), adopted_.end());
  adopted_.clear();
  std::erase_if(gone, [&](SeriesRef ref) { return present.contains(ref.id); });

  layout_ = builder.Build();
  active_ = true;
  report.Write(std::span(page.values).first(report_series_));
  out.rows = appender.AppendRow(hint_, t, layout_.rows(), page.values);
  out.rows += batch_.Flush(appender, stamped_hints_);
  AppendExemplars(appender, t, page, &out);
  AppendMarkers(appender, t, gone, &out.rows);
  return out;
}

// One without a time of its own is of the scrape.
void TargetSeries::AppendExemplars(storage::Appender& appender, Timestamp t, const Page& page,
                                   Outcome* out) {
  ParsedLabels labels;
  LabelsBuilder builder;
  for (const Page::Exemplar& item : page.exemplars) {
    const SeriesRef ref = item.ref.valid() ? item.ref : page.lines[item.line].ref;
    if (!ref.valid()) continue;
    labels.clear();
    if (!ParseSeriesText(item.exemplar.labels, &labels).ok()) {
      ++out->refused_exemplars;
      continue;
    }
    builder.Reset({});
    for (const auto& [name, value] : labels) builder.Set(name, value);
    Exemplar exemplar{builder.Build(), item.exemplar.value, t, item.exemplar.has_timestamp};
    if (exemplar.has_own_time) exemplar.t = {item.exemplar.timestamp_ms};
    const Status status = appender.AppendExemplar(ref, exemplar);
    if (!status.ok() && status.error().code() != ErrorCode::kStaleRef) ++out->refused_exemplars;
  }
}

TargetSeries::Outcome TargetSeries::WriteFailure(storage::Appender& appender, Timestamp t,
                                                 const ScrapeReport& report) {
  Outcome out;
  const auto rows = active_ ? layout_.rows() : layout_.rows().first(report_series_);
  std::vector<double> values(rows.size(), StaleMarker());
  report.Write(std::span(values).first(report_series_));
  out.rows = appender.AppendRow(hint_, t, rows, values);
  if (active_ && track_stamped_) AppendMarkers(appender, t, layout_.stamped(), &out.rows);
  AppendMarkers(appender, t, std::exchange(adopted_, {}), &out.rows);
  active_ = false;
  return out;
}

TargetSeries::Outcome TargetSeries::WriteEnd(storage::Appender& appender, Timestamp t) {
  Outcome out;
  AppendMarkers(appender, t, Release(), &out.rows);
  return out;
}

void TargetSeries::Forget() {
  report_refs_.clear();
  layout_ = PageLayout();
  active_ = false;
  adopted_.clear();
  hint_ = {};
}

std::vector<SeriesRef> TargetSeries::Release() {
  std::vector<SeriesRef> refs = active_ ? Tracked(true) : report_refs_;
  refs.insert(refs.end(), adopted_.begin(), adopted_.end());
  Forget();
  return refs;
}

void TargetSeries::Adopt(std::vector<SeriesRef> refs) {
  adopted_.insert(adopted_.end(), refs.begin(), refs.end());
}

Result<TargetSeries::Resolved> TargetSeries::ResolveNew(storage::Appender& appender,
                                                        const std::vector<Labels>& labels) {
  Resolved out;
  out.refs.reserve(labels.size());
  for (const Labels& series : labels) {
    auto ref = appender.Resolve(series);
    if (ref.ok()) {
      out.refs.push_back(*ref);
    } else if (ref.error().code() == ErrorCode::kSeriesLimit) {
      out.refs.push_back({});
      ++out.refused;
    } else {
      return ref.error();
    }
  }
  return out;
}

std::vector<SeriesRef> TargetSeries::Tracked(bool with_report) const {
  const auto rows = with_report ? layout_.rows() : layout_.rows().subspan(layout_.head());
  std::vector<SeriesRef> refs(rows.begin(), rows.end());
  if (track_stamped_) refs.insert(refs.end(), layout_.stamped().begin(), layout_.stamped().end());
  return refs;
}

void TargetSeries::AppendMarkers(storage::Appender& appender, Timestamp t,
                                 std::span<const SeriesRef> refs, storage::RowResult* rows) {
  if (refs.empty()) return;
  const std::vector<double> values(refs.size(), StaleMarker());
  storage::RowHint none;
  // A refused marker is no news: the series has a newer sample, or is gone.
  const storage::RowResult result = appender.AppendRow(none, t, refs, values);
  rows->appended += result.appended;
}

}  // namespace tocsin::ingest
