// Scalar code of random loop nests, held against a count that goes through all of their points.

#include "backend/aidg/Estimator.h"
#include "backend/mapping/MappingTestSupport.h"
#include "backend/mapping/ScalarCode.h"
#include "backend/simulate/Simulator.h"
#include "frontend/acadl/check/Check.h"
#include "tests/property/Random.h"
#include "tests/unit/Property.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <set>

namespace acadlc::mapping {
namespace {

using acadlc::test::Random;
using Counts = std::map<std::string, std::int64_t>;

/// A processor with \p values registers for values; with 96 there is one for each that a nest of
/// this test has.
std::string device(int values) {
  std::string instructions, names, operations;
  const auto add = [&](const std::string &name, int operands) {
    std::string declared = "d: out reg", parameters = "d";
    for (int i = 0; i < operands; ++i) {
      declared += fmt::format(", {}: in reg", "abc"[i]);
      parameters += fmt::format(", {}", "abc"[i]);
    }
    instructions += fmt::format("instruction {}_({})\n", name, declared);
    operations += fmt::format("  {}({}) {{ emit {}_({}) }}\n", name, parameters, name, parameters);
    names += (names.empty() ? "" : ", ") + name + "_";
  };
  add("constant", 0);
  for (const char *name : {"convert", "abs", "exp"})
    add(name, 1);
  for (const char *name : {"add", "subtract", "multiply", "max", "min", "less"})
    add(name, 2);
  add("select", 3);
  return instructions + fmt::format(R"(instruction load_(d: out reg, m: in mem)
instruction store_(m: out mem, s: in reg)
architecture Device() {{
  code: SRAM {{ data_width = 32 bit, size = 1 MiB }}
  fetch: InstructionFetchStage {{ issue_buffer_size = 2 }} contains {{
    fetcher: InstructionMemoryAccessUnit {{ latency = 1 cycle }}
  }}
  code => fetcher
  execute: ExecuteStage contains {{
    compute: FunctionalUnit {{ to_process = [{}], latency = 2 cycles }}
    access: MemoryAccessUnit {{ to_process = [load_, store_] }}
  }}
  fetch -> execute
  registers: RegisterFile {{ data_width = 32 bit, registers = [v[96]] }}
  registers => compute => registers
  registers => access => registers
  memory: SRAM {{ data_width = 32 bit, size = 1 MiB, read_latency = 3 cycles }}
  memory => access => memory
}}
scalar on arch: Device {{
  memory = arch.memory
  values = [for i in 0 .. {}: arch.registers.v[i]]
  load(d, m) {{ emit load_(d, m) }}
  store(m, s) {{ emit store_(m, s) }}
{}}}
)",
                                    names, values, operations);
}

/// Values without numbers: equal ones are computed from the same elements in the same way. What
/// the operands' places are does not count, nor what a constant is.
class Symbols {
public:
  int operation(const std::string &name, std::set<int> operands) {
    return id(fmt::format("{}({})", name, fmt::join(operands, ",")));
  }
  int id(const std::string &text) {
    return known_.try_emplace(text, static_cast<int>(known_.size())).first->second;
  }

private:
  std::map<std::string, int> known_;
};

/// By element of the result.
using Results = std::map<std::int64_t, int>;

struct RandomAxis {
  std::int64_t extent = 1;
  bool isReduced = false;
};

constexpr std::int64_t tensorSize = 32; ///< of inputs, in both dimensions

/// An expression, as the network writes it and as the count sees it.
struct RandomValue {
  enum class Kind : std::uint8_t { Load, Constant, Operation, Choice };
  Kind kind = Kind::Constant;
  std::string name;              ///< of the operation
  std::string text;              ///< in the network
  std::string identity;          ///< equal for what is the same value
  std::set<std::size_t> axes;    ///< that it depends on, but those of one point
  std::size_t conditionAxis = 0; ///< of a Choice: the first operand where axis < bound
  std::int64_t conditionBound = 0;
  std::string tensor;                   ///< of a Load
  std::vector<std::int64_t> factors[2]; ///< likewise: of the axes, for each dimension
  std::int64_t constants[2] = {0, 0};   ///< likewise
  std::vector<RandomValue> operands;

