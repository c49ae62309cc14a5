#include "driver/Options.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace acadlc;
using namespace acadlc::driver;

namespace {

std::variant<Options, UsageError> parse(std::vector<const char *> arguments) {
  arguments.insert(arguments.begin(), "acadlc");
  return parseOptions(static_cast<int>(arguments.size()), arguments.data());
}

} // namespace

TEST_CASE("--help names every option") {
  const std::string help = helpText();
  for (const std::string &name : optionNames()) {
    INFO(name);
    CHECK(help.find(name) != std::string::npos);
  }
}

TEST_CASE("lines of the help fit a terminal") {
  const std::string help = helpText();
  for (std::size_t begin = 0; begin < help.size();) {
    const std::size_t end = help.find('\n', begin);
    CHECK(end - begin <= 100);
    begin = end + 1;
  }
}

TEST_CASE("repeated options take one value each and leave the file alone") {
  const auto parsed =
      parse({"--estimate", "-P", "rows=4", "-P", "m.tile=a b", "x.acadl", "--workload", "-",
             "--mapping", "conv2d=fast", "-j", "3", "--layer=y"});
  const auto *options = std::get_if<Options>(&parsed);
  REQUIRE(options);
  CHECK(options->description == "x.acadl");
  CHECK(options->workload == "-");
  REQUIRE(options->parameters.size() == 2);
  CHECK(options->parameters[1].name == "m.tile");
  CHECK(options->parameters[1].value == "a b");
  REQUIRE(options->mappings.size() == 1);
  CHECK(options->mappings[0].layer == "conv2d");
  CHECK(options->jobs == 3);
  CHECK(options->layer == "y");
}

TEST_CASE("values may look like options or contain =") {
  const auto parsed = parse({"x.acadl", "-P", "a=-1", "-P", "b=c == 1"});
  const auto *options = std::get_if<Options>(&parsed);
  REQUIRE(options);
  CHECK(options->parameters[0].value == "-1");
  CHECK(options->parameters[1].value == "c == 1");
}

TEST_CASE("help wins over what is wrong beside it") {
  const auto parsed = parse({"--help", "--nonsense"});
  REQUIRE(std::holds_alternative<Options>(parsed));
  CHECK(std::get<Options>(parsed).mode == Mode::Help);
}

TEST_CASE("measurements: columns come in lists and in repetitions") {
  const auto parsed = parse({"x.acadl",
                             "--validate",
                             "p.csv",
                             "--operator",
                             "matmul",
                             "--bind",
                             "rows=array_rows",
                             "--bind",
                             "matmul.tile=if a == 1 then 2 else 3",
                             "--measured",
                             "cycles - 1",
                             "--where",
                             "mode == \"isa\"",
                             "--group-by",
                             "a,b c",
                             "--ignore",
                             "x",
                             "--ignore",
                             "y,z",
                             "--plot",
                             "p.svg"});
  const auto *options = std::get_if<Options>(&parsed);
  REQUIRE(options);
  CHECK(options->mode == Mode::Estimate);
  CHECK(options->measurements == "p.csv");
  CHECK(options->operatorName == "matmul");
  REQUIRE(options->columns.bindings.size() == 2);
  CHECK(options->columns.bindings[1].name == "matmul.tile");
  CHECK(options->columns.bindings[1].expression == "if a == 1 then 2 else 3");
  CHECK(options->columns.measured == "cycles - 1");
  CHECK(options->columns.where == "mode == \"isa\"");
  CHECK(options->columns.groupBy == std::vector<std::string>{"a", "b c"});
  CHECK(options->columns.ignore == std::vector<std::string>{"x", "y", "z"});
  CHECK(options->plot == "p.svg");
}

