#include "backend/report/Format.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <map>
#include <utility>

namespace acadlc::report {

namespace {

/// Four significant digits without an exponent: "4.938", "49.38", "493.8", "4938".
std::string fourDigits(double value) {
  int decimals = 3;
  for (double limit = 9.9995; decimals > 0 && value >= limit; limit *= 10)
    --decimals;
  return fmt::format("{:.{}f}", value, decimals);
}

} // namespace

std::string thousands(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::size_t left = digits.size() - i;
    if (i != 0 && left % 3 == 0 && digits[i - 1] != '-')
      text += ',';
    text += digits[i];
  }
  return text;
}

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }

std::string duration(double seconds) {
  if (seconds == 0)
    return "0 s";
  static constexpr std::array<std::pair<double, const char *>, 4> units{
      {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}}};
  for (const auto &[length, name] : units)
    if (seconds >= length)
      return fourDigits(seconds / length) + " " + name;
  return fourDigits(seconds / 1e-9) + " ns";
}

std::string frequency(double hertz) {
  static constexpr std::array<std::pair<double, const char *>, 3> units{
      {{1e9, "GHz"}, {1e6, "MHz"}, {1e3, "kHz"}}};
  for (const auto &[size, name] : units)
    if (hertz >= size)
      return number(hertz / size) + " " + name;
  return number(hertz) + " Hz";
}

std::string number(double value) { return fmt::format("{}", value); }

std::string rounded(double value) {
  constexpr std::size_t shortEnough = 6;
  std::string text = number(value);
  return text.size() <= shortEnough ? text : fourDigits(value);
}

std::string namedNumbers(const std::vector<analysis::NamedNumber> &numbers) {
  std::string text;
  for (const analysis::NamedNumber &entry : numbers)
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", entry.name, entry.value);
  return text;
}

std::string cyclesText(timing::Guarantee guarantee, std::int64_t cycles,
                       const timing::CycleBounds &bounds) {
  return guarantee == timing::Guarantee::Bounded
             ? thousands(bounds.lower) + " .. " + thousands(bounds.upper)
             : thousands(cycles);
}

std::string boundText(const analysis::Bound &bound, bool isPartial) {
  return fmt::format("{} ({}){}", analysis::boundKindName(bound.kind), bound.object,
                     isPartial ? " ~" : "");
}

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", thousands(count), noun, count == 1 ? "" : "s");
}

std::string freeReasons(const std::vector<analysis::FreeCall> &calls) {
  std::map<std::string, std::int64_t> counts;
  for (const analysis::FreeCall &call : calls)
    ++counts[call.reason];
  std::string text;
  for (const auto &[reason, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", thousands(count), reason);
  return text;
}

} // namespace acadlc::report
