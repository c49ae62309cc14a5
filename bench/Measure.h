/// \file
/// What all benchmarks share: clocks, memory, and sessions that are ready to answer.
#pragma once

#include "api/Session.h"
#include "backend/timing/Evaluation.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::bench {

/// CPU time that the process has taken so far, all threads, in seconds. Unlike the time of day it
/// says the same on a machine that has other things to do.
double processSeconds();

/// Most memory that the process has had resident so far, or since resetPeak(), in MiB.
double peakMebibytes();

/// Gives memory that is not in use back to the system, and lets peakMebibytes() start again from
/// what is resident then. Without it, what came before hides all that needs less. Throws a
/// std::runtime_error where the system does not offer it.
void resetPeak();

/// A path within the repository.
std::string repositoryPath(const std::string &path);
/// Where a network stands that is not in the repository but beside it (ACADLC_SHARED_DIR, by
/// default ../shared); the file may be missing.
std::string sharedNetwork(const std::string &name);

/// What is to be evaluated.
struct Job {
  std::string description; ///< path
  Selection selection;
  std::string workload; ///< path; empty: none
  std::string text;     ///< of a network that is no file
};

/// The session of \p job, everything read and the architecture built. Throws a std::runtime_error
/// with the diagnostics if there are errors.
std::unique_ptr<Session> load(const Job &job);

/// Reads the network of \p job, if it has one; false if there were errors.
bool loadNetwork(Session &session, const Job &job);

/// What keeps a session from going on, as text.
std::string problemsOf(const Session &session);

/// The std/systolic_array with \p size rows and columns.
Selection squareArray(std::int64_t size);

/// A network as streams: the program of every layer, those of layers that are the same once.
struct Streams {
  struct Entry {
    std::shared_ptr<const program::Program> program;
    std::int64_t count = 1; ///< of layers that have it
  };
  std::vector<Entry> entries;
  /// Of the whole network; none if nothing but the streams was made.
  std::optional<std::int64_t> cycles;
};
/// Those of the network or program that \p session has loaded. Throws as load() does. A network is
/// evaluated for that, which takes memory beyond the estimator's; a program is not.
Streams streamsOf(Session &session);

/// What the evaluation of several streams comes to.
struct Sum {
  std::int64_t cycles = 0; ///< layers that are the same counted as often as they occur
  std::int64_t instructions = 0, iterations = 0, evaluated = 0; ///< those counted once
  timing::Guarantee guarantee = timing::Guarantee::Exact;       ///< the weakest
};
Sum estimateAll(const arch::ArchitectureGraph &graph, const Streams &streams);

} // namespace acadlc::bench
