#include "frontend/acadl/syntax/ParserErrors.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringRef.h>

#include <set>

namespace acadlc::parsing {

using antlr4::misc::IntervalSet;
using Token = grammar::AcadlParser; // the types of tokens

namespace {

/// A file with more errors than this is no .acadl text; reading on would only cost time.
constexpr std::size_t maxSyntaxErrors = 1'000;
constexpr std::size_t maxShownLength = 40;
constexpr std::size_t consequenceDistance = 2;

// ---- words for sets of tokens -------------------------------------------------------------------

/// Tokens that are better called by what they start. The group counts if all of `needs` are
/// expected; then its words stand for all of `covers`.
struct TokenGroup {
  std::vector<std::string> words;
  std::vector<std::size_t> needs, covers;
};

const std::vector<TokenGroup> &tokenGroups() {
  static const std::vector<TokenGroup> groups = {
      {{"a declaration"},
       {Token::IMPORT, Token::PREFER},
       {Token::IMPORT, Token::ENUM, Token::CONST, Token::FUNCTION, Token::INSTRUCTION,
        Token::TEMPLATE, Token::ARCHITECTURE, Token::MAPPING, Token::PROGRAM, Token::PREFER,
        Token::EXPERIMENT, Token::SCALAR, antlr4::Token::EOF}},
      {{"an object", "an edge", "a statement"},
       {Token::PORT, Token::ROUTE},
       {Token::PORT, Token::NAME, Token::LBRACKET, Token::FOR, Token::IF, Token::LET,
        Token::REQUIRE, Token::CLOCK, Token::ROUTE, Token::INSTRUCTION, Token::FUNCTION}},
      {{"a statement"},
       {Token::PARAM, Token::EMIT},
       {Token::PARAM, Token::LET, Token::REQUIRE, Token::FOR, Token::IF, Token::PLACE,
        Token::BUFFER, Token::EMIT, Token::VIA}},
      {{"a statement"},
       {Token::RETURN, Token::LET},
       {Token::LET, Token::NAME, Token::FOR, Token::IF, Token::RETURN, Token::REQUIRE}},
      {{"an attribute", "'phase'", "'expands'", "'require'"},
       {Token::PHASE, Token::NAME},
       {Token::PHASE, Token::NAME, Token::EXPANDS, Token::REQUIRE, Token::COMMA}},
      {{"an expression"},
       {Token::NUMBER, Token::STRING, Token::TRUE},
       {Token::NUMBER, Token::STRING, Token::TRUE, Token::FALSE, Token::NAME, Token::LPAREN,
        Token::LBRACKET, Token::LBRACE, Token::MINUS, Token::NOT, Token::IF}},
      {{"a key"},
       {Token::NUMBER, Token::STRING, Token::NAME},
       {Token::NUMBER, Token::STRING, Token::NAME}},
      {{}, // an operator would always do: what ends the expression says more
       {Token::STAR, Token::PERCENT, Token::DOTDOT},
       {Token::STAR, Token::SLASH, Token::PERCENT, Token::PLUS, Token::MINUS, Token::DOTDOT,
        Token::LT, Token::LE, Token::GT, Token::GE, Token::EQ, Token::NE, Token::AND, Token::OR}},
      {{}, {}, {Token::UNIT, Token::DOT, Token::INDEX_OPEN, Token::CALL_OPEN}},
  };
  return groups;
}

std::string describeType(std::size_t type, const antlr4::dfa::Vocabulary &vocabulary) {
  switch (type) {
  case Token::NAME:
    return "a name";
  case Token::NUMBER:
    return "a number";
  case Token::STRING:
    return "a string";
  case Token::UNIT:
    return "a unit";
  case Token::INDEX_OPEN:
    return "'['";
  case Token::CALL_OPEN:
    return "'('";
  case antlr4::Token::EOF:
    return "the end of the file";
  default:
    return vocabulary.getLiteralName(type); // in quotes already
  }
}

bool endsSomething(std::size_t type) {
  return type == Token::RPAREN || type == Token::RBRACKET || type == Token::RBRACE ||
         type == antlr4::Token::EOF;
}

std::set<std::size_t> typesOf(const IntervalSet &set) {
  std::set<std::size_t> types;
  for (const ssize_t type : set.toList())
    if (type != static_cast<ssize_t>(antlr4::Token::EPSILON))
      types.insert(static_cast<std::size_t>(type));
  return types;
}

/// "a", "a or b", "a, b or c"
std::string joinAlternatives(const std::vector<std::string> &words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

std::string describeSet(const IntervalSet &set, const antlr4::dfa::Vocabulary &vocabulary) {
  std::set<std::size_t> types = typesOf(set);
  std::vector<std::string> words;
  for (const TokenGroup &group : tokenGroups()) {
    if (!llvm::all_of(group.needs, [&](std::size_t type) { return types.count(type) != 0; }))
      continue;
    std::set<std::size_t> rest = types;
    for (const std::size_t type : group.covers)
      rest.erase(type);
    if (group.words.empty() && rest.empty() && words.empty())
      continue;
    types = std::move(rest);
    words.insert(words.end(), group.words.begin(), group.words.end());
  }
  // What goes on stands in front of what ends.
  for (const bool isEnd : {false, true})
    for (const std::size_t type : types)
      if (std::string word = describeType(type, vocabulary);
          isEnd == endsSomething(type) && !llvm::is_contained(words, word))
        words.push_back(std::move(word));
  return words.empty() ? "something else" : joinAlternatives(words);
}

// ---- what may follow behind a token that fits ---------------------------------------------------

/// Follows the grammar's automaton from the state of a decision over one token that was fine, to
/// learn what could have stood behind it. Needed where ANTLR looks two tokens ahead: it knows that
/// the second one is wrong, but answers with what could have stood in place of the first.
class LookAhead {
public:
  LookAhead(const antlr4::atn::ATN &atn, const antlr4::Parser &parser, std::size_t token)
      : atn_(atn), token_(token) {
    std::vector<antlr4::atn::ATNState *> calls;
    for (auto *context =
             dynamic_cast<antlr4::RuleContext *>(const_cast<antlr4::Parser &>(parser).getContext());
         context != nullptr &&
         context->invokingState != antlr4::atn::ATNState::INVALID_STATE_NUMBER;
         context = dynamic_cast<antlr4::RuleContext *>(context->parent))
      calls.push_back(follow(context->invokingState));
    outer_.assign(calls.rbegin(), calls.rend());
  }

  IntervalSet expectedBehind(std::size_t state) {
    visit(atn_.states[state], outer_, false);
    return result_;
  }

private:
  using Stack = std::vector<antlr4::atn::ATNState *>;

  antlr4::atn::ATNState *follow(std::size_t invoking) const {
    const auto *call =
        static_cast<const antlr4::atn::RuleTransition *>(atn_.states[invoking]->transitions[0]);
    return call->followState;
  }

  void visit(antlr4::atn::ATNState *state, const Stack &stack, bool isBehind) {
    const auto key = std::make_tuple(state->stateNumber, stack.size(),
                                     stack.empty() ? 0 : stack.back()->stateNumber, isBehind);
    if (!visited_.insert(key).second)
      return;
    if (state->getStateType() == antlr4::atn::ATNState::RULE_STOP) {
      if (stack.empty())
        return;
      visit(stack.back(), Stack(stack.begin(), stack.end() - 1), isBehind);
      return;
    }
    for (antlr4::atn::Transition *transition : state->transitions)
      follow(*transition, stack, isBehind);
  }

  void follow(antlr4::atn::Transition &transition, const Stack &stack, bool isBehind) {
    using antlr4::atn::Transition;
    if (transition.getSerializationType() == Transition::RULE) {
      Stack inner = stack;
      inner.push_back(static_cast<antlr4::atn::RuleTransition &>(transition).followState);
      visit(transition.target, inner, isBehind);
    } else if (transition.isEpsilon()) {
      visit(transition.target, stack, isBehind);
    } else if (isBehind) {
      result_.addAll(transition.label());
    } else if (transition.matches(token_, 1, atn_.maxTokenType)) {
      visit(transition.target, stack, true);
    }
  }

  const antlr4::atn::ATN &atn_;
  std::size_t token_;
  Stack outer_;
  std::set<std::tuple<std::size_t, std::size_t, std::size_t, bool>> visited_;
  IntervalSet result_;
};

// ---- words of the language in the place of names ------------------------------------------------

/// Tokens that show that the word in front of them was meant as a name.
bool canFollowName(std::size_t type) {
  switch (type) {
  case Token::COLON:
  case Token::ASSIGN:
  case Token::COMMA:
  case Token::DOT:
  case Token::ARROW:
  case Token::FAT_ARROW:
  case Token::RPAREN:
  case Token::RBRACKET:
  case Token::LBRACE:
  case Token::RBRACE:
  case Token::LPAREN:
  case Token::LBRACKET:
  case Token::IN:
  case Token::ON:
  case Token::LT:
  case Token::PLUS:
  case Token::STAR:
  case Token::SLASH:
  case Token::PLUS_ASSIGN:
    return true;
  default:
    return false;
  }
}

/// Tokens behind a word that starts something which make sense only if the word was a name.
bool makesWordAName(std::size_t word, std::size_t type) {
  if (word == Token::ELSE || word == Token::THEN || word == Token::LET || word == Token::CONST)
    return false;
  return type == Token::COLON || type == Token::ASSIGN || type == Token::DOT ||
         type == Token::ARROW || type == Token::FAT_ARROW || type == Token::COMMA;
}

bool startsPhaseClause(std::size_t type) {
  return type == Token::AFTER || type == Token::HOLDING || type == Token::SIGNALS ||
         type == Token::TOGETHER;
}

/// What stands in front of the expected token, for the messages that gain by it.
std::string_view whatIsInFront(std::size_t rule) {
  switch (rule) {
  case Token::RuleParameter:
    return "the parameter's name";
  case Token::RuleOperand:
    return "the operand's name";
  case Token::RulePortDeclaration:
    return "the port's name";
  case Token::RuleAttribute:
    return "the attribute's name";
  case Token::RuleConstantDeclaration:
    return "the constant's name";
  case Token::RuleBinding:
    return "the name";
  case Token::RuleTableEntry:
    return "the table's key";
  case Token::RuleLoopHeader:
    return "the loop's name";
  case Token::RuleMappingDeclaration:
  case Token::RuleProgramDeclaration:
    return "the architecture's name";
  default:
    return {};
  }
}

std::size_t indexOf(const antlr4::Token &token) { return token.getTokenIndex(); }

} // namespace

std::string ErrorStrategy::describeToken(std::size_t index) const {
  const antlr4::Token &token = *tokens_.get(index);
  if (token.getType() == antlr4::Token::EOF)
    return "the end of the file";
  const std::string_view text = tokens_.textOf(token);
  if (token.getType() == Token::STRING)
    return "a string";
  if (text.size() > maxShownLength)
    return "'" + std::string(text.substr(0, maxShownLength)) + "…'";
  return "'" + std::string(text) + "'";
}

/// " behind …" where it helps, else nothing.
std::string ErrorStrategy::place(antlr4::Parser &parser, const IntervalSet &expected,
                                 std::size_t found) const {
  if (found == 0)
    return {};
  const antlr4::Token &previous = *tokens_.get(found - 1);
  const auto comesBehindName = [](std::size_t type) {
    return type == Token::COLON || type == Token::ASSIGN || type == Token::IN ||
           type == Token::COMMA || type == Token::INDEX_OPEN;
  };
  if (previous.getType() == Token::NAME && llvm::all_of(typesOf(expected), comesBehindName))
    if (const std::string_view front = whatIsInFront(parser.getContext()->getRuleIndex());
        !front.empty())
      return " behind " + std::string(front);
  if (isWord(previous.getType()))
    return " behind " + describeToken(found - 1);
  return {};
}

void ErrorStrategy::addNotes(ErrorList::Entry &entry, const IntervalSet &expected,
                             std::size_t found) const {
  const std::size_t type = tokens_.get(found)->getType();
  const std::set<std::size_t> types = typesOf(expected);
  if (type == Token::SEMICOLON)
    entry.notes.push_back({{}, "statements end without a ';'"});
  if ((type == Token::IF || type == Token::NOT) && types.count(Token::NUMBER) != 0)
    entry.notes.push_back({{},
                           type == Token::IF
                               ? "as an operand, 'if … then … else …' needs parentheses"
                               : "as an operand, 'not …' needs parentheses"});
  if (types.count(Token::EXPANDS) != 0 && startsPhaseClause(type) && found > 0 &&
      tokens_.get(found - 1)->getType() == Token::RBRACE)
    entry.notes.push_back({{}, "the clauses of a phase stand in front of its 'expands'"});
  // The bracket that is open here, if its end could stand here or the text ends within it.
  const std::size_t open = tokens_.enclosing(found);
  if (open == TokenBuffer::npos ||
      (tokens_.partner(open) != TokenBuffer::npos && type != antlr4::Token::EOF && !isWord(type)))
    return;
  if (types.count(Token::RBRACE) + types.count(Token::RPAREN) + types.count(Token::RBRACKET) == 0)
    return;
  const antlr4::Token &bracket = *tokens_.get(open);
  if (tokens_.partner(open) == TokenBuffer::npos)
    entry.notes.push_back({errors_.range(beginOf(bracket), endOf(bracket)),
                           "this " + describeToken(open) + " is not closed"});
}

void ErrorStrategy::reportUnexpected(antlr4::Parser &parser, const IntervalSet &expected,
                                     std::size_t found) {
  if (found > 0 && isWord(tokens_.get(found - 1)->getType()) &&
      makesWordAName(tokens_.get(found - 1)->getType(), tokens_.get(found)->getType()) &&
      reportReservedWord(found - 1))
    return;
  // An error in the next few tokens is a consequence of the last one.
  const bool isConsequence = hasLast_ && found >= last_ && found - last_ <= consequenceDistance;
  hasLast_ = true;
  last_ = found;
  if (isConsequence)
    return;

  std::string words = describeSet(expected, parser.getVocabulary());
  const std::size_t rule = parser.getContext()->getRuleIndex();
  if (rule == Token::RuleObjectOrEdge && expected.contains(std::size_t{Token::COLON})) {
    // Two things can begin here. A name in the same line tells which one was meant.
    const bool isObject =
        tokens_.get(found)->getType() == Token::NAME && !tokens_.startsLine(found);
    words = isObject ? "':' behind the object's name"
                     : "':' behind an object's name, or '->' or '=>' behind an edge's end";
  } else if (rule == Token::RuleComputation && expected.contains(std::size_t{Token::PLUS_ASSIGN})) {
    words = "'=', '+=', 'max=' or 'min='";
  } else {
    words += place(parser, expected, found);
  }

  const antlr4::Token &token = *tokens_.get(found);
  std::uint32_t begin = beginOf(token), end = endOf(token);
  if (token.getType() == antlr4::Token::EOF) // the place behind the last token says more
    begin = end = found == 0 ? 0 : endOf(*tokens_.get(found - 1));
  ErrorList::Entry &entry = errors_.add(DiagnosticCode::UnexpectedToken, begin, end,
                                        {std::move(words), describeToken(found)});
  entry.maybeConsequence = true;
  addNotes(entry, expected, found);
  if (errors_.size() >= maxSyntaxErrors)
    throw ParsingStopped{};
}

bool ErrorStrategy::reportReservedWord(std::size_t index) {
  const antlr4::Token &token = *tokens_.get(index);
  errors_
      .add(DiagnosticCode::ReservedWord, beginOf(token), endOf(token),
           {std::string(tokens_.textOf(token))})
      .maybeConsequence = true;
  if (errors_.size() >= maxSyntaxErrors)
    throw ParsingStopped{};
  return true;
}

void ErrorStrategy::reportError(antlr4::Parser *parser, const antlr4::RecognitionException &error) {
  if (inErrorRecoveryMode(parser))
    return;
  beginErrorCondition(parser);
  const auto *noWay = dynamic_cast<const antlr4::NoViableAltException *>(&error);
  const std::size_t found = indexOf(*error.getOffendingToken());
  if (noWay != nullptr && indexOf(*noWay->getStartToken()) + 1 == found) {
    LookAhead lookAhead(parser->getATN(), *parser, noWay->getStartToken()->getType());
    reportUnexpected(*parser, lookAhead.expectedBehind(error.getOffendingState()), found);
  } else {
    reportUnexpected(*parser, error.getExpectedTokens(), found);
  }
}

void ErrorStrategy::reportUnwantedToken(antlr4::Parser *parser) {
  if (inErrorRecoveryMode(parser))
    return;
  beginErrorCondition(parser);
  reportUnexpected(*parser, getExpectedTokens(parser), indexOf(*parser->getCurrentToken()));
}

void ErrorStrategy::reportMissingToken(antlr4::Parser *parser) { reportUnwantedToken(parser); }

/// If a name is expected and a word of the language stands there that was meant as one, reports it
/// and goes on as if it was one.
bool ErrorStrategy::takeWordAsName(antlr4::Parser &parser) {
  const std::size_t index = tokens_.index();
  if (!isWord(tokens_.LA(1)) || inErrorRecoveryMode(&parser))
    return false;
  const bool endsLine = !tokens_.startsLine(index) &&
                        (tokens_.LA(2) == antlr4::Token::EOF || tokens_.startsLine(index + 1));
  if (!canFollowName(tokens_.LA(2)) && !endsLine && tokens_.LA(-1) != Token::DOT)
    return false;
  const auto &atn = parser.getATN();
  const IntervalSet &next = atn.nextTokens(atn.states[parser.getState()]);
  if (!next.contains(std::size_t{Token::NAME}) || next.contains(tokens_.LA(1)))
    return false;
  // `a ->` in one line and `if (x) …` in the next: the name is missing.
  if (tokens_.startsLine(index) && tokens_.get(index + 1)->getType() != Token::COLON &&
      tokens_.get(index + 1)->getType() != Token::ASSIGN)
    return false;
  reportReservedWord(index);
  tokens_.turnIntoName(index);
  return true;
}

void ErrorStrategy::sync(antlr4::Parser *parser) {
  takeWordAsName(*parser);
  DefaultErrorStrategy::sync(parser);
}

antlr4::Token *ErrorStrategy::recoverInline(antlr4::Parser *parser) {
  if (takeWordAsName(*parser)) {
    antlr4::Token *token = parser->getCurrentToken();
    parser->consume();
    return token;
  }
  if (antlr4::Token *token = singleTokenDeletion(parser); token != nullptr) {
    parser->consume();
    return token;
  }
  const std::vector<ssize_t> expected = getExpectedTokens(parser).toList();
  // A block that was made up would swallow what follows.
  const bool isBlock = expected.size() == 1 && expected.front() == Token::LBRACE;
  if (isBlock || !singleTokenInsertion(parser))
    throw antlr4::InputMismatchException(parser);
  return tokens_.makeMissing(expected.empty() ? antlr4::Token::INVALID_TYPE
                                              : static_cast<std::size_t>(expected.front()));
}

antlr4::Token *ErrorStrategy::singleTokenDeletion(antlr4::Parser *parser) {
  // Words, brackets and commas are landmarks, too good to be thrown away unless they are doubled.
  const std::size_t type = tokens_.LA(1);
  const bool isPunctuation = type >= Token::ARROW && type <= Token::DOT;
  if (isWord(type) || tokens_.partner(tokens_.index()) != TokenBuffer::npos ||
      (isPunctuation && type != tokens_.LA(-1)))
    return nullptr;
  return DefaultErrorStrategy::singleTokenDeletion(parser);
}

void ErrorStrategy::consumeUntil(antlr4::Parser *parser, const IntervalSet &set) {
  const auto isPlaceToGoOn = [&](std::size_t index) {
    const std::size_t type = tokens_.get(index)->getType();
    if (!set.contains(type))
      return false;
    // In a block nearly every name could start the next item; trust the first one of a line.
    const std::size_t open = tokens_.enclosing(index);
    const bool isInBlock =
        open != TokenBuffer::npos && tokens_.get(open)->getType() == Token::LBRACE;
    return type != Token::NAME || !isInBlock || tokens_.startsLine(index);
  };
  while (tokens_.LA(1) != antlr4::Token::EOF && !isPlaceToGoOn(tokens_.index())) {
    const std::size_t start = tokens_.index(), partner = tokens_.partner(start);
    parser->consume();
    if (partner == TokenBuffer::npos || partner < start)
      continue;
    while (tokens_.index() <= partner && tokens_.LA(1) != antlr4::Token::EOF)
      parser->consume();
  }
}

} // namespace acadlc::parsing
