// Partners are found once per pair of series, not once per step: rows are put into match groups by
// the labels that count, and within a group every left row meets every right row over all steps at
// once. Since at any one step at most one pair of a group may be complete, the rules on duplicates
// become checks for two rows of a group being present at the same step.
#include "query/vector_matching.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include <absl/container/flat_hash_map.h>

#include "query/binary_op.h"
#include "query/element_op.h"
#include "query/float_op.h"

namespace tocsin::query {
namespace {

Error Failed(std::string message) { return Error(ErrorCode::kExecution, std::move(message)); }

std::vector<std::string> Sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

// Maps label sets to match groups.
class Signatures {
 public:
  explicit Signatures(const VectorMatching& matching)
      : on_(matching.on), names_(Sorted(matching.labels)) {}

  Labels KeyOf(const Labels& labels) const {
    return on_ ? labels.Keep(names_) : labels.Without(names_);
  }
  size_t GroupOf(const Labels& labels) {
    Labels key = KeyOf(labels);
    auto [it, added] = groups_.try_emplace(key, keys_.size());
    if (added) keys_.push_back(std::move(key));
    return it->second;
  }
  size_t size() const { return keys_.size(); }
  const Labels& key(size_t group) const { return keys_[group]; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  const bool on_;
  const std::vector<std::string> names_;
  absl::flat_hash_map<Labels, size_t, LabelsHash> groups_;
  std::vector<Labels> keys_;
};

// Rows that became equal are brought together, except in an instant query that drops names at its
// end: there the end checks.
Result<RowStreamPtr> Finish(const QueryContext& context, Rows rows) {
  if (!context.features.delayed_name_removal || !context.instant()) {
    TOCSIN_ASSIGN(rows, Unify(std::move(rows), OnDuplicate::kMerge));
  }
  return RowStreamPtr(std::make_unique<RowsStream>(std::move(rows)));
}

// and, or, unless.
class SetOperation {
 public:
  SetOperation(const BinaryExpr& expr, Rows left, Rows right)
      : op_(expr.op),
        signatures_(*expr.matching),
        left_(std::move(left)),
        right_(std::move(right)) {}

  Rows Run() {
    if (op_ == BinaryOp::kOr) {
      Mask(right_, PresenceOf(left_), /*keep_present=*/false);
      for (Row& row : right_) left_.push_back(std::move(row));
    } else {
      Mask(left_, PresenceOf(right_), op_ == BinaryOp::kAnd);
    }
    return std::move(left_);
  }

 private:
  using Presence = std::vector<std::vector<uint8_t>>;  // by group, then step

  Presence PresenceOf(const Rows& rows) {
    Presence presence;
    for (const Row& row : rows) {
      const size_t group = signatures_.GroupOf(row.labels);
      if (group >= presence.size()) presence.resize(group + 1);
      auto& steps = presence[group];
      steps.resize(row.v.size(), 0);
      for (size_t i = 0; i < steps.size(); ++i) steps[i] |= row.Has(i) ? 1 : 0;
    }
    return presence;
  }
  void Mask(Rows& rows, const Presence& presence, bool keep_present) {
    for (Row& row : rows) {
      const size_t group = signatures_.GroupOf(row.labels);
      const bool known = group < presence.size();
      for (size_t i = 0; i < row.v.size(); ++i) {
        const bool present = known && presence[group][i] != 0;
        if (present == keep_present) continue;
        row.v[i] = Absent();
        if (!row.h.empty()) row.h[i].reset();
      }
    }
  }

  const BinaryOp op_;
  Signatures signatures_;
  Rows left_, right_;
};

// Arithmetic, comparison and trim. The sides are named after their role: with group_left and
// one-to-one "many" is the left one.
class Join {
 public:
  Join(QueryContext& context, const BinaryExpr& expr, Rows left, Rows right, size_t steps)
      : context_(context),
        expr_(expr),
        matching_(*expr.matching),
        swapped_(matching_.card == MatchCardinality::kOneToMany),
        steps_(steps),
        many_(std::move(swapped_ ? right : left)),
        one_(std::move(swapped_ ? left : right)),
        signatures_(matching_) {}

  Result<Rows> Run() {
    Group();
    AddFills();
    TOCSIN_RETURN_IF_ERROR(CheckDuplicates());
    for (size_t m = 0; m < many_.size(); ++m) {
      TOCSIN_RETURN_IF_ERROR(context_.limits.Check());
      for (size_t o : groups_[group_of_many_[m]].one) {
        const bool both_filled = m >= real_many_ && o >= real_one_;
        if (!both_filled) TOCSIN_RETURN_IF_ERROR(Combine(m, o));
      }
    }
    problems_.Report(context_.annotations, expr_.pos);
    return std::move(results_);
  }

