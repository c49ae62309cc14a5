#include "api/Layers.h"

#include "api/ScalarLayers.h"
#include "backend/mapping/Epilogue.h"
#include "backend/mapping/Header.h"
#include "structure/ReductionBody.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace acadlc {

namespace {

using mapping::Choice;
using mapping::Match;
using workload::Call;
using workload::Computation;
using workload::Contraction;
using workload::FreeReason;
using workload::Workload;

/// What the stream of a match depends on: equal keys, equal streams. Names and tensors of the
/// network do not count, only shapes and which of them are the same tensor.
std::string streamKey(const Match &match) {
  std::string key = fmt::format("{}", static_cast<const void *>(match.mapping));
  for (const mapping::IndexBinding &index : match.indices)
    key += fmt::format(" {}={}", index.name, index.extent);
  for (const mapping::CoefficientBinding &coefficient : match.coefficients)
    key += fmt::format(" {}={}{}", coefficient.name, coefficient.value,
                       coefficient.isDetermined ? "" : "?");
  for (const mapping::AbsorbedStep &step : match.absorbed)
    key += " +" + step.name;
  for (const mapping::TensorBinding &tensor : match.tensors) {
    const auto same =
        std::find_if(match.tensors.begin(), match.tensors.end(),
                     [&](const auto &other) { return other.tensor == tensor.tensor; });
    key += fmt::format(" {}:{}:{}{}", tensor.name, same - match.tensors.begin(),
                       tensor.elementType.name(), tensor.isZeroOutside ? "z" : "");
    for (const mapping::BoundDimension &dimension : tensor.dimensions)
      key += dimension.source ? fmt::format(",{}", *dimension.source) : ",-";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i)
      key += fmt::format("[{}+{}+{}]", tensor.before[i], tensor.shape[i], tensor.after[i]);
  }
  return key;
}

constexpr std::string_view conditionAssumption =
    "products stand under a condition; all of its iterations are computed and counted, as if it "
    "held always";

class LayerMaker {
public:
  LayerMaker(const Workload &workload, const LayerInputs &inputs, SourceManager &sources,
             DiagnosticEngine &diagnostics)
      : workload_(workload), uses_(workload), inputs_(inputs), sources_(sources),
        wanted_(diagnostics) {
    for (const auto &mapping : inputs_.mappings)
      mappings_.push_back(mapping.declaration);
    addsTensors_ = std::any_of(mappings_.begin(), mappings_.end(), isElementWiseSum);
    if (inputs_.scalar)
      scalar_.emplace(workload_, inputs_, sources_, wanted_);
  }

  LayerList make() {
    for (const Call &call : workload_.calls) {
      const bool isMeant = inputs_.onlyCall.empty() || inputs_.onlyCall == call.name;
      diagnostics_ = isMeant ? &wanted_ : &unwanted_;
      list_ = isMeant ? &meant_ : &others_;
      addCall(call);
    }
    meant_.others = std::move(others_.layers);
    leaveOneLayer();
    return std::move(meant_);
  }

private:
  /// Of a call with several layers, the one that is meant.
  void leaveOneLayer() {
    if (inputs_.onlyLayer.empty() || inputs_.onlyLayer == inputs_.onlyCall)
      return;
    std::vector<Layer> all = std::move(meant_.layers);
    meant_.layers.clear();
    for (Layer &layer : all)
      (layer.estimate.name == inputs_.onlyLayer ? meant_.layers : meant_.others)
          .push_back(std::move(layer));
    std::erase_if(meant_.unmapped, [&](const analysis::UnmappedOperator &entry) {
      return entry.name != inputs_.onlyLayer;
    });
  }

  void addCall(const Call &call) {
    if (call.freeReason != FreeReason::None) {
      list_->free.push_back({call.name, std::string(freeReasonName(call.freeReason))});
      return;
    }
    const auto absorbed = absorbedBy_.find(&call);
    if (absorbed != absorbedBy_.end() && !inputs_.onlyCall.empty()) {
      list_->free.push_back({call.name, fmt::format("part of layer '{}'", absorbed->second)});
      return;
    }
    const std::size_t layers = list_->layers.size();
    const std::size_t unmapped = list_->unmapped.size();
    list_->coverage.macs.total += call.macs;
    const bool isCovered = coverCall(call, absorbed);
    countOperators(call, list_->layers.size() - layers, list_->unmapped.size() - unmapped);
    list_->coverage.calls.total += 1;
    list_->coverage.calls.covered += isCovered ? 1 : 0;
    countBytes(call, unmapped, isCovered);
  }

