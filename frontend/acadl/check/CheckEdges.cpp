#include "frontend/acadl/check/CheckEdges.h"

#include <fmt/format.h>

namespace acadlc::checking {

using arch::EdgeKind;
using llvm::StringRef;
using Kind = Type::Kind;

namespace {

/// One end of an edge: an object or a port, or each of an array of these.
struct End {
  const ast::Expr *expr = nullptr;
  Type type;
  bool isArray = false;
};

/// Whether two expressions are the same text: `pe[r][c]` and `pe[r][c]`.
bool isSame(const ast::Expr *a, const ast::Expr *b) {
  if (!a || !b || a->kind != b->kind)
    return false;
  if (const auto *name = ast::dynCast<ast::NameExpr>(a))
    return name->name == ast::cast<ast::NameExpr>(*b).name;
  if (const auto *number = ast::dynCast<ast::NumberExpr>(a))
    return number->isInteger && number->integer == ast::cast<ast::NumberExpr>(*b).integer;
  if (const auto *member = ast::dynCast<ast::MemberExpr>(a)) {
    const auto &other = ast::cast<ast::MemberExpr>(*b);
    return member->member.text == other.member.text && isSame(member->object, other.object);
  }
  if (const auto *index = ast::dynCast<ast::IndexExpr>(a)) {
    const auto &other = ast::cast<ast::IndexExpr>(*b);
    if (index->indices.size() != other.indices.size() || !isSame(index->object, other.object))
      return false;
    for (std::size_t i = 0; i < index->indices.size(); ++i)
      if (!isSame(index->indices[i], other.indices[i]))
        return false;
    return true;
  }
  return false;
}

StringRef edgeText(EdgeKind kind) {
  switch (kind) {
  case EdgeKind::Forward:
    return "FORWARD";
  case EdgeKind::ReadData:
    return "READ_DATA";
  case EdgeKind::WriteData:
    return "WRITE_DATA";
  case EdgeKind::Contains:
    return "CONTAINS";
  }
  return "";
}

std::string classNames(llvm::ArrayRef<arch::ObjectClass> classes, StringRef word) {
  llvm::SmallVector<StringRef> names;
  for (const arch::ObjectClass c : classes)
    names.push_back(builtins::classInfo(c).name);
  return joinNames(names, word);
}

class EdgeChecker {
public:
  EdgeChecker(Expressions &expressions, const ast::EdgeStatement &statement, Names &names)
      : expressions_(expressions), diagnostics_(expressions.diagnostics()), statement_(statement),
        names_(names) {}

  void run() {
    std::vector<std::vector<End>> ends(statement_.ends.size());
    for (std::size_t i = 0; i < ends.size(); ++i)
      collect(statement_.ends[i], ends[i]);
    for (std::size_t i = 0; i + 1 < ends.size() && i < statement_.arrows.size(); ++i)
      for (const End &source : ends[i])
        for (const End &target : ends[i + 1])
          checkEdge(source, target, statement_.arrows[i], statement_.arrowRanges[i]);
  }

private:
  void collect(const ast::Expr *expr, std::vector<End> &ends) {
    if (!expr)
      return;
    if (const auto *list = ast::dynCast<ast::ListExpr>(expr)) {
      for (const ast::Expr *element : list->elements)
        collect(element, ends);
      return;
    }
    Type type = expressions_.check(expr, names_);
    bool isArray = false;
    while (type.is(Kind::Array) || type.is(Kind::List)) {
      type = type.elementType();
      isArray = true;
    }
    if (type.isError())
      return;
    if (type.is(Kind::Object) || type.is(Kind::Port)) {
      ends.push_back({expr, type, isArray});
      return;
    }
    auto report = diagnostics_.report(DiagnosticCode::WrongEdgeEnd, expr->range, type.text());
    if (type.is(Kind::Instance) && type.structure)
      notePorts(report, *type.structure);
  }

  static void notePorts(DiagnosticBuilder &report, const ast::StructureDeclaration &structure) {
    std::vector<std::string> ports;
    for (const ast::Statement *statement : structure.body)
      if (const auto *port = ast::dynCast<ast::PortStatement>(statement))
        for (const ast::Declarator &declarator : port->declarators)
          ports.push_back(declarator.name.text.str());
    if (!ports.empty())
      report.note(structure.name.range,
                  fmt::format("its ports are {}", joinNames(ports, "and", true)));
  }

  /// `->` joins forward ports, `=>` read and write ports.
  bool checkPort(const End &end, ast::ArrowKind arrow, bool isSource, SourceRange arrowRange) {
    const ast::PortStatement &port = *end.type.port;
    if (!llvm::is_contained(builtins::portKinds(), port.edge.text))
      return false; // reported at the port
    const bool isForwardPort = port.edge.text == "forward";
    if (isForwardPort != (arrow == ast::ArrowKind::Forward)) {
      diagnostics_
          .report(DiagnosticCode::WrongPortKind, end.expr->range, port.edge.text,
                  isForwardPort ? "->" : "=>")
          .fixIt(arrowRange, isForwardPort ? "->" : "=>")
          .note(port.range, "declared here");
      return false;
    }
    // Inside its template an in port is where something comes from, outside where it goes to.
    const bool actsAsSource = port.isOut != end.type.isPortInside;
    if (actsAsSource == isSource)
      return true;
    diagnostics_
        .report(DiagnosticCode::WrongPortDirection, end.expr->range,
                port.isOut ? "an out port" : "an in port",
                end.type.isPortInside ? "inside its template" : "outside its template",
                actsAsSource ? "starts" : "ends")
        .note(port.range, "declared here");
    return false;
  }

