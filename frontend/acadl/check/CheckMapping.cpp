// Headers of mappings: what they compute, in index notation.

#include "frontend/acadl/check/CheckContext.h"
#include "frontend/acadl/check/CheckExpressions.h"
#include "frontend/acadl/check/CheckHeaderNames.h"

#include <fmt/format.h>

namespace acadlc::checking {

using ast::ExprKind;
using llvm::StringRef;

void addHeaderNames(const ast::MappingDeclaration &mapping, const MappingInfo &info, Names &names,
                    DiagnosticEngine *diagnostics) {
  const auto add = [&](const ast::Identifier &name, Name::Kind kind, Type type) {
    if (!name.isValid())
      return;
    Name entry{.text = name.text, .range = name.range, .kind = kind, .type = std::move(type)};
    if (diagnostics)
      declare(*diagnostics, names, std::move(entry));
    else
      names.add(std::move(entry));
  };
  for (const ast::HeaderIndex &index : mapping.indices)
    add(index.name, Name::Kind::HeaderIndex, {});
  for (const ast::HeaderIndex &index : mapping.indices)
    add(index.extent, Name::Kind::Extent, Type::number(false));
  for (const ast::Identifier &coefficient : mapping.coefficients)
    add(coefficient, Name::Kind::Extent, Type::number(false));
  add(mapping.architectureName, Name::Kind::Extent, instanceType(info.architecture));
  for (const Tensor &tensor : info.tensors) {
    Type type = Type::of(Type::Kind::Tensor);
    type.tensor = &tensor;
    add({tensor.name, tensor.range}, Name::Kind::Extent, type);
  }
  for (const ast::EpilogueStep &step : mapping.epilogue)
    if (!step.hasTensor)
      add(step.function, Name::Kind::EpilogueFunction, {});
}

namespace {

class HeaderChecker {
public:
  HeaderChecker(Checker &checker, DiagnosticEngine &diagnostics,
                const ast::MappingDeclaration &mapping, MappingInfo &info)
      : checker_(checker), expressions_(checker, diagnostics), diagnostics_(diagnostics),
        mapping_(mapping), info_(info), module_(checker.moduleOf(mapping)), names_(module_) {}

  void run() {
    info_.architecture = findArchitecture(diagnostics_, names_, mapping_.architecture);
    checkResult();
    checkValue(mapping_.value);
    checkReductions();
    checkEpilogue();
    checkCoefficients();
    checkZeroOutside();
    checkAccepts();
    addHeaderNames(mapping_, info_, names_, &diagnostics_);
    checkEpilogueFunctions();
    checkGuard();
    collectBody(mapping_.body, false);
  }

private:
  /// Params and vias of the body, which other mappings ask for.
  void collectBody(ast::Block block, bool isConditional) {
    for (const ast::Statement *statement : block) {
      if (const auto *param = ast::dynCast<ast::ParamStatement>(statement)) {
        info_.params.push_back(&param->parameter);
      } else if (const auto *via = ast::dynCast<ast::ViaStatement>(statement)) {
        const Symbol *symbol = names_.findGlobal(via->mapping.text);
        if (const auto *target =
                symbol ? ast::dynCast<ast::MappingDeclaration>(symbol->declaration) : nullptr;
            target && !isConditional)
          info_.unconditionalVias.push_back(target);
      } else if (const auto *loop = ast::dynCast<ast::ForStatement>(statement)) {
        collectBody(loop->body, true);
      } else if (const auto *branch = ast::dynCast<ast::IfStatement>(statement)) {
        collectBody(branch->thenBlock, true);
        collectBody(branch->elseBlock, true);
      }
    }
  }

  //===--- Indices ----------------------------------------------------------------------------===//

  const ast::HeaderIndex *findIndex(StringRef name) const {
    const auto *found = llvm::find_if(
        mapping_.indices, [&](const ast::HeaderIndex &i) { return i.name.text == name; });
    return found == mapping_.indices.end() ? nullptr : found;
  }
  bool isCoefficient(StringRef name) const {
    return llvm::any_of(mapping_.coefficients,
                        [&](const ast::Identifier &c) { return c.text == name; });
  }
  bool isExtent(StringRef name) const {
    return llvm::any_of(mapping_.indices,
                        [&](const ast::HeaderIndex &i) { return i.extent.text == name; });
  }

