#include "backend/mapping/Lowerer.h"
#include "support/CheckedArithmetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace acadlc::mapping {

/// Bytes of a memory that an operand names.
struct Lowerer::MemoryAccess {
  arch::ObjectId memory = arch::noObject;
  arch::ObjectId named = arch::noObject; ///< `memory` or a cache above it: the way to the bytes
  std::optional<std::uint32_t> base;     ///< see program::MemoryOperand
  Linear address;
  std::int64_t bytes = 0, gaps = 0; ///< see program::MemoryOperand
  ByteRange range;                  ///< that it may touch over all iterations
  std::string name;
};

namespace {

void addSorted(std::vector<arch::RegisterId> &ids, std::uint32_t id) {
  const auto place = std::lower_bound(ids.begin(), ids.end(), id);
  if (place == ids.end() || *place != id)
    ids.insert(place, id);
}

std::int64_t immediateBits(const Value &value) {
  switch (value.kind()) {
  case Value::Kind::Int:
    return value.asInt();
  case Value::Kind::Bool:
    return value.asBool() ? 1 : 0;
  case Value::Kind::Enumerator:
    return value.enumeratorIndex();
  case Value::Kind::Real:
    return std::bit_cast<std::int64_t>(value.asReal());
  default:
    return 0;
  }
}

bool isScalar(const Value &value) {
  return value.is(Value::Kind::Int) || value.is(Value::Kind::Bool) ||
         value.is(Value::Kind::Enumerator) || value.is(Value::Kind::Real);
}

/// The bytes of a range of \p bytes that belong to none of its \p elements.
std::int64_t gapsWithin(std::int64_t bytes, std::int64_t elementBytes,
                        std::optional<std::int64_t> elements) {
  const auto needed = elements ? checkedMul(*elements, elementBytes) : std::nullopt;
  return needed ? std::max<std::int64_t>(bytes - *needed, 0) : 0;
}

/// Whether \p scope is \p outer or lies in it.
bool isWithin(const Scope *scope, const Scope *outer) {
  while (scope != nullptr && scope != outer)
    scope = scope->parent();
  return scope != nullptr;
}

llvm::StringRef typeName(const ast::Operand &operand) {
  return operand.type.name.parts.empty() ? "" : operand.type.name.parts.back().text;
}

} // namespace

bool Lowerer::countStep(SourceRange at) {
  if (++steps_ <= options_.limits.steps &&
      builder_.instructionCount() <= options_.limits.instructions)
    return true;
  SourceRange where = at;
  std::int64_t count = 1;
  for (const UnrolledLoop &loop : unrolled_)
    if (loop.count > count) {
      where = loop.range;
      count = loop.count;
    }
  auto report =
      diagnostics_.report(DiagnosticCode::UnrollsTooFar, where, count, options_.limits.steps);
  if (!(at == where))
    report.note(at, "this stands in it");
  report.note({}, "a loop is kept as a loop where its variable appears in addresses only; index "
                  "registers, units and bounds with variables of short loops");
  return false;
}

//===--- The parts of an emit -----------------------------------------------------------------===//

const Lowerer::EmitSite *Lowerer::siteOf(const ast::EmitStatement &statement, const Scope &scope) {
  if (const auto found = sites_.find(&statement); found != sites_.end())
    return found->second.get();
  const Symbol *symbol = architecture_.findInstruction(statement.instruction.text);
  if (symbol == nullptr)
    symbol = findInstruction(statement.instruction.text, scope);
  const auto *declaration =
      symbol != nullptr ? ast::dynCast<ast::InstructionDeclaration>(symbol->declaration) : nullptr;
  if (declaration == nullptr) {
    diagnostics_.report(DiagnosticCode::UndeclaredInstruction, statement.instruction.range,
                        statement.instruction.text);
    return nullptr;
  }
  auto site = std::make_unique<EmitSite>();
  site->instruction = declaration;
  site->home = symbol->home;
  site->isInArchitecture = isWithin(site->home, architecture_.scope.get());
  if (!assignOperands(statement, *site))
    return nullptr;
  for (const ast::Operand &operand : declaration->operands) {
    std::optional<ExpectedType> type = ExpectedType{};
    if (typeName(operand) != "reg" && typeName(operand) != "mem" && operand.type.isValid())
      type = evaluator_.resolveType(operand.type, *site->home);
    if (!type)
      return nullptr;
    site->types.push_back(std::move(*type));
  }
  return sites_.insert({&statement, std::move(site)}).first->second.get();
}

