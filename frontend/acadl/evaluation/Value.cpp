#include "frontend/acadl/evaluation/Value.h"

#include "frontend/acadl/evaluation/Scope.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace acadlc {

namespace {

using Kind = Value::Kind;
using Entries = std::vector<std::pair<std::string, Value>>;

} // namespace

//===--- Making -------------------------------------------------------------------------------===//

Value Value::ofInt(std::int64_t value, Dimension dimension) {
  Value result;
  result.dimension_ = dimension;
  result.integer_ = value;
  return result;
}

Value Value::ofReal(double value, Dimension dimension) {
  Value result;
  result.kind_ = Kind::Real;
  result.dimension_ = dimension;
  result.real_ = value;
  return result;
}

Value Value::ofBool(bool value) {
  Value result;
  result.kind_ = Kind::Bool;
  result.integer_ = value ? 1 : 0;
  return result;
}

Value Value::ofString(llvm::StringRef value) {
  Value result;
  result.kind_ = Kind::String;
  result.payload_ = std::make_shared<const std::string>(value.str());
  return result;
}

Value Value::ofEnumerator(const ast::EnumDeclaration &enumeration, std::uint32_t index) {
  ACADLC_CHECK(index < enumeration.enumerators.size(), "no such enumerator");
  Value result;
  result.kind_ = Kind::Enumerator;
  result.node_ = &enumeration;
  result.second_ = index;
  return result;
}

Value Value::ofList(std::vector<Value> elements) {
  Value result;
  result.kind_ = Kind::List;
  result.payload_ = std::make_shared<const std::vector<Value>>(std::move(elements));
  return result;
}

Value Value::ofArray(std::vector<Value> elements) {
  Value result = ofList(std::move(elements));
  result.kind_ = Kind::Array;
  return result;
}

Value Value::ofTable(Entries entries) {
  Value result;
  result.kind_ = Kind::Table;
  result.payload_ = std::make_shared<const Entries>(std::move(entries));
  return result;
}

Value Value::ofRange(std::int64_t low, std::int64_t high, Dimension dimension) {
  Value result;
  result.kind_ = Kind::Range;
  result.dimension_ = dimension;
  result.integer_ = low;
  result.second_ = high;
  return result;
}

Value Value::ofObject(arch::ObjectId id, arch::ObjectClass objectClass) {
  Value result;
  result.kind_ = Kind::Object;
  result.objectClass_ = objectClass;
  result.integer_ = id;
  return result;
}

Value Value::ofRegisterFile(arch::ObjectId id, std::shared_ptr<const Scope> members) {
  Value result = ofObject(id, arch::ObjectClass::RegisterFile);
  result.payload_ = std::move(members);
  return result;
}

Value Value::ofRegister(arch::ObjectId file, std::uint32_t indexInFile) {
  Value result;
  result.kind_ = Kind::Register;
  result.integer_ = file;
  result.second_ = indexInFile;
  return result;
}

Value Value::ofPort(std::uint32_t port) {
  Value result;
  result.kind_ = Kind::Port;
  result.integer_ = port;
  return result;
}

Value Value::ofInstance(std::shared_ptr<const Scope> members,
                        const ast::StructureDeclaration &declaration) {
  Value result;
  result.kind_ = Kind::Instance;
  result.node_ = &declaration;
  result.payload_ = std::move(members);
  return result;
}

Value Value::ofRoute(const ast::RouteStatement &route, const Scope &home) {
  Value result;
  result.kind_ = Kind::Route;
  result.node_ = &route;
  // Not owned: the scope is that of the structure that holds the route.
  result.payload_ = std::shared_ptr<const void>(std::shared_ptr<const void>(), &home);
  return result;
}

Value Value::ofError() {
  Value result;
  result.kind_ = Kind::Error;
  return result;
}

Value Value::ofSymbolic(std::shared_ptr<const SymbolicPayload> payload, Dimension dimension) {
  Value result;
  result.kind_ = Kind::Symbolic;
  result.dimension_ = dimension;
  result.node_ = payload.get();
  result.payload_ = std::move(payload);
  return result;
}

//===--- Reading ------------------------------------------------------------------------------===//

std::int64_t Value::asInt() const {
  ACADLC_CHECK(kind_ == Kind::Int, "not a whole number");
  return integer_;
}

double Value::asReal() const {
  ACADLC_CHECK(isNumber(), "not a number");
  return kind_ == Kind::Int ? static_cast<double>(integer_) : real_;
}

bool Value::asBool() const {
  ACADLC_CHECK(kind_ == Kind::Bool, "not a bool");
  return integer_ != 0;
}

llvm::StringRef Value::asString() const {
  ACADLC_CHECK(kind_ == Kind::String, "not a string");
  return *static_cast<const std::string *>(payload_.get());
}

