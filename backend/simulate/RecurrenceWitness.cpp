#include "backend/simulate/RecurrenceWitness.h"

#include "backend/simulate/AlikeInstructions.h"
#include "backend/timing/Machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace acadlc::simulate {

using program::Instance;
using program::InstructionStream;
using timing::Certificate;
using timing::InstructionTimes;

namespace {

/// States are compared at up to so many begins of periods behind the first one …
constexpr std::int64_t mostPeriods = 16;
/// … but for the first two only while they lie within so many instructions.
constexpr std::int64_t cheapInstructions = 10'000;
/// Far behind them, those of two neighbouring periods are compared at 2^i periods, within so many
/// instructions: until then what was in flight when the loop began has gone.
constexpr std::int64_t farInstructions = 100'000;
/// Instructions of a fetch that are looked at.
constexpr std::int64_t mostArrivals = 512;

/// The operands that change what storages hold: those of units that access none only say what
/// depends on what.
std::span<const program::MemoryOperand> requestsOf(const program::Instruction &instruction) {
  return std::span(instruction.memory).first(instruction.requestCount());
}

/// Fetched instructions among \p instructions, what they expand to included, of an average stretch.
std::int64_t fetchedAmong(std::int64_t instructions, const program::Program &program) {
  const auto totals = program.totals();
  if (!totals || totals->instructions == 0)
    return instructions;
  return std::max<std::int64_t>(instructions / (1 + totals->emitted / totals->instructions), 1);
}

/// States are compared at the begins of the periods, some more behind them while that costs little,
/// and pairs far behind. What a fetch brings at the last of them must be of the loop. Where a loop
/// that is written out ends is not known: of it two periods are looked at.
ReplaySpan spanOf(const Certificate &certificate, const arch::ArchitectureGraph &graph,
                  const program::Program &program) {
  const std::int64_t period = certificate.instructionsPerPeriod;
  const std::int64_t cheap = fetchedAmong(cheapInstructions, program);
  const std::int64_t far = fetchedAmong(farInstructions, program);
  std::int64_t periods = std::clamp(cheap / period, std::int64_t{2}, mostPeriods);
  if (certificate.periods != 0)
    periods = std::min(periods, certificate.periods);
  if (certificate.isWrittenOut)
    periods = 2;
  ReplaySpan span;
  span.first = certificate.firstInstruction;
  for (std::int64_t i = 0; i <= periods; ++i)
    span.boundaries.push_back(span.first + i * period);
  for (std::int64_t i = 2 * periods; !certificate.isWrittenOut && (i + 1) * period <= far &&
                                     (certificate.periods == 0 || i < certificate.periods);
       i *= 2)
    for (const std::int64_t begin : {i, i + 1})
      span.boundaries.push_back(span.first + begin * period);
  const auto fetch = timing::fetchPath(graph);
  span.end = span.boundaries.back() + std::min(fetch ? fetch->width : mostArrivals, mostArrivals);
  return span;
}

} // namespace

RecurrenceWitness::RecurrenceWitness(const Certificate &certificate,
                                     const arch::ArchitectureGraph &graph,
                                     const program::Program &program)
    : certificate_(certificate), graph_(graph), program_(program),
      span_(spanOf(certificate, graph, program)), loop_(certificate, program), shifts_(graph) {
  if (certificate.isWrittenOut)
    alike_ = findAlikeInstructions(program);
}

//===--- What is shown ------------------------------------------------------------------------===//

/// What instructions are compared by.
program::InstructionId RecurrenceWitness::nameOf(program::InstructionId id) const {
  return alike_.empty() ? id : alike_[id];
}

void RecurrenceWitness::observe(const StateSnapshot &snapshot) {
  StateSnapshot named = snapshot;
  for (std::vector<program::InstructionId> *ids : {&named.flights, &named.arrived})
    for (program::InstructionId &id : *ids)
      id = nameOf(id);
  states_.add(named);
}

void RecurrenceWitness::observe(const Instance &instance, const InstructionTimes &times,
                                const InstructionStream &stream) {
  if (!failure_.empty() || hasLeftLoop_)
    return;
  lastSeen_ = instance.index;
  const bool isFetched = instance.emission.empty();
  if (instance.index >= end()) {
    hasLeftLoop_ = isFetched && !loop_.isInLoop(stream);
    return;
  }
  if (isFetched && instance.index == begin())
    checkPlace(0, stream);
  if (isFetched && instance.index == middle())
    checkPlace(1, stream);
  Instance named = instance;
  named.id = nameOf(instance.id);
  compareInstruction(named, times, stream);
}

/// Of a loop that is written out there is no place: its iterations are told by their instructions.
void RecurrenceWitness::checkPlace(std::int64_t period, const InstructionStream &stream) {
  if (certificate_.isWrittenOut)
    return;
  const LoopFollower::Place place = loop_.placeAt(period, stream);
  hasLeftLoop_ = place == LoopFollower::Place::Left;
  if (place == LoopFollower::Place::Elsewhere)
    fail(fmt::format("instruction {} is not of iteration {} of the loop",
                     period == 0 ? begin() : middle(), loop_.iterationOf(period)));
}

