#include "backend/aidg/path/StreamPath.h"

#include "backend/aidg/path/Boundary.h"
#include "backend/aidg/plan/FlatProgram.h"
#include "backend/aidg/plan/Plan.h"
#include "backend/aidg/recurrence/ProgramOrderState.h"
#include "backend/aidg/recurrence/Transitions.h"
#include "backend/timing/Machine.h"
#include "support/InternalError.h"

#include <llvm/ADT/DenseMap.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace acadlc::aidg {

namespace {

/// Thrown and caught in this file: there is no path, or the limits do not suffice.
struct NoPath {};

/// Numbers of a state that may be compared for each instruction evaluated.
constexpr std::int64_t numbersPerInstruction = 64;
/// Parts that all passages may have together.
constexpr std::size_t mostParts = std::size_t{1} << 20;

// ---- Parts of a stream --------------------------------------------------------------------------

/// What is evaluated at once: a loop, or instructions between two loops.
struct Section {
  bool isLoop = false;
  std::uint32_t repeat = 0;                   ///< of a loop
  std::uint32_t firstStep = 0, stepCount = 0; ///< of instructions, in their region
  BodyId content = 0; ///< equal ones have the same effect, and the same path
};

/// A stream made ready, cut into sections.
class Stream {
public:
  /// \p namesInstructions: only what is named alike is the same.
  Stream(const arch::ArchitectureGraph &graph, const program::Program &ofStream,
         bool namesInstructions)
      : program(ofStream), plan(makePlan(graph, ofStream)), namesInstructions_(namesInstructions) {
    if (!plan.hasEndlessLatency && !plan.needsTimeOrder())
      flat.emplace(plan);
    if (flat && flat->usesAddresses)
      flat.reset();
  }

  /// Cuts the stream; bodies get their numbers from \p table.
  void cut(TransitionTable &table) {
    sections_.resize(program.regions.size());
    contents_.resize(program.regions.size());
    cutRegion(program.root, table);
  }
  /// Those of a region that is met in the stream; loops without instructions are left out.
  [[nodiscard]] const std::vector<Section> &sections(program::RegionId region) const {
    return sections_[region];
  }
  [[nodiscard]] BodyId content(program::RegionId region) const { return *contents_[region]; }

  const program::Program &program;
  Plan plan;
  std::optional<FlatProgram> flat; ///< none: more than times would be needed

private:
  BodyId cutRegion(program::RegionId region, TransitionTable &table) {
    if (contents_[region])
      return *contents_[region];
    std::vector<Section> &sections = sections_[region];
    const std::vector<program::Step> &steps = program.regions[region].steps;
    for (std::uint32_t i = 0; i != steps.size(); ++i) {
      if (steps[i].kind == program::Step::Kind::Repeat) {
        if (!plan.repeats[steps[i].index].isEmpty)
          sections.push_back({true, steps[i].index, 0, 0, 0});
        continue;
      }
      const bool goesOn = !sections.empty() && !sections.back().isLoop &&
                          sections.back().firstStep + sections.back().stepCount == i;
      if (!goesOn)
        sections.push_back({false, 0, i, 0, 0});
      ++sections.back().stepCount;
    }
    std::vector<std::int64_t> content{0};
    for (Section &section : sections) {
      section.content = section.isLoop ? contentOfLoop(section, table)
                                       : contentOfInstructions(steps, section, table);
      content.push_back(section.content);
    }
    return *(contents_[region] = table.internBody(std::move(content)));
  }

  BodyId contentOfLoop(const Section &section, TransitionTable &table) {
    const program::Repeat &repeat = program.repeats[section.repeat];
    return table.internBody({1, cutRegion(repeat.body, table), repeat.count});
  }

  [[nodiscard]] BodyId contentOfInstructions(const std::vector<program::Step> &steps,
                                             const Section &section, TransitionTable &table) const {
    std::vector<std::int64_t> content{2};
    for (std::uint32_t i = 0; i != section.stepCount; ++i)
      append(steps[section.firstStep + i].index, content);
    return table.internBody(std::move(content));
  }

