// Phases of emitted instructions: what they take, when they begin, and the nests that they expand.

#include "backend/mapping/Lowerer.h"
#include "frontend/acadl/syntax/Builtins.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::mapping {

namespace {

using program::Phase;

/// What the phases of an instruction depend on besides its declaration.
std::vector<std::int64_t> phaseKey(const std::vector<std::int64_t> &operands,
                                   const program::Instruction &instruction, arch::ObjectId unit) {
  std::vector<std::int64_t> key = operands;
  key.push_back(unit);
  for (const program::MemoryOperand &operand : instruction.memory)
    key.insert(key.end(), {operand.memory, operand.storage});
  for (const auto *registers : {&instruction.reads, &instruction.writes}) {
    key.push_back(-1);
    key.insert(key.end(), registers->begin(), registers->end());
  }
  return key;
}

ExpectedType quantity(Dimension dimension, const char *name) {
  ExpectedType type;
  type.kind = dimension.isNone() ? ExpectedType::Kind::Int : ExpectedType::Kind::Quantity;
  type.dimension = dimension;
  type.name = name;
  return type;
}

} // namespace

/// The phases of one instruction, evaluated for its operands.
class Lowerer::PhaseLowerer {
public:
  PhaseLowerer(Lowerer &lowerer, const EmitSite &site, const EmitState &state, arch::ObjectId unit)
      : lowerer_(lowerer), evaluator_(lowerer.evaluator_), graph_(lowerer.architecture_.graph),
        instruction_(*site.instruction), state_(state), unit_(unit), scope_(site.home),
        objectScope_(site.isInArchitecture ? site.home : lowerer.architecture_.scope.get()) {}

  std::optional<LoweredPhases> run() {
    for (Scope *scope : {&scope_, &objectScope_})
      if (!declareOperands(instruction_, state_.operands, *scope, evaluator_))
        return std::nullopt;
    if (!instruction_.expansions.empty() && !lowerBareExpansion(instruction_.expansions.front()))
      return std::nullopt;
    collectSignals();
    for (std::size_t i = 0; i < instruction_.phases.size(); ++i)
      if (!lowerPhase(i))
        return std::nullopt;
    return std::move(result_);
  }

private:
  /// `expands` without a phase is the only phase of the instruction.
  bool lowerBareExpansion(const ast::Expansion &expansion) {
    Phase phase;
    phase.name = "expansion";
    phase.range = expansion.range;
    if (!lowerExpansion(expansion, phase))
      return false;
    result_.phases.push_back(std::move(phase));
    return true;
  }

  void collectSignals() {
    for (std::size_t i = 0; i < instruction_.phases.size(); ++i)
      for (const ast::Identifier &name : instruction_.phases[i].signals)
        result_.signals.push_back({name.text.str(), static_cast<std::uint32_t>(i)});
  }

  bool lowerPhase(std::size_t index) {
    const ast::Phase &written = instruction_.phases[index];
    Phase phase;
    phase.name = written.name.text.str();
    phase.range = written.range;
    phase.together = written.together.isValid();
    if (!lowerBegin(written, index, phase) || !lowerHoldings(written, phase))
      return false;
    const bool isLowered = written.expansion != nullptr ? lowerExpansion(*written.expansion, phase)
                           : written.isOver             ? lowerMessage(written, phase)
                           : written.object != nullptr  ? lowerOccupation(written, phase)
                                                        : lowerDelay(written, phase);
    if (isLowered)
      result_.phases.push_back(std::move(phase));
    return isLowered;
  }

  /// Behind the phase above, unless the text says otherwise. `issued` has happened by the start.
  bool lowerBegin(const ast::Phase &written, std::size_t index, Phase &phase) {
    if (written.afterStep.isValid()) {
      phase.afterStep = 0;
      if (written.stepDistance != nullptr) {
        const auto distance = number(*written.stepDistance, quantity({}, "int"), "'after step'");
        if (!distance)
          return false;
        phase.afterStep = distance;
      }
    }
    if (index != 0 && written.after.empty() && !phase.afterStep)
      phase.after.push_back(program::phaseEnd(index - 1));
    for (const ast::Identifier &name : written.after) {
      const auto event = eventOf(name);
      if (!event)
        return false;
      if (*event != program::issuedEvent)
        phase.after.push_back(*event);
    }
    return true;
  }

