#include "tools/tocsin/commands/metrics_lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "ingest/exposition/text_parser.h"

namespace tocsin::commands {
namespace {

// Units that a name may hold, and the base unit that belongs there.
struct Unit {
  std::string_view name, base;
};
constexpr Unit kUnits[] = {
    {"amperes", "amperes"},    {"bytes", "bytes"},     {"celsius", "celsius"},
    {"grams", "grams"},        {"joules", "joules"},   {"kelvin", "kelvin"},
    {"kelvins", "kelvin"},     {"meters", "meters"},   {"metres", "metres"},
    {"seconds", "seconds"},    {"volts", "volts"},     {"minutes", "seconds"},
    {"hours", "seconds"},      {"days", "seconds"},    {"weeks", "seconds"},
    {"fahrenheit", "celsius"}, {"rankine", "celsius"}, {"inches", "meters"},
    {"yards", "meters"},       {"miles", "meters"},    {"bits", "bytes"},
    {"calories", "joules"},    {"pounds", "grams"},    {"ounces", "grams"},
};
constexpr std::string_view kPrefixes[] = {"pico", "nano",  "micro", "milli", "centi", "deci",
                                          "deca", "hecto", "kilo",  "kibi",  "mega",  "mibi",
                                          "giga", "gibi",  "tera",  "tebi",  "peta",  "pebi"};
constexpr std::string_view kAbbreviations[] = {"s",  "ms", "us", "ns", "sec", "b", "kb",
                                               "mb", "gb", "tb", "pb", "m",   "h", "d"};

const Unit* FindUnit(std::string_view word) {
  const auto it = std::find_if(std::begin(kUnits), std::end(kUnits),
                               [&](const Unit& unit) { return unit.name == word; });
  return it == std::end(kUnits) ? nullptr : it;
}

// The first word of the name that is a unit, as written, and its base.
std::pair<std::string_view, std::string_view> UnitOf(std::string_view name) {
  while (!name.empty()) {
    const std::string_view word = name.substr(0, name.find('_'));
    name.remove_prefix(std::min(word.size() + 1, name.size()));
    if (const Unit* unit = FindUnit(word)) return {word, unit->base};
    for (const std::string_view prefix : kPrefixes) {
      if (!word.starts_with(prefix)) continue;
      if (const Unit* unit = FindUnit(word.substr(prefix.size()))) return {word, unit->base};
    }
  }
  return {};
}

bool IsCamelCase(std::string_view name) {
  for (size_t i = 0; i + 1 < name.size(); ++i) {
    if (std::islower(static_cast<unsigned char>(name[i])) != 0 &&
        std::isupper(static_cast<unsigned char>(name[i + 1])) != 0) {
      return true;
    }
  }
  return false;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool HoldsWord(const std::string& name, std::string_view word) {
  const std::string inner = fmt::format("_{}_", word), last = fmt::format("_{}", word);
  return name.find(inner) != std::string::npos || name.ends_with(last);
}

class Linter {
 public:
  explicit Linter(const std::string& name) : name_(name) {}

  void Check(const MetricFamily& family) {
    if (!family.has_help) Problem("no help text");
    if (const auto [unit, base] = UnitOf(name_); unit != base) {
      Problem(fmt::format("use base unit \"{}\" instead of \"{}\"", base, unit));
    }
    CheckSuffixes(family.type);
    CheckLabels(family);
    if (family.has_type && family.type != MetricType::kUnknown) {
      const std::string_view type = MetricTypeName(family.type);
      if (HoldsWord(Lower(name_), type)) {
        Problem(fmt::format("metric name should not include type '{}'", type));
      }
    }
    if (name_.find(':') != std::string::npos) Problem("metric names should not contain ':'");
    if (IsCamelCase(name_)) {
      Problem("metric names should be written in 'snake_case' not 'camelCase'");
    }
    const std::string lower = Lower(name_);
    if (std::any_of(std::begin(kAbbreviations), std::end(kAbbreviations),
                    [&](std::string_view word) { return HoldsWord(lower, word); })) {
      Problem("metric names should not contain abbreviated units");
    }
  }

  std::vector<std::string> problems;

 private:
  void Problem(std::string_view text) { problems.push_back(fmt::format("{} {}", name_, text)); }

  void CheckSuffixes(MetricType type) {
    const bool counter = type == MetricType::kCounter, histogram = type == MetricType::kHistogram;
    const bool untyped = type == MetricType::kUnknown;
    if (counter && !name_.ends_with("_total")) {
      Problem("counter metrics should have \"_total\" suffix");
    }
    if (!counter && !untyped && name_.ends_with("_total")) {
      Problem("non-counter metrics should not have \"_total\" suffix");
    }
    const bool summary = type == MetricType::kSummary;
    if (untyped) return;
    if (!histogram && name_.ends_with("_bucket")) {
      Problem("non-histogram metrics should not have \"_bucket\" suffix");
    }
    for (const std::string_view suffix : {"_count", "_sum"}) {
      if (!histogram && !summary && name_.ends_with(suffix)) {
        Problem(fmt::format("non-histogram and non-summary metrics should not have \"{}\" suffix",
                            suffix));
      }
    }
  }

  void CheckLabels(const MetricFamily& family) {
    for (const std::string& label : family.label_names) {
      if (IsCamelCase(label)) {
        Problem("label names should be written in 'snake_case' not 'camelCase'");
      }
      if (family.type == MetricType::kUnknown) continue;
      if (label == "le" && family.type != MetricType::kHistogram) {
        Problem("non-histogram metrics should not have \"le\" label");
      }
      if (label == "quantile" && family.type != MetricType::kSummary) {
        Problem("non-summary metrics should not have \"quantile\" label");
      }
    }
  }

  const std::string& name_;
};

// The family that a series of this name belongs to.
std::string FamilyOf(const MetricFamilies& families, const std::string& name) {
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string base = name.substr(0, name.size() - suffix.size());
    const auto it = families.find(base);
    if (it == families.end()) continue;
    const bool histogram = it->second.type == MetricType::kHistogram;
    if (histogram || (it->second.type == MetricType::kSummary && suffix != "_bucket")) return base;
  }
  return name;
}

void AddSample(const ingest::ParsedLabels& labels, MetricFamilies& families) {
  if (labels.empty()) return;
  MetricFamily& family = families[FamilyOf(families, labels.front().second)];
  ++family.series;
  for (size_t i = 1; i < labels.size(); ++i) {
    auto& names = family.label_names;
    if (std::find(names.begin(), names.end(), labels[i].first) == names.end()) {
      names.push_back(labels[i].first);
    }
  }
}

}  // namespace

Result<MetricFamilies> ReadMetricFamilies(std::string_view page) {
  MetricFamilies families;
  ingest::TextParser parser(page);
  ingest::ParsedLabels labels;
  while (true) {
    switch (parser.Next()) {
      case ingest::ExpositionEntry::kSample:
        labels.clear();
        if (const Status split = ingest::ParseSeriesText(parser.sample().series, &labels);
            !split.ok()) {
          return parser.LineError(split.error().message());
        }
        AddSample(labels, families);
        break;
      case ingest::ExpositionEntry::kType: {
        MetricFamily& family = families[std::string(parser.meta().family)];
        family.has_type = true;
        family.type = parser.meta().type;
        break;
      }
      case ingest::ExpositionEntry::kHelp:
        families[std::string(parser.meta().family)].has_help = true;
        break;
      case ingest::ExpositionEntry::kUnit:
        break;
      case ingest::ExpositionEntry::kEnd:
        return families;
      case ingest::ExpositionEntry::kError:
        return parser.status().error();
    }
  }
}

std::vector<std::string> LintMetrics(const MetricFamilies& families) {
  std::vector<std::string> problems;
  for (const auto& [name, family] : families) {
    if (family.series == 0) continue;
    Linter linter(name);
    linter.Check(family);
    std::move(linter.problems.begin(), linter.problems.end(), std::back_inserter(problems));
  }
  std::sort(problems.begin(), problems.end());
  problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
  return problems;
}

}  // namespace tocsin::commands
