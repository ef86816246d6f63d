#include "query/parser/printer.h"

#include <algorithm>
#include <cstdio>

#include "query/functions/spec.h"
#include "storage/base/number.h"
#include "storage/model/duration.h"

namespace tocsin::query {

namespace {

constexpr size_t kLineLimit = 100;

class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  void Print(const Expr& expr);
  void AggregateHead(const AggregateExpr& aggregate);
  void OperatorAndMatching(const BinaryExpr& binary);
  void SubquerySuffix(const SubqueryExpr& subquery);

 private:
  void Labels(const std::vector<std::string>& labels);
  void Matching(const VectorMatching& matching);
  void Fill(std::string_view word, double value);
  void Args(const std::vector<ExprPtr>& args);
  void Number(double value, bool duration);
  void Selector(const VectorSelector& selector, const QueryDuration* range);
  void Matchers(const VectorSelector& selector);
  void At(const TimeModifiers& time);
  void Offset(const TimeModifiers& time);
  void Duration(const QueryDuration& duration);
  void Duration(const DurationExpr& expr);
  void DurationBody(const DurationExpr& expr);

  std::string& out_;
};

void Printer::Print(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber: {
      const auto& number = As<NumberLiteral>(expr);
      return Number(number.value, number.duration_text);
    }
    case ExprKind::kString:
      return AppendGoQuoted(out_, As<StringLiteral>(expr).value);
    case ExprKind::kParen:
      out_ += '(';
      Print(*As<ParenExpr>(expr).expr);
      out_ += ')';
      return;
    case ExprKind::kUnary:
      out_ += As<UnaryExpr>(expr).negative ? '-' : '+';
      return Print(*As<UnaryExpr>(expr).expr);
    case ExprKind::kBinary: {
      const auto& binary = As<BinaryExpr>(expr);
      Print(*binary.lhs);
      out_ += ' ';
      OperatorAndMatching(binary);
      out_ += ' ';
      return Print(*binary.rhs);
    }
    case ExprKind::kCall:
      out_ += As<Call>(expr).function->name;
      out_ += '(';
      Args(As<Call>(expr).args);
      out_ += ')';
      return;
    case ExprKind::kAggregate: {
      const auto& aggregate = As<AggregateExpr>(expr);
      AggregateHead(aggregate);
      out_ += '(';
      if (aggregate.param) {
        Print(*aggregate.param);
        out_ += ", ";
      }
      Print(*aggregate.expr);
      out_ += ')';
      return;
    }
    case ExprKind::kVectorSelector:
      return Selector(As<VectorSelector>(expr), nullptr);
    case ExprKind::kMatrixSelector:
      return Selector(*As<MatrixSelector>(expr).selector, &As<MatrixSelector>(expr).range);
    case ExprKind::kSubquery:
      Print(*As<SubqueryExpr>(expr).expr);
      return SubquerySuffix(As<SubqueryExpr>(expr));
  }
}

void Printer::Labels(const std::vector<std::string>& labels) {
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out_ += ", ";
    if (IsLegacyLabelName(labels[i])) {
      out_ += labels[i];
    } else {
      AppendGoQuoted(out_, labels[i]);
    }
  }
}

void Printer::AggregateHead(const AggregateExpr& aggregate) {
  out_ += AggregateOpText(aggregate.op);
  if (!aggregate.without && aggregate.grouping.empty()) return;
  out_ += aggregate.without ? " without (" : " by (";
  Labels(aggregate.grouping);
  out_ += ") ";
}

void Printer::OperatorAndMatching(const BinaryExpr& binary) {
  out_ += BinaryOpText(binary.op);
  if (binary.return_bool) out_ += " bool";
  if (binary.matching) Matching(*binary.matching);
}

void Printer::Matching(const VectorMatching& matching) {
  const bool groups = matching.card == MatchCardinality::kManyToOne ||
                      matching.card == MatchCardinality::kOneToMany;
  if (!matching.labels.empty() || matching.on || groups) {
    out_ += matching.on ? " on (" : " ignoring (";
    Labels(matching.labels);
    out_ += ')';
  }
  if (groups) {
    out_ += matching.card == MatchCardinality::kManyToOne ? " group_left (" : " group_right (";
    Labels(matching.include);
    out_ += ')';
  }
  if (matching.fill_left && matching.fill_left == matching.fill_right) {
    return Fill("fill", *matching.fill_left);
  }
  if (matching.fill_left) Fill("fill_left", *matching.fill_left);
  if (matching.fill_right) Fill("fill_right", *matching.fill_right);
}

void Printer::Fill(std::string_view word, double value) {
  out_.append(" ").append(word).append(" (");
  AppendGoFloat(out_, value);
  out_ += ')';
}

void Printer::Args(const std::vector<ExprPtr>& args) {
  for (size_t i = 0; i < args.size(); ++i) {
    if (i > 0) out_ += ", ";
    Print(*args[i]);
  }
}

void Printer::Number(double value, bool duration) {
  if (!duration) return AppendPlainFloat(out_, value);
  out_ += FormatDuration(tocsin::Duration(static_cast<int64_t>(value * 1000)));
}

void Printer::Selector(const VectorSelector& selector, const QueryDuration* range) {
  const std::string_view extended = selector.anchored   ? " anchored"
                                    : selector.smoothed ? " smoothed"
                                                        : "";
  out_ += selector.name;
  Matchers(selector);
  if (range != nullptr) {
    out_ += '[';
    Duration(*range);
    out_ += ']';
    out_ += extended;
    At(selector.time);
  } else {
    At(selector.time);
    out_ += extended;
  }
  Offset(selector.time);
}

