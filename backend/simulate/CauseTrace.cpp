#include "backend/simulate/CauseTrace.h"

#include <algorithm>
#include <utility>

namespace acadlc::simulate {

Happening::~Happening() {
  Cause next = std::move(from);
  while (next && next.use_count() == 1)
    next = std::exchange(next->from, nullptr);
}

void CauseBook::choose(std::int64_t now, std::span<const Candidate> candidates) {
  const Candidate *best = nullptr;
  for (const Candidate &candidate : candidates) {
    if (!candidate.enabler->cause || candidate.enabler->since > now)
      continue;
    if (!best || candidate.enabler->since > best->enabler->since)
      best = &candidate;
  }
  if (!best)
    return because(nullptr, now == 0 ? WaitKind::Begin : WaitKind::Unknown);
  const bool isKnown = best->enabler->since == now;
  because(best->enabler->cause, isKnown ? best->kind : WaitKind::Unknown, best->object);
}

Cause CauseBook::add(Activity activity, arch::ObjectId object, std::int64_t begin,
                     std::int64_t end) const {
  auto happening = std::make_shared<Happening>();
  happening->begin = begin;
  happening->end = end;
  happening->from = cause_;
  happening->over = kind_;
  happening->awaited = object_;
  happening->activity = activity;
  happening->object = object;
  return happening;
}

// ---- The chain ----------------------------------------------------------------------------------

namespace {

ChainStep stepOf(const Happening &happening, std::int64_t end) {
  ChainStep step;
  step.begin = std::min(happening.begin, end);
  step.end = end;
  step.over = happening.over;
  step.awaited = happening.awaited;
  step.activity = happening.activity;
  step.hasInstruction = happening.hasInstruction;
  step.object = happening.object;
  step.instruction = happening.instruction;
  step.index = happening.index;
  step.emission = happening.emission;
  step.phase = happening.phase;
  step.lag = std::max<std::int64_t>(end - happening.end, 0);
  return step;
}

/// The words of a message take as long as they would alone; the rest is because of others.
void appendMessage(const Happening &message, ChainStep step, std::vector<ChainStep> &chain) {
  const std::int64_t alone = std::min(message.alone, step.end - step.begin);
  if (step.end - step.begin > alone) {
    ChainStep contended = step;
    contended.isContended = true;
    contended.over = WaitKind::Channel;
    contended.begin = step.begin + alone;
    chain.push_back(contended);
    step.end = contended.begin;
  }
  if (step.end > step.begin)
    chain.push_back(std::move(step));
}

/// What takes no time is no step of its own: what it waited for, the one behind it waited for too.
void takeOver(const ChainStep &step, ChainStep &behind) {
  if (behind.over != WaitKind::Forward && step.over != WaitKind::Unknown)
    return;
  behind.over = step.over;
  behind.awaited = step.awaited;
}

} // namespace

std::vector<ChainStep> followCauses(const Cause &last, std::int64_t end) {
  std::vector<ChainStep> chain;
  for (const Happening *at = last.get(); at; at = at->from.get()) {
    ChainStep step = stepOf(*at, end);
    end = step.begin;
    if (at->activity == Activity::Message && at->begin == at->end)
      appendMessage(*at, std::move(step), chain);
    else if (step.end > step.begin)
      chain.push_back(std::move(step));
    else if (!chain.empty())
      takeOver(step, chain.back());
  }
  if (end > 0) {
    ChainStep unknown;
    unknown.end = end;
    unknown.over = WaitKind::Unknown;
    chain.push_back(unknown);
  }
  return chain;
}

} // namespace acadlc::simulate
