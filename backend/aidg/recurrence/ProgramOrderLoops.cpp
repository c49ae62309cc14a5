/// \file
/// How ProgramOrderEvaluator goes through loops without evaluating every trip.
#include "backend/aidg/plan/AddressClasses.h"
#include "backend/aidg/plan/Recurrence.h"
#include "backend/aidg/recurrence/Drift.h"
#include "backend/aidg/recurrence/ProgramOrderEvaluator.h"

#include <algorithm>
#include <unordered_map>

namespace acadlc::aidg {

namespace {

/// Numbers of a state that may be compared for each instruction evaluated: comparing must not cost
/// more than evaluating.
constexpr std::int64_t numbersPerInstruction = 64;
/// States of one run through a loop that are kept; behind them only landmarks are.
constexpr std::size_t mostVisits = std::size_t{1} << 16;
/// Longest period of a drift that is looked for, in units, and most instructions that are evaluated
/// to prove one.
constexpr std::size_t longestDriftPeriod = 16;
constexpr std::int64_t mostDriftInstructions = std::int64_t{1} << 16;
/// States that are looked at in one run through a loop with addresses before the search is given
/// up.
constexpr std::size_t mostOffers = std::size_t{1} << 17;

std::int64_t multiplied(std::int64_t periods, std::int64_t cycles) {
  std::int64_t total = 0;
  if (__builtin_mul_overflow(periods, cycles, &total) || total > timeLimit)
    throw TimeOverflow{};
  return total;
}

} // namespace

//===--- The present state --------------------------------------------------------------------===//

/// The number of the present state; noState if the table is full.
StateId ProgramOrderEvaluator::currentState() {
  if (known_ != noState)
    return known_;
  state_.normalise();
  key_.clear();
  state_.appendTimes(key_);
  known_ = table_->intern(key_);
  arrival_ = state_.arrival();
  return known_;
}

void ProgramOrderEvaluator::load() {
  if (isLoaded_)
    return;
  state_.loadTimes(table_->state(known_), arrival_);
  isLoaded_ = true;
}

/// Leaves out trips of a loop.
void ProgramOrderEvaluator::skip(const Body &body, std::int64_t trips, std::int64_t cycles) {
  arrival_ += cycles;
  if (arrival_ > timeLimit)
    throw TimeOverflow{};
  isLoaded_ = false;
  index_ += trips * body.instructions;
  hasSkipped_ = true;
}

//===--- What a body is -----------------------------------------------------------------------===//

BodyId ProgramOrderEvaluator::instructionId(std::uint32_t id) {
  std::optional<BodyId> &known = instructionIds_[id];
  if (known)
    return *known;
  const FlatInstruction &flat = flat_->instructions[id];
  std::vector<std::int64_t> content{0,
                                    flat.objectCount,
                                    flat.readCount,
                                    flat.writeCount,
                                    flat.latency,
                                    flat.occupation,
                                    flat.isBranch ? 1 : 0};
  for (std::uint32_t i = 0; i != flat.placeCount(); ++i)
    content.push_back(flat_->places[flat.firstPlace + i]);
  for (std::uint32_t i = 0; i != flat.accessCount; ++i) {
    const FlatAccess &access = flat_->accesses[flat.firstAccess + i];
    content.insert(content.end(), {access.requests, access.slots, access.slotEnd, access.groupGrant,
                                   access.service,
                                   (access.merges ? 1 : 0) + (access.inProgramOrder ? 2 : 0) +
                                       (access.takesSlot ? 4 : 0) + (access.hasGroup ? 8 : 0)});
  }
  known = table_->internBody(std::move(content));
  return *known;
}

BodyId ProgramOrderEvaluator::regionId(program::RegionId region) {
  if (regionIds_[region])
    return *regionIds_[region];
  std::vector<std::int64_t> content{1};
  for (const program::Step &step : plan_->program->regions[region].steps) {
    if (step.kind == program::Step::Kind::Emit) {
      content.insert(content.end(), {0, instructionId(step.index)});
    } else if (!plan_->repeats[step.index].isEmpty) {
      const program::Repeat &repeat = plan_->program->repeats[step.index];
      content.insert(content.end(), {1, regionId(repeat.body), repeat.count});
    }
  }
  const BodyId id = table_->internBody(std::move(content));
  regionIds_[region] = id;
  return id;
}

ProgramOrderEvaluator::Body &ProgramOrderEvaluator::bodyOf(std::uint32_t index) {
  Body &body = bodies_[index];
  if (body.unit)
    return body;
  const program::RegionId region = plan_->program->repeats[index].body;
  for (const program::Step &step : plan_->program->regions[region].steps) {
    if (step.kind == program::Step::Kind::Emit) {
      ++body.instructions;
      continue;
    }
    if (plan_->repeats[step.index].isEmpty)
      continue;
    const program::Repeat &inner = plan_->program->repeats[step.index];
    const Body &below = bodyOf(step.index);
    body.instructions += inner.count * below.instructions;
    body.kernelIterations += inner.count * below.kernelIterations;
  }
  if (plan_->repeats[index].isKernel)
    body.kernelIterations = 1;
  const auto numbers = static_cast<std::int64_t>(flat_->layout.size);
  const std::int64_t comparable = body.instructions * numbersPerInstruction;
  body.trips = std::max<std::int64_t>(1, (numbers + comparable - 1) / comparable);
  body.unit = table_->internBody({2, regionId(region), body.trips});
  return body;
}

//===--- Loops without addresses --------------------------------------------------------------===//

void ProgramOrderEvaluator::Run::clear() {
  visited.clear();
  path.clear();
  nextDrift = 4;
}

void ProgramOrderEvaluator::repeatByTransitions(std::uint32_t index) {
  const program::Repeat &repeat = plan_->program->repeats[index];
  const Body body = bodyOf(index);
  Run &run = runs_[repeat.depth];
  run.clear();
  Visit now;
  while (repeat.count - now.trip >= body.trips) {
    now = {currentState(), now.trip, arrival(), index_};
    if (now.state == noState || run.visited.size() >= mostVisits) {
      repeatByLandmarks(index, now.trip);
      return;
    }
    if (jumpByRecurrence(index, now) || jumpByDrift(index, run, now))
      continue;
    if (const TransitionTable::Transition *known = table_->find(*body.unit, now.state)) {
      known_ = known->to;
      skip(body, body.trips, known->cycles);
    } else {
      evaluateTrips(index, now.trip, body.trips);
      if (const StateId to = currentState(); to != noState)
        table_->add(*body.unit, now.state, {to, arrival() - now.arrival});
    }
    now.trip += body.trips;
  }
  evaluateTrips(index, now.trip, repeat.count - now.trip);
}

/// Whether the loop has been in the present state before; then it leaves out all whole periods.
bool ProgramOrderEvaluator::jumpByRecurrence(std::uint32_t index, Visit &now) {
  const program::Repeat &repeat = plan_->program->repeats[index];
  Run &run = runs_[repeat.depth];
  const auto [entry, isNew] = run.visited.try_emplace(now.state, now);
  if (isNew) {
    run.path.push_back(now);
    if (run.path.size() > 2 * longestDriftPeriod + 1)
      run.path.pop_front();
    return false;
  }
  const Visit &before = entry->second;
  const std::int64_t period = now.trip - before.trip;
  const std::int64_t periods = (repeat.count - now.trip) / period;
  if (periods == 0)
    return false;
  const std::int64_t cycles = now.arrival - before.arrival;
  certify({repeat.range, before.trip, period, cycles, before.index, now.index - before.index});
  skip(bodies_[index], periods * period, multiplied(periods, cycles));
  now.trip += periods * period;
  return true;
}

bool ProgramOrderEvaluator::jumpByDrift(std::uint32_t index, Run &run, Visit &now) {
  const program::Repeat &repeat = plan_->program->repeats[index];
  const Body &body = bodies_[index];
  const TransitionTable::KnownDrift *known = table_->findDrift(*body.unit, now.state);
  if (known == nullptr) {
    if (auto found = findDrift(index, run, now)) {
      table_->addDrift(*body.unit, now.state, std::move(*found));
      known = table_->findDrift(*body.unit, now.state);
    }
  }
  if (known == nullptr)
    return false;
  const std::int64_t period = known->iterations;
  const std::int64_t periods = std::min(known->periods, (repeat.count - now.trip) / period);
  if (periods < 1)
    return false;
  certify({repeat.range, now.trip, period, known->step[TimeLayout::arrival], now.index,
           period * body.instructions, periods, true});
  load();
  drift(*known, periods);
  index_ += periods * period * body.instructions;
  now.trip += periods * period;
  run.path.clear();
  return true;
}

/// Looks for a period by which the last two times moved alike, and proves that it goes on.
std::optional<TransitionTable::KnownDrift>
ProgramOrderEvaluator::findDrift(std::uint32_t index, Run &run, const Visit &now) {
  const Body &body = bodies_[index];
  if (run.path.empty() || now.trip / body.trips < run.nextDrift)
    return std::nullopt;
  const std::size_t last = run.path.size() - 1;
  for (std::size_t units = 1; units <= longestDriftPeriod && 2 * units <= last; ++units) {
    const Visit &middle = run.path[last - units];
    const Visit &first = run.path[last - 2 * units];
    const std::int64_t cycles = now.arrival - middle.arrival;
    if (cycles != middle.arrival - first.arrival)
      continue;
    const auto a = table_->state(first.state), b = table_->state(middle.state),
               c = table_->state(now.state);
    std::size_t i = 1;
    while (i != c.size() && c[i] - b[i] == b[i] - a[i])
      ++i;
    if (i != c.size() || a[0] != c[0] || b[0] != c[0])
      continue;
    TransitionTable::KnownDrift drift;
    drift.iterations = static_cast<std::int64_t>(units) * body.trips;
    if (drift.iterations > mostDriftInstructions / body.instructions)
      continue;
    std::vector<std::int64_t> values;
    for (i = 1; i != c.size(); ++i) {
      values.push_back(c[i] + now.arrival);
      drift.step.push_back(c[i] - b[i] + cycles);
    }
    evaluatedIterations_ += drift.iterations * body.kernelIterations;
    evaluated_ += drift.iterations * body.instructions;
    const auto periods = proveDrift(*flat_, *plan_->program, plan_->program->repeats[index].body,
                                    drift.iterations, {values, c[0], drift.step});
    if (periods && *periods > 1) {
      drift.periods = *periods;
      return drift;
    }
    // Failures may cost a part of what is evaluated anyway.
    run.nextDrift = now.trip / body.trips + 4 * static_cast<std::int64_t>(units) + 4;
    return std::nullopt;
  }
  return std::nullopt;
}

void ProgramOrderEvaluator::drift(const TransitionTable::KnownDrift &drift, std::int64_t periods) {
  state_.times.storeIssues();
  for (std::size_t place = 0; place != drift.step.size(); ++place) {
    std::int64_t &time = state_.times.values[place];
    std::int64_t moved = 0;
    if (__builtin_mul_overflow(periods, drift.step[place], &moved) ||
        __builtin_add_overflow(time, moved, &time) || time > timeLimit)
      throw TimeOverflow{};
  }
  state_.times.takeIssues();
  known_ = noState;
}

/// The rest of a run that has come through too many states to keep them: each is compared with one,
/// which is replaced whenever the trips have doubled (Brent's method).
void ProgramOrderEvaluator::repeatByLandmarks(std::uint32_t index, std::int64_t trip) {
  const program::Repeat &repeat = plan_->program->repeats[index];
  const Body body = bodyOf(index);
  std::vector<std::int64_t> landmark;
  Visit marked;
  bool isSearching = true;
  while (trip != repeat.count) {
    load();
    if (isSearching) {
      state_.normalise();
      key_.clear();
      state_.appendTimes(key_);
      if (key_ == landmark) {
        const std::int64_t period = trip - marked.trip;
        const std::int64_t periods = (repeat.count - trip) / period;
        const std::int64_t cycles = state_.arrival() - marked.arrival;
        if (periods != 0) {
          certify({repeat.range, marked.trip, period, cycles, marked.index, index_ - marked.index});
          state_.shift(multiplied(periods, cycles), {});
          known_ = noState;
          trip += periods * period;
          index_ += periods * period * body.instructions;
        }
        isSearching = false;
        continue;
      }
      if (landmark.empty() || trip >= 2 * marked.trip) {
        landmark = key_;
        marked = {noState, trip, state_.arrival(), index_};
      }
    }
    const std::int64_t trips = std::min(body.trips, repeat.count - trip);
    evaluateTrips(index, trip, trips);
    trip += trips;
  }
}

//===--- Loops with addresses -----------------------------------------------------------------===//

void ProgramOrderEvaluator::repeatByShift(std::uint32_t index) {
  const program::Repeat &repeat = plan_->program->repeats[index];
  const RepeatFacts &facts = plan_->repeats[index];
  bool isSearching = true;
  RecurrenceSearch search;
  std::unordered_map<std::int64_t, Visit> marks;
  std::vector<std::int64_t> key;
  std::vector<std::int64_t> shift(facts.stride.size());
  const auto shiftBy = [&](std::int64_t trips) {
    for (std::size_t space = 0; space != shift.size(); ++space)
      shift[space] = facts.stride[space] * trips;
  };
  std::int64_t evaluatedBefore = evaluated_;
  for (std::int64_t trip = 0; trip < repeat.count;) {
    evaluateTrips(index, trip++, 1);
    const bool isDue = (evaluated_ - evaluatedBefore) * numbersPerInstruction >=
                       static_cast<std::int64_t>(key.size());
    if (!isSearching || !isDue || trip == repeat.count || !facts.isWorthComparing(trip) ||
        lastInOwnBlocks(*plan_, index, loopValues_, trip) < trip)
      continue;
    isSearching = marks.size() < mostOffers;
    evaluatedBefore = evaluated_;
    key.assign(1, trip - facts.wholePeriods(trip));
    shiftBy(facts.wholePeriods(trip));
    state_.normalise();
    state_.appendTimes(key);
    state_.appendAddresses(shift, key);
    const Visit now{noState, trip, state_.arrival(), index_};
    marks.emplace(trip, now);
    const std::optional<std::int64_t> earlier = search.offer(trip, key);
    if (!earlier)
      continue;
    // The state recurs: every later period of trips costs the same, as long as accesses do not come
    // to blocks that do not move with them.
    isSearching = false;
    const Visit &before = marks.at(*earlier);
    const std::int64_t period = trip - before.trip;
    const std::int64_t cycles = now.arrival - before.arrival;
    const std::int64_t allowed = lastInOwnBlocks(*plan_, index, loopValues_, before.trip) + 1;
    const std::int64_t periods = std::max<std::int64_t>(allowed - trip, 0) / period;
    if (periods == 0)
      continue;
    certify({repeat.range, before.trip, period, cycles, before.index, now.index - before.index,
             allowed < repeat.count ? periods + 1 : 0});
    shiftBy(periods * period);
    state_.shift(multiplied(periods, cycles), shift);
    trip += periods * period;
    index_ += periods * (now.index - before.index);
  }
}

} // namespace acadlc::aidg
