#include "frontend/tir/FunctionReader.h"

#include "frontend/tir/Parser.h"
#include "frontend/tir/Vocabulary.h"
#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

namespace acadlc::tir {

namespace {

using namespace workload;

/// What a name stands for inside a function.
struct Symbol {
  enum class Kind : std::uint8_t {
    Buffer, ///< tensor
    Value,  ///< value: a loop or block variable, or a `let` without loads
    Let,    ///< definition: a `let` with loads, which belong to who uses the name
    Size,   ///< a symbolic size that may have no value
    Handle, ///< a parameter that `match_buffer` gives a shape; `parameter` counts buffers
  };
  Kind kind = Kind::Value;
  TensorRef tensor;
  ValueExprPtr value;
  std::size_t parameter = 0;
  const Expr *definition = nullptr;

  static Symbol buffer(bool isLocal, std::size_t index) {
    return {Kind::Buffer, {isLocal, static_cast<std::uint32_t>(index)}, nullptr, 0, nullptr};
  }
  static Symbol of(ValueExprPtr value) { return {Kind::Value, {}, std::move(value), 0, nullptr}; }
  static Symbol size() { return {Kind::Size, {}, nullptr, 0, nullptr}; }
  static Symbol handle(std::size_t parameter) {
    return {Kind::Handle, {}, nullptr, parameter, nullptr};
  }
  static Symbol let(const Expr &definition) { return {Kind::Let, {}, nullptr, 0, &definition}; }
};

/// A loop or block variable.
struct Variable {
  std::string name;
  ValueExprPtr extentExpr;      ///< over earlier variables
  std::int64_t extent = 1;      ///< largest value of extentExpr
  bool dependsOnOthers = false; ///< extentExpr is not constant
  bool isBlockAxis = false;
  Axis::Kind kind = Axis::Kind::Spatial;
  /// The loop whose values it takes, one for one; none if it is bound in another way.
  std::optional<std::size_t> loop;
};

/// A store, read where it stands because names mean something else later.
struct Store {
  SourceRange range;
  Access written;
  Combiner combiner = Combiner::None;
  ValueExprPtr value;
  std::vector<Access> accesses;
  std::vector<std::size_t> variables; ///< alive, from the innermost block on
  std::vector<Access> certain;        ///< what happens at every point of the domain
};

/// A block whose body is being read, or the function itself.
struct Frame {
  std::string label;
  SourceRange range;
  std::size_t firstVariable = 0; ///< its axes and the loops inside it start here
  std::size_t firstLoop = 0;     ///< loops inside it start here
  bool isBlock = false;
  bool hasInit = false;
  bool isGuarded = false; ///< by `T.where`
  std::string opaqueReason;
  std::vector<Store> stores;
};

/// Collects the loads of an expression while it is converted.
struct Conversion {
  std::vector<Access> accesses;
  std::vector<Access> certain; ///< those of them that stand under no condition
  std::size_t conditions = 0;  ///< around what is being converted
};

/// How a computation numbers the variables of its function.
struct Numbering {
  std::vector<std::size_t> variables;     ///< by axis
  std::vector<IndexExprPtr> replacements; ///< by variable; null for one that is no axis
};

class FunctionReader {
public:
  FunctionReader(const Stmt &function, const FunctionContext &context,
                 DiagnosticEngine &diagnostics)
      : function_(function), context_(context), diagnostics_(diagnostics) {}

  FunctionTemplate read();

private:
  // Declarations
  void readParameters();
  void declareParameter(const Parameter &parameter);
  std::optional<Tensor> readBuffer(const Expr &call, std::size_t firstArgument, SourceRange range,
                                   const std::optional<Shape> &known);
  std::optional<Shape> readShape(const Expr &expr, const std::optional<Shape> &known);
  std::optional<std::int64_t> readDimension(const Expr &expr, std::optional<std::int64_t> known);
  bool isUnknownSize(const Expr &expr) const;
  [[nodiscard]] std::optional<Shape> argumentShape(std::size_t parameter) const;

  // Statements
  void readBody(std::span<const Stmt *const> body);
  void readStatement(const Stmt &stmt);
  void readExpressionStatement(const Stmt &stmt);
  void readAssignment(const Stmt &stmt);
  bool readDeclaration(const Stmt &stmt, const Expr &target, const Expr &call);
  void matchBuffer(const Stmt &stmt, const Expr &target, const Expr &call);
  void bindLet(std::string_view name, const Expr &definition);
  void readFor(const Stmt &stmt);
  void readWith(const Stmt &stmt);
  void readBlock(const Stmt &stmt, const Expr &call);
  void readConditional(const Stmt &stmt);
  bool readAxes(const Stmt &stmt);
  void readRemap(const Stmt &stmt, const Expr &call);
  void readAxis(const Stmt &stmt, const Expr &call, std::string_view kind);
  void bindAxis(const Expr &target, const ValueExprPtr &low, ValueExprPtr extent,
                const Expr &binding, Axis::Kind kind, SourceRange range);
  bool isPointOfOuterBlock(const ValueExpr &binding) const;
  void addStore(const Expr &target, const Expr &value, SourceRange range);

  // Variables
  void addVariable(std::string_view name, const ValueExprPtr &low, ValueExprPtr extent,
                   SourceRange range, bool isBlockAxis, Axis::Kind kind);
  void leaveVariables(std::size_t activeCount);
  bool measure(Variable &variable, SourceRange range);
  std::vector<std::size_t> sourcesOf(const ValueExpr &value) const;
  std::optional<std::int64_t> countPoints(const std::vector<std::size_t> &variables);
  template <typename Visit>
  bool forEachPoint(const std::vector<std::size_t> &variables, const Visit &visit);

  // Computations
  void buildComputation(const Frame &frame, std::vector<Store> stores);
  void setValue(Store &store, const Expr &target, const Expr &value, Conversion &conversion);
  [[nodiscard]] bool isReduction(const Store &store) const;
  Numbering setAxes(Computation &computation, const std::vector<std::size_t> &own,
                    bool accumulates);
  [[nodiscard]] bool isCertain() const;
  void checkBounds(const Access &access, const std::vector<Axis> &axes, const Numbering &numbering);
  [[nodiscard]] bool isCovered(const AffineIndex &index, const Numbering &numbering) const;
  void dropInit(const Computation &computation);
  void markUse(const Computation &computation);

