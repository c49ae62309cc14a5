#include "driver/Picture.h"

#include "driver/OutputFile.h"

#include <fmt/format.h>
#include <llvm/ADT/SmallString.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/FileUtilities.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/Program.h>
#include <llvm/Support/raw_ostream.h>

#include <optional>

namespace acadlc::driver {

namespace {

/// The value of dot's -T for \p path; empty if text is wanted.
std::string pictureFormat(const std::string &path) {
  for (const char *format : {"svg", "pdf", "png"})
    if (llvm::StringRef(path).ends_with_insensitive(std::string(".") + format))
      return format;
  return {};
}

/// A file for the time of a run; empty path if it can't be made.
struct TemporaryFile {
  explicit TemporaryFile(const char *suffix) {
    llvm::SmallString<128> name;
    if (!llvm::sys::fs::createTemporaryFile("acadlc", suffix, name))
      path = name.str().str();
  }
  ~TemporaryFile() {
    // The system tidies up what can't be removed here.
    [[maybe_unused]] const std::error_code ignored = llvm::sys::fs::remove(path);
  }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  std::string path;
};

/// Whether the name of \p path promises a picture that we don't draw.
bool promisesOtherPicture(const std::string &path) {
  for (const char *ending : {".jpg", ".jpeg", ".gif", ".webp", ".ps", ".eps", ".html"})
    if (llvm::StringRef(path).ends_with_insensitive(ending))
      return true;
  return false;
}

std::string textOf(const std::string &path) {
  const auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

std::string firstLine(const std::string &text) { return text.substr(0, text.find('\n')); }

bool writeFile(std::string_view text, const std::string &path, DiagnosticEngine &diagnostics) {
  OutputFile file(path);
  file.write(text);
  if (file.commit())
    return true;
  if (!file.problem().empty())
    diagnostics.report(DiagnosticCode::CannotWriteFile, {}, path, file.problem());
  return false;
}

} // namespace

bool writeGraph(std::string_view dot, const std::string &path, DiagnosticEngine &diagnostics) {
  const std::string format = pictureFormat(path);
  if (promisesOtherPicture(path)) {
    diagnostics.report(DiagnosticCode::DotFailed, {}, path,
                       "pictures end in .svg, .pdf or .png, text in .dot");
    return false;
  }
  if (format.empty())
    return writeFile(dot, path, diagnostics);
  const auto program = llvm::sys::findProgramByName("dot");
  if (!program) {
    diagnostics.report(DiagnosticCode::DotFailed, {}, path,
                       "the program 'dot' of Graphviz is not installed");
    return false;
  }
  const TemporaryFile input("dot");
  const TemporaryFile picture(format.c_str());
  const TemporaryFile errors("txt");
  if (input.path.empty() || picture.path.empty() || errors.path.empty() ||
      !writeFile(dot, input.path, diagnostics)) {
    diagnostics.report(DiagnosticCode::DotFailed, {}, path, "no temporary file can be made");
    return false;
  }
  const std::string type = "-T" + format;
  const std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(""), std::nullopt,
                                                      llvm::StringRef(errors.path)};
  std::string problem;
  const int code =
      llvm::sys::ExecuteAndWait(*program, {*program, type, "-o", picture.path, input.path},
                                std::nullopt, redirects, 0, 0, &problem);
  if (code != 0) {
    if (problem.empty())
      problem = firstLine(textOf(errors.path));
    diagnostics.report(
        DiagnosticCode::DotFailed, {}, path,
        fmt::format("'dot' ended with code {}{}{}", code, problem.empty() ? "" : ": ", problem));
    return false;
  }
  return writeFile(textOf(picture.path), path, diagnostics);
}

} // namespace acadlc::driver
