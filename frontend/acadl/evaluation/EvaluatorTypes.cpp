#include "frontend/acadl/evaluation/Evaluator.h"
#include "frontend/acadl/evaluation/Module.h"
#include "support/InternalError.h"

#include <fmt/format.h>

namespace acadlc {

using Kind = Value::Kind;

//===--- Types --------------------------------------------------------------------------------===//

namespace {

ExpectedType expectedTypeOf(const builtins::ValueType &type) {
  ExpectedType result;
  result.name = type.name.str();
  result.dimension = type.dimension;
  result.isWhole = type.kind == builtins::ScalarKind::Int;
  if (!type.dimension.isNone()) {
    result.kind = ExpectedType::Kind::Quantity;
    const builtins::Unit *unit = builtins::findUnit(type.name);
    result.scale = unit && unit->isWhole() ? unit->wholeFactor : 1;
    return result;
  }
  switch (type.kind) {
  case builtins::ScalarKind::Int:
    result.kind = ExpectedType::Kind::Int;
    break;
  case builtins::ScalarKind::Real:
    result.kind = ExpectedType::Kind::Real;
    break;
  case builtins::ScalarKind::Bool:
    result.kind = ExpectedType::Kind::Bool;
    break;
  case builtins::ScalarKind::String:
    result.kind = ExpectedType::Kind::String;
    break;
  }
  return result;
}

std::optional<ExpectedType> namedType(const ast::QualifiedName &name, const Scope &scope) {
  if (name.parts.size() == 1)
    if (const builtins::ValueType *type = builtins::findValueType(name.parts.front().text))
      return expectedTypeOf(*type);
  if (const auto *enumeration = resolveAs<ast::EnumDeclaration>(name, scope)) {
    ExpectedType result;
    result.kind = ExpectedType::Kind::Enum;
    result.enumeration = enumeration;
    result.name = enumeration->name.text.str();
    return result;
  }
  return std::nullopt;
}

} // namespace

std::optional<ExpectedType> Evaluator::resolveType(const ast::TypeRef &type, const Scope &scope) {
  const llvm::StringRef first =
      type.name.parts.empty() ? llvm::StringRef() : type.name.parts.front().text;
  const bool isList = first == "list";
  if (isList || first == "table") {
    ExpectedType result;
    result.kind = isList ? ExpectedType::Kind::List : ExpectedType::Kind::Table;
    result.name = first.str();
    if (!type.element.isValid())
      return result;
    const ast::QualifiedName element{type.element, type.element.range};
    const auto elementType = namedType(element, scope);
    if (!elementType) {
      report(DiagnosticCode::UnknownType, type.element.range, type.element.text);
      return std::nullopt;
    }
    result.name += "<" + elementType->name + ">";
    result.element = std::make_shared<const ExpectedType>(*elementType);
    return result;
  }
  if (auto result = namedType(type.name, scope))
    return result;
  report(DiagnosticCode::UnknownType, type.range, first);
  return std::nullopt;
}

//===--- Conversion ---------------------------------------------------------------------------===//

namespace {

using TypeKind = ExpectedType::Kind;

/// \p value as a value of the scalar \p type, if it is one.
std::optional<Value> asScalar(const Value &value, const ExpectedType &type) {
  switch (type.kind) {
  case TypeKind::Any:
    return value;
  case TypeKind::Int:
    return value.isPlainInt() ? std::optional(value) : std::nullopt;
  case TypeKind::Real:
    if (value.isNumber() && value.dimension().isNone())
      return Value::ofReal(value.asReal());
    return std::nullopt;
  case TypeKind::Bool:
    return value.is(Kind::Bool) ? std::optional(value) : std::nullopt;
  case TypeKind::String:
    return value.is(Kind::String) ? std::optional(value) : std::nullopt;
  case TypeKind::Enum:
    if (value.is(Kind::Enumerator) && &value.enumeration() == type.enumeration)
      return value;
    return std::nullopt;
  case TypeKind::Quantity:
    if (!value.isNumber() || value.dimension() != type.dimension)
      return std::nullopt;
    if (!type.isWhole)
      return Value::ofReal(value.asReal(), value.dimension());
    return value.is(Kind::Int) ? std::optional(value) : std::nullopt;
  case TypeKind::List:
  case TypeKind::Table:
    break;
  }
  throw InternalError("no scalar type");
}

} // namespace

std::optional<Value> Evaluator::convert(Value value, const ExpectedType &type, SourceRange at,
                                        llvm::StringRef what) {
  if (value.is(Kind::Symbolic))
    return value;
  if (type.kind == TypeKind::List && (value.is(Kind::List) || value.is(Kind::Array))) {
    if (!type.element)
      return value;
    std::vector<Value> elements;
    for (const Value &element : value.elements()) {
      auto converted =
          convert(element, *type.element, at, fmt::format("an element of {}", what.str()));
      if (!converted)
        return std::nullopt;
      elements.push_back(std::move(*converted));
    }
    return Value::ofList(std::move(elements));
  }
  if (type.kind == TypeKind::Table && value.is(Kind::Table)) {
    if (!type.element)
      return value;
    std::vector<std::pair<std::string, Value>> entries;
    for (const auto &[key, element] : value.entries()) {
      auto converted =
          convert(element, *type.element, at, fmt::format("'{}' of {}", key, what.str()));
      if (!converted)
        return std::nullopt;
      entries.emplace_back(key, std::move(*converted));
    }
    return Value::ofTable(std::move(entries));
  }
  if (type.kind != TypeKind::List && type.kind != TypeKind::Table)
    if (auto converted = asScalar(value, type))
      return converted;

  const bool isBare = value.isNumber() && value.dimension().isNone();
  if (type.kind == TypeKind::Quantity && isBare) {
    report(DiagnosticCode::BareNumber, at, what, type.name)
        .note({}, fmt::format("write '{} {}', or '… * 1 {}' for an expression", value.text(),
                              type.name, type.name))
        .fixIt({at.end, at.end}, " " + type.name);
    return std::nullopt;
  }
  auto builder = report(DiagnosticCode::WrongType, at, what, type.name,
                        value.isNumber() ? value.text() : value.typeName());
  const bool isFraction = value.is(Kind::Real) && value.dimension() == type.dimension;
  if (isFraction && (type.kind == TypeKind::Int || type.kind == TypeKind::Quantity))
    builder.note({}, "ceil(…), floor(…) and round(…) make a whole number of it");
  return std::nullopt;
}

} // namespace acadlc
