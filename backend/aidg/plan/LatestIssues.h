/// \file
/// The largest issue times of a stream with the nodes that they are of: whose issue made room in
/// the issue buffer.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace acadlc::aidg {

/// Keeps the `count` largest of the issues that it is given, in logarithmic time each. Of two in
/// one cycle the one that was given later counts as the larger.
class LatestIssues {
public:
  struct Issue {
    std::int64_t time = 0;   ///< cycle
    std::int64_t number = 0; ///< how many were given before
    std::uint32_t node = 0;
    friend std::strong_ordering operator<=>(const Issue &, const Issue &) = default;
  };

  /// \p count: at least 1.
  explicit LatestIssues(std::int64_t count) : count_(static_cast<std::size_t>(count)) {}

  /// An instruction left the buffer at \p time: that of \p node.
  void record(std::int64_t time, std::uint32_t node) {
    const Issue issue{time, recorded_++, node};
    if (issues_.size() == count_) {
      if (issue < issues_.front())
        return;
      std::ranges::pop_heap(issues_, std::greater<>());
      issues_.pop_back();
    }
    issues_.push_back(issue);
    std::ranges::push_heap(issues_, std::greater<>());
  }
  /// The smallest of the largest; nothing while there are fewer than `count`.
  [[nodiscard]] std::optional<Issue> room() const {
    if (issues_.size() < count_)
      return std::nullopt;
    return issues_.front();
  }

  /// All that are kept, ascending.
  [[nodiscard]] std::vector<Issue> sorted() const {
    std::vector<Issue> issues = issues_;
    std::ranges::sort(issues);
    return issues;
  }
  void clear() {
    recorded_ = 0;
    issues_.clear();
  }

private:
  std::size_t count_;
  std::int64_t recorded_ = 0;
  std::vector<Issue> issues_; ///< a heap, the smallest on top
};

} // namespace acadlc::aidg
