#include "frontend/tvmscript/Lexer.h"

#include "frontend/tvmscript/LookAlikes.h"
#include "support/TextEncoding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

namespace acadlc::tir {

namespace {

/// What a character may be part of; bits.
using CharacterClass = std::uint8_t;
constexpr CharacterClass nameStart = 1, digit = 2, blank = 4, doubtful = 8;
constexpr CharacterClass between = 16; ///< may be skipped in front of a token, as a blank may
constexpr CharacterClass joint = 32;   ///< between the parts of plain arguments of a call
constexpr CharacterClass stringPrefix = 64;
constexpr CharacterClass namePart = nameStart | digit;

/// Bytes beyond ASCII belong to names, as letters of other scripts do in Python; but those that
/// look-alikes of blanks and signs begin with need a second look.
constexpr std::array<CharacterClass, 256> characterClasses() {
  std::array<CharacterClass, 256> classes{};
  for (unsigned c = 0; c < classes.size(); ++c) {
    constexpr unsigned beyondAscii = 0x80, firstOfCharacter = 0xC0;
    if (c >= firstOfCharacter)
      classes.at(c) = doubtful;
    else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= beyondAscii)
      classes.at(c) = nameStart;
    else if (c >= '0' && c <= '9')
      classes.at(c) = digit;
    else if (c == ' ' || c == '\t' || c == '\f')
      classes.at(c) = blank;
  }
  for (const unsigned char c : std::string_view("#\\\n\r"))
    classes.at(c) |= between;
  for (const unsigned char c : std::string_view(",.:+-*/%"))
    classes.at(c) |= joint;
  for (const unsigned char c : std::string_view("rRbBfFuU"))
    classes.at(c) |= stringPrefix;
  return classes;
}

bool is(char c, CharacterClass wanted) {
  static constexpr std::array<CharacterClass, 256> classes = characterClasses();
  return (classes[static_cast<unsigned char>(c)] & wanted) != 0;
}

bool isDigit(char c) { return is(c, digit); }

struct Spelling {
  std::string_view text;
  Symbol symbol;
};

constexpr std::array keywords = std::to_array<Spelling>({
    {"and", Symbol::And},
    {"as", Symbol::As},
    {"assert", Symbol::Assert},
    {"break", Symbol::Break},
    {"class", Symbol::Class},
    {"continue", Symbol::Continue},
    {"def", Symbol::Def},
    {"elif", Symbol::Elif},
    {"else", Symbol::Else},
    {"False", Symbol::False},
    {"for", Symbol::For},
    {"from", Symbol::From},
    {"if", Symbol::If},
    {"import", Symbol::Import},
    {"in", Symbol::In},
    {"lambda", Symbol::Lambda},
    {"None", Symbol::NoneValue},
    {"not", Symbol::Not},
    {"or", Symbol::Or},
    {"pass", Symbol::Pass},
    {"return", Symbol::Return},
    {"True", Symbol::True},
    {"while", Symbol::While},
    {"with", Symbol::With},
    {"del", Symbol::Reserved},
    {"raise", Symbol::Reserved},
    {"try", Symbol::Reserved},
    {"global", Symbol::Reserved},
    {"nonlocal", Symbol::Reserved},
    {"yield", Symbol::Reserved},
});

constexpr std::array operators = std::to_array<Spelling>({
    {"(", Symbol::LeftParenthesis},
    {")", Symbol::RightParenthesis},
    {"[", Symbol::LeftBracket},
    {"]", Symbol::RightBracket},
    {"{", Symbol::LeftBrace},
    {"}", Symbol::RightBrace},
    {",", Symbol::Comma},
    {":", Symbol::Colon},
    {";", Symbol::Semicolon},
    {".", Symbol::Dot},
    {"@", Symbol::At},
    {"=", Symbol::Assign},
    {"+", Symbol::Plus},
    {"-", Symbol::Minus},
    {"*", Symbol::Star},
    {"/", Symbol::Slash},
    {"%", Symbol::Percent},
    {"<", Symbol::Less},
    {">", Symbol::Greater},
    {"!", Symbol::Exclamation},
    {"|", Symbol::BitOr},
    {"^", Symbol::BitXor},
    {"&", Symbol::BitAnd},
    {"~", Symbol::BitNot},
    {"**", Symbol::Power},
    {"//", Symbol::FloorDivide},
    {"<<", Symbol::ShiftLeft},
    {">>", Symbol::ShiftRight},
    {"<=", Symbol::LessEqual},
    {">=", Symbol::GreaterEqual},
    {"==", Symbol::Equal},
    {"!=", Symbol::NotEqual},
    {"->", Symbol::Arrow},
    {":=", Symbol::Walrus},
    {"+=", Symbol::AddAssign},
    {"-=", Symbol::SubtractAssign},
    {"*=", Symbol::MultiplyAssign},
    {"...", Symbol::Ellipsis},
});

/// The operators of one character, by it; the list of all holds them first.
constexpr std::array<Symbol, 128> singleOperators() {
  std::array<Symbol, 128> symbols{};
  for (const Spelling &entry : operators)
    if (entry.text.size() == 1)
      symbols.at(static_cast<unsigned char>(entry.text[0])) = entry.symbol;
  return symbols;
}

Symbol singleOperator(char c) {
  static constexpr std::array<Symbol, 128> symbols = singleOperators();
  const auto index = static_cast<unsigned char>(c);
  return index < symbols.size() ? symbols[index] : Symbol::None;
}

Symbol longOperator(std::string_view text) {
  for (const Spelling &entry : operators)
    if (entry.text.size() == text.size() && entry.text == text)
      return entry.symbol;
  return Symbol::None;
}

/// The keywords that begin with each character; bits.
constexpr std::array<std::uint32_t, 128> keywordsByLetter() {
  static_assert(keywords.size() <= 32);
  std::array<std::uint32_t, 128> sets{};
  for (std::size_t i = 0; i < keywords.size(); ++i)
    sets.at(static_cast<unsigned char>(keywords.at(i).text[0])) |= std::uint32_t{1} << i;
  return sets;
}

Symbol keywordNamed(std::string_view text) {
  static constexpr std::array<std::uint32_t, 128> sets = keywordsByLetter();
  constexpr std::size_t longest = 8; // "continue", "nonlocal"
  const auto letter = static_cast<unsigned char>(text[0]);
  if (text.size() < 2 || text.size() > longest || letter >= sets.size())
    return Symbol::None;
  for (std::uint32_t rest = sets[letter]; rest != 0; rest &= rest - 1) {
    const Spelling &entry = keywords[static_cast<std::size_t>(std::countr_zero(rest))];
    if (entry.text == text)
      return entry.symbol;
  }
  return Symbol::None;
}

} // namespace

