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

StateRecurrence::Result StateRecurrence::compare(std::int64_t cyclesPerPeriod, std::int64_t loopEnd,
                                                 const AddressShifts &shifts,
                                                 const arch::ArchitectureGraph &graph) const {
  const std::size_t usable = countUsable(loopEnd);
  if (usable < 2)
    return {0, {}, "but the loop ends before a second period"};
  int equalPairs = 0; // that follow one another
  std::optional<Difference> difference;
  for (std::size_t i = 0; i + 1 < usable; ++i) {
    const StateSnapshot &a = snapshots_[i], &b = snapshots_[i + 1];
    if (b.time - a.time != cyclesPerPeriod)
      return {0,
              fmt::format("instruction {} arrives {} cycles behind {}, not {}", b.index,
                          b.time - a.time, a.index, cyclesPerPeriod),
              {}};
    difference = findDifference(a, b, shifts, graph);
    equalPairs = difference ? 0 : equalPairs + 1;
    if (!difference && i > 0)
      break;
  }
  if (!difference)
    return {equalPairs + 1, {}, {}};
  if (usable > 2 && !difference->isContents)
    return {0, difference->text, {}};
  return {0, {}, difference->text};
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
    return Difference{where + *part};
  const arch::ObjectId storage = differingContents(a, b, shifts.bytes(), graph);
  if (storage == arch::noObject)
    return std::nullopt;
  return Difference{where + "the contents of '" + graph.objects[storage].name + "'", true};
}

} // namespace acadlc::simulate