  std::optional<program::EventId> eventOf(const ast::Identifier &name) {
    for (std::size_t i = 0; i < instruction_.phases.size(); ++i)
      if (instruction_.phases[i].name.text == name.text)
        return program::phaseEnd(i);
    if (name.text == "issued")
      return program::issuedEvent;
    if (name.text == "read")
      return program::readEvent;
    if (name.text == "completed")
      return program::completedEvent;
    for (const program::Signal &signal : result_.signals)
      if (signal.name == name.text)
        return program::phaseEnd(signal.phase);
    evaluator_.report(DiagnosticCode::UnknownName, name.range,
                      fmt::format("event of '{}'", instruction_.name.text.str()), name.text);
    return std::nullopt;
  }

  bool lowerHoldings(const ast::Phase &written, Phase &phase) {
    for (const ast::PhaseClauseHolding &holding : written.holding) {
      const auto object = objectOf(*holding.object, "holding",
                                   "a unit, a storage, a queue without edges or a channel with "
                                   "credits",
                                   [this](arch::ObjectId id) { return canBeHeld(id); });
      const auto event = object ? eventOf(holding.until) : std::nullopt;
      if (!event)
        return false;
      // One has a single place, of the other a phase takes all that it needs at once.
      const arch::ObjectClass objectClass = graph_.objects[*object].objectClass;
      const bool isOnce = arch::isUnit(objectClass) || objectClass == arch::ObjectClass::Channel;
      if (isOnce && std::ranges::find(phase.holding, *object, &program::Holding::object) !=
                        phase.holding.end()) {
        evaluator_.report(DiagnosticCode::StatedTwice, holding.object->range,
                          fmt::format("holding {}", graph_.objects[*object].name));
        return false;
      }
      phase.holding.push_back({*object, *event});
    }
    return true;
  }

  [[nodiscard]] bool canBeHeld(arch::ObjectId id) const {
    const arch::Object &object = graph_.objects[id];
    if (object.objectClass == arch::ObjectClass::Channel)
      return object.channel.credits > 0;
    if (object.objectClass == arch::ObjectClass::Queue)
      return graph_.isPool(id);
    return arch::isUnit(object.objectClass) || arch::isStorage(object.objectClass);
  }

  /// What \p expr names, if \p isAllowed.
  template <typename Predicate>
  std::optional<arch::ObjectId> objectOf(const ast::Expr &expr, const char *clause,
                                         const char *expected, Predicate isAllowed) {
    const auto value = evaluator_.evaluate(expr, objectScope_);
    if (!value)
      return std::nullopt;
    if (value->is(Value::Kind::Object) && isAllowed(value->object()))
      return value->object();
    evaluator_.report(DiagnosticCode::OperandKind, expr.range, clause, expected, value->typeName());
    return std::nullopt;
  }

  std::optional<std::int64_t> number(const ast::Expr &expr, const ExpectedType &type,
                                     const std::string &what, std::int64_t least = 0) {
    const auto value = evaluator_.evaluateAs(expr, scope_, type, what);
    if (!value)
      return std::nullopt;
    const bool isTooSmall = value->asInt() < least;
    if (!isTooSmall && value->asInt() <= mostCycles)
      return value->asInt();
    const Value bound = Value::ofInt(isTooSmall ? least : mostCycles, type.dimension);
    evaluator_.report(DiagnosticCode::InstructionAttributeRange, expr.range, what,
                      instruction_.name.text,
                      (isTooSmall ? "at least " : "at most ") + bound.text(), value->text());
    return std::nullopt;
  }

  bool lowerDuration(const ast::Phase &written, Phase &phase) {
    const auto cycles = number(*written.duration, quantity(builtins::cyclesDimension, "cycles"),
                               fmt::format("phase '{}'", phase.name));
    phase.cycles = cycles.value_or(0);
    return cycles.has_value();
  }

  bool lowerDelay(const ast::Phase &written, Phase &phase) {
    phase.kind = Phase::Kind::Delay;
    return lowerDuration(written, phase);
  }

  bool lowerOccupation(const ast::Phase &written, Phase &phase) {
    phase.kind = Phase::Kind::Occupation;
    const auto object =
        objectOf(*written.object, "on", "a unit or a storage", [this](arch::ObjectId id) {
          const arch::ObjectClass c = graph_.objects[id].objectClass;
          return arch::isUnit(c) || arch::isStorage(c);
        });
    if (!object)
      return false;
    phase.object = *object;
    if (written.duration != nullptr)
      return lowerDuration(written, phase);
    if (!arch::isUnit(graph_.objects[*object].objectClass)) {
      evaluator_.report(DiagnosticCode::PhaseWithoutDuration, written.name.range, phase.name,
                        "long it lasts");
      return false;
    }
    phase.cycles = graph_.objects[*object].latency;
    return true;
  }

