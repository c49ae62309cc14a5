#include "backend/aidg/bounds/DependenceLoops.h"

#include "support/CheckedArithmetic.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace acadlc::aidg {

namespace {

constexpr std::int64_t endless = std::numeric_limits<std::int64_t>::max();

using program::RegionId;
using program::Step;

/// Bytes [low, high) from an address that loops determine.
struct Bytes {
  std::int64_t low = 0, high = 0;
};

/// How the accesses of a class in a region depend on a loop around it: bytes for each unit of its
/// value; nothing if they are not affine in it.
using Coefficients = std::vector<std::optional<std::int64_t>>;

/// What a region holds.
struct RegionUse {
  std::set<std::uint32_t> registers;
  /// By class and coefficients of the loops around the region: the bytes if their values are 0;
  /// nothing if they are not known.
  std::map<std::pair<std::uint32_t, Coefficients>, std::optional<Bytes>> accesses;
  /// By class: in how many places accesses to it are written down, those of loops counted for each
  /// place of the loop.
  std::map<std::uint32_t, std::int64_t> places;
};

std::int64_t saturate(std::optional<std::int64_t> number) { return number.value_or(endless); }

std::optional<Bytes> moved(std::optional<Bytes> bytes, std::optional<std::int64_t> least,
                           std::optional<std::int64_t> most) {
  if (!bytes || !least || !most)
    return std::nullopt;
  const auto low = checkedAdd(bytes->low, *least), high = checkedAdd(bytes->high, *most);
  return low && high ? std::optional(Bytes{*low, *high}) : std::nullopt;
}

std::optional<Bytes> hullOf(const std::optional<Bytes> &a, const std::optional<Bytes> &b) {
  if (!a || !b)
    return std::nullopt;
  return Bytes{std::min(a->low, b->low), std::max(a->high, b->high)};
}

class LoopFinder {
public:
  explicit LoopFinder(const Plan &plan)
      : plan_(plan), program_(*plan.program), uses_(program_.regions.size()) {}

  std::vector<DependenceLoop> find() {
    const RegionUse &all = useOf(program_.root, 0);
    findOwners();
    std::vector<DependenceLoop> loops;
    for (std::uint32_t index = 0; index != program_.repeats.size(); ++index)
      loops.push_back(findLoop(index, all));
    return loops;
  }

private:
  //===--- What regions hold ------------------------------------------------------------------===//

  const RegionUse &useOf(RegionId region, std::uint32_t depth) {
    if (uses_[region])
      return *uses_[region];
    RegionUse use;
    for (const Step &step : program_.regions[region].steps)
      if (step.kind == Step::Kind::Emit)
        addInstruction(use, step.index, depth);
      else
        addRepeat(use, program_.repeats[step.index]);
    return uses_[region].emplace(std::move(use));
  }

  void addInstruction(RegionUse &use, std::uint32_t id, std::uint32_t depth) {
    const PlanInstruction &instruction = plan_.instructions[id];
    const auto registers = plan_.registers.begin();
    use.registers.insert(registers + instruction.firstRead,
                         registers + instruction.firstRead + instruction.readCount);
    use.registers.insert(registers + instruction.firstWrite,
                         registers + instruction.firstWrite + instruction.writeCount);
    for (std::uint32_t i = 0; i != instruction.accessCount; ++i) {
      const PlanAccess &access = plan_.accesses[instruction.firstAccess + i];
      if (access.tracked)
        addAccess(use, access, depth);
    }
  }

  void addAccess(RegionUse &use, const PlanAccess &access, std::uint32_t depth) {
    const program::Address &address = access.operand->address;
    Coefficients coefficients(depth, 0);
    for (const program::Address::Term &term : address.terms)
      if (auto &known = coefficients[term.depth]; known)
        known = checkedAdd(*known, term.coefficient);
    for (std::uint32_t d = 0; address.hasRest && d != depth; ++d)
      if (dependsOn(program_, address.rest, d))
        coefficients[d] = std::nullopt;
    std::optional<Bytes> bytes;
    if (const auto high = checkedAdd(address.constant, access.bytes); high && !address.hasRest)
      bytes = Bytes{address.constant, *high};
    add(use, access.conflictClass, std::move(coefficients), bytes);
    std::int64_t &places = use.places[access.conflictClass];
    places = saturate(checkedAdd(places, 1));
  }

