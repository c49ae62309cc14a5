/// \file
/// Reads the graph of a network; the functions that it calls are read by FunctionReader.
#pragma once

#include "frontend/network/NetworkReader.h"
#include "frontend/relax/RelaxOperators.h"
#include "frontend/tir/FunctionReader.h"
#include "frontend/tir/SharedNodes.h"
#include "frontend/tvmscript/Syntax.h"
#include "ir/Workload.h"
#include "support/Diagnostics.h"
#include "support/Source.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace acadlc::tir {

/// Memory that a text which plans its memory reserves; calls write it.
struct Allocation {
  std::string name;
  TensorType type;
  std::optional<std::uint32_t> tensor; ///< what was written to it, if anything
};

struct Function;
struct GraphFrame;

/// What a name of the graph stands for.
struct GraphValue {
  enum class Kind : std::uint8_t {
    Unknown, ///< after an error; what is made of it reports nothing
    Tensor,
    Tuple,
    Constant, ///< a tensor whose shape is that of the parameter it is given to
    Number,
    Size, ///< a number without a value: the one of the symbolic size `unknownSize`
    Module,
    Memory,   ///< `allocation`
    Function, ///< `function`, one of the graph; its last arguments are `elements`, if any
    External, ///< `external`: a function that is not in the text
    Other,    ///< a shape, a string, …
  };
  Kind kind = Kind::Unknown;
  std::uint32_t tensor = 0;
  std::int64_t number = 0;
  std::shared_ptr<const std::vector<GraphValue>> elements; ///< shared: tuples may nest
  std::shared_ptr<const TensorType> constantType;          ///< null if the text does not show it
  std::string_view unknownSize;                            ///< a name of the reader's sizes
  std::shared_ptr<Allocation> allocation = nullptr;        ///< shared by the names for it
  const Function *function = nullptr;
  const GraphFrame *frame = nullptr; ///< where `function` stands, if inside another
  const Expr *external = nullptr;    ///< `R.ExternFunc("f")`
  std::optional<double> constantNumber = std::nullopt; ///< of a constant of one element

  static GraphValue ofTensor(std::uint32_t index) {
    return {Kind::Tensor, index, 0, nullptr, nullptr, {}};
  }
  static GraphValue of(Kind kind) { return {kind, 0, 0, nullptr, nullptr, {}}; }
  static GraphValue ofNumber(std::int64_t number) {
    return {Kind::Number, 0, number, nullptr, nullptr, {}};
  }
  static GraphValue ofUnknownSize(std::string_view name) {
    return {Kind::Size, 0, 0, nullptr, nullptr, name};
  }
  static GraphValue tuple(std::vector<GraphValue> elements) {
    return {Kind::Tuple, 0, 0, std::make_shared<const std::vector<GraphValue>>(std::move(elements)),
            nullptr,     {}};
  }
  static GraphValue ofFunction(const Function &function, const GraphFrame *frame = nullptr) {
    GraphValue value = of(Kind::Function);
    value.function = &function;
    value.frame = frame;
    return value;
  }
  static GraphValue ofExternal(const Expr &function) {
    GraphValue value = of(Kind::External);
    value.external = &function;
    return value;
  }
  static GraphValue memory(Allocation allocation) {
    GraphValue value = of(Kind::Memory);
    value.allocation = std::make_shared<Allocation>(std::move(allocation));
    return value;
  }
  static GraphValue constant(TensorType type) {
    return {Kind::Constant, 0, 0, nullptr, std::make_shared<const TensorType>(std::move(type)), {}};
  }
};

/// A call of a function that is not in the text.
struct ExternalCall {
  const Expr &expr;                         ///< the call as it stands in the text
  std::string form;                         ///< how it is called: "R.call_packed"
  const Expr *function = nullptr;           ///< its name or definition
  std::vector<const Expr *> arguments = {}; ///< what it is given
  std::vector<TensorType> types = {};       ///< of its results; empty if they are no tensors
  bool isTuple = false;                     ///< the results are a tuple
  const Expr *result = nullptr;             ///< the type of the result in the text; may be null
  std::vector<std::shared_ptr<Allocation>> written = {}; ///< memory that the results go to
};

struct Function {
  const Stmt *stmt = nullptr;
  bool isPrim = false;
  bool isRelax = false;
  bool isPrivate = false;
  bool isReached = false;
  std::size_t mentions = 0; ///< in calls of the graph, as they stand in the text
};

