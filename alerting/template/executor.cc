#include "alerting/template/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "alerting/template/builtins.h"
#include "alerting/template/format.h"
#include "alerting/template/go_time.h"
#include "alerting/template/html_writer.h"
#include "storage/model/matcher.h"

namespace tocsin::alerting {
namespace {

constexpr int64_t kMaxSteps = 1'000'000;
constexpr int kMaxDepth = 1000;
constexpr size_t kMaxValueBytes = 64u << 20;

using Args = std::vector<TemplateValue>;

std::string Quoted(std::string_view text) {
  std::string out;
  AppendGoQuoted(out, text);
  return out;
}

// How a statement list ended.
enum class Flow { kNext, kBreak, kContinue, kError };

// What errors point at.
struct Place {
  uint32_t pos = 0;
  const Operand* operand = nullptr;  // one of these is set
  const Command* command = nullptr;
  const Pipeline* pipeline = nullptr;
  const Statement* statement = nullptr;
};

std::string ToString(const Place& place) {
  if (place.operand != nullptr) return alerting::ToString(*place.operand);
  if (place.command != nullptr) return alerting::ToString(*place.command);
  if (place.pipeline != nullptr) return alerting::ToString(*place.pipeline);
  if (place.statement == nullptr) return "";
  const Statement& s = *place.statement;
  const std::string pipeline = s.pipeline ? alerting::ToString(*s.pipeline) : "";
  switch (s.kind) {
    case Statement::Kind::kAction:
      return "{{" + pipeline + "}}";
    case Statement::Kind::kTemplate:
      return "{{template " + Quoted(s.text) + (s.pipeline ? " " + pipeline : "") + "}}";
    case Statement::Kind::kIf:
      return "{{if " + pipeline + "}}";
    case Statement::Kind::kWith:
      return "{{with " + pipeline + "}}";
    case Statement::Kind::kRange:
      return "{{range " + pipeline + "}}";
    default:
      return s.text;
  }
}

class Executor {
 public:
  Executor(const DefinitionMap& definitions, const FunctionTable& functions, bool html)
      : definitions_(definitions), functions_(functions), html_(html), html_writer_(out_) {}

  Result<std::string> Run(std::string_view name, const TemplateValue& dot) {
    const auto it = definitions_.find(name);
    if (it == definitions_.end()) {
      return Error(ErrorCode::kExecution,
                   fmt::format("template: no template {} associated with template {}", Quoted(name),
                               Quoted(name)));
    }
    definition_ = it->second.get();
    variables_.emplace_back("$", dot);
    if (Walk(definition_->body, dot) == Flow::kError) return *std::move(error_);
    return std::move(out_);
  }

 private:
  // --- errors and limits -----------------------------------------------------------------------

  void At(const Operand& n) { place_ = {n.pos, &n, nullptr, nullptr, nullptr}; }
  void At(const Command& n) { place_ = {n.pos, nullptr, &n, nullptr, nullptr}; }
  void At(const Pipeline& n) { place_ = {n.pos, nullptr, nullptr, &n, nullptr}; }
  void At(const Statement& n) { place_ = {n.pos, nullptr, nullptr, nullptr, &n}; }

  bool Fail(std::string message, ErrorCode code = ErrorCode::kExecution) {
    if (error_) return false;
    const std::string_view before = std::string_view(*definition_->source).substr(0, place_.pos);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t newline = before.rfind('\n');
    const size_t column =
        newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
    error_ = Error(
        code, fmt::format("template: {}:{}:{}: executing {} at <{}>: {}", definition_->parse_name,
                          line, column, Quoted(definition_->name), ToString(place_), message));
    return false;
  }
  bool FailLimit(std::string message) { return Fail(std::move(message), ErrorCode::kLimit); }

  bool Step() { return ++steps_ <= kMaxSteps || FailLimit("the template takes too many steps"); }
  // Values are copied and kept; what they weigh is bounded over the whole run.
  bool Charge(const TemplateValue& value) {
    if (const std::string* text = value.AsText()) {
      if (text->size() > kMaxTemplateOutput) return FailLimit("a value is too long");
      value_bytes_ += text->size();
    }
    if (const TemplateList* list = value.AsList()) {
      value_bytes_ += list->size() * sizeof(TemplateValue);
    }
    return value_bytes_ <= kMaxValueBytes || FailLimit("the template makes too many values");
  }

