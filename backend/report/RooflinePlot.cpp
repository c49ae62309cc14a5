#include "backend/report/RooflinePlot.h"

#include "backend/report/Format.h"
#include "backend/report/Labels.h"
#include "backend/report/Plot.h"
#include "backend/report/Svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace acadlc::report {

namespace {

using analysis::LayerEstimate;
using analysis::MemoryLevel;
using analysis::NetworkEstimate;
using Anchor = SvgWriter::Anchor;

constexpr double left = 80;         ///< of the plotting area
constexpr double top = 60;          ///< of the plotting area
constexpr double across = 640;      ///< of the plotting area
constexpr double down = 480;        ///< of the plotting area
constexpr double legendWidth = 400; ///< room for its longest lines
constexpr double lineHeight = 18;
constexpr double labelSize = 11;
constexpr double characterWidth = 6.6; ///< at the most, for most letters of this size
constexpr SvgWriter::Stroke peakStroke{"#333333", 1.6, false};
constexpr SvgWriter::Stroke leaderStroke{"#999999", 0.7, false};

/// One or more layers at one place.
struct Point {
  double intensity = 0; ///< macs a byte
  double attained = 0;  ///< macs a cycle
  std::size_t level = 0;
  std::vector<std::string> layers;
};

/// Of layers that have no place in the picture, why.
struct Undrawn {
  std::size_t withoutMacs = 0, bounded = 0, withoutTraffic = 0;
};

/// How the network uses a level.
struct LevelUse {
  bool isServed = false;   ///< some layer's traffic takes the time that the bandwidth says
  bool isUnserved = false; ///< some layer's does not
  [[nodiscard]] bool isUsed() const { return isServed || isUnserved; }
};

std::string shortNumber(double value) { return fmt::format("{:.4g}", value); }

class RooflineWriter {
public:
  explicit RooflineWriter(const NetworkEstimate &estimate)
      : estimate_(estimate), levels_(estimate.memoryLevels), uses_(levels_.size()),
        svg_(left + across + legendWidth, top + down + 70) {
    for (const LayerEstimate &layer : estimate.layers)
      add(layer);
    across_ = axisAcross();
    up_ = axisUp();
  }

  std::string write() {
    svg_.rectangle({0, 0}, left + across + legendWidth, top + down + 70, "#ffffff");
    svg_.text(
        {left, 26},
        cutText(fmt::format("Roofline of {} on {}", estimate_.workload, estimate_.architecture),
                mostTitle),
        Anchor::Start, 15);
    svg_.text({left, 46},
              "each layer at the level that limits it most, in the colour of that level",
              Anchor::Start, 12);
    axes();
    svg_.beginClip({left, top}, across, down);
    roofs();
    points();
    svg_.endClip();
    svg_.frame({left, top}, across, down, {"#333333", 1, false});
    legend();
    return svg_.take();
  }

private:
  static constexpr std::size_t mostTitle = 110;

  void add(const LayerEstimate &layer) {
    for (std::size_t i = 0; i < levels_.size(); ++i)
      if (layer.traffic[i].isUsed()) {
        uses_[i].isServed |= !layer.traffic[i].isUnserved;
        uses_[i].isUnserved |= layer.traffic[i].isUnserved;
      }
    if (layer.macs <= 0) {
      ++undrawn_.withoutMacs;
      return;
    }
    if (layer.isBounded() || layer.cycles <= 0) {
      ++undrawn_.bounded;
      return;
    }
    const auto level = analysis::limitingLevel(levels_, layer.traffic);
    if (!level) {
      ++undrawn_.withoutTraffic;
      return;
    }
    const auto macs = static_cast<double>(layer.macs);
    const Point point{macs / static_cast<double>(layer.traffic[*level].bytes),
                      macs / static_cast<double>(layer.cycles),
                      *level,
                      {layer.name}};
    const auto same = std::ranges::find_if(points_, [&](const Point &other) {
      return other.level == point.level && other.intensity == point.intensity &&
             other.attained == point.attained;
    });
    if (same == points_.end())
      points_.push_back(point);
    else
      same->layers.push_back(layer.name);
  }

  /// Where the slope of a level meets the peak.
  [[nodiscard]] double ridge(std::size_t level) const {
    return estimate_.peakMacsPerCycle / levels_[level].bytesPerCycle;
  }
  [[nodiscard]] bool hasPeak() const { return estimate_.peakMacsPerCycle > 0; }
  [[nodiscard]] bool hasRoof(std::size_t level) const {
    return uses_[level].isServed && !levels_[level].isBelowCache;
  }

