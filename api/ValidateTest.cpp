#include "api/Session.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace acadlc;

namespace {

using Texts = std::vector<std::string>;

const std::string device = std::string(ACADLC_SOURCE_DIR) + "/tests/golden/Inputs/measured.acadl";

/// measured.acadl held against a text.
struct Trial {
  Session session;
  Selection selection;
  ValidationOptions options;
  std::optional<analysis::Validation> validation;

  Trial() { REQUIRE(session.loadDescription(device)); }

  void run(const std::string &csv) {
    if (session.loadMeasurementsText("x.csv", csv))
      validation = session.validate(selection, options);
  }
  void runProgram(const std::string &csv) {
    selection.program = "stream";
    run(csv);
  }
  void runOperator(const std::string &csv) {
    options.operatorName = "matmul";
    run(csv);
  }
  /// "E0807 1:5 column 'x' binds to nothing", the place only if it is in the CSV text.
  [[nodiscard]] Texts errors() const {
    Texts list;
    for (const Diagnostic &diagnostic : session.diagnostics().diagnostics()) {
      std::string text = std::string(diagnosticInfo(diagnostic.code).id) + " ";
      const SourceManager &sources = session.sources();
      if (diagnostic.range.isValid() &&
          sources.name(sources.fileOf(diagnostic.range.begin)) == "x.csv") {
        const LineColumn at = sources.lineColumn(diagnostic.range.begin);
        text += std::to_string(at.line + 1) + ":" + std::to_string(at.column + 1) + " ";
      }
      list.push_back(text + diagnostic.message);
    }
    return list;
  }
  [[nodiscard]] std::vector<std::int64_t> estimates() const {
    std::vector<std::int64_t> list;
    REQUIRE_MESSAGE(validation, (errors().empty() ? "" : errors().front()));
    for (const analysis::ValidationRow &row : validation->rows)
      list.push_back(row.point.estimated);
    return list;
  }
};

/// Cycles of `stream` with these parameters.
std::int64_t cyclesOfStream(const std::vector<ParameterOverride> &parameters) {
  Session session;
  REQUIRE(session.loadDescription(device));
  REQUIRE(session.selectArchitecture({"", "stream", parameters}));
  const auto estimate = session.estimateProgram({});
  REQUIRE(estimate);
  return estimate->cycles;
}

} // namespace

TEST_CASE("columns bind to parameters of all types") {
  Trial trial;
  trial.runProgram("words,flow,Device.latency,stream.latency,room,fast,load_factor,label,cycles\n"
                   "8,os,2,1,65536,0,1,\"a\",100\n"
                   "8,ws,5,1,1024,true,1.5,b,100\n"
                   "8.0,os,5,1,1024,False,2,,100\n");
  CHECK(trial.errors() == Texts{});
  const std::vector<ParameterOverride> base{{"stream.words", "8"}};
  CHECK(trial.estimates() ==
        std::vector<std::int64_t>{
            cyclesOfStream(base),
            cyclesOfStream({base[0], {"latency", "5"}, {"flow", "ws"}, {"fast", "true"}}),
            cyclesOfStream({base[0], {"latency", "5 cycles"}})});
  CHECK(trial.estimates()[0] < trial.estimates()[2]);
  CHECK(trial.estimates()[2] < trial.estimates()[1]);
}

TEST_CASE("bare numbers count in the unit of the parameter's type") {
  Trial trial;
  // 64 bytes hold 16 words, and not 17.
  trial.runProgram("words,room,stream.latency,cycles\n16,64,0,100\n17,64,0,100\n");
  REQUIRE(trial.errors().size() == 1);
  CHECK(trial.errors()[0].starts_with("E0510 "));
}

