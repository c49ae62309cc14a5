#include "frontend/acadl/syntax/Parser.h"

#include "frontend/acadl/syntax/ParserErrors.h"
#include "frontend/acadl/syntax/ParserTokens.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringExtras.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace acadlc {

using namespace parsing;
using P = grammar::AcadlParser;

namespace {

/// The deepest tree that later passes, which recurse over it, have to expect.
constexpr std::size_t maxDepth = 1'000;

void reportTooDeep(ErrorList &errors, const antlr4::Token &token) {
  errors.add(DiagnosticCode::NestingTooDeep, beginOf(token), std::max(beginOf(token), endOf(token)),
             {std::to_string(maxDepth)});
}

/// Stops the generated parser, which recurses, before the stack is full. Keeps the tree's root, so
/// that what was read up to there is not lost.
class DepthGuard final : public antlr4::tree::ParseTreeListener {
public:
  explicit DepthGuard(ErrorList &errors) : errors_(errors) {}
  [[nodiscard]] P::FileContext *root() const { return root_; }

  void visitTerminal(antlr4::tree::TerminalNode *) override {}
  void visitErrorNode(antlr4::tree::ErrorNode *) override {}
  void enterEveryRule(antlr4::ParserRuleContext *context) override {
    if (root_ == nullptr)
      root_ = dynamic_cast<P::FileContext *>(context);
    if (!isCounted(*context) || ++depth_ <= maxDepth)
      return;
    reportTooDeep(errors_, *context->getStart());
    throw ParsingStopped{};
  }
  void exitEveryRule(antlr4::ParserRuleContext *context) override {
    if (isCounted(*context))
      --depth_;
  }

private:
  /// Every cycle of the grammar leads over one of these rules.
  static bool isCounted(const antlr4::ParserRuleContext &context) {
    switch (context.getRuleIndex()) {
    case P::RuleExpression:
    case P::RuleStructureBlock:
    case P::RuleFunctionBlock:
    case P::RuleBlock:
      return true;
    default:
      return false;
    }
  }

  ErrorList &errors_;
  P::FileContext *root_ = nullptr;
  std::size_t depth_ = 0;
};

/// Makes the syntax tree of ANTLR's parse tree. Parts that could not be read are null there and
/// become invalid identifiers, `ErrorExpr`s, or are left out.
class TreeBuilder {
public:
  TreeBuilder(FileId file, const TokenBuffer &tokens, ErrorList &errors,
              std::unique_ptr<llvm::BumpPtrAllocator> arena)
      : tokens_(tokens), errors_(errors), arena_(std::move(arena)) {
    result_.file = file;
  }

  ast::SourceFile build(P::FileContext *file);

private:
  // ---- places and names
  SourceRange range(std::uint32_t begin, std::uint32_t end) const {
    return errors_.range(begin, end);
  }
  SourceRange range(const antlr4::Token *token) const;
  SourceRange range(const antlr4::ParserRuleContext *context) const;
  SourceRange range(const antlr4::Token *first, const antlr4::Token *last) const;
  ast::Identifier identifier(const antlr4::Token *token) const;
  llvm::ArrayRef<ast::Identifier> identifiers(const std::vector<antlr4::Token *> &tokens);
  ast::QualifiedName qualifiedName(const P::QualifiedNameContext *context);
  ast::TypeRef type(const P::TypeContext *context);
  llvm::StringRef stringValue(const antlr4::Token *token);
  llvm::StringRef documentation(const antlr4::ParserRuleContext *context);
  llvm::StringRef fileDocumentation();
  llvm::StringRef save(llvm::StringRef text) { return text.copy(*arena_); }

  // ---- nodes
  template <typename Node> Node *create(SourceRange where) {
    Node *node = new (arena_->Allocate<Node>()) Node{};
    node->kind = Node::Kind;
    node->range = where;
    return node;
  }
  template <typename T> llvm::ArrayRef<T> save(const llvm::SmallVectorImpl<T> &items) {
    static_assert(std::is_trivially_destructible_v<T>);
    return llvm::ArrayRef<T>(items).copy(*arena_);
  }
  /// The results of \p make for every context of \p contexts.
  template <typename Contexts, typename Make> auto list(const Contexts &contexts, Make make) {
    llvm::SmallVector<decltype(make(contexts.front())), 8> items;
    for (const auto &context : contexts)
      if (context != nullptr)
        items.push_back(make(context));
    return save(items);
  }

  // ---- depth
  class DepthScope {
  public:
    DepthScope(TreeBuilder &builder, std::size_t levels) : depth_(builder.depth_), old_(depth_) {
      depth_ += levels;
    }
    ~DepthScope() { depth_ = old_; }
    DepthScope(const DepthScope &) = delete;
    DepthScope &operator=(const DepthScope &) = delete;

  private:
    std::size_t &depth_;
    std::size_t old_;
  };
  /// Are \p levels more too deep? Reports the first time.
  bool isTooDeep(std::size_t levels, const antlr4::ParserRuleContext &context);

  // ---- expressions
  const ast::Expr *error(SourceRange where) { return create<ast::ErrorExpr>(where); }
  const ast::Expr *expression(P::ExpressionContext *context,
                              const antlr4::ParserRuleContext *parent);
  const ast::Expr *optionalExpression(P::ExpressionContext *context);
  llvm::ArrayRef<const ast::Expr *> expressions(const std::vector<P::ExpressionContext *> &list,
                                                const antlr4::ParserRuleContext *parent);
  template <typename Context, typename Leaf>
  const ast::Expr *operatorChain(Context *context, Leaf leaf);
  const ast::Expr *binary(antlr4::Token *op, const ast::Expr *left, const ast::Expr *right);
  const ast::Expr *logicOperand(P::LogicContext *context);
  const ast::Expr *operand(P::OperandExpressionContext *context);
  const ast::Expr *prefixed(ast::UnaryOperator op, const std::vector<antlr4::Token *> &tokens,
                            const ast::Expr *value);
  const ast::Expr *primary(P::PrimaryContext *context);
  const ast::Expr *number(const antlr4::Token *token, const antlr4::Token *unit);
  const ast::Expr *name(const antlr4::Token *token);
  const ast::Expr *listOrComprehension(P::ListOrComprehensionContext *context);
  const ast::Expr *table(P::PrimaryContext *context);
  const ast::Expr *postfix(const ast::Expr *object, P::PostfixContext *context);
  template <typename MakeObject>
  const ast::Expr *postfixes(MakeObject makeObject, const std::vector<P::PostfixContext *> &chain,
                             const antlr4::ParserRuleContext &context);
  llvm::ArrayRef<ast::Argument> arguments(P::ArgumentListContext *context);
  llvm::ArrayRef<ast::Argument> arguments(const std::vector<P::NamedArgumentContext *> &list);
  llvm::ArrayRef<ast::LoopHeader> loops(P::LoopHeadersContext *context);

  // ---- pieces
  ast::Parameter parameter(P::ParameterContext *context);
  llvm::ArrayRef<ast::Parameter> parameters(P::ParameterListContext *context);
  ast::Binding binding(P::BindingContext *context);
  ast::Attribute attribute(P::AttributeContext *context);
  ast::TensorAccess tensorAccess(P::TensorAccessContext *context);
  ast::Declarator declarator(P::DeclaratorContext *context);
  ast::Declarator declarator(P::EdgeEndContext *context);
  ast::Hazard hazard(P::HazardContext *context);
  ast::UnitStep unitStep(P::UnitStepContext *context);
  llvm::ArrayRef<ast::QualifiedName> operations(P::OperationListContext *context);

