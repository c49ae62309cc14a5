"""The operators of the networks as TVM legalises them.

Names of loops, blocks and buffers are TVM's, so that a text differs from TVM's in what the network calls
its tensors alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tvmscript import (LOWEST, ZERO, Extent, Function, Operator, Shape, Tensor, integer, numbered,
                       variables)

EPSILON = "T.float32(9.9999997473787516e-06)"
"""1e-5 of the batch normalisations, rounded to float32."""


def _scaled(variable: str, factor: int) -> str:
    return variable if factor == 1 else f"{variable} * {integer(factor)}"


def _slide(output: str, tap: str, stride: int) -> str:
    """Where a window at `output` has its `tap`."""
    return f"{_scaled(output, stride)} + {tap}"


def _loops(prefix: str, shape: Shape) -> list[tuple[str, Extent]]:
    return list(zip(numbered(prefix, len(shape)), shape))


def _padded_shape(shape: Shape, padding: int) -> Shape:
    """The shape with `padding` elements more on both sides of every dimension behind the channels."""
    return (*shape[:2], *(_number(extent) + 2 * padding for extent in shape[2:]))


def _number(extent: Extent) -> int:
    if not isinstance(extent, int):
        raise ValueError(f"the size {extent} has to be a number: only the batch may be symbolic")
    return extent


def windows(extent: Extent, kernel: int, stride: int, padding: int) -> int:
    """How many windows fit into a padded dimension."""
    return (_number(extent) + 2 * padding - kernel) // stride + 1


def _pad(function: Function, data: Tensor, padding: int, value: str, prefix: str) -> Tensor:
    """A copy of `data` with a border; without a border too, as TVM makes it for convolutions."""
    padded = function.local("pad_temp", _padded_shape(data.shape, padding), data.element_type)
    loops = _loops(prefix, padded.shape)
    names = variables([name for name, _ in loops])
    offsets = [f" - {integer(padding)}" if padding and position >= 2 else ""
               for position in range(len(names))]
    load = data.at(*(name + offset for name, offset in zip(names, offsets)))
    inside = " and ".join(
        f"{integer(padding)} <= {name} and {name} < {integer(padding + _number(extent))}"
        for name, extent in zip(names[2:], data.shape[2:]))
    function.stage("pad_temp", padded, loops, reads=[load],
                   value=f"T.if_then_else({inside}, {load}, {value})" if padding else load)
    return padded


def _channel(groups: int, outputs: int, inputs: int) -> str:
    """The input channel that belongs to output channel ff and reduction channel rc."""
    if groups == 1:
        return "v_rc"
    block, size = outputs // groups, inputs // groups
    group = "v_ff" if block == 1 else f"v_ff // {integer(block)}"
    return f"{_scaled(group, size)} + v_rc"


def _sum_type(factor: Tensor) -> str:
    """The element type in which products are summed."""
    return "int32" if factor.element_type == "int8" else factor.element_type


def _product(data: Tensor, left: str, right: str) -> str:
    """The product of two elements of `data`'s type, in the type of the sum."""
    kind = _sum_type(data)
    if kind == data.element_type:
        return f"{left} * {right}"
    return f'T.Cast("{kind}", {left}) * T.Cast("{kind}", {right})'


def convolution(stride: int, padding: int, groups: int = 1) -> Operator:
    """Data (batch, channels, then one or two dimensions) and weight (outputs, inputs of a group, kernel)."""

    def build(function: Function, arguments: Sequence[Tensor]) -> Tensor:
        data, weight = arguments
        rank = len(data.shape) - 2
        outputs = _number(weight.shape[0])
        kernel = [_number(extent) for extent in weight.shape[2:]]
        padded = _pad(function, data, padding, ZERO[data.element_type], "i")
        name = {1: "conv1d_ncw", 2: "conv2d_nchw"}[rank] if groups == 1 else f"group_conv{rank}d_nchw"
        positions = [windows(extent, size, stride, padding)
                     for extent, size in zip(data.shape[2:], kernel)]
        result = function.result(name, (data.shape[0], outputs, *positions), _sum_type(data))
        channel = _channel(groups, outputs, _number(data.shape[1]))
        taps = [_slide(f"v_{axis}", f"v_r{axis[0]}", stride) for axis in ("yy", "xx")[:rank]]
        load = padded.at("v_nn", channel, *taps)
        factor = weight.at("v_ff", "v_rc", *("v_ry", "v_rx")[:rank])
        spatial = list(zip(("nn", "ff", "yy", "xx"), result.shape))
        total = result.at(*variables([axis for axis, _ in spatial]))
        function.stage(name, result, spatial, f"{total} + {_product(data, load, factor)}",
                       [load, factor], reduction=list(zip(("rc", "ry", "rx"), weight.shape[1:])),
                       initial=ZERO[result.element_type])
        return result

    return build


