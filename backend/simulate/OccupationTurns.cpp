// Program order at objects (docs/timing.md, "Arbitration", "Queue", "Channel", "Expansion").
#include "backend/simulate/OccupationRun.h"

#include <algorithm>

namespace acadlc::simulate {

using arch::ObjectId;

void OccupationRun::addTurns(Record &record) {
  record.ownTurns = record.table->ownTurns;
  record.emittedTurns = record.table->emittedTurns;
  const auto isOlder = [](const Record *a, const Record *b) { return a->age < b->age; };
  for (TurnIndex turn = 0; turn < turns_.size(); ++turn)
    if (record.ownTurns[turn] > 0)
      turns_[turn].insert(std::ranges::upper_bound(turns_[turn], &record, isOlder), &record);
}

void OccupationRun::takeTurn(Record &record, ObjectId id) {
  const TurnIndex turn = tables_.turnsAt(id);
  if (turn != noTurns)
    noteTurn(id);
  if (turn != noTurns && record.ownTurns[turn] > 0 && --record.ownTurns[turn] == 0)
    std::erase(turns_[turn], &record);
}

bool OccupationRun::isTurn(ObjectId id, const Age &age) const {
  const TurnIndex turn = tables_.turnsAt(id);
  if (turn == noTurns)
    return true;
  if (!turns_[turn].empty() && turns_[turn].front()->age < age)
    return false;
  return std::ranges::none_of(expanders_, [&](const Record *expander) {
    return expander->emittedTurns[turn] > 0 && emitsBefore(*expander, age);
  });
}

/// Messages one after the other.
bool OccupationRun::isMessageTurn(ObjectId channel, const Message &message) const {
  const TurnIndex turn = tables_.turnsAt(channel);
  if (turn == noTurns)
    return true;
  const MessagePlace place = messagePlace(*message.owner, message.phase, channel);
  for (const Record *expander : expanders_)
    if (expander->emittedTurns[turn] > 0 && emitsBefore(*expander, *place.age))
      return false;
  for (const Record *record : turns_[turn])
    for (std::size_t phase = 0; phase < record->phases.size(); ++phase)
      if (isStillToSend(*record, phase, channel) &&
          isBefore(messagePlace(*record, phase, channel), place))
        return false;
  return true;
}

/// Those of a lock step stand in the place of the oldest of them that uses the channel.
OccupationRun::MessagePlace OccupationRun::messagePlace(const Record &record, std::size_t phase,
                                                        ObjectId channel) {
  if (const std::shared_ptr<LockStep> &group = record.phases[phase].lockStep)
    for (const LockStep::Member &member : group->members)
      if (std::ranges::find(member.text->channels, channel) != member.text->channels.end())
        return {&member.age, member.phase};
  return {&record.age, phase};
}

bool OccupationRun::isBefore(const MessagePlace &a, const MessagePlace &b) {
  return *a.age != *b.age ? *a.age < *b.age : a.phase < b.phase;
}

/// Whether a phase has words to send through \p channel. One marked `together` may have empty ones,
/// which is known when it begins.
bool OccupationRun::isStillToSend(const Record &record, std::size_t phase, ObjectId channel) const {
  const program::Phase &text = record.instruction->phases[phase];
  if (std::ranges::find(text.channels, channel) == text.channels.end() ||
      (channels_.wordsOf(text) == 0 && !text.together))
    return false;
  if (record.phases[phase].status != PhaseState::Status::Running)
    return record.phases[phase].status == PhaseState::Status::Waiting;
  const Message *message = channels_.find(record, phase);
  return message && std::ranges::any_of(message->hops, [&](const Message::Hop &hop) {
           return hop.channel == channel && hop.accepted < message->words;
         });
}

} // namespace acadlc::simulate
