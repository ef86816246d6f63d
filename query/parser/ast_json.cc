// Trees as JSON for /parse_query. Keys of every object are in alphabetical order.
#include "query/functions/spec.h"
#include "query/parser/printer.h"
#include "storage/base/json.h"
#include "storage/base/number.h"

namespace tocsin::query {

namespace {

class AstWriter {
 public:
  explicit AstWriter(std::string& out) : json_(out, true) {}

  void Write(const Expr& expr);

 private:
  void Key(std::string_view key, const Expr* expr);
  void Strings(std::string_view key, const std::vector<std::string>& values);
  void Fill(std::string_view key, const std::optional<double>& value);
  void Aggregate(const AggregateExpr& aggregate);
  void Binary(const BinaryExpr& binary);
  void Matching(const VectorMatching& matching);
  void Function(const Call& call);
  void Selector(const VectorSelector& selector, const QueryDuration* range);
  void Subquery(const SubqueryExpr& subquery);
  void Offset(const TimeModifiers& time);
  void AtBoundKey(const TimeModifiers& time);
  void Timestamp(const TimeModifiers& time);
  void Milliseconds(std::string_view key, const QueryDuration& duration);
  void DurationKey(std::string_view key, const DurationExpr* expr);
  void Number(double value);

  JsonWriter json_;
};

void AstWriter::Key(std::string_view key, const Expr* expr) {
  json_.Key(key);
  if (expr == nullptr) {
    json_.Null();
  } else {
    Write(*expr);
  }
}

void AstWriter::Strings(std::string_view key, const std::vector<std::string>& values) {
  json_.Key(key).BeginArray();
  for (const std::string& value : values) json_.String(value);
  json_.EndArray();
}

void AstWriter::Number(double value) {
  std::string text;
  AppendPlainFloat(text, value);
  json_.Field("type", "numberLiteral").Field("val", text);
}

void AstWriter::Write(const Expr& expr) {
  json_.BeginObject();
  switch (expr.kind) {
    case ExprKind::kNumber:
      Number(As<NumberLiteral>(expr).value);
      break;
    case ExprKind::kString:
      json_.Field("type", "stringLiteral").Field("val", As<StringLiteral>(expr).value);
      break;
    case ExprKind::kParen:
      Key("expr", As<ParenExpr>(expr).expr.get());
      json_.Field("type", "parenExpr");
      break;
    case ExprKind::kUnary:
      Key("expr", As<UnaryExpr>(expr).expr.get());
      json_.Field("op", As<UnaryExpr>(expr).negative ? "-" : "+").Field("type", "unaryExpr");
      break;
    case ExprKind::kBinary:
      Binary(As<BinaryExpr>(expr));
      break;
    case ExprKind::kCall:
      Function(As<Call>(expr));
      break;
    case ExprKind::kAggregate:
      Aggregate(As<AggregateExpr>(expr));
      break;
    case ExprKind::kVectorSelector:
      Selector(As<VectorSelector>(expr), nullptr);
      break;
    case ExprKind::kMatrixSelector:
      Selector(*As<MatrixSelector>(expr).selector, &As<MatrixSelector>(expr).range);
      break;
    case ExprKind::kSubquery:
      Subquery(As<SubqueryExpr>(expr));
      break;
  }
  json_.EndObject();
}

void AstWriter::Aggregate(const AggregateExpr& aggregate) {
  Key("expr", aggregate.expr.get());
  Strings("grouping", aggregate.grouping);
  json_.Field("op", AggregateOpText(aggregate.op));
  Key("param", aggregate.param.get());
  json_.Field("type", "aggregation").Field("without", aggregate.without);
}

void AstWriter::Binary(const BinaryExpr& binary) {
  json_.Field("bool", binary.return_bool);
  Key("lhs", binary.lhs.get());
  json_.Key("matching");
  if (binary.matching) {
    Matching(*binary.matching);
  } else {
    json_.Null();
  }
  json_.Field("op", BinaryOpText(binary.op));
  Key("rhs", binary.rhs.get());
  json_.Field("type", "binaryExpr");
}

void AstWriter::Fill(std::string_view key, const std::optional<double>& value) {
  json_.Key(key);
  if (value) {
    json_.Double(*value);
  } else {
    json_.Null();
  }
}

void AstWriter::Matching(const VectorMatching& matching) {
  json_.BeginObject().Field("card", MatchCardinalityText(matching.card));
  json_.Key("fillValues").BeginObject();
  Fill("lhs", matching.fill_left);
  Fill("rhs", matching.fill_right);
  json_.EndObject();
  Strings("include", matching.include);
  Strings("labels", matching.labels);
  json_.Field("on", matching.on).EndObject();
}

void AstWriter::Function(const Call& call) {
  const FunctionSpec& function = *call.function;
  json_.Key("args").BeginArray();
  for (const ExprPtr& arg : call.args) Write(*arg);
  json_.EndArray().Key("func").BeginObject().Key("argTypes").BeginArray();
  for (int i = 0; i < function.arg_count(); ++i) {
    json_.String(ValueTypeName(function.args[static_cast<size_t>(i)]));
  }
  json_.EndArray().Field("name", function.name);
  json_.Field("returnType", ValueTypeName(function.returns));
  json_.Field("variadic", function.variadic).EndObject().Field("type", "call");
}

void AstWriter::Selector(const VectorSelector& selector, const QueryDuration* range) {
  json_.Field("anchored", selector.anchored).Key("matchers").BeginArray();
  for (const Matcher& matcher : selector.matchers) {
    json_.BeginObject().Field("name", matcher.name()).Field("type", MatchOpText(matcher.op()));
    json_.Field("value", matcher.value()).EndObject();
  }
  json_.EndArray().Field("name", selector.name);
  Offset(selector.time);
  if (range != nullptr) {
    Milliseconds("range", *range);
    DurationKey("rangeExpr", range->expr.get());
  }
  json_.Field("smoothed", selector.smoothed);
  AtBoundKey(selector.time);
  Timestamp(selector.time);
  json_.Field("type", range != nullptr ? "matrixSelector" : "vectorSelector");
}

void AstWriter::Subquery(const SubqueryExpr& subquery) {
  Key("expr", subquery.expr.get());
  Offset(subquery.time);
  Milliseconds("range", subquery.range);
  DurationKey("rangeExpr", subquery.range.expr.get());
  AtBoundKey(subquery.time);
  Milliseconds("step", subquery.step);
  DurationKey("stepExpr", subquery.step.expr.get());
  Timestamp(subquery.time);
  json_.Field("type", "subquery");
}

void AstWriter::Offset(const TimeModifiers& time) {
  Milliseconds("offset", time.offset);
  DurationKey("offsetExpr", time.offset.expr.get());
}

void AstWriter::AtBoundKey(const TimeModifiers& time) {
  json_.Key("startOrEnd");
  if (time.at_bound == AtBound::kNone) {
    json_.Null();
  } else {
    json_.String(time.at_bound == AtBound::kStart ? "start" : "end");
  }
}

void AstWriter::Timestamp(const TimeModifiers& time) {
  json_.Key("timestamp");
  if (time.at) {
    json_.Int(time.at->ms);
  } else {
    json_.Null();
  }
}

void AstWriter::Milliseconds(std::string_view key, const QueryDuration& duration) {
  json_.Field(key, duration.expr ? int64_t{0} : int64_t{duration.value.count()});
}

void AstWriter::DurationKey(std::string_view key, const DurationExpr* expr) {
  using Op = DurationExpr::Op;
  constexpr std::string_view kOps[] = {"",  "+",      "-",       "*",      "/",     "%",
                                       "^", "step()", "range()", "min_of", "max_of"};
  json_.Key(key);
  if (expr == nullptr) {
    json_.Null();
    return;
  }
  json_.BeginObject();
  if (expr->op == Op::kNumber) {
    Number(expr->value);
  } else {
    DurationKey("lhs", expr->lhs.get());
    json_.Field("op", kOps[static_cast<size_t>(expr->op)]);
    DurationKey("rhs", expr->rhs.get());
    json_.Field("type", "durationExpr").Field("wrapped", expr->wrapped);
  }
  json_.EndObject();
}

}  // namespace

std::string ExprToJson(const Expr& expr) {
  std::string out;
  AstWriter(out).Write(expr);
  return out;
}

}  // namespace tocsin::query
