#include "frontend/acadl/check/CheckTypes.h"

#include <llvm/ADT/STLExtras.h>

#include <optional>
#include <utility>

namespace acadlc::checking {

using llvm::StringRef;

//===--- Making types -------------------------------------------------------------------------===//

Type Type::of(Kind kind) {
  Type type;
  type.kind = kind;
  return type;
}

Type Type::number(bool isReal, Dimension dimension) {
  Type type = of(isReal ? Kind::Real : Kind::Int);
  type.dimension = dimension;
  return type;
}

Type Type::quantity(Dimension dimension, StringRef unit) {
  const bool isReal =
      dimension == builtins::hertzDimension || dimension == builtins::secondsDimension;
  Type type = number(isReal, dimension);
  type.unit = unit;
  return type;
}

namespace {
Type withElement(Type::Kind kind, Type element) {
  Type type = Type::of(kind);
  type.element = std::make_shared<const Type>(std::move(element));
  return type;
}
} // namespace

Type Type::listOf(Type element) { return withElement(Kind::List, std::move(element)); }
Type Type::tableOf(Type element) { return withElement(Kind::Table, std::move(element)); }
Type Type::arrayOf(Type element) { return withElement(Kind::Array, std::move(element)); }

Type Type::ofEnum(const ast::EnumDeclaration &enumeration) {
  Type type = of(Kind::Enum);
  type.enumeration = &enumeration;
  return type;
}

Type Type::ofBuiltin(const builtins::ValueType &value) {
  switch (value.kind) {
  case builtins::ScalarKind::Bool:
    return of(Kind::Bool);
  case builtins::ScalarKind::String:
    return of(Kind::String);
  case builtins::ScalarKind::Int:
  case builtins::ScalarKind::Real:
    break;
  }
  Type type = number(value.kind == builtins::ScalarKind::Real, value.dimension);
  type.unit = value.name == "seconds" ? StringRef("s") : value.name;
  return type;
}

//===--- Text ---------------------------------------------------------------------------------===//

namespace {

std::string numberText(const Type &type) {
  const bool isReal = type.is(Type::Kind::Real);
  if (type.dimension.isNone())
    return isReal ? "real" : "int";
  const bool isNaturallyReal =
      type.dimension == builtins::hertzDimension || type.dimension == builtins::secondsDimension;
  // `bytes` is the only dimension with two names: the one that was written is the one to print.
  std::string name = type.dimension == builtins::bitsDimension && type.unit == "bytes"
                         ? "bytes"
                         : type.dimension.name();
  return isReal && !isNaturallyReal ? "real " + name : name;
}

std::string objectText(const Type &type) {
  return type.objectClass ? withArticle(type.objectClass->name) : "an object";
}

/// "a list of int", "an array of FunctionalUnit"
std::string containerText(StringRef container, const Type &element) {
  if (element.isError())
    return container.str();
  const std::string text = element.text();
  StringRef bare = text;
  if (!bare.consume_front("a "))
    bare.consume_front("an ");
  return container.str() + " of " + bare.str();
}

std::string structureText(const ast::StructureDeclaration &structure) {
  return structure.kind == ast::DeclarationKind::Architecture
             ? "the architecture " + structure.name.text.str()
             : "an instance of template " + structure.name.text.str();
}

} // namespace

std::string Type::text() const {
  switch (kind) {
  case Kind::Error:
    return "unknown";
  case Kind::Int:
  case Kind::Real:
    return numberText(*this);
  case Kind::Bool:
    return "bool";
  case Kind::String:
    return "string";
  case Kind::Enum:
    return enumeration->name.text.str();
  case Kind::List:
    return containerText("a list", elementType());
  case Kind::Table:
    return containerText("a table", elementType());
  case Kind::Range:
    return "a range";
  case Kind::Array:
    return containerText("an array", elementType());
  case Kind::Object:
    return objectText(*this);
  case Kind::Register:
    return "a register";
  case Kind::Instance:
    return structure ? structureText(*structure) : "an instance";
  case Kind::Port:
    return "a port";
  case Kind::Route:
    return "a route";
  case Kind::Tensor:
    return tensor && tensor->role == checking::Tensor::Role::Buffer ? "a buffer" : "a tensor";
  case Kind::MemoryRange:
    return tensor ? "elements of '" + tensor->name.str() + "'" : "bytes of a storage";
  case Kind::RegisterOperand:
    return "a register operand";
  case Kind::MemoryOperand:
    return "a memory operand";
  }
  return {};
}

//===--- Relations ----------------------------------------------------------------------------===//

namespace {

bool areElementsAssignable(const Type &from, const Type &to) {
  return !from.element || !to.element || isAssignable(*from.element, *to.element);
}

} // namespace

bool isAssignable(const Type &from, const Type &to) {
  using enum Type::Kind;
  if (from.isError() || to.isError())
    return true;
  if (from.is(Int) && to.is(Real))
    return from.dimension == to.dimension;
  if (from.kind != to.kind)
    return false;
  switch (from.kind) {
  case Int:
  case Real:
  case Range:
    return from.dimension == to.dimension;
  case Enum:
    return from.enumeration == to.enumeration;
  case List:
  case Table:
  case Array:
    return areElementsAssignable(from, to);
  case Object:
    return !from.objectClass || !to.objectClass || from.objectClass == to.objectClass;
  default:
    return true;
  }
}

std::optional<Type> join(const Type &a, const Type &b) {
  using enum Type::Kind;
  if (a.isError())
    return b;
  if (b.isError())
    return a;
  if (a.is(Object) && b.is(Object)) {
    Type type = Type::of(Object);
    type.objectClass = a.objectClass == b.objectClass ? a.objectClass : nullptr;
    type.object = a.object == b.object ? a.object : nullptr;
    return type;
  }
  if (a.kind == b.kind && (a.is(List) || a.is(Table) || a.is(Array))) {
    std::optional<Type> element = join(a.elementType(), b.elementType());
    if (!element)
      return std::nullopt;
    Type type = Type::of(a.kind);
    type.element = std::make_shared<const Type>(std::move(*element));
    return type;
  }
  if (isAssignable(a, b))
    return b;
  if (isAssignable(b, a))
    return a;
  return std::nullopt;
}

//===--- Names --------------------------------------------------------------------------------===//

Name *Names::add(Name name) {
  const auto [entry, isNew] = index_.try_emplace(name.text, nullptr);
  if (!isNew)
    return nullptr;
  names_.push_back(std::move(name));
  entry->second = &names_.back();
  return entry->second;
}

Name *Names::findLocal(StringRef name) {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : found->second;
}

Name *Names::find(StringRef name) {
  for (Names *block = this; block; block = block->parent_)
    if (Name *found = block->findLocal(name))
      return found;
  return nullptr;
}

const Symbol *Names::findGlobal(StringRef name) const {
  return module_->scope ? module_->scope->find(name) : nullptr;
}

std::vector<std::string_view> Names::all(bool withGlobals) const {
  std::vector<std::string_view> result;
  for (const Names *block = this; block; block = block->parent_)
    for (const Name &name : block->names_)
      if (name.isVisible && name.kind != Name::Kind::HeaderIndex)
        result.push_back(name.text);
  if (withGlobals)
    for (const Scope *scope = module_->scope.get(); scope; scope = scope->parent())
      for (const Scope::Entry &entry : scope->entries())
        result.push_back(entry.first);
  return result;
}

//===--- Wording ------------------------------------------------------------------------------===//

std::string joinNames(llvm::ArrayRef<std::string> names, StringRef word, bool quoted) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0)
      text += i + 1 == names.size() ? " " + word.str() + " " : ", ";
    text += quoted ? "'" + names[i] + "'" : names[i];
  }
  return text;
}

std::string joinNames(llvm::ArrayRef<StringRef> names, StringRef word) {
  std::vector<std::string> owned;
  for (const StringRef name : names)
    owned.push_back(name.str());
  return joinNames(owned, word);
}

std::string withArticle(StringRef noun) {
  // SRAM is spelt out: an S-RAM.
  const bool isVowel =
      noun == "SRAM" || (!noun.empty() && StringRef("AEIOUaeiou").contains(noun[0]));
  return (isVowel ? "an " : "a ") + noun.str();
}

StringRef declarationWord(ast::DeclarationKind kind) {
  using enum ast::DeclarationKind;
  switch (kind) {
  case Import:
    return "import";
  case Enum:
    return "enum";
  case Constant:
    return "const";
  case Function:
    return "function";
  case Instruction:
    return "instruction";
  case Template:
    return "template";
  case Architecture:
    return "architecture";
  case Mapping:
    return "mapping";
  case Program:
    return "program";
  case Prefer:
    return "prefer";
  case Experiment:
    return "experiment";
  case Scalar:
    return "scalar";
  }
  return "declaration";
}

} // namespace acadlc::checking
