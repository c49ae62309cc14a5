/// \file
/// The syntax tree of `.acadl` texts: what was written, nothing of what it means.
///
/// Nodes live in the arena of their `SourceFile` and are trivially destructible; strings and arrays
/// in them point into the arena or the text. A tree is never changed once parsing has ended. It is
/// always complete enough to be walked: where the text was broken, an optional child is null or an
/// `ErrorExpr` stands.
#pragma once

#include "support/Source.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Allocator.h>

#include <cstdint>
#include <memory>

namespace acadlc::ast {

/// A name as written, with its place.
struct Identifier {
  llvm::StringRef text;
  SourceRange range;
  [[nodiscard]] bool isValid() const { return !text.empty(); }
};

/// `a.b.c`
struct QualifiedName {
  llvm::ArrayRef<Identifier> parts;
  SourceRange range;
};

// ---- expressions
// ---------------------------------------------------------------------------------

enum class ExprKind : std::uint8_t {
  Error,
  Number,
  String,
  Bool,
  Name,
  Member,
  Index,
  Call,
  Unary,
  Binary,
  Range,
  Conditional,
  List,
  Comprehension,
  Table,
};

struct Expr {
  ExprKind kind;
  SourceRange range;
};

/// Stands where an expression was expected and none could be read.
struct ErrorExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Error;
};

/// `4`, `0x10`, `2.5`, `16 bit`
struct NumberExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Number;
  bool isInteger = true;
  std::int64_t integer =
      0;           ///< valid if isInteger; texts beyond 2^63 − 1 are an error of the parser
  double real = 0; ///< the value either way
  Identifier unit; ///< invalid if none
};

struct StringExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::String;
  llvm::StringRef value; ///< unescaped
};

struct BoolExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Bool;
  bool value = false;
};

struct NameExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Name;
  llvm::StringRef name;
};

struct MemberExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Member;
  const Expr *object = nullptr;
  Identifier member;
};

struct IndexExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Index;
  const Expr *object = nullptr;
  llvm::ArrayRef<const Expr *> indices;
};

/// `name = value` or a bare value in an argument list.
struct Argument {
  Identifier name; ///< invalid if positional
  const Expr *value = nullptr;
};

struct CallExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Call;
  const Expr *callee = nullptr;
  llvm::ArrayRef<Argument> arguments;
};

enum class UnaryOperator : std::uint8_t { Negate, Not };
struct UnaryExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Unary;
  UnaryOperator op{};
  const Expr *operand = nullptr;
};

enum class BinaryOperator : std::uint8_t {
  Add,
  Subtract,
  Multiply,
  Divide,
  Modulo,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  Equal,
  NotEqual,
  And,
  Or,
};
llvm::StringRef spelling(BinaryOperator op);
struct BinaryExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Binary;
  BinaryOperator op{};
  const Expr *left = nullptr, *right = nullptr;
  SourceRange operatorRange;
};

/// `low .. high`, half-open
struct RangeExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Range;
  const Expr *low = nullptr, *high = nullptr;
};

/// `if condition then a else b`
struct ConditionalExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Conditional;
  const Expr *condition = nullptr, *thenValue = nullptr, *elseValue = nullptr;
};

struct ListExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::List;
  llvm::ArrayRef<const Expr *> elements;
};

/// `name in range step n`
struct LoopHeader {
  Identifier name;
  const Expr *iterated = nullptr; ///< a range or a list
  const Expr *step = nullptr;     ///< null if not given
};

/// `[for i in 0 .. n: value]`
struct ComprehensionExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Comprehension;
  llvm::ArrayRef<LoopHeader> loops;
  const Expr *value = nullptr;
};

struct TableEntry {
  Identifier key; ///< a name, the text of a string, or the spelling of a number
  const Expr *value = nullptr;
};
/// `{ ld: 8, ex: 16 }`
struct TableExpr : Expr {
  static constexpr ExprKind Kind = ExprKind::Table;
  llvm::ArrayRef<TableEntry> entries;
};

