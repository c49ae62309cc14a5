/// \file
/// Finds the two factors that a sum of products multiplies, whatever else is done to them. Private
/// to this folder.
#pragma once

#include "ir/Workload.h"

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
  };
  std::array<Factor, 2> factors; ///< in text order
  bool hasZeroPoints = false;    ///< something is added to a factor before it is multiplied
  bool isScaled = false;         ///< a factor or the product is multiplied by something else
};

/// The product that \p computation, a sum, adds up; none if it adds something else.
///
/// Signs and casts may stand anywhere. What is added to a factor or multiplied with it must be a
/// number or have fewer axes than the factor: zero points and scales of a tensor, of its channels
/// or of its groups. A product of differences may also be written out: `a·b − z·b − y·a + y·z`.
std::optional<Product> productOf(const Computation &computation);

} // namespace acadlc::workload
