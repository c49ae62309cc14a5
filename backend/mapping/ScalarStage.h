/// \file
/// One stage of a network as a loop nest of scalar code. Private to this folder.
#pragma once

#include "backend/mapping/ScalarCode.h"
#include "backend/mapping/ScalarExpression.h"
#include "backend/mapping/ScalarGraph.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::mapping {

/// What is done in an iteration of the innermost loop.
struct ScalarStatement {
  enum class Kind : std::uint8_t {
    Store,  ///< `value` to `target`
    Update, ///< `accumulator` becomes `value`
    If,     ///< `then` and `otherwise`, by a condition on loop variables
    Branch, ///< `then`, behind a condition on data: `value`
  };
  Kind kind = Kind::Store;
  ScalarReader::Place target;
  ScalarId value = 0;
  std::size_t accumulator = 0;
  std::string condition;
  std::vector<ScalarStatement> then, otherwise;
};

/// An element that is kept in a register while reduced axes run.
struct ScalarAccumulator {
  ScalarId initial = 0;
  ScalarReader::Place target;
};

struct ScalarStage {
  struct Loop {
    std::string name;
    std::int64_t extent = 1;
  };
  std::vector<Loop> loops;    ///< the outermost first; none of them has one iteration alone
  std::size_t outerLoops = 0; ///< those around the accumulators' life: the others reduce
  ScalarGraph graph;
  std::string outerCondition; ///< around all inside of the outer loops; empty: none
  std::vector<ScalarAccumulator> accumulators;
  std::vector<ScalarStatement> initialStores; ///< in front of the reducing loops
  std::vector<ScalarStatement> statements;
  bool readsFirst = false; ///< all values are computed in front of the first store
  std::int64_t macs = 0;
  std::vector<std::string> assumptions; ///< on what data decides: clauses
};

/// What stages are read with.
struct ScalarStageContext {
  const workload::Workload &workload;
  const workload::Call &call;
  const ScalarOperations &operations;
  std::function<std::string(workload::TensorRef)> tensorName;
  /// Names for the loops over the axes of a computation; "" for one of a single iteration.
  std::function<std::vector<std::string>(const workload::Computation &)> axisNames;
};

/// Nothing if it can't be done; \p refusal says why.
std::optional<ScalarStage> readScalarStage(const ScalarStageContext &context, std::size_t stage,
                                           ScalarRefusal &refusal);

} // namespace acadlc::mapping