bool Lowerer::assignOperands(const ast::EmitStatement &statement, EmitSite &site) {
  const auto &operands = site.instruction->operands;
  site.operands.assign(operands.size(), nullptr);
  std::size_t position = 0;
  for (const ast::Argument &argument : statement.arguments) {
    std::size_t index = position;
    if (argument.name.isValid()) {
      for (index = 0; index < operands.size(); ++index)
        if (operands[index].name.text == argument.name.text)
          break;
    } else {
      ++position;
    }
    if (index >= operands.size() || site.operands[index] != nullptr) {
      diagnostics_.report(DiagnosticCode::ArgumentCount,
                          argument.value != nullptr ? argument.value->range : statement.range,
                          fmt::format("'{}'", statement.instruction.text.str()),
                          fmt::format("{} operands, each once", operands.size()), "one more");
      return false;
    }
    site.operands[index] = argument.value;
  }
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (site.operands[i] == nullptr && operands[i].defaultValue == nullptr) {
      diagnostics_.report(DiagnosticCode::ArgumentNotGiven, statement.range,
                          fmt::format("'{}'", statement.instruction.text.str()),
                          fmt::format("its operand '{}'", operands[i].name.text.str()));
      return false;
    }
  }
  return true;
}

bool Lowerer::lowerOperand(const EmitSite &site, std::size_t index, const Frame &frame,
                           const Scope &scope, EmitState &state) {
  const ast::Operand &operand = site.instruction->operands[index];
  if (typeName(operand) == "reg" && site.operands[index] != nullptr)
    return lowerRegister(operand, *site.operands[index], scope, state);
  if (typeName(operand) == "mem" && site.operands[index] != nullptr)
    return lowerMemory(operand, *site.operands[index], frame, scope, state);
  return lowerImmediate(site, index, scope, state);
}

bool Lowerer::lowerRegister(const ast::Operand &operand, const ast::Expr &expr, const Scope &scope,
                            EmitState &state) {
  const auto value = evaluator_.evaluate(expr, scope);
  if (!value)
    return false;
  state.operands.emplace_back();
  llvm::SmallVector<Value, 4> registers;
  if (value->is(Value::Kind::Register))
    registers.push_back(*value);
  else if (value->is(Value::Kind::Array) || value->is(Value::Kind::List))
    registers.append(value->elements().begin(), value->elements().end());
  const bool isReadable = operand.direction != ast::OperandDirection::Out;
  const bool isWritten = operand.direction == ast::OperandDirection::Out ||
                         operand.direction == ast::OperandDirection::InOut;
  for (const Value &element : registers) {
    if (!element.is(Value::Kind::Register)) {
      registers.clear();
      break;
    }
    const arch::RegisterId id = element.registerId(architecture_.graph);
    if (isReadable) {
      addSorted(state.instruction.reads, id);
      addSorted(state.request.readFiles, element.object());
    }
    if (isWritten) {
      addSorted(state.instruction.writes, id);
      addSorted(state.request.writtenFiles, element.object());
    }
  }
  if (registers.empty())
    diagnostics_.report(DiagnosticCode::OperandKind, expr.range, operand.name.text, "a register",
                        value->typeName());
  return !registers.empty();
}

bool Lowerer::lowerImmediate(const EmitSite &site, std::size_t index, const Scope &scope,
                             EmitState &state) {
  const ast::Operand &operand = site.instruction->operands[index];
  const bool isDefault = site.operands[index] == nullptr;
  const ast::Expr &expr = isDefault ? *operand.defaultValue : *site.operands[index];
  auto value = evaluator_.evaluateAs(expr, isDefault ? *site.home : scope, site.types[index],
                                     fmt::format("operand '{}'", operand.name.text.str()));
  if (value && value->is(Value::Kind::Symbolic))
    value = values_.requireKnown(*value, expr);
  if (!value)
    return false;
  state.isCacheable = state.isCacheable && isScalar(*value);
  state.key.push_back(immediateBits(*value));
  state.instruction.immediates.push_back(immediateBits(*value));
  InstructionOperand result;
  result.value = std::move(*value);
  state.operands.push_back(std::move(result));
  return true;
}

