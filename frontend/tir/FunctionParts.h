/// \file
/// The reader of TIR functions from within; others call readFunction().
#pragma once

#include "frontend/tir/FunctionReader.h"
#include "frontend/tir/PrivateBuffers.h"
#include "ir/Workload.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace acadlc::tir {

/// Another look at a buffer: `T.match_buffer(A[i:i + 4, 0:8], (4, 8))`, or a buffer that is
/// declared on the data of another.
struct BufferView {
  workload::TensorRef tensor;
  Shape shape;
  /// Where the view begins, for each dimension of the tensor; its last dimensions are the view's.
  /// Empty: the view has the tensor's elements in their order in memory.
  std::vector<workload::IndexExprPtr> begin;
  // Of a view of the order in memory:
  workload::IndexExprPtr offset = nullptr; ///< number of the first element; null: 0
  std::vector<std::int64_t> strides = {};  ///< in elements, by dimension; empty: row-major order
  std::int64_t lanes = 0; ///< if its elements are vectors: the last extent of `shape`
};

/// What a name stands for inside a function.
struct NameMeaning {
  enum class Kind : std::uint8_t {
    Buffer, ///< tensor
    View,   ///< view: another look at a buffer
    Value,  ///< value: a loop or block variable, or a `let` without loads
    Let,    ///< definition: a `let` with loads, which belong to who uses the name
    Size,   ///< a symbolic size that may have no value
    Unset,  ///< a scalar that is declared and has got no value yet
    Handle, ///< a parameter that `match_buffer` gives a shape; `parameter` counts buffers
  };
  Kind kind = Kind::Value;
  workload::TensorRef tensor;
  workload::ValueExprPtr value;
  std::size_t parameter = 0;
  const Expr *definition = nullptr;
  std::shared_ptr<const BufferView> view = nullptr;

  static NameMeaning of(BufferView view) {
    NameMeaning meaning = size();
    meaning.kind = Kind::View;
    meaning.view = std::make_shared<const BufferView>(std::move(view));
    return meaning;
  }
  static NameMeaning buffer(bool isLocal, std::size_t index) {
    return {Kind::Buffer, {isLocal, static_cast<std::uint32_t>(index)}, nullptr, 0, nullptr,
            nullptr};
  }
  static NameMeaning of(workload::ValueExprPtr value) {
    return {Kind::Value, {}, std::move(value), 0, nullptr, nullptr};
  }
  static NameMeaning size() { return {Kind::Size, {}, nullptr, 0, nullptr, nullptr}; }
  static NameMeaning unset() {
    NameMeaning meaning = size();
    meaning.kind = Kind::Unset;
    return meaning;
  }
  static NameMeaning handle(std::size_t parameter) {
    return {Kind::Handle, {}, nullptr, parameter, nullptr, nullptr};
  }
  static NameMeaning let(const Expr &definition) {
    return {Kind::Let, {}, nullptr, 0, &definition, nullptr};
  }
};

/// A loop or block variable.
struct Variable {
  std::string name;
  workload::ValueExprPtr extentExpr; ///< over earlier variables
  std::int64_t extent = 1;           ///< largest value of extentExpr
  bool dependsOnOthers = false;      ///< extentExpr is not constant
  bool isBlockAxis = false;
  workload::Axis::Kind kind = workload::Axis::Kind::Spatial;
  /// The loop whose values it takes, one for one; none if it is bound in another way.
  std::optional<std::size_t> loop;
  /// Of a block axis that starts at 0: what it is bound to; else null.
  workload::IndexExprPtr binding;
  /// Of a block axis: its value in terms of loops alone; null if that is no index.
  workload::IndexExprPtr inLoops;
  bool isThread = false; ///< bound to the threads of a block, which share memory
};

/// What an earlier reading of the function found out.
struct ReadingPlan {
  /// The definitions of names that are assigned again: these are buffers of one element.
  std::set<const Stmt *> scalars;
  /// The definition that an assignment belongs to, if all assignments to the name stand in the same
  /// body one behind the other: each gives the name a value of its own.
  std::map<const Stmt *, const Stmt *> straight;
  PrivateBuffers privates;
};

/// A condition that statements stand under.
struct Guard {
  const Stmt *statement = nullptr; ///< the `if` or `T.where`
  bool isElse = false;             ///< they stand where it does not hold
  workload::ValueExprPtr value;
  std::vector<workload::Access> accesses; ///< that loads of `value` refer to
};

