#include "alerting/template/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "alerting/template/lexer.h"
#include "alerting/template/literals.h"
#include "storage/model/matcher.h"

namespace tocsin::alerting {
namespace {

constexpr size_t kMaxSource = 4u << 20;
// Of control structures and parentheses: keeps both parser and executor off the end of the stack.
constexpr int kMaxNesting = 100;

std::string Quoted(std::string_view text) {
  std::string out;
  AppendGoQuoted(out, text);
  return out;
}

bool IsEmptyBody(const StatementList& body) {
  return std::all_of(body.begin(), body.end(), [](const Statement& s) {
    return s.kind == Statement::Kind::kText &&
           s.text.find_first_not_of(" \t\r\n") == std::string::npos;
  });
}

// Functions that build a part return false once an error was noted; nothing reads on after that.
class Parser {
 public:
  Parser(std::string_view name, std::string_view text,
         const std::function<bool(std::string_view)>& is_function)
      : name_(name),
        source_(std::make_shared<const std::string>(text)),
        is_function_(is_function),
        lexed_(LexTemplate(*source_)) {}

  Status Run(DefinitionMap& definitions) {
    StatementList body;
    if (!ParseTop(body)) return InvalidArgument(std::move(error_));
    if (!Define(std::string(name_), std::move(body))) return InvalidArgument(std::move(error_));
    for (auto& [key, definition] : defined_) {
      auto& slot = definitions[key];
      if (slot == nullptr || !IsEmptyBody(definition->body)) slot = std::move(definition);
    }
    return OkStatus();
  }

 private:
  // What ended a list of statements.
  enum class Ender { kEnd, kElse };

  const Token& Peek() {
    last_ = &lexed_.tokens[at_];
    return *last_;
  }
  const Token& Next() {
    const Token& token = Peek();
    if (at_ + 1 < lexed_.tokens.size()) ++at_;
    return token;
  }
  void SkipSpace() {
    while (lexed_.tokens[at_].kind == TokenKind::kSpace) ++at_;
  }
  const Token& PeekNonSpace() {
    SkipSpace();
    return Peek();
  }
  const Token& NextNonSpace() {
    SkipSpace();
    return Next();
  }

  bool Fail(std::string message) {
    if (error_.empty()) {
      error_ = fmt::format("template: {}:{}: {}", name_, last_ ? last_->line : 1, message);
    }
    return false;
  }

  std::string Describe(const Token& token) const {
    if (token.kind == TokenKind::kEnd) return "EOF";
    if (token.kind == TokenKind::kKeyword || token.kind == TokenKind::kDot) {
      return fmt::format("<{}>", token.text);
    }
    if (token.text.size() > 10) return Quoted(token.text.substr(0, 10)) + "...";
    return Quoted(token.text);
  }
  bool Unexpected(const Token& token, std::string_view context) {
    if (token.kind == TokenKind::kError) {
      std::string extra;
      if (action_line_ != 0 && action_line_ != token.line) {
        extra =
            fmt::format("{} started at {}:{}",
                        lexed_.error.ends_with(" action") ? "" : " in action", name_, action_line_);
      }
      return Fail(lexed_.error + extra);
    }
    return Fail(fmt::format("unexpected {} in {}", Describe(token), context));
  }
  bool Expect(TokenKind kind, std::string_view context) {
    const Token& token = NextNonSpace();
    return token.kind == kind || Unexpected(token, context);
  }

  bool Define(std::string name, StatementList body) {
    auto& slot = defined_[name];
    if (slot != nullptr && !IsEmptyBody(slot->body)) {
      if (IsEmptyBody(body)) return true;
      return Fail(fmt::format("multiple definition of template {}", Quoted(name)));
    }
    auto definition = std::make_shared<Definition>();
    definition->name = std::move(name);
    definition->parse_name = name_;
    definition->source = source_;
    definition->body = std::move(body);
    slot = std::move(definition);
    return true;
  }

