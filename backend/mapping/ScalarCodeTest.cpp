#include "backend/mapping/ScalarCode.h"

#include "backend/mapping/MappingTestSupport.h"
#include "frontend/acadl/Builtins.h"
#include "frontend/acadl/Check.h"

#include <fmt/format.h>

#include <numeric>

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
    code = coder.write(*bench.workload, call, stages, {}, reason);
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
  CHECK(coding.count("load_") == 5 * 16);
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
  CHECK(reason({}, "lhs[T.Cast(\"int32\", rhs[v_i, v_j]), v_j]") ==
        "stage 'c': where it reads 'lhs' depends on data");
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

TEST_CASE("Stages that are no plain loop nest") {
  const auto reason = [](const std::string &loop, const std::string &block) {
    const Coding coding(device({"add"}), "@I.ir_module\nclass Module:\n"
                                         "    @T.prim_func(private=True)\n"
                                         "    def op(x: T.Buffer((4,), \"float32\"), y: "
                                         "T.Buffer((4,), \"float32\")):\n"
                                         "        z = T.alloc_buffer((4,))\n"
                                         "        for " +
                                             loop +
                                             ":\n"
                                             "            with T.sblock(\"b\"):\n"
                                             "                v = T.axis.spatial(5, i)\n" +
                                             block + R"(

    @R.function
    def main(x: R.Tensor((4,), dtype="float32")) -> R.Tensor((4,), dtype="float32"):
        cls = Module
        with R.dataflow():
            y = R.call_tir(cls.op, (x,), out_sinfo=R.Tensor((4,), dtype="float32"))
            R.output(y)
        return y
)");
    CHECK(!coding.layer.has_value());
    return coding.reason;
  };
  CHECK(reason("i in range(4)", "                y[v] = x[v]\n                z[v] = x[v]\n") ==
        "stage 'b': several stores in one block");
  CHECK(reason("i in range(5)", "                T.where(i < 4)\n                y[v] = x[v]\n") ==
        "stage 'b': an index of 'x' leaves its bounds where iterations are guarded");
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
      std::string reason;
      const auto code = coder.write(*bench.workload, call, stages, {}, reason);
      CHECK_MESSAGE(code.has_value(), reason);
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
