#include "backend/mapping/ScalarNest.h"

#include "backend/mapping/ScalarPlan.h"

#include <fmt/format.h>

namespace acadlc::mapping {

namespace {

using Kind = ScalarNode::Kind;

std::vector<std::int64_t> extentsOf(const ScalarStage &stage) {
  std::vector<std::int64_t> extents;
  for (const ScalarStage::Loop &loop : stage.loops)
    extents.push_back(loop.extent);
  return extents;
}

/// A store's values: what it stores, and what says where.
std::vector<ScalarId> valuesOf(const ScalarStatement &store) {
  std::vector<ScalarId> values = store.target.indices;
  values.insert(values.begin(), store.value);
  return values;
}

class UseCollector {
public:
  explicit UseCollector(const ScalarStage &stage) : stage_(stage) {}

  std::vector<ScalarUse> collect() {
    const bool isCertain = stage_.outerCondition.empty();
    for (const ScalarAccumulator &accumulator : stage_.accumulators) {
      uses_.push_back({{accumulator.initial}, stage_.outerLoops, isCertain, true});
      uses_.push_back({accumulator.target.indices, stage_.outerLoops, isCertain, false});
    }
    add(stage_.initialStores, stage_.outerLoops, isCertain, false);
    add(stage_.statements, stage_.loops.size(), isCertain,
        stage_.readsFirst && stage_.accumulators.empty());
    return std::move(uses_);
  }

private:
  void add(const std::vector<ScalarStatement> &statements, std::size_t level, bool isCertain,
           bool isTogether) {
    std::vector<ScalarId> together;
    for (const ScalarStatement &statement : statements)
      switch (statement.kind) {
      case ScalarStatement::Kind::Store: {
        const std::vector<ScalarId> values = valuesOf(statement);
        together.insert(together.end(), values.begin(), values.end());
        if (!isTogether)
          uses_.push_back({values, level, isCertain, false});
        break;
      }
      case ScalarStatement::Kind::Update:
        uses_.push_back({{statement.value}, level, isCertain, true});
        break;
      case ScalarStatement::Kind::Branch:
        uses_.push_back({{statement.value}, level, isCertain, false});
        [[fallthrough]];
      case ScalarStatement::Kind::If:
        add(statement.then, level, false, isTogether);
        add(statement.otherwise, level, false, isTogether);
        break;
      }
    if (isTogether && !together.empty())
      uses_.push_back({std::move(together), level, isCertain, false});
  }

  const ScalarStage &stage_;
  std::vector<ScalarUse> uses_;
};

/// Accumulators stand in the first registers, then what waits, then what is computed.
class NestWriter {
public:
  NestWriter(const ScalarStage &stage, const ScalarOperations &operations,
             const ScalarRegisters &registers)
      : stage_(stage), graph_(stage.graph), operations_(operations), registers_(registers),
        plan_(stage.graph, operations, extentsOf(stage), UseCollector(stage).collect()) {}

  std::optional<std::string> checkRegisters() {
    const std::size_t least = plan_.leastRegisters() + stage_.accumulators.size();
    if (least > registers_.valueCount)
      return fmt::format("it needs {} registers for values, `values` has {}", least,
                         registers_.valueCount);
    if (takesCounters() && stage_.loops.size() > registers_.counterCount)
      return fmt::format("it needs {} registers for counters, `counters` has {}",
                         stage_.loops.size(), registers_.counterCount);
    return std::nullopt;
  }

  ScalarNest write() {
    plan_.choose(registers_.valueCount - stage_.accumulators.size());
    residents(0);
    open(0, stage_.outerLoops);
    conditional(stage_.outerCondition, true, false, [&] { reduction(); }, [] {});
    close(0, stage_.outerLoops);
    return {std::move(text_), takesCounters() && !stage_.loops.empty()};
  }

private:
  //===--- Text -------------------------------------------------------------------------------===//

  void line(std::string_view text) {
    text_ += std::string(2 * depth_, ' ') + std::string(text) + "\n";
  }

