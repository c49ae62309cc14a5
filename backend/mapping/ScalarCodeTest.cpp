#include "backend/mapping/ScalarCode.h"

#include "backend/mapping/MappingTestSupport.h"
#include "frontend/acadl/check/Check.h"
#include "frontend/acadl/syntax/Builtins.h"

#include <fmt/format.h>

#include <numeric>
#include <sstream>

namespace acadlc::mapping {
namespace {

using test::Bench;

/// Operands of an operation besides the register that it sets.
std::string letters(unsigned count) {
  std::string text;
  for (unsigned i = 0; i < count; ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", "dabc"[i]);
  return text;
}

std::string instruction(const std::string &name, unsigned operands) {
  std::string text =
      fmt::format("instruction {}_(d: {} reg", name, name == "multiply_add" ? "inout" : "out");
  for (unsigned i = 1; i < operands; ++i)
    text += fmt::format(", {}: in reg", "dabc"[i]);
  return text + (name == "multiply_add" ? ") { macs = 1 }\n" : ")\n");
}

/// A processor with an instruction for each of \p operations, with \p values registers for values
/// and two for counters.
std::string device(const std::vector<std::string> &operations, unsigned values = 4,
                   const std::string &more = "") {
  std::string instructions = "instruction load_(d: out reg, m: in mem)\n"
                             "instruction store_(m: out mem, s: in reg)\n"
                             "instruction constant_(d: out reg)\n"
                             "instruction next_(n: inout reg)\n";
  std::string names = "constant_, next_";
  std::string bodies;
  for (const std::string &name : operations) {
    const auto *known = builtins::findScalarOperation(name);
    REQUIRE_MESSAGE(known != nullptr, name);
    instructions += instruction(name, known->parameters);
    names += ", " + name + "_";
    const std::string parameters = letters(known->parameters);
    bodies += fmt::format("  {}({}) {{ emit {}_({}) }}\n", name, parameters, name, parameters);
  }
  return instructions + fmt::format(R"(
architecture Device() {{
  code: SRAM {{ data_width = 32 bit, size = 1 KiB }}
  fetch: InstructionFetchStage {{ issue_buffer_size = 1 }} contains {{
    fetcher: InstructionMemoryAccessUnit {{ latency = 1 cycle }}
  }}
  code => fetcher
  execute: ExecuteStage contains {{
    compute: FunctionalUnit {{ to_process = [{}] }}
    access: MemoryAccessUnit {{ to_process = [load_, store_] }}
  }}
  fetch -> execute
  registers: RegisterFile {{ data_width = 32 bit, registers = [v[16], n[4]] }}
  registers => compute => registers
  registers => access => registers
  memory: SRAM {{ data_width = 32 bit, size = 1 MiB }}
  memory => access => memory
}}
scalar on arch: Device {{
  memory = arch.memory
  values = [for i in 0 .. {}: arch.registers.v[i]]
  counters = arch.registers.n
  load(d, m) {{ emit load_(d, m) }}
  store(m, s) {{ emit store_(m, s) }}
  constant(d) {{ emit constant_(d) }}
  loop_next(n) {{ emit next_(n) }}
{}{}}}
)",
                                    names, values, bodies, more);
}

/// A network of one function over tensors of 4 x 4: `value` is what it stores.
std::string network(const std::string &value, const std::string &type = "float32") {
  test::SumText text = test::matrixSumText();
  text.left = text.right = text.result = text.extents = "4, 4";
  text.value = value;
  std::string written = text.text();
  for (std::size_t at = 0; (at = written.find("int8", at)) != std::string::npos; at += type.size())
    written.replace(at, 4, type);
  return written;
}

struct Coding {
  Bench bench;
  std::optional<ScalarCode> code;
  std::string reason;
  std::optional<LoweredLayer> layer;

