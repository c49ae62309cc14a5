/// \file
/// JSON-RPC: takes messages apart, calls the function registered for their method, answers.
///
/// Knows the phases of a connection (nothing before `initialize`, nothing but `exit` after
/// `shutdown`), but no method by itself; lsp/Server.h registers those of the language server.
#pragma once

#include "lsp/Transport.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/JSON.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

namespace acadlc::lsp {

enum class ErrorCode {
  ParseError = -32700,
  InvalidRequest = -32600,
  MethodNotFound = -32601,
  InvalidParams = -32602,
  InternalError = -32603,
  ServerNotInitialized = -32002,
};

/// Thrown by the handler of a request: becomes the error of its response.
class ProtocolError : public std::runtime_error {
public:
  ProtocolError(ErrorCode code, const std::string &message)
      : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ErrorCode code() const { return code_; }

private:
  ErrorCode code_;
};

/// For methods without parameters; whatever is sent is accepted.
struct NoParams {};
inline bool fromJSON(const llvm::json::Value & /*value*/, NoParams & /*params*/,
                     llvm::json::Path /*path*/) {
  return true;
}

class MessageHandler {
public:
  enum class Phase { Uninitialized, Running, ShutDown, Exited };

  explicit MessageHandler(Transport &transport) : transport_(transport) {}
  MessageHandler(const MessageHandler &) = delete;
  MessageHandler &operator=(const MessageHandler &) = delete;

  /// Registers the member function \p handler of \p object for requests \p method. Its parameters
  /// are read with `fromJSON`, its result is turned into JSON by llvm::json::Value's constructor
  /// (which finds `toJSON`).
  template <typename Params, typename Result, typename Class>
  void onRequest(llvm::StringRef method, Class *object, Result (Class::*handler)(const Params &)) {
    requests_[method] = [=](const llvm::json::Value &value) {
      return llvm::json::Value((object->*handler)(read<Params>(value)));
    };
  }
  template <typename Params, typename Class>
  void onNotification(llvm::StringRef method, Class *object,
                      void (Class::*handler)(const Params &)) {
    notifications_[method] = [=](const llvm::json::Value &value) {
      (object->*handler)(read<Params>(value));
    };
  }

  /// Handles one message. Never throws: what goes wrong is answered or logged.
  void handle(llvm::StringRef text);

  void notify(llvm::StringRef method, llvm::json::Value params);
  /// Tells the user, by `window/logMessage`, of something that went wrong in the server.
  void logError(llvm::StringRef message);

  [[nodiscard]] Phase phase() const { return phase_; }
  void setPhase(Phase phase) { phase_ = phase; }

private:
  template <typename Params> static Params read(const llvm::json::Value &value) {
    Params params{};
    llvm::json::Path::Root root("params");
    if (!fromJSON(value, params, root))
      throw ProtocolError(ErrorCode::InvalidParams, llvm::toString(root.getError()));
    return params;
  }

  void handleRequest(const llvm::json::Value &id, llvm::StringRef method,
                     const llvm::json::Value &params);
  void handleNotification(llvm::StringRef method, const llvm::json::Value &params);
  llvm::json::Value callRequest(llvm::StringRef method, const llvm::json::Value &params);
  void reply(const llvm::json::Value &id, llvm::json::Value result);
  void replyError(const llvm::json::Value &id, ErrorCode code, llvm::StringRef message);

  Transport &transport_;
  llvm::StringMap<std::function<llvm::json::Value(const llvm::json::Value &)>> requests_;
  llvm::StringMap<std::function<void(const llvm::json::Value &)>> notifications_;
  Phase phase_ = Phase::Uninitialized;
};

} // namespace acadlc::lsp
