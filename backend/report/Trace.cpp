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

} // namespace

std::string traceHeader() {
  return "layer,index,instruction,unit,fetched,issued,entered,started,finished,loops,source\n";
}

void traceRow(std::string &out, const std::string &layer, const arch::ArchitectureGraph &graph,
              const program::Program &program, const program::Instance &instance,
              const timing::InstructionTimes &times, const SourceManager &sources) {
  const program::Instruction &instruction = *instance.instruction;
  std::string loops;
  for (const std::int64_t value : instance.loopValues)
    loops += (loops.empty() ? "" : " ") + std::to_string(value);
  csvRow(out, {layer, std::to_string(instance.index), instruction.operation,
               graph.objects[program.routes[instruction.route].unit].name,
               std::to_string(times.fetched), std::to_string(times.issued),
               std::to_string(times.entered), std::to_string(times.started),
               std::to_string(times.finished), loops, place(instruction.range, sources)});
}

} // namespace acadlc::report
