#include "driver/Progress.h"

#include <fmt/format.h>

#include <cstdio>
#include <unistd.h>

namespace acadlc::driver {

Progress::Progress() : isTerminal_(::isatty(STDERR_FILENO) != 0) {}
Progress::~Progress() { erase(); }

void Progress::show(std::size_t done, std::size_t total) {
  if (!isTerminal_)
    return;
  fmt::print(stderr, "\r\033[Klayer {}/{}", done, total);
  std::fflush(stderr);
  isShown_ = true;
}

void Progress::erase() {
  if (!isShown_)
    return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  isShown_ = false;
}

} // namespace acadlc::driver
