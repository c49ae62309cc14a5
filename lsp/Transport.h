/// \file
/// Moves JSON texts between the server and its client, over two streams.
///
/// A transport knows where a message begins and ends, and nothing of what it says.
#pragma once

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/JSON.h>
#include <llvm/Support/raw_ostream.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace acadlc::lsp {

enum class MessageStyle {
  /// `Content-Length: N`, an empty line, N bytes: what the protocol demands.
  Framed,
  /// For tests: messages stand between lines `// -----`, other lines that begin with `//` are
  /// comments, and what is written is indented.
  Delimited,
};

class Transport {
public:
  /// Reads from the file descriptor \p input. What is wrong with the framing is told to \p log.
  Transport(int input, llvm::raw_ostream &output, llvm::raw_ostream &log, MessageStyle style);

  /// The text of the next message; nothing at the end of input. A message whose length is missing
  /// or unreadable is skipped; of several lengths the last one counts.
  std::optional<std::string> read();

  /// Whether a read would not wait: the client has sent more, or does so within \p patience. Always
  /// false for Delimited, so that tests see every step.
  [[nodiscard]] bool hasPendingInput(std::chrono::milliseconds patience = {}) const;

  void send(const llvm::json::Value &message);

private:
  std::optional<std::string> readFramed();
  std::optional<std::string> readDelimited();
  /// The next line without its break; nothing at the end of input.
  std::optional<std::string> readLine();
  std::optional<std::string> readBody(std::size_t size);
  /// False at the end of input.
  bool fillBuffer();

  int input_;
  llvm::raw_ostream &output_;
  llvm::raw_ostream &log_;
  MessageStyle style_;
  std::string buffer_;
  std::size_t position_ = 0; ///< of what is unread in the buffer
  /// A length could not be read, so the next header follows somewhere behind the unread body.
  bool isLost_ = false;
};

} // namespace acadlc::lsp
