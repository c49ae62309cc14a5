/// \file
/// What is known of loop bodies: in which state each leaves the machine that it finds in a given
/// one. Shared by all loops and all streams of one architecture.
#pragma once

#include <llvm/ADT/DenseMap.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace acadlc::aidg {

using StateId = std::uint32_t;
using BodyId = std::uint32_t;
inline constexpr StateId noState = ~0U;

/// Transitions between normalised states of one layout. A trip count is in no key, so other trip
/// counts, edge tiles and layers find what has been evaluated before.
class TransitionTable {
public:
  /// \p width: numbers of a state.
  explicit TransitionTable(std::size_t width) : width_(width) {}

  /// The number of a state; equal states have one number. noState if it is new and the table full.
  StateId intern(std::span<const std::int64_t> state);
  [[nodiscard]] std::span<const std::int64_t> state(StateId id) const {
    const std::vector<std::int64_t> &block = blocks_[id / statesPerBlock];
    return std::span(block).subspan(id % statesPerBlock * width_, width_);
  }

  /// The number of a body; \p content says all that its effect depends on.
  BodyId internBody(std::vector<std::int64_t> content);

  struct Transition {
    StateId to = noState;
    std::int64_t cycles = 0; ///< by which the arrival moves
  };
  /// What one trip of \p body does to \p from; null if that has not been evaluated.
  [[nodiscard]] const Transition *find(BodyId body, StateId from) const;
  void add(BodyId body, StateId from, Transition transition);

  /// Linear drift from a state on, proven (Drift.h).
  struct KnownDrift {
    std::int64_t iterations = 0; ///< of a period
    std::int64_t periods = 0;    ///< for so many
    std::vector<std::int64_t> step;
  };
  [[nodiscard]] const KnownDrift *findDrift(BodyId body, StateId from) const;
  void addDrift(BodyId body, StateId from, KnownDrift drift);

private:
  using Key = std::pair<BodyId, StateId>;
  std::size_t width_;
  static constexpr std::size_t statesPerBlock = 32;
  std::vector<std::vector<std::int64_t>> blocks_;  ///< of states, one behind the other
  llvm::DenseMap<std::uint64_t, StateId> firstOf_; ///< by hash
  std::vector<StateId> nextOf_;                    ///< with the same hash
  struct HashNumbers {
    std::size_t operator()(const std::vector<std::int64_t> &numbers) const;
  };
  std::unordered_map<std::vector<std::int64_t>, BodyId, HashNumbers> bodies_;
  llvm::DenseMap<Key, Transition> transitions_;
  std::map<Key, KnownDrift> drifts_;
};

/// The tables of one architecture. Not to be used by several threads at once.
class Transitions {
public:
  /// The table of a layout, named by its signature.
  TransitionTable &tableFor(const std::vector<std::int64_t> &signature, std::size_t width);

private:
  std::map<std::vector<std::int64_t>, TransitionTable> tables_;
};

} // namespace acadlc::aidg