 private:
  struct MatchGroup {
    std::vector<size_t> many, one;
    // Labels of results of this group with the rows they came from, to find duplicates.
    absl::flat_hash_map<Labels, std::vector<std::pair<size_t, size_t>>, LabelsHash> made;
  };

  void Group() {
    for (size_t i = 0; i < many_.size(); ++i) {
      group_of_many_.push_back(signatures_.GroupOf(many_[i].labels));
    }
    std::vector<size_t> group_of_one;
    for (size_t i = 0; i < one_.size(); ++i) {
      group_of_one.push_back(signatures_.GroupOf(one_[i].labels));
    }
    groups_.resize(signatures_.size());
    for (size_t i = 0; i < many_.size(); ++i) groups_[group_of_many_[i]].many.push_back(i);
    for (size_t i = 0; i < one_.size(); ++i) groups_[group_of_one[i]].one.push_back(i);
    real_many_ = many_.size();
    real_one_ = one_.size();
  }

  bool HasFill() const { return matching_.fill_left || matching_.fill_right; }

  static bool PresentAt(const Rows& rows, size_t step) {
    return std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.Has(step); });
  }

  // The first step at which two of `members` have a value, and which two.
  struct Clash {
    size_t step, first, second;
  };
  template <typename Counts>
  std::optional<Clash> FindClash(const Rows& rows, const std::vector<size_t>& members,
                                 Counts counts) const {
    if (members.size() < 2) return std::nullopt;
    for (size_t step = 0; step < steps_; ++step) {
      std::optional<size_t> seen;
      for (size_t i : members) {
        if (!rows[i].Has(step)) continue;
        if (!seen) {
          seen = i;
        } else if (counts(step)) {
          return Clash{step, *seen, i};
        } else {
          break;
        }
      }
    }
    return std::nullopt;
  }

  // The error of the first step that has one; at one step duplicates on the "one" side come first.
  Status CheckDuplicates() const {
    std::optional<Clash> one, many;
    size_t group_of_clash = 0;
    for (size_t g = 0; g < groups_.size(); ++g) {
      // A step at which the other side is empty has no result and no error.
      auto clash = FindClash(one_, groups_[g].one,
                             [&](size_t step) { return HasFill() || PresentAt(many_, step); });
      if (clash && (!one || clash->step < one->step)) {
        one = clash;
        group_of_clash = g;
      }
      if (matching_.card != MatchCardinality::kOneToOne) continue;
      clash = FindClash(many_, groups_[g].many, [&](size_t step) {
        return std::any_of(groups_[g].one.begin(), groups_[g].one.end(),
                           [&](size_t o) { return one_[o].Has(step); });
      });
      if (clash && (!many || clash->step < many->step)) many = clash;
    }
    if (one && (!many || one->step <= many->step)) {
      return Failed(fmt::format(
          "found duplicate series for the match group {} on the {} hand-side of the operation: "
          "[{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
          signatures_.key(group_of_clash).ToSetString(), swapped_ ? "left" : "right",
          one_[one->second].labels.ToSetString(), one_[one->first].labels.ToSetString()));
    }
    if (many) {
      return Failed(
          "multiple matches for labels: many-to-one matching must be explicit "
          "(group_left/group_right)");
    }
    return OkStatus();
  }

  // A row that stands in wherever the group has nothing on this side.
  Row Filler(const Rows& rows, const std::vector<size_t>& members, const Labels& labels,
             double value) const {
    Row filler;
    filler.labels = labels;
    filler.v.assign(steps_, value);
    for (size_t i : members) {
      for (size_t step = 0; step < steps_; ++step) {
        if (rows[i].Has(step)) filler.v[step] = Absent();
      }
    }
    return filler;
  }
  // fill_right stands in on the "one" side also when group_right swaps the sides.
  void AddFills() {
    for (size_t g = 0; g < groups_.size(); ++g) {
      MatchGroup& group = groups_[g];
      const std::vector<size_t> real_many = group.many, real_one = group.one;
      if (matching_.fill_right) {
        group.one.push_back(one_.size());
        one_.push_back(Filler(one_, real_one, signatures_.key(g), *matching_.fill_right));
      }
      if (matching_.fill_left) {
        group.many.push_back(many_.size());
        group_of_many_.push_back(g);
        many_.push_back(Filler(many_, real_many, signatures_.key(g), *matching_.fill_left));
      }
    }
  }

