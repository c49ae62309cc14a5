/// \file
/// Keeps account of what the evaluator is inside of. Private to the evaluator's sources.
#pragma once

#include "frontend/acadl/evaluation/Evaluator.h"

namespace acadlc {

/// Enters a loop, function or constant for as long as it lives.
class Evaluator::ActivityScope {
public:
  ActivityScope(Evaluator &evaluator, Activity activity) : evaluator_(&evaluator) {
    for (const Activity &outer : evaluator.activities_)
      isRecursive_ |= activity.declaration && outer.declaration == activity.declaration;
    evaluator.activities_.push_back(activity);
  }
  ~ActivityScope() { evaluator_->activities_.pop_back(); }
  ActivityScope(const ActivityScope &) = delete;
  ActivityScope &operator=(const ActivityScope &) = delete;

  /// Whether the same declaration was being evaluated already.
  [[nodiscard]] bool isRecursive() const { return isRecursive_; }

private:
  Evaluator *evaluator_;
  bool isRecursive_ = false;
};

} // namespace acadlc
