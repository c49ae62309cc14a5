/// \file
/// Which layer of one report is which of another.
#pragma once

#include "backend/report/StoredReport.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace acadlc::report {

/// Extents of a layer that are not 1: an index of one value more or less is the same computation.
std::map<std::string, std::int64_t> largeDimensions(const StoredLayer &layer);

/// Pairs of layers that are looked at, at the most.
inline constexpr std::size_t mostAlignmentCells = std::size_t{1} << 24;

/// For each layer of \p after its partner, an index into \p before; nothing if it has none. No
/// layer is the partner of two.
///
/// What a layer computes decides, not its name, which a printer may give to another one: partners
/// have the same operator and dimensions, and are as many as the order of both lists allows. Where
/// that leaves a choice, mappings, names and cycles (in this order) are the same as often as they
/// can be. Layers that have moved are found next. What is left over between the same partners, with
/// the same name and operator, has changed its dimensions.
///
/// Lists whose lengths multiply to more than \p mostCells are paired by operator and dimensions
/// alone, the first with the first. It is mostAlignmentCells or less.
std::vector<std::optional<std::size_t>> alignLayers(const std::vector<StoredLayer> &before,
                                                    const std::vector<StoredLayer> &after,
                                                    std::size_t mostCells = mostAlignmentCells);

} // namespace acadlc::report
