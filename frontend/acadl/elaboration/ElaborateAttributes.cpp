#include "frontend/acadl/elaboration/ElaborateAttributes.h"

#include "support/InternalError.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringSet.h>

#include <array>
#include <limits>

namespace acadlc {

using builtins::AttributeType;
using Kind = Value::Kind;

namespace {

/// Where the number of an attribute goes, and in which range it makes sense.
struct NumberTarget {
  llvm::StringRef attribute;
  std::int64_t arch::Object::*member;
  std::int64_t minimum;
  std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
  bool isInBytes = false; ///< given in bits, kept in bytes
};
struct ChannelNumberTarget {
  llvm::StringRef attribute;
  std::int64_t arch::ChannelAttributes::*member;
  std::int64_t maximum;
};

constexpr std::int64_t powerOfTwo(unsigned exponent) { return std::int64_t{1} << exponent; }

// What is counted takes memory, one entry or more each; sums of times must stay within 64 bits.
constexpr std::int64_t mostEntries = powerOfTwo(20);
constexpr std::int64_t mostSets = powerOfTwo(24);
constexpr std::int64_t mostWays = powerOfTwo(16);
constexpr std::int64_t mostCycles = powerOfTwo(40);
constexpr std::int64_t mostMacs = powerOfTwo(40);
constexpr std::int64_t mostBits = 8 * powerOfTwo(40);

constexpr std::array numberTargets{
    NumberTarget{"latency", &arch::Object::latency, 1, mostCycles},
    NumberTarget{"initiation_interval", &arch::Object::initiationInterval, 1, mostCycles},
    NumberTarget{"peak_macs", &arch::Object::peakMacs, 1, mostMacs},
    NumberTarget{"max_concurrent_expansions", &arch::Object::maxConcurrentExpansions, 1,
                 mostEntries},
    NumberTarget{"issue_buffer_size", &arch::Object::issueBufferSize, 1, mostEntries},
    NumberTarget{"data_width", &arch::Object::dataWidth, 1},
    NumberTarget{"port_width", &arch::Object::portWidth, 1, mostEntries},
    NumberTarget{"read_latency", &arch::Object::readLatency, 1, mostCycles},
    NumberTarget{"write_latency", &arch::Object::writeLatency, 1, mostCycles},
    NumberTarget{"read_write_ports", &arch::Object::readWritePorts, 1, mostEntries},
    NumberTarget{"max_concurrent_requests", &arch::Object::maxConcurrentRequests, 1, mostEntries},
    NumberTarget{"banks", &arch::Object::banks, 1, mostEntries},
    NumberTarget{"row_size", &arch::Object::rowSize, 1, mostBits, true},
    NumberTarget{"t_rcd", &arch::Object::tRCD, 0, mostCycles},
    NumberTarget{"t_rp", &arch::Object::tRP, 0, mostCycles},
    NumberTarget{"t_ras", &arch::Object::tRAS, 0, mostCycles},
    NumberTarget{"sets", &arch::Object::sets, 1, mostSets},
    NumberTarget{"ways", &arch::Object::ways, 1, mostWays},
    NumberTarget{"cache_line_size", &arch::Object::lineSize, 1, mostBits, true},
    NumberTarget{"hit_latency", &arch::Object::hitLatency, 1, mostCycles},
    NumberTarget{"miss_latency", &arch::Object::missLatency, 1, mostCycles},
};
constexpr std::array channelNumberTargets{
    ChannelNumberTarget{"width", &arch::ChannelAttributes::width, mostBits},
    ChannelNumberTarget{"interval", &arch::ChannelAttributes::interval, mostCycles},
    ChannelNumberTarget{"in_flight", &arch::ChannelAttributes::inFlight, mostEntries},
    ChannelNumberTarget{"credits", &arch::ChannelAttributes::credits, mostEntries},
};

/// "an SRAM", "a DRAM"
std::string withArticle(llvm::StringRef name) {
  const bool isVowel = name.starts_with("E") || name.starts_with("I") || name == "SRAM";
  return (isVowel ? "an " : "a ") + name.str();
}

class AttributeReader {
public:
  AttributeReader(const ast::ObjectStatement &statement, const builtins::ObjectClassInfo &info,
                  const Scope &scope, const Scope &architecture, Evaluator &evaluator)
      : statement_(statement), info_(info), scope_(scope), architecture_(architecture),
        evaluator_(evaluator) {}

