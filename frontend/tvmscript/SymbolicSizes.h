/// \file
/// Finds the symbolic sizes of a text: dimensions that are only known when the network runs.
#pragma once

#include "frontend/tvmscript/Syntax.h"

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace acadlc::tir {

using SizeNames = std::set<std::string, std::less<>>;

/// Adds the names of all symbolic sizes: `n = TypeVar("n")`, `n = T.int64()`, and names in the
/// shapes of parameters, also within strings.
void collectSizeNames(std::span<const Stmt *const> statements, SizeNames &names);

/// The shape of a parameter of \p function, a list or tuple, as its type or its `T.match_buffer`
/// says; null if it has none.
const Expr *shapeOfParameter(const Stmt &function, const Parameter &parameter);

/// The name that \p dimension is, also as a string: "n". Empty if it is no plain name.
std::string_view plainSize(const Expr &dimension);

/// The first dimension of a parameter of \p function, as its type or its `T.match_buffer` says;
/// null if it has none.
const Expr *leadingDimension(const Stmt &function, const Parameter &parameter);

/// "its symbolic sizes are 'm' and 'n'", or that it has none.
std::string listOf(const SizeNames &names);

} // namespace acadlc::tir