  /// All that the times of an instruction depend on, and what the path says of it.
  void append(program::InstructionId id, std::vector<std::int64_t> &content) const {
    const FlatInstruction &instruction = flat->instructions[id];
    const program::Instruction &full = program.instructions[id];
    content.insert(content.end(),
                   {instruction.objectCount, instruction.readCount, instruction.writeCount,
                    instruction.latency, instruction.occupation, instruction.isBranch ? 1 : 0,
                    full.latency, full.requestCount() == 0 ? -1 : full.memory.front().storage,
                    instruction.accessCount});
    if (namesInstructions_) {
      content.insert(content.end(),
                     {full.range.begin.raw(), static_cast<std::int64_t>(full.operation.size())});
      content.insert(content.end(), full.operation.begin(), full.operation.end());
    }
    for (std::uint32_t i = 0; i != instruction.placeCount(); ++i)
      content.push_back(flat->places[instruction.firstPlace + i]);
    for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
      const FlatAccess &access = flat->accesses[instruction.firstAccess + i];
      content.insert(content.end(),
                     {access.requests, access.slots, access.slotEnd, access.groupGrant,
                      access.service, access.merges ? 1 : 0, access.inProgramOrder ? 1 : 0,
                      access.takesSlot ? 1 : 0, access.hasGroup ? 1 : 0});
    }
  }

  bool namesInstructions_;
  std::vector<std::vector<Section>> sections_;  ///< by region
  std::vector<std::optional<BodyId>> contents_; ///< by region
};

// ---- Passages -----------------------------------------------------------------------------------

using PassageId = std::uint32_t;

/// A part of a stream, met in a certain state.
struct Passage {
  StateId from = noState, to = noState;
  std::int64_t cycles = 0; ///< by which the arrival moves
  /// Of instructions: what has their nodes, and by place the node that its time is of.
  const BindingPath *path = nullptr;
  std::vector<NodeId> nodes;
  /// Of what has sections or trips: these, in order. Those from `firstRecurring` up to
  /// `recurringEnd` are passed `times` times before the next.
  std::vector<PassageId> parts;
  std::size_t firstRecurring = 0, recurringEnd = 0;
  std::int64_t times = 1;
};

/// All that is known of streams of one layout.
class Passages {
public:
  Passages(const TimeLayout &layout, Blame blame) : blame_(blame), table_(layout.size + 1) {}

  /// What makes passages the same: what is passed, how often, and the state that it is met in.
  using Key = std::tuple<BodyId, std::int64_t, StateId>;

  [[nodiscard]] std::optional<PassageId> find(const Key &key) const {
    const auto known = known_.find(key);
    return known == known_.end() ? std::nullopt : std::optional(known->second);
  }
  PassageId add(const Key &key, Passage passage) {
    parts_ += passage.parts.size();
    if (parts_ > mostParts)
      throw NoPath{};
    passages_.push_back(std::move(passage));
    return known_[key] = static_cast<PassageId>(passages_.size() - 1);
  }
  [[nodiscard]] const Passage &operator[](PassageId id) const { return passages_[id]; }

  /// For the numbers of states and bodies alone.
  [[nodiscard]] TransitionTable &table() { return table_; }
  /// The time at \p place in a state, relative to the arrival.
  [[nodiscard]] std::int64_t timeAt(StateId state, std::uint32_t place) const {
    return table_.state(state)[place + 1];
  }
  BindingPath &addPath(const arch::ArchitectureGraph &graph, const program::Program &program) {
    return paths_.emplace_back(graph, program, blame_);
  }

private:
  Blame blame_;
  TransitionTable table_;
  std::deque<BindingPath> paths_; ///< of the streams: the nodes of their instructions
  std::deque<Passage> passages_;
  std::map<Key, PassageId> known_;
  std::size_t parts_ = 0;
};

/// Goes through a stream forwards, each part once in each state that it is met in.
class WayForth {
public:
  WayForth(const arch::ArchitectureGraph &graph, const Stream &stream, Passages &passages,
           std::int64_t mostInstructions)
      : stream_(stream), flat_(*stream.flat), passages_(passages), table_(passages.table()),
        boundary_(stream.plan, flat_), path_(passages.addPath(graph, stream.program)),
        state_(stream.plan, flat_), left_(mostInstructions) {}

  /// The whole stream.
  PassageId passAll() { return passRegion(stream_.program.root, present(), 1); }

private:
  StateId present() {
    state_.normalise();
    key_.clear();
    state_.appendTimes(key_);
    const StateId id = table_.intern(key_);
    if (id == noState)
      throw NoPath{};
    return id;
  }

  void append(Passage &passage, PassageId part) {
    passage.parts.push_back(part);
    passage.to = passages_[part].to;
    passage.cycles += passages_[part].cycles;
  }

  /// \p trips times all that stands in \p region.
  PassageId passRegion(program::RegionId region, StateId from, std::int64_t trips) {
    const std::vector<Section> &sections = stream_.sections(region);
    if (sections.size() == 1 && !sections.front().isLoop)
      return passInstructions(region, sections.front(), from, trips);
    const Passages::Key key{stream_.content(region), trips, from};
    if (const auto known = passages_.find(key))
      return *known;
    Passage passage;
    passage.from = passage.to = from;
    for (std::int64_t trip = 0; trip != trips; ++trip)
      for (const Section &section : sections)
        append(passage, section.isLoop ? passLoop(section, passage.to)
                                       : passInstructions(region, section, passage.to, 1));
    return passages_.add(key, std::move(passage));
  }

