/// \file
/// What the language knows without being told: units of measurement, types, ACADL's classes and
/// their attributes, built-in functions, allowed edges, and the words that some places take. The
/// checker (names, types) and the elaborator (values) read the same tables; docs/language.md is
/// their prose.
#pragma once

#include "ir/ArchitectureGraph.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <optional>
#include <string>

namespace acadlc {

/// Exponents of the base units: cycle, bit, word, second. A frequency is second⁻¹.
struct Dimension {
  std::int8_t cycles = 0, bits = 0, words = 0, seconds = 0;
  friend constexpr bool operator==(Dimension, Dimension) = default;
  [[nodiscard]] constexpr bool isNone() const { return *this == Dimension{}; }
  /// Of a product and of a quotient. Exponents saturate far beyond what anybody writes.
  friend Dimension operator*(Dimension a, Dimension b);
  friend Dimension operator/(Dimension a, Dimension b);
  /// For people: "cycles", "bits", "Hz", "bits / cycles", "cycles^2"; "no unit" if none.
  [[nodiscard]] std::string name() const;
};

namespace builtins {

inline constexpr Dimension noDimension{};
inline constexpr Dimension cyclesDimension{1, 0, 0, 0};
inline constexpr Dimension bitsDimension{0, 1, 0, 0};
inline constexpr Dimension wordsDimension{0, 0, 1, 0};
inline constexpr Dimension secondsDimension{0, 0, 0, 1};
inline constexpr Dimension hertzDimension{0, 0, 0, -1};

// ---- units of measurement -----------------------------------------------------------------------

/// `KiB`. Values are kept in base units: cycles, bits, words (whole numbers), seconds and Hz
/// (real).
struct Unit {
  llvm::StringRef name;
  Dimension dimension;
  double factor;            ///< base units in one of these: KiB → 8192, us → 1e-6
  std::int64_t wholeFactor; ///< the same as an integer; 0 if the quantity is real (seconds, Hz)
  [[nodiscard]] bool isWhole() const { return wholeFactor != 0; }
};
llvm::ArrayRef<Unit> units();
const Unit *findUnit(llvm::StringRef name);

// ---- types --------------------------------------------------------------------------------------

enum class ScalarKind : std::uint8_t { Int, Real, Bool, String };
/// A type that has a name: `int`, `cycles`, `Hz`, … (`list<T>`, `table<T>` and enums are built of
/// them or declared).
struct ValueType {
  llvm::StringRef name;
  ScalarKind kind; ///< of quantities: Int if whole, else Real
  Dimension dimension;
};
llvm::ArrayRef<ValueType> valueTypes();
const ValueType *findValueType(llvm::StringRef name);

/// Names of element types as networks use them: int8, uint8, …, float32, bfloat16, bool.
llvm::ArrayRef<llvm::StringRef> elementTypes();
bool isElementType(llvm::StringRef name);

// ---- classes of ACADL ---------------------------------------------------------------------------

enum class AttributeType : std::uint8_t {
  Int, ///< int ≥ 0
  Bool,
  Cycles,
  Bits, ///< an amount of data
  Words,
  Enumerator,    ///< one of Attribute::enumerators
  Instructions,  ///< list of names of instructions: to_process
  Registers,     ///< list of names and arrays of names: [a, r[4]]
  AddressRanges, ///< list of ranges of bytes: [0 bytes .. 4 KiB, 8 KiB .. 12 KiB]
  IntOrTable,    ///< int, or a table of ints by class of instruction: { ld: 8, ex: 16 }
  EventOrTable,  ///< name of an event, or a table of them by class or instruction: { st: read }
};
struct Attribute {
  llvm::StringRef name;
  AttributeType type;
  bool isRequired = false;
  llvm::StringRef defaultText; ///< for people and `--explain`; empty if there is none
  llvm::ArrayRef<llvm::StringRef> enumerators;
};
struct ObjectClassInfo {
  arch::ObjectClass objectClass;
  llvm::StringRef name;
  llvm::ArrayRef<Attribute> attributes;
  /// Of these attributes at least one must be given: `size` or `address_ranges`.
  llvm::ArrayRef<llvm::StringRef> oneOf;
  bool mayContain = false;     ///< takes `contains { … }`
  bool mayHaveHazards = false; ///< takes `hazards { … }`
};
llvm::ArrayRef<ObjectClassInfo> classes();
const ObjectClassInfo *findClass(llvm::StringRef name);
const ObjectClassInfo &classInfo(arch::ObjectClass objectClass);
const Attribute *findAttribute(const ObjectClassInfo &info, llvm::StringRef name);

// ---- edges --------------------------------------------------------------------------------------

/// Whether ACADL has edges of this kind from \p source to \p target.
bool isAllowedEdge(arch::EdgeKind kind, arch::ObjectClass source, arch::ObjectClass target);
/// What `=>` between these classes can mean: nothing, READ_DATA, WRITE_DATA, or both, where only
/// the graph decides (cache and cache, cache and Channel, Channel and Channel).
llvm::SmallVector<arch::EdgeKind, 2> dataEdgeKinds(arch::ObjectClass source,
                                                   arch::ObjectClass target);
/// Classes to which edges of \p kind may lead from \p source (from which to \p target).
llvm::SmallVector<arch::ObjectClass> allowedTargets(arch::EdgeKind kind, arch::ObjectClass source);
llvm::SmallVector<arch::ObjectClass> allowedSources(arch::EdgeKind kind, arch::ObjectClass target);

// ---- functions ----------------------------------------------------------------------------------

/// How the type of a call follows from its arguments; D stands for any dimension.
enum class FunctionRule : std::uint8_t {
  SameKind,    ///< min, max: (D, D, …) → D; whole if all are
  Magnitude,   ///< abs: D → D
  CeilDivide,  ///< ceil_div: (D1, D2) → D1/D2, both whole, whole
  Round,       ///< ceil, floor, round: D → D, whole
  WholeToInt,  ///< log2, ceil_log2: int → int
  WholeToBool, ///< is_power_of_two: int → bool
  SquareRoot,  ///< sqrt: no dimension → real
  Length,      ///< length: list or table → int
  Sum,         ///< sum: list of D → D
  ToInt,       ///< int: real, int or bool without dimension → int (towards zero)
  ToReal,      ///< real: D → D, real
  Contains,    ///< includes: (list of T, T) → bool
  Value,       ///< value: (D, a unit of D) → bare number; whole if both are
  Present,     ///< present: name of an optional epilogue step → bool; in mappings
};
struct Function {
  llvm::StringRef name;
  FunctionRule rule;
  unsigned minArguments, maxArguments;
};
inline constexpr unsigned anyNumber = ~0U; ///< of arguments
llvm::ArrayRef<Function> functions();
const Function *findFunction(llvm::StringRef name);

// ---- instructions -------------------------------------------------------------------------------

enum class InstructionAttributeType : std::uint8_t {
  Cycles,
  Count,
  Data,
  ClassName,
  ElementTypeName
};
struct InstructionAttribute {
  llvm::StringRef name;
  InstructionAttributeType type;
};
llvm::ArrayRef<InstructionAttribute> instructionAttributes();
const InstructionAttribute *findInstructionAttribute(llvm::StringRef name);

/// Kinds of operands that are no values: `reg`, `mem`.
llvm::ArrayRef<llvm::StringRef> operandKinds();
/// Events that every instruction has: issued, read, completed.
llvm::ArrayRef<llvm::StringRef> events();
bool isEvent(llvm::StringRef name);
/// Limits that `expands (…)` takes: outstanding.
llvm::ArrayRef<llvm::StringRef> expansionLimits();

// ---- words of other places ----------------------------------------------------------------------

/// Kinds of ports: forward, read, write.
llvm::ArrayRef<llvm::StringRef> portKinds();
/// What `where` of a hazard takes: overlapping.
llvm::ArrayRef<llvm::StringRef> hazardConditions();
/// Functions that `then …` of a mapping may name (relu, clip, max_pool, …) with their arguments.
struct EpilogueFunction {
  llvm::StringRef name;
  unsigned minArguments, maxArguments;
};
llvm::ArrayRef<EpilogueFunction> epilogueFunctions();
const EpilogueFunction *findEpilogueFunction(llvm::StringRef name);
/// Functions that the computation of a mapping's header may call: exp, max, …
llvm::ArrayRef<llvm::StringRef> computationFunctions();
/// What a `scalar` declaration may say how to do, with the number of its parameters: the register
/// that is set first, then what is read.
struct ScalarOperation {
  llvm::StringRef name;
  unsigned parameters;
  bool isRequired; ///< no loop nest does without it
};
llvm::ArrayRef<ScalarOperation> scalarOperations();
const ScalarOperation *findScalarOperation(llvm::StringRef name);
/// Attributes of a `scalar` declaration: memory, values, counters.
llvm::ArrayRef<llvm::StringRef> scalarAttributes();
/// Members of operands of kind `mem` in attribute expressions: `src.bytes`.
llvm::ArrayRef<llvm::StringRef> memoryOperandMembers();

} // namespace builtins
} // namespace acadlc
