"""Random operators of neural networks whose truth is known: stages of loop nests, and what
`--list-operators` has to say of them, by formulas that know nothing of the loops.

An operator is drawn with its sizes, layouts, element types and what follows it. tests/operator_forms.py
prints it.
"""

from __future__ import annotations

import dataclasses
import math
import random
import re
from collections.abc import Callable, Iterator

SIZES = {"float32": 4, "float16": 2, "int8": 1, "int32": 4, "int64": 8}


@dataclasses.dataclass(frozen=True)
class Expr:
    """A number, variable, load or function; `kind` says which, `parts` what it consists of."""

    kind: str
    parts: tuple

    def __add__(self, other): return operation("+", self, other)
    def __sub__(self, other): return operation("-", self, other)
    def __mul__(self, other): return operation("*", self, other)
    def __truediv__(self, other): return operation("/", self, other)
    def __floordiv__(self, other): return operation("//", self, other)
    def __mod__(self, other): return operation("%", self, other)
    def __lt__(self, other): return operation("<", self, other)
    def __le__(self, other): return operation("<=", self, other)
    def __and__(self, other): return operation("and", self, other)

    def map(self, change: Callable[[Expr], Expr | None]) -> Expr:
        """The expression with all parts replaced for which `change` returns another."""
        if (changed := change(self)) is not None:
            return changed
        parts = tuple(part.map(change) if isinstance(part, Expr) else
                      tuple(each.map(change) for each in part) if isinstance(part, tuple) else part
                      for part in self.parts)
        if self.kind == "operation":
            return operation(*parts)
        return Expr(self.kind, parts)

    def walk(self) -> Iterator[Expr]:
        yield self
        for part in self.parts:
            for each in part if isinstance(part, tuple) else (part,):
                if isinstance(each, Expr):
                    yield from each.walk()

    def replace(self, values: dict[str, Expr]) -> Expr:
        """The expression with other expressions for its variables."""
        return self.map(lambda each: values.get(each.parts[0]) if each.kind == "variable" else None)


def number(value: int | float | Expr, element_type: str = "index") -> Expr:
    return value if isinstance(value, Expr) else Expr("number", (value, element_type))


def variable(name: str) -> Expr:
    return Expr("variable", (name,))


def function(name: str, *arguments: Expr) -> Expr:
    return Expr("function", (name, arguments))


def cast(element_type: str, value: Expr) -> Expr:
    return Expr("cast", (element_type, value))


def choice(condition: Expr, yes: Expr, no: Expr) -> Expr:
    return Expr("choice", (condition, yes, no))


FOLDED = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__, "//": int.__floordiv__,
          "%": int.__mod__}


def operation(operator: str, left: Expr | int, right: Expr | int) -> Expr:
    """Simplified where it is an index, as TVM does: without the zeros and ones of unit axes."""
    left, right = number(left), number(right)
    values = [each.parts[0] if each.kind == "number" and each.parts[1] == "index" else None
              for each in (left, right)]
    if None not in values and operator in FOLDED:
        return number(FOLDED[operator](*values))
    if (operator in "+-" and values[1] == 0) or (operator in ("*", "//") and values[1] == 1):
        return left
    if operator == "+" and values[0] == 0 or operator == "*" and values[0] == 1:
        return right
    if (operator == "%" and values[1] == 1) or (operator in ("*", "//", "%") and values[0] == 0):
        return number(0)
    return Expr("operation", (operator, left, right))


