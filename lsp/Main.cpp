#include "lsp/Server.h"
#include "lsp/Transport.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/raw_ostream.h>

#include <exception>
#include <unistd.h>

namespace {

constexpr llvm::StringRef usage =
    "usage: acadl-lsp [--stdio] [--lit-test]\n"
    "\n"
    "Language server for .acadl and .tir files. Editors start it; it speaks the Language Server\n"
    "Protocol over standard input and output.\n"
    "\n"
    "  --stdio     accepted because many editors pass it; there is no other way\n"
    "  --lit-test  messages stand between lines '// -----', output is indented\n"
    "  --version   print the version\n"
    "  --help      print this\n";

int serve(acadlc::lsp::MessageStyle style) {
  acadlc::lsp::Transport transport(STDIN_FILENO, llvm::outs(), llvm::errs(), style);
  return acadlc::lsp::Server(transport).run();
}

} // namespace

int main(int argc, char **argv) {
  auto style = acadlc::lsp::MessageStyle::Framed;
  for (int i = 1; i < argc; ++i) {
    const llvm::StringRef argument = argv[i];
    if (argument == "--lit-test") {
      style = acadlc::lsp::MessageStyle::Delimited;
    } else if (argument == "--version") {
      llvm::outs() << "acadl-lsp " ACADLC_VERSION "\n";
      return 0;
    } else if (argument == "--help") {
      llvm::outs() << usage;
      return 0;
    } else if (argument != "--stdio") {
      llvm::errs() << "acadl-lsp: unknown argument '" << argument << "'\n" << usage;
      return 2;
    }
  }
  try {
    return serve(style);
  } catch (const std::exception &error) {
    llvm::errs() << "acadl-lsp: internal error: " << error.what() << '\n';
    return 1;
  }
}
