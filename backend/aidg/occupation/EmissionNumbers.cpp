#include "backend/aidg/occupation/EmissionNumbers.h"

#include <algorithm>

namespace acadlc::aidg {

EmissionNumbers::EmissionNumbers(const OccupationPlan &plan, const OccupationState &state,
                                 const std::vector<FlightId> &flights, std::size_t underWay)
    : ageSize_(std::size_t{plan.nesting} + 1), underWay_(underWay) {
  for (const FlightId id : flights) {
    const auto age = state.ages.begin() + static_cast<std::ptrdiff_t>(id * ageSize_);
    ages_.insert(ages_.end(), age, age + static_cast<std::ptrdiff_t>(ageSize_));
    emitted_.push_back(state.flights[id].emittedInPlace);
    levels_.push_back(state.flights[id].level);
  }
}

/// The name of who is under way with an age.
std::optional<std::size_t> EmissionNumbers::find(Age wanted) const {
  std::size_t low = 0, high = underWay_;
  while (low != high) {
    const std::size_t middle = low + (high - low) / 2;
    if (std::ranges::lexicographical_compare(age(middle), wanted))
      low = middle + 1;
    else
      high = middle;
  }
  if (low == underWay_ || !std::ranges::equal(age(low), wanted))
    return std::nullopt;
  return low;
}

/// Follows names from state to state.
class LaterNumbers {
public:
  LaterNumbers(const EmissionNumbers &before, const EmissionNumbers &now)
      : before_(before), now_(now), former_(now.emitted_.size()), place_(now.emitted_.size()) {}

  /// Finds who had which name before, and in whose place the others stand; false if such a place is
  /// not known any more.
  bool link() {
    for (std::size_t name = 0; name != former_.size(); ++name) {
      if (name < now_.underWay_)
        former_[name] = before_.find(now_.age(name));
      if (former_[name] || now_.levels_[name] == 0)
        continue;
      std::vector<std::int64_t> above(now_.age(name).begin(), now_.age(name).end());
      above[now_.levels_[name]] = 0;
      place_[name] = now_.find(above);
      if (!place_[name] && name < now_.underWay_)
        return false;
    }
    return true;
  }

  /// How many have been emitted in the place of \p name after \p periods.
  [[nodiscard]] std::int64_t emittedAfter(std::size_t name, std::int64_t periods) const {
    std::int64_t more = 0;
    for (; periods != 0 && former_[name]; --periods) {
      const std::int64_t inPeriod = now_.emitted_[name] - before_.emitted_[*former_[name]];
      if (*former_[name] == name)
        return now_.emitted_[name] + more + inPeriod * periods;
      more += inPeriod;
      name = *former_[name];
    }
    return now_.emitted_[name] + more;
  }

  [[nodiscard]] std::vector<std::int64_t> ageAfter(std::size_t name, std::int64_t periods) const {
    while (periods != 0 && former_[name] && *former_[name] != name) {
      name = *former_[name];
      --periods;
    }
    std::vector<std::int64_t> age(now_.age(name).begin(), now_.age(name).end());
    if (periods == 0 || former_[name] || !place_[name])
      return age;
    const std::size_t place = *place_[name];
    const std::uint32_t level = now_.levels_[name];
    const std::int64_t number = age[level] + emittedAfter(place, periods) - now_.emitted_[place];
    age = ageAfter(place, periods);
    age[level] = number;
    return age;
  }

private:
  const EmissionNumbers &before_, &now_;
  /// By name; none: it has come in the period.
  std::vector<std::optional<std::size_t>> former_;
  std::vector<std::optional<std::size_t>> place_; ///< by name, of those that have come
};

bool EmissionNumbers::later(const EmissionNumbers &before, std::int64_t periods,
                            std::vector<std::int64_t> &numbers) const {
  LaterNumbers later(before, *this);
  if (!later.link())
    return false;
  numbers.clear();
  for (std::size_t name = 0; name != emitted_.size(); ++name) {
    const std::vector<std::int64_t> age = later.ageAfter(name, periods);
    numbers.insert(numbers.end(), age.begin(), age.end());
    numbers.push_back(later.emittedAfter(name, periods));
  }
  return true;
}

void EmissionNumbers::set(const OccupationPlan &plan, OccupationState &state,
                          const std::vector<FlightId> &flights,
                          const std::vector<std::int64_t> &numbers) {
  const std::size_t ageSize = std::size_t{plan.nesting} + 1;
  auto number = numbers.begin();
  for (const FlightId id : flights) {
    for (std::size_t level = 0; level != ageSize; ++level)
      state.ages[id * ageSize + level] = *number++;
    state.flights[id].emittedInPlace = *number++;
  }
}

} // namespace acadlc::aidg
