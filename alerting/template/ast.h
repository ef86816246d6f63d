// The tree of a parsed template.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alerting/template/value.h"

namespace tocsin::alerting {

struct Pipeline;

// An operand. Positions are bytes in the source, for errors.
struct Operand {
  enum class Kind : uint8_t {
    kDot,
    kNil,
    kConstant,    // bool, number, char, string
    kField,       // .A.B: names
    kVariable,    // $x.A: names[0] is "$x"
    kIdentifier,  // a function: names[0]
    kPipeline,    // ( ... )
    kChain,       // base, then .A.B: names
  };
  Kind kind = Kind::kDot;
  uint32_t pos = 0;
  std::string source;  // as written, of constants
  std::vector<std::string> names;
  TemplateValue constant;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<Operand> base;
};

struct Command {
  uint32_t pos = 0;
  std::vector<Operand> operands;  // never empty
};

struct Pipeline {
  uint32_t pos = 0;
  bool assign = false;                 // = instead of :=
  std::vector<std::string> variables;  // "$x"
  std::vector<Command> commands;
};

struct Statement;
using StatementList = std::vector<Statement>;

struct Statement {
  enum class Kind : uint8_t { kText, kAction, kIf, kRange, kWith, kTemplate, kBreak, kContinue };
  Kind kind = Kind::kText;
  uint32_t pos = 0;
  std::string text;  // kText: to copy; kTemplate: the name
  std::unique_ptr<Pipeline> pipeline;
  StatementList body;
  StatementList otherwise;  // of else
};

// One {{define}}, or the whole text.
struct Definition {
  std::string name;
  std::string parse_name;  // of the text it came from, shown in errors
  std::shared_ptr<const std::string> source;
  StatementList body;
};
using DefinitionMap = std::map<std::string, std::shared_ptr<const Definition>, std::less<>>;

// As Go prints the node: <...> in run-time errors.
std::string ToString(const Operand& operand);
std::string ToString(const Command& command);
std::string ToString(const Pipeline& pipeline);

}  // namespace tocsin::alerting