/// `range(low, high, step)` and its like; `low` and `step` may be null.
struct LoopBounds {
  const Expr *low = nullptr;
  const Expr *high = nullptr;
  const Expr *step = nullptr;
};

/// A store, read where it stands because names mean something else later.
struct Store {
  SourceRange range;
  workload::Access written;
  workload::Combiner combiner = workload::Combiner::None;
  workload::ValueExprPtr value;
  std::vector<workload::Access> accesses;
  std::vector<Guard> guards;             ///< around it, the outermost first
  bool hasLostGuards = false;            ///< there are more than can be kept
  SourceRange definition;                ///< of the `let` that is stored; invalid if none is
  std::vector<std::size_t> variables;    ///< alive, from the innermost block on
  std::vector<workload::Access> certain; ///< what happens at every point of the domain
};

/// What the loops around accumulations in a tensor have to do with it.
struct Accumulation {
  std::set<std::size_t> loops;  ///< that it goes on through
  std::set<std::size_t> readIn; ///< that the tensor is read in, not only in the last iteration
};

/// A block whose body is being read, or the function itself.
struct Frame {
  std::string label;
  SourceRange range;
  std::size_t firstVariable = 0; ///< its axes and the loops inside it start here
  std::size_t firstLoop = 0;     ///< loops inside it start here
  bool isBlock = false;
  bool hasInit = false;
  bool hasBadAxes = false; ///< reported; what their names would be is not known
  bool isGuarded = false;  ///< by `T.where`
  /// Its reduction over threads is done before any of them goes on.
  bool joinsThreads = false;
  std::string opaqueReason;
  std::vector<Store> stores;
  std::vector<Store> initStores; ///< those of `T.init`
};

/// Collects the loads of an expression while it is converted.
struct Conversion {
  std::vector<workload::Access> accesses;
  std::vector<workload::Access> certain; ///< those of them that stand under no condition
  std::size_t conditions = 0;            ///< around what is being converted
};

/// Some of the values of an axis: `first + step · i`.
struct AxisPart {
  std::int64_t first = 0, step = 1, count = 1;
  bool hasGaps = false; ///< not all of these are reached either
};

/// How a computation numbers the variables of its function.
struct Numbering {
  std::vector<std::size_t> variables;               ///< by axis
  std::vector<workload::IndexExprPtr> replacements; ///< by variable; null for one that is no axis
};

/// What a function outside of the text is given: memory.
struct Pointer {
  workload::TensorRef tensor;
  bool isRead = false, isWritten = false; ///< as the text says; neither if it does not
  SourceRange range;
};

/// Reads one function. Its parts stand in FunctionReader.cpp (names, parameters and buffers),
/// FunctionStatements.cpp, FunctionDomains.cpp (loops, blocks and axes), FunctionStages.cpp (what
/// blocks compute), FunctionExpressions.cpp and FunctionCalls.cpp.
class FunctionReader {
public:
  FunctionReader(const Stmt &function, const FunctionContext &context,
                 DiagnosticEngine &diagnostics, const ReadingPlan &plan)
      : function_(function), context_(context), diagnostics_(diagnostics), plan_(plan) {}

  FunctionTemplate read();
  /// After read(): the buffers that another reading may give dimensions.
  [[nodiscard]] PrivateBuffers privateBuffers() const;
  /// After read(): the scalars of the plan that are not to be read as buffers after all, given the
  /// buffers that have dimensions of their own.
  [[nodiscard]] std::set<const Stmt *> refusedScalars(const PrivateBuffers &privates) const;

private:
  // Declarations
  void bindNumbers();
  void bindSizes();
  void readParameters();
  void declareParameter(const Parameter &parameter);
  void setParameter(std::string_view name, std::size_t index, workload::Tensor tensor);
  std::optional<workload::Tensor> readBuffer(const Expr &call, std::size_t firstArgument,
                                             SourceRange range, const std::optional<Shape> &known);
  void reportType(const Expr &type);
  void noteVectors(workload::TensorRef tensor, const Expr &call, std::size_t firstArgument);
  std::optional<Shape> readShape(const Expr &expr, const std::optional<Shape> &known);
  std::optional<std::int64_t> readDimension(const Expr &expr, std::optional<std::int64_t> known);
  bool isUnknownSize(const Expr &expr) const;
  [[nodiscard]] const std::optional<Shape> &argumentShape(std::size_t parameter) const;

