#include "backend/analysis/Validation.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

using namespace acadlc;
using namespace acadlc::analysis;

TEST_CASE("errors are relative to what was measured, and keep their sign") {
  CHECK(ValidationPoint{100, 110}.error() == doctest::Approx(10));
  CHECK(ValidationPoint{200, 150}.error() == doctest::Approx(-25));
  CHECK(ValidationPoint{0.5, 1}.error() == doctest::Approx(100));
}

TEST_CASE("statistics of four points, computed by hand") {
  // Errors: +10, −20, +5, 0.
  const std::array<ValidationPoint, 4> points{{{100, 110}, {50, 40}, {200, 210}, {10, 10}}};
  const ErrorStatistics result = errorStatistics(points);
  CHECK(result.points == 4);
  CHECK(result.mape == doctest::Approx(35.0 / 4));
  CHECK(result.bias == doctest::Approx(-5.0 / 4));
  // Magnitudes 0 5 10 20: the median lies between 5 and 10, rank 0.9 · 3 = 2.7 between 10 and 20.
  CHECK(result.median == doctest::Approx(7.5));
  CHECK(result.p90 == doctest::Approx(17));
  CHECK(result.max == doctest::Approx(20));
  REQUIRE(result.spearman);
  CHECK(*result.spearman == 1);
}

TEST_CASE("a single point has errors but no correlation") {
  const std::array<ValidationPoint, 1> points{{{80, 100}}};
  const ErrorStatistics result = errorStatistics(points);
  CHECK(result.points == 1);
  for (const double value : {result.mape, result.median, result.p90, result.max, result.bias})
    CHECK(value == doctest::Approx(25));
  CHECK_FALSE(result.spearman);
}

TEST_CASE("constant values have no correlation") {
  const std::array<double, 3> constant{7, 7, 7};
  const std::array<double, 3> rising{1, 2, 3};
  CHECK_FALSE(spearmanCorrelation(constant, rising));
  CHECK_FALSE(spearmanCorrelation(rising, constant));
  CHECK_FALSE(spearmanCorrelation(constant, constant));
}

TEST_CASE("equal values share the mean of their ranks") {
  const std::array<double, 6> values{30, 10, 20, 20, 40, 20};
  CHECK(averageRanks(values) == std::vector<double>{5, 1, 3, 3, 6, 3});
  CHECK(averageRanks({}).empty());
}

TEST_CASE("rank correlation with ties, computed by hand") {
  // Ranks 1 2.5 2.5 4 and 1 2 3 4: Σ products = 4.5, squares 4.5 and 5.
  const std::array<double, 4> a{1, 5, 5, 9};
  const std::array<double, 4> b{10, 20, 30, 40};
  REQUIRE(spearmanCorrelation(a, b));
  CHECK(*spearmanCorrelation(a, b) == doctest::Approx(4.5 / 4.743416490252569));
  const std::array<double, 4> falling{40, 30, 20, 10};
  CHECK(*spearmanCorrelation(b, falling) == -1);
  // One pair of four is swapped: 1 − 6 · 2 / (4 · 15).
  const std::array<double, 4> swapped{10, 30, 20, 40};
  CHECK(*spearmanCorrelation(b, swapped) == doctest::Approx(0.8));
}

TEST_CASE("percentiles interpolate between ranks") {
  const std::array<double, 5> values{10, 20, 30, 40, 50};
  CHECK(percentile(values, 0) == 10);
  CHECK(percentile(values, 1) == 50);
  CHECK(percentile(values, 0.5) == 30);
  CHECK(percentile(values, 0.9) == doctest::Approx(46));
  const std::array<double, 1> one{3};
  CHECK(percentile(one, 0.9) == 3);
}

TEST_CASE("groups have statistics of their own") {
  Validation validation;
  validation.groups.resize(2);
  validation.rows = {{2, {100, 110}, timing::Guarantee::Exact, {}, 0},
                     {3, {100, 70}, timing::Guarantee::Certified, {}, 1},
                     {4, {100, 90}, timing::Guarantee::Exact, {}, 0}};
  summarize(validation);
  CHECK(validation.statistics.points == 3);
  CHECK(validation.statistics.max == doctest::Approx(30));
  CHECK(validation.groups[0].statistics.points == 2);
  CHECK(validation.groups[0].statistics.bias == doctest::Approx(0));
  CHECK(validation.groups[1].statistics.mape == doctest::Approx(30));
  CHECK(validation.guarantee() == timing::Guarantee::Certified);
}

TEST_CASE("bounded rows are in no statistics") {
  Validation validation;
  validation.groups.resize(2);
  validation.rows = {{2, {100, 110}, timing::Guarantee::Exact, {}, 0},
                     {3, {100, 0}, timing::Guarantee::Bounded, {}, 0, {90, 120, false}},
                     {4, {100, 0}, timing::Guarantee::Bounded, {}, 1, {90, 120, false}}};
  summarize(validation);
  CHECK(validation.statistics.points == 1);
  CHECK(validation.statistics.mape == doctest::Approx(10));
  CHECK(validation.groups[0].statistics.points == 1);
  CHECK(validation.groups[1].statistics.points == 0);
  CHECK(std::isnan(validation.groups[1].statistics.mape));
  CHECK(!validation.groups[1].statistics.spearman);
  CHECK(validation.guarantee() == timing::Guarantee::Bounded);
}
