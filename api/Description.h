/// \file
/// What a loaded description offers: its architectures, and the mappings and programs for one of
/// them.
#pragma once

#include "frontend/acadl/evaluation/Module.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc {

/// A declaration with the scope of the file in which it stands.
template <typename Node> struct Declared {
  const Node *declaration = nullptr;
  const Scope *home = nullptr;
};

/// The architectures of the root file; those of imported files if it has none.
std::vector<const ast::ArchitectureDeclaration *> architecturesOf(const Compilation &compilation);

/// The architecture called \p name, of the root file or of an imported one; null if there is none.
const ast::ArchitectureDeclaration *findArchitecture(const Compilation &compilation,
                                                     std::string_view name);

/// All mappings for \p architecture in all files.
std::vector<Declared<ast::MappingDeclaration>>
mappingsFor(const Compilation &compilation, const ast::ArchitectureDeclaration &architecture);

/// All programs on \p architecture in all files; on any if it is null.
std::vector<Declared<ast::ProgramDeclaration>>
programsFor(const Compilation &compilation, const ast::ArchitectureDeclaration *architecture);

/// The scalar code for \p architecture, if it has one.
std::optional<Declared<ast::ScalarDeclaration>>
scalarFor(const Compilation &compilation, const ast::ArchitectureDeclaration &architecture);

/// All experiments of all files.
std::vector<Declared<ast::ExperimentDeclaration>> experimentsOf(const Compilation &compilation);

/// The architecture that \p program runs on; null if its name is wrong.
const ast::ArchitectureDeclaration *
architectureOf(const Declared<ast::ProgramDeclaration> &program);

/// All `prefer` declarations of all files.
std::vector<const ast::PreferDeclaration *> preferencesOf(const Compilation &compilation);

/// "a, b, c"
template <typename List, typename NameOf> std::string joinNames(const List &list, NameOf nameOf) {
  std::string text;
  for (const auto &entry : list)
    text += (text.empty() ? "" : ", ") + std::string(nameOf(entry));
  return text;
}

} // namespace acadlc