TEST_CASE("dimensions make the operator") {
  Trial trial;
  trial.runOperator("M,N,K,times,cycles\n2,3,4,1,100\n2,3,4,2,100\n2,3,8,1,100\n");
  const auto estimates = trial.estimates();
  CHECK(estimates[0] < estimates[1]);
  CHECK(estimates[0] < estimates[2]);
  CHECK(trial.validation->columns == Texts{"M", "N", "K", "times"});
  CHECK(trial.validation->rows[1].values == Texts{"2", "3", "4", "2"});
  CHECK(trial.validation->rows[1].line == 3);
}

TEST_CASE("the simulator gives the same cycles") {
  const std::string csv = "M,N,K,flow,cycles\n2,3,4,os,100\n5,2,7,ws,200\n";
  Trial estimated;
  estimated.runOperator(csv);
  Trial simulated;
  simulated.options.method = analysis::Method::Simulate;
  simulated.runOperator(csv);
  CHECK(estimated.estimates() == simulated.estimates());
  CHECK(simulated.validation->method == analysis::Method::Simulate);
}

TEST_CASE("equal rows are estimated once, and threads change nothing") {
  const std::string csv = "M,N,K,flow,cycles\n2,3,4,os,1\n2,3,4,ws,2\n2,3,4,os,3\n4,3,4,os,4\n";
  Trial trial;
  std::size_t total = 0;
  trial.options.progress = [&](std::size_t, std::size_t of) { total = of; };
  trial.runOperator(csv);
  CHECK(total == 3);
  CHECK(trial.estimates()[0] == trial.estimates()[2]);
  Trial threads;
  threads.options.jobs = 7;
  threads.runOperator(csv);
  CHECK(threads.estimates() == trial.estimates());
}

TEST_CASE("bindings compute values of columns and of each other") {
  Trial trial;
  trial.options.columns.bindings = {
      {"elements", "rows * columns"}, {"M", "elements / 2"}, {"N", "3"}, {"matmul.times", "2"}};
  trial.options.columns.measured = "if elements > 4 then total + 1 else 1 cycle * total";
  trial.options.columns.groupBy = {"elements", "kind"};
  trial.runOperator("rows,columns,K,total,kind\n2,2,4,99,x\n4,2,4,199,y\n2,4,4,300,y\n");
  CHECK(trial.errors() == Texts{});
  REQUIRE(trial.validation);
  CHECK(trial.validation->columns == Texts{"M", "N", "K", "matmul.times", "elements", "kind"});
  CHECK(trial.validation->rows[1].values == Texts{"4", "3", "4", "2", "8", "y"});
  CHECK(trial.validation->rows[0].point.measured == 99);
  CHECK(trial.validation->rows[1].point.measured == 200);
  REQUIRE(trial.validation->groups.size() == 2);
  CHECK(trial.validation->groups[1].values == Texts{"8", "y"});
  CHECK(trial.validation->groups[1].statistics.points == 2);
  CHECK(trial.validation->rows[2].group == 1);
}

TEST_CASE("a column that is ignored can be computed anew") {
  Trial trial;
  trial.options.columns.ignore = {"M"};
  trial.options.columns.bindings = {{"M", "2 * M"}};
  trial.runOperator("M,N,K,cycles\n2,3,4,100\n");
  REQUIRE(trial.validation);
  CHECK(trial.validation->rows[0].values == Texts{"4", "3", "4"});
}

TEST_CASE("conditions select rows, whatever the others hold") {
  Trial trial;
  trial.options.columns.where = "flow == os and total > 100";
  trial.options.columns.measured = "total";
  trial.options.columns.bindings = {{"times", "8 / (total - 100)"}};
  trial.runOperator("M,N,K,flow,total\n2,3,4,os,108\n2,x,4,unknown,200\n0,3,4,os,100\n");
  CHECK(trial.errors() == Texts{});
  REQUIRE(trial.validation);
  REQUIRE(trial.validation->rows.size() == 1);
  CHECK(trial.validation->rows[0].line == 2);
}