bool Lowerer::lowerMemory(const ast::Operand &operand, const ast::Expr &expr, const Frame &frame,
                          const Scope &scope, EmitState &state) {
  auto access = memoryAccess(expr, frame, scope);
  if (!access)
    return false;
  InstructionOperand result;
  result.bytes = access->bytes;
  state.operands.push_back(std::move(result));
  state.key.push_back(access->bytes);
  state.key.push_back(access->gaps);
  program::MemoryOperand memory;
  memory.memory = access->memory;
  memory.base = access->base;
  memory.address = builder_.address(access->address);
  memory.bytes = access->bytes;
  memory.gaps = access->gaps;
  memory.tensor = std::move(access->name);
  const bool isRead = operand.direction != ast::OperandDirection::Out;
  const bool isWritten = operand.direction == ast::OperandDirection::Out ||
                         operand.direction == ast::OperandDirection::InOut;
  for (const bool isWrite : {false, true}) {
    if (isWrite ? !isWritten : !isRead)
      continue;
    memory.isWrite = isWrite;
    state.instruction.memory.push_back(memory);
    state.ranges.push_back(access->range);
    state.request.memories.push_back({memory.memory, access->named, isWrite});
  }
  return true;
}

std::optional<Lowerer::MemoryAccess> Lowerer::memoryAccess(const ast::Expr &expr,
                                                           const Frame &frame, const Scope &scope) {
  const auto *index = ast::dynCast<ast::IndexExpr>(&expr);
  const auto *name = ast::dynCast<ast::NameExpr>(index != nullptr ? index->object : &expr);
  if (name != nullptr && frame.isAbsent(name->name)) {
    diagnostics_.report(DiagnosticCode::AbsentStep, expr.range, name->name);
    return std::nullopt;
  }
  if (name != nullptr)
    if (const auto operand = frame.operands.find(name->name); operand != frame.operands.end())
      return emitterAccess(operand->second, index, scope, expr.range);
  if (name == nullptr || !frame.tensors.contains(name->name)) {
    if (index != nullptr)
      return rawAccess(*index, scope);
    diagnostics_.report(DiagnosticCode::OperandKind, expr.range, "mem",
                        "an access to a tensor, a buffer or bytes of a storage",
                        name != nullptr ? name->name.str() : std::string("something else"));
    return std::nullopt;
  }
  const auto resolved = accesses_.resolve(
      frame, name->name, index != nullptr ? index->indices : llvm::ArrayRef<const ast::Expr *>(),
      scope, expr.range);
  if (!resolved)
    return std::nullopt;
  const Allocation &allocation = *resolved->allocation;
  const auto length = values_.checked(
      values_.space().subtract(resolved->lastElement, resolved->address), expr.range);
  const auto bytes = length ? values_.requirePoint(*length, expr.range) : std::nullopt;
  if (!bytes)
    return std::nullopt;
  if (*bytes < 0) {
    diagnostics_.report(DiagnosticCode::EmptySlice, expr.range);
    return std::nullopt;
  }
  MemoryAccess access;
  access.memory = allocation.memory;
  access.named = allocation.memory;
  access.address = resolved->address;
  access.bytes = *bytes + allocation.elementBytes;
  access.gaps = gapsWithin(access.bytes, allocation.elementBytes, resolved->elements);
  access.name = allocation.name;
  // Bounds are checked, so the allocation says it all, unless an index could not be decided.
  const Interval touched = values_.space().interval(access.address);
  access.range = {
      std::min<Int128>(allocation.base, touched.low),
      std::max<Int128>(Int128{allocation.base} + allocation.bytes, touched.high + access.bytes)};
  if (values_.space().isLinearInLoops(access.address))
    access.range = {allocation.base, Int128{allocation.base} + allocation.bytes};
  return access;
}

/// An operand of the emitting instruction, or a slice of its bytes.
std::optional<Lowerer::MemoryAccess> Lowerer::emitterAccess(const EmitterOperand &operand,
                                                            const ast::IndexExpr *index,
                                                            const Scope &scope, SourceRange at) {
  MemoryAccess access;
  access.memory = operand.memory;
  access.named = operand.named;
  access.base = operand.index;
  access.name = operand.tensor;
  access.address = SymbolicSpace::constant(0);
  access.bytes = operand.bytes;
  if (index == nullptr) {
    access.gaps = operand.gaps;
    return access;
  }
  const auto bytes = byteRange(*index, scope);
  if (!bytes)
    return std::nullopt;
  access.address = bytes->low;
  access.bytes = bytes->length;
  const Interval touched = values_.space().interval(bytes->low);
  if (touched.low < 0 || touched.high + bytes->length > operand.bytes) {
    diagnostics_.report(
        DiagnosticCode::OutsideStorage, at,
        fmt::format("the operand, which has {} bytes of '{}'", operand.bytes, operand.tensor));
    return std::nullopt;
  }
  return access;
}

