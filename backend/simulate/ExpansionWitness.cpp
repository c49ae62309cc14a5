#include "backend/simulate/ExpansionWitness.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace acadlc::simulate {

using program::InstructionStream;
using timing::Certificate;
using timing::ExpandedLoop;

namespace {

/// Whether both are of the same phase of the same instruction, or of one in its place.
bool isSameStream(const StreamPlace &a, const StreamPlace &b) {
  return a.owner == b.owner && a.phase == b.phase;
}

bool isOf(const StreamPlace &place, const ExpandedLoop &loop) {
  return place.index == loop.index && place.emission == loop.emission && place.phase == loop.phase;
}

/// Whether \p a and \p b stand alike in the loop at \p depth: the same loops around it, the same
/// place in its body. Loops in the body have been entered anew.
bool isAlikeIn(std::size_t depth, const StreamPlace &a, const StreamPlace &b) {
  if (a.loops.size() != b.loops.size())
    return false;
  for (std::size_t i = 0; i < a.loops.size(); ++i) {
    const InstructionStream::Loop &x = a.loops[i], &y = b.loops[i];
    if (x.repeat != y.repeat || x.step != y.step || (i <= depth && x.entry != y.entry) ||
        (i != depth && x.iteration != y.iteration))
      return false;
  }
  return true;
}

/// "4" or "4.2.1", as in reports.
std::string nameOf(std::int64_t index, const std::vector<std::int64_t> &emission) {
  return emission.empty() ? fmt::format("{}", index)
                          : fmt::format("{}.{}", index, fmt::join(emission, "."));
}

} // namespace

ExpansionWitness::ExpansionWitness(const Certificate &certificate,
                                   const arch::ArchitectureGraph &graph,
                                   const program::Program &program)
    : certificate_(certificate), graph_(graph), program_(program) {
  const std::int64_t first = certificate.firstCycle, cycles = certificate.cyclesPerPeriod;
  times_ = {first, first + cycles, first + 2 * cycles};
  const ExpandedLoop &own = certificate.expandedLoops.front();
  if (certificate.k0 != own.k0 || certificate.period != own.period)
    fail("it names other iterations than those of the loop that it was found in");
}

void ExpansionWitness::fail(std::string what) {
  if (failure_.empty())
    failure_ = std::move(what);
}

//===--- What is shown ------------------------------------------------------------------------===//

void ExpansionWitness::observe(const Moment &moment) {
  if (!failure_.empty() || endsEarly_)
    return;
  checkPlaces(moment);
  if (last_ && failure_.empty())
    compare(*last_, moment);
  last_ = moment;
  ++seen_;
  endsEarly_ = seen_ == 2 && failure_.empty() && !goesOn();
}

/// Whether the certificate says that all loops go on for another period, and they are that long.
bool ExpansionWitness::goesOn() const {
  return certificate_.periods != 1 &&
         std::ranges::all_of(certificate_.expandedLoops, [this](const ExpandedLoop &loop) {
           const auto place = std::ranges::find_if(
               last_->streams, [&](const StreamPlace &one) { return isOf(one, loop); });
           const InstructionStream::Loop &at = place->loops[loop.depth];
           return loop.period < program_.repeats[at.repeat].count - at.iteration;
         });
}

/// All loops of the certificate are where it says.
void ExpansionWitness::checkPlaces(const Moment &moment) {
  for (const ExpandedLoop &loop : certificate_.expandedLoops) {
    const auto isThere = [&](const StreamPlace &place) { return isAt(place, loop); };
    if (std::ranges::any_of(moment.streams, isThere))
      continue;
    return fail(fmt::format("in cycle {} phase {} of instruction {} is not in iteration {} of the "
                            "loop",
                            moment.state.time, loop.phase + 1, nameOf(loop.index, loop.emission),
                            loop.k0 + static_cast<std::int64_t>(seen_) * loop.period));
  }
}

bool ExpansionWitness::isAt(const StreamPlace &place, const ExpandedLoop &loop) const {
  if (!isOf(place, loop) || place.loops.size() <= loop.depth)
    return false;
  const InstructionStream::Loop &at = place.loops[loop.depth];
  const bool isNamed = &loop != &certificate_.expandedLoops.front() ||
                       program_.repeats[at.repeat].range == certificate_.loop;
  const auto period = static_cast<std::int64_t>(seen_);
  return isNamed && at.iteration == loop.k0 + period * loop.period &&
         place.handedOn == loop.firstInstruction + period * loop.instructionsPerPeriod;
}

const ExpandedLoop *ExpansionWitness::loopOf(const StreamPlace &place) const {
  const auto found = std::ranges::find_if(
      certificate_.expandedLoops, [&](const ExpandedLoop &loop) { return isOf(place, loop); });
  return found == certificate_.expandedLoops.end() ? nullptr : &*found;
}

void ExpansionWitness::compare(const Moment &before, const Moment &moment) {
  const auto differs = [&](const std::string &what) {
    fail(fmt::format("the states at the ends of cycles {} and {} differ: {}", before.state.time,
                     moment.state.time, what));
  };
  compareStreams(before, moment);
  if (const auto part = differingPart(before.state, moment.state))
    return differs(*part);
  const std::vector<std::int64_t> unmoved(graph_.objects.size(), 0);
  const arch::ObjectId storage = differingContents(before.state, moment.state, unmoved, graph_);
  if (storage != arch::noObject)
    differs("the contents of '" + graph_.objects[storage].name + "'");
}

/// The loops of the certificate have gone on, and stand alike in the body; all other streams stand
/// where they stood.
void ExpansionWitness::compareStreams(const Moment &before, const Moment &moment) {
  const auto differs = [&] {
    fail(fmt::format("in cycles {} and {} what expands does not stand alike", before.state.time,
                     moment.state.time));
  };
  if (before.streams.size() != moment.streams.size())
    return differs();
  for (std::size_t i = 0; i < moment.streams.size(); ++i) {
    const StreamPlace &from = before.streams[i], &to = moment.streams[i];
    const ExpandedLoop *loop = loopOf(to);
    if (!isSameStream(from, to) || loop != loopOf(from) ||
        (loop ? !isAlikeIn(loop->depth, from, to) : to.handedOn != from.handedOn))
      return differs();
  }
}

//===--- What came out ------------------------------------------------------------------------===//

Replay ExpansionWitness::result() const {
  using Verdict = Replay::Verdict;
  if (!failure_.empty())
    return {Verdict::Fails, failure_};
  const std::string periods = fmt::format("of {} cycle{}", certificate_.cyclesPerPeriod,
                                          certificate_.cyclesPerPeriod == 1 ? "" : "s");
  if (endsEarly_)
    return {Verdict::InPart, "not verified: 1 period " + periods +
                                 ", 2 states equal, but the loop ends before a second period"};
  if (seen_ < times_.size())
    return {Verdict::NotReplayed, {}};
  return {Verdict::Holds, "2 periods " + periods + ", 3 states equal"};
}

} // namespace acadlc::simulate
