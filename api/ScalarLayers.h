/// \file
/// Layers of scalar code: stages of a network that no mapping computes, on an architecture that has
/// a `scalar` declaration.
#pragma once

#include "api/Layers.h"
#include "backend/mapping/ScalarCode.h"

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace acadlc {

class ScalarLayers {
public:
  /// \p diagnostics gets what is wrong with the declaration's lists of registers.
  ScalarLayers(const workload::Workload &workload, const LayerInputs &inputs,
               SourceManager &sources, DiagnosticEngine &diagnostics);

  struct Result {
    /// In execution order; `stage` is the first of the call that the layer computes.
    struct Entry {
      std::size_t stage = 0;
      Layer layer;
    };
    std::vector<Entry> layers;
    std::vector<std::size_t> uncounted; ///< stages that can't be done
    mapping::ScalarRefusal refusal;     ///< why the first of them can't; else empty
  };
  /// What is left of \p call: all stages that take time but those of \p mapped, which mappings
  /// compute, and of \p absorbed. Padding that only mapped stages read is part of their reads.
  Result make(const workload::Call &call, const std::set<std::size_t> &mapped,
              const std::set<std::size_t> &absorbed, DiagnosticEngine &diagnostics);

private:
  [[nodiscard]] std::vector<std::vector<std::size_t>>
  stagesOf(const workload::Call &call, const std::set<std::size_t> &mapped,
           const std::set<std::size_t> &absorbed) const;
  [[nodiscard]] analysis::LayerEstimate describe(const workload::Call &call,
                                                 std::span<const std::size_t> stages,
                                                 const mapping::ScalarCode &code) const;

  const workload::Workload &workload_;
  const LayerInputs &inputs_;
  SourceManager &sources_;
  mapping::ScalarCoder coder_;
  std::map<std::string, std::shared_ptr<const mapping::LoweredLayer>> lowered_; ///< by text
};

/// Whether \p computation does nothing but copy or pad a tensor, which is part of what reads it.
bool isPadding(const workload::Workload &workload, const workload::Call &call,
               const workload::Computation &computation);

} // namespace acadlc
