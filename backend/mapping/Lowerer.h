/// \file
/// The walk over a body that lowering is. Private to this folder.
#pragma once

#include "backend/mapping/Environment.h"
#include "backend/mapping/Lower.h"
#include "backend/mapping/ProgramBuilder.h"
#include "backend/mapping/Storage.h"
#include "backend/mapping/SymbolicValues.h"
#include "backend/mapping/Units.h"

#include <llvm/ADT/DenseMap.h>

#include <map>
#include <memory>
#include <unordered_map>

namespace acadlc::mapping {

class Lowerer {
public:
  Lowerer(const ElaboratedArchitecture &architecture, SourceManager &sources,
          DiagnosticEngine &diagnostics, const LoweringOptions &options);

  std::optional<LoweredLayer> run(const Match &match, const Scope &home);
  std::optional<LoweredLayer> run(const ast::ProgramDeclaration &program, const Scope &home);

  /// In which iteration the error that was reported came up: "in the iteration m0 = 4, k = 2", at
  /// the innermost of these loops. Nothing if it was in none.
  [[nodiscard]] std::optional<DiagnosticNote> failedIteration() const;

private:
  using Steps = std::vector<program::Step>;

  /// What became of a piece of a body.
  enum class Status : std::uint8_t {
    Done,
    Split,  ///< values_.need() tells which loop must be split first
    Failed, ///< reported
  };

  /// A loop of whole numbers whose count is known.
  struct Loop {
    const ast::ForStatement *statement = nullptr;
    std::size_t header = 0; ///< of statement->loops
    Linear low;
    std::int64_t step = 1;
    std::int64_t count = 0;
    [[nodiscard]] const ast::LoopHeader &head() const { return statement->loops[header]; }
  };
  /// Consecutive iterations of a loop that have been lowered alike.
  struct Piece {
    std::int64_t first = 0, count = 0; ///< iterations
    bool isRepeat = false;
    program::RegionId body = 0; ///< if isRepeat
    Steps steps;                ///< else
  };
  struct UnrolledLoop {
    SourceRange range;
    std::int64_t count = 0;
  };

  /// A storage as the text names it.
  struct NamedStorage {
    arch::ObjectId named = arch::noObject;  ///< a memory or a cache
    arch::ObjectId memory = arch::noObject; ///< at the end of the chain of caches
  };
  /// What all executions of an emit have in common.
  struct EmitSite {
    const ast::InstructionDeclaration *instruction = nullptr;
    const Scope *home = nullptr;
    bool isInArchitecture = false;           ///< objects of the architecture are visible in `home`
    std::vector<const ast::Expr *> operands; ///< one per operand of the declaration
    std::vector<ExpectedType> types;         ///< of immediates
  };
  /// An emit while its operands are evaluated.
  struct EmitState {
    program::Instruction instruction;
    std::vector<ByteRange> ranges;
    UnitRequest request;
    arch::ObjectId unit = arch::noObject;
    std::vector<InstructionOperand> operands;
    bool isCacheable = true; ///< whether `key` says all that attributes depend on
    std::vector<std::int64_t> key;
  };

  /// What the phases of an instruction are for certain operands.
  struct LoweredPhases {
    std::vector<program::Phase> phases;
    std::vector<program::Signal> signals;
    /// Of the work that the instruction states, what it emits.
    std::int64_t emittedMacs = 0, emittedOps = 0;
  };

