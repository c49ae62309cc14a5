#include "backend/simulate/Replay.h"

#include "backend/simulate/Simulator.h"
#include "support/CheckedArithmetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace acadlc::simulate {

namespace {

using timing::Certificate;
using timing::InstructionTimes;
using Milestone = std::int64_t InstructionTimes::*;

/// The milestones with their names.
constexpr std::array<std::pair<Milestone, const char *>, 7> milestones{{
    {&InstructionTimes::fetched, "is fetched"},
    {&InstructionTimes::allocated, "enters its station"},
    {&InstructionTimes::issued, "is issued"},
    {&InstructionTimes::entered, "enters its unit"},
    {&InstructionTimes::started, "starts"},
    {&InstructionTimes::released, "gives its entry in the station back"},
    {&InstructionTimes::finished, "finishes"},
}};

/// What is kept of an instruction of the first period.
struct Observed {
  std::int64_t index = 0;
  std::vector<std::int64_t> emission;
  program::InstructionId id = 0;
  InstructionTimes times;
  std::vector<std::int64_t> addresses; ///< of operands in storages with state
};

/// By how many bytes the addresses of the second period lie behind those of the first, by object.
class AddressShifts {
public:
  explicit AddressShifts(const arch::ArchitectureGraph &graph)
      : graph_(graph), bytes_(graph.objects.size(), 0), isKnown_(graph.objects.size(), false) {}

  /// Of \p storage and those below it. Accesses that move differently leave it unmoved.
  void add(arch::ObjectId storage, std::int64_t bytes) {
    for (; storage != arch::noObject; storage = graph_.objects[storage].lower) {
      bytes_[storage] = !isKnown_[storage] || bytes_[storage] == bytes ? bytes : 0;
      isKnown_[storage] = true;
    }
  }
  [[nodiscard]] const std::vector<std::int64_t> &bytes() const { return bytes_; }

private:
  const arch::ArchitectureGraph &graph_;
  std::vector<std::int64_t> bytes_;
  std::vector<bool> isKnown_;
};

/// States are compared at up to so many begins of periods behind the first one …
constexpr std::int64_t mostPeriods = 16;
/// … but for the first two only while they lie within so many instructions.
constexpr std::int64_t cheapInstructions = 10'000;
/// Instructions of a fetch that are looked at.
constexpr std::int64_t mostArrivals = 512;

/// One certificate under replay. It is shown the stream instruction by instruction.
class Witness {
public:
  Witness(const Certificate &certificate, const arch::ArchitectureGraph &graph,
          const program::Program &program)
      : certificate_(certificate), graph_(graph), program_(program), shifts_(graph) {}

  [[nodiscard]] std::int64_t begin() const { return certificate_.firstInstruction; }
  [[nodiscard]] std::int64_t middle() const { return begin() + certificate_.instructionsPerPeriod; }
  [[nodiscard]] std::int64_t end() const { return middle() + certificate_.instructionsPerPeriod; }

  /// Where states are compared: the begins of the periods, and some more behind them while that
  /// costs little.
  [[nodiscard]] std::vector<std::int64_t> boundaries() const {
    const std::int64_t period = certificate_.instructionsPerPeriod;
    std::int64_t periods = std::clamp(cheapInstructions / period, std::int64_t{2}, mostPeriods);
    if (certificate_.periods != 0)
      periods = std::min(periods, certificate_.periods);
    std::vector<std::int64_t> result;
    for (std::int64_t i = 0; i <= periods; ++i)
      result.push_back(begin() + i * period);
    return result;
  }
  [[nodiscard]] bool isBoundary(std::int64_t index) const {
    const std::int64_t distance = index - begin();
    return distance >= 0 && index <= last() - mostArrivals &&
           distance % certificate_.instructionsPerPeriod == 0;
  }
  /// Index behind the last instruction that it wants to see: what a fetch brings at the last
  /// boundary must be of the loop.
  [[nodiscard]] std::int64_t last() const { return boundaries().back() + mostArrivals; }

  /// \p instance is from begin() on, or emitted by such a one; \p stream stands at it.
  void observe(const program::Instance &instance, const InstructionTimes &times,
               const program::InstructionStream &stream) {
    if (!failure_.empty() || hasLeftLoop_)
      return;
    inLoop_ = instance.index;
    const bool isFetched = instance.emission.empty();
    if (instance.index >= end()) {
      hasLeftLoop_ = isFetched && !isInLoop(stream);
      return;
    }
    if (isFetched && (instance.index == begin() || instance.index == middle()))
      checkPlace(instance.index == begin(), stream);
    Observed observed{instance.index,
                      {instance.emission.begin(), instance.emission.end()},
                      instance.id,
                      times,
                      addressesOf(instance)};
    if (instance.index < middle()) {
      first_.push_back(std::move(observed));
      return;
    }
    if (second_.size() < first_.size() && isSame(first_[second_.size()], observed)) {
      addShifts(instance, first_[second_.size()], observed);
      second_.push_back(std::move(observed));
      return;
    }
    hasLeftLoop_ = !isInLoop(stream);
    if (!hasLeftLoop_)
      fail(
          fmt::format("instruction {} is not the same as the one a period before", instance.index));
  }

