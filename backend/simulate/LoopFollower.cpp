#include "backend/simulate/LoopFollower.h"

#include <algorithm>
#include <utility>

namespace acadlc::simulate {

using Loop = program::InstructionStream::Loop;

LoopFollower::Place LoopFollower::placeAt(std::int64_t period,
                                          const program::InstructionStream &stream) {
  std::vector<Loop> loops;
  stream.findLoops(loops);
  std::vector<std::int64_t> entries;
  for (const Loop &loop : loops)
    if (program_.repeats[loop.repeat].range == certificate_.loop &&
        loop.iteration == iterationOf(period) && (period == 0 || isEntry(loop.entry)))
      entries.push_back(loop.entry);
  if (entries.empty())
    return period != 0 && !isInLoop(stream) ? Place::Left : Place::Elsewhere;
  entries_ = std::move(entries);
  return Place::InIteration;
}

bool LoopFollower::isInLoop(const program::InstructionStream &stream) const {
  std::vector<Loop> loops;
  stream.findLoops(loops);
  return std::ranges::any_of(loops, [this](const Loop &loop) { return isEntry(loop.entry); });
}

bool LoopFollower::isEntry(std::int64_t entry) const {
  return std::ranges::find(entries_, entry) != entries_.end();
}

} // namespace acadlc::simulate
