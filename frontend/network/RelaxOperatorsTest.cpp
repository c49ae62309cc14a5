#include "frontend/relax/RelaxOperators.h"

#include "frontend/network/NetworkReader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
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
      {"x: " + tensor("2, 3, 4") + ", w: " + tensor("4, 5"),
       "R.einsum((x, w), subscripts=\"...d, de -> ...e\")", tensor("2, 3, 5"), MatMul,
       2 * 3 * 4 * 5},
      {"x: " + tensor("2, 3, 4") + ", w: " + tensor("2, 4, 5"),
       "R.einsum((x, w), subscripts=\"...ij,...jk\")", tensor("2, 3, 5"), BatchMatMul,
       2 * 3 * 4 * 5},
      {"x: " + tensor("1, 7, 3, 4") + ", w: " + tensor("2, 1, 4, 5"),
       "R.einsum((x, w), subscripts=\"...ij,...jk->...ik\")", tensor("2, 7, 3, 5"), MatMul,
       2 * 7 * 3 * 4 * 5},
      {"x: " + tensor("2, 3, 4"), "R.einsum((x,), subscripts=\"i...->...\")", tensor("3, 4"),
       Reduction, 0},
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
      {"x: " + tensor("1, 2, 12, 12, 4") + ", w: " + tensor("4, 2, 3, 3, 4, 4"),
       "R.nn.conv2d(x, w, padding=[1, 1, 1, 1], data_layout=\"NCHW4c\", "
       "kernel_layout=\"OIHW4i4o\", "
       "out_layout=\"NCHW4c\")",
       tensor("1, 4, 12, 12, 4"), Convolution2D, 16 * 144 * 8 * 9},
      {"x: " + tensor("1, 2, 12, 12, 4") + ", w: " + tensor("2, 2, 3, 3, 4, 8"),
       "R.nn.conv2d(x, w, data_layout=\"NCHW4c\", kernel_layout=\"OIHW4i8o\", "
       "out_layout=\"NCHW8c\")",
       tensor("1, 2, 10, 10, 8"), Convolution2D, 16 * 100 * 8 * 9},
      {"x: " + tensor("1, 2, 12, 12, 4") + ", w: " + tensor("2, 1, 3, 3, 1, 4"),
       "R.nn.conv2d(x, w, groups=8, data_layout=\"NCHW4c\", kernel_layout=\"OIHW1i4o\")",
       tensor("1, 2, 10, 10, 4"), DepthwiseConvolution, 8 * 100 * 9},
      {"x: " + tensor("1, 2, 12, 12, 4"),
       "R.nn.max_pool2d(x, pool_size=[2, 2], strides=[2, 2], layout=\"NCHW4c\")",
       tensor("1, 2, 6, 6, 4"), MaxPool, 0},
      {image, "R.layout_transform(x, index_map=lambda i, j, k, l: (i, j // 4, k, l, j % 4))",
       tensor("1, 2, 12, 12, 4"), DataMovement, 0},
      {image,
       "R.layout_transform(x, index_map=T.index_map(lambda i, j, k, l: (i, j // 5, k, l, j % 5)), "
       "pad_value=None, axis_separators=[], input_axis_separators=[])",
       tensor("1, 2, 12, 12, 5"), DataMovement, 0},
      {"x: " + tensor("16, 24"),
       "R.layout_transform(x, index_map=lambda i, j: (i // 8, j // 4 // 3, i % 8 // 2, j % 4, "
       "j // 4 % 3, i % 2))",
       tensor("2, 2, 4, 4, 3, 2"), DataMovement, 0},
      {image, "R.memory.view(x, R.shape([8, 144]), R.dtype(\"float32\"), R.prim_value(0))",
       tensor("8, 144"), Free, 0},
      {image, "R.memory.view(x, (4, 36), None, 16)", tensor("4, 36"), DataMovement, 0},
      {"x: " + tensor("3,", "int64"),
       "R.one_hot(x, R.prim_value(T.float32(1.0)), R.prim_value(T.float32(0.0)), depth=10, "
       "axis=-1)",
       tensor("3, 10"), ElementWise, 0},
      {"x: " + tensor("3,", "int64"),
       "R.one_hot(x, R.prim_value(1), R.prim_value(0), depth=10, axis=0)", tensor("10, 3", "int64"),
       ElementWise, 0},
      {"x: " + tensor("3, 4") + ", t: " + tensor("3,", "int64"), "R.nn.nll_loss(x, t)", tensor(""),
       Reduction, 0},
      {"x: " + tensor("3, 4, 5") + ", t: " + tensor("3, 5", "int64") + ", w: " + tensor("4,"),
       "R.nn.nll_loss(x, t, w, reduction=\"sum\", ignore_index=-1)", tensor(""), Reduction, 0},
      {"x: " + tensor("3, 4") + ", t: " + tensor("3,", "int64"),
       "R.nn.nll_loss(x, t, reduction=\"none\")", tensor("3,"), ElementWise, 0},
      {"x: " + tensor("3, 4") + ", t: " + tensor("3, 4"), "R.nn.cross_entropy_with_logits(x, t)",
       tensor(""), Reduction, 0},
      {image, "R.nn.softplus(x, beta=1.0, threshold=20.0)", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image, "R.ewise_fma(x, x, x)", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image, "R.collapse_sum_to(x, R.shape([8, 1, 12]))", tensor("8, 1, 12"), Reduction, 0},
      {image + ", y: " + tensor("12,"), "R.collapse_sum_like(x, y)", tensor("12,"), Reduction, 0},
      {image + ", y: " + tensor("1, 8, 3, 12"),
       "R.slice_scatter(x, y, R.prim_value(2), R.prim_value(8), R.prim_value(2), axis=2)",
       tensor("1, 8, 12, 12"), DataMovement, 0},
      {"x: " + tensor("3, 4"), "R.eye_like(x, 1, dtype=\"void\")", tensor("3, 4"), Free, 0},
      {image,
       "R.hamming_window(R.prim_value(16), R.prim_value(1), R.prim_value(1), "
       "R.prim_value(1), dtype=\"float32\")",
       tensor("16,"), Free, 0},
      {"x: " + tensor("1, 2, 4, 4, 4"),
       "R.image.resize3d(x, R.shape([8, 8, 8]), layout=\"NCDHW\", method=\"linear\")",
       tensor("1, 2, 8, 8, 8"), DataMovement, 0},
      {image, "R.ccl.allreduce(x, op_type=\"sum\", in_group=True)", tensor("1, 8, 12, 12"), Other,
       0},
      {image, "R.ccl.allgather(x, num_workers=4, in_group=True)", tensor("4, 8, 12, 12"), Other, 0},
      {image, "R.ccl.scatter_from_worker0(x, num_workers=4, axis=1)", tensor("1, 2, 12, 12"), Other,
       0},
      {image + ", g: " + tensor("1, 8, 6, 6"),
       "R.grad.max_pool2d_backward(g, x, pool_size=[2, 2], strides=[2, 2])", tensor("1, 8, 12, 12"),
       Other, 0},
      {image + ", g: " + tensor("1, 5, 7, 2"), "R.image.grid_sample(x, g, method=\"bilinear\")",
       tensor("1, 8, 5, 7"), Other, 0},
      // Dimensions of more than one element stay, as in the exports of PyTorch.
      {"x: " + tensor("3, 1, 4, 1"), "R.squeeze(x, axis=[0, 1, 2, 3])", tensor("3, 4"), Free, 0},
      {"x: " + tensor("3, 1, 4, 1"), "R.squeeze(x, axis=[2])", tensor("3, 1, 4, 1"), Free, 0},
      {image, "R.sum(x, axis=[], keepdims=False)", tensor("1, 8, 12, 12"), Free, 0},
      {image, "R.max(x, [1, 2], True)", tensor("1, 1, 1, 12"), GlobalMaxPool, 0},
      {"x: " + tensor("2, 3"), "R.cumsum(x, axis=None, dtype=\"int32\", exclusive=None)",
       tensor("6,", "int32"), Other, 0},
      {image, "R.arange(10, 0, -3, dtype=\"int64\")", tensor("4,", "int64"), Free, 0},
      {image,
       "R.arange(R.prim_value(T.float32(0.0)), R.prim_value(T.float32(1.0)), "
       "R.prim_value(T.float32(0.3)), dtype=\"float32\")",
       tensor("4,"), Free, 0},
      {image,
       "R.strided_slice(x, (R.prim_value(3),), (R.prim_value(-1),), (R.prim_value(-13),), "
       "(R.prim_value(-1),), assume_inbound=False)",
       tensor("1, 8, 12, 12"), DataMovement, 0},
      {image, "R.strided_slice(x, [1, 3], [9223372036854775807, 8], [-9999, 0], [-1, -2])",
       tensor("1, 8, 12, 4"), DataMovement, 0},
      {image, "R.strided_slice(x, R.tuple(), R.tuple(), R.tuple(), assume_inbound=False)",
       tensor("1, 8, 12, 12"), Free, 0},
      {image, "R.take(x, R.prim_value(-1), axis=1, mode=\"fast\")", tensor("1, 12, 12"),
       DataMovement, 0},
      {image, "R.nn.pad(x, pad_width=[0, 0, 0, 0, -1, 1, -2, 0])", tensor("1, 8, 12, 10"),
       DataMovement, 0},
      {image,
       "R.image.resize2d(x, R.shape([24, 6]), roi=[T.float32(0.0), T.float32(0.0), "
       "T.float32(0.0), T.float32(0.0)], method=\"linear\", out_dtype=\"float16\")",
       tensor("1, 8, 24, 6", "float16"), DataMovement, 0},
      {image, "R.nn.adaptive_avg_pool2d(x, output_size=[18, 12])", tensor("1, 8, 18, 12"),
       AdaptiveAveragePool, 0},
      {image, "R.add(x, R.prim_value(T.float32(2.0)))", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image, "R.subtract(R.prim_value(2), x)", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image, "R.add(x, R.const(1.0))", tensor("1, 8, 12, 12"), ElementWise, 0},
      {image + ", m: " + tensor("12,", "bool"), "R.where(m, x, R.prim_value(T.float32(0.0)))",
       tensor("1, 8, 12, 12"), ElementWise, 0},
      {image, "R.astype(x, \"int8\")", "R.Tensor((1, 8, 12, 12))", ElementWise, 0},
      // Attributes by position.
      {image + ", w: " + tensor("4, 8, 3, 3"), "R.nn.conv2d(x, w, (2, 2), (1, 1), (1, 1), 1)",
       tensor("1, 4, 6, 6"), Convolution2D, 4 * 6 * 6 * 8 * 9},
      {"x: " + tensor("1, 12, 12, 8") + ", w: " + tensor("8, 3, 3, 1"),
       "R.nn.conv2d(x, w, 1, 0, 1, 8, \"NHWC\", \"OHWI\", \"NHWC\", \"float16\")",
       tensor("1, 10, 10, 8", "float16"), DepthwiseConvolution, 8 * 100 * 9},
      {image + ", w: " + tensor("8, 4, 2, 2"), "R.nn.conv2d_transpose(x, w, 2, 0, 1)",
       tensor("1, 4, 25, 25"), TransposedConvolution2D, 4 * 25 * 25 * 8 * 4},
      {image, "R.nn.max_pool2d(x, [3, 3], [2, 2], [1, 1, 1, 1], [1, 1], True)",
       tensor("1, 8, 7, 7"), MaxPool, 0},
      {"x: " + tensor("1, 12, 12, 8"),
       "R.nn.avg_pool2d(x, (2, 2), (2, 2), (0, 0), (1, 1), False, True, \"NHWC\")",
       tensor("1, 6, 6, 8"), AveragePool, 0},
      {"x: " + tensor("1, 12, 12, 8"), "R.nn.adaptive_avg_pool2d(x, 1, \"NHWC\")",
       tensor("1, 1, 1, 8"), GlobalAveragePool, 0},
      {"x: " + tensor("2, 3, 4") + ", g: " + tensor("3, 4"), "R.nn.layer_norm(x, g, g, [-2, -1])",
       tensor("2, 3, 4"), LayerNorm, 0},
      {image + ", g: " + tensor("8,"), "R.nn.group_norm(x, g, g, 2, 1, [2, 3])",
       tensor("1, 8, 12, 12"), GroupNorm, 0},
      {image, "R.image.resize2d(x, (6, 6), None, \"NCHW\", \"nearest_neighbor\")",
       tensor("1, 8, 6, 6"), DataMovement, 0},
      {image + ", s: " + tensor("8,") + ", z: " + tensor("8,", "int8"),
       "R.quantize(x, s, z, 1, \"uint8\")", tensor("1, 8, 12, 12", "uint8"), ElementWise, 0},
      {image, "R.arange(2, end=11, step=3, dtype=\"int64\")", tensor("3,", "int64"), Free, 0},
      {image, "R.arange(R.prim_value(5), step=R.prim_value(2))", tensor("3,", "int64"), Free, 0},
      {image + ", r: " + tensor("3, 5"), "R.vision.roi_align(x, r, pooled_size=[7, 7])",
       tensor("3, 8, 7, 7"), Other, 0},
      {"x: " + tensor("4, 9") + ", b: " + tensor("5,"), "R.bucketize(x, b, out_int32=True)",
       tensor("4, 9", "int32"), Other, 0},
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

