#include "driver/OutputFile.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Signals.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace acadlc::driver {

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  if (path_ == "-")
    descriptor_ = STDOUT_FILENO;
  else
    openFile();
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0 && descriptor_ != STDOUT_FILENO)
    ::close(descriptor_);
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
    llvm::sys::DontRemoveFileOnSignal(temporary_);
  }
}

std::string OutputFile::whyNot(const std::string &path) {
  struct stat status{};
  const bool isSpecial =
      ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
  if (path.empty() || path == "-" || isSpecial)
    return {};
  return OutputFile(path).problem();
}

void OutputFile::openFile() {
  std::error_code error;
  target_ = std::filesystem::weakly_canonical(path_, error).string();
  if (error || target_.empty())
    target_ = path_;
  struct stat status{};
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    fail();
    return;
  }
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    temporary_ = target_ + ".tmp" + std::to_string(::getpid());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    // Who could read the old file can read the new one, and nobody else.
    if (descriptor_ >= 0 && exists)
      (void)::fchmod(descriptor_, status.st_mode & 07777);
  }
  if (descriptor_ < 0) {
    fail();
    temporary_.clear();
  } else if (!temporary_.empty()) {
    llvm::sys::RemoveFileOnSignal(temporary_);
  }
}

void OutputFile::fail() {
  if (!failed_ && errno != EPIPE)
    problem_ = std::generic_category().message(errno);
  failed_ = true;
}

void OutputFile::write(std::string_view text) {
  constexpr std::size_t block = std::size_t{1} << 16;
  buffer_ += text;
  if (buffer_.size() >= block)
    flush();
}

void OutputFile::flush() {
  std::string_view rest = buffer_;
  while (!failed_ && !rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written >= 0)
      rest.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      fail();
  }
  buffer_.clear();
}

bool OutputFile::commit() {
  flush();
  if (descriptor_ >= 0 && descriptor_ != STDOUT_FILENO) {
    if (::close(descriptor_) != 0)
      fail();
    descriptor_ = -1;
  }
  if (failed_ || temporary_.empty())
    return !failed_;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail();
    return false;
  }
  llvm::sys::DontRemoveFileOnSignal(temporary_);
  temporary_.clear();
  return true;
}

} // namespace acadlc::driver