  ObjectPrototype read();

private:
  void setDefaults();
  void readAttribute(const ast::Attribute &attribute);
  bool readValue(const ast::Attribute &attribute, const builtins::Attribute &known);
  bool readNumber(const ast::Attribute &attribute, const builtins::Attribute &known);
  bool readBool(const ast::Attribute &attribute);
  bool readEnumerator(const ast::Attribute &attribute, const builtins::Attribute &known);
  bool readInstructions(const ast::Expr &expr);
  [[nodiscard]] const Symbol *findInstructionNamed(llvm::StringRef name) const;
  bool readRegisters(const ast::Expr &expr);
  bool readRegister(const ast::Expr &expr);
  bool addRegister(RegisterGroup group);
  bool readAddressRanges(const ast::Attribute &attribute);
  bool readSize(const ast::Attribute &attribute);
  bool readCapacity(const ast::Attribute &attribute);
  void readRelease(const ast::Expr &value);
  void readHazards();
  void readSteps();
  bool addAddressRange(const Value &low, const Value &high, const ast::Attribute &attribute);
  void checkRequired();
  void checkTogether();
  bool isInRange(const ast::Attribute &attribute, const Value &value, std::int64_t minimum,
                 bool isInBytes, std::int64_t maximum = std::numeric_limits<std::int64_t>::max());
  bool outOfRange(const ast::Attribute &attribute, const std::string &expected,
                  const std::string &found);
  [[nodiscard]] const ast::Attribute *given(llvm::StringRef name) const;
  [[nodiscard]] SourceRange nameRange() const { return statement_.type.range; }
  /// The list that \p expr is, after deciding `if … then … else`; null after an error.
  const ast::ListExpr *listOf(const ast::Expr &expr, llvm::StringRef what);

