#include "frontend/tir/FunctionReader.h"

#include "frontend/tir/FunctionParts.h"
#include "frontend/tir/Parser.h"
#include "frontend/tir/SymbolicSizes.h"
#include "frontend/tir/Vocabulary.h"
#include "ir/WorkloadExpr.h"
#include "support/CheckedArithmetic.h"

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

//===--- Declarations ---------------------------------------------------------------------===//

FunctionTemplate FunctionReader::read() {
  result_.name = function_.name;
  result_.nameRange = function_.nameRange;
  Frame frame;
  frame.range = function_.range;
  frames_.push_back(std::move(frame));
  bindSizes();
  readParameters();
  if (result_.isValid)
    readBody(function_.body);
  if (result_.isValid && result_.issues.empty())
    refuseUnwrittenLocals();
  result_.isValid = result_.isValid && !leavesBuffer_;
  return std::move(result_);
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

} // namespace

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
    std::size_t position = result_.scalars.size();
    if (position < context_.scalarArguments.size() && context_.scalarArguments[position]) {
      symbols_[name] = *context_.scalarArguments[position];
      result_.usesArgumentShapes = true;
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
  if (auto tensor = readBuffer(*type, 0, parameter.range, argumentShape(index))) {
    tensor->name = name;
    result_.parameters[index].tensor = std::move(*tensor);
  }
  bind(parameter.name, NameMeaning::buffer(false, index));
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

FunctionTemplate readFunction(const Stmt &function, const FunctionContext &context,
                              DiagnosticEngine &diagnostics) {
  return FunctionReader(function, context, diagnostics).read();
}

} // namespace acadlc::tir