  /// A loop, up to where its state recurs and behind that what is left.
  PassageId passLoop(const Section &section, StateId from) {
    const program::Repeat &repeat = stream_.program.repeats[section.repeat];
    const Passages::Key key{section.content, 1, from};
    if (const auto known = passages_.find(key))
      return *known;
    const std::int64_t atOnce = tripsAtOnce(repeat.body);
    Passage passage;
    passage.from = passage.to = from;
    llvm::DenseMap<StateId, std::pair<std::size_t, std::int64_t>> visited; // part, cycles
    std::int64_t trip = 0;
    while (repeat.count - trip >= atOnce) {
      const auto [before, isNew] =
          visited.try_emplace(passage.to, passage.parts.size(), passage.cycles);
      if (!isNew && passage.times == 1) {
        const auto [first, cycles] = before->second;
        const auto period = static_cast<std::int64_t>(passage.parts.size() - first) * atOnce;
        ACADLC_CHECK(period > 0, "a state recurs after a trip at least");
        const std::int64_t periods = (repeat.count - trip) / period;
        passage.firstRecurring = first;
        passage.recurringEnd = passage.parts.size();
        passage.times += periods;
        passage.cycles += periods * (passage.cycles - cycles);
        trip += periods * period;
        if (periods != 0)
          continue;
      }
      append(passage, passRegion(repeat.body, passage.to, atOnce));
      if (passage.parts.size() > mostParts)
        throw NoPath{};
      trip += atOnce;
    }
    if (trip != repeat.count)
      append(passage, passRegion(repeat.body, passage.to, repeat.count - trip));
    return passages_.add(key, std::move(passage));
  }

  PassageId passInstructions(program::RegionId region, const Section &section, StateId from,
                             std::int64_t trips) {
    const Passages::Key key{section.content, trips, from};
    if (const auto known = passages_.find(key))
      return *known;
    left_ -= trips * section.stepCount;
    if (left_ < 0)
      throw NoPath{};
    state_.loadTimes(table_.state(from), 0);
    boundary_.enter(path_, state_.times.values, state_.times.remaining);
    const auto steps = std::span(stream_.program.regions[region].steps)
                           .subspan(section.firstStep, section.stepCount);
    program::Instance instance;
    for (std::int64_t trip = 0; trip != trips; ++trip)
      for (const program::Step &step : steps) {
        evaluate(step.index, instance);
        ++instance.index;
      }
    Passage passage;
    passage.from = from;
    passage.to = present();
    passage.cycles = state_.arrival();
    passage.path = &path_;
    passage.nodes = boundary_.leave(path_);
    return passages_.add(key, std::move(passage));
  }

  void evaluate(std::uint32_t id, program::Instance &instance) {
    const auto inUnit = state_.times.evaluate(flat_.instructions[id]);
    timing::InstructionTimes times;
    times.fetched = state_.arrival();
    times.issued = state_.times.issued();
    times.entered = inUnit.entered;
    times.started = inUnit.started;
    times.finished = inUnit.finished;
    instance.instruction = &stream_.program.instructions[id];
    instance.id = id;
    path_.add(instance, times);
  }

  /// Trips of a loop that are passed together, so that comparing states does not cost more than
  /// evaluating: more than one only around instructions alone.
  [[nodiscard]] std::int64_t tripsAtOnce(program::RegionId body) const {
    const std::vector<Section> &sections = stream_.sections(body);
    if (sections.size() != 1 || sections.front().isLoop)
      return 1;
    const std::int64_t comparable = sections.front().stepCount * numbersPerInstruction;
    return (static_cast<std::int64_t>(flat_.layout.size) + comparable - 1) / comparable;
  }

  const Stream &stream_;
  const FlatProgram &flat_;
  Passages &passages_;
  TransitionTable &table_;
  Boundary boundary_;
  BindingPath &path_;
  ProgramOrderState state_;
  std::vector<std::int64_t> key_;
  std::int64_t left_; ///< instructions that may still be evaluated
};

// ---- The way back -------------------------------------------------------------------------------

using PieceId = std::uint32_t;

/// A piece of the path, the last step first.
struct Piece {
  struct Part {
    PieceId piece = 0;
    std::int64_t times = 1;
  };
  std::vector<StreamStep> steps;
  std::vector<Part> parts; ///< instead of steps
};

