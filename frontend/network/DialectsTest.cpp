#include "frontend/network/NetworkReader.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

// Texts in the styles of TVM's own tests, from v0.8 on.

namespace acadlc::tir {

namespace {

using namespace workload;
using enum OperatorKind;

struct Outcome {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  std::optional<Workload> workload;

  explicit Outcome(std::string text, const ReadOptions &options = {}) {
    const FileId file = sources.addText("test.tir", std::move(text));
    workload = readWorkload(sources, file, options, diagnostics);
  }
  [[nodiscard]] std::string messages() const {
    return renderDiagnostics(diagnostics.diagnostics(), sources, {});
  }
  [[nodiscard]] std::string_view firstId() const {
    const auto &all = diagnostics.diagnostics();
    return all.empty() ? "none" : diagnosticInfo(all.front().code).id;
  }
};

std::string indented(std::string_view text, std::string_view blank) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0)
      out += std::string(blank) + std::string(text.substr(0, end));
    out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

constexpr const char *vectors = "A: T.Buffer((16,), \"float32\"), B: T.Buffer((16,), \"float32\")";
constexpr const char *matrices =
    "A: T.Buffer((16, 16), \"float32\"), B: T.Buffer((16, 16), \"float32\")";

/// A function of TIR alone.
std::string function(std::string_view body, const std::string &parameters = vectors) {
  return "@T.prim_func\ndef main(" + parameters + "):\n" + indented(body, "    ");
}

std::string tensor(const std::string &shape, const std::string &type = "float32") {
  return "R.Tensor((" + shape + "), dtype=\"" + type + "\")";
}

/// A module whose entry has this body; \p functions stand before it.
std::string module(std::string_view body, const std::string &parameters = "x: " + tensor("2, 3"),
                   std::string_view functions = "") {
  return "@I.ir_module\nclass Module:\n" + indented(functions, "    ") +
         "    @R.function\n    def main(" + parameters + "):\n" + indented(body, "        ");
}

/// What a text of one call must say.
struct Case {
  const char *name;
  std::string text;
  OperatorKind kind;
  std::vector<std::int64_t> points; ///< of each stage
};

void check(const std::vector<Case> &cases) {
  for (const Case &entry : cases) {
    CAPTURE(entry.name);
    const Outcome outcome(entry.text);
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.errorCount() == 0);
    REQUIRE(outcome.workload->calls.size() == 1);
    const Call &call = outcome.workload->calls[0];
    CHECK(call.kind == entry.kind);
    std::vector<std::int64_t> points;
    for (const Computation &stage : call.computations) {
      points.push_back(stage.points);
      CHECK(stage.opaqueReason.empty());
    }
    CHECK(points == entry.points);
  }
}

constexpr const char *doubled = R"(
@T.prim_func(private=True)
def f(x: T.Buffer(("n", T.int64(4)), "float32"), y: T.Buffer(("n", T.int64(4)), "float32")):
    n = T.int64()
    for i, j in T.grid(n, T.int64(4)):
        with T.sblock("y"):
            v_i, v_j = T.axis.remap("SS", [i, j])
            y[v_i, v_j] = x[v_i, v_j] * T.float32(2)
)";

ReadOptions withN(std::int64_t n) {
  ReadOptions options;
  options.symbols["n"] = n;
  return options;
}

} // namespace

//===--- Sizes --------------------------------------------------------------------------------===//

TEST_CASE("tir dialects: a size belongs to its function, not to all that use its name") {
  const Outcome outcome(module("n = T.int64()\n"
                               "a = R.call_tir(Module.f, (x,), out_ty=" +
                                   tensor("n, 4") +
                                   ")\n"
                                   "b = R.call_tir(Module.f, (z,), out_ty=" +
                                   tensor("7, 4") + ")\nreturn a, b\n",
                               "x: R.Tensor((\"n\", 4), dtype=\"float32\"), z: " + tensor("7, 4"),
                               doubled),
                        withN(5));
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.diagnostics.diagnostics().empty());
  CHECK(outcome.workload->calls.at(0).computations.at(0).points == 5 * 4);
  CHECK(outcome.workload->calls.at(1).computations.at(0).points == 7 * 4);
}

TEST_CASE("tir dialects: sizes of buffers that are matched with handles") {
  const std::string text = module("n = T.int64()\n"
                                  "a = R.call_tir(Module.f, (x,), R.Tensor((n, 8), \"float32\"))\n"
                                  "b = R.call_tir(Module.f, (z,), " +
                                      tensor("7, 12") + ")\nreturn (a, b)\n",
                                  "x: R.Tensor((\"n\", 4), \"float32\"), z: " + tensor("7, 6"), R"(
@T.prim_func
def f(a: T.handle, b: T.handle):
    T.func_attr({"global_symbol": "f", "tir.noalias": True})
    n = T.int64()
    m = T.var("int64")
    A = T.match_buffer(a, (n, m), "float32")
    B = T.match_buffer(b, shape=(n, m * 2), dtype="float32")
    for i, j in T.grid(n, m * 2):
        with T.block("B"):
            vi, vj = T.axis.remap("SS", [i, j])
            B[vi, vj] = A[vi, vj // 2]
)");
  const Outcome outcome(text, withN(3));
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->calls.at(0).computations.at(0).points == 3 * 8);
  CHECK(outcome.workload->calls.at(1).computations.at(0).points == 7 * 12);
}

TEST_CASE("tir dialects: sizes of functions of the graph") {
  const std::string text = module("a = Module.sub(x)\nb = Module.sub(z)\nreturn (a, b)\n",
                                  "x: R.Tensor((\"n\", 4), \"float32\"), z: " + tensor("7, 4"), R"(
@R.function(private=True)
def sub(x: R.Tensor(("n", 4), dtype="float32")) -> R.Tensor(("n", 4), dtype="float32"):
    n = T.int64()
    with R.dataflow():
        lv: R.Tensor((n, 4), dtype="float32") = R.nn.relu(x)
        R.output(lv)
    return lv
)");
  const Outcome outcome(text, withN(3));
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->calls.at(0).computations.at(0).points == 3 * 4);
  CHECK(outcome.workload->calls.at(1).computations.at(0).points == 7 * 4);
}

TEST_CASE("tir dialects: two sizes that are declared in one statement") {
  const Outcome outcome(module("n, m = T.int64(), T.int64()\n"
                               "s: R.Shape([2, 3]) = R.shape_of(x)\n"
                               "t = R.match_cast(s, R.Shape([n, m]))\n"
                               "y = R.reshape(x, (m, n))\n"
                               "z = R.reshape(y, s)\n"
                               "w: R.Tensor((n, m), dtype=\"float32\") = R.nn.relu(z)\n"
                               "return w\n"));
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->tensors.at(1).shape == std::vector<std::int64_t>{3, 2});
  CHECK(outcome.workload->tensors.at(3).shape == std::vector<std::int64_t>{2, 3});
}

TEST_CASE("tir dialects: shapes that contradict one another are an error") {
  const Outcome outcome(
      module("a = R.call_tir(Module.f, (x,), out_ty=" + tensor("3, 4") + ")\nreturn a\n",
             "x: " + tensor("2, 4"), doubled));
  CHECK_FALSE(outcome.workload);
  CHECK(outcome.firstId() == "E0408");
}

