#include "storage/postings.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <mutex>

namespace tocsin::storage {
namespace {

// Lists that have no number in common, as one ascending list.
std::vector<uint32_t> Merge(const std::vector<const std::vector<uint32_t>*>& lists,
                            uint32_t highest) {
  if (lists.empty()) return {};
  if (lists.size() == 1) return *lists.front();
  size_t total = 0;
  for (const auto* list : lists) total += list->size();
  std::vector<uint32_t> out;
  out.reserve(total);
  if (total < (size_t{highest} + 1) / 64) {
    for (const auto* list : lists) out.insert(out.end(), list->begin(), list->end());
    std::sort(out.begin(), out.end());
    return out;
  }
  std::vector<uint64_t> bits(size_t{highest} / 64 + 1);
  for (const auto* list : lists)
    for (const uint32_t index : *list) bits[index / 64] |= uint64_t{1} << (index % 64);
  for (size_t word = 0; word < bits.size(); ++word)
    for (uint64_t rest = bits[word]; rest != 0; rest &= rest - 1)
      out.push_back(static_cast<uint32_t>(word * 64 + static_cast<size_t>(std::countr_zero(rest))));
  return out;
}

// The members of `list` that are (or are not) in `other`.
void Filter(std::vector<uint32_t>& list, const std::vector<uint32_t>& other, bool keep_members) {
  auto at = other.begin();
  std::erase_if(list, [&](uint32_t index) {
    // Gallop: the lists may differ in size by orders of magnitude.
    size_t step = 1;
    auto end = at;
    while (end != other.end() && *end < index) {
      at = end + 1;
      const auto left = static_cast<size_t>(other.end() - end);
      end += static_cast<std::ptrdiff_t>(std::min(step, left));
      step *= 2;
    }
    at = std::lower_bound(at, end, index);
    const bool member = at != other.end() && *at == index;
    return member != keep_members;
  });
}

}  // namespace

void Postings::Add(uint32_t index, std::span<const SymbolPair> pairs) {
  std::unique_lock lock(mutex_);
  all_.push_back(index);
  for (const auto& [name, value] : pairs) names_[name].values[value].push_back(index);
}

void Postings::Remove(std::span<const uint32_t> sorted_indexes,
                      const std::vector<std::vector<SymbolPair>>& pairs) {
  const std::vector<uint32_t> gone(sorted_indexes.begin(), sorted_indexes.end());
  std::unique_lock lock(mutex_);
  Filter(all_, gone, /*keep_members=*/false);
  std::vector<SymbolPair> touched;
  for (const auto& of_series : pairs)
    touched.insert(touched.end(), of_series.begin(), of_series.end());
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const auto& [name, value] : touched) {
    auto it = names_.find(name);
    if (it == names_.end()) continue;
    auto& values = it->second.values;
    auto list = values.find(value);
    if (list == values.end()) continue;
    Filter(list->second, gone, /*keep_members=*/false);
    if (list->second.empty()) values.erase(list);
    if (values.empty()) names_.erase(it);
  }
}

std::vector<Symbol> Postings::Names() const {
  std::shared_lock lock(mutex_);
  std::vector<Symbol> out;
  out.reserve(names_.size());
  for (const auto& [name, of_name] : names_) out.push_back(name);
  return out;
}

std::vector<Symbol> Postings::Values(Symbol name) const {
  std::shared_lock lock(mutex_);
  std::vector<Symbol> out;
  const auto it = names_.find(name);
  if (it == names_.end()) return out;
  out.reserve(it->second.values.size());
  for (const auto& [value, list] : it->second.values) out.push_back(value);
  return out;
}

size_t Postings::Some(Symbol name, Symbol value, size_t from, size_t n,
                      std::vector<uint32_t>* out) const {
  out->clear();
  std::shared_lock lock(mutex_);
  const auto of_name = names_.find(name);
  if (of_name == names_.end()) return 0;
  const auto of_value = of_name->second.values.find(value);
  if (of_value == of_name->second.values.end()) return 0;
  const std::vector<uint32_t>& list = of_value->second;
  if (from < list.size()) {
    const auto begin = list.begin() + static_cast<std::ptrdiff_t>(from);
    out->assign(begin, begin + static_cast<std::ptrdiff_t>(std::min(n, list.size() - from)));
  }
  return out->size();
}

std::pair<Symbol, uint64_t> Postings::Largest(Symbol name) const {
  std::shared_lock lock(mutex_);
  std::pair<Symbol, uint64_t> largest{0, 0};
  if (const auto it = names_.find(name); it != names_.end())
    for (const auto& [value, indexes] : it->second.values)
      if (indexes.size() > largest.second) largest = {value, indexes.size()};
  return largest;
}

uint64_t Postings::pairs() const {
  std::shared_lock lock(mutex_);
  uint64_t count = 0;
  for (const auto& [name, of_name] : names_) count += of_name.values.size();
  return count;
}

std::vector<Symbol> Postings::MatchingValues(Symbol name, const Matcher& matcher,
                                             bool invert) const {
  std::vector<Symbol> found;
  const bool looks_up = (matcher.op() == MatchOp::kEqual || matcher.op() == MatchOp::kNotEqual) &&
                        invert == (matcher.op() == MatchOp::kNotEqual);
  if (looks_up) {
    if (const Symbol value = symbols_.Find(matcher.value())) found.push_back(value);
    return found;
  }
  const bool positive_regex = matcher.regex() != nullptr && !matcher.regex()->literals().empty() &&
                              invert == (matcher.op() == MatchOp::kNotRegex);
  if (positive_regex) {
    for (const std::string& literal : matcher.regex()->literals())
      if (const Symbol value = symbols_.Find(literal)) found.push_back(value);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }
  for (const Symbol value : Values(name))
    if (matcher.Matches(symbols_.Text(value)) != invert) found.push_back(value);
  return found;
}

std::vector<uint32_t> Postings::Union(const Matcher& matcher, bool invert) const {
  const Symbol name = symbols_.Find(matcher.name());
  if (name == 0) return {};
  const std::vector<Symbol> values = MatchingValues(name, matcher, invert);
  std::shared_lock lock(mutex_);
  const auto it = names_.find(name);
  if (it == names_.end() || all_.empty()) return {};
  std::vector<const std::vector<uint32_t>*> lists;
  lists.reserve(values.size());
  for (const Symbol value : values) {
    const auto list = it->second.values.find(value);
    if (list != it->second.values.end()) lists.push_back(&list->second);
  }
  return Merge(lists, all_.back());
}

std::vector<uint32_t> Postings::Select(std::span<const Matcher> matchers) const {
  std::vector<std::vector<uint32_t>> must;
  std::vector<std::vector<uint32_t>> must_not;
  for (const Matcher& matcher : matchers) {
    // One that matches "" also takes series without the label: remove those whose value fails.
    if (matcher.MatchesEmpty()) {
      must_not.push_back(Union(matcher, /*invert=*/true));
      continue;
    }
    must.push_back(Union(matcher, /*invert=*/false));
    if (must.back().empty()) return {};
  }
  std::vector<uint32_t> out;
  if (must.empty()) {
    std::shared_lock lock(mutex_);
    out = all_;
  } else {
    std::sort(must.begin(), must.end(),
              [](const auto& a, const auto& b) { return a.size() < b.size(); });
    out = std::move(must.front());
    for (size_t i = 1; i < must.size(); ++i) Filter(out, must[i], /*keep_members=*/true);
  }
  for (const auto& list : must_not)
    if (!list.empty()) Filter(out, list, /*keep_members=*/false);
  return out;
}

}  // namespace tocsin::storage