  using AbsorbedCall = std::map<const Call *, std::string>::const_iterator;

  /// Makes the layers of \p call; whether all of it is covered.
  bool coverCall(const Call &call, AbsorbedCall absorbed) {
    const std::int64_t bytes = call.bytesRead + call.bytesWritten;
    const bool isAbsorbed = absorbed != absorbedBy_.end();
    countWritten(call);
    const std::vector<const Contraction *> main = mainComputations(call, isAbsorbed);
    if (main.empty() && !isAbsorbed && !scalar_) {
      addUnmapped(call, call.name, call.kind, call.macs, bytes, whyNoProduct(call));
      return false;
    }
    bool covered = true;
    absorbedStages_ = absorbedParts_[&call];
    mappedStages_.clear();
    unmappedHere_.clear();
    const std::size_t first = list_->layers.size();
    const std::int64_t coveredMacs = list_->coverage.macs.covered;
    for (const Contraction *contraction : main)
      // A sum behind another one may be part of that one's layer.
      if (!absorbedStages_.contains(contraction->computation))
        covered =
            addContraction(call, *contraction, layerName(call, main, *contraction)) && covered;
    if (scalar_ && (!isAbsorbed || !unmappedHere_.empty())) {
      const std::vector<std::size_t> uncounted = addScalar(call, first, covered);
      // Scalar code multiplies and adds some products on its own, those of several tensors say.
      if (covered && uncounted.empty())
        list_->coverage.macs.covered = coveredMacs + call.macs;
      setUncounted(call, first, uncounted);
    } else {
      covered = addRest(call, first) && covered;
    }
    addArithmetic(call, main, first);
    return covered;
  }

  [[nodiscard]] static std::size_t mainOperators(const Call &call) {
    return static_cast<std::size_t>(std::ranges::count(call.operators, workload::OperatorPart::Main,
                                                       &workload::Operator::part));
  }

  /// Counts the operators of a call that has become so many layers and entries without a mapping.
  void countOperators(const Call &call, std::size_t layers, std::size_t unmapped) {
    // One operator can become several layers of scalar code.
    const std::size_t done = scalar_ ? std::min<std::size_t>(layers, 1) : layers;
    const std::size_t total = std::max({std::size_t{1}, mainOperators(call), done + unmapped});
    list_->coverage.operators.total += static_cast<std::int64_t>(total);
    list_->coverage.operators.covered += static_cast<std::int64_t>(total - unmapped);
  }

  /// Counts the bytes of \p call, whose entries without a mapping begin at \p firstUnmapped. Parts
  /// of a call with several main operators count as if they stood alone.
  void countBytes(const Call &call, std::size_t firstUnmapped, bool isCovered) {
    std::int64_t total = call.bytesRead + call.bytesWritten;
    std::int64_t covered = isCovered ? total : 0;
    if (mainOperators(call) > 1) {
      total = 0;
      for (const workload::Operator &found : call.operators)
        total += found.bytesRead + found.bytesWritten;
      covered = total;
      for (std::size_t i = firstUnmapped; i < list_->unmapped.size(); ++i)
        covered -= std::min(covered, list_->unmapped[i].bytes);
    }
    list_->coverage.bytes.total += total;
    list_->coverage.bytes.covered += covered;
  }

  /// What the operator with stage \p stage reads and writes: all of \p call if it is its only main
  /// one.
  [[nodiscard]] static std::int64_t bytesOf(const Call &call, std::size_t stage) {
    if (mainOperators(call) > 1)
      for (const workload::Operator &found : call.operators)
        if (std::ranges::find(found.stages, stage) != found.stages.end())
          return found.bytesRead + found.bytesWritten;
    return call.bytesRead + call.bytesWritten;
  }

