/// \file
/// Random small architectures and programs with everything that docs/timing.md, "Instructions of
/// several occupations", describes, to compare evaluators on.
#pragma once

#include "tests/property/RandomCase.h"

#include <cstdint>
#include <string>

namespace acadlc::test {

/// What random cases may contain, in percent; 0 = never.
struct OccupationKnobs {
  int queues = 60;          ///< an object on a route is a queue or station
  int stations = 50;        ///< a queue is a reservation station
  int classTables = 30;     ///< a queue has entries by class
  int hazards = 70;         ///< a station has hazards
  int phases = 70;          ///< an operation has phases
  int holdings = 25;        ///< a phase holds something
  int foreignUnits = 8;     ///< a phase lies on another unit
  int channels = 70;        ///< there are channels
  int orderedChannels = 25; ///< a channel with program order, of those without another order
  int together = 40;        ///< a message goes in lock step
  int steps = 30;           ///< a unit has steps
  int afterStep = 15;       ///< a phase of such a unit awaits a step
  int expansions = 50;      ///< there are units that expand
  int nested = 40;          ///< two of them behind one another
  int concurrent = 40;      ///< such a unit expands several instructions at once
  int limits = 50;          ///< an expansion has a limit
  int oldestFirst = 30;     ///< stages and units where instructions meet take the oldest that waits
  int orderedMemory = 15;   ///< a memory grants in program order
  int dependences = 60;     ///< an instruction has registers; memory operands likewise
  int longLoops = 0;        ///< a loop of the fetched stream runs often; accesses then mostly move
                            ///< together
  int longExpansions = 0;   ///< so does one of what an instruction expands to
  int walkedOperands = 0;   ///< what is emitted goes through an operand of its emitter; with
                            ///< longExpansions only
  std::int64_t maxInstructions = 1200; ///< of programs with long loops, emitted ones included
};

/// The case of a seed: the same on every platform. Routes, tables and credits are consistent.
RandomCase makeOccupationCase(std::uint64_t seed, const OccupationKnobs &knobs);

/// Readable text for reports of failures.
std::string printOccupationCase(const RandomCase &randomCase);

} // namespace acadlc::test
