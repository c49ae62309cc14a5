// Bodies of mappings, programs and expansions: loop nests that emit instructions.

#include "frontend/acadl/check/CheckContext.h"
#include "frontend/acadl/check/CheckExpressions.h"
#include "frontend/acadl/check/CheckHeaderNames.h"

#include <fmt/format.h>

namespace acadlc::checking {

using ast::StatementKind;
using llvm::StringRef;
using Kind = Type::Kind;

namespace {

const ast::Expr *attributeOf(const ast::ObjectStatement &object, StringRef attribute) {
  for (const ast::Attribute &given : object.attributes)
    if (given.name.text == attribute)
      return given.value;
  return nullptr;
}

enum class OperandKind : std::uint8_t { Register, Memory, Immediate };

OperandKind kindOf(const ast::Operand &operand) {
  if (operand.type.name.parts.size() == 1) {
    if (operand.type.name.parts[0].text == "reg")
      return OperandKind::Register;
    if (operand.type.name.parts[0].text == "mem")
      return OperandKind::Memory;
  }
  return OperandKind::Immediate;
}

class BodyChecker {
public:
  enum class Owner : std::uint8_t { Mapping, Program, Expansion, ScalarOperation };

  BodyChecker(Checker &checker, DiagnosticEngine &diagnostics, Owner owner,
              const ast::ArchitectureDeclaration *architecture)
      : checker_(checker), expressions_(checker, diagnostics), diagnostics_(diagnostics),
        owner_(owner), architecture_(architecture) {}

  void runMapping(const ast::MappingDeclaration &mapping, const MappingInfo &info) {
    mapping_ = &mapping;
    info_ = &info;
    Names header(checker_.moduleOf(mapping));
    addHeaderNames(mapping, info, header, nullptr);
    Names names(header);
    checkBlock(mapping.body, names, /*isNested=*/false);
    warnUnusedNames(diagnostics_, names, Name::Kind::MappingParameter, "param");
    checkPlaced();
    warnUnusedTensors();
  }

  void run(ast::Block block, Names &around) {
    Names names(around);
    checkBlock(block, names, /*isNested=*/false);
  }

private:
  [[nodiscard]] StringRef ownerWord() const {
    switch (owner_) {
    case Owner::Mapping:
      return "a nested block";
    case Owner::Program:
      return "a program";
    case Owner::Expansion:
      return "an expansion";
    case Owner::ScalarOperation:
      return "an operation of scalar code";
    }
    return "";
  }

  //===--- Statements -------------------------------------------------------------------------===//

  void checkBlock(ast::Block block, Names &names, bool isNested) {
    llvm::DenseMap<StringRef, SourceRange> placedHere;
    for (const ast::Statement *statement : block)
      if (statement)
        checkStatement(*statement, names, isNested, placedHere);
    warnUnusedNames(diagnostics_, names, Name::Kind::Let, "value");
  }

  void checkInner(ast::Block block, Names &around) {
    Names names(around);
    checkBlock(block, names, /*isNested=*/true);
  }

  void checkStatement(const ast::Statement &statement, Names &names, bool isNested,
                      llvm::DenseMap<StringRef, SourceRange> &placedHere) {
    switch (statement.kind) {
    case StatementKind::Let:
      return expressions_.checkLet(ast::cast<ast::LetStatement>(statement), names);
    case StatementKind::Require:
      return expressions_.checkRequire(ast::cast<ast::RequireStatement>(statement), names);
    case StatementKind::For: {
      const auto &loop = ast::cast<ast::ForStatement>(statement);
      Names variables(names);
      expressions_.checkLoops(loop.loops, variables);
      return checkInner(loop.body, variables);
    }
    case StatementKind::If: {
      const auto &branch = ast::cast<ast::IfStatement>(statement);
      expressions_.checkAs(branch.condition, names, Type::of(Kind::Bool), "'if'");
      checkInner(branch.thenBlock, names);
      return checkInner(branch.elseBlock, names);
    }
    case StatementKind::Param:
      return checkParam(ast::cast<ast::ParamStatement>(statement), names, isNested);
    case StatementKind::Place:
      return checkPlace(ast::cast<ast::PlaceStatement>(statement), names, placedHere);
    case StatementKind::Buffer:
      return checkBuffer(ast::cast<ast::BufferStatement>(statement), names);
    case StatementKind::Emit:
      return checkEmit(ast::cast<ast::EmitStatement>(statement), names);
    case StatementKind::Via:
      return checkVia(ast::cast<ast::ViaStatement>(statement), names);
    default:
      return; // the grammar lets nothing else pass
    }
  }