  /// "conv", "conv[1]" where several of a kind stand in the call; a sum beside products has the
  /// name of its stage.
  [[nodiscard]] static std::string layerName(const Call &call,
                                             const std::vector<const Contraction *> &main,
                                             const Contraction &contraction) {
    if (isFusedSum(call, contraction))
      return fmt::format("{}.{}", call.name, call.computations[contraction.computation].name);
    std::size_t count = 0, place = 0;
    for (const Contraction *other : main) {
      if (isFusedSum(call, *other))
        continue;
      if (other == &contraction)
        place = count;
      ++count;
    }
    return count == 1 ? call.name : fmt::format("{}[{}]", call.name, place);
  }

  /// Whether \p contraction adds tensors in a call whose products matter more.
  [[nodiscard]] static bool isFusedSum(const Call &call, const Contraction &contraction) {
    return contraction.form == workload::ContractionForm::Sum && !call.contractions.empty();
  }

  /// Why a call without sums of products has no mapping.
  [[nodiscard]] static std::string whyNoProduct(const Call &call) {
    std::string detail;
    for (const Computation &computation : call.computations) {
      const workload::ValueExpr *value = computation.value.get();
      while (value != nullptr && value->kind == workload::ValueExpr::Kind::Cast)
        value = value->operands.front().get();
      const bool isProduct = value != nullptr && value->name == "*" &&
                             value->kind == workload::ValueExpr::Kind::Binary;
      if (!isProduct || computation.combiner == workload::Combiner::None)
        continue;
      switch (computation.combiner) {
      case workload::Combiner::Sum:
        detail = " (what it sums are no products of two tensors)";
        break;
      case workload::Combiner::Max:
        detail = " (it takes their maximum)";
        break;
      case workload::Combiner::Min:
        detail = " (it takes their minimum)";
        break;
      default:
        detail = " (it does not sum them)";
        break;
      }
    }
    return fmt::format("no sum of products{}, and no mapping absorbs it", detail);
  }

  void countWritten(const Call &call) {
    for (const Computation &computation : call.computations)
      if (computation.freeReason == FreeReason::None && !isPadding(workload_, call, computation))
        list_->coverage.writtenBytes += tensorOf(workload_, call, computation.written).byteCount();
  }

  /// What no mapping computes or absorbs beside the layers from \p first on: main operators, and
  /// the rest of an element-wise call, have no mapping; what is fused with products is not counted.
  /// False if the call is not covered therefore.
  bool addRest(const Call &call, std::size_t first) {
    if (first == list_->layers.size())
      return true;
    std::vector<std::size_t> rest = uncountedStages(call);
    bool covered = true;
    for (const workload::Operator &found : call.operators) {
      if (found.part != workload::OperatorPart::Main || isMapped(found))
        continue;
      std::size_t left = 0;
      for (const std::size_t stage : found.stages)
        left += std::erase(rest, stage);
      if (left == 0)
        continue;
      const std::string name =
          fmt::format("{}.{}", call.name, call.computations[found.stages.front()].name);
      addUnmapped(call, name, found.kind, found.macs, found.bytesRead + found.bytesWritten,
                  "no sum of products, and no mapping absorbs it");
      covered = false;
    }
    if (rest.empty() || !call.contractions.empty()) {
      setUncounted(call, first, rest);
      return covered;
    }
    addUnmapped(call, call.name, call.kind, 0, call.bytesRead + call.bytesWritten,
                fmt::format("no mapping computes or absorbs {}", stageNames(call, rest)));
    return false;
  }

  [[nodiscard]] bool isMapped(const workload::Operator &found) const {
    return std::ranges::any_of(found.stages,
                               [&](std::size_t stage) { return mappedStages_.contains(stage); });
  }

  /// Fused stages belong to the call, so its first layer names them.
  void setUncounted(const Call &call, std::size_t first, const std::vector<std::size_t> &stages) {
    if (first == list_->layers.size())
      return;
    for (const std::size_t stage : stages) {
      const Computation &computation = call.computations[stage];
      list_->layers[first].estimate.uncounted.push_back(computation.name);
      refuseUncounted(call, computation.name);
      list_->coverage.uncountedBytes += tensorOf(workload_, call, computation.written).byteCount();
    }
  }

  /// "'exp', 'add'"
  static std::string stageNames(const Call &call, const std::vector<std::size_t> &stages) {
    std::string names;
    for (const std::size_t stage : stages)
      names += fmt::format("{}'{}'", names.empty() ? "" : ", ", call.computations[stage].name);
    return names;
  }

