// Declarations of instructions: operands, attributes, phases, expansion.

#include "frontend/acadl/check/CheckContext.h"
#include "frontend/acadl/check/CheckExpressions.h"

#include <fmt/format.h>

namespace acadlc::checking {

using llvm::StringRef;
using Kind = Type::Kind;

namespace {

class InstructionChecker {
public:
  InstructionChecker(Checker &checker, DiagnosticEngine &diagnostics,
                     const ast::InstructionDeclaration &instruction, bool isInStructure)
      : checker_(checker), expressions_(checker, diagnostics), diagnostics_(diagnostics),
        instruction_(instruction), isInStructure_(isInStructure) {}

  void run(Names &around) {
    Names names(around);
    names.setDeferred();
    for (const ast::Operand &operand : instruction_.operands)
      checkOperand(operand, names);
    checkAttributes(names);
    for (const ast::RequireStatement *statement : instruction_.requirements)
      if (statement)
        expressions_.checkRequire(*statement, names);
    checkPhases(names);
    checkExpansions(names);
  }

private:
  static bool isKind(const ast::Operand &operand, StringRef kind) {
    return operand.type.name.parts.size() == 1 && operand.type.name.parts[0].text == kind;
  }

  void checkOperand(const ast::Operand &operand, Names &names) {
    if (!operand.name.isValid())
      return;
    const bool isRegister = isKind(operand, "reg");
    const bool isMemory = isKind(operand, "mem");
    Type type;
    if (isRegister || isMemory) {
      type = Type::of(isRegister ? Kind::RegisterOperand : Kind::MemoryOperand);
      if (operand.direction == ast::OperandDirection::None)
        diagnostics_
            .report(DiagnosticCode::OperandDirection, operand.type.range, operand.name.text,
                    "needs a direction: in, out or inout")
            .fixIt({operand.type.range.begin, operand.type.range.begin}, "in ");
      if (operand.defaultValue)
        diagnostics_.report(DiagnosticCode::OperandDefault, operand.defaultValue->range,
                            operand.name.text);
    } else {
      type = immediateType(operand, names);
    }
    declare(diagnostics_, names,
            {.text = operand.name.text,
             .range = operand.name.range,
             .kind = Name::Kind::Parameter,
             .type = type});
  }

  Type immediateType(const ast::Operand &operand, Names &names) {
    // A misspelt `reg` is more likely than a type: both are proposed.
    if (operand.type.isValid() && operand.type.name.parts.size() == 1 &&
        operand.direction != ast::OperandDirection::None &&
        !builtins::findValueType(operand.type.name.parts[0].text)) {
      reportUnknownWord(diagnostics_, operand.type.name.parts[0], "kind of operand",
                        builtins::operandKinds());
      return {};
    }
    const Type type = expressions_.resolveType(operand.type, names);
    if (operand.direction != ast::OperandDirection::None)
      diagnostics_.report(DiagnosticCode::OperandDirection, operand.type.range, operand.name.text,
                          "is an immediate: it has no direction");
    if (operand.defaultValue)
      expressions_.checkAs(operand.defaultValue, names, type,
                           fmt::format("operand '{}'", operand.name.text.str()),
                           operand.type.range);
    return type;
  }

  void checkAttributes(Names &names) {
    llvm::DenseMap<StringRef, SourceRange> given;
    for (const ast::Attribute &attribute : instruction_.attributes) {
      if (!attribute.name.isValid())
        continue;
      const auto [first, isNew] = given.try_emplace(attribute.name.text, attribute.name.range);
      if (!isNew)
        diagnostics_.report(DiagnosticCode::GivenTwice, attribute.name.range, attribute.name.text)
            .note(first->second, "first here");
      checkAttribute(attribute, names);
    }
  }

