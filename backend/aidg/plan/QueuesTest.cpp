// A ring is a list, wherever elements come in and go out.

#include "backend/aidg/plan/Queues.h"

#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <vector>

namespace acadlc::aidg {

namespace {

bool isEqual(const Ring<int> &ring, const std::vector<int> &list) {
  if (ring.size() != list.size())
    return false;
  for (std::size_t i = 0; i != list.size(); ++i)
    if (ring[i] != list[i])
      return false;
  return true;
}

} // namespace

TEST_CASE("ring: inserting and erasing anywhere is that of a list") {
  auto generator = test::propertyGenerator(1);
  Ring<int> ring;
  std::vector<int> list;
  for (int step = 0; step != 5000; ++step) {
    const std::size_t place = generator() % (list.size() + 1);
    const auto at = list.begin() + static_cast<std::ptrdiff_t>(place);
    if (list.size() < 5 + generator() % 30) {
      ring.insert(place, step);
      list.insert(at, step);
    } else if (at != list.end()) {
      ring.eraseAt(place);
      list.erase(at);
    }
    REQUIRE(isEqual(ring, list));
  }
  ring.clear();
  CHECK(ring.empty());
}

} // namespace acadlc::aidg
