#include "frontend/tir/TirReader.h"

#include "frontend/tir/FunctionReader.h"
#include "frontend/tir/Parser.h"
#include "frontend/tir/Vocabulary.h"
#include "ir/WorkloadAnalysis.h"
#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <memory>
#include <set>
#include <unordered_map>

namespace acadlc::tir {

namespace {

using namespace workload;

/// What a name of the graph stands for.
struct GraphValue {
  enum class Kind : std::uint8_t {
    Unknown, ///< after an error; what is made of it reports nothing
    Tensor,
    Tuple,
    Constant, ///< a tensor whose shape is that of the parameter it is given to
    Number,
    Module,
    Other, ///< a shape, a string, …
  };
  Kind kind = Kind::Unknown;
  std::uint32_t tensor = 0;
  std::int64_t number = 0;
  std::shared_ptr<const std::vector<GraphValue>> elements; ///< shared: tuples may nest

  static GraphValue ofTensor(std::uint32_t index) { return {Kind::Tensor, index, 0, nullptr}; }
  static GraphValue of(Kind kind) { return {kind, 0, 0, nullptr}; }
  static GraphValue ofNumber(std::int64_t number) { return {Kind::Number, 0, number, nullptr}; }
  static GraphValue tuple(std::vector<GraphValue> elements) {
    return {Kind::Tuple, 0, 0,
            std::make_shared<const std::vector<GraphValue>>(std::move(elements))};
  }
};

struct Function {
  const Stmt *stmt = nullptr;
  bool isPrim = false;
  bool isRelax = false;
  bool isPrivate = false;
  bool isReached = false;
};

struct TensorType {
  Shape shape;
  ElementType elementType;
};

/// A function of the graph that is being read.
struct GraphFrame {
  const Function *function = nullptr;
  std::string prefix; ///< of names of calls and tensors
  std::unordered_map<std::string_view, GraphValue> names;
  std::optional<GraphValue> result;
};

class NetworkReader {
public:
  NetworkReader(const SourceManager &sources, FileId file, const ReadOptions &options,
                DiagnosticEngine &diagnostics)
      : sources_(sources), file_(file), options_(options), diagnostics_(diagnostics) {}

  std::optional<Workload> read();

private:
  // Module
  void collect(std::span<const Stmt *const> statements);
  void collectFunction(const Stmt &stmt);
  const Function *chooseEntry();
  const Function *chooseUnnamedEntry();
  void warnOfUnread();

  // Entry
  void readGraphEntry(const Function &entry);
  void readPrimEntry(const Function &entry);
  std::optional<std::int64_t> inputCount(const Stmt &function);
  GraphValue declare(const Parameter &parameter, TensorOrigin origin);
  GraphValue declareTyped(const Expr *type, const std::string &name, TensorOrigin origin,
                          SourceRange range);
  void collectResults(const GraphValue &value);

  // Graph
  GraphValue runFunction(const Function &function, std::vector<GraphValue> arguments,
                         const std::string &prefix, SourceRange range);
  void runBody(std::span<const Stmt *const> body);
  void runStatement(const Stmt &stmt);
  void runExpression(const Stmt &stmt);
  void runAssignment(const Stmt &stmt);
  void bindName(const Expr &target, GraphValue value);
  GraphValue evaluate(const Expr &expr, const std::string &name);
  GraphValue evaluateName(const Expr &expr);
  GraphValue evaluateItem(const Expr &expr, const std::string &name);
  GraphValue evaluateCall(const Expr &expr, const std::string &name);
  GraphValue evaluateRelax(const Expr &expr, const std::string &relax, const std::string &name);
  GraphValue callTir(const Expr &expr, const std::string &name);
  GraphValue callFunction(const Expr &expr, const std::string &name);
  void reportNotLegalised();

