#include "frontend/acadl/syntax/Builtins.h"

#include "support/InternalError.h"

#include <llvm/ADT/STLExtras.h>

#include <algorithm>
#include <array>
#include <utility>

namespace acadlc {

using llvm::StringRef;

//===--- Dimensions ---------------------------------------------------------------------------===//

namespace {

std::int8_t saturate(int exponent) {
  return static_cast<std::int8_t>(std::clamp(exponent, -100, 100));
}

Dimension combine(Dimension a, Dimension b, int sign) {
  return {saturate(a.cycles + sign * b.cycles), saturate(a.bits + sign * b.bits),
          saturate(a.words + sign * b.words), saturate(a.seconds + sign * b.seconds)};
}

} // namespace

Dimension operator*(Dimension a, Dimension b) { return combine(a, b, 1); }
Dimension operator/(Dimension a, Dimension b) { return combine(a, b, -1); }

std::string Dimension::name() const {
  if (isNone())
    return "no unit";
  if (*this == builtins::hertzDimension)
    return "Hz";
  const std::array<std::pair<int, const char *>, 4> bases{
      {{cycles, "cycles"}, {bits, "bits"}, {words, "words"}, {seconds, "seconds"}}};
  std::string above;
  std::string below;
  for (const auto &[exponent, base] : bases) {
    if (exponent == 0)
      continue;
    std::string &side = exponent > 0 ? above : below;
    side += side.empty() ? "" : exponent > 0 ? " * " : " / ";
    side += base;
    if (exponent > 1 || exponent < -1)
      side += "^" + std::to_string(exponent > 0 ? exponent : -exponent);
  }
  if (below.empty())
    return above;
  return (above.empty() ? "1" : above) + " / " + below;
}

namespace builtins {

namespace {

template <typename Entry> const Entry *findByName(llvm::ArrayRef<Entry> entries, StringRef name) {
  const auto *found = llvm::find_if(entries, [&](const Entry &e) { return e.name == name; });
  return found == entries.end() ? nullptr : found;
}

} // namespace

//===--- Units and types ----------------------------------------------------------------------===//

llvm::ArrayRef<Unit> units() {
  constexpr std::int64_t kibi = 1024;
  // Of names that are equally near "did you mean" takes the first: the plural.
  static constexpr std::array table{
      Unit{"cycles", cyclesDimension, 1, 1},
      Unit{"cycle", cyclesDimension, 1, 1},
      Unit{"bits", bitsDimension, 1, 1},
      Unit{"bit", bitsDimension, 1, 1},
      Unit{"bytes", bitsDimension, 8, 8},
      Unit{"byte", bitsDimension, 8, 8},
      Unit{"KiB", bitsDimension, 8. * kibi, 8 * kibi},
      Unit{"MiB", bitsDimension, 8. * kibi * kibi, 8 * kibi * kibi},
      Unit{"GiB", bitsDimension, 8. * kibi * kibi * kibi, 8 * kibi * kibi * kibi},
      Unit{"words", wordsDimension, 1, 1},
      Unit{"word", wordsDimension, 1, 1},
      Unit{"Hz", hertzDimension, 1, 0},
      Unit{"kHz", hertzDimension, 1e3, 0},
      Unit{"MHz", hertzDimension, 1e6, 0},
      Unit{"GHz", hertzDimension, 1e9, 0},
      Unit{"s", secondsDimension, 1, 0},
      Unit{"ms", secondsDimension, 1e-3, 0},
      Unit{"us", secondsDimension, 1e-6, 0},
      Unit{"ns", secondsDimension, 1e-9, 0},
  };
  return table;
}
const Unit *findUnit(StringRef name) { return findByName(units(), name); }

llvm::ArrayRef<ValueType> valueTypes() {
  static constexpr std::array table{
      ValueType{"int", ScalarKind::Int, noDimension},
      ValueType{"real", ScalarKind::Real, noDimension},
      ValueType{"bool", ScalarKind::Bool, noDimension},
      ValueType{"string", ScalarKind::String, noDimension},
      ValueType{"cycles", ScalarKind::Int, cyclesDimension},
      ValueType{"bits", ScalarKind::Int, bitsDimension},
      ValueType{"bytes", ScalarKind::Int, bitsDimension},
      ValueType{"words", ScalarKind::Int, wordsDimension},
      ValueType{"Hz", ScalarKind::Real, hertzDimension},
      ValueType{"seconds", ScalarKind::Real, secondsDimension},
  };
  return table;
}
const ValueType *findValueType(StringRef name) { return findByName(valueTypes(), name); }

llvm::ArrayRef<StringRef> elementTypes() {
  static constexpr std::array<StringRef, 14> table{
      "int4",   "int8",   "int16",  "int32",   "int64",   "uint4",    "uint8",
      "uint16", "uint32", "uint64", "float16", "float32", "bfloat16", "bool"};
  return table;
}
bool isElementType(StringRef name) { return llvm::is_contained(elementTypes(), name); }

//===--- Classes ------------------------------------------------------------------------------===//

namespace {

constexpr std::array<StringRef, 5> arbitrations{"program_order", "oldest_first", "priority",
                                                "round_robin", "first_come"};
constexpr std::array<StringRef, 2> objectArbitrations{"program_order", "oldest_first"};
constexpr std::array<StringRef, 2> replacementPolicies{"lru", "fifo"};
constexpr std::array<StringRef, 2> queueOrders{"in_order", "oldest_ready"};
constexpr std::array<StringRef, 2> sizes{"size", "address_ranges"};

constexpr bool required = true;
constexpr bool optional = false;

constexpr Attribute arbitration(StringRef byDefault) {
  return {"arbitration", AttributeType::Enumerator, optional, byDefault, objectArbitrations};
}
constexpr Attribute latency(StringRef byDefault) {
  return {"latency", AttributeType::Cycles, optional, byDefault, {}};
}
constexpr Attribute toProcess{"to_process", AttributeType::Instructions, required, "", {}};

/// The attributes of \p first, then those of \p second.
template <std::size_t N, std::size_t M>
constexpr std::array<Attribute, N + M> joined(const std::array<Attribute, N> &first,
                                              const std::array<Attribute, M> &second) {
  std::array<Attribute, N + M> all{};
  std::copy(first.begin(), first.end(), all.begin());
  std::copy(second.begin(), second.end(), all.begin() + N);
  return all;
}

constexpr std::array stageAttributes{latency("1 cycle"), arbitration("program_order")};
constexpr std::array fetchAttributes{
    Attribute{"issue_buffer_size", AttributeType::Int, required, "", {}},
    latency("0 cycles"),
};
constexpr std::array functionalUnitAttributes{
    toProcess,
    latency("1 cycle"),
    Attribute{"initiation_interval", AttributeType::Cycles, optional, "the latency", {}},
    Attribute{"peak_macs", AttributeType::Int, optional, "", {}},
    Attribute{"max_concurrent_expansions", AttributeType::Int, optional, "1", {}},
    arbitration("program_order"),
};
constexpr std::array memoryAccessUnitAttributes{
    toProcess,
    latency("1 cycle"),
    arbitration("program_order"),
};
constexpr std::array instructionMemoryAccessUnitAttributes{
    Attribute{"to_process", AttributeType::Instructions, optional, "[]", {}},
    latency("1 cycle"),
};
constexpr std::array registerFileAttributes{
    Attribute{"data_width", AttributeType::Bits, required, "", {}},
    Attribute{"registers", AttributeType::Registers, required, "", {}},
};
constexpr Attribute dataWidth{"data_width", AttributeType::Bits, optional, "8 bits", {}};
constexpr Attribute size{"size", AttributeType::Bits, optional, "", {}};
constexpr Attribute addressRanges{"address_ranges", AttributeType::AddressRanges, optional, "", {}};
constexpr Attribute portWidth{"port_width", AttributeType::Words, optional, "1 word", {}};
constexpr Attribute readLatency{"read_latency", AttributeType::Cycles, optional, "1 cycle", {}};
constexpr Attribute writeLatency{"write_latency", AttributeType::Cycles, optional, "1 cycle", {}};
constexpr Attribute readWritePorts{"read_write_ports", AttributeType::Int, optional, "1", {}};
constexpr Attribute maxConcurrentRequests{
    "max_concurrent_requests", AttributeType::Int, optional, "read_write_ports", {}};
constexpr std::array slotAttributes{
    readWritePorts,
    maxConcurrentRequests,
    arbitration("oldest_first"),
};
constexpr std::array sramAttributes =
    joined(std::array{dataWidth, size, addressRanges, portWidth, readLatency, writeLatency},
           slotAttributes);
constexpr std::array rowAttributes{
    Attribute{"banks", AttributeType::Int, optional, "1", {}},
    Attribute{"row_size", AttributeType::Bits, required, "", {}},
    Attribute{"t_rcd", AttributeType::Cycles, optional, "0 cycles", {}},
    Attribute{"t_rp", AttributeType::Cycles, optional, "0 cycles", {}},
    Attribute{"t_ras", AttributeType::Cycles, optional, "0 cycles", {}},
};
constexpr std::array dramAttributes = joined(sramAttributes, rowAttributes);
constexpr std::array lineAttributes{
    Attribute{"data_width", AttributeType::Bits, optional, "8 bits", {}},
    Attribute{"sets", AttributeType::Int, required, "", {}},
    Attribute{"ways", AttributeType::Int, required, "", {}},
    Attribute{"cache_line_size", AttributeType::Bits, required, "", {}},
    Attribute{"hit_latency", AttributeType::Cycles, required, "", {}},
    Attribute{"miss_latency", AttributeType::Cycles, required, "", {}},
    Attribute{"write_allocate", AttributeType::Bool, optional, "true", {}},
    Attribute{"write_back", AttributeType::Bool, optional, "true", {}},
    Attribute{"replacement_policy", AttributeType::Enumerator, optional, "lru",
              replacementPolicies},
};
constexpr std::array cacheAttributes = joined(lineAttributes, slotAttributes);
constexpr std::array queueAttributes{
    Attribute{"capacity", AttributeType::IntOrTable, required, "", {}},
    Attribute{"entry_order", AttributeType::Enumerator, optional, "in_order", queueOrders},
    Attribute{"issue_order", AttributeType::Enumerator, optional, "in_order", queueOrders},
};
constexpr std::array stationAttributes = joined(
    queueAttributes,
    std::array{Attribute{"release", AttributeType::EventOrTable, optional, "completed", {}}});
constexpr std::array channelAttributes{
    Attribute{"width", AttributeType::Bits, required, "", {}},
    latency("1 cycle"),
    Attribute{"interval", AttributeType::Cycles, optional, "the latency", {}},
    Attribute{"in_flight", AttributeType::Int, optional, "", {}},
    Attribute{"credits", AttributeType::Int, optional, "", {}},
    Attribute{"arbitration", AttributeType::Enumerator, optional, "oldest_first", arbitrations},
};

} // namespace

llvm::ArrayRef<ObjectClassInfo> classes() {
  using enum arch::ObjectClass;
  // In the order of ObjectClass: classInfo() indexes it.
  static constexpr std::array table{
      ObjectClassInfo{PipelineStage, "PipelineStage", stageAttributes, {}},
      ObjectClassInfo{ExecuteStage, "ExecuteStage", stageAttributes, {}, true},
      ObjectClassInfo{InstructionFetchStage, "InstructionFetchStage", fetchAttributes, {}, true},
      ObjectClassInfo{FunctionalUnit, "FunctionalUnit", functionalUnitAttributes, {}},
      ObjectClassInfo{MemoryAccessUnit, "MemoryAccessUnit", memoryAccessUnitAttributes, {}},
      ObjectClassInfo{InstructionMemoryAccessUnit,
                      "InstructionMemoryAccessUnit",
                      instructionMemoryAccessUnitAttributes,
                      {}},
      ObjectClassInfo{RegisterFile, "RegisterFile", registerFileAttributes, {}},
      ObjectClassInfo{SRAM, "SRAM", sramAttributes, sizes},
      ObjectClassInfo{DRAM, "DRAM", dramAttributes, sizes},
      ObjectClassInfo{SetAssociativeCache, "SetAssociativeCache", cacheAttributes, {}},
      ObjectClassInfo{Queue, "Queue", queueAttributes, {}},
      ObjectClassInfo{ReservationStation, "ReservationStation", stationAttributes, {}, false, true},
      ObjectClassInfo{Channel, "Channel", channelAttributes, {}},
  };
  return table;
}
const ObjectClassInfo *findClass(StringRef name) { return findByName(classes(), name); }
const ObjectClassInfo &classInfo(arch::ObjectClass objectClass) {
  const ObjectClassInfo &info = classes()[static_cast<std::size_t>(objectClass)];
  ACADLC_CHECK(info.objectClass == objectClass, "the table of classes is out of order");
  return info;
}
const Attribute *findAttribute(const ObjectClassInfo &info, StringRef name) {
  return findByName(info.attributes, name);
}

//===--- Edges --------------------------------------------------------------------------------===//

namespace {

using enum arch::ObjectClass;
using arch::EdgeKind;
using arch::ObjectClass;

/// A row of the table of edges: every source may have an edge to every target.
struct EdgeRule {
  EdgeKind kind;
  llvm::ArrayRef<ObjectClass> sources, targets;
};

constexpr std::array forwardSources{InstructionFetchStage, PipelineStage, ExecuteStage, Queue,
                                    ReservationStation};
constexpr std::array forwardTargets{PipelineStage, ExecuteStage, Queue, ReservationStation};
constexpr std::array executeStage{ExecuteStage};
constexpr std::array fetchStage{InstructionFetchStage};
constexpr std::array executingUnits{FunctionalUnit, MemoryAccessUnit};
constexpr std::array fetchingUnit{InstructionMemoryAccessUnit};
constexpr std::array registerFile{RegisterFile};
constexpr std::array channel{Channel};
constexpr std::array allUnits{FunctionalUnit, MemoryAccessUnit, InstructionMemoryAccessUnit};
constexpr std::array storages{SRAM, DRAM, SetAssociativeCache};
constexpr std::array cache{SetAssociativeCache};
constexpr std::array readableByChannel{RegisterFile, SRAM, DRAM, SetAssociativeCache};
constexpr std::array readingFromChannel{FunctionalUnit, MemoryAccessUnit,
                                        InstructionMemoryAccessUnit, SetAssociativeCache, Channel};
constexpr std::array writingToChannel{FunctionalUnit, MemoryAccessUnit, InstructionMemoryAccessUnit,
                                      SetAssociativeCache};
constexpr std::array writableByChannel{RegisterFile, SRAM, DRAM, SetAssociativeCache, Channel};

constexpr std::array edgeRules{
    EdgeRule{EdgeKind::Forward, forwardSources, forwardTargets},
    EdgeRule{EdgeKind::Contains, executeStage, executingUnits},
    EdgeRule{EdgeKind::Contains, fetchStage, fetchingUnit},
    EdgeRule{EdgeKind::ReadData, registerFile, allUnits},
    EdgeRule{EdgeKind::ReadData, storages, allUnits},
    EdgeRule{EdgeKind::ReadData, storages, cache},
    EdgeRule{EdgeKind::ReadData, readableByChannel, channel},
    EdgeRule{EdgeKind::ReadData, channel, readingFromChannel},
    EdgeRule{EdgeKind::WriteData, allUnits, registerFile},
    EdgeRule{EdgeKind::WriteData, executingUnits, storages},
    EdgeRule{EdgeKind::WriteData, cache, storages},
    EdgeRule{EdgeKind::WriteData, writingToChannel, channel},
    EdgeRule{EdgeKind::WriteData, channel, writableByChannel},
};

} // namespace

bool isAllowedEdge(EdgeKind kind, ObjectClass source, ObjectClass target) {
  return llvm::any_of(edgeRules, [&](const EdgeRule &rule) {
    return rule.kind == kind && llvm::is_contained(rule.sources, source) &&
           llvm::is_contained(rule.targets, target);
  });
}

llvm::SmallVector<EdgeKind, 2> dataEdgeKinds(ObjectClass source, ObjectClass target) {
  llvm::SmallVector<EdgeKind, 2> kinds;
  for (const EdgeKind kind : {EdgeKind::ReadData, EdgeKind::WriteData})
    if (isAllowedEdge(kind, source, target))
      kinds.push_back(kind);
  return kinds;
}

llvm::SmallVector<ObjectClass> allowedTargets(EdgeKind kind, ObjectClass source) {
  llvm::SmallVector<ObjectClass> result;
  for (const ObjectClassInfo &info : classes())
    if (isAllowedEdge(kind, source, info.objectClass))
      result.push_back(info.objectClass);
  return result;
}

llvm::SmallVector<ObjectClass> allowedSources(EdgeKind kind, ObjectClass target) {
  llvm::SmallVector<ObjectClass> result;
  for (const ObjectClassInfo &info : classes())
    if (isAllowedEdge(kind, info.objectClass, target))
      result.push_back(info.objectClass);
  return result;
}

//===--- Functions and instructions -----------------------------------------------------------===//

llvm::ArrayRef<Function> functions() {
  using enum FunctionRule;
  static constexpr std::array table{
      Function{"min", SameKind, 1, anyNumber},
      Function{"max", SameKind, 1, anyNumber},
      Function{"abs", Magnitude, 1, 1},
      Function{"ceil_div", CeilDivide, 2, 2},
      Function{"ceil", Round, 1, 1},
      Function{"floor", Round, 1, 1},
      Function{"round", Round, 1, 1},
      Function{"log2", WholeToInt, 1, 1},
      Function{"ceil_log2", WholeToInt, 1, 1},
      Function{"is_power_of_two", WholeToBool, 1, 1},
      Function{"sqrt", SquareRoot, 1, 1},
      Function{"length", Length, 1, 1},
      Function{"sum", Sum, 1, 1},
      Function{"int", ToInt, 1, 1},
      Function{"real", ToReal, 1, 1},
      Function{"includes", Contains, 2, 2},
      Function{"value", Value, 2, 2},
      Function{"present", Present, 1, 1},
  };
  return table;
}
const Function *findFunction(StringRef name) { return findByName(functions(), name); }

llvm::ArrayRef<InstructionAttribute> instructionAttributes() {
  using enum InstructionAttributeType;
  static constexpr std::array table{
      InstructionAttribute{"latency", Cycles},
      InstructionAttribute{"macs", Count},
      InstructionAttribute{"ops", Count},
      InstructionAttribute{"bytes", Data},
      InstructionAttribute{"class", ClassName},
      InstructionAttribute{"element_type", ElementTypeName},
  };
  return table;
}
const InstructionAttribute *findInstructionAttribute(StringRef name) {
  return findByName(instructionAttributes(), name);
}

llvm::ArrayRef<StringRef> operandKinds() {
  static constexpr std::array<StringRef, 2> table{"reg", "mem"};
  return table;
}
llvm::ArrayRef<StringRef> events() {
  static constexpr std::array<StringRef, 3> table{"issued", "read", "completed"};
  return table;
}
bool isEvent(StringRef name) { return llvm::is_contained(events(), name); }
llvm::ArrayRef<StringRef> expansionLimits() {
  static constexpr std::array<StringRef, 1> table{"outstanding"};
  return table;
}

//===--- Words of other places ----------------------------------------------------------------===//

llvm::ArrayRef<StringRef> portKinds() {
  static constexpr std::array<StringRef, 3> table{"forward", "read", "write"};
  return table;
}
llvm::ArrayRef<StringRef> hazardConditions() {
  static constexpr std::array<StringRef, 1> table{"overlapping"};
  return table;
}
llvm::ArrayRef<EpilogueFunction> epilogueFunctions() {
  static constexpr std::array table{
      EpilogueFunction{"relu", 0, 0},       EpilogueFunction{"relu6", 0, 0},
      EpilogueFunction{"leaky_relu", 0, 1}, EpilogueFunction{"clip", 0, 2},
      EpilogueFunction{"sigmoid", 0, 0},    EpilogueFunction{"tanh", 0, 0},
      EpilogueFunction{"gelu", 0, 0},       EpilogueFunction{"silu", 0, 0},
      EpilogueFunction{"hard_swish", 0, 0}, EpilogueFunction{"hard_sigmoid", 0, 0},
      EpilogueFunction{"max_pool", 1, 4},   EpilogueFunction{"average_pool", 1, 4},
      EpilogueFunction{"requantize", 0, 0},
  };
  return table;
}
const EpilogueFunction *findEpilogueFunction(StringRef name) {
  return findByName(epilogueFunctions(), name);
}
llvm::ArrayRef<StringRef> computationFunctions() {
  static constexpr std::array<StringRef, 14> table{"exp",     "log", "sqrt", "rsqrt", "tanh",
                                                   "sigmoid", "erf", "abs",  "floor", "ceil",
                                                   "round",   "pow", "min",  "max"};
  return table;
}
llvm::ArrayRef<ScalarOperation> scalarOperations() {
  static constexpr std::array table{
      ScalarOperation{"load", 2, true},
      ScalarOperation{"store", 2, true},
      ScalarOperation{"constant", 1, true},
      ScalarOperation{"loop_start", 1, false},
      ScalarOperation{"loop_next", 1, false},
      ScalarOperation{"branch", 1, false},
      ScalarOperation{"load_indexed", 3, false},
      ScalarOperation{"store_indexed", 3, false},
      ScalarOperation{"convert", 2, false},
      ScalarOperation{"negate", 2, false},
      ScalarOperation{"abs", 2, false},
      ScalarOperation{"exp", 2, false},
      ScalarOperation{"exp2", 2, false},
      ScalarOperation{"exp10", 2, false},
      ScalarOperation{"expm1", 2, false},
      ScalarOperation{"log", 2, false},
      ScalarOperation{"log2", 2, false},
      ScalarOperation{"log10", 2, false},
      ScalarOperation{"log1p", 2, false},
      ScalarOperation{"sqrt", 2, false},
      ScalarOperation{"rsqrt", 2, false},
      ScalarOperation{"cbrt", 2, false},
      ScalarOperation{"tanh", 2, false},
      ScalarOperation{"sigmoid", 2, false},
      ScalarOperation{"erf", 2, false},
      ScalarOperation{"erfc", 2, false},
      ScalarOperation{"sin", 2, false},
      ScalarOperation{"cos", 2, false},
      ScalarOperation{"tan", 2, false},
      ScalarOperation{"sinh", 2, false},
      ScalarOperation{"cosh", 2, false},
      ScalarOperation{"asin", 2, false},
      ScalarOperation{"acos", 2, false},
      ScalarOperation{"atan", 2, false},
      ScalarOperation{"asinh", 2, false},
      ScalarOperation{"acosh", 2, false},
      ScalarOperation{"atanh", 2, false},
      ScalarOperation{"round", 2, false},
      ScalarOperation{"floor", 2, false},
      ScalarOperation{"ceil", 2, false},
      ScalarOperation{"trunc", 2, false},
      ScalarOperation{"sign", 2, false},
      ScalarOperation{"popcount", 2, false},
      ScalarOperation{"clz", 2, false},
      ScalarOperation{"isnan", 2, false},
      ScalarOperation{"isinf", 2, false},
      ScalarOperation{"isfinite", 2, false},
      ScalarOperation{"bitwise_not", 2, false},
      ScalarOperation{"logical_not", 2, false},
      ScalarOperation{"add", 3, false},
      ScalarOperation{"subtract", 3, false},
      ScalarOperation{"multiply", 3, false},
      ScalarOperation{"multiply_add", 3, false},
      ScalarOperation{"divide", 3, false},
      ScalarOperation{"floor_divide", 3, false},
      ScalarOperation{"floor_modulo", 3, false},
      ScalarOperation{"truncate_divide", 3, false},
      ScalarOperation{"truncate_modulo", 3, false},
      ScalarOperation{"max", 3, false},
      ScalarOperation{"min", 3, false},
      ScalarOperation{"pow", 3, false},
      ScalarOperation{"atan2", 3, false},
      ScalarOperation{"hypot", 3, false},
      ScalarOperation{"copysign", 3, false},
      ScalarOperation{"shift_left", 3, false},
      ScalarOperation{"shift_right", 3, false},
      ScalarOperation{"bitwise_and", 3, false},
      ScalarOperation{"bitwise_or", 3, false},
      ScalarOperation{"bitwise_xor", 3, false},
      ScalarOperation{"less", 3, false},
      ScalarOperation{"less_equal", 3, false},
      ScalarOperation{"greater", 3, false},
      ScalarOperation{"greater_equal", 3, false},
      ScalarOperation{"equal", 3, false},
      ScalarOperation{"not_equal", 3, false},
      ScalarOperation{"logical_and", 3, false},
      ScalarOperation{"logical_or", 3, false},
      ScalarOperation{"select", 4, false},
  };
  return table;
}
const ScalarOperation *findScalarOperation(StringRef name) {
  return findByName(scalarOperations(), name);
}
llvm::ArrayRef<StringRef> scalarAttributes() {
  static constexpr std::array<StringRef, 3> table{"memory", "values", "counters"};
  return table;
}
llvm::ArrayRef<StringRef> memoryOperandMembers() {
  static constexpr std::array<StringRef, 1> table{"bytes"};
  return table;
}

} // namespace builtins
} // namespace acadlc
