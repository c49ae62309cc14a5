/// \file
/// From text to tree.
#pragma once

#include "frontend/acadl/syntax/Ast.h"
#include "support/Diagnostics.h"

#include <cstdint>
#include <string>

namespace acadlc {

/// Parses the text \p file of \p sources. Never fails: errors go to \p diagnostics and the tree
/// holds what could be read. Nesting deeper than 1,000 is one error, not a crash.
ast::SourceFile parseAcadl(const SourceManager &sources, FileId file,
                           DiagnosticEngine &diagnostics);

/// Parses the text of \p file from byte \p begin on as if `const value = ` stood in front of it, as
/// the value that an option of the command line gives. Ranges are those of \p file.
ast::SourceFile parseAcadlValue(const SourceManager &sources, FileId file, std::uint32_t begin,
                                DiagnosticEngine &diagnostics);

/// The tree as indented text, for `--dump-ast`.
std::string dumpAst(const ast::SourceFile &file, const SourceManager &sources);

} // namespace acadlc
