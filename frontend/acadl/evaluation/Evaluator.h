/// \file
/// Evaluates expressions and functions.
///
/// Every function that gives an optional has reported an error if it gives nothing. Evaluation
/// always ends: steps and nesting are limited, and what runs into a limit is an error that names
/// the loop or function.
#pragma once

#include "frontend/acadl/evaluation/Scope.h"
#include "frontend/acadl/evaluation/Value.h"
#include "frontend/acadl/syntax/Ast.h"
#include "frontend/acadl/syntax/Builtins.h"
#include "support/Diagnostics.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acadlc {

/// The type that a parameter, constant or attribute demands of its value.
struct ExpectedType {
  enum class Kind : std::uint8_t { Any, Int, Real, Bool, String, Enum, Quantity, List, Table };
  Kind kind = Kind::Any;
  Dimension dimension; ///< Quantity
  bool isWhole = true; ///< Quantity: of whole numbers (not Hz, seconds)
  const ast::EnumDeclaration *enumeration = nullptr; ///< Enum
  std::shared_ptr<const ExpectedType> element;       ///< List, Table
  std::string name;                                  ///< as written: "cycles", "list<int>"
  /// Base units in one of the type's own unit: 8 for `bytes`. What a bare number on the command
  /// line is multiplied with.
  std::int64_t scale = 1;
};

/// Arithmetic on symbolic values (Value::Kind::Symbolic), for who binds names to such. The
/// evaluator calls it where an operand is symbolic. Gives nothing if it has reported an error or
/// wants the evaluation to be given up.
class SymbolicArithmetic {
public:
  virtual ~SymbolicArithmetic() = default;
  /// Arithmetic and comparisons; logic operators are never asked.
  virtual std::optional<Value> binary(ast::BinaryOperator op, const Value &left, const Value &right,
                                      const ast::Expr &at) = 0;
  virtual std::optional<Value> negate(const Value &operand, const ast::Expr &at) = 0;
  /// A built-in function (`min`, `max`, `ceil_div`, …).
  virtual std::optional<Value> builtin(llvm::StringRef name, llvm::ArrayRef<Value> arguments,
                                       const ast::Expr &at) = 0;
  /// A place where only a known value will do: an index into an array, a condition, a range's end.
  virtual std::optional<Value> requireKnown(const Value &value, const ast::Expr &at) = 0;
  /// `present(name)`, which only a mapping knows; nothing: not known here (an error is reported).
  virtual std::optional<bool> present(llvm::StringRef name) {
    (void)name;
    return std::nullopt;
  }
};

class Evaluator {
public:
  struct Limits {
    std::uint64_t steps = 20'000'000; ///< nodes evaluated
    unsigned depth = 2'000;           ///< nesting of expressions and calls
  };
  explicit Evaluator(DiagnosticEngine &diagnostics) : Evaluator(diagnostics, Limits{}) {}
  Evaluator(DiagnosticEngine &diagnostics, Limits limits, SymbolicArithmetic *symbolic = nullptr)
      : diagnostics_(&diagnostics), limits_(limits), symbolic_(symbolic) {}

  /// The value of \p expr where \p scope is visible. \p expected lets an enumerator be written
  /// without its enumeration, and is not checked otherwise.
  std::optional<Value> evaluate(const ast::Expr &expr, const Scope &scope,
                                const ExpectedType *expected = nullptr);
  /// The same, and the value must have (or convert to: int → real) \p type. \p what names what
  /// demands it: "attribute 'latency'".
  std::optional<Value> evaluateAs(const ast::Expr &expr, const Scope &scope,
                                  const ExpectedType &type, llvm::StringRef what);
  std::optional<bool> evaluateBool(const ast::Expr &expr, const Scope &scope,
                                   llvm::StringRef what = "a condition");
  /// A whole number without a unit.
  std::optional<std::int64_t> evaluateInt(const ast::Expr &expr, const Scope &scope,
                                          llvm::StringRef what);