//===--- Loops and blocks ---------------------------------------------------------------------===//

TEST_CASE("tir dialects: loops") {
  check({
      {"range with a step",
       function("for i in range(0, 15, 2):\n    B[i] = A[i] * T.float32(2)\n"),
       ElementWise,
       {8}},
      {"serial with a step",
       function("for i in T.serial(0, 16, step=2):\n    for j in range(2):\n"
                "        B[i + j] = A[i + j] * T.float32(2)\n"),
       ElementWise,
       {16}},
      {"typed bounds and step",
       function("for i in T.serial(T.int64(2), T.int64(14), step=T.int64(4)):\n"
                "    B[i] = A[i] * T.float32(2)\n"),
       ElementWise,
       {3}},
      {"grid of mixed types",
       function("for i, j in T.grid(T.int64(4), 4):\n    B[i * 4 + j] = A[i * 4 + j] + 1.0\n"),
       ElementWise,
       {16}},
      {"grid with a first value",
       function("for i, j in T.grid((1, 4), 4):\n    B[i * 4 + j] = A[i * 4 + j] + 1.0\n"),
       ElementWise,
       {12}},
      {"all kinds of loops",
       function("for i0 in T.thread_binding(2, thread=\"blockIdx.x\"):\n"
                "    for i1 in T.thread_binding(0, 2, \"threadIdx.x\", annotations={\"a\": 1}):\n"
                "        for i2 in T.unroll(2, annotations={\"pragma_unroll_explicit\": 1}):\n"
                "            for i3 in T.vectorized(2):\n"
                "                B[i0 * 8 + i1 * 4 + i2 * 2 + i3] = "
                "A[i0 * 8 + i1 * 4 + i2 * 2 + i3] + 1.0\n"),
       ElementWise,
       {16}},
      {"launched threads",
       function("with T.launch_thread(\"blockIdx.x\", 4) as bx:\n"
                "    tx = T.launch_thread(\"threadIdx.x\", 4)\n"
                "    B[bx * 4 + tx] = A[bx * 4 + tx] + 1.0\n"),
       ElementWise,
       {16}},
      {"threads of the environment",
       function("bx = T.env_thread(\"blockIdx.x\")\ntx = T.env_thread(\"threadIdx.x\")\n"
                "T.launch_thread(bx, 4)\nT.launch_thread(tx, 4)\n"
                "B[bx * 4 + tx] = A[bx * 4 + tx] + 1.0\n"),
       ElementWise,
       {16}},
      {"attributes and assumptions",
       function("T.attr(\"default\", \"async_bind_scope\", 1)\n"
                "for i in range(16):\n    T.evaluate(T.assume(A[i] > T.float32(0)))\n"
                "    B[i] = A[i] + 1.0\n"),
       ElementWise,
       {16}},
  });
  const Outcome backwards(function("for i in range(16, 0, -1):\n    B[i - 1] = A[i - 1]\n"));
  CHECK(backwards.firstId() == "E0410");
  const Outcome endless(function("while A[0] < T.float32(1):\n    B[0] = A[0]\n"));
  CHECK(endless.firstId() == "E0410");
}

TEST_CASE("tir dialects: blocks of the first versions") {
  constexpr std::int64_t product = std::int64_t{128} * 128 * 128;
  const std::string buffers = "    A = T.match_buffer(a, [128, 128])\n"
                              "    B = T.match_buffer(b, [128, 128])\n"
                              "    C = T.match_buffer(c, [128, 128])\n";
  const std::string sum = "            with T.init():\n"
                          "                C[vi, vj] = T.float32(0)\n"
                          "            C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vj, vk]\n";
  const std::string head = "def matmul(a: T.handle, b: T.handle, c: T.handle) -> None:\n" + buffers;
  const std::string axes = "T.block([128, 128, T.reduce_axis(0, 128)], \"update\") "
                           "as [vi, vj, vk]:\n";
  std::string first = "@tvm.script.tir\n" + head + "    with " + axes + sum;
  for (std::size_t at = first.find("T."); at != std::string::npos; at = first.find("T.", at))
    first.replace(at, 2, "tir.");
  for (std::size_t at = first.find(": tir.handle"); at != std::string::npos;
       at = first.find(": tir.handle", at))
    first.replace(at, 12, ": ty.handle");
  check({
      {"v0.8, tvm.script.tir", first, MatMul, {product}},
      {"v0.8, bound axes",
       "@T.prim_func\n" + head + "    for i, j, k in T.grid(128, 128, 128):\n        with " + axes +
           "            T.bind(vi, i)\n            T.bind(vj, j)\n            T.bind(vk, k)\n"
           "            T.reads([C[vi, vj], A[vi, vk], B[vj, vk]])\n"
           "            T.writes([C[vi, vj]])\n" +
           sum,
       MatMul,
       {product}},
      {"a reduction split in two",
       "@T.prim_func\n" + head +
           "    for i, j, k0, k1 in T.grid(128, 128, 16, 8):\n"
           "        with T.block(\"C\"):\n"
           "            vi, vj = T.axis.remap(\"SS\", [i, j])\n"
           "            vk = T.axis.reduce(128, k0 * 8 + k1)\n" +
           sum,
       MatMul,
       {product}},
      {"a block for a tensor instruction",
       function(R"(
for i, j, k in T.grid(1, 1, 1):
    with T.block("C_o"):
        vi_o = T.axis.spatial(1, 0)
        vj_o = T.axis.spatial(1, 0)
        vk_o = T.axis.reduce(1, 0)
        T.reads(A[0:16, 0:16], B[0:16, 0:16])
        T.writes(C[0:16, 0:16])
        with T.init():
            for i_1, j_1 in T.grid(16, 16):
                with T.block("C_init"):
                    v_i_1, v_j_1 = T.axis.remap("SS", [i_1, j_1])
                    C[v_i_1, v_j_1] = T.float32(0)
        for i_1, j_1, k_1 in T.grid(16, 16, 16):
            with T.block("C"):
                vi, vj, vk = T.axis.remap("SSR", [i_1, j_1, k_1])
                C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vj, vk]
)",
                std::string(matrices) + ", C: T.Buffer((16, 16), \"float32\")"),
       MatMul,
       {16 * 16 * 16}},
  });
}

//===--- Buffers ------------------------------------------------------------------------------===//

