#include "backend/aidg/occupation/ExpansionSearch.h"

#include <algorithm>
#include <limits>

namespace acadlc::aidg {

namespace {

__extension__ typedef __int128 Int128; // NOLINT(modernize-use-using): has no other spelling

/// Trips of loops that are looked at: in shorter ones nothing is left when a state has recurred.
constexpr std::int64_t fewestTrips = 8;
/// States that are looked at in one run through a loop before the search is given up.
constexpr std::size_t mostOffers = std::size_t{1} << 12;
/// Looks ahead that are kept.
constexpr std::size_t mostLooks = std::size_t{1} << 16;
/// Instructions behind a loop that are compared with what has been looked for.
constexpr std::int64_t mostCompared = std::int64_t{1} << 16;

/// The alive expansion of a phase, or none.
std::uint32_t expansionOf(const OccupationState &state, const OccupationPlan &plan, FlightId flight,
                          std::uint32_t phase) {
  return state.phases[flight * std::size_t{plan.maxPhases} + phase].expansion;
}

bool isAlive(const OccupationState &state, std::uint32_t expansion, std::int64_t serial) {
  return serial != 0 && state.expansions[expansion].serial == serial;
}

} // namespace

ExpansionSearch::ExpansionSearch(const OccupationPlan &plan, std::int64_t wordsPerInstruction)
    : plan_(plan), wordsPerInstruction_(wordsPerInstruction),
      isWorth_(plan.program->regions.size(), false) {
  if (plan.repeats.empty())
    return;
  // Loops within loops may be free too.
  const auto &regions = plan.program->regions;
  for (bool changed = true; changed;) {
    changed = false;
    for (program::RegionId region = 0; region != regions.size(); ++region)
      for (const program::Step &step : regions[region].steps)
        if (!isWorth_[region] && step.kind == program::Step::Kind::Repeat &&
            (isFree(step.index) || isWorth_[plan.program->repeats[step.index].body]))
          isWorth_[region] = changed = true;
  }
}

bool ExpansionSearch::isFree(std::uint32_t repeat) const {
  return plan_.program->repeats[repeat].count >= fewestTrips && plan_.mayBeFree[repeat];
}

/// The outermost loop around the next instruction that may be free.
bool ExpansionSearch::findPlace(const OccupationState &state, std::uint32_t expansion,
                                Place &place) {
  const Expansion &one = state.expansions[expansion];
  if (one.serial == 0 || one.exhausted)
    return false;
  one.stream.findLoops(loops_);
  for (std::size_t depth = 0; depth != loops_.size(); ++depth)
    if (isFree(loops_[depth].repeat)) {
      place = {expansion,   one.serial,           loops_[depth].entry,
               depth,       loops_[depth].repeat, loops_[depth].iteration,
               one.handedOn};
      return true;
    }
  return false;
}

// ---- looking for recurrences -------------------------------------------------------------------

std::optional<ExpansionSearch::Jump> ExpansionSearch::find(const OccupationState &state,
                                                           std::uint32_t driver,
                                                           std::int64_t evaluated,
                                                           OccupationNormalForm &form) {
  Place place;
  if (!findPlace(state, driver, place))
    return std::nullopt;
  Run *run = runOf(place, evaluated);
  if (run == nullptr)
    return std::nullopt;
  Mark mark = markOf(state, place);
  buildKey(state, mark, form);
  mark.flights = form.named();
  mark.numbers = EmissionNumbers(plan_, state, mark.flights, form.underWay());
  if (usage_ != nullptr)
    mark.usage = usage_->snapshot();
  run->lastEvaluated = evaluated;
  run->isSearching = run->marks.size() < mostOffers;
  const std::optional<std::int64_t> earlier = run->search.offer(place.iteration, key_);
  run->marks.emplace(place.iteration, mark);
  if (!earlier)
    return std::nullopt;
  const Mark &before = run->marks.at(*earlier);
  std::optional<Jump> jump;
  if (before.looks >= firstLook_)
    jump = jumpBetween(state, before, mark);
  if (!jump) {
    run->isSearching = false;
    return std::nullopt;
  }
  restart();
  return jump;
}

/// The search that a state at \p place is to be offered to; none if it is not to be offered.
ExpansionSearch::Run *ExpansionSearch::runOf(const Place &place, std::int64_t evaluated) {
  Run &run = runs_[place.expansion];
  if (run.serial != place.serial || run.entry != place.entry) {
    run = Run{};
    if (std::ranges::none_of(runs_, [](const auto &one) { return !one.second.marks.empty(); }))
      forgetLooks();
    run.serial = place.serial;
    run.entry = place.entry;
    run.lastEvaluated = evaluated;
  }
  // States are compared where an iteration begins.
  const bool begins = place.iteration != run.lastIteration;
  run.lastIteration = place.iteration;
  const bool isDue = (evaluated - run.lastEvaluated) * wordsPerInstruction_ >=
                     static_cast<std::int64_t>(key_.size());
  return begins && run.isSearching && isDue ? &run : nullptr;
}

ExpansionSearch::Mark ExpansionSearch::markOf(const OccupationState &state, const Place &driver) {
  Mark mark;
  mark.now = state.now;
  for (const Expansion &expansion : state.expansions)
    mark.lastSerial = std::max(mark.lastSerial, expansion.serial);
  mark.walks = walks_;
  mark.looks = firstLook_ + static_cast<std::int64_t>(looks_.size());
  mark.places.push_back(driver);
  const FlightId emitter = state.expansions[driver.expansion].flight;
  const arch::ObjectId unit = plan_.instructions[state.flights[emitter].id].unit;
  for (const std::uint32_t beside : state.objects[unit].expanding)
    if (Place place; beside != driver.expansion && findPlace(state, beside, place))
      mark.places.push_back(place);
  mark.shift.assign(plan_.addressClassCount, 0);
  std::vector<bool> isSet(plan_.addressClassCount, false);
  for (const Place &place : mark.places)
    for (std::uint32_t c = 0; c != plan_.addressClassCount; ++c)
      if (plan_.repeatTouches[place.repeat][c] && !isSet[c]) {
        mark.shift[c] = plan_.repeats[place.repeat].stride[c] * place.iteration;
        isSet[c] = true;
      }
  for (const Ring<OrderEntry> &order : state.orders)
    for (const OrderEntry &entry : order)
      if (entry.emitted)
        mark.orders.push_back(entry.count);
  return mark;
}

void ExpansionSearch::buildKey(const OccupationState &state, const Mark &mark,
                               OccupationNormalForm &form) {
  key_.clear();
  freeLoops_.assign(state.expansions.size(), none);
  for (const Place &place : mark.places) {
    freeLoops_[place.expansion] = static_cast<std::uint32_t>(place.depth);
    key_.push_back(place.repeat);
  }
  form.append(state, mark.shift, freeLoops_, key_);
}

/// After a jump nothing is compared with what was before it.
void ExpansionSearch::restart() {
  runs_.clear();
  forgetLooks();
}

void ExpansionSearch::forgetLooks() {
  firstLook_ += static_cast<std::int64_t>(looks_.size());
  looks_.clear();
  reads_.clear();
}

// ---- from one state to an equal one ------------------------------------------------------------

std::optional<ExpansionSearch::Jump> ExpansionSearch::jumpBetween(const OccupationState &state,
                                                                  const Mark &before,
                                                                  const Mark &mark) const {
  Jump jump;
  if (before.walks != walks_ || !findAdvances(before, mark, jump) || !isConsistent(jump) ||
      !limitPeriods(state, before, jump))
    return std::nullopt;
  jump.flights = mark.flights;
  jump.usageBefore = before.usage;
  if (!mark.numbers.later(before.numbers, jump.periods, jump.numbers))
    return std::nullopt;
  for (std::int64_t &shift : jump.addressShift)
    shift *= jump.periods;
  jump.certificate = certificateOf(state, before, mark, jump);
  if (__builtin_mul_overflow(jump.periods, jump.certificate.cyclesPerPeriod, &jump.cycles))
    jump.cycles = std::numeric_limits<std::int64_t>::max();
  return jump;
}

/// What \p jump claims, with the place where it was found: so that others can go through it again.
timing::Certificate ExpansionSearch::certificateOf(const OccupationState &state, const Mark &before,
                                                   const Mark &mark, const Jump &jump) const {
  timing::Certificate certificate;
  const Advance &own = jump.advances.front();
  certificate.loop = plan_.program->repeats[own.repeat].range;
  certificate.period = own.iterations;
  certificate.cyclesPerPeriod = mark.now - before.now;
  certificate.periods = own.left / own.iterations == jump.periods ? 0 : jump.periods + 1;
  certificate.firstCycle = before.now;
  for (const Advance &advance : jump.advances) {
    const Expansion &expansion = state.expansions[advance.expansion];
    const std::size_t ageSize = std::size_t{plan_.nesting} + 1;
    const auto age = state.ages.begin() + static_cast<std::ptrdiff_t>(expansion.flight * ageSize);
    const std::int64_t iteration = plan_.program->repeats[advance.repeat].count - 1 - advance.left;
    certificate.expandedLoops.push_back({*age,
                                         {age + 1, age + 1 + state.flights[expansion.flight].level},
                                         expansion.phase,
                                         advance.depth,
                                         iteration - advance.iterations,
                                         advance.iterations,
                                         expansion.handedOn - advance.instructions,
                                         advance.instructions});
  }
  certificate.k0 = certificate.expandedLoops.front().k0;
  return certificate;
}

/// The loops that have gone on between two states with equal forms, and for how many periods more
/// they can. False if a stream is not where it was in any sense.
bool ExpansionSearch::findAdvances(const Mark &before, const Mark &mark, Jump &jump) const {
  if (before.places.size() != mark.places.size() || before.orders.size() != mark.orders.size())
    return false;
  jump.periods = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i != mark.places.size(); ++i) {
    const Place &from = before.places[i], &to = mark.places[i];
    if (from.expansion != to.expansion || from.serial != to.serial || from.entry != to.entry)
      return false;
    const std::int64_t iterations = to.iteration - from.iteration;
    if (iterations == 0)
      continue;
    const std::int64_t left = plan_.program->repeats[to.repeat].count - 1 - to.iteration;
    jump.advances.push_back({to.expansion, to.depth, to.repeat, iterations,
                             to.handedOn - from.handedOn, left, to.entry});
    jump.periods = std::min(jump.periods, left / iterations);
  }
  for (std::size_t c = 0; c != mark.shift.size(); ++c)
    jump.addressShift.push_back(mark.shift[c] - before.shift[c]);
  // Who has nothing more to emit for an object gives up its turn there.
  for (std::size_t i = 0; i != mark.orders.size(); ++i) {
    jump.orderChanges.push_back(mark.orders[i] - before.orders[i]);
    if (jump.orderChanges[i] < 0)
      jump.periods = std::min(jump.periods, (mark.orders[i] - 1) / -jump.orderChanges[i]);
  }
  return jump.periods > 0;
}