  // Statements
  void readBody(std::span<const Stmt *const> body);
  void readStatement(const Stmt &stmt);
  void readExpressionStatement(const Stmt &stmt);
  void readBufferStore(const Expr &call, const Expr &value, SourceRange range);
  bool readMemberStore(const Expr &call, SourceRange range);
  const Expr *memberAccess(const Expr &call, std::string_view member, std::int64_t lanes);
  const Expr *pointerAccess(const Expr &pointer, const Expr &index, SourceRange range);
  const Expr *accessTo(const Expr &base, std::span<const Expr *const> indices, SourceRange range);
  void readAssignment(const Stmt &stmt);
  void readDeclarations(const Stmt &stmt);
  bool readDeclaration(const Stmt &stmt, const Expr &target, const Expr &call);
  void matchBuffer(const Stmt &stmt, const Expr &target, const Expr &call);
  void matchPart(const Expr &target, const Expr &part, const Expr &call);
  void declareBuffer(const Expr &target, const Expr &call);
  void declareConstant(const Expr &target, const Expr &call);
  bool aliasBuffer(const Expr &target, const workload::Tensor &declared, const Expr &call);
  [[nodiscard]] bool isWholeInOrder(const BufferView &view) const;
  [[nodiscard]] const NameMeaning *bufferBehind(const Expr &data) const;
  void declareScalar(const Stmt &stmt);
  bool assignStraight(const Stmt &stmt);
  [[nodiscard]] bool isSizeText(const Expr &expr) const;
  void assignScalar(const Expr &target, const Expr &value, SourceRange range, std::uint32_t buffer);
  void newScalar(const Expr &target, const Expr &value, SourceRange range, const Stmt &definition);
  [[nodiscard]] const Stmt *straightDefinition(const Stmt &stmt) const;
  void addLocal(std::string_view name, workload::Tensor tensor, std::string_view scope);
  void bindLet(std::string_view name, const Expr &definition);
  void readFor(const Stmt &stmt);
  void readLoop(const Stmt &stmt, const LoopBounds &bounds);
  void refuseLoop(const Stmt &stmt, std::string_view name);
  void readGrid(const Stmt &stmt, const Expr &call);
  void launchThread(const Expr &target, const Expr &call);
  void readDeclaringWith(const Stmt &stmt);
  void readWith(const Stmt &stmt);
  void readBlock(const Stmt &stmt, const Expr &call);
  void readBlockAxes(const Stmt &stmt, const Expr &axes);
  void readConditional(const Stmt &stmt);
  void readGuard(const Stmt &stmt, const Expr &condition);
  bool readAxes(const Stmt &stmt);
  void readRemap(const Stmt &stmt, const Expr &call);
  void bindRemapped(const Stmt &stmt, std::string_view letters, std::span<const Expr *const> loops);
  void bindUnknownAxis(const Expr &target);
  void readAxis(const Stmt &stmt, const Expr &call, std::string_view kind);
  void bindAxis(const Expr &target, const workload::ValueExprPtr &low,
                workload::ValueExprPtr extent, const Expr &binding, workload::Axis::Kind kind,
                SourceRange range);
  bool isPointOfOuterBlock(const workload::ValueExpr &binding) const;
  void addStore(const Expr &target, const Expr &value, SourceRange range);

  // Calls that name memory
  [[nodiscard]] std::optional<Pointer> pointerIn(const Expr &argument) const;
  [[nodiscard]] workload::Access accessToAny(workload::TensorRef tensor, SourceRange range);
  bool readExternalCall(const Expr &call, SourceRange range);
  void noteReducer(const Expr &attribute);
  void readAllReduce(const Expr &call, SourceRange range);
  bool bindThread(const Expr &thread);

  // Variables
  void addVariable(std::string_view name, const workload::ValueExprPtr &low,
                   workload::ValueExprPtr extent, SourceRange range, bool isBlockAxis,
                   workload::Axis::Kind kind);
  std::size_t makeVariable(std::string_view name, workload::ValueExprPtr extent, SourceRange range,
                           bool isBlockAxis, workload::Axis::Kind kind);
  workload::ValueExprPtr laneOf(std::int64_t lanes, SourceRange range);
  void leaveVariables(std::size_t activeCount);
  void forgetNest();
  bool measure(Variable &variable, SourceRange range);
  std::vector<std::size_t> sourcesOf(const workload::ValueExpr &value) const;
  std::optional<std::int64_t> countPoints(const std::vector<std::size_t> &variables);
  template <typename Visit>
  bool forEachPoint(const std::vector<std::size_t> &variables, const Visit &visit);

