#include "backend/analysis/Validation.h"

#include "support/InternalError.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace acadlc::analysis {

double ValidationPoint::error() const {
  return (static_cast<double>(estimated) - measured) / measured * 100;
}

double percentile(std::span<const double> sorted, double share) {
  ACADLC_CHECK(!sorted.empty(), "a percentile of nothing");
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double fraction = position - static_cast<double>(below);
  // Without the detour over the difference infinite values stay what they are.
  return fraction == 0 ? sorted[below] : sorted[below] * (1 - fraction) + sorted[above] * fraction;
}

std::vector<double> averageRanks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]])
      ++end;
    // Ranks begin + 1 … end.
    const double rank = static_cast<double>(begin + 1 + end) / 2;
    for (; begin < end; ++begin)
      ranks[order[begin]] = rank;
  }
  return ranks;
}

std::optional<double> spearmanCorrelation(std::span<const double> a, std::span<const double> b) {
  ACADLC_CHECK(a.size() == b.size(), "as many values on both sides");
  const std::vector<double> ranksOfA = averageRanks(a);
  const std::vector<double> ranksOfB = averageRanks(b);
  const double mean = (static_cast<double>(a.size()) + 1) / 2;
  double product = 0;
  double squaresOfA = 0;
  double squaresOfB = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    product += (ranksOfA[i] - mean) * (ranksOfB[i] - mean);
    squaresOfA += (ranksOfA[i] - mean) * (ranksOfA[i] - mean);
    squaresOfB += (ranksOfB[i] - mean) * (ranksOfB[i] - mean);
  }
  if (squaresOfA == 0 || squaresOfB == 0)
    return std::nullopt;
  // Rounding must not lead beyond ±1.
  return std::clamp(product / std::sqrt(squaresOfA * squaresOfB), -1.0, 1.0);
}

ErrorStatistics errorStatistics(std::span<const ValidationPoint> points) {
  ErrorStatistics result;
  if (points.empty()) {
    result.mape = result.median = result.p90 = result.max = result.bias =
        std::numeric_limits<double>::quiet_NaN();
    return result;
  }
  result.points = points.size();
  const auto count = static_cast<double>(points.size());
  std::vector<double> magnitudes;
  std::vector<double> measured;
  std::vector<double> estimated;
  for (const ValidationPoint &point : points) {
    const double error = point.error();
    magnitudes.push_back(std::abs(error));
    measured.push_back(point.measured);
    estimated.push_back(static_cast<double>(point.estimated));
    result.mape += magnitudes.back() / count;
    result.bias += error / count;
  }
  std::ranges::sort(magnitudes);
  result.median = percentile(magnitudes, 0.5);
  result.p90 = percentile(magnitudes, 0.9);
  result.max = magnitudes.back();
  result.spearman = spearmanCorrelation(measured, estimated);
  return result;
}

timing::Guarantee Validation::guarantee() const {
  timing::Guarantee weakest = timing::Guarantee::Exact;
  for (const ValidationRow &row : rows)
    weakest = std::max(weakest, row.guarantee);
  return weakest;
}

void summarize(Validation &validation) {
  std::vector<ValidationPoint> all;
  std::vector<std::vector<ValidationPoint>> groups(validation.groups.size());
  for (const ValidationRow &row : validation.rows) {
    if (row.isBounded())
      continue;
    all.push_back(row.point);
    if (!groups.empty())
      groups.at(row.group).push_back(row.point);
  }
  validation.statistics = errorStatistics(all);
  for (std::size_t i = 0; i < groups.size(); ++i)
    validation.groups[i].statistics = errorStatistics(groups[i]);
}

} // namespace acadlc::analysis