  const ast::ObjectStatement &statement_;
  const builtins::ObjectClassInfo &info_;
  const Scope &scope_;
  const Scope &architecture_;
  Evaluator &evaluator_;
  ObjectPrototype result_;
  llvm::StringSet<> registerNames_;
};

ExpectedType quantityType(llvm::StringRef name) {
  const builtins::ValueType *type = builtins::findValueType(name);
  ACADLC_CHECK(type, "no such type");
  ExpectedType result;
  result.kind = type->dimension.isNone() ? ExpectedType::Kind::Int : ExpectedType::Kind::Quantity;
  result.dimension = type->dimension;
  result.name = name.str();
  return result;
}

ObjectPrototype AttributeReader::read() {
  setDefaults();
  if (const ast::Attribute *ranges = given("address_ranges"); ranges && given("size")) {
    evaluator_.report(DiagnosticCode::SizeAndRanges, ranges->name.range)
        .note(given("size")->name.range, "'size' is given here");
    result_.isValid = false;
    return std::move(result_);
  }
  for (const ast::Attribute &attribute : statement_.attributes)
    readAttribute(attribute);
  readHazards();
  readSteps();
  checkRequired();
  if (result_.isValid)
    checkTogether();
  return std::move(result_);
}

void AttributeReader::setDefaults() {
  arch::Object &object = result_.object;
  object.objectClass = info_.objectClass;
  if (info_.objectClass == arch::ObjectClass::InstructionFetchStage)
    object.latency = 0;
  if (arch::isStorage(info_.objectClass))
    object.dataWidth = 8;
  if (arch::isStorage(info_.objectClass) || info_.objectClass == arch::ObjectClass::Channel)
    object.arbitration = arch::Arbitration::OldestFirst;
}

const ast::Attribute *AttributeReader::given(llvm::StringRef name) const {
  const auto *found = llvm::find_if(statement_.attributes,
                                    [&](const ast::Attribute &a) { return a.name.text == name; });
  return found == statement_.attributes.end() ? nullptr : found;
}

void AttributeReader::readAttribute(const ast::Attribute &attribute) {
  const builtins::Attribute *known = builtins::findAttribute(info_, attribute.name.text);
  if (!known) {
    std::vector<std::string_view> candidates;
    for (const builtins::Attribute &candidate : info_.attributes)
      candidates.emplace_back(candidate.name);
    auto builder = evaluator_.report(DiagnosticCode::NoSuchAttribute, attribute.name.range,
                                     withArticle(info_.name), attribute.name.text);
    if (const auto nearest = nearestName(attribute.name.text, candidates); !nearest.empty())
      builder.note({}, fmt::format("did you mean '{}'?", nearest))
          .fixIt(attribute.name.range, std::string(nearest));
    result_.isValid = false;
    return;
  }
  if (given(attribute.name.text) != &attribute) {
    evaluator_.report(DiagnosticCode::StatedTwice, attribute.name.range, attribute.name.text)
        .note(given(attribute.name.text)->name.range, "the first is here");
    result_.isValid = false;
    return;
  }
  result_.isValid &= readValue(attribute, *known);
}

bool AttributeReader::readValue(const ast::Attribute &attribute, const builtins::Attribute &known) {
  switch (known.type) {
  case AttributeType::Bool:
    return readBool(attribute);
  case AttributeType::Int:
  case AttributeType::Cycles:
  case AttributeType::Words:
    return readNumber(attribute, known);
  case AttributeType::Bits:
    return known.name == "size" ? readSize(attribute) : readNumber(attribute, known);
  case AttributeType::Enumerator:
    return readEnumerator(attribute, known);
  case AttributeType::Instructions:
    return readInstructions(*attribute.value);
  case AttributeType::Registers:
    return readRegisters(*attribute.value);
  case AttributeType::AddressRanges:
    return readAddressRanges(attribute);
  case AttributeType::IntOrTable:
    return readCapacity(attribute);
  case AttributeType::EventOrTable:
    readRelease(*attribute.value);
    return true;
  }
  throw InternalError("unknown type of an attribute");
}

//===--- Numbers ------------------------------------------------------------------------------===//

bool AttributeReader::outOfRange(const ast::Attribute &attribute, const std::string &expected,
                                 const std::string &found) {
  evaluator_.report(DiagnosticCode::AttributeRange, attribute.value->range, attribute.name.text,
                    withArticle(info_.name), expected, found);
  return false;
}

bool AttributeReader::isInRange(const ast::Attribute &attribute, const Value &value,
                                std::int64_t minimum, bool isInBytes, std::int64_t maximum) {
  if (value.asInt() < minimum)
    return outOfRange(attribute, "at least " + Value::ofInt(minimum, value.dimension()).text(),
                      value.text());
  if (value.asInt() > maximum)
    return outOfRange(attribute, "at most " + Value::ofInt(maximum, value.dimension()).text(),
                      value.text());
  if (isInBytes && value.asInt() % 8 != 0)
    return outOfRange(attribute, "a whole number of bytes", value.text());
  return true;
}

bool AttributeReader::readNumber(const ast::Attribute &attribute,
                                 const builtins::Attribute &known) {
  const llvm::StringRef typeName = known.type == AttributeType::Int      ? "int"
                                   : known.type == AttributeType::Cycles ? "cycles"
                                   : known.type == AttributeType::Words  ? "words"
                                                                         : "bits";
  const auto value = evaluator_.evaluateAs(*attribute.value, scope_, quantityType(typeName),
                                           fmt::format("attribute '{}'", known.name.str()));
  if (!value)
    return false;
  if (const auto *target =
          llvm::find_if(channelNumberTargets,
                        [&](const ChannelNumberTarget &t) { return t.attribute == known.name; });
      target != channelNumberTargets.end()) {
    result_.object.channel.*target->member = value->asInt();
    return isInRange(attribute, *value, 1, false, target->maximum);
  }
  const auto *target = llvm::find_if(
      numberTargets, [&](const NumberTarget &t) { return t.attribute == known.name; });
  ACADLC_CHECK(target != numberTargets.end(), "an attribute that the elaborator doesn't know");
  const bool mayBeZero =
      known.name == "latency" && info_.objectClass == arch::ObjectClass::InstructionFetchStage;
  if (!isInRange(attribute, *value, mayBeZero ? 0 : target->minimum, target->isInBytes,
                 target->maximum))
    return false;
  result_.object.*target->member = target->isInBytes ? value->asInt() / 8 : value->asInt();
  if (known.name == "latency")
    result_.object.hasLatency = true;
  return true;
}

bool AttributeReader::readCapacity(const ast::Attribute &attribute) {
  const auto value = evaluator_.evaluate(*attribute.value, scope_);
  if (!value)
    return false;
  const auto entries = [&](const Value &number) -> std::optional<std::int64_t> {
    const auto converted =
        evaluator_.convert(number, quantityType("int"), attribute.value->range,
                           fmt::format("attribute '{}'", attribute.name.text.str()));
    if (!converted || !isInRange(attribute, *converted, 1, false, mostEntries))
      return std::nullopt;
    return converted->asInt();
  };
  arch::QueueAttributes &queue = result_.object.queue;
  if (!value->is(Kind::Table)) {
    const auto number = entries(*value);
    queue.capacity = number.value_or(0);
    return number.has_value();
  }
  for (const auto &[className, capacity] : value->entries()) {
    const auto number = entries(capacity);
    if (!number)
      return false;
    queue.classCapacities.push_back({className, *number});
  }
  return true;
}

/// The checker has seen to it that nothing but names stands here.
void AttributeReader::readRelease(const ast::Expr &value) {
  arch::QueueAttributes &queue = result_.object.queue;
  if (const auto *event = ast::dynCast<ast::NameExpr>(&value))
    queue.release = event->name.str();
  if (const auto *table = ast::dynCast<ast::TableExpr>(&value))
    for (const ast::TableEntry &entry : table->entries)
      if (const auto *event = ast::dynCast<ast::NameExpr>(entry.value))
        queue.releases.push_back({entry.key.text.str(), event->name.str()});
}

void AttributeReader::readSteps() {
  const auto operations = [](llvm::ArrayRef<ast::QualifiedName> names) {
    std::vector<std::string> result;
    for (const ast::QualifiedName &name : names)
      result.push_back(name.parts.back().text.str());
    return result;
  };
  for (const ast::UnitStep &step : statement_.steps)
    result_.object.steps.push_back({operations(step.taken), operations(step.behind), step.range});
}

void AttributeReader::readHazards() {
  arch::QueueAttributes &queue = result_.object.queue;
  queue.hasHazards = !statement_.hazards.empty();
  for (const ast::Hazard &hazard : statement_.hazards) {
    arch::Hazard rule;
    rule.waiting = hazard.waiting.text.str();
    for (const ast::Identifier &awaited : hazard.awaited)
      rule.awaited.push_back(awaited.text.str());
    rule.event = hazard.event.text.str();
    rule.onlyOverlapping = hazard.where.isValid();
    rule.range = hazard.range;
    queue.hazards.push_back(std::move(rule));
  }
}

bool AttributeReader::readSize(const ast::Attribute &attribute) {
  const auto value =
      evaluator_.evaluateAs(*attribute.value, scope_, quantityType("bits"), "attribute 'size'");
  if (!value || !isInRange(attribute, *value, 1, true))
    return false;
  result_.object.addressRanges.push_back({0, value->asInt() / 8});
  return true;
}

bool AttributeReader::readAddressRanges(const ast::Attribute &attribute) {
  const auto ranges = evaluator_.evaluate(*attribute.value, scope_);
  if (!ranges)
    return false;
  const auto isDataRange = [](const Value &value) {
    return value.is(Kind::Range) && value.dimension() == builtins::bitsDimension;
  };
  if (!ranges->is(Kind::List) || ranges->elements().empty() ||
      !llvm::all_of(ranges->elements(), isDataRange))
    return outOfRange(attribute, "a list of ranges of bytes such as [0 bytes .. 4 KiB]",
                      ranges->text());
  for (const Value &range : ranges->elements()) {
    const bool isWhole = range.rangeLow() % 8 == 0 && range.rangeHigh() % 8 == 0;
    if (!isWhole || range.rangeLow() < 0 || range.rangeLow() >= range.rangeHigh())
      return outOfRange(attribute, "ranges of whole bytes from 0 on that are not empty",
                        range.text());
    result_.object.addressRanges.push_back({range.rangeLow() / 8, range.rangeHigh() / 8});
  }
  std::vector<arch::AddressRange> sorted = result_.object.addressRanges;
  llvm::sort(sorted, [](const auto &a, const auto &b) { return a.low < b.low; });
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i].low < sorted[i - 1].high) {
      const auto text = [](const arch::AddressRange &range) {
        return fmt::format("0x{:x} .. 0x{:x}", range.low, range.high);
      };
      evaluator_.report(DiagnosticCode::OverlappingAddressRanges, attribute.value->range,
                        text(sorted[i - 1]), text(sorted[i]));
      return false;
    }
  return true;
}