@dataclasses.dataclass(eq=False)
class Tensor:
    """`layout` is as in TVM: a letter for each dimension, `NCHW4c` has channels in blocks of 4."""

    name: str
    layout: str
    sizes: dict[str, int]
    type: str
    role: str = "local"  # or "activation", "weight", "output"

    @property
    def dimensions(self) -> list[tuple[str, int]]:
        """The letters of the layout with the size of the block if they are the inner part of one."""
        return [(letter, int(block or 0)) for block, letter in re.findall(r"(\d*)([A-Za-z])", self.layout)]

    @property
    def shape(self) -> list[int]:
        blocks = {letter.upper(): block for letter, block in self.dimensions if block}
        return [block or self.sizes[letter] // blocks.get(letter, 1) for letter, block in self.dimensions]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * SIZES[self.type]

    def at(self, place: dict[str, Expr]) -> Expr:
        """The element at a place, which may have more dimensions than the tensor."""
        blocks = {letter.upper(): block for letter, block in self.dimensions if block}
        index = tuple(place[letter.upper()] % block if block else
                      place[letter] // blocks.get(letter, 1) for letter, block in self.dimensions)
        return self[index]

    def __getitem__(self, index) -> Expr:
        return Expr("load", (self, tuple(number(each) for each in index)))

    def place(self, index: list[Expr]) -> dict[str, Expr]:
        """Where the element with this index is, by the letters of the dimensions."""
        blocks = {letter.upper(): block for letter, block in self.dimensions if block}
        place = {letter: value * blocks.get(letter, 1)
                 for (letter, block), value in zip(self.dimensions, index) if not block}
        for (letter, block), value in zip(self.dimensions, index):
            if block:
                place[letter.upper()] = place[letter.upper()] + value
        return place


@dataclasses.dataclass
class Stage:
    """`out[axes] = value`, or for a reduction `out[axes] = combine(out[axes], value)` over `reduced`."""

    out: Tensor
    axes: list[tuple[str, int]]
    value: Expr
    reduced: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    combine: str = ""  # "+" or "max"

    @property
    def index(self) -> tuple[Expr, ...]:
        return tuple(variable(name) for name, _ in self.axes)


def stage(out: Tensor, value: Callable[..., Expr], reduced: dict[str, int] | None = None,
          combine: str = "") -> Stage:
    """The stage of all elements of `out`; `value` is called with their place and the reduced axes."""
    axes = [(f"i{position}", extent) for position, extent in enumerate(out.shape)]
    place = out.place([variable(name) for name, _ in axes])
    reduced = reduced or {}
    return Stage(out, axes, value(place, *(variable(name) for name in reduced)),
                 list(reduced.items()), combine)


@dataclasses.dataclass
class Row:
    """What the list has to say of an operator. Dimensions are without those of extent 1, sorted."""

    operator: str
    dims: list[int]
    types: list[str]
    read: int
    written: int
    macs: int = 0
    detail: str | None = None  # None: not checked

    def __post_init__(self):
        self.dims = sorted(extent for extent in self.dims if extent != 1)


@dataclasses.dataclass
class Layer:
    """What TVM makes a function of."""

    name: str
    stages: list[Stage]
    row: Row | None  # None: costs nothing
    is_main: bool = True

    @property
    def out(self) -> Tensor:
        return self.stages[-1].out

    def inputs(self) -> list[Tensor]:
        return inputs_of(self.stages)


def inputs_of(stages: list[Stage]) -> list[Tensor]:
    made = [each.out for each in stages]
    read: list[Tensor] = []
    for each in stages:
        for part in each.value.walk():
            if part.kind == "load" and part.parts[0] not in made + read:
                read.append(part.parts[0])
    return read


@dataclasses.dataclass
class Case:
    name: str
    layers: list[Layer]
    fused_epilogue: Row | None  # the row of all layers behind the first, if they are one function

    @property
    def points(self) -> int:
        return sum(math.prod(extent for _, extent in each.axes + each.reduced)
                   for layer in self.layers for each in layer.stages)


def lowest(element_type: str) -> Expr:
    return number({"float32": -3.4e38, "float16": -65504.0, "int8": -128, "int32": -2**31}[element_type],
                  element_type)


class Draw:
    """Draws the sizes and layouts of one case."""

    def __init__(self, generator: random.Random):
        self.random = generator

    def extent(self, most: int = 16) -> int:
        return self.random.choice([each for each in (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 16, 17, 24, 31, 32)
                                   if each <= most])

    def type(self, *types: str) -> str:
        return self.random.choice(types or ("float32", "float16", "int8"))

    def blocked(self, layout: str, letter: str, extent: int) -> str:
        """The layout, or the same with the dimension in blocks."""
        blocks = [block for block in (2, 4, 8) if extent % block == 0 and extent > block]
        if not blocks or self.random.random() < 0.7:
            return layout
        return f"{layout}{self.random.choice(blocks)}{letter.lower()}"

    def flag(self, share: float = 0.5) -> bool:
        return self.random.random() < share


# Windows: convolutions and poolings.

SPATIAL = {1: "W", 2: "HW", 3: "DHW"}


@dataclasses.dataclass
class Window:
    """What a window along one dimension reads."""

    extent: int
    taps: int
    stride: int
    dilation: int
    before: int
    after: int

    @property
    def positions(self) -> int:
        return (self.extent + self.before + self.after - self.dilation * (self.taps - 1) - 1) // self.stride + 1

    @property
    def touched(self) -> int:
        """How many elements of the dimension are read, which is not those in strides between."""
        places = {position * self.stride + tap * self.dilation - self.before
                  for position in range(self.positions) for tap in range(self.taps)}
        return sum(0 <= place < self.extent for place in places)


def draw_window(draw: Draw, is_pool: bool = False) -> Window:
    taps = draw.random.choice([2, 3] if is_pool else [1, 2, 3, 3, 5])
    stride = draw.random.choice([1, 1, 2, 3])
    dilation = 1 if is_pool else draw.random.choice([1, 1, 1, 2])
    before, after = draw.random.choice([(0, 0), (0, 0), (1, 1), (taps // 2, taps // 2), (0, 1)])
    if is_pool:
        before, after = min(before, taps // 2), min(after, taps // 2)
    least = dilation * (taps - 1) + 1 - before - after
    return Window(max(draw.extent(13), least, 1), taps, stride, dilation, before, after)


def padded(data: Tensor, windows: dict[str, Window], value: Expr) -> Stage:
    sizes = dict(data.sizes)
    for letter, window in windows.items():
        sizes[letter] += window.before + window.after
    out = Tensor("pad_temp", data.layout, sizes, data.type)

    def element(place):
        inside, moved = None, dict(place)
        for letter, window in windows.items():
            moved[letter] = place[letter] - window.before
            for condition in ([number(window.before) <= place[letter]] if window.before else []) + (
                    [place[letter] < window.before + window.extent] if window.after else []):
                inside = condition if inside is None else inside & condition
        return data.at(moved) if inside is None else choice(inside, data.at(moved), value)

    return stage(out, element)


def slide(place: dict[str, Expr], windows: dict[str, Window], taps: dict[str, Expr]) -> dict[str, Expr]:
    return {letter: place[letter] * window.stride + taps[letter] * window.dilation
            for letter, window in windows.items()}


def product(left: Expr, right: Expr, operands: str, result: str) -> Expr:
    return left * right if operands == result else cast(result, left) * cast(result, right)


def convolution(draw: Draw) -> Case:
    rank = draw.random.choice([1, 2, 2, 2, 3])
    spatial = SPATIAL[rank]
    windows = {letter: draw_window(draw) for letter in spatial}
    is_depthwise, groups = draw.flag(0.2), 1
    if is_depthwise:
        groups, per_group, outputs = draw.random.choice([2, 3, 4, 7, 8, 16]), 1, draw.random.choice([1, 1, 2])
    else:
        if draw.flag(0.25):
            groups = draw.random.choice([2, 3, 4])
        # A group of one channel would be a depthwise convolution.
        per_group, outputs = max(draw.extent(12), 2 if groups > 1 else 1), draw.extent(12)
    batch, element_type = draw.random.choice([1, 1, 2, 3]), draw.type()
    result = "int32" if element_type == "int8" else element_type
    channels, features = groups * per_group, groups * outputs
    order = draw.random.choice([f"NC{spatial}", f"N{spatial}C"])
    # With groups, only the result's channels are in blocks, each within a group: axes that several
    # tensors cut in other places are not put together again.
    data = Tensor("x", draw.blocked(order, "C", channels) if order[1] == "C" and groups == 1 else order,
                  {"N": batch, "C": channels, **{l: w.extent for l, w in windows.items()}}, element_type,
                  "activation")
    # O and I are the output channels and the input channels of a group.
    weight_layout = draw.random.choice([f"OI{spatial}", f"{spatial}IO", f"O{spatial}I"])
    if weight_layout[:2] == "OI" and groups == 1:
        weight_layout = draw.blocked(weight_layout, "O", features)
    weight = Tensor("w", weight_layout,
                    {"O": features, "I": per_group, **{l: w.taps for l, w in windows.items()}},
                    element_type, "weight")
    out_layout = order if order[1] != "C" else draw.blocked(order, "C", outputs)
    out = Tensor("conv", out_layout,
                 {"N": batch, "C": features, **{l: w.positions for l, w in windows.items()}}, result)
    pad = padded(data, windows, number(0, element_type))
    taps = {f"r{letter.lower()}": window.taps for letter, window in windows.items()}

    def element(place, channel, *at):
        tap = dict(zip(spatial, at))
        inputs = place["C"] // outputs * per_group + channel if groups > 1 else channel
        return product(pad.out.at({"N": place["N"], "C": inputs, **slide(place, windows, tap)}),
                       weight.at({"O": place["C"], "I": channel, **tap}), element_type, result)

    sizes = [batch, groups, outputs, per_group, *(w.positions for w in windows.values()), *taps.values()]
    touched = batch * channels * math.prod(w.touched for w in windows.values())
    row = Row("depthwise_conv" if is_depthwise else f"conv{rank}d", sizes, [element_type, element_type, result],
              touched * SIZES[element_type] + weight.bytes, out.bytes, math.prod(sizes))
    main = Layer("conv", [pad, stage(out, element, {"rc": per_group, **taps}, "+")], row)
    return with_epilogue(draw, "conv", main, "C")


def transposed_convolution(draw: Draw) -> Case:
    rank = draw.random.choice([1, 2])
    spatial, element_type = SPATIAL[rank], draw.type("float32", "float16")
    strides = {letter: draw.random.choice([2, 2, 3]) for letter in spatial}
    taps = {letter: draw.random.choice([2, 3, 4]) for letter in spatial}
    padding = {letter: draw.random.randrange(taps[letter]) for letter in spatial}
    extents = {letter: draw.random.choice([3, 4, 5, 7]) for letter in spatial}
    batch, channels, features = 1, draw.random.choice([2, 3, 8]), draw.random.choice([2, 5, 6])
    data = Tensor("x", f"NC{spatial}", {"N": batch, "C": channels, **extents}, element_type, "activation")
    weight = Tensor("w", f"IO{spatial}", {"I": channels, "O": features, **taps}, element_type, "weight")
    spread = Tensor("data_dilate", data.layout, {"N": batch, "C": channels, **{
        l: (extents[l] - 1) * strides[l] + 1 for l in spatial}}, element_type)
    zero = number(0, element_type)

    def spread_element(place):
        condition = None
        for letter in spatial:
            each = operation("==", place[letter] % strides[letter], 0)
            condition = each if condition is None else condition & each
        return choice(condition, data.at({**place, **{l: place[l] // strides[l] for l in spatial}}), zero)

    windows = {l: Window(spread.sizes[l], taps[l], 1, 1, taps[l] - 1 - padding[l], taps[l] - 1 - padding[l])
               for l in spatial}
    if any(window.positions < 1 for window in windows.values()):
        return transposed_convolution(draw)
    pad = padded(spread, windows, zero)
    flipped = Tensor("kernel_transform", f"OI{spatial}", weight.sizes, element_type)
    turn = stage(flipped, lambda place: weight.at(
        {**place, **{l: number(taps[l] - 1) - place[l] for l in spatial}}))
    out = Tensor("compute", data.layout, {"N": batch, "C": features, **{
        l: w.positions for l, w in windows.items()}}, element_type)

    def element(place, channel, *at):
        tap = dict(zip(spatial, at))
        return pad.out.at({"N": place["N"], "C": channel, **slide(place, windows, tap)}) * flipped.at(
            {"O": place["C"], "I": channel, **tap})

    def touched(letter):
        places = {y + r - windows[letter].before for y in range(windows[letter].positions)
                  for r in range(taps[letter])}
        return sum(0 <= each < spread.sizes[letter] and each % strides[letter] == 0 for each in places)

    reduced = {"rc": channels, **{f"r{l.lower()}": taps[l] for l in spatial}}
    sizes = [batch, features, *reduced.values(), *(w.positions for w in windows.values())]
    read = batch * channels * math.prod(touched(l) for l in spatial) * SIZES[element_type] + weight.bytes
    row = Row(f"transposed_conv{rank}d", sizes, [element_type] * 3, read, out.bytes, math.prod(sizes))
    stages = [stage(spread, spread_element), pad, turn, stage(out, element, reduced, "+")]
    return with_epilogue(draw, "transposed_conv", Layer("conv_transpose", stages, row), "C")


def pooling(draw: Draw) -> Case:
    rank = draw.random.choice([1, 2, 2, 3])
    spatial, element_type = SPATIAL[rank], draw.type("float32", "float16")
    is_max = draw.flag()
    windows = {letter: draw_window(draw, is_pool=True) for letter in spatial}
    batch, channels = draw.random.choice([1, 2]), draw.random.choice([2, 3, 7, 8, 12])
    if is_global := draw.flag(0.3):
        windows = {l: Window(w.extent, w.extent, 1, 1, 0, 0) for l, w in windows.items()}
    order = draw.random.choice([f"NC{spatial}", f"N{spatial}C"])
    layout = draw.blocked(order, "C", channels) if order[1] == "C" else order
    data = Tensor("x", layout, {"N": batch, "C": channels, **{l: w.extent for l, w in windows.items()}},
                  element_type, "activation")
    pad = padded(data, windows, lowest(element_type) if is_max else number(0, element_type))
    sizes = {"N": batch, "C": channels, **{l: w.positions for l, w in windows.items()}}
    out = Tensor("pool", layout, sizes, element_type)
    reduced = {f"rv{position}": window.taps for position, window in enumerate(windows.values())}
    reduction = stage(out, lambda place, *at: pad.out.at({**place, **slide(place, windows, dict(zip(spatial, at)))}),
                      reduced, "max" if is_max else "+")
    stages = ([pad] if any(w.before or w.after for w in windows.values()) else []) + [reduction]
    if len(stages) == 1:
        reduction.value = reduction.value.map(
            lambda each: data[each.parts[1]] if each.kind == "load" else None)
    if not is_max:
        average = Tensor("pool_avg", layout, sizes, element_type)
        stages.append(stage(average, lambda place: out.at(place) / number(
            float(math.prod(reduced.values())), element_type)))
    name = {False: "average_pool", True: "max_pool"}[is_max]
    touched = batch * channels * math.prod(w.touched for w in windows.values())
    is_all = all(w.positions == 1 and w.taps == w.extent for w in windows.values())
    row = Row("global_" + name if is_all and (is_global or len(stages) > 0) else name,
              [*sizes.values(), *reduced.values()], [element_type] * 2, touched * SIZES[element_type], out.bytes)
    return with_epilogue(draw, "pool", Layer("pool", stages, row), "C")


# Products of matrices.

def matrix_product(draw: Draw) -> Case:
    element_type = draw.type()
    result = "int32" if element_type == "int8" else element_type
    rows, columns, depth = draw.extent(32), draw.extent(32), draw.random.choice([2, 3, 5, 8, 16, 17, 31, 64])
    batches = [draw.random.choice([2, 3, 5]) for _ in range(draw.random.choice([0, 0, 1, 1, 2]))]
    letters = "AB"[:len(batches)]
    # Each factor has its batch dimensions, or 1 of them, or none.
    left_batches, right_batches = dict(zip(letters, batches)), dict(zip(letters, batches))
    if batches and draw.flag():
        reduced_side = draw.random.choice([left_batches, right_batches])
        for letter in draw.random.sample(letters, draw.random.randint(1, len(letters))):
            reduced_side[letter] = 1
    is_transposed = draw.flag()
    left = Tensor("a", letters + "MK", {**left_batches, "M": rows, "K": depth}, element_type, "activation")
    right_letters = "" if batches and all(each == 1 for each in right_batches.values()) and draw.flag() else letters
    right = Tensor("b", right_letters + ("NK" if is_transposed else "KN"),
                   {**right_batches, "N": columns, "K": depth}, element_type,
                   draw.random.choice(["weight", "activation"]))
    out = Tensor("matmul", letters + "MN", {**dict(zip(letters, batches)), "M": rows, "N": columns}, result)

    def element(place, k):
        at = {**place, "K": k}
        return product(left.at({l: number(0) if left.sizes[l] == 1 else at[l] for l in left.sizes}),
                       right.at({l: number(0) if right.sizes[l] == 1 else at[l] for l in right.sizes}),
                       element_type, result)

    both = [each for letter, each in zip(letters, batches)
            if left_batches[letter] == right_batches[letter] == each]
    of_left = [each for letter, each in zip(letters, batches) if right_batches[letter] == 1]
    of_right = [each for letter, each in zip(letters, batches) if left_batches[letter] == 1 != right_batches[letter]]
    dims = [math.prod(both), rows * math.prod(of_left), columns * math.prod(of_right), depth]
    name = "batch_matmul" if both else "dense" if right.role == "weight" else "matmul"
    row = Row(name, dims, [element_type, element_type, result], left.bytes + right.bytes, out.bytes, math.prod(dims))
    main = Layer("matmul", [stage(out, element, {"k": depth}, "+")], row)
    return with_epilogue(draw, name, main, "N")


# Reductions and norms.

def reduction(draw: Draw) -> Case:
    element_type = draw.type("float32", "float16")
    letters = "ABCD"[:draw.random.choice([2, 3, 4])]
    sizes = {letter: draw.random.choice([2, 3, 5, 8, 13]) for letter in letters}
    reduced = sorted(draw.random.sample(letters, draw.random.randint(1, len(letters) - 1)))
    kept = [letter for letter in letters if letter not in reduced]
    data = Tensor("x", letters, sizes, element_type, "activation")
    kind = draw.random.choice(["sum", "max", "mean"])
    out = Tensor("red", "".join(kept), {letter: sizes[letter] for letter in kept}, element_type)
    extents = {f"k{letter.lower()}": sizes[letter] for letter in reduced}
    stages = [stage(out, lambda place, *at: data.at({**place, **dict(zip(reduced, at))}), extents,
                    "max" if kind == "max" else "+")]
    if kind == "mean":
        mean = dataclasses.replace(out, name="mean")
        stages.append(stage(mean, lambda place: out.at(place) / number(
            float(math.prod(extents.values())), element_type)))
    row = Row("reduction", [math.prod(out.shape), math.prod(extents.values())], [element_type] * 2,
              data.bytes, out.bytes, detail=kind)
    return with_epilogue(draw, "reduction", Layer("reduce", stages, row), "")


def softmax(draw: Draw) -> Case:
    element_type = draw.type("float32", "float16")
    letters = "ABC"[:draw.random.choice([1, 2, 3])]
    sizes = {letter: draw.random.choice([2, 3, 5, 8, 13]) for letter in letters}
    over = draw.random.choice(letters)
    kept = "".join(letter for letter in letters if letter != over)
    data = Tensor("x", letters, sizes, element_type, "activation")
    rows = {letter: sizes[letter] for letter in kept}
    largest, sums = (Tensor(name, kept, rows, element_type) for name in ("maxelem", "expsum"))
    powers, out = (Tensor(name, letters, sizes, element_type) for name in ("exp", "softmax"))
    stages = [stage(largest, lambda place, k: data.at({**place, over: k}), {"k": sizes[over]}, "max"),
              stage(powers, lambda place: function("T.exp", data.at(place) - largest.at(place))),
              stage(sums, lambda place, k: powers.at({**place, over: k}), {"k": sizes[over]}, "+"),
              stage(out, lambda place: powers.at(place) / sums.at(place))]
    row = Row("softmax", [math.prod(rows.values()), sizes[over]], [element_type] * 2, data.bytes, out.bytes)
    return with_epilogue(draw, "softmax", Layer("softmax", stages, row), "")


def norm(draw: Draw) -> Case:
    element_type, is_rms = draw.type("float32", "float16"), draw.flag()
    letters = "ABC"[:draw.random.choice([2, 3])]
    sizes = {letter: draw.random.choice([2, 3, 5, 8, 13]) for letter in letters}
    over, kept = letters[-1], letters[:-1]
    data = Tensor("x", letters, sizes, element_type, "activation")
    scale = Tensor("gamma", over, {over: sizes[over]}, element_type, "weight")
    shift = Tensor("beta", over, {over: sizes[over]}, element_type, "weight")
    rows = {letter: sizes[letter] for letter in kept}
    sums, mean, squares = (Tensor(name, kept, rows, element_type) for name in ("sum", "mean", "squares"))
    out = Tensor("norm", letters, sizes, element_type)
    count, epsilon = number(float(sizes[over]), element_type), number(1e-5, element_type)

    def centred(place):
        return data.at(place) if is_rms else data.at(place) - mean.at(place)

    def normed(place):
        value = centred(place) * function("T.rsqrt", squares.at(place) / count + epsilon) * scale.at(place)
        return value if is_rms else value + shift.at(place)

    stages = [] if is_rms else [
        stage(sums, lambda place, k: data.at({**place, over: k}), {"k": sizes[over]}, "+"),
        stage(mean, lambda place: sums.at(place) / count)]
    stages += [stage(squares, lambda place, k: centred({**place, over: k}) * centred({**place, over: k}),
                     {"k": sizes[over]}, "+"), stage(out, normed)]
    name = "rms_norm" if is_rms else "layer_norm"
    row = Row(name, [math.prod(rows.values()), sizes[over]], [element_type] * (3 if is_rms else 4),
              data.bytes + scale.bytes * (1 if is_rms else 2), out.bytes)
    return with_epilogue(draw, name, Layer("norm", stages, row), "")


# What follows an operator.

def element_wise(name: str, detail: str, out: Tensor, others: list[Tensor], read: Tensor,
                 value: Callable[[dict], Expr]) -> Layer:
    types = [read.type, *(each.type for each in others), out.type]
    row = Row("elementwise", out.shape, types, read.bytes + sum(each.bytes for each in others), out.bytes,
              detail=detail)
    return Layer(name, [stage(out, value)], row, is_main=False)


def with_epilogue(draw: Draw, name: str, main: Layer, channel: str) -> Case:
    """The operator and what follows it, in its layout; `channel` is the dimension of biases, or none."""
    layers, result = [main], main.out.type
    steps = ["relu", "residual"]
    if channel:
        steps.append("bias")
    chosen = [step for step in ("bias", "residual", "relu") if step in steps and draw.flag(0.35)]
    if result == "int32" and draw.flag():
        chosen.append("requantize")

    def follow(layer_name, detail, others, value, element_type=result):
        read = layers[-1].out
        out = dataclasses.replace(read, name=f"T_{layer_name}", type=element_type)
        layers.append(element_wise(layer_name, detail, out, others, read,
                                   lambda place: value(read.at(place), place)))

    for step in chosen:
        if step == "bias":
            bias = Tensor("bias", channel, {channel: main.out.sizes[channel]}, result, "weight")
            follow("bias_add", "add", [bias], lambda value, place: value + bias.at(place))
        elif step == "residual":
            other = dataclasses.replace(main.out, name="residual", role="activation")
            follow("add", "add", [other], lambda value, place: value + other.at(place))
        elif step == "relu":
            follow("relu", "relu", [],
                   lambda value, place: function("T.max", value, number(0, result)))
        else:
            def requantize(value, place):
                scaled = function("T.shift_right", value * number(77, "int32") + number(8192, "int32"),
                                  number(14, "int32"))
                return cast("int8", function("T.max", function("T.min", scaled, number(127, "int32")),
                                             number(-128, "int32")))
            follow("requantize", "requantize", [], requantize, "int8")
    rows = [layer.row for layer in layers[1:]]
    fused = None
    if rows:
        others = [each for layer in layers[1:] for each in layer.inputs() if each.role != "local"]
        fused = Row("elementwise", layers[-1].out.shape,
                    [main.out.type, *(each.type for each in others), layers[-1].out.type],
                    main.out.bytes + sum(each.bytes for each in others), layers[-1].out.bytes,
                    detail=", ".join(row.detail for row in rows))
    return Case(name, layers, fused)


# Element-wise functions and movements on their own.

def chain(draw: Draw) -> Case:
    element_type = draw.type("float32", "float16")
    letters = "ABCD"[:draw.random.choice([1, 2, 3, 4])]
    sizes = {letter: draw.extent(13) for letter in letters}
    if math.prod(sizes.values()) == 1:
        return chain(draw)
    data = Tensor("x", letters, sizes, element_type, "activation")
    # A tensor with some of the dimensions, others of extent 1.
    other_sizes = {letter: draw.random.choice([1, sizes[letter]]) for letter in letters}
    other = Tensor("y", letters, other_sizes, element_type, "activation")
    detail, value = draw.random.choice([
        ("add", lambda a, b: a + b), ("multiply", lambda a, b: a * b), ("subtract", lambda a, b: a - b)])
    out = Tensor("out", letters, sizes, element_type)

    def element(place):
        at = {l: number(0) if other_sizes[l] == 1 else place[l] for l in letters}
        return value(data.at(place), other.at(at))

    first = element_wise("chain", detail, out, [other], data, element)
    first.is_main = True
    case = with_epilogue(draw, "chain", first, "")
    if case.fused_epilogue:  # one row with the first function
        epilogue = case.fused_epilogue
        case.fused_epilogue = Row("elementwise", out.shape, first.row.types[:2] + epilogue.types[1:],
                                  epilogue.read - out.bytes + data.bytes + other.bytes, out.bytes,
                                  detail=f"{detail}, {epilogue.detail}")
    return case


def movement(draw: Draw) -> Case:
    element_type = draw.type("float32", "float16", "int8")
    letters = "ABC"[:draw.random.choice([2, 3])]
    sizes = {letter: draw.random.choice([2, 3, 4, 6, 7]) for letter in letters}
    data = Tensor("x", letters, sizes, element_type, "activation")
    kind = draw.random.choice(["transpose", "reshape", "concat", "slice", "pad", "gather"])
    types, read, moved = [element_type] * 2, data.bytes, draw.random.choice(letters)
    stages: list[Stage] = []
    if kind == "transpose":
        order = draw.random.sample(letters, len(letters))
        out = Tensor("out", "".join(order), sizes, element_type)
        value = data.at
        if order == sorted(order):
            return movement(draw)
    elif kind == "reshape":
        out = Tensor("out", "F", {"F": math.prod(sizes.values())}, element_type)

        def value(place):
            index, left = [], math.prod(sizes.values())
            for letter in letters:
                left //= sizes[letter]
                index.append(place["F"] // left % sizes[letter])
            return data[index]
    elif kind == "concat":
        other = Tensor("y", letters, {**sizes, moved: draw.random.choice([1, 2, 5])}, element_type, "activation")
        out = Tensor("out", letters, {**sizes, moved: sizes[moved] + other.sizes[moved]}, element_type)
        types, read = [element_type] * 3, data.bytes + other.bytes

        def value(place):
            return choice(number(sizes[moved]) <= place[moved],
                          other.at({**place, moved: place[moved] - sizes[moved]}), data.at(place))
    elif kind == "slice":
        extent = draw.random.randint(1, sizes[moved] - 1)
        start = draw.random.randint(0, sizes[moved] - extent)
        out = Tensor("out", letters, {**sizes, moved: extent}, element_type)
        read = out.bytes

        def value(place):
            return data.at({**place, moved: place[moved] + start})
    elif kind == "pad":
        window = Window(sizes[moved], 1, 1, 1, draw.random.choice([0, 1, 2]), draw.random.choice([1, 3]))
        stages = [padded(data, {moved: window}, number(0, element_type))]
        out = stages[0].out
    else:
        count = draw.random.choice([1, 3, 9])
        indices = Tensor("indices", "G", {"G": count}, "int32", "activation")
        out = Tensor("out", letters, {**sizes, letters[0]: count}, element_type)
        types = ["int32", element_type, element_type]
        read = indices.bytes + min(out.bytes, data.bytes)

        def value(place):
            return data.at({**place, letters[0]: indices[(place[letters[0]],)]})
    if not stages:
        stages = [stage(out, value)]
    row = Row("data_movement", out.shape, types, read, out.bytes, detail=kind)
    return Case(kind, [Layer("move", stages, None if kind == "reshape" else row)], None)


FAMILIES = [convolution] * 5 + [matrix_product] * 3 + [
    transposed_convolution, pooling, pooling, reduction, softmax, norm, chain, movement]


def draw_case(seed: int) -> Case:
    generator = random.Random(seed)
    case = generator.choice(FAMILIES)(Draw(generator))
    case.layers[-1].out.role = "output"
    return case
