/// \file
/// Finds the two factors that a sum of products multiplies, whatever else is done to them. Private
/// to this folder.
#pragma once

#include "ir/Workload.h"
#include "ir/WorkloadBody.h"

#include <array>
#include <cstddef>
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

/// How many products of two different elements \p computation, a sum, adds up in each iteration, if
/// it adds nothing else: 2 for the real part of complex numbers, `a·b − c·d`, 1 for `(a + b)·c`.
/// Else 0.
std::size_t productsIn(const Computation &computation);

} // namespace acadlc::workload
