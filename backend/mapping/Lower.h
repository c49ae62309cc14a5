/// \file
/// From a mapping's body to an instruction stream.
///
/// Loops are kept as long as their iterations differ in nothing but addresses: the body is
/// evaluated with symbolic loop variables, and only where a number must be known that is not (a
/// register's index, a condition, a loop's bound) the loop's range is split. So the size of the
/// program and the time to make it do not grow with trip counts.
#pragma once

#include "backend/mapping/Match.h"
#include "frontend/acadl/elaboration/Elaborate.h"
#include "ir/Program.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace acadlc::mapping {

/// A tensor or buffer in a memory, for reports.
struct Placement {
  std::string name;                          ///< in the mapping: "I", "buffer tile"
  std::optional<workload::TensorRef> tensor; ///< none: a buffer
  arch::ObjectId memory = arch::noObject;
  std::int64_t base = 0, bytes = 0;
  bool withBorder = false;
};

/// The body of a mapping or program as a stream.
struct LoweredLayer {
  std::string mapping; ///< or the program's name
  program::Program program;
  program::Program::Totals totals;
  std::vector<Placement> placements;
  std::vector<arch::ParameterValue> parameters; ///< of the mapping, and of those it goes via
};

struct LoweringLimits {
  std::uint64_t steps = 20'000'000;       ///< instructions of a program written out but for repeats
  std::uint64_t instructions = 4'000'000; ///< different instructions
  std::int64_t stream = std::int64_t{1} << 62; ///< instances
  unsigned viaDepth = 32;
  unsigned expansionDepth = 32; ///< of instructions that emit one another
};

struct LoweringOptions {
  /// `-P mapping.name=value`; those of other mappings are ignored.
  std::span<const ParameterOverride> overrides;
  LoweringLimits limits;
};

/// Whether the guard (`where …`) of the mapping of \p match holds; true if it has none. False, too,
/// if it cannot be evaluated (reported). \p home as for lower().
bool guardHolds(const Match &match, const ElaboratedArchitecture &architecture, const Scope &home,
                DiagnosticEngine &diagnostics);

/// The value of \p expr, an argument of a step behind the computation, in the names of the match's
/// header; none if it has none (reported).
std::optional<double> numberInHeader(const ast::Expr &expr, const Match &match,
                                     const ElaboratedArchitecture &architecture, const Scope &home,
                                     DiagnosticEngine &diagnostics);

/// Lowers the mapping of \p match, which must be one for \p architecture. \p home is the scope of
/// the file that declares the mapping. Nothing if there is an error (reported).
std::optional<LoweredLayer> lower(const Match &match, const ElaboratedArchitecture &architecture,
                                  const Scope &home, SourceManager &sources,
                                  DiagnosticEngine &diagnostics,
                                  const LoweringOptions &options = {});

/// Lowers a `program` declaration. Overrides are named `program.parameter`.
std::optional<LoweredLayer> lower(const ast::ProgramDeclaration &program,
                                  const ElaboratedArchitecture &architecture, const Scope &home,
                                  SourceManager &sources, DiagnosticEngine &diagnostics,
                                  const LoweringOptions &options = {});

} // namespace acadlc::mapping