  // Calls
  Function *calleeOf(const Expr &expr);
  std::optional<std::vector<TensorType>> outputTypes(const Expr &call);
  std::optional<TensorType> readTensorType(const Expr &expr);
  std::optional<Shape> readShape(const Expr &expr);
  std::optional<std::int64_t> evaluateSize(const Expr &expr);
  const FunctionTemplate &templateOf(const Function &function,
                                     const std::vector<std::optional<Shape>> &shapes,
                                     const std::vector<std::optional<std::int64_t>> &scalars);
  bool checkTemplate(const FunctionTemplate &callee, SourceRange callRange);
  bool checkWrites(const FunctionTemplate &callee, std::size_t inputs, SourceRange range);
  bool checkType(const FunctionTemplate &callee, std::size_t parameter, const Shape &shape,
                 ElementType type, SourceRange range);
  std::optional<std::vector<std::uint32_t>> bindInputs(const FunctionTemplate &callee,
                                                       const std::vector<GraphValue> &arguments,
                                                       const std::string &name, SourceRange range);
  bool addCall(const FunctionTemplate &callee, const std::string &name,
               const std::vector<std::uint32_t> &inputs, const std::vector<std::uint32_t> &outputs,
               SourceRange range);
  std::uint32_t addTensor(std::string name, Shape shape, ElementType type, TensorOrigin origin,
                          SourceRange range);
  std::string uniqueName(const std::string &name);
  FunctionContext context(std::vector<std::optional<Shape>> shapes,
                          std::vector<std::optional<std::int64_t>> scalars);
  GraphFrame &frame() { return *frames_.back(); }
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
  Workload workload_;
  std::vector<std::unique_ptr<Function>> functions_;
  std::unordered_map<std::string_view, Function *> functionNames_;
  std::set<std::string_view> classNames_;
  std::set<std::string, std::less<>> sizeNames_;
  std::set<std::string, std::less<>> reportedSizes_;
  std::map<std::string, std::unique_ptr<FunctionTemplate>> templates_;
  std::set<const FunctionTemplate *> checked_;
  std::vector<std::unique_ptr<GraphFrame>> frames_;
  std::map<std::string, std::size_t, std::less<>> usedNames_;
  std::size_t computationCount_ = 0;
  std::size_t statementCount_ = 0;
  std::size_t workLeft_ = 0;
  bool stopped_ = false;
  std::string firstOperator_; ///< the first one that is not legalised
  SourceRange firstOperatorRange_;
  std::size_t operatorCount_ = 0;
};

std::string textOf(const SourceManager &sources, const Expr &expr) {
  constexpr std::size_t longest = 60;
  std::string_view text = sources.textOf(expr.range);
  return text.size() <= longest ? std::string(text) : std::string(text.substr(0, longest)) + "…";
}

std::string shapeText(const Shape &shape, ElementType type) {
  std::string out = "(";
  for (std::size_t i = 0; i < shape.size(); ++i)
    out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return out + ") of " + type.name();
}

// ---------------------------------------------------------------------------------------------
// Module

std::optional<Workload> NetworkReader::read() {
  std::size_t errorsBefore = diagnostics_.errorCount();
  constexpr std::size_t baseWork = 10'000'000;
  constexpr std::size_t workPerByte = 16;
  workLeft_ = baseWork + workPerByte * sources_.text(file_).size();
  Parser::parseFile(sources_, file_, tree_, diagnostics_);
  if (diagnostics_.errorCount() != errorsBefore)
    return std::nullopt;
  collect(tree_.statements);
  workload_.name = sources_.name(file_);
  if (const Function *entry = chooseEntry()) {
    workload_.entry = entry->stmt->name;
    entry->isPrim ? readPrimEntry(*entry) : readGraphEntry(*entry);
  }
  reportNotLegalised();
  if (diagnostics_.errorCount() != errorsBefore)
    return std::nullopt;
  warnOfUnread();
  if (auto tooLarge = analyze(workload_)) {
    diagnostics_.report(DiagnosticCode::TirTooLarge, tooLarge->range, tooLarge->what);
    return std::nullopt;
  }
  return std::move(workload_);
}

void NetworkReader::collect(std::span<const Stmt *const> statements) {
  for (const Stmt *stmt : statements) {
    if (stmt->kind == Stmt::Kind::Class) {
      classNames_.insert(stmt->name);
      collect(stmt->body);
    } else if (stmt->kind == Stmt::Kind::Function) {
      collectFunction(*stmt);
    } else if (stmt->kind == Stmt::Kind::Assign && stmt->value->kind == Expr::Kind::Call &&
               stmt->targets[0]->kind == Expr::Kind::Name &&
               dottedName(*stmt->value->children[0]) == "TypeVar") {
      sizeNames_.emplace(stmt->targets[0]->text);
    }
  }
}

void NetworkReader::collectFunction(const Stmt &stmt) {
  auto function = std::make_unique<Function>();
  function->stmt = &stmt;
  for (const Expr *decorator : stmt.decorators) {
    bool isCall = decorator->kind == Expr::Kind::Call;
    std::string name = dottedName(isCall ? *decorator->children[0] : *decorator);
    function->isPrim = function->isPrim || name.ends_with("prim_func");
    function->isRelax = function->isRelax || name == "R.function" || name == "relax.function";
    const Expr *isPrivate = isCall ? keyword(*decorator, "private") : nullptr;
    function->isPrivate = function->isPrivate || (isPrivate && isPrivate->text == "True");
  }
  auto [entry, isNew] = functionNames_.emplace(stmt.name, function.get());
  if (!isNew)
    diagnostics_.report(DiagnosticCode::TirDuplicateFunction, stmt.nameRange, stmt.name)
        .note(entry->second->stmt->nameRange, "the first definition is here");
  functions_.push_back(std::move(function));
}

const Function *NetworkReader::chooseEntry() {
  auto place = sources_.location(file_, 0);
  if (options_.entry.empty())
    return chooseUnnamedEntry();
  auto found = functionNames_.find(options_.entry);
  if (found == functionNames_.end()) {
    diagnostics_.report(DiagnosticCode::TirNoEntry, {place, place}, " '" + options_.entry + "'");
    return nullptr;
  }
  found->second->isReached = true;
  if (!found->second->isPrim && !found->second->isRelax) {
    diagnostics_.report(DiagnosticCode::TirNoEntry, found->second->stmt->nameRange,
                        ": '" + options_.entry + "' is no function of TVM");
    return nullptr;
  }
  return found->second;
}

const Function *NetworkReader::chooseUnnamedEntry() {
  auto place = sources_.location(file_, 0);
  std::vector<Function *> graphs;
  std::vector<Function *> prims;
  for (const auto &function : functions_) {
    if (function->isRelax && !function->isPrivate)
      graphs.push_back(function.get());
    if (function->isPrim)
      prims.push_back(function.get());
  }
  for (std::string_view name : {"main", "forward"}) {
    auto found = functionNames_.find(name);
    if (found != functionNames_.end() && found->second->isRelax)
      graphs = {found->second};
    if (graphs.size() == 1)
      break;
  }
  // A text of a single operator often holds nothing but its function.
  if (graphs.empty() && prims.size() == 1)
    graphs = prims;
  if (graphs.empty()) {
    diagnostics_.report(DiagnosticCode::TirNoEntry, {place, place}, "");
    return nullptr;
  }
  if (graphs.size() == 1) {
    graphs[0]->isReached = true;
    return graphs[0];
  }
  std::string names;
  constexpr std::size_t enough = 5;
  for (std::size_t i = 0; i < std::min(graphs.size(), enough); ++i)
    names += (i == 0 ? "'" : ", '") + std::string(graphs[i]->stmt->name) + "'";
  if (graphs.size() > enough)
    names += ", …";
  diagnostics_.report(DiagnosticCode::TirAmbiguousEntry, graphs[0]->stmt->nameRange, names);
  return nullptr;
}

/// Warns of constructs without meaning in functions that the entry does not reach.
void NetworkReader::warnOfUnread() {
  for (const auto &function : functions_) {
    if (!function->isPrim || function->isReached)
      continue;
    DiagnosticEngine dropped;
    FunctionTemplate unread = readFunction(*function->stmt, context({}, {}), dropped);
    if (!unread.issues.empty())
      diagnostics_.report(DiagnosticCode::TirUnreadFunction, unread.issues[0].range,
                          unread.issues[0].what, unread.name);
  }
}

FunctionContext NetworkReader::context(std::vector<std::optional<Shape>> shapes,
                                       std::vector<std::optional<std::int64_t>> scalars) {
  return {sources_,          tree_, options_.symbols, sizeNames_, workLeft_, std::move(shapes),
          std::move(scalars)};
}

// ---------------------------------------------------------------------------------------------
// Entry

std::optional<std::int64_t> NetworkReader::inputCount(const Stmt &function) {
  for (const Stmt *stmt : function.body) {
    if (stmt->kind != Stmt::Kind::Expression || relaxCallName(stmt->value) != "func_attr")
      continue;
    const Expr *attributes = positional(*stmt->value, 0);
    if (!attributes || attributes->kind != Expr::Kind::Dict)
      continue;
    for (std::size_t i = 0; i + 1 < attributes->children.size(); i += 2)
      if (attributes->children[i]->text == "num_input")
        return integerLiteral(*attributes->children[i + 1]);
  }
  return std::nullopt;
}

GraphValue NetworkReader::declare(const Parameter &parameter, TensorOrigin origin) {
  return declareTyped(parameter.annotation, std::string(parameter.name), origin, parameter.range);
}

GraphValue NetworkReader::declareTyped(const Expr *type, const std::string &name,
                                       TensorOrigin origin, SourceRange range) {
  std::string kind = type ? relaxCallName(type) : "";
  if (type != nullptr && kind == "Tensor") {
    auto tensorType = readTensorType(*type);
    if (!tensorType)
      return {};
    std::uint32_t index =
        addTensor(name, std::move(tensorType->shape), tensorType->elementType, origin, range);
    workload_.parameters.push_back({false, index});
    return GraphValue::ofTensor(index);
  }
  if (type != nullptr && kind == "Tuple") {
    std::vector<GraphValue> elements;
    for (const Expr *element : arguments(*type))
      elements.push_back(
          declareTyped(element, name + "[" + std::to_string(elements.size()) + "]", origin, range));
    return GraphValue::tuple(std::move(elements));
  }
  return GraphValue::of(GraphValue::Kind::Other);
}

void NetworkReader::readGraphEntry(const Function &entry) {
  auto inputs = inputCount(*entry.stmt);
  workload_.knowsInputs = inputs.has_value();
  std::vector<GraphValue> arguments;
  for (const Parameter &parameter : entry.stmt->parameters) {
    bool isInput = !inputs || static_cast<std::int64_t>(arguments.size()) < *inputs;
    arguments.push_back(
        declare(parameter, isInput ? TensorOrigin::Activation : TensorOrigin::Weight));
  }
  collectResults(runFunction(entry, std::move(arguments), "", entry.stmt->nameRange));
}

/// Reads a TIR function as a network of one call.
void NetworkReader::readPrimEntry(const Function &entry) {
  const FunctionTemplate &callee = templateOf(entry, {}, {});
  if (!callee.isValid || !checkTemplate(callee, entry.stmt->nameRange))
    return;
  std::size_t inputs = callee.parameters.size();
  while (inputs > 0 && callee.parameters[inputs - 1].isWritten)
    --inputs;
  if (!checkWrites(callee, inputs, entry.stmt->nameRange))
    return;
  std::vector<std::uint32_t> tensors;
  for (const auto &parameter : callee.parameters) {
    const Tensor &tensor = parameter.tensor;
    tensors.push_back(addTensor(tensor.name, tensor.shape, tensor.elementType,
                                TensorOrigin::Activation, tensor.range));
    TensorRef reference{false, tensors.back()};
    (tensors.size() <= inputs ? workload_.parameters : workload_.results).push_back(reference);
  }
  auto middle = tensors.begin() + static_cast<std::ptrdiff_t>(inputs);
  addCall(callee, callee.name, {tensors.begin(), middle}, {middle, tensors.end()},
          entry.stmt->nameRange);
}

void NetworkReader::collectResults(const GraphValue &value) {
  constexpr std::size_t mostResults = 10'000;
  if (workload_.results.size() >= mostResults)
    return;
  if (value.kind == GraphValue::Kind::Tensor)
    workload_.results.push_back({false, value.tensor});
  if (value.kind == GraphValue::Kind::Tuple)
    for (const GraphValue &element : *value.elements)
      collectResults(element);
}

// ---------------------------------------------------------------------------------------------
// Graph

GraphValue NetworkReader::runFunction(const Function &function, std::vector<GraphValue> arguments,
                                      const std::string &prefix, SourceRange range) {
  constexpr std::size_t deepest = 100;
  for (const auto &outer : frames_) {
    if (outer->function == &function || frames_.size() > deepest) {
      diagnostics_.report(DiagnosticCode::RecursiveGraphFunction, range, function.stmt->name);
      return {};
    }
  }
  if (arguments.size() != function.stmt->parameters.size()) {
    diagnostics_
        .report(DiagnosticCode::TirCallArity, range, function.stmt->name,
                function.stmt->parameters.size(), arguments.size())
        .note(function.stmt->nameRange, "the function is defined here");
    return {};
  }
  auto next = std::make_unique<GraphFrame>();
  next->function = &function;
  next->prefix = prefix;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    next->names[function.stmt->parameters[i].name] = std::move(arguments[i]);
  frames_.push_back(std::move(next));
  runBody(function.stmt->body);
  GraphValue result = frame().result.value_or(GraphValue{});
  frames_.pop_back();
  return result;
}

void NetworkReader::runBody(std::span<const Stmt *const> body) {
  for (const Stmt *stmt : body) {
    if (stopped_)
      return;
    runStatement(*stmt);
  }
}

void NetworkReader::runStatement(const Stmt &stmt) {
  // Functions are inlined, so a short text can mean very many calls.
  constexpr std::size_t mostStatements = 1'000'000;
  if (++statementCount_ > mostStatements) {
    diagnostics_.report(DiagnosticCode::TirTooLarge, stmt.range, "the number of statements");
    stopped_ = true;
    return;
  }
  switch (stmt.kind) {
  case Stmt::Kind::Expression:
    return runExpression(stmt);
  case Stmt::Kind::Assign:
  case Stmt::Kind::AnnotatedAssign:
    return runAssignment(stmt);
  case Stmt::Kind::Return:
    if (stmt.value)
      frame().result = evaluate(*stmt.value, "result");
    return;
  case Stmt::Kind::With:
    if (relaxCallName(stmt.value) != "dataflow")
      diagnostics_.report(DiagnosticCode::GraphUnsupported, stmt.range, "this 'with' statement");
    return runBody(stmt.body);
  case Stmt::Kind::If:
    diagnostics_.report(DiagnosticCode::GraphControlFlow, stmt.range, "'if'");
    frame().result = GraphValue{};
    return;
  case Stmt::Kind::For:
  case Stmt::Kind::While:
    diagnostics_.report(DiagnosticCode::GraphControlFlow, stmt.range, "a loop");
    return;
  case Stmt::Kind::Function:
  case Stmt::Kind::Class:
    diagnostics_.report(DiagnosticCode::GraphUnsupported, stmt.nameRange,
                        "a definition inside a function");
    return;
  case Stmt::Kind::Other:
    return;
  }
}

void NetworkReader::runExpression(const Stmt &stmt) {
  std::string name = relaxCallName(stmt.value);
  bool isIgnored = name == "func_attr" || name == "output" ||
                   stmt.value->kind == Expr::Kind::String ||
                   stmt.value->kind == Expr::Kind::Constant;
  if (!isIgnored)
    evaluate(*stmt.value, "value");
}

void NetworkReader::bindName(const Expr &target, GraphValue value) {
  auto [entry, isNew] = frame().names.emplace(target.text, value);
  if (isNew)
    return;
  if (target.text != "_" && value.kind != GraphValue::Kind::Module)
    diagnostics_.report(DiagnosticCode::TirReboundName, target.range, target.text);
  entry->second = std::move(value);
}

void NetworkReader::runAssignment(const Stmt &stmt) {
  if (!stmt.value)
    return;
  const Expr &first = *stmt.targets[0];
  GraphValue value = evaluate(*stmt.value, std::string(first.text));
  if (stmt.targets.size() == 1) {
    if (first.kind == Expr::Kind::Name)
      return bindName(first, std::move(value));
    diagnostics_.report(DiagnosticCode::GraphUnsupported, first.range, "this target");
    return;
  }
  bool fits =
      value.kind == GraphValue::Kind::Tuple && value.elements->size() == stmt.targets.size();
  for (std::size_t i = 0; i < stmt.targets.size(); ++i)
    if (stmt.targets[i]->kind == Expr::Kind::Name)
      bindName(*stmt.targets[i], fits ? (*value.elements)[i] : GraphValue{});
  if (!fits && value.kind != GraphValue::Kind::Unknown)
    diagnostics_.report(DiagnosticCode::GraphUnsupported, stmt.range,
                        "an assignment to several names");
}

GraphValue NetworkReader::evaluateName(const Expr &expr) {
  auto found = frame().names.find(expr.text);
  if (found != frame().names.end())
    return found->second;
  if (classNames_.contains(expr.text))
    return GraphValue::of(GraphValue::Kind::Module);
  if (auto symbol = options_.symbols.find(expr.text); symbol != options_.symbols.end())
    return GraphValue::ofNumber(symbol->second);
  if (sizeNames_.contains(expr.text))
    return GraphValue::of(GraphValue::Kind::Other);
  std::vector<std::string_view> known;
  if (mayGuess())
    for (const auto &[name, value] : frame().names)
      known.push_back(name);
  std::sort(known.begin(), known.end());
  DiagnosticBuilder report =
      diagnostics_.report(DiagnosticCode::TirUndefinedName, expr.range, expr.text);
  if (std::string_view near = nearestName(expr.text, known); !near.empty())
    report.fixIt(expr.range, std::string(near));
  return {};
}

/// Value of an expression; \p name is that of the binding, for calls that it makes.
GraphValue NetworkReader::evaluate(const Expr &expr, const std::string &name) {
  switch (expr.kind) {
  case Expr::Kind::Name:
    return evaluateName(expr);
  case Expr::Kind::Tuple:
  case Expr::Kind::List: {
    std::vector<GraphValue> elements;
    for (const Expr *element : expr.children)
      elements.push_back(evaluate(*element, name));
    return GraphValue::tuple(std::move(elements));
  }
  case Expr::Kind::Subscript:
    return evaluateItem(expr, name);
  case Expr::Kind::Call:
    return evaluateCall(expr, name);
  case Expr::Kind::Integer:
    if (auto number = integerLiteral(expr))
      return GraphValue::ofNumber(*number);
    return GraphValue::of(GraphValue::Kind::Other);
  default:
    return GraphValue::of(GraphValue::Kind::Other);
  }
}

GraphValue NetworkReader::evaluateItem(const Expr &expr, const std::string &name) {
  const Expr *base = expr.children[0];
  // metadata["relax.expr.Constant"][i]: the value of a constant that the text does not show.
  if (base->kind == Expr::Kind::Subscript && base->children[0]->isName("metadata"))
    return GraphValue::of(GraphValue::Kind::Constant);
  GraphValue value = evaluate(*base, name);
  std::int64_t index = -1;
  if (expr.children.size() == 2)
    index = integerLiteral(*expr.children[1]).value_or(-1);
  if (value.kind == GraphValue::Kind::Unknown)
    return {};
  if (value.kind == GraphValue::Kind::Tuple && index >= 0 &&
      index < static_cast<std::int64_t>(value.elements->size()))
    return (*value.elements)[static_cast<std::size_t>(index)];
  diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                      "'" + textOf(sources_, expr) + "'");
  return {};
}

GraphValue NetworkReader::evaluateCall(const Expr &expr, const std::string &name) {
  if (auto number = integerLiteral(expr))
    return GraphValue::ofNumber(*number);
  std::string relax = relaxCallName(&expr);
  if (!relax.empty())
    return evaluateRelax(expr, relax, name);
  if (expr.children[0]->kind == Expr::Kind::Attribute)
    return callFunction(expr, name);
  diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                      "'" + textOf(sources_, *expr.children[0]) + "'");
  return {};
}

