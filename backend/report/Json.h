/// \file
/// Values as our JSON reports have them.
#pragma once

#include <llvm/Support/JSON.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acadlc::report {

/// A string that JSON can hold whatever bytes the user's files had.
llvm::json::Value jsonText(std::string_view value);
/// A number as short as it can be without loss (llvm::json would print 17 digits); null if there is
/// none or it is not finite.
void jsonReal(llvm::json::OStream &json, llvm::StringRef name, std::optional<double> value);

/// A batch norm that is folded into call \p into: the names of what it took.
void jsonFolded(llvm::json::OStream &json, std::string_view into,
                const std::vector<std::string> &folded);

} // namespace acadlc::report