  Coding(const std::string &description, const std::string &workload) {
    bench.loadText(description);
    check(*bench.compilation, bench.diagnostics);
    REQUIRE_MESSAGE(!bench.diagnostics.hasErrors(), bench.messages());
    bench.elaborateWith({});
    bench.loadNetwork(workload);
    REQUIRE_MESSAGE((bench.architecture && bench.workload), bench.messages());
    const ast::ScalarDeclaration *declaration = nullptr;
    for (const ast::Declaration *entry : bench.module->tree.declarations)
      if (const auto *scalar = ast::dynCast<ast::ScalarDeclaration>(entry))
        declaration = scalar;
    REQUIRE(declaration != nullptr);
    ScalarCoder coder(*declaration, bench.home(), *bench.architecture, bench.sources,
                      bench.diagnostics);
    const workload::Call &call = bench.workload->calls.at(0);
    std::vector<std::size_t> stages(call.computations.size());
    std::iota(stages.begin(), stages.end(), std::size_t{0});
    ScalarRefusal refusal;
    code = coder.write(*bench.workload, call, stages, {}, refusal);
    reason = refusal.reason;
    if (!code)
      return;
    layer = coder.lower(*code, call.name, bench.diagnostics);
    checkText(description + coder.text(*code, call.name));
  }

  /// The text may be pasted behind the description.
  static void checkText(const std::string &text) {
    Bench pasted;
    pasted.loadText(text);
    check(*pasted.compilation, pasted.diagnostics);
    CHECK_MESSAGE(pasted.diagnostics.diagnostics().empty(), pasted.messages());
  }

  /// Instances of \p instruction in the stream.
  [[nodiscard]] std::int64_t count(const std::string &instruction) const {
    REQUIRE_MESSAGE(layer.has_value(), (bench.messages() + reason));
    program::InstructionStream stream(layer->program);
    program::Instance instance;
    std::int64_t total = 0;
    while (stream.next(instance))
      total += instance.instruction->operation == instruction ? 1 : 0;
    return total;
  }
};

const std::vector<std::string> arithmetic{"add", "multiply", "multiply_add", "max", "select"};

} // namespace

TEST_CASE("Every operation of the workload IR has its instruction") {
  const std::string a = "lhs[v_i, v_j]", b = "rhs[v_i, v_j]";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"add", a + " + " + b},
      {"subtract", a + " - " + b},
      {"multiply", a + " * " + b},
      {"divide", a + " / " + b},
      {"floor_divide", a + " // " + b},
      {"floor_modulo", a + " % " + b},
      {"max", "T.max(" + a + ", " + b + ")"},
      {"min", "T.min(" + a + ", " + b + ")"},
      {"pow", "T.pow(" + a + ", " + b + ")"},
      {"shift_left", "T.shift_left(" + a + ", " + b + ")"},
      {"shift_right", "T.shift_right(" + a + ", " + b + ")"},
      {"bitwise_and", "T.bitwise_and(" + a + ", " + b + ")"},
      {"bitwise_xor", "T.bitwise_xor(" + a + ", " + b + ")"},
      {"exp", "T.exp(" + a + ")"},
      {"log", "T.log(" + a + ")"},
      {"sqrt", "T.sqrt(" + a + ")"},
      {"rsqrt", "T.rsqrt(" + a + ")"},
      {"tanh", "T.tanh(" + a + ")"},
      {"sigmoid", "T.sigmoid(" + a + ")"},
      {"erf", "T.erf(" + a + ")"},
      {"abs", "T.fabs(" + a + ")"},
      {"floor", "T.floor(" + a + ")"},
      {"ceil", "T.ceil(" + a + ")"},
      {"round", "T.nearbyint(" + a + ")"},
      {"negate", "-" + a},
      {"atan2", "T.atan2(" + a + ", " + b + ")"},
      {"convert", "T.Cast(\"int32\", " + a + ")"},
  };
  for (const auto &[name, value] : cases) {
    CAPTURE(name);
    const Coding coding(device({name}), network(value));
    CHECK(coding.reason == "");
    CHECK(coding.count(name + "_") == 16);
    CHECK(coding.count("store_") == 16);
    CHECK(coding.count("load_") == 16 * (builtins::findScalarOperation(name)->parameters - 1));
    // Four iterations of the outer loop and sixteen of the inner one.
    CHECK(coding.count("next_") == 20);
    CHECK(coding.layer->totals.macs == 0);
    CHECK(coding.layer->mapping == "scalar");
  }
}

TEST_CASE("A selection by data computes both sides") {
  const Coding coding(
      device({"less", "select", "multiply"}),
      network("T.Select(lhs[v_i, v_j] < rhs[v_i, v_j], lhs[v_i, v_j], lhs[v_i, v_j] * "
              "rhs[v_i, v_j])"));
  CHECK(coding.count("less_") == 16);
  CHECK(coding.count("multiply_") == 16);
  CHECK(coding.count("select_") == 16);
  // What is wanted several times is loaded once.
  CHECK(coding.count("load_") == 2 * 16);
}

