#include "backend/mapping/Lower.h"

#include "backend/mapping/MappingTestSupport.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <random>

namespace acadlc::mapping {
namespace {

using test::Bench;
using test::OperatorText;

/// One instruction of a stream, in comparable form: operation, unit, registers, addresses.
using Stream = std::vector<std::string>;

std::string describe(const arch::ArchitectureGraph &graph, const std::string &operation,
                     const std::string &unit, const std::vector<arch::RegisterId> &reads,
                     const std::vector<arch::RegisterId> &writes) {
  std::string text = operation + " on " + unit + " reads";
  for (const arch::RegisterId id : reads)
    text += " " + graph.registerName(id);
  text += " writes";
  for (const arch::RegisterId id : writes)
    text += " " + graph.registerName(id);
  return text;
}

Stream streamOf(const program::Program &program, const arch::ArchitectureGraph &graph) {
  Stream result;
  program::InstructionStream stream(program);
  program::Instance instance;
  while (stream.next(instance)) {
    const program::Instruction &i = *instance.instruction;
    std::string text = describe(
        graph, i.operation, graph.objects[program.routes[i.route].unit].name, i.reads, i.writes);
    for (const program::MemoryOperand &operand : i.memory)
      text += fmt::format(" {}[{} + {}]", operand.isWrite ? "W" : "R",
                          program.evaluate(operand.address, instance.loopValues), operand.bytes);
    result.push_back(std::move(text));
  }
  return result;
}

/// Runs a body as the language describes it: every loop value by value, every number known. Takes
/// placements from the lowered layer and shares nothing else with lowering.
class ReferenceInterpreter {
public:
  ReferenceInterpreter(Bench &bench, const LoweredLayer &layer)
      : bench_(bench), graph_(bench.architecture->graph), layer_(layer),
        evaluator_(bench.diagnostics) {}

  Stream run(const Match &match) {
    Scope scope(&bench_.home());
    const ast::MappingDeclaration &mapping = *match.mapping;
    for (std::size_t i = 0; i < match.indices.size(); ++i)
      scope.declare(mapping.indices[i].extent, Value::ofInt(match.indices[i].extent));
    for (std::size_t i = 0; i < match.coefficients.size(); ++i)
      scope.declare(mapping.coefficients[i], Value::ofInt(match.coefficients[i].value));
    scope.declare(mapping.architectureName, bench_.architecture->instance);
    Names names;
    for (const TensorBinding &binding : match.tensors) {
      names.tensors[binding.name] = [this, &binding](const std::vector<std::int64_t> &index) {
        const Placement &place = placementOf(binding.name);
        std::vector<std::int64_t> position(binding.shape.size(), 0);
        for (std::size_t d = 0; d < index.size(); ++d) {
          if (binding.dimensions[d].source)
            position[*binding.dimensions[d].source] = index[d];
          else
            REQUIRE(index[d] == 0);
        }
        std::int64_t offset = 0;
        for (std::size_t d = 0; d < position.size(); ++d) {
          const std::int64_t before = place.withBorder ? binding.before[d] : 0;
          const std::int64_t after = place.withBorder ? binding.after[d] : 0;
          REQUIRE(position[d] >= -before);
          REQUIRE(position[d] < binding.shape[d] + after);
          offset = offset * (before + binding.shape[d] + after) + position[d] + before;
        }
        const std::int64_t size = binding.elementType.storageBits() / 8;
        return std::pair(place.base + offset * size, size);
      };
    }
    block(mapping.body, scope, names);
    return std::move(stream_);
  }

  Stream run(const ast::ProgramDeclaration &program) {
    Scope scope(&bench_.home());
    scope.declare(program.architectureName, bench_.architecture->instance);
    Names names;
    block(program.body, scope, names);
    return std::move(stream_);
  }

private:
  /// Address and size of an element.
  using Locator =
      std::function<std::pair<std::int64_t, std::int64_t>(const std::vector<std::int64_t> &)>;
  struct Names {
    std::map<std::string, Locator> tensors;
  };

  const Placement &placementOf(const std::string &name) {
    for (const Placement &placement : layer_.placements)
      if (placement.name == name)
        return placement;
    FAIL("not placed: " << name);
    return layer_.placements.front();
  }

  std::int64_t number(const ast::Expr &expr, const Scope &scope) {
    const auto value = evaluator_.evaluateInt(expr, scope, "a number");
    REQUIRE_MESSAGE(value, bench_.messages());
    return *value;
  }

  void block(ast::Block body, Scope &scope, Names &names) {
    for (const ast::Statement *statement : body)
      run(*statement, scope, names);
  }

  void run(const ast::Statement &statement, Scope &scope, Names &names) {
    if (const auto *let = ast::dynCast<ast::LetStatement>(&statement)) {
      REQUIRE(evaluator_.let(*let, scope));
    } else if (const auto *loop = ast::dynCast<ast::ForStatement>(&statement)) {
      REQUIRE(evaluator_.forEach(loop->loops, scope, loop->range, [&](Scope &inner) {
        Scope own(&inner);
        block(loop->body, own, names);
        return true;
      }));
    } else if (const auto *branch = ast::dynCast<ast::IfStatement>(&statement)) {
      const auto condition = evaluator_.evaluateBool(*branch->condition, scope);
      REQUIRE(condition);
      Scope inner(&scope);
      block(*condition ? branch->thenBlock : branch->elseBlock, inner, names);
    } else if (const auto *buffer = ast::dynCast<ast::BufferStatement>(&statement)) {
      addBuffer(*buffer, scope, names);
    } else if (const auto *via = ast::dynCast<ast::ViaStatement>(&statement)) {
      runVia(*via, scope, names);
    } else if (const auto *emit = ast::dynCast<ast::EmitStatement>(&statement)) {
      runEmit(*emit, scope, names);
    }
  }

