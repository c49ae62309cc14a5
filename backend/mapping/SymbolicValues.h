/// \file
/// Joins symbolic numbers to the evaluator of expressions: what a mapping's body computes with loop
/// variables that are not unrolled.
#pragma once

#include "backend/mapping/Symbolic.h"
#include "frontend/acadl/evaluation/Evaluator.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace acadlc::mapping {

/// Something that must be known and is not while a loop runs over its present range: the loop must
/// be split, innermost one first.
struct Need {
  enum class Kind : std::uint8_t { Point, Comparison };
  Kind kind = Kind::Point;
  Linear number; ///< Point: must have one value. Comparison: with 0
  ast::BinaryOperator comparison{};
  std::uint32_t depth = 0; ///< of the loop to split
  SourceRange range;
};

class SymbolicValues final : public SymbolicArithmetic {
public:
  explicit SymbolicValues(DiagnosticEngine &diagnostics) : diagnostics_(&diagnostics) {}

  [[nodiscard]] SymbolicSpace &space() { return space_; }

  std::optional<Value> binary(ast::BinaryOperator op, const Value &left, const Value &right,
                              const ast::Expr &at) override;
  std::optional<Value> negate(const Value &operand, const ast::Expr &at) override;
  std::optional<Value> builtin(llvm::StringRef name, llvm::ArrayRef<Value> arguments,
                               const ast::Expr &at) override;
  std::optional<Value> requireKnown(const Value &value, const ast::Expr &at) override;
  /// Whether the body under way has the step \p name.
  std::optional<bool> present(llvm::StringRef name) override {
    return std::find(present_.begin(), present_.end(), name) != present_.end();
  }
  /// Sets which steps the body under way has; returns what was set before.
  std::vector<std::string> exchangePresent(std::vector<std::string> names) {
    return std::exchange(present_, std::move(names));
  }

  /// A whole number without a unit, symbolic or not; nothing for all else (not reported).
  [[nodiscard]] static std::optional<Linear> toLinear(const Value &value);
  [[nodiscard]] static Value toValue(Linear number);
  /// A result that may have left 64 bits, which is reported.
  std::optional<Linear> checked(std::optional<Linear> number, SourceRange at);
  /// The value of \p number; if it has not got one, a need.
  std::optional<std::int64_t> requirePoint(const Linear &number, SourceRange at);
  /// Whether `number op 0`; if that differs among iterations, a need.
  std::optional<bool> compare(const Linear &number, ast::BinaryOperator op, SourceRange at);

  /// What was asked for last and could not be given; evaluation has been given up.
  [[nodiscard]] const std::optional<Need> &need() const { return need_; }
  void clearNeed() { need_.reset(); }
  /// Whether \p need is fulfilled with the loops' present ranges.
  [[nodiscard]] bool isFulfilled(const Need &need) const;

private:
  std::optional<Linear> arithmetic(ast::BinaryOperator op, const Linear &left, const Linear &right,
                                   SourceRange at);
  std::optional<Value> requireKnownAmong(llvm::ArrayRef<Value> values, const ast::Expr &at);

  DiagnosticEngine *diagnostics_;
  SymbolicSpace space_;
  std::vector<std::string> present_;
  std::optional<Need> need_;
};

} // namespace acadlc::mapping
