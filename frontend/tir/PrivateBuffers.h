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

#include "frontend/tir/FunctionTemplate.h"
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

/// A variable of a nest, as far as the uses of buffers in it are concerned.
struct NestVariable {
  std::int64_t extent = 1;
  bool isThread = false;    ///< of a block of threads, which share memory
  bool isIrregular = false; ///< its extent depends on others
  /// Of a block axis: its value in terms of loops alone; else null.
  workload::IndexExprPtr inLoops;
};

/// A read or a write of a local buffer.
struct BufferUse {
  std::size_t nest = 0;
  std::vector<std::size_t> path;               ///< the variables that are alive, outermost first
  std::vector<workload::IndexExprPtr> indices; ///< over the variables of the nest
  bool isWrite = false;
  bool isSum = false;                  ///< joins a value to what is there
  bool isPlain = false;                ///< happens at every point, and does not need what was there
  std::set<std::size_t> startedBefore; ///< loops that a reduction goes on in once it has begun
  /// These are threads, which all end the reduction before any of them goes on: a loop within them
  /// is done anew by all together.
  bool joinsThreads = false;
  SourceRange range;
};

/// Collects how local buffers are used. Most buffers are used by several nests, which ends the
/// matter, so a use is kept as it was read until it turns out to be needed.
class BufferUses {
public:
  void add(std::uint32_t buffer, BufferUse use);
  /// Whether several nests use \p buffer, or something outside of all: then nothing else matters.
  [[nodiscard]] bool isShared(std::uint32_t buffer) const {
    return buffer < records_.size() && records_[buffer].isShared;
  }
  [[nodiscard]] bool isUsed(std::uint32_t buffer) const {
    return buffer < records_.size() && (records_[buffer].isShared || records_[buffer].isKnown);
  }
  /// Whether uses since the last endNest() or settle() refer to variables of the current nest.
  [[nodiscard]] bool needsVariables() const { return !open_.empty(); }
  /// Nest \p nest is over: its uses refer to \p variables.
  void endNest(std::size_t nest, std::vector<NestVariable> variables);
  /// The uses so far in the current nest refer to \p variables; later ones may number others alike.
  void settle(const std::vector<NestVariable> &variables);
  /// To be called behind the last use, before what is asked below.
  void finish();

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
  /// A variable of a path.
  struct PathVariable {
    std::size_t id = 0;
    std::int64_t extent = 1;
    bool isThread = false;
    bool isIrregular = false;
    std::set<std::size_t> sources; ///< of a block axis: the loops that it is bound to
  };
  struct Access {
    Forms forms;
    std::vector<PathVariable> path;
  };
  struct Record {
    bool isShared = false; ///< by several nests: nothing else matters
    bool isKnown = false;
    bool startsPlain = false; ///< the first use does
    std::size_t nest = 0;
    std::vector<BufferUse> unsettled; ///< uses that the rest says nothing of yet
    std::vector<PathVariable> path;   ///< what all uses have in common
    std::set<std::size_t> dependent;
    std::set<std::size_t> cancelled;        ///< stand in indices that don't depend on them
    std::optional<SourceRange> accumulated; ///< where first
    std::set<std::size_t> startedBefore;
    std::set<std::size_t> joined; ///< of these: threads that end the reduction together
    std::vector<Access> accesses;
    std::vector<workload::Axis> axes; ///< of the nest
  };

  static void share(Record &record);
  static void settle(Record &record, const std::vector<NestVariable> &variables,
                     const std::vector<workload::Axis> &axes);
  static void settle(Record &record, BufferUse use, const std::vector<NestVariable> &variables,
                     const std::vector<workload::Axis> &axes);
  [[nodiscard]] static std::vector<PathVariable> candidates(const Record &record,
                                                            bool isThreadLocal);
  [[nodiscard]] static std::set<std::size_t>
  fixedVariables(const Record &record, const Access &access, bool isThreadLocal);
  [[nodiscard]] static bool isCovered(Record record, const Shape &shape, bool isThreadLocal);

  [[nodiscard]] const Record *find(std::uint32_t buffer) const;

  std::vector<Record> records_;     ///< by buffer
  std::vector<std::uint32_t> open_; ///< with uses of the current nest that are not settled
  std::map<std::size_t, std::vector<NestVariable>> nests_; ///< that have uses
};

} // namespace acadlc::tir