  /// How an expression depends on the indices. Products may have one index and one coefficient,
  /// sums are not multiplied out: what matching can compare.
  struct Degree {
    bool isWrong = false; ///< reported
    bool isSum = false;
    unsigned indices = 0, coefficients = 0; ///< factors; meaningless for sums
  };
  static Degree wrong() { return {.isWrong = true}; }

  Degree notAffine(const ast::Expr &expr, const std::string &why) {
    diagnostics_.report(DiagnosticCode::NotAffine, expr.range, why);
    return wrong();
  }

  /// An index expression of a tensor that is read.
  void checkPosition(const ast::Expr *expr) {
    seenInPosition_.clear();
    degreeOf(expr);
  }

  Degree degreeOf(const ast::Expr *expr) {
    const Checker::Depth depth(checker_);
    if (!expr || depth.isTooDeep())
      return wrong();
    switch (expr->kind) {
    case ExprKind::Error:
      return wrong();
    case ExprKind::Number: {
      const auto &number = ast::cast<ast::NumberExpr>(*expr);
      if (number.unit.isValid() || !number.isInteger)
        return notAffine(*expr, "this is no whole number");
      return {};
    }
    case ExprKind::Name:
      return degreeOfName(ast::cast<ast::NameExpr>(*expr));
    case ExprKind::Unary: {
      const auto &unary = ast::cast<ast::UnaryExpr>(*expr);
      if (unary.op == ast::UnaryOperator::Negate)
        return degreeOf(unary.operand);
      return notAffine(*expr, "'not' gives no number");
    }
    case ExprKind::Binary:
      return degreeOfBinary(ast::cast<ast::BinaryExpr>(*expr));
    case ExprKind::Range:
      return notAffine(*expr, "a range is no index of one element");
    default:
      return notAffine(*expr, "only '+', '-' and '*' are possible");
    }
  }

  Degree degreeOfName(const ast::NameExpr &expr) {
    if (expr.name.empty())
      return wrong();
    if (findIndex(expr.name)) {
      usedIndices_.insert(expr.name);
      if (!seenInPosition_.insert(expr.name).second)
        return notAffine(expr, fmt::format("'{}' stands in it twice", expr.name.str()));
      return {.indices = 1};
    }
    if (isCoefficient(expr.name)) {
      usedCoefficients_.insert(expr.name);
      return {.coefficients = 1};
    }
    if (isExtent(expr.name))
      return notAffine(expr, fmt::format("the extent '{}' is no coefficient", expr.name.str()));
    reportUnknownName(expr);
    return wrong();
  }

  void reportUnknownName(const ast::NameExpr &expr) {
    auto report = diagnostics_.report(DiagnosticCode::UnknownName, expr.range,
                                      "index or coefficient", expr.name);
    std::vector<std::string_view> candidates;
    for (const ast::HeaderIndex &index : mapping_.indices)
      candidates.push_back(index.name.text);
    for (const ast::Identifier &coefficient : mapping_.coefficients)
      candidates.push_back(coefficient.text);
    suggest(report, {expr.name, expr.range}, candidates);
    report.note(mapping_.name.range, "indices stand in the brackets behind the name of the "
                                     "mapping, coefficients in the parentheses behind those");
  }

  Degree degreeOfBinary(const ast::BinaryExpr &expr) {
    using enum ast::BinaryOperator;
    const Degree left = degreeOf(expr.left);
    const Degree right = degreeOf(expr.right);
    if (expr.op != Add && expr.op != Subtract && expr.op != Multiply)
      return notAffine(expr, fmt::format("'{}' is not possible here; only '+', '-' and '*' are",
                                         ast::spelling(expr.op).str()));
    if (left.isWrong || right.isWrong)
      return wrong();
    if (expr.op != Multiply)
      return {.isSum = true};
    if (left.isSum || right.isSum)
      return notAffine(expr, "this multiplies a sum: multiply it out");
    const Degree product{.indices = left.indices + right.indices,
                         .coefficients = left.coefficients + right.coefficients};
    if (product.indices > 1)
      return notAffine(expr, "this multiplies two indices");
    if (product.coefficients > 1)
      return notAffine(expr, "this multiplies two coefficients");
    return product;
  }