TEST_CASE("A condition on loop variables splits the loops") {
  const Coding coding(device({}), network("T.if_then_else(v_i >= 1 and v_j < 3, lhs[v_i - 1, v_j + "
                                          "1], T.float32(0))"));
  CHECK(coding.count("load_") == 3 * 3);
  CHECK(coding.count("constant_") == 16 - 9);
  CHECK(coding.count("store_") == 16);
}

TEST_CASE("Indices with quotients and remainders, and axes of one iteration") {
  test::SumText text = test::matrixSumText();
  text.left = "16, 1";
  text.right = text.result = text.extents = "4, 4";
  text.value = "lhs[(v_i * 4 + v_j) // 1 % 16, 0] + rhs[(v_i + v_j) % 4, (v_i + v_j) // 4]";
  const Coding coding(device({"add"}), text.text());
  CHECK(coding.reason == "");
  CHECK(coding.code->body.find("[4 * v_i + v_j, 0]") != std::string::npos);
  CHECK(coding.code->body.find("(v_i + v_j) % (4)") != std::string::npos);
  CHECK(coding.count("add_") == 16);
}

TEST_CASE("A sum of products keeps its sum in a register") {
  const Coding coding(device(arithmetic), test::matmulText(3, 5, 7).text());
  REQUIRE(coding.layer.has_value());
  CHECK(coding.layer->totals.macs == 3 * 5 * 7);
  CHECK(coding.count("multiply_add_") == 3 * 5 * 7);
  CHECK(coding.count("load_") == 2 * 3 * 5 * 7);
  CHECK(coding.count("constant_") == 3 * 5);
  CHECK(coding.count("store_") == 3 * 5);
}

TEST_CASE("Other reductions start from their neutral value") {
  for (const std::string name : {"max", "min", "add"}) {
    const std::string joined = name == "add" ? "y[i] + x[i, k]" : "T." + name + "(y[i], x[i, k])";
    const std::string text = R"(@I.ir_module
class Module:
    @T.prim_func(private=True)
    def op(x: T.Buffer((4, 8), "float32"), y: T.Buffer((4,), "float32")):
        for a, b in T.grid(4, 8):
            with T.sblock("y"):
                i, k = T.axis.remap("SR", [a, b])
                with T.init():
                    y[i] = T.float32(0)
                y[i] = )" + joined +
                             R"(

    @R.function
    def main(x: R.Tensor((4, 8), dtype="float32")) -> R.Tensor((4,), dtype="float32"):
        cls = Module
        with R.dataflow():
            y = R.call_tir(cls.op, (x,), out_sinfo=R.Tensor((4,), dtype="float32"))
            R.output(y)
        return y
)";
    CAPTURE(name);
    const Coding coding(device({name}), text);
    CHECK(coding.reason == "");
    CHECK(coding.count(name + "_") == 4 * 8);
    CHECK(coding.count("constant_") == 4);
    CHECK(coding.count("store_") == 4);
  }
}

TEST_CASE("Operations that are not declared are composed") {
  const auto counts = [](const std::vector<std::string> &operations, const std::string &value) {
    const Coding coding(device(operations), network(value));
    CHECK(coding.reason == "");
    std::vector<std::int64_t> result{coding.count("constant_")};
    for (const std::string &name : operations)
      result.push_back(coding.count(name + "_"));
    return result;
  };
  using Counts = std::vector<std::int64_t>;
  const std::string a = "lhs[v_i, v_j]", b = "rhs[v_i, v_j]";
  CHECK(counts({"negate", "add"}, a + " - " + b) == Counts{0, 16, 16});
  CHECK(counts({"less", "select"}, "T.max(" + a + ", " + b + ")") == Counts{0, 16, 16});
  CHECK(counts({"negate", "min"}, "T.max(" + a + ", " + b + ")") == Counts{0, 48, 16});
  CHECK(counts({"subtract", "exp", "add", "divide"}, "T.sigmoid(" + a + ")") ==
        Counts{32, 16, 16, 16, 16});
  CHECK(counts({"subtract", "exp", "add", "divide"}, "T.tanh(" + a + ")") ==
        Counts{16, 16, 16, 32, 16});
  CHECK(counts({"subtract", "max"}, "T.fabs(" + a + ")") == Counts{16, 16, 16});
  CHECK(counts({"divide", "floor", "multiply", "subtract"}, a + " % " + b) ==
        Counts{0, 16, 16, 16, 16});
  CHECK(counts({"less", "subtract", "select"},
               "T.Select(" + a + " <= " + b + ", " + a + ", " + b + ")") == Counts{16, 16, 16, 16});
}

