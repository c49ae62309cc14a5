/// \file
/// Parses TVMScript into a syntax tree.
#pragma once

#include "frontend/tir/Lexer.h"
#include "frontend/tir/Syntax.h"

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
  [[nodiscard]] bool at(std::string_view text) const;
  [[nodiscard]] bool atKind(TokenKind kind) const { return token_.kind == kind; }
  bool accept(std::string_view text);
  bool expect(std::string_view text);
  /// Reports the mistake unless the statement has one already, and hides the rest of the statement
  /// behind an end of file, so that all functions return soon.
  void fail(std::string_view expected);
  void failTooDeep(SourceRange range);
  /// Skips the rest of a failed statement and the block below it.
  void recover();
  [[nodiscard]] SourceRange rangeFrom(std::uint32_t begin) const;

  std::vector<const Stmt *> statements();
  void statement(std::vector<const Stmt *> &out);
  void simpleStatements(std::vector<const Stmt *> &out);
  const Stmt *simpleStatement();
  const Stmt *assignment(const Expr *first, std::uint32_t begin);
  const Stmt *otherStatement();
  const Stmt *forStatement();
  const Stmt *withStatement();
  const Stmt *ifStatement();
  const Stmt *whileStatement();
  const Stmt *decorated();
  const Stmt *function(const std::vector<const Expr *> &decorators);
  const Stmt *classDefinition(const std::vector<const Expr *> &decorators);
  void parameters(std::vector<Parameter> &out);
  std::span<const Stmt *const> suite();
  /// Parses the names that `for` and `as` bind.
  std::vector<const Expr *> names();

  const Expr *expressionList();
  const Expr *expression();
  const Expr *lambda();
  const Expr *binary(int minimumPrecedence);
  const Expr *unary();
  const Expr *power();
  const Expr *postfix();
  const Expr *atom();
  const Expr *bracketed();
  const Expr *dictionary();
  const Expr *string();
  const Expr *leaf(Expr::Kind kind);
  /// Reads arguments up to \p close and that.
  void arguments(std::string_view close, bool slices, std::vector<const Expr *> &out);
  const Expr *argument(bool slices);
  const Expr *make(Expr::Kind kind, std::uint32_t begin, std::string_view text,
                   const std::vector<const Expr *> &children);

  Lexer lexer_;
  Tree &tree_;
  DiagnosticEngine &diagnostics_;
  Token token_;
  Token failedAt_;            ///< what token_ was when the statement failed
  std::uint32_t lastEnd_ = 0; ///< end of the token before token_
  bool failed_ = false;       ///< an error was reported in this statement
  int nesting_ = 0;           ///< calls of expression(), unary() and power() under way
  int blockDepth_ = 0;        ///< indented blocks around the current statement
};

} // namespace acadlc::tir
