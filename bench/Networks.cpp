#include "bench/Networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace acadlc::bench {

namespace {

/// The function of one layer.
std::string product(std::int64_t rows, std::int64_t inner, std::int64_t columns) {
  const auto buffer = [](const char *name, std::int64_t m, std::int64_t n) {
    return fmt::format("{}: T.Buffer((T.int64({}), T.int64({})), \"float32\")", name, m, n);
  };
  return fmt::format(
      R"(    @T.prim_func(private=True, s_tir=True)
    def product_{0}_{1}({2}, {3}, {4}):
        T.func_attr({{"tirx.noalias": True}})
        for m, n, k in T.grid(T.int64({5}), T.int64({1}), T.int64({0})):
            with T.sblock("multiply"):
                v_m, v_n, v_k = T.axis.remap("SSR", [m, n, k])
                T.reads(left[v_m, v_k], right[v_k, v_n])
                T.writes(sums[v_m, v_n])
                with T.init():
                    sums[v_m, v_n] = T.float32(0.0)
                sums[v_m, v_n] = sums[v_m, v_n] + left[v_m, v_k] * right[v_k, v_n]

)",
      inner, columns, buffer("left", rows, inner), buffer("right", inner, columns),
      buffer("sums", rows, columns), rows);
}

std::string tensor(std::int64_t m, std::int64_t n) {
  return fmt::format("R.Tensor(({}, {}), dtype=\"float32\")", m, n);
}

/// As TVM prints a convolution that is fused with what follows it. {} is the number of the layer.
constexpr const char *convolution =
    R"(    @T.prim_func(private=True, s_tir=True)
    def fused_conv2d_add_relu{}(x: T.Buffer((T.int64(1), T.int64(16), T.int64(32), T.int64(32)), "float32"), w: T.Buffer((T.int64(16), T.int64(16), T.int64(3), T.int64(3)), "float32"), b: T.Buffer((T.int64(1), T.int64(16), T.int64(1), T.int64(1)), "float32"), compute_intermediate: T.Buffer((T.int64(1), T.int64(16), T.int64(32), T.int64(32)), "float32")):
        T.func_attr({{"tirx.noalias": True}})
        # with T.sblock("root"):
        pad_temp = T.sblock_alloc_buffer((T.int64(1), T.int64(16), T.int64(34), T.int64(34)))
        conv2d_nchw_intermediate = T.sblock_alloc_buffer((T.int64(1), T.int64(16), T.int64(32), T.int64(32)))
        T_add_intermediate = T.sblock_alloc_buffer((T.int64(1), T.int64(16), T.int64(32), T.int64(32)))
        for i0, i1, i2, i3 in T.grid(T.int64(1), T.int64(16), T.int64(34), T.int64(34)):
            with T.sblock("pad_temp"):
                v_i0, v_i1, v_i2, v_i3 = T.axis.remap("SSSS", [i0, i1, i2, i3])
                T.reads(x[v_i0, v_i1, v_i2 - T.int64(1), v_i3 - T.int64(1)])
                T.writes(pad_temp[v_i0, v_i1, v_i2, v_i3])
                pad_temp[v_i0, v_i1, v_i2, v_i3] = T.if_then_else(T.int64(1) <= v_i2 and v_i2 < T.int64(33) and T.int64(1) <= v_i3 and v_i3 < T.int64(33), x[v_i0, v_i1, v_i2 - T.int64(1), v_i3 - T.int64(1)], T.float32(0.0))
        for nn, ff, yy, xx, rc, ry, rx in T.grid(T.int64(1), T.int64(16), T.int64(32), T.int64(32), T.int64(16), T.int64(3), T.int64(3)):
            with T.sblock("conv2d_nchw"):
                v_nn, v_ff, v_yy, v_xx, v_rc, v_ry, v_rx = T.axis.remap("SSSSRRR", [nn, ff, yy, xx, rc, ry, rx])
                T.reads(pad_temp[v_nn, v_rc, v_yy + v_ry, v_xx + v_rx], w[v_ff, v_rc, v_ry, v_rx])
                T.writes(conv2d_nchw_intermediate[v_nn, v_ff, v_yy, v_xx])
                with T.init():
                    conv2d_nchw_intermediate[v_nn, v_ff, v_yy, v_xx] = T.float32(0.0)
                conv2d_nchw_intermediate[v_nn, v_ff, v_yy, v_xx] = conv2d_nchw_intermediate[v_nn, v_ff, v_yy, v_xx] + pad_temp[v_nn, v_rc, v_yy + v_ry, v_xx + v_rx] * w[v_ff, v_rc, v_ry, v_rx]
        for ax0, ax1, ax2, ax3 in T.grid(T.int64(1), T.int64(16), T.int64(32), T.int64(32)):
            with T.sblock("T_add"):
                v_ax0, v_ax1, v_ax2, v_ax3 = T.axis.remap("SSSS", [ax0, ax1, ax2, ax3])
                T.reads(conv2d_nchw_intermediate[v_ax0, v_ax1, v_ax2, v_ax3], b[v_ax0, v_ax1, T.int64(0), T.int64(0)])
                T.writes(T_add_intermediate[v_ax0, v_ax1, v_ax2, v_ax3])
                T_add_intermediate[v_ax0, v_ax1, v_ax2, v_ax3] = conv2d_nchw_intermediate[v_ax0, v_ax1, v_ax2, v_ax3] + b[v_ax0, v_ax1, T.int64(0), T.int64(0)]
        for i0, i1, i2, i3 in T.grid(T.int64(1), T.int64(16), T.int64(32), T.int64(32)):
            with T.sblock("compute"):
                v_i0, v_i1, v_i2, v_i3 = T.axis.remap("SSSS", [i0, i1, i2, i3])
                T.reads(T_add_intermediate[v_i0, v_i1, v_i2, v_i3])
                T.writes(compute_intermediate[v_i0, v_i1, v_i2, v_i3])
                compute_intermediate[v_i0, v_i1, v_i2, v_i3] = T.max(T_add_intermediate[v_i0, v_i1, v_i2, v_i3], T.float32(0.0))

)";

