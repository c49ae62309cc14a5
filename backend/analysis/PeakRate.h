/// \file
/// How much an architecture can compute at most.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace acadlc::analysis {

/// The most multiply-accumulates that the units of an architecture can do in a cycle:
///
///     Σ over units  max over operations of the unit  macs of the operation / cycles it occupies
///                                                    the unit
///
/// A unit that states its peak counts with that. Else an operation whose macs depend on its
/// operands counts with the best of the instructions that it was given; an operation without macs
/// counts nothing. So a unit that only a network of another kind would use counts too if what its
/// operations do is known without a network.
class PeakRate {
public:
  /// Takes note of an operation whose macs or time depend on operands.
  void addOpen(std::string operation) { open_.insert(std::move(operation)); }
  /// Takes note of an instruction that the architecture can execute. Its unit's latency is meant if
  /// \p hasOwnLatency is false.
  void add(const program::Instruction &instruction, bool hasOwnLatency = true);
  void add(const program::Program &program);

  [[nodiscard]] double macsPerCycle(const arch::ArchitectureGraph &graph) const;
  /// Whether another network could have another peak: a unit that does not state its own has an
  /// operation whose macs or time depend on operands.
  [[nodiscard]] bool dependsOnNetwork(const arch::ArchitectureGraph &graph) const;

private:
  struct Work {
    std::int64_t macs = 0, latency = 1;
    bool hasOwnLatency = true;
    std::vector<program::Phase> phases;
    friend bool operator==(const Work &, const Work &) = default;
  };
  [[nodiscard]] static std::int64_t cyclesBetween(const arch::ArchitectureGraph &graph,
                                                  const arch::Object &unit, const Work &work);
  [[nodiscard]] double bestOf(const arch::ArchitectureGraph &graph, const arch::Object &unit) const;
  std::map<std::string, std::vector<Work>> works_; ///< by operation, each once
  std::set<std::string> open_;
};

} // namespace acadlc::analysis