  void checkParam(const ast::ParamStatement &param, Names &names, bool isNested) {
    const ast::Parameter &parameter = param.parameter;
    const Type type = expressions_.resolveType(parameter.type, names);
    if (parameter.defaultValue)
      expressions_.checkAs(parameter.defaultValue, names, type,
                           fmt::format("parameter '{}'", parameter.name.text.str()),
                           parameter.type.range);
    declare(diagnostics_, names,
            {.text = parameter.name.text,
             .range = parameter.name.range,
             .kind = Name::Kind::MappingParameter,
             .type = type});
    if (isNested || owner_ != Owner::Mapping)
      diagnostics_.report(DiagnosticCode::MisplacedStatement, param.range, "param", ownerWord());
  }

  //===--- Storage ----------------------------------------------------------------------------===//

  void checkStorage(const ast::Expr *expr, Names &names, const std::string &what) {
    checking::checkStorage(checker_, diagnostics_, expr, names, what);
  }

  void checkPlace(const ast::PlaceStatement &place, Names &names,
                  llvm::DenseMap<StringRef, SourceRange> &placedHere) {
    checkStorage(place.storage, names, "'place'");
    if (place.address)
      expressions_.checkAs(place.address, names, Type::number(false), "an address");
    if (owner_ != Owner::Mapping) {
      diagnostics_.report(DiagnosticCode::MisplacedStatement, place.range, "place", ownerWord());
      return;
    }
    for (const ast::Identifier &name : place.tensors) {
      const Tensor *tensor = tensorOfHeader(name);
      if (!tensor)
        continue;
      placed_.insert(name.text);
      const auto [first, isNew] = placedHere.try_emplace(name.text, name.range);
      if (!isNew)
        diagnostics_.report(DiagnosticCode::TensorPlacedTwice, name.range, name.text)
            .note(first->second, "first here");
      const bool hasBorder = llvm::any_of(mapping_->zeroOutside, [&](const ast::Identifier &zero) {
        return zero.text == name.text;
      });
      if (place.withBorder && !hasBorder)
        diagnostics_.report(DiagnosticCode::NoBorder, name.range, name.text);
    }
  }

  /// The tensor of the header that \p name names; null and a report if there is none.
  const Tensor *tensorOfHeader(const ast::Identifier &name) {
    if (!name.isValid() || !info_)
      return nullptr;
    if (const Tensor *tensor = info_->find(name.text))
      return tensor;
    auto report = diagnostics_.report(DiagnosticCode::UnknownName, name.range, "tensor", name.text);
    std::vector<std::string_view> candidates;
    for (const Tensor &tensor : info_->tensors)
      candidates.push_back(tensor.name);
    suggest(report, name, candidates);
    return nullptr;
  }

  void checkBuffer(const ast::BufferStatement &buffer, Names &names) {
    if (owner_ == Owner::ScalarOperation)
      diagnostics_.report(DiagnosticCode::MisplacedStatement, buffer.range, "buffer", ownerWord());
    for (const ast::Expr *size : buffer.shape)
      expressions_.checkAs(size, names, Type::number(false),
                           fmt::format("the shape of '{}'", buffer.name.text.str()));
    checkStorage(buffer.storage, names, "'buffer'");
    const ast::Identifier &element = buffer.elementType;
    if (element.isValid() && !builtins::isElementType(element.text) &&
        !(info_ && info_->find(element.text))) {
      llvm::SmallVector<StringRef> allowed(builtins::elementTypes());
      if (info_)
        for (const Tensor &tensor : info_->tensors)
          allowed.push_back(tensor.name);
      reportUnknownWord(diagnostics_, element, "element type", allowed);
    }
    Type type = Type::of(Kind::Tensor);
    type.tensor = &buffers_.emplace_back(
        Tensor{buffer.name.text, buffer.name.range, buffer.shape.size(), Tensor::Role::Buffer});
    declare(diagnostics_, names,
            {.text = buffer.name.text,
             .range = buffer.name.range,
             .kind = Name::Kind::Extent,
             .type = type});
  }