  // Expressions
  ValueExprPtr convert(const Expr &expr, Conversion &conversion);
  ValueExprPtr convertNode(const Expr &expr, Conversion &conversion);
  ValueExprPtr convertName(const Expr &expr, Conversion &conversion);
  ValueExprPtr convertUnary(const Expr &expr, Conversion &conversion);
  ValueExprPtr convertBinary(const Expr &expr, Conversion &conversion);
  ValueExprPtr convertCall(const Expr &expr, Conversion &conversion);
  ValueExprPtr convertLiteral(const Expr &expr, ElementType type, Conversion &conversion);
  ValueExprPtr convertCast(const Expr &expr, Conversion &conversion);
  ValueExprPtr convertLoad(const Expr &expr, Conversion &conversion);
  ValueExprPtr binaryValue(std::string_view op, ValueExprPtr left, ValueExprPtr right);
  ValueExprPtr opaque(const Expr &expr, std::string what);
  std::optional<Access> readAccess(const Expr &expr, Conversion &conversion);
  IndexExprPtr toIndex(const Expr &expr, Conversion &conversion);
  ValueExprPtr sizeOfName(std::string_view name, SourceRange range);

  // Names
  void bind(std::string_view name, Symbol symbol);
  const Symbol *find(std::string_view name) const;
  const Tensor &tensorOf(TensorRef reference) const;
  void leaveScope(std::size_t mark);

  void issue(SourceRange range, std::string what);
  template <typename... Arguments>
  void error(DiagnosticCode code, SourceRange range, const Arguments &...arguments) {
    diagnostics_.report(code, range, arguments...);
    result_.isValid = false;
  }
  std::string textOf(const Expr &expr) const;