  static void add(RegionUse &use, std::uint32_t conflictClass, Coefficients coefficients,
                  const std::optional<Bytes> &bytes) {
    const auto [entry, isNew] =
        use.accesses.try_emplace({conflictClass, std::move(coefficients)}, bytes);
    if (!isNew)
      entry->second = hullOf(entry->second, bytes);
  }

  void addRepeat(RegionUse &use, const program::Repeat &repeat) {
    if (repeat.count == 0)
      return;
    const RegionUse &body = useOf(repeat.body, repeat.depth + 1);
    use.registers.insert(body.registers.begin(), body.registers.end());
    const auto span = checkedMul(repeat.count - 1, repeat.step);
    const auto last = span ? checkedAdd(repeat.first, *span) : std::nullopt;
    for (const auto &[key, bytes] : body.accesses) {
      Coefficients around = key.second;
      const std::optional<std::int64_t> own = around.back();
      around.pop_back();
      const auto first = own ? checkedMul(*own, repeat.first) : std::nullopt;
      const auto end = own && last ? checkedMul(*own, *last) : std::nullopt;
      add(use, key.first, std::move(around),
          first && end ? moved(bytes, std::min(*first, *end), std::max(*first, *end))
                       : std::nullopt);
    }
    for (const auto &[conflictClass, count] : body.places) {
      std::int64_t &places = use.places[conflictClass];
      places = saturate(checkedAdd(places, count));
    }
  }

  //===--- Loops ------------------------------------------------------------------------------===//

  /// Finds a loop around each loop. Where there are several, nobody asks.
  void findOwners() {
    std::vector<std::optional<std::uint32_t>> ownerOfRegion(program_.regions.size());
    for (std::uint32_t index = 0; index != program_.repeats.size(); ++index)
      if (uses_[program_.repeats[index].body])
        ownerOfRegion[program_.repeats[index].body] = index;
    owners_.resize(program_.repeats.size());
    for (RegionId region = 0; region != program_.regions.size(); ++region)
      for (const Step &step : program_.regions[region].steps)
        if (step.kind == Step::Kind::Repeat && uses_[region])
          owners_[step.index] = ownerOfRegion[region];
  }

  [[nodiscard]] DependenceLoop findLoop(std::uint32_t index, const RegionUse &all) const {
    const program::Repeat &repeat = program_.repeats[index];
    DependenceLoop loop;
    if (!uses_[repeat.body]) // nobody comes to it
      return loop;
    const auto totals = program_.totals(repeat.body);
    loop.instructions =
        saturate(totals ? checkedMul(totals->instructions, repeat.count) : std::nullopt);
    loop.isEmpty = loop.instructions == 0;
    if (loop.isEmpty)
      return loop;
    const RegionUse &body = *uses_[repeat.body];
    loop.registers.assign(body.registers.begin(), body.registers.end());
    for (auto entry = body.accesses.begin(); entry != body.accesses.end();) {
      const std::uint32_t conflictClass = entry->first.first;
      const auto end = std::find_if(entry, body.accesses.end(), [&](const auto &other) {
        return other.first.first != conflictClass;
      });
      addClass(loop, index, {entry, end});
      if (!loop.moving.empty() && loop.moving.back().conflictClass == conflictClass)
        loop.moving.back().isNeverMetAgain =
            all.places.at(conflictClass) == body.places.at(conflictClass) &&
            isApartInLoopsAround(index, loop.moving.back());
      entry = end;
    }
    return loop;
  }

