#include "backend/simulate/Replay.h"

#include "backend/simulate/DriftWitness.h"
#include "backend/simulate/ExpansionWitness.h"
#include "backend/simulate/RecurrenceWitness.h"
#include "backend/simulate/Simulator.h"
#include "support/CheckedArithmetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

namespace acadlc::simulate {

namespace {

using timing::Certificate;
using timing::InstructionTimes;

/// One certificate under replay. It is shown the stream instruction by instruction.
using Witness = std::variant<RecurrenceWitness, DriftWitness>;

const ReplaySpan &spanOf(const Witness &witness) {
  return std::visit([](const auto &one) -> const ReplaySpan & { return one.span(); }, witness);
}

/// Instructions that are fetched behind the last one that anybody wants to see: it must not matter
/// that the stream is cut off.
constexpr std::int64_t goOn = 4096;

/// All witnesses of one simulation.
class Replayer {
public:
  Replayer(const arch::ArchitectureGraph &graph, const program::Program &program)
      : graph_(graph), program_(program), stream_(program) {}

  void add(const Certificate &certificate, const ReplayLimits &limits) {
    pending_.push_back(witnesses_.size());
    if (certificate.isDrift)
      witnesses_.emplace_back(DriftWitness(certificate, program_, limits));
    else
      witnesses_.emplace_back(RecurrenceWitness(certificate, graph_, program_));
  }

  std::vector<Replay> run() {
    SimulateOptions options;
    std::ranges::sort(pending_, std::greater(),
                      [this](std::size_t i) { return spanOf(witnesses_[i]).first; });
    for (const Witness &witness : witnesses_) {
      const ReplaySpan &span = spanOf(witness);
      end_ = std::max(end_, span.end);
      options.snapshotsAt.insert(options.snapshotsAt.end(), span.boundaries.begin(),
                                 span.boundaries.end());
    }
    std::ranges::sort(options.snapshotsAt);
    const auto same = std::ranges::unique(options.snapshotsAt);
    options.snapshotsAt.erase(same.begin(), same.end());
    options.snapshotObserver = [this](const StateSnapshot &snapshot) { show(snapshot); };
    options.observer = [this](const program::Instance &instance, const InstructionTimes &times) {
      show(instance, times);
    };
    options.isEnough = [this] { return shown_ >= end_; };
    // Nothing is shown while an old instruction takes long, however many finish meanwhile.
    options.maxInstructions = end_ + goOn;
    if (!witnesses_.empty())
      simulate(graph_, program_, options);
    std::vector<Replay> results;
    for (Witness &witness : witnesses_)
      results.push_back(std::visit([](auto &one) { return one.result(); }, witness));
    return results;
  }

private:
  void show(const StateSnapshot &snapshot) {
    for (Witness &witness : witnesses_)
      if (std::ranges::binary_search(spanOf(witness).boundaries, snapshot.index))
        std::visit([&](auto &one) { one.observe(snapshot); }, witness);
  }

  void show(const program::Instance &instance, const InstructionTimes &times) {
    if (instance.emission.empty()) {
      shown_ = instance.index + 1;
      program::Instance same;
      stream_.next(same);
    }
    for (; !pending_.empty() && spanOf(witnesses_[pending_.back()]).first <= instance.index;
         pending_.pop_back())
      active_.push_back(pending_.back());
    std::erase_if(active_,
                  [&](std::size_t i) { return spanOf(witnesses_[i]).end <= instance.index; });
    for (const std::size_t i : active_)
      std::visit([&](auto &one) { one.observe(instance, times, stream_); }, witnesses_[i]);
  }

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  program::InstructionStream stream_; ///< follows what is shown, to know the loops
  std::vector<Witness> witnesses_;
  std::vector<std::size_t> pending_; ///< witnesses that have seen nothing yet, the last one first
  std::vector<std::size_t> active_;  ///< within whose periods the stream is
  std::int64_t end_ = 0;             ///< index behind all that anybody wants to see
  std::int64_t shown_ = 0;           ///< instructions
};

/// All witnesses of loops within expansions, in one simulation. They see the state in certain
/// cycles, and no instruction.
class MomentReplayer {
public:
  MomentReplayer(const arch::ArchitectureGraph &graph, const program::Program &program,
                 std::int64_t mostCycles)
      : graph_(graph), program_(program), mostCycles_(mostCycles) {}

  void add(const Certificate &certificate) {
    for (const std::int64_t time : witnesses_.emplace_back(certificate, graph_, program_).times())
      atTime_[time].push_back(witnesses_.size() - 1);
  }

