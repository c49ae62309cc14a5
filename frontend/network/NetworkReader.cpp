#include "frontend/network/NetworkReader.h"

#include "frontend/network/GraphReader.h"
#include "frontend/tvmscript/Parser.h"
#include "frontend/tvmscript/SymbolicSizes.h"
#include "frontend/tvmscript/Vocabulary.h"
#include "structure/Analysis.h"

#include <algorithm>

namespace acadlc::tir {

using namespace workload;

namespace {

/// The callee of the first call in a function of the graph that has no meaning here; null if there
/// is none.
const Expr *findUnknown(std::span<const Stmt *const> body) {
  for (const Stmt *stmt : body) {
    const Stmt *link = stmt;
    for (; link->elseIf(); link = link->elseIf())
      if (const Expr *inner = findUnknown(link->body))
        return inner;
    if (const Expr *inner = findUnknown(link->body))
      return inner;
    if (const Expr *inner = findUnknown(link->orElse))
      return inner;
    const std::string_view name = relaxCallName(stmt->value);
    if (!name.empty() && !isKnownOperator(name) && !isGraphForm(name))
      return stmt->value->children[0];
  }
  return nullptr;
}

} // namespace

std::string textOf(const SourceManager &sources, const Expr &expr) {
  constexpr std::size_t longest = 60;
  std::string_view text = sources.textOf(expr.range);
  return text.size() <= longest ? std::string(text) : std::string(text.substr(0, longest)) + "…";
}

//===--- Module -------------------------------------------------------------------------------===//

std::optional<Workload> GraphReader::read() {
  std::size_t errorsBefore = diagnostics_.errorCount();
  constexpr std::size_t baseWork = 10'000'000;
  constexpr std::size_t workPerByte = 16;
  workLeft_ = baseWork + workPerByte * sources_.text(file_).size();
  Parser::parseFile(sources_, file_, tree_, diagnostics_);
  if (diagnostics_.errorCount() != errorsBefore)
    return std::nullopt;
  collect(tree_.statements);
  // Which of two functions is meant cannot be told.
  if (diagnostics_.errorCount() != errorsBefore)
    return std::nullopt;
  for (const auto &function : functions_)
    if (function->isRelax)
      countMentions(function->stmt->body);
  workload_.name = sources_.name(file_);
  const Function *entry = chooseEntry();
  if (entry && setSizes(*entry)) {
    workload_.entry = entry->stmt->name;
    entry->isPrim ? readPrimEntry(*entry) : readGraphEntry(*entry);
  }
  reportNotLegalised();
  if (diagnostics_.errorCount() != errorsBefore)
    return std::nullopt;
  warnOfUnread();
  forgetText();
  if (auto tooLarge = analyze(workload_)) {
    diagnostics_.report(DiagnosticCode::TirTooLarge, tooLarge->range, tooLarge->what);
    return std::nullopt;
  }
  return std::move(workload_);
}

/// Frees what only reading needs: all that is left to do is done in the workload, which grows.
void GraphReader::forgetText() {
  keptFrames_.clear();
  templates_.clear();
  operators_.clear();
  usedNames_.clear();
  externals_.clear();
  functionNames_.clear();
  functions_.clear();
  tree_ = {};
}

void GraphReader::collect(std::span<const Stmt *const> statements) {
  for (const Stmt *stmt : statements) {
    if (stmt->kind == Stmt::Kind::Class) {
      classNames_.insert(stmt->name);
      collect(stmt->body);
    } else if (stmt->kind == Stmt::Kind::Function) {
      collectFunction(*stmt);
    } else if (stmt->kind == Stmt::Kind::Assign && stmt->value->kind == Expr::Kind::Call &&
               stmt->targets[0]->kind == Expr::Kind::Name &&
               (dottedName(*stmt->value->children[0]) == "TypeVar" || declaresSize(*stmt->value))) {
      sizeNames_.emplace(stmt->targets[0]->text);
    } else if (stmt->kind == Stmt::Kind::Assign && relaxCallName(stmt->value) == "ExternFunc") {
      externals_.emplace(stmt->targets[0]->text, stmt->value);
    }
  }
}

Function functionOf(const Stmt &stmt) {
  Function function;
  function.stmt = &stmt;
  for (const Expr *decorator : stmt.decorators) {
    bool isCall = decorator->kind == Expr::Kind::Call;
    const Expr &called = isCall ? *decorator->children[0] : *decorator;
    const std::string_view name = dottedName(called);
    // The first versions of TVMScript called it `tvm.script.tir`.
    const bool isNamedInFull = name.starts_with("tvm.") || name.find('.') == std::string_view::npos;
    function.isPrim =
        function.isPrim || tirName(called) == "prim_func" ||
        (isNamedInFull && (name.ends_with("prim_func") || name.ends_with("script.tir")));
    function.isRelax = function.isRelax || relaxName(called) == "function";
    const Expr *isPrivate = isCall ? keyword(*decorator, "private") : nullptr;
    function.isPrivate = function.isPrivate || (isPrivate && isPrivate->text == "True");
  }
  return function;
}

void GraphReader::collectFunction(const Stmt &stmt) {
  auto function = std::make_unique<Function>(functionOf(stmt));
  auto [entry, isNew] = functionNames_.emplace(stmt.name, function.get());
  if (!isNew)
    diagnostics_.report(DiagnosticCode::TirDuplicateFunction, stmt.nameRange, stmt.name)
        .note(entry->second->stmt->nameRange, "the first definition is here");
  functions_.push_back(std::move(function));
}

void GraphReader::countMentions(std::span<const Stmt *const> statements) {
  for (const Stmt *stmt : statements) {
    const Stmt *link = stmt;
    for (; link->elseIf(); link = link->elseIf())
      countMentions(link->body);
    countMentions(link->body);
    countMentions(link->orElse);
    const Expr *callee = stmt->value && relaxCallName(stmt->value).starts_with("call_tir")
                             ? positional(*stmt->value, 0)
                             : nullptr;
    if (!callee)
      continue;
    auto found = functionNames_.find(callee->text.substr(callee->text.find('.') + 1));
    if (found != functionNames_.end())
      ++found->second->mentions;
  }
}

namespace {

/// "; did you mean 'main'?", "; there are: 'main', 'prefill'": of the functions that a network can
/// start from, those of the graph if there are any. Nothing if there are none.
template <typename Functions>
std::string suggestionFor(std::string_view entry, const Functions &functions) {
  std::vector<std::string_view> graphs, prims;
  for (const auto &function : functions)
    if (function->isRelax || function->isPrim)
      (function->isRelax ? graphs : prims).push_back(function->stmt->name);
  const std::vector<std::string_view> &names = graphs.empty() ? prims : graphs;
  if (const std::string_view nearest = nearestName(entry, names); !nearest.empty())
    return "; did you mean '" + std::string(nearest) + "'?";
  std::string list;
  constexpr std::size_t enough = 10;
  for (std::size_t i = 0; i < std::min(names.size(), enough); ++i)
    list += (i == 0 ? "; there are: '" : ", '") + std::string(names[i]) + "'";
  return names.size() > enough ? list + ", …" : list;
}

} // namespace

const Function *GraphReader::chooseEntry() {
  if (options_.entry.empty())
    return chooseUnnamedEntry();
  auto found = functionNames_.find(options_.entry);
  if (found == functionNames_.end()) {
    // An option has no place in the text.
    diagnostics_.report(DiagnosticCode::TirNoEntry, {},
                        " '" + options_.entry + "'" + suggestionFor(options_.entry, functions_));
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

namespace {

/// The decorator of the first function that has one like `@RX.function` with a prefix that no line
/// imports; null if none has.
const Expr *unknownDecorator(const std::vector<std::unique_ptr<Function>> &functions) {
  for (const auto &function : functions) {
    if (function->isPrim || function->isRelax)
      continue;
    for (const Expr *decorator : function->stmt->decorators) {
      const bool isCall = decorator->kind == Expr::Kind::Call;
      const Expr &name = isCall ? *decorator->children[0] : *decorator;
      if (dottedName(name).ends_with(".function") || dottedName(name).ends_with(".prim_func"))
        return &name;
    }
  }
  return nullptr;
}

/// The decorator of the first function that has one which is near to that of a graph,
/// `@R.functon`; null if none has.
const Expr *misspeltDecorator(const std::vector<std::unique_ptr<Function>> &functions) {
  for (const auto &function : functions) {
    if (function->isPrim || function->isRelax)
      continue;
    for (const Expr *decorator : function->stmt->decorators) {
      const bool isCall = decorator->kind == Expr::Kind::Call;
      const Expr &name = isCall ? *decorator->children[0] : *decorator;
      if (!nearestName(relaxName(name), {"function"}).empty())
        return &name;
    }
  }
  return nullptr;
}

/// "'f', 'g'; choose one with --entry"
std::string choiceOf(const std::vector<Function *> &functions) {
  std::string names;
  constexpr std::size_t enough = 5;
  for (std::size_t i = 0; i < std::min(functions.size(), enough); ++i)
    names += (i == 0 ? "'" : ", '") + std::string(functions[i]->stmt->name) + "'";
  if (functions.size() > enough)
    names += ", …";
  return names + "; choose one with --entry";
}

} // namespace

const Function *GraphReader::chooseUnnamedEntry() {
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
  if (const Expr *unknown = graphs.empty() ? unknownDecorator(functions_) : nullptr) {
    diagnostics_.report(DiagnosticCode::TirNoEntry, unknown->range,
                        ": the prefix of '" + textOf(sources_, *unknown) +
                            "' is not known; keep the lines that import it, or print the module "
                            "with the usual ones, R, T and I");
    return nullptr;
  }
  if (const Expr *misspelt = graphs.empty() ? misspeltDecorator(functions_) : nullptr) {
    const std::string_view text = misspelt->text;
    const std::string meant = std::string(text.substr(0, text.find('.'))) + ".function";
    diagnostics_
        .report(DiagnosticCode::TirNoEntry, misspelt->range,
                ": '" + std::string(text) + "' is no decorator of a function")
        .fixIt(misspelt->range, meant);
    return nullptr;
  }
  // A text of a single operator often holds nothing but its function.
  if (graphs.empty() && prims.size() == 1)
    graphs = prims;
  if (graphs.empty()) {
    std::string some = prims.empty() ? "" : " among the functions of TIR " + choiceOf(prims);
    if (functions_.empty())
      some = ", nor any function: a network is what TVM prints with print(mod.script())";
    diagnostics_.report(DiagnosticCode::TirNoEntry, {place, place}, some);
    return nullptr;
  }
  if (graphs.size() == 1) {
    graphs[0]->isReached = true;
    return graphs[0];
  }
  diagnostics_.report(DiagnosticCode::TirAmbiguousEntry, graphs[0]->stmt->nameRange,
                      choiceOf(graphs));
  return nullptr;
}

/// Warns of constructs without meaning in functions that the entry does not reach.
void GraphReader::warnOfUnread() {
  for (const auto &function : functions_)
    if (!function->isReached)
      warnOfUnread(*function);
}

void GraphReader::warnOfUnread(const Function &function) {
  const auto warn = [&](SourceRange range, const std::string &what) {
    diagnostics_.report(DiagnosticCode::TirUnreadFunction, range, what, function.stmt->name);
  };
  if (function.isPrim) {
    DiagnosticEngine dropped;
    FunctionTemplate unread = readFunction(*function.stmt, context({}, {}), dropped);
    if (!unread.issues.empty())
      warn(unread.issues[0].range, unread.issues[0].what);
  } else if (!function.isRelax) {
    const std::span<const Expr *const> decorators = function.stmt->decorators;
    const bool isPlain = decorators.empty();
    warn(isPlain ? function.stmt->nameRange : decorators[0]->range,
         isPlain ? "a function without a decorator"
                 : "the decorator '" + textOf(sources_, *decorators[0]) + "'");
  } else if (const Expr *unknown = findUnknown(function.stmt->body)) {
    warn(unknown->range, "'" + textOf(sources_, *unknown) + "'");
  }
}

FunctionContext GraphReader::context(std::vector<std::optional<Shape>> shapes,
                                     std::vector<std::optional<std::int64_t>> scalars) {
  Symbols known = frames_.empty() ? Symbols() : frame().sizes;
  known.insert(symbols_.begin(), symbols_.end());
  return {
      sources_,          tree_, nodes_, std::move(known), sizeNames_, workLeft_, std::move(shapes),
      std::move(scalars)};
}

//===--- Symbolic sizes -----------------------------------------------------------------------===//

/// Gives the sizes of the text the values that the user has set; false after an error.
bool GraphReader::setSizes(const Function &entry) {
  collectSizeNames(tree_.statements, sizeNames_);
  symbols_ = options_.symbols;
  bool isFine = true;
  for (const auto &[name, value] : symbols_) {
    if (sizeNames_.contains(name))
      continue;
    diagnostics_.report(DiagnosticCode::TirUnknownSize, {}, name, listOf(sizeNames_));
    isFine = false;
  }
  if (isFine && options_.batch)
    return setBatch(entry, *options_.batch);
  return isFine;
}

bool GraphReader::setBatch(const Function &entry, std::int64_t batch) {
  const Stmt &stmt = *entry.stmt;
  const auto inputs = entry.isRelax ? inputCount(stmt) : std::nullopt;
  std::set<std::string, std::less<>> names;
  for (std::size_t i = 0; i < stmt.parameters.size(); ++i) {
    if (inputs && static_cast<std::int64_t>(i) >= *inputs)
      break;
    const Expr *dimension = leadingDimension(stmt, stmt.parameters[i]);
    const bool isName =
        dimension && (dimension->kind == Expr::Kind::Name || dimension->kind == Expr::Kind::String);
    if (isName && sizeNames_.contains(dimension->text))
      names.emplace(dimension->text);
  }
  const auto fail = [&](const std::string &why) {
    diagnostics_.report(DiagnosticCode::TirNoBatch, stmt.nameRange, why);
    return false;
  };
  if (names.empty())
    return fail("the first dimension of no input of '" + std::string(stmt.name) +
                "' is a symbolic size; " + listOf(sizeNames_));
  if (names.size() > 1)
    return fail("the inputs of '" + std::string(stmt.name) +
                "' have different sizes as their first dimension: " + listOf(names));
  const auto [entryOf, isNew] = symbols_.emplace(*names.begin(), batch);
  if (!isNew && entryOf->second != batch)
    return fail("'" + *names.begin() + "' has the value " + std::to_string(entryOf->second) +
                " already");
  return true;
}

//===--- Entry --------------------------------------------------------------------------------===//

std::optional<std::int64_t> GraphReader::inputCount(const Stmt &function) {
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

GraphValue GraphReader::declare(const Parameter &parameter, TensorOrigin origin) {
  return declareTyped(parameter.annotation, std::string(parameter.name), origin, parameter.range);
}

GraphValue GraphReader::declareTyped(const Expr *type, const std::string &name, TensorOrigin origin,
                                     SourceRange range) {
  std::string_view kind = relaxCallName(type);
  if (type != nullptr && kind == "Tensor") {
    auto tensorType = readTensorType(*type);
    if (!tensorType)
      return {};
    std::uint32_t index =
        addTensor(name, std::move(tensorType->shape), tensorType->elementType, origin, range);
    workload_.parameters.push_back({false, index});
    return GraphValue::ofTensor(index);
  }
  if (type != nullptr && kind == "DTensor")
    return stopped_ ? GraphValue{} : refuse(*type, distributedRemedy);
  if (type != nullptr && kind == "Tuple") {
    std::vector<GraphValue> elements;
    for (const Expr *element : arguments(*type))
      elements.push_back(
          declareTyped(element, name + "[" + std::to_string(elements.size()) + "]", origin, range));
    return GraphValue::tuple(std::move(elements));
  }
  return declareNumbers(type, name);
}

/// An input that is a shape, `R.Shape(["n", 4])`, or a number, `R.Prim("int64")`: what the sizes in
/// its type, or the size of its own name, say. What has no value is missed where it is needed.
GraphValue GraphReader::declareNumbers(const Expr *type, std::string_view name) {
  const std::string_view kind = relaxCallName(type);
  const Expr *shape = kind == "Shape" ? positional(*type, 0) : nullptr;
  if (shape && (shape->kind == Expr::Kind::Tuple || shape->kind == Expr::Kind::List)) {
    std::vector<GraphValue> extents;
    for (const Expr *extent : shape->children)
      extents.push_back(sizeValue(*extent));
    return GraphValue::tuple(std::move(extents));
  }
  if (kind != "Prim")
    return GraphValue::of(GraphValue::Kind::Other);
  const Expr *value = keyword(*type, "value");
  return value ? sizeValue(*value) : declaredSize(name);
}

void GraphReader::readGraphEntry(const Function &entry) {
  auto inputs = inputCount(*entry.stmt);
  workload_.knowsInputs = inputs.has_value();
  std::vector<GraphValue> arguments;
  for (const Parameter &parameter : entry.stmt->parameters) {
    bool isInput = !inputs || static_cast<std::int64_t>(arguments.size()) < *inputs;
    arguments.push_back(
        declare(parameter, isInput ? TensorOrigin::Activation : TensorOrigin::Weight));
  }
  collectResults(runFunction(entry, std::move(arguments), "", entry.stmt->nameRange, nullptr));
}

namespace {

/// By parameter: whether \p callee reads what it holds before the call, apart from sums that go on
/// from there.
std::vector<bool> readsBefore(const FunctionTemplate &callee) {
  std::vector<bool> isWritten(callee.parameters.size()), isRead(callee.parameters.size());
  const auto read = [&](const std::vector<Access> &accesses) {
    for (const Access &access : accesses)
      if (!access.tensor.isLocal && !isWritten[access.tensor.index])
        isRead[access.tensor.index] = true;
  };
  const auto write = [&](TensorRef tensor) {
    if (!tensor.isLocal)
      isWritten[tensor.index] = true;
  };
  for (const Computation &computation : callee.computations) {
    if (computation.combiner == Combiner::None) {
      read(computation.accesses);
      // What one of several stores has written is no input of the others.
      if (computation.body && computation.alsoWritten.empty())
        read(computation.body->accesses);
    }
    write(computation.written);
    for (const TensorRef tensor : computation.alsoWritten)
      write(tensor);
  }
  return isRead;
}

} // namespace

/// Reads a TIR function as a network of one call. What it writes are results, wherever they stand;
/// what it reads before that are inputs.
void GraphReader::readPrimEntry(const Function &entry) {
  FunctionTemplate &callee = templateOf(entry, {}, {});
  if (!callee.isValid || !checkTemplate(callee, entry.stmt->nameRange))
    return;
  const std::vector<bool> isRead = readsBefore(callee);
  std::size_t inputs = callee.parameters.size();
  while (inputs > 0 && callee.parameters[inputs - 1].isWritten && !isRead[inputs - 1])
    --inputs;
  const bool isWriting = std::ranges::any_of(
      callee.parameters, [](const auto &parameter) { return parameter.isWritten; });
  if (!isWriting && inputs > 0)
    --inputs; // what is never written is reported as the output
  if (!checkWrites(callee, std::vector<bool>(inputs, true), entry.stmt->nameRange))
    return;
  std::vector<std::uint32_t> tensors;
  InPlace inPlace;
  for (std::size_t i = 0; i < callee.parameters.size(); ++i) {
    const FunctionTemplate::Parameter &parameter = callee.parameters[i];
    const Tensor &tensor = parameter.tensor;
    const auto add = [&](std::vector<TensorRef> &list) {
      const std::uint32_t index = addTensor(tensor.name, tensor.shape, tensor.elementType,
                                            TensorOrigin::Activation, tensor.range);
      list.push_back({false, index});
      return index;
    };
    tensors.push_back(add(i < inputs ? workload_.parameters : workload_.results));
    if (i < inputs && parameter.isWritten)
      inPlace[static_cast<std::uint32_t>(i)] = add(workload_.results);
  }
  auto middle = tensors.begin() + static_cast<std::ptrdiff_t>(inputs);
  addCall(callee, true, callee.name, {tensors.begin(), middle}, {middle, tensors.end()},
          entry.stmt->nameRange, inPlace);
}

void GraphReader::collectResults(const GraphValue &value) {
  constexpr std::size_t mostResults = 10'000;
  if (workload_.results.size() >= mostResults)
    return;
  if (value.kind == GraphValue::Kind::Tensor)
    workload_.results.push_back({false, value.tensor});
  if (value.kind == GraphValue::Kind::Tuple)
    for (const GraphValue &element : *value.elements)
      collectResults(element);
}

void GraphReader::reportNotLegalised() {
  if (operatorCount_ == 0)
    return;
  DiagnosticBuilder report =
      diagnostics_.report(DiagnosticCode::TirNotLegalised, firstOperatorRange_, firstOperator_);
  const std::string name = firstOperator_.substr(firstOperator_.find('.') + 1);
  if (const std::string_view near = nearestGraphForm(name); !near.empty())
    report.fixIt(firstOperatorRange_, "R." + std::string(near));
  if (operatorCount_ > 1)
    report.note({}, std::to_string(operatorCount_ - 1) + " more operators of this network are not "
                                                         "legalised");
}

std::optional<Workload> readWorkload(const SourceManager &sources, FileId file,
                                     const ReadOptions &options, DiagnosticEngine &diagnostics) {
  return GraphReader(sources, file, options, diagnostics).read();
}

} // namespace acadlc::tir
