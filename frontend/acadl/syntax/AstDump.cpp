#include "frontend/acadl/syntax/Parser.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/Format.h>
#include <llvm/Support/raw_ostream.h>

namespace acadlc {

namespace {

using namespace ast;

/// Prints one node a line, children indented. Sample:
///
///     Object multiply: FunctionalUnit @3:5
///       Attribute latency
///         Number 1 cycle @3:42
class Dumper {
public:
  Dumper(const SourceManager &sources, std::string &text) : sources_(sources), out_(text) {}

  void dump(const SourceFile &file) {
    line("SourceFile", {});
    const Indentation inner(*this);
    documentation(file.documentation);
    for (const Declaration *node : file.declarations)
      dump(*node);
  }

private:
  class Indentation {
  public:
    explicit Indentation(Dumper &dumper) : dumper_(dumper) { ++dumper_.depth_; }
    ~Indentation() { --dumper_.depth_; }
    Indentation(const Indentation &) = delete;
    Indentation &operator=(const Indentation &) = delete;

  private:
    Dumper &dumper_;
  };

  void line(const llvm::Twine &words, SourceRange range) {
    out_.indent(2 * depth_) << words;
    if (range.isValid()) {
      const LineColumn place = sources_.lineColumn(range.begin);
      out_ << " @" << place.line + 1 << ':' << place.column + 1;
    }
    out_ << '\n';
  }

  // ---- words
  static std::string nameOf(const Identifier &name) {
    return name.isValid() ? name.text.str() : "<missing>";
  }
  static std::string nameOf(const QualifiedName &name) {
    if (name.parts.empty())
      return "<missing>";
    return llvm::join(llvm::map_range(name.parts, [](const Identifier &part) { return part.text; }),
                      ".");
  }
  static std::string nameOf(const TypeRef &type) {
    return nameOf(type.name) + (type.element.isValid() ? "<" + type.element.text.str() + ">" : "");
  }
  static std::string typeSuffix(const TypeRef &type) {
    return type.isValid() ? ": " + nameOf(type) : std::string();
  }
  static std::string namesOf(llvm::ArrayRef<Identifier> names) {
    return llvm::join(llvm::map_range(names, [](const Identifier &name) { return nameOf(name); }),
                      ", ");
  }
  static std::string namesOf(llvm::ArrayRef<QualifiedName> names) {
    return llvm::join(
        llvm::map_range(names, [](const QualifiedName &name) { return nameOf(name); }), ", ");
  }
  static std::string quoted(llvm::StringRef text) {
    std::string result;
    llvm::raw_string_ostream stream(result);
    stream << '"';
    llvm::printEscapedString(text, stream);
    stream << '"';
    return result;
  }

  // ---- pieces
  void documentation(llvm::StringRef text) {
    if (!text.empty())
      line("Documentation " + quoted(text), {});
  }
  void child(const llvm::Twine &words, const Expr *value) {
    if (value == nullptr)
      return;
    line(words, {});
    const Indentation inner(*this);
    dump(value);
  }
  void children(const llvm::Twine &words, llvm::ArrayRef<const Expr *> values) {
    if (values.empty())
      return;
    line(words, {});
    const Indentation inner(*this);
    for (const Expr *value : values)
      dump(value);
  }
  void body(const llvm::Twine &words, Block block) {
    if (block.empty())
      return;
    line(words, {});
    const Indentation inner(*this);
    for (const Statement *statement : block)
      dump(*statement);
  }
  void arguments(llvm::ArrayRef<Argument> list, llvm::StringRef what = "Argument") {
    for (const Argument &argument : list)
      child(argument.name.isValid() ? (what + " " + argument.name.text).str() : what.str(),
            argument.value);
  }
  void attributes(llvm::ArrayRef<Attribute> list) {
    for (const Attribute &attribute : list) {
      line("Attribute " + nameOf(attribute.name), attribute.name.range);
      const Indentation inner(*this);
      dump(attribute.value);
    }
  }
  void loops(llvm::ArrayRef<LoopHeader> headers) {
    for (const LoopHeader &header : headers) {
      line("Loop " + nameOf(header.name), header.name.range);
      const Indentation inner(*this);
      dump(header.iterated);
      child("Step", header.step);
    }
  }
  void parameter(const Parameter &parameter) {
    line("Parameter " + nameOf(parameter.name) + typeSuffix(parameter.type), parameter.name.range);
    const Indentation inner(*this);
    documentation(parameter.documentation);
    child("Default", parameter.defaultValue);
  }
  void parameters(llvm::ArrayRef<Parameter> list) {
    for (const Parameter &item : list)
      parameter(item);
  }
  void declarators(llvm::ArrayRef<Declarator> list) {
    for (const Declarator &declarator : list)
      if (!declarator.bounds.empty())
        children("Bounds of " + nameOf(declarator.name), declarator.bounds);
  }
  static std::string namesOf(llvm::ArrayRef<Declarator> list) {
    return llvm::join(
        llvm::map_range(list, [](const Declarator &item) { return nameOf(item.name); }), ", ");
  }
  void access(const llvm::Twine &words, const TensorAccess &access) {
    line(words + nameOf(access.tensor), access.range);
    const Indentation inner(*this);
    for (const Expr *index : access.indices)
      dump(index);
  }

