#include "lsp/Analysis.h"

#include "support/InternalError.h"

#include <doctest/doctest.h>

using namespace acadlc;
using namespace acadlc::lsp;

TEST_CASE("Analysis: mistakes of the compiler are kept, what was found before too") {
  const FileOverlay broken = [](const std::string &path) -> std::optional<std::string> {
    if (path.ends_with("part.acadl"))
      throw InternalError("broken");
    return "const a = 1 $ 2\nimport \"part.acadl\"\n";
  };
  const Analysis analysis({"/nowhere/root.acadl", true, {}, {}}, broken);
  CHECK(analysis.failure().find("broken") != std::string::npos);
  CHECK_FALSE(analysis.diagnostics().empty());
}

TEST_CASE("Analysis: a file that cannot be read") {
  const Analysis analysis({"/nowhere/root.acadl", true, {}, {}}, {});
  CHECK(analysis.failure().empty());
  CHECK(analysis.root() == nullptr);
  REQUIRE(analysis.diagnostics().size() == 1);
  CHECK_FALSE(analysis.diagnostics().front().range.isValid());
}
