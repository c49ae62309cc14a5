#include "lsp/Uri.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <random>

using namespace acadlc::lsp;

TEST_CASE("Uri: paths of file URIs") {
  CHECK(pathOfUri("file:///a/b.acadl") == "/a/b.acadl");
  CHECK(pathOfUri("file:///a%20b/%C3%BC.acadl") == "/a b/\xC3\xBC.acadl");
  CHECK(pathOfUri("file:///c%3a/%7e") == "/c:/~");
  CHECK(pathOfUri("FILE://localhost/a") == "/a");
  CHECK(pathOfUri("file:/a") == "/a");
}

TEST_CASE("Uri: what names no file here") {
  CHECK_FALSE(pathOfUri("untitled:Untitled-1"));
  CHECK_FALSE(pathOfUri("file://elsewhere/a"));
  CHECK_FALSE(pathOfUri("file:////elsewhere/a"));
  CHECK_FALSE(pathOfUri("file:"));
  CHECK_FALSE(pathOfUri("file:relative"));
  CHECK_FALSE(pathOfUri("/a"));
  CHECK_FALSE(pathOfUri(""));
  for (const char *broken : {"file:///%", "file:///%2", "file:///%2g", "file:///a%00b"})
    CHECK_FALSE(pathOfUri(broken));
}

TEST_CASE("Uri: URIs of paths") {
  CHECK(uriOfPath("/a b/100%.acadl") == "file:///a%20b/100%25.acadl");
  CHECK(uriOfPath("/\xC3\xBC/x:y") == "file:///%C3%BC/x%3Ay");
  CHECK(uriOfPath("/a/../b/./c") == "file:///b/c");
  CHECK(uriOfPath("x") == uriOfPath(std::filesystem::current_path().string() + "/x"));
}

TEST_CASE("Uri: every path comes back") {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> byte(1, 255);
  for (int round = 0; round < 200; ++round) {
    std::string path = "/";
    for (int i = 0; i < 12; ++i)
      if (const char c = static_cast<char>(byte(random)); c != '/' && c != '.')
        path += c;
    CHECK(pathOfUri(uriOfPath(path)) == path);
  }
}
