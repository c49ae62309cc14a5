#include "frontend/acadl/evaluation/Experiment.h"

#include "frontend/acadl/evaluation/Module.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace acadlc;

namespace {

using Texts = std::vector<std::string>;

struct Loaded {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  Compilation compilation{sources, diagnostics};
  const Module *module = nullptr;

  explicit Loaded(const std::string &text) {
    module = compilation.loadText("test.acadl", text);
    REQUIRE(module);
    REQUIRE_MESSAGE(!diagnostics.hasErrors(),
                    renderDiagnostics(diagnostics.diagnostics(), sources, {}));
  }
  template <typename Node> const Node &find(llvm::StringRef name) const {
    const Symbol *symbol = module->scope->find(name);
    REQUIRE(symbol);
    const auto *node = ast::dynCast<Node>(symbol->declaration);
    REQUIRE(node);
    return *node;
  }
};

Texts textsOf(const std::vector<Bindable> &bindables) {
  Texts texts;
  for (const Bindable &bindable : bindables)
    texts.push_back(bindable.text() +
                    (bindable.needsOwner ? ", by " + bindable.qualifiedName() : ""));
  return texts;
}

/// The names of an expression that can be columns.
Texts columnsOf(const std::string &expression) {
  const Loaded loaded("const value = " + expression);
  Texts names;
  forEachFreeName(loaded.find<ast::ConstantDeclaration>("value").value,
                  [&](const ast::NameExpr &name) { names.push_back(name.name.str()); });
  return names;
}

const std::string description = R"(
architecture Array(rows: int = 2) {
}
mapping inner[m < M] on arch: Array implements C[m] = A[m] {
  param tile: int = 4
}
mapping outer[n < N; k < K](sh) on arch: Array implements O[n] += I[n * sh + k] {
  param depth: int = 1
  if depth > 1 {
    for i in 0 .. 4 { via inner[M = N] { C[m] = O[m]  A[m] = I[m] } }
  } else {
    via inner[M = N] { C[m] = O[m]  A[m] = I[m] }
  }
}
program stream(words: int) on arch: Array {
  param stride: int = 1
}
)";

} // namespace

TEST_CASE("what rows can set of a mapping, of those it goes via, a program and an architecture") {
  const Loaded loaded(description);
  const Scope &home = *loaded.module->scope;
  CHECK(textsOf(bindablesOf(loaded.find<ast::MappingDeclaration>("outer"), home)) ==
        Texts{"dimension 'N'", "dimension 'K'", "coefficient 'sh'",
              "parameter 'depth' of mapping 'outer'",
              "parameter 'tile' of mapping 'inner', by inner.tile"});
  CHECK(textsOf(bindablesOf(loaded.find<ast::ProgramDeclaration>("stream"), home)) ==
        Texts{"parameter 'words' of program 'stream'", "parameter 'stride' of program 'stream'"});
  CHECK(textsOf(bindablesOf(loaded.find<ast::ArchitectureDeclaration>("Array"), home)) ==
        Texts{"parameter 'rows' of architecture 'Array'"});
}

TEST_CASE("columns are called by a name, with its owner where that is needed") {
  const Loaded loaded(description);
  const auto bindables =
      bindablesOf(loaded.find<ast::MappingDeclaration>("outer"), *loaded.module->scope);
  CHECK(bindables[0].isCalled("N"));
  CHECK(bindables[0].isCalled("outer.N"));
  CHECK_FALSE(bindables[0].isCalled("n"));
  CHECK_FALSE(bindables[0].isCalled("inner.N"));
  CHECK_FALSE(bindables[0].isCalled("outer."));
  CHECK(bindables[4].isCalled("inner.tile"));
  CHECK_FALSE(bindables[4].isCalled("tile"));
}

TEST_CASE("names of an expression that stand for values") {
  CHECK(columnsOf("if a == b then f(c, x = d) else -e[0].member") ==
        Texts{"a", "b", "c", "d", "e"});
  CHECK(columnsOf("[for i in 0 .. n, j in [i, m]: i * j + k]") == Texts{"n", "m", "k"});
  CHECK(columnsOf("value(size, bytes) + bytes") == Texts{"size", "bytes"});
  CHECK(columnsOf("{ key: a, \"b\": c }") == Texts{"a", "c"});
  CHECK(columnsOf("4 cycles + 2.5 * 3") == Texts{});
}
