/// \file
/// Goes through a certificate that says that a loop drifts: from period to period every time moves
/// by an amount of its own, that of the fetch by cyclesPerPeriod.
#pragma once

#include "backend/simulate/LoopFollower.h"
#include "backend/simulate/ObservedInstruction.h"
#include "backend/simulate/Replay.h"
#include "backend/simulate/ReplaySpan.h"
#include "backend/simulate/StateSnapshot.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace acadlc::simulate {

/// In a drift no two states are alike: one stream runs ahead of the other, a buffer fills. What the
/// certificate says is that they are linear. A state is made of when the instructions before it
/// were fetched, entered and finished; so it is enough that each of these times, of each
/// instruction of a period, lies behind that a period before by the same number of cycles in all
/// periods.
///
/// Where a faster stream would be caught up with, times turn off their lines. The simulator does
/// not know who is compared with whom, so that is not predicted but looked at: in every period that
/// the certificate speaks of, as far as the limits allow.
class DriftWitness {
public:
  /// Whether the limits leave room for what must at least be seen: three periods, or all.
  [[nodiscard]] static bool hasRoom(const timing::Certificate &certificate,
                                    const ReplayLimits &limits);
  /// hasRoom() holds.
  DriftWitness(const timing::Certificate &certificate, const program::Program &program,
               const ReplayLimits &limits);

  /// What it wants to be shown.
  [[nodiscard]] const ReplaySpan &span() const { return span_; }
  /// An instruction of the span, or what one emits, in program order; \p stream stands at it.
  void observe(const program::Instance &instance, const timing::InstructionTimes &times,
               const program::InstructionStream &stream);
  /// There are none: the span has no boundaries.
  void observe(const StateSnapshot & /*snapshot*/) {}

  /// When all has been shown.
  [[nodiscard]] Replay result() const;

private:
  /// Of an instruction of the period: the times in the last period that was seen, and by how much
  /// they move. Rates are known behind the second period.
  struct Line {
    ObservedInstruction last;
    timing::InstructionTimes rates;
  };

  [[nodiscard]] std::int64_t begin() const { return certificate_.firstInstruction; }
  [[nodiscard]] std::int64_t length() const { return certificate_.instructionsPerPeriod; }
  [[nodiscard]] std::int64_t beginOf(std::int64_t period) const {
    return begin() + period * length();
  }

  void fail(std::string what);
  /// Before the first instruction of the next period.
  void beginPeriod(const program::InstructionStream &stream);
  void compare(const program::Instance &instance, const timing::InstructionTimes &times);
  void compareTime(Line &line, std::int64_t time, Milestone milestone, const char *name);
  /// Behind the last instruction of a period that is fetched, which arrived at \p fetched.
  void endPeriod(std::int64_t fetched, const program::InstructionStream &stream);
  [[nodiscard]] std::string periodsText(std::int64_t periods) const;

  timing::Certificate certificate_;
  std::int64_t wanted_; ///< periods that are looked at
  ReplaySpan span_;
  LoopFollower loop_;
  std::int64_t period_ = -1;          ///< number of the present one
  std::int64_t whole_ = 0;            ///< periods that were seen to their end
  std::vector<Line> lines_;           ///< of the instructions of a period
  std::size_t next_ = 0;              ///< of them, the one that comes next
  std::optional<std::int64_t> front_; ///< when the last instruction before the period was fetched
  bool isFrontChecked_ = false;       ///< that it moves by cyclesPerPeriod, at least once
  bool hasLeftLoop_ = false;
  std::string failure_;
};

} // namespace acadlc::simulate
