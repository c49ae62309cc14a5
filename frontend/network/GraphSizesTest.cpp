#include "frontend/network/NetworkReader.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

// Sizes and numbers of the graph in the forms in which TVM prints them.

namespace acadlc::tir {

namespace {

using namespace workload;

using Extents = std::vector<std::int64_t>;

struct Outcome {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  std::optional<Workload> workload;

  explicit Outcome(std::string text,
                   const std::map<std::string, std::int64_t, std::less<>> &sizes) {
    const FileId file = sources.addText("test.tir", std::move(text));
    ReadOptions options;
    options.symbols = sizes;
    workload = readWorkload(sources, file, options, diagnostics);
  }
  [[nodiscard]] std::string messages() const {
    return renderDiagnostics(diagnostics.diagnostics(), sources, {});
  }
  /// The only error and the start of its message; else what else there is.
  [[nodiscard]] std::string onlyError() const {
    const auto &all = diagnostics.diagnostics();
    return all.size() == 1 ? std::string(diagnosticInfo(all[0].code).id) + " " + all[0].message
                           : messages();
  }
  [[nodiscard]] const Extents &resultShape() const {
    return workload->tensors.at(workload->results.at(0).index).shape;
  }
};

std::string indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0)
      out += "    " + std::string(text.substr(0, end));
    out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// A module whose entry has this body; \p functions stand before it.
std::string module(std::string_view body, const std::string &parameters,
                   std::string_view functions = "") {
  return "@I.ir_module\nclass Module:\n" + indented(functions) + "    @R.function\n    def main(" +
         parameters + "):\n" + indented(indented(body));
}

struct Case {
  const char *name;
  std::string text;
  Extents result; ///< with n = 3
};

/// Each text has the result that it says, and without a value for n one error that asks for it.
void check(const std::vector<Case> &cases) {
  for (const Case &entry : cases) {
    CAPTURE(entry.name);
    const Outcome outcome(entry.text, {{"n", 3}});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.diagnostics().empty());
    CHECK(outcome.resultShape() == entry.result);
    const Outcome unknown(entry.text, {});
    CHECK_FALSE(unknown.workload);
    CHECK(unknown.onlyError().starts_with("E0412 the symbolic size 'n' has no value"));
  }
}

/// Takes no symbolic sizes itself, so that what the body does with them decides.
constexpr const char *plain = "x: R.Tensor((3, 8), dtype=\"float32\")";
constexpr const char *symbolic = "x: R.Tensor((\"n\", 8), dtype=\"float32\")";

} // namespace

//===--- Shapes -------------------------------------------------------------------------------===//

TEST_CASE("graph sizes: no dimension of a shape is lost") {
  check({
      {"a product",
       module("n = T.int64()\nreturn R.zeros(R.shape([n, n * 2]), dtype=\"float32\")\n", plain),
       {3, 6}},
      {"a quotient",
       module("n = T.int64()\nreturn R.reshape(x, R.shape([n, n * 8 // n]))\n", symbolic),
       {3, 8}},
      {"a sum",
       module("n = T.int64()\nreturn R.broadcast_to(x, R.shape([n - 1, n, 8]))\n", plain),
       {2, 3, 8}},
      {"a list without R.shape",
       module("n = T.int64()\nreturn R.reshape(x, (n * 2, 4))\n", plain),
       {6, 4}},
      {"a shape with a name",
       module("n = T.int64()\nk: R.Shape([n * 8]) = R.shape([n * 8])\nreturn R.reshape(x, k)\n",
              plain),
       {24}},
      {"an input",
       module("n = T.int64()\nreturn R.reshape(x, k)\n",
              std::string(plain) + ", k: R.Shape([\"n\", 2, 4])"),
       {3, 2, 4}},
      {"a number with a name",
       module("n = T.int64()\nm = R.prim_value(n * 8)\nreturn R.reshape(x, R.shape([m]))\n", plain),
       {24}},
      {"several declarations",
       module("n, m = T.int64(), T.int64(is_size_var=True)\nreturn R.reshape(x, (n, -1))\n", plain),
       {3, 8}},
      {"a declaration of a variable of sizes",
       module("n = T.int64(is_size_var=True)\nreturn R.reshape(x, (n, -1))\n", plain),
       {3, 8}},
  });
}

TEST_CASE("graph sizes: arithmetic that Python has no sign for") {
  check({
      {"min",
       module("n = T.int64()\nreturn R.zeros(R.shape([T.min(n, 2), n]), \"float32\")\n", plain),
       {2, 3}},
      {"max",
       module("n = T.int64()\nreturn R.zeros(R.shape([T.max(n, T.int64(4))]), \"float32\")\n",
              plain),
       {4}},
      {"floordiv and floormod",
       module(
           "n = T.int64()\nreturn R.zeros(R.shape([T.floordiv(n + 1, 2), 1 + T.floormod(n, 2)]), "
           "\"float32\")\n",
           plain),
       {2, 2}},
      {"truncdiv and ceildiv",
       module("n = T.int64()\nreturn R.zeros(R.shape([T.truncdiv(n, 2), T.ceildiv(n, 2)]), "
              "\"float32\")\n",
              plain),
       {1, 2}},
      {"casts",
       module("n = T.int64()\nreturn R.zeros(R.shape([T.Cast(\"int64\", n), T.int64(n)]), "
              "\"float32\")\n",
              plain),
       {3, 3}},
      {"in a type",
       module("n = T.int64()\n"
              "y: R.Tensor((T.floordiv(n + T.int64(1), 2), 8), dtype=\"float32\") = "
              "R.strided_slice(x, axes=[0], begin=[0], end=[n], strides=[2])\nreturn y\n",
              symbolic),
       {2, 8}},
      {"in a type that is a string",
       module("n = T.int64()\nreturn R.nn.relu(y)\n",
              "y: R.Tensor((\"T.max(n, 4)\", 8), dtype=\"float32\")"),
       {4, 8}},
  });
}

