#include "frontend/network/NetworkReader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

namespace acadlc::tir {

namespace {

using namespace workload;

struct Result {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  std::optional<Workload> workload;

  explicit Result(std::string text, const ReadOptions &options = {}) {
    FileId file = sources.addText("test.tir", std::move(text));
    workload = readWorkload(sources, file, options, diagnostics);
  }
  [[nodiscard]] bool reports(std::string_view id) const {
    return std::any_of(
        diagnostics.diagnostics().begin(), diagnostics.diagnostics().end(),
        [&](const Diagnostic &diagnostic) { return diagnosticInfo(diagnostic.code).id == id; });
  }
  /// The text that the first diagnostic points at.
  [[nodiscard]] std::string_view marked() const {
    return sources.textOf(diagnostics.diagnostics().at(0).range);
  }
};

std::optional<std::string> readFile(const std::filesystem::path &path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return std::nullopt;
  std::ostringstream content;
  content << in.rdbuf();
  return content.str();
}

std::filesystem::path sourceFolder() { return ACADLC_SOURCE_DIR; }

/// Networks that are not part of the project; what needs them is skipped where they are missing.
std::filesystem::path corpus() {
  const char *folder = std::getenv("ACADLC_SHARED_DIR"); // NOLINT(concurrency-mt-unsafe)
  return (folder ? std::filesystem::path(folder) : sourceFolder().parent_path() / "shared") / "tir";
}

std::size_t countFree(const Workload &workload, FreeReason reason) {
  return static_cast<std::size_t>(
      std::count_if(workload.calls.begin(), workload.calls.end(),
                    [&](const Call &call) { return call.freeReason == reason; }));
}

std::size_t stageCount(const Workload &workload) {
  std::size_t count = 0;
  for (const Call &call : workload.calls)
    count += call.computations.size();
  return count;
}

/// A module whose entry calls one TIR function `f` of x and y (both of 4 floats) with this body.
std::string moduleAround(const std::string &body) {
  return "@I.ir_module\nclass Module:\n"
         "    @T.prim_func(private=True)\n"
         "    def f(x: T.Buffer((4,), \"float32\"), y: T.Buffer((4,), \"float32\")):\n" +
         body +
         "\n    @R.function\n"
         "    def main(x: R.Tensor((4,), dtype=\"float32\")):\n"
         "        cls = Module\n"
         "        gv = R.call_tir(cls.f, (x,), out_ty=R.Tensor((4,), dtype=\"float32\"))\n"
         "        return gv\n";
}

} // namespace

TEST_CASE("tir reader: every example of the diagnostic table shows its diagnostic") {
  for (DiagnosticCode code : allDiagnosticCodes()) {
    const DiagnosticInfo &info = diagnosticInfo(code);
    if (info.id.substr(1, 2) != "04")
      continue;
    CAPTURE(info.id);
    std::string example(info.example);
    REQUIRE(example.starts_with(".tir\n"));
    ReadOptions options;
    if (example.find("# args: --shape n=1\n") != std::string::npos)
      options.symbols["n"] = 1;
    if (example.find("# args: --batch 4\n") != std::string::npos)
      options.batch = 4;
    Result result(example.substr(example.find('\n') + 1), options);
    CHECK(result.reports(info.id));
    CHECK(result.workload.has_value() == (info.severity == Severity::Warning));
  }
}

TEST_CASE("tir reader: loops without blocks") {
  Result result("@T.prim_func\n"
                "def f(a: T.Buffer((8, 16), \"float32\"), b: T.Buffer((16, 4), \"float32\"),\n"
                "      c: T.Buffer((8, 4), \"float32\")):\n"
                "    for i, j in T.grid(8, 4):\n"
                "        c[i, j] = T.float32(0)\n"
                "        for k in range(16):\n"
                "            c[i, j] = c[i, j] + a[i, k] * b[k, j]\n");
  REQUIRE(result.workload);
  const Call &call = result.workload->calls.at(0);
  REQUIRE(call.computations.size() == 1);
  CHECK(call.kind == OperatorKind::MatMul);
  CHECK(call.macs == 8 * 4 * 16);
  const std::vector<Axis> &axes = call.computations[0].axes;
  REQUIRE(axes.size() == 3);
  CHECK(axes[1].kind == Axis::Kind::Spatial);
  CHECK(axes[2].kind == Axis::Kind::Reduction);
}

namespace {

/// A function of a[16, 64] and c[16] with the statements \p body.
std::string rowFunction(const std::string &body) {
  return "@T.prim_func\n"
         "def f(a: T.Buffer((16, 64), \"float32\"), c: T.Buffer((16,), \"float32\")):\n" +
         body;
}

} // namespace

TEST_CASE("tir reader: a name that is assigned again is no let") {
  Result sum(rowFunction("    for i in range(16):\n"
                         "        s: T.float32 = T.float32(0)\n"
                         "        for k in range(64):\n"
                         "            s = s + a[i, k]\n"
                         "        c[i] = s\n"));
  REQUIRE(sum.workload);
  const std::vector<Axis> &axes = sum.workload->calls.at(0).computations.at(0).axes;
  REQUIRE(axes.size() == 2);
  CHECK(axes[0].kind == Axis::Kind::Spatial);
  CHECK(axes[1].kind == Axis::Kind::Reduction);
  Result single(rowFunction("    for i in range(16):\n"
                            "        s: T.float32 = a[i, 0]\n"
                            "        c[i] = s\n"
                            "    for i in range(16):\n"
                            "        s: T.float32 = a[i, 1]\n"
                            "        c[i] = s\n"));
  CHECK(single.workload);
  Result late(rowFunction("    for i in range(16):\n"
                          "        s: T.float32\n"
                          "        s = a[i, 0]\n"
                          "        c[i] = s\n"));
  CHECK(late.workload);
}

TEST_CASE("tir reader: a name that carries a value from one iteration to the next is an error") {
  Result carried(rowFunction("    s: T.float32 = T.float32(0)\n"
                             "    for i, k in T.grid(16, 64):\n"
                             "        s = s * T.float32(0.5) + a[i, k]\n"
                             "        c[i] = s\n"));
  CHECK_FALSE(carried.workload);
  CHECK(carried.reports("E0410"));
  CHECK(carried.marked() == "s = s * T.float32(0.5) + a[i, k]");
  Result sometimes(rowFunction("    for i in range(16):\n"
                               "        s: T.float32\n"
                               "        if i < 8:\n"
                               "            s = T.float32(0)\n"
                               "        for k in range(64):\n"
                               "            s = s + a[i, k]\n"
                               "        c[i] = s\n"));
  CHECK_FALSE(sometimes.workload);
}

TEST_CASE("tir reader: what each assignment to a name computes is a stage of its own") {
  Result result(rowFunction("    for i in range(16):\n"
                            "        x: T.float32 = a[i, 0]\n"
                            "        x = T.exp(x)\n"
                            "        c[i] = x\n"));
  REQUIRE(result.workload);
  const Call &call = result.workload->calls.at(0);
  CHECK(call.bytesRead == 16 * 4);
  CHECK(call.bytesWritten == 16 * 4);
  REQUIRE(call.operators.size() == 1);
  CHECK(call.operators[0].detail == "exp");
}

TEST_CASE("tir reader: an accumulator that each iteration starts anew is one of each iteration") {
  const std::string update = "        for k in range(64):\n"
                             "            s[0] = s[0] + a[i, k]\n"
                             "        c[i] = s[0]\n";
  const std::string allocation = "    s = T.alloc_buffer((1,))\n";
  const std::string loop = "    for i in range(16):\n";
  for (const std::string &head : {
           allocation + loop + "        s[0] = T.float32(0)\n",
           loop + "    " + allocation + "        s[0] = T.float32(0)\n",
           allocation + loop + "        s[0] = a[i, 0]\n",
       }) {
    CAPTURE(head);
    Result result(rowFunction(head + update));
    REQUIRE(result.workload);
    const Call &call = result.workload->calls.at(0);
    const auto sum = std::ranges::find(call.computations, Combiner::Sum, &Computation::combiner);
    REQUIRE(sum != call.computations.end());
    CHECK(sum->points == 16 * 64);
    REQUIRE(sum->axes.size() == 2);
    CHECK(sum->axes[0].kind == Axis::Kind::Spatial);
    CHECK(sum->axes[1].kind == Axis::Kind::Reduction);
    CHECK(call.locals.at(sum->written.index).shape == std::vector<std::int64_t>{16});
  }
}

TEST_CASE("tir reader: an accumulator that is not sure to be started anew") {
  const std::string update = "        for k in range(64):\n"
                             "            s[0] = s[0] + a[i, k]\n"
                             "        c[i] = s[0]\n";
  const std::string allocation = "    s = T.alloc_buffer((2,))\n";
  const std::string loop = "    for i in range(16):\n";
  for (const std::string &head : {
           loop + "    " + allocation,                          // never
           allocation + loop + "        s[1] = T.float32(0)\n", // another element
           allocation + loop +
               "        if i % 2 == 1:\n" // under a condition
               "            s[0] = T.float32(0)\n",
           allocation + loop +
               "        if i == 0:\n" // once
               "            s[1] = T.float32(0)\n",
       }) {
    CAPTURE(head);
    Result result(rowFunction(head + update));
    const bool hasDimension =
        result.workload && result.workload->calls.at(0).locals.at(0).shape.size() > 1;
    CHECK_FALSE(hasDimension);
    if (result.workload)
      continue;
    CHECK(result.reports("E0410"));
    const bool marksUse =
        result.marked() == "s[0] = s[0] + a[i, k]" || result.marked() == "c[i] = s[0]";
    CHECK(marksUse);
  }
}

TEST_CASE("tir reader: 'T.init' of a block starts anew for each loop around the block") {
  const auto text = [](const std::string &element) {
    return rowFunction("    s = T.alloc_buffer((16,))\n"
                       "    for io, ii, k in T.grid(4, 4, 64):\n"
                       "        with T.block(\"s\"):\n"
                       "            vi, vk = T.axis.remap(\"SR\", [ii, k])\n"
                       "            with T.init():\n"
                       "                s[" +
                       element +
                       "] = T.float32(0)\n"
                       "            s[" +
                       element + "] = s[" + element +
                       "] + a[io * 4 + vi, vk]\n"
                       "    for i in range(16):\n"
                       "        c[i] = s[i]\n");
  };
  Result misread(text("vi"));
  CHECK_FALSE(misread.workload);
  CHECK(misread.reports("E0410"));
  Result whole(text("io * 4 + vi"));
  REQUIRE(whole.workload);
  CHECK(whole.workload->calls.at(0).computations.at(0).points == 16 * 64);
}

TEST_CASE("tir reader: a row that is given a tensor of several dimensions") {
  const auto text = [](const std::string &extent, const std::string &signature,
                       const std::string &declarations) {
    std::string body =
        "@I.ir_module\nclass Module:\n    @T.prim_func(private=True)\n"
        "    def mm(" +
        signature + "):\n" + declarations +
        "        for i, j, k in T.grid(8, 16, 64):\n"
        "            with T.block(\"c\"):\n"
        "                vi, vj, vk = T.axis.remap(\"SSR\", [i, j, k])\n"
        "                with T.init():\n"
        "                    C[vi * 16 + vj] = T.float32(0)\n"
        "                C[vi * 16 + vj] = C[vi * 16 + vj] + A[vi * 64 + vk] * "
        "B[vk * 16 + vj]\n"
        "    @R.function\n"
        "    def main(x: R.Tensor((8, 64), dtype=\"float32\"), w: R.Tensor((64, 16), "
        "dtype=\"float32\")):\n"
        "        cls = Module\n"
        "        gv = R.call_tir(cls.mm, (x, w), out_sinfo=R.Tensor((8, 16), "
        "dtype=\"float32\"))\n"
        "        return gv\n";
    for (std::size_t at = body.find('@', 20); (at = body.find("N#", at)) != std::string::npos;)
      body.replace(at, 2, extent);
    return body;
  };
  const std::string typed =
      "A: T.Buffer((N#,), \"float32\"), B: T.Buffer((1024,), \"float32\"), C: "
      "T.Buffer((128,), \"float32\")";
  const std::string matched = "        A = T.match_buffer(a, (N#,))\n"
                              "        B = T.match_buffer(b, (1024,))\n"
                              "        C = T.match_buffer(c, (128,))\n";
  for (const std::string &good :
       {text("512", typed, ""), text("n", typed, "        n = T.int64()\n"),
        text("512", "a: T.handle, b: T.handle, c: T.handle", matched)}) {
    CAPTURE(good);
    Result result(good);
    REQUIRE(result.workload);
    const Call &call = result.workload->calls.at(0);
    REQUIRE(call.operators.size() == 1);
    CHECK(call.operators[0].kind == OperatorKind::MatMul);
    CHECK(call.operators[0].dims == std::vector<NamedExtent>{{"M", 8}, {"N", 16}, {"K", 64}});
    CHECK(call.bytesRead == (512 + 1024) * 4);
  }
  Result wrong(text("600", typed, ""));
  CHECK_FALSE(wrong.workload);
  CHECK(wrong.reports("E0408"));
}

TEST_CASE("tir reader: a start in the first iteration alone belongs to the reduction") {
  Result result(rowFunction("    for i, k in T.grid(16, 64):\n"
                            "        if k == 0:\n"
                            "            c[i] = T.float32(0)\n"
                            "        c[i] = c[i] + a[i, k]\n"));
  REQUIRE(result.workload);
  const std::vector<Axis> &axes = result.workload->calls.at(0).computations.at(0).axes;
  REQUIRE(axes.size() == 2);
  CHECK(axes[0].kind == Axis::Kind::Spatial);
  CHECK(axes[1].kind == Axis::Kind::Reduction);
}

TEST_CASE("tir reader: a block that only starts, and a buffer that nothing writes") {
  Result start(rowFunction("    for i, k in T.grid(16, 64):\n"
                           "        with T.block(\"c\"):\n"
                           "            vi, vk = T.axis.remap(\"SR\", [i, k])\n"
                           "            with T.init():\n"
                           "                c[vi] = T.float32(0)\n"));
  CHECK_FALSE(start.workload);
  CHECK(start.reports("E0410"));
  Result unwritten(rowFunction("    s = T.alloc_buffer((16,))\n"
                               "    for i in range(16):\n"
                               "        c[i] = s[i]\n"));
  CHECK_FALSE(unwritten.workload);
  CHECK(unwritten.reports("E0410"));
  CHECK(unwritten.marked() == "s[i]");
}

TEST_CASE("tir reader: forms of older versions mean the same") {
  Result result("@tvm.script.ir_module\nclass Module:\n"
                "    @T.prim_func\n"
                "    def f(a: T.handle, c: T.Buffer[(4, 4), \"int32\"]) -> None:\n"
                "        A = T.match_buffer(a, [4, 8], dtype=\"int8\", align=128)\n"
                "        with T.block(\"root\"):\n"
                "            T.reads([])\n"
                "            t = T.alloc_buffer([4, 8], dtype=\"int32\")\n"
                "            for io, i, j in T.grid(2, 2, 8):\n"
                "                with T.block(\"t\"):\n"
                "                    vi = T.axis.S(4, io * 2 + i)\n"
                "                    vj = T.axis.spatial(8, j)\n"
                "                    T.where(io * 2 + i < 4)\n"
                "                    t[vi, vj] = T.cast(A[vi, vj], \"int32\")\n"
                "            for i, j, k in T.grid(4, 4, 8):\n"
                "                with T.block(\"c\"):\n"
                "                    vi, vj, vk = T.axis.remap(\"SSR\", [i, j, k])\n"
                "                    with T.init():\n"
                "                        c[vi, vj] = 0\n"
                "                    c[vi, vj] += t[vi, vk] * t[vj, vk]\n");
  REQUIRE(result.workload);
  const Call &call = result.workload->calls.at(0);
  REQUIRE(call.computations.size() == 2);
  CHECK(call.computations[0].points == 32);
  CHECK(call.macs == 128);
  CHECK(result.workload->tensors[0].elementType.name() == "int8");
}

TEST_CASE("tir reader: symbolic sizes") {
  std::string text = "n = TypeVar(\"n\")\n@I.ir_module\nclass Module:\n"
                     "    @T.prim_func\n"
                     "    def f(x: T.Buffer((n, T.int64(4)), \"float32\"), "
                     "y: T.Buffer((\"n * T.int64(4)\",), \"float32\")):\n"
                     "        for i in range(n * T.int64(4)):\n"
                     "            with T.sblock(\"y\"):\n"
                     "                v = T.axis.spatial(n * T.int64(4), i)\n"
                     "                y[v] = x[v // T.int64(4), v % T.int64(4)]\n"
                     "    @R.function\n"
                     "    def main(x: R.Tensor((n, 4), dtype=\"float32\")):\n"
                     "        gv = R.call_tir(Module.f, (x,), "
                     "out_ty=R.Tensor((n * 4,), dtype=\"float32\"))\n"
                     "        return gv\n";
  Result unbound(text);
  CHECK_FALSE(unbound.workload);
  CHECK(unbound.reports("E0412"));
  CHECK(unbound.diagnostics.errorCount() == 1);
  CHECK(unbound.marked() == "n");
  ReadOptions options;
  options.symbols["n"] = 6;
  Result bound(text, options);
  REQUIRE(bound.workload);
  CHECK(bound.workload->tensors[0].shape == std::vector<std::int64_t>{6, 4});
  CHECK(bound.workload->calls[0].freeReason == FreeReason::Reshape);
}

TEST_CASE("tir reader: sizes of a function come from its arguments") {
  Result result(
      "@I.ir_module\nclass Module:\n"
      "    @T.prim_func\n"
      "    def f(a: T.handle, b: T.handle):\n"
      "        n = T.int64()\n"
      "        A = T.match_buffer(a, (n, 3), \"float32\")\n"
      "        B = T.match_buffer(b, (n,), \"float32\")\n"
      "        for i, k in T.grid(n, 3):\n"
      "            with T.block(\"B\"):\n"
      "                vi, vk = T.axis.remap(\"SR\", [i, k])\n"
      "                with T.init():\n"
      "                    B[vi] = T.float32(0)\n"
      "                B[vi] = B[vi] + A[vi, vk]\n"
      "    @R.function\n"
      "    def main(x: R.Tensor((5, 3), \"float32\"), y: R.Tensor((7, 3), \"float32\")):\n"
      "        cls = Module\n"
      "        p = R.call_tir(cls.f, (x,), out_sinfo=R.Tensor((5,), \"float32\"))\n"
      "        q = R.call_tir(cls.f, (y,), R.Tensor((7,), \"float32\"))\n"
      "        return p, q\n");
  REQUIRE(result.workload);
  CHECK(result.workload->calls.at(0).computations[0].points == 15);
  CHECK(result.workload->calls.at(1).computations[0].points == 21);
  CHECK(result.workload->results.size() == 2);
}

TEST_CASE("tir reader: tuples, aliases, constants and several outputs") {
  Result result("@I.ir_module\nclass Module:\n"
                "    @T.prim_func\n"
                "    def f(x: T.Buffer((4,), \"float32\"), c: T.Buffer((4,), \"float32\"), "
                "y: T.Buffer((4,), \"float32\"), z: T.Buffer((4,), \"float32\")):\n"
                "        for i in range(4):\n"
                "            with T.sblock(\"y\"):\n"
                "                v = T.axis.spatial(4, i)\n"
                "                y[v] = x[v] * c[v]\n"
                "        for i in range(4):\n"
                "            with T.sblock(\"z\"):\n"
                "                v = T.axis.spatial(4, i)\n"
                "                z[v] = c[v]\n"
                "    @R.function\n"
                "    def main(x: R.Tensor((4,), dtype=\"float32\")):\n"
                "        R.func_attr({\"num_input\": 1})\n"
                "        cls = Module\n"
                "        with R.dataflow():\n"
                "            lv = R.call_tir(cls.f, (x, metadata[\"relax.expr.Constant\"][0]), "
                "out_ty=[R.Tensor((4,), dtype=\"float32\"), R.Tensor((4,), dtype=\"float32\")])\n"
                "            a: R.Tensor((4,), dtype=\"float32\") = lv[0]\n"
                "            t: R.Tuple(R.Tensor((4,), dtype=\"float32\")) = a, x\n"
                "            gv: R.Tensor((4,), dtype=\"float32\") = t[0]\n"
                "            R.output(gv)\n"
                "        return gv\n");
  REQUIRE(result.workload);
  const Call &call = result.workload->calls.at(0);
  CHECK(call.outputs.size() == 2);
  CHECK(result.workload->results.at(0) == call.outputs[0]);
  CHECK(result.workload->tensors[call.inputs[1].index].origin == TensorOrigin::Weight);
  CHECK(call.computations[1].freeReason == FreeReason::WeightOnly);
  CHECK(call.kind == OperatorKind::ElementWise);
}

TEST_CASE("tir reader: the dialects of all versions") {
  const std::string loop = "        for i in range(4):\n            with T.sblock(\"y\"):\n"
                           "                v = T.axis.spatial(4, i)\n                ";
  for (const std::string &body : {
           loop + "y[v] = x[v]",
           loop + "y[v] = T.Cast(\"float32\", T.cast(x[v], \"float32\"))",
           loop + "y[v] = T.exp(x[v], dtype=\"float32\")",
           loop + "y[v] = T.max(x[v], T.float32(-3.4028234663852886e+38))",
           loop + "y[v] = T.max(x[v], T.min_value(\"float32\"))",
           loop + "y[v] = T.if_then_else(v < 2, x[v], T.float32(\"-inf\"), dtype=\"float32\")",
           loop + "y[v] = T.Let(a + a, where={a: x[v]})",
           loop + "a: T.let[T.float32] = x[v]\n                y[v] = a * a",
           loop + "with T.LetStmt(x[v]) as a:\n                    y[v] = a * a",
           loop + "with T.let(a, x[v]):\n                    y[v] = a * a",
           loop + "assert v < 4, (\"RuntimeError\", [\"m\"])\n                y[v] = x[v]",
           loop + "with T.Assert(v < 4, \"m\"):\n                    y[v] = x[v]",
           loop + "T.reads([x[v]])\n                T.writes([y[v : v + 1]])\n"
                  "                T.block_attr({\"a\": [x]})\n                y[v] = x[v]",
           loop + "y[\n  v,  # a comment\n] = x[\n  v\n]; T.evaluate(0)",
           std::string("        for i in T.serial(0, 4):\n            y[i] = x[i]"),
           std::string("        for i in T.serial(4, annotations={\"pragma\": 1}):\n"
                       "            y[i] = x[i]"),
           std::string("        for i in T.parallel(4):\n            y[i] = x[i]"),
           std::string("        for i in T.vectorized(4):\n            y[i] = x[i]"),
           std::string("        for i in T.unroll(4):\n            y[i] = x[i]"),
           std::string("        # with T.sblock(\"root\"):\n        with T.block(\"root\"):\n"
                       "            T.reads()\n            t = T.alloc_buffer([4])\n"
                       "            for i in range(4):\n                with T.block():\n"
                       "                    v = T.axis.S(4, i)\n"
                       "                    t[v] = x[v]\n"
                       "            for i in range(4):\n                y[i] = t[i]"),
           std::string("        for io, ii in T.grid(2, 3):\n            with T.block(\"y\"):\n"
                       "                v = T.axis.spatial(4, io * 3 + ii)\n"
                       "                T.where(io * 3 + ii < 4)\n"
                       "                y[v] = x[v]"),
       }) {
    CAPTURE(body);
    Result result(moduleAround(body));
    CHECK(result.diagnostics.diagnostics().empty());
    REQUIRE(result.workload);
    for (const Computation &stage : result.workload->calls.at(0).computations) {
      CHECK(stage.points == 4);
      CHECK(stage.opaqueReason.empty());
    }
  }
}

TEST_CASE("tir reader: a reduction whose start is a block of its own") {
  Result result(moduleAround("        for i in range(4):\n            with T.block(\"y_init\"):\n"
                             "                v = T.axis.spatial(4, i)\n"
                             "                y[v] = T.float32(0)\n"
                             "            for k in range(4):\n"
                             "                with T.block(\"y_update\"):\n"
                             "                    v, vk = T.axis.remap(\"SR\", [i, k])\n"
                             "                    y[v] = y[v] + x[vk]"));
  REQUIRE(result.workload);
  REQUIRE(result.workload->calls.at(0).computations.size() == 1);
  CHECK(result.workload->calls[0].computations[0].combiner == Combiner::Sum);
}

TEST_CASE("tir reader: stores under conditions and several stores are kept in full") {
  const auto stage = [](const std::string &body) {
    Result result(moduleAround(body));
    REQUIRE(result.workload);
    REQUIRE(result.workload->calls.at(0).computations.size() == 1);
    return result.workload->calls[0].computations[0];
  };
  const std::string block = "        for i in range(4):\n            with T.block(\"b\"):\n"
                            "                v = T.axis.spatial(4, i)\n";
  // One store says all of it.
  CHECK(stage(block + "                y[v] = x[v]").body == nullptr);
  CHECK(stage(block + "                T.where(i < 4)\n                y[v] = x[v]").body ==
        nullptr);
  const Computation guarded =
      stage(block + "                T.where(i < 3)\n                y[v] = x[v]");
  REQUIRE(guarded.body);
  REQUIRE(guarded.body->statements.size() == 1);
  REQUIRE(guarded.body->statements[0].condition);
  CHECK(guarded.axes.size() == 1); // the condition on the loop is one on the axis
  CHECK(guarded.body->statements[0].then.size() == 1);
  CHECK(guarded.body->opaqueReason.empty());

  const Computation branches = stage(block + "                if x[v] < x[0]:\n"
                                             "                    y[v] = x[v]\n"
                                             "                    y[0] = x[v]\n"
                                             "                elif v < 2:\n"
                                             "                    y[v] = x[3]\n"
                                             "                y[3] = x[v]");
  REQUIRE(branches.body);
  REQUIRE(branches.body->statements.size() == 2);
  CHECK(branches.body->statements[0].then.size() == 2);
  REQUIRE(branches.body->statements[0].otherwise.size() == 1);
  CHECK(branches.body->statements[0].otherwise[0].condition);
  CHECK(branches.body->statements[1].condition == nullptr);
  // Loads of the condition once, and one for each store.
  CHECK(branches.body->accesses.size() == 6);
  CHECK(!branches.body->readsFirst);
}

TEST_CASE("tir reader: what has no meaning is a warning unless the entry reaches it") {
  const std::string copy = "        for i in range(4):\n            y[i] = x[i]";
  const std::string main = "    @R.function\n    def main(";
  const auto withFunction = [&](const std::string &function) {
    std::string text = moduleAround(copy);
    return text.insert(text.find(main), function);
  };
  for (const char *function :
       {"    @T.prim_func\n    def g(x: T.Buffer((4,), \"float32\")):\n"
        "        T.call_packed(\"f\", x.data)\n\n",
        "    @T.prim_func\n    def g(x: T.Ptr[T.float32]):\n        pass\n\n",
        "    @R.function(private=True)\n    def g(x: R.Tensor((4,), \"float32\")):\n"
        "        y = R.unheard_of(x)\n        return y\n\n",
        "    @T.prim_func\n    def g(x: T.Buffer((4,), \"float32\"), y: T.Buffer((4,), "
        "\"float32\")):\n"
        "        for i in range(4):\n            with T.unheard_of(\"y\"):\n"
        "                v = T.axis.spatial(4, i)\n                y[v] = x[v]\n\n",
        "    @X.unheard_of\n    def g(x):\n        return x\n\n",
        "    def g(x):\n        return x\n\n"}) {
    CAPTURE(function);
    Result result(withFunction(function));
    CHECK(result.workload);
    CHECK(result.reports("W0411"));
    CHECK(result.diagnostics.errorCount() == 0);
  }
}

TEST_CASE("tir reader: a misspelt block is one error, which names it") {
  const Result result(moduleAround("        for i in range(4):\n            with T.sblok(\"y\"):\n"
                                   "                v = T.axis.spatial(4, i)\n"
                                   "                y[v] = x[v]"));
  REQUIRE(result.diagnostics.errorCount() == 1);
  CHECK(result.diagnostics.diagnostics()[0].message.find("'T.sblok'") != std::string::npos);
}

TEST_CASE("tir reader: a bare name is no statement") {
  for (const char *statement : {"x", "T.func_attr", "T.evaluate", "(x)", "x[0]", "-x", "x + y"}) {
    CAPTURE(statement);
    const Result result(moduleAround(
        "        for i in range(4):\n            y[i] = x[i]\n        " + std::string(statement)));
    CHECK(result.diagnostics.errorCount() <= 1);
  }
  CHECK(Result(moduleAround("        x")).diagnostics.errorCount() == 1);
}

TEST_CASE(
    "tir reader: tabs beside spaces are an error where they leave open what belongs to what") {
  CHECK(Result(moduleAround("\tfor i in range(4):\n\t\ty[i] = x[i]")).reports("E0402"));
  const std::string loop = "        for i in range(4):\n            for j in range(1):\n";
  CHECK(Result(moduleAround(loop + "                y[i] = x[i]")).workload);
  CHECK_FALSE(Result(moduleAround(loop + "\t        y[i] = x[i]")).workload);
}

TEST_CASE("tir reader: a function of the graph returns something") {
  std::string text = moduleAround("        for i in range(4):\n            y[i] = x[i]");
  text.erase(text.find("        return gv\n"));
  const Result result(text);
  CHECK(result.diagnostics.errorCount() == 1);
  CHECK(result.marked() == "main");
}

TEST_CASE("tir reader: metadata of megabytes is one token") {
  std::string json = "metadata = tvm.ir.load_json(\"\"\"{\\\"nodes\\\": [";
  constexpr std::size_t entries = 200'000;
  for (std::size_t i = 0; i < entries; ++i)
    json += "\\\"(def\",\n";
  const std::string rest = moduleAround("        for i in range(4):\n            y[i] = x[i]");
  Result result(json + "]}\"\"\")\n" + rest);
  CHECK(result.workload);
  CHECK(result.diagnostics.diagnostics().empty());
  Result endless(json + "]}\"\"\n" + rest);
  CHECK_FALSE(endless.workload);
  CHECK(endless.reports("E0402"));
}

TEST_CASE("tir reader: values of sizes") {
  const auto text = [](const std::string &first, const std::string &second) {
    return "n = TypeVar(\"n\")\nm = TypeVar(\"m\")\n@I.ir_module\nclass Module:\n"
           "    @R.function\n    def main(x: R.Tensor((" +
           first + ", 4), dtype=\"float32\"), y: R.Tensor((" + second +
           ", 4), dtype=\"float32\")):\n"
           "        R.func_attr({\"num_input\": 2})\n        gv = R.nn.relu(x)\n"
           "        lv = R.nn.relu(y)\n        return gv, lv\n";
  };
  const auto read = [](const std::string &source, ReadOptions options) {
    return Result(source, options);
  };
  ReadOptions batch;
  batch.batch = 3;
  {
    const Result result = read(text("n", "n"), batch);
    REQUIRE(result.workload);
    CHECK(result.workload->tensors[0].shape == std::vector<std::int64_t>{3, 4});
  }
  CHECK(read(text("n", "8"), batch).workload);
  CHECK(read(text("\"n\"", "8"), batch).workload);
  CHECK(read(text("n", "m"), batch).reports("E0428"));
  CHECK(read(text("8", "8"), batch).reports("E0428"));
  CHECK(read(text("n * 2", "8"), batch).reports("E0428"));
  ReadOptions both = batch;
  both.symbols["n"] = 3;
  CHECK(read(text("n", "n"), both).workload);
  both.symbols["n"] = 2;
  CHECK(read(text("n", "n"), both).reports("E0428"));
  ReadOptions unknown;
  unknown.symbols["k"] = 2;
  const Result wrong = read(text("n", "m"), unknown);
  REQUIRE(wrong.reports("E0427"));
  CHECK(wrong.diagnostics.diagnostics()[0].message ==
        "the text has no symbolic size 'k'; its symbolic sizes are 'm' and 'n'");
  CHECK(!wrong.diagnostics.diagnostics()[0].range.isValid()); // an option is no place in the text
  const auto entryProblem = [&](const char *name) {
    ReadOptions options;
    options.entry = name;
    const Result result = read(text("n", "m"), options);
    CHECK(result.reports("E0404"));
    CHECK(!result.diagnostics.diagnostics()[0].range.isValid());
    return result.diagnostics.diagnostics()[0].message;
  };
  CHECK(entryProblem("mian") == "no entry function 'mian'; did you mean 'main'?");
  CHECK(entryProblem("prefill") == "no entry function 'prefill'; there are: 'main'");
  const Result unset = read(text("n", "m"), {});
  REQUIRE(unset.reports("E0412"));
  CHECK(unset.diagnostics.diagnostics()[0].message ==
        "the symbolic size 'n' has no value: set it with --shape n=VALUE");
  ReadOptions nothing;
  nothing.symbols["n"] = 0;
  CHECK(read(text("n", "4"), nothing).reports("E0413"));
  ReadOptions huge;
  huge.symbols["n"] = std::numeric_limits<std::int64_t>::max();
  CHECK(read(text("n", "4"), huge).reports("E0414"));
}

TEST_CASE("tir reader: arithmetic on tensors is operators") {
  const auto network = [](const std::string &value) {
    return "@I.ir_module\nclass Module:\n    @R.function\n"
           "    def main(x: R.Tensor((6, 4), dtype=\"float32\")):\n"
           "        gv = " +
           value + "\n        return gv\n";
  };
  for (const auto &[value, same] : {std::pair("x + x", "R.add(x, x)"),
                                    {"x - x", "R.subtract(x, x)"},
                                    {"R.nn.relu(x) * x", "R.multiply(R.nn.relu(x), x)"},
                                    {"x / x", "R.divide(x, x)"},
                                    {"x ** x", "R.power(x, x)"},
                                    {"-x", "R.negative(x)"},
                                    {"x > x", "R.greater(x, x)"},
                                    {"x <= x", "R.less_equal(x, x)"}}) {
    CAPTURE(value);
    const Result sugared(network(value)), plain(network(same));
    REQUIRE(sugared.workload);
    REQUIRE(plain.workload);
    REQUIRE(sugared.workload->calls.size() == plain.workload->calls.size());
    for (std::size_t i = 0; i < plain.workload->calls.size(); ++i) {
      CHECK(sugared.workload->calls[i].function == plain.workload->calls[i].function);
      CHECK(sugared.workload->calls[i].bytesRead == plain.workload->calls[i].bytesRead);
    }
  }
}

TEST_CASE("tir reader: arithmetic on tensors is not left out") {
  for (const char *value : {"x | x", "~x", "x and x", "x == x"}) {
    CAPTURE(value);
    const Result result("@I.ir_module\nclass Module:\n    @R.function\n"
                        "    def main(x: R.Tensor((6, 4), dtype=\"float32\")):\n"
                        "        gv = " +
                        std::string(value) + "\n        return gv\n");
    CHECK(result.reports("E0425"));
  }
}

TEST_CASE("tir reader: a cast gives sizes their values") {
  Result result("@I.ir_module\nclass Module:\n    @R.function\n"
                "    def main(x: R.Tensor((6, 4), dtype=\"float32\")):\n"
                "        m = T.int64()\n"
                "        lv = R.match_cast(x, R.Tensor((m, 4), dtype=\"float32\"))\n"
                "        gv: R.Tensor((m * 4,), dtype=\"float32\") = "
                "R.reshape(lv, R.shape([m * 4]))\n"
                "        return gv\n");
  CHECK(result.diagnostics.diagnostics().empty());
  REQUIRE(result.workload);
  CHECK(result.workload->tensors.back().shape == std::vector<std::int64_t>{24});
}

TEST_CASE("tir reader: positions of mistakes") {
  std::string loop = "        for i in range(4):\n"
                     "            with T.sblock(\"y\"):\n"
                     "                v = T.axis.spatial(4, i)\n";
  CHECK(Result(moduleAround(loop + "                y[v] = z[v]\n")).marked() == "z");
  CHECK(Result(moduleAround(loop + "                y[v] = x[v, v]\n")).marked() == "x[v, v]");
  CHECK(Result(moduleAround(loop + "                y[v] = T.frobnicate(x[v])\n")).marked() ==
        "T.frobnicate(x[v])");
  CHECK(Result(moduleAround(loop + "                x[v] = y[v]\n")).reports("E0418"));
  CHECK(Result(moduleAround("        for i in range(0):\n            y[i] = x[i]\n"))
            .reports("E0413"));
  CHECK(
      Result(moduleAround("        while x[0] > 1:\n            y[0] = x[0]\n")).reports("E0410"));
}

TEST_CASE("tir reader: names that stand for expressions cannot explode") {
  std::string body = "        for i in range(4):\n"
                     "            with T.sblock(\"y\"):\n"
                     "                v = T.axis.spatial(4, i)\n"
                     "                e0: T.let[T.float32] = x[v]\n";
  for (int i = 1; i < 40; ++i) {
    std::string last = "e" + std::to_string(i - 1);
    body += "                e" + std::to_string(i) + ": T.let[T.float32] = " + last + " + " +
            last + "\n";
  }
  CHECK(Result(moduleAround(body + "                y[v] = e39\n")).reports("E0410"));
}

TEST_CASE("tir reader: the examples of the project") {
  struct Expected {
    const char *file;
    std::int64_t macs;
    std::size_t contractions;
  };
  for (const Expected &expected :
       {Expected{"lenet5.tir", 416'520, 5}, Expected{"alexnet.tir", 714'188'480, 8},
        Expected{"tiny_conv.tir", 27'648, 1}, Expected{"matmul.tir", 262'144, 1}}) {
    CAPTURE(expected.file);
    auto text = readFile(sourceFolder() / "examples" / expected.file);
    REQUIRE(text);
    Result result(*text);
    REQUIRE(result.workload);
    CHECK(result.diagnostics.diagnostics().empty());
    CHECK(result.workload->macs() == expected.macs);
    std::size_t contractions = 0;
    for (const Call &call : result.workload->calls)
      contractions += call.contractions.size();
    CHECK(contractions == expected.contractions);
  }
}

TEST_CASE("tir reader: networks of the corpus") {
  if (!std::filesystem::exists(corpus() / "nets")) {
    MESSAGE("skipped: there is no " << (corpus() / "nets").string());
    return;
  }
  struct Expected {
    const char *file;
    std::size_t parameters, calls, weightOnly, stages;
    std::int64_t macs;
  };
  constexpr std::int64_t lenet = 416'520;
  constexpr std::int64_t tcresnet = 1'563'264;
  constexpr std::int64_t alexnet = 714'188'480;
  constexpr std::int64_t resnet = 1'814'073'344;
  const Expected table[] = {
      {"lenet5", 11, 23, 5, 28, lenet},
      {"lenet5_annotated", 11, 23, 5, 28, lenet},
      {"lenet5_fused", 11, 14, 5, 28, lenet},
      {"lenet5_fuseops", 11, 23, 5, 28, lenet},
      {"lenet5_fold", 11, 18, 0, 23, lenet},
      {"lenet5_fold_fused", 11, 9, 0, 23, lenet},
      {"lenet5_int8", 11, 37, 0, 39, lenet},
      {"lenet5_int8_fused", 11, 8, 0, 39, lenet},
      {"tc_resnet8", 48, 116, 55, 127, tcresnet},
      {"tc_resnet8_fused", 48, 20, 1, 127, tcresnet},
      {"tc_resnet8_fold", 23, 36, 0, 47, tcresnet},
      {"tc_resnet8_fold_fused", 23, 13, 0, 47, tcresnet},
      {"tc_resnet8_int8", 23, 83, 0, 93, tcresnet},
      {"tc_resnet8_int8_fused", 23, 13, 0, 93, tcresnet},
      {"alexnet", 17, 35, 8, 40, alexnet},
      {"alexnet_fused", 17, 20, 8, 40, alexnet},
      {"alexnet_fold", 17, 27, 0, 32, alexnet},
      {"alexnet_fold_fused", 17, 12, 0, 32, alexnet},
      {"alexnet_int8", 17, 59, 0, 64, alexnet},
      {"alexnet_int8_fused", 17, 12, 0, 64, alexnet},
      {"resnet18", 103, 251, 121, 273, resnet},
      {"resnet18_fused", 103, 42, 1, 273, resnet},
      {"resnet18_fold", 43, 70, 0, 92, resnet},
      {"resnet18_fold_fused", 43, 24, 0, 92, resnet},
      {"resnet18_int8", 43, 157, 0, 178, resnet},
      {"resnet18_int8_fused", 43, 24, 0, 178, resnet},
  };
  for (const Expected &expected : table) {
    CAPTURE(expected.file);
    auto text = readFile(corpus() / "nets" / (std::string(expected.file) + ".tir"));
    REQUIRE(text);
    Result result(*text);
    REQUIRE(result.workload);
    const Workload &workload = *result.workload;
    CHECK(result.diagnostics.diagnostics().empty());
    CHECK(workload.parameters.size() == expected.parameters);
    CHECK(workload.calls.size() == expected.calls);
    CHECK(countFree(workload, FreeReason::WeightOnly) == expected.weightOnly);
    CHECK(stageCount(workload) == expected.stages);
    CHECK(workload.macs() == expected.macs);
    CHECK(workload.knowsInputs);
  }
}

TEST_CASE("tir reader: layers, paddings and strides of ResNet-18") {
  auto text = readFile(corpus() / "nets" / "resnet18.tir");
  if (!text) {
    MESSAGE("skipped: there is no " << (corpus() / "nets" / "resnet18.tir").string());
    return;
  }
  Result result(*text);
  REQUIRE(result.workload);
  std::vector<std::int64_t> macs;
  std::size_t padded = 0;
  std::size_t shortcuts = 0;
  for (const Call &call : result.workload->calls) {
    const Contraction *contraction = call.contraction();
    if (!contraction)
      continue;
    macs.push_back(contraction->macs);
    if (contraction->kind != OperatorKind::Convolution2D)
      continue;
    const Contraction::Operand &input = contraction->operands[0];
    padded += input.padding ? 1 : 0;
    CHECK(input.origin == TensorOrigin::Activation);
    CHECK(contraction->operands[1].origin == TensorOrigin::Weight);
    // Axes n f y x c r s: a 1×1 kernel with stride 2 keeps both in the affine form.
    const Computation &stage = call.computations[contraction->computation];
    REQUIRE(input.affine[2]);
    const AffineIndex &row = *input.affine[2];
    if (stage.axes[5].extent == 1) {
      ++shortcuts;
      CHECK(row.coefficients == AffineIndex::Coefficients{0, 0, 2, 0, 0, 1, 0});
    }
  }
  CHECK(macs.size() == 21);
  CHECK(macs.front() == 118'013'952);
  CHECK(macs.back() == 512'000);
  CHECK(padded == 17);
  CHECK(shortcuts == 3);
  // The first layer is padded by 3, and the pad is gone from its index.
  const Contraction *first = result.workload->calls[0].contraction();
  REQUIRE(first);
  REQUIRE(first->operands[0].padding);
  CHECK(first->operands[0].padding->before == std::vector<std::int64_t>{0, 0, 3, 3});
  CHECK(first->operands[0].affine[2]->constant == -3);
}

TEST_CASE("tir reader: operators of the corpus") {
  if (!std::filesystem::exists(corpus() / "ops")) {
    MESSAGE("skipped: there is no " << (corpus() / "ops").string());
    return;
  }
  struct Expected {
    const char *file;
    OperatorKind kind; ///< of the call with most multiply-accumulates
    std::int64_t macs;
  };
  using enum OperatorKind;
  const Expected table[] = {
      {"conv2d_nchw", Convolution2D, 442'368},
      {"conv2d_nhwc", Convolution2D, 442'368},
      {"conv2d_nhwc_hwio", Convolution2D, 442'368},
      {"conv2d_fp16", Convolution2D, 442'368},
      {"conv2d_bias_relu", Convolution2D, 442'368},
      {"conv2d_bias_relu_fused", Convolution2D, 442'368},
      {"conv2d_symbolic_batch", Convolution2D, 442'368 * 3},
      {"conv2d_nchw_s2_nopad", Convolution2D, 2'880'000},
      {"conv2d_nchw_dilated", Convolution2D, 4'718'592},
      {"conv2d_1x1", Convolution2D, 6'422'528},
      {"conv2d_int8_int32", Convolution2D, 4'718'592},
      {"qconv2d_int8_requant_shift_fused", Convolution2D, 4'718'592},
      {"conv2d_bias_add_relu_residual", Convolution2D, 2'359'296},
      {"depthwise_conv2d_nchw", DepthwiseConvolution, 73'728},
      {"depthwise_conv2d_nhwc", DepthwiseConvolution, 73'728},
      {"group_conv2d_nchw", Convolution2D, 1'179'648},
      {"conv1d_ncw", Convolution1D, 193'920},
      {"conv1d_nwc", Convolution1D, 293'760},
      {"conv3d_ncdhw", Convolution3D, 1'327'104},
      {"conv2d_transpose_nchw", TransposedConvolution2D, 524'288},
      {"matmul", MatMul, 16'777'216},
      {"matmul_symbolic", MatMul, 131'072 * 3},
      {"batch_matmul", BatchMatMul, 8'388'608},
      {"linear_dense_fused", MatMul, 131'072},
      {"qdense_int8", MatMul, 16'384},
      {"attention", BatchMatMul, 2'097'152},
      {"max_pool2d", MaxPool, 0},
      {"max_pool2d_nhwc", MaxPool, 0},
      {"avg_pool2d", AveragePool, 0},
      {"adaptive_avg_pool2d_6x6", AdaptiveAveragePool, 0},
      {"global_avg_pool2d", GlobalAveragePool, 0},
      {"softmax", Softmax, 0},
      {"log_softmax", LogSoftmax, 0},
      {"mean", Reduction, 0},
      {"layer_norm", LayerNorm, 0},
      {"group_norm", GroupNorm, 0},
      {"argmax", ArgMax, 0},
      {"gelu", ElementWise, 0},
      {"clip", ElementWise, 0},
      {"leakyrelu", ElementWise, 0},
      {"transpose", DataMovement, 0},
      {"concat", DataMovement, 0},
      {"split", DataMovement, 0},
      {"take_embedding", DataMovement, 0},
      {"resize2d_nearest", DataMovement, 0},
      {"pad", DataMovement, 0},
      {"reshape", Free, 0},
      {"flatten", Free, 0},
  };
  ReadOptions options;
  options.symbols["n"] = 3;
  for (const Expected &expected : table) {
    CAPTURE(expected.file);
    auto text = readFile(corpus() / "ops" / (std::string(expected.file) + ".tir"));
    REQUIRE(text);
    Result result(*text, text->find("TypeVar") == std::string::npos ? ReadOptions() : options);
    REQUIRE(result.workload);
    CHECK(result.workload->macs() == expected.macs);
    CHECK_FALSE(result.workload->knowsInputs);
    auto main = std::max_element(result.workload->calls.begin(), result.workload->calls.end(),
                                 [](const Call &a, const Call &b) { return a.macs < b.macs; });
    CHECK(main->kind == expected.kind);
  }
  for (const auto &entry : std::filesystem::directory_iterator(corpus() / "ops")) {
    CAPTURE(entry.path().string());
    const std::string text = *readFile(entry.path());
    Result result(text, text.find("TypeVar") == std::string::npos ? ReadOptions() : options);
    CHECK(result.workload);
    CHECK(result.diagnostics.diagnostics().empty());
  }
}

TEST_CASE("tir reader: an index that leaves its buffer") {
  auto inBlock = [](const std::string &axes, const std::string &store) {
    return moduleAround("        for i in range(4):\n"
                        "            with T.sblock(\"b\"):\n"
                        "                " +
                        axes + "\n                " + store + "\n");
  };
  const std::string remap = "v = T.axis.remap(\"S\", [i])";
  struct Case {
    std::string text;
    std::string_view marked; ///< empty: no error
  };
  const std::vector<Case> cases = {
      {inBlock(remap, "y[v] = x[v + 1]"), "x[v + 1]"},
      {inBlock(remap, "y[v] = x[v - 1]"), "x[v - 1]"},
      {inBlock(remap, "y[2 * v] = x[v]"), "y[2 * v]"},
      {inBlock(remap, "y[v] = x[3 - v]"), ""},
      {inBlock(remap, "y[v] = x[(v + 1) % 4]"), ""},
      {inBlock(remap, "y[v] = T.if_then_else(v < 3, x[v + 1], T.float32(0))"), ""},
      {inBlock(remap, "y[v] = x[v + 1] if v < 3 else T.float32(0)"), ""},
      {inBlock(remap, "y[v] = T.Cast(\"float32\", v < 3 and x[v + 1] > T.float32(0))"), ""},
      {inBlock(remap, "y[v] = T.Select(x[v + 4] < T.float32(0), x[v], x[v])"), "x[v + 4]"},
      {inBlock(remap + "\n                T.where(i < 3)", "y[v] = x[v + 1]"), ""},
      // The axis does not take every value of its domain.
      {inBlock("v = T.axis.spatial(8, i)", "y[v] = x[v]"), ""},
      {inBlock("v = T.axis.spatial(4, i // 2)", "y[v] = x[v + 1]"), ""},
      {inBlock("v = T.axis.spatial((1, 5), i + 1)", "y[v - 1] = x[v - 1]"), ""},
      {inBlock("v = T.axis.spatial((1, 5), i + 1)", "y[v - 1] = x[v]"), "x[v]"},
      {inBlock(remap, "y[v] = x[v + (3 - 2 * i)]"), ""},
      {moduleAround("        for i in range(4):\n            for j in range(4 - i):\n"
                    "                y[i + j] = x[i + j]\n"),
       ""},
      {moduleAround("        for i in range(5):\n            y[i] = T.float32(0)\n"), "y[i]"},
      {moduleAround("        for i in range(5):\n            if i < 4:\n"
                    "                y[i] = T.float32(0)\n"),
       ""},
  };
  for (const Case &entry : cases) {
    CAPTURE(entry.text);
    Result result(entry.text);
    const bool isOutside = !entry.marked.empty();
    CHECK(result.reports("E0426") == isOutside);
    if (isOutside) {
      CHECK_FALSE(result.workload);
      CHECK(result.diagnostics.errorCount() == 1);
      CHECK(result.marked() == entry.marked);
    }
  }
}

TEST_CASE("tir reader: an axis remap with a wrong letter or a loop twice") {
  auto text = [](const std::string &remap) {
    return moduleAround("        for m, n, k in T.grid(2, 2, 3):\n"
                        "            with T.sblock(\"b\"):\n"
                        "                v_m, v_n, v_k = T.axis.remap(" +
                        remap + ")\n                y[v_m * 2 + v_n] = x[v_m * 2 + v_n]\n");
  };
  Result letter(text("\"SSX\", [m, n, k]"));
  CHECK(letter.diagnostics.diagnostics().at(0).code == DiagnosticCode::TirBadAxis);
  CHECK(letter.marked() == "\"SSX\"");
  Result twice(text("\"SSR\", [m, n, n]"));
  CHECK(twice.diagnostics.diagnostics().at(0).code == DiagnosticCode::TirBadAxis);
  CHECK(twice.marked() == "n");
  CHECK(Result(text("\"SSR\", [m, n, k]")).diagnostics.errorCount() == 0);
}

TEST_CASE("tir reader: one mistake in an axis remap is one error") {
  const std::string first = "        for m, n, k in T.grid(2, 2, 3):\n"
                            "            with T.sblock(\"b\"):\n"
                            "                v_m, v_n, v_k = ";
  const std::string rest = "\n                with T.init():\n"
                           "                    y[v_m * 2 + v_n] = T.float32(0)\n"
                           "                y[v_m * 2 + v_n] = y[v_m * 2 + v_n] + x[v_m * 2 + "
                           "v_n] * x[v_k]\n";
  const std::pair<const char *, const char *> cases[] = {
      {"T.axis.remap(\"SS\", [m, n, k])", "E0421"},
      {"T.axis.remap(\"SSR\", [m, n])", "E0421"},
      {"T.axis.remap(\"SSRS\", [m, n, k])", "E0421"},
      {"T.axis.remap(\"SSX\", [m, n, k])", "E0421"},
      {"T.axis.remap(\"SSR\", [m, n, n])", "E0421"},
      {"T.axis.remap(\"SSR\", [m, n, 3])", "E0421"},
      {"T.axis.remap(\"SSR\", [m, n, missing])", "E0409"},
      {"T.axis.remap(\"SSR\")", "E0421"},
      {"T.axis.remap(3, [m, n, k])", "E0421"},
  };
  CHECK(Result(moduleAround(first + "T.axis.remap(\"SSR\", [m, n, k])" + rest))
            .diagnostics.errorCount() == 0);
  for (const auto &[remap, id] : cases) {
    CAPTURE(std::string(remap));
    Result result(moduleAround(first + remap + rest));
    CHECK(result.diagnostics.errorCount() == 1);
    CHECK(result.reports(id));
  }
}

TEST_CASE("tir reader: a mistyped axis and a text without functions are said to be that") {
  Result several(moduleAround("        for m, n in T.grid(2, 2):\n"
                              "            with T.sblock(\"b\"):\n"
                              "                v_m, v_n = T.axis.remapp(\"SS\", [m, n])\n"
                              "                y[v_m * 2 + v_n] = x[v_m * 2 + v_n]\n"));
  REQUIRE(several.reports("E0421"));
  CHECK(several.diagnostics.diagnostics()[0].message.find("there is no 'T.axis.remapp'") !=
        std::string::npos);
  // One axis: the letters would be its domain, the loops its binding.
  Result one(moduleAround("        for m in range(4):\n"
                          "            with T.sblock(\"b\"):\n"
                          "                v = T.axis.rempa(\"S\", [m])\n"
                          "                y[v] = x[v]\n"));
  REQUIRE(one.reports("E0421"));
  CHECK(one.diagnostics.errorCount() == 1);
  CHECK(one.diagnostics.diagnostics()[0].message.find("there is no 'T.axis.rempa'") !=
        std::string::npos);
  Result remap(moduleAround("        for m in range(4):\n"
                            "            with T.sblock(\"b\"):\n"
                            "                v = T.axis.remap(\"S\", [m])\n"
                            "                y[v] = x[v] + x[v]\n"));
  CHECK(remap.workload);
  for (const char *text : {"{\"a\": 1}\n", "import tvm\nmod = tvm.lower()\nprint(mod)\n"}) {
    Result none(text);
    REQUIRE(none.reports("E0404"));
    CHECK(none.diagnostics.diagnostics()[0].message.find("nor any function") != std::string::npos);
  }
}

namespace {

/// A block over four elements with \p body in it.
std::string blockAround(const std::string &body) {
  return moduleAround("        for i in range(4):\n"
                      "            with T.sblock(\"b\"):\n"
                      "                v_i = T.axis.spatial(4, i)\n" +
                      body);
}

std::vector<std::string> fixesOf(const Diagnostic &diagnostic) {
  std::vector<std::string> fixes;
  for (const FixIt &fix : diagnostic.fixIts)
    fixes.push_back(fix.replacement);
  return fixes;
}

} // namespace

TEST_CASE("tir reader: an undefined name is reported once, with what was perhaps meant") {
  Result misspelt(blockAround("                y[v_i] = x[v_j] + x[v_j] * xx[v_j]\n"));
  REQUIRE(misspelt.diagnostics.diagnostics().size() == 2);
  CHECK(misspelt.marked() == "v_j");
  CHECK(fixesOf(misspelt.diagnostics.diagnostics()[0]) == std::vector<std::string>{"v_i"});
  CHECK(fixesOf(misspelt.diagnostics.diagnostics()[1]) == std::vector<std::string>{"x"});
  // A statement that stands outside of its block is one mistake, however many names it uses.
  Result outside(moduleAround("        for i, j in T.grid(2, 2):\n"
                              "            with T.sblock(\"b\"):\n"
                              "                v_i, v_j = T.axis.remap(\"SS\", [i, j])\n"
                              "            y[v_i * 2 + v_j] = x[v_i * 2 + v_j]\n"));
  REQUIRE(outside.diagnostics.diagnostics().size() == 1);
  CHECK(outside.marked() == "v_i");
  REQUIRE(outside.diagnostics.diagnostics()[0].notes.size() >= 1);
  CHECK(outside.diagnostics.diagnostics()[0].notes[0].message.starts_with("the block that"));
  // In a function of the graph likewise.
  std::string text = blockAround("                y[v_i] = x[v_i]\n");
  text.replace(text.find("(x,), out_ty"), 4, "(z,)");
  text.replace(text.find("return gv"), 9, "return (z, gv)");
  Result graph(text);
  CHECK(graph.diagnostics.errorCount() == 1);
  CHECK(graph.marked() == "z");
}

TEST_CASE("tir reader: a name of TIR or of the graph that is misspelt is recognised") {
  const std::pair<const char *, const char *> cases[] = {
      {"                y[v_i] = T.maxx(x[v_i], T.float32(0))\n",
       "'T.maxx' (did you mean 'T.max'?)"},
      {"                T.wirtes(y[v_i])\n                y[v_i] = x[v_i]\n",
       "'T.wirtes' (did you mean 'T.writes'?)"},
      {"                a, b = T.axs.remap(\"SS\", [i, i])\n                y[a] = x[b]\n",
       "'T.axs.remap' (did you mean 'T.axis.remap'?)"},
      {"                y[v_i] = T.unheard_of(x[v_i])\n", "'T.unheard_of' is"},
  };
  for (const auto &[body, message] : cases) {
    CAPTURE(std::string(body));
    Result result(blockAround(body));
    REQUIRE(result.diagnostics.diagnostics().size() == 1);
    CHECK(result.diagnostics.diagnostics()[0].message.starts_with(message));
  }
  Result loop(moduleAround("        for i, j in T.gird(2, 2):\n            y[i * 2 + j] = x[0]\n"));
  REQUIRE(loop.diagnostics.diagnostics().size() == 1);
  CHECK(loop.diagnostics.diagnostics()[0].message.starts_with("'T.gird' (did you mean 'T.grid'?)"));
  Result grid(moduleAround("        for i, j in T.grid(2, 2, 2):\n            y[i] = x[j]\n"));
  REQUIRE(grid.diagnostics.diagnostics().size() == 1);
  CHECK(grid.diagnostics.diagnostics()[0].message.starts_with("a grid of 3 extents for 2 loops"));
  std::string text = blockAround("                y[v_i] = x[v_i]\n");
  text.replace(text.find("R.call_tir"), 10, "R.calltir");
  Result graph(text);
  REQUIRE(graph.reports("E0415"));
  CHECK(fixesOf(graph.diagnostics.diagnostics()[0]) == std::vector<std::string>{"R.call_tir"});
}

TEST_CASE("tir reader: a function whose decorator is misspelt is no reason to read another") {
  std::string text = blockAround("                y[v_i] = x[v_i]\n");
  text.replace(text.find("@R.function"), 11, "@R.functon");
  Result result(text);
  CHECK_FALSE(result.workload);
  REQUIRE(result.reports("E0404"));
  CHECK(result.marked() == "R.functon");
  CHECK(fixesOf(result.diagnostics.diagnostics()[0]) == std::vector<std::string>{"R.function"});
}

TEST_CASE("tir reader: calls of a function that is defined twice are not looked at") {
  std::string text = blockAround("                y[v_i] = x[v_i]\n");
  const std::string again = "    @T.prim_func(private=True)\n"
                            "    def f(x: T.Buffer((5,), \"float32\")):\n"
                            "        T.evaluate(0)\n\n";
  text.insert(text.find("    @T.prim_func"), again);
  Result result(text);
  CHECK(result.reports("E0422"));
  CHECK(result.diagnostics.errorCount() == 1);
}

TEST_CASE("tir reader: a division by zero is an error, unless it may never be made") {
  for (const char *index :
       {"v_i // 0", "v_i % 0", "T.floordiv(v_i, 0)", "T.floormod(v_i, T.int64(0))",
        "T.truncdiv(v_i, 0)", "v_i // (2 - 2)"}) {
    CAPTURE(std::string(index));
    Result result(blockAround("                y[v_i] = x[" + std::string(index) + "]\n"));
    CHECK(result.reports("E0429"));
    CHECK(result.diagnostics.errorCount() == 1);
    CHECK(result.marked() == index);
  }
  CHECK_FALSE(Result(blockAround("                y[v_i] = T.if_then_else(v_i < 0, x[v_i // 0], "
                                 "x[v_i])\n"))
                  .reports("E0429"));
  CHECK_FALSE(Result(blockAround("                y[v_i] = x[v_i // 2]\n")).reports("E0429"));
}

TEST_CASE("tir reader: what a reduction starts has no dimension that is reduced") {
  const auto text = [](const std::string &kinds, const std::string &extent) {
    return moduleAround("        for m, k in T.grid(" + extent +
                        ", 4):\n"
                        "            with T.sblock(\"b\"):\n"
                        "                v_m, v_k = T.axis.remap(\"" +
                        kinds +
                        "\", [m, k])\n"
                        "                with T.init():\n"
                        "                    y[v_m] = T.float32(0)\n"
                        "                y[v_m] = y[v_m] + x[v_k]\n");
  };
  CHECK(Result(text("SR", "4")).workload);
  Result reduced(text("RR", "4"));
  CHECK(reduced.reports("E0421"));
  CHECK(reduced.diagnostics.errorCount() == 1);
  CHECK(reduced.marked() == "y[v_m]");
}

TEST_CASE("tir reader: an extent below 1 is said, and its expression is not complained of twice") {
  Result negative(moduleAround("        for i in T.grid(-3):\n            y[0] = x[0]\n"));
  REQUIRE(negative.reports("E0413"));
  CHECK(negative.diagnostics.diagnostics()[0].message.find("not -3") != std::string::npos);
  Result unknown(moduleAround("        for i in T.grid(a().b):\n            y[0] = x[0]\n"));
  CHECK(unknown.reports("E0410"));
  CHECK(unknown.diagnostics.errorCount() == 1);
}

TEST_CASE("tir reader: characters that look like others are named, and read as what was meant") {
  struct Case {
    std::string from, to, message;
    std::vector<std::string> fixes;
  };
  const std::string body = "        for i in range(4):\n"
                           "            with T.sblock(\"b\"):\n"
                           "                v = T.axis.spatial(4, i)\n"
                           "                y[v] = x[v] - T.float32(1)\n";
  const std::vector<Case> cases = {
      {" x[v]", "\u00A0x[v]", "no-break space (U+00A0) instead of a plain space", {" "}},
      {"in range", "in\u3000range", "ideographic space (U+3000) instead of a plain space", {" "}},
      {"x[v]", "x\u200B[v]", "zero width space (U+200B), which cannot be seen", {""}},
      {" - ", " \u2212 ", "minus sign (U+2212) instead of -", {"-"}},
      {"(4, i)", "\uFF084, i)", "fullwidth left parenthesis (U+FF08) instead of (", {"("}},
      {"\"b\"", "\u201Cb\u201D", "left double quotation mark (U+201C) instead of \"", {"\"", "\""}},
      {"\"b\"", "\u2018b'", "left single quotation mark (U+2018) instead of '", {"'"}},
      {"\"b\"", "\u201Cb", "left double quotation mark (U+201C) instead of \"", {"\""}},
      {"                v =",
       "               \u00A0v =",
       "no-break space (U+00A0) instead of a plain space",
       {" "}},
  };
  for (const Case &entry : cases) {
    CAPTURE(entry.to);
    std::string text = body;
    text.replace(text.find(entry.from), entry.from.size(), entry.to);
    Result result(moduleAround(text));
    REQUIRE(result.diagnostics.errorCount() == 1);
    const Diagnostic &first = result.diagnostics.diagnostics().at(0);
    CHECK(first.code == DiagnosticCode::TirBadToken);
    CHECK(first.message == entry.message);
    std::vector<std::string> fixes;
    for (const FixIt &fix : first.fixIts)
      fixes.push_back(fix.replacement);
    CHECK(fixes == entry.fixes);
  }
  // Letters of other scripts are names; in comments and strings all is allowed.
  CHECK(Result(moduleAround("        # \u00A0 \u201C\n        for \u00E9\u4E2D in range(4):\n"
                            "            y[\u00E9\u4E2D] = x[\u00E9\u4E2D]\n"))
            .diagnostics.errorCount() == 0);
}

TEST_CASE("tir reader: a file that is no text is one error") {
  using namespace std::string_literals;
  const std::pair<std::string, std::string_view> cases[] = {
      {"\xFF\xFE@\0I\0"s, "wrong encoding: UTF-16; save the file as UTF-8"},
      {"\xFE\xFF\0@\0I"s, "wrong encoding: UTF-16; save the file as UTF-8"},
      {"\xFF\xFE\0\0@\0\0\0"s, "wrong encoding: UTF-32; save the file as UTF-8"},
      {"@\0I\0"s, "not a text file: byte 0x00 at offset 1 is a control character"},
      {"# \xE9t\n"s, "not a text file: byte 0xE9 at offset 2 is not UTF-8"},
      {"# \xED\xA0\x80\n"s, "not a text file: byte 0xED at offset 2 is not UTF-8"},
      {"# \xC3"s, "not a text file: byte 0xC3 at offset 2 is not UTF-8"},
  };
  for (const auto &[text, message] : cases) {
    Result result(text);
    CHECK_FALSE(result.workload);
    REQUIRE(result.diagnostics.errorCount() == 1);
    CHECK(result.reports("E0402"));
    CHECK(result.diagnostics.diagnostics().at(0).message == message);
  }
  // A byte-order mark and characters of other scripts are text.
  CHECK(Result("\xEF\xBB\xBF# \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\n" +
               moduleAround("        for i in range(4):\n            y[i] = x[i]\n"))
            .workload);
}

TEST_CASE("tir reader: an extent beyond 64 bits is too large") {
  const std::string huge = "9223372036854775808";
  const std::string body = "        for i in range(4):\n            y[i] = x[i]\n";
  std::string buffer = moduleAround(body);
  buffer.replace(buffer.find("(4,)"), 4, "(" + huge + ",)");
  std::string tensor = moduleAround(body);
  tensor.replace(tensor.find("R.Tensor((4,)"), 13, "R.Tensor((" + huge + ",)");
  for (const std::string &text :
       {moduleAround("        for i in range(" + huge + "):\n            y[0] = x[0]\n"),
        moduleAround("        for i in T.grid(T.int64(" + huge + ")):\n            y[0] = x[0]\n"),
        buffer, tensor}) {
    CAPTURE(text);
    Result result(text);
    CHECK(result.diagnostics.errorCount() == 1);
    CHECK(result.reports("E0414"));
  }
}

TEST_CASE("tir reader: networks before legalisation") {
  if (!std::filesystem::exists(corpus() / "nets")) {
    MESSAGE("skipped: there is no " << (corpus() / "nets").string());
    return;
  }
  struct Expected {
    const char *file;
    std::size_t parameters, calls, weightOnly;
    std::int64_t macs;
  };
  for (const Expected &expected : {Expected{"lenet5_relax", 11, 23, 5, 416'520},
                                   Expected{"tc_resnet8_relax", 48, 35, 1, 1'563'264},
                                   Expected{"alexnet_relax", 17, 35, 8, 714'188'480},
                                   Expected{"resnet18_relax", 103, 71, 1, 1'814'073'344}}) {
    CAPTURE(expected.file);
    auto text = readFile(corpus() / "nets" / (std::string(expected.file) + ".tir"));
    REQUIRE(text);
    Result result(*text);
    REQUIRE(result.workload);
    CHECK(result.diagnostics.diagnostics().empty());
    CHECK(result.workload->parameters.size() == expected.parameters);
    CHECK(result.workload->calls.size() == expected.calls);
    CHECK(countFree(*result.workload, FreeReason::WeightOnly) == expected.weightOnly);
    CHECK(result.workload->macs() == expected.macs);
  }
}

} // namespace acadlc::tir
