#include "frontend/tvmscript/Parser.h"

#include <algorithm>
#include <optional>
#include <string>

namespace acadlc::tir {

namespace {

constexpr int comparison = 4;
constexpr int loosest = 1;

/// Precedence of the binary operator \p symbol as in Python, 0 if it is none; all bind to the left.
/// `@` (matrix product) is not used in these texts and starts decorators, so it is left out.
int precedenceOf(Symbol symbol) {
  switch (symbol) {
  case Symbol::Or:
    return loosest;
  case Symbol::And:
    return 2;
  case Symbol::Less:
  case Symbol::LessEqual:
  case Symbol::Greater:
  case Symbol::GreaterEqual:
  case Symbol::Equal:
  case Symbol::NotEqual:
    return comparison;
  case Symbol::BitOr:
    return 5;
  case Symbol::BitXor:
    return 6;
  case Symbol::BitAnd:
    return 7;
  case Symbol::ShiftLeft:
  case Symbol::ShiftRight:
    return 8;
  case Symbol::Plus:
  case Symbol::Minus:
    return 9;
  case Symbol::Star:
  case Symbol::Slash:
  case Symbol::FloorDivide:
  case Symbol::Percent:
    return 10;
  default:
    return 0;
  }
}

/// The type that \p callee, as in `T.int64(3)`, names, if it is a type of numbers.
std::optional<workload::ElementType> numberType(std::string_view callee) {
  const std::string_view name = callee.substr(callee.find('.') + 1);
  const bool mayBeType = name.starts_with("int") || name.starts_with("uint") ||
                         name.starts_with("float") || name.starts_with("bfloat");
  return mayBeType ? workload::ElementType::fromName(name) : std::nullopt;
}

/// Whether a call of \p callee says again what the statements around it say. Such make up a fifth
/// of a text; they are not kept.
bool isRedundant(std::string_view callee, const Prefixes &prefixes) {
  const std::string_view name = callee.substr(callee.find('.') + 1);
  return (name == "reads" || name == "writes") && prefixes.of(callee) == Dialect::Tir;
}

bool isRedundant(const Stmt &stmt, const Prefixes &prefixes) {
  return stmt.kind == Stmt::Kind::Expression && stmt.value->kind == Expr::Kind::Call &&
         stmt.value->children[0]->kind == Expr::Kind::DottedName &&
         isRedundant(stmt.value->children[0]->text, prefixes);
}

bool isInteger(workload::ElementType type) {
  return type.kind == workload::ElementType::Kind::Int ||
         type.kind == workload::ElementType::Kind::UInt;
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
  Parser parser(Lexer(sources, file, 0, size, false, tree.prefixes, diagnostics), tree,
                diagnostics);
  parser.statements();
  tree.statements = parser.takeStatements(0);
}

const Expr *Parser::parseExpression(const SourceManager &sources, SourceRange range, Tree &tree,
                                    DiagnosticEngine &diagnostics) {
  FileId file = sources.fileOf(range.begin);
  Parser parser(Lexer(sources, file, sources.offsetOf(range.begin), sources.offsetOf(range.end),
                      true, tree.prefixes, diagnostics),
                tree, diagnostics);
  const Expr *result = parser.expressionList();
  if (!parser.failed_ && !parser.atKind(TokenKind::EndOfFile))
    parser.fail("the end of the expression");
  return parser.failed_ ? nullptr : result;
}

// Tokens

void Parser::advance() {
  lastEnd_ = token_.end;
  guesses_ = lexer_.guesses();
  token_ = lexer_.next();
}

bool Parser::accept(Symbol symbol) {
  if (!at(symbol))
    return false;
  advance();
  return true;
}

bool Parser::expect(Symbol symbol) {
  if (accept(symbol))
    return true;
  fail("'" + std::string(spelling(symbol)) + "'");
  return false;
}

bool Parser::expectClose(Symbol symbol, std::uint32_t opening) {
  if (accept(symbol))
    return true;
  fail("'" + std::string(spelling(symbol)) + "'", opening);
  return false;
}

void Parser::fail(std::string_view expected, std::optional<std::uint32_t> opening) {
  if (failed_)
    return;
  failed_ = true;
  // What does not fit behind a mistake of the lexer need not be another one.
  if (lexer_.guesses() == settled_ && !lexer_.isStopped())
    report(expected, opening);
  failedAt_ = token_;
  token_ = endOfFileHere();
}

void Parser::report(std::string_view expected, std::optional<std::uint32_t> opening) {
  DiagnosticBuilder report = diagnostics_.report(
      DiagnosticCode::TirSyntax, lexer_.range(token_.begin, std::max(token_.begin, token_.end)),
      expected, describe(token_));
  if (!opening && atKind(TokenKind::EndOfFile) && lexer_.hasOpenBracket())
    opening = lexer_.openBracket();
  if (opening)
    report.note(lexer_.range(*opening, *opening + 1), atKind(TokenKind::EndOfFile)
                                                          ? "this bracket is never closed"
                                                          : "this bracket is still open");
}

Token Parser::endOfFileHere() const {
  return {TokenKind::EndOfFile, Symbol::None, token_.begin, token_.begin, {}};
}

void Parser::failTooDeep(SourceRange range) {
  if (!failed_)
    diagnostics_.report(DiagnosticCode::TirNesting, range);
  failed_ = true;
  lexer_.stop();
  token_ = endOfFileHere();
  failedAt_ = token_;
}

void Parser::recover() {
  failed_ = false;
  nesting_ = 0;
  token_ = failedAt_;
  lexer_.setMuted(true);
  skipStatement();
  lexer_.setMuted(false);
}

void Parser::skipStatement() {
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

// Statements

void Parser::statements() {
  while (!atKind(TokenKind::EndOfFile) && !atKind(TokenKind::Dedent)) {
    statement();
    if (failed_)
      recover();
    // A dedent that belongs to no block of ours can only be seen at the outermost level, behind a
    // statement that failed.
    if (atKind(TokenKind::Dedent) && blockDepth_ == 0)
      advance();
  }
}

void Parser::statement() {
  const std::size_t mark = statements_.size();
  const Stmt *compound = nullptr;
  settled_ = guesses_;
  if (atKind(TokenKind::Indent))
    return fail("a line that begins no further right than the one before");
  switch (token_.symbol) {
  case Symbol::At:
  case Symbol::Def:
  case Symbol::Class:
    compound = decorated();
    break;
  case Symbol::For:
    compound = forStatement();
    break;
  case Symbol::With:
    compound = withStatement();
    break;
  case Symbol::If:
    compound = ifStatement();
    break;
  case Symbol::While:
    compound = whileStatement();
    break;
  default:
    return simpleStatements();
  }
  // What a statement that failed has left behind belongs to nobody.
  statements_.resize(mark);
  if (compound)
    statements_.push_back(compound);
}

void Parser::simpleStatements() {
  do {
    if (atKind(TokenKind::Newline))
      break;
    // Mostly they need not even be understood.
    if (atKind(TokenKind::DottedName) && isRedundant(token_.text, tree_.prefixes) &&
        lexer_.skipArguments()) {
      advance();
      continue;
    }
    const Tree::Mark mark = tree_.mark();
    const Stmt *stmt = simpleStatement();
    if (failed_)
      return;
    if (isRedundant(*stmt, tree_.prefixes))
      tree_.release(mark);
    else
      statements_.push_back(stmt);
  } while (accept(Symbol::Semicolon));
  if (atKind(TokenKind::Newline))
    advance();
  else
    fail("end of line");
}

const Stmt *Parser::simpleStatement() {
  std::uint32_t begin = token_.begin;
  switch (token_.symbol) {
  case Symbol::Pass:
  case Symbol::Break:
  case Symbol::Continue:
  case Symbol::Assert:
  case Symbol::Import:
  case Symbol::From:
    return otherStatement();
  case Symbol::Return: {
    advance();
    auto *stmt = tree_.make<Stmt>();
    stmt->kind = Stmt::Kind::Return;
    if (!atKind(TokenKind::Newline) && !at(Symbol::Semicolon) && !failed_)
      stmt->value = expressionList();
    stmt->range = rangeFrom(begin);
    return stmt;
  }
  default:
    return assignment(expressionList(), begin);
  }
}

std::span<const Expr *const> Parser::single(const Expr *expr) {
  return tree_.list(std::span<const Expr *const>(&expr, 1));
}

const Stmt *Parser::assignment(const Expr *first, std::uint32_t begin) {
  auto *stmt = tree_.make<Stmt>();
  stmt->kind = Stmt::Kind::Expression;
  stmt->value = first;
  switch (token_.symbol) {
  case Symbol::AddAssign:
  case Symbol::SubtractAssign:
  case Symbol::MultiplyAssign: {
    const std::string_view op = token_.text.substr(0, 1);
    advance();
    stmt->kind = Stmt::Kind::Assign;
    stmt->targets = single(first);
    stmt->value = make(Expr::Kind::Binary, begin, op, {first, expressionList()});
    break;
  }
  case Symbol::Assign:
    advance();
    stmt->kind = Stmt::Kind::Assign;
    // `() = x` has one target, which is no name: all readers expect a first one.
    stmt->targets = first->kind == Expr::Kind::Tuple && !first->children.empty() ? first->children
                                                                                 : single(first);
    stmt->value = expressionList();
    break;
  case Symbol::Colon:
    advance();
    stmt->kind = Stmt::Kind::AnnotatedAssign;
    stmt->targets = single(first);
    stmt->annotation = expression();
    stmt->value = accept(Symbol::Assign) ? expressionList() : nullptr;
    break;
  default:
    break;
  }
  stmt->range = rangeFrom(begin);
  return stmt;
}

const Stmt *Parser::otherStatement() {
  auto *stmt = tree_.make<Stmt>();
  std::uint32_t begin = token_.begin;
  stmt->name = token_.text;
  bool isImport = at(Symbol::Import) || at(Symbol::From);
  bool isAssert = at(Symbol::Assert);
  advance();
  while (isImport && !atKind(TokenKind::Newline) && !atKind(TokenKind::EndOfFile))
    advance();
  if (isImport)
    tree_.prefixes.readImport(lexer_.textFrom(begin, lastEnd_));
  if (isAssert)
    stmt->value = expressionList();
  stmt->range = rangeFrom(begin);
  return stmt;
}

bool Parser::atName() const {
  return token_.kind == TokenKind::Name && token_.symbol == Symbol::None;
}

std::span<const Expr *const> Parser::names() {
  const std::size_t mark = expressions_.size();
  Symbol close = Symbol::None;
  const std::uint32_t opening = token_.begin;
  if (accept(Symbol::LeftParenthesis))
    close = Symbol::RightParenthesis;
  else if (accept(Symbol::LeftBracket))
    close = Symbol::RightBracket;
  const bool inBrackets = close != Symbol::None;
  while (!inBrackets || !at(close)) {
    if (!atName()) {
      fail("a name");
      break;
    }
    expressions_.push_back(leaf(Expr::Kind::Name));
    if (!accept(Symbol::Comma) || at(Symbol::In))
      break;
  }
  if (inBrackets)
    expectClose(close, opening);
  return takeExpressions(mark);
}

const Stmt *Parser::forStatement() {
  auto *stmt = tree_.make<Stmt>();
  stmt->kind = Stmt::Kind::For;
  std::uint32_t begin = token_.begin;
  advance();
  stmt->targets = names();
  expect(Symbol::In);
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
  if (accept(Symbol::As))
    stmt->targets = names();
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
  } while (at(Symbol::Elif));
  if (accept(Symbol::Else))
    otherwise = suite();
  if (failed_)
    return nullptr;
  for (std::size_t i = chain.size(); i-- > 1;) {
    chain[i]->orElse = otherwise;
    const Stmt *inner = chain[i];
    otherwise = tree_.list(std::span<const Stmt *const>(&inner, 1));
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
  const std::size_t mark = expressions_.size();
  while (accept(Symbol::At)) {
    expressions_.push_back(postfix());
    if (atKind(TokenKind::Newline))
      advance();
    else
      fail("end of line");
  }
  const std::span<const Expr *const> decorators = takeExpressions(mark);
  if (at(Symbol::Def))
    return function(decorators);
  if (at(Symbol::Class))
    return classDefinition(decorators);
  fail("'def' or 'class'");
  return nullptr;
}

Stmt *Parser::definition(Stmt::Kind kind, std::span<const Expr *const> decorators,
                         std::string_view whatName) {
  auto *stmt = tree_.make<Stmt>();
  stmt->kind = kind;
  stmt->decorators = decorators;
  advance();
  stmt->name = token_.text;
  stmt->nameRange = lexer_.range(token_.begin, token_.end);
  if (atName())
    advance();
  else
    fail(whatName);
  return stmt;
}

const Stmt *Parser::function(std::span<const Expr *const> decorators) {
  const std::uint32_t begin = token_.begin;
  Stmt *stmt = definition(Stmt::Kind::Function, decorators, "the name of the function");
  const std::uint32_t bracket = token_.begin;
  if (accept(Symbol::LeftBracket))
    typeParameters(bracket);
  std::vector<Parameter> list;
  const std::uint32_t opening = token_.begin;
  if (expect(Symbol::LeftParenthesis))
    parameters(list, opening);
  stmt->parameters = tree_.list(list);
  if (accept(Symbol::Arrow))
    stmt->annotation = expression();
  stmt->range = rangeFrom(begin);
  stmt->body = suite();
  return failed_ ? nullptr : stmt;
}

void Parser::typeParameters(std::uint32_t opening) {
  while (!at(Symbol::RightBracket)) {
    if (!atName()) {
      fail("a type parameter or ']'");
      return;
    }
    advance();
    if (accept(Symbol::Colon))
      expression();
    if (!accept(Symbol::Comma))
      break;
  }
  expectClose(Symbol::RightBracket, opening);
}

void Parser::parameters(std::vector<Parameter> &out, std::uint32_t opening) {
  while (!at(Symbol::RightParenthesis)) {
    Parameter parameter;
    parameter.name = token_.text;
    parameter.range = lexer_.range(token_.begin, token_.end);
    if (!atName()) {
      fail("a parameter or ')'", opening);
      return;
    }
    advance();
    if (accept(Symbol::Colon))
      parameter.annotation = expression();
    if (accept(Symbol::Assign))
      expression();
    out.push_back(parameter);
    if (!accept(Symbol::Comma))
      break;
  }
  closeWith(Symbol::RightParenthesis, opening);
}

const Stmt *Parser::classDefinition(std::span<const Expr *const> decorators) {
  const std::uint32_t begin = token_.begin;
  Stmt *stmt = definition(Stmt::Kind::Class, decorators, "the name of the class");
  const std::size_t mark = expressions_.size();
  const std::uint32_t opening = token_.begin;
  if (accept(Symbol::LeftParenthesis))
    arguments(Symbol::RightParenthesis, opening, false);
  expressions_.resize(mark);
  stmt->range = rangeFrom(begin);
  stmt->body = suite();
  return failed_ ? nullptr : stmt;
}

std::span<const Stmt *const> Parser::suite() {
  if (!expect(Symbol::Colon))
    return {};
  const std::size_t mark = statements_.size();
  if (!atKind(TokenKind::Newline)) {
    simpleStatements();
    return takeStatements(mark);
  }
  advance();
  if (!atKind(TokenKind::Indent)) {
    fail("an indented block");
    return {};
  }
  advance();
  ++blockDepth_;
  statements();
  --blockDepth_;
  if (atKind(TokenKind::Dedent))
    advance();
  return takeStatements(mark);
}

std::span<const Stmt *const> Parser::takeStatements(std::size_t mark) {
  auto taken = tree_.list(std::span<const Stmt *const>(statements_).subspan(mark));
  statements_.resize(mark);
  return taken;
}

// Expressions

std::span<const Expr *const> Parser::takeExpressions(std::size_t mark) {
  auto taken = tree_.list(std::span<const Expr *const>(expressions_).subspan(mark));
  expressions_.resize(mark);
  return taken;
}

const Expr *Parser::make(Expr::Kind kind, std::uint32_t begin, std::string_view text,
                         std::span<const Expr *const> children) {
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

const Expr *Parser::make(Expr::Kind kind, std::uint32_t begin, std::string_view text,
                         std::initializer_list<const Expr *> children) {
  return make(kind, begin, text, std::span<const Expr *const>(children.begin(), children.size()));
}

const Expr *Parser::makeFrom(std::size_t mark, Expr::Kind kind, std::uint32_t begin) {
  const Expr *expr =
      make(kind, begin, {}, std::span<const Expr *const>(expressions_).subspan(mark));
  expressions_.resize(mark);
  return expr;
}

const Expr *Parser::leaf(Expr::Kind kind) {
  std::uint32_t begin = token_.begin;
  std::string_view text = token_.text;
  advance();
  return make(kind, begin, text, {});
}

const Expr *Parser::dottedName() {
  const std::uint32_t begin = token_.begin;
  const std::string_view text = token_.text;
  advance();
  return dottedName(begin, text);
}

const Expr *Parser::dottedName(std::uint32_t begin, std::string_view text) {
  auto *expr = tree_.make<Expr>();
  expr->kind = Expr::Kind::DottedName;
  expr->dialect = tree_.prefixes.of(text);
  expr->text = text;
  expr->range = rangeFrom(begin);
  return expr;
}

const Expr *Parser::literal(Expr::Kind kind, workload::ElementType type) {
  auto *expr = tree_.make<Expr>();
  expr->kind = kind;
  expr->elementType = type;
  expr->text = token_.text;
  expr->range = lexer_.range(token_.begin, token_.end);
  advance();
  return expr;
}

const Expr *Parser::expressionList() {
  std::uint32_t begin = token_.begin;
  const Expr *first = expression();
  if (!at(Symbol::Comma))
    return first;
  const std::size_t mark = expressions_.size();
  expressions_.push_back(first);
  while (accept(Symbol::Comma)) {
    if (atKind(TokenKind::Newline) || atKind(TokenKind::EndOfFile) || at(Symbol::Assign) ||
        at(Symbol::RightParenthesis) || at(Symbol::Colon) || at(Symbol::Semicolon))
      break;
    expressions_.push_back(expression());
  }
  return makeFrom(mark, Expr::Kind::Tuple, begin);
}

const Expr *Parser::expression() {
  std::uint32_t begin = token_.begin;
  if (++nesting_ > maxDepth)
    failTooDeep(lexer_.range(token_.begin, token_.end));
  const Expr *result = at(Symbol::Lambda) ? lambda() : binary(loosest);
  if (accept(Symbol::If)) {
    const Expr *condition = binary(loosest);
    expect(Symbol::Else);
    const Expr *otherwise = expression();
    result = make(Expr::Kind::Conditional, begin, {}, {result, condition, otherwise});
  }
  --nesting_;
  return result;
}

const Expr *Parser::lambda() {
  std::uint32_t begin = token_.begin;
  advance();
  std::span<const Expr *const> parameters;
  if (!at(Symbol::Colon))
    parameters = names();
  expect(Symbol::Colon);
  const Expr *body = expression();
  const std::size_t mark = expressions_.size();
  expressions_.push_back(body);
  expressions_.insert(expressions_.end(), parameters.begin(), parameters.end());
  return makeFrom(mark, Expr::Kind::Lambda, begin);
}

const Expr *Parser::binary(int minimumPrecedence) {
  std::uint32_t begin = token_.begin;
  const Expr *left = unary();
  while (true) {
    const int precedence = precedenceOf(token_.symbol);
    if (precedence == 0 || precedence < minimumPrecedence)
      return left;
    std::string_view op = token_.text;
    advance();
    const Expr *right = binary(precedence + 1);
    left = make(Expr::Kind::Binary, begin, op, {left, right});
    if (precedence == comparison && precedenceOf(token_.symbol) == comparison)
      fail("'and' between two comparisons");
  }
}

const Expr *Parser::unary() {
  if (!at(Symbol::Minus) && !at(Symbol::Plus) && !at(Symbol::BitNot) && !at(Symbol::Not))
    return power();
  std::uint32_t begin = token_.begin;
  const Symbol symbol = token_.symbol;
  const std::string_view op = token_.text;
  advance();
  if (++nesting_ > maxDepth)
    failTooDeep(lexer_.range(token_.begin, token_.end));
  const Expr *operand = symbol == Symbol::Not ? binary(comparison) : unary();
  --nesting_;
  return make(Expr::Kind::Unary, begin, op, {operand});
}

const Expr *Parser::power() {
  std::uint32_t begin = token_.begin;
  const Expr *base = postfix();
  if (!accept(Symbol::Power))
    return base;
  if (++nesting_ > maxDepth)
    failTooDeep(lexer_.range(token_.begin, token_.end));
  const Expr *exponent = unary();
  --nesting_;
  return make(Expr::Kind::Binary, begin, "**", {base, exponent});
}

const Expr *Parser::postfix() {
  std::uint32_t begin = token_.begin;
  const Tree::Mark before = tree_.mark();
  const Expr *result = plainLiteral();
  if (!result)
    result = atom();
  while (true) {
    if (at(Symbol::LeftParenthesis)) {
      result = call(result, begin, before);
    } else if (at(Symbol::LeftBracket)) {
      result = subscript(result, begin);
    } else if (at(Symbol::Dot)) {
      result = attribute(result, begin);
    } else {
      return result;
    }
  }
}

const Expr *Parser::attribute(const Expr *base, std::uint32_t begin) {
  std::vector<char> joined(base->text.begin(), base->text.end());
  const bool isName = base->kind == Expr::Kind::Name || base->kind == Expr::Kind::DottedName;
  while (accept(Symbol::Dot)) {
    const std::string_view name = token_.text;
    if (!atKind(TokenKind::Name) && !atKind(TokenKind::DottedName)) {
      fail("a name");
      return base;
    }
    advance();
    if (!isName)
      return make(Expr::Kind::Attribute, begin, name, {base});
    // `T . grid` means what `T.grid` means.
    joined.push_back('.');
    joined.insert(joined.end(), name.begin(), name.end());
  }
  const std::span<const char> stored = tree_.list(joined);
  return dottedName(begin, {stored.data(), stored.size()});
}

const Expr *Parser::call(const Expr *callee, std::uint32_t begin, Tree::Mark before) {
  const std::size_t mark = expressions_.size();
  expressions_.push_back(callee);
  const std::uint32_t opening = token_.begin;
  advance();
  arguments(Symbol::RightParenthesis, opening, false);
  const bool mayBeLiteral = expressions_.size() == mark + 2 && callee->dialect == Dialect::Tir;
  const auto type = mayBeLiteral ? numberType(callee->text) : std::nullopt;
  if (!type || failed_)
    return makeFrom(mark, Expr::Kind::Call, begin);
  const Expr *typed = typedLiteral(*expressions_.back(), *type, begin, before);
  if (!typed)
    return makeFrom(mark, Expr::Kind::Call, begin);
  expressions_.resize(mark);
  return typed;
}

const Expr *Parser::plainLiteral() {
  if (!atKind(TokenKind::DottedName))
    return nullptr;
  const auto type = numberType(token_.text);
  if (!type || tree_.prefixes.of(token_.text) != Dialect::Tir)
    return nullptr;
  const bool toInteger = isInteger(*type);
  const Token number = lexer_.skipNumber(!toInteger);
  if (number.kind == TokenKind::EndOfFile)
    return nullptr;
  auto *expr = tree_.make<Expr>();
  expr->kind = toInteger ? Expr::Kind::Integer : Expr::Kind::Float;
  expr->elementType = *type;
  expr->text = number.text;
  token_.end = number.end + 1; // with the bracket
  expr->range = lexer_.range(token_.begin, token_.end);
  advance();
  return expr;
}

const Expr *Parser::typedLiteral(const Expr &operand, workload::ElementType type,
                                 std::uint32_t begin, Tree::Mark before) {
  const bool isNegative = operand.kind == Expr::Kind::Unary && operand.text == "-";
  const Expr &number = isNegative ? *operand.children[0] : operand;
  const bool toInteger = isInteger(type);
  std::string_view text = number.text;
  if (isNegative) {
    // "- 1" with a blank in it has no text of its own.
    if (text.data() != operand.text.data() + 1)
      return nullptr;
    text = {operand.text.data(), text.size() + 1};
  }
  const bool isWord = !toInteger && !isNegative && number.kind == Expr::Kind::String &&
                      (text == "inf" || text == "-inf" || text == "nan");
  const bool isNumber = number.kind == Expr::Kind::Integer ||
                        (!toInteger && number.kind == Expr::Kind::Float) || isWord;
  const bool isPlain = number.range.end.raw() - number.range.begin.raw() == number.text.size();
  if (!isNumber || !(isPlain || isWord))
    return nullptr;
  tree_.release(before);
  auto *expr = tree_.make<Expr>();
  expr->kind = toInteger ? Expr::Kind::Integer : Expr::Kind::Float;
  expr->elementType = type;
  expr->text = text;
  expr->range = rangeFrom(begin);
  return expr;
}

const Expr *Parser::subscript(const Expr *base, std::uint32_t begin) {
  const std::size_t mark = expressions_.size();
  expressions_.push_back(base);
  const std::uint32_t opening = token_.begin;
  advance();
  arguments(Symbol::RightBracket, opening, true);
  // `A[()]` reads a buffer without dimensions.
  const Expr *last = expressions_.back();
  if (expressions_.size() == mark + 2 && last->kind == Expr::Kind::Tuple && last->children.empty())
    expressions_.pop_back();
  return makeFrom(mark, Expr::Kind::Subscript, begin);
}

void Parser::arguments(Symbol close, std::uint32_t opening, bool slices) {
  while (!at(close)) {
    expressions_.push_back(argument(slices));
    if (!accept(Symbol::Comma))
      break;
  }
  closeWith(close, opening);
}

void Parser::closeWith(Symbol close, std::uint32_t opening) {
  if (!accept(close))
    fail("',' or '" + std::string(spelling(close)) + "'", opening);
}

const Expr *Parser::argument(bool slices) {
  std::uint32_t begin = token_.begin;
  if (accept(Symbol::Star))
    return make(Expr::Kind::Star, begin, {}, {expression()});
  const Expr *first = slices && at(Symbol::Colon) ? nullptr : expression();
  if (first && first->kind == Expr::Kind::Name && accept(Symbol::Assign))
    return make(Expr::Kind::Keyword, begin, first->text, {expression()});
  if (!slices || !accept(Symbol::Colon))
    return first;
  auto bound = [&]() -> const Expr * {
    return at(Symbol::Colon) || at(Symbol::Comma) || at(Symbol::RightBracket) ? nullptr
                                                                              : expression();
  };
  const Expr *last = bound();
  const Expr *step = accept(Symbol::Colon) ? bound() : nullptr;
  return make(Expr::Kind::Slice, begin, {}, {first, last, step});
}

const Expr *Parser::atom() {
  constexpr workload::ElementType int32{workload::ElementType::Kind::Int, 32};
  switch (token_.kind) {
  case TokenKind::Name:
    if (token_.symbol == Symbol::None)
      return leaf(Expr::Kind::Name);
    if (at(Symbol::True) || at(Symbol::False) || at(Symbol::NoneValue))
      return leaf(Expr::Kind::Constant);
    break;
  case TokenKind::DottedName:
    return dottedName();
  case TokenKind::Integer:
    return literal(Expr::Kind::Integer, int32);
  case TokenKind::Float:
    return literal(Expr::Kind::Float, {});
  case TokenKind::String:
    return string();
  default:
    if (at(Symbol::LeftParenthesis) || at(Symbol::LeftBracket))
      return bracketed();
    if (at(Symbol::LeftBrace))
      return dictionary();
    if (at(Symbol::Ellipsis))
      return leaf(Expr::Kind::Constant);
    break;
  }
  fail("an expression");
  return make(Expr::Kind::Constant, token_.begin, "None", {});
}

const Expr *Parser::bracketed() {
  std::uint32_t begin = token_.begin;
  bool isTuple = at(Symbol::LeftParenthesis);
  const Symbol close = isTuple ? Symbol::RightParenthesis : Symbol::RightBracket;
  const std::size_t mark = expressions_.size();
  advance();
  bool hasComma = false;
  while (!at(close)) {
    expressions_.push_back(expression());
    if (!accept(Symbol::Comma))
      break;
    hasComma = true;
  }
  closeWith(close, begin);
  if (!isTuple || hasComma || expressions_.size() != mark + 1)
    return makeFrom(mark, isTuple ? Expr::Kind::Tuple : Expr::Kind::List, begin);
  const Expr *only = expressions_.back();
  expressions_.pop_back();
  return only;
}

const Expr *Parser::dictionary() {
  std::uint32_t begin = token_.begin;
  const std::size_t mark = expressions_.size();
  advance();
  while (!at(Symbol::RightBrace)) {
    expressions_.push_back(expression());
    expect(Symbol::Colon);
    expressions_.push_back(expression());
    if (!accept(Symbol::Comma))
      break;
  }
  closeWith(Symbol::RightBrace, begin);
  return makeFrom(mark, Expr::Kind::Dict, begin);
}

const Expr *Parser::string() {
  auto content = [](std::string_view text) {
    std::size_t open = text.find_first_of("\"'");
    if (open == std::string_view::npos) // one that had other quotes, which has been reported
      return text;
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
