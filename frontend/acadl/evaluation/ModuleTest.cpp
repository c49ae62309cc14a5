#include "frontend/acadl/evaluation/Module.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <map>
#include <string>
#include <utility>

using namespace acadlc;

namespace {

/// A compilation whose files are those of a map.
struct Files {
  std::map<std::string, std::string> texts;
  SourceManager sources;
  DiagnosticEngine diagnostics;
  Compilation compilation{
      sources, diagnostics, [this](const std::string &path) -> std::optional<std::string> {
        const auto found = texts.find(path);
        return found == texts.end() ? std::nullopt : std::optional(found->second);
      }};
  explicit Files(std::initializer_list<std::pair<const std::string, std::string>> given)
      : texts(given) {}
  Files(const Files &) = delete;

  [[nodiscard]] std::string first() const {
    if (diagnostics.diagnostics().empty())
      return "";
    const Diagnostic &diagnostic = diagnostics.diagnostics().front();
    std::string text = diagnostic.message;
    for (const DiagnosticNote &note : diagnostic.notes)
      text += " | " + note.message;
    return text;
  }
};

} // namespace

TEST_CASE("modules: imports are relative to the importing file and loaded once") {
  Files files{{"dir/root.acadl", "import \"sub/a.acadl\"\nimport \"b.acadl\" as lib\n"},
              {"dir/sub/a.acadl", "import \"../b.acadl\"\nconst a = 1"},
              {"dir/b.acadl", "const b = 2"}};
  const Module *root = files.compilation.load("dir/root.acadl");
  REQUIRE(root);
  CHECK(files.first() == "");
  REQUIRE(files.compilation.modules().size() == 3);
  CHECK(files.compilation.modules().front()->path == "dir/b.acadl");
  CHECK(files.compilation.modules().back().get() == root);
  CHECK(root->scope->find("a"));
  CHECK_FALSE(root->scope->find("b")); // names are not handed on by imports
  const ast::Identifier parts[] = {{"lib", {}}, {"b", {}}};
  CHECK(resolveAs<ast::ConstantDeclaration>({parts, {}}, *root->scope));
  const Symbol *a = root->scope->find("a");
  CHECK(files.compilation.moduleAt(a->range.begin)->path == "dir/sub/a.acadl");
  CHECK(a->home == files.compilation.modules()[1]->scope.get());
}

TEST_CASE("modules: the standard library") {
  Files files{{"root.acadl", "import \"std/systolic_array.acadl\""}};
  const Module *root = files.compilation.load("root.acadl");
  REQUIRE(root);
  CHECK(files.first() == "");
  CHECK(root->scope->find("SystolicArray"));
  CHECK(files.compilation.load("std/one_mac.acadl"));
}

TEST_CASE("modules: what cannot be loaded") {
  const auto error = [](const std::string &path) {
    Files files{{"root.acadl", "import \"" + path + "\"\nconst a = 1"}};
    const Module *root = files.compilation.load("root.acadl");
    CHECK(root); // the rest can be used
    CHECK(files.diagnostics.errorCount() == 1);
    return files.first();
  };
  CHECK(error("no_such.acadl") == "cannot read 'no_such.acadl': there is no such file");
  CHECK(error("/tmp") == "cannot read '/tmp': it is a directory");
  CHECK(error("/dev/zero") == "cannot read '/dev/zero': it is no regular file");
  CHECK(error("") == "cannot read '': the path is empty");
  CHECK(error("std/systolic_aray.acadl") ==
        "the standard library has no 'std/systolic_aray.acadl' | did you mean "
        "'std/systolic_array.acadl'?");
  CHECK(error("systolic_array.acadl") ==
        "cannot read 'systolic_array.acadl': there is no such file | did you mean "
        "'std/systolic_array.acadl'?");
  CHECK(error("models/gemini") ==
        "cannot read 'models/gemini': there is no such file | did you mean "
        "'std/gemmini.acadl'?");
  CHECK(error("root.acadl") == "'root.acadl' imports itself");
  Files missing{};
  CHECK_FALSE(missing.compilation.load("nowhere.acadl"));
  CHECK(missing.first() == "cannot read 'nowhere.acadl': there is no such file");
}

TEST_CASE("modules: a cycle of imports shows its chain") {
  Files files{{"a.acadl", "import \"b.acadl\""},
              {"b.acadl", "import \"c.acadl\""},
              {"c.acadl", "import \"a.acadl\""}};
  files.compilation.load("a.acadl");
  CHECK(files.first() == "'a.acadl' imports itself | 'b.acadl' is imported here | 'c.acadl' is "
                         "imported here");
  CHECK(files.sources.textOf(files.diagnostics.diagnostics().front().range) == "\"a.acadl\"");
}

TEST_CASE("modules: names that clash") {
  const auto error = [](const std::string &root) {
    Files files{{"root.acadl", root},
                {"a.acadl", "const x = 1"},
                {"b.acadl", "const x = 2"},
                {"c.acadl", "import \"a.acadl\"\nconst y = x"}};
    files.compilation.load("root.acadl");
    return files.first();
  };
  CHECK(error("import \"a.acadl\"\nimport \"b.acadl\"")
            .starts_with("'x' would have two meanings here: this import brings one, and there is "
                         "another | the imported one is here | the other is here"));
  CHECK(error("import \"a.acadl\"\nconst x = 3").starts_with("'x' would have two meanings here"));
  CHECK(error("import \"a.acadl\" as p\nimport \"b.acadl\" as q") == "");
  CHECK(error("import \"a.acadl\"\nimport \"./a.acadl\"") == "");
  CHECK(error("import \"a.acadl\"\nimport \"c.acadl\"") == "");
}