  bool ParseTop(StatementList& body) {
    while (Peek().kind != TokenKind::kEnd) {
      if (Peek().kind == TokenKind::kOpen) {
        const size_t back = at_;
        const uint32_t line = Next().line;
        const Token& token = PeekNonSpace();
        if (token.kind == TokenKind::kKeyword && token.text == "define") {
          action_line_ = line;
          Next();
          if (!ParseDefine()) return false;
          continue;
        }
        at_ = back;
      }
      std::optional<Ender> ender;
      if (!ParseTextOrAction(body, &ender)) return false;
      if (ender) return Fail(fmt::format("unexpected {}", EnderText(*ender)));
    }
    return true;
  }
  static std::string_view EnderText(Ender ender) {
    return ender == Ender::kEnd ? "{{end}}" : "{{else}}";
  }

  bool ParseName(std::string_view context, std::string* name, uint32_t* pos = nullptr) {
    const Token& token = NextNonSpace();
    if (pos != nullptr) *pos = token.pos;
    if (token.kind != TokenKind::kString && token.kind != TokenKind::kRawString) {
      return Unexpected(token, context);
    }
    auto text = UnquoteGo(token.text);
    if (!text.ok()) return Fail(text.error().message());
    *name = *std::move(text);
    return true;
  }

  // The body of a definition: variables outside are not visible, nor is a range to break from.
  bool ParseDefinitionBody(std::string_view context, std::string name) {
    auto variables = std::exchange(variables_, {"$"});
    const int range_depth = std::exchange(range_depth_, 0);
    StatementList body;
    Ender ender{};
    if (!ParseList(body, &ender)) return false;
    if (ender != Ender::kEnd) {
      return Fail(fmt::format("unexpected {} in {}", EnderText(ender), context));
    }
    variables_ = std::move(variables);
    range_depth_ = range_depth;
    return Define(std::move(name), std::move(body));
  }
  bool ParseDefine() {
    std::string name;
    return ParseName("define clause", &name) && Expect(TokenKind::kClose, "define clause") &&
           ParseDefinitionBody("define clause", std::move(name));
  }

  bool ParseList(StatementList& list, Ender* ender) {
    while (PeekNonSpace().kind != TokenKind::kEnd) {
      std::optional<Ender> found;
      if (!ParseTextOrAction(list, &found)) return false;
      if (found) {
        *ender = *found;
        return true;
      }
    }
    return Fail("unexpected EOF");
  }

  bool ParseTextOrAction(StatementList& list, std::optional<Ender>* ender) {
    const Token& token = NextNonSpace();
    if (token.kind == TokenKind::kText) {
      Statement& text = list.emplace_back();
      text.pos = token.pos;
      text.text = token.text;
      return true;
    }
    if (token.kind != TokenKind::kOpen) return Unexpected(token, "input");
    action_line_ = token.line;
    const bool ok = ParseAction(list, ender);
    action_line_ = 0;
    return ok;
  }

  bool ParseAction(StatementList& list, std::optional<Ender>* ender) {
    const Token token = PeekNonSpace();
    if (token.kind == TokenKind::kKeyword) {
      const std::string_view word = token.text;
      const bool known = word != "define" && word != "nil";
      if (known) Next();
      if (word == "if") return ParseControl(list, Statement::Kind::kIf, "if", token.pos);
      if (word == "range") return ParseControl(list, Statement::Kind::kRange, "range", token.pos);
      if (word == "with") return ParseControl(list, Statement::Kind::kWith, "with", token.pos);
      if (word == "template") return ParseTemplateCall(list);
      if (word == "block") return ParseBlock(list);
      if (word == "break") return ParseJump(list, Statement::Kind::kBreak, "{{break}}", token.pos);
      if (word == "continue") {
        return ParseJump(list, Statement::Kind::kContinue, "{{continue}}", token.pos);
      }
      if (word == "end") {
        *ender = Ender::kEnd;
        return Expect(TokenKind::kClose, "end");
      }
      if (word == "else") {
        *ender = Ender::kElse;
        const Token& next = PeekNonSpace();
        // `else if` and `else with` are read by the control structure they continue.
        if (next.kind == TokenKind::kKeyword && (next.text == "if" || next.text == "with")) {
          return true;
        }
        return Expect(TokenKind::kClose, "else");
      }
    }
    Statement action;
    action.kind = Statement::Kind::kAction;
    action.pos = token.pos;
    action.pipeline = std::make_unique<Pipeline>();
    if (!ParsePipeline(*action.pipeline, "command", TokenKind::kClose)) return false;
    list.push_back(std::move(action));
    return true;
  }