  // --- statements ------------------------------------------------------------------------------

  Flow Walk(const StatementList& list, const TemplateValue& dot) {
    if (++depth_ > kMaxDepth) {
      FailLimit(fmt::format("exceeded maximum template depth ({})", kMaxDepth));
      return Flow::kError;
    }
    Flow flow = Flow::kNext;
    for (const Statement& statement : list) {
      if (!Step()) return Flow::kError;
      flow = Walk(statement, dot);
      if (flow != Flow::kNext) break;
    }
    --depth_;
    return flow;
  }

  Flow Walk(const Statement& statement, const TemplateValue& dot) {
    At(statement);
    switch (statement.kind) {
      case Statement::Kind::kText:
        return Write(statement.text) ? Flow::kNext : Flow::kError;
      case Statement::Kind::kBreak:
        return Flow::kBreak;
      case Statement::Kind::kContinue:
        return Flow::kContinue;
      case Statement::Kind::kAction:
        return WalkAction(statement, dot) ? Flow::kNext : Flow::kError;
      case Statement::Kind::kTemplate:
        return WalkTemplate(statement, dot);
      case Statement::Kind::kRange:
        return WalkRange(statement, dot);
      case Statement::Kind::kIf:
      case Statement::Kind::kWith:
        return WalkCondition(statement, dot);
    }
    return Flow::kError;
  }

  bool Write(std::string_view text) {
    if (html_) {
      html_writer_.Text(text);
    } else {
      out_ += text;
    }
    return CheckOutput();
  }
  bool CheckOutput() {
    return out_.size() <= kMaxTemplateOutput || FailLimit("the output is too long");
  }

  bool WalkAction(const Statement& statement, const TemplateValue& dot) {
    TemplateValue value;
    if (!Eval(*statement.pipeline, dot, &value)) return false;
    if (!statement.pipeline->variables.empty()) return true;
    At(statement);
    if (html_) {
      html_writer_.Value(value, EndsInHtml(*statement.pipeline));
    } else if (value.is_nil()) {
      out_ += "<no value>";
    } else {
      AppendValue(out_, value);
    }
    return CheckOutput();
  }
  static bool EndsInHtml(const Pipeline& pipeline) {
    const Operand& last = pipeline.commands.back().operands.front();
    return last.kind == Operand::Kind::kIdentifier && last.names.front() == "html";
  }

  Flow WalkCondition(const Statement& statement, const TemplateValue& dot) {
    const size_t mark = variables_.size();
    TemplateValue value;
    if (!Eval(*statement.pipeline, dot, &value)) return Flow::kError;
    const bool with = statement.kind == Statement::Kind::kWith;
    const bool truth = value.Truth();
    const Flow flow =
        truth ? Walk(statement.body, with ? value : dot) : Walk(statement.otherwise, dot);
    variables_.resize(mark);
    return flow;
  }

  Flow WalkTemplate(const Statement& statement, const TemplateValue& dot) {
    const auto it = definitions_.find(statement.text);
    if (it == definitions_.end()) {
      Fail(fmt::format("template {} not defined", Quoted(statement.text)));
      return Flow::kError;
    }
    TemplateValue value;
    if (statement.pipeline && !Eval(*statement.pipeline, dot, &value)) return Flow::kError;
    auto variables = std::exchange(variables_, {});
    variables_.emplace_back("$", value);
    const Definition* caller = std::exchange(definition_, it->second.get());
    const Flow flow = Walk(it->second->body, value);
    if (flow == Flow::kError) return flow;
    definition_ = caller;
    variables_ = std::move(variables);
    return flow;
  }

  // One pass through the body of a range.
  Flow Iterate(const Statement& statement, const TemplateValue& index,
               const TemplateValue& element) {
    if (!Step() || !Charge(element)) return Flow::kError;
    const std::vector<std::string>& names = statement.pipeline->variables;
    const size_t mark = variables_.size();
    if (!names.empty()) {
      const bool both = names.size() > 1;
      if (!SetRangeVariable(statement, names[0], both ? 1 : 0, both ? index : element) ||
          (both && !SetRangeVariable(statement, names[1], 0, element))) {
        return Flow::kError;
      }
    }
    const Flow flow = Walk(statement.body, element);
    if (flow != Flow::kError) variables_.resize(mark);
    return flow;
  }
  // Declared ones lie on top of the stack, `from_top` deep.
  bool SetRangeVariable(const Statement& statement, const std::string& name, size_t from_top,
                        const TemplateValue& value) {
    if (statement.pipeline->assign) return Assign(name, value);
    variables_[variables_.size() - 1 - from_top].second = value;
    return true;
  }

