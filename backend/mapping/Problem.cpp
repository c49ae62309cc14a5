#include "backend/mapping/Problem.h"

#include "backend/mapping/Header.h"
#include "structure/Analysis.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace acadlc::mapping {

using workload::ElementType;
using workload::IndexExpr;
using workload::IndexExprPtr;

struct Problem::State {
  Header header;
  ElementType declared;    ///< of all tensors
  ElementType elementType; ///< as the mapping reads the factors

  [[nodiscard]] std::array<const HeaderTensor *, 3> tensors() const {
    return {&header.result, &header.operands[0], &header.operands[1]};
  }
};

namespace {

/// The first type that \p mapping accepts, or \p wanted, which it must accept.
bool chooseElementType(const ast::MappingDeclaration &mapping, std::optional<ElementType> wanted,
                       ElementType &declared, ElementType &read, ProblemFailure &failure) {
  declared = wanted.value_or(ElementType{});
  read = declared;
  if (mapping.accepts.empty())
    return true;
  for (const ast::AcceptedElement &accepted : mapping.accepts) {
    const auto type = ElementType::fromName(accepted.element.text.str());
    if (!type || (wanted && *type != *wanted))
      continue;
    declared = *type;
    read = accepted.as.isValid() ? ElementType::fromName(accepted.as.text.str()).value_or(declared)
                                 : declared;
    return true;
  }
  failure = {fmt::format("it does not accept {}", declared.name()),
             mapping.accepts.front().element.range};
  return false;
}

/// What an index expression reaches, or nothing if that leaves 64 bits.
struct Reach {
  std::int64_t lowest = 0, highest = 0;

  bool add(std::int64_t factor, std::int64_t most) {
    const auto product = checkedMul(factor, most);
    const auto sum = product ? checkedAdd(*product < 0 ? lowest : highest, *product) : std::nullopt;
    if (!sum)
      return false;
    (*product < 0 ? lowest : highest) = *sum;
    return true;
  }
  bool shift(std::int64_t factor, std::int64_t value) {
    const auto product = checkedMul(factor, value);
    const auto low = product ? checkedAdd(lowest, *product) : std::nullopt;
    const auto high = product ? checkedAdd(highest, *product) : std::nullopt;
    if (!low || !high)
      return false;
    lowest = *low;
    highest = *high;
    return true;
  }
};

/// The tensors of a header for given numbers.
class TensorShaper {
public:
  TensorShaper(std::span<const std::int64_t> extents, std::span<const std::int64_t> coefficients,
               ProblemFailure &failure)
      : extents_(extents), coefficients_(coefficients), failure_(failure) {}

  bool shape(const HeaderTensor &tensor, TensorBinding &binding) {
    std::int64_t elements = 1;
    for (std::uint32_t i = 0; i < tensor.dimensions.size(); ++i) {
      if (!addDimension(tensor, tensor.dimensions[i], binding))
        return false;
      binding.dimensions.push_back({i});
      const auto product = checkedMul(elements, binding.shape.back());
      // Room for the bits of an element.
      if (!product || !checkedMul(*product, std::int64_t{128}))
        return fail(fmt::format("tensor '{}' would be too large", tensor.name.text.str()),
                    tensor.range);
      elements = *product;
    }
    return true;
  }

private:
  bool fail(std::string reason, SourceRange range) {
    failure_ = {std::move(reason), range};
    return false;
  }

  std::optional<Reach> reachOf(const HeaderDimension &dimension) const {
    Reach reach;
    bool fits = reach.shift(1, dimension.constant);
    for (const HeaderOffset &offset : dimension.offsets)
      fits = fits && reach.shift(offset.factor, coefficients_[offset.coefficient]);
    for (const HeaderTerm &term : dimension.terms) {
      const auto factor =
          checkedMul(term.factor, term.coefficient ? coefficients_[*term.coefficient] : 1);
      fits = fits && factor && reach.add(*factor, extents_[term.index] - 1);
    }
    return fits ? std::optional(reach) : std::nullopt;
  }