std::optional<Linear> Lowerer::byteAddress(const ast::Expr &expr, const Scope &scope) {
  const auto value = evaluator_.evaluate(expr, scope);
  if (!value)
    return std::nullopt;
  if (auto number = SymbolicValues::toLinear(*value))
    return number;
  if (value->is(Value::Kind::Int) && value->dimension() == Dimension{0, 1, 0, 0} &&
      value->asInt() % 8 == 0)
    return SymbolicSpace::constant(value->asInt() / 8);
  diagnostics_.report(DiagnosticCode::WrongType, expr.range, "an address",
                      "a whole number of bytes", value->typeName());
  return std::nullopt;
}

/// The bytes `[low .. high]`; their number must be known.
std::optional<Lowerer::ByteSlice> Lowerer::byteRange(const ast::IndexExpr &expr,
                                                     const Scope &scope) {
  const auto *range =
      expr.indices.size() == 1 ? ast::dynCast<ast::RangeExpr>(expr.indices.front()) : nullptr;
  if (range == nullptr) {
    diagnostics_.report(DiagnosticCode::OperandKind, expr.range, "mem",
                        "an access to a tensor, a buffer or bytes of a storage (`memory[a .. b]`)",
                        "something else");
    return std::nullopt;
  }
  const auto low = byteAddress(*range->low, scope);
  const auto high = low ? byteAddress(*range->high, scope) : std::nullopt;
  const auto length =
      high ? values_.checked(values_.space().subtract(*high, *low), expr.range) : std::nullopt;
  const auto bytes = length ? values_.requirePoint(*length, expr.range) : std::nullopt;
  if (!bytes)
    return std::nullopt;
  if (*bytes <= 0) {
    diagnostics_.report(DiagnosticCode::EmptySlice, expr.range);
    return std::nullopt;
  }
  return ByteSlice{*low, *bytes};
}

std::optional<Lowerer::MemoryAccess> Lowerer::rawAccess(const ast::IndexExpr &expr,
                                                        const Scope &scope) {
  const auto slice = byteRange(expr, scope);
  const auto storage = slice ? storageOf(*expr.object, scope) : std::nullopt;
  if (!storage)
    return std::nullopt;
  const Interval touched = values_.space().interval(slice->low);
  MemoryAccess access;
  access.memory = storage->memory;
  access.named = storage->named;
  access.address = slice->low;
  access.bytes = slice->length;
  access.range = {touched.low, touched.high + slice->length};
  const arch::Object &object = architecture_.graph.objects[storage->memory];
  access.name = object.name;
  const bool isInside = std::any_of(
      object.addressRanges.begin(), object.addressRanges.end(), [&](const arch::AddressRange &r) {
        return access.range.low >= r.low && access.range.high <= r.high;
      });
  if (!isInside && values_.space().isLinearInLoops(slice->low)) {
    diagnostics_.report(DiagnosticCode::OutsideStorage, expr.range,
                        fmt::format("'{}'", object.name));
    return std::nullopt;
  }
  return access;
}

//===--- The emit -----------------------------------------------------------------------------===//

bool Lowerer::resolveUnit(const ast::EmitStatement &statement, const Frame &frame,
                          const Scope &scope, const ast::InstructionDeclaration &instruction,
                          EmitState &state) {
  const llvm::StringRef name = statement.instruction.text;
  state.request.operation = std::string_view(name.data(), name.size());
  if (statement.unit != nullptr) {
    const auto value = evaluator_.evaluate(*statement.unit, scope);
    if (!value)
      return false;
    if (!value->is(Value::Kind::Object) || !arch::isUnit(value->objectClass())) {
      diagnostics_.report(DiagnosticCode::OperandKind, statement.unit->range, "on", "a unit",
                          value->typeName());
      return false;
    }
    state.request.unit = value->object();
  }
  UnitRequest request = state.request;
  request.hasPhases = !instruction.phases.empty();
  // What expands hands its operands on: the instructions that it emits access them.
  if (ast::isExpanding(instruction))
    request.memories.clear();
  const UnitAnswer &answer = units_.find(request);
  if (answer.status != UnitAnswer::Status::Found) {
    const bool isNone = answer.status == UnitAnswer::Status::None;
    auto builder =
        diagnostics_.report(isNone ? DiagnosticCode::NoUnit : DiagnosticCode::AmbiguousUnit,
                            statement.range, name, answer.problem);
    if (!isNone)
      builder.note({}, "say which one: emit … on UNIT");
    return false;
  }
  for (program::MemoryOperand &operand : state.instruction.memory)
    operand.storage = operand.memory;
  for (std::size_t i = 0; i < answer.storages.size(); ++i)
    state.instruction.memory[i].storage = answer.storages[i];
  state.unit = answer.unit;
  if (!resolveRoute(statement, frame, scope, state))
    return false;
  const arch::Object &unit = architecture_.graph.objects[answer.unit];
  state.instruction.latency = unit.latency;
  state.instruction.makesRequests = unit.objectClass != arch::ObjectClass::FunctionalUnit;
  return true;
}