  void checkAttribute(const ast::Attribute &attribute, Names &names) {
    using enum builtins::InstructionAttributeType;
    const auto *known = builtins::findInstructionAttribute(attribute.name.text);
    if (!known) {
      llvm::SmallVector<StringRef> allowed;
      for (const builtins::InstructionAttribute &a : builtins::instructionAttributes())
        allowed.push_back(a.name);
      reportUnknownWord(diagnostics_, attribute.name, "attribute of an instruction", allowed);
      expressions_.check(attribute.value, names);
      return;
    }
    const std::string what = fmt::format("attribute '{}'", attribute.name.text.str());
    switch (known->type) {
    case Cycles:
      expressions_.checkAs(attribute.value, names,
                           Type::quantity(builtins::cyclesDimension, "cycles"), what);
      return;
    case Count:
      expressions_.checkAs(attribute.value, names, Type::number(false), what);
      return;
    case Data:
      expressions_.checkAs(attribute.value, names, Type::quantity(builtins::bitsDimension, "bytes"),
                           what);
      return;
    case ClassName:
      checkWord(attribute.value, what, "the name of a class");
      return;
    case ElementTypeName:
      if (const auto *name = checkWord(attribute.value, what, "the name of an element type"))
        if (!builtins::isElementType(name->name))
          reportUnknownWord(diagnostics_, {name->name, name->range}, "element type",
                            builtins::elementTypes());
      return;
    }
  }

  /// \p value as a bare name, or null and a report.
  const ast::NameExpr *checkWord(const ast::Expr *value, const std::string &what,
                                 const char *wanted) {
    const auto *name = ast::dynCast<ast::NameExpr>(value);
    if (!name && value && value->kind != ast::ExprKind::Error)
      diagnostics_.report(DiagnosticCode::WrongType, value->range, what, wanted, "an expression");
    return name;
  }

  void checkPhases(Names &names) {
    llvm::DenseMap<StringRef, SourceRange> phases;
    std::vector<std::string_view> starts(checker_.events().begin(), checker_.events().end());
    std::vector<std::string_view> signalled;
    for (const StringRef event : builtins::events())
      signalled.push_back(event);
    for (const ast::Phase &phase : instruction_.phases) {
      starts.push_back(phase.name.text);
      signalled.push_back(phase.name.text);
      for (const ast::Identifier &event : phase.signals)
        signalled.push_back(event.text);
      if (!phase.name.isValid())
        continue;
      const auto [first, isNew] = phases.try_emplace(phase.name.text, phase.name.range);
      if (!isNew)
        diagnostics_.report(DiagnosticCode::DuplicateName, phase.name.range, phase.name.text)
            .note(first->second, "first here");
    }
    for (const ast::Phase &phase : instruction_.phases)
      checkPhase(phase, names, starts, signalled);
    checkPhaseOrder(diagnostics_, instruction_);
    checkSteps();
  }

  void checkPhase(const ast::Phase &phase, Names &names,
                  const std::vector<std::string_view> &starts,
                  const std::vector<std::string_view> &signalled) {
    checkClauses(phase);
    if (phase.stepDistance)
      expressions_.checkAs(phase.stepDistance, names, Type::number(false), "'after step'");
    if (phase.expansion)
      checkExpansion(*phase.expansion, names);
    if (phase.object)
      checkPhaseObject(phase.object, names);
    if (phase.duration)
      checkDuration(phase, names);
    for (const ast::Identifier &event : phase.after)
      checkKnown(event, "phase or event", starts);
    for (const ast::PhaseClauseHolding &holding : phase.holding) {
      checkPhaseObject(holding.object, names);
      checkKnown(holding.until, "phase or event", signalled);
    }
  }

  /// What does not go together: an expansion ends by itself, and lock step is one of words.
  void checkClauses(const ast::Phase &phase) {
    const auto report = [&](SourceRange range, StringRef clause, StringRef why) {
      diagnostics_.report(DiagnosticCode::MisplacedPhaseClause, range, phase.name.text, clause,
                          why);
    };
    if (phase.expansion && phase.object)
      report(phase.object->range, phase.isOver ? "'over'" : "'on'",
             "what it emits occupies objects, not the phase itself");
    if (phase.expansion && phase.duration)
      report(phase.duration->range, "'for'", "it ends when all that it emits has completed");
    if (!phase.duration && !phase.expansion && (phase.isOver || !phase.object))
      reportNoDuration(phase);
    if (phase.together.isValid() && !phase.isOver)
      report(phase.together, "'together'", "it sends no words over a channel");
  }

  void reportNoDuration(const ast::Phase &phase) {
    auto report =
        diagnostics_.report(DiagnosticCode::PhaseWithoutDuration, phase.name.range, phase.name.text,
                            phase.isOver ? "much it sends" : "long it lasts");
    if (phase.isOver)
      report.note({}, "an amount of data says it, as in 'for 64 bytes'");
    else
      report.note({},
                  "cycles say it, as in 'for 4 cycles'; a phase 'on' a unit lasts as long as the "
                  "unit says, one that 'expands' as long as what it emits");
  }

