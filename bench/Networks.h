/// \file
/// Networks as TVM would print them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace acadlc::bench {

/// A chain of matrix products: layer i multiplies `rows` x widths[i] by widths[i] x widths[i + 1].
/// \p widths has at least two entries.
std::string chainOfProducts(std::int64_t rows, const std::vector<std::int64_t> &widths);

/// A chain of convolutions with bias and ReLU, a function each, in a text of at least \p bytes.
std::string chainOfConvolutions(std::size_t bytes);

/// A chain of operators of the graph alone, as before legalisation, in a text of at least \p bytes.
std::string chainOfOperators(std::size_t bytes);

} // namespace acadlc::bench
