#include "frontend/tir/FunctionReader.h"

#include "frontend/tir/BufferShapes.h"
#include "frontend/tir/FilledCopies.h"
#include "frontend/tir/FunctionParts.h"
#include "frontend/tir/FusedAxes.h"
#include "frontend/tir/PartialResults.h"
#include "frontend/tir/PinnedAxes.h"
#include "frontend/tir/RepeatedTiles.h"
#include "frontend/tir/SplitLoops.h"
#include "frontend/tvmscript/Parser.h"
#include "frontend/tvmscript/SymbolicSizes.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <utility>

namespace acadlc::tir {

using namespace workload;

//===--- Names and reports ----------------------------------------------------------------===//

void FunctionReader::bind(std::string_view name, NameMeaning symbol) {
  auto found = names_.find(name);
  undo_.emplace_back(name, found == names_.end() ? std::nullopt : std::optional(found->second));
  names_[name] = std::move(symbol);
}

const NameMeaning *FunctionReader::find(std::string_view name) const {
  auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

void FunctionReader::leaveScope(std::size_t mark) {
  while (undo_.size() > mark) {
    auto &[name, old] = undo_.back();
    if (old)
      names_[name] = std::move(*old);
    else {
      names_.erase(name);
      endedNames_.insert(name);
    }
    undo_.pop_back();
  }
}

void FunctionReader::reportUndefined(const Expr &expr) {
  result_.isValid = false;
  const auto hasBadAxes = [](const Frame &frame) { return frame.hasBadAxes; };
  if (std::ranges::any_of(frames_, hasBadAxes) || !reportedNames_.insert(expr.text).second)
    return;
  const bool hasEnded = endedNames_.contains(expr.text);
  // A line that stands outside of its block uses more than one name of it.
  if (hasEnded && std::exchange(reportedEnded_, true))
    return;
  std::vector<std::string_view> known;
  if (!hasEnded && mayGuess())
    for (const auto &[name, meaning] : names_)
      known.push_back(name);
  std::ranges::sort(known);
  DiagnosticBuilder report =
      diagnostics_.report(DiagnosticCode::TirUndefinedName, expr.range, expr.text);
  if (hasEnded)
    report.note({}, "the block that defines it has ended: should this line be indented further?");
  else if (const std::string_view near = nearestName(expr.text, known); !near.empty())
    report.fixIt(expr.range, std::string(near));
}

const Tensor &FunctionReader::tensorOf(TensorRef reference) const {
  return reference.isLocal ? result_.locals[reference.index]
                           : result_.parameters[reference.index].tensor;
}

/// The shape of a buffer as the text declares it.
const Shape &FunctionReader::shapeOf(TensorRef reference) const {
  return reference.isLocal ? localBuffers_[reference.index].shape : tensorOf(reference).shape;
}

void FunctionReader::issue(SourceRange range, std::string what) {
  constexpr std::size_t enough = 20;
  if (result_.issues.size() < enough)
    result_.issues.push_back({range, std::move(what)});
}

void FunctionReader::unknownName(SourceRange range, std::string_view name,
                                 std::string_view unnamed) {
  if (name.empty())
    return issue(range, std::string(unnamed));
  std::string what = "'T." + std::string(name) + "'";
  const std::string_view near = mayGuess() ? nearestTirName(name) : "";
  if (near == name)
    what += " of this form";
  else if (!near.empty())
    what += " (did you mean 'T." + std::string(near) + "'?)";
  issue(range, std::move(what));
}

std::string FunctionReader::textOf(const Expr &expr) const {
  constexpr std::size_t longest = 60;
  std::string_view text = context_.sources.textOf(expr.range);
  if (text.size() <= longest)
    return std::string(text);
  return std::string(text.substr(0, longest)) + "…";
}

//===--- Declarations ---------------------------------------------------------------------===//

FunctionTemplate FunctionReader::read() {
  result_.name = function_.name;
  result_.nameRange = function_.nameRange;
  Frame frame;
  frame.range = function_.range;
  frames_.push_back(std::move(frame));
  bindNumbers();
  bindSizes();
  readParameters();
  if (result_.isValid)
    readBody(function_.body);
  forgetNest();
  uses_.finish();
  if (result_.isValid && result_.issues.empty())
    refuseUnwrittenLocals();
  if (result_.isValid)
    refuseReuse();
  result_.isValid = result_.isValid && !leavesBuffer_;
  return std::move(result_);
}

PrivateBuffers FunctionReader::privateBuffers() const {
  PrivateBuffers result;
  for (std::size_t i = 0; i < localBuffers_.size(); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    if (auto loops =
            uses_.privateLoops(index, localBuffers_[i].shape, localBuffers_[i].isThreadLocal))
      result.emplace(index, std::move(*loops));
  }
  return result;
}

std::set<const Stmt *> FunctionReader::refusedScalars(const PrivateBuffers &privates) const {
  std::set<const Stmt *> refused;
  for (std::size_t i = 0; i < localBuffers_.size(); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    const LocalBuffer &local = localBuffers_[i];
    const bool needsLoops = local.isInLoop || local.isOverwritten;
    if (local.scalar && needsLoops && uses_.isUsed(index) && !privates.contains(index))
      refused.insert(local.scalar);
  }
  return refused;
}

void FunctionReader::readParameters() {
  for (const Parameter &parameter : function_.parameters)
    declareParameter(parameter);
}

const std::optional<Shape> &FunctionReader::argumentShape(std::size_t parameter) const {
  static const std::optional<Shape> none;
  return parameter < context_.argumentShapes.size() ? context_.argumentShapes[parameter] : none;
}

namespace {

/// Whether \p row has the elements of a tensor of \p shape, which has several dimensions.
bool isRowOf(const Shape &row, const Shape &shape) {
  return row.size() == 1 && shape.size() > 1 && checkedProduct(shape) == row[0];
}

bool isBufferType(const Expr *type) {
  return type && (type->kind == Expr::Kind::Call || type->kind == Expr::Kind::Subscript) &&
         tirName(*type->children[0]) == "Buffer";
}

/// Also with the type of what it points to: `T.handle("float32")`; the first versions of
/// TVMScript wrote `ty.handle`.
bool isHandleType(const Expr *type) {
  return type && (tirName(*type) == "handle" || tirCallName(type) == "handle" ||
                  dottedName(*type) == "ty.handle");
}

/// Whether \p type is one of numbers with a point.
bool isPoint(ElementType type) {
  return type.kind == ElementType::Kind::Float || type.kind == ElementType::Kind::BFloat;
}

/// A number that the text does not tell, and that no count depends on: like `T.infinity(type)` it
/// is a function of nothing.
ValueExprPtr numberOfType(ElementType type) {
  auto number = std::make_shared<ValueExpr>(*valueNode(ValueExpr::Kind::Unary, "scalar", {}));
  number->elementType = type;
  return number;
}

} // namespace

/// Gives the parameters that are numbers the values of their arguments. The shapes of buffers that
/// stand before such a parameter may use it.
void FunctionReader::bindNumbers() {
  std::size_t position = 0;
  for (const Parameter &parameter : function_.parameters) {
    if (isBufferType(parameter.annotation) || isHandleType(parameter.annotation))
      continue;
    const std::size_t own = position++;
    const auto type = parameter.annotation ? typeNamed(*parameter.annotation) : std::nullopt;
    if ((type && isPoint(*type)) || own >= context_.scalarArguments.size() ||
        !context_.scalarArguments[own])
      continue;
    symbols_[std::string(parameter.name)] = *context_.scalarArguments[own];
    result_.usesArgumentShapes = true;
  }
}

/// Gives the sizes of this function the values that the shapes of its arguments tell: a dimension
/// that is a plain name is what the argument has there.
void FunctionReader::bindSizes() {
  if (context_.argumentShapes.empty())
    return;
  std::size_t index = 0;
  for (const Parameter &parameter : function_.parameters) {
    if (!isBufferType(parameter.annotation) && !isHandleType(parameter.annotation))
      continue;
    const std::optional<Shape> &known = argumentShape(index++);
    const Expr *shape = known ? shapeOfParameter(function_, parameter) : nullptr;
    if (!shape || shape->children.size() != known->size())
      continue;
    for (std::size_t d = 0; d < known->size(); ++d) {
      const std::string_view name = plainSize(*shape->children[d]);
      if (name.empty())
        continue;
      symbols_.emplace(name, (*known)[d]);
      result_.usesArgumentShapes = true;
    }
  }
}

void FunctionReader::declareParameter(const Parameter &parameter) {
  const Expr *type = parameter.annotation;
  std::string name(parameter.name);
  const bool isBuffer = isBufferType(type);
  const bool isHandle = isHandleType(type);
  if (!isBuffer && !isHandle) {
    bool isNumber = type && typeNamed(*type);
    if (!isNumber)
      issue(parameter.range, "the type of parameter '" + name + "'");
    if (const auto element = isNumber ? typeNamed(*type) : std::nullopt;
        element && isPoint(*element)) {
      result_.scalars.push_back(name);
      bind(parameter.name, NameMeaning::of(numberOfType(*element)));
      return;
    }
    result_.scalars.push_back(name);
    bind(parameter.name, NameMeaning::size());
    return;
  }
  std::size_t index = result_.parameters.size();
  FunctionTemplate::Parameter entry;
  entry.tensor.name = name;
  entry.tensor.range = parameter.range;
  result_.parameters.push_back(std::move(entry));
  if (isHandle) {
    bind(parameter.name, NameMeaning::handle(index));
    return;
  }
  bind(parameter.name, NameMeaning::buffer(false, index));
  if (auto tensor = readBuffer(*type, 0, parameter.range, argumentShape(index))) {
    setParameter(parameter.name, index, std::move(*tensor));
    noteVectors({false, static_cast<std::uint32_t>(index)}, *type, 0);
  }
}

/// Gives parameter \p index the type that \p tensor has. A row that is given a tensor of so many
/// elements is another look at that.
void FunctionReader::setParameter(std::string_view name, std::size_t index, Tensor tensor) {
  const std::optional<Shape> &known = argumentShape(index);
  tensor.name = name;
  if (known && isRowOf(tensor.shape, *known)) {
    const TensorRef parameter{false, static_cast<std::uint32_t>(index)};
    bind(name, NameMeaning::of(BufferView{parameter, tensor.shape, {}}));
    tensor.shape = *known;
    result_.usesArgumentShapes = true;
  }
  result_.parameters[index].tensor = std::move(tensor);
}

namespace {

/// The type in `T.Buffer(shape, type)` and its like; null if it is left out.
const Expr *elementTypeOf(const Expr &call, std::size_t firstArgument) {
  const Expr *type = positional(call, firstArgument + 1);
  return type ? type : keyword(call, "dtype");
}

} // namespace

/// Notes that the elements of \p tensor, which \p call declares, are vectors if they are.
void FunctionReader::noteVectors(TensorRef tensor, const Expr &call, std::size_t firstArgument) {
  const Expr *type = elementTypeOf(call, firstArgument);
  if (const auto vector = type ? vectorTypeNamed(*type) : std::nullopt)
    vectors_[{tensor.isLocal, tensor.index}] = vector->lanes;
}

/// Reports that \p type is no element type.
void FunctionReader::reportType(const Expr &type) {
  const std::string_view name = type.kind == Expr::Kind::String ? type.text : tirName(type);
  error(DiagnosticCode::TirUnknownElementType, type.range, textOf(type), nearTypes(name));
}

/// Reads the shape and type of `T.Buffer(shape, type)` and its like; the shape is positional
/// argument \p firstArgument.
std::optional<Tensor> FunctionReader::readBuffer(const Expr &call, std::size_t firstArgument,
                                                 SourceRange range,
                                                 const std::optional<Shape> &known) {
  const Expr *shape = positional(call, firstArgument);
  if (!shape)
    shape = keyword(call, "shape");
  const Expr *type = elementTypeOf(call, firstArgument);
  const VectorType vector = type ? vectorTypeNamed(*type).value_or(VectorType{}) : VectorType{};
  if (!shape) {
    issue(call.range, "a buffer without a shape");
    return std::nullopt;
  }
  Tensor tensor;
  tensor.range = range;
  if (type) {
    const auto element = vector.lanes != 0 ? vector.element : typeNamed(*type);
    if (!element) {
      reportType(*type);
      return std::nullopt;
    }
    tensor.elementType = *element;
  }
  auto extents = readShape(*shape, known);
  if (!extents)
    return std::nullopt;
  tensor.shape = std::move(*extents);
  if (vector.lanes == 0)
    return tensor;
  tensor.shape.push_back(vector.lanes);
  constexpr std::int64_t bitsPerElement = 128; // the widest element type
  std::optional<std::int64_t> bits = bitsPerElement;
  for (const std::int64_t extent : tensor.shape)
    bits = bits ? checkedMul(*bits, extent) : std::nullopt;
  if (bits)
    return tensor;
  error(DiagnosticCode::TirTooLarge, shape->range, "the size of this buffer");
  return std::nullopt;
}

std::optional<Shape> FunctionReader::readShape(const Expr &expr,
                                               const std::optional<Shape> &known) {
  Shape shape;
  bool isList = expr.kind == Expr::Kind::Tuple || expr.kind == Expr::Kind::List;
  const Expr *single = &expr;
  std::span<const Expr *const> items = isList ? expr.children : std::span(&single, 1);
  const bool isRow = known && items.size() == 1 && known->size() > 1;
  if (known && known->size() != items.size() && !isRow) {
    error(DiagnosticCode::TirCallMismatch, expr.range,
          "the argument has " + std::to_string(known->size()) + " dimensions, the parameter " +
              std::to_string(items.size()));
    return std::nullopt;
  }
  constexpr std::int64_t bitsPerElement = 128; // the widest element type
  std::int64_t product = bitsPerElement;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto told = isRow   ? checkedProduct(*known)
                      : known ? std::optional((*known)[i])
                              : std::nullopt;
    auto extent = readDimension(*items[i], told);
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
  if (expr.kind != Expr::Kind::Name || symbols_.contains(expr.text))
    return false;
  const NameMeaning *symbol = find(expr.text);
  return !symbol || symbol->kind == NameMeaning::Kind::Size;
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
    bind(dimension->text, NameMeaning::size());
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
  return context_.nodes.indexValue(value);
}

namespace {

/// Finds names that get a value more than once: `acc = acc + …` behind `acc: T.float32 = 0`.
class ScalarFinder {
public:
  void visit(std::span<const Stmt *const> body) {
    const std::size_t mark = undo_.size();
    ++depth_;
    for (const Stmt *stmt : body)
      visit(*stmt);
    --depth_;
    for (; undo_.size() > mark; undo_.pop_back()) // names end with the block that they stand in
      if (undo_.back().wasDefined)
        definitions_[undo_.back().name] = undo_.back().definition;
      else
        definitions_.erase(undo_.back().name);
  }

  ReadingPlan take() {
    ReadingPlan plan;
    for (const auto &[definition, name] : found_) {
      plan.scalars.insert(definition);
      if (!name.isStraight)
        continue;
      plan.straight.emplace(definition, definition);
      for (const Stmt *stmt : name.assignments)
        plan.straight.emplace(stmt, definition);
    }
    return plan;
  }

private:
  struct Definition {
    const Stmt *stmt = nullptr; ///< null if it is no number
    std::size_t depth = 0;      ///< bodies around it
  };
  struct Name {
    std::vector<const Stmt *> assignments; ///< behind the definition
    bool isStraight = true;                ///< all in its body
  };

  void visit(const Stmt &stmt) {
    const bool assigns =
        stmt.kind == Stmt::Kind::Assign || stmt.kind == Stmt::Kind::AnnotatedAssign;
    if (assigns && stmt.targets.size() == 1 && stmt.targets[0]->kind == Expr::Kind::Name)
      return assign(stmt, stmt.targets[0]->text);
    visit(stmt.body);
    visit(stmt.orElse);
  }

  void assign(const Stmt &stmt, std::string_view name) {
    const auto earlier = definitions_.find(name);
    const bool wasDefined = earlier != definitions_.end();
    const bool isAgain =
        stmt.kind == Stmt::Kind::Assign && wasDefined && !declaresScalar(stmt.value);
    if (!isAgain || earlier->second.stmt == nullptr) {
      undo_.push_back({name, wasDefined, wasDefined ? earlier->second : Definition()});
      definitions_[name] = {isNumber(stmt) ? &stmt : nullptr, depth_};
      return;
    }
    Name &known = found_[earlier->second.stmt];
    known.assignments.push_back(&stmt);
    known.isStraight = known.isStraight && earlier->second.depth == depth_;
  }

  /// Whether \p stmt may define a number, and no buffer, axis or size.
  static bool isNumber(const Stmt &stmt) {
    if (!stmt.value || stmt.value->kind != Expr::Kind::Call)
      return stmt.value || (stmt.annotation && typeNamed(*stmt.annotation));
    const std::string_view name = tirCallName(stmt.value);
    return !name.empty() &&
           (mathName(name).form != MathForm::Unknown || name == "if_then_else" ||
            name == "Select" || name == "Cast" || name == "cast" || name == "min_value" ||
            name == "max_value" || declaresScalar(stmt.value) ||
            (typeNamed(*stmt.value->children[0]) && positional(*stmt.value, 0)));
  }

  /// What a name meant before a statement that is being left.
  struct Undo {
    std::string_view name;
    bool wasDefined = false;
    Definition definition;
  };

  std::unordered_map<std::string_view, Definition> definitions_;
  std::vector<Undo> undo_;
  std::map<const Stmt *, Name> found_;
  std::size_t depth_ = 0;
};

/// Whether \p again leaves less without a meaning than \p first.
bool isBetter(const FunctionTemplate &again, const FunctionTemplate &first) {
  return again.isValid && (!first.isValid || again.issues.size() <= first.issues.size());
}

} // namespace

FunctionTemplate readFunction(const Stmt &function, const FunctionContext &context,
                              DiagnosticEngine &diagnostics) {
  ScalarFinder scalars;
  scalars.visit(function.body);
  ReadingPlan plan = scalars.take();
  if (!plan.scalars.empty()) {
    // Which of them can be read as buffers shows when they are.
    DiagnosticEngine dropped;
    FunctionReader trial(function, context, dropped, plan);
    (void)trial.read();
    for (const Stmt *refused : trial.refusedScalars(trial.privateBuffers()))
      plan.scalars.erase(refused);
  }
  FunctionReader reader(function, context, diagnostics, plan);
  FunctionTemplate result = reader.read();
  plan.privates = reader.privateBuffers();
  if (!plan.privates.empty() && result.isValid) {
    DiagnosticEngine dropped; // what it says was said before
    FunctionReader again(function, context, dropped, plan);
    FunctionTemplate better = again.read();
    if (isBetter(better, result)) {
      result = std::move(better);
    } else {
      // The first reading takes the buffers of all iterations for one.
      plan.privates.clear();
      if (result.issues.empty())
        result.issues.push_back(
            {function.nameRange, "a local buffer that each iteration of a loop has for itself,"});
    }
  }
  if (result.isValid && result.issues.empty()) {
    dropPinnedAxes(result);
    splitFusedAxes(result);
    joinSplitLoops(result);
    dropRepeatedTiles(result, plan.privates);
    joinSplitLoops(result); // of what has no dimension for them any more
    restoreShapes(result, plan.privates, context.argumentShapes.empty());
    joinWrittenOutSteps(result);
    joinPartialResults(result);
    joinFilledCopies(result);
  }
  return result;
}

} // namespace acadlc::tir
