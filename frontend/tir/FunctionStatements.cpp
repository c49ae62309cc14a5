#include "frontend/tir/FunctionParts.h"
#include "frontend/tir/Vocabulary.h"
#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <iterator>

namespace acadlc::tir {

using namespace workload;

void FunctionReader::readBody(std::span<const Stmt *const> body) {
  for (const Stmt *stmt : body)
    readStatement(*stmt);
}

void FunctionReader::readStatement(const Stmt &stmt) {
  switch (stmt.kind) {
  case Stmt::Kind::Expression:
    return readExpressionStatement(stmt);
  case Stmt::Kind::Assign:
  case Stmt::Kind::AnnotatedAssign:
    return readAssignment(stmt);
  case Stmt::Kind::For:
    return readFor(stmt);
  case Stmt::Kind::With:
    return readWith(stmt);
  case Stmt::Kind::If:
    return readConditional(stmt);
  case Stmt::Kind::While:
    issue(stmt.range, "'while'");
    return readBody(stmt.body);
  case Stmt::Kind::Return:
    if (stmt.value)
      issue(stmt.range, "a function that returns a value");
    return;
  case Stmt::Kind::Function:
  case Stmt::Kind::Class:
    return issue(stmt.nameRange, "a definition inside a function");
  case Stmt::Kind::Other:
    if (stmt.name == "break" || stmt.name == "continue")
      issue(stmt.range, "'" + std::string(stmt.name) + "'");
    return;
  }
}

void FunctionReader::readExpressionStatement(const Stmt &stmt) {
  std::string_view name = tirCallName(stmt.value);
  constexpr std::string_view ignored[] = {"func_attr",   "reads",      "writes",      "where",
                                          "sblock_attr", "block_attr", "device_entry"};
  if (name == "where") {
    frames_.back().isGuarded = true;
    if (const Expr *condition = positional(*stmt.value, 0))
      readGuard(stmt, *condition);
  }
  if (std::find(std::begin(ignored), std::end(ignored), name) != std::end(ignored))
    return;
  bool isLiteral = stmt.value->kind == Expr::Kind::String ||
                   stmt.value->kind == Expr::Kind::Constant ||
                   stmt.value->kind == Expr::Kind::Integer;
  if (isLiteral)
    return;
  if (name == "evaluate") {
    const Expr *operand = positional(*stmt.value, 0);
    if (operand && integerLiteral(*operand))
      return;
  }
  issue(stmt.range, name.empty() ? "this statement" : "'T." + std::string(name) + "'");
}

void FunctionReader::readConditional(const Stmt &stmt) {
  ++conditions_;
  std::size_t mark = undo_.size();
  readGuard(stmt, *stmt.value);
  const std::size_t guards = guards_.size();
  readBody(stmt.body);
  leaveScope(mark);
  guards_.resize(guards);
  guards_.back().isElse = true;
  readBody(stmt.orElse);
  leaveScope(mark);
  guards_.resize(guards - 1);
  --conditions_;
}

/// What follows stands under \p condition, until the guard is taken away again.
void FunctionReader::readGuard(const Stmt &stmt, const Expr &condition) {
  Conversion conversion;
  Guard guard;
  guard.statement = &stmt;
  guard.value = convert(condition, conversion);
  guard.accesses = std::move(conversion.accesses);
  guards_.push_back(std::move(guard));
}

void FunctionReader::readAssignment(const Stmt &stmt) {
  if (readAxes(stmt))
    return;
  if (stmt.targets.size() != 1)
    return issue(stmt.range, "an assignment to several names");
  const Expr &target = *stmt.targets[0];
  if (!stmt.value) {
    if (target.kind == Expr::Kind::Name)
      bind(target.text, NameMeaning::size());
    return;
  }
  if (target.kind == Expr::Kind::Subscript)
    return addStore(target, *stmt.value, stmt.range);
  if (target.kind != Expr::Kind::Name)
    return issue(target.range, "this target of an assignment");
  if (stmt.value->kind == Expr::Kind::Call && readDeclaration(stmt, target, *stmt.value))
    return;
  bindLet(target.text, *stmt.value);
}

/// `v: T.let[T.int64] = e` and its older forms: the name stands for the expression. Loads belong to
/// the store that uses the name, so an expression with loads is converted again there.
void FunctionReader::bindLet(std::string_view name, const Expr &definition) {
  Conversion conversion;
  ValueExprPtr value = convert(definition, conversion);
  bind(name, conversion.accesses.empty() ? NameMeaning::of(std::move(value))
                                         : NameMeaning::let(definition));
}

/// Reads what makes a buffer or a symbolic size; false if \p call is none of these.
bool FunctionReader::readDeclaration(const Stmt &stmt, const Expr &target, const Expr &call) {
  std::string_view name = tirCallName(&call);
  constexpr std::string_view allocations[] = {"sblock_alloc_buffer", "alloc_buffer", "alloc_local",
                                              "alloc_shared",        "decl_buffer",  "allocate"};
  if (std::find(std::begin(allocations), std::end(allocations), name) != std::end(allocations)) {
    auto tensor = readBuffer(call, 0, target.range, std::nullopt);
    if (!tensor)
      tensor.emplace();
    tensor->name = target.text;
    bind(target.text, NameMeaning::buffer(true, result_.locals.size()));
    result_.locals.push_back(std::move(*tensor));
    if (keyword(call, "data"))
      issue(call.range, "a buffer that shares memory with another");
    return true;
  }
  if (name == "match_buffer") {
    matchBuffer(stmt, target, call);
    return true;
  }
  bool isSize = name == "var" || name == "SizeVar" || name == "Var" ||
                (arguments(call).empty() && typeNamed(*call.children[0]));
  if (isSize)
    bind(target.text, NameMeaning::size());
  return isSize;
}

void FunctionReader::matchBuffer(const Stmt &stmt, const Expr &target, const Expr &call) {
  const Expr *handle = positional(call, 0);
  const NameMeaning *symbol =
      handle && handle->kind == Expr::Kind::Name ? find(handle->text) : nullptr;
  if (!symbol || symbol->kind != NameMeaning::Kind::Handle)
    return issue(stmt.range, "'T.match_buffer' of a part of a buffer");
  std::size_t index = symbol->parameter;
  if (auto tensor = readBuffer(call, 1, target.range, argumentShape(index))) {
    tensor->name = target.text;
    result_.parameters[index].tensor = std::move(*tensor);
  }
  bind(target.text, NameMeaning::buffer(false, index));
}

void FunctionReader::readFor(const Stmt &stmt) {
  std::size_t mark = undo_.size();
  std::size_t activeMark = active_.size();
  const Expr *call = stmt.value;
  std::string_view name = tirCallName(call);
  bool isRange = call->kind == Expr::Kind::Call && call->children[0]->isName("range");
  constexpr std::string_view singles[] = {"serial", "parallel", "vectorized", "unroll",
                                          "thread_binding"};
  bool isSingle =
      isRange || std::find(std::begin(singles), std::end(singles), name) != std::end(singles);
  if (name == "thread_binding" && !result_.threadBinding.isValid())
    result_.threadBinding = call->range;
  Conversion conversion;
  auto zero = context_.nodes.indexValue(0);
  std::size_t count = 0;
  if (name == "grid" || isSingle)
    while (positional(*call, count))
      ++count;
  if (name == "grid" && count == stmt.targets.size()) {
    for (std::size_t i = 0; i < count; ++i)
      addVariable(stmt.targets[i]->text, zero, convert(*positional(*call, i), conversion),
                  positional(*call, i)->range, false, Axis::Kind::Spatial);
  } else if (isSingle && stmt.targets.size() == 1 && count >= 1 && count <= 3) {
    const Expr *step = positional(*call, 2);
    if (step && integerLiteral(*step) != 1)
      issue(step->range, "a loop with a step");
    ValueExprPtr extent = convert(*positional(*call, count == 1 ? 0 : 1), conversion);
    ValueExprPtr low = zero;
    if (count > 1) {
      low = convert(*positional(*call, 0), conversion);
      extent = binaryValue("-", extent, low);
    }
    addVariable(stmt.targets[0]->text, low, extent, call->range, false, Axis::Kind::Spatial);
  } else {
    issue(stmt.value->range, "this loop");
    for (const Expr *target : stmt.targets)
      addVariable(target->text, zero, context_.nodes.indexValue(1), target->range, false,
                  Axis::Kind::Spatial);
  }
  readBody(stmt.body);
  leaveScope(mark);
  leaveVariables(activeMark);
}

namespace {

/// Whether one of the statements of \p body is `… = T.axis.…(…)`.
bool declaresAxes(std::span<const Stmt *const> body) {
  return std::ranges::any_of(body, [](const Stmt *stmt) {
    return stmt->kind == Stmt::Kind::Assign && tirCallName(stmt->value).starts_with("axis.");
  });
}

} // namespace

void FunctionReader::readWith(const Stmt &stmt) {
  std::string_view name = tirCallName(stmt.value);
  if (name == "sblock" || name == "block") {
    const Expr *label = positional(*stmt.value, 0);
    // The block around the whole function, printed by old versions, has no meaning of its own.
    if (frames_.size() == 1 && label && label->kind == Expr::Kind::String &&
        label->text == "root" && active_.empty())
      return readBody(stmt.body);
    return readBlock(stmt, *stmt.value);
  }
  if (name == "init") {
    frames_.back().hasInit = true;
    const std::size_t mark = undo_.size();
    isInInit_ = true;
    readBody(stmt.body);
    isInInit_ = false;
    return leaveScope(mark);
  }
  std::size_t mark = undo_.size();
  bool isLet = (name == "LetStmt" || name == "let") && positional(*stmt.value, 0);
  if (isLet) {
    const Expr *value = positional(*stmt.value, name == "let" ? 1 : 0);
    const Expr *target = name == "let"          ? positional(*stmt.value, 0)
                         : stmt.targets.empty() ? nullptr
                                                : stmt.targets[0];
    if (value && target && target->kind == Expr::Kind::Name)
      bindLet(target->text, *value);
  } else if (name != "Assert") {
    issue(stmt.range, name.empty() ? "this statement" : "'T." + std::string(name) + "'");
    for (const Expr *target : stmt.targets)
      bind(target->text, NameMeaning::size());
    // What declares axes is meant to be a block: then they are no mistakes of their own.
    if (!name.empty() && declaresAxes(stmt.body))
      return readBlock(stmt, *stmt.value);
  }
  readBody(stmt.body);
  leaveScope(mark);
}

void FunctionReader::readBlock(const Stmt &stmt, const Expr &call) {
  std::size_t mark = undo_.size();
  std::size_t activeMark = active_.size();
  Frame frame;
  const Expr *label = positional(call, 0);
  if (label && label->kind == Expr::Kind::String)
    frame.label = label->text;
  frame.range = stmt.range;
  frame.firstVariable = frame.firstLoop = variables_.size();
  frame.isBlock = true;
  frames_.push_back(std::move(frame));
  const std::size_t guardMark = guards_.size();
  readBody(stmt.body);
  Frame finished = std::move(frames_.back());
  frames_.pop_back();
  if (!finished.stores.empty())
    buildComputation(finished, std::move(finished.stores));
  guards_.resize(guardMark);
  leaveScope(mark);
  leaveVariables(activeMark);
}

} // namespace acadlc::tir