  /// Where a load reads at \p point: "x1+132".
  [[nodiscard]] std::string element(const std::vector<std::int64_t> &point) const {
    std::int64_t place = 0;
    for (int d = 0; d < 2; ++d)
      place = place * tensorSize +
              std::inner_product(point.begin(), point.end(), factors[d].begin(), constants[d]);
    return fmt::format("{}+{}", tensor, place);
  }

  [[nodiscard]] bool reads() const {
    return kind == Kind::Load || std::ranges::any_of(operands, [](const RandomValue &operand) {
             return operand.reads();
           });
  }
};

class RandomNest {
public:
  explicit RandomNest(std::size_t number) : random_(number, 77) {
    const std::int64_t count = random_.range(1, 4);
    for (std::int64_t i = 0; i < count; ++i)
      axes_.push_back({random_.chance(15) ? 1 : random_.range(2, 5), i > 0 && random_.chance(40)});
    for (const bool reduced : {false, true})
      for (std::size_t i = 0; i < axes_.size(); ++i)
        if (axes_[i].isReduced == reduced && axes_[i].extent > 1)
          order_.push_back(i);
    isReduction_ = std::ranges::any_of(axes_, &RandomAxis::isReduced);
    joins_ = random_.pick<std::string>({"add", "max", "min"});
    value_ = expression(3);
    // A sum of products would be one of multiply-accumulates.
    while (isReduction_ && value_.name == "multiply")
      value_ = expression(3);
    const std::size_t guarded =
        static_cast<std::size_t>(random_.range(0, static_cast<std::int64_t>(axes_.size()) - 1));
    if (random_.chance(30) && axes_[guarded].extent > 1) {
      guardAxis_ = guarded;
      guardBound_ = random_.range(1, axes_[guarded].extent - 1);
    }
  }

  [[nodiscard]] std::string text() const {
    std::string loops, extents, kinds, names, written;
    for (std::size_t i = 0; i < axes_.size(); ++i) {
      const std::string comma = i == 0 ? "" : ", ";
      loops += comma + fmt::format("i{}", i);
      names += comma + fmt::format("v{}", i);
      extents += comma + fmt::format("{}", axes_[i].extent);
      kinds += axes_[i].isReduced ? "R" : "S";
      if (!axes_[i].isReduced)
        written += (written.empty() ? "" : ", ") + fmt::format("v{}", i);
    }
    std::string shape;
    for (const RandomAxis &axis : axes_)
      if (!axis.isReduced)
        shape += fmt::format("{}, ", axis.extent);
    const std::string element = "out[" + written + "]";
    std::string stored = value_.text;
    if (isReduction_)
      stored = joins_ == "add" ? element + " + (" + stored + ")"
                               : "T." + joins_ + "(" + element + ", " + stored + ")";
    const auto inputs = [](const std::string &form) {
      std::string text;
      for (int i = 0; i < 3; ++i)
        text += fmt::format(fmt::runtime(form), i, i == 2 ? "int32" : "float32");
      return text;
    };
    std::string text = "@I.ir_module\nclass Module:\n    @T.prim_func(private=True)\n    def op(" +
                       inputs("x{}: T.Buffer((32, 32), \"{}\"), ") + "out: T.Buffer((" + shape +
                       "), \"float32\")):\n        for " + loops + " in T.grid(" + extents +
                       "):\n            with T.sblock(\"b\"):\n                " + names +
                       " = T.axis.remap(\"" + kinds + "\", [" + loops + "])\n";
    if (guardAxis_)
      text += fmt::format("                T.where(i{} < {})\n", *guardAxis_, guardBound_);
    if (isReduction_)
      text +=
          "                with T.init():\n                    " + element + " = T.float32(0)\n";
    text += "                " + element + " = " + stored + "\n\n    @R.function\n    def main(" +
            inputs("x{}: R.Tensor((32, 32), dtype=\"{}\"), ");
    text.resize(text.size() - 2);
    return text + ") -> R.Tensor((" + shape +
           "), dtype=\"float32\"):\n        cls = Module\n        with R.dataflow():\n"
           "            y = R.call_tir(cls.op, (x0, x1, x2), out_sinfo=R.Tensor((" +
           shape + "), dtype=\"float32\"))\n            R.output(y)\n        return y\n";
  }

