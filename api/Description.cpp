#include "api/Description.h"

namespace acadlc {

namespace {

/// Calls \p visit for every declaration of kind \p Node in all files, imported ones first.
template <typename Node, typename Visit>
void forEachDeclaration(const Compilation &compilation, Visit visit) {
  for (const auto &module : compilation.modules())
    for (const ast::Declaration *declaration : module->tree.declarations)
      if (const auto *node = ast::dynCast<Node>(declaration))
        visit(*module, *node);
}

} // namespace

std::vector<const ast::ArchitectureDeclaration *> architecturesOf(const Compilation &compilation) {
  std::vector<const ast::ArchitectureDeclaration *> own;
  std::vector<const ast::ArchitectureDeclaration *> imported;
  forEachDeclaration<ast::ArchitectureDeclaration>(
      compilation, [&](const Module &module, const ast::ArchitectureDeclaration &architecture) {
        (&module == compilation.root() ? own : imported).push_back(&architecture);
      });
  return own.empty() ? imported : own;
}

const ast::ArchitectureDeclaration *findArchitecture(const Compilation &compilation,
                                                     std::string_view name) {
  const ast::ArchitectureDeclaration *found = nullptr;
  // The root's files comes last and wins.
  forEachDeclaration<ast::ArchitectureDeclaration>(
      compilation, [&](const Module &, const ast::ArchitectureDeclaration &architecture) {
        if (architecture.name.text == llvm::StringRef(name))
          found = &architecture;
      });
  return found;
}

std::vector<Declared<ast::MappingDeclaration>>
mappingsFor(const Compilation &compilation, const ast::ArchitectureDeclaration &architecture) {
  std::vector<Declared<ast::MappingDeclaration>> mappings;
  forEachDeclaration<ast::MappingDeclaration>(
      compilation, [&](const Module &module, const ast::MappingDeclaration &mapping) {
        if (resolveAs<ast::ArchitectureDeclaration>(mapping.architecture, *module.scope) ==
            &architecture)
          mappings.push_back({&mapping, module.scope.get()});
      });
  return mappings;
}

const ast::ArchitectureDeclaration *
architectureOf(const Declared<ast::ProgramDeclaration> &program) {
  return resolveAs<ast::ArchitectureDeclaration>(program.declaration->architecture, *program.home);
}

std::vector<Declared<ast::ProgramDeclaration>>
programsFor(const Compilation &compilation, const ast::ArchitectureDeclaration *architecture) {
  std::vector<Declared<ast::ProgramDeclaration>> programs;
  forEachDeclaration<ast::ProgramDeclaration>(
      compilation, [&](const Module &module, const ast::ProgramDeclaration &program) {
        const Declared<ast::ProgramDeclaration> declared{&program, module.scope.get()};
        if (architecture == nullptr || architectureOf(declared) == architecture)
          programs.push_back(declared);
      });
  return programs;
}

std::optional<Declared<ast::ScalarDeclaration>>
scalarFor(const Compilation &compilation, const ast::ArchitectureDeclaration &architecture) {
  std::optional<Declared<ast::ScalarDeclaration>> found;
  forEachDeclaration<ast::ScalarDeclaration>(
      compilation, [&](const Module &module, const ast::ScalarDeclaration &scalar) {
        if (resolveAs<ast::ArchitectureDeclaration>(scalar.architecture, *module.scope) ==
            &architecture)
          found = {&scalar, module.scope.get()};
      });
  return found;
}

std::vector<Declared<ast::ExperimentDeclaration>> experimentsOf(const Compilation &compilation) {
  std::vector<Declared<ast::ExperimentDeclaration>> experiments;
  forEachDeclaration<ast::ExperimentDeclaration>(
      compilation, [&](const Module &module, const ast::ExperimentDeclaration &experiment) {
        experiments.push_back({&experiment, module.scope.get()});
      });
  return experiments;
}

std::vector<const ast::PreferDeclaration *> preferencesOf(const Compilation &compilation) {
  std::vector<const ast::PreferDeclaration *> preferences;
  forEachDeclaration<ast::PreferDeclaration>(
      compilation, [&](const Module &, const ast::PreferDeclaration &preference) {
        preferences.push_back(&preference);
      });
  return preferences;
}

} // namespace acadlc
