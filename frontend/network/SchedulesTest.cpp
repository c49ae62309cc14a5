#include "frontend/network/NetworkReader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

// Texts as TVM's schedules and passes print them: each must mean what the unscheduled text means.

namespace acadlc::tir {

namespace {

using namespace workload;

struct Outcome {
  SourceManager sources;
  DiagnosticEngine diagnostics;
  std::optional<Workload> workload;

  explicit Outcome(std::string text) {
    const FileId file = sources.addText("test.tir", std::move(text));
    workload = readWorkload(sources, file, {}, diagnostics);
  }
  [[nodiscard]] std::string messages() const {
    return renderDiagnostics(diagnostics.diagnostics(), sources, {});
  }
  [[nodiscard]] const Call &call() const { return workload->calls.at(0); }
};

std::string function(std::string_view parameters, std::string_view body) {
  std::string text = "@T.prim_func\ndef main(" + std::string(parameters) + "):\n";
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    text += "    " + std::string(body.substr(0, end)) + "\n";
    body.remove_prefix(std::min(end + 1, body.size()));
  }
  return text;
}

/// The operators of a call that are more than a copy, and what they work on.
std::string operatorsOf(const Call &call) {
  std::string text;
  for (const Operator &each : call.operators) {
    if (each.part == OperatorPart::Free)
      continue;
    text += std::string(operatorName(each.kind)) + " " + each.detail;
    for (const NamedExtent &dimension : each.dims)
      text += " " + dimension.name + "=" + std::to_string(dimension.value);
    for (std::size_t w = 0; w < each.stride.size(); ++w)
      text += " window " + std::to_string(each.stride[w]) + "," + std::to_string(each.dilation[w]) +
              "," + std::to_string(each.before[w]) + "," + std::to_string(each.after[w]);
    text += " macs=" + std::to_string(each.macs) + " read=" + std::to_string(each.bytesRead) +
            " written=" + std::to_string(each.bytesWritten) + "\n";
  }
  return text;
}

struct Schedule {
  const char *name;
  const char *body;
  const char *parameters = nullptr; ///< null: those of the unscheduled text
};

/// Checks that every schedule has the operators of the unscheduled text.
void checkSame(const char *parameters, const char *plain, const std::vector<Schedule> &schedules) {
  const Outcome expected(function(parameters, plain));
  INFO(expected.messages());
  REQUIRE(expected.workload);
  for (const Schedule &schedule : schedules) {
    CAPTURE(schedule.name);
    const Outcome outcome(
        function(schedule.parameters ? schedule.parameters : parameters, schedule.body));
    INFO(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(operatorsOf(outcome.call()) == operatorsOf(expected.call()));
    CHECK(outcome.call().macs == expected.call().macs);
    CHECK(outcome.call().bytesRead == expected.call().bytesRead);
    CHECK(outcome.call().bytesWritten == expected.call().bytesWritten);
  }
}

constexpr const char *matrices = "A: T.Buffer((16, 64), \"float32\"), B: T.Buffer((64, 8), "
                                 "\"float32\"), C: T.Buffer((16, 8), \"float32\")";
constexpr const char *rows = "A: T.Buffer((1024,), \"float32\"), B: T.Buffer((512,), "
                             "\"float32\"), C: T.Buffer((128,), \"float32\")";

constexpr const char *matmul = R"(for i, j, k in T.grid(16, 8, 64):
    with T.block("C"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)";

} // namespace

TEST_CASE("schedules: loops of a matrix product in any order and number") {
  checkSame(matrices, matmul,
            {{"split and reorder", R"(for io, jo, ko, ii, ki, ji in T.grid(4, 2, 16, 4, 4, 4):
    with T.block("C"):
        vi = T.axis.spatial(16, io * 4 + ii)
        vj = T.axis.spatial(8, jo * 4 + ji)
        vk = T.axis.reduce(64, ko * 4 + ki)
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)"},
             {"fuse", R"(for ij in T.parallel(128):
    for k in range(64):
        with T.block("C"):
            vi = T.axis.spatial(16, ij // 8)
            vj = T.axis.spatial(8, ij % 8)
            vk = T.axis.reduce(64, k)
            with T.init():
                C[vi, vj] = T.float32(0)
            C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)"},
             {"tile without blocks", R"(for io, jo in T.grid(4, 2):
    for ii, ji in T.grid(4, 4):
        C[io * 4 + ii, jo * 4 + ji] = T.float32(0)
    for ko, ii, ji in T.grid(16, 4, 4):
        for ki in T.unroll(4):
            C[io * 4 + ii, jo * 4 + ji] = C[io * 4 + ii, jo * 4 + ji] + A[io * 4 + ii, ko * 4 + ki] * B[ko * 4 + ki, jo * 4 + ji]
)"},
             {"vectorize and unroll",
              R"(for i in T.serial(16, annotations={"pragma_auto_unroll_max_step": 64}):
    for ko in range(16):
        for ki in T.unroll(4):
            for j in T.vectorized(8):
                with T.block("C"):
                    vi, vj = T.axis.remap("SS", [i, j])
                    vk = T.axis.reduce(64, ko * 4 + ki)
                    with T.init():
                        C[vi, vj] = T.float32(0)
                    C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)"},
             {"vectors", R"(for i in range(16):
    C[i, 0:8] = T.Broadcast(T.float32(0), 8)
    for k in range(64):
        C[i, 0:8] = C[i, 0:8] + T.Broadcast(A[i, k], 8) * B[k, 0:8]
)"},
             {"decompose_reduction", R"(for io in range(4):
    for ii, j in T.grid(4, 8):
        with T.block("C_init"):
            vi = T.axis.spatial(16, io * 4 + ii)
            vj = T.axis.spatial(8, j)
            C[vi, vj] = T.float32(0)
    for ii, j, k in T.grid(4, 8, 64):
        with T.block("C_update"):
            vi = T.axis.spatial(16, io * 4 + ii)
            vj, vk = T.axis.remap("SR", [j, k])
            C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)"},
             {"split that leaves a rest", R"(for io, ii, j, k in T.grid(3, 6, 8, 64):
    with T.block("C"):
        vi = T.axis.spatial(16, io * 6 + ii)
        vj, vk = T.axis.remap("SR", [j, k])
        T.where(io * 6 + ii < 16)
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)"},
             {"blockize", R"(for io, jo, ko in T.grid(4, 2, 16):
    with T.block("C_o"):
        vio, vjo, vko = T.axis.remap("SSR", [io, jo, ko])
        with T.init():
            for ii, ji in T.grid(4, 4):
                with T.block("C_init"):
                    vii, vji = T.axis.remap("SS", [ii, ji])
                    C[vio * 4 + vii, vjo * 4 + vji] = T.float32(0)
        for ii, ji, ki in T.grid(4, 4, 4):
            with T.block("C"):
                vii, vji, vki = T.axis.remap("SSR", [ii, ji, ki])
                C[vio * 4 + vii, vjo * 4 + vji] = C[vio * 4 + vii, vjo * 4 + vji] + A[vio * 4 + vii, vko * 4 + vki] * B[vko * 4 + vki, vjo * 4 + vji]
)"}});
}

TEST_CASE("schedules: accumulators of a matrix product") {
  checkSame(matrices, matmul,
            {{"a number", R"(for i, j in T.grid(16, 8):
    acc: T.float32 = T.float32(0)
    for k in range(64):
        acc = acc + A[i, k] * B[k, j]
    C[i, j] = acc
)"},
             {"a number without a type", R"(for i, j in T.grid(16, 8):
    acc = T.float32(0)
    for k in range(64):
        acc = A[i, k] * B[k, j] + acc
    C[i, j] = acc
)"},
             {"a number that is declared first", R"(for i, j in T.grid(16, 8):
    acc: T.float32
    acc = T.float32(0)
    for k in range(64):
        acc = acc + A[i, k] * B[k, j]
    C[i, j] = acc
)"},
             {"a buffer of one element", R"(acc = T.alloc_buffer((1,), scope="local")
for i, j in T.grid(16, 8):
    acc[0] = T.float32(0)
    for k in range(64):
        acc[0] = acc[0] + A[i, k] * B[k, j]
    C[i, j] = acc[0]
)"},
             {"a buffer without dimensions", R"(acc = T.alloc_buffer(())
for i, j in T.grid(16, 8):
    acc[()] = T.float32(0)
    for k in range(64):
        acc[()] = acc[()] + A[i, k] * B[k, j]
    C[i, j] = acc[()]
)"},
             {"declared within the loops", R"(for i, j in T.grid(16, 8):
    acc = T.decl_buffer((1,), scope="local")
    acc[0] = T.float32(0)
    for k in range(64):
        acc[0] = acc[0] + A[i, k] * B[k, j]
    C[i, j] = acc[0]
)"},
             {"T.alloc_local", R"(for i, j in T.grid(16, 8):
    acc = T.alloc_local((1,), "float32")
    acc[0] = T.float32(0)
    for k in range(64):
        acc[0] = acc[0] + A[i, k] * B[k, j]
    C[i, j] = acc[0]
)"},
             {"a row", R"(acc = T.alloc_buffer((8,), scope="local")
for i in range(16):
    for j in T.vectorized(8):
        acc[j] = T.float32(0)
    for k in range(64):
        for j in T.vectorized(8):
            acc[j] = acc[j] + A[i, k] * B[k, j]
    for j in T.vectorized(8):
        C[i, j] = acc[j]
)"},
             {"a tile", R"(acc = T.alloc_buffer((4, 4), scope="local")
for io, jo in T.grid(4, 2):
    for ii, ji in T.grid(4, 4):
        acc[ii, ji] = T.float32(0)
    for k, ii, ji in T.grid(64, 4, 4):
        acc[ii, ji] = acc[ii, ji] + A[io * 4 + ii, k] * B[k, jo * 4 + ji]
    for ii, ji in T.grid(4, 4):
        C[io * 4 + ii, jo * 4 + ji] = acc[ii, ji]
)"},
             {"a tile as one row", R"(acc = T.alloc_buffer((16,), scope="local")
for io, jo in T.grid(4, 2):
    for ii, ji in T.grid(4, 4):
        acc[ii * 4 + ji] = T.float32(0)
    for k, ii, ji in T.grid(64, 4, 4):
        acc[ii * 4 + ji] = acc[ii * 4 + ji] + A[io * 4 + ii, k] * B[k, jo * 4 + ji]
    for ii, ji in T.grid(4, 4):
        C[io * 4 + ii, jo * 4 + ji] = acc[ii * 4 + ji]
)"},
             {"a block within a block", R"(for i, j in T.grid(16, 8):
    with T.block("point"):
        vi, vj = T.axis.remap("SS", [i, j])
        acc = T.alloc_buffer((1,))
        for k in range(64):
            with T.block("acc"):
                vk = T.axis.reduce(64, k)
                with T.init():
                    acc[0] = T.float32(0)
                acc[0] = acc[0] + A[vi, vk] * B[vk, vj]
        C[vi, vj] = acc[0]
)"}});
}

TEST_CASE("schedules: stages of a matrix product in caches") {
  checkSame(
      matrices, matmul,
      {{"cache_write", R"(C_global = T.alloc_buffer((16, 8))
for io in range(4):
    for ii, j, k in T.grid(4, 8, 64):
        with T.block("C"):
            vi = T.axis.spatial(16, io * 4 + ii)
            vj, vk = T.axis.remap("SR", [j, k])
            with T.init():
                C_global[vi, vj] = T.float32(0)
            C_global[vi, vj] = C_global[vi, vj] + A[vi, vk] * B[vk, vj]
    for ax0, ax1 in T.grid(4, 8):
        with T.block("C_global"):
            v0 = T.axis.spatial(16, io * 4 + ax0)
            v1 = T.axis.spatial(8, ax1)
            C[v0, v1] = C_global[v0, v1]
)"},
       {"compacted tiles", R"(C_local = T.alloc_buffer((4, 4), scope="local")
A_shared = T.alloc_buffer((4, 16), scope="shared")
for io, jo in T.grid(4, 2):
    for ii, ji in T.grid(4, 4):
        with T.block("C_init"):
            vi = T.axis.spatial(16, io * 4 + ii)
            vj = T.axis.spatial(8, jo * 4 + ji)
            C_local[vi - io * 4, vj - jo * 4] = T.float32(0)
    for ko in range(4):
        for ax0, ax1 in T.grid(4, 16):
            with T.block("A_shared"):
                v0 = T.axis.spatial(16, io * 4 + ax0)
                v1 = T.axis.spatial(64, ko * 16 + ax1)
                T.block_attr({"buffer_dim_align": [[0, 0, 32, 8]], "double_buffer_scope": 0})
                A_shared[v0 - io * 4, v1 - ko * 16] = A[v0, v1]
        for ii, ji, ki in T.grid(4, 4, 16):
            with T.block("C_update"):
                vi = T.axis.spatial(16, io * 4 + ii)
                vj = T.axis.spatial(8, jo * 4 + ji)
                vk = T.axis.reduce(64, ko * 16 + ki)
                C_local[vi - io * 4, vj - jo * 4] = C_local[vi - io * 4, vj - jo * 4] + A_shared[vi - io * 4, vk - ko * 16] * B[vk, vj]
    for ii, ji in T.grid(4, 4):
        with T.block("C"):
            v0 = T.axis.spatial(16, io * 4 + ii)
            v1 = T.axis.spatial(8, jo * 4 + ji)
            C[v0, v1] = C_local[v0 - io * 4, v1 - jo * 4]
)"},
       {"compacted tiles by remainders", R"(C_local = T.alloc_buffer((4, 4), scope="local")
for io, jo in T.grid(4, 2):
    for ii, ji in T.grid(4, 4):
        with T.block("C_init"):
            vi = T.axis.spatial(16, io * 4 + ii)
            vj = T.axis.spatial(8, jo * 4 + ji)
            C_local[vi % 4, vj % 4] = T.float32(0)
    for ii, ji, k in T.grid(4, 4, 64):
        with T.block("C_update"):
            vi = T.axis.spatial(16, io * 4 + ii)
            vj = T.axis.spatial(8, jo * 4 + ji)
            vk = T.axis.reduce(64, k)
            C_local[vi % 4, vj % 4] = C_local[vi % 4, vj % 4] + A[vi, vk] * B[vk, vj]
    for ii, ji in T.grid(4, 4):
        with T.block("C"):
            v0 = T.axis.spatial(16, io * 4 + ii)
            v1 = T.axis.spatial(8, jo * 4 + ji)
            C[v0, v1] = C_local[v0 % 4, v1 % 4]
)"},
       {"storage_align and double buffering", R"(B_shared = T.alloc_buffer((64, 8), scope="shared")
for k, j in T.grid(64, 8):
    with T.block("B_shared"):
        vk, vj = T.axis.remap("SS", [k, j])
        T.block_attr({"buffer_dim_align": [[0, 0, 32, 8]], "double_buffer_scope": 0})
        B_shared[vk, vj] = B[vk, vj]
for i, j, k in T.grid(16, 8, 64):
    with T.block("C"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + A[vi, vk] * B_shared[vk, vj]
)"},
       {"tiles of a matrix unit", R"(for io, jo in T.grid(4, 2):
    acc = T.alloc_buffer((4, 4), scope="wmma.accumulator")
    for ii, ji in T.grid(4, 4):
        acc[ii, ji] = T.float32(0)
    for ko in range(16):
        a = T.alloc_buffer((4, 4), scope="wmma.matrix_a")
        b = T.alloc_buffer((4, 4), scope="wmma.matrix_b")
        for ii, ki in T.grid(4, 4):
            a[ii, ki] = A[io * 4 + ii, ko * 4 + ki]
        for ki, ji in T.grid(4, 4):
            b[ki, ji] = B[ko * 4 + ki, jo * 4 + ji]
        for ii, ji, ki in T.grid(4, 4, 4):
            acc[ii, ji] = acc[ii, ji] + a[ii, ki] * b[ki, ji]
    for ii, ji in T.grid(4, 4):
        C[io * 4 + ii, jo * 4 + ji] = acc[ii, ji]
)"},
       {"threads", R"(for bx in T.thread_binding(4, thread="blockIdx.x"):
    for tx in T.thread_binding(4, thread="threadIdx.x"):
        with T.decl_buffer((8,), scope="local") as acc:
            with T.decl_buffer((64,), scope="shared") as A_shared:
                for j in range(8):
                    acc[j] = T.float32(0)
                for ko in range(4):
                    for ax in range(16):
                        A_shared[tx * 16 + ax] = A[bx * 4 + tx, ko * 16 + ax]
                    T.tvm_storage_sync("shared")
                    for ki, j in T.grid(16, 8):
                        acc[j] = acc[j] + A_shared[tx * 16 + ki] * B[ko * 16 + ki, j]
                for j in range(8):
                    C[bx * 4 + tx, j] = acc[j]
)"},
       {"T.launch_thread", R"(bx = T.launch_thread("blockIdx.x", 4)
tx = T.launch_thread("threadIdx.x", 4)
acc = T.alloc_buffer((8,), scope="local")
for j in range(8):
    acc[j] = T.float32(0)
for k, j in T.grid(64, 8):
    acc[j] = acc[j] + A[bx * 4 + tx, k] * B[k, j]
for j in range(8):
    C[bx * 4 + tx, j] = acc[j]
)"}});
}

TEST_CASE("schedules: matrices as rows of memory") {
  checkSame(matrices, matmul,
            {{"rows", R"(for i, j in T.grid(16, 8):
    C[i * 8 + j] = T.float32(0)
    for k in range(64):
        cse: T.int32 = i * 8 + j
        C[cse] = C[cse] + A[i * 64 + k] * B[k * 8 + j]
)",
              rows},
             {"rows of fused loops", R"(for ij in range(128):
    C[ij] = T.float32(0)
    for k in range(64):
        C[ij] = C[ij] + A[ij // 8 * 64 + k] * B[k * 8 + ij % 8]
)",
              rows},
             {"rows in tiles", R"(for io, jo in T.grid(4, 2):
    for ii, ji in T.grid(4, 4):
        C[io * 32 + ii * 8 + jo * 4 + ji] = T.float32(0)
    for ko, ii, ji, ki in T.grid(16, 4, 4, 4):
        C[io * 32 + ii * 8 + jo * 4 + ji] = C[io * 32 + ii * 8 + jo * 4 + ji] + A[io * 256 + ii * 64 + ko * 4 + ki] * B[ko * 32 + ki * 8 + jo * 4 + ji]
)",
              rows},
             {"other names of the parameters", R"(A_1 = T.Buffer((1024,), data=A.data)
B_1 = T.Buffer((512,), data=B.data)
C_1 = T.Buffer((128,), data=C.data)
for i, j in T.grid(16, 8):
    C_1[i * 8 + j] = T.float32(0)
    for k in range(64):
        C_1[i * 8 + j] = C_1[i * 8 + j] + A_1[i * 64 + k] * B_1[k * 8 + j]
)"},
             {"an allocation", R"(with T.allocate([128], "float32", "global") as acc:
    acc_1 = T.Buffer((128,), data=acc)
    for i, j in T.grid(16, 8):
        acc_1[i * 8 + j] = T.float32(0)
        for k in range(64):
            with T.LetStmt(i * 8 + j) as idx:
                acc_1[idx] = acc_1[idx] + A[i, k] * B[k, j]
    for i, j in T.grid(16, 8):
        C[i, j] = acc_1[i * 8 + j]
)"},
             {"parts of the parameters", R"(for io in range(4):
    A_1 = T.decl_buffer((4, 64), data=A.data, elem_offset=io * 256)
    C_1 = T.decl_buffer((4, 8), data=C.data, strides=[8, 1], elem_offset=io * 32)
    for i, j in T.grid(4, 8):
        C_1[i, j] = T.float32(0)
        for k in range(64):
            C_1[i, j] = C_1[i, j] + A_1[i, k] * B[k, j]
)"}});
}

TEST_CASE("schedules: a product and what follows it") {
  checkSame(matrices,
            R"(T_matmul = T.alloc_buffer((16, 8))
for i, j, k in T.grid(16, 8, 64):
    with T.block("T_matmul"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            T_matmul[vi, vj] = T.float32(0)
        T_matmul[vi, vj] = T_matmul[vi, vj] + A[vi, vk] * B[vk, vj]
for i, j in T.grid(16, 8):
    with T.block("C"):
        vi, vj = T.axis.remap("SS", [i, j])
        C[vi, vj] = T.max(T_matmul[vi, vj], T.float32(0))
)",
            {{"reverse_compute_at", R"(T_matmul = T.alloc_buffer((16, 8))
for io in range(4):
    for ii, j, k in T.grid(4, 8, 64):
        with T.block("T_matmul"):
            vi = T.axis.spatial(16, io * 4 + ii)
            vj, vk = T.axis.remap("SR", [j, k])
            with T.init():
                T_matmul[vi, vj] = T.float32(0)
            T_matmul[vi, vj] = T_matmul[vi, vj] + A[vi, vk] * B[vk, vj]
    for ii, j in T.grid(4, 8):
        with T.block("C"):
            vi = T.axis.spatial(16, io * 4 + ii)
            vj = T.axis.spatial(8, j)
            C[vi, vj] = T.max(T_matmul[vi, vj], T.float32(0))
)"},
             {"compute_at of the product", R"(T_matmul = T.alloc_buffer((1, 8))
for i in range(16):
    for j, k in T.grid(8, 64):
        with T.block("T_matmul"):
            vi, vj, vk = T.axis.remap("SSR", [i, j, k])
            with T.init():
                T_matmul[0, vj] = T.float32(0)
            T_matmul[0, vj] = T_matmul[0, vj] + A[vi, vk] * B[vk, vj]
    for j in range(8):
        with T.block("C"):
            vi, vj = T.axis.remap("SS", [i, j])
            C[vi, vj] = T.max(T_matmul[0, vj], T.float32(0))
)"},
             {"a number", R"(for i, j in T.grid(16, 8):
    acc: T.float32 = T.float32(0)
    for k in range(64):
        acc = acc + A[i, k] * B[k, j]
    acc = T.max(acc, T.float32(0))
    C[i, j] = acc
)"},
             {"rows of memory", R"(for ij in T.parallel(128):
    acc = T.decl_buffer((1,), scope="local")
    acc[0] = T.float32(0)
    for k in range(64):
        acc[0] = acc[0] + A[ij // 8 * 64 + k] * B[k * 8 + ij % 8]
    C[ij] = T.max(acc[0], T.float32(0))
)",
              rows}});
}

TEST_CASE("schedules: convolutions") {
  constexpr const char *images = "X: T.Buffer((8, 10, 10), \"float32\"), W: T.Buffer((4, 8, 3, 3), "
                                 "\"float32\"), O: T.Buffer((4, 10, 10), \"float32\")";
  checkSame(images,
            R"(pad = T.alloc_buffer((8, 12, 12))
for c, y, x in T.grid(8, 12, 12):
    with T.block("pad"):
        vc, vy, vx = T.axis.remap("SSS", [c, y, x])
        pad[vc, vy, vx] = T.if_then_else(1 <= vy and vy < 11 and 1 <= vx and vx < 11, X[vc, vy - 1, vx - 1], T.float32(0))
for f, y, x, c, r, s in T.grid(4, 10, 10, 8, 3, 3):
    with T.block("conv"):
        vf, vy, vx, vc, vr, vs = T.axis.remap("SSSRRR", [f, y, x, c, r, s])
        with T.init():
            O[vf, vy, vx] = T.float32(0)
        O[vf, vy, vx] = O[vf, vy, vx] + pad[vc, vy + vr, vx + vs] * W[vf, vc, vr, vs]
)",
            {{"rows of memory", R"(pad = T.alloc_buffer((1152,))
for c, y, x in T.grid(8, 12, 12):
    pad[c * 144 + y * 12 + x] = T.if_then_else(1 <= y and y < 11 and 1 <= x and x < 11, X[c * 100 + y * 10 + x - 11], T.float32(0))
for f, y, x in T.grid(4, 10, 10):
    O[f * 100 + y * 10 + x] = T.float32(0)
    for c, r, s in T.grid(8, 3, 3):
        O[f * 100 + y * 10 + x] = O[f * 100 + y * 10 + x] + pad[c * 144 + y * 12 + r * 12 + x + s] * W[f * 72 + c * 9 + r * 3 + s]
)",
              "X: T.Buffer((800,), \"float32\"), W: T.Buffer((288,), \"float32\"), O: "
              "T.Buffer((400,), \"float32\")"},
             {"padding at the tiles of the result", R"(pad = T.alloc_buffer((8, 12, 12))
for yo in range(5):
    for c, ax0, x in T.grid(8, 4, 12):
        with T.block("pad"):
            vc = T.axis.spatial(8, c)
            vy = T.axis.spatial(12, yo * 2 + ax0)
            vx = T.axis.spatial(12, x)
            pad[vc, vy, vx] = T.if_then_else(1 <= vy and vy < 11 and 1 <= vx and vx < 11, X[vc, vy - 1, vx - 1], T.float32(0))
    for f, yi, x, c, r, s in T.grid(4, 2, 10, 8, 3, 3):
        with T.block("conv"):
            vf, vx, vc, vr, vs = T.axis.remap("SSRRR", [f, x, c, r, s])
            vy = T.axis.spatial(10, yo * 2 + yi)
            with T.init():
                O[vf, vy, vx] = T.float32(0)
            O[vf, vy, vx] = O[vf, vy, vx] + pad[vc, vy + vr, vx + vs] * W[vf, vc, vr, vs]
)"},
             {"a row of results in registers", R"(pad = T.alloc_buffer((8, 12, 12))
for c, y, x in T.grid(8, 12, 12):
    pad[c, y, x] = T.if_then_else(1 <= y and y < 11 and 1 <= x and x < 11, X[c, y - 1, x - 1], T.float32(0))
acc = T.alloc_buffer((10,), scope="local")
for f, y in T.grid(4, 10):
    for x in T.vectorized(10):
        acc[x] = T.float32(0)
    for c, r, s in T.grid(8, 3, 3):
        for x in T.vectorized(10):
            acc[x] = acc[x] + pad[c, y + r, x + s] * W[f, c, r, s]
    for x in T.vectorized(10):
        O[f, y, x] = acc[x]
)"}});
}

TEST_CASE("schedules: reductions and norms") {
  constexpr const char *square =
      "A: T.Buffer((16, 64), \"float32\"), C: T.Buffer((16, 64), \"float32\")";
  checkSame(square,
            R"(m = T.alloc_buffer((16,))
s = T.alloc_buffer((16,))
for i, k in T.grid(16, 64):
    with T.block("m"):
        vi, vk = T.axis.remap("SR", [i, k])
        with T.init():
            m[vi] = T.float32("-inf")
        m[vi] = T.max(m[vi], A[vi, vk])
for i, k in T.grid(16, 64):
    with T.block("s"):
        vi, vk = T.axis.remap("SR", [i, k])
        with T.init():
            s[vi] = T.float32(0)
        s[vi] = s[vi] + T.exp(A[vi, vk] - m[vi])
for i, k in T.grid(16, 64):
    with T.block("C"):
        vi, vk = T.axis.remap("SS", [i, k])
        C[vi, vk] = T.exp(A[vi, vk] - m[vi]) / s[vi]
)",
            {{"accumulators", R"(m = T.alloc_buffer((1,))
s = T.alloc_buffer((1,))
for i in range(16):
    m[0] = T.float32("-inf")
    s[0] = T.float32(0)
    for k in range(64):
        m[0] = T.max(m[0], A[i, k])
    for k in range(64):
        s[0] = s[0] + T.exp(A[i, k] - m[0])
    for k in range(64):
        C[i, k] = T.exp(A[i, k] - m[0]) / s[0]
)"},
             {"numbers", R"(for i in range(16):
    m: T.float32 = T.float32("-inf")
    s: T.float32 = T.float32(0)
    for k in range(64):
        m = T.max(m, A[i, k])
    for k in range(64):
        s = s + T.exp(A[i, k] - m)
    for k in range(64):
        C[i, k] = T.exp(A[i, k] - m) / s
)"}});
}

TEST_CASE("schedules: partial results and their sum are one product") {
  checkSame(matrices, matmul,
            {{"rfactor of the outer loop", R"(C_rf = T.alloc_buffer((16, 8, 4))
for i, j, ko, ki in T.grid(16, 8, 4, 16):
    with T.block("C_rf"):
        vko, vi, vj, vki = T.axis.remap("SSSR", [ko, i, j, ki])
        with T.init():
            C_rf[vi, vj, vko] = T.float32(0)
        C_rf[vi, vj, vko] = C_rf[vi, vj, vko] + A[vi, vko * 16 + vki] * B[vko * 16 + vki, vj]
for i, j, ko in T.grid(16, 8, 4):
    with T.block("C"):
        vko, vi, vj = T.axis.remap("RSS", [ko, i, j])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + C_rf[vi, vj, vko]
)"},
             {"rfactor of the inner loop, with threads",
              R"(C_rf = T.alloc_buffer((16, 1, 16, 8), scope="local")
for i in T.thread_binding(16, thread="blockIdx.x"):
    for j in range(8):
        for ki in T.thread_binding(16, thread="threadIdx.x"):
            with T.block("C_rf_init"):
                vki, vi, vj = T.axis.remap("SSS", [ki, i, j])
                C_rf[vki, 0, vi, vj] = T.float32(0)
            for ko, unit in T.grid(4, 1):
                with T.block("C_rf_update"):
                    vki, vi, vj, vko = T.axis.remap("SSSR", [ki, i, j, ko])
                    C_rf[vki, 0, vi, vj] = C_rf[vki, 0, vi, vj] + A[vi, vko * 16 + vki] * B[vko * 16 + vki, vj]
        for ki in T.thread_binding(16, thread="threadIdx.x"):
            with T.block("C"):
                vki, vi, vj = T.axis.remap("RSS", [ki, i, j])
                with T.init():
                    C[vi, vj] = T.float32(0)
                C[vi, vj] = C[vi, vj] + C_rf[vki, 0, vi, vj]
)"},
             {"rfactor twice", R"(C_rf = T.alloc_buffer((4, 8, 16, 8))
C_rf_1 = T.alloc_buffer((8, 16, 8))
for i, j, ko, km, ki in T.grid(16, 8, 2, 8, 4):
    with T.block("C_rf"):
        vki, vkm, vi, vj, vko = T.axis.remap("SSSSR", [ki, km, i, j, ko])
        with T.init():
            C_rf[vki, vkm, vi, vj] = T.float32(0)
        C_rf[vki, vkm, vi, vj] = C_rf[vki, vkm, vi, vj] + A[vi, vko * 32 + vkm * 4 + vki] * B[vko * 32 + vkm * 4 + vki, vj]
for i, j, km, ki in T.grid(16, 8, 8, 4):
    with T.block("C_rf_1"):
        vkm, vi, vj, vki = T.axis.remap("SSSR", [km, i, j, ki])
        with T.init():
            C_rf_1[vkm, vi, vj] = T.float32(0)
        C_rf_1[vkm, vi, vj] = C_rf_1[vkm, vi, vj] + C_rf[vki, vkm, vi, vj]
for i, j, km in T.grid(16, 8, 8):
    with T.block("C"):
        vkm, vi, vj = T.axis.remap("RSS", [km, i, j])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + C_rf_1[vkm, vi, vj]
)"},
             {"rfactor of a thread and a vector, with a loop between them",
              R"(C_rf = T.alloc_buffer((8, 16, 8), scope="local")
C_rf_1 = T.alloc_buffer((4, 16, 8), scope="local")
for i in T.thread_binding(16, thread="blockIdx.x"):
    for j in T.thread_binding(8, thread="threadIdx.x"):
        for ty in T.thread_binding(4, thread="threadIdx.y"):
            for v in T.vectorized(2):
                with T.block("C_rf_init"):
                    vp = T.axis.spatial(8, ty * 2 + v)
                    vi, vj = T.axis.remap("SS", [i, j])
                    C_rf[vp, vi, vj] = T.float32(0)
            for ko, km in T.grid(4, 2):
                for v in T.vectorized(2):
                    with T.block("C_rf_update"):
                        vp = T.axis.spatial(8, ty * 2 + v)
                        vi, vj, vko, vkm = T.axis.remap("SSRR", [i, j, ko, km])
                        C_rf[vp, vi, vj] = C_rf[vp, vi, vj] + A[vi, vko * 16 + vp // 2 * 4 + vkm * 2 + vp % 2] * B[vko * 16 + vp // 2 * 4 + vkm * 2 + vp % 2, vj]
        for ty in T.thread_binding(4, thread="threadIdx.y"):
            with T.block("C_rf_1_init"):
                vt, vi, vj = T.axis.remap("SSS", [ty, i, j])
                C_rf_1[vt, vi, vj] = T.float32(0)
            for v in range(2):
                with T.block("C_rf_1_update"):
                    vt, vi, vj, vv = T.axis.remap("SSSR", [ty, i, j, v])
                    C_rf_1[vt, vi, vj] = C_rf_1[vt, vi, vj] + C_rf[vt * 2 + vv, vi, vj]
        for ty in T.thread_binding(4, thread="threadIdx.y"):
            with T.block("C"):
                vt, vi, vj = T.axis.remap("RSS", [ty, i, j])
                with T.init():
                    C[vi, vj] = T.float32(0)
                C[vi, vj] = C[vi, vj] + C_rf_1[vt, vi, vj]
)"},
             {"rfactor of a loop that is the first and the last digit",
              R"(C_rf = T.alloc_buffer((8, 16, 8))
for i, j, p, ko, km in T.grid(16, 8, 8, 4, 2):
    with T.block("C_rf"):
        vp, vi, vj, vko, vkm = T.axis.remap("SSSRR", [p, i, j, ko, km])
        with T.init():
            C_rf[vp, vi, vj] = T.float32(0)
        C_rf[vp, vi, vj] = C_rf[vp, vi, vj] + A[vi, vko * 16 + vp // 2 * 4 + vkm * 2 + vp % 2] * B[vko * 16 + vp // 2 * 4 + vkm * 2 + vp % 2, vj]
for i, j, p in T.grid(16, 8, 8):
    with T.block("C"):
        vp, vi, vj = T.axis.remap("RSS", [p, i, j])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + C_rf[vp, vi, vj]
)"},
             {"a sum within each step of a sum", R"(part = T.alloc_buffer((1,), scope="local")
for i, j in T.grid(16, 8):
    C[i, j] = T.float32(0)
    for ko in range(4):
        part[0] = T.float32(0)
        for ki in range(16):
            part[0] = part[0] + A[i, ko * 16 + ki] * B[ko * 16 + ki, j]
        C[i, j] = C[i, j] + part[0]
)"}});
}

TEST_CASE("schedules: partial results of a product whose tile has the digits as dimensions") {
  checkSame(matrices, matmul, {{"a factor in digits", R"(B_digits = T.alloc_buffer((4, 4, 4, 8))
C_rf = T.alloc_buffer((4, 16, 8))
for ko, km, ki, j in T.grid(4, 4, 4, 8):
    with T.block("B_digits"):
        vko, vkm, vki, vj = T.axis.remap("SSSS", [ko, km, ki, j])
        B_digits[vko, vkm, vki, vj] = B[vko * 16 + vkm * 4 + vki, vj]
for i, j, km, ko, ki in T.grid(16, 8, 4, 4, 4):
    with T.block("C_rf"):
        vkm, vi, vj, vko, vki = T.axis.remap("SSSRR", [km, i, j, ko, ki])
        with T.init():
            C_rf[vkm, vi, vj] = T.float32(0)
        C_rf[vkm, vi, vj] = C_rf[vkm, vi, vj] + A[vi, vko * 16 + vkm * 4 + vki] * B_digits[vko, vkm, vki, vj]
for i, j, km in T.grid(16, 8, 4):
    with T.block("C"):
        vkm, vi, vj = T.axis.remap("RSS", [km, i, j])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + C_rf[vkm, vi, vj]
)"}});
}

TEST_CASE("schedules: partial results of plain reductions") {
  constexpr const char *rowSums =
      "A: T.Buffer((6, 8, 9), \"float32\"), C: T.Buffer((6,), \"float32\")";
  checkSame(rowSums, R"(for i, j, k in T.grid(6, 8, 9):
    with T.block("C"):
        vi, vj, vk = T.axis.remap("SRR", [i, j, k])
        with T.init():
            C[vi] = T.float32(0)
        C[vi] = C[vi] + A[vi, vj, vk]
)",
            {{"of fused loops", R"(C_rf = T.alloc_buffer((4, 6))
for i, o, t in T.grid(6, 18, 4):
    with T.block("C_rf"):
        vt, vi, vo = T.axis.remap("SSR", [t, i, o])
        with T.init():
            C_rf[vt, vi] = T.float32(0)
        C_rf[vt, vi] = C_rf[vt, vi] + A[vi, (vo * 4 + vt) // 9, (vo * 4 + vt) % 9]
for i, t in T.grid(6, 4):
    with T.block("C"):
        vt, vi = T.axis.remap("RS", [t, i])
        with T.init():
            C[vi] = T.float32(0)
        C[vi] = C[vi] + C_rf[vt, vi]
)"}});
  // A split that does not divide the loop.
  checkSame("A: T.Buffer((16, 30), \"float32\"), B: T.Buffer((30, 8), \"float32\"), "
            "C: T.Buffer((16, 8), \"float32\")",
            R"(for i, j, k in T.grid(16, 8, 30):
    with T.block("C"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)",
            {{"the outer loop", R"(C_rf = T.alloc_buffer((16, 8, 4))
for i, j, ko, ki in T.grid(16, 8, 4, 8):
    with T.block("C_rf"):
        vko, vi, vj, vki = T.axis.remap("SSSR", [ko, i, j, ki])
        T.where(ko * 8 + ki < 30)
        with T.init():
            C_rf[vi, vj, vko] = T.float32(0)
        C_rf[vi, vj, vko] = C_rf[vi, vj, vko] + A[vi, vko * 8 + vki] * B[vko * 8 + vki, vj]
for i, j, ko in T.grid(16, 8, 4):
    with T.block("C"):
        vko, vi, vj = T.axis.remap("RSS", [ko, i, j])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + C_rf[vi, vj, vko]
)"},
             {"the inner loop", R"(C_rf = T.alloc_buffer((8, 16, 8))
for i, j, ko, ki in T.grid(16, 8, 4, 8):
    with T.block("C_rf"):
        vki, vi, vj, vko = T.axis.remap("SSSR", [ki, i, j, ko])
        T.where(ko * 8 + ki < 30)
        with T.init():
            C_rf[vki, vi, vj] = T.float32(0)
        C_rf[vki, vi, vj] = C_rf[vki, vi, vj] + A[vi, vko * 8 + vki] * B[vko * 8 + vki, vj]
for i, j, ki in T.grid(16, 8, 8):
    with T.block("C"):
        vki, vi, vj = T.axis.remap("RSS", [ki, i, j])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + C_rf[vki, vi, vj]
)"}});
  // Conditions that say something else leave two reductions.
  for (const char *condition : {"ko * 8 + ki < 0 + i", "ko * 4 + ki < 12", "ki < 7", "i < 7"}) {
    CAPTURE(condition);
    const Outcome outcome(function("A: T.Buffer((16, 32), \"float32\"), "
                                   "C: T.Buffer((16,), \"float32\")",
                                   std::string(R"(C_rf = T.alloc_buffer((16, 4))
for i, ko, ki in T.grid(16, 4, 8):
    with T.block("C_rf"):
        vko, vi, vki = T.axis.remap("SSR", [ko, i, ki])
        T.where()") + condition + R"()
        with T.init():
            C_rf[vi, vko] = T.float32(0)
        C_rf[vi, vko] = C_rf[vi, vko] + A[vi, vko * 8 + vki]
for i, ko in T.grid(16, 4):
    with T.block("C"):
        vko, vi = T.axis.remap("RS", [ko, i])
        with T.init():
            C[vi] = T.float32(0)
        C[vi] = C[vi] + C_rf[vi, vko]
)"));
    INFO(outcome.messages());
    REQUIRE(outcome.workload);
    CHECK(outcome.call().computations.size() == 2);
  }
  const auto operators = [&](const char *combined, const char *other) {
    std::string text = R"(C_rf = T.alloc_buffer((8, 6))
for i, j, k in T.grid(6, 8, 9):
    with T.block("C_rf"):
        vj, vi, vk = T.axis.remap("SSR", [j, i, k])
        with T.init():
            C_rf[vj, vi] = T.float32(0)
        C_rf[vj, vi] = C_rf[vj, vi] + A[vi, INDEX]
for i, j in T.grid(6, 8):
    with T.block("C"):
        vj, vi = T.axis.remap("RS", [j, i])
        with T.init():
            C[vi] = T.float32(0)
        C[vi] = JOINED
)";
    text.replace(text.find("INDEX"), 5, combined);
    text.replace(text.find("JOINED"), 6, other);
    const Outcome outcome(function(rowSums, text));
    INFO(outcome.messages());
    REQUIRE(outcome.workload);
    return outcome.call().operators.size();
  };
  const char *const sum = "C[vi] + C_rf[vj, vi]";
  // Sums over dimensions of their own, another way of joining, and windows that overlap.
  CHECK(operators("vj, vk", sum) == 2);
  CHECK(operators("(vj * 9 + vk) // 12, (vj * 9 + vk) % 12 // 2", "T.max(C[vi], C_rf[vj, vi])") ==
        2);
  CHECK(operators("0, vj // 8 + vk", sum) == 2);
  CHECK(operators("vj, (vj + vk) % 9", sum) == 2);
  CHECK(operators("(vj * 9 + vk) // 12, (vj * 9 + vk) % 12 // 2", sum) == 1);
}

TEST_CASE("schedules: what threads join is one reduction") {
  constexpr const char *rowSums =
      "A: T.Buffer((128, 64), \"float32\"), B: T.Buffer((128,), \"float32\")";
  const std::string head = R"(bx = T.launch_thread("blockIdx.x", 128)
own = T.allocate([1], "float32", "local")
all = T.allocate([1], "float32", "local")
tx = T.launch_thread("threadIdx.x", 16)
own_1 = T.Buffer((1,), data=own, scope="local")
own_1[0] = T.float32(0)
for k in range(4):
    own_1[0] = own_1[0] + A[bx, k * 16 + tx]
all_1 = T.Buffer((1,), data=all, scope="local")
)";
  const std::string reducer = "T.attr(T.comm_reducer(lambda x, y: x + y, [T.float32(0)]), "
                              "\"reduce_scope\", T.reinterpret(\"handle\", T.uint64(0)))";
  const std::string join =
      "T.tvm_thread_allreduce(T.uint32(1), own_1[0], T.bool(True), all_1[0], tx)\n";
  const std::string end = "if tx == 0:\n    B[bx] = all_1[0]\n";
  const std::string lowered = head + "with " + reducer + ":\n    " + join + end;
  const std::string statements = head + reducer + "\n" + join + end;
  checkSame(rowSums, R"(for i, k in T.grid(128, 64):
    with T.block("B"):
        vi, vk = T.axis.remap("SR", [i, k])
        with T.init():
            B[vi] = T.float32(0)
        B[vi] = B[vi] + A[vi, vk]
)",
            {{"lowered", lowered.c_str()},
             {"statements", statements.c_str()},
             {"blocks", R"(cross = T.alloc_buffer((1,), strides=(1,), scope="local")
own = T.alloc_buffer((1,), strides=(1,), scope="local")
for i in range(128):
    for to in T.thread_binding(16, thread="threadIdx.x"):
        with T.block("own_init"):
            own[0] = T.float32(0)
        for ti in range(4):
            with T.block("own"):
                vi = T.axis.spatial(128, i)
                vk = T.axis.reduce(64, to * 4 + ti)
                own[0] = own[0] + A[vi, vk]
        with T.block("cross"):
            T.reads(own[0])
            T.writes(cross[0])
            T.attr(T.comm_reducer(lambda x, y: x + y, [T.float32(0)]), "reduce_scope", T.reinterpret(T.uint64(0), dtype="handle"))
            T.tvm_thread_allreduce(T.uint32(1), own[0], True, cross[0], to)
        with T.block("write_back"):
            vi = T.axis.spatial(128, i)
            T.where(to == 0)
            B[vi] = cross[0]
)"}});
  // Threads that go through a loop together, and that all need the result.
  checkSame("A: T.Buffer((16, 8, 32), \"float32\"), B: T.Buffer((16, 8, 32), \"float32\")",
            R"(S = T.alloc_buffer((16, 8))
for i, j, k in T.grid(16, 8, 32):
    with T.block("S"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            S[vi, vj] = T.float32(-1000)
        S[vi, vj] = T.max(S[vi, vj], A[vi, vj, vk])
for i, j, k in T.grid(16, 8, 32):
    with T.block("B"):
        vi, vj, vk = T.axis.remap("SSS", [i, j, k])
        B[vi, vj, vk] = A[vi, vj, vk] - S[vi, vj]
)",
            {{"a loop of all threads", R"(bx = T.launch_thread("blockIdx.x", 16)
all = T.allocate([1], "float32", "local")
tx = T.launch_thread("threadIdx.x", 8)
ty = T.launch_thread("threadIdx.y", 4)
all_1 = T.Buffer((1,), data=all, scope="local")
for j in range(8):
    with T.attr(T.comm_reducer(lambda x, y: T.max(x, y), [T.float32(-1000)]), "reduce_scope", T.reinterpret("handle", T.uint64(0))):
        T.tvm_thread_allreduce(T.uint32(1), A[bx, j, ty * 8 + tx], T.bool(True), all_1[0], tx, ty)
    B[bx, j, ty * 8 + tx] = A[bx, j, ty * 8 + tx] - all_1[0]
)"}});
  const auto messageOf = [&](const std::string &statement) {
    const Outcome outcome(function(rowSums, head + statement + end));
    CHECK_FALSE(outcome.workload);
    return outcome.messages();
  };
  CHECK(messageOf(join).find("without a 'T.comm_reducer' around it") != std::string::npos);
  CHECK(messageOf("with T.attr(T.comm_reducer(lambda x, y: x - y, [T.float32(0)]), "
                  "\"reduce_scope\", 0):\n    " +
                  join)
            .find("without a 'T.comm_reducer' around it") != std::string::npos);
  CHECK(messageOf("with " + reducer +
                  ":\n    T.tvm_thread_allreduce(T.uint32(1), own_1[0], T.bool(True), all_1[0], "
                  "bx)\n")
            .find("over what is no loop of threads") != std::string::npos);
  CHECK(messageOf("with " + reducer +
                  ":\n    T.tvm_thread_allreduce(T.uint32(2), own_1[0], own_1[0], T.bool(True), "
                  "all_1[0], all_1[0], tx)\n")
            .find("of several values") != std::string::npos);
  CHECK(messageOf("with " + reducer +
                  ":\n    T.tvm_thread_allreduce(T.uint32(1), own_1[0], tx < 8, all_1[0], tx)\n")
            .find("under a condition of its own") != std::string::npos);
}

TEST_CASE("schedules: steps that are written out are one product") {
  checkSame(matrices, matmul,
            {{"unrolled", R"(for i, j in T.grid(16, 8):
    C[i, j] = T.float32(0)
    for k in range(16):
        C[i, j] = C[i, j] + A[i, k * 4] * B[k * 4, j]
        C[i, j] = C[i, j] + A[i, k * 4 + 1] * B[k * 4 + 1, j]
        C[i, j] = C[i, j] + A[i, k * 4 + 2] * B[k * 4 + 2, j]
        C[i, j] = C[i, j] + A[i, k * 4 + 3] * B[k * 4 + 3, j]
)"},
             {"two halves", R"(for i, j in T.grid(16, 8):
    C[i, j] = T.float32(0)
    for k in range(32):
        C[i, j] = C[i, j] + A[i, k] * B[k, j]
    for k in range(32):
        C[i, j] = C[i, j] + A[i, k + 32] * B[k + 32, j]
)"}});
  const auto products = [](const char *second) {
    const std::string body = R"(for i, j in T.grid(16, 8):
    C[i, j] = T.float32(0)
    for k in range(32):
        C[i, j] = C[i, j] + A[i, k * 2] * B[k * 2, j]
        C[i, j] = C[i, j] + )" +
                             std::string(second) + "\n";
    const Outcome outcome(function(matrices, body));
    INFO(outcome.messages());
    REQUIRE(outcome.workload);
    return outcome.call().operators.size();
  };
  CHECK(products("A[i, k * 2 + 1] * B[k * 2 + 1, j]") == 1);
  // The same elements again, other elements of one factor, another function.
  CHECK(products("A[i, k * 2] * B[k * 2, j]") == 2);
  CHECK(products("A[i, k * 2] * B[k * 2 + 1, j]") == 2);
  CHECK(products("A[i, k * 2 + 1] * T.exp(B[k * 2 + 1, j])") == 2);
}

TEST_CASE("schedules: what stands in the last iteration stands behind the loop") {
  checkSame(matrices, matmul,
            {{"if", R"(acc = T.alloc_buffer((16, 8), scope="local")
for i, j, k in T.grid(16, 8, 64):
    if k == 0:
        acc[i, j] = T.float32(0)
    acc[i, j] = acc[i, j] + A[i, k] * B[k, j]
    if k == 63:
        C[i, j] = acc[i, j]
)"},
             {"T.where", R"(acc = T.alloc_buffer((16, 8), scope="local")
for i, j, k in T.grid(16, 8, 64):
    with T.block("acc"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            acc[vi, vj] = T.float32(0)
        acc[vi, vj] = acc[vi, vj] + A[vi, vk] * B[vk, vj]
    with T.block("C"):
        vi, vj, vk = T.axis.remap("SSS", [i, j, k])
        T.where(k == 63)
        C[vi, vj] = acc[vi, vj]
)"}});
  const Outcome part(function("A: T.Buffer((4, 6), \"float32\"), C: T.Buffer((4, 6), \"float32\")",
                              R"(for i, j in T.grid(4, 6):
    if i == 2:
        C[i, j] = A[i, j]
)"));
  REQUIRE(part.workload);
  REQUIRE(part.call().computations.size() == 1);
  CHECK(part.call().computations[0].points == 6);
  CHECK(part.call().bytesWritten == 6 * 4);
}

TEST_CASE("schedules: what is read in a loop that goes on accumulating is an error") {
  const Schedule wrong[] = {
      {"started once, in front of all loops", R"(acc = T.alloc_buffer((1,), scope="local")
acc[0] = T.float32(0)
for i, j in T.grid(16, 8):
    for k in range(64):
        acc[0] = acc[0] + A[i, k] * B[k, j]
    C[i, j] = acc[0]
)"},
      {"in an iteration that is not the last one", R"(acc = T.alloc_buffer((16, 8), scope="local")
for i, j, k in T.grid(16, 8, 64):
    if k == 0:
        acc[i, j] = T.float32(0)
    acc[i, j] = acc[i, j] + A[i, k] * B[k, j]
    if k == 31:
        C[i, j] = acc[i, j]
)"},
      {"in front of the accumulation", R"(acc = T.alloc_buffer((16, 8), scope="local")
for i, j in T.grid(16, 8):
    acc[i, j] = T.float32(0)
for i, j, k in T.grid(16, 8, 64):
    C[i, j] = acc[i, j]
    acc[i, j] = acc[i, j] + A[i, k] * B[k, j]
)"},
  };
  for (const Schedule &schedule : wrong) {
    CAPTURE(schedule.name);
    const Outcome outcome(function(matrices, schedule.body));
    CHECK_FALSE(outcome.workload);
    INFO(outcome.messages());
    CHECK(outcome.messages().find("in a loop that goes on accumulating in it") !=
          std::string::npos);
  }
}

TEST_CASE("schedules: an axis that numbers no result is summed, whatever the text calls it") {
  const char *const body = R"(    with T.block("C"):
        vi, vj, vk = T.axis.remap("SSS", [i, j, k])
        C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)";
  const std::string update = std::string("for i, j, k in T.grid(16, 8, 64):\n") + body;
  const std::string filled = R"(for i, j in T.grid(16, 8):
    with T.block("fill"):
        vi, vj = T.axis.remap("SS", [i, j])
        C[vi, vj] = T.float32(0)
)" + update;
  checkSame(matrices, matmul, {{"filled before", filled.c_str()}});
  // It goes on from what is there.
  const Outcome onward(function(matrices, update));
  REQUIRE(onward.workload);
  REQUIRE(onward.call().operators.size() == 1);
  CHECK(onward.call().operators[0].kind == OperatorKind::MatMul);
  CHECK(onward.call().operators[0].detail == "initial values");
  // `T.init` starts anew with each value of such an axis.
  const Outcome restarted(function(matrices, R"(for i, j, k in T.grid(16, 8, 64):
    with T.block("C"):
        vi, vj, vk = T.axis.remap("SSS", [i, j, k])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)"));
  CHECK_FALSE(restarted.workload);
  CHECK(restarted.messages().find("starts anew") != std::string::npos);
}

TEST_CASE("schedules: a triangle of iterations is what the error blames") {
  const Outcome outcome(function(matrices, R"(for i, j in T.grid(16, 8):
    for k in range(i + 1):
        with T.block("C"):
            vi, vj = T.axis.remap("SS", [i, j])
            vk = T.axis.reduce(i + 1, k)
            with T.init():
                C[vi, vj] = T.float32(0)
            C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)"));
  CHECK_FALSE(outcome.workload);
  CHECK(outcome.messages().find("a triangle of iterations, where those of 'vk' depend on 'i'") !=
        std::string::npos);
}

TEST_CASE("schedules: what an iteration may read of an earlier one stays an error") {
  const Schedule wrong[] = {
      {"a tile that is started in part", R"(acc = T.alloc_buffer((8,), scope="local")
for i in range(16):
    for j in range(7):
        acc[j] = T.float32(0)
    for k, j in T.grid(64, 8):
        acc[j] = acc[j] + A[i, k] * B[k, j]
    for j in range(8):
        C[i, j] = acc[j]
)"},
      {"every other element", R"(acc = T.alloc_buffer((8,), scope="local")
for i in range(16):
    for j in range(4):
        acc[j * 2] = T.float32(0)
    for k, j in T.grid(64, 8):
        acc[j] = acc[j] + A[i, k] * B[k, j]
    for j in range(8):
        C[i, j] = acc[j]
)"},
      {"a diagonal", R"(acc = T.alloc_buffer((8, 8), scope="local")
for i in range(16):
    for j in range(8):
        acc[j, j] = T.float32(0)
    for k, j in T.grid(64, 8):
        acc[j, 0] = acc[j, 0] + A[i, k] * B[k, j]
    for j in range(8):
        C[i, j] = acc[j, 0]
)"},
      {"an element that comes later", R"(acc = T.alloc_buffer((2,), scope="local")
for i, j in T.grid(16, 8):
    for t in range(2):
        acc[t] = T.float32(0)
        acc[1 - t] = acc[1 - t] + A[i, t]
    for k in range(64):
        acc[0] = acc[0] + A[i, k] * B[k, j]
    C[i, j] = acc[0]
)"},
      {"a start under a condition", R"(acc = T.alloc_buffer((1,), scope="local")
for i, j in T.grid(16, 8):
    if j < 4:
        acc[0] = T.float32(0)
    for k in range(64):
        acc[0] = acc[0] + A[i, k] * B[k, j]
    C[i, j] = acc[0]
)"},
      {"no start", R"(for i, j in T.grid(16, 8):
    acc = T.alloc_buffer((1,), scope="local")
    for k in range(64):
        acc[0] = acc[0] + A[i, k] * B[k, j]
    C[i, j] = acc[0]
)"},
  };
  for (const Schedule &schedule : wrong) {
    CAPTURE(schedule.name);
    const Outcome outcome(function(matrices, schedule.body));
    CHECK_FALSE(outcome.workload);
    CHECK(outcome.messages().find("starts anew") != std::string::npos);
  }
}

TEST_CASE("schedules: a compacted tile that is started under a condition is an error") {
  const Outcome outcome(function("A: T.Buffer((15, 64), \"float32\"), B: T.Buffer((64, 8), "
                                 "\"float32\"), C: T.Buffer((15, 8), \"float32\")",
                                 R"(C_local = T.alloc_buffer((4, 8), scope="local")
for io in range(4):
    for ii, j in T.grid(4, 8):
        with T.block("C_init"):
            vi = T.axis.spatial(15, io * 4 + ii)
            vj = T.axis.spatial(8, j)
            T.where(io * 4 + ii < 15)
            C_local[vi - io * 4, vj] = T.float32(0)
    for ii, j, k in T.grid(4, 8, 64):
        with T.block("C_update"):
            vi = T.axis.spatial(15, io * 4 + ii)
            vj, vk = T.axis.remap("SR", [j, k])
            T.where(io * 4 + ii < 15)
            C_local[vi - io * 4, vj] = C_local[vi - io * 4, vj] + A[vi, vk] * B[vk, vj]
    for ii, j in T.grid(4, 8):
        with T.block("C"):
            vi = T.axis.spatial(15, io * 4 + ii)
            vj = T.axis.spatial(8, j)
            T.where(io * 4 + ii < 15)
            C[vi, vj] = C_local[vi - io * 4, vj]
)"));
  CHECK_FALSE(outcome.workload);
  CHECK(outcome.messages().find("whose elements several iterations") != std::string::npos);
}

TEST_CASE("schedules: a copy of a part moves that part") {
  constexpr const char *square =
      "A: T.Buffer((4, 6), \"float32\"), C: T.Buffer((4, 6), \"float32\")";
  const Outcome half(function(square, R"(for i, j in T.grid(4, 6):
    with T.block("C"):
        vi, vj = T.axis.remap("SS", [i, j])
        T.where(2 <= j and j < 5)
        C[vi, vj] = A[vi, vj]
)"));
  REQUIRE(half.workload);
  CHECK(half.call().freeReason == FreeReason::None);
  CHECK(half.call().bytesRead == 4 * 3 * 4);
  CHECK(half.call().bytesWritten == 4 * 3 * 4);
  const Outcome pieces(function(square, R"(for i, j in T.grid(4, 2):
    C[i, j] = A[i, j]
for i, j in T.grid(4, 4):
    C[i, j + 2] = A[i, j + 2]
)"));
  REQUIRE(pieces.workload);
  CHECK(pieces.call().freeReason == FreeReason::None);
  CHECK(pieces.call().bytesRead == 4 * 6 * 4);
  CHECK(pieces.call().bytesWritten == 4 * 6 * 4);
  const Outcome whole(function(square, R"(for i, j in T.grid(4, 6):
    C[i, j] = A[i, j]
)"));
  REQUIRE(whole.workload);
  CHECK(whole.call().freeReason == FreeReason::Alias);
}

TEST_CASE("schedules: a sum that is named before it is stored") {
  checkSame(matrices, matmul,
            {{"a name", R"(for i, j, k in T.grid(16, 8, 64):
    with T.block("C"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            C[vi, vj] = T.float32(0)
        total: T.float32 = C[vi, vj] + A[vi, vk] * B[vk, vj]
        C[vi, vj] = total
)"},
             {"names of names", R"(for i, j, k in T.grid(16, 8, 64):
    with T.sblock("C"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            C[vi, vj] = T.float32(0)
        product: T.let[T.float32] = A[vi, vk] * B[vk, vj]
        total: T.let[T.float32] = C[vi, vj] + product
        C[vi, vj] = total
)"},
             {"a name for a part of the text", R"(for i, j, k in T.grid(16, 8, 64):
    with T.block("C"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            C[vi, vj] = T.float32(0)
        with T.let(total, C[vi, vj] + A[vi, vk] * B[vk, vj]):
            C[vi, vj] = total
)"}});
}

TEST_CASE("schedules: a reduction has the iterations that its loops make") {
  const auto macs = [](const char *body) {
    const Outcome outcome(function(matrices, body));
    INFO(outcome.messages());
    REQUIRE(outcome.workload);
    return outcome.workload->macs();
  };
  const std::string block = R"(
    with T.block("C"):
        vi = T.axis.spatial(16, ROW)
        vj = T.axis.spatial(8, j)
        vk = T.axis.reduce(64, SUMMED)
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + A[vi, vk] * B[vk, vj]
)";
  const auto nest = [&](std::string loops, const char *row, const char *summed) {
    std::string text = loops + block;
    text.replace(text.find("ROW"), 3, row);
    text.replace(text.find("SUMMED"), 6, summed);
    return text;
  };
  constexpr std::int64_t all = 16 * 8 * 64;
  const std::string half = "for i, j, k in T.grid(16, 8, 32):";
  CHECK(macs(nest(half, "i", "k").c_str()) == all / 2);
  CHECK(macs(nest(half, "i", "k + 32").c_str()) == all / 2);
  CHECK(macs(nest(half, "i", "k * 2").c_str()) == all / 2);
  const std::string rowsOfHalf = "for i, j, k in T.grid(8, 8, 64):";
  CHECK(macs((nest(rowsOfHalf, "i", "k") + nest(rowsOfHalf, "i + 8", "k")).c_str()) == all);
  // What goes beyond the domain is cut by a condition.
  std::string uneven = nest("for i, j, k in T.grid(16, 8, 70):", "i", "k");
  uneven.replace(uneven.find("        with T.init"), 0, "        T.where(k < 64)\n");
  CHECK(macs(uneven.c_str()) == all);
  // Four of each eight: no axis has just these values.
  const Outcome gaps(
      function(matrices, nest("for i, j, ko, ki in T.grid(16, 8, 8, 4):", "i", "ko * 8 + ki")));
  CHECK(gaps.messages().find("with gaps") != std::string::npos);
  // Eleven iterations cannot reach 64 values, whichever these are.
  const Outcome squares(
      function(matrices, nest("for i, j, k in T.grid(16, 8, 11):", "i", "k * k // 2")));
  CHECK(squares.messages().find("with gaps") != std::string::npos);
}

TEST_CASE("schedules: a loop and an axis that is bound to it count once") {
  const std::string text = R"(for i in range(16):
    P = T.alloc_buffer((8,))
    for j in range(8):
        P[j] = T.float32(0)
    for j, k in T.grid(8, 64):
        with T.block("P"):
            vi = T.axis.spatial(EXTENT, BINDING)
            vj, vk = T.axis.remap("SR", [j, k])
            P[vj] = P[vj] + A[vi, vk] * B[vk, vj]
    for j in range(8):
        C[i, j] = P[j]
)";
  const auto bound = [&](const char *extent, const char *binding) {
    std::string result = text;
    result.replace(result.find("EXTENT"), 6, extent);
    result.replace(result.find("BINDING"), 7, binding);
    return result;
  };
  checkSame(matrices, matmul,
            {{"written in digits", bound("16", "i // 4 * 4 + i % 4").c_str()},
             {"written in digits of digits", bound("16", "i // 8 * 8 + i % 8").c_str()}});
  const Outcome half(function(matrices, bound("8", "i // 2").c_str()));
  CHECK(half.messages().find("a loop beside the axis 'vi'") != std::string::npos);
}

TEST_CASE("schedules: partial results of packed and of single elements") {
  checkSame("A: T.Buffer((64,), \"float32\"), B: T.Buffer((16, 8), \"uint32\"), C: T.Buffer((16,), "
            "\"float32\")",
            R"(for i, k in T.grid(16, 64):
    with T.block("C"):
        vi, vk = T.axis.remap("SR", [i, k])
        with T.init():
            C[vi] = T.float32(0)
        C[vi] = C[vi] + A[vk] * T.Cast("float32", B[vi, vk // 8])
)",
            {{"groups that are packed together", R"(P = T.alloc_buffer((8, 16))
for i, g, e in T.grid(16, 8, 8):
    with T.block("P"):
        vi, vg, ve = T.axis.remap("SSR", [i, g, e])
        with T.init():
            P[vg, vi] = T.float32(0)
        P[vg, vi] = P[vg, vi] + A[vg * 8 + ve] * T.Cast("float32", B[vi, (vg * 8 + ve) // 8])
for i, g in T.grid(16, 8):
    with T.block("C"):
        vi, vg = T.axis.remap("SR", [i, g])
        with T.init():
            C[vi] = T.float32(0)
        C[vi] = C[vi] + P[vg, vi]
)"}});
  checkSame(matrices, matmul, {{"of one each", R"(P = T.alloc_buffer((1, 16, 8))
for i, j, k, one in T.grid(16, 8, 64, 1):
    with T.block("P"):
        vo, vi, vj, vk = T.axis.remap("SSSR", [one, i, j, k])
        with T.init():
            P[vo, vi, vj] = T.float32(0)
        P[vo, vi, vj] = P[vo, vi, vj] + A[vi, vk] * B[vk, vj]
for i, j, one in T.grid(16, 8, 1):
    with T.block("C"):
        vo, vi, vj = T.axis.remap("RSS", [one, i, j])
        with T.init():
            C[vi, vj] = T.float32(0)
        C[vi, vj] = C[vi, vj] + P[vo, vi, vj]
)"}});
}

TEST_CASE("schedules: the scales of groups of rows belong to the matrix, not to the vector") {
  const Outcome outcome(
      function("A: T.Buffer((64,), \"float32\"), B: T.Buffer((16, 64), \"int8\"), "
               "S: T.Buffer((4, 64), \"float32\"), C: T.Buffer((16,), \"float32\")",
               R"(for i, k in T.grid(16, 64):
    with T.block("C"):
        vi, vk = T.axis.remap("SR", [i, k])
        with T.init():
            C[vi] = T.float32(0)
        C[vi] = C[vi] + A[vk] * (T.Cast("float32", B[vi, vk]) * S[vi // 4, vk])
)"));
  INFO(outcome.messages());
  REQUIRE(outcome.workload);
  REQUIRE(outcome.call().operators.size() == 1);
  CHECK(outcome.call().operators[0].kind == OperatorKind::MatMul);
  CHECK(outcome.call().macs == 16 * 64);
}

TEST_CASE("schedules: loops of a window that are fused") {
  checkSame("X: T.Buffer((18, 17, 8), \"float32\"), Y: T.Buffer((8, 8, 8), \"float32\")",
            R"(for y, x, c in T.grid(8, 8, 8):
    Y[y, x, c] = T.min_value("float32")
    for r, s in T.grid(4, 3):
        Y[y, x, c] = T.max(Y[y, x, c], X[y * 2 + r, x * 2 + s, c])
)",
            {{"taps", R"(for y, x, c in T.grid(8, 8, 8):
    Y[y, x, c] = T.min_value("float32")
    for t in range(12):
        Y[y, x, c] = T.max(Y[y, x, c], X[y * 2 + t // 3, x * 2 + t % 3, c])
)"},
             {"positions and taps", R"(for p, c in T.grid(64, 8):
    Y[p // 8, p % 8, c] = T.min_value("float32")
    for t in range(12):
        Y[p // 8, p % 8, c] = T.max(
            Y[p // 8, p % 8, c], X[p // 8 * 2 + t // 3, p % 8 * 2 + t % 3, c])
)"}});
}

TEST_CASE("schedules: windows in rows that reach beyond the edge") {
  checkSame("X: T.Buffer((16, 16, 4), \"float32\"), Y: T.Buffer((8, 8, 4), \"float32\")",
            R"(for y, x in T.grid(8, 8):
    for c in range(4):
        Y[y, x, c] = T.float32(0)
    for r, s, c in T.grid(3, 3, 4):
        Y[y, x, c] = T.max(Y[y, x, c], T.if_then_else(
            y * 2 + r < 16 and x * 2 + s < 16, X[y * 2 + r, x * 2 + s, c], T.float32(0)))
)",
            {{"pooling", R"(for y, x in T.grid(8, 8):
    for c in range(4):
        Y[y * 32 + x * 4 + c] = T.float32(0)
    for t, c in T.grid(9, 4):
        Y[y * 32 + x * 4 + c] = T.max(Y[y * 32 + x * 4 + c], T.if_then_else(
            y * 2 + t // 3 < 16 and x * 2 + t % 3 < 16,
            X[y * 128 + t // 3 * 64 + x * 8 + t % 3 * 4 + c], T.float32(0)))
)",
              "X: T.Buffer((1024,), \"float32\"), Y: T.Buffer((256,), \"float32\")"}});
  checkSame("X: T.Buffer((8, 8, 4), \"float32\"), W: T.Buffer((3, 3, 4, 6), \"float32\"), "
            "Y: T.Buffer((8, 8, 6), \"float32\")",
            R"(for y, x, k in T.grid(8, 8, 6):
    Y[y, x, k] = T.float32(0)
    for r, s, c in T.grid(3, 3, 4):
        Y[y, x, k] = Y[y, x, k] + T.if_then_else(
            1 <= y + r and y + r < 9 and 1 <= x + s and x + s < 9,
            X[y + r - 1, x + s - 1, c], T.float32(0)) * W[r, s, c, k]
)",
            {{"a convolution with channels last", R"(for y, x, k in T.grid(8, 8, 6):
    Y[y * 48 + x * 6 + k] = T.float32(0)
    for r, s, c in T.grid(3, 3, 4):
        Y[y * 48 + x * 6 + k] = Y[y * 48 + x * 6 + k] + T.if_then_else(
            1 <= y + r and y + r < 9 and 1 <= x + s and x + s < 9,
            X[y * 32 + r * 32 + x * 4 + s * 4 + c - 36], T.float32(0)
        ) * W[r * 72 + s * 24 + c * 6 + k]
)",
              "X: T.Buffer((256,), \"float32\"), W: T.Buffer((216,), \"float32\"), "
              "Y: T.Buffer((384,), \"float32\")"}});
}

TEST_CASE("schedules: a padding that is filled first") {
  checkSame("X: T.Buffer((4, 8), \"float32\"), Y: T.Buffer((4, 14), \"float32\")",
            R"(for i, j in T.grid(4, 14):
    with T.block("Y"):
        vi, vj = T.axis.remap("SS", [i, j])
        Y[vi, vj] = T.if_then_else(2 <= vj and vj < 10, X[vi, vj - 2], T.float32(0))
)",
            {{"and written in part", R"(for i, j in T.grid(4, 14):
    with T.block("fill"):
        vi, vj = T.axis.remap("SS", [i, j])
        Y[vi, vj] = T.float32(0)
for i, j in T.grid(4, 8):
    with T.block("Y"):
        vi, vj = T.axis.remap("SS", [i, j])
        Y[vi, vj + 2] = X[vi, vj]
)"},
             {"row by row", R"(for i in range(4):
    for j in range(14):
        Y[i, j] = T.float32(0)
    for j in range(8):
        Y[i, j + 2] = X[i, j]
)"}});
}

TEST_CASE("schedules: tiles whose last is cut, without blocks") {
  checkSame(matrices, matmul,
            {{"one axis", R"(for io, ii, j in T.grid(3, 6, 8):
    if io * 6 + ii < 16:
        C[io * 6 + ii, j] = T.float32(0)
for io, ii, j, k in T.grid(3, 6, 8, 64):
    if io * 6 + ii < 16:
        C[io * 6 + ii, j] = C[io * 6 + ii, j] + A[io * 6 + ii, k] * B[k, j]
)"},
             {"a summed axis too", R"(for i, j in T.grid(16, 8):
    C[i, j] = T.float32(0)
for ko, jo, i, ji, ki in T.grid(3, 3, 16, 3, 24):
    if jo * 3 + ji < 8 and ko * 24 + ki < 64:
        C[i, jo * 3 + ji] = C[i, jo * 3 + ji] + A[i, ko * 24 + ki] * B[ko * 24 + ki, jo * 3 + ji]
)"},
             {"a loop that is too long", R"(for i, j in T.grid(18, 8):
    if i < 16:
        C[i, j] = T.float32(0)
        for k in range(64):
            C[i, j] = C[i, j] + A[i, k] * B[k, j]
)"},
             {"of fused loops", R"(for f, ii in T.grid(24, 6):
    if f // 8 * 6 + ii < 16:
        C[f // 8 * 6 + ii, f % 8] = T.float32(0)
for f, ii, k in T.grid(24, 6, 64):
    if f // 8 * 6 + ii < 16:
        C[f // 8 * 6 + ii, f % 8] = C[f // 8 * 6 + ii, f % 8] + A[f // 8 * 6 + ii, k] * B[k, f % 8]
)"}});
  // A condition on an axis that is also used in another way leaves products out.
  const Outcome diagonal(function(matrices, R"(for io, ii, j, k in T.grid(4, 4, 8, 64):
    if io * 2 + ii < 5:
        C[io * 4 + ii, j] = C[io * 4 + ii, j] + A[io * 4 + ii, k] * B[k, j]
)"));
  REQUIRE(diagonal.workload);
  CHECK(diagonal.call().operators.at(0).detail == "condition, initial values");
}

TEST_CASE("schedules: padding of convolutions") {
  constexpr const char *images =
      "X: T.Buffer((1, 8, 10, 10), \"float32\"), W: T.Buffer((4, 8, 3, 3), "
      "\"float32\"), O: T.Buffer((1, 4, 10, 10), \"float32\")";
  const std::string convolve = R"(for n, f, y, x, c, r, s in T.grid(1, 4, 10, 10, 8, 3, 3):
    with T.block("conv"):
        vn, vf, vy, vx, vc, vr, vs = T.axis.remap("SSSSRRR", [n, f, y, x, c, r, s])
        with T.init():
            O[vn, vf, vy, vx] = T.float32(0)
        O[vn, vf, vy, vx] = O[vn, vf, vy, vx] + pad[vn, vc, vy + vr, vx + vs] * W[vf, vc, vr, vs]
)";
  const std::string allocate = "pad = T.alloc_buffer((1, 8, 12, 12))\n";
  const auto with = [&](const char *padding) { return allocate + padding + convolve; };
  const std::string plain = with(R"(for n, c, y, x in T.grid(1, 8, 12, 12):
    with T.block("pad"):
        vn, vc, vy, vx = T.axis.remap("SSSS", [n, c, y, x])
        pad[vn, vc, vy, vx] = T.if_then_else(1 <= vy and vy < 11 and 1 <= vx and vx < 11, X[vn, vc, vy - 1, vx - 1], T.float32(0))
)");
  const std::string unit = with(R"(for u, c, y, x in T.grid(1, 8, 12, 12):
    pad[0, c, y, x] = T.if_then_else(1 <= y and y < 11 and 1 <= x and x < 11, X[0, c, y - 1, x - 1], T.float32(0))
)");
  const std::string tiles = with(R"(for yo, yi, f in T.grid(3, 5, 96):
    if yo * 5 + yi < 12:
        pad[0, f // 12, yo * 5 + yi, f % 12] = T.if_then_else(1 <= yo * 5 + yi and yo * 5 + yi < 11 and 1 <= f % 12 and f % 12 < 11, X[0, f // 12, yo * 5 + yi - 1, f % 12 - 1], T.float32(0))
)");
  const std::string overlapping = with(R"(for yo in range(5):
    for c, yi, x in T.grid(8, 4, 12):
        pad[0, c, yo * 2 + yi, x] = T.if_then_else(1 <= yo * 2 + yi and yo * 2 + yi < 11 and 1 <= x and x < 11, X[0, c, yo * 2 + yi - 1, x - 1], T.float32(0))
)");
  const std::string copied = "pad = T.alloc_buffer((1, 8, 12, 12))\n"
                             "first = T.alloc_buffer((1, 8, 12, 12))\n"
                             R"(for n, c, y, x in T.grid(1, 8, 12, 12):
    with T.block("first"):
        vn, vc, vy, vx = T.axis.remap("SSSS", [n, c, y, x])
        first[vn, vc, vy, vx] = T.if_then_else(1 <= vy and vy < 11 and 1 <= vx and vx < 11, X[vn, vc, vy - 1, vx - 1], T.float32(0))
for n, c, y, x in T.grid(1, 8, 12, 12):
    with T.block("pad"):
        vn, vc, vy, vx = T.axis.remap("SSSS", [n, c, y, x])
        pad[vn, vc, vy, vx] = first[vn, vc, vy, vx]
)" + convolve;
  const std::string perChannel = allocate + R"(for f in range(4):
    for ax1, ax2, ax3 in T.grid(8, 12, 12):
        with T.block("pad"):
            vn = T.axis.spatial(1, 0)
            vc, vy, vx = T.axis.remap("SSS", [ax1, ax2, ax3])
            pad[vn, vc, vy, vx] = T.if_then_else(1 <= vy and vy < 11 and 1 <= vx and vx < 11, X[vn, vc, vy - 1, vx - 1], T.float32(0))
    for y, x, c, r, s in T.grid(10, 10, 8, 3, 3):
        with T.block("conv"):
            vn = T.axis.spatial(1, 0)
            vf, vy, vx, vc, vr, vs = T.axis.remap("SSSRRR", [f, y, x, c, r, s])
            with T.init():
                O[vn, vf, vy, vx] = T.float32(0)
            O[vn, vf, vy, vx] = O[vn, vf, vy, vx] + pad[vn, vc, vy + vr, vx + vs] * W[vf, vc, vr, vs]
)";
  checkSame(images, plain.c_str(),
            {{"a loop of one iteration that nothing names", unit.c_str()},
             {"tiles, and a loop that goes on", tiles.c_str()},
             {"tiles that overlap", overlapping.c_str()},
             {"copied", copied.c_str()},
             {"anew for each output channel", perChannel.c_str()}});
}

TEST_CASE("schedules: channels in blocks within groups") {
  const Outcome outcome(function("X: T.Buffer((1, 8, 10), \"float32\"), W: T.Buffer((12, 4, 3), "
                                 "\"float32\"), O: T.Buffer((1, 6, 8, 2), \"float32\")",
                                 R"(for n, fo, x, fi, c, s in T.grid(1, 6, 8, 2, 4, 3):
    with T.block("conv"):
        vn, vo, vx, vi, vc, vs = T.axis.remap("SSSSRR", [n, fo, x, fi, c, s])
        with T.init():
            O[vn, vo, vx, vi] = T.float32(0)
        O[vn, vo, vx, vi] = O[vn, vo, vx, vi] + X[vn, (vo * 2 + vi) // 6 * 4 + vc, vx + vs] * W[vo * 2 + vi, vc, vs]
)"));
  REQUIRE(outcome.workload);
  CHECK(operatorsOf(outcome.call()) == "conv1d  N=1 G=2 K=6 C=4 Q=8 S=3 window 1,1,0,0 macs=1152 "
                                       "read=896 written=384\n");
}

TEST_CASE("schedules: copies within a function are other names of what they copy") {
  constexpr const char *rowsOfNumbers =
      "X: T.Buffer((6, 9), \"float32\"), G: T.Buffer((9,), \"float32\"), Y: T.Buffer((6, 9), "
      "\"float32\")";
  checkSame(rowsOfNumbers, R"(T0 = T.alloc_buffer((6, 9))
for i, j in T.grid(6, 9):
    T0[i, j] = X[i, j] + G[j]
for i, j in T.grid(6, 9):
    Y[i, j] = T.max(T0[i, j], T.float32(0))
)",
            {{"between two functions of elements", R"(T0 = T.alloc_buffer((6, 9))
T1 = T.alloc_buffer((6, 9))
for i, j in T.grid(6, 9):
    T0[i, j] = X[i, j] + G[j]
for i, j in T.grid(6, 9):
    T1[i, j] = T0[i, j]
for i, j in T.grid(6, 9):
    Y[i, j] = T.max(T1[i, j], T.float32(0))
)"}});
  const char *const norm = R"(S = T.alloc_buffer((6,))
for i, k in T.grid(6, 9):
    with T.block("S"):
        vi, vk = T.axis.remap("SR", [i, k])
        with T.init():
            S[vi] = T.float32(0)
        S[vi] = S[vi] + X[vi, vk] * X[vi, vk]
)";
  const std::string plain = std::string(norm) + R"(for i, j in T.grid(6, 9):
    Y[i, j] = X[i, j] * T.rsqrt(S[i] / T.float32(9)) * G[j]
)";
  const std::string copied =
      std::string("S1 = T.alloc_buffer((6,))\n") + norm + R"(for i in range(6):
    S1[i] = S[i]
for j, i in T.grid(9, 6):
    Y[i, j] = X[i, j] * T.rsqrt(S1[i] / T.float32(9)) * G[j]
)";
  checkSame(rowsOfNumbers, plain.c_str(), {{"of the statistics of a norm", copied.c_str()}});
  const Outcome pad(function("X: T.Buffer((4, 6), \"float32\"), Y: T.Buffer((4, 8), \"float32\")",
                             R"(P = T.alloc_buffer((4, 8))
for i, j in T.grid(4, 8):
    P[i, j] = T.if_then_else(1 <= j and j < 7, X[i, j - 1], T.float32(0))
for i, j in T.grid(4, 8):
    Y[i, j] = P[i, j]
)"));
  REQUIRE(pad.workload);
  CHECK(operatorsOf(pad.call()) == "data_movement pad D0=4 D1=8 macs=0 read=96 written=128\n");
  const Outcome reshape(
      function("X: T.Buffer((2, 2, 6), \"float32\"), Y: T.Buffer((24,), \"float32\")",
               R"(P = T.alloc_buffer((24,))
for i in range(24):
    P[i] = X[i // 12, i // 6 % 2, i % 6]
for i in range(24):
    Y[i] = P[i]
)"));
  REQUIRE(reshape.workload);
  CHECK(reshape.call().freeReason == FreeReason::Reshape);
}

TEST_CASE("schedules: the dimensions that scale a norm, whatever the order of its loops") {
  constexpr const char *tensors =
      "X: T.Buffer((3, 7, 5), \"float32\"), G: T.Buffer((5,), "
      "\"float32\"), B: T.Buffer((5,), \"float32\"), Y: T.Buffer((3, 7, 5), "
      "\"float32\")";
  const std::string statistics = R"(M = T.alloc_buffer((3, 7))
V = T.alloc_buffer((3, 7))
for i, j, k in T.grid(3, 7, 5):
    with T.block("M"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            M[vi, vj] = T.float32(0)
        M[vi, vj] = M[vi, vj] + X[vi, vj, vk]
for i, j, k in T.grid(3, 7, 5):
    with T.block("V"):
        vi, vj, vk = T.axis.remap("SSR", [i, j, k])
        with T.init():
            V[vi, vj] = T.float32(0)
        V[vi, vj] = V[vi, vj] + (X[vi, vj, vk] - M[vi, vj] / T.float32(5)) * (X[vi, vj, vk] - M[vi, vj] / T.float32(5))
)";
  const std::string store = "    Y[i, j, k] = (X[i, j, k] - M[i, j] / T.float32(5)) * "
                            "T.rsqrt(V[i, j] / T.float32(5) + T.float32(1e-5)) * G[k] + B[k]\n";
  const std::string plain = statistics + "for i, j, k in T.grid(3, 7, 5):\n" + store;
  const std::string reordered = statistics + "for k, j, i in T.grid(5, 7, 3):\n" + store;
  checkSame(tensors, plain.c_str(), {{"reordered", reordered.c_str()}});
}

} // namespace acadlc::tir
