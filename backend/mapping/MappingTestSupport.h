/// \file
/// What the tests of this folder share. Tests only.
#pragma once

#include "backend/mapping/Lower.h"
#include "backend/mapping/Match.h"
#include "frontend/acadl/elaboration/Elaborate.h"
#include "frontend/acadl/evaluation/Module.h"
#include "frontend/network/NetworkReader.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace acadlc::mapping::test {

/// A description and a network, loaded; what went wrong is in `diagnostics`.
struct Bench {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  std::optional<Compilation> compilation;
  const Module *module = nullptr;
  std::optional<ElaboratedArchitecture> architecture;
  std::optional<workload::Workload> workload;
  std::vector<const ast::MappingDeclaration *> mappings;
  std::vector<const ast::PreferDeclaration *> preferences;
  std::vector<const ast::ProgramDeclaration *> programs;

  void loadLibrary(const std::string &path) { open(path, nullptr); }
  void loadText(const std::string &text) { open("test.acadl", &text); }
  void elaborateWith(const std::vector<ParameterOverride> &overrides) {
    for (const auto &loaded : compilation->modules())
      for (const ast::Declaration *declaration : loaded->tree.declarations)
        if (const auto *node = ast::dynCast<ast::ArchitectureDeclaration>(declaration))
          architecture = elaborate(*compilation, *node, overrides, sources, diagnostics);
  }
  void loadNetwork(const std::string &text) {
    const FileId file = sources.addText("network.tir", text);
    workload = tir::readWorkload(sources, file, {}, diagnostics);
  }
  [[nodiscard]] const Scope &home() const { return *module->scope; }
  [[nodiscard]] std::string messages() const {
    return renderDiagnostics(diagnostics.diagnostics(), sources, {});
  }

private:
  void open(const std::string &name, const std::string *text) {
    compilation.emplace(sources, diagnostics);
    module = text != nullptr ? compilation->loadText(name, *text) : compilation->load(name);
    REQUIRE_MESSAGE(module != nullptr, messages());
    REQUIRE_MESSAGE(!diagnostics.hasErrors(), messages());
    for (const ast::Declaration *declaration : module->tree.declarations) {
      if (const auto *mapping = ast::dynCast<ast::MappingDeclaration>(declaration))
        mappings.push_back(mapping);
      if (const auto *preference = ast::dynCast<ast::PreferDeclaration>(declaration))
        preferences.push_back(preference);
      if (const auto *program = ast::dynCast<ast::ProgramDeclaration>(declaration))
        programs.push_back(program);
    }
  }
};

/// A folder of networks: $ACADLC_NETWORKS, or test data beside the sources. Empty if there is none.
inline std::filesystem::path networkFolder() {
  if (const char *folder = std::getenv("ACADLC_NETWORKS"))
    return folder;
  const auto beside =
      std::filesystem::path(ACADLC_SOURCE_DIR).parent_path() / "shared" / "tir" / "nets";
  return std::filesystem::exists(beside) ? beside : std::filesystem::path();
}

