// Phases that begin behind one another: nobody may wait for himself.

#include "frontend/acadl/check/CheckContext.h"

#include <fmt/format.h>

#include <deque>

namespace acadlc::checking {

using llvm::StringRef;

namespace {

/// That a phase does not begin before another one has ended (or, if that expands, begun).
struct Wait {
  std::size_t phase = 0;
  SourceRange range;    ///< where the text says so
  StringRef event;      ///< as it is named there; empty: the phase itself
  bool isOrder = false; ///< the text says nothing: it is written behind the other
};

/// A way from a phase back to itself: every phase on it and what it waits for.
struct Circle {
  std::vector<std::size_t> phases;
  std::vector<Wait> waits;
};

class PhaseOrder {
public:
  PhaseOrder(DiagnosticEngine &diagnostics, const ast::InstructionDeclaration &instruction)
      : diagnostics_(diagnostics), phases_(instruction.phases), waits_(phases_.size()) {}

  void run() {
    for (std::size_t phase = 0; phase < phases_.size(); ++phase)
      findWaits(phase);
    std::vector<bool> isReported(phases_.size());
    for (std::size_t phase = 0; phase < phases_.size(); ++phase) {
      if (isReported[phase])
        continue;
      const Circle circle = findCircle(phase);
      for (const std::size_t member : circle.phases)
        isReported[member] = true;
      if (!circle.phases.empty())
        report(circle);
    }
  }

private:
  //===--- What waits for what ----------------------------------------------------------------===//

  void findWaits(std::size_t phase) {
    const ast::Phase &written = phases_[phase];
    if (phase != 0 && written.after.empty() && !written.afterStep.isValid())
      waits_[phase].push_back({phase - 1, written.name.range, {}, true});
    for (const ast::Identifier &name : written.after)
      if (name.isValid())
        addWaits(phase, name);
  }

  /// A name is that of a phase first, as where it is lowered.
  void addWaits(std::size_t phase, const ast::Identifier &name) {
    const auto named = llvm::find_if(
        phases_, [&](const ast::Phase &other) { return other.name.text == name.text; });
    if (named != phases_.end())
      return add(phase, indexOf(*named), name, /*isEvent=*/false);
    const auto signaller = llvm::find_if(phases_, [&](const ast::Phase &other) {
      return llvm::any_of(other.signals,
                          [&](const ast::Identifier &event) { return event.text == name.text; });
    });
    if (signaller != phases_.end())
      return add(phase, indexOf(*signaller), name, /*isEvent=*/true);
    if (name.text != "read" && name.text != "completed")
      return; // `issued`; others are unknown
    // Of an instruction that expands `read` is that of what it emits; else it is its end.
    const bool isOfExpansions =
        name.text == "read" &&
        llvm::any_of(phases_, [](const ast::Phase &other) { return other.expansion != nullptr; });
    for (const ast::Phase &other : phases_)
      if (!isOfExpansions || other.expansion != nullptr)
        add(phase, indexOf(other), name, /*isEvent=*/true);
  }

  void add(std::size_t phase, std::size_t other, const ast::Identifier &name, bool isEvent) {
    waits_[phase].push_back({other, name.range, isEvent ? name.text : StringRef(), false});
  }

  [[nodiscard]] std::size_t indexOf(const ast::Phase &phase) const {
    return static_cast<std::size_t>(&phase - phases_.begin());
  }

  //===--- Circles ----------------------------------------------------------------------------===//

  /// The shortest one through \p start; empty if there is none.
  [[nodiscard]] Circle findCircle(std::size_t start) const {
    struct Step {
      std::size_t from = 0;
      Wait wait;
    };
    std::vector<std::optional<Step>> reachedBy(phases_.size());
    std::deque<std::size_t> open{start};
    while (!open.empty() && !reachedBy[start]) {
      const std::size_t phase = open.front();
      open.pop_front();
      for (const Wait &wait : waits_[phase])
        if (!reachedBy[wait.phase]) {
          reachedBy[wait.phase] = Step{phase, wait};
          open.push_back(wait.phase);
        }
    }
    Circle circle;
    if (!reachedBy[start])
      return circle;
    for (std::size_t phase = start; circle.phases.empty() || phase != start;) {
      const Step &step = *reachedBy[phase];
      circle.phases.insert(circle.phases.begin(), step.from);
      circle.waits.insert(circle.waits.begin(), step.wait);
      phase = step.from;
    }
    return circle;
  }

  void report(const Circle &circle) {
    std::string chain;
    for (std::size_t i = 0; i < circle.phases.size(); ++i)
      chain += fmt::format("{}'{}' waits for {}", i == 0 ? "" : ", ", nameOf(circle.phases[i]),
                           describe(circle, i));
    auto builder = diagnostics_.report(DiagnosticCode::PhaseCircle, circle.waits.front().range,
                                       nameOf(circle.phases.front()), chain);
    for (std::size_t i = 0; i < circle.phases.size(); ++i)
      if (circle.waits[i].isOrder)
        builder.note(circle.waits[i].range,
                     fmt::format("without 'after', '{}' begins when '{}', written above it, has "
                                 "ended",
                                 nameOf(circle.phases[i]), nameOf(circle.waits[i].phase)));
  }

  [[nodiscard]] std::string describe(const Circle &circle, std::size_t place) const {
    const Wait &wait = circle.waits[place];
    if (!wait.event.empty())
      return fmt::format("'{}', which needs '{}'", wait.event.str(), nameOf(wait.phase));
    return wait.phase == circle.phases[place] ? "itself" : fmt::format("'{}'", nameOf(wait.phase));
  }

  [[nodiscard]] std::string nameOf(std::size_t phase) const {
    return phases_[phase].name.text.str();
  }

  DiagnosticEngine &diagnostics_;
  llvm::ArrayRef<ast::Phase> phases_;
  std::vector<std::vector<Wait>> waits_; ///< by phase
};

} // namespace

void checkPhaseOrder(DiagnosticEngine &diagnostics,
                     const ast::InstructionDeclaration &instruction) {
  PhaseOrder(diagnostics, instruction).run();
}

} // namespace acadlc::checking