  Flow WalkRange(const Statement& statement, const TemplateValue& dot) {
    const size_t mark = variables_.size();
    TemplateValue raw;
    if (!Eval(*statement.pipeline, dot, &raw)) return Flow::kError;
    const TemplateValue value = raw.Resolve();
    Flow flow = Flow::kNext;
    bool any = false;
    const auto once = [&](const TemplateValue& index, const TemplateValue& element) {
      any = true;
      flow = Iterate(statement, index, element);
      return flow == Flow::kNext || flow == Flow::kContinue;
    };
    if (const TemplateList* list = value.AsList()) {
      for (size_t i = 0; i < list->size(); ++i) {
        if (!once(TemplateValue(static_cast<int64_t>(i)), (*list)[i])) break;
      }
    } else if (const TemplateMap* map = value.AsMap()) {
      for (const auto& [key, element] : *map) {
        if (!once(TemplateValue(key), element)) break;
      }
    } else if (const TemplateStringMap* strings = value.AsStringMap()) {
      for (const auto& [key, element] : *strings) {
        if (!once(TemplateValue(key), TemplateValue(element))) break;
      }
    } else if (const auto* n = value.As<int64_t>()) {
      for (int64_t i = 0; i < *n; ++i) {
        if (!once(TemplateValue(i), TemplateValue(i))) break;
      }
    } else if (!raw.is_nil()) {
      Fail(fmt::format("range can't iterate over {}", PrintValue(raw)));
      return Flow::kError;
    }
    if (flow == Flow::kError) return flow;
    flow = any ? Flow::kNext : Walk(statement.otherwise, dot);
    if (flow != Flow::kError) variables_.resize(mark);
    return flow;
  }

  // --- expressions: false after an error -------------------------------------------------------

  bool Assign(const std::string& name, const TemplateValue& value) {
    for (auto it = variables_.rbegin(); it != variables_.rend(); ++it) {
      if (it->first == name) {
        it->second = value;
        return true;
      }
    }
    return Fail(fmt::format("undefined variable: {}", name));
  }

  bool Eval(const Pipeline& pipeline, const TemplateValue& dot, TemplateValue* out) {
    if (++depth_ > kMaxDepth) {
      return FailLimit(fmt::format("exceeded maximum template depth ({})", kMaxDepth));
    }
    At(pipeline);
    const TemplateValue* last = nullptr;
    TemplateValue value;
    for (const Command& command : pipeline.commands) {
      TemplateValue next;
      if (!Eval(command, dot, last, &next)) return false;
      value = std::move(next);
      last = &value;
    }
    --depth_;
    if (!pipeline.variables.empty() && !Charge(value)) return false;
    for (const std::string& name : pipeline.variables) {
      if (!pipeline.assign) {
        variables_.emplace_back(name, value);
      } else if (!Assign(name, value)) {
        return false;
      }
    }
    *out = std::move(value);
    return true;
  }

  // `last`: the value that the pipeline hands on, or null.
  bool Eval(const Command& command, const TemplateValue& dot, const TemplateValue* last,
            TemplateValue* out) {
    if (!Step()) return false;
    const Operand& first = command.operands.front();
    switch (first.kind) {
      case Operand::Kind::kField:
        At(first);
        return EvalNames(first, 0, dot, true, dot, &command, last, out);
      case Operand::Kind::kChain:
        return EvalChain(first, dot, &command, last, out);
      case Operand::Kind::kIdentifier:
        return EvalFunction(first, dot, &command, last, out);
      case Operand::Kind::kVariable:
        return EvalVariable(first, dot, &command, last, out);
      case Operand::Kind::kPipeline:
        return CheckNoArguments(command, last) && Eval(*first.pipeline, dot, out);
      default:
        break;
    }
    At(first);
    if (!CheckNoArguments(command, last)) return false;
    if (first.kind == Operand::Kind::kNil) return Fail("nil is not a command");
    *out = first.kind == Operand::Kind::kDot ? dot : first.constant;
    return true;
  }
  bool CheckNoArguments(const Command& command, const TemplateValue* last) {
    if (command.operands.size() <= 1 && last == nullptr) return true;
    return Fail(fmt::format("can't give argument to non-function {}",
                            alerting::ToString(command.operands.front())));
  }

