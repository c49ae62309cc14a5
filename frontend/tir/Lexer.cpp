#include "frontend/tir/Lexer.h"

#include "support/TextEncoding.h"

#include <algorithm>
#include <array>
#include <optional>

namespace acadlc::tir {

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Bytes beyond ASCII belong to names, as letters of other scripts do in Python.
bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool isNamePart(char c) { return isNameStart(c) || isDigit(c); }

constexpr std::string_view singleCharacters = "()[]{}+-*/%@<>=.,:;|^&~!";
constexpr std::array<std::string_view, 13> longOperators = {
    "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "->", ":=", "+=", "-=", "*="};

} // namespace

std::string describe(const Token &token) {
  switch (token.kind) {
  case TokenKind::EndOfFile:
    return "end of file";
  case TokenKind::Newline:
    return "end of line";
  case TokenKind::Indent:
    return "deeper indentation";
  case TokenKind::Dedent:
    return "end of the indented block";
  default:
    break;
  }
  constexpr std::size_t longest = 40;
  if (token.text.size() > longest)
    return "'" + std::string(token.text.substr(0, longest)) + "…'";
  return "'" + std::string(token.text) + "'";
}

bool Lexer::checkEncoding(const SourceManager &sources, FileId file,
                          DiagnosticEngine &diagnostics) {
  const std::optional<EncodingProblem> problem = findEncodingProblem(sources.text(file));
  if (!problem)
    return true;
  const auto offset = static_cast<std::uint32_t>(problem->offset);
  const SourceLocation place = sources.location(file, offset);
  diagnostics.report(DiagnosticCode::TirBadToken, {place, place}, problem->message);
  return false;
}

Lexer::Lexer(const SourceManager &sources, FileId file, std::uint32_t begin, std::uint32_t end,
             bool inExpression, DiagnosticEngine &diagnostics)
    : sources_(sources), file_(file), text_(sources.text(file)), position_(begin), end_(end),
      inExpression_(inExpression), atLineStart_(!inExpression), diagnostics_(diagnostics) {
  if (begin == 0 && text_.starts_with(byteOrderMark))
    position_ = static_cast<std::uint32_t>(byteOrderMark.size());
}

SourceRange Lexer::range(std::uint32_t begin, std::uint32_t end) const {
  return {sources_.location(file_, begin), sources_.location(file_, end)};
}

char Lexer::peek(std::uint32_t ahead) const {
  std::uint64_t at = std::uint64_t{position_} + ahead;
  return at < end_ ? text_[at] : '\0';
}

Token Lexer::make(TokenKind kind, std::uint32_t begin) const {
  return {kind, begin, position_, text_.substr(begin, position_ - begin)};
}

void Lexer::badToken(std::uint32_t begin, std::uint32_t end, std::string_view what) {
  diagnostics_.report(DiagnosticCode::TirBadToken, range(begin, end), what);
}

void Lexer::leaveBrackets() { brackets_.clear(); }

void Lexer::stop() {
  position_ = end_;
  brackets_.clear();
  indents_.assign(1, 0);
  pendingIndents_ = 0;
  lineHasTokens_ = false;
  atLineStart_ = false;
}

void Lexer::skipLineBreak() {
  if (peek() == '\r' && peek(1) == '\n')
    ++position_;
  ++position_;
}

void Lexer::skipBlank() {
  while (!atEnd()) {
    char c = peek();
    if (c == ' ' || c == '\t' || c == '\f') {
      ++position_;
    } else if (c == '#') {
      while (!atEnd() && peek() != '\n' && peek() != '\r')
        ++position_;
    } else if (c == '\\' && (peek(1) == '\n' || peek(1) == '\r')) {
      ++position_;
      skipLineBreak();
    } else if ((c == '\n' || c == '\r') && !linesMatter()) {
      skipLineBreak();
    } else {
      return;
    }
  }
}

void Lexer::startLine() {
  atLineStart_ = false;
  std::uint32_t width = 0;
  std::uint32_t lineBegin = position_;
  constexpr std::uint32_t tabStop = 8;
  while (!atEnd()) {
    char c = peek();
    if (c == ' ') {
      ++width;
      ++position_;
    } else if (c == '\t') {
      width = (width / tabStop + 1) * tabStop;
      ++position_;
    } else if (c == '\f') {
      ++position_;
    } else if (c == '\n' || c == '\r') {
      skipLineBreak();
      width = 0;
      lineBegin = position_;
    } else if (c == '#') {
      while (!atEnd() && peek() != '\n' && peek() != '\r')
        ++position_;
    } else {
      changeIndent(width, lineBegin);
      return;
    }
  }
}

void Lexer::changeIndent(std::uint32_t width, std::uint32_t begin) {
  if (width > indents_.back()) {
    if (indents_.size() >= maxIndentLevels) {
      diagnostics_.report(DiagnosticCode::TirNesting, range(begin, position_));
      stop();
      return;
    }
    indents_.push_back(width);
    pendingIndents_ = 1;
    return;
  }
  while (width < indents_.back()) {
    indents_.pop_back();
    --pendingIndents_;
  }
  if (width != indents_.back())
    badToken(begin, position_, "this indentation matches no outer level");
}

Token Lexer::endOfFile() {
  if (lineHasTokens_) {
    lineHasTokens_ = false;
    return make(TokenKind::Newline, position_);
  }
  if (indents_.size() > 1) {
    indents_.pop_back();
    return make(TokenKind::Dedent, position_);
  }
  return make(TokenKind::EndOfFile, position_);
}

Token Lexer::next() {
  while (true) {
    if (atLineStart_)
      startLine();
    if (pendingIndents_ > 0) {
      --pendingIndents_;
      return make(TokenKind::Indent, position_);
    }
    if (pendingIndents_ < 0) {
      ++pendingIndents_;
      return make(TokenKind::Dedent, position_);
    }
    skipBlank();
    if (atEnd())
      return endOfFile();
    char c = peek();
    if (c == '\n' || c == '\r') {
      std::uint32_t begin = position_;
      skipLineBreak();
      atLineStart_ = true;
      lineHasTokens_ = false;
      Token token = make(TokenKind::Newline, begin);
      token.end = begin;
      return token;
    }
    lineHasTokens_ = !inExpression_;
    if (startsString())
      return string(position_);
    if (isNameStart(c))
      return name();
    if (isDigit(c) || (c == '.' && isDigit(peek(1))))
      return number();
    Token token = punctuation();
    if (token.kind == TokenKind::Operator)
      return token;
  }
}

Token Lexer::name() {
  std::uint32_t begin = position_;
  while (!atEnd() && isNamePart(peek()))
    ++position_;
  return make(TokenKind::Name, begin);
}

Token Lexer::number() {
  std::uint32_t begin = position_;
  bool isFloat = false;
  if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X' || peek(1) == 'b' || peek(1) == 'B')) {
    while (!atEnd() && isNamePart(peek()))
      ++position_;
    return make(TokenKind::Integer, begin);
  }
  while (isDigit(peek()) || peek() == '_')
    ++position_;
  if (peek() == '.') {
    isFloat = true;
    ++position_;
    while (isDigit(peek()) || peek() == '_')
      ++position_;
  }
  bool hasSign = peek(1) == '+' || peek(1) == '-';
  if ((peek() == 'e' || peek() == 'E') && isDigit(peek(hasSign ? 2 : 1))) {
    isFloat = true;
    position_ += hasSign ? 2 : 1;
    while (isDigit(peek()))
      ++position_;
  }
  return make(isFloat ? TokenKind::Float : TokenKind::Integer, begin);
}

