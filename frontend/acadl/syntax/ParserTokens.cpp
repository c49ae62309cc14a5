#include "frontend/acadl/syntax/ParserTokens.h"

#include "support/TextEncoding.h"

#include <fmt/format.h>
#include <llvm/Support/ConvertUTF.h>
#include <llvm/Support/Unicode.h>

#include <algorithm>
#include <array>
#include <optional>

namespace acadlc::parsing {

using Token = grammar::AcadlParser; // the types of tokens

// ---- errors -------------------------------------------------------------------------------------

SourceRange ErrorList::range(std::uint32_t begin, std::uint32_t end) const {
  const auto place = [this](std::uint32_t offset) {
    return sources_.location(file_, begin_ + std::max(offset, lead_) - lead_);
  };
  return {place(begin), place(end)};
}

ErrorList::Entry &ErrorList::add(DiagnosticCode code, std::uint32_t begin, std::uint32_t end,
                                 std::vector<std::string> arguments) {
  entries_.push_back({code, range(begin, end), std::move(arguments), {}, {}, false});
  entries_.back().arguments.resize(2);
  return entries_.back();
}

void ErrorList::report(DiagnosticEngine &diagnostics) {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry &a, const Entry &b) { return a.range.begin < b.range.begin; });
  std::optional<std::uint32_t> lastLine;
  for (const Entry &entry : entries_) {
    const std::uint32_t line = sources_.lineColumn(entry.range.begin).line;
    if (entry.maybeConsequence && lastLine == line)
      continue;
    lastLine = line;
    DiagnosticBuilder builder =
        diagnostics.report(entry.code, entry.range, entry.arguments[0], entry.arguments[1]);
    for (const DiagnosticNote &note : entry.notes)
      builder.note(note.range, note.message);
    for (const FixIt &fixIt : entry.fixIts)
      builder.fixIt(fixIt.range, fixIt.replacement);
  }
}

// ---- encoding -----------------------------------------------------------------------------------

bool checkEncoding(std::string_view text, ErrorList &errors) {
  const std::optional<EncodingProblem> problem = findEncodingProblem(text);
  if (!problem)
    return true;
  const auto place = static_cast<std::uint32_t>(problem->offset);
  errors.add(DiagnosticCode::UnreadableText, place, place, {problem->message});
  return false;
}

// ---- tokens -------------------------------------------------------------------------------------