  //===--- Tensors ----------------------------------------------------------------------------===//

  /// Notes an access to a tensor; all of its accesses have as many indices.
  Tensor *access(const ast::Identifier &name, llvm::ArrayRef<const ast::Expr *> indices,
                 SourceRange range, Tensor::Role role) {
    if (!name.isValid())
      return nullptr;
    const auto found =
        llvm::find_if(info_.tensors, [&](const Tensor &t) { return t.name == name.text; });
    if (found == info_.tensors.end())
      return &info_.tensors.emplace_back(Tensor{name.text, name.range, indices.size(), role});
    if (found->role == Tensor::Role::Result || found->role != role)
      diagnostics_.report(DiagnosticCode::TensorTwice, name.range, name.text)
          .note(found->range, "first here");
    else if (found->rank != indices.size())
      diagnostics_
          .report(DiagnosticCode::IndexCount, range, name.text,
                  fmt::format("{} {}", found->rank, found->rank == 1 ? "index" : "indices"),
                  indices.size())
          .note(found->range, "first here");
    return &*found;
  }

  /// An index expression that is an output index and nothing else; null and a report if not.
  const ast::HeaderIndex *outputIndex(const ast::Expr *expr, const std::string &what) {
    if (!expr || expr->kind == ExprKind::Error)
      return nullptr;
    const auto *name = ast::dynCast<ast::NameExpr>(expr);
    if (!name) {
      diagnostics_.report(DiagnosticCode::ResultIndices, expr->range, what,
                          "this is an expression");
      return nullptr;
    }
    const ast::HeaderIndex *index = findIndex(name->name);
    if (!index) {
      reportUnknownName(*name);
      return nullptr;
    }
    if (index->isReduction) {
      diagnostics_
          .report(DiagnosticCode::ResultIndices, expr->range, what,
                  fmt::format("'{}' is reduced", name->name.str()))
          .note(index->name.range, "it stands behind the semicolon");
      return nullptr;
    }
    return index;
  }

  void checkResult() {
    const ast::TensorAccess &result = mapping_.result;
    access(result.tensor, result.indices, result.range, Tensor::Role::Result);
    llvm::DenseMap<StringRef, SourceRange> seen;
    bool isBroken = !result.tensor.isValid();
    for (const ast::Expr *expr : result.indices) {
      const ast::HeaderIndex *index = outputIndex(expr, "the result has");
      isBroken |= index == nullptr;
      if (!index)
        continue;
      const auto [first, isNew] = seen.try_emplace(index->name.text, expr->range);
      if (!isNew)
        diagnostics_
            .report(DiagnosticCode::ResultIndices, expr->range, "the result has",
                    fmt::format("'{}' is there twice", index->name.text.str()))
            .note(first->second, "first here");
    }
    if (isBroken)
      return;
    for (const ast::HeaderIndex &index : mapping_.indices)
      if (!index.isReduction && index.name.isValid() && !seen.contains(index.name.text))
        diagnostics_
            .report(DiagnosticCode::ResultIndices, index.name.range, "the result has",
                    fmt::format("'{}' is missing", index.name.text.str()))
            .note(result.range, "the result");
  }

