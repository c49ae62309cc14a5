#!/usr/bin/env python3
"""Writes a program for std/gemmini.acadl that replays a file of Gemmini's commands.

A line of the file is a command as the host issues it: `funct rs1 rs2`, funct decimal, the registers
hexadecimal. Supported is what the model has: configurations, loads, stores, preloads and computes of either
dataflow, in blocks of 16, results in the accumulator. Anything else is an error.

    scripts/gemmini_commands.py commands.cmd > replay.acadl
    acadlc replay.acadl --program replay --estimate
"""

import argparse
import pathlib
import sys

DIM = 16
BANK_ROWS = 4096        # of the scratchpad
ACCUMULATOR_ROWS = 512  # of a bank
WINDOW = 64             # bytes of the largest request; requests depend on addresses modulo it
GARBAGE = 0xFFFFFFFF
FEWEST_ROWS = 4         # of a step of the mesh

CONFIG, MVIN2, MVIN, MVOUT, COMPUTE, COMPUTE_AGAIN, PRELOAD, MVIN3 = 0, 1, 2, 3, 4, 5, 6, 14
MVIN_STATES = {MVIN: 0, MVIN2: 1, MVIN3: 2}


class Unsupported(Exception):
    """A command that the model does not have."""


class Tile:
    """A local address with its size: the word that most commands have in their registers."""

    def __init__(self, word):
        address = word & 0xFFFFFFFF
        self.rows, self.columns = word >> 48 & 0xFFFF, word >> 32 & 0xFFFF
        self.is_garbage = address == GARBAGE
        self.in_accumulator = bool(address >> 31)
        self.adds = bool(address >> 30 & 1)
        self.is_full = bool(address >> 29 & 1)
        self.row = address & 0x3FFF

    @property
    def row_bytes(self):
        return 4 * DIM if self.in_accumulator else DIM

    @property
    def bank(self):
        return self.row // (ACCUMULATOR_ROWS if self.in_accumulator else BANK_ROWS)

    def slice(self, rows):
        """The bytes of `rows` rows, as an operand."""
        memory = "accumulator" if self.in_accumulator else "scratchpad"
        return f"arch.{memory}[{self.row * self.row_bytes} .. {(self.row + rows) * self.row_bytes}]"


def literal(truth):
    return "true" if truth else "false"