TEST_CASE("graph sizes: numbers made of sizes") {
  check({
      {"a slice",
       module(
           "n = T.int64()\nreturn R.strided_slice(x, (R.prim_value(0),), (R.prim_value(n - 1),), "
           "(R.prim_value(n),), assume_inbound=False)\n",
           plain),
       {1, 8}},
      {"a range",
       module("n = T.int64()\nreturn R.arange(R.prim_value(0), R.prim_value(n), R.prim_value(1), "
              "dtype=\"int64\")\n",
              plain),
       {3}},
      {"a number that is an input",
       module("return R.arange(R.prim_value(0), n, R.prim_value(1), dtype=\"int64\")\n",
              std::string(plain) + ", n: R.Prim(\"int64\")"),
       {3}},
      {"a size that an input tells",
       module("n = T.int64()\nreturn R.zeros(R.shape([n]), dtype=\"int64\")\n",
              std::string(plain) + ", q: R.Prim(value=\"n\")"),
       {3}},
  });
}

TEST_CASE("graph sizes: a shape given to a function has all its dimensions there") {
  const Outcome outcome(module("n = T.int64()\n"
                               "return Module.sub(x, R.shape([n * 2, 4]), R.prim_value(n + 1))\n",
                               plain, R"(
@R.function(private=True)
def sub(x: R.Tensor((3, 8), dtype="float32"), s: R.Shape(["q", "p"]), t: R.Prim(value="o")) -> R.Tensor(("q", "o"), dtype="float32"):
    q = T.int64()
    o = T.int64()
    lv: R.Tensor((q, o), dtype="float32") = R.zeros(R.shape([q, o]), dtype="float32")
    return lv
)"),
                        {{"n", 3}});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.resultShape() == Extents{6, 4});
}

TEST_CASE("graph sizes: a dimension without a value does not hide the others") {
  const Outcome outcome(module("n = T.int64()\nreturn Module.sub(x, R.shape([n, 4]))\n", plain, R"(
@R.function(private=True)
def sub(x: R.Tensor((3, 8), dtype="float32"), s: R.Shape(["q", "p"])):
    p = T.int64()
    lv = R.zeros(R.shape([p]), dtype="float32")
    return lv
)"),
                        {});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.resultShape() == Extents{4});
  // What a function is told depends on the size of its caller; that is the one to set.
  const Outcome unknown(
      module("n = T.int64()\nreturn Module.sub(x, R.shape([n * 2]))\n", symbolic, R"(
@R.function(private=True)
def sub(x: R.Tensor(("k", 8), dtype="float32"), s: R.Shape(["q"])):
    q = T.int64()
    lv: R.Tensor((q, 8), dtype="float32") = R.zeros(R.shape([q, 8]), dtype="float32")
    return lv
)"),
      {});
  CHECK(unknown.onlyError().starts_with("E0412 the symbolic size 'n'"));
}

TEST_CASE("graph sizes: what is no size is one error") {
  const std::string list = module("return R.reshape(x, R.shape([3, 0.5]))\n", plain);
  CHECK(Outcome(list, {}).onlyError().starts_with("E0425"));
  const std::string division =
      module("n = T.int64()\nreturn R.zeros(R.shape([8 // n]), \"float32\")\n", plain);
  CHECK(Outcome(division, {{"n", 0}}).onlyError().starts_with("E0425 the size '8 // n'"));
  const std::string call =
      module("n = T.int64()\nreturn R.zeros((T.sqrt(n), 2), \"float32\")\n", plain);
  CHECK(Outcome(call, {{"n", 4}}).onlyError().starts_with("E0425"));
}

TEST_CASE("graph sizes: what needs no value is given none") {
  const Outcome outcome(module("n = T.int64()\n"
                               "y = R.call_pure_packed(\"f\", x, R.shape([n, 4]), R.prim_value(n), "
                               "sinfo_args=(R.Tensor((3, 8), dtype=\"float32\"),))\nreturn y\n",
                               std::string(plain) + ", s: R.Shape([\"n\"]), m: R.Prim(\"int64\")"),
                        {});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->calls.size() == 1);
}

TEST_CASE(
    "graph sizes: a cast tells the shape of what a function that is not in the text returns") {
  const std::string call = "n = T.int64()\ny: R.Tensor(dtype=\"float32\", ndim=2) = "
                           "R.call_pure_packed(\"f\", x, "
                           "sinfo_args=(R.Tensor(dtype=\"float32\", ndim=2),))\n";
  check({{"a cast",
          module(call + "z = R.match_cast(y, R.Tensor((n, 4), dtype=\"float32\"))\n"
                        "return R.add(z, z)\n",
                 plain),
          {3, 4}}});
  const Outcome without(module(call + "return R.add(y, y)\n", plain), {});
  CHECK(without.onlyError().starts_with("E0425 a result without a shape (a 'R.match_cast' of it"));
}

//===--- Functions of TIR ---------------------------------------------------------------------===//

TEST_CASE("graph sizes: sizes that a function of TIR is told") {
  const std::string text =
      module("n = T.int64()\n"
             "return R.call_tir(Module.fill, R.tuple(), out_sinfo=R.Tensor((8,), "
             "dtype=\"float32\"), tir_vars=R.shape([n + 1]))\n",
             plain, R"(
@T.prim_func(private=True)
def fill(o: T.Buffer((T.int64(8),), "float32"), count: T.int64):
    for i, j in T.grid(T.int64(8), count):
        with T.block("b"):
            v, w = T.axis.remap("SR", [i, j])
            with T.init():
                o[v] = T.float32(0)
            o[v] = o[v] + T.Cast("float32", v + w)
)");
  const Outcome outcome(text, {{"n", 3}});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->calls.at(0).computations.at(0).points == 8 * 4);
  // The size is called differently in the function, and may be given there as well.
  CHECK(Outcome(text, {}).onlyError().starts_with("E0412 the symbolic size 'count'"));
  const Outcome direct(text, {{"count", 5}});
  CAPTURE(direct.messages());
  REQUIRE(direct.workload);
  CHECK(direct.workload->calls.at(0).computations.at(0).points == 8 * 5);
}