  std::vector<Replay> run() {
    SimulateOptions options;
    for (const auto &[time, witnesses] : atTime_)
      options.momentsAt.push_back(time);
    options.momentObserver = [this](const Moment &moment) {
      for (const std::size_t i : atTime_.at(moment.state.time))
        witnesses_[i].observe(moment);
      last_ = moment.state.time;
    };
    options.isEnough = [this] {
      return ++cycles_ == mostCycles_ || last_ == atTime_.rbegin()->first;
    };
    if (!witnesses_.empty())
      simulate(graph_, program_, options);
    std::vector<Replay> results;
    for (const ExpansionWitness &witness : witnesses_) {
      Replay &result = results.emplace_back(witness.result());
      if (result.verdict == Replay::Verdict::NotReplayed)
        result.finding = fmt::format("not replayed: its second period ends in cycle {}; the first "
                                     "{} cycles in which something happens are simulated",
                                     witness.times().back(), mostCycles_);
    }
    return results;
  }

private:
  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  std::int64_t mostCycles_;
  std::vector<ExpansionWitness> witnesses_;
  std::map<std::int64_t, std::vector<std::size_t>> atTime_; ///< who wants to see the state
  std::int64_t cycles_ = 0;                                 ///< so far in which something happened
  std::optional<std::int64_t> last_;                        ///< cycle that has been shown
};

/// Whether the limits leave room for what a witness wants to see at least.
bool hasRoom(const Certificate &certificate, const ReplayLimits &limits) {
  if (certificate.isDrift)
    return DriftWitness::hasRoom(certificate, limits);
  const auto length = checkedMul(certificate.instructionsPerPeriod, 2);
  const auto end = length ? checkedAdd(certificate.firstInstruction, *length) : std::nullopt;
  return end && *end <= limits.instructions;
}

/// Why \p certificate is not replayed; empty if it is.
std::string whyNotReplayed(const Certificate &certificate, const ReplayLimits &limits) {
  if (certificate.instructionsPerPeriod <= 0)
    return "not replayed: it is not known where in the stream it was found";
  if (certificate.instructionsPerPeriod > limits.instructionsPerPeriod)
    return fmt::format("not replayed: a period has {} instructions, more than {}",
                       certificate.instructionsPerPeriod, limits.instructionsPerPeriod);
  if (!hasRoom(certificate, limits))
    return fmt::format("not replayed: its periods of {} instruction{} begin at instruction {} of "
                       "the stream; the first {} are simulated",
                       certificate.instructionsPerPeriod,
                       certificate.instructionsPerPeriod == 1 ? "" : "s",
                       certificate.firstInstruction, limits.instructions);
  return {};
}

/// What makes certificates equal. Where in the stream is left out, but for drifts, as how long one
/// lasts depends on the state that it begins in, and for loops that are written out, of which the
/// place is all that tells them apart.
using Claim = std::tuple<std::uint32_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                         std::int64_t, std::optional<std::int64_t>>;

Claim claimOf(const Certificate &one) {
  return {one.loop.begin.raw(),
          one.k0,
          one.period,
          one.cyclesPerPeriod,
          one.instructionsPerPeriod,
          one.periods,
          one.isDrift || one.isWrittenOut ? std::optional(one.firstInstruction) : std::nullopt};
}

/// Replays those of loops of the fetched stream; the others have no result.
void replayFetched(const arch::ArchitectureGraph &graph, const program::Program &program,
                   const std::vector<Certificate> &certificates, const ReplayLimits &limits,
                   std::vector<Replay> &answers) {
  // Of equal ones the first in the stream.
  std::map<Claim, Certificate> claims;
  for (const Certificate &certificate : certificates) {
    if (certificate.isInExpansion())
      continue;
    const auto [place, isNew] = claims.try_emplace(claimOf(certificate), certificate);
    if (!isNew && certificate.firstInstruction < place->second.firstInstruction)
      place->second = certificate;
  }
  std::map<Claim, Replay> results;
  std::vector<Claim> order;
  Replayer replayer(graph, program);
  for (const auto &[claim, certificate] : claims) {
    if (std::string reason = whyNotReplayed(certificate, limits); !reason.empty()) {
      results[claim] = {Replay::Verdict::NotReplayed, std::move(reason)};
      continue;
    }
    replayer.add(certificate, limits);
    order.push_back(claim);
  }
  std::vector<Replay> replayed = replayer.run();
  for (std::size_t i = 0; i < order.size(); ++i)
    results[order[i]] = std::move(replayed[i]);
  for (std::size_t i = 0; i < certificates.size(); ++i)
    if (!certificates[i].isInExpansion())
      answers[i] = results.at(claimOf(certificates[i]));
}

/// What is wrong with the times of \p certificate, of a loop within an expansion; NotReplayed
/// without a finding if nothing is.
Replay checkTimes(const Certificate &certificate) {
  if (certificate.firstCycle < 0 || certificate.cyclesPerPeriod <= 0)
    return {Replay::Verdict::Fails,
            fmt::format("periods of {} cycles from cycle {} on are none",
                        certificate.cyclesPerPeriod, certificate.firstCycle)};
  const auto cycles = checkedMul(certificate.cyclesPerPeriod, 2);
  if (!cycles || !checkedAdd(certificate.firstCycle, *cycles))
    return {Replay::Verdict::NotReplayed, "not replayed: its second period ends beyond 64 bits"};
  return {};
}

/// Replays those of loops within expansions.
void replayExpanded(const arch::ArchitectureGraph &graph, const program::Program &program,
                    const std::vector<Certificate> &certificates, const ReplayLimits &limits,
                    std::vector<Replay> &answers) {
  MomentReplayer replayer(graph, program, limits.cycles);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    if (!certificates[i].isInExpansion())
      continue;
    answers[i] = checkTimes(certificates[i]);
    if (!answers[i].finding.empty())
      continue;
    replayer.add(certificates[i]);
    places.push_back(i);
  }
  std::vector<Replay> replayed = replayer.run();
  for (std::size_t i = 0; i < places.size(); ++i)
    answers[places[i]] = std::move(replayed[i]);
}

} // namespace

std::vector<Replay> replay(const arch::ArchitectureGraph &graph, const program::Program &program,
                           const std::vector<Certificate> &certificates,
                           const ReplayLimits &limits) {
  std::vector<Replay> answers(certificates.size());
  replayFetched(graph, program, certificates, limits, answers);
  replayExpanded(graph, program, certificates, limits, answers);
  return answers;
}

} // namespace acadlc::simulate
