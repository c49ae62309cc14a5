// Bounds for programs of several occupations. Neither depends on an order, nor on when words or
// entries come back; so no anomaly can break them.

#include "backend/aidg/Bounds.h"
#include "backend/aidg/ServiceBounds.h"
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

/// The work of a stream by object, and all of it one after the other.
class OccupationWork {
public:
  OccupationWork(const arch::ArchitectureGraph &graph, const program::Program &program)
      : graph_(graph), program_(program), times_(graph, program), work_(graph.objects.size(), 0),
        offers_(graph.objects.size(), 0) {
    const auto fetch = timing::fetchPath(graph);
    ACADLC_CHECK(fetch.has_value(), "a program needs a fetch stage");
    fetch_ = *fetch;
    findLongestMessage();
    const std::vector<program::Program::Count> counts = program.executions();
    for (std::size_t i = 0; i != counts.size(); ++i)
      if (const std::int64_t count = counts[i].value_or(endless); count != 0)
        addInstruction(program.instructions[i], count);
    const auto totals = program.totals();
    fetched_ = totals ? totals->instructions : endless;
  }

  /// No object can do its work in less time than it takes.
  [[nodiscard]] std::int64_t longest() const {
    if (fetched_ == 0)
      return 0;
    const std::int64_t latency = fetch_.unitLatency + fetch_.serviceTime + fetch_.stageLatency;
    const std::int64_t fetches = ceilDiv(fetched_, fetch_.width);
    std::int64_t most = multiply(fetches, latency);
    for (ObjectId id = 0; id != work_.size(); ++id) {
      const bool servesFetch = id == fetch_.storage;
      const std::int64_t work =
          add(work_[id], servesFetch ? multiply(fetches, fetch_.serviceTime) : std::int64_t{0});
      if (work != 0)
        most = std::max(most, add(servesFetch ? 0 : latency, least(id, work)));
      if (offers_[id] != 0)
        most = std::max(most, add(latency, offers_[id]));
    }
    return most;
  }

  /// In each cycle before the end some latency passes, or something happens, or what happened in
  /// the cycle before becomes visible; else nothing can happen any more.
  [[nodiscard]] std::int64_t sum() const {
    if (fetched_ == 0)
      return 0;
    const std::int64_t latency = fetch_.unitLatency + fetch_.serviceTime + fetch_.stageLatency;
    const std::int64_t fetches = add(ceilDiv(fetched_, fetch_.width), branches_);
    return add(sum_, multiply(fetches, add(latency, fetchEvents * visibleIn)));
  }

private:
  /// A start, a request, a grant and an arrival.
  static constexpr std::int64_t fetchEvents = 4;
  /// What happens takes at most its own cycle and that in which it is seen.
  static constexpr std::int64_t visibleIn = 2;

  [[nodiscard]] const Object &objectOf(ObjectId id) const { return graph_.objects[id]; }

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

  void addWork(ObjectId id, std::int64_t count, std::int64_t cycles) {
    work_[id] = add(work_[id], multiply(count, cycles));
  }

  /// Cycles that pass, and things that happen, in the life of one instruction.
  struct Life {
    std::int64_t cycles = 0, events = 0;
    void pass(std::int64_t more) { cycles = add(cycles, more); }
    void happen(std::int64_t more) { events = add(events, more); }
  };

  void addInstruction(const Instruction &instruction, std::int64_t count) {
    const program::Route &route = program_.routes[instruction.route];
    Life life;
    // It is issued or handed on, it starts, its step is taken and ends, its three events happen.
    life.happen(8 + static_cast<std::int64_t>(instruction.signals.size()));
    for (const ObjectId id : route.stages)
      addStage(id, route.unit, count, life);
    life.happen(2); // it enters and leaves the unit
    if (instruction.phases.empty())
      addExecution(instruction, route.unit, count, life);
    for (const Phase &phase : instruction.phases)
      addPhase(phase, route.unit, count, life);
    sum_ = add(sum_, multiply(count, add(life.cycles, multiply(life.events, visibleIn))));
    if (route.unit == fetch_.unit)
      branches_ = add(branches_, count);
  }

