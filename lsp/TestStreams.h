/// \file
/// Input and output for tests of the server: texts instead of pipes.
#pragma once

#include "lsp/Transport.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/raw_ostream.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace acadlc::lsp::test {

inline std::string framed(llvm::StringRef body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body.str();
}

/// A transport that reads \p input and keeps what is written.
class TestStreams {
public:
  explicit TestStreams(const std::string &input, MessageStyle style = MessageStyle::Framed)
      : file_(std::tmpfile(), &std::fclose), transport(fileno(file_.get()), out_, log_, style) {
    std::fwrite(input.data(), 1, input.size(), file_.get());
    if (std::fseek(file_.get(), 0, SEEK_SET) != 0)
      throw std::runtime_error("the input of a test can not be read");
  }

  [[nodiscard]] std::string log() { return log_.str(); }

  /// The bodies of all messages written so far (Framed).
  [[nodiscard]] std::vector<std::string> written() {
    std::vector<std::string> bodies;
    llvm::StringRef rest = out_.str();
    while (!rest.empty()) {
      std::size_t size = 0;
      if (!rest.consume_front("Content-Length: ") || rest.consumeInteger(10, size) ||
          !rest.consume_front("\r\n\r\n"))
        return {"broken output: " + out_.str()};
      bodies.push_back(rest.take_front(size).str());
      rest = rest.drop_front(std::min(size, rest.size()));
    }
    return bodies;
  }

private:
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> file_;
  std::string outText_, logText_;
  llvm::raw_string_ostream out_{outText_}, log_{logText_};

public:
  Transport transport; // the last member: it uses the others
};

} // namespace acadlc::lsp::test
