/// \file
/// From an object's attributes, as written, to an arch::Object. Private to the elaborator.
#pragma once

#include "frontend/acadl/evaluation/Evaluator.h"
#include "frontend/acadl/syntax/Ast.h"
#include "frontend/acadl/syntax/Builtins.h"
#include "ir/ArchitectureGraph.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace acadlc {

/// A name in `registers = [a, r[4]]`: one register, or an array of them.
struct RegisterGroup {
  llvm::StringRef name;
  SourceRange range;
  std::optional<std::int64_t> length; ///< of an array
};

/// What the text says about one object, without its name.
struct ObjectPrototype {
  arch::Object object;
  std::vector<RegisterGroup> registers; ///< in the order of object.registers
  bool isValid = true;                  ///< false: an error was reported
};

/// Most registers that one register file may have.
inline constexpr std::int64_t maxRegisters = 1'000'000;

/// \p architecture is the scope of the architecture that is built: a template's units may name its
/// instructions.
ObjectPrototype readAttributes(const ast::ObjectStatement &statement,
                               const builtins::ObjectClassInfo &info, const Scope &scope,
                               const Scope &architecture, Evaluator &evaluator);

} // namespace acadlc
