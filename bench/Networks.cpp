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

} // namespace acadlc::bench
