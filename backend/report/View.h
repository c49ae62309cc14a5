/// \file
/// A text report is a list of views: each shows one side of an estimate and knows nothing of the
/// others.
#pragma once

#include <string>

namespace acadlc::report {

class View {
public:
  View() = default;
  virtual ~View() = default;
  View(const View &) = delete;
  View &operator=(const View &) = delete;
  /// Appends the view's lines to \p out; nothing if it has nothing to say.
  virtual void print(std::string &out) const = 0;
};

} // namespace acadlc::report