/// \p expr as \p Node if it is one, else null.
template <typename Node, typename Base> const Node *dynCast(const Base *base) {
  return base != nullptr && base->kind == Node::Kind ? static_cast<const Node *>(base) : nullptr;
}
template <typename Node, typename Base> const Node &cast(const Base &base) {
  return static_cast<const Node &>(base);
}

// ---- shared pieces
// -------------------------------------------------------------------------------

/// `int`, `list<int>`, `tiles.Shape`
struct TypeRef {
  QualifiedName name;
  Identifier element; ///< of list<…> and table<…>, else invalid
  SourceRange range;  ///< invalid if no type was written
  [[nodiscard]] bool isValid() const { return range.isValid(); }
};

struct Parameter {
  Identifier name;
  TypeRef type;
  const Expr *defaultValue = nullptr; ///< null if none
  llvm::StringRef documentation;
};

struct Binding {
  Identifier name;
  TypeRef type; ///< may be absent
  const Expr *value = nullptr;
};

/// One node type for everything that stands in a block: items of a structure, statements of a
/// mapping or program, statements of a function.
enum class StatementKind : std::uint8_t {
  Let,
  Require,
  For,
  If,
  Param, // everywhere (as the grammar allows)
  Assign,
  Return, // functions
  Port,
  Object,
  Edge,
  Clock,
  Route,
  LocalDeclaration, // architectures and templates
  Place,
  Buffer,
  Emit,
  Via, // mappings and programs
};
struct Statement {
  StatementKind kind;
  SourceRange range;
};
using Block = llvm::ArrayRef<const Statement *>;

struct LetStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Let;
  llvm::ArrayRef<Binding> bindings;
};
struct RequireStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Require;
  const Expr *condition = nullptr;
  llvm::StringRef message; ///< empty if none
};
struct ForStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::For;
  llvm::ArrayRef<LoopHeader> loops;
  SourceRange headerRange;
  Block body;
};
struct IfStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::If;
  const Expr *condition = nullptr;
  Block thenBlock, elseBlock;
};
/// `param tile: int = 4` in a mapping
struct ParamStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Param;
  Parameter parameter;
};
struct AssignStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Assign;
  Identifier name;
  const Expr *value = nullptr;
};
struct ReturnStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Return;
  const Expr *value = nullptr;
};

/// A name with array bounds: `pe[rows][columns]`
struct Declarator {
  Identifier name;
  llvm::ArrayRef<const Expr *> bounds;
};
struct PortStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Port;
  llvm::ArrayRef<Declarator> declarators;
  Identifier edge; ///< `forward`, `read`, `write`
  bool isOut = false;
};
struct Attribute {
  Identifier name;
  const Expr *value = nullptr;
};
/// `ld waits for ex, st completed where overlapping`
struct Hazard {
  Identifier waiting;
  llvm::ArrayRef<Identifier> awaited;
  Identifier event;
  Identifier where; ///< `overlapping`, or invalid: always
  SourceRange range;
};
/// `step [compute, preload] before [compute]`
struct UnitStep {
  llvm::ArrayRef<QualifiedName> taken;  ///< instructions that the unit takes at once
  llvm::ArrayRef<QualifiedName> behind; ///< what must stand behind them and is not taken
  SourceRange range;
};
struct ObjectStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Object;
  llvm::ArrayRef<Declarator> declarators;
  QualifiedName type; ///< a class of ACADL or a template
  bool hasArguments = false;
  llvm::ArrayRef<Argument> arguments;   ///< `( … )`, of templates
  llvm::ArrayRef<Attribute> attributes; ///< `{ … }`, of classes
  llvm::ArrayRef<UnitStep> steps;       ///< in the same braces
  Block contents;                       ///< `contains { … }`
  llvm::ArrayRef<Hazard> hazards;       ///< `hazards { … }`
  llvm::StringRef documentation;
};
enum class ArrowKind : std::uint8_t { Forward, Data };
/// `a -> b => c`: arrows[i] joins ends[i] and ends[i + 1]
struct EdgeStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Edge;
  llvm::ArrayRef<const Expr *> ends;
  llvm::ArrayRef<ArrowKind> arrows;
  llvm::ArrayRef<SourceRange> arrowRanges;
};
struct ClockStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Clock;
  const Expr *frequency = nullptr;
};
struct RouteStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Route;
  Identifier name;
  llvm::ArrayRef<Parameter> parameters;
  const Expr *channels = nullptr;
};

