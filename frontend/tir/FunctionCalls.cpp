// Calls that name memory: functions that are not in the text, and what threads do together.

#include "frontend/tir/FunctionParts.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "ir/WorkloadExpr.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>
#include <utility>

namespace acadlc::tir {

using namespace workload;

//===--- Functions that are not in the text -----------------------------------------------===//

namespace {

/// Whether a call of `T.name` is one of a function outside that its first arguments name.
bool callsOutside(std::string_view name) {
  constexpr auto names = std::to_array<std::string_view>(
      {"call_extern", "call_packed", "call_cpacked", "tvm_call_packed", "tvm_call_cpacked"});
  return std::ranges::find(names, name) != names.end();
}

/// The position of the function in the arguments of such a call: `T.call_extern("int32", "f", x)`,
/// in old texts `T.call_extern("f", x, dtype="int32")`; packed functions have no type.
std::size_t calleePosition(const Expr &call) {
  const std::string_view name = tirCallName(&call);
  const bool isTyped = name != "call_packed" && name != "call_cpacked" &&
                       name != "tvm_call_packed" && name != "tvm_call_cpacked";
  return isTyped && !keyword(call, "dtype") ? 1 : 0;
}

/// What the mask of a pointer says of its use: 1, 2 and 3, or "r", "w" and "rw". Neither if it says
/// nothing.
std::pair<bool, bool> readsAndWrites(const Expr *mask) {
  if (!mask)
    return {false, false};
  if (mask->kind == Expr::Kind::String)
    return {mask->text.find('r') != std::string_view::npos,
            mask->text.find('w') != std::string_view::npos};
  constexpr std::int64_t reads = 1, writes = 2;
  const std::int64_t number = integerLiteral(*mask).value_or(0);
  return {(number & reads) != 0, (number & writes) != 0};
}

} // namespace

/// The memory that \p argument of a call points to: `A.access_ptr("r")`,
/// `T.tvm_access_ptr(type, A.data, offset, extent, 1)`, `T.address_of(A[i])`, `A.data` or A. None
/// if it is no such.
std::optional<Pointer> FunctionReader::pointerIn(const Expr &argument) const {
  constexpr std::string_view member = ".access_ptr";
  const std::string_view name = tirCallName(&argument);
  const Expr *base = &argument;
  Expr owner;
  Pointer pointer;
  pointer.range = argument.range;
  if (name == "tvm_access_ptr") {
    constexpr std::size_t maskPosition = 4;
    base = positional(argument, 1);
    std::tie(pointer.isRead, pointer.isWritten) =
        readsAndWrites(positional(argument, maskPosition));
  } else if (name == "address_of") {
    const Expr *element = positional(argument, 0);
    base = element && element->kind == Expr::Kind::Subscript ? element->children[0] : element;
  } else if (argument.kind == Expr::Kind::Call &&
             dottedName(*argument.children[0]).ends_with(member)) {
    owner = *argument.children[0];
    owner.kind = Expr::Kind::Name;
    owner.text.remove_suffix(member.size());
    base = &owner;
    const Expr *mask = keyword(argument, "access_mask");
    std::tie(pointer.isRead, pointer.isWritten) =
        readsAndWrites(mask ? mask : positional(argument, 0));
  }
  const NameMeaning *meaning = base ? bufferBehind(*base) : nullptr;
  // The name of a scalar stands for its value.
  const bool isScalar = meaning && base == &argument && !meaning->view && meaning->tensor.isLocal &&
                        localBuffers_[meaning->tensor.index].scalar;
  if (!meaning || isScalar)
    return std::nullopt;
  pointer.tensor = meaning->view ? meaning->view->tensor : meaning->tensor;
  return pointer;
}

/// An access to elements of \p tensor that the text does not tell: it counts as all of them.
Access FunctionReader::accessToAny(TensorRef tensor, SourceRange range) {
  Access access{tensor, {}, range};
  access.indices.assign(shapeOf(tensor).size(), indexOpaque("an element that is not known"));
  addPrivateIndices(access);
  return access;
}

/// Reads a statement that calls a function outside of the text with pointers: an operator of
/// unknown structure that reads and writes what they point to. False if \p call is no such call.
bool FunctionReader::readExternalCall(const Expr &call, SourceRange range) {
  if (!callsOutside(tirCallName(&call)))
    return false;
  const std::size_t position = calleePosition(call);
  const Expr *function = positional(call, position);
  if (!function)
    return false;
  const std::string name(function->kind == Expr::Kind::String ? function->text : "");
  const std::string callee = name.empty() ? "'" + textOf(*function) + "'" : "'" + name + "'";
  std::vector<Pointer> pointers;
  Conversion conversion;
  for (std::size_t i = position + 1; const Expr *argument = positional(call, i); ++i) {
    const auto pointer = pointerIn(*argument);
    if (!pointer)
      continue;
    if (!pointer->isRead && !pointer->isWritten) {
      issue(argument->range,
            "'T." + std::string(tirCallName(&call)) + "' of " + callee + " with the address of '" +
                tensorOf(pointer->tensor).name +
                "', of which the text does not say whether it is read or written,");
      return true;
    }
    pointers.push_back(*pointer);
    if (pointer->isRead)
      conversion.accesses.push_back(accessToAny(pointer->tensor, pointer->range));
  }
  const bool writes = std::ranges::any_of(pointers, &Pointer::isWritten);
  if (!writes) {
    issue(range, "'T." + std::string(tirCallName(&call)) + "' of " + callee +
                     ", of which the text does not say what it writes,");
    return true;
  }
  const std::string reason = callee + ", a function that is not in the text";
  std::vector<Store> stores;
  for (const Pointer &pointer : pointers) {
    if (!pointer.isWritten)
      continue;
    Store store;
    store.range = range;
    store.written = accessToAny(pointer.tensor, pointer.range);
    store.value = valueNode(ValueExpr::Kind::Opaque, reason, {});
    store.accesses = std::exchange(conversion.accesses, {});
    keepGuards(store);
    for (const std::size_t variable : active_)
      if (variable >= frames_.back().firstVariable)
        store.variables.push_back(variable);
    stores.push_back(std::move(store));
  }
  Frame &frame = frames_.back();
  if (isInInit_) {
    noteUses(stores, true);
    std::ranges::move(stores, std::back_inserter(frame.initStores));
    return true;
  }
  frame.opaqueReason = reason;
  if (frame.isBlock) {
    std::ranges::move(stores, std::back_inserter(frame.stores));
    return true;
  }
  buildComputation(frame, std::move(stores));
  frame.opaqueReason.clear();
  return true;
}

/// `T.call_pure_extern("float32", "__sinf", x)`: a function of numbers that somebody else defines.
/// One that is given memory reads elements that the text does not tell.
ValueExprPtr FunctionReader::convertExternal(const Expr &expr, Conversion &conversion) {
  const std::size_t position = calleePosition(expr);
  const Expr *function = positional(expr, position);
  if (!function)
    return opaque(expr, "'" + textOf(*expr.children[0]) + "' without a function");
  if (tirCallName(function) == "llvm_lookup_intrinsic_id" && positional(*function, 0))
    function = positional(*function, 0);
  std::string name =
      function->kind == Expr::Kind::String ? std::string(function->text) : textOf(*function);
  const bool isPure = tirCallName(&expr).find("pure") != std::string_view::npos;
  bool isGivenMemory = false;
  std::vector<ValueExprPtr> operands;
  for (std::size_t i = position + 1; const Expr *operand = positional(expr, i); ++i) {
    const auto pointer = pointerIn(*operand);
    if (!pointer) {
      operands.push_back(convert(*operand, conversion));
      continue;
    }
    isGivenMemory = true;
    const bool onlyReads = isPure || (pointer->isRead && !pointer->isWritten);
    if (!onlyReads || isInInit_)
      return opaque(expr, "'" + name + "' as a value that is given the address of '" +
                              tensorOf(pointer->tensor).name +
                              "', where it may write what the text does not tell,");
    conversion.accesses.push_back(accessToAny(pointer->tensor, pointer->range));
  }
  if (!isGivenMemory)
    return valueNode(ValueExpr::Kind::Unary, std::move(name), std::move(operands));
  frames_.back().opaqueReason = "'" + name + "', a function that is not in the text";
  return valueNode(ValueExpr::Kind::Opaque, std::move(name), {});
}

//===--- Reductions over threads ----------------------------------------------------------===//

namespace {

/// The operator that `lambda x, y: x + y` applies to its two parameters; empty if it does something
/// else.
std::string_view operatorOf(const Expr &lambda) {
  if (lambda.kind != Expr::Kind::Lambda || lambda.children.size() != 3)
    return {};
  const Expr &body = *lambda.children[0];
  std::string_view op = body.kind == Expr::Kind::Binary ? body.text : std::string_view();
  std::span<const Expr *const> operands = body.children;
  if (const std::string_view name = tirCallName(&body);
      !name.empty() && mathName(name).form == MathForm::Operator) {
    op = mathName(name).spelling;
    operands = arguments(body);
  }
  constexpr std::string_view combiners[] = {"+", "*", "max", "min"};
  const bool isKnown = std::ranges::find(combiners, op) != std::end(combiners);
  const auto isParameter = [&](const Expr &operand, std::size_t number) {
    return operand.kind == Expr::Kind::Name && operand.text == lambda.children[number]->text;
  };
  const bool joinsBoth =
      operands.size() == 2 && ((isParameter(*operands[0], 1) && isParameter(*operands[1], 2)) ||
                               (isParameter(*operands[0], 2) && isParameter(*operands[1], 1)));
  return isKnown && joinsBoth ? op : std::string_view();
}

/// Where the elements of a list stand that is the only one, `[T.float32(0)]`.
const Expr *onlyElement(const Expr *list) {
  const bool isList = list && (list->kind == Expr::Kind::List || list->kind == Expr::Kind::Tuple);
  return isList && list->children.size() == 1 ? list->children[0] : nullptr;
}

bool isTrue(const Expr &condition) {
  const Expr *inner = tirCallName(&condition) == "bool" ? positional(condition, 0) : &condition;
  return inner && (inner->text == "True" || inner->text == "1");
}

} // namespace

/// Keeps what `T.attr(T.comm_reducer(…), "reduce_scope", …)` says of what follows.
void FunctionReader::noteReducer(const Expr &attribute) {
  const Expr *node = positional(attribute, 0);
  if (tirCallName(node) == "comm_reducer")
    reducer_ = node;
}

/// Reads `T.tvm_thread_allreduce(1, a[0], True, r[0], tx)`: in r[0] each thread gets the values
/// that all threads have in a[0], joined as the reducer around it says. That is a block
///
///     with T.block():
///         v = T.axis.reduce(32, tx)
///         with T.init():
///             r[0] = 0
///         r[0] = r[0] + a[0]
///
/// that is done for all threads before any goes on.
void FunctionReader::readAllReduce(const Expr &call, SourceRange range) {
  constexpr std::size_t firstThread = 4;
  const Expr *count = positional(call, 0);
  const Expr *source = positional(call, 1);
  const Expr *condition = positional(call, 2);
  const Expr *target = positional(call, 3);
  const Expr *lambda = reducer_ ? positional(*reducer_, 0) : nullptr;
  const Expr *identity = reducer_ ? onlyElement(positional(*reducer_, 1)) : nullptr;
  const std::string_view op = lambda ? operatorOf(*lambda) : std::string_view();
  const bool isOne = count && integerLiteral(*count) == 1 && positional(call, firstThread);
  if (!isOne || target->kind != Expr::Kind::Subscript)
    return issue(range, "'T.tvm_thread_allreduce' of several values");
  if (op.empty() || !identity)
    return issue(range, "'T.tvm_thread_allreduce' without a 'T.comm_reducer' around it that is a "
                        "sum, a product, a maximum or a minimum");
  if (!isTrue(*condition))
    return issue(range, "'T.tvm_thread_allreduce' under a condition of its own");
  const std::size_t mark = undo_.size();
  const std::size_t activeMark = active_.size();
  Frame frame;
  frame.range = range;
  frame.firstVariable = frame.firstLoop = variables_.size();
  frame.isBlock = frame.hasInit = frame.joinsThreads = true;
  frames_.push_back(std::move(frame));
  bool areThreads = true;
  for (std::size_t i = firstThread; const Expr *thread = positional(call, i); ++i)
    areThreads = areThreads && bindThread(*thread);
  frames_.back().firstLoop = variables_.size();
  if (areThreads) {
    isInInit_ = true;
    addStore(*target, *identity, range);
    isInInit_ = false;
    auto *joined = context_.tree.make<Expr>();
    joined->kind = Expr::Kind::Binary;
    joined->text = op;
    joined->range = range;
    joined->children = context_.tree.list(std::vector<const Expr *>{target, source});
    addStore(*target, *joined, range);
  } else {
    issue(range, "'T.tvm_thread_allreduce' over what is no loop of threads");
  }
  Frame finished = std::move(frames_.back());
  frames_.pop_back();
  if (!finished.stores.empty())
    buildComputation(finished, std::move(finished.stores));
  leaveScope(mark);
  leaveVariables(activeMark);
}

/// Makes the loop \p thread a reduced axis of the block that is being read; false if it is none
/// that is bound to threads. One that is not bound, the number 0, is a single thread.
bool FunctionReader::bindThread(const Expr &thread) {
  if (integerLiteral(thread) == 0)
    return true;
  const NameMeaning *meaning = thread.kind == Expr::Kind::Name ? find(thread.text) : nullptr;
  const IndexExprPtr index =
      meaning && meaning->kind == NameMeaning::Kind::Value ? asIndex(meaning->value) : nullptr;
  if (!index || index->kind != IndexExpr::Kind::Axis)
    return false;
  const Variable &loop = variables_[static_cast<std::size_t>(index->value)];
  if (!loop.isThread)
    return false;
  const ValueExprPtr extent = loop.extentExpr;
  bindAxis(thread, context_.nodes.indexValue(0), extent, thread, Axis::Kind::Reduction,
           thread.range);
  return true;
}

} // namespace acadlc::tir
