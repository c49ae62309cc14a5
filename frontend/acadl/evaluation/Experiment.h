/// \file
/// What a row of measurements can set: the dimensions of an operator and the parameters of an
/// architecture, mapping or program.
#pragma once

#include "frontend/acadl/evaluation/Scope.h"
#include "frontend/acadl/syntax/Ast.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/StringRef.h>

#include <cstdint>
#include <string>
#include <vector>

namespace acadlc {

/// Something that has a value in each row.
struct Bindable {
  enum class Kind : std::uint8_t {
    Extent,      ///< of an index of the mapping's header
    Coefficient, ///< of the mapping's header
    ArchitectureParameter,
    MappingParameter,
    ProgramParameter,
  };
  Kind kind{};
  ast::Identifier name;
  llvm::StringRef owner;                     ///< the architecture, mapping or program
  const ast::Parameter *parameter = nullptr; ///< null for extents and coefficients
  const Scope *home = nullptr; ///< the file in which the parameter's type is looked up
  /// Of a mapping that is reached over `via`: the name alone does not mean it.
  bool needsOwner = false;
  [[nodiscard]] bool isHeader() const { return kind == Kind::Extent || kind == Kind::Coefficient; }
  /// "matmul.tile"
  [[nodiscard]] std::string qualifiedName() const { return owner.str() + "." + name.text.str(); }
  /// For messages: "dimension 'M'", "parameter 'rows' of architecture 'Array'".
  [[nodiscard]] std::string text() const;
  /// Whether a column or binding called \p word means it.
  [[nodiscard]] bool isCalled(llvm::StringRef word) const;
};

/// What rows for \p mapping, which stands in the file of \p home, can set. Parameters of the
/// mappings that it goes via follow at the end.
std::vector<Bindable> bindablesOf(const ast::MappingDeclaration &mapping, const Scope &home);
std::vector<Bindable> bindablesOf(const ast::ProgramDeclaration &program, const Scope &home);
std::vector<Bindable> bindablesOf(const ast::ArchitectureDeclaration &architecture,
                                  const Scope &home);

/// The attributes that an `experiment` takes: bind, measured, group_by, ignore.
llvm::ArrayRef<llvm::StringRef> experimentAttributes();

/// Calls \p visit for every name in \p expr that stands for a value, but for those that loops of
/// the expression bind: what can be a column.
void forEachFreeName(const ast::Expr *expr, llvm::function_ref<void(const ast::NameExpr &)> visit);

} // namespace acadlc
