/// \file
/// Whether the states recur in which the periods of a certificate begin.
#pragma once

#include "backend/simulate/StateSnapshot.h"
#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::simulate {

/// By how many bytes the addresses of a period lie behind those of the one before, by object.
class AddressShifts {
public:
  explicit AddressShifts(const arch::ArchitectureGraph &graph);

  /// Whether a storage with state serves \p operand.
  [[nodiscard]] bool counts(const program::MemoryOperand &operand) const;
  /// Accesses to \p storage, or one below it, lie \p bytes behind those a period before. Where
  /// accesses move differently it counts as unmoved.
  void add(arch::ObjectId storage, std::int64_t bytes);
  [[nodiscard]] const std::vector<std::int64_t> &bytes() const { return bytes_; }

private:
  const arch::ArchitectureGraph &graph_;
  std::vector<std::int64_t> bytes_;
  std::vector<bool> isKnown_;
};

/// The states at the begins of periods, in their order.
class StateRecurrence {
public:
  void add(const StateSnapshot &snapshot) { snapshots_.push_back(snapshot); }
  [[nodiscard]] bool isEmpty() const { return snapshots_.empty(); }

  /// What came out of comparing.
  struct Result {
    int equalStates = 0; ///< that were compared and are; meaningless if anything else is said
    std::string failure; ///< they differ though they must not
    std::string doubt;   ///< why nothing is shown by them
  };
  struct Expected {
    std::int64_t instructionsPerPeriod = 1, cyclesPerPeriod = 0;
    /// States count in which what the fetch brought is in front of this instruction.
    std::int64_t loopEnd = 0;
    bool streamEnds = false; ///< there, and not only the loop
    /// How many states there are if the loop is long enough; none: it is limited in any case.
    std::optional<std::size_t> states;
  };
  /// Compares the states of neighbouring periods, which have to lie the cycles of a period apart;
  /// all others have to lie that much for each period apart.
  ///
  /// A state may hold what can delay nobody: an older instruction in a unit that is free before
  /// anybody can get there. A state may also hold instructions from before the loop, in the place
  /// of others that take the same time. Both go some periods later. So it is enough, with all times
  /// equal, that the states at the begins of two neighbouring periods agree. If none do because the
  /// loop ends before, that shows nothing.
  [[nodiscard]] Result compare(const Expected &expected, const AddressShifts &shifts,
                               const arch::ArchitectureGraph &graph) const;

private:
  struct Difference {
    enum class Kind : std::uint8_t {
      State,
      Others,   ///< as many instructions, but others, perhaps from before the loop
      Contents, ///< of a cache or DRAM: lines that nobody asks for need not recur
    };
    std::string text;
    Kind kind = Kind::State;
  };
  [[nodiscard]] std::size_t countUsable(std::int64_t loopEnd) const;
  [[nodiscard]] static std::optional<Difference>
  findDifference(const StateSnapshot &a, const StateSnapshot &b, const AddressShifts &shifts,
                 const arch::ArchitectureGraph &graph);

  std::vector<StateSnapshot> snapshots_;
};

} // namespace acadlc::simulate