/// A function of the graph that is being read.
struct GraphFrame {
  const Function *function = nullptr;
  std::string prefix; ///< of names of calls and tensors
  std::unordered_map<std::string_view, GraphValue> names;
  /// The function's own sizes: from the shapes of its arguments and from `match_cast`.
  Symbols sizes;
  /// Sizes without a value that arguments tell: the size of the caller that they depend on.
  std::map<std::string_view, std::string_view> missingSizes;
  std::map<std::string_view, Function> functions; ///< that are defined inside this one
  const GraphFrame *outer = nullptr;              ///< of a function inside another: where it is
  std::optional<GraphValue> result;
};

/// What the decorators of \p stmt, a function, say.
Function functionOf(const Stmt &stmt);

/// Which output of a call holds what a function writes to one of its inputs, by parameter.
using InPlace = std::map<std::uint32_t, std::uint32_t>;

/// Reads one text. Its parts stand in TirReader.cpp (module, entry), GraphReader.cpp (statements
/// and expressions), GraphTypes.cpp (types and shapes), GraphCalls.cpp (calls of TIR functions) and
/// GraphOperators.cpp (operators of Relax).
class GraphReader {
public:
  GraphReader(const SourceManager &sources, FileId file, const ReadOptions &options,
              DiagnosticEngine &diagnostics)
      : sources_(sources), file_(file), options_(options), diagnostics_(diagnostics) {}

  std::optional<workload::Workload> read();

private:
  // Module
  void collect(std::span<const Stmt *const> statements);
  void collectFunction(const Stmt &stmt);
  void countMentions(std::span<const Stmt *const> statements);
  const Function *chooseEntry();
  const Function *chooseUnnamedEntry();
  bool setSizes(const Function &entry);
  bool setBatch(const Function &entry, std::int64_t batch);
  void warnOfUnread();
  void forgetText();
  void warnOfUnread(const Function &function);

  // Entry
  void readGraphEntry(const Function &entry);
  void readPrimEntry(const Function &entry);
  std::optional<std::int64_t> inputCount(const Stmt &function);
  GraphValue declare(const Parameter &parameter, workload::TensorOrigin origin);
  GraphValue declareTyped(const Expr *type, const std::string &name, workload::TensorOrigin origin,
                          SourceRange range);
  GraphValue declareNumbers(const Expr *type, std::string_view name);
  void collectResults(const GraphValue &value);

  // Graph
  GraphValue runFunction(const Function &function, std::vector<GraphValue> arguments,
                         const std::string &prefix, SourceRange range, const GraphFrame *outer);
  void bindSizes(const GraphValue &value, const Expr *type);
  void bindSize(const Expr &dimension, std::int64_t extent);
  [[nodiscard]] const std::int64_t *sizeNamed(std::string_view name);
  [[nodiscard]] const GraphValue *findValue(std::string_view name);
  void forgetAssigned(std::span<const Stmt *const> body);
  void runBody(std::span<const Stmt *const> body);
  void runStatement(const Stmt &stmt);
  void runExpression(const Stmt &stmt);
  void runAssignment(const Stmt &stmt);
  void assignEach(const Stmt &stmt);
  void bindName(const Expr &target, GraphValue value);
  GraphValue evaluate(const Expr &expr, const std::string &name);
  GraphValue evaluateName(std::string_view name, SourceRange range);
  [[nodiscard]] std::optional<GraphValue> functionNamed(std::string_view name);
  [[nodiscard]] const Expr *externalMember(const Expr &expr);
  GraphValue functionValue(const Expr &expr);
  GraphValue evaluateMember(const Expr &expr);
  GraphValue evaluateArithmetic(const Expr &expr, const std::string &name);
  GraphValue evaluateItem(const Expr &expr, const std::string &name);
  GraphValue evaluateCall(const Expr &expr, const std::string &name);
  GraphValue evaluateRelax(const Expr &expr, std::string_view relax, const std::string &name);
  GraphValue callTir(const Expr &expr, const std::string &name);
  GraphValue callFunctionOfTir(Function &function, const Expr &expr, const GraphValue &given,
                               std::vector<TensorType> types, const std::string &name);
  GraphValue allocate(const Expr &expr, std::size_t shape, const std::string &name);
  GraphValue evaluateMemory(const Expr &expr, std::string_view relax, const std::string &name);
  GraphValue callIntoMemory(Function &function, const Expr &expr);
  GraphValue callDynamic(const Expr &expr);
  GraphValue writeIntoMemory(Function &function, const Expr &expr, std::vector<GraphValue> given,
                             std::vector<GraphValue> sizes);
  std::optional<std::vector<TensorType>> externalTypes(const Expr *result, std::string_view name,
                                                       bool &isTuple);
  GraphValue callExternal(const Expr &expr, std::string_view relax, const std::string &name);
  GraphValue callExternalFunction(const Expr &expr, const Expr &function, const std::string &name);
  const Expr *externalName(const Expr &expr);
  bool readExternalArguments(ExternalCall &external, const std::string &name, OperatorCall &call,
                             std::vector<std::uint32_t> &inputs);
  GraphValue runExternal(ExternalCall external, const std::string &name);
  GraphValue shapeSaid(const Expr *type);
  GraphValue callFunction(const Expr &expr, const std::string &name);
  GraphValue callValue(const GraphValue &function, std::span<const Expr *const> given,
                       const std::string &name, SourceRange range);
  GraphValue evaluateClosure(const Expr &expr, bool isMade, const std::string &name);
  GraphValue refuse(const Expr &expr, std::string_view remedy);
  GraphValue evaluateConstant(const Expr &expr);
  void matchCast(const GraphValue &value, const Expr &type);
  [[nodiscard]] std::optional<Shape> extentsOf(const GraphValue &value) const;
  void matchSize(const Expr &dimension, std::int64_t extent);