  /// Adds scalar code for what is left of \p call behind the layers from \p first on; gives the
  /// stages that it can't do. Without any layer such a call is not covered.
  std::vector<std::size_t> addScalar(const Call &call, std::size_t first, bool &covered) {
    ScalarLayers::Result result =
        scalar_->make(call, mappedStages_, absorbedStages_, *diagnostics_);
    std::vector<ScalarLayers::Result::Entry> entries;
    auto mapped = mappedStages_.begin();
    for (std::size_t i = first; i < list_->layers.size(); ++i)
      entries.push_back({*mapped++, std::move(list_->layers[i])});
    list_->layers.resize(first);
    for (ScalarLayers::Result::Entry &entry : result.layers) {
      list_->coverage.macs.covered += entry.layer.estimate.macs;
      for (const auto &[stage, choice] : unmappedHere_)
        for (const mapping::Mismatch &mismatch : choice.mismatches)
          if (entry.layer.estimate.macs != 0)
            entry.layer.estimate.rejected.push_back(rejected(mismatch));
      entries.push_back(std::move(entry));
    }
    std::ranges::sort(entries, {}, &ScalarLayers::Result::Entry::stage);
    for (ScalarLayers::Result::Entry &entry : entries)
      list_->layers.push_back(std::move(entry.layer));
    const bool isLost =
        !result.uncounted.empty() && (mappedStages_.empty() || !unmappedHere_.empty());
    if (isLost) {
      std::string reason = "scalar code: " + result.refusal.reason;
      if (!unmappedHere_.empty() && !mappings_.empty())
        reason = whyUnmapped(unmappedHere_.begin()->second) + "; " + reason;
      addUnmapped(call, call.name, call.kind, call.macs, call.bytesRead + call.bytesWritten, reason,
                  unmappedHere_.empty() ? nullptr : &unmappedHere_.begin()->second,
                  result.refusal.range, result.refusal.range);
      covered = false;
    }
    return std::move(result.uncounted);
  }

  /// What of \p call becomes layers, in the order of its stages: its sums of products, and its
  /// element-wise sums if the architecture has a mapping for such and no other layer has done the
  /// call.
  [[nodiscard]] std::vector<const Contraction *> mainComputations(const Call &call,
                                                                  bool isAbsorbed) const {
    std::vector<const Contraction *> main;
    for (const Contraction &contraction : call.contractions)
      main.push_back(&contraction);
    if (isAbsorbed || !addsTensors_)
      return main;
    for (const Contraction &sum : call.sums)
      main.push_back(&sum);
    std::ranges::sort(main, {}, &Contraction::computation);
    return main;
  }

  static bool isElementWiseSum(const ast::MappingDeclaration *mapping) {
    mapping::HeaderProblem ignored; // a header that matches nothing is reported by `--check`
    const auto header = mapping::readHeader(*mapping, ignored);
    return header && header->form == workload::ContractionForm::Sum;
  }

  bool addContraction(const Call &call, const Contraction &contraction, const std::string &name) {
    const mapping::MatchOptions options{
        inputs_.elementType, &sources_, [this](const Match &match) { return guardHolds(match); },
        [this](const Match &match, const ast::Expr &expr) {
          return mapping::numberInHeader(expr, match, inputs_.architecture, homeOf(*match.mapping),
                                         *diagnostics_);
        },
        &uses_};
    const bool isFused = isFusedSum(call, contraction);
    const auto forced = forcedFor(call, isFused);
    Choice choice = mapping::chooseMapping(mappings_, inputs_.preferences, forced, workload_, call,
                                           contraction, options);
    const bool isUnmapped = choice.status == Choice::Status::Unmapped && choice.forced.empty();
    const bool isForcedScalar =
        choice.status == Choice::Status::UnknownForced && choice.forced == "scalar";
    // What is fused with a product is left to the rest of the call.
    if (isFused && (isUnmapped || (scalar_ && isForcedScalar)))
      return true;
    if (scalar_ && (isUnmapped || isForcedScalar)) {
      unmappedHere_.emplace(contraction.computation, std::move(choice));
      return true;
    }
    if (isUnmapped) {
      addUnmapped(call, name, contraction.kind, contraction.macs,
                  bytesOf(call, contraction.computation), whyUnmapped(choice), &choice,
                  call.computations[contraction.computation].range);
      return false;
    }
    if (choice.status != Choice::Status::Mapped) {
      mapping::reportChoice(choice, call, inputs_.architecture.graph.name, *diagnostics_);
      return false;
    }
    Layer layer;
    layer.range = call.range;
    layer.lowered = lower(*choice.match, call, name);
    describe(layer.estimate, name, call, contraction, choice);
    list_->layers.push_back(std::move(layer));
    mappedStages_.insert(contraction.computation);
    list_->coverage.macs.covered += contraction.macs;
    for (const std::size_t absorbed : choice.match->absorbedCalls)
      absorbedBy_.emplace(&workload_.calls[absorbed], name);
    for (const workload::StageRef part : choice.match->absorbedParts)
      absorbedParts_[&workload_.calls[part.call]].insert(part.stage);
    absorbedStages_.insert(choice.match->absorbedStages.begin(),
                           choice.match->absorbedStages.end());
    return true;
  }

