/// \file
/// Writes SVG pictures: a few shapes and texts, always the same bytes for the same calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace acadlc::report {

/// A place in a picture; y runs downwards.
struct SvgPoint {
  double x = 0, y = 0;
};

class SvgWriter {
public:
  SvgWriter(double width, double height);

  enum class Anchor : std::uint8_t { Start, Middle, End };
  struct Stroke {
    std::string_view color = "#000000";
    double width = 1;
    bool isDashed = false;
  };

  void rectangle(SvgPoint corner, double width, double height, std::string_view fill);
  void frame(SvgPoint corner, double width, double height, const Stroke &stroke);
  void line(SvgPoint from, SvgPoint to, const Stroke &stroke);
  /// \p degrees turns the text around its place.
  void text(SvgPoint at, std::string_view text, Anchor anchor, double size, double degrees = 0);
  /// Shapes 0 … markerCount − 1: circle, square, triangle, diamond. \p title is shown by viewers
  /// when the mouse is over it; empty: none.
  void marker(SvgPoint at, std::size_t shape, std::string_view fill, std::string_view title = {});
  static constexpr std::size_t markerCount = 4;

  /// What follows until endClip() shows within a rectangle alone. Not nested.
  void beginClip(SvgPoint corner, double width, double height);
  void endClip();

  /// The whole picture; the writer is empty then.
  std::string take();

private:
  std::string out_;
  std::size_t clips_ = 0;
};

} // namespace acadlc::report