  /// What is stored.
  [[nodiscard]] Results results(Symbols &symbols) const {
    Results results;
    forEachPoint([&](const std::vector<std::int64_t> &point) {
      std::int64_t element = 0;
      for (std::size_t i = 0; i < axes_.size(); ++i)
        if (!axes_[i].isReduced)
          element = element * axes_[i].extent + point[i];
      const bool holds = !guardAxis_ || point[*guardAxis_] < guardBound_;
      if (isReduction_ && (holds || axes_[*guardAxis_].isReduced))
        results.try_emplace(element, symbols.id("number"));
      if (!holds)
        return;
      const int value = evaluate(value_, point, symbols);
      results[element] =
          isReduction_ ? symbols.operation(joins_ + "_", {results[element], value}) : value;
    });
    return results;
  }

  /// What each instruction is executed how often, by going through all points.
  [[nodiscard]] Counts count() const {
    Counts counts;
    std::set<std::string> done;
    std::set<std::vector<std::int64_t>> elements;
    forEachPoint(
        [&](const std::vector<std::int64_t> &point) { visit(point, counts, done, elements); });
    if (isReduction_) {
      counts["store_"] = static_cast<std::int64_t>(elements.size());
      counts["constant_"] += static_cast<std::int64_t>(elements.size());
    }
    return counts;
  }

private:
  //===--- Expressions ------------------------------------------------------------------------===//

  RandomValue load() {
    RandomValue value;
    value.kind = RandomValue::Kind::Load;
    const std::int64_t tensor = random_.range(0, 2);
    std::string indices, identity;
    value.tensor = fmt::format("x{}", tensor);
    for (int d = 0; d < 2; ++d) {
      value.factors[d].resize(axes_.size());
      const std::int64_t constant = random_.range(0, 3);
      std::string index, known;
      for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
        if (!random_.chance(40))
          continue;
        const std::int64_t factor = random_.range(1, 2);
        index += fmt::format("v{} * {} + ", axis, factor);
        value.factors[d][axis] = factor;
        if (axes_[axis].extent == 1)
          continue;
        known += fmt::format("v{} * {} + ", axis, factor);
        value.axes.insert(axis);
      }
      value.constants[d] = constant;
      indices += fmt::format("{}{}{}", d == 0 ? "" : ", ", index, constant);
      identity += fmt::format("{}{}{}", d == 0 ? "" : ", ", known, constant);
    }
    value.text = fmt::format("x{}[{}]", tensor, indices);
    value.identity = fmt::format("x{}[{}]", tensor, identity);
    return tensor == 2 ? operation("convert", {std::move(value)}) : value;
  }

  RandomValue constant() {
    RandomValue value;
    value.text = value.identity = fmt::format("T.float32({})", random_.range(0, 3));
    return value;
  }

  static RandomValue operation(const std::string &name, std::vector<RandomValue> operands) {
    RandomValue value;
    value.kind = RandomValue::Kind::Operation;
    value.name = name;
    const auto text = [&](auto member) {
      const std::string a = operands[0].*member;
      const std::string b = operands.size() > 1 ? operands[1].*member : "";
      if (name == "convert")
        return "T.Cast(\"float32\", " + a + ")";
      if (operands.size() == 1)
        return fmt::format("T.{}({})", name == "abs" ? "fabs" : name, a);
      if (name == "max" || name == "min")
        return fmt::format("T.{}({}, {})", name, a, b);
      if (name == "select")
        return fmt::format("T.Select({}, {}, {})", a, b, operands[2].*member);
      const std::string sign = name == "add"        ? "+"
                               : name == "subtract" ? "-"
                               : name == "less"     ? "<"
                                                    : "*";
      return fmt::format("({}) {} ({})", a, sign, b);
    };
    value.text = text(&RandomValue::text);
    value.identity = text(&RandomValue::identity);
    for (const RandomValue &operand : operands)
      value.axes.insert(operand.axes.begin(), operand.axes.end());
    value.operands = std::move(operands);
    return value;
  }