TEST_CASE("What can't be done has a reason") {
  const auto reason = [](const std::vector<std::string> &operations, const std::string &value,
                         unsigned values = 4) {
    const Coding coding(device(operations, values), network(value));
    CHECK(!coding.layer.has_value());
    return coding.reason;
  };
  CHECK(reason({}, "T.exp(lhs[v_i, v_j])") ==
        "stage 'c': the `scalar` declaration has no operation `exp(d, a)`");
  CHECK(reason({"add"}, "lhs[v_i, v_j] - rhs[v_i, v_j]") ==
        "stage 'c': the `scalar` declaration has no operation `subtract(d, a, b)`; with negate it "
        "would be composed");
  CHECK(reason({}, "lhs[T.Cast(\"int32\", T.Cast(\"float32\", v_i) / T.float32(v_j)), v_j]") ==
        "stage 'c': an index of 'lhs' is computed in a way that is not understood");
  CHECK(reason({"add"}, "lhs[v_i, v_j] + rhs[v_i, v_j]", 1) ==
        "stage 'c': it needs 2 registers for values, `values` has 1");
}

TEST_CASE("Operands that need more registers are computed first") {
  // Computed as it stands, this would need one register for each operand.
  const std::string a = "lhs[v_i, v_j]";
  const Coding coding(device({"add"}, 2),
                      network(a + " + (" + a + " + (" + a + " + (" + a + " + " + a + ")))"));
  CHECK(coding.reason == "");
  CHECK(coding.count("add_") == 4 * 16);
  const Coding balanced(device({"add"}, 2),
                        network("(" + a + " + " + a + ") + (" + a + " + " + a + ")"));
  CHECK(balanced.reason == "stage 'c': it needs 3 registers for values, `values` has 2");
}

