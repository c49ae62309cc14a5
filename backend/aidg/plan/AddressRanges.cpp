#include "backend/aidg/plan/AddressRanges.h"

namespace acadlc::aidg {

namespace {

__extension__ typedef __int128 Int128; // NOLINT(modernize-use-using): has no other spelling

AddressRange clamped(Int128 low, Int128 high) {
  const auto clamp = [](Int128 value) {
    return static_cast<std::int64_t>(
        std::clamp<Int128>(value, -AddressRange::limit, AddressRange::limit));
  };
  return {clamp(low), clamp(high)};
}

AddressRange rangeOf(const program::Program &program, program::ExpressionId id,
                     const AddressRanges &loops) {
  using Kind = program::Expression::Kind;
  const program::Expression &expression = program.expressions[id];
  if (expression.kind == Kind::Constant)
    return {expression.value, expression.value};
  if (expression.kind == Kind::LoopValue)
    return loops[static_cast<std::size_t>(expression.value)];
  const AddressRange left = rangeOf(program, expression.left, loops);
  const AddressRange right = rangeOf(program, expression.right, loops);
  switch (expression.kind) {
  case Kind::Add:
    return left + right;
  case Kind::Subtract:
    return left - right;
  case Kind::Multiply:
    return left * right;
  case Kind::FloorModulo:
    return right.low > 0 ? AddressRange{0, right.high - 1} : AddressRange::all();
  case Kind::FloorDivide: {
    // A division by a positive number goes no further from 0, but for the floor.
    return right.low > 0 ? AddressRange{std::min<std::int64_t>(left.low, -1),
                                        std::max<std::int64_t>(left.high, 0)}
                         : AddressRange::all();
  }
  case Kind::Min:
    return {std::min(left.low, right.low), std::min(left.high, right.high)};
  case Kind::Max:
    return {std::max(left.low, right.low), std::max(left.high, right.high)};
  default:
    return AddressRange::all();
  }
}

} // namespace

AddressRange operator+(AddressRange a, AddressRange b) {
  return clamped(Int128{a.low} + b.low, Int128{a.high} + b.high);
}

AddressRange operator-(AddressRange a, AddressRange b) {
  return clamped(Int128{a.low} - b.high, Int128{a.high} - b.low);
}

AddressRange operator*(AddressRange a, AddressRange b) {
  const auto corners = {Int128{a.low} * b.low, Int128{a.low} * b.high, Int128{a.high} * b.low,
                        Int128{a.high} * b.high};
  return clamped(std::min(corners), std::max(corners));
}

AddressRange valuesOf(const program::Repeat &repeat, std::int64_t first, std::int64_t last) {
  const Int128 from = repeat.first + Int128{repeat.step} * first;
  const Int128 to = repeat.first + Int128{repeat.step} * last;
  return clamped(std::min(from, to), std::max(from, to));
}

AddressRange rangeOf(const program::Program &program, const program::Address &address,
                     const AddressRanges &loops) {
  AddressRange sum{address.constant, address.constant};
  for (const program::Address::Term &term : address.terms)
    sum = sum + AddressRange{term.coefficient, term.coefficient} * loops[term.depth];
  return address.hasRest ? sum + rangeOf(program, address.rest, loops) : sum;
}

} // namespace acadlc::aidg
