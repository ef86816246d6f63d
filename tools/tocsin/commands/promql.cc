// tocsin promql format|label-matchers (promtool promql ...): works on expressions alone.
#include <fmt/format.h>

#include "query/language.h"
#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {
namespace {

// As many operands as there are names, else the name of the first one that is missing.
Status CheckOperands(const Arguments& arguments, std::initializer_list<std::string_view> names) {
  const auto& given = arguments.operands();
  if (given.size() > names.size()) {
    return InvalidArgument(fmt::format("unexpected {}", given[names.size()]));
  }
  if (given.size() == names.size()) return OkStatus();
  return InvalidArgument(
      fmt::format("required argument '{}' not provided", *(names.begin() + given.size())));
}

Result<MatchOp> ParseOp(std::string_view text) {
  for (const MatchOp op :
       {MatchOp::kEqual, MatchOp::kNotEqual, MatchOp::kRegex, MatchOp::kNotRegex}) {
    if (MatchOpText(op) == text) return op;
  }
  return InvalidArgument(fmt::format("invalid label match type: {}", text));
}

Result<std::string> WithNewline(Result<std::string> text) {
  if (text.ok()) *text += '\n';
  return text;
}

}  // namespace

int PromqlFormat(const Arguments& arguments) {
  if (const Status ok = CheckOperands(arguments, {"query"}); !ok.ok()) {
    return arguments.FailUsage(ok.error().message());
  }
  return arguments.Finish(WithNewline(query::FormatQuery(arguments.operands()[0])));
}

int PromqlSetMatcher(const Arguments& arguments) {
  if (const Status ok = CheckOperands(arguments, {"query", "name", "value"}); !ok.ok()) {
    return arguments.FailUsage(ok.error().message());
  }
  const auto op = ParseOp(arguments.value("type"));
  if (!op.ok()) return arguments.Fail(op.error().message());
  auto matcher = Matcher::Create(*op, arguments.operands()[1], arguments.operands()[2]);
  if (!matcher.ok()) return arguments.Fail(matcher.error().message());
  return arguments.Finish(
      WithNewline(query::SetMatcher(arguments.operands()[0], *std::move(matcher))));
}

int PromqlDeleteMatcher(const Arguments& arguments) {
  if (const Status ok = CheckOperands(arguments, {"query", "name"}); !ok.ok()) {
    return arguments.FailUsage(ok.error().message());
  }
  return arguments.Finish(
      WithNewline(query::DeleteMatcher(arguments.operands()[0], arguments.operands()[1])));
}

}  // namespace tocsin::commands