  // Operators
  bool holdsTensor(const Expr &expr);
  bool isSizes(const Expr &expr);
  std::optional<OperatorArgument> sizesArgument(const Expr &expr);
  bool addOperand(const GraphValue &value, const Expr &expr, OperatorCall &call,
                  std::vector<std::uint32_t> &tensors, OperatorArgument &argument);
  std::optional<OperatorArgument> operatorArgument(const Expr &expr, const std::string &name,
                                                   OperatorCall &call,
                                                   std::vector<std::uint32_t> &tensors);
  void readAnnotation(const Expr &expr, OperatorCall &call);
  std::vector<const Expr *> operatorArguments(const Expr &expr, std::string_view relax);
  bool checkNumbers(const OperatorArgument &argument, const Expr &expr);
  bool checkArguments(const Expr &expr, std::string_view relax);
  GraphValue callOperator(const Expr &expr, std::string_view relax, const std::string &name);
  OperatorFunction *operatorCalled(const std::string &key);
  OperatorFunction &remember(std::string key, OperatorFunction operation);
  GraphValue addOperator(OperatorFunction &operation, bool isLast, const std::string &name,
                         const std::vector<std::uint32_t> &inputs, SourceRange range);
  void setConstantType(const Stmt &stmt, GraphValue &value);
  void checkAnnotation(const Stmt &stmt, const GraphValue &value);
  void reportNotLegalised();

