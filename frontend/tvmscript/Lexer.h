/// \file
/// Splits TVMScript into tokens as Python does: with indentation, brackets that join lines,
/// comments and strings.
#pragma once

#include "frontend/tvmscript/Prefixes.h"
#include "support/Diagnostics.h"
#include "support/Source.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace acadlc::tir {

enum class TokenKind : std::uint8_t {
  EndOfFile,
  Newline,
  Indent,
  Dedent,
  Name,       ///< also keywords
  DottedName, ///< `T.axis.remap`: names joined by dots without a blank
  Integer,
  Float,
  String,   ///< with prefix and quotes
  Operator, ///< operators, brackets and punctuation
};

/// The keywords and operators that the parser asks for. Comparing these instead of texts is what
/// makes it fast.
enum class Symbol : std::uint8_t {
  None, ///< any other token
  // Keywords
  And,
  As,
  Assert,
  Break,
  Class,
  Continue,
  Def,
  Elif,
  Else,
  False,
  For,
  From,
  If,
  Import,
  In,
  Lambda,
  NoneValue,
  Not,
  Or,
  Pass,
  Return,
  True,
  While,
  With,
  Reserved, ///< a keyword of Python without a use here: `del`, `raise`, `try`, …
  // Brackets and punctuation
  LeftParenthesis,
  RightParenthesis,
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  Comma,
  Colon,
  Semicolon,
  Dot,
  Ellipsis,
  At,
  Arrow,
  Walrus,
  Assign,
  AddAssign,
  SubtractAssign,
  MultiplyAssign,
  // Operators
  Plus,
  Minus,
  Star,
  Power,
  Slash,
  FloorDivide,
  Percent,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  Equal,
  NotEqual,
  Exclamation,
  BitOr,
  BitXor,
  BitAnd,
  BitNot,
  ShiftLeft,
  ShiftRight,
};

/// How \p symbol is written; empty for None and Reserved.
std::string_view spelling(Symbol symbol);

/// A token and its bytes; offsets count from the begin of the file.
struct Token {
  TokenKind kind = TokenKind::EndOfFile;
  Symbol symbol = Symbol::None;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string_view text;
};

/// Says what a token is in a message: "'for'", "end of line", …
std::string describe(const Token &token);

struct LookAlike;

/// Produces the tokens of one text one by one, so that memory does not grow with the text.
/// Reports what is no token and goes on behind it.
class Lexer {
public:
  /// Reports that \p file is no UTF-8 text; false if so.
  static bool checkEncoding(const SourceManager &sources, FileId file,
                            DiagnosticEngine &diagnostics);
  /// Reads bytes \p begin to \p end of \p file. \p inExpression: newlines and indentation have no
  /// meaning, as in brackets. What comments import is added to \p prefixes.
  Lexer(const SourceManager &sources, FileId file, std::uint32_t begin, std::uint32_t end,
        bool inExpression, Prefixes &prefixes, DiagnosticEngine &diagnostics);

  Token next();
  /// Forgets open brackets, so that the next line break ends a statement.
  void leaveBrackets();
  /// Skips the arguments of a call that begin here if they stand in one line and hold nothing but
  /// names, numbers, brackets and plain operators; false, and nothing is skipped, if not.
  bool skipArguments();
  /// The number of the call that has just begun, `(-3)`, which is skipped; the end of the file, and
  /// nothing is skipped, if its argument is not a number alone, without blanks, or one with a point
  /// or an exponent unless \p mayBeFloat.
  Token skipNumber(bool mayBeFloat);
  /// Makes all further tokens the end of the file.
  void stop();
  /// Whether stop() was called, also by the lexer itself, behind an error.
  [[nodiscard]] bool isStopped() const { return isStopped_; }
  /// Whether errors are counted alone, not reported: while what follows a mistake is skipped.
  void setMuted(bool isMuted) { isMuted_ = isMuted; }
  /// Errors so far behind which the next tokens are a guess: a string without end, a character that
  /// was skipped, an indentation that is none.
  [[nodiscard]] std::size_t guesses() const { return guesses_; }
  /// Position of the innermost open bracket; only valid if hasOpenBracket().
  [[nodiscard]] std::uint32_t openBracket() const { return brackets_.back(); }
  [[nodiscard]] bool hasOpenBracket() const { return !brackets_.empty(); }
  /// The bytes \p begin to \p end of the file.
  [[nodiscard]] std::string_view textFrom(std::uint32_t begin, std::uint32_t end) const {
    return text_.substr(begin, end - begin);
  }
  [[nodiscard]] SourceRange range(std::uint32_t begin, std::uint32_t end) const {
    return {SourceLocation::fromRaw(base_ + begin), SourceLocation::fromRaw(base_ + end)};
  }

private:
  static constexpr std::size_t maxIndentLevels = 200;