  // Lowerer.cpp: statements and loops
  std::optional<LoweredLayer> finish(std::string name, Steps steps, SourceRange at);
  Status lowerBody(ast::Block block, Frame &frame, Scope &scope, Steps &steps);
  Status lowerStatement(const ast::Statement &statement, Frame &frame, Scope &scope, Steps &steps);
  Status lowerParam(const ast::ParamStatement &statement, Frame &frame, Scope &scope);
  Status lowerFor(const ast::ForStatement &statement, std::size_t header, Frame &frame,
                  Scope &scope, Steps &steps);
  Status lowerRange(const ast::ForStatement &statement, std::size_t header,
                    const ast::RangeExpr &range, Frame &frame, Scope &scope, Steps &steps);
  Status lowerElements(const ast::ForStatement &statement, std::size_t header, const Value &values,
                       Frame &frame, Scope &scope, Steps &steps);
  Status lowerLoop(const Loop &loop, Frame &frame, Scope &scope, Steps &steps);
  Status lowerPieces(const Loop &loop, Frame &frame, Scope &scope, Steps &steps);
  /// Finds the first iteration of \p loop, in which there was an error, that has the same one by
  /// itself, and reports that instead. \p before: what had been reported before the loop.
  void narrowFailure(const Loop &loop, Frame &frame, Scope &scope, DiagnosticEngine before);
  /// Iterations first … first + count − 1 of \p loop, which starts at a number.
  static Loop partOf(const Loop &loop, std::int64_t first, std::int64_t count);
  void reportTripCount(const ast::RangeExpr &range, const Linear &first, const Linear &last,
                       std::int64_t length);
  [[nodiscard]] std::string boundText(const ast::Expr &bound, const Linear &value) const;
  [[nodiscard]] bool isCountedAlone(const Loop &loop, const Steps &steps);
  bool choosesObjects(const Loop &loop, Frame &frame, Scope &scope);
  Status lowerPiece(const Loop &loop, Piece &piece, Frame &frame, Scope &scope);
  Status lowerIterations(const Loop &loop, std::int64_t first, std::int64_t count, Frame &frame,
                         Scope &scope, Steps &steps);
  Status lowerIteration(const Loop &loop, Value value, Frame &frame, Scope &scope, Steps &steps);
  bool checkPieces(const Loop &loop, const std::vector<Piece> &pieces);
  void appendPieces(const Loop &loop, std::vector<Piece> pieces, Steps &steps);
  /// Iterations of \p piece that can be lowered together; 0: each one alone.
  std::int64_t splitPoint(const Loop &loop, const Piece &piece);
  LoopRange rangeOf(const Loop &loop, std::int64_t first, std::int64_t count) const;
  Status lowerVia(const ast::ViaStatement &statement, Frame &frame, Scope &scope, Steps &steps);
  bool checkViaGuard(const ast::ViaStatement &statement, const ast::MappingDeclaration &mapping,
                     const Scope &inner);
  bool bindVia(const ast::ViaStatement &statement, const ast::MappingDeclaration &mapping,
               const Scope &scope, Scope &inner);
  /// Whether each `-P name.parameter` is one of \p parameters or a `param` of \p body.
  bool checkOverrides(llvm::StringRef name, llvm::ArrayRef<ast::Parameter> parameters,
                      ast::Block body, SourceRange at);
  [[nodiscard]] Status failed() const { return values_.need() ? Status::Split : Status::Failed; }

  // LowererStorage.cpp: places, buffers, parameters
  Status lowerPlace(const ast::PlaceStatement &statement, Frame &frame, Scope &scope);
  Status lowerBuffer(const ast::BufferStatement &statement, Frame &frame, Scope &scope);
  bool placeTensor(const ast::PlaceStatement &statement, const ast::Identifier &name, Frame &frame,
                   arch::ObjectId memory, std::optional<std::int64_t> &address, bool isViewed);
  std::optional<NamedStorage> storageOf(const ast::Expr &storage, const Scope &scope);
  std::optional<std::int64_t> bytesValue(const ast::Expr &expr, const Scope &scope);
  std::optional<workload::ElementType> elementTypeOf(const ast::Identifier &name,
                                                     const Frame &frame);
  std::optional<std::int64_t> elementBytes(workload::ElementType type, SourceRange at);
  std::optional<Value> overrideOf(const ast::Parameter &parameter, const std::string &name,
                                  const Scope &scope);