std::string_view spelling(Symbol symbol) {
  for (const Spelling &entry : keywords)
    if (entry.symbol == symbol && symbol != Symbol::Reserved)
      return entry.text;
  for (const Spelling &entry : operators)
    if (entry.symbol == symbol)
      return entry.text;
  return {};
}

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
             bool inExpression, Prefixes &prefixes, DiagnosticEngine &diagnostics)
    : text_(sources.text(file)), base_(sources.location(file, 0).raw()), position_(begin),
      end_(end), inExpression_(inExpression), atLineStart_(!inExpression), prefixes_(prefixes),
      diagnostics_(diagnostics) {
  if (begin == 0 && text_.starts_with(byteOrderMark))
    position_ = static_cast<std::uint32_t>(byteOrderMark.size());
}

Token Lexer::make(TokenKind kind, std::uint32_t begin, Symbol symbol) const {
  return {kind, symbol, begin, position_, {text_.data() + begin, position_ - begin}};
}

void Lexer::badToken(std::uint32_t begin, std::uint32_t end, std::string_view what) {
  if (!isMuted_)
    diagnostics_.report(DiagnosticCode::TirBadToken, range(begin, end), what);
  ++guesses_;
}

bool Lexer::skipArguments() {
  if (peek() != '(')
    return false;
  int round = 0;
  int square = 0;
  for (std::uint32_t at = position_; at < end_; ++at) {
    switch (text_[at]) {
    case '(':
      ++round;
      break;
    case ')':
      if (--round > 0)
        break;
      if (square != 0)
        return false;
      position_ = at + 1;
      return true;
    case '[':
      ++square;
      break;
    case ']':
      if (--square < 0)
        return false;
      break;
    default:
      if (!is(text_[at], namePart | blank | joint))
        return false;
    }
  }
  return false;
}