TEST_CASE("tir dialects: parts of buffers") {
  const std::string head = "for i, j in T.grid(4, 2):\n    with T.block(\"B\"):\n"
                           "        vi, vj = T.axis.remap(\"SS\", [i, j])\n"
                           "        T.reads(A[vi * 4:vi * 4 + 4, vj * 8:vj * 8 + 8])\n"
                           "        T.writes(B[vi * 4:vi * 4 + 4, vj * 8:vj * 8 + 8])\n";
  const std::string parts =
      "        C = T.match_buffer(A[vi * 4:vi * 4 + 4, vj * 8:vj * 8 + 8], (4, 8), \"float32\", "
      "strides=(\"s0\", \"s1\"), offset_factor=1)\n"
      "        D = T.match_buffer(B[vi * 4:vi * 4 + 4, vj * 8:vj * 8 + 8], (4, 8), "
      "offset_factor=1)\n";
  check({
      {"plain loops inside",
       function(
           head + parts +
               "        for ii, jj in T.grid(4, 8):\n            D[ii, jj] = C[ii, jj] + 1.0\n",
           matrices),
       ElementWise,
       {256}},
      {"a block inside, declared strides",
       function(head + "        s0 = T.int32()\n        s1 = T.int32()\n" + parts +
                    "        for ii, jj in T.grid(4, 8):\n            with T.block(\"inner\"):\n"
                    "                vii, vjj = T.axis.remap(\"SS\", [ii, jj])\n"
                    "                D[vii, vjj] = C[vii, vjj] * C[vii, vjj]\n",
                matrices),
       ElementWise,
       {256}},
      {"a part of a part",
       function(
           head + parts +
               "        E = T.match_buffer(C[2:4, 0:8], (2, 8))\n"
               "        for ii, jj in T.grid(2, 8):\n            D[ii, jj] = E[ii, jj] + 1.0\n",
           matrices),
       ElementWise,
       {128}},
      {"fewer dimensions",
       function("for i in range(16):\n    C = T.match_buffer(A[i, 0:16], (16,), offset_factor=1)\n"
                "    for j in range(16):\n        B[i, j] = C[j] + 1.0\n",
                matrices),
       ElementWise,
       {256}},
      {"another name for a buffer",
       function("b = T.decl_buffer((16, 16), data=B.data)\n"
                "for i, j in T.grid(16, 16):\n    b[i, j] = A[i, j] + 1.0\n",
                matrices),
       ElementWise,
       {256}},
      {"one dimension instead of two",
       function("b = T.Buffer((256,), data=B.data)\na = T.decl_buffer((256,), \"float32\", "
                "data=A.data)\nfor i in range(256):\n    b[i] = a[i] + T.float32(1)\n",
                matrices),
       ElementWise,
       {256}},
      {"a part of the memory",
       function("b = T.decl_buffer((4, 4), data=B.data, strides=[64, 1], elem_offset=8)\n"
                "for i, j in T.grid(4, 4):\n    b[i, j] = A[i, j] + 1.0\n",
                matrices),
       ElementWise,
       {16}},
      {"allocated memory",
       function("t_data = T.allocate([16], \"float32\", \"global\")\n"
                "t = T.decl_buffer((16,), data=t_data)\n"
                "for i in range(16):\n    t[i] = A[i] + 1.0\n"
                "for i in range(16):\n    B[i] = t[i] * 2.0\n"),
       ElementWise,
       {16, 16}},
      {"allocated memory for a body",
       function("with T.allocate([16], \"float32\", \"global\") as t_data:\n"
                "    t = T.Buffer((4, 4), \"float32\", data=t_data)\n"
                "    for i in range(16):\n        t[i // 4, i % 4] = A[i] + 1.0\n"
                "    for i in range(16):\n        B[i] = t[i // 4, i % 4] * 2.0\n"),
       ElementWise,
       {16, 16}},
      {"a declaration for a body",
       function("with T.decl_buffer((16,), \"float32\") as t:\n"
                "    for i in range(16):\n        t[i] = A[i] + 1.0\n"
                "    for i in range(16):\n        B[i] = t[i] * 2.0\n"),
       ElementWise,
       {16, 16}},
  });
  for (const char *body :
       {"C = T.match_buffer(A[0:4, 0:4], (2, 8))\nfor i, j in T.grid(2, 8):\n"
        "    B[i, j] = C[i, j]\n",
        "b = T.decl_buffer((257,), data=B.data)\nfor i in range(257):\n    b[i] = A[0, 0]\n",
        "b = T.decl_buffer((4,), data=B.data, elem_offset=253)\nfor i in range(4):\n"
        "    b[i] = A[0, 0]\n",
        "b = T.decl_buffer((4, 4), data=B.data, strides=[85, 1])\nfor i in range(4):\n"
        "    b[i, 0] = A[0, 0]\n",
        "b = T.decl_buffer((4,), \"int8\", data=B.data)\nfor i in range(4):\n    b[i] = "
        "T.int8(0)\n"}) {
    CAPTURE(std::string(body));
    CHECK(Outcome(function(body, matrices)).firstId() == "E0410");
  }
}

TEST_CASE("tir dialects: what a part of a buffer reads is read from the buffer") {
  const Outcome outcome(function("for i in range(4):\n"
                                 "    C = T.match_buffer(A[i * 4, 8:16], (8,))\n"
                                 "    for j in range(8):\n        B[i, j] = C[j] * 2.0\n",
                                 matrices));
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->calls.at(0).bytesRead == 4 * 8 * 4);
  const Outcome outside(function("C = T.match_buffer(A[8:24, 0:16], (16, 16))\n"
                                 "for i, j in T.grid(16, 16):\n    B[i, j] = C[i, j]\n",
                                 matrices));
  CHECK(outside.firstId() == "E0426");
}