TEST_CASE("graph sizes: a size that a function of TIR is told behind the buffers that have it") {
  const Outcome outcome(module("n = T.int64()\n"
                               "return R.call_tir(Module.twice, (R.zeros(R.shape([n * 2]), "
                               "\"float32\"), n), out_ty=R.Tensor((n * 2,), dtype=\"float32\"))\n",
                               plain, R"(
@T.prim_func(private=True)
def twice(x: T.Buffer((m * T.int64(2),), "float32"), m: T.int64, y: T.Buffer((m * T.int64(2),), "float32")):
    for i in range(m * T.int64(2)):
        with T.block("b"):
            v = T.axis.spatial(m * T.int64(2), i)
            y[v] = T.exp(x[v])
)"),
                        {{"n", 3}});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->calls.back().computations.at(0).points == 6);
}

TEST_CASE("graph sizes: sizes that a function of TIR declares together") {
  for (const char *declaration :
       {"m, n = T.int64(), T.int64()",
        "m, n = T.int64(is_size_var=True), T.int64(is_size_var=True)",
        "m = T.int64(is_size_var=True)\n    n = T.int64(is_size_var=True)"}) {
    CAPTURE(declaration);
    const Outcome outcome(
        module("return R.call_tir(Module.f, (x,), out_sinfo=R.Tensor((3, 8), dtype=\"float32\"))\n",
               plain,
               "@T.prim_func(private=True)\ndef f(a: T.handle, b: T.handle):\n    " +
                   std::string(declaration) +
                   "\n    A = T.match_buffer(a, (m, n))\n    B = T.match_buffer(b, (m, n))\n"
                   "    for i, j in T.grid(m, n):\n        B[i, j] = A[i, j] + T.float32(1)\n"),
        {});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.workload->calls.at(0).computations.at(0).points == 3 * 8);
  }
}

TEST_CASE("graph sizes: numbers with a point need no value") {
  const char *scale = R"(
@T.prim_func(private=True)
def scale(A: T.Buffer((3, 8), "float32"), s: T.float32, B: T.Buffer((3, 8), "float32")):
    for i, j in T.grid(3, 8):
        with T.block("b"):
            v_i, v_j = T.axis.remap("SS", [i, j])
            B[v_i, v_j] = A[v_i, v_j] * s
)";
  const std::string call = ", out_sinfo=R.Tensor((3, 8), dtype=\"float32\"))\n";
  const std::vector<std::string> texts = {
      module("return R.call_tir(Module.scale, (x, R.prim_value(T.float32(0.5)))" + call, plain,
             scale),
      module("return R.call_tir(Module.scale, (x, s)" + call,
             std::string(plain) + ", s: R.Prim(\"float32\")", scale),
      scale,
  };
  for (const std::string &text : texts) {
    CAPTURE(text);
    const Outcome outcome(text, {});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    const Call &only = outcome.workload->calls.at(0);
    CHECK(outcome.diagnostics.diagnostics().empty());
    CHECK(only.kind == OperatorKind::ElementWise);
    CHECK(only.computations.at(0).opaqueReason.empty());
    CHECK(only.bytesRead == 3 * 8 * 4);
  }
}

TEST_CASE("graph sizes: whole numbers that a function is given have a value or one error") {
  const std::string text = module("return R.call_tir(Module.part, (x, first), "
                                  "out_sinfo=R.Tensor((2, 8), dtype=\"float32\"))\n",
                                  std::string(plain) + ", first: R.Prim(\"int64\")", R"(
@T.prim_func(private=True)
def part(A: T.Buffer((3, 8), "float32"), begin: T.int64, B: T.Buffer((2, 8), "float32")):
    for i, j in T.grid(2, 8):
        with T.block("b"):
            v_i, v_j = T.axis.remap("SS", [i, j])
            B[v_i, v_j] = A[v_i + begin, v_j]
)");
  CHECK(Outcome(text, {}).onlyError().starts_with("E0412 the symbolic size 'begin'"));
  for (const char *name : {"first", "begin"}) {
    const Outcome outcome(text, {{name, 1}});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.workload->calls.at(0).bytesRead == 2 * 8 * 4);
    CHECK(Outcome(text, {{name, 2}}).onlyError().starts_with("E0426"));
  }
}

//===--- Constants ----------------------------------------------------------------------------===//

TEST_CASE("graph sizes: a constant has the type that its binding says") {
  const Outcome outcome(
      module("c: R.Tensor((3, 8), dtype=\"float32\") = metadata[\"relax.expr.Constant\"][0]\n"
             "return R.add(x, c)\n",
             plain),
      {});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->calls.at(0).bytesRead == 2 * 3 * 8 * 4);
  const Outcome untyped(module("return R.add(x, metadata[\"relax.expr.Constant\"][0])\n", plain),
                        {});
  CHECK(untyped.onlyError().find("run LegalizeOps before printing") != std::string::npos);
}

//===--- Entries, devices, functions ----------------------------------------------------------===//