Token Lexer::skipNumber(bool mayBeFloat) {
  const std::uint32_t before = position_;
  if (peek() == '(') {
    const std::uint32_t begin = ++position_;
    if (peek() == '-')
      ++position_;
    Token token;
    if (isDigit(peek()))
      token = number();
    const bool isWanted =
        token.kind == TokenKind::Integer || (token.kind == TokenKind::Float && mayBeFloat);
    if (isWanted && peek() == ')') {
      token.begin = begin;
      token.text = textFrom(begin, token.end);
      ++position_;
      return token;
    }
  }
  position_ = before;
  return {};
}

void Lexer::leaveBrackets() { brackets_.clear(); }

void Lexer::stop() {
  isStopped_ = true;
  position_ = end_;
  brackets_.clear();
  indents_.assign(1, {});
  pendingIndents_ = 0;
  lineHasTokens_ = false;
  atLineStart_ = false;
}

void Lexer::skipLineBreak() {
  if (peek() == '\r' && peek(1) == '\n')
    ++position_;
  ++position_;
}

void Lexer::skipComment() {
  while (!atEnd() && peek() != '\n' && peek() != '\r')
    ++position_;
}

void Lexer::readComment() {
  const std::uint32_t begin = position_ + 1;
  skipComment();
  prefixes_.readImport(text_.substr(begin, position_ - begin));
}

void Lexer::skipBlank() {
  while (!atEnd()) {
    char c = peek();
    if (is(c, blank)) {
      ++position_;
    } else if (!is(c, between | doubtful)) {
      return;
    } else if (c == '#') {
      skipComment();
    } else if (c == '\\' && (peek(1) == '\n' || peek(1) == '\r')) {
      ++position_;
      skipLineBreak();
    } else if ((c == '\n' || c == '\r') && !linesMatter()) {
      skipLineBreak();
    } else if (!skipBlankLookAlike()) {
      return;
    }
  }
}

void Lexer::startLine() {
  atLineStart_ = false;
  Indent indent{};
  std::uint32_t lineBegin = position_;
  constexpr std::uint32_t tabStop = 8;
  while (!atEnd()) {
    char c = peek();
    if (c == ' ') {
      ++indent.width;
      ++indent.narrow;
      ++position_;
    } else if (c == '\t') {
      indent.width = (indent.width / tabStop + 1) * tabStop;
      ++indent.narrow;
      ++position_;
    } else if (c == '\f') {
      ++position_;
    } else if (skipBlankLookAlike()) {
      ++indent.width;
      ++indent.narrow;
      ++guesses_;
    } else if (c == '\n' || c == '\r') {
      skipLineBreak();
      indent = {};
      lineBegin = position_;
    } else if (c == '#') {
      readComment();
    } else {
      changeIndent(indent, lineBegin);
      return;
    }
  }
}

void Lexer::stopAtMixedTabs(std::uint32_t begin) {
  badToken(
      begin, position_,
      "tabs and spaces are mixed here, and how far the line is indented depends on the width of "
      "a tab");
  stop();
}

void Lexer::indentDeeper(Indent indent, std::uint32_t begin) {
  if (indents_.size() >= maxIndentLevels) {
    diagnostics_.report(DiagnosticCode::TirNesting, range(begin, position_));
    stop();
  } else if (indent.narrow <= indents_.back().narrow) {
    stopAtMixedTabs(begin);
  } else {
    indents_.push_back(indent);
    pendingIndents_ = 1;
  }
}

