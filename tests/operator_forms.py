"""Prints operators as TVM text in many forms that mean the same: as legalised or fused, scheduled,
without blocks, with memory in rows, in older dialects, with other names.
"""

from __future__ import annotations

import dataclasses
import math
import random
import re

from random_operators import (SIZES, Case, Expr, Layer, Stage, Tensor, inputs_of, lowest, number,
                              variable)


@dataclasses.dataclass
class Form:
    """How a text is printed. The defaults are TVM's legalised text."""

    seed: int = 0
    is_fused: bool = False  # one function of all layers
    has_graph: bool = True  # else the function stands alone
    has_roles: bool = True  # whether the text says which parameters are weights
    loops: str = "plain"  # or "scheduled"
    has_blocks: bool = True
    is_flat: bool = False  # memory in rows
    drops_units: bool = False  # has no loops for dimensions of one element
    caches: int = 0  # how many tensors are copied first, and results written through a copy
    attach: bool = False  # producers within the loops of their consumers
    is_compact: bool = False  # and with buffers of the size of the tile
    is_old: bool = False  # the dialect of TVM's first versions
    names: str = "tvm"  # or "random"
    int64: bool = True
    has_block_dialect: bool = False  # blocks are `Ts`, as TVM prints them now

    @property
    def loses_units(self) -> bool:
        """Whether nothing says that there are dimensions of one element: that a product of matrices
        is a convolution with one tap, say."""
        return self.is_flat or self.is_compact or self.drops_units and not self.has_blocks

    def describe(self) -> str:
        return ", ".join(f"{field.name}={getattr(self, field.name)}" for field in dataclasses.fields(self)
                         if getattr(self, field.name) != field.default)


def draw_form(seed: int) -> Form:
    generator = random.Random(seed)
    flag = lambda share=0.5: generator.random() < share
    form = Form(seed, is_fused=flag(), has_roles=flag(0.8), is_old=flag(0.25), int64=flag(),
                names=generator.choice(["tvm", "random"]))
    form.has_graph = not form.is_fused or flag(0.7)
    if flag(0.8):
        form.loops = "scheduled"
        form.has_blocks = flag(0.6)
        form.drops_units = flag(0.3)
        form.caches = generator.choice([0, 0, 1, 2])
        form.attach = flag(0.4)
        form.is_compact = form.attach and form.has_blocks and not form.caches and flag(0.3)
    else:
        form.has_blocks = flag(0.5)
    if not form.caches and not form.attach:
        form.is_flat = flag(0.15)
    form.has_block_dialect = not form.is_old and flag(0.4)
    return form


# Schedules.

@dataclasses.dataclass
class Loop:
    name: str
    extent: int
    is_reduced: bool = False
    kind: str = "serial"


@dataclasses.dataclass
class Nest:
    """A stage with its loops. Axes are what `bindings` make of the loops, where `conditions` hold."""

    stage: Stage
    loops: list[Loop]
    bindings: dict[str, Expr]
    conditions: list[Expr] = dataclasses.field(default_factory=list)
    is_decomposed: bool = False
    attached: list[Nest] = dataclasses.field(default_factory=list)
    depth: int = 0  # how many loops stand around what is attached
    outer: list[Loop] = dataclasses.field(default_factory=list)  # those of the nest that it is attached to


def value_of(expression: Expr, values: dict[str, int]) -> int:
    result = expression.replace({name: number(value) for name, value in values.items()})
    assert result.kind == "number", result
    return result.parts[0]


