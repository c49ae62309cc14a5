// Bounds for programs of several occupations. Neither depends on an order, nor on when words or
// entries come back; so no anomaly can break them.

#include "backend/aidg/bounds/Bounds.h"
#include "backend/aidg/bounds/ServiceBounds.h"
#include "backend/timing/Machine.h"
#include "backend/timing/StorageModel.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <algorithm>
#include <span>
#include <vector>

namespace acadlc::aidg {

namespace {

using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;
using program::Instruction;
using program::Phase;

// Cycles are never negative here. Lower bounds saturate, which keeps them right.
constexpr std::int64_t endless = timing::StorageModel::overflow;
std::int64_t add(std::int64_t a, std::int64_t b) { return checkedAdd(a, b).value_or(endless); }
std::int64_t multiply(std::int64_t a, std::int64_t b) { return checkedMul(a, b).value_or(endless); }
std::int64_t ceilDiv(std::int64_t a, std::int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

/// What is left to do of a stream: the work by object, and all of it one after the other.
class OccupationWork {
public:
  OccupationWork(const arch::ArchitectureGraph &graph, const program::Program &program,
                 const OccupationProgress &progress)
      : graph_(graph), program_(program), progress_(progress), times_(graph, program),
        work_(graph.objects.size(), 0), offers_(graph.objects.size(), 0) {
    const auto fetch = timing::fetchPath(graph);
    ACADLC_CHECK(fetch.has_value(), "a program needs a fetch stage");
    fetch_ = *fetch;
    findLongestMessage();
    const std::vector<program::Program::Count> counts = program.executions();
    for (std::size_t i = 0; i != counts.size(); ++i)
      addInstruction(i, counts[i].value_or(endless));
    const auto totals = program.totals();
    const std::int64_t all = totals ? totals->instructions : endless;
    fetches_ = ceilDiv(all - progress.fetched, fetch_.width);
    findLeastLives(program.root);
  }

  /// No object can do its work in less time than it takes.
  [[nodiscard]] std::int64_t longest() const {
    const std::int64_t latency = fetchLatency();
    const std::int64_t fetches = std::max<std::int64_t>(fetches_ - progress_.fetchesBegun, 0);
    std::int64_t most = fetches == 0 ? 0 : add(multiply(fetches, latency), leastLife_.value_or(0));
    // Where something has been evaluated already, what comes need not come from a fetch.
    const std::int64_t first = progress_.time < 0 ? latency : 0;
    for (ObjectId id = 0; id != work_.size(); ++id) {
      const bool servesFetch = id == fetch_.storage;
      const std::int64_t work =
          add(work_[id], servesFetch ? multiply(fetches, fetch_.serviceTime) : std::int64_t{0});
      if (work != 0)
        most = std::max(most, add(servesFetch ? 0 : first, least(id, work)));
      if (offers_[id] != 0)
        most = std::max(most, add(first, offers_[id]));
    }
    return most;
  }

  /// Whenever a cycle is followed by another one, some latency passes in it, or somebody has gone
  /// on in it (docs/exactness.md).
  [[nodiscard]] std::int64_t sum() const { return add(sum_, fetchSum()); }

private:
  [[nodiscard]] const Object &objectOf(ObjectId id) const { return graph_.objects[id]; }

  [[nodiscard]] std::int64_t fetchLatency() const {
    return fetch_.unitLatency + fetch_.serviceTime + fetch_.stageLatency;
  }

  /// Cycles in which nothing passes but the latency of a fetch. While an instruction is in flight
  /// something else passes, as it never waits for one that has not been fetched. A fetch begins
  /// where the one before ends, or an instruction is issued, which then stays for its least life.
  [[nodiscard]] std::int64_t fetchSum() const {
    const std::int64_t latency = fetchLatency();
    const std::int64_t alone = mayWaitForFetch_ || fetchWaits_
                                   ? latency
                                   : std::max<std::int64_t>(latency - leastLife_.value_or(0), 0);
    if (fetches_ == 0)
      return 0;
    return add(latency, add(multiply(fetches_ - 1, alone), multiply(branches_, latency)));
  }

  /// Least cycles in which an object can do \p work.
  [[nodiscard]] std::int64_t least(ObjectId id, std::int64_t work) const {
    const Object &object = objectOf(id);
    // Behind the last word nothing needs the channel: it arrives after its latency.
    if (object.objectClass == ObjectClass::Channel)
      return add(work - object.channel.interval, object.latency);
    return arch::isStorage(object.objectClass) ? ceilDiv(work, object.slots()) : work;
  }

  [[nodiscard]] std::int64_t wordsOf(const Phase &phase) const {
    if (phase.channels.empty())
      return 0;
    return ceilDiv(phase.bits, objectOf(phase.channels.front()).channel.width);
  }

  void findLongestMessage() {
    for (const Instruction &instruction : program_.instructions)
      for (const Phase &phase : instruction.phases)
        if (phase.kind == Phase::Kind::Message && phase.together)
          longestTogether_ = std::max(longestTogether_, wordsOf(phase));
  }

  /// The least time from its issue to its end of an instruction that is fetched.
  void findLeastLives(program::RegionId region) {
    if (region >= program_.regions.size())
      return;
    for (const program::Step &step : program_.regions[region].steps) {
      if (step.kind == program::Step::Kind::Repeat) {
        if (program_.repeats[step.index].count > 0)
          findLeastLives(program_.repeats[step.index].body);
        continue;
      }
      const std::int64_t life = leastLifeOf(program_.instructions[step.index]);
      leastLife_ = std::min(leastLife_.value_or(life), life);
    }
  }

  [[nodiscard]] std::int64_t leastLifeOf(const Instruction &instruction) const {
    const program::Route &route = program_.routes[instruction.route];
    std::int64_t life = 0;
    for (const ObjectId id : route.stages)
      life = add(life, stayIn(id));
    return instruction.phases.empty() ? add(life, leastExecution(instruction)) : life;
  }

  /// Cycles that an instruction spends at least in a stage or queue.
  [[nodiscard]] std::int64_t stayIn(ObjectId id) const {
    return arch::isExtension(objectOf(id).objectClass) ? 1 : objectOf(id).latency;
  }

  [[nodiscard]] std::int64_t leastExecution(const Instruction &instruction) const {
    std::int64_t cycles = instruction.latency;
    for (const program::MemoryOperand &operand : requestsOf(instruction))
      cycles = add(cycles, times_.of(operand).least);
    return cycles;
  }

  static std::span<const program::MemoryOperand> requestsOf(const Instruction &instruction) {
    return std::span(instruction.memory).first(instruction.requestCount());
  }

  /// How often something is still to be done.
  struct Left {
    std::int64_t toBegin = 0;    ///< nothing of it has been done; for lower bounds
    std::int64_t toComplete = 0; ///< not all of it has been done; for upper bounds
  };

  void addWork(ObjectId id, Left left, std::int64_t cycles) {
    work_[id] = add(work_[id], multiply(left.toBegin, cycles));
  }

  void addInstruction(std::size_t index, std::int64_t count) {
    const auto without = [&](const std::vector<std::int64_t> &done) {
      return done.empty() ? count : count - done[index];
    };
    const Left left{without(progress_.begun), without(progress_.completed)};
    if (left.toComplete == 0)
      return;
    const Instruction &instruction = program_.instructions[index];
    const program::Route &route = program_.routes[instruction.route];
    const bool isOfStep = !objectOf(route.unit).steps.empty();
    mayWaitForFetch_ = mayWaitForFetch_ || isOfStep;
    fetchWaits_ = fetchWaits_ || takes(instruction, fetch_.storage);
    // It enters its unit; it starts, and its part in its step ends, unless that is its execution.
    std::int64_t life = instruction.phases.empty() && !isOfStep ? 1 : 3;
    for (const ObjectId id : route.stages)
      life = add(life, addStage(id, route.unit, left));
    if (instruction.phases.empty())
      life = add(life, addExecution(instruction, route.unit, left));
    for (const Phase &phase : instruction.phases)
      life = add(life, addPhase(phase, route.unit, left));
    sum_ = add(sum_, multiply(left.toComplete, life));
    if (route.unit == fetch_.unit)
      branches_ = add(branches_, left.toComplete);
  }

  /// Whether \p instruction may take a slot of \p storage.
  static bool takes(const Instruction &instruction, ObjectId storage) {
    const auto holds = [storage](const Phase &phase) {
      return phase.object == storage ||
             std::ranges::any_of(phase.holding, [storage](const program::Holding &holding) {
               return holding.object == storage;
             });
    };
    return std::ranges::any_of(instruction.phases, holds) ||
           std::ranges::any_of(requestsOf(instruction), [storage](const auto &operand) {
             return operand.storage == storage;
           });
  }

  // What follows adds to the work of objects, and gives the cycles of one instruction in which a
  // latency of it passes or it goes on.

  /// A stage or queue on the way to \p unit.
  std::int64_t addStage(ObjectId id, ObjectId unit, Left left) {
    const Object &object = objectOf(id);
    // The stage of a unit with steps is a window on the queue: many stand in it at once.
    const bool isWindow = object.objectClass == ObjectClass::ExecuteStage && object.latency > 0 &&
                          !objectOf(unit).steps.empty();
    if (!isWindow)
      addWork(id, left, stayIn(id)); // in a queue, one enters in a cycle
    return isWindow ? add(object.latency, 1) : stayIn(id);
  }

  std::int64_t addExecution(const Instruction &instruction, ObjectId unit, Left left) {
    std::int64_t least = timing::occupation(objectOf(unit), instruction);
    std::int64_t most = instruction.latency;
    for (const program::MemoryOperand &operand : requestsOf(instruction)) {
      const ServiceBounds service = times_.of(operand);
      addWork(operand.storage, left, service.least);
      least = add(least, service.least);
      most = add(most, service.most);
    }
    // Instructions of one step share their unit.
    if (objectOf(unit).steps.empty())
      addWork(unit, left, least);
    return most;
  }

  /// Its begin may be seen in the next cycle alone, as holdings that come back may.
  std::int64_t addPhase(const Phase &phase, ObjectId unit, Left left) {
    const std::int64_t begin = phase.holding.empty() ? 1 : 2;
    switch (phase.kind) {
    case Phase::Kind::Delay:
      return add(begin, phase.cycles);
    case Phase::Kind::Occupation:
      if (objectOf(phase.object).steps.empty())
        addWork(phase.object, left, phase.cycles);
      return add(begin, phase.cycles);
    case Phase::Kind::Message:
      return add(begin, addMessage(phase, left));
    case Phase::Kind::Expansion: {
      const auto emitted = program_.totals(phase.body);
      offers_[unit] =
          add(offers_[unit], multiply(left.toBegin, emitted ? emitted->instructions : endless));
      return add(begin, objectOf(unit).latency);
    }
    }
    return begin;
  }

  std::int64_t addMessage(const Phase &phase, Left left) {
    const std::int64_t own = wordsOf(phase);
    // In lock step it may get empty words, as many as the longest message sends.
    const std::int64_t most = phase.together ? std::max(own, longestTogether_) : own;
    std::int64_t cycles = 0;
    for (const ObjectId id : phase.channels) {
      const Object &channel = objectOf(id);
      addWork(id, left, multiply(own, channel.channel.interval));
      // From where a word is accepted, both pass at once.
      cycles = add(cycles, multiply(most, std::max(channel.channel.interval, channel.latency)));
    }
    return cycles;
  }

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  const OccupationProgress &progress_;
  const ServiceTimes times_;
  timing::FetchPath fetch_;
  std::vector<std::int64_t> work_;        ///< by object: least cycles
  std::vector<std::int64_t> offers_;      ///< by unit: instructions that it hands on, one a cycle
  std::int64_t longestTogether_ = 0;      ///< words of a message in lock step
  std::optional<std::int64_t> leastLife_; ///< of what is fetched; nothing if nothing is
  std::int64_t fetches_ = 0, branches_ = 0;
  bool mayWaitForFetch_ = false; ///< steps may await instructions that have not been fetched
  bool fetchWaits_ = false;      ///< its memory serves others too
  std::int64_t sum_ = 0;         ///< of the lives of all instructions, one after the other
};

} // namespace

std::optional<timing::CycleBounds> boundOccupations(const arch::ArchitectureGraph &graph,
                                                    const program::Program &program,
                                                    const OccupationProgress &progress) {
  const OccupationWork left(graph, program, progress);
  const std::int64_t from = progress.time + 1; // nothing that is left happens before
  timing::CycleBounds bounds{add(from, left.longest()), add(from, left.sum()), true};
  if (progress.time >= 0)
    bounds.lower = std::max(bounds.lower, OccupationWork(graph, program, {}).longest());
  if (bounds.upper == endless)
    return std::nullopt;
  return bounds;
}

} // namespace acadlc::aidg