void Lexer::changeIndent(Indent indent, std::uint32_t begin) {
  if (strayLevels_ == indents_.size() && stray_ == indent)
    return;
  if (indent.width > indents_.back().width)
    return indentDeeper(indent, begin);
  Indent left{};
  while (indent.width < indents_.back().width) {
    left = indents_.back();
    indents_.pop_back();
    --pendingIndents_;
  }
  if (indents_.size() < strayLevels_)
    strayLevels_ = 0;
  if (indent.width == indents_.back().width) {
    if (indent.narrow != indents_.back().narrow)
      stopAtMixedTabs(begin);
    return;
  }
  badToken(begin, position_, "this indentation matches no outer level");
  // The line is taken for one of the block that it stands too far left for, and so are those below
  // that stand where it does.
  indents_.push_back(left);
  ++pendingIndents_;
  stray_ = indent;
  strayLevels_ = indents_.size();
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
    if (pendingIndents_ != 0)
      return indentation();
    skipBlank();
    if (atEnd())
      return endOfFile();
    const char c = text_[position_];
    lineHasTokens_ = !inExpression_;
    if (is(c, nameStart) || isLetter())
      return startsString() ? string(position_) : name();
    if (isDigit(c) || (c == '.' && isDigit(peek(1))))
      return number();
    if (c == '"' || c == '\'')
      return string(position_);
    if (c == '\n' || c == '\r')
      return lineEnd();
    if (const LookAlike *found = lookAlike(); found && found->isQuote())
      return misquoted(*found);
    Token token = punctuation();
    if (token.kind == TokenKind::Operator)
      return token;
  }
}

/// The next of the indents or dedents that the line begins with.
Token Lexer::indentation() {
  const bool isIndent = pendingIndents_ > 0;
  pendingIndents_ += isIndent ? -1 : 1;
  return make(isIndent ? TokenKind::Indent : TokenKind::Dedent, position_);
}

Token Lexer::lineEnd() {
  const std::uint32_t begin = position_;
  skipLineBreak();
  atLineStart_ = true;
  lineHasTokens_ = false;
  Token token = make(TokenKind::Newline, begin);
  token.end = begin;
  return token;
}

Token Lexer::name() {
  const std::uint32_t begin = position_;
  const char *text = text_.data();
  bool isDotted = false;
  while (true) {
    do
      ++position_;
    while (position_ < end_ && (is(text[position_], namePart) || isLetter()));
    if (peek() != '.' || !is(peek(1), nameStart | doubtful))
      break;
    isDotted = true;
    ++position_;
  }
  if (isDotted)
    return make(TokenKind::DottedName, begin);
  return make(TokenKind::Name, begin, keywordNamed(text_.substr(begin, position_ - begin)));
}

