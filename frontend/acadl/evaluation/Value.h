/// \file
/// Values that expressions of `.acadl` texts have at elaboration time.
///
/// A value is cheap to copy: scalars are held in place, everything else is shared and never changes
/// once it has been made.
#pragma once

#include "frontend/acadl/syntax/Ast.h"
#include "frontend/acadl/syntax/Builtins.h"
#include "ir/ArchitectureGraph.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace acadlc {

class Scope;

/// A symbolic value of somebody else: what a loop variable is bound to where a mapping's loop is
/// not unrolled. See SymbolicArithmetic (Evaluator.h).
class SymbolicPayload {
public:
  virtual ~SymbolicPayload() = default;
};

class Value {
public:
  enum class Kind : std::uint8_t {
    Int,  ///< whole number, with a dimension if it is a quantity
    Real, ///< 64-bit floating point, with a dimension if it is a quantity
    Bool,
    String,
    Enumerator, ///< of an enumeration; its index and the enumeration
    List,
    Array, ///< of objects, instances or registers, one dimension: `pe`, `pe[0]`, `registers.r`
    Table,
    Range,  ///< half-open, of whole numbers or whole quantities: `0 bytes .. 4 KiB`
    Object, ///< an object of the architecture graph; register files have their registers as members
    Register, ///< a register of a register file
    Port,     ///< a port of an instance (or of the template that is being elaborated)
    Instance, ///< of a template or an architecture: its members by name
    Route,    ///< `route name(…)`: called with arguments it gives a list of channels
    Symbolic, ///< owned by a SymbolicArithmetic
    Error,    ///< what a name stands for whose value could not be made; an error was reported
  };

  /// The whole number 0.
  Value() = default;
  static Value ofInt(std::int64_t value, Dimension dimension = {});
  static Value ofReal(double value, Dimension dimension = {});
  static Value ofBool(bool value);
  static Value ofString(llvm::StringRef value);
  static Value ofEnumerator(const ast::EnumDeclaration &enumeration, std::uint32_t index);
  static Value ofList(std::vector<Value> elements);
  static Value ofArray(std::vector<Value> elements);
  static Value ofTable(std::vector<std::pair<std::string, Value>> entries);
  static Value ofRange(std::int64_t low, std::int64_t high, Dimension dimension = {});
  static Value ofObject(arch::ObjectId id, arch::ObjectClass objectClass);
  /// \p members: registers, and arrays of them, by name.
  static Value ofRegisterFile(arch::ObjectId id, std::shared_ptr<const Scope> members);
  static Value ofRegister(arch::ObjectId file, std::uint32_t indexInFile);
  static Value ofPort(std::uint32_t port);
  static Value ofInstance(std::shared_ptr<const Scope> members,
                          const ast::StructureDeclaration &declaration);
  static Value ofRoute(const ast::RouteStatement &route, const Scope &home);
  static Value ofError();
  static Value ofSymbolic(std::shared_ptr<const SymbolicPayload> payload, Dimension dimension = {});

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is(Kind kind) const { return kind_ == kind; }
  [[nodiscard]] bool isNumber() const { return kind_ == Kind::Int || kind_ == Kind::Real; }
  /// A whole number without a dimension.
  [[nodiscard]] bool isPlainInt() const { return kind_ == Kind::Int && dimension_.isNone(); }
  /// A number with a dimension.
  [[nodiscard]] bool isQuantity() const { return isNumber() && !dimension_.isNone(); }

  // Each of the following may be asked of the kinds that it names only (else InternalError).
  [[nodiscard]] std::int64_t asInt() const;       ///< Int, in base units (cycles, bits, words)
  [[nodiscard]] double asReal() const;            ///< Int, Real, in base units (seconds for times)
  [[nodiscard]] bool asBool() const;              ///< Bool
  [[nodiscard]] llvm::StringRef asString() const; ///< String
  [[nodiscard]] Dimension dimension() const { return dimension_; }
  [[nodiscard]] llvm::ArrayRef<Value> elements() const;                            ///< List, Array
  [[nodiscard]] const std::vector<std::pair<std::string, Value>> &entries() const; ///< Table
  [[nodiscard]] std::int64_t rangeLow() const;                   ///< Range, in base units
  [[nodiscard]] std::int64_t rangeHigh() const;                  ///< Range
  [[nodiscard]] const ast::EnumDeclaration &enumeration() const; ///< Enumerator
  [[nodiscard]] std::uint32_t enumeratorIndex() const;           ///< Enumerator
  [[nodiscard]] arch::ObjectId object() const;                   ///< Object; Register: its file
  [[nodiscard]] arch::ObjectClass objectClass() const;           ///< Object
  [[nodiscard]] std::uint32_t registerIndex() const;             ///< Register: position in its file
  /// Register: its id, `graph.objects[object()].firstRegister + registerIndex()`.
  [[nodiscard]] arch::RegisterId registerId(const arch::ArchitectureGraph &graph) const;
  [[nodiscard]] std::uint32_t port() const; ///< Port: index into the elaborator's table
  [[nodiscard]] const ast::StructureDeclaration &instanceOf() const; ///< Instance
  [[nodiscard]] const ast::RouteStatement &route() const;            ///< Route
  [[nodiscard]] const Scope &routeHome() const;                      ///< Route
  [[nodiscard]] const SymbolicPayload &symbolic() const;             ///< Symbolic
  [[nodiscard]] std::shared_ptr<const SymbolicPayload> symbolicShared() const;
  /// Members by name, of Instance and of a register file; null for all else.
  [[nodiscard]] const Scope *members() const;

  /// The value as the user would write it: `4 cycles`, `[1, 2]`; objects and the like as what they
  /// are.
  [[nodiscard]] std::string text() const;
  /// What kind of value it is, for messages: "int", "cycles", "list", "FunctionalUnit".
  [[nodiscard]] std::string typeName() const;

private:
  Kind kind_ = Kind::Int;
  arch::ObjectClass objectClass_{};
  Dimension dimension_;
  union { // NOLINTBEGIN(readability-identifier-naming): private as the class's other members
    std::int64_t integer_ = 0;
    double real_;
    const void *node_;
  }; // NOLINTEND(readability-identifier-naming)
  std::int64_t second_ = 0; ///< end of a range, index of a register or an enumerator
  std::shared_ptr<const void> payload_;
};

/// Structural equality: numbers by value and dimension, lists and tables by elements, references
/// by what they refer to.
bool operator==(const Value &a, const Value &b);

} // namespace acadlc