  [[nodiscard]] LogAxis axisAcross() const {
    std::vector<double> values;
    for (const Point &point : points_)
      values.push_back(point.intensity);
    for (std::size_t i = 0; i < levels_.size(); ++i)
      if (hasPeak() && hasRoof(i))
        values.push_back(ridge(i));
    return axisAround(values);
  }
  [[nodiscard]] LogAxis axisUp() const {
    std::vector<double> values;
    for (const Point &point : points_)
      values.push_back(point.attained);
    if (hasPeak()) // with some room above the roof
      values.push_back(estimate_.peakMacsPerCycle * 1.2);
    return axisAround(values);
  }
  static LogAxis axisAround(const std::vector<double> &values) {
    if (values.empty())
      return {1, 10};
    const auto [low, high] = std::ranges::minmax(values);
    return {low / 1.2, high * 1.2};
  }

  /// Where a place of the axes lies in the picture.
  [[nodiscard]] SvgPoint at(double intensity, double attained) const {
    return {left + across * across_.place(intensity), top + down * (1 - up_.place(attained))};
  }

  void axes() {
    for (const LogAxis::Tick &tick : across_.ticks()) {
      const double x = left + across * tick.place;
      svg_.line({x, top + down}, {x, top}, gridStroke);
      svg_.text({x, top + down + 18}, tick.label, Anchor::Middle, 11);
    }
    for (const LogAxis::Tick &tick : up_.ticks()) {
      const double y = top + down * (1 - tick.place);
      svg_.line({left, y}, {left + across, y}, gridStroke);
      svg_.text({left - 8, y + 4}, tick.label, Anchor::End, 11);
    }
    svg_.text({left + across / 2, top + down + 46}, "multiply-accumulates a byte", Anchor::Middle,
              13);
    svg_.text({18, top + down / 2}, "multiply-accumulates a cycle", Anchor::Middle, 13, -90);
  }

  /// Its number among those that the network uses: they share the colours.
  [[nodiscard]] std::size_t numberOf(std::size_t level) const {
    return static_cast<std::size_t>(
        std::count_if(uses_.begin(), uses_.begin() + static_cast<std::ptrdiff_t>(level),
                      [](const LevelUse &use) { return use.isUsed(); }));
  }
  [[nodiscard]] std::string_view colorOf(std::size_t level) const {
    return plotColors[numberOf(level) % plotColors.size()];
  }
  [[nodiscard]] std::size_t shapeOf(std::size_t level) const {
    return numberOf(level) / plotColors.size();
  }
  [[nodiscard]] SvgWriter::Stroke strokeOf(std::size_t level) const {
    return {colorOf(level), 1.4, shapeOf(level) % 2 == 1};
  }

  /// How many slopes are drawn upon that of \p level: it has to be wider to be seen.
  [[nodiscard]] std::size_t equalBehind(std::size_t level) const {
    std::size_t count = 0;
    for (std::size_t i = level + 1; i < levels_.size(); ++i)
      count += hasRoof(i) && levels_[i].bytesPerCycle == levels_[level].bytesPerCycle ? 1 : 0;
    return count;
  }

  void roofs() {
    double flat = across_.high();
    bool hasSlope = false;
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      if (!hasRoof(i))
        continue;
      hasSlope = true;
      const double bandwidth = levels_[i].bytesPerCycle;
      const double end = hasPeak() ? ridge(i) : across_.high();
      flat = std::min(flat, end);
      SvgWriter::Stroke stroke = strokeOf(i);
      stroke.width += 2 * static_cast<double>(equalBehind(i));
      svg_.line(at(across_.low(), bandwidth * across_.low()), at(end, bandwidth * end), stroke);
    }
    if (hasPeak())
      svg_.line(at(hasSlope ? flat : across_.low(), estimate_.peakMacsPerCycle),
                at(across_.high(), estimate_.peakMacsPerCycle), peakStroke);
  }

  void points() {
    LabelPlacer placer({{left + 2, top + 2}, across - 4, down - 4});
    for (const Point &point : points_) {
      const SvgPoint place = at(point.intensity, point.attained);
      placer.block({{place.x - 6, place.y - 6}, 12, 12});
    }
    for (const Point &point : points_) {
      const SvgPoint place = at(point.intensity, point.attained);
      label(placer, place, labelOf(point));
      svg_.marker(place, shapeOf(point.level), colorOf(point.level), titleOf(point));
    }
  }

