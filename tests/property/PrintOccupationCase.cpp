#include "tests/property/RandomOccupationCase.h"

#include <sstream>

namespace acadlc::test {

using arch::Object;
using arch::ObjectClass;
using program::Instruction;
using program::Phase;

namespace {

class Printer {
public:
  explicit Printer(const RandomCase &randomCase) : case_(randomCase) {}

  std::string print() {
    out_ << "seed " << case_.seed << "\nobjects\n";
    for (const Object &object : case_.graph.objects)
      printObject(object);
    out_ << "edges\n";
    for (const arch::Edge &edge : case_.graph.edges)
      out_ << "  " << name(edge.source) << " " << arch::edgeName(edge.kind) << " "
           << name(edge.target) << "\n";
    out_ << "program\n";
    printRegion(case_.program.root, 2);
    return out_.str();
  }

private:
  [[nodiscard]] const std::string &name(arch::ObjectId id) const {
    return case_.graph.objects[id].name;
  }

  void printArbitration(const Object &object) {
    static constexpr const char *names[] = {"program_order", "oldest_first", "priority",
                                            "round_robin", "first_come"};
    out_ << " " << names[static_cast<std::size_t>(object.arbitration)];
  }

  void printObject(const Object &object) {
    out_ << "  " << object.name << ": " << arch::className(object.objectClass);
    if (arch::isStage(object.objectClass) || arch::isUnit(object.objectClass) ||
        object.objectClass == ObjectClass::Channel)
      out_ << " latency=" << object.latency;
    if (object.initiationInterval != 0)
      out_ << " ii=" << object.initiationInterval;
    if (object.maxConcurrentExpansions != 1)
      out_ << " expansions=" << object.maxConcurrentExpansions;
    if (object.objectClass == ObjectClass::InstructionFetchStage)
      out_ << " buffer=" << object.issueBufferSize;
    if (arch::isStorage(object.objectClass))
      out_ << " slots=" << object.slots() << " read=" << object.readLatency
           << " write=" << object.writeLatency << " port_width=" << object.portWidth;
    if (object.objectClass == ObjectClass::Channel)
      out_ << " width=" << object.channel.width << " interval=" << object.channel.interval
           << " in_flight=" << object.channel.inFlight << " credits=" << object.channel.credits;
    if (object.objectClass == ObjectClass::Queue ||
        object.objectClass == ObjectClass::ReservationStation)
      printQueue(object.queue, object.objectClass == ObjectClass::ReservationStation);
    else
      printArbitration(object);
    for (const arch::UnitStep &step : object.steps) {
      out_ << "\n    step [";
      for (const std::string &operation : step.taken)
        out_ << " " << operation;
      out_ << " ] before [";
      for (const std::string &operation : step.behind)
        out_ << " " << operation;
      out_ << " ]";
    }
    out_ << "\n";
  }

  void printQueue(const arch::QueueAttributes &queue, bool isStation) {
    out_ << " capacity=" << queue.capacity;
    for (const arch::ClassCapacity &entries : queue.classCapacities)
      out_ << " " << entries.className << ":" << entries.entries;
    out_ << (queue.entryOrder == arch::QueueOrder::InOrder ? " entry=in_order"
                                                           : " entry=oldest_ready")
         << (queue.issueOrder == arch::QueueOrder::InOrder ? " issue=in_order"
                                                           : " issue=oldest_ready");
    if (!isStation)
      return;
    out_ << " release=" << queue.release;
    for (const arch::ReleaseEvent &release : queue.releases)
      out_ << " " << release.name << ":" << release.event;
    if (queue.hasHazards)
      out_ << "\n    hazards";
    for (const arch::Hazard &hazard : queue.hazards)
      out_ << "\n    " << hazard.waiting << " waits for " << hazard.awaited.front() << " "
           << hazard.event << (hazard.onlyOverlapping ? " where overlapping" : "");
  }

  static std::string eventName(program::EventId event) {
    if (event == program::issuedEvent)
      return "issued";
    if (event == program::readEvent)
      return "read";
    return event == program::completedEvent ? "completed" : "p" + std::to_string(event - 3);
  }

  void printAddress(const program::MemoryOperand &operand) {
    out_ << (operand.isWrite ? " store " : " load ") << name(operand.storage) << "[";
    if (operand.base)
      out_ << "operand " << *operand.base << " + ";
    out_ << operand.address.constant;
    for (const program::Address::Term &term : operand.address.terms)
      out_ << " + " << term.coefficient << "*v" << term.depth;
    out_ << "; " << operand.bytes << "]";
  }

  void printPhase(const Phase &phase, int indent) {
    out_ << std::string(static_cast<std::size_t>(indent), ' ') << "phase " << phase.name;
    if (phase.kind == Phase::Kind::Occupation)
      out_ << " on " << name(phase.object) << " for " << phase.cycles;
    if (phase.kind == Phase::Kind::Delay)
      out_ << " for " << phase.cycles;
    if (phase.kind == Phase::Kind::Message) {
      out_ << " over [";
      for (const arch::ObjectId channel : phase.channels)
        out_ << " " << name(channel);
      out_ << " ] for " << phase.bits << " bits" << (phase.together ? " together" : "");
    }
    for (const program::EventId event : phase.after)
      out_ << " after " << eventName(event);
    if (phase.afterStep)
      out_ << " after step + " << *phase.afterStep;
    for (const program::Holding &holding : phase.holding)
      out_ << " holding " << name(holding.object) << " until " << eventName(holding.until);
    if (phase.kind != Phase::Kind::Expansion) {
      out_ << "\n";
      return;
    }
    out_ << " expands";
    if (phase.outstanding)
      out_ << " outstanding=" << *phase.outstanding;
    for (const program::OutstandingLimit &limit : phase.limits)
      out_ << " outstanding " << limit.name << ":" << limit.count;
    out_ << "\n";
    printRegion(phase.body, indent + 2);
  }

  void printInstruction(const Instruction &instruction, int indent) {
    out_ << instruction.operation << " class " << instruction.className
         << " latency=" << instruction.latency << " via";
    const program::Route &route = case_.program.routes[instruction.route];
    for (const arch::ObjectId stage : route.stages)
      out_ << " " << name(stage);
    out_ << " " << name(route.unit);
    for (const arch::RegisterId id : instruction.reads)
      out_ << " read r" << id;
    for (const arch::RegisterId id : instruction.writes)
      out_ << " write r" << id;
    for (const program::MemoryOperand &operand : instruction.memory)
      printAddress(operand);
    for (const program::Signal &signal : instruction.signals)
      out_ << " p" << signal.phase << " signals " << signal.name;
    out_ << "\n";
    for (const Phase &phase : instruction.phases)
      printPhase(phase, indent + 4);
  }

  void printRegion(program::RegionId id, int indent) {
    for (const program::Step &step : case_.program.regions[id].steps) {
      out_ << std::string(static_cast<std::size_t>(indent), ' ');
      if (step.kind == program::Step::Kind::Emit) {
        printInstruction(case_.program.instructions[step.index], indent);
        continue;
      }
      const program::Repeat &repeat = case_.program.repeats[step.index];
      out_ << "repeat " << repeat.count << ": v" << repeat.depth << " from " << repeat.first
           << " step " << repeat.step << "\n";
      printRegion(repeat.body, indent + 2);
    }
  }

  const RandomCase &case_;
  std::ostringstream out_;
};

} // namespace

std::string printOccupationCase(const RandomCase &randomCase) {
  return Printer(randomCase).print();
}

} // namespace acadlc::test
