#include "tests/property/Compare.h"

#include "backend/timing/Machine.h"
#include "backend/timing/StorageModel.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_map>

namespace acadlc::test {

using arch::ObjectId;
using program::Instance;
using program::Instruction;
using timing::InstructionTimes;

namespace {

std::string text(const InstructionTimes &times) {
  std::ostringstream out;
  out << "fetched " << times.fetched << ", issued " << times.issued << ", entered " << times.entered
      << ", started " << times.started << ", finished " << times.finished;
  return out.str();
}

/// A half-open interval of time in which something is used.
struct Use {
  std::int64_t begin, end;
};

/// Whether more than \p most of the uses overlap at any time.
bool exceeds(const std::vector<Use> &uses, std::int64_t most) {
  std::map<std::int64_t, std::int64_t> changes;
  for (const Use &use : uses) {
    ++changes[use.begin];
    --changes[use.end];
  }
  std::int64_t now = 0;
  return std::any_of(changes.begin(), changes.end(),
                     [&](const auto &change) { return (now += change.second) > most; });
}

/// Latest finish of readers and writers of one register or byte.
struct LastUse {
  std::int64_t read = 0, write = 0;
};

/// Walks the stream along with the observed times.
class RuleChecker {
public:
  RuleChecker(const RandomCase &c, const Observation &observation)
      : case_(c), observation_(observation), routes_(c.graph, c.program),
        fetch_(*timing::fetchPath(c.graph)), registers_(c.graph.registerCount) {}

  std::string run() {
    program::InstructionStream stream(case_.program);
    for (Instance instance; stream.next(instance) && message_.empty();) {
      const auto place = static_cast<std::size_t>(instance.index);
      if (place >= observation_.times.size())
        return "not every instruction was observed";
      check(instance, observation_.times[place]);
    }
    if (observation_.evaluation.cycles != lastFinish_)
      fail(0, "the cycles are not the last finish");
    if (exceeds(buffer_, fetch_.bufferSize))
      fail(0, "the issue buffer overflows");
    for (const auto &[id, uses] : units_)
      if (exceeds(uses, 1))
        fail(0, "unit " + case_.graph.objects[id].name + " holds two instructions");
    for (const auto &[id, uses] : storages_)
      if (exceeds(uses, case_.graph.objects[id].slots()))
        fail(0, "storage " + case_.graph.objects[id].name + " serves too many requests");
    return message_;
  }

private:
  void fail(std::int64_t index, const std::string &what) {
    if (message_.empty())
      message_ = "instruction " + std::to_string(index) + ": " + what;
  }
  void require(bool holds, const Instance &instance, const std::string &what) {
    if (!holds)
      fail(instance.index, what);
  }

  void check(const Instance &instance, const InstructionTimes &times) {
    const Instruction &instruction = *instance.instruction;
    const auto &objects = routes_.objects(instruction.route);
    require(times.fetched >= lastFetched_, instance, "fetched before an older one");
    blockSize_ = times.fetched == lastFetched_ ? blockSize_ + 1 : 1;
    require(blockSize_ <= fetch_.width, instance, "a fetch brings too many");
    require(blockSize_ > 1 || times.fetched - std::max<std::int64_t>(lastFetched_, 0) >=
                                  fetch_.unitLatency + fetch_.serviceTime + fetch_.stageLatency,
            instance, "a fetch is too fast");
    lastFetched_ = times.fetched;

    std::int64_t way = 0;
    for (std::size_t i = 0; i + 1 < objects.size(); ++i)
      way += case_.graph.objects[objects[i]].latency;
    require(times.issued >= times.fetched, instance, "issued before fetched");
    require(times.entered >= times.issued + way, instance, "enters its unit too early");
    require(times.started >= times.entered, instance, "starts before it enters");
    require(times.finished >= times.started + instruction.latency, instance, "is too fast");

    auto [lastIssue, isFirst] = lastIssues_.try_emplace(objects.front(), -1);
    require(times.issued > lastIssue->second, instance, "two issues at once or out of order");
    lastIssue->second = times.issued;
    buffer_.push_back({times.fetched, times.issued});
    checkUnit(instance, times, objects.back());
    checkRegisters(instance, times);
    checkMemory(instance, times);
    lastFinish_ = std::max(lastFinish_, times.finished);
  }

  void checkUnit(const Instance &instance, const InstructionTimes &times, ObjectId unit) {
    const Instruction &instruction = *instance.instruction;
    if (instruction.requestCount() != 0) {
      units_[unit].push_back({times.entered, times.finished});
      return;
    }
    require(times.finished == times.started + instruction.latency, instance, "latency");
    const std::int64_t busy = timing::occupation(case_.graph.objects[unit], instruction);
    units_[unit].push_back({times.entered, times.started + busy});
  }

  void checkRegisters(const Instance &instance, const InstructionTimes &times) {
    const Instruction &instruction = *instance.instruction;
    for (const arch::RegisterId id : instruction.reads)
      require(times.started >= registers_[id].write, instance, "reads a register too early");
    for (const arch::RegisterId id : instruction.writes)
      require(times.started >= std::max(registers_[id].read, registers_[id].write), instance,
              "writes a register too early");
    for (const arch::RegisterId id : instruction.reads)
      registers_[id].read = std::max(registers_[id].read, times.finished);
    for (const arch::RegisterId id : instruction.writes)
      registers_[id].write = std::max(registers_[id].write, times.finished);
  }

