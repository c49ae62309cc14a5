#include "driver/Options.h"

namespace acadlc::driver {

std::string helpText() {
  return R"(acadlc - how long does a neural network take on an accelerator?

usage: acadlc FILE.acadl [OPTION]...

FILE describes the accelerator; std/NAME.acadl is one that comes with acadlc, - is standard input.

examples
  acadlc std/systolic_array.acadl --workload lenet5.tir --estimate
      the cycles of a network that TVM has printed
  acadlc my.acadl -P rows=16 -P matmul.tile=4 --workload net.tir --estimate --format json
      the same for other parameters of the architecture and of a mapping, for programs to read
  acadlc my.acadl --program stream --simulate --trace stream.csv
      a fixed instruction stream, simulated, with the cycles of every instruction
  acadlc my.acadl --validate points.csv --operator matmul --bind rows=array_rows --plot fit.svg
      the model held against measurements, one a row: errors, statistics and a picture
  acadlc --workload net.tir --list-operators
      what the network computes, whatever it runs on
  acadlc my.acadl
      is the description correct? Prints nothing if it is
  acadlc my.acadl --dump-ag my.svg
      a picture of the architecture

what to do
  --check                 check the inputs (what is done by default)
  --estimate              compute the cycles; loops that repeat themselves are skipped, with proof
  --simulate              the same cycles, event by event: slow, independent of --estimate
  --validate FILE         hold the model against measurements, a CSV file with one a row
                          (docs/validation.md); with --estimate (default) or --simulate
  --diff A.json B.json    what changed from one report of --format json to another
  --explain CODE          explain a diagnostic, e.g. E0201
  --list-stdlib           the descriptions that come with acadlc
  --help, -h              this text
  --version               the version

what to compute
  --workload FILE         the network (.tir); - is standard input
  --program NAME          a program of the description instead of a network; needless if it has one
  --architecture NAME     the architecture, if the description has several
  -P NAME=VALUE           set a parameter of the architecture; -P MAPPING.NAME=VALUE one of a
                          mapping or program. VALUE is an expression: 4, "64 bit", os
  --mapping OP=NAME       use mapping NAME for the layer or operator OP
  --entry NAME            the network's function to start from
  --shape NAME=N          the value of a symbolic size of the network; can be repeated
  --batch N               the value of the size that is the first dimension of the network's inputs
  --element-type TYPE     read all tensors as TYPE, e.g. int8
  --layer NAME            this layer alone, as the report names it
  --no-fold-batch-norm    count batch norms behind convolutions and dense layers. Otherwise they are
                          part of their weights (--fold-batch-norm), all but an added bias
  --strict                an operator without a mapping is an error, and so is a fused computation
                          that is not counted
  --no-extrapolate        evaluate every instruction
  --budget N              evaluate at most N instructions of a layer (or row) one by one; if its
                          loops do not repeat by then, its cycles are given as two proven bounds.
                          N may be `unlimited`. Default: 1000000000, but unlimited with
                          --no-extrapolate; not with --simulate or --trace
  -j N                    threads (default: one for each core); the output is the same for every N

what measurements mean (for --validate)
  --operator NAME         rows give the dimensions of mapping NAME, or of the mapping that computes
                          the operator NAME; --program NAME: the parameters of a program
  --experiment NAME       what follows as an `experiment` of the description says it; needless if it
                          has one
  --bind NAME=EXPR        a dimension or parameter gets the value of an expression over columns
  --measured EXPR         the measured cycles (default: column cycles)
  --where EXPR            rows for which this holds, and no others
  --group-by COL,...      statistics for each combination of values of these columns
  --ignore COL,...        columns that mean nothing
  --plot FILE.svg         draw measured over estimated cycles

what to print
  --list-operators        the network's operators, with dimensions, multiply-accumulates and bytes;
                          needs --workload alone (docs/operators.md)
  --format FORMAT         text (default), json (docs/report.schema.json) or csv (a row a layer)
  -o FILE                 write the report to FILE
  --view VIEW,...         the parts of the report, in this order: summary, layers, coverage,
                          bounds, resources, traffic, timeline, critical-path, explain,
                          assumptions (docs/report.md). Default: summary,layers,coverage,assumptions
  --instructions A..B     the instructions of --view timeline and --trace-json, A to B - 1 (default
                          0..32); those in front of them are evaluated one by one
  --compare MODEL,...     cycles of simple models beside the estimate: roofline, refined
  --list-free             name the calls that cost nothing
  --explain-estimate      show how each layer's cycles were found
  --verify-certificates   the same, and go through the proofs again in the simulator, those in the
                          first 20,000,000 instructions of a layer
  --trace FILE            every instruction with the cycles of its events, as CSV; skips nothing
  --trace-json FILE       the instructions of --instructions as a trace for Perfetto and Chrome
  --plot-roofline FILE.svg  draw the layers under the roofs of peak and bandwidths
  --dump-ast              the description's syntax tree
  --dump-scalar           the scalar code of layers that no mapping computes, as programs
  --dump-ag FILE          the architecture graph
  --dump-aidg FILE        the instruction dependency graph of --layer NAME or of the program ...
  --iterations A..B       ... for iterations A to B - 1 of the innermost loops (default 0..4)
                          Graphs are dot text; .svg, .pdf and .png are drawn with Graphviz' dot
  --timing                how long each step took, on standard error
  --color WHEN            colour diagnostics: auto (default), always or never

exit code: 0 success, 1 errors in the inputs, 2 wrong use of the command line, 3 a mistake of acadlc
)";
}

} // namespace acadlc::driver
