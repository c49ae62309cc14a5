/// \file
/// Private to the parser: what is said of tokens that do not fit, and how reading goes on.
#pragma once

#include "frontend/acadl/syntax/ParserTokens.h"

namespace acadlc::parsing {

/// Thrown out of the generated parser to end parsing early; an error has been reported.
struct ParsingStopped {};

/// Takes the place of ANTLR's error strategy: words errors for people, takes a reserved word in the
/// place of a name for one, and skips bracketed groups as a whole on its way to a place to go on.
class ErrorStrategy final : public antlr4::DefaultErrorStrategy {
public:
  ErrorStrategy(TokenBuffer &tokens, ErrorList &errors) : tokens_(tokens), errors_(errors) {}

  void reportError(antlr4::Parser *parser, const antlr4::RecognitionException &error) override;
  void sync(antlr4::Parser *parser) override;
  antlr4::Token *recoverInline(antlr4::Parser *parser) override;

protected:
  void reportUnwantedToken(antlr4::Parser *parser) override;
  void reportMissingToken(antlr4::Parser *parser) override;
  antlr4::Token *singleTokenDeletion(antlr4::Parser *parser) override;
  void consumeUntil(antlr4::Parser *parser, const antlr4::misc::IntervalSet &set) override;

private:
  void reportUnexpected(antlr4::Parser &parser, const antlr4::misc::IntervalSet &expected,
                        std::size_t found);
  bool reportReservedWord(std::size_t index);
  bool takeWordAsName(antlr4::Parser &parser);
  [[nodiscard]] std::string describeToken(std::size_t index) const;
  [[nodiscard]] std::string place(antlr4::Parser &parser, const antlr4::misc::IntervalSet &expected,
                                  std::size_t found) const;
  void addNotes(ErrorList::Entry &entry, const antlr4::misc::IntervalSet &expected,
                std::size_t found) const;

  TokenBuffer &tokens_;
  ErrorList &errors_;
  std::size_t last_ = 0; ///< the token of the last error, if there was one
  bool hasLast_ = false;
};

} // namespace acadlc::parsing
