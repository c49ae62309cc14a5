#include "backend/aidg/recurrence/Drift.h"

#include "backend/aidg/recurrence/Recurrences.h"

namespace acadlc::aidg {

namespace {

using Times = Recurrences<DriftingArithmetic>;

void evaluate(Times &times, const FlatProgram &flat, const program::Program &program,
              program::RegionId region) {
  for (const program::Step &step : program.regions[region].steps) {
    if (step.kind == program::Step::Kind::Emit) {
      times.evaluate(flat.instructions[step.index]);
      continue;
    }
    const program::Repeat &repeat = program.repeats[step.index];
    for (std::int64_t i = 0; i < repeat.count; ++i)
      evaluate(times, flat, program, repeat.body);
  }
}

bool goesOn(const Times &times, const DriftStart &start) {
  if (times.remaining != start.remaining)
    return false;
  for (std::size_t place = 0; place != times.values.size(); ++place) {
    const DriftingArithmetic::Time time = times.values[place];
    if (time.rate != start.step[place] || time.cycles != start.values[place] + start.step[place])
      return false;
  }
  return true;
}

} // namespace

std::optional<std::int64_t> proveDrift(const FlatProgram &flat, const program::Program &program,
                                       program::RegionId body, std::int64_t iterations,
                                       const DriftStart &start) {
  Times times(flat);
  for (std::size_t place = 0; place != times.values.size(); ++place)
    times.values[place] = {start.values[place], start.step[place]};
  times.remaining = start.remaining;
  times.takeIssues();
  try {
    for (std::int64_t i = 0; i != iterations; ++i)
      evaluate(times, flat, program, body);
  } catch (const OrderDependsOnTime &) {
    return std::nullopt; // at equal request times of which one will be overtaken
  }
  times.storeIssues();
  times.clamp();
  if (!goesOn(times, start))
    return std::nullopt;
  const std::int64_t limit = times.arithmetic.limit();
  return limit == DriftingArithmetic::forever ? limit : limit + 1;
}

} // namespace acadlc::aidg
