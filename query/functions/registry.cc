#include "query/functions/registry.h"

#include <algorithm>

namespace tocsin::query {
namespace {

std::vector<const FunctionSpec*> Collect() {
  std::vector<const FunctionSpec*> all;
  for (auto family :
       {MathFunctions(), TimeFunctions(), RateFunctions(), OverTimeFunctions(), LabelFunctions(),
        HistogramFunctions(), SortFunctions(), AbsentFunctions(), ScalarFunctions()}) {
    for (const FunctionSpec& spec : family) all.push_back(&spec);
  }
  std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->name < b->name; });
  return all;
}

const std::vector<const FunctionSpec*>& Sorted() {
  static const std::vector<const FunctionSpec*> all = Collect();
  return all;
}

}  // namespace

const FunctionSpec* FindFunction(std::string_view name) {
  const auto& all = Sorted();
  auto it = std::lower_bound(all.begin(), all.end(), name,
                             [](const FunctionSpec* s, std::string_view n) { return s->name < n; });
  return it != all.end() && (*it)->name == name ? *it : nullptr;
}

std::vector<const FunctionSpec*> AllFunctions() { return Sorted(); }

}  // namespace tocsin::query