/// Operators that TVM registers under `relax.` and networks are printed with, from v0.12 to v0.26.
constexpr const char *tvmOperators[] = {"abs",
                                        "acos",
                                        "acosh",
                                        "add",
                                        "arange",
                                        "argmax",
                                        "argmin",
                                        "argsort",
                                        "asin",
                                        "asinh",
                                        "astype",
                                        "atan",
                                        "atan2",
                                        "atanh",
                                        "bitwise_and",
                                        "bitwise_not",
                                        "bitwise_or",
                                        "bitwise_xor",
                                        "broadcast_to",
                                        "bucketize",
                                        "builtin.stop_lift_params",
                                        "ccl.allgather",
                                        "ccl.allreduce",
                                        "ccl.broadcast_from_worker0",
                                        "ccl.scatter_from_worker0",
                                        "ceil",
                                        "clip",
                                        "collapse_sum_like",
                                        "collapse_sum_to",
                                        "concat",
                                        "cos",
                                        "cosh",
                                        "cumprod",
                                        "cumsum",
                                        "dequantize",
                                        "dist.annotate_sharding",
                                        "dist.redistribute",
                                        "dist.redistribute_replica_to_shard",
                                        "divide",
                                        "dynamic_strided_slice",
                                        "einsum",
                                        "equal",
                                        "erf",
                                        "ewise_fma",
                                        "exp",
                                        "expand_dims",
                                        "eye",
                                        "eye_like",
                                        "flatten",
                                        "flip",
                                        "floor",
                                        "floor_divide",
                                        "floor_mod",
                                        "full",
                                        "full_like",
                                        "gather_elements",
                                        "gather_nd",
                                        "grad.avg_pool2d_backward",
                                        "grad.end_checkpoint",
                                        "grad.max_pool2d_backward",
                                        "grad.nll_loss_backward",
                                        "grad.no_grad",
                                        "grad.start_checkpoint",
                                        "grad.take_backward",
                                        "greater",
                                        "greater_equal",
                                        "hamming_window",
                                        "hint_on_device",
                                        "image.affine_grid",
                                        "image.grid_sample",
                                        "image.resize2d",
                                        "image.resize3d",
                                        "index_put",
                                        "index_tensor",
                                        "isfinite",
                                        "isinf",
                                        "isnan",
                                        "layout_transform",
                                        "left_shift",
                                        "less",
                                        "less_equal",
                                        "linear",
                                        "log",
                                        "log_add_exp",
                                        "logical_and",
                                        "logical_not",
                                        "logical_or",
                                        "logical_xor",
                                        "masked_fill",
                                        "matmul",
                                        "max",
                                        "maximum",
                                        "mean",
                                        "median",
                                        "memory.ensure_zero_offset",
                                        "memory.view",
                                        "meshgrid",
                                        "min",
                                        "minimum",
                                        "mod",
                                        "multinomial_from_uniform",
                                        "multiply",
                                        "negative",
                                        "nn.adaptive_avg_pool1d",
                                        "nn.adaptive_avg_pool2d",
                                        "nn.adaptive_avg_pool3d",
                                        "nn.attention",
                                        "nn.attention_bias",
                                        "nn.attention_var_len",
                                        "nn.avg_pool1d",
                                        "nn.avg_pool2d",
                                        "nn.avg_pool3d",
                                        "nn.batch_flatten",
                                        "nn.batch_norm",
                                        "nn.conv1d",
                                        "nn.conv1d_transpose",
                                        "nn.conv2d",
                                        "nn.conv2d_transpose",
                                        "nn.conv3d",
                                        "nn.conv3d_transpose",
                                        "nn.cross_entropy_with_logits",
                                        "nn.dropout",
                                        "nn.gelu",
                                        "nn.gelu_tanh",
                                        "nn.group_norm",
                                        "nn.instance_norm",
                                        "nn.layer_norm",
                                        "nn.leakyrelu",
                                        "nn.log_softmax",
                                        "nn.max_pool1d",
                                        "nn.max_pool2d",
                                        "nn.max_pool3d",
                                        "nn.nll_loss",
                                        "nn.pad",
                                        "nn.pixel_shuffle",
                                        "nn.prelu",
                                        "nn.relu",
                                        "nn.relu6",
                                        "nn.rms_norm",
                                        "nn.selu",
                                        "nn.silu",
                                        "nn.softmax",
                                        "nn.softplus",
                                        "nonzero",
                                        "not_equal",
                                        "one_hot",
                                        "ones",
                                        "ones_like",
                                        "outer",
                                        "permute_dims",
                                        "power",
                                        "prod",
                                        "quantize",
                                        "repeat",
                                        "reshape",
                                        "right_shift",
                                        "round",
                                        "rsqrt",
                                        "scatter_elements",
                                        "scatter_nd",
                                        "shape_to_tensor",
                                        "sigmoid",
                                        "sign",
                                        "sin",
                                        "sinh",
                                        "slice_scatter",
                                        "sort",
                                        "split",
                                        "sqrt",
                                        "square",
                                        "squeeze",
                                        "stack",
                                        "std",
                                        "strided_slice",
                                        "subtract",
                                        "sum",
                                        "take",
                                        "tan",
                                        "tanh",
                                        "tile",
                                        "to_vdevice",
                                        "topk",
                                        "tril",
                                        "triu",
                                        "trunc",
                                        "unique",
                                        "variance",
                                        "vision.all_class_non_max_suppression",
                                        "vision.get_valid_counts",
                                        "vision.multibox_transform_loc",
                                        "vision.non_max_suppression",
                                        "vision.roi_align",
                                        "vision.roi_pool",
                                        "where",
                                        "wrap_param",
                                        "zeros",
                                        "zeros_like"};