TEST_CASE("tir dialects: vectors are loops over their elements") {
  check({
      {"ramps",
       function("for i in range(4):\n    B[T.Ramp(i * 4, 1, 4)] = "
                "A[T.Ramp(i * 4, 1, 4)] * T.Broadcast(T.float32(3), 4)\n"),
       ElementWise,
       {16}},
      {"ramps of old texts",
       function("for i in range(4):\n    B[T.ramp(i * 4, 1, 4)] = "
                "A[T.ramp(i * 4, 1, 4)] + T.broadcast(T.float32(1), 4)\n"),
       ElementWise,
       {16}},
      {"slices",
       function("for i in range(4):\n    B[i * 4:i * 4 + 4] = "
                "A[i * 4:i * 4 + 4] * T.Broadcast(T.float32(2), 4)\n"),
       ElementWise,
       {16}},
      {"a slice with a step",
       function("for i in range(2):\n    B[i:i + 16:2] = "
                "A[i:i + 16:2] * T.Broadcast(T.float32(2), 8)\n"),
       ElementWise,
       {16}},
      {"a cast of a vector",
       function("for i in range(4):\n    B[i * 4:i * 4 + 4] = "
                "T.Cast(\"float32x4\", A[i * 4:i * 4 + 4])\n",
                "A: T.Buffer((16,), \"int8\"), B: T.Buffer((16,), \"float32\")"),
       ElementWise,
       {16}},
      {"vload and vstore",
       function("for i in range(4):\n    B.vstore([T.Ramp(i * 4, 1, 4)], "
                "A.vload([T.Ramp(i * 4, 1, 4)]) + T.Broadcast(T.float32(1), 4))\n"),
       ElementWise,
       {16}},
      {"vload and vstore with types",
       function("for i in range(4):\n    B.vstore([i * 4], A.vload([i * 4], \"float32x4\") * "
                "A.vload((i * 4,), dtype=\"float32x4\"))\n"),
       ElementWise,
       {16}},
      {"vload with a predicate that holds",
       function("for i in range(4):\n    B.vstore([T.Ramp(i * 4, 1, 4)], "
                "T.exp(A.vload([T.Ramp(i * 4, 1, 4)], predicate=T.Broadcast(T.bool(True), 4))), "
                "predicate=T.Broadcast(T.bool(True), 4))\n"),
       ElementWise,
       {16}},
      {"vload of an element",
       function("for i in range(16):\n    B[i] = T.exp(A.vload([i]))\n"),
       ElementWise,
       {16}},
      {"load and store of the first versions",
       function("for i in range(4):\n    T.store(B.data, T.ramp(i * 4, 1, 4), "
                "T.load(\"float32x4\", A.data, T.ramp(i * 4, 1, 4)) + "
                "T.broadcast(T.float32(1), 4), True)\n"),
       ElementWise,
       {16}},
      {"buffers of vectors",
       function("acc = T.alloc_buffer((1,), \"float32x4\", scope=\"local\")\n"
                "b = T.decl_buffer((4,), \"float32x4\", data=B.data)\n"
                "for i in range(4):\n    acc[0] = A[i] * A[i]\n"
                "    b[i] = acc[0] + T.Broadcast(T.float32(1), 4)\n",
                "A: T.Buffer((4,), \"float32x4\"), B: T.Buffer((16,), \"float32\")"),
       ElementWise,
       {16, 16}},
      {"handles of vectors",
       function("A = T.match_buffer(a, (4,), \"float32x4\")\n"
                "B = T.match_buffer(b, (4,), dtype=\"float32x4\")\n"
                "for i in range(4):\n    B[i] = T.exp(A[i])\n",
                "a: T.handle, b: T.handle"),
       ElementWise,
       {16}},
      {"elements put together",
       function("for i in range(8):\n    B[i * 2:i * 2 + 2] = "
                "T.Shuffle([T.exp(A[i * 2]), T.exp(A[i * 2 + 1])], [1, 0])\n"),
       ElementWise,
       {16}},
      {"an element of several",
       function("for i in range(16):\n    B[i] = T.Shuffle([T.float32(0), T.exp(A[i])], [1])\n"),
       ElementWise,
       {16}},
      {"parts of vectors",
       function("for i in range(4):\n    B[i * 4:i * 4 + 4] = T.exp("
                "T.Shuffle([A[i * 4:i * 4 + 2], A[i * 4 + 2:i * 4 + 4]], [2, 3, 0, 1]))\n"),
       ElementWise,
       {16}},
      {"all of a vector",
       function("for i in range(4):\n    B[i * 4:i * 4 + 4] = T.exp("
                "T.Shuffle([A[i * 4:i * 4 + 4]], [0, 1, 2, 3]))\n"),
       ElementWise,
       {16}},
      {"an element of a vector",
       function("for i in range(13):\n    B[i] = T.exp(T.Shuffle([A[i:i + 4]], [3]))\n"),
       ElementWise,
       {13}},
      {"elements of buffers of vectors, of ramps and of copies of a number",
       function("B[0:16] = T.exp(T.Shuffle([A[0], A[T.int32(3)], T.Broadcast(T.float32(1), 8)], "
                "[0, 4, 1, 5, 2, 6, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15]))\n",
                "A: T.Buffer((4,), \"float32x4\"), B: T.Buffer((16,), \"float32\")"),
       ElementWise,
       {16}},
      {"stores and functions of others",
       function("for i in range(16):\n    T.buffer_store(B, "
                "T.call_pure_extern(\"float32\", \"__sinf\", A[i]) + T.float32(1), [i])\n"),
       ElementWise,
       {16}},
  });
  const Outcome different(function("B[0:4] = A[0:8]\n"));
  CHECK(different.firstId() == "E0410");
  for (const char *body :
       {"for i in range(4):\n    B.vstore([T.Ramp(i * 4, 1, 4)], A[T.Ramp(i * 4, 1, 4)], "
        "predicate=T.Ramp(i, 1, 4) < T.Broadcast(5, 4))\n",
        "for i in range(16):\n    B[i] = A.vload([i], predicate=A[i] < T.float32(0))\n",
        "T.store(B.data, 0, A[0], A[1] < A[2])\n", "B[0] = T.load(\"float32\", A.data, 0, A[0])\n",
        "B[0:2] = T.Shuffle([A[0:4]], [0, 4])\n",
        "for i in range(16):\n    B[i] = T.Shuffle([A[i // 4 * 4:i]], [0])\n",
        "B[0] = T.Shuffle([A[0]], [1])\n", "B.vstore([0])\n", "B[0] = A.vload()\n"}) {
    CAPTURE(body);
    const Outcome refused(function(body));
    CHECK(refused.firstId() == "E0410");
    CHECK(refused.diagnostics.errorCount() == 1);
  }
  // What is no index at all.
  for (const char *body : {"B[(1, 2):(1, 2) + 4] = A[0:4]\n", "B[0:4] = A[(1, 2):(1, 2) + 4]\n",
                           "B.vstore([(0, 1, 4)], A.vload([T.Ramp(0, 1, 4)]))\n",
                           "B[i:i + 4] = A[0:4]\n", "B[0:4] = A[i:i + 4]\n"}) {
    CAPTURE(body);
    CHECK_FALSE(Outcome(function(body)).workload);
  }
  const Outcome part(
      function("B[0] = T.exp(A[0:4])\n",
               "A: T.Buffer((4,), \"float32x4\"), B: T.Buffer((4,), \"float32x4\")"));
  CHECK(part.firstId() == "E0410");
  const Outcome large(function("B[0] = T.float32(0)\n",
                               "A: T.Buffer((9007199254740992,), \"float32x1024\"), "
                               "B: T.Buffer((4,), \"float32\")"));
  CHECK(large.firstId() == "E0414");
  const Outcome rank(
      function("B[0, 0] = T.exp(A[0])\n",
               "A: T.Buffer((4,), \"float32x4\"), B: T.Buffer((4,), \"float32x4\")"));
  CHECK(rank.firstId() == "E0420");
  const Outcome scalar(function("B[0] = A[0:8]\n"));
  CHECK(scalar.firstId() == "E0410");
}

TEST_CASE("tir dialects: a shuffle reads the elements that its numbers say") {
  const auto read = [](const char *body) {
    const Outcome outcome(function(body));
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    const Call &call = outcome.workload->calls.at(0);
    return std::pair(call.operators.at(0).detail, call.bytesRead);
  };
  CHECK(read("for i in range(4):\n    B[i * 4:i * 4 + 4] = "
             "T.Shuffle([A[i * 4:i * 4 + 4]], [0, 1, 2, 3])\n") ==
        read("for i in range(16):\n    B[i] = A[i]\n"));
  CHECK(read("B[0:4] = T.Shuffle([A[0:8]], [2, 3, 4, 5])\n") ==
        read("for i in range(4):\n    B[i] = A[i + 2]\n"));
  CHECK(read("B[0:8] = T.Shuffle([A[0:4], A[8:12]], [0, 1, 2, 3, 4, 5, 6, 7])\n").second == 8 * 4);
}