  /// `after step + n` counts from the step in which the instruction stands: something else must
  /// take part in that.
  void checkSteps() {
    const auto isFirst = [&](const ast::Phase &phase) {
      if (phase.afterStep.isValid())
        return false;
      return &phase == instruction_.phases.begin() ||
             llvm::any_of(phase.after,
                          [](const ast::Identifier &name) { return name.text == "issued"; });
    };
    const auto *late = llvm::find_if(
        instruction_.phases, [](const ast::Phase &phase) { return phase.afterStep.isValid(); });
    if (late != instruction_.phases.end() && llvm::none_of(instruction_.phases, isFirst))
      diagnostics_.report(DiagnosticCode::NoFirstPhase, late->afterStep, instruction_.name.text);
  }

  /// `over` channels: an amount of data; `on` an object, or a delay: cycles.
  void checkDuration(const ast::Phase &phase, Names &names) {
    const Type type = phase.isOver ? Type::quantity(builtins::bitsDimension, "bytes")
                                   : Type::quantity(builtins::cyclesDimension, "cycles");
    expressions_.checkAs(phase.duration, names, type,
                         fmt::format("phase '{}'", phase.name.text.str()));
  }

  /// Objects are known where the instruction stands in their architecture; elsewhere each
  /// architecture that uses the instruction resolves them.
  void checkPhaseObject(const ast::Expr *object, Names &names) {
    if (isInStructure_)
      expressions_.check(object, names);
  }

  void checkKnown(const ast::Identifier &name, const char *what,
                  const std::vector<std::string_view> &known) {
    if (!name.isValid() || llvm::is_contained(known, std::string_view(name.text)))
      return;
    auto report = diagnostics_.report(DiagnosticCode::UnknownName, name.range, what, name.text);
    suggest(report, name, known);
  }

  /// `expands` without a phase is the whole instruction.
  void checkExpansions(Names &names) {
    for (std::size_t i = 0; i < instruction_.expansions.size(); ++i) {
      const ast::Expansion &expansion = instruction_.expansions[i];
      if (i != 0)
        diagnostics_.report(DiagnosticCode::StatedTwice, expansion.range, "expands")
            .note(instruction_.expansions[0].range, "first here");
      else if (!instruction_.phases.empty())
        diagnostics_.report(DiagnosticCode::ExpansionBesidePhases, expansion.range)
            .fixIt({expansion.range.begin, expansion.range.begin}, "phase expansion ");
      checkExpansion(expansion, names);
    }
  }

  void checkExpansion(const ast::Expansion &expansion, Names &names) {
    for (const ast::Argument &limit : expansion.limits) {
      if (limit.name.isValid() && !llvm::is_contained(builtins::expansionLimits(), limit.name.text))
        reportUnknownWord(diagnostics_, limit.name, "limit of an expansion",
                          builtins::expansionLimits());
      checkLimit(limit, names);
    }
    checking::checkExpansion(checker_, diagnostics_, names, expansion);
  }

  /// A number, or a table of numbers by classes of what is emitted.
  void checkLimit(const ast::Argument &limit, Names &names) {
    const std::string what = fmt::format("'{}'", limit.name.text.str());
    const auto *table = ast::dynCast<ast::TableExpr>(limit.value);
    if (!table) {
      expressions_.checkAs(limit.value, names, Type::number(false), what);
      return;
    }
    reportRepeatedKeys(diagnostics_, *table);
    for (const ast::TableEntry &entry : table->entries) {
      checkKnown(entry.key, "class of instructions", checker_.instructionClasses());
      expressions_.checkAs(entry.value, names, Type::number(false), what);
    }
  }

  Checker &checker_;
  Expressions expressions_;
  DiagnosticEngine &diagnostics_;
  const ast::InstructionDeclaration &instruction_;
  bool isInStructure_;
};

} // namespace

void checkInstruction(Checker &checker, DiagnosticEngine &diagnostics, Names &around,
                      const ast::InstructionDeclaration &instruction, bool isInStructure) {
  InstructionChecker(checker, diagnostics, instruction, isInStructure).run(around);
}

} // namespace acadlc::checking