class Translation:
    """The state that configurations set, and the emits so far."""

    def __init__(self):
        self.keeps_weights = True
        self.load_strides = [0, 0, 0]
        self.store_stride = 0
        self.emits = []

    def emit(self, instruction, *operands):
        self.emits.append(f"  emit {instruction}({', '.join(map(str, operands))})")

    def configure(self, rs1, rs2):
        kind = rs1 & 3
        if kind == 0:
            if rs1 >> 8 & 3 or rs1 >> 16 & 0xFFFF != 1 or rs2 >> 48 != 1:
                raise Unsupported("a transposition or a stride other than 1 in the mesh")
            self.keeps_weights = bool(rs1 >> 2 & 1)
            self.emit("config_execute")
        elif kind == 1:
            if rs1 >> 2 & 1 or rs1 >> 16 & 0xFFFF != DIM or rs2 == 0:
                raise Unsupported("a load that shrinks, repeats a row or spreads blocks")
            self.load_strides[rs1 >> 3 & 3] = rs2
            self.emit("config_load")
        elif kind == 2:
            if rs1 >> 4 & 3:
                raise Unsupported("pooling")
            self.store_stride = rs2 & 0xFFFFFFFF
            self.emit("config_store")
        else:
            raise Unsupported("a normalisation")

    def load(self, state, address, tile):
        if tile.is_garbage or address == 0 or tile.adds and tile.in_accumulator:
            raise Unsupported("a load of zeros, to nowhere or onto a sum")
        blocks = -(-tile.columns // DIM)
        if tile.in_accumulator and blocks > 1:
            raise Unsupported("a load of several blocks into the accumulator")
        width, stride = tile.columns * tile.row_bytes // DIM, self.load_strides[state]
        self.emit("mvin", tile.slice((blocks - 1) * DIM + tile.rows),
                  f"arch.main_memory[{address} .. {address + (tile.rows - 1) * stride + width}]",
                  tile.rows, width, address % WINDOW, stride % WINDOW, literal(tile.in_accumulator),
                  tile.bank)

    def store(self, address, tile):
        if tile.is_garbage:
            raise Unsupported("a store from nowhere")
        blocks = -(-tile.columns // DIM)
        width, stride = tile.columns * (4 if tile.is_full else 1), self.store_stride
        self.emit("mvout",
                  f"arch.main_memory[{address} .. {address + (tile.rows - 1) * stride + width}]",
                  tile.slice((blocks - 1) * DIM + tile.rows), tile.rows, blocks, width,
                  address % WINDOW, stride % WINDOW, literal(tile.in_accumulator), tile.bank)

    def preload(self, loaded, result, following):
        if not result.is_garbage and not result.in_accumulator:
            raise Unsupported("a result in the scratchpad")
        if self.keeps_weights:
            if result.is_garbage:
                raise Unsupported("a preload without a result while weights stay in the mesh")
            rows = self.rows_behind(following)
            operands = result.slice(result.rows), result.bank, result.rows, rows, literal(result.adds)
            if loaded.is_garbage:
                self.emit("preload_keep", *operands)
            else:
                self.emit("preload", operands[0], loaded.slice(loaded.rows), loaded.bank, *operands[1:])
            return
        if not loaded.is_garbage:
            raise Unsupported("sums that start with values from the scratchpad")
        bank = self.compute_behind(following).bank  # the transposer takes the left operand with the preload
        if result.is_garbage:
            self.emit("preload_nothing", bank)
        else:
            self.emit("preload_sums", result.slice(result.rows), bank, result.bank, result.rows,
                      literal(result.adds))

    @staticmethod
    def compute_behind(following):
        """The left operand of the compute behind a preload."""
        if not following or following[0][0] not in (COMPUTE, COMPUTE_AGAIN):
            raise Unsupported("a preload without a compute behind it")
        return Tile(following[0][1])

    def rows_behind(self, following):
        """Rows of the step that pushes out the result: all, if the next preload brings weights."""
        left = self.compute_behind(following)
        behind = next((Tile(rs1) for funct, rs1, _ in following[1:] if funct == PRELOAD), None)
        brings_weights = behind is not None and not behind.is_garbage
        return DIM if brings_weights else max(left.rows, FEWEST_ROWS)

    @staticmethod
    def is_alone(following):
        """Whether no preload stands behind a compute: what the mesh takes next is something else."""
        for funct, rs1, _ in following:
            if funct in (PRELOAD, COMPUTE, COMPUTE_AGAIN) or (funct == CONFIG and rs1 & 3 == 0):
                return funct != PRELOAD
        return True

    def compute(self, left, right, following):
        if left.is_garbage or left.in_accumulator:
            raise Unsupported("a left operand that is not in the scratchpad")
        if self.keeps_weights:
            if not right.is_garbage:
                raise Unsupported("a third operand while weights stay in the mesh")
            self.emit("compute", left.slice(left.rows), left.bank, left.rows, DIM, left.columns,
                      literal(self.is_alone(following)))
            return
        if right.is_garbage or right.in_accumulator:
            raise Unsupported("a right operand that is not in the scratchpad")
        self.emit("compute_sums", left.slice(left.rows), right.slice(right.rows), right.bank, left.rows,
                  right.columns, left.columns)

    def translate(self, command, following):
        funct, rs1, rs2 = command
        if funct == CONFIG:
            self.configure(rs1, rs2)
        elif funct in MVIN_STATES:
            self.load(MVIN_STATES[funct], rs1, Tile(rs2))
        elif funct == MVOUT:
            self.store(rs1, Tile(rs2))
        elif funct == PRELOAD:
            self.preload(Tile(rs1), Tile(rs2), following)
        elif funct in (COMPUTE, COMPUTE_AGAIN):
            self.compute(Tile(rs1), Tile(rs2), following)
        else:
            raise Unsupported(f"funct {funct}")


def read_commands(path):
    """The commands of a file, each with its line number."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        try:
            funct, rs1, rs2 = int(fields[0]), int(fields[1], 16), int(fields[2], 16)
        except (ValueError, IndexError):
            sys.exit(f"{path}:{number}: not a command: '{line}'")
        yield number, (funct, rs1, rs2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commands", type=pathlib.Path)
    parser.add_argument("--model", default="std/gemmini.acadl", help="what the program imports")
    parser.add_argument("--name", default="replay", help="of the program")
    options = parser.parse_args()

    commands = list(read_commands(options.commands))
    translation = Translation()
    for index, (number, command) in enumerate(commands):
        following = [behind for _, behind in commands[index + 1:]]
        try:
            translation.translate(command, following)
        except Unsupported as reason:
            sys.exit(f"{options.commands}:{number}: the model does not have {reason}")
    print(f"//! The commands of {options.commands.name}.")
    print(f'import "{options.model}"\n')
    print(f"program {options.name}() on arch: Gemmini {{")
    print("\n".join(translation.emits))
    print("}")


if __name__ == "__main__":
    main()
