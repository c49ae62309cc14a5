/// \file
/// The command line before it is checked, for the parts of the option parser alone.
#pragma once

#include "driver/Options.h"

#include <optional>
#include <string>
#include <vector>

namespace acadlc::driver {

/// The values of options as they stand on the command line.
struct RawOptions {
  bool check = false, estimate = false, simulate = false, help = false, version = false;
  bool listLibrary = false;
  bool noExtrapolate = false, foldBatchNorm = false, noFoldBatchNorm = false;
  std::vector<std::string> parameters, mappings, bindings, groupBy, ignore, sizes, views, compare;
  std::vector<std::string> reports; ///< of --diff
  std::string elementType, format, color, iterations, instructions, jobs;
  std::optional<std::string> budget, batch;
};

/// Throws a UsageError.
[[noreturn]] void fail(std::string message);

/// Refuses combinations that mean nothing, rather than to ignore a part of them. Throws a
/// UsageError.
void checkCombination(const Options &options, const RawOptions &raw);

} // namespace acadlc::driver