  // Computations
  void checkInit(const Store &store);
  void addInit(Store store, const Expr &value, Conversion &conversion);
  void keepGuards(Store &store) const;
  [[nodiscard]] std::shared_ptr<const workload::StageBody>
  bodyOf(const Frame &frame, const std::vector<Store> &stores, bool goesOn) const;
  void resolveGuards(workload::StageBody &body, const std::vector<std::size_t> &own,
                     bool isOneStore) const;
  void buildComputation(const Frame &frame, std::vector<Store> stores);
  void setValue(Store &store, const Expr &target, const Expr &given, Conversion &conversion);
  [[nodiscard]] const Expr &named(const Expr &value) const;
  [[nodiscard]] bool isReduction(const Store &store) const;
  [[nodiscard]] std::optional<std::int64_t> iterationsOf(const std::set<std::size_t> &used) const;
  [[nodiscard]] std::optional<AxisPart> reachedPart(const Variable &variable,
                                                    const std::vector<workload::Axis> &loops) const;
  [[nodiscard]] bool isCountedTwice(const Variable &variable, const std::vector<bool> &used,
                                    const std::vector<workload::Axis> &loops) const;
  Numbering setAxes(workload::Computation &computation, const std::vector<std::size_t> &own,
                    bool accumulates);
  [[nodiscard]] bool isCertain() const;
  void checkBounds(const workload::Access &access, const std::vector<workload::Axis> &axes,
                   const Numbering &numbering);
  [[nodiscard]] bool isCovered(const workload::AffineIndex &index,
                               const Numbering &numbering) const;
  bool dropInit(workload::TensorRef written);
  void noteUses(std::span<const Store> stores, bool isInit);
  void noteUse(const workload::Access &access, BufferUse use);
  [[nodiscard]] bool isNoted(workload::TensorRef tensor) const;
  [[nodiscard]] BufferUse writeOf(const Store &store, bool isInit) const;
  [[nodiscard]] std::vector<NestVariable> nestVariables() const;
  [[nodiscard]] bool isInLoop() const;
  [[nodiscard]] workload::IndexExprPtr inLoops(const workload::IndexExprPtr &index) const;
  [[nodiscard]] std::vector<workload::IndexExprPtr>
  valuesOfLoops(const std::vector<bool> &used) const;
  void addPrivateIndices(workload::Access &access);
  [[nodiscard]] const Shape &shapeOf(workload::TensorRef reference) const;
  void noteRestart(workload::TensorRef tensor, const std::vector<Guard> &guards);
  [[nodiscard]] bool isStartedOutside(const Store &store) const;
  void refusePartialReads(const Frame &frame, const workload::Computation &computation,
                          const std::vector<Store> &stores, const Numbering &numbering);
  [[nodiscard]] std::optional<std::size_t> loopBoundedBy(std::size_t outer,
                                                         const Numbering &numbering) const;
  void refuseRestarts(const Frame &frame, const workload::Computation &computation,
                      const Numbering &numbering);
  void refuseUnwrittenLocals();
  void refuseReuse();
  void markUse(const workload::Computation &computation);

