/// \file
/// Work that is the same in any order, on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace acadlc {

/// The threads that `-j` means: \p jobs, or one for each core if that is 0.
inline unsigned threadCount(unsigned jobs) {
  return jobs != 0 ? jobs : std::max(1U, std::thread::hardware_concurrency());
}

/// Runs \p work(0 … count − 1) on up to \p threads threads (256 at most: more help nobody). The
/// first exception is passed on.
template <typename Work> void forEachInParallel(std::size_t count, unsigned threads, Work work) {
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  std::mutex failureMutex;
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(failureMutex);
        if (!failure)
          failure = std::current_exception();
        next = count;
      }
    }
  };
  const std::size_t wanted = std::min({std::size_t{threads}, count, std::size_t{256}});
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < wanted; ++i)
      helpers.emplace_back(run);
    run();
  }
  if (failure)
    std::rethrow_exception(failure);
}

} // namespace acadlc