  void addBuffer(const ast::BufferStatement &buffer, Scope &scope, Names &names) {
    std::vector<std::int64_t> shape;
    for (const ast::Expr *extent : buffer.shape)
      shape.push_back(number(*extent, scope));
    const std::int64_t base = placementOf("buffer " + buffer.name.text.str()).base;
    names.tensors[buffer.name.text.str()] = [base, shape](const std::vector<std::int64_t> &index) {
      std::int64_t offset = 0;
      for (std::size_t d = 0; d < shape.size(); ++d)
        offset = offset * shape[d] + index[d];
      return std::pair(base + offset * 4, std::int64_t{4});
    };
  }

  void runVia(const ast::ViaStatement &via, Scope &scope, Names &names) {
    const Symbol *symbol = scope.find(via.mapping.text);
    REQUIRE(symbol);
    const auto *mapping = ast::dynCast<ast::MappingDeclaration>(symbol->declaration);
    REQUIRE(mapping);
    Scope inner(symbol->home);
    for (const ast::Argument &extent : via.extents)
      inner.declare(extent.name, Value::ofInt(number(*extent.value, scope)));
    inner.declare(mapping->architectureName, bench_.architecture->instance);
    Names innerNames;
    for (const ast::View &view : via.views) {
      innerNames.tensors[view.tensor.text.str()] =
          [this, &view, &scope, &names](const std::vector<std::int64_t> &index) {
            Scope bound(&scope);
            for (std::size_t i = 0; i < index.size(); ++i)
              bound.declare(view.indices[i], Value::ofInt(index[i]));
            std::vector<std::int64_t> outer;
            for (const ast::Expr *expr : view.source.indices)
              outer.push_back(number(*expr, bound));
            return names.tensors.at(view.source.tensor.text.str())(outer);
          };
    }
    block(mapping->body, inner, innerNames);
  }

  void runEmit(const ast::EmitStatement &emit, Scope &scope, Names &names) {
    const Symbol *symbol = findInstruction(emit.instruction.text, bench_.home());
    REQUIRE(symbol);
    const auto *declaration = ast::dynCast<ast::InstructionDeclaration>(symbol->declaration);
    std::vector<arch::RegisterId> reads, writes;
    std::string memory;
    for (std::size_t i = 0; i < emit.arguments.size(); ++i) {
      const ast::Operand &operand = declaration->operands[i];
      const bool isIn = operand.direction != ast::OperandDirection::Out;
      const bool isOut = operand.direction == ast::OperandDirection::Out ||
                         operand.direction == ast::OperandDirection::InOut;
      if (operand.type.name.parts.back().text == "reg") {
        const auto value = evaluator_.evaluate(*emit.arguments[i].value, scope);
        REQUIRE(value);
        if (isIn)
          reads.push_back(value->registerId(graph_));
        if (isOut)
          writes.push_back(value->registerId(graph_));
        continue;
      }
      const auto [address, bytes] = memoryOf(*emit.arguments[i].value, scope, names);
      if (isIn)
        memory += fmt::format(" R[{} + {}]", address, bytes);
      if (isOut)
        memory += fmt::format(" W[{} + {}]", address, bytes);
    }
    std::sort(reads.begin(), reads.end());
    reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
    std::sort(writes.begin(), writes.end());
    stream_.push_back(describe(graph_, emit.instruction.text.str(),
                               unitOf(emit, scope, reads, writes), reads, writes) +
                      memory);
  }

  std::pair<std::int64_t, std::int64_t> memoryOf(const ast::Expr &expr, Scope &scope,
                                                 Names &names) {
    const auto &access = ast::cast<ast::IndexExpr>(expr);
    const auto &name = ast::cast<ast::NameExpr>(*access.object);
    std::vector<std::int64_t> first, last;
    for (const ast::Expr *index : access.indices) {
      const auto *range = ast::dynCast<ast::RangeExpr>(index);
      const ast::Expr *begin = range ? range->low : index;
      first.push_back(number(*begin, scope));
      last.push_back(range ? number(*range->high, scope) - 1 : first.back());
    }
    const Locator &locate = names.tensors.at(name.name.str());
    const auto [address, bytes] = locate(first);
    return {address, locate(last).first - address + bytes};
  }

