/// \file
/// What a stage computes, as a graph of operations of scalar code. Private to this folder.
#pragma once

#include <llvm/ADT/StringMap.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace acadlc::mapping {

using ScalarId = std::uint32_t;

/// A value that is brought into a register.
struct ScalarNode {
  enum class Kind : std::uint8_t {
    Load,        ///< `text` is the access; operands are indices that are read first
    Constant,    ///< a number, or what depends on loop variables alone; `text` tells it from others
    Operation,   ///< `text` is its name
    Choice,      ///< between both operands; `text` is a condition on loop variables
    Accumulator, ///< what a reduction has joined so far; `text` is its number
  };
  Kind kind = Kind::Constant;
  std::string text;
  std::vector<ScalarId> operands;
  /// Loops around the innermost one on which it depends, that one included; 0: it is the same in
  /// all.
  std::size_t depth = 0;
  bool hasLoad = false;
  /// It may be another one each time that it is computed, as the stage writes what it reads.
  bool isVolatile = false;
};

/// Values, each one once: equal nodes are one. Operands stand before what uses them.
class ScalarGraph {
public:
  /// What \p node says of depth, loads and volatility is joined with what its operands do.
  ScalarId add(ScalarNode node);
  [[nodiscard]] const ScalarNode &operator[](ScalarId id) const { return nodes_[id]; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

private:
  std::vector<ScalarNode> nodes_;
  llvm::StringMap<ScalarId> known_;
};

} // namespace acadlc::mapping
