/// \file
/// Finds places for the labels of points so that none covers another label or a point.
#pragma once

#include "backend/report/Svg.h"

#include <optional>
#include <vector>

namespace acadlc::report {

/// A rectangle of a picture.
struct Box {
  SvgPoint corner; ///< top left
  double width = 0, height = 0;
  [[nodiscard]] bool overlaps(const Box &other) const;
  [[nodiscard]] bool contains(const Box &other) const;
};

class LabelPlacer {
public:
  /// Labels stay within \p area.
  explicit LabelPlacer(Box area) : area_(area) {}
  /// Nothing is placed over \p box.
  void block(const Box &box) { taken_.push_back(box); }
  /// A free place for a label near \p at, the nearest of some; it is taken from then on. Nothing if
  /// there is none.
  std::optional<Box> place(SvgPoint at, double width, double height);

private:
  [[nodiscard]] bool isFree(const Box &box) const;

  Box area_;
  std::vector<Box> taken_;
};

} // namespace acadlc::report
