/// \file
/// Numbers and names as reports print them.
#pragma once

#include "backend/analysis/NetworkEstimate.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::report {

std::string thousands(std::int64_t number); ///< "1,234,567"
std::string percent(double share);          ///< "45.1 %"
std::string duration(double seconds);       ///< "4.938 ms": four digits and a unit
std::string frequency(double hertz);        ///< "250 MHz"
/// A number that may have a fraction, as short as it can be without loss: "64", "0.5".
std::string number(double value);
/// The same for reading: whole numbers as they are, others with four digits: "64", "5.953".
std::string rounded(double value);
/// "M = 64, K = 363"
std::string namedNumbers(const std::vector<analysis::NamedNumber> &numbers);
/// "1,234", or "1,200 .. 1,300" if they are only bounded.
std::string cyclesText(timing::Guarantee guarantee, std::int64_t cycles,
                       const timing::CycleBounds &bounds);
/// "memory (bank[*])", with a " ~" behind it if only first instructions were looked at.
std::string boundText(const analysis::Bound &bound, bool isPartial);
/// "1 layer", "3 layers"
std::string counted(std::int64_t count, std::string_view noun);
/// "2 weight-only, 3 reshape": how many calls are free for each reason.
std::string freeReasons(const std::vector<analysis::FreeCall> &calls);

} // namespace acadlc::report
