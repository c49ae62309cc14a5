#include "backend/mapping/Problem.h"

#include "backend/mapping/MappingTestSupport.h"

#include <array>

using namespace acadlc;
using namespace acadlc::mapping;
using namespace acadlc::mapping::test;

namespace {

using Numbers = std::vector<std::int64_t>;

/// The mappings of a text with one architecture `A` in front of it.
struct Headers {
  Bench bench;
  ProblemFailure failure;

  explicit Headers(const std::string &mappings) {
    bench.loadText("architecture A() {\n}\n" + mappings);
  }
  std::optional<Problem> problem(std::optional<workload::ElementType> type = std::nullopt) {
    return Problem::of(*bench.mappings.front(), type, failure);
  }
  std::optional<Match> match(const Numbers &extents, const Numbers &coefficients = {}) {
    const auto found = problem();
    REQUIRE_MESSAGE(found, failure.reason);
    return found->match(extents, coefficients, failure);
  }
};

const std::string product = "mapping m[m < M, n < N; k < K] on arch: A "
                            "implements C[m, n] += A[m, k] * B[k, n] {\n}\n";
const std::string convolution =
    "mapping c[p < P; r < R](s, d, pad) on arch: A "
    "implements O[p] += I[p * s + r * d - pad] * W[r] zero outside I {\n}\n";

} // namespace

TEST_CASE("the tensors of a matrix product follow from its extents") {
  const auto match = Headers(product).match({2, 3, 5});
  REQUIRE(match);
  CHECK(match->macs == 30);
  REQUIRE(match->tensors.size() == 3);
  CHECK(match->tensors[0].shape == Numbers{2, 3});
  CHECK(match->tensors[1].shape == Numbers{2, 5});
  CHECK(match->tensors[2].shape == Numbers{5, 3});
  CHECK(match->tensors[0].isResult);
  CHECK(match->tensors[1].elementType.name() == "float32");
  CHECK(match->tensors[1].tensor != match->tensors[2].tensor);
  CHECK(match->indices[2].extentName == "K");
  CHECK(match->indices[2].extent == 5);
}

TEST_CASE("a problem is what matching finds in a network of the same numbers") {
  Bench bench;
  bench.loadLibrary("std/systolic_array.acadl");
  bench.loadNetwork(matmulText(12, 20, 7).text());
  REQUIRE_MESSAGE(bench.workload, bench.messages());
  const ast::MappingDeclaration &mapping = *bench.mappings.front();
  const workload::Call &call = bench.workload->calls.front();
  const auto matched =
      matchContraction(mapping, *bench.workload, call, call.contractions.front()).match;
  ProblemFailure failure;
  const auto made = Problem::of(mapping, {}, failure)->match(Numbers{12, 20, 7}, {}, failure);
  REQUIRE(matched);
  REQUIRE(made);
  CHECK(made->macs == matched->macs);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(made->indices[i].extent == matched->indices[i].extent);
    CHECK(made->tensors[i].name == matched->tensors[i].name);
    CHECK(made->tensors[i].shape == matched->tensors[i].shape);
    CHECK(made->tensors[i].elementType == matched->tensors[i].elementType);
  }
}

TEST_CASE("padding is as wide behind a tensor as in front of it") {
  // Reads 2·p + 3·r − 4 for p < 10, r < 3: from −4 to 20, so 17 elements between 4 and 4.
  const auto match = Headers(convolution).match({10, 3}, {2, 3, 4});
  REQUIRE(match);
  CHECK(match->tensors[1].shape == Numbers{17});
  CHECK(match->tensors[1].before == Numbers{4});
  CHECK(match->tensors[1].after == Numbers{4});
  CHECK(match->tensors[2].shape == Numbers{3});
  CHECK(match->coefficients[2].value == 4);
}

TEST_CASE("coefficients that nobody gives are 1 as factors and 0 as terms") {
  Headers headers(convolution);
  const auto problem = headers.problem();
  REQUIRE(problem);
  CHECK(problem->defaultCoefficient(0) == 1);
  CHECK(problem->defaultCoefficient(1) == 1);
  CHECK(problem->defaultCoefficient(2) == 0);
}