def matmul(function: Function, arguments: Sequence[Tensor]) -> Tensor:
    """Data (batch, inputs) and weight (inputs, outputs)."""
    data, weight = arguments
    result = function.result("matmul", (data.shape[0], weight.shape[1]), _sum_type(data))
    load, factor = data.at("v_i0", "v_k"), weight.at("v_k", "v_i1")
    function.stage("matmul", result, list(zip(("i0", "i1"), result.shape)),
                   f"{result.at('v_i0', 'v_i1')} + {_product(data, load, factor)}", [load, factor],
                   reduction=[("k", weight.shape[0])], initial=ZERO[result.element_type])
    return result


def max_pool(kernel: int, stride: int, padding: int) -> Operator:
    """Over windows of `kernel` in every dimension behind the channels."""

    def build(function: Function, arguments: Sequence[Tensor]) -> Tensor:
        [data] = arguments
        lowest = LOWEST[data.element_type]
        source = _pad(function, data, padding, lowest, "ax") if padding else data
        shape = (*data.shape[:2],
                 *(windows(extent, kernel, stride, padding) for extent in data.shape[2:]))
        result = function.result("pool_max", shape, data.element_type)
        spatial = _loops("ax", shape)
        names = variables([name for name, _ in spatial])
        load = source.at(*names[:2], *(_slide(name, f"v_rv{number}", stride)
                                       for number, name in enumerate(names[2:])))
        function.stage("pool_max", result, spatial, f"T.max({result.at(*names)}, {load})", [load],
                       reduction=_loops("rv", (kernel,) * (len(shape) - 2)), initial=lowest,
                       attributes='{"schedule_rule": "meta_schedule.pool_max"}')
        return result

    return build


def global_average_pool(function: Function, arguments: Sequence[Tensor]) -> Tensor:
    """The mean over all dimensions behind the channels, which become 1."""
    [data] = arguments
    window = [_number(extent) for extent in data.shape[2:]]
    shape = (*data.shape[:2], *(1 for _ in window))
    sums = function.local("adaptive_pool_sum", shape, data.element_type)
    spatial = _loops("ax", shape)
    names = variables([name for name, _ in spatial])
    load = data.at(*names[:2], *(_slide(name, f"v_rv{number}", extent)
                                 for number, (name, extent) in enumerate(zip(names[2:], window))))
    total = sums.at(*names)
    function.stage("adaptive_pool_sum", sums, spatial, f"{total} + {load}", [load],
                   reduction=_loops("rv", tuple(window)), initial=ZERO[data.element_type])
    result = function.result("adaptive_pool_avg", shape, data.element_type)
    function.stage("adaptive_pool_avg", result, spatial,
                   f"{total} / T.float32({math.prod(window)}.0)", [total],
                   attributes='{"schedule_rule": "meta_schedule.adaptive_pool_avg"}')
    return result


def _broadcast(operand: Tensor, names: Sequence[str], shape: Shape) -> str:
    """An access, for an element of `shape`, to an operand that may have fewer dimensions or extents of 1."""
    first = len(shape) - len(operand.shape)
    return operand.at(*(name if own == extent else integer(0)
                        for name, own, extent in zip(names[first:], operand.shape, shape[first:])))


def _binary(name: str, sign: str) -> Operator:
    def build(function: Function, arguments: Sequence[Tensor]) -> Tensor:
        left, right = arguments
        result = function.result(name, left.shape, left.element_type)
        spatial = _loops("ax", left.shape)
        names = variables([axis for axis, _ in spatial])
        reads = [left.at(*names), _broadcast(right, names, left.shape)]
        function.stage(name, result, spatial, f"{reads[0]} {sign} {reads[1]}", reads)
        return result

    return build


add = _binary("T_add", "+")
subtract = _binary("T_subtract", "-")
multiply = _binary("T_multiply", "*")
divide = _binary("T_divide", "/")


def _unary(name: str, prefix: str, form: str, element_type: str | None = None) -> Operator:
    """`form` is what is computed: `{0}` is an element, `{1}` the zero of its type.

    The result has the `element_type`, or that of the data.
    """

    def build(function: Function, arguments: Sequence[Tensor]) -> Tensor:
        [data] = arguments
        result = function.result(name, data.shape, element_type or data.element_type)
        spatial = _loops(prefix, data.shape)
        load = data.at(*variables([axis for axis, _ in spatial]))
        function.stage(name, result, spatial, form.format(load, ZERO[data.element_type]), [load])
        return result

    return build


add_epsilon = _unary("T_add", "ax", "{0} + " + EPSILON)
square_root = _unary("compute", "i", "T.sqrt({0})")
relu = _unary("compute", "i", "T.max({0}, {1})")
relu6 = _unary("compute", "i", "T.max(T.min({0}, T.float32(6.0)), {1})")
sigmoid = _unary("compute", "i", "T.sigmoid({0})")
clip_to_int8 = _unary("compute", "i", "T.max(T.min({0}, 127), -128)")


def add_integer(value: int) -> Operator:
    """To int32 data."""
    return _unary("T_add", "ax", f"{{0}} + {value}")


def shift_right(bits: int) -> Operator:
    """Of int32 data; the sign is kept."""
    return _unary("T_right_shift", "ax", f"T.shift_right({{0}}, {bits})")


