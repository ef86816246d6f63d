// info(): adds to series the labels of the info series (target_info and the like) that come from
// the same instance and job.
#include "query/functions/info.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <absl/container/flat_hash_map.h>

#include "query/selector.h"

namespace tocsin::query {
namespace {

constexpr std::string_view kJoinLabels[] = {kInstanceLabel, kJobLabel};

Error Failed(std::string message) { return Error(ErrorCode::kExecution, std::move(message)); }

// The second argument taken apart.
struct InfoSelector {
  std::vector<Matcher> name_matchers;
  std::vector<Matcher> data_matchers;
  std::set<std::string, std::less<>> data_labels;  // named ones; empty: all
  bool optional = true;                            // series without info series stay

  bool Wants(std::string_view label) const {
    return data_labels.empty() || data_labels.contains(label);
  }
};

Result<InfoSelector> Analyze(const FunctionCall& call) {
  InfoSelector selector;
  bool positive = false;
  if (call.size() > 1) {
    const Expr& arg = Unwrap(call.arg(1));
    if (arg.kind != ExprKind::kVectorSelector) {
      return Failed("second argument to info() must be a label selector");
    }
    for (const Matcher& m : As<VectorSelector>(arg).matchers) {
      if (m.name() == kMetricName) {
        selector.name_matchers.push_back(m);
        positive = positive || m.op() == MatchOp::kEqual || m.op() == MatchOp::kRegex;
      } else {
        selector.data_matchers.push_back(m);
        selector.data_labels.insert(m.name());
        selector.optional = selector.optional && m.MatchesEmpty();
      }
    }
  }
  if (selector.name_matchers.empty()) {
    selector.name_matchers.emplace_back(MatchOp::kEqual, std::string(kMetricName), "target_info");
  } else if (!positive) {
    TOCSIN_ASSIGN(auto any, Matcher::Create(MatchOp::kRegex, std::string(kMetricName), ".+_info"));
    selector.name_matchers.push_back(std::move(any));
  }
  return selector;
}

// The times the base series are looked at decide those of the info series: @ and offset of the
// first selector inside, with the offsets of subqueries around it up to an @.
bool FindTime(const Expr& expr, TimeModifiers* time) {
  auto add = [time](const TimeModifiers& t) {
    if (time->at || time->at_bound != AtBound::kNone) return;
    time->offset.value += t.offset.value;
    time->at = t.at;
    time->at_bound = t.at_bound;
  };
  if (expr.kind == ExprKind::kVectorSelector) {
    add(As<VectorSelector>(expr).time);
    return true;
  }
  bool found = false;
  ForEachChild(expr, [&](const Expr& child) { found = found || FindTime(child, time); });
  if (found && expr.kind == ExprKind::kSubquery) add(As<SubqueryExpr>(expr).time);
  return found;
}

// Info series by name and by what they are joined on.
class InfoSeries {
 public:
  // `wanted`: for each join label the values that occur among the base series.
  static Result<InfoSeries> Select(FunctionCall& call, const InfoSelector& selector,
                                   const std::map<std::string_view, std::set<std::string>>& wanted);

  // The info series that count for a base series at a step, one per info metric that has any.
  std::vector<size_t> For(const Labels& base, size_t step) const {
    std::vector<size_t> chosen;
    for (const auto& [name, groups] : by_name_) {
      auto it = groups.find(KeyOf(base));
      if (it == groups.end()) continue;
      if (auto row = Newest(it->second, step)) chosen.push_back(*row);
    }
    return chosen;
  }
  const Labels& labels(size_t row) const { return times_[row].labels; }

 private:
  static Labels KeyOf(const Labels& labels) {
    static const std::vector<std::string> names = {std::string(kInstanceLabel),
                                                   std::string(kJobLabel)};
    return labels.Keep(names);
  }
  std::optional<size_t> Newest(const std::vector<size_t>& rows, size_t step) const {
    std::optional<size_t> newest;
    for (size_t row : rows) {
      if (IsAbsent(times_[row].v[step])) continue;
      if (!newest || times_[row].v[step] > times_[*newest].v[step]) newest = row;
    }
    return newest;
  }
  // Two series that say different things at the same time cannot both be right.
  Status CheckUnique(size_t steps) const;

