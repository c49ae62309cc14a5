/// \file
/// The certificates of a stream.
#pragma once

#include "backend/timing/Evaluation.h"

#include <cstdint>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace acadlc::aidg {

/// Collects certificates, one of those that say the same: a loop may be gone through many times,
/// and where in the stream it was is no difference. For how many periods it holds is one, as that
/// covers what was skipped.
class Certificates {
public:
  void add(const timing::Certificate &certificate) {
    if (known_
            .insert({certificate.loop.begin.raw(), certificate.k0, certificate.period,
                     certificate.cyclesPerPeriod, certificate.periods, certificate.isDrift,
                     certificate.isWrittenOut, certificate.isInExpansion()})
            .second)
      all_.push_back(certificate);
  }

  /// All of them, in the order in which they were added; none are left.
  std::vector<timing::Certificate> take() {
    known_.clear();
    return std::exchange(all_, {});
  }

private:
  std::vector<timing::Certificate> all_;
  std::set<std::tuple<std::uint32_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, bool,
                      bool, bool>>
      known_;
};

} // namespace acadlc::aidg
