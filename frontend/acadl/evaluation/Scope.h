/// \file
/// Names and what they stand for.
#pragma once

#include "frontend/acadl/evaluation/Value.h"
#include "frontend/acadl/syntax/Ast.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc {

/// What a name stands for.
struct Symbol {
  enum class Kind : std::uint8_t {
    Value,       ///< a let, parameter, loop variable, object, instance, port, …
    Declaration, ///< const, enum, function, instruction, template, architecture, mapping, program
    Module,      ///< the alias of an import: `home` holds its names
  };
  Kind kind = Kind::Value;
  Value value;                                   ///< Kind::Value
  const ast::Declaration *declaration = nullptr; ///< Kind::Declaration
  /// Declaration: the scope in which it stands, hence in which its body is evaluated. Module: the
  /// imported file's scope.
  const Scope *home = nullptr;
  SourceRange range; ///< where the name was declared

  static Symbol ofValue(Value value, SourceRange range) {
    return {Kind::Value, std::move(value), nullptr, nullptr, range};
  }
  static Symbol ofDeclaration(const ast::Declaration &declaration, const Scope &home) {
    return {Kind::Declaration, {}, &declaration, &home, declaration.name.range};
  }
};

/// A set of names with a parent in which those are looked up that it does not hold. The parent must
/// outlive the scope; names must outlive it too (they point into syntax trees).
class Scope {
public:
  explicit Scope(const Scope *parent = nullptr) : parent_(parent) {}

  /// Adds \p name; false if this scope (not a parent) has it already.
  bool declare(llvm::StringRef name, Symbol symbol);
  bool declare(const ast::Identifier &name, Value value) {
    return declare(name.text, Symbol::ofValue(std::move(value), name.range));
  }
  /// Adds \p name or replaces what it stands for here: loop variables, assignments.
  void set(const ast::Identifier &name, Value value);

  /// Looks \p name up here and in the parents; null if there is none.
  [[nodiscard]] const Symbol *find(llvm::StringRef name) const;
  /// Looks \p name up here alone.
  [[nodiscard]] const Symbol *findLocal(llvm::StringRef name) const;
  /// The same for who fills the scope.
  [[nodiscard]] Symbol *findMutable(llvm::StringRef name);
  [[nodiscard]] const Scope *parent() const { return parent_; }

  using Entry = std::pair<llvm::StringRef, Symbol>;
  /// The names of this scope in the order of their declaration.
  [[nodiscard]] llvm::ArrayRef<Entry> entries() const { return entries_; }
  /// Of all names that can be seen from here the one nearest to \p name; empty if none is near.
  [[nodiscard]] std::string nearest(llvm::StringRef name) const;

  /// For blocks: names declared behind a mark vanish with rewind(mark).
  [[nodiscard]] std::size_t mark() const { return entries_.size(); }
  void rewind(std::size_t mark);

private:
  [[nodiscard]] std::size_t indexOf(llvm::StringRef name) const; ///< entries_.size() if none

  const Scope *parent_;
  llvm::SmallVector<Entry, 0> entries_;
  llvm::DenseMap<llvm::StringRef, std::uint32_t> index_; ///< used beyond a few entries
};

} // namespace acadlc