  /// The unit by trying all of them.
  std::string unitOf(const ast::EmitStatement &emit, Scope &scope,
                     const std::vector<arch::RegisterId> &reads,
                     const std::vector<arch::RegisterId> &writes) {
    if (emit.unit) {
      const auto value = evaluator_.evaluate(*emit.unit, scope);
      REQUIRE(value);
      return graph_.objects[value->object()].name;
    }
    const auto has = [](const std::vector<arch::ObjectId> &ids, arch::ObjectId id) {
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    for (arch::ObjectId id = 0; id < graph_.objects.size(); ++id) {
      const auto &operations = graph_.objects[id].toProcess;
      bool fits = std::find(operations.begin(), operations.end(), emit.instruction.text.str()) !=
                  operations.end();
      for (const arch::RegisterId r : reads)
        fits = fits && has(graph_.readsFrom[id], graph_.fileOfRegister(r));
      for (const arch::RegisterId r : writes)
        fits = fits && has(graph_.writesTo[id], graph_.fileOfRegister(r));
      if (fits)
        return graph_.objects[id].name;
    }
    FAIL("no unit");
    return "";
  }

  Bench &bench_;
  const arch::ArchitectureGraph &graph_;
  const LoweredLayer &layer_;
  Evaluator evaluator_;
  Stream stream_;
};

void checkSame(const Stream &expected, const Stream &found) {
  REQUIRE(expected.size() == found.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (expected[i] != found[i]) {
      CAPTURE(i);
      REQUIRE(expected[i] == found[i]);
    }
}

struct SystolicBench : Bench {
  SystolicBench() { loadLibrary("std/systolic_array.acadl"); }
  void prepare(int rows, int columns, const std::string &network) {
    elaborateWith({{"rows", std::to_string(rows)}, {"columns", std::to_string(columns)}});
    REQUIRE_MESSAGE(architecture, messages());
    loadNetwork(network);
    REQUIRE_MESSAGE(workload, messages());
  }
  std::optional<LoweredLayer> lowerFirst() {
    for (const workload::Call &call : workload->calls)
      if (const workload::Contraction *contraction = call.contraction()) {
        Choice choice = chooseMapping(mappings, preferences, {}, *workload, call, *contraction);
        REQUIRE(choice.match);
        match = std::move(choice.match);
        return lower(*match, *architecture, home(), sources, diagnostics, options);
      }
    return std::nullopt;
  }
  void compare() {
    const auto layer = lowerFirst();
    REQUIRE_MESSAGE(layer, messages());
    const Stream expected = ReferenceInterpreter(*this, *layer).run(*match);
    checkSame(expected, streamOf(layer->program, architecture->graph));
    CHECK(layer->totals.instructions == static_cast<std::int64_t>(expected.size()));
  }
  std::optional<Match> match;
  LoweringOptions options;
};

OperatorText convText(int channels, int filters, int size, int kernel, int stride) {
  const auto s = [](int value) { return std::to_string(value); };
  const int out = (size - kernel) / stride + 1;
  const std::string result = "1, " + s(filters) + ", " + s(out) + ", " + s(out);
  return {"1, " + s(channels) + ", " + s(size) + ", " + s(size),
          s(filters) + ", " + s(channels) + ", " + s(kernel) + ", " + s(kernel),
          result,
          "n, f, y, x, c, r, s",
          result + ", " + s(channels) + ", " + s(kernel) + ", " + s(kernel),
          "SSSSRRR",
          "v_n, v_f, v_y, v_x",
          "v_n, v_c, v_y * " + s(stride) + " + v_r, v_x * " + s(stride) + " + v_s",
          "v_f, v_c, v_r, v_s"};
}

/// \p groups groups, each of \p channels channels and \p filters filters.
OperatorText groupedText(int groups, int channels, int filters, int size, int kernel) {
  OperatorText text = convText(groups * channels, groups * filters, size, kernel, 1);
  const auto s = [](int value) { return std::to_string(value); };
  const int out = size - kernel + 1;
  text.weight = s(groups * filters) + ", " + s(channels) + ", " + s(kernel) + ", " + s(kernel);
  text.extents = text.result + ", " + s(channels) + ", " + s(kernel) + ", " + s(kernel);
  CHECK(text.result == "1, " + s(groups * filters) + ", " + s(out) + ", " + s(out));
  text.dataIndex =
      "v_n, v_f // " + s(filters) + " * " + s(channels) + " + v_c, v_y + v_r, v_x + v_s";
  return text;
}

/// A little machine for programs.
const char *const machine = R"(
instruction load(dst: out reg, src: in mem)
instruction store(dst: out mem, src: in reg)
instruction add(sum: inout reg, a: in reg)
instruction copy(n: int, dst: inout mem) { latency = n * 1 cycle  macs = n }
architecture Machine() {
  code: SRAM { data_width = 32 bit, size = 1 KiB }
  fetch: InstructionFetchStage { issue_buffer_size = 4 } contains {
    fetcher: InstructionMemoryAccessUnit { latency = 1 cycle }
  }
  code => fetcher
  memory: SRAM { data_width = 32 bit, size = 64 KiB }
  registers: RegisterFile { data_width = 32 bit, registers = [a, r[8]] }
  execute: ExecuteStage { latency = 1 cycle } contains {
    mover: MemoryAccessUnit { to_process = [load, store, copy], latency = 1 cycle }
    adder: FunctionalUnit { to_process = [add], latency = 2 cycles }
  }
  fetch -> execute
  memory => mover => registers
  registers => mover => memory
  registers => adder => registers
}
)";

struct ProgramBench : Bench {
  std::optional<LoweredLayer> lowerProgram(const std::string &body) {
    loadText(std::string(machine) + "program p() on arch: Machine {\n" + body + "\n}\n");
    elaborateWith({});
    REQUIRE_MESSAGE(architecture, messages());
    return lower(*programs.front(), *architecture, home(), sources, diagnostics, options);
  }
  LoweredLayer lowered(const std::string &body) {
    auto layer = lowerProgram(body);
    REQUIRE_MESSAGE(layer, messages());
    checkSame(ReferenceInterpreter(*this, *layer).run(*programs.front()),
              streamOf(layer->program, architecture->graph));
    return std::move(*layer);
  }
  std::string errorOf(const std::string &body) {
    CHECK_FALSE(lowerProgram(body));
    REQUIRE(!diagnostics.diagnostics().empty());
    return std::string(diagnosticInfo(diagnostics.diagnostics().front().code).name);
  }
  LoweringOptions options;
};

/// Random bodies of nested loops, conditions and accesses to one buffer.
class RandomBody {
public:
  explicit RandomBody(unsigned seed) : random_(seed) {}
  std::string text() { return "buffer room[4, 50]: int32 in arch.memory\n" + block(3); }

private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string variable() {
    return variables_.empty() ? std::to_string(below(7)) : variables_[below(variables_.size())];
  }
  std::string number(int depth) {
    if (depth == 0 || below(4) == 0)
      return below(3) == 0 ? std::to_string(below(9) - 2) : variable();
    const std::string a = number(depth - 1), b = number(depth - 1);
    switch (below(8)) {
    case 0:
      return "(" + a + " + " + b + ")";
    case 1:
      return "(" + a + " - " + b + ")";
    case 2:
      return "(" + a + " * " + std::to_string(below(5) - 1) + ")";
    case 3:
      return "(" + a + " / " + std::to_string(below(4) + 1) + ")";
    case 4:
      return "(" + a + " % " + std::to_string(below(4) + 1) + ")";
    case 5:
      return "min(" + a + ", " + b + ")";
    case 6:
      return "max(" + a + ", " + b + ")";
    default:
      return "(" + a + " * " + b + ")";
    }
  }
  std::string condition() {
    const char *const operators[] = {"<", "<=", ">", ">=", "==", "!="};
    return number(2) + " " + operators[below(6)] + " " + number(1);
  }
  std::string access() {
    const std::string row = number(1) + " % 4", column = number(2) + " % 40";
    if (below(3) == 0)
      return "room[" + row + ", " + column + " .. " + column + " + " +
             std::to_string(below(4) + 1) + "]";
    return "room[" + row + ", " + column + "]";
  }
  std::string emit() {
    switch (below(4)) {
    case 0:
      return "emit load(arch.registers.a, " + access() + ")\n";
    case 1:
      return "emit store(" + access() + ", arch.registers.r[" + std::to_string(below(8)) + "])\n";
    case 2:
      return "emit add(arch.registers.a, arch.registers.r[" + number(1) + " % 8])\n";
    default:
      return "emit load(arch.registers.r[" + std::to_string(below(8)) + "], " + access() + ")\n";
    }
  }
  std::string loop(int depth) {
    const std::string name = "v" + std::to_string(count_++);
    const std::string low = below(2) == 0 ? "0" : number(1);
    std::string text = "for " + name + " in " + low + " .. ";
    text += below(2) == 0 ? "(" + low + ") + " + std::to_string(below(6)) : number(1);
    if (below(3) == 0)
      text += " step " + std::to_string(below(3) + 1);
    variables_.push_back(name);
    text += " {\n" + block(depth - 1) + "}\n";
    variables_.pop_back();
    return text;
  }
  std::string block(int depth) {
    std::string text;
    const std::size_t outer = variables_.size();
    const int statements = 1 + below(3);
    for (int i = 0; i < statements; ++i) {
      switch (depth == 0 ? 4 : below(6)) {
      case 0:
      case 1:
        text += loop(depth);
        break;
      case 2:
        text += "if " + condition() + " {\n" + block(depth - 1) + "} else {\n" + block(depth - 1) +
                "}\n";
        break;
      case 3: {
        const std::string name = "v" + std::to_string(count_++);
        text += "let " + name + " = " + number(2) + "\n";
        variables_.push_back(name);
        break;
      }
      default:
        text += emit();
      }
    }
    variables_.resize(outer);
    return text;
  }

