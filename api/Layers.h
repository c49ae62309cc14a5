/// \file
/// From a network to the streams of its layers: every operator finds its mapping and is lowered.
#pragma once

#include "api/Description.h"
#include "backend/analysis/NetworkEstimate.h"
#include "backend/mapping/Lower.h"
#include "backend/mapping/Match.h"
#include "backend/timing/Evaluation.h"
#include "frontend/acadl/elaboration/Elaborate.h"
#include "ir/Workload.h"
#include "support/Diagnostics.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace acadlc {

/// A stream whose time is wanted, with what the report says of it.
struct Layer {
  analysis::LayerEstimate estimate; ///< without the time
  /// Layers of equal shape share one.
  std::shared_ptr<const mapping::LoweredLayer> lowered;
  SourceRange range;      ///< for messages: the call, or the program's name
  std::string scalarText; ///< the program that a layer of scalar code is; else empty
  /// Of its stream, once it has been evaluated. Layers of equal shape share one.
  std::shared_ptr<const timing::Evaluation> evaluation = nullptr;
};

/// A network taken apart.
struct LayerList {
  std::vector<Layer> layers; ///< in execution order
  std::vector<analysis::UnmappedOperator> unmapped;
  std::vector<analysis::FreeCall> free;
  analysis::Coverage coverage;
  std::vector<Layer> others; ///< of calls that are not meant, as far as they could be lowered
};

struct LayerInputs {
  const ElaboratedArchitecture &architecture;
  std::vector<Declared<ast::MappingDeclaration>> mappings;
  std::vector<const ast::PreferDeclaration *> preferences;
  std::optional<Declared<ast::ScalarDeclaration>> scalar; ///< what runs what no mapping computes
  std::span<const ParameterOverride> overrides;           ///< `mapping.name=value`
  std::span<const mapping::ForcedMapping> forced;
  std::optional<workload::ElementType> elementType;
  bool strict = false;
  /// The call of the network that is meant. Nothing is reported or counted of other calls; they are
  /// lowered all the same, since the peak of the architecture is that of all. Empty: all calls are
  /// meant.
  std::string onlyCall;
  /// The layer of that call that is meant, "conv.T_add"; empty, or the call's name: all of them.
  std::string onlyLayer;
};

/// Maps and lowers all calls of \p workload. What is wrong with any of them is reported; the list
/// is complete only if nothing was.
LayerList makeLayers(const workload::Workload &workload, const LayerInputs &inputs,
                     SourceManager &sources, DiagnosticEngine &diagnostics);

/// Lowers \p program; nothing if there was an error.
std::optional<Layer> makeProgramLayer(const Declared<ast::ProgramDeclaration> &program,
                                      const ElaboratedArchitecture &architecture,
                                      std::span<const ParameterOverride> overrides,
                                      SourceManager &sources, DiagnosticEngine &diagnostics);

/// Where \p range begins; no file if it is not valid.
analysis::SourceLine lineOf(SourceRange range, const SourceManager &sources);
/// "arch.acadl:120"
std::string placeOf(SourceRange range, const SourceManager &sources);

} // namespace acadlc
