/// \file
/// What the rows of a file with measurements say: a value for every dimension and parameter, and
/// the cycles that were measured.
#pragma once

#include "api/ColumnOptions.h"
#include "frontend/acadl/elaboration/Elaborate.h"
#include "frontend/acadl/evaluation/Experiment.h"
#include "support/Csv.h"
#include "support/Diagnostics.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace acadlc {

struct MeasurementInputs {
  const CsvTable &table;
  const ColumnOptions &options;
  const ast::ExperimentDeclaration *experiment = nullptr; ///< null: none
  const Scope &home;                   ///< the file whose names expressions can use
  std::span<const Bindable> bindables; ///< what a row can set
  std::vector<bool> isFixed;           ///< one for each: has a value in all rows already (`-P`)
};

/// A row that was selected.
struct Measurement {
  std::size_t row = 0; ///< of the table
  double cycles = 0;
  std::vector<std::optional<Value>> values; ///< one for each bindable; none: no column sets it
  std::vector<std::string> shown;           ///< one for each of MeasurementTable::columns
  std::vector<std::string> group;           ///< one for each of MeasurementTable::groupBy
};

struct MeasurementTable {
  std::vector<std::string> columns; ///< those that set something, then those of groupBy
  std::vector<std::string> groupBy;
  std::vector<Measurement> rows;
};

/// Binds the columns and reads the rows. Nothing if there was an error; as many as can be told
/// apart are reported, in the places of the file where they are. Texts of options are added to \p
/// sources.
std::optional<MeasurementTable> readMeasurements(const MeasurementInputs &inputs,
                                                 SourceManager &sources,
                                                 DiagnosticEngine &diagnostics);

} // namespace acadlc