TEST_CASE("graph forms: a text of several functions says how one is chosen") {
  const std::string two =
      "@T.prim_func\ndef f(A: T.Buffer((4,), \"float32\")):\n    A[0] = T.float32(0)\n"
      "@T.prim_func\ndef g(A: T.Buffer((4,), \"float32\")):\n    A[0] = T.float32(0)\n";
  CHECK(Outcome(two, {}).onlyError() ==
        "E0404 no entry function among the functions of TIR 'f', 'g'; choose one with --entry");
  const std::string graphs = "@R.function\ndef f(x: R.Tensor((4,), \"float32\")):\n    return x\n"
                             "@R.function\ndef g(x: R.Tensor((4,), \"float32\")):\n    return x\n";
  CHECK(Outcome(graphs, {}).onlyError() ==
        "E0405 several functions could be the entry: 'f', 'g'; choose one with --entry");
}

TEST_CASE("graph forms: the lines that import a dialect name it") {
  const std::string body = R"(
@MM.ir_module
class Module:
    @TT.prim_func(private=True)
    def f(A: TT.Buffer((TT.int64(4), TT.int64(8)), "float32"), B: TT.Buffer((TT.int64(4), TT.int64(8)), "float32")):
        for i, j in TT.grid(TT.int64(4), TT.int64(8)):
            with TT.sblock("B"):
                vi, vj = TT.axis.remap("SS", [i, j])
                TT.reads(A[vi, vj])
                TT.writes(B[vi, vj])
                B[vi, vj] = A[vi, vj] + TT.float32(1)
    @RR.function
    def main(x: RR.Tensor(("TT.int64(2) * n", 8), dtype="float32")) -> RR.Tensor((4, 8), dtype="float32"):
        with RR.dataflow():
            y = RR.call_tir(MM.GlobalVar("f"), (x,), out_ty=RR.Tensor((4, 8), dtype="float32"))
            z: RR.Tensor((4, 8), dtype="float32") = RR.nn.relu(y)
            RR.output(z)
        return z
)";
  const std::vector<const char *> imports = {
      "# from tvm.script import ir as MM\n# from tvm.script import tir as TT\n"
      "# from tvm.script import relax as RR\n",
      "# from typing import TypeVar\n# from tvm.script import ir as MM\n"
      "# from tvm.script import tirx as TT\n# from tvm.tirx.layout import Axis\n"
      "# from tvm.script import relax as RR\n",
      "from tvm.script import ir as MM, tir as TT, relax as RR\n",
      "from tvm.script.parser import (\n    ir as MM,\n    tir as TT,  # loops\n    relax as "
      "RR,\n)\n",
      "import tvm.script.relax as RR, tvm.script.tirx as TT\nimport tvm.script.ir as MM; import "
      "os\n",
      "metadata = tvm.ir.load_json(\"\"\"{}\"\"\")\n# from tvm.script import ir as MM\n\n"
      "#from tvm.script import tir as TT\r\n\t# from tvm.script import relax as RR\n",
  };
  for (const char *lines : imports) {
    CAPTURE(lines);
    const Outcome outcome(lines + body, {{"n", 2}});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.diagnostics().empty());
    CHECK(outcome.workload->calls.size() == 2);
    CHECK(outcome.workload->calls[0].computations.at(0).points == 32);
  }
}

TEST_CASE("graph forms: functions with blocks in a dialect of their own") {
  // As TVM prints it since blocks are `Ts`, alone and with sizes declared in each of its ways.
  const auto text = [](std::string_view declared, std::string_view generic) {
    return "from __future__ import annotations\n\n"
           "# from tvm.script import ir as I\n"
           "# from tvm.script import tirx as T\n"
           "# from tvm.tirx.layout import Axis\n"
           "# from tvm.script import s_tir as Ts\n"
           "# from tvm.script import relax as R\n\n" +
           std::string(declared) + "@I.ir_module\nclass Module:\n" +
           "    @Ts.prim_func(private=True)\n"
           "    def matmul" +
           std::string(generic) +
           R"((A: T.Buffer((n, T.int64(64)), "float32"), B: T.Buffer((T.int64(64), T.int64(32)), "float32"), C: T.Buffer((n, T.int64(32)), "float32")):
        T.func_attr({"tirx.noalias": True})
        # with Ts.sblock("root"):
        A_local = Ts.sblock_alloc_buffer((n, T.int64(64)), scope="local")
        for i, k in T.grid(n, T.int64(64)):
            with Ts.sblock("A_local"):
                v_i, v_k = Ts.axis.remap("SS", [i, k])
                Ts.where(v_i < n)
                Ts.reads(A[v_i, v_k])
                Ts.writes(A_local[v_i, v_k])
                Ts.sblock_attr({"hint": 1})
                A_local[v_i, v_k] = T.exp(A[v_i, v_k])
        for i, j, k in T.grid(n, T.int64(32), T.int64(64)):
            with Ts.sblock("matmul"):
                v_i = Ts.axis.spatial(n, i)
                v_j, v_k = Ts.axis.remap("SR", [j, k])
                Ts.reads(A_local[v_i, v_k], B[v_k, v_j])
                Ts.writes(C[v_i, v_j])
                with Ts.init():
                    C[v_i, v_j] = T.float32(0.0)
                C[v_i, v_j] = C[v_i, v_j] + A_local[v_i, v_k] * B[v_k, v_j]

    @R.function
    def main)" +
           std::string(generic) +
           R"((x: R.Tensor((n, 64), dtype="float32"), w: R.Tensor((64, 32), dtype="float32")) -> R.Tensor((n, 32), dtype="float32"):
        cls = Module
        with R.dataflow():
            gv = R.call_tir(cls.matmul, (x, w), out_ty=R.Tensor((n, 32), dtype="float32"))
            R.output(gv)
        return gv
)";
  };
  const std::vector<std::pair<const char *, const char *>> forms = {
      {"", "[n]"},
      {"", "[n: int,]"},
      {"", "[n: T.int64, m]"},
      {"n = I.dynamic(\"n\", dtype=\"int64\")\n\n", ""},
      {"n = T.dynamic(\"n\")\n", ""},
      {"n = Ts.dynamic(\"n\", \"int64\")\n", ""},
  };
  for (const auto &[declared, generic] : forms) {
    CAPTURE(declared);
    CAPTURE(generic);
    const Outcome outcome(text(declared, generic), {{"n", 5}});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.diagnostics().empty());
    const workload::Call &call = outcome.workload->calls.at(0);
    CHECK(call.macs == 5 * 32 * 64);
    CHECK(call.computations.size() == 2);
    const Outcome open(text(declared, generic), {});
    CHECK_FALSE(open.workload);
    CHECK(open.messages().find("'n'") != std::string::npos);
  }
}

