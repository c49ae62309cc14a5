/// \file
/// Holds a model against the rows of a file with measurements.
#pragma once

#include "api/Description.h"
#include "api/Measurements.h"
#include "api/Session.h"
#include "backend/analysis/Validation.h"

#include <optional>
#include <vector>

namespace acadlc {

struct ValidationInputs {
  const Compilation &compilation;
  const ast::ArchitectureDeclaration &architecture;
  /// What each row runs: a mapping for the architecture, or else a program.
  std::optional<Declared<ast::MappingDeclaration>> mapping;
  std::optional<Declared<ast::ProgramDeclaration>> program;
  std::optional<Declared<ast::ExperimentDeclaration>> experiment;
  std::vector<ParameterOverride> architectureOverrides; ///< `-P name=value`
  std::vector<ParameterOverride> otherOverrides;        ///< `-P owner.name=value`
  const CsvTable &table;
  const ValidationOptions &options;
};

/// Estimates every row. Rows with equal parameters of the architecture share one; equal rows are
/// estimated once. Nothing if there was an error.
std::optional<analysis::Validation> validate(const ValidationInputs &inputs, SourceManager &sources,
                                             DiagnosticEngine &diagnostics);

} // namespace acadlc
