#include "backend/mapping/Blocks.h"

#include "backend/mapping/MappingTestSupport.h"

#include <random>
#include <set>

namespace acadlc::mapping {

namespace {

using test::Bench;
using test::OperatorText;

struct StandardBench : Bench {
  StandardBench() { loadLibrary("std/systolic_array.acadl"); }
};

const workload::Contraction &contractionOf(Bench &bench, const OperatorText &text) {
  bench.loadNetwork(text.text());
  REQUIRE_MESSAGE(bench.workload, bench.messages());
  REQUIRE(bench.workload->calls.front().contraction() != nullptr);
  return *bench.workload->calls.front().contraction();
}

Choice chooseFor(Bench &bench, const OperatorText &text) {
  const workload::Contraction &contraction = contractionOf(bench, text);
  MatchOptions options;
  options.sources = &bench.sources;
  return chooseMapping(bench.mappings, bench.preferences, {}, *bench.workload,
                       bench.workload->calls.front(), contraction, options);
}

/// The mapping's name with extents and coefficients: what cycles depend on but for addresses.
std::string summary(const Choice &choice) {
  REQUIRE_MESSAGE(choice.match, (choice.mismatches.empty() ? std::string("ambiguous")
                                                           : choice.mismatches.front().reason));
  std::string text = choice.match->mapping->name.text.str();
  for (const IndexBinding &index : choice.match->indices)
    text += " " + index.name + "=" + std::to_string(index.extent);
  for (const CoefficientBinding &coefficient : choice.match->coefficients)
    text += " " + coefficient.name + "=" + std::to_string(coefficient.value);
  return text;
}

std::set<std::string> blockedTensors(const Match &match) {
  std::set<std::string> names;
  for (const TensorBinding &tensor : match.tensors)
    if (tensor.isBlocked)
      names.insert(tensor.name);
  return names;
}

OperatorText convolution() {
  return {"1, 8, 9, 9",           "12, 8, 3, 3",
          "1, 12, 4, 4",          "n, f, y, x, c, r, s",
          "1, 12, 4, 4, 8, 3, 3", "SSSSRRR",
          "v_n, v_f, v_y, v_x",   "v_n, v_c, v_y * 2 + v_r, v_x * 2 + v_s",
          "v_f, v_c, v_r, v_s"};
}

/// The same as TVM packs it: data NCHW[4]c, weights OIHW[4]i[6]o.
OperatorText blockedConvolution() {
  return {"1, 2, 9, 9, 4",
          "2, 2, 3, 3, 4, 6",
          "1, 2, 4, 4, 6",
          "n, f, y, x, g, c, r, s",
          "1, 2, 4, 4, 6, 8, 3, 3",
          "SSSSSRRR",
          "v_n, v_f, v_y, v_x, v_g",
          "v_n, v_c // 4, v_y * 2 + v_r, v_x * 2 + v_s, v_c % 4",
          "v_f, v_c // 4, v_r, v_s, v_c % 4, v_g"};
}

} // namespace

TEST_CASE_FIXTURE(StandardBench, "blocks: a convolution in NCHWc matches as one in NCHW") {
  const std::string plain = summary(chooseFor(*this, convolution()));
  const Choice blocked = chooseFor(*this, blockedConvolution());
  CHECK(summary(blocked) == plain);
  CHECK(blockedTensors(*blocked.match) == std::set<std::string>{"O", "I", "W"});
  const TensorBinding &input = blocked.match->tensors[1];
  CHECK(input.shape == std::vector<std::int64_t>{1, 8, 9, 9});
  CHECK(input.before.size() == 4);
}

TEST_CASE_FIXTURE(StandardBench, "blocks: loops over chunk and block of a channel are one") {
  OperatorText text = blockedConvolution();
  text.loops = "n, f, y, x, g, co, r, s, ci";
  text.extents = "1, 2, 4, 4, 6, 2, 3, 3, 4";
  text.kinds = "SSSSSRRRR";
  text.dataIndex = "v_n, v_co, v_y * 2 + v_r, v_x * 2 + v_s, v_ci";
  text.weightIndex = "v_f, v_co, v_r, v_s, v_ci, v_g";
  CHECK(summary(chooseFor(*this, text)) == summary(chooseFor(*this, convolution())));
}

TEST_CASE_FIXTURE(StandardBench, "blocks: weights blocked twice") {
  // OIHW2i6o4i over data NCHW[8]c.
  OperatorText text = blockedConvolution();
  text.data = "1, 1, 9, 9, 8";
  text.weight = "2, 1, 3, 3, 2, 6, 4";
  text.loops = "n, f, y, x, g, c, r, s, d";
  text.extents = "1, 2, 4, 4, 6, 2, 3, 3, 4";
  text.kinds = "SSSSSRRRR";
  text.dataIndex = "v_n, 0, v_y * 2 + v_r, v_x * 2 + v_s, v_c * 4 + v_d";
  text.weightIndex = "v_f, 0, v_r, v_s, v_c, v_g, v_d";
  CHECK(summary(chooseFor(*this, text)) == summary(chooseFor(*this, convolution())));
}

TEST_CASE_FIXTURE(Bench, "blocks: a packed dense layer, and the product of two packed ones") {
  loadText("architecture A() {}\n"
           "mapping matmul[m < M, n < N; k < K] on arch: A\n"
           "  implements C[m, n] += A[m, k] * B[k, n] {}\n");
  const std::string plain = summary(chooseFor(*this, test::matmulText(4, 8, 6)));
  OperatorText packed = test::matmulText(4, 8, 6);
  packed.weight = "2, 6, 4";
  packed.weightIndex = "v_j // 4, v_k, v_j % 4";
  const Choice choice = chooseFor(*this, packed);
  CHECK(summary(choice) == plain);
  CHECK(blockedTensors(*choice.match) == std::set<std::string>{"B"});
  const OperatorText both{"2, 3, 2, 2",         "2, 3, 4, 2",         "2, 2, 2, 4",
                          "a, b, p, q, e, f",   "2, 2, 2, 4, 3, 2",   "SSSSRR",
                          "v_a, v_b, v_p, v_q", "v_a, v_e, v_p, v_f", "v_b, v_e, v_q, v_f"};
  const Choice second = chooseFor(*this, both);
  CHECK(summary(second) == plain);
  CHECK(blockedTensors(*second.match) == std::set<std::string>{"A", "B", "C"});
}

TEST_CASE_FIXTURE(StandardBench, "blocks: tiles of loops change no layout") {
  OperatorText tiled = test::matmulText(4, 8, 6);
  tiled.loops = "io, j, ko, ii, ki";
  tiled.extents = "2, 8, 3, 2, 2";
  tiled.kinds = "SSRSR";
  tiled.writeIndex = "v_io * 2 + v_ii, v_j";
  tiled.dataIndex = "v_io * 2 + v_ii, v_ko * 2 + v_ki";
  tiled.weightIndex = "v_ko * 2 + v_ki, v_j";
  const Choice choice = chooseFor(*this, tiled);
  CHECK(summary(choice) == summary(chooseFor(*this, test::matmulText(4, 8, 6))));
  CHECK(blockedTensors(*choice.match).empty());
}

TEST_CASE_FIXTURE(StandardBench, "blocks: what is no block is not joined") {
  SUBCASE("a padded dimension") {
    // The last dimension of the result is whole, that of the data is read in part.
    OperatorText text = blockedConvolution();
    text.data = "1, 2, 9, 9, 5";
    CHECK(chooseFor(*this, text).status == Choice::Status::Unmapped);
  }
  SUBCASE("blocks of two sizes") {
    OperatorText text = test::matmulText(4, 8, 6);
    text.data = "4, 3, 2";
    text.weight = "2, 3, 8";
    text.loops = "i, j, e, f";
    text.extents = "4, 8, 3, 2";
    text.kinds = "SSRR";
    text.dataIndex = "v_i, v_e, v_f";
    text.weightIndex = "v_f, v_e, v_j"; // the inner one is the outer one here
    const auto joined = joinBlocks(withoutJoins(contractionOf(*this, text)));
    CHECK_FALSE(joined);
  }
  SUBCASE("axes of different kinds") {
    const OperatorText text = convolution();
    CHECK_FALSE(joinBlocks(withoutJoins(contractionOf(*this, text))));
  }
}

TEST_CASE_FIXTURE(Bench, "blocks: a bias in blocks is absorbed") {
  loadText("architecture A() {}\n"
           "mapping product[m < M, n < N; k < K] on arch: A\n"
           "  implements C[m, n] += X[m, k] * Y[k, n]\n"
           "  then optional + bias[n], optional relu {}\n");
  const auto network = [](const std::string &bias, const std::string &read) {
    return "@I.ir_module\nclass Module:\n"
           "    @T.prim_func(private=True)\n"
           "    def op(a: T.Buffer((4, 6), \"float32\"), w: T.Buffer((2, 6, 4), \"float32\"), "
           "bias: T.Buffer((" +
           bias +
           "), \"float32\"), out: T.Buffer((4, 2, 4), \"float32\")):\n"
           "        c = T.alloc_buffer((4, 2, 4))\n"
           "        for i, j, l, k in T.grid(4, 2, 4, 6):\n"
           "            with T.sblock(\"c\"):\n"
           "                vi, vj, vl, vk = T.axis.remap(\"SSSR\", [i, j, l, k])\n"
           "                with T.init():\n"
           "                    c[vi, vj, vl] = T.float32(0)\n"
           "                c[vi, vj, vl] = c[vi, vj, vl] + a[vi, vk] * w[vj, vk, vl]\n"
           "        for i, j, l in T.grid(4, 2, 4):\n"
           "            with T.sblock(\"out\"):\n"
           "                vi, vj, vl = T.axis.remap(\"SSS\", [i, j, l])\n"
           "                out[vi, vj, vl] = T.max(c[vi, vj, vl] + bias[" +
           read +
           "], T.float32(0))\n\n"
           "    @R.function\n"
           "    def main(a: R.Tensor((4, 6), dtype=\"float32\"), w: R.Tensor((2, 6, 4), "
           "dtype=\"float32\"), bias: R.Tensor((" +
           bias +
           "), dtype=\"float32\")) -> R.Tensor((4, 2, 4), dtype=\"float32\"):\n"
           "        R.func_attr({\"num_input\": 1})\n"
           "        cls = Module\n"
           "        with R.dataflow():\n"
           "            y = R.call_tir(cls.op, (a, w, bias), out_sinfo=R.Tensor((4, 2, 4), "
           "dtype=\"float32\"))\n"
           "            R.output(y)\n"
           "        return y\n";
  };
  const auto absorbed = [&](const std::string &bias, const std::string &read) {
    loadNetwork(network(bias, read));
    REQUIRE_MESSAGE(workload, messages());
    const workload::Call &call = workload->calls.front();
    const Choice choice =
        chooseMapping(mappings, preferences, {}, *workload, call, *call.contraction());
    REQUIRE(choice.match);
    std::string names;
    for (const AbsorbedStep &step : choice.match->absorbed)
      names += step.name + " ";
    if (!choice.match->absorbed.empty())
      CHECK(choice.match->tensors.back().shape.back() == 8);
    return names;
  };
  CHECK(absorbed("2, 4", "vj, vl") == "bias relu ");
  // Half of the channel tells no channel.
  CHECK(absorbed("4,", "vl") == "");
  CHECK(absorbed("2,", "vj") == "");
}

TEST_CASE_FIXTURE(StandardBench, "blocks: random blocks of a convolution match as none") {
  std::mt19937 random(20250611);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  for (int round = 0; round < 40; ++round) {
    const int chunks = draw(2, 3), block = draw(2, 4), filters = draw(2, 3), filter = draw(2, 4);
    const int size = draw(1, 3), out = draw(2, 4), stride = draw(1, 2), batch = draw(1, 2);
    const int in = (out - 1) * stride + size;
    const auto list = [](std::initializer_list<int> values) {
      std::string text;
      for (const int value : values)
        text += (text.empty() ? "" : ", ") + std::to_string(value);
      return text;
    };
    const std::string y = "v_y * " + std::to_string(stride) + " + v_r";
    const std::string x = "v_x * " + std::to_string(stride) + " + v_s";
    OperatorText plain = convolution();
    plain.data = list({batch, chunks * block, in, in});
    plain.weight = list({filters * filter, chunks * block, size, size});
    plain.result = list({batch, filters * filter, out, out});
    plain.extents = list({batch, filters * filter, out, out, chunks * block, size, size});
    plain.dataIndex = "v_n, v_c, " + y + ", " + x;
    OperatorText blocked = blockedConvolution();
    blocked.data = list({batch, chunks, in, in, block});
    blocked.weight = list({filters, chunks, size, size, block, filter});
    blocked.result = list({batch, filters, out, out, filter});
    const std::string b = std::to_string(block);
    if (draw(0, 1) == 0) {
      blocked.extents = list({batch, filters, out, out, filter, chunks * block, size, size});
      blocked.dataIndex = "v_n, v_c // " + b + ", " + y + ", " + x + ", v_c % " + b;
      blocked.weightIndex = "v_f, v_c // " + b + ", v_r, v_s, v_c % " + b + ", v_g";
    } else {
      blocked.loops = "g, n, d, f, y, x, c, r, s";
      blocked.kinds = "SSRSSSRRR";
      blocked.extents = list({filter, batch, block, filters, out, out, chunks, size, size});
      blocked.dataIndex = "v_n, v_c, " + y + ", " + x + ", v_d";
      blocked.weightIndex = "v_f, v_c, v_r, v_s, v_d, v_g";
    }
    CAPTURE(round);
    CAPTURE(blocked.data);
    CAPTURE(blocked.weight);
    CHECK(summary(chooseFor(*this, blocked)) == summary(chooseFor(*this, plain)));
  }
}

} // namespace acadlc::mapping