  std::optional<Value> callFunction(const ast::FunctionDeclaration &function, const Scope &home,
                                    llvm::ArrayRef<Value> arguments, SourceRange at);
  /// The value of a constant that stands in \p home; evaluated (and reported) once.
  std::optional<Value> constant(const ast::ConstantDeclaration &constant, const Scope &home);
  /// What the expression names, if it is a name or `module.name`; null if not.
  const Symbol *symbolOf(const ast::Expr &expr, const Scope &scope) const;
  /// `object.member`
  std::optional<Value> member(const Value &object, const ast::Identifier &name);
  /// `object[index]`; \p at is the index, for messages.
  std::optional<Value> element(const Value &object, const Value &index, SourceRange at);

  std::optional<ExpectedType> resolveType(const ast::TypeRef &type, const Scope &scope);
  /// \p value as a value of \p type, or an error at \p at.
  std::optional<Value> convert(Value value, const ExpectedType &type, SourceRange at,
                               llvm::StringRef what);

  /// Binds the parameters of a function, template, architecture, mapping or program in \p target:
  /// arguments by position or name (evaluated in \p scope), defaults evaluated in \p target, so
  /// that they may use earlier parameters. \p callee names it in messages: "template 'Loader'".
  bool bindParameters(llvm::ArrayRef<ast::Parameter> parameters,
                      llvm::ArrayRef<ast::Argument> arguments, const Scope &scope, Scope &target,
                      SourceRange at, llvm::StringRef callee);
  /// Evaluates a parameter's default into \p target; an error if it has none.
  bool bindDefault(const ast::Parameter &parameter, Scope &target, SourceRange at,
                   llvm::StringRef callee);

  /// Evaluates a `let` into \p scope. Names whose value is wrong become Value::Kind::Error.
  bool let(const ast::LetStatement &statement, Scope &scope);
  /// Whether a `require` holds; reports it if not. Nothing if its condition has no value
  /// (reported).
  std::optional<bool> require(const ast::RequireStatement &statement, const Scope &scope);
  /// Runs \p body for every combination of the loops' values, bound in the scope it is given, until
  /// it gives false. False if a header is wrong, a limit is reached, or the body gave false. \p at
  /// is the loop's header.
  bool forEach(llvm::ArrayRef<ast::LoopHeader> loops, const Scope &scope, SourceRange at,
               llvm::function_ref<bool(Scope &)> body);

  [[nodiscard]] DiagnosticEngine &diagnostics() { return *diagnostics_; }
  [[nodiscard]] std::uint64_t stepsTaken() const { return steps_; }
  /// Whether the limit of steps was reached: everything gives nothing from then on, silently.
  [[nodiscard]] bool isExhausted() const { return isExhausted_; }

  /// Reports with a note that says which instance is being built, if one is.
  template <typename... Arguments>
  DiagnosticBuilder report(DiagnosticCode code, SourceRange range, const Arguments &...arguments) {
    DiagnosticBuilder builder = diagnostics_->report(code, range, arguments...);
    if (!context_.message.empty())
      builder.note(context_.range, context_.message);
    return builder;
  }
  /// The note that report() adds; empty: none.
  void setContext(DiagnosticNote context) { context_ = std::move(context); }
  [[nodiscard]] const DiagnosticNote &context() const { return context_; }

private:
  /// A loop, function or constant under way.
  struct Activity {
    std::string_view kind; ///< "loop", "function", "constant"
    llvm::StringRef name;
    SourceRange range;
    const ast::Declaration *declaration = nullptr;
    std::uint64_t stepsBefore = 0;
  };
  class ActivityScope;

  bool step(SourceRange at);
  void reportExhausted(SourceRange at);

  std::optional<Value> evaluateKind(const ast::Expr &expr, const Scope &scope,
                                    const ExpectedType *expected);
  std::optional<Value> number(const ast::NumberExpr &expr);
  std::optional<Value> name(const ast::NameExpr &expr, const Scope &scope,
                            const ExpectedType *expected);
  std::optional<Value> symbolValue(const Symbol &symbol, llvm::StringRef name, SourceRange at);
  std::optional<Value> memberExpression(const ast::MemberExpr &expr, const Scope &scope);
  std::optional<Value> enumerator(const ast::EnumDeclaration &enumeration,
                                  const ast::Identifier &name);
  std::optional<Value> indexExpression(const ast::IndexExpr &expr, const Scope &scope);
  std::optional<Value> call(const ast::CallExpr &expr, const Scope &scope);
  std::optional<Value> callRoute(const Value &route, const ast::CallExpr &expr, const Scope &scope);
  std::optional<Value> unary(const ast::UnaryExpr &expr, const Scope &scope);
  std::optional<Value> binary(const ast::BinaryExpr &expr, const Scope &scope);
  std::optional<Value> logic(const ast::BinaryExpr &expr, const Scope &scope);
  std::optional<Value> range(const ast::RangeExpr &expr, const Scope &scope);
  std::optional<Value> list(const ast::ListExpr &expr, const Scope &scope,
                            const ExpectedType *expected);
  std::optional<Value> comprehension(const ast::ComprehensionExpr &expr, const Scope &scope);
  std::optional<Value> table(const ast::TableExpr &expr, const Scope &scope,
                             const ExpectedType *expected);
  std::optional<Value> known(Value value, const ast::Expr &at);