/// Whether all that goes on moves the addresses of a class by the same number of bytes.
bool ExpansionSearch::isConsistent(const Jump &jump) const {
  for (const Advance &advance : jump.advances)
    for (std::uint32_t c = 0; c != plan_.addressClassCount; ++c)
      if (plan_.repeatTouches[advance.repeat][c] &&
          plan_.repeats[advance.repeat].stride[c] * advance.iterations != jump.addressShift[c])
        return false;
  return true;
}

// ---- looks ahead -------------------------------------------------------------------------------

void ExpansionSearch::noteLook(const OccupationState &state, FlightId reader, std::uint32_t phase,
                               const program::InstructionStream *hit) {
  if (runs_.empty())
    return;
  if (looks_.size() == mostLooks)
    forgetLooks();
  Look look;
  look.reader = state.flights[reader].expansion;
  look.readerSerial = state.expansions[look.reader].serial;
  look.phase = phase;
  look.found = hit != nullptr;
  const std::uint32_t beside =
      expansionOf(state, plan_, state.expansions[look.reader].flight, phase);
  if (beside != none) {
    look.serial = state.expansions[beside].serial;
    if (Place place; hit != nullptr && findPlace(state, beside, place)) {
      hit->findLoops(loops_);
      if (loops_.size() > place.depth && loops_[place.depth].entry == place.entry) {
        look.hitEntry = place.entry;
        look.hitIteration = loops_[place.depth].iteration;
      }
    }
  }
  const PlanSlice accesses = plan_.instructions[state.flights[reader].id].accesses;
  look.reads.first = static_cast<std::uint32_t>(reads_.size());
  for (std::uint32_t i = 0; i != accesses.count; ++i) {
    const OccupationAccess &access = plan_.accesses[accesses.first + i];
    const std::int64_t low = state.addresses[reader * std::size_t{plan_.maxAccesses} + i];
    // What is not tracked meets no write of the program.
    if (!access.isWrite && access.tracked && access.bytes > 0)
      reads_.push_back({access.memory, access.addressClass, low, low + access.bytes});
  }
  look.reads.count = static_cast<std::uint32_t>(reads_.size()) - look.reads.first;
  looks_.push_back(look);
}

