#include "backend/mapping/ScalarCode.h"

#include "backend/mapping/ScalarExpression.h"
#include "backend/mapping/ScalarOperations.h"
#include "frontend/acadl/Parser.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringSet.h>

#include <algorithm>

namespace acadlc::mapping {

using workload::Axis;
using workload::Combiner;
using workload::Computation;

namespace {

const ast::Expr *attributeOf(const ast::ScalarDeclaration &declaration, llvm::StringRef name) {
  for (const ast::Attribute &attribute : declaration.attributes)
    if (attribute.name.text == name)
      return attribute.value;
  return nullptr;
}

/// All words of a text that could be names.
llvm::StringSet<> wordsOf(std::string_view text) {
  llvm::StringSet<> words;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && (llvm::isAlnum(text[end]) || text[end] == '_'))
      ++end;
    if (end > i)
      words.insert(llvm::StringRef(text.data() + i, end - i));
    i = end + 1;
  }
  return words;
}

/// The operation that joins a value to a reduction's result.
llvm::StringRef operationOf(Combiner combiner) {
  switch (combiner) {
  case Combiner::Sum:
    return "add";
  case Combiner::Product:
    return "multiply";
  case Combiner::Max:
    return "max";
  case Combiner::Min:
    return "min";
  case Combiner::None:
  case Combiner::Opaque:
    break;
  }
  return "";
}

bool usesReduction(const workload::IndexExpr &index, const std::vector<Axis> &axes) {
  if (index.kind == workload::IndexExpr::Kind::Axis)
    return axes[static_cast<std::size_t>(index.value)].kind == Axis::Kind::Reduction;
  return (index.left != nullptr && usesReduction(*index.left, axes)) ||
         (index.right != nullptr && usesReduction(*index.right, axes));
}

/// The product that a sum of products adds; null if it adds something else.
const workload::ValueExpr *productOf(const workload::ValueExpr &value) {
  const workload::ValueExpr *product = &value;
  while (product->kind == workload::ValueExpr::Kind::Cast)
    product = product->operands[0].get();
  return product->kind == workload::ValueExpr::Kind::Binary && product->name == "*" ? product
                                                                                    : nullptr;
}

/// Writes the program of some stages of a call.
class ScalarWriter {
public:
  struct Registers {
    std::size_t values = 0, counters = 0;
  };
  ScalarWriter(const workload::Workload &workload, const workload::Call &call,
               const ast::ScalarDeclaration &declaration, const ScalarOperations &operations,
               const SourceManager &sources, Registers registers)
      : workload_(workload), call_(call), declaration_(declaration), operations_(operations),
        sources_(sources), registers_(registers),
        taken_(wordsOf(sources.textOf(declaration.range))) {
    valueName_ = freshName("value");
    counterName_ = freshName("counter");
  }

  std::optional<ScalarCode> write(std::span<const std::size_t> stages,
                                  std::optional<workload::ElementType> elementType) {
    ScalarCode code;
    for (const std::size_t stage : stages)
      if (!writeStage(stage, code.macs)) {
        reason_ = fmt::format("stage '{}': {}", call_.computations[stage].name, reason_);
        return std::nullopt;
      }
    code.body = header(elementType) + nest_ + "}\n";
    code.tensors = tensors_;
    return code;
  }

  [[nodiscard]] const std::string &reason() const { return reason_; }

private:
  //===--- Names ----------------------------------------------------------------------------===//

  std::string freshName(const std::string &wanted) {
    std::string name = wanted;
    for (unsigned i = 1; !taken_.insert(name).second; ++i)
      name = fmt::format("{}_{}", wanted, i);
    return name;
  }

  std::string tensorName(workload::TensorRef tensor) {
    for (const ScalarCode::Tensor &known : tensors_)
      if (known.tensor == tensor)
        return known.name;
    const bool isOutput = !tensor.isLocal && std::ranges::count(call_.outputs, tensor) != 0;
    const char *kind = tensor.isLocal ? "local" : isOutput ? "output" : "input";
    tensors_.push_back({freshName(fmt::format("{}{}", kind, tensors_.size())), tensor});
    return tensors_.back().name;
  }

  /// Names of the axes that are loops. They are those of the network as far as they are names;
  /// stages may have the same ones.
  std::vector<std::string> axisNames(const Computation &computation) {
    llvm::StringSet<> here;
    std::vector<std::string> names;
    for (const Axis &axis : computation.axes) {
      // No word of the language begins like this.
      std::string wanted =
          llvm::StringRef(axis.name).starts_with("v_") ? axis.name : "v_" + axis.name;
      for (char &letter : wanted)
        if (!llvm::isAlnum(letter) && letter != '_')
          letter = '_';
      std::string name = wanted;
      for (unsigned i = 1; taken_.contains(name) || !here.insert(name).second; ++i)
        name = fmt::format("{}_{}", wanted, i);
      names.push_back(axis.extent == 1 ? "" : name);
    }
    return names;
  }