  std::mt19937 random_;
  std::vector<std::string> variables_;
  int count_ = 0;
};

} // namespace

TEST_CASE("lowered matrix products are what the body says, on all kinds of edges") {
  std::mt19937 random(7);
  for (int sample = 0; sample < 12; ++sample) {
    SystolicBench bench;
    const auto size = [&](unsigned limit) { return 1 + static_cast<int>(random() % limit); };
    bench.prepare(size(4), size(4), test::matmulText(size(9), size(9), size(6)).text());
    bench.compare();
  }
}

TEST_CASE("lowered convolutions are what the body says") {
  std::mt19937 random(8);
  for (int sample = 0; sample < 8; ++sample) {
    SystolicBench bench;
    const auto size = [&](unsigned limit) { return 1 + static_cast<int>(random() % limit); };
    const int kernel = size(3);
    bench.prepare(size(3), size(3),
                  convText(size(3), size(4), kernel + size(4), kernel, size(2)).text());
    bench.compare();
  }
}

TEST_CASE("random programs are lowered to what they say") {
  int lowered = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    const std::string body = RandomBody(seed).text();
    CAPTURE(body);
    ProgramBench bench;
    const auto layer = bench.lowerProgram(body);
    if (!layer) {
      // Only what is wrong in the text may fail, and then in the reference too: indices outside.
      continue;
    }
    ++lowered;
    checkSame(ReferenceInterpreter(bench, *layer).run(*bench.programs.front()),
              streamOf(layer->program, bench.architecture->graph));
  }
  CHECK(lowered > 300);
}

TEST_CASE("the size of a program does not grow with trip counts") {
  SystolicBench small, large;
  small.prepare(4, 4, test::matmulText(16, 19, 50).text());
  large.prepare(4, 4, test::matmulText(1600, 1603, 5000).text());
  const auto a = small.lowerFirst(), b = large.lowerFirst();
  REQUIRE(a);
  REQUIRE(b);
  CHECK(a->program.instructions.size() == b->program.instructions.size());
  CHECK(a->program.repeats.size() == b->program.repeats.size());
  CHECK(b->totals.macs == std::int64_t{1600} * 1603 * 5000);
}

TEST_CASE("a large convolution becomes a small program") {
  SystolicBench bench;
  // The second convolution of AlexNet.
  bench.prepare(16, 16, convText(64, 192, 31, 5, 1).text());
  const auto layer = bench.lowerFirst();
  REQUIRE_MESSAGE(layer, bench.messages());
  CHECK(layer->totals.macs == std::int64_t{192} * 27 * 27 * 64 * 25);
  // Not the hundreds of millions that it stands for.
  CHECK(layer->program.instructions.size() < 2000);
  CHECK(layer->program.repeats.size() < 10);
}

TEST_CASE_FIXTURE(ProgramBench, "a loop that only moves addresses is kept") {
  const LoweredLayer layer = lowered("buffer x[1000]: int32 in arch.memory\n"
                                     "for i in 0 .. 1000 { emit load(arch.registers.a, x[i]) }");
  REQUIRE(layer.program.repeats.size() == 1);
  CHECK(layer.program.repeats[0].count == 1000);
  CHECK_FALSE(layer.program.instructions[0].memory[0].mayConflict);
}

TEST_CASE_FIXTURE(ProgramBench, "iterations that differ are split off, the others stay together") {
  const LoweredLayer layer = lowered("buffer x[1000]: int32 in arch.memory\n"
                                     "for i in 0 .. 1000 {\n"
                                     "  emit load(arch.registers.a, x[i])\n"
                                     "  if i > 0 { emit add(arch.registers.a, arch.registers.a) }\n"
                                     "  if i == 500 { emit store(x[0], arch.registers.a) }\n"
                                     "}");
  CHECK(layer.program.repeats.size() == 2);
  CHECK(layer.totals.instructions == 1000 + 999 + 1);
  CHECK(layer.program.instructions[0].memory[0].mayConflict);
}

TEST_CASE_FIXTURE(ProgramBench, "a loop that starts at another one's value is kept") {
  const LoweredLayer layer =
      lowered("buffer x[64]: int32 in arch.memory\n"
              "for i in 0 .. 64 step 8, j in i .. i + 8 { emit load(arch.registers.a, x[j]) }");
  CHECK(layer.program.repeats.size() == 2);
  CHECK(layer.program.instructions.size() == 1);
}

TEST_CASE_FIXTURE(ProgramBench, "quotients and remainders join to an affine address") {
  const LoweredLayer layer =
      lowered("buffer x[4, 5, 6]: int32 in arch.memory\n"
              "for i in 0 .. 120 { emit load(arch.registers.a, x[i / 30, i / 6 % 5, i % 6]) }");
  REQUIRE(layer.program.instructions.size() == 1);
  CHECK_FALSE(layer.program.instructions[0].memory[0].address.hasRest);
}

TEST_CASE_FIXTURE(ProgramBench, "an inout memory operand is a read, then a write") {
  const LoweredLayer layer = lowered("buffer x[4]: int32 in arch.memory\n"
                                     "emit load(arch.registers.a, x[2])\n");
  CHECK(layer.placements.size() == 1);
  ProgramBench second;
  const auto copied = second.lowerProgram("buffer x[4]: int32 in arch.memory\n"
                                          "emit copy(3, x[1 .. 3])\n");
  REQUIRE_MESSAGE(copied, second.messages());
  const program::Instruction &copy = copied->program.instructions.front();
  REQUIRE(copy.memory.size() == 2);
  CHECK_FALSE(copy.memory[0].isWrite);
  CHECK(copy.memory[1].isWrite);
  CHECK(copy.memory[1].bytes == 8);
  CHECK(copy.latency == 3);
  CHECK(copy.macs == 3);
}

TEST_CASE("an instruction that expands in a phase needs no edges to what it hands on") {
  Bench bench;
  const auto lowerWith = [&](const std::string &body) {
    bench.loadText("instruction row(src: in mem)\ninstruction move(src: in mem) { " + body + R"( }
      architecture Array {
        instructions: SRAM { size = 1 KiB }
        fetch: InstructionFetchStage { issue_buffer_size = 1 } contains {
          fetcher: InstructionMemoryAccessUnit { latency = 1 cycle }
        }
        instructions => fetcher
        memory: SRAM { size = 1 KiB }
        control: ExecuteStage { latency = 1 cycle } contains {
          controller: FunctionalUnit { to_process = [move], latency = 1 cycle }
        }
        reading: ExecuteStage { latency = 1 cycle } contains {
          reader: MemoryAccessUnit { to_process = [row], latency = 1 cycle }
        }
        fetch -> control -> reading
        memory => reader
      }
      program p() on arch: Array { emit move(arch.memory[0 .. 64]) })");
    bench.elaborateWith({});
    REQUIRE_MESSAGE(bench.architecture, bench.messages());
    return lower(*bench.programs.front(), *bench.architecture, bench.home(), bench.sources,
                 bench.diagnostics, {});
  };
  SUBCASE("a phase that expands") {
    const auto layer = lowerWith("phase rows expands { emit row(src) }");
    REQUIRE_MESSAGE(layer, bench.messages());
    const program::Program &program = layer->program;
    REQUIRE(program.instructions.size() == 2);
    const program::Instruction &move = program.instructions[0], &row = program.instructions[1];
    REQUIRE(move.phases.size() == 1);
    CHECK(move.phases[0].kind == program::Phase::Kind::Expansion);
    CHECK(move.isExpanding());
    CHECK(program.regions[move.phases[0].body].steps.size() == 1);
    CHECK(row.memory[0].base == 0);
    CHECK(row.memory[0].bytes == 64);
    CHECK(program.routes[row.route].origin == program.routes[move.route].stages.back());
    CHECK(program.routes[row.route].stages.size() == 1);
    CHECK(layer->totals.instructions == 1);
    CHECK(layer->totals.emitted == 1);
  }
  SUBCASE("a phase that does not") {
    CHECK_FALSE(lowerWith("phase rows for 2 cycles"));
    REQUIRE(!bench.diagnostics.diagnostics().empty());
    CHECK(bench.diagnostics.diagnostics().front().code == DiagnosticCode::NoUnit);
  }
}

TEST_CASE("units that can not be found or told apart are reported") {
  const auto messageOf = [](const std::string &text) {
    Bench bench;
    bench.loadText(text);
    bench.elaborateWith({});
    REQUIRE_MESSAGE(bench.architecture, bench.messages());
    CHECK_FALSE(lower(*bench.programs.front(), *bench.architecture, bench.home(), bench.sources,
                      bench.diagnostics));
    return bench.messages();
  };
  std::string text = machine;
  const auto replace = [&](const std::string &from, const std::string &to) {
    REQUIRE(text.find(from) != std::string::npos);
    text.replace(text.find(from), from.size(), to);
  };
  replace("registers => mover => memory\n", "registers => mover\n");
  const std::string none = messageOf(
      text + "program p() on arch: Machine { emit store(arch.memory[0 .. 4], arch.registers.a) }");
  CHECK(none.find("no WRITE_DATA edge leads to 'memory'") != std::string::npos);
  text = machine;
  replace("adder: Fun", "adder, second: Fun");
  replace("registers => adder => registers", "registers => [adder, second]\n"
                                             "  [adder, second] => registers");
  const std::string several = messageOf(
      text + "program p() on arch: Machine { emit add(arch.registers.a, arch.registers.a) }");
  CHECK(several.find("'adder', 'second'") != std::string::npos);
}

TEST_CASE("all layers of whole networks are lowered") {
  const auto folder = test::networkFolder();
  if (folder.empty()) {
    MESSAGE("skipped: no folder of networks (set ACADLC_NETWORKS)");
    return;
  }
  for (const std::string name : {"lenet5", "alexnet", "resnet18", "tc_resnet8"}) {
    const auto path = folder / (name + ".tir");
    if (!std::filesystem::exists(path)) {
      MESSAGE("skipped: no ", path.string());
      continue;
    }
    CAPTURE(name);
    SystolicBench bench;
    bench.prepare(16, 16, test::readText(path));
    for (const workload::Call &call : bench.workload->calls) {
      const workload::Contraction *contraction = call.contraction();
      if (contraction == nullptr)
        continue;
      const Choice choice =
          chooseMapping(bench.mappings, bench.preferences, {}, *bench.workload, call, *contraction);
      if (!choice.match)
        continue;
      CAPTURE(call.name);
      const auto layer =
          lower(*choice.match, *bench.architecture, bench.home(), bench.sources, bench.diagnostics);
      REQUIRE_MESSAGE(layer, bench.messages());
      CHECK(layer->totals.macs == contraction->macs);
    }
  }
}

TEST_CASE("mistakes of a body are reported") {
  const auto error = [](const std::string &body) { return ProgramBench().errorOf(body); };
  const std::string buffer = "buffer x[4]: int32 in arch.memory\n";
  CHECK(error(buffer + "for i in 0 .. 5 { emit load(arch.registers.a, x[i]) }") ==
        "index-outside-tensor");
  CHECK(error("buffer x[40000]: int32 in arch.memory") == "storage-full");
  CHECK(
      error(
          "for i in 0 .. 1_000_000_000 { emit add(arch.registers.a, arch.registers.r[i % 8]) }") ==
      "unrolls-too-far");
  CHECK(error(buffer + "for i in 0 .. 4_000_000_000, j in 0 .. 4_000_000_000 {\n"
                       "  emit load(arch.registers.a, x[0])\n}") == "stream-too-long");
  CHECK(error("emit load(arch.registers.a, arch.memory[65536 .. 65540])") == "outside-storage");
  CHECK(error("for i in 0 .. 4 { let n = 2 / (i / 8) }") == "division-by-zero");
}

/// Two lanes of stages and a bypass that meet before the unit, behind a chain of \p diamonds.
static std::string mergingMachine(int diamonds, const std::string &emits) {
  std::string chain = "fetch";
  std::string stages;
  for (int i = 0; i < diamonds; ++i) {
    stages += fmt::format("d{0}[2]: PipelineStage\n  e{0}: PipelineStage\n  ", i);
    chain += fmt::format(" -> d{0} -> e{0}", i);
  }
  return "instruction nop()\narchitecture Merging() {\n"
         "  code: SRAM { data_width = 32 bit, size = 1 KiB }\n"
         "  fetch: InstructionFetchStage { issue_buffer_size = 4 } contains {\n"
         "    fetcher: InstructionMemoryAccessUnit\n  }\n  code => fetcher\n  " +
         stages +
         "lane[2]: PipelineStage\n  middle[2]: PipelineStage\n"
         "  meet: ExecuteStage contains { unit: FunctionalUnit { to_process = [nop] } }\n  " +
         chain + " -> lane\n  lane -> middle -> meet\n}\nprogram p() on arch: Merging {\n" + emits +
         "\n}\n";
}

struct MergingBench : Bench {
  std::optional<LoweredLayer> lowerText(const std::string &text) {
    loadText(text);
    elaborateWith({});
    REQUIRE_MESSAGE(architecture, messages());
    return lower(*programs.front(), *architecture, home(), sources, diagnostics);
  }
  /// "lane[0] middle[1] meet", one per instruction
  Stream routesOf(const std::string &text) {
    const auto layer = lowerText(text);
    REQUIRE_MESSAGE(layer, messages());
    Stream result;
    program::InstructionStream stream(layer->program);
    program::Instance instance;
    while (stream.next(instance)) {
      std::string route;
      for (const arch::ObjectId id : layer->program.routes[instance.instruction->route].stages)
        route += (route.empty() ? "" : " ") + architecture->graph.objects[id].name;
      result.push_back(route);
    }
    return result;
  }
  std::string errorOf(const std::string &text) {
    CHECK_FALSE(lowerText(text));
    return messages();
  }
};

TEST_CASE("over chooses among the paths to a unit") {
  const Stream routes = MergingBench().routesOf(
      mergingMachine(0, "emit nop() over [arch.lane[0], arch.middle[0]]\n"
                        "emit nop() on arch.unit over [arch.lane[0], arch.middle[1], arch.meet]\n"
                        "for i in 0 .. 2 { emit nop() over [arch.lane[i], arch.middle[1 - i]] }"));
  CHECK(routes == Stream{"lane[0] middle[0] meet", "lane[0] middle[1] meet",
                         "lane[0] middle[1] meet", "lane[1] middle[0] meet"});
  const auto error = [](const std::string &emits) {
    return MergingBench().errorOf(mergingMachine(0, emits));
  };
  const std::string open = error("emit nop() over arch.middle[1]");
  CHECK(open.find("E0519") != std::string::npos);
  CHECK(open.find("'fetch -> lane[0] -> middle[1] -> meet', 'fetch -> lane[1] -> middle[1] -> "
                  "meet'") != std::string::npos);
  CHECK(open.find("over STAGE") != std::string::npos);
  CHECK(error("emit nop()").find("E0519") != std::string::npos);
  const std::string backwards = error("emit nop() over [arch.middle[1], arch.lane[1]]");
  CHECK(backwards.find("E0507") != std::string::npos);
  CHECK(backwards.find("from 'middle[1]' to 'lane[1]'") != std::string::npos);
}

TEST_CASE("over takes an edge before a longer path") {
  const auto bypass = [](const std::string &emits) {
    return "instruction nop()\narchitecture Bypass() {\n"
           "  code: SRAM { data_width = 32 bit, size = 1 KiB }\n"
           "  fetch: InstructionFetchStage { issue_buffer_size = 4 } contains {\n"
           "    fetcher: InstructionMemoryAccessUnit\n  }\n  code => fetcher\n"
           "  a, b: PipelineStage\n"
           "  x: ExecuteStage contains { unit: FunctionalUnit { to_process = [nop] } }\n"
           "  fetch -> x\n  fetch -> a -> x\n  a -> b -> x\n}\nprogram p() on arch: Bypass {\n" +
           emits + "\n}\n";
  };
  const Stream routes = MergingBench().routesOf(
      bypass("emit nop() over []\nemit nop() over arch.x\nemit nop() over [arch.a]\n"
             "emit nop() over [arch.a, arch.x]\nemit nop() over arch.b\n"
             "emit nop() over [arch.a, arch.b]"));
  CHECK(routes == Stream{"x", "x", "a x", "a x", "a b x", "a b x"});
  const std::string open = MergingBench().errorOf(bypass("emit nop()"));
  CHECK(open.find("E0519") != std::string::npos);
  CHECK(open.find("'fetch -> x', 'fetch -> a -> x', 'fetch -> a -> b -> x'") != std::string::npos);
  CHECK(open.find("over [] takes a direct edge") != std::string::npos);
  // Without the edge nothing is chosen.
  CHECK(MergingBench().errorOf(mergingMachine(0, "emit nop() over []")).find("E0519") !=
        std::string::npos);
}

TEST_CASE("paths are counted, not walked") {
  const std::string message =
      MergingBench().errorOf(mergingMachine(200, "emit nop() over arch.middle[0]"));
  CHECK(message.find("E0519") != std::string::npos);
  CHECK(message.find(" -> … -> ") != std::string::npos);
}

TEST_CASE("grouped operators lower to what their loops say") {
  for (const auto &[groups, channels, filters] :
       {std::array{4, 1, 1}, std::array{2, 3, 2}, std::array{2, 1, 3}, std::array{3, 2, 1}}) {
    CAPTURE(groups);
    CAPTURE(filters);
    SystolicBench bench;
    bench.prepare(2, 3, groupedText(groups, channels, filters, 5, 3).text());
    bench.compare();
    CHECK(bench.match->mapping->name.text == "grouped_conv2d");
  }
  SystolicBench bench;
  bench.prepare(2, 3,
                OperatorText{"2, 3, 4, 5", "2, 3, 5, 2", "2, 3, 4, 2", "a, b, i, j, k",
                             "2, 3, 4, 2, 5", "SSSSR", "v_a, v_b, v_i, v_j", "v_a, v_b, v_i, v_k",
                             "v_a, v_b, v_k, v_j"}
                    .text());
  bench.compare();
  CHECK(bench.match->mapping->name.text == "batched_matmul");
}

namespace {

/// A product with a mapping that goes via another one, both with steps behind it.
const char *const absorbing = R"(
instruction multiply(c: out mem, work: int) { macs = work }
instruction add(c: inout mem, operand: in mem)
instruction rectify(c: inout mem, columns: int)
architecture Engine() {
  code: SRAM { data_width = 32 bit, size = 1 KiB }
  fetch: InstructionFetchStage { issue_buffer_size = 4 } contains { fetcher: InstructionMemoryAccessUnit {} }
  code => fetcher
  memory: SRAM { data_width = 32 bit, size = 64 KiB }
  execute: ExecuteStage {} contains {
    engine: FunctionalUnit { to_process = [multiply, add, rectify] }
  }
  fetch -> execute
  memory => engine => memory
}
mapping inner[m < M, n < N; k < K] on arch: Engine
  implements C[m, n] += A[m, k] * B[k, n]
  then optional + bias[n], optional relu
{
  place C in arch.memory
  emit multiply(C[0 .. M, 0 .. N], M * N * K)
  if present(bias) {
    place bias in arch.memory
    emit add(C[0 .. M, 0 .. N], bias[0 .. N])
  }
  if present(relu) { emit rectify(C[0 .. M, 0 .. N], N) }
}
mapping outer[m < M, n < N; k < K] on arch: Engine
  implements C[m, n] += A[m, k] * B[k, n]
  then optional + offset[n], optional relu
{
  require A.shape[1] == K and B.shape[1] == N and length(C.shape) == 2
  if present(offset) { require offset.shape[0] == N }
  via inner[M = M, N = N, K = K] {
    C[m, n] = C[m, n]
    A[m, k] = A[m, k]
    B[k, n] = B[k, n]
    bias[n] = offset[n]
  }
}
prefer outer over inner
)";

/// lhs · rhs in a network with the functions \p behind: "offset", "rectify".
std::string absorbingNetwork(const std::vector<std::string> &behind) {
  std::string text = "@I.ir_module\nclass Module:\n";
  const std::string head = "    @T.prim_func\n    def ";
  text +=
      head +
      R"(product(lhs: T.Buffer((4, 8), "float32"), rhs: T.Buffer((8, 6), "float32"), out: T.Buffer((4, 6), "float32")):
        for i, j, k in T.grid(4, 6, 8):
            with T.block("out"):
                vi, vj, vk = T.axis.remap("SSR", [i, j, k])
                with T.init():
                    out[vi, vj] = T.float32(0)
                out[vi, vj] = out[vi, vj] + lhs[vi, vk] * rhs[vk, vj]

    @T.prim_func
    def offset(x: T.Buffer((4, 6), "float32"), t: T.Buffer((6,), "float32"), out: T.Buffer((4, 6), "float32")):
        for i, j in T.grid(4, 6):
            with T.block("out"):
                vi, vj = T.axis.remap("SS", [i, j])
                out[vi, vj] = x[vi, vj] + t[vj]

    @T.prim_func
    def rectify(x: T.Buffer((4, 6), "float32"), out: T.Buffer((4, 6), "float32")):
        for i, j in T.grid(4, 6):
            with T.block("out"):
                vi, vj = T.axis.remap("SS", [i, j])
                out[vi, vj] = T.max(x[vi, vj], T.float32(0))

    @R.function
    def main(lhs: R.Tensor((4, 8), dtype="float32"), rhs: R.Tensor((8, 6), dtype="float32"), t: R.Tensor((6,), dtype="float32")):
        R.func_attr({"num_input": 1})
        cls = Module
        y = R.call_tir(cls.product, (lhs, rhs), out_sinfo=R.Tensor((4, 6), dtype="float32"))
)";
  std::string last = "y";
  for (const std::string &name : behind) {
    text += fmt::format("        {0}_ = R.call_tir(cls.{1}, ({0},{2}), out_sinfo=R.Tensor((4, 6), "
                        "dtype=\"float32\"))\n",
                        last, name, name == "offset" ? " t" : "");
    last += "_";
  }
  return text + "        return " + last + "\n";
}

