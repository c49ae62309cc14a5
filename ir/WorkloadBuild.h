/// \file
/// Writes expressions of the workload IR as one would on paper: `plus(times(row, 8), column)`.
#pragma once

#include "ir/Workload.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace acadlc::workload {

/// One index for each dimension.
using Indices = std::vector<IndexExprPtr>;

/// The index that \p read, an element of a tensor or a number, is.
IndexExprPtr indexRead(ValueExprPtr read);
IndexExprPtr plus(IndexExprPtr left, IndexExprPtr right);
IndexExprPtr plus(IndexExprPtr left, std::int64_t right);
IndexExprPtr times(IndexExprPtr left, std::int64_t right);
IndexExprPtr quotient(IndexExprPtr left, std::int64_t right);
IndexExprPtr remainder(IndexExprPtr left, std::int64_t right);
/// A number of type \p type.
ValueExprPtr number(double value, ElementType type);
ValueExprPtr unary(std::string_view name, ValueExprPtr operand);
ValueExprPtr binary(std::string_view op, ValueExprPtr left, ValueExprPtr right);
ValueExprPtr castTo(ValueExprPtr value, ElementType type);
ValueExprPtr select(ValueExprPtr condition, ValueExprPtr then, ValueExprPtr otherwise);
/// low <= index and index < high.
ValueExprPtr isWithin(const IndexExprPtr &index, std::int64_t low, std::int64_t high);
/// The lowest number of a type.
ValueExprPtr lowest(ElementType type);
/// The lowest number of a type, as a pool starts from it.
double lowestNumber(ElementType type);

/// The number of the element \p indices of a tensor of extents \p shape in row-major order.
IndexExprPtr flatIndex(const Indices &indices, const std::vector<std::int64_t> &shape);
/// The other way round.
Indices unflatten(const IndexExprPtr &flat, const std::vector<std::int64_t> &shape);

} // namespace acadlc::workload
