#include "backend/simulate/DriftWitness.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace acadlc::simulate {

using program::Instance;
using program::InstructionStream;
using timing::Certificate;
using timing::InstructionTimes;

namespace {

/// So many periods are needed to see that something moves evenly: two differences.
constexpr std::int64_t fewestPeriods = 3;

/// How many periods of \p certificate end within the limits.
std::int64_t periodsWithin(const Certificate &certificate, const ReplayLimits &limits) {
  const std::int64_t length = certificate.instructionsPerPeriod;
  const std::int64_t room = limits.instructions - certificate.firstInstruction;
  return std::max<std::int64_t>(std::min(room, limits.instructionsPerDrift), 0) / length;
}

/// How many periods it speaks of; a number that cannot be reached if it holds for ever.
std::int64_t periodsOf(const Certificate &certificate) {
  return certificate.periods == 0 ? std::numeric_limits<std::int64_t>::max() : certificate.periods;
}

} // namespace

bool DriftWitness::hasRoom(const Certificate &certificate, const ReplayLimits &limits) {
  return periodsWithin(certificate, limits) >= std::min(fewestPeriods, periodsOf(certificate));
}

DriftWitness::DriftWitness(const Certificate &certificate, const program::Program &program,
                           const ReplayLimits &limits)
    : certificate_(certificate),
      wanted_(std::min(periodsOf(certificate), periodsWithin(certificate, limits))),
      loop_(certificate, program) {
  // The fetch before the first period is where its movement begins.
  span_.first = std::max<std::int64_t>(begin() - 1, 0);
  span_.end = beginOf(wanted_);
}

void DriftWitness::fail(std::string what) {
  if (failure_.empty())
    failure_ = std::move(what);
}

//===--- What is shown ------------------------------------------------------------------------===//

void DriftWitness::observe(const Instance &instance, const InstructionTimes &times,
                           const InstructionStream &stream) {
  if (!failure_.empty() || hasLeftLoop_)
    return;
  const bool isFetched = instance.emission.empty();
  if (instance.index < begin()) {
    if (isFetched)
      front_ = times.fetched;
    return;
  }
  if (isFetched && instance.index == beginOf(period_ + 1))
    beginPeriod(stream);
  if (!failure_.empty() || hasLeftLoop_)
    return;
  compare(instance, times);
  if (isFetched && instance.index + 1 == beginOf(period_ + 1))
    endPeriod(times.fetched, stream);
}

void DriftWitness::beginPeriod(const InstructionStream &stream) {
  if (period_ > 0 && next_ != lines_.size())
    return fail(fmt::format("instruction {} is not the same as the one a period before",
                            beginOf(period_ + 1)));
  ++period_;
  next_ = 0;
  switch (loop_.placeAt(period_, stream)) {
  case LoopFollower::Place::InIteration:
    return;
  case LoopFollower::Place::Elsewhere:
    return fail(fmt::format("instruction {} is not of iteration {} of the loop", beginOf(period_),
                            loop_.iterationOf(period_)));
  case LoopFollower::Place::Left:
    hasLeftLoop_ = true;
  }
}

void DriftWitness::compare(const Instance &instance, const InstructionTimes &times) {
  if (period_ == 0) {
    lines_.push_back({{instance, times}, {}});
    return;
  }
  if (next_ == lines_.size() || !lines_[next_].last.recursAs(instance, length()))
    return fail(
        fmt::format("instruction {} is not the same as the one a period before", instance.index));
  Line &line = lines_[next_++];
  for (const auto &[milestone, name] : milestones)
    compareTime(line, times.*milestone, milestone, name);
  line.last.index = instance.index;
  line.last.times = times;
}

void DriftWitness::compareTime(Line &line, std::int64_t time, Milestone milestone,
                               const char *name) {
  const std::int64_t before = line.last.times.*milestone;
  const std::int64_t moved = time - before;
  std::int64_t &rate = line.rates.*milestone;
  if (period_ == 1)
    rate = moved;
  if (moved != rate || (before < 0) != (time < 0))
    fail(fmt::format("in period {} of the drift, instruction {} {} {} cycles behind the one a "
                     "period before; until then it was {}",
                     period_ + 1, line.last.index + length(), name, moved, rate));
}

void DriftWitness::endPeriod(std::int64_t fetched, const InstructionStream &stream) {
  if (front_) {
    const std::int64_t moved = fetched - *front_;
    if (moved != certificate_.cyclesPerPeriod)
      return fail(fmt::format("in period {} of the drift the fetch gets on by {} cycles, not {}",
                              period_ + 1, moved, certificate_.cyclesPerPeriod));
    isFrontChecked_ = true;
  }
  front_ = fetched;
  if (!loop_.isInLoop(stream))
    hasLeftLoop_ = true;
  else
    ++whole_;
}

//===--- What came out ------------------------------------------------------------------------===//

std::string DriftWitness::periodsText(std::int64_t periods) const {
  return fmt::format("{} period{} of {} instruction{}", periods, periods == 1 ? "" : "s", length(),
                     length() == 1 ? "" : "s");
}

Replay DriftWitness::result() const {
  using Verdict = Replay::Verdict;
  if (!failure_.empty())
    return {Verdict::Fails, failure_};
  // One that holds for all that follow ends with the loop.
  const bool isForAll = certificate_.periods == 0;
  const bool hasEnded = whole_ < wanted_;
  if (hasEnded && (!isForAll || whole_ == 0))
    return {Verdict::Fails, fmt::format("the loop ends behind {}, not {}", periodsText(whole_),
                                        isForAll ? 1 : certificate_.periods)};
  if (!isFrontChecked_)
    return {Verdict::InPart, "not verified: there is no second period to compare with"};
  if (isForAll ? !hasEnded : whole_ != certificate_.periods)
    return {Verdict::InPart,
            fmt::format("verified for {}: every time moves evenly; not gone through further",
                        periodsText(whole_))};
  if (whole_ < fewestPeriods) // which is all that it speaks of
    return {Verdict::Holds, fmt::format("{}, in which the fetch moves evenly; there are too few to "
                                        "see more",
                                        periodsText(whole_))};
  return {Verdict::Holds, fmt::format("{}, in which every time moves evenly", periodsText(whole_))};
}

} // namespace acadlc::simulate