  // ---- statements
  ast::Block block(const antlr4::ParserRuleContext *context);
  const ast::Statement *statement(antlr4::ParserRuleContext *context);
  const ast::Statement *let(P::LetStatementContext *context);
  const ast::RequireStatement *require(P::RequireStatementContext *context);
  const ast::Statement *forLoop(antlr4::ParserRuleContext *context, P::LoopHeadersContext *header,
                                antlr4::ParserRuleContext *body);
  template <typename Context> const ast::Statement *ifChain(Context *context);
  const ast::Statement *port(P::PortDeclarationContext *context);
  const ast::Statement *objectOrEdge(P::ObjectOrEdgeContext *context);
  const ast::Statement *object(P::ObjectOrEdgeContext *context);
  const ast::Statement *edge(P::ObjectOrEdgeContext *context);
  const ast::Expr *edgeEnd(P::EdgeEndContext *context);
  const ast::Statement *route(P::RouteDeclarationContext *context);
  const ast::Statement *place(P::PlaceStatementContext *context);
  const ast::Statement *buffer(P::BufferStatementContext *context);
  const ast::Statement *emit(P::EmitStatementContext *context);
  const ast::Statement *via(P::ViaStatementContext *context);
  ast::View view(P::ViewContext *context);

  // ---- declarations
  template <typename Node>
  Node *declare(const antlr4::ParserRuleContext *context, const antlr4::Token *declaredName);
  const ast::Declaration *declaration(antlr4::ParserRuleContext *context);
  const ast::Declaration *import(P::ImportDeclarationContext *context);
  const ast::Declaration *function(P::FunctionDeclarationContext *context);
  const ast::Declaration *instruction(P::InstructionDeclarationContext *context);
  ast::Operand instructionOperand(P::OperandContext *context);
  ast::Phase phase(P::InstructionPhaseContext *context);
  void afterClause(P::PhaseClauseContext *context, ast::Phase &phase,
                   llvm::SmallVectorImpl<ast::Identifier> &after);
  void phaseClause(P::PhaseClauseContext *context, ast::Phase &phase,
                   llvm::SmallVectorImpl<ast::Identifier> &after,
                   llvm::SmallVectorImpl<ast::PhaseClauseHolding> &holding,
                   llvm::SmallVectorImpl<ast::Identifier> &signals);
  ast::Expansion expansion(P::InstructionExpansionContext *context);
  template <typename Node, typename Context> const ast::Declaration *structure(Context *context);
  const ast::Declaration *mapping(P::MappingDeclarationContext *context);
  void indices(P::IndexListContext *context, ast::MappingDeclaration &mapping);
  void computation(P::ComputationContext *context, ast::MappingDeclaration &mapping);
  ast::EpilogueStep epilogueStep(P::EpilogueStepContext *context);
  const ast::Declaration *program(P::ProgramDeclarationContext *context);
  const ast::Declaration *experiment(P::ExperimentDeclarationContext *context);
  const ast::Declaration *scalar(P::ScalarDeclarationContext *context);
  ast::ScalarOperation scalarOperation(P::ScalarOperationContext *context);

  void reportRepeated(const antlr4::Token *token);

  const TokenBuffer &tokens_;
  ErrorList &errors_;
  std::unique_ptr<llvm::BumpPtrAllocator> arena_;
  ast::SourceFile result_;
  std::size_t depth_ = 0;
  bool wasTooDeep_ = false;
};

/// The child of a rule that is only a choice between others; null if it is broken.
antlr4::ParserRuleContext *onlyChild(const antlr4::ParserRuleContext *context) {
  if (context != nullptr)
    for (antlr4::tree::ParseTree *child : context->children)
      if (auto *rule = dynamic_cast<antlr4::ParserRuleContext *>(child))
        return rule;
  return nullptr;
}

// ---- places and names ---------------------------------------------------------------------------

SourceRange TreeBuilder::range(const antlr4::Token *token) const {
  return isMissing(token) || token->getType() == antlr4::Token::EOF
             ? SourceRange{}
             : range(beginOf(*token), endOf(*token));
}

SourceRange TreeBuilder::range(const antlr4::Token *first, const antlr4::Token *last) const {
  if (isMissing(first))
    return range(last);
  const std::uint32_t begin = beginOf(*first);
  const std::uint32_t end = isMissing(last) ? begin : endOf(*last);
  return range(begin, std::max(begin, end));
}

SourceRange TreeBuilder::range(const antlr4::ParserRuleContext *context) const {
  auto *place = const_cast<antlr4::ParserRuleContext *>(context);
  return range(place->getStart(), place->getStop());
}

ast::Identifier TreeBuilder::identifier(const antlr4::Token *token) const {
  if (isMissing(token))
    return {};
  const std::string_view text = tokens_.textOf(*token);
  return {llvm::StringRef(text.data(), text.size()), range(token)};
}

llvm::ArrayRef<ast::Identifier>
TreeBuilder::identifiers(const std::vector<antlr4::Token *> &tokens) {
  llvm::SmallVector<ast::Identifier, 8> names;
  for (const antlr4::Token *token : tokens)
    if (!isMissing(token))
      names.push_back(identifier(token));
  return save(names);
}

ast::QualifiedName TreeBuilder::qualifiedName(const P::QualifiedNameContext *context) {
  if (context == nullptr)
    return {};
  ast::QualifiedName name{identifiers(context->parts), {}};
  if (!name.parts.empty())
    name.range = {name.parts.front().range.begin, name.parts.back().range.end};
  return name;
}

ast::TypeRef TreeBuilder::type(const P::TypeContext *context) {
  if (context == nullptr)
    return {};
  ast::TypeRef type{qualifiedName(context->name), identifier(context->element), {}};
  if (!type.name.parts.empty())
    type.range = range(context);
  return type;
}

llvm::StringRef TreeBuilder::stringValue(const antlr4::Token *token) {
  if (isMissing(token))
    return {};
  llvm::StringRef text = identifier(token).text.drop_front(); // the opening quote
  // A string without an end, which has been reported, is a token too.
  std::size_t end = 0;
  while (end < text.size() && text[end] != '"')
    end += text[end] == '\\' ? 2 : 1;
  text = text.take_front(end);
  if (!text.contains('\\'))
    return text;
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      value += text[i];
      continue;
    }
    const auto offset = static_cast<std::uint32_t>(beginOf(*token) + 1 + i);
    const char letter = text[++i];
    switch (letter) {
    case 'n':
      value += '\n';
      break;
    case 't':
      value += '\t';
      break;
    case '"':
    case '\\':
      value += letter;
      break;
    default: {
      const bool isPlain = letter >= ' ' && letter < 0x7F;
      errors_.add(DiagnosticCode::UnknownEscape, offset, offset + (isPlain ? 2 : 1),
                  {isPlain ? std::string{'\\', letter} : "\\"});
      value += letter;
    }
    }
  }
  return save(llvm::StringRef(value));
}