/// Operators as TVM prints them before LegalizeOps. {0} is the number of the layer, {1} of the one
/// in front.
constexpr const char *layerOfOperators =
    R"(            lv{0}_0: R.Tensor((1, 8, 16, 16), dtype="float32") = R.nn.conv2d(lv{1}, w, strides=[1, 1], padding=[1, 1, 1, 1], dilation=[1, 1], groups=1, data_layout="NCHW", kernel_layout="OIHW", out_layout="NCHW", out_dtype="void")
            lv{0}_1: R.Tensor((1, 8, 16, 16), dtype="float32") = R.nn.relu(lv{0}_0)
            lv{0}_2: R.Tensor((1, 8, 16, 16), dtype="float32") = R.add(lv{0}_1, lv{0}_0)
            lv{0}_3: R.Tensor((1, 8, 16, 16), dtype="float32") = R.nn.max_pool2d(lv{0}_2, pool_size=[3, 3], strides=[1, 1], dilation=[1, 1], padding=[1, 1, 1, 1], ceil_mode=False, layout="NCHW", out_layout="NCHW")
            lv{0}_4: R.Tensor((128, 16), dtype="float32") = R.reshape(lv{0}_3, R.shape([128, 16]))
            lv{0}_5: R.Tensor((128, 16), dtype="float32") = R.matmul(lv{0}_4, m, out_dtype="void")
            lv{0}_6: R.Tensor((128, 16), dtype="float32") = R.nn.softmax(lv{0}_5, axis=-1)
            lv{0}_7: R.Tensor((16, 128), dtype="float32") = R.permute_dims(lv{0}_6, axes=[1, 0])
            lv{0}: R.Tensor((1, 8, 16, 16), dtype="float32") = R.reshape(lv{0}_7, R.shape([1, 8, 16, 16]))
)";

} // namespace

std::string chainOfProducts(std::int64_t rows, const std::vector<std::int64_t> &widths) {
  std::string text = "@I.ir_module\nclass Module:\n";
  std::vector<std::pair<std::int64_t, std::int64_t>> functions;
  std::string parameters = "values_0: " + tensor(rows, widths.front());
  std::string calls;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    const std::pair shape(widths[i], widths[i + 1]);
    if (std::find(functions.begin(), functions.end(), shape) == functions.end()) {
      functions.push_back(shape);
      text += product(rows, shape.first, shape.second);
    }
    parameters += fmt::format(", matrix_{}: {}", i, tensor(shape.first, shape.second));
    calls += fmt::format("            values_{} = R.call_tir(cls.product_{}_{}, (values_{}, "
                         "matrix_{}), out_ty={})\n",
                         i + 1, shape.first, shape.second, i, i, tensor(rows, shape.second));
  }
  text += fmt::format(R"(    @R.function
    def main({}) -> {}:
        R.func_attr({{"num_input": 1}})
        cls = Module
        with R.dataflow():
{}            R.output(values_{})
        return values_{}
)",
                      parameters, tensor(rows, widths.back()), calls, widths.size() - 1,
                      widths.size() - 1);
  return text;
}

std::string chainOfConvolutions(std::size_t bytes) {
  const std::string data = "R.Tensor((1, 16, 32, 32), dtype=\"float32\")";
  std::string text = "@I.ir_module\nclass Module:\n";
  std::string parameters = "lv0: " + data;
  std::string calls;
  std::size_t layer = 0;
  do {
    text += fmt::format(fmt::runtime(convolution), layer);
    parameters += fmt::format(", w{0}: R.Tensor((16, 16, 3, 3), dtype=\"float32\"), "
                              "b{0}: R.Tensor((1, 16, 1, 1), dtype=\"float32\")",
                              layer);
    calls += fmt::format("            lv{0} = R.call_tir(cls.fused_conv2d_add_relu{1}, "
                         "(lv{1}, w{1}, b{1}), out_ty={2})\n",
                         layer + 1, layer, data);
    ++layer;
  } while (text.size() + parameters.size() + calls.size() < bytes);
  text += fmt::format(R"(    @R.function
    def main({}) -> {}:
        R.func_attr({{"num_input": 1}})
        cls = Module
        with R.dataflow():
{}            R.output(lv{})
        return lv{}
)",
                      parameters, data, calls, layer, layer);
  return text;
}

std::string chainOfOperators(std::size_t bytes) {
  std::string text = R"(@I.ir_module
class Module:
    @R.function
    def main(lv0: R.Tensor((1, 8, 16, 16), dtype="float32"), w: R.Tensor((8, 8, 3, 3), dtype="float32"), m: R.Tensor((16, 16), dtype="float32")) -> R.Tensor((1, 8, 16, 16), dtype="float32"):
        R.func_attr({"num_input": 1})
        with R.dataflow():
)";
  std::size_t layer = 0;
  do {
    text += fmt::format(fmt::runtime(layerOfOperators), layer + 1, layer);
    ++layer;
  } while (text.size() < bytes);
  return text + fmt::format("            R.output(lv{0})\n        return lv{0}\n", layer);
}

} // namespace acadlc::bench
