#include "lsp/FeaturesDiagnostics.h"

#include "lsp/Uri.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace acadlc;
using namespace acadlc::lsp;

namespace {

/// A folder that is gone after the test, and a workspace whose documents lie in it.
class Folder {
public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "acadl lsp XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;

  [[nodiscard]] std::string uri(const std::string &name) const {
    return uriOfPath((path_ / name).string());
  }
  void write(const std::string &name, const std::string &text) const {
    std::ofstream(path_ / name) << text;
  }
  void link(const std::string &target, const std::string &name) const {
    std::filesystem::create_symlink(path_ / target, path_ / name);
  }
  void open(const std::string &name, const std::string &text) {
    workspace.open(uri(name), 1, text);
  }
  /// "E0201 1:15-1:21" for each diagnostic of a document after an update, separated by "; ".
  std::string summary(const std::string &uri) {
    CHECK(workspace.update().empty());
    std::string all;
    const DiagnosticsByUri found = collectDiagnostics(workspace);
    const auto list = found.find(uri);
    if (list == found.end())
      return "not listed";
    for (const DocumentDiagnostic &diagnostic : list->second) {
      const auto place = [](Position position) {
        return std::to_string(position.line) + ":" + std::to_string(position.character);
      };
      all += (all.empty() ? "" : "; ") + std::string(diagnostic.code) + " " +
             place(diagnostic.range.start) + "-" + place(diagnostic.range.end);
    }
    return all;
  }
  std::string summaryOf(const std::string &name) { return summary(uri(name)); }

  Workspace workspace;

private:
  std::filesystem::path path_;
};

std::string id(DiagnosticCode code) { return std::string(diagnosticInfo(code).id); }

} // namespace

TEST_CASE("FeaturesDiagnostics: columns are UTF-16 units") {
  Folder folder;
  // One unit and two bytes, two units and four bytes.
  folder.open("a.acadl",
              "/* \xC3\xBC */ const a = 1 cylce\n/* \xF0\x9F\x8D\x8E */ const b = 1 cylce\n");
  CHECK(folder.summaryOf("a.acadl") == "E0201 0:20-0:25; E0201 1:21-1:26");
}

TEST_CASE("FeaturesDiagnostics: open texts lie over the disk") {
  Folder folder;
  folder.write("a.acadl", "const a = 1 cylce\n");
  folder.open("a.acadl", "const a = 1 cycle\n");
  CHECK(folder.summaryOf("a.acadl").empty());
}

TEST_CASE("FeaturesDiagnostics: an imported file's error stands in that file") {
  Folder folder;
  folder.write("part.acadl", "const a = 1 cylce\n");
  folder.open("root.acadl", "import \"part.acadl\"\nconst b = a\n");
  CHECK(folder.summaryOf("root.acadl").empty());
  CHECK(folder.summaryOf("part.acadl") == "E0201 0:12-0:17");
  folder.workspace.close(folder.uri("root.acadl"));
  CHECK(folder.summaryOf("part.acadl") == "not listed");
  CHECK(collectDiagnostics(folder.workspace).empty());
}

TEST_CASE("FeaturesDiagnostics: importers follow the documents that they import") {
  Folder folder;
  folder.write("part.acadl", "const a = 1\n");
  folder.open("root.acadl", "import \"part.acadl\"\nconst b = a\n");
  CHECK(folder.summaryOf("root.acadl").empty());
  folder.open("part.acadl", "const other = 1 cylce\n");
  CHECK(folder.summaryOf("root.acadl") == "E0202 1:10-1:11");
  // Found by two analyses, shown once.
  CHECK(folder.summaryOf("part.acadl") == "E0201 0:16-0:21");
  REQUIRE(folder.workspace.change(folder.uri("part.acadl"), 2, "const a = 1\n"));
  CHECK(folder.summaryOf("root.acadl").empty());
  REQUIRE(folder.workspace.change(folder.uri("part.acadl"), 3, "const c = 1\n"));
  CHECK(folder.summaryOf("root.acadl") == "E0202 1:10-1:11");
  folder.workspace.close(folder.uri("part.acadl"));
  CHECK(folder.summaryOf("root.acadl").empty());
}

TEST_CASE("FeaturesDiagnostics: files that appear and change on the disk") {
  Folder folder;
  folder.open("root.acadl", "import \"part.acadl\"\nconst b = a\n");
  CHECK(
      folder.summaryOf("root.acadl").starts_with(id(DiagnosticCode::UnreadableFile) + " 0:7-0:19"));
  folder.write("part.acadl", "const a = 1\n");
  folder.workspace.fileChanged(folder.uri("part.acadl"));
  CHECK(folder.summaryOf("root.acadl").empty());
}

