#include "backend/mapping/Lowerer.h"
#include "frontend/acadl/elaboration/Elaborate.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>

namespace acadlc::mapping {
namespace {

constexpr const char *storageText = "an SRAM or DRAM, or a cache above one";

} // namespace

//===--- Places and buffers -------------------------------------------------------------------===//

std::optional<Lowerer::NamedStorage> Lowerer::storageOf(const ast::Expr &storage,
                                                        const Scope &scope) {
  const auto value = evaluator_.evaluate(storage, scope);
  if (!value)
    return std::nullopt;
  if (!value->is(Value::Kind::Object) || !arch::isStorage(value->objectClass())) {
    diagnostics_.report(DiagnosticCode::WrongType, storage.range, "'in'", storageText,
                        value->typeName());
    return std::nullopt;
  }
  const arch::ObjectId memory = units_.memoryBelow(value->object());
  if (!arch::isMemoryInterface(architecture_.graph.objects[memory].objectClass)) {
    diagnostics_.report(DiagnosticCode::WrongType, storage.range, "'in'", storageText,
                        "a cache without a memory below");
    return std::nullopt;
  }
  return NamedStorage{value->object(), memory};
}

std::optional<std::int64_t> Lowerer::elementBytes(workload::ElementType type, SourceRange at) {
  const std::int64_t bits = type.storageBits();
  if (bits % 8 == 0)
    return bits / 8;
  diagnostics_.report(DiagnosticCode::ElementNotWholeBytes, at, type.name(), bits);
  return std::nullopt;
}

std::optional<std::int64_t> Lowerer::bytesValue(const ast::Expr &expr, const Scope &scope) {
  const auto value = evaluator_.evaluate(expr, scope);
  if (!value)
    return std::nullopt;
  if (value->is(Value::Kind::Symbolic)) {
    const auto number = SymbolicValues::toLinear(*value);
    return number ? values_.requirePoint(*number, expr.range) : std::nullopt;
  }
  if (value->isPlainInt())
    return value->asInt();
  if (value->is(Value::Kind::Int) && value->dimension() == Dimension{0, 1, 0, 0} &&
      value->asInt() % 8 == 0)
    return value->asInt() / 8;
  diagnostics_.report(DiagnosticCode::WrongType, expr.range, "an address",
                      "a whole number of bytes", value->typeName());
  return std::nullopt;
}

Lowerer::Status Lowerer::lowerPlace(const ast::PlaceStatement &statement, Frame &frame,
                                    Scope &scope) {
  const auto storage = storageOf(*statement.storage, scope);
  if (!storage)
    return failed();
  std::optional<std::int64_t> address;
  if (statement.address != nullptr) {
    address = bytesValue(*statement.address, scope);
    if (!address)
      return failed();
    const arch::Object &object = architecture_.graph.objects[storage->memory];
    if (*address < 0) {
      diagnostics_
          .report(DiagnosticCode::OutsideStorage, statement.address->range,
                  fmt::format("'{}'", object.name))
          .note({}, fmt::format("the address must be at least 0, found {}", *address));
      return Status::Failed;
    }
  }
  for (const ast::Identifier &name : statement.tensors)
    if (!placeTensor(statement, name, frame, storage->memory, address, false))
      return failed();
  return Status::Done;
}

bool Lowerer::placeTensor(const ast::PlaceStatement &statement, const ast::Identifier &name,
                          Frame &frame, arch::ObjectId memory, std::optional<std::int64_t> &address,
                          bool isViewed) {
  const auto found = frame.tensors.find(name.text);
  if (found == frame.tensors.end() && frame.isAbsent(name.text)) {
    diagnostics_.report(DiagnosticCode::AbsentStep, name.range, name.text);
    return false;
  }
  if (found == frame.tensors.end()) {
    diagnostics_.report(DiagnosticCode::UnknownName, name.range, "tensor", name.text);
    return false;
  }
  TensorEntry &entry = found->second;
  if (entry.view != nullptr) {
    // The views' frames are those of the bodies under way, which are not const.
    ast::Identifier outer = entry.view->source.tensor;
    outer.range = name.range;
    return placeTensor(statement, outer, const_cast<Frame &>(*entry.viewFrame), memory, address,
                       true);
  }
  if (entry.allocation != nullptr) {
    for (const auto &room : rooms_)
      if (&room->allocation == entry.allocation && room->statement != &statement && !isViewed) {
        diagnostics_.report(DiagnosticCode::TensorPlacedTwice, name.range, name.text)
            .note(room->statement->range, "the first time here");
        return false;
      }
    return true; // through a view, or the same statement in a loop
  }
  const TensorBinding &binding = *entry.binding;
  if (statement.withBorder && !binding.isZeroOutside) {
    diagnostics_.report(DiagnosticCode::NoBorder, name.range, name.text);
    return false;
  }
  auto room = std::make_unique<PlacedRoom>();
  Allocation &allocation = room->allocation;
  allocation.name = binding.name;
  allocation.memory = memory;
  allocation.withBorder = statement.withBorder;
  allocation.isZeroOutside = binding.isZeroOutside;
  const auto element = elementBytes(binding.elementType, name.range);
  if (!element)
    return false;
  allocation.elementBytes = *element;
  for (std::size_t i = 0; i < binding.shape.size(); ++i)
    allocation.dimensions.push_back({binding.shape[i], statement.withBorder ? binding.before[i] : 0,
                                     statement.withBorder ? binding.after[i] : 0, 0});
  if (!layOut(allocation)) {
    diagnostics_.report(DiagnosticCode::MappingNumberTooLarge, name.range);
    return false;
  }
  if (!allocator_.place(allocation, address, name.range))
    return false;
  if (address)
    address = allocation.base + allocation.bytes;
  room->statement = &statement;
  room->tensor = binding.tensor;
  entry.allocation = &allocation;
  rooms_.push_back(std::move(room));
  return true;
}

std::optional<workload::ElementType> Lowerer::elementTypeOf(const ast::Identifier &name,
                                                            const Frame &frame) {
  const Frame *where = &frame;
  llvm::StringRef tensor = name.text;
  for (auto found = where->tensors.find(tensor); found != where->tensors.end();
       found = where->tensors.find(tensor)) {
    if (found->second.binding != nullptr)
      return found->second.binding->elementType;
    if (found->second.view == nullptr)
      break;
    where = found->second.viewFrame;
    tensor = found->second.view->source.tensor.text;
  }
  if (const auto type = workload::ElementType::fromName(name.text.str()))
    return type;
  diagnostics_.report(DiagnosticCode::UnknownName, name.range, "element type", name.text);
  return std::nullopt;
}

Lowerer::Status Lowerer::lowerBuffer(const ast::BufferStatement &statement, Frame &frame,
                                     Scope &scope) {
  const auto storage = storageOf(*statement.storage, scope);
  const auto type = storage ? elementTypeOf(statement.elementType, frame) : std::nullopt;
  const auto element = type ? elementBytes(*type, statement.elementType.range) : std::nullopt;
  if (!element)
    return failed();
  auto room = std::make_unique<PlacedRoom>();
  Allocation &allocation = room->allocation;
  allocation.name = "buffer " + statement.name.text.str();
  allocation.memory = storage->memory;
  allocation.elementBytes = *element;
  for (const ast::Expr *extent : statement.shape) {
    const auto value = evaluator_.evaluateInt(*extent, scope, "the extent of a buffer");
    if (!value)
      return failed();
    if (*value < 0) {
      diagnostics_.report(DiagnosticCode::MappingNumberTooLarge, extent->range);
      return Status::Failed;
    }
    allocation.dimensions.push_back({*value, 0, 0, 0});
  }
  if (!layOut(allocation)) {
    diagnostics_.report(DiagnosticCode::MappingNumberTooLarge, statement.range);
    return Status::Failed;
  }
  // A buffer of a loop's body is the same room in every iteration.
  PlacedRoom *&known = buffers_[{frame.id, &statement}];
  if (known == nullptr || known->allocation.bytes < allocation.bytes) {
    if (!allocator_.place(allocation, std::nullopt, statement.name.range))
      return Status::Failed;
    room->statement = &statement;
    known = room.get();
    rooms_.push_back(std::move(room));
  } else if (known->allocation.memory != allocation.memory) {
    diagnostics_.report(DiagnosticCode::TensorPlacedTwice, statement.name.range,
                        statement.name.text);
    return Status::Failed;
  } else if (!std::equal(allocation.dimensions.begin(), allocation.dimensions.end(),
                         known->allocation.dimensions.begin(), known->allocation.dimensions.end(),
                         [](const auto &a, const auto &b) { return a.extent == b.extent; })) {
    // Another shape in the same room (the tile at an edge).
    allocation.base = known->allocation.base;
    room->statement = &statement;
    frame.tensors[statement.name.text] = {&room->allocation, nullptr, nullptr, nullptr, nullptr};
    rooms_.push_back(std::move(room));
    return Status::Done;
  }
  frame.tensors[statement.name.text] = {&known->allocation, nullptr, nullptr, nullptr, nullptr};
  return Status::Done;
}

//===--- Parameters ---------------------------------------------------------------------------===//

std::optional<Value> Lowerer::overrideOf(const ast::Parameter &parameter, const std::string &name,
                                         const Scope &scope) {
  const ParameterOverride *given = nullptr;
  for (const ParameterOverride &entry : options_.overrides)
    if (entry.name == name)
      given = &entry; // the last one counts
  ACADLC_CHECK(given != nullptr, "an override that is not there");
  if (given->known)
    return given->known;
  const ast::Expr *expression = given->expression;
  if (expression == nullptr) {
    overrideTexts_.push_back(parseOverride("-P", name, given->value, sources_));
    const ParsedOverride &parsed = overrideTexts_.back();
    expression = parsed.expression;
    if (expression == nullptr) {
      auto report = diagnostics_.report(DiagnosticCode::OverrideSyntax, parsed.valueRange, name);
      for (const DiagnosticNote &problem : parsed.problems)
        report.note(problem.range, problem.message);
      return std::nullopt;
    }
  }
  const auto type = evaluator_.resolveType(parameter.type, scope);
  auto value = type ? evaluator_.evaluate(*expression, scope, &*type) : std::nullopt;
  return value ? convertOverride(std::move(*value), *type, expression->range,
                                 "parameter '" + name + "'", evaluator_)
               : std::nullopt;
}

} // namespace acadlc::mapping
