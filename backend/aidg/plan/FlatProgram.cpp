#include "backend/aidg/plan/FlatProgram.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace acadlc::aidg {

namespace {

/// The indices of \p things in the order of \p idOf.
template <typename Thing, typename IdOf>
std::vector<std::uint32_t> inOrderOf(const std::vector<Thing> &things, IdOf idOf) {
  std::vector<std::uint32_t> order(things.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t index) { return idOf(things[index]); });
  return order;
}

/// Whether a request is served as soon as it is made, whatever others do: then it is a latency.
bool isServedAtOnce(const PlanStorage &storage) {
  if (storage.hasState || storage.stateGroup || storage.programOrder)
    return false;
  return storage.neverWaits();
}

} // namespace

TimeLayout::TimeLayout(const Plan &plan) {
  const auto add = [this](std::int64_t least) {
    distance.push_back(least);
    return size++;
  };
  distance.reserve(3 + plan.objects.size() + 2 * plan.registerIds.size());
  for (int header = 0; header != 3; ++header)
    add(0);
  signature.reserve(5 + 3 * (plan.objects.size() + plan.storages.size()) +
                    2 * plan.registerIds.size());
  signature = {plan.fetch.width, plan.fetch.bufferSize, plan.fetch.latency()};

  objects.resize(plan.objects.size());
  const auto idOfObject = [](const PlanObject &object) { return object.id; };
  for (const std::uint32_t index : inOrderOf(plan.objects, idOfObject)) {
    const PlanObject &object = plan.objects[index];
    objects[index] = add(object.distance);
    signature.insert(signature.end(), {object.id, object.distance, object.latency});
  }
  signature.push_back(-1);

  registers.resize(plan.registerIds.size());
  const auto sameId = [](arch::RegisterId id) { return id; };
  for (const std::uint32_t index : inOrderOf(plan.registerIds, sameId)) {
    const std::int64_t least = plan.registerDistance[index];
    registers[index] = add(least);
    add(least);
    signature.insert(signature.end(), {plan.registerIds[index], least});
  }
  signature.push_back(-1);

  storages.resize(plan.storages.size());
  slots.resize(plan.storages.size());
  slotEnds.resize(plan.storages.size());
  const auto idOfStorage = [](const PlanStorage &storage) { return storage.id; };
  for (const std::uint32_t index : inOrderOf(plan.storages, idOfStorage)) {
    const PlanStorage &storage = plan.storages[index];
    storages[index] = add(storage.distance);
    add(storage.distance);
    // The first of a group may be farther away than others: no distance that holds for all is
    // known.
    add(0);
    // Slots that can never be waited for need no state.
    const std::int64_t count = storage.neverWaits() && !storage.programOrder ? 1 : storage.slots;
    slots[index] = size;
    for (std::int64_t i = 0; i != count; ++i)
      add(storage.distance);
    slotEnds[index] = size;
    signature.insert(signature.end(), {storage.id, storage.distance, count});
  }

  issues = size;
  issueCount = static_cast<std::uint32_t>(plan.fetch.bufferSize - plan.fetch.width + 1);
  size += issueCount;
}

FlatProgram::FlatProgram(const Plan &plan)
    : layout(plan), fetchWidth(plan.fetch.width), fetchLatency(plan.fetch.latency()) {
  latencies.resize(layout.size);
  for (std::size_t object = 0; object != plan.objects.size(); ++object)
    latencies[layout.objects[object]] = plan.objects[object].latency;
  instructions.reserve(plan.instructions.size());
  for (const PlanInstruction &planned : plan.instructions) {
    FlatInstruction flat;
    flat.firstPlace = static_cast<std::uint32_t>(places.size());
    for (std::uint32_t i = 0; i != planned.stageCount; ++i)
      places.push_back(layout.objects[plan.routeObjects[planned.firstStage + i]]);
    places.push_back(layout.objects[planned.unit]);
    flat.objectCount = planned.stageCount + 1;
    addRegisters(plan, planned, flat);
    flat.isBranch = planned.isBranch;
    addAccesses(plan, planned, flat);
    longestStep = std::max(longestStep, stepOf(flat));
    instructions.push_back(flat);
  }
  longestStep += fetchLatency;
  regions.reserve(plan.program->regions.size());
  // Each instruction stands in the stream's regions about once.
  seriesSteps.reserve(instructions.size());
  for (const program::Region &region : plan.program->regions)
    addRuns(region);
}

void FlatProgram::addRuns(const program::Region &region) {
  std::vector<FlatRun> &runs = regions.emplace_back();
  for (std::uint32_t i = 0; i != region.steps.size(); ++i) {
    const program::Step &step = region.steps[i];
    FlatRun run;
    run.firstStep = i;
    run.firstSeriesStep = static_cast<std::uint32_t>(seriesSteps.size());
    if (step.kind == program::Step::Kind::Repeat) {
      run.kind = FlatRun::Kind::Repeat;
    } else if (const auto added = seriesStepOf(instructions[step.index])) {
      run.kind = FlatRun::Kind::Series;
      seriesSteps.push_back(*added);
    }
    if (runs.empty() || run.kind == FlatRun::Kind::Repeat || runs.back().kind != run.kind)
      runs.push_back(run);
    ++runs.back().stepCount;
  }
}

