#include "backend/report/Format.h"
#include "backend/report/Plot.h"
#include "backend/report/Svg.h"
#include "backend/report/ValidationReport.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::report {

namespace {

using analysis::Validation;
using analysis::ValidationRow;
using Anchor = SvgWriter::Anchor;

constexpr double left = 80;  ///< of the plotting area
constexpr double top = 60;   ///< of the plotting area
constexpr double side = 480; ///< the area is a square: the diagonal is at 45 degrees
constexpr double legendWidth = 230;
constexpr double lineHeight = 18;
constexpr std::size_t mostGroups = 24; ///< in the legend
constexpr SvgWriter::Stroke diagonalStroke{"#333333", 1.2, false};
constexpr SvgWriter::Stroke bandStroke{"#777777", 1, true};

LogAxis axisFor(const Validation &validation) {
  double low = validation.rows.front().point.measured;
  double high = low;
  for (const ValidationRow &row : validation.rows) {
    low = std::min(low, row.point.measured);
    high = std::max(high, row.point.measured);
    if (!row.isBounded() && row.point.estimated > 0) {
      low = std::min(low, static_cast<double>(row.point.estimated));
      high = std::max(high, static_cast<double>(row.point.estimated));
    }
  }
  return {low, high};
}

class PlotWriter {
public:
  explicit PlotWriter(const Validation &validation)
      : validation_(validation), axis_(axisFor(validation)),
        svg_(left + side + legendWidth, top + side + 70) {}

  std::string write() {
    svg_.rectangle({0, 0}, left + side + legendWidth, top + side + 70, "#ffffff");
    titles();
    axes();
    svg_.beginClip({left, top}, side, side);
    diagonals();
    points();
    svg_.endClip();
    svg_.frame({left, top}, side, side, {"#333333", 1, false});
    legend();
    return svg_.take();
  }

private:
  /// Where a point of the area lies in the picture.
  [[nodiscard]] static SvgPoint at(double x, double y) {
    return {left + side * x, top + side * (1 - y)};
  }

  void titles() {
    constexpr std::size_t mostCharacters = 80;
    const analysis::ErrorStatistics &statistics = validation_.statistics;
    svg_.text({left, 26},
              cutText(fmt::format("{} against {}, {}", validation_.file, validation_.architecture,
                                  validation_.target),
                      mostCharacters),
              Anchor::Start, 15);
    svg_.text({left, 46},
              fmt::format("{}, MAPE {:.1f} %, bias {:+.1f} %{}",
                          counted(static_cast<std::int64_t>(statistics.points), "point"),
                          statistics.mape, statistics.bias,
                          statistics.spearman
                              ? fmt::format(", Spearman {:.3f}", *statistics.spearman)
                              : ""),
              Anchor::Start, 12);
  }

  void axes() {
    for (const LogAxis::Tick &tick : axis_.ticks()) {
      svg_.line(at(tick.place, 0), at(tick.place, 1), gridStroke);
      svg_.line(at(0, tick.place), at(1, tick.place), gridStroke);
      const SvgPoint below = at(tick.place, 0);
      const SvgPoint beside = at(0, tick.place);
      svg_.text({below.x, below.y + 18}, tick.label, Anchor::Middle, 11);
      svg_.text({beside.x - 8, beside.y + 4}, tick.label, Anchor::End, 11);
    }
    svg_.text({left + side / 2, top + side + 46}, "measured cycles", Anchor::Middle, 13);
    svg_.text({18, top + side / 2}, "estimated cycles", Anchor::Middle, 13, -90);
  }

  void diagonals() {
    svg_.line(at(0, 0), at(1, 1), diagonalStroke);
    for (const double factor : {1.1, 0.9}) {
      const double shift = axis_.length(factor);
      svg_.line(at(0, shift), at(1, 1 + shift), bandStroke);
    }
  }

  void points() {
    for (const ValidationRow &row : validation_.rows) {
      if (row.isBounded() || row.point.estimated <= 0) {
        ++undrawn_;
        continue;
      }
      const auto estimated = static_cast<double>(row.point.estimated);
      svg_.marker(at(axis_.place(row.point.measured), axis_.place(estimated)),
                  row.group / plotColors.size(), plotColors[row.group % plotColors.size()],
                  fmt::format("line {}: measured {}, estimated {} ({:+.1f} %)", row.line,
                              number(row.point.measured), row.point.estimated, row.point.error()));
    }
  }

  void legend() {
    constexpr std::size_t mostCharacters = 26;
    const double x = left + side + 24;
    double y = top + 12;
    const auto entry = [&](const std::string &text) {
      svg_.text({x + 28, y + 4}, cutText(text, mostCharacters), Anchor::Start, 12);
      y += lineHeight;
    };
    svg_.line({x, y}, {x + 20, y}, diagonalStroke);
    entry("estimated = measured");
    svg_.line({x, y}, {x + 20, y}, bandStroke);
    entry("± 10 %");
    y += lineHeight / 2;
    for (std::size_t i = 0; i < validation_.groups.size() && i < mostGroups; ++i) {
      svg_.marker({x + 10, y}, i / plotColors.size(), plotColors[i % plotColors.size()]);
      entry(groupLabel(validation_, validation_.groups[i]));
    }
    if (validation_.groups.size() > mostGroups)
      entry(fmt::format("… and {} more groups", validation_.groups.size() - mostGroups));
    if (undrawn_ != 0)
      entry(fmt::format("not drawn: {} with 0 cycles", undrawn_));
  }

  const Validation &validation_;
  LogAxis axis_;
  SvgWriter svg_;
  std::size_t undrawn_ = 0; ///< estimates of 0 cycles, which a logarithmic axis does not have
};

} // namespace

std::string validationPlot(const Validation &validation) { return PlotWriter(validation).write(); }

} // namespace acadlc::report