TEST_CASE("measurements: combinations that mean nothing") {
  const auto messageOf = [](const std::vector<const char *> &arguments) {
    const auto parsed = parse(arguments);
    const auto *error = std::get_if<UsageError>(&parsed);
    return error != nullptr ? error->message : std::string();
  };
  CHECK(messageOf({"x.acadl", "--where", "a"}).find("need --validate") != std::string::npos);
  CHECK(messageOf({"x.acadl", "--plot", "a.svg"}).find("need --validate") != std::string::npos);
  for (const std::vector<const char *> &more :
       std::vector<std::vector<const char *>>{{"--workload", "n.tir"},
                                              {"--check"},
                                              {"--operator", "a", "--program", "b"},
                                              {"--trace", "t.csv"},
                                              {"--dump-ast"},
                                              {"--plot", "a.pdf"},
                                              {"--plot", "-"},
                                              {"--bind", "rows"},
                                              {"--bind", "=4"},
                                              {"--group-by", "a,,b"},
                                              {"--ignore", ""}}) {
    std::vector<const char *> arguments{"x.acadl", "--validate", "p.csv"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    INFO(more.back());
    CHECK(!messageOf(arguments).empty());
  }
  CHECK(messageOf({"-", "--validate", "-"}).find("standard input") != std::string::npos);
  CHECK(messageOf({"--validate", "p.csv"}).find("no FILE.acadl") != std::string::npos);
}

TEST_CASE("two reports are compared, and nothing else is done beside it") {
  const auto parsed = parse({"--diff", "a.json", "b.json", "--format", "json", "-o", "c.json"});
  const auto *options = std::get_if<Options>(&parsed);
  REQUIRE(options);
  CHECK(options->mode == Mode::CompareReports);
  CHECK(options->reports == std::pair<std::string, std::string>("a.json", "b.json"));
  CHECK(options->format == ReportFormat::Json);
  for (const std::vector<const char *> &arguments : std::vector<std::vector<const char *>>{
           {"--diff", "a.json"},
           {"--diff", "a.json", "b.json", "c.json"},
           {"--diff", "a.json", "b.json", "--diff", "a.json", "b.json"},
           {"x.acadl", "--diff", "a.json", "b.json"},
           {"--diff", "a.json", "b.json", "--estimate"},
           {"--diff", "a.json", "b.json", "--format", "csv"},
           {"--diff", "a.json", "b.json", "--list-stdlib"},
           {"--list-stdlib", "x.acadl"},
           {"--list-stdlib", "--format", "json"}}) {
    INFO(arguments.size());
    CHECK(std::holds_alternative<UsageError>(parse(arguments)));
  }
  CHECK(std::get<Options>(parse({"--list-stdlib"})).mode == Mode::ListLibrary);
}

TEST_CASE("pictures, models and traces need an estimate and files that fit") {
  const auto with = [](std::vector<const char *> more) {
    more.insert(more.begin(), {"x.acadl", "--workload", "n.tir"});
    return parse(std::move(more));
  };
  const auto parsed =
      with({"--estimate", "--plot-roofline", "a.svg", "--compare", "refined,roofline",
            "--trace-json", "t.json", "--instructions", "5..9"});
  const auto *options = std::get_if<Options>(&parsed);
  REQUIRE(options);
  CHECK(options->rooflinePlot == "a.svg");
  CHECK(options->compare ==
        std::vector{report::ComparedModel::Refined, report::ComparedModel::Roofline});
  CHECK(options->traceJson == "t.json");
  CHECK(options->instructions.end == 9);
  CHECK(std::holds_alternative<Options>(with({"--simulate", "--trace-json", "t.json"})));
  for (const std::vector<const char *> &more : std::vector<std::vector<const char *>>{
           {"--plot-roofline", "a.svg"},
           {"--estimate", "--plot-roofline", "a.png"},
           {"--compare", "roofline"},
           {"--estimate", "--compare", "roof"},
           {"--estimate", "--compare", "roofline,"},
           {"--trace-json", "t.json"},
           {"--estimate", "--trace-json", "t.json", "--trace", "t.csv"},
           {"--estimate", "--trace-json", "t.json", "--instructions", "0..1000000001"},
           {"--estimate", "--instructions", "0..5"}}) {
    INFO(more.back());
    CHECK(std::holds_alternative<UsageError>(with(more)));
  }
  CHECK(std::holds_alternative<UsageError>(
      parse({"x.acadl", "--validate", "p.csv", "--compare", "roofline"})));
}

TEST_CASE("sizes of a network") {
  const auto parsed = parse({"x.acadl", "--workload", "n.tir", "--shape", "n=1", "--shape",
                             "seq_len=128", "--shape", "n=1", "--batch", "4"});
  const auto *options = std::get_if<Options>(&parsed);
  REQUIRE(options);
  CHECK(options->sizes.size() == 2);
  CHECK(options->sizes.find("seq_len")->second == 128);
  CHECK(options->batch == 4);
  for (const std::vector<const char *> &more :
       std::vector<std::vector<const char *>>{{"--shape", "n"},
                                              {"--shape", "n="},
                                              {"--shape", "=1"},
                                              {"--shape", "n=0"},
                                              {"--shape", "n=-1"},
                                              {"--shape", "n=two"},
                                              {"--shape", "n=9223372036854775808"},
                                              {"--shape", "n=1", "--shape", "n=2"},
                                              {"--batch", "0"},
                                              {"--batch", "-4"},
                                              {"--batch", ""},
                                              {"--batch", "1e3"}}) {
    std::vector<const char *> arguments{"x.acadl", "--workload", "n.tir"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    INFO(more.back());
    CHECK(std::holds_alternative<UsageError>(parse(arguments)));
  }
  CHECK(std::holds_alternative<UsageError>(parse({"x.acadl", "--shape", "n=1"})));
  CHECK(std::holds_alternative<UsageError>(parse({"x.acadl", "--batch", "1"})));
}

TEST_CASE("a misspelt value and a range that is too large are told as such") {
  const auto problem = [](std::vector<const char *> more) {
    std::vector<const char *> arguments{"x.acadl", "--program", "p", "--estimate"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto parsed = parse(arguments);
    const auto *error = std::get_if<UsageError>(&parsed);
    return error ? error->message : "";
  };
  CHECK(problem({"--view", "summry"}).ends_with("not 'summry'; did you mean 'summary'?"));
  CHECK(problem({"--view", "nothing"}).ends_with("not 'nothing'"));
  CHECK(problem({"--compare", "rofline"}).ends_with("did you mean 'roofline'?"));
  CHECK(problem({"--view", "timeline", "--instructions", "0..99999999999999999999"}) ==
        "--instructions takes A..B with B up to 1000000000, 99999999999999999999 is too large");
  CHECK(problem({"--view", "timeline", "--instructions", "99999999999999999999..5"}) ==
        "--instructions takes A..B with B up to 1000000000, 99999999999999999999 is too large");
  CHECK(problem({"--view", "timeline", "--instructions", "-99999999999999999999..5"}) ==
        "--instructions takes A..B with A < B, not '-99999999999999999999..5'");
  CHECK(problem({"--dump-aidg", "a.dot", "--iterations", "0..9223372036854775808"}) ==
        "--iterations takes A..B with B up to 9223372036854775807, 9223372036854775808 is too "
        "large");
}

TEST_CASE("a budget is a positive number or unlimited") {
  const auto budgetOf = [](const char *text) -> std::optional<std::int64_t> {
    const auto parsed = parse({"x.acadl", "--program", "p", "--estimate", "--budget", text});
    const auto *options = std::get_if<Options>(&parsed);
    return options ? options->budget : std::nullopt;
  };
  CHECK(budgetOf("1") == 1);
  CHECK(budgetOf("1000000000000") == 1'000'000'000'000);
  CHECK(budgetOf("unlimited") == std::numeric_limits<std::int64_t>::max());
  for (const char *nonsense : {"0", "-1", "", "x", "1e9", "1 ", "10k", "9223372036854775808"})
    CHECK(!budgetOf(nonsense));
}
