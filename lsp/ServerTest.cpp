#include "lsp/Server.h"

#include "lsp/TestStreams.h"

#include <doctest/doctest.h>

using namespace acadlc::lsp;
using acadlc::lsp::test::framed;
using acadlc::lsp::test::TestStreams;

namespace {

const std::string initialize =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"capabilities":{}}})";
const std::string shutdown = R"({"jsonrpc":"2.0","id":9,"method":"shutdown"})";
const std::string leave = R"({"jsonrpc":"2.0","method":"exit"})";

std::string didOpen(const std::string &uri, const std::string &language, const std::string &text) {
  const llvm::json::Value message = llvm::json::Object{
      {"jsonrpc", "2.0"},
      {"method", "textDocument/didOpen"},
      {"params", llvm::json::Object{{"textDocument", llvm::json::Object{{"uri", uri},
                                                                        {"languageId", language},
                                                                        {"version", 1},
                                                                        {"text", text}}}}}};
  return llvm::formatv("{0}", message).str();
}

/// `didChange` (with \p text), `didClose` or `didSave`.
std::string did(const std::string &what, const std::string &uri, const std::string &text = "") {
  const llvm::json::Value message = llvm::json::Object{
      {"jsonrpc", "2.0"},
      {"method", "textDocument/did" + what},
      {"params", llvm::json::Object{
                     {"textDocument", llvm::json::Object{{"uri", uri}, {"version", 2}}},
                     {"contentChanges", llvm::json::Array{llvm::json::Object{{"text", text}}}}}}};
  return llvm::formatv("{0}", message).str();
}

struct Session {
  int exitCode = 0;
  std::vector<llvm::json::Value> answers;

  /// "URI: number of diagnostics" of all publications.
  [[nodiscard]] std::vector<std::string> published() const {
    std::vector<std::string> all;
    for (const llvm::json::Value &answer : answers)
      if (answer.getAsObject()->getString("method") == "textDocument/publishDiagnostics") {
        const llvm::json::Object &params = *answer.getAsObject()->getObject("params");
        all.push_back(params.getString("uri")->str() + ": " +
                      std::to_string(params.getArray("diagnostics")->size()));
      }
    return all;
  }
};

Session serve(const std::vector<std::string> &messages) {
  std::string input;
  for (const std::string &message : messages)
    input += framed(message);
  TestStreams streams(input);
  Session session;
  session.exitCode = Server(streams.transport).run();
  for (const std::string &body : streams.written())
    session.answers.push_back(llvm::cantFail(llvm::json::parse(body)));
  return session;
}

const std::string good = "const a = 1 cycle";
const std::string bad = "const a = 1 cylce";
using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("Server: exit codes") {
  CHECK(serve({initialize, shutdown, leave}).exitCode == 0);
  CHECK(serve({initialize, leave}).exitCode == 1);
  CHECK(serve({leave}).exitCode == 1);
  CHECK(serve({}).exitCode == 1);
  CHECK(serve({initialize, shutdown}).exitCode == 1);
}

TEST_CASE("Server: initialize comes once") {
  const Session session = serve({initialize, initialize, shutdown, leave});
  REQUIRE(session.answers.size() == 3);
  CHECK(session.answers[0].getAsObject()->get("result"));
  CHECK(session.answers[1].getAsObject()->getObject("error")->getInteger("code") == -32600);
}

TEST_CASE("Server: nothing is answered after exit") {
  CHECK(serve({initialize, shutdown, leave, initialize}).answers.size() == 2);
}

TEST_CASE("Server: diagnostics are published when they change") {
  const std::string uri = "file:///nowhere/a.acadl";
  CHECK(serve({initialize, didOpen(uri, "acadl", bad), did("Save", uri), did("Change", uri, good),
               did("Close", uri), shutdown, leave})
            .published() == Texts{uri + ": 1", uri + ": 0"});
  // Closing clears.
  CHECK(serve({initialize, didOpen(uri, "acadl", bad), did("Close", uri), shutdown, leave})
            .published() == Texts{uri + ": 1", uri + ": 0"});
  CHECK(serve({initialize, didOpen(uri, "acadl", good), did("Close", uri), shutdown, leave})
            .published() == Texts{uri + ": 0"});
}

