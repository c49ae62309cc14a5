#include "frontend/tir/FunctionParts.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "ir/WorkloadBuild.h"
#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <iterator>

namespace acadlc::tir {

using namespace workload;

namespace {

/// The memory that the buffer which \p call declares is in, named by keyword or position; empty if
/// it is not named.
std::string_view scopeOf(const Expr &call, std::size_t position) {
  const Expr *scope = keyword(call, "scope");
  if (!scope)
    scope = positional(call, position);
  if (!scope)
    return {};
  return scope->text.empty() ? "global" : scope->text;
}

/// Where the scalar that \p definition makes is; empty if the text does not say.
std::string_view scalarScope(const Stmt &definition) {
  if (!declaresScalar(definition.value))
    return {};
  return tirCallName(definition.value) == "shared_scalar" ? "shared"
                                                          : scopeOf(*definition.value, 1);
}

/// The type that \p definition gives a scalar; none if it does not say.
std::optional<ElementType> scalarType(const Stmt &definition) {
  if (definition.annotation)
    return typeNamed(*definition.annotation);
  if (!declaresScalar(definition.value))
    return std::nullopt;
  const Expr *type = positional(*definition.value, 0);
  if (!type)
    type = keyword(*definition.value, "dtype");
  return type ? typeNamed(*type) : std::nullopt;
}

/// What \p stmt assigns; null if it only declares.
const Expr *initialValue(const Stmt &stmt) {
  return declaresScalar(stmt.value) ? keyword(*stmt.value, "init") : stmt.value;
}

/// A name that no text has: of what a scalar is from an assignment on, while that is read.
constexpr std::string_view nextVersion = "next version";

} // namespace

void FunctionReader::readBody(std::span<const Stmt *const> body) {
  const Expr *reducer = reducer_;
  for (const Stmt *stmt : body)
    readStatement(*stmt);
  reducer_ = reducer;
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
  // What says something about the code but computes nothing.
  constexpr std::string_view ignored[] = {
      "func_attr",    "reads", "writes", "where", "sblock_attr",         "block_attr",
      "device_entry", "bind",  "assume", "attr",  "preflattened_buffer", "tvm_storage_sync"};
  if (name == "where") {
    frames_.back().isGuarded = true;
    if (const Expr *condition = positional(*stmt.value, 0))
      readGuard(stmt, *condition);
  }
  if (name == "attr")
    noteReducer(*stmt.value);
  if (std::find(std::begin(ignored), std::end(ignored), name) != std::end(ignored))
    return;
  bool isLiteral = stmt.value->kind == Expr::Kind::String ||
                   stmt.value->kind == Expr::Kind::Constant ||
                   stmt.value->kind == Expr::Kind::Integer;
  if (isLiteral)
    return;
  const Expr *call = stmt.value;
  if (name == "evaluate") {
    const Expr *operand = positional(*stmt.value, 0);
    if (operand && (integerLiteral(*operand) || tirCallName(operand) == "assume" ||
                    tirCallName(operand) == "tvm_storage_sync"))
      return;
    // The call is what matters.
    if (const std::string_view inner = tirCallName(operand); !inner.empty()) {
      name = inner;
      call = operand;
    }
  }
  if (name == "tvm_thread_allreduce")
    return readAllReduce(*call, stmt.range);
  if (readExternalCall(*call, stmt.range))
    return;
  if (name == "launch_thread" && positional(*stmt.value, 0))
    return launchThread(*positional(*stmt.value, 0), *stmt.value);
  if (readMemberStore(*stmt.value, stmt.range))
    return;
  const Expr *value = positional(*stmt.value, 1);
  if (name == "buffer_store" && value && positional(*stmt.value, 2))
    return readBufferStore(*stmt.value, *value, stmt.range);
  unknownName(stmt.range, name, "this statement");
}

/// `T.buffer_store(B, value, [i, j])`, an old form of `B[i, j] = value`.
void FunctionReader::readBufferStore(const Expr &call, const Expr &value, SourceRange range) {
  const Expr &place = *positional(call, 2);
  std::vector<const Expr *> parts{positional(call, 0)};
  if (place.kind == Expr::Kind::List || place.kind == Expr::Kind::Tuple)
    parts.insert(parts.end(), place.children.begin(), place.children.end());
  else
    parts.push_back(&place);
  auto *target = context_.tree.make<Expr>();
  target->kind = Expr::Kind::Subscript;
  target->range = range;
  target->children = context_.tree.list(parts);
  addStore(*target, value, range);
}

namespace {

/// Whether \p predicate holds for all elements: `T.Broadcast(T.bool(True), 4)`.
bool holdsForAll(const Expr *predicate) {
  if (!predicate)
    return true;
  const bool isConstant =
      predicate->kind == Expr::Kind::Constant || predicate->kind == Expr::Kind::Integer;
  if (isConstant)
    return predicate->text == "True" || predicate->text == "1";
  const std::string_view name = tirCallName(predicate);
  const bool isTransparent = name == "Broadcast" || name == "broadcast" || name == "bool";
  return isTransparent && positional(*predicate, 0) && holdsForAll(positional(*predicate, 0));
}

} // namespace

/// `base[indices]`.
const Expr *FunctionReader::accessTo(const Expr &base, std::span<const Expr *const> indices,
                                     SourceRange range) {
  std::vector<const Expr *> parts{&base};
  parts.insert(parts.end(), indices.begin(), indices.end());
  auto *access = context_.tree.make<Expr>();
  access->kind = Expr::Kind::Subscript;
  access->range = range;
  access->children = context_.tree.list(parts);
  return access;
}

/// `A.vload([i, j], "float32x4")` and `A.vstore([i, j], value)` as `A[i, j:j + 4]`; null if \p call
/// is no call of \p member, or some elements are left out. \p lanes: of the vectors, unless the
/// last index says so.
const Expr *FunctionReader::memberAccess(const Expr &call, std::string_view member,
                                         std::int64_t lanes) {
  const Expr &callee = *call.children[0];
  const Expr *place = positional(call, 0);
  const bool isMember = callee.kind == Expr::Kind::DottedName && callee.text.ends_with(member) &&
                        callee.text.size() > member.size();
  if (!isMember || !place || !holdsForAll(keyword(call, "predicate")))
    return nullptr;
  auto *base = context_.tree.make<Expr>();
  base->text = callee.text.substr(0, callee.text.size() - member.size());
  base->range = callee.range;
  const bool isList = place->kind == Expr::Kind::List || place->kind == Expr::Kind::Tuple;
  const std::span<const Expr *const> given = isList ? place->children : std::span(&place, 1);
  std::vector<const Expr *> indices(given.begin(), given.end());
  if (!indices.empty() && lanes > 1 && lanesIn(*indices.back()) == 0) {
    const std::string digits = std::to_string(lanes);
    const std::span<const char> kept =
        context_.tree.list(std::span<const char>(digits.data(), digits.size()));
    auto *count = context_.tree.make<Expr>();
    count->kind = Expr::Kind::Integer;
    count->elementType = {ElementType::Kind::Int, 32};
    count->text = {kept.data(), kept.size()};
    count->range = call.range;
    auto *end = context_.tree.make<Expr>();
    end->kind = Expr::Kind::Binary;
    end->text = "+";
    end->range = call.range;
    end->children = context_.tree.list(std::vector<const Expr *>{indices.back(), count});
    auto *slice = context_.tree.make<Expr>();
    slice->kind = Expr::Kind::Slice;
    slice->range = call.range;
    slice->children = context_.tree.list(std::vector<const Expr *>{indices.back(), end, nullptr});
    indices.back() = slice;
  }
  return accessTo(*base, indices, call.range);
}

/// `B[i]` where the memory of B is named, as old texts do: `T.load("float32", B.data, i)`; null if
/// \p pointer is no such.
const Expr *FunctionReader::pointerAccess(const Expr &pointer, const Expr &index,
                                          SourceRange range) {
  constexpr std::string_view member = ".data";
  auto *base = context_.tree.make<Expr>();
  *base = pointer;
  if (pointer.kind == Expr::Kind::DottedName && pointer.text.ends_with(member)) {
    base->kind = Expr::Kind::Name;
    base->text = pointer.text.substr(0, pointer.text.size() - member.size());
  }
  const Expr *only = &index;
  return base->kind == Expr::Kind::Name ? accessTo(*base, std::span(&only, 1), range) : nullptr;
}

/// `B.vstore([i], value)` and `T.store(B.data, i, value, True)`; false if \p call is none of these.
bool FunctionReader::readMemberStore(const Expr &call, SourceRange range) {
  if (call.kind != Expr::Kind::Call)
    return false;
  const bool isPointer = tirCallName(&call) == "store";
  const Expr *value = positional(call, isPointer ? 2 : 1);
  const Expr *target = nullptr;
  if (isPointer && value && holdsForAll(positional(call, 3)))
    target = pointerAccess(*positional(call, 0), *positional(call, 1), range);
  else if (!isPointer && value)
    target = memberAccess(call, ".vstore", lanesIn(*value));
  if (target)
    addStore(*target, *value, range);
  return target != nullptr;
}

void FunctionReader::readConditional(const Stmt &stmt) {
  ++conditions_;
  const std::size_t mark = undo_.size();
  const std::size_t guards = guards_.size();
  // Each link of an `elif` chain stands where those before it do not hold.
  for (const Stmt *link = &stmt; link != nullptr; link = link->elseIf()) {
    readGuard(*link, *link->value);
    const std::size_t inside = guards_.size();
    readBody(link->body);
    leaveScope(mark);
    guards_.resize(inside);
    guards_.back().isElse = true;
    if (link->elseIf() == nullptr)
      readBody(link->orElse);
  }
  leaveScope(mark);
  guards_.resize(guards);
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
    return readDeclarations(stmt);
  const Expr &target = *stmt.targets[0];
  if (assignStraight(stmt))
    return;
  if (plan_.scalars.contains(&stmt))
    return declareScalar(stmt);
  if (!stmt.value) {
    const auto type = stmt.annotation ? typeNamed(*stmt.annotation) : std::nullopt;
    const bool isPoint =
        type && (type->kind == ElementType::Kind::Float || type->kind == ElementType::Kind::BFloat);
    if (target.kind == Expr::Kind::Name)
      bind(target.text, isPoint ? NameMeaning::unset() : NameMeaning::size());
    return;
  }
  if (target.kind == Expr::Kind::Subscript)
    return addStore(target, *stmt.value, stmt.range);
  if (target.kind != Expr::Kind::Name)
    return issue(target.range, "this target of an assignment");
  if (stmt.value->kind == Expr::Kind::Call && readDeclaration(stmt, target, *stmt.value))
    return;
  // A name that was declared without a value gets its first one here.
  const NameMeaning *earlier = stmt.kind == Stmt::Kind::Assign ? find(target.text) : nullptr;
  if (earlier != nullptr && earlier->kind == NameMeaning::Kind::Buffer && earlier->tensor.isLocal &&
      localBuffers_[earlier->tensor.index].scalar)
    return assignScalar(target, *stmt.value, stmt.range, earlier->tensor.index);
  if (const Stmt *definition = straightDefinition(stmt))
    return newScalar(target, *stmt.value, stmt.range, *definition);
  const bool hasValue = earlier != nullptr && earlier->kind != NameMeaning::Kind::Size &&
                        earlier->kind != NameMeaning::Kind::Unset;
  if (hasValue && !reportedScalars_.insert(target.text).second)
    return;
  if (hasValue)
    return issue(stmt.range, "another assignment to '" + std::string(target.text) +
                                 "' (what changes must be a buffer, with a dimension for each "
                                 "loop around it)");
  bindLet(target.text, *stmt.value);
}

/// The definition of the name that \p stmt assigns to, if that is read as a scalar and all its
/// assignments stand in one body; else null.
const Stmt *FunctionReader::straightDefinition(const Stmt &stmt) const {
  const auto found = plan_.straight.find(&stmt);
  const bool isScalar = found != plan_.straight.end() && plan_.scalars.contains(found->second);
  return isScalar ? found->second : nullptr;
}

/// Whether \p expr is arithmetic on integers, loops and names of such alone.
bool FunctionReader::isSizeText(const Expr &expr) const {
  const auto isSize = [this](const Expr *operand) { return isSizeText(*operand); };
  switch (expr.kind) {
  case Expr::Kind::Integer:
    return true;
  case Expr::Kind::Name: {
    const NameMeaning *meaning = find(expr.text);
    return meaning && meaning->kind == NameMeaning::Kind::Value && asIndex(meaning->value);
  }
  case Expr::Kind::Unary:
    return (expr.text == "-" || expr.text == "+") && isSize(expr.children[0]);
  case Expr::Kind::Binary: {
    constexpr std::string_view operators[] = {"+", "-", "*", "//", "%"};
    return std::ranges::find(operators, expr.text) != std::end(operators) &&
           std::ranges::all_of(expr.children, isSize);
  }
  case Expr::Kind::Call:
    return (isIntegerCast(expr) || !sizeOperator(expr).empty()) &&
           std::ranges::all_of(arguments(expr), isSize);
  default:
    return false;
  }
}

/// `x: T.int32 = i * 2` and `x = x + 1` behind it: from here on the name stands for that number.
/// False if \p stmt is something else.
bool FunctionReader::assignStraight(const Stmt &stmt) {
  const Stmt *definition = straightDefinition(stmt);
  if (!definition)
    return false;
  const Expr *value = initialValue(stmt);
  const auto type = scalarType(*definition);
  const bool isInteger =
      !type || type->kind == ElementType::Kind::Int || type->kind == ElementType::Kind::UInt;
  if (!value || !isInteger || !isSizeText(*value))
    return false;
  Conversion conversion;
  ValueExprPtr number = convert(*value, conversion);
  if (!asIndex(number))
    return false;
  bind(stmt.targets[0]->text, NameMeaning::of(std::move(number)));
  return true;
}

/// `acc: T.float32 = e` of a name that gets other values later: a buffer of one element.
void FunctionReader::declareScalar(const Stmt &stmt) {
  const Expr &target = *stmt.targets[0];
  const Expr *value = initialValue(stmt);
  Tensor tensor;
  tensor.range = target.range;
  if (const auto type = scalarType(stmt)) {
    tensor.elementType = *type;
  } else if (value) {
    Conversion conversion;
    const ValueExprPtr first = convert(*value, conversion);
    const bool isTyped = first->kind == ValueExpr::Kind::Load ||
                         first->kind == ValueExpr::Kind::Cast ||
                         first->kind == ValueExpr::Kind::Constant;
    if (isTyped)
      tensor.elementType = first->elementType;
  }
  addLocal(target.text, std::move(tensor), scalarScope(stmt));
  localBuffers_.back().scalar = &stmt;
  if (value)
    addStore(target, *value, stmt.range);
}

/// `acc = e`. In the loops of the definition nothing can read the value of before any more: there
/// the name stands for a new buffer from now on.
void FunctionReader::assignScalar(const Expr &target, const Expr &value, SourceRange range,
                                  std::uint32_t buffer) {
  const LocalBuffer &local = localBuffers_[buffer];
  if (local.depth != active_.size() || local.conditions != conditions_)
    return addStore(target, value, range);
  newScalar(target, value, range, *local.scalar);
}

/// Gives the name \p target a buffer of its own, which holds \p value, from here on.
void FunctionReader::newScalar(const Expr &target, const Expr &value, SourceRange range,
                               const Stmt &definition) {
  const NameMeaning earlier = *find(target.text);
  Tensor next;
  next.range = definition.targets[0]->range;
  if (earlier.kind == NameMeaning::Kind::Buffer)
    next.elementType = tensorOf(earlier.tensor).elementType;
  else
    next.elementType = scalarType(definition).value_or(ElementType{});
  addLocal(target.text, std::move(next), scalarScope(definition));
  localBuffers_.back().scalar = &definition;
  const NameMeaning own = *find(target.text);
  names_[target.text] = earlier; // the value reads what was there
  auto *place = context_.tree.make<Expr>();
  *place = target;
  place->text = nextVersion;
  bind(nextVersion, own);
  addStore(*place, value, range);
  names_[target.text] = own;
}

/// Declares a buffer of this function. \p scope: the memory that it is in; may be empty.
void FunctionReader::addLocal(std::string_view name, Tensor tensor, std::string_view scope) {
  LocalBuffer local;
  local.shape = tensor.shape;
  local.depth = active_.size();
  local.conditions = conditions_;
  // Threads of a GPU share what has no scope or another one; elsewhere there are none.
  local.isThreadLocal = scope.starts_with("local") || scope.starts_with("wmma") || scope.empty();
  local.isInLoop = isInLoop();
  tensor.name = name;
  const auto index = static_cast<std::uint32_t>(result_.locals.size());
  if (const auto own = plan_.privates.find(index); own != plan_.privates.end())
    tensor.shape.insert(tensor.shape.begin(), own->second.extents.begin(),
                        own->second.extents.end());
  const NameMeaning meaning = NameMeaning::buffer(true, index);
  noteRestart(meaning.tensor, {});
  bind(name, meaning);
  result_.locals.push_back(std::move(tensor));
  localBuffers_.push_back(std::move(local));
}

/// `m, n = T.int64(), T.int64()`.
void FunctionReader::readDeclarations(const Stmt &stmt) {
  const bool isEach = stmt.value && stmt.value->kind == Expr::Kind::Tuple &&
                      stmt.value->children.size() == stmt.targets.size();
  for (std::size_t i = 0; i < stmt.targets.size(); ++i) {
    const Expr &target = *stmt.targets[i];
    if (!isEach || target.kind != Expr::Kind::Name || !declaresSize(*stmt.value->children[i])) {
      const std::string_view callee = tirCallName(stmt.value);
      unknownName(callee.empty() ? stmt.range : stmt.value->range, callee,
                  "an assignment to several names");
      for (const Expr *name : stmt.targets)
        bindUnknownAxis(*name);
      return;
    }
    bind(target.text, NameMeaning::size());
  }
}

/// `v: T.let[T.int64] = e` and its older forms: the name stands for the expression. Loads belong to
/// the store that uses the name, so an expression with loads is converted again there.
void FunctionReader::bindLet(std::string_view name, const Expr &definition) {
  Conversion conversion;
  ValueExprPtr value = convert(definition, conversion);
  bind(name, conversion.accesses.empty() ? NameMeaning::of(std::move(value))
                                         : NameMeaning::let(definition));
}

namespace {

/// Whether `T.name(…)` makes a buffer.
bool declaresBuffer(std::string_view name) {
  constexpr std::string_view forms[] = {
      "sblock_alloc_buffer", "alloc_buffer", "alloc_local", "alloc_shared",
      "decl_buffer",         "allocate",     "Buffer",      "buffer_decl",
      "allocate_const"};
  return std::find(std::begin(forms), std::end(forms), name) != std::end(forms);
}

} // namespace

/// Reads what makes a buffer or a symbolic size; false if \p call is none of these.
bool FunctionReader::readDeclaration(const Stmt &stmt, const Expr &target, const Expr &call) {
  std::string_view name = tirCallName(&call);
  if (declaresBuffer(name)) {
    declareBuffer(target, call);
    return true;
  }
  if (name == "match_buffer") {
    matchBuffer(stmt, target, call);
    return true;
  }
  if (name == "launch_thread") {
    launchThread(target, call);
    return true;
  }
  if (declaresScalar(&call)) {
    // It could not be read as a buffer: its first value is one that the name stands for.
    if (const Expr *first = keyword(call, "init"))
      bindLet(target.text, *first);
    else
      bind(target.text, NameMeaning::unset());
    return true;
  }
  bool isSize = name == "var" || name == "SizeVar" || name == "Var" || name == "env_thread" ||
                declaresSize(call);
  if (isSize)
    bind(target.text, NameMeaning::size());
  return isSize;
}

void FunctionReader::declareBuffer(const Expr &target, const Expr &call) {
  if (tirCallName(&call) == "allocate_const")
    return declareConstant(target, call);
  auto tensor = readBuffer(call, 0, target.range, std::nullopt);
  if (!tensor)
    tensor.emplace();
  else if (keyword(call, "data") && aliasBuffer(target, *tensor, call))
    return;
  // `T.allocate` names its scope by position.
  addLocal(target.text, std::move(*tensor), scopeOf(call, 2));
  noteVectors({true, static_cast<std::uint32_t>(result_.locals.size() - 1)}, call, 0);
}

/// `K = T.allocate_const([1, 2], "int32", [2])`: a buffer that is part of the program. What it
/// holds is not read.
void FunctionReader::declareConstant(const Expr &target, const Expr &call) {
  const Expr *type = positional(call, 1) ? positional(call, 1) : keyword(call, "dtype");
  const Expr *extents = positional(call, 2) ? positional(call, 2) : keyword(call, "extents");
  Tensor tensor;
  tensor.range = target.range;
  bind(target.text, NameMeaning::size()); // whatever goes wrong, the name is declared
  if (!type || !extents)
    return issue(call.range, "'T.allocate_const' without a type and a shape");
  const auto element = typeNamed(*type);
  if (!element)
    return reportType(*type);
  auto shape = readShape(*extents, std::nullopt);
  if (!shape)
    return;
  tensor.elementType = *element;
  tensor.shape = std::move(*shape);
  addLocal(target.text, std::move(tensor), "global");
  result_.constants.insert(static_cast<std::uint32_t>(result_.locals.size() - 1));
}

/// What `A.data`, or the name of an allocation, is the memory of; null if that is not known.
const NameMeaning *FunctionReader::bufferBehind(const Expr &data) const {
  constexpr std::string_view member = ".data";
  std::string_view name = data.kind == Expr::Kind::Name ? data.text : std::string_view();
  if (data.kind == Expr::Kind::DottedName && data.text.ends_with(member))
    name = data.text.substr(0, data.text.size() - member.size());
  const NameMeaning *meaning = find(name);
  const bool isBuffer = meaning && (meaning->kind == NameMeaning::Kind::Buffer ||
                                    meaning->kind == NameMeaning::Kind::View);
  return isBuffer ? meaning : nullptr;
}

namespace {

/// The numbers in \p list, `[64, 1]`; none if one of them is no number.
std::optional<std::vector<std::int64_t>> numbersOf(const Expr *list) {
  std::vector<std::int64_t> numbers;
  for (const Expr *item : list ? list->children : std::span<const Expr *const>()) {
    const auto number = integerLiteral(*item);
    if (!number || *number < 0)
      return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

/// The number of the last element of a view; none if that leaves 64 bits.
std::optional<std::int64_t> lastOf(const Shape &shape, const std::vector<std::int64_t> &strides) {
  if (strides.empty()) {
    const auto count = checkedProduct(shape);
    return count ? std::optional(*count - 1) : std::nullopt;
  }
  std::optional<std::int64_t> last = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const auto reach = checkedMul(shape[d] - 1, strides[d]);
    last = last && reach ? checkedAdd(*last, *reach) : std::nullopt;
  }
  return last;
}

} // namespace

/// Whether \p view has all elements of its buffer, in their order in memory.
bool FunctionReader::isWholeInOrder(const BufferView &view) const {
  const bool isAtStart =
      !view.offset || (view.offset->kind == IndexExpr::Kind::Constant && view.offset->value == 0);
  return view.begin.empty() && isAtStart && view.strides.empty() && view.lanes == 0 &&
         checkedProduct(view.shape) == tensorOf(view.tensor).elementCount();
}

/// Reads `B = T.decl_buffer(shape, type, data=A.data)`: another name, perhaps another shape, of
/// what A is, or of a part of it. Reports what can't be understood so and returns false.
bool FunctionReader::aliasBuffer(const Expr &target, const Tensor &declared, const Expr &call) {
  const NameMeaning *behind = bufferBehind(*keyword(call, "data"));
  // Another name for all of a buffer in its order in memory.
  std::optional<NameMeaning> whole;
  if (behind && behind->kind == NameMeaning::Kind::View && isWholeInOrder(*behind->view))
    behind = &whole.emplace(
        NameMeaning::buffer(behind->view->tensor.isLocal, behind->view->tensor.index));
  const Expr *place = keyword(call, "elem_offset");
  const bool isKnown = behind && behind->kind == NameMeaning::Kind::Buffer;
  const auto strides = numbersOf(keyword(call, "strides"));
  Conversion conversion;
  const IndexExprPtr offset =
      place && isKnown ? asIndex(convert(*place, conversion)) : indexConstant(0);
  const bool fits = isKnown && offset && strides &&
                    (strides->empty() || strides->size() == declared.shape.size()) &&
                    tensorOf(behind->tensor).elementType == declared.elementType;
  const auto last = fits ? lastOf(declared.shape, *strides) : std::nullopt;
  const std::int64_t first =
      offset && offset->kind == IndexExpr::Kind::Constant ? offset->value : 0;
  // Of memory that is no buffer because of something else, which has been said.
  const Expr &data = *keyword(call, "data");
  const NameMeaning *known = data.kind == Expr::Kind::Name ? find(data.text) : nullptr;
  if (known && known->kind == NameMeaning::Kind::Size && !result_.issues.empty())
    return false;
  if (!last || first < 0 || *last >= tensorOf(behind->tensor).elementCount() - first) {
    issue(call.range, "a buffer that shares memory with another");
    return false;
  }
  const Expr *type = positional(call, 1) ? positional(call, 1) : keyword(call, "dtype");
  const auto vector = type ? vectorTypeNamed(*type) : std::nullopt;
  const bool isWhole = offset->kind == IndexExpr::Kind::Constant && offset->value == 0 &&
                       strides->empty() && !vector &&
                       !vectors_.contains({behind->tensor.isLocal, behind->tensor.index});
  if (isWhole && shapeOf(behind->tensor) == declared.shape)
    bind(target.text, *behind);
  else
    bind(target.text,
         NameMeaning::of(BufferView{
             behind->tensor, declared.shape, {}, offset, *strides, vector ? vector->lanes : 0}));
  return true;
}

void FunctionReader::matchBuffer(const Stmt &stmt, const Expr &target, const Expr &call) {
  const Expr *handle = positional(call, 0);
  if (handle && handle->kind == Expr::Kind::Subscript)
    return matchPart(target, *handle, call);
  const NameMeaning *symbol =
      handle && handle->kind == Expr::Kind::Name ? find(handle->text) : nullptr;
  if (!symbol || symbol->kind != NameMeaning::Kind::Handle)
    return issue(stmt.range, "'T.match_buffer' of what is no parameter and no part of a buffer");
  std::size_t index = symbol->parameter;
  bind(target.text, NameMeaning::buffer(false, index));
  if (auto tensor = readBuffer(call, 1, target.range, argumentShape(index))) {
    setParameter(target.text, index, std::move(*tensor));
    noteVectors({false, static_cast<std::uint32_t>(index)}, call, 1);
  }
}

/// `C = T.match_buffer(A[i:i + 4, 0:8], (4, 8))`: C is that part of A.
void FunctionReader::matchPart(const Expr &target, const Expr &part, const Expr &call) {
  const Expr &base = *part.children[0];
  const NameMeaning *meaning = base.kind == Expr::Kind::Name ? find(base.text) : nullptr;
  // Whatever goes wrong, the name is declared.
  bind(target.text, NameMeaning::size());
  if (base.kind == Expr::Kind::Name && !meaning)
    return reportUndefined(base);
  const bool isView = meaning && meaning->kind == NameMeaning::Kind::View;
  if (!meaning || (meaning->kind != NameMeaning::Kind::Buffer && !isView) ||
      (isView && meaning->view->begin.empty()))
    return issue(call.range, "'T.match_buffer' of a part of what is no buffer");
  const TensorRef tensor = isView ? meaning->view->tensor : meaning->tensor;
  const Shape whole = isView ? meaning->view->shape : shapeOf(tensor);
  if (whole.size() != arguments(part).size())
    return error(DiagnosticCode::TirWrongRank, part.range, base.text, whole.size(),
                 arguments(part).size());
  Conversion conversion;
  std::vector<IndexExprPtr> begin;
  Shape extents;
  for (std::size_t d = 0; d < whole.size(); ++d) {
    const Expr &index = *arguments(part)[d];
    const bool isSlice = index.kind == Expr::Kind::Slice;
    const Expr *low = isSlice ? index.children[0] : &index;
    ValueExprPtr first = low ? convert(*low, conversion) : context_.nodes.indexValue(0);
    std::optional<std::int64_t> extent = 1;
    if (isSlice && index.children[1])
      extent = constantDifference(convert(*index.children[1], conversion), first);
    else if (isSlice)
      extent = constantDifference(context_.nodes.indexValue(whole[d]), first);
    IndexExprPtr place = asIndex(first);
    if (!place || !extent || (isSlice && index.children[2]))
      return issue(part.range, "'T.match_buffer' of a part whose size is not known");
    begin.push_back(std::move(place));
    extents.push_back(*extent);
  }
  auto declared = readBuffer(call, 1, target.range, std::nullopt);
  if (!declared)
    return;
  // The view has the last dimensions of the part; the others are single elements.
  const std::size_t left = extents.size() - std::min(extents.size(), declared->shape.size());
  const bool fits =
      declared->shape.size() <= extents.size() &&
      std::all_of(extents.begin(), extents.begin() + static_cast<std::ptrdiff_t>(left),
                  [](std::int64_t extent) { return extent == 1; }) &&
      std::equal(declared->shape.begin(), declared->shape.end(),
                 extents.begin() + static_cast<std::ptrdiff_t>(left));
  if (!fits)
    return issue(part.range, "'T.match_buffer' of a part of another shape");
  if (isView)
    begin = throughView(*meaning->view, std::move(begin));
  bind(target.text, NameMeaning::of(BufferView{
                        tensor, std::move(declared->shape), std::move(begin), nullptr, {}}));
}

namespace {

/// The bounds of a loop over one variable, `range(…)`, `T.serial(…)`, …; none if \p call is no
/// such.
std::optional<LoopBounds> boundsOf(const Expr &call) {
  constexpr std::string_view singles[] = {"serial", "parallel", "vectorized", "unroll",
                                          "thread_binding"};
  const std::string_view name = tirCallName(&call);
  const bool isRange = call.kind == Expr::Kind::Call && call.children[0]->isName("range");
  if (!isRange && std::find(std::begin(singles), std::end(singles), name) == std::end(singles))
    return std::nullopt;
  std::vector<const Expr *> numbers;
  for (std::size_t i = 0; const Expr *argument = positional(call, i); ++i)
    if (argument->kind != Expr::Kind::String) // old texts name the thread by position
      numbers.push_back(argument);
  LoopBounds bounds;
  if (numbers.size() == 1)
    bounds.high = numbers[0];
  else if (numbers.size() == 2 || numbers.size() == 3)
    bounds = {numbers[0], numbers[1], numbers.size() == 3 ? numbers[2] : nullptr};
  else
    return std::nullopt;
  if (const Expr *step = keyword(call, "step"))
    bounds.step = step;
  return bounds;
}

} // namespace

/// Says why \p stmt, a loop over 'T.\p name' or something else, cannot be read.
void FunctionReader::refuseLoop(const Stmt &stmt, std::string_view name) {
  const SourceRange range = stmt.value->range;
  if (name == "grid")
    return issue(range, "a grid of " + std::to_string(arguments(*stmt.value).size()) +
                            " extents for " + std::to_string(stmt.targets.size()) + " loops");
  unknownName(range, name, "this loop");
}

void FunctionReader::readFor(const Stmt &stmt) {
  std::size_t mark = undo_.size();
  std::size_t activeMark = active_.size();
  const Expr *call = stmt.value;
  const std::string_view name = tirCallName(call);
  if (name == "thread_binding" && !result_.threadBinding.isValid())
    result_.threadBinding = call->range;
  const std::optional<LoopBounds> bounds = boundsOf(*call);
  const bool isGrid = name == "grid" && positional(*call, stmt.targets.size() - 1) &&
                      !positional(*call, stmt.targets.size());
  if (isGrid) {
    readGrid(stmt, *call);
  } else if (bounds && stmt.targets.size() == 1) {
    readLoop(stmt, *bounds);
  } else {
    refuseLoop(stmt, name);
    for (const Expr *target : stmt.targets)
      addVariable(target->text, context_.nodes.indexValue(0), context_.nodes.indexValue(1),
                  target->range, false, Axis::Kind::Spatial);
  }
  readBody(stmt.body);
  leaveScope(mark);
  leaveVariables(activeMark);
}

/// `T.grid(4, (1, 5))`: extents, or first and last values.
void FunctionReader::readGrid(const Stmt &stmt, const Expr &call) {
  Conversion conversion;
  std::size_t i = 0;
  for (const Expr *argument : arguments(call)) { // as many positional ones as there are loops
    if (argument->kind == Expr::Kind::Keyword || argument->kind == Expr::Kind::Star)
      continue;
    const Expr &extent = *argument;
    const bool isPair = extent.kind == Expr::Kind::Tuple && extent.children.size() == 2;
    ValueExprPtr low =
        isPair ? convert(*extent.children[0], conversion) : context_.nodes.indexValue(0);
    ValueExprPtr high = convert(isPair ? *extent.children[1] : extent, conversion);
    if (isPair)
      high = binaryValue("-", std::move(high), low);
    addVariable(stmt.targets[i]->text, low, std::move(high), extent.range, false,
                Axis::Kind::Spatial);
    ++i;
  }
}

namespace {

/// Whether \p thread names threads that share memory: those of a block, also virtual ones.
bool isSharingThread(const Expr *thread) {
  return thread && (thread->text.starts_with("threadIdx") || thread->text.starts_with("vthread"));
}

} // namespace

void FunctionReader::readLoop(const Stmt &stmt, const LoopBounds &bounds) {
  Conversion conversion;
  const std::string_view name = stmt.targets[0]->text;
  const auto step = bounds.step ? integerLiteral(*bounds.step) : 1;
  if (!step || *step < 1) {
    issue(bounds.step->range, "a loop whose step is no positive number");
    return addVariable(name, context_.nodes.indexValue(0), context_.nodes.indexValue(1),
                       stmt.value->range, false, Axis::Kind::Spatial);
  }
  ValueExprPtr extent = convert(*bounds.high, conversion);
  ValueExprPtr low = bounds.low ? convert(*bounds.low, conversion) : context_.nodes.indexValue(0);
  if (bounds.low)
    extent = binaryValue("-", extent, low);
  const bool isStepped = *step > 1;
  if (isStepped)
    extent = binaryValue("//", binaryValue("+", extent, context_.nodes.indexValue(*step - 1)),
                         context_.nodes.indexValue(*step));
  const std::size_t id =
      makeVariable(name, std::move(extent), stmt.value->range, false, Axis::Kind::Spatial);
  ValueExprPtr value = context_.nodes.axisValue(id);
  if (isStepped)
    value = binaryValue("*", value, context_.nodes.indexValue(*step));
  bind(name, NameMeaning::of(binaryValue("+", value, low)));
  const Expr &call = *stmt.value;
  const Expr *thread = keyword(call, "thread");
  variables_[id].isThread =
      tirCallName(&call) == "thread_binding" && (!thread || isSharingThread(thread));
}

/// `T.launch_thread("threadIdx.x", 4)`: a loop around all that follows.
void FunctionReader::launchThread(const Expr &target, const Expr &call) {
  const Expr *extent = positional(call, 1);
  if (!extent || target.kind != Expr::Kind::Name)
    return issue(call.range, "'T.launch_thread' of this form");
  if (!result_.threadBinding.isValid())
    result_.threadBinding = call.range;
  Conversion conversion;
  addVariable(target.text, context_.nodes.indexValue(0), convert(*extent, conversion), call.range,
              false, Axis::Kind::Spatial);
  variables_.back().isThread = isSharingThread(positional(call, 0));
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
  if (declaresBuffer(name) || name == "launch_thread")
    return readDeclaringWith(stmt);
  std::size_t mark = undo_.size();
  bool isLet = (name == "LetStmt" || name == "let") && positional(*stmt.value, 0);
  if (isLet) {
    const Expr *value = positional(*stmt.value, name == "let" ? 1 : 0);
    const Expr *target = name == "let"          ? positional(*stmt.value, 0)
                         : stmt.targets.empty() ? nullptr
                                                : stmt.targets[0];
    if (value && target && target->kind == Expr::Kind::Name)
      bindLet(target->text, *value);
  } else if (name != "Assert" && name != "attr" && name != "realize") {
    unknownName(stmt.range, name, "this statement");
    for (const Expr *target : stmt.targets)
      bind(target->text, NameMeaning::size());
    // What declares axes is meant to be a block: then they are no mistakes of their own.
    if (!name.empty() && declaresAxes(stmt.body))
      return readBlock(stmt, *stmt.value);
  }
  const Expr *reducer = reducer_;
  if (name == "attr")
    noteReducer(*stmt.value);
  readBody(stmt.body);
  reducer_ = reducer;
  leaveScope(mark);
}

/// `with T.allocate(…) as data:` and its like: the name holds in the body.
void FunctionReader::readDeclaringWith(const Stmt &stmt) {
  const std::size_t mark = undo_.size();
  const std::size_t activeMark = active_.size();
  const Expr *target = stmt.targets.empty() ? positional(*stmt.value, 0) : stmt.targets[0];
  if (tirCallName(stmt.value) == "launch_thread" && target)
    launchThread(*target, *stmt.value);
  else if (!stmt.targets.empty())
    declareBuffer(*target, *stmt.value);
  else
    issue(stmt.range, "a buffer without a name");
  readBody(stmt.body);
  leaveScope(mark);
  leaveVariables(activeMark);
}

/// The axes of the first versions: `with T.block([16, T.reduce_axis(0, 8)], "name") as [i, k]:`.
/// Without `T.bind` each is a loop of its own; with it, it takes the values of one.
void FunctionReader::readBlockAxes(const Stmt &stmt, const Expr &axes) {
  if (axes.children.size() != stmt.targets.size())
    return error(DiagnosticCode::TirBadAxis, stmt.range, "domains and names differ in number");
  for (std::size_t i = 0; i < stmt.targets.size(); ++i) {
    const Expr &domain = *axes.children[i];
    const std::string_view form = tirCallName(&domain);
    const bool isRange = form.ends_with("_axis") || form == "range";
    if (isRange && form != "reduce_axis" && form != "range")
      frames_.back().opaqueReason = "an axis of kind '" + std::string(form) + "'";
    const Expr *first = isRange ? positional(domain, 0) : nullptr;
    const Expr *last = isRange ? positional(domain, 1) : &domain;
    if (isRange && !last)
      std::swap(first, last);
    if (!last)
      return error(DiagnosticCode::TirBadAxis, domain.range, "an axis needs a domain");
    Conversion conversion;
    ValueExprPtr low = first ? convert(*first, conversion) : context_.nodes.indexValue(0);
    ValueExprPtr extent = convert(*last, conversion);
    if (first)
      extent = binaryValue("-", std::move(extent), low);
    addVariable(stmt.targets[i]->text, low, std::move(extent), domain.range, true,
                form == "reduce_axis" ? Axis::Kind::Reduction : Axis::Kind::Spatial);
  }
  frames_.back().firstLoop = variables_.size();
}

void FunctionReader::readBlock(const Stmt &stmt, const Expr &call) {
  std::size_t mark = undo_.size();
  std::size_t activeMark = active_.size();
  Frame frame;
  const Expr *label = positional(call, 0);
  const Expr *axes = label && label->kind == Expr::Kind::List ? label : nullptr;
  if (axes)
    label = positional(call, 1);
  if (label && label->kind == Expr::Kind::String)
    frame.label = label->text;
  frame.range = stmt.range;
  frame.firstVariable = frame.firstLoop = variables_.size();
  frame.isBlock = true;
  frames_.push_back(std::move(frame));
  const std::size_t guardMark = guards_.size();
  const std::size_t computationMark = result_.computations.size();
  if (axes)
    readBlockAxes(stmt, *axes);
  readBody(stmt.body);
  Frame finished = std::move(frames_.back());
  frames_.pop_back();
  // Blocks within `T.init` start what the block around them reduces.
  if (isInInit_)
    std::ranges::move(finished.initStores, std::back_inserter(frames_.back().initStores));
  if (!finished.stores.empty())
    buildComputation(finished, std::move(finished.stores));
  else if (finished.hasInit && !isInInit_ && result_.computations.size() == computationMark &&
           result_.issues.empty())
    issue(finished.range, "a block that holds nothing but 'T.init'");
  guards_.resize(guardMark);
  leaveScope(mark);
  leaveVariables(activeMark);
}

} // namespace acadlc::tir
