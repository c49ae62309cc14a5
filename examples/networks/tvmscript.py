"""TVMScript as TVM prints it: tensors, indices, and functions made of loop nests (T.prim_func)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Container, Sequence

Extent = int | str
"""A number, or the name of a symbolic size."""
Shape = tuple[Extent, ...]

ZERO = {"float32": "T.float32(0.0)", "int8": "T.int8(0)", "int32": "0"}
LOWEST = {"float32": "T.float32(-340282346638528859811704183484516925440.0)", "int8": "T.int8(-128)"}
"""Constants of an element type. TVM prints those of type int32 bare."""


def integer(value: Extent) -> str:
    """An extent or an offset; symbolic sizes are typed where they are declared."""
    return f"T.int64({value})" if isinstance(value, int) else value


def tuple_of(entries: Sequence[str]) -> str:
    return f"({entries[0]},)" if len(entries) == 1 else f"({', '.join(entries)})"


def elements(shape: Sequence[Extent]) -> int:
    """How many elements a tensor of constant shape has."""
    numbers = [extent for extent in shape if isinstance(extent, int)]
    if len(numbers) != len(shape):
        raise ValueError(f"the shape {tuple(shape)} is not constant")
    return math.prod(numbers)


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor of the network, or the buffer of a function that holds it."""

    name: str
    shape: Shape
    element_type: str = "float32"

    def at(self, *indices: str) -> str:
        """The text of an access."""
        if len(indices) != len(self.shape):
            raise ValueError(f"{self.name} has {len(self.shape)} dimensions, not {len(indices)}")
        return f"{self.name}[{', '.join(indices)}]"

    def buffer(self) -> str:
        """As a parameter of a T.prim_func."""
        return f'{self.name}: T.Buffer({self._shape_text()}, "{self.element_type}")'

    def allocation(self) -> str:
        """As a local buffer of a T.prim_func; TVM does not print the type float32."""
        kind = "" if self.element_type == "float32" else f', "{self.element_type}"'
        return f"{self.name} = T.sblock_alloc_buffer({self._shape_text()}{kind})"

    def relax_type(self) -> str:
        """As a type of Relax, where integers are bare."""
        extents = tuple_of([str(extent) for extent in self.shape])
        return f'R.Tensor({extents}, dtype="{self.element_type}")'

    def _shape_text(self) -> str:
        return tuple_of([integer(extent) for extent in self.shape])


def variables(loops: Sequence[str]) -> list[str]:
    """The block variables of loops, as TVM names them."""
    return [f"v_{loop}" for loop in loops]


def numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


class Function:
    """A T.prim_func that is being put together, stage by stage.

    It is made of one operator or, fused, of a chain of them: each reads what an earlier one has written,
    and only the last one's result leaves the function.
    """

    def __init__(self, inputs: Sequence[Tensor], fused: bool = False):
        self.parameters = list(inputs)
        self._fused = fused
        self._locals: list[Tensor] = []
        self._stages: dict[str, str] = {}

    def local(self, name: str, shape: Shape, element_type: str) -> Tensor:
        """A buffer that lives as long as a call."""
        taken = {tensor.name for tensor in [*self.parameters, *self._locals]}
        tensor = Tensor(_unused(name, taken, "_"), shape, element_type)
        self._locals.append(tensor)
        return tensor

    def result(self, name: str, shape: Shape, element_type: str) -> Tensor:
        """What the operator computes; `finish` decides whether it leaves the function."""
        return self.local(f"{name}_intermediate" if self._fused else name, shape, element_type)

    def stage(self, block: str, target: Tensor, spatial: Sequence[tuple[str, Extent]], value: str,
              reads: Sequence[str], reduction: Sequence[tuple[str, Extent]] = (),
              at: Sequence[str] | None = None, initial: str | None = None,
              attributes: str | None = None) -> None:
        """Appends a loop nest that computes `target` at the spatial variables (or `at` them).

        `value` is the right-hand side; a reduction starts from `initial`. `reads` are the accesses in it.
        """
        loops = [*spatial, *reduction]
        if len(loops) < 2:
            raise ValueError("TVM prints a single loop in another form")
        names = [name for name, _ in loops]
        kinds = "S" * len(spatial) + "R" * len(reduction)
        written = target.at(*(at or variables([name for name, _ in spatial])))
        name = _unused(block, self._stages, "")
        lines = [f"        for {', '.join(names)} in T.grid("
                 f"{', '.join(integer(extent) for _, extent in loops)}):",
                 f'            with T.sblock("{name}"):',
                 f'                {", ".join(variables(names))} = T.axis.remap("{kinds}", '
                 f'[{", ".join(names)}])',
                 f"                T.reads({', '.join(reads)})",
                 f"                T.writes({written})"]
        if attributes is not None:
            lines.append(f"                T.sblock_attr({attributes})")
        if initial is not None:
            lines += ["                with T.init():", f"                    {written} = {initial}"]
        lines.append(f"                {written} = {value}")
        self._stages[name] = "\n".join(lines) + "\n"

    def finish(self, result: Tensor) -> None:
        """Says what leaves the function: TVM's functions write into their last parameter."""
        self._locals.remove(result)
        self.parameters.append(result)

    def text(self, name: str) -> str:
        parameters = ", ".join(tensor.buffer() for tensor in self.parameters)
        allocations = "".join(f"        {tensor.allocation()}\n" for tensor in self._locals)
        return ("    @T.prim_func(private=True, s_tir=True)\n"
                f"    def {name}({parameters}):\n"
                '        T.func_attr({"tirx.noalias": True})\n'
                '        # with T.sblock("root"):\n'
                f"{allocations}{''.join(self._stages.values())}")


def _unused(name: str, taken: Container[str], separator: str) -> str:
    """`name`, or with the first number behind it that makes it differ from those taken."""
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}{separator}{number}"
    return candidate


Operator = Callable[[Function, Sequence[Tensor]], Tensor]
"""Appends its stages to a function, for the arguments given, and returns what it computes."""