TEST_CASE("graph forms: an import may give a usual name to another dialect") {
  const Outcome outcome(
      "# from tvm.script import relax as T, tir as I, ir as R\n"
      "@R.ir_module\nclass Module:\n"
      "    @I.prim_func(private=True)\n"
      "    def f(A: I.Buffer((4, 8), \"float32\"), B: I.Buffer((4, 8), \"float32\")):\n"
      "        for i, j in I.grid(4, 8):\n"
      "            B[i, j] = I.exp(A[i, j])\n"
      "    @T.function\n"
      "    def main(x: T.Tensor((4, 8), dtype=\"float32\")):\n"
      "        y = T.call_tir(Module.f, (x,), out_ty=T.Tensor((4, 8), \"float32\"))\n"
      "        return T.nn.relu(y)\n",
      {});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.diagnostics.diagnostics().empty());
  CHECK(outcome.workload->calls.size() == 2);
}

TEST_CASE("graph forms: what is no import names nothing") {
  for (const char *line : {"# from tvm.script import\n", "# from other.script import relax as RX\n",
                           "# from tvm.script as relax\n", "# import tvm.script.relax as\n",
                           "# import relax as RX\n", "# from\n", "#\n"}) {
    CAPTURE(line);
    const Outcome outcome(
        std::string(line) +
            "@RX.function\ndef main(x: RX.Tensor((4,), \"float32\")):\n    return x\n",
        {});
    CHECK(outcome.onlyError().starts_with(
        "E0404 no entry function: the prefix of 'RX.function' is not known"));
  }
}

TEST_CASE("graph forms: another prefix is named") {
  const Outcome outcome(
      "@TT.prim_func\ndef f(A: TT.Buffer((4,), \"float32\")):\n    A[0] = TT.float32(0)\n"
      "@RX.function\ndef main(x: RX.Tensor((4,), \"float32\")):\n    return x\n",
      {});
  CHECK(outcome.onlyError().starts_with(
      "E0404 no entry function: the prefix of 'TT.prim_func' is not known"));
}

TEST_CASE("graph forms: what is said of devices costs nothing") {
  const Outcome outcome(
      module("y = R.to_vdevice(x, dst_vdevice=I.vdevice({\"kind\": \"cuda\"}, 0, \"global\"))\n"
             "return R.nn.relu(y)\n",
             plain),
      {});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.workload->calls.size() == 1);
}

TEST_CASE("graph forms: one error names what can't be read") {
  const std::vector<std::pair<const char *, const char *>> cases = {
      {"y = R.dist.call_tir(Module.add, (x,), out_sinfo=R.DTensor((4, 8), \"float32\", "
       "\"mesh[0]\", \"R\"))\nz = R.dist.call_tir(Module.add, (y,), "
       "out_sinfo=R.DTensor((4, 8), \"float32\", \"mesh[0]\", \"R\"))\nreturn z\n",
       "E0425 'R.dist.call_tir' (this network is spread over several devices"},
      {"d: R.DTensor((4, 8), \"float32\") = R.dist.call_tir_local_view(Module.add, (x,), "
       "out_sinfo=R.DTensor((4, 8), \"float32\", \"mesh[0]\", \"R\"))\nreturn d\n",
       "E0425 'R.dist.call_tir_local_view' (this network is spread over several devices"},
      {"f = R.make_closure(x, (x,))\ny = R.invoke_pure_closure(f, (x,))\nreturn y\n",
       "E0425 'R.make_closure' (it needs a function of this module)"},
      {"y = R.invoke_pure_closure(R.shape([2]), (x,))\nz = R.invoke_pure_closure(x, (x,))\n"
       "return y\n",
       "E0425 'R.invoke_pure_closure' (it needs a function of this module)"},
      {"f = R.ExternFunc(\"f\")\ny = R.invoke_closure(f, (x,))\nreturn y\n",
       "E0425 'R.invoke_closure' (it needs a function of this module)"},
      {"y = R.call_of_tomorrow(x)\nz = R.call_of_tomorrow(y)\nreturn z\n",
       "E0425 'R.call_of_tomorrow' (print the module before the pass that makes it)"},
      {"s: R.Shape([3]) = R.call_packed(\"measure\", x, sinfo_args=(R.Shape([3]),))\n"
       "y = R.reshape(x, s)\nreturn y\n",
       "E0425 'R.call_packed' that is given tensors and returns none"},
      {"k = R.call_packed(\"append\", R.str(\"k\"), x, sinfo_args=(R.Object,))\n"
       "y: R.Tensor((3, 8), \"float32\") = R.call_packed(\"view\", k, "
       "sinfo_args=(R.Tensor((3, 8), \"float32\"),))\nreturn y\n",
       "E0425 'R.call_packed' that is given tensors and returns none"},
      {"f = R.make_closure(Module.main, (x, x))\nreturn f\n",
       "E0425 'R.make_closure' (the function has fewer parameters)"},
      {"y = R.call_packed(x, x, sinfo_args=(R.Tensor((3, 8), \"float32\"),))\nreturn y\n",
       "E0425 'R.call_packed' (it names no function)"},
      {"y = R.call_tir(I.GlobalVar(\"g\"), (x,), R.Tensor((3, 8), \"float32\"))\nreturn y\n",
       "E0406 function 'g' is not defined in this module"},
      {"y = Module.g(x)\nreturn y\n", "E0406 function 'g' is not defined in this module"},
      {"k = R.call_packed(\"append\", x, sinfo_args=(R.Object,))\nreturn x\n",
       "E0425 'R.call_packed' that is given tensors and returns none"},
  };
  for (const auto &[body, message] : cases) {
    CAPTURE(body);
    const Outcome outcome(module(body, plain), {});
    CAPTURE(outcome.messages());
    CHECK(outcome.onlyError().starts_with(message));
  }
}

