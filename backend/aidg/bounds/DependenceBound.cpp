#include "backend/aidg/bounds/DependenceBound.h"

#include "backend/aidg/bounds/ByteTimes.h"
#include "backend/aidg/bounds/DependenceLoops.h"
#include "backend/aidg/bounds/Lifetimes.h"
#include "backend/aidg/plan/Plan.h"
#include "backend/aidg/plan/TimeLimit.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <deque>
#include <span>
#include <utility>
#include <vector>

namespace acadlc::aidg {

namespace {

/// A loop of fewer iterations is evaluated as a whole.
constexpr std::int64_t leastTrips = 8;
/// Iterations of the longest period that is recognised.
constexpr std::size_t mostPeriod = 16;
/// Times that are remembered of the iterations of a loop.
constexpr std::size_t mostRemembered = std::size_t{1} << 20;
/// Ranges of bytes of a class whose times are kept.
constexpr std::size_t mostRanges = 4096;
/// Beyond it times stand still; those of streams that have a result stay below.
constexpr std::int64_t latest = 2 * timeLimit;

struct RegisterTimes {
  std::int64_t written = 0;  ///< when the last write has finished
  std::int64_t accessed = 0; ///< when that is so and no read needs it any more
};

/// What later instructions can wait for. All times are cycles.
struct State {
  std::vector<RegisterTimes> registers;
  std::vector<ByteTimes> bytes; ///< by class of conflicts
  std::int64_t end = 0;         ///< when the last instruction has finished
};

/// The part of a state that a loop changes.
struct Snapshot {
  std::vector<std::int64_t> places; ///< of bytes, as if they had not moved
  std::vector<std::int64_t> times;
};

class Evaluator {
public:
  Evaluator(const Plan &plan, const std::vector<DependenceLoop> &loops,
            const std::vector<Lifetime> &lifetimes, const DependenceEffort &effort)
      : plan_(plan), program_(*plan.program), loops_(loops), lifetimes_(lifetimes), effort_(effort),
        loopValues_(program_.maxDepth, 0), ignored_(plan.conflictClasses, 0) {
    state_.registers.resize(plan.registerCount);
    state_.bytes.resize(plan.conflictClasses);
  }

  struct Result {
    DependenceBound bound;
    bool isWhole = true; ///< not just a first part of the stream
  };

  Result run() {
    try {
      evaluateRegion(program_.root);
    } catch (const EffortSpent &) {
      // A part ends no later than the whole.
      return {{attempts_ == 0 ? state_.end : endBeforeAttempt_, true}, false};
    }
    return {{state_.end, isLeast_}, true};
  }

private:
  struct EffortSpent {}; ///< thrown and caught within run()

  //===--- Instructions -----------------------------------------------------------------------===//

  void evaluateRegion(program::RegionId region) {
    for (const program::Step &step : program_.regions[region].steps)
      if (step.kind == program::Step::Kind::Emit)
        evaluateInstruction(step.index);
      else
        evaluateRepeat(step.index);
  }

  void evaluateInstruction(std::uint32_t id) {
    if (evaluated_++ == effort_.instructions)
      throw EffortSpent{};
    const PlanInstruction &instruction = plan_.instructions[id];
    const auto reads = registersOf(instruction.firstRead, instruction.readCount);
    const auto writes = registersOf(instruction.firstWrite, instruction.writeCount);
    std::int64_t start = startBehindBytes(instruction);
    for (const std::uint32_t index : reads)
      start = std::max(start, state_.registers[index].written);
    for (const std::uint32_t index : writes)
      start = std::max(start, state_.registers[index].accessed);
    const Lifetime &lifetime = lifetimes_[id];
    const std::int64_t read = std::min(latest, start + lifetime.read);
    const std::int64_t finish = std::min(latest, start + lifetime.completed);
    isLeast_ = isLeast_ || lifetime.isLeast;
    for (const std::uint32_t index : reads)
      state_.registers[index].accessed = std::max(state_.registers[index].accessed, read);
    for (const std::uint32_t index : writes)
      state_.registers[index] = {finish, finish};
    recordBytes(instruction, read, finish);
    state_.end = std::max(state_.end, finish);
  }

  [[nodiscard]] std::span<const std::uint32_t> registersOf(std::uint32_t first,
                                                           std::uint32_t count) const {
    return std::span(plan_.registers).subspan(first, count);
  }

