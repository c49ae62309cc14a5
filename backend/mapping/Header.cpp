#include "backend/mapping/Header.h"

#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <array>

namespace acadlc::mapping {
namespace {

/// A product of an integer, at most one coefficient and at most one index.
struct Monomial {
  std::int64_t factor = 1;
  std::optional<std::uint32_t> coefficient, index;
};

class HeaderReader {
public:
  HeaderReader(const ast::MappingDeclaration &mapping, HeaderProblem &problem)
      : mapping_(mapping), problem_(problem) {}

  std::optional<Header> read() {
    const bool isSum = mapping_.assign == ast::AssignOperator::Assign;
    if (!isSum && mapping_.assign != ast::AssignOperator::Sum)
      return fail<Header>("only sums of products (`+=`) and element-wise sums (`=`) are matched "
                          "with operators",
                          mapping_.range);
    const auto *value = ast::dynCast<ast::BinaryExpr>(mapping_.value);
    const auto wanted = isSum ? ast::BinaryOperator::Add : ast::BinaryOperator::Multiply;
    if (value == nullptr || value->op != wanted)
      return fail<Header>(isSum ? "behind `=` only sums of two tensors are matched with operators"
                                : "only products of two tensors are matched with operators",
                          mapping_.value != nullptr ? mapping_.value->range : mapping_.range);
    Header header;
    header.mapping = &mapping_;
    header.form = isSum ? workload::ContractionForm::Sum : workload::ContractionForm::SumOfProducts;
    auto result =
        readTensor(mapping_.result.tensor, mapping_.result.indices, mapping_.result.range);
    if (!result)
      return std::nullopt;
    header.result = std::move(*result);
    for (const ast::Expr *expr : {value->left, value->right}) {
      auto operand = readOperand(expr, isSum);
      if (!operand)
        return std::nullopt;
      header.operands.push_back(std::move(*operand));
    }
    if (header.operands[0].name.text == header.operands[1].name.text)
      return fail<Header>(isSum ? "both summands are the same tensor"
                                : "both factors are the same tensor",
                          value->range);
    return header;
  }

private:
  template <typename T> std::optional<T> fail(std::string reason, SourceRange range) {
    problem_ = {std::move(reason), range};
    return std::nullopt;
  }

  std::optional<HeaderTensor> readOperand(const ast::Expr *expr, bool isSum) {
    const auto *access = ast::dynCast<ast::IndexExpr>(expr);
    const auto *name = access ? ast::dynCast<ast::NameExpr>(access->object) : nullptr;
    if (name == nullptr)
      return fail<HeaderTensor>(isSum ? "a summand is no tensor access"
                                      : "a factor is no tensor access",
                                expr != nullptr ? expr->range : mapping_.range);
    return readTensor({name->name, name->range}, access->indices, access->range);
  }

  std::optional<HeaderTensor>
  readTensor(ast::Identifier name, llvm::ArrayRef<const ast::Expr *> indices, SourceRange range) {
    HeaderTensor tensor;
    tensor.name = name;
    tensor.range = range;
    tensor.isZeroOutside =
        std::any_of(mapping_.zeroOutside.begin(), mapping_.zeroOutside.end(),
                    [&](const ast::Identifier &zero) { return zero.text == name.text; });
    for (const ast::Expr *index : indices) {
      HeaderDimension dimension;
      if (index == nullptr)
        return fail<HeaderTensor>("an index is missing", range);
      dimension.range = index->range;
      if (!addSum(*index, 1, dimension))
        return std::nullopt;
      tensor.dimensions.push_back(std::move(dimension));
    }
    return tensor;
  }

  bool addSum(const ast::Expr &expr, std::int64_t sign, HeaderDimension &dimension) {
    if (const auto *unary = ast::dynCast<ast::UnaryExpr>(&expr);
        unary != nullptr && unary->op == ast::UnaryOperator::Negate && unary->operand != nullptr)
      return addSum(*unary->operand, -sign, dimension);
    if (const auto *binary = ast::dynCast<ast::BinaryExpr>(&expr);
        binary != nullptr && binary->left != nullptr && binary->right != nullptr &&
        (binary->op == ast::BinaryOperator::Add || binary->op == ast::BinaryOperator::Subtract)) {
      const std::int64_t right = binary->op == ast::BinaryOperator::Add ? sign : -sign;
      return addSum(*binary->left, sign, dimension) && addSum(*binary->right, right, dimension);
    }
    Monomial monomial;
    monomial.factor = sign;
    return multiply(expr, monomial) && addMonomial(monomial, expr.range, dimension);
  }

  bool addMonomial(const Monomial &monomial, SourceRange range, HeaderDimension &dimension) {
    if (monomial.index) {
      for (const HeaderTerm &term : dimension.terms)
        if (term.index == *monomial.index)
          return failAt("an index stands twice in one dimension", range);
      dimension.terms.push_back({*monomial.index, monomial.factor, monomial.coefficient});
      return true;
    }
    if (monomial.coefficient) {
      dimension.offsets.push_back({monomial.factor, *monomial.coefficient});
      return true;
    }
    const auto sum = checkedAdd(dimension.constant, monomial.factor);
    if (!sum)
      return failAt("a constant leaves 64 bits", range);
    dimension.constant = *sum;
    return true;
  }

  bool multiply(const ast::Expr &expr, Monomial &into) {
    if (const auto *number = ast::dynCast<ast::NumberExpr>(&expr);
        number != nullptr && number->isInteger && !number->unit.isValid()) {
      const auto product = checkedMul(into.factor, number->integer);
      if (!product)
        return failAt("a constant leaves 64 bits", expr.range);
      into.factor = *product;
      return true;
    }
    if (const auto *binary = ast::dynCast<ast::BinaryExpr>(&expr);
        binary != nullptr && binary->op == ast::BinaryOperator::Multiply &&
        binary->left != nullptr && binary->right != nullptr)
      return multiply(*binary->left, into) && multiply(*binary->right, into);
    if (const auto *name = ast::dynCast<ast::NameExpr>(&expr))
      return multiplyName(*name, into);
    return failAt("an index expression is no sum of index · coefficient terms", expr.range);
  }

  bool multiplyName(const ast::NameExpr &name, Monomial &into) {
    for (std::uint32_t i = 0; i < mapping_.indices.size(); ++i) {
      if (mapping_.indices[i].name.text != name.name)
        continue;
      if (into.index)
        return failAt("an index expression multiplies indices", name.range);
      into.index = i;
      return true;
    }
    for (std::uint32_t i = 0; i < mapping_.coefficients.size(); ++i) {
      if (mapping_.coefficients[i].text != name.name)
        continue;
      if (into.coefficient)
        return failAt("an index expression multiplies coefficients", name.range);
      into.coefficient = i;
      return true;
    }
    return failAt("an index expression uses a name that is neither an index nor a coefficient",
                  name.range);
  }

  bool failAt(std::string reason, SourceRange range) {
    problem_ = {std::move(reason), range};
    return false;
  }

  const ast::MappingDeclaration &mapping_;
  HeaderProblem &problem_;
};

} // namespace

std::optional<Header> readHeader(const ast::MappingDeclaration &mapping, HeaderProblem &problem) {
  return HeaderReader(mapping, problem).read();
}

} // namespace acadlc::mapping