  /// The mappings that `--mapping` says for computations of \p call. By its name the call's
  /// products are meant, not what is fused with them.
  [[nodiscard]] std::vector<mapping::ForcedMapping> forcedFor(const Call &call,
                                                              bool isFused) const {
    std::vector<mapping::ForcedMapping> forced(inputs_.forced.begin(), inputs_.forced.end());
    if (isFused)
      std::erase_if(forced,
                    [&](const mapping::ForcedMapping &entry) { return entry.layer == call.name; });
    return forced;
  }

  [[nodiscard]] std::string whyUnmapped(const Choice &choice) const {
    if (mappings_.empty())
      return fmt::format("'{}' has no mappings", inputs_.architecture.graph.name);
    if (choice.mismatches.empty())
      return "no mapping fits";
    const mapping::Mismatch &nearest = choice.mismatches.front();
    return fmt::format("nearest is '{}' ({}): {}", nearest.mapping->name.text.str(),
                       placeOf(nearest.range, sources_), nearest.reason);
  }

  [[nodiscard]] analysis::RejectedMapping rejected(const mapping::Mismatch &mismatch) const {
    return {mismatch.mapping->name.text.str(), mismatch.reason, lineOf(mismatch.range, sources_)};
  }

  void addUnmapped(const Call &call, const std::string &name, workload::OperatorKind kind,
                   std::int64_t macs, std::int64_t bytes, const std::string &reason,
                   const Choice *choice = nullptr, SourceRange at = {},
                   SourceRange notScalar = {}) {
    const std::string operatorName(workload::operatorName(kind));
    analysis::UnmappedOperator &entry = list_->unmapped.emplace_back(
        analysis::UnmappedOperator{name,
                                   operatorName,
                                   reason,
                                   macs,
                                   bytes,
                                   lineOf(at.isValid() ? at : call.range, sources_),
                                   {},
                                   {}});
    if (choice != nullptr && !choice->mismatches.empty()) {
      const mapping::Mismatch &nearest = choice->mismatches.front();
      entry.nearest = nearest.mapping->name.text.str();
      entry.nearestPlace = lineOf(nearest.range, sources_);
    }
    if (!inputs_.strict)
      return;
    auto report = diagnostics_->report(DiagnosticCode::OperatorNotCovered, call.range, operatorName,
                                       name, reason);
    if (notScalar.isValid())
      report.note(notScalar, "what scalar code can't do");
    if (choice != nullptr)
      for (const mapping::Mismatch &mismatch : choice->mismatches)
        report.note(mismatch.range,
                    fmt::format("'{}' does not fit: {}", mismatch.mapping->name.text.str(),
                                mismatch.reason));
  }

  /// Layers of equal shape ask once, so that an error is reported once.
  bool guardHolds(const Match &match) {
    const auto [entry, isNew] = guards_.try_emplace(streamKey(match));
    if (isNew)
      entry->second =
          mapping::guardHolds(match, inputs_.architecture, homeOf(*match.mapping), *diagnostics_);
    return entry->second;
  }