TEST_CASE("tir dialects: scalars are assigned by their names") {
  const char *rows = "A: T.Buffer((16, 8), \"float32\"), B: T.Buffer((16,), \"float32\")";
  const char *update = "    for k in range(8):\n        s = s + A[i, k]\n    B[i] = s\n";
  for (const char *definition :
       {"    s = T.alloc_scalar(\"float32\", \"local\")\n    s = T.float32(0)\n",
        "    s = T.alloc_scalar(dtype=\"float32\", scope=\"local\")\n    s = T.float32(0)\n",
        "    s = T.local_scalar(\"float32\")\n    s = T.float32(0)\n",
        "    s = T.local_scalar(\"float32\", init=T.float32(0))\n",
        "    s: T.float32 = T.float32(0)\n"}) {
    CAPTURE(definition);
    const Outcome outcome(
        function(std::string("for i in range(16):\n") + definition + update, rows));
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    const Call &call = outcome.workload->calls.at(0);
    REQUIRE(call.operators.size() == 1);
    CHECK(call.operators[0].kind == Reduction);
    CHECK(call.operators[0].dims == std::vector<NamedExtent>{{"N", 16}, {"K", 8}});
    CHECK(call.bytesRead == 16 * 8 * 4);
  }
  // What each iteration of threads would have in common is started anew by all of them.
  const Outcome shared(function("for i in T.thread_binding(16, thread=\"threadIdx.x\"):\n"
                                "    s = T.shared_scalar(\"float32\")\n"
                                "    s = T.float32(0)\n" +
                                    std::string(update),
                                rows));
  CHECK(shared.firstId() == "E0410");
}

TEST_CASE("tir dialects: a scalar that no buffer can hold is one error") {
  for (const auto &[body, message] : std::vector<std::pair<const char *, const char *>>{
           {"p: T.int32 = 0\nfor i in range(16):\n    B[i] = A[p]\n    p = 1 - p\n",
            "another assignment to 'p'"},
           {"p: T.int32 = 0\nfor i in range(16):\n    B[i] = A[p]\n    p = 1 - p\n"
            "    if i > 3:\n        p = 2 - p\n",
            "another assignment to 'p'"},
           {"for i in range(16):\n    x = T.alloc_scalar(\"int32\", \"local\")\n"
            "    for k in range(8):\n        x = x + k\n    B[i] = A[x]\n",
            "a read of 'x', which is not sure to have a value there,"}}) {
    CAPTURE(body);
    const Outcome outcome(function(body));
    CHECK(outcome.firstId() == "E0410");
    CHECK(outcome.diagnostics.errorCount() == 1);
    CHECK(outcome.messages().find(message) != std::string::npos);
  }
  // It has a value wherever it is read.
  const Outcome within(function("x = T.alloc_scalar(\"int32\", \"local\")\n"
                                "for i in range(8):\n    if i > 3:\n        x = i * 2\n"
                                "        B[i] = A[x]\n"));
  CAPTURE(within.messages());
  CHECK(within.workload);
}

TEST_CASE("tir dialects: a number that is assigned again in one body is what it was given last") {
  const auto indicesOf = [](const char *body) {
    const Outcome outcome(function(body));
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    const Call &call = outcome.workload->calls.at(0);
    REQUIRE(call.computations.size() == 1);
    const Computation &stage = call.computations[0];
    const auto form = affineForm(*stage.accesses.at(0).indices.at(0), stage.axes);
    REQUIRE(form);
    return std::pair(form->coefficients, form->constant);
  };
  using Form = std::pair<AffineIndex::Coefficients, std::int64_t>;
  CHECK(indicesOf("for i in range(4):\n    x: T.int32 = i * 2\n    x = x + 1\n    x += i\n"
                  "    B[i] = A[x]\n") == Form{{3}, 1});
  CHECK(indicesOf("for i in range(4):\n    x = T.local_scalar(\"int32\")\n    x = i + 1\n"
                  "    B[i] = A[x]\n") == Form{{1}, 1});
  CHECK(indicesOf("x: T.int32 = 1\nx = x + 2\nfor i in range(4):\n    B[i] = A[x + i]\n") ==
        Form{{1}, 3});
  // The value of before is read where the next one is made of it.
  const Outcome loaded(function("for i in range(4):\n    x: T.int32 = i\n    y: T.float32 = A[x]\n"
                                "    x = x + 4\n    y = y + A[x]\n    B[i] = y\n"));
  CAPTURE(loaded.messages());
  REQUIRE(loaded.workload);
  CHECK(loaded.workload->calls.at(0).bytesRead == 8 * 4);
  // A point is no index, whatever it begins with.
  const Outcome point(function("for i in range(4):\n    x: T.float32 = i\n    x = x * A[i]\n"
                               "    B[i] = x\n"));
  CAPTURE(point.messages());
  CHECK(point.workload);
}

TEST_CASE("tir dialects: constants of the program are weights") {
  const std::string body = "for i in range(16):\n    with T.block(\"B\"):\n"
                           "        v = T.axis.spatial(16, i)\n        B[v] = A[v] * K[v]\n";
  const std::string data = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]";
  for (const std::string &head :
       {"K_data = T.allocate_const(" + data + ", \"float32\", [16])\n" +
            "K = T.Buffer((16,), \"float32\", data=K_data)\n",
        "K = T.allocate_const(" + data + ", dtype=\"float32\", extents=[16])\n"}) {
    const Outcome outcome(function(head + body));
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.diagnostics().empty());
    const Workload &workload = *outcome.workload;
    const Call &call = workload.calls.at(0);
    CHECK(call.bytesRead == 2 * 16 * 4);
    REQUIRE(call.inputs.size() == 2);
    CHECK(workload.tensors[call.inputs[1].index].origin == TensorOrigin::Weight);
    CHECK(workload.tensors[call.inputs[1].index].shape == std::vector<std::int64_t>{16});
  }
  const Outcome within(function("with T.allocate_const([1, 2], \"float32\", [2]) as t:\n"
                                "    t_1 = T.Buffer((2,), data=t)\n    B[0] = t_1[0]\n"));
  CHECK(within.workload);
  const Outcome written(function("K = T.allocate_const([1], \"float32\", [1])\n"
                                 "K[0] = A[0]\nB[0] = K[0]\n"));
  CHECK(written.firstId() == "E0410");
  CHECK(written.messages().find("a store to the constant 'K'") != std::string::npos);
  CHECK(Outcome(function("K = T.allocate_const([1], \"float23\", [1])\nB[0] = K[0]\n")).firstId() ==
        "E0419");
  CHECK(Outcome(function("K = T.allocate_const([1])\nB[0] = A[0]\n")).firstId() == "E0410");
}