/// The operations of the stream of the first layer.
std::vector<std::string> operationsOf(Bench &bench, const std::vector<std::string> &behind) {
  bench.loadText(absorbing);
  bench.elaborateWith({});
  bench.loadNetwork(absorbingNetwork(behind));
  REQUIRE_MESSAGE(bench.workload, bench.messages());
  const workload::Call &call = bench.workload->calls.front();
  const Choice choice = chooseMapping(bench.mappings, bench.preferences, {}, *bench.workload, call,
                                      *call.contraction());
  REQUIRE(choice.match);
  CHECK(choice.match->mapping->name.text == "outer");
  const auto layer =
      lower(*choice.match, *bench.architecture, bench.home(), bench.sources, bench.diagnostics);
  REQUIRE_MESSAGE(layer, bench.messages());
  std::vector<std::string> operations;
  program::InstructionStream stream(layer->program);
  program::Instance instance;
  while (stream.next(instance))
    operations.push_back(instance.instruction->operation);
  return operations;
}

} // namespace

TEST_CASE("present() says which steps the layer has, also in a mapping that another goes via") {
  using Operations = std::vector<std::string>;
  const std::vector<std::pair<Operations, Operations>> cases{
      {{}, {"multiply"}},
      {{"offset"}, {"multiply", "add"}},
      {{"rectify"}, {"multiply", "rectify"}},
      {{"offset", "rectify"}, {"multiply", "add", "rectify"}},
      {{"rectify", "offset"}, {"multiply", "rectify"}}};
  for (const auto &[behind, expected] : cases) {
    CAPTURE(behind.size());
    Bench bench;
    CHECK(operationsOf(bench, behind) == expected);
  }
}

