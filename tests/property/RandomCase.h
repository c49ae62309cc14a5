/// \file
/// Random small architectures with random programs, to compare evaluators on.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <string>

namespace acadlc::test {

/// What random cases may contain. A probability is in percent, 0 = never. The default is a tree
/// without contention: FORWARD edges form a tree, every memory has a slot for each of its clients.
struct Knobs {
  int mergingStages = 0;   ///< a stage gets a second predecessor
  int oldestFirst = 0;     ///< all stages and units arbitrate oldest first; deadlocks are possible
  int contendedMemory = 0; ///< a memory has fewer slots than clients, as few as one
  int orderedMemory = 0;   ///< a memory grants in program order
  int fetchFromData = 0;   ///< instructions come from a data memory
  int initiationInterval = 0; ///< a functional unit is pipelined
  int severalOperands = 0;    ///< a memory instruction has two operands
  int directOperands = 0;     ///< a functional unit's instruction has a memory operand, no request
  int caches = 0;             ///< a memory has a cache in front of it
  int drams = 0;              ///< a memory is a DRAM
  int sharedLower = 0;        ///< a memory below a cache has other clients: a second cache, units
  int branches = 0;           ///< an instruction is a branch
  int loops = 0;              ///< the program has loops
  int generalAddresses = 0;   ///< an address in a loop is not affine
  int writes = 40;            ///< a memory operand is written
  std::int64_t maxBufferRest = 6; ///< issue buffer beyond the fetch width
  std::int64_t maxOwnLatency = 9; ///< of an instruction that has its own
  /// An operand is one of a few tensors that lie one behind the other in a memory, without gaps
  /// that would keep them out of each other's lines and rows. The accesses to one tensor move
  /// alike.
  int tensors = 0;
  int maxPorts = 4, maxStages = 4, maxMemories = 3, maxWidth = 4, maxSets = 3;
  std::int64_t maxInstructions = 1200; ///< of the stream, if it has loops
  std::int64_t maxTrips = 200;
};

/// Trees without contention, straight programs: recurrences in program order are exact.
Knobs cleanKnobs();
/// Memories that merge, stages that do not.
Knobs contentionKnobs();
/// Everything that keeps program order at stages: no deadlock is possible.
Knobs defaultKnobs();
/// Loops over tensors behind caches and in DRAMs, which are so small that they wrap around.
Knobs streamKnobs();
/// Everything, oldest-first stages with deadlocks included.
Knobs allKnobs();

struct RandomCase {
  std::uint64_t seed = 0;
  arch::ArchitectureGraph graph;
  program::Program program;
};

/// The case of a seed: the same on every platform. timing::checkEvaluable holds for it.
RandomCase makeRandomCase(std::uint64_t seed, const Knobs &knobs);

/// Readable text for reports of failures.
std::string printCase(const RandomCase &randomCase);

} // namespace acadlc::test