GraphValue NetworkReader::evaluateRelax(const Expr &expr, const std::string &relax,
                                        const std::string &name) {
  if (relax == "call_tir" || relax == "call_tir_inplace")
    return callTir(expr, name);
  if (relax == "const")
    return GraphValue::of(GraphValue::Kind::Constant);
  if (relax == "tuple") {
    std::vector<GraphValue> elements;
    for (const Expr *element : arguments(expr))
      elements.push_back(evaluate(*element, name));
    return GraphValue::tuple(std::move(elements));
  }
  const Expr *first = positional(expr, 0);
  if (relax == "match_cast" && first)
    return evaluate(*first, name);
  if (relax == "prim_value" && first)
    if (auto number = integerLiteral(*first))
      return GraphValue::ofNumber(*number);
  if (relax == "shape" && first && first->kind == Expr::Kind::List) {
    std::vector<GraphValue> sizes;
    for (const Expr *size : first->children) {
      auto literal = integerLiteral(*size);
      sizes.push_back(literal ? GraphValue::ofNumber(*literal) : evaluate(*size, name));
    }
    return GraphValue::tuple(std::move(sizes));
  }
  if (relax == "prim_value" || relax == "shape" || relax == "str" || relax == "dtype" ||
      relax == "null_value" || relax == "ExternFunc")
    return GraphValue::of(GraphValue::Kind::Other);
  bool isRuntime = relax.starts_with("call_") || relax.starts_with("memory.") ||
                   relax.starts_with("builtin.") || relax.starts_with("vm.") ||
                   relax == "invoke_closure" || relax == "inline_private";
  if (isRuntime) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range, "'R." + relax + "'");
    return {};
  }
  if (operatorCount_++ == 0) {
    firstOperator_ = "R." + relax;
    firstOperatorRange_ = expr.children[0]->range;
  }
  return {};
}

