"""Executes the stages of tests/random_operators.py point by point, and counts what they do: a check of
the formulas there that shares nothing with them."""

from __future__ import annotations

import itertools
import math

from random_operators import SIZES, Expr, Layer, Stage, Tensor


class Interpreter:
    def __init__(self, layer: Layer):
        self.layer = layer
        self.makers = {id(each.out): each for each in layer.stages}
        self.read: set[tuple[int, tuple[int, ...]]] = set()
        self.sizes: dict[int, int] = {}
        self.products = 0

    def run(self) -> None:
        for each in self.layer.stages:
            if not self.only_moves(each) or each is self.layer.stages[-1]:
                self.run_stage(each)

    @property
    def bytes_read(self) -> int:
        return sum(self.sizes[tensor] for tensor, _ in self.read)

    @staticmethod
    def only_moves(stage: Stage) -> bool:
        return not stage.reduced and stage.value.kind in ("load", "choice")

    def run_stage(self, stage: Stage) -> None:
        axes = stage.axes + stage.reduced
        for point in itertools.product(*(range(extent) for _, extent in axes)):
            self.value(stage.value, dict(zip((name for name, _ in axes), point)), is_sum=bool(stage.reduced))

    def value(self, each: Expr, point: dict[str, int], is_sum: bool) -> None:
        """Reads what a value needs. Of a condition, that is one side alone."""
        if each.kind == "load":
            self.load(each.parts[0], tuple(self.index(part, point) for part in each.parts[1]))
        elif each.kind == "choice":
            condition, yes, no = each.parts
            self.value(yes if self.index(condition, point) else no, point, is_sum)
        elif each.kind == "operation":
            self.products += is_sum and each.parts[0] == "*"
            for part in each.parts[1:]:
                self.value(part, point, is_sum)
        elif each.kind in ("function", "cast"):
            for part in each.parts[1] if each.kind == "function" else each.parts[1:]:
                self.value(part, point, is_sum)

    def load(self, tensor: Tensor, index: tuple[int, ...]) -> None:
        if not all(0 <= place < extent for place, extent in zip(index, tensor.shape)):
            raise IndexError(f"{tensor.name}{list(index)} of {tensor.shape}")
        maker = self.makers.get(id(tensor))
        if maker is None:
            self.sizes[id(tensor)] = SIZES[tensor.type]
            self.read.add((id(tensor), index))
        elif self.only_moves(maker):  # padding belongs to who reads it
            self.value(maker.value, dict(zip((name for name, _ in maker.axes), index)), is_sum=False)

    def index(self, each: Expr, point: dict[str, int]) -> int:
        if each.kind == "variable":
            return point[each.parts[0]]
        if each.kind == "number":
            return each.parts[0]
        operator, left, right = each.parts
        a, b = self.index(left, point), self.index(right, point)
        return {"+": a + b, "-": a - b, "*": a * b, "//": a // b if b else 0, "%": a % b if b else 0,
                "<": a < b, "<=": a <= b, "==": a == b, "and": a and b}[operator]


def contradiction(layer: Layer) -> str:
    """What the formulas of a layer say that executing it does not; empty if nothing."""
    row = layer.row
    is_gather = any(part.kind == "load" for each in layer.stages for load in each.value.walk()
                    if load.kind == "load" for index in load.parts[1] for part in index.walk())
    if row is None or is_gather:
        return ""
    interpreter = Interpreter(layer)
    interpreter.run()
    written = math.prod(layer.out.shape) * SIZES[layer.out.type]
    found = (interpreter.bytes_read, written, interpreter.products if row.macs else 0)
    wanted = (row.read, row.written, row.macs)
    return "" if found == wanted else f"{layer.name}: bytes and products are {found}, not {wanted}"
