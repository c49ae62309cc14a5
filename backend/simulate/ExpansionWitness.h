/// \file
/// Goes through a certificate of loops within what instructions expand to.
#pragma once

#include "backend/simulate/Moment.h"
#include "backend/simulate/Replay.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::simulate {

/// The whole states are compared in which the certificate's periods begin and end (replay() says
/// how).
class ExpansionWitness {
public:
  /// The certificate must be isInExpansion(), and its second period end within 64 bits.
  ExpansionWitness(const timing::Certificate &certificate, const arch::ArchitectureGraph &graph,
                   const program::Program &program);

  /// The cycles at whose ends it wants to see the state, ascending.
  [[nodiscard]] const std::vector<std::int64_t> &times() const { return times_; }
  /// The state at the next of them.
  void observe(const Moment &moment);

  /// When all has been shown that there is; NotReplayed, without a finding, if that was too little.
  [[nodiscard]] Replay result() const;

private:
  [[nodiscard]] bool goesOn() const;
  void fail(std::string what);
  void checkPlaces(const Moment &moment);
  [[nodiscard]] bool isAt(const StreamPlace &place, const timing::ExpandedLoop &loop) const;
  void compare(const Moment &before, const Moment &moment);
  void compareStreams(const Moment &before, const Moment &moment);
  [[nodiscard]] const timing::ExpandedLoop *loopOf(const StreamPlace &place) const;

  timing::Certificate certificate_;
  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  std::vector<std::int64_t> times_;
  std::size_t seen_ = 0;       ///< moments
  std::optional<Moment> last_; ///< of them
  bool endsEarly_ = false;     ///< a loop ends before a second period
  std::string failure_;
};

} // namespace acadlc::simulate
