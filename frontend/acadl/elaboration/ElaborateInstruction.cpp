#include "frontend/acadl/elaboration/Elaborate.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <limits>

namespace acadlc {

namespace {

bool isRegister(const ast::Operand &operand) {
  return operand.type.name.parts.size() == 1 && operand.type.name.parts.front().text == "reg";
}
bool isMemory(const ast::Operand &operand) {
  return operand.type.name.parts.size() == 1 && operand.type.name.parts.front().text == "mem";
}

/// Evaluates the attributes of one instruction.
class InstructionEvaluator {
public:
  InstructionEvaluator(const ast::InstructionDeclaration &instruction, const Scope &home,
                       Evaluator &evaluator)
      : instruction_(instruction), evaluator_(evaluator), scope_(&home) {}

  bool bind(llvm::ArrayRef<InstructionOperand> operands) {
    return declareOperands(instruction_, operands, scope_, evaluator_);
  }
  std::optional<InstructionInfo> run();

private:
  bool readAttribute(const ast::Attribute &attribute);
  std::optional<std::int64_t>
  number(const ast::Attribute &attribute, Dimension dimension, llvm::StringRef typeName,
         std::int64_t minimum, std::int64_t maximum = std::numeric_limits<std::int64_t>::max());

  const ast::InstructionDeclaration &instruction_;
  Evaluator &evaluator_;
  Scope scope_;
  InstructionInfo info_;
};

std::optional<InstructionInfo> InstructionEvaluator::run() {
  for (const ast::RequireStatement *requirement : instruction_.requirements)
    if (!evaluator_.require(*requirement, scope_).value_or(false))
      return std::nullopt;
  for (const ast::Attribute &attribute : instruction_.attributes)
    if (!readAttribute(attribute))
      return std::nullopt;
  return info_;
}

std::optional<std::int64_t>
InstructionEvaluator::number(const ast::Attribute &attribute, Dimension dimension,
                             llvm::StringRef typeName, std::int64_t minimum, std::int64_t maximum) {
  ExpectedType type;
  type.kind = dimension.isNone() ? ExpectedType::Kind::Int : ExpectedType::Kind::Quantity;
  type.dimension = dimension;
  type.name = typeName.str();
  const std::string what = fmt::format("attribute '{}'", attribute.name.text.str());
  const auto value = evaluator_.evaluateAs(*attribute.value, scope_, type, what);
  if (!value)
    return std::nullopt;
  ACADLC_CHECK(!value->is(Value::Kind::Symbolic), "an instruction with symbolic immediates");
  const bool isTooSmall = value->asInt() < minimum;
  if (!isTooSmall && value->asInt() <= maximum)
    return value->asInt();
  const Value bound = Value::ofInt(isTooSmall ? minimum : maximum, dimension);
  evaluator_.report(DiagnosticCode::InstructionAttributeRange, attribute.value->range, what,
                    instruction_.name.text, (isTooSmall ? "at least " : "at most ") + bound.text(),
                    value->text());
  return std::nullopt;
}

bool InstructionEvaluator::readAttribute(const ast::Attribute &attribute) {
  const builtins::InstructionAttribute *known =
      builtins::findInstructionAttribute(attribute.name.text);
  if (!known) {
    evaluator_.report(DiagnosticCode::NoSuchAttribute, attribute.name.range, "an instruction",
                      attribute.name.text);
    return false;
  }
  switch (known->type) {
  case builtins::InstructionAttributeType::Cycles:
    info_.latency = number(attribute, builtins::cyclesDimension, "cycles", 1, mostCycles);
    return info_.latency.has_value();
  case builtins::InstructionAttributeType::Count: {
    const auto count = number(attribute, {}, "int", 0);
    (known->name == "macs" ? info_.macs : info_.ops) = count;
    return count.has_value();
  }
  case builtins::InstructionAttributeType::Data: {
    const auto bits = number(attribute, builtins::bitsDimension, "bytes", 0);
    if (bits)
      info_.bytes = *bits / 8;
    return bits.has_value();
  }
  case builtins::InstructionAttributeType::ClassName:
  case builtins::InstructionAttributeType::ElementTypeName: {
    const auto *name = ast::dynCast<ast::NameExpr>(attribute.value);
    (known->name == "class" ? info_.className : info_.elementType) =
        name ? name->name.str() : std::string();
    return true;
  }
  }
  throw InternalError("unknown type of an instruction's attribute");
}

} // namespace

bool declareOperands(const ast::InstructionDeclaration &instruction,
                     llvm::ArrayRef<InstructionOperand> operands, Scope &scope,
                     Evaluator &evaluator) {
  ACADLC_CHECK(operands.size() == instruction.operands.size(), "as many operands as declared");
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const ast::Operand &operand = instruction.operands[i];
    if (isRegister(operand))
      continue;
    if (!isMemory(operand)) {
      scope.declare(operand.name, operands[i].value);
      continue;
    }
    const auto bits = checkedMul(operands[i].bytes, 8);
    if (!bits) {
      evaluator.report(DiagnosticCode::ArithmeticOverflow, operand.name.range,
                       fmt::format("the length of '{}' in bits", operand.name.text.str()));
      return false;
    }
    scope.declare(operand.name,
                  Value::ofTable({{"bytes", Value::ofInt(*bits, builtins::bitsDimension)}}));
  }
  return true;
}

std::optional<InstructionInfo> evaluateInstruction(const ast::InstructionDeclaration &instruction,
                                                   const Scope &home,
                                                   llvm::ArrayRef<InstructionOperand> operands,
                                                   SourceRange at, Evaluator &evaluator) {
  InstructionEvaluator instructionEvaluator(instruction, home, evaluator);
  const DiagnosticNote outer = evaluator.context();
  if (at.isValid())
    evaluator.setContext({at, fmt::format("in this '{}'", instruction.name.text.str())});
  std::optional<InstructionInfo> info;
  if (instructionEvaluator.bind(operands))
    info = instructionEvaluator.run();
  evaluator.setContext(outer);
  return info;
}

} // namespace acadlc