namespace {

/// A network of one block over vectors of 8 elements: x, of whole numbers n, results y and z.
std::string vectorNetwork(const std::string &loop, const std::string &block,
                          const std::string &shape = "8") {
  std::string text = "@I.ir_module\nclass Module:\n    @T.prim_func(private=True)\n"
                     "    def op(x: T.Buffer((8,), \"float32\"), n: T.Buffer((8,), \"int32\"), "
                     "y: T.Buffer((" +
                     shape + ",), \"float32\")):\n        z = T.alloc_buffer((" + shape +
                     ",), \"float32\")\n        for " + loop +
                     ":\n            with T.sblock(\"b\"):\n";
  std::stringstream lines(block);
  for (std::string line; std::getline(lines, line);)
    text += "                " + line + "\n";
  return text + R"(
    @R.function
    def main(x: R.Tensor((8,), dtype="float32"), n: R.Tensor((8,), dtype="int32")) -> R.Tensor(()" +
         shape + R"(,), dtype="float32"):
        cls = Module
        with R.dataflow():
            y = R.call_tir(cls.op, (x, n), out_sinfo=R.Tensor(()" +
         shape + R"(,), dtype="float32"))
            R.output(y)
        return y
)";
}

const std::string vectorAxis = "v = T.axis.spatial(8, i)\n";

} // namespace

TEST_CASE("Several stores in one block, under conditions or not") {
  const Coding both(device({"exp"}),
                    vectorNetwork("i in range(8)", vectorAxis + "y[v] = T.exp(x[v])\nz[v] = x[v]"));
  CHECK(both.reason == "");
  CHECK(both.count("store_") == 16);
  CHECK(both.count("load_") == 8);
  CHECK(both.count("exp_") == 8);
  const Coding guarded(
      device({"exp"}),
      vectorNetwork("i in range(8)", vectorAxis + "T.where(i < 5)\ny[v] = T.exp(x[v])"));
  CHECK(guarded.reason == "");
  CHECK(guarded.count("store_") == 5);
  CHECK(guarded.count("load_") == 5);
  const Coding branches(device({"exp"}),
                        vectorNetwork("i in range(8)", vectorAxis + "if v < 3:\n    y[v] = "
                                                                    "x[v]\nelse:\n    y[v] = "
                                                                    "T.exp(x[v])"));
  CHECK(branches.reason == "");
  CHECK(branches.count("store_") == 8);
  CHECK(branches.count("load_") == 8);
  CHECK(branches.count("exp_") == 5);
  CHECK(branches.code->assumptions.empty());
}

TEST_CASE("A guard that keeps split loops in an axis is none") {
  const Coding coding(device({}),
                      vectorNetwork("i, j in T.grid(3, 3)", "v = T.axis.spatial(8, i * 3 + j)\n"
                                                            "T.where(i * 3 + j < 8)\ny[v] = x[v]"));
  CHECK(coding.reason == "");
  CHECK(coding.count("store_") == 8);
  CHECK(coding.code->body.find("if ") == std::string::npos);
  const Coding foreign(device({}),
                       vectorNetwork("i, j in T.grid(3, 3)", "v = T.axis.spatial(8, i * 3 + j)\n"
                                                             "T.where(i + j < 4)\ny[v] = x[v]"));
  CHECK(foreign.reason == "stage 'b': its conditions are on loops that are none of its axes");
}

TEST_CASE("Where data decides, the code says what is assumed") {
  const Coding branch(device({"less"}, 4, "  branch(c) { emit next_(c) }\n"),
                      vectorNetwork("i in range(8)", vectorAxis + "if x[v] < T.float32(0):\n    "
                                                                  "y[v] = T.float32(0)"));
  CHECK(branch.reason == "");
  REQUIRE(branch.code.has_value());
  CHECK(branch.code->assumptions ==
        std::vector<std::string>{
            "stage 'b': data says which way a branch goes; assumed: the condition holds"});
  CHECK(branch.count("store_") == 8);
  CHECK(branch.count("less_") == 8);
  CHECK(branch.count("next_") == 8 + 8); // branches, and iterations
  // 0 is brought into a register once.
  CHECK(branch.count("constant_") == 1);

  const Coding taken(device({}), vectorNetwork("i in range(8)", vectorAxis + "y[v] = x[n[v]]"));
  CHECK(taken.reason == "");
  REQUIRE(taken.code.has_value());
  CHECK(taken.code->assumptions ==
        std::vector<std::string>{"stage 'b': data says which elements of 'x' are taken; assumed: "
                                 "one behind the other"});
  CHECK(taken.count("load_") == 16);
  CHECK(taken.count("store_") == 8);
}

TEST_CASE("Indices computed with numbers with a point are known") {
  // Nearest neighbours: each element twice.
  const Coding nearest(
      device({}),
      vectorNetwork("i in range(16)",
                    "v = T.axis.spatial(16, i)\ny[v] = x[T.max(T.min(T.Cast(\"int64\", "
                    "T.round((T.Cast(\"float32\", v) + T.float32(0.5)) * T.float32(0.5) - "
                    "T.float32(0.5))), T.int64(7)), T.int64(0))]",
                    "16"));
  CHECK(nearest.reason == "");
  CHECK(nearest.count("load_") == 16);
  REQUIRE(nearest.code.has_value());
  CHECK(nearest.code->assumptions.empty());
  CHECK(nearest.code->body.find("max(0, min((v_v) / 2, 7))") != std::string::npos);
  // What is no quotient falls into pieces.
  const Coding pieces(device({}),
                      vectorNetwork("i in range(8)", vectorAxis + "y[v] = x[T.Cast(\"int64\", "
                                                                  "T.fabs(T.Cast(\"float32\", v) - "
                                                                  "T.float32(5)))]"));
  CHECK(pieces.reason == "");
  CHECK(pieces.count("load_") == 8);
  REQUIRE(pieces.code.has_value());
  CHECK(pieces.code->body.find("if v_v < 6 then -1 * v_v + 5 else") != std::string::npos);
}

TEST_CASE("Reductions with several results keep all of them in registers") {
  const std::string block = R"(v = T.axis.reduce(8, i)
with T.init():
    y[0] = T.float32(0)
    z[0] = T.float32(0)
a: T.let[T.float32] = T.Select(z[0] < x[v], y[0], T.float32(1))
b: T.let[T.float32] = T.Select(z[0] < x[v], z[0], x[v])
y[0] = a
z[0] = b)";
  const Coding coding(device({"less", "select"}, 6), vectorNetwork("i in range(8)", block, "1"));
  CHECK(coding.reason == "");
  CHECK(coding.count("load_") == 8);
  CHECK(coding.count("less_") == 8);
  CHECK(coding.count("select_") == 16);
  CHECK(coding.count("store_") == 2);
  // Both start from a number; another one waits in a register.
  CHECK(coding.count("constant_") == 3);

  const std::string exchanged = R"(v = T.axis.reduce(8, i)
with T.init():
    y[0] = T.float32(0)
    z[0] = T.float32(0)
a: T.let[T.float32] = z[0] + x[v]
b: T.let[T.float32] = y[0] + x[v]
y[0] = a
z[0] = b)";
  const Coding swaps(device({"add"}, 6), vectorNetwork("i in range(8)", exchanged, "1"));
  CHECK(swaps.reason == "stage 'b': its results need each other's value of before");
}