  // EvaluatorArithmetic.cpp
  std::optional<Value> arithmetic(const ast::BinaryExpr &expr, const Value &left,
                                  const Value &right);
  std::optional<Value> comparison(const ast::BinaryExpr &expr, const Value &left,
                                  const Value &right);
  std::optional<Value> wholeArithmetic(const ast::BinaryExpr &expr, std::int64_t left,
                                       std::int64_t right, Dimension dimension);
  std::optional<Value> realArithmetic(const ast::BinaryExpr &expr, double left, double right,
                                      Dimension dimension);
  std::nullopt_t overflow(SourceRange at, const std::string &what);
  std::nullopt_t wrongOperands(const ast::BinaryExpr &expr, const Value &left, const Value &right);
  std::nullopt_t wrongDimensions(const ast::BinaryExpr &expr, const Value &left,
                                 const Value &right);

  // EvaluatorBuiltins.cpp
  struct BuiltinCall;
  std::optional<Value> callBuiltin(const builtins::Function &function, const ast::CallExpr &expr,
                                   const Scope &scope);
  std::optional<Value> applyBuiltin(const BuiltinCall &call);
  std::optional<Value> builtinExtremum(const BuiltinCall &call);
  std::optional<Value> builtinCeilDivide(const BuiltinCall &call);
  std::optional<Value> builtinRound(const BuiltinCall &call);
  std::optional<Value> builtinMagnitude(const BuiltinCall &call);
  std::optional<Value> builtinWhole(const BuiltinCall &call);
  std::optional<Value> builtinSum(const BuiltinCall &call);
  std::optional<Value> builtinToInt(const BuiltinCall &call);
  std::optional<Value> builtinValue(const ast::CallExpr &expr, const Scope &scope);
  std::optional<Value> builtinPresent(const ast::CallExpr &expr);
  std::nullopt_t wrongArgument(const BuiltinCall &call, std::size_t index,
                               llvm::StringRef expected);

  // EvaluatorFunctions.cpp
  enum class Flow : std::uint8_t { Next, Return, Failed };
  Flow runBlock(ast::Block block, Scope &scope, std::vector<Scope *> &scopes,
                std::optional<Value> &result, const ExpectedType &resultType);
  Flow runStatement(const ast::Statement &statement, std::vector<Scope *> &scopes,
                    std::optional<Value> &result, const ExpectedType &resultType);
  bool assign(const ast::AssignStatement &statement, const std::vector<Scope *> &scopes);
  bool forEachFrom(llvm::ArrayRef<ast::LoopHeader> loops, Scope &scope,
                   llvm::function_ref<bool(Scope &)> body);
  bool forEachInRange(const ast::LoopHeader &header, const Value &range, Scope &scope,
                      llvm::function_ref<bool()> body);

  DiagnosticEngine *diagnostics_;
  Limits limits_;
  SymbolicArithmetic *symbolic_;
  DiagnosticNote context_;
  std::uint64_t steps_ = 0;
  unsigned depth_ = 0;
  bool isExhausted_ = false;
  llvm::DenseMap<const ast::ConstantDeclaration *, std::optional<Value>> constants_;
  std::vector<Activity> activities_;
};

/// The instruction that \p name stands for where \p scope is visible; other things of that name (a
/// unit called `mac`) don't hide it. Null if there is none.
const Symbol *findInstruction(llvm::StringRef name, const Scope &scope);

} // namespace acadlc