TEST_CASE("an experiment says it all, and the command line has the last word") {
  const std::string csv = "mode,flow,size,total,comment\n"
                          "a,os,64,100,\"x, y\"\nb,ws,64,200,\nb,ws,128,2000,\n";
  Trial trial;
  trial.options.experiment = "streams";
  trial.run(csv);
  CHECK(trial.errors() == Texts{});
  REQUIRE(trial.validation);
  CHECK(trial.validation->isProgram);
  CHECK(trial.validation->experiment == "streams");
  CHECK(trial.validation->groupBy == Texts{"mode"});
  REQUIRE(trial.validation->rows.size() == 2);
  CHECK(trial.validation->rows[1].point.measured == 2001);

  Trial changed;
  changed.options.experiment = "streams";
  changed.options.columns.measured = "2 * total";
  changed.options.columns.where = "mode == \"b\"";
  changed.options.columns.groupBy = {"flow"}; // `mode` is none that means nothing for that
  changed.options.columns.bindings = {{"words", "size / 8"}};
  changed.selection.parameters = {{"stream.latency", "7"}, {"latency", "9"}};
  changed.run(csv);
  CHECK(changed.errors() == Texts{});
  REQUIRE(changed.validation);
  REQUIRE(changed.validation->rows.size() == 1);
  CHECK(changed.validation->rows[0].point.measured == 4000);
  CHECK(changed.validation->groups[0].values == Texts{"ws"});
  CHECK(changed.estimates()[0] ==
        cyclesOfStream({{"stream.words", "16"}, {"flow", "ws"}, {"latency", "9"}}));
}

TEST_CASE("all that is wrong with a file is said at once") {
  Trial trial;
  trial.runOperator("M,N,flow,Flow,fast,ports,cycles\n"
                    "2.5,x,is,1,2,1,100\n"
                    ",0,os,1,0,1,100\n");
  CHECK(trial.errors() ==
        Texts{"E0807 1:10 column 'Flow' binds to nothing",
              "E0809 1:1 nothing gives dimension 'K' a value",
              "E0810 2:1 dimension 'M' takes a whole number, found '2.5'",
              "E0810 2:5 dimension 'N' takes a whole number, found 'x'",
              "E0810 2:7 parameter 'flow' of architecture 'Device' takes one of os, ws, found 'is'",
              std::string(
                  "E0810 2:12 parameter 'fast' of architecture 'Device' takes 0, 1, true or ") +
                  "false, found '2'",
              "E0810 2:14 parameter 'ports' of architecture 'Device' takes list<int>, found '1'",
              "E0810 3:1 dimension 'M' takes a whole number, found an empty cell",
              "E0811 3:2 dimension 'N' must be at least 1, found 0",
              "E0810 3:11 parameter 'ports' of architecture 'Device' takes list<int>, found '1'"});
}

TEST_CASE("what was measured must be a positive number") {
  Trial trial;
  trial.runOperator("M,N,K,cycles\n1,1,1,0\n1,1,1,-3.5\n1,1,1,n/a\n1,1,1,inf\n1,1,1,7\n");
  CHECK(trial.errors() ==
        Texts{"E0811 2:7 the measured number of cycles must be more than 0, found 0",
              "E0811 3:7 the measured number of cycles must be more than 0, found -3.5",
              "E0810 4:7 measured column 'cycles' takes a number, found 'n/a'",
              "E0810 5:7 measured column 'cycles' takes a number, found 'inf'"});
}