namespace {

/// Feeds bytes to ANTLR's lexer as if each was a character, so that positions are byte offsets and
/// no conversion is needed. All bytes beyond ASCII look alike (DEL): the lexer treats them alike,
/// and its tables cache ASCII only.
class ByteStream final : public antlr4::CharStream {
public:
  explicit ByteStream(std::string_view text) : text_(text) {
    if (text_.starts_with(byteOrderMark))
      position_ = byteOrderMark.size();
  }
  void consume() override { ++position_; }
  std::size_t LA(ssize_t i) override {
    const std::size_t place = position_ + static_cast<std::size_t>(i < 0 ? i : i - 1);
    if (i == 0)
      return 0;
    if (place >= text_.size())
      return antlr4::IntStream::EOF;
    const auto byte = static_cast<unsigned char>(text_[place]);
    return byte < 0x80 ? byte : 0x7F;
  }
  ssize_t mark() override { return 0; }
  void release(ssize_t) override {}
  std::size_t index() override { return position_; }
  void seek(std::size_t index) override { position_ = index; }
  std::size_t size() override { return text_.size(); }
  std::string getSourceName() const override { return {}; }
  std::string getText(const antlr4::misc::Interval &) override { return {}; }
  std::string toString() const override { return {}; }

private:
  std::string_view text_;
  std::size_t position_ = 0;
};

bool isOpening(std::size_t type) {
  return type == Token::LPAREN || type == Token::LBRACKET || type == Token::LBRACE ||
         type == Token::CALL_OPEN || type == Token::INDEX_OPEN;
}
/// The closing bracket for an opening one.
std::size_t closingFor(std::size_t type) {
  if (type == Token::LBRACE)
    return Token::RBRACE;
  return type == Token::LPAREN || type == Token::CALL_OPEN ? Token::RPAREN : Token::RBRACKET;
}
bool isClosing(std::size_t type) {
  return type == Token::RPAREN || type == Token::RBRACKET || type == Token::RBRACE;
}

struct Replacement {
  std::string_view character, ascii;
};
/// Characters that word processors and keyboards put in place of ASCII.
constexpr std::array replacements = {
    Replacement{"“", "\""}, Replacement{"”", "\""}, Replacement{"„", "\""}, Replacement{"→", "->"},
    Replacement{"⇒", "=>"}, Replacement{"≤", "<="}, Replacement{"≥", ">="}, Replacement{"≠", "!="},
    Replacement{"×", "*"},  Replacement{"−", "-"},  Replacement{"–", "-"},  Replacement{"…", ".."},
};

/// A character as a message can show it without doing harm to a terminal.
std::string displayed(std::string_view character) {
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(character.data());
  llvm::UTF32 codePoint = 0;
  if (llvm::convertUTF8Sequence(&begin, begin + character.size(), &codePoint,
                                llvm::strictConversion) != llvm::conversionOK)
    return "that is not UTF-8";
  const std::string number = fmt::format("U+{:04X}", codePoint);
  if (!llvm::sys::unicode::isPrintable(static_cast<int>(codePoint)))
    return number;
  const std::string quoted = "'" + std::string(character) + "'";
  return codePoint < 0x80 ? quoted : quoted + " (" + number + ")";
}

} // namespace

TokenBuffer::TokenBuffer(std::string_view text, ErrorList &errors)
    : text_(text), bytes_(std::make_unique<ByteStream>(text)),
      lexer_(std::make_unique<grammar::AcadlLexer>(bytes_.get())) {
  lexer_->removeErrorListeners();
  read(errors);
  matchBrackets();
  for (std::size_t index = 0; index < tokens_.size(); ++index)
    markPostfix(index);
  markUnits();
}

TokenBuffer::~TokenBuffer() = default;

std::string_view TokenBuffer::textOf(const antlr4::Token &token) const {
  if (isMissing(&token) || token.getType() == antlr4::Token::EOF)
    return {};
  return text_.substr(beginOf(token), endOf(token) - beginOf(token));
}

void TokenBuffer::read(ErrorList &errors) {
  tokens_.reserve(text_.size() / 4 + 1);
  for (bool more = true; more;) {
    std::unique_ptr<antlr4::Token> token = lexer_->nextToken();
    const std::size_t type = token->getType();
    if (type == Token::DOC_COMMENT || type == Token::FILE_COMMENT)
      docComments_.push_back({beginOf(*token), endOf(*token), type == Token::FILE_COMMENT});
    if (token->getChannel() != antlr4::Token::DEFAULT_CHANNEL)
      continue;
    if (type == Token::UNTERMINATED_COMMENT || type == Token::UNKNOWN ||
        type == Token::UNTERMINATED_STRING) {
      if (!handleUnreadable(*token, errors)) {
        lexer_->getInputStream()->seek(text_.size());
        continue;
      }
      if (type == Token::UNKNOWN)
        continue;
    }
    more = type != antlr4::Token::EOF;
    std::unique_ptr<antlr4::CommonToken> owned(static_cast<antlr4::CommonToken *>(token.release()));
    owned->setTokenIndex(tokens_.size());
    if (type == Token::UNTERMINATED_STRING)
      owned->setType(Token::STRING);
    tokens_.push_back(std::move(owned));
  }
}

