#include "backend/aidg/plan/RangeList.h"

#include "backend/aidg/plan/IssueRanks.h"
#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace acadlc::aidg {

namespace {

struct Access {
  std::int64_t low = 0, high = 0, finish = 0, number = 0;
};

/// The same as RangeList, by going through all.
struct PlainList {
  std::vector<Access> accesses;

  std::vector<std::int64_t> takeOverlapping(std::int64_t low, std::int64_t high, std::int64_t now) {
    std::vector<std::int64_t> found;
    std::erase_if(accesses, [&](const Access &one) {
      if (one.finish <= now || one.low >= high || low >= one.high)
        return false;
      found.push_back(one.number);
      return one.number % 3 == 0;
    });
    return found;
  }
};

std::vector<std::int64_t> numbersOf(const std::vector<Access> &accesses, std::int64_t now) {
  std::vector<std::int64_t> numbers;
  for (const Access &one : accesses)
    if (one.finish > now)
      numbers.push_back(one.number);
  return numbers;
}

/// \p inFlight: how long accesses last, on average.
void compareLists(std::size_t seed, std::int64_t inFlight) {
  auto generator = test::propertyGenerator(seed);
  const auto draw = [&](std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(0, most)(generator);
  };
  const std::int64_t longest = 1 + draw(40), area = 1 + draw(3000);
  RangeList<Access> list(longest);
  PlainList plain;
  for (std::int64_t now = 0; now != 600; ++now) {
    const auto isGone = [now](const Access &one) { return one.finish <= now; };
    const std::int64_t low = draw(area) - area / 2, high = low + 1 + draw(longest - 1);
    std::vector<std::int64_t> found;
    list.forEachOverlapping(low, high, isGone, [&](const Access &one) {
      found.push_back(one.number);
      return one.number % 3 == 0;
    });
    std::ranges::sort(found); // an index knows no order
    REQUIRE(found == plain.takeOverlapping(low, high, now));
    const Access added{low, high, now + draw(2 * inFlight), now};
    list.append(added, isGone);
    plain.accesses.push_back(added);
    if (draw(50) == 0) {
      list.compact(isGone);
      REQUIRE(numbersOf(list.ranges(), INT64_MIN) == numbersOf(plain.accesses, now));
    }
    if (draw(100) == 0) {
      const auto change = [](Access &one) { one.low += 17, one.high += 17; };
      list.changeAll(change);
      std::ranges::for_each(plain.accesses, change);
    }
  }
}

} // namespace

TEST_CASE("a list of ranges finds what going through all finds") {
  for (std::size_t seed = 0; seed != test::propertyCases(60); ++seed) {
    CAPTURE(seed);
    compareLists(seed, 4);   // so few that they are gone through
    compareLists(seed, 200); // so many that they are found by address
  }
}

TEST_CASE("ranks of issues are those of a sorted list") {
  for (std::size_t seed = 0; seed != test::propertyCases(60); ++seed) {
    CAPTURE(seed);
    auto generator = test::propertyGenerator(seed);
    const auto draw = [&](std::int64_t most) {
      return std::uniform_int_distribution<std::int64_t>(0, most)(generator);
    };
    const std::size_t count = 1 + static_cast<std::size_t>(draw(seed % 2 == 0 ? 5 : 60));
    IssueRanks ranks(count);
    std::vector<std::int64_t> sorted(count, 0); // the largest
    std::size_t unissued = 0;
    for (std::int64_t step = 0; step != 1000; ++step) {
      if (unissued == 0 || (unissued < count + 3 && draw(1) == 0)) {
        ranks.fetch();
        ++unissued;
      } else {
        const std::int64_t time = step / 2 + draw(30);
        ranks.issue(time);
        --unissued;
        sorted.insert(std::ranges::upper_bound(sorted, time), time);
        sorted.erase(sorted.begin());
      }
      REQUIRE(ranks.unissued() == unissued);
      REQUIRE(ranks.hasRoom() == (unissued < count));
      if (ranks.hasRoom())
        REQUIRE(ranks.room() == sorted[unissued]);
      std::vector<std::int64_t> all;
      ranks.forEach([&](std::int64_t time) { all.push_back(time); });
      REQUIRE(all == sorted);
      if (draw(99) == 0) {
        ranks.shift(1000);
        for (std::int64_t &time : sorted)
          time += 1000;
      }
    }
  }
}

} // namespace acadlc::aidg
