#include "backend/simulate/AlikeInstructions.h"

#include "tests/property/CaseBuilder.h"

#include <doctest/doctest.h>

namespace acadlc::simulate {

TEST_CASE("alike instructions differ in addresses alone") {
  test::CaseBuilder machine;
  machine.fetch({});
  machine.registers(2);
  const arch::ObjectId stage = machine.stage(1, {machine.fetchStage()});
  const arch::ObjectId unit = machine.functionalUnit(stage, 1);
  const arch::ObjectId memory = machine.sram(1);
  const auto emit = [&](std::int64_t address, std::int64_t bytes, bool isWrite,
                        std::int64_t cycles) {
    program::Instruction &instruction = machine.emit({stage}, unit, {0}, {1});
    instruction.operation = "store";
    instruction.memory = {machine.access(memory, address, bytes, isWrite)};
    test::addPhase(instruction, test::delay(cycles));
  };
  emit(0, 4, true, 5);
  emit(64, 4, true, 5);
  emit(0, 8, true, 5);
  emit(0, 4, false, 5);
  emit(0, 4, true, 6);
  emit(128, 8, true, 5);
  emit(192, 4, true, 5);
  machine.mutableInstruction(6).reads = {1};
  const std::vector<program::InstructionId> alike = findAlikeInstructions(machine.program());
  CHECK((alike == std::vector<program::InstructionId>{0, 0, 2, 3, 4, 2, 6}));
}

} // namespace acadlc::simulate