  /// `if condition { … } else { … }` without branches that have nothing in them; no condition
  /// always holds.
  template <typename Then, typename Else>
  void conditional(const std::string &condition, bool hasThen, bool hasElse, Then then,
                   Else otherwise) {
    if (!hasThen && !hasElse)
      return;
    if (condition.empty())
      return then();
    line(hasThen ? fmt::format("if {} {{", condition) : fmt::format("if not ({}) {{", condition));
    ++depth_;
    if (hasThen)
      then();
    if (hasThen && hasElse) {
      --depth_;
      line("} else {");
      ++depth_;
    }
    if (hasElse)
      otherwise();
    --depth_;
    line("}");
  }

  [[nodiscard]] std::string value(std::size_t index) const {
    return fmt::format("{}[{}]", registers_.values, index);
  }

  /// Operation \p name on \p arguments; registers from \p free on are free.
  void operation(llvm::StringRef name, const std::vector<std::string> &arguments,
                 std::size_t free) {
    operations_.write(
        name, arguments, [&](unsigned index) { return value(free + index); },
        [&](const std::string &text) { line(text); });
  }

  //===--- Loops ------------------------------------------------------------------------------===//

  [[nodiscard]] bool takesCounters() const {
    return operations_.has("loop_start") || operations_.has("loop_next");
  }

  [[nodiscard]] std::string counter(std::size_t loop) const {
    return fmt::format("{}[{}]", registers_.counters, loop);
  }

  void open(std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) {
      if (operations_.has("loop_start"))
        operation("loop_start", {counter(i)}, 0);
      line(fmt::format("for {} in 0 .. {} {{", stage_.loops[i].name, stage_.loops[i].extent));
      ++depth_;
      residents(i + 1);
    }
  }

  void close(std::size_t first, std::size_t end) {
    for (std::size_t i = end; i-- > first;) {
      if (operations_.has("loop_next"))
        operation("loop_next", {counter(i)}, 0);
      --depth_;
      line("}");
    }
  }

  /// What waits from here on, inside of \p level loops.
  void residents(std::size_t level) {
    for (std::size_t i = 0; i < plan_.residents().size(); ++i) {
      const ScalarId id = plan_.residents()[i];
      if (graph_[id].depth == level)
        compute(id, value(residentRegister(i)), residentRegister(i));
    }
  }

  [[nodiscard]] std::size_t residentRegister(std::size_t index) const {
    return stage_.accumulators.size() + index;
  }

  [[nodiscard]] std::size_t firstFree() const { return residentRegister(plan_.residents().size()); }

  //===--- Values -----------------------------------------------------------------------------===//

  /// The register that holds the value, which is computed into register \p next if none does.
  std::string place(ScalarId id, std::size_t &next) {
    if (graph_[id].kind == Kind::Accumulator)
      return fmt::format("{}[{}]", registers_.values, graph_[id].text);
    if (const auto resident = plan_.residentIndex(id))
      return value(residentRegister(*resident));
    const std::size_t taken = next++;
    compute(id, value(taken), taken);
    return value(taken);
  }

  /// Brings the operands into registers from \p next on; gives these in the order of the operands.
  std::vector<std::string> operands(const ScalarNode &node, std::size_t &next) {
    std::vector<std::string> places(node.operands.size());
    for (const std::size_t i : plan_.computed(node))
      places[i] = place(node.operands[i], next);
    for (std::size_t i = 0; i < places.size(); ++i)
      if (places[i].empty())
        places[i] = place(node.operands[i], next);
    return places;
  }