TEST_CASE("graph forms: an assignment to nothing") {
  const Outcome graph(module("() = R.nn.relu(x)\nreturn x\n", plain), {});
  CHECK(graph.onlyError().starts_with("E0425"));
  const Outcome function(
      "@T.prim_func\ndef f(A: T.Buffer((4,), \"float32\")):\n    () = T.int64()\n"
      "    A[0] = T.float32(0)\n",
      {});
  CHECK(function.onlyError().starts_with("E0410"));
}

TEST_CASE("graph forms: a function with another name") {
  const Outcome outcome(
      module("cls = Module\ninner: R.Callable((R.Tensor((3, 8), dtype=\"float32\"),), "
             "R.Tensor((3, 8), dtype=\"float32\"), True) = cls.f\ny = inner(x)\nreturn y\n",
             plain, R"(
@R.function(private=True)
def f(x: R.Tensor((3, 8), dtype="float32")) -> R.Tensor((3, 8), dtype="float32"):
    y = R.nn.relu(x)
    return y
)"),
      {});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.diagnostics.diagnostics().empty());
  CHECK(outcome.workload->calls.at(0).name == "y.y");
}

TEST_CASE("graph forms: closures") {
  // As behind LambdaLift: what a closure holds stands behind the arguments of the call.
  constexpr const char *lifted = R"(
@R.function(private=True)
def inner(x1: R.Tensor((3, 8), dtype="float32"), c1: R.Tensor((8, 5), dtype="float32")) -> R.Tensor((3, 5), dtype="float32"):
    r_1: R.Tensor((3, 5), dtype="float32") = R.matmul(x1, c1)
    return r_1

@R.function(private=True)
def outer(y: R.Tensor((8, 5), dtype="float32")) -> R.Object:
    inner_func = R.make_closure(Module.inner, (y,))
    return inner_func
)";
  constexpr const char *two =
      "x: R.Tensor((3, 8), dtype=\"float32\"), w: R.Tensor((8, 5), dtype=\"float32\")";
  for (const char *body :
       {"c: R.Object = R.make_closure(Module.inner, (w,))\n"
        "y = R.invoke_pure_closure(c, (x,), sinfo_args=(R.Tensor((3, 5), dtype=\"float32\"),))\n"
        "return y\n",
        "cls = Module\nc = cls.outer(w)\ny = R.invoke_closure(c, x, sinfo_args=(R.Tensor))\n"
        "return y\n",
        "c = R.make_closure(inner, ())\nd = R.make_closure(c, (w,))\nt = (d, x)\n"
        "e = t[0]\ny = e(x)\nreturn y\n",
        "c = R.make_closure(I.GlobalVar(\"inner\"), (x, w))\ny = R.invoke_closure(c, ())\n"
        "return y\n"}) {
    CAPTURE(body);
    const Outcome outcome(module(body, two, lifted), {});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.diagnostics().empty());
    REQUIRE(outcome.workload->calls.size() == 1);
    CHECK(outcome.workload->calls[0].macs == 3 * 5 * 8);
  }
}

TEST_CASE("graph forms: functions inside functions are values") {
  constexpr const char *two =
      "x: R.Tensor((3, 8), dtype=\"float32\"), w: R.Tensor((8, 5), dtype=\"float32\")";
  // As TVM's tests of LambdaLift; the function that is returned sees the argument of the other.
  constexpr const char *nested = R"(
@R.function
def outer(c1: R.Tensor((8, 5), "float32")) -> R.Callable((R.Tensor((3, 8), "float32"),), R.Tensor((3, 5), "float32")):
    @R.function
    def middle(d1: R.Tensor((8, 5), "float32")):
        @R.function
        def inner(x1: R.Tensor((3, 8), "float32")) -> R.Tensor((3, 5), "float32"):
            e1 = R.add(c1, d1)
            s: R.Tensor((3, 5), "float32") = R.matmul(x1, e1)
            return s
        return inner
    in_middle = middle(c1)
    return in_middle
in_call = outer(w)
again = in_call
res = again(x)
return res
)";
  const Outcome outcome(module(nested, two), {});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.diagnostics.diagnostics().empty());
  REQUIRE(outcome.workload->calls.size() == 2);
  CHECK(outcome.workload->calls[1].macs == 3 * 5 * 8);
  const Outcome itself(module("@R.function\ndef f(g: R.Object):\n    y = g(g)\n    return y\n"
                              "z = f(f)\nreturn z\n",
                              two),
                       {});
  CHECK(itself.onlyError().starts_with("E0417"));
}