  //===--- Emit -------------------------------------------------------------------------------===//

  void checkEmit(const ast::EmitStatement &emit, Names &names) {
    const ast::InstructionDeclaration *instruction =
        emit.instruction.isValid()
            ? checker_.findInstruction(emit.instruction.text, names, architecture_)
            : nullptr;
    if (!instruction) {
      if (emit.instruction.isValid())
        reportUnknownInstruction(diagnostics_, emit.instruction, names,
                                 architecture_ ? &checker_.structure(*architecture_) : nullptr);
      for (const ast::Argument &argument : emit.arguments)
        checkOperandExpr(argument.value, names);
      expressions_.check(emit.unit, names);
      expressions_.check(emit.over, names);
      return;
    }
    checkOperands(emit, *instruction, names);
    if (emit.over)
      checkOver(*emit.over, names);
    if (emit.unit)
      checkUnit(*emit.unit, *instruction, names);
    else if (architecture_ && !checker_.canProcess(*architecture_, *instruction))
      diagnostics_
          .report(DiagnosticCode::NothingProcesses, emit.instruction.range,
                  architecture_->name.text, instruction->name.text)
          .note(architecture_->name.range, "the architecture");
  }

  /// An operand's expression; tensors that it names are noted as used.
  Type checkOperandExpr(const ast::Expr *expr, Names &names, const Type *expected = nullptr) {
    const Type type = expressions_.check(expr, names, expected);
    if (expr && type.tensor)
      use(*type.tensor, expr->range);
    return type;
  }

  void use(const Tensor &tensor, SourceRange range) {
    if (tensor.role != Tensor::Role::Buffer)
      uses_.try_emplace(tensor.name, range);
  }

  void checkOperands(const ast::EmitStatement &emit, const ast::InstructionDeclaration &instruction,
                     Names &names) {
    const llvm::ArrayRef<ast::Operand> operands = instruction.operands;
    std::vector<bool> given(operands.size());
    std::size_t position = 0;
    bool isTooMany = false;
    bool isMisspelt = false; // what seems to be missing is most likely there
    const std::string what = fmt::format("instruction '{}'", instruction.name.text.str());
    for (const ast::Argument &argument : emit.arguments) {
      std::size_t index = position;
      if (argument.name.isValid())
        index = static_cast<std::size_t>(llvm::find_if(operands,
                                                       [&](const ast::Operand &o) {
                                                         return o.name.text == argument.name.text;
                                                       }) -
                                         operands.begin());
      else
        ++position;
      if (index >= operands.size()) {
        checkOperandExpr(argument.value, names);
        if (argument.name.isValid())
          reportUnknownOperand(argument.name, instruction, what);
        isTooMany |= !argument.name.isValid();
        isMisspelt |= argument.name.isValid();
        continue;
      }
      if (given[index])
        diagnostics_.report(DiagnosticCode::GivenTwice,
                            argument.name.isValid() ? argument.name.range : emit.range,
                            operands[index].name.text);
      given[index] = true;
      checkOperand(argument.value, operands[index], instruction, names);
    }
    if (isTooMany || !isMisspelt)
      reportOperandCount(emit, instruction, what, given, isTooMany ? position : 0);
  }

  void reportUnknownOperand(const ast::Identifier &name,
                            const ast::InstructionDeclaration &instruction,
                            const std::string &what) {
    auto report = diagnostics_.report(DiagnosticCode::UnknownParameter, name.range, what, "operand",
                                      name.text);
    std::vector<std::string_view> candidates;
    for (const ast::Operand &operand : instruction.operands)
      candidates.push_back(operand.name.text);
    suggest(report, name, candidates);
    report.note(instruction.name.range, "declared here");
  }