TEST_CASE("Server: changes that have arrived together are analysed once") {
  const std::string uri = "file:///nowhere/a.acadl";
  CHECK(serve({initialize, didOpen(uri, "acadl", good), did("Change", uri, bad),
               did("Change", uri, good), did("Change", uri, bad + "\n" + bad), shutdown, leave})
            .published() == Texts{uri + ": 0", uri + ": 3"});
}

TEST_CASE("Server: who types in a large text gets an analysis when he pauses") {
  using std::chrono::milliseconds;
  CHECK(patienceAfter(milliseconds(10)) == milliseconds(0));
  CHECK(patienceAfter(milliseconds(300)) == milliseconds(300));
  CHECK(patienceAfter(std::chrono::seconds(20)) == milliseconds(1000));
}

TEST_CASE("Server: networks") {
  const std::string uri = "file:///nowhere/net.tir";
  const std::string fine = "@I.ir_module\nclass Module:\n    @R.function\n"
                           "    def main(x: R.Tensor((4,), dtype=\"float32\")):\n"
                           "        return x\n";
  const std::string wrong = "@I.ir_module\nclass Module:\n    @R.function\n"
                            "    def main(x: R.Tensor((4,), dtype=\"float32\")):\n"
                            "        return y\n";
  CHECK(
      serve({initialize, didOpen(uri, "python", wrong), did("Change", uri, fine), shutdown, leave})
          .published() == Texts{uri + ": 1", uri + ": 0"});
  CHECK(serve({initialize, didOpen(uri, "", wrong), did("Close", uri), shutdown, leave})
            .published() == Texts{uri + ": 1", uri + ": 0"});
  // The command line gives a symbolic size its value.
  std::string symbolic = "n = TypeVar(\"n\")\n" + fine;
  symbolic.replace(symbolic.find("(4,)"), 4, "(n,)");
  CHECK(serve({initialize, didOpen(uri, "", symbolic), shutdown, leave}).published() ==
        Texts{uri + ": 0"});
}

TEST_CASE("Server: documents of other languages are ignored") {
  const std::string uri = "file:///nowhere/a.txt";
  CHECK(serve({initialize, didOpen(uri, "plaintext", bad), did("Change", uri, bad),
               did("Close", uri), shutdown, leave})
            .answers.size() == 2);
  CHECK(serve({initialize, didOpen(uri, "acadl", bad), shutdown, leave}).published() ==
        Texts{uri + ": 1"});
  const std::string named = "file:///nowhere/a.acadl";
  CHECK(serve({initialize, didOpen(named, "plaintext", bad), shutdown, leave}).published() ==
        Texts{named + ": 1"});
}

TEST_CASE("Server: notes reach clients without related information in the message") {
  const std::string uri = "file:///nowhere/a.acadl";
  const Session session =
      serve({initialize, didOpen(uri, "acadl", "const a = 1\nconst a = 2\n"), shutdown, leave});
  const auto &params = *session.answers.at(1).getAsObject()->getObject("params");
  const auto &diagnostic = *params.getArray("diagnostics")->front().getAsObject();
  CHECK_FALSE(diagnostic.get("relatedInformation"));
  CHECK(diagnostic.getString("message")->contains("\n/nowhere/a.acadl:1:7: "));
}

TEST_CASE("Server: a change of a range is refused") {
  const std::string uri = "file:///nowhere/a.acadl";
  std::string ranged = did("Change", uri, good);
  ranged.insert(ranged.find("\"text\""),
                R"("range":{"start":{"line":0,"character":0},"end":{"line":0,"character":1}},)");
  const Session session = serve({initialize, didOpen(uri, "acadl", good), ranged, shutdown, leave});
  REQUIRE(session.answers.size() == 4);
  CHECK(session.answers[2].getAsObject()->getString("method") == "window/logMessage");
}
