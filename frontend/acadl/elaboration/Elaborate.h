/// \file
/// From an `architecture` and its parameters to an architecture graph.
#pragma once

#include "frontend/acadl/evaluation/Evaluator.h"
#include "frontend/acadl/evaluation/Module.h"
#include "frontend/acadl/evaluation/Value.h"
#include "ir/ArchitectureGraph.h"
#include "support/Diagnostics.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace acadlc {

/// `-P name=value`: the value is an expression of the language. For a parameter that is a quantity
/// a bare number counts in the unit of its type (`-P memory_latency=10`).
struct ParameterOverride {
  std::string name;
  std::string value;
  /// The expression of `value` if it has been parsed already (parseOverride); then no text is added
  /// to the sources, so that many threads can use it.
  const ast::Expr *expression = nullptr;
  /// The value itself, of the parameter's type; then `value` and `expression` count for nothing.
  std::optional<Value> known = std::nullopt;
};

/// The text of an override as an expression.
struct ParsedOverride {
  ast::SourceFile tree;                  ///< owns the expression
  const ast::Expr *expression = nullptr; ///< null if the text is not one expression
  SourceRange nameRange, valueRange;
  /// What the parser says if it is none.
  std::vector<DiagnosticNote> problems;
};
/// Parses \p value of `OPTION NAME=VALUE`, or of `OPTION VALUE` if \p name is empty. Messages show
/// the option as one types it. Reports nothing.
ParsedOverride parseOverride(const std::string &option, const std::string &name,
                             const std::string &value, SourceManager &sources);
/// \p value as a value of the parameter type \p type: a bare number counts in the type's unit.
std::optional<Value> convertOverride(Value value, const ExpectedType &type, SourceRange at,
                                     llvm::StringRef what, Evaluator &evaluator);

struct ElaboratedArchitecture {
  const ast::ArchitectureDeclaration *declaration = nullptr;
  arch::ArchitectureGraph graph;
  /// The architecture itself, what `arch` is in a mapping: its members by name are objects, arrays,
  /// instances, parameters, lets and routes.
  Value instance;
  /// The scope of the architecture's block: members and the declarations that stand in it; its
  /// parent is the scope of the file.
  std::shared_ptr<const Scope> scope;

  /// The instruction that \p name stands for where the architecture is described, or null.
  [[nodiscard]] const Symbol *findInstruction(llvm::StringRef name) const;
};

/// Builds \p architecture. Everything wrong is reported; nothing is returned if there was an error.
/// \p compilation and \p sources must outlive the result. Texts of overrides are added to
/// \p sources, so that messages can show them.
std::optional<ElaboratedArchitecture> elaborate(const Compilation &compilation,
                                                const ast::ArchitectureDeclaration &architecture,
                                                const std::vector<ParameterOverride> &overrides,
                                                SourceManager &sources,
                                                DiagnosticEngine &diagnostics);

struct ElaborationLimits {
  std::size_t objects = 4'000'000;
  std::size_t edges = 32'000'000;
  unsigned templateDepth = 200;
  Evaluator::Limits evaluation;
};
std::optional<ElaboratedArchitecture>
elaborate(const Compilation &compilation, const ast::ArchitectureDeclaration &architecture,
          const std::vector<ParameterOverride> &overrides, SourceManager &sources,
          DiagnosticEngine &diagnostics, const ElaborationLimits &limits);

/// What an operand of an instruction is for the expressions in its declaration.
struct InstructionOperand {
  /// Immediates: the value. Registers: ignored.
  Value value;
  /// `mem` operands: the length of the address range.
  std::int64_t bytes = 0;
};

/// An instruction's attributes for given operands.
struct InstructionInfo {
  std::optional<std::int64_t> latency; ///< cycles, at least 1; none: that of the unit
  std::optional<std::int64_t> macs, ops;
  std::optional<std::int64_t> bytes;
  std::string className;   ///< `class = ld`, empty if not given
  std::string elementType; ///< `element_type = int8`, empty if not given
};

/// Declares in \p scope what expressions in the declaration of \p instruction see of \p operands
/// (one for each of the declaration): values of immediates, `name.bytes` of `mem` operands. False
/// and a report if a length leaves 64 bits.
bool declareOperands(const ast::InstructionDeclaration &instruction,
                     llvm::ArrayRef<InstructionOperand> operands, Scope &scope,
                     Evaluator &evaluator);

/// The largest number of cycles that an instruction or a phase may take: sums of latencies stay
/// within 64 bits.
inline constexpr std::int64_t mostCycles = std::int64_t{1} << 40;

/// Evaluates latency, macs, ops, bytes and the requires of \p instruction for \p operands (one for
/// each of the declaration). \p home is the scope in which the instruction was declared
/// (Symbol::home); \p at is the emit that a failed `require` is shown with.
std::optional<InstructionInfo> evaluateInstruction(const ast::InstructionDeclaration &instruction,
                                                   const Scope &home,
                                                   llvm::ArrayRef<InstructionOperand> operands,
                                                   SourceRange at, Evaluator &evaluator);

} // namespace acadlc