  void reportOperandCount(const ast::EmitStatement &emit,
                          const ast::InstructionDeclaration &instruction, const std::string &what,
                          const std::vector<bool> &given, std::size_t tooMany) {
    const std::size_t count = instruction.operands.size();
    if (tooMany != 0) {
      diagnostics_
          .report(DiagnosticCode::ArgumentCount, emit.instruction.range, what,
                  fmt::format("{} operand{}", count, count == 1 ? "" : "s"), tooMany)
          .note(instruction.name.range, "declared here");
      return;
    }
    std::vector<std::string> missing;
    for (std::size_t i = 0; i < count; ++i)
      if (!given[i] && !instruction.operands[i].defaultValue &&
          instruction.operands[i].name.isValid())
        missing.push_back(instruction.operands[i].name.text.str());
    if (!missing.empty())
      diagnostics_
          .report(DiagnosticCode::ArgumentNotGiven, emit.instruction.range, what,
                  joinNames(missing, "and", true))
          .note(instruction.name.range, "declared here");
  }

  void checkOperand(const ast::Expr *expr, const ast::Operand &operand,
                    const ast::InstructionDeclaration &instruction, Names &names) {
    const OperandKind kind = kindOf(operand);
    if (kind == OperandKind::Immediate) {
      const Module *home = checker_.findModule(instruction); // null inside a structure
      const Type wanted = expressions_.quietType(operand.type, home ? *home : names.module());
      const Type found = checkOperandExpr(expr, names, &wanted);
      if (expr)
        expressions_.require(*expr, found, wanted,
                             fmt::format("operand '{}'", operand.name.text.str()),
                             operand.name.range);
      return;
    }
    const Type type = checkOperandExpr(expr, names);
    if (!expr || type.isError())
      return;
    const bool isRegister = kind == OperandKind::Register;
    const bool fits = isRegister ? type.is(Kind::Register) || type.is(Kind::RegisterOperand)
                                 : type.is(Kind::MemoryRange) || type.is(Kind::MemoryOperand);
    if (!fits)
      return reportOperand(*expr, type, operand, isRegister);
    const bool writes = operand.direction == ast::OperandDirection::Out ||
                        operand.direction == ast::OperandDirection::InOut;
    if (writes && type.tensor && type.tensor->role != Tensor::Role::Result &&
        type.tensor->role != Tensor::Role::Buffer)
      diagnostics_.report(DiagnosticCode::StoredIntoInput, expr->range, type.tensor->name)
          .note(type.tensor->range, "the header reads it")
          .note(operand.name.range, "the instruction writes this operand");
  }

  void reportOperand(const ast::Expr &expr, const Type &type, const ast::Operand &operand,
                     bool isRegister) {
    auto report = diagnostics_.report(
        DiagnosticCode::OperandKind, expr.range, operand.name.text,
        isRegister ? "a register" : "elements of a tensor or buffer, or bytes of a storage",
        type.text());
    report.note(operand.name.range, "declared here");
    const bool isRegisterFile = type.is(Kind::Object) && type.objectClass &&
                                type.objectClass->objectClass == arch::ObjectClass::RegisterFile;
    if (isRegister && isRegisterFile)
      report.note({}, "a register of the file is named behind a '.'");
    else if (type.is(Kind::Array))
      report.note({}, "an index in brackets chooses one of them");
    else if (!isRegister && type.is(Kind::Tensor))
      report.note({}, "its elements are named in brackets: ranges take several");
  }

  /// `on unit`
  void checkUnit(const ast::Expr &expr, const ast::InstructionDeclaration &instruction,
                 Names &names) {
    const Type type = expressions_.check(&expr, names);
    if (type.isError() || (type.is(Kind::Object) && !type.objectClass))
      return;
    if (!type.is(Kind::Object) || !arch::isUnit(type.objectClass->objectClass)) {
      auto report =
          diagnostics_.report(DiagnosticCode::WrongType, expr.range, "'on'", "a unit", type.text());
      if (type.is(Kind::Array))
        report.note({}, "an index in brackets chooses one of them");
      return;
    }
    if (!type.object)
      return;
    const ast::Expr *toProcess = attributeOf(*type.object, "to_process");
    const std::optional<bool> isListed =
        toProcess ? listsOperation(toProcess, instruction.name.text) : std::nullopt;
    if (isListed && !*isListed)
      diagnostics_.report(DiagnosticCode::UnitCannotProcess, expr.range, instruction.name.text)
          .note(toProcess->range, "what the unit processes");
  }