void NetworkReader::reportNotLegalised() {
  if (operatorCount_ == 0)
    return;
  DiagnosticBuilder report =
      diagnostics_.report(DiagnosticCode::TirNotLegalised, firstOperatorRange_, firstOperator_);
  if (operatorCount_ > 1)
    report.note({}, std::to_string(operatorCount_ - 1) + " more operators of this network are not "
                                                         "legalised");
}

// ---------------------------------------------------------------------------------------------
// Types

std::optional<std::int64_t> NetworkReader::evaluateSize(const Expr &expr) {
  if (auto literal = integerLiteral(expr))
    return literal;
  if (isHugeInteger(expr)) {
    diagnostics_.report(DiagnosticCode::TirTooLarge, expr.range, "this number");
    return std::nullopt;
  }
  if (expr.kind == Expr::Kind::String) {
    SourceRange inner{expr.range.begin.advancedBy(1),
                      SourceLocation::fromRaw(expr.range.end.raw() - 1)};
    const Expr *content = Parser::parseExpression(sources_, inner, tree_, diagnostics_);
    bool isSize = content && content->kind != Expr::Kind::String;
    return isSize ? evaluateSize(*content) : std::nullopt;
  }
  if (expr.kind == Expr::Kind::Name) {
    if (auto symbol = options_.symbols.find(expr.text); symbol != options_.symbols.end())
      return symbol->second;
    if (reportedSizes_.emplace(expr.text).second)
      diagnostics_.report(DiagnosticCode::TirSymbolicSize, expr.range, expr.text);
    return std::nullopt;
  }
  if (expr.kind == Expr::Kind::Binary) {
    auto left = evaluateSize(*expr.children[0]);
    auto right = evaluateSize(*expr.children[1]);
    if (!left || !right)
      return std::nullopt;
    std::optional<std::int64_t> result;
    if (expr.text == "+")
      result = checkedAdd(*left, *right);
    else if (expr.text == "-")
      result = checkedSub(*left, *right);
    else if (expr.text == "*")
      result = checkedMul(*left, *right);
    else if (expr.text == "//")
      result = checkedFloorDiv(*left, *right);
    else if (expr.text == "%")
      result = checkedFloorMod(*left, *right);
    if (result)
      return result;
  }
  diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                      "the size '" + textOf(sources_, expr) + "'");
  return std::nullopt;
}

