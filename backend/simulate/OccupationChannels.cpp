#include "backend/simulate/OccupationChannels.h"

#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace acadlc::simulate {

using arch::ObjectClass;
using arch::ObjectId;

Channels::Channels(const arch::ArchitectureGraph &graph, const OccupationTables &tables)
    : tables_(tables), channels_(graph.objects.size()) {
  for (ObjectId id = 0; id < graph.objects.size(); ++id)
    if (graph.objects[id].objectClass == ObjectClass::Channel)
      channels_[id].object = &graph.objects[id];
}

std::int64_t Channels::wordsOf(const program::Phase &phase) const {
  if (phase.channels.empty() || phase.bits <= 0)
    return 0;
  const std::int64_t width = channels_[phase.channels.front()].object->channel.width;
  return phase.bits / width + (phase.bits % width != 0 ? 1 : 0);
}

bool Channels::takeRoom(const program::Phase &phase) {
  Channel &first = channels_[phase.channels.front()];
  const std::int64_t limit = first.object->channel.inFlight;
  if (limit != 0 && first.underWay >= limit)
    return false;
  ++first.underWay;
  return true;
}

void Channels::giveRoomBack(const program::Phase &phase) {
  --channels_[phase.channels.front()].underWay;
}

Message *Channels::begin(Record &owner, std::size_t phase, std::int64_t words, std::int64_t now) {
  Message &message = messages_.emplace_back();
  message.owner = &owner;
  message.phase = phase;
  message.words = words;
  ObjectId source = owner.table->unit;
  for (const ObjectId channel : owner.instruction->phases[phase].channels) {
    Message::Hop hop;
    hop.channel = channel;
    hop.rank = tables_.sourceRank(channel, source);
    channels_[channel].users.push_back({&message, message.hops.size()});
    message.hops.push_back(hop);
    source = channel;
  }
  if (!message.hops.empty())
    message.hops.front().waitingSince.push_back(now);
  return &message;
}

bool Channels::hasCredits(ObjectId channel, std::int64_t credits) const {
  const std::int64_t limit = channels_[channel].object->channel.credits;
  return limit == 0 || credits <= limit - channels_[channel].taken;
}

void Channels::reserve(ObjectId channel, std::int64_t credits) {
  channels_[channel].taken += credits;
}

void Channels::release(Record &owner, std::size_t phase, ObjectId channel) {
  auto &reservations = owner.phases[phase].reservations;
  for (Reservation &reservation : reservations) {
    if (reservation.channel != channel)
      continue;
    channels_[channel].taken -= reservation.left + reservation.inTransit;
    for (Message &message : messages_)
      if (message.owner == &owner && message.phase == phase)
        for (Message::Hop &hop : message.hops)
          if (hop.channel == channel)
            hop.forgiven += std::exchange(reservation.inTransit, 0);
  }
  std::erase_if(reservations, [channel](const Reservation &one) { return one.channel == channel; });
}

void Channels::settleDepartures() {
  for (const WordArrival &word : departures_)
    depart(word);
  departures_.clear();
}

void Channels::depart(const WordArrival &word) {
  Message::Hop &hop = word.message->hops[word.hop];
  Channel &channel = channels_[hop.channel];
  ++hop.departed;
  if (hop.forgiven > 0) {
    --hop.forgiven;
  } else {
    --channel.taken;
    if (Reservation *reservation = findReservation(*word.message, hop.channel))
      reservation->inTransit -= reservation->inTransit > 0 ? 1 : 0;
  }
  if (hop.departed == word.message->words)
    --channel.underWay;
}

bool Channels::arrive(const WordArrival &arrival, std::int64_t now) {
  Message &message = *arrival.message;
  if (arrival.hop + 1 < message.hops.size()) {
    ++message.hops[arrival.hop].atEnd;
    message.hops[arrival.hop + 1].waitingSince.push_back(now);
    return false;
  }
  depart(arrival);
  if (message.hops.back().departed < message.words)
    return false;
  messages_.remove_if([&](const Message &other) { return &other == &message; });
  return true;
}

bool Channels::keepsStep(const Message &message, std::int64_t now) const {
  const std::shared_ptr<LockStep> &group = message.state().lockStep;
  if (!group)
    return true;
  const auto sentBefore = [now](const Message &one) {
    const Message::Hop &first = one.hops.front();
    return first.accepted - (first.lastAccepted == now ? 1 : 0);
  };
  const std::int64_t own = sentBefore(message);
  return std::ranges::none_of(messages_, [&](const Message &other) {
    return other.state().lockStep == group && sentBefore(other) < own;
  });
}

bool Channels::canSend(const Channel &channel, const WordArrival &user, std::int64_t now) const {
  const Message &message = *user.message;
  const Message::Hop &hop = message.hops[user.hop];
  if (user.hop == 0 ? !keepsStep(message, now) : message.hops[user.hop - 1].atEnd == 0)
    return false;
  const arch::ChannelAttributes &limits = channel.object->channel;
  const bool beginsHere = user.hop > 0 && hop.accepted == 0;
  if (beginsHere && limits.inFlight > 0 && channel.underWay >= limits.inFlight)
    return false;
  const Reservation *reservation = findReservation(message, hop.channel);
  return limits.credits == 0 || channel.taken < limits.credits ||
         (reservation && reservation->left > 0);
}

