"""Two hundred random lessons for each of W1 to W8 on both EVMs, against the mirror; and how fast that goes.

    python -m benchmarks.two_evms [--workloads FOLDER] [--lessons 200] [--only W1,W6,W7]

Compared after each lesson: all of storage; in the end predictions and parameters. Times are of this
machine; the two EVMs are compared within one run.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.gas import DEFAULT_FOLDER
from benchmarks.workloads import Workload, load_workloads
from dcai_compile import Compiled
from dcai_compile.solc import compile_standard, find_solc

SAMPLES = 20


def lessons(workload: Workload, n_classes: int, count: int) -> tuple[Any, Any]:
    """Random samples of the workload's kind, and random classes."""
    rng = np.random.default_rng(5)
    classes = rng.integers(0, n_classes, count)
    n_features = workload.X.shape[1]
    if workload.dense:
        return rng.normal(0, float(np.std(workload.X)), (count, n_features)), classes
    counts = np.zeros((count, n_features), np.int64)
    for row in counts:
        row[rng.choice(n_features, rng.integers(1, 61), replace=False)] = 1
    return sparse.csr_array(counts), classes


def solc_seconds(compiled: Compiled) -> float:
    """What the Solidity compiler takes, on a source that no cache has."""
    name, text = next(iter(compiled.source.items()))
    sources = {**compiled.standard_input["sources"]}
    sources[name] = {"content": f"{text}// {time.time_ns()}\n"}
    started = time.perf_counter()
    compile_standard({**compiled.standard_input, "sources": sources}, find_solc(None))
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workloads", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--lessons", type=int, default=200)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    folder = arguments.workloads if arguments.workloads.is_dir() else None
    only = [name for name in arguments.only.split(",") if name]
    print(
        "| workload | solc, s | all else of compiling, s | EVM | lessons | mismatches | calls a second |"
    )
    print("|---|--:|--:|---|--:|--:|--:|")
    for workload in load_workloads(folder):
        if only and workload.name not in only:
            continue
        compiled = workload.compile()
        solc = solc_seconds(compiled)
        started = time.perf_counter()
        compiled = workload.compile()  # the compiler's output is in the cache by now
        ours = time.perf_counter() - started
        classes = compiled.integers.model.classes
        X, y = lessons(workload, len(classes), arguments.lessons)
        labels = np.array(classes)[y]
        for evm in ("revm", "eth-tester"):
            report = compiled.verify(X[:SAMPLES], evm=evm, updates=(X, labels))
            found = report.evms[0]
            print(
                f"| {workload.name} | {solc:.2f} | {ours:.2f} | {evm} | {report.updates} "
                f"| {report.evm_mismatches} | {found.calls_per_second:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
