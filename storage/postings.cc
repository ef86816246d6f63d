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

// The same by the union of `lists`, of `total` members up to `highest`.
void FilterByAny(std::vector<uint32_t>& list,
                 const std::vector<const std::vector<uint32_t>*>& others, size_t total,
                 uint32_t highest, bool keep_members) {
  if (others.size() == 1) return Filter(list, *others.front(), keep_members);
  // Few members are looked up in each list; for many the union is worth making.
  if (list.size() * others.size() >= total) {
    return Filter(list, Merge(others, highest), keep_members);
  }
  std::erase_if(list, [&](uint32_t index) {
    const bool member = std::any_of(others.begin(), others.end(), [index](const auto* other) {
      return std::binary_search(other->begin(), other->end(), index);
    });
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

Postings::Lists Postings::Find(Symbol name, const std::vector<Symbol>& values) const {
  Lists out;
  const auto it = names_.find(name);
  if (it == names_.end()) return out;
  out.lists.reserve(values.size());
  for (const Symbol value : values) {
    const auto list = it->second.values.find(value);
    if (list == it->second.values.end()) continue;
    out.lists.push_back(&list->second);
    out.total += list->second.size();
  }
  return out;
}

std::vector<uint32_t> Postings::Select(std::span<const Matcher> matchers) const {
  struct Wanted {
    Symbol name;
    std::vector<Symbol> values;
  };
  std::vector<Wanted> must, must_not;
  for (const Matcher& matcher : matchers) {
    // One that matches "" also takes series without the label: remove those whose value fails.
    const bool without = matcher.MatchesEmpty();
    const Symbol name = symbols_.Find(matcher.name());
    if (name == 0 && !without) return {};
    if (name == 0) continue;
    (without ? must_not : must).push_back({name, MatchingValues(name, matcher, without)});
  }
  // Only the smallest set is copied; a label that all series have may be as long as the index.
  std::shared_lock lock(mutex_);
  if (all_.empty()) return {};
  std::vector<Lists> found;
  for (const Wanted& wanted : must) {
    found.push_back(Find(wanted.name, wanted.values));
    if (found.back().total == 0) return {};
  }
  std::sort(found.begin(), found.end(),
            [](const Lists& a, const Lists& b) { return a.total < b.total; });
  std::vector<uint32_t> out = found.empty() ? all_ : Merge(found.front().lists, all_.back());
  for (size_t i = 1; i < found.size(); ++i) {
    FilterByAny(out, found[i].lists, found[i].total, all_.back(), /*keep_members=*/true);
  }
  for (const Wanted& wanted : must_not) {
    const Lists gone = Find(wanted.name, wanted.values);
    FilterByAny(out, gone.lists, gone.total, all_.back(), /*keep_members=*/false);
  }
  return out;
}

}  // namespace tocsin::storage
