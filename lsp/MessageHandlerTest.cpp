#include "lsp/MessageHandler.h"

#include "lsp/TestStreams.h"
#include "support/InternalError.h"

#include <doctest/doctest.h>

using namespace acadlc::lsp;
using acadlc::lsp::test::TestStreams;
using Phase = MessageHandler::Phase;

namespace {

struct Number {
  int value = 0;
};
bool fromJSON(const llvm::json::Value &value, Number &number, llvm::json::Path path) {
  llvm::json::ObjectMapper mapper(value, path);
  return mapper && mapper.map("value", number.value);
}

/// A server of a few methods that shows what reaches it.
class Calculator {
public:
  Calculator() : handler(streams.transport) {
    handler.onRequest("double", this, &Calculator::twice);
    handler.onRequest("break", this, &Calculator::breakDown);
    handler.onNotification("remember", this, &Calculator::remember);
    handler.onNotification("breakSilently", this, &Calculator::breakSilently);
    handler.setPhase(Phase::Running);
  }

  /// What is written in answer to \p text.
  std::vector<std::string> answers(llvm::StringRef text) {
    const std::size_t before = streams.written().size();
    handler.handle(text);
    std::vector<std::string> all = streams.written();
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(before));
    return all;
  }
  std::string answer(llvm::StringRef text) {
    const std::vector<std::string> all = answers(text);
    return all.size() == 1 ? all.front() : std::to_string(all.size()) + " answers";
  }

  TestStreams streams{""};
  MessageHandler handler;
  int remembered = 0;

private:
  int twice(const Number &number) { return 2 * number.value; }
  int breakDown(const NoParams &) { throw acadlc::InternalError("broken"); }
  void remember(const Number &number) { remembered = number.value; }
  void breakSilently(const NoParams &) { throw acadlc::InternalError("broken"); }
};

bool contains(const std::string &text, llvm::StringRef part) {
  return llvm::StringRef(text).contains(part);
}

} // namespace

TEST_CASE("MessageHandler: requests and notifications") {
  Calculator calculator;
  CHECK(calculator.answer(R"({"jsonrpc":"2.0","id":1,"method":"double","params":{"value":21}})") ==
        R"({"id":1,"jsonrpc":"2.0","result":42})");
  CHECK(calculator.answer(R"({"jsonrpc":"2.0","id":"x","method":"double","params":{"value":1}})") ==
        R"({"id":"x","jsonrpc":"2.0","result":2})");
  CHECK(
      calculator.answers(R"({"jsonrpc":"2.0","method":"remember","params":{"value":5}})").empty());
  CHECK(calculator.remembered == 5);
}

TEST_CASE("MessageHandler: messages that make no sense") {
  Calculator calculator;
  const auto gives = [&](llvm::StringRef message, llvm::StringRef code, llvm::StringRef id) {
    CAPTURE(message.str());
    const std::string answer = calculator.answer(message);
    CAPTURE(answer);
    CHECK(contains(answer, ("\"code\":" + code).str()));
    CHECK(contains(answer, ("\"id\":" + id).str()));
  };
  gives("", "-32700", "null");
  gives("{", "-32700", "null");
  gives("{\"a\": \"\xFF\"}", "-32700", "null");
  gives(std::string(1'000'000, '['), "-32700", "null");
  gives("[]", "-32600", "null");
  gives("7", "-32600", "null");
  gives("{}", "-32600", "null");
  gives(R"({"id":1,"method":"double"})", "-32600", "1");
  gives(R"({"jsonrpc":"1.0","id":1,"method":"double"})", "-32600", "1");
  gives(R"({"jsonrpc":"2.0","id":1})", "-32600", "1");
  gives(R"({"jsonrpc":"2.0","id":1,"method":7})", "-32600", "1");
  gives(R"({"jsonrpc":"2.0","id":{},"method":"double"})", "-32600", "null");
  gives(R"({"jsonrpc":"2.0","id":null,"method":"double"})", "-32600", "null");
  gives(R"({"jsonrpc":"2.0","id":2,"method":"triple"})", "-32601", "2");
  gives(R"({"jsonrpc":"2.0","id":2,"method":"$/triple"})", "-32601", "2");
  gives(R"({"jsonrpc":"2.0","id":3,"method":"double"})", "-32602", "3");
  gives(R"({"jsonrpc":"2.0","id":3,"method":"double","params":{"value":"x"}})", "-32602", "3");
  // It goes on after all of them.
  gives(R"({"jsonrpc":"2.0","id":4,"method":"triple"})", "-32601", "4");
}

TEST_CASE("MessageHandler: what is passed over") {
  Calculator calculator;
  for (const char *message : {R"({"jsonrpc":"2.0","method":"unknown"})",
                              R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}})",
                              R"({"jsonrpc":"2.0","id":1,"result":null})",
                              R"({"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}})"})
    CHECK(calculator.answers(message).empty());
}

TEST_CASE("MessageHandler: phases of the connection") {
  Calculator calculator;
  const char *request = R"({"jsonrpc":"2.0","id":1,"method":"double","params":{"value":1}})";
  const char *notification = R"({"jsonrpc":"2.0","method":"remember","params":{"value":1}})";
  calculator.handler.setPhase(Phase::Uninitialized);
  CHECK(contains(calculator.answer(request), "-32002"));
  CHECK(calculator.answers(notification).empty());
  calculator.handler.setPhase(Phase::ShutDown);
  CHECK(contains(calculator.answer(request), "-32600"));
  CHECK(calculator.answers(notification).empty());
  CHECK(calculator.remembered == 0);
}

TEST_CASE("MessageHandler: mistakes of the server are answered and logged") {
  Calculator calculator;
  const auto answers = calculator.answers(R"({"jsonrpc":"2.0","id":1,"method":"break"})");
  REQUIRE(answers.size() == 2);
  CHECK(contains(answers[0], "-32603"));
  CHECK(contains(answers[1], "window/logMessage"));
  CHECK(contains(answers[1], "broken"));
  CHECK(contains(calculator.answer(R"({"jsonrpc":"2.0","method":"breakSilently"})"), "broken"));
  // A notification cannot be answered.
  CHECK(contains(calculator.answer(R"({"jsonrpc":"2.0","method":"remember","params":[]})"),
                 "window/logMessage"));
}
