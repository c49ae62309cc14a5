/// \file
/// What storages with state hold when each request comes, found without times: possible where
/// requests change them in program order (RequestOrder.h).
#pragma once

#include "backend/aidg/bounds/ServiceBounds.h"
#include "backend/aidg/plan/Plan.h"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace acadlc::aidg {

/// Requests of one access that may take the same times.
struct ServedRequests {
  ServiceBounds service; ///< cycles of each
  std::int64_t count = 0;
};

/// By access (index into Plan::accesses): its requests. Accesses that were not come to are missing.
using RequestHistory = std::map<std::uint32_t, std::vector<ServedRequests>>;

/// Goes through the requests to \p storages, a set that findOrderedStorages() gives, in program
/// order, and finds out what each of them meets there. Two bounds of its time are left only where a
/// DRAM may have to wait for t_RAS.
///
/// A loop is left as soon as what the storages hold recurs in it, as in ProgramOrderEvaluator. At
/// most \p allowance requests are looked at one by one, and taken from it; those behind are not in
/// the result.
RequestHistory walkRequests(const Plan &plan, std::span<const std::uint32_t> storages,
                            std::int64_t &allowance);

} // namespace acadlc::aidg