void FlatProgram::addRegisters(const Plan &plan, const PlanInstruction &planned,
                               FlatInstruction &flat) {
  const auto writes = std::span(plan.registers).subspan(planned.firstWrite, planned.writeCount);
  for (std::uint32_t i = 0; i != planned.readCount; ++i) {
    // Who writes a register waits for its writers and users, and is its last user.
    const std::uint32_t read = plan.registers[planned.firstRead + i];
    if (std::ranges::find(writes, read) == writes.end()) {
      places.push_back(layout.registers[read]);
      ++flat.readCount;
    }
  }
  for (const std::uint32_t write : writes)
    places.push_back(layout.registers[write]);
  flat.writeCount = planned.writeCount;
}

std::optional<SeriesStep> FlatProgram::seriesStepOf(const FlatInstruction &flat) const {
  constexpr std::int64_t longest = std::numeric_limits<std::uint32_t>::max();
  // Where addresses matter, instructions are evaluated one by one.
  if (usesAddresses || flat.objectCount != 2 || flat.readCount > SeriesStep::mostReads ||
      flat.writeCount > SeriesStep::mostWrites || flat.isBranch || flat.accessCount != 0)
    return std::nullopt;
  const std::uint32_t *place = places.data() + flat.firstPlace;
  SeriesStep step;
  step.stage = *place++;
  step.unit = *place++;
  const std::int64_t stageLatency = latencies[step.stage];
  if (std::max({stageLatency, flat.occupation, flat.latency}) > longest)
    return std::nullopt;
  step.stageLatency = static_cast<std::uint32_t>(stageLatency);
  step.occupation = static_cast<std::uint32_t>(flat.occupation);
  step.latency = static_cast<std::uint32_t>(flat.latency);
  for (std::uint32_t i = 0; i != SeriesStep::mostReads; ++i) {
    const bool reads = i < flat.readCount;
    step.readWritten[i] = reads ? *place : step.unit;
    step.readAccessed[i] = reads ? *place++ + 1 : step.unit;
  }
  step.written = flat.writeCount != 0 ? *place : step.unit;
  step.accessed = flat.writeCount != 0 ? *place + 1 : step.unit;
  return step;
}

std::int64_t FlatProgram::stepOf(const FlatInstruction &flat) const {
  std::int64_t step = std::max(flat.latency, flat.occupation);
  for (std::uint32_t i = 0; i + 1 != flat.objectCount; ++i)
    step += latencies[places[flat.firstPlace + i]];
  for (std::uint32_t i = 0; i != flat.accessCount; ++i)
    step += accesses[flat.firstAccess + i].service;
  return step;
}

void FlatProgram::addAccesses(const Plan &plan, const PlanInstruction &planned,
                              FlatInstruction &flat) {
  flat.latency = planned.latency;
  flat.occupation = planned.occupation;
  flat.firstAccess = static_cast<std::uint32_t>(accesses.size());
  flat.usesAddresses = planned.hasTracked;
  if (planned.makesRequests) {
    for (std::uint32_t i = 0; i != planned.accessCount; ++i)
      addAccess(plan, planned, i, flat);
    // It stands in its unit until its last request has been served.
    if (flat.accessCount == 0)
      flat.occupation = flat.latency;
  }
  usesAddresses = usesAddresses || flat.usesAddresses;
}

void FlatProgram::addAccess(const Plan &plan, const PlanInstruction &instruction,
                            std::uint32_t operand, FlatInstruction &flat) {
  const PlanAccess &planned = plan.accesses[instruction.firstAccess + operand];
  const PlanStorage &storage = plan.storages[planned.storage];
  if (isServedAtOnce(storage) && flat.accessCount == 0) {
    flat.latency += planned.service;
    return;
  }
  FlatAccess access;
  access.access = instruction.firstAccess + operand;
  access.operand = operand;
  access.requests = layout.storages[planned.storage];
  access.slots = layout.slots[planned.storage];
  access.slotEnd = layout.slotEnds[planned.storage];
  access.service = planned.service;
  access.hasState = storage.hasState;
  access.inProgramOrder = storage.programOrder;
  access.takesSlot = !storage.neverWaits();
  access.merges =
      storage.clients > 1 && !storage.programOrder && (storage.hasState || !storage.neverWaits());
  if (storage.stateGroup) {
    access.hasGroup = true;
    access.groupGrant = layout.storages[*storage.stateGroup] + 2;
  }
  flat.usesAddresses = flat.usesAddresses || storage.hasState;
  checksOrder = checksOrder || access.merges || access.hasGroup;
  accesses.push_back(access);
  ++flat.accessCount;
}

} // namespace acadlc::aidg