  // Expressions
  workload::ValueExprPtr convert(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr convertNode(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr convertName(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr convertUnary(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr convertBinary(const Expr &expr, Conversion &conversion);
  void checkDivisor(const Expr &expr, std::string_view op, const workload::ValueExpr &divisor,
                    const Conversion &conversion);
  workload::ValueExprPtr convertCall(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr convertLiteral(const Expr &expr, workload::ElementType type,
                                        Conversion &conversion);
  workload::ValueExprPtr convertCast(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr convertLoad(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr convertLet(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr convertLimit(const Expr &expr, std::string_view name);
  workload::ValueExprPtr binaryValue(std::string_view op, workload::ValueExprPtr left,
                                     workload::ValueExprPtr right);
  static workload::ValueExprPtr negated(workload::ValueExprPtr operand);
  workload::ValueExprPtr opaque(const Expr &expr, std::string what);
  workload::ValueExprPtr convertRamp(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr convertExternal(const Expr &expr, Conversion &conversion);
  std::optional<std::int64_t> lanesOf(const Expr &expr);
  workload::ValueExprPtr convertShuffle(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr convertAccess(const Expr &expr, std::string_view name,
                                       Conversion &conversion);
  workload::IndexExprPtr convertSlice(const Expr &expr, Conversion &conversion);
  std::optional<std::int64_t> constantDifference(const workload::ValueExprPtr &high,
                                                 const workload::ValueExprPtr &low) const;
  std::optional<workload::Access> readAccess(const Expr &expr, Conversion &conversion);
  std::vector<workload::IndexExprPtr>
  throughView(const BufferView &view, std::vector<workload::IndexExprPtr> indices) const;
  workload::IndexExprPtr toIndex(const Expr &expr, Conversion &conversion);
  workload::ValueExprPtr sizeOfName(std::string_view name, SourceRange range);

  // Names
  void bind(std::string_view name, NameMeaning symbol);
  const NameMeaning *find(std::string_view name) const;
  /// Reports that the name \p expr has no meaning: once for each name, and not at all where that
  /// follows from another mistake.
  void reportUndefined(const Expr &expr);
  const workload::Tensor &tensorOf(workload::TensorRef reference) const;
  void leaveScope(std::size_t mark);

  void issue(SourceRange range, std::string what);
  /// Says that 'T.\p name' has no meaning here, and what was perhaps meant; without a name, that
  /// \p unnamed has none.
  void unknownName(SourceRange range, std::string_view name, std::string_view unnamed);
  [[nodiscard]] bool mayGuess() const {
    return diagnostics_.errorCount() + result_.issues.size() < mostGuesses;
  }
  template <typename... Arguments>
  void error(DiagnosticCode code, SourceRange range, const Arguments &...arguments) {
    diagnostics_.report(code, range, arguments...);
    result_.isValid = false;
  }
  std::string textOf(const Expr &expr) const;

  static constexpr std::size_t mostGuesses = 20; ///< mistakes for which near names are looked for

  const Stmt &function_;
  const FunctionContext &context_;
  DiagnosticEngine &diagnostics_;
  FunctionTemplate result_;
  Symbols symbols_; ///< values that this function's sizes got from arguments
  std::unordered_map<std::string_view, NameMeaning> names_;
  std::vector<std::pair<std::string_view, std::optional<NameMeaning>>> undo_;
  std::vector<Variable> variables_;
  std::vector<std::size_t> active_; ///< variables in scope
  std::vector<Frame> frames_;
  /// By tensor (whether it is local, and its number): the loops of this nest that make or overwrite
  /// it anew in each iteration.
  std::map<std::pair<bool, std::uint32_t>, std::set<std::size_t>> restarts_;
  std::map<std::pair<bool, std::uint32_t>, Accumulation> accumulations_; ///< of this nest, likewise
  const ReadingPlan &plan_;
  BufferUses uses_;
  std::size_t nest_ = 0; ///< counts nests
  /// By local buffer: its shape as the text declares it, and whether each thread has its own.
  struct LocalBuffer {
    Shape shape;
    bool isThreadLocal = false;
    const Stmt *scalar = nullptr; ///< the definition of a name that is assigned again
    bool isInLoop = false;        ///< declared within a loop
    bool isOverwritten = false;   ///< a store within a loop does not add to what is there
    std::size_t depth = 0;        ///< variables alive where it is declared
    std::size_t conditions = 0;   ///< around its declaration
  };
  std::vector<LocalBuffer> localBuffers_;
  /// The lanes of buffers whose elements are vectors, by whether it is local and its number: they
  /// have a dimension more than the text says.
  std::map<std::pair<bool, std::uint32_t>, std::int64_t> vectors_;
  std::set<std::string, std::less<>> reportedSizes_;
  std::set<std::string_view> reportedNames_;   ///< that are not defined
  std::set<std::string_view> endedNames_;      ///< that were defined in a block which has ended
  bool reportedEnded_ = false;                 ///< one of these was used
  std::set<std::string_view> reportedScalars_; ///< names with values that no buffer can hold
  std::size_t conditions_ = 0;
  std::vector<Guard> guards_; ///< around what is being read
  bool isInInit_ = false;
  const Expr *reducer_ = nullptr; ///< how threads join values here: `T.comm_reducer(…)`
  /// While a store of vectors is read: the variable that goes through their elements.
  std::optional<std::size_t> lane_;
  /// While a vector is read of which one element is wanted, or those from some place on.
  struct GivenLane {
    std::int64_t lanes = 0; ///< of the vector; 0: it is asked for, and set where it is met
    workload::ValueExprPtr value;
  };
  std::optional<GivenLane> givenLane_;
  bool readsTarget_ = false; ///< what a store writes to is being read
  std::size_t convertDepth_ = 0;
  bool reportedLarge_ = false;
  bool leavesBuffer_ = false; ///< reported; other such accesses are still worth a message
};

} // namespace acadlc::tir