  bool ParseJump(StatementList& list, Statement::Kind kind, std::string_view text, uint32_t pos) {
    const Token& token = NextNonSpace();
    if (token.kind != TokenKind::kClose) return Unexpected(token, text);
    if (range_depth_ == 0) return Fail(fmt::format("{} outside {{{{range}}}}", text));
    Statement& jump = list.emplace_back();
    jump.kind = kind;
    jump.pos = pos;
    return true;
  }

  bool ParseControl(StatementList& list, Statement::Kind kind, std::string_view context,
                    uint32_t pos) {
    if (++nesting_ > kMaxNesting) return Fail("control structures are nested too deeply");
    const size_t visible = variables_.size();
    Statement control;
    control.kind = kind;
    control.pos = pos;
    control.pipeline = std::make_unique<Pipeline>();
    if (!ParsePipeline(*control.pipeline, context, TokenKind::kClose)) return false;
    const bool range = kind == Statement::Kind::kRange;
    Ender ender{};
    range_depth_ += range;
    if (!ParseList(control.body, &ender)) return false;
    range_depth_ -= range;
    if (ender == Ender::kElse && !ParseElse(control)) return false;
    variables_.resize(visible);
    --nesting_;
    list.push_back(std::move(control));
    return true;
  }

  bool ParseElse(Statement& control) {
    const Token token = Peek();
    if (token.kind == TokenKind::kKeyword && (token.text == "if" || token.text == "with")) {
      const bool is_if = token.text == "if";
      const auto kind = is_if ? Statement::Kind::kIf : Statement::Kind::kWith;
      if (control.kind != kind) return Unexpected(token, "else");
      Next();
      // The one {{end}} closes the inner structure and this one.
      return ParseControl(control.otherwise, kind, token.text, token.pos);
    }
    Ender ender{};
    if (!ParseList(control.otherwise, &ender)) return false;
    return ender == Ender::kEnd || Fail("expected end; found {{else}}");
  }

  bool ParseTemplateCall(StatementList& list) {
    Statement call;
    call.kind = Statement::Kind::kTemplate;
    if (!ParseName("template clause", &call.text, &call.pos)) return false;
    if (PeekNonSpace().kind == TokenKind::kClose) {
      Next();
    } else {
      call.pipeline = std::make_unique<Pipeline>();
      if (!ParsePipeline(*call.pipeline, "template clause", TokenKind::kClose)) return false;
    }
    list.push_back(std::move(call));
    return true;
  }

  bool ParseBlock(StatementList& list) {
    if (++nesting_ > kMaxNesting) return Fail("control structures are nested too deeply");
    Statement call;
    call.kind = Statement::Kind::kTemplate;
    call.pipeline = std::make_unique<Pipeline>();
    if (!ParseName("block clause", &call.text, &call.pos) ||
        !ParsePipeline(*call.pipeline, "block clause", TokenKind::kClose) ||
        !ParseDefinitionBody("block clause", call.text)) {
      return false;
    }
    --nesting_;
    list.push_back(std::move(call));
    return true;
  }

