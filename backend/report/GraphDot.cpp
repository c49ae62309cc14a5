#include "backend/report/GraphDot.h"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <vector>

namespace acadlc::report {

namespace {

using arch::ArchitectureGraph;
using arch::Edge;
using arch::EdgeKind;
using arch::Object;
using arch::ObjectClass;
using arch::ObjectId;

struct NodeStyle {
  std::string_view shape, fill;
};

NodeStyle nodeStyle(ObjectClass objectClass) {
  switch (objectClass) {
  case ObjectClass::InstructionFetchStage:
    return {"box", "#ffe0a3"};
  case ObjectClass::PipelineStage:
  case ObjectClass::ExecuteStage:
    return {"box", "#fff3d6"};
  case ObjectClass::FunctionalUnit:
    return {"hexagon", "#d3ecd0"};
  case ObjectClass::MemoryAccessUnit:
  case ObjectClass::InstructionMemoryAccessUnit:
    return {"hexagon", "#cfe3f7"};
  case ObjectClass::RegisterFile:
    return {"folder", "#ececec"};
  case ObjectClass::SRAM:
  case ObjectClass::DRAM:
  case ObjectClass::SetAssociativeCache:
    return {"cylinder", "#dcd6f2"};
  case ObjectClass::Queue:
  case ObjectClass::ReservationStation:
    return {"cds", "#fff3d6"};
  case ObjectClass::Channel:
    return {"cds", "#f5d6dc"};
  }
  return {"box", "#ffffff"};
}

std::string_view edgeStyle(EdgeKind kind) {
  switch (kind) {
  case EdgeKind::Forward:
    return "color=\"#b36b00\", penwidth=1.6";
  case EdgeKind::ReadData:
    return "color=\"#2a6fb0\", style=dashed";
  case EdgeKind::WriteData:
    return "color=\"#b02a37\"";
  case EdgeKind::Contains:
    return "color=\"#777777\", style=dotted, arrowhead=none, arrowtail=diamond, dir=both";
  }
  return "";
}

/// Text within a quoted string of dot.
std::string quoted(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c;
  }
  return result;
}

std::string latencyText(std::int64_t cycles) {
  return fmt::format("{} cycle{}", cycles, cycles == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string> &names) {
  constexpr std::size_t shown = 6;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > shown ? text + fmt::format(", … ({})", names.size()) : text;
}

/// What tells an object from others of its class: the third line of its node.
std::string detail(const Object &object) {
  switch (object.objectClass) {
  case ObjectClass::InstructionFetchStage:
    return fmt::format("buffer {}", object.issueBufferSize);
  case ObjectClass::PipelineStage:
  case ObjectClass::ExecuteStage:
    return latencyText(object.latency);
  case ObjectClass::FunctionalUnit:
  case ObjectClass::MemoryAccessUnit:
  case ObjectClass::InstructionMemoryAccessUnit:
    return (object.toProcess.empty() ? "" : joined(object.toProcess) + "; ") +
           latencyText(object.latency);
  case ObjectClass::RegisterFile:
    return fmt::format("{} x {} bit", joined(object.registers), object.dataWidth);
  case ObjectClass::SRAM:
  case ObjectClass::DRAM:
    return fmt::format("read {}, write {}; {} bit x {}", object.readLatency, object.writeLatency,
                       object.dataWidth, object.portWidth);
  case ObjectClass::SetAssociativeCache:
    return fmt::format("{} sets x {} ways x {} bytes", object.sets, object.ways, object.lineSize);
  case ObjectClass::Queue:
  case ObjectClass::ReservationStation:
  case ObjectClass::Channel:
    return "";
  }
  return "";
}

/// The instances by name: "pe[0][1].execute" stands in the box "pe[0][1]".
struct Box {
  std::map<std::string, Box> boxes; ///< by last part of the name
  std::vector<ObjectId> objects;
};

class DotWriter {
public:
  explicit DotWriter(const ArchitectureGraph &graph) : graph_(graph) {}

  std::string write() {
    out_ = fmt::format("digraph \"{}\" {{\n", quoted(graph_.name));
    out_ += "  graph [rankdir=LR, fontname=\"Helvetica\", fontsize=12, compound=true, "
            "nodesep=0.25, ranksep=0.6, labelloc=t, labeljust=l,\n";
    out_ += fmt::format("         label=\"{}\"]\n", quoted(title()));
    out_ += "  node [fontname=\"Helvetica\", fontsize=10, style=filled, color=\"#555555\"]\n";
    out_ += "  edge [fontname=\"Helvetica\", fontsize=9, arrowsize=0.7]\n";
    printBox(sorted(), "", 1);
    for (const Edge &edge : graph_.edges)
      out_ += fmt::format("  n{} -> n{} [{}]\n", edge.source, edge.target, edgeStyle(edge.kind));
    printLegend();
    out_ += "}\n";
    return std::move(out_);
  }

private:
  [[nodiscard]] std::string title() const {
    std::string text = graph_.name;
    const char *separator = ": ";
    for (const arch::ParameterValue &parameter : graph_.parameters) {
      text += fmt::format("{}{} = {}", separator, parameter.name, parameter.value);
      separator = ", ";
    }
    return text;
  }

  [[nodiscard]] Box sorted() const {
    Box root;
    for (ObjectId id = 0; id < graph_.objects.size(); ++id) {
      Box *box = &root;
      std::string_view rest = graph_.objects[id].name;
      for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
        box = &box->boxes[std::string(rest.substr(0, dot))];
        rest.remove_prefix(dot + 1);
      }
      box->objects.push_back(id);
    }
    return root;
  }

  void printBox(const Box &box, const std::string &prefix, int depth) {
    const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
    for (const ObjectId id : box.objects)
      printObject(id, indent);
    for (const auto &[name, inner] : box.boxes) {
      out_ += fmt::format("{}subgraph \"cluster_{}\" {{\n", indent, quoted(prefix + name));
      out_ +=
          fmt::format("{}  label=\"{}\"; style=rounded; color=\"#999999\"\n", indent, quoted(name));
      printBox(inner, prefix + name + ".", depth + 1);
      out_ += indent + "}\n";
    }
  }

  void printObject(ObjectId id, const std::string &indent) {
    const Object &object = graph_.objects[id];
    const NodeStyle style = nodeStyle(object.objectClass);
    const std::string line = detail(object);
    const std::string name = object.name.substr(object.name.rfind('.') + 1);
    out_ += fmt::format("{}n{} [label=\"{}\\n{}{}\", shape={}, fillcolor=\"{}\"]\n", indent, id,
                        quoted(name), arch::className(object.objectClass),
                        line.empty() ? "" : "\\n" + quoted(line), style.shape, style.fill);
  }

  void printLegend() {
    out_ += "  subgraph cluster_legend {\n    label=\"edges\"; color=\"#cccccc\"\n";
    out_ += "    node [shape=point, width=0.05, color=\"#555555\"]\n";
    int number = 0;
    for (const EdgeKind kind :
         {EdgeKind::Forward, EdgeKind::ReadData, EdgeKind::WriteData, EdgeKind::Contains}) {
      out_ += fmt::format("    l{0}a -> l{0}b [label=\"{1}\", {2}]\n", number, arch::edgeName(kind),
                          edgeStyle(kind));
      ++number;
    }
    out_ += "  }\n";
  }

  const ArchitectureGraph &graph_;
  std::string out_;
};

} // namespace

std::string architectureDot(const ArchitectureGraph &graph) { return DotWriter(graph).write(); }

} // namespace acadlc::report