TEST_CASE("a mapping is not used via where its guard does not hold") {
  const std::string mappings = "mapping small[m < M, n < N; k < K] on arch: Machine\n"
                               "  implements C[m, n] += A[m, k] * B[k, n]\n  where M <= 2 {\n"
                               "  place A, B, C in arch.memory\n}\n";
  const auto messagesOf = [&](const std::string &rows) {
    Bench bench;
    bench.loadText(std::string(machine) + mappings +
                   "mapping outer[m < M, n < N; k < K] on arch: Machine\n"
                   "  implements C[m, n] += A[m, k] * B[k, n] {\n  for i in 0 .. 4 {\n"
                   "    via small[M = " +
                   rows +
                   ", N = N, K = K] {\n      C[m, n] = C[m, n]\n"
                   "      A[m, k] = A[m, k]\n      B[k, n] = B[k, n]\n    }\n  }\n}\n");
    bench.elaborateWith({});
    bench.loadNetwork(test::matmulText(2, 2, 2).text());
    const workload::Call &call = bench.workload->calls.front();
    MatchResult result =
        matchContraction(*bench.mappings.back(), *bench.workload, call, *call.contraction());
    REQUIRE(result.match);
    result.match->macs = 0; // nothing is emitted
    const auto layer =
        lower(*result.match, *bench.architecture, bench.home(), bench.sources, bench.diagnostics);
    CHECK(layer.has_value() != bench.diagnostics.hasErrors());
    return bench.messages();
  };
  CHECK(messagesOf("2").empty());
  const std::string message = messagesOf("i");
  CHECK(message.find("E0520") != std::string::npos);
  CHECK(message.find("`M <= 2`") != std::string::npos);
}