  /// A stage or queue on the way to \p unit.
  void addStage(ObjectId id, ObjectId unit, std::int64_t count, Life &life) {
    const Object &object = objectOf(id);
    life.happen(3); // entry, leave, and the return of the entry
    if (arch::isExtension(object.objectClass)) {
      life.pass(1);
      addWork(id, count, 1); // one enters in a cycle
      return;
    }
    life.pass(add(object.latency, 1));
    // The stage of a unit with steps is a window on the queue: many stand in it at once.
    const bool isWindow = object.objectClass == ObjectClass::ExecuteStage && object.latency > 0 &&
                          !objectOf(unit).steps.empty();
    if (!isWindow)
      addWork(id, count, object.latency);
  }

  void addExecution(const Instruction &instruction, ObjectId unit, std::int64_t count, Life &life) {
    std::int64_t least = timing::occupation(objectOf(unit), instruction);
    life.pass(instruction.latency);
    const auto requests = std::span(instruction.memory).first(instruction.requestCount());
    for (const program::MemoryOperand &operand : requests) {
      const ServiceBounds service = times_.of(operand);
      addWork(operand.storage, count, service.least);
      least = add(least, service.least);
      life.pass(service.most);
      life.happen(3); // request, grant, end
    }
    // Instructions of one step share their unit.
    if (objectOf(unit).steps.empty())
      addWork(unit, count, least);
  }

  void addPhase(const Phase &phase, ObjectId unit, std::int64_t count, Life &life) {
    // It begins and ends, each holding is taken and given back.
    life.happen(4 + 2 * static_cast<std::int64_t>(phase.holding.size()));
    switch (phase.kind) {
    case Phase::Kind::Delay:
      life.pass(phase.cycles);
      return;
    case Phase::Kind::Occupation:
      life.pass(phase.cycles);
      if (objectOf(phase.object).steps.empty())
        addWork(phase.object, count, phase.cycles);
      return;
    case Phase::Kind::Message:
      addMessage(phase, count, life);
      return;
    case Phase::Kind::Expansion: {
      life.pass(add(objectOf(unit).latency, 1));
      const auto emitted = program_.totals(phase.body);
      offers_[unit] =
          add(offers_[unit], multiply(count, emitted ? emitted->instructions : endless));
      return;
    }
    }
  }

  void addMessage(const Phase &phase, std::int64_t count, Life &life) {
    const std::int64_t own = wordsOf(phase);
    // In lock step it may get empty words, as many as the longest message sends.
    const std::int64_t most = phase.together ? std::max(own, longestTogether_) : own;
    for (const ObjectId id : phase.channels) {
      const Object &channel = objectOf(id);
      addWork(id, count, multiply(own, channel.channel.interval));
      life.pass(multiply(most, add(channel.channel.interval, channel.latency)));
      life.happen(multiply(most, 3)); // accepted, arrived, its room given back
    }
  }

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  const ServiceTimes times_;
  timing::FetchPath fetch_;
  std::vector<std::int64_t> work_;   ///< by object: least cycles
  std::vector<std::int64_t> offers_; ///< by unit: instructions that it hands on, one a cycle
  std::int64_t longestTogether_ = 0; ///< words of a message in lock step
  std::int64_t fetched_ = 0, branches_ = 0;
  std::int64_t sum_ = 0; ///< of the lives of all instructions, one after the other
};

} // namespace

std::optional<timing::CycleBounds> boundOccupations(const arch::ArchitectureGraph &graph,
                                                    const program::Program &program) {
  const OccupationWork work(graph, program);
  timing::CycleBounds bounds{work.longest(), work.sum(), true};
  if (bounds.upper == endless)
    return std::nullopt;
  return bounds;
}

} // namespace acadlc::aidg
