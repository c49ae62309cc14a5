#include "frontend/tir/TirReader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace acadlc::tir {

namespace {

using namespace workload;
using enum OperatorKind;

std::string tensor(const std::string &shape, const std::string &type = "float32") {
  return "R.Tensor((" + shape + "), dtype=\"" + type + "\")";
}

struct Outcome {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  std::optional<Workload> workload;

  /// An entry with these parameters that returns the operator's result.
  Outcome(const std::string &parameters, const std::string &call, const std::string &type = "") {
    const FileId file = sources.addText(
        "test.tir", "@I.ir_module\nclass Module:\n    @R.function\n    def main(" + parameters +
                        "):\n        gv" + (type.empty() ? "" : ": " + type) + " = " + call +
                        "\n        return gv\n");
    workload = readWorkload(sources, file, {}, diagnostics);
  }
  [[nodiscard]] std::string firstId() const {
    const auto &all = diagnostics.diagnostics();
    return all.empty() ? "none" : std::string(diagnosticInfo(all.front().code).id);
  }
};

} // namespace

TEST_CASE("relax operators: results, kinds and work") {
  const std::string image = "x: " + tensor("1, 8, 12, 12");
  struct Case {
    std::string parameters, call, type; ///< the type that TVM gives the result
    OperatorKind kind;
    std::int64_t macs;
  };
  const std::vector<Case> cases = {
      {image + ", w: " + tensor("16, 8, 3, 3"),
       "R.nn.conv2d(x, w, strides=[2, 2], padding=[1, 1, 1, 1])", tensor("1, 16, 6, 6"),
       Convolution2D, 16 * 6 * 6 * 8 * 9},
      {"x: " + tensor("1, 12, 12, 8") + ", w: " + tensor("16, 3, 3, 8"),
       "R.nn.conv2d(x, w, dilation=[2, 2], data_layout=\"NHWC\", kernel_layout=\"OHWI\")",
       tensor("1, 8, 8, 16"), Convolution2D, 16 * 8 * 8 * 8 * 9},
      {image + ", w: " + tensor("8, 1, 3, 3"), "R.nn.conv2d(x, w, groups=8)",
       tensor("1, 8, 10, 10"), DepthwiseConvolution, 8 * 100 * 9},
      {image + ", w: " + tensor("16, 2, 3, 3"), "R.nn.conv2d(x, w, groups=4)",
       tensor("1, 16, 10, 10"), Convolution2D, 16 * 100 * 2 * 9},
      {"x: " + tensor("1, 8, 12", "int8") + ", w: " + tensor("4, 8, 3", "int8"),
       "R.nn.conv1d(x, w, padding=[2, 0], out_dtype=\"int32\")", tensor("1, 4, 12", "int32"),
       Convolution1D, 4 * 12 * 8 * 3},
      {"x: " + tensor("1, 2, 4, 6, 8") + ", w: " + tensor("3, 2, 1, 3, 3"), "R.nn.conv3d(x, w)",
       tensor("1, 3, 4, 4, 6"), Convolution3D, 3 * 4 * 4 * 6 * 2 * 9},
      {"x: " + tensor("1, 16, 8, 8") + ", w: " + tensor("16, 8, 4, 4"),
       "R.nn.conv2d_transpose(x, w, strides=[2, 2], padding=[1, 1, 1, 1])", tensor("1, 8, 16, 16"),
       TransposedConvolution2D, 524'288},
      {"x: " + tensor("4, 8") + ", w: " + tensor("8, 3"), "R.matmul(x, w)", tensor("4, 3"), MatMul,
       4 * 8 * 3},
      {"x: " + tensor("2, 5, 4, 8") + ", w: " + tensor("5, 8, 3"), "R.matmul(x, w)",
       tensor("2, 5, 4, 3"), BatchMatMul, 2 * 5 * 4 * 8 * 3},
      {image, "R.nn.max_pool2d(x, pool_size=[3, 3], strides=[2, 2], padding=[1, 1, 1, 1])",
       tensor("1, 8, 6, 6"), MaxPool, 0},
      {image, "R.nn.max_pool2d(x, pool_size=[3, 3], strides=[2, 2], ceil_mode=True)",
       tensor("1, 8, 6, 6"), MaxPool, 0},
      {image, "R.nn.avg_pool2d(x, pool_size=[2, 2], strides=[2, 2])", tensor("1, 8, 6, 6"),
       AveragePool, 0},
      {image, "R.nn.adaptive_avg_pool2d(x, output_size=[1, 1])", tensor("1, 8, 1, 1"),
       GlobalAveragePool, 0},
      {image, "R.nn.adaptive_avg_pool2d(x, output_size=[5, 7])", tensor("1, 8, 5, 7"),
       AdaptiveAveragePool, 0},
      {"x: " + tensor("2, 10"), "R.nn.softmax(x, axis=-1)", tensor("2, 10"), Softmax, 0},
      {"x: " + tensor("2, 10"), "R.nn.log_softmax(x, axis=1)", tensor("2, 10"), LogSoftmax, 0},
      {image, "R.nn.relu(x)", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image, "R.nn.gelu(x)", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image, "R.clip(x, R.prim_value(0), R.prim_value(6))", tensor("1, 8, 12, 12"), ElementWise,
       0},
      {image + ", b: " + tensor("8, 1, 1"), "R.add(x, b)", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image, "R.multiply(x, R.const(0.5, \"float32\"))", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image + ", b: " + tensor("1,"), "R.greater(x, b)", tensor("1, 8, 12, 12", "bool"),
       ElementWise, 0},
      {image, "R.astype(x, dtype=\"int8\")", tensor("1, 8, 12, 12", "int8"), ElementWise, 0},
      {image, "R.sum(x, axis=[2, 3], keepdims=True)", tensor("1, 8, 1, 1"), SumPool, 0},
      {image, "R.max(x, axis=[1])", tensor("1, 12, 12"), Reduction, 0},
      {image, "R.permute_dims(x, axes=[0, 2, 3, 1])", tensor("1, 12, 12, 8"), DataMovement, 0},
      {image, "R.reshape(x, R.shape([1, 8, 144]))", tensor("1, 8, 144"), Free, 0},
      {image, "R.reshape(x, (1, -1))", tensor("1, 1152"), Free, 0},
      {image, "R.flatten(x)", tensor("1152,"), Free, 0},
      {image, "R.expand_dims(x, axis=[0])", tensor("1, 1, 8, 12, 12"), Free, 0},
      {image, "R.squeeze(x, axis=[0])", tensor("8, 12, 12"), Free, 0},
      {image, "R.concat((x, x), axis=1)", tensor("1, 16, 12, 12"), DataMovement, 0},
      {image, "R.strided_slice(x, [2], [1], [9], [2])", tensor("1, 8, 4, 12"), DataMovement, 0},
      {image, "R.nn.pad(x, pad_width=[0, 0, 0, 0, 1, 1, 2, 2])", tensor("1, 8, 14, 16"),
       DataMovement, 0},
      {"x: " + tensor("3,", "int32") + ", w: " + tensor("9, 4"), "R.take(w, x, axis=0)",
       tensor("3, 4"), DataMovement, 0},
      {image,
       "R.image.resize2d(x, R.shape([24, 24]), layout=\"NCHW\", "
       "method=\"nearest_neighbor\")",
       tensor("1, 8, 24, 24"), DataMovement, 0},
      {"x: " + tensor("2, 8") + ", w: " + tensor("5, 8"), "R.linear(x, w)", tensor("2, 5"), MatMul,
       2 * 5 * 8},
      {"x: " + tensor("2, 8") + ", w: " + tensor("5, 8") + ", b: " + tensor("5,"),
       "R.nn.linear(x, w, b)", tensor("2, 5"), MatMul, 2 * 5 * 8},
      {"x: " + tensor("2, 3, 4") + ", w: " + tensor("2, 4, 5"),
       "R.einsum((x, w), subscripts=\"bij, bjk -> bik\")", tensor("2, 3, 5"), BatchMatMul,
       2 * 3 * 4 * 5},
      {"x: " + tensor("2, 3, 4"), "R.einsum((x,), subscripts=\"ijk->kj\")", tensor("4, 3"),
       Reduction, 0},
      {"x: " + tensor("3,") + ", w: " + tensor("5,"), "R.outer(x, w)", tensor("3, 5"), ElementWise,
       0},
      {image, "R.variance(x, axis=[-1], keepdims=True)", tensor("1, 8, 12, 1"), Reduction, 0},
      {image, "R.std(x, axis=[2, 3])", tensor("1, 8"), Reduction, 0},
      {image, "R.argmax(x, axis=1, keepdims=False)", tensor("1, 12, 12", "int64"), ArgMax, 0},
      {image, "R.argmin(x, axis=None)", tensor("", "int64"), ArgMax, 0},
      {image, "R.sort(x, axis=-1, descending=False)", tensor("1, 8, 12, 12"), Other, 0},
      {image, "R.argsort(x, axis=-1, descending=False, dtype=\"int32\")",
       tensor("1, 8, 12, 12", "int32"), Other, 0},
      {image, "R.topk(x, k=3, axis=1, ret_type=\"values\")", tensor("1, 3, 12, 12"), Other, 0},
      {image, "R.cumsum(x, axis=1, dtype=\"void\", exclusive=False)", tensor("1, 8, 12, 12"), Other,
       0},
      {image, "R.tril(x, k=0)", tensor("1, 8, 12, 12"), DataMovement, 0},
      {image, "R.triu(x, R.prim_value(1))", tensor("1, 8, 12, 12"), DataMovement, 0},
      {image, "R.repeat(x, repeats=2, axis=1)", tensor("1, 16, 12, 12"), DataMovement, 0},
      {"x: " + tensor("3, 4"), "R.repeat(x, 2)", tensor("24,"), DataMovement, 0},
      {image, "R.tile(x, repeats=(1, 2, 1, 1))", tensor("1, 16, 12, 12"), DataMovement, 0},
      {image, "R.flip(x, axis=1)", tensor("1, 8, 12, 12"), DataMovement, 0},
      {image, "R.stack((x, x), axis=0)", tensor("2, 1, 8, 12, 12"), DataMovement, 0},
      {image, "R.nn.pixel_shuffle(x, upscale_factor=2)", tensor("1, 2, 24, 24"), DataMovement, 0},
      {image, "R.nn.pad(x, (0, 0, 0, 0, 1, 1, 2, 2), pad_mode=\"reflect\", pad_value=0.0)",
       tensor("1, 8, 14, 16"), DataMovement, 0},
      {image, "R.nn.pad(x, (0, 0, 0, 0, 1, 1, 2, 2), \"replicate\")", tensor("1, 8, 14, 16"),
       DataMovement, 0},
      {image + ", a: " + tensor("8,"), "R.nn.prelu(x, a, axis=1)", tensor("1, 8, 12, 12"),
       ElementWise, 0},
      {image, "R.nn.selu(x)", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image, "R.isnan(x)", tensor("1, 8, 12, 12", "bool"), ElementWise, 0},
      {image, "R.log_add_exp(x, x)", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image + ", m: " + tensor("12, 12", "bool"), "R.masked_fill(x, m, -1e9)",
       tensor("1, 8, 12, 12"), ElementWise, 0},
      {"x: " + tensor("3, 4") + ", i: " + tensor("2, 4", "int64"),
       "R.gather_elements(x, i, axis=0)", tensor("2, 4"), DataMovement, 0},
      {"x: " + tensor("3, 4") + ", i: " + tensor("5, 1", "int64"),
       "R.gather_nd(x, i, batch_dims=0)", tensor("5, 4"), DataMovement, 0},
      {"x: " + tensor("3, 4") + ", i: " + tensor("2,", "int64"), "R.index_tensor(x, (i,))",
       tensor("2, 4"), DataMovement, 0},
      {"x: " + tensor("3, 4") + ", i: " + tensor("2, 4", "int64") + ", u: " + tensor("2, 4"),
       "R.scatter_elements(x, i, u, axis=0, reduction=\"update\")", tensor("3, 4"), Other, 0},
      {image, "R.arange(R.prim_value(0), R.prim_value(15), R.prim_value(2), dtype=\"int64\")",
       tensor("8,", "int64"), Free, 0},
      {image, "R.zeros(R.shape([4, 4]), dtype=\"float16\")", tensor("4, 4", "float16"), Free, 0},
      {image, "R.full((2, 3), R.const(0, \"float32\"), dtype=\"float32\")", tensor("2, 3"), Free,
       0},
      {image, "R.ones_like(x, dtype=\"void\")", tensor("1, 8, 12, 12"), Free, 0},
      {image, "R.eye(4, 5, 0, dtype=\"float32\")", tensor("4, 5"), Free, 0},
      {image, "R.wrap_param(x, dtype=\"float16\")", tensor("1, 8, 12, 12", "float16"), ElementWise,
       0},
  };
  for (const Case &entry : cases) {
    CAPTURE(entry.call);
    const Outcome outcome(entry.parameters, entry.call, entry.type);
    CHECK(outcome.firstId() == "none");
    REQUIRE(outcome.workload);
    const Call &call = outcome.workload->calls.at(0);
    CHECK(call.kind == entry.kind);
    CHECK(call.macs == entry.macs);
  }
}

TEST_CASE("relax operators: several results and several stages") {
  const Outcome split("x: " + tensor("4, 9"), "R.split(x, 3, axis=1)");
  REQUIRE(split.workload);
  CHECK(split.workload->results.size() == 3);
  CHECK(split.workload->calls.at(0).computations.size() == 3);
  const std::string channels = tensor("8,");
  const Outcome norm("x: " + tensor("1, 8, 4, 4") + ", g: " + channels + ", b: " + channels +
                         ", m: " + channels + ", v: " + channels,
                     "R.nn.batch_norm(x, g, b, m, v, axis=1, epsilon=0.001)[0]");
  REQUIRE(norm.workload);
  CHECK(norm.workload->calls.at(0).computations.size() == 5);
  CHECK(norm.workload->results.at(0) == norm.workload->calls.at(0).outputs.at(0));
  const std::string heads = tensor("1, 16, 2, 8");
  const Outcome attention("q: " + heads + ", k: " + heads + ", v: " + heads,
                          "R.nn.attention(q, k, v)", heads);
  REQUIRE(attention.workload);
  CHECK(attention.workload->macs() == 2 * (2 * 16 * 16 * 8));
  const Outcome layers("x: " + tensor("4, 16") + ", g: " + tensor("16,") + ", b: " + tensor("16,"),
                       "R.nn.layer_norm(x, g, b, axes=[-1], epsilon=0.001)", tensor("4, 16"));
  REQUIRE(layers.workload);
  CHECK(layers.workload->macs() == 0);
  const Outcome groups("x: " + tensor("1, 8, 4, 4") + ", g: " + channels + ", b: " + channels,
                       "R.nn.group_norm(x, g, b, num_groups=2, channel_axis=1, axes=[2, 3])",
                       tensor("1, 8, 4, 4"));
  CHECK(groups.workload);
}

TEST_CASE("relax operators: attention with a scale, a bias and a mask") {
  const std::string heads = tensor("1, 16, 2, 8");
  const std::string parameters =
      "q: " + heads + ", k: " + heads + ", v: " + heads + ", b: " + tensor("1, 1, 16, 16");
  for (const char *call :
       {"R.nn.attention(q, k, v, scale=T.FloatImm(\"float32\", 0.125), causal_mask=None)",
        "R.nn.attention(q, k, v, scale=None, causal_mask=\"TopLeft\", window_size=None)",
        "R.nn.attention(q, k, v, bias=b, causal_mask=\"BottomRight\")",
        "R.nn.attention_bias(q, k, v, b)"}) {
    CAPTURE(std::string(call));
    const Outcome outcome(parameters, call, heads);
    CHECK(outcome.firstId() == "none");
    REQUIRE(outcome.workload);
    CHECK(outcome.workload->macs() == 2 * (2 * 16 * 16 * 8));
    const bool hasBias = std::string_view(call).find(" b") != std::string_view::npos ||
                         std::string_view(call).find("=b") != std::string_view::npos;
    CHECK(outcome.workload->calls.at(0).inputs.size() == (hasBias ? 4 : 3));
  }
}

TEST_CASE("relax operators: what is not modelled says so") {
  const Outcome topk("x: " + tensor("4, 9"), "R.topk(x, k=2, axis=-1, ret_type=\"both\")");
  REQUIRE(topk.workload);
  CHECK(topk.workload->results.size() == 2);
  const Call &call = topk.workload->calls.at(0);
  REQUIRE(call.computations.size() == 1);
  CHECK(call.computations[0].opaqueReason == "'R.topk'");
  CHECK(call.bytesRead == 4 * 9 * 4);
  CHECK(call.bytesWritten == 4 * 2 * (4 + 4));
}

TEST_CASE("relax operators: what makes no sense is an error") {
  const std::string image = "x: " + tensor("1, 8, 12, 12");
  for (const char *call : {"R.nn.conv2d(x, x, groups=3)",
                           "R.nn.conv2d(x)",
                           "R.nn.conv2d(x, x, data_layout=\"NCHW4c\")",
                           "R.nn.max_pool2d(x, pool_size=[99, 99])",
                           "R.nn.max_pool2d(x, pool_size=[0, 0])",
                           "R.nn.max_pool2d(x, strides=[0, 0])",
                           "R.nn.adaptive_avg_pool2d(x, output_size=[0, 0])",
                           "R.nn.softmax(x, axis=4)",
                           "R.reshape(x, (7, 7))",
                           "R.reshape(x, (-1, 0, 0, 0, 0))",
                           "R.permute_dims(x, axes=[0, 0, 1, 2])",
                           "R.concat((x, x), axis=-5)",
                           "R.split(x, 0, axis=1)",
                           "R.strided_slice(x, [2], [9], [1])",
                           "R.take(x, x)",
                           "R.nn.pad(x, pad_width=[1])",
                           "R.matmul(x, R.const(1, \"float32\"))",
                           "R.nn.conv2d_transpose(x, x)",
                           "R.expand_dims(x, axis=[9])",
                           "R.add(x)",
                           "R.astype(x, dtype=\"nonsense\")",
                           "R.linear(x, x)",
                           "R.einsum((x, x), subscripts=\"ab,bc->ac\")",
                           "R.einsum((x, x, x), subscripts=\"abcd,abcd,abcd->a\")",
                           "R.einsum((x,), subscripts=\"abcd->az\")",
                           "R.topk(x, k=99, axis=1)",
                           "R.repeat(x, repeats=-1, axis=1)",
                           "R.nn.pixel_shuffle(x, upscale_factor=3)",
                           "R.nn.prelu(x, x)",
                           "R.nn.pad(x, pad_width=(0, 0, 0, 0, 1, 1, 1, 1), pad_mode=\"odd\")",
                           "R.gather_nd(x, R.const([], \"int64\"))",
                           "R.index_tensor(x, ())",
                           "R.arange(R.prim_value(4), R.prim_value(0))",
                           "R.zeros(R.shape([0]), dtype=\"float32\")",
                           "R.meshgrid((x, x), indexing=\"ij\")"}) {
    CAPTURE(std::string(call));
    const Outcome outcome(image, call);
    CHECK(outcome.firstId() == "E0408");
    CHECK_FALSE(outcome.workload);
  }
  CHECK(Outcome(image, "R.unheard_of(x)").firstId() == "E0415");
  CHECK(Outcome(image, "R.add(x, metadata[\"relax.expr.Constant\"][0])").firstId() == "E0425");
  CHECK(Outcome(image, "R.nn.relu(x)", tensor("1, 8, 12, 13")).firstId() == "E0408");
}

} // namespace acadlc::tir