std::optional<Shape> NetworkReader::readShape(const Expr &expr) {
  if (expr.kind != Expr::Kind::Tuple && expr.kind != Expr::Kind::List) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "the shape '" + textOf(sources_, expr) + "'");
    return std::nullopt;
  }
  Shape shape;
  constexpr std::int64_t bitsPerElement = 128; // the widest element type
  std::int64_t product = bitsPerElement;
  for (const Expr *item : expr.children) {
    auto extent = evaluateSize(*item);
    if (!extent)
      return std::nullopt;
    if (*extent <= 0) {
      diagnostics_.report(DiagnosticCode::TirBadExtent, item->range, *extent);
      return std::nullopt;
    }
    auto next = checkedMul(product, *extent);
    if (!next) {
      diagnostics_.report(DiagnosticCode::TirTooLarge, expr.range, "the size of this tensor");
      return std::nullopt;
    }
    product = *next;
    shape.push_back(*extent);
  }
  return shape;
}

std::optional<TensorType> NetworkReader::readTensorType(const Expr &expr) {
  const Expr *shape = nullptr;
  const Expr *dtype = keyword(expr, "dtype");
  for (std::size_t i = 0; const Expr *argument = positional(expr, i); ++i)
    (argument->kind == Expr::Kind::String ? dtype : shape) = argument;
  if (!shape)
    shape = keyword(expr, "shape");
  if (!shape) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range, "a tensor without a shape");
    return std::nullopt;
  }
  TensorType type;
  if (dtype && dtype->kind == Expr::Kind::String) {
    auto element = ElementType::fromName(dtype->text);
    if (!element) {
      diagnostics_.report(DiagnosticCode::TirUnknownElementType, dtype->range,
                          textOf(sources_, *dtype));
      return std::nullopt;
    }
    type.elementType = *element;
  }
  auto extents = readShape(*shape);
  if (!extents)
    return std::nullopt;
  type.shape = std::move(*extents);
  return type;
}

