#include "backend/report/Labels.h"

#include "tests/unit/Property.h"

#include <doctest/doctest.h>

#include <vector>

using namespace acadlc;
using namespace acadlc::report;

TEST_CASE("boxes that touch do not overlap") {
  const Box box{{10, 10}, 20, 10};
  CHECK(box.overlaps({{29, 19}, 5, 5}));
  CHECK(!box.overlaps({{30, 10}, 5, 5}));
  CHECK(!box.overlaps({{10, 20}, 5, 5}));
  CHECK(box.contains({{10, 10}, 20, 10}));
  CHECK(!box.contains({{9, 10}, 5, 5}));
}

TEST_CASE("a label that finds no place is left out") {
  LabelPlacer placer({{0, 0}, 30, 30});
  CHECK(placer.place({15, 15}, 10, 4));
  CHECK(!placer.place({15, 15}, 40, 4));
}

TEST_CASE("random labels cover neither one another nor points, and stay within the area") {
  for (std::size_t i = 0; i < test::propertyCases(50); ++i) {
    auto generator = test::propertyGenerator(i);
    std::uniform_real_distribution<double> x(0, 600), y(0, 400), width(5, 160);
    const Box area{{0, 0}, 600, 400};
    LabelPlacer placer(area);
    std::vector<SvgPoint> points(std::uniform_int_distribution<std::size_t>(1, 60)(generator));
    std::vector<Box> taken;
    for (SvgPoint &point : points) {
      point = {x(generator), y(generator)};
      taken.push_back({{point.x - 5, point.y - 5}, 10, 10});
      placer.block(taken.back());
    }
    const std::size_t blocked = taken.size();
    for (const SvgPoint &point : points) {
      const auto box = placer.place(point, width(generator), 12);
      if (!box)
        continue;
      CHECK(area.contains(*box));
      for (const Box &other : taken)
        CHECK(!other.overlaps(*box));
      taken.push_back(*box);
    }
    CHECK(taken.size() > blocked); // there is room for some
  }
}
