#include "lsp/Transport.h"

#include "lsp/TestStreams.h"

#include <doctest/doctest.h>

#include <unistd.h>

using namespace acadlc::lsp;
using acadlc::lsp::test::framed;
using acadlc::lsp::test::TestStreams;

namespace {

std::vector<std::string> readAll(TestStreams &streams) {
  std::vector<std::string> messages;
  while (const std::optional<std::string> message = streams.transport.read())
    messages.push_back(*message);
  return messages;
}

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("Transport: messages with headers") {
  TestStreams streams(framed("{}") + "Content-Type: x\r\ncontent-length:  3 \r\n\r\n[1]" +
                      "Content-Length: 1\n\n7" + framed(""));
  CHECK(readAll(streams) == Texts{"{}", "[1]", "7", ""});
  CHECK(streams.log().empty());
}

TEST_CASE("Transport: of two lengths the last one counts") {
  TestStreams streams("Content-Length: 100\r\nContent-Length: 2\r\n\r\n{}" + framed("[]"));
  CHECK(readAll(streams) == Texts{"{}", "[]"});
  CHECK(streams.log() == "acadl-lsp: a second Content-Length replaces the first\n");
}

TEST_CASE("Transport: a message without a usable length is skipped") {
  for (const char *header :
       {"Content-Length: x\r\n\r\n", "Content-Length: -1\r\n\r\n", "Content-Length: \r\n\r\n",
        "Content-Length: 99999999999999999999999\r\n\r\n", "Content-Length: 1000000000000\r\n\r\n",
        "Content-Type: x\r\n\r\n", "\r\n"}) {
    CAPTURE(header);
    TestStreams streams(header + std::string("{\"a\": 1}") + framed("[]") + framed("{}"));
    CHECK(readAll(streams) == Texts{"[]", "{}"});
    CHECK_FALSE(streams.log().empty());
  }
}

TEST_CASE("Transport: input that ends too early") {
  for (const char *input : {"", "Content-Length: 10\r\n", "Content-Length: 10\r\n\r\n",
                            "Content-Length: 10\r\n\r\n{\"a\"", "Conte"}) {
    CAPTURE(input);
    TestStreams streams(input);
    CHECK(readAll(streams).empty());
  }
}

TEST_CASE("Transport: a message longer than the buffer") {
  const std::string text(300'000, 'x');
  TestStreams streams(framed(text) + framed("{}"));
  CHECK(readAll(streams) == Texts{text, "{}"});
}

TEST_CASE("Transport: messages of tests") {
  TestStreams streams("// a comment\n{\"a\":\n  1}\n// -----\n// -----\n\n{}\n",
                      MessageStyle::Delimited);
  CHECK(readAll(streams) == Texts{"{\"a\":\n  1}\n", "\n{}\n"});
}

TEST_CASE("Transport: pending input") {
  int ends[2] = {};
  REQUIRE(pipe(ends) == 0);
  llvm::raw_null_ostream nowhere;
  Transport transport(ends[0], nowhere, nowhere, MessageStyle::Framed);
  CHECK_FALSE(transport.hasPendingInput());
  CHECK_FALSE(transport.hasPendingInput(std::chrono::milliseconds(1)));
  const std::string two = framed("{}") + framed("[]");
  REQUIRE(write(ends[1], two.data(), two.size()) == static_cast<ssize_t>(two.size()));
  CHECK(transport.hasPendingInput());
  // What is there is not waited for.
  CHECK(transport.hasPendingInput(std::chrono::hours(1)));
  CHECK(transport.read() == "{}");
  CHECK(transport.hasPendingInput());
  CHECK(transport.read() == "[]");
  CHECK_FALSE(transport.hasPendingInput());
  close(ends[1]);
  CHECK(transport.read() == std::nullopt);
  close(ends[0]);
}

TEST_CASE("Transport: what is written") {
  TestStreams streams("");
  streams.transport.send(llvm::json::Object{{"a", "\xC3\xBC"}});
  streams.transport.send(1);
  CHECK(streams.written() == Texts{"{\"a\":\"\xC3\xBC\"}", "1"});
}
