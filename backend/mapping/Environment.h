/// \file
/// The tensors and buffers that a body's accesses name, and where an access ends up in memory.
#pragma once

#include "backend/mapping/Match.h"
#include "backend/mapping/Storage.h"
#include "backend/mapping/SymbolicValues.h"
#include "frontend/acadl/evaluation/Evaluator.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringMap.h>

#include <memory>
#include <optional>
#include <vector>

namespace acadlc::mapping {

class Frame;

/// What a tensor's name stands for in a body.
struct TensorEntry {
  /// A tensor of the network or a buffer: its room, null as long as it is not placed.
  Allocation *allocation = nullptr;
  const TensorBinding *binding = nullptr; ///< of the network's tensor; null for buffers
  /// A view: read through to a tensor of the frame outside.
  const ast::View *view = nullptr;
  const Scope *viewScope = nullptr;
  const Frame *viewFrame = nullptr;
};

/// What a `mem` operand of the emitting instruction stands for in the nest of an expansion.
struct EmitterOperand {
  std::uint32_t index = 0;                ///< into Instruction::memory of the emitting instruction
  arch::ObjectId memory = arch::noObject; ///< where its bytes lie
  arch::ObjectId named = arch::noObject;  ///< what the text said: `memory` or a cache above it
  std::int64_t bytes = 0, gaps = 0;       ///< see program::MemoryOperand
  std::string tensor;                     ///< what the bytes belong to, for traces
};

/// The names of one body; a `via` or an expansion opens another one.
class Frame {
public:
  /// In the nest of an expansion: the stage that hands its instructions on, and its operands.
  arch::ObjectId emitter = arch::noObject;
  llvm::StringMap<EmitterOperand> operands;
  std::uint32_t id = 0; ///< equal for the same `via` reached again
  llvm::StringMap<TensorEntry> tensors;
  /// Overrides and reports of parameters speak of this name.
  std::string name;
  const ast::MappingDeclaration *mapping = nullptr; ///< whose body it is; null for a program's
  /// Whether \p tensor belongs to a step behind the computation that is not there.
  [[nodiscard]] bool isAbsent(llvm::StringRef tensor) const;
};

/// An access in bytes of a memory.
struct ResolvedAccess {
  const Allocation *allocation = nullptr;
  Linear address;
  Linear lastElement; ///< address of the last element of a slice
  /// How many elements it names; nothing: their number differs between iterations.
  std::optional<std::int64_t> elements;
};

/// Finds the bytes of accesses; reports what is wrong. Where something must be known, the need is
/// in the symbolic values.
class AccessResolver {
public:
  AccessResolver(Evaluator &evaluator, SymbolicValues &values, DiagnosticEngine &diagnostics)
      : evaluator_(&evaluator), values_(&values), diagnostics_(&diagnostics) {}

  /// `name[indices]` in \p frame; no indices: the whole tensor.
  std::optional<ResolvedAccess> resolve(const Frame &frame, llvm::StringRef name,
                                        llvm::ArrayRef<const ast::Expr *> indices,
                                        const Scope &scope, SourceRange at);

private:
  struct Corners;
  [[nodiscard]] std::optional<std::int64_t> countElements(const Corners &corners) const;
  bool evaluateIndices(llvm::ArrayRef<const ast::Expr *> indices, const Scope &lowScope,
                       const Scope &lastScope, Corners &corners);
  std::optional<ResolvedAccess> resolveCorners(const Frame &frame, llvm::StringRef name,
                                               const Corners &corners, SourceRange at);
  std::optional<ResolvedAccess> resolveView(const TensorEntry &entry, const Corners &corners,
                                            SourceRange at);
  std::optional<Linear> addressOf(const TensorEntry &entry, llvm::StringRef name,
                                  llvm::ArrayRef<Linear> indices, SourceRange at);
  void reportIndexCount(llvm::StringRef name, std::size_t expected, std::size_t found,
                        SourceRange at);
  bool checkBounds(const Allocation &allocation, const Allocation::Dimension &dimension,
                   std::size_t position, llvm::StringRef name, const Linear &index, SourceRange at);

  Evaluator *evaluator_;
  SymbolicValues *values_;
  DiagnosticEngine *diagnostics_;
};

} // namespace acadlc::mapping