TEST_CASE("A reduction of its own form, and one that starts from a tensor") {
  const std::string block = R"(v = T.axis.reduce(8, i)
with T.init():
    y[0] = x[0]
y[0] = y[0] * T.float32(2) + x[v])";
  const Coding coding(device({"add", "multiply"}), vectorNetwork("i in range(8)", block, "1"));
  CHECK(coding.reason == "");
  CHECK(coding.count("load_") == 1 + 8);
  CHECK(coding.count("multiply_") == 8);
  CHECK(coding.count("add_") == 8);
  CHECK(coding.count("constant_") == 1);
  CHECK(coding.count("store_") == 1);
}

TEST_CASE("A reduction goes on from what is there") {
  // The block in front of the sum does not set a number.
  const std::string network = R"(@I.ir_module
class Module:
    @T.prim_func(private=True)
    def op(x: T.Buffer((4, 8), "float32"), b: T.Buffer((4,), "float32"), y: T.Buffer((4,), "float32")):
        for a in range(4):
            with T.sblock("start"):
                i = T.axis.spatial(4, a)
                y[i] = b[i]
        for a, c in T.grid(4, 8):
            with T.sblock("sum"):
                i, k = T.axis.remap("SR", [a, c])
                y[i] = y[i] + x[i, k]

    @R.function
    def main(x: R.Tensor((4, 8), dtype="float32"), b: R.Tensor((4,), dtype="float32")) -> R.Tensor((4,), dtype="float32"):
        cls = Module
        with R.dataflow():
            y = R.call_tir(cls.op, (x, b), out_sinfo=R.Tensor((4,), dtype="float32"))
            R.output(y)
        return y
)";
  const Coding sum(device({"add"}), network);
  CHECK(sum.reason == "");
  CHECK(sum.count("load_") == 4 + 4 + 4 * 8);
  CHECK(sum.count("store_") == 4 + 4);
  CHECK(sum.count("constant_") == 0);
  CHECK(sum.count("add_") == 4 * 8);
}

TEST_CASE("A sum of products that starts from a tensor, and one under a condition") {
  std::string biased = test::matmulText(3, 5, 7).text();
  const std::size_t at = biased.find("T.float32(0)");
  REQUIRE(at != std::string::npos);
  std::string guarded = biased;
  biased.replace(at, std::string("T.float32(0)").size(), "rhs[0, 0]");
  const Coding start(device(arithmetic), biased);
  CHECK(start.reason == "");
  CHECK(start.count("multiply_add_") == 3 * 5 * 7);
  CHECK(start.count("load_") == 2 * 3 * 5 * 7 + 3 * 5);
  CHECK(start.count("constant_") == 0);
  guarded.insert(guarded.find("                T.reads("), "                T.where(k < 3)\n");
  const Coding where(device(arithmetic), guarded);
  CHECK(where.reason == "");
  CHECK(where.count("multiply_add_") == 0);
  CHECK(where.count("multiply_") == 3 * 5 * 3);
  CHECK(where.count("add_") == 3 * 5 * 3);
}

TEST_CASE("What is the same in inner loops waits in a register as long as there are some") {
  const std::string row = "lhs[v_i, 0]", element = "rhs[v_i, v_j]";
  const std::string value = "T.exp(" + row + ") * " + element + " + T.float32(3) / T.float32(7)";
  const std::vector<std::string> operations{"add", "multiply", "divide", "exp"};
  const Coding enough(device(operations), network(value));
  CHECK(enough.reason == "");
  CHECK(enough.count("exp_") == 4);
  CHECK(enough.count("load_") == 4 + 16);
  CHECK(enough.count("constant_") == 1);
  CHECK(enough.count("divide_") == 0);
  // Without registers to spare all is computed where it is wanted.
  const Coding none(device(operations, 2), network(value));
  CHECK(none.reason == "");
  CHECK(none.count("exp_") == 16);
  CHECK(none.count("constant_") == 16);
  // With a single one to spare the exponential takes it, as it saves more than the number.
  const Coding one(device(operations, 3), network("(T.exp(" + row + ") + " + element +
                                                  ") * (T.float32(3) + lhs[v_i, v_j])"));
  CHECK(one.reason == "");
  CHECK(one.count("exp_") == 4);
  CHECK(one.count("constant_") == 16);
}

