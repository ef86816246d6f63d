#include "ingest/scrape/page_reader.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "ingest/exposition/openmetrics_parser.h"
#include "ingest/exposition/text_parser.h"

namespace tocsin::ingest {
namespace {

// The lines of a layout by text, for a page that leaves its order.
class LineIndex {
 public:
  struct Found {
    LineKind kind;
    SeriesRef ref;
  };

  explicit LineIndex(const PageLayout& layout) {
    std::vector<std::pair<size_t, Found>> ends;
    ends.reserve(layout.lines());
    for (PageLayout::Cursor cursor(layout); cursor.Next();) {
      texts_.append(cursor.text());
      const LineKind kind = cursor.kind();
      const bool has_ref = kind == LineKind::kRow || kind == LineKind::kStamped;
      ends.push_back({texts_.size(), {kind, has_ref ? cursor.ref() : SeriesRef{}}});
    }
    by_text_.reserve(ends.size());
    size_t begin = 0;
    for (const auto& [end, found] : ends) {
      // A repeat has no ref: its text is looked at anew.
      if (found.kind != LineKind::kRepeat)
        by_text_.try_emplace(std::string_view(texts_).substr(begin, end - begin), found);
      begin = end;
    }
  }

  const Found* Find(std::string_view text) const {
    const auto it = by_text_.find(text);
    return it == by_text_.end() ? nullptr : &it->second;
  }

 private:
  std::string texts_;
  absl::flat_hash_map<std::string_view, Found> by_text_;
};

// Whether there are more lines than that which may be samples. Costs a look at each line of a page
// that could have so many, and nothing of others.
bool HasMoreSamplesThan(uint64_t most, std::string_view body) {
  constexpr uint64_t kShortestLine = 4;  // `a 1` and its end
  uint64_t lines = 0;
  while (body.size() / kShortestLine > most - lines) {
    const size_t end = std::min(body.find('\n'), body.size() - 1);
    const size_t first = body.find_first_not_of(" \t");
    if (first < end && body[first] != '#' && ++lines > most) return true;
    body.remove_prefix(end + 1);
  }
  return false;
}

template <typename Parser>
class Reader {
 public:
  Reader(std::string_view body, const PageLayout& layout, const PageOptions& options,
         SampleLabels& labels, MetadataCache& metadata)
      : body_(body),
        parser_(body),
        layout_(layout),
        options_(options),
        labels_(labels),
        metadata_(metadata) {}

  // First along the layout; from the start again, line by line, when the page has changed shape.
  Page Read() {
    // Known before the page takes its time, and the thread of the others.
    if (HasMoreSamplesThan(options_.max_lines, body_)) {
      page_.status = TooManyLines();
      return std::move(page_);
    }
    bool follows = false;
    Status status = ReadAlongLayout(&follows);
    if (status.ok() && !follows) {
      page_ = Page();
      page_.follows_layout = false;
      parser_ = Parser(body_);
      status = ReadLines();
    }
    page_.status = std::move(status);
    return std::move(page_);
  }

 private:
  // `follows` stays false at the first line the layout did not foresee.
  Status ReadAlongLayout(bool* follows) {
    metadata_.BeginPage();
    page_.values.reserve(layout_.rows().size());
    page_.values.resize(layout_.head());
    PageLayout::Cursor cursor(layout_);
    bool more = cursor.Next();
    for (;;) {
      const ExpositionEntry entry = parser_.Next(more ? cursor.text() : std::string_view());
      switch (entry) {
        case ExpositionEntry::kSample:
          if (!more || !parser_.matched() || !TakeExpected(cursor)) return OkStatus();
          more = cursor.Next();
          break;
        case ExpositionEntry::kEnd:
          *follows = !more;
          return CheckSampleLimit();
        case ExpositionEntry::kError:
          return parser_.status();
        default:
          TOCSIN_RETURN_IF_ERROR(TakeMetadata(entry));
      }
    }
  }

  // False when the sample is of another kind than the line before it was.
  bool TakeExpected(const PageLayout::Cursor& cursor) {
    const ExpositionSample& sample = parser_.sample();
    const bool own_time = HasOwnTime();
    switch (cursor.kind()) {
      case LineKind::kRow:
        if (own_time) return false;
        page_.values.push_back(sample.value);
        ++page_.kept;
        TakeExemplar(cursor.ref(), 0);
        break;
      case LineKind::kStamped:
        if (!own_time) return false;
        page_.stamped.push_back({cursor.ref(), {sample.timestamp_ms}, sample.value});
        ++page_.kept;
        TakeExemplar(cursor.ref(), 0);
        break;
      case LineKind::kRepeat:
        if (own_time) return false;
        ++page_.kept;
        ++page_.repeats;
        break;
      case LineKind::kDropped:
        break;
    }
    ++page_.scraped;
    return true;
  }

