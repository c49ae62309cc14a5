#include "backend/mapping/Lowerer.h"

#include "frontend/acadl/syntax/Parser.h"
#include "support/CheckedArithmetic.h"
#include "support/InternalError.h"

#include <fmt/format.h>

#include <algorithm>

namespace acadlc::mapping {

Lowerer::Lowerer(const ElaboratedArchitecture &architecture, SourceManager &sources,
                 DiagnosticEngine &diagnostics, const LoweringOptions &options)
    : architecture_(architecture), sources_(sources), diagnostics_(diagnostics), options_(options),
      values_(diagnostics),
      evaluator_(diagnostics, {.steps = 2'000'000'000, .depth = 2'000}, &values_),
      accesses_(evaluator_, values_, diagnostics), builder_(values_.space()),
      units_(architecture.graph), allocator_(architecture.graph, diagnostics) {}

namespace {

/// What the header gives names to: extents, coefficients, the architecture.
void declareHeader(const Match &match, const ElaboratedArchitecture &architecture, Scope &scope) {
  const ast::MappingDeclaration &mapping = *match.mapping;
  for (std::size_t i = 0; i < match.indices.size(); ++i)
    scope.declare(mapping.indices[i].extent, Value::ofInt(match.indices[i].extent));
  for (std::size_t i = 0; i < match.coefficients.size(); ++i)
    scope.declare(mapping.coefficients[i], Value::ofInt(match.coefficients[i].value));
  scope.declare(mapping.architectureName, architecture.instance);
}

/// The names of \p match's steps that are there.
std::vector<std::string> presentSteps(const Match &match) {
  std::vector<std::string> names;
  for (const AbsorbedStep &step : match.absorbed)
    names.push_back(step.name);
  return names;
}

/// What a body calls a tensor besides its accesses: `I.shape`, in the axes of the header.
Value tensorValue(const TensorBinding &binding) {
  std::vector<Value> shape;
  for (const BoundDimension &dimension : binding.dimensions)
    shape.push_back(Value::ofInt(dimension.source ? binding.shape[*dimension.source] : 1));
  return Value::ofTable({{"shape", Value::ofList(std::move(shape))}});
}

/// Whether \p body does anything but to give names to values, by its text.
bool hasEffect(ast::Block body) {
  using Kind = ast::StatementKind;
  return std::ranges::any_of(body, [](const ast::Statement *statement) {
    if (const auto *loop = ast::dynCast<ast::ForStatement>(statement))
      return hasEffect(loop->body);
    if (const auto *branch = ast::dynCast<ast::IfStatement>(statement))
      return hasEffect(branch->thenBlock) || hasEffect(branch->elseBlock);
    return statement->kind != Kind::Let;
  });
}

/// The header's own name for a tensor: it outlives the match.
void declareTensors(const Match &match, Scope &scope) {
  const auto declare = [&](llvm::StringRef name, SourceRange range) {
    for (const TensorBinding &binding : match.tensors)
      if (binding.name == name)
        scope.declare(name, Symbol::ofValue(tensorValue(binding), range));
  };
  const ast::MappingDeclaration &mapping = *match.mapping;
  declare(mapping.result.tensor.text, mapping.result.tensor.range);
  if (const auto *product = ast::dynCast<ast::BinaryExpr>(mapping.value))
    for (const ast::Expr *factor : {product->left, product->right})
      if (const auto *access = ast::dynCast<ast::IndexExpr>(factor))
        if (const auto *name = ast::dynCast<ast::NameExpr>(access->object))
          declare(name->name, name->range);
  for (const ast::EpilogueStep &step : mapping.epilogue)
    if (step.hasTensor)
      declare(step.tensor.tensor.text, step.tensor.tensor.range);
}

} // namespace

//===--- Whole bodies -------------------------------------------------------------------------===//

std::optional<LoweredLayer> Lowerer::run(const Match &match, const Scope &home) {
  const ast::MappingDeclaration &mapping = *match.mapping;
  Frame frame;
  frame.name = mapping.name.text.str();
  frame.mapping = &mapping;
  for (const TensorBinding &binding : match.tensors)
    frame.tensors[binding.name].binding = &binding;
  Scope scope(&home);
  declareHeader(match, architecture_, scope);
  declareTensors(match, scope);
  values_.exchangePresent(presentSteps(match));
  if (!checkOverrides(mapping.name.text, {}, mapping.body, mapping.name.range))
    return std::nullopt;
  Steps steps;
  if (lowerBody(mapping.body, frame, scope, steps) != Status::Done)
    return std::nullopt;
  auto layer = finish(frame.name, std::move(steps), mapping.name.range);
  if (layer && layer->totals.macs != match.macs) {
    reportWork(mapping.name, layer->totals.macs, match.macs);
    return std::nullopt;
  }
  // Additions are not counted, so that a body without any instruction would agree.
  const bool isSum = match.form == workload::ContractionForm::Sum;
  if (layer && isSum && layer->totals.instructions == 0) {
    diagnostics_.report(DiagnosticCode::WorkDiffers, mapping.name.range, frame.name, "nothing",
                        "elements to add");
    return std::nullopt;
  }
  return layer;
}

std::optional<LoweredLayer> Lowerer::run(const ast::ProgramDeclaration &program,
                                         const Scope &home) {
  Frame frame;
  frame.name = program.name.text.str();
  Scope scope(&home);
  scope.declare(program.architectureName, architecture_.instance);
  if (!checkOverrides(program.name.text, program.parameters, program.body, program.name.range))
    return std::nullopt;
  for (const ast::Parameter &parameter : program.parameters) {
    const ast::ParamStatement statement{{ast::ParamStatement::Kind, parameter.name.range},
                                        parameter};
    if (lowerParam(statement, frame, scope) != Status::Done)
      return std::nullopt;
  }
  Steps steps;
  if (lowerBody(program.body, frame, scope, steps) != Status::Done)
    return std::nullopt;
  auto layer = finish(frame.name, std::move(steps), program.name.range);
  if (layer && layer->totals.instructions == 0)
    diagnostics_.report(DiagnosticCode::EmptyStream, program.name.range, frame.name);
  return layer;
}

std::optional<LoweredLayer> Lowerer::finish(std::string name, Steps steps, SourceRange at) {
  LoweredLayer layer;
  layer.program = builder_.finish(std::move(steps));
  const auto totals = layer.program.totals();
  if (!totals || totals->instructions > options_.limits.stream) {
    diagnostics_.report(DiagnosticCode::StreamTooLong, at, name, options_.limits.stream);
    return std::nullopt;
  }
  layer.totals = *totals;
  layer.mapping = std::move(name);
  layer.parameters = std::move(parameters_);
  for (const auto &room : rooms_) {
    const Allocation &a = room->allocation;
    layer.placements.push_back({a.name, room->tensor, a.memory, a.base, a.bytes, a.withBorder});
  }
  return layer;
}

bool Lowerer::checkOverrides(llvm::StringRef name, llvm::ArrayRef<ast::Parameter> parameters,
                             ast::Block body, SourceRange at) {
  std::vector<std::string_view> known;
  for (const ast::Parameter &parameter : parameters)
    known.emplace_back(parameter.name.text);
  for (const ast::Statement *statement : body)
    if (const auto *param = ast::dynCast<ast::ParamStatement>(statement))
      known.emplace_back(param->parameter.name.text);
  for (const ParameterOverride &entry : options_.overrides) {
    const auto [prefix, parameter] = llvm::StringRef(entry.name).split('.');
    if (prefix != name)
      continue;
    if (std::find(known.begin(), known.end(), std::string_view(parameter)) != known.end())
      continue;
    auto report = diagnostics_.report(DiagnosticCode::UnknownMappingParameter, at, name, parameter);
    if (const auto nearest = nearestName(parameter, known); !nearest.empty())
      report.note({}, fmt::format("did you mean '{}'?", nearest));
    return false;
  }
  return true;
}

//===--- Statements ---------------------------------------------------------------------------===//

Lowerer::Status Lowerer::lowerBody(ast::Block block, Frame &frame, Scope &scope, Steps &steps) {
  for (const ast::Statement *statement : block) {
    const Status status = lowerStatement(*statement, frame, scope, steps);
    if (status != Status::Done)
      return status;
  }
  return Status::Done;
}

Lowerer::Status Lowerer::lowerStatement(const ast::Statement &statement, Frame &frame, Scope &scope,
                                        Steps &steps) {
  using Kind = ast::StatementKind;
  switch (statement.kind) {
  case Kind::Let:
    return evaluator_.let(ast::cast<ast::LetStatement>(statement), scope) ? Status::Done : failed();
  case Kind::Require:
    return evaluator_.require(ast::cast<ast::RequireStatement>(statement), scope).value_or(false)
               ? Status::Done
               : failed();
  case Kind::Param:
    return lowerParam(ast::cast<ast::ParamStatement>(statement), frame, scope);
  case Kind::For: {
    const auto &loop = ast::cast<ast::ForStatement>(statement);
    const Status status = lowerFor(loop, 0, frame, scope, steps);
    if (status == Status::Done && !hasEffect(loop.body))
      diagnostics_.report(DiagnosticCode::LoopEmitsNothing, loop.headerRange);
    return status;
  }
  case Kind::If: {
    const auto &branch = ast::cast<ast::IfStatement>(statement);
    const auto condition = evaluator_.evaluateBool(*branch.condition, scope);
    if (!condition)
      return failed();
    Scope inner(&scope);
    return lowerBody(*condition ? branch.thenBlock : branch.elseBlock, frame, inner, steps);
  }
  case Kind::Place:
    return lowerPlace(ast::cast<ast::PlaceStatement>(statement), frame, scope);
  case Kind::Buffer:
    return lowerBuffer(ast::cast<ast::BufferStatement>(statement), frame, scope);
  case Kind::Emit:
    return lowerEmit(ast::cast<ast::EmitStatement>(statement), frame, scope, steps);
  case Kind::Via:
    return lowerVia(ast::cast<ast::ViaStatement>(statement), frame, scope, steps);
  default:
    ACADLC_CHECK(false, "a statement that no body takes");
    return Status::Failed;
  }
}

Lowerer::Status Lowerer::lowerParam(const ast::ParamStatement &statement, Frame &frame,
                                    Scope &scope) {
  const ast::Parameter &parameter = statement.parameter;
  const std::string name = frame.name + "." + parameter.name.text.str();
  // Given by `via … (name = value)`: already bound.
  if (scope.findLocal(parameter.name.text) == nullptr) {
    const bool isOverridden =
        std::any_of(options_.overrides.begin(), options_.overrides.end(),
                    [&](const ParameterOverride &entry) { return entry.name == name; });
    if (isOverridden) {
      auto value = overrideOf(parameter, name, scope);
      if (!value)
        return failed();
      scope.declare(parameter.name, std::move(*value));
    } else if (!evaluator_.bindDefault(parameter, scope, parameter.name.range, frame.name)) {
      return failed();
    }
  }
  const Symbol *symbol = scope.findLocal(parameter.name.text);
  const bool isReported = std::any_of(parameters_.begin(), parameters_.end(),
                                      [&](const auto &value) { return value.name == name; });
  if (symbol != nullptr && !isReported && !symbol->value.is(Value::Kind::Symbolic))
    parameters_.push_back({name, symbol->value.text()});
  return Status::Done;
}

//===--- Loops --------------------------------------------------------------------------------===//

Lowerer::Status Lowerer::lowerFor(const ast::ForStatement &statement, std::size_t header,
                                  Frame &frame, Scope &scope, Steps &steps) {
  if (header == statement.loops.size()) {
    Scope inner(&scope);
    return lowerBody(statement.body, frame, inner, steps);
  }
  const ast::LoopHeader &head = statement.loops[header];
  if (const auto *range = ast::dynCast<ast::RangeExpr>(head.iterated))
    return lowerRange(statement, header, *range, frame, scope, steps);
  const auto values = evaluator_.evaluate(*head.iterated, scope);
  return values ? lowerElements(statement, header, *values, frame, scope, steps) : failed();
}

Lowerer::Status Lowerer::lowerRange(const ast::ForStatement &statement, std::size_t header,
                                    const ast::RangeExpr &range, Frame &frame, Scope &scope,
                                    Steps &steps) {
  Loop loop;
  loop.statement = &statement;
  loop.header = header;
  const auto low = evaluator_.evaluate(*range.low, scope);
  const auto high = low ? evaluator_.evaluate(*range.high, scope) : std::nullopt;
  if (!high)
    return failed();
  const auto first = SymbolicValues::toLinear(*low), last = SymbolicValues::toLinear(*high);
  if (!first || !last) {
    diagnostics_.report(DiagnosticCode::NotIterable, range.range,
                        first ? high->typeName() : low->typeName());
    return Status::Failed;
  }
  if (const ast::Expr *step = loop.head().step) {
    const auto value = evaluator_.evaluateInt(*step, scope, "the step of a loop");
    if (!value)
      return failed();
    if (*value <= 0) {
      diagnostics_.report(DiagnosticCode::NonPositiveStep, step->range, *value);
      return Status::Failed;
    }
    loop.step = *value;
  }
  const auto length = values_.checked(values_.space().subtract(*last, *first), range.range);
  const auto known = length ? values_.requirePoint(*length, range.range) : std::nullopt;
  if (!known)
    return failed();
  if (*known < 0) {
    reportTripCount(range, *first, *last, *known);
    return Status::Failed;
  }
  loop.low = *first;
  loop.count = *known == 0 ? 0 : *checkedCeilDiv(*known, loop.step);
  return lowerLoop(loop, frame, scope, steps);
}

void Lowerer::reportTripCount(const ast::RangeExpr &range, const Linear &first, const Linear &last,
                              std::int64_t length) {
  diagnostics_.report(DiagnosticCode::NegativeTripCount, range.range, boundText(*range.low, first),
                      boundText(*range.high, last), length);
}

/// The number if it is one in all iterations, else the text.
std::string Lowerer::boundText(const ast::Expr &bound, const Linear &value) const {
  return value.isConstant() ? std::to_string(value.constant)
                            : "'" + std::string(sources_.textOf(bound.range)) + "'";
}

/// Objects of one class look alike, so their place in the list is said.
static std::string elementText(const Value &element, std::size_t number) {
  return element.isNumber() ? element.text() : fmt::format("element {}", number);
}

Lowerer::Status Lowerer::lowerElements(const ast::ForStatement &statement, std::size_t header,
                                       const Value &values, Frame &frame, Scope &scope,
                                       Steps &steps) {
  if (values.is(Value::Kind::Range) && values.dimension().isNone()) {
    Loop loop;
    loop.statement = &statement;
    loop.header = header;
    loop.low = SymbolicSpace::constant(values.rangeLow());
    const auto length = checkedSub(values.rangeHigh(), values.rangeLow());
    if (!length || *length < 0) {
      const SourceRange at = statement.loops[header].iterated->range;
      if (length)
        diagnostics_.report(DiagnosticCode::NegativeTripCount, at, values.rangeLow(),
                            values.rangeHigh(), *length);
      else
        diagnostics_.report(DiagnosticCode::MappingNumberTooLarge, at);
      return Status::Failed;
    }
    loop.count = *length;
    return lowerLoop(loop, frame, scope, steps);
  }
  const ast::LoopHeader &head = statement.loops[header];
  if (!values.is(Value::Kind::List) && !values.is(Value::Kind::Array)) {
    diagnostics_.report(DiagnosticCode::NotIterable, head.iterated->range, values.typeName());
    return Status::Failed;
  }
  unrolled_.push_back({head.name.range, static_cast<std::int64_t>(values.elements().size())});
  Status status = Status::Done;
  std::size_t number = 0; // of the element, from 1
  for (const Value &element : values.elements()) {
    ++number;
    Scope inner(&scope);
    inner.declare(head.name, element);
    status = lowerFor(statement, header + 1, frame, inner, steps);
    if (status != Status::Done)
      break;
  }
  if (status == Status::Failed && values_.space().depth() == 0)
    failedLoops_.push_back({&head, elementText(values.elements()[number - 1], number)});
  unrolled_.pop_back();
  return status;
}

LoopRange Lowerer::rangeOf(const Loop &loop, std::int64_t first, std::int64_t count) const {
  // The range of a loop that starts at a symbolic value counts from 0.
  const std::int64_t base = loop.low.isConstant() ? loop.low.constant : 0;
  return {base + first * loop.step, loop.step, count};
}

Lowerer::Status Lowerer::lowerIteration(const Loop &loop, Value value, Frame &frame, Scope &scope,
                                        Steps &steps) {
  Scope inner(&scope);
  inner.declare(loop.head().name, std::move(value));
  return lowerFor(*loop.statement, loop.header + 1, frame, inner, steps);
}

/// Iterations one by one, each with its value.
Lowerer::Status Lowerer::lowerIterations(const Loop &loop, std::int64_t first, std::int64_t count,
                                         Frame &frame, Scope &scope, Steps &steps) {
  unrolled_.push_back({loop.head().name.range, loop.count});
  Status status = Status::Done;
  // Each iteration counts as a step: what can't end well need not begin.
  if (static_cast<std::uint64_t>(count) > options_.limits.steps)
    steps_ = options_.limits.steps;
  for (std::int64_t i = first; i < first + count && status == Status::Done; ++i) {
    const auto value =
        values_.checked(values_.space().add(loop.low, SymbolicSpace::constant(i * loop.step)),
                        loop.head().name.range);
    if (!value || !countStep(loop.head().name.range))
      status = Status::Failed;
    else
      status = lowerIteration(loop, SymbolicValues::toValue(*value), frame, scope, steps);
    if (status == Status::Failed && value && values_.space().depth() == 0)
      failedLoops_.push_back({&loop.head(), std::to_string(value->constant)});
  }
  unrolled_.pop_back();
  return status;
}

/// Whether \p steps, the body of the only iteration of \p loop, must stay a repeat to be counted:
/// an iteration is one of an innermost loop, and around it there is none.
bool Lowerer::isCountedAlone(const Loop &loop, const Steps &steps) {
  return loop.count == 1 && values_.space().depth() == 0 && expansionDepth_ == 0 &&
         !steps.empty() && std::ranges::all_of(steps, [](const program::Step &step) {
           return step.kind == program::Step::Kind::Emit;
         });
}

/// Whether the variable of a loop chooses objects: such a loop would be unrolled if it had more
/// trips, and its trips are no iterations.
bool Lowerer::choosesObjects(const Loop &loop, Frame &frame, Scope &scope) {
  const DiagnosticEngine before = diagnostics_;
  SymbolicSpace &space = values_.space();
  const std::uint32_t depth = space.depth();
  space.pushLoop(rangeOf(loop, 0, 2)); // around it there is none, so it begins at a number
  Steps steps;
  const Status status =
      lowerIteration(loop, SymbolicValues::toValue(space.loopValue(depth)), frame, scope, steps);
  space.popLoop();
  values_.clearNeed();
  diagnostics_ = before;
  return status != Status::Done && status != Status::Failed;
}

/// All iterations of \p piece at once, with a symbolic value. A single one gets its value.
Lowerer::Status Lowerer::lowerPiece(const Loop &loop, Piece &piece, Frame &frame, Scope &scope) {
  piece.steps.clear();
  if (piece.count == 1) {
    const Status status = lowerIterations(loop, piece.first, 1, frame, scope, piece.steps);
    if (status == Status::Done && isCountedAlone(loop, piece.steps) &&
        !choosesObjects(loop, frame, scope)) {
      piece.isRepeat = true;
      piece.body = builder_.region(std::move(piece.steps), 1);
    }
    return status;
  }
  SymbolicSpace &space = values_.space();
  const std::uint32_t depth = space.depth();
  space.pushLoop(rangeOf(loop, piece.first, piece.count));
  Status status = Status::Failed;
  const Linear counter = space.loopValue(depth);
  const auto value = loop.low.isConstant()
                         ? std::optional(counter)
                         : values_.checked(space.add(loop.low, counter), loop.head().name.range);
  Steps steps;
  if (value)
    status = lowerIteration(loop, SymbolicValues::toValue(*value), frame, scope, steps);
  // The loop stays pushed while its need is looked at; lowerLoop pops it.
  if (status != Status::Done)
    return status;
  piece.isRepeat = true;
  piece.body = builder_.region(std::move(steps), depth + 1);
  return status;
}

std::int64_t Lowerer::splitPoint(const Loop &loop, const Piece &piece) {
  SymbolicSpace &space = values_.space();
  const Need need = *values_.need();
  // Each value of the loop gives another number: nothing can be lowered together.
  if (need.kind == Need::Kind::Point &&
      space.loopCoefficient(need.number, need.depth).value_or(0) != 0)
    return 0;
  std::int64_t low = 1, high = piece.count - 1;
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    space.setLoop(need.depth, rangeOf(loop, piece.first, middle));
    if (values_.isFulfilled(need))
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

Lowerer::Status Lowerer::lowerLoop(const Loop &loop, Frame &frame, Scope &scope, Steps &steps) {
  // Loops inside of one whose variable is a symbol are narrowed when that has become a number.
  if (isNarrowing_ || values_.space().depth() != 0)
    return lowerPieces(loop, frame, scope, steps);
  DiagnosticEngine before = diagnostics_;
  const std::uint64_t stepsBefore = steps_;
  const Status status = lowerPieces(loop, frame, scope, steps);
  // What takes long to lower is not lowered again and again.
  constexpr std::uint64_t cheap = 100'000;
  if (status == Status::Failed && failedLoops_.empty() && steps_ - stepsBefore <= cheap)
    narrowFailure(loop, frame, scope, std::move(before));
  return status;
}

Lowerer::Loop Lowerer::partOf(const Loop &loop, std::int64_t first, std::int64_t count) {
  Loop part = loop;
  part.low.constant += first * loop.step;
  part.count = count;
  return part;
}

/// What was reported last.
static std::optional<DiagnosticCode> lastCode(const DiagnosticEngine &diagnostics) {
  if (diagnostics.diagnostics().empty())
    return std::nullopt;
  return diagnostics.diagnostics().back().code;
}

/// Whether \p part, which fewer iterations than \p whole fail with, is the same mistake. What
/// leaves 64 bits in some iteration is an overflow like others where there is but one.
static bool isSameFailure(const DiagnosticEngine &part, const DiagnosticEngine &whole) {
  return lastCode(part) == lastCode(whole) ||
         (lastCode(part) == DiagnosticCode::ArithmeticOverflow &&
          lastCode(whole) == DiagnosticCode::MappingNumberTooLarge);
}

void Lowerer::narrowFailure(const Loop &loop, Frame &frame, Scope &scope, DiagnosticEngine before) {
  const DiagnosticEngine whole = diagnostics_;
  const auto fails = [&](const Loop &part) {
    Steps steps;
    diagnostics_ = before;
    const bool isFailed = lowerPieces(part, frame, scope, steps) == Status::Failed &&
                          isSameFailure(diagnostics_, whole);
    diagnostics_ = whole;
    failedLoops_.clear();
    return isFailed;
  };
  Loop part = loop;
  isNarrowing_ = true;
  while (part.count > 1) {
    const Loop front = partOf(part, 0, part.count / 2);
    part = fails(front) ? front : partOf(part, front.count, part.count - front.count);
  }
  isNarrowing_ = false;
  // With a number in its place, and loops inside narrowed in turn.
  diagnostics_ = std::move(before);
  Steps steps;
  if (lowerIterations(part, 0, 1, frame, scope, steps) == Status::Failed &&
      isSameFailure(diagnostics_, whole)) {
    if (lastCode(diagnostics_) != lastCode(whole))
      diagnostics_ = whole;
    return;
  }
  // Only all together fail.
  diagnostics_ = whole;
  const std::int64_t first = loop.low.constant;
  failedLoops_ = {{&loop.head(), std::to_string(first)}};
  if (loop.count != 1)
    failedLoops_ = {{&loop.head(),
                     fmt::format("{} to {}", first, first + (loop.count - 1) * loop.step), false}};
}

Lowerer::Status Lowerer::lowerPieces(const Loop &loop, Frame &frame, Scope &scope, Steps &steps) {
  if (loop.count == 0)
    return Status::Done;
  const Interval last = values_.space().interval(loop.low);
  if (const Int128 end = last.high + Int128{loop.count} * loop.step;
      !Interval{last.low, end}.fitsInt64()) {
    diagnostics_.report(DiagnosticCode::MappingNumberTooLarge, loop.head().name.range);
    return Status::Failed;
  }
  const std::uint32_t depth = values_.space().depth();
  std::vector<Piece> pieces;
  std::vector<Piece> open{{0, loop.count, false, 0, {}}}; // next one last
  while (!open.empty()) {
    Piece piece = std::move(open.back());
    open.pop_back();
    const Status status = lowerPiece(loop, piece, frame, scope);
    const bool isPushed = values_.space().depth() > depth;
    if (status == Status::Done || status == Status::Failed ||
        (values_.need()->depth != depth || !isPushed)) {
      if (isPushed)
        values_.space().popLoop();
      if (status != Status::Done)
        return status;
      pieces.push_back(std::move(piece));
      if (!checkPieces(loop, pieces))
        return Status::Failed;
      continue;
    }
    const std::int64_t together = splitPoint(loop, piece);
    values_.space().popLoop();
    values_.clearNeed();
    if (together == 0) {
      Piece single{piece.first, piece.count, false, 0, {}};
      const Status unrolled =
          lowerIterations(loop, piece.first, piece.count, frame, scope, single.steps);
      if (unrolled != Status::Done)
        return unrolled;
      pieces.push_back(std::move(single));
      continue;
    }
    open.push_back({piece.first + together, piece.count - together, false, 0, {}});
    open.push_back({piece.first, together, false, 0, {}});
  }
  appendPieces(loop, std::move(pieces), steps);
  return Status::Done;
}

/// Reports early that a loop falls into too many pieces: each is at least a step.
bool Lowerer::checkPieces(const Loop &loop, const std::vector<Piece> &pieces) {
  constexpr std::size_t enough = 10'000; // pieces from which the others can be foretold
  if (pieces.size() < enough)
    return true;
  const std::int64_t done = pieces.back().first + pieces.back().count;
  const Int128 foretold = Int128{loop.count} * static_cast<Int128>(pieces.size()) / done;
  if (foretold <= Int128{options_.limits.steps})
    return true;
  steps_ = options_.limits.steps;
  unrolled_.push_back({loop.head().name.range, loop.count});
  return countStep(loop.head().name.range);
}

void Lowerer::appendPieces(const Loop &loop, std::vector<Piece> pieces, Steps &steps) {
  const std::uint32_t depth = values_.space().depth();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    Piece &piece = pieces[i];
    if (!piece.isRepeat) {
      steps.insert(steps.end(), piece.steps.begin(), piece.steps.end());
      continue;
    }
    while (i + 1 < pieces.size() && pieces[i + 1].isRepeat && pieces[i + 1].body == piece.body)
      piece.count += pieces[++i].count;
    const LoopRange range = rangeOf(loop, piece.first, piece.count);
    program::Repeat repeat;
    repeat.first = range.first;
    repeat.step = range.step;
    repeat.count = range.count;
    repeat.body = piece.body;
    repeat.depth = depth;
    repeat.range = loop.statement->headerRange;
    steps.push_back({program::Step::Kind::Repeat, builder_.repeat(repeat)});
  }
}

//===--- Other mappings -----------------------------------------------------------------------===//

Lowerer::Status Lowerer::lowerVia(const ast::ViaStatement &statement, Frame &frame, Scope &scope,
                                  Steps &steps) {
  const Symbol *symbol = scope.find(statement.mapping.text);
  const auto *mapping =
      symbol != nullptr ? ast::dynCast<ast::MappingDeclaration>(symbol->declaration) : nullptr;
  if (mapping == nullptr) {
    diagnostics_.report(DiagnosticCode::UnknownName, statement.mapping.range, "mapping",
                        statement.mapping.text);
    return Status::Failed;
  }
  if (viaDepth_ >= options_.limits.viaDepth) {
    diagnostics_.report(DiagnosticCode::ViaTooDeep, statement.range, options_.limits.viaDepth);
    return Status::Failed;
  }
  if (!checkOverrides(mapping->name.text, {}, mapping->body, mapping->name.range))
    return Status::Failed;
  Frame inner;
  inner.name = mapping->name.text.str();
  inner.mapping = mapping;
  inner.id = frameIds_.emplace(std::pair(frame.id, &statement), frameIds_.size() + 1).first->second;
  std::vector<std::string> present;
  for (const ast::EpilogueStep &step : mapping->epilogue)
    if (!step.hasTensor && values_.present(step.function.text).value_or(false))
      present.push_back(step.function.text.str());
  for (const ast::View &view : statement.views) {
    if (frame.isAbsent(view.source.tensor.text))
      continue; // of a step that this layer has not got; then the other mapping has not either
    present.push_back(view.tensor.text.str());
    TensorEntry &entry = inner.tensors[view.tensor.text];
    entry.view = &view;
    entry.viewScope = &scope;
    entry.viewFrame = &frame;
  }
  Scope innerScope(symbol->home);
  if (!bindVia(statement, *mapping, scope, innerScope))
    return failed();
  std::vector<std::string> outer = values_.exchangePresent(std::move(present));
  if (mapping->guard != nullptr && !checkViaGuard(statement, *mapping, innerScope)) {
    values_.exchangePresent(std::move(outer));
    return failed();
  }
  ++viaDepth_;
  const Status status = lowerBody(mapping->body, inner, innerScope, steps);
  --viaDepth_;
  values_.exchangePresent(std::move(outer));
  return status;
}

/// Matching does not see what `via` asks for, so the guard is asked here.
bool Lowerer::checkViaGuard(const ast::ViaStatement &statement,
                            const ast::MappingDeclaration &mapping, const Scope &inner) {
  const auto holds = evaluator_.evaluateBool(*mapping.guard, inner);
  if (holds && !*holds)
    diagnostics_
        .report(DiagnosticCode::ViaGuardFails, statement.range, mapping.name.text,
                sources_.textOf(mapping.guard->range))
        .note(mapping.guard->range, "the condition");
  return holds && *holds;
}

bool Lowerer::bindVia(const ast::ViaStatement &statement, const ast::MappingDeclaration &mapping,
                      const Scope &scope, Scope &inner) {
  const auto bind = [&](const ast::Identifier &name) {
    for (const ast::Argument &argument : statement.extents) {
      if (argument.name.text != name.text)
        continue;
      auto value = evaluator_.evaluate(*argument.value, scope);
      if (value)
        inner.declare(name, std::move(*value));
      return value.has_value();
    }
    diagnostics_.report(DiagnosticCode::ArgumentNotGiven, statement.range,
                        fmt::format("'{}'", mapping.name.text.str()),
                        fmt::format("'{}'", name.text.str()));
    return false;
  };
  for (const ast::HeaderIndex &index : mapping.indices)
    if (!bind(index.extent))
      return false;
  for (const ast::Identifier &coefficient : mapping.coefficients)
    if (!bind(coefficient))
      return false;
  inner.declare(mapping.architectureName, architecture_.instance);
  for (const ast::Argument &argument : statement.parameters) {
    auto value = evaluator_.evaluate(*argument.value, scope);
    if (!value)
      return false;
    inner.declare(argument.name, std::move(*value));
  }
  return true;
}

std::optional<DiagnosticNote> Lowerer::failedIteration() const {
  if (failedLoops_.empty())
    return std::nullopt;
  std::string text;
  bool isOne = true;
  for (auto loop = failedLoops_.rbegin(); loop != failedLoops_.rend(); ++loop) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", loop->header->name.text.str(),
                        loop->values);
    isOne = isOne && loop->isOne;
  }
  return DiagnosticNote{failedLoops_.front().header->name.range,
                        (isOne ? "in the iteration " : "in one of the iterations ") + text};
}

