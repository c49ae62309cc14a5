/// \file
/// Private to the parser: from a text to the tokens that the generated parser reads.
#pragma once

#include "grammar/AcadlLexer.h"
#include "grammar/AcadlParser.h"
#include "support/Diagnostics.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::parsing {

/// The syntax errors of one text. They are found by several passes and reported at the end, in the
/// order of the text; of several unexpected tokens in one line only the first is kept, because the
/// others are mostly consequences.
class ErrorList {
public:
  struct Entry {
    DiagnosticCode code{};
    SourceRange range;
    std::vector<std::string> arguments; ///< at most two
    std::vector<DiagnosticNote> notes;
    std::vector<FixIt> fixIts;
    bool maybeConsequence = false;
  };

  /// What is parsed begins \p lead bytes in front of byte \p begin of \p file; places in those
  /// bytes count as \p begin.
  ErrorList(const SourceManager &sources, FileId file, std::uint32_t begin = 0,
            std::uint32_t lead = 0)
      : sources_(sources), file_(file), begin_(begin), lead_(lead) {}

  /// The reference is good until the next error is added.
  Entry &add(DiagnosticCode code, std::uint32_t begin, std::uint32_t end,
             std::vector<std::string> arguments = {});
  [[nodiscard]] SourceRange range(std::uint32_t begin, std::uint32_t end) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  void report(DiagnosticEngine &diagnostics);

private:
  const SourceManager &sources_;
  FileId file_;
  std::uint32_t begin_, lead_;
  std::vector<Entry> entries_;
};

/// A `///` or `//!` comment.
struct DocComment {
  std::uint32_t begin = 0, end = 0;
  bool isOfFile = false;
};

/// All tokens of a text, without white space and comments, as ANTLR's parser wants them. Token
/// positions are byte offsets.
class TokenBuffer final : public antlr4::TokenStream {
public:
  static constexpr std::size_t npos = ~std::size_t{0};

  /// Reads all of \p text; it must be valid UTF-8.
  TokenBuffer(std::string_view text, ErrorList &errors);
  ~TokenBuffer() override;

  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] std::string_view textOf(const antlr4::Token &token) const;
  [[nodiscard]] const std::vector<DocComment> &docComments() const { return docComments_; }
  /// Index of the bracket that belongs to the bracket at \p index; npos if it has none.
  [[nodiscard]] std::size_t partner(std::size_t index) const { return partner_[index]; }
  /// Index of the innermost bracket that is open at token \p index; npos if none is.
  [[nodiscard]] std::size_t enclosing(std::size_t index) const { return enclosing_[index]; }
  [[nodiscard]] bool startsLine(std::size_t index) const;
  /// Whether the innermost bracket that is open at token \p index is a `(` or `[`.
  [[nodiscard]] bool isInsideBrackets(std::size_t index) const;
  /// Lets the reserved word at \p index count as a name.
  void turnIntoName(std::size_t index);
  /// A token that stands for one that is missing; its index is invalid.
  antlr4::Token *makeMissing(std::size_t type);

  // ---- antlr4::TokenStream
  antlr4::Token *LT(ssize_t k) override;
  antlr4::Token *get(std::size_t index) const override { return tokens_[index].get(); }
  antlr4::TokenSource *getTokenSource() const override { return lexer_.get(); }
  std::string getText(const antlr4::misc::Interval &) override { return {}; }
  std::string getText() override { return {}; }
  std::string getText(antlr4::RuleContext *) override { return {}; }
  std::string getText(antlr4::Token *, antlr4::Token *) override { return {}; }
  void consume() override;
  std::size_t LA(ssize_t i) override;
  ssize_t mark() override { return 0; }
  void release(ssize_t) override {}
  std::size_t index() override { return position_; }
  void seek(std::size_t index) override { position_ = std::min(index, tokens_.size() - 1); }
  std::size_t size() override { return tokens_.size(); }
  std::string getSourceName() const override { return {}; }

private:
  void read(ErrorList &errors);
  bool handleUnreadable(const antlr4::Token &token, ErrorList &errors);
  void reportUnknown(std::uint32_t begin, std::uint32_t end, ErrorList &errors);
  void matchBrackets();
  void markPostfix(std::size_t index);
  void markUnits();
  [[nodiscard]] bool isUnit(std::size_t index) const;
  [[nodiscard]] bool startsObjectList(std::size_t comma) const;
  [[nodiscard]] bool isBlock(std::size_t brace) const;

  std::string_view text_;
  std::unique_ptr<antlr4::CharStream> bytes_;
  std::unique_ptr<grammar::AcadlLexer> lexer_;
  std::vector<std::unique_ptr<antlr4::CommonToken>> tokens_, missing_;
  std::vector<std::size_t> partner_, enclosing_;
  std::vector<DocComment> docComments_;
  std::size_t position_ = 0;
};

/// Byte range of a token, half-open.
inline std::uint32_t beginOf(const antlr4::Token &token) {
  return static_cast<std::uint32_t>(token.getStartIndex());
}
inline std::uint32_t endOf(const antlr4::Token &token) {
  return static_cast<std::uint32_t>(token.getStopIndex() + 1);
}
/// Tokens that the error strategy made up have no place in the text.
inline bool isMissing(const antlr4::Token *token) {
  return token == nullptr || token->getTokenIndex() == INVALID_INDEX;
}

/// Is \p type one of the language's words?
inline bool isWord(std::size_t type) {
  return type >= grammar::AcadlLexer::IMPORT && type <= grammar::AcadlLexer::NOT;
}

/// Why \p text cannot be read as UTF-8 text; reported as one error. True if it can.
bool checkEncoding(std::string_view text, ErrorList &errors);

} // namespace acadlc::parsing