  void checkMemory(const Instance &instance, const InstructionTimes &times) {
    const auto &operands = instance.instruction->memory;
    std::vector<std::int64_t> addresses;
    for (const program::MemoryOperand &operand : operands) {
      addresses.push_back(case_.program.evaluate(operand.address, instance.loopValues));
      for (std::int64_t i = 0; i < operand.bytes; ++i) {
        const LastUse use = bytes_[operand.memory][addresses.back() + i];
        require(times.started >= use.write && (!operand.isWrite || times.started >= use.read),
                instance, "accesses a byte too early");
      }
    }
    for (std::size_t k = 0; k < operands.size(); ++k)
      for (std::int64_t i = 0; i < operands[k].bytes; ++i) {
        LastUse &use = bytes_[operands[k].memory][addresses[k] + i];
        std::int64_t &last = operands[k].isWrite ? use.write : use.read;
        last = std::max(last, times.finished);
      }
    // With one operand the time of service is known from outside.
    if (instance.instruction->requestCount() != 1)
      return;
    const arch::Object &storage = case_.graph.objects[operands[0].storage];
    if (storage.objectClass != arch::ObjectClass::SRAM)
      return;
    const std::int64_t service = timing::transactions(storage, operands[0].bytes) *
                                 (operands[0].isWrite ? storage.writeLatency : storage.readLatency);
    require(times.finished >= times.started + instance.instruction->latency + service, instance,
            "is served too fast");
    storages_[operands[0].storage].push_back({times.finished - service, times.finished});
  }

  const RandomCase &case_;
  const Observation &observation_;
  timing::RouteTable routes_;
  timing::FetchPath fetch_;
  std::string message_;
  std::int64_t lastFetched_ = -1, blockSize_ = 0, lastFinish_ = 0;
  std::map<ObjectId, std::int64_t> lastIssues_;
  std::vector<Use> buffer_;
  std::map<ObjectId, std::vector<Use>> units_, storages_;
  std::vector<LastUse> registers_;
  std::map<ObjectId, std::unordered_map<std::int64_t, LastUse>> bytes_;
};

} // namespace

Observation observe(const RandomCase &randomCase, const Evaluator &evaluator) {
  Observation result;
  result.evaluation = evaluator(
      randomCase.graph, randomCase.program,
      [&](const Instance &, const InstructionTimes &times) { result.times.push_back(times); });
  return result;
}

namespace {

std::string text(const timing::Wait &wait) {
  std::ostringstream out;
  out << wait.instruction << " in object " << wait.where << " wants object " << wait.object
      << ", reason " << static_cast<int>(wait.reason);
  return out.str();
}

} // namespace

std::string differenceInDeadlock(const timing::DeadlockReport &a, const timing::DeadlockReport &b) {
  std::ostringstream out;
  if (a.time != b.time)
    out << "deadlock at " << a.time << " and " << b.time << '\n';
  const auto list = [](const timing::DeadlockReport &report) {
    std::string waits;
    for (const timing::Wait &wait : report.waits)
      waits += "  " + text(wait) + '\n';
    return waits;
  };
  if (const std::string first = list(a), second = list(b); first != second)
    out << "waits of the first\n" << first << "waits of the second\n" << second;
  return out.str();
}

std::string difference(const Observation &a, const Observation &b) {
  std::ostringstream out;
  if (a.evaluation.deadlock.has_value() != b.evaluation.deadlock.has_value()) {
    out << "only " << (a.evaluation.deadlock ? "the first" : "the second") << " deadlocks";
    return out.str();
  }
  // The literal stepper only says that nothing goes on.
  if (a.evaluation.deadlock && !a.evaluation.deadlock->waits.empty() &&
      !b.evaluation.deadlock->waits.empty())
    return differenceInDeadlock(*a.evaluation.deadlock, *b.evaluation.deadlock);
  if (a.evaluation.deadlock)
    return {};
  const std::size_t both = std::min(a.times.size(), b.times.size());
  for (std::size_t i = 0; i < both; ++i)
    if (a.times[i] != b.times[i]) {
      out << "instruction " << i << "\n  first:  " << text(a.times[i])
          << "\n  second: " << text(b.times[i]);
      return out.str();
    }
  if (a.evaluation.cycles != b.evaluation.cycles)
    out << "cycles: " << a.evaluation.cycles << " and " << b.evaluation.cycles;
  else if (a.evaluation.instructions != b.evaluation.instructions)
    out << "instructions: " << a.evaluation.instructions << " and " << b.evaluation.instructions;
  else if (both != 0 && a.times.size() != b.times.size())
    out << "observed instructions: " << a.times.size() << " and " << b.times.size();
  return out.str();
}

std::string brokenRule(const RandomCase &randomCase, const Observation &observation) {
  if (observation.evaluation.deadlock)
    return {};
  return RuleChecker(randomCase, observation).run();
}

Comparison compareOnRandomCases(const Knobs &knobs, std::uint64_t first, std::uint64_t count,
                                const Evaluator &a, const Evaluator &b) {
  Comparison result;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const RandomCase randomCase = makeRandomCase(seed, knobs);
    const Observation ofA = observe(randomCase, a);
    const std::string what = difference(ofA, observe(randomCase, b));
    ++result.cases;
    result.deadlocks += ofA.evaluation.deadlock ? 1 : 0;
    if (what.empty())
      continue;
    if (++result.failures == 1)
      result.firstFailure = what + "\n" + printCase(randomCase);
  }
  return result;
}

} // namespace acadlc::test