  [[nodiscard]] bool isFollowed(const PlanAccess &access) const {
    return access.tracked && ignored_[access.conflictClass] == 0;
  }

  std::int64_t startBehindBytes(const PlanInstruction &instruction) {
    std::int64_t start = 0;
    addresses_.resize(instruction.accessCount);
    for (std::uint32_t i = 0; instruction.hasTracked && i != instruction.accessCount; ++i) {
      const PlanAccess &access = plan_.accesses[instruction.firstAccess + i];
      if (!isFollowed(access))
        continue;
      const std::int64_t low = program_.evaluate(access.operand->address, loopValues_);
      addresses_[i] = low;
      start = std::max(start, state_.bytes[access.conflictClass].awaited(low, low + access.bytes,
                                                                         access.isWrite));
    }
    return start;
  }

  void recordBytes(const PlanInstruction &instruction, std::int64_t read, std::int64_t finish) {
    for (std::uint32_t i = 0; instruction.hasTracked && i != instruction.accessCount; ++i) {
      const PlanAccess &access = plan_.accesses[instruction.firstAccess + i];
      if (!isFollowed(access))
        continue;
      ByteTimes &bytes = state_.bytes[access.conflictClass];
      bytes.record(addresses_[i], addresses_[i] + access.bytes, access.isWrite,
                   access.isWrite ? finish : read);
      if (bytes.ranges().size() <= mostRanges)
        continue;
      bytes.clear();
      isLeast_ = true;
    }
  }

  //===--- Loops ------------------------------------------------------------------------------===//

  void evaluateRepeat(std::uint32_t index) {
    const program::Repeat &repeat = program_.repeats[index];
    const DependenceLoop &loop = loops_[index];
    if (loop.isEmpty)
      return;
    const bool isStanding = loop.moving.empty() && loop.irregular.empty();
    if (repeat.count >= leastTrips && (isStanding || loop.instructions > effort_.longestWhole))
      return leapThrough(index);
    for (std::int64_t trip = 0; trip != repeat.count; ++trip)
      evaluateTrip(repeat, trip);
  }

  void evaluateTrip(const program::Repeat &repeat, std::int64_t trip) {
    loopValues_[repeat.depth] = repeat.first + trip * repeat.step;
    evaluateRegion(repeat.body);
  }

  /// A loop that is being leapt through.
  struct Leaping {
    const program::Repeat &repeat;
    const DependenceLoop &loop;
    std::vector<MovingClass::Window> first; ///< of the first iteration, by moving class
    std::deque<Snapshot> history;           ///< behind the last iterations, one after the other
  };

  void leapThrough(std::uint32_t index) {
    Leaping leaping{program_.repeats[index], loops_[index], {}, {}};
    for (const std::uint32_t conflictClass : leaping.loop.irregular)
      ++ignored_[conflictClass];
    isLeast_ = isLeast_ || !leaping.loop.irregular.empty();
    loopValues_[leaping.repeat.depth] = leaping.repeat.first;
    for (const MovingClass &moving : leaping.loop.moving)
      leaping.first.push_back(moving.window(loopValues_));
    std::int64_t nextAttempt = 0, pause = 1;
    for (std::int64_t trip = 0; trip != leaping.repeat.count;) {
      evaluateWindow(leaping, trip++);
      remember(leaping, trip);
      const std::size_t period = trip < nextAttempt ? 0 : findPeriod(leaping.history);
      if (period == 0)
        continue;
      const std::int64_t reached = leap(leaping, trip, static_cast<std::int64_t>(period));
      pause = reached == trip ? 2 * pause : 1;
      nextAttempt = reached == trip ? trip + pause : 0;
      trip = reached;
    }
    for (const std::uint32_t conflictClass : leaping.loop.irregular)
      --ignored_[conflictClass];
  }

  /// An iteration; of classes that move, only what it can have touched is kept.
  void evaluateWindow(const Leaping &leaping, std::int64_t trip) {
    evaluateTrip(leaping.repeat, trip);
    for (std::size_t i = 0; i != leaping.first.size(); ++i) {
      const MovingClass &moving = leaping.loop.moving[i];
      const std::int64_t way = trip * moving.stride;
      const bool hasForgotten = state_.bytes[moving.conflictClass].keepWithin(
          leaping.first[i].low + way, leaping.first[i].high + way);
      isLeast_ = isLeast_ || (hasForgotten && !moving.isNeverMetAgain);
    }
  }

