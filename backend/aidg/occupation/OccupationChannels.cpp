#include "backend/aidg/occupation/OccupationEngine.h"

#include <algorithm>

namespace acadlc::aidg {

arch::ObjectId OccupationEngine::channelOf(const Message &message, std::uint32_t hop) const {
  return plan_.routeChannels[message.firstChannel + hop];
}

/// Words of a message, the empty ones of its lock step included.
std::int64_t OccupationEngine::wordsOf(const Candidate &message) const {
  const OccupationPhase &sending = phase(message.flight, message.part);
  const std::uint32_t group = sending.together ? flight(message.flight).group : none;
  return group == none ? sending.words : state_.groups[group].words;
}

/// \p id has taken its place in the first channel.
void OccupationEngine::beginMessage(FlightId id, std::uint32_t index) {
  const OccupationPhase &sending = phase(id, index);
  const std::uint32_t group = sending.together ? flight(id).group : none;
  const std::int64_t words = wordsOf({id, index});
  if (sending.channels.count == 0 || words == 0) {
    if (sending.together)
      leaveTurns(id, sending, group);
    leaveGroup(group);
    endPhase(id, index);
    return;
  }
  std::uint32_t added = static_cast<std::uint32_t>(state_.messages.size());
  if (state_.freeMessages.empty()) {
    state_.messages.emplace_back();
  } else {
    added = state_.freeMessages.back();
    state_.freeMessages.pop_back();
  }
  Message &message = state_.messages[added];
  message.flight = id;
  message.phase = index;
  message.firstChannel = sending.channels.first;
  message.words = words;
  message.group = group;
  message.lastSent = -1;
  message.clearHops(sending.channels.count);
  message.hops[0].available = words;
  message.hops[0].came.push_back(state_.now);
  phaseState(id, index).message = added;
  addSender(added, 0);
}

/// A message that could have gone in lock step sends nothing: nobody waits for it.
void OccupationEngine::leaveTurns(FlightId id, const OccupationPhase &sending,
                                  std::uint32_t group) {
  const auto channels = sending.channels.of(plan_.routeChannels);
  for (const arch::ObjectId object : channels)
    if (const std::uint32_t list = plan_.objects[object].order; list != none) {
      removeTurn(list, placeOf({id, 0}, object, group).flight, false, 1);
      markChannel(object); // the next message of the same instruction may have waited for it
    }
}

void OccupationEngine::addSender(std::uint32_t message, std::uint32_t hop) {
  const Message &sending = state_.messages[message];
  const arch::ObjectId object = channelOf(sending, hop);
  const ChannelPlan &planned = plan_.channels[plan_.objects[object].detail];
  const arch::ObjectId source =
      hop == 0 ? instruction(sending.flight).unit : channelOf(sending, hop - 1);
  const auto rank = static_cast<std::uint32_t>(std::ranges::find(planned.sources, source) -
                                               planned.sources.begin());
  channel(object).senders.push_back({message, hop, rank});
  markChannel(object);
}

void OccupationEngine::markChannel(arch::ObjectId object) {
  const std::uint32_t index = plan_.objects[object].detail;
  if (channelMarked_[index])
    return;
  channelMarked_[index] = true;
  channels_.push_back(object);
}

void OccupationEngine::markNext(arch::ObjectId object) { state_.nextChannels.push_back(object); }

/// Lets a channel accept a word, if it can and there is one.
void OccupationEngine::serve(arch::ObjectId object) {
  ChannelState &state = channel(object);
  if (state.senders.empty())
    return;
  if (state_.now < state.next) {
    if (state.wake != state.next) {
      state.wake = state.next;
      at(state.next - state_.now, TimedEvent::Kind::Channel, object);
    }
    return;
  }
  const std::size_t chosen = choose(object);
  if (chosen != state.senders.size())
    accept(object, chosen);
}

/// The sender whose word is accepted; the number of senders if no word can be.
std::size_t OccupationEngine::choose(arch::ObjectId object) {
  const OccupationObject &self = plan_.objects[object];
  const ChannelPlan &planned = plan_.channels[self.detail];
  const ChannelState &state = state_.channels[self.detail];
  const bool keepsOrder = self.order != none;
  const std::size_t count = state.senders.size();
  std::size_t best = count;
  for (std::size_t i = 0; i != count; ++i) {
    const ChannelState::Sender &sender = state.senders[i];
    const Hop &hop = state_.messages[sender.message].hops[sender.hop];
    if (hop.available == 0 || (keepsOrder && !hasMessageTurn(object, sender)) ||
        !hasRoomFor(object, planned, sender, hop))
      continue;
    if (best == count || sendsBefore(planned, state, sender, state.senders[best]))
      best = i;
  }
  return best;
}

/// Whether a word of \p a is accepted before one of \p b; both could be.
bool OccupationEngine::sendsBefore(const ChannelPlan &planned, const ChannelState &state,
                                   const ChannelState::Sender &a, const ChannelState::Sender &b) {
  const arch::Arbitration arbitration = planned.arbitration;
  if (arbitration == arch::Arbitration::Priority && a.source != b.source)
    return a.source < b.source;
  if (arbitration == arch::Arbitration::RoundRobin && a.source != b.source) {
    // In turn, beginning behind the one that was served last.
    const std::uint32_t last = state.lastSource;
    const bool aIsBehind = last != none && a.source <= last;
    const bool bIsBehind = last != none && b.source <= last;
    return aIsBehind != bIsBehind ? bIsBehind : a.source < b.source;
  }
  const Message &first = state_.messages[a.message], &second = state_.messages[b.message];
  if (arbitration == arch::Arbitration::FirstCome) {
    // Both have a word to send.
    const Hop &one = first.hops[a.hop], &other = second.hops[b.hop];
    if (one.came[one.firstCame] != other.came[other.firstCame])
      return one.came[one.firstCame] < other.came[other.firstCame];
  }
  return precedes({first.flight, first.phase}, {second.flight, second.phase});
}

Reserve *OccupationEngine::reserveOf(arch::ObjectId object, const Message &message) {
  for (Reserve &reserve : channel(object).reserves)
    if (reserve.flight == message.flight && reserve.later == message.phase)
      return &reserve;
  return nullptr;
}

/// Whether a word of \p sender, which stands at \p hop, could be accepted now if it has one and it
/// is its turn, others left aside.
bool OccupationEngine::hasRoomFor(arch::ObjectId object, const ChannelPlan &planned,
                                  const ChannelState::Sender &sender, const Hop &hop) {
  const ChannelState &state = channel(object);
  const Message &message = state_.messages[sender.message];
  if (planned.credits != 0 && state.credits >= planned.credits) {
    const Reserve *reserve = reserveOf(object, message);
    if (reserve == nullptr || reserve->left == 0)
      return false;
  }
  if (sender.hop != 0)
    return hop.accepted != 0 || planned.inFlight == 0 || state.messages < planned.inFlight;
  return message.group == none || isNotAhead(message, hop);
}

/// Of messages in lock step, none may send whose words were more than another's at the begin of the
/// cycle.
bool OccupationEngine::isNotAhead(const Message &message, const Hop &hop) {
  for (const Candidate &member : state_.groups[message.group].members) {
    const std::uint32_t other = phaseState(member.flight, member.part).message;
    if (other == none || state_.messages[other].group != message.group ||
        state_.messages[other].flight != member.flight)
      continue;
    const Message &beside = state_.messages[other];
    if (beside.hops[0].accepted - (beside.lastSent == state_.now ? 1 : 0) < hop.accepted)
      return false;
  }
  return true;
}

/// The message in whose place one of \p id stands in a channel with program order: the oldest of
/// its group there.
Candidate OccupationEngine::placeOf(const Candidate &message, arch::ObjectId object,
                                    std::uint32_t group) {
  if (group == none)
    return message;
  for (const Candidate &member : state_.groups[group].members) {
    const auto channels = phase(member.flight, member.part).channels.of(plan_.routeChannels);
    if (std::ranges::find(channels, object) != channels.end())
      return member;
  }
  return message;
}

/// Whether it is the turn of \p sender in a channel with program order.
bool OccupationEngine::hasMessageTurn(arch::ObjectId object, const ChannelState::Sender &sender) {
  const Message &message = state_.messages[sender.message];
  const Candidate place = placeOf({message.flight, message.phase}, object, message.group);
  if (!hasTurn(object, place.flight))
    return false;
  // Of one instruction's messages the one written first, even if it is not there yet.
  for (std::uint32_t p = 0; p != place.part; ++p)
    if (hasStillToSend(place.flight, p, object))
      return false;
  return true;
}

/// Whether phase \p index, or one that goes in lock step with it, is a message with words that
/// \p object has not accepted yet.
bool OccupationEngine::hasStillToSend(FlightId id, std::uint32_t index, arch::ObjectId object) {
  const std::uint32_t group = phase(id, index).together ? flight(id).group : none;
  const auto channels = phase(id, index).channels.of(plan_.routeChannels);
  if (group == none || std::ranges::find(channels, object) == channels.end())
    return sendsStill({id, index}, object);
  return std::ranges::any_of(state_.groups[group].members,
                             [&](const Candidate &member) { return sendsStill(member, object); });
}

/// The same of one message. One marked `together` may have empty words, which is known when it
/// begins.
bool OccupationEngine::sendsStill(const Candidate &of, arch::ObjectId object) {
  const OccupationPhase &sending = phase(of.flight, of.part);
  const PhaseState &state = phaseState(of.flight, of.part);
  const auto channels = sending.channels.of(plan_.routeChannels);
  if (std::ranges::find(channels, object) == channels.end() ||
      state.stage == PhaseState::Stage::Ended)
    return false;
  if (state.message == none)
    return sending.words != 0 || sending.together;
  const Message &message = state_.messages[state.message];
  for (std::size_t hop = 0; hop != channels.size(); ++hop)
    if (channels[hop] == object && message.hops[hop].accepted != message.words)
      return true;
  return false;
}

void OccupationEngine::accept(arch::ObjectId object, std::size_t index) {
  note();
  const ChannelPlan &planned = plan_.channels[plan_.objects[object].detail];
  ChannelState &state = channel(object);
  const ChannelState::Sender sender = state.senders[index];
  Message &message = state_.messages[sender.message];
  Hop &hop = message.hops[sender.hop];
  if (sender.hop != 0) {
    if (hop.accepted == 0)
      ++state.messages;
    state_.deferred.push_back({Deferred::Kind::WentOn, sender.message, sender.hop - 1});
    if (hop.accepted + 1 == message.words)
      state_.deferred.push_back(
          {Deferred::Kind::MessageEnded, channelOf(message, sender.hop - 1), 0});
  }
  --hop.available;
  ++hop.accepted;
  if (sender.hop != 0 && planned.firstCome)
    ++hop.firstCame;
  state.lastSource = sender.source;
  state.next = state_.now + planned.interval;
  if (planned.credits != 0) {
    if (Reserve *reserve = reserveOf(object, message); reserve && reserve->left != 0)
      --reserve->left, ++reserve->inTransit;
    else
      ++state.credits;
  }
  if (sender.hop == 0 && message.group != none) {
    message.lastSent = state_.now;
    for (const Candidate &member : state_.groups[message.group].members)
      if (const PlanSlice channels = phase(member.flight, member.part).channels;
          channels.count != 0)
        markNext(plan_.routeChannels[channels.first]);
  }
  // Where nothing depends on single words, the last one stands for all.
  const bool isLastHop = sender.hop + 1 == message.hopCount;
  if (!isLastHop || planned.credits != 0 || hop.accepted == message.words) {
    hop.arriving = isLastHop && planned.credits == 0 ? message.words : 1;
    at(planned.latency, TimedEvent::Kind::Word, sender.message, sender.hop);
  }
  if (hop.accepted == message.words) {
    state.senders.erase(state.senders.begin() + static_cast<std::ptrdiff_t>(index));
    if (const std::uint32_t list = plan_.objects[object].order; list != none)
      removeTurn(list, placeOf({message.flight, message.phase}, object, message.group).flight,
                 false, 1);
  }
  if (!state.senders.empty() && state.wake != state.next) {
    state.wake = state.next;
    at(planned.interval, TimedEvent::Kind::Channel, object);
  }
}

/// A word's credit comes back: it has arrived, or has gone on to the next channel.
void OccupationEngine::returnCredit(std::uint32_t index, std::uint32_t hopIndex) {
  Message &message = state_.messages[index];
  const arch::ObjectId object = channelOf(message, hopIndex);
  if (plan_.channels[plan_.objects[object].detail].credits == 0)
    return;
  Hop &hop = message.hops[hopIndex];
  if (hop.creditless != 0) {
    --hop.creditless;
    return;
  }
  if (Reserve *reserve = reserveOf(object, message); reserve && reserve->inTransit != 0)
    --reserve->inTransit;
  --channel(object).credits;
  wake(object);
  markChannel(object);
}

/// Words of phase \p index under way in \p object whose credits have come back.
void OccupationEngine::forgetCredits(arch::ObjectId object, FlightId id, std::uint32_t index,
                                     std::int64_t words) {
  const auto channels = phase(id, index).channels.of(plan_.routeChannels);
  const auto hop = std::ranges::find(channels, object) - channels.begin();
  state_.messages[phaseState(id, index).message].hops[static_cast<std::size_t>(hop)].creditless +=
      words;
}

void OccupationEngine::wordArrived(std::uint32_t index, std::uint32_t hopIndex) {
  Message &message = state_.messages[index];
  Hop &hop = message.hops[hopIndex];
  hop.arrived += hop.arriving;
  if (hopIndex + 1 != message.hopCount) {
    Hop &next = message.hops[hopIndex + 1];
    ++next.available;
    if (plan_.channels[plan_.objects[channelOf(message, hopIndex + 1)].detail].firstCome)
      next.came.push_back(state_.now);
    if (hop.arrived == 1)
      addSender(index, hopIndex + 1);
    else
      markChannel(channelOf(message, hopIndex + 1));
    return;
  }
  returnCredit(index, hopIndex);
  if (hop.arrived != message.words)
    return;
  const FlightId id = message.flight;
  const std::uint32_t ended = message.phase;
  messageEnded(channelOf(message, hopIndex));
  leaveGroup(message.group);
  phaseState(id, ended).message = none;
  message.flight = none;
  state_.freeMessages.push_back(index);
  endPhase(id, ended);
  advance(id);
}

void OccupationEngine::messageEnded(arch::ObjectId object) {
  --channel(object).messages;
  wake(object);
  markChannel(object);
}

void OccupationEngine::leaveGroup(std::uint32_t group) {
  if (group == none || --state_.groups[group].unfinished != 0)
    return;
  for (const Candidate &member : state_.groups[group].members)
    flight(member.flight).group = none; // the slot is used again by others
  for (const FlightId id : state_.groups[group].completed)
    over_.push_back(id);
  state_.freeGroups.push_back(group);
}

} // namespace acadlc::aidg