  //===--- Lines ----------------------------------------------------------------------------===//

  void line(std::string_view text) {
    nest_ += std::string(2 * depth_, ' ') + std::string(text) + "\n";
  }

  /// The values of the declaration that what has been written needs, one by one.
  std::vector<std::string> usedLets() const {
    std::string needed = nest_;
    for (const ast::Attribute &attribute : declaration_.attributes)
      needed += " " + std::string(sources_.textOf(attribute.value->range));
    std::vector<std::string> lets;
    for (const ast::LetStatement *let : llvm::reverse(declaration_.lets))
      for (const ast::Binding &binding : llvm::reverse(let->bindings)) {
        if (!wordsOf(needed).contains(binding.name.text))
          continue;
        std::string text = "let " + binding.name.text.str();
        if (binding.type.isValid())
          text += fmt::format(": {}", sources_.textOf(binding.type.range));
        text += fmt::format(" = {}", sources_.textOf(binding.value->range));
        needed += " " + text;
        lets.push_back(std::move(text));
      }
    std::ranges::reverse(lets);
    return lets;
  }

  std::string header(std::optional<workload::ElementType> elementType) {
    std::string text = fmt::format("() on {}: {} {{\n", declaration_.architectureName.text.str(),
                                   sources_.textOf(declaration_.architecture.range));
    for (const std::string &let : usedLets())
      text += "  " + let + "\n";
    const auto list = [&](const std::string &name, const char *attribute) {
      text += fmt::format("  let {} = {}\n", name,
                          sources_.textOf(attributeOf(declaration_, attribute)->range));
    };
    list(valueName_, "values");
    if (mostCounters_ != 0)
      list(counterName_, "counters");
    const std::string_view memory = sources_.textOf(attributeOf(declaration_, "memory")->range);
    for (const ScalarCode::Tensor &tensor : tensors_) {
      const workload::Tensor &declared = tensorOf(workload_, call_, tensor.tensor);
      const auto type = elementType.value_or(declared.elementType);
      text += fmt::format(
          "  buffer {}[{}]: {} in {}\n", tensor.name,
          declared.shape.empty() ? "1" : fmt::format("{}", fmt::join(declared.shape, ", ")),
          type.name(), memory);
    }
    return text;
  }

  //===--- Registers ------------------------------------------------------------------------===//

  [[nodiscard]] std::string value(std::size_t index) const {
    return fmt::format("{}[{}]", valueName_, index);
  }

  bool fail(std::string reason) {
    if (reason_.empty())
      reason_ = std::move(reason);
    return false;
  }

  bool checkRegisters(std::size_t needed) {
    return needed <= registers_.values ||
           fail(fmt::format("it needs {} registers for values, `values` has {}", needed,
                            registers_.values));
  }

  /// Operation \p name on \p arguments; registers from \p free on are free.
  void operation(llvm::StringRef name, const std::vector<std::string> &arguments,
                 std::size_t free) {
    operations_.write(
        name, arguments, [&](unsigned index) { return value(free + index); },
        [&](const std::string &text) { line(text); });
  }

  /// Brings the operands of \p node into registers from \p base on; gives these in the order of
  /// the operands.
  std::vector<std::string> operands(const ScalarNode &node, std::size_t base) {
    std::vector<std::string> places(node.operands.size());
    std::size_t next = base;
    for (const std::size_t i : node.order()) {
      compute(node.operands[i], next);
      places[i] = value(next++);
    }
    return places;
  }

  /// Brings \p node into register \p base, with those behind it as far as it needs them.
  void compute(const ScalarNode &node, std::size_t base) {
    switch (node.kind) {
    case ScalarNode::Kind::Load:
      return operation("load", {value(base), node.text}, base + 1);
    case ScalarNode::Kind::Constant:
      return operation("constant", {value(base)}, base + 1);
    case ScalarNode::Kind::Choice:
      line(fmt::format("if {} {{", node.text));
      indented([&] { compute(node.operands[0], base); });
      line("} else {");
      indented([&] { compute(node.operands[1], base); });
      line("}");
      return;
    case ScalarNode::Kind::Operation: {
      std::vector<std::string> arguments = operands(node, base);
      arguments.insert(arguments.begin(), value(base));
      return operation(node.text, arguments, base + node.operands.size());
    }
    }
  }

  template <typename Write> void indented(Write write) {
    ++depth_;
    write();
    --depth_;
  }

  //===--- Stages ---------------------------------------------------------------------------===//