/// Takes the periods of \p jump down until every look of the period finds the same, relative to
/// where the loops are, in each of them, and operands that stand are met in the same way; false if
/// nothing is left.
bool ExpansionSearch::limitPeriods(const OccupationState &state, const Mark &before,
                                   Jump &jump) const {
  while (jump.periods > 0 && !findsTheSame(state, before, jump))
    jump.periods /= 2;
  if (jump.periods == 0)
    return false;
  const StandingOperands standing(plan_, state, goingOn(jump), jump.addressShift);
  while (jump.periods > 0 && !standing.areMetAlike(jump.periods))
    jump.periods /= 2;
  return jump.periods > 0;
}

/// The loops of \p jump with the iterations that they have gone through.
std::vector<StandingOperands::Loop> ExpansionSearch::goingOn(const Jump &jump) {
  std::vector<StandingOperands::Loop> loops;
  loops.reserve(jump.advances.size());
  for (const Advance &advance : jump.advances)
    loops.push_back({advance.expansion, advance.depth, advance.iterations});
  return loops;
}

bool ExpansionSearch::findsTheSame(const OccupationState &state, const Mark &before,
                                   const Jump &jump) const {
  for (auto i = static_cast<std::size_t>(before.looks - firstLook_); i != looks_.size(); ++i) {
    const Look &look = looks_[i];
    // Who expands for less than a period looks ahead in its own streams from begin to end.
    if (look.readerSerial > before.lastSerial || !isAlive(state, look.reader, look.readerSerial))
      continue;
    const std::uint32_t beside =
        expansionOf(state, plan_, state.expansions[look.reader].flight, look.phase);
    const Advance *advance = nullptr;
    for (const Advance &one : jump.advances)
      if (one.expansion == beside)
        advance = &one;
    if (look.serial != (beside == none ? 0 : state.expansions[beside].serial))
      return false;
    if (look.found) {
      if (advance == nullptr || look.hitEntry != advance->entry)
        return false;
      const std::int64_t trips = plan_.program->repeats[advance->repeat].count;
      if ((trips - 1 - look.hitIteration) / advance->iterations < jump.periods)
        return false;
      continue;
    }
    // Within the loop it goes on as it did; what stands behind the loop does not move.
    std::vector<Range> reads(reads_.begin() + look.reads.first,
                             reads_.begin() + look.reads.first + look.reads.count);
    for (Range &read : reads) {
      const Int128 moved = Int128{jump.addressShift[read.addressClass]} * jump.periods;
      constexpr Int128 limit = std::numeric_limits<std::int64_t>::max() / 4;
      if (moved > limit || moved < -limit)
        return false;
      (moved < 0 ? read.low : read.high) += static_cast<std::int64_t>(moved);
    }
    if (restWrites(state, look, advance, std::move(reads)))
      return false;
  }
  return true;
}

