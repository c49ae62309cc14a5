/// \file
/// The recurrences of docs/timing.md in program order: for each instruction a few maxima and sums
/// over the array of times. Written once for two kinds of numbers: plain cycles, and cycles that
/// move at a rate (Drift.h).
#pragma once

#include "backend/aidg/plan/FlatProgram.h"
#include "backend/aidg/plan/Issues.h"
#include "backend/aidg/plan/TimeLimit.h"

#include <llvm/Support/Compiler.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace acadlc::aidg {

/// Thrown where a younger request comes before an older one: then the order depends on time.
struct OrderDependsOnTime {};
/// Thrown where a time would leave the range.
struct TimeOverflow {};

/// The times of a program-order evaluation, and how one instruction changes them. Neither depends
/// on addresses; whoever evaluates instructions that use them does that between enter() and
/// finish().
template <typename Arithmetic> class Recurrences {
public:
  using Time = typename Arithmetic::Time;

  explicit Recurrences(const FlatProgram &program)
      : values(program.layout.size), program_(&program) {
    takeIssues();
  }

  std::vector<Time> values;   ///< as the layout says
  std::int64_t remaining = 0; ///< instructions of the present fetch block that are still to come
  Arithmetic arithmetic;

  /// When an instruction enters its unit, starts there and ends.
  struct UnitTimes {
    Time entered{}, started{}, finished{};
  };

  /// Evaluates an instruction that uses no addresses.
  UnitTimes evaluate(const FlatInstruction &instruction) {
    const Time entered = enter(instruction);
    const Time started = awaitRegisters(instruction, entered);
    Time time = arithmetic.add(started, instruction.latency);
    if (instruction.accessCount == 0) {
      finish(instruction, time, arithmetic.add(started, instruction.occupation));
      return {entered, started, time};
    }
    for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
      const FlatAccess &access = program_->accesses[instruction.firstAccess + i];
      time = arithmetic.add(grant(access, time), access.service);
      giveBack(access, time);
    }
    finish(instruction, time, time);
    return {entered, started, time};
  }

  /// Evaluates a series of instructions. Plain cycles only; for so few that no time can leave the
  /// 64-bit range on the way.
  void evaluate(std::span<const SeriesStep> steps) {
    while (!steps.empty()) {
      fetch();
      const std::int64_t count = std::min(static_cast<std::int64_t>(steps.size()), remaining);
      const auto block = steps.first(static_cast<std::size_t>(count));
      if (issues_.areFew())
        evaluateBlock(block, issues_.sorted());
      else
        evaluateBlock(block, IssueCounts::Series(issues_.counts(), count));
      remaining -= count;
      steps = steps.subspan(block.size());
    }
    if (values[TimeLayout::end] > timeLimit)
      throw TimeOverflow{};
  }

  /// Lets the instruction arrive and go to its unit; returns when it enters that. An object is
  /// entered when the one before is done and its previous occupant, which is the previous
  /// instruction in program order that passes it, has left.
  Time enter(const FlatInstruction &instruction) {
    Time *const times = values.data();
    const std::uint32_t *place = program_->places.data() + instruction.firstPlace;
    const std::uint32_t *const unit = place + instruction.objectCount - 1;
    Time entered = arithmetic.max(arrivalOfNext(), times[*place]);
    issued_ = entered;
    issues_.record(entered, arithmetic);
    while (place != unit) {
      Time &leaving = times[*place];
      const Time ready = arithmetic.add(entered, program_->latencies[*place]);
      entered = arithmetic.max(ready, times[*++place]);
      leaving = entered;
    }
    return entered;
  }
  /// When the last instruction that entered its unit had left the issue buffer.
  [[nodiscard]] Time issued() const { return issued_; }

  /// When the registers of an instruction are ready that can start at \p time.
  Time awaitRegisters(const FlatInstruction &instruction, Time time) {
    const Time *const times = values.data();
    const std::uint32_t *place = program_->places.data() + instruction.unit() + 1;
    for (std::uint32_t i = instruction.readCount; i != 0; --i)
      time = arithmetic.max(time, times[*place++]);
    for (std::uint32_t i = instruction.writeCount; i != 0; --i)
      time = arithmetic.max(time, times[*place++ + 1]);
    return time;
  }

  /// When a request made at \p time is granted.
  Time grant(const FlatAccess &access, Time time) {
    Time granted = time;
    if (access.inProgramOrder)
      granted = arithmetic.max(granted, values[access.requests + 1]);
    else if (access.merges)
      // Program order is the order of time as long as requests do not come earlier than older ones.
      advance(values[access.requests], time);
    if (access.takesSlot)
      granted = arithmetic.max(granted, values[access.slots]);
    if (access.inProgramOrder)
      values[access.requests + 1] = granted;
    if (access.hasGroup)
      advance(values[access.groupGrant], granted);
    return granted;
  }
  /// Ends a request at \p time: its slot is free again.
  void giveBack(const FlatAccess &access, Time time) {
    if (!access.takesSlot)
      return;
    std::uint32_t place = access.slots;
    for (; place + 1 != access.slotEnd && arithmetic.isBefore(values[place + 1], time); ++place)
      values[place] = values[place + 1];
    values[place] = time;
  }

  /// Ends the instruction at \p time; its unit is free at \p unitFree.
  void finish(const FlatInstruction &instruction, Time time, Time unitFree) {
    if (arithmetic.cycles(time) > timeLimit || arithmetic.cycles(unitFree) > timeLimit)
      throw TimeOverflow{};
    Time *const times = values.data();
    const std::uint32_t *place = program_->places.data() + instruction.unit();
    times[*place++] = unitFree;
    for (std::uint32_t i = instruction.readCount; i != 0; --i, ++place)
      times[*place + 1] = arithmetic.max(times[*place + 1], time);
    for (std::uint32_t i = instruction.writeCount; i != 0; --i, ++place)
      times[*place] = times[*place + 1] = time;
    times[TimeLayout::end] = arithmetic.max(times[TimeLayout::end], time);
    if (instruction.isBranch) {
      remaining = 0;
      times[TimeLayout::fetchFree] = arithmetic.max(times[TimeLayout::fetchFree], time);
    }
  }

  /// Raises times (the stored issues too) that can delay nothing any more to what nothing to come
  /// undercuts: no later instruction arrives before the present block did, so none uses a thing
  /// before that and the least distance from an arrival to the thing.
  void clamp() {
    const TimeLayout &layout = program_->layout;
    const Time arrival = values[TimeLayout::arrival];
    for (std::uint32_t place = TimeLayout::end; place != layout.issues; ++place)
      values[place] =
          arithmetic.max(values[place], arithmetic.add(arrival, layout.distance[place]));
    const Time fetchFree = values[TimeLayout::fetchFree];
    for (std::uint32_t place = layout.issues; place != layout.size; ++place)
      values[place] = arithmetic.max(values[place], fetchFree);
  }

  /// The issues live apart from the other times. Writes them where the layout has them.
  void storeIssues() { issues_.store(issuePart()); }
  /// Takes them from there.
  void takeIssues() { issues_.assign(issuePart()); }

