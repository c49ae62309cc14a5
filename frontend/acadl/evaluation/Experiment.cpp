#include "frontend/acadl/evaluation/Experiment.h"

#include "frontend/acadl/evaluation/Module.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/ADT/SmallVector.h>

#include <array>

namespace acadlc {

//===--- What can be set ----------------------------------------------------------------------===//

std::string Bindable::text() const {
  switch (kind) {
  case Kind::Extent:
    return fmt::format("dimension '{}'", name.text.str());
  case Kind::Coefficient:
    return fmt::format("coefficient '{}'", name.text.str());
  case Kind::ArchitectureParameter:
    return fmt::format("parameter '{}' of architecture '{}'", name.text.str(), owner.str());
  case Kind::MappingParameter:
    return fmt::format("parameter '{}' of mapping '{}'", name.text.str(), owner.str());
  case Kind::ProgramParameter:
    return fmt::format("parameter '{}' of program '{}'", name.text.str(), owner.str());
  }
  return {};
}

bool Bindable::isCalled(llvm::StringRef word) const {
  if (!needsOwner && word == name.text)
    return true;
  const auto [front, back] = word.split('.');
  return front == owner && back == name.text;
}

namespace {

void addParameters(llvm::ArrayRef<ast::Parameter> parameters, Bindable::Kind kind,
                   llvm::StringRef owner, const Scope &home, std::vector<Bindable> &list) {
  for (const ast::Parameter &parameter : parameters)
    if (parameter.name.isValid())
      list.push_back({kind, parameter.name, owner, &parameter, &home});
}

/// The parameters of mappings and of those that they go via.
class MappingParameters {
public:
  explicit MappingParameters(std::vector<Bindable> &list) : list_(list) {}

  void add(const ast::MappingDeclaration &mapping, const Scope &home, bool needsOwner) {
    if (!seen_.insert(&mapping).second)
      return;
    for (const ast::Statement *statement : mapping.body)
      if (const auto *param = ast::dynCast<ast::ParamStatement>(statement);
          param != nullptr && param->parameter.name.isValid())
        list_.push_back({Bindable::Kind::MappingParameter, param->parameter.name, mapping.name.text,
                         &param->parameter, &home, needsOwner});
    addVias(mapping.body, home);
  }

private:
  void addVias(ast::Block block, const Scope &home) {
    for (const ast::Statement *statement : block) {
      if (const auto *loop = ast::dynCast<ast::ForStatement>(statement)) {
        addVias(loop->body, home);
      } else if (const auto *branch = ast::dynCast<ast::IfStatement>(statement)) {
        addVias(branch->thenBlock, home);
        addVias(branch->elseBlock, home);
      } else if (const auto *via = ast::dynCast<ast::ViaStatement>(statement)) {
        const Symbol *symbol = home.find(via->mapping.text);
        const auto *mapping =
            symbol ? ast::dynCast<ast::MappingDeclaration>(symbol->declaration) : nullptr;
        if (mapping != nullptr)
          add(*mapping, *symbol->home, true);
      }
    }
  }

  std::vector<Bindable> &list_;
  llvm::SmallPtrSet<const ast::MappingDeclaration *, 4> seen_;
};

} // namespace

std::vector<Bindable> bindablesOf(const ast::MappingDeclaration &mapping, const Scope &home) {
  std::vector<Bindable> list;
  for (const ast::HeaderIndex &index : mapping.indices)
    list.push_back({Bindable::Kind::Extent, index.extent, mapping.name.text});
  for (const ast::Identifier &coefficient : mapping.coefficients)
    list.push_back({Bindable::Kind::Coefficient, coefficient, mapping.name.text});
  MappingParameters(list).add(mapping, home, false);
  return list;
}

std::vector<Bindable> bindablesOf(const ast::ProgramDeclaration &program, const Scope &home) {
  std::vector<Bindable> list;
  addParameters(program.parameters, Bindable::Kind::ProgramParameter, program.name.text, home,
                list);
  for (const ast::Statement *statement : program.body)
    if (const auto *param = ast::dynCast<ast::ParamStatement>(statement))
      addParameters(param->parameter, Bindable::Kind::ProgramParameter, program.name.text, home,
                    list);
  return list;
}

std::vector<Bindable> bindablesOf(const ast::ArchitectureDeclaration &architecture,
                                  const Scope &home) {
  std::vector<Bindable> list;
  addParameters(architecture.parameters, Bindable::Kind::ArchitectureParameter,
                architecture.name.text, home, list);
  return list;
}

llvm::ArrayRef<llvm::StringRef> experimentAttributes() {
  static constexpr std::array<llvm::StringRef, 4> names = {"bind", "measured", "group_by",
                                                           "ignore"};
  return names;
}

//===--- Names of expressions -----------------------------------------------------------------===//

namespace {

class FreeNames {
public:
  explicit FreeNames(llvm::function_ref<void(const ast::NameExpr &)> visit) : visit_(visit) {}

