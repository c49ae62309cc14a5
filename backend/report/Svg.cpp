#include "backend/report/Svg.h"

#include "support/Diagnostics.h"

#include <fmt/format.h>

#include <utility>

namespace acadlc::report {

namespace {

/// Two decimals are finer than any screen.
std::string coordinate(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.'))
    text.pop_back();
  return text == "-0" ? "0" : text;
}

/// \p text as XML takes it, with bytes that are no text made visible.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : printableText(text)) {
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    default:
      result += c;
    }
  }
  return result;
}

std::string strokeText(const SvgWriter::Stroke &stroke) {
  return fmt::format("stroke=\"{}\" stroke-width=\"{}\"{}", stroke.color, coordinate(stroke.width),
                     stroke.isDashed ? " stroke-dasharray=\"5 4\"" : "");
}

std::string pathOf(SvgPoint at, std::size_t shape) {
  constexpr double radius = 4;
  const auto point = [&](double dx, double dy) {
    return coordinate(at.x + dx) + " " + coordinate(at.y + dy);
  };
  switch (shape) {
  case 1:
    return fmt::format("M{}L{}L{}L{}Z", point(-radius, -radius), point(radius, -radius),
                       point(radius, radius), point(-radius, radius));
  case 2:
    return fmt::format("M{}L{}L{}Z", point(0, -radius - 1), point(radius + 1, radius),
                       point(-radius - 1, radius));
  default:
    return fmt::format("M{}L{}L{}L{}Z", point(0, -radius - 1), point(radius + 1, 0),
                       point(0, radius + 1), point(-radius - 1, 0));
  }
}

} // namespace

SvgWriter::SvgWriter(double width, double height) {
  out_ = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
                     "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\">\n",
                     coordinate(width), coordinate(height));
}

void SvgWriter::rectangle(SvgPoint corner, double width, double height, std::string_view fill) {
  out_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n",
                      coordinate(corner.x), coordinate(corner.y), coordinate(width),
                      coordinate(height), fill);
}

void SvgWriter::frame(SvgPoint corner, double width, double height, const Stroke &stroke) {
  out_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" {}/>\n",
                      coordinate(corner.x), coordinate(corner.y), coordinate(width),
                      coordinate(height), strokeText(stroke));
}

void SvgWriter::line(SvgPoint from, SvgPoint to, const Stroke &stroke) {
  out_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {}/>\n", coordinate(from.x),
                      coordinate(from.y), coordinate(to.x), coordinate(to.y), strokeText(stroke));
}

void SvgWriter::text(SvgPoint at, std::string_view text, Anchor anchor, double size,
                     double degrees) {
  const std::string_view name = anchor == Anchor::Start    ? "start"
                                : anchor == Anchor::Middle ? "middle"
                                                           : "end";
  const std::string turn = degrees == 0
                               ? std::string()
                               : fmt::format(" transform=\"rotate({} {} {})\"", coordinate(degrees),
                                             coordinate(at.x), coordinate(at.y));
  out_ +=
      fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{}\"{}>{}</text>\n",
                  coordinate(at.x), coordinate(at.y), coordinate(size), name, turn, escaped(text));
}

void SvgWriter::marker(SvgPoint at, std::size_t shape, std::string_view fill,
                       std::string_view title) {
  constexpr double radius = 4;
  const bool isCircle = shape % markerCount == 0;
  const std::string_view element = isCircle ? "circle" : "path";
  if (isCircle)
    out_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"", coordinate(at.x), coordinate(at.y),
                        coordinate(radius));
  else
    out_ += fmt::format("<path d=\"{}\"", pathOf(at, shape % markerCount));
  out_ += fmt::format(" fill=\"{}\" fill-opacity=\"0.7\"", fill);
  if (title.empty())
    out_ += "/>\n";
  else
    out_ += fmt::format("><title>{}</title></{}>\n", escaped(title), element);
}

void SvgWriter::beginClip(SvgPoint corner, double width, double height) {
  ++clips_;
  out_ += fmt::format("<clipPath id=\"clip{0}\"><rect x=\"{1}\" y=\"{2}\" width=\"{3}\" "
                      "height=\"{4}\"/></clipPath>\n<g clip-path=\"url(#clip{0})\">\n",
                      clips_, coordinate(corner.x), coordinate(corner.y), coordinate(width),
                      coordinate(height));
}

void SvgWriter::endClip() { out_ += "</g>\n"; }

std::string SvgWriter::take() {
  out_ += "</svg>\n";
  return std::move(out_);
}

} // namespace acadlc::report