Token Lexer::number() {
  std::uint32_t begin = position_;
  bool isFloat = false;
  if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X' || peek(1) == 'b' || peek(1) == 'B')) {
    while (!atEnd() && is(peek(), namePart))
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
  if (!is(text_[position_], stringPrefix))
    return false;
  std::uint32_t ahead = 0;
  while (ahead < 2 && is(peek(ahead), stringPrefix))
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

std::pair<Symbol, std::uint32_t> Lexer::operatorHere() const {
  const Symbol single = singleOperator(peek());
  if (single == Symbol::None)
    return {single, 0};
  if (peek() == '.' && peek(1) == '.' && peek(2) == '.')
    return {Symbol::Ellipsis, 3};
  // Most operators stand before a blank, a name or a bracket.
  const Symbol next = singleOperator(peek(1));
  const bool mayBeLong = next >= Symbol::Assign && single >= Symbol::Colon;
  const Symbol both = mayBeLong ? longOperator(text_.substr(position_, 2)) : Symbol::None;
  return both == Symbol::None ? std::pair(single, 1U) : std::pair(both, 2U);
}

Token Lexer::punctuation() {
  const std::uint32_t begin = position_;
  auto [symbol, length] = operatorHere();
  if (length == 0) {
    const LookAlike *found = lookAlike();
    if (!found) {
      badCharacters();
      return {};
    }
    symbol = longOperator(found->meant);
    length = static_cast<std::uint32_t>(found->length);
    reportLookAlike(*found);
  }
  position_ += length;
  switch (symbol) {
  case Symbol::LeftParenthesis:
  case Symbol::LeftBracket:
  case Symbol::LeftBrace:
    brackets_.push_back(begin);
    break;
  case Symbol::RightParenthesis:
  case Symbol::RightBracket:
  case Symbol::RightBrace:
    if (!brackets_.empty())
      brackets_.pop_back();
    break;
  default:
    break;
  }
  return make(TokenKind::Operator, begin, symbol);
}

const LookAlike *Lexer::lookAlike() const {
  return is(peek(), doubtful) ? lookAlikeAt(text_.substr(position_, end_ - position_)) : nullptr;
}

bool Lexer::isLetter() const { return is(peek(), doubtful) && lookAlike() == nullptr; }

bool Lexer::skipBlankLookAlike() {
  const LookAlike *found = lookAlike();
  if (!found || !found->isBlank())
    return false;
  reportLookAlike(*found);
  position_ += static_cast<std::uint32_t>(found->length);
  return true;
}

DiagnosticBuilder Lexer::reportLookAlike(const LookAlike &found) {
  const auto code = static_cast<std::uint32_t>(found.codePoint);
  if (isMuted_ || std::ranges::find(reportedLookAlikes_, code) != reportedLookAlikes_.end())
    return DiagnosticBuilder(nullptr);
  reportedLookAlikes_.push_back(code);
  const SourceRange place = range(position_, position_ + static_cast<std::uint32_t>(found.length));
  DiagnosticBuilder report =
      diagnostics_.report(DiagnosticCode::TirBadToken, place, describe(found));
  report.fixIt(place, std::string(found.meant));
  const std::string_view character = text_.substr(position_, found.length);
  std::size_t others = 0;
  for (std::size_t at = position_ + found.length;
       (at = text_.find(character, at)) < end_ && at != std::string_view::npos; at += found.length)
    ++others;
  if (others > 0)
    report.note({}, "this character stands in " + std::to_string(others) +
                        (others == 1 ? " other place" : " other places") + " behind this one");
  return report;
}

Token Lexer::misquoted(const LookAlike &opening) {
  const std::uint32_t begin = position_;
  DiagnosticBuilder report = reportLookAlike(opening);
  position_ += static_cast<std::uint32_t>(opening.length);
  const std::uint32_t content = position_;
  const LookAlike *closing = nullptr;
  while (!atEnd() && peek() != '\n' && peek() != '\r' && peek() != opening.meant[0]) {
    closing = lookAlike();
    if (closing && closing->meant == opening.meant)
      break;
    ++position_;
  }
  const std::uint32_t end = position_;
  if (peek() == opening.meant[0]) {
    ++position_;
  } else if (closing && closing->meant == opening.meant) {
    position_ += static_cast<std::uint32_t>(closing->length);
    report.fixIt(range(end, position_), std::string(closing->meant));
  } else {
    ++guesses_;
  }
  Token token = make(TokenKind::String, begin);
  token.text = text_.substr(content, end - content); // without the quotes
  return token;
}

void Lexer::badCharacters() {
  const std::uint32_t begin = position_;
  auto isBad = [](char c) {
    return !is(c, namePart | blank) && c != '\n' && c != '\r' && c != '"' && c != '\'' &&
           c != '#' && singleOperator(c) == Symbol::None;
  };
  do {
    ++position_;
  } while (!atEnd() && isBad(peek()));
  badToken(begin, position_, "unexpected character");
}

} // namespace acadlc::tir
