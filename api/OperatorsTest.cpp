#include "api/Session.h"
#include "structure/BatchNormFold.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Operators of networks and how batch norms are folded. The corpus is no part of the project: what
// needs it is skipped where it is missing.

using namespace acadlc;
using workload::Operator;
using workload::OperatorKind;
using workload::OperatorPart;
using workload::Workload;

namespace {

std::filesystem::path corpus() {
  return std::filesystem::path(ACADLC_SOURCE_DIR).parent_path() / "shared" / "tir";
}

bool isThere(const std::filesystem::path &folder) {
  if (std::filesystem::exists(folder))
    return true;
  MESSAGE("skipped: there is no " << folder.string());
  return false;
}

/// Loads \p path; false and a message if it is of a form that is not read.
bool load(Session &session, const std::filesystem::path &path, const WorkloadOptions &options) {
  if (session.loadWorkload(path.string(), options))
    return true;
  const bool isHighLevel = path.stem().string().ends_with("_relax");
  REQUIRE_MESSAGE(isHighLevel, path.string());
  MESSAGE("skipped: " << path.string() << " is not legalised");
  return false;
}

std::vector<Operator> operatorsOf(const Workload &network, OperatorPart part) {
  std::vector<Operator> found;
  for (const workload::Call &call : network.calls)
    std::copy_if(call.operators.begin(), call.operators.end(), std::back_inserter(found),
                 [&](const Operator &entry) { return entry.part == part; });
  return found;
}

/// Operator, dimensions and windows of the main computations, in order of these.
std::vector<std::string> mainComputations(const Workload &network) {
  std::vector<std::string> lines;
  for (const Operator &entry : operatorsOf(network, OperatorPart::Main)) {
    std::string &line = lines.emplace_back(operatorName(entry.kind));
    for (const workload::NamedExtent &extent : entry.dims)
      line += " " + extent.name + "=" + std::to_string(extent.value);
    for (const auto *values : {&entry.stride, &entry.dilation, &entry.before, &entry.after})
      for (const std::int64_t value : *values)
        line += "," + std::to_string(value);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

} // namespace

TEST_CASE("operators: all pass pipelines of a network have the same main computations") {
  if (!isThere(corpus() / "nets"))
    return;
  struct Expected {
    const char *name;
    std::vector<std::int64_t> macs; ///< of the layers, in order of size
    std::size_t others;             ///< main computations without multiply-accumulates
    bool losesSoftmax;              ///< in whole numbers
    std::size_t batchNorms;
  };
  const std::vector<Expected> table = {
      {"lenet5", {840, 10'080, 48'000, 117'600, 240'000}, 3, true, 0},
      {"tc_resnet8",
       {576, 19'584, 19'968, 19'968, 176'256, 179'712, 179'712, 193'920, 239'616, 264'384, 269'568},
       1,
       false,
       9},
      {"alexnet",
       {4'096'000, 16'777'216, 37'748'736, 70'276'800, 99'680'256, 112'140'288, 149'520'384,
        223'948'800},
       3,
       false,
       0},
      {"resnet18",
       {512'000,     6'422'528,   6'422'528,   6'422'528,   57'802'752,  57'802'752,  57'802'752,
        115'605'504, 115'605'504, 115'605'504, 115'605'504, 115'605'504, 115'605'504, 115'605'504,
        115'605'504, 115'605'504, 115'605'504, 115'605'504, 115'605'504, 115'605'504, 118'013'952},
       2,
       false,
       20},
  };
  for (const Expected &expected : table) {
    std::vector<std::string> first;
    std::size_t read = 0;
    for (const auto &entry : std::filesystem::directory_iterator(corpus() / "nets")) {
      const std::string stem = entry.path().stem().string();
      if (!stem.starts_with(expected.name))
        continue;
      CAPTURE(stem);
      Session session;
      if (!load(session, entry.path(), {}))
        continue;
      ++read;
      const Workload &network = *session.workload();
      std::vector<std::int64_t> macs;
      std::vector<std::string> lines = mainComputations(network);
      for (const Operator &found : operatorsOf(network, OperatorPart::Main))
        if (found.macs > 0)
          macs.push_back(found.macs);
      std::sort(macs.begin(), macs.end());
      CHECK(macs == expected.macs);
      const bool isWhole = stem.find("_int8") != std::string::npos;
      const std::size_t lost = isWhole && expected.losesSoftmax ? 1 : 0;
      CHECK(lines.size() == expected.macs.size() + expected.others - lost);
      if (lost == 1)
        lines.push_back("softmax N=1 K=10"); // so is the last of the others
      std::sort(lines.begin(), lines.end());
      if (first.empty())
        first = lines;
      CHECK(lines == first);
      const bool hasNorms = !isWhole && stem.find("_fold") == std::string::npos;
      CHECK(network.foldedBatchNorms.size() == (hasNorms ? expected.batchNorms : 0));
    }
    CHECK(read >= 6);
  }
}

TEST_CASE("operators: single operators are named from their structure") {
  if (!isThere(corpus() / "ops"))
    return;
  struct Expected {
    const char *file;
    std::vector<std::string> operators; ///< "conv2d", "elementwise: relu", sorted
    std::int64_t macs;
  };
  const std::vector<Expected> table = {
      {"adaptive_avg_pool2d_6x6", {"adaptive_average_pool"}, 0},
      {"argmax", {"argmax"}, 0},
      {"attention",
       {"batch_matmul", "batch_matmul", "data_movement: transpose", "data_movement: transpose",
        "data_movement: transpose", "data_movement: transpose", "elementwise: divide", "softmax"},
       2'097'152},
      {"avg_pool1d", {"average_pool"}, 0},
      {"avg_pool2d", {"average_pool"}, 0},
      {"batch_matmul", {"batch_matmul"}, 8'388'608},
      {"batch_norm_training", {"batch_norm"}, 0},
      {"bias_add_broadcast", {"elementwise: add"}, 0},
      {"concat", {"data_movement: concat"}, 0},
      {"conv1d_ncw", {"conv1d"}, 193'920},
      {"conv1d_nwc", {"conv1d"}, 293'760},
      {"conv2d_1x1", {"conv2d"}, 6'422'528},
      {"conv2d_bias_add_relu_residual_fused", {"conv2d", "elementwise: add, add, relu"}, 2'359'296},
      {"conv2d_fp16", {"conv2d"}, 442'368},
      {"conv2d_nchw_dilated", {"conv2d"}, 4'718'592},
      {"conv2d_nchw_s2_nopad", {"conv2d"}, 2'880'000},
      {"conv2d_nhwc", {"conv2d"}, 442'368},
      {"conv2d_nhwc_hwio", {"conv2d"}, 442'368},
      {"conv2d_transpose_nchw", {"data_movement: flip", "transposed_conv2d"}, 524'288},
      {"conv3d_ncdhw", {"conv3d"}, 1'327'104},
      {"depthwise_conv2d_nchw", {"depthwise_conv"}, 73'728},
      {"depthwise_conv2d_nhwc", {"depthwise_conv"}, 73'728},
      {"flatten", {"data_movement: reshape"}, 0},
      {"gelu", {"elementwise: gelu"}, 0},
      {"global_avg_pool2d", {"global_average_pool"}, 0},
      {"group_conv2d_nchw", {"conv2d"}, 1'179'648},
      {"group_norm", {"group_norm"}, 0},
      {"hardswish_composed_fused", {"elementwise: hard_swish"}, 0},
      {"layer_norm", {"layer_norm"}, 0},
      {"leakyrelu", {"elementwise: leaky_relu"}, 0},
      {"linear_dense_fused", {"data_movement: transpose", "elementwise: add", "matmul"}, 131'072},
      {"log_softmax", {"log_softmax"}, 0},
      {"matmul", {"matmul"}, 16'777'216},
      {"matmul_int8_int32", {"matmul"}, 131'072},
      {"max_pool2d", {"max_pool"}, 0},
      {"max_pool2d_nhwc", {"max_pool"}, 0},
      {"mean", {"reduction: mean"}, 0},
      {"pad", {"data_movement: pad"}, 0},
      {"qconv2d_int8_requant_float_fused", {"conv2d", "elementwise: add, requantize"}, 4'718'592},
      {"qconv2d_int8_requant_shift_fused", {"conv2d", "elementwise: add, requantize"}, 4'718'592},
      {"qdense_int8_fused", {"elementwise: add, requantize", "matmul"}, 16'384},
      {"relu6", {"elementwise: relu6"}, 0},
      {"resize2d_nearest", {"data_movement: resize2d nearest"}, 0},
      {"rms_norm", {"rms_norm"}, 0},
      {"silu", {"elementwise: silu"}, 0},
      {"softmax", {"softmax"}, 0},
      {"split", {"data_movement: split"}, 0},
      {"strided_slice", {"data_movement: slice"}, 0},
      {"sum", {"reduction: sum"}, 0},
      {"take_embedding", {"data_movement: gather"}, 0},
      {"tanh", {"elementwise: tanh"}, 0},
      {"transpose", {"data_movement: transpose"}, 0},
  };
  for (const Expected &expected : table) {
    CAPTURE(expected.file);
    Session session;
    REQUIRE(
        session.loadWorkload((corpus() / "ops" / (std::string(expected.file) + ".tir")).string()));
    std::vector<std::string> names;
    for (const workload::Call &call : session.workload()->calls)
      for (const Operator &entry : call.operators)
        names.push_back(std::string(operatorName(entry.kind)) +
                        (entry.detail.empty() ? "" : ": " + entry.detail));
    std::sort(names.begin(), names.end());
    CHECK(names == expected.operators);
    CHECK(session.workload()->macs() == expected.macs);
  }
}

TEST_CASE("operators: multiply-accumulates of every operator file") {
  if (!isThere(corpus() / "ops"))
    return;
  const std::map<std::string, std::int64_t> products = {
      {"attention", 2'097'152},
      {"batch_matmul", 8'388'608},
      {"conv1d_ncw", 193'920},
      {"conv1d_nwc", 293'760},
      {"conv2d_1x1", 6'422'528},
      {"conv2d_bias_add_relu_residual", 2'359'296},
      {"conv2d_bias_relu", 442'368},
      {"conv2d_fp16", 442'368},
      {"conv2d_int8_int32", 4'718'592},
      {"conv2d_nchw", 442'368},
      {"conv2d_nchw_dilated", 4'718'592},
      {"conv2d_nchw_s2_nopad", 2'880'000},
      {"conv2d_nhwc", 442'368},
      {"conv2d_nhwc_hwio", 442'368},
      {"conv2d_symbolic_batch", 442'368 * 3},
      {"conv2d_transpose_nchw", 524'288},
      {"conv3d_ncdhw", 1'327'104},
      {"depthwise_conv2d_nchw", 73'728},
      {"depthwise_conv2d_nhwc", 73'728},
      {"group_conv2d_nchw", 1'179'648},
      {"linear_dense", 131'072},
      {"matmul", 16'777'216},
      {"matmul_int8_int32", 131'072},
      {"matmul_symbolic", 131'072 * 3},
      {"qconv2d_int8_requant_float", 4'718'592},
      {"qconv2d_int8_requant_shift", 4'718'592},
      {"qdense_int8", 16'384},
  };
  for (const auto &entry : std::filesystem::directory_iterator(corpus() / "ops")) {
    std::string name = entry.path().stem().string();
    CAPTURE(name);
    WorkloadOptions options;
    if (name.find("symbolic") != std::string::npos)
      options.symbols["n"] = 3;
    Session session;
    REQUIRE(session.loadWorkload(entry.path().string(), options));
    if (name.ends_with("_fused"))
      name.resize(name.size() - std::string_view("_fused").size());
    const auto found = products.find(name);
    CHECK(session.workload()->macs() == (found == products.end() ? 0 : found->second));
    std::int64_t listed = 0;
    for (const workload::Call &call : session.workload()->calls)
      for (const Operator &part : call.operators) {
        listed += part.macs;
        // Extents of an operator with products are its iterations.
        std::int64_t product = part.macs == 0 ? 0 : 1;
        for (const workload::NamedExtent &extent : part.dims)
          product *= extent.value;
        CHECK(product == part.macs);
      }
    CHECK(listed == session.workload()->macs());
  }
}

TEST_CASE("operators: a fused function has the blocks and the main traffic of its parts") {
  if (!isThere(corpus() / "ops"))
    return;
  for (const char *name : {"conv2d_bias_relu", "conv2d_bias_add_relu_residual",
                           "qconv2d_int8_requant_float", "qdense_int8", "linear_dense"}) {
    CAPTURE(name);
    std::vector<Operator> mains[2];
    for (const bool isFused : {false, true}) {
      Session session;
      REQUIRE(session.loadWorkload(
          (corpus() / "ops" / (std::string(name) + (isFused ? "_fused.tir" : ".tir"))).string()));
      mains[isFused ? 1 : 0] = operatorsOf(*session.workload(), OperatorPart::Main);
    }
    REQUIRE(mains[0].size() == 1);
    REQUIRE(mains[1].size() == 1);
    CHECK(mains[0][0].dims == mains[1][0].dims);
    CHECK(mains[0][0].bytesRead == mains[1][0].bytesRead);
    CHECK(mains[0][0].bytesWritten == mains[1][0].bytesWritten);
    CHECK(mains[0][0].reads == mains[1][0].reads);
  }
}

namespace {

/// A network of one product: `y[write] += product` in a nest of loops.
struct Product {
  std::string x, w, y; ///< shapes
  std::string loops, kinds, extents;
  std::string write, product;

  [[nodiscard]] Operator only() const {
    const auto buffer = [](const std::string &name, const std::string &shape) {
      return name + ": T.Buffer(" + shape + ", \"float32\")";
    };
    const auto tensor = [](const std::string &shape) {
      return "R.Tensor(" + shape + ", dtype=\"float32\")";
    };
    const std::string text =
        "@I.ir_module\nclass Module:\n    @T.prim_func\n    def f(" + buffer("x", x) + ", " +
        buffer("w", w) + ", " + buffer("y", y) + "):\n        for " + loops + " in T.grid(" +
        extents + "):\n            with T.sblock(\"b\"):\n                " + loops +
        " = T.axis.remap(\"" + kinds + "\", [" + loops +
        "])\n                with T.init():\n                    y[" + write +
        "] = T.float32(0)\n                y[" + write + "] = y[" + write + "] + " + product +
        "\n\n    @R.function\n    def main(x: " + tensor(x) + ", w: " + tensor(w) +
        "):\n        R.func_attr({\"num_input\": 1})\n        cls = Module\n"
        "        r = R.call_tir(cls.f, (x, w), out_sinfo=" +
        tensor(y) + ")\n        return r\n";
    Session session;
    const bool isRead = session.loadWorkloadText("product.tir", text);
    REQUIRE_MESSAGE(isRead, text);
    const auto mains = operatorsOf(*session.workload(), OperatorPart::Main);
    REQUIRE(mains.size() == 1);
    return mains.front();
  }
};

using Dims = std::vector<workload::NamedExtent>;
using Numbers = std::vector<std::int64_t>;

} // namespace

TEST_CASE("operators: a convolution of blocked channels") {
  const Operator found =
      Product{"(1, 2, 6, 6, 4)", "(3, 2, 3, 3, 4, 8)",
              "(1, 3, 4, 4, 8)", "n, ko, p, q, ki, co, r, s, ci",
              "SSSSSRRRR",       "1, 3, 4, 4, 8, 2, 3, 3, 4",
              "n, ko, p, q, ki", "x[n, co, p + r, q + s, ci] * w[ko, co, r, s, ci, ki]"}
          .only();
  CHECK(found.kind == OperatorKind::Convolution2D);
  CHECK(found.dims == Dims{{"N", 1}, {"K", 24}, {"C", 8}, {"P", 4}, {"Q", 4}, {"R", 3}, {"S", 3}});
  CHECK(found.bytesRead == 4 * (2 * 6 * 6 * 4 + 24 * 8 * 9));
}

TEST_CASE("operators: a transposed convolution whose product says where elements are") {
  // Padded by 0 before and by 1 behind, its input spread to 15 elements.
  const Operator found =
      Product{"(1, 4, 8)",
              "(4, 6, 3)",
              "(1, 6, 14)",
              "n, k, q, c, s",
              "SSSRR",
              "1, 6, 14, 4, 3",
              "n, k, q",
              "T.if_then_else((q + s) % 2 == 0 and (q + s) // 2 < 8, x[n, c, (q + s) // 2], "
              "T.float32(0)) * w[c, k, s]"}
          .only();
  CHECK(found.kind == OperatorKind::TransposedConvolution1D);
  CHECK(found.dims == Dims{{"N", 1}, {"K", 6}, {"C", 4}, {"Q", 14}, {"S", 3}});
  CHECK(found.stride == Numbers{2});
  CHECK(found.before == Numbers{2});
  CHECK(found.after == Numbers{1});
}

TEST_CASE("operators: a convolution that pads in its product") {
  const Operator found =
      Product{"(1, 4, 8)",
              "(6, 4, 3)",
              "(1, 6, 4)",
              "n, k, q, c, s",
              "SSSRR",
              "1, 6, 4, 4, 3",
              "n, k, q",
              "T.if_then_else(1 <= q * 2 + s and q * 2 + s < 9, x[n, c, q * 2 + s - 1], "
              "T.float32(0)) * w[k, c, s]"}
          .only();
  CHECK(found.kind == OperatorKind::Convolution1D);
  CHECK(found.dims == Dims{{"N", 1}, {"K", 6}, {"C", 4}, {"Q", 4}, {"S", 3}});
  CHECK(found.stride == Numbers{2});
  CHECK(found.before == Numbers{1});
  CHECK(found.after == Numbers{0});
}

TEST_CASE("operators: a dense layer whose weight is the first factor") {
  const Operator found = Product{"(5, 8)", "(4, 8)",  "(5, 4)", "m, n, k",
                                 "SSR",    "5, 4, 8", "m, n",   "w[n, k] * x[m, k]"}
                             .only();
  CHECK(found.kind == OperatorKind::Dense);
  CHECK(found.dims == Dims{{"M", 5}, {"N", 4}, {"K", 8}});
}

namespace {

/// \p factor with signs, casts, scales and, if \p mayAdd, zero points around it.
std::string decorated(std::string factor, bool mayAdd, std::mt19937_64 &generator) {
  for (std::size_t left = generator() % 4; left > 0; --left)
    switch (generator() % (mayAdd ? 6 : 4)) {
    case 0:
      factor = "(-" + factor + ")";
      break;
    case 1:
      factor = "T.Cast(\"float32\", T.Cast(\"float16\", " + factor + "))";
      break;
    case 2:
      factor = "T.float32(0.5) * " + factor;
      break;
    case 3:
      factor = "(" + factor + " / T.float32(4))";
      break;
    case 4:
      factor = "(" + factor + " - T.float32(3))";
      break;
    default:
      factor = "(T.float32(2) + " + factor + ")";
      break;
    }
  return factor;
}

/// A product of \p left and \p right, decorated, in any order.
std::string randomProduct(const std::string &left, const std::string &right,
                          std::mt19937_64 &generator) {
  std::string first = decorated(left, true, generator);
  std::string second = decorated(right, true, generator);
  if (generator() % 2 == 0)
    std::swap(first, second);
  return decorated("(" + first + " * " + second + ")", false, generator);
}

} // namespace

TEST_CASE("operators: what stands around factors, and their order, leave a product as it is") {
  const std::size_t cases = test::propertyCases(100);
  for (std::size_t number = 0; number < cases; ++number) {
    CAPTURE(number);
    std::mt19937_64 generator = test::propertyGenerator(number);
    const std::string dense = randomProduct("x[m, k]", "w[k, n]", generator);
    CAPTURE(dense);
    const Operator found =
        Product{"(5, 8)", "(8, 4)", "(5, 4)", "m, n, k", "SSR", "5, 4, 8", "m, n", dense}.only();
    CHECK(found.kind == OperatorKind::Dense);
    CHECK(found.dims == Dims{{"M", 5}, {"N", 4}, {"K", 8}});
    CHECK(found.macs == 160);
  }
}

namespace {

/// A product of a weight, and element-wise calls behind it, each with a tensor of its own.
struct Chain {
  struct Step {
    std::string op;                ///< "+"
    std::string indices = "[v_k]"; ///< of the tensor
    std::string shape = "(4,)";    ///< of the tensor
    std::size_t from = 0;          ///< behind which step; 0: the product
    bool isActivation = false;     ///< the tensor is an input of the network
  };
  std::string type = "float32";
  std::vector<Step> steps;

  [[nodiscard]] std::string text() const {
    const auto buffer = [&](const std::string &shape) {
      return "T.Buffer(" + shape + ", \"" + type + "\")";
    };
    const auto tensor = [&](const std::string &shape) {
      return "R.Tensor(" + shape + ", dtype=\"" + type + "\")";
    };
    std::string text =
        "@I.ir_module\nclass Module:\n    @T.prim_func\n    def product(x: " + buffer("(3, 8)") +
        ", w: " + buffer("(4, 3)") + ", y: " + buffer("(4, 8)") +
        "):\n        for k, p, c in T.grid(4, 8, 3):\n"
        "            with T.sblock(\"product\"):\n"
        "                v_k, v_p, v_c = T.axis.remap(\"SSR\", [k, p, c])\n"
        "                with T.init():\n"
        "                    y[v_k, v_p] = T." +
        type +
        "(0)\n"
        "                y[v_k, v_p] = y[v_k, v_p] + w[v_k, v_c] * x[v_c, v_p]\n\n";
    std::string parameters = "x: " + tensor("(3, 8)");
    std::string weights = ", w: " + tensor("(4, 3)");
    std::string calls =
        "        lv0 = R.call_tir(cls.product, (x, w), out_sinfo=" + tensor("(4, 8)") + ")\n";
    std::size_t inputs = 1;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Step &step = steps[i];
      const std::string number = std::to_string(i + 1);
      text += "    @T.prim_func\n    def step" + number + "(x: " + buffer("(4, 8)") +
              ", t: " + buffer(step.shape) + ", y: " + buffer("(4, 8)") +
              "):\n        for k, p in T.grid(4, 8):\n"
              "            with T.sblock(\"step\"):\n"
              "                v_k, v_p = T.axis.remap(\"SS\", [k, p])\n"
              "                y[v_k, v_p] = x[v_k, v_p] " +
              step.op + " t" + step.indices + "\n\n";
      (step.isActivation ? parameters : weights) += ", t" + number + ": " + tensor(step.shape);
      inputs += step.isActivation ? 1 : 0;
      calls += "        lv" + number + " = R.call_tir(cls.step" + number + ", (lv" +
               std::to_string(step.from) + ", t" + number + "), out_sinfo=" + tensor("(4, 8)") +
               ")\n";
    }
    return text + "    @R.function\n    def main(" + parameters + weights + "):\n" +
           "        R.func_attr({\"num_input\": " + std::to_string(inputs) +
           "})\n        cls = Module\n" + calls + "        return lv" +
           std::to_string(steps.size()) + "\n";
  }

  /// For each call behind the product whether it is folded: "ff-" for the first two of three.
  [[nodiscard]] std::string folded() const {
    Session session;
    const bool isRead = session.loadWorkloadText("chain.tir", text());
    REQUIRE_MESSAGE(isRead, text());
    std::string marks;
    for (std::size_t c = 1; c < session.workload()->calls.size(); ++c)
      marks +=
          session.workload()->calls[c].freeReason == workload::FreeReason::BatchNorm ? 'f' : '-';
    return marks;
  }
};

Chain chainOf(const std::string &operations) {
  Chain chain;
  for (const char op : operations)
    chain.steps.push_back({std::string(1, op), "[v_k]", "(4,)", chain.steps.size(), false});
  return chain;
}

} // namespace

TEST_CASE("batch norm: the last addition of an affine chain per channel is left") {
  CHECK(chainOf("-/*+").folded() == "fff-");
  CHECK(chainOf("*+").folded() == "f-");
  CHECK(chainOf("+-/*+").folded() == "ffff-"); // behind a bias
  CHECK(chainOf("*").folded() == "f");
  CHECK(chainOf("+*").folded() == "-f");
  CHECK(chainOf("-*").folded() == "-f");
}

TEST_CASE("batch norm: what is none") {
  SUBCASE("nothing is scaled") { CHECK(chainOf("-+").folded() == "--"); }
  SUBCASE("whole numbers") {
    Chain chain = chainOf("*+");
    chain.type = "int32";
    CHECK(chain.folded() == "--");
  }
  SUBCASE("a factor for every position") {
    Chain chain = chainOf("*+");
    chain.steps[0].indices = "[v_p]";
    chain.steps[0].shape = "(8,)";
    CHECK(chain.folded() == "--");
  }
  SUBCASE("a factor from the input") {
    Chain chain = chainOf("*+");
    chain.steps[0].isActivation = true;
    CHECK(chain.folded() == "--");
  }
  SUBCASE("the product has another reader") {
    Chain chain = chainOf("*++");
    chain.steps[2].from = 0;
    CHECK(chain.folded() == "---");
  }
  SUBCASE("a value on the way has another reader: what is before it folds") {
    Chain chain = chainOf("*/++");
    chain.steps[2].from = 1;
    chain.steps[3].from = 2;
    CHECK(chain.folded() == "f---");
  }
}

TEST_CASE("batch norm: it can be left as it is, and reports say what was folded") {
  const std::string text = chainOf("-/*+").text();
  WorkloadOptions options;
  options.foldBatchNorm = false;
  Session plain;
  REQUIRE(plain.loadWorkloadText("chain.tir", text, options));
  CHECK(plain.workload()->foldedBatchNorms.empty());
  CHECK(plain.workload()->calls[1].freeReason == workload::FreeReason::None);
  CHECK(plain.workload()->calls[1].bytesRead > 0);
  Session folding;
  REQUIRE(folding.loadWorkloadText("chain.tir", text));
  REQUIRE(folding.workload()->foldedBatchNorms.size() == 1);
  const workload::FoldedBatchNorm &folded = folding.workload()->foldedBatchNorms.front();
  CHECK(foldedNames(*folding.workload(), folded) == std::vector<std::string>{"lv1", "lv2", "lv3"});
  CHECK(folded.bias == workload::StageRef{4, 0});
  CHECK(folding.workload()->calls[1].bytesRead == 0);
  CHECK(folding.workload()->calls[1].kind == OperatorKind::Free);
  CHECK(folding.workload()->macs() == plain.workload()->macs());
}