/// `place A, B in memory with border`
struct PlaceStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Place;
  llvm::ArrayRef<Identifier> tensors;
  const Expr *storage = nullptr;
  bool withBorder = false;
  const Expr *address = nullptr; ///< `at address`, null if none
};
/// `buffer tile[rows, 64]: int8 in scratchpad`
struct BufferStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Buffer;
  Identifier name;
  llvm::ArrayRef<const Expr *> shape;
  Identifier elementType;
  const Expr *storage = nullptr;
};
struct EmitStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Emit;
  Identifier instruction;
  llvm::ArrayRef<Argument> arguments;
  const Expr *unit = nullptr; ///< `on unit`, null if none
  const Expr *over = nullptr; ///< `over stage` or `over [stages]`, null if none
};
/// `O[n, k] ` in headers and views
struct TensorAccess {
  Identifier tensor;
  llvm::ArrayRef<const Expr *> indices;
  SourceRange range;
};
/// `A[m, k] = W[m, k / T]`
struct View {
  Identifier tensor;
  llvm::ArrayRef<Identifier> indices;
  TensorAccess source;
};
struct ViaStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::Via;
  Identifier mapping;
  llvm::ArrayRef<Argument> extents;    ///< `[M = K, …]`, all named
  llvm::ArrayRef<Argument> parameters; ///< `(tile = 4)`
  llvm::ArrayRef<View> views;
};

// ---- declarations
// --------------------------------------------------------------------------------

enum class DeclarationKind : std::uint8_t {
  Import,
  Enum,
  Constant,
  Function,
  Instruction,
  Template,
  Architecture,
  Mapping,
  Program,
  Prefer,
  Experiment,
  Scalar,
};
struct Declaration {
  DeclarationKind kind;
  SourceRange range;
  Identifier name;
  llvm::StringRef documentation; ///< of the `///` lines in front of it, without the slashes
};

/// A function, instruction or the like that is declared inside a structure.
struct LocalDeclarationStatement : Statement {
  static constexpr StatementKind Kind = StatementKind::LocalDeclaration;
  const Declaration *declaration = nullptr;
};

/// `import "path" as name`; Declaration::name is the alias, invalid if none
struct ImportDeclaration : Declaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Import;
  llvm::StringRef path;
  SourceRange pathRange;
};
struct EnumDeclaration : Declaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Enum;
  llvm::ArrayRef<Identifier> enumerators;
};
struct ConstantDeclaration : Declaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Constant;
  TypeRef type;
  const Expr *value = nullptr;
};
struct FunctionDeclaration : Declaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Function;
  llvm::ArrayRef<Parameter> parameters;
  TypeRef result;
  const Expr *value = nullptr; ///< `= expression`, else null
  Block body;                  ///< if value is null
};

