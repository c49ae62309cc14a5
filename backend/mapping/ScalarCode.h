/// \file
/// Scalar code: loop nests of the workload IR as loops of load, compute and store instructions.
///
/// What a `scalar` declaration says of operations is put together to a `program` in the language
/// itself, which is parsed and lowered like one that a user wrote. So a user can take it as it is
/// and go on from there.
#pragma once

#include "backend/mapping/Lower.h"
#include "frontend/acadl/elaboration/Elaborate.h"
#include "ir/Workload.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace acadlc::mapping {

class ScalarOperations;

/// Stages of a call as a program.
struct ScalarCode {
  /// What stands behind the program's name. Equal for stages of equal structure.
  std::string body;
  std::int64_t macs = 0; ///< that it must emit: those of the sums of products among the stages
  struct Tensor {
    std::string name; ///< in the program
    workload::TensorRef tensor;
  };
  std::vector<Tensor> tensors;          ///< in the order of their buffers
  std::vector<std::string> assumptions; ///< on what data decides, with the stage: clauses
};

/// Why stages can't be done.
struct ScalarRefusal {
  std::string reason; ///< a clause that names the stage
  SourceRange range;  ///< of what can't be done, in the network's text
};

/// Writes and lowers scalar code for one architecture.
class ScalarCoder {
public:
  /// \p home is the scope of the file that declares \p declaration. Reports lists of registers
  /// that have no value; such a coder writes nothing.
  ScalarCoder(const ast::ScalarDeclaration &declaration, const Scope &home,
              const ElaboratedArchitecture &architecture, SourceManager &sources,
              DiagnosticEngine &diagnostics);
  ~ScalarCoder();
  ScalarCoder(const ScalarCoder &) = delete;
  ScalarCoder &operator=(const ScalarCoder &) = delete;

  /// The \p stages of \p call, indices into Call::computations in ascending order, as a program;
  /// nothing if one of them can't be done, and \p refusal says which and why. Tensors have
  /// \p elementType if one is given.
  std::optional<ScalarCode> write(const workload::Workload &workload, const workload::Call &call,
                                  std::span<const std::size_t> stages,
                                  std::optional<workload::ElementType> elementType,
                                  ScalarRefusal &refusal) const;

  /// The program as a text: a declaration that may stand in a file that sees the architecture.
  [[nodiscard]] std::string text(const ScalarCode &code, const std::string &name) const;

  /// Lowers \p code; nothing if there is an error (reported, in a text of its own that is called
  /// after \p name). LoweredLayer::mapping is "scalar".
  std::optional<LoweredLayer> lower(const ScalarCode &code, const std::string &name,
                                    DiagnosticEngine &diagnostics);

  [[nodiscard]] const ast::ScalarDeclaration &declaration() const { return declaration_; }

private:
  std::size_t countRegisters(const char *attribute, DiagnosticEngine &diagnostics) const;

  const ast::ScalarDeclaration &declaration_;
  const Scope &home_;
  const ElaboratedArchitecture &architecture_;
  SourceManager &sources_;
  std::unique_ptr<const ScalarOperations> operations_;
  std::size_t valueCount_ = 0, counterCount_ = 0;
};

} // namespace acadlc::mapping