  /// `over stage`, `over [stages]`
  void checkOver(const ast::Expr &expr, Names &names) {
    if (const auto *list = ast::dynCast<ast::ListExpr>(&expr)) {
      for (const ast::Expr *element : list->elements)
        if (element)
          checkOverStage(*element, expressions_.check(element, names));
      return;
    }
    Type type = expressions_.check(&expr, names);
    if (type.is(Kind::List) || type.is(Kind::Array))
      type = type.elementType();
    checkOverStage(expr, type);
  }

  void checkOverStage(const ast::Expr &expr, const Type &type) {
    if (type.isError() || (type.is(Kind::Object) && !type.objectClass))
      return;
    if (!type.is(Kind::Object) || !arch::isOnRoutes(type.objectClass->objectClass))
      diagnostics_.report(DiagnosticCode::WrongType, expr.range, "'over'",
                          "a stage that instructions pass", type.text());
  }

  //===--- Via --------------------------------------------------------------------------------===//

  void checkVia(const ast::ViaStatement &via, Names &names) {
    if (owner_ != Owner::Mapping)
      diagnostics_.report(DiagnosticCode::MisplacedStatement, via.mapping.range, "via",
                          ownerWord());
    const Symbol *symbol = names.findGlobal(via.mapping.text);
    const auto *target =
        symbol ? ast::dynCast<ast::MappingDeclaration>(symbol->declaration) : nullptr;
    if (!target) {
      if (via.mapping.isValid())
        reportUnknownDeclaration(diagnostics_, names, qualified(via.mapping), symbol,
                                 ast::DeclarationKind::Mapping);
      for (const ast::Argument &argument : via.extents)
        expressions_.check(argument.value, names);
      for (const ast::Argument &argument : via.parameters)
        expressions_.check(argument.value, names);
      return;
    }
    const MappingInfo &info = checker_.mapping(*target);
    if (info.architecture && architecture_ && info.architecture != architecture_)
      diagnostics_
          .report(DiagnosticCode::OtherArchitecture, via.mapping.range, via.mapping.text,
                  info.architecture->name.text, architecture_->name.text)
          .note(target->architecture.range, "declared here");
    checkViaExtents(via, *target, names);
    checkViaParameters(via, *target, info, names);
    checkViews(via, *target, info, names);
  }

  void checkViaExtents(const ast::ViaStatement &via, const ast::MappingDeclaration &target,
                       Names &names) {
    std::vector<std::string_view> candidates;
    for (const ast::HeaderIndex &index : target.indices)
      candidates.push_back(index.extent.text);
    for (const ast::Identifier &coefficient : target.coefficients)
      candidates.push_back(coefficient.text);
    llvm::DenseMap<StringRef, SourceRange> given;
    bool isMisspelt = false; // what seems to be missing is most likely there
    const std::string what = fmt::format("mapping '{}'", target.name.text.str());
    for (const ast::Argument &extent : via.extents) {
      expressions_.checkAs(extent.value, names, Type::number(false),
                           fmt::format("'{}'", extent.name.text.str()));
      if (!extent.name.isValid())
        continue;
      if (!llvm::is_contained(candidates, std::string_view(extent.name.text))) {
        auto report = diagnostics_.report(DiagnosticCode::UnknownParameter, extent.name.range, what,
                                          "extent", extent.name.text);
        suggest(report, extent.name, candidates);
        report.note(target.name.range, "declared here");
        isMisspelt = true;
      }
      const auto [first, isNew] = given.try_emplace(extent.name.text, extent.name.range);
      if (!isNew)
        diagnostics_.report(DiagnosticCode::GivenTwice, extent.name.range, extent.name.text)
            .note(first->second, "first here");
    }
    std::vector<std::string> missing;
    for (const std::string_view name : candidates)
      if (!given.contains(name) && !isMisspelt)
        missing.emplace_back(name);
    if (!missing.empty())
      diagnostics_
          .report(DiagnosticCode::ArgumentNotGiven, via.mapping.range, what,
                  joinNames(missing, "and", true))
          .note(target.name.range, "declared here");
  }