bool Lowerer::resolveRoute(const ast::EmitStatement &statement, const Frame &frame,
                           const Scope &scope, EmitState &state) {
  RouteRequest request{state.unit, frame.emitter, {}, statement.over != nullptr};
  if (statement.over != nullptr && !stagesOf(*statement.over, scope, request.over))
    return false;
  const RouteAnswer &answer = units_.route(request);
  if (answer.status == RouteAnswer::Status::Found) {
    state.instruction.route = builder_.route(*answer.route);
    return true;
  }
  const bool isNone = answer.status == RouteAnswer::Status::None;
  auto builder = diagnostics_.report(
      isNone ? DiagnosticCode::NoRoute : DiagnosticCode::AmbiguousRoute, statement.range,
      architecture_.graph.objects[state.unit].name, answer.problem);
  if (!isNone)
    builder.note({},
                 "say which one: emit … over STAGE, or over [STAGES] in their order; over [] takes "
                 "a direct edge");
  return false;
}

/// `over stage`, `over [stages]`
bool Lowerer::stagesOf(const ast::Expr &expr, const Scope &scope,
                       std::vector<arch::ObjectId> &stages) {
  const auto value = evaluator_.evaluate(expr, scope);
  if (!value)
    return false;
  llvm::SmallVector<Value, 2> elements{*value};
  if (value->is(Value::Kind::Array) || value->is(Value::Kind::List))
    elements.assign(value->elements().begin(), value->elements().end());
  for (const Value &element : elements) {
    if (!element.is(Value::Kind::Object) || !arch::isOnRoutes(element.objectClass())) {
      diagnostics_.report(DiagnosticCode::OperandKind, expr.range, "over",
                          "a stage that instructions pass, or a list of such", element.typeName());
      return false;
    }
    stages.push_back(element.object());
  }
  return true;
}

std::optional<InstructionInfo>
Lowerer::infoOf(const EmitSite &site, const ast::EmitStatement &statement, const EmitState &state) {
  if (!state.isCacheable)
    return evaluateInstruction(*site.instruction, *site.home, state.operands, statement.range,
                               evaluator_);
  const auto key = std::pair(site.instruction, state.key);
  if (const auto found = infos_.find(key); found != infos_.end())
    return found->second;
  const auto info = evaluateInstruction(*site.instruction, *site.home, state.operands,
                                        statement.range, evaluator_);
  if (info)
    infos_.emplace(key, *info);
  return info;
}

bool Lowerer::addAttributes(const EmitSite &site, const ast::EmitStatement &statement,
                            EmitState &state) {
  const auto info = infoOf(site, statement, state);
  if (!info)
    return false;
  if (info->latency)
    state.instruction.latency = *info->latency;
  state.instruction.className = info->className;
  state.instruction.macs = info->macs.value_or(0);
  state.instruction.ops = info->ops.value_or(0);
  state.instruction.bytes = info->bytes;
  return true;
}

Lowerer::Status Lowerer::lowerEmit(const ast::EmitStatement &statement, const Frame &frame,
                                   const Scope &scope, Steps &steps) {
  const EmitSite *site = siteOf(statement, scope);
  if (site == nullptr)
    return Status::Failed;
  EmitState state;
  for (std::size_t i = 0; i < site->operands.size(); ++i)
    if (!lowerOperand(*site, i, frame, scope, state))
      return failed();
  if (!resolveUnit(statement, frame, scope, *site->instruction, state) ||
      !addAttributes(*site, statement, state) || !addPhases(*site, statement, state))
    return failed();
  if (!countStep(statement.range))
    return Status::Failed;
  state.instruction.operation = statement.instruction.text.str();
  state.instruction.range = statement.range;
  const auto id = builder_.instruction(std::move(state.instruction), state.ranges);
  steps.push_back({program::Step::Kind::Emit, id});
  return Status::Done;
}

} // namespace acadlc::mapping