bool Lexer::startsString() const {
  std::uint32_t ahead = 0;
  while (ahead < 2 && std::string_view("rRbBfFuU").find(peek(ahead)) != std::string_view::npos &&
         peek(ahead) != '\0')
    ++ahead;
  return peek(ahead) == '"' || peek(ahead) == '\'';
}

Token Lexer::string(std::uint32_t begin) {
  while (peek() != '"' && peek() != '\'')
    ++position_;
  char quote = peek();
  bool isLong = peek(1) == quote && peek(2) == quote;
  position_ += isLong ? 3 : 1;
  while (!atEnd()) {
    char c = peek();
    if (c == '\\') {
      position_ = std::min(end_, position_ + 2);
    } else if (!isLong && (c == '\n' || c == '\r')) {
      break;
    } else if (c == quote && (!isLong || (peek(1) == quote && peek(2) == quote))) {
      position_ += isLong ? 3 : 1;
      return make(TokenKind::String, begin);
    } else {
      ++position_;
    }
  }
  // The message marks the opening quotes: the end of a long string says little.
  badToken(begin, std::min(position_, begin + (isLong ? 3 : 1)), "this string does not end");
  return make(TokenKind::String, begin);
}

Token Lexer::punctuation() {
  std::uint32_t begin = position_;
  std::string_view rest = text_.substr(position_, std::min<std::uint32_t>(3, end_ - position_));
  if (rest == "...") {
    position_ += 3;
    return make(TokenKind::Operator, begin);
  }
  for (std::string_view op : longOperators) {
    if (rest.substr(0, 2) == op) {
      position_ += 2;
      return make(TokenKind::Operator, begin);
    }
  }
  char c = peek();
  if (singleCharacters.find(c) != std::string_view::npos) {
    ++position_;
    if (c == '(' || c == '[' || c == '{')
      brackets_.push_back(begin);
    else if ((c == ')' || c == ']' || c == '}') && !brackets_.empty())
      brackets_.pop_back();
    return make(TokenKind::Operator, begin);
  }
  auto isBad = [](char ch) {
    return ch != ' ' && ch != '\n' && ch != '\r' && ch != '\t' && ch != '"' && ch != '\'' &&
           ch != '#' && !isNamePart(ch) && singleCharacters.find(ch) == std::string_view::npos;
  };
  do {
    ++position_;
  } while (!atEnd() && isBad(peek()));
  badToken(begin, position_, "unexpected character");
  return {};
}

} // namespace acadlc::tir
