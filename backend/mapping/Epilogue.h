/// \file
/// What of a mapping's `then` the network does behind a contraction, and so is absorbed.
#pragma once

#include "backend/mapping/Blocks.h"
#include "backend/mapping/Match.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace acadlc::mapping {

/// The result of the contraction as a match has bound it.
struct EpilogueContext {
  const ast::MappingDeclaration &mapping;
  const workload::Workload &workload;
  const workload::TensorUses *uses; ///< of all its tensors; null if they are not known yet
  const workload::Call &call;
  const JoinedContraction &joined; ///< as it was matched
  /// Value of an argument of a step, `max_pool(P)`; none if it has none.
  std::function<std::optional<double>(const ast::Expr &)> number;
};

/// Absorbs the longest part of the chain behind the contraction that the steps of the mapping's
/// `then` cover in their order; of a later call a part may be left. Adds the present steps and
/// their tensors to \p match, whose result becomes the tensor behind the last of them. Returns the
/// first demanded step that the network does not have; null if there is none.
const ast::EpilogueStep *absorb(const EpilogueContext &context, Match &match);

/// "bias", "relu": by what `present` asks for a step.
std::string stepName(const ast::EpilogueStep &step);

} // namespace acadlc::mapping
