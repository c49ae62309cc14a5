#include "backend/aidg/plan/Issues.h"

#include "backend/aidg/recurrence/Drift.h"
#include "backend/aidg/recurrence/Recurrences.h"

#include <doctest/doctest.h>

#include <random>

namespace acadlc::aidg {

namespace {

/// The definition: all times, sorted.
class AllIssues {
public:
  explicit AllIssues(std::size_t count) : times_(count, 0) {}
  void record(std::int64_t time) {
    times_.insert(std::ranges::upper_bound(times_, time), time);
    times_.erase(times_.begin());
  }
  [[nodiscard]] const std::vector<std::int64_t> &times() const { return times_; }

private:
  std::vector<std::int64_t> times_;
};

} // namespace

TEST_CASE("counted issue times are the largest ones, near and far") {
  for (const std::int64_t spread : {3, 40, 900, 5000, 1'000'000}) {
    CAPTURE(spread);
    std::mt19937_64 random(static_cast<std::uint64_t>(spread));
    const std::size_t count = 1 + random() % 50;
    AllIssues expected(count);
    IssueCounts counts;
    SortedIssues<DriftingArithmetic> sorted;
    DriftingArithmetic arithmetic;
    ExactArithmetic plain;
    counts.assign(std::vector<std::int64_t>(count, 0));
    sorted.assign(std::vector<DriftingArithmetic::Time>(count));
    std::int64_t front = 0;
    for (int i = 0; i != 20'000; ++i) {
      front += static_cast<std::int64_t>(random() % 4) * (random() % 64 == 0 ? spread : 1);
      const std::int64_t time = front + static_cast<std::int64_t>(random()) % spread;
      if (time < 0)
        continue;
      expected.record(time);
      counts.record(time, plain);
      sorted.record({time, 0}, arithmetic);
      if (random() % 8 == 0) {
        REQUIRE(counts.room() == expected.times().front());
        REQUIRE(sorted.room().cycles == expected.times().front());
      }
      if (random() % 64 == 0) {
        std::vector<std::int64_t> stored(count);
        counts.store(stored);
        REQUIRE(stored == expected.times());
        if (random() % 2 == 0)
          counts.assign(stored);
      }
    }
  }
}

} // namespace acadlc::aidg
