/// \file
/// Finds the two factors that a sum of products multiplies, whatever else is done to them. Private
/// to this folder.
#pragma once

#include "ir/Workload.h"
#include "structure/ReductionBody.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace acadlc::workload {

struct Product {
  struct Factor {
    std::size_t access = 0; ///< into Computation::accesses
    /// Read under a condition on the axes; elsewhere the factor is `outside`.
    bool isGuarded = false;
    double outside = 0; ///< not a number if it depends on data
    double offset = 0;  ///< what is added to the element; likewise
    /// A function of the element is multiplied: a ReLU, an element that others are packed with.
    bool isComputed = false;
    bool keepsZero = true; ///< the function makes 0 of 0
  };
  std::array<Factor, 2> factors; ///< in text order
  bool hasZeroPoints = false;    ///< something is added to a factor before it is multiplied
  bool isScaled = false;         ///< a factor or the product is multiplied by something else
  bool isComputed = false;       ///< a factor is a function of the element that it reads
  JoinCondition condition = JoinCondition::Always; ///< under which it is added
};

/// The product that \p computation, a sum, adds up; none if it adds something else.
///
/// Signs and casts may stand anywhere. What is added to a factor or multiplied with it must be a
/// number or have fewer axes than the factor: zero points and scales of a tensor, of its channels
/// or of its groups. A product of differences may also be written out: `a·b − z·b − y·a + y·z`. A
/// factor may be any function of one element, numbers and reads with fewer axes: `max(a, 0)·b`,
/// `((p >> 4·(k % 8)) & 15)·b`. It may stand under a
/// condition.
std::optional<Product> productOf(const Computation &computation);

/// The products of different elements that a sum adds up in each iteration.
struct ProductCount {
  std::int64_t products = 0; ///< 2 for the real part of complex numbers, `a·b − c·d`
  std::int64_t factors = 0;  ///< the most that one of them has
  /// Multiply-accumulates: a product of n factors takes n − 1, the last of which is accumulated.
  std::int64_t macs = 0;
};

/// The products that \p computation, a sum, adds up: one of two factors for `(a + b)·c`, one of
/// three for `a·b·c`. None if it adds anything else.
ProductCount productsIn(const Computation &computation);

} // namespace acadlc::workload