TEST_CASE("FeaturesDiagnostics: one file by two paths") {
  Folder folder;
  folder.write("real.acadl", "const a = 1\n");
  folder.link("real.acadl", "link.acadl");
  folder.open("root.acadl", "import \"link.acadl\"\nconst b = a\n");
  folder.open("real.acadl", "const a = 1 cylce\n");
  CHECK(folder.summaryOf("real.acadl") == "E0201 0:12-0:17");
  CHECK(folder.summaryOf("link.acadl") == "not listed");
}

TEST_CASE("FeaturesDiagnostics: notes with and without a place") {
  Folder folder;
  folder.write("part.acadl", "const a = 1\n");
  folder.open("root.acadl", "import \"part.acadl\"\nconst a = 2\nconst b = 1 cylce\n");
  folder.workspace.update();
  const auto diagnostics = collectDiagnostics(folder.workspace)[folder.uri("root.acadl")];
  REQUIRE(diagnostics.size() == 2);
  CHECK(diagnostics[0].code == id(DiagnosticCode::NameClash));
  REQUIRE(diagnostics[0].notes.size() == 2);
  CHECK(diagnostics[0].notes[0].uri == folder.uri("part.acadl"));
  CHECK(diagnostics[0].notes[0].range == Range{{0, 6}, {0, 7}});
  CHECK(diagnostics[0].notes[1].uri == folder.uri("root.acadl"));
  CHECK(diagnostics[1].message == "unknown unit 'cylce'\ndid you mean 'cycle'?");
}

TEST_CASE("FeaturesDiagnostics: architectures are built with their default parameters") {
  Folder folder;
  folder.open("a.acadl", "architecture A(n: int = 0) {\n  require n > 0, \"too few\"\n}\n");
  CHECK(folder.summaryOf("a.acadl").starts_with(id(DiagnosticCode::RequirementFailed) + " 1:"));
  // Without a default nothing can be built.
  folder.open("a.acadl", "architecture A(n: int) {\n  require n > 0, \"too few\"\n}\n");
  CHECK(folder.summaryOf("a.acadl").empty());
}

TEST_CASE("FeaturesDiagnostics: what is too large for an editor is no mistake") {
  Folder folder;
  folder.open("a.acadl", "function f(n: int): int {\n  let s = 0\n  for i in 0 .. n { s = s + i }\n"
                         "  return s\n}\n"
                         "architecture A(n: int = 20_000_000) {\n  require f(n) > 0, \"\"\n}\n");
  CHECK(folder.summaryOf("a.acadl").empty());
}

TEST_CASE("FeaturesDiagnostics: documents that are no files") {
  Folder folder;
  folder.write("part.acadl", "const a = 1\n");
  folder.workspace.setFolder(*pathOfUri(folder.uri("")));
  folder.workspace.open("untitled:Untitled-1", 1, "import \"part.acadl\"\nconst b = a + 1 cylce\n");
  CHECK(folder.summary("untitled:Untitled-1") == "E0201 1:16-1:21");
}

TEST_CASE("FeaturesDiagnostics: the library is not shown as a document") {
  Folder folder;
  folder.open("a.acadl", "import \"std/nothing.acadl\"\n");
  CHECK(folder.summaryOf("a.acadl") == id(DiagnosticCode::UnknownLibraryFile) + " 0:7-0:26");
  CHECK(collectDiagnostics(folder.workspace).size() == 1);
}

TEST_CASE("FeaturesDiagnostics: any text") {
  Folder folder;
  for (const char *text :
       {"", "\r\r\n\n", "\xFF\xFE", "architecture", "import \"\"", "import \".\"",
        "import \"a.acadl\"", "\"", "/*", "((((((((", "const \xF0\x9F"}) {
    CAPTURE(text);
    folder.open("a.acadl", text);
    CHECK(folder.workspace.update().empty());
    collectDiagnostics(folder.workspace);
  }
}

TEST_CASE("FeaturesDiagnostics: a text that is being typed") {
  std::ifstream file(ACADLC_SOURCE_DIR "/stdlib/systolic_array.acadl");
  const std::string whole(std::istreambuf_iterator<char>(file), {});
  REQUIRE_FALSE(whole.empty());
  Folder folder;
  folder.open("a.acadl", whole);
  CHECK(folder.summaryOf("a.acadl").empty());
  for (std::size_t cut = 0; cut < whole.size(); cut += 97) {
    CAPTURE(cut);
    folder.workspace.change(folder.uri("a.acadl"), 2, whole.substr(0, cut));
    CHECK(folder.workspace.update().empty());
    folder.workspace.change(folder.uri("a.acadl"), 3,
                            whole.substr(0, cut) + whole.substr(std::min(cut + 5, whole.size())));
    CHECK(folder.workspace.update().empty());
    collectDiagnostics(folder.workspace);
  }
}
