#include "api/ScalarLayers.h"

#include "structure/Analysis.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc {

namespace {

using workload::Call;
using workload::Combiner;
using workload::Computation;
using workload::Contraction;
using workload::FreeReason;

bool reads(const Computation &computation, workload::TensorRef tensor) {
  return std::ranges::any_of(computation.accesses, [&](const workload::Access &access) {
    return access.tensor == tensor;
  });
}

const Contraction *contractionAt(const Call &call, std::size_t stage) {
  const auto found = std::ranges::find(call.contractions, stage, &Contraction::computation);
  return found != call.contractions.end() ? &*found : nullptr;
}

/// The stage that says most of what \p stages are: a sum of products, else the one with most
/// iterations.
std::size_t mainStage(const Call &call, std::span<const std::size_t> stages) {
  const auto weight = [&](std::size_t stage) {
    return std::pair(contractionAt(call, stage) != nullptr, call.computations[stage].points);
  };
  return *std::ranges::max_element(stages, {}, weight);
}

} // namespace

bool isPadding(const workload::Workload &workload, const Call &call,
               const Computation &computation) {
  return computation.accesses.size() == 1 &&
         workload::paddingOf(computation,
                             tensorOf(workload, call, computation.accesses[0].tensor).shape,
                             tensorOf(workload, call, computation.written).shape)
             .has_value();
}

ScalarLayers::ScalarLayers(const workload::Workload &workload, const LayerInputs &inputs,
                           SourceManager &sources, DiagnosticEngine &diagnostics)
    : workload_(workload), inputs_(inputs), sources_(sources),
      coder_(*inputs.scalar->declaration, *inputs.scalar->home, inputs.architecture, sources,
             diagnostics) {}

/// Runs of stages with no mapped stage between them.
std::vector<std::vector<std::size_t>>
ScalarLayers::stagesOf(const Call &call, const std::set<std::size_t> &mapped,
                       const std::set<std::size_t> &absorbed) const {
  std::set<std::size_t> partOfReads;
  for (std::size_t i = call.computations.size(); i-- > 0 && !mapped.empty();) {
    const Computation &computation = call.computations[i];
    if (mapped.contains(i) || !isPadding(workload_, call, computation))
      continue;
    bool isRead = false, isReadByOthers = false;
    for (std::size_t reader = i + 1; reader < call.computations.size(); ++reader)
      if (reads(call.computations[reader], computation.written)) {
        isRead = true;
        isReadByOthers |= !mapped.contains(reader) && !partOfReads.contains(reader);
      }
    if (isRead && !isReadByOthers)
      partOfReads.insert(i);
  }
  std::vector<std::vector<std::size_t>> runs(1);
  for (std::size_t i = 0; i < call.computations.size(); ++i) {
    if (mapped.contains(i))
      runs.emplace_back();
    else if (call.computations[i].freeReason == FreeReason::None && !absorbed.contains(i) &&
             !partOfReads.contains(i))
      runs.back().push_back(i);
  }
  std::erase_if(runs, [](const auto &run) { return run.empty(); });
  return runs;
}

ScalarLayers::Result ScalarLayers::make(const Call &call, const std::set<std::size_t> &mapped,
                                        const std::set<std::size_t> &absorbed,
                                        DiagnosticEngine &diagnostics) {
  Result result;
  const auto runs = stagesOf(call, mapped, absorbed);
  for (const std::vector<std::size_t> &run : runs) {
    mapping::ScalarRefusal refusal;
    const auto code = coder_.write(workload_, call, run, inputs_.elementType, refusal);
    if (!code) {
      if (result.refusal.reason.empty())
        result.refusal = std::move(refusal);
      result.uncounted.insert(result.uncounted.end(), run.begin(), run.end());
      continue;
    }
    Layer layer;
    layer.range = call.range;
    layer.estimate = describe(call, run, *code);
    const bool isWhole = mapped.empty() && runs.size() == 1;
    if (!isWhole)
      layer.estimate.name = fmt::format("{}.{}", call.name, call.computations[run.front()].name);
    const auto [entry, isNew] = lowered_.try_emplace(code->body);
    if (isNew)
      if (auto lowered = coder_.lower(*code, layer.estimate.name, diagnostics))
        entry->second = std::make_shared<const mapping::LoweredLayer>(std::move(*lowered));
    layer.lowered = entry->second;
    layer.scalarText = coder_.text(*code, layer.estimate.name);
    result.layers.push_back({run.front(), std::move(layer)});
  }
  return result;
}

analysis::LayerEstimate ScalarLayers::describe(const Call &call,
                                               std::span<const std::size_t> stages,
                                               const mapping::ScalarCode &code) const {
  analysis::LayerEstimate estimate;
  estimate.name = call.name;
  const std::size_t main = mainStage(call, stages);
  const Contraction *contraction = contractionAt(call, main);
  const bool isReduction = std::ranges::any_of(stages, [&](std::size_t stage) {
    return call.computations[stage].combiner != Combiner::None;
  });
  // What is fused behind a sum of products is not called like that.
  const auto kind = contraction != nullptr      ? contraction->kind
                    : call.contractions.empty() ? call.kind
                    : isReduction               ? workload::OperatorKind::Reduction
                                                : workload::OperatorKind::ElementWise;
  estimate.operatorName = workload::operatorName(kind);
  estimate.mapping = "scalar";
  estimate.mappingPlace = placeOf(coder_.declaration().range, sources_);
  estimate.macs = code.macs;
  estimate.assumptions = code.assumptions;
  for (const workload::Axis &axis : call.computations[main].axes)
    if (axis.extent != 1)
      estimate.dimensions.push_back(
          {axis.name.starts_with("v_") ? axis.name.substr(2) : axis.name, axis.extent});
  for (const mapping::ScalarCode::Tensor &tensor : code.tensors) {
    const workload::Tensor &declared = tensorOf(workload_, call, tensor.tensor);
    estimate.tensors.push_back({tensor.name, declared.name, declared.elementType.name(),
                                inputs_.elementType.value_or(declared.elementType).name(),
                                declared.shape});
  }
  return estimate;
}

} // namespace acadlc
