// Element-wise functions: f(float, step) -> float, one row at a time.
#pragma once

#include <memory>
#include <utility>

#include "query/evaluator.h"

namespace tocsin::query {

// Applies `f` to every float; histograms are left out; Absent() leaves the element out. The name
// is forgotten.
template <typename F>
class MapStream final : public RowStream {
 public:
  MapStream(QueryContext& context, RowStreamPtr input, F f)
      : context_(context), input_(std::move(input)), f_(std::move(f)) {}

  Result<bool> Next(Row* row) override {
    TOCSIN_ASSIGN(bool more, input_->Next(row));
    if (!more) return false;
    row->h.clear();
    double* v = row->v.data();
    const size_t n = row->v.size();
    for (size_t i = 0; i < n; ++i) {
      if (IsPresent(v[i])) v[i] = f_(v[i], i);
    }
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
Result<RowStreamPtr> MapRows(QueryContext& context, RowStreamPtr input, F f) {
  return UnifyAfterDrop(context,
                        std::make_unique<MapStream<F>>(context, std::move(input), std::move(f)),
                        OnDuplicate::kMerge);
}

// f over argument `i` of a function.
template <typename F>
Result<RowStreamPtr> MapFloats(FunctionCall& call, size_t i, F f) {
  TOCSIN_ASSIGN(auto input, call.Vector(i));
  return MapRows(call.context(), std::move(input), std::move(f));
}

}  // namespace tocsin::query