llvm::ArrayRef<Value> Value::elements() const {
  ACADLC_CHECK(kind_ == Kind::List || kind_ == Kind::Array, "not a list");
  return *static_cast<const std::vector<Value> *>(payload_.get());
}

const Entries &Value::entries() const {
  ACADLC_CHECK(kind_ == Kind::Table, "not a table");
  return *static_cast<const Entries *>(payload_.get());
}

std::int64_t Value::rangeLow() const {
  ACADLC_CHECK(kind_ == Kind::Range, "not a range");
  return integer_;
}

std::int64_t Value::rangeHigh() const {
  ACADLC_CHECK(kind_ == Kind::Range, "not a range");
  return second_;
}

const ast::EnumDeclaration &Value::enumeration() const {
  ACADLC_CHECK(kind_ == Kind::Enumerator, "not an enumerator");
  return *static_cast<const ast::EnumDeclaration *>(node_);
}

std::uint32_t Value::enumeratorIndex() const {
  ACADLC_CHECK(kind_ == Kind::Enumerator, "not an enumerator");
  return static_cast<std::uint32_t>(second_);
}

arch::ObjectId Value::object() const {
  ACADLC_CHECK(kind_ == Kind::Object || kind_ == Kind::Register, "not an object");
  return static_cast<arch::ObjectId>(integer_);
}

arch::ObjectClass Value::objectClass() const {
  ACADLC_CHECK(kind_ == Kind::Object, "not an object");
  return objectClass_;
}

std::uint32_t Value::registerIndex() const {
  ACADLC_CHECK(kind_ == Kind::Register, "not a register");
  return static_cast<std::uint32_t>(second_);
}

arch::RegisterId Value::registerId(const arch::ArchitectureGraph &graph) const {
  return graph.objects.at(object()).firstRegister + registerIndex();
}

std::uint32_t Value::port() const {
  ACADLC_CHECK(kind_ == Kind::Port, "not a port");
  return static_cast<std::uint32_t>(integer_);
}

const ast::StructureDeclaration &Value::instanceOf() const {
  ACADLC_CHECK(kind_ == Kind::Instance, "not an instance");
  return *static_cast<const ast::StructureDeclaration *>(node_);
}

const ast::RouteStatement &Value::route() const {
  ACADLC_CHECK(kind_ == Kind::Route, "not a route");
  return *static_cast<const ast::RouteStatement *>(node_);
}

const Scope &Value::routeHome() const {
  ACADLC_CHECK(kind_ == Kind::Route, "not a route");
  return *static_cast<const Scope *>(payload_.get());
}

const SymbolicPayload &Value::symbolic() const {
  ACADLC_CHECK(kind_ == Kind::Symbolic, "not symbolic");
  return *static_cast<const SymbolicPayload *>(node_);
}

std::shared_ptr<const SymbolicPayload> Value::symbolicShared() const {
  return {payload_, &symbolic()};
}

const Scope *Value::members() const {
  const bool has = kind_ == Kind::Instance ||
                   (kind_ == Kind::Object && objectClass_ == arch::ObjectClass::RegisterFile);
  return has ? static_cast<const Scope *>(payload_.get()) : nullptr;
}

//===--- Printing -----------------------------------------------------------------------------===//

namespace {

/// The unit in which people like to read an amount of data that is a whole number of it.
const builtins::Unit *readableUnit(std::int64_t bits) {
  constexpr std::array<llvm::StringLiteral, 4> names{"GiB", "MiB", "KiB", "byte"};
  for (const llvm::StringLiteral name : names) {
    const builtins::Unit *unit = builtins::findUnit(name);
    // 32-bit words are read in bits, 16 bytes and more in bytes.
    if (bits != 0 && bits % unit->wholeFactor == 0 && (name != "byte" || bits > 64))
      return unit;
  }
  return nullptr;
}

std::string quantityText(std::int64_t value, Dimension dimension) {
  const auto plural = [&](std::string_view one) {
    return fmt::format("{} {}{}", value, one, value == 1 ? "" : "s");
  };
  if (dimension == builtins::cyclesDimension)
    return plural("cycle");
  if (dimension == builtins::wordsDimension)
    return plural("word");
  if (dimension != builtins::bitsDimension)
    return fmt::format("{} {}", value, dimension.name());
  const builtins::Unit *unit = readableUnit(value);
  if (!unit)
    return plural("bit");
  const std::int64_t count = value / unit->wholeFactor;
  return fmt::format("{} {}{}", count, unit->name.str(),
                     unit->name == "byte" && count != 1 ? "s" : "");
}

std::string realText(double value, Dimension dimension) {
  if (dimension.isNone())
    return fmt::format("{}", value);
  if (dimension == builtins::hertzDimension) {
    for (const auto &[name, factor] : {std::pair("GHz", 1e9), {"MHz", 1e6}, {"kHz", 1e3}})
      if (std::abs(value) >= factor)
        return fmt::format("{:.12g} {}", value / factor, name);
    return fmt::format("{:.12g} Hz", value);
  }
  if (dimension == builtins::secondsDimension) {
    for (const auto &[name, factor] : {std::pair("s", 1.), {"ms", 1e-3}, {"us", 1e-6}})
      if (std::abs(value) >= factor)
        return fmt::format("{:.12g} {}", value / factor, name);
    return fmt::format("{:.12g} ns", value * 1e9);
  }
  return fmt::format("{:.12g} {}", value, dimension.name());
}

std::string listText(llvm::ArrayRef<Value> elements) {
  std::string text = "[";
  for (const Value &element : elements)
    text += (text.size() > 1 ? ", " : "") + element.text();
  return text + "]";
}

std::string tableText(const Entries &entries) {
  std::string text = "{";
  for (const auto &[key, value] : entries)
    text += fmt::format("{} {}: {}", text.size() > 1 ? "," : "", key, value.text());
  return text + " }";
}

} // namespace