//===--- Words --------------------------------------------------------------------------------===//

bool AttributeReader::readBool(const ast::Attribute &attribute) {
  const auto value = evaluator_.evaluateBool(
      *attribute.value, scope_, fmt::format("attribute '{}'", attribute.name.text.str()));
  if (!value)
    return false;
  (attribute.name.text == "write_back" ? result_.object.writeBack : result_.object.writeAllocate) =
      *value;
  return true;
}

bool AttributeReader::readEnumerator(const ast::Attribute &attribute,
                                     const builtins::Attribute &known) {
  const ast::Expr *expr = attribute.value;
  while (const auto *conditional = ast::dynCast<ast::ConditionalExpr>(expr)) {
    const auto condition = evaluator_.evaluateBool(*conditional->condition, scope_);
    if (!condition)
      return false;
    expr = *condition ? conditional->thenValue : conditional->elseValue;
  }
  const auto *name = ast::dynCast<ast::NameExpr>(expr);
  if (!name || !llvm::is_contained(known.enumerators, name->name)) {
    evaluator_.report(DiagnosticCode::AttributeRange, expr->range, known.name,
                      withArticle(info_.name), llvm::join(known.enumerators, ", "),
                      name ? "'" + name->name.str() + "'" : "an expression");
    return false;
  }
  if (known.name == "arbitration")
    result_.object.arbitration = name->name == "oldest_first"  ? arch::Arbitration::OldestFirst
                                 : name->name == "priority"    ? arch::Arbitration::Priority
                                 : name->name == "round_robin" ? arch::Arbitration::RoundRobin
                                 : name->name == "first_come"  ? arch::Arbitration::FirstCome
                                                               : arch::Arbitration::ProgramOrder;
  else if (known.name == "entry_order" || known.name == "issue_order")
    (known.name == "entry_order" ? result_.object.queue.entryOrder
                                 : result_.object.queue.issueOrder) =
        name->name == "oldest_ready" ? arch::QueueOrder::OldestReady : arch::QueueOrder::InOrder;
  else if (known.name == "replacement_policy")
    result_.object.replacement =
        name->name == "fifo" ? arch::ReplacementPolicy::FIFO : arch::ReplacementPolicy::LRU;
  return true;
}