/// The text of a comment without its three characters of introduction and one space.
llvm::StringRef commentText(llvm::StringRef comment) {
  comment = comment.drop_front(3);
  comment.consume_front(" ");
  return comment.rtrim();
}

llvm::StringRef TreeBuilder::documentation(const antlr4::ParserRuleContext *context) {
  const std::vector<DocComment> &comments = tokens_.docComments();
  const llvm::StringRef text(tokens_.text().data(), tokens_.text().size());
  const antlr4::Token *start = const_cast<antlr4::ParserRuleContext *>(context)->getStart();
  if (comments.empty() || isMissing(start))
    return {};
  std::uint32_t behind = beginOf(*start);
  const auto last = llvm::partition_point(
      comments, [&](const DocComment &comment) { return comment.begin < behind; });
  llvm::SmallVector<llvm::StringRef, 4> lines;
  for (auto comment = last; comment != comments.begin();) {
    --comment;
    const llvm::StringRef between = text.slice(comment->end, behind);
    const llvm::StringRef line = text.slice(0, comment->begin).rsplit('\n').second;
    const llvm::StringRef words = text.slice(comment->begin, comment->end);
    // Only lines of their own, directly in front; four slashes are an ordinary comment.
    if (comment->isOfFile || !between.trim().empty() || between.count('\n') != 1 ||
        !(line.trim().empty() || comment->begin == 0) || words.starts_with("////"))
      break;
    lines.push_back(commentText(words));
    behind = comment->begin;
  }
  if (lines.size() == 1)
    return lines.front();
  std::reverse(lines.begin(), lines.end());
  return lines.empty() ? llvm::StringRef() : save(llvm::StringRef(llvm::join(lines, "\n")));
}

llvm::StringRef TreeBuilder::fileDocumentation() {
  const llvm::StringRef text(tokens_.text().data(), tokens_.text().size());
  llvm::SmallVector<llvm::StringRef, 8> lines;
  for (const DocComment &comment : tokens_.docComments())
    if (comment.isOfFile)
      lines.push_back(commentText(text.slice(comment.begin, comment.end)));
  return save(llvm::StringRef(llvm::join(lines, "\n")));
}

bool TreeBuilder::isTooDeep(std::size_t levels, const antlr4::ParserRuleContext &context) {
  if (depth_ + levels <= maxDepth)
    return false;
  if (!wasTooDeep_)
    reportTooDeep(errors_, *const_cast<antlr4::ParserRuleContext &>(context).getStart());
  wasTooDeep_ = true;
  return true;
}

// ---- expressions --------------------------------------------------------------------------------

const ast::Expr *TreeBuilder::optionalExpression(P::ExpressionContext *context) {
  return context == nullptr ? nullptr : expression(context, context);
}

/// \p parent tells where the expression is missing if it is.
const ast::Expr *TreeBuilder::expression(P::ExpressionContext *context,
                                         const antlr4::ParserRuleContext *parent) {
  if (context == nullptr) {
    const SourceRange around = range(parent);
    return error({around.end, around.end});
  }
  if (isTooDeep(1, *context))
    return error(range(context));
  if (context->condition == nullptr && context->thenValue == nullptr) {
    if (context->value == nullptr)
      return error(range(context));
    return operatorChain(context->value, [&](P::LogicContext *leaf) { return logicOperand(leaf); });
  }
  const DepthScope scope(*this, 1);
  auto *node = create<ast::ConditionalExpr>(range(context));
  node->condition = expression(context->condition, context);
  node->thenValue = expression(context->thenValue, context);
  node->elseValue = expression(context->elseValue, context);
  return node;
}

llvm::ArrayRef<const ast::Expr *>
TreeBuilder::expressions(const std::vector<P::ExpressionContext *> &contexts,
                         const antlr4::ParserRuleContext *parent) {
  const DepthScope scope(*this, 1);
  return list(contexts, [&](P::ExpressionContext *context) { return expression(context, parent); });
}

/// Builds `a + b - c …` without recursion along its left side, which can be as long as the text.
template <typename Context, typename Leaf>
const ast::Expr *TreeBuilder::operatorChain(Context *context, Leaf leaf) {
  llvm::SmallVector<Context *, 8> chain;
  Context *first = context;
  for (; first->left != nullptr; first = first->left)
    chain.push_back(first);
  if (isTooDeep(chain.size() + 1, *context))
    return error(range(context));

  const ast::Expr *value = nullptr;
  {
    const DepthScope scope(*this, chain.size());
    value = leaf(first);
  }
  for (std::size_t i = chain.size(); i-- > 0;) {
    const DepthScope scope(*this, i + 1);
    Context *step = chain[i];
    const ast::Expr *right = step->right != nullptr ? operatorChain(step->right, leaf)
                                                    : error({value->range.end, value->range.end});
    value = binary(step->op, value, right);
  }
  return value;
}

std::optional<ast::BinaryOperator> binaryOperator(std::size_t type) {
  using Op = ast::BinaryOperator;
  switch (type) {
  case P::PLUS:
    return Op::Add;
  case P::MINUS:
    return Op::Subtract;
  case P::STAR:
    return Op::Multiply;
  case P::SLASH:
    return Op::Divide;
  case P::PERCENT:
    return Op::Modulo;
  case P::LT:
    return Op::Less;
  case P::LE:
    return Op::LessEqual;
  case P::GT:
    return Op::Greater;
  case P::GE:
    return Op::GreaterEqual;
  case P::EQ:
    return Op::Equal;
  case P::NE:
    return Op::NotEqual;
  case P::AND:
    return Op::And;
  case P::OR:
    return Op::Or;
  default:
    return std::nullopt;
  }
}

const ast::Expr *TreeBuilder::binary(antlr4::Token *op, const ast::Expr *left,
                                     const ast::Expr *right) {
  const SourceRange where{left->range.begin, right->range.end};
  if (isMissing(op))
    return error(where);
  if (op->getType() == P::DOTDOT) {
    auto *node = create<ast::RangeExpr>(where);
    node->low = left;
    node->high = right;
    return node;
  }
  const std::optional<ast::BinaryOperator> kind = binaryOperator(op->getType());
  if (!kind)
    return error(where);
  auto *node = create<ast::BinaryExpr>(where);
  node->op = *kind;
  node->left = left;
  node->right = right;
  node->operatorRange = range(op);
  return node;
}

const ast::Expr *TreeBuilder::logicOperand(P::LogicContext *context) {
  if (context->value == nullptr || isTooDeep(context->nots.size() + 1, *context))
    return error(range(context));
  const DepthScope scope(*this, context->nots.size());
  const ast::Expr *value = operatorChain(
      context->value, [&](P::ArithmeticContext *leaf) { return operand(leaf->value); });
  return prefixed(ast::UnaryOperator::Not, context->nots, value);
}

const ast::Expr *TreeBuilder::operand(P::OperandExpressionContext *context) {
  if (context == nullptr)
    return error({});
  if (context->value == nullptr || isTooDeep(context->minuses.size() + 1, *context))
    return error(range(context));
  const DepthScope scope(*this, context->minuses.size());
  const ast::Expr *value =
      postfixes([&] { return primary(context->value); }, context->postfixes, *context);
  return prefixed(ast::UnaryOperator::Negate, context->minuses, value);
}

