/// \file
/// Operands of instructions that expand, while loops within expansions go on: the operands stand
/// still, and what the loops hand on moves past them.
#pragma once

#include "backend/aidg/occupation/OccupationPlan.h"
#include "backend/aidg/occupation/OccupationState.h"
#include "backend/aidg/plan/AddressRanges.h"

#include <cstdint>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// Whether what moves meets what stands in the same way in every period of a jump.
///
/// An operand that stands (OccupationAccess::stands) is compared with the accesses of what is
/// handed on. It does not matter what comes out where who is handed on belongs to the operand's own
/// instruction, or to an older one: nobody waits for what it is a part of, and an instruction that
/// expands waits for nobody. Other comparisons come out alike if the bytes that an access touches
/// over all periods either all lie within the operand, or all beside it.
class StandingOperands {
public:
  /// A loop that goes on, of an expansion that is alive.
  struct Loop {
    std::uint32_t expansion = 0;
    std::size_t depth = 0;       ///< around the next instruction of its stream
    std::int64_t iterations = 0; ///< of a period
  };
  /// \p state: behind a period that recurred. \p addressShift: by class, bytes in a period. All
  /// must outlive this.
  StandingOperands(const OccupationPlan &plan, const OccupationState &state,
                   std::vector<Loop> loops, std::span<const std::int64_t> addressShift);

  /// Over the period that is past and \p periods more.
  [[nodiscard]] bool areMetAlike(std::int64_t periods) const;

private:
  struct Bytes {
    arch::ObjectId memory = arch::noObject;
    bool isWrite = false;
    FlightId root = none;             ///< the fetched instruction that they belong to
    std::int64_t age = 0;             ///< of that
    std::uint64_t hazardStations = 0; ///< that compare them
    AddressRange first;               ///< where their first byte can lie
    std::int64_t count = 0;
  };
  /// What is under way and moves; where it lies in this state.
  struct Moving {
    Bytes bytes;
    std::int64_t shift = 0; ///< in a period
  };

  [[nodiscard]] bool isUnderWay(FlightId flight) const;
  [[nodiscard]] FlightId rootOf(FlightId flight) const;
  [[nodiscard]] std::int64_t ageOf(FlightId root) const;
  [[nodiscard]] Bytes bytesOf(const OccupationInstruction &instruction,
                              const OccupationAccess &access, AddressRange first,
                              FlightId root) const;
  void findStanding();
  void findMoving();
  [[nodiscard]] bool isMetAlike(const Bytes &moving) const;
  [[nodiscard]] bool areMetAlike(const Loop &loop, std::int64_t periods) const;
  [[nodiscard]] bool areMetAlike(program::RegionId region, const AddressRanges &loops,
                                 const AddressRanges &bases, FlightId root) const;
  [[nodiscard]] bool areMetAlikeBy(std::uint32_t instruction, const AddressRanges &loops,
                                   const AddressRanges &bases, FlightId root) const;

  const OccupationPlan &plan_;
  const OccupationState &state_;
  std::vector<Loop> loops_;
  std::span<const std::int64_t> shift_;
  std::vector<Bytes> standing_; ///< of comparisons that matter
  std::vector<Moving> moving_;
};

} // namespace acadlc::aidg
