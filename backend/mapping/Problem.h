/// \file
/// An operator that is given by the header of a mapping and numbers for its extents, without a
/// network around it.
#pragma once

#include "backend/mapping/Match.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::mapping {

/// Why no operator follows from a header.
struct ProblemFailure {
  std::string reason; ///< a clause
  SourceRange range;  ///< in the header
};

/// The operator of a mapping's header. Its tensors are as large as what the header's index
/// expressions reach: a tensor `zero outside` has as much padding behind its end as in front of its
/// start, one that is not must not be read below 0. All tensors have one element type: that of the
/// run, else the first that the mapping accepts, else float32.
class Problem {
public:
  /// Nothing, and the reason in \p failure, if no sum, or sum of products, of two tensors follows
  /// from the header, or if steps must follow it (`then`).
  static std::optional<Problem> of(const ast::MappingDeclaration &mapping,
                                   std::optional<workload::ElementType> elementType,
                                   ProblemFailure &failure);

  /// The operator with these extents and coefficients (one for each that the header declares), as a
  /// match with its mapping; the condition of the mapping (`where`) is not asked. Extents are at
  /// least 1. Nothing, and the reason in \p failure, if a tensor would be empty or numbers leave 64
  /// bits.
  [[nodiscard]] std::optional<Match> match(std::span<const std::int64_t> extents,
                                           std::span<const std::int64_t> coefficients,
                                           ProblemFailure &failure) const;

  /// What a coefficient is that nobody gives a value: 1 as a factor, 0 as a term.
  [[nodiscard]] std::int64_t defaultCoefficient(std::size_t coefficient) const;

  /// Whether the operator is called \p name in the field, e.g. "conv2d", whatever of its operands
  /// the weight is.
  [[nodiscard]] bool isCalled(std::string_view name) const;

private:
  struct State;
  explicit Problem(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

} // namespace acadlc::mapping
