/// \file
/// Which of a row of instructions read what others of it have written.
#pragma once

#include "ir/ArchitectureGraph.h"
#include "ir/Program.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

namespace acadlc::analysis {

/// The last writer of every register and byte, among the instructions that it was given.
class DataDependences {
public:
  /// Takes the next instruction in program order and returns those before it, by their number from
  /// 0 and ascending, that wrote last what it reads. Addresses of what an expansion emits that are
  /// relative to its instruction are left out. \p program is that of the instance.
  std::vector<std::size_t> add(const program::Program &program, const program::Instance &instance);

private:
  struct Write {
    std::int64_t end = 0; ///< behind the last byte
    std::size_t writer = 0;
  };
  /// Of one memory, by the first byte; no two overlap.
  using Bytes = std::map<std::int64_t, Write>;

  static void read(const Bytes &bytes, std::int64_t low, std::int64_t high,
                   std::vector<std::size_t> &writers);
  static void write(Bytes &bytes, std::int64_t low, std::int64_t high, std::size_t writer);

  std::size_t count_ = 0;
  std::unordered_map<arch::RegisterId, std::size_t> registers_;
  std::map<arch::ObjectId, Bytes> memories_;
};

} // namespace acadlc::analysis