  bool writeStage(std::size_t stage, std::int64_t &macs) {
    const Computation &computation = call_.computations[stage];
    if (!checkForm(computation))
      return false;
    const ScalarNames names{axisNames(computation),
                            [this](workload::TensorRef tensor) { return tensorName(tensor); }};
    ScalarReader reader(workload_, call_, computation, names, operations_);
    const auto sum =
        std::ranges::find(call_.contractions, stage, &workload::Contraction::computation);
    // A product with a sign in front of it, or written out, is computed and added.
    const bool isSumOfProducts =
        sum != call_.contractions.end() && productOf(*computation.value) != nullptr;
    if (isSumOfProducts)
      macs += sum->macs;
    line(fmt::format("// {}", oneLine(computation.name)));
    const bool good = computation.combiner == Combiner::None && !isSumOfProducts
                          ? writePlain(computation, names, reader)
                          : writeReduction(computation, names, reader, isSumOfProducts);
    return good || fail(reader.reason());
  }

  static std::string oneLine(std::string text) {
    std::ranges::replace_if(text, [](char letter) { return letter < ' '; }, ' ');
    return text;
  }

  bool checkForm(const Computation &computation) {
    if (!computation.opaqueReason.empty())
      return fail(computation.opaqueReason);
    std::optional<std::int64_t> points = 1;
    for (const Axis &axis : computation.axes)
      points = points ? checkedMul(*points, axis.extent) : std::nullopt;
    if (points != computation.points)
      return fail("extents of its loops depend on other loops");
    if (computation.combiner == Combiner::None)
      return true;
    for (const workload::IndexExprPtr &index : computation.writeIndices)
      if (usesReduction(*index, computation.axes))
        return fail("it writes where a reduced axis says");
    return true;
  }

  bool writePlain(const Computation &computation, const ScalarNames &names, ScalarReader &reader) {
    const auto node = reader.read(*computation.value);
    const auto target =
        node ? reader.access(computation.written, computation.writeIndices) : std::nullopt;
    if (!target || !checkRegisters(node->registers))
      return false;
    return loops(computation, names, {true, true}, [&] {
      compute(*node, 0);
      operation("store", {*target, value(0)}, 1);
      return true;
    });
  }

  /// The result is kept in the first register while the reduced axes run.
  bool writeReduction(const Computation &computation, const ScalarNames &names,
                      ScalarReader &reader, bool isSumOfProducts) {
    const auto target = reader.access(computation.written, computation.writeIndices);
    if (!target)
      return false;
    std::string join = operationOf(computation.combiner).str();
    ScalarNode node;
    if (isSumOfProducts) {
      const workload::ValueExpr *product = productOf(*computation.value);
      if (product == nullptr || computation.combiner != Combiner::Sum)
        return fail("it is no plain sum of products");
      join = "multiply_add";
      for (const workload::ValueExprPtr &factor : product->operands) {
        auto operand = reader.read(*factor);
        if (!operand)
          return false;
        node.operands.push_back(std::move(*operand));
      }
    } else {
      auto operand = reader.read(*computation.value);
      if (!operand)
        return false;
      node.operands.push_back(std::move(*operand));
    }
    if (!reader.requireOperation(join) ||
        !checkRegisters(1 + registersFor(node.operands, operations_.temporaries(join))))
      return false;
    return loops(computation, names, {true, false}, [&] {
      operation("constant", {value(0)}, 1);
      const bool good = loops(computation, names, {false, true}, [&] {
        std::vector<std::string> arguments = operands(node, 1);
        if (!isSumOfProducts)
          arguments.insert(arguments.begin(), value(0));
        arguments.insert(arguments.begin(), value(0));
        operation(join, arguments, 1 + node.operands.size());
        return true;
      });
      operation("store", {*target, value(0)}, 1);
      return good;
    });
  }

  struct AxisKinds {
    bool spatial = true, reduction = true;
  };

  /// \p inner in loops over the axes of \p kinds, in their order.
  template <typename Inner>
  bool loops(const Computation &computation, const ScalarNames &names, AxisKinds kinds,
             Inner inner) {
    std::vector<std::size_t> axes;
    for (std::size_t i = 0; i < computation.axes.size(); ++i) {
      const bool isReduction = computation.axes[i].kind == Axis::Kind::Reduction;
      if (!names.axes[i].empty() && (isReduction ? kinds.reduction : kinds.spatial))
        axes.push_back(i);
    }
    const bool starts = operations_.has("loop_start"), counts = operations_.has("loop_next");
    const bool takesCounters = starts || counts;
    if (takesCounters && counters_ + axes.size() > registers_.counters)
      return fail(fmt::format("it needs {} registers for counters, `counters` has {}",
                              counters_ + axes.size(), registers_.counters));
    for (const std::size_t i : axes) {
      if (starts)
        operation("loop_start", {counter(counters_)}, 0);
      line(fmt::format("for {} in 0 .. {} {{", names.axes[i], computation.axes[i].extent));
      ++depth_;
      counters_ += takesCounters ? 1 : 0;
    }
    mostCounters_ = std::max(mostCounters_, counters_);
    const bool good = inner();
    for (std::size_t i = 0; i < axes.size(); ++i) {
      counters_ -= takesCounters ? 1 : 0;
      if (counts)
        operation("loop_next", {counter(counters_)}, 0);
      --depth_;
      line("}");
    }
    return good;
  }

