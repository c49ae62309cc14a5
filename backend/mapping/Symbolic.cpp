#include "backend/mapping/Symbolic.h"

#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <llvm/ADT/Hashing.h>
#include <llvm/ADT/STLExtras.h>

#include <algorithm>
#include <array>
#include <limits>

namespace acadlc::mapping {
namespace {

/// Far above what 64-bit numbers and their products reach, far below the limits of 128 bits.
constexpr Int128 saturation = Int128{1} << 125;

Int128 saturated(Int128 value) { return std::clamp(value, -saturation, saturation); }

Interval plus(Interval a, Interval b) {
  return {saturated(a.low + b.low), saturated(a.high + b.high)};
}

/// \p a fits 64 bits wherever an atom could be made, and factors do.
Interval times(Interval a, std::int64_t factor) {
  const auto product = [factor](Int128 value) {
    Int128 result = 0;
    if (__builtin_mul_overflow(value, static_cast<Int128>(factor), &result))
      return (value < 0) != (factor < 0) ? -saturation : saturation;
    return saturated(result);
  };
  const Int128 x = product(a.low), y = product(a.high);
  return {std::min(x, y), std::max(x, y)};
}

Int128 floorQuotient(Int128 a, Int128 b) {
  return a / b - ((a % b != 0 && (a % b < 0) != (b < 0)) ? 1 : 0);
}

template <typename Function> Interval ofCorners(Interval a, Interval b, Function f) {
  const std::array<Int128, 4> values{f(a.low, b.low), f(a.low, b.high), f(a.high, b.low),
                                     f(a.high, b.high)};
  return {*std::min_element(values.begin(), values.end()),
          *std::max_element(values.begin(), values.end())};
}

Interval moduloInterval(Interval a, Interval b) {
  if (b.isPoint() && floorQuotient(a.low, b.low) == floorQuotient(a.high, b.low)) {
    const Int128 base = floorQuotient(a.low, b.low) * b.low;
    return {a.low - base, a.high - base};
  }
  if (b.low > 0)
    return {0, a.low >= 0 ? std::min(a.high, b.high - 1) : b.high - 1};
  return {a.high <= 0 ? std::max(a.low, b.low + 1) : b.low + 1, 0};
}

std::size_t hashOf(const Linear &number) {
  std::size_t hash = llvm::hash_value(number.constant);
  for (const auto &[atom, coefficient] : number.terms)
    hash = llvm::hash_combine(hash, atom, coefficient);
  return hash;
}

} // namespace

bool Interval::fitsInt64() const {
  return low >= std::numeric_limits<std::int64_t>::min() &&
         high <= std::numeric_limits<std::int64_t>::max();
}

Linear SymbolicSpace::constant(std::int64_t value) {
  Linear number;
  number.constant = value;
  return number;
}

Linear SymbolicSpace::loopValue(std::uint32_t depth) {
  Atom atom;
  atom.kind = Atom::Kind::Loop;
  atom.depth = depth;
  Linear number;
  number.terms.emplace_back(intern(std::move(atom)), 1);
  return number;
}

AtomId SymbolicSpace::intern(Atom atom) {
  const std::size_t hash = llvm::hash_combine(static_cast<unsigned>(atom.kind), atom.depth,
                                              hashOf(atom.left), hashOf(atom.right));
  const auto [begin, end] = index_.equal_range(hash);
  for (auto it = begin; it != end; ++it)
    if (atoms_[it->second] == atom)
      return it->second;
  const auto id = static_cast<AtomId>(atoms_.size());
  atoms_.push_back(std::move(atom));
  index_.emplace(hash, id);
  return id;
}

Interval SymbolicSpace::interval(const Linear &number) const {
  Interval sum{number.constant, number.constant};
  for (const auto &[id, coefficient] : number.terms)
    sum = plus(sum, times(atomInterval(atoms_[id]), coefficient));
  return sum;
}

Interval SymbolicSpace::atomInterval(const Atom &atom) const {
  if (atom.kind == Atom::Kind::Loop)
    return {loops_[atom.depth].first, loops_[atom.depth].last()};
  const Interval a = interval(atom.left), b = interval(atom.right);
  switch (atom.kind) {
  case Atom::Kind::Multiply:
    return ofCorners(a, b, [](Int128 x, Int128 y) { return x * y; });
  case Atom::Kind::FloorDivide:
    return ofCorners(a, b, floorQuotient);
  case Atom::Kind::FloorModulo:
    return moduloInterval(a, b);
  case Atom::Kind::Min:
    return {std::min(a.low, b.low), std::min(a.high, b.high)};
  case Atom::Kind::Max:
    return {std::max(a.low, b.low), std::max(a.high, b.high)};
  case Atom::Kind::Loop:
    break;
  }
  ACADLC_CHECK(false, "unknown kind of atom");
  return {};
}

std::uint32_t SymbolicSpace::innermostLoop(const Linear &number) const {
  std::uint32_t depth = 0;
  for (const auto &[id, coefficient] : number.terms)
    depth = std::max(depth, atoms_[id].depth);
  return depth;
}

std::optional<std::int64_t> SymbolicSpace::loopCoefficient(const Linear &number,
                                                           std::uint32_t depth) const {
  std::int64_t result = 0;
  for (const auto &[id, coefficient] : number.terms) {
    const Atom &atom = atoms_[id];
    if (atom.kind == Atom::Kind::Loop) {
      if (atom.depth == depth)
        result = coefficient;
    } else if (atom.depth >= depth) {
      return std::nullopt; // may hold it; only asked for innermost loops
    }
  }
  return result;
}

bool SymbolicSpace::isLinearInLoops(const Linear &number) const {
  return std::all_of(number.terms.begin(), number.terms.end(),
                     [&](const auto &term) { return atoms_[term.first].kind == Atom::Kind::Loop; });
}

std::optional<Linear> SymbolicSpace::normalized(Linear number) const {
  const Interval range = interval(number);
  if (!range.fitsInt64())
    return std::nullopt;
  if (range.isPoint())
    return constant(static_cast<std::int64_t>(range.low));
  return number;
}

std::optional<Linear> SymbolicSpace::combine(const Linear &a, const Linear &b, std::int64_t sign) {
  Linear sum;
  const auto constant =
      sign > 0 ? checkedAdd(a.constant, b.constant) : checkedSub(a.constant, b.constant);
  if (!constant)
    return std::nullopt;
  sum.constant = *constant;
  std::size_t i = 0, j = 0;
  while (i < a.terms.size() || j < b.terms.size()) {
    const bool fromA =
        j == b.terms.size() || (i < a.terms.size() && a.terms[i].first <= b.terms[j].first);
    const bool fromB =
        i == a.terms.size() || (j < b.terms.size() && b.terms[j].first <= a.terms[i].first);
    const AtomId atom = fromA ? a.terms[i].first : b.terms[j].first;
    const std::int64_t left = fromA ? a.terms[i++].second : 0;
    const std::int64_t right = fromB ? b.terms[j++].second : 0;
    const auto coefficient = sign > 0 ? checkedAdd(left, right) : checkedSub(left, right);
    if (!coefficient)
      return std::nullopt;
    if (*coefficient != 0)
      sum.terms.emplace_back(atom, *coefficient);
  }
  joinRemainders(sum);
  return normalized(std::move(sum));
}

void SymbolicSpace::joinRemainders(Linear &number) {
  for (std::size_t i = 0; i < number.terms.size(); ++i) {
    const auto [id, factor] = number.terms[i];
    if (atoms_[id].kind != Atom::Kind::FloorModulo || !atoms_[id].right.isConstant())
      continue;
    // A copy: atoms_ may grow below.
    const Linear dividend = atoms_[id].left, divisor = atoms_[id].right;
    const auto quotient = floorDivide(dividend, divisor);
    if (!quotient || quotient->constant != 0 || quotient->terms.size() != 1)
      continue;
    const auto wanted = checkedMul(factor, divisor.constant);
    const auto [quotientAtom, quotientFactor] = quotient->terms.front();
    const bool isFound =
        llvm::any_of(number.terms, [&, quotientAtom = quotientAtom,
                                    quotientFactor = quotientFactor](const auto &t) {
          return t.first == quotientAtom && wanted &&
                 checkedMul(quotientFactor, *wanted) == t.second;
        });
    if (!isFound)
      continue;
    Linear rest = number;
    llvm::erase_if(rest.terms, [id = id, quotientAtom = quotientAtom](const auto &term) {
      return term.first == id || term.first == quotientAtom;
    });
    const auto scaled = scale(dividend, factor);
    auto joined = scaled ? combine(rest, *scaled, 1) : std::nullopt;
    if (joined)
      number = std::move(*joined); // combine has looked for further ones
    return;
  }
}

std::optional<Linear> SymbolicSpace::scale(const Linear &a, std::int64_t factor) const {
  Linear product;
  if (factor == 0)
    return product;
  const auto constant = checkedMul(a.constant, factor);
  if (!constant)
    return std::nullopt;
  product.constant = *constant;
  for (const auto &[atom, coefficient] : a.terms) {
    const auto scaled = checkedMul(coefficient, factor);
    if (!scaled)
      return std::nullopt;
    product.terms.emplace_back(atom, *scaled);
  }
  return normalized(std::move(product));
}

std::optional<Linear> SymbolicSpace::multiply(const Linear &a, const Linear &b) {
  if (b.isConstant())
    return scale(a, b.constant);
  if (a.isConstant())
    return scale(b, a.constant);
  return makeAtom(Atom::Kind::Multiply, a, b);
}

std::optional<Linear> SymbolicSpace::makeAtom(Atom::Kind kind, const Linear &left,
                                              const Linear &right) {
  Atom atom;
  atom.kind = kind;
  atom.left = left;
  atom.right = right;
  for (const Linear *side : {&left, &right})
    if (!side->isConstant())
      atom.depth = std::max(atom.depth, innermostLoop(*side));
  Linear number;
  number.terms.emplace_back(intern(std::move(atom)), 1);
  return normalized(std::move(number));
}

std::optional<Linear> SymbolicSpace::floorDivide(const Linear &a, const Linear &b) {
  if (a.isConstant() && b.isConstant()) {
    const auto quotient = checkedFloorDiv(a.constant, b.constant);
    return quotient ? std::optional(constant(*quotient)) : std::nullopt;
  }
  const Interval divisor = interval(b);
  if (divisor.low <= 0 && divisor.high >= 0)
    return std::nullopt;
  if (!b.isConstant() || b.constant < 0)
    return makeAtom(Atom::Kind::FloorDivide, a, b);
  const std::int64_t d = b.constant;
  if (d == 1)
    return a;
  // What d divides comes out; if the rest is below d, nothing stays behind.
  Linear quotient, rest;
  quotient.constant = *checkedFloorDiv(a.constant, d);
  rest.constant = *checkedFloorMod(a.constant, d);
  for (const auto &[atom, coefficient] : a.terms) {
    if (coefficient % d == 0)
      quotient.terms.emplace_back(atom, coefficient / d);
    else
      rest.terms.emplace_back(atom, coefficient);
  }
  if (rest.isConstant())
    return normalized(std::move(quotient));
  const Interval range = interval(rest);
  if (floorQuotient(range.low, d) == floorQuotient(range.high, d)) {
    const Int128 whole = floorQuotient(range.low, d);
    if (whole < std::numeric_limits<std::int64_t>::min() ||
        whole > std::numeric_limits<std::int64_t>::max())
      return std::nullopt;
    return add(quotient, constant(static_cast<std::int64_t>(whole)));
  }
  // (x / c) / d = x / (c · d)
  if (rest.constant == 0 && rest.terms.size() == 1 && rest.terms[0].second == 1) {
    const Atom &inner = atoms_[rest.terms[0].first];
    if (inner.kind == Atom::Kind::FloorDivide && inner.right.isConstant() &&
        inner.right.constant > 0) {
      if (const auto product = checkedMul(inner.right.constant, d)) {
        const Linear dividend = inner.left;
        const auto nested = floorDivide(dividend, constant(*product));
        return nested ? add(quotient, *nested) : std::nullopt;
      }
    }
  }
  const auto atom = makeAtom(Atom::Kind::FloorDivide, rest, b);
  return atom ? add(quotient, *atom) : std::nullopt;
}

std::optional<Linear> SymbolicSpace::floorModulo(const Linear &a, const Linear &b) {
  if (a.isConstant() && b.isConstant()) {
    const auto remainder = checkedFloorMod(a.constant, b.constant);
    return remainder ? std::optional(constant(*remainder)) : std::nullopt;
  }
  const Interval divisor = interval(b);
  if (divisor.low <= 0 && divisor.high >= 0)
    return std::nullopt;
  if (!b.isConstant() || b.constant < 0)
    return makeAtom(Atom::Kind::FloorModulo, a, b);
  const std::int64_t d = b.constant;
  Linear rest;
  rest.constant = *checkedFloorMod(a.constant, d);
  for (const auto &term : a.terms)
    if (term.second % d != 0)
      rest.terms.push_back(term);
  if (rest.isConstant())
    return rest;
  const Interval range = interval(rest);
  const Int128 whole = floorQuotient(range.low, d);
  if (whole == floorQuotient(range.high, d)) {
    const Int128 base = whole * d;
    if (base < std::numeric_limits<std::int64_t>::min() ||
        base > std::numeric_limits<std::int64_t>::max())
      return std::nullopt;
    return subtract(rest, constant(static_cast<std::int64_t>(base)));
  }
  return makeAtom(Atom::Kind::FloorModulo, rest, b);
}

std::optional<Linear> SymbolicSpace::minimum(const Linear &a, const Linear &b) {
  const auto difference = subtract(a, b);
  if (!difference)
    return makeAtom(Atom::Kind::Min, a, b);
  const Interval range = interval(*difference);
  if (range.high <= 0)
    return a;
  return range.low >= 0 ? b : makeAtom(Atom::Kind::Min, a, b);
}

std::optional<Linear> SymbolicSpace::maximum(const Linear &a, const Linear &b) {
  const auto difference = subtract(a, b);
  if (!difference)
    return makeAtom(Atom::Kind::Max, a, b);
  const Interval range = interval(*difference);
  if (range.low >= 0)
    return a;
  return range.high <= 0 ? b : makeAtom(Atom::Kind::Max, a, b);
}

} // namespace acadlc::mapping