TEST_CASE("tir dialects: functions outside that are given memory are of unknown structure") {
  const char *rows = "A: T.Buffer((8, 16), \"float32\"), B: T.Buffer((8,), \"float32\")";
  const std::string loop = "for i in range(8):\n    with T.block(\"B\"):\n"
                           "        v = T.axis.spatial(8, i)\n        ";
  for (const char *statement :
       {"T.evaluate(T.call_extern(\"int32\", \"dot\", A.access_ptr(\"r\", offset=v * 16), "
        "B.access_ptr(\"w\", offset=v), 16))\n",
        "T.call_extern(\"int32\", \"dot\", T.tvm_access_ptr(T.type_annotation(\"float32\"), "
        "A.data, "
        "v * 16, 16, 1), T.tvm_access_ptr(T.type_annotation(\"float32\"), B.data, v, 1, 2))\n",
        "T.evaluate(T.call_extern(\"dot\", A.access_ptr(\"r\"), B.access_ptr(\"w\"), "
        "dtype=\"int32\"))\n",
        "T.call_packed(\"dot\", A.access_ptr(access_mask=1), B.access_ptr(access_mask=2))\n",
        "B[v] = T.call_pure_extern(\"float32\", \"dot\", T.address_of(A[v, 0]), 16)\n",
        "B[v] = T.call_extern(\"float32\", \"dot\", A.access_ptr(\"r\"), 16)\n"}) {
    CAPTURE(statement);
    const Outcome outcome(function(loop + statement, rows));
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    const Call &call = outcome.workload->calls.at(0);
    REQUIRE(call.operators.size() == 1);
    CHECK(call.operators[0].kind == Other);
    CHECK(call.operators[0].hasUnknownMacs);
    CHECK(call.bytesRead == 8 * 16 * 4);
    CHECK(call.bytesWritten == 8 * 4);
    CHECK(call.computations.at(0).opaqueReason == "'dot', a function that is not in the text");
  }
  // What starts a reduction may be done by such a function too.
  const Outcome reduced(
      function("for i, k in T.grid(8, 4):\n    with T.block(\"B\"):\n"
               "        v, vk = T.axis.remap(\"SR\", [i, k])\n        with T.init():\n"
               "            T.call_extern(\"int32\", \"reset\", B.access_ptr(\"w\"))\n"
               "        T.call_extern(\"int32\", \"dot\", A.access_ptr(\"r\"), "
               "B.access_ptr(\"rw\"))\n",
               rows));
  CAPTURE(reduced.messages());
  REQUIRE(reduced.workload);
  REQUIRE(reduced.workload->calls.at(0).operators.size() == 1);
  CHECK(reduced.workload->calls.at(0).operators[0].hasUnknownMacs);
  for (const auto &[statement, message] : std::vector<std::pair<const char *, const char *>>{
           {"T.call_extern(\"int32\", \"dot\", T.address_of(A[v, 0]), B.access_ptr(\"w\"))\n",
            "'T.call_extern' of 'dot' with the address of 'A', of which the text does not say "
            "whether it is read or written,"},
           {"T.call_extern(\"int32\", \"dot\", A.access_ptr(\"r\"))\n",
            "'T.call_extern' of 'dot', of which the text does not say what it writes,"},
           {"T.call_extern(\"int32\", \"dot\", 16)\n",
            "'T.call_extern' of 'dot', of which the text does not say what it writes,"},
           {"B[v] = T.call_extern(\"float32\", \"dot\", T.address_of(A[v, 0]))\n",
            "'dot' as a value that is given the address of 'A', where it may write"}}) {
    CAPTURE(statement);
    const Outcome refused(function(loop + statement, rows));
    CHECK(refused.firstId() == "E0410");
    CHECK(refused.diagnostics.errorCount() == 1);
    CHECK(refused.messages().find(message) != std::string::npos);
  }
  // The name of a scalar is its value, also as an argument.
  const Outcome scalar(function("for i in range(8):\n    s: T.float32 = A[i, 0]\n    s = s + s\n"
                                "    B[i] = T.call_pure_extern(\"float32\", \"__sinf\", s)\n",
                                rows));
  REQUIRE(scalar.workload);
  CHECK_FALSE(scalar.workload->calls.at(0).operators.at(0).hasUnknownMacs);
}

TEST_CASE("tir dialects: expressions as TVM prints them") {
  const char *wholes = "A: T.Buffer((16,), \"int32\"), B: T.Buffer((16,), \"int32\")";
  const char *large = "A: T.Buffer((16,), \"uint64\"), B: T.Buffer((16,), \"uint64\")";
  check({
      {"a number of 64 bits",
       function("for i in range(16):\n    B[i] = A[i] + T.large_uint_imm(\"uint64\", T.uint32(1), "
                "T.uint32(2))\n",
                large),
       ElementWise,
       {16}},
      {"the same in old texts",
       function("for i in range(16):\n    B[i] = A[i] + T.large_uint_imm(T.uint32(1), T.uint32(2), "
                "dtype=\"uint64\")\n",
                large),
       ElementWise,
       {16}},
      {"intrinsics by name",
       function("for i in range(16):\n    B[i] = T.call_intrin(\"int32\", \"tirx.bitwise_xor\", "
                "T.call_intrin(\"int32\", \"tir.shift_right\", A[i], 7), 3)\n",
                wholes),
       ElementWise,
       {16}},
      {"a choice by name",
       function("for i in range(16):\n    B[i] = T.call_intrin(\"float32\", \"tir.if_then_else\", "
                "A[i] < T.float32(8), T.exp(A[i]), T.float32(0))\n"),
       ElementWise,
       {16}},
      {"let as an expression",
       function("for i in range(16):\n    B[i] = T.Let(v + v, where={v: A[i] * T.float32(2)})\n"),
       ElementWise,
       {16}},
      {"let as an expression in old texts",
       function(
           "x = T.float32()\nfor i in range(16):\n    B[i] = T.let(x, A[i] * T.float32(2), x + "
           "x)\n"),
       ElementWise,
       {16}},
      {"a name of the one who writes",
       function("for i in range(16):\n    v = T.meta_var(i + 0)\n    B[v] = T.exp(A[v])\n"),
       ElementWise,
       {16}},
      {"bits",
       function(
           "for i in range(16):\n    B[i] = T.bitwise_and(A[i], 7) | T.bitwise_or(A[i], 3) ^ "
           "T.bitwise_xor(A[i], 1) & T.bitwise_not(A[i]) + ~A[i] + (A[i] << 2) + (A[i] >> 1) + "
           "T.shift_left(A[i], 2)\n",
           wholes),
       ElementWise,
       {16}},
      {"what is said beside the code",
       function("T.evaluate(T.assume(A[0] > T.float32(0)))\nT.assume(A[0] == T.float32(1))\n"
                "T.evaluate(0)\nT.attr(\"default\", \"async_scope\", 1)\n"
                "with T.attr(T.iter_var(None, None, \"DataPar\", \"\"), \"pragma_unroll\", 1):\n"
                "    with T.attr(A.data, \"storage_alignment\", 128):\n"
                "        for i in T.serial(16, annotations={\"pragma_unroll_explicit\": 1, "
                "\"software_pipeline_stage\": [0, 1]}):\n"
                "            with T.sblock(\"B\"):\n"
                "                v_i = T.axis.spatial(16, i)\n"
                "                T.reads(A[v_i * 1 + 0:v_i * 1 + 1])\n"
                "                T.writes(B[v_i:v_i + 1])\n"
                "                T.sblock_attr({\"meta_schedule.tiled_factors\": [[4, 4]], "
                "\"buffer_dim_align\": [[0, 0, 32, 8]]})\n"
                "                B[v_i] = T.exp(A[v_i])\n"),
       ElementWise,
       {16}},
  });
}