  [[nodiscard]] char peek(std::uint32_t ahead = 0) const {
    const std::uint64_t at = std::uint64_t{position_} + ahead;
    return at < end_ ? text_[at] : '\0';
  }
  [[nodiscard]] bool atEnd() const { return position_ >= end_; }
  [[nodiscard]] bool linesMatter() const { return !inExpression_ && brackets_.empty(); }
  [[nodiscard]] Token make(TokenKind kind, std::uint32_t begin, Symbol symbol = Symbol::None) const;
  Token endOfFile();
  void skipComment();
  /// Skips a comment on a line of its own, in which TVM says what the prefixes of names mean.
  void readComment();
  void skipBlank();
  void skipLineBreak();
  /// Measures the indentation of the next line that is not blank and queues indents or dedents.
  void startLine();
  /// How far a line stands from the left, with tab stops at every eighth and at every column: where
  /// both do not agree on which of two lines stands further right, nobody can tell.
  struct Indent {
    std::uint32_t width, narrow;
    friend bool operator==(const Indent &, const Indent &) = default;
  };
  void changeIndent(Indent indent, std::uint32_t begin);
  void indentDeeper(Indent indent, std::uint32_t begin);
  /// Reports that the width of a tab decides where the line stands, and stops: what belongs to
  /// which block cannot be told from here on.
  void stopAtMixedTabs(std::uint32_t begin);
  Token indentation();
  Token lineEnd();
  Token number();
  Token name();
  Token string(std::uint32_t begin);
  Token punctuation();
  /// The operator at the current position and its length in bytes; None if there is none.
  [[nodiscard]] std::pair<Symbol, std::uint32_t> operatorHere() const;
  void badCharacters();
  /// The character at the current position that only looks like one of the language; null if none.
  [[nodiscard]] const LookAlike *lookAlike() const;
  /// Whether a letter of another script stands at the current position.
  [[nodiscard]] bool isLetter() const;
  /// Reports and skips a blank that is none of the language; false if there is none.
  bool skipBlankLookAlike();
  /// Reports \p found, which stands at the current position, with what was meant; once for each
  /// character, with a note that counts the others.
  DiagnosticBuilder reportLookAlike(const LookAlike &found);
  /// The string that \p opening, which stands here, was meant to begin, after an error.
  Token misquoted(const LookAlike &opening);
  [[nodiscard]] bool startsString() const;
  void badToken(std::uint32_t begin, std::uint32_t end, std::string_view what);

  std::string_view text_;
  std::uint32_t base_; ///< of the file, as SourceLocation counts
  std::uint32_t position_;
  std::uint32_t end_;
  bool inExpression_;
  bool atLineStart_;
  bool lineHasTokens_ = false;
  int pendingIndents_ = 0; ///< indents (positive) or dedents (negative) not yet handed out
  std::vector<Indent> indents_{{0, 0}};
  Indent stray_{};              ///< of the last line that stood between two levels
  std::size_t strayLevels_ = 0; ///< how many there were with the one that it was taken for
  std::size_t guesses_ = 0;
  bool isStopped_ = false;
  bool isMuted_ = false;
  std::vector<std::uint32_t> reportedLookAlikes_; ///< by code point
  std::vector<std::uint32_t> brackets_;
  Prefixes &prefixes_;
  DiagnosticEngine &diagnostics_;
};

} // namespace acadlc::tir