  [[nodiscard]] std::string counter(std::size_t index) const {
    return fmt::format("{}[{}]", counterName_, index);
  }

  const workload::Workload &workload_;
  const workload::Call &call_;
  const ast::ScalarDeclaration &declaration_;
  const ScalarOperations &operations_;
  const SourceManager &sources_;
  Registers registers_;
  llvm::StringSet<> taken_;
  std::string valueName_, counterName_;
  std::vector<ScalarCode::Tensor> tensors_;
  std::string nest_; ///< what has been written of the loop nests
  std::size_t depth_ = 1, counters_ = 0, mostCounters_ = 0;
  std::string reason_;
};

} // namespace

ScalarCoder::ScalarCoder(const ast::ScalarDeclaration &declaration, const Scope &home,
                         const ElaboratedArchitecture &architecture, SourceManager &sources,
                         DiagnosticEngine &diagnostics)
    : declaration_(declaration), home_(home), architecture_(architecture), sources_(sources),
      operations_(std::make_unique<const ScalarOperations>(declaration, sources)),
      valueCount_(countRegisters("values", diagnostics)),
      counterCount_(countRegisters("counters", diagnostics)) {}

ScalarCoder::~ScalarCoder() = default;

std::size_t ScalarCoder::countRegisters(const char *attribute,
                                        DiagnosticEngine &diagnostics) const {
  const ast::Expr *list = attributeOf(declaration_, attribute);
  if (list == nullptr)
    return 0;
  Evaluator evaluator(diagnostics);
  Scope scope(&home_);
  scope.declare(declaration_.architectureName, architecture_.instance);
  for (const ast::LetStatement *let : declaration_.lets)
    if (!evaluator.let(*let, scope))
      return 0;
  const auto value = evaluator.evaluate(*list, scope);
  if (!value)
    return 0;
  if (value->is(Value::Kind::List) || value->is(Value::Kind::Array))
    return value->elements().size();
  diagnostics.report(DiagnosticCode::WrongType, list->range, fmt::format("'{}'", attribute),
                     "a list of registers", value->typeName());
  return 0;
}

std::optional<ScalarCode> ScalarCoder::write(const workload::Workload &workload,
                                             const workload::Call &call,
                                             std::span<const std::size_t> stages,
                                             std::optional<workload::ElementType> elementType,
                                             std::string &reason) const {
  ScalarWriter writer(workload, call, declaration_, *operations_, sources_,
                      {valueCount_, counterCount_});
  auto code = writer.write(stages, elementType);
  if (!code)
    reason = writer.reason();
  return code;
}

std::string ScalarCoder::text(const ScalarCode &code, const std::string &name) const {
  std::string identifier = "scalar_" + name;
  for (char &letter : identifier)
    if (!llvm::isAlnum(letter) && letter != '_')
      letter = '_';
  return "program " + identifier + code.body;
}

std::optional<LoweredLayer> ScalarCoder::lower(const ScalarCode &code, const std::string &name,
                                               DiagnosticEngine &diagnostics) {
  const FileId file = sources_.addText(fmt::format("<scalar code of {}>", name), text(code, name));
  if (!file.isValid()) {
    diagnostics.report(DiagnosticCode::CannotReadFile, {}, name, "all texts together are too long");
    return std::nullopt;
  }
  const ast::SourceFile tree = parseAcadl(sources_, file, diagnostics);
  ACADLC_CHECK(tree.declarations.size() == 1 &&
                   ast::dynCast<ast::ProgramDeclaration>(tree.declarations[0]) != nullptr,
               "scalar code is no program");
  const auto &program = ast::cast<ast::ProgramDeclaration>(*tree.declarations[0]);
  auto layer = mapping::lower(program, architecture_, home_, sources_, diagnostics);
  if (!layer)
    return std::nullopt;
  layer->mapping = "scalar";
  for (Placement &placement : layer->placements)
    for (const ScalarCode::Tensor &tensor : code.tensors)
      if (placement.name == "buffer " + tensor.name) {
        placement.name = tensor.name;
        placement.tensor = tensor.tensor;
      }
  if (layer->totals.macs == code.macs)
    return layer;
  diagnostics
      .report(DiagnosticCode::WorkDiffers, declaration_.architecture.range, "scalar",
              fmt::format("{} MACs", layer->totals.macs), fmt::format("{} MACs", code.macs))
      .note(program.name.range, "what was emitted");
  return std::nullopt;
}

} // namespace acadlc::mapping
