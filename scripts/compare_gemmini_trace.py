#!/usr/bin/env python3
"""Compares the commands of a trace with those that were measured: entry, issue and completion of each.

    acadlc replay.acadl --program replay -P mem_latency=20 --estimate --trace trace.csv
    scripts/compare_gemmini_trace.py trace.csv measured.csv

The measured file has a command a row: its class (queue: ld, ex, st) and the cycles alloc, issue and complete,
counted from the first entry into the reservation station. Each class is compared in its own order; that is
program order, and for loops, whose generators run side by side, all that both have in common.

A difference of `issue` alone means nothing: the model keeps commands in the station where the RTL has queues
in front of its load and store controllers, and the mesh's queue is free when a step begins, not when it ends.
"""

import argparse
import collections
import csv
import pathlib
import sys

CLASSES = {"config_load": "ld", "mvin": "ld", "config_store": "st", "mvout": "st"}
EVENTS = ("alloc", "issue", "complete")


def read_trace(path):
    """The commands that pass the reservation station, by class, with their cycles in the RTL's terms."""
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["allocated"]]
    if not rows:
        sys.exit(f"{path}: no command passes a reservation station")
    rows.sort(key=lambda row: int(row["allocated"]))
    start = int(rows[0]["allocated"])
    commands = collections.defaultdict(list)
    for row in rows:
        # The RTL's completion is the cycle in front of the one in which the entry is free. A configuration
        # of loads or stores completes as it is issued.
        late = 0 if row["instruction"] in ("config_load", "config_store") else 1
        times = (int(row["allocated"]), int(row["issued"]), int(row["released"]) - late)
        commands[CLASSES.get(row["instruction"], "ex")].append(
            (f"{row['index']} ({row['instruction']})", [time - start for time in times]))
    return commands


def read_measured(path):
    """The measured commands by class, each with the line that names it."""
    commands = collections.defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            commands[row["queue"]].append((row["idx"], [int(row[event]) for event in EVENTS]))
    return commands


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trace", type=pathlib.Path)
    parser.add_argument("measured", type=pathlib.Path)
    parser.add_argument("--list", action="store_true", help="every command that differs")
    options = parser.parse_args()

    ours, measured = read_trace(options.trace), read_measured(options.measured)
    differing, errors = [], {event: [] for event in EVENTS}
    for name in sorted(set(ours) | set(measured)):
        if len(ours[name]) != len(measured[name]):
            sys.exit(f"{options.trace}: {len(ours[name])} commands of class {name}, "
                     f"measured are {len(measured[name])}")
        for (label, times), (index, expected) in zip(ours[name], measured[name]):
            difference = [time - right for time, right in zip(times, expected)]
            for event, error in zip(EVENTS, difference):
                errors[event].append(error)
            if any(difference):
                differing.append((min(expected), index, name, label, times, expected, difference))

    total = len(errors["alloc"])
    print(f"{total} commands, {total - len(differing)} of them exact in all cycles")
    for event in EVENTS:
        values = errors[event]
        sizes = [abs(value) for value in values]
        common = ", ".join(f"{value:+d}: {count}" if value else f"0: {count}" for value, count in
                           collections.Counter(values).most_common(8))
        print(f"  {event:8} mean {sum(sizes) / total:.2f}, 90th {percentile(sizes, 0.9)}, "
              f"largest {max(sizes)} cycles; {common}")
    differing.sort()
    for _, index, name, label, times, expected, difference in differing[:None if options.list else 1]:
        print(f"{'differs' if options.list else 'first'}: measured {index} ({name}), ours {label}: " +
              ", ".join(f"{event} {right} {time - right:+d}" if time != right else f"{event} {right}"
                        for event, right, time in zip(EVENTS, expected, times)))


if __name__ == "__main__":
    main()
