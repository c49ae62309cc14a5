#include "lsp/Transport.h"

#include <llvm/Support/FormatVariadic.h>

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace acadlc::lsp {
namespace {

/// Far beyond any text that can be compiled while one types; a larger number is a mistake.
constexpr std::size_t maxMessageSize = std::size_t{256} << 20U;
constexpr llvm::StringRef lengthHeader = "Content-Length:";
constexpr llvm::StringRef delimiter = "// -----";

} // namespace

Transport::Transport(int input, llvm::raw_ostream &output, llvm::raw_ostream &log,
                     MessageStyle style)
    : input_(input), output_(output), log_(log), style_(style) {}

std::optional<std::string> Transport::read() {
  return style_ == MessageStyle::Framed ? readFramed() : readDelimited();
}

bool Transport::hasPendingInput(std::chrono::milliseconds patience) const {
  if (style_ == MessageStyle::Delimited)
    return false;
  if (position_ < buffer_.size())
    return true;
  pollfd descriptor{input_, POLLIN, 0};
  return poll(&descriptor, 1, static_cast<int>(patience.count())) > 0 &&
         (descriptor.revents & POLLIN) != 0;
}

void Transport::send(const llvm::json::Value &message) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (style_ == MessageStyle::Delimited) {
    stream << llvm::formatv("{0:2}", message) << '\n';
    output_ << text;
  } else {
    stream << message;
    output_ << lengthHeader << ' ' << text.size() << "\r\n\r\n" << text;
  }
  output_.flush();
}

//===--- Reading messages ---------------------------------------------------------------------===//

std::optional<std::string> Transport::readFramed() {
  std::optional<std::size_t> size;
  while (const std::optional<std::string> line = readLine()) {
    llvm::StringRef header = *line;
    if (isLost_) {
      const std::size_t found = header.rfind_insensitive(lengthHeader);
      header = found == llvm::StringRef::npos ? llvm::StringRef("lost") : header.substr(found);
    }
    if (header.consume_front_insensitive(lengthHeader)) {
      if (size)
        log_ << "acadl-lsp: a second Content-Length replaces the first\n";
      std::size_t number = 0;
      isLost_ = header.trim().getAsInteger(10, number) || number > maxMessageSize;
      if (isLost_)
        log_ << "acadl-lsp: malformed Content-Length\n";
      size = isLost_ ? std::nullopt : std::optional(number);
    } else if (header.empty() && size) {
      return readBody(*size);
    } else if (header.empty() && !isLost_) {
      log_ << "acadl-lsp: a header without Content-Length\n";
      isLost_ = true;
    }
    // Other headers (Content-Type) say nothing that we need.
  }
  return std::nullopt;
}

std::optional<std::string> Transport::readDelimited() {
  std::string message;
  while (const std::optional<std::string> line = readLine()) {
    const llvm::StringRef text = llvm::StringRef(*line).trim();
    if (text == delimiter) {
      if (!llvm::StringRef(message).trim().empty())
        return message;
    } else if (!text.starts_with("//")) {
      message += *line;
      message += '\n';
    }
  }
  if (llvm::StringRef(message).trim().empty())
    return std::nullopt;
  return message;
}

//===--- Reading bytes ------------------------------------------------------------------------===//

std::optional<std::string> Transport::readLine() {
  std::string line;
  while (true) {
    const std::size_t end = buffer_.find('\n', position_);
    line.append(buffer_, position_, end - position_);
    if (end != std::string::npos) {
      position_ = end + 1;
      break;
    }
    // An endless line is no header; what is kept suffices to find one at its end.
    if (style_ == MessageStyle::Framed && line.size() > maxMessageSize)
      line.clear();
    if (!fillBuffer()) {
      if (line.empty())
        return std::nullopt;
      break;
    }
  }
  if (!line.empty() && line.back() == '\r')
    line.pop_back();
  return line;
}

std::optional<std::string> Transport::readBody(std::size_t size) {
  // Grows with what arrives: a wrong length costs no memory.
  std::string body;
  while (true) {
    const std::size_t taken = std::min(size - body.size(), buffer_.size() - position_);
    body.append(buffer_, position_, taken);
    position_ += taken;
    if (body.size() == size)
      return body;
    if (!fillBuffer()) {
      log_ << "acadl-lsp: the input ends within a message: " << body.size() << " of " << size
           << " bytes\n";
      return std::nullopt;
    }
  }
}

bool Transport::fillBuffer() {
  constexpr std::size_t chunk = std::size_t{64} << 10U;
  buffer_.resize(chunk);
  position_ = 0;
  ssize_t count = 0;
  do
    count = ::read(input_, buffer_.data(), chunk);
  while (count < 0 && errno == EINTR);
  buffer_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return count > 0;
}

} // namespace acadlc::lsp
