/// \file
/// Which mapping computes a contraction of the network, and how: header against loop nest.
///
/// Matching compares structure, never names. The header's indices are assigned to axes of the loop
/// nest, one axis each, output indices to spatial axes and reduced ones to reduction axes, so that
/// the index expressions of every tensor agree dimension by dimension as affine forms. The
/// dimensions of a header's tensor may stand in another order than those of the network's tensor;
/// not so for element-wise sums. What fits no mapping is tried with its blocks joined (Blocks.h).
#pragma once

#include "frontend/acadl/syntax/Ast.h"
#include "ir/Workload.h"
#include "structure/Chain.h"
#include "support/Diagnostics.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace acadlc::mapping {

/// A dimension of a header's tensor, in terms of the network's tensor.
struct BoundDimension {
  /// The dimension of the network's tensor; none: it has no counterpart and its index is always 0.
  std::optional<std::uint32_t> source;
};

/// A tensor of a header and the tensor of the network that stands for it.
struct TensorBinding {
  std::string name;           ///< in the header
  workload::TensorRef tensor; ///< in the network
  std::string tensorName;     ///< in the network, for people
  bool isResult = false;
  bool isZeroOutside = false;        ///< the header says `zero outside`
  workload::ElementType declared;    ///< as the network says
  workload::ElementType elementType; ///< as the mapping reads it (`x as y`, or the run's option)
  std::vector<BoundDimension> dimensions; ///< one per dimension of the header's access
  /// The network's tensor lies in blocks (Blocks.h), and is taken as if it did not.
  bool isBlocked = false;
  // Of the network's tensor, one per dimension of it (of Contraction::Operand::shape):
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> before, after; ///< padding that the operator reads around it
  /// Whether the dimensions that are larger than 1 lie in another order in memory than the header
  /// has them.
  [[nodiscard]] bool isReordered() const;
};

/// An index of a header with the extent that the network gives it.
struct IndexBinding {
  std::string name, extentName;
  std::int64_t extent = 1;
  std::optional<std::uint32_t> axis; ///< of the computation; none: no counterpart, extent 1
};

struct CoefficientBinding {
  std::string name;
  std::int64_t value = 0;
  bool isDetermined = false; ///< else nothing in the network says its value
};

/// A step of a mapping's `then` that the network has behind the contraction.
struct AbsorbedStep {
  std::string name;     ///< by which `present` asks for it: "bias", "relu"
  std::size_t call = 0; ///< index into Workload::calls of the call that does it
};

struct Match {
  const ast::MappingDeclaration *mapping = nullptr;
  std::vector<IndexBinding> indices;
  std::vector<CoefficientBinding> coefficients;
  /// The result, then the operands in the header's order, then those of the absorbed steps. The
  /// result is the tensor behind the last absorbed step; without any, what the contraction writes.
  std::vector<TensorBinding> tensors;
  std::vector<AbsorbedStep> absorbed;      ///< in their order
  std::vector<std::size_t> absorbedCalls;  ///< calls behind the contraction's that are done with
  std::vector<std::size_t> absorbedStages; ///< stages of the contraction's call
  /// Stages of calls behind the contraction's of which a part is left.
  std::vector<workload::StageRef> absorbedParts;
  std::string absorptionEnd;     ///< why no more is absorbed: a clause; empty without `then`
  std::uint32_t unitIndices = 0; ///< indices without a counterpart
  workload::ContractionForm form = workload::ContractionForm::SumOfProducts; ///< of the contraction
  std::int64_t macs = 0;                                                     ///< likewise
};