  void observe(const StateSnapshot &snapshot) { snapshots_.push_back(snapshot); }

  [[nodiscard]] Replay result() {
    if (failure_.empty() && (first_.empty() || snapshots_.empty()))
      fail("the stream ends before");
    if (failure_.empty())
      compareTimes();
    if (failure_.empty())
      compareStates();
    if (!failure_.empty())
      return {Replay::Verdict::Fails, failure_};
    if (!doubt_.empty())
      return {Replay::Verdict::Open, "not verified: times equal, " + doubt_};
    const std::string instructions =
        fmt::format("{} instruction{}", certificate_.instructionsPerPeriod,
                    certificate_.instructionsPerPeriod == 1 ? "" : "s");
    const std::string periods =
        isWhole() ? "2 periods of " + instructions
                  : fmt::format("1 period of {} and {} of the next, where the loop ends",
                                instructions, second_.back().index + 1 - middle());
    return {Replay::Verdict::Holds,
            fmt::format("{}, {}{} states equal", periods,
                        snapshots_.front().isComplete ? "" : "times and instructions in flight of ",
                        equalStates_ + 1)};
  }

private:
  void fail(std::string what) { failure_ = std::move(what); }

  /// Whether the second period was there to its end.
  [[nodiscard]] bool isWhole() const { return second_.size() == first_.size(); }

  /// At the first instruction of a period the stream must be in the iteration of the loop that the
  /// certificate says, and not have left the loop since the first period began. Several loops
  /// around it may have one header (`for m in …, n in …`): one of them must be.
  void checkPlace(bool isFirst, const program::InstructionStream &stream) {
    const std::int64_t iteration = certificate_.k0 + (isFirst ? 0 : certificate_.period);
    std::vector<program::InstructionStream::Loop> loops;
    stream.findLoops(loops);
    std::vector<std::int64_t> entries;
    for (const program::InstructionStream::Loop &loop : loops)
      if (program_.repeats[loop.repeat].range == certificate_.loop && loop.iteration == iteration &&
          (isFirst || isEntry(loop.entry)))
        entries.push_back(loop.entry);
    if (entries.empty() && !isFirst && !isInLoop(stream)) {
      hasLeftLoop_ = true;
      return;
    }
    entries_ = std::move(entries);
    if (entries_.empty())
      fail(fmt::format("instruction {} is not of iteration {} of the loop",
                       isFirst ? begin() : middle(), iteration));
  }

  [[nodiscard]] bool isEntry(std::int64_t entry) const {
    return std::ranges::find(entries_, entry) != entries_.end();
  }

  /// Whether the loop has not been left since the first period began.
  [[nodiscard]] bool isInLoop(const program::InstructionStream &stream) const {
    std::vector<program::InstructionStream::Loop> loops;
    stream.findLoops(loops);
    return std::ranges::any_of(loops, [this](const auto &loop) { return isEntry(loop.entry); });
  }

  [[nodiscard]] bool isSame(const Observed &before, const Observed &now) const {
    return before.index == now.index - certificate_.instructionsPerPeriod && before.id == now.id &&
           before.emission == now.emission;
  }

  /// Of the operands that a storage with state serves.
  [[nodiscard]] std::vector<std::int64_t> addressesOf(const program::Instance &instance) const {
    std::vector<std::int64_t> addresses;
    if (!instance.emission.empty())
      return addresses;
    for (const program::MemoryOperand &operand : instance.instruction->memory)
      if (hasState(operand))
        addresses.push_back(program_.evaluate(operand.address, instance.loopValues));
    return addresses;
  }

  [[nodiscard]] bool hasState(const program::MemoryOperand &operand) const {
    return operand.storage != arch::noObject &&
           graph_.objects[operand.storage].objectClass != arch::ObjectClass::SRAM;
  }

  /// By how far the addresses of \p now lie behind those a period before.
  void addShifts(const program::Instance &instance, const Observed &before, const Observed &now) {
    std::size_t next = 0;
    for (const program::MemoryOperand &operand : instance.instruction->memory)
      if (next < now.addresses.size() && hasState(operand)) {
        shifts_.add(operand.storage, now.addresses[next] - before.addresses[next]);
        ++next;
      }
  }