TEST_CASE("tir dialects: memory as TVM prints it") {
  for (const char *body : {
           "t = T.allocate([16], \"float32\", \"global\")\nt_1 = T.Buffer((16,), data=t)\n",
           "t: T.handle(\"float32\", \"global\") = T.allocate([16], \"float32\", \"global\", "
           "annotations={\"a\": 1})\nt_1 = T.decl_buffer((16,), data=t)\n",
           "t_1 = T.decl_buffer((16,))\n",
           "t_1 = T.alloc_buffer((16,), scope=\"shared\")\n",
           "t_1: T.Buffer((16,), \"float32\") = T.alloc_buffer((16,), \"float32\")\n",
           "t_1 = T.alloc_local((16,), \"float32\")\n",
           "t_1 = T.alloc_shared([16], \"float32\")\n",
           "T.preflattened_buffer(A, [4, 4], dtype=\"float32\", data=A.data)\n"
           "t_1 = T.buffer_decl([16], \"float32\")\n",
       }) {
    const std::string text = std::string(body) + "for i in range(16):\n    t_1[i] = T.exp(A[i])\n"
                                                 "for i in range(16):\n    B[i] = t_1[i]\n";
    check({{"memory", function(text), ElementWise, {16, 16}}});
  }
}

TEST_CASE("tir dialects: a long chain of conditions") {
  std::string body = "for i in range(16):\n    if i == 0:\n        B[i] = A[0]\n";
  constexpr int links = 900;
  for (int i = 0; i < links; ++i)
    body += "    elif i == " + std::to_string(i) + ":\n        B[i] = A[1]\n";
  const Outcome outcome(function(body));
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->calls.at(0).computations.size() == links + 1);
}

TEST_CASE("tir dialects: a call that computes what nobody knows is named") {
  const Outcome outcome(function("for i in range(16):\n"
                                 "    T.evaluate(T.call_extern(\"int32\", \"f\", B.data))\n"));
  CHECK(outcome.firstId() == "E0410");
  CHECK(outcome.diagnostics.diagnostics().at(0).message.find("'T.call_extern'") !=
        std::string::npos);
}

//===--- The graph ----------------------------------------------------------------------------===//

TEST_CASE("tir dialects: outputs in the place of inputs") {
  const Outcome outcome(module("gv = R.call_tir_inplace(Module.h, (x, y), inplace_indices=[0, -1], "
                               "out_ty=[" +
                                   tensor("2, 3") + ", " + tensor("2, 3") +
                                   "])\nreturn (gv[0], gv[1])\n",
                               "x: " + tensor("2, 3") + ", y: " + tensor("2, 3"), R"(
@T.prim_func(private=True)
def h(A: T.Buffer((2, 3), "float32"), B: T.Buffer((2, 3), "float32"), C: T.Buffer((2, 3), "float32")):
    for i, j in T.grid(2, 3):
        with T.sblock("A"):
            v_i, v_j = T.axis.remap("SS", [i, j])
            A[v_i, v_j] = A[v_i, v_j] + B[v_i, v_j]
    for i, j in T.grid(2, 3):
        with T.sblock("C"):
            v_i, v_j = T.axis.remap("SS", [i, j])
            C[v_i, v_j] = A[v_i, v_j] * T.float32(2)
)"));
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  const Call &call = outcome.workload->calls.at(0);
  REQUIRE(call.computations.size() == 2);
  const Computation &sum = call.computations[0];
  const Computation &product = call.computations[1];
  // What is read before it is written is the input, behind that the output.
  CHECK(sum.accesses.at(0).tensor == call.inputs.at(0));
  CHECK(sum.written == outcome.workload->results.at(0));
  CHECK(product.accesses.at(0).tensor == sum.written);
  CHECK(product.written == outcome.workload->results.at(1));
}

TEST_CASE("tir dialects: functions that are not in the text are operators of unknown structure") {
  for (const char *line :
       {"y = R.call_dps_packed(\"f\", (x,), out_sinfo=R.Tensor((2, 3), dtype=\"float32\"))\n",
        "y = R.call_pure_packed(\"f\", x, sinfo_args=(R.Tensor((2, 3), dtype=\"float32\"),))\n",
        "y = R.call_packed(\"f\", x, sinfo_args=R.Tensor((2, 3), dtype=\"float32\"))\n"}) {
    CAPTURE(std::string(line));
    const Outcome outcome(module(std::string(line) + "z = R.nn.relu(y)\nreturn z\n"));
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    REQUIRE(outcome.workload->calls.size() == 2);
    const Call &call = outcome.workload->calls[0];
    CHECK(call.function == "f");
    CHECK(call.kind == Other);
    CHECK(call.computations.at(0).opaqueReason == "the function 'f' is not in the text");
    CHECK(call.bytesRead == 24);
  }
}

TEST_CASE("tir dialects: work that hides in objects is an error, not free") {
  for (const char *body :
       {"o = R.call_pure_packed(\"append\", x, sinfo_args=(R.Object,))\nreturn x\n",
        "y = R.call_pure_packed(\"view\", sinfo_args=(R.Tensor((2, 3), dtype=\"float32\"),))\n"
        "return y\n",
        "y = R.call_dps_packed(\"f\", (), out_sinfo=R.Tensor((2, 3), dtype=\"float32\"))\n"
        "return y\n",
        "y = R.call_pure_packed(\"f\", x)\nreturn y\n"}) {
    CAPTURE(std::string(body));
    const Outcome outcome(module(body));
    CHECK_FALSE(outcome.workload);
    CHECK(outcome.firstId() == "E0425");
  }
}

TEST_CASE("tir dialects: an input is replaced once") {
  const Outcome outcome(
      module("gv = R.call_tir_inplace(Module.f, (x,), inplace_indices=[0, 0], out_ty=[" +
                 tensor("2, 4") + ", " + tensor("2, 4") + "])\nreturn gv\n",
             "x: " + tensor("2, 4"), doubled));
  CHECK(outcome.firstId() == "E0425");
}

TEST_CASE("tir dialects: forms of the graph") {
  const std::string copy = R"(
@T.prim_func(private=True)
def f(A: T.Buffer((2, 3), "float32"), B: T.Buffer((2, 3), "float32")):
    for i, j in T.grid(2, 3):
        B[i, j] = A[i, j] + T.float32(1)
@R.function(private=True)
def sub(x: R.Tensor((2, 3), dtype="float32"), t: R.Tuple(R.Tensor((2, 3), dtype="float32"), R.Tensor((2, 3), dtype="float32"))) -> R.Tensor((2, 3), dtype="float32"):
    R.func_attr({"Primitive": 1})
    y = t[0]
    lv = R.add(x, y)
    return lv
)";
  const std::vector<std::string> bodies = {
      "cls = Module\na = R.call_tir(cls.f, x, out_sinfo=R.Tensor((2, 3), \"float32\"))\nreturn a\n",
      "a = R.call_tir(f, (x,), R.Tensor((2, 3), dtype=\"float32\"))\nreturn a\n",
      "a = Module.sub(x, R.tuple(x, x))\nreturn a\n",
      "a = sub(x, (x, x))\nreturn a\n",
      "with R.dataflow():\n    t = ((x, R.nn.relu(x)), (x,))\n    u = t[0]\n    v = u[1]\n"
      "    s = R.str(\"hello\")\n    p = R.prim_value(T.int64(3))\n    R.output(v, p)\nreturn (v, "
      "p)\n",
      "_ = R.print(format=\"{}\", x)\n_1 = R.assert_op(R.const(True, \"bool\"), format=\"x\")\n"
      "y = R.nn.relu(x)\nreturn y\n",
      "kv: R.Object = R.call_pure_packed(\"vm.builtin.create\", sinfo_args=(R.Object,))\n"
      "y = R.nn.relu(x)\nreturn (y, kv)\n",
      "@R.function\ndef inner(y: R.Tensor((2, 3), dtype=\"float32\")):\n    z = R.add(y, x)\n"
      "    return z\nw = inner(x)\nreturn w\n",
      "v = R.hint_on_device(x, R.device(1, 0))\nu = R.to_vdevice(v, \"llvm:0\")\n"
      "y = R.nn.relu(u)\nreturn y\n",
  };
  for (const std::string &body : bodies) {
    CAPTURE(body);
    const Outcome outcome(module(body, "x: " + tensor("2, 3"), copy));
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.diagnostics().empty());
    CHECK(outcome.workload->calls.size() == 1);
  }
}