  // An operand in the place of an argument.
  bool EvalArgument(const Operand& operand, const TemplateValue& dot, TemplateValue* out) {
    At(operand);
    switch (operand.kind) {
      case Operand::Kind::kDot:
        *out = dot;
        return true;
      case Operand::Kind::kNil:
        *out = TemplateValue();
        return true;
      case Operand::Kind::kConstant:
        *out = operand.constant;
        return true;
      case Operand::Kind::kField:
        return EvalNames(operand, 0, dot, true, dot, nullptr, nullptr, out);
      case Operand::Kind::kVariable:
        return EvalVariable(operand, dot, nullptr, nullptr, out);
      case Operand::Kind::kIdentifier:
        return EvalFunction(operand, dot, nullptr, nullptr, out);
      case Operand::Kind::kPipeline:
        return Eval(*operand.pipeline, dot, out);
      case Operand::Kind::kChain:
        return EvalChain(operand, dot, nullptr, nullptr, out);
    }
    return false;
  }

  // The arguments after the first operand of `command`, and the handed-on value.
  bool EvalArguments(const TemplateValue& dot, const Command* command, const TemplateValue* last,
                     Args* args) {
    if (command != nullptr) {
      for (size_t i = 1; i < command->operands.size(); ++i) {
        if (!EvalArgument(command->operands[i], dot, &args->emplace_back())) return false;
      }
    }
    if (last != nullptr) args->push_back(*last);
    for (const TemplateValue& arg : *args) {
      if (!Charge(arg)) return false;
    }
    return true;
  }

  bool EvalChain(const Operand& chain, const TemplateValue& dot, const Command* command,
                 const TemplateValue* last, TemplateValue* out) {
    At(chain);
    if (chain.base->kind == Operand::Kind::kNil) {
      return Fail(fmt::format("indirection through explicit nil in {}", alerting::ToString(chain)));
    }
    TemplateValue base;
    return EvalArgument(*chain.base, dot, &base) &&
           EvalNames(chain, 0, base, false, dot, command, last, out);
  }

  bool EvalVariable(const Operand& variable, const TemplateValue& dot, const Command* command,
                    const TemplateValue* last, TemplateValue* out) {
    At(variable);
    const auto it = std::find_if(variables_.rbegin(), variables_.rend(),
                                 [&](const auto& v) { return v.first == variable.names.front(); });
    if (it == variables_.rend()) {
      return Fail(fmt::format("undefined variable: {}", variable.names.front()));
    }
    const TemplateValue value = it->second;
    if (variable.names.size() == 1) {
      if (command != nullptr && !CheckNoArguments(*command, last)) return false;
      *out = value;
      return true;
    }
    return EvalNames(variable, 1, value, true, dot, command, last, out);
  }

  // names[from..] one after the other, starting at `receiver`; arguments go to the last.
  bool EvalNames(const Operand& node, size_t from, TemplateValue receiver, bool nil_is_empty,
                 const TemplateValue& dot, const Command* command, const TemplateValue* last,
                 TemplateValue* out) {
    for (size_t i = from; i < node.names.size(); ++i) {
      const bool final = i + 1 == node.names.size();
      TemplateValue value;
      if (!EvalField(node, node.names[i], receiver, nil_is_empty && i == from, dot,
                     final ? command : nullptr, final ? last : nullptr, &value)) {
        return false;
      }
      receiver = std::move(value);
    }
    *out = std::move(receiver);
    return true;
  }

