#include "backend/mapping/Epilogue.h"

#include "backend/mapping/MappingTestSupport.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

namespace acadlc::mapping {
namespace {

using test::Bench;

/// A function of one or more stages.
struct FunctionText {
  std::string name;
  std::vector<std::string> parameters; ///< "x: 4, 6" or "x: 4, 6: int32"; the last one is written
  std::string body;                    ///< the stages, indented by 8
};

std::string buffer(const std::string &parameter, bool isSignature) {
  const auto colon = parameter.find(": ");
  const auto second = parameter.find(": ", colon + 1);
  const std::string type = second == std::string::npos ? "float32" : parameter.substr(second + 2);
  const std::string shape = parameter.substr(
      colon + 2, second == std::string::npos ? std::string::npos : second - colon - 2);
  const std::string form =
      isSignature ? "{}: T.Buffer(({},), \"{}\")" : "{}: R.Tensor(({},), dtype=\"{}\")";
  return fmt::format(fmt::runtime(form), parameter.substr(0, colon), shape, type);
}

/// `target = value` for i < m, j < n.
std::string stage(const std::string &target, const std::string &value,
                  const std::string &extents = "4, 6") {
  return "        for i, j in T.grid(" + extents + "):\n            with T.sblock(\"" +
         target.substr(0, target.find('[')) +
         "\"):\n                v_i, v_j = T.axis.remap(\"SS\", [i, j])\n                " +
         target + " = " + value + "\n";
}

/// `target (combiner)= value` for i < m, j < n and two reduced axes.
std::string reduction(const std::string &target, const std::string &value,
                      const std::string &extents, bool isMax) {
  const std::string joined =
      isMax ? "T.max(" + target + ", " + value + ")" : target + " + " + value;
  return "        for i, j, r, s in T.grid(" + extents +
         "):\n            with T.sblock(\"window\"):\n                v_i, v_j, v_r, v_s = "
         "T.axis.remap(\"SSRR\", [i, j, r, s])\n                with T.init():\n                   "
         " " +
         target + " = T.float32(" + (isMax ? "-3e38" : "0") + ")\n                " + target +
         " = " + joined + "\n";
}

std::string product(const std::string &target, const std::string &left = "lhs",
                    const std::string &cast = "") {
  const auto read = [&](const std::string &access) {
    return cast.empty() ? access : "T.Cast(\"" + cast + "\", " + access + ")";
  };
  return "        for i, j, k in T.grid(4, 6, 8):\n            with T.sblock(\"product\"):\n"
         "                v_i, v_j, v_k = T.axis.remap(\"SSR\", [i, j, k])\n"
         "                with T.init():\n                    " +
         target + "[v_i, v_j] = T." + (cast.empty() ? "float32" : cast) + "(0)\n                " +
         target + "[v_i, v_j] = " + target + "[v_i, v_j] + " + read(left + "[v_i, v_k]") + " * " +
         read("rhs[v_k, v_j]") + "\n";
}

/// The network: y = lhs · rhs in `product`, and what \ref calls says of it.
struct NetworkText {
  std::vector<FunctionText> functions;
  std::vector<std::string> inputs{"lhs: 4, 8", "rhs: 8, 6"};
  /// "z = add(y, bias)"; the shape and type of z are those of the function's last parameter.
  std::vector<std::string> calls{"y = product(lhs, rhs)"};
  std::string results; ///< empty: the last call's

  NetworkText() {
    functions.push_back({"product", {"lhs: 4, 8", "rhs: 8, 6", "out: 4, 6"}, product("out")});
  }

  /// Adds a call `name = value` of a function over all of y, z, …; \p operands are "bias: 6".
  NetworkText &step(const std::string &name, std::vector<std::string> operands,
                    const std::string &value, const std::string &result = "out: 4, 6") {
    std::string given;
    for (const std::string &operand : operands)
      given += (given.empty() ? "" : ", ") + operand.substr(0, operand.find(':'));
    operands.push_back(result);
    const std::string extents = result.substr(5, result.find(':', 5) - 5);
    functions.push_back({"f_" + name, operands, stage("out[v_i, v_j]", value, extents)});
    calls.push_back(name + " = f_" + name + "(" + given + ")");
    return *this;
  }
  NetworkText &function(const std::string &name, std::vector<std::string> operands,
                        const std::string &body) {
    std::string given;
    for (std::size_t i = 0; i + 1 < operands.size(); ++i)
      given += (given.empty() ? "" : ", ") + operands[i].substr(0, operands[i].find(':'));
    functions.push_back({"f_" + name, std::move(operands), body});
    calls.push_back(name + " = f_" + name + "(" + given + ")");
    return *this;
  }
  NetworkText &input(const std::string &parameter) {
    inputs.push_back(parameter);
    return *this;
  }

