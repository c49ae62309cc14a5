#include "structure/StageFlow.h"

#include <algorithm>

namespace acadlc::workload {

StageFlow::StageFlow(const Call &call, const CallStructure &structure)
    : call_(call), structure_(structure), sources_(call.computations.size()),
      readers_(call.computations.size()) {
  for (std::size_t i = 0; i < call.computations.size(); ++i) {
    const Computation &computation = call.computations[i];
    if (computation.freeReason != FreeReason::None || structure.isLookedThrough(i))
      continue;
    for (const Access &access : computation.accesses)
      if (const auto source = sourceOf(access, i))
        sources_[i].push_back(*source);
    for (const std::size_t source : sources_[i])
      readers_[source].push_back(i);
  }
}

bool StageFlow::reads(std::size_t reader, std::size_t source) const {
  const Stages &sources = sources_[reader];
  return std::find(sources.begin(), sources.end(), source) != sources.end();
}

std::optional<std::size_t> StageFlow::sourceOf(const Access &access, std::size_t reader) const {
  TensorRef tensor = access.tensor;
  while (tensor.isLocal) {
    const auto writer = structure_.writerOf(tensor);
    if (!writer || *writer >= reader)
      return std::nullopt;
    const Computation &computation = call_.computations[*writer];
    if (computation.freeReason == FreeReason::None && !structure_.isLookedThrough(*writer))
      return writer;
    if (computation.freeReason == FreeReason::WeightOnly || computation.accesses.empty())
      return std::nullopt;
    tensor = computation.accesses.front().tensor;
    reader = *writer;
  }
  return std::nullopt;
}

} // namespace acadlc::workload
