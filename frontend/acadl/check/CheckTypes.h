/// \file
/// Static types of the checker, and the names of a block with their types.
#pragma once

#include "frontend/acadl/evaluation/Module.h"
#include "frontend/acadl/syntax/Ast.h"
#include "frontend/acadl/syntax/Builtins.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/StringRef.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::checking {

/// A tensor of a mapping's header or a buffer of its body.
struct Tensor {
  llvm::StringRef name;
  SourceRange range; ///< where it is first named
  std::size_t rank = 0;
  enum class Role : std::uint8_t { Result, Read, Epilogue, Buffer } role = Role::Read;
};

/// What is known of a value before any parameter has one. Cheap to copy.
struct Type {
  enum class Kind : std::uint8_t {
    Error, ///< not known, or reported already: fits everywhere and silences what follows
    Int,
    Real,
    Bool,
    String,
    Enum,
    List,
    Table,
    Range,
    Array,    ///< of objects, instances, ports or registers; one dimension
    Object,   ///< of a class of ACADL
    Register, ///< of a register file
    Instance, ///< of a template, or the architecture of a mapping
    Port,
    Route,
    Tensor,          ///< a whole tensor or buffer
    MemoryRange,     ///< elements of a tensor or bytes of a storage: what `mem` operands take
    RegisterOperand, ///< an operand `reg` in the instruction's own declaration
    MemoryOperand,   ///< an operand `mem` there
  };
  Kind kind = Kind::Error;
  Dimension dimension;                 ///< Int, Real, Range
  bool isPortInside = false;           ///< Port: seen from inside its template
  llvm::StringRef unit;                ///< the unit to propose where one is missing
  std::shared_ptr<const Type> element; ///< List, Table, Array; null: not known
  const ast::EnumDeclaration *enumeration = nullptr;
  const builtins::ObjectClassInfo *objectClass = nullptr; ///< Object; null: not known
  const ast::ObjectStatement *object = nullptr;           ///< Object; null: not known
  const ast::StructureDeclaration *structure = nullptr;   ///< Instance
  const ast::PortStatement *port = nullptr;
  const ast::RouteStatement *route = nullptr;
  const Tensor *tensor = nullptr;        ///< Tensor, MemoryRange (null: bytes of a storage)
  const ast::TableExpr *table = nullptr; ///< Table: its text if it is known

  static Type of(Kind kind);
  static Type number(bool isReal, Dimension dimension = {});
  static Type quantity(Dimension dimension, llvm::StringRef unit);
  static Type listOf(Type element);
  static Type tableOf(Type element);
  static Type arrayOf(Type element);
  static Type ofEnum(const ast::EnumDeclaration &enumeration);
  static Type ofBuiltin(const builtins::ValueType &type);

  [[nodiscard]] bool isError() const { return kind == Kind::Error; }
  [[nodiscard]] bool isNumber() const { return kind == Kind::Int || kind == Kind::Real; }
  [[nodiscard]] bool is(Kind wanted) const { return kind == wanted; }
  [[nodiscard]] Type elementType() const { return element ? *element : Type{}; }
  /// For messages, with an article where the language has none: "cycles", "a list of int",
  /// "a FunctionalUnit".
  [[nodiscard]] std::string text() const;
};

/// Whether a value of type \p from can be used where \p to is wanted.
bool isAssignable(const Type &from, const Type &to);
/// The type that fits both (int and real are real), or nothing.
std::optional<Type> join(const Type &a, const Type &b);

/// A name of a block.
struct Name {
  enum class Kind : std::uint8_t {
    Parameter,
    Let,
    LoopVariable,
    MappingParameter,
    Object, ///< objects, instances
    Port,
    Route,
    Declaration,      ///< a function or instruction in a structure
    Extent,           ///< extents and coefficients of a mapping, tensors, the architecture's name
    HeaderIndex,      ///< of a mapping; no value in the body
    EpilogueFunction, ///< `relu` behind `then`: for present() alone
  };
  llvm::StringRef text;
  SourceRange range;
  Kind kind = Kind::Let;
  Type type{};
  const ast::Declaration *declaration = nullptr; ///< Kind::Declaration
  bool isVisible = true;                         ///< false until its declaration has been reached
  bool isUsed = false;
};

/// The names of one block, within those of the blocks around it and, outermost, of a file.
class Names {
public:
  explicit Names(const Module &module) : module_(&module) {}
  explicit Names(Names &parent) : parent_(&parent), module_(parent.module_) {}
  Names(const Names &) = delete;
  Names &operator=(const Names &) = delete;

  /// Adds a name; null if this block has it already.
  Name *add(Name name);
  [[nodiscard]] Name *findLocal(llvm::StringRef name);
  /// In this block and those around it; not in the file.
  [[nodiscard]] Name *find(llvm::StringRef name);
  /// In the file: its declarations and imports.
  [[nodiscard]] const Symbol *findGlobal(llvm::StringRef name) const;
  [[nodiscard]] const Module &module() const { return *module_; }
  [[nodiscard]] Names *parent() const { return parent_; }

  /// Whether names are looked up after the whole block has been read: bodies of functions and
  /// instructions, which run when all names have a value.
  void setDeferred() { isDeferred_ = true; }
  [[nodiscard]] bool isDeferred() const {
    return isDeferred_ || (parent_ && parent_->isDeferred());
  }

  [[nodiscard]] std::deque<Name> &own() { return names_; }
  /// All names that can be seen, the innermost first; those of the file if \p withGlobals.
  [[nodiscard]] std::vector<std::string_view> all(bool withGlobals = true) const;

private:
  Names *parent_ = nullptr;
  const Module *module_;
  bool isDeferred_ = false;
  std::deque<Name> names_; ///< a deque: pointers to names stay valid
  llvm::DenseMap<llvm::StringRef, Name *> index_;
};

/// "'a', 'b' and 'c'" (or "or"); quotes if \p quoted.
std::string joinNames(llvm::ArrayRef<std::string> names, llvm::StringRef word, bool quoted = false);
std::string joinNames(llvm::ArrayRef<llvm::StringRef> names, llvm::StringRef word);
/// "a FunctionalUnit", "an SRAM", "an InstructionFetchStage"
std::string withArticle(llvm::StringRef noun);
/// What a declaration is, for messages: "function", "template", …
llvm::StringRef declarationWord(ast::DeclarationKind kind);

} // namespace acadlc::checking