  bool addDimension(const HeaderTensor &tensor, const HeaderDimension &dimension,
                    TensorBinding &binding) {
    const auto reach = reachOf(dimension);
    const auto size = reach ? checkedAdd(reach->highest, 1) : std::nullopt;
    const auto negated = reach ? checkedSub(0, reach->lowest) : std::nullopt;
    const auto padding =
        negated ? std::optional(std::max<std::int64_t>(0, *negated)) : std::nullopt;
    const auto inside = size && padding ? checkedSub(*size, *padding) : std::nullopt;
    if (!inside)
      return fail(
          fmt::format("an index of tensor '{}' would leave 64 bits", tensor.name.text.str()),
          dimension.range);
    if (*padding > 0 && !tensor.isZeroOutside)
      return fail(fmt::format("tensor '{}' would be read at index {}", tensor.name.text.str(),
                              reach->lowest),
                  dimension.range);
    if (*inside < 1)
      return fail(fmt::format("nothing of tensor '{}' would be left within a padding of {}",
                              tensor.name.text.str(), *padding),
                  dimension.range);
    binding.shape.push_back(*inside);
    binding.before.push_back(*padding);
    binding.after.push_back(*padding);
    return true;
  }

  std::span<const std::int64_t> extents_, coefficients_;
  ProblemFailure &failure_;
};

//===--- As a network -------------------------------------------------------------------------===//

IndexExprPtr leaf(IndexExpr::Kind kind, std::int64_t value) {
  auto expr = std::make_shared<IndexExpr>();
  expr->kind = kind;
  expr->value = value;
  return expr;
}

IndexExprPtr node(IndexExpr::Kind kind, IndexExprPtr left, IndexExprPtr right) {
  auto expr = std::make_shared<IndexExpr>();
  expr->kind = kind;
  expr->size = left->size + right->size + 1;
  expr->left = std::move(left);
  expr->right = std::move(right);
  return expr;
}

/// \p dimension with every coefficient of an index as 1 and without offsets: what an operator is
/// called depends on neither.
IndexExprPtr indexOf(const HeaderDimension &dimension) {
  IndexExprPtr sum;
  for (const HeaderTerm &term : dimension.terms) {
    IndexExprPtr product = node(IndexExpr::Kind::Mul, leaf(IndexExpr::Kind::Axis, term.index),
                                leaf(IndexExpr::Kind::Constant, term.factor));
    sum = sum ? node(IndexExpr::Kind::Add, std::move(sum), std::move(product)) : product;
  }
  return sum ? sum : leaf(IndexExpr::Kind::Constant, 0);
}

std::vector<IndexExprPtr> indicesOf(const HeaderTensor &tensor) {
  std::vector<IndexExprPtr> indices;
  indices.reserve(tensor.dimensions.size());
  for (const HeaderDimension &dimension : tensor.dimensions)
    indices.push_back(indexOf(dimension));
  return indices;
}

workload::ValueExprPtr loadOf(std::size_t access) {
  auto expr = std::make_shared<workload::ValueExpr>();
  expr->kind = workload::ValueExpr::Kind::Load;
  expr->value = access;
  return expr;
}

/// A network of one call that computes what \p match of \p header does; operand \p weight is a
/// weight.
workload::Workload networkOf(const Header &header,
                             const std::array<const HeaderTensor *, 3> &tensors, const Match &match,
                             std::size_t weight) {
  workload::Workload network;
  workload::Call call;
  workload::Computation computation;
  for (std::uint32_t i = 0; i < tensors.size(); ++i) {
    workload::Tensor tensor;
    tensor.name = tensors[i]->name.text.str();
    tensor.shape = match.tensors[i].shape;
    tensor.origin =
        i == weight ? workload::TensorOrigin::Weight : workload::TensorOrigin::Activation;
    network.tensors.push_back(std::move(tensor));
    const workload::TensorRef reference{false, i};
    (i == 0 ? call.outputs : call.inputs).push_back(reference);
    if (i == 0) {
      computation.written = reference;
      computation.writeIndices = indicesOf(*tensors[i]);
    } else {
      computation.accesses.push_back({reference, indicesOf(*tensors[i]), {}});
    }
  }
  for (std::size_t i = 0; i < match.indices.size(); ++i) {
    const bool isReduced = match.mapping->indices[i].isReduction;
    computation.axes.push_back(
        {match.indices[i].name, match.indices[i].extent,
         isReduced ? workload::Axis::Kind::Reduction : workload::Axis::Kind::Spatial});
  }
  const bool isSum = header.form == workload::ContractionForm::Sum;
  computation.combiner = isSum ? workload::Combiner::None : workload::Combiner::Sum;
  for (const workload::Axis &axis : computation.axes)
    computation.points *= axis.extent;
  auto value = std::make_shared<workload::ValueExpr>();
  value->kind = workload::ValueExpr::Kind::Binary;
  value->name.push_back(isSum ? '+' : '*');
  value->operands = {loadOf(0), loadOf(1)};
  value->size = 3;
  computation.value = std::move(value);
  call.computations.push_back(std::move(computation));
  network.calls.push_back(std::move(call));
  return network;
}

} // namespace