TEST_CASE("relax operators: all that TVM has are read or named") {
  for (const char *name : tvmOperators) {
    CAPTURE(std::string(name));
    CHECK(isKnownOperator(name));
  }
  // What is left of memory and calls when a network has been compiled has no cost of its own here.
  for (const char *name :
       {"call_builtin_with_ctx", "invoke_pure_closure", "inline_private", "call_py_func"}) {
    CAPTURE(std::string(name));
    const Outcome outcome("x: " + tensor("4,"), "R." + std::string(name) + "(x)");
    REQUIRE(outcome.diagnostics.errorCount() == 1);
    CHECK(outcome.diagnostics.diagnostics()[0].message.find("R." + std::string(name)) !=
          std::string::npos);
  }
}

TEST_CASE("relax operators: bounds and slopes are those of the text") {
  const auto detail = [](const std::string &call) {
    const Outcome outcome("x: " + tensor("4, 9"), call, tensor("4, 9"));
    REQUIRE(outcome.workload);
    return outcome.workload->calls.at(0).operators.at(0).detail;
  };
  CHECK(detail("R.clip(x, R.prim_value(0), R.prim_value(6))") == "relu6");
  CHECK(detail("R.clip(x, R.prim_value(T.float32(-1.5)), R.prim_value(T.float32(1.5)))") == "clip");
  CHECK(detail("R.clip(x, min=R.prim_value(0), max=None)") == "relu");
  CHECK(detail("R.nn.relu6(x)") == "relu6");
  CHECK(detail("R.nn.leakyrelu(x, alpha=0.2)") == "leaky_relu");
  CHECK(detail("R.nn.softplus(x)") == "softplus");
  CHECK(detail("R.nn.softplus(x, beta=3.0)") != "softplus");
  const Outcome padded("x: " + tensor("4, 9"), "R.nn.pad(x, (1, 1, 0, 0), pad_value=-2.5)");
  REQUIRE(padded.workload);
  const ValueExpr &value = *padded.workload->calls.at(0).computations.at(0).value;
  REQUIRE(value.kind == ValueExpr::Kind::Select);
  CHECK(value.operands[2]->number == -2.5);
}

