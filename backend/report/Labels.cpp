#include "backend/report/Labels.h"

#include <algorithm>

namespace acadlc::report {

namespace {

/// Where a label stands around its point: −1 left or above, 0 centred, 1 right or below.
struct Side {
  double x, y;
};

Box boxAt(SvgPoint at, Side side, double distance, double width, double height) {
  const double left = side.x > 0   ? at.x + distance
                      : side.x < 0 ? at.x - distance - width
                                   : at.x - width / 2;
  const double top = side.y > 0   ? at.y + distance
                     : side.y < 0 ? at.y - distance - height
                                  : at.y - height / 2;
  return {{left, top}, width, height};
}

} // namespace

bool Box::overlaps(const Box &other) const {
  return corner.x < other.corner.x + other.width && other.corner.x < corner.x + width &&
         corner.y < other.corner.y + other.height && other.corner.y < corner.y + height;
}

bool Box::contains(const Box &other) const {
  return corner.x <= other.corner.x && other.corner.x + other.width <= corner.x + width &&
         corner.y <= other.corner.y && other.corner.y + other.height <= corner.y + height;
}

bool LabelPlacer::isFree(const Box &box) const {
  return area_.contains(box) &&
         std::ranges::none_of(taken_, [&](const Box &taken) { return taken.overlaps(box); });
}

std::optional<Box> LabelPlacer::place(SvgPoint at, double width, double height) {
  constexpr Side sides[] = {{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, -1}, {1, 1}, {-1, -1}, {-1, 1}};
  constexpr double distances[] = {7, 14, 24, 36, 50, 66, 84, 104};
  for (const double distance : distances)
    for (const Side side : sides)
      if (const Box box = boxAt(at, side, distance, width, height); isFree(box)) {
        block(box);
        return box;
      }
  return std::nullopt;
}

} // namespace acadlc::report