  // `$x :=`, `$x =` or, for range, `$i, $e :=` at the head of a pipeline.
  bool ParseDeclarations(Pipeline& pipeline, std::string_view context) {
    while (PeekNonSpace().kind == TokenKind::kVariable) {
      const size_t back = at_;
      const std::string variable(Next().text);
      const Token& next = PeekNonSpace();
      if (next.kind == TokenKind::kAssign || next.kind == TokenKind::kDeclare) {
        pipeline.assign = next.kind == TokenKind::kAssign;
        Next();
        pipeline.variables.push_back(variable);
        variables_.push_back(variable);
        return true;
      }
      if (next.kind != TokenKind::kChar || next.text != ",") {
        at_ = back;
        return true;
      }
      Next();
      pipeline.variables.push_back(variable);
      variables_.push_back(variable);
      if (context != "range" || pipeline.variables.size() >= 2) {
        return Fail(fmt::format("too many declarations in {}", context));
      }
      const TokenKind kind = PeekNonSpace().kind;
      if (kind != TokenKind::kVariable && kind != TokenKind::kClose &&
          kind != TokenKind::kRightParen) {
        return Fail("range can only initialize variables");
      }
    }
    return true;
  }

  bool ParsePipeline(Pipeline& pipeline, std::string_view context, TokenKind end) {
    if (++nesting_ > kMaxNesting) return Fail("parentheses are nested too deeply");
    pipeline.pos = PeekNonSpace().pos;
    if (!ParseDeclarations(pipeline, context)) return false;
    for (;;) {
      const Token& token = PeekNonSpace();
      if (token.kind == end) {
        Next();
        --nesting_;
        return CheckPipeline(pipeline, context);
      }
      if (!StartsOperand(token)) {
        Next();
        return Unexpected(token, context);
      }
      if (!ParseCommand(pipeline.commands.emplace_back())) return false;
    }
  }
  static bool StartsOperand(const Token& token) {
    switch (token.kind) {
      case TokenKind::kBool:
      case TokenKind::kCharConstant:
      case TokenKind::kDot:
      case TokenKind::kField:
      case TokenKind::kIdentifier:
      case TokenKind::kNumber:
      case TokenKind::kRawString:
      case TokenKind::kString:
      case TokenKind::kVariable:
      case TokenKind::kLeftParen:
        return true;
      case TokenKind::kKeyword:
        return token.text == "nil";
      default:
        return false;
    }
  }

  bool CheckPipeline(const Pipeline& pipeline, std::string_view context) {
    if (pipeline.commands.empty()) return Fail(fmt::format("missing value for {}", context));
    for (size_t i = 1; i < pipeline.commands.size(); ++i) {
      const Operand::Kind kind = pipeline.commands[i].operands.front().kind;
      if (kind == Operand::Kind::kConstant || kind == Operand::Kind::kDot ||
          kind == Operand::Kind::kNil) {
        return Fail(fmt::format("non executable command in pipeline stage {}", i + 1));
      }
    }
    return true;
  }

  bool ParseCommand(Command& command) {
    command.pos = PeekNonSpace().pos;
    for (;;) {
      if (StartsOperand(PeekNonSpace()) && !ParseOperand(command.operands.emplace_back())) {
        return false;
      }
      const Token& token = Next();
      if (token.kind == TokenKind::kSpace) continue;
      if (token.kind == TokenKind::kPipe) break;
      if (token.kind == TokenKind::kClose || token.kind == TokenKind::kRightParen) {
        --at_;
        break;
      }
      return Unexpected(token, "operand");
    }
    return !command.operands.empty() || Fail("empty command");
  }

