/// \file
/// How the columns of a file with measurements are read, as the user says it.
#pragma once

#include <string>
#include <vector>

namespace acadlc {

/// `--bind name=expression`: a dimension or parameter gets the value of an expression over the
/// columns.
struct ColumnBinding {
  std::string name, expression;
};

/// What is given here counts in place of (bindings of the same name, measured, groupBy) or on top
/// of (where, ignore) what an experiment of the description says.
struct ColumnOptions {
  std::vector<ColumnBinding> bindings;
  std::string measured;             ///< expression; empty: column `cycles`
  std::string where;                ///< expression; empty: all rows
  std::vector<std::string> groupBy; ///< columns
  std::vector<std::string> ignore;  ///< columns that bind to nothing
};

} // namespace acadlc