/// Where a piece ends, that is where the path goes on before it, and the piece.
struct Way {
  std::uint32_t place = 0;
  PieceId piece = 0;
};

/// Follows the path through passages backwards, once from each place of each.
class WayBack {
public:
  WayBack(const TimeLayout &layout, const Passages &passages)
      : places_(layout.size, DependenceKind::Structural), passages_(passages) {
    places_[TimeLayout::end] = DependenceKind::Forward;
    places_[TimeLayout::fetchFree] = DependenceKind::BufferFill;
    for (const std::uint32_t place : layout.registers)
      places_[place] = places_[place + 1] = DependenceKind::Data;
    for (std::uint32_t place = layout.issues; place != layout.size; ++place)
      places_[place] = DependenceKind::BufferFill;
  }

  Way through(PassageId id, std::uint32_t place) {
    const std::pair<PassageId, std::uint32_t> key{id, place};
    if (const auto known = known_.find(key); known != known_.end())
      return known->second;
    const Passage &passage = passages_[id];
    const Way way =
        passage.parts.empty() ? throughNodes(passage, place) : throughParts(passage, place);
    known_[key] = way;
    return way;
  }

  /// The steps of \p piece, the last first.
  [[nodiscard]] std::vector<StreamStep> flatten(PieceId piece,
                                                const StreamPathLimits &limits) const {
    std::vector<StreamStep> steps;
    std::size_t left = limits.pieces;
    flatten(piece, 1, limits.steps, left, steps);
    return steps;
  }

private:
  PieceId add(Piece piece) {
    pieces_.push_back(std::move(piece));
    return static_cast<PieceId>(pieces_.size() - 1);
  }

  Way throughParts(const Passage &passage, std::uint32_t place) {
    Piece piece;
    std::size_t part = passage.parts.size();
    while (part != 0) {
      if (passage.times != 1 && part == passage.recurringEnd) {
        place = throughPeriods(passage, place, piece);
        part = passage.firstRecurring;
        continue;
      }
      const Way way = through(passage.parts[--part], place);
      piece.parts.push_back({way.piece, 1});
      place = way.place;
    }
    return {place, add(std::move(piece))};
  }

  /// Through all periods: when the path comes to a place where it was in another one, it takes the
  /// same way from there on. Appends to \p piece.
  std::uint32_t throughPeriods(const Passage &passage, std::uint32_t place, Piece &piece) {
    llvm::DenseMap<std::uint32_t, std::size_t> seen; ///< by place: the number of the period
    std::vector<Way> ways;                           ///< through one period each
    std::int64_t left = passage.times;
    for (; left != 0; --left) {
      const auto [before, isNew] = seen.try_emplace(place, ways.size());
      if (!isNew) {
        const std::size_t first = before->second;
        const auto length = static_cast<std::int64_t>(ways.size() - first);
        Piece recurring;
        for (std::size_t i = first; i != ways.size(); ++i)
          recurring.parts.push_back({ways[i].piece, 1});
        // Those that have been passed already are among those that recur.
        piece.parts.resize(piece.parts.size() - static_cast<std::size_t>(length));
        piece.parts.push_back({add(std::move(recurring)), 1 + left / length});
        for (std::int64_t rest = left % length; rest != 0; --rest) {
          const Way &way = ways[first + static_cast<std::size_t>(left % length - rest)];
          piece.parts.push_back({way.piece, 1});
          place = way.place;
        }
        return place;
      }
      const Way way = throughPeriod(passage, place);
      ways.push_back(way);
      piece.parts.push_back({way.piece, 1});
      place = way.place;
    }
    return place;
  }

  Way throughPeriod(const Passage &passage, std::uint32_t place) {
    Piece piece;
    for (std::size_t part = passage.recurringEnd; part != passage.firstRecurring;) {
      const Way way = through(passage.parts[--part], place);
      piece.parts.push_back({way.piece, 1});
      place = way.place;
    }
    return {place, add(std::move(piece))};
  }

  /// Through instructions, node by node.
  Way throughNodes(const Passage &passage, std::uint32_t place) {
    const std::vector<BindingPath::Link> &links = passage.path->links();
    Piece piece;
    std::int64_t end = passage.cycles + passages_.timeAt(passage.to, place);
    NodeId at = passage.nodes[place];
    DependenceKind reachedOver = places_[place];
    while (at != noNode && !Boundary::isPlace(at)) {
      const BindingPath::Link &link = links[at];
      // As in BindingPath::find(): an instruction may leave the buffer before its last stage.
      const std::int64_t begin = std::min(end, link.start);
      piece.steps.push_back(
          {link.kind, link.object, link.instruction, link.over, reachedOver, end - begin, 1});
      end = begin;
      reachedOver = link.over;
      at = link.from;
    }
    if (at == noNode)
      throw NoPath{};
    place = Boundary::placeOf(at);
    if (end != passages_.timeAt(passage.from, place))
      throw NoPath{};
    return {place, add(std::move(piece))};
  }

