/// \file
/// Types of expressions, arguments and loops. Private to the checker's sources.
#pragma once

#include "frontend/acadl/check/CheckContext.h"

namespace acadlc::checking {

/// Checks expressions where they stand. Every type it returns as Error has been reported.
class Expressions {
public:
  Expressions(Checker &checker, DiagnosticEngine &diagnostics)
      : checker_(checker), diagnostics_(diagnostics) {}

  /// The type of \p expr (null: Error). \p expected lets enumerators be written without their enum.
  Type check(const ast::Expr *expr, Names &names, const Type *expected = nullptr);
  /// Reports unless \p expr is assignable to \p wanted. \p what names who wants it ("attribute
  /// 'latency'"), \p declared is where that is said, if anywhere.
  Type checkAs(const ast::Expr *expr, Names &names, const Type &wanted, const std::string &what,
               SourceRange declared = {});
  /// Whether \p found can be used where \p wanted is; reports at \p expr if not.
  bool require(const ast::Expr &expr, const Type &found, const Type &wanted,
               const std::string &what, SourceRange declared = {});
  void checkRequire(const ast::RequireStatement &statement, Names &names);
  void checkLet(const ast::LetStatement &statement, Names &names);
  /// Checks the headers and declares the loops' variables in \p inner.
  void checkLoops(llvm::ArrayRef<ast::LoopHeader> loops, Names &inner);
  void checkArguments(llvm::ArrayRef<ast::Parameter> parameters,
                      llvm::ArrayRef<ast::Argument> arguments, Names &names, Names &typeNames,
                      SourceRange at, const std::string &callee, SourceRange declared);
  /// Declares \p parameters in \p names, each visible to the defaults behind it.
  void checkParameters(llvm::ArrayRef<ast::Parameter> parameters, Names &names);

  /// The type that \p type names; Error if absent or unknown (reported).
  Type resolveType(const ast::TypeRef &type, Names &names);
  /// The same without reports: for uses of something whose declaration is checked elsewhere.
  Type quietType(const ast::TypeRef &type, const Module &module);

  [[nodiscard]] DiagnosticEngine &diagnostics() { return diagnostics_; }
  [[nodiscard]] Checker &checker() { return checker_; }

private:
  Type checkKind(const ast::Expr &expr, Names &names, const Type *expected);
  Type checkNumber(const ast::NumberExpr &expr);
  Type checkName(const ast::NameExpr &expr, Names &names, const Type *expected);
  Type checkLocal(const ast::NameExpr &expr, Name &name, const Names &names);
  Type checkGlobal(const Symbol &symbol, llvm::StringRef text, SourceRange range);
  Type reportUnknownName(const ast::NameExpr &expr, const Names &names, const Type *expected);
  Type checkMember(const ast::MemberExpr &expr, Names &names);
  Type memberOfModule(const Symbol &module, const ast::Identifier &member);
  Type memberOfEnum(const ast::EnumDeclaration &enumeration, const ast::Identifier &member);
  Type memberOfInstance(const Type &object, const ast::Identifier &member);
  Type memberOfRegisterFile(const Type &object, const ast::Identifier &member);
  Type memberOfTable(const Type &object, const ast::Identifier &member);
  Type unknownMember(const Type &object, const ast::Identifier &member,
                     const std::vector<std::string_view> &candidates);
  Type checkIndex(const ast::IndexExpr &expr, Names &names);
  Type checkElement(const ast::IndexExpr &expr, Type object, Names &names);
  Type checkTensorIndex(const ast::IndexExpr &expr, const Tensor &tensor, Names &names);
  Type checkStorageIndex(const ast::IndexExpr &expr, const Type &object, Names &names);
  Type checkCall(const ast::CallExpr &expr, Names &names);
  Type callFunction(const ast::CallExpr &expr, const ast::FunctionDeclaration &function,
                    Names *home, Names &names);
  Type callRoute(const ast::CallExpr &expr, const ast::RouteStatement &route, Names &names);
  Type callBuiltin(const ast::CallExpr &expr, const builtins::Function &function, Names &names);
  Type builtinResult(const ast::CallExpr &expr, const builtins::Function &function,
                     llvm::ArrayRef<Type> types);
  Type checkValueFunction(const ast::CallExpr &expr, Names &names);
  Type checkPresent(const ast::CallExpr &expr, Names &names);
  Type checkUnary(const ast::UnaryExpr &expr, Names &names);
  Type checkBinary(const ast::BinaryExpr &expr, Names &names);
  Type checkArithmetic(const ast::BinaryExpr &expr, const Type &left, const Type &right);
  Type checkComparison(const ast::BinaryExpr &expr, const Type &left, const Type &right);
  bool checkSameUnit(const ast::BinaryExpr &expr, const Type &left, const Type &right);
  Type checkRange(const ast::RangeExpr &expr, Names &names);
  Type checkConditional(const ast::ConditionalExpr &expr, Names &names, const Type *expected);
  Type checkList(const ast::ListExpr &expr, Names &names, const Type *expected);
  Type checkComprehension(const ast::ComprehensionExpr &expr, Names &names, const Type *expected);
  Type checkTable(const ast::TableExpr &expr, Names &names, const Type *expected);
  bool requireNumber(const ast::Expr &expr, const Type &type, const std::string &what);
  void reportBareNumber(const ast::Expr &expr, const Type &wanted, const std::string &what,
                        SourceRange declared);
  /// The declaration or import that \p expr names in the file, or null.
  const Symbol *symbolOf(const ast::Expr &expr, Names &names);

  Checker &checker_;
  DiagnosticEngine &diagnostics_;
};

/// The fix-it that gives \p expr a unit: `4` → `4 cycles`, `n` → `n * 1 cycle`.
std::string withUnit(const ast::Expr &expr, llvm::StringRef unit, llvm::StringRef text);

} // namespace acadlc::checking