  /// Behind the arrival of the first instruction that has none like it a period before, events may
  /// differ: it may go first where objects merge.
  void compareTimes() {
    const std::int64_t end =
        isWhole() ? (second_.empty() ? 0 : second_.front().times.fetched)
                  : first_[second_.size()].times.fetched + certificate_.cyclesPerPeriod;
    const std::int64_t different = isWhole() ? end + certificate_.cyclesPerPeriod : end;
    for (std::size_t i = 0; i < second_.size() && failure_.empty(); ++i)
      for (const auto &[milestone, name] : milestones)
        compareTime(second_[i].index, first_[i].times.*milestone, second_[i].times.*milestone,
                    different, name);
  }

  void compareTime(std::int64_t index, std::int64_t before, std::int64_t time,
                   std::int64_t different, const char *name) {
    const std::int64_t cycles = certificate_.cyclesPerPeriod;
    const bool isNever = before < 0 && time < 0;
    const bool isBehind = before >= different - cycles && time >= different;
    if (isNever || isBehind || time - before == cycles || !failure_.empty())
      return;
    fail(fmt::format("instruction {} {} {} cycles behind the one a period before, not {}", index,
                     name, time - before, cycles));
  }

  /// The state may hold what can delay nobody: an older instruction in a unit that is free before
  /// anybody can get there. It goes some periods later. So it is enough, with all times equal, that
  /// the states at the begins of two neighbouring periods agree.
  void compareStates() {
    std::size_t usable = 0;
    while (usable < snapshots_.size() && isOfLoop(snapshots_[usable]))
      ++usable;
    if (usable < 2) {
      doubt_ = "but the loop ends before a second period";
      return;
    }
    std::optional<Difference> difference;
    for (std::size_t i = 0; i + 1 < usable && failure_.empty(); ++i) {
      difference = findDifference(snapshots_[i], snapshots_[i + 1]);
      equalStates_ = difference ? 0 : equalStates_ + 1;
      if (!difference && i > 0)
        break;
    }
    if (!difference || !failure_.empty())
      return;
    doubt_ = difference->text;
    if (usable > 2 && !difference->isContents)
      fail(difference->text);
  }

  /// Whether what the fetch brought with it is of the loop and the same as in the first period.
  [[nodiscard]] bool isOfLoop(const StateSnapshot &snapshot) const {
    const auto arrived = static_cast<std::int64_t>(snapshot.arrived.size());
    const std::int64_t end = hasLeftLoop_ ? inLoop_ : inLoop_ + 1;
    return snapshot.index + arrived <= end && snapshot.arrived == snapshots_.front().arrived;
  }

  struct Difference {
    std::string text;
    bool isContents = false; ///< of a cache or DRAM: lines that nobody asks for need not recur
  };

  std::optional<Difference> findDifference(const StateSnapshot &a, const StateSnapshot &b) {
    const std::string where =
        fmt::format("the states at instructions {} and {} differ: ", a.index, b.index);
    if (b.time - a.time != certificate_.cyclesPerPeriod)
      fail(fmt::format("instruction {} arrives {} cycles behind {}, not {}", b.index,
                       b.time - a.time, a.index, certificate_.cyclesPerPeriod));
    if (const auto part = differingPart(a, b))
      return Difference{where + *part};
    const arch::ObjectId storage = differingContents(a, b, shifts_.bytes(), graph_);
    if (storage == arch::noObject)
      return std::nullopt;
    return Difference{where + "the contents of '" + graph_.objects[storage].name + "'", true};
  }

  Certificate certificate_;
  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  std::vector<Observed> first_, second_; ///< of the periods; those of the second that are the same
  std::vector<std::int64_t> entries_;    ///< into the loop, in the stream; of several if unclear
  std::int64_t inLoop_ = 0;  ///< the last instruction that was seen before the loop was left
  bool hasLeftLoop_ = false; ///< it is the first behind the loop
  AddressShifts shifts_;
  std::vector<StateSnapshot> snapshots_;
  std::string failure_, doubt_;
  int equalStates_ = 0; ///< neighbours of one that are equal to it
};

/// All witnesses of one simulation.
class Replayer {
public:
  Replayer(const arch::ArchitectureGraph &graph, const program::Program &program)
      : graph_(graph), program_(program), stream_(program) {}

  void add(const Certificate &certificate) {
    pending_.push_back(witnesses_.size());
    witnesses_.emplace_back(certificate, graph_, program_);
  }