const ast::ListExpr *AttributeReader::listOf(const ast::Expr &expr, llvm::StringRef what) {
  const ast::Expr *chosen = &expr;
  while (const auto *conditional = ast::dynCast<ast::ConditionalExpr>(chosen)) {
    const auto condition = evaluator_.evaluateBool(*conditional->condition, scope_);
    if (!condition)
      return nullptr;
    chosen = *condition ? conditional->thenValue : conditional->elseValue;
  }
  const auto *list = ast::dynCast<ast::ListExpr>(chosen);
  if (!list && chosen->kind != ast::ExprKind::Error)
    evaluator_.report(DiagnosticCode::WrongType, chosen->range, what.str(),
                      "a list of names such as [a, b]", "something else");
  return list;
}

const Symbol *AttributeReader::findInstructionNamed(llvm::StringRef name) const {
  const Symbol *symbol = findInstruction(name, scope_);
  return symbol ? symbol : findInstruction(name, architecture_);
}

bool AttributeReader::readInstructions(const ast::Expr &expr) {
  const ast::ListExpr *list = listOf(expr, "attribute 'to_process'");
  if (!list)
    return false;
  bool isDone = true;
  for (const ast::Expr *element : list->elements) {
    const auto *name = ast::dynCast<ast::NameExpr>(element);
    const Symbol *symbol =
        name ? findInstructionNamed(name->name) : evaluator_.symbolOf(*element, scope_);
    const auto *instruction =
        symbol ? ast::dynCast<ast::InstructionDeclaration>(symbol->declaration) : nullptr;
    if (instruction) {
      result_.object.toProcess.push_back(instruction->name.text.str());
      continue;
    }
    isDone = false;
    if (element->kind == ast::ExprKind::Error)
      continue;
    auto builder = evaluator_.report(DiagnosticCode::UndeclaredInstruction, element->range,
                                     name ? name->name : "…");
    const std::string nearest = name ? scope_.nearest(name->name) : "";
    if (!nearest.empty() && findInstruction(nearest, scope_))
      builder.note({}, fmt::format("did you mean '{}'?", nearest)).fixIt(element->range, nearest);
  }
  return isDone;
}

