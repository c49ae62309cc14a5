/// \file
/// Benchmarks that time all that an estimate takes, part by part.
#pragma once

#include "bench/Estimating.h"

#include <functional>
#include <string>

namespace acadlc::bench {

/// Registers a benchmark that reads, maps, evaluates and reports the network (or program) of a job
/// anew in every pass. Its counters are the CPU seconds of the parts (description, network,
/// architecture, mapping, evaluation, critical_paths, report) and those of registerEstimating().
void registerPhasesOf(const std::string &name, std::function<Job()> job);

} // namespace acadlc::bench