  /// What is wrong says which layer it was; those of equal shape are not lowered again.
  std::shared_ptr<const mapping::LoweredLayer> lower(const Match &match, const Call &call,
                                                     const std::string &name) {
    const auto [entry, isNew] = lowered_.try_emplace(streamKey(match));
    if (!isNew)
      return entry->second;
    DiagnosticEngine problems;
    if (auto layer = mapping::lower(match, inputs_.architecture, homeOf(*match.mapping), sources_,
                                    problems, {inputs_.overrides, {}}))
      entry->second = std::make_shared<const mapping::LoweredLayer>(std::move(*layer));
    diagnostics_->append(problems, {call.range, shapeOf(match, name)});
    return entry->second;
  }

  /// "layer 'fc1', which 'matmul' computes with M = 1, N = 120, K = 400"
  static std::string shapeOf(const Match &match, const std::string &name) {
    std::string extents;
    for (const mapping::IndexBinding &index : match.indices)
      extents +=
          fmt::format("{}{} = {}", extents.empty() ? "" : ", ", index.extentName, index.extent);
    return fmt::format("layer '{}', which '{}' computes with {}", name,
                       match.mapping->name.text.str(), extents);
  }

  [[nodiscard]] const Scope &homeOf(const ast::MappingDeclaration &mapping) const {
    for (const auto &declared : inputs_.mappings)
      if (declared.declaration == &mapping)
        return *declared.home;
    throw InternalError("a match names a mapping that was not offered");
  }

  static analysis::TensorLayout layoutOf(const mapping::TensorBinding &tensor) {
    if (tensor.isBlocked)
      return analysis::TensorLayout::Blocked;
    return tensor.isReordered() ? analysis::TensorLayout::Reordered
                                : analysis::TensorLayout::AsInHeader;
  }

  void describe(analysis::LayerEstimate &estimate, const std::string &name, const Call &call,
                const Contraction &contraction, const Choice &choice) const {
    const Match &match = *choice.match;
    estimate.name = name;
    estimate.operatorName = workload::operatorName(contraction.kind);
    estimate.mapping = match.mapping->name.text.str();
    estimate.mappingPlace = placeOf(match.mapping->name.range, sources_);
    estimate.macs = contraction.macs;
    if (workload::isConditional(call.computations[contraction.computation], contraction))
      estimate.assumptions.emplace_back(conditionAssumption);
    for (const mapping::IndexBinding &index : match.indices)
      estimate.dimensions.push_back({index.extentName, index.extent});
    for (const mapping::CoefficientBinding &coefficient : match.coefficients)
      estimate.coefficients.push_back({coefficient.name, coefficient.value});
    for (const mapping::TensorBinding &tensor : match.tensors)
      estimate.tensors.push_back(
          {tensor.name, tensor.tensorName, tensor.declared.name(), tensor.elementType.name(),
           tensorOf(workload_, call, tensor.tensor).shape, layoutOf(tensor)});
    for (const mapping::AbsorbedStep &step : match.absorbed)
      estimate.absorbed.push_back({workload_.calls[step.call].name, step.name});
    for (const ast::EpilogueStep &step : match.mapping->epilogue)
      if (const std::string present = mapping::stepName(step);
          std::ranges::count(match.absorbed, present, &mapping::AbsorbedStep::name) == 0)
        estimate.absent.push_back(present);
    estimate.absorptionEnd = match.absorptionEnd;
    for (const mapping::Mismatch &mismatch : choice.mismatches)
      estimate.rejected.push_back(rejected(mismatch));
  }

  /// Stages of a covered call that take time and that no mapping computes or absorbs.
  [[nodiscard]] std::vector<std::size_t> uncountedStages(const Call &call) const {
    const auto isContraction = [&](std::size_t stage) {
      return std::ranges::count(call.contractions, stage, &Contraction::computation) != 0;
    };
    std::vector<std::size_t> stages;
    for (std::size_t i = 0; i < call.computations.size(); ++i) {
      const Computation &computation = call.computations[i];
      if (computation.freeReason == FreeReason::None && !isContraction(i) &&
          !mappedStages_.contains(i) && !absorbedStages_.contains(i) &&
          !isPadding(workload_, call, computation))
        stages.push_back(i);
    }
    return stages;
  }

