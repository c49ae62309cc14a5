#include "support/TextFile.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace acadlc;

namespace {

/// A folder that is gone at the end.
class TemporaryFolder {
public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("acadlc-text-file-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  [[nodiscard]] std::string operator/(const char *name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

std::string problemOf(const std::string &path, TextFileKind kind) {
  std::string problem;
  CHECK_FALSE(readTextFile(path, kind, problem).has_value());
  return problem;
}

} // namespace

TEST_CASE("text files: regular files are read to the last byte") {
  const TemporaryFolder folder;
  std::string text(200'000, 'x');
  text += '\0';
  text += "\r\n\xff";
  std::ofstream(folder / "a", std::ios::binary) << text;
  std::string problem;
  CHECK(readTextFile(folder / "a", TextFileKind::RegularOnly, problem) == text);
  CHECK(problem.empty());
}

TEST_CASE("text files: what cannot be read is said") {
  const TemporaryFolder folder;
  CHECK(problemOf(folder / "none", TextFileKind::OrPipe) == "there is no such file");
  CHECK(problemOf(folder / ".", TextFileKind::OrPipe) == "it is a directory");
  CHECK(problemOf("/dev/zero", TextFileKind::OrPipe) == "it is no regular file");
  std::ofstream(folder / "large") << 'x';
  std::filesystem::resize_file(folder / "large", mostTextBytes + 1);
  CHECK(problemOf(folder / "large", TextFileKind::OrPipe) == textTooLarge);
}

TEST_CASE("text files: a pipe is read where the user may name one") {
  const TemporaryFolder folder;
  const std::string path = folder / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(problemOf(path, TextFileKind::RegularOnly) == "it is no regular file");
  std::thread writer([&] { std::ofstream(path) << "const a = 1\n"; });
  std::string problem;
  CHECK(readTextFile(path, TextFileKind::OrPipe, problem) == "const a = 1\n");
  writer.join();
}