TEST_CASE("names that bind twice") {
  Trial both;
  both.options.columns.bindings = {{"M", "4"}, {"K", "1"}, {"matmul.K", "2"}};
  both.selection.parameters = {{"flow", "ws"}};
  both.runOperator("M,N,matmul.N,flow,cycles\n1,1,1,os,9\n");
  CHECK(both.errors() ==
        Texts{"E0805 dimension 'K' gets its value twice: from the binding 'K' and from the binding "
              "'matmul.K'",
              "E0805 1:1 dimension 'M' gets its value twice: from column 'M' and from the binding "
              "'M'",
              "E0805 1:5 dimension 'N' gets its value twice: from column 'N' and from column "
              "'matmul.N'",
              "E0805 1:14 parameter 'flow' of architecture 'Device' gets its value twice: from "
              "column 'flow' and from -P"});
  Trial ambiguous;
  ambiguous.runProgram("words,latency,cycles\n1,1,9\n");
  CHECK(ambiguous.errors() ==
        Texts{"E0806 1:7 'latency' can mean parameter 'latency' of program 'stream' or parameter "
              "'latency' of architecture 'Device'"});
}

TEST_CASE("names of options that are no columns") {
  Trial trial;
  trial.options.columns = {{{"nothing", "4"}, {"times", "tims"}},
                           "cyles",
                           "later == 4",
                           {"N", "group", "N"},
                           {"comment"}};
  // `cycles` is what `cyles` meant, so nothing is said of it.
  trial.runOperator("M,N,K,cycles\n1,1,1,9\n");
  CHECK(trial.errors() ==
        Texts{"E0808 there is no column 'tims'", "E0808 there is no column 'later'",
              "E0808 there is no column 'cyles'", "E0808 there is no column 'group'",
              "E0224 'N' is given twice", "E0808 there is no column 'comment'",
              "E0818 'nothing' is no dimension or parameter of 'matmul' or 'Device'"});
}

TEST_CASE("expressions that do not fit a row show the row") {
  Trial trial;
  trial.options.columns.measured = "total + 1";
  trial.runOperator("M,N,K,total\n1,1,1,9\n1,1,1,n/a\n");
  REQUIRE(trial.errors().size() == 1);
  const Diagnostic &diagnostic = trial.session.diagnostics().diagnostics().front();
  CHECK(diagnosticInfo(diagnostic.code).id == "E0305");
  REQUIRE(diagnostic.notes.size() == 1);
  CHECK(diagnostic.notes[0].message ==
        "for this row; column 'total' is text because of 'n/a' in line 3");
}

TEST_CASE("rows that the mapping or the architecture refuses") {
  Trial guard;
  guard.runOperator("M,N,K,cycles\n1,16,1,9\n1,17,1,9\n");
  CHECK(guard.errors() ==
        Texts{"E0816 3:1 mapping 'matmul' does not take this row: its condition does not hold"});
  Trial empty;
  empty.options.columns.where = "M > 4";
  empty.runOperator("M,N,K,cycles\n1,16,1,9\n1,17,1,9\n");
  CHECK(empty.errors() == Texts{"E0812 no row is left of the 2 of 'x.csv'"});
  Trial broken;
  broken.runOperator("M,N,K,room,cycles\n1,1,1,0,9\n1,1,1,64,9\n");
  REQUIRE(broken.errors().size() == 1);
  const Diagnostic &diagnostic = broken.session.diagnostics().diagnostics().front();
  REQUIRE_FALSE(diagnostic.notes.empty());
  CHECK(diagnostic.notes.back().message == "for this row");
}

TEST_CASE("operators are called by their mapping's name or their own") {
  Trial dense;
  dense.options.operatorName = "dense";
  dense.run("M,N,K,cycles\n1,1,1,9\n");
  REQUIRE(dense.validation);
  CHECK(dense.validation->target == "matmul");
  Trial unknown;
  unknown.options.operatorName = "matmull";
  unknown.run("M,N,K,cycles\n1,1,1,9\n");
  CHECK(unknown.errors() ==
        Texts{"E0814 no mapping for 'Device' is called 'matmull' or computes an "
              "operator of this name; did you mean 'matmul'?"});
  Trial experiment;
  experiment.options.experiment = "strems";
  experiment.run("M,N,K,cycles\n1,1,1,9\n");
  CHECK(experiment.errors() ==
        Texts{"E0817 no experiment is called 'strems'; did you mean 'streams'?"});
}
