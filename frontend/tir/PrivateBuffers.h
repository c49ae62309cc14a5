/// \file
/// Which local buffers each iteration of the loops around them has for itself.
///
/// `for i: acc[0] = 0; for k: acc[0] += A[i, k]; C[i] = acc[0]` says the same with `acc[i]` in the
/// place of `acc[0]`: what an iteration reads it has written before, so no value passes from one to
/// the next. With a dimension for each such loop the accumulation is the reduction that it is meant
/// to be. What is asked of a buffer:
///
/// - all its uses stand within the loop, and none of its indices depends on it;
/// - the first use is a store that happens in every iteration and reaches every element that any
///   other use reaches;
/// - the loop neither continues a reduction that `T.init` or `if k == 0` starts, nor stands inside
///   one that does;
/// - the buffer is not one that the threads of the loop share.
#pragma once

#include "frontend/tir/FunctionReader.h"
#include "ir/Workload.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace acadlc::tir {

/// The variables that a local buffer gets dimensions for. Variables count from the first one of a
/// nest, as FunctionReader numbers them; so two readings of a function number them alike.
struct PrivateLoops {
  std::size_t nest = 0;
  std::vector<std::size_t> variables;
  Shape extents; ///< one per variable
};

/// By the number of the local buffer.
using PrivateBuffers = std::map<std::uint32_t, PrivateLoops>;

/// A loop or block axis that is alive where a buffer is used.
struct PathVariable {
  std::size_t id = 0;
  std::int64_t extent = 1;
  bool isThread = false;         ///< of a block of threads, which share memory
  bool isIrregular = false;      ///< its extent depends on others
  std::set<std::size_t> sources; ///< of a block axis: the loops that it is bound to
};

/// A read or a write of a local buffer.
struct BufferUse {
  std::size_t nest = 0;
  std::vector<PathVariable> path; ///< outermost first
  /// Over the variables of the nest, with block axes written as the loops that they are bound to.
  std::vector<workload::IndexExprPtr> indices;
  bool isWrite = false;
  bool isSum = false;                  ///< joins a value to what is there
  bool isPlain = false;                ///< happens at every point, and does not need what was there
  std::set<std::size_t> startedBefore; ///< loops that a reduction goes on in once it has begun
  SourceRange range;
};

/// Collects how local buffers are used.
class BufferUses {
public:
  /// \p axes: all variables of the nest so far.
  void add(std::uint32_t buffer, BufferUse use, const std::vector<workload::Axis> &axes);
  /// A use that stands in no loop.
  void addOutside(std::uint32_t buffer) { records_[buffer].isShared = true; }
  [[nodiscard]] bool isShared(std::uint32_t buffer) const {
    const auto found = records_.find(buffer);
    return found != records_.end() && found->second.isShared;
  }
  [[nodiscard]] bool isUsed(std::uint32_t buffer) const { return records_.contains(buffer); }
  /// The loops of \p buffer of \p shape; none if it is to be left as it is. \p isThreadLocal: each
  /// thread has one.
  [[nodiscard]] std::optional<PrivateLoops> privateLoops(std::uint32_t buffer, const Shape &shape,
                                                         bool isThreadLocal) const;

  /// The first accumulation in \p buffer, if indices such as `v - io * 4`, with `v` bound to
  /// `io * 4 + ii`, make each iteration of a loop use the same elements anew, and the buffer is not
  /// to get a dimension for it; none in all other cases.
  [[nodiscard]] std::optional<SourceRange> reusedBy(std::uint32_t buffer, const Shape &shape,
                                                    bool isThreadLocal) const;

private:
  using Forms = std::vector<std::optional<workload::AffineIndex>>;
  struct Access {
    Forms forms;
    std::vector<PathVariable> path;
  };
  struct Record {
    bool isShared = false; ///< by several nests: nothing else matters
    bool isKnown = false;
    bool startsPlain = false; ///< the first use does
    std::size_t nest = 0;
    std::vector<PathVariable> path; ///< what all uses have in common
    std::set<std::size_t> dependent;
    std::set<std::size_t> cancelled;        ///< stand in indices that don't depend on them
    std::optional<SourceRange> accumulated; ///< where first
    std::set<std::size_t> startedBefore;
    std::vector<Access> accesses;
    std::vector<workload::Axis> axes; ///< of the nest
  };

  [[nodiscard]] static std::vector<PathVariable> candidates(const Record &record,
                                                            bool isThreadLocal);
  [[nodiscard]] static std::set<std::size_t>
  fixedVariables(const Record &record, const Access &access, bool isThreadLocal);
  [[nodiscard]] static bool isCovered(Record record, const Shape &shape, bool isThreadLocal);

  std::map<std::uint32_t, Record> records_;
};

} // namespace acadlc::tir