  void remember(Leaping &leaping, std::int64_t trip) const {
    leaping.history.push_back(snapshot(leaping.loop, trip));
    const std::size_t room = mostRemembered / leaping.history.back().times.size();
    if (leaping.history.size() > std::clamp<std::size_t>(room, 3, 2 * mostPeriod + 1))
      leaping.history.pop_front();
  }

  [[nodiscard]] Snapshot snapshot(const DependenceLoop &loop, std::int64_t trip) const {
    Snapshot result;
    result.times.push_back(state_.end);
    for (const std::uint32_t index : loop.registers) {
      result.times.push_back(state_.registers[index].written);
      result.times.push_back(state_.registers[index].accessed);
    }
    const auto add = [&](std::uint32_t conflictClass, std::int64_t way) {
      const auto &ranges = state_.bytes[conflictClass].ranges();
      result.places.push_back(static_cast<std::int64_t>(ranges.size()));
      for (const ByteTimes::Range &range : ranges) {
        result.places.insert(result.places.end(), {range.low - way, range.high - way});
        result.times.insert(result.times.end(), {range.written, range.accessed});
      }
    };
    for (const std::uint32_t conflictClass : loop.standing)
      add(conflictClass, 0);
    for (const MovingClass &moving : loop.moving)
      add(moving.conflictClass, trip * moving.stride);
    return result;
  }

  /// Gives what \p loop changes the times of a snapshot with the places of now.
  void setTimes(const DependenceLoop &loop, const std::vector<std::int64_t> &times) {
    auto next = times.begin();
    state_.end = *next++;
    for (const std::uint32_t index : loop.registers) {
      state_.registers[index].written = *next++;
      state_.registers[index].accessed = *next++;
    }
    const auto set = [&](std::uint32_t conflictClass) {
      for (ByteTimes::Range &range : state_.bytes[conflictClass].ranges()) {
        range.written = *next++;
        range.accessed = *next++;
      }
    };
    for (const std::uint32_t conflictClass : loop.standing)
      set(conflictClass);
    for (const MovingClass &moving : loop.moving)
      set(moving.conflictClass);
  }

  /// The least period after which times have moved by amounts of their own, twice; 0: none.
  static std::size_t findPeriod(const std::deque<Snapshot> &history) {
    for (std::size_t period = 1; 2 * period < history.size(); ++period) {
      const Snapshot &last = history.back();
      const Snapshot &middle = history[history.size() - 1 - period];
      const Snapshot &first = history[history.size() - 1 - 2 * period];
      if (last.times.size() == middle.times.size() && middle.times.size() == first.times.size() &&
          isEven(first.times, middle.times, last.times) && last.places == middle.places &&
          middle.places == first.places)
        return period;
    }
    return 0;
  }

  static bool isEven(const std::vector<std::int64_t> &first,
                     const std::vector<std::int64_t> &middle,
                     const std::vector<std::int64_t> &last) {
    for (std::size_t i = 0; i != last.size(); ++i)
      if (last[i] - middle[i] != middle[i] - first[i])
        return false;
    return true;
  }

  /// Leaps over as many periods as certain, of those behind \p trip iterations; returns how many
  /// iterations have passed then.
  std::int64_t leap(Leaping &leaping, std::int64_t trip, std::int64_t period) {
    const Snapshot last = leaping.history.back();
    const Snapshot &before =
        leaping.history[leaping.history.size() - 1 - static_cast<std::size_t>(period)];
    std::vector<std::int64_t> step;
    for (std::size_t i = 0; i != last.times.size(); ++i)
      step.push_back(last.times[i] - before.times[i]);
    // The last of them is evaluated.
    for (std::int64_t periods = (leaping.repeat.count - trip) / period; periods > 1; periods /= 2)
      if (isEvenBehind(leaping, last, step, trip, period, periods)) {
        leaping.history.clear();
        return trip + periods * period;
      }
    return trip;
  }

