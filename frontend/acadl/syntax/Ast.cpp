#include "frontend/acadl/syntax/Ast.h"

#include <llvm/ADT/STLExtras.h>

namespace acadlc::ast {

llvm::StringRef spelling(BinaryOperator op) {
  switch (op) {
  case BinaryOperator::Add:
    return "+";
  case BinaryOperator::Subtract:
    return "-";
  case BinaryOperator::Multiply:
    return "*";
  case BinaryOperator::Divide:
    return "/";
  case BinaryOperator::Modulo:
    return "%";
  case BinaryOperator::Less:
    return "<";
  case BinaryOperator::LessEqual:
    return "<=";
  case BinaryOperator::Greater:
    return ">";
  case BinaryOperator::GreaterEqual:
    return ">=";
  case BinaryOperator::Equal:
    return "==";
  case BinaryOperator::NotEqual:
    return "!=";
  case BinaryOperator::And:
    return "and";
  case BinaryOperator::Or:
    return "or";
  }
  return {};
}

bool isExpanding(const InstructionDeclaration &instruction) {
  return !instruction.expansions.empty() ||
         llvm::any_of(instruction.phases,
                      [](const Phase &phase) { return phase.expansion != nullptr; });
}

} // namespace acadlc::ast