inline std::string readText(const std::filesystem::path &path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// One operator as TVM prints it, with an entry function that calls it. Shapes are texts:
/// "1, 3, 8, 8".
struct OperatorText {
  std::string data, weight, result; ///< shapes
  std::string loops;                ///< "n, m, k" …
  std::string extents;              ///< "4, 4, 8" …
  std::string kinds;                ///< "SSR" …
  std::string writeIndex, dataIndex, weightIndex;
  std::string type = "float32";
  bool isSwapped = false; ///< rhs * lhs
  int inputs = 1;         ///< with 1 `rhs` is a weight
  [[nodiscard]] std::string text() const {
    const std::string product = isSwapped ? "rhs[" + weightIndex + "] * lhs[" + dataIndex + "]"
                                          : "lhs[" + dataIndex + "] * rhs[" + weightIndex + "]";
    const auto buffer = [&](const std::string &name, const std::string &shape) {
      return name + ": T.Buffer((" + shape + ",), \"" + type + "\")";
    };
    const auto tensor = [&](const std::string &shape) {
      return "R.Tensor((" + shape + ",), dtype=\"" + type + "\")";
    };
    std::string axes;
    std::stringstream names(loops);
    for (std::string name; std::getline(names, name, ',');) {
      name.erase(0, name.find_first_not_of(' '));
      axes += (axes.empty() ? "v_" : ", v_") + name;
    }
    return "@I.ir_module\nclass Module:\n    @T.prim_func(private=True)\n    def op(" +
           buffer("lhs", data) + ", " + buffer("rhs", weight) + ", " + buffer("out", result) +
           "):\n        for " + loops + " in T.grid(" + extents +
           "):\n            with T.sblock(\"c\"):\n                " + axes + " = T.axis.remap(\"" +
           kinds + "\", [" + loops + "])\n                T.reads(lhs[" + dataIndex + "], rhs[" +
           weightIndex + "])\n                T.writes(out[" + writeIndex +
           "])\n                with T.init():\n                    out[" + writeIndex + "] = T." +
           type + "(0)\n                out[" + writeIndex + "] = out[" + writeIndex + "] + " +
           product + "\n\n    @R.function\n    def main(lhs: " + tensor(data) +
           ", rhs: " + tensor(weight) + ") -> " + tensor(result) +
           ":\n        R.func_attr({\"num_input\": " + std::to_string(inputs) +
           "})\n        cls = Module\n        with "
           "R.dataflow():\n            y = R.call_tir(cls.op, (lhs, rhs), out_sinfo=" +
           tensor(result) + ")\n            R.output(y)\n        return y\n";
  }
};

/// A function that adds two tensors element by element, and what calls it. Shapes are texts: "3, 8,
/// 8".
struct SumText {
  std::string left, right, result; ///< shapes
  std::string loops;               ///< "i, j" …
  std::string extents;             ///< "4, 8" …
  std::string value;               ///< "lhs[v_i, v_j] + rhs[v_i, v_j]"
  std::string writeIndex;          ///< "v_i, v_j"
  int inputs = 2;                  ///< with 1 `rhs` is a weight
  [[nodiscard]] std::string text() const {
    const auto buffer = [](const std::string &name, const std::string &shape) {
      return name + ": T.Buffer((" + shape + ",), \"int8\")";
    };
    const auto tensor = [](const std::string &shape) {
      return "R.Tensor((" + shape + ",), dtype=\"int8\")";
    };
    std::string axes;
    std::string kinds;
    std::stringstream names(loops);
    for (std::string name; std::getline(names, name, ',');) {
      name.erase(0, name.find_first_not_of(' '));
      axes += (axes.empty() ? "v_" : ", v_") + name;
      kinds += "S";
    }
    return "@I.ir_module\nclass Module:\n    @T.prim_func(private=True)\n    def op(" +
           buffer("lhs", left) + ", " + buffer("rhs", right) + ", " + buffer("out", result) +
           "):\n        for " + loops + " in T.grid(" + extents +
           "):\n            with T.sblock(\"c\"):\n                " + axes + " = T.axis.remap(\"" +
           kinds + "\", [" + loops + "])\n                out[" + writeIndex + "] = " + value +
           "\n\n    @R.function\n    def main(lhs: " + tensor(left) + ", rhs: " + tensor(right) +
           ") -> " + tensor(result) +
           ":\n        R.func_attr({\"num_input\": " + std::to_string(inputs) +
           "})\n        cls = Module\n        with R.dataflow():\n            y = "
           "R.call_tir(cls.op, (lhs, rhs), out_sinfo=" +
           tensor(result) + ")\n            R.output(y)\n        return y\n";
  }
};

inline SumText matrixSumText() {
  return {"4, 8", "4, 8", "4, 8", "i, j", "4, 8", "lhs[v_i, v_j] + rhs[v_i, v_j]", "v_i, v_j"};
}

inline OperatorText matmulText(int m, int n, int k) {
  const auto s = [](int value) { return std::to_string(value); };
  return {s(m) + ", " + s(k),
          s(k) + ", " + s(n),
          s(m) + ", " + s(n),
          "i, j, k",
          s(m) + ", " + s(n) + ", " + s(k),
          "SSR",
          "v_i, v_j",
          "v_i, v_k",
          "v_k, v_j"};
}

} // namespace acadlc::mapping::test
