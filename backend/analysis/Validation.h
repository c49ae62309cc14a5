/// \file
/// A model held against measurements: what was measured, what is estimated, and how far apart they
/// are. Plain data; docs/validation.md defines the numbers.
#pragma once

#include "backend/analysis/NetworkEstimate.h"
#include "backend/timing/Evaluation.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace acadlc::analysis {

/// One measurement.
struct ValidationPoint {
  double measured = 0; ///< cycles, more than 0
  std::int64_t estimated = 0;
  /// (estimated − measured) / measured, in per cent.
  [[nodiscard]] double error() const;
};

/// How far the estimates of some points are from what was measured, in per cent of the latter.
struct ErrorStatistics {
  std::size_t points = 0; ///< 0: none of the other numbers is known, they are not-a-number
  double mape = 0;        ///< mean of the errors' magnitudes
  double median = 0;      ///< of the magnitudes
  double p90 = 0;         ///< 90th percentile of the magnitudes
  double max = 0;         ///< the largest magnitude
  double bias = 0;        ///< mean of the errors with their signs
  /// Spearman's rank correlation of measured and estimated cycles; none for fewer than two points
  /// and where all of one side are equal.
  std::optional<double> spearman;
};

/// The statistics of \p points, of which there may be none.
ErrorStatistics errorStatistics(std::span<const ValidationPoint> points);

/// The value below which \p share (0 … 1) of \p sorted lies: linear between the two values whose
/// ranks are nearest to share · (n − 1), counted from 0. \p sorted ascends and is not empty.
double percentile(std::span<const double> sorted, double share);

/// Ranks of \p values from 1; equal values get the mean of the ranks that they take.
std::vector<double> averageRanks(std::span<const double> values);

/// Pearson's correlation of the average ranks of \p a and \p b, which are equally long.
std::optional<double> spearmanCorrelation(std::span<const double> a, std::span<const double> b);

/// A row of the measurements.
struct ValidationRow {
  std::int64_t line = 0; ///< in the file, from 1
  ValidationPoint point; ///< of a bounded row `measured` alone has a meaning
  timing::Guarantee guarantee = timing::Guarantee::Exact;
  std::vector<std::string> values; ///< one for each of Validation::columns
  std::size_t group = 0;           ///< into Validation::groups, if there are any
  timing::CycleBounds bounds{};    ///< if bounded; else meaningless

  /// Bounded rows have no error: they are in no statistics and in no picture.
  [[nodiscard]] bool isBounded() const { return guarantee == timing::Guarantee::Bounded; }
};

/// The rows that agree in all columns of `group_by`.
struct ValidationGroup {
  std::vector<std::string> values; ///< one for each of Validation::groupBy
  ErrorStatistics statistics;
};

struct Validation {
  Method method = Method::Estimate;
  std::string architecture;
  std::string file;       ///< with the measurements
  std::string experiment; ///< the declaration; empty: none
  std::string target;     ///< the mapping or program
  bool isProgram = false;
  AskedOptions asked; ///< how rows were evaluated; what networks are asked for is empty
  std::vector<std::string> columns;    ///< what rows set: dimensions, parameters; and group columns
  std::vector<std::string> groupBy;    ///< columns; empty: no groups
  std::vector<ValidationRow> rows;     ///< in the order of the file
  ErrorStatistics statistics;          ///< of all rows but bounded ones
  std::vector<ValidationGroup> groups; ///< in the order in which the file first has them
  [[nodiscard]] timing::Guarantee guarantee() const; ///< the weakest of the rows
};

/// Fills what follows from the rows: the statistics. \p validation must have a row, and for each
/// group one.
void summarize(Validation &validation);

} // namespace acadlc::analysis