  void checkValue(const ast::Expr *expr) {
    const Checker::Depth depth(checker_);
    if (!expr || depth.isTooDeep())
      return;
    switch (expr->kind) {
    case ExprKind::Error:
    case ExprKind::Bool:
      return;
    case ExprKind::Number:
      if (ast::cast<ast::NumberExpr>(*expr).unit.isValid())
        reportComputation(*expr, "a quantity");
      return;
    case ExprKind::Index: {
      const auto &index = ast::cast<ast::IndexExpr>(*expr);
      const auto *tensor = ast::dynCast<ast::NameExpr>(index.object);
      if (!tensor)
        return reportComputation(*expr, "an index of something that is no tensor");
      access({tensor->name, tensor->range}, index.indices, expr->range, Tensor::Role::Read);
      for (const ast::Expr *position : index.indices)
        checkPosition(position);
      return;
    }
    case ExprKind::Name:
      return checkValueName(ast::cast<ast::NameExpr>(*expr));
    case ExprKind::Unary:
      return checkValue(ast::cast<ast::UnaryExpr>(*expr).operand);
    case ExprKind::Binary:
      checkValue(ast::cast<ast::BinaryExpr>(*expr).left);
      return checkValue(ast::cast<ast::BinaryExpr>(*expr).right);
    case ExprKind::Conditional: {
      const auto &conditional = ast::cast<ast::ConditionalExpr>(*expr);
      checkValue(conditional.condition);
      checkValue(conditional.thenValue);
      return checkValue(conditional.elseValue);
    }
    case ExprKind::Call: {
      const auto &call = ast::cast<ast::CallExpr>(*expr);
      const auto *callee = ast::dynCast<ast::NameExpr>(call.callee);
      if (!callee)
        return reportComputation(*expr, "a call of something that is no function");
      if (!callee->name.empty() &&
          !llvm::is_contained(builtins::computationFunctions(), callee->name))
        reportUnknownWord(diagnostics_, {callee->name, callee->range}, "function of a computation",
                          builtins::computationFunctions());
      for (const ast::Argument &argument : call.arguments)
        checkValue(argument.value);
      return;
    }
    case ExprKind::String:
      return reportComputation(*expr, "a string");
    case ExprKind::Member:
      return reportComputation(*expr, "a member");
    case ExprKind::Range:
      return reportComputation(*expr, "a range");
    case ExprKind::List:
    case ExprKind::Comprehension:
      return reportComputation(*expr, "a list");
    case ExprKind::Table:
      return reportComputation(*expr, "a table");
    }
  }

  void reportComputation(const ast::Expr &expr, const char *found) {
    diagnostics_.report(DiagnosticCode::WrongComputation, expr.range, found);
  }

  void checkValueName(const ast::NameExpr &expr) {
    if (isCoefficient(expr.name))
      usedCoefficients_.insert(expr.name);
    else if (findIndex(expr.name))
      usedIndices_.insert(expr.name);
    else if (info_.find(expr.name))
      reportComputation(expr, "a tensor without indices");
    else if (!expr.name.empty())
      reportUnknownName(expr);
  }

  void checkReductions() {
    const auto isReduction = [](const ast::HeaderIndex &index) { return index.isReduction; };
    const auto *first = llvm::find_if(mapping_.indices, isReduction);
    if (first != mapping_.indices.end() && mapping_.assign == ast::AssignOperator::Assign &&
        mapping_.result.range.isValid())
      diagnostics_.report(DiagnosticCode::NothingReduces, mapping_.result.range, first->name.text)
          .note(first->name.range, "it stands behind the semicolon");
    // A broken value may be where the index was used.
    if (!mapping_.value || mapping_.value->kind == ExprKind::Error)
      return;
    for (const ast::HeaderIndex &index : mapping_.indices)
      if (index.isReduction && index.name.isValid() && !usedIndices_.contains(index.name.text))
        diagnostics_.report(DiagnosticCode::UnusedIndex, index.name.range, index.name.text);
  }

  void checkCoefficients() {
    if (!mapping_.value || mapping_.value->kind == ExprKind::Error)
      return;
    for (const ast::Identifier &coefficient : mapping_.coefficients)
      if (coefficient.isValid() && !usedCoefficients_.contains(coefficient.text))
        diagnostics_.report(DiagnosticCode::UnusedCoefficient, coefficient.range, coefficient.text);
  }

  //===--- Clauses ----------------------------------------------------------------------------===//

  void checkEpilogue() {
    for (const ast::EpilogueStep &step : mapping_.epilogue) {
      if (!step.hasTensor)
        continue;
      access(step.tensor.tensor, step.tensor.indices, step.tensor.range, Tensor::Role::Epilogue);
      for (const ast::Expr *index : step.tensor.indices)
        outputIndex(index, "a tensor of the epilogue has");
    }
  }