  /// Padding: a load on one side of a condition, a number on the other one.
  RandomValue choice() {
    RandomValue value;
    value.kind = RandomValue::Kind::Choice;
    value.conditionAxis =
        static_cast<std::size_t>(random_.range(0, static_cast<std::int64_t>(axes_.size()) - 1));
    const std::int64_t extent = axes_[value.conditionAxis].extent;
    value.conditionBound = extent == 1 ? 1 : random_.range(1, extent - 1);
    RandomValue inside = load();
    while (inside.kind != RandomValue::Kind::Load)
      inside = load();
    value.operands = {std::move(inside), constant()};
    const auto text = [&](const std::string &number, auto member) {
      return fmt::format("T.if_then_else({} < {}, {}, {})", number, value.conditionBound,
                         value.operands[0].*member, value.operands[1].*member);
    };
    const std::string axis = fmt::format("v{}", value.conditionAxis);
    value.text = text(axis, &RandomValue::text);
    value.identity = text(extent == 1 ? "0" : axis, &RandomValue::identity);
    value.axes = value.operands[0].axes;
    if (extent != 1)
      value.axes.insert(value.conditionAxis);
    return value;
  }

  RandomValue expression(int depth) {
    if (depth == 0 || random_.chance(20))
      return random_.chance(20) ? choice() : load();
    // One operand reads: operations on numbers alone are no instructions.
    const auto other = [&] { return random_.chance(25) ? constant() : expression(depth - 1); };
    const std::string name = random_.pick<std::string>(
        {"abs", "exp", "add", "subtract", "multiply", "max", "min", "select"});
    if (name == "abs" || name == "exp")
      return operation(name, {expression(depth - 1)});
    if (name == "select")
      return operation(name, {operation("less", {expression(depth - 1), other()}), other(),
                              expression(depth - 1)});
    return operation(name, {expression(depth - 1), other()});
  }

  template <typename Visit> void forEachPoint(Visit visit) const {
    for (std::vector<std::int64_t> point(axes_.size(), 0);;) {
      visit(point);
      std::size_t axis = axes_.size();
      while (axis > 0 && ++point[axis - 1] == axes_[axis - 1].extent)
        point[--axis] = 0;
      if (axis == 0)
        return;
    }
  }

  static int evaluate(const RandomValue &value, const std::vector<std::int64_t> &point,
                      Symbols &symbols) {
    switch (value.kind) {
    case RandomValue::Kind::Load:
      return symbols.id(value.element(point));
    case RandomValue::Kind::Constant:
      return symbols.id("number");
    case RandomValue::Kind::Choice:
      return evaluate(value.operands[point[value.conditionAxis] < value.conditionBound ? 0 : 1],
                      point, symbols);
    case RandomValue::Kind::Operation:
      break;
    }
    std::set<int> operands;
    for (const RandomValue &operand : value.operands)
      operands.insert(evaluate(operand, point, symbols));
    return symbols.operation(value.name + "_", std::move(operands));
  }

  //===--- Count ------------------------------------------------------------------------------===//