void Printer::Matchers(const VectorSelector& selector) {
  std::vector<std::string> texts;
  for (const Matcher& matcher : selector.matchers) {
    const bool is_name = matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual &&
                         matcher.value() == selector.name && !selector.name.empty();
    if (is_name) continue;
    std::string& text = texts.emplace_back();
    if (IsLegacyLabelName(matcher.name())) {
      text = matcher.name();
    } else {
      AppendGoQuoted(text, matcher.name());
    }
    text += MatchOpText(matcher.op());
    AppendGoQuoted(text, matcher.value());
  }
  if (texts.empty()) {
    if (selector.name.empty()) out_ += "{}";
    return;
  }
  std::sort(texts.begin(), texts.end());
  char separator = '{';
  for (const std::string& text : texts) {
    out_ += separator;
    out_ += text;
    separator = ',';
  }
  out_ += '}';
}

void Printer::At(const TimeModifiers& time) {
  if (time.at) {
    char text[48];
    const int size = std::snprintf(text, sizeof(text), " @ %.3f", time.at->seconds());
    out_.append(text, static_cast<size_t>(size));
  } else if (time.at_bound != AtBound::kNone) {
    out_ += time.at_bound == AtBound::kStart ? " @ start()" : " @ end()";
  }
}

void Printer::Offset(const TimeModifiers& time) {
  if (!time.offset.expr && time.offset.value.count() == 0) return;
  out_ += " offset ";
  Duration(time.offset);
}

void Printer::SubquerySuffix(const SubqueryExpr& subquery) {
  out_ += '[';
  Duration(subquery.range);
  out_ += ':';
  if (subquery.step.expr || subquery.step.value.count() != 0) Duration(subquery.step);
  out_ += ']';
  At(subquery.time);
  Offset(subquery.time);
}

void Printer::Duration(const QueryDuration& duration) {
  if (duration.expr) return Duration(*duration.expr);
  out_ += FormatDuration(duration.value);
}

void Printer::Duration(const DurationExpr& expr) {
  if (expr.wrapped) out_ += '(';
  DurationBody(expr);
  if (expr.wrapped) out_ += ')';
}

void Printer::DurationBody(const DurationExpr& expr) {
  using Op = DurationExpr::Op;
  constexpr std::string_view kOps[] = {"", " + ", " - ", " * ", " / ", " % ", " ^ "};
  switch (expr.op) {
    case Op::kNumber:
      return Number(expr.value, expr.duration_text);
    case Op::kStep:
      out_ += "step()";
      return;
    case Op::kRange:
      out_ += "range()";
      return;
    case Op::kMin:
    case Op::kMax:
      out_ += expr.op == Op::kMin ? "min_of(" : "max_of(";
      Duration(*expr.lhs);
      out_ += ", ";
      Duration(*expr.rhs);
      out_ += ')';
      return;
    default:
      break;
  }
  if (expr.lhs) {
    Duration(*expr.lhs);
    out_ += kOps[static_cast<size_t>(expr.op)];
  } else if (expr.op == Op::kSub) {
    out_ += '-';
  }
  Duration(*expr.rhs);
}

// Splits what is too long; each node indents itself.
class PrettyPrinter {
 public:
  std::string Print(const Expr& expr, int level);

 private:
  static std::string Indent(int level) { return std::string(static_cast<size_t>(level) * 2, ' '); }
  std::string Split(const Expr& expr, int level);
};

std::string PrettyPrinter::Print(const Expr& expr, int level) {
  std::string line = PrintExpr(expr);
  if (expr.kind == ExprKind::kUnary) {
    const auto& unary = As<UnaryExpr>(expr);
    std::string child = Print(*unary.expr, level);
    child.erase(0, child.find_first_not_of(" \n"));
    return Indent(level) + (unary.negative ? "-" : "+") + child;
  }
  if (line.size() <= kLineLimit) return Indent(level) + line;
  return Split(expr, level);
}

std::string PrettyPrinter::Split(const Expr& expr, int level) {
  std::string out;
  Printer printer(out);
  switch (expr.kind) {
    case ExprKind::kParen:
      return Indent(level) + "(\n" + Print(*As<ParenExpr>(expr).expr, level + 1) + "\n" +
             Indent(level) + ")";
    case ExprKind::kBinary: {
      const auto& binary = As<BinaryExpr>(expr);
      printer.OperatorAndMatching(binary);
      return Print(*binary.lhs, level + 1) + "\n" + Indent(level) + out + "\n" +
             Print(*binary.rhs, level + 1);
    }
    case ExprKind::kCall: {
      const auto& call = As<Call>(expr);
      out = Indent(level) + std::string(call.function->name) + "(\n";
      for (size_t i = 0; i < call.args.size(); ++i) {
        if (i > 0) out += ",\n";
        out += Print(*call.args[i], level + 1);
      }
      return out + "\n" + Indent(level) + ")";
    }
    case ExprKind::kAggregate: {
      const auto& aggregate = As<AggregateExpr>(expr);
      out = Indent(level);
      printer.AggregateHead(aggregate);
      out += "(\n";
      if (aggregate.param) out += Print(*aggregate.param, level + 1) + ",\n";
      return out + Print(*aggregate.expr, level + 1) + "\n" + Indent(level) + ")";
    }
    case ExprKind::kSubquery:
      printer.SubquerySuffix(As<SubqueryExpr>(expr));
      return Print(*As<SubqueryExpr>(expr).expr, level) + out;
    default:
      return Indent(level) + PrintExpr(expr);
  }
}

}  // namespace

std::string PrintExpr(const Expr& expr) {
  std::string out;
  Printer(out).Print(expr);
  return out;
}

std::string PrettyPrintExpr(const Expr& expr) { return PrettyPrinter().Print(expr, 0); }

}  // namespace tocsin::query