/// Reports a token that is none. Returns false if nothing behind it can be read.
bool TokenBuffer::handleUnreadable(const antlr4::Token &token, ErrorList &errors) {
  const std::uint32_t begin = beginOf(token);
  if (token.getType() == Token::UNTERMINATED_COMMENT) {
    errors.add(DiagnosticCode::UnterminatedComment, begin, begin + 2);
    return false;
  }
  if (token.getType() == Token::UNTERMINATED_STRING) {
    errors.add(DiagnosticCode::UnterminatedString, begin, endOf(token));
    return true;
  }
  // A run of characters that mean nothing is one mistake: take the rest of it too.
  std::uint32_t end = endOf(token);
  const auto isTail = [&](std::uint32_t place) {
    return place < text_.size() && (static_cast<unsigned char>(text_[place]) & 0x80) != 0;
  };
  while (isTail(end))
    ++end;
  // What follows is meant as a comment.
  if (text_[begin] == '#')
    end = static_cast<std::uint32_t>(std::min(text_.find('\n', begin), text_.size()));
  reportUnknown(begin, end, errors);
  lexer_->getInputStream()->seek(end);
  return true;
}

void TokenBuffer::reportUnknown(std::uint32_t begin, std::uint32_t end, ErrorList &errors) {
  const std::size_t length = std::max<std::size_t>(1, utf8CharacterLength(text_.substr(begin)));
  const std::string_view character = text_.substr(begin, length);
  ErrorList::Entry &entry =
      errors.add(DiagnosticCode::UnexpectedCharacter, begin, end, {displayed(character)});
  entry.maybeConsequence = true;
  if (character == "#")
    entry.notes.push_back({{}, "a comment begins with '//'"});
  for (const Replacement &replacement : replacements)
    if (replacement.character == character)
      entry.fixIts.push_back({errors.range(begin, begin + static_cast<std::uint32_t>(length)),
                              std::string(replacement.ascii)});
}

void TokenBuffer::matchBrackets() {
  partner_.assign(tokens_.size(), npos);
  enclosing_.assign(tokens_.size(), npos);
  std::vector<std::size_t> open;
  for (std::size_t index = 0; index < tokens_.size(); ++index) {
    const std::size_t type = tokens_[index]->getType();
    if (isClosing(type)) {
      // A '}' closes what was forgotten in front of it; other brackets do so only if they fit.
      const auto fits = [&](std::size_t bracket) {
        return closingFor(tokens_[bracket]->getType()) == type;
      };
      std::size_t depth = open.size();
      while (depth > 0 && !fits(open[depth - 1]) &&
             tokens_[open[depth - 1]]->getType() != Token::LBRACE)
        --depth;
      if (depth > 0 && fits(open[depth - 1])) {
        enclosing_[index] = open[depth - 1];
        partner_[index] = open[depth - 1];
        partner_[open[depth - 1]] = index;
        open.resize(depth - 1);
        continue;
      }
    }
    enclosing_[index] = open.empty() ? npos : open.back();
    if (isOpening(type))
      open.push_back(index);
  }
}

/// '[' and '(' behind what can be indexed and called are tokens of their own.
void TokenBuffer::markPostfix(std::size_t index) {
  antlr4::CommonToken &token = *tokens_[index];
  if (index == 0 || (token.getType() != Token::LBRACKET && token.getType() != Token::LPAREN))
    return;
  // A list that begins a line begins an item of its own: `[east, south] => neighbours`.
  if (token.getType() == Token::LBRACKET && startsLine(index) && !isInsideBrackets(index))
    return;
  const std::size_t previous = tokens_[index - 1]->getType();
  if (previous == Token::NAME || previous == Token::RBRACKET || previous == Token::RPAREN)
    token.setType(token.getType() == Token::LBRACKET ? Token::INDEX_OPEN : Token::CALL_OPEN);
}

void TokenBuffer::markUnits() {
  for (std::size_t index = 1; index + 1 < tokens_.size(); ++index)
    if (tokens_[index - 1]->getType() == Token::NUMBER &&
        tokens_[index]->getType() == Token::NAME && isUnit(index))
      tokens_[index]->setType(Token::UNIT);
}