void RecurrenceWitness::compareInstruction(const Instance &instance, const InstructionTimes &times,
                                           const InstructionStream &stream) {
  if (instance.index < middle()) {
    first_.emplace_back(instance, times);
    firstAddresses_.push_back(addressesOf(instance));
    return;
  }
  const std::size_t place = second_.size();
  if (place < first_.size() &&
      first_[place].recursAs(instance, certificate_.instructionsPerPeriod)) {
    addShifts(instance, firstAddresses_[place]);
    second_.emplace_back(instance, times);
    return;
  }
  hasLeftLoop_ = !certificate_.isWrittenOut && !loop_.isInLoop(stream);
  if (!hasLeftLoop_)
    fail(fmt::format("instruction {} is not the same as the one a period before", instance.index));
}

std::vector<std::int64_t> RecurrenceWitness::addressesOf(const Instance &instance) const {
  std::vector<std::int64_t> addresses;
  if (!instance.emission.empty())
    return addresses;
  for (const program::MemoryOperand &operand : requestsOf(*instance.instruction))
    if (shifts_.counts(operand))
      addresses.push_back(program_.evaluate(operand.address, instance.loopValues));
  return addresses;
}

/// By how far the addresses of \p instance lie behind those a period \p before.
void RecurrenceWitness::addShifts(const Instance &instance,
                                  const std::vector<std::int64_t> &before) {
  const std::vector<std::int64_t> addresses = addressesOf(instance);
  std::size_t next = 0;
  for (const program::MemoryOperand &operand : requestsOf(*instance.instruction))
    if (next < addresses.size() && shifts_.counts(operand)) {
      shifts_.add(operand.storage, addresses[next] - before[next]);
      ++next;
    }
}

//===--- What came out ------------------------------------------------------------------------===//

Replay RecurrenceWitness::result() {
  if (failure_.empty() && (first_.empty() || states_.isEmpty()))
    fail("the stream ends before");
  if (failure_.empty())
    compareTimes();
  if (failure_.empty())
    compareStates();
  if (!failure_.empty())
    return {Replay::Verdict::Fails, failure_};
  if (!doubt_.empty())
    return {Replay::Verdict::InPart, "not verified: times equal, " + doubt_};
  return {Replay::Verdict::Holds, whatWasCompared()};
}

/// Behind the arrival of the first instruction that has none like it a period before, events may
/// differ: it may go first where objects merge.
void RecurrenceWitness::compareTimes() {
  const std::int64_t end =
      isWhole() ? (second_.empty() ? 0 : second_.front().times.fetched)
                : first_[second_.size()].times.fetched + certificate_.cyclesPerPeriod;
  const std::int64_t different = isWhole() ? end + certificate_.cyclesPerPeriod : end;
  for (std::size_t i = 0; i < second_.size() && failure_.empty(); ++i)
    for (const auto &[milestone, name] : milestones)
      compareTime(second_[i].index, first_[i].times.*milestone, second_[i].times.*milestone,
                  different, name);
}

void RecurrenceWitness::compareTime(std::int64_t index, std::int64_t before, std::int64_t time,
                                    std::int64_t different, const char *name) {
  const std::int64_t cycles = certificate_.cyclesPerPeriod;
  const bool isNever = before < 0 && time < 0;
  const bool isBehind = before >= different - cycles && time >= different;
  if (isNever || isBehind || time - before == cycles || !failure_.empty())
    return;
  fail(fmt::format("instruction {} {} {} cycles behind the one a period before, not {}", index,
                   name, time - before, cycles));
}

void RecurrenceWitness::compareStates() {
  const std::int64_t loopEnd = hasLeftLoop_ ? lastSeen_ : lastSeen_ + 1;
  StateRecurrence::Expected expected;
  expected.instructionsPerPeriod = certificate_.instructionsPerPeriod;
  expected.cyclesPerPeriod = certificate_.cyclesPerPeriod;
  expected.loopEnd = loopEnd;
  expected.streamEnds = !hasLeftLoop_ && lastSeen_ + 1 < span_.end;
  if (certificate_.periods == 0)
    expected.states = span_.boundaries.size();
  StateRecurrence::Result result = states_.compare(expected, shifts_, graph_);
  equalStates_ = result.equalStates;
  failure_ = std::move(result.failure);
  doubt_ = std::move(result.doubt);
}

std::string RecurrenceWitness::whatWasCompared() const {
  const std::string instructions =
      fmt::format("{} instruction{}", certificate_.instructionsPerPeriod,
                  certificate_.instructionsPerPeriod == 1 ? "" : "s");
  const std::string periods =
      isWhole() ? "2 periods of " + instructions
                : fmt::format("1 period of {} and {} of the next, where the loop ends",
                              instructions, second_.back().index + 1 - middle());
  return fmt::format("{}, {} states equal", periods, equalStates_);
}

} // namespace acadlc::simulate