const ast::Expr *TreeBuilder::prefixed(ast::UnaryOperator op,
                                       const std::vector<antlr4::Token *> &tokens,
                                       const ast::Expr *value) {
  for (auto token = tokens.rbegin(); token != tokens.rend(); ++token) {
    auto *node = create<ast::UnaryExpr>({range(*token).begin, value->range.end});
    node->op = op;
    node->operand = value;
    value = node;
  }
  return value;
}

template <typename MakeObject>
const ast::Expr *TreeBuilder::postfixes(MakeObject makeObject,
                                        const std::vector<P::PostfixContext *> &chain,
                                        const antlr4::ParserRuleContext &context) {
  if (isTooDeep(chain.size() + 1, context))
    return error(range(&context));
  const ast::Expr *value = nullptr;
  {
    const DepthScope scope(*this, chain.size());
    value = makeObject();
  }
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const DepthScope scope(*this, chain.size() - i);
    value = postfix(value, chain[i]);
  }
  return value;
}

const ast::Expr *TreeBuilder::postfix(const ast::Expr *object, P::PostfixContext *context) {
  const SourceRange where{object->range.begin, range(context).end};
  if (context->arguments != nullptr) {
    auto *node = create<ast::CallExpr>(where);
    node->callee = object;
    node->arguments = arguments(context->arguments);
    return node;
  }
  if (context->indices.empty()) {
    auto *node = create<ast::MemberExpr>(where);
    node->object = object;
    node->member = identifier(context->member);
    return node;
  }
  auto *node = create<ast::IndexExpr>(where);
  node->object = object;
  node->indices = expressions(context->indices, context);
  return node;
}

const ast::Expr *TreeBuilder::primary(P::PrimaryContext *context) {
  const SourceRange where = range(context);
  if (context->number != nullptr)
    return number(context->number, context->unit);
  if (context->text != nullptr) {
    auto *node = create<ast::StringExpr>(where);
    node->value = stringValue(context->text);
    return node;
  }
  if (context->truth != nullptr) {
    auto *node = create<ast::BoolExpr>(where);
    node->value = context->truth->getType() == P::TRUE;
    return node;
  }
  if (context->name != nullptr)
    return name(context->name);
  if (context->inner != nullptr)
    return expression(context->inner, context);
  if (context->list != nullptr)
    return listOrComprehension(context->list);
  const antlr4::Token *start = context->getStart();
  if (start != nullptr && start->getType() == P::LBRACE)
    return table(context);
  return error(where);
}

const ast::Expr *TreeBuilder::name(const antlr4::Token *token) {
  if (isMissing(token))
    return error({});
  auto *node = create<ast::NameExpr>(range(token));
  node->name = identifier(token).text;
  return node;
}

