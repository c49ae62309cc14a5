#include "lsp/MessageHandler.h"

#include "support/JsonNesting.h"

#include <fmt/format.h>

#include <optional>

namespace acadlc::lsp {

using llvm::json::Object;
using llvm::json::Value;

namespace {

/// Messages of the protocol are nested 10 deep or so.
constexpr unsigned maxNesting = 200;

std::optional<Value> parseMessage(llvm::StringRef text, std::string &problem) {
  if (isJsonNestedDeeperThan(text, maxNesting)) {
    problem = fmt::format("nested more than {} deep", maxNesting);
    return std::nullopt;
  }
  llvm::Expected<Value> value = llvm::json::parse(text);
  if (value)
    return std::move(*value);
  problem = llvm::toString(value.takeError());
  return std::nullopt;
}

bool isRequestId(const Value &id) {
  return id.kind() == Value::String || id.kind() == Value::Number;
}

} // namespace

void MessageHandler::handle(llvm::StringRef text) {
  std::string problem;
  const std::optional<Value> message = parseMessage(text, problem);
  if (!message)
    return replyError(nullptr, ErrorCode::ParseError, "no valid JSON: " + problem);
  const Object *object = message->getAsObject();
  if (!object)
    return replyError(nullptr, ErrorCode::InvalidRequest, "a message must be an object");

  const Value *id = object->get("id");
  const Value answerTo = id && isRequestId(*id) ? *id : Value(nullptr);
  const std::optional<llvm::StringRef> method = object->getString("method");
  // A response: to nothing, since the server asks the client nothing.
  if (!method && (object->get("result") || object->get("error")))
    return;
  if (object->getString("jsonrpc") != "2.0")
    return replyError(answerTo, ErrorCode::InvalidRequest, "expected \"jsonrpc\": \"2.0\"");
  if (!method)
    return replyError(answerTo, ErrorCode::InvalidRequest, "a message needs a method");

  const Value *params = object->get("params");
  const Value noParams = nullptr;
  if (!id)
    return handleNotification(*method, params ? *params : noParams);
  if (!isRequestId(*id))
    return replyError(nullptr, ErrorCode::InvalidRequest, "an id is a number or a string");
  handleRequest(*id, *method, params ? *params : noParams);
}

void MessageHandler::handleRequest(const Value &id, llvm::StringRef method, const Value &params) {
  try {
    reply(id, callRequest(method, params));
  } catch (const ProtocolError &error) {
    replyError(id, error.code(), error.what());
  } catch (const std::exception &error) {
    replyError(id, ErrorCode::InternalError, error.what());
    logError(fmt::format("{}: {}", method.str(), error.what()));
  }
}

Value MessageHandler::callRequest(llvm::StringRef method, const Value &params) {
  if (phase_ == Phase::Uninitialized && method != "initialize")
    throw ProtocolError(ErrorCode::ServerNotInitialized, "the first request must be 'initialize'");
  if (phase_ == Phase::ShutDown)
    throw ProtocolError(ErrorCode::InvalidRequest, "the server is shut down");
  const auto found = requests_.find(method);
  if (found == requests_.end())
    throw ProtocolError(ErrorCode::MethodNotFound,
                        fmt::format("unknown method '{}'", method.str()));
  return found->second(params);
}

void MessageHandler::handleNotification(llvm::StringRef method, const Value &params) {
  // Whatever the phase, a client may end the connection; all else waits for `initialize`.
  if (phase_ != Phase::Running && method != "exit")
    return;
  // Unknown notifications may be ignored, those that begin with "$/" must be.
  const auto found = notifications_.find(method);
  if (found == notifications_.end())
    return;
  try {
    found->second(params);
  } catch (const std::exception &error) {
    logError(fmt::format("{}: {}", method.str(), error.what()));
  }
}

void MessageHandler::reply(const Value &id, Value result) {
  transport_.send(Object{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

void MessageHandler::replyError(const Value &id, ErrorCode code, llvm::StringRef message) {
  transport_.send(Object{
      {"jsonrpc", "2.0"},
      {"id", id},
      {"error",
       Object{{"code", static_cast<int>(code)}, {"message", llvm::json::fixUTF8(message)}}},
  });
}

void MessageHandler::notify(llvm::StringRef method, Value params) {
  transport_.send(Object{{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
}

void MessageHandler::logError(llvm::StringRef message) {
  constexpr int errorType = 1;
  notify("window/logMessage",
         Object{{"type", errorType}, {"message", llvm::json::fixUTF8(message)}});
}

} // namespace acadlc::lsp