TEST_CASE("relax operators: numbers are part of the operator, as after legalisation") {
  const std::int64_t bytes = 4 * 9 * 4;
  for (const char *call :
       {"R.add(x, R.const(1, \"float32\"))", "R.multiply(R.const(-0.5, \"float32\"), x)",
        "R.maximum(x, R.const(0.0, \"float32\"))", "R.maximum(x, R.const(\"-inf\", \"float32\"))",
        "R.minimum(x, R.const(float(\"inf\"), \"float32\"))", "R.add(x, R.prim_value(2))"}) {
    CAPTURE(std::string(call));
    const Outcome outcome("x: " + tensor("4, 9"), call, tensor("4, 9"));
    REQUIRE(outcome.workload);
    CHECK(outcome.workload->calls.at(0).bytesRead == bytes);
    CHECK(outcome.workload->calls.at(0).operators.at(0).bytesRead == bytes);
    CHECK(outcome.workload->calls.at(0).operators.at(0).reads.size() == 1);
  }
  const Outcome relu("x: " + tensor("4, 9"), "R.maximum(x, R.const(0.0, \"float32\"))");
  const Outcome truth("x: " + tensor("4, 9", "bool"), "R.logical_and(x, R.const(True, \"bool\"))");
  REQUIRE(truth.workload);
  CHECK(truth.workload->calls.at(0).operators.at(0).reads.size() == 1);
  CHECK(relu.workload->calls.at(0).operators.at(0).detail == "relu");
  // A list of numbers is a tensor.
  const Outcome list("x: " + tensor("4, 2"), "R.add(x, R.const([1, 2], \"float32\"))");
  REQUIRE(list.workload);
  CHECK(list.workload->calls.at(0).bytesRead == (4 * 2 + 2) * 4);
  // A number that is an index.
  const Outcome row("x: " + tensor("4, 9"), "R.take(x, R.const(2, \"int64\"), axis=0)",
                    tensor("9,"));
  REQUIRE(row.workload);
  CHECK(row.workload->calls.at(0).operators.at(0).detail == "slice");
  CHECK(row.workload->calls.at(0).bytesRead == 9 * 4);
  // Counted from the end, `x[:, -1]`.
  const Outcome column("x: " + tensor("4, 9"), "R.take(x, R.const(-1, \"int64\"), axis=1)",
                       tensor("4,"));
  REQUIRE(column.workload);
  CHECK(column.workload->calls.at(0).operators.at(0).bytesRead == 4 * 4);
}

