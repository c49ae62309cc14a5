/// \file
/// The AIDG where some order depends on time: merging objects are served in order of time, all else
/// by data flow.
#pragma once

#include "backend/aidg/plan/EstimateOptions.h"
#include "backend/aidg/plan/Plan.h"

namespace acadlc::aidg {

/// Evaluates one stream exactly, whatever merges in it.
///
/// A node's time is computed as soon as the times it depends on are known. Among all objects where
/// time decides who comes next (merging stages and units, contended storages, the fetch, which
/// waits for a number of free slots and not for an instruction), the grant with the smallest time
/// is made, the fetch last among equals. That is sound because every time still unknown follows
/// from such a grant, at least one cycle later, or is an object's release in the same cycle. Unlike
/// the simulator it does not step through cycles or hold a queue of events.
timing::Evaluation evaluateInTimeOrder(const Plan &plan, const EstimateOptions &options);

} // namespace acadlc::aidg
