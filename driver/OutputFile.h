/// \file
/// Files that acadlc writes.
#pragma once

#include <string>
#include <string_view>

namespace acadlc::driver {

/// An output that appears under its name only when it is complete: the text goes to a file beside
/// it, which is renamed at the end. Without commit() whatever was there stays as it was. "-" is
/// standard output; devices and pipes are written as they are.
class OutputFile {
public:
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  void write(std::string_view text);
  /// False if anything went wrong; problem() says what.
  bool commit();
  /// Why the file can't be written; empty if nothing is wrong, or if nobody reads the pipe that we
  /// write to, which is nothing to complain about.
  [[nodiscard]] const std::string &problem() const { return problem_; }
  [[nodiscard]] const std::string &path() const { return path_; }

  /// Why nothing can be written to \p path; empty if something can, as far as is known before it is
  /// tried. Leaves what is there as it is; pipes and devices are not touched.
  static std::string whyNot(const std::string &path);

private:
  void openFile();
  void fail();
  void flush();

  std::string path_;
  std::string target_;    ///< path_ with symbolic links followed
  std::string temporary_; ///< empty: the target itself is written
  std::string buffer_;
  std::string problem_;
  int descriptor_ = -1;
  bool failed_ = false;
};

} // namespace acadlc::driver
