#include "backend/simulate/StateRecurrence.h"

#include <fmt/format.h>

namespace acadlc::simulate {

//===--- Addresses ----------------------------------------------------------------------------===//

AddressShifts::AddressShifts(const arch::ArchitectureGraph &graph)
    : graph_(graph), bytes_(graph.objects.size(), 0), isKnown_(graph.objects.size(), false) {}

bool AddressShifts::counts(const program::MemoryOperand &operand) const {
  return operand.storage != arch::noObject &&
         graph_.objects[operand.storage].objectClass != arch::ObjectClass::SRAM;
}

void AddressShifts::add(arch::ObjectId storage, std::int64_t bytes) {
  for (; storage != arch::noObject; storage = graph_.objects[storage].lower) {
    bytes_[storage] = !isKnown_[storage] || bytes_[storage] == bytes ? bytes : 0;
    isKnown_[storage] = true;
  }
}

//===--- States -------------------------------------------------------------------------------===//

StateRecurrence::Result StateRecurrence::compare(const Expected &expected,
                                                 const AddressShifts &shifts,
                                                 const arch::ArchitectureGraph &graph) const {
  const std::size_t usable = countUsable(expected.loopEnd);
  if (usable < 2)
    return {0, {}, "but the loop ends before a second period"};
  int equalPairs = 0; // that follow one another
  std::optional<Difference> difference;
  bool isShown = false; ///< by states that would have to be equal
  for (std::size_t i = 0; i + 1 < usable; ++i) {
    const StateSnapshot &a = snapshots_[i], &b = snapshots_[i + 1];
    const std::int64_t periods = (b.index - a.index) / expected.instructionsPerPeriod;
    if (b.time - a.time != periods * expected.cyclesPerPeriod)
      return {0,
              fmt::format("instruction {} arrives {} cycles behind {}, not {}", b.index,
                          b.time - a.time, a.index, periods * expected.cyclesPerPeriod),
              {}};
    if (periods != 1)
      continue; // other pairs are between them
    // At its end a stream has nothing left to fetch.
    const bool isLast = expected.streamEnds && i + 2 == usable;
    const std::optional<Difference> found = findDifference(a, b, shifts, graph);
    equalPairs = found ? 0 : equalPairs + 1;
    if (!found || !isLast || !difference)
      difference = found;
    isShown = isShown || (i > 0 && !isLast);
    if (!difference && i > 0)
      break;
  }
  if (!difference)
    return {equalPairs + 1, {}, {}};
  if (difference->kind == Difference::Kind::Contents)
    return {0, {}, difference->text};
  const bool isShort = usable != expected.states;
  if (isShown && !(isShort && difference->kind == Difference::Kind::Others))
    return {0, difference->text, {}};
  return {0, {}, "but the loop ends before its states are equal: " + difference->text};
}

/// How many of the first states are of the loop and have the same instructions arrive as the first.
std::size_t StateRecurrence::countUsable(std::int64_t loopEnd) const {
  std::size_t usable = 0;
  for (; usable < snapshots_.size(); ++usable) {
    const StateSnapshot &snapshot = snapshots_[usable];
    const auto arrived = static_cast<std::int64_t>(snapshot.arrived.size());
    if (snapshot.index + arrived > loopEnd || snapshot.arrived != snapshots_.front().arrived)
      break;
  }
  return usable;
}

std::optional<StateRecurrence::Difference>
StateRecurrence::findDifference(const StateSnapshot &a, const StateSnapshot &b,
                                const AddressShifts &shifts, const arch::ArchitectureGraph &graph) {
  const std::string where =
      fmt::format("the states at instructions {} and {} differ: ", a.index, b.index);
  if (const auto part = differingPart(a, b))
    return Difference{where + *part, a.flights != b.flights && a.flights.size() == b.flights.size()
                                         ? Difference::Kind::Others
                                         : Difference::Kind::State};
  const arch::ObjectId storage = differingContents(a, b, shifts.bytes(), graph);
  if (storage == arch::noObject)
    return std::nullopt;
  return Difference{where + "the contents of '" + graph.objects[storage].name + "'",
                    Difference::Kind::Contents};
}

} // namespace acadlc::simulate