  /// Brings a value into register \p into, which is either the one of number \p base or none of
  /// those from there on, which are free.
  void compute(ScalarId id, const std::string &into, std::size_t base) {
    const ScalarNode &node = graph_[id];
    std::size_t next = base;
    switch (node.kind) {
    case Kind::Accumulator:
      return;
    case Kind::Constant:
      return operation("constant", {into}, base + 1);
    case Kind::Load: {
      const std::vector<std::string> indices = operands(node, next);
      const bool isIndexed = !indices.empty() && operations_.has("load_indexed");
      if (isIndexed)
        return operation("load_indexed", {into, node.text, indices.back()}, next);
      return operation("load", {into, node.text}, base + 1);
    }
    case Kind::Choice: {
      const auto isThere = [&](ScalarId side) { return graph_[side].kind == Kind::Accumulator; };
      return conditional(
          node.text, !isThere(node.operands[0]), !isThere(node.operands[1]),
          [&] { compute(node.operands[0], into, base); },
          [&] { compute(node.operands[1], into, base); });
    }
    case Kind::Operation: {
      std::vector<std::string> arguments = operands(node, next);
      arguments.insert(arguments.begin(), into);
      return operation(node.text, arguments, std::max(next, base + 1));
    }
    }
  }

  //===--- Statements -------------------------------------------------------------------------===//

  void reduction() {
    for (std::size_t i = 0; i < stage_.accumulators.size(); ++i)
      compute(stage_.accumulators[i].initial, value(i), firstFree());
    statements(stage_.initialStores);
    open(stage_.outerLoops, stage_.loops.size());
    if (stage_.readsFirst && stage_.accumulators.empty())
      together(stage_.statements);
    else
      statements(stage_.statements);
    close(stage_.outerLoops, stage_.loops.size());
    for (std::size_t i = 0; i < stage_.accumulators.size(); ++i) {
      std::size_t next = firstFree();
      store(stage_.accumulators[i].target, value(i), next);
    }
  }

  void store(const ScalarReader::Place &target, const std::string &from, std::size_t &next) {
    std::string index;
    for (const ScalarId id : target.indices)
      index = place(id, next);
    if (!index.empty() && operations_.has("store_indexed"))
      operation("store_indexed", {target.text, from, index}, next);
    else
      operation("store", {target.text, from}, next);
  }

  void statements(const std::vector<ScalarStatement> &list) {
    for (const ScalarStatement &statement : list) {
      std::size_t next = firstFree();
      switch (statement.kind) {
      case ScalarStatement::Kind::Store: {
        const std::string from = place(statement.value, next);
        store(statement.target, from, next);
        break;
      }
      case ScalarStatement::Kind::Update:
        compute(statement.value, value(statement.accumulator), next);
        break;
      case ScalarStatement::Kind::If:
        conditional(
            statement.condition, !statement.then.empty(), !statement.otherwise.empty(),
            [&] { statements(statement.then); }, [&] { statements(statement.otherwise); });
        break;
      case ScalarStatement::Kind::Branch: {
        const std::string condition = place(statement.value, next);
        if (operations_.has("branch"))
          operation("branch", {condition}, next);
        statements(statement.then);
        break;
      }
      }
    }
  }

  /// Stores behind all values.
  void together(const std::vector<ScalarStatement> &list) {
    std::size_t next = firstFree();
    std::vector<std::string> values;
    for (const ScalarStatement &statement : list)
      if (statement.kind == ScalarStatement::Kind::Store)
        values.push_back(place(statement.value, next));
    auto from = values.begin();
    for (const ScalarStatement &statement : list)
      if (statement.kind == ScalarStatement::Kind::Store)
        store(statement.target, *from++, next);
      else
        conditional(
            statement.condition, !statement.then.empty(), !statement.otherwise.empty(),
            [&] { together(statement.then); }, [&] { together(statement.otherwise); });
  }

  const ScalarStage &stage_;
  const ScalarGraph &graph_;
  const ScalarOperations &operations_;
  const ScalarRegisters &registers_;
  ScalarPlan plan_;
  std::string text_;
  std::size_t depth_ = 1;
};

} // namespace

std::optional<ScalarNest> writeScalarNest(const ScalarStage &stage,
                                          const ScalarOperations &operations,
                                          const ScalarRegisters &registers, std::string &reason) {
  NestWriter writer(stage, operations, registers);
  if (auto lack = writer.checkRegisters()) {
    reason = std::move(*lack);
    return std::nullopt;
  }
  return writer.write();
}

} // namespace acadlc::mapping