  bool lowerMessage(const ast::Phase &written, Phase &phase) {
    phase.kind = Phase::Kind::Message;
    const auto value = evaluator_.evaluate(*written.object, objectScope_);
    if (!value)
      return false;
    llvm::SmallVector<Value, 4> channels{*value};
    if (value->is(Value::Kind::List) || value->is(Value::Kind::Array))
      channels.assign(value->elements().begin(), value->elements().end());
    for (const Value &channel : channels) {
      if (!channel.is(Value::Kind::Object) || channel.objectClass() != arch::ObjectClass::Channel) {
        evaluator_.report(DiagnosticCode::OperandKind, written.object->range, "over",
                          "a channel, a route or a list of channels", channel.typeName());
        return false;
      }
      phase.channels.push_back(channel.object());
    }
    const auto bits = number(*written.duration, quantity(builtins::bitsDimension, "bytes"),
                             fmt::format("phase '{}'", phase.name));
    phase.bits = bits.value_or(0);
    return bits.has_value();
  }

  bool lowerExpansion(const ast::Expansion &expansion, Phase &phase) {
    phase.kind = Phase::Kind::Expansion;
    for (const ast::Argument &limit : expansion.limits)
      if (!lowerLimit(limit, phase))
        return false;
    const auto body = lowerNest(expansion);
    phase.body = body.value_or(0);
    return body.has_value();
  }

  bool lowerLimit(const ast::Argument &limit, Phase &phase) {
    const auto positive = [&](const ast::Expr &expr) {
      return number(expr, quantity({}, "int"), "'outstanding'", 1);
    };
    const auto *table = ast::dynCast<ast::TableExpr>(limit.value);
    if (table == nullptr) {
      phase.outstanding = positive(*limit.value);
      return phase.outstanding.has_value();
    }
    for (const ast::TableEntry &entry : table->entries) {
      const auto count = positive(*entry.value);
      if (!count)
        return false;
      phase.limits.push_back({entry.key.text.str(), *count});
    }
    return true;
  }

  /// The nest knows nothing of the loops around the emit: its loops are counted from 0.
  std::optional<program::RegionId> lowerNest(const ast::Expansion &expansion) {
    Frame frame;
    frame.name = instruction_.name.text.str();
    frame.emitter = graph_.objects[unit_].container;
    declareOperandsOf(frame);
    SymbolicValues &values = lowerer_.values_;
    std::vector<LoopRange> loops = values.space().exchangeLoops({});
    std::vector<std::string> present = values.exchangePresent({});
    Scope inner(&objectScope_);
    Steps steps;
    const Status status = lowerer_.lowerBody(expansion.body, frame, inner, steps);
    values.exchangePresent(std::move(present));
    values.space().exchangeLoops(std::move(loops));
    ACADLC_CHECK(status != Status::Split, "a nest depends on its own loops alone");
    if (status != Status::Done)
      return std::nullopt;
    return lowerer_.builder_.region(std::move(steps), 0);
  }

  void declareOperandsOf(Frame &frame) {
    std::size_t memory = 0;
    for (const ast::Operand &operand : instruction_.operands) {
      if (operand.type.name.parts.empty() || operand.type.name.parts.back().text != "mem")
        continue;
      const program::MemoryOperand &access = state_.instruction.memory[memory];
      frame.operands[operand.name.text] = {static_cast<std::uint32_t>(memory),
                                           access.memory,
                                           state_.request.memories[memory].named,
                                           access.bytes,
                                           access.gaps,
                                           access.tensor};
      memory += operand.direction == ast::OperandDirection::InOut ? 2 : 1;
    }
  }

  Lowerer &lowerer_;
  Evaluator &evaluator_;
  const arch::ArchitectureGraph &graph_;
  const ast::InstructionDeclaration &instruction_;
  const EmitState &state_;
  arch::ObjectId unit_;
  Scope scope_;       ///< of amounts: where the instruction is declared
  Scope objectScope_; ///< of objects and nests: in an architecture
  LoweredPhases result_;
};