  // Calls
  Function *calleeOf(const Expr &expr);
  const Function *localFunction(std::string_view name, const GraphFrame *&where) const;
  std::optional<std::vector<TensorType>> outputTypes(const Expr &call, std::size_t position);
  std::optional<std::vector<std::optional<std::size_t>>>
  inPlaceInputs(const Expr &call, std::size_t inputs, std::size_t outputs);
  std::optional<TensorType> readTensorType(const Expr &expr);
  std::optional<Shape> readShape(const Expr &expr);
  std::optional<std::int64_t> evaluateSize(const Expr &expr);
  std::optional<std::int64_t> sizeOf(const Expr &expr, const Expr *&unknown);
  std::optional<std::int64_t> sizeOfCall(const Expr &call, const Expr *&unknown);
  GraphValue sizeValue(const Expr &expr);
  GraphValue declaredSize(std::string_view name);
  [[nodiscard]] std::string_view missingSize(std::string_view name) const;
  void reportSize(std::string_view name, SourceRange range);
  FunctionTemplate &templateOf(const Function &function,
                               const std::vector<std::optional<Shape>> &shapes,
                               const std::vector<std::optional<std::int64_t>> &scalars);
  void forget(const Function &function, const FunctionTemplate &callee);
  bool checkTemplate(const FunctionTemplate &callee, SourceRange callRange);
  /// Whether outputs, the parameters behind the inputs, are all written and nothing else is but
  /// what
  /// \p mayWrite says of the inputs.
  bool checkWrites(const FunctionTemplate &callee, const std::vector<bool> &mayWrite,
                   SourceRange range);
  bool checkType(const FunctionTemplate &callee, std::size_t parameter, const Shape &shape,
                 workload::ElementType type, SourceRange range);
  std::optional<std::vector<std::uint32_t>> bindInputs(const FunctionTemplate &callee,
                                                       const std::vector<GraphValue> &arguments,
                                                       const std::string &name, SourceRange range);
  bool addCall(FunctionTemplate &callee, bool isLast, const std::string &name,
               const std::vector<std::uint32_t> &inputs, const std::vector<std::uint32_t> &outputs,
               SourceRange range, const InPlace &inPlace = {});
  [[nodiscard]] workload::TensorOrigin originOf(const std::vector<std::uint32_t> &inputs) const;
  std::uint32_t addTensor(std::string name, Shape shape, workload::ElementType type,
                          workload::TensorOrigin origin, SourceRange range);
  std::string uniqueName(const std::string &name);
  FunctionContext context(std::vector<std::optional<Shape>> shapes,
                          std::vector<std::optional<std::int64_t>> scalars);
  GraphFrame &frame() { return *frames_.back(); }
  /// The function that is being read; null while the parameters of the entry are.
  [[nodiscard]] const GraphFrame *innermost() const {
    return frames_.empty() ? nullptr : frames_.back().get();
  }
  /// Guessing what a name should be takes time, so only the first mistakes get that.
  [[nodiscard]] bool mayGuess() const {
    constexpr std::size_t mostGuesses = 20;
    return diagnostics_.errorCount() < mostGuesses;
  }

  const SourceManager &sources_;
  FileId file_;
  const ReadOptions &options_;
  DiagnosticEngine &diagnostics_;
  Tree tree_;
  SharedNodes nodes_;
  workload::Workload workload_;
  std::vector<std::unique_ptr<Function>> functions_;
  std::unordered_map<std::string_view, Function *> functionNames_;
  std::set<std::string_view> classNames_;
  /// Members of the module that stand for functions outside: `my_ext = R.ExternFunc("my_ext")`.
  std::map<std::string_view, const Expr *> externals_;
  std::set<std::string, std::less<>> sizeNames_; ///< symbolic sizes of the text
  Symbols symbols_;                              ///< the sizes that the user gave a value
  std::set<std::string, std::less<>> reportedSizes_;
  std::map<std::string, std::unique_ptr<FunctionTemplate>> templates_;
  std::unordered_map<std::string, OperatorFunction> operators_; ///< by keyOf() of their calls
  std::set<const FunctionTemplate *> checked_;
  std::vector<std::unique_ptr<GraphFrame>> frames_;
  std::vector<std::unique_ptr<GraphFrame>> keptFrames_; ///< where functions are defined
  std::map<std::string, std::size_t, std::less<>> usedNames_;
  std::size_t computationCount_ = 0;
  std::size_t statementCount_ = 0;
  std::size_t workLeft_ = 0;
  bool stopped_ = false;
  /// The value of the assignment that was begun last, and the type that it gives it, if any.
  struct {
    const Expr *value = nullptr;
    const Expr *type = nullptr;
  } annotated_;
  std::set<std::string, std::less<>> reportedNames_; ///< that are not defined
  std::string firstOperator_;                        ///< the first one that is not legalised
  SourceRange firstOperatorRange_;
  std::size_t operatorCount_ = 0;
};

/// What helps where a network is spread over several devices.
constexpr std::string_view distributedRemedy =
    "this network is spread over several devices; print it behind the passes of "
    "relax.distributed.transform up to LowerDistIR, which leave what one device does";

/// Makes the tensors of \p result, of a call, what is in the memory that it wrote.
void keepWritten(const GraphValue &result, const std::vector<std::shared_ptr<Allocation>> &written);

/// The number that \p expr is, also `R.prim_value(0.5)`; none if it is no literal.
std::optional<double> numberIn(const Expr &expr);

/// What \p expr looks like in a message.
std::string textOf(const SourceManager &sources, const Expr &expr);

} // namespace acadlc::tir