  Rows times_;  // of the samples
  std::map<std::string, absl::flat_hash_map<Labels, std::vector<size_t>, LabelsHash>> by_name_;
};

Status InfoSeries::CheckUnique(size_t steps) const {
  for (const auto& [name, groups] : by_name_) {
    for (const auto& [key, rows] : groups) {
      for (size_t step = 0; rows.size() > 1 && step < steps; ++step) {
        const auto newest = Newest(rows, step);
        for (size_t row : rows) {
          if (!newest || row == *newest) continue;
          const double t = times_[row].v[step];
          if (IsAbsent(t) || t != times_[*newest].v[step]) continue;
          const int64_t ms = static_cast<int64_t>(t * 1000);
          return Failed(
              fmt::format("found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                          labels(*newest).ToSetString(), ms, labels(row).ToSetString(), ms));
        }
      }
    }
  }
  return OkStatus();
}

Result<InfoSeries> InfoSeries::Select(
    FunctionCall& call, const InfoSelector& selector,
    const std::map<std::string_view, std::set<std::string>>& wanted) {
  InfoSeries info;
  if (wanted.empty()) return info;
  VectorSelector candidates;
  candidates.pos = call.expr().pos;
  FindTime(call.arg(0), &candidates.time);
  candidates.matchers = selector.name_matchers;
  for (const Matcher& m : selector.data_matchers) candidates.matchers.push_back(m);
  for (const auto& [label, values] : wanted) {
    if (values.size() != 1) continue;
    candidates.matchers.emplace_back(MatchOp::kEqual, std::string(label), *values.begin());
  }
  QueryContext& context = call.context();
  TOCSIN_ASSIGN(auto values, SelectInstant(context, candidates, call.grid(), {}));
  TOCSIN_ASSIGN(Rows samples, Collect(context, *values));
  for (const Row& row : samples) {
    if (row.h.empty()) continue;
    return Failed(fmt::format("this should be an info metric, with float samples: {}",
                              row.labels.ToSetString()));
  }
  TOCSIN_ASSIGN(auto times, SelectInstant(context, candidates, call.grid(),
                                          {SelectorOutput::kSampleTime, "info"}));
  TOCSIN_ASSIGN(info.times_, Collect(context, *times));
  std::erase_if(info.times_, [&wanted](const Row& row) {
    return std::any_of(wanted.begin(), wanted.end(), [&row](const auto& entry) {
      return !entry.second.contains(std::string(row.labels.Get(entry.first)));
    });
  });
  for (size_t i = 0; i < info.times_.size(); ++i) {
    const Labels& labels = info.labels(i);
    info.by_name_[std::string(labels.name())][KeyOf(labels)].push_back(i);
  }
  TOCSIN_RETURN_IF_ERROR(info.CheckUnique(call.grid().count));
  return info;
}

// One base series with what the info series of each step add to it.
class Enricher {
 public:
  Enricher(const InfoSelector& selector, const InfoSeries& info)
      : selector_(selector), info_(info) {}

  Status Add(const Row& base, Rows* results) {
    absl::flat_hash_map<Labels, size_t, LabelsHash> made;
    std::optional<std::vector<size_t>> last;
    size_t at = 0;
    for (size_t i = 0; i < base.v.size(); ++i) {
      if (!base.Has(i)) continue;
      std::vector<size_t> chosen = info_.For(base.labels, i);
      if (chosen.empty() && !selector_.optional) continue;
      if (!last || *last != chosen) {
        TOCSIN_ASSIGN(Labels labels, Enriched(base.labels, chosen));
        auto [it, added] = made.try_emplace(labels, results->size());
        if (added) {
          results->emplace_back();
          results->back().Clear(base.v.size());
          results->back().labels = std::move(labels);
          results->back().drop_name = base.drop_name;
        }
        at = it->second;
        last = std::move(chosen);
      }
      Row& result = (*results)[at];
      result.v[i] = base.v[i];
      if (base.HasHistogram(i)) result.SetHistogram(i, base.h[i]);
    }
    return OkStatus();
  }

 private:
  Result<Labels> Enriched(const Labels& base, const std::vector<size_t>& chosen) const {
    std::map<std::string, std::string> added;
    for (size_t row : chosen) {
      for (const Label& label : info_.labels(row)) {
        if (label.name == kMetricName || base.Has(label.name) || !selector_.Wants(label.name)) {
          continue;
        }
        auto [it, fresh] = added.emplace(label.name, label.value);
        if (!fresh && it->second != label.value) {
          return Failed(fmt::format("conflicting label: {}", label.name));
        }
      }
    }
    LabelsBuilder builder(base);
    for (const auto& [name, value] : added) builder.Set(name, value);
    return builder.Build();
  }

  const InfoSelector& selector_;
  const InfoSeries& info_;
};

}  // namespace

Result<RowStreamPtr> Info(FunctionCall& call) {
  QueryContext& context = call.context();
  TOCSIN_ASSIGN(const InfoSelector selector, Analyze(call));
  TOCSIN_ASSIGN(auto input, call.Vector(0));
  TOCSIN_ASSIGN(Rows base, Collect(context, *input));
  auto is_info = [&selector](const Row& row) {
    return std::all_of(selector.name_matchers.begin(), selector.name_matchers.end(),
                       [&row](const Matcher& m) { return m.Matches(row.labels.name()); });
  };
  std::map<std::string_view, std::set<std::string>> wanted;
  for (const Row& row : base) {
    if (is_info(row)) continue;
    for (std::string_view label : kJoinLabels) {
      if (row.labels.Has(label)) wanted[label].emplace(row.labels.Get(label));
    }
  }
  TOCSIN_ASSIGN(const InfoSeries info, InfoSeries::Select(call, selector, wanted));
  Rows results;
  Enricher enricher(selector, info);
  for (Row& row : base) {
    if (is_info(row)) {
      results.push_back(std::move(row));
    } else {
      TOCSIN_RETURN_IF_ERROR(enricher.Add(row, &results));
    }
  }
  if (!context.features.delayed_name_removal || !context.instant()) {
    TOCSIN_ASSIGN(results, Unify(std::move(results), OnDuplicate::kMerge));
  }
  return RowStreamPtr(std::make_unique<RowsStream>(std::move(results)));
}

}  // namespace tocsin::query