/// Is the name at \p index, which stands behind a number, its unit? If not it starts what follows.
bool TokenBuffer::isUnit(std::size_t index) const {
  switch (tokens_[index + 1]->getType()) {
  case Token::ASSIGN: // latency = 4 read_latency = 2
  case Token::ARROW:
  case Token::FAT_ARROW:
  case Token::DOT:
  case Token::INDEX_OPEN:
  case Token::CALL_OPEN:
    return false;
  case Token::COLON: { // [for i in 0 .. 4 words: i] against let n = 4 object: Class
    const std::size_t bracket = enclosing_[index];
    return bracket != npos && tokens_[bracket]->getType() != Token::LBRACE;
  }
  case Token::COMMA:
    return !startsObjectList(index + 1);
  default:
    return true;
  }
}

/// Does `, b, c[4]: Class` stand at \p comma, in a block?
bool TokenBuffer::startsObjectList(std::size_t comma) const {
  if (enclosing_[comma] == npos || !isBlock(enclosing_[comma]))
    return false;
  std::size_t index = comma;
  while (tokens_[index]->getType() == Token::COMMA) {
    if (tokens_[++index]->getType() != Token::NAME)
      return false;
    ++index;
    while (tokens_[index]->getType() == Token::INDEX_OPEN && partner_[index] != npos)
      index = partner_[index] + 1;
  }
  return tokens_[index]->getType() == Token::COLON;
}

/// Does the '{' at \p brace open a block, in contrast to a table?
bool TokenBuffer::isBlock(std::size_t brace) const {
  if (tokens_[brace]->getType() != Token::LBRACE || brace == 0)
    return false;
  switch (tokens_[brace - 1]->getType()) {
  case Token::NAME:
  case Token::UNIT:
  case Token::NUMBER:
  case Token::STRING:
  case Token::RPAREN:
  case Token::RBRACKET:
  case Token::RBRACE:
  case Token::CONTAINS:
  case Token::ELSE:
  case Token::EXPANDS:
    return true;
  default:
    return false;
  }
}

bool TokenBuffer::startsLine(std::size_t index) const {
  if (index == 0)
    return true;
  const std::uint32_t end = endOf(*tokens_[index - 1]);
  return text_.substr(end, beginOf(*tokens_[index]) - end).find_first_of("\r\n") !=
         std::string_view::npos;
}

bool TokenBuffer::isInsideBrackets(std::size_t index) const {
  const std::size_t open = enclosing_[index];
  return open != npos && tokens_[open]->getType() != Token::LBRACE;
}

void TokenBuffer::turnIntoName(std::size_t index) {
  tokens_[index]->setType(Token::NAME);
  if (index + 1 < tokens_.size())
    markPostfix(index + 1);
}

antlr4::Token *TokenBuffer::makeMissing(std::size_t type) {
  missing_.push_back(std::make_unique<antlr4::CommonToken>(type));
  missing_.back()->setTokenIndex(INVALID_INDEX);
  return missing_.back().get();
}

antlr4::Token *TokenBuffer::LT(ssize_t k) {
  if (k == 0)
    return nullptr;
  if (k < 0) {
    const auto back = static_cast<std::size_t>(-k);
    return back > position_ ? nullptr : tokens_[position_ - back].get();
  }
  return tokens_[std::min(position_ + static_cast<std::size_t>(k) - 1, tokens_.size() - 1)].get();
}

std::size_t TokenBuffer::LA(ssize_t i) {
  const antlr4::Token *token = LT(i);
  return token == nullptr ? antlr4::Token::INVALID_TYPE : token->getType();
}

void TokenBuffer::consume() {
  if (position_ + 1 < tokens_.size())
    ++position_;
}

} // namespace acadlc::parsing