/// Whether what the phase of \p look hands on behind the loop that goes on (without one: all that
/// it is still to hand on) writes into \p reads. Also true if that would take too long to find out.
bool ExpansionSearch::restWrites(const OccupationState &state, const Look &look,
                                 const Advance *advance, std::vector<Range> reads) const {
  if (reads.empty())
    return false;
  const FlightId emitter = state.expansions[look.reader].flight;
  const auto addressesOf = [&](FlightId flight) {
    return state.addresses.data() + flight * std::size_t{plan_.maxAccesses};
  };
  const auto meets = [&](const OccupationAccess &access, std::int64_t low) {
    return access.isWrite && access.bytes > 0 && std::ranges::any_of(reads, [&](const Range &read) {
             return read.memory == access.memory && read.low < low + access.bytes &&
                    low < read.high;
           });
  };
  const std::uint32_t beside = expansionOf(state, plan_, emitter, look.phase);
  const PlanSlice phases = plan_.instructions[state.flights[emitter].id].phases;
  program::InstructionStream stream =
      beside != none
          ? state.expansions[beside].stream
          : program::InstructionStream(*plan_.program, plan_.phases[phases.first + look.phase].body,
                                       plan_.emptyRegions);
  program::Instance instance;
  std::vector<program::InstructionStream::Loop> loops;
  if (advance != nullptr) {
    stream.skip(advance->depth, advance->left, 0, 0, instance);
  } else if (beside != none && state.expansions[beside].next != none) {
    const FlightId next = state.expansions[beside].next;
    const PlanSlice accesses = plan_.instructions[state.flights[next].id].accesses;
    for (std::uint32_t i = 0; i != accesses.count; ++i)
      if (meets(plan_.accesses[accesses.first + i], addressesOf(next)[i]))
        return true;
  }
  for (std::int64_t compared = 0; stream.next(instance); ++compared) {
    if (compared == mostCompared)
      return true;
    if (advance != nullptr) { // the rest of the last iteration
      stream.findLoops(loops);
      if (loops.size() > advance->depth && loops[advance->depth].entry == advance->entry)
        continue;
      advance = nullptr;
    }
    for (const OccupationAccess &access :
         plan_.instructions[instance.id].accesses.of(plan_.accesses)) {
      const auto &base = access.operand->base;
      const std::int64_t low =
          plan_.program->evaluate(access.operand->address, instance.loopValues) +
          (base ? addressesOf(emitter)[*base] : 0);
      if (meets(access, low))
        return true;
    }
  }
  return false;
}

// ---- jumps -------------------------------------------------------------------------------------

void ExpansionSearch::take(const Jump &jump, OccupationState &state) {
  shift(state, plan_, jump.cycles, 0, jump.addressShift);
  for (const Advance &advance : jump.advances) {
    const std::int64_t handedOn = advance.instructions * jump.periods;
    Expansion &moved = state.expansions[advance.expansion];
    program::Instance prepared;
    moved.stream.skip(advance.depth, advance.iterations * jump.periods, handedOn, 0, prepared);
    moved.handedOn += handedOn;
    // Who awaits what it hands on counts from its beginning.
    for (Expansion &beside : state.expansions)
      if (beside.serial != 0 && beside.flight == moved.flight && beside.awaitedPhase == moved.phase)
        beside.awaitedCount += handedOn;
  }
  auto change = jump.orderChanges.begin();
  for (Ring<OrderEntry> &order : state.orders)
    for (OrderEntry &entry : order)
      if (entry.emitted)
        entry.count += *change++ * jump.periods;
  EmissionNumbers::set(plan_, state, jump.flights, jump.numbers);
}

} // namespace acadlc::aidg
