/// \file
/// A line on a terminal that says how far a run is.
#pragma once

#include <cstddef>

namespace acadlc::driver {

/// Shows "layer 3/8" on standard error if that is a terminal, and erases it at the end.
class Progress {
public:
  Progress();
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;
  void show(std::size_t done, std::size_t total);
  void erase();

private:
  bool isTerminal_;
  bool isShown_ = false;
};

} // namespace acadlc::driver