const ast::Expr *TreeBuilder::number(const antlr4::Token *token, const antlr4::Token *unit) {
  if (isMissing(token))
    return error({});
  const llvm::StringRef written = identifier(token).text;
  std::string digits;
  llvm::copy_if(written, std::back_inserter(digits), [](char c) { return c != '_'; });
  const bool isHexadecimal = llvm::StringRef(digits).starts_with("0x");

  auto *node = create<ast::NumberExpr>(range(token, isMissing(unit) ? token : unit));
  node->unit = identifier(unit);
  node->isInteger = isHexadecimal || digits.find_first_of(".eE") == std::string::npos;
  const auto fail = [&](DiagnosticCode code) {
    const std::string shown =
        written.size() <= 40 ? written.str() : (written.take_front(40) + "…").str();
    errors_.add(code, beginOf(*token), endOf(*token), {shown});
    return error(node->range);
  };
  if (!node->isInteger) {
    node->real = std::strtod(digits.c_str(), nullptr);
    return std::isfinite(node->real) ? node : fail(DiagnosticCode::NumberTooLarge);
  }
  const llvm::StringRef plain = isHexadecimal ? llvm::StringRef(digits).drop_front(2) : digits;
  if (plain.empty())
    return fail(DiagnosticCode::MalformedNumber);
  std::uint64_t value = 0;
  if (plain.getAsInteger(isHexadecimal ? 16 : 10, value) ||
      value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return fail(DiagnosticCode::NumberTooLarge);
  node->integer = static_cast<std::int64_t>(value);
  node->real = static_cast<double>(value);
  return node;
}

const ast::Expr *TreeBuilder::listOrComprehension(P::ListOrComprehensionContext *context) {
  if (context->header != nullptr) {
    auto *node = create<ast::ComprehensionExpr>(range(context));
    const DepthScope scope(*this, 1);
    node->loops = loops(context->header);
    node->value = expression(context->value, context);
    return node;
  }
  auto *node = create<ast::ListExpr>(range(context));
  node->elements = expressions(context->elements, context);
  return node;
}

const ast::Expr *TreeBuilder::table(P::PrimaryContext *context) {
  const DepthScope scope(*this, 1);
  auto *node = create<ast::TableExpr>(range(context));
  node->entries = list(context->entries, [&](P::TableEntryContext *entry) {
    ast::Identifier key = identifier(entry->key);
    if (!isMissing(entry->key) && entry->key->getType() == P::STRING)
      key.text = stringValue(entry->key);
    return ast::TableEntry{key, expression(entry->value, entry)};
  });
  return node;
}

llvm::ArrayRef<ast::Argument> TreeBuilder::arguments(P::ArgumentListContext *context) {
  if (context == nullptr)
    return {};
  const DepthScope scope(*this, 1);
  return list(context->arguments, [&](P::ArgumentContext *argument) {
    return ast::Argument{identifier(argument->name), expression(argument->value, argument)};
  });
}

llvm::ArrayRef<ast::Argument>
TreeBuilder::arguments(const std::vector<P::NamedArgumentContext *> &contexts) {
  return list(contexts, [&](P::NamedArgumentContext *argument) {
    return ast::Argument{identifier(argument->name), expression(argument->value, argument)};
  });
}

llvm::ArrayRef<ast::LoopHeader> TreeBuilder::loops(P::LoopHeadersContext *context) {
  if (context == nullptr)
    return {};
  return list(context->loops, [&](P::LoopHeaderContext *loop) {
    return ast::LoopHeader{identifier(loop->name), expression(loop->iterated, loop),
                           optionalExpression(loop->stepWidth)};
  });
}

// ---- pieces -------------------------------------------------------------------------------------

ast::Parameter TreeBuilder::parameter(P::ParameterContext *context) {
  if (context == nullptr)
    return {};
  return {identifier(context->name), type(context->typeRef), optionalExpression(context->value),
          documentation(context)};
}

llvm::ArrayRef<ast::Parameter> TreeBuilder::parameters(P::ParameterListContext *context) {
  if (context == nullptr)
    return {};
  return list(context->parameters, [&](P::ParameterContext *item) { return parameter(item); });
}

ast::Binding TreeBuilder::binding(P::BindingContext *context) {
  return {identifier(context->name), type(context->typeRef), expression(context->value, context)};
}

ast::Attribute TreeBuilder::attribute(P::AttributeContext *context) {
  return {identifier(context->name), expression(context->value, context)};
}

ast::TensorAccess TreeBuilder::tensorAccess(P::TensorAccessContext *context) {
  if (context == nullptr)
    return {};
  return {identifier(context->tensor), expressions(context->indices, context), range(context)};
}

ast::Declarator TreeBuilder::declarator(P::DeclaratorContext *context) {
  return {identifier(context->name), list(context->bounds, [&](P::ArrayBoundContext *bound) {
            return expression(bound->size, bound);
          })};
}

/// The name of an object, which was read as if an edge started with it.
ast::Declarator TreeBuilder::declarator(P::EdgeEndContext *context) {
  llvm::SmallVector<const ast::Expr *, 2> bounds;
  bool isName = context->list == nullptr;
  for (P::PostfixContext *bound : context->postfixes) {
    isName = isName && bound->indices.size() == 1 && bound->arguments == nullptr;
    if (isName)
      bounds.push_back(expression(bound->indices.front(), bound));
  }
  if (!isName) {
    const antlr4::Token *start = context->getStart(), *stop = context->getStop();
    const std::string written(
        tokens_.text().substr(beginOf(*start), endOf(*stop) - beginOf(*start)));
    const bool isShort = written.size() <= 40 && written.find('\n') == std::string::npos;
    errors_
        .add(DiagnosticCode::UnexpectedToken, beginOf(*start), endOf(*stop),
             {"an object's name, like 'pe' or 'pe[4]', in front of ':'",
              isShort ? "'" + written + "'" : "something else"})
        .maybeConsequence = true;
  }
  return {identifier(context->name), save(bounds)};
}

ast::Hazard TreeBuilder::hazard(P::HazardContext *context) {
  return {identifier(context->waiting), identifiers(context->awaited), identifier(context->event),
          identifier(context->where), range(context)};
}

ast::UnitStep TreeBuilder::unitStep(P::UnitStepContext *context) {
  return {operations(context->taken), operations(context->behind), range(context)};
}

llvm::ArrayRef<ast::QualifiedName> TreeBuilder::operations(P::OperationListContext *context) {
  if (context == nullptr)
    return {};
  return list(context->operations,
              [&](P::QualifiedNameContext *name) { return qualifiedName(name); });
}

void TreeBuilder::reportRepeated(const antlr4::Token *token) {
  errors_.add(DiagnosticCode::RepeatedClause, beginOf(*token), endOf(*token),
              {std::string(tokens_.textOf(*token))});
}

// ---- statements ---------------------------------------------------------------------------------

/// The statements of a structureBlock, functionBlock or block.
ast::Block TreeBuilder::block(const antlr4::ParserRuleContext *context) {
  if (context == nullptr || isTooDeep(1, *context))
    return {};
  const DepthScope scope(*this, 1);
  llvm::SmallVector<const ast::Statement *, 16> statements;
  for (antlr4::tree::ParseTree *child : context->children)
    if (antlr4::ParserRuleContext *item =
            onlyChild(dynamic_cast<antlr4::ParserRuleContext *>(child)))
      if (const ast::Statement *node = statement(item))
        statements.push_back(node);
  return save(statements);
}

const ast::Statement *TreeBuilder::statement(antlr4::ParserRuleContext *context) {
  switch (context->getRuleIndex()) {
  case P::RuleLetStatement:
    return let(static_cast<P::LetStatementContext *>(context));
  case P::RuleRequireStatement:
    return require(static_cast<P::RequireStatementContext *>(context));
  case P::RuleFunctionFor: {
    auto *loop = static_cast<P::FunctionForContext *>(context);
    return forLoop(loop, loop->header, loop->body);
  }
  case P::RuleStructureFor: {
    auto *loop = static_cast<P::StructureForContext *>(context);
    return forLoop(loop, loop->header, loop->body);
  }
  case P::RuleForStatement: {
    auto *loop = static_cast<P::ForStatementContext *>(context);
    return forLoop(loop, loop->header, loop->body);
  }
  case P::RuleFunctionIf:
    return ifChain(static_cast<P::FunctionIfContext *>(context));
  case P::RuleStructureIf:
    return ifChain(static_cast<P::StructureIfContext *>(context));
  case P::RuleIfStatement:
    return ifChain(static_cast<P::IfStatementContext *>(context));
  case P::RuleAssignStatement: {
    auto *assign = static_cast<P::AssignStatementContext *>(context);
    auto *node = create<ast::AssignStatement>(range(context));
    node->name = identifier(assign->name);
    node->value = expression(assign->value, assign);
    return node;
  }
  case P::RuleReturnStatement: {
    auto *node = create<ast::ReturnStatement>(range(context));
    node->value = expression(static_cast<P::ReturnStatementContext *>(context)->value, context);
    return node;
  }
  case P::RulePortDeclaration:
    return port(static_cast<P::PortDeclarationContext *>(context));
  case P::RuleObjectOrEdge:
    return objectOrEdge(static_cast<P::ObjectOrEdgeContext *>(context));
  case P::RuleClockStatement: {
    auto *node = create<ast::ClockStatement>(range(context));
    node->frequency =
        expression(static_cast<P::ClockStatementContext *>(context)->frequency, context);
    return node;
  }
  case P::RuleRouteDeclaration:
    return route(static_cast<P::RouteDeclarationContext *>(context));
  case P::RuleInstructionDeclaration:
  case P::RuleFunctionDeclaration: {
    auto *node = create<ast::LocalDeclarationStatement>(range(context));
    node->declaration = declaration(context);
    return node;
  }
  case P::RuleParamStatement: {
    auto *param = static_cast<P::ParamStatementContext *>(context);
    auto *node = create<ast::ParamStatement>(range(context));
    node->parameter = parameter(param->parameter());
    node->parameter.documentation = documentation(context);
    return node;
  }
  case P::RulePlaceStatement:
    return place(static_cast<P::PlaceStatementContext *>(context));
  case P::RuleBufferStatement:
    return buffer(static_cast<P::BufferStatementContext *>(context));
  case P::RuleEmitStatement:
    return emit(static_cast<P::EmitStatementContext *>(context));
  case P::RuleViaStatement:
    return via(static_cast<P::ViaStatementContext *>(context));
  default:
    return nullptr;
  }
}

const ast::Statement *TreeBuilder::let(P::LetStatementContext *context) {
  auto *node = create<ast::LetStatement>(range(context));
  node->bindings = list(context->bindings, [&](P::BindingContext *item) { return binding(item); });
  return node;
}

const ast::RequireStatement *TreeBuilder::require(P::RequireStatementContext *context) {
  auto *node = create<ast::RequireStatement>(range(context));
  node->condition = expression(context->condition, context);
  node->message = stringValue(context->message);
  return node;
}

const ast::Statement *TreeBuilder::forLoop(antlr4::ParserRuleContext *context,
                                           P::LoopHeadersContext *header,
                                           antlr4::ParserRuleContext *body) {
  auto *node = create<ast::ForStatement>(range(context));
  node->loops = loops(header);
  if (header != nullptr)
    node->headerRange = range(header);
  node->body = block(body);
  return node;
}

/// `if a { … } else if b { … } else { … }`: the second `if` is the only statement of the first
/// one's else block.
template <typename Context> const ast::Statement *TreeBuilder::ifChain(Context *context) {
  const std::size_t count = context->conditions.size();
  if (count == 0 || isTooDeep(count, *context))
    return nullptr;
  const SourceRange whole = range(context);
  ast::Block otherwise;
  {
    const DepthScope scope(*this, count - 1);
    otherwise = block(context->otherwise);
  }
  const ast::IfStatement *next = nullptr;
  for (std::size_t i = count; i-- > 0;) {
    const DepthScope scope(*this, i);
    const SourceLocation begin = i == 0 ? whole.begin : range(context->conditions[i]).begin;
    auto *node = create<ast::IfStatement>({begin, whole.end});
    node->condition = expression(context->conditions[i], context);
    node->thenBlock = block(i < context->blocks.size() ? context->blocks[i] : nullptr);
    if (next != nullptr)
      node->elseBlock = save(llvm::SmallVector<const ast::Statement *, 1>{next});
    else
      node->elseBlock = otherwise;
    next = node;
  }
  return next;
}

const ast::Statement *TreeBuilder::port(P::PortDeclarationContext *context) {
  auto *node = create<ast::PortStatement>(range(context));
  node->declarators =
      list(context->declarators, [&](P::DeclaratorContext *item) { return declarator(item); });
  node->edge = identifier(context->edge);
  node->isOut = !isMissing(context->direction) && context->direction->getType() == P::OUT;
  return node;
}

const ast::Statement *TreeBuilder::objectOrEdge(P::ObjectOrEdgeContext *context) {
  if (context->ends.empty())
    return nullptr;
  if (context->objectType != nullptr)
    return object(context);
  return context->ends.size() > 1 ? edge(context) : nullptr;
}

const ast::Statement *TreeBuilder::object(P::ObjectOrEdgeContext *context) {
  auto *node = create<ast::ObjectStatement>(range(context));
  llvm::SmallVector<ast::Declarator, 4> declarators{declarator(context->ends.front())};
  for (P::DeclaratorContext *item : context->declarators)
    declarators.push_back(declarator(item));
  node->declarators = save(declarators);
  node->type = qualifiedName(context->objectType);
  node->hasArguments = context->arguments != nullptr;
  node->arguments = arguments(context->arguments);
  if (context->attributes != nullptr)
    node->attributes = list(context->attributes->attributes,
                            [&](P::AttributeContext *item) { return attribute(item); });
  if (context->attributes != nullptr)
    node->steps =
        list(context->attributes->steps, [&](P::UnitStepContext *item) { return unitStep(item); });
  if (context->contents != nullptr)
    node->contents = block(context->contents->body);
  if (context->hazards != nullptr)
    node->hazards =
        list(context->hazards->hazards, [&](P::HazardContext *item) { return hazard(item); });
  node->documentation = documentation(context);
  return node;
}

const ast::Expr *TreeBuilder::edgeEnd(P::EdgeEndContext *context) {
  const auto first = [&]() -> const ast::Expr * {
    if (context->list != nullptr)
      return listOrComprehension(context->list);
    return isMissing(context->name) ? error(range(context)) : name(context->name);
  };
  return postfixes(first, context->postfixes, *context);
}

const ast::Statement *TreeBuilder::edge(P::ObjectOrEdgeContext *context) {
  auto *node = create<ast::EdgeStatement>(range(context));
  node->ends = list(context->ends, [&](P::EdgeEndContext *end) { return edgeEnd(end); });
  llvm::SmallVector<ast::ArrowKind, 4> arrows;
  llvm::SmallVector<SourceRange, 4> arrowRanges;
  for (const antlr4::Token *arrow : context->arrows) {
    arrows.push_back(arrow->getType() == P::ARROW ? ast::ArrowKind::Forward : ast::ArrowKind::Data);
    arrowRanges.push_back(range(arrow));
  }
  // A broken end leaves an arrow without one.
  const std::size_t count = std::min(arrows.size(), node->ends.size() - 1);
  arrows.truncate(count);
  arrowRanges.truncate(count);
  node->ends = node->ends.take_front(count + 1);
  node->arrows = save(arrows);
  node->arrowRanges = save(arrowRanges);
  return node;
}

const ast::Statement *TreeBuilder::route(P::RouteDeclarationContext *context) {
  auto *node = create<ast::RouteStatement>(range(context));
  node->name = identifier(context->name);
  node->parameters = parameters(context->parameters);
  node->channels = expression(context->channels, context);
  return node;
}

const ast::Statement *TreeBuilder::place(P::PlaceStatementContext *context) {
  auto *node = create<ast::PlaceStatement>(range(context));
  node->tensors = identifiers(context->tensors);
  node->storage = expression(context->storage, context);
  for (P::PlaceClauseContext *clause : context->clauses) {
    const bool isBorder = clause->getStart()->getType() == P::WITH;
    if (isBorder ? node->withBorder : node->address != nullptr)
      reportRepeated(clause->getStart());
    if (isBorder)
      node->withBorder = true;
    else
      node->address = expression(clause->address, clause);
  }
  return node;
}

const ast::Statement *TreeBuilder::buffer(P::BufferStatementContext *context) {
  auto *node = create<ast::BufferStatement>(range(context));
  node->name = identifier(context->name);
  node->shape = expressions(context->shape, context);
  node->elementType = identifier(context->elementType);
  node->storage = expression(context->storage, context);
  return node;
}

const ast::Statement *TreeBuilder::emit(P::EmitStatementContext *context) {
  auto *node = create<ast::EmitStatement>(range(context));
  node->instruction = identifier(context->instruction);
  node->arguments = arguments(context->arguments);
  node->unit = optionalExpression(context->unit);
  node->over = optionalExpression(context->stages);
  return node;
}

const ast::Statement *TreeBuilder::via(P::ViaStatementContext *context) {
  auto *node = create<ast::ViaStatement>(range(context));
  node->mapping = identifier(context->mapping);
  node->extents = arguments(context->extents);
  node->parameters = arguments(context->arguments);
  node->views = list(context->views, [&](P::ViewContext *item) { return view(item); });
  return node;
}

ast::View TreeBuilder::view(P::ViewContext *context) {
  return {identifier(context->tensor), identifiers(context->indices),
          tensorAccess(context->source)};
}

// ---- declarations -------------------------------------------------------------------------------

template <typename Node>
Node *TreeBuilder::declare(const antlr4::ParserRuleContext *context,
                           const antlr4::Token *declaredName) {
  Node *node = create<Node>(range(context));
  node->name = identifier(declaredName);
  node->documentation = documentation(context);
  return node;
}

const ast::Declaration *TreeBuilder::declaration(antlr4::ParserRuleContext *context) {
  switch (context->getRuleIndex()) {
  case P::RuleImportDeclaration:
    return import(static_cast<P::ImportDeclarationContext *>(context));
  case P::RuleEnumDeclaration: {
    auto *enumeration = static_cast<P::EnumDeclarationContext *>(context);
    auto *node = declare<ast::EnumDeclaration>(context, enumeration->name);
    node->enumerators = identifiers(enumeration->enumerators);
    return node;
  }
  case P::RuleConstantDeclaration: {
    auto *constant = static_cast<P::ConstantDeclarationContext *>(context);
    auto *node = declare<ast::ConstantDeclaration>(context, constant->name);
    node->type = type(constant->typeRef);
    node->value = expression(constant->value, constant);
    return node;
  }
  case P::RuleFunctionDeclaration:
    return function(static_cast<P::FunctionDeclarationContext *>(context));
  case P::RuleInstructionDeclaration:
    return instruction(static_cast<P::InstructionDeclarationContext *>(context));
  case P::RuleTemplateDeclaration:
    return structure<ast::TemplateDeclaration>(
        static_cast<P::TemplateDeclarationContext *>(context));
  case P::RuleArchitectureDeclaration:
    return structure<ast::ArchitectureDeclaration>(
        static_cast<P::ArchitectureDeclarationContext *>(context));
  case P::RuleMappingDeclaration:
    return mapping(static_cast<P::MappingDeclarationContext *>(context));
  case P::RuleProgramDeclaration:
    return program(static_cast<P::ProgramDeclarationContext *>(context));
  case P::RulePreferDeclaration: {
    auto *prefer = static_cast<P::PreferDeclarationContext *>(context);
    auto *node = declare<ast::PreferDeclaration>(context, prefer->name);
    node->others = identifiers(prefer->others);
    return node;
  }
  case P::RuleExperimentDeclaration:
    return experiment(static_cast<P::ExperimentDeclarationContext *>(context));
  case P::RuleScalarDeclaration:
    return scalar(static_cast<P::ScalarDeclarationContext *>(context));
  default:
    return nullptr;
  }
}

const ast::Declaration *TreeBuilder::import(P::ImportDeclarationContext *context) {
  auto *node = declare<ast::ImportDeclaration>(context, context->alias);
  node->path = stringValue(context->path);
  node->pathRange = range(context->path);
  return node;
}

const ast::Declaration *TreeBuilder::function(P::FunctionDeclarationContext *context) {
  auto *node = declare<ast::FunctionDeclaration>(context, context->name);
  node->parameters = parameters(context->parameters);
  node->result = type(context->result);
  node->value = optionalExpression(context->value);
  node->body = block(context->body);
  return node;
}

ast::Operand TreeBuilder::instructionOperand(P::OperandContext *context) {
  ast::Operand result;
  result.name = identifier(context->name);
  if (!isMissing(context->direction)) {
    const std::size_t direction = context->direction->getType();
    result.direction = direction == P::IN    ? ast::OperandDirection::In
                       : direction == P::OUT ? ast::OperandDirection::Out
                                             : ast::OperandDirection::InOut;
  }
  result.type = type(context->typeRef);
  result.defaultValue = optionalExpression(context->value);
  return result;
}

const ast::Declaration *TreeBuilder::instruction(P::InstructionDeclarationContext *context) {
  auto *node = declare<ast::InstructionDeclaration>(context, context->name);
  node->operands =
      list(context->operands, [&](P::OperandContext *item) { return instructionOperand(item); });
  P::InstructionBodyContext *body = context->instructionBody();
  if (body == nullptr)
    return node;
  llvm::SmallVector<ast::Attribute, 8> attributes;
  llvm::SmallVector<ast::Phase, 4> phases;
  llvm::SmallVector<ast::Expansion, 1> expansions;
  llvm::SmallVector<const ast::RequireStatement *, 2> requirements;
  for (P::InstructionItemContext *item : body->items) {
    antlr4::ParserRuleContext *child = onlyChild(item);
    if (auto *assigned = dynamic_cast<P::AttributeContext *>(child))
      attributes.push_back(attribute(assigned));
    else if (auto *occupied = dynamic_cast<P::InstructionPhaseContext *>(child))
      phases.push_back(phase(occupied));
    else if (auto *expanded = dynamic_cast<P::InstructionExpansionContext *>(child))
      expansions.push_back(expansion(expanded));
    else if (auto *required = dynamic_cast<P::RequireStatementContext *>(child))
      requirements.push_back(require(required));
  }
  node->attributes = save(attributes);
  node->phases = save(phases);
  node->expansions = save(expansions);
  node->requirements = save(requirements);
  return node;
}

ast::Phase TreeBuilder::phase(P::InstructionPhaseContext *context) {
  ast::Phase result;
  result.name = identifier(context->name);
  if (context->place != nullptr) {
    result.isOver = !isMissing(context->place) && context->place->getType() == P::OVER;
    result.object = expression(context->object, context);
  }
  result.range = range(context);
  llvm::SmallVector<ast::Identifier, 2> after, signals;
  llvm::SmallVector<ast::PhaseClauseHolding, 2> holding;
  for (P::PhaseClauseContext *clause : context->clauses)
    phaseClause(clause, result, after, holding, signals);
  result.after = save(after);
  result.holding = save(holding);
  result.signals = save(signals);
  if (context->expansion != nullptr)
    result.expansion =
        new (arena_->Allocate<ast::Expansion>()) ast::Expansion(expansion(context->expansion));
  return result;
}

void TreeBuilder::afterClause(P::PhaseClauseContext *context, ast::Phase &result,
                              llvm::SmallVectorImpl<ast::Identifier> &after) {
  if (context->step == nullptr) {
    after.push_back(identifier(context->after));
    return;
  }
  if (result.afterStep.isValid())
    reportRepeated(context->step);
  result.afterStep = range(context->step);
  result.stepDistance = optionalExpression(context->distance);
}

void TreeBuilder::phaseClause(P::PhaseClauseContext *context, ast::Phase &result,
                              llvm::SmallVectorImpl<ast::Identifier> &after,
                              llvm::SmallVectorImpl<ast::PhaseClauseHolding> &holding,
                              llvm::SmallVectorImpl<ast::Identifier> &signals) {
  switch (context->getStart()->getType()) {
  case P::FOR:
    if (result.duration != nullptr)
      reportRepeated(context->getStart());
    result.duration = expression(context->duration, context);
    break;
  case P::AFTER:
    afterClause(context, result, after);
    break;
  case P::HOLDING:
    holding.push_back({expression(context->held, context), identifier(context->until)});
    break;
  case P::SIGNALS:
    signals.push_back(identifier(context->signal));
    break;
  case P::TOGETHER:
    if (result.together.isValid())
      reportRepeated(context->getStart());
    result.together = range(context->getStart());
    break;
  default: // broken, and reported
    break;
  }
}

ast::Expansion TreeBuilder::expansion(P::InstructionExpansionContext *context) {
  return {arguments(context->limits), block(context->body), range(context)};
}

template <typename Node, typename Context>
const ast::Declaration *TreeBuilder::structure(Context *context) {
  Node *node = declare<Node>(context, context->name);
  node->parameters = parameters(context->parameters);
  node->body = block(context->body);
  return node;
}

const ast::Declaration *TreeBuilder::mapping(P::MappingDeclarationContext *context) {
  auto *node = declare<ast::MappingDeclaration>(context, context->name);
  indices(context->indices, *node);
  if (context->coefficients != nullptr)
    node->coefficients = identifiers(context->coefficients->names);
  node->architectureName = identifier(context->architectureName);
  node->architecture = qualifiedName(context->architecture);
  computation(context->formula, *node);
  if (P::ZeroOutsideContext *zero = context->zeroOutside())
    node->zeroOutside = identifiers(zero->tensors);
  if (P::EpilogueContext *epilogue = context->epilogue())
    node->epilogue =
        list(epilogue->steps, [&](P::EpilogueStepContext *step) { return epilogueStep(step); });
  if (P::AcceptsClauseContext *accepts = context->acceptsClause())
    node->accepts = list(accepts->elements, [&](P::AcceptedElementContext *item) {
      return ast::AcceptedElement{identifier(item->element), identifier(item->as)};
    });
  if (P::GuardClauseContext *guard = context->guardClause())
    node->guard = expression(guard->condition, guard);
  node->body = block(context->body);
  return node;
}

void TreeBuilder::indices(P::IndexListContext *context, ast::MappingDeclaration &mapping) {
  if (context == nullptr)
    return;
  llvm::SmallVector<ast::HeaderIndex, 8> all;
  for (P::IndexContext *index : context->outputs)
    all.push_back({identifier(index->name), identifier(index->extent), false});
  for (P::IndexContext *index : context->reductions)
    all.push_back({identifier(index->name), identifier(index->extent), true});
  mapping.indices = save(all);
}

void TreeBuilder::computation(P::ComputationContext *context, ast::MappingDeclaration &mapping) {
  if (context == nullptr)
    return;
  mapping.result = tensorAccess(context->result);
  mapping.value = expression(context->value, context);
  if (isMissing(context->assign))
    return;
  if (context->assign->getType() == P::PLUS_ASSIGN) {
    mapping.assign = ast::AssignOperator::Sum;
  } else if (!isMissing(context->reduction)) {
    const llvm::StringRef word = identifier(context->reduction).text;
    mapping.assign = word == "min" ? ast::AssignOperator::Min : ast::AssignOperator::Max;
    if (word != "min" && word != "max")
      errors_.add(DiagnosticCode::UnexpectedToken, beginOf(*context->reduction),
                  endOf(*context->reduction),
                  {"'=', '+=', 'max=' or 'min='", "'" + word.str() + "'"});
  }
}

ast::EpilogueStep TreeBuilder::epilogueStep(P::EpilogueStepContext *context) {
  ast::EpilogueStep step;
  step.isOptional = context->isOptional != nullptr;
  step.hasTensor = context->function == nullptr;
  if (!isMissing(context->op))
    step.op = binaryOperator(context->op->getType()).value_or(ast::BinaryOperator::Add);
  step.tensor = tensorAccess(context->tensor);
  step.function = identifier(context->function);
  step.arguments = arguments(context->arguments);
  step.range = range(context);
  return step;
}

const ast::Declaration *TreeBuilder::program(P::ProgramDeclarationContext *context) {
  auto *node = declare<ast::ProgramDeclaration>(context, context->name);
  node->parameters = parameters(context->parameters);
  node->architectureName = identifier(context->architectureName);
  node->architecture = qualifiedName(context->architecture);
  node->body = block(context->body);
  return node;
}

const ast::Declaration *TreeBuilder::experiment(P::ExperimentDeclarationContext *context) {
  auto *node = declare<ast::ExperimentDeclaration>(context, context->name);
  node->isOfProgram = !isMissing(context->kind) && context->kind->getType() == P::PROGRAM;
  node->target = qualifiedName(context->target);
  llvm::SmallVector<ast::Attribute, 8> attributes;
  for (P::ExperimentItemContext *item : context->items) {
    if (P::AttributeContext *given = item->attribute()) {
      attributes.push_back(attribute(given));
    } else if (P::GuardClauseContext *guard = item->guardClause()) {
      if (node->condition != nullptr)
        reportRepeated(guard->getStart());
      node->condition = expression(guard->condition, guard);
    }
  }
  node->attributes = save(attributes);
  return node;
}

const ast::Declaration *TreeBuilder::scalar(P::ScalarDeclarationContext *context) {
  auto *node = create<ast::ScalarDeclaration>(range(context));
  node->documentation = documentation(context);
  node->architectureName = identifier(context->architectureName);
  node->architecture = qualifiedName(context->architecture);
  llvm::SmallVector<const ast::LetStatement *, 4> lets;
  llvm::SmallVector<ast::Attribute, 4> attributes;
  llvm::SmallVector<ast::ScalarOperation, 32> operations;
  for (P::ScalarItemContext *item : context->items) {
    if (P::LetStatementContext *named = item->letStatement())
      lets.push_back(ast::dynCast<ast::LetStatement>(let(named)));
    else if (P::AttributeContext *given = item->attribute())
      attributes.push_back(attribute(given));
    else if (P::ScalarOperationContext *operation = item->scalarOperation())
      operations.push_back(scalarOperation(operation));
  }
  node->lets = save(lets);
  node->attributes = save(attributes);
  node->operations = save(operations);
  return node;
}

ast::ScalarOperation TreeBuilder::scalarOperation(P::ScalarOperationContext *context) {
  return {identifier(context->name), identifiers(context->parameters), block(context->body),
          range(context)};
}

ast::SourceFile TreeBuilder::build(P::FileContext *file) {
  result_.documentation = fileDocumentation();
  llvm::SmallVector<const ast::Declaration *, 16> declarations;
  if (file != nullptr)
    for (P::DeclarationContext *item : file->declaration())
      if (antlr4::ParserRuleContext *child = onlyChild(item))
        if (const ast::Declaration *node = declaration(child))
          declarations.push_back(node);
  result_.declarations = save(declarations);
  result_.arena = std::move(arena_);
  return std::move(result_);
}

/// \p arena will hold the tree, and may hold \p text.
ast::SourceFile parseText(std::string_view text, FileId file, ErrorList &errors,
                          std::unique_ptr<llvm::BumpPtrAllocator> arena) {
  if (!checkEncoding(text, errors)) {
    ast::SourceFile empty;
    empty.file = file;
    empty.arena = std::move(arena);
    return empty;
  }
  TokenBuffer tokens(text, errors);
  P parser(&tokens);
  parser.removeErrorListeners();
  parser.setErrorHandler(std::make_shared<ErrorStrategy>(tokens, errors));
  DepthGuard guard(errors);
  parser.addParseListener(&guard);
  try {
    parser.file();
  } catch (const ParsingStopped &) { // NOLINT(bugprone-empty-catch)
    // Reported; what was read up to here is in the tree.
  }
  return TreeBuilder(file, tokens, errors, std::move(arena)).build(guard.root());
}

} // namespace

ast::SourceFile parseAcadl(const SourceManager &sources, FileId file,
                           DiagnosticEngine &diagnostics) {
  ErrorList errors(sources, file);
  ast::SourceFile result =
      parseText(sources.text(file), file, errors, std::make_unique<llvm::BumpPtrAllocator>());
  errors.report(diagnostics);
  return result;
}

ast::SourceFile parseAcadlValue(const SourceManager &sources, FileId file, std::uint32_t begin,
                                DiagnosticEngine &diagnostics) {
  // Only declarations can be parsed, so the value becomes that of a constant.
  constexpr llvm::StringRef lead = "const value = ";
  auto arena = std::make_unique<llvm::BumpPtrAllocator>();
  const llvm::StringRef value = sources.text(file).substr(begin);
  const llvm::StringRef text = llvm::StringRef((lead + value).str()).copy(*arena);
  ErrorList errors(sources, file, begin, static_cast<std::uint32_t>(lead.size()));
  ast::SourceFile result = parseText(text, file, errors, std::move(arena));
  errors.report(diagnostics);
  return result;
}

} // namespace acadlc
