/// \file
/// Whole numbers that depend on the values of loops that are not unrolled.
///
/// A number is a sum of integer multiples of atoms; an atom is a loop's value or something that is
/// not linear (a floor division, a minimum, …) of two such numbers. Every number has an interval
/// that its value stays in while the loops run over their present ranges. Intervals are sound, and
/// exact where the number is linear in loop values.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallVector.h>

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace acadlc::mapping {

__extension__ typedef __int128 Int128; // NOLINT(modernize-use-using): has no other spelling

/// A closed interval. Bounds are kept in 128 bits and saturate far beyond 64.
struct Interval {
  Int128 low = 0, high = 0;
  [[nodiscard]] bool isPoint() const { return low == high; }
  [[nodiscard]] bool fitsInt64() const;
};

/// The range that a loop runs over at present: first, first + step, … (step > 0).
struct LoopRange {
  std::int64_t first = 0, step = 1, count = 1;
  [[nodiscard]] std::int64_t last() const { return first + (count - 1) * step; }
};

using AtomId = std::uint32_t;

/// constant + Σ coefficient · atom; atoms ascend, no coefficient is 0.
struct Linear {
  std::int64_t constant = 0;
  llvm::SmallVector<std::pair<AtomId, std::int64_t>, 3> terms;
  [[nodiscard]] bool isConstant() const { return terms.empty(); }
  friend bool operator==(const Linear &a, const Linear &b) {
    return a.constant == b.constant && a.terms == b.terms;
  }
};

struct Atom {
  enum class Kind : std::uint8_t { Loop, Multiply, FloorDivide, FloorModulo, Min, Max };
  Kind kind = Kind::Loop;
  std::uint32_t depth = 0; ///< Loop: the loop's depth. Else that of the innermost loop in it
  Linear left, right;
  friend bool operator==(const Atom &a, const Atom &b) {
    return a.kind == b.kind && a.depth == b.depth && a.left == b.left && a.right == b.right;
  }
};

/// The loops under way and the atoms over them. Operations give nothing if a number leaves 64 bits
/// or a divisor may be 0.
class SymbolicSpace {
public:
  [[nodiscard]] std::uint32_t depth() const { return static_cast<std::uint32_t>(loops_.size()); }
  void pushLoop(LoopRange range) { loops_.push_back(range); }
  void popLoop() { loops_.pop_back(); }
  [[nodiscard]] const LoopRange &loop(std::uint32_t depth) const { return loops_[depth]; }
  void setLoop(std::uint32_t depth, LoopRange range) { loops_[depth] = range; }
  /// For a nest of its own: sets the loops under way, returns those of before. Numbers of one set
  /// of loops mean nothing in another.
  std::vector<LoopRange> exchangeLoops(std::vector<LoopRange> loops) {
    return std::exchange(loops_, std::move(loops));
  }

  [[nodiscard]] static Linear constant(std::int64_t value);
  /// The value of the loop at \p depth.
  Linear loopValue(std::uint32_t depth);

  [[nodiscard]] const Atom &atom(AtomId id) const { return atoms_[id]; }
  [[nodiscard]] Interval interval(const Linear &number) const;
  /// Depth of the innermost loop that \p number depends on; it must not be constant.
  [[nodiscard]] std::uint32_t innermostLoop(const Linear &number) const;
  /// The coefficient of the loop's value if \p number is linear in it, i.e. it stands in no other
  /// atom; else nothing.
  [[nodiscard]] std::optional<std::int64_t> loopCoefficient(const Linear &number,
                                                            std::uint32_t depth) const;
  /// Whether \p number is linear in loop values, so that its interval is exact.
  [[nodiscard]] bool isLinearInLoops(const Linear &number) const;

  std::optional<Linear> add(const Linear &a, const Linear &b) { return combine(a, b, 1); }
  std::optional<Linear> subtract(const Linear &a, const Linear &b) { return combine(a, b, -1); }
  std::optional<Linear> scale(const Linear &a, std::int64_t factor) const;
  std::optional<Linear> multiply(const Linear &a, const Linear &b);
  std::optional<Linear> floorDivide(const Linear &a, const Linear &b);
  std::optional<Linear> floorModulo(const Linear &a, const Linear &b);
  std::optional<Linear> minimum(const Linear &a, const Linear &b);
  std::optional<Linear> maximum(const Linear &a, const Linear &b);

private:
  std::optional<Linear> combine(const Linear &a, const Linear &b, std::int64_t sign);
  /// d · (x / d) + x % d = x, at any multiple.
  void joinRemainders(Linear &number);
  std::optional<Linear> makeAtom(Atom::Kind kind, const Linear &left, const Linear &right);
  AtomId intern(Atom atom);
  [[nodiscard]] Interval atomInterval(const Atom &atom) const;
  /// The number if its interval is one point; nothing if its interval leaves 64 bits.
  std::optional<Linear> normalized(Linear number) const;

  std::vector<LoopRange> loops_;
  std::vector<Atom> atoms_;
  std::unordered_multimap<std::size_t, AtomId> index_;
};

} // namespace acadlc::mapping
