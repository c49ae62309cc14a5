#include "structure/Analysis.h"

#include "ir/WorkloadExpr.h"
#include "structure/CallStructure.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>

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

AffineIndex affine(std::int64_t constant, AffineIndex::Coefficients coefficients) {
  return {constant, std::move(coefficients)};
}

ValueExprPtr expression(ValueExpr::Kind kind, std::string name,
                        std::vector<ValueExprPtr> operands = {}) {
  auto expr = std::make_shared<ValueExpr>();
  expr->kind = kind;
  expr->name = std::move(name);
  expr->operands = std::move(operands);
  return expr;
}
ValueExprPtr load(std::size_t access) {
  auto expr = std::make_shared<ValueExpr>();
  expr->kind = ValueExpr::Kind::Load;
  expr->value = access;
  return expr;
}
ValueExprPtr binary(const std::string &name, ValueExprPtr left, ValueExprPtr right) {
  return expression(ValueExpr::Kind::Binary, name, {std::move(left), std::move(right)});
}
ValueExprPtr cast(ValueExprPtr value) {
  return expression(ValueExpr::Kind::Cast, {}, {std::move(value)});
}
ValueExprPtr firstPlusSecond() { return binary("+", load(0), load(1)); }

/// A network of one call on 4 × 8 matrices.
struct MatrixCall {
  static constexpr TensorRef x{false, 0}, y{false, 1}, z{false, 2}; ///< activations
  static constexpr TensorRef weight{false, 3}, out{false, 4};
  static constexpr TensorRef part{true, 0}, other{true, 1};

  Workload network;

  MatrixCall() {
    for (const char *name : {"x", "y", "z", "weight", "out"})
      network.tensors.push_back(matrix(name));
    network.tensors[weight.index].origin = TensorOrigin::Weight;
    Call call;
    call.inputs = {x, y, z, weight};
    call.outputs = {out};
    call.locals = {matrix("part"), matrix("other")};
    network.calls.push_back(std::move(call));
  }

  /// Adds the stage `written[i, j] (combiner)= value`, whose loads are those of \p reads at [i, j].
  MatrixCall &add(TensorRef written, ValueExprPtr value, const std::vector<TensorRef> &reads,
                  Combiner combiner = Combiner::None) {
    Computation stage;
    stage.axes = axesOf({4, 8});
    stage.written = written;
    stage.writeIndices = {indexAxis(0), indexAxis(1)};
    stage.combiner = combiner;
    for (TensorRef read : reads)
      stage.accesses.push_back({read, stage.writeIndices, {}});
    stage.value = std::move(value);
    stage.points = 32;
    network.calls.front().computations.push_back(std::move(stage));
    return *this;
  }

  const Call &analyzed() {
    REQUIRE_FALSE(analyze(network));
    return network.calls.front();
  }

private:
  static Tensor matrix(const char *name) {
    Tensor tensor;
    tensor.name = name;
    tensor.shape = {4, 8};
    return tensor;
  }
};
using M = MatrixCall;

} // namespace

TEST_CASE("workload: a sum of two activations is a main computation of an element-wise call") {
  SUBCASE("alone") {
    MatrixCall network;
    const Call &call = network.add(M::out, firstPlusSecond(), {M::x, M::y}).analyzed();
    REQUIRE(call.sums.size() == 1);
    const Contraction &sum = call.sums.front();
    CHECK(sum.form == ContractionForm::Sum);
    CHECK(sum.kind == OperatorKind::ElementWise);
    CHECK(sum.macs == 0);
    REQUIRE(sum.operands.size() == 2);
    CHECK(sum.operands[0].access.tensor == M::x);
    CHECK(sum.operands[1].access.tensor == M::y);
    CHECK(sum.operands[1].affine[1] == affine(0, {0, 1}));
    CHECK(sum.resultShape == std::vector<std::int64_t>{4, 8});
    // Nothing else changes.
    CHECK(call.kind == OperatorKind::ElementWise);
    CHECK(call.contraction() == nullptr);
    CHECK(call.macs == 0);
  }
  SUBCASE("through casts and copies, with a function behind it") {
    MatrixCall network;
    const Call &call =
        network.add(M::part, load(0), {M::x})
            .add(M::other, cast(binary("+", cast(load(0)), cast(load(1)))), {M::part, M::y})
            .add(M::out, expression(ValueExpr::Kind::Unary, "exp", {load(0)}), {M::other})
            .analyzed();
    REQUIRE(call.sums.size() == 1);
    CHECK(call.sums.front().computation == 1);
    CHECK(call.sums.front().operands[0].access.tensor == M::x);
  }
  SUBCASE("one on top of another") {
    MatrixCall network;
    const Call &call = network.add(M::part, firstPlusSecond(), {M::x, M::y})
                           .add(M::out, firstPlusSecond(), {M::part, M::z})
                           .analyzed();
    REQUIRE(call.sums.size() == 2);
    CHECK(call.sums[1].operands[0].access.tensor == M::part);
  }
}

