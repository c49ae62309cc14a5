/// \file
/// The `.acadl` texts of a run: a root and what it imports, parsed, with their top-level names.
#pragma once

#include "frontend/acadl/evaluation/Scope.h"
#include "frontend/acadl/syntax/Ast.h"
#include "support/Diagnostics.h"
#include "support/Source.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc {

/// One text of a compilation.
struct Module {
  std::string path; ///< as opened; "std/NAME.acadl" for the library, any name for a text
  ast::SourceFile tree;
  struct Import {
    const ast::ImportDeclaration *declaration = nullptr;
    const Module *module = nullptr; ///< null if it could not be loaded (reported)
  };
  std::vector<Import> imports;
  /// The file's own declarations: what an importer gets.
  std::unique_ptr<Scope> exports;
  /// What the file itself sees: its own declarations, those of unqualified imports, aliases.
  std::unique_ptr<Scope> scope;
};

/// Gives the text of the file at a path if somebody has it open (a language server); nothing: read
/// it from the disk.
using FileOverlay = std::function<std::optional<std::string>(const std::string &path)>;

/// Loads a root text and all that it imports, each file once. Problems (a missing file, a cycle of
/// imports, names that clash) are reported at the import; what could be loaded can be used.
class Compilation {
public:
  Compilation(SourceManager &sources, DiagnosticEngine &diagnostics, FileOverlay overlay = {});
  ~Compilation();
  Compilation(const Compilation &) = delete;
  Compilation &operator=(const Compilation &) = delete;

  /// Loads the file at \p path ("std/…" means the library). Null if it can't be read (reported
  /// without a place).
  const Module *load(const std::string &path);
  /// Loads a text that is no file. Its imports are relative to \p folder.
  const Module *loadText(std::string name, std::string text, const std::string &folder = ".");

  /// All modules, imported ones before their importers.
  [[nodiscard]] const std::vector<std::unique_ptr<Module>> &modules() const { return modules_; }
  /// The module loaded last by load or loadText, null if none.
  [[nodiscard]] const Module *root() const { return root_; }
  /// The module whose text holds \p location, or null.
  [[nodiscard]] const Module *moduleAt(SourceLocation location) const;
  [[nodiscard]] const SourceManager &sources() const { return *sources_; }

private:
  struct LoadFrame;
  const Module *loadFile(const std::string &path, SourceRange import);
  std::optional<std::string> read(const std::string &path, SourceRange at);
  const Module *addModule(std::string path, std::string text, const std::string &folder);
  void declareNames(Module &module);
  void importNames(Module &module, const Module::Import &import);

  SourceManager *sources_;
  DiagnosticEngine *diagnostics_;
  FileOverlay overlay_;
  std::vector<std::unique_ptr<Module>> modules_;
  std::map<std::string, const Module *> byIdentity_; ///< null: could not be read
  std::vector<LoadFrame> loading_;                   ///< the chain of imports under way
  const Module *root_ = nullptr;
};

/// What \p name stands for where \p scope is visible: `X`, or `module.X`. Null if there is none
/// (not reported).
const Symbol *resolve(const ast::QualifiedName &name, const Scope &scope);
/// The declaration of kind \p Node that \p name stands for, or null.
template <typename Node> const Node *resolveAs(const ast::QualifiedName &name, const Scope &scope) {
  const Symbol *symbol = resolve(name, scope);
  return symbol ? ast::dynCast<Node>(symbol->declaration) : nullptr;
}

} // namespace acadlc