class Scheduler:
    """Makes nests of the stages of one function."""

    def __init__(self, form: Form, stages: list[Stage], generator: random.Random):
        self.form, self.random = form, generator
        self.stages = list(stages)
        self.compacted: dict[int, tuple[list[Expr], list[int]]] = {}
        self.count = 0

    def fresh(self, name: str) -> str:
        if self.form.names == "random":
            name = self.random.choice(["a", "k", "ax", "i_0", "fused", "n"])
        self.count += 1
        return f"{name}_{self.count}"

    def nests(self) -> list[Nest]:
        for _ in range(self.form.caches):
            self.add_cache()
        nests: list[Nest] = []
        for each in reversed(self.stages):
            nests.insert(0, self.attached(each, nests) or self.free_nest(each))
        return [nest for nest in nests if not nest.outer]

    def add_cache(self) -> None:
        """A copy of a tensor that a reduction reads, or of what a stage writes."""
        position = self.random.randrange(len(self.stages))
        stage = self.stages[position]
        if self.random.random() < 0.5:
            loads = [each.parts[0] for each in stage.value.walk() if each.kind == "load"]
            if not loads:
                return
            tensor = self.random.choice(loads)
            # An index that is data has no region to copy.
            copy = self.copy_of(tensor)
            self.stages[position] = dataclasses.replace(stage, value=redirected(stage.value, tensor, copy.out))
            self.stages.insert(position, copy)
        else:
            local = dataclasses.replace(stage.out, name=stage.out.name + "_local", role="local")
            copy = self.copy_of(local)
            copy.out = stage.out
            self.stages[position] = dataclasses.replace(stage, out=local)
            self.stages.insert(position + 1, copy)

    @staticmethod
    def copy_of(tensor: Tensor) -> Stage:
        axes = [(f"v{position}", extent) for position, extent in enumerate(tensor.shape)]
        return Stage(dataclasses.replace(tensor, name=tensor.name + "_cache", role="local"), axes,
                     tensor[[variable(name) for name, _ in axes]])

    def free_nest(self, stage: Stage) -> Nest:
        nest = Nest(stage, [], {})
        for name, extent in stage.axes + stage.reduced:
            is_reduced = (name, extent) in stage.reduced
            if extent == 1 and self.form.drops_units and self.random.random() < 0.6:
                nest.bindings[name] = number(0)
                continue
            loop = Loop(self.fresh(name), extent, is_reduced)
            nest.loops.append(loop)
            nest.bindings[name] = variable(loop.name)
        nest.is_decomposed = bool(stage.reduced) and (
            not self.form.has_blocks or self.form.loops == "scheduled" and self.random.random() < 0.3)
        if self.form.loops == "scheduled":
            self.schedule(nest)
        return nest

    def schedule(self, nest: Nest) -> None:
        for name, extent in nest.stage.axes + nest.stage.reduced:
            if self.random.random() < 0.4 and extent > 3:
                self.split(nest, name, extent)
        if len(nest.loops) > 1 and self.random.random() < 0.5:
            self.fuse(nest)
        if self.random.random() < 0.6:
            self.random.shuffle(nest.loops)
        if self.random.random() < 0.1:
            nest.loops.insert(self.random.randint(0, len(nest.loops)), Loop(self.fresh("u"), 1))
        self.mark(nest)

    def split(self, nest: Nest, axis: str, extent: int) -> None:
        position = next((p for p, loop in enumerate(nest.loops)
                         if nest.bindings[axis] == variable(loop.name)), None)
        if position is None:
            return
        loop = nest.loops[position]
        divisors = [each for each in range(2, extent) if extent % each == 0]
        if divisors and self.random.random() < 0.7:
            factor = self.random.choice(divisors)
        else:
            factor = self.random.randint(2, extent - 1)
        parts = [Loop(self.fresh(axis), -(-extent // factor), loop.is_reduced),
                 Loop(self.fresh(axis), factor, loop.is_reduced)]
        nest.loops[position:position + 1] = parts
        self.substitute(nest, loop.name, variable(parts[0].name) * factor + variable(parts[1].name))
        if extent % factor:
            nest.conditions.append(nest.bindings[axis] < extent)

    def fuse(self, nest: Nest) -> None:
        position = self.random.randrange(len(nest.loops) - 1)
        first, second = nest.loops[position:position + 2]
        has_unit = 1 in (first.extent, second.extent)
        if first.is_reduced != second.is_reduced or has_unit and not self.form.drops_units:
            return
        # Parts of one axis make that axis again, and TVM prints it as such.
        for binding in nest.bindings.values():
            names = {each.parts[0] for each in binding.walk() if each.kind == "variable"}
            if {first.name, second.name} <= names:
                return
        fused = Loop(self.fresh("fused"), first.extent * second.extent, first.is_reduced)
        nest.loops[position:position + 2] = [fused]
        one, other = number(0), variable(fused.name)
        if first.extent > 1:
            one, other = other // second.extent, other % second.extent
        self.substitute(nest, first.name, one)
        self.substitute(nest, second.name, other)

    @staticmethod
    def substitute(nest: Nest, name: str, value: Expr) -> None:
        nest.bindings = {axis: each.replace({name: value}) for axis, each in nest.bindings.items()}
        nest.conditions = [each.replace({name: value}) for each in nest.conditions]

    def mark(self, nest: Nest) -> None:
        """Vectors, threads and the like."""
        if nest.loops and not nest.loops[-1].is_reduced and self.random.random() < 0.3:
            nest.loops[-1].kind = "vectorized"
        if nest.loops and not nest.loops[0].is_reduced and nest.loops[0].kind == "serial":
            nest.loops[0].kind = self.random.choice(["serial", "parallel", "blockIdx.x", "threadIdx.x"])
        for loop in nest.loops[1:-1]:
            if self.random.random() < 0.2:
                loop.kind = "unroll"

    def attached(self, stage: Stage, later: list[Nest]) -> Nest | None:
        """The nest within the loops of the only reader of the stage, if that is possible."""
        if not self.form.attach or stage.out.role == "output":
            return None
        readers = [nest for nest in later for each in nest.stage.value.walk()
                   if each.kind == "load" and each.parts[0] is stage.out]
        indices = {each.parts[1] for nest in later for each in nest.stage.value.walk()
                   if each.kind == "load" and each.parts[0] is stage.out}
        if len({id(nest) for nest in readers}) != 1 or len(indices) != 1 or not readers[0].loops:
            return None
        reader, index = readers[0], [each.replace(readers[0].bindings) for each in indices.pop()]
        if any(each.kind in ("load", "choice") or each.kind == "operation" and (
                each.parts[0] not in "+*") for part in index for each in part.walk()):
            return None
        if not reader.attached:
            reader.depth = self.random.randint(1, len(reader.loops))
        around, within = reader.loops[:reader.depth], reader.loops[reader.depth:]
        if any(loop.kind == "vectorized" for loop in around):
            return None
        lower = [each.replace({loop.name: number(0) for loop in within}) for each in index]
        is_copied = stage.value.kind in ("load", "choice") and not stage.reduced
        used = {part.parts[0] for each in lower for part in each.walk() if part.kind == "variable"}
        if not is_copied and any(loop.name not in used and loop.extent > 1 for loop in reader.outer + around):
            return None
        zero = {loop.name: 0 for loop in reader.outer + reader.loops}
        most = {loop.name: loop.extent - 1 for loop in within}
        may_overlap = self.form.has_blocks and not self.form.is_compact
        if not may_overlap and not is_exact(index, reader.outer + reader.loops, len(reader.outer) + reader.depth):
            return None
        extents = [value_of(each, {**zero, **most}) - value_of(each, zero) + 1 for each in index]
        last = {loop.name: loop.extent - 1 for loop in reader.outer + around}
        nest = Nest(stage, [], {}, outer=reader.outer + around)
        for (name, dimension), low, extent in zip(stage.axes, lower, extents):
            loop = Loop(self.fresh("ax"), extent)
            nest.loops.append(loop)
            nest.bindings[name] = low + variable(loop.name) if extent > 1 else low
            if extent == 1 and (self.form.has_blocks or self.form.drops_units):
                nest.loops.pop()
            if value_of(low, last) + extent > dimension:
                nest.conditions.append(nest.bindings[name] < dimension)
        for name, extent in stage.reduced:
            loop = Loop(self.fresh(name), extent, True)
            nest.loops.append(loop)
            nest.bindings[name] = variable(loop.name)
        nest.is_decomposed = bool(stage.reduced) and (not self.form.has_blocks or self.random.random() < 0.3)
        # Tiles of which the last is cut are refused if they accumulate, and else misread.
        if self.form.is_compact and not nest.conditions and not reader.conditions:
            self.compacted[id(stage.out)] = (lower, extents)
        reader.attached.insert(0, nest)
        return nest


def is_exact(index: list[Expr], loops: list[Loop], depth: int) -> bool:
    """Whether the loops behind the first `depth` go through a box without gaps, a part of one that
    all loops go through: then a producer computes what is read, and nothing twice."""
    zero = {loop.name: 0 for loop in loops}
    for each in index:
        steps = sorted((value_of(each, {**zero, loop.name: 1}) - value_of(each, zero), loop.extent, position < depth)
                       for position, loop in enumerate(loops) if loop.extent > 1)
        reached, is_outer = 1, False
        for step, extent, is_around in steps:
            if step == 0:
                continue
            if step > reached or is_outer and not is_around:
                return False
            reached += step * (extent - 1)
            is_outer = is_around
    return True


def redirected(value: Expr, source: Tensor, target: Tensor) -> Expr:
    """The value read from another tensor of the same shape."""
    def change(each: Expr) -> Expr | None:
        if each.kind == "load" and each.parts[0] is source:
            return target[[redirected(index, source, target) for index in each.parts[1]]]
        return None
    return value.map(change)


# Text.

PRECEDENCE = {"and": 1, "<": 2, "<=": 2, "==": 2, "+": 3, "-": 3, "*": 4, "/": 4, "//": 4, "%": 4}


class FunctionPrinter:
    def __init__(self, form: Form, name: str, stages: list[Stage], generator: random.Random):
        self.form, self.name = form, name
        self.random = generator
        self.parameters = inputs_of(stages) + [stages[-1].out]
        self.scheduler = Scheduler(form, stages, generator)
        self.nests = self.scheduler.nests()
        self.names: dict[int, str] = {}
        self.lines: list[str] = []

    def tensor_name(self, tensor: Tensor) -> str:
        if id(tensor) not in self.names:
            base = self.random.choice(["A", "B", "conv2d", "T_relu", "sum", "buf"]) \
                if self.form.names == "random" else tensor.name
            taken = set(self.names.values())
            name = base
            while name in taken:
                name = f"{base}_{len(taken)}"
            self.names[id(tensor)] = name
        return self.names[id(tensor)]

    def integer(self, value: int) -> str:
        return f"T.int64({value})" if self.form.int64 else str(value)

    def shape(self, tensor: Tensor) -> list[int]:
        if id(tensor) in self.scheduler.compacted:
            extents = self.scheduler.compacted[id(tensor)][1]
        else:
            extents = tensor.shape
        return [math.prod(extents)] if self.form.is_flat else extents

    def shape_text(self, tensor: Tensor) -> str:
        extents = [self.integer(extent) for extent in self.shape(tensor)]
        if self.form.is_old:
            return f"[{', '.join(extents)}]"
        return f"({', '.join(extents)}{',' if len(extents) == 1 else ''})"

    def text(self, each: Expr, outer: int = 0) -> str:
        if each.kind == "variable":
            return each.parts[0]
        if each.kind == "number":
            value, element_type = each.parts
            if element_type == "index":
                return self.integer(value)
            return str(value) if element_type == "int32" else f"T.{element_type}({value})"
        if each.kind == "load":
            return self.access(*each.parts)
        if each.kind == "function":
            return f"{each.parts[0]}({', '.join(self.text(part) for part in each.parts[1])})"
        if each.kind == "cast":
            element_type, value = each.parts
            return f"T.cast({self.text(value)}, \"{element_type}\")" if self.form.is_old else \
                f"T.Cast(\"{element_type}\", {self.text(value)})"
        if each.kind == "choice":
            return f"T.if_then_else({', '.join(self.text(part) for part in each.parts)})"
        operator, left, right = each.parts
        strength = PRECEDENCE[operator]
        text = f"{self.text(left, strength)} {operator} {self.text(right, strength + 1)}"
        return f"({text})" if strength < outer else text

    def access(self, tensor: Tensor, index: tuple[Expr, ...]) -> str:
        extents = tensor.shape
        if id(tensor) in self.scheduler.compacted:
            lower, extents = self.scheduler.compacted[id(tensor)]
            index = tuple(number(0) if extent == 1 else each - low
                          for each, low, extent in zip(index, lower, extents))
        if self.form.is_flat:
            flat = number(0)
            for each, extent in zip(index, extents):
                flat = flat * extent + each
            index = (flat,)
        inside = ", ".join(self.text(each) for each in index) or "()"
        return f"{self.tensor_name(tensor)}[{inside}]"

    def emit(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    def print(self, indent: int) -> str:
        block = "T.block" if self.form.is_old else "T.sblock"
        allocate = "T.alloc_buffer" if self.form.is_old else "T.sblock_alloc_buffer"
        is_handles = self.form.is_old and self.random.random() < 0.5
        names = [self.tensor_name(each) for each in self.parameters]
        if is_handles:
            parameters = ", ".join(f"p{position}: T.handle" for position in range(len(names)))
        else:
            opening, closing = ("[", "]") if self.form.is_old else ("(", ")")
            parameters = ", ".join(
                f"{name}: T.Buffer{opening}{self.shape_text(each).replace('[', '(').replace(']', ',)')}, "
                f"\"{each.type}\"{closing}" for name, each in zip(names, self.parameters))
        decorator = "@T.prim_func" if self.form.is_old else "@T.prim_func(private=True, s_tir=True)" \
            if self.form.has_graph else "@T.prim_func(s_tir=True)"
        self.emit(indent, decorator)
        self.emit(indent, f"def {self.name}({parameters}){' -> None' if self.form.is_old else ''}:")
        indent += 1
        noalias = "tir.noalias" if self.form.is_old else "tirx.noalias"
        self.emit(indent, f"T.func_attr({{\"{noalias}\": True}})")
        if is_handles:
            for position, (name, each) in enumerate(zip(names, self.parameters)):
                self.emit(indent, f"{name} = T.match_buffer(p{position}, {self.shape_text(each)}, dtype=\"{each.type}\")")
        for stage in self.scheduler.stages:
            if stage.out not in self.parameters:
                element_type = f", dtype=\"{stage.out.type}\"" if self.form.is_old else \
                    "" if stage.out.type == "float32" else f", \"{stage.out.type}\""
                self.emit(indent, f"{self.tensor_name(stage.out)} = {allocate}({self.shape_text(stage.out)}{element_type})")
        for nest in self.nests:
            self.print_nest(nest, indent, block)
        return "\n".join(self.lines) + "\n"

    def print_nest(self, nest: Nest, indent: int, block: str) -> None:
        leading = 0
        if nest.is_decomposed:
            spatial = next((p for p, loop in enumerate(nest.loops) if loop.is_reduced), len(nest.loops))
            leading = self.random.randint(0, spatial)
            if any(loop.kind == "vectorized" for loop in nest.loops[:leading]):
                leading = 0
        if nest.attached:
            leading = min(leading, nest.depth)
        indent = self.print_loops(nest.loops[:leading], indent)
        if nest.is_decomposed:
            reduced = {loop.name for loop in nest.loops if loop.is_reduced}
            rest = [dataclasses.replace(loop, kind="serial") for loop in nest.loops[leading:] if not loop.is_reduced]
            conditions = [each for each in nest.conditions
                          if not reduced & {part.parts[0] for part in each.walk() if part.kind == "variable"}]
            init = Stage(nest.stage.out, nest.stage.axes, self.start(nest.stage))
            inner = self.print_loops(rest, indent)
            self.print_statement(Nest(init, rest, nest.bindings, conditions), inner, block, "_init")
        if nest.attached:
            indent = self.print_loops(nest.loops[leading:nest.depth], indent)
            for each in nest.attached:
                self.print_nest(each, indent, block)
            leading = nest.depth
        indent = self.print_loops(nest.loops[leading:], indent)
        self.print_statement(nest, indent, block, "_update" if nest.is_decomposed else "")

    @staticmethod
    def start(stage: Stage) -> Expr:
        if stage.combine == "max":
            return lowest(stage.out.type)
        return number(0 if stage.out.type.startswith("int") else 0.0, stage.out.type)

    def print_loops(self, loops: list[Loop], indent: int) -> int:
        plain = self.form.loops == "plain" and not self.form.is_old and len(loops) > 1
        if plain:
            self.emit(indent, f"for {', '.join(loop.name for loop in loops)} in "
                              f"T.grid({', '.join(self.integer(loop.extent) for loop in loops)}):")
            return indent + 1
        for loop in loops:
            extent = self.integer(loop.extent)
            if loop.kind == "serial":
                domain = f"T.serial(0, {extent})" if self.form.is_old else f"range({extent})"
            elif "Idx" in loop.kind:
                domain = f"T.thread_binding({extent}, thread=\"{loop.kind}\")"
            else:
                domain = f"T.{loop.kind}({extent})"
            self.emit(indent, f"for {loop.name} in {domain}:")
            indent += 1
        return indent

    def print_statement(self, nest: Nest, indent: int, block: str, suffix: str) -> None:
        stage = nest.stage
        # A decomposed reduction goes on in what its first part has set.
        is_reduction = bool(stage.reduced)
        axes = stage.axes + stage.reduced
        if not self.form.has_blocks:
            if nest.conditions:
                self.emit(indent, f"if {self.conjunction(nest.conditions)}:")
                indent += 1
            self.print_store(stage, nest.bindings, indent)
            return
        self.emit(indent, f"with {block}(\"{self.tensor_name(stage.out)}{suffix}\"):")
        indent += 1
        block_names = {name: f"v_{name}" for name, _ in axes}
        self.print_axes(nest, axes, block_names, indent)
        if nest.conditions:
            self.emit(indent, f"T.where({self.conjunction(nest.conditions)})")
        values = {name: variable(block_names[name]) for name, _ in axes}
        if is_reduction and not nest.is_decomposed:
            self.emit(indent, "with T.init():")
            init = Stage(stage.out, stage.axes, self.start(stage))
            self.print_store(init, values, indent + 1)
        self.print_store(stage, values, indent)

    def conjunction(self, conditions: list[Expr]) -> str:
        return " and ".join(self.text(each, 2) for each in conditions)

    def print_axes(self, nest: Nest, axes: list[tuple[str, int]], block_names: dict[str, str], indent: int) -> None:
        extents = {loop.name: loop.extent for loop in nest.loops}
        run: list[tuple[str, str, str]] = []

        def flush():
            if len(run) == 1:
                letter, name, loop = run[0]
                kind = "spatial" if letter == "S" else "reduce"
                self.emit(indent, f"{name} = T.axis.{kind}({self.integer(extents[loop])}, {loop})")
            elif run:
                self.emit(indent, f"{', '.join(name for _, name, _ in run)} = T.axis.remap(\""
                                  f"{''.join(letter for letter, _, _ in run)}\", "
                                  f"[{', '.join(loop for _, _, loop in run)}])")
            run.clear()

        for name, extent in axes:
            letter = "R" if (name, extent) in nest.stage.reduced else "S"
            binding = nest.bindings[name]
            if binding.kind == "variable" and extents.get(binding.parts[0]) == extent:
                run.append((letter, block_names[name], binding.parts[0]))
                continue
            flush()
            kind = "spatial" if letter == "S" else "reduce"
            self.emit(indent, f"{block_names[name]} = T.axis.{kind}({self.integer(extent)}, {self.text(binding)})")
        flush()

    def print_store(self, stage: Stage, values: dict[str, Expr], indent: int) -> None:
        target = self.access(stage.out, tuple(each.replace(values) for each in stage.index))
        value = stage.value.replace(values)
        text = self.text(value)
        if stage.combine == "max":
            text = f"T.max({target}, {text})"
        elif stage.combine:
            text = f"{target} + {self.text(value, PRECEDENCE['+'] + 1)}"
        self.emit(indent, f"{target} = {text}")


def print_case(case: Case, form: Form) -> str:
    """The text of a case in a form."""
    text = print_in_usual_dialects(case, form)
    if not form.has_block_dialect:
        return text
    text = re.sub(r"\bT\.(prim_func|sblock\w*|axis|reads|writes|init|where)\b", r"Ts.\1", text)
    text = text.replace("private=True, s_tir=True", "private=True").replace("(s_tir=True)", "")
    return "# from tvm.script import s_tir as Ts\n" + text


def print_in_usual_dialects(case: Case, form: Form) -> str:
    """The same with blocks in the dialect of loops."""
    generator = random.Random(form.seed + 1)
    layers = case.layers
    if form.is_fused:
        layers = [Layer("fused", [each for layer in layers for each in layer.stages], None)]
    names = [each.name for each in layers]
    if form.names == "random":
        names = [f"{name}{position}" for position, name in enumerate(
            generator.choices(["add", "relu", "conv2d", "matmul", "softmax", "f"], k=len(layers)))]
    if not form.has_graph:
        return ("from tvm.script import tir as T\n\n"
                + FunctionPrinter(form, "main", layers[0].stages, generator).print(0))
    functions = [FunctionPrinter(form, name, layer.stages, generator).print(1)
                 for name, layer in zip(names, layers)]
    graph = print_graph(form, names, layers)
    order = list(range(len(functions)))
    generator.shuffle(order)
    parts = [functions[position] for position in order]
    parts.insert(generator.randint(0, len(parts)) if form.names == "random" else len(parts), graph)
    return ("# from tvm.script import ir as I\n# from tvm.script import tirx as T\n"
            "# from tvm.script import relax as R\n\n@I.ir_module\nclass Module:\n" + "\n".join(parts))


def print_graph(form: Form, names: list[str], layers: list[Layer]) -> str:
    def annotation(tensor: Tensor) -> str:
        shape = ", ".join(map(str, tensor.shape)) + ("," if len(tensor.shape) == 1 else "")
        return f"R.Tensor(({shape}), dtype=\"{tensor.type}\")"

    inputs = inputs_of([each for layer in layers for each in layer.stages])
    inputs.sort(key=lambda each: each.role == "weight")
    values = {id(each): f"p{position}" for position, each in enumerate(inputs)}
    parameters = ", ".join(f"{values[id(each)]}: {annotation(each)}" for each in inputs)
    last = layers[-1].out
    lines = ["@R.function", f"def main({parameters}) -> {annotation(last)}:"]
    if form.has_roles:
        activations = sum(each.role != "weight" for each in inputs)
        lines.append(f"    R.func_attr({{\"num_input\": {activations}}})")
    lines += ["    cls = Module", "    with R.dataflow():"]
    for position, (name, layer) in enumerate(zip(names, layers)):
        values[id(layer.out)] = "gv" if layer is layers[-1] else f"lv{position}"
        arguments = ", ".join(values[id(each)] for each in inputs_of(layer.stages))
        keyword = "out_sinfo" if form.is_old else "out_ty"
        lines.append(f"        {values[id(layer.out)]} = R.call_tir(cls.{name}, ({arguments},), "
                     f"{keyword}={annotation(layer.out)})")
    lines += ["        R.output(gv)", "    return gv"]
    return "".join(f"    {line}\n" for line in lines)
