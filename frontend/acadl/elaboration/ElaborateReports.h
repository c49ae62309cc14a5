/// \file
/// Reports about objects and edges, one for each place in the text: what is wrong with one element
/// of an array of 64 is wrong with all of them. Private to the elaborator.
#pragma once

#include "support/Diagnostics.h"

#include <fmt/format.h>
#include <llvm/ADT/DenseMap.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace acadlc {

class GroupedReports {
public:
  /// Adds a report; those with the code and range of an earlier one are only counted. \p make makes
  /// the diagnostic of the first.
  template <typename... Arguments>
  void add(DiagnosticCode code, SourceRange range, const Arguments &...arguments) {
    addWithNotes(code, range, {}, arguments...);
  }
  template <typename... Arguments>
  void addWithNotes(DiagnosticCode code, SourceRange range, std::vector<DiagnosticNote> notes,
                    const Arguments &...arguments) {
    const auto key = std::pair(static_cast<unsigned>(code), range.begin.raw());
    const auto [found, isNew] = index_.try_emplace(key, groups_.size());
    if (!isNew) {
      ++groups_[found->second].more;
      return;
    }
    auto make = [=](DiagnosticEngine &engine) { return engine.report(code, range, arguments...); };
    groups_.push_back({std::move(make), std::move(notes), 0});
  }

  /// Reports one diagnostic for each group, in the order of their first members.
  void flush(DiagnosticEngine &diagnostics) {
    for (const Group &group : groups_) {
      DiagnosticBuilder builder = group.make(diagnostics);
      for (const DiagnosticNote &note : group.notes)
        builder.note(note.range, note.message);
      if (group.more != 0)
        builder.note(
            {}, fmt::format("the same holds for {} more that this declaration makes", group.more));
    }
    groups_.clear();
    index_.clear();
  }

private:
  struct Group {
    std::function<DiagnosticBuilder(DiagnosticEngine &)> make;
    std::vector<DiagnosticNote> notes;
    std::size_t more = 0;
  };
  std::vector<Group> groups_;
  llvm::DenseMap<std::pair<unsigned, unsigned>, std::size_t> index_;
};

} // namespace acadlc