  /// \p left: pieces that may still be gone through.
  void flatten(PieceId id, std::int64_t times, std::size_t mostSteps, std::size_t &left,
               std::vector<StreamStep> &steps) const {
    if (left == 0)
      throw NoPath{};
    --left;
    const Piece &piece = pieces_[id];
    if (piece.steps.size() > mostSteps - steps.size())
      throw NoPath{};
    const auto added = steps.insert(steps.end(), piece.steps.begin(), piece.steps.end());
    for (StreamStep &step : std::span(added, steps.end()))
      step.times = times;
    for (const Piece::Part &part : piece.parts)
      flatten(part.piece, times * part.times, mostSteps, left, steps);
  }

  std::vector<DependenceKind> places_; ///< by place: how those that wait for its time depend on it
  const Passages &passages_;
  std::deque<Piece> pieces_;
  std::map<std::pair<PassageId, std::uint32_t>, Way> known_;
};

// ---- The path -----------------------------------------------------------------------------------

/// What the steps add up to.
std::int64_t sumOf(const std::vector<StreamStep> &steps) {
  std::int64_t sum = 0;
  for (const StreamStep &step : steps)
    sum += step.cycles * step.times;
  return sum;
}

/// Streams of one layout, which learn from one another.
struct Group {
  Group(const TimeLayout &layout, Blame blame)
      : passages(layout, blame), wayBack(layout, passages) {}
  Passages passages;
  WayBack wayBack;
};

} // namespace

struct StreamPaths::State {
  const arch::ArchitectureGraph &graph;
  Blame blame;
  std::deque<std::optional<Stream>> streams;
  std::vector<std::vector<std::size_t>> groups;
  std::vector<std::size_t> groupOf;           ///< by stream
  std::deque<std::optional<Group>> knowledge; ///< by group
};

StreamPaths::StreamPaths(const arch::ArchitectureGraph &graph,
                         std::span<const program::Program *const> streams, Blame blame)
    : state_(new State{graph, blame, {}, {}, {}, {}}) {
  std::map<std::vector<std::int64_t>, std::size_t> bySignature;
  for (const program::Program *program : streams) {
    std::optional<Stream> &stream = state_->streams.emplace_back();
    if (!timing::usesOccupations(graph, *program))
      stream.emplace(graph, *program, blame == Blame::Cause);
    std::size_t group = state_->groups.size();
    if (stream && stream->flat)
      group = bySignature.try_emplace(stream->flat->layout.signature, group).first->second;
    if (group == state_->groups.size())
      state_->groups.emplace_back();
    state_->groups[group].push_back(state_->streams.size() - 1);
    state_->groupOf.push_back(group);
  }
  state_->knowledge.resize(state_->groups.size());
}

StreamPaths::~StreamPaths() = default;

const std::vector<std::vector<std::size_t>> &StreamPaths::groups() const { return state_->groups; }

bool StreamPaths::isServedAtOnce(std::size_t index) const {
  const std::optional<Stream> &stream = state_->streams[index];
  return stream && stream->flat && stream->flat->accesses.empty();
}

std::optional<std::vector<StreamStep>> StreamPaths::find(std::size_t index, std::int64_t cycles,
                                                         const StreamPathLimits &limits) {
  std::optional<Stream> &stream = state_->streams[index];
  if (!stream || !stream->flat)
    return std::nullopt;
  std::optional<Group> &group = state_->knowledge[state_->groupOf[index]];
  if (!group)
    group.emplace(stream->flat->layout, state_->blame);
  try {
    stream->cut(group->passages.table());
    const PassageId all =
        WayForth(state_->graph, *stream, group->passages, limits.instructions).passAll();
    const Way way = group->wayBack.through(all, TimeLayout::end);
    // The stream begins with its first fetch.
    if (way.place != TimeLayout::arrival)
      return std::nullopt;
    std::vector<StreamStep> steps = group->wayBack.flatten(way.piece, limits);
    return sumOf(steps) == cycles ? std::optional(std::move(steps)) : std::nullopt;
  } catch (const NoPath &) {
    return std::nullopt;
  } catch (const OrderDependsOnTime &) {
    return std::nullopt;
  } catch (const TimeOverflow &) {
    return std::nullopt;
  }
}

} // namespace acadlc::aidg