bool Channels::isBefore(const Channel &channel, const WordArrival &a, const WordArrival &b) const {
  const arch::Arbitration arbitration = channel.object->arbitration;
  const std::int64_t rankOfA = a.message->hops[a.hop].rank;
  const std::int64_t rankOfB = b.message->hops[b.hop].rank;
  if (arbitration == arch::Arbitration::RoundRobin) {
    const bool isNextRoundA = rankOfA <= channel.lastRank;
    const bool isNextRoundB = rankOfB <= channel.lastRank;
    if (isNextRoundA != isNextRoundB)
      return isNextRoundB;
  }
  const bool bySource =
      arbitration == arch::Arbitration::Priority || arbitration == arch::Arbitration::RoundRobin;
  if (bySource && rankOfA != rankOfB)
    return rankOfA < rankOfB;
  if (arbitration == arch::Arbitration::FirstCome) {
    // One that has no word here can't be served; it stands behind all others.
    const auto came = [](const WordArrival &user) {
      const std::deque<std::int64_t> &since = user.message->hops[user.hop].waitingSince;
      return since.empty() ? std::numeric_limits<std::int64_t>::max() : since.front();
    };
    if (came(a) != came(b))
      return came(a) < came(b);
  }
  if (a.message->owner != b.message->owner)
    return a.message->owner->age < b.message->owner->age;
  if (a.message->phase != b.message->phase)
    return a.message->phase < b.message->phase;
  return a.hop > b.hop; // a route through a channel twice: what is further on makes room
}

void Channels::accept(std::int64_t now, const TurnCheck &isTurn, std::vector<WordArrival> &accepted,
                      std::vector<Sent> &sentAll) {
  for (ObjectId id = 0; id < channels_.size(); ++id) {
    Channel &channel = channels_[id];
    if (channel.users.empty() || now < channel.nextAccept)
      continue;
    const WordArrival *best = nullptr;
    for (const WordArrival &user : channel.users)
      if ((!best || isBefore(channel, user, *best)) && canSend(channel, user, now) &&
          isTurn(id, *user.message))
        best = &user;
    if (!best)
      continue;
    const WordArrival word = *best;
    acceptWord(channel, word, now);
    accepted.push_back(word);
    const auto uses = [&](const WordArrival &user) { return user.message == word.message; };
    if (word.message->hops[word.hop].accepted == word.message->words) {
      std::erase_if(channel.users,
                    [&](const WordArrival &user) { return uses(user) && user.hop == word.hop; });
      if (std::ranges::none_of(channel.users, uses))
        sentAll.push_back({word.message->owner, word.message->phase, id});
    }
  }
}

void Channels::acceptWord(Channel &channel, const WordArrival &user, std::int64_t now) {
  Message &message = *user.message;
  Message::Hop &hop = message.hops[user.hop];
  if (user.hop > 0) {
    --message.hops[user.hop - 1].atEnd;
    hop.waitingSince.pop_front();
    departures_.push_back({&message, user.hop - 1});
    channel.underWay += hop.accepted == 0 ? 1 : 0;
  }
  Reservation *reservation = findReservation(message, hop.channel);
  if (reservation && reservation->left > 0) {
    --reservation->left;
    ++reservation->inTransit;
  } else {
    ++channel.taken;
  }
  ++hop.accepted;
  hop.lastAccepted = now;
  channel.lastRank = hop.rank;
  channel.nextAccept = checkedAdd(now, channel.object->channel.interval)
                           .value_or(std::numeric_limits<std::int64_t>::max());
}

Reservation *Channels::findReservation(const Message &message, ObjectId channel) {
  for (Reservation &reservation : message.state().reservations)
    if (reservation.channel == channel)
      return &reservation;
  return nullptr;
}

const Message *Channels::find(const Record &owner, std::size_t phase) const {
  for (const Message &message : messages_)
    if (message.owner == &owner && message.phase == phase)
      return &message;
  return nullptr;
}

const Record *Channels::findUser(ObjectId channel, const Record &except) const {
  const Record *oldest = nullptr;
  for (const Message &message : messages_)
    if (message.owner != &except && (!oldest || message.owner->age < oldest->age))
      for (const Message::Hop &hop : message.hops)
        if (hop.channel == channel)
          oldest = message.owner;
  return oldest;
}

void Channels::appendMessage(const Record &owner, std::size_t phase, std::int64_t now,
                             std::vector<std::int64_t> &out) const {
  const Message *message = find(owner, phase);
  if (!message) {
    out.push_back(0);
    return;
  }
  out.push_back(message->words);
  for (const Message::Hop &hop : message->hops) {
    out.insert(out.end(), {hop.accepted, hop.atEnd, hop.departed, hop.forgiven});
    const bool isAsked = hop.accepted != message->words &&
                         channels_[hop.channel].object->arbitration == arch::Arbitration::FirstCome;
    if (!isAsked)
      continue; // nobody asks since when they wait
    out.push_back(static_cast<std::int64_t>(hop.waitingSince.size()));
    for (const std::int64_t since : hop.waitingSince)
      out.push_back(now - since);
  }
}

void Channels::appendChannels(std::int64_t now, std::vector<std::int64_t> &out) const {
  for (const Channel &channel : channels_) {
    if (!channel.object)
      continue;
    const bool takesTurns = channel.object->arbitration == arch::Arbitration::RoundRobin;
    // The next word can be accepted in the next cycle.
    out.insert(out.end(), {std::max<std::int64_t>(channel.nextAccept - now, 1), channel.taken,
                           channel.underWay, takesTurns ? channel.lastRank : 0});
  }
}

} // namespace acadlc::simulate