TEST_CASE("graph forms: functions outside of the text that have a name in it") {
  constexpr const char *member = "\nmy_ext = R.ExternFunc(\"my_ext\", R.Callable((R.Tensor,), "
                                 "R.Tensor((3, 8), dtype=\"float32\"), True))\n";
  for (const char *body :
       {"cls = Module\ny = cls.my_ext(x)\nreturn y\n",
        "y: R.Tensor((3, 8), dtype=\"float32\") = Module.my_ext(x)\nreturn y\n",
        "f = R.ExternFunc(\"my_ext\")\ny: R.Tensor((3, 8), dtype=\"float32\") = f(x)\nreturn y\n",
        "cls = Module\nf = cls.my_ext\ny = f(x)\nreturn y\n",
        "y = R.call_py_func(\"my_ext\", (x,), out_sinfo=R.Tensor((3, 8), dtype=\"float32\"))\n"
        "return y\n",
        "y = R.call_dps_packed(R.ExternFunc(\"my_ext\"), (x,), "
        "out_sinfo=R.Tensor((3, 8), dtype=\"float32\"))\nreturn y\n",
        "f = R.ExternFunc(\"my_ext\")\ny = R.call_packed(f, x, "
        "sinfo_args=(R.Tensor((3, 8), dtype=\"float32\"),))\nreturn y\n",
        "cls = Module\ny = R.call_pure_packed(cls.my_ext, x, R.str(\"s\"), "
        "sinfo_args=(R.Tensor((3, 8), dtype=\"float32\"),))\nreturn y\n",
        "y = R.call_builtin_with_ctx(\"my_ext\", (x, R.prim_value(1)), "
        "sinfo_args=(R.Tensor((3, 8), dtype=\"float32\"),))\nreturn y\n",
        "y = R.call_inplace_packed(\"my_ext\", x, inplace_indices=[0], "
        "sinfo_args=(R.Tensor((3, 8), dtype=\"float32\"),))\nreturn y\n",
        "a: R.Tensor((3, 8), dtype=\"float32\") = R.builtin.alloc_tensor(R.shape([3, 8]), "
        "R.dtype(\"float32\"), R.prim_value(0))\n"
        "_: R.Tuple = R.call_packed(\"my_ext\", x, a, sinfo_args=(R.Tuple,))\nreturn a\n"}) {
    CAPTURE(body);
    const Outcome outcome(module(body, plain, member), {});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.diagnostics().empty());
    REQUIRE(outcome.workload->calls.size() == 1);
    const Call &call = outcome.workload->calls[0];
    CHECK(call.function == "my_ext");
    CHECK(call.computations.at(0).opaqueReason == "the function 'my_ext' is not in the text");
    CHECK(call.bytesRead == 3 * 8 * 4);
    CHECK(call.bytesWritten == 3 * 8 * 4);
    CHECK(outcome.resultShape() == Extents{3, 8});
  }
}

TEST_CASE("graph forms: what the runtime says of shapes and objects costs nothing") {
  for (const char *body :
       {"s: R.Shape([8, 3]) = R.call_pure_packed(\"vm.builtin.shape_of\", x, "
        "sinfo_args=(R.Shape([8, 3]),))\ny = R.reshape(x, s)\nreturn y\n",
        "heap: R.Tensor(dtype=\"int64\", ndim=1) = R.call_builtin_with_ctx("
        "\"vm.builtin.alloc_shape_heap\", (R.prim_value(2),), "
        "sinfo_args=(R.Object,))\ny = R.reshape(x, R.shape([8, 3]))\nreturn y\n",
        "_3: R.Object = R.call_builtin_with_ctx(\"vm.builtin.x\", (R.prim_value(1),), "
        "sinfo_args=(R.Object,))\ny = R.reshape(x, R.shape([8, 3]))\nreturn y\n",
        "s: R.Shape([8, 3]) = R.tensor_to_shape(x)\ny = R.reshape(x, s)\nreturn y\n"}) {
    CAPTURE(body);
    const Outcome outcome(module(body, plain), {});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.diagnostics().empty());
    CHECK(outcome.workload->calls.size() == 1);
    CHECK(outcome.resultShape() == Extents{8, 3});
  }
}

TEST_CASE("graph forms: what has a gradient is called as it is") {
  const Outcome outcome(
      module("y = R.call_tir_with_grad(Module.f, (x,), out_sinfo=R.Tensor((3, 8), "
             "dtype=\"float32\"), te_grad_name=\"f\", te_grad_kwargs={\"k\": T.float32(1)})\n"
             "return y\n",
             plain, R"(
@T.prim_func(private=True)
def f(A: T.Buffer((3, 8), "float32"), B: T.Buffer((3, 8), "float32")):
    for i, j in T.grid(3, 8):
        B[i, j] = A[i, j] + T.float32(1)
)"),
      {});
  CAPTURE(outcome.messages());
  REQUIRE(outcome.workload);
  CHECK(outcome.diagnostics.diagnostics().empty());
  CHECK(outcome.workload->calls.at(0).computations.at(0).points == 24);
}

TEST_CASE("graph forms: a network on several devices is one error") {
  const Outcome outcome("@I.ir_module\nclass Module:\n    @R.function\n"
                        "    def main(x: R.DTensor((4, 8), \"float32\", \"mesh[0]\", \"S[0]\"), "
                        "w: R.DTensor((4, 8), \"float32\", \"mesh[0]\", \"R\")):\n"
                        "        y = R.add(x, w)\n        return y\n",
                        {});
  CHECK(outcome.onlyError().starts_with(
      "E0425 'R.DTensor' (this network is spread over several devices"));
  CHECK(outcome.onlyError().find("LowerDistIR") != std::string::npos);
}

