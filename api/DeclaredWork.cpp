#include "api/DeclaredWork.h"

#include <llvm/ADT/SmallVector.h>

#include <algorithm>
#include <set>
#include <string>

namespace acadlc {

namespace {

using ast::cast;

bool isOperand(const ast::InstructionDeclaration &instruction, llvm::StringRef name) {
  return std::any_of(instruction.operands.begin(), instruction.operands.end(),
                     [&](const ast::Operand &operand) { return operand.name.text == name; });
}

/// Whether \p expr can be known without operands. Rare forms count as unknown: then the
/// instructions that the network emits tell.
bool isFixed(const ast::Expr &expr, const ast::InstructionDeclaration &instruction) {
  switch (expr.kind) {
  case ast::ExprKind::Number:
    return true;
  case ast::ExprKind::Name:
    return !isOperand(instruction, cast<ast::NameExpr>(expr).name);
  case ast::ExprKind::Unary:
    return isFixed(*cast<ast::UnaryExpr>(expr).operand, instruction);
  case ast::ExprKind::Binary: {
    const auto &binary = cast<ast::BinaryExpr>(expr);
    return isFixed(*binary.left, instruction) && isFixed(*binary.right, instruction);
  }
  default:
    return false;
  }
}

/// The instruction as it stands in a program, as far as it is known; nothing if it has no macs or
/// they depend on operands.
std::optional<program::Instruction> declaredWork(const Symbol &symbol, bool &hasLatency) {
  const auto *declaration = ast::dynCast<ast::InstructionDeclaration>(symbol.declaration);
  if (declaration == nullptr || symbol.home == nullptr)
    return std::nullopt;
  // How often one with phases can execute depends on what they move: on operands.
  if (!declaration->phases.empty())
    return std::nullopt;
  program::Instruction instruction;
  instruction.operation = declaration->name.text.str();
  DiagnosticEngine ignored; // what is wrong here is reported where the instruction is emitted
  Evaluator evaluator(ignored);
  hasLatency = false;
  for (const ast::Attribute &attribute : declaration->attributes) {
    const bool isMacs = attribute.name.text == "macs";
    if (!isMacs && attribute.name.text != "latency")
      continue;
    if (attribute.value == nullptr || !isFixed(*attribute.value, *declaration))
      return std::nullopt;
    const auto value = evaluator.evaluate(*attribute.value, *symbol.home);
    if (!value || !value->is(Value::Kind::Int))
      return std::nullopt;
    (isMacs ? instruction.macs : instruction.latency) = value->asInt();
    hasLatency = hasLatency || !isMacs;
  }
  return instruction;
}

} // namespace

void addDeclaredWork(const ElaboratedArchitecture &architecture, analysis::PeakRate &peak) {
  std::set<std::string> operations;
  for (const arch::Object &object : architecture.graph.objects)
    operations.insert(object.toProcess.begin(), object.toProcess.end());
  for (const std::string &operation : operations) {
    const Symbol *symbol = architecture.findInstruction(operation);
    if (symbol == nullptr)
      continue;
    bool hasLatency = false;
    if (const auto instruction = declaredWork(*symbol, hasLatency))
      peak.add(*instruction, hasLatency);
  }
}

} // namespace acadlc