def cast(element_type: str) -> Operator:
    """To another element type."""
    return _unary("compute", "i", f'T.Cast("{element_type}", {{0}})', element_type)


def sum_positions(function: Function, arguments: Sequence[Tensor]) -> Tensor:
    """The sum over all dimensions behind the channels, which become 1."""
    [data] = arguments
    shape = (*data.shape[:2], *(1 for _ in data.shape[2:]))
    name = f"{data.name}_red"
    result = function.result(name, shape, data.element_type)
    spatial = _loops("ax", shape)
    names = variables([axis for axis, _ in spatial])
    reduction = [(f"k{position}", extent) for position, extent in enumerate(data.shape)][2:]
    load = data.at(*names[:2], *variables([axis for axis, _ in reduction]))
    function.stage(name, result, spatial, f"{result.at(*names)} + {load}", [load], reduction,
                   initial=ZERO[data.element_type])
    return result


def silu(function: Function, arguments: Sequence[Tensor]) -> Tensor:
    """x times the sigmoid of x."""
    [data] = arguments
    gate = function.local("compute", data.shape, data.element_type)
    spatial = _loops("i", data.shape)
    names = variables([axis for axis, _ in spatial])
    function.stage("compute", gate, spatial, f"T.sigmoid({data.at(*names)})", [data.at(*names)])
    return multiply(function, [data, gate])


def expand_dims(rank: int) -> Operator:
    """From one value a channel to a tensor of `rank` dimensions that broadcasts."""

    def build(function: Function, arguments: Sequence[Tensor]) -> Tensor:
        [data] = arguments
        result = function.result("expand_dims", (1, data.shape[0], *(1,) * (rank - 2)),
                                 data.element_type)
        load = data.at("v_i1")
        function.stage("expand_dims", result, _loops("i", result.shape), load, [load])
        return result

    return build


def reshape_bias(rank: int) -> Operator:
    """The same by reshaping, as it is printed for the bias of a convolution."""

    def build(function: Function, arguments: Sequence[Tensor]) -> Tensor:
        [data] = arguments
        result = function.result("T_reshape", (1, data.shape[0], *(1,) * (rank - 2)),
                                 data.element_type)
        sum_of_axes = " + ".join(f"v_ax{axis}" for axis in range(1, rank))
        load = data.at(f"({sum_of_axes}) % {integer(data.shape[0])}")
        function.stage("T_reshape", result, _loops("ax", result.shape), load, [load])
        return result

    return build


def flatten(function: Function, arguments: Sequence[Tensor]) -> Tensor:
    """All dimensions behind the batch become one."""
    [data] = arguments
    batch, *rest = data.shape
    sizes = [_number(extent) for extent in rest]
    total = math.prod(sizes)
    indices, inner = [], total
    for size in sizes:
        position = f"v_ax1 % {integer(inner)}"
        inner //= size
        indices.append(integer(0) if size == 1
                       else position + (f" // {integer(inner)}" if inner > 1 else ""))
    sample = integer(0) if batch == 1 else f"(v_ax1 // {integer(total)} + v_ax0) % {integer(batch)}"
    result = function.result("T_reshape", (batch, total), data.element_type)
    load = data.at(sample, *indices)
    function.stage("T_reshape", result, _loops("ax", result.shape), load, [load])
    return result


def transpose(function: Function, arguments: Sequence[Tensor]) -> Tensor:
    """The transpose of a matrix."""
    [data] = arguments
    result = function.result("T_transpose", data.shape[::-1], data.element_type)
    load = data.at("v_ax1", "v_ax0")
    function.stage("T_transpose", result, _loops("ax", result.shape), load, [load])
    return result


def softmax(function: Function, arguments: Sequence[Tensor]) -> Tensor:
    """Over the second of two dimensions."""
    [data] = arguments
    batch, classes = data.shape
    rows: Shape = (batch,)
    largest = function.local("T_softmax_maxelem", rows, data.element_type)
    powers = function.local("T_softmax_exp", data.shape, data.element_type)
    total = function.local("T_softmax_expsum", rows, data.element_type)
    result = function.result("T_softmax_norm", data.shape, data.element_type)
    row, column = [("i0", batch)], [("k", classes)]
    each = [("i0", batch), ("i1", classes)]
    load, most = data.at("v_i0", "v_k"), largest.at("v_i0")
    function.stage("T_softmax_maxelem", largest, row, f"T.max({most}, {load})", [load], column,
                   initial=LOWEST[data.element_type])
    load = data.at("v_i0", "v_i1")
    function.stage("T_softmax_exp", powers, each, f"T.exp({load} - {most})", [load, most])
    load, whole = powers.at("v_i0", "v_k"), total.at("v_i0")
    function.stage("T_softmax_expsum", total, row, f"{whole} + {load}", [load], column,
                   initial=ZERO[data.element_type])
    load = powers.at("v_i0", "v_i1")
    function.stage("T_softmax_norm", result, each, f"{load} / {whole}", [load, whole],
                   attributes='{"axis": 1}')
    return result