/// Types of the results of a `call_tir`; empty if the call does not say.
std::optional<std::vector<TensorType>> NetworkReader::outputTypes(const Expr &call) {
  const Expr *types = keyword(call, "out_ty");
  if (!types)
    types = keyword(call, "out_sinfo");
  if (!types)
    types = positional(call, 2);
  std::vector<TensorType> out;
  if (!types)
    return out;
  bool isList = types->kind == Expr::Kind::List || types->kind == Expr::Kind::Tuple;
  std::span<const Expr *const> items = isList ? types->children : std::span(&types, 1);
  for (const Expr *item : items) {
    if (relaxCallName(item) != "Tensor") {
      diagnostics_.report(DiagnosticCode::GraphUnsupported, item->range,
                          "'" + textOf(sources_, *item) + "'");
      return std::nullopt;
    }
    auto type = readTensorType(*item);
    if (!type)
      return std::nullopt;
    out.push_back(std::move(*type));
  }
  return out;
}

// ---------------------------------------------------------------------------------------------
// Calls

/// The function that `cls.f` names, after an error if there is none.
Function *NetworkReader::calleeOf(const Expr &expr) {
  bool isMember = expr.kind == Expr::Kind::Attribute && expr.children[0]->kind == Expr::Kind::Name;
  if (!isMember) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "the callee '" + textOf(sources_, expr) + "'");
    return nullptr;
  }
  GraphValue module = evaluateName(*expr.children[0]);
  if (module.kind == GraphValue::Kind::Unknown)
    return nullptr;
  auto found = functionNames_.find(expr.text);
  if (module.kind == GraphValue::Kind::Module && found != functionNames_.end())
    return found->second;
  std::vector<std::string_view> known;
  if (mayGuess())
    for (const auto &function : functions_)
      known.push_back(function->stmt->name);
  SourceLocation end = expr.range.end;
  SourceRange name{
      SourceLocation::fromRaw(end.raw() - static_cast<std::uint32_t>(expr.text.size())), end};
  DiagnosticBuilder report = diagnostics_.report(DiagnosticCode::TirUnknownCallee, name, expr.text);
  if (std::string_view near = nearestName(expr.text, known); !near.empty())
    report.fixIt(name, std::string(near));
  return nullptr;
}

