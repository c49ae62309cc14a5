#include "backend/aidg/occupation/StandingOperands.h"

#include <algorithm>
#include <utility>

namespace acadlc::aidg {

StandingOperands::StandingOperands(const OccupationPlan &plan, const OccupationState &state,
                                   std::vector<Loop> loops,
                                   std::span<const std::int64_t> addressShift)
    : plan_(plan), state_(state), loops_(std::move(loops)), shift_(addressShift) {
  findStanding();
  if (!standing_.empty())
    findMoving();
}

bool StandingOperands::isUnderWay(FlightId flight) const {
  const OccupationFlight &one = state_.flights[flight];
  return one.id != none && one.underWay && (one.visible & bit(program::completedEvent)) == 0;
}

FlightId StandingOperands::rootOf(FlightId flight) const {
  while (state_.flights[flight].expansion != none)
    flight = state_.expansions[state_.flights[flight].expansion].flight;
  return flight;
}

std::int64_t StandingOperands::ageOf(FlightId root) const {
  return state_.ages[root * (std::size_t{plan_.nesting} + 1)];
}

StandingOperands::Bytes StandingOperands::bytesOf(const OccupationInstruction &instruction,
                                                  const OccupationAccess &access,
                                                  AddressRange first, FlightId root) const {
  return {access.memory, access.isWrite, root, ageOf(root), instruction.hazardStations,
          first,         access.bytes};
}

/// Those that are older than something that is handed on, or that a station may compare with it.
void StandingOperands::findStanding() {
  std::int64_t youngest = -1;
  for (const Loop &loop : loops_)
    youngest = std::max(youngest, ageOf(rootOf(state_.expansions[loop.expansion].flight)));
  for (FlightId id = 1; id != state_.flights.size(); ++id) {
    if (!isUnderWay(id) || state_.flights[id].expansion != none)
      continue;
    const OccupationInstruction &instruction = plan_.instructions[state_.flights[id].id];
    if (ageOf(id) >= youngest && instruction.hazardStations == 0)
      continue;
    for (std::uint32_t i = 0; i != instruction.accesses.count; ++i) {
      const OccupationAccess &access = plan_.accesses[instruction.accesses.first + i];
      const std::int64_t low = state_.addresses[id * std::size_t{plan_.maxAccesses} + i];
      if (access.stands && access.tracked)
        standing_.push_back(bytesOf(instruction, access, {low, low}, id));
    }
  }
}

void StandingOperands::findMoving() {
  for (FlightId id = 1; id != state_.flights.size(); ++id) {
    if (!isUnderWay(id))
      continue;
    const OccupationInstruction &instruction = plan_.instructions[state_.flights[id].id];
    for (std::uint32_t i = 0; i != instruction.accesses.count; ++i) {
      const OccupationAccess &access = plan_.accesses[instruction.accesses.first + i];
      const std::int64_t low = state_.addresses[id * std::size_t{plan_.maxAccesses} + i];
      if (access.tracked && shift_[access.addressClass] != 0)
        moving_.push_back(
            {bytesOf(instruction, access, {low, low}, rootOf(id)), shift_[access.addressClass]});
    }
  }
}

bool StandingOperands::areMetAlike(std::int64_t periods) const {
  if (standing_.empty())
    return true;
  const auto isAlike = [&](const Moving &one) {
    Bytes swept = one.bytes;
    swept.first = swept.first + AddressRange{-1, periods} * AddressRange{one.shift, one.shift};
    return isMetAlike(swept);
  };
  return std::ranges::all_of(moving_, isAlike) &&
         std::ranges::all_of(loops_, [&](const Loop &loop) { return areMetAlike(loop, periods); });
}

/// Whether all that \p moving lies at meets each of what stands in one way, if that matters.
bool StandingOperands::isMetAlike(const Bytes &moving) const {
  const AddressRange bytes{moving.count, moving.count};
  const std::int64_t end = (moving.first + bytes).high;
  return std::ranges::none_of(standing_, [&](const Bytes &one) {
    if (one.memory != moving.memory || (!one.isWrite && !moving.isWrite))
      return false;
    const bool isAwaited = one.root != moving.root && one.age < moving.age;
    if (!isAwaited && (one.hazardStations & moving.hazardStations) == 0)
      return false;
    const std::int64_t low = one.first.low, high = low + one.count;
    const bool isBeside = end <= low || high <= moving.first.low;
    const bool isWithin = low <= moving.first.low && end <= high;
    return !isBeside && !isWithin;
  });
}

/// The same for what \p loop hands on.
bool StandingOperands::areMetAlike(const Loop &loop, std::int64_t periods) const {
  const Expansion &expansion = state_.expansions[loop.expansion];
  std::vector<program::InstructionStream::Loop> around;
  expansion.stream.findLoops(around);
  AddressRanges values;
  for (std::size_t depth = 0; depth != loop.depth; ++depth)
    values.push_back(valuesOf(plan_.program->repeats[around[depth].repeat], around[depth].iteration,
                              around[depth].iteration));
  const program::Repeat &repeat = plan_.program->repeats[around[loop.depth].repeat];
  const std::int64_t now = around[loop.depth].iteration;
  // Instructions of earlier iterations may still be expanded themselves.
  const std::int64_t first = plan_.nesting > 1 ? 0 : now - loop.iterations;
  values.push_back(valuesOf(repeat, first, now + loop.iterations * periods));
  const OccupationInstruction &emitter = plan_.instructions[state_.flights[expansion.flight].id];
  AddressRanges bases;
  for (std::uint32_t i = 0; i != emitter.accesses.count; ++i) {
    const std::int64_t low =
        state_.addresses[expansion.flight * std::size_t{plan_.maxAccesses} + i];
    bases.push_back({low, low});
  }
  return areMetAlike(repeat.body, values, bases, rootOf(expansion.flight));
}

bool StandingOperands::areMetAlike(program::RegionId region, const AddressRanges &loops,
                                   const AddressRanges &bases, FlightId root) const {
  const auto &steps = plan_.program->regions[region].steps;
  return std::ranges::all_of(steps, [&](const program::Step &step) {
    if (step.kind == program::Step::Kind::Emit)
      return areMetAlikeBy(step.index, loops, bases, root);
    const program::Repeat &repeat = plan_.program->repeats[step.index];
    if (repeat.count <= 0)
      return true;
    AddressRanges inner = loops;
    inner.push_back(valuesOf(repeat, 0, repeat.count - 1));
    return areMetAlike(repeat.body, inner, bases, root);
  });
}

/// The same for \p instruction and what it expands to.
bool StandingOperands::areMetAlikeBy(std::uint32_t instruction, const AddressRanges &loops,
                                     const AddressRanges &bases, FlightId root) const {
  const OccupationInstruction &planned = plan_.instructions[instruction];
  AddressRanges own;
  for (const OccupationAccess &access : planned.accesses.of(plan_.accesses)) {
    AddressRange first = rangeOf(*plan_.program, access.operand->address, loops);
    if (access.operand->base)
      first = first + bases[*access.operand->base];
    own.push_back(first);
    const bool moves = access.tracked && shift_[access.addressClass] != 0;
    if (moves && !isMetAlike(bytesOf(planned, access, first, root)))
      return false;
  }
  return std::ranges::all_of(planned.phases.of(plan_.phases), [&](const OccupationPhase &phase) {
    return phase.kind != program::Phase::Kind::Expansion || areMetAlike(phase.body, {}, own, root);
  });
}

} // namespace acadlc::aidg