  /// The values of the loops outside of which \p value is the same.
  [[nodiscard]] std::string surroundings(const RandomValue &value,
                                         const std::vector<std::int64_t> &point) const {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < order_.size(); ++i)
      if (value.axes.contains(order_[i]))
        depth = i + 1;
    std::string text;
    for (std::size_t i = 0; i < depth; ++i)
      text += fmt::format(" {}", point[order_[i]]);
    return text;
  }

  void visit(const std::vector<std::int64_t> &point, Counts &counts, std::set<std::string> &done,
             std::set<std::vector<std::int64_t>> &elements) const {
    const bool holds = !guardAxis_ || point[*guardAxis_] < guardBound_;
    std::vector<std::int64_t> element;
    for (std::size_t i = 0; i < axes_.size(); ++i)
      if (!axes_[i].isReduced)
        element.push_back(point[i]);
    // A condition on an axis that is not reduced holds for all of an element.
    if (isReduction_ && (holds || axes_[*guardAxis_].isReduced))
      elements.insert(element);
    compute(value_, point, holds, true, counts, done);
    if (!holds)
      return;
    ++counts[isReduction_ ? joins_ + "_" : "store_"];
  }

  void compute(const RandomValue &value, const std::vector<std::int64_t> &point, bool holds,
               bool mayWait, Counts &counts, std::set<std::string> &done) const {
    // Under a condition what reads is computed where it is wanted; numbers wait.
    const bool waits = mayWait && (!guardAxis_ || !value.reads());
    if (waits && !done.insert(value.identity + surroundings(value, point)).second)
      return;
    const bool isDone = waits || holds;
    switch (value.kind) {
    case RandomValue::Kind::Load:
      counts[value.element(point)] += isDone ? 1 : 0;
      return;
    case RandomValue::Kind::Constant:
      counts["constant_"] += isDone ? 1 : 0;
      return;
    case RandomValue::Kind::Choice: {
      const bool isFirst = point[value.conditionAxis] < value.conditionBound;
      return compute(value.operands[isFirst ? 0 : 1], point, holds, false, counts, done);
    }
    case RandomValue::Kind::Operation:
      for (const RandomValue &operand : value.operands)
        compute(operand, point, holds, true, counts, done);
      counts[value.name + "_"] += isDone ? 1 : 0;
    }
  }

  Random random_;
  std::vector<RandomAxis> axes_;
  std::vector<std::size_t> order_; ///< of the loops, the outermost first
  bool isReduction_ = false;
  std::string joins_;
  RandomValue value_;
  std::optional<std::size_t> guardAxis_;
  std::int64_t guardBound_ = 0;
};

/// Does the instructions of a layer.
class Execution {
public:
  Execution(const LoweredLayer &layer, const workload::Workload &workload,
            const workload::Call &call, Symbols &symbols)
      : layer_(layer), workload_(workload), call_(call), symbols_(symbols) {
    program::InstructionStream stream(layer.program);
    for (program::Instance instance; stream.next(instance);)
      execute(instance);
  }

  /// How often each instruction is executed, of loads each element by itself.
  [[nodiscard]] const Counts &counts() const { return counts_; }
  [[nodiscard]] const Results &results() const { return results_; }

private:
  void execute(const program::Instance &instance) {
    const program::Instruction &instruction = *instance.instruction;
    const std::string &name = instruction.operation;
    std::set<int> operands;
    for (const arch::RegisterId id : instruction.reads)
      operands.insert(registers_.contains(id) ? registers_[id] : symbols_.id("nothing"));
    if (name == "store_") {
      ++counts_[name];
      results_[locate(instance).second] = *operands.begin();
      return;
    }
    int value = 0;
    if (name == "load_") {
      const auto [tensor, element] = locate(instance);
      const std::string text = fmt::format("{}+{}", tensor, element);
      ++counts_[text];
      value = symbols_.id(text);
    } else {
      ++counts_[name];
      value = name == "constant_" ? symbols_.id("number") : symbols_.operation(name, operands);
    }
    registers_[instruction.writes.at(0)] = value;
  }

