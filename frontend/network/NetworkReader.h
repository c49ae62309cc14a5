/// \file
/// Reads a network printed by TVM (TVMScript: Relax functions that call TIR functions).
///
/// The text is Python to the eye and is never run. The reader parses a general subset of Python,
/// gives meaning to what the entry function reaches, and leaves the rest alone.
#pragma once

#include "ir/Workload.h"
#include "support/Diagnostics.h"
#include "support/Source.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace acadlc::tir {

struct ReadOptions {
  /// Function to start from; empty: `main`, else `forward`, else the only one that is not private.
  std::string entry;
  /// Values of symbolic sizes by name.
  std::map<std::string, std::int64_t, std::less<>> symbols;
  /// Value of the symbolic size that is the first dimension of the entry's activations.
  std::optional<std::int64_t> batch;
};

/// Reads the network of \p file and analyses it (see structure/Analysis.h). Returns none if an
/// error was reported; never throws on bad input.
std::optional<workload::Workload> readWorkload(const SourceManager &sources, FileId file,
                                               const ReadOptions &options,
                                               DiagnosticEngine &diagnostics);

} // namespace acadlc::tir
