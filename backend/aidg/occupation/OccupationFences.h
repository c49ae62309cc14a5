/// \file
/// An upper bound for programs of several occupations in which no order depends on time: then no
/// time comes earlier if everything waits, here and there, until all that came before is over.
#pragma once

#include "backend/aidg/occupation/OccupationPlan.h"

#include <cstdint>
#include <optional>

namespace acadlc::aidg {

/// Whether each object takes instructions, requests and words in an order that the program alone
/// decides: then every time is made of earlier ones by maxima, by n-th largest ones and by adding
/// latencies (docs/exactness.md, "Fences").
bool isOrderFixed(const OccupationPlan &plan);

/// When the stream ends at the latest: the outermost loop is cut into parts, one is evaluated for
/// all that are alike, and the parts come one after the other. isOrderFixed(\p plan) holds, and
/// planRepeats() has been called. Each part has at most \p budget instructions. Nothing if there is
/// no such loop, or a part does not end or has no beginning where a fetch has.
std::optional<std::int64_t> boundByFences(const OccupationPlan &plan, std::int64_t budget);

} // namespace acadlc::aidg
