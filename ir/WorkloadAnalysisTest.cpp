#include "ir/WorkloadAnalysis.h"

#include "ir/WorkloadExpr.h"

#include <doctest/doctest.h>

#include <limits>

namespace acadlc::workload {

namespace {

using Kind = IndexExpr::Kind;

std::vector<Axis> axesOf(const std::vector<std::int64_t> &extents) {
  std::vector<Axis> axes;
  for (std::int64_t extent : extents)
    axes.push_back({"a", extent, Axis::Kind::Spatial});
  return axes;
}

IndexExprPtr operator+(const IndexExprPtr &a, const IndexExprPtr &b) {
  return indexBinary(Kind::Add, a, b);
}
IndexExprPtr operator*(const IndexExprPtr &a, std::int64_t b) {
  return indexBinary(Kind::Mul, a, indexConstant(b));
}
IndexExprPtr operator/(const IndexExprPtr &a, std::int64_t b) {
  return indexBinary(Kind::FloorDiv, a, indexConstant(b));
}
IndexExprPtr operator%(const IndexExprPtr &a, std::int64_t b) {
  return indexBinary(Kind::FloorMod, a, indexConstant(b));
}

AffineIndex affine(std::int64_t constant, std::vector<std::int64_t> coefficients) {
  return {constant, std::move(coefficients)};
}

} // namespace

TEST_CASE("workload: affine forms") {
  IndexExprPtr a = indexAxis(0);
  IndexExprPtr b = indexAxis(1);
  SUBCASE("plain") {
    CHECK(affineForm(*(a * 2 + b + indexConstant(3)), axesOf({4, 5})) == affine(3, {2, 1}));
    CHECK(affineForm(*indexBinary(Kind::Sub, indexConstant(3), a), axesOf({4})) == affine(3, {-1}));
  }
  SUBCASE("the stride of an axis of extent 1 stays") {
    CHECK(affineForm(*(a * 2 + b), axesOf({1, 1})) == affine(0, {2, 1}));
  }
  SUBCASE("ranges decide floor operations") {
    CHECK(affineForm(*((a + b) % 6), axesOf({6, 1})) == affine(0, {1, 1}));
    CHECK(affineForm(*(a / 6), axesOf({6})) == affine(0, {0}));
    CHECK(affineForm(*((a * 8 + b) / 8), axesOf({3, 8})) == affine(0, {1, 0}));
    CHECK(affineForm(*((a * 8 + b) % 8), axesOf({3, 8})) == affine(0, {0, 1}));
    CHECK(affineForm(*((a + indexConstant(6)) / 6), axesOf({6})) == affine(1, {0}));
    CHECK(affineForm(*((a + indexConstant(-6)) % 6), axesOf({6})) == affine(0, {1}));
    CHECK_FALSE(affineForm(*(a / 6), axesOf({7})));
    CHECK_FALSE(affineForm(*((a * 8 + b) / 8), axesOf({3, 9})));
  }
  SUBCASE("minimum and maximum") {
    CHECK(affineForm(*indexBinary(Kind::Min, a, indexConstant(9)), axesOf({10})) == affine(0, {1}));
    CHECK_FALSE(affineForm(*indexBinary(Kind::Max, a, indexConstant(5)), axesOf({10})));
  }
  SUBCASE("not affine, or too large") {
    CHECK_FALSE(affineForm(*indexBinary(Kind::Mul, a, b), axesOf({4, 4})));
    CHECK_FALSE(affineForm(*indexOpaque("x"), axesOf({4})));
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
    CHECK_FALSE(affineForm(*((a * most) * 2), axesOf({4})));
    CHECK(indexBinary(Kind::Add, indexConstant(most), indexConstant(1))->kind == Kind::Opaque);
    CHECK(indexBinary(Kind::FloorDiv, indexConstant(1), indexConstant(0))->kind == Kind::Opaque);
  }
}

TEST_CASE("workload: an expression cannot outgrow its limit") {
  IndexExprPtr index = indexAxis(0);
  for (int i = 0; i < 100; ++i)
    index = indexBinary(Kind::Mul, index, index);
  CHECK(index->size <= maxExpressionSize);
}

TEST_CASE("workload: element types") {
  CHECK(ElementType::fromName("float32") == ElementType{ElementType::Kind::Float, 32});
  CHECK(ElementType::fromName("bfloat16")->name() == "bfloat16");
  CHECK(ElementType::fromName("bool")->storageBits() == 8);
  CHECK(ElementType::fromName("uint8")->name() == "uint8");
  for (const char *name : {"", "int", "int0", "float32x4", "int99999", "handle", "int8 "})
    CHECK_FALSE(ElementType::fromName(name));
  Tensor tensor;
  tensor.shape = {3, 3};
  tensor.elementType = {ElementType::Kind::Int, 4};
  CHECK(tensor.byteCount() == 5);
}

TEST_CASE("workload: checked products") {
  CHECK(checkedProduct({}) == 1);
  CHECK(checkedProduct({3, 4, 5}) == 60);
  CHECK_FALSE(checkedProduct({std::int64_t{1} << 40, std::int64_t{1} << 40}));
}

} // namespace acadlc::workload
