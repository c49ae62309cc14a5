#include "backend/report/AidgDot.h"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <set>

namespace acadlc::report {

namespace {

std::string_view color(aidg::DependenceKind kind) {
  switch (kind) {
  case aidg::DependenceKind::Forward:
    return "#202020";
  case aidg::DependenceKind::Structural:
    return "#b05020";
  case aidg::DependenceKind::Data:
    return "#2060b0";
  case aidg::DependenceKind::BufferFill:
    return "#208040";
  }
  return "";
}

std::string label(const aidg::Node &node, const program::Program &program) {
  const std::string what = node.kind == aidg::Node::Kind::Fetch
                               ? std::string("fetch")
                               : program.instructions[node.instruction].operation;
  std::string text = fmt::format("{} #{}\\n[{}, {})", what, node.index, node.enter, node.leave);
  if (node.start > node.enter)
    text += fmt::format("\\nstart {}", node.start);
  return text;
}

class AidgPrinter {
public:
  AidgPrinter(const aidg::Graph &aidg, const arch::ArchitectureGraph &graph,
              const program::Program &program, const AidgWindow &window)
      : aidg_(aidg), graph_(graph), program_(program) {
    select(window);
    for (const aidg::CriticalStep &step : aidg.criticalPath())
      critical_.insert(step.node);
  }

  std::string print() {
    text_ = "digraph aidg {\n"
            "  rankdir=TB;\n"
            "  node [shape=box, fontname=\"Helvetica\", fontsize=10, style=filled, "
            "fillcolor=white];\n"
            "  edge [arrowsize=0.6];\n";
    printColumns();
    for (const aidg::Dependence &dependence : aidg_.dependences)
      if (shown_.contains(dependence.from) && shown_.contains(dependence.to))
        add("  n{} -> n{} [color=\"{}\"{}];\n", dependence.from, dependence.to,
            color(dependence.kind), dependence.binding ? "" : ", style=dashed");
    printLegend();
    return text_ + "}\n";
  }

private:
  template <typename... Arguments>
  void add(fmt::format_string<Arguments...> format, Arguments &&...arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
  }

  void select(const AidgWindow &window) {
    std::set<std::int64_t> indices;
    for (aidg::NodeId id = 0; id != aidg_.nodes.size(); ++id) {
      const aidg::Node &node = aidg_.nodes[id];
      if (node.kind != aidg::Node::Kind::Fetch && node.kernelIteration >= window.first &&
          node.kernelIteration <= window.last)
        shown_.insert(id);
    }
    for (const aidg::Dependence &dependence : aidg_.dependences)
      if (aidg_.nodes[dependence.from].kind == aidg::Node::Kind::Fetch &&
          aidg_.nodes[dependence.to].kind != aidg::Node::Kind::Fetch &&
          shown_.contains(dependence.to))
        shown_.insert(dependence.from);
  }

  /// One cluster for each object, in the order of the graph.
  void printColumns() {
    std::map<arch::ObjectId, std::vector<aidg::NodeId>> columns;
    for (const aidg::NodeId id : shown_)
      columns[aidg_.nodes[id].object].push_back(id);
    for (const auto &[object, nodes] : columns) {
      add("  subgraph cluster_{} {{\n    label=\"{}\"; color=\"#c0c0c0\"; fontname=\"Helvetica\"; "
          "fontsize=11;\n",
          object, graph_.objects[object].name);
      for (const aidg::NodeId id : nodes)
        add("    n{} [label=\"{}\"{}];\n", id, label(aidg_.nodes[id], program_),
            critical_.contains(id) ? ", fillcolor=\"#ffe08a\"" : "");
      text_ += "  }\n";
    }
  }

  void printLegend() {
    text_ +=
        "  label=\"nodes: operation #instruction, occupied [from, to); filled: on the critical "
        "path\\nedges: black forward, brown structural, blue data, green buffer fill; dashed: "
        "not binding\";\n  labelloc=b; fontname=\"Helvetica\"; fontsize=10;\n";
  }

  const aidg::Graph &aidg_;
  const arch::ArchitectureGraph &graph_;
  const program::Program &program_;
  std::set<aidg::NodeId> shown_, critical_;
  std::string text_;
};

} // namespace

std::string aidgDot(const aidg::Graph &aidg, const arch::ArchitectureGraph &graph,
                    const program::Program &program, const AidgWindow &window) {
  return AidgPrinter(aidg, graph, program, window).print();
}

} // namespace acadlc::report
