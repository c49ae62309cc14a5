/// \file
/// Channels with the words that are on their way (docs/timing.md, "Channel" and "Route").
#pragma once

#include "backend/simulate/OccupationRecord.h"

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <vector>

namespace acadlc::simulate {

/// What a phase sends. Words are counted hop by hop.
struct Message {
  /// A channel of its route.
  struct Hop {
    arch::ObjectId channel = arch::noObject;
    std::int64_t rank = 0;                 ///< of its source at the channel
    std::int64_t accepted = 0;             ///< words that the channel has taken
    std::int64_t atEnd = 0;                ///< of those, words that wait for the next channel
    std::int64_t departed = 0;             ///< of those, words that have gone on or arrived
    std::int64_t forgiven = 0;             ///< words under way whose credits have come back already
    std::int64_t lastAccepted = -1;        ///< cycle
    std::deque<std::int64_t> waitingSince; ///< cycles at which the words that wait here came; of
                                           ///< the first channel one for all
  };
  Record *owner = nullptr;
  std::size_t phase = 0;
  std::int64_t words = 0; ///< empty ones included
  std::vector<Hop> hops;

  [[nodiscard]] PhaseState &state() const { return owner->phases[phase]; }
};

/// A word of a message has passed a channel.
struct WordArrival {
  Message *message = nullptr;
  std::size_t hop = 0;
};

/// All channels of a graph. It decides who sends; the caller keeps the time.
class Channels {
public:
  /// Whether it is the turn of an instruction at a channel with `program_order`.
  using TurnCheck = std::function<bool(arch::ObjectId, const Message &)>;

  Channels(const arch::ArchitectureGraph &graph, const OccupationTables &tables);

  /// Words of \p bits over \p route.
  [[nodiscard]] std::int64_t wordsOf(const program::Phase &phase) const;
  /// Takes room for one more message in the first channel; false if there is none.
  bool takeRoom(const program::Phase &phase);
  void giveRoomBack(const program::Phase &phase);
  /// A message of at least one word begins, for which room has been taken.
  Message *begin(Record &owner, std::size_t phase, std::int64_t words, std::int64_t now);

  /// Whether \p credits of \p channel are free.
  [[nodiscard]] bool hasCredits(arch::ObjectId channel, std::int64_t credits) const;
  void reserve(arch::ObjectId channel, std::int64_t credits);
  /// Gives back what is left of a reservation, for words under way too.
  void release(Record &owner, std::size_t phase, arch::ObjectId channel);

  /// Part 1: what words free that went on in an earlier cycle comes back.
  void settleDepartures();
  /// Part 1: a word has passed a channel. True if the message has ended; it is forgotten then.
  bool arrive(const WordArrival &arrival, std::int64_t now);

  /// Part 4: every channel that can accepts a word. Appends those words to \p accepted, and to
  /// \p sentAll the channels that have now accepted all words of a message.
  struct Sent {
    Record *owner = nullptr;
    std::size_t phase = 0;
    arch::ObjectId channel = arch::noObject;
  };
  void accept(std::int64_t now, const TurnCheck &isTurn, std::vector<WordArrival> &accepted,
              std::vector<Sent> &sentAll);

  /// Whether the channel could accept a word in cycle \p now, the one before it being over.
  [[nodiscard]] bool isAccepting(arch::ObjectId channel, std::int64_t now) const {
    return channels_[channel].nextAccept <= now;
  }
  /// The message of a phase; null if none is under way.
  [[nodiscard]] const Message *find(const Record &owner, std::size_t phase) const;
  /// The oldest other instruction with a message that goes through \p channel; null if there is
  /// none.
  [[nodiscard]] const Record *findUser(arch::ObjectId channel, const Record &except) const;

  /// For snapshots at the end of cycle \p now: appends where the words of the message of a phase
  /// are, and for how long they have waited where that decides; a zero if none is under way.
  void appendMessage(const Record &owner, std::size_t phase, std::int64_t now,
                     std::vector<std::int64_t> &out) const;
  /// Likewise, when each channel accepts again, its credits, its messages and whose turn it is.
  void appendChannels(std::int64_t now, std::vector<std::int64_t> &out) const;

private:
  struct Channel {
    const arch::Object *object = nullptr;
    std::int64_t nextAccept = 0;    ///< cycle
    std::int64_t taken = 0;         ///< credits
    std::int64_t underWay = 0;      ///< messages that have begun here and not ended here
    std::int64_t lastRank = -1;     ///< of the source served last
    std::vector<WordArrival> users; ///< message and hop, while it has words to send
  };

  [[nodiscard]] bool canSend(const Channel &channel, const WordArrival &user,
                             std::int64_t now) const;
  /// Whether the other messages of its lock step have sent as many words.
  [[nodiscard]] bool keepsStep(const Message &message, std::int64_t now) const;
  /// Whether \p a is served before \p b.
  [[nodiscard]] bool isBefore(const Channel &channel, const WordArrival &a,
                              const WordArrival &b) const;
  void acceptWord(Channel &channel, const WordArrival &user, std::int64_t now);
  /// A word leaves a channel for good: its credit and, behind the last one, the message's place.
  void depart(const WordArrival &word);
  [[nodiscard]] static Reservation *findReservation(const Message &message, arch::ObjectId channel);

  const OccupationTables &tables_;
  std::vector<Channel> channels_; ///< by object
  std::list<Message> messages_;
  std::vector<WordArrival> departures_;
};

} // namespace acadlc::simulate