TEST_CASE("graph forms: names and calls of other versions") {
  const char *exponential = R"(
@T.prim_func(private=True)
def f(A: T.Buffer((3, 8), "float32"), B: T.Buffer((3, 8), "float32")):
    for i, j in T.grid(3, 8):
        B[i, j] = T.call_intrin("float32", "tir.exp", A[i, j])
)";
  const Outcome quoted(module("y = R.call_tir(I.GlobalVar(\"f\"), (x,), out_sinfo=R.Tensor((3, 8), "
                              "dtype=\"float32\"))\n"
                              "z = R.call_inplace_packed(\"h\", y, inplace_indices=[0], "
                              "sinfo_args=(R.Tensor((3, 8), dtype=\"float32\"),))\nreturn z\n",
                              plain, exponential),
                       {});
  CAPTURE(quoted.messages());
  REQUIRE(quoted.workload);
  REQUIRE(quoted.workload->calls.size() == 2);
  const Computation &stage = quoted.workload->calls[0].computations.at(0);
  CHECK(stage.opaqueReason.empty());
  REQUIRE(stage.value);
  CHECK(stage.value->kind == ValueExpr::Kind::Unary);
  CHECK(stage.value->name == "exp");
  CHECK(quoted.workload->calls[1].kind == OperatorKind::Other);
}

//===--- Memory -------------------------------------------------------------------------------===//

TEST_CASE("graph sizes: calls that write memory which the text reserves") {
  const char *twice = R"(
@T.prim_func(private=True)
def add(A: T.Buffer((3, 8), "float32"), B: T.Buffer((3, 8), "float32"), C: T.Buffer((3, 8), "float32")):
    for i, j in T.grid(3, 8):
        C[i, j] = A[i, j] + B[i, j]
)";
  const std::vector<std::string> allocations = {
      "R.builtin.alloc_tensor(R.shape([3, 8]), R.dtype(\"float32\"), R.prim_value(0), "
      "R.str(\"global\"))\n",
      "R.memory.alloc_tensor(s, R.prim_value(0), R.shape([3, 8]), R.dtype(\"float32\"))\n",
      "R.vm.alloc_tensor(s, R.prim_value(0), R.shape([3, 8]), R.dtype(\"float32\"))\n"};
  for (const std::string &allocation : allocations) {
    CAPTURE(allocation);
    const Outcome outcome(
        module("_: R.Tuple = R.call_packed(\"vm.builtin.check_tensor_info\", x, R.prim_value(2), "
               "R.dtype(\"float32\"), sinfo_args=(R.Tuple,))\n"
               "s: R.Object = R.memory.alloc_storage(R.shape([96]), R.prim_value(0), "
               "R.str(\"global\"), "
               "R.dtype(\"float32\"))\n"
               "alloc = " +
                   allocation +
                   "lv = alloc\n_1 = Module.add(x, x, alloc)\n"
                   "alloc1 = " +
                   allocation +
                   "Module.add(lv, x, alloc1)\nR.memory.kill_tensor(alloc)\n"
                   "R.memory.kill_storage(s)\ngv = alloc1\nreturn gv\n",
               plain, twice),
        {});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.diagnostics().empty());
    REQUIRE(outcome.workload->calls.size() == 2);
    const Call &first = outcome.workload->calls[0];
    const Call &second = outcome.workload->calls[1];
    CHECK(first.name == "alloc");
    CHECK(second.inputs.at(0) == first.outputs.at(0));
    CHECK(outcome.workload->results.at(0) == second.outputs.at(0));
  }
  const std::string memory = "alloc = " + allocations[0];
  for (const char *body :
       {"Module.add(alloc, x, alloc)\nreturn alloc\n", "Module.add(x, x, x)\nreturn x\n"}) {
    CAPTURE(body);
    const Outcome outcome(module(memory + body, plain, twice), {});
    CHECK(outcome.onlyError().starts_with("E0425"));
  }
}

TEST_CASE("graph sizes: calls with sizes behind the memory that they write") {
  const char *scaled = R"(
@T.prim_func(private=True)
def scaled(a: T.handle, c: T.handle, n: T.int64):
    A = T.match_buffer(a, (n, 8))
    C = T.match_buffer(c, (n, 8))
    for i, j in T.grid(n, 8):
        C[i, j] = A[i, j] * T.float32(2)
)";
  const std::string memory = "alloc = R.vm.alloc_tensor(R.vm.alloc_storage(R.shape([96]), "
                             "R.prim_value(0), R.dtype(\"uint8\")), R.prim_value(0), "
                             "R.shape([3, 8]), R.dtype(\"float32\"))\n";
  for (const char *arguments : {"(x, alloc, R.shape([3]))", "(x, alloc)"}) {
    CAPTURE(arguments);
    const Outcome outcome(module(memory + "_: R.Tuple = R.vm.call_tir_dyn(Module.scaled, " +
                                     arguments + ")\nlv = alloc\nreturn lv\n",
                                 plain, scaled),
                          {});
    CAPTURE(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.diagnostics.diagnostics().empty());
    REQUIRE(outcome.workload->calls.size() == 1);
    CHECK(outcome.workload->calls[0].computations.at(0).points == 3 * 8);
    CHECK(outcome.workload->results.at(0) == outcome.workload->calls[0].outputs.at(0));
  }
  for (const char *call : {"R.vm.call_tir_dyn(Module.scaled)\n", "R.vm.call_tir_dyn(Module.scaled, "
                                                                 "(x,))\n"}) {
    CAPTURE(call);
    const Outcome outcome(module(memory + call + "return alloc\n", plain, scaled), {});
    CHECK(outcome.onlyError().starts_with("E0425"));
  }
}

TEST_CASE("graph sizes: memory is of the shape that a function writes") {
  const Outcome outcome(
      module("alloc = R.builtin.alloc_tensor(R.shape([4, 8]), R.dtype(\"float32\"), "
             "R.prim_value(0), R.str(\"global\"))\n"
             "Module.copy(x, alloc)\nreturn R.add(alloc, alloc)\n",
             plain, R"(
@T.prim_func(private=True)
def copy(A: T.Buffer((3, 8), "float32"), B: T.Buffer((3, 8), "float32")):
    for i, j in T.grid(3, 8):
        B[i, j] = A[i, j]
)"),
      {});
  CHECK(outcome.onlyError().starts_with("E0408"));
}

} // namespace acadlc::tir
