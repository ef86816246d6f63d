#include "rules/histogram_text.h"

#include <fmt/format.h>

#include "query/histogram/arithmetic.h"
#include "storage/base/number.h"

namespace tocsin::rules {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Error Bad(std::string_view key, std::string_view text) {
  return InvalidArgument(fmt::format("bad value \"{}\" of {} in a histogram", text, key));
}

Result<std::vector<double>> ReadList(std::string_view key, std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return Bad(key, text);
  std::vector<double> out;
  for (std::string_view rest = Trim(text.substr(1, text.size() - 2)); !rest.empty();
       rest = Trim(rest)) {
    const size_t end = std::min(rest.find_first_of(kSpace), rest.size());
    const auto v = ParseFloat(rest.substr(0, end));
    if (!v) return Bad(key, text);
    out.push_back(*v);
    rest.remove_prefix(end);
  }
  return out;
}

struct Offsets {
  int32_t positive = 0, negative = 0;
};

Status ReadInt(std::string_view key, std::string_view text, int32_t* out) {
  const auto v = ParseInt(text);
  if (!v || *v < -1'000'000 || *v > 1'000'000) return Bad(key, text);
  *out = static_cast<int32_t>(*v);
  return OkStatus();
}

Status ReadHint(std::string_view text, CounterResetHint* out) {
  if (text == "unknown") {
    *out = CounterResetHint::kUnknown;
  } else if (text == "reset") {
    *out = CounterResetHint::kReset;
  } else if (text == "not_reset") {
    *out = CounterResetHint::kNotReset;
  } else if (text == "gauge") {
    *out = CounterResetHint::kGauge;
  } else {
    return Bad("counter_reset_hint", text);
  }
  return OkStatus();
}

Status ReadKey(std::string_view key, std::string_view text, Histogram* h, Offsets* offsets) {
  for (const auto& [name, list] :
       {std::pair{"buckets", &h->positive_buckets}, std::pair{"n_buckets", &h->negative_buckets},
        std::pair{"custom_values", &h->custom_values}}) {
    if (key != name) continue;
    TOCSIN_ASSIGN(*list, ReadList(key, text));
    return OkStatus();
  }
  for (const auto& [name, number] :
       {std::pair{"count", &h->count}, std::pair{"sum", &h->sum},
        std::pair{"z_bucket", &h->zero_count}, std::pair{"z_bucket_w", &h->zero_threshold}}) {
    if (key != name) continue;
    const auto v = ParseFloat(text);
    if (!v) return Bad(key, text);
    *number = *v;
    return OkStatus();
  }
  if (key == "offset") return ReadInt(key, text, &offsets->positive);
  if (key == "n_offset") return ReadInt(key, text, &offsets->negative);
  if (key == "counter_reset_hint") return ReadHint(text, &h->reset_hint);
  if (key == "schema") {
    int32_t schema = 0;
    TOCSIN_RETURN_IF_ERROR(ReadInt(key, text, &schema));
    if (schema != kCustomBucketsSchema && (schema < -4 || schema > 8)) return Bad(key, text);
    h->schema = schema;
    return OkStatus();
  }
  return InvalidArgument(fmt::format("unknown key \"{}\" in a histogram", key));
}

}  // namespace

Result<Histogram> ParseHistogramText(std::string_view text) {
  text = Trim(text);
  if (!text.starts_with("{{") || !text.ends_with("}}") || text.size() < 4) {
    return InvalidArgument(fmt::format("\"{}\" is no histogram", text));
  }
  Histogram h;
  Offsets offsets;
  for (std::string_view body = Trim(text.substr(2, text.size() - 4)); !body.empty();
       body = Trim(body)) {
    const size_t colon = body.find(':');
    if (colon == std::string_view::npos) return Bad("a key", body);
    const std::string_view key = body.substr(0, colon);
    body.remove_prefix(colon + 1);
    const size_t end = body.starts_with('[') ? body.find(']') + 1
                                             : std::min(body.find_first_of(kSpace), body.size());
    if (end == 0) return Bad(key, body);
    TOCSIN_RETURN_IF_ERROR(ReadKey(key, body.substr(0, end), &h, &offsets));
    body.remove_prefix(end);
  }
  if (!h.positive_buckets.empty()) {
    h.positive_spans = {{offsets.positive, static_cast<uint32_t>(h.positive_buckets.size())}};
  }
  if (!h.negative_buckets.empty()) {
    h.negative_spans = {{offsets.negative, static_cast<uint32_t>(h.negative_buckets.size())}};
  }
  return h;
}

std::vector<Histogram> RepeatHistogram(const Histogram& first, const Histogram& step, bool subtract,
                                       uint64_t n) {
  std::vector<Histogram> out = {first};
  const query::FlatHistogram change(step);
  for (uint64_t i = 0; i < n; ++i) {
    query::FlatHistogram next(out.back());
    if (subtract) {
      query::SubtractHistogram(&next, change);
    } else {
      query::AddHistogram(&next, change, query::Rounding::kPlain);
    }
    next.hint = step.reset_hint;
    out.push_back(next.ToHistogram());
  }
  return out;
}

bool EqualHistograms(const Histogram& a, const Histogram& b) {
  query::FlatHistogram x(a), y(b);
  x.Compact();
  y.Compact();
  return query::SameHistogram(x.ToHistogram(), y.ToHistogram());
}

}  // namespace tocsin::rules