  Labels ResultLabels(const Labels& many, const Labels& one) {
    builder_.Reset(IsArithmetic(expr_.op) ? DropMetricName(context_, many) : many);
    if (matching_.card == MatchCardinality::kOneToOne) {
      const Labels base = builder_.Build();
      if (matching_.on) {
        builder_.Reset(base.Keep(signatures_.names()));
      } else {
        for (const std::string& name : matching_.labels) builder_.Del(name);
      }
    }
    for (const std::string& name : matching_.include) builder_.Set(name, one.Get(name));
    return builder_.Build();
  }

  bool Meet(size_t m, size_t o) const {
    const Row &many = many_[m], &one = one_[o];
    for (size_t i = 0; i < steps_; ++i) {
      if (many.Has(i) && one.Has(i)) return true;
    }
    return false;
  }

  // Two pairs of a group with equal result labels may not both be complete at one step.
  Status CheckUnique(MatchGroup& group, const Labels& labels, size_t m, size_t o) {
    auto& pairs = group.made[labels];
    for (auto [m2, o2] : pairs) {
      for (size_t i = 0; i < steps_; ++i) {
        if (many_[m].Has(i) && one_[o].Has(i) && many_[m2].Has(i) && one_[o2].Has(i)) {
          return Failed("multiple matches for labels: grouping labels must ensure unique matches");
        }
      }
    }
    pairs.emplace_back(m, o);
    return OkStatus();
  }

  Status Combine(size_t m, size_t o) {
    if (!Meet(m, o)) return OkStatus();
    Row result;
    result.labels = ResultLabels(many_[m].labels, one_[o].labels);
    if (matching_.card != MatchCardinality::kOneToOne) {
      TOCSIN_RETURN_IF_ERROR(CheckUnique(groups_[group_of_many_[m]], result.labels, m, o));
    }
    result.Clear(steps_);
    const Row& left = swapped_ ? one_[o] : many_[m];
    const Row& right = swapped_ ? many_[m] : one_[o];
    if (left.h.empty() && right.h.empty() && !IsTrim(expr_.op)) {
      WithFloatOp(expr_.op, [&](auto op) { Apply(op, left, right, &result); });
    } else {
      ApplyMixed(left, right, &result);
    }
    if (expr_.return_bool) ForgetName(context_, &result);
    TOCSIN_RETURN_IF_ERROR(context_.limits.Hold(steps_ / 2));
    results_.push_back(std::move(result));
    return OkStatus();
  }

  template <typename Op>
  void Apply(Op op, const Row& left, const Row& right, Row* result) const {
    const bool filter = IsComparison(expr_.op) && !expr_.return_bool;
    for (size_t i = 0; i < steps_; ++i) {
      const double x = left.v[i], y = right.v[i];
      if (IsAbsent(x) || IsAbsent(y)) continue;
      const double value = op(x, y);
      if (!filter) {
        result->v[i] = value;
      } else if (value != 0) {
        result->v[i] = x;
      }
    }
  }

  void ApplyMixed(const Row& left, const Row& right, Row* result) {
    for (size_t i = 0; i < steps_; ++i) {
      if (!left.Has(i) || !right.Has(i)) continue;
      const Operand x = OperandAt(left, i);
      ApplyAt(expr_, x, OperandAt(right, i), x, i, &problems_, result);
    }
  }

  QueryContext& context_;
  const BinaryExpr& expr_;
  const VectorMatching& matching_;
  const bool swapped_;
  const size_t steps_;
  Rows many_, one_;
  size_t real_many_ = 0, real_one_ = 0;  // the rest are fillers
  Signatures signatures_;
  std::vector<size_t> group_of_many_;
  std::vector<MatchGroup> groups_;
  LabelsBuilder builder_;
  Rows results_;
  StepProblems problems_;
};

}  // namespace

Result<RowStreamPtr> MatchVectors(Evaluator& evaluator, const BinaryExpr& expr,
                                  const StepGrid& grid) {
  QueryContext& context = evaluator.context();
  HoldScope scope(context.limits);
  TOCSIN_ASSIGN(auto left_stream, evaluator.Vector(*expr.lhs, grid));
  TOCSIN_ASSIGN(Rows left, Collect(context, *left_stream));
  TOCSIN_ASSIGN(auto right_stream, evaluator.Vector(*expr.rhs, grid));
  TOCSIN_ASSIGN(Rows right, Collect(context, *right_stream));
  if (IsSetOp(expr.op)) {
    Rows rows = SetOperation(expr, std::move(left), std::move(right)).Run();
    scope.Keep(SizeOf(rows));
    return Finish(context, std::move(rows));
  }
  TOCSIN_ASSIGN(Rows results,
                Join(context, expr, std::move(left), std::move(right), grid.count).Run());
  scope.Keep(SizeOf(results));
  return Finish(context, std::move(results));
}

}  // namespace tocsin::query
