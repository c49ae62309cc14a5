/// \file
/// Builds and evaluates the index and value expressions of the workload IR.
#pragma once

#include "ir/Workload.h"

#include <llvm/ADT/STLFunctionalExtras.h>

#include <map>
#include <span>

namespace acadlc::workload {

/// Nodes that an expression may have written out. It bounds recursion and what sharing can blow up.
constexpr std::uint32_t maxExpressionSize = 4096;

IndexExprPtr indexConstant(std::int64_t value);
IndexExprPtr indexAxis(std::size_t axis);
IndexExprPtr indexOpaque(std::string text);
/// The same of which it is known what it computes.
IndexExprPtr indexOpaque(std::string text, ValueExprPtr computed);
/// Folds constants and neutral operands. Opaque if the result leaves 64 bits or maxExpressionSize.
IndexExprPtr indexBinary(IndexExpr::Kind kind, IndexExprPtr left, IndexExprPtr right);

/// Whether two indices are written the same way.
bool sameIndex(const IndexExpr &left, const IndexExpr &right);
/// Whether two reads are written as reads of the same element.
bool isSameElement(const Access &left, const Access &right);
/// Value where axis i is \p point[i]; none for opaque parts, division by 0 and overflow.
std::optional<std::int64_t> evaluate(const IndexExpr &index, std::span<const std::int64_t> point);
/// The same for an integer or truth value; none if it is no such value.
std::optional<std::int64_t> evaluate(const ValueExpr &value, std::span<const std::int64_t> point);

/// affineForm() that also takes the digits of a number, each times its place, for the number: for
/// a below 8 and b below 6, (6 * a + b) // 4 * 4 + (6 * a + b) % 4 is 6 * a + b.
std::optional<AffineIndex> affineFormOfDigits(const IndexExpr &index,
                                              const std::vector<Axis> &axes);

struct IndexRange {
  std::int64_t low = 0;
  std::int64_t high = 0; ///< inclusive
};
/// Smallest and largest value of an affine index over \p axes; none on overflow.
std::optional<IndexRange> rangeOf(const AffineIndex &index, const std::vector<Axis> &axes);

/// Calls \p visit with every axis that occurs.
void forEachAxis(const IndexExpr &index, llvm::function_ref<void(std::size_t)> visit);
void forEachAxis(const ValueExpr &value, llvm::function_ref<void(std::size_t)> visit);
/// Calls \p visit with every node of \p value, itself first.
void forEachNode(const ValueExpr &value, llvm::function_ref<void(const ValueExpr &)> visit);

/// Puts what \p valueOf says in the place of every axis; null leaves it as it is.
IndexExprPtr substituteSome(const IndexExprPtr &index,
                            llvm::function_ref<IndexExprPtr(std::size_t)> valueOf);
/// Puts \p replacements[a] in the place of every axis a.
IndexExprPtr substitute(const IndexExprPtr &index, std::span<const IndexExprPtr> replacements);
ValueExprPtr substitute(const ValueExprPtr &value, std::span<const IndexExprPtr> replacements);

/// The same for all expressions of \p body.
void forEachAxis(const StageBody &body, llvm::function_ref<void(std::size_t)> visit);
StageBody substitute(StageBody body, std::span<const IndexExprPtr> replacements);

using IndexChange = std::function<IndexExprPtr(const IndexExprPtr &)>;
/// Puts what \p change makes of it in the place of every index.
ValueExprPtr mapIndices(const ValueExprPtr &value, const IndexChange &change);
/// The same in all that \p computation reads, computes and writes.
void mapIndices(Computation &computation, const IndexChange &change);

/// Puts \p values in the place of the axes of \p computation, one for each, in all that it reads,
/// computes and writes; its axes are \p axes from now on. Leaves its number of points alone.
void substituteAxes(Computation &computation, std::vector<Axis> axes,
                    std::span<const IndexExprPtr> values);

/// Adds \p offset to the access that every load names, also in opaque indices.
IndexExprPtr renumberLoads(const IndexExprPtr &index, std::size_t offset);
ValueExprPtr renumberLoads(const ValueExprPtr &value, std::size_t offset);

/// Puts \p loads[i] in the place of every load of access i. Shares what holds none. The result may
/// be larger than maxExpressionSize: ask its size.
ValueExprPtr withLoads(const ValueExprPtr &value, const std::map<std::size_t, ValueExprPtr> &loads);

ValueExprPtr valueIndex(IndexExprPtr index);
ValueExprPtr valueNode(ValueExpr::Kind kind, std::string name, std::vector<ValueExprPtr> operands);
/// \p value as an index, if it is an integer expression of the axes.
IndexExprPtr asIndex(const ValueExprPtr &value);
/// \p value without casts around it.
const ValueExpr &stripCasts(const ValueExpr &value);

} // namespace acadlc::workload