  void checkViaParameters(const ast::ViaStatement &via, const ast::MappingDeclaration &target,
                          const MappingInfo &info, Names &names) {
    llvm::DenseMap<StringRef, SourceRange> given;
    const std::string what = fmt::format("mapping '{}'", target.name.text.str());
    for (const ast::Argument &argument : via.parameters) {
      const auto *const found = llvm::find_if(info.params, [&](const ast::Parameter *parameter) {
        return parameter->name.text == argument.name.text;
      });
      if (!argument.name.isValid() || found == info.params.end()) {
        expressions_.check(argument.value, names);
        if (!argument.name.isValid()) {
          if (argument.value)
            diagnostics_.report(DiagnosticCode::UnnamedArgument, argument.value->range, what);
          continue;
        }
        auto report = diagnostics_.report(DiagnosticCode::UnknownParameter, argument.name.range,
                                          what, "param", argument.name.text);
        std::vector<std::string_view> candidates;
        for (const ast::Parameter *parameter : info.params)
          candidates.push_back(parameter->name.text);
        suggest(report, argument.name, candidates);
        report.note(target.name.range, "declared here");
        continue;
      }
      const auto [first, isNew] = given.try_emplace(argument.name.text, argument.name.range);
      if (!isNew)
        diagnostics_.report(DiagnosticCode::GivenTwice, argument.name.range, argument.name.text)
            .note(first->second, "first here");
      expressions_.checkAs(
          argument.value, names, expressions_.quietType((*found)->type, checker_.moduleOf(target)),
          fmt::format("param '{}'", argument.name.text.str()), (*found)->name.range);
    }
  }

  void checkViews(const ast::ViaStatement &via, const ast::MappingDeclaration &target,
                  const MappingInfo &info, Names &names) {
    llvm::DenseMap<StringRef, SourceRange> viewed;
    bool isMisspelt = false; // what seems to be missing is most likely there
    for (const ast::View &view : via.views) {
      const ast::Identifier &name = view.tensor;
      const Tensor *tensor = info.find(name.text);
      if (name.isValid() && !tensor) {
        auto report = diagnostics_.report(
            DiagnosticCode::UnknownName, name.range,
            fmt::format("tensor of mapping '{}'", target.name.text.str()), name.text);
        std::vector<std::string_view> candidates;
        for (const Tensor &known : info.tensors)
          candidates.push_back(known.name);
        suggest(report, name, candidates);
        report.note(target.name.range, "declared here");
        isMisspelt = true;
      }
      const auto [first, isNew] = viewed.try_emplace(name.text, name.range);
      if (!isNew && name.isValid())
        diagnostics_.report(DiagnosticCode::GivenTwice, name.range, name.text)
            .note(first->second, "first here");
      checkView(view, tensor, target, names);
    }
    hasBrokenVia_ |= isMisspelt;
    if (isMisspelt)
      return;
    std::vector<std::string> missing;
    for (const Tensor &tensor : info.tensors)
      if (tensor.role != Tensor::Role::Epilogue && !viewed.contains(tensor.name))
        missing.push_back(tensor.name.str());
    hasBrokenVia_ |= !missing.empty();
    if (!missing.empty())
      diagnostics_
          .report(DiagnosticCode::MissingView, via.mapping.range, via.mapping.text,
                  joinNames(missing, "and", true))
          .note(target.name.range, "declared here");
  }