/// Whether the phases are one on the unit for a time, and nothing else: what an instruction without
/// phases does (docs/timing.md, "ACADL's classes in these terms").
bool Lowerer::isPlainExecution(const LoweredPhases &lowered, const arch::ArchitectureGraph &graph,
                               arch::ObjectId unit) {
  if (lowered.phases.size() != 1 || !lowered.signals.empty())
    return false;
  const Phase &phase = lowered.phases.front();
  const arch::Object &object = graph.objects[unit];
  return phase.kind == Phase::Kind::Occupation && phase.object == unit && phase.cycles >= 1 &&
         phase.holding.empty() && !phase.afterStep &&
         object.objectClass == arch::ObjectClass::FunctionalUnit && object.initiationInterval == 0;
}

bool Lowerer::addPhases(const EmitSite &site, const ast::EmitStatement &statement,
                        EmitState &state) {
  const ast::InstructionDeclaration &declaration = *site.instruction;
  if (declaration.phases.empty() && declaration.expansions.empty())
    return true;
  const auto key = std::pair(&declaration, phaseKey(state.key, state.instruction, state.unit));
  auto found = state.isCacheable ? phases_.find(key) : phases_.end();
  if (found == phases_.end()) {
    auto phases = lowerPhases(site, statement, state);
    if (!phases || !checkWork(declaration, state.instruction, *phases))
      return false;
    found = phases_.insert_or_assign(key, std::move(*phases)).first;
  }
  const LoweredPhases &lowered = found->second;
  if (isPlainExecution(lowered, architecture_.graph, state.unit)) {
    state.instruction.latency = lowered.phases.front().cycles;
    return true;
  }
  state.instruction.phases = lowered.phases;
  state.instruction.signals = lowered.signals;
  // What it emits counts where it is emitted; what it states beyond that is its own.
  state.instruction.macs -= lowered.emittedMacs;
  state.instruction.ops -= lowered.emittedOps;
  return true;
}

std::optional<Lowerer::LoweredPhases> Lowerer::lowerPhases(const EmitSite &site,
                                                           const ast::EmitStatement &statement,
                                                           const EmitState &state) {
  if (expansionDepth_ >= options_.limits.expansionDepth) {
    diagnostics_.report(DiagnosticCode::ExpandsTooDeep, statement.range,
                        options_.limits.expansionDepth);
    return std::nullopt;
  }
  const DiagnosticNote outer = evaluator_.context();
  evaluator_.setContext(
      {statement.range, fmt::format("in this '{}'", site.instruction->name.text.str())});
  ++expansionDepth_;
  auto phases = PhaseLowerer(*this, site, state, state.unit).run();
  --expansionDepth_;
  evaluator_.setContext(outer);
  return phases;
}

void Lowerer::reportWork(const ast::Identifier &name, std::int64_t emitted, std::int64_t wanted) {
  diagnostics_.report(DiagnosticCode::WorkDiffers, name.range, name.text,
                      fmt::format("{} multiply-accumulates", emitted), wanted);
}

/// The work of an instruction that expands is that of what it emits. \p phases get what of the
/// stated work of \p instruction is emitted.
bool Lowerer::checkWork(const ast::InstructionDeclaration &declaration,
                        const program::Instruction &instruction, LoweredPhases &phases) {
  const auto states = [&](llvm::StringRef name) {
    return std::any_of(
        declaration.attributes.begin(), declaration.attributes.end(),
        [&](const ast::Attribute &attribute) { return attribute.name.text == name; });
  };
  const bool statesMacs = states("macs"), statesOps = states("ops");
  if (!ast::isExpanding(declaration) || (!statesMacs && !statesOps))
    return true;
  for (const Phase &phase : phases.phases) {
    if (phase.kind != Phase::Kind::Expansion)
      continue;
    const auto totals = builder_.totals(phase.body);
    const auto macs = totals ? checkedAdd(phases.emittedMacs, totals->macs) : std::nullopt;
    const auto ops = totals ? checkedAdd(phases.emittedOps, totals->ops) : std::nullopt;
    if (!macs || !ops) {
      diagnostics_.report(DiagnosticCode::MappingNumberTooLarge, phase.range);
      return false;
    }
    phases.emittedMacs = *macs;
    phases.emittedOps = *ops;
  }
  if (statesMacs && instruction.macs != phases.emittedMacs) {
    reportWork(declaration.name, phases.emittedMacs, instruction.macs);
    return false;
  }
  phases.emittedMacs = statesMacs ? phases.emittedMacs : 0;
  phases.emittedOps = statesOps ? phases.emittedOps : 0;
  return true;
}

} // namespace acadlc::mapping