  /// Their arguments see the header's names.
  void checkEpilogueFunctions() {
    for (const ast::EpilogueStep &step : mapping_.epilogue)
      if (!step.hasTensor)
        checkEpilogueFunction(step);
  }

  void checkEpilogueFunction(const ast::EpilogueStep &step) {
    if (!step.function.isValid())
      return;
    const auto *function = builtins::findEpilogueFunction(step.function.text);
    for (const ast::Argument &argument : step.arguments) {
      const Type type = expressions_.check(argument.value, names_);
      if (argument.value)
        expressions_.require(*argument.value, type, Type::number(true),
                             fmt::format("'{}'", step.function.text.str()));
    }
    if (!function) {
      llvm::SmallVector<StringRef> allowed;
      for (const builtins::EpilogueFunction &known : builtins::epilogueFunctions())
        allowed.push_back(known.name);
      reportUnknownWord(diagnostics_, step.function, "function of an epilogue", allowed);
      return;
    }
    const std::size_t count = step.arguments.size();
    if (count >= function->minArguments && count <= function->maxArguments)
      return;
    const std::string wanted =
        function->minArguments == function->maxArguments
            ? fmt::format("{}", function->minArguments)
            : fmt::format("{} to {}", function->minArguments, function->maxArguments);
    diagnostics_.report(DiagnosticCode::ArgumentCount, step.function.range,
                        fmt::format("'{}'", step.function.text.str()),
                        wanted + (wanted == "1" ? " argument" : " arguments"), count);
  }

  void checkZeroOutside() {
    llvm::DenseMap<StringRef, SourceRange> seen;
    for (const ast::Identifier &name : mapping_.zeroOutside) {
      if (!name.isValid())
        continue;
      const Tensor *tensor = info_.find(name.text);
      if (!tensor || tensor->role != Tensor::Role::Read) {
        auto report = diagnostics_.report(DiagnosticCode::NotReadTensor, name.range, name.text);
        std::vector<std::string_view> candidates;
        for (const Tensor &known : info_.tensors)
          if (known.role == Tensor::Role::Read)
            candidates.push_back(known.name);
        suggest(report, name, candidates);
      }
      const auto [first, isNew] = seen.try_emplace(name.text, name.range);
      if (!isNew)
        diagnostics_.report(DiagnosticCode::GivenTwice, name.range, name.text)
            .note(first->second, "first here");
    }
  }

  void checkAccepts() {
    llvm::DenseMap<StringRef, SourceRange> seen;
    for (const ast::AcceptedElement &accepted : mapping_.accepts) {
      for (const ast::Identifier &type : {accepted.element, accepted.as})
        if (type.isValid() && !builtins::isElementType(type.text))
          reportUnknownWord(diagnostics_, type, "element type", builtins::elementTypes());
      if (!accepted.element.isValid())
        continue;
      const auto [first, isNew] = seen.try_emplace(accepted.element.text, accepted.element.range);
      if (!isNew)
        diagnostics_
            .report(DiagnosticCode::GivenTwice, accepted.element.range, accepted.element.text)
            .note(first->second, "first here");
    }
  }

  /// `where condition`, which sees what the body sees before its first statement.
  void checkGuard() {
    if (mapping_.guard)
      expressions_.checkAs(mapping_.guard, names_, Type::of(Type::Kind::Bool), "'where'");
  }

  Checker &checker_;
  Expressions expressions_;
  DiagnosticEngine &diagnostics_;
  const ast::MappingDeclaration &mapping_;
  MappingInfo &info_;
  const Module &module_;
  Names names_;
  llvm::DenseSet<StringRef> usedIndices_, usedCoefficients_;
  llvm::DenseSet<StringRef> seenInPosition_; ///< indices in the index expression under way
};

} // namespace

void checkMappingHeader(Checker &checker, DiagnosticEngine &diagnostics,
                        const ast::MappingDeclaration &mapping, MappingInfo &info) {
  HeaderChecker(checker, diagnostics, mapping, info).run();
}

} // namespace acadlc::checking