TEST_CASE("the body of a sum emits something, and nothing that multiplies") {
  const auto messagesOf = [](const std::string &body) {
    Bench bench;
    bench.loadText(std::string(machine) +
                   "mapping sum[m < M, n < N] on arch: Machine\n"
                   "  implements C[m, n] = A[m, n] + B[m, n] {\n  place A, B, C in arch.memory\n" +
                   body + "}\n");
    bench.elaborateWith({});
    bench.loadNetwork(test::matrixSumText().text());
    REQUIRE_MESSAGE(bench.workload, bench.messages());
    const workload::Call &call = bench.workload->calls.front();
    const MatchResult result =
        matchContraction(*bench.mappings.front(), *bench.workload, call, call.sums.front());
    REQUIRE(result.match);
    const auto layer =
        lower(*result.match, *bench.architecture, bench.home(), bench.sources, bench.diagnostics);
    CHECK(layer.has_value() != bench.diagnostics.hasErrors());
    return bench.messages();
  };
  CHECK(messagesOf("  for m in 0 .. M { emit load(arch.registers.a, A[m, 0]) }\n").empty());
  CHECK(messagesOf("").find("mapping 'sum' emits nothing, the operator has elements to add") !=
        std::string::npos);
  CHECK(messagesOf("  for m in 0 .. M { emit copy(4, C[m, 0]) }\n").find("E0508") !=
        std::string::npos);
}

TEST_CASE("a body that loses work is reported with both numbers") {
  SystolicBench bench;
  bench.prepare(2, 2, test::matmulText(4, 4, 4).text());
  REQUIRE(bench.lowerFirst());
  Match wrong = *bench.match;
  wrong.macs += 1;
  CHECK_FALSE(lower(wrong, *bench.architecture, bench.home(), bench.sources, bench.diagnostics));
  CHECK(bench.messages().find("64") != std::string::npos);
  CHECK(bench.messages().find("65") != std::string::npos);
}

} // namespace acadlc::mapping
