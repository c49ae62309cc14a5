// Bodies of functions.

#include "frontend/acadl/check/CheckContext.h"
#include "frontend/acadl/check/CheckExpressions.h"

#include <fmt/format.h>

namespace acadlc::checking {

namespace {

class FunctionChecker {
public:
  FunctionChecker(Checker &checker, DiagnosticEngine &diagnostics,
                  const ast::FunctionDeclaration &function)
      : expressions_(checker, diagnostics), diagnostics_(diagnostics), function_(function) {}

  Type run(Names &around) {
    Names names(around);
    names.setDeferred();
    expressions_.checkParameters(function_.parameters, names);
    hasResult_ = function_.result.isValid();
    if (hasResult_)
      result_ = expressions_.resolveType(function_.result, names);
    if (function_.value) {
      give(function_.value, names);
      return hasResult_ ? result_ : given_.value_or(Type{});
    }
    Names body(names);
    checkBlock(function_.body, body);
    if (!alwaysReturns(function_.body) && function_.name.isValid())
      diagnostics_.report(DiagnosticCode::NoResult, function_.name.range, function_.name.text);
    return hasResult_ ? result_ : given_.value_or(Type{});
  }

private:
  /// `return value` or `= value`
  void give(const ast::Expr *value, Names &names) {
    if (hasResult_) {
      expressions_.checkAs(value, names, result_,
                           fmt::format("the result of '{}'", function_.name.text.str()),
                           function_.result.range);
      return;
    }
    const Type type = expressions_.check(value, names);
    if (!given_)
      return;
    std::optional<Type> joined = join(*given_, type);
    if (!joined)
      diagnostics_.report(DiagnosticCode::MixedTypes, value->range,
                          fmt::format("the results of '{}'", function_.name.text.str()),
                          given_->text(), type.text());
    given_ = std::move(joined);
  }

  void checkBlock(ast::Block block, Names &names) {
    for (const ast::Statement *statement : block)
      if (statement)
        checkStatement(*statement, names);
    warnUnusedNames(diagnostics_, names, Name::Kind::Let, "value");
  }

  void checkStatement(const ast::Statement &statement, Names &names) {
    switch (statement.kind) {
    case ast::StatementKind::Let:
      return expressions_.checkLet(ast::cast<ast::LetStatement>(statement), names);
    case ast::StatementKind::Require:
      return expressions_.checkRequire(ast::cast<ast::RequireStatement>(statement), names);
    case ast::StatementKind::Assign:
      return checkAssign(ast::cast<ast::AssignStatement>(statement), names);
    case ast::StatementKind::Return:
      return give(ast::cast<ast::ReturnStatement>(statement).value, names);
    case ast::StatementKind::For: {
      const auto &loop = ast::cast<ast::ForStatement>(statement);
      Names variables(names);
      expressions_.checkLoops(loop.loops, variables);
      Names inner(variables);
      return checkBlock(loop.body, inner);
    }
    case ast::StatementKind::If: {
      const auto &branch = ast::cast<ast::IfStatement>(statement);
      expressions_.checkAs(branch.condition, names, Type::of(Type::Kind::Bool), "'if'");
      Names thenNames(names);
      checkBlock(branch.thenBlock, thenNames);
      Names elseNames(names);
      return checkBlock(branch.elseBlock, elseNames);
    }
    default:
      return; // the grammar lets nothing else pass
    }
  }

  void checkAssign(const ast::AssignStatement &statement, Names &names) {
    if (!statement.name.isValid())
      return;
    Name *name = names.find(statement.name.text);
    if (!name) {
      expressions_.check(statement.value, names);
      auto report = diagnostics_.report(DiagnosticCode::UnknownName, statement.name.range, "name",
                                        statement.name.text);
      suggest(report, statement.name, names.all(/*withGlobals=*/false));
      report.note({}, "'let' makes a name that can be assigned");
      return;
    }
    // What stands around the function can't be changed by it.
    const bool isOwn = isOfFunction(*name, names);
    if (name->kind != Name::Kind::Let || !isOwn) {
      expressions_.check(statement.value, names);
      diagnostics_.report(DiagnosticCode::NotAssignable, statement.name.range, statement.name.text)
          .note(name->range, "declared here");
      return;
    }
    expressions_.checkAs(statement.value, names, name->type,
                         fmt::format("'{}'", statement.name.text.str()), name->range);
  }

  static bool isOfFunction(const Name &name, Names &names) {
    for (Names *block = &names; block && block->isDeferred(); block = block->parent())
      for (const Name &own : block->own())
        if (&own == &name)
          return true;
    return false;
  }

  static bool alwaysReturns(ast::Block block) {
    for (const ast::Statement *statement : block) {
      if (!statement)
        continue;
      if (statement->kind == ast::StatementKind::Return)
        return true;
      if (const auto *branch = ast::dynCast<ast::IfStatement>(statement))
        if (alwaysReturns(branch->thenBlock) && alwaysReturns(branch->elseBlock))
          return true;
    }
    return false;
  }

  Expressions expressions_;
  DiagnosticEngine &diagnostics_;
  const ast::FunctionDeclaration &function_;
  bool hasResult_ = false;
  Type result_;
  std::optional<Type> given_ = Type{}; ///< joined type of all results; none if they do not fit
};

} // namespace

Type checkFunction(Checker &checker, DiagnosticEngine &diagnostics, Names &around,
                   const ast::FunctionDeclaration &function) {
  return FunctionChecker(checker, diagnostics, function).run(around);
}

} // namespace acadlc::checking
