#include "backend/simulate/AlikeInstructions.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

namespace acadlc::simulate {

using program::Instruction;
using program::InstructionId;
using program::MemoryOperand;
using program::Phase;
using program::Signal;

namespace {

bool areAlike(const MemoryOperand &a, const MemoryOperand &b) {
  return std::tie(a.storage, a.memory, a.isWrite, a.base, a.bytes) ==
         std::tie(b.storage, b.memory, b.isWrite, b.base, b.bytes);
}

/// What their expansions hand on is not looked at.
bool areAlike(Phase a, Phase b) {
  a.body = b.body = 0;
  a.range = b.range = {};
  return a == b;
}

bool areAlike(const Signal &a, const Signal &b) { return a.name == b.name && a.phase == b.phase; }

template <typename Part> bool areAlike(const std::vector<Part> &a, const std::vector<Part> &b) {
  return std::ranges::equal(
      a, b, [](const Part &one, const Part &other) { return areAlike(one, other); });
}

bool areAlike(const program::Program &program, const Instruction &a, const Instruction &b) {
  return a.className == b.className && program.routes[a.route] == program.routes[b.route] &&
         a.latency == b.latency && a.reads == b.reads && a.writes == b.writes &&
         a.makesRequests == b.makesRequests && areAlike(a.memory, b.memory) &&
         areAlike(a.phases, b.phases) && areAlike(a.signals, b.signals);
}

} // namespace

std::vector<InstructionId> findAlikeInstructions(const program::Program &program) {
  std::vector<InstructionId> alike;
  std::map<std::string, std::vector<InstructionId>> firsts; // by operation
  for (InstructionId id = 0; id < program.instructions.size(); ++id) {
    const Instruction &instruction = program.instructions[id];
    std::vector<InstructionId> &known = firsts[instruction.operation];
    const auto found = std::ranges::find_if(known, [&](InstructionId other) {
      return areAlike(program, instruction, program.instructions[other]);
    });
    alike.push_back(found == known.end() ? id : *found);
    if (found == known.end())
      known.push_back(id);
  }
  return alike;
}

} // namespace acadlc::simulate