enum class MismatchKind : std::uint8_t {
  UnsupportedHeader, ///< no sum (of products) of two tensors, or index expressions beyond affine
  Form,              ///< the header is a sum of products, the operator an element-wise sum, or so
  RequiredEpilogue,  ///< the network has not got a `then` step that is not optional
  NotAffine,         ///< the operator's index expressions are not affine
  Structure,         ///< the index expressions of a tensor do not agree
  SharedAxis,        ///< an axis stands in all three tensors: depthwise or grouped
  Padding,           ///< the operator pads what the header does not declare `zero outside`
  ElementType,       ///< not among those it accepts
  Guard,             ///< all agrees, but its condition (`where`) does not hold
  TooComplex,        ///< the search was given up
};

/// Why a mapping does not fit.
struct Mismatch {
  const ast::MappingDeclaration *mapping = nullptr;
  MismatchKind kind{};
  std::string reason;         ///< a clause: "tensor I, dimension 1: …"
  SourceRange range;          ///< in the header
  std::uint32_t progress = 0; ///< how much agreed; the nearest mapping has most
  /// By how many the dimensions that windows slide over differ in number: a convolution is nearer
  /// to a convolution, a matrix product to a matrix product, whatever else agrees.
  std::uint32_t windowsApart = 0;
};

/// Whether \p left came nearer to fitting than \p right.
bool isNearer(const Mismatch &left, const Mismatch &right);

struct MatchOptions {
  /// Reads every tensor of the network as this element type.
  std::optional<workload::ElementType> elementType;
  /// The source texts, to quote header expressions in reasons; may be null.
  const SourceManager *sources = nullptr;
  // NOLINTBEGIN(readability-redundant-member-init): else designated initializers warn
  /// Whether the guard of a match holds. Asked of mappings that have one, once all else agrees;
  /// without it every guard holds.
  std::function<bool(const Match &)> guard = {};
  /// Value of an argument of a step (`max_pool(P)`) in the names of the match's header; none if it
  /// has none. Without it literals alone have one.
  std::function<std::optional<double>(const Match &, const ast::Expr &)> number = {};
  /// The uses of all tensors of the workload; null: each match that asks finds them out anew, which
  /// takes as long as the network is large.
  const workload::TensorUses *uses = nullptr;
  // NOLINTEND(readability-redundant-member-init)
};

/// The match, or why there is none.
struct MatchResult {
  std::optional<Match> match;
  Mismatch mismatch; ///< valid if there is no match
};
MatchResult matchContraction(const ast::MappingDeclaration &mapping,
                             const workload::Workload &workload, const workload::Call &call,
                             const workload::Contraction &contraction,
                             const MatchOptions &options = {});

/// `--mapping op=NAME`: op is an operator's name ("conv2d") or a layer's ("conv2d1").
struct ForcedMapping {
  std::string layer, mapping;
};

struct Choice {
  enum class Status : std::uint8_t { Mapped, Unmapped, Ambiguous, UnknownForced };
  Status status = Status::Unmapped;
  std::optional<Match> match;       ///< if mapped
  std::vector<Match> ambiguous;     ///< the equally good ones
  std::vector<Mismatch> mismatches; ///< nearest first
  std::string forced;               ///< the mapping that `--mapping` names for this layer, or empty
};

/// Chooses among \p mappings: fewest indices without counterpart, then `prefer`, then fewest
/// indices of one iteration, else ambiguous. Where none fits, blocks of the contraction's tensors
/// are joined (Blocks.h), as few as possible.
Choice chooseMapping(std::span<const ast::MappingDeclaration *const> mappings,
                     std::span<const ast::PreferDeclaration *const> preferences,
                     std::span<const ForcedMapping> forced, const workload::Workload &workload,
                     const workload::Call &call, const workload::Contraction &contraction,
                     const MatchOptions &options = {});

/// Reports a choice that is a mistake of the user's: ambiguous, or forced and not possible. A layer
/// that nothing fits (Unmapped without `forced`) is none: what to do is the caller's decision, and
/// `mismatches` says what came nearest.
void reportChoice(const Choice &choice, const workload::Call &call, const std::string &architecture,
                  DiagnosticEngine &diagnostics);

} // namespace acadlc::mapping