  static EdgeKind kindOf(const ast::PortStatement &port) {
    if (port.edge.text == "forward")
      return EdgeKind::Forward;
    return port.edge.text == "read" ? EdgeKind::ReadData : EdgeKind::WriteData;
  }

  void checkEdge(const End &source, const End &target, ast::ArrowKind arrow,
                 SourceRange arrowRange) {
    const bool isSourcePort = source.type.is(Kind::Port);
    const bool isTargetPort = target.type.is(Kind::Port);
    if ((isSourcePort && !checkPort(source, arrow, true, arrowRange)) ||
        (isTargetPort && !checkPort(target, arrow, false, arrowRange)))
      return;
    if (!source.isArray && !target.isArray && isSame(source.expr, target.expr)) {
      diagnostics_.report(
          DiagnosticCode::SelfEdge, target.expr->range,
          expressions_.checker().compilation().sources().textOf(target.expr->range));
      return;
    }
    if (isSourcePort && isTargetPort) {
      if (kindOf(*source.type.port) != kindOf(*target.type.port))
        diagnostics_
            .report(DiagnosticCode::DifferentPorts, arrowRange, source.type.port->edge.text,
                    target.type.port->edge.text)
            .note(source.type.port->range, "one port")
            .note(target.type.port->range, "the other port");
      return;
    }
    if (isSourcePort || isTargetPort)
      checkHalfEdge(isSourcePort ? target : source,
                    kindOf(isSourcePort ? *source.type.port : *target.type.port), !isSourcePort);
    else if (source.type.objectClass && target.type.objectClass)
      checkObjects(source, target, arrow, arrowRange);
  }

  /// An edge between an object and a port: some object behind the port must fit.
  void checkHalfEdge(const End &object, EdgeKind kind, bool isSource) {
    if (!object.type.objectClass)
      return;
    const arch::ObjectClass objectClass = object.type.objectClass->objectClass;
    const bool isPossible = isSource ? !builtins::allowedTargets(kind, objectClass).empty()
                                     : !builtins::allowedSources(kind, objectClass).empty();
    if (isPossible)
      return;
    diagnostics_.report(DiagnosticCode::NoSuchEdge, object.expr->range, edgeText(kind),
                        isSource ? "starts" : "ends", object.type.text());
  }

  void checkObjects(const End &source, const End &target, ast::ArrowKind arrow,
                    SourceRange arrowRange) {
    const arch::ObjectClass from = source.type.objectClass->objectClass;
    const arch::ObjectClass to = target.type.objectClass->objectClass;
    const bool isForward = arrow == ast::ArrowKind::Forward;
    const bool isDataPossible = !builtins::dataEdgeKinds(from, to).empty();
    const bool isForwardPossible = builtins::isAllowedEdge(EdgeKind::Forward, from, to);
    if (isForward ? isForwardPossible : isDataPossible)
      return;
    auto report =
        diagnostics_.report(DiagnosticCode::ForbiddenEdge, arrowRange,
                            isForward ? "FORWARD" : "data", source.type.text(), target.type.text());
    if (isForward && isDataPossible)
      report.note({}, "data flows along '=>'").fixIt(arrowRange, "=>");
    else if (!isForward && isForwardPossible)
      report.note({}, "instructions flow along '->'").fixIt(arrowRange, "->");
    else
      noteAllowed(report, from, isForward);
    if (builtins::isAllowedEdge(EdgeKind::Contains, from, to))
      report.note({}, fmt::format("units stand in the 'contains {{ … }}' of their stage"));
  }

  static void noteAllowed(DiagnosticBuilder &report, arch::ObjectClass from, bool isForward) {
    const auto note = [&](EdgeKind kind) {
      const llvm::SmallVector<arch::ObjectClass> targets = builtins::allowedTargets(kind, from);
      const std::string source = withArticle(builtins::classInfo(from).name);
      if (targets.empty())
        report.note({}, fmt::format("no {} edge starts at {}", edgeText(kind).str(), source));
      else
        report.note({}, fmt::format("{} edges from {} lead to {}", edgeText(kind).str(), source,
                                    classNames(targets, "or")));
    };
    if (isForward)
      return note(EdgeKind::Forward);
    note(EdgeKind::ReadData);
    note(EdgeKind::WriteData);
  }

  Expressions &expressions_;
  DiagnosticEngine &diagnostics_;
  const ast::EdgeStatement &statement_;
  Names &names_;
};

} // namespace

void checkEdges(Expressions &expressions, const ast::EdgeStatement &statement, Names &names) {
  EdgeChecker(expressions, statement, names).run();
}

} // namespace acadlc::checking