  /// What the text does to factors of \p main that mappings multiply as they are: named by the
  /// first layer of the call.
  void addArithmetic(const Call &call, const std::vector<const Contraction *> &main,
                     std::size_t first) const {
    if (first == list_->layers.size())
      return;
    std::vector<std::string> &names = list_->layers[first].estimate.uncounted;
    for (const Contraction *contraction : main) {
      if (!mappedStages_.contains(contraction->computation))
        continue;
      const std::size_t before = names.size();
      if (contraction->hasZeroPoints)
        names.emplace_back("zero points");
      if (contraction->isScaled)
        names.emplace_back("scale");
      if (contraction->isComputed)
        names.emplace_back("computed factor");
      if (workload::startsFromData(call.computations[contraction->computation]))
        names.emplace_back("initial values");
      for (std::size_t i = before; i < names.size(); ++i)
        refuseUncounted(call, names[i]);
    }
  }

  /// With `--strict`, what a covered call computes besides and nobody counts is an error.
  void refuseUncounted(const Call &call, const std::string &what) const {
    if (inputs_.strict)
      diagnostics_->report(DiagnosticCode::OperatorNotCovered, call.range,
                           std::string(workload::operatorName(call.kind)),
                           fmt::format("{}.{}", call.name, what),
                           "it is fused with the layer, and no mapping absorbs it");
  }

  const Workload &workload_;
  workload::TensorUses uses_; ///< of all its tensors
  const LayerInputs &inputs_;
  SourceManager &sources_;
  DiagnosticEngine &wanted_;
  DiagnosticEngine unwanted_;
  DiagnosticEngine *diagnostics_ = nullptr; ///< one of both
  std::vector<const ast::MappingDeclaration *> mappings_;
  bool addsTensors_ = false; ///< a mapping computes element-wise sums
  std::map<std::string, std::shared_ptr<const mapping::LoweredLayer>> lowered_; ///< by stream key
  std::map<std::string, bool> guards_;                                          ///< by stream key
  std::map<const Call *, std::string> absorbedBy_; ///< calls that a layer absorbs, with its name
  /// Stages of calls of which a layer before absorbs a part.
  std::map<const Call *, std::set<std::size_t>> absorbedParts_;
  std::set<std::size_t> absorbedStages_;       ///< of the call under way
  std::set<std::size_t> mappedStages_;         ///< likewise: those that mappings compute
  std::map<std::size_t, Choice> unmappedHere_; ///< likewise: sums of products without a mapping
  std::optional<ScalarLayers> scalar_;         ///< if the architecture has scalar code
  LayerList meant_, others_;
  LayerList *list_ = nullptr; ///< one of both
};

} // namespace

LayerList makeLayers(const Workload &workload, const LayerInputs &inputs, SourceManager &sources,
                     DiagnosticEngine &diagnostics) {
  LayerList list = LayerMaker(workload, inputs, sources, diagnostics).make();
  for (Layer &layer : list.layers)
    if (layer.lowered)
      layer.estimate.parameters = layer.lowered->parameters;
  return list;
}

std::optional<Layer> makeProgramLayer(const Declared<ast::ProgramDeclaration> &program,
                                      const ElaboratedArchitecture &architecture,
                                      std::span<const ParameterOverride> overrides,
                                      SourceManager &sources, DiagnosticEngine &diagnostics) {
  auto lowered = mapping::lower(*program.declaration, architecture, *program.home, sources,
                                diagnostics, {overrides, {}});
  if (!lowered)
    return std::nullopt;
  Layer layer;
  layer.range = program.declaration->name.range;
  layer.estimate.name = program.declaration->name.text.str();
  layer.estimate.operatorName = "program";
  layer.estimate.macs = lowered->totals.macs;
  layer.estimate.parameters = lowered->parameters;
  layer.lowered = std::make_shared<const mapping::LoweredLayer>(std::move(*lowered));
  return layer;
}

analysis::SourceLine lineOf(SourceRange range, const SourceManager &sources) {
  if (!range.isValid())
    return {};
  return {std::string(sources.name(sources.fileOf(range.begin))),
          std::int64_t{sources.lineColumn(range.begin).line} + 1};
}

std::string placeOf(SourceRange range, const SourceManager &sources) {
  return lineOf(range, sources).text();
}

} // namespace acadlc