  /// The tensor and the element that a load or store accesses.
  [[nodiscard]] std::pair<std::string, std::int64_t>
  locate(const program::Instance &instance) const {
    const std::int64_t address =
        layer_.program.evaluate(instance.instruction->memory[0].address, instance.loopValues);
    for (const Placement &placement : layer_.placements)
      if (address >= placement.base && address < placement.base + placement.bytes)
        return {tensorOf(workload_, call_, *placement.tensor).name, (address - placement.base) / 4};
    return {"nothing", 0};
  }

  const LoweredLayer &layer_;
  const workload::Workload &workload_;
  const workload::Call &call_;
  Symbols &symbols_;
  Counts counts_;
  Results results_;
  std::map<arch::RegisterId, int> registers_;
};

std::string textOf(const Counts &counts) {
  std::string text;
  for (const auto &[name, count] : counts)
    if (count != 0)
      text += fmt::format("{} {}\n", count, name);
  return text;
}

} // namespace

namespace {

/// A device with \p values registers for values.
struct Device {
  test::Bench bench;
  std::unique_ptr<ScalarCoder> coder;

  explicit Device(int values) {
    bench.loadText(device(values));
    check(*bench.compilation, bench.diagnostics);
    REQUIRE_MESSAGE(!bench.diagnostics.hasErrors(), bench.messages());
    bench.elaborateWith({});
    REQUIRE_MESSAGE(bench.architecture.has_value(), bench.messages());
    for (const ast::Declaration *entry : bench.module->tree.declarations)
      if (const auto *scalar = ast::dynCast<ast::ScalarDeclaration>(entry))
        coder = std::make_unique<ScalarCoder>(*scalar, bench.home(), *bench.architecture,
                                              bench.sources, bench.diagnostics);
    REQUIRE(coder != nullptr);
  }
};

/// False if there are too few registers.
bool checkNest(Device &device, const RandomNest &nest, bool checksCounts) {
  test::Bench &bench = device.bench;
  CAPTURE(nest.text());
  bench.loadNetwork(nest.text());
  REQUIRE_MESSAGE(bench.workload.has_value(), bench.messages());
  const workload::Call &call = bench.workload->calls.at(0);
  std::vector<std::size_t> stages(call.computations.size());
  std::iota(stages.begin(), stages.end(), std::size_t{0});
  ScalarRefusal refusal;
  const auto code = device.coder->write(*bench.workload, call, stages, {}, refusal);
  if (!code) {
    REQUIRE(!checksCounts);
    REQUIRE(refusal.reason.find("registers for values") != std::string::npos);
    return false;
  }
  CAPTURE(code->body);
  REQUIRE(code->assumptions.empty());
  const auto layer = device.coder->lower(*code, call.name, bench.diagnostics);
  REQUIRE_MESSAGE(layer.has_value(), bench.messages());
  Symbols symbols;
  const Execution execution(*layer, *bench.workload, call, symbols);
  REQUIRE(execution.results() == nest.results(symbols));
  if (checksCounts)
    REQUIRE(textOf(execution.counts()) == textOf(nest.count()));
  const auto &graph = bench.architecture->graph;
  REQUIRE(aidg::estimate(graph, layer->program, {}).cycles ==
          simulate::simulate(graph, layer->program, {}).cycles);
  return true;
}

} // namespace

TEST_CASE("Scalar code of random loop nests has the instructions that counting finds") {
  Device device(96);
  for (std::size_t i = 0; i < acadlc::test::propertyCases(150); ++i) {
    CAPTURE(i);
    checkNest(device, RandomNest(i), true);
  }
}

TEST_CASE("Scalar code with few registers computes the same") {
  std::vector<std::unique_ptr<Device>> devices;
  for (const int values : {3, 4, 5, 7})
    devices.push_back(std::make_unique<Device>(values));
  std::size_t written = 0;
  const std::size_t cases = acadlc::test::propertyCases(150);
  for (std::size_t i = 0; i < cases; ++i) {
    CAPTURE(i);
    written += checkNest(*devices[i % devices.size()], RandomNest(i), false) ? 1 : 0;
  }
  CHECK(2 * written > cases);
}

} // namespace acadlc::mapping