  using Accesses = std::ranges::subrange<decltype(RegionUse::accesses)::const_iterator>;

  /// \p accesses: those of one class.
  void addClass(DependenceLoop &loop, std::uint32_t index, const Accesses &accesses) const {
    const program::Repeat &repeat = program_.repeats[index];
    const std::uint32_t conflictClass = accesses.begin()->first.first;
    const std::optional<std::int64_t> coefficient = accesses.begin()->first.second.back();
    const auto stride = coefficient ? checkedMul(*coefficient, repeat.step) : std::nullopt;
    const bool isAlike = std::ranges::all_of(
        accesses, [&](const auto &entry) { return entry.first.second.back() == coefficient; });
    if (stride && isAlike && *stride == 0) {
      loop.standing.push_back(conflictClass);
      return;
    }
    std::optional<MovingClass> moving = MovingClass{conflictClass, stride.value_or(0), {}, false};
    for (const auto &[key, bytes] : accesses) {
      const bool isAffine = std::ranges::all_of(key.second, [](auto c) { return c.has_value(); });
      if (!stride || !isAlike || !isAffine || !bytes) {
        loop.irregular.push_back(conflictClass);
        return;
      }
      AccessHull &hull = moving->hulls.emplace_back(AccessHull{{}, bytes->low, bytes->high});
      for (const std::optional<std::int64_t> &each : key.second)
        hull.coefficients.push_back(*each);
    }
    loop.moving.push_back(std::move(*moving));
  }

  /// Whether what the loop touches in one execution lies apart from what it touches in others.
  [[nodiscard]] bool isApartInLoopsAround(std::uint32_t index, const MovingClass &moving) const {
    const program::Repeat &loop = program_.repeats[index];
    const std::vector<std::int64_t> &coefficients = moving.hulls.front().coefficients;
    Bytes hull{moving.hulls.front().low, moving.hulls.front().high};
    for (const AccessHull &other : moving.hulls) {
      if (other.coefficients != coefficients)
        return false;
      hull = {std::min(hull.low, other.low), std::max(hull.high, other.high)};
    }
    std::vector<std::pair<std::int64_t, std::int64_t>> strides; // with trips
    for (auto owner = owners_[index]; owner; owner = owners_[*owner]) {
      const program::Repeat &around = program_.repeats[*owner];
      const auto stride = checkedMul(coefficients[around.depth], around.step);
      if (!stride)
        return false;
      if (around.count > 1)
        strides.emplace_back(std::abs(*stride), around.count);
    }
    std::ranges::sort(strides);
    strides.insert(strides.begin(), {std::abs(moving.stride), loop.count});
    std::optional<std::int64_t> touched = checkedSub(hull.high, hull.low);
    for (std::size_t i = 0; i != strides.size(); ++i) {
      const auto [stride, count] = strides[i];
      if (!touched || (i != 0 && stride < *touched))
        return false;
      const auto whole = checkedMul(stride, count - 1);
      touched = whole ? checkedAdd(*touched, *whole) : std::nullopt;
    }
    return true;
  }

  const Plan &plan_;
  const program::Program &program_;
  std::vector<std::optional<RegionUse>> uses_;       ///< by region, of those that are reached
  std::vector<std::optional<std::uint32_t>> owners_; ///< by repeat: one around it
};

} // namespace

MovingClass::Window MovingClass::window(std::span<const std::int64_t> loopValues) const {
  Window window{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
  for (const AccessHull &hull : hulls) {
    std::int64_t offset = 0;
    for (std::size_t depth = 0; depth != hull.coefficients.size(); ++depth)
      offset += hull.coefficients[depth] * loopValues[depth];
    window.low = std::min(window.low, hull.low + offset);
    window.high = std::max(window.high, hull.high + offset);
  }
  return window;
}

std::vector<DependenceLoop> findDependenceLoops(const Plan &plan) {
  return LoopFinder(plan).find();
}

} // namespace acadlc::aidg
