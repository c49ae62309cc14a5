#include "backend/report/Trace.h"

#include "backend/report/Csv.h"

#include <fmt/format.h>

namespace acadlc::report {

namespace {

std::string place(SourceRange range, const SourceManager &sources) {
  if (!range.isValid())
    return {};
  return fmt::format("{}:{}", sources.name(sources.fileOf(range.begin)),
                     sources.lineColumn(range.begin).line + 1);
}

/// A cycle, empty if there is none.
std::string cycle(std::int64_t time) { return time < 0 ? std::string() : std::to_string(time); }

} // namespace

std::string traceHeader() {
  return "layer,index,instruction,unit,fetched,allocated,issued,entered,started,released,finished,"
         "loops,source\n";
}

void traceRow(std::string &out, const std::string &layer, const arch::ArchitectureGraph &graph,
              const program::Program &program, const program::Instance &instance,
              const timing::InstructionTimes &times, const SourceManager &sources) {
  const program::Instruction &instruction = *instance.instruction;
  std::string loops;
  for (const std::int64_t value : instance.loopValues)
    loops += (loops.empty() ? "" : " ") + std::to_string(value);
  csvRow(out,
         {layer, program::ageText(instance), instruction.operation,
          graph.objects[program.routes[instruction.route].unit].name, cycle(times.fetched),
          cycle(times.allocated), cycle(times.issued), cycle(times.entered), cycle(times.started),
          cycle(times.released), cycle(times.finished), loops, place(instruction.range, sources)});
}

} // namespace acadlc::report
