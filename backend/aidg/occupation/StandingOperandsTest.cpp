// Loops within expansions that go past operands of other instructions that expand: random tiles
// side by side, held against the simulator.

#include "tests/property/CaseBuilder.h"
#include "tests/property/Evaluators.h"
#include "tests/property/Random.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace acadlc::aidg {

namespace {

/// Tiles that a unit expands several of at once, into rows for two lanes. Rows go through operands
/// of their tiles, or elsewhere through the memory.
class RandomTiles {
public:
  explicit RandomTiles(std::uint64_t seed) : random_(seed, 0x57A4D) {
    builder_.fetch({});
    tileStage_ = builder_.stage(1, {builder_.fetchStage()});
    tileUnit_ = builder_.functionalUnit(tileStage_, 1);
    builder_.object(tileUnit_).maxConcurrentExpansions = random_.range(1, 3);
    for (Lane &lane : lanes_) {
      lane.stages = {tileStage_};
      if (random_.chance(40))
        lane.stages.push_back(random_.chance(50) ? hazardous()
                                                 : builder_.queue(room(), {tileStage_}));
      lane.stages.push_back(builder_.stage(1, {lane.stages.back()}));
      lane.stages.erase(lane.stages.begin());
      lane.unit = builder_.functionalUnit(lane.stages.back(), random_.range(1, 5));
    }
    memory_ = builder_.sram(1);
    stride_ = 4 * random_.range(-2, 3);
    const std::int64_t tiles = random_.range(1, 4);
    for (std::int64_t tile = 0; tile != tiles; ++tile)
      emitTile();
  }

  test::CaseBuilder &builder() { return builder_; }

private:
  struct Lane {
    std::vector<arch::ObjectId> stages;
    arch::ObjectId unit = arch::noObject;
  };

  std::int64_t room() { return random_.range(1, 4); }

  arch::ObjectId hazardous() {
    const arch::ObjectId station = builder_.station(room(), {tileStage_});
    builder_.hazard(station, "row", {"row"}, "completed", true);
    return station;
  }

  void emitTile() {
    std::vector<program::MemoryOperand> operands;
    for (std::int64_t i = random_.range(1, 2); i != 0; --i) {
      const std::int64_t address = 4 * random_.range(0, 100);
      const std::int64_t longest = random_.chance(50) ? 150 : 30;
      const std::int64_t bytes = 4 * random_.range(1, longest);
      operands.push_back(builder_.access(memory_, address, bytes, random_.chance(50)));
    }
    std::vector<program::Phase> phases;
    for (std::int64_t i = random_.range(1, 3); i != 0; --i) {
      const program::RegionId nest = builder_.beginNest(tileStage_);
      emitStream(operands.size());
      builder_.endNest();
      phases.push_back(test::expanding(nest));
      phases.back().name = "stream" + std::to_string(i);
      phases.back().outstanding = random_.range(1, 4);
    }
    program::Instruction &tile = builder_.emit({tileStage_}, tileUnit_);
    tile.className = "tile";
    tile.memory = std::move(operands);
    tile.phases = std::move(phases);
  }

  void emitStream(std::size_t operands) {
    if (random_.chance(30))
      emitRow(operands);
    const std::int64_t mostTrips = random_.chance(70) ? 120 : 10;
    builder_.beginRepeat(random_.range(1, mostTrips));
    for (std::int64_t i = random_.range(1, 2); i != 0; --i)
      emitRow(operands);
    builder_.endRepeat();
    if (random_.chance(30))
      emitRow(operands);
  }

  void emitRow(std::size_t operands) {
    const Lane &lane = lanes_[random_.chance(50) ? 1 : 0];
    const std::int64_t address = 4 * random_.range(0, 150);
    program::MemoryOperand operand = builder_.access(memory_, address, 4, random_.chance(20));
    if (random_.chance(60))
      operand.base =
          static_cast<std::uint32_t>(random_.range(0, static_cast<std::int64_t>(operands) - 1));
    const std::int64_t stride = random_.chance(90) ? stride_ : 4 * random_.range(0, 2);
    if (builder_.depth() != 0 && stride != 0)
      operand.address.terms = {{0, stride}};
    program::Instruction &row = builder_.emit(lane.stages, lane.unit);
    row.className = "row";
    if (random_.chance(70))
      row.memory = {operand};
  }

  test::Random random_;
  test::CaseBuilder builder_;
  arch::ObjectId tileStage_ = arch::noObject, tileUnit_ = arch::noObject, memory_ = arch::noObject;
  Lane lanes_[2];
  std::int64_t stride_ = 0; ///< of most rows, bytes
};

/// The evaluation of a case, which must have the simulator's cycles.
timing::Evaluation evaluate(std::uint64_t seed) {
  RandomTiles tiles(seed);
  const arch::ArchitectureGraph &graph = tiles.builder().graph();
  const program::Program &program = tiles.builder().program();
  const timing::Evaluation simulated = test::runOccupations(graph, program, nullptr);
  timing::Evaluation evaluated = test::runExtrapolatedOccupations(graph, program, nullptr);
  CAPTURE(seed);
  REQUIRE(simulated.deadlock.has_value() == evaluated.deadlock.has_value());
  if (!simulated.deadlock)
    REQUIRE(simulated.cycles == evaluated.cycles);
  return evaluated;
}

} // namespace

TEST_CASE("standing operands: behind a jump, ages are what they would have become") {
  // What was handed on before the period had other distances in age than what comes later.
  for (const std::uint64_t seed : {311, 665, 1819})
    evaluate(seed);
}

TEST_CASE("standing operands: a jump ends before somebody gives up its turn at an object") {
  for (const std::uint64_t seed : {617, 3066})
    evaluate(seed);
}

TEST_CASE("standing operands: random tiles side by side have the simulator's cycles") {
  const std::uint64_t cases = std::max<std::size_t>(test::propertyCases(3000), 300);
  std::uint64_t jumped = 0, limited = 0;
  for (std::uint64_t seed = 0; seed != cases; ++seed) {
    const timing::Evaluation evaluated = evaluate(seed);
    jumped += std::ranges::any_of(evaluated.certificates, &timing::Certificate::isInExpansion);
    limited += std::ranges::any_of(evaluated.certificates,
                                   [](const timing::Certificate &one) { return one.periods != 0; });
  }
  INFO(jumped, " jump and ", limited, " are limited, of ", cases);
  CHECK(jumped * 3 > cases);
  CHECK(limited * 50 > cases);
}

} // namespace acadlc::aidg