  // ---- nodes
  void dump(const Expr *expr);
  void dump(const Statement &statement);
  void dumpRest(const Statement &statement);
  void dump(const ObjectStatement &node);
  void dump(const EdgeStatement &node);
  void dump(const ViaStatement &node);
  void dump(const Declaration &declaration);
  void dump(const InstructionDeclaration &node);
  void dump(const Phase &phase);
  void dump(const Expansion &expansion);
  void dump(const MappingDeclaration &node);
  void dump(const EpilogueStep &step);

  const SourceManager &sources_;
  llvm::raw_string_ostream out_;
  unsigned depth_ = 0;
};

void Dumper::dump(const Expr *expr) {
  if (expr == nullptr)
    return;
  const SourceRange at = expr->range;
  const auto open = [&](const llvm::Twine &words) {
    line(words, at);
    return Indentation(*this);
  };
  switch (expr->kind) {
  case ExprKind::Error:
    return line("Error", at);
  case ExprKind::Number: {
    const auto &node = cast<NumberExpr>(*expr);
    std::string value = std::to_string(node.integer);
    if (!node.isInteger) {
      value.clear();
      llvm::raw_string_ostream(value) << llvm::format("%g", node.real);
    }
    return line("Number " + value + (node.unit.isValid() ? " " + node.unit.text.str() : ""), at);
  }
  case ExprKind::String:
    return line("String " + quoted(cast<StringExpr>(*expr).value), at);
  case ExprKind::Bool:
    return line(cast<BoolExpr>(*expr).value ? "Bool true" : "Bool false", at);
  case ExprKind::Name:
    return line("Name " + cast<NameExpr>(*expr).name, at);
  case ExprKind::Member: {
    const auto &node = cast<MemberExpr>(*expr);
    const auto inner = open("Member " + nameOf(node.member));
    return dump(node.object);
  }
  case ExprKind::Index: {
    const auto &node = cast<IndexExpr>(*expr);
    const auto inner = open("Index");
    dump(node.object);
    for (const Expr *index : node.indices)
      dump(index);
    return;
  }
  case ExprKind::Call: {
    const auto &node = cast<CallExpr>(*expr);
    const auto inner = open("Call");
    dump(node.callee);
    return arguments(node.arguments);
  }
  case ExprKind::Unary: {
    const auto &node = cast<UnaryExpr>(*expr);
    const auto inner = open(node.op == UnaryOperator::Not ? "Unary not" : "Unary -");
    return dump(node.operand);
  }
  case ExprKind::Binary: {
    const auto &node = cast<BinaryExpr>(*expr);
    const auto inner = open("Binary " + spelling(node.op));
    dump(node.left);
    return dump(node.right);
  }
  case ExprKind::Range: {
    const auto inner = open("Range");
    dump(cast<RangeExpr>(*expr).low);
    return dump(cast<RangeExpr>(*expr).high);
  }
  case ExprKind::Conditional: {
    const auto &node = cast<ConditionalExpr>(*expr);
    const auto inner = open("Conditional");
    dump(node.condition);
    dump(node.thenValue);
    return dump(node.elseValue);
  }
  case ExprKind::List: {
    const auto inner = open("List");
    for (const Expr *element : cast<ListExpr>(*expr).elements)
      dump(element);
    return;
  }
  case ExprKind::Comprehension: {
    const auto &node = cast<ComprehensionExpr>(*expr);
    const auto inner = open("Comprehension");
    loops(node.loops);
    return dump(node.value);
  }
  case ExprKind::Table: {
    const auto inner = open("Table");
    for (const TableEntry &entry : cast<TableExpr>(*expr).entries)
      child("Entry " + nameOf(entry.key), entry.value);
    return;
  }
  }
}

void Dumper::dump(const Statement &statement) {
  const SourceRange at = statement.range;
  const auto open = [&](const llvm::Twine &words) {
    line(words, at);
    return Indentation(*this);
  };
  switch (statement.kind) {
  case StatementKind::Let: {
    const auto inner = open("Let");
    for (const Binding &binding : cast<LetStatement>(statement).bindings)
      child("Binding " + nameOf(binding.name) + typeSuffix(binding.type), binding.value);
    return;
  }
  case StatementKind::Require: {
    const auto &node = cast<RequireStatement>(statement);
    const auto inner =
        open("Require" + (node.message.empty() ? std::string() : " " + quoted(node.message)));
    return dump(node.condition);
  }
  case StatementKind::For: {
    const auto &node = cast<ForStatement>(statement);
    const auto inner = open("For");
    loops(node.loops);
    return body("Body", node.body);
  }
  case StatementKind::If: {
    const auto &node = cast<IfStatement>(statement);
    const auto inner = open("If");
    dump(node.condition);
    body("Then", node.thenBlock);
    return body("Else", node.elseBlock);
  }
  case StatementKind::Param: {
    const auto inner = open("Param");
    return parameter(cast<ParamStatement>(statement).parameter);
  }
  case StatementKind::Assign: {
    const auto inner = open("Assign " + nameOf(cast<AssignStatement>(statement).name));
    return dump(cast<AssignStatement>(statement).value);
  }
  case StatementKind::Return: {
    const auto inner = open("Return");
    return dump(cast<ReturnStatement>(statement).value);
  }
  default:
    return dumpRest(statement);
  }
}

/// Statements of structures, mappings and programs.
void Dumper::dumpRest(const Statement &statement) {
  const SourceRange at = statement.range;
  const auto open = [&](const llvm::Twine &words) {
    line(words, at);
    return Indentation(*this);
  };
  switch (statement.kind) {
  case StatementKind::Port: {
    const auto &node = cast<PortStatement>(statement);
    const auto inner = open("Port " + namesOf(node.declarators) + ": " + nameOf(node.edge) +
                            (node.isOut ? " out" : " in"));
    return declarators(node.declarators);
  }
  case StatementKind::Object:
    return dump(cast<ObjectStatement>(statement));
  case StatementKind::Edge:
    return dump(cast<EdgeStatement>(statement));
  case StatementKind::Clock: {
    const auto inner = open("Clock");
    return dump(cast<ClockStatement>(statement).frequency);
  }
  case StatementKind::Route: {
    const auto &node = cast<RouteStatement>(statement);
    const auto inner = open("Route " + nameOf(node.name));
    parameters(node.parameters);
    return dump(node.channels);
  }
  case StatementKind::LocalDeclaration:
    if (const Declaration *local = cast<LocalDeclarationStatement>(statement).declaration)
      dump(*local);
    return;
  case StatementKind::Place: {
    const auto &node = cast<PlaceStatement>(statement);
    const auto inner =
        open("Place " + namesOf(node.tensors) + (node.withBorder ? " with border" : ""));
    dump(node.storage);
    return child("At", node.address);
  }
  case StatementKind::Buffer: {
    const auto &node = cast<BufferStatement>(statement);
    const auto inner = open("Buffer " + nameOf(node.name) + ": " + nameOf(node.elementType));
    children("Shape", node.shape);
    return dump(node.storage);
  }
  case StatementKind::Emit: {
    const auto &node = cast<EmitStatement>(statement);
    const auto inner = open("Emit " + nameOf(node.instruction));
    arguments(node.arguments);
    child("On", node.unit);
    return child("Over", node.over);
  }
  case StatementKind::Via:
    return dump(cast<ViaStatement>(statement));
  default:
    return;
  }
}

void Dumper::dump(const ObjectStatement &node) {
  line("Object " + namesOf(node.declarators) + ": " + nameOf(node.type), node.range);
  const Indentation inner(*this);
  documentation(node.documentation);
  declarators(node.declarators);
  arguments(node.arguments);
  attributes(node.attributes);
  for (const UnitStep &step : node.steps)
    line("Step " + namesOf(step.taken) +
             (step.behind.empty() ? std::string() : " before " + namesOf(step.behind)),
         step.range);
  body("Contains", node.contents);
  for (const Hazard &hazard : node.hazards)
    line("Hazard " + nameOf(hazard.waiting) + " waits for " + namesOf(hazard.awaited) + " " +
             nameOf(hazard.event) +
             (hazard.where.isValid() ? " where " + hazard.where.text.str() : ""),
         hazard.range);
}

void Dumper::dump(const EdgeStatement &node) {
  line("Edge", node.range);
  const Indentation inner(*this);
  for (std::size_t i = 0; i < node.ends.size(); ++i) {
    dump(node.ends[i]);
    if (i < node.arrows.size())
      line(node.arrows[i] == ArrowKind::Forward ? "->" : "=>", node.arrowRanges[i]);
  }
}

void Dumper::dump(const ViaStatement &node) {
  line("Via " + nameOf(node.mapping), node.range);
  const Indentation inner(*this);
  arguments(node.extents, "Extent");
  arguments(node.parameters);
  for (const View &view : node.views)
    access("View " + nameOf(view.tensor) + "[" + namesOf(view.indices) + "] = ", view.source);
}

void Dumper::dump(const Declaration &declaration) {
  if (const auto *node = dynCast<InstructionDeclaration>(&declaration))
    return dump(*node);
  if (const auto *node = dynCast<MappingDeclaration>(&declaration))
    return dump(*node);
  const std::string name = nameOf(declaration.name);
  const auto open = [&](const llvm::Twine &words) {
    line(words, declaration.range);
    Indentation inner(*this);
    documentation(declaration.documentation);
  };
  const auto structure = [&](const StructureDeclaration &node) {
    const Indentation inner(*this);
    parameters(node.parameters);
    body("Body", node.body);
  };
  if (const auto *node = dynCast<ImportDeclaration>(&declaration)) {
    open("Import " + quoted(node->path) + (node->name.isValid() ? " as " + name : ""));
  } else if (const auto *enumeration = dynCast<EnumDeclaration>(&declaration)) {
    open("Enum " + name + ": " + namesOf(enumeration->enumerators));
  } else if (const auto *constant = dynCast<ConstantDeclaration>(&declaration)) {
    open("Constant " + name + typeSuffix(constant->type));
    const Indentation inner(*this);
    dump(constant->value);
  } else if (const auto *function = dynCast<FunctionDeclaration>(&declaration)) {
    open("Function " + name + typeSuffix(function->result));
    const Indentation inner(*this);
    parameters(function->parameters);
    dump(function->value);
    body("Body", function->body);
  } else if (const auto *tmpl = dynCast<TemplateDeclaration>(&declaration)) {
    open("Template " + name);
    structure(*tmpl);
  } else if (const auto *architecture = dynCast<ArchitectureDeclaration>(&declaration)) {
    open("Architecture " + name);
    structure(*architecture);
  } else if (const auto *program = dynCast<ProgramDeclaration>(&declaration)) {
    open("Program " + name + " on " + nameOf(program->architectureName) + ": " +
         nameOf(program->architecture));
    const Indentation inner(*this);
    parameters(program->parameters);
    body("Body", program->body);
  } else if (const auto *prefer = dynCast<PreferDeclaration>(&declaration)) {
    open("Prefer " + name + " over " + namesOf(prefer->others));
  } else if (const auto *experiment = dynCast<ExperimentDeclaration>(&declaration)) {
    open("Experiment " + name + " for " + (experiment->isOfProgram ? "program " : "mapping ") +
         nameOf(experiment->target));
    const Indentation inner(*this);
    attributes(experiment->attributes);
    child("Where", experiment->condition);
  } else if (const auto *scalar = dynCast<ScalarDeclaration>(&declaration)) {
    open("Scalar on " + nameOf(scalar->architectureName) + ": " + nameOf(scalar->architecture));
    const Indentation inner(*this);
    for (const LetStatement *let : scalar->lets)
      if (let != nullptr)
        dump(static_cast<const Statement &>(*let));
    attributes(scalar->attributes);
    for (const ScalarOperation &operation : scalar->operations) {
      line("Operation " + nameOf(operation.name) + "(" + namesOf(operation.parameters) + ")",
           operation.range);
      const Indentation deeper(*this);
      body("Body", operation.body);
    }
  }
}

llvm::StringRef spelling(OperandDirection direction) {
  switch (direction) {
  case OperandDirection::None:
    return "";
  case OperandDirection::In:
    return "in ";
  case OperandDirection::Out:
    return "out ";
  case OperandDirection::InOut:
    return "inout ";
  }
  return "";
}

void Dumper::dump(const InstructionDeclaration &node) {
  line("Instruction " + nameOf(node.name), node.range);
  const Indentation inner(*this);
  documentation(node.documentation);
  for (const Operand &operand : node.operands) {
    line("Operand " + nameOf(operand.name) + ": " + spelling(operand.direction).str() +
             nameOf(operand.type),
         operand.name.range);
    const Indentation deeper(*this);
    child("Default", operand.defaultValue);
  }
  attributes(node.attributes);
  for (const Phase &phase : node.phases)
    dump(phase);
  for (const Expansion &expansion : node.expansions)
    dump(expansion);
  for (const RequireStatement *requirement : node.requirements)
    dump(static_cast<const Statement &>(*requirement));
}

void Dumper::dump(const Expansion &expansion) {
  line("Expands", expansion.range);
  const Indentation inner(*this);
  arguments(expansion.limits, "Limit");
  body("Body", expansion.body);
}

void Dumper::dump(const Phase &phase) {
  line("Phase " + nameOf(phase.name), phase.range);
  const Indentation inner(*this);
  child(phase.isOver ? "Over" : "On", phase.object);
  child("For", phase.duration);
  if (!phase.after.empty())
    line("After " + namesOf(phase.after), {});
  if (phase.afterStep.isValid())
    line("After step", phase.afterStep);
  child("Distance", phase.stepDistance);
  for (const PhaseClauseHolding &holding : phase.holding)
    child("Holding until " + nameOf(holding.until), holding.object);
  if (!phase.signals.empty())
    line("Signals " + namesOf(phase.signals), {});
  if (phase.together.isValid())
    line("Together", phase.together);
  if (phase.expansion != nullptr)
    dump(*phase.expansion);
}

llvm::StringRef spelling(AssignOperator assign) {
  switch (assign) {
  case AssignOperator::Assign:
    return "=";
  case AssignOperator::Sum:
    return "+=";
  case AssignOperator::Max:
    return "max=";
  case AssignOperator::Min:
    return "min=";
  }
  return "";
}

void Dumper::dump(const MappingDeclaration &node) {
  line("Mapping " + nameOf(node.name) + " on " + nameOf(node.architectureName) + ": " +
           nameOf(node.architecture),
       node.range);
  const Indentation inner(*this);
  documentation(node.documentation);
  for (const HeaderIndex &index : node.indices)
    line((index.isReduction ? "Reduction " : "Index ") + nameOf(index.name) + " < " +
             nameOf(index.extent),
         index.name.range);
  if (!node.coefficients.empty())
    line("Coefficients " + namesOf(node.coefficients), {});
  access("Result ", node.result);
  child("Value " + spelling(node.assign), node.value);
  if (!node.zeroOutside.empty())
    line("Zero outside " + namesOf(node.zeroOutside), {});
  for (const EpilogueStep &step : node.epilogue)
    dump(step);
  for (const AcceptedElement &element : node.accepts)
    line("Accepts " + nameOf(element.element) +
             (element.as.isValid() ? " as " + element.as.text.str() : ""),
         element.element.range);
  child("Where", node.guard);
  body("Body", node.body);
}

void Dumper::dump(const EpilogueStep &step) {
  const std::string what = step.isOptional ? "Then optional" : "Then";
  if (step.hasTensor) {
    line(what + " " + spelling(step.op), step.range);
    const Indentation inner(*this);
    return access("Tensor ", step.tensor);
  }
  line(what + " " + nameOf(step.function), step.range);
  const Indentation inner(*this);
  arguments(step.arguments);
}

} // namespace

std::string dumpAst(const SourceFile &file, const SourceManager &sources) {
  std::string text;
  Dumper(sources, text).dump(file);
  return text;
}

} // namespace acadlc
