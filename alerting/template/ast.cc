#include "alerting/template/ast.h"

namespace tocsin::alerting {
namespace {

void AppendNames(std::string& out, const std::vector<std::string>& names, size_t from) {
  for (size_t i = from; i < names.size(); ++i) {
    out += '.';
    out += names[i];
  }
}

}  // namespace

std::string ToString(const Operand& operand) {
  std::string out;
  switch (operand.kind) {
    case Operand::Kind::kDot:
      return ".";
    case Operand::Kind::kNil:
      return "nil";
    case Operand::Kind::kConstant:
      return operand.source;
    case Operand::Kind::kIdentifier:
      return operand.names.front();
    case Operand::Kind::kField:
      AppendNames(out, operand.names, 0);
      return out;
    case Operand::Kind::kVariable:
      out = operand.names.front();
      AppendNames(out, operand.names, 1);
      return out;
    case Operand::Kind::kPipeline:
      return "(" + ToString(*operand.pipeline) + ")";
    case Operand::Kind::kChain:
      out = ToString(*operand.base);
      AppendNames(out, operand.names, 0);
      return out;
  }
  return out;
}

std::string ToString(const Command& command) {
  std::string out;
  for (const Operand& operand : command.operands) {
    if (!out.empty()) out += ' ';
    out += ToString(operand);
  }
  return out;
}

std::string ToString(const Pipeline& pipeline) {
  std::string out;
  for (const std::string& variable : pipeline.variables) {
    if (!out.empty()) out += ", ";
    out += variable;
  }
  if (!out.empty()) out += pipeline.assign ? " = " : " := ";
  for (size_t i = 0; i < pipeline.commands.size(); ++i) {
    if (i > 0) out += " | ";
    out += ToString(pipeline.commands[i]);
  }
  return out;
}

}  // namespace tocsin::alerting
