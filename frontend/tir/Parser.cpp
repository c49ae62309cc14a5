#include "frontend/tir/Parser.h"

#include <algorithm>
#include <array>
#include <string>

namespace acadlc::tir {

namespace {

constexpr std::array<std::string_view, 27> keywords = {
    "and",    "or",     "not",  "if",    "elif",   "else",   "for",    "in",       "while",
    "with",   "as",     "def",  "class", "return", "lambda", "pass",   "break",    "continue",
    "assert", "import", "from", "del",   "raise",  "try",    "global", "nonlocal", "yield"};

bool isKeyword(std::string_view text) {
  return std::find(keywords.begin(), keywords.end(), text) != keywords.end();
}

struct Operator {
  std::string_view text;
  int precedence;
};

constexpr int comparison = 4;
constexpr int loosest = 1;

/// Binary operators of Python with their precedences; all bind to the left.
constexpr std::array<Operator, 19> operators = {{{"or", 1},
                                                 {"and", 2},
                                                 {"<", 4},
                                                 {"<=", 4},
                                                 {">", 4},
                                                 {">=", 4},
                                                 {"==", 4},
                                                 {"!=", 4},
                                                 {"|", 5},
                                                 {"^", 6},
                                                 {"&", 7},
                                                 {"<<", 8},
                                                 {">>", 8},
                                                 {"+", 9},
                                                 {"-", 9},
                                                 {"*", 10},
                                                 {"/", 10},
                                                 {"//", 10},
                                                 {"%", 10}}};

/// Precedence of the binary operator \p token, 0 if it is none. `@` (matrix product) is not used in
/// these texts and starts decorators, so it is left out.
int precedenceOf(const Token &token) {
  if (token.kind != TokenKind::Operator && token.kind != TokenKind::Name)
    return 0;
  for (const Operator &op : operators)
    if (op.text == token.text)
      return op.precedence;
  return 0;
}

} // namespace

Parser::Parser(Lexer lexer, Tree &tree, DiagnosticEngine &diagnostics)
    : lexer_(std::move(lexer)), tree_(tree), diagnostics_(diagnostics) {
  token_ = lexer_.next();
}

void Parser::parseFile(const SourceManager &sources, FileId file, Tree &tree,
                       DiagnosticEngine &diagnostics) {
  if (!Lexer::checkEncoding(sources, file, diagnostics))
    return;
  auto size = static_cast<std::uint32_t>(sources.text(file).size());
  Parser parser(Lexer(sources, file, 0, size, false, diagnostics), tree, diagnostics);
  std::vector<const Stmt *> all = parser.statements();
  tree.statements = tree.list(all);
}

const Expr *Parser::parseExpression(const SourceManager &sources, SourceRange range, Tree &tree,
                                    DiagnosticEngine &diagnostics) {
  FileId file = sources.fileOf(range.begin);
  Parser parser(Lexer(sources, file, sources.offsetOf(range.begin), sources.offsetOf(range.end),
                      true, diagnostics),
                tree, diagnostics);
  const Expr *result = parser.expressionList();
  if (!parser.failed_ && !parser.atKind(TokenKind::EndOfFile))
    parser.fail("the end of the expression");
  return parser.failed_ ? nullptr : result;
}

// Tokens

void Parser::advance() {
  lastEnd_ = token_.end;
  token_ = lexer_.next();
}

bool Parser::at(std::string_view text) const {
  return token_.text == text &&
         (token_.kind == TokenKind::Operator || token_.kind == TokenKind::Name);
}

bool Parser::accept(std::string_view text) {
  if (!at(text))
    return false;
  advance();
  return true;
}

bool Parser::expect(std::string_view text) {
  if (accept(text))
    return true;
  fail("'" + std::string(text) + "'");
  return false;
}

void Parser::fail(std::string_view expected) {
  if (failed_)
    return;
  failed_ = true;
  DiagnosticBuilder report = diagnostics_.report(
      DiagnosticCode::TirSyntax, lexer_.range(token_.begin, std::max(token_.begin, token_.end)),
      expected, describe(token_));
  if (atKind(TokenKind::EndOfFile) && lexer_.hasOpenBracket()) {
    std::uint32_t open = lexer_.openBracket();
    report.note(lexer_.range(open, open + 1), "this bracket is never closed");
  }
  failedAt_ = token_;
  token_ = {TokenKind::EndOfFile, token_.begin, token_.begin, {}};
}

void Parser::failTooDeep(SourceRange range) {
  if (!failed_)
    diagnostics_.report(DiagnosticCode::TirNesting, range);
  failed_ = true;
  lexer_.stop();
  token_ = {TokenKind::EndOfFile, token_.begin, token_.begin, {}};
  failedAt_ = token_;
}

void Parser::recover() {
  failed_ = false;
  nesting_ = 0;
  token_ = failedAt_;
  // A line break ends what is skipped even inside brackets: better some follow-up errors than the
  // rest of the file lost behind one bracket.
  while (!atKind(TokenKind::Newline) && !atKind(TokenKind::EndOfFile) &&
         !atKind(TokenKind::Indent) && !atKind(TokenKind::Dedent)) {
    lexer_.leaveBrackets();
    advance();
  }
  if (atKind(TokenKind::Newline))
    advance();
  if (!atKind(TokenKind::Indent))
    return;
  int depth = 0;
  do {
    if (atKind(TokenKind::Indent))
      ++depth;
    else if (atKind(TokenKind::Dedent))
      --depth;
    lexer_.leaveBrackets();
    advance();
  } while (depth > 0 && !atKind(TokenKind::EndOfFile));
}

SourceRange Parser::rangeFrom(std::uint32_t begin) const {
  return lexer_.range(begin, std::max(begin, lastEnd_));
}

// Statements

std::vector<const Stmt *> Parser::statements() {
  std::vector<const Stmt *> out;
  while (!atKind(TokenKind::EndOfFile) && !atKind(TokenKind::Dedent)) {
    statement(out);
    if (failed_)
      recover();
    // A dedent that belongs to no block of ours can only be seen at the outermost level, behind a
    // statement that failed.
    if (atKind(TokenKind::Dedent) && blockDepth_ == 0)
      advance();
  }
  return out;
}

void Parser::statement(std::vector<const Stmt *> &out) {
  if (at("@") || at("def") || at("class"))
    out.push_back(decorated());
  else if (at("for"))
    out.push_back(forStatement());
  else if (at("with"))
    out.push_back(withStatement());
  else if (at("if"))
    out.push_back(ifStatement());
  else if (at("while"))
    out.push_back(whileStatement());
  else
    simpleStatements(out);
  if (failed_ && !out.empty() && out.back() == nullptr)
    out.pop_back();
}

void Parser::simpleStatements(std::vector<const Stmt *> &out) {
  do {
    if (atKind(TokenKind::Newline))
      break;
    const Stmt *stmt = simpleStatement();
    if (failed_)
      return;
    out.push_back(stmt);
  } while (accept(";"));
  if (atKind(TokenKind::Newline))
    advance();
  else
    fail("end of line");
}

const Stmt *Parser::simpleStatement() {
  std::uint32_t begin = token_.begin;
  constexpr std::array<std::string_view, 6> others = {"pass",   "break",  "continue",
                                                      "assert", "import", "from"};
  if (token_.kind == TokenKind::Name &&
      std::find(others.begin(), others.end(), token_.text) != others.end())
    return otherStatement();
  if (accept("return")) {
    auto *stmt = tree_.make<Stmt>();
    stmt->kind = Stmt::Kind::Return;
    if (!atKind(TokenKind::Newline) && !at(";") && !failed_)
      stmt->value = expressionList();
    stmt->range = rangeFrom(begin);
    return stmt;
  }
  return assignment(expressionList(), begin);
}

const Stmt *Parser::assignment(const Expr *first, std::uint32_t begin) {
  auto *stmt = tree_.make<Stmt>();
  stmt->kind = Stmt::Kind::Expression;
  stmt->value = first;
  constexpr std::array<std::string_view, 3> augmented = {"+=", "-=", "*="};
  if (std::find(augmented.begin(), augmented.end(), token_.text) != augmented.end() &&
      atKind(TokenKind::Operator)) {
    std::string_view op = token_.text.substr(0, 1);
    advance();
    stmt->kind = Stmt::Kind::Assign;
    stmt->targets = tree_.list(std::vector<const Expr *>{first});
    const Expr *right = expressionList();
    stmt->value = make(Expr::Kind::Binary, begin, op, {first, right});
  } else if (accept("=")) {
    stmt->kind = Stmt::Kind::Assign;
    stmt->targets = first->kind == Expr::Kind::Tuple ? first->children
                                                     : tree_.list(std::vector<const Expr *>{first});
    stmt->value = expressionList();
  } else if (accept(":")) {
    stmt->kind = Stmt::Kind::AnnotatedAssign;
    stmt->targets = tree_.list(std::vector<const Expr *>{first});
    stmt->annotation = expression();
    stmt->value = accept("=") ? expressionList() : nullptr;
  }
  stmt->range = rangeFrom(begin);
  return stmt;
}

const Stmt *Parser::otherStatement() {
  auto *stmt = tree_.make<Stmt>();
  std::uint32_t begin = token_.begin;
  stmt->name = token_.text;
  bool isImport = at("import") || at("from");
  bool isAssert = at("assert");
  advance();
  // The content of an import means nothing to us.
  while (isImport && !atKind(TokenKind::Newline) && !atKind(TokenKind::EndOfFile))
    advance();
  if (isAssert)
    stmt->value = expressionList();
  stmt->range = rangeFrom(begin);
  return stmt;
}

std::vector<const Expr *> Parser::names() {
  std::vector<const Expr *> out;
  bool inBrackets = accept("(");
  do {
    if (!atKind(TokenKind::Name) || isKeyword(token_.text)) {
      fail("a name");
      return out;
    }
    out.push_back(leaf(Expr::Kind::Name));
  } while (accept(",") && !at(")") && !at("in"));
  if (inBrackets)
    expect(")");
  return out;
}

const Stmt *Parser::forStatement() {
  auto *stmt = tree_.make<Stmt>();
  stmt->kind = Stmt::Kind::For;
  std::uint32_t begin = token_.begin;
  advance();
  stmt->targets = tree_.list(names());
  expect("in");
  stmt->value = expressionList();
  stmt->range = rangeFrom(begin);
  stmt->body = suite();
  return failed_ ? nullptr : stmt;
}

const Stmt *Parser::withStatement() {
  auto *stmt = tree_.make<Stmt>();
  stmt->kind = Stmt::Kind::With;
  std::uint32_t begin = token_.begin;
  advance();
  stmt->value = expression();
  if (accept("as"))
    stmt->targets = tree_.list(names());
  stmt->range = rangeFrom(begin);
  stmt->body = suite();
  return failed_ ? nullptr : stmt;
}

const Stmt *Parser::ifStatement() {
  // A chain of `elif` nests to the right; it is collected first, so that it costs no recursion.
  std::vector<Stmt *> chain;
  std::span<const Stmt *const> otherwise;
  do {
    auto *stmt = tree_.make<Stmt>();
    stmt->kind = Stmt::Kind::If;
    std::uint32_t begin = token_.begin;
    advance();
    stmt->value = expression();
    stmt->range = rangeFrom(begin);
    stmt->body = suite();
    chain.push_back(stmt);
    constexpr std::size_t longestChain = 200;
    if (chain.size() > longestChain)
      failTooDeep(stmt->range);
  } while (at("elif"));
  if (accept("else"))
    otherwise = suite();
  if (failed_)
    return nullptr;
  for (std::size_t i = chain.size(); i-- > 1;) {
    chain[i]->orElse = otherwise;
    otherwise = tree_.list(std::vector<const Stmt *>{chain[i]});
  }
  chain[0]->orElse = otherwise;
  return chain[0];
}

const Stmt *Parser::whileStatement() {
  auto *stmt = tree_.make<Stmt>();
  stmt->kind = Stmt::Kind::While;
  std::uint32_t begin = token_.begin;
  advance();
  stmt->value = expression();
  stmt->range = rangeFrom(begin);
  stmt->body = suite();
  return failed_ ? nullptr : stmt;
}

const Stmt *Parser::decorated() {
  std::vector<const Expr *> decorators;
  while (accept("@")) {
    decorators.push_back(postfix());
    if (atKind(TokenKind::Newline))
      advance();
    else
      fail("end of line");
  }
  if (at("def"))
    return function(decorators);
  if (at("class"))
    return classDefinition(decorators);
  fail("'def' or 'class'");
  return nullptr;
}

const Stmt *Parser::function(const std::vector<const Expr *> &decorators) {
  auto *stmt = tree_.make<Stmt>();
  stmt->kind = Stmt::Kind::Function;
  stmt->decorators = tree_.list(decorators);
  std::uint32_t begin = token_.begin;
  advance();
  stmt->name = token_.text;
  stmt->nameRange = lexer_.range(token_.begin, token_.end);
  if (atKind(TokenKind::Name) && !isKeyword(token_.text))
    advance();
  else
    fail("the name of the function");
  if (accept("[")) {
    names();
    expect("]");
  }
  std::vector<Parameter> list;
  if (expect("("))
    parameters(list);
  stmt->parameters = tree_.list(list);
  if (accept("->"))
    stmt->annotation = expression();
  stmt->range = rangeFrom(begin);
  stmt->body = suite();
  return failed_ ? nullptr : stmt;
}

void Parser::parameters(std::vector<Parameter> &out) {
  while (!at(")")) {
    Parameter parameter;
    parameter.name = token_.text;
    parameter.range = lexer_.range(token_.begin, token_.end);
    if (!atKind(TokenKind::Name) || isKeyword(token_.text)) {
      fail("a parameter or ')'");
      return;
    }
    advance();
    if (accept(":"))
      parameter.annotation = expression();
    if (accept("="))
      expression();
    out.push_back(parameter);
    if (!accept(","))
      break;
  }
  expect(")");
}

const Stmt *Parser::classDefinition(const std::vector<const Expr *> &decorators) {
  auto *stmt = tree_.make<Stmt>();
  stmt->kind = Stmt::Kind::Class;
  stmt->decorators = tree_.list(decorators);
  std::uint32_t begin = token_.begin;
  advance();
  stmt->name = token_.text;
  stmt->nameRange = lexer_.range(token_.begin, token_.end);
  if (atKind(TokenKind::Name) && !isKeyword(token_.text))
    advance();
  else
    fail("the name of the class");
  std::vector<const Expr *> bases;
  if (accept("("))
    arguments(")", false, bases);
  stmt->range = rangeFrom(begin);
  stmt->body = suite();
  return failed_ ? nullptr : stmt;
}

std::span<const Stmt *const> Parser::suite() {
  if (!expect(":"))
    return {};
  std::vector<const Stmt *> body;
  if (!atKind(TokenKind::Newline)) {
    simpleStatements(body);
    return tree_.list(body);
  }
  advance();
  if (!atKind(TokenKind::Indent)) {
    fail("an indented block");
    return {};
  }
  advance();
  ++blockDepth_;
  body = statements();
  --blockDepth_;
  if (atKind(TokenKind::Dedent))
    advance();
  return tree_.list(body);
}

// Expressions

const Expr *Parser::make(Expr::Kind kind, std::uint32_t begin, std::string_view text,
                         const std::vector<const Expr *> &children) {
  auto *expr = tree_.make<Expr>();
  expr->kind = kind;
  expr->range = rangeFrom(begin);
  expr->text = text;
  expr->children = tree_.list(children);
  std::uint16_t deepest = 0;
  for (const Expr *child : children)
    if (child)
      deepest = std::max(deepest, child->depth);
  expr->depth = static_cast<std::uint16_t>(deepest + 1);
  if (expr->depth >= maxDepth)
    failTooDeep(expr->range);
  return expr;
}

const Expr *Parser::leaf(Expr::Kind kind) {
  std::uint32_t begin = token_.begin;
  std::string_view text = token_.text;
  advance();
  return make(kind, begin, text, {});
}

const Expr *Parser::expressionList() {
  std::uint32_t begin = token_.begin;
  const Expr *first = expression();
  if (!at(","))
    return first;
  std::vector<const Expr *> items{first};
  while (accept(",")) {
    if (atKind(TokenKind::Newline) || atKind(TokenKind::EndOfFile) || at("=") || at(")") ||
        at(":") || at(";"))
      break;
    items.push_back(expression());
  }
  return make(Expr::Kind::Tuple, begin, {}, items);
}

const Expr *Parser::expression() {
  std::uint32_t begin = token_.begin;
  if (++nesting_ > maxDepth)
    failTooDeep(lexer_.range(token_.begin, token_.end));
  const Expr *result = at("lambda") ? lambda() : binary(loosest);
  if (accept("if")) {
    const Expr *condition = binary(loosest);
    expect("else");
    const Expr *otherwise = expression();
    result = make(Expr::Kind::Conditional, begin, {}, {result, condition, otherwise});
  }
  --nesting_;
  return result;
}

const Expr *Parser::lambda() {
  std::uint32_t begin = token_.begin;
  advance();
  if (!at(":"))
    names();
  expect(":");
  return make(Expr::Kind::Lambda, begin, {}, {expression()});
}

const Expr *Parser::binary(int minimumPrecedence) {
  std::uint32_t begin = token_.begin;
  const Expr *left = unary();
  while (true) {
    int precedence = precedenceOf(token_);
    if (precedence == 0 || precedence < minimumPrecedence)
      return left;
    std::string_view op = token_.text;
    advance();
    const Expr *right = binary(precedence + 1);
    left = make(Expr::Kind::Binary, begin, op, {left, right});
    if (precedence == comparison && precedenceOf(token_) == comparison)
      fail("'and' between two comparisons");
  }
}

const Expr *Parser::unary() {
  if (!at("-") && !at("+") && !at("~") && !at("not"))
    return power();
  std::uint32_t begin = token_.begin;
  std::string_view op = token_.text;
  advance();
  if (++nesting_ > maxDepth)
    failTooDeep(lexer_.range(token_.begin, token_.end));
  const Expr *operand = op == "not" ? binary(comparison) : unary();
  --nesting_;
  return make(Expr::Kind::Unary, begin, op, {operand});
}

const Expr *Parser::power() {
  std::uint32_t begin = token_.begin;
  const Expr *base = postfix();
  if (!accept("**"))
    return base;
  if (++nesting_ > maxDepth)
    failTooDeep(lexer_.range(token_.begin, token_.end));
  const Expr *exponent = unary();
  --nesting_;
  return make(Expr::Kind::Binary, begin, "**", {base, exponent});
}

const Expr *Parser::postfix() {
  std::uint32_t begin = token_.begin;
  const Expr *result = atom();
  while (true) {
    if (accept(".")) {
      std::string_view name = token_.text;
      if (!atKind(TokenKind::Name)) {
        fail("a name");
        return result;
      }
      advance();
      result = make(Expr::Kind::Attribute, begin, name, {result});
    } else if (at("(") || at("[")) {
      bool isCall = at("(");
      advance();
      std::vector<const Expr *> children{result};
      arguments(isCall ? ")" : "]", !isCall, children);
      // `A[()]` reads a buffer without dimensions.
      if (!isCall && children.size() == 2 && children[1]->kind == Expr::Kind::Tuple &&
          children[1]->children.empty())
        children.pop_back();
      result = make(isCall ? Expr::Kind::Call : Expr::Kind::Subscript, begin, {}, children);
    } else {
      return result;
    }
  }
}

void Parser::arguments(std::string_view close, bool slices, std::vector<const Expr *> &out) {
  while (!at(close)) {
    out.push_back(argument(slices));
    if (!accept(","))
      break;
  }
  if (!accept(close))
    fail("',' or '" + std::string(close) + "'");
}

const Expr *Parser::argument(bool slices) {
  std::uint32_t begin = token_.begin;
  if (accept("*"))
    return make(Expr::Kind::Star, begin, {}, {expression()});
  const Expr *first = slices && at(":") ? nullptr : expression();
  if (first && first->kind == Expr::Kind::Name && accept("="))
    return make(Expr::Kind::Keyword, begin, first->text, {expression()});
  if (!slices || !accept(":"))
    return first;
  auto bound = [&]() -> const Expr * {
    return at(":") || at(",") || at("]") ? nullptr : expression();
  };
  const Expr *last = bound();
  const Expr *step = accept(":") ? bound() : nullptr;
  return make(Expr::Kind::Slice, begin, {}, {first, last, step});
}

const Expr *Parser::atom() {
  if (atKind(TokenKind::Integer))
    return leaf(Expr::Kind::Integer);
  if (atKind(TokenKind::Float))
    return leaf(Expr::Kind::Float);
  if (atKind(TokenKind::String))
    return string();
  if (at("True") || at("False") || at("None") || at("..."))
    return leaf(Expr::Kind::Constant);
  if (atKind(TokenKind::Name) && !isKeyword(token_.text))
    return leaf(Expr::Kind::Name);
  if (at("(") || at("["))
    return bracketed();
  if (at("{"))
    return dictionary();
  fail("an expression");
  return make(Expr::Kind::Constant, token_.begin, "None", {});
}

const Expr *Parser::bracketed() {
  std::uint32_t begin = token_.begin;
  bool isTuple = at("(");
  std::string_view close = isTuple ? ")" : "]";
  advance();
  std::vector<const Expr *> items;
  bool hasComma = false;
  while (!at(close)) {
    items.push_back(expression());
    if (!accept(","))
      break;
    hasComma = true;
  }
  if (!accept(close))
    fail("',' or '" + std::string(close) + "'");
  if (isTuple && items.size() == 1 && !hasComma)
    return items[0];
  return make(isTuple ? Expr::Kind::Tuple : Expr::Kind::List, begin, {}, items);
}

const Expr *Parser::dictionary() {
  std::uint32_t begin = token_.begin;
  advance();
  std::vector<const Expr *> items;
  while (!at("}")) {
    items.push_back(expression());
    expect(":");
    items.push_back(expression());
    if (!accept(","))
      break;
  }
  if (!accept("}"))
    fail("',' or '}'");
  return make(Expr::Kind::Dict, begin, {}, items);
}

const Expr *Parser::string() {
  auto content = [](std::string_view text) {
    std::size_t open = text.find_first_of("\"'");
    std::size_t width = 1;
    if (text.size() >= open + 3 && text[open + 1] == text[open] && text[open + 2] == text[open] &&
        text.size() >= open + 6)
      width = 3;
    text.remove_prefix(open + width);
    // A string without end, already reported, may be shorter than its quotes.
    text.remove_suffix(std::min(width, text.size()));
    return text;
  };
  std::uint32_t begin = token_.begin;
  std::string_view text = content(token_.text);
  advance();
  if (!atKind(TokenKind::String))
    return make(Expr::Kind::String, begin, text, {});
  std::vector<char> joined(text.begin(), text.end());
  for (; atKind(TokenKind::String); advance()) {
    std::string_view more = content(token_.text);
    joined.insert(joined.end(), more.begin(), more.end());
  }
  std::span<const char> stored = tree_.list(joined);
  return make(Expr::Kind::String, begin, {stored.data(), stored.size()}, {});
}

} // namespace acadlc::tir
