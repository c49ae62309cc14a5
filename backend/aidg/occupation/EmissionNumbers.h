/// \file
/// The numbers of what is emitted: ages, and how many have been emitted in whose place. Decisions
/// depend on their order alone, so states that differ in them recur; behind a jump they have to be
/// what they would have become.
#pragma once

#include "backend/aidg/occupation/OccupationPlan.h"
#include "backend/aidg/occupation/OccupationState.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// The numbers of the instructions of one state, by name (OccupationNormalForm::named).
class EmissionNumbers {
public:
  EmissionNumbers() = default;
  /// \p underWay: how many of \p flights are under way; these come first, by age.
  EmissionNumbers(const OccupationPlan &plan, const OccupationState &state,
                  const std::vector<FlightId> &flights, std::size_t underWay);

  /// Writes to \p numbers what they are \p periods periods later, if one period leads from the
  /// state of \p before to this one and both states have one form; false if that cannot be told.
  ///
  /// Who was under way before keeps its age under another name, or under the same one. Who was
  /// handed on in the period stands in somebody's place, at one distance from the last one there.
  [[nodiscard]] bool later(const EmissionNumbers &before, std::int64_t periods,
                           std::vector<std::int64_t> &numbers) const;

  /// Gives \p flights, in \p state, the \p numbers that later() has written.
  static void set(const OccupationPlan &plan, OccupationState &state,
                  const std::vector<FlightId> &flights, const std::vector<std::int64_t> &numbers);

private:
  using Age = std::span<const std::int64_t>;
  [[nodiscard]] Age age(std::size_t name) const {
    return Age(ages_).subspan(name * ageSize_, ageSize_);
  }
  [[nodiscard]] std::optional<std::size_t> find(Age age) const;

  std::size_t ageSize_ = 1, underWay_ = 0;
  std::vector<std::int64_t> ages_;    ///< ageSize_ for each
  std::vector<std::int64_t> emitted_; ///< in its place
  std::vector<std::uint32_t> levels_;

  friend class LaterNumbers;
};

} // namespace acadlc::aidg