std::string Value::text() const {
  switch (kind_) {
  case Kind::Int:
    return dimension_.isNone() ? std::to_string(integer_) : quantityText(integer_, dimension_);
  case Kind::Real:
    return realText(real_, dimension_);
  case Kind::Bool:
    return integer_ != 0 ? "true" : "false";
  case Kind::String:
    return '"' + asString().str() + '"';
  case Kind::Enumerator:
    return fmt::format("{}.{}", enumeration().name.text.str(),
                       enumeration().enumerators[enumeratorIndex()].text.str());
  case Kind::List:
    return listText(elements());
  case Kind::Table:
    return tableText(entries());
  case Kind::Range:
    return ofInt(integer_, dimension_).text() + " .. " + ofInt(second_, dimension_).text();
  case Kind::Array:
  case Kind::Object:
  case Kind::Register:
  case Kind::Port:
  case Kind::Instance:
  case Kind::Route:
  case Kind::Symbolic:
  case Kind::Error:
    break;
  }
  return "<" + typeName() + ">";
}

std::string Value::typeName() const {
  switch (kind_) {
  case Kind::Int:
  case Kind::Real:
    if (!dimension_.isNone())
      return dimension_.name();
    return kind_ == Kind::Int ? "int" : "real";
  case Kind::Bool:
    return "bool";
  case Kind::String:
    return "string";
  case Kind::Enumerator:
    return enumeration().name.text.str();
  case Kind::List:
    return "list";
  case Kind::Array:
    return elements().empty() ? "empty array" : "array of " + elements().front().typeName();
  case Kind::Table:
    return "table";
  case Kind::Range:
    return "range";
  case Kind::Object:
    return std::string(arch::className(objectClass_));
  case Kind::Register:
    return "register";
  case Kind::Port:
    return "port";
  case Kind::Instance:
    return instanceOf().name.text.str();
  case Kind::Route:
    return "route";
  case Kind::Symbolic:
    return dimension_.isNone() ? "int" : dimension_.name();
  case Kind::Error:
    return "error";
  }
  throw InternalError("unknown kind of value");
}

//===--- Comparing ----------------------------------------------------------------------------===//

bool operator==(const Value &a, const Value &b) {
  if (a.isNumber() && b.isNumber()) {
    if (a.dimension() != b.dimension())
      return false;
    return a.is(Kind::Int) && b.is(Kind::Int) ? a.asInt() == b.asInt() : a.asReal() == b.asReal();
  }
  if (a.kind() != b.kind())
    return false;
  switch (a.kind()) {
  case Kind::Int:
  case Kind::Real:
    break; // above
  case Kind::Bool:
    return a.asBool() == b.asBool();
  case Kind::String:
    return a.asString() == b.asString();
  case Kind::Enumerator:
    return &a.enumeration() == &b.enumeration() && a.enumeratorIndex() == b.enumeratorIndex();
  case Kind::List:
  case Kind::Array:
    return a.elements() == b.elements();
  case Kind::Table:
    return a.entries() == b.entries();
  case Kind::Range:
    return a.dimension() == b.dimension() && a.rangeLow() == b.rangeLow() &&
           a.rangeHigh() == b.rangeHigh();
  case Kind::Object:
    return a.object() == b.object();
  case Kind::Register:
    return a.object() == b.object() && a.registerIndex() == b.registerIndex();
  case Kind::Port:
    return a.port() == b.port();
  case Kind::Instance:
    return a.members() == b.members();
  case Kind::Route:
    return &a.route() == &b.route() && &a.routeHome() == &b.routeHome();
  case Kind::Symbolic:
    return &a.symbolic() == &b.symbolic();
  case Kind::Error:
    return true;
  }
  throw InternalError("unknown kind of value");
}

} // namespace acadlc