//===--- Problem ------------------------------------------------------------------------------===//

std::optional<Problem> Problem::of(const ast::MappingDeclaration &mapping,
                                   std::optional<ElementType> elementType,
                                   ProblemFailure &failure) {
  HeaderProblem problem;
  auto header = readHeader(mapping, problem);
  if (!header) {
    failure = {problem.reason, problem.range};
    return std::nullopt;
  }
  for (const ast::EpilogueStep &step : mapping.epilogue)
    if (!step.isOptional) {
      failure = {header->form == workload::ContractionForm::Sum
                     ? "a step that is not optional follows the sum"
                     : "a step that is not optional follows the sum of products",
                 step.range};
      return std::nullopt;
    }
  auto state = std::make_shared<State>();
  state->header = std::move(*header);
  if (!chooseElementType(mapping, elementType, state->declared, state->elementType, failure))
    return std::nullopt;
  return Problem(std::move(state));
}

std::int64_t Problem::defaultCoefficient(std::size_t coefficient) const {
  for (const HeaderTensor *tensor : state_->tensors())
    for (const HeaderDimension &dimension : tensor->dimensions)
      for (const HeaderTerm &term : dimension.terms)
        if (term.coefficient == coefficient)
          return 1;
  return 0;
}

std::optional<Match> Problem::match(std::span<const std::int64_t> extents,
                                    std::span<const std::int64_t> coefficients,
                                    ProblemFailure &failure) const {
  const ast::MappingDeclaration &mapping = *state_->header.mapping;
  ACADLC_CHECK(extents.size() == mapping.indices.size() &&
                   coefficients.size() == mapping.coefficients.size(),
               "a number for everything that the header declares");
  Match match;
  match.mapping = &mapping;
  const bool isSum = state_->header.form == workload::ContractionForm::Sum;
  std::int64_t points = 1;
  for (std::uint32_t i = 0; i < extents.size(); ++i) {
    const ast::HeaderIndex &index = mapping.indices[i];
    const auto product = checkedMul(points, extents[i]);
    if (!product) {
      failure = {isSum ? "it has more than 2^63 - 1 additions"
                       : "it has more than 2^63 - 1 multiply-accumulates",
                 index.extent.range};
      return std::nullopt;
    }
    points = *product;
    match.indices.push_back({index.name.text.str(), index.extent.text.str(), extents[i], i});
  }
  match.form = state_->header.form;
  match.macs = isSum ? 0 : points;
  for (std::size_t i = 0; i < coefficients.size(); ++i)
    match.coefficients.push_back({mapping.coefficients[i].text.str(), coefficients[i], true});
  TensorShaper shaper(extents, coefficients, failure);
  for (const HeaderTensor *tensor : state_->tensors()) {
    TensorBinding binding;
    binding.name = tensor->name.text.str();
    binding.tensor = {false, static_cast<std::uint32_t>(match.tensors.size())};
    binding.tensorName = binding.name;
    binding.isResult = match.tensors.empty();
    binding.isZeroOutside = tensor->isZeroOutside;
    binding.declared = state_->declared;
    binding.elementType = state_->elementType;
    if (!shaper.shape(*tensor, binding))
      return std::nullopt;
    match.tensors.push_back(std::move(binding));
  }
  return match;
}

bool Problem::isCalled(std::string_view name) const {
  const ast::MappingDeclaration &mapping = *state_->header.mapping;
  // Large enough that no axis looks like one of another kind, and small enough for any rank.
  const std::vector<std::int64_t> extents(mapping.indices.size(), 3);
  std::vector<std::int64_t> coefficients(mapping.coefficients.size());
  for (std::size_t i = 0; i < coefficients.size(); ++i)
    coefficients[i] = defaultCoefficient(i);
  ProblemFailure ignored; // then it has no name either
  const auto example = match(extents, coefficients, ignored);
  if (!example)
    return false;
  for (const std::size_t weight : {0U, 1U, 2U}) { // 0: none of the operands
    workload::Workload network = networkOf(state_->header, state_->tensors(), *example, weight);
    if (workload::analyze(network))
      continue;
    if (workload::operatorName(network.calls.front().kind) == name)
      return true;
  }
  return false;
}

} // namespace acadlc::mapping