const FunctionTemplate &
NetworkReader::templateOf(const Function &function, const std::vector<std::optional<Shape>> &shapes,
                          const std::vector<std::optional<std::int64_t>> &scalars) {
  std::string name(function.stmt->name);
  auto plain = templates_.find(name);
  if (plain != templates_.end())
    return *plain->second;
  // A function with symbolic sizes means something else for every shape of its arguments.
  std::string key = name + "\n";
  for (const auto &shape : shapes) {
    for (std::int64_t extent : shape.value_or(Shape{}))
      key += std::to_string(extent) + ",";
    key += ";";
  }
  for (const auto &scalar : scalars)
    key += scalar ? std::to_string(*scalar) + "," : "?,";
  auto known = templates_.find(key);
  if (known != templates_.end())
    return *known->second;
  auto read = std::make_unique<FunctionTemplate>(
      readFunction(*function.stmt, context(shapes, scalars), diagnostics_));
  std::unique_ptr<FunctionTemplate> &stored = templates_[read->usesArgumentShapes ? key : name];
  stored = std::move(read);
  return *stored;
}

/// Reports once what \p callee holds without meaning; false if there is such.
bool NetworkReader::checkTemplate(const FunctionTemplate &callee, SourceRange callRange) {
  if (!checked_.insert(&callee).second)
    return callee.issues.empty();
  for (const FunctionTemplate::Issue &issue : callee.issues)
    diagnostics_.report(DiagnosticCode::TirUnsupported, issue.range, issue.what, callee.name)
        .note(callRange, "it is called here");
  if (callee.threadBinding.isValid())
    diagnostics_.report(DiagnosticCode::TirScheduleIgnored, callee.threadBinding, callee.name);
  return callee.issues.empty();
}

bool NetworkReader::checkWrites(const FunctionTemplate &callee, std::size_t inputs,
                                SourceRange range) {
  for (std::size_t i = 0; i < inputs; ++i) {
    const FunctionTemplate::Parameter &parameter = callee.parameters[i];
    if (!parameter.isWritten)
      continue;
    diagnostics_
        .report(DiagnosticCode::TirWrittenInput, parameter.firstWrite, callee.name,
                parameter.tensor.name)
        .note(range, "it is called here");
    return false;
  }
  return true;
}

bool NetworkReader::checkType(const FunctionTemplate &callee, std::size_t parameter,
                              const Shape &shape, ElementType type, SourceRange range) {
  const Tensor &wanted = callee.parameters[parameter].tensor;
  if (wanted.shape == shape && wanted.elementType == type)
    return true;
  diagnostics_
      .report(DiagnosticCode::TirCallMismatch, range,
              "parameter '" + wanted.name + "' of '" + callee.name + "' is " +
                  shapeText(wanted.shape, wanted.elementType) + ", this call gives " +
                  shapeText(shape, type))
      .note(wanted.range, "the parameter is declared here");
  return false;
}

std::uint32_t NetworkReader::addTensor(std::string name, Shape shape, ElementType type,
                                       TensorOrigin origin, SourceRange range) {
  Tensor tensor;
  tensor.name = std::move(name);
  tensor.shape = std::move(shape);
  tensor.elementType = type;
  tensor.origin = origin;
  tensor.range = range;
  workload_.tensors.push_back(std::move(tensor));
  return static_cast<std::uint32_t>(workload_.tensors.size() - 1);
}

std::string NetworkReader::uniqueName(const std::string &name) {
  std::size_t count = ++usedNames_[name];
  if (count == 1)
    return name;
  return uniqueName(name + "_" + std::to_string(count));
}

/// The tensors that \p arguments give to the first parameters of \p callee.
std::optional<std::vector<std::uint32_t>>
NetworkReader::bindInputs(const FunctionTemplate &callee, const std::vector<GraphValue> &arguments,
                          const std::string &name, SourceRange range) {
  std::vector<std::uint32_t> inputs;
  for (const GraphValue &argument : arguments) {
    const Tensor &parameter = callee.parameters[inputs.size()].tensor;
    if (argument.kind == GraphValue::Kind::Constant) {
      inputs.push_back(addTensor(name + ".constant" + std::to_string(inputs.size()),
                                 parameter.shape, parameter.elementType, TensorOrigin::Weight,
                                 range));
      continue;
    }
    const Tensor &given = workload_.tensors[argument.tensor];
    if (!checkType(callee, inputs.size(), given.shape, given.elementType, range))
      return std::nullopt;
    inputs.push_back(argument.tensor);
  }
  return inputs;
}