  // LowererEmit.cpp: instructions
  Status lowerEmit(const ast::EmitStatement &statement, const Frame &frame, const Scope &scope,
                   Steps &steps);
  const EmitSite *siteOf(const ast::EmitStatement &statement, const Scope &scope);
  bool assignOperands(const ast::EmitStatement &statement, EmitSite &site);
  bool lowerOperand(const EmitSite &site, std::size_t index, const Frame &frame, const Scope &scope,
                    EmitState &state);
  bool lowerRegister(const ast::Operand &operand, const ast::Expr &expr, const Scope &scope,
                     EmitState &state);
  bool lowerMemory(const ast::Operand &operand, const ast::Expr &expr, const Frame &frame,
                   const Scope &scope, EmitState &state);
  bool lowerImmediate(const EmitSite &site, std::size_t index, const Scope &scope,
                      EmitState &state);
  struct MemoryAccess;
  std::optional<MemoryAccess> memoryAccess(const ast::Expr &expr, const Frame &frame,
                                           const Scope &scope);
  /// Bytes [low, low + length) of something.
  struct ByteSlice {
    Linear low;
    std::int64_t length = 0;
  };
  std::optional<ByteSlice> byteRange(const ast::IndexExpr &expr, const Scope &scope);
  std::optional<MemoryAccess> rawAccess(const ast::IndexExpr &expr, const Scope &scope);
  std::optional<Linear> byteAddress(const ast::Expr &expr, const Scope &scope);
  std::optional<MemoryAccess> emitterAccess(const EmitterOperand &operand,
                                            const ast::IndexExpr *index, const Scope &scope,
                                            SourceRange at);
  bool resolveUnit(const ast::EmitStatement &statement, const Frame &frame, const Scope &scope,
                   const ast::InstructionDeclaration &instruction, EmitState &state);
  bool resolveRoute(const ast::EmitStatement &statement, const Frame &frame, const Scope &scope,
                    EmitState &state);
  bool stagesOf(const ast::Expr &expr, const Scope &scope, std::vector<arch::ObjectId> &stages);
  bool addAttributes(const EmitSite &site, const ast::EmitStatement &statement, EmitState &state);
  std::optional<InstructionInfo> infoOf(const EmitSite &site, const ast::EmitStatement &statement,
                                        const EmitState &state);
  bool countStep(SourceRange at);

  // LowererPhases.cpp
  class PhaseLowerer;
  bool addPhases(const EmitSite &site, const ast::EmitStatement &statement, EmitState &state);
  static bool isPlainExecution(const LoweredPhases &lowered, const arch::ArchitectureGraph &graph,
                               arch::ObjectId unit);
  std::optional<LoweredPhases>
  lowerPhases(const EmitSite &site, const ast::EmitStatement &statement, const EmitState &state);
  bool checkWork(const ast::InstructionDeclaration &declaration,
                 const program::Instruction &instruction, LoweredPhases &phases);
  /// Reports that \p name emits \p emitted multiply-accumulates, not those of the operator.
  void reportWork(const ast::Identifier &name, std::int64_t emitted, std::int64_t wanted);

  const ElaboratedArchitecture &architecture_;
  SourceManager &sources_;
  DiagnosticEngine &diagnostics_;
  const LoweringOptions &options_;
  SymbolicValues values_;
  Evaluator evaluator_;
  AccessResolver accesses_;
  ProgramBuilder builder_;
  Units units_;
  StorageAllocator allocator_;

  struct PlacedRoom {
    Allocation allocation;
    const ast::Statement *statement = nullptr;
    std::optional<workload::TensorRef> tensor;
  };
  std::vector<std::unique_ptr<PlacedRoom>> rooms_;
  std::map<std::pair<std::uint32_t, const ast::Statement *>, PlacedRoom *> buffers_;
  std::map<std::pair<std::uint32_t, const ast::Statement *>, std::uint32_t> frameIds_;
  llvm::DenseMap<const ast::EmitStatement *, std::unique_ptr<EmitSite>> sites_;
  std::map<std::pair<const ast::InstructionDeclaration *, std::vector<std::int64_t>>,
           InstructionInfo>
      infos_;
  std::map<std::pair<const ast::InstructionDeclaration *, std::vector<std::int64_t>>, LoweredPhases>
      phases_;
  std::vector<arch::ParameterValue> parameters_;
  std::vector<ParsedOverride> overrideTexts_; ///< own the trees of overrides
  std::vector<UnrolledLoop> unrolled_;
  /// A loop in whose iteration (or one of several) an error came up.
  struct FailedLoop {
    const ast::LoopHeader *header = nullptr;
    std::string values; ///< of its variable: "7", "0 to 9"
    bool isOne = true;  ///< it is one iteration
  };
  std::vector<FailedLoop> failedLoops_; ///< innermost first
  bool isNarrowing_ = false;
  std::uint64_t steps_ = 0;
  unsigned viaDepth_ = 0, expansionDepth_ = 0;
};

} // namespace acadlc::mapping
