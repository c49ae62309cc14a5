/// \file
/// `--diff` and `--list-stdlib`: what acadlc does without a description.
#pragma once

#include "driver/Options.h"

#include <string>

namespace acadlc::driver {

/// Prints what changed from one report to another; returns the exit code.
int compareReports(const Options &options);

/// The library's files, each with the first sentence of its head.
std::string libraryText();

} // namespace acadlc::driver