  [[nodiscard]] std::string text() const {
    std::string out = "@I.ir_module\nclass Module:\n";
    for (const FunctionText &function : functions) {
      out += "    @T.prim_func(private=True)\n    def " + function.name + "(";
      for (const std::string &parameter : function.parameters)
        out += (&parameter == function.parameters.data() ? "" : ", ") + buffer(parameter, true);
      out += "):\n" + function.body + "\n";
    }
    std::string entry;
    for (const std::string &parameter : inputs)
      entry += (entry.empty() ? "" : ", ") + buffer(parameter, false);
    std::string last;
    std::string body;
    std::string type;
    for (const std::string &call : calls) {
      last = call.substr(0, call.find(' '));
      const std::string callee = call.substr(last.size() + 3, call.find('(') - last.size() - 3);
      for (const FunctionText &function : functions)
        if (function.name == callee)
          type = buffer(function.parameters.back(), false);
      type = type.substr(type.find(": ") + 2);
      body += fmt::format("            {} = R.call_tir(cls.{}, {}, out_sinfo={})\n", last, callee,
                          call.substr(call.find('(')), type);
    }
    const std::string returned = results.empty() ? last : results;
    return out + "    @R.function\n    def main(" + entry +
           "):\n        R.func_attr({\"num_input\": 1})\n"
           "        cls = Module\n        with R.dataflow():\n" +
           body + "            R.output(" + returned + ")\n        return " +
           (results.empty() ? last : "(" + results + ")") + "\n";
  }
};

/// What a mapping with \p epilogue absorbs of \p network behind its first product.
struct Absorption {
  Bench bench;
  MatchResult result;
  std::string steps; ///< "bias relu"
  std::string calls; ///< "z v"