GraphValue NetworkReader::callTir(const Expr &expr, const std::string &name) {
  const Expr *calleeExpr = positional(expr, 0);
  const Expr *argumentExpr = positional(expr, 1);
  if (!calleeExpr || !argumentExpr) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "'R.call_tir' without a function and arguments");
    return {};
  }
  Function *function = calleeOf(*calleeExpr);
  GraphValue given = evaluate(*argumentExpr, name + "_argument");
  if (given.kind != GraphValue::Kind::Tuple)
    given = GraphValue::tuple({given});
  auto types = outputTypes(expr);
  if (!function || !types)
    return {};
  function->isReached = true;
  if (!function->isPrim) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, calleeExpr->range,
                        "'R.call_tir' of a function that is no 'T.prim_func'");
    return {};
  }
  std::vector<GraphValue> tensors;
  std::vector<std::optional<Shape>> shapes;
  std::vector<std::optional<std::int64_t>> scalars;
  auto addArguments = [&](const GraphValue &values) {
    for (const GraphValue &value : *values.elements) {
      if (value.kind == GraphValue::Kind::Tensor || value.kind == GraphValue::Kind::Constant) {
        tensors.push_back(value);
        shapes.push_back(value.kind == GraphValue::Kind::Tensor
                             ? std::optional(workload_.tensors[value.tensor].shape)
                             : std::nullopt);
      } else if (value.kind == GraphValue::Kind::Number) {
        scalars.emplace_back(value.number);
      } else if (value.kind == GraphValue::Kind::Unknown) {
        return false;
      } else {
        scalars.emplace_back(std::nullopt);
      }
    }
    return true;
  };
  if (!addArguments(given))
    return {};
  if (const Expr *sizes = keyword(expr, "tir_vars")) {
    GraphValue values = evaluate(*sizes, name);
    if (values.kind == GraphValue::Kind::Tuple && !addArguments(values))
      return {};
  }
  for (const TensorType &type : *types)
    shapes.emplace_back(type.shape);
  const FunctionTemplate &callee = templateOf(*function, shapes, scalars);
  if (!callee.isValid || !checkTemplate(callee, expr.range))
    return {};
  std::size_t inputs = tensors.size();
  if (types->empty())
    for (std::size_t i = inputs; i < callee.parameters.size(); ++i)
      types->push_back(
          {callee.parameters[i].tensor.shape, callee.parameters[i].tensor.elementType});
  if (inputs + types->size() != callee.parameters.size()) {
    diagnostics_
        .report(DiagnosticCode::TirCallArity, expr.range, callee.name, callee.parameters.size(),
                inputs + types->size())
        .note(callee.nameRange, "the function is defined here");
    return {};
  }
  auto bound = bindInputs(callee, tensors, frame().prefix + name, argumentExpr->range);
  if (!bound || !checkWrites(callee, inputs, expr.range))
    return {};
  TensorOrigin origin = TensorOrigin::Weight;
  for (std::uint32_t input : *bound)
    if (workload_.tensors[input].origin == TensorOrigin::Activation)
      origin = TensorOrigin::Activation;
  std::vector<std::uint32_t> outputs;
  std::vector<GraphValue> results;
  for (std::size_t i = 0; i < types->size(); ++i) {
    const TensorType &type = (*types)[i];
    if (!checkType(callee, inputs + i, type.shape, type.elementType, expr.range))
      return {};
    std::string suffix = types->size() == 1 ? "" : "[" + std::to_string(i) + "]";
    outputs.push_back(addTensor(frame().prefix + name + suffix, type.shape, type.elementType,
                                origin, expr.range));
    results.push_back(GraphValue::ofTensor(outputs.back()));
  }
  if (!addCall(callee, frame().prefix + name, *bound, outputs, expr.range))
    return {};
  return results.size() == 1 ? results[0] : GraphValue::tuple(std::move(results));
}

bool NetworkReader::addCall(const FunctionTemplate &callee, const std::string &name,
                            const std::vector<std::uint32_t> &inputs,
                            const std::vector<std::uint32_t> &outputs, SourceRange range) {
  constexpr std::size_t mostComputations = 200'000;
  constexpr std::size_t mostCalls = 100'000;
  computationCount_ += callee.computations.size();
  if (computationCount_ > mostComputations || workload_.calls.size() >= mostCalls) {
    diagnostics_.report(DiagnosticCode::TirTooLarge, range, "the number of calls");
    stopped_ = true;
    return false;
  }
  Call call;
  call.name = uniqueName(name);
  call.function = callee.name;
  call.range = range;
  call.functionRange = callee.nameRange;
  call.locals = callee.locals;
  call.computations = callee.computations;
  std::vector<std::uint32_t> tensors = inputs;
  tensors.insert(tensors.end(), outputs.begin(), outputs.end());
  for (std::uint32_t input : inputs)
    call.inputs.push_back({false, input});
  for (std::uint32_t output : outputs)
    call.outputs.push_back({false, output});
  auto resolve = [&](TensorRef &reference) {
    if (!reference.isLocal)
      reference.index = tensors[reference.index];
  };
  for (Computation &computation : call.computations) {
    resolve(computation.written);
    for (TensorRef &reference : computation.alsoWritten)
      resolve(reference);
    for (Access &access : computation.accesses)
      resolve(access.tensor);
  }
  workload_.calls.push_back(std::move(call));
  return true;
}

/// A call of a private function of the graph, which is inlined.
GraphValue NetworkReader::callFunction(const Expr &expr, const std::string &name) {
  Function *function = calleeOf(*expr.children[0]);
  if (!function)
    return {};
  function->isReached = true;
  if (!function->isRelax) {
    diagnostics_.report(DiagnosticCode::GraphUnsupported, expr.range,
                        "a direct call of '" + std::string(function->stmt->name) + "'");
    return {};
  }
  std::vector<GraphValue> given;
  for (const Expr *argument : arguments(expr))
    given.push_back(evaluate(*argument, name + "_argument"));
  return runFunction(*function, std::move(given), frame().prefix + name + ".", expr.range);
}

} // namespace

std::optional<Workload> readWorkload(const SourceManager &sources, FileId file,
                                     const ReadOptions &options, DiagnosticEngine &diagnostics) {
  return NetworkReader(sources, file, options, diagnostics).read();
}

} // namespace acadlc::tir