  const Stmt &function_;
  const FunctionContext &context_;
  DiagnosticEngine &diagnostics_;
  FunctionTemplate result_;
  Symbols symbols_; ///< values that this function's sizes got from arguments
  std::unordered_map<std::string_view, Symbol> names_;
  std::vector<std::pair<std::string_view, std::optional<Symbol>>> undo_;
  std::vector<Variable> variables_;
  std::vector<std::size_t> active_; ///< variables in scope
  std::vector<Frame> frames_;
  std::set<std::string, std::less<>> reportedSizes_;
  std::size_t conditions_ = 0;
  std::size_t convertDepth_ = 0;
  bool reportedLarge_ = false;
  bool leavesBuffer_ = false; ///< reported; other such accesses are still worth a message
};

/// If storing \p value to \p target is `T = T ⊕ e` in one of the forms of a reduction, sets the
/// combiner and returns e.
const Expr *accumulated(const Expr &target, const Expr &value, Combiner &combiner) {
  const Expr *left = nullptr;
  const Expr *right = nullptr;
  std::string_view op;
  std::string name = tirCallName(&value);
  if (value.kind == Expr::Kind::Binary) {
    op = value.text;
    left = value.children[0];
    right = value.children[1];
  } else if (!name.empty()) {
    op = mathName(name).spelling;
    left = positional(value, 0);
    right = positional(value, 1);
  }
  if (!left || !right)
    return nullptr;
  if (op == "+")
    combiner = Combiner::Sum;
  else if (op == "*")
    combiner = Combiner::Product;
  else if (op == "max")
    combiner = Combiner::Max;
  else if (op == "min")
    combiner = Combiner::Min;
  else
    return nullptr;
  if (sameText(*left, target))
    return right;
  return sameText(*right, target) ? left : nullptr;
}

// ---------------------------------------------------------------------------------------------
// Names and reports

void FunctionReader::bind(std::string_view name, Symbol symbol) {
  auto found = names_.find(name);
  undo_.emplace_back(name, found == names_.end() ? std::nullopt : std::optional(found->second));
  names_[name] = std::move(symbol);
}

const Symbol *FunctionReader::find(std::string_view name) const {
  auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

void FunctionReader::leaveScope(std::size_t mark) {
  while (undo_.size() > mark) {
    auto &[name, old] = undo_.back();
    if (old)
      names_[name] = std::move(*old);
    else
      names_.erase(name);
    undo_.pop_back();
  }
}

const Tensor &FunctionReader::tensorOf(TensorRef reference) const {
  return reference.isLocal ? result_.locals[reference.index]
                           : result_.parameters[reference.index].tensor;
}

void FunctionReader::issue(SourceRange range, std::string what) {
  constexpr std::size_t enough = 20;
  if (result_.issues.size() < enough)
    result_.issues.push_back({range, std::move(what)});
}

std::string FunctionReader::textOf(const Expr &expr) const {
  constexpr std::size_t longest = 60;
  std::string_view text = context_.sources.textOf(expr.range);
  if (text.size() <= longest)
    return std::string(text);
  return std::string(text.substr(0, longest)) + "…";
}

// ---------------------------------------------------------------------------------------------
// Declarations

FunctionTemplate FunctionReader::read() {
  result_.name = function_.name;
  result_.nameRange = function_.nameRange;
  Frame frame;
  frame.range = function_.range;
  frames_.push_back(std::move(frame));
  readParameters();
  if (result_.isValid)
    readBody(function_.body);
  result_.isValid = result_.isValid && !leavesBuffer_;
  return std::move(result_);
}

void FunctionReader::readParameters() {
  for (const Parameter &parameter : function_.parameters)
    declareParameter(parameter);
}

std::optional<Shape> FunctionReader::argumentShape(std::size_t parameter) const {
  return parameter < context_.argumentShapes.size() ? context_.argumentShapes[parameter]
                                                    : std::nullopt;
}

void FunctionReader::declareParameter(const Parameter &parameter) {
  const Expr *type = parameter.annotation;
  std::string name(parameter.name);
  bool isBuffer = type && (type->kind == Expr::Kind::Call || type->kind == Expr::Kind::Subscript) &&
                  tirName(*type->children[0]) == "Buffer";
  bool isHandle = type && tirName(*type) == "handle";
  if (!isBuffer && !isHandle) {
    bool isNumber = type && typeNamed(*type);
    if (!isNumber)
      issue(parameter.range, "the type of parameter '" + name + "'");
    std::size_t position = result_.scalars.size();
    if (position < context_.scalarArguments.size() && context_.scalarArguments[position]) {
      symbols_[name] = *context_.scalarArguments[position];
      result_.usesArgumentShapes = true;
    }
    result_.scalars.push_back(name);
    bind(parameter.name, Symbol::size());
    return;
  }
  std::size_t index = result_.parameters.size();
  FunctionTemplate::Parameter entry;
  entry.tensor.name = name;
  entry.tensor.range = parameter.range;
  result_.parameters.push_back(std::move(entry));
  if (isHandle) {
    bind(parameter.name, Symbol::handle(index));
    return;
  }
  if (auto tensor = readBuffer(*type, 0, parameter.range, argumentShape(index))) {
    tensor->name = name;
    result_.parameters[index].tensor = std::move(*tensor);
  }
  bind(parameter.name, Symbol::buffer(false, index));
}

/// Reads the shape and type of `T.Buffer(shape, type)` and its like; the shape is positional
/// argument \p firstArgument.
std::optional<Tensor> FunctionReader::readBuffer(const Expr &call, std::size_t firstArgument,
                                                 SourceRange range,
                                                 const std::optional<Shape> &known) {
  const Expr *shape = positional(call, firstArgument);
  if (!shape)
    shape = keyword(call, "shape");
  const Expr *type = positional(call, firstArgument + 1);
  if (!type)
    type = keyword(call, "dtype");
  if (!shape) {
    issue(call.range, "a buffer without a shape");
    return std::nullopt;
  }
  Tensor tensor;
  tensor.range = range;
  if (type) {
    auto element = typeNamed(*type);
    if (!element) {
      error(DiagnosticCode::TirUnknownElementType, type->range, textOf(*type));
      return std::nullopt;
    }
    tensor.elementType = *element;
  }
  auto extents = readShape(*shape, known);
  if (!extents)
    return std::nullopt;
  tensor.shape = std::move(*extents);
  return tensor;
}

std::optional<Shape> FunctionReader::readShape(const Expr &expr,
                                               const std::optional<Shape> &known) {
  Shape shape;
  bool isList = expr.kind == Expr::Kind::Tuple || expr.kind == Expr::Kind::List;
  const Expr *single = &expr;
  std::span<const Expr *const> items = isList ? expr.children : std::span(&single, 1);
  if (known && known->size() != items.size()) {
    error(DiagnosticCode::TirCallMismatch, expr.range,
          "the argument has " + std::to_string(known->size()) + " dimensions, the parameter " +
              std::to_string(items.size()));
    return std::nullopt;
  }
  constexpr std::int64_t bitsPerElement = 128; // the widest element type
  std::int64_t product = bitsPerElement;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto extent = readDimension(*items[i], known ? std::optional((*known)[i]) : std::nullopt);
    if (!extent)
      return std::nullopt;
    if (*extent <= 0) {
      error(DiagnosticCode::TirBadExtent, items[i]->range, *extent);
      return std::nullopt;
    }
    auto next = checkedMul(product, *extent);
    if (!next) {
      error(DiagnosticCode::TirTooLarge, expr.range, "the size of this buffer");
      return std::nullopt;
    }
    product = *next;
    shape.push_back(*extent);
  }
  return shape;
}

/// Whether \p expr is a name that stands for a size without a value yet.
bool FunctionReader::isUnknownSize(const Expr &expr) const {
  if (expr.kind != Expr::Kind::Name || context_.symbols.contains(expr.text) ||
      symbols_.contains(expr.text))
    return false;
  const Symbol *symbol = find(expr.text);
  return !symbol || symbol->kind == Symbol::Kind::Size;
}

std::optional<std::int64_t> FunctionReader::readDimension(const Expr &expr,
                                                          std::optional<std::int64_t> known) {
  if (auto literal = integerLiteral(expr))
    return literal;
  if (isHugeInteger(expr)) {
    error(DiagnosticCode::TirTooLarge, expr.range, "this number");
    return std::nullopt;
  }
  const Expr *dimension = &expr;
  if (expr.kind == Expr::Kind::String) {
    // The content of the string stands one quote behind its begin.
    SourceRange inner{expr.range.begin.advancedBy(1),
                      SourceLocation::fromRaw(expr.range.end.raw() - 1)};
    dimension = Parser::parseExpression(context_.sources, inner, context_.tree, diagnostics_);
    if (!dimension) {
      result_.isValid = false;
      return std::nullopt;
    }
  }
  if (known && isUnknownSize(*dimension)) {
    result_.usesArgumentShapes = true;
    symbols_[std::string(dimension->text)] = *known;
    return known;
  }
  if (dimension->kind == Expr::Kind::Name && !find(dimension->text))
    bind(dimension->text, Symbol::size());
  Conversion conversion;
  bool wasValid = result_.isValid;
  ValueExprPtr value = convert(*dimension, conversion);
  auto extent = evaluate(*value, {});
  if (!extent && wasValid && result_.isValid)
    error(DiagnosticCode::TirUnsupported, expr.range, "the size '" + textOf(expr) + "'",
          result_.name);
  return extent;
}

/// Value of the symbolic size \p name; reports it once if it has none.
ValueExprPtr FunctionReader::sizeOfName(std::string_view name, SourceRange range) {
  std::int64_t value = 1;
  if (auto found = symbols_.find(name); found != symbols_.end()) {
    value = found->second;
  } else if (auto given = context_.symbols.find(name); given != context_.symbols.end()) {
    value = given->second;
  } else {
    if (reportedSizes_.emplace(name).second)
      diagnostics_.report(DiagnosticCode::TirSymbolicSize, range, name);
    result_.isValid = false;
  }
  return valueIndex(indexConstant(value));
}

// ---------------------------------------------------------------------------------------------
// Statements

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
  std::string name = tirCallName(stmt.value);
  constexpr std::string_view ignored[] = {"func_attr",   "reads",      "writes",      "where",
                                          "sblock_attr", "block_attr", "device_entry"};
  if (name == "where")
    frames_.back().isGuarded = true;
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
  issue(stmt.range, name.empty() ? "this statement" : "'T." + name + "'");
}

void FunctionReader::readConditional(const Stmt &stmt) {
  ++conditions_;
  std::size_t mark = undo_.size();
  readBody(stmt.body);
  leaveScope(mark);
  readBody(stmt.orElse);
  leaveScope(mark);
  --conditions_;
}

void FunctionReader::readAssignment(const Stmt &stmt) {
  if (readAxes(stmt))
    return;
  if (stmt.targets.size() != 1)
    return issue(stmt.range, "an assignment to several names");
  const Expr &target = *stmt.targets[0];
  if (!stmt.value) {
    if (target.kind == Expr::Kind::Name)
      bind(target.text, Symbol::size());
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
  bind(name, conversion.accesses.empty() ? Symbol::of(std::move(value)) : Symbol::let(definition));
}

/// Reads what makes a buffer or a symbolic size; false if \p call is none of these.
bool FunctionReader::readDeclaration(const Stmt &stmt, const Expr &target, const Expr &call) {
  std::string name = tirCallName(&call);
  constexpr std::string_view allocations[] = {"sblock_alloc_buffer", "alloc_buffer", "alloc_local",
                                              "alloc_shared",        "decl_buffer",  "allocate"};
  if (std::find(std::begin(allocations), std::end(allocations), name) != std::end(allocations)) {
    auto tensor = readBuffer(call, 0, target.range, std::nullopt);
    if (!tensor)
      tensor.emplace();
    tensor->name = target.text;
    bind(target.text, Symbol::buffer(true, result_.locals.size()));
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
    bind(target.text, Symbol::size());
  return isSize;
}

void FunctionReader::matchBuffer(const Stmt &stmt, const Expr &target, const Expr &call) {
  const Expr *handle = positional(call, 0);
  const Symbol *symbol = handle && handle->kind == Expr::Kind::Name ? find(handle->text) : nullptr;
  if (!symbol || symbol->kind != Symbol::Kind::Handle)
    return issue(stmt.range, "'T.match_buffer' of a part of a buffer");
  std::size_t index = symbol->parameter;
  if (auto tensor = readBuffer(call, 1, target.range, argumentShape(index))) {
    tensor->name = target.text;
    result_.parameters[index].tensor = std::move(*tensor);
  }
  bind(target.text, Symbol::buffer(false, index));
}

void FunctionReader::readFor(const Stmt &stmt) {
  std::size_t mark = undo_.size();
  std::size_t activeMark = active_.size();
  const Expr *call = stmt.value;
  std::string name = tirCallName(call);
  bool isRange = call->kind == Expr::Kind::Call && call->children[0]->isName("range");
  constexpr std::string_view singles[] = {"serial", "parallel", "vectorized", "unroll",
                                          "thread_binding"};
  bool isSingle =
      isRange || std::find(std::begin(singles), std::end(singles), name) != std::end(singles);
  if (name == "thread_binding" && !result_.threadBinding.isValid())
    result_.threadBinding = call->range;
  Conversion conversion;
  auto zero = valueIndex(indexConstant(0));
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
      addVariable(target->text, zero, valueIndex(indexConstant(1)), target->range, false,
                  Axis::Kind::Spatial);
  }
  readBody(stmt.body);
  leaveScope(mark);
  leaveVariables(activeMark);
}

/// Ends the life of all variables but the first \p activeCount active ones.
void FunctionReader::leaveVariables(std::size_t activeCount) {
  active_.resize(activeCount);
  // Nothing refers to variables between two nests, so each nest counts its own.
  if (active_.empty() && frames_.size() == 1)
    variables_.clear();
}

void FunctionReader::readWith(const Stmt &stmt) {
  std::string name = tirCallName(stmt.value);
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
    return;
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
  } else {
    issue(stmt.range, name.empty() ? "this statement" : "'T." + name + "'");
    for (const Expr *target : stmt.targets)
      bind(target->text, Symbol::size());
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
  readBody(stmt.body);
  Frame finished = std::move(frames_.back());
  frames_.pop_back();
  if (!finished.stores.empty())
    buildComputation(finished, std::move(finished.stores));
  leaveScope(mark);
  leaveVariables(activeMark);
}

/// Reads `v = T.axis.…(…)`; false if \p stmt is no such statement.
bool FunctionReader::readAxes(const Stmt &stmt) {
  std::string name = tirCallName(stmt.value);
  if (!name.starts_with("axis."))
    return false;
  std::string_view kind = std::string_view(name).substr(std::string_view("axis.").size());
  if (!frames_.back().isBlock)
    error(DiagnosticCode::TirBadAxis, stmt.range, "this axis stands in no block");
  else if (kind == "remap")
    readRemap(stmt, *stmt.value);
  else
    readAxis(stmt, *stmt.value, kind);
  frames_.back().firstLoop = variables_.size();
  return true;
}

void FunctionReader::readRemap(const Stmt &stmt, const Expr &call) {
  const Expr *letters = positional(call, 0);
  const Expr *loops = positional(call, 1);
  bool fits = letters && loops && letters->kind == Expr::Kind::String &&
              (loops->kind == Expr::Kind::List || loops->kind == Expr::Kind::Tuple) &&
              letters->text.size() == loops->children.size() &&
              loops->children.size() == stmt.targets.size();
  if (!fits)
    return error(DiagnosticCode::TirBadAxis, stmt.range,
                 "letters, loops and names differ in number");
  if (letters->text.find_first_not_of("SR") != std::string_view::npos)
    return error(DiagnosticCode::TirBadAxis, letters->range,
                 "the kinds of axes are S (spatial) and R (reduction)");
  std::set<std::int64_t> bound;
  for (std::size_t i = 0; i < stmt.targets.size(); ++i) {
    const Expr &loop = *loops->children[i];
    Conversion conversion;
    ValueExprPtr binding = convert(loop, conversion);
    IndexExprPtr index = asIndex(binding);
    // A loop that does not start at 0 reads as axis + start.
    IndexExprPtr axis = index && index->kind == IndexExpr::Kind::Add ? index->left : index;
    if (!axis || axis->kind != IndexExpr::Kind::Axis) {
      error(DiagnosticCode::TirBadAxis, loop.range, "'" + textOf(loop) + "' is no loop");
      continue;
    }
    if (!bound.insert(axis->value).second) {
      error(DiagnosticCode::TirBadAxis, loop.range,
            "loop '" + textOf(loop) + "' is bound to two axes");
      continue;
    }
    auto low = axis == index ? valueIndex(indexConstant(0)) : valueIndex(index->right);
    bool isReduction = letters->text[i] == 'R';
    bindAxis(*stmt.targets[i], low, variables_[static_cast<std::size_t>(axis->value)].extentExpr,
             loop, isReduction ? Axis::Kind::Reduction : Axis::Kind::Spatial, stmt.range);
  }
}

void FunctionReader::readAxis(const Stmt &stmt, const Expr &call, std::string_view kind) {
  const Expr *domain = positional(call, 0);
  const Expr *binding = positional(call, 1);
  if (!domain || !binding || stmt.targets.size() != 1)
    return error(DiagnosticCode::TirBadAxis, stmt.range, "an axis needs a domain and a binding");
  Conversion conversion;
  ValueExprPtr low = valueIndex(indexConstant(0));
  ValueExprPtr extent;
  if (domain->kind == Expr::Kind::Tuple && domain->children.size() == 2) {
    low = convert(*domain->children[0], conversion);
    extent = binaryValue("-", convert(*domain->children[1], conversion), low);
  } else {
    extent = convert(*domain, conversion);
  }
  bool isReduction = kind == "reduce" || kind == "R";
  bool isKnown = isReduction || kind == "spatial" || kind == "S";
  if (!isKnown)
    frames_.back().opaqueReason = "an axis of kind '" + std::string(kind) + "'";
  bindAxis(*stmt.targets[0], low, extent, *binding,
           isReduction ? Axis::Kind::Reduction : Axis::Kind::Spatial, stmt.range);
}

/// Whether \p binding stays fixed inside the block around the current one: then the axis is one
/// point, whatever its domain says (TVM prints domains such as `(v, v + (1 - v))` for these).
bool FunctionReader::isPointOfOuterBlock(const ValueExpr &binding) const {
  if (frames_.size() < 2)
    return false;
  const Frame &outer = frames_[frames_.size() - 2];
  bool isInside = outer.isBlock;
  forEachAxis(binding,
              [&](std::size_t variable) { isInside = isInside && variable < outer.firstLoop; });
  return isInside;
}

void FunctionReader::bindAxis(const Expr &target, const ValueExprPtr &low, ValueExprPtr extent,
                              const Expr &binding, Axis::Kind kind, SourceRange range) {
  if (target.kind != Expr::Kind::Name)
    return error(DiagnosticCode::TirBadAxis, target.range, "an axis needs a name");
  Conversion conversion;
  ValueExprPtr bound = convert(binding, conversion);
  if (kind == Axis::Kind::Spatial && asIndex(bound) && isPointOfOuterBlock(*bound)) {
    bind(target.text, Symbol::of(std::move(bound)));
    return;
  }
  addVariable(target.text, low, std::move(extent), range, true, kind);
  Variable &axis = variables_.back();
  IndexExprPtr value = asIndex(bound);
  std::int64_t offset = 0;
  if (value && value->kind == IndexExpr::Kind::Add &&
      value->right->kind == IndexExpr::Kind::Constant) {
    offset = value->right->value;
    value = value->left;
  }
  if (!value || value->kind != IndexExpr::Kind::Axis || evaluate(*low, {}) != offset)
    return;
  const Variable &source = variables_[static_cast<std::size_t>(value->value)];
  if (source.extent == axis.extent)
    axis.loop = source.loop;
}

void FunctionReader::addStore(const Expr &target, const Expr &value, SourceRange range) {
  Store store;
  store.range = range;
  Conversion conversion;
  auto written = readAccess(target, conversion);
  if (!written)
    return;
  store.written = std::move(*written);
  for (std::size_t variable : active_)
    if (variable >= frames_.back().firstVariable)
      store.variables.push_back(variable);
  if (conditions_ != 0)
    frames_.back().opaqueReason = "a store under a condition";
  setValue(store, target, value, conversion);
  store.accesses = std::move(conversion.accesses);
  if (isCertain()) {
    store.certain = std::move(conversion.certain);
    store.certain.push_back(store.written);
  }
  if (frames_.back().isBlock) {
    frames_.back().stores.push_back(std::move(store));
    return;
  }
  std::vector<Store> single;
  single.push_back(std::move(store));
  buildComputation(frames_.back(), std::move(single));
  frames_.back().opaqueReason.clear();
}

// ---------------------------------------------------------------------------------------------
// Variables

void FunctionReader::addVariable(std::string_view name, const ValueExprPtr &low,
                                 ValueExprPtr extent, SourceRange range, bool isBlockAxis,
                                 Axis::Kind kind) {
  Variable variable;
  variable.name = name;
  variable.extentExpr = std::move(extent);
  variable.isBlockAxis = isBlockAxis;
  variable.kind = kind;
  if (!measure(variable, range))
    variable.extentExpr = valueIndex(indexConstant(1));
  std::size_t id = variables_.size();
  if (!isBlockAxis)
    variable.loop = id;
  variables_.push_back(std::move(variable));
  active_.push_back(id);
  ValueExprPtr value = binaryValue("+", valueIndex(indexAxis(id)), low);
  bind(name, Symbol::of(std::move(value)));
}

std::vector<std::size_t> FunctionReader::sourcesOf(const ValueExpr &value) const {
  std::set<std::size_t> found;
  forEachAxis(value, [&](std::size_t variable) { found.insert(variable); });
  return {found.begin(), found.end()};
}

/// Calls \p visit with a value for each of all variables so that \p variables take every
/// combination. False if there are too many combinations or one of the variables has no plain
/// extent.
template <typename Visit>
bool FunctionReader::forEachPoint(const std::vector<std::size_t> &variables, const Visit &visit) {
  constexpr std::int64_t mostPoints = 100'000;
  std::int64_t count = 1;
  for (std::size_t variable : variables) {
    if (variables_[variable].dependsOnOthers || variables_[variable].extent > mostPoints)
      return false;
    count *= variables_[variable].extent;
    if (count > mostPoints)
      return false;
  }
  std::vector<std::int64_t> point(variables_.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i;
    for (std::size_t variable : variables) {
      point[variable] = rest % variables_[variable].extent;
      rest /= variables_[variable].extent;
    }
    if (!visit(point))
      return false;
  }
  return true;
}

/// Finds the extent of \p variable. False after an error.
bool FunctionReader::measure(Variable &variable, SourceRange range) {
  std::vector<std::size_t> sources = sourcesOf(*variable.extentExpr);
  std::int64_t largest = 0;
  auto isKnown = forEachPoint(sources, [&](const std::vector<std::int64_t> &point) {
    auto extent = evaluate(*variable.extentExpr, point);
    largest = std::max(largest, extent.value_or(0));
    return extent.has_value();
  });
  // An integer literal beyond 64 bits has a value but is no index.
  constexpr double firstBeyond = 9223372036854775808.0;
  const ValueExpr &extent = *variable.extentExpr;
  if (!isKnown && extent.kind == ValueExpr::Kind::Constant && !extent.index &&
      extent.number >= firstBeyond) {
    error(DiagnosticCode::TirTooLarge, range,
          "the number of iterations of '" + variable.name + "'");
    return false;
  }
  if (!isKnown) {
    // After another error the expression is a stand-in; a second message would not help.
    if (result_.isValid)
      issue(range, "the number of iterations of '" + variable.name + "'");
    return false;
  }
  if (largest <= 0) {
    if (result_.isValid)
      error(DiagnosticCode::TirBadExtent, range, largest);
    return false;
  }
  variable.extent = largest;
  variable.dependsOnOthers = !sources.empty();
  return true;
}

/// Number of points of the domain that \p variables span; none if it leaves 64 bits.
std::optional<std::int64_t> FunctionReader::countPoints(const std::vector<std::size_t> &variables) {
  std::set<std::size_t> sources;
  std::vector<std::size_t> dependent;
  for (std::size_t variable : variables) {
    if (!variables_[variable].dependsOnOthers)
      continue;
    dependent.push_back(variable);
    for (std::size_t source : sourcesOf(*variables_[variable].extentExpr))
      sources.insert(source);
  }
  std::optional<std::int64_t> box = 1;
  std::optional<std::int64_t> rest = 1;
  for (std::size_t variable : variables) {
    std::int64_t extent = variables_[variable].extent;
    box = box ? checkedMul(*box, extent) : std::nullopt;
    if (!variables_[variable].dependsOnOthers && !sources.contains(variable))
      rest = rest ? checkedMul(*rest, extent) : std::nullopt;
  }
  if (!box || dependent.empty())
    return box;
  std::int64_t sum = 0;
  // The sum is at most the box, which fits.
  bool isExact =
      forEachPoint({sources.begin(), sources.end()}, [&](const std::vector<std::int64_t> &point) {
        std::int64_t product = 1;
        for (std::size_t variable : dependent)
          product *= std::max<std::int64_t>(0, evaluate(*variables_[variable].extentExpr, point)
                                                   .value_or(variables_[variable].extent));
        sum += product;
        return true;
      });
  return isExact ? checkedMul(sum, *rest) : box;
}

// ---------------------------------------------------------------------------------------------
// Computations

/// Whether \p store is of a kind that may join its value to what is there.
bool FunctionReader::isReduction(const Store &store) const {
  if (frames_.back().hasInit)
    return true;
  std::set<std::size_t> inWrite;
  for (const IndexExprPtr &index : store.written.indices)
    forEachAxis(*index, [&](std::size_t variable) { inWrite.insert(variable); });
  return std::any_of(store.variables.begin(), store.variables.end(), [&](std::size_t variable) {
    return variables_[variable].kind == Axis::Kind::Reduction ||
           (!variables_[variable].isBlockAxis && !inWrite.contains(variable));
  });
}

void FunctionReader::setValue(Store &store, const Expr &target, const Expr &value,
                              Conversion &conversion) {
  Combiner combiner = Combiner::None;
  const Expr *operand = isReduction(store) ? accumulated(target, value, combiner) : nullptr;
  if (operand) {
    store.combiner = combiner;
    store.value = convert(*operand, conversion);
    return;
  }
  store.value = convert(value, conversion);
  if (!frames_.back().hasInit)
    return;
  store.combiner = Combiner::Opaque;
  if (frames_.back().opaqueReason.empty())
    frames_.back().opaqueReason = "a reduction of an unknown form";
}

void FunctionReader::buildComputation(const Frame &frame, std::vector<Store> stores) {
  constexpr std::size_t mostComputations = 100'000;
  if (result_.computations.size() >= mostComputations)
    return error(DiagnosticCode::TirTooLarge, frame.range, "the number of stages of a function");
  Computation computation;
  Store &first = stores[0];
  computation.range = frame.isBlock ? frame.range : first.range;
  computation.written = first.written.tensor;
  computation.writeIndices = std::move(first.written.indices);
  computation.name = frame.label.empty() ? tensorOf(first.written.tensor).name : frame.label;
  computation.combiner = first.combiner;
  computation.value = std::move(first.value);
  computation.opaqueReason = frame.opaqueReason;
  std::set<std::size_t> own;
  std::set<std::pair<bool, std::uint32_t>> written;
  for (Store &store : stores) {
    own.insert(store.variables.begin(), store.variables.end());
    TensorRef tensor = store.written.tensor;
    bool isNew = written.emplace(tensor.isLocal, tensor.index).second;
    if (isNew && tensor != computation.written)
      computation.alsoWritten.push_back(tensor);
    for (Access &access : store.accesses)
      computation.accesses.push_back(std::move(access));
  }
  if (stores.size() > 1 && computation.opaqueReason.empty())
    computation.opaqueReason = "several stores in one block";
  if (computation.combiner == Combiner::Opaque || stores.size() > 1) {
    // Loads of the accumulators leave the list of accesses, so the value can't refer to it.
    computation.value = valueNode(ValueExpr::Kind::Opaque, computation.opaqueReason, {});
    std::erase_if(computation.accesses, [&](const Access &access) {
      return written.contains({access.tensor.isLocal, access.tensor.index});
    });
  }
  Numbering numbering =
      setAxes(computation, {own.begin(), own.end()}, computation.combiner != Combiner::None);
  for (const Store &store : stores)
    for (const Access &access : store.certain)
      checkBounds(access, computation.axes, numbering);
  if (computation.combiner != Combiner::None && !frame.hasInit)
    dropInit(computation);
  markUse(computation);
  result_.computations.push_back(std::move(computation));
}

/// Gives \p computation its axes: \p own variables and others that it refers to, numbered anew.
Numbering FunctionReader::setAxes(Computation &computation, const std::vector<std::size_t> &own,
                                  bool accumulates) {
  std::set<std::size_t> used(own.begin(), own.end());
  std::set<std::size_t> inWrite;
  auto collect = [&](std::size_t variable) { used.insert(variable); };
  for (const IndexExprPtr &index : computation.writeIndices) {
    forEachAxis(*index, collect);
    forEachAxis(*index, [&](std::size_t variable) { inWrite.insert(variable); });
  }
  for (const Access &access : computation.accesses)
    for (const IndexExprPtr &index : access.indices)
      forEachAxis(*index, collect);
  forEachAxis(*computation.value, collect);
  // Extents may refer to further variables.
  for (std::size_t variable : std::vector<std::size_t>(used.begin(), used.end()))
    forEachAxis(*variables_[variable].extentExpr, collect);

  std::vector<std::size_t> ordered(used.begin(), used.end());
  std::vector<IndexExprPtr> replacements(variables_.size(), nullptr);
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    const Variable &variable = variables_[ordered[i]];
    Axis::Kind kind = variable.kind;
    if (!variable.isBlockAxis)
      kind = accumulates && !inWrite.contains(ordered[i]) ? Axis::Kind::Reduction
                                                          : Axis::Kind::Spatial;
    computation.axes.push_back({variable.name, variable.extent, kind});
    replacements[ordered[i]] = indexAxis(i);
  }
  for (IndexExprPtr &index : computation.writeIndices)
    index = substitute(index, replacements);
  for (Access &access : computation.accesses)
    for (IndexExprPtr &index : access.indices)
      index = substitute(index, replacements);
  computation.value = substitute(computation.value, replacements);
  if (auto points = countPoints(ordered))
    computation.points = *points;
  else
    error(DiagnosticCode::TirTooLarge, computation.range, "the number of iterations");
  return {std::move(ordered), std::move(replacements)};
}

/// Whether a store that stands here happens at every point that its variables span.
bool FunctionReader::isCertain() const {
  return conditions_ == 0 &&
         std::none_of(frames_.begin(), frames_.end(),
                      [](const Frame &frame) { return frame.isGuarded; }) &&
         std::none_of(active_.begin(), active_.end(),
                      [&](std::size_t variable) { return variables_[variable].dependsOnOthers; });
}

/// Whether the axes in \p index take every combination of their values.
bool FunctionReader::isCovered(const AffineIndex &index, const Numbering &numbering) const {
  std::set<std::size_t> loops;
  for (std::size_t a = 0; a < index.coefficients.size(); ++a) {
    if (index.coefficients[a] == 0)
      continue;
    const auto &loop = variables_[numbering.variables[a]].loop;
    if (!loop || !loops.insert(*loop).second)
      return false;
  }
  return true;
}

/// Reports \p access if one of its indices is sure to leave the buffer.
void FunctionReader::checkBounds(const Access &access, const std::vector<Axis> &axes,
                                 const Numbering &numbering) {
  // After another error, extents may be stand-ins.
  if (!result_.isValid || !result_.issues.empty())
    return;
  const Tensor &tensor = tensorOf(access.tensor);
  for (std::size_t i = 0; i < access.indices.size(); ++i) {
    bool isNumbered = true;
    forEachAxis(*access.indices[i], [&](std::size_t variable) {
      isNumbered = isNumbered && numbering.replacements[variable];
    });
    auto index = isNumbered
                     ? affineForm(*substitute(access.indices[i], numbering.replacements), axes)
                     : std::nullopt;
    auto range = index && isCovered(*index, numbering) ? rangeOf(*index, axes) : std::nullopt;
    if (!range || (range->low >= 0 && range->high < tensor.shape[i]))
      continue;
    diagnostics_.report(DiagnosticCode::IndexOutsideBuffer, access.range, tensor.name, i,
                        range->low, range->high, tensor.shape[i]);
    leavesBuffer_ = true;
    return;
  }
}

/// Forgets the store that starts the reduction \p computation: in code without `T.init` it is a
/// stage of its own, which a plain reduction does not have.
void FunctionReader::dropInit(const Computation &computation) {
  constexpr std::size_t farthest = 1000;
  std::size_t last = result_.computations.size();
  for (std::size_t i = last; i-- > 0 && last - i <= farthest;) {
    const Computation &earlier = result_.computations[i];
    if (earlier.written != computation.written)
      continue;
    if (earlier.combiner == Combiner::None && earlier.accesses.empty() &&
        earlier.alsoWritten.empty())
      result_.computations.erase(result_.computations.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

void FunctionReader::markUse(const Computation &computation) {
  auto write = [&](TensorRef reference) {
    if (reference.isLocal)
      return;
    FunctionTemplate::Parameter &parameter = result_.parameters[reference.index];
    if (!parameter.isWritten)
      parameter.firstWrite = computation.range;
    parameter.isWritten = true;
  };
  write(computation.written);
  for (TensorRef reference : computation.alsoWritten)
    write(reference);
  for (const Access &access : computation.accesses)
    if (!access.tensor.isLocal)
      result_.parameters[access.tensor.index].isRead = true;
}

// ---------------------------------------------------------------------------------------------
// Expressions

ValueExprPtr FunctionReader::opaque(const Expr &expr, std::string what) {
  if (!what.empty())
    issue(expr.range, std::move(what));
  return valueNode(ValueExpr::Kind::Opaque, textOf(expr), {});
}

ValueExprPtr FunctionReader::convert(const Expr &expr, Conversion &conversion) {
  constexpr std::size_t deepest = 1500;
  if (context_.workLeft == 0 || convertDepth_ > deepest) {
    // What is cut off inside one large expression is one complaint.
    bool isNew = std::exchange(reportedLarge_, true) == false;
    return opaque(expr, isNew ? "an expression that is too large" : "");
  }
  --context_.workLeft;
  ++convertDepth_;
  ValueExprPtr value = convertNode(expr, conversion);
  --convertDepth_;
  return value;
}

ValueExprPtr FunctionReader::convertNode(const Expr &expr, Conversion &conversion) {
  switch (expr.kind) {
  case Expr::Kind::Integer:
    return convertLiteral(expr, {ElementType::Kind::Int, 32}, conversion);
  case Expr::Kind::Float:
    return convertLiteral(expr, {ElementType::Kind::Float, 32}, conversion);
  case Expr::Kind::Constant: {
    auto value = std::make_shared<ValueExpr>();
    value->elementType = {ElementType::Kind::Bool, 1};
    value->number = expr.text == "True" ? 1 : 0;
    return value;
  }
  case Expr::Kind::Name:
    return convertName(expr, conversion);
  case Expr::Kind::Unary:
    return convertUnary(expr, conversion);
  case Expr::Kind::Binary:
    return convertBinary(expr, conversion);
  case Expr::Kind::Call:
    return convertCall(expr, conversion);
  case Expr::Kind::Subscript:
    return convertLoad(expr, conversion);
  case Expr::Kind::Conditional: {
    ++conversion.conditions;
    auto then = convert(*expr.children[0], conversion);
    --conversion.conditions;
    auto condition = convert(*expr.children[1], conversion);
    ++conversion.conditions;
    auto otherwise = convert(*expr.children[2], conversion);
    --conversion.conditions;
    return valueNode(ValueExpr::Kind::Select, {}, {condition, then, otherwise});
  }
  default:
    return opaque(expr, "'" + textOf(expr) + "'");
  }
}

ValueExprPtr FunctionReader::convertName(const Expr &expr, Conversion &conversion) {
  const Symbol *symbol = find(expr.text);
  if (symbol && symbol->kind == Symbol::Kind::Value)
    return symbol->value;
  if (symbol && symbol->kind == Symbol::Kind::Let)
    return convert(*symbol->definition, conversion);
  if (symbol && symbol->kind == Symbol::Kind::Size)
    return sizeOfName(expr.text, expr.range);
  if (symbol)
    return opaque(expr, "a buffer without indices");
  if (context_.symbols.contains(expr.text) || symbols_.contains(expr.text) ||
      context_.sizeNames.contains(expr.text))
    return sizeOfName(expr.text, expr.range);
  error(DiagnosticCode::TirUndefinedName, expr.range, expr.text);
  return opaque(expr, {});
}

ValueExprPtr FunctionReader::convertLiteral(const Expr &expr, ElementType type,
                                            Conversion &conversion) {
  auto value = std::make_shared<ValueExpr>();
  value->elementType = type;
  if (auto integer = integerLiteral(expr)) {
    value->number = static_cast<double>(*integer);
    bool isInteger = type.kind == ElementType::Kind::Int || type.kind == ElementType::Kind::UInt;
    if (isInteger)
      value->index = indexConstant(*integer);
    return value;
  }
  bool isText = expr.kind == Expr::Kind::Float || expr.kind == Expr::Kind::String ||
                expr.kind == Expr::Kind::Integer;
  if (isText) {
    auto number = parseFloat(expr.text);
    if (!number)
      return opaque(expr, "the number '" + textOf(expr) + "'");
    value->number = *number;
    return value;
  }
  if (expr.kind == Expr::Kind::Unary && expr.text == "-" &&
      expr.children[0]->kind == Expr::Kind::Float) {
    value->number = -parseFloat(expr.children[0]->text).value_or(0);
    return value;
  }
  // `T.int64(e)` of something that is no literal is a cast.
  ValueExprPtr operand = convert(expr, conversion);
  bool toInteger = type.kind == ElementType::Kind::Int || type.kind == ElementType::Kind::UInt;
  if (toInteger && asIndex(operand))
    return operand;
  auto cast =
      std::make_shared<ValueExpr>(*valueNode(ValueExpr::Kind::Cast, "cast", {std::move(operand)}));
  cast->elementType = type;
  return cast;
}

ValueExprPtr FunctionReader::convertUnary(const Expr &expr, Conversion &conversion) {
  ValueExprPtr operand = convert(*expr.children[0], conversion);
  if (expr.text == "+")
    return operand;
  if (expr.text == "not")
    return valueNode(ValueExpr::Kind::Compare, "not", {operand});
  if (expr.text == "~")
    return valueNode(ValueExpr::Kind::Unary, "bitwise_not", {operand});
  if (operand->kind == ValueExpr::Kind::Constant) {
    auto negated = std::make_shared<ValueExpr>(*operand);
    negated->number = -operand->number;
    if (operand->index)
      negated->index = indexBinary(IndexExpr::Kind::Sub, indexConstant(0), operand->index);
    return negated;
  }
  if (IndexExprPtr index = asIndex(operand))
    return valueIndex(indexBinary(IndexExpr::Kind::Sub, indexConstant(0), index));
  return valueNode(ValueExpr::Kind::Unary, "neg", {operand});
}

ValueExprPtr FunctionReader::binaryValue(std::string_view op, ValueExprPtr left,
                                         ValueExprPtr right) {
  constexpr std::pair<std::string_view, IndexExpr::Kind> indexOperators[] = {
      {"+", IndexExpr::Kind::Add},      {"-", IndexExpr::Kind::Sub},
      {"*", IndexExpr::Kind::Mul},      {"//", IndexExpr::Kind::FloorDiv},
      {"%", IndexExpr::Kind::FloorMod}, {"min", IndexExpr::Kind::Min},
      {"max", IndexExpr::Kind::Max}};
  IndexExprPtr leftIndex = asIndex(left);
  IndexExprPtr rightIndex = asIndex(right);
  if (leftIndex && rightIndex)
    for (const auto &[name, kind] : indexOperators)
      if (name == op)
        return valueIndex(indexBinary(kind, leftIndex, rightIndex));
  constexpr std::string_view comparisons[] = {"<", "<=", ">", ">=", "==", "!=", "and", "or"};
  bool isComparison =
      std::find(std::begin(comparisons), std::end(comparisons), op) != std::end(comparisons);
  return valueNode(isComparison ? ValueExpr::Kind::Compare : ValueExpr::Kind::Binary,
                   std::string(op), {std::move(left), std::move(right)});
}

ValueExprPtr FunctionReader::convertBinary(const Expr &expr, Conversion &conversion) {
  ValueExprPtr left = convert(*expr.children[0], conversion);
  bool mayStop = expr.text == "and" || expr.text == "or";
  conversion.conditions += mayStop ? 1 : 0;
  ValueExprPtr right = convert(*expr.children[1], conversion);
  conversion.conditions -= mayStop ? 1 : 0;
  return binaryValue(expr.text == "**" ? "pow" : expr.text, std::move(left), std::move(right));
}

ValueExprPtr FunctionReader::convertCast(const Expr &expr, Conversion &conversion) {
  const Expr *first = positional(expr, 0);
  const Expr *second = positional(expr, 1);
  if (!second)
    second = keyword(expr, "dtype");
  if (!first || !second)
    return opaque(expr, "'T.Cast' without two arguments");
  // `T.Cast("int32", e)`, in old texts `T.cast(e, "int32")`.
  const Expr *type = first->kind == Expr::Kind::String ? first : second;
  auto element = typeNamed(*type);
  if (!element) {
    error(DiagnosticCode::TirUnknownElementType, type->range, textOf(*type));
    return opaque(expr, {});
  }
  return convertLiteral(type == first ? *second : *first, *element, conversion);
}

ValueExprPtr FunctionReader::convertCall(const Expr &expr, Conversion &conversion) {
  std::string name = tirCallName(&expr);
  if (name == "Cast" || name == "cast" || name == "reinterpret")
    return convertCast(expr, conversion);
  std::vector<ValueExprPtr> operands;
  const Expr *first = positional(expr, 0);
  if (auto type = typeNamed(*expr.children[0]); type && first)
    return convertLiteral(*first, *type, conversion);
  MathName math = mathName(name);
  bool isSelect = name == "if_then_else" || name == "Select" || name == "where";
  if (math.form == MathForm::Unknown && !isSelect)
    return opaque(expr, name.empty() ? "'" + textOf(*expr.children[0]) + "'" : "'T." + name + "'");
  std::string spelling(math.spelling);
  bool isConditional = isSelect || spelling == "and" || spelling == "or";
  for (std::size_t i = 0; const Expr *operand = positional(expr, i); ++i) {
    bool isUnder = isConditional && i != 0;
    conversion.conditions += isUnder ? 1 : 0;
    if (operand->kind != Expr::Kind::String)
      operands.push_back(convert(*operand, conversion));
    conversion.conditions -= isUnder ? 1 : 0;
  }
  if (isSelect && operands.size() == 3)
    return valueNode(ValueExpr::Kind::Select, {}, std::move(operands));
  if (math.form == MathForm::Function)
    return valueNode(ValueExpr::Kind::Unary, spelling, std::move(operands));
  if (math.form == MathForm::Comparison && operands.size() == (spelling == "not" ? 1 : 2))
    return valueNode(ValueExpr::Kind::Compare, spelling, std::move(operands));
  if (math.form == MathForm::Transparent && operands.size() == 1)
    return operands[0];
  if (math.form == MathForm::Operator && operands.size() == 2)
    return binaryValue(spelling, operands[0], operands[1]);
  return opaque(expr, "'T." + name + "' with this number of arguments");
}

IndexExprPtr FunctionReader::toIndex(const Expr &expr, Conversion &conversion) {
  ValueExprPtr value = convert(expr, conversion);
  if (IndexExprPtr index = asIndex(value))
    return index;
  return indexOpaque(textOf(expr));
}

std::optional<Access> FunctionReader::readAccess(const Expr &expr, Conversion &conversion) {
  const Expr &base = *expr.children[0];
  const Symbol *symbol = base.kind == Expr::Kind::Name ? find(base.text) : nullptr;
  if (base.kind == Expr::Kind::Name && !symbol)
    error(DiagnosticCode::TirUndefinedName, base.range, base.text);
  else if (!symbol || symbol->kind != Symbol::Kind::Buffer)
    issue(expr.range, "'" + textOf(expr) + "'");
  if (!symbol || symbol->kind != Symbol::Kind::Buffer)
    return std::nullopt;
  Access access;
  access.tensor = symbol->tensor;
  access.range = expr.range;
  std::size_t rank = tensorOf(access.tensor).shape.size();
  if (arguments(expr).size() != rank) {
    if (result_.isValid)
      error(DiagnosticCode::TirWrongRank, expr.range, base.text, rank, arguments(expr).size());
    return std::nullopt;
  }
  for (const Expr *index : arguments(expr)) {
    if (index->kind == Expr::Kind::Slice) {
      issue(index->range, "an access to several elements at once");
      access.indices.push_back(indexOpaque(textOf(*index)));
    } else {
      access.indices.push_back(toIndex(*index, conversion));
    }
  }
  return access;
}

ValueExprPtr FunctionReader::convertLoad(const Expr &expr, Conversion &conversion) {
  auto access = readAccess(expr, conversion);
  if (!access)
    return opaque(expr, {});
  auto value = std::make_shared<ValueExpr>();
  value->kind = ValueExpr::Kind::Load;
  value->value = conversion.accesses.size();
  value->elementType = tensorOf(access->tensor).elementType;
  if (conversion.conditions == 0)
    conversion.certain.push_back(*access);
  conversion.accesses.push_back(std::move(*access));
  return value;
}

} // namespace

FunctionTemplate readFunction(const Stmt &function, const FunctionContext &context,
                              DiagnosticEngine &diagnostics) {
  return FunctionReader(function, context, diagnostics).read();
}

} // namespace acadlc::tir
