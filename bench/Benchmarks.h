/// \file
/// The benchmarks, a function for each group that registers them. docs/performance.md says what
/// they measure; scripts/bench makes its tables of their names and counters.
#pragma once

namespace acadlc::bench {

void registerHeadline();       ///< headline/…: AlexNet, at scalar level
void registerFullEvaluation(); ///< full_evaluation/…: every instruction, beside loops by hand
void registerGrowth();         ///< growth/…: trip counts, array sizes, layers
void registerPhases();         ///< phases/…: whole networks, by phase; networks/…: the estimator
void registerCommands();       ///< commands/…: the program from start to end
void registerReading();        ///< reading/…, reading_operators/…: long texts of networks

} // namespace acadlc::bench
