/// \file
/// The operations that scalar code is made of: those of a `scalar` declaration, and others that are
/// composed of them. Private to this folder.
#pragma once

#include "frontend/acadl/syntax/Ast.h"
#include "support/Source.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/ADT/StringRef.h>

#include <functional>
#include <string>
#include <vector>

namespace acadlc::mapping {

/// Instructions by the names of operations. Every operation sets its first register, which may be
/// one of those that it reads; multiply_add reads it too.
class ScalarOperations {
public:
  ScalarOperations(const ast::ScalarDeclaration &declaration, const SourceManager &sources);

  [[nodiscard]] bool has(llvm::StringRef name) const { return plans_.contains(name); }
  /// Registers that the operation needs besides its arguments; 0 for what is declared.
  [[nodiscard]] unsigned temporaries(llvm::StringRef name) const;
  /// Of the operations that `name` can be composed of, those of the shortest composition that are
  /// not there: what to declare besides `name` itself. Empty if it can't be composed.
  [[nodiscard]] std::vector<std::string> lacks(llvm::StringRef name) const;

  /// Statements that do operation \p name, which must be there, with \p arguments for its
  /// parameters. \p temporary gives the text of a free register by its number (from 0).
  void write(llvm::StringRef name, llvm::ArrayRef<std::string> arguments,
             const std::function<std::string(unsigned)> &temporary,
             const std::function<void(std::string)> &line) const;

private:
  /// One of both.
  struct Plan {
    const ast::ScalarOperation *declared = nullptr;
    const struct ScalarComposition *composed = nullptr;
    unsigned temporaries = 0;
  };

  void compose();
  void writeDeclared(const ast::ScalarOperation &operation, llvm::ArrayRef<std::string> arguments,
                     const std::function<void(std::string)> &line) const;

  const SourceManager &sources_;
  llvm::StringMap<Plan> plans_;
};

} // namespace acadlc::mapping
