#include "backend/report/Plot.h"

#include "backend/report/Format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace acadlc::report {

namespace {

std::string tickLabel(int digit, int decade) {
  constexpr int mostDigits = 7;
  if (decade < -3 || decade > mostDigits)
    return fmt::format("{}e{}", digit, decade);
  if (decade < 0)
    return fmt::format("{:.{}f}", digit * std::pow(10.0, decade), -decade);
  std::int64_t value = digit;
  for (int i = 0; i < decade; ++i)
    value *= 10;
  return thousands(value);
}

} // namespace

LogAxis::LogAxis(double low, double high)
    : first_(static_cast<int>(std::floor(std::log10(low)))),
      last_(std::max(static_cast<int>(std::ceil(std::log10(high))), first_ + 1)) {}

double LogAxis::place(double value) const {
  return (std::log10(value) - first_) / (last_ - first_);
}

double LogAxis::length(double factor) const { return std::log10(factor) / (last_ - first_); }

double LogAxis::low() const { return std::pow(10.0, first_); }
double LogAxis::high() const { return std::pow(10.0, last_); }

std::vector<LogAxis::Tick> LogAxis::ticks() const {
  constexpr int mostTicks = 10;
  constexpr int fewDecades = 2;
  const int step = (last_ - first_ + mostTicks - 1) / mostTicks;
  std::vector<Tick> result;
  for (int decade = first_; decade <= last_; decade += step) {
    for (const int digit : {1, 2, 5}) {
      const bool isShown = digit == 1 || (last_ - first_ <= fewDecades && decade < last_);
      if (isShown)
        result.push_back(
            {(decade - first_ + std::log10(digit)) / (last_ - first_), tickLabel(digit, decade)});
    }
  }
  return result;
}

std::string cutText(const std::string &text, std::size_t most) {
  if (text.size() <= most)
    return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return text.substr(0, end) + "…";
}

} // namespace acadlc::report