bool AttributeReader::readRegisters(const ast::Expr &expr) {
  const ast::ListExpr *list = listOf(expr, "attribute 'registers'");
  if (!list)
    return false;
  for (const ast::Expr *element : list->elements)
    if (!readRegister(*element))
      return false;
  return true;
}

bool AttributeReader::readRegister(const ast::Expr &expr) {
  if (const auto *name = ast::dynCast<ast::NameExpr>(&expr))
    return addRegister({name->name, expr.range, std::nullopt});
  const auto *array = ast::dynCast<ast::IndexExpr>(&expr);
  const auto *name = array ? ast::dynCast<ast::NameExpr>(array->object) : nullptr;
  if (!name || array->indices.size() != 1) {
    if (expr.kind != ast::ExprKind::Error)
      evaluator_
          .report(DiagnosticCode::WrongType, expr.range, "attribute 'registers'",
                  "names and arrays of names", "something else")
          .note({}, "write 'a' for one register, 'r[16]' for r[0] to r[15]");
    return false;
  }
  const ast::Expr &bound = *array->indices.front();
  const auto length = evaluator_.evaluateInt(bound, scope_, "the number of registers");
  if (!length)
    return false;
  const auto count = static_cast<std::int64_t>(result_.object.registers.size());
  if (*length < 0 || *length > maxRegisters - count) {
    evaluator_.report(DiagnosticCode::AttributeRange, bound.range, "registers",
                      withArticle(info_.name), fmt::format("0 to {} registers", maxRegisters),
                      *length);
    return false;
  }
  return addRegister({name->name, expr.range, length});
}

bool AttributeReader::addRegister(RegisterGroup group) {
  if (!registerNames_.insert(group.name).second) {
    evaluator_.report(DiagnosticCode::StatedTwice, group.range, group.name);
    return false;
  }
  if (!group.length)
    result_.object.registers.push_back(group.name.str());
  for (std::int64_t i = 0; i < group.length.value_or(0); ++i)
    result_.object.registers.push_back(fmt::format("{}[{}]", group.name.str(), i));
  result_.registers.push_back(group);
  return true;
}

//===--- Attributes together ------------------------------------------------------------------===//

void AttributeReader::checkRequired() {
  for (const builtins::Attribute &attribute : info_.attributes)
    if (attribute.isRequired && !given(attribute.name)) {
      evaluator_.report(DiagnosticCode::RequiredAttribute, nameRange(), withArticle(info_.name),
                        fmt::format("attribute '{}'", attribute.name.str()));
      result_.isValid = false;
    }
  const auto isGiven = [&](llvm::StringRef name) { return given(name) != nullptr; };
  if (!info_.oneOf.empty() && llvm::none_of(info_.oneOf, isGiven)) {
    evaluator_.report(DiagnosticCode::RequiredAttribute, nameRange(), withArticle(info_.name),
                      fmt::format("attribute '{}'", llvm::join(info_.oneOf, "' or '")));
    result_.isValid = false;
  }
}

void AttributeReader::checkTogether() {
  arch::Object &object = result_.object;
  if (!given("max_concurrent_requests"))
    object.maxConcurrentRequests = object.readWritePorts;
  if (!given("interval"))
    object.channel.interval = object.latency;
  // The interval may exceed the default of 1 cycle: instructions can state longer latencies.
  const ast::Attribute *interval = given("initiation_interval");
  if (interval && object.hasLatency && object.initiationInterval > object.latency)
    result_.isValid &=
        outOfRange(*interval, fmt::format("at most the latency, {} cycles", object.latency),
                   Value::ofInt(object.initiationInterval, builtins::cyclesDimension).text());
}

} // namespace

ObjectPrototype readAttributes(const ast::ObjectStatement &statement,
                               const builtins::ObjectClassInfo &info, const Scope &scope,
                               const Scope &architecture, Evaluator &evaluator) {
  return AttributeReader(statement, info, scope, architecture, evaluator).read();
}

} // namespace acadlc
