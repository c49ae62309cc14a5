/// \file
/// Blocked layouts seen as plain ones: `data[n, c // 4, y, x, c % 4]` is `data[n, c, y, x]` with
/// its elements renamed.
///
/// Two axes of a contraction, outer and inner, can be one axis `outer * extent of inner + inner` if
/// every tensor that uses either has them both, as two whole dimensions of their own or as that
/// very sum. Joining them renames elements and iterations one to one, so what is computed stays the
/// same. Where elements lie in memory does not: a mapping then takes the tensor in its own layout.
#pragma once

#include "ir/Workload.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace acadlc::mapping {

/// A contraction some axes of which have been joined. An inner axis stays, with extent 1 and in no
/// index, so axes keep their places.
struct JoinedContraction {
  workload::Contraction contraction;
  std::vector<std::int64_t> originalResultShape;
  /// Per dimension of the result, those of originalResultShape that it is made of, outer ones
  /// first.
  std::vector<std::vector<std::size_t>> resultParts;
  /// Whether dimensions of the result, the first and the second operand have been joined: whether
  /// the tensor is blocked.
  std::array<bool, 3> isBlocked{};
};

/// \p contraction with nothing joined.
JoinedContraction withoutJoins(const workload::Contraction &contraction);

/// Joins what is one axis everywhere already (nested loops of a tile); if there is none, the
/// innermost blocks: axes that the last dimension of a tensor runs over. None if there is nothing
/// to join. In an element-wise sum only neighbours are joined, which keeps the order of elements in
/// memory.
std::optional<JoinedContraction> joinBlocks(const JoinedContraction &joined);

} // namespace acadlc::mapping
