#include "backend/mapping/ScalarCode.h"

#include "backend/mapping/ScalarNest.h"
#include "backend/mapping/ScalarOperations.h"
#include "backend/mapping/ScalarStage.h"
#include "frontend/acadl/syntax/Parser.h"
#include "support/InternalError.h"

#include <fmt/format.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringSet.h>

#include <algorithm>

namespace acadlc::mapping {

using workload::Axis;
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

/// Writes the program of some stages of a call.
class ScalarWriter {
public:
  ScalarWriter(const workload::Workload &workload, const workload::Call &call,
               const ast::ScalarDeclaration &declaration, const ScalarOperations &operations,
               const SourceManager &sources, std::size_t values, std::size_t counters)
      : workload_(workload), call_(call), declaration_(declaration), operations_(operations),
        sources_(sources), taken_(wordsOf(sources.textOf(declaration.range))) {
    registers_ = {freshName("value"), freshName("counter"), values, counters};
  }

  std::optional<ScalarCode> write(std::span<const std::size_t> stages,
                                  std::optional<workload::ElementType> elementType) {
    ScalarCode code;
    for (const std::size_t stage : stages) {
      const std::string &name = call_.computations[stage].name;
      const auto written = writeStage(stage);
      if (!written) {
        refusal_.reason = fmt::format("stage '{}': {}", name, refusal_.reason);
        return std::nullopt;
      }
      code.macs += written->macs;
      for (const std::string &assumption : written->assumptions)
        code.assumptions.push_back(fmt::format("stage '{}': {}", name, assumption));
    }
    code.body = header(elementType) + nest_ + "}\n";
    code.tensors = tensors_;
    return code;
  }

  [[nodiscard]] const ScalarRefusal &refusal() const { return refusal_; }

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
    list(registers_.values, "values");
    if (usesCounters_)
      list(registers_.counters, "counters");
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

  //===--- Stages ---------------------------------------------------------------------------===//

  static std::string oneLine(std::string text) {
    std::ranges::replace_if(text, [](char letter) { return letter < ' '; }, ' ');
    return text;
  }

  /// The stage, which is written behind those before it; nothing if it can't be done.
  std::optional<ScalarStage> writeStage(std::size_t index) {
    const Computation &computation = call_.computations[index];
    const ScalarStageContext context{
        workload_, call_, operations_,
        [this](workload::TensorRef tensor) { return tensorName(tensor); },
        [this](const Computation &asked) { return axisNames(asked); }};
    auto stage = readScalarStage(context, index, refusal_);
    if (!stage)
      return std::nullopt;
    const auto nest = writeScalarNest(*stage, operations_, registers_, refusal_.reason);
    refusal_.range = computation.range;
    if (!nest)
      return std::nullopt;
    nest_ += fmt::format("  // {}\n{}", oneLine(computation.name), nest->text);
    usesCounters_ |= nest->usesCounters;
    return stage;
  }

  const workload::Workload &workload_;
  const workload::Call &call_;
  const ast::ScalarDeclaration &declaration_;
  const ScalarOperations &operations_;
  const SourceManager &sources_;
  llvm::StringSet<> taken_;
  ScalarRegisters registers_;
  std::vector<ScalarCode::Tensor> tensors_;
  std::string nest_; ///< what has been written of the loop nests
  bool usesCounters_ = false;
  ScalarRefusal refusal_;
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
                                             ScalarRefusal &refusal) const {
  ScalarWriter writer(workload, call, declaration_, *operations_, sources_, valueCount_,
                      counterCount_);
  auto code = writer.write(stages, elementType);
  if (!code)
    refusal = writer.refusal();
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