  Absorption(const std::string &epilogue, const NetworkText &network, std::size_t callIndex = 0) {
    bench.loadText("architecture Arch() {}\nmapping product[m < M, n < N; k < K] on arch: Arch\n"
                   "  implements C[m, n] += A[m, k] * B[k, n]\n  " +
                   epilogue + "\n{}\n");
    bench.loadNetwork(network.text());
    REQUIRE_MESSAGE(bench.workload, bench.messages(), network.text());
    const workload::Call &call = bench.workload->calls[callIndex];
    REQUIRE(call.contraction() != nullptr);
    result = matchContraction(*bench.mappings.front(), *bench.workload, call, *call.contraction());
    if (!result.match)
      return;
    for (const AbsorbedStep &step : result.match->absorbed)
      steps += (steps.empty() ? "" : " ") + step.name;
    for (const std::size_t absorbed : result.match->absorbedCalls)
      calls += (calls.empty() ? "" : " ") + bench.workload->calls[absorbed].name;
  }
};

std::string absorbed(const std::string &epilogue, const NetworkText &network) {
  return Absorption(epilogue, network).steps;
}

const char *const all = "then optional + bias[n], optional + residual[m, n], optional relu";

NetworkText biasAndRelu() {
  NetworkText network;
  network.input("bias: 6")
      .step("z", {"y: 4, 6", "bias: 6"}, "y[v_i, v_j] + bias[v_j]")
      .step("v", {"z: 4, 6"}, "T.max(z[v_i, v_j], T.float32(0))");
  return network;
}

} // namespace

TEST_CASE("a bias and a ReLU in calls of their own are absorbed") {
  const Absorption found(all, biasAndRelu());
  CHECK(found.steps == "bias relu");
  CHECK(found.calls == "z v");
  const Match &match = *found.result.match;
  // The result is what is left of it, and the bias is bound by its index.
  CHECK(match.tensors[0].tensorName == "v");
  REQUIRE(match.tensors.size() == 4);
  CHECK(match.tensors[3].name == "bias");
  CHECK(match.tensors[3].tensorName == "bias");
  CHECK(match.tensors[3].dimensions[0].source == 0U);
}

TEST_CASE("a fused function's stages are absorbed, in one stage or several") {
  NetworkText separate;
  separate.inputs.emplace_back("bias: 6");
  separate.functions[0] = {
      "product",
      {"lhs: 4, 8", "rhs: 8, 6", "bias: 6", "out: 4, 6"},
      "        y = T.alloc_buffer((4, 6))\n        z = T.alloc_buffer((4, 6))\n" + product("y") +
          stage("z[v_i, v_j]", "bias[v_j] + y[v_i, v_j]") +
          stage("out[v_i, v_j]", "T.max(T.float32(0), z[v_i, v_j])")};
  separate.calls = {"y = product(lhs, rhs, bias)"};
  const Absorption found(all, separate);
  CHECK(found.steps == "bias relu");
  CHECK(found.calls.empty());
  CHECK(found.result.match->absorbedStages == std::vector<std::size_t>{1, 2});
  NetworkText one = separate;
  one.functions[0].body = "        y = T.alloc_buffer((4, 6))\n" + product("y") +
                          stage("out[v_i, v_j]", "T.max(y[v_i, v_j] + bias[v_j], T.float32(0))");
  CHECK(absorbed(all, one) == "bias relu");
  // All of a stage or nothing.
  CHECK(absorbed("then optional + bias[n]", one).empty());
  const Absorption part("then optional + bias[n]", separate);
  CHECK(part.steps == "bias");
  CHECK(part.result.match->tensors[0].tensorName == "z");
}

TEST_CASE("steps are taken in the order of the header, as far as they go") {
  const NetworkText network = biasAndRelu();
  CHECK(absorbed("then optional + bias[n]", network) == "bias");
  CHECK(absorbed("then optional relu", network).empty());
  const Absorption reversed("then optional relu, optional + bias[n]", network);
  CHECK(reversed.steps == "bias");
  CHECK(reversed.result.match->absorptionEnd ==
        "'out' of 'v' is no step that comes next in its `then`");
  CHECK(Absorption(all, network).result.match->absorptionEnd == "'v' is a result of the network");
  CHECK(absorbed("", network).empty());
  const Absorption demanded("then + bias[n], relu", network);
  CHECK(demanded.steps == "bias relu");
  const Absorption missing("then + bias[n], + residual[m, n], relu", network);
  CHECK_FALSE(missing.result.match);
  CHECK(missing.result.mismatch.kind == MismatchKind::RequiredEpilogue);
  CHECK(missing.result.mismatch.reason.find("'residual'") != std::string::npos);
}

TEST_CASE("a tensor is absorbed only where it is read as declared") {
  const auto biasOf = [](const std::string &parameter, const std::string &access,
                         const std::string &name = "bias") {
    NetworkText network;
    network.input(parameter);
    network.step("z", {"y: 4, 6", parameter}, "y[v_i, v_j] + " + name + "[" + access + "]");
    return network;
  };
  CHECK(absorbed("then optional + bias[n]", biasOf("bias: 6", "v_j")) == "bias");
  CHECK(absorbed("then optional + bias[n]", biasOf("bias: 1, 6", "0, v_j")) == "bias");
  CHECK(absorbed("then optional + bias[m]", biasOf("bias: 6", "v_j")).empty());
  CHECK(absorbed("then optional + bias[m]", biasOf("bias: 4", "v_i")) == "bias");
  CHECK(absorbed("then optional + bias[n]", biasOf("bias: 4", "v_i")).empty());
  CHECK(absorbed("then optional + bias[n]", biasOf("bias: 4, 6", "v_i, v_j")).empty());
  CHECK(absorbed("then optional + r[m, n]", biasOf("bias: 4, 6", "v_i, v_j")) == "r");
  CHECK(absorbed("then optional + r[n, m]", biasOf("bias: 4, 6", "v_i, v_j")) == "r");
  CHECK(absorbed("then optional + r[m, n]", biasOf("bias: 6, 4", "v_j, v_i")) == "r");
  // Other elements than all of them, in their order.
  CHECK(absorbed("then optional + bias[n]", biasOf("bias: 7", "v_j + 1")).empty());
  CHECK(absorbed("then optional + bias[n]", biasOf("bias: 7", "v_j")).empty());
  CHECK(absorbed("then optional + bias[n]", biasOf("bias: 6", "5 - v_j")).empty());
  CHECK(absorbed("then optional + bias[n]", biasOf("bias: 3", "v_j // 2")).empty());
  CHECK(absorbed("then optional + bias[n]", biasOf("bias: 6, 6", "v_j, v_j")).empty());
  CHECK(absorbed("then optional + bias[n]", biasOf("bias: 2, 6", "1, v_j")).empty());
}

TEST_CASE("the operator of a step with a tensor counts, and its sides") {
  const auto with = [](const std::string &value) {
    NetworkText network;
    network.input("t: 6").step("z", {"y: 4, 6", "t: 6"}, value);
    return network;
  };
  CHECK(absorbed("then optional * t[n]", with("y[v_i, v_j] * t[v_j]")) == "t");
  CHECK(absorbed("then optional * t[n]", with("t[v_j] * y[v_i, v_j]")) == "t");
  CHECK(absorbed("then optional + t[n]", with("t[v_j] * y[v_i, v_j]")).empty());
  CHECK(absorbed("then optional - t[n]", with("y[v_i, v_j] - t[v_j]")) == "t");
  CHECK(absorbed("then optional - t[n]", with("t[v_j] - y[v_i, v_j]")).empty());
  CHECK(absorbed("then optional / t[n]", with("y[v_i, v_j] / t[v_j]")) == "t");
  CHECK(absorbed("then optional / t[n]", with("t[v_j] / y[v_i, v_j]")).empty());
  CHECK(absorbed("then optional + t[n]", with("y[v_i, v_j] + y[v_i, v_j] * t[v_j]")).empty());
  CHECK(absorbed("then optional + t[n]", with("y[v_i, v_j] + T.exp(t[v_j])")).empty());
  CHECK(absorbed("then optional + t[m, n]", with("y[v_i, v_j] + y[v_i, v_j]")).empty());
  CHECK(absorbed("then optional + t[n]", with("y[3 - v_i, v_j] + t[v_j]")).empty());
}

TEST_CASE("functions are recognised by what they compute") {
  const auto with = [](const std::string &value) {
    NetworkText network;
    network.step("z", {"y: 4, 6"}, value);
    return network;
  };
  const std::string x = "y[v_i, v_j]";
  const auto check = [&](const std::string &step, const std::string &value, bool isIt) {
    CAPTURE(step);
    CAPTURE(value);
    const std::string name = step.substr(0, step.find('('));
    CHECK(absorbed("then optional " + step, with(value)) == (isIt ? name : ""));
  };
  check("relu", "T.max(" + x + ", T.float32(0))", true);
  check("relu", "T.Select(T.float32(0) < " + x + ", " + x + ", T.float32(0))", true);
  check("relu", "T.max(" + x + ", T.float32(1))", false);
  check("relu", "T.min(" + x + ", T.float32(0))", false);
  check("relu", "T.max(T.exp(" + x + "), T.float32(0))", false);
  check("relu", "T.max(T.min(" + x + ", T.float32(6)), T.float32(0))", false);
  check("relu", "T.Select(T.float32(0) < " + x + ", T.float32(0), " + x + ")", false);
  check("relu6", "T.max(T.min(" + x + ", T.float32(6)), T.float32(0))", true);
  check("relu6", "T.min(T.max(" + x + ", T.float32(0)), T.float32(6))", true);
  check("relu6", "T.max(" + x + ", T.float32(0))", false);
  check("clip", "T.max(T.min(" + x + ", T.float32(9)), T.float32(-2))", true);
  check("clip(-2, 9)", "T.max(T.min(" + x + ", T.float32(9)), T.float32(-2))", true);
  check("clip(-2, 8)", "T.max(T.min(" + x + ", T.float32(9)), T.float32(-2))", false);
  check("clip", "T.max(" + x + ", T.float32(-2))", false);
  const std::string leaky =
      "T.Select(T.float32(0) < " + x + ", " + x + ", " + x + " * T.float32(0.1))";
  check("leaky_relu", leaky, true);
  check("leaky_relu(0.1)", leaky, true);
  check("leaky_relu(0.2)", leaky, false);
  check("relu", leaky, false);
  check("sigmoid", "T.sigmoid(" + x + ")", true);
  check("sigmoid", "T.tanh(" + x + ")", false);
  check("tanh", "T.tanh(" + x + ")", true);
  check("silu", x + " * T.sigmoid(" + x + ")", true);
  check("silu", x + " * T.sigmoid(" + x + " + T.float32(1))", false);
  const std::string gate =
      "T.max(T.min(" + x + " + T.float32(3), T.float32(6)), T.float32(0)) / T.float32(6)";
  check("hard_sigmoid", gate, true);
  check("hard_swish", x + " * (" + gate + ")", true);
  check("hard_swish", gate, false);
  check("gelu",
        x + " * (T.float32(0.5) + T.erf(" + x +
            " * T.float32(0.70710678118654757)) * T.float32(0.5))",
        true);
  check("gelu", x + " * (T.float32(0.5) + T.erf(" + x + ") * T.float32(0.5))", false);
}

TEST_CASE("a function that calls compute together is absorbed, if nobody else reads between") {
  NetworkText network;
  network.step("z", {"y: 4, 6"}, "T.sigmoid(y[v_i, v_j])")
      .step("v", {"y: 4, 6", "z: 4, 6"}, "y[v_i, v_j] * z[v_i, v_j]");
  const Absorption found("then optional silu", network);
  CHECK(found.steps == "silu");
  CHECK(found.calls == "z v");
  NetworkText other = network;
  other.step("w", {"z: 4, 6", "v: 4, 6"}, "z[v_i, v_j] * v[v_i, v_j]");
  CHECK(absorbed("then optional silu", other).empty());
}

TEST_CASE("nothing is absorbed past a second reader or a result of the network") {
  NetworkText readTwice = biasAndRelu();
  readTwice.step("w", {"y: 4, 6", "v: 4, 6"}, "y[v_i, v_j] - T.exp(v[v_i, v_j])");
  CHECK(absorbed(all, readTwice).empty());
  NetworkText between = biasAndRelu();
  between.step("w", {"z: 4, 6", "v: 4, 6"}, "z[v_i, v_j] - T.exp(v[v_i, v_j])");
  CHECK(absorbed(all, between) == "bias");
  NetworkText returned = biasAndRelu();
  returned.results = "z, v";
  CHECK(absorbed(all, returned) == "bias");
  returned.results = "y, v";
  CHECK(absorbed(all, returned).empty());
}

TEST_CASE("an operand must be known before the layer starts") {
  // y and a second product are added: the later one absorbs the sum, the earlier one cannot.
  NetworkText network;
  network.calls.emplace_back("u = product(lhs, rhs)");
  network.step("z", {"y: 4, 6", "u: 4, 6"}, "y[v_i, v_j] + u[v_i, v_j]");
  CHECK(Absorption(all, network, 0).steps.empty());
  const Absorption later(all, network, 1);
  CHECK(later.steps == "residual");
  CHECK(later.calls == "z");
  CHECK(later.result.match->tensors.back().tensorName == "y");
  // A free reshape behind the layer of what was there before it.
  NetworkText reshaped;
  reshaped.input("r: 24");
  reshaped.step("q", {"r: 24"}, "r[v_i * 6 + v_j]")
      .step("z", {"y: 4, 6", "q: 4, 6"}, "y[v_i, v_j] + q[v_i, v_j]");
  CHECK(absorbed(all, reshaped) == "residual");
}

TEST_CASE("of a later call a part may be absorbed") {
  NetworkText network;
  network.input("bias: 6");
  network.function("z", {"y: 4, 6", "bias: 6", "out: 4, 6"},
                   "        t = T.alloc_buffer((4, 6))\n" +
                       stage("t[v_i, v_j]", "y[v_i, v_j] + bias[v_j]") +
                       stage("out[v_i, v_j]", "T.max(t[v_i, v_j], T.float32(0))"));
  const Absorption whole(all, network);
  CHECK(whole.steps == "bias relu");
  CHECK(whole.calls == "z");
  CHECK(whole.result.match->absorbedParts.empty());
  const Absorption part("then optional + bias[n]", network);
  CHECK(part.steps == "bias");
  CHECK(part.calls.empty());
  REQUIRE(part.result.match->absorbedParts.size() == 1);
  CHECK(part.result.match->absorbedParts[0] == workload::StageRef{1, 0});
  CHECK(part.result.match->tensors.front().tensorName == "t");
}

TEST_CASE("shapes that differ, casts and unknown expressions end the chain") {
  NetworkText cast;
  cast.step("z", {"y: 4, 6"}, "T.Cast(\"float16\", y[v_i, v_j])", "out: 4, 6: float16")
      .step("v", {"z: 4, 6: float16"}, "T.max(z[v_i, v_j], T.float16(0))", "out: 4, 6: float16");
  CHECK(absorbed(all, cast).empty());
  NetworkText cut;
  cut.step("z", {"y: 4, 6"}, "T.max(y[v_i, v_j], T.float32(0))", "out: 4, 5");
  CHECK(absorbed(all, cut).empty());
  NetworkText transposed;
  transposed.step("z", {"y: 4, 6"}, "T.max(y[v_j, v_i], T.float32(0))", "out: 6, 4");
  CHECK(absorbed(all, transposed).empty());
  NetworkText power;
  power.step("z", {"y: 4, 6"}, "y[v_i, v_j] * y[v_i, v_j]");
  CHECK(absorbed(all, power).empty());
}

TEST_CASE("the uses of tensors may be given, and change nothing") {
  const Absorption found(all, biasAndRelu());
  const workload::Workload &network = *found.bench.workload;
  const workload::TensorUses uses(network);
  MatchOptions options;
  options.uses = &uses;
  const workload::Call &call = network.calls.front();
  const MatchResult result =
      matchContraction(*found.bench.mappings.front(), network, call, *call.contraction(), options);
  REQUIRE(result.match);
  CHECK(result.match->absorbedCalls == found.result.match->absorbedCalls);
  REQUIRE(result.match->absorbed.size() == 2);
  CHECK(result.match->absorbed[0].name == "bias");
  CHECK(result.match->absorbed[1].name == "relu");
}

TEST_CASE("requantisation is numbers alone, up to a cast to a narrower whole number") {
  NetworkText network;
  network.inputs = {"lhs: 4, 8: int8", "rhs: 8, 6: int8"};
  network.functions[0] = {"product",
                          {"lhs: 4, 8: int8", "rhs: 8, 6: int8", "out: 4, 6: int32"},
                          product("out", "lhs", "int32")};
  NetworkText shift = network;
  shift
      .step("z", {"y: 4, 6: int32"}, "T.shift_right(y[v_i, v_j] * 77 + 8192, 14)",
            "out: 4, 6: int32")
      .step("v", {"z: 4, 6: int32"}, "T.Cast(\"int8\", T.max(T.min(z[v_i, v_j], 127), -128))",
            "out: 4, 6: int8");
  const Absorption found("then optional relu, optional requantize", shift);
  CHECK(found.steps == "requantize");
  CHECK(found.calls == "z v");
  CHECK(found.result.match->tensors[0].elementType.name() == "int8");
  NetworkText scaled = network;
  scaled.input("t: 6: int32");
  scaled.step("z", {"y: 4, 6: int32", "t: 6: int32"}, "y[v_i, v_j] * t[v_j]", "out: 4, 6: int32")
      .step("v", {"z: 4, 6: int32"}, "T.Cast(\"int8\", z[v_i, v_j])", "out: 4, 6: int8");
  CHECK(absorbed("then optional requantize", scaled).empty());
  // TVM's products of fixed-point numbers are such numbers.
  NetworkText fixedPoint = network;
  fixedPoint.step(
      "z", {"y: 4, 6: int32"},
      "T.Cast(\"int8\", T.max(T.min(T.q_multiply_shift(y[v_i, v_j], 1717986918, 31, -7) "
      "+ 3, 127), -128))",
      "out: 4, 6: int8");
  CHECK(absorbed("then optional requantize", fixedPoint) == "requantize");
  NetworkText channels = network;
  channels.input("t: 6: int32");
  channels.step("z", {"y: 4, 6: int32", "t: 6: int32"},
                "T.Cast(\"int8\", T.q_multiply_shift_per_axis(y[v_i, v_j], t[v_j], t[v_j], t[v_j], "
                "31, T.bool(True), T.bool(True)))",
                "out: 4, 6: int8");
  CHECK(absorbed("then optional requantize", channels).empty());
  // A ReLU in front of it is a step of its own.
  NetworkText rectified = network;
  rectified.step("z", {"y: 4, 6: int32"}, "T.max(y[v_i, v_j], 0)", "out: 4, 6: int32")
      .step("v", {"z: 4, 6: int32"}, "T.Cast(\"int8\", T.max(T.min(z[v_i, v_j] * 3, 127), -128))",
            "out: 4, 6: int8");
  CHECK(absorbed("then optional requantize", rectified).empty());
  CHECK(absorbed("then optional relu, optional requantize", rectified) == "relu requantize");
  NetworkText wide = network;
  wide.step("z", {"y: 4, 6: int32"}, "T.Cast(\"int64\", y[v_i, v_j])", "out: 4, 6: int64");
  CHECK(absorbed("then optional requantize", wide).empty());
}

TEST_CASE("a ReLU within or behind a requantisation is that in front of it") {
  NetworkText network;
  network.inputs = {"lhs: 4, 8: int8", "rhs: 8, 6: int8"};
  network.functions[0] = {"product",
                          {"lhs: 4, 8: int8", "rhs: 8, 6: int8", "out: 4, 6: int32"},
                          product("out", "lhs", "int32")};
  const char *const epilogue = "then optional relu, optional requantize";
  const auto narrow = [](const std::string &value) {
    return "T.Cast(\"int8\", T.max(T.min(" + value + ", 127), -128))";
  };
  const auto behind = [&](const std::string &value, const std::string &relu) {
    NetworkText text = network;
    text.step("z", {"y: 4, 6: int32"}, value, "out: 4, 6: int8")
        .step("v", {"z: 4, 6: int8"}, relu, "out: 4, 6: int8");
    return Absorption(epilogue, text).steps;
  };
  const std::string relu = "T.max(z[v_i, v_j], T.int8(0))";
  const std::string shift = narrow("T.shift_right(y[v_i, v_j] * 77 + 8192, 14)");
  CHECK(behind(shift, relu) == "relu requantize");
  CHECK(behind(narrow("T.q_multiply_shift(y[v_i, v_j], 1717986918, 31, -7)"), relu) ==
        "relu requantize");
  CHECK(behind(narrow("T.q_multiply_shift(y[v_i, v_j], 1717986918, 31, 2)"), relu) ==
        "relu requantize");
  CHECK(behind(narrow("T.q_multiply_shift(y[v_i, v_j], 1717986918, 31, -7) + 3"), relu) ==
        "requantize");
  CHECK(behind(shift, "T.max(T.min(z[v_i, v_j], T.int8(127)), T.int8(0))") == "relu requantize");
  // What the hardware cannot do stays: other bounds, a zero point, another sign.
  CHECK(behind(shift, "T.max(T.min(z[v_i, v_j], T.int8(100)), T.int8(0))") == "requantize");
  CHECK(behind(shift, "T.max(z[v_i, v_j], T.int8(1))") == "requantize");
  CHECK(behind(narrow("T.shift_right(y[v_i, v_j] * 77, 14) + 5"), relu) == "requantize");
  CHECK(behind(narrow("T.shift_right(y[v_i, v_j] * -77, 14)"), relu) == "requantize");
  CHECK(behind(narrow("T.shift_right(y[v_i, v_j] * 77 + 16384, 14)"), relu) == "requantize");

  // Numbers with a point between: a ReLU, or one with a bound that 127 cuts again.
  const auto between = [&](const std::string &function, const std::string &scale,
                           const std::string &header) {
    NetworkText text = network;
    text.step("z", {"y: 4, 6: int32"}, "T.Cast(\"float32\", y[v_i, v_j]) * T.float32(0.01)")
        .step("v", {"z: 4, 6"}, function)
        .step("u", {"v: 4, 6"},
              "T.Cast(\"int8\", T.max(T.min(T.round(v[v_i, v_j] * T.float32(" + scale +
                  ")), T.float32(127)), T.float32(-128)))",
              "out: 4, 6: int8");
    return Absorption(header, text).steps;
  };
  const std::string plain = "T.max(z[v_i, v_j], T.float32(0))";
  const std::string six = "T.max(T.min(z[v_i, v_j], T.float32(6)), T.float32(0))";
  CHECK(between(plain, "20", epilogue) == "relu requantize");
  CHECK(between(six, "21.2", epilogue) == "relu requantize");
  CHECK(between(six, "21", epilogue).empty()); // 6 is 126: the bound counts
  CHECK(between(six, "21.2", "then optional requantize").empty());
  CHECK(between(plain, "20", "then optional requantize").empty());
  CHECK(between("T.max(z[v_i, v_j] + T.float32(1), T.float32(0))", "20", epilogue).empty());
}

TEST_CASE("steps behind a reshape are absorbed as those in front of it") {
  const auto reshaped = [](const std::string &bias, const std::string &access) {
    NetworkText network;
    network.input("bias: " + bias);
    network
        .function("z", {"y: 4, 6", "out: 2, 2, 6"},
                  "        for i, j, k in T.grid(2, 2, 6):\n            with T.sblock(\"r\"):\n"
                  "                v_i, v_j, v_k = T.axis.remap(\"SSS\", [i, j, k])\n"
                  "                out[v_i, v_j, v_k] = y[v_i * 2 + v_j, v_k]\n")
        .function("w", {"z: 2, 2, 6", "bias: " + bias, "out: 2, 2, 6"},
                  "        for i, j, k in T.grid(2, 2, 6):\n            with T.sblock(\"b\"):\n"
                  "                v_i, v_j, v_k = T.axis.remap(\"SSS\", [i, j, k])\n"
                  "                out[v_i, v_j, v_k] = T.max(z[v_i, v_j, v_k] + bias[" +
                      access + "], T.float32(0))\n");
    return network;
  };
  const Absorption found(all, reshaped("6", "v_k"));
  CHECK(found.steps == "bias relu");
  CHECK(found.calls == "w");
  REQUIRE(found.result.match);
  CHECK(found.result.match->tensors[0].tensorName == "w");
  CHECK(found.result.match->tensors[0].shape == std::vector<std::int64_t>{4, 6});
  // A tensor along a dimension that the result has not is no operand of it.
  CHECK(absorbed(all, reshaped("2", "v_j")).empty());
  // A reshape alone is nothing that a layer does.
  NetworkText alone = biasAndRelu();
  alone.function("u", {"v: 4, 6", "out: 24"},
                 "        for i in range(24):\n            with T.sblock(\"r\"):\n"
                 "                v_i = T.axis.spatial(24, i)\n"
                 "                out[v_i] = v[v_i // 6, v_i % 6]\n");
  const Absorption before(all, alone);
  CHECK(before.steps == "bias relu");
  CHECK(before.result.match->tensors[0].tensorName == "v");
}

TEST_CASE("pooling is absorbed with the windows that the header says") {
  const auto pooled = [](const std::string &extents, const std::string &access,
                         const std::string &shape, bool isMax) {
    NetworkText network;
    network.function("z", {"y: 4, 6", "out: " + shape},
                     reduction("out[v_i, v_j]", "y[" + access + "]", extents, isMax));
    return network;
  };
  const NetworkText square = pooled("2, 3, 2, 2", "v_i * 2 + v_r, v_j * 2 + v_s", "2, 3", true);
  const Absorption found("then optional max_pool(2, 2)", square);
  CHECK(found.steps == "max_pool");
  CHECK(found.result.match->tensors[0].shape == std::vector<std::int64_t>{2, 3});
  CHECK(absorbed("then optional max_pool(2, 2, 2)", square) == "max_pool");
  CHECK(absorbed("then optional max_pool(2, 2, 1)", square).empty());
  CHECK(absorbed("then optional max_pool(2, 3)", square).empty());
  CHECK(absorbed("then optional max_pool(2)", square).empty());
  CHECK(absorbed("then optional average_pool(2, 2)", square).empty());
  const NetworkText overlapping = pooled("3, 3, 2, 2", "v_i + v_r, v_j * 2 + v_s", "3, 3", true);
  CHECK(absorbed("then optional max_pool(2, 2, 1, 2)", overlapping) == "max_pool");
  CHECK(absorbed("then optional max_pool(2, 2, 2, 2)", overlapping).empty());
  // A sum is an average once it is divided.
  NetworkText average = pooled("4, 1, 1, 6", "v_i, v_s", "4, 1", false);
  CHECK(absorbed("then optional average_pool(6)", average).empty());
  average.step("v", {"z: 4, 1"}, "z[v_i, v_j] / T.float32(6)", "out: 4, 1");
  const Absorption divided("then optional average_pool(6), optional relu", average);
  CHECK(divided.steps == "average_pool");
  CHECK(divided.calls == "z v");
  average.step("w", {"v: 4, 1"}, "T.max(v[v_i, v_j], T.float32(0))", "out: 4, 1");
  CHECK(absorbed("then optional average_pool(6), optional relu", average) == "average_pool relu");
  CHECK(absorbed("then optional relu, optional average_pool(6)", average) == "average_pool");
}

TEST_CASE("the chain of a split result has the bias of its group") {
  Bench bench;
  bench.loadText("architecture Arch() {}\n"
                 "mapping grouped[g < G, k < K, p < P; c < C] on arch: Arch\n"
                 "  implements O[g, k, p] += I[g, c, p] * W[g, k, c]\n"
                 "  then optional + bias[g, k], optional relu\n{}\n");
  const std::string text = R"(@I.ir_module
class Module:
    @T.prim_func
    def grouped(x: T.Buffer((6, 5), "float32"), w: T.Buffer((4, 3), "float32"), b: T.Buffer((4,), "float32"), z: T.Buffer((4, 5), "float32")):
        y = T.alloc_buffer((4, 5))
        for k, p, c in T.grid(4, 5, 3):
            with T.block("y"):
                vk, vp, vc = T.axis.remap("SSR", [k, p, c])
                with T.init():
                    y[vk, vp] = T.float32(0)
                y[vk, vp] = y[vk, vp] + x[vk // 2 * 3 + vc, vp] * w[vk, vc]
        for k, p in T.grid(4, 5):
            with T.block("z"):
                vk, vp = T.axis.remap("SS", [k, p])
                z[vk, vp] = y[vk, vp] + b[vk]

    @R.function
    def main(x: R.Tensor((6, 5), dtype="float32"), w: R.Tensor((4, 3), dtype="float32"), b: R.Tensor((4,), dtype="float32")):
        cls = Module
        z = R.call_tir(cls.grouped, (x, w, b), out_sinfo=R.Tensor((4, 5), dtype="float32"))
        return z
)";
  bench.loadNetwork(text);
  REQUIRE_MESSAGE(bench.workload, bench.messages());
  const workload::Call &call = bench.workload->calls.front();
  REQUIRE(call.contraction() != nullptr);
  const MatchResult result =
      matchContraction(*bench.mappings.front(), *bench.workload, call, *call.contraction());
  REQUIRE_MESSAGE(result.match, result.mismatch.reason);
  REQUIRE(result.match->absorbed.size() == 1);
  const TensorBinding &bias = result.match->tensors.back();
  CHECK(bias.name == "bias");
  CHECK(bias.shape == std::vector<std::int64_t>{2, 2});
  CHECK(bias.dimensions[0].source == 0U);
  CHECK(bias.dimensions[1].source == 1U);
}

} // namespace acadlc::mapping