TEST_CASE("numbers that make no tensors") {
  Headers padded(convolution);
  CHECK_FALSE(padded.match({1, 1}, {1, 1, 4}));
  CHECK(padded.failure.reason == "nothing of tensor 'I' would be left within a padding of 4");
  Headers bare("mapping c[p < P; r < R] on arch: A implements O[p] += I[p - r] * W[r] {\n}\n");
  CHECK_FALSE(bare.match({4, 3}));
  CHECK(bare.failure.reason == "tensor 'I' would be read at index -2");
  constexpr std::int64_t large = std::int64_t{1} << 40;
  Headers huge(product);
  CHECK_FALSE(huge.match({large, large, 1}));
  CHECK(huge.failure.reason == "it has more than 2^63 - 1 multiply-accumulates");
  CHECK_FALSE(huge.match({large, std::int64_t{1} << 20, 1}));
  CHECK(huge.failure.reason == "tensor 'C' would be too large");
  CHECK_FALSE(padded.match({large, 1}, {large, 1, 0}));
  CHECK(padded.failure.reason == "an index of tensor 'I' would leave 64 bits");
}

TEST_CASE("element types are the first that a mapping accepts, or that of the run") {
  Headers headers("mapping m[m < M, n < N; k < K] on arch: A "
                  "implements C[m, n] += A[m, k] * B[k, n] accepts float32 as int8, int16 {\n}\n");
  const auto typeOf = [&](std::optional<workload::ElementType> type) {
    const auto problem = headers.problem(type);
    const auto match =
        problem ? problem->match(Numbers{1, 1, 1}, {}, headers.failure) : std::nullopt;
    return match ? match->tensors[1].declared.name() + " " + match->tensors[1].elementType.name()
                 : headers.failure.reason;
  };
  CHECK(typeOf({}) == "float32 int8");
  CHECK(typeOf(workload::ElementType::fromName("int16")) == "int16 int16");
  CHECK(typeOf(workload::ElementType::fromName("int32")) == "it does not accept int32");
}

TEST_CASE("headers from which no operator follows") {
  Headers maximum("mapping m[n < N; k < K] on arch: A implements O[n] max= I[n + k] {\n}\n");
  CHECK_FALSE(maximum.problem());
  CHECK(maximum.failure.range.isValid());
  Headers steps("mapping m[m < M, n < N; k < K] on arch: A "
                "implements C[m, n] += A[m, k] * B[k, n] then relu {\n}\n");
  CHECK_FALSE(steps.problem());
  CHECK(steps.failure.reason == "a step that is not optional follows the sum of products");
}

TEST_CASE("the problem of a sum has tensors of one shape and nothing to multiply") {
  Headers sum("mapping s[m < M, n < N] on arch: A "
              "implements C[m, n] = A[m, n] + B[m, n] {\n}\n");
  const auto match = sum.match({4, 6});
  REQUIRE(match);
  CHECK(match->form == workload::ContractionForm::Sum);
  CHECK(match->macs == 0);
  for (const TensorBinding &tensor : match->tensors)
    CHECK(tensor.shape == Numbers{4, 6});
  CHECK(sum.problem()->isCalled("elementwise"));
  CHECK_FALSE(sum.problem()->isCalled("matmul"));
  constexpr std::int64_t large = std::int64_t{1} << 40;
  CHECK_FALSE(sum.match({large, large}));
  CHECK(sum.failure.reason == "it has more than 2^63 - 1 additions");
  Headers steps("mapping s[m < M] on arch: A implements C[m] = A[m] + B[m] then relu {\n}\n");
  CHECK_FALSE(steps.problem());
  CHECK(steps.failure.reason == "a step that is not optional follows the sum");
}

TEST_CASE("operators are known by the names of the field") {
  Headers matmul(product);
  const auto problem = matmul.problem();
  REQUIRE(problem);
  CHECK(problem->isCalled("matmul"));
  CHECK(problem->isCalled("dense"));
  CHECK_FALSE(problem->isCalled("conv2d"));
  Headers conv(convolution);
  CHECK_FALSE(conv.problem()->isCalled("matmul"));
  Bench bench;
  bench.loadLibrary("std/systolic_array.acadl");
  ProblemFailure failure;
  CHECK(Problem::of(*bench.mappings.at(1), {}, failure)->isCalled("conv2d"));
}