  void walk(const ast::Expr *expr) {
    if (expr == nullptr)
      return;
    switch (expr->kind) {
    case ast::ExprKind::Error:
    case ast::ExprKind::Number:
    case ast::ExprKind::String:
    case ast::ExprKind::Bool:
      return;
    case ast::ExprKind::Name: {
      const auto &name = ast::cast<ast::NameExpr>(*expr);
      if (!llvm::is_contained(bound_, name.name))
        visit_(name);
      return;
    }
    case ast::ExprKind::Member:
      return walk(ast::cast<ast::MemberExpr>(*expr).object);
    case ast::ExprKind::Index:
      walk(ast::cast<ast::IndexExpr>(*expr).object);
      return walkAll(ast::cast<ast::IndexExpr>(*expr).indices);
    case ast::ExprKind::Call:
      return walkCall(ast::cast<ast::CallExpr>(*expr));
    case ast::ExprKind::Unary:
      return walk(ast::cast<ast::UnaryExpr>(*expr).operand);
    case ast::ExprKind::Binary:
      walk(ast::cast<ast::BinaryExpr>(*expr).left);
      return walk(ast::cast<ast::BinaryExpr>(*expr).right);
    case ast::ExprKind::Range:
      walk(ast::cast<ast::RangeExpr>(*expr).low);
      return walk(ast::cast<ast::RangeExpr>(*expr).high);
    case ast::ExprKind::Conditional: {
      const auto &conditional = ast::cast<ast::ConditionalExpr>(*expr);
      walk(conditional.condition);
      walk(conditional.thenValue);
      return walk(conditional.elseValue);
    }
    case ast::ExprKind::List:
      return walkAll(ast::cast<ast::ListExpr>(*expr).elements);
    case ast::ExprKind::Comprehension:
      return walkComprehension(ast::cast<ast::ComprehensionExpr>(*expr));
    case ast::ExprKind::Table:
      for (const ast::TableEntry &entry : ast::cast<ast::TableExpr>(*expr).entries)
        walk(entry.value);
      return;
    }
  }

private:
  void walkAll(llvm::ArrayRef<const ast::Expr *> exprs) {
    for (const ast::Expr *expr : exprs)
      walk(expr);
  }

  void walkCall(const ast::CallExpr &call) {
    // The callee names a function, the second argument of value() a unit.
    const auto *callee = ast::dynCast<ast::NameExpr>(call.callee);
    if (callee == nullptr)
      walk(call.callee);
    const bool isValue = callee != nullptr && callee->name == "value";
    for (std::size_t i = 0; i < call.arguments.size(); ++i)
      if (!isValue || i != 1)
        walk(call.arguments[i].value);
  }

  void walkComprehension(const ast::ComprehensionExpr &comprehension) {
    const std::size_t before = bound_.size();
    for (const ast::LoopHeader &loop : comprehension.loops) {
      walk(loop.iterated);
      walk(loop.step);
      bound_.push_back(loop.name.text);
    }
    walk(comprehension.value);
    bound_.truncate(before);
  }

  llvm::function_ref<void(const ast::NameExpr &)> visit_;
  llvm::SmallVector<llvm::StringRef, 4> bound_;
};

} // namespace

void forEachFreeName(const ast::Expr *expr, llvm::function_ref<void(const ast::NameExpr &)> visit) {
  FreeNames(visit).walk(expr);
}

} // namespace acadlc
