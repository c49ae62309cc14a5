#include "frontend/acadl/evaluation/Module.h"

#include "frontend/acadl/syntax/Parser.h"
#include "stdlib/StandardLibrary.h"
#include "support/TextFile.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace acadlc {

namespace fs = std::filesystem;

//===--- Paths and texts ----------------------------------------------------------------------===//

namespace {

constexpr std::string_view libraryPrefix = "std/";

bool isLibraryPath(std::string_view path) {
  return path.substr(0, libraryPrefix.size()) == libraryPrefix;
}

/// The path that names a file however it is reached, so that no file is loaded twice.
std::string identityOf(const std::string &path) {
  if (isLibraryPath(path))
    return path;
  std::error_code error;
  const fs::path canonical = fs::weakly_canonical(path, error);
  return error ? fs::path(path).lexically_normal().string() : canonical.string();
}

/// What \p path means in a file that lies in \p folder ("std" in the library).
std::string resolvePath(const std::string &path, const std::string &folder) {
  if (isLibraryPath(path) || fs::path(path).is_absolute())
    return path;
  return (fs::path(folder) / path).lexically_normal().string();
}

std::string folderOf(const std::string &path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

std::vector<std::string_view> libraryNames() {
  std::vector<std::string_view> names;
  for (const StandardLibraryFile &file : standardLibraryFiles())
    names.push_back(file.name);
  return names;
}

/// The library's file that \p path names without its folder, or nearly so; empty if there is none.
std::string_view libraryFileCalled(const std::string &path) {
  const auto withoutFolder = [](std::string_view name) {
    name.remove_prefix(std::min(name.rfind('/') + 1, name.size())); // npos + 1 is 0
    return name.substr(0, name.find('.'));
  };
  std::vector<std::string_view> names;
  for (const std::string_view name : libraryNames())
    names.push_back(withoutFolder(name));
  const std::string_view nearest = nearestName(withoutFolder(path), names);
  for (const std::string_view name : libraryNames())
    if (!nearest.empty() && withoutFolder(name) == nearest)
      return name;
  return {};
}

} // namespace

struct Compilation::LoadFrame {
  std::string identity;
  std::string path;
  SourceRange import; ///< the path in the import that led here; invalid for the root
};

Compilation::Compilation(SourceManager &sources, DiagnosticEngine &diagnostics, FileOverlay overlay)
    : sources_(&sources), diagnostics_(&diagnostics), overlay_(std::move(overlay)) {}
Compilation::~Compilation() = default;

std::optional<std::string> Compilation::read(const std::string &path, SourceRange at) {
  if (isLibraryPath(path)) {
    const std::string_view text = standardLibraryText(path);
    if (text.data())
      return std::string(text);
    const std::vector<std::string_view> names = libraryNames();
    auto builder = diagnostics_->report(DiagnosticCode::UnknownLibraryFile, at, path);
    const std::string_view nearest = nearestName(path, names);
    if (!nearest.empty())
      builder.note({}, fmt::format("did you mean '{}'?", nearest));
    else
      builder.note({}, fmt::format("the library has {}", fmt::join(names, ", ")));
    return std::nullopt;
  }
  if (overlay_)
    if (std::optional<std::string> text = overlay_(path))
      return text;
  std::string reason;
  const auto kind = at.isValid() ? TextFileKind::RegularOnly : TextFileKind::OrPipe;
  std::optional<std::string> text = readTextFile(path, kind, reason);
  if (!text) {
    auto builder = diagnostics_->report(DiagnosticCode::UnreadableFile, at, path, reason);
    if (const std::string_view meant = libraryFileCalled(path); !meant.empty())
      builder.note({}, fmt::format("did you mean '{}'?", meant));
  }
  return text;
}

//===--- Loading ------------------------------------------------------------------------------===//

const Module *Compilation::load(const std::string &path) {
  root_ = loadFile(path, {});
  return root_;
}

const Module *Compilation::loadText(std::string name, std::string text, const std::string &folder) {
  loading_.push_back({name, name, {}});
  root_ = addModule(std::move(name), std::move(text), folder);
  loading_.pop_back();
  return root_;
}

const Module *Compilation::loadFile(const std::string &path, SourceRange import) {
  const std::string identity = identityOf(path);
  if (const auto found = byIdentity_.find(identity); found != byIdentity_.end())
    return found->second;
  const auto isSame = [&](const LoadFrame &frame) { return frame.identity == identity; };
  if (const auto cycle = llvm::find_if(loading_, isSame); cycle != loading_.end()) {
    auto builder = diagnostics_->report(DiagnosticCode::CyclicImport, import, path);
    for (auto frame = std::next(cycle); frame != loading_.end(); ++frame)
      builder.note(frame->import, fmt::format("'{}' is imported here", frame->path));
    return nullptr;
  }
  std::optional<std::string> text = read(path, import);
  const Module *module = nullptr;
  if (text) {
    loading_.push_back({identity, path, import});
    module = addModule(path, std::move(*text), folderOf(path));
    loading_.pop_back();
  }
  byIdentity_.emplace(identity, module); // a file that can't be read is reported once
  return module;
}

const Module *Compilation::addModule(std::string path, std::string text,
                                     const std::string &folder) {
  if (text.size() > mostTextBytes) { // of no file on the disk
    diagnostics_->report(DiagnosticCode::UnreadableFile, {}, path, textTooLarge);
    return nullptr;
  }
  const FileId file = sources_->addText(path, std::move(text));
  if (!file.isValid()) {
    diagnostics_->report(DiagnosticCode::UnreadableFile, {}, path,
                         "all texts together are too large");
    return nullptr;
  }
  auto module = std::make_unique<Module>();
  module->path = std::move(path);
  module->tree = parseAcadl(*sources_, file, *diagnostics_);
  for (const ast::Declaration *declaration : module->tree.declarations)
    if (const auto *import = ast::dynCast<ast::ImportDeclaration>(declaration)) {
      if (import->path.empty()) {
        if (sources_->textOf(import->pathRange) == "\"\"") // else the parser has reported it
          diagnostics_->report(DiagnosticCode::UnreadableFile, import->pathRange, "",
                               "the path is empty");
        continue;
      }
      module->imports.push_back(
          {import, loadFile(resolvePath(import->path.str(), folder), import->pathRange)});
    }
  declareNames(*module);
  for (const Module::Import &import : module->imports)
    if (import.module)
      importNames(*module, import);
  modules_.push_back(std::move(module));
  return modules_.back().get();
}

//===--- Names --------------------------------------------------------------------------------===//

void Compilation::declareNames(Module &module) {
  module.exports = std::make_unique<Scope>();
  module.scope = std::make_unique<Scope>();
  for (const ast::Declaration *declaration : module.tree.declarations) {
    const bool isNamed = declaration->kind != ast::DeclarationKind::Import &&
                         declaration->kind != ast::DeclarationKind::Prefer &&
                         declaration->name.isValid();
    if (!isNamed)
      continue;
    const Symbol symbol = Symbol::ofDeclaration(*declaration, *module.scope);
    module.exports->declare(declaration->name.text, symbol);
    if (!module.scope->declare(declaration->name.text, symbol))
      diagnostics_
          ->report(DiagnosticCode::DuplicateName, declaration->name.range, declaration->name.text)
          .note(module.scope->findLocal(declaration->name.text)->range, "the first is here");
  }
}

void Compilation::importNames(Module &module, const Module::Import &import) {
  const ast::ImportDeclaration &declaration = *import.declaration;
  if (declaration.name.isValid()) {
    const Symbol symbol{
        Symbol::Kind::Module, {}, nullptr, import.module->exports.get(), declaration.name.range};
    if (!module.scope->declare(declaration.name.text, symbol))
      diagnostics_
          ->report(DiagnosticCode::NameClash, declaration.name.range, declaration.name.text,
                   "this file has another thing of that name")
          .note(module.scope->findLocal(declaration.name.text)->range, "declared here");
    return;
  }
  for (const auto &[name, symbol] : import.module->exports->entries()) {
    if (module.scope->declare(name, symbol))
      continue;
    const Symbol *other = module.scope->findLocal(name);
    if (other->declaration == symbol.declaration)
      continue; // imported twice: one and the same
    diagnostics_
        ->report(DiagnosticCode::NameClash, declaration.pathRange, name,
                 "this import brings one, and there is another")
        .note(symbol.range, "the imported one is here")
        .note(other->range, "the other is here")
        .note({}, fmt::format("import \"{}\" as a name of its own to tell them apart",
                              declaration.path.str()));
  }
}

const Module *Compilation::moduleAt(SourceLocation location) const {
  const FileId file = sources_->fileOf(location);
  const auto found =
      llvm::find_if(modules_, [&](const auto &module) { return module->tree.file == file; });
  return file.isValid() && found != modules_.end() ? found->get() : nullptr;
}

const Symbol *resolve(const ast::QualifiedName &name, const Scope &scope) {
  if (name.parts.empty())
    return nullptr;
  const Symbol *symbol = scope.find(name.parts.front().text);
  for (const ast::Identifier &part : name.parts.drop_front()) {
    if (!symbol || symbol->kind != Symbol::Kind::Module)
      return nullptr;
    symbol = symbol->home->findLocal(part.text);
  }
  return symbol;
}

} // namespace acadlc