enum class OperandDirection : std::uint8_t { None, In, Out, InOut };
struct Operand {
  Identifier name;
  OperandDirection direction{};
  TypeRef type; ///< `reg`, `mem`, or a value type for immediates
  const Expr *defaultValue = nullptr;
};
struct PhaseClauseHolding {
  const Expr *object = nullptr;
  Identifier until;
};
struct Expansion {
  llvm::ArrayRef<Argument> limits; ///< `(outstanding = 2)`
  Block body;
  SourceRange range;
};
/// `phase transfer over bus for n cycles after request holding entry until completed signals read`
/// `phase rows after request expands (outstanding = 2) { … }`
struct Phase {
  Identifier name;
  bool isOver = false;          ///< `over channels` instead of `on object`
  const Expr *object = nullptr; ///< null: a delay or an expansion
  const Expr *duration = nullptr;
  llvm::ArrayRef<Identifier> after;
  SourceRange afterStep;              ///< of `step` in `after step + n`; invalid if not written
  const Expr *stepDistance = nullptr; ///< null: 0
  llvm::ArrayRef<PhaseClauseHolding> holding;
  llvm::ArrayRef<Identifier> signals;
  SourceRange together;                 ///< of the word `together`; invalid if not written
  const Expansion *expansion = nullptr; ///< null if it emits nothing
  SourceRange range;
};
struct InstructionDeclaration : Declaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Instruction;
  llvm::ArrayRef<Operand> operands;
  llvm::ArrayRef<Attribute> attributes; ///< latency, macs, ops, bytes, class, element_type
  llvm::ArrayRef<Phase> phases;
  /// `expands` without a phase: short for a phase that is the only one. At most one is legal.
  llvm::ArrayRef<Expansion> expansions;
  llvm::ArrayRef<const RequireStatement *> requirements;
};
/// Whether \p instruction emits others, in a phase or by itself.
bool isExpanding(const InstructionDeclaration &instruction);
/// Templates and architectures
struct StructureDeclaration : Declaration {
  llvm::ArrayRef<Parameter> parameters;
  Block body;
};
struct TemplateDeclaration : StructureDeclaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Template;
};
struct ArchitectureDeclaration : StructureDeclaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Architecture;
};

/// `n < N`
struct HeaderIndex {
  Identifier name, extent;
  bool isReduction = false;
};
enum class AssignOperator : std::uint8_t { Assign, Sum, Max, Min };
struct EpilogueStep {
  bool isOptional = false;
  /// Either an operator with a tensor (`+ bias[k]`) …
  bool hasTensor = false;
  BinaryOperator op{};
  TensorAccess tensor;
  /// … or a named function (`relu`, `max_pool(2, 2)`).
  Identifier function;
  llvm::ArrayRef<Argument> arguments;
  SourceRange range;
};
/// `float32 as int8`; `as` is invalid if not written
struct AcceptedElement {
  Identifier element, as;
};
struct MappingDeclaration : Declaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Mapping;
  llvm::ArrayRef<HeaderIndex> indices;
  llvm::ArrayRef<Identifier> coefficients;
  Identifier architectureName; ///< the name by which the body speaks of the architecture
  QualifiedName architecture;
  TensorAccess result;
  AssignOperator assign{};
  const Expr *value = nullptr;
  llvm::ArrayRef<Identifier> zeroOutside;
  llvm::ArrayRef<EpilogueStep> epilogue;
  llvm::ArrayRef<AcceptedElement> accepts; ///< empty: any
  const Expr *guard = nullptr;             ///< `where condition`, null if none
  Block body;
};
struct ProgramDeclaration : Declaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Program;
  llvm::ArrayRef<Parameter> parameters;
  Identifier architectureName;
  QualifiedName architecture;
  Block body;
};
/// `prefer name over others`
struct PreferDeclaration : Declaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Prefer;
  llvm::ArrayRef<Identifier> others;
};
/// `experiment name for mapping target { bind = …, where … }`
struct ExperimentDeclaration : Declaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Experiment;
  bool isOfProgram = false; ///< `for program`, else `for mapping`
  QualifiedName target;
  llvm::ArrayRef<Attribute> attributes;
  const Expr *condition = nullptr; ///< `where condition`, null if none
};

/// `add(d, a, b) { emit add(d, a, b) }`
struct ScalarOperation {
  Identifier name;
  llvm::ArrayRef<Identifier> parameters;
  Block body;
  SourceRange range;
};
/// `scalar on arch: OneMac { memory = arch.memory … }`; it has no name.
struct ScalarDeclaration : Declaration {
  static constexpr DeclarationKind Kind = DeclarationKind::Scalar;
  Identifier architectureName;
  QualifiedName architecture;
  llvm::ArrayRef<const LetStatement *> lets;
  llvm::ArrayRef<Attribute> attributes;
  llvm::ArrayRef<ScalarOperation> operations;
};

/// One parsed text. Owns its nodes.
struct SourceFile {
  FileId file;
  llvm::StringRef documentation; ///< the `//!` lines
  llvm::ArrayRef<const Declaration *> declarations;
  std::unique_ptr<llvm::BumpPtrAllocator> arena;
};

} // namespace acadlc::ast