private:
  /// Evaluates instructions of the present fetch block: enter(), awaitRegisters() and finish() in
  /// one. Only the second register read has a branch: evaluating a missing one costs more.
  template <typename Issues>
  LLVM_ATTRIBUTE_ALWAYS_INLINE void evaluateBlock(std::span<const SeriesStep> steps,
                                                  Issues &&issues) {
    Time *const times = values.data();
    const Time arrival = times[TimeLayout::arrival];
    Time end = times[TimeLayout::end];
    for (const SeriesStep &step : steps) {
      const Time issued = std::max(arrival, times[step.stage]);
      issues.record(issued, arithmetic);
      Time time = std::max(issued + step.stageLatency, times[step.unit]);
      times[step.stage] = time;
      time = std::max(time, times[step.readWritten[0]]);
      if (step.readsTwo())
        time = std::max(time, times[step.readWritten[1]]);
      time = std::max(time, times[step.accessed]);
      const Time unitFree = time + step.occupation;
      time += step.latency;
      times[step.readAccessed[0]] = std::max(times[step.readAccessed[0]], time);
      if (step.readsTwo())
        times[step.readAccessed[1]] = std::max(times[step.readAccessed[1]], time);
      times[step.written] = times[step.accessed] = time;
      times[step.unit] = unitFree; // behind the places that stand for missing registers
      end = std::max(end, time);
    }
    times[TimeLayout::end] = end;
  }

  Time arrivalOfNext() {
    fetch();
    --remaining;
    return values[TimeLayout::arrival];
  }

  /// Fetches a block unless there is something left of the present one.
  void fetch() {
    if (remaining == 0) {
      const Time start = arithmetic.max(values[TimeLayout::fetchFree], issues_.room());
      if (arithmetic.cycles(start) > timeLimit)
        throw TimeOverflow{};
      values[TimeLayout::arrival] = values[TimeLayout::fetchFree] =
          arithmetic.add(start, program_->fetchLatency);
      remaining = program_->fetchWidth;
    }
  }

  std::span<Time> issuePart() { return std::span(values).subspan(program_->layout.issues); }

  /// Moves a time forward that must not go back.
  void advance(Time &latest, Time time) {
    if (arithmetic.isBefore(time, latest))
      throw OrderDependsOnTime{};
    latest = time;
  }

  const FlatProgram *program_;
  typename Arithmetic::Issues issues_;
  Time issued_{};
};

} // namespace acadlc::aidg
