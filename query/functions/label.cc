// Functions that change labels.
#include <fmt/format.h>

#include "query/evaluator.h"
#include "query/functions/info.h"
#include "query/functions/registry.h"
#include "storage/model/regex.h"

namespace tocsin::query {
namespace {

using enum ValueType;

Error Failed(std::string message) { return Error(ErrorCode::kExecution, std::move(message)); }

// Applies change(labels) to each row; it returns whether the name was set anew.
template <typename Change>
class RelabelStream final : public RowStream {
 public:
  RelabelStream(RowStreamPtr input, Change change)
      : input_(std::move(input)), change_(std::move(change)) {}

  Result<bool> Next(Row* row) override {
    TOCSIN_ASSIGN(bool more, input_->Next(row));
    if (!more) return false;
    if (change_(&row->labels)) row->drop_name = false;
    return true;
  }

 private:
  RowStreamPtr input_;
  Change change_;
};

// Rows that became equal are brought together, except in an instant query that drops names at its
// end: there the end checks.
template <typename Change>
Result<RowStreamPtr> Relabeled(FunctionCall& call, Change change) {
  TOCSIN_ASSIGN(auto input, call.Vector(0));
  auto stream = std::make_unique<RelabelStream<Change>>(std::move(input), std::move(change));
  QueryContext& context = call.context();
  if (context.features.delayed_name_removal && context.instant()) {
    return RowStreamPtr(std::move(stream));
  }
  TOCSIN_ASSIGN(Rows rows, Collect(context, *stream));
  TOCSIN_ASSIGN(rows, Unify(std::move(rows), OnDuplicate::kMerge));
  return RowStreamPtr(std::make_unique<RowsStream>(std::move(rows)));
}

Result<RowStreamPtr> LabelReplace(FunctionCall& call) {
  const std::string &destination = call.Text(1), &replacement = call.Text(2),
                    &source = call.Text(3), &pattern = call.Text(4);
  auto regex = Regex::Compile(pattern, Regex::Anchor::kFull);
  if (!regex.ok()) {
    return Failed(fmt::format("invalid regular expression in label_replace(): {}", pattern));
  }
  if (!IsValidLabelName(destination)) {
    return Failed(
        fmt::format("invalid destination label name in label_replace(): {}", destination));
  }
  return Relabeled(call, [&, regex = *std::move(regex)](Labels* labels) {
    std::string value;
    if (!regex.Expand(labels->Get(source), replacement, &value)) return false;
    LabelsBuilder builder(*labels);
    builder.Set(destination, value);
    *labels = builder.Build();
    return destination == kMetricName;
  });
}

Result<RowStreamPtr> LabelJoin(FunctionCall& call) {
  const std::string &destination = call.Text(1), &separator = call.Text(2);
  std::vector<std::string_view> sources;
  for (size_t i = 3; i < call.size(); ++i) {
    sources.push_back(call.Text(i));
    if (IsValidLabelName(sources.back())) continue;
    return Failed(fmt::format("invalid source label name in label_join(): {}", sources.back()));
  }
  if (!IsValidLabelName(destination)) {
    return Failed(fmt::format("invalid destination label name in label_join(): {}", destination));
  }
  return Relabeled(call, [&, sources = std::move(sources)](Labels* labels) {
    std::string value;
    for (size_t i = 0; i < sources.size(); ++i) {
      if (i > 0) value += separator;
      value += labels->Get(sources[i]);
    }
    LabelsBuilder builder(*labels);
    builder.Set(destination, value);
    *labels = builder.Build();
    return destination == kMetricName;
  });
}

constexpr FunctionSpec kTable[] = {
    {.name = "label_replace",
     .args = {kVector, kString, kString, kString, kString},
     .vector = &LabelReplace},
    {.name = "label_join",
     .args = {kVector, kString, kString, kString},
     .variadic = FunctionSpec::kUnbounded,
     .vector = &LabelJoin},
    {.name = "info",
     .args = {kVector, kVector},
     .variadic = 1,
     .experimental = true,
     .vector = &Info},
};

}  // namespace

std::span<const FunctionSpec> LabelFunctions() { return kTable; }

}  // namespace tocsin::query
