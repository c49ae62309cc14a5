/// \file
/// What our pictures with logarithmic axes share.
#pragma once

#include "backend/report/Svg.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::report {

/// Colours that people with any colour vision tell apart (Okabe and Ito), without the yellow, which
/// is hard to see on white. Groups beyond them get another shape.
inline constexpr std::array<std::string_view, 7> plotColors = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"};

inline constexpr SvgWriter::Stroke gridStroke{"#dddddd", 1, false};

/// A logarithmic axis.
class LogAxis {
public:
  /// Whole decades around \p low … \p high, which are more than 0.
  LogAxis(double low, double high);
  /// 0 … 1 along the axis.
  [[nodiscard]] double place(double value) const;
  /// The part of the axis that a factor takes.
  [[nodiscard]] double length(double factor) const;
  [[nodiscard]] double low() const;
  [[nodiscard]] double high() const;

  struct Tick {
    double place = 0;
    std::string label;
  };
  /// Decades, and where there are few of them their 2 and 5 as well.
  [[nodiscard]] std::vector<Tick> ticks() const;

private:
  int first_, last_;
};

/// A text cut off where it would be too long; characters are not cut.
std::string cutText(const std::string &text, std::size_t most);

} // namespace acadlc::report
