/// \file
/// The compiler driver: does what the command line asks for.
#pragma once

#include "driver/Options.h"

namespace acadlc::driver {

/// Exit codes.
inline constexpr int success = 0;
inline constexpr int inputErrors = 1;
inline constexpr int wrongUse = 2;
inline constexpr int internalError = 3;

/// Runs acadlc and returns its exit code. Results go to standard output or to the files that
/// \p options name, diagnostics to standard error.
int run(const Options &options);

/// The whole program: reads the command line, runs, and catches what went wrong inside acadlc.
int runMain(int argc, const char *const *argv);

} // namespace acadlc::driver