//===--- Interface ----------------------------------------------------------------------------===//

bool guardHolds(const Match &match, const ElaboratedArchitecture &architecture, const Scope &home,
                DiagnosticEngine &diagnostics) {
  const ast::Expr *guard = match.mapping->guard;
  if (guard == nullptr)
    return true;
  Scope scope(&home);
  declareHeader(match, architecture, scope);
  declareTensors(match, scope);
  // Symbolic only for `present`, which bodies may ask as well.
  SymbolicValues values(diagnostics);
  values.exchangePresent(presentSteps(match));
  return Evaluator(diagnostics, {}, &values).evaluateBool(*guard, scope).value_or(false);
}

std::optional<double> numberInHeader(const ast::Expr &expr, const Match &match,
                                     const ElaboratedArchitecture &architecture, const Scope &home,
                                     DiagnosticEngine &diagnostics) {
  Scope scope(&home);
  declareHeader(match, architecture, scope);
  const auto value = Evaluator(diagnostics).evaluate(expr, scope);
  if (!value || !value->isNumber() || !value->dimension().isNone())
    return std::nullopt;
  return value->is(Value::Kind::Int) ? static_cast<double>(value->asInt()) : value->asReal();
}

namespace {

/// Runs a lowerer with \p run; an error says in which iteration it came up.
template <typename Run>
std::optional<LoweredLayer> lowerWith(const ElaboratedArchitecture &architecture,
                                      SourceManager &sources, DiagnosticEngine &diagnostics,
                                      const LoweringOptions &options, const Run &run) {
  DiagnosticEngine own;
  Lowerer lowerer(architecture, sources, own, options);
  std::optional<LoweredLayer> layer = run(lowerer);
  const std::optional<DiagnosticNote> iteration = lowerer.failedIteration();
  // How far it had come when there was too much of it says nothing.
  const bool isTooLong = std::ranges::any_of(own.diagnostics(), [](const Diagnostic &diagnostic) {
    return diagnostic.code == DiagnosticCode::UnrollsTooFar;
  });
  if (!layer && iteration && !isTooLong)
    diagnostics.append(own, *iteration);
  else
    diagnostics.append(own);
  return layer;
}

} // namespace

std::optional<LoweredLayer> lower(const Match &match, const ElaboratedArchitecture &architecture,
                                  const Scope &home, SourceManager &sources,
                                  DiagnosticEngine &diagnostics, const LoweringOptions &options) {
  return lowerWith(architecture, sources, diagnostics, options,
                   [&](Lowerer &lowerer) { return lowerer.run(match, home); });
}

std::optional<LoweredLayer> lower(const ast::ProgramDeclaration &program,
                                  const ElaboratedArchitecture &architecture, const Scope &home,
                                  SourceManager &sources, DiagnosticEngine &diagnostics,
                                  const LoweringOptions &options) {
  return lowerWith(architecture, sources, diagnostics, options,
                   [&](Lowerer &lowerer) { return lowerer.run(program, home); });
}

} // namespace acadlc::mapping