  /// Whether each of \p periods behind \p last adds \p step. Evaluates the last one, and takes that
  /// back if not.
  bool isEvenBehind(const Leaping &leaping, const Snapshot &last,
                    const std::vector<std::int64_t> &step, std::int64_t trip, std::int64_t period,
                    std::int64_t periods) {
    const DependenceLoop &loop = leaping.loop;
    const auto start = extrapolate(last.times, step, periods - 1);
    const auto end = extrapolate(last.times, step, periods);
    if (!start || !end)
      return false;
    if (attempts_++ == 0)
      endBeforeAttempt_ = state_.end;
    const bool wasLeast = isLeast_;
    std::vector<ByteTimes> kept;
    for (const std::uint32_t conflictClass : loop.standing)
      kept.push_back(state_.bytes[conflictClass]);
    for (const MovingClass &moving : loop.moving) {
      kept.push_back(state_.bytes[moving.conflictClass]);
      state_.bytes[moving.conflictClass].move((periods - 1) * period * moving.stride);
    }
    setTimes(loop, *start);
    const std::int64_t reached = trip + periods * period;
    for (std::int64_t next = reached - period; next != reached; ++next)
      evaluateWindow(leaping, next);
    const Snapshot now = snapshot(loop, reached);
    const bool isEven = now.times == *end && now.places == last.places;
    --attempts_;
    if (isEven)
      return true;
    isLeast_ = wasLeast;
    auto next = kept.begin();
    for (const std::uint32_t conflictClass : loop.standing)
      state_.bytes[conflictClass] = std::move(*next++);
    for (const MovingClass &moving : loop.moving)
      state_.bytes[moving.conflictClass] = std::move(*next++);
    setTimes(loop, last.times);
    return false;
  }

  static std::optional<std::vector<std::int64_t>>
  extrapolate(const std::vector<std::int64_t> &times, const std::vector<std::int64_t> &step,
              std::int64_t periods) {
    std::vector<std::int64_t> result(times.size());
    for (std::size_t i = 0; i != times.size(); ++i) {
      const auto way = checkedMul(step[i], periods);
      const auto time = way ? checkedAdd(times[i], *way) : std::nullopt;
      if (!time || *time > timeLimit || *time < -timeLimit)
        return std::nullopt;
      result[i] = *time;
    }
    return result;
  }

  const Plan &plan_;
  const program::Program &program_;
  const std::vector<DependenceLoop> &loops_;
  const std::vector<Lifetime> &lifetimes_; ///< by instruction
  const DependenceEffort &effort_;
  State state_;
  std::vector<std::int64_t> loopValues_, addresses_;
  std::vector<std::int64_t> ignored_; ///< by class: loops under way that do not follow it
  std::int64_t evaluated_ = 0;        ///< instructions
  bool isLeast_ = false;
  std::int64_t attempts_ = 0;         ///< that are under way, one within the other
  std::int64_t endBeforeAttempt_ = 0; ///< of the outermost one
};

} // namespace

std::string_view whyDependencesAreUnknown(const arch::ArchitectureGraph &graph,
                                          const program::Program &program) {
  if (std::ranges::any_of(program.instructions, &program::Instruction::isExpanding))
    return "its instructions expand to others";
  const auto hasHazards = [&](const program::Route &route) {
    return std::ranges::any_of(
        route.stages, [&](arch::ObjectId id) { return graph.objects[id].queue.hasHazards; });
  };
  if (std::ranges::any_of(program.routes, hasHazards))
    return "the hazards of a station decide what its instructions wait for";
  if (timing::exceedsLongestLatency(graph, program))
    return "a latency is longer than any that is evaluated";
  return {};
}

std::optional<DependenceBound> boundByDependences(const arch::ArchitectureGraph &graph,
                                                  const program::Program &program,
                                                  const DependenceEffort &effort) {
  if (!whyDependencesAreUnknown(graph, program).empty())
    return std::nullopt;
  const Plan plan = makePlan(graph, program);
  const std::vector<DependenceLoop> loops = findDependenceLoops(plan);
  const std::vector<Lifetime> lifetimes = leastLifetimes(plan);
  DependenceBound best{0, true};
  // Whoever leaps over all loops is done soon; the less is leapt over, the more is followed.
  for (const std::int64_t longestWhole :
       {std::int64_t{0}, effort.longestWhole / 32, effort.longestWhole}) {
    DependenceEffort attempt = effort;
    attempt.longestWhole = longestWhole;
    const Evaluator::Result result = Evaluator(plan, loops, lifetimes, attempt).run();
    if (result.isWhole && !result.bound.isLeast)
      return result.bound;
    best.cycles = std::max(best.cycles, result.bound.cycles);
  }
  return best;
}

} // namespace acadlc::aidg
