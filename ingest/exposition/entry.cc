#include "ingest/exposition/entry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ingest/exposition/scan.h"
#include "storage/base/number.h"
#include "storage/model/labels.h"

namespace tocsin::ingest {
namespace {

using scan::Is;

constexpr size_t kQuadraticCheckLimit = 32;

// Reads a name or a quoted string at `p`; the structure was checked by the parser.
const char* ReadToken(const char* p, const char* end, std::string* out) {
  if (*p == '"') {
    const char* close = scan::SkipQuoted(p, end, true);
    AppendUnescaped(std::string_view(p + 1, close - 1), out);
    return close;
  }
  const char* start = p;
  while (p != end && Is(*p, scan::kName)) ++p;
  out->assign(start, p);
  return p;
}

Status CheckLabels(const ParsedLabels& labels) {
  for (const auto& [name, value] : labels) {
    if (!IsValidUtf8(value)) {
      return InvalidArgument(fmt::format("invalid UTF-8 {}: {}",
                                         name == kMetricName ? "metric name" : "label value",
                                         scan::Quote(value)));
    }
    if (!IsValidUtf8(name))
      return InvalidArgument("invalid UTF-8 label name: " + scan::Quote(name));
  }
  const auto repeated = [](std::string_view name) {
    return InvalidArgument(fmt::format("label name {} is not unique", scan::Quote(name)));
  };
  if (labels.size() <= kQuadraticCheckLimit) {
    for (size_t i = 1; i < labels.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (labels[i].first == labels[j].first) return repeated(labels[i].first);
      }
    }
    return OkStatus();
  }
  std::vector<std::string_view> names;
  names.reserve(labels.size());
  for (const auto& [name, value] : labels) names.push_back(name);
  std::sort(names.begin(), names.end());
  const auto twin = std::adjacent_find(names.begin(), names.end());
  return twin == names.end() ? OkStatus() : Status(repeated(*twin));
}

}  // namespace

Status ParseSeriesText(std::string_view series, ParsedLabels* out) {
  out->clear();
  const char* p = series.data();
  const char* end = p + series.size();
  if (*p != '{') {
    out->emplace_back(kMetricName, "");
    p = scan::SkipBlanks(ReadToken(p, end, &out->back().second), end);
  }
  if (p != end) ++p;  // the opening brace
  while (p != end) {
    p = scan::SkipBlanks(p, end);
    if (*p == ',') p = scan::SkipBlanks(p + 1, end);
    if (*p == '}') break;
    std::string name;
    p = scan::SkipBlanks(ReadToken(p, end, &name), end);
    if (*p != '=') {
      out->emplace(out->begin(), kMetricName, std::move(name));
      continue;
    }
    out->emplace_back(std::move(name), "");
    p = ReadToken(scan::SkipBlanks(p + 1, end), end, &out->back().second);
  }
  return CheckLabels(*out);
}

void NormalizeBucketLabels(MetricType type, ParsedLabels* labels) {
  std::string_view wanted;
  if (type == MetricType::kHistogram) wanted = kBucketLabel;
  if (type == MetricType::kSummary) wanted = kQuantileLabel;
  if (wanted.empty()) return;
  for (auto& [name, value] : *labels) {
    if (name != wanted) continue;
    if (const auto number = ParseFloat(value)) {
      value.clear();
      AppendOpenMetricsFloat(value, *number);
    }
  }
}

Result<std::string> UnescapeHelp(std::string_view text) {
  if (!IsValidUtf8(text)) return InvalidArgument("help text is not a valid utf8 string");
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'n' || next == '\\') {
      out += next == 'n' ? '\n' : '\\';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

void AppendUnescaped(std::string_view quoted, std::string* out) {
  out->reserve(out->size() + quoted.size());
  for (size_t i = 0; i < quoted.size(); ++i) {
    const char next = quoted[i] == '\\' && i + 1 < quoted.size() ? quoted[i + 1] : '\0';
    if (next == 'n' || next == '\\' || next == '"') {
      out->push_back(next == 'n' ? '\n' : next);
      ++i;
    } else {
      out->push_back(quoted[i]);
    }
  }
}

bool ParseMetricType(std::string_view word, bool open_metrics, MetricType* out) {
  struct Word {
    std::string_view text;
    MetricType type;
    bool in_text, in_open_metrics;
  };
  static constexpr std::array<Word, 9> kWords{{
      {"counter", MetricType::kCounter, true, true},
      {"gauge", MetricType::kGauge, true, true},
      {"histogram", MetricType::kHistogram, true, true},
      {"summary", MetricType::kSummary, true, true},
      {"untyped", MetricType::kUnknown, true, false},
      {"unknown", MetricType::kUnknown, false, true},
      {"gaugehistogram", MetricType::kGaugeHistogram, false, true},
      {"info", MetricType::kInfo, false, true},
      {"stateset", MetricType::kStateset, false, true},
  }};
  for (const Word& candidate : kWords) {
    if (candidate.text == word && (open_metrics ? candidate.in_open_metrics : candidate.in_text)) {
      *out = candidate.type;
      return true;
    }
  }
  return false;
}

}  // namespace tocsin::ingest
