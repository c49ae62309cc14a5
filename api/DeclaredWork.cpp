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

/// What an instruction does as far as that is known without operands.
struct DeclaredWork {
  program::Instruction instruction;
  bool hasLatency = false;
};

const ast::Attribute *findAttribute(const ast::InstructionDeclaration &declaration,
                                    llvm::StringRef name) {
  const auto found =
      std::ranges::find_if(declaration.attributes, [&](const ast::Attribute &attribute) {
        return attribute.name.text == name && attribute.value != nullptr;
      });
  return found == declaration.attributes.end() ? nullptr : &*found;
}

/// The value of \p attribute if it is known without operands.
std::optional<std::int64_t> fixedValue(const ast::Attribute &attribute,
                                       const ast::InstructionDeclaration &declaration,
                                       const Scope &home) {
  if (!isFixed(*attribute.value, declaration))
    return std::nullopt;
  DiagnosticEngine ignored; // what is wrong here is reported where the instruction is emitted
  Evaluator evaluator(ignored);
  const auto value = evaluator.evaluate(*attribute.value, home);
  return value && value->is(Value::Kind::Int) ? std::optional(value->asInt()) : std::nullopt;
}

/// Nothing if the macs of \p declaration, or its time, depend on operands. How often one with
/// phases can execute depends on what they move: on operands.
std::optional<DeclaredWork> declaredWork(const ast::InstructionDeclaration &declaration,
                                         const ast::Attribute &macs, const Scope &home) {
  const auto count = fixedValue(macs, declaration, home);
  if (!count || !declaration.phases.empty())
    return std::nullopt;
  DeclaredWork work;
  work.instruction.operation = declaration.name.text.str();
  work.instruction.macs = *count;
  const ast::Attribute *latency = findAttribute(declaration, "latency");
  if (latency == nullptr)
    return work;
  const auto cycles = fixedValue(*latency, declaration, home);
  if (!cycles)
    return std::nullopt;
  work.instruction.latency = *cycles;
  work.hasLatency = true;
  return work;
}

} // namespace

void addDeclaredWork(const ElaboratedArchitecture &architecture, analysis::PeakRate &peak) {
  std::set<std::string> operations;
  for (const arch::Object &object : architecture.graph.objects)
    operations.insert(object.toProcess.begin(), object.toProcess.end());
  for (const std::string &operation : operations) {
    const Symbol *symbol = architecture.findInstruction(operation);
    if (symbol == nullptr || symbol->home == nullptr)
      continue;
    const auto *declaration = ast::dynCast<ast::InstructionDeclaration>(symbol->declaration);
    const ast::Attribute *macs =
        declaration == nullptr ? nullptr : findAttribute(*declaration, "macs");
    if (macs == nullptr)
      continue; // the operations that it expands to count themselves
    if (const auto work = declaredWork(*declaration, *macs, *symbol->home))
      peak.add(work->instruction, work->hasLatency);
    else
      peak.addOpen(operation);
  }
}

} // namespace acadlc
