#include "query/aggregation_fold.h"

#include <fmt/format.h>

#include <cmath>

#include "query/functions/range.h"
#include "query/histogram_fold.h"

namespace tocsin::query {
namespace {

enum class Histograms { kIgnored, kCounted, kCombined };

// One State per group and step.
template <typename State>
class FloatFold final : public Fold {
 public:
  FloatFold(QueryContext& context, const AggregateExpr& expr, size_t steps)
      : context_(context), expr_(expr), steps_(steps) {}

  void AddGroup() override {
    groups_.emplace_back(steps_);
    histograms_.emplace_back();
  }
  void Add(const Row& row, size_t group) override {
    State* states = groups_[group].data();
    const double* v = row.v.data();
    for (size_t i = 0; i < steps_; ++i) {
      if (IsPresent(v[i])) states[i].Add(v[i]);
    }
    if (!row.h.empty()) AddHistograms(row, group);
  }
  void Finish(size_t group, Row* row) override {
    const State* states = groups_[group].data();
    HistogramFold* histograms = histograms_[group].get();
    for (size_t i = 0; i < steps_; ++i) {
      if (histograms != nullptr && histograms->Has(i)) {
        FinishHistogram(*histograms, i, states[i].n > 0, row);
      } else if (states[i].n > 0) {
        row->v[i] = states[i].Result();
      }
    }
  }

 private:
  void AddHistograms(const Row& row, size_t group) {
    auto& fold = histograms_[group];
    for (size_t i = 0; i < steps_; ++i) {
      if (!row.HasHistogram(i)) continue;
      switch (State::kHistograms) {
        case Histograms::kCounted:
          groups_[group][i].Add(0);
          break;
        case Histograms::kCombined:
          if (fold == nullptr) fold = std::make_unique<HistogramFold>(context_, expr_, steps_);
          fold->Add(row, i);
          break;
        case Histograms::kIgnored:
          context_.annotations.Info(
              fmt::format("ignored histogram in {} aggregation", AggregateOpText(expr_.op)),
              expr_.expr->pos);
          break;
      }
    }
  }
  void FinishHistogram(HistogramFold& histograms, size_t step, bool floats_too, Row* row) {
    if (floats_too) {
      context_.annotations.Warn("encountered a mix of histograms and floats for aggregation",
                                expr_.expr->pos);
      return;
    }
    HistogramPtr h = histograms.Finish(step);
    if (h != nullptr) row->SetHistogram(step, std::move(h));
  }

  QueryContext& context_;
  const AggregateExpr& expr_;
  const size_t steps_;
  std::vector<std::vector<State>> groups_;
  std::vector<std::unique_ptr<HistogramFold>> histograms_;  // null until a group has any
};

struct SumState {
  static constexpr Histograms kHistograms = Histograms::kCombined;
  double sum = -0.0, c = 0;  // -0 + x is x, also for -0
  uint32_t n = 0;
  void Add(double x) {
    ++n;
    KahanAdd(x, &sum, &c);
  }
  double Result() const { return sum + c; }
};

struct AvgState {
  static constexpr Histograms kHistograms = Histograms::kCombined;
  double sum = 0, c = 0;  // of the values; once `incremental`, of the mean
  uint32_t n = 0;
  bool incremental = false;
  void Add(double x) {
    if (n++ == 0) {
      sum = x;
      return;
    }
    const double count = n;
    if (!incremental) {
      double next_sum = sum, next_c = c;
      KahanAdd(x, &next_sum, &next_c);
      if (!std::isinf(next_sum)) {
        sum = next_sum;
        c = next_c;
        return;
      }
      // The sum would overflow: from here on the mean itself is kept.
      incremental = true;
      sum /= count - 1;
      c /= count - 1;
    }
    const double q = (count - 1) / count;
    sum *= q;
    c *= q;
    KahanAdd(x / count, &sum, &c);
  }
  double Result() const { return incremental ? sum + c : sum / n + c / n; }
};

struct CountState {
  static constexpr Histograms kHistograms = Histograms::kCounted;
  uint32_t n = 0;
  void Add(double) { ++n; }
  double Result() const { return n; }
};

struct GroupState {
  static constexpr Histograms kHistograms = Histograms::kCounted;
  uint8_t n = 0;
  void Add(double) { n = 1; }
  double Result() const { return 1; }
};

template <bool kMax>
struct ExtremeState {
  static constexpr Histograms kHistograms = Histograms::kIgnored;
  double best = 0;
  uint8_t n = 0;
  void Add(double x) {
    if (n == 0 || (kMax ? best < x : best > x) || std::isnan(best)) best = x;
    n = 1;
  }
  double Result() const { return best; }
};

// Welford's running variance.
template <bool kRoot>
struct VarianceState {
  static constexpr Histograms kHistograms = Histograms::kIgnored;
  double mean = 0, squares = 0;
  uint32_t n = 0;
  void Add(double x) {
    if (n++ == 0) {
      mean = x;
      squares = std::isfinite(x) ? 0 : NormalNaN();
      return;
    }
    const double delta = x - mean;
    mean += delta / n;
    squares += delta * (x - mean);
  }
  double Result() const { return kRoot ? std::sqrt(squares / n) : squares / n; }
};

}  // namespace

std::unique_ptr<Fold> MakeFold(QueryContext& context, const AggregateExpr& expr, size_t steps) {
  switch (expr.op) {
    case AggregateOp::kSum:
      return std::make_unique<FloatFold<SumState>>(context, expr, steps);
    case AggregateOp::kAvg:
      return std::make_unique<FloatFold<AvgState>>(context, expr, steps);
    case AggregateOp::kCount:
      return std::make_unique<FloatFold<CountState>>(context, expr, steps);
    case AggregateOp::kGroup:
      return std::make_unique<FloatFold<GroupState>>(context, expr, steps);
    case AggregateOp::kMin:
      return std::make_unique<FloatFold<ExtremeState<false>>>(context, expr, steps);
    case AggregateOp::kMax:
      return std::make_unique<FloatFold<ExtremeState<true>>>(context, expr, steps);
    case AggregateOp::kStddev:
      return std::make_unique<FloatFold<VarianceState<true>>>(context, expr, steps);
    case AggregateOp::kStdvar:
      return std::make_unique<FloatFold<VarianceState<false>>>(context, expr, steps);
    default:
      return nullptr;
  }
}

}  // namespace tocsin::query