  void label(LabelPlacer &placer, SvgPoint place, const std::string &text) {
    const auto box =
        placer.place(place, characterWidth * static_cast<double>(text.size()), labelSize + 2);
    if (!box) {
      ++unlabelled_;
      return;
    }
    constexpr double nearEnough = 8;
    const SvgPoint middle{box->corner.x + box->width / 2, box->corner.y + box->height / 2};
    const SvgPoint end{std::clamp(place.x, box->corner.x, box->corner.x + box->width),
                       std::clamp(place.y, box->corner.y, box->corner.y + box->height)};
    if (std::hypot(end.x - place.x, end.y - place.y) > nearEnough)
      svg_.line(place, end, leaderStroke);
    svg_.text({middle.x, box->corner.y + labelSize}, text, Anchor::Middle, labelSize);
  }

  static std::string labelOf(const Point &point) {
    constexpr std::size_t mostCharacters = 24;
    const std::string name = cutText(point.layers.front(), mostCharacters);
    return point.layers.size() == 1 ? name : fmt::format("{} + {}", name, point.layers.size() - 1);
  }

  /// What viewers show when the mouse is over it.
  [[nodiscard]] std::string titleOf(const Point &point) const {
    constexpr std::size_t mostNames = 20;
    std::string names;
    for (std::size_t i = 0; i < point.layers.size() && i < mostNames; ++i)
      names += (names.empty() ? "" : ", ") + point.layers[i];
    if (point.layers.size() > mostNames)
      names += ", …";
    return fmt::format("{}: {} MACs a byte of {}, {} MACs a cycle{}", names,
                       shortNumber(point.intensity), levels_[point.level].object,
                       shortNumber(point.attained),
                       hasPeak() ? fmt::format(" ({} of the peak)",
                                               percent(point.attained / estimate_.peakMacsPerCycle))
                                 : "");
  }

  void legend() {
    constexpr std::size_t mostCharacters = 46;
    const double x = left + across + 24;
    double y = top + 12;
    const auto entry = [&](const std::string &text) {
      svg_.text({x + 28, y + 4}, cutText(text, mostCharacters), Anchor::Start, 12);
      y += lineHeight;
    };
    const auto note = [&](const std::string &text) {
      svg_.text({x, y + 4}, cutText(text, mostCharacters + 4), Anchor::Start, 12);
      y += lineHeight;
    };
    if (hasPeak()) {
      svg_.line({x, y}, {x + 20, y}, peakStroke);
      entry(fmt::format("peak: {} MACs a cycle", shortNumber(estimate_.peakMacsPerCycle)));
    } else {
      note("no peak: no operation states its macs");
    }
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      if (!uses_[i].isUsed())
        continue;
      if (hasRoof(i))
        svg_.line({x, y}, {x + 20, y}, strokeOf(i));
      svg_.marker({x + 10, y}, shapeOf(i), colorOf(i));
      entry(fmt::format("{}: {}", levels_[i].object, levelText(i)));
    }
    y += lineHeight / 2;
    for (const auto &[count, text] :
         {std::pair{undrawn_.withoutMacs, "without MACs"},
          std::pair{undrawn_.bounded, "whose cycles are not known"},
          std::pair{undrawn_.withoutTraffic, "without counted traffic"}})
      if (count != 0)
        note(fmt::format("not drawn: {} {}", counted(static_cast<std::int64_t>(count), "layer"),
                         text));
    if (unlabelled_ != 0)
      note(fmt::format("no room for {}", counted(static_cast<std::int64_t>(unlabelled_), "label")));
  }

  [[nodiscard]] std::string levelText(std::size_t level) const {
    const MemoryLevel &own = levels_[level];
    if (own.isBelowCache)
      return "below a cache, not counted";
    if (!uses_[level].isServed)
      return "no bandwidth in this model";
    return fmt::format("{}{} bytes a cycle{}", own.isAtMost ? "at most " : "",
                       shortNumber(own.bytesPerCycle),
                       uses_[level].isUnserved ? " (not in all layers)" : "");
  }

  const NetworkEstimate &estimate_;
  const std::vector<MemoryLevel> &levels_;
  std::vector<LevelUse> uses_; ///< by level
  std::vector<Point> points_;
  Undrawn undrawn_;
  std::size_t unlabelled_ = 0;
  LogAxis across_{1, 10}, up_{1, 10};
  SvgWriter svg_;
};

} // namespace

std::string rooflinePlot(const NetworkEstimate &estimate) {
  return RooflineWriter(estimate).write();
}

} // namespace acadlc::report
