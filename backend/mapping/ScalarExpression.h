/// \file
/// Reads what a stage computes into a graph of operations of scalar code. Private to this folder.
#pragma once

#include "backend/mapping/ScalarGraph.h"
#include "backend/mapping/ScalarIndex.h"
#include "backend/mapping/ScalarOperations.h"
#include "ir/Workload.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::mapping {

/// What the expressions of a stage stand in.
struct ScalarSurroundings {
  const workload::Workload &workload;
  const workload::Call &call;
  const workload::Computation &computation;
  const std::vector<workload::Access> &accesses; ///< that loads refer to
  const ScalarOperations &operations;
  const ScalarIndexWriter &indices;
  std::function<std::string(workload::TensorRef)> tensorName;
};

/// Reads the expressions of one stage. The first thing that can't be done is in reason().
class ScalarReader {
public:
  ScalarReader(const ScalarSurroundings &surroundings, ScalarGraph &graph)
      : in_(surroundings), graph_(graph) {}

  /// Loads of elements that are kept in registers: the accumulators, by their numbers.
  /// \p areVolatile: they change between what is read.
  void setAccumulators(std::vector<const workload::Access *> accumulators, bool areVolatile) {
    accumulators_ = std::move(accumulators);
    areVolatile_ = areVolatile;
  }
  /// Tensors that the stage writes; what it reads of them can't be kept.
  void setWritten(std::vector<workload::TensorRef> written) { written_ = std::move(written); }

  std::optional<ScalarId> read(const workload::ValueExpr &value);
  /// An access for a load or a store, with the values that it takes to know where it is.
  struct Place {
    std::string text; ///< `input0[i, 2 * j + 1]`
    std::size_t depth = 0;
    std::vector<ScalarId> indices;
  };
  std::optional<Place> access(workload::TensorRef tensor,
                              const std::vector<workload::IndexExprPtr> &indices);
  /// Operation \p name, which must be there; if it is not, reason() says what to declare.
  std::optional<ScalarId> operation(llvm::StringRef name, std::vector<ScalarId> operands);
  bool requireOperation(llvm::StringRef name);
  /// What is read until the guard is gone stands under a condition.
  void enterCondition() { ++conditions_; }
  void leaveCondition() { --conditions_; }

  [[nodiscard]] const std::string &reason() const { return reason_; }
  /// Where in the network what can't be done stands; invalid: in the stage.
  [[nodiscard]] SourceRange reasonRange() const { return reasonRange_; }
  /// What was assumed about data: clauses.
  [[nodiscard]] const std::vector<std::string> &assumptions() const { return assumptions_; }

private:
  std::optional<ScalarId> load(const workload::Access &access);
  std::optional<ScalarId> function(const workload::ValueExpr &value);
  std::optional<ScalarId> cast(const workload::ValueExpr &value);
  std::optional<ScalarId> select(const workload::ValueExpr &value);
  std::optional<ScalarId> choice(ScalarIndexWriter::Text condition, const workload::ValueExpr &then,
                                 const workload::ValueExpr &otherwise);
  std::optional<workload::ElementType> typeOf(const workload::ValueExpr &value) const;
  std::optional<ScalarIndexWriter::Text> indexFromData(const workload::IndexExpr &index,
                                                       std::int64_t extent,
                                                       const workload::Tensor &tensor,
                                                       Place &place);
  void collectAxes(const workload::ValueExpr &value, std::vector<bool> &axes) const;
  bool checkBounds(const workload::IndexExpr &index, std::int64_t extent,
                   const workload::Tensor &tensor);
  std::nullopt_t fail(std::string reason);

  const ScalarSurroundings &in_;
  ScalarGraph &graph_;
  std::vector<const workload::Access *> accumulators_;
  bool areVolatile_ = false;
  std::vector<workload::TensorRef> written_;
  unsigned conditions_ = 0; ///< around what is read
  unsigned depth_ = 0;      ///< of indices in indices
  std::string reason_;
  SourceRange reasonRange_, at_;
  std::vector<std::string> assumptions_;
};

/// Whether both name the same element at every point.
bool sameElement(const workload::Access &left, const workload::Access &right);

} // namespace acadlc::mapping
