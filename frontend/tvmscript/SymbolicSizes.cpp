#include "frontend/tvmscript/SymbolicSizes.h"

#include "frontend/tvmscript/Vocabulary.h"

#include <algorithm>
#include <string_view>

namespace acadlc::tir {

namespace {

bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Adds the names in the text of an expression that a string holds: "n + T.int64(1)".
void namesInText(std::string_view text, SizeNames &names) {
  for (std::size_t i = 0; i < text.size();) {
    if (!isLetter(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() &&
           (isLetter(text[end]) || text[end] == '.' || (text[end] >= '0' && text[end] <= '9')))
      ++end;
    const std::string_view name = text.substr(i, end - i);
    if (name.find('.') == std::string_view::npos)
      names.emplace(name);
    i = end;
  }
}

/// Adds the names in an extent.
void namesInExtent(const Expr &extent, SizeNames &names) {
  if (extent.kind == Expr::Kind::Name)
    names.emplace(extent.text);
  else if (extent.kind == Expr::Kind::String)
    namesInText(extent.text, names);
  else if (extent.kind == Expr::Kind::Binary || extent.kind == Expr::Kind::Unary)
    for (const Expr *operand : extent.children)
      namesInExtent(*operand, names);
  else if (extent.kind == Expr::Kind::Call)
    for (const Expr *operand : arguments(extent))
      namesInExtent(*operand, names);
}

/// The shape in `R.Tensor(…)` or `T.Buffer(…)`; null if there is none.
const Expr *shapeOf(const Expr *type) {
  if (!type)
    return nullptr;
  const bool isBuffer = (type->kind == Expr::Kind::Call || type->kind == Expr::Kind::Subscript) &&
                        tirName(*type->children[0]) == "Buffer";
  const bool isTensor = relaxCallName(type) == "Tensor";
  const Expr *shape = isBuffer || isTensor ? positional(*type, 0) : nullptr;
  if (!shape && (isBuffer || isTensor))
    shape = keyword(*type, "shape");
  const bool isList =
      shape && (shape->kind == Expr::Kind::Tuple || shape->kind == Expr::Kind::List);
  return isList ? shape : nullptr;
}

void namesInType(const Expr *type, SizeNames &names) {
  const std::string_view relax = relaxCallName(type);
  const Expr *shape = relax == "Shape" ? positional(*type, 0) : shapeOf(type);
  if (shape)
    for (const Expr *extent : shape->children)
      namesInExtent(*extent, names);
  if (const Expr *value = relax == "Prim" ? keyword(*type, "value") : nullptr)
    namesInExtent(*value, names);
  if (relaxCallName(type) == "Tuple")
    for (const Expr *element : arguments(*type))
      namesInType(element, names);
}

/// Whether \p value makes what it is assigned to a size, in one of the forms of all versions.
bool makesSize(const Expr &value) {
  if (value.kind != Expr::Kind::Call)
    return false;
  const std::string_view name = tirCallName(&value);
  return dottedName(*value.children[0]) == "TypeVar" || name == "var" || name == "Var" ||
         name == "SizeVar" || declaresSize(value);
}

/// `n = T.int64()` and `n, m = T.int64(), T.int64()`.
void namesInAssignment(const Stmt &stmt, SizeNames &names) {
  const bool isEach = stmt.targets.size() > 1 && stmt.value->kind == Expr::Kind::Tuple &&
                      stmt.value->children.size() == stmt.targets.size();
  const std::span<const Expr *const> values =
      isEach ? stmt.value->children : std::span(&stmt.value, 1);
  if (values.size() != stmt.targets.size())
    return;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (stmt.targets[i]->kind == Expr::Kind::Name && makesSize(*values[i]))
      names.emplace(stmt.targets[i]->text);
}

/// Whether \p type is that of a parameter that is a whole number: `T.int64`, `R.Prim("int64")`.
bool isWholeNumber(const Expr *type) {
  const bool isPrim = relaxCallName(type) == "Prim";
  const Expr *element = isPrim ? positional(*type, 0) : type;
  if (isPrim && !element)
    element = keyword(*type, "dtype");
  const auto named = element ? typeNamed(*element) : std::nullopt;
  return named && named->kind != workload::ElementType::Kind::Float &&
         named->kind != workload::ElementType::Kind::BFloat;
}

/// The shape that a `T.match_buffer` in \p body gives the parameter called \p name.
const Expr *matchedShape(std::span<const Stmt *const> body, std::string_view name) {
  for (const Stmt *stmt : body) {
    if (tirCallName(stmt->value) != "match_buffer")
      continue;
    const Expr *handle = positional(*stmt->value, 0);
    if (!handle || !handle->isName(name))
      continue;
    const Expr *shape = positional(*stmt->value, 1);
    return shape ? shape : keyword(*stmt->value, "shape");
  }
  return nullptr;
}

} // namespace

void collectSizeNames(std::span<const Stmt *const> statements, SizeNames &names) {
  for (const Stmt *stmt : statements) {
    if (stmt->kind == Stmt::Kind::Assign)
      namesInAssignment(*stmt, names);
    for (const Parameter &parameter : stmt->parameters) {
      namesInType(parameter.annotation, names);
      if (isWholeNumber(parameter.annotation))
        names.emplace(parameter.name);
    }
    // Sizes are declared at the top of a module or function.
    if (stmt->kind == Stmt::Kind::Class || stmt->kind == Stmt::Kind::Function)
      collectSizeNames(stmt->body, names);
  }
}

const Expr *shapeOfParameter(const Stmt &function, const Parameter &parameter) {
  const Expr *shape = shapeOf(parameter.annotation);
  if (!shape)
    shape = matchedShape(function.body, parameter.name);
  const bool isList =
      shape && (shape->kind == Expr::Kind::Tuple || shape->kind == Expr::Kind::List);
  return isList ? shape : nullptr;
}

std::string_view plainSize(const Expr &dimension) {
  const bool isText = dimension.kind == Expr::Kind::Name || dimension.kind == Expr::Kind::String;
  if (!isText || dimension.text.empty() || !isLetter(dimension.text[0]))
    return {};
  const bool isPlain = std::ranges::all_of(
      dimension.text, [](char c) { return isLetter(c) || (c >= '0' && c <= '9'); });
  return isPlain ? dimension.text : std::string_view();
}

const Expr *leadingDimension(const Stmt &function, const Parameter &parameter) {
  const Expr *shape = shapeOfParameter(function, parameter);
  return shape && !shape->children.empty() ? shape->children[0] : nullptr;
}

std::string listOf(const SizeNames &names) {
  if (names.empty())
    return "it has no symbolic sizes";
  std::string list = names.size() == 1 ? "its symbolic size is " : "its symbolic sizes are ";
  constexpr std::size_t enough = 10;
  std::size_t count = 0;
  for (const std::string &name : names) {
    if (count == enough)
      return list + ", …";
    if (count != 0)
      list += count + 1 == names.size() ? " and " : ", ";
    list += "'" + name + "'";
    ++count;
  }
  return list;
}

} // namespace acadlc::tir
