/// \file
/// Where the order in which requests change a storage with state is the program order, whatever the
/// times are.
#pragma once

#include "backend/aidg/plan/Plan.h"

#include <cstdint>
#include <vector>

namespace acadlc::aidg {

/// Sets of storages with state that share it, none with another set. The requests to the storages
/// of a set are granted in program order; and unless no DRAM lies behind the set, each is granted
/// when the one before has been served, or later. Elements are indices into Plan::storages.
///
/// That is known of two kinds of sets (docs/exactness.md, "Bounds"): of those that one unit alone
/// asks, if instructions come to it in program order; and of a storage that grants in program
/// order.
std::vector<std::vector<std::uint32_t>> findOrderedStorages(const Plan &plan);

} // namespace acadlc::aidg
