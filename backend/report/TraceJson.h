/// \file
/// The timelines of layers as a trace that Perfetto (ui.perfetto.dev) and Chrome (about:tracing)
/// show:
///
///     {"displayTimeUnit": "ns",
///      "otherData": {"architecture": "SystolicArray", "unit": "1 us is 1 cycle", …},
///      "traceEvents": [
///     {"ph": "M", "pid": 1, "tid": 3, "name": "thread_name", "args": {"name":
///     "pe[0][0].multiply"}},
///     {"ph": "X", "pid": 1, "tid": 3, "ts": 12, "dur": 1, "name": "mac", "cat": "execute", …},
///     ]}
///
/// The architecture is a process. An object has as many threads as instructions are in it at once,
/// so no two slices of a thread overlap. Layers come one behind the other. Arrows (flow events) go
/// from who wrote a register or bytes to who reads them.
#pragma once

#include "backend/analysis/NetworkEstimate.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace acadlc::report {

/// Rows of a layer that a trace holds at the most: viewers take no more events at ease.
inline constexpr std::size_t mostTraceRows = 100'000;

/// The first layer with a later one behind it whose cycles are not known; none if there is a place
/// for every layer.
std::optional<std::size_t> layerOfUnknownLength(const analysis::NetworkEstimate &estimate);

/// \p estimate must have timelines, and no layer of unknown length. \p version is acadlc's.
std::string traceJson(const analysis::NetworkEstimate &estimate, std::string_view version);

} // namespace acadlc::report
