#include "backend/analysis/ShortStream.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>

namespace acadlc::analysis {

namespace {

using simulate::ChainStep;

/// Longer common periods of several certificates of a loop are of no use.
constexpr std::int64_t longestPeriod = 1 << 12;

/// What all certificates of a loop say together; nothing if there is none that can be used.
std::optional<timing::Certificate>
certificateOf(const program::Repeat &repeat, std::span<const timing::Certificate> certificates) {
  std::optional<timing::Certificate> sum;
  for (const timing::Certificate &certificate : certificates) {
    const bool isUsable = !certificate.isDrift && !certificate.isWrittenOut &&
                          !certificate.isInExpansion() && certificate.periods == 0;
    if (!isUsable || !(certificate.loop == repeat.range))
      continue;
    if (!sum)
      sum = certificate;
    sum->k0 = std::max(sum->k0, certificate.k0);
    sum->period = std::lcm(sum->period, certificate.period);
    if (sum->period > longestPeriod)
      return std::nullopt;
  }
  return sum;
}

/// Where an instruction stands: the loops around it, outermost first.
using Loops = std::vector<program::InstructionStream::Loop>;

/// The loops around the instructions of a chain, by their index in the stream.
std::map<std::int64_t, Loops> loopsOf(const program::Program &program,
                                      std::span<const ChainStep> chain) {
  std::map<std::int64_t, Loops> loops;
  for (const ChainStep &step : chain)
    if (step.hasInstruction)
      loops[step.index];
  program::InstructionStream stream(program);
  program::Instance instance;
  auto wanted = loops.begin();
  while (wanted != loops.end() && stream.next(instance))
    if (instance.index == wanted->first) {
      stream.findLoops(wanted->second);
      ++wanted;
    }
  return loops;
}

/// What makes steps of two iterations of a loop the same one: the place in the iteration.
using Place =
    std::tuple<program::InstructionId, simulate::Activity, simulate::WaitKind, bool, std::uint32_t,
               std::int64_t, std::vector<std::int64_t>, std::vector<std::int64_t>>;

Place placeIn(const ChainStep &step, const Loops &loops, std::size_t depth) {
  std::vector<std::int64_t> inner;
  for (std::size_t i = depth + 1; i < loops.size(); ++i) {
    inner.push_back(loops[i].repeat);
    inner.push_back(loops[i].iteration);
  }
  return {step.instruction, step.activity,         step.over,     step.isContended,
          step.phase,       step.end - step.begin, step.emission, std::move(inner)};
}

/// A part of a chain, (first, last], that is the path through a period.
struct Segment {
  std::size_t first = 0, last = 0;
};

/// The last part of the chain that goes from a step in one entry of a loop to the same step a
/// period later. \p steps are those in the entry, in the order of time.
std::optional<Segment> findSegment(std::span<const ChainStep> chain,
                                   const std::map<std::int64_t, Loops> &loops,
                                   const std::vector<std::size_t> &steps, std::size_t depth,
                                   std::int64_t period) {
  std::map<std::pair<Place, std::int64_t>, std::size_t> seen; ///< with the iteration
  std::optional<Segment> result;
  std::vector<Segment> found;
  for (const std::size_t at : steps) {
    const Loops &around = loops.at(chain[at].index);
    const Place place = placeIn(chain[at], around, depth);
    const std::int64_t iteration = around[depth].iteration;
    if (const auto before = seen.find({place, iteration - period}); before != seen.end())
      found.push_back({before->second, at});
    seen[{place, iteration}] = at;
  }
  // In the middle neither the begin nor the end of the loop is felt.
  if (!found.empty())
    result = found[found.size() / 2];
  return result;
}

} // namespace

ShortStream shorten(const program::Program &program,
                    std::span<const timing::Certificate> certificates, std::int64_t keptPeriods) {
  ShortStream stream{program, std::vector<ShortStream::Cut>(program.repeats.size())};
  for (std::size_t i = 0; i < program.repeats.size(); ++i) {
    program::Repeat &repeat = stream.program.repeats[i];
    const auto certificate = certificateOf(repeat, certificates);
    if (!certificate)
      continue;
    const std::int64_t kept = certificate->k0 + keptPeriods * certificate->period;
    const std::int64_t skipped = (repeat.count - kept) / certificate->period;
    if (skipped <= 0)
      continue;
    repeat.count -= skipped * certificate->period;
    stream.cuts[i] = {certificate->period, skipped};
  }
  return stream;
}

std::vector<std::int64_t> ShortStream::timesOf(std::span<const ChainStep> chain) const {
  std::vector<std::int64_t> times(chain.size(), 1);
  if (std::ranges::all_of(cuts, [](const Cut &cut) { return cut.skipped == 0; }))
    return times;
  const std::map<std::int64_t, Loops> loops = loopsOf(program, chain);
  // The steps of each entry of each loop that has been cut.
  struct Entry {
    std::size_t depth = 0;
    std::uint32_t repeat = 0;
    std::vector<std::size_t> steps;
  };
  std::map<std::int64_t, Entry> entries; ///< by the number of the entry
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (!chain[i].hasInstruction)
      continue;
    const Loops &around = loops.at(chain[i].index);
    for (std::size_t depth = 0; depth < around.size(); ++depth) {
      if (cuts[around[depth].repeat].skipped == 0)
        continue;
      Entry &entry = entries[around[depth].entry];
      entry.depth = depth;
      entry.repeat = around[depth].repeat;
      entry.steps.push_back(i);
    }
  }
  for (const auto &[number, entry] : entries) {
    const Cut &cut = cuts[entry.repeat];
    const auto segment = findSegment(chain, loops, entry.steps, entry.depth, cut.period);
    if (!segment)
      continue;
    for (std::size_t i = segment->first + 1; i <= segment->last; ++i)
      times[i] *= 1 + cut.skipped;
  }
  return times;
}

} // namespace acadlc::analysis