TEST_CASE("relax operators: a batch norm in training mode") {
  const std::string channels = tensor("16,");
  const Outcome outcome("x: " + tensor("1, 16, 8, 8") + ", g: " + channels + ", b: " + channels +
                            ", m: " + channels + ", v: " + channels,
                        "R.nn.batch_norm(x, g, b, m, v, axis=1, epsilon=1e-05, center=True, "
                        "scale=True, momentum=0.1, training=True)");
  CHECK(outcome.firstId() == "none");
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->results.size() == 3);
  const Call &call = outcome.workload->calls.at(0);
  CHECK(call.outputs.size() == 3);
  // As the loops of TVM's LegalizeOps have it.
  REQUIRE(call.operators.size() == 1);
  CHECK(call.operators[0].kind == BatchNorm);
  CHECK(call.operators[0].bytesRead == 4480);
  CHECK(call.operators[0].bytesWritten == 4352);
}

TEST_CASE("relax operators: a deviation is that of LegalizeOps") {
  const Outcome outcome("x: " + tensor("4, 8"), "R.std(x, axis=[1], keepdims=False)", tensor("4,"));
  REQUIRE(outcome.workload);
  std::vector<std::string> parts;
  for (const Operator &each : outcome.workload->calls.at(0).operators)
    parts.push_back(std::string(operatorName(each.kind)) + " " + each.detail + " " +
                    std::to_string(each.bytesRead) + " " + std::to_string(each.bytesWritten));
  CHECK(parts == std::vector<std::string>{"reduction mean 128 16",
                                          "elementwise subtract, multiply 144 128",
                                          "reduction mean 128 16", "elementwise sqrt 16 16"});
}

TEST_CASE("relax operators: an attention moves its heads to the batches and back") {
  const std::string query = tensor("2, 16, 4, 8"), other = tensor("2, 24, 2, 8");
  const auto operatorsOf = [&](const std::string &call) {
    const Outcome outcome("q: " + query + ", k: " + other + ", v: " + other +
                              ", b: " + tensor("2, 16, 24"),
                          call, query);
    CHECK(outcome.firstId() == "none");
    REQUIRE(outcome.workload);
    // Two heads of the query share one of the key.
    CHECK(outcome.workload->macs() == 2 * (2 * 4 * 16 * 24 * 8));
    std::vector<std::string> kinds;
    for (const Operator &each : outcome.workload->calls.at(0).operators)
      kinds.push_back(std::string(operatorName(each.kind)) +
                      (each.detail.empty() ? "" : " " + each.detail));
    return kinds;
  };
  CHECK(operatorsOf("R.nn.attention(q, k, v)") ==
        std::vector<std::string>{"data_movement transpose", "data_movement transpose",
                                 "batch_matmul", "elementwise divide", "softmax",
                                 "data_movement transpose", "batch_matmul",
                                 "data_movement transpose"});
  CHECK(operatorsOf("R.nn.attention_bias(q, k, v, b, scale=T.float32(0.5))").at(3) ==
        "elementwise multiply, add");
}

TEST_CASE("relax operators: what only passes its input on is no call") {
  for (const char *call :
       {"R.memory.ensure_zero_offset(x)", "R.dist.annotate_sharding(x, device_mesh=0, placement=0)",
        "R.builtin.stop_lift_params(x)", "R.grad.no_grad(x)"}) {
    CAPTURE(std::string(call));
    const Outcome outcome("x: " + tensor("4,"), call, tensor("4,"));
    REQUIRE(outcome.workload);
    CHECK(outcome.workload->calls.empty());
    CHECK(outcome.workload->results == outcome.workload->parameters);
  }
}

