#!/usr/bin/env python3
"""Checks a trace of --trace-json: valid JSON of the form that Perfetto and Chrome read, one process, time goes on,
no two slices of a thread overlap, arrows go from one executed instruction to a later one; and with --csv that it has the times of a trace of --trace."""

import argparse
import csv
import json
import pathlib
import sys

KEYS = {"X": {"ph", "pid", "tid", "ts", "dur", "name", "cat", "args"},
        "M": {"ph", "pid", "tid", "name", "args"},
        "s": {"ph", "pid", "tid", "ts", "id", "name", "cat"},
        "f": {"ph", "bp", "pid", "tid", "ts", "id", "name", "cat"}}


def problems(trace: dict) -> list[str]:
    found = []
    last, ends = 0, {}
    for number, event in enumerate(trace["traceEvents"]):
        if set(event) != KEYS.get(event["ph"]):
            found.append(f"event {number} has {sorted(event)}")
            continue
        if event["pid"] != 1:
            found.append(f"event {number} is of another process")
        if event["ph"] == "M":
            continue
        if event["ph"] in "sf":
            if event["ts"] < last:
                found.append(f"event {number} is an arrow that comes too late: {event}")
            last = event["ts"]
            continue
        if event["ts"] < last or event["ts"] < ends.get(event["tid"], 0) or event["dur"] < 0:
            found.append(f"event {number} begins too early: {event}")
        last = event["ts"]
        ends[event["tid"]] = last + event["dur"]
    named = {event["tid"] for event in trace["traceEvents"] if event["name"] == "thread_name"}
    found += [f"thread {thread} has no name" for thread in ends if thread not in named]
    return found


def arrow_problems(trace: dict) -> list[str]:
    """Each arrow goes from an instruction to one that starts when that has finished at the earliest."""
    found, tails, tips = [], {}, {}
    ends = {(event["tid"], event["ts"]): event["ts"] + event["dur"] for event in trace["traceEvents"]
            if event.get("cat") == "execute"}
    for event in trace["traceEvents"]:
        if event["ph"] not in "sf":
            continue
        of_kind = tails if event["ph"] == "s" else tips
        if event["id"] in of_kind or (event["tid"], event["ts"]) not in ends:
            found.append(f"an arrow at nothing, or twice: {event}")
        of_kind[event["id"]] = event
    for number in tails.keys() | tips.keys():
        if number not in tails or number not in tips:
            found.append(f"arrow {number} has one end")
        elif tips[number]["ts"] < ends.get((tails[number]["tid"], tails[number]["ts"]), 0):
            found.append(f"arrow {number} comes before its data: {tips[number]}")
    return found


def differences(trace: dict, path: str) -> list[str]:
    """When instructions started and finished must be what the CSV says of the same ones."""
    with pathlib.Path(path).open(encoding="utf-8", newline="") as file:
        rows = {(row["layer"], row["index"]): row for row in csv.DictReader(file)}
    starts, found, compared = {}, [], 0
    for event in trace["traceEvents"]:
        if event.get("cat") == "layer":
            starts[event["name"]] = event["ts"]
    for event in trace["traceEvents"]:
        if event.get("cat") != "execute":
            continue
        compared += 1
        arguments = event["args"]
        row = rows[arguments["layer"], arguments["instruction"]]
        begin = event["ts"] - starts[arguments["layer"]]
        expected = (int(row["started"]), int(row["finished"]), row["instruction"], row["source"],
                    row["loops"])
        actual = (begin, begin + event["dur"], event["name"], arguments["source"],
                  " ".join(map(str, arguments["loops"])))
        if actual != expected:
            found.append(f"{arguments}: {actual} instead of {expected}")
    return found if compared else ["nothing is executed"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trace", type=pathlib.Path)
    parser.add_argument("--csv", help="a trace of the same run")
    options = parser.parse_args()
    trace = json.loads(options.trace.read_text(encoding="utf-8"))
    found = problems(trace) + arrow_problems(trace) + (differences(trace, options.csv) if options.csv else [])
    print("\n".join(found[:20]), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