TEST_CASE("tir dialects: functions that other compilers take over") {
  const Outcome outcome(
      module("w = Module.fused_relu_cudnn(x)\nreturn w\n", "x: " + tensor("2, 3"), R"(
@R.function
def fused_relu_cudnn(x: R.Tensor((2, 3), dtype="float32")) -> R.Tensor((2, 3), dtype="float32"):
    R.func_attr({"Codegen": "cudnn"})
    @R.function
    def gv(x_1: R.Tensor((2, 3), dtype="float32")) -> R.Tensor((2, 3), dtype="float32"):
        R.func_attr({"Composite": "cudnn.relu"})
        with R.dataflow():
            y = R.nn.relu(x_1)
            R.output(y)
        return y
    gv1: R.Tensor((2, 3), dtype="float32") = gv(x)
    return gv1
)"));
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->calls.at(0).name == "w.gv1.y");
}

TEST_CASE("tir dialects: a condition in the graph is one error") {
  const Outcome outcome(module("if c:\n    y = R.nn.relu(x)\nelse:\n    y = R.exp(x)\nreturn y\n",
                               "c: R.Tensor((), \"bool\"), x: " + tensor("2, 3")));
  CHECK(outcome.diagnostics.errorCount() == 1);
  CHECK(outcome.firstId() == "E0416");
}

TEST_CASE("tir dialects: what a function alone writes is its result, wherever it stands") {
  const auto bytes = [](const Outcome &outcome) {
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    const Call &call = outcome.workload->calls.at(0);
    CHECK(call.operators.at(0).part != OperatorPart::Free);
    return std::pair(call.bytesRead, call.bytesWritten);
  };
  const std::pair<std::int64_t, std::int64_t> vector(16 * 4, 16 * 4);
  CHECK(bytes(Outcome(function("for i in range(16):\n    A[i] = B[i] + 1.0\n"))) == vector);
  // In the place of what it reads: an input, and a result.
  const Outcome inPlace(
      function("for i in range(16):\n    A[i] = T.abs(A[i])\n", "A: T.Buffer((16,), \"float32\")"));
  CHECK(bytes(inPlace) == vector);
  CHECK(inPlace.workload->parameters.size() == 1);
  CHECK(inPlace.workload->results.size() == 1);
  const Outcome product(function(R"(for i, j, k in T.grid(16, 16, 16):
    C[i, j] = C[i, j] + A[i, k] * B[k, j]
)",
                                 "C: T.Buffer((16, 16), \"float32\"), " + std::string(matrices)));
  CHECK(bytes(product) == std::pair<std::int64_t, std::int64_t>(3 * 1024, 1024));
  CHECK(product.workload->macs() == 16 * 16 * 16);
}

TEST_CASE("tir dialects: calls of other functions name their type first or last") {
  for (const char *value :
       {"T.call_pure_extern(\"float32\", \"expf\", A[i])",
        "T.call_pure_extern(\"expf\", A[i], dtype=\"float32\")",
        "T.call_llvm_pure_intrin(T.llvm_lookup_intrinsic_id(\"expf\"), A[i], dtype=\"float32\")",
        "T.call_llvm_pure_intrin(\"float32\", \"expf\", A[i])"}) {
    CAPTURE(std::string(value));
    const Outcome outcome(function("for i in range(16):\n    B[i] = " + std::string(value) + "\n"));
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    const Call &call = outcome.workload->calls.at(0);
    CHECK(call.operators.at(0).detail == "expf");
    CHECK(call.bytesRead == 16 * 4);
  }
}

TEST_CASE("tir dialects: a name for the memory of a name for memory") {
  check({{"flat, and flat again",
          function("a = T.decl_buffer((256,), data=A.data)\n"
                   "b = T.decl_buffer((4, 64), data=a.data)\n"
                   "for i, j in T.grid(16, 16):\n    B[i, j] = b[i // 4, i % 4 * 16 + j] * 2.0\n",
                   matrices),
          ElementWise,
          {256}}});
  CHECK(Outcome(function("a = T.decl_buffer((128,), data=A.data)\n"
                         "b = T.decl_buffer((256,), data=a.data)\n"
                         "for i, j in T.grid(16, 16):\n    B[i, j] = b[i * 16 + j]\n",
                         matrices))
            .firstId() == "E0410");
}

TEST_CASE("tir dialects: other spellings of the graph") {
  for (const char *body :
       {"t = R.tuple(x, x)\na = R.TupleGetItem(t, 1)\ny = R.nn.relu(a)\nreturn y\n",
        "y: R.Tensor((2, 3), \"float32\", \"cuda:1\") = R.nn.relu(x)\nreturn y\n",
        "y = relax.op.nn.relu(x)\nreturn y\n"}) {
    CAPTURE(std::string(body));
    const Outcome outcome(module(body));
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    REQUIRE(outcome.workload->calls.size() == 1);
    CHECK(outcome.workload->calls[0].bytesRead == 2 * 3 * 4);
  }
  const Outcome memory(
      module("cls = Module\na = R.builtin.alloc_tensor(R.shape([2, 3]), dtype=\"float32\", "
             "runtime_device_index=0)\n_ = cls.f(x, a)\nreturn a\n",
             "x: " + tensor("2, 3"), R"(
@T.prim_func(private=True)
def f(A: T.Buffer((2, 3), "float32"), B: T.Buffer((2, 3), "float32")):
    for i, j in T.grid(2, 3):
        B[i, j] = A[i, j] + 1.0
)"));
  CAPTURE(memory.messages());
  REQUIRE(memory.workload);
  CHECK(memory.workload->calls.size() == 1);
}

} // namespace acadlc::tir