  void checkView(const ast::View &view, const Tensor *tensor, const ast::MappingDeclaration &target,
                 Names &names) {
    if (tensor && tensor->rank != view.indices.size())
      diagnostics_
          .report(DiagnosticCode::IndexCount, view.tensor.range, view.tensor.text,
                  fmt::format("{} {}", tensor->rank, tensor->rank == 1 ? "index" : "indices"),
                  view.indices.size())
          .note(tensor->range, "declared here");
    Names inner(names);
    for (const ast::Identifier &index : view.indices)
      declare(diagnostics_, inner,
              {.text = index.text,
               .range = index.range,
               .kind = Name::Kind::LoopVariable,
               .type = Type::number(false)});
    const ast::TensorAccess &source = view.source;
    for (const ast::Expr *index : source.indices)
      expressions_.checkAs(index, inner, Type::number(false),
                           fmt::format("an index of '{}'", source.tensor.text.str()));
    const Tensor *viewed = sourceOf(source, names);
    if (!viewed)
      return;
    if (viewed->rank != source.indices.size())
      diagnostics_
          .report(DiagnosticCode::IndexCount, source.range, source.tensor.text,
                  fmt::format("{} {}", viewed->rank, viewed->rank == 1 ? "index" : "indices"),
                  source.indices.size())
          .note(viewed->range, "declared here");
    // A tensor that the other mapping places, or never touches, need not be placed here.
    if (tensor && (places(target.body, tensor->name) || !touches(target.body, tensor->name)))
      usedElsewhere_.insert(viewed->name);
    else
      use(*viewed, source.tensor.range);
  }

  const Tensor *sourceOf(const ast::TensorAccess &source, Names &names) {
    if (!source.tensor.isValid())
      return nullptr;
    if (const Name *name = names.find(source.tensor.text); name && name->type.tensor)
      return name->type.tensor;
    return owner_ == Owner::Mapping ? tensorOfHeader(source.tensor) : nullptr;
  }

  /// Whether \p block emits an instruction on elements of \p tensor or gives a view of it.
  static bool touches(ast::Block block, StringRef tensor) {
    return llvm::any_of(block, [&](const ast::Statement *statement) {
      if (const auto *emit = ast::dynCast<ast::EmitStatement>(statement))
        return llvm::any_of(emit->arguments, [&](const ast::Argument &argument) {
          const auto *index = ast::dynCast<ast::IndexExpr>(argument.value);
          const auto *name = index ? ast::dynCast<ast::NameExpr>(index->object) : nullptr;
          return name && name->name == tensor;
        });
      if (const auto *via = ast::dynCast<ast::ViaStatement>(statement))
        return llvm::any_of(
            via->views, [&](const ast::View &view) { return view.source.tensor.text == tensor; });
      if (const auto *branch = ast::dynCast<ast::IfStatement>(statement))
        return touches(branch->thenBlock, tensor) || touches(branch->elseBlock, tensor);
      const auto *loop = ast::dynCast<ast::ForStatement>(statement);
      return loop && touches(loop->body, tensor);
    });
  }

  static bool places(ast::Block block, StringRef tensor) {
    return llvm::any_of(block, [&](const ast::Statement *statement) {
      if (const auto *place = ast::dynCast<ast::PlaceStatement>(statement))
        return llvm::any_of(place->tensors,
                            [&](const ast::Identifier &name) { return name.text == tensor; });
      if (const auto *branch = ast::dynCast<ast::IfStatement>(statement))
        return places(branch->thenBlock, tensor) || places(branch->elseBlock, tensor);
      const auto *loop = ast::dynCast<ast::ForStatement>(statement);
      return loop && places(loop->body, tensor);
    });
  }

  //===--- Tensors of the whole body ----------------------------------------------------------===//

  void checkPlaced() {
    for (const Tensor &tensor : info_->tensors) {
      const auto use = uses_.find(tensor.name);
      if (use != uses_.end() && !placed_.contains(tensor.name))
        diagnostics_.report(DiagnosticCode::NeverPlaced, use->second, tensor.name)
            .note(tensor.range, "the header names it here");
    }
  }

  /// A mapping that touches some of its tensors has most likely forgotten the others; one that
  /// touches none is a model without memory.
  void warnUnusedTensors() {
    if ((uses_.empty() && usedElsewhere_.empty()) || hasBrokenVia_)
      return;
    for (const Tensor &tensor : info_->tensors)
      if (tensor.role != Tensor::Role::Epilogue && !uses_.contains(tensor.name) &&
          !usedElsewhere_.contains(tensor.name))
        diagnostics_.report(DiagnosticCode::UnusedTensor, tensor.range, tensor.name);
  }