TEST_CASE("relax operators: a result whose type only the text can say") {
  const Outcome typed("x: " + tensor("4, 9"), "R.unique(x)", tensor("7,"));
  REQUIRE(typed.workload);
  CHECK(typed.workload->calls.at(0).computations.at(0).opaqueReason == "'R.unique'");
  CHECK(typed.workload->calls.at(0).bytesWritten == 7 * 4);
  const Outcome pair("x: " + tensor("1, 9, 6"), "R.vision.get_valid_counts(x, score_threshold=0.5)",
                     "R.Tuple(" + tensor("1,", "int32") + ", " + tensor("1, 9, 6") + ")");
  REQUIRE(pair.workload);
  CHECK(pair.workload->results.size() == 2);
  for (const char *type : {"", "R.Tensor(dtype=\"float32\", ndim=1)"}) {
    const Outcome unknown("x: " + tensor("4, 9"), "R.unique(x)", type);
    CHECK_FALSE(unknown.workload);
    CHECK(unknown.diagnostics.errorCount() == 1);
    CHECK(unknown.firstId() == "E0408");
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

TEST_CASE("relax operators: a sum of products of three tensors is one nest, as TVM makes it") {
  const std::string three =
      "a: " + tensor("3, 4") + ", b: " + tensor("4, 5") + ", c: " + tensor("5, 6");
  const Outcome outcome(three, "R.einsum((a, b, c), subscripts=\"ij,jk,kl->il\")");
  REQUIRE(outcome.workload);
  REQUIRE(outcome.workload->calls.size() == 1);
  const Call &call = outcome.workload->calls[0];
  CHECK(call.computations.size() == 1);
  CHECK(call.computations.at(0).points == 3 * 6 * 4 * 5);
  CHECK(call.bytesRead == 4 * (12 + 20 + 30));
  // Each point multiplies twice.
  CHECK(call.macs == 2 * 3 * 6 * 4 * 5);
  CHECK(call.operators.at(0).macs == call.macs);
  CHECK(call.operators[0].detail == "sum of products of 3 tensors");
  // Printed behind LegalizeOps.
  SourceManager sources;
  DiagnosticEngine diagnostics;
  const FileId file = sources.addText("einsum.tir", R"(
@T.prim_func
def einsum(a: T.Buffer((3, 4), "float32"), b: T.Buffer((4, 5), "float32"), c: T.Buffer((5, 6), "float32"), T_einsum: T.Buffer((3, 6), "float32")):
    for ax0, ax1, j, k in T.grid(3, 6, 4, 5):
        with T.sblock("T_einsum"):
            v_ax0, v_ax1, v_j, v_k = T.axis.remap("SSRR", [ax0, ax1, j, k])
            with T.init():
                T_einsum[v_ax0, v_ax1] = T.float32(0.0)
            T_einsum[v_ax0, v_ax1] = T_einsum[v_ax0, v_ax1] + a[v_ax0, v_j] * b[v_j, v_k] * c[v_k, v_ax1]
)");
  const auto legalised = readWorkload(sources, file, {}, diagnostics);
  REQUIRE(legalised);
  CHECK(legalised->calls.at(0).kind == call.kind);
  CHECK(legalised->calls.at(0).macs == call.macs);
}

TEST_CASE("relax operators: products of several tensors") {
  const auto macsOf = [](const std::string &parameters, const std::string &expression) {
    const Outcome outcome(parameters, expression);
    REQUIRE(outcome.workload);
    const Call &call = outcome.workload->calls.at(0);
    CHECK(call.operators.at(0).macs == call.macs);
    CHECK_FALSE(call.operators[0].hasUnknownMacs);
    return call.macs;
  };
  const std::string form = "a: " + tensor("3,") + ", b: " + tensor("3, 4") + ", c: " + tensor("4,");
  CHECK(macsOf(form, "R.einsum((a, b, c), subscripts=\"i,ij,j->\")") == 2 * 3 * 4);
  // What is not summed over scales the result of a product of two.
  CHECK(macsOf(form, "R.einsum((a, b, c), subscripts=\"i,ij,j->i\")") == 3 * 4);
  const std::string four = "a: " + tensor("3, 4") + ", b: " + tensor("4, 5") +
                           ", c: " + tensor("5, 6") + ", d: " + tensor("6, 2");
  CHECK(macsOf(four, "R.einsum((a, b, c, d), subscripts=\"ij,jk,kl,lm->im\")") ==
        3 * 3 * 2 * 4 * 5 * 6);
  const std::string batch =
      "a: " + tensor("7, 3") + ", b: " + tensor("7, 4") + ", c: " + tensor("7, 5");
  CHECK(macsOf(batch, "R.einsum((a, b, c), subscripts=\"bi,bj,bk->ijk\")") == 2 * 7 * 3 * 4 * 5);
}

TEST_CASE("relax operators: what is not modelled has unknown multiply-accumulates") {
  const auto isUnknown = [](const std::string &expression) {
    const Outcome outcome("x: " + tensor("4, 9") + ", b: " + tensor("9,"), expression,
                          tensor("4, 9"));
    REQUIRE(outcome.workload);
    CHECK(outcome.workload->calls.at(0).macs == 0);
    return outcome.workload->calls.at(0).operators.at(0).hasUnknownMacs;
  };
  for (const char *expression :
       {"R.image.grid_sample(x, b)", "R.image.affine_grid(x)", "R.qnn.dense(x, b)",
        "R.vision.roi_align(x, b)", "R.nn.attention_var_len(x, x, x)",
        "R.call_dps_packed(\"sort\", (x,), out_sinfo=R.Tensor((4, 9), dtype=\"float32\"))"}) {
    CAPTURE(expression);
    CHECK(isUnknown(expression));
  }
  // What moves, compares, adds up or multiplies elements, but sums up no products.
  for (const char *expression :
       {"R.sort(x)", "R.argsort(x, dtype=\"float32\")", "R.topk(x, k=9, ret_type=\"values\")",
        "R.cumsum(x, axis=1)", "R.cumprod(x, axis=1)", "R.scatter_elements(x, x, x)",
        "R.scatter_nd(x, x, x)", "R.bucketize(x, b)", "R.median(x)", "R.unique(x)", "R.nonzero(x)",
        "R.index_put(x, (b,), b)", "R.dynamic_strided_slice(x, b, b, b)", "R.ccl.allreduce(x)",
        "R.vision.roi_pool(x, b)", "R.grad.take_backward(x, x, b)"}) {
    CAPTURE(expression);
    CHECK_FALSE(isUnknown(expression));
  }
  for (const char *expression :
       {"R.nn.softmax(x)", "R.argmax(x, axis=1)", "R.add(x, x)", "R.matmul(x, x)"}) {
    CAPTURE(expression);
    const Outcome known("x: " + tensor("9, 9"), expression);
    REQUIRE(known.workload);
    for (const Operator &each : known.workload->calls.at(0).operators)
      CHECK_FALSE(each.hasUnknownMacs);
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

TEST_CASE("relax operators: arguments that an operator does not take are errors") {
  struct Case {
    const char *call, *what, *where;
  };
  for (const Case &entry : std::vector<Case>{
           {"R.nn.relu(x, 3)", "'R.nn.relu' takes (data), not 2 arguments", "3"},
           {"R.add(x, x, w)", "'R.add' takes (x1, x2), not 3 arguments", "w"},
           {"R.exp(x, speed=\"fast\")", "'R.exp' takes (x), not 'speed'", "speed"},
           {"R.nn.softmax(x, axes=-1)", "'R.nn.softmax' takes (data, axis), not 'axes'", "axes"},
           {"R.sum(x, [1], True, False)", "'R.sum' takes (x, axis, keepdims), not 4 arguments",
            "False"},
           {"R.nn.softmax(x, 1, axis=-1)",
            "'R.nn.softmax' takes (data, axis), and 'axis' is given twice", "axis=-1"},
           {"R.nn.softmax(x, axis=0, axis=-1)",
            "'R.nn.softmax' takes (data, axis), and 'axis' is given twice", "axis=-1"},
           {"R.concat((x, x), 1, None)", "'R.concat' takes (tensors, axis), not 3 arguments",
            "None"}}) {
    CAPTURE(entry.call);
    const Outcome outcome("x: " + tensor("4, 9") + ", w: " + tensor("4, 9"), entry.call);
    CHECK_FALSE(outcome.workload);
    REQUIRE(outcome.diagnostics.diagnostics().size() == 1);
    const Diagnostic &report = outcome.diagnostics.diagnostics()[0];
    CHECK(diagnosticInfo(report.code).id == "E0408");
    CHECK(report.message == entry.what);
    CHECK(outcome.sources.textOf(report.range) == entry.where);
  }
  const Outcome misspelt("x: " + tensor("4, 9"), "R.nn.softmax(x, axes=-1)");
  REQUIRE(misspelt.diagnostics.diagnostics()[0].fixIts.size() == 1);
  CHECK(misspelt.diagnostics.diagnostics()[0].fixIts[0].replacement == "axis");
  // Also if the operator has been called as it should be.
  CHECK(Outcome("x: " + tensor("4, 9"), "R.nn.softmax(R.nn.softmax(x, axis=-1), axis=0, axis=-1)")
            .firstId() == "E0408");
  // Attributes of other versions of TVM.
  const std::string heads = "x: " + tensor("1, 4, 2, 8");
  CHECK(Outcome(heads, "R.nn.attention(x, x, x, out_dtype=\"void\")").firstId() == "none");
}

TEST_CASE("relax operators: tensors that are given by name may stand in any order") {
  const std::string parameters = "x: " + tensor("4, 9") + ", w: " + tensor("9, 7");
  const Outcome byPlace(parameters, "R.matmul(x, w)");
  const Outcome byName(parameters, "R.matmul(x2=w, x1=x)");
  REQUIRE(byPlace.workload);
  REQUIRE(byName.workload);
  CHECK(byPlace.workload->calls[0].inputs == byName.workload->calls[0].inputs);
  CHECK(byName.workload->calls[0].macs == 4 * 9 * 7);
  const Outcome swapped(parameters, "R.matmul(x2=x, x1=w)");
  REQUIRE(swapped.firstId() == "E0408");
  CHECK(swapped.diagnostics.diagnostics()[0].message ==
        "'R.matmul': its operands, (9, 7) of float32 and (4, 9) of float32, differ in the extent "
        "that is summed over, 7 and 4");
}

TEST_CASE("relax operators: of nearly all it is known what they take") {
  for (const std::string_view name : tvmOperators) {
    CAPTURE(std::string(name));
    CHECK(parametersOf(name).has_value() !=
          (name.starts_with("qnn.") || name.starts_with("vision.")));
  }
  CHECK(parametersOf("nn.conv2d")->names.size() == 10);
  CHECK_FALSE(parametersOf("unheard_of"));
}

TEST_CASE("relax operators: equal calls share what they compute, and nothing else") {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  const FileId file = sources.addText("shared.tir", R"(@I.ir_module
class Module:
    @R.function
    def main(x: R.Tensor((1, 4, 8, 8), dtype="float32"), w: R.Tensor((4, 4, 3, 3), dtype="float32")):
        R.func_attr({"num_input": 1})
        a = R.nn.conv2d(x, w, padding=[1, 1, 1, 1])
        b = R.nn.conv2d(a, w, padding=[1, 1, 1, 1])
        c = R.nn.conv2d(b, w, padding=[0, 0, 1, 1])
        d = R.add(b, b)
        e = R.add(b, a)
        f = R.add(w, w)
        g = R.add(e, R.const(0.0, "float32"))
        h = R.add(g, R.const(-0.0, "float32"))
        i = R.argmax(h, axis=1)
        j = R.argmax(e, axis=1)
        k = R.layout_transform(e, index_map=lambda n, p, q, r: (n, q, r, p))
        l = R.layout_transform(e, index_map=lambda n, p, q, r: (n, q, p, r))
        return (c, d, f, i, j, k, l)
)");
  const auto workload = readWorkload(sources, file, {}, diagnostics);
  REQUIRE(workload);
  const auto &calls = workload->calls;
  REQUIRE(calls.size() == 12);
  const Call &a = calls[0], &b = calls[1], &c = calls[2];
  CHECK(b.name == "b");
  CHECK(b.computations.back().value == a.computations.back().value);
  CHECK(c.computations.back().value != a.computations.back().value);
  CHECK(b.macs == a.macs);
  CHECK(c.macs < a.macs);
  for (const Call &call : calls) {
    const auto isHere = [&](SourceRange range) { return range == call.range; };
    CHECK(isHere(call.functionRange));
    for (const Tensor &local : call.locals)
      CHECK(isHere(local.range));
    for (const Computation &stage : call.computations) {
      CHECK(isHere(stage.range));
      for (const Access &access : stage.accesses)
        CHECK(isHere(access.range));
      if (stage.body)
        for (const StageStatement &statement : stage.body->statements)
          CHECK(isHere(statement.written.range));
    }
  }
  // Of a tensor and itself, of two, of weights.
  CHECK(calls[3].sums.empty());
  CHECK(calls[4].sums.size() == 1);
  CHECK(calls[5].freeReason == FreeReason::WeightOnly);
  const auto isNegative = [](const Call &call) {
    return std::signbit(call.computations.at(0).value->operands.at(1)->number);
  };
  CHECK_FALSE(isNegative(calls[6]));
  CHECK(isNegative(calls[7]));
  CHECK(workload->tensors[calls[10].outputs.at(0).index].shape ==
        std::vector<std::int64_t>{1, 8, 8, 4});
  CHECK(workload->tensors[calls[11].outputs.at(0).index].shape ==
        std::vector<std::int64_t>{1, 8, 4, 8});
}

TEST_CASE("relax operators: what makes no sense is an error") {
  const std::string image = "x: " + tensor("1, 8, 12, 12");
  for (const char *call : {"R.nn.conv2d(x, x, groups=3)",
                           "R.nn.conv2d(x)",
                           "R.nn.conv2d(x, x, data_layout=\"NCHW4c\")",
                           "R.nn.conv2d(x, x, data_layout=\"NCHW4\")",
                           "R.nn.conv2d(x, x, data_layout=\"NCHW4H\")",
                           "R.nn.conv2d(x, x, data_layout=\"NCHW99999999999999999999c\")",
                           "R.nn.conv2d(R.reshape(x, (1, 8, 3, 12, 4)), x, "
                           "data_layout=\"NCHW4h\")",
                           "R.nn.conv2d(R.reshape(x, (1, 2, 12, 12, 4)), x, "
                           "data_layout=\"NCHW2c\")",
                           "R.layout_transform(x, index_map=lambda i, j: (i, j))",
                           "R.layout_transform(x, index_map=lambda i, j, k, l: (i, j // 4, k, l))",
                           "R.layout_transform(x, index_map=lambda i, j, k, l: (i * 8 + j, k, l))",
                           "R.layout_transform(x, index_map=lambda i, j, k, l: (i, x, k, l))",
                           "R.layout_transform(x, index_map=lambda i, j, k, l: (i, j // 0, k, l))",
                           "R.layout_transform(x)",
                           "R.memory.view(x, (9, 999))",
                           "R.memory.view(x, (8, 18), R.dtype(\"float64\"))",
                           "R.memory.view(x, (8, 144), None, 4)",
                           "R.one_hot(x, R.prim_value(1), R.prim_value(0), depth=-3, axis=-1)",
                           "R.nn.nll_loss(x, x)",
                           "R.nn.nll_loss(x, R.reshape(x, (1, 12, 12)))",
                           "R.nn.cross_entropy_with_logits(x, R.reshape(x, (8, 144)))",
                           "R.slice_scatter(x, x, R.prim_value(2), R.prim_value(8))",
                           "R.ccl.allgather(x)",
                           "R.ccl.scatter_from_worker0(x, num_workers=3, axis=1)",
                           "R.image.resize3d(x, R.shape([8, 8, 8]))",
                           "R.collapse_sum_to(x, R.shape([5]))",
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
                           "R.einsum((x, x, x), subscripts=\"abcd,abcd->a\")",
                           "R.einsum((x,), subscripts=\"abcde...->a\")",
                           "R.einsum((x, x), subscripts=\"a...,b...->ab...c\")",
                           "R.einsum((x, x), subscripts=\"a...,...a->a...\")",
                           "R.einsum((x,), subscripts=\"abcd->az\")",
                           "R.topk(x, k=99, axis=1)",
                           "R.repeat(x, repeats=-1, axis=1)",
                           "R.nn.pixel_shuffle(x, upscale_factor=3)",
                           "R.nn.prelu(x, x)",
                           "R.nn.pad(x, pad_width=(0, 0, 0, 0, 1, 1, 1, 1), pad_mode=\"odd\")",
                           "R.gather_nd(x, R.const([], \"int64\"))",
                           "R.strided_slice(x, [2], [9], [1], [0])",
                           "R.strided_slice(x, [2], [1], [9], [-1])",
                           "R.nn.pad(x, (0, 0, 0, 0, -6, -6, 0, 0))",
                           "R.nn.pad(x, (0, 0, 0, 0, -1, 0, 0, 0), \"reflect\")",
                           "R.add(R.prim_value(1), R.prim_value(2))",
                           "R.add(x, \"x\")",
                           "R.where(R.prim_value(1), x, R.prim_value(2))",
                           "R.arange(0, 4, 0)",
                           "R.arange()",
                           "R.nn.attention(x, R.reshape(x, (1, 12, 12, 8)), x)",
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