  bool ParseOperand(Operand& operand) {
    if (!ParseTerm(operand)) return false;
    if (Peek().kind != TokenKind::kField) return true;
    const uint32_t chain_pos = Peek().pos;
    std::vector<std::string> names;
    while (Peek().kind == TokenKind::kField) names.emplace_back(Next().text.substr(1));
    switch (operand.kind) {
      case Operand::Kind::kField:
      case Operand::Kind::kVariable:
        operand.names.insert(operand.names.end(), names.begin(), names.end());
        operand.pos = chain_pos;  // as Go has it: errors point behind the first name
        return true;
      case Operand::Kind::kConstant:
      case Operand::Kind::kNil:
      case Operand::Kind::kDot:
        return Fail(fmt::format("unexpected . after term {}", Quoted(ToString(operand))));
      default:
        break;
    }
    auto base = std::make_unique<Operand>(std::move(operand));
    operand = Operand{};
    operand.kind = Operand::Kind::kChain;
    operand.pos = chain_pos;
    operand.names = std::move(names);
    operand.base = std::move(base);
    return true;
  }

  bool ParseTerm(Operand& operand) {
    const Token& token = NextNonSpace();
    operand.pos = token.pos;
    switch (token.kind) {
      case TokenKind::kIdentifier:
        operand.kind = Operand::Kind::kIdentifier;
        operand.names.emplace_back(token.text);
        return is_function_(token.text) ||
               Fail(fmt::format("function {} not defined", Quoted(token.text)));
      case TokenKind::kDot:
        operand.kind = Operand::Kind::kDot;
        return true;
      case TokenKind::kKeyword:
        operand.kind = Operand::Kind::kNil;
        return true;
      case TokenKind::kVariable:
        operand.kind = Operand::Kind::kVariable;
        operand.names.emplace_back(token.text);
        return std::find(variables_.begin(), variables_.end(), token.text) != variables_.end() ||
               Fail(fmt::format("undefined variable {}", Quoted(token.text)));
      case TokenKind::kField:
        operand.kind = Operand::Kind::kField;
        operand.names.emplace_back(token.text.substr(1));
        return true;
      case TokenKind::kLeftParen:
        operand.kind = Operand::Kind::kPipeline;
        operand.pipeline = std::make_unique<Pipeline>();
        return ParsePipeline(*operand.pipeline, "parenthesized pipeline", TokenKind::kRightParen);
      default:
        return ParseConstant(operand, token);
    }
  }

  bool ParseConstant(Operand& operand, const Token& token) {
    operand.kind = Operand::Kind::kConstant;
    operand.source = token.text;
    Result<TemplateValue> value = Internal("unknown constant");
    if (token.kind == TokenKind::kBool) {
      value = TemplateValue(token.text == "true");
    } else if (token.kind == TokenKind::kNumber) {
      value = ParseGoNumber(token.text);
    } else if (token.kind == TokenKind::kCharConstant) {
      auto c = UnquoteGoCharacter(token.text);
      value = c.ok() ? Result<TemplateValue>(TemplateValue(*c))
                     : InvalidArgument(fmt::format("malformed character constant: {}", token.text));
    } else {
      auto text = UnquoteGo(token.text);
      value = text.ok() ? Result<TemplateValue>(TemplateValue(*std::move(text))) : text.error();
    }
    if (!value.ok()) return Fail(value.error().message());
    operand.constant = *std::move(value);
    return true;
  }

  const std::string name_;
  const std::shared_ptr<const std::string> source_;
  const std::function<bool(std::string_view)>& is_function_;
  const TokenList lexed_;
  size_t at_ = 0;
  const Token* last_ = nullptr;
  uint32_t action_line_ = 0;
  int nesting_ = 0;
  int range_depth_ = 0;
  std::vector<std::string> variables_ = {"$"};
  std::map<std::string, std::shared_ptr<Definition>> defined_;
  std::string error_;
};

}  // namespace

Status ParseTemplate(std::string_view name, std::string_view text,
                     const std::function<bool(std::string_view)>& is_function,
                     DefinitionMap& definitions) {
  if (text.size() > kMaxSource) {
    return InvalidArgument(
        fmt::format("template: {}:1: the text is longer than {} bytes", name, kMaxSource));
  }
  return Parser(name, text, is_function).Run(definitions);
}

}  // namespace tocsin::alerting
