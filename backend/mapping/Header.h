/// \file
/// A mapping's header in the form in which it is matched: a sum of products, or an element-wise
/// sum, of two tensors whose index expressions are sums of index · coefficient terms.
#pragma once

#include "frontend/acadl/syntax/Ast.h"
#include "ir/Workload.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::mapping {

/// factor · coefficient · index
struct HeaderTerm {
  std::uint32_t index = 0; ///< into MappingDeclaration::indices
  std::int64_t factor = 1;
  std::optional<std::uint32_t> coefficient; ///< into MappingDeclaration::coefficients
};

/// factor · coefficient, without an index
struct HeaderOffset {
  std::int64_t factor = 1;
  std::uint32_t coefficient = 0;
};

struct HeaderDimension {
  std::vector<HeaderTerm> terms; ///< each index at most once
  std::vector<HeaderOffset> offsets;
  std::int64_t constant = 0;
  SourceRange range;
};

struct HeaderTensor {
  ast::Identifier name;
  std::vector<HeaderDimension> dimensions;
  bool isZeroOutside = false;
  SourceRange range;
};

struct Header {
  const ast::MappingDeclaration *mapping = nullptr;
  workload::ContractionForm form = workload::ContractionForm::SumOfProducts;
  HeaderTensor result;
  std::vector<HeaderTensor> operands; ///< two
};

struct HeaderProblem {
  std::string reason;
  SourceRange range;
};

/// The header of \p mapping, or in \p problem why it has not that form.
std::optional<Header> readHeader(const ast::MappingDeclaration &mapping, HeaderProblem &problem);

} // namespace acadlc::mapping