  bool EvalField(const Operand& node, const std::string& name, const TemplateValue& receiver,
                 bool nil_is_empty, const TemplateValue& dot, const Command* command,
                 const TemplateValue* last, TemplateValue* out) {
    if (receiver.is_nil()) {
      *out = TemplateValue();
      return nil_is_empty || Fail(fmt::format("nil pointer evaluating interface {{}}.{}", name));
    }
    const bool has_args = (command != nullptr && command->operands.size() > 1) || last != nullptr;
    if (receiver.AsObject() != nullptr || receiver.As<TemplateTime>() != nullptr ||
        receiver.As<std::chrono::nanoseconds>() != nullptr) {
      Args args;
      if (!EvalArguments(dot, command, last, &args)) return false;
      auto result = CallMethod(receiver, name, args);
      if (result.ok()) {
        *out = *std::move(result);
        return Charge(*out);
      }
      if (result.error().code() != ErrorCode::kNotFound) {
        At(node);
        return FailCall(name, result.error());
      }
    }
    const TemplateValue inner = receiver.Resolve();
    const TemplateMap* map = inner.AsMap();
    const TemplateStringMap* strings = inner.AsStringMap();
    if (map == nullptr && strings == nullptr) {
      return Fail(fmt::format("can't evaluate field {} in type {}", name, receiver.TypeName()));
    }
    if (has_args) return Fail(fmt::format("{} is not a method but has arguments", name));
    if (map != nullptr) {
      const auto it = map->find(name);
      *out = it == map->end() ? TemplateValue() : it->second;
    } else {
      const auto it = strings->find(name);
      *out = TemplateValue(it == strings->end() ? std::string() : it->second);
    }
    return true;
  }
  static Result<TemplateValue> CallMethod(const TemplateValue& receiver, const std::string& name,
                                          const Args& args) {
    if (const auto* time = receiver.As<TemplateTime>()) return CallTimeMethod(*time, name, args);
    if (const auto* d = receiver.As<std::chrono::nanoseconds>()) {
      return CallDurationMethod(*d, name, args);
    }
    return receiver.AsObject()->Call(name, args);
  }
  bool FailCall(std::string_view name, const Error& error) {
    if (error.code() == ErrorCode::kInvalidArgument) return Fail(error.message());
    return Fail(fmt::format("error calling {}: {}", name, error.message()));
  }

  bool EvalFunction(const Operand& node, const TemplateValue& dot, const Command* command,
                    const TemplateValue* last, TemplateValue* out) {
    At(node);
    const std::string& name = node.names.front();
    auto it = functions_.find(name);
    if (it == functions_.end()) {
      if (name == "and" || name == "or") return EvalLogic(node, dot, command, last, out);
      it = BuiltinFunctions().find(name);
      if (it == BuiltinFunctions().end()) {
        return Fail(fmt::format("{} is not a defined function", Quoted(name)));
      }
    }
    Args args;
    if (!EvalArguments(dot, command, last, &args)) return false;
    auto result = it->second(args);
    if (!result.ok()) {
      const bool signature = result.error().code() == ErrorCode::kInvalidArgument;
      if (command == nullptr || signature) {
        At(node);
      } else {
        At(*command);
      }
      return FailCall(name, result.error());
    }
    *out = *std::move(result);
    return Charge(*out);
  }

  // The argument that decides; those after it are not evaluated.
  bool EvalLogic(const Operand& node, const TemplateValue& dot, const Command* command,
                 const TemplateValue* last, TemplateValue* out) {
    const std::string& name = node.names.front();
    const bool deciding = name == "or";
    const size_t count = command == nullptr ? 0 : command->operands.size() - 1;
    if (count == 0 && last == nullptr) {
      return Fail(fmt::format("wrong number of args for {}: want at least 1 got 0", name));
    }
    for (size_t i = 0; i < count; ++i) {
      if (!EvalArgument(command->operands[i + 1], dot, out)) return false;
      if (out->Truth() == deciding) return true;
    }
    if (last != nullptr) *out = *last;
    return true;
  }

  const DefinitionMap& definitions_;
  const FunctionTable& functions_;
  const bool html_;
  std::string out_;
  HtmlWriter html_writer_;
  const Definition* definition_ = nullptr;  // being run
  std::vector<std::pair<std::string, TemplateValue>> variables_;
  Place place_;
  std::optional<Error> error_;
  int64_t steps_ = 0;
  int depth_ = 0;
  size_t value_bytes_ = 0;
};

}  // namespace

Result<std::string> ExecuteTemplate(const DefinitionMap& definitions, std::string_view name,
                                    const TemplateValue& dot, const FunctionTable& functions,
                                    bool html) {
  return Executor(definitions, functions, html).Run(name, dot);
}

}  // namespace tocsin::alerting