TEST_CASE("workload: what is no element-wise sum of two activations") {
  MatrixCall network;
  SUBCASE("a bias") { network.add(M::out, firstPlusSecond(), {M::x, M::weight}); }
  SUBCASE("a tensor and itself") { network.add(M::out, firstPlusSecond(), {M::x, M::x}); }
  SUBCASE("a difference") { network.add(M::out, binary("-", load(0), load(1)), {M::x, M::y}); }
  SUBCASE("a part of a larger expression") {
    network.add(M::out, binary("*", firstPlusSecond(), load(2)), {M::x, M::y, M::z});
  }
  SUBCASE("three summands") {
    network.add(M::out, binary("+", firstPlusSecond(), load(2)), {M::x, M::y, M::z});
  }
  SUBCASE("a guarded summand") {
    const auto guard = expression(ValueExpr::Kind::Compare, "<", {load(0), load(1)});
    const auto zero = expression(ValueExpr::Kind::Constant, {});
    network.add(
        M::out,
        binary("+", expression(ValueExpr::Kind::Select, {}, {guard, load(0), zero}), load(1)),
        {M::x, M::y});
  }
  CHECK(network.analyzed().sums.empty());
}

TEST_CASE("workload: a sum of two activations stands wherever it stands") {
  MatrixCall network;
  SUBCASE("behind another function of the call") {
    network.add(M::part, expression(ValueExpr::Kind::Unary, "exp", {load(0)}), {M::x})
        .add(M::out, firstPlusSecond(), {M::part, M::y});
  }
  SUBCASE("beside a reduction") {
    network.add(M::out, firstPlusSecond(), {M::x, M::y})
        .add(M::part, load(0), {M::x}, Combiner::Max);
  }
  CHECK(network.analyzed().sums.size() == 1);
}

TEST_CASE("workload: a product keeps the call, also with a sum behind it") {
  MatrixCall network;
  const Call &call =
      network.add(M::part, binary("*", load(0), load(1)), {M::x, M::weight}, Combiner::Sum)
          .add(M::out, firstPlusSecond(), {M::part, M::y})
          .analyzed();
  REQUIRE(call.sums.size() == 1);
  CHECK(call.sums.front().computation == 1);
  CHECK(call.sums.front().operands[0].access.tensor == M::part);
  REQUIRE(call.contractions.size() == 1);
  CHECK(call.contraction()->form == ContractionForm::SumOfProducts);
  CHECK(call.macs == 32);
}

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

namespace {

/// The place in memory of an element of \p shape.
IndexExprPtr placeOf(const std::vector<IndexExprPtr> &indices,
                     const std::vector<std::int64_t> &shape) {
  IndexExprPtr place = indexConstant(0);
  for (std::size_t d = 0; d < shape.size(); ++d)
    place = place * shape[d] + indices[d];
  return place;
}

/// The digits of \p place in \p shape, the other way round.
std::vector<IndexExprPtr> elementAt(const IndexExprPtr &place,
                                    const std::vector<std::int64_t> &shape) {
  std::vector<IndexExprPtr> indices(shape.size());
  std::int64_t stride = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    indices[d] = d == 0 ? place / stride : place / stride % shape[d];
    stride *= shape[d];
  }
  return indices;
}

/// \p count factors of random size with a product below 100,000.
std::vector<std::int64_t> randomShape(std::mt19937 &random, std::size_t count) {
  std::vector<std::int64_t> shape;
  for (std::size_t d = 0; d < count; ++d)
    shape.push_back(std::uniform_int_distribution<std::int64_t>(1, 9)(random));
  return shape;
}

/// \p shape with some of its neighbours joined.
std::vector<std::int64_t> joined(std::mt19937 &random, const std::vector<std::int64_t> &shape) {
  std::vector<std::int64_t> result{1};
  for (const std::int64_t extent : shape)
    if (random() % 2 == 0)
      result.back() *= extent;
    else
      result.push_back(extent);
  return result;
}

} // namespace

TEST_CASE("workload: the digits of a number are the number again") {
  const auto axes = axesOf({128, 16});
  const IndexExprPtr place = indexAxis(0) * 16 + indexAxis(1);
  for (const std::vector<std::int64_t> &shape :
       {std::vector<std::int64_t>{1, 8, 16, 16}, {2048}, {4, 1, 512}, {64, 32}}) {
    const auto form = affineFormOfDigits(*placeOf(elementAt(place, shape), shape), axes);
    REQUIRE(form);
    CHECK(*form == affine(0, {16, 1}));
  }
  // Not all digits, not in their places, of different numbers.
  for (const IndexExprPtr &index :
       {place / 48 * 48, place % 48 + place / 48 * 47,
        place % 48 + (place + indexConstant(1)) / 48 * 48, place % 48 + place / 96 * 48})
    CHECK_FALSE(affineFormOfDigits(*index, axes));
}