  Status ReadLines() {
    metadata_.BeginPage();
    const LineIndex index(layout_);
    page_.lines.reserve(layout_.lines() + 16);
    for (;;) {
      const ExpositionEntry entry = parser_.Next();
      switch (entry) {
        case ExpositionEntry::kSample:
          TOCSIN_RETURN_IF_ERROR(TakeLine(index));
          break;
        case ExpositionEntry::kEnd:
          return CheckSampleLimit();
        case ExpositionEntry::kError:
          return parser_.status();
        default:
          TOCSIN_RETURN_IF_ERROR(TakeMetadata(entry));
      }
    }
  }

  Status TakeLine(const LineIndex& index) {
    const ExpositionSample& sample = parser_.sample();
    if (++page_.scraped > options_.max_lines) return TooManyLines();
    Page::Line line;
    line.text = sample.series;
    line.kind = HasOwnTime() ? LineKind::kStamped : LineKind::kRow;
    line.t = {sample.timestamp_ms};
    line.v = sample.value;
    if (const LineIndex::Found* found = index.Find(sample.series)) {
      if (found->kind == LineKind::kDropped) line.kind = LineKind::kDropped;
      line.ref = found->ref;
    } else {
      TOCSIN_ASSIGN(line.new_labels, NewSeries(sample.series));
      if (line.new_labels == kDropped) line.kind = LineKind::kDropped;
    }
    if (line.kind != LineKind::kDropped) ++page_.kept;
    if (OverLimit()) return OkStatus();
    if (line.new_labels == kRefused) {
      ++page_.refused;
      return OkStatus();
    }
    page_.lines.push_back(line);
    if (line.kind != LineKind::kDropped)
      TakeExemplar({}, static_cast<uint32_t>(page_.lines.size() - 1));
    return OkStatus();
  }

  // Index into labels of a line that the layout does not know, kDropped or kRefused. A text that
  // comes again is looked up: its labels are made and kept once.
  Result<uint32_t> NewSeries(std::string_view text) {
    if (const auto known = fresh_.find(text); known != fresh_.end()) return known->second;
    auto labels = labels_.Make(text, type_);
    if (!labels.ok()) return LabelsError(labels.error());
    uint32_t index = kDropped;
    if (labels->has_value()) {
      index = kRefused;
      if (page_.labels.size() < options_.max_new_series && !OverLimit()) {
        index = static_cast<uint32_t>(page_.labels.size());
        page_.labels.push_back(**std::move(labels));
      }
    }
    fresh_.emplace(text, index);
    return index;
  }

  void TakeExemplar(SeriesRef ref, uint32_t line) {
    const ExpositionSample::Exemplar& exemplar = parser_.sample().exemplar;
    if (!exemplar.labels.empty()) page_.exemplars.push_back({ref, line, exemplar});
  }

  Status TakeMetadata(ExpositionEntry entry) {
    if (entry == ExpositionEntry::kType) type_ = parser_.meta().type;
    auto status = metadata_.OnLine(entry, parser_.meta());
    return status.ok() ? status : Status(parser_.LineError(status.error().message()));
  }

  Error TooManyLines() {
    page_.limit = PageLimit::kSamples;
    return Error(ErrorCode::kLimit,
                 "more than " + std::to_string(options_.max_lines) + " samples on a page");
  }

  bool HasOwnTime() const { return options_.honor_timestamps && parser_.sample().has_timestamp; }
  bool OverLimit() const {
    return options_.sample_limit != 0 && page_.kept > options_.sample_limit;
  }
  Status CheckSampleLimit() {
    if (!OverLimit()) return OkStatus();
    page_.limit = PageLimit::kSamples;
    return Error(ErrorCode::kLimit, "sample limit exceeded");
  }
  // Limits keep their wording; what the page itself got wrong gets the line.
  Error LabelsError(const Error& error) {
    if (error.code() != ErrorCode::kLimit) return parser_.LineError(error.message());
    page_.limit = PageLimit::kLabels;
    return error;
  }

  static constexpr uint32_t kDropped = static_cast<uint32_t>(-1);
  static constexpr uint32_t kRefused = static_cast<uint32_t>(-2);

  std::string_view body_;
  Parser parser_;
  const PageLayout& layout_;
  const PageOptions& options_;
  SampleLabels& labels_;
  MetadataCache& metadata_;
  MetricType type_ = MetricType::kUnknown;
  absl::flat_hash_map<std::string_view, uint32_t> fresh_;  // texts the layout does not have
  Page page_;
};

}  // namespace

Page ReadPage(std::string_view body, PageFormat format, const PageLayout& layout,
              const PageOptions& options, SampleLabels& labels, MetadataCache& metadata) {
  Page page = format == PageFormat::kOpenMetrics
                  ? Reader<OpenMetricsParser>(body, layout, options, labels, metadata).Read()
                  : Reader<TextParser>(body, layout, options, labels, metadata).Read();
  metadata.EndPage(page.status.ok());
  return page;
}

}  // namespace tocsin::ingest
