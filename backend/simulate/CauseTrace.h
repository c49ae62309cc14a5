/// \file
/// Why something happens when it does: what the occupation simulator notes down if it is asked to,
/// so that the waits that make the time of a run can be followed back from its end.
///
/// Whatever happens has a cause: the last of the conditions to become true that it waited for. The
/// causes of a run form a tree. Only what leads to something that is still under way is kept, so
/// memory is proportional to the longest chain.
#pragma once

#include "ir/Program.h"

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace acadlc::simulate {

/// What takes the cycles of a step.
enum class Activity : std::uint8_t {
  Fetch,   ///< a block of instructions is fetched
  Stage,   ///< the latency of a stage
  Queue,   ///< the stay in a queue, with the stage of a unit that looks ahead
  Execute, ///< the latency of a functional unit
  Address, ///< the latency of a memory access unit
  Request, ///< a storage serves
  Phase,   ///< a phase of its own length
  Message, ///< words go through channels
  Expand,  ///< from the begin of an expansion to its first instruction
  HandOn,  ///< a unit hands on an instruction that an expansion emits, one a cycle
  Enter,   ///< it enters an object, which others see in the next cycle
  Start,   ///< likewise, it starts, or a phase of it begins
};

/// Which condition became true last.
enum class WaitKind : std::uint8_t {
  Begin,       ///< the stream begins
  Forward,     ///< its own instruction had come so far
  Structural,  ///< a stage, unit or slot had been taken by another
  Data,        ///< a result, or a hazard of a station
  BufferFill,  ///< room in the issue buffer, or a branch
  Fetch,       ///< the fetch before
  Queue,       ///< an entry of a queue, or those that stand before it
  Hold,        ///< what another phase held
  Turn,        ///< an older one that comes first
  Channel,     ///< room, credits or words of a channel
  Step,        ///< another instruction of a step, or the end of one
  HandOn,      ///< the instruction handed on before
  Outstanding, ///< a limit of what an expansion may have outstanding
  Unknown,     ///< not found out
};

struct Happening;
/// Shared by all that it led to.
using Cause = std::shared_ptr<Happening>;

/// Something that took the cycles from `begin` to `end`, which may be one.
struct Happening {
  std::int64_t begin = 0, end = 0;
  Cause from;                      ///< what kept it from beginning earlier; null: nothing known
  WaitKind over = WaitKind::Begin; ///< how
  arch::ObjectId awaited = arch::noObject; ///< the object that was not free; noObject: none
  Activity activity{};
  bool hasInstruction = false;            ///< a fetch has none
  arch::ObjectId object = arch::noObject; ///< where
  program::InstructionId instruction = 0;
  std::int64_t index = 0;             ///< of the fetched instruction in whose place it stands
  std::vector<std::int64_t> emission; ///< behind it, as in program::Instance
  std::uint32_t phase = 0;            ///< Phase, Message, Expand: of the instruction
  std::int64_t alone = 0;             ///< Message: cycles for its words if no other is under way

  Happening() = default;
  Happening(const Happening &) = delete;
  Happening &operator=(const Happening &) = delete;
  /// Chains are long: those that nobody else needs go one after the other.
  ~Happening();
};

/// A step of the chain of waits that makes the time of a run: the cycles [begin, end).
struct ChainStep {
  std::int64_t begin = 0, end = 0;
  WaitKind over{}; ///< why it did not begin earlier: what became true at `begin`
  arch::ObjectId awaited = arch::noObject; ///< the object that was not free before; noObject: none
  Activity activity{};
  bool hasInstruction = false;
  arch::ObjectId object = arch::noObject;
  program::InstructionId instruction = 0;
  std::int64_t index = 0;
  std::vector<std::int64_t> emission;
  std::uint32_t phase = 0;
  /// Of a message: the part of the cycles in which the words of others went, or were waited for.
  bool isContended = false;
  /// Of the cycles, those at the end by which it was over already: others see something in the next
  /// cycle. At most 1, but for messages.
  std::int64_t lag = 0;
};

/// Follows the causes from \p last back; the steps are contiguous, the last one first, which ends
/// at \p end. Where the cause of something is not known, the step before has the kind Unknown.
std::vector<ChainStep> followCauses(const Cause &last, std::int64_t end);

/// What may let others happen, and from which cycle on.
struct Enabler {
  Cause cause;
  std::int64_t since = -1;
};

/// What is noted of an instruction in flight.
struct InstructionCauses {
  Enabler last;                        ///< how it came as far as it is
  Enabler started;                     ///< in its unit
  Enabler awaited;                     ///< the last event that it awaited
  std::vector<Enabler> events, offers; ///< by event; by phase that expands
  std::vector<Cause> messages;         ///< by phase
};

/// What is noted of the objects, and of what is being done at the moment.
class CauseBook {
public:
  struct OfObject {
    Enabler freed;                             ///< a stage, unit or slot
    std::map<std::string, Enabler> freedEntry; ///< by class
    std::map<std::string, Enabler> left;       ///< one of those in it, by class
    Enabler portLeft;                          ///< one left the issue buffer for it
    Enabler entered;                           ///< one a cycle
    Enabler turn;                              ///< was taken
    Enabler room;                              ///< of a channel: words have gone
    Enabler handedOn;                          ///< a unit hands on one a cycle
    Enabler handedOnLast;                      ///< of an expansion
    Enabler limit, nextLimit; ///< of what is outstanding: by now, and from the next cycle on
    std::map<std::int64_t, Enabler> stepEnds; ///< of the last steps, by number
  };
  struct Candidate {
    const Enabler *enabler = nullptr;
    WaitKind kind{};
    arch::ObjectId object = arch::noObject; ///< that was not free
  };

  explicit CauseBook(std::size_t objects) : objects_(objects) {}

  [[nodiscard]] OfObject &at(arch::ObjectId id) { return objects_[id]; }

  /// What is done from now on is because of \p cause.
  void because(Cause cause, WaitKind kind, arch::ObjectId object = arch::noObject) {
    cause_ = std::move(cause);
    kind_ = kind;
    object_ = object;
  }
  /// What is done in cycle \p now is because of that candidate which was the last to come true, of
  /// several the one named first.
  void choose(std::int64_t now, std::span<const Candidate> candidates);
  [[nodiscard]] const Cause &cause() const { return cause_; }
  [[nodiscard]] Enabler enabler(std::int64_t since) const { return {cause_, since}; }
  /// Something that is because of the present cause.
  [[nodiscard]] Cause add(Activity activity, arch::ObjectId object, std::int64_t begin,
                          std::int64_t end) const;

  Enabler fetched, fetchRequested, bufferRoom, branchOver;
  Cause last; ///< the end of the instruction that finishes last

private:
  std::vector<OfObject> objects_;
  Cause cause_;
  WaitKind kind_ = WaitKind::Begin;
  arch::ObjectId object_ = arch::noObject;
};

} // namespace acadlc::simulate
