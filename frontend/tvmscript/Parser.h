/// \file
/// Parses TVMScript into a syntax tree.
#pragma once

#include "frontend/tvmscript/Lexer.h"
#include "frontend/tvmscript/Syntax.h"

#include <initializer_list>
#include <optional>

namespace acadlc::tir {

/// A recursive-descent parser of a Python subset. Reports what does not fit, goes on with the next
/// statement and never throws. Time is linear in the size of the text.
class Parser {
public:
  /// Nodes that may lie on one way down an expression.
  static constexpr std::uint16_t maxDepth = 1000;

  /// Parses the whole of \p file.
  static void parseFile(const SourceManager &sources, FileId file, Tree &tree,
                        DiagnosticEngine &diagnostics);
  /// Parses one expression that stands at \p range; null if it is none.
  static const Expr *parseExpression(const SourceManager &sources, SourceRange range, Tree &tree,
                                     DiagnosticEngine &diagnostics);

private:
  Parser(Lexer lexer, Tree &tree, DiagnosticEngine &diagnostics);

  void advance();
  [[nodiscard]] bool at(Symbol symbol) const { return token_.symbol == symbol; }
  [[nodiscard]] bool atKind(TokenKind kind) const { return token_.kind == kind; }
  [[nodiscard]] bool atName() const; ///< and no keyword
  bool accept(Symbol symbol);
  bool expect(Symbol symbol);
  /// The same of a bracket that closes the one at \p opening.
  bool expectClose(Symbol symbol, std::uint32_t opening);
  /// Reports the mistake unless the statement has one already, and hides the rest of the statement
  /// behind an end of file, so that all functions return soon. \p opening: the bracket that is open
  /// here, if that matters.
  void fail(std::string_view expected, std::optional<std::uint32_t> opening = std::nullopt);
  void report(std::string_view expected, std::optional<std::uint32_t> opening);
  void failTooDeep(SourceRange range);
  [[nodiscard]] Token endOfFileHere() const;
  /// Skips the rest of a failed statement and the block below it.
  void recover();
  void skipStatement();
  [[nodiscard]] SourceRange rangeFrom(std::uint32_t begin) const {
    return lexer_.range(begin, begin < lastEnd_ ? lastEnd_ : begin);
  }

  /// Read statements onto the stack statements_.
  void statements();
  void statement();
  void simpleStatements();
  const Stmt *simpleStatement();
  const Stmt *assignment(const Expr *first, std::uint32_t begin);
  const Stmt *otherStatement();
  const Stmt *forStatement();
  const Stmt *withStatement();
  const Stmt *ifStatement();
  const Stmt *whileStatement();
  const Stmt *decorated();
  /// `def NAME` or `class NAME`; \p whatName says what is expected behind the word.
  Stmt *definition(Stmt::Kind kind, std::span<const Expr *const> decorators,
                   std::string_view whatName);
  const Stmt *function(std::span<const Expr *const> decorators);
  const Stmt *classDefinition(std::span<const Expr *const> decorators);
  /// `[n, k: T.int32]`. Nothing is kept of them: a size is what the shapes use.
  void typeParameters(std::uint32_t opening);
  void parameters(std::vector<Parameter> &out, std::uint32_t opening);
  std::span<const Stmt *const> suite();
  /// Parses the names that `for` and `as` bind.
  std::span<const Expr *const> names();

  const Expr *expressionList();
  const Expr *expression();
  const Expr *lambda();
  const Expr *binary(int minimumPrecedence);
  const Expr *unary();
  const Expr *power();
  const Expr *postfix();
  /// \p before: when the callee was not yet made.
  const Expr *call(const Expr *callee, std::uint32_t begin, Tree::Mark before);
  const Expr *attribute(const Expr *base, std::uint32_t begin);
  const Expr *subscript(const Expr *base, std::uint32_t begin);
  const Expr *atom();
  const Expr *bracketed();
  const Expr *dictionary();
  const Expr *string();
  const Expr *leaf(Expr::Kind kind);
  const Expr *dottedName();
  const Expr *dottedName(std::uint32_t begin, std::string_view text);
  const Expr *literal(Expr::Kind kind, workload::ElementType type);
  /// `T.int64(16)`, which makes up a quarter of a text; null, and nothing is read, if the next
  /// tokens are anything else.
  const Expr *plainLiteral();
  /// The literal that `T.type(operand)` is, in place of the nodes made since \p before; null if
  /// \p operand is no literal.
  const Expr *typedLiteral(const Expr &operand, workload::ElementType type, std::uint32_t begin,
                           Tree::Mark before);
  /// Reads arguments up to \p close, and that, onto the stack expressions_. \p opening: where the
  /// bracket stands that they are in.
  void arguments(Symbol close, std::uint32_t opening, bool slices);
  const Expr *argument(bool slices);
  void closeWith(Symbol close, std::uint32_t opening);

  const Expr *make(Expr::Kind kind, std::uint32_t begin, std::string_view text,
                   std::span<const Expr *const> children);
  const Expr *make(Expr::Kind kind, std::uint32_t begin, std::string_view text,
                   std::initializer_list<const Expr *> children);
  /// A node of what lies above \p mark on the stack expressions_.
  const Expr *makeFrom(std::size_t mark, Expr::Kind kind, std::uint32_t begin);
  std::span<const Expr *const> single(const Expr *expr);
  /// Move what lies above \p mark on a stack into the tree.
  std::span<const Expr *const> takeExpressions(std::size_t mark);
  std::span<const Stmt *const> takeStatements(std::size_t mark);

  Lexer lexer_;
  Tree &tree_;
  DiagnosticEngine &diagnostics_;
  /// Nodes whose parents are not yet made.
  std::vector<const Expr *> expressions_;
  std::vector<const Stmt *> statements_;
  Token token_;
  Token failedAt_;            ///< what token_ was when the statement failed
  std::uint32_t lastEnd_ = 0; ///< end of the token before token_
  bool failed_ = false;       ///< an error was reported in this statement
  std::size_t guesses_ = 0;   ///< of the lexer, before token_
  std::size_t settled_ = 0;   ///< of the lexer, before this statement
  int nesting_ = 0;           ///< calls of expression(), unary() and power() under way
  int blockDepth_ = 0;        ///< indented blocks around the current statement
};

} // namespace acadlc::tir