TEST_CASE("workload: sums of digits, compared with their values") {
  std::mt19937 random(7);
  std::size_t decided = 0;
  for (int round = 0; round < 400; ++round) {
    const auto shape = randomShape(random, 5);
    const auto from = joined(random, shape), through = joined(random, shape);
    auto to = joined(random, shape);
    // Sometimes something else than a reshape.
    if (random() % 3 == 0)
      std::swap(to.front(), to.back());
    std::vector<IndexExprPtr> indices;
    for (std::size_t d = 0; d < from.size(); ++d)
      indices.push_back(indexAxis(d));
    const auto axes = axesOf(from);
    const auto twice = elementAt(placeOf(elementAt(placeOf(indices, from), through), through), to);
    const IndexExprPtr index = placeOf(twice, to) + indexConstant(random() % 2);
    const auto form = affineFormOfDigits(*index, axes);
    if (!form)
      continue;
    ++decided;
    std::vector<std::int64_t> point(from.size());
    for (int sample = 0; sample < 50; ++sample) {
      std::int64_t value = form->constant;
      for (std::size_t d = 0; d < from.size(); ++d) {
        point[d] = std::uniform_int_distribution<std::int64_t>(0, from[d] - 1)(random);
        value += form->coefficients[d] * point[d];
      }
      CHECK(value == evaluate(*index, point));
    }
  }
  CHECK(decided > 300);
}

TEST_CASE("workload: how many reshapes a network has changes none of them") {
  // Comparing all their elements one by one would take more than an analysis may.
  constexpr std::size_t calls = 600;
  const std::vector<std::int64_t> flat{64, 3136}, image{1, 64, 56, 56};
  Workload network;
  for (std::size_t i = 0; i <= calls; ++i) {
    Tensor tensor;
    tensor.shape = i % 2 == 0 ? image : flat;
    network.tensors.push_back(std::move(tensor));
  }
  for (std::uint32_t i = 0; i < calls; ++i) {
    const std::vector<std::int64_t> &from = network.tensors[i].shape;
    const std::vector<std::int64_t> &to = network.tensors[i + 1].shape;
    Computation stage;
    stage.axes = axesOf(to);
    stage.written = {false, i + 1};
    for (std::size_t d = 0; d < to.size(); ++d)
      stage.writeIndices.push_back(indexAxis(d));
    stage.accesses.push_back({{false, i}, elementAt(placeOf(stage.writeIndices, to), from), {}});
    stage.value = load(0);
    stage.points = 64 * 3136;
    Call call;
    call.inputs = {{false, i}};
    call.outputs = {{false, i + 1}};
    call.computations.push_back(std::move(stage));
    network.calls.push_back(std::move(call));
  }
  REQUIRE_FALSE(analyze(network));
  for (const Call &call : network.calls)
    CHECK(call.freeReason == FreeReason::Reshape);
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
  for (const char *name : {"float8_e4m3fn", "e4m3_float8", "e5m2_float8"})
    CHECK(ElementType::fromName(name) == ElementType{ElementType::Kind::Float, 8});
  CHECK(ElementType::fromName("float6_e3m2fn") == ElementType{ElementType::Kind::Float, 6});
  CHECK(ElementType::fromName("float4_e2m1fn") == ElementType{ElementType::Kind::Float, 4});
  for (const char *name :
       {"", "int", "int0", "float32x4", "float4_", "int8_e4m3", "int99999", "handle", "int8 "})
    CHECK_FALSE(ElementType::fromName(name));
  for (const char *name : {"float23", "float0", "float24", "bfloat32", "bfloat8", "float256"})
    CHECK_FALSE(ElementType::fromName(name));
  for (const char *name : {"float64", "float128", "float8", "int6", "uint1"})
    CHECK(ElementType::fromName(name)->name() == name);
  using Kind = ElementType::Kind;
  using Types = std::vector<ElementType>;
  CHECK(ElementType::near("float23") == Types{{Kind::Float, 16}, {Kind::Float, 32}});
  CHECK(ElementType::near("bfloat32") == Types{{Kind::BFloat, 16}});
  CHECK(ElementType::near("int0") == Types{{Kind::Int, 1}});
  CHECK(ElementType::near("int99999") == Types{{Kind::Int, 128}});
  for (const char *name : {"", "float", "float32x4", "flaot32", "float99999999999"})
    CHECK(ElementType::near(name).empty());
  Tensor tensor;
  tensor.shape = {3, 3};
  tensor.elementType = {ElementType::Kind::Int, 4};
  CHECK(tensor.byteCount() == 5);
}

} // namespace acadlc::workload
