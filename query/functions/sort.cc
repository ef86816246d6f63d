// Order of the elements of an instant query.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "query/evaluator.h"
#include "query/functions/registry.h"

namespace tocsin::query {
namespace {

using enum ValueType;

void WarnInRangeQuery(FunctionCall& call) {
  if (call.context().instant()) return;
  call.context().annotations.Warn(
      "sort is ineffective for range queries since results are always ordered by labels",
      call.expr().pos);
}

template <bool kDescending>
bool ValueBefore(const Row& a, const Row& b) {
  const double x = a.v[0], y = b.v[0];
  if (std::isnan(x) || std::isnan(y)) return !std::isnan(x);
  return kDescending ? x > y : x < y;
}

template <bool kDescending>
Result<RowStreamPtr> Sort(FunctionCall& call) {
  WarnInRangeQuery(call);
  TOCSIN_ASSIGN(auto input, call.Vector(0));
  TOCSIN_ASSIGN(Rows rows, Collect(call.context(), *input));
  for (Row& row : rows) row.h.clear();
  std::erase_if(rows, [](const Row& row) { return row.Empty(); });
  if (call.context().instant() && call.grid().count == 1) {
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      if (std::isnan(a.v[0]) && std::isnan(b.v[0])) return false;
      return ValueBefore<kDescending>(a, b);
    });
  }
  return RowStreamPtr(
      std::make_unique<RowsStream>(std::move(rows), input->distinct_without_name()));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The run of digits or of other characters at the start of `text`.
std::string_view Chunk(std::string_view text) {
  size_t n = 1;
  while (n < text.size() && IsDigit(text[n]) == IsDigit(text[0])) ++n;
  return text.substr(0, n);
}

bool AsNumber(std::string_view chunk, int64_t* value) {
  auto [end, error] = std::from_chars(chunk.data(), chunk.data() + chunk.size(), *value);
  return error == std::errc() && end == chunk.data() + chunk.size();
}

// Natural order: runs of digits compare as numbers.
bool NaturalLess(std::string_view a, std::string_view b) {
  while (!a.empty()) {
    if (b.empty()) return false;
    const std::string_view x = Chunk(a), y = Chunk(b);
    int64_t i = 0, j = 0;
    const bool numbers = AsNumber(x, &i) && AsNumber(y, &j);
    if (numbers ? i != j : x != y) return numbers ? i < j : x < y;
    a.remove_prefix(x.size());
    b.remove_prefix(y.size());
    if (a.empty()) return true;
  }
  return false;
}

template <bool kDescending>
Result<RowStreamPtr> SortByLabel(FunctionCall& call) {
  WarnInRangeQuery(call);
  TOCSIN_ASSIGN(auto input, call.Vector(0));
  TOCSIN_ASSIGN(Rows rows, Collect(call.context(), *input));
  if (call.context().instant() && call.grid().count == 1) {
    std::stable_sort(rows.begin(), rows.end(), [&](const Row& left, const Row& right) {
      const Row& a = kDescending ? right : left;
      const Row& b = kDescending ? left : right;
      for (size_t i = 1; i < call.size(); ++i) {
        const auto x = a.labels.Get(call.Text(i)), y = b.labels.Get(call.Text(i));
        if (x != y) return NaturalLess(x, y);
      }
      return a.labels < b.labels;
    });
  }
  return RowStreamPtr(
      std::make_unique<RowsStream>(std::move(rows), input->distinct_without_name()));
}

constexpr FunctionSpec kTable[] = {
    {.name = "sort", .args = {kVector}, .vector = &Sort<false>},
    {.name = "sort_desc", .args = {kVector}, .vector = &Sort<true>},
    {.name = "sort_by_label",
     .args = {kVector, kString},
     .variadic = FunctionSpec::kUnbounded,
     .experimental = true,
     .vector = &SortByLabel<false>},
    {.name = "sort_by_label_desc",
     .args = {kVector, kString},
     .variadic = FunctionSpec::kUnbounded,
     .experimental = true,
     .vector = &SortByLabel<true>},
};

}  // namespace

std::span<const FunctionSpec> SortFunctions() { return kTable; }

}  // namespace tocsin::query
