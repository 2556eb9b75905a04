"""Fits the constants of the cost model to measured gas, and checks them on other work.

    python -m benchmarks.fit_costs --write                 fit, and write the constants
    python -m benchmarks.fit_costs [--workloads FOLDER]    check them on W1 to W8, row by row

Fitted is on `benchmarks/fit_workloads.py`, without a calldata floor; checked is on the workloads, which
have other sizes and other numbers. Least squares of the relative errors, rounded to hundredths of gas.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fit_workloads import fit_workloads
from benchmarks.operations import Measured, measure_compiled
from benchmarks.predicted import works
from benchmarks.workloads import Workload, load_workloads
from dcai_compile import Compiled, abi, cost_constants
from dcai_compile.costs import DEPLOYMENT, Costs
from dcai_compile.rules import PRAGUE
from dcai_compile.work import Work, charged

FILE = Path(cost_constants.__file__)
HEAD = '''"""Gas of computing, in hundredths. Written by `python -m benchmarks.fit_costs --write`."""

from __future__ import annotations

COMPUTING: dict[str, dict[str, int]] = {
'''


LESSONS = 4
"""Lessons of each sample when a model has been taught more."""


@dataclass(frozen=True)
class Row:
    """One operation: gas measured, and the work that it is, a piece a transaction."""

    name: str
    operation: str
    gas: int
    work: list[Work]


@dataclass(frozen=True)
class Point:
    """One measurement to fit: what computing took, and how much of what was computed."""

    computing: dict[str, int]
    gas: int
    measured: int


def measured_works(compiled: Compiled, workload: Workload, fork: str) -> Iterator[Row]:
    """Every operation of the table, and the same model when it has been taught more."""
    measured = measure_compiled(compiled, workload, fork)
    for (name, operation), found in works(compiled, workload).items():
        yield Row(name, operation, measured[name, operation], found)
    yield from _later(compiled, workload, fork)


def _later(compiled: Compiled, workload: Workload, fork: str) -> Iterator[Row]:
    """Lessons that change what was learned before, carries among them, and predictions after them."""
    costs, mirror = Costs(compiled), compiled.new_mirror()
    system = Measured(compiled, workload, "abi", fork, history=False)
    calls = Measured(compiled, workload, "abi", "cancun", history=False)
    for lesson in range(LESSONS):
        for name, taught in workload.samples.items():
            sample = list(taught.data)
            label = 1 - lesson % 2
            gas, _ = system.add(sample, label, 0)
            yield Row(name, f"lesson {lesson}", gas, [costs.add(mirror, sample, label)])
            calls.add(sample, label, 0)
            gas = calls.execution(abi.sample_call(abi.PREDICT, sample))
            yield Row(name, f"predict {lesson}", gas, [costs.predict(mirror, sample)])


def points(workload: Workload, options: dict[str, Any]) -> Iterator[tuple[str, Point]]:
    """The measurements of a model, each with the name of the constants that explain it."""
    compiled = workload.compile(layout="fused", **options)
    costs = Costs(compiled)
    for row in measured_works(compiled, workload, "cancun"):
        key = costs.profile if row.work[0].code is None else DEPLOYMENT
        computing: dict[str, int] = {}
        for work in row.work:
            for part, count in work.computing.items():
                computing[part] = computing.get(part, 0) + count
        rest = row.gas - sum(_charged(work) for work in row.work)
        yield key, Point(computing, rest, row.gas)


def _charged(work: Work) -> int:
    return charged(work, PRAGUE) - PRAGUE.cleared * len(work.touches.cleared)


def fit(found: list[Point]) -> dict[str, int]:
    """Constants in hundredths of gas; the shortest of those that explain the points equally well."""
    names = sorted({name for point in found for name in point.computing})
    weights = np.array([1.0 / point.measured for point in found])
    counts = np.array([[point.computing.get(name, 0) for name in names] for point in found], float)
    gas = np.array([point.gas for point in found], float)
    scale = np.abs(counts).max(axis=0)
    matrix = counts / scale * weights[:, None]
    solved, *_ = np.linalg.lstsq(matrix, gas * weights, rcond=1e-9)
    return {
        name: round(100 * value / size)
        for name, value, size in zip(names, solved.tolist(), scale.tolist(), strict=True)
        if round(100 * value / size)
    }


def fitted() -> dict[str, dict[str, int]]:
    """Constants of every profile that there are models for."""
    by_profile: dict[str, list[Point]] = {}
    for workload, options in fit_workloads():
        for key, point in points(workload, options):
            by_profile.setdefault(key, []).append(point)
        print(workload.name, flush=True)
    constants = {key: fit(found) for key, found in sorted(by_profile.items())}
    for key, found in sorted(by_profile.items()):
        print(f"{key}: {len(found)} points, worst {worst(found, constants[key]):.2%}")
    return constants


def worst(found: list[Point], constants: dict[str, int]) -> float:
    """The largest relative error on the points."""
    errors = [
        abs(sum(constants.get(k, 0) * n for k, n in point.computing.items()) / 100 - point.gas)
        / point.measured
        for point in found
    ]
    return max(errors)


def text_of(constants: dict[str, dict[str, int]]) -> str:
    """The module that keeps them."""
    lines = []
    for key, values in constants.items():
        lines.append(f'    "{key}": {{')
        lines += [f'        "{name}": {value},' for name, value in values.items()]
        lines.append("    },")
    return HEAD + "\n".join(lines) + "\n}\n"


def check(workload: Workload) -> Iterator[tuple[Row, int]]:
    """Each row of a workload, and what is predicted for it."""
    compiled = workload.compile(layout="fused")
    costs = Costs(compiled)
    for row in measured_works(compiled, workload, "prague"):
        yield row, sum(costs.gas(work, PRAGUE) for work in row.work)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workloads", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if arguments.write:
        constants = fitted()
        FILE.write_text(text_of(constants), encoding="utf-8")
        cost_constants.COMPUTING.clear()
        cost_constants.COMPUTING.update(constants)
    largest = 0.0
    for workload in load_workloads(arguments.workloads):
        for row, found in check(workload):
            error = found / row.gas - 1
            largest = max(largest, abs(error))
            print(
                f"{row.name:<9}{row.operation:<20}{row.gas:>12,}{found:>12,}{error:>9.2%}",
                flush=True,
            )
    print(f"largest error {largest:.2%}")


if __name__ == "__main__":
    main()
