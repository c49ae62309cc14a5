#include "backend/aidg/recurrence/Transitions.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/xxhash.h>

#include <algorithm>

namespace acadlc::aidg {

namespace {

/// Numbers that the states of a table may have together: 64 MiB.
constexpr std::size_t mostNumbers = std::size_t{8} << 20;

/// Never one of the two keys that DenseMap keeps for itself.
std::uint64_t hashOf(std::span<const std::int64_t> state) {
  return llvm::xxh3_64bits(llvm::ArrayRef<std::uint8_t>(
             reinterpret_cast<const std::uint8_t *>(state.data()), state.size_bytes())) >>
         1;
}

} // namespace

std::size_t
TransitionTable::HashNumbers::operator()(const std::vector<std::int64_t> &numbers) const {
  return hashOf(numbers);
}

StateId TransitionTable::intern(std::span<const std::int64_t> state) {
  const std::uint64_t hash = hashOf(state);
  const auto known = firstOf_.find(hash);
  const StateId first = known == firstOf_.end() ? noState : known->second;
  // Equal hashes prove nothing.
  for (StateId id = first; id != noState; id = nextOf_[id])
    if (std::ranges::equal(this->state(id), state))
      return id;
  const auto id = static_cast<StateId>(nextOf_.size());
  if ((id + 1) * width_ > mostNumbers)
    return noState;
  if (id % statesPerBlock == 0)
    blocks_.emplace_back().reserve(statesPerBlock * width_);
  blocks_.back().insert(blocks_.back().end(), state.begin(), state.end());
  nextOf_.push_back(first);
  firstOf_[hash] = id;
  return id;
}

BodyId TransitionTable::internBody(std::vector<std::int64_t> content) {
  const auto next = static_cast<BodyId>(bodies_.size());
  return bodies_.try_emplace(std::move(content), next).first->second;
}

const TransitionTable::Transition *TransitionTable::find(BodyId body, StateId from) const {
  const auto found = transitions_.find({body, from});
  return found == transitions_.end() ? nullptr : &found->second;
}

void TransitionTable::add(BodyId body, StateId from, Transition transition) {
  transitions_.try_emplace({body, from}, transition);
}

const TransitionTable::KnownDrift *TransitionTable::findDrift(BodyId body, StateId from) const {
  const auto found = drifts_.find({body, from});
  return found == drifts_.end() ? nullptr : &found->second;
}

void TransitionTable::addDrift(BodyId body, StateId from, KnownDrift drift) {
  drifts_.try_emplace({body, from}, std::move(drift));
}

TransitionTable &Transitions::tableFor(const std::vector<std::int64_t> &signature,
                                       std::size_t width) {
  return tables_.try_emplace(signature, width).first->second;
}

} // namespace acadlc::aidg