  Checker &checker_;
  Expressions expressions_;
  DiagnosticEngine &diagnostics_;
  Owner owner_;
  const ast::ArchitectureDeclaration *architecture_;
  const ast::MappingDeclaration *mapping_ = nullptr;
  const MappingInfo *info_ = nullptr;
  std::deque<Tensor> buffers_;
  llvm::DenseSet<StringRef> placed_;
  llvm::DenseMap<StringRef, SourceRange> uses_; ///< first use that needs a place
  llvm::DenseSet<StringRef> usedElsewhere_;     ///< viewed by a mapping that places them
  bool hasBrokenVia_ = false;                   ///< views are missing or misspelt
};

} // namespace

std::optional<bool> listsOperation(const ast::Expr *toProcess, StringRef operation) {
  if (const auto *conditional = ast::dynCast<ast::ConditionalExpr>(toProcess)) {
    const std::optional<bool> a = listsOperation(conditional->thenValue, operation);
    const std::optional<bool> b = listsOperation(conditional->elseValue, operation);
    return a && b ? std::optional(*a || *b) : std::nullopt;
  }
  const auto *list = ast::dynCast<ast::ListExpr>(toProcess);
  if (!list)
    return std::nullopt;
  for (const ast::Expr *element : list->elements) {
    const auto *name = ast::dynCast<ast::NameExpr>(element);
    const auto *member = ast::dynCast<ast::MemberExpr>(element);
    if (!name && !member)
      return std::nullopt;
    if ((name ? name->name : member->member.text) == operation)
      return true;
  }
  return false;
}

void checkMappingBody(Checker &checker, DiagnosticEngine &diagnostics,
                      const ast::MappingDeclaration &mapping, MappingInfo &info) {
  BodyChecker(checker, diagnostics, BodyChecker::Owner::Mapping, info.architecture)
      .runMapping(mapping, info);
}

void checkProgram(Checker &checker, DiagnosticEngine &diagnostics,
                  const ast::ProgramDeclaration &program) {
  Names names(checker.moduleOf(program));
  const auto *architecture =
      declareArchitecture(diagnostics, names, program.architectureName, program.architecture);
  Expressions(checker, diagnostics).checkParameters(program.parameters, names);
  BodyChecker(checker, diagnostics, BodyChecker::Owner::Program, architecture)
      .run(program.body, names);
  warnUnusedNames(diagnostics, names, Name::Kind::Parameter, "parameter");
}

void checkExpansion(Checker &checker, DiagnosticEngine &diagnostics, Names &around,
                    const ast::Expansion &expansion) {
  BodyChecker(checker, diagnostics, BodyChecker::Owner::Expansion, nullptr)
      .run(expansion.body, around);
}

void checkStorage(Checker &checker, DiagnosticEngine &diagnostics, const ast::Expr *expr,
                  Names &names, const std::string &what) {
  const Type type = Expressions(checker, diagnostics).check(expr, names);
  if (!expr || type.isError() || (type.is(Kind::Object) && !type.objectClass))
    return;
  if (type.is(Kind::Object) && arch::isMemoryInterface(type.objectClass->objectClass))
    return;
  auto report = diagnostics.report(DiagnosticCode::WrongType, expr->range, what,
                                   "an SRAM or a DRAM", type.text());
  if (type.is(Kind::Array))
    report.note({}, "an index in brackets chooses one of them");
  else if (type.is(Kind::Object) && arch::isStorage(type.objectClass->objectClass))
    report.note({}, "what a cache holds lies in the storage below it");
}

void checkScalarOperation(Checker &checker, DiagnosticEngine &diagnostics, Names &around,
                          const ast::ArchitectureDeclaration *architecture, ast::Block body) {
  BodyChecker(checker, diagnostics, BodyChecker::Owner::ScalarOperation, architecture)
      .run(body, around);
}

} // namespace acadlc::checking