  std::vector<Replay> run() {
    SimulateOptions options;
    std::ranges::sort(pending_, std::greater(),
                      [this](std::size_t i) { return witnesses_[i].begin(); });
    for (const Witness &witness : witnesses_) {
      end_ = std::max(end_, witness.last());
      const std::vector<std::int64_t> boundaries = witness.boundaries();
      options.snapshotsAt.insert(options.snapshotsAt.end(), boundaries.begin(), boundaries.end());
    }
    std::ranges::sort(options.snapshotsAt);
    const auto same = std::ranges::unique(options.snapshotsAt);
    options.snapshotsAt.erase(same.begin(), same.end());
    options.snapshotObserver = [this](const StateSnapshot &snapshot) { show(snapshot); };
    options.observer = [this](const program::Instance &instance, const InstructionTimes &times) {
      show(instance, times);
    };
    options.isEnough = [this] { return shown_ >= end_; };
    if (!witnesses_.empty())
      simulate(graph_, program_, options);
    std::vector<Replay> results;
    for (Witness &witness : witnesses_)
      results.push_back(witness.result());
    return results;
  }

private:
  void show(const StateSnapshot &snapshot) {
    for (Witness &witness : witnesses_)
      if (witness.isBoundary(snapshot.index))
        witness.observe(snapshot);
  }

  void show(const program::Instance &instance, const InstructionTimes &times) {
    if (instance.emission.empty()) {
      shown_ = instance.index + 1;
      program::Instance same;
      stream_.next(same);
    }
    for (; !pending_.empty() && witnesses_[pending_.back()].begin() <= instance.index;
         pending_.pop_back())
      active_.push_back(pending_.back());
    std::erase_if(active_, [&](std::size_t i) { return witnesses_[i].last() <= instance.index; });
    for (const std::size_t i : active_)
      witnesses_[i].observe(instance, times, stream_);
  }

  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  program::InstructionStream stream_; ///< follows what is shown, to know the loops
  std::vector<Witness> witnesses_;
  std::vector<std::size_t> pending_; ///< witnesses that have seen nothing yet, the last one first
  std::vector<std::size_t> active_;  ///< within whose periods the stream is
  std::int64_t end_ = 0;             ///< index behind all that anybody wants to see
  std::int64_t shown_ = 0;           ///< instructions
};

/// Why \p certificate is not replayed; empty if it is.
std::string whyNotReplayed(const Certificate &certificate, const ReplayLimits &limits) {
  if (certificate.instructionsPerPeriod <= 0)
    return "not replayed: it is not known where in the stream it was found";
  if (certificate.isDrift)
    return "not replayed: in a drift every time moves at a rate of its own";
  if (certificate.instructionsPerPeriod > limits.instructionsPerPeriod)
    return fmt::format("not replayed: a period has {} instructions, more than {}",
                       certificate.instructionsPerPeriod, limits.instructionsPerPeriod);
  const auto length = checkedMul(certificate.instructionsPerPeriod, 2);
  const auto end = length ? checkedAdd(certificate.firstInstruction, *length) : std::nullopt;
  if (!end || *end > limits.instructions)
    return fmt::format("not replayed: it begins at instruction {} of the stream; {} are simulated",
                       certificate.firstInstruction, limits.instructions);
  return {};
}

/// What makes certificates equal; where in the stream is left out.
using Claim = std::tuple<std::uint32_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;

Claim claimOf(const Certificate &certificate) {
  return {certificate.loop.begin.raw(), certificate.k0, certificate.period,
          certificate.cyclesPerPeriod, certificate.instructionsPerPeriod};
}

} // namespace

std::vector<Replay> replay(const arch::ArchitectureGraph &graph, const program::Program &program,
                           const std::vector<Certificate> &certificates,
                           const ReplayLimits &limits) {
  // Of equal ones the first in the stream.
  std::map<Claim, Certificate> claims;
  for (const Certificate &certificate : certificates) {
    const auto [place, isNew] = claims.try_emplace(claimOf(certificate), certificate);
    if (!isNew && certificate.firstInstruction < place->second.firstInstruction)
      place->second = certificate;
  }
  std::map<Claim, Replay> results;
  std::vector<Claim> order;
  Replayer replayer(graph, program);
  for (const auto &[claim, certificate] : claims) {
    if (std::string reason = whyNotReplayed(certificate, limits); !reason.empty()) {
      results[claim] = {Replay::Verdict::Open, std::move(reason)};
      continue;
    }
    replayer.add(certificate);
    order.push_back(claim);
  }
  std::vector<Replay> replayed = replayer.run();
  for (std::size_t i = 0; i < order.size(); ++i)
    results[order[i]] = std::move(replayed[i]);
  std::vector<Replay> answers;
  for (const Certificate &certificate : certificates)
    answers.push_back(results.at(claimOf(certificate)));
  return answers;
}

} // namespace acadlc::simulate
