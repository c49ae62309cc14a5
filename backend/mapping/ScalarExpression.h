/// \file
/// What a stage computes, as a tree of operations of scalar code. Private to this folder.
#pragma once

#include "backend/mapping/ScalarOperations.h"
#include "ir/Workload.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::mapping {

/// A value that is brought into a register.
struct ScalarNode {
  enum class Kind : std::uint8_t {
    Load,      ///< `text` is the access
    Constant,  ///< a number, or what depends on loop variables alone
    Operation, ///< `text` is its name
    Choice,    ///< between both operands; `text` is a condition on loop variables
  };
  Kind kind = Kind::Constant;
  std::string text;
  std::vector<ScalarNode> operands;
  /// Registers that it takes to compute, that of the result included.
  unsigned registers = 1;

  /// Operands in the order in which they are computed: those that need more registers first, since
  /// the results of the others wait meanwhile.
  [[nodiscard]] std::vector<std::size_t> order() const;
};

/// Registers for \p operands, one behind the other, and then the operation \p name on them.
unsigned registersFor(const std::vector<ScalarNode> &operands, unsigned temporaries);

/// How texts call the things of a stage.
struct ScalarNames {
  std::vector<std::string> axes; ///< one per axis of the computation; "" if its extent is 1
  std::function<std::string(workload::TensorRef)> tensor;
};

/// Reads the expressions of one stage. The first thing that can't be done is in reason().
class ScalarReader {
public:
  ScalarReader(const workload::Workload &workload, const workload::Call &call,
               const workload::Computation &computation, const ScalarNames &names,
               const ScalarOperations &operations)
      : workload_(workload), call_(call), computation_(computation), names_(names),
        operations_(operations) {}

  std::optional<ScalarNode> read(const workload::ValueExpr &value);
  /// `input0[i, 2 * j + 1]`
  std::optional<std::string> access(workload::TensorRef tensor,
                                    const std::vector<workload::IndexExprPtr> &indices);
  /// Whether the operation is there; if not, reason() says what to declare.
  bool requireOperation(llvm::StringRef name);
  [[nodiscard]] const std::string &reason() const { return reason_; }

private:
  std::optional<ScalarNode> operation(llvm::StringRef name,
                                      const std::vector<workload::ValueExprPtr> &operands);
  std::optional<ScalarNode> function(const workload::ValueExpr &value);
  std::optional<ScalarNode> cast(const workload::ValueExpr &value);
  std::optional<ScalarNode> select(const workload::ValueExpr &value);
  std::optional<ScalarNode> choice(std::string condition, const workload::ValueExpr &then,
                                   const workload::ValueExpr &otherwise);
  std::optional<workload::ElementType> typeOf(const workload::ValueExpr &value) const;
  /// The number or condition if it depends on loop variables alone, as text.
  [[nodiscard]] std::optional<std::string> indexText(const workload::ValueExpr &value) const;
  [[nodiscard]] std::optional<std::string> indexText(const workload::IndexExpr &index) const;
  [[nodiscard]] std::string affineText(const workload::AffineIndex &index) const;
  bool checkBounds(const workload::IndexExpr &index, std::int64_t extent,
                   workload::TensorRef tensor);
  std::nullopt_t fail(std::string reason);

  const workload::Workload &workload_;
  const workload::Call &call_;
  const workload::Computation &computation_;
  const ScalarNames &names_;
  const ScalarOperations &operations_;
  unsigned conditions_ = 0; ///< around what is read
  std::string reason_;
};

} // namespace acadlc::mapping
