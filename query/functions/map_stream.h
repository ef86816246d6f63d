// Element-wise functions: f(float, step) -> float, one row at a time.
#pragma once

#include <memory>
#include <utility>

#include "query/evaluator.h"

namespace tocsin::query {

// Changes each row by f(row) and forgets its name.
template <typename F>
class ChangeStream final : public RowStream {
 public:
  ChangeStream(QueryContext& context, RowStreamPtr input, F f)
      : context_(context), input_(std::move(input)), f_(std::move(f)) {}

  Result<bool> Next(Row* row) override {
    TOCSIN_ASSIGN(bool more, input_->Next(row));
    if (!more) return false;
    f_(*row);
    ForgetName(context_, row);
    return true;
  }
  bool distinct_without_name() const override { return input_->distinct_without_name(); }

 private:
  QueryContext& context_;
  RowStreamPtr input_;
  F f_;
};

template <typename F>
Result<RowStreamPtr> ChangeRows(QueryContext& context, RowStreamPtr input, F f) {
  return UnifyAfterDrop(context,
                        std::make_unique<ChangeStream<F>>(context, std::move(input), std::move(f)),
                        OnDuplicate::kMerge);
}

// Applies f(float, step) to every float; histograms are left out; Absent() leaves the element out.
template <typename F>
Result<RowStreamPtr> MapRows(QueryContext& context, RowStreamPtr input, F f) {
  return ChangeRows(context, std::move(input), [f = std::move(f)](Row& row) {
    row.h.clear();
    double* v = row.v.data();
    const size_t n = row.v.size();
    for (size_t i = 0; i < n; ++i) {
      if (IsPresent(v[i])) v[i] = f(v[i], i);
    }
  });
}

// f over argument `i` of a function.
template <typename F>
Result<RowStreamPtr> MapFloats(FunctionCall& call, size_t i, F f) {
  TOCSIN_ASSIGN(auto input, call.Vector(i));
  return MapRows(call.context(), std::move(input), std::move(f));
}

}  // namespace tocsin::query