TEST_CASE("What the stage writes is read again each time") {
  const Coding coding(
      device({"add", "exp"}),
      vectorNetwork("i in range(8)", vectorAxis + "y[v] = x[v]\nz[v] = T.exp(y[0]) + y[0]"));
  CHECK(coding.reason == "");
  CHECK(coding.count("load_") == 8 + 16);
}

TEST_CASE("Counters and MACs that are not there") {
  const Coding none(device({"add"}), test::matmulText(3, 5, 7).text());
  CHECK(none.reason == "stage 'c': the `scalar` declaration has no operation `multiply_add(d, a, "
                       "b)`; with multiply it would be composed");
  // Composed of others it states no MACs.
  const Coding composed(device({"add", "multiply"}), test::matmulText(3, 5, 7).text());
  CHECK(!composed.layer.has_value());
  CHECK(composed.bench.messages().find("'scalar' emits 0 MACs, the operator has 105 MACs") !=
        std::string::npos);
  test::SumText deep = test::matrixSumText();
  deep.left = deep.right = deep.result = deep.extents = "2, 2, 2, 2, 2";
  deep.loops = "i, j, k, l, m";
  deep.writeIndex = "v_i, v_j, v_k, v_l, v_m";
  deep.value = "lhs[v_i, v_j, v_k, v_l, v_m] + rhs[v_i, v_j, v_k, v_l, v_m]";
  const Coding loops(device({"add"}), deep.text());
  CHECK(loops.reason == "stage 'c': it needs 5 registers for counters, `counters` has 4");
}

TEST_CASE("Bodies of several statements, parameters in all of their expressions") {
  const Coding coding(
      device({"add"}, 4,
             "  exp(d, a) {\n    let first = d\n    for i in 0 .. 3 {\n      if i < 2 { emit "
             "add_(first, a, d) } else { emit add_(d = first, a = a, b = [a, d][1]) }\n    }\n  "
             "}\n"),
      network("T.exp(lhs[v_i, v_j])"));
  CHECK(coding.reason == "");
  CHECK(coding.count("add_") == 3 * 16);
}

TEST_CASE("Networks from TVM become scalar code that may be pasted") {
  if (test::networkFolder().empty())
    return;
  for (const char *file : {"lenet5.tir", "tc_resnet8_int8_fused.tir"}) {
    Bench bench;
    bench.loadLibrary("std/one_mac.acadl");
    bench.elaborateWith({});
    bench.loadNetwork(test::readText(test::networkFolder() / file));
    REQUIRE_MESSAGE((bench.architecture && bench.workload), bench.messages());
    const ast::ScalarDeclaration *declaration = nullptr;
    for (const ast::Declaration *entry : bench.module->tree.declarations)
      if (const auto *scalar = ast::dynCast<ast::ScalarDeclaration>(entry))
        declaration = scalar;
    REQUIRE(declaration != nullptr);
    ScalarCoder coder(*declaration, bench.home(), *bench.architecture, bench.sources,
                      bench.diagnostics);
    std::string programs = "import \"std/one_mac.acadl\"\n";
    std::int64_t macs = 0;
    for (const workload::Call &call : bench.workload->calls) {
      std::vector<std::size_t> stages;
      for (std::size_t i = 0; i < call.computations.size(); ++i)
        if (call.computations[i].freeReason == workload::FreeReason::None)
          stages.push_back(i);
      ScalarRefusal refusal;
      const auto code = coder.write(*bench.workload, call, stages, {}, refusal);
      CHECK_MESSAGE(code.has_value(), refusal.reason);
      if (!code || stages.empty())
        continue;
      programs += coder.text(*code, call.name);
      macs += code->macs;
    }
    CHECK(macs == bench.workload->macs());
    Coding::checkText(programs);
  }
}

} // namespace acadlc::mapping
