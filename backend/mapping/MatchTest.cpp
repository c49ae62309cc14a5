#include "backend/mapping/Match.h"

#include "backend/mapping/Header.h"
#include "backend/mapping/MappingTestSupport.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <random>

namespace acadlc::mapping {
namespace {

using test::Bench;
using test::OperatorText;

std::int64_t value(const workload::AffineIndex &form, const std::vector<std::int64_t> &axes) {
  std::int64_t sum = form.constant;
  for (std::size_t i = 0; i < form.coefficients.size(); ++i)
    sum += form.coefficients[i] * axes[i];
  return sum;
}

std::int64_t value(const HeaderDimension &dimension, const Match &match,
                   const std::vector<std::int64_t> &axes) {
  std::int64_t sum = dimension.constant;
  const auto coefficient = [&](std::uint32_t i) { return match.coefficients[i].value; };
  for (const HeaderTerm &term : dimension.terms) {
    const auto &axis = match.indices[term.index].axis;
    sum += term.factor * (term.coefficient ? coefficient(*term.coefficient) : 1) *
           (axis ? axes[*axis] : 0);
  }
  for (const HeaderOffset &offset : dimension.offsets)
    sum += offset.factor * coefficient(offset.coefficient);
  return sum;
}

/// Whether header and operator access the same elements, at random iterations.
void checkAgreement(const Match &match, const workload::Contraction &contraction) {
  HeaderProblem problem;
  const auto header = readHeader(*match.mapping, problem);
  REQUIRE(header);
  std::int64_t points = 1;
  for (const IndexBinding &index : match.indices)
    points *= index.extent;
  std::int64_t iterations = 1;
  for (const workload::Axis &axis : contraction.axes)
    iterations *= axis.extent;
  CHECK(points == iterations);
  std::mt19937 random(1);
  const std::vector<const HeaderTensor *> tensors{&header->result, &header->operands[0],
                                                  &header->operands[1]};
  const bool swapped = match.tensors[1].tensor != contraction.operands[0].access.tensor;
  const std::vector<const std::vector<std::optional<workload::AffineIndex>> *> forms{
      &contraction.outputAffine, &contraction.operands[swapped ? 1 : 0].affine,
      &contraction.operands[swapped ? 0 : 1].affine};
  for (int sample = 0; sample < 20; ++sample) {
    std::vector<std::int64_t> axes;
    for (const workload::Axis &axis : contraction.axes)
      axes.push_back(static_cast<std::int64_t>(random() % axis.extent));
    for (std::size_t t = 0; t < 3; ++t) {
      std::vector<std::int64_t> reached(forms[t]->size(), 0);
      for (std::size_t d = 0; d < tensors[t]->dimensions.size(); ++d) {
        const std::int64_t index = value(tensors[t]->dimensions[d], match, axes);
        if (const auto source = match.tensors[t].dimensions[d].source)
          reached[*source] = index;
        else
          CHECK(index == 0);
      }
      for (std::size_t d = 0; d < forms[t]->size(); ++d)
        CHECK(reached[d] == value(*(*forms[t])[d], axes));
    }
  }
}

std::map<std::string, std::int64_t> extents(const Match &match) {
  std::map<std::string, std::int64_t> result;
  for (const IndexBinding &index : match.indices)
    result[index.name] = index.extent;
  for (const CoefficientBinding &coefficient : match.coefficients)
    result[coefficient.name] = coefficient.value;
  return result;
}

Choice choose(Bench &bench, const workload::Call &call, const workload::Contraction &contraction,
              std::vector<ForcedMapping> forced = {}) {
  MatchOptions options;
  options.sources = &bench.sources;
  return chooseMapping(bench.mappings, bench.preferences, forced, *bench.workload, call,
                       contraction, options);
}

/// The choice for the first contraction of \p network.
Choice chooseFor(Bench &bench, const std::string &network, std::vector<ForcedMapping> forced = {}) {
  bench.loadNetwork(network);
  REQUIRE_MESSAGE(bench.workload, bench.messages());
  for (const workload::Call &call : bench.workload->calls)
    if (const workload::Contraction *contraction = call.contraction()) {
      Choice choice = choose(bench, call, *contraction, std::move(forced));
      if (choice.match)
        checkAgreement(*choice.match, *contraction);
      return choice;
    }
  FAIL("no contraction");
  return {};
}

struct StandardBench : Bench {
  StandardBench() { loadLibrary("std/systolic_array.acadl"); }
};

const char *const noArchitecture = "architecture A() {}\n";

/// The choice for the only element-wise sum of \p network.
Choice chooseForSum(Bench &bench, const test::SumText &network) {
  bench.loadNetwork(network.text());
  REQUIRE_MESSAGE(bench.workload, bench.messages());
  const workload::Call &call = bench.workload->calls.front();
  REQUIRE(call.sums.size() == 1);
  Choice choice = choose(bench, call, call.sums.front());
  if (choice.match)
    checkAgreement(*choice.match, call.sums.front());
  return choice;
}

const char *const sums = "architecture A() {}\n"
                         "mapping product[m < M, n < N; k < K] on arch: A\n"
                         "  implements C[m, n] += X[m, k] * Y[k, n] {}\n"
                         "mapping sum[m < M, n < N] on arch: A\n"
                         "  implements C[m, n] = X[m, n] + Y[m, n] {}\n";

OperatorText conv2dText() {
  return {"1, 3, 9, 9",          "4, 3, 3, 3",
          "1, 4, 4, 4",          "n, f, y, x, c, r, s",
          "1, 4, 4, 4, 3, 3, 3", "SSSSRRR",
          "v_n, v_f, v_y, v_x",  "v_n, v_c, v_y * 2 + v_r, v_x * 2 + v_s",
          "v_f, v_c, v_r, v_s"};
}

} // namespace

TEST_CASE_FIXTURE(StandardBench, "a matrix product matches matmul") {
  const Choice choice = chooseFor(*this, test::matmulText(4, 5, 8).text());
  REQUIRE(choice.match);
  CHECK(choice.match->mapping->name.text == "matmul");
  CHECK(choice.match->unitIndices == 0);
  CHECK(extents(*choice.match) ==
        std::map<std::string, std::int64_t>{{"m", 4}, {"n", 5}, {"k", 8}});
  CHECK(choice.match->tensors[1].tensorName == "lhs");
}

TEST_CASE_FIXTURE(StandardBench, "a dense layer with transposed weights matches matmul") {
  OperatorText text = test::matmulText(4, 5, 8);
  text.weight = "5, 8";
  text.weightIndex = "v_j, v_k";
  const Choice choice = chooseFor(*this, text.text());
  REQUIRE(choice.match);
  CHECK(choice.match->mapping->name.text == "matmul");
  // B[k, n] is rhs[j, k]: the dimensions stand in the other order.
  CHECK(*choice.match->tensors[2].dimensions[0].source == 1);
  CHECK(*choice.match->tensors[2].dimensions[1].source == 0);
  CHECK(choice.match->tensors[2].isReordered());
  CHECK_FALSE(choice.match->tensors[1].isReordered());
}

TEST_CASE_FIXTURE(StandardBench, "conv2d matches in any layout and order of loops") {
  const Choice nchw = chooseFor(*this, conv2dText().text());
  REQUIRE(nchw.match);
  CHECK(nchw.match->mapping->name.text == "conv2d");
  const std::map<std::string, std::int64_t> expected{
      {"b", 1},  {"k", 4},  {"p", 4},  {"q", 4},  {"c", 3},  {"r", 3}, {"t", 3},
      {"sh", 2}, {"sw", 2}, {"dh", 1}, {"dw", 1}, {"ph", 0}, {"pw", 0}};
  CHECK(extents(*nchw.match) == expected);

  OperatorText nhwc = conv2dText();
  nhwc.data = "1, 9, 9, 3";
  nhwc.weight = "3, 3, 3, 4";
  nhwc.result = "1, 4, 4, 4";
  nhwc.loops = "y, x, f, n, r, s, c";
  nhwc.extents = "4, 4, 4, 1, 3, 3, 3";
  nhwc.writeIndex = "v_n, v_y, v_x, v_f";
  nhwc.dataIndex = "v_n, v_y * 2 + v_r, v_x * 2 + v_s, v_c";
  nhwc.weightIndex = "v_r, v_s, v_c, v_f";
  const Choice choice = chooseFor(*this, nhwc.text());
  REQUIRE(choice.match);
  CHECK(extents(*choice.match) == expected);
}

TEST_CASE_FIXTURE(StandardBench, "conv1d and a dense layer match conv2d with unit indices") {
  const OperatorText conv1d{"1, 3, 9",       "4, 3, 3", "1, 4, 4",       "n, f, x, c, s",
                            "1, 4, 4, 3, 3", "SSSRR",   "v_n, v_f, v_x", "v_n, v_c, v_x * 2 + v_s",
                            "v_f, v_c, v_s"};
  const Choice choice = chooseFor(*this, conv1d.text());
  REQUIRE(choice.match);
  CHECK(choice.match->mapping->name.text == "conv2d");
  CHECK(choice.match->unitIndices == 2);
  const Choice forced = chooseFor(*this, test::matmulText(4, 5, 8).text(), {{"y", "conv2d"}});
  REQUIRE(forced.match);
  CHECK(forced.match->unitIndices == 4);
  CHECK(chooseFor(*this, test::matmulText(4, 5, 8).text(), {{"y", "conv3d"}}).status ==
        Choice::Status::UnknownForced);
}

TEST_CASE_FIXTURE(StandardBench, "a mapping is forced on a layer or an operator, on no function") {
  const std::string network = test::matmulText(4, 5, 8).text();
  CHECK(chooseFor(*this, network, {{"dense", "conv2d"}}).forced == "conv2d");
  const Choice other = chooseFor(*this, network, {{"op", "conv2d"}});
  CHECK(workload->calls.front().function == "op");
  CHECK(other.forced.empty());
  REQUIRE(other.match);
  CHECK(other.match->mapping->name.text == "matmul");
}

namespace {

OperatorText depthwiseText() {
  OperatorText depthwise = conv2dText();
  depthwise.data = "1, 4, 9, 9";
  depthwise.weight = "4, 1, 3, 3";
  depthwise.loops = "n, c, y, x, r, s";
  depthwise.extents = "1, 4, 4, 4, 3, 3";
  depthwise.kinds = "SSSSRR";
  depthwise.writeIndex = "v_n, v_c, v_y, v_x";
  depthwise.weightIndex = "v_c, 0, v_r, v_s";
  return depthwise;
}

/// Two groups of three channels each, two filters a group.
OperatorText groupedText() {
  OperatorText grouped = conv2dText();
  grouped.data = "1, 6, 9, 9";
  grouped.dataIndex = "v_n, v_f // 2 * 3 + v_c, v_y * 2 + v_r, v_x * 2 + v_s";
  return grouped;
}

OperatorText batchedText() {
  return {"2, 4, 8", "2, 8, 5",       "2, 4, 5",       "b, i, j, k",   "2, 4, 5, 8",
          "SSSR",    "v_b, v_i, v_j", "v_b, v_i, v_k", "v_b, v_k, v_j"};
}

} // namespace

TEST_CASE_FIXTURE(StandardBench, "depthwise and grouped convolutions and batched products match") {
  const Choice depthwise = chooseFor(*this, depthwiseText().text());
  REQUIRE(depthwise.match);
  CHECK(depthwise.match->mapping->name.text == "grouped_conv2d");
  CHECK(extents(*depthwise.match)["g"] == 4);
  CHECK(extents(*depthwise.match)["k"] == 1);
  CHECK(extents(*depthwise.match)["c"] == 1);
  // The filters' axis and what runs over it fall into two.
  const Choice grouped = chooseFor(*this, groupedText().text());
  REQUIRE(grouped.match);
  CHECK(grouped.match->mapping->name.text == "grouped_conv2d");
  CHECK(extents(*grouped.match)["g"] == 2);
  CHECK(extents(*grouped.match)["k"] == 2);
  CHECK(extents(*grouped.match)["c"] == 3);
  CHECK(grouped.match->tensors[0].shape == std::vector<std::int64_t>{1, 2, 2, 4, 4});
  CHECK(grouped.match->tensors[1].shape == std::vector<std::int64_t>{1, 2, 3, 9, 9});
  CHECK(grouped.match->tensors[2].shape == std::vector<std::int64_t>{2, 2, 3, 3, 3});
  // One channel for several filters: nothing of the data is to be split.
  OperatorText multiplier = groupedText();
  multiplier.data = "1, 2, 9, 9";
  multiplier.weight = "4, 1, 3, 3";
  multiplier.extents = "1, 4, 4, 4, 1, 3, 3";
  multiplier.dataIndex = "v_n, v_f // 2 + v_c, v_y * 2 + v_r, v_x * 2 + v_s";
  const Choice multiplied = chooseFor(*this, multiplier.text());
  REQUIRE(multiplied.match);
  CHECK(extents(*multiplied.match)["g"] == 2);
  CHECK(extents(*multiplied.match)["k"] == 2);
  CHECK(extents(*multiplied.match)["c"] == 1);
  const Choice batched = chooseFor(*this, batchedText().text());
  REQUIRE(batched.match);
  CHECK(batched.match->mapping->name.text == "batched_matmul");
  CHECK(extents(*batched.match) ==
        std::map<std::string, std::int64_t>{{"g", 2}, {"h", 1}, {"m", 4}, {"n", 5}, {"k", 8}});
}

namespace {

/// What a match binds, for people to compare.
std::string bindingText(const Choice &choice) {
  if (!choice.match)
    return "none";
  std::string text = choice.match->mapping->name.text.str();
  for (const IndexBinding &index : choice.match->indices)
    text += fmt::format(" {}={}@{}", index.name, index.extent,
                        index.axis ? std::to_string(*index.axis) : "-");
  for (const CoefficientBinding &coefficient : choice.match->coefficients)
    text += fmt::format(" {}={}", coefficient.name, coefficient.value);
  for (const TensorBinding &tensor : choice.match->tensors) {
    text += fmt::format(" {}:{}", tensor.name, tensor.tensorName);
    for (const BoundDimension &dimension : tensor.dimensions)
      text += dimension.source ? std::to_string(*dimension.source) : "-";
  }
  return text;
}

/// Checks that \p text binds alike with its factors in either order; what it binds.
std::string checkSwap(Bench &bench, OperatorText text) {
  text.isSwapped = false;
  const std::string plain = bindingText(chooseFor(bench, text.text()));
  text.isSwapped = true;
  CHECK(bindingText(chooseFor(bench, text.text())) == plain);
  return plain;
}

/// `lhs` and `rhs` change places, so that their order among the arguments differs too.
OperatorText mirrored(OperatorText text) {
  std::swap(text.data, text.weight);
  std::swap(text.dataIndex, text.weightIndex);
  return text;
}

} // namespace

TEST_CASE_FIXTURE(StandardBench, "the order of the factors decides nothing") {
  for (const int inputs : {1, 2}) {
    CAPTURE(inputs);
    OperatorText product = test::matmulText(5, 6, 7);
    product.inputs = inputs;
    CHECK(checkSwap(*this, product) == "matmul m=5@0 n=6@1 k=7@2 C:y01 A:lhs01 B:rhs01");
    OperatorText row = test::matmulText(1, 6, 7);
    row.inputs = inputs;
    CHECK(checkSwap(*this, row).starts_with("matmul m=1@0 n=6@1 k=7@2"));
    OperatorText transposed = product;
    transposed.weight = "6, 7";
    transposed.weightIndex = "v_j, v_k";
    CHECK(checkSwap(*this, transposed) == "matmul m=5@0 n=6@1 k=7@2 C:y01 A:lhs01 B:rhs10");
    OperatorText batched = batchedText();
    batched.inputs = inputs;
    CHECK(checkSwap(*this, batched).starts_with("batched_matmul g=2@0 h=1@- m=4@1 n=5@2 k=8@3"));
    for (OperatorText text : {conv2dText(), depthwiseText(), groupedText()}) {
      text.inputs = inputs;
      CHECK(checkSwap(*this, text).find(" I:lhs") != std::string::npos);
    }
  }
}

TEST_CASE_FIXTURE(StandardBench,
                  "rows belong to the input, or else to the factor before the columns") {
  // Of two activations the result tells.
  OperatorText product = mirrored(test::matmulText(5, 6, 7));
  product.inputs = 2;
  CHECK(checkSwap(*this, product) == "matmul m=5@0 n=6@1 k=7@2 C:y01 A:rhs01 B:lhs01");
  // The weight has the columns even where the result is transposed.
  OperatorText turned = test::matmulText(5, 6, 7);
  turned.result = "6, 5";
  turned.writeIndex = "v_j, v_i";
  CHECK(checkSwap(*this, turned) == "matmul m=5@0 n=6@1 k=7@2 C:y10 A:lhs01 B:rhs01");
  turned.inputs = 2;
  CHECK(checkSwap(*this, turned) == "matmul m=6@1 n=5@0 k=7@2 C:y01 A:rhs10 B:lhs10");
}

TEST_CASE_FIXTURE(Bench, "a header's factors have their roles in either order") {
  for (const char *const factors : {"A[m, k] * B[k, n]", "B[k, n] * A[m, k]"}) {
    CAPTURE(factors);
    Bench bench;
    bench.loadText(std::string(noArchitecture) +
                   "mapping product[m < M, n < N; k < K] on arch: A\n  implements C[m, n] += " +
                   factors + " {}\n");
    for (const int inputs : {1, 2}) {
      OperatorText product = test::matmulText(5, 6, 7);
      product.inputs = inputs;
      CHECK(checkSwap(bench, product).starts_with("product m=5@0 n=6@1 k=7@2 C:y01"));
    }
  }
}

TEST_CASE_FIXTURE(StandardBench, "random products bind alike in either order of factors") {
  std::mt19937 random(7);
  const auto flip = [&] { return random() % 2 == 0; };
  for (int sample = 0; sample < 60; ++sample) {
    CAPTURE(sample);
    const auto size = [&] { return 1 + static_cast<int>(random() % 3); };
    const int m = size(), n = size(), k = size();
    OperatorText text = test::matmulText(m, n, k);
    if (flip()) {
      text.data = fmt::format("{}, {}", k, m);
      text.dataIndex = "v_k, v_i";
    }
    if (flip()) {
      text.weight = fmt::format("{}, {}", n, k);
      text.weightIndex = "v_j, v_k";
    }
    if (flip()) {
      text.result = fmt::format("{}, {}", n, m);
      text.writeIndex = "v_j, v_i";
    }
    if (flip())
      text = mirrored(text);
    text.inputs = flip() ? 1 : 2;
    CHECK(checkSwap(*this, text).starts_with("matmul "));
  }
}

TEST_CASE_FIXTURE(Bench, "without an index for them groups are refused, with the reason") {
  loadText(std::string(noArchitecture) +
           "mapping conv2d[b < B, k < K, p < P, q < Q; c < C, r < R, t < T](s) on arch: A\n"
           "  implements O[b, k, p, q] += I[b, c, p * s + r, q * s + t] * W[k, c, r, t] {}\n");
  const Choice depthwise = chooseFor(*this, depthwiseText().text());
  CHECK(depthwise.status == Choice::Status::Unmapped);
  REQUIRE(!depthwise.mismatches.empty());
  CHECK(depthwise.mismatches.front().kind == MismatchKind::SharedAxis);
  CHECK(chooseFor(*this, groupedText().text()).mismatches.front().kind == MismatchKind::SharedAxis);
  CHECK(chooseFor(*this, batchedText().text()).status == Choice::Status::Unmapped);
  // Three filters a group would leave one over.
  OperatorText uneven = groupedText();
  uneven.dataIndex = "v_n, v_f // 3 * 3 + v_c, v_y * 2 + v_r, v_x * 2 + v_s";
  CHECK(chooseFor(*this, uneven.text()).mismatches.front().kind == MismatchKind::NotAffine);
}

TEST_CASE_FIXTURE(Bench, "a batched header takes a batched product") {
  loadText(std::string(noArchitecture) + "mapping bmm[b < B, m < M, n < N; k < K] on arch: A\n"
                                         "  implements C[b, m, n] += X[b, m, k] * Y[b, k, n] {}\n");
  const OperatorText batched{"2, 4, 8",       "2, 8, 4",       "2, 4, 4",
                             "b, i, j, k",    "2, 4, 4, 8",    "SSSR",
                             "v_b, v_i, v_j", "v_b, v_i, v_k", "v_b, v_k, v_j"};
  const Choice choice = chooseFor(*this, batched.text());
  REQUIRE(choice.match);
  CHECK(choice.match->unitIndices == 0);
  // One that is not batched leaves b at 1.
  CHECK(chooseFor(*this, test::matmulText(4, 5, 8).text()).match->unitIndices == 1);
}

TEST_CASE_FIXTURE(Bench, "several mappings: a single block of a layout is no group") {
  const std::string two = std::string(noArchitecture) +
                          "mapping plain[k < K, p < P; c < C, r < R] on arch: A\n"
                          "  implements O[k, p] += I[c, p + r] * W[k, c, r] {}\n"
                          "mapping grouped[g < G, k < K, p < P; c < C, r < R] on arch: A\n"
                          "  implements O[g, k, p] += I[g, c, p + r] * W[g, k, c, r] {}\n";
  loadText(two);
  // The output channels stand in one block, the input channels in two.
  const OperatorText blocked{"2, 8, 4",
                             "1, 2, 3, 4, 8",
                             "1, 6, 8",
                             "ko, ki, p, co, ci, r",
                             "1, 8, 6, 2, 4, 3",
                             "SSSRRR",
                             "v_ko, v_p, v_ki",
                             "v_co, v_p + v_r, v_ci",
                             "v_ko, v_co, v_r, v_ci, v_ki"};
  const auto chosen = [&](Bench &bench) {
    bench.loadNetwork(blocked.text());
    REQUIRE_MESSAGE(bench.workload, bench.messages());
    const workload::Call &call = bench.workload->calls.front();
    const Choice choice = choose(bench, call, *call.contraction());
    REQUIRE(choice.match);
    return choice.match->mapping->name.text.str();
  };
  CHECK(chosen(*this) == "plain");
  // What is preferred comes first.
  Bench preferring;
  preferring.loadText(two + "prefer grouped over plain\n");
  CHECK(chosen(preferring) == "grouped");
}

TEST_CASE_FIXTURE(Bench, "several mappings: prefer decides, else the choice is ambiguous") {
  const std::string two = std::string(noArchitecture) +
                          "mapping first[m < M, n < N; k < K] on arch: A\n"
                          "  implements C[m, n] += X[m, k] * Y[k, n] {}\n"
                          "mapping second[m < M, n < N; k < K] on arch: A\n"
                          "  implements C[m, n] += X[m, k] * Y[k, n] {}\n";
  loadText(two);
  const Choice choice = chooseFor(*this, test::matmulText(4, 5, 8).text());
  CHECK(choice.status == Choice::Status::Ambiguous);
  CHECK(choice.ambiguous.size() == 2);
  DiagnosticEngine reports;
  reportChoice(choice, workload->calls.front(), "A", reports);
  CHECK(reports.hasErrors());
  Bench preferring;
  preferring.loadText(two + "prefer second over first\n");
  const Choice second = chooseFor(preferring, test::matmulText(4, 5, 8).text());
  REQUIRE(second.match);
  CHECK(second.match->mapping->name.text == "second");
  const Choice forced = chooseFor(preferring, test::matmulText(4, 5, 8).text(), {{"y", "first"}});
  REQUIRE(forced.match);
  CHECK(forced.match->mapping->name.text == "first");
}

TEST_CASE_FIXTURE(Bench, "element types are accepted or read as others") {
  loadText(std::string(noArchitecture) + "mapping m[m < M, n < N; k < K] on arch: A\n"
                                         "  implements C[m, n] += X[m, k] * Y[k, n]\n"
                                         "  accepts int8, float32 as int8 {}\n");
  const Choice choice = chooseFor(*this, test::matmulText(4, 5, 8).text());
  REQUIRE(choice.match);
  CHECK(choice.match->tensors[1].elementType.name() == "int8");
  CHECK(choice.match->tensors[1].declared.name() == "float32");
  OperatorText half = test::matmulText(4, 5, 8);
  half.type = "float16";
  const Choice refused = chooseFor(*this, half.text());
  CHECK(refused.status == Choice::Status::Unmapped);
  CHECK(refused.mismatches.front().kind == MismatchKind::ElementType);
}

TEST_CASE_FIXTURE(Bench, "a header that adds takes element-wise sums, and no other takes them") {
  loadText(sums);
  const Choice choice = chooseForSum(*this, test::matrixSumText());
  REQUIRE(choice.match);
  CHECK(choice.match->mapping->name.text == "sum");
  CHECK(choice.match->form == workload::ContractionForm::Sum);
  CHECK(choice.match->macs == 0);
  CHECK(extents(*choice.match) == std::map<std::string, std::int64_t>{{"m", 4}, {"n", 8}});
  REQUIRE(choice.mismatches.size() == 1);
  CHECK(choice.mismatches[0].kind == MismatchKind::Form);
  CHECK(choice.mismatches[0].reason ==
        "it computes sums of products, the operator adds two tensors");
  const Choice product = chooseFor(*this, test::matmulText(4, 5, 8).text());
  REQUIRE(product.match);
  CHECK(product.match->mapping->name.text == "product");
  CHECK(product.match->form == workload::ContractionForm::SumOfProducts);
  REQUIRE(product.mismatches.size() == 1);
  CHECK(product.mismatches[0].reason ==
        "it adds two tensors, the operator computes sums of products");
}

TEST_CASE_FIXTURE(Bench, "the operands of a sum are taken in either order") {
  loadText(std::string(noArchitecture) + "mapping sum[m < M, n < N] on arch: A\n"
                                         "  implements C[m, n] = X[m, n] + Y[n, m] {}\n");
  test::SumText transposed = test::matrixSumText();
  transposed.left = "8, 4";
  transposed.value = "lhs[v_j, v_i] + rhs[v_i, v_j]";
  const Choice swapped = chooseForSum(*this, transposed);
  REQUIRE(swapped.match);
  CHECK(swapped.match->tensors[1].tensorName == "rhs");
  CHECK(swapped.match->tensors[2].tensorName == "lhs");
  CHECK_FALSE(swapped.match->tensors[2].isReordered());
  CHECK_FALSE(chooseForSum(*this, test::matrixSumText()).match);
}

TEST_CASE_FIXTURE(Bench, "a tensor that is transposed before it is added is none that lies alike") {
  loadText(sums);
  test::SumText text = test::matrixSumText();
  text.left = "8, 4";
  text.value = "lhs[v_j, v_i] + rhs[v_i, v_j]";
  CHECK_FALSE(chooseForSum(*this, text).match);
  // The order of the loops does not matter.
  text = test::matrixSumText();
  text.loops = "j, i";
  text.extents = "8, 4";
  const Choice choice = chooseForSum(*this, text);
  REQUIRE(choice.match);
  CHECK(extents(*choice.match) == std::map<std::string, std::int64_t>{{"m", 4}, {"n", 8}});
}

TEST_CASE_FIXTURE(Bench, "what is broadcast, sliced or has a stride is not added as a whole") {
  loadText(sums);
  const auto reasonOf = [&](const std::string &right, const std::string &value) {
    test::SumText text = test::matrixSumText();
    text.right = right;
    text.value = value;
    const Choice choice = chooseForSum(*this, text);
    CHECK(choice.status == Choice::Status::Unmapped);
    CHECK(choice.mismatches.front().kind == MismatchKind::Structure);
    return choice.mismatches.front().reason;
  };
  CHECK(reasonOf("4, 1", "lhs[v_i, v_j] + rhs[v_i, 0]") ==
        "nothing in `rhs[v_i, 0]` agrees with `n` of `Y[m, n]`");
  reasonOf("8", "lhs[v_i, v_j] + rhs[v_j]");
  reasonOf("4, 16", "lhs[v_i, v_j] + rhs[v_i, v_j * 2]");
  reasonOf("5, 8", "lhs[v_i, v_j] + rhs[v_i + 1, v_j]");
}

TEST_CASE_FIXTURE(Bench, "neighbours of a sum are joined where it has too many dimensions") {
  loadText(sums);
  test::SumText text{"2, 3, 4",      "2, 3, 4", "2, 3, 4",
                     "i, j, k",      "2, 3, 4", "lhs[v_i, v_j, v_k] + rhs[v_i, v_j, v_k]",
                     "v_i, v_j, v_k"};
  loadNetwork(text.text());
  const workload::Call &call = workload->calls.front();
  const Choice choice = choose(*this, call, call.sums.front());
  REQUIRE(choice.match);
  CHECK(extents(*choice.match) == std::map<std::string, std::int64_t>{{"m", 2}, {"n", 12}});
  CHECK_FALSE(choice.match->tensors[0].isBlocked);
}

TEST_CASE_FIXTURE(Bench, "what an operator has more of than a header is named") {
  loadText(std::string(noArchitecture) + "mapping narrow[k < K, p < P; c < C, r < R] on arch: A\n"
                                         "  implements O[k, p] += I[c, p + r] * W[k, c, r] {}\n");
  const auto reasonOf = [&](const OperatorText &text) {
    const Choice choice = chooseFor(*this, text.text());
    CHECK(choice.status == Choice::Status::Unmapped);
    REQUIRE(choice.mismatches.size() == 1);
    CHECK(choice.mismatches.front().range.isValid());
    return choice.mismatches.front().reason;
  };
  OperatorText text{"2, 3, 6",       "4, 3, 3", "2, 4, 4",       "n, f, x, c, s",
                    "2, 4, 4, 3, 3", "SSSRR",   "v_n, v_f, v_x", "v_n, v_c, v_x + v_s",
                    "v_f, v_c, v_s"};
  CHECK(reasonOf(text) ==
        "the operator has 1 axis in the result and `lhs` alone ('v_n'), the header none");
  text.data = "3, 2, 6";
  text.weight = "4, 3, 2, 3";
  text.result = "4, 4";
  text.kinds = "RSSRR";
  text.writeIndex = "v_f, v_x";
  text.dataIndex = "v_c, v_n, v_x + v_s";
  text.weightIndex = "v_f, v_c, v_n, v_s";
  CHECK(reasonOf(text) ==
        "the operator has 2 axes reduced in `lhs` and `rhs` alone ('v_n', 'v_c'), the header 1");
  CHECK(reasonOf(conv2dText()) ==
        "the operator has windows along 2 dimensions of `lhs` (`2 * v_y + v_r`, `2 * v_x + v_s`), "
        "the header along 1");
}

TEST_CASE_FIXTURE(Bench, "a header of a sum that can match nothing says why") {
  const auto problemOf = [](const std::string &computation) {
    Bench bench;
    bench.loadText("architecture A() {}\nmapping sum[m < M, n < N] on arch: A\n  implements " +
                   computation + " {}\n");
    HeaderProblem problem;
    CHECK_FALSE(readHeader(*bench.mappings.front(), problem));
    CHECK(problem.range.isValid());
    return problem.reason;
  };
  const std::string form = "behind `=` only sums of two tensors are matched with operators";
  CHECK(problemOf("C[m, n] = X[m, n]") == form);
  CHECK(problemOf("C[m, n] = X[m, n] * Y[m, n]") == form);
  CHECK(problemOf("C[m, n] = X[m, n] - Y[m, n]") == form);
  CHECK(problemOf("C[m, n] = X[m, n] + Y[m, n] + Z[m, n]") == "a summand is no tensor access");
  CHECK(problemOf("C[m, n] = X[m, n] + 1") == "a summand is no tensor access");
  CHECK(problemOf("C[m, n] = X[m, n] + X[m, n]") == "both summands are the same tensor");
}

TEST_CASE_FIXTURE(Bench, "headers that are no sums of products say so") {
  loadText(std::string(noArchitecture) + "mapping pool[n < N; k < K] on arch: A\n"
                                         "  implements O[n] max= I[n, k] {}\n"
                                         "mapping demanding[m < M, n < N; k < K] on arch: A\n"
                                         "  implements C[m, n] += X[m, k] * Y[k, n] then relu {}\n"
                                         "mapping lenient[m < M, n < N; k < K] on arch: A\n"
                                         "  implements C[m, n] += X[m, k] * Y[k, n]\n"
                                         "  then optional relu {}\n");
  const Choice choice = chooseFor(*this, test::matmulText(4, 5, 8).text());
  REQUIRE(choice.match);
  CHECK(choice.match->mapping->name.text == "lenient");
  REQUIRE(choice.mismatches.size() == 2);
  CHECK(choice.mismatches[0].kind == MismatchKind::RequiredEpilogue);
  CHECK(choice.mismatches[1].kind == MismatchKind::UnsupportedHeader);
}

TEST_CASE_FIXTURE(Bench, "a mapping whose guard does not hold leaves the operator to others") {
  loadText("architecture A(rows: int = 4) {}\n"
           "function isShort(n: int, rows: int): bool = n <= 2 * rows\n"
           "mapping short[m < M, n < N; k < K] on arch: A\n"
           "  implements C[m, n] += X[m, k] * Y[k, n]\n"
           "  where isShort(K, arch.rows) and M > 1 {}\n"
           "mapping general[m < M, n < N; k < K] on arch: A\n"
           "  implements C[m, n] += X[m, k] * Y[k, n] {}\n"
           "prefer short over general\n");
  architecture = elaborate(
      *compilation, ast::cast<ast::ArchitectureDeclaration>(*module->tree.declarations.front()), {},
      sources, diagnostics);
  REQUIRE_MESSAGE(architecture, messages());
  const auto chosen = [&](int m, int k, std::vector<ForcedMapping> forced = {}) {
    loadNetwork(test::matmulText(m, 5, k).text());
    REQUIRE_MESSAGE(workload, messages());
    MatchOptions options;
    options.sources = &sources;
    options.guard = [&](const Match &match) {
      return guardHolds(match, *architecture, home(), diagnostics);
    };
    const workload::Call &call = workload->calls.front();
    REQUIRE(call.contraction() != nullptr);
    return chooseMapping(mappings, preferences, forced, *workload, call, *call.contraction(),
                         options);
  };
  const Choice fits = chosen(2, 8);
  REQUIRE(fits.match);
  CHECK(fits.match->mapping->name.text == "short");
  for (const auto &[m, k] : {std::pair(2, 9), std::pair(1, 8)}) {
    const Choice other = chosen(m, k);
    REQUIRE(other.match);
    CHECK(other.match->mapping->name.text == "general");
    REQUIRE(other.mismatches.size() == 1);
    CHECK(other.mismatches[0].kind == MismatchKind::Guard);
    CHECK(other.mismatches[0].reason ==
          "its condition `isShort(K, arch.rows) and M > 1` does not hold for M=" +
              std::to_string(m) + ", N=5, K=" + std::to_string(k));
  }
  const Choice forced = chosen(2, 9, {{"y", "short"}});
  CHECK(forced.status == Choice::Status::Unmapped);
  CHECK_FALSE(diagnostics.hasErrors());
}

TEST_CASE_FIXTURE(Bench, "a guard that cannot be evaluated is reported and does not hold") {
  loadText("architecture A() {}\n"
           "mapping m[m < M, n < N; k < K] on arch: A\n"
           "  implements C[m, n] += X[m, k] * Y[k, n]\n"
           "  where M / (N - 5) > 0 {}\n");
  elaborateWith({});
  REQUIRE_MESSAGE(architecture, messages());
  loadNetwork(test::matmulText(2, 5, 8).text());
  MatchOptions options;
  options.guard = [&](const Match &match) {
    return guardHolds(match, *architecture, home(), diagnostics);
  };
  const workload::Call &call = workload->calls.front();
  const MatchResult result =
      matchContraction(*mappings.front(), *workload, call, *call.contraction(), options);
  CHECK_FALSE(result.match);
  CHECK(result.mismatch.kind == MismatchKind::Guard);
  REQUIRE(diagnostics.diagnostics().size() == 1);
  CHECK(diagnostics.diagnostics().front().code == DiagnosticCode::DivisionByZero);
}

TEST_CASE("every convolution and matrix product of whole networks is matched") {
  const auto folder = test::networkFolder();
  if (folder.empty()) {
    MESSAGE("skipped: no folder of networks (set ACADLC_NETWORKS)");
    return;
  }
  const std::map<std::string, int> expected{
      {"lenet5", 5}, {"alexnet", 8}, {"resnet18", 21}, {"tc_resnet8", 11}};
  for (const auto &[name, count] : expected) {
    for (const char *variant : {"", "_fold", "_fused", "_fold_fused"}) {
      const auto path = folder / (name + variant + ".tir");
      if (!std::filesystem::exists(path)) {
        MESSAGE("skipped: no ", path.string());
        continue;
      }
      CAPTURE(path.string());
      StandardBench bench;
      bench.loadNetwork(test::readText(path));
      REQUIRE_MESSAGE(bench.workload, bench.messages());
      int mapped = 0;
      std::int64_t macs = 0;
      for (const workload::Call &call : bench.workload->calls) {
        for (const workload::Contraction &contraction : call.contractions) {
          const Choice choice = choose(bench, call, contraction);
          CAPTURE(call.name);
          if (choice.status != Choice::Status::Mapped && !choice.mismatches.empty())
            INFO(choice.mismatches.front().reason);
          if (contraction.kind != workload::OperatorKind::AveragePool)
            CHECK(choice.status == Choice::Status::Mapped);
          if (!choice.match)
            continue;
          ++mapped;
          macs += choice.match->macs;
          checkAgreement(*choice.match, contraction);
          if (std::getenv("ACADLC_SHOW_MATCHES")) {
            std::string line = call.name + " " + choice.match->mapping->name.text.str();
            for (const auto &[key, number] : extents(*choice.match))
              line += fmt::format(" {}={}", key, number);
            MESSAGE(line);
          }
        }
      }
      CHECK(mapped == count);
      CHECK(macs == bench.workload->macs());
    }
  }
}

} // namespace acadlc::mapping
